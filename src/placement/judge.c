/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "fit.h"
#include "sets.h"
#include "want.h"

/* How close a card came: one that lacks bytes is nearer than one that can never do it. */
static int closeness(enum plimsoll_reason reason)
{
    static const signed char closeness[PLIMSOLL_REFUSED + 1] = {
        [PLIMSOLL_NO_VRAM] = 8,         [PLIMSOLL_CORDONED] = 7,
        [PLIMSOLL_NO_HEALTHY_CARD] = 6, [PLIMSOLL_MEMORY_UNKNOWN] = 5,
        [PLIMSOLL_OVER_MPS_SHARE] = 4,  [PLIMSOLL_OVER_LINE] = 3,
        [PLIMSOLL_NO_INSTANCE] = 2,     [PLIMSOLL_SPLIT] = 1,
    };
    return closeness[reason];
}

static void keep(struct plimsoll_verdict *kept, enum plimsoll_reason reason, uint64_t want,
                 uint64_t missing)
{
    kept->reason = reason;
    kept->want = want;
    kept->missing = missing;
}

void plimsoll_fit_closest(struct plimsoll_verdict *closest, enum plimsoll_reason reason,
                          uint64_t want, uint64_t missing)
{
    int nearer =
        closest->reason == PLIMSOLL_FITS ? 1 : closeness(reason) - closeness(closest->reason);
    if (nearer > 0 || (nearer == 0 && missing < closest->missing)) {
        keep(closest, reason, want, missing);
    }
}

/* Where every card must do, the farthest decides. */
static void keep_farthest(struct plimsoll_verdict *farthest, enum plimsoll_reason reason,
                          uint64_t want, uint64_t missing)
{
    int nearer =
        farthest->reason == PLIMSOLL_FITS ? -1 : closeness(reason) - closeness(farthest->reason);
    if (nearer < 0 || (nearer == 0 && missing > farthest->missing)) {
        keep(farthest, reason, want, missing);
    }
}

struct question {
    const struct plimsoll_demand *demand;
    const struct plimsoll_placement_settings *settings;
    bool mps;
    bool plugin; /* the device plugin picks the card */
};

/* Could the card ever take the pod? */
static inline enum plimsoll_reason check_size(const struct question *question,
                                              const struct plimsoll_load *card, uint64_t *want,
                                              uint64_t *missing)
{
    *want = question->plugin ? want_on(card, question->demand, question->mps, question->settings)
                             : want_here(card, question->demand, question->mps, question->settings);
    if (*want > card->line) {
        *missing = *want - card->line;
        return PLIMSOLL_OVER_LINE;
    }
    if (question->mps && *want > mps_share(card)) {
        *missing = *want - mps_share(card);
        return PLIMSOLL_OVER_MPS_SHARE;
    }
    return PLIMSOLL_FITS;
}

static inline enum plimsoll_reason check_room(const struct question *question,
                                              const struct plimsoll_load *card, uint64_t want,
                                              uint64_t *missing)
{
    *missing = minus(want, plimsoll_load_open(card, question->plugin));
    return *missing > 0 ? PLIMSOLL_NO_VRAM : PLIMSOLL_FITS;
}

static inline enum plimsoll_reason check_card(const struct question *question,
                                              const struct plimsoll_load *card, uint64_t *want,
                                              uint64_t *missing)
{
    *want = 0;
    *missing = 0;
    if (card->state == PLIMSOLL_CARD_UNKNOWN_MEMORY) {
        return question->demand->request == PLIMSOLL_REQUEST_DEFAULT ? PLIMSOLL_FITS
                                                                     : PLIMSOLL_MEMORY_UNKNOWN;
    }
    if (card->total > 0 || card->state == PLIMSOLL_CARD_OK) {
        enum plimsoll_reason reason = check_size(question, card, want, missing);
        if (reason != PLIMSOLL_FITS) {
            return reason;
        }
    }
    if (card->state == PLIMSOLL_CARD_CORDONED) {
        return PLIMSOLL_CORDONED;
    }
    if (card->state != PLIMSOLL_CARD_OK) {
        return PLIMSOLL_NO_HEALTHY_CARD;
    }
    return check_room(question, card, *want, missing);
}

/* The pod may come there only when a holder leaves: then nothing but its bytes matters. */
static enum plimsoll_reason check_full(const struct question *question,
                                       const struct plimsoll_load *card, uint64_t *want,
                                       uint64_t *missing)
{
    enum plimsoll_reason reason = check_size(question, card, want, missing);
    return reason != PLIMSOLL_FITS ? reason : check_room(question, card, *want, missing);
}

