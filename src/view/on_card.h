/* SPDX-License-Identifier: Apache-2.0 */
/** What a pod has to do with a card. */
#pragma once

#include <plimsoll/extender.h>

#include <string.h>

/** What the pod holds on the card by its claim; false when it does not. */
static inline bool claimed_on(const struct plimsoll_pod *pod, const struct plimsoll_card *card,
                              uint64_t *bytes)
{
    for (uint32_t i = 0; i < pod->claim.card_count; i++) {
        if (strcmp(pod->claim.cards[i].id, card->id) == 0) {
            *bytes = pod->claim.cards[i].vram;
            return true;
        }
    }
    return false;
}

static inline bool holds(const struct plimsoll_card *card, const struct plimsoll_uid *pod)
{
    for (uint32_t i = 0; i < card->holder_count; i++) {
        if (strcmp(card->holders[i].text, pod->text) == 0) {
            return true;
        }
    }
    return false;
}

static inline uint64_t measured_on(const struct plimsoll_card *card, const struct plimsoll_uid *pod)
{
    for (uint32_t i = 0; i < card->pod_count; i++) {
        if (strcmp(card->pods[i].pod.text, pod->text) == 0) {
            return card->pods[i].bytes;
        }
    }
    return 0;
}
