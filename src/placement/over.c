/* SPDX-License-Identifier: Apache-2.0 */
/* What stands over a line, and who uses more than was agreed: for people, not for placing. */
#include <plimsoll/placement.h>

#include "arith.h"
#include "find.h"

/* A card whose total is derived from what is free has no line that can be crossed. */
static bool has_line(const struct plimsoll_card *card, const struct plimsoll_load *load)
{
    return load->total > 0 && !card->free_only && load->state != PLIMSOLL_CARD_MIG;
}

uint64_t plimsoll_placement_over_line(const struct plimsoll_node *node,
                                      const struct plimsoll_node_load *load)
{
    uint64_t over = 0;
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        if (has_line(&node->cards[i], card) &&
            plus(card->booked, larger(card->reserve, card->foreign)) > card->total) {
            over |= UINT64_C(1) << i;
        }
    }
    return over;
}

/* What the claim has on the card; of a floating claim it may be any card. */
static uint64_t claimed_on(const struct plimsoll_node *node, const struct plimsoll_claim *claim,
                           uint32_t card)
{
    uint64_t bytes = claim->card_count == 0 ? floating_on(node, node->card_count, claim, card) : 0;
    for (uint32_t i = 0; i < claim->card_count; i++) {
        if (find_card(node, node->card_count, claim->cards[i].id) == (int)card) {
            bytes = plus(bytes, claim->cards[i].vram);
        }
    }
    return bytes;
}

static uint64_t measured_on(const struct plimsoll_card *card, const struct plimsoll_uid *pod)
{
    for (uint32_t i = 0; i < card->pod_count; i++) {
        if (strcmp(card->pods[i].pod.text, pod->text) == 0) {
            return card->pods[i].bytes;
        }
    }
    return 0;
}

/* One made while nobody knew the cards' memory promises nothing that could be exceeded. */
static bool says_bytes(const struct plimsoll_claim *claim)
{
    uint64_t bytes = claim->floating_vram;
    for (uint32_t i = 0; i < claim->card_count; i++) {
        bytes = larger(bytes, claim->cards[i].vram);
    }
    return bytes > 0;
}

bool plimsoll_placement_over_claim(const struct plimsoll_node *node, const struct plimsoll_pod *pod,
                                   struct plimsoll_over_claim *over)
{
    struct plimsoll_over_claim worst = {0};
    if (node->report != PLIMSOLL_REPORT_USAGE || !plimsoll_pod_claimed(pod) ||
        strcmp(pod->claim.node, node->name) != 0 || !says_bytes(&pod->claim)) {
        return false;
    }
    for (uint32_t i = 0; i < node->card_count; i++) {
        uint64_t measured = measured_on(&node->cards[i], &pod->uid);
        uint64_t claimed = measured > 0 ? claimed_on(node, &pod->claim, i) : 0;
        if (measured > claimed && measured - claimed > worst.measured - worst.claimed) {
            worst = (struct plimsoll_over_claim){i, claimed, measured};
        }
    }
    if (worst.measured == 0) {
        return false;
    }
    *over = worst;
    return true;
}
