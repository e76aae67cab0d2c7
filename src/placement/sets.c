/* SPDX-License-Identifier: Apache-2.0 */
#include "sets.h"

static uint32_t count_bits(uint64_t bits)
{
    return (uint32_t)__builtin_popcountll(bits);
}

/* Cards of `cards` that one of `from` has a link to, told by either end. */
static uint64_t linked(const struct plimsoll_node *node, uint64_t from, uint64_t cards)
{
    uint64_t found = 0;
    for (uint64_t rest = from; rest != 0; rest &= rest - 1) {
        found |= node->cards[__builtin_ctzll(rest)].nvlink;
    }
    for (uint64_t rest = cards & ~found; rest != 0; rest &= rest - 1) {
        if (node->cards[__builtin_ctzll(rest)].nvlink & from) {
            found |= rest & -rest;
        }
    }
    return found & cards & ~from;
}

static uint64_t component(const struct plimsoll_node *node, uint64_t start, uint64_t cards)
{
    uint64_t all = start, fresh = start;
    while (fresh != 0) {
        fresh = linked(node, fresh, cards & ~all);
        all |= fresh;
    }
    return all;
}

/* A machine without NUMA says -1 for every card; beside cards that have a node, -1 is unknown. */
static uint64_t same_numa(const struct plimsoll_node *node, uint32_t card, uint64_t cards)
{
    int16_t numa = node->cards[card].numa;
    uint64_t found = 0;
    for (uint32_t i = 0; i < node->card_count && i < PLIMSOLL_CARDS_MAX; i++) {
        if (numa < 0 && (node->cards[i].numa >= 0 || !node->inventory)) {
            return UINT64_C(1) << card;
        }
        if (node->cards[i].numa == numa) {
            found |= UINT64_C(1) << i;
        }
    }
    return found & cards;
}

static uint64_t group(const struct plimsoll_node *node, uint32_t card, uint64_t cards,
                      enum plimsoll_topology topology)
{
    if (topology == PLIMSOLL_TOPOLOGY_NVLINK) {
        return component(node, UINT64_C(1) << card, cards);
    }
    return topology == PLIMSOLL_TOPOLOGY_NUMA ? same_numa(node, card, cards) : cards;
}

bool plimsoll_sets_exist(const struct plimsoll_node *node, uint64_t cards, uint32_t size,
                         enum plimsoll_topology topology)
{
    for (uint64_t rest = cards; rest != 0;) {
        uint64_t together = group(node, (uint32_t)__builtin_ctzll(rest), cards, topology);
        if (count_bits(together) >= size) {
            return true;
        }
        rest &= ~together;
    }
    return false;
}

static uint64_t best_of(uint64_t cards, const double *values)
{
    uint64_t best = cards & -cards;
    for (uint64_t rest = cards; rest != 0; rest &= rest - 1) {
        if (values[__builtin_ctzll(rest)] > values[__builtin_ctzll(best)]) {
            best = rest & -rest;
        }
    }
    return best;
}

/* From `start`, always the best of what may come next. */
static uint64_t grow(const struct plimsoll_node *node, uint64_t start, uint64_t cards,
                     uint32_t size, bool nvlink, const double *values)
{
    uint64_t set = start;
    while (count_bits(set) < size) {
        uint64_t next = nvlink ? linked(node, set, cards) : cards & ~set;
        if (next == 0) {
            return 0;
        }
        set |= best_of(next, values);
    }
    return set;
}

static double sum_of(uint64_t cards, const double *values)
{
    double sum = 0;
    for (; cards != 0; cards &= cards - 1) {
        sum += values[__builtin_ctzll(cards)];
    }
    return sum;
}

static uint64_t pick_joined(const struct plimsoll_node *node, uint64_t cards, uint32_t size,
                            enum plimsoll_topology topology, const double *values)
{
    bool nvlink = topology == PLIMSOLL_TOPOLOGY_NVLINK;
    uint64_t best = 0;
    for (uint64_t rest = cards; rest != 0; rest &= rest - 1) {
        uint64_t together = group(node, (uint32_t)__builtin_ctzll(rest), cards, topology);
        uint64_t set = count_bits(together) < size
                           ? 0
                           : grow(node, rest & -rest, together, size, nvlink, values);
        if (set != 0 && (best == 0 || sum_of(set, values) > sum_of(best, values))) {
            best = set;
        }
    }
    return best;
}

uint64_t plimsoll_sets_pick(const struct plimsoll_node *node, uint64_t cards, uint32_t size,
                            enum plimsoll_topology topology, const double *values)
{
    if (size == 0 || count_bits(cards) < size) {
        return 0;
    }
    if (size == 1) {
        return best_of(cards, values);
    }
    if (topology != PLIMSOLL_TOPOLOGY_ANY) {
        return pick_joined(node, cards, size, topology, values);
    }
    uint64_t set = pick_joined(node, cards, size, PLIMSOLL_TOPOLOGY_NVLINK, values);
    set = set ? set : pick_joined(node, cards, size, PLIMSOLL_TOPOLOGY_NUMA, values);
    return set ? set : pick_joined(node, cards, size, PLIMSOLL_TOPOLOGY_ANY, values);
}
