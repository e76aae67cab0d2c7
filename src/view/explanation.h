/* SPDX-License-Identifier: Apache-2.0 */
/** What is known of a pod's question, before it is put into words. */
#pragma once

#include <plimsoll/answers.h>

/** Nodes for which is said who would have to leave. */
#define EXPLANATION_ROOMS_MAX 3

/** A node and what it says to the pod. */
struct candidate {
    const struct plimsoll_extender_node *seen;
    struct plimsoll_verdict verdict;
    double score;   /* where it fits */
    bool here;      /* the pod is on it */
    bool no_device; /* it has the VRAM, but no device of the plugin is left for the kubelet to give
                     */
    bool ruled_out; /* it has the VRAM, but takes no pod like it: other filters */
    size_t like;    /* of a pod that is not there yet: how many pods like it the node takes */
};

/** Nodes of one reason, a run of the candidates. */
struct group {
    enum plimsoll_reason reason;
    size_t first, count;
};

/** Who would have to leave a node so that the pod fits there. */
struct room {
    const struct candidate *candidate;
    struct plimsoll_victims leaving;
};

struct plimsoll_view_explanation {
    struct plimsoll_view_question question;
    enum plimsoll_view_standing standing;
    struct candidate *candidates; /* owned; by reason, the closest or best first */
    struct group groups[PLIMSOLL_REFUSED + 1];
    struct room rooms[EXPLANATION_ROOMS_MAX]; /* of the closest nodes that lack bytes */
    const struct candidate *closest;          /* NULL: none refuses */
    const struct candidate *home;             /* where the pod is bound; NULL: nowhere known */
    size_t candidate_count, group_count, room_count, fitting;
    size_t like; /* in all nodes */
};

/** Devices of the resource that pods of the node do not ask for; SIZE_MAX where the pod asks for
 * none. */
size_t plimsoll_devices_left(const struct plimsoll_node_view *view, const struct plimsoll_pod *pod);

/** `waits`, `fits` … for programs. */
const char *plimsoll_standing_text(enum plimsoll_view_standing standing);
/** The node with room that the policy would choose. @return borrowed; NULL: none has room */
const struct candidate *
plimsoll_explanation_best(const struct plimsoll_view_explanation *explanation);
/** The answer in one sentence. */
void plimsoll_explanation_headline(const struct plimsoll_view_explanation *explanation,
                                   struct plimsoll_text *out);
/** What the pod asks for: `12Gi on each of 2 NVIDIA cards, nvidia.com/gpu`. */
void plimsoll_explanation_request(const struct plimsoll_view_question *question,
                                  struct plimsoll_text *out);
