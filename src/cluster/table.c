/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <plimsoll/own.h>

#include <assert.h>

#define CACHE_LINE 64

static bool slot_holds(const struct plimsoll_table *table, const struct plimsoll_table_slot *slot,
                       uint64_t hash, struct plimsoll_span key)
{
    return slot->hash == hash && plimsoll_span_equal(table->key(slot->item), key);
}

/* The slot of the key, or the free one where it would go. There is always a free one. */
static size_t probe(const struct plimsoll_table *table, uint64_t hash, struct plimsoll_span key)
{
    size_t mask = table->capacity - 1;
    size_t at = (size_t)hash & mask;
    while (table->slots[at].item != NULL && !slot_holds(table, &table->slots[at], hash, key)) {
        at = (at + 1) & mask;
    }
    return at;
}

void *plimsoll_table_find(const struct plimsoll_table *table, struct plimsoll_span key)
{
    if (table->count == 0) {
        return NULL;
    }
    return table->slots[probe(table, plimsoll_span_hash(key), key)].item;
}

/* Three rounds, each of which asks for the memory of the next. */
void plimsoll_table_find_many(const struct plimsoll_table *table, const struct plimsoll_span *keys,
                              size_t count, void **items)
{
    uint64_t hashes[PLIMSOLL_TABLE_KEYS_MAX];
    assert(count <= PLIMSOLL_TABLE_KEYS_MAX);
    size_t mask = table->capacity - 1;
    for (size_t i = 0; i < count; i++) {
        items[i] = NULL;
        hashes[i] = plimsoll_span_hash(keys[i]);
        if (table->count > 0) {
            __builtin_prefetch(&table->slots[hashes[i] & mask]);
        }
    }
    if (table->count == 0) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *item = table->slots[hashes[i] & mask].item;
        if (item != NULL) {
            __builtin_prefetch(item);
            __builtin_prefetch(item + CACHE_LINE);
        }
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = table->slots[probe(table, hashes[i], keys[i])].item;
    }
}

static void grow(struct plimsoll_table *table)
{
    struct plimsoll_table old = *table;
    table->capacity = old.capacity > 0 ? 2 * old.capacity : 16;
    table->slots = plimsoll_alloc(table->capacity, sizeof *table->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].item != NULL) {
            size_t at = (size_t)old.slots[i].hash & (table->capacity - 1);
            while (table->slots[at].item != NULL) {
                at = (at + 1) & (table->capacity - 1);
            }
            table->slots[at] = old.slots[i];
        }
    }
    free(old.slots);
}

void plimsoll_table_add(struct plimsoll_table *table, void *item)
{
    if (4 * (table->count + 1) > 3 * table->capacity) {
        grow(table);
    }
    struct plimsoll_span key = table->key(item);
    uint64_t hash = plimsoll_span_hash(key);
    table->slots[probe(table, hash, key)] = (struct plimsoll_table_slot){hash, item};
    table->count++;
}

/* Moves what stands behind the hole forward, so that no search ends too early at it. */
static void close_hole(struct plimsoll_table *table, size_t hole)
{
    size_t mask = table->capacity - 1;
    for (size_t at = (hole + 1) & mask; table->slots[at].item != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)table->slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->slots[hole] = table->slots[at];
            hole = at;
        }
    }
    table->slots[hole] = (struct plimsoll_table_slot){0};
}

void plimsoll_table_drop(struct plimsoll_table *table, struct plimsoll_span key)
{
    if (table->count == 0) {
        return;
    }
    size_t at = probe(table, plimsoll_span_hash(key), key);
    if (table->slots[at].item != NULL) {
        close_hole(table, at);
        table->count--;
    }
}

void *plimsoll_table_next(const struct plimsoll_table *table, size_t *at)
{
    while (*at < table->capacity) {
        void *item = table->slots[(*at)++].item;
        if (item != NULL) {
            return item;
        }
    }
    return NULL;
}

void plimsoll_table_clear(struct plimsoll_table *table)
{
    free(table->slots);
    *table = (struct plimsoll_table){.key = table->key};
}
