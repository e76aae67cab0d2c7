/* SPDX-License-Identifier: Apache-2.0 */
#include "prospect.h"

#include "sets.h"
#include "want.h"

/* Of two cards or nodes where as much is lost the tighter goes first. */
#define TIGHTER 1e-4
#define GIB     (1024.0 * 1024.0 * 1024.0)

bool plimsoll_placement_foresees(const struct plimsoll_node_load *load,
                                 const struct plimsoll_demand *demand,
                                 const struct plimsoll_placement_settings *settings)
{
    bool counts = !demand->gpu || (demand->vendor == PLIMSOLL_VENDOR_NVIDIA && !demand->mig);
    return plimsoll_site_known(load) && counts &&
           plimsoll_fit_policy(demand, settings) != PLIMSOLL_POLICY_SPREAD;
}

static bool is_conservative(const struct plimsoll_fit *fit)
{
    return fit->verdict.guarantee == PLIMSOLL_GUARANTEE_CONSERVATIVE;
}

static struct plimsoll_taking take(uint64_t cards, const struct plimsoll_node *node,
                                   const struct plimsoll_node_load *load,
                                   const struct plimsoll_demand *demand,
                                   const struct plimsoll_placement_settings *settings, bool plugin)
{
    uint64_t most = 0;
    for (uint64_t rest = cards; rest != 0; rest &= rest - 1) {
        const struct plimsoll_load *card = &load->cards[__builtin_ctzll(rest)];
        most = larger(most, plugin ? want_on(card, demand, node->mps, settings)
                                   : want_here(card, demand, node->mps, settings));
    }
    return (struct plimsoll_taking){.cards = cards,
                                    .want = (double)most,
                                    .cpu = (double)demand->requests.cpu_milli,
                                    .memory = (double)demand->requests.memory,
                                    .device = demand->plugin};
}

static double tighter(double left)
{
    left = left > 0 ? left : 0;
    return TIGHTER * GIB / (GIB + left);
}

void plimsoll_prospect_cards(const struct plimsoll_site *site, const struct plimsoll_node *node,
                             const struct plimsoll_node_load *load,
                             const struct plimsoll_demand *demand,
                             const struct plimsoll_placement_settings *settings,
                             const struct plimsoll_fit *fit, double *values)
{
    uint64_t done = 0;
    for (uint64_t rest = fit->cards; rest != 0; rest &= rest - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(rest);
        if ((done >> i & 1) != 0) {
            continue;
        }
        if (load->cards[i].state != PLIMSOLL_CARD_OK) {
            values[i] = PLIMSOLL_SCORE_UNACCOUNTED;
            continue;
        }
        const struct plimsoll_group *group = &site->groups[site->group_of[i]];
        struct plimsoll_taking taking =
            take(UINT64_C(1) << i, node, load, demand, settings, is_conservative(fit));
        double value = plimsoll_site_change(site, &taking) + tighter(group->open - taking.want);
        /* want_here looks at what the host uses too, but only of a pod without a request. */
        uint64_t alike = demand->request == PLIMSOLL_REQUEST_DEFAULT ? UINT64_C(1) << i
                                                                     : group->cards & fit->cards;
        for (done |= alike; alike != 0; alike &= alike - 1) {
            values[__builtin_ctzll(alike)] = value;
        }
    }
}

static double mean_of(uint64_t cards, const double *values)
{
    double sum = 0;
    for (uint64_t rest = cards; rest != 0; rest &= rest - 1) {
        sum += values[__builtin_ctzll(rest)];
    }
    return cards != 0 ? sum / __builtin_popcountll(cards) : 0;
}

static uint64_t pick(const struct plimsoll_node *node, const struct plimsoll_demand *demand,
                     const struct plimsoll_fit *fit, const double *values)
{
    return demand->every_card
               ? fit->cards
               : plimsoll_sets_pick(node, fit->cards, fit->distinct, demand->topology, values);
}

/* Cards of known memory that the pod would be put on; of a floating one the first that it may be
 * on, for want of better knowledge. */
