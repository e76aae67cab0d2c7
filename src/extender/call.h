/* SPDX-License-Identifier: Apache-2.0 */
/** One filter or prioritize request in progress. Private to extender. */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/json_stream.h>

#include "names.h"
#include "node_cache.h"

enum plimsoll_extender_form {
    PLIMSOLL_FORM_NONE, /* no nodes at all */
    PLIMSOLL_FORM_NAMES,
    PLIMSOLL_FORM_NODES,
};

#define PLIMSOLL_NOT_BOUND SIZE_MAX

struct plimsoll_extender_call {
    enum plimsoll_extender_verb verb;
    const struct plimsoll_extender_world *world;
    const struct plimsoll_reading *reading;
    const struct plimsoll_placement_settings *settings;

    struct plimsoll_json_stream *stream;
    bool names_seen;
    bool pod_seen;
    struct plimsoll_pod pod;
    char bound[PLIMSOLL_NAME_BYTES_MAX + 1]; /* the node the pod is on already, "" when none */

    enum plimsoll_extender_form form;
    struct plimsoll_names names;
    struct plimsoll_node_lookup lookup; /* its cache is NULL: none, or not yet */
    size_t bound_index;                 /* of `bound` in names; PLIMSOLL_NOT_BOUND */
    size_t likely;  /* the node the scheduler will likely choose; PLIMSOLL_NOT_BOUND: none */
    double *scores; /* prioritize: by name, of those that fit; owned */
    size_t score_capacity;
    struct plimsoll_text kept; /* filter, full Nodes: the answer so far, survivors verbatim */
};

/** Whether nodes have to be judged one by one, or the pod decides alone (no GPU, or refused). */
static inline bool plimsoll_call_judges(const struct plimsoll_extender_call *call)
{
    return call->pod.demand.gpu && call->pod.refusal == NULL;
}

/** The reason for all nodes alike when plimsoll_call_judges is false. */
static inline enum plimsoll_reason plimsoll_call_reason(const struct plimsoll_extender_call *call)
{
    return call->pod.refusal != NULL ? PLIMSOLL_REFUSED : PLIMSOLL_FITS;
}

/** Decides about node `index` of the names from what is known of it; NULL: not known. */
void plimsoll_call_judge(struct plimsoll_extender_call *call, size_t index,
                         const struct plimsoll_extender_node *node);

/** Decides about all names of the NodeNames form, or -1 when one is there twice; takes and gives
 * back the world's hold. */
int plimsoll_call_judge_names(struct plimsoll_extender_call *call,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** A survivor of the full form, into `kept`. */
int plimsoll_call_keep(struct plimsoll_extender_call *call, struct plimsoll_span node,
                       struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Appends the answers; -1 with PLIMSOLL_ERR_TOO_LARGE when one does not fit. */
int plimsoll_call_write_filter(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_call_write_error(const char *message, struct plimsoll_text *answer,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_call_write_scores(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
