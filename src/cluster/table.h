/* SPDX-License-Identifier: Apache-2.0 */
/** A hash table of pointers by a key that each item carries. Items are borrowed; no locks. */
#pragma once

#include <plimsoll/span.h>

#include <stdint.h>

struct plimsoll_table_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

struct plimsoll_table {
    struct plimsoll_span (*key)(const void *item);
    struct plimsoll_table_slot *slots; /* owned; a power of two, or NULL while empty */
    size_t capacity, count;
};

void *plimsoll_table_find(const struct plimsoll_table *table, struct plimsoll_span key);
/** As find for each of up to PLIMSOLL_TABLE_KEYS_MAX keys: memory is waited for once, not once
 * each.
 */
#define PLIMSOLL_TABLE_KEYS_MAX 64u
void plimsoll_table_find_many(const struct plimsoll_table *table, const struct plimsoll_span *keys,
                              size_t count, void **items);
/** The key must not be there yet. */
void plimsoll_table_add(struct plimsoll_table *table, void *item);
/** Takes the item with this key out, if there is one. */
void plimsoll_table_drop(struct plimsoll_table *table, struct plimsoll_span key);
/** The items one after the other, from `*at` 0 on; NULL at the end. Nothing may change meanwhile.
 */
void *plimsoll_table_next(const struct plimsoll_table *table, size_t *at);
/** Frees the table, not the items. */
void plimsoll_table_clear(struct plimsoll_table *table);
