/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "arith.h"
#include "bookings.h"

/* Devices that the plugin of `vendor` offers on the node, instances aside. */
static uint64_t offered(const struct plimsoll_node *node, uint8_t vendor)
{
    uint64_t devices = 0;
    for (uint32_t i = 0; i < node->resource_count; i++) {
        const struct plimsoll_node_resource *resource = &node->resources[i];
        if (resource->vendor == vendor && !resource->mig) {
            devices = plus(devices, resource->allocatable);
        }
    }
    return devices;
}

static bool is_healthy(const struct plimsoll_card *card)
{
    return card->health[0] == '\0' || strcmp(card->health, "ok") == 0;
}

/* What nobody tells is derived from allocatable, which a plugin lowers by the unhealthy cards.
 * Rounded up: too many replicas only make us careful. */
static uint32_t replicas_of(const struct plimsoll_node *node, const struct plimsoll_card *card)
{
    if (card->replicas > 0) {
        return card->replicas;
    }
    if (card->vendor == PLIMSOLL_VENDOR_NVIDIA && node->replicas > 0) {
        return node->replicas;
    }
    uint64_t cards = 0;
    for (uint32_t i = 0; i < node->card_count; i++) {
        const struct plimsoll_card *other = &node->cards[i];
        cards += other->vendor == card->vendor && other->mig_count == 0 && is_healthy(other);
    }
    uint64_t devices = offered(node, card->vendor);
    if (cards == 0 || devices == 0) {
        return 1;
    }
    return (uint32_t)smaller(UINT32_MAX, devices / cards + (devices % cards > 0));
}

static enum plimsoll_card_state state_of(const struct plimsoll_card *card)
{
    if (card->mig_count > 0) {
        return PLIMSOLL_CARD_MIG;
    }
    if (card->disagrees) {
        return PLIMSOLL_CARD_DISAGREES;
    }
    if (!is_healthy(card)) {
        return PLIMSOLL_CARD_UNHEALTHY;
    }
    if (card->cordoned) {
        return PLIMSOLL_CARD_CORDONED;
    }
    return card->total == 0 && !card->free_only ? PLIMSOLL_CARD_UNKNOWN_MEMORY : PLIMSOLL_CARD_OK;
}

/* `rest` is what a reserve of `percent_milli` leaves of a total: the reserve. */
static uint64_t reserve_beside(uint64_t rest, uint32_t percent_milli)
{
    if (percent_milli >= PLIMSOLL_PERCENT_WHOLE) {
        return rest;
    }
    uint64_t left = PLIMSOLL_PERCENT_WHOLE - percent_milli, scaled;
    if (__builtin_mul_overflow(rest, (uint64_t)percent_milli, &scaled)) {
        scaled = UINT64_MAX;
    }
    return scaled / left + (scaled % left > 0);
}

static void measure_card(const struct plimsoll_card *card,
                         const struct plimsoll_placement_settings *settings,
                         struct plimsoll_load *load)
{
    uint32_t percent = settings->reserve_percent_milli;
    if (card->free_only) {
        load->reserve =
            percent > 0 ? reserve_beside(card->free_reported, percent) : settings->reserve_bytes;
        load->total = plus(card->free_reported, load->reserve);
    } else {
        load->total = card->total;
        load->reserve = percent > 0 ? share_of(card->total, percent) : settings->reserve_bytes;
    }
    load->reserve = smaller(load->reserve, load->total);
    load->line = load->total - load->reserve;
    load->used = card->reported && !card->free_only ? card->used : 0;
}

static bool is_whole(const struct plimsoll_load *card, uint8_t vendor)
{
    return card->vendor == vendor && card->state != PLIMSOLL_CARD_MIG;
}

/* A plugin that offers no more than the healthy cards have does not hand out the others. */
static void mark_withheld(const struct plimsoll_node *node, struct plimsoll_node_load *load)
{
    for (uint32_t i = 0; i < load->card_count; i++) {
        struct plimsoll_load *card = &load->cards[i];
        if (card->state != PLIMSOLL_CARD_UNHEALTHY) {
            continue;
        }
        uint64_t healthy = 0;
        for (uint32_t j = 0; j < load->card_count; j++) {
            const struct plimsoll_load *other = &load->cards[j];
            if (is_whole(other, card->vendor) && other->state != PLIMSOLL_CARD_UNHEALTHY) {
                healthy += other->replicas;
            }
        }
        card->withheld = healthy >= offered(node, card->vendor);
    }
}

