/* SPDX-License-Identifier: Apache-2.0 */
/* Scores by class and node, so that of thousands of nodes only those are valued that have changed.
 * Readers write them too: a cell is one word, and two that compute it come to the same. */
#include "outlook.h"

#include <stdlib.h>
#include <string.h>

#define NODES_STEP  512u
#define EPOCH_BITS  8u
#define EPOCH_MASK  ((1u << EPOCH_BITS) - 1u)
#define FIRST_STAMP 1u /* so that no cell of zeros holds */

static void clear(_Atomic uint64_t *row, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        atomic_store_explicit(&row[i], 0, memory_order_relaxed);
    }
}

static void grow_row(_Atomic uint64_t **row, uint32_t from, uint32_t to)
{
    *row = plimsoll_realloc(*row, to, sizeof **row);
    clear(*row, from, to);
}

static void grow(struct plimsoll_outlook *outlook, uint32_t number)
{
    uint32_t from = outlook->node_capacity, to = (number / NODES_STEP + 1) * NODES_STEP;
    outlook->stamps = plimsoll_realloc(outlook->stamps, to, sizeof *outlook->stamps);
    for (uint32_t i = from; i < to; i++) {
        outlook->stamps[i] = FIRST_STAMP;
    }
    outlook->node_capacity = to;
    outlook->row_count = 0;
    for (uint32_t i = 0; i < PLIMSOLL_SLOTS; i++) {
        if (!plimsoll_slot_used(outlook, i)) {
            continue;
        }
        if ((uint64_t)(outlook->row_count + 1) * to > PLIMSOLL_SCORES_MAX) {
            free(PLIMSOLL_TAKE(outlook->rows[i]));
            continue;
        }
        grow_row(&outlook->rows[i], outlook->rows[i] != NULL ? from : 0, to);
        outlook->row_count++;
    }
}

void plimsoll_outlook_touch(struct plimsoll_outlook *outlook, uint32_t number)
{
    if (number >= PLIMSOLL_OUTLOOK_NODES_MAX) {
        return;
    }
    if (number >= outlook->node_capacity) {
        grow(outlook, number);
    }
    outlook->stamps[number]++;
    if ((outlook->stamps[number] << EPOCH_BITS) == 0) {
        outlook->stamps[number] = FIRST_STAMP; /* around: no cell of zeros may hold */
    }
}

void plimsoll_scores_add_row(struct plimsoll_outlook *outlook, uint32_t class_index)
{
    uint64_t cells = (uint64_t)(outlook->row_count + 1) * outlook->node_capacity;
    if (outlook->node_capacity > 0 && cells <= PLIMSOLL_SCORES_MAX) {
        grow_row(&outlook->rows[class_index], 0, outlook->node_capacity);
        outlook->row_count++;
    }
}

void plimsoll_scores_clear_row(struct plimsoll_outlook *outlook, uint32_t class_index)
{
    if (outlook->rows[class_index] != NULL) {
        clear(outlook->rows[class_index], 0, outlook->node_capacity);
    }
}

void plimsoll_scores_move_row(struct plimsoll_outlook *outlook, uint32_t from, uint32_t to)
{
    outlook->rows[to] = PLIMSOLL_TAKE(outlook->rows[from]);
    plimsoll_scores_clear_row(outlook, to);
}

uint32_t plimsoll_outlook_class(const struct plimsoll_outlook *outlook,
                                const struct plimsoll_demand *demand)
{
    return plimsoll_history_find(outlook, demand);
}

static bool has_cell(const struct plimsoll_outlook *outlook, uint32_t class_index, uint32_t number)
{
    return class_index < PLIMSOLL_SLOTS && outlook->rows[class_index] != NULL &&
           number < outlook->node_capacity;
}

static uint32_t stamp_of(const struct plimsoll_outlook *outlook, uint32_t number)
{
    return outlook->stamps[number] << EPOCH_BITS | (outlook->epoch & EPOCH_MASK);
}

enum plimsoll_recalled plimsoll_outlook_recall(const struct plimsoll_outlook *outlook,
                                               uint32_t class_index, uint32_t number, double *score)
{
    if (!has_cell(outlook, class_index, number)) {
        return PLIMSOLL_RECALLED_NOTHING;
    }
    uint64_t cell = atomic_load_explicit(&outlook->rows[class_index][number], memory_order_relaxed);
    uint32_t stamp = (uint32_t)(cell >> 32), bits = (uint32_t)cell;
    uint32_t differs = stamp ^ stamp_of(outlook, number);
    float kept;
    if (differs > EPOCH_MASK) {
        return PLIMSOLL_RECALLED_NOTHING;
    }
    memcpy(&kept, &bits, sizeof kept);
    *score = (double)kept;
    return differs == 0 ? PLIMSOLL_RECALLED : PLIMSOLL_RECALLED_OLD;
}

void plimsoll_outlook_remember(const struct plimsoll_outlook *outlook, uint32_t class_index,
                               uint32_t number, double score)
{
    if (has_cell(outlook, class_index, number)) {
        float kept = (float)score;
        uint32_t bits;
        memcpy(&bits, &kept, sizeof bits);
        atomic_store_explicit(&outlook->rows[class_index][number],
                              (uint64_t)stamp_of(outlook, number) << 32 | bits,
                              memory_order_relaxed);
    }
}

void plimsoll_outlook_allow(struct plimsoll_outlook *outlook, uint32_t class_index, uint64_t kinds)
{
    if (class_index < PLIMSOLL_SLOTS) {
        atomic_fetch_or_explicit(&outlook->classes[class_index].kinds, kinds, memory_order_relaxed);
    }
}

uint64_t plimsoll_outlook_kind(struct plimsoll_outlook *outlook, const struct plimsoll_node *node)
{
    const char *product = node->card_count > 0 ? node->cards[0].product : "";
    uint32_t at = 0;
    while (at < outlook->product_count && strcmp(outlook->products[at], product) != 0) {
        at++;
    }
    if (at == outlook->product_count && at < PLIMSOLL_NODE_KINDS_MAX) {
        memcpy(outlook->products[at], product, strnlen(product, sizeof outlook->products[at] - 1));
        outlook->product_count++;
    }
    return UINT64_C(1) << (at < PLIMSOLL_NODE_KINDS_MAX ? at : PLIMSOLL_NODE_KINDS_MAX - 1);
}

size_t plimsoll_outlook_bytes(const struct plimsoll_outlook *outlook)
{
    size_t cells = (size_t)outlook->row_count * outlook->node_capacity;
    return sizeof *outlook + outlook->node_capacity * sizeof *outlook->stamps +
           cells * sizeof(_Atomic uint64_t);
}
