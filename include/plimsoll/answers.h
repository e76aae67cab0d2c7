/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What `kubectl plimsoll` answers: as tables for people and as objects for programs. Pure; appends
 * to a text.
 *
 * The objects are JSON with "v": 1 and "kind"; docs/kubectl.md lists their fields. Sizes are bytes.
 * Fields may be added, none is renamed or taken away within a version.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/estimate.h>
#include <plimsoll/view.h>

/**
 * A JSON text as YAML.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when it is no JSON, PLIMSOLL_ERR_TOO_LARGE when it
 * does not fit `out`.
 */
int plimsoll_view_yaml(struct plimsoll_span json, struct plimsoll_text *out,
                       struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The cards of a cluster; borrowed for the call. */
struct plimsoll_view_cluster {
    const struct plimsoll_extender_node *nodes; /* with their loads */
    size_t node_count;
    const char *namespace_; /* only its pods, and cards that have some; NULL: all */
    int64_t now_unix_ms;
    const char *note; /* said at the end, like where the settings come from; NULL: nothing */
};

/** A heading per node, a line per card with its load line, and the pods on it. */
void plimsoll_view_top(const struct plimsoll_view_cluster *cluster,
                       const struct plimsoll_view_options *options, struct plimsoll_text *out);
/** A line per namespace with what it holds of all cards, and its pods. */
void plimsoll_view_top_namespaces(const struct plimsoll_view_cluster *cluster,
                                  const struct plimsoll_view_options *options,
                                  struct plimsoll_text *out);
/** Both as one object: kind Top. */
void plimsoll_view_top_json(const struct plimsoll_view_cluster *cluster, struct plimsoll_text *out);

/** What the API says of a pod's way to a node; strings are never NULL. */
struct plimsoll_view_event {
    const char *reason, *note, *from; /* `from`: the component that says it */
    int64_t time_unix_ms;             /* 0: not known */
    uint64_t count;
};
struct plimsoll_view_scheduling {
    const char *scheduler; /* spec.schedulerName */
    const char *gates;     /* names of its scheduling gates, "" none */
    /* The condition PodScheduled; tried: it is there. */
    bool tried, scheduled;
    const char *reason, *message;
    int64_t since_unix_ms; /* 0: not known, like `created` */
    int64_t created_unix_ms;
    const struct plimsoll_view_event *events; /* newest first */
    size_t event_count;
};

/** Why does the pod wait, or run where it does? Borrowed until the explanation is freed. */
struct plimsoll_view_question {
    const struct plimsoll_pod *pod;
    const struct plimsoll_view_scheduling *scheduling; /* NULL: a pod that is not there yet */
    const struct plimsoll_view_cluster *cluster;       /* all nodes, those without a card, too */
    const struct plimsoll_placement_settings *settings;
    const char *const *schedulers; /* that ask Plimsoll; none: nobody says which */
    size_t scheduler_count;
    /* Of a pod that is not there yet: how many like it each of the cluster's nodes takes, one after
     * the other; what has the VRAM and takes none is ruled out by other filters, unless capped. */
    const size_t *like;
    bool like_capped; /* more than were counted */
};

/** Where a pod stands. Of one that is not there yet: REFUSED, NO_GPU, WAITS or FITS. */
enum plimsoll_view_standing {
    PLIMSOLL_STANDING_NO_GPU,
    PLIMSOLL_STANDING_FINISHED,
    PLIMSOLL_STANDING_BOUND,
    PLIMSOLL_STANDING_REFUSED, /* its request cannot be read */
    PLIMSOLL_STANDING_GATED,
    PLIMSOLL_STANDING_ELSEWHERE, /* asks for a scheduler that does not ask Plimsoll */
    PLIMSOLL_STANDING_UNSEEN,    /* no scheduler has looked at it */
    PLIMSOLL_STANDING_WAITS,     /* no node has room */
    PLIMSOLL_STANDING_FITS,      /* some node has room now; another reason holds it */
};

struct plimsoll_view_explanation;

/** Judges every node as filter does. The caller frees it. */
struct plimsoll_view_explanation *
plimsoll_view_explain(const struct plimsoll_view_question *question);
void plimsoll_view_explanation_free(struct plimsoll_view_explanation **explanation);
enum plimsoll_view_standing
plimsoll_view_explanation_standing(const struct plimsoll_view_explanation *explanation);

void plimsoll_view_explanation_table(const struct plimsoll_view_explanation *explanation,
                                     const struct plimsoll_view_options *options,
                                     struct plimsoll_text *out);
/** Kind Explanation, or Fit of a pod that is not there yet. */
void plimsoll_view_explanation_json(const struct plimsoll_view_explanation *explanation,
                                    struct plimsoll_text *out);

/** What a model takes, part by part, what to ask for, and what is not known. */
void plimsoll_view_estimate(const struct plimsoll_estimate *estimate,
                            const struct plimsoll_view_options *options, struct plimsoll_text *out);
/** Kind Estimate. */
void plimsoll_view_estimate_json(const struct plimsoll_estimate *estimate,
                                 struct plimsoll_text *out);
