/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include "want.h"

/* More than any node has, where it is not known what it has. */
#define UNKNOWN_ROOM 1e15
/* A card that lacks so little of one more copy has it: numbers of four bytes are rounded. */
#define SLACK 1e-4F
#define GIB   (1024.0 * 1024.0 * 1024.0)

bool plimsoll_site_known(const struct plimsoll_node_load *load)
{
    return plimsoll_outlook_ready(load->room.outlook);
}

static double room_of(uint64_t free, float crumb)
{
    return free == UINT64_MAX ? UNKNOWN_ROOM : (double)free + PLIMSOLL_CRUMBS * (double)crumb;
}

/* Bytes below 2^53: equal or not, nothing between. */
static bool same(double a, double b)
{
    return !(a < b || a > b);
}

static uint32_t size_of(struct plimsoll_site *site, const struct plimsoll_load *card, bool mps,
                        const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_size size = {.total = (double)card->total,
                                 .line = (double)card->line,
                                 .fallback = (double)default_on(card, mps, settings)};
    for (uint32_t i = 0; i < site->size_count; i++) {
        const struct plimsoll_size *known = &site->sizes[i];
        if (same(known->total, size.total) && same(known->line, size.line) &&
            same(known->fallback, size.fallback)) {
            return i;
        }
    }
    if (site->size_count == PLIMSOLL_SIZES_MAX) {
        return PLIMSOLL_SIZES_MAX - 1;
    }
    site->sizes[site->size_count] = size;
    return site->size_count++;
}

static void add_card(struct plimsoll_site *site, const struct plimsoll_group *group, uint32_t card)
{
    uint32_t at = 0;
    for (; at < site->group_count; at++) {
        const struct plimsoll_group *known = &site->groups[at];
        if (known->size == group->size && same(known->open, group->open) &&
            same(known->devices, group->devices)) {
            break;
        }
    }
    if (at == site->group_count) {
        site->groups[site->group_count++] = *group;
    }
    site->groups[at].cards |= UINT64_C(1) << card;
    site->groups[at].count++;
    site->group_of[card] = (uint8_t)at;
}

static plimsoll_floats wants_of(const struct plimsoll_wants *wants,
                                const struct plimsoll_size *size)
{
    return wants->bytes + wants->of_total * (float)size->total +
           wants->of_line * (float)size->line + wants->of_default * (float)size->fallback;
}

/* Copies of four classes that have room on a card. */
static inline plimsoll_floats count_copies(const struct plimsoll_expected *expected,
                                           uint32_t vector, plimsoll_floats inverse, double open,
                                           double devices)
{
    plimsoll_floats copies = lanes_of((float)open) * inverse + SLACK;
    plimsoll_floats most = lanes_smaller(expected->per_card[vector],
                                         lanes_of((float)devices) + expected->undevices[vector]);
    return lanes_floor(lanes_smaller(copies, most));
}

static inline plimsoll_floats power_of(const struct plimsoll_expected *expected, uint32_t vector,
                                       plimsoll_floats fits, double cpu, double memory)
{
    plimsoll_floats by_cards = lanes_floor(fits * expected->per_pod[vector] + SLACK);
    plimsoll_floats by_cpu = lanes_of((float)cpu) * expected->per_cpu[vector];
    plimsoll_floats by_memory = lanes_of((float)memory) * expected->per_memory[vector];
    return lanes_power(lanes_smaller(by_cards, lanes_smaller(by_cpu, by_memory)));
}

/* The class's frequency times what a pod of it takes here. */
static plimsoll_floats weigh(const struct plimsoll_site *site, uint32_t vector,
                             plimsoll_floats wants)
{
    const struct plimsoll_expected *expected = site->expected;
    plimsoll_floats weight = expected->weight[vector] * wants * (float)(1 / GIB);
    for (uint32_t lane = 0; lane < PLIMSOLL_LANES; lane++) {
        if ((expected->kinds[vector * PLIMSOLL_LANES + lane] & site->kind) == 0) {
            weight[lane] = 0;
        }
    }
    return weight;
}

