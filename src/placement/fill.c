/* SPDX-License-Identifier: Apache-2.0 */
/* How much of a node random pods fill that arrive one by one: what V only estimates. */
#include "value.h"

#define GIB (1024.0 * 1024.0 * 1024.0)
/* A pod that lacks less than this of a card fits: numbers of four bytes are rounded. */
#define SLACK (64.0 * 1024)

struct tank {
    uint32_t count;
    double cpu, memory, filled;
    double open[PLIMSOLL_CARDS_MAX], devices[PLIMSOLL_CARDS_MAX];
    uint8_t sizes[PLIMSOLL_CARDS_MAX]; /* of the site */
};

/* One class, as numbers. */
struct drop {
    double cpu, memory;
    double want[PLIMSOLL_SIZES_MAX]; /* of a card of that size */
    uint32_t cards;
    bool device, allowed;
};

static void make_tank(const struct plimsoll_site *site, const struct plimsoll_taking *taking,
                      struct tank *tank)
{
    *tank = (struct tank){.cpu = site->cpu, .memory = site->memory};
    for (uint32_t i = 0; i < site->group_count; i++) {
        const struct plimsoll_group *group = &site->groups[i];
        for (uint64_t cards = group->cards; cards != 0; cards &= cards - 1) {
            bool taken = taking != NULL && (taking->cards & cards & -cards) != 0;
            tank->open[tank->count] = group->open - (taken ? taking->want : 0);
            tank->devices[tank->count] = group->devices - (taken && taking->device ? 1 : 0);
            tank->sizes[tank->count++] = (uint8_t)group->size;
        }
    }
    if (taking != NULL) {
        tank->cpu -= taking->cpu;
        tank->memory -= taking->memory;
    }
}

static void make_drops(const struct plimsoll_site *site, struct drop *drops)
{
    const struct plimsoll_expected *expected = site->expected;
    for (uint32_t i = 0; i < expected->count; i++) {
        uint32_t vector = i / PLIMSOLL_LANES, lane = i % PLIMSOLL_LANES;
        const struct plimsoll_wants *wants = &expected->wants[vector];
        struct drop *drop = &drops[i];
        drop->cpu = (double)expected->requests[i].cpu_milli;
        drop->memory = (double)expected->requests[i].memory;
        drop->cards = (uint32_t)(1.0F / expected->per_pod[vector][lane] + 0.5F);
        drop->device = expected->undevices[vector][lane] <= 0;
        drop->allowed = (expected->kinds[i] & site->kind) != 0;
        for (uint32_t j = 0; j < site->size_count; j++) {
            const struct plimsoll_size *size = &site->sizes[j];
            drop->want[j] = (double)wants->bytes[lane] +
                            (double)wants->of_total[lane] * size->total +
                            (double)wants->of_line[lane] * size->line +
                            (double)wants->of_default[lane] * size->fallback;
        }
    }
}

/* The card without `taken` on which least is left; tank->count: there is none. */
static uint32_t tightest(const struct tank *tank, const struct drop *drop, uint64_t taken)
{
    uint32_t best = tank->count;
    double least = 0;
    for (uint32_t i = 0; i < tank->count; i++) {
        double left = tank->open[i] - drop->want[tank->sizes[i]];
        bool fits =
            left > -SLACK && (!drop->device || tank->devices[i] > 0) && (taken >> i & 1) == 0;
        if (fits && (best == tank->count || left < least)) {
            best = i;
            least = left;
        }
    }
    return best;
}

static void pour(struct tank *tank, const struct drop *drop)
{
    uint64_t cards = 0;
    if (!drop->allowed || drop->cpu > tank->cpu || drop->memory > tank->memory) {
        return;
    }
    for (uint32_t i = 0; i < drop->cards; i++) {
        uint32_t card = tightest(tank, drop, cards);
        if (card == tank->count) {
            return;
        }
        cards |= UINT64_C(1) << card;
    }
    for (; cards != 0; cards &= cards - 1) {
        uint32_t card = (uint32_t)__builtin_ctzll(cards);
        double want = drop->want[tank->sizes[card]];
        tank->open[card] -= want;
        tank->devices[card] -= drop->device ? 1 : 0;
        tank->filled += want;
    }
    tank->cpu -= drop->cpu;
    tank->memory -= drop->memory;
}

double plimsoll_site_fill(const struct plimsoll_site *site, const struct plimsoll_taking *taking)
{
    const struct plimsoll_expected *expected = site->expected;
    struct drop drops[PLIMSOLL_CLASSES_VALUED_MAX];
    struct tank full, tank;
    double filled = 0;
    make_drops(site, drops);
    make_tank(site, taking, &full);
    for (size_t i = 0; i < PLIMSOLL_FILL_SEQUENCES; i++) {
        tank = full;
        for (size_t j = 0; j < PLIMSOLL_FILL_PODS; j++) {
            pour(&tank, &drops[expected->draws[i][j]]);
        }
        filled += tank.filled;
    }
    return filled / PLIMSOLL_FILL_SEQUENCES / GIB;
}