static uint64_t place(const struct plimsoll_site *site, const struct plimsoll_node *node,
                      const struct plimsoll_node_load *load, const struct plimsoll_demand *demand,
                      const struct plimsoll_placement_settings *settings,
                      const struct plimsoll_fit *fit)
{
    double values[PLIMSOLL_CARDS_MAX];
    plimsoll_prospect_cards(site, node, load, demand, settings, fit, values);
    uint64_t cards = pick(node, demand, fit, values), known = 0;
    for (; cards != 0; cards &= cards - 1) {
        bool is_known = load->cards[__builtin_ctzll(cards)].state == PLIMSOLL_CARD_OK;
        known |= is_known ? cards & -cards : 0;
    }
    return known;
}

static double score_site(const struct plimsoll_site *site, const struct plimsoll_node *node,
                         const struct plimsoll_node_load *load,
                         const struct plimsoll_demand *demand,
                         const struct plimsoll_placement_settings *settings,
                         const struct plimsoll_fit *fit)
{
    double values[PLIMSOLL_CARDS_MAX];
    plimsoll_prospect_cards(site, node, load, demand, settings, fit, values);
    if (is_conservative(fit)) {
        return mean_of(fit->cards, values) * fit->distinct; /* any of its cards is as likely */
    }
    uint64_t cards = pick(node, demand, fit, values);
    double mean = mean_of(cards, values);
    if (__builtin_popcountll(cards) < 2 || mean <= PLIMSOLL_SCORE_UNACCOUNTED / 64) {
        return mean;
    }
    struct plimsoll_taking taking = take(cards, node, load, demand, settings, false);
    return plimsoll_site_change(site, &taking);
}

double plimsoll_prospect_score(const struct plimsoll_node *node,
                               const struct plimsoll_node_load *load,
                               const struct plimsoll_demand *demand,
                               const struct plimsoll_placement_settings *settings,
                               const struct plimsoll_fit *fit)
{
    struct plimsoll_site site;
    if (fit->verdict.unaccounted) {
        return PLIMSOLL_SCORE_UNACCOUNTED;
    }
    if (fit->verdict.guarantee == PLIMSOLL_GUARANTEE_COUNTED) {
        return tighter((double)fit->leftover); /* an instance, which no class here could use */
    }
    plimsoll_site_make(node, load, settings, is_conservative(fit), &site);
    if (!demand->gpu) {
        struct plimsoll_taking taking = take(0, node, load, demand, settings, false);
        return (double)(float)plimsoll_site_change(&site, &taking);
    }
    /* Kept in four bytes, so that it is the same whether remembered or not. */
    return (double)(float)score_site(&site, node, load, demand, settings, fit);
}

struct plimsoll_prospect
plimsoll_placement_foretell(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                            const struct plimsoll_demand *demand,
                            const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_fit fit = plimsoll_fit_find(node, load, demand, settings);
    bool shares = fit.verdict.guarantee != PLIMSOLL_GUARANTEE_NONE &&
                  fit.verdict.guarantee != PLIMSOLL_GUARANTEE_COUNTED;
    if (fit.verdict.reason != PLIMSOLL_FITS || !shares ||
        !plimsoll_placement_foresees(load, demand, settings)) {
        return (struct plimsoll_prospect){.foretold = false};
    }
    struct plimsoll_site site;
    plimsoll_site_make(node, load, settings, is_conservative(&fit), &site);
    uint64_t cards = place(&site, node, load, demand, settings, &fit);
    struct plimsoll_taking taking =
        take(cards, node, load, demand, settings, is_conservative(&fit));
    struct plimsoll_prospect prospect = {.foretold = true};
    for (; cards != 0; cards &= cards - 1) {
        prospect.size = larger(prospect.size, load->cards[__builtin_ctzll(cards)].total);
    }
    prospect.room = plimsoll_site_value(&site);
    prospect.room_after = prospect.room + plimsoll_site_change(&site, &taking);
    prospect.filled = plimsoll_site_fill(&site, NULL);
    prospect.filled_after = plimsoll_site_fill(&site, &taking);
    return prospect;
}