/* The formulas of design §4.1. */
static void settle_card(const struct plimsoll_card *card, const struct plimsoll_booking *booking,
                        struct plimsoll_load *load)
{
    bool reported = card->reported && !card->free_only;
    load->booked = booking->demands;
    if (reported && card->attributed) {
        load->booked = plus(load->booked, booking->excess);
        load->foreign = minus(load->used, booking->measured);
    } else if (reported) {
        load->foreign = booking->demanded ? booking->idle : load->used;
        load->booked = larger(load->booked, minus(load->used, load->foreign));
    }
    load->idle = UINT64_MAX;
    if (booking->demanded && booking->idle_known) {
        load->idle = booking->idle;
    } else if (!booking->demanded && reported) {
        load->idle = load->foreign;
    }
    uint64_t taken = plus(larger(load->reserve, load->foreign), load->booked);
    load->free = minus(load->total, taken);
    load->relief = minus(booking->relief, minus(taken, load->total));
    load->floating_plugin = booking->floating_plugin;
    load->floating_ours = booking->floating_ours;
    load->taken = booking->taken;
}

static void add_requests(struct plimsoll_requests *free, const struct plimsoll_requests *more)
{
    free->cpu_milli = plus(free->cpu_milli, more->cpu_milli); /* not known stays not known */
    free->memory = plus(free->memory, more->memory);
}

/* What a pod keeps free of the node, or takes of it already, is there for the pod itself. */
static void give_back(const struct plimsoll_node_view *view, const struct plimsoll_uid *without,
                      struct plimsoll_requests *free)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        if (strcmp(pod->uid.text, without->text) == 0) {
            if (pod->node != NULL && pod->node[0] != '\0') {
                add_requests(free, &pod->demand.requests);
            }
            return;
        }
    }
    for (size_t i = 0; i < view->hold_count; i++) {
        if (strcmp(view->holds[i]->uid.text, without->text) == 0) {
            add_requests(free, &view->holds[i]->demand.requests);
            return;
        }
    }
}

struct plimsoll_node_load *
plimsoll_placement_load(const struct plimsoll_node_view *view,
                        const struct plimsoll_placement_settings *settings,
                        const struct plimsoll_uid *without, int32_t priority)
{
    const struct plimsoll_node *node = view->node;
    uint32_t count = node->card_count < PLIMSOLL_CARDS_MAX ? node->card_count : PLIMSOLL_CARDS_MAX;
    /* Zeroed here: malloc keeps small pieces at hand, calloc does not, and a filter of full nodes
     * computes thousands of these. */
    struct plimsoll_node_load *load =
        plimsoll_realloc(NULL, 1, sizeof *load + count * sizeof load->cards[0]);
    plimsoll_autofree struct plimsoll_booking *bookings =
        plimsoll_realloc(NULL, count + 1, sizeof *bookings);
    memset(load, 0, sizeof *load + count * sizeof load->cards[0]);
    memset(bookings, 0, count * sizeof *bookings);
    load->card_count = count;
    load->room = view->room;
    if (without != NULL && load->room.outlook != NULL) {
        give_back(view, without, &load->room.free);
    }
    for (uint32_t i = 0; i < count; i++) {
        measure_card(&node->cards[i], settings, &load->cards[i]);
        load->cards[i].state = (uint8_t)state_of(&node->cards[i]);
        load->cards[i].vendor = node->cards[i].vendor;
        load->cards[i].replicas = replicas_of(node, &node->cards[i]);
    }
    mark_withheld(node, load);
    load->nominated = plimsoll_bookings_count(view, settings, without, priority, load, bookings);
    for (uint32_t i = 0; i < count; i++) {
        settle_card(&node->cards[i], &bookings[i], &load->cards[i]);
    }
    return load;
}
