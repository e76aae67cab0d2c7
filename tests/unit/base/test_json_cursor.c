/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

static struct plimsoll_json_cursor over(const char *text)
{
    return plimsoll_json_cursor_make(plimsoll_span_of(text));
}

static void a_node_is_read_and_the_rest_skipped(void **state)
{
    (void)state;
    struct plimsoll_json_cursor c =
        over(" {\"kind\" : \"Node\", \"spec\":{\"x\":[\"}\\\"\",{}]},\"metadata\":{\"name\":\"n1\","
             "\"labels\":{\"a\":\"1\",\"b\":\"2\"}},\"n\":-7,\"ok\":true} ");
    struct plimsoll_span key, value, name = {0}, spec = {0};
    int64_t n = 0;
    bool ok = false;
    size_t labels = 0;
    assert_true(plimsoll_json_cursor_object(&c));
    while (plimsoll_json_cursor_member(&c, &key)) {
        if (plimsoll_span_is(key, "metadata")) {
            assert_true(plimsoll_json_cursor_object(&c));
            while (plimsoll_json_cursor_member(&c, &key)) {
                if (plimsoll_span_is(key, "name")) {
                    assert_true(plimsoll_json_cursor_string(&c, &name));
                } else {
                    assert_true(plimsoll_json_cursor_object(&c));
                    while (plimsoll_json_cursor_member(&c, &key)) {
                        labels += plimsoll_json_cursor_string(&c, &value);
                    }
                }
            }
        } else if (plimsoll_span_is(key, "n")) {
            assert_true(plimsoll_json_cursor_int(&c, &n));
        } else if (plimsoll_span_is(key, "ok")) {
            assert_true(plimsoll_json_cursor_bool(&c, &ok));
        } else {
            assert_true(plimsoll_json_cursor_skip(&c, &spec));
        }
    }
    assert_true(plimsoll_json_cursor_finish(&c));
    assert_true(plimsoll_span_is(name, "n1"));
    assert_true(plimsoll_span_is(spec, "{\"x\":[\"}\\\"\",{}]}"));
    assert_int_equal(labels, 2);
    assert_int_equal(n, -7);
    assert_true(ok);
}

static void null_is_passed_over_by_every_reader(void **state)
{
    (void)state;
    struct plimsoll_json_cursor c = over("[null,null,null,null,null,null]");
    struct plimsoll_span raw;
    int64_t number = 3;
    bool flag = true;
    assert_true(plimsoll_json_cursor_array(&c));
    assert_true(plimsoll_json_cursor_element(&c) && !plimsoll_json_cursor_object(&c));
    assert_true(plimsoll_json_cursor_element(&c) && !plimsoll_json_cursor_array(&c));
    assert_true(plimsoll_json_cursor_element(&c) && !plimsoll_json_cursor_string(&c, &raw));
    assert_true(plimsoll_json_cursor_element(&c) && !plimsoll_json_cursor_int(&c, &number));
    assert_true(plimsoll_json_cursor_element(&c) && !plimsoll_json_cursor_bool(&c, &flag));
    assert_true(plimsoll_json_cursor_element(&c) && plimsoll_json_cursor_skip(&c, &raw));
    assert_false(plimsoll_json_cursor_element(&c));
    assert_true(plimsoll_json_cursor_finish(&c));
    assert_true(plimsoll_span_is(raw, "null"));
    assert_int_equal(number, 3);
    assert_true(flag);
}

static void empty_containers_have_nothing_in_them(void **state)
{
    (void)state;
    struct plimsoll_json_cursor c = over("[{ },[ ],{}]");
    struct plimsoll_span key;
    assert_true(plimsoll_json_cursor_array(&c));
    assert_true(plimsoll_json_cursor_element(&c) && plimsoll_json_cursor_object(&c));
    assert_false(plimsoll_json_cursor_member(&c, &key));
    assert_true(plimsoll_json_cursor_element(&c) && plimsoll_json_cursor_array(&c));
    assert_false(plimsoll_json_cursor_element(&c));
    assert_true(plimsoll_json_cursor_element(&c) && plimsoll_json_cursor_skip(&c, NULL));
    assert_false(plimsoll_json_cursor_element(&c));
    assert_true(plimsoll_json_cursor_finish(&c));
}

