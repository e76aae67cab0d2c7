/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/json.h>
#include <plimsoll/limits.h>

#include <time.h>

static struct plimsoll_json_document *parsed(const char *text)
{
    struct plimsoll_error err = {0};
    struct plimsoll_json_document *document = NULL;
    if (plimsoll_json_parse(plimsoll_span_of(text), &document, &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return document;
}

static void assert_refused(struct plimsoll_span text, enum plimsoll_error_kind kind,
                           const char *says)
{
    struct plimsoll_error err = {0};
    struct plimsoll_json_document *document = NULL;
    /* In memory of its own size, so that a sanitizer sees a read beyond the end. */
    plimsoll_autofree char *copy = malloc(text.size > 0 ? text.size : 1);
    memcpy(copy, text.data, text.size);
    text.data = copy;
    if (plimsoll_json_parse(text, &document, &err) == 0) {
        fail_msg("accepted: %.*s", (int)(text.size < 80 ? text.size : 80), text.data);
    }
    assert_null(document);
    assert_int_equal(err.kind, kind);
    if (strstr(err.message, says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    }
}

static void values_are_found_by_key_and_in_order(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed(
        " {\"a\":{\"deep\":[1,{\"x\":2},[]]},\"b\":[true,false,null,-1.5e3,\"s\"],\"c\":{}}\n");
    struct plimsoll_json root = plimsoll_json_root(document);
    assert_int_equal(plimsoll_json_type(root), PLIMSOLL_JSON_OBJECT);
    assert_int_equal(plimsoll_json_count(root), 3);
    struct plimsoll_json deep = plimsoll_json_get(plimsoll_json_get(root, "a"), "deep");
    assert_int_equal(plimsoll_json_count(deep), 3);
    assert_true(plimsoll_span_is(plimsoll_json_raw(deep), "[1,{\"x\":2},[]]"));
    assert_int_equal(plimsoll_json_offset(deep), 14);
    struct plimsoll_json element = plimsoll_json_first(deep);
    assert_int_equal(plimsoll_json_type(element), PLIMSOLL_JSON_NUMBER);
    element = plimsoll_json_next(element);
    assert_int_equal(plimsoll_json_type(element), PLIMSOLL_JSON_OBJECT);
    element = plimsoll_json_next(element);
    assert_int_equal(plimsoll_json_type(element), PLIMSOLL_JSON_ARRAY);
    assert_int_equal(plimsoll_json_count(element), 0);
    assert_int_equal(plimsoll_json_type(plimsoll_json_first(element)), PLIMSOLL_JSON_MISSING);
    assert_int_equal(plimsoll_json_type(plimsoll_json_next(element)), PLIMSOLL_JSON_MISSING);

    static const enum plimsoll_json_type types[] = {PLIMSOLL_JSON_BOOL, PLIMSOLL_JSON_BOOL,
                                                    PLIMSOLL_JSON_NULL, PLIMSOLL_JSON_NUMBER,
                                                    PLIMSOLL_JSON_STRING};
    struct plimsoll_json item = plimsoll_json_first(plimsoll_json_get(root, "b"));
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(plimsoll_json_type(item), types[i]);
        item = plimsoll_json_next(item);
    }
    assert_int_equal(plimsoll_json_type(item), PLIMSOLL_JSON_MISSING);
}

static void members_are_walked_key_by_key(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed("{\"a\":[1,2],\"b\":{\"c\":3},\"d\":4}");
    struct plimsoll_json key = plimsoll_json_first(plimsoll_json_root(document));
    assert_true(plimsoll_json_is(key, "a"));
    assert_int_equal(plimsoll_json_count(plimsoll_json_value(key)), 2);
    key = plimsoll_json_next(key);
    assert_true(plimsoll_json_is(key, "b"));
    key = plimsoll_json_next(key);
    assert_true(plimsoll_json_is(key, "d"));
    int64_t four = 0;
    assert_true(plimsoll_json_int(plimsoll_json_value(key), &four));
    assert_int_equal(four, 4);
    assert_int_equal(plimsoll_json_type(plimsoll_json_next(key)), PLIMSOLL_JSON_MISSING);
}

static void what_is_missing_can_be_asked_again(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed("{\"a\":1}");
    struct plimsoll_json none =
        plimsoll_json_get(plimsoll_json_get(plimsoll_json_root(document), "x"), "y");
    assert_int_equal(plimsoll_json_type(none), PLIMSOLL_JSON_MISSING);
    assert_int_equal(plimsoll_json_count(none), 0);
    assert_int_equal(plimsoll_json_raw(none).size, 0);
    assert_int_equal(plimsoll_json_offset(none), 0);
    assert_int_equal(plimsoll_json_first(none).token, -1);
    assert_int_equal(plimsoll_json_next(none).token, -1);
    assert_int_equal(plimsoll_json_value(none).token, -1);
    assert_int_equal(plimsoll_json_get_nocase(none, "x").token, -1);
    assert_false(plimsoll_json_is(none, ""));
    assert_null(plimsoll_json_dup(none));
    uint64_t number = 7;
    bool flag = true;
    plimsoll_autotext text = plimsoll_text_make(10);
    assert_false(plimsoll_json_uint(none, &number));
    assert_false(plimsoll_json_bool(none, &flag));
    assert_false(plimsoll_json_string(none, &text));
    assert_int_equal(number, 7);
    struct plimsoll_json number_value = plimsoll_json_get(plimsoll_json_root(document), "a");
    assert_int_equal(plimsoll_json_get(number_value, "a").token, -1);
    assert_int_equal(plimsoll_json_root(NULL).token, -1);
}

static void a_key_in_another_case_is_second_choice(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed("{\"nodes\":1,\"Nodes\":2,\"POD\":3,\"pOd\":4}");
    struct plimsoll_json root = plimsoll_json_root(document);
    int64_t value = 0;
    assert_true(plimsoll_json_int(plimsoll_json_get_nocase(root, "Nodes"), &value));
    assert_int_equal(value, 2);
    assert_true(plimsoll_json_int(plimsoll_json_get_nocase(root, "Pod"), &value));
    assert_int_equal(value, 4);
    assert_int_equal(plimsoll_json_get(root, "Pod").token, -1);
    assert_int_equal(plimsoll_json_get_nocase(root, "Po").token, -1);
}

static void strings_are_unescaped(void **state)
{
    (void)state;
    plimsoll_autojson *document =
        parsed("[\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\",\"\\u00e4\\u20AC\\uD83D\\ude00\","
               "\"\\ud800x\\udc00\\ud83d\\u0041\",\"nul\\u0000\",\"\"]");
    struct plimsoll_json value = plimsoll_json_first(plimsoll_json_root(document));
    assert_true(plimsoll_json_is(value, "a\"\\/\b\f\n\r\tz"));
    value = plimsoll_json_next(value);
    assert_true(plimsoll_json_is(value, "ä€😀"));
    plimsoll_autofree char *copy = plimsoll_json_dup(value);
    assert_string_equal(copy, "ä€😀");
    value = plimsoll_json_next(value);
    assert_true(plimsoll_json_is(value, "\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD"
                                        "A"));
    value = plimsoll_json_next(value);
    assert_null(plimsoll_json_dup(value));
    plimsoll_autotext text = plimsoll_text_make(100);
    assert_true(plimsoll_json_string(value, &text));
    assert_int_equal(text.size, 4);
    value = plimsoll_json_next(value);
    plimsoll_autofree char *empty = plimsoll_json_dup(value);
    assert_string_equal(empty, "");
}

static void an_escaped_key_is_found(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed("{\"\\u0061b\":1}");
    assert_int_not_equal(plimsoll_json_get(plimsoll_json_root(document), "ab").token, -1);
}

static void an_unescaped_string_past_the_ceiling_is_remembered(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed("[\"\\u0041\\u0042\"]");
    plimsoll_autotext fits = plimsoll_text_make(2), small = plimsoll_text_make(1);
    struct plimsoll_json value = plimsoll_json_first(plimsoll_json_root(document));
    assert_true(plimsoll_json_string(value, &fits));
    assert_string_equal(fits.data, "AB");
    assert_true(plimsoll_json_string(value, &small));
    assert_true(small.overflowed);
}

static void integers_are_exact_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_int, is_uint;
        int64_t value;
    } cases[] = {
        {"0", true, true, 0},
        {"-0", true, true, 0},
        {"9007199254740991", true, true, 9007199254740991},
        {"9007199254740992", true, false, 9007199254740992},
        {"9223372036854775807", true, false, INT64_MAX},
        {"9223372036854775808", false, false, 0},
        {"-9223372036854775808", true, false, INT64_MIN},
        {"-9223372036854775809", false, false, 0},
        {"-1", true, false, -1},
        {"1.0", false, false, 0},
        {"1e3", false, false, 0},
        {"\"1\"", false, false, 0},
        {"null", false, false, 0},
        {"true", false, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plimsoll_autojson *document = parsed(cases[i].text);
        int64_t value = 42;
        uint64_t unsigned_value = 42;
        assert_int_equal(plimsoll_json_int(plimsoll_json_root(document), &value), cases[i].is_int);
        assert_int_equal(value, cases[i].is_int ? cases[i].value : 42);
        assert_int_equal(plimsoll_json_uint(plimsoll_json_root(document), &unsigned_value),
                         cases[i].is_uint);
        assert_int_equal(unsigned_value, cases[i].is_uint ? (uint64_t)cases[i].value : 42);
    }
}

static void booleans_are_true_or_false(void **state)
{
    (void)state;
    plimsoll_autojson *document = parsed("[true,false]");
    struct plimsoll_json value = plimsoll_json_first(plimsoll_json_root(document));
    bool flag = false;
    assert_true(plimsoll_json_bool(value, &flag));
    assert_true(flag);
    assert_true(plimsoll_json_bool(plimsoll_json_next(value), &flag));
    assert_false(flag);
    assert_false(plimsoll_json_bool(plimsoll_json_root(document), &flag));
}

static void every_valid_form_is_accepted(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "0",     "-0",   "1.5",     "1e9",      "1E+9",       "-1.25e-3",         "true",
        "false", "null", "\"\"",    " [ ] ",    "{}",         "\t{\r\n\"\" : 1}", "[[],{}]",
        "\"ä\"", "[1]",  "[\"]\"]", "\"\\\\\"", "{\"a\":{}}", "\"\x7f\"",
    };
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        plimsoll_autojson *document = parsed(valid[i]);
        assert_non_null(document);
    }
}

