/* SPDX-License-Identifier: Apache-2.0 */
/** The sources of a node's cards, one per file; node.c puts them together. */
#pragma once

#include <plimsoll/node.h>

#include "value.h"

/** Cards under construction. */
struct plimsoll_model_cards {
    struct plimsoll_card *list; /* owned, with what each card owns */
    uint32_t count;
};

void plimsoll_model_cards_clear(struct plimsoll_model_cards *cards);
/** Room for `count` cards, zeroed but for what "unknown" looks like. Replaces what was there. */
void plimsoll_model_cards_make(struct plimsoll_model_cards *cards, uint32_t count);
/** What a card is until somebody says more. */
void plimsoll_model_card_init(struct plimsoll_card *card);
/** The card with that id, or NULL. */
struct plimsoll_card *plimsoll_model_cards_find(const struct plimsoll_model_cards *cards,
                                                const char *id);

/** What plimsoll.dev/inventory says. */
struct plimsoll_model_inventory {
    struct plimsoll_model_cards cards;
    enum plimsoll_trilean env;
    enum plimsoll_device_list device_list;
};

/** What plimsoll.dev/usage says: cards with nothing but their id and what was measured. */
struct plimsoll_model_usage {
    struct plimsoll_model_cards cards;
    int64_t time; /* unix ms; 0: none */
};

/** Unchanged on failure. */
int plimsoll_model_inventory_read(struct plimsoll_span text,
                                  struct plimsoll_model_inventory *inventory,
                                  struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Unchanged on failure. */
int plimsoll_model_usage_read(struct plimsoll_span text, struct plimsoll_model_usage *usage,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Moves what was measured onto cards that are known; strangers are appended and disagree. */
int plimsoll_model_usage_merge(struct plimsoll_model_usage *usage,
                               struct plimsoll_model_cards *cards,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** plimsoll.dev/free-vram onto the cards; where none is known it makes as many as it has values. */
int plimsoll_model_free_vram(struct plimsoll_span text, enum plimsoll_vendor vendor,
                             struct plimsoll_model_cards *cards,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** plimsoll.dev/cordoned: marks the cards it names, by index, id or id of an instance. */
int plimsoll_model_cordoned(struct plimsoll_span text, struct plimsoll_model_cards *cards,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

enum { PLIMSOLL_MODEL_PROFILES_MAX = 32, PLIMSOLL_MODEL_SIZES_MAX = 16 };

/** The labels that say something of cards, as found in the walk; borrowed from the object. The
 * lists are owned and have room for the most there may be; few nodes have any. */
struct plimsoll_model_labels {
    /* nvidia.com/gpu.* of GFD */
    struct plimsoll_model_value count, memory, product, replicas, sharing;
    struct plimsoll_model_profile {
        struct plimsoll_span name;
        struct plimsoll_model_value count, memory;
    } * profiles; /* nvidia.com/mig-NAME.* */
    unsigned profile_count;
    /* amd.com/gpu.* and, second, beta.amd.com/gpu.* */
    struct plimsoll_model_amd {
        struct plimsoll_model_value vram, product;
        struct plimsoll_model_size {
            struct plimsoll_span name;
            struct plimsoll_model_value count;
        } * sizes; /* gpu.vram.NAME */
        unsigned size_count;
    } amd[2];
    /* gpu.intel.com */
    struct plimsoll_model_value intel_count, intel_product;
    bool too_many; /* more profiles or sizes than there is room for */
};

/** What the keys of these labels begin with. */
#define PLIMSOLL_MODEL_LABEL_INITIALS "nabg"
void plimsoll_model_labels_clear(struct plimsoll_model_labels *labels);
/** Where the value of `key` belongs, NULL when it is none of these labels. */
struct plimsoll_model_value *plimsoll_model_labels_find(struct plimsoll_model_labels *labels,
                                                        struct plimsoll_span key);

/** What labels say of the whole node, whoever lists the cards: replicas and MPS. */
int plimsoll_model_labels_sharing(const struct plimsoll_model_labels *labels,
                                  struct plimsoll_node *node,
                                  struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The fallback inventory: cards by labels and by what the node offers. Sets node->env where a
 * guess would be wrong. */
int plimsoll_model_labels_cards(const struct plimsoll_model_labels *labels,
                                struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/* The vendors' parts of it, each appends its cards. */
int plimsoll_model_nvidia_cards(const struct plimsoll_model_labels *labels,
                                struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_model_amd_cards(const struct plimsoll_model_labels *labels,
                             const struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_model_intel_cards(const struct plimsoll_model_labels *labels,
                               const struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** A decimal label of at most `max`; absent leaves `out` alone. @return 1 there, 0 absent, -1 wrong
 */
int plimsoll_model_label_number(const struct plimsoll_model_value *value, const char *name,
                                uint64_t max, uint64_t *out,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** A label's text, cut to fit; empty when absent or no string. */
void plimsoll_model_label_text(const struct plimsoll_model_value *value, char *out, size_t size);
/** Adds `count` cards of a vendor that differ in index and id only. */
int plimsoll_model_cards_add(struct plimsoll_model_cards *cards, uint64_t count,
                             enum plimsoll_vendor vendor, const char *product, uint64_t total,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Devices of a vendor that the node offers, instances or not. */
uint64_t plimsoll_model_offered(const struct plimsoll_node *node, enum plimsoll_vendor vendor,
                                bool mig);
