/* SPDX-License-Identifier: Apache-2.0 */
#include "openb.h"

struct openb_arena openb_arena_make(const struct openb_trace *trace)
{
    struct openb_arena arena = {.trace = trace, .count = trace->node_count};
    arena.sites = plimsoll_alloc(trace->node_count + 1, sizeof *arena.sites);
    for (size_t i = 0; i < trace->node_count; i++) {
        const struct openb_node *node = &trace->nodes[i];
        arena.sites[i] = (struct openb_site){.cpu_milli = node->cpu_milli,
                                             .memory_mib = node->memory_mib,
                                             .cards = node->cards,
                                             .model = node->model,
                                             .version = 1};
        for (uint32_t k = 0; k < node->cards; k++) {
            arena.sites[i].free[k] = OPENB_WHOLE;
        }
    }
    return arena;
}

static uint32_t count_cards(const struct openb_site *site, uint32_t milli)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < site->cards; i++) {
        count += site->free[i] >= milli;
    }
    return count;
}

bool openb_fits(const struct openb_site *site, const struct openb_class *class_)
{
    return site->cpu_milli >= class_->cpu_milli && site->memory_mib >= class_->memory_mib &&
           (class_->models >> site->model & 1) != 0 &&
           count_cards(site, class_->milli) >= class_->cards;
}

void openb_take(struct openb_site *site, const struct openb_class *class_, uint32_t cards)
{
    if (site->cpu_milli < class_->cpu_milli || site->memory_mib < class_->memory_mib ||
        (uint32_t)__builtin_popcount(cards) != class_->cards) {
        abort();
    }
    site->cpu_milli -= class_->cpu_milli;
    site->memory_mib -= class_->memory_mib;
    for (; cards != 0; cards &= cards - 1) {
        uint32_t card = (uint32_t)__builtin_ctz(cards);
        if (card >= site->cards || site->free[card] < class_->milli) {
            abort();
        }
        site->free[card] = (uint16_t)(site->free[card] - class_->milli);
    }
    site->version++;
}

uint32_t openb_whole_cards(const struct openb_site *site, const struct openb_class *class_)
{
    uint32_t cards = 0;
    for (uint32_t i = 0; i < site->cards && (uint32_t)__builtin_popcount(cards) < class_->cards;
         i++) {
        cards |= site->free[i] >= class_->milli ? 1u << i : 0;
    }
    return cards;
}

double openb_taken(const struct openb_arena *arena)
{
    double all = 0, free = 0;
    for (size_t i = 0; i < arena->count; i++) {
        const struct openb_site *site = &arena->sites[i];
        all += (double)site->cards * OPENB_WHOLE;
        for (uint32_t k = 0; k < site->cards; k++) {
            free += site->free[k];
        }
    }
    return 100 * (all - free) / all;
}