static void what_is_no_json_is_refused_with_the_byte(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "+1",
        "01",
        "-",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "NaN",
        "Infinity",
        "1 2",
        "[1 2]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[",
        "]",
        "[[]",
        "[]]",
        "[}",
        "{]",
        "{",
        "}",
        "{}}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":1:2}",
        "{1:2}",
        "{null:1}",
        "{{}:1}",
        "{[]:1}",
        "{\"a\",\"b\"}",
        "[\"a\":1]",
        "\"a\":1",
        "\"a\" \"b\"",
        "{}{}",
        "[] x",
        "{'a':1}",
        "[1]//x",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u\"",
        "\"\t\"",
        "\"\n\"",
        "\"\x01\"",
        "\"\x80\"",
        "\"\xC0\x80\"",
        "\"\xED\xA0\x80\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xE2\x82\"",
        "[\"\xFF\"]",
        "\xEF\xBB\xBF{}",
        "{\"a\":1 \"b\":2}",
        "[1}",
        "{\"a\":[}]",
        "tru",
        "[truefalse]",
        "[\"a\"\"b\"]",
        "[1\"a\"]",
        "{\"a\":1]",
        "--1",
        "1-",
        "[-]",
        "\\u0041",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        assert_refused(plimsoll_span_of(invalid[i]), PLIMSOLL_ERR_INVALID, "byte ");
    }
    assert_refused((struct plimsoll_span){"[1]\0", 4}, PLIMSOLL_ERR_INVALID, "byte 3");
    assert_refused((struct plimsoll_span){"[\0]", 3}, PLIMSOLL_ERR_INVALID, "byte 1");
    assert_refused((struct plimsoll_span){"\"\0\"", 3}, PLIMSOLL_ERR_INVALID, "byte ");
}

