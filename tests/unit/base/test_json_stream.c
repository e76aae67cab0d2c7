/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/json_stream.h>
#include <plimsoll/limits.h>
#include <plimsoll/text.h>

static const char *const way[] = {"Nodes", "items"};

/* Writes down what is handed out, one line each. */
struct record {
    struct plimsoll_text text;
    int elements_until_stop; /* 0: never */
    struct plimsoll_span within;
    size_t borrowed; /* values that lay within `within` */
};

static void note_borrowed(struct record *record, struct plimsoll_span value)
{
    uintptr_t at = (uintptr_t)value.data, begin = (uintptr_t)record->within.data;
    record->borrowed += at >= begin && at + value.size <= begin + record->within.size;
}

static int on_element(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    struct record *record = context;
    if (record->elements_until_stop > 0 && --record->elements_until_stop == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_DENIED, "enough");
    }
    plimsoll_text_add_format(&record->text, "E %.*s\n", PLIMSOLL_SPAN_ARG(value));
    note_borrowed(record, value);
    return 0;
}

static int on_member(void *context, unsigned depth, struct plimsoll_span key,
                     struct plimsoll_span value, struct plimsoll_error *err)
{
    (void)err;
    struct record *record = context;
    plimsoll_text_add_format(&record->text, "%u %.*s=%.*s\n", depth, PLIMSOLL_SPAN_ARG(key),
                             PLIMSOLL_SPAN_ARG(value));
    note_borrowed(record, value);
    return 0;
}

struct setup {
    size_t path_size;
    size_t value_bytes_max;
    size_t cut_first; /* bytes of the first feed */
    size_t cut_step;  /* bytes of each further one */
};

/* Feeds a text in pieces, each in memory of its own that is gone afterwards. */
static int stream(struct plimsoll_span text, struct setup setup, struct record *record,
                  struct plimsoll_error *err)
{
    struct plimsoll_json_stream_handler handler = {record, on_element, on_member};
    struct plimsoll_json_stream *stream =
        plimsoll_json_stream_new(way, setup.path_size, &handler, setup.value_bytes_max);
    int result = 0;
    size_t size = setup.cut_first;
    for (size_t at = 0; at < text.size && result == 0; at += size, size = setup.cut_step) {
        size = size < text.size - at ? size : text.size - at;
        char *piece = malloc(size > 0 ? size : 1);
        memcpy(piece, text.data + at, size);
        record->within = (struct plimsoll_span){piece, size};
        result = plimsoll_json_stream_feed(stream, record->within, err);
        free(piece);
    }
    if (result == 0) {
        result = plimsoll_json_stream_finish(stream, err);
    }
    plimsoll_json_stream_free(&stream);
    assert_null(stream);
    return result;
}

static const char review[] = " {\"Pod\":{\"a\":\"}\\\"\\\\\"} ,\"nodes\" : "
                             "{\"metadata\":{},\"k\":12,\"Items\":[ {\"x\":\"a\\\"}\\\\\"},"
                             "12 ,\"z\\\\\",[] , null,[[{\"]\":\"[\"}]] "
                             "],\"l\":true},\n\"NodeNames\":null, \"s\":\"€\" } \n";
static const char review_parts[] =
    "0 Pod={\"a\":\"}\\\"\\\\\"}\n1 metadata={}\n1 k=12\nE {\"x\":\"a\\\"}\\\\\"}\nE 12\nE "
    "\"z\\\\\"\nE []\n"
    "E null\nE [[{\"]\":\"[\"}]]\n1 l=true\n0 NodeNames=null\n0 s=\"€\"\n";

static void elements_and_members_come_in_order_wherever_the_body_is_cut(void **state)
{
    (void)state;
    struct plimsoll_span text = plimsoll_span_of(review);
    for (size_t first = 0; first <= text.size; first++) {
        for (size_t step = 1; step < 70; step += step < 3 ? 1 : 31) {
            struct record record = {.text = plimsoll_text_make(10000)};
            struct plimsoll_error err = {0};
            struct setup setup = {2, 1000, first, step};
            assert_int_equal(stream(text, setup, &record, &err), 0);
            assert_string_equal(record.text.data, review_parts);
            plimsoll_text_clear(&record.text);
        }
    }
}

static void what_lies_within_one_feed_is_not_copied(void **state)
{
    (void)state;
    struct record record = {.text = plimsoll_text_make(10000)};
    struct plimsoll_error err = {0};
    struct plimsoll_span text = plimsoll_span_of(review);
    struct setup setup = {2, 1000, text.size, 1};
    assert_int_equal(stream(text, setup, &record, &err), 0);
    assert_int_equal(record.borrowed, 12);
    plimsoll_text_clear(&record.text);
}