static inline bool is_whole(const struct plimsoll_load *card, const struct plimsoll_demand *demand)
{
    return card->vendor == demand->vendor && card->state != PLIMSOLL_CARD_MIG;
}

static void refuse(struct plimsoll_fit *fit, enum plimsoll_reason reason)
{
    fit->verdict = (struct plimsoll_verdict){.reason = reason};
}

/* We choose: enough cards must take it. */
static void find_some(const struct question *question, const struct plimsoll_node *node,
                      const struct plimsoll_node_load *load, struct plimsoll_fit *fit)
{
    struct plimsoll_verdict closest = {0};
    uint64_t largest = 0;
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        if (!is_whole(card, question->demand)) {
            continue;
        }
        uint64_t want, missing;
        enum plimsoll_reason reason = check_card(question, card, &want, &missing);
        if (reason != PLIMSOLL_FITS) {
            plimsoll_fit_closest(&closest, reason, want, missing);
            continue;
        }
        fit->cards |= UINT64_C(1) << i;
        largest = larger(largest, want);
        fit->verdict.unaccounted |= card->state == PLIMSOLL_CARD_UNKNOWN_MEMORY;
    }
    if ((uint32_t)__builtin_popcountll(fit->cards) < fit->distinct) {
        fit->verdict = closest;
    } else if (fit->distinct > 1 &&
               !plimsoll_sets_exist(node, fit->cards, fit->distinct, question->demand->topology)) {
        refuse(fit, PLIMSOLL_NO_TOPOLOGY);
    } else {
        fit->verdict.want = largest;
    }
}

/* Somebody else chooses, or all are taken: every card in question must take it. */
static void find_every(const struct question *question, const struct plimsoll_node_load *load,
                       struct plimsoll_fit *fit)
{
    struct plimsoll_verdict farthest = {0};
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        bool candidate = !question->plugin || plimsoll_load_pickable(card);
        if (!is_whole(card, question->demand) || (!candidate && !plimsoll_fit_may_free(card))) {
            continue;
        }
        uint64_t want, missing;
        enum plimsoll_reason reason = candidate ? check_card(question, card, &want, &missing)
                                                : check_full(question, card, &want, &missing);
        if (reason != PLIMSOLL_FITS) {
            keep_farthest(&farthest, reason, want, missing);
        }
        fit->verdict.want = larger(fit->verdict.want, want);
        if (candidate) {
            fit->cards |= UINT64_C(1) << i;
            fit->verdict.unaccounted |= card->state == PLIMSOLL_CARD_UNKNOWN_MEMORY;
        }
    }
    if ((uint32_t)__builtin_popcountll(fit->cards) < fit->distinct) {
        refuse(fit, PLIMSOLL_TOO_FEW_CARDS);
    } else if (farthest.reason != PLIMSOLL_FITS) {
        fit->verdict = farthest;
    }
}

static bool passes_by_mount(const struct plimsoll_node *node)
{
    return node->device_list == PLIMSOLL_DEVICE_LIST_CDI ||
           node->device_list == PLIMSOLL_DEVICE_LIST_MOUNTS;
}

/* A person pins; what the agent has seen of the plugin can only contradict. */
static bool is_pinned(const struct plimsoll_node *node, const struct plimsoll_demand *demand)
{
    return node->pinned && demand->env_ours &&
           (node->device_list == PLIMSOLL_DEVICE_LIST_ENV ||
            node->device_list == PLIMSOLL_DEVICE_LIST_UNKNOWN);
}

static enum plimsoll_guarantee promise(const struct plimsoll_node *node,
                                       const struct plimsoll_demand *demand, uint32_t whole)
{
    if (!demand->plugin || whole == 1 || demand->every_card) {
        return PLIMSOLL_GUARANTEE_EXACT;
    }
    return is_pinned(node, demand) ? PLIMSOLL_GUARANTEE_PINNED : PLIMSOLL_GUARANTEE_CONSERVATIVE;
}

/* With every card split, the plugin may offer instances under the name of cards (MIG single). */
static bool offers_instances(const struct plimsoll_node *node, const struct plimsoll_demand *demand)
{
    for (uint32_t i = 0; demand->plugin && i < node->resource_count; i++) {
        if (!node->resources[i].mig && node->resources[i].allocatable > 0 &&
            strcmp(node->resources[i].name, demand->resource) == 0) {
            return true;
        }
    }
    return false;
}

