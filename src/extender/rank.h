/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The scores of one prioritize by names where more is known than how tight a fit is (outlook.h).
 *
 * Most nodes are as they were when a pod of the class was last asked about: their scores are
 * remembered, and of thousands of nodes some hundred are looked at. The best few are then looked at
 * closely. Private to extender.
 */
#pragma once

#include "call.h"

/** Nodes of which nothing is remembered that one call looks at: two milliseconds. */
#define PLIMSOLL_RANK_ANEW_MAX 512u
/** Nodes that it looks at again because other pods are expected than were. */
#define PLIMSOLL_RANK_OLD_MAX 128u
/** Nodes that are looked at closely: the best of different scores. */
#define PLIMSOLL_RANK_CLOSELY_MAX 8u

struct plimsoll_rank_todo {
    double key; /* smaller is more urgent */
    size_t index;
    bool old; /* there is a score to go on with */
    struct plimsoll_extender_glimpse glimpse;
};

/** Zeroed at first. */
struct plimsoll_rank {
    struct plimsoll_outlook *outlook; /* NULL: the tightest fit decides */
    bool begun;
    uint32_t class_index;
    struct plimsoll_rank_todo *todo; /* owned */
    size_t count, capacity;
};

/** Where the score of name `index` is kept; 0 at first. */
double *plimsoll_rank_score(struct plimsoll_extender_call *call, size_t index);
/** A node that takes the pod, in the shared view of it. */
void plimsoll_rank_add(struct plimsoll_extender_call *call, struct plimsoll_rank *rank,
                       size_t index, const struct plimsoll_extender_glimpse *glimpse);
/** All have been added; the world is still held. Frees what the rank owns. */
void plimsoll_rank_finish(struct plimsoll_extender_call *call, struct plimsoll_rank *rank);