static void a_sequence_gives_each_root_value(void **state)
{
    (void)state;
    struct plimsoll_span text =
        plimsoll_span_of("{\"type\":\"ADDED\"}\n{}\n[1] \"s\" 12 true\nnull 7");
    for (size_t step = 1; step <= text.size; step++) {
        struct record record = {.text = plimsoll_text_make(10000)};
        struct plimsoll_error err = {0};
        struct setup setup = {0, 1000, step, step};
        assert_int_equal(stream(text, setup, &record, &err), 0);
        assert_string_equal(record.text.data, "E {\"type\":\"ADDED\"}\nE {}\nE [1]\nE \"s\"\nE 12\n"
                                              "E true\nE null\nE 7\n");
        plimsoll_text_clear(&record.text);
    }
}

static void a_sequence_may_be_empty_but_not_cut_short(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
    } cases[] = {{"", 0},    {" \n", 0},  {"{}\n", 0}, {"{}\n{", -1},
                 {"\"", -1}, {"tru", -1}, {"[", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct record record = {.text = plimsoll_text_make(10000)};
        struct plimsoll_error err = {0};
        struct setup setup = {0, 1000, 1, 1};
        assert_int_equal(stream(plimsoll_span_of(cases[i].text), setup, &record, &err),
                         cases[i].result);
        assert_int_equal(err.kind, cases[i].result == 0 ? PLIMSOLL_ERR_NONE : PLIMSOLL_ERR_INVALID);
        plimsoll_text_clear(&record.text);
    }
}

/* Streams in one piece and byte by byte: both must say the same. */
static void assert_streams(const char *text, const char *parts)
{
    for (size_t step = 1; step < 1000; step += 998) {
        struct record record = {.text = plimsoll_text_make(10000)};
        struct plimsoll_error err = {0};
        struct setup setup = {2, 1000, step, step};
        if (stream(plimsoll_span_of(text), setup, &record, &err) != 0) {
            fail_msg("%s: %s", text, err.message);
        }
        assert_string_equal(record.text.size > 0 ? record.text.data : "", parts);
        plimsoll_text_clear(&record.text);
    }
}

static void a_member_on_the_way_of_another_type_is_given(void **state)
{
    (void)state;
    assert_streams("{\"Nodes\":null,\"NodeNames\":[1]}", "0 Nodes=null\n0 NodeNames=[1]\n");
    assert_streams("{\"Nodes\":[1]}", "0 Nodes=[1]\n");
    assert_streams("{\"NODES\":{\"ITEMS\":null}}", "1 ITEMS=null\n");
    assert_streams("{\"Nodes\":{\"items\":{\"a\":1}}}", "1 items={\"a\":1}\n");
    assert_streams("{\"Nodes\":{\"items\":[]}}", "");
    assert_streams("{\"Nodes\":{}}", "");
    assert_streams("{}", "");
    assert_streams("{\"items\":[1],\"Nodes\":{\"Nodes\":[2],\"items\":[3]}}",
                   "0 items=[1]\n1 Nodes=[2]\nE 3\n");
    assert_streams("{\"\\u004eodes\":{\"items\":[3]}}", "0 \\u004eodes={\"items\":[3]}\n");
}

static void what_is_out_of_balance_is_refused(void **state)
{
    (void)state;
    static const char *const invalid[] = {
        "",
        " ",
        "[]",
        "1",
        "null",
        "\"Nodes\"",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1]",
        "{\"a\":tru}",
        "{\"a\":01}",
        "{\"a\":1 2}",
        "{\"\\x\":1}",
        "{\"\xFF\":1}",
        "{} {}",
        "{}]",
        "{\"Nodes\":{\"items\":[}}",
        "{\"Nodes\":{\"items\":[1,]}}",
        "{\"Nodes\":{\"items\":[1 2]}}",
        "{\"Nodes\":{\"items\":[,]}}",
        "{\"Nodes\":{\"items\":[1}}",
        "{\"Nodes\":{\"items\":[1]]}",
        "{\"Nodes\":{\"items\":[{]}}",
        "{\"Nodes\":{\"items\":[1]}",
        "{\"Nodes\":{},\"Nodes\":{}}",
        "{\"Nodes\":null,\"nodes\":{}}",
        "{\"Nodes\":{\"items\":[1],\"Items\":[2]}}",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        for (size_t step = 1; step < 1000; step += 998) {
            struct record record = {.text = plimsoll_text_make(10000)};
            struct plimsoll_error err = {0};
            struct setup setup = {2, 1000, step, step};
            if (stream(plimsoll_span_of(invalid[i]), setup, &record, &err) == 0) {
                fail_msg("accepted: %s", invalid[i]);
            }
            assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
            assert_non_null(strstr(err.message, "byte "));
            plimsoll_text_clear(&record.text);
        }
    }
}