static void a_document_cut_anywhere_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1,true,\"x\\u00e4\\\\\",{\"b\":null}],\"c\":{\"d\":-1.5e+3},\"ä\":\"€\"}";
    plimsoll_autojson *document = parsed(text);
    assert_non_null(document);
    for (size_t size = 0; size < sizeof text - 1; size++) {
        assert_refused((struct plimsoll_span){text, size}, PLIMSOLL_ERR_INVALID, "byte ");
    }
}

static void duplicate_keys_are_refused_however_they_are_written(void **state)
{
    (void)state;
    static const char *const duplicates[] = {
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"b\":{\"a\":1},\"a\":2}",
        "[{\"x\":{\"ab\":1,\"\\u0061\\u0062\":2}}]",
        "{\"\":1,\"\":2}",
        "{\"\\ud800\":1,\"\\udc00\":2}",
        "{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,\"7\":0,\"8\":0,\"9\":0,\"\\u0031\":0}",
    };
    for (size_t i = 0; i < sizeof duplicates / sizeof duplicates[0]; i++) {
        assert_refused(plimsoll_span_of(duplicates[i]), PLIMSOLL_ERR_INVALID, "twice");
    }
    plimsoll_autojson *distinct =
        parsed("{\"a\":{\"a\":1},\"A\":1,\"b\":{\"a\":1},\"\\\\u0061\":1}");
    assert_int_equal(plimsoll_json_count(plimsoll_json_root(distinct)), 4);
}