static void the_type_of_the_next_value_is_told(void **state)
{
    (void)state;
    static const enum plimsoll_json_type types[] = {
        PLIMSOLL_JSON_OBJECT, PLIMSOLL_JSON_ARRAY, PLIMSOLL_JSON_STRING, PLIMSOLL_JSON_NUMBER,
        PLIMSOLL_JSON_NUMBER, PLIMSOLL_JSON_BOOL,  PLIMSOLL_JSON_BOOL,   PLIMSOLL_JSON_NULL};
    struct plimsoll_json_cursor c = over("[{}, [],\"\",-1,0,true,false,null]");
    assert_true(plimsoll_json_cursor_array(&c));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_true(plimsoll_json_cursor_element(&c));
        assert_int_equal(plimsoll_json_cursor_type(&c), types[i]);
        assert_true(plimsoll_json_cursor_skip(&c, NULL));
    }
    assert_int_equal(plimsoll_json_cursor_type(&c), PLIMSOLL_JSON_MISSING);
    assert_false(plimsoll_json_cursor_element(&c));
    assert_int_equal(plimsoll_json_cursor_type(&c), PLIMSOLL_JSON_MISSING);
}

static void an_entry_is_a_member_whose_plain_string_is_read(void **state)
{
    (void)state;
    struct plimsoll_json_cursor c = over(
        "{\"a\":\"\",\"b\":\"plain\", \"c\":\"x\",\"d\": \"y\",\"e\":\"\\u0041\",\"\\u0066\":\"z\","
        "\"g\":\"\xc3\xa9\",\"h\":7,\"i\":{\"j\":\"k\"},\"l\":\"m\"}");
    static const struct {
        const char *key, *plain;
    } wanted[] = {{"a", ""},         {"b", "plain"}, {"c", NULL}, {"d", NULL}, {"e", NULL},
                  {"\\u0066", NULL}, {"g", NULL},    {"h", NULL}, {"i", NULL}, {"l", "m"}};
    struct plimsoll_span key, plain;
    assert_true(plimsoll_json_cursor_object(&c));
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(plimsoll_json_cursor_entry(&c, &key, &plain));
        assert_true(plimsoll_span_is(key, wanted[i].key));
        if (wanted[i].plain == NULL) {
            assert_null(plain.data);
            assert_true(plimsoll_json_cursor_skip(&c, NULL));
        } else {
            assert_non_null(plain.data);
            assert_true(plimsoll_span_is(plain, wanted[i].plain));
        }
    }
    assert_false(plimsoll_json_cursor_entry(&c, &key, &plain));
    assert_true(plimsoll_json_cursor_finish(&c));
}

static void an_entry_can_be_read_again_as_another_type(void **state)
{
    (void)state;
    struct plimsoll_json_cursor c = over("{\"a\":\"text\",\"b\":{}}");
    struct plimsoll_span key = {0}, plain = {0}, raw = {0};
    assert_true(plimsoll_json_cursor_object(&c) && plimsoll_json_cursor_entry(&c, &key, &plain));
    plimsoll_json_cursor_again(&c, plain);
    assert_true(plimsoll_json_cursor_string(&c, &raw) && plimsoll_span_is(raw, "text"));
    assert_true(plimsoll_json_cursor_entry(&c, &key, &plain));
    plimsoll_json_cursor_again(&c, plain);
    assert_true(plimsoll_json_cursor_object(&c) && !plimsoll_json_cursor_member(&c, &key));
    assert_false(plimsoll_json_cursor_entry(&c, &key, &plain));
    assert_true(plimsoll_json_cursor_finish(&c));
    c = over("{\"a\":\"text\"}");
    assert_true(plimsoll_json_cursor_object(&c) && plimsoll_json_cursor_entry(&c, &key, &plain));
    plimsoll_json_cursor_again(&c, plain);
    assert_false(plimsoll_json_cursor_object(&c));
    assert_true(c.failed);
}

/* Cut anywhere, entries and members fail alike. */
static void entries_of_a_cut_object_fail_as_members_do(void **state)
{
    (void)state;
    static const char text[] = "{\"first\":\"one\",\"second\":\"two\",\"third\":\"three\"}";
    for (size_t size = 1; size < sizeof text - 1; size++) {
        plimsoll_autofree char *part = plimsoll_alloc(size, 1);
        struct plimsoll_span key, plain;
        memcpy(part, text, size);
        struct plimsoll_json_cursor c =
            plimsoll_json_cursor_make((struct plimsoll_span){.data = part, .size = size});
        assert_true(plimsoll_json_cursor_object(&c));
        while (plimsoll_json_cursor_entry(&c, &key, &plain)) {
            if (plain.data == NULL) {
                plimsoll_json_cursor_skip(&c, NULL);
            }
        }
        assert_true(c.failed);
    }
}