/* Cards the pod occupies: two devices of one shared card are one card. 0: not that many. */
static uint32_t distinct_cards(const struct plimsoll_node_load *load,
                               const struct plimsoll_demand *demand, uint32_t whole)
{
    uint32_t cards = demand->cards > 0 ? demand->cards : 1;
    if (demand->every_card) {
        return whole;
    }
    if (whole >= cards) {
        return cards;
    }
    for (uint32_t i = 0; demand->plugin && whole == 1 && i < load->card_count; i++) {
        if (is_whole(&load->cards[i], demand) && load->cards[i].replicas >= cards) {
            return 1;
        }
    }
    return 0;
}

static struct plimsoll_fit find_shared(const struct plimsoll_node *node,
                                       const struct plimsoll_node_load *load,
                                       struct question question, uint32_t whole)
{
    const struct plimsoll_demand *demand = question.demand;
    struct plimsoll_fit fit = {.verdict.guarantee = promise(node, demand, whole)};
    question.plugin = fit.verdict.guarantee == PLIMSOLL_GUARANTEE_CONSERVATIVE;
    fit.distinct = distinct_cards(load, demand, whole);
    if (!demand->plugin && node->env == PLIMSOLL_NO) {
        refuse(&fit, PLIMSOLL_NO_ENV);
    } else if (question.plugin && demand->env_ours && !passes_by_mount(node)) {
        refuse(&fit, PLIMSOLL_ENV_CONFLICT);
    } else if (fit.distinct == 0) {
        refuse(&fit, PLIMSOLL_TOO_FEW_CARDS);
    } else if (question.plugin || demand->every_card) {
        find_every(&question, load, &fit);
    } else {
        find_some(&question, node, load, &fit);
    }
    return fit;
}

struct plimsoll_fit plimsoll_fit_find(const struct plimsoll_node *node,
                                      const struct plimsoll_node_load *load,
                                      const struct plimsoll_demand *demand,
                                      const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_fit fit = {0};
    if (!demand->gpu) {
        return fit;
    }
    if (!node || !load) {
        refuse(&fit, PLIMSOLL_NO_NODE);
        return fit;
    }
    if (node->unusable) {
        refuse(&fit, PLIMSOLL_UNUSABLE);
        return fit;
    }
    if (is_counted(demand)) {
        return plimsoll_fit_counted(node, load, demand);
    }
    uint32_t whole = 0, cards = 0;
    for (uint32_t i = 0; i < load->card_count; i++) {
        whole += is_whole(&load->cards[i], demand);
        cards += load->cards[i].vendor == demand->vendor;
    }
    if (whole == 0 && cards > 0 && offers_instances(node, demand)) {
        return plimsoll_fit_counted(node, load, demand);
    }
    if (whole == 0) {
        refuse(&fit, cards > 0 ? PLIMSOLL_SPLIT : PLIMSOLL_NO_CARD);
        return fit;
    }
    return find_shared(node, load,
                       (struct question){.demand = demand, .settings = settings, .mps = node->mps},
                       whole);
}

struct plimsoll_verdict plimsoll_placement_judge(const struct plimsoll_node *node,
                                                 const struct plimsoll_node_load *load,
                                                 const struct plimsoll_demand *demand,
                                                 const struct plimsoll_placement_settings *settings)
{
    return plimsoll_fit_find(node, load, demand, settings).verdict;
}

bool plimsoll_placement_closer(const struct plimsoll_verdict *a, const struct plimsoll_verdict *b)
{
    int nearer = closeness(a->reason) - closeness(b->reason);
    return nearer > 0 || (nearer == 0 && a->missing < b->missing);
}

enum plimsoll_guarantee plimsoll_placement_guarantee(const struct plimsoll_node *node)
{
    struct plimsoll_demand demand = {.vendor = PLIMSOLL_VENDOR_NVIDIA, .plugin = true};
    uint32_t whole = 0;
    for (uint32_t i = 0; i < node->card_count; i++) {
        const struct plimsoll_card *card = &node->cards[i];
        whole += card->vendor == PLIMSOLL_VENDOR_NVIDIA && card->mig_count == 0;
    }
    if (node->unusable != NULL || node->card_count == 0) {
        return PLIMSOLL_GUARANTEE_NONE;
    }
    if (whole == 0) {
        return PLIMSOLL_GUARANTEE_COUNTED;
    }
    demand.env_ours = node->pinned; /* there the webhook gives them our env */
    return promise(node, &demand, whole);
}
