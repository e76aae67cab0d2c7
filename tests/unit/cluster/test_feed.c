/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "picture.h"

#include <plimsoll/feed.h>

static int setup(void **state)
{
    *state = picture_new();
    return 0;
}

static int teardown(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    plimsoll_cluster_free(&cluster);
    return 0;
}

static size_t node_count(struct plimsoll_cluster *cluster)
{
    plimsoll_cluster_read_begin(cluster);
    size_t count = plimsoll_cluster_node_count(cluster);
    plimsoll_cluster_read_end(cluster);
    return count;
}

/* A page with one node per character of `names`. */
static void add_page(struct plimsoll_text *out, const char *names, const char *next)
{
    plimsoll_text_add_format(out,
                             "{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"metadata\":{"
                             "\"resourceVersion\":\"77\",\"continue\":\"%s\"},\"items\":[",
                             next);
    for (const char *name = names; *name != '\0'; name++) {
        char text[2] = {*name, '\0'};
        plimsoll_text_add_string(out, name > names ? "," : "");
        add_node(out, &(struct node_words){.name = text});
    }
    plimsoll_text_add_string(out, "]}\n");
}

static void add_event(struct plimsoll_text *out, const char *type, const char *name,
                      const char *version)
{
    plimsoll_text_add_format(out, "{\"type\":\"%s\",\"object\":", type);
    add_node(out, &(struct node_words){.name = name, .version = version});
    plimsoll_text_add_string(out, "}\n");
}

/* In pieces of `piece` bytes. */
static int feed(struct plimsoll_feed *to, const struct plimsoll_text *text, size_t piece,
                struct plimsoll_error *err)
{
    for (size_t at = 0; at < text->size; at += piece) {
        size_t size = text->size - at < piece ? text->size - at : piece;
        struct plimsoll_span part = {.data = text->data + at, .size = size};
        if (plimsoll_feed_bytes(to, part, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int feed_string(struct plimsoll_feed *to, const char *string, struct plimsoll_error *err)
{
    return plimsoll_feed_bytes(to, plimsoll_span_of(string), err);
}

static void a_list_of_several_pages_is_the_whole_truth_at_its_end(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext first = plimsoll_text_make(1u << 20), second = plimsoll_text_make(1u << 20);
    plimsoll_autotext old = plimsoll_text_make(1u << 20);
    add_node(&old, &(struct node_words){.name = "old"});
    assert_int_equal(
        plimsoll_cluster_set(*state, PLIMSOLL_KIND_NODES, plimsoll_text_span(&old), &err), 0);
    add_page(&first, "abc", "to\\u006ben/2==");
    add_page(&second, "d", "");

    struct plimsoll_feed *list = plimsoll_feed_list(*state, PLIMSOLL_KIND_NODES);
    assert_int_equal(feed(list, &first, 7, &err), 0);
    assert_int_equal(plimsoll_feed_finish(list, &err), 0);
    assert_string_equal(plimsoll_feed_continue(list), "token/2==");
    assert_int_equal(node_count(*state), 4);
    assert_false(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_NODES));
    assert_int_equal(feed(list, &second, 1, &err), 0);
    assert_int_equal(plimsoll_feed_finish(list, &err), 0);
    assert_string_equal(plimsoll_feed_continue(list), "");
    assert_string_equal(plimsoll_feed_version(list), "77");
    assert_int_equal(plimsoll_feed_count(list), 4);
    assert_int_equal(node_count(*state), 4);
    assert_true(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_NODES));
    assert_int_equal(feed_string(list, "{}", &err), -1);
    assert_int_equal(plimsoll_feed_finish(list, &err), -1);
    plimsoll_feed_free(&list);
    assert_null(list);
}

static void an_empty_list_may_say_null(void **state)
{
    struct plimsoll_error err = {0};
    struct plimsoll_feed *list = plimsoll_feed_list(*state, PLIMSOLL_KIND_RUNTIME_CLASSES);
    assert_int_equal(feed_string(list,
                                 "{\"items\":null,\"metadata\":{\"resourceVersion\":\"5\"},"
                                 "\"kind\":\"RuntimeClassList\"}",
                                 &err),
                     0);
    assert_int_equal(plimsoll_feed_finish(list, &err), 0);
    assert_true(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_RUNTIME_CLASSES));
    plimsoll_feed_free(&list);
}

static void answers_that_are_no_list_of_the_kind_take_nothing_away(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"kind\":\"NodeList\",\"items\":[]}",
        "{\"kind\":\"NodeList\",\"metadata\":{},\"items\":[]}",
        "{\"kind\":\"NodeList\",\"metadata\":null,\"items\":[]}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"\"},\"items\":[]}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":7},\"items\":[]}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":{}}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":\"x\"}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[7]}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[null]}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{}]}",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[",
        "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]",
        "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}",
        "{\"kind\":\"Status\",\"metadata\":{\"resourceVersion\":\"7\"},\"code\":200}",
        "<html>welcome</html>",
    };
    struct plimsoll_error err = {0};
    plimsoll_autotext page = plimsoll_text_make(1u << 20);
    add_page(&page, "a", "");
    struct plimsoll_feed *list = plimsoll_feed_list(*state, PLIMSOLL_KIND_NODES);
    assert_int_equal(feed(list, &page, 100, &err), 0);
    assert_int_equal(plimsoll_feed_finish(list, &err), 0);
    plimsoll_feed_free(&list);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        list = plimsoll_feed_list(*state, PLIMSOLL_KIND_NODES);
        err = (struct plimsoll_error){0};
        if (feed_string(list, bad[i], &err) == 0 && plimsoll_feed_finish(list, &err) == 0) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        plimsoll_feed_free(&list);
        assert_int_equal(node_count(*state), 1);
    }
}