/* Reads everything there is by its type, as a reader without a schema would. */
static void read_all(struct plimsoll_json_cursor *c)
{
    struct plimsoll_span raw;
    switch (plimsoll_json_cursor_type(c)) {
    case PLIMSOLL_JSON_OBJECT:
        if (plimsoll_json_cursor_object(c)) {
            while (plimsoll_json_cursor_member(c, &raw)) {
                read_all(c);
            }
        }
        break;
    case PLIMSOLL_JSON_ARRAY:
        if (plimsoll_json_cursor_array(c)) {
            while (plimsoll_json_cursor_element(c)) {
                read_all(c);
            }
        }
        break;
    case PLIMSOLL_JSON_STRING:
        plimsoll_json_cursor_string(c, &raw);
        break;
    case PLIMSOLL_JSON_MISSING:
    case PLIMSOLL_JSON_NULL:
    case PLIMSOLL_JSON_BOOL:
    case PLIMSOLL_JSON_NUMBER:
        plimsoll_json_cursor_skip(c, NULL);
        break;
    }
}

static bool reads(struct plimsoll_span text)
{
    /* In memory of its own size, so that a sanitizer sees a read beyond the end. */
    plimsoll_autofree char *copy = malloc(text.size > 0 ? text.size : 1);
    memcpy(copy, text.data, text.size);
    struct plimsoll_json_cursor c =
        plimsoll_json_cursor_make((struct plimsoll_span){copy, text.size});
    read_all(&c);
    bool finished = plimsoll_json_cursor_finish(&c);
    assert_int_equal(finished, !c.failed);
    assert_true(c.at >= c.begin && c.at <= c.end);
    return finished;
}

static void what_is_read_is_validated(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",         "x",          "[1 2]",    "[1,]",        "[,]",          "{\"a\"}",
        "{\"a\":}", "{\"a\":1,}", "{,}",      "{a:1}",       "{\"a\":1]",    "[1}",
        "[",        "{",          "{\"a\":1", "[1",          "01",           "1.",
        "-",        "tru",        "truex",    "\"\x01\"",    "\"\\x\"",      "\"\\u00g0\"",
        "\"\xFF\"", "\"a",        "\"\\",     "{\"\\q\":1}", "{\"\xFF\":1}", "1 1",
        "{} []",    "]",          "}",        "{\"a\":1}}",  "{1:1}",        "[\"a\":1]",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        if (reads(plimsoll_span_of(invalid[i]))) {
            fail_msg("accepted: %s", invalid[i]);
        }
    }
    assert_false(reads((struct plimsoll_span){"[1]\0", 4}));
    assert_true(reads(plimsoll_span_of(" [1, \"ä\\u00e4\", {\"a\":{}, \"a\":[]}] ")));
}

static void a_text_cut_anywhere_fails(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,true,\"x\\u00e4\\\\\",{\"b\":null}],\"c\":{\"d\":-1.5}}";
    assert_true(reads((struct plimsoll_span){text, sizeof text - 1}));
    for (size_t size = 0; size < sizeof text - 1; size++) {
        assert_false(reads((struct plimsoll_span){text, size}));
    }
}

static void what_is_skipped_is_checked_for_balance(void **state)
{
    (void)state;
    static const char *const invalid[] = {"{", "[[]", "{\"a\":\"}", "\"",  "\"\\\"", "]",     "}",
                                          ",", ":",   "nul",        "1.x", "1x",     "truex", ""};
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        struct plimsoll_json_cursor c = over(invalid[i]);
        if (plimsoll_json_cursor_skip(&c, NULL)) {
            fail_msg("skipped: %s", invalid[i]);
        }
    }
}

static void a_wrong_type_fails(void **state)
{
    (void)state;
    struct plimsoll_span raw;
    int64_t number;
    bool flag;
    struct plimsoll_json_cursor c = over("[]");
    assert_true(!plimsoll_json_cursor_object(&c) && c.failed);
    c = over("{}");
    assert_true(!plimsoll_json_cursor_array(&c) && c.failed);
    c = over("1");
    assert_true(!plimsoll_json_cursor_string(&c, &raw) && c.failed);
    c = over("\"1\"");
    assert_true(!plimsoll_json_cursor_int(&c, &number) && c.failed);
    c = over("1.0");
    assert_true(!plimsoll_json_cursor_int(&c, &number) && c.failed);
    c = over("9223372036854775808");
    assert_true(!plimsoll_json_cursor_int(&c, &number) && c.failed);
    c = over("1");
    assert_true(!plimsoll_json_cursor_bool(&c, &flag) && c.failed);
}

