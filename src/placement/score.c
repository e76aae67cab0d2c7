/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "fit.h"
#include "prospect.h"
#include "sets.h"
#include "want.h"

/* Scores lie in 0 … 1; what fits without being accounted comes after everything that is. */
#define SCORE_UNACCOUNTED (-1.0)
#define SCORE_UNFIT       (-2.0)
/* Leftovers are told apart best around this size: a small model. */
#define LEFTOVER_SCALE (1024.0 * 1024.0 * 1024.0)
/* Of two equally tight cards the one in use goes first, then the smaller. */
#define WHOLE_CARD_COST 0.001

/* 1 when nothing is left, falling towards 0; bytes, so cards of all sizes compare. */
static double tightness(uint64_t leftover)
{
    return LEFTOVER_SCALE / (LEFTOVER_SCALE + (double)leftover);
}

double plimsoll_fit_value(const struct plimsoll_load *card, uint64_t want, uint64_t floating,
                          enum plimsoll_policy policy)
{
    if (card->state == PLIMSOLL_CARD_UNKNOWN_MEMORY) {
        return SCORE_UNACCOUNTED;
    }
    uint64_t leftover = minus(minus(card->free, floating), want);
    if (policy == PLIMSOLL_POLICY_SPREAD) {
        return card->line > 0 ? (double)leftover / (double)card->line : 0;
    }
    double cost = card->booked == 0 && floating == 0 ? WHOLE_CARD_COST : 0;
    return tightness(leftover) - cost * (1 - tightness(card->total));
}

static void value_cards(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                        const struct plimsoll_demand *demand,
                        const struct plimsoll_placement_settings *settings,
                        const struct plimsoll_fit *fit, double *values)
{
    enum plimsoll_policy policy = plimsoll_fit_policy(demand, settings);
    bool plugin = fit->verdict.guarantee == PLIMSOLL_GUARANTEE_CONSERVATIVE;
    if (plimsoll_placement_foresees(load, demand, settings)) {
        struct plimsoll_site site;
        plimsoll_site_make(node, load, settings, plugin, &site);
        plimsoll_prospect_cards(&site, node, load, demand, settings, fit, values);
        return;
    }
    for (uint64_t cards = fit->cards; cards != 0; cards &= cards - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(cards);
        const struct plimsoll_load *card = &load->cards[i];
        uint64_t want = plugin ? want_on(card, demand, node->mps, settings)
                               : want_here(card, demand, node->mps, settings);
        values[i] = plimsoll_fit_value(
            card, want, plugin ? card->floating_plugin : card->floating_ours, policy);
    }
}

static uint64_t pick(const struct plimsoll_node *node, const struct plimsoll_demand *demand,
                     const struct plimsoll_fit *fit, const double *values)
{
    return demand->every_card
               ? fit->cards
               : plimsoll_sets_pick(node, fit->cards, fit->distinct, demand->topology, values);
}

uint64_t plimsoll_fit_pick(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                           const struct plimsoll_demand *demand,
                           const struct plimsoll_placement_settings *settings,
                           const struct plimsoll_fit *fit)
{
    double values[PLIMSOLL_CARDS_MAX];
    value_cards(node, load, demand, settings, fit, values);
    return pick(node, demand, fit, values);
}

static double mean_of(uint64_t cards, const double *values)
{
    double sum = 0;
    int count = __builtin_popcountll(cards);
    for (; cards != 0; cards &= cards - 1) {
        sum += values[__builtin_ctzll(cards)];
    }
    return count > 0 ? sum / count : 0;
}

/* Exclusive devices: the smallest that does, under either policy. */
static double score_counted(const struct plimsoll_fit *fit)
{
    return fit->verdict.unaccounted ? SCORE_UNACCOUNTED : tightness(fit->leftover);
}

double plimsoll_placement_score(const struct plimsoll_node *node,
                                const struct plimsoll_node_load *load,
                                const struct plimsoll_demand *demand,
                                const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_fit fit = plimsoll_fit_find(node, load, demand, settings);
    if (fit.verdict.reason != PLIMSOLL_FITS) {
        return SCORE_UNFIT;
    }
    if (plimsoll_placement_foresees(load, demand, settings)) {
        return plimsoll_prospect_score(node, load, demand, settings, &fit);
    }
    if (fit.verdict.guarantee == PLIMSOLL_GUARANTEE_NONE) {
        return 0;
    }
    if (fit.verdict.guarantee == PLIMSOLL_GUARANTEE_COUNTED) {
        return score_counted(&fit);
    }
    double values[PLIMSOLL_CARDS_MAX];
    value_cards(node, load, demand, settings, &fit, values);
    /* Where the plugin picks, any of its cards is as likely. */
    bool plugin = fit.verdict.guarantee == PLIMSOLL_GUARANTEE_CONSERVATIVE;
    return mean_of(plugin ? fit.cards : pick(node, demand, &fit, values), values);
}