static void a_version_of_megabytes_is_too_large(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext page = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&page, "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"");
    for (int i = 0; i < 20000; i++) {
        plimsoll_text_add_char(&page, '7');
    }
    plimsoll_text_add_string(&page, "\"},\"items\":[]}");
    struct plimsoll_feed *list = plimsoll_feed_list(*state, PLIMSOLL_KIND_NODES);
    assert_int_equal(feed(list, &page, page.size, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    plimsoll_feed_free(&list);
}

static void events_change_the_picture_and_move_the_version(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext events = plimsoll_text_make(1u << 20);
    add_event(&events, "ADDED", "a", "101");
    add_event(&events, "ADDED", "b", "102");
    add_event(&events, "MODIFIED", "a", "103");
    add_event(&events, "DELETED", "b", "104");
    for (size_t piece = 1; piece < 4096; piece = piece * 5 + 2) {
        struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
        assert_string_equal(plimsoll_feed_version(watch), "100");
        assert_int_equal(feed(watch, &events, piece, &err), 0);
        assert_int_equal(node_count(*state), 1);
        assert_string_equal(plimsoll_feed_version(watch), "104");
        assert_int_equal(plimsoll_feed_count(watch), 4);
        assert_int_equal(plimsoll_feed_finish(watch, &err), 0);
        plimsoll_feed_free(&watch);
    }
}

static void a_bookmark_moves_the_version_only(void **state)
{
    struct plimsoll_error err = {0};
    struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
    assert_int_equal(feed_string(watch,
                                 "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Node\",\"metadata\""
                                 ":{\"resourceVersion\":\"12746\",\"creationTimestamp\":null},"
                                 "\"spec\":{},\"status\":{}}}\n",
                                 &err),
                     0);
    assert_string_equal(plimsoll_feed_version(watch), "12746");
    assert_int_equal(node_count(*state), 0);
    plimsoll_feed_free(&watch);
}

static void a_torn_event_leaves_the_version_before_it(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext events = plimsoll_text_make(1u << 20);
    add_event(&events, "ADDED", "a", "101");
    size_t whole = events.size;
    add_event(&events, "ADDED", "b", "102");
    events.size = whole + (events.size - whole) / 2;
    struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
    assert_int_equal(feed(watch, &events, 64, &err), 0);
    assert_int_equal(plimsoll_feed_finish(watch, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    assert_string_equal(plimsoll_feed_version(watch), "101");
    plimsoll_feed_free(&watch);
}

static void a_watch_without_a_byte_ends_well(void **state)
{
    struct plimsoll_error err = {0};
    struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
    assert_int_equal(plimsoll_feed_finish(watch, &err), 0);
    assert_string_equal(plimsoll_feed_version(watch), "100");
    plimsoll_feed_free(&watch);
}

static void error_events_say_whether_to_list_again(void **state)
{
    static const struct {
        const char *object;
        enum plimsoll_error_kind kind;
    } cases[] = {
        {"{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"too old resource version: 1 "
         "(5)\",\"reason\":\"Expired\",\"code\":410}",
         PLIMSOLL_ERR_EXPIRED},
        {"{\"kind\":\"Status\",\"reason\":\"Gone\",\"code\":410}", PLIMSOLL_ERR_EXPIRED},
        {"{\"kind\":\"Status\",\"reason\":\"Expired\"}", PLIMSOLL_ERR_EXPIRED},
        {"{\"code\":504,\"message\":\"Too large resource version: 9, current: 3\"}",
         PLIMSOLL_ERR_EXPIRED},
        {"{\"code\":500,\"message\":\"etcd is away\"}", PLIMSOLL_ERR_UNAVAILABLE},
        {"{\"code\":429}", PLIMSOLL_ERR_UNAVAILABLE},
        {"{}", PLIMSOLL_ERR_UNAVAILABLE},
        {"null", PLIMSOLL_ERR_UNAVAILABLE},
        {"[]", PLIMSOLL_ERR_INVALID},
        {"{\"code\":\"410\"}", PLIMSOLL_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_error err = {0};
        plimsoll_autotext event = plimsoll_text_make(4096);
        plimsoll_text_add_format(&event, "{\"type\":\"ERROR\",\"object\":%s}\n", cases[i].object);
        struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
        assert_int_equal(feed(watch, &event, event.size, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_string_equal(plimsoll_feed_version(watch), "100");
        assert_int_equal(feed(watch, &event, event.size, &err), -1);
        plimsoll_feed_free(&watch);
    }
}

static void events_that_make_no_sense_end_the_watch(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "7",
        "{\"type\":\"ADDED\"}",
        "{\"type\":7,\"object\":{}}",
        "{\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}}",
        "{\"type\":\"added\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"1\"}}}",
        "{\"type\":\"ADDED\",\"object\":null}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}",
        "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}",
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}",
        "}",
        "\x01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct plimsoll_error err = {0};
        struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
        if (feed_string(watch, bad[i], &err) == 0 && feed_string(watch, "\n", &err) == 0) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        assert_string_equal(plimsoll_feed_version(watch), "100");
        plimsoll_feed_free(&watch);
    }
}

static void an_event_larger_than_any_object_is_too_large(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext chunk = plimsoll_text_make(1u << 20);
    for (size_t i = 0; i < 1u << 20; i++) {
        plimsoll_text_add_char(&chunk, 'x');
    }
    struct plimsoll_feed *watch = plimsoll_feed_watch(*state, PLIMSOLL_KIND_NODES, "100");
    int result = feed_string(watch, "{\"type\":\"", &err);
    for (int i = 0; i < 5 && result == 0; i++) {
        result = feed(watch, &chunk, chunk.size, &err);
    }
    assert_int_equal(result, -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    plimsoll_feed_free(&watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_list_of_several_pages_is_the_whole_truth_at_its_end),
        TEST(an_empty_list_may_say_null),
        TEST(answers_that_are_no_list_of_the_kind_take_nothing_away),
        TEST(a_version_of_megabytes_is_too_large),
        TEST(events_change_the_picture_and_move_the_version),
        TEST(a_bookmark_moves_the_version_only),
        TEST(a_torn_event_leaves_the_version_before_it),
        TEST(a_watch_without_a_byte_ends_well),
        TEST(error_events_say_whether_to_list_again),
        TEST(events_that_make_no_sense_end_the_watch),
        TEST(an_event_larger_than_any_object_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
