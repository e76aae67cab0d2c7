/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The extender's verbs: bodies in as they arrive, answers out (design §4.3; wire types of
 * k8s.io/kube-scheduler/extender/v1, keys in Go's CamelCase without tags).
 *
 * Pure: what is known of the cluster comes through `plimsoll_extender_world`. One call object
 * serves one request and belongs to one thread. Both forms: `NodeNames` is answered from the world;
 * full `Nodes` from the bytes, of which only survivors are kept (they go back verbatim).
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/placement.h>
#include <plimsoll/text.h>

/** One node of the picture; borrowed until the call object is freed. */
struct plimsoll_extender_node {
    struct plimsoll_node_view view;
    const struct plimsoll_node_load
        *load; /* for anybody: nobody left out, every nominated pod counted */
};

/** What the verbs need from the cluster. Declared here, implemented by whoever has a picture. */
struct plimsoll_extender_world {
    void *context;
    bool synced; /* false: GPU pods get an error, pods without a GPU pass */
    /** @return false when the node is not known. */
    bool (*node)(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out);
    /** The node that the pod is bound to or has a claim in flight on; NULL when none. Borrowed. */
    const char *(*node_of)(void *context, const struct plimsoll_uid *pod);
};

enum plimsoll_extender_verb { PLIMSOLL_VERB_FILTER, PLIMSOLL_VERB_PRIORITIZE };

struct plimsoll_extender_call;

/** For metrics and logs; filled by finish. */
struct plimsoll_extender_outcome {
    bool gpu;
    size_t asked, passed;                  /* nodes */
    size_t rejected[PLIMSOLL_REFUSED + 1]; /* by enum plimsoll_reason */
};

/** All arguments are borrowed and must outlive the call. */
struct plimsoll_extender_call *plimsoll_extender_begin(
    enum plimsoll_extender_verb verb, const struct plimsoll_extender_world *world,
    const struct plimsoll_reading *reading, const struct plimsoll_placement_settings *settings);
void plimsoll_extender_free(struct plimsoll_extender_call **call);

/** The next bytes of the body. @return 0, or -1: PLIMSOLL_ERR_INVALID / TOO_LARGE with a sentence.
 */
int plimsoll_extender_feed(struct plimsoll_extender_call *call, struct plimsoll_span bytes,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/**
 * The body has ended: writes the answer (ExtenderFilterResult or HostPriorityList).
 * Not synced and the pod is a GPU pod: the answer's `Error` says so (filter), or -1 with
 * PLIMSOLL_ERR_UNAVAILABLE (prioritize).
 */
int plimsoll_extender_finish(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                             struct plimsoll_extender_outcome *outcome,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** ExtenderBindingArgs. */
struct plimsoll_bind_request {
    char pod[PLIMSOLL_NAME_BYTES_MAX + 1];
    char namespace_[PLIMSOLL_NAME_BYTES_MAX + 1];
    struct plimsoll_uid uid;
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
};

int plimsoll_extender_read_bind(struct plimsoll_span body, struct plimsoll_bind_request *request,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** ExtenderBindingResult; `message` NULL or empty: bound. */
void plimsoll_extender_write_bind(const char *message, struct plimsoll_text *answer);
