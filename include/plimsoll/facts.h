/* SPDX-License-Identifier: Apache-2.0 */
/** What the webhook needs to know of the cluster: small, by value, kept up to date, never a scan
 * per review. */
#pragma once

#include <plimsoll/demand.h>

struct plimsoll_facts {
    bool api;    /* there is a picture at all (API access or a state file) */
    bool synced; /* and it is complete */
    /* Per vendor, indexed by enum plimsoll_vendor: */
    uint32_t nodes[4];      /* known nodes with cards */
    uint32_t multi_card[4]; /* of them, with more than one card */
    uint32_t unpinned[4];   /* of the multi-card ones, not pinned to our env */
    uint64_t selectors[4];  /* bit i: every one of `nodes` carries reading.selectors[i] */
    /* Bit i: the RuntimeClass that profile list entry i names exists (config gives the order). */
    uint64_t runtime_classes;
};