static void the_byte_in_a_message_counts_from_the_start_of_the_body(void **state)
{
    (void)state;
    for (size_t step = 1; step < 20; step++) {
        struct record record = {.text = plimsoll_text_make(1000)};
        struct plimsoll_error err = {0};
        struct setup setup = {2, 1000, step, step};
        assert_int_equal(stream(plimsoll_span_of("{\"abc\":[1,2] x"), setup, &record, &err), -1);
        assert_non_null(strstr(err.message, "byte 13 "));
        plimsoll_text_clear(&record.text);
    }
}

static void a_value_fits_up_to_its_ceiling(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"Nodes\":{\"items\":[\"12345678\"]}}", "{\"Nodes\":{\"items\":[[[],[],[]]]}}",
        "{\"Nodes\":{\"items\":[1234567890]}}",   "{\"x\":\"12345678\"}",
        "{\"Nodes\":{\"x\":{\"a\":1234}}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t step = 1; step < 60; step += 4) {
            for (size_t less = 0; less < 2; less++) {
                struct record record = {.text = plimsoll_text_make(1000)};
                struct plimsoll_error err = {0};
                struct setup setup = {2, 10 - less, step, step};
                assert_int_equal(stream(plimsoll_span_of(texts[i]), setup, &record, &err),
                                 less == 0 ? 0 : -1);
                assert_int_equal(err.kind, less == 0 ? PLIMSOLL_ERR_NONE : PLIMSOLL_ERR_TOO_LARGE);
                plimsoll_text_clear(&record.text);
            }
        }
    }
}

static void a_value_without_end_is_refused_at_its_ceiling(void **state)
{
    (void)state;
    struct record record = {.text = plimsoll_text_make(1000)};
    struct plimsoll_json_stream_handler handler = {&record, on_element, NULL};
    struct plimsoll_json_stream *stream = plimsoll_json_stream_new(way, 2, &handler, 1000);
    struct plimsoll_error err = {0};
    assert_int_equal(
        plimsoll_json_stream_feed(stream, plimsoll_span_of("{\"Nodes\":{\"items\":[\""), &err), 0);
    size_t fed = 1;
    while (plimsoll_json_stream_feed(stream, plimsoll_span_of("0123456789"), &err) == 0) {
        fed += 10;
        assert_true(fed <= 1000);
    }
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    assert_true(fed > 980);
    plimsoll_json_stream_free(&stream);
    plimsoll_text_clear(&record.text);
}

static void a_key_fits_up_to_its_ceiling(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        for (size_t step = 1; step < 10000; step += 4999) {
            struct record record = {.text = plimsoll_text_make(10000)};
            plimsoll_autotext text = plimsoll_text_make(10000);
            struct plimsoll_error err = {0};
            struct setup setup = {2, 1000, step, step};
            plimsoll_text_add_string(&text, "{\"");
            for (size_t i = 0; i < PLIMSOLL_JSON_STREAM_KEY_BYTES_MAX + more; i++) {
                plimsoll_text_add_char(&text, 'k');
            }
            plimsoll_text_add_string(&text, "\":1}");
            assert_int_equal(stream(plimsoll_text_span(&text), setup, &record, &err),
                             more == 0 ? 0 : -1);
            assert_int_equal(err.kind, more == 0 ? PLIMSOLL_ERR_NONE : PLIMSOLL_ERR_TOO_LARGE);
            plimsoll_text_clear(&record.text);
        }
    }
}

static void nesting_ends_at_the_ceiling(void **state)
{
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct record record = {.text = plimsoll_text_make(10000)};
        plimsoll_autotext text = plimsoll_text_make(10000);
        struct plimsoll_error err = {0};
        struct setup setup = {0, 1000, 7, 7};
        for (size_t i = 0; i < PLIMSOLL_JSON_DEPTH_MAX + more; i++) {
            plimsoll_text_add_char(&text, '[');
        }
        for (size_t i = 0; i < PLIMSOLL_JSON_DEPTH_MAX + more; i++) {
            plimsoll_text_add_char(&text, ']');
        }
        assert_int_equal(stream(plimsoll_text_span(&text), setup, &record, &err),
                         more == 0 ? 0 : -1);
        assert_int_equal(more == 0 || strstr(err.message, "too deeply nested") != NULL, true);
        plimsoll_text_clear(&record.text);
    }
}

