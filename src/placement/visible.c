/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

/* No card at all, without an error: what a container gets that our books give none. */
#define VOID "void"

static void add_cards(const struct plimsoll_claim *claim, uint32_t first, uint32_t count,
                      struct plimsoll_text *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            plimsoll_text_add_char(out, ',');
        }
        plimsoll_text_add_string(out, claim->cards[first + i].id);
    }
}

/* A plugin pod's cards are dealt out as its containers asked for them. Fewer cards than devices
 * means one card that is shared. */
static void add_share(const struct plimsoll_demand *demand, const struct plimsoll_claim *claim,
                      unsigned container, struct plimsoll_text *out)
{
    uint32_t first = 0, devices = 0;
    for (unsigned i = 0; i < demand->container_count && i < PLIMSOLL_GPU_CONTAINERS_MAX; i++) {
        first += i < container ? demand->container_cards[i] : 0;
        devices += demand->container_cards[i];
    }
    uint32_t count = demand->container_cards[container];
    if (count == 0) {
        plimsoll_text_add_string(out, VOID);
    } else if (devices > claim->card_count) {
        add_cards(claim, 0, claim->card_count, out);
    } else {
        add_cards(claim, first, count, out);
    }
}

void plimsoll_placement_visible(const struct plimsoll_node *node,
                                const struct plimsoll_demand *demand,
                                const struct plimsoll_claim *claim, unsigned container,
                                struct plimsoll_text *out)
{
    bool mounted = demand->plugin && (node->device_list == PLIMSOLL_DEVICE_LIST_CDI ||
                                      node->device_list == PLIMSOLL_DEVICE_LIST_MOUNTS);
    bool theirs = container < demand->container_count && container < PLIMSOLL_GPU_CONTAINERS_MAX;
    if (mounted || !theirs || claim->card_count == 0) {
        plimsoll_text_add_string(out, VOID);
    } else if (demand->plugin && !demand->every_card) {
        add_share(demand, claim, container, out);
    } else {
        add_cards(claim, 0, claim->card_count, out);
    }
}