static void the_second_of_many_keys_is_found_twice(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(1 << 20);
    plimsoll_text_add_char(&text, '{');
    for (int i = 0; i < 5000; i++) {
        plimsoll_text_add_format(&text, "%s\"key-%d\":%d", i > 0 ? "," : "", i, i);
    }
    size_t size = text.size;
    plimsoll_text_add_char(&text, '}');
    plimsoll_autojson *document = parsed(text.data);
    assert_int_equal(plimsoll_json_count(plimsoll_json_root(document)), 5000);
    text.size = size;
    plimsoll_text_add_string(&text, ",\"key-2\":0}");
    assert_refused(plimsoll_text_span(&text), PLIMSOLL_ERR_INVALID, "twice");
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
    plimsoll_autotext text = plimsoll_text_make(1 << 20);
    add_repeated(&text, "[", PLIMSOLL_JSON_DEPTH_MAX);
    add_repeated(&text, "]", PLIMSOLL_JSON_DEPTH_MAX);
    plimsoll_autojson *document = parsed(text.data);
    assert_non_null(document);
    plimsoll_text_reset(&text);
    add_repeated(&text, "[", PLIMSOLL_JSON_DEPTH_MAX + 1);
    add_repeated(&text, "]", PLIMSOLL_JSON_DEPTH_MAX + 1);
    assert_refused(plimsoll_text_span(&text), PLIMSOLL_ERR_INVALID, "too deeply nested");
    plimsoll_text_reset(&text);
    add_repeated(&text, "{\"a\":", PLIMSOLL_JSON_DEPTH_MAX + 1);
    assert_refused(plimsoll_text_span(&text), PLIMSOLL_ERR_INVALID, "too deeply nested");
}

static void values_end_at_the_ceiling(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(8u << 20);
    plimsoll_text_add_char(&text, '[');
    add_repeated(&text, "1,", PLIMSOLL_JSON_TOKENS_MAX - 2);
    plimsoll_text_add_string(&text, "1]");
    plimsoll_autojson *document = parsed(text.data);
    assert_int_equal(plimsoll_json_count(plimsoll_json_root(document)),
                     PLIMSOLL_JSON_TOKENS_MAX - 1);
    text.size--;
    plimsoll_text_add_string(&text, ",1]");
    assert_refused(plimsoll_text_span(&text), PLIMSOLL_ERR_TOO_LARGE, "values");
}

/* ---- time per doubling: the smallest of several runs, in CPU time of this thread ---- */

typedef void make_fn(struct plimsoll_text *text, size_t size);

static void make_nested_arrays(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_char(text, '[');
    add_repeated(text, "[1],", size / 4);
    plimsoll_text_add_string(text, "1]");
}

static void make_deep_open(struct plimsoll_text *text, size_t size)
{
    add_repeated(text, "{\"a\":", size / 5);
}

static void make_deep_closed(struct plimsoll_text *text, size_t size)
{
    add_repeated(text, "[", size / 2);
    add_repeated(text, "]", size / 2);
}

