/* SPDX-License-Identifier: Apache-2.0 */
/** What namespaces hold of all cards. */
#pragma once

#include "occupants.h"

#include <plimsoll/answers.h>

/** A pod on a card. */
struct holding {
    struct occupant it;
    const struct plimsoll_node *node;
    const struct plimsoll_card *card; /* NULL: of none that is known */
};

/** A namespace and where its holdings stand in the list: by pod, then by node and card. */
struct share {
    const char *namespace_; /* borrowed from a pod */
    size_t first, count;
    size_t pods, cards;
    uint64_t claimed, measured;
};

struct shares {
    struct holding *holdings; /* owned, both */
    struct share *list;       /* what has claimed most first */
    size_t holding_count, count;
    uint64_t line; /* of all cards */
};

/** Borrows from the cluster. The caller clears it. */
struct shares plimsoll_shares_make(const struct plimsoll_view_cluster *cluster);
void plimsoll_shares_clear(struct shares *shares);