static void a_handler_stops_the_stream_for_good(void **state)
{
    (void)state;
    struct record record = {.text = plimsoll_text_make(1000), .elements_until_stop = 2};
    struct plimsoll_json_stream_handler handler = {&record, on_element, on_member};
    struct plimsoll_json_stream *stream = plimsoll_json_stream_new(way, 2, &handler, 1000);
    struct plimsoll_error err = {0}, again = {0}, last = {0};
    assert_int_equal(plimsoll_json_stream_feed(
                         stream, plimsoll_span_of("{\"Nodes\":{\"items\":[1,2,3]}}"), &err),
                     -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_DENIED);
    assert_string_equal(err.message, "enough");
    assert_string_equal(record.text.data, "E 1\n");
    assert_int_equal(plimsoll_json_stream_feed(stream, plimsoll_span_of("}"), &again), -1);
    assert_string_equal(again.message, "enough");
    assert_int_equal(plimsoll_json_stream_finish(stream, &last), -1);
    assert_int_equal(last.kind, PLIMSOLL_ERR_DENIED);
    plimsoll_json_stream_free(&stream);
    plimsoll_text_clear(&record.text);
}

static void members_nobody_asked_for_are_dropped(void **state)
{
    (void)state;
    struct record record = {.text = plimsoll_text_make(1000)};
    struct plimsoll_json_stream_handler handler = {&record, on_element, NULL};
    struct plimsoll_json_stream *stream = plimsoll_json_stream_new(way, 2, &handler, 1000);
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_json_stream_feed(stream, plimsoll_span_of(review), &err), 0);
    assert_int_equal(plimsoll_json_stream_finish(stream, &err), 0);
    assert_null(strstr(record.text.data, "metadata"));
    assert_non_null(strstr(record.text.data, "E 12\n"));
    plimsoll_json_stream_free(&stream);
    plimsoll_text_clear(&record.text);
}

struct taking {
    struct plimsoll_json_stream *stream;
    bool taken;
    struct plimsoll_text value;
};

static int take_element(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    (void)err;
    struct taking *taking = context;
    plimsoll_text_clear(&taking->value);
    taking->taken = plimsoll_json_stream_take(taking->stream, &taking->value);
    if (taking->taken) {
        assert_ptr_equal(taking->value.data, value.data);
        assert_int_equal(taking->value.size, value.size);
    }
    return 0;
}

static void a_value_of_several_feeds_can_be_taken_over(void **state)
{
    (void)state;
    struct taking taking = {0};
    const struct plimsoll_json_stream_handler handler = {&taking, take_element, NULL};
    struct plimsoll_error err;
    taking.stream = plimsoll_json_stream_new(NULL, 0, &handler, 100);
    static const struct {
        const char *feed, *taken;
    } feeds[] = {{"[1,", NULL},     {"2]", "[1,2]"},      {"[3]", NULL},
                 {" {\"a\"", NULL}, {":4}", "{\"a\":4}"}, {"[5]", NULL}};
    for (size_t i = 0; i < sizeof feeds / sizeof feeds[0]; i++) {
        taking.taken = false;
        assert_int_equal(
            plimsoll_json_stream_feed(taking.stream, plimsoll_span_of(feeds[i].feed), &err), 0);
        assert_int_equal(taking.taken, feeds[i].taken != NULL);
        if (taking.taken) {
            assert_string_equal(taking.value.data, feeds[i].taken);
        }
    }
    assert_int_equal(plimsoll_json_stream_finish(taking.stream, &err), 0);
    plimsoll_json_stream_free(&taking.stream);
    plimsoll_text_clear(&taking.value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_and_members_come_in_order_wherever_the_body_is_cut),
        cmocka_unit_test(what_lies_within_one_feed_is_not_copied),
        cmocka_unit_test(a_sequence_gives_each_root_value),
        cmocka_unit_test(a_sequence_may_be_empty_but_not_cut_short),
        cmocka_unit_test(a_member_on_the_way_of_another_type_is_given),
        cmocka_unit_test(what_is_out_of_balance_is_refused),
        cmocka_unit_test(the_byte_in_a_message_counts_from_the_start_of_the_body),
        cmocka_unit_test(a_value_fits_up_to_its_ceiling),
        cmocka_unit_test(a_value_without_end_is_refused_at_its_ceiling),
        cmocka_unit_test(a_key_fits_up_to_its_ceiling),
        cmocka_unit_test(nesting_ends_at_the_ceiling),
        cmocka_unit_test(a_handler_stops_the_stream_for_good),
        cmocka_unit_test(members_nobody_asked_for_are_dropped),
        cmocka_unit_test(a_value_of_several_feeds_can_be_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
