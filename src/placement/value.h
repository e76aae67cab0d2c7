/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The value of what is likely to come and still fits on a node (placement.md calls it V):
 *
 *     V = Σ over classes: frequency × what a pod of it takes of cards × copies^0.7
 *
 * where copies is how many pods of the class fit, the least of what processors, memory and cards
 * have room for. The power below 1 makes the last copies that fit count most.
 */
#pragma once

#include "fit.h"
#include "outlook.h"

/** Sizes of cards that one node is looked at with; of more the last stands for the rest. */
#define PLIMSOLL_SIZES_MAX 4u

/** What cards of one size let a pod have; bytes. */
struct plimsoll_size {
    double total, line, fallback; /* fallback: what a pod without a request gets */
};

/** Cards that are alike in all that matters here. */
struct plimsoll_group {
    double open;    /* bytes */
    double devices; /* that the plugin has left */
    uint64_t cards; /* bit i: card i of the node */
    uint32_t count;
    uint32_t size; /* index in sizes */
};

/** A node as it is valued. */
struct plimsoll_site {
    const struct plimsoll_expected *expected;
    double cpu, memory; /* free */
    uint64_t kind;
    uint32_t size_count, group_count;
    struct plimsoll_size sizes[PLIMSOLL_SIZES_MAX];
    struct plimsoll_group groups[PLIMSOLL_CARDS_MAX];
    uint8_t group_of[PLIMSOLL_CARDS_MAX]; /* of cards that are in one */
    /* Of each class: */
    plimsoll_floats inverse[PLIMSOLL_SIZES_MAX][PLIMSOLL_VECTORS]; /* of what it wants of a card */
    plimsoll_floats weight[PLIMSOLL_VECTORS]; /* 0 where it may not come; in GiB */
    plimsoll_floats fits[PLIMSOLL_VECTORS];   /* copies that the cards have room for */
    plimsoll_floats power[PLIMSOLL_VECTORS];  /* copies^0.7 */
};

/** What a pod would take. */
struct plimsoll_taking {
    uint64_t cards; /* of the node */
    double want;    /* bytes on each of them; may be more than is open where the plugin picks */
    double cpu, memory;
    bool device; /* of the plugin, on each of them */
};

/** False when nothing is known to value it by. */
bool plimsoll_site_known(const struct plimsoll_node_load *load);
/** @param plugin  The device plugin picks the cards of the pod that is asked for. */
void plimsoll_site_make(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                        const struct plimsoll_placement_settings *settings, bool plugin,
                        struct plimsoll_site *site);
/** V of the node as it is. */
double plimsoll_site_value(const struct plimsoll_site *site);
/** V after less V before: 0 or less. */
double plimsoll_site_change(const struct plimsoll_site *site, const struct plimsoll_taking *taking);

/** GiB that random pods of the history fill of the node, after `taking` (NULL: as it is). */
double plimsoll_site_fill(const struct plimsoll_site *site, const struct plimsoll_taking *taking);
