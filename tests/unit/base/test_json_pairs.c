/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/text.h>

#include "../../../src/base/json_pairs.h"

#define AT_ONCE 3

/* What was read of an object, and how it ended. */
struct read {
    struct plimsoll_json_pair list[64]; /* value.data is NULL where the value was skipped */
    size_t count;
    struct plimsoll_json_cursor cursor;
};

static void keep(struct read *read, struct plimsoll_span key, struct plimsoll_span plain)
{
    assert_true(read->count < sizeof read->list / sizeof read->list[0]);
    read->list[read->count++] = (struct plimsoll_json_pair){key, plain};
}

static void read_rest(struct read *read, bool pairs)
{
    struct plimsoll_json_pair some[AT_ONCE];
    struct plimsoll_span key, plain;
    do {
        size_t count = pairs ? plimsoll_json_cursor_pairs(&read->cursor, some, AT_ONCE) : 0;
        assert_true(count <= AT_ONCE);
        for (size_t i = 0; i < count; i++) {
            keep(read, some[i].key, some[i].value);
        }
        if (!plimsoll_json_cursor_entry(&read->cursor, &key, &plain)) {
            return;
        }
        if (plain.data == NULL) {
            plimsoll_json_cursor_skip(&read->cursor, NULL);
        }
        keep(read, key, plain);
    } while (!read->cursor.failed);
}

/* Read pair by pair and member by member the same is found, and the cursor ends alike. */
static void assert_alike(struct plimsoll_span text)
{
    struct read one = {.cursor = plimsoll_json_cursor_make(text)}, other = one;
    assert_int_equal(plimsoll_json_cursor_object(&one.cursor),
                     plimsoll_json_cursor_object(&other.cursor));
    read_rest(&one, true);
    read_rest(&other, false);
    assert_int_equal(one.count, other.count);
    for (size_t i = 0; i < one.count; i++) {
        assert_ptr_equal(one.list[i].key.data, other.list[i].key.data);
        assert_int_equal(one.list[i].key.size, other.list[i].key.size);
        assert_ptr_equal(one.list[i].value.data, other.list[i].value.data);
        assert_int_equal(one.list[i].value.size, other.list[i].value.size);
    }
    assert_ptr_equal(one.cursor.at, other.cursor.at);
    assert_int_equal(one.cursor.failed, other.cursor.failed);
    assert_ptr_equal(one.cursor.what, other.cursor.what);
    assert_int_equal(one.cursor.depth, other.cursor.depth);
    assert_int_equal(one.cursor.fresh, other.cursor.fresh);
}

static void with_each_kernel(void (*check)(void))
{
    for (int kernel = PLIMSOLL_JSON_SCAN_PORTABLE; kernel <= PLIMSOLL_JSON_SCAN_AVX512; kernel++) {
        if (plimsoll_json_pairs_use((enum plimsoll_json_scan_kernel)kernel)) {
            check();
        }
    }
}

static const char labels[] =
    "{\"a\":\"\",\"\":\"b\",\"feature.node.kubernetes.io/cpu-cpuid.ADX\":\"true\",\"c\":\",\","
    "\"long\":\"0123456789012345678901234567890123456789012345678901234567890123456789\","
    "\"exactly.a.block.with.its.two.quotes.a.colon/and.a.comma\":\"12345\",\"d\" : \"e\","
    "\"f\":{\"g\":\"h\"},\"i\":\"j\", \"k\":\"l\",\"m\":\"\\\"n\",\"o\":\"p\",\"q\":null,"
    "\"r\":\"s\",\"\\u0074\":\"u\",\"v\":\"w\",\"x\":\"y\"}";
/* So that a block is whole behind the last label, too. */
static const char padding[] =
    ",\"annotations\":{\"z\":\"an annotation that goes on and on and on\"}}";

static struct plimsoll_text make(void)
{
    struct plimsoll_text text = plimsoll_text_make(4096);
    plimsoll_text_add_string(&text, labels);
    plimsoll_text_add_string(&text, padding);
    return text;
}

static void check_cuts(void)
{
    plimsoll_autotext text = make();
    for (size_t size = 0; size <= text.size; size++) {
        /* A copy of its own, so that a byte read behind the end is found. */
        plimsoll_autofree char *part = plimsoll_alloc(size + 1, 1);
        part = plimsoll_realloc(part, size, 1);
        memcpy(part, text.data, size);
        assert_alike((struct plimsoll_span){.data = part, .size = size});
    }
}

static void pairs_are_the_entries_wherever_the_object_is_cut(void **state)
{
    (void)state;
    with_each_kernel(check_cuts);
}

static void check_odd_bytes(void)
{
    static const char odd[] = {'"',    '\\',   '\0', '\n', '\x1f', '\x7f',
                               '\x80', '\xff', ',',  ':',  '}',    ' '};
    plimsoll_autotext text = make();
    for (size_t at = 0; at < text.size; at++) {
        char was = text.data[at];
        for (size_t i = 0; i < sizeof odd; i++) {
            text.data[at] = odd[i];
            assert_alike(plimsoll_text_span(&text));
        }
        text.data[at] = was;
    }
}

static void pairs_are_the_entries_whatever_byte_is_wrong(void **state)
{
    (void)state;
    with_each_kernel(check_odd_bytes);
}

static void check_that_they_are_read(void)
{
    plimsoll_autotext text = plimsoll_text_make(4096);
    struct plimsoll_json_pair pairs[8];
    plimsoll_text_add_string(&text, "{\"a\":\"b\",\"c\":\"d\",\"e\":\"f\"}");
    plimsoll_text_add_string(&text, padding);
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(plimsoll_text_span(&text));
    assert_true(plimsoll_json_cursor_object(&cursor));
    assert_int_equal(plimsoll_json_cursor_pairs(&cursor, pairs, 8), 3);
    assert_true(plimsoll_span_is(pairs[2].key, "e") && plimsoll_span_is(pairs[2].value, "f"));
    assert_int_equal(plimsoll_json_cursor_pairs(&cursor, pairs, 8), 0);
    assert_false(plimsoll_json_cursor_entry(&cursor, &pairs[0].key, &pairs[0].value));
    assert_int_equal(cursor.depth, 0);
}

static void many_pairs_are_read_at_one_go(void **state)
{
    (void)state;
    for (int kernel = PLIMSOLL_JSON_SCAN_AVX2; kernel <= PLIMSOLL_JSON_SCAN_AVX512; kernel++) {
        if (plimsoll_json_pairs_use((enum plimsoll_json_scan_kernel)kernel)) {
            check_that_they_are_read();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_the_entries_wherever_the_object_is_cut),
        cmocka_unit_test(pairs_are_the_entries_whatever_byte_is_wrong),
        cmocka_unit_test(many_pairs_are_read_at_one_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
