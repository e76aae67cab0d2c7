/* SPDX-License-Identifier: Apache-2.0 */
/** The nodes where the scheduler would evict somebody, and whom; read from either form. Private to
 * extender. */
#pragma once

#include <plimsoll/claim.h>
#include <plimsoll/error.h>
#include <plimsoll/span.h>

#include <stdint.h>

struct plimsoll_candidate {
    struct plimsoll_span node; /* nothing in it to escape; borrowed from the body */
    size_t first, count;       /* its victims */
    int64_t pdb_violations;
};

struct plimsoll_candidates {
    struct plimsoll_candidate *list; /* owned; by name, each once */
    size_t count, capacity;
    struct plimsoll_uid *victims; /* owned; as proposed: most important first */
    size_t victim_count, victim_capacity;
};

/**
 * Reads the value of NodeNameToMetaVictims, or of NodeNameToVictims, whose pods are whole.
 * @param candidates  Empty; the caller clears it, also after a failure.
 */
int plimsoll_candidates_read(struct plimsoll_span map, bool whole,
                             struct plimsoll_candidates *candidates,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_candidates_clear(struct plimsoll_candidates *candidates);

/** NULL when the node is none. */
const struct plimsoll_candidate *
plimsoll_candidates_find(const struct plimsoll_candidates *candidates, struct plimsoll_span node);
