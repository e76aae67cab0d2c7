/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "fit.h"
#include "want.h"

static uint64_t claim_on(const struct plimsoll_node *node, const struct plimsoll_load *card,
                         const struct plimsoll_demand *demand,
                         const struct plimsoll_placement_settings *settings)
{
    /* 0 says that the memory was unknown; the load lines take the default once it is known. */
    if (card->state == PLIMSOLL_CARD_UNKNOWN_MEMORY) {
        return 0;
    }
    return want_here(card, demand, node->mps, settings);
}

static void claim_cards(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                        const struct plimsoll_demand *demand,
                        const struct plimsoll_placement_settings *settings, uint64_t cards,
                        struct plimsoll_claim *claim)
{
    claim->cards = plimsoll_alloc((size_t)__builtin_popcountll(cards), sizeof *claim->cards);
    for (; cards != 0; cards &= cards - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(cards);
        struct plimsoll_claim_card *card = &claim->cards[claim->card_count++];
        memcpy(card->id, node->cards[i].id, sizeof card->id);
        card->vram = claim_on(node, &load->cards[i], demand, settings);
        card->idle = load->cards[i].idle;
    }
}

/* The plugin may pick any card. Where a share of the card was asked for it comes to less on some,
 * and what the pod asks for may be changed once it runs: so the claim says that itself. */
static void claim_floating(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                           const struct plimsoll_demand *demand,
                           const struct plimsoll_placement_settings *settings,
                           const struct plimsoll_fit *fit, struct plimsoll_claim *claim)
{
    claim->floating_cards = fit->distinct;
    claim->floating_vram = fit->verdict.want; /* the most of all it may come to */
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        bool sized = card->vendor == demand->vendor && card->state != PLIMSOLL_CARD_MIG &&
                     card->state != PLIMSOLL_CARD_UNKNOWN_MEMORY;
        uint64_t want = sized ? want_on(card, demand, node->mps, settings) : UINT64_MAX;
        if (want >= claim->floating_vram) {
            continue;
        }
        claim->less = plimsoll_realloc(claim->less, claim->less_count + 1, sizeof *claim->less);
        struct plimsoll_claim_card *less = &claim->less[claim->less_count++];
        *less = (struct plimsoll_claim_card){.vram = want, .idle = UINT64_MAX};
        memcpy(less->id, node->cards[i].id, sizeof less->id);
    }
}

/* The API server lets no longer name pass; the last byte is zero already. */
static void copy_name(const char *name, char out[PLIMSOLL_NAME_BYTES_MAX + 1])
{
    memcpy(out, name, strnlen(name, PLIMSOLL_NAME_BYTES_MAX));
}

static int refuse(enum plimsoll_reason reason, const struct plimsoll_demand *demand,
                  struct plimsoll_error *err)
{
    plimsoll_autotext sentence = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    plimsoll_reason_write(reason, demand, &sentence);
    return plimsoll_error_set(err, PLIMSOLL_ERR_CONFLICT, "%s", sentence.data ? sentence.data : "");
}

int plimsoll_placement_choose(const struct plimsoll_node *node,
                              const struct plimsoll_node_load *load, const struct plimsoll_pod *pod,
                              const struct plimsoll_placement_settings *settings,
                              struct plimsoll_claim *claim, struct plimsoll_error *err)
{
    const struct plimsoll_demand *demand = &pod->demand;
    if (pod->refusal) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_CONFLICT, "%s", pod->refusal);
    }
    struct plimsoll_fit fit = plimsoll_fit_find(node, load, demand, settings);
    if (fit.verdict.reason != PLIMSOLL_FITS) {
        return refuse(fit.verdict.reason, demand, err);
    }
    struct plimsoll_claim made = {.pod = pod->uid};
    copy_name(node->name, made.node);
    if (fit.verdict.guarantee == PLIMSOLL_GUARANTEE_CONSERVATIVE) {
        claim_floating(node, load, demand, settings, &fit, &made);
    } else if (fit.verdict.guarantee == PLIMSOLL_GUARANTEE_EXACT ||
               fit.verdict.guarantee == PLIMSOLL_GUARANTEE_PINNED) {
        uint64_t cards = plimsoll_fit_pick(node, load, demand, settings, &fit);
        claim_cards(node, load, demand, settings, cards, &made);
    }
    *claim = made;
    return 0;
}