static void make_deepest_allowed(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_char(text, '[');
    for (size_t left = size / (PLIMSOLL_JSON_DEPTH_MAX * 2); left > 0; left--) {
        add_repeated(text, "[", PLIMSOLL_JSON_DEPTH_MAX - 1);
        add_repeated(text, "]", PLIMSOLL_JSON_DEPTH_MAX - 1);
        plimsoll_text_add_char(text, ',');
    }
    plimsoll_text_add_string(text, "1]");
}

static void make_backslashes(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_char(text, '"');
    add_repeated(text, "\\\\", size / 2);
    plimsoll_text_add_char(text, '"');
}

static void make_open_string(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_string(text, "[\"");
    add_repeated(text, "\\\\", size / 2);
}

static void make_keys(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_char(text, '{');
    for (size_t i = 0; i < size / 16; i++) {
        plimsoll_text_add_format(text, "\"%010zu\":1,", i);
    }
    plimsoll_text_add_string(text, "\"z\":1}");
}

static void make_escaped_keys(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_char(text, '{');
    for (size_t i = 0; i < size / 20; i++) {
        plimsoll_text_add_format(text, "\"\\u0061%010zu\":1,", i);
    }
    plimsoll_text_add_string(text, "\"z\":1}");
}

static void make_small_objects(struct plimsoll_text *text, size_t size)
{
    plimsoll_text_add_char(text, '[');
    add_repeated(text, "{\"a\":1,\"b\":{}},", size / 16);
    plimsoll_text_add_string(text, "1]");
}

static double measure(make_fn *make, size_t size)
{
    double best = 1e9;
    plimsoll_autotext text = plimsoll_text_make(size + 4096);
    make(&text, size);
    for (int i = 0; i < 5; i++) {
        struct timespec before, after;
        struct plimsoll_error err = {0};
        plimsoll_autojson *document = NULL;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
        int parsed_or_not = plimsoll_json_parse(plimsoll_text_span(&text), &document, &err);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
        assert_true(parsed_or_not == 0 || err.kind == PLIMSOLL_ERR_INVALID);
        double took = (double)(after.tv_sec - before.tv_sec) +
                      (double)(after.tv_nsec - before.tv_nsec) * 1e-9;
        best = took < best ? took : best;
    }
    return best;
}

static void hostile_documents_take_linear_time(void **state)
{
    (void)state;
    static make_fn *const makers[] = {
        make_nested_arrays, make_deep_open,   make_deep_closed, make_deepest_allowed,
        make_backslashes,   make_open_string, make_keys,        make_escaped_keys,
        make_small_objects,
    };
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        /* Four doublings at most 3 each; quadratic time would be 256 times. Noise gets more tries.
         */
        double ratio = 0;
        for (int attempt = 0; attempt < 10; attempt++) {
            ratio = measure(makers[i], 1u << 20) / (measure(makers[i], 1u << 16) + 20e-6);
            if (ratio <= 81) {
                break;
            }
        }
        if (ratio > 81) {
            fail_msg("maker %zu: 16 times the bytes take %.1f times as long", i, ratio);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_key_and_in_order),
        cmocka_unit_test(members_are_walked_key_by_key),
        cmocka_unit_test(what_is_missing_can_be_asked_again),
        cmocka_unit_test(a_key_in_another_case_is_second_choice),
        cmocka_unit_test(strings_are_unescaped),
        cmocka_unit_test(an_escaped_key_is_found),
        cmocka_unit_test(an_unescaped_string_past_the_ceiling_is_remembered),
        cmocka_unit_test(integers_are_exact_or_refused),
        cmocka_unit_test(booleans_are_true_or_false),
        cmocka_unit_test(every_valid_form_is_accepted),
        cmocka_unit_test(what_is_no_json_is_refused_with_the_byte),
        cmocka_unit_test(a_document_cut_anywhere_is_refused),
        cmocka_unit_test(duplicate_keys_are_refused_however_they_are_written),
        cmocka_unit_test(the_second_of_many_keys_is_found_twice),
        cmocka_unit_test(nesting_ends_at_the_ceiling),
        cmocka_unit_test(values_end_at_the_ceiling),
        cmocka_unit_test(hostile_documents_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