static void value_classes(struct plimsoll_site *site)
{
    const struct plimsoll_expected *expected = site->expected;
    for (uint32_t i = 0; i < expected->vectors; i++) {
        for (uint32_t j = 0; j < site->size_count; j++) {
            plimsoll_floats wants = wants_of(&expected->wants[i], &site->sizes[j]);
            site->inverse[j][i] = 1.0F / (wants + 1.0F);
            if (j == 0) {
                site->weight[i] = weigh(site, i, wants);
            }
        }
        plimsoll_floats fits = lanes_of(0);
        for (uint32_t j = 0; j < site->group_count; j++) {
            const struct plimsoll_group *group = &site->groups[j];
            fits += count_copies(expected, i, site->inverse[group->size][i], group->open,
                                 group->devices) *
                    (float)group->count;
        }
        site->fits[i] = fits;
        site->power[i] = power_of(expected, i, fits, site->cpu, site->memory);
    }
}

void plimsoll_site_make(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                        const struct plimsoll_placement_settings *settings, bool plugin,
                        struct plimsoll_site *site)
{
    site->expected = &load->room.outlook->expected;
    site->cpu = room_of(load->room.free.cpu_milli, PLIMSOLL_CPU_CRUMB);
    site->memory = room_of(load->room.free.memory, PLIMSOLL_MEMORY_CRUMB);
    site->kind = load->room.kind;
    site->size_count = site->group_count = 0;
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        if (card->vendor != PLIMSOLL_VENDOR_NVIDIA || card->state != PLIMSOLL_CARD_OK) {
            continue;
        }
        uint32_t taken = card->taken < card->replicas ? card->taken : card->replicas;
        struct plimsoll_group group = {
            .open = (double)plimsoll_load_open(card, plugin),
            .devices = card->withheld ? 0 : (double)(card->replicas - taken),
            .size = size_of(site, card, node->mps, settings),
        };
        add_card(site, &group, i);
    }
    if (site->group_count > 0) {
        value_classes(site);
    }
}

double plimsoll_site_value(const struct plimsoll_site *site)
{
    plimsoll_floats sum = lanes_of(0);
    for (uint32_t i = 0; site->group_count > 0 && i < site->expected->vectors; i++) {
        sum += site->weight[i] * site->power[i];
    }
    return (double)lanes_sum(sum);
}

static double less(double a, double b)
{
    return a > b ? a - b : 0;
}

/* A group of which cards are taken. */
struct touched {
    double open, devices, open_after, devices_after;
    float count;
    uint32_t size;
};

static uint32_t touch(const struct plimsoll_site *site, const struct plimsoll_taking *taking,
                      struct touched *touched)
{
    uint32_t count = 0;
    for (uint32_t i = 0; taking->cards != 0 && i < site->group_count; i++) {
        const struct plimsoll_group *group = &site->groups[i];
        int cards = __builtin_popcountll(group->cards & taking->cards);
        if (cards > 0) {
            touched[count++] = (struct touched){group->open,
                                                group->devices,
                                                less(group->open, taking->want),
                                                less(group->devices, taking->device),
                                                (float)cards,
                                                group->size};
        }
    }
    return count;
}

double plimsoll_site_change(const struct plimsoll_site *site, const struct plimsoll_taking *taking)
{
    const struct plimsoll_expected *expected = site->expected;
    double cpu = less(site->cpu, taking->cpu), memory = less(site->memory, taking->memory);
    struct touched touched[PLIMSOLL_CARDS_MAX];
    uint32_t touched_count = touch(site, taking, touched);
    plimsoll_floats sum = lanes_of(0);
    for (uint32_t i = 0; site->group_count > 0 && i < expected->vectors; i++) {
        plimsoll_floats fits = site->fits[i];
        for (uint32_t j = 0; j < touched_count; j++) {
            const struct touched *group = &touched[j];
            plimsoll_floats inverse = site->inverse[group->size][i];
            fits += (count_copies(expected, i, inverse, group->open_after, group->devices_after) -
                     count_copies(expected, i, inverse, group->open, group->devices)) *
                    group->count;
        }
        sum += site->weight[i] * (power_of(expected, i, fits, cpu, memory) - site->power[i]);
    }
    return (double)lanes_sum(sum);
}