static void an_error_sticks_and_names_the_first_byte(void **state)
{
    (void)state;
    struct plimsoll_json_cursor c = over("{\"a\":x,\"b\":1}");
    struct plimsoll_span raw;
    int64_t number;
    bool flag;
    assert_true(plimsoll_json_cursor_object(&c));
    assert_true(plimsoll_json_cursor_member(&c, &raw));
    assert_false(plimsoll_json_cursor_skip(&c, NULL));
    assert_false(plimsoll_json_cursor_member(&c, &raw));
    assert_false(plimsoll_json_cursor_element(&c));
    assert_false(plimsoll_json_cursor_object(&c));
    assert_false(plimsoll_json_cursor_array(&c));
    assert_false(plimsoll_json_cursor_string(&c, &raw));
    assert_false(plimsoll_json_cursor_int(&c, &number));
    assert_false(plimsoll_json_cursor_bool(&c, &flag));
    assert_false(plimsoll_json_cursor_finish(&c));
    assert_int_equal(plimsoll_json_cursor_type(&c), PLIMSOLL_JSON_MISSING);
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_json_cursor_error(&c, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    assert_non_null(strstr(err.message, "byte 5 "));
}

static void add_repeated(struct plimsoll_text *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plimsoll_text_add_string(text, part);
    }
}

static void nesting_ends_at_the_ceiling(void **state)
{
    (void)state;
    for (size_t over_by = 0; over_by < 2; over_by++) {
        size_t depth = PLIMSOLL_JSON_DEPTH_MAX + over_by;
        plimsoll_autotext text = plimsoll_text_make(1000);
        add_repeated(&text, "[", depth);
        add_repeated(&text, "]", depth);
        assert_int_equal(reads(plimsoll_text_span(&text)), over_by == 0);
        struct plimsoll_json_cursor c = plimsoll_json_cursor_make(plimsoll_text_span(&text));
        assert_int_equal(plimsoll_json_cursor_skip(&c, NULL), over_by == 0);
        c = plimsoll_json_cursor_make(plimsoll_text_span(&text));
        assert_true(plimsoll_json_cursor_array(&c) && plimsoll_json_cursor_element(&c));
        assert_int_equal(plimsoll_json_cursor_skip(&c, NULL), over_by == 0);
        assert_true(!c.failed || strcmp(c.what, "too deeply nested") == 0);
    }
}

static void containers_end_where_they_end_at_every_length_and_place(void **state)
{
    (void)state;
    /* Runs of backslashes and quotes of every length at every place of a 64-byte block. */
    for (size_t before = 0; before < 140; before++) {
        for (size_t slashes = 0; slashes < 6; slashes++) {
            plimsoll_autotext text = plimsoll_text_make(1000);
            plimsoll_text_add_string(&text, "{\"");
            add_repeated(&text, "x", before);
            add_repeated(&text, "\\\\", slashes);
            plimsoll_text_add_string(&text, "\\\"}]\":[\"{\\\\\",{}]}");
            size_t size = text.size;
            plimsoll_text_add_string(&text, ",\"}");
            struct plimsoll_json_cursor c = plimsoll_json_cursor_make(plimsoll_text_span(&text));
            struct plimsoll_span raw;
            assert_true(plimsoll_json_cursor_skip(&c, &raw));
            assert_int_equal(raw.size, size);
        }
    }
}

static void unescaping_plain_strings_copies_them(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(100);
    plimsoll_json_unescape(plimsoll_span_of("plain ä"), &text);
    plimsoll_json_unescape((struct plimsoll_span){0}, &text);
    plimsoll_json_unescape(plimsoll_span_of("\\n\\u0041"), &text);
    assert_string_equal(text.data, "plain ä\nA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_is_read_and_the_rest_skipped),
        cmocka_unit_test(null_is_passed_over_by_every_reader),
        cmocka_unit_test(empty_containers_have_nothing_in_them),
        cmocka_unit_test(the_type_of_the_next_value_is_told),
        cmocka_unit_test(an_entry_is_a_member_whose_plain_string_is_read),
        cmocka_unit_test(an_entry_can_be_read_again_as_another_type),
        cmocka_unit_test(entries_of_a_cut_object_fail_as_members_do),
        cmocka_unit_test(what_is_read_is_validated),
        cmocka_unit_test(a_text_cut_anywhere_fails),
        cmocka_unit_test(what_is_skipped_is_checked_for_balance),
        cmocka_unit_test(a_wrong_type_fails),
        cmocka_unit_test(an_error_sticks_and_names_the_first_byte),
        cmocka_unit_test(nesting_ends_at_the_ceiling),
        cmocka_unit_test(containers_end_where_they_end_at_every_length_and_place),
        cmocka_unit_test(unescaping_plain_strings_copies_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
