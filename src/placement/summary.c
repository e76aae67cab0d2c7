/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "fit.h"
#include "want.h"

/* The cards that this is about: fit_find leaves those of others to the count of devices. */
static bool is_whole(const struct plimsoll_load *card)
{
    return card->vendor == PLIMSOLL_VENDOR_NVIDIA && card->state != PLIMSOLL_CARD_MIG;
}

static uint64_t reach_of(const struct plimsoll_load *card, bool mps)
{
    return mps ? smaller(card->line, mps_share(card)) : card->line;
}

static uint64_t room_of(const struct plimsoll_load *card, bool mps, bool plugin)
{
    return smaller(reach_of(card, mps), plimsoll_load_open(card, plugin));
}

/* The worst of the cards that the plugin may pick, or may once one of its devices comes free. */
static void add_every(struct plimsoll_summary *summary, const struct plimsoll_load *card, bool mps)
{
    bool pickable = plimsoll_load_pickable(card);
    summary->pickable |= pickable;
    summary->every &= !pickable || card->state == PLIMSOLL_CARD_OK;
    if (pickable || plimsoll_fit_may_free(card)) {
        summary->room_every = smaller(summary->room_every, room_of(card, mps, true));
        summary->reach_every = smaller(summary->reach_every, reach_of(card, mps));
    }
}

static void add_card(struct plimsoll_summary *summary, const struct plimsoll_load *card, bool mps)
{
    bool ok = card->state == PLIMSOLL_CARD_OK;
    summary->whole++;
    if (ok) {
        summary->some = true;
        summary->room = larger(summary->room, room_of(card, mps, false));
        summary->reach = larger(summary->reach, reach_of(card, mps));
    }
    add_every(summary, card, mps);
}

static uint8_t judge_default(const struct plimsoll_node *node,
                             const struct plimsoll_node_load *load, bool plugin,
                             const struct plimsoll_placement_settings *settings)
{
    const struct plimsoll_demand demand = {
        .gpu = true, .vendor = PLIMSOLL_VENDOR_NVIDIA, .plugin = plugin, .cards = 1};
    return (uint8_t)plimsoll_placement_judge(node, load, &demand, settings).reason;
}

struct plimsoll_summary
plimsoll_placement_summarise(const struct plimsoll_node *node,
                             const struct plimsoll_node_load *load,
                             const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_summary summary = {
        .unusable = node->unusable != NULL,
        .nominated = load->nominated,
        .no_env = node->env == PLIMSOLL_NO,
        .room_every = UINT64_MAX,
        .reach_every = UINT64_MAX,
        .every = true,
        .default_ours = judge_default(node, load, false, settings),
        .default_plugin = judge_default(node, load, true, settings),
    };
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        summary.vendors |= (uint8_t)(1u << card->vendor);
        if (is_whole(card)) {
            add_card(&summary, card, node->mps);
        }
    }
    return summary;
}

/* One that fits is enough, and one that merely lacks bytes comes closer than all that cannot. */
static bool glance_some(const struct plimsoll_summary *summary, uint64_t want,
                        enum plimsoll_reason *reason)
{
    *reason = want <= summary->room ? PLIMSOLL_FITS : PLIMSOLL_NO_VRAM;
    return summary->some && want <= summary->reach;
}

/* All have to fit; where each could if it were empty, bytes are all that any of them lacks. */
static bool glance_every(const struct plimsoll_summary *summary, uint64_t want,
                         enum plimsoll_reason *reason)
{
    if (!summary->pickable) {
        *reason = PLIMSOLL_TOO_FEW_CARDS;
        return true;
    }
    *reason = want <= summary->room_every ? PLIMSOLL_FITS : PLIMSOLL_NO_VRAM;
    return summary->every && want <= summary->reach_every;
}

static bool glance_whole(const struct plimsoll_summary *summary,
                         const struct plimsoll_demand *demand, enum plimsoll_reason *reason)
{
    bool plugin = demand->plugin && summary->whole > 1;
    if (demand->every_card || demand->cards > 1 || (plugin && demand->env_ours)) {
        return false;
    }
    if (demand->request == PLIMSOLL_REQUEST_DEFAULT) {
        *reason = demand->plugin ? summary->default_plugin : summary->default_ours;
        return true;
    }
    if (!demand->plugin && summary->no_env) {
        *reason = PLIMSOLL_NO_ENV;
        return true;
    }
    return demand->request == PLIMSOLL_REQUEST_BYTES &&
           (plugin ? glance_every(summary, demand->vram, reason)
                   : glance_some(summary, demand->vram, reason));
}

bool plimsoll_placement_glance(const struct plimsoll_summary *summary,
                               const struct plimsoll_demand *demand, enum plimsoll_reason *reason)
{
    enum plimsoll_reason found = PLIMSOLL_FITS;
    bool known = false;
    if (!demand->gpu) {
        known = true;
    } else if (summary->unusable) {
        known = true;
        found = PLIMSOLL_UNUSABLE;
    } else if (demand->mig || summary->nominated) {
        known = false;
    } else if ((summary->vendors >> demand->vendor & 1u) == 0) {
        known = true;
        found = PLIMSOLL_NO_CARD;
    } else if (demand->vendor == PLIMSOLL_VENDOR_NVIDIA && summary->whole > 0) {
        known = glance_whole(summary, demand, &found);
    }
    if (known) {
        *reason = found;
    }
    return known;
}
