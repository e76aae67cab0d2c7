/* SPDX-License-Identifier: Apache-2.0 */
/** The inside of the outlook: history.c fills it, scores.c remembers, value.c and fill.c read. */
#pragma once

#include <plimsoll/outlook.h>

#include <stdatomic.h>

#include "lanes.h"

/** Random pods that a node is filled with, and how often. */
#define PLIMSOLL_FILL_SEQUENCES 48u
#define PLIMSOLL_FILL_PODS      64u

/** What a pod takes in the eyes of V that asks for no processors (milli) or no memory (bytes). A
 * node that has nothing left has a thousand of them, so that such pods still fit, and no others. */
#define PLIMSOLL_CPU_CRUMB    1e-9F
#define PLIMSOLL_MEMORY_CRUMB 1e-4F
#define PLIMSOLL_CRUMBS       1000.0

/** What pods of one class have in common. Compared as bytes: made of zeros. */
struct plimsoll_class_key {
    uint64_t cpu_milli, memory, vram, selection;
    uint32_t percent_milli, cards;
    uint8_t request; /* enum plimsoll_request */
    bool plugin;
    uint8_t unused[6];
};

struct plimsoll_class {
    struct plimsoll_class_key key;
    double weight;          /* Σ over its pods, grows with time instead of falling */
    _Atomic uint64_t kinds; /* of nodes that it may be put on, as far as seen */
    double expected_part;   /* in `expected`, and with which kinds */
    uint64_t expected_kinds;
};

#define PLIMSOLL_VECTORS (PLIMSOLL_CLASSES_VALUED_MAX / PLIMSOLL_LANES)

/** A class is four numbers of which one is not 0: what it wants of a card is their sum, each times
 * what it is a part of. */
struct plimsoll_wants {
    plimsoll_floats bytes, of_total, of_line, of_default;
};

/** The classes as they are valued, four to a vector. What is left of the last one weighs nothing.
 */
struct plimsoll_expected {
    uint32_t count, vectors;
    struct plimsoll_wants wants[PLIMSOLL_VECTORS];
    plimsoll_floats weight[PLIMSOLL_VECTORS];     /* its part of all pods, times its cards */
    plimsoll_floats per_cpu[PLIMSOLL_VECTORS];    /* 1 / milli; finite */
    plimsoll_floats per_memory[PLIMSOLL_VECTORS]; /* 1 / bytes; finite */
    plimsoll_floats per_pod[PLIMSOLL_VECTORS];    /* 1 / cards */
    plimsoll_floats per_card[PLIMSOLL_VECTORS]; /* most copies on one card: 1 of a pod of several */
    plimsoll_floats undevices[PLIMSOLL_VECTORS]; /* copies beyond the plugin's devices: 0 or many */
    uint64_t kinds[PLIMSOLL_CLASSES_VALUED_MAX]; /* of nodes */
    struct plimsoll_requests requests[PLIMSOLL_CLASSES_VALUED_MAX];
    uint16_t draws[PLIMSOLL_FILL_SEQUENCES][PLIMSOLL_FILL_PODS]; /* classes, by their frequency */
};

/** Slots of classes: those of GPU pods come first. */
#define PLIMSOLL_SLOTS (PLIMSOLL_CLASSES_MAX + PLIMSOLL_PLAIN_CLASSES_MAX)

struct plimsoll_outlook {
    struct plimsoll_class classes[PLIMSOLL_SLOTS];
    uint64_t hashes[PLIMSOLL_SLOTS];        /* of the keys */
    _Atomic uint64_t *rows[PLIMSOLL_SLOTS]; /* owned; a score and what it was computed from; NULL:
                                               not remembered */
    uint32_t class_count, plain_count;      /* of slots in use */
    uint32_t row_count;
    uint32_t *stamps; /* owned; by number: counts the changes of the node */
    uint32_t node_capacity;
    uint64_t pods, refresh_at;
    double increment; /* what the next pod weighs */
    uint32_t epoch;   /* counts the times that `expected` was made anew */
    char products[PLIMSOLL_NODE_KINDS_MAX][48];
    uint32_t product_count;
    struct plimsoll_expected expected;
};

static inline bool plimsoll_slot_used(const struct plimsoll_outlook *outlook, uint32_t slot)
{
    return slot < PLIMSOLL_CLASSES_MAX ? slot < outlook->class_count
                                       : slot - PLIMSOLL_CLASSES_MAX < outlook->plain_count;
}

/** @return PLIMSOLL_NO_CLASS when there is none of it, or it takes no share of a card. */
uint32_t plimsoll_history_find(const struct plimsoll_outlook *outlook,
                               const struct plimsoll_demand *demand);

/** The class gets a row if there is room for one, all of it unknown. */
void plimsoll_scores_add_row(struct plimsoll_outlook *outlook, uint32_t class_index);
/** The row of one class becomes the other's, all of it unknown. */
void plimsoll_scores_move_row(struct plimsoll_outlook *outlook, uint32_t from, uint32_t to);
void plimsoll_scores_clear_row(struct plimsoll_outlook *outlook, uint32_t class_index);
