/* SPDX-License-Identifier: Apache-2.0 */
/** Which card of a node a claim means, and for how much. */
#pragma once

#include <plimsoll/placement.h>

#include <string.h>

/** A card without UUID is known by its index, also once a UUID is told for it. @return -1: none */
static inline int find_card(const struct plimsoll_node *node, uint32_t card_count, const char *id)
{
    unsigned long long index;
    bool by_index = plimsoll_span_decimal(plimsoll_span_of(id), &index);
    int found = -1;
    for (uint32_t i = 0; i < card_count; i++) {
        const struct plimsoll_card *card = &node->cards[i];
        if (strcmp(card->id, id) == 0) {
            return (int)i;
        }
        if (by_index && card->vendor == PLIMSOLL_VENDOR_NVIDIA && card->index >= 0 &&
            (unsigned long long)card->index == index) {
            found = (int)i;
        }
    }
    return found;
}

/** What a floating claim has on card `i`, if that is where the pod is. Said by the claim alone:
 * what the pod asks for by now may be something else. */
static inline uint64_t floating_on(const struct plimsoll_node *node, uint32_t card_count,
                                   const struct plimsoll_claim *claim, uint32_t i)
{
    for (uint32_t j = 0; j < claim->less_count; j++) {
        if (find_card(node, card_count, claim->less[j].id) == (int)i) {
            return claim->less[j].vram;
        }
    }
    return claim->floating_vram;
}
