/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../../../src/cluster/table.h"

#include <plimsoll/own.h>

#include <stdio.h>

#define ITEMS 3000

struct item {
    char key[16];
    bool in;
};

static struct plimsoll_span key_of(const void *item)
{
    return plimsoll_span_of(((const struct item *)item)->key);
}

static void make_items(struct item *items)
{
    for (unsigned i = 0; i < ITEMS; i++) {
        snprintf(items[i].key, sizeof items[i].key, "key-%u", i);
        items[i].in = false;
    }
}

static void check(const struct plimsoll_table *table, struct item *items)
{
    size_t in = 0, given = 0, at = 0;
    for (unsigned i = 0; i < ITEMS; i++) {
        const void *expected = items[i].in ? &items[i] : NULL;
        assert_ptr_equal(plimsoll_table_find(table, key_of(&items[i])), expected);
        in += items[i].in;
    }
    for (const struct item *item; (item = plimsoll_table_next(table, &at)) != NULL;) {
        assert_true(item->in);
        given++;
    }
    for (unsigned i = 0; i < ITEMS; i += PLIMSOLL_TABLE_KEYS_MAX) {
        struct plimsoll_span keys[PLIMSOLL_TABLE_KEYS_MAX];
        void *found[PLIMSOLL_TABLE_KEYS_MAX];
        unsigned count = ITEMS - i < PLIMSOLL_TABLE_KEYS_MAX ? ITEMS - i : PLIMSOLL_TABLE_KEYS_MAX;
        for (unsigned j = 0; j < count; j++) {
            keys[j] = key_of(&items[i + j]);
        }
        plimsoll_table_find_many(table, keys, count, found);
        for (unsigned j = 0; j < count; j++) {
            assert_ptr_equal(found[j], items[i + j].in ? &items[i + j] : NULL);
        }
    }
    assert_int_equal(table->count, in);
    assert_int_equal(given, in);
}

/* A fixed sequence, so that a failure comes again. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void what_is_added_is_found_and_what_is_dropped_is_not(void **state)
{
    (void)state;
    static struct item items[ITEMS];
    struct plimsoll_table table = {.key = key_of};
    unsigned seed = 7;
    make_items(items);
    check(&table, items);
    for (unsigned step = 1; step <= 20000; step++) {
        struct item *item = &items[next_random(&seed) % ITEMS];
        if (item->in) {
            plimsoll_table_drop(&table, key_of(item));
        } else {
            plimsoll_table_add(&table, item);
        }
        item->in = !item->in;
        if (step % 1000 == 0) {
            check(&table, items);
        }
    }
    plimsoll_table_clear(&table);
    assert_int_equal(table.count, 0);
}

static void dropping_what_is_not_there_changes_nothing(void **state)
{
    (void)state;
    struct item item = {.key = "a", .in = true};
    struct plimsoll_table table = {.key = key_of};
    plimsoll_table_drop(&table, plimsoll_span_of("a"));
    plimsoll_table_add(&table, &item);
    plimsoll_table_drop(&table, plimsoll_span_of("b"));
    assert_ptr_equal(plimsoll_table_find(&table, plimsoll_span_of("a")), &item);
    assert_null(plimsoll_table_find(&table, plimsoll_span_of("b")));
    plimsoll_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_found_and_what_is_dropped_is_not),
        cmocka_unit_test(dropping_what_is_not_there_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
