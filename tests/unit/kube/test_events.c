/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "recorded_api.h"

#include <plimsoll/clock.h>
#include <plimsoll/events.h>
#include <plimsoll/limits.h>

#include <jansson.h>

#include <ctype.h>

#define EVENTS "/apis/events.k8s.io/v1/namespaces/"

struct world {
    struct recorded_api *api;
    struct plimsoll_events *events;
    struct plimsoll_error err;
};

static const struct plimsoll_event waits = {
    .namespace_ = "team",
    .name = "llm-0",
    .uid = "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59",
    .warning = true,
    .reason = "InsufficientVRAM",
    .action = "Scheduling",
    .note = "closest is dgx-3, 2Gi short",
};

static int setup(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    recorded_setup((void **)&world->api);
    world->events = plimsoll_events_new(world->api->kube, "plimsoll-7d4f");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    plimsoll_events_free(&world->events);
    recorded_teardown((void **)&world->api);
    free(world);
    return 0;
}

static int tell(struct world *world, const struct plimsoll_event *event, int64_t now_ms)
{
    return plimsoll_events_tell(world->events, event, now_ms, &world->err);
}

static void tell_well(struct world *world, const struct plimsoll_event *event, int64_t now_ms)
{
    if (tell(world, event, now_ms) < 0) {
        fail_msg("%s", world->err.message);
    }
}

static json_t *body(const struct world *world, size_t number)
{
    const struct plimsoll_text *text = &world->api->bodies[number];
    json_t *object = json_loadb(text->data, text->size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    assert_non_null(string);
    return string;
}

static void assert_micro_time(const char *time)
{
    struct plimsoll_error err = {0};
    int64_t unix_ms;
    assert_int_equal(strlen(time), strlen("2026-11-22T05:10:00.000000Z"));
    assert_int_equal(time[19], '.');
    assert_int_equal(plimsoll_time_parse(plimsoll_span_of(time), &unix_ms, &err), 0);
}

static void the_first_is_an_object_of_its_own(void **state)
{
    struct world *world = *state;
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &waits, 1000);
    assert_true(recorded_head_starts(world->api, 0, "POST " EVENTS "team/events HTTP"));
    json_auto_t *event = body(world, 0);
    assert_string_equal(string_at(event, "apiVersion"), "events.k8s.io/v1");
    assert_string_equal(string_at(event, "kind"), "Event");
    assert_string_equal(string_at(event, "type"), "Warning");
    assert_string_equal(string_at(event, "reason"), "InsufficientVRAM");
    assert_string_equal(string_at(event, "action"), "Scheduling");
    assert_string_equal(string_at(event, "note"), "closest is dgx-3, 2Gi short");
    assert_string_equal(string_at(event, "reportingController"), "plimsoll");
    assert_string_equal(string_at(event, "reportingInstance"), "plimsoll-7d4f");
    assert_micro_time(string_at(event, "eventTime"));
    const json_t *regarding = json_object_get(event, "regarding");
    assert_string_equal(string_at(regarding, "kind"), "Pod");
    assert_string_equal(string_at(regarding, "apiVersion"), "v1");
    assert_string_equal(string_at(regarding, "namespace"), "team");
    assert_string_equal(string_at(regarding, "name"), "llm-0");
    assert_string_equal(string_at(regarding, "uid"), waits.uid);
    const json_t *metadata = json_object_get(event, "metadata");
    assert_string_equal(string_at(metadata, "namespace"), "team");
    assert_memory_equal(string_at(metadata, "name"), "llm-0.", 6);
    assert_null(json_object_get(event, "series"));
}

static void an_event_of_a_node_is_in_the_namespace_default(void **state)
{
    struct world *world = *state;
    struct plimsoll_event event = waits;
    event.namespace_ = NULL;
    event.name = "dgx-3";
    event.uid = NULL;
    event.warning = false;
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &event, 0);
    assert_true(recorded_head_starts(world->api, 0, "POST " EVENTS "default/events HTTP"));
    json_auto_t *object = body(world, 0);
    const json_t *regarding = json_object_get(object, "regarding");
    assert_string_equal(string_at(object, "type"), "Normal");
    assert_string_equal(string_at(regarding, "kind"), "Node");
    assert_string_equal(string_at(regarding, "name"), "dgx-3");
    assert_string_equal(string_at(regarding, "uid"), "dgx-3");
    assert_null(json_object_get(regarding, "namespace"));
    assert_string_equal(string_at(json_object_get(object, "metadata"), "namespace"), "default");
}

static void what_comes_again_soon_is_counted_and_written_later_as_a_series(void **state)
{
    struct world *world = *state;
    recorded_give(world->api, "201 Created", "{}");
    for (int i = 0; i < 5; i++) {
        tell_well(world, &waits, i * (PLIMSOLL_EVENT_REPEAT_MS / 5));
    }
    assert_int_equal(world->api->asked, 1);
    tell_well(world, &waits, PLIMSOLL_EVENT_REPEAT_MS);
    assert_int_equal(world->api->asked, 2);
    json_auto_t *event = body(world, 0);
    json_auto_t *patch = body(world, 1);
    plimsoll_autotext line = plimsoll_text_make(1024);
    plimsoll_text_add_format(&line, "PATCH " EVENTS "team/events/%s HTTP",
                             string_at(json_object_get(event, "metadata"), "name"));
    assert_true(recorded_head_starts(world->api, 1, line.data));
    assert_true(recorded_head_has(world->api, 1, "Content-Type: application/merge-patch+json\r\n"));
    const json_t *series = json_object_get(patch, "series");
    assert_int_equal(json_object_size(patch), 1);
    assert_int_equal(json_integer_value(json_object_get(series, "count")), 6);
    assert_micro_time(string_at(series, "lastObservedTime"));
}

static void other_words_are_another_event_but_not_sooner(void **state)
{
    struct world *world = *state;
    struct plimsoll_event other = waits;
    other.note = "closest is dgx-3, 1Gi short";
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &waits, 0);
    tell_well(world, &other, PLIMSOLL_EVENT_REPEAT_MS - 1);
    assert_int_equal(world->api->asked, 1);
    tell_well(world, &other, PLIMSOLL_EVENT_REPEAT_MS);
    assert_true(recorded_head_starts(world->api, 1, "POST "));
    json_auto_t *first = body(world, 0), *second = body(world, 1);
    assert_string_equal(string_at(second, "note"), other.note);
    assert_string_not_equal(string_at(json_object_get(first, "metadata"), "name"),
                            string_at(json_object_get(second, "metadata"), "name"));
}

static void another_reason_object_or_type_does_not_wait(void **state)
{
    struct world *world = *state;
    struct plimsoll_event others[] = {waits, waits, waits, waits};
    others[0].reason = "GPUAssigned";
    others[1].uid = "another";
    others[2].warning = false;
    others[3].namespace_ = "tea";
    others[3].name = "mllm-0"; /* the same letters in a row */
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &waits, 0);
    for (size_t i = 0; i < 4; i++) {
        tell_well(world, &others[i], 0);
        assert_int_equal(world->api->asked, i + 2);
        assert_true(recorded_head_starts(world->api, i + 1, "POST "));
    }
}

static void an_event_that_the_api_server_forgot_is_begun_anew(void **state)
{
    struct world *world = *state;
    recorded_give(world->api, "201 Created", "{}");
    recorded_give(world->api, "404 Not Found", "{\"message\":\"events not found\"}");
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &waits, 0);
    tell_well(world, &waits, PLIMSOLL_EVENT_REPEAT_MS);
    assert_int_equal(world->api->asked, 3);
    assert_true(recorded_head_starts(world->api, 1, "PATCH "));
    assert_true(recorded_head_starts(world->api, 2, "POST "));
    tell_well(world, &waits, 2 * PLIMSOLL_EVENT_REPEAT_MS);
    json_auto_t *patch = body(world, 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(patch, "series"), "count")),
                     2);
}

static void a_refused_event_is_said_and_not_tried_at_once_again(void **state)
{
    struct world *world = *state;
    recorded_give(world->api, "403 Forbidden", "{\"message\":\"not for you\"}");
    recorded_give(world->api, "201 Created", "{}");
    assert_int_equal(tell(world, &waits, 0), -1);
    assert_int_equal(world->err.kind, PLIMSOLL_ERR_DENIED);
    assert_string_equal(world->err.message,
                        "event InsufficientVRAM of pod team/llm-0: not for you");
    tell_well(world, &waits, 1);
    assert_int_equal(world->api->asked, 1);
    tell_well(world, &waits, PLIMSOLL_EVENT_REPEAT_MS);
    assert_true(recorded_head_starts(world->api, 1, "POST "));
}

static void failures_have_a_kind(void **state)
{
    static const struct {
        const char *status;
        enum plimsoll_error_kind kind;
    } cases[] = {
        {"403 Forbidden", PLIMSOLL_ERR_DENIED},
        {"404 Not Found", PLIMSOLL_ERR_NOT_FOUND},
        {"409 Conflict", PLIMSOLL_ERR_CONFLICT},
        {"429 Too Many Requests", PLIMSOLL_ERR_UNAVAILABLE},
        {"500 Internal Server Error", PLIMSOLL_ERR_UNAVAILABLE},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char uid[2] = {(char)('a' + i), '\0'};
        struct plimsoll_event event = waits;
        event.uid = uid;
        recorded_give(world->api, cases[i].status, "{\"message\":\"no\"}");
        assert_int_equal(tell(world, &event, 0), -1);
        assert_int_equal(world->err.kind, cases[i].kind);
    }
}

static void a_conflict_with_our_own_first_try_is_success(void **state)
{
    struct world *world = *state;
    struct plimsoll_event other = waits;
    other.uid = "another";
    recorded_give(world->api, "201 Created", "{}");
    recorded_give(world->api, "201 Created", "{}");
    recorded_give(world->api, "409 Conflict", "{\"message\":\"already exists\"}");
    tell_well(world, &waits, 0);
    world->api->dies_when_kept = true;
    tell_well(world, &other, 0);
    assert_int_equal(world->api->asked, 3);
}

static void what_every_replica_tells_has_one_name(void **state)
{
    struct world *world = *state;
    struct plimsoll_events *other = plimsoll_events_new(world->api->kube, "plimsoll-9c1b");
    struct plimsoll_event shared = waits;
    shared.shared = true;
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &shared, 1000);
    recorded_give(world->api, "409 Conflict", "{\"message\":\"already exists\"}");
    assert_int_equal(plimsoll_events_tell(other, &shared, 1000, &world->err), 0);
    shared.note = "closest is dgx-3, 1Gi short";
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &shared, 1000 + PLIMSOLL_EVENT_REPEAT_MS);
    char names[3][64];
    for (size_t i = 0; i < 3; i++) {
        json_auto_t *event = body(world, i);
        snprintf(names[i], sizeof names[i], "%s",
                 string_at(json_object_get(event, "metadata"), "name"));
    }
    assert_string_not_equal(names[0], names[2]);
    /* The hour may have ended between the two: then there are two, once. */
    if (strcmp(names[0], names[1]) != 0) {
        assert_int_equal(strtoull(strrchr(names[1], '.') + 1, NULL, 16) -
                             strtoull(strrchr(names[0], '.') + 1, NULL, 16),
                         1);
    }
    plimsoll_events_free(&other);
}

static void a_conflict_of_what_one_replica_tells_is_a_failure(void **state)
{
    struct world *world = *state;
    recorded_give(world->api, "409 Conflict", "{\"message\":\"already exists\"}");
    assert_int_equal(tell(world, &waits, 1000), -1);
    assert_int_equal(world->err.kind, PLIMSOLL_ERR_CONFLICT);
}

static void a_long_note_is_cut_between_two_characters(void **state)
{
    struct world *world = *state;
    char note[PLIMSOLL_EVENT_NOTE_BYTES_MAX + 64];
    struct plimsoll_event event = waits;
    event.note = note;
    recorded_give(world->api, "201 Created", "{}");
    /* A two-byte character ends before, across and behind the limit, then a four-byte one. */
    static const char *const characters[] = {"\xC3\xA4", "\xF0\x9F\x9A\xA2"};
    size_t asked = 0;
    for (size_t kind = 0; kind < 2; kind++) {
        size_t width = strlen(characters[kind]);
        for (size_t before = 0; before <= width; before++, asked++) {
            size_t start = PLIMSOLL_EVENT_NOTE_BYTES_MAX - before;
            memset(note, 'x', sizeof note);
            memcpy(note + start, characters[kind], width);
            note[sizeof note - 1] = '\0';
            char uid[3] = {(char)('a' + kind), (char)('a' + before), '\0'};
            event.uid = uid;
            tell_well(world, &event, 0);
            json_auto_t *object = body(world, asked);
            size_t expected =
                before == width || before == 0 ? PLIMSOLL_EVENT_NOTE_BYTES_MAX : start;
            assert_int_equal(strlen(string_at(object, "note")), expected);
            assert_memory_equal(string_at(object, "note"), note, expected);
        }
    }
}

static void a_note_within_the_limit_is_whole(void **state)
{
    struct world *world = *state;
    char note[PLIMSOLL_EVENT_NOTE_BYTES_MAX + 1];
    memset(note, 'x', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    struct plimsoll_event event = waits;
    event.note = note;
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &event, 0);
    json_auto_t *object = body(world, 0);
    assert_string_equal(string_at(object, "note"), note);
}

static void a_note_that_needs_escaping_arrives_as_it_is(void **state)
{
    struct world *world = *state;
    struct plimsoll_event event = waits;
    event.note = "use \"Recreate\" or\nmaxSurge 0 \\ 100%";
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &event, 0);
    json_auto_t *object = body(world, 0);
    assert_string_equal(string_at(object, "note"), event.note);
}

static void a_long_name_leaves_room_for_its_suffix_and_stays_a_dns_name(void **state)
{
    struct world *world = *state;
    char name[PLIMSOLL_NAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memcpy(name + 230, ".-.-..", 6);
    struct plimsoll_event event = waits;
    event.name = name;
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &event, 0);
    json_auto_t *object = body(world, 0);
    const char *written = string_at(json_object_get(object, "metadata"), "name");
    assert_true(strlen(written) <= PLIMSOLL_NAME_BYTES_MAX);
    assert_int_equal(strspn(written, "x"), 230);
    assert_int_equal(written[230], '.');
    assert_true(isxdigit((unsigned char)written[231]));
    assert_string_equal(string_at(json_object_get(object, "regarding"), "name"), name);
}

static void a_long_instance_is_cut(void **state)
{
    struct world *world = *state;
    char instance[300];
    memset(instance, 'i', sizeof instance - 1);
    instance[sizeof instance - 1] = '\0';
    plimsoll_events_free(&world->events);
    world->events = plimsoll_events_new(world->api->kube, instance);
    recorded_give(world->api, "201 Created", "{}");
    tell_well(world, &waits, 0);
    json_auto_t *object = body(world, 0);
    assert_int_equal(strlen(string_at(object, "reportingInstance")), 128);
}

static void tell_of_pod(struct world *world, unsigned number, int64_t now_ms)
{
    char uid[32];
    struct plimsoll_event event = waits;
    snprintf(uid, sizeof uid, "pod-%u", number);
    event.uid = uid;
    tell_well(world, &event, now_ms);
}

static void a_storm_is_limited_and_what_is_dropped_is_counted(void **state)
{
    struct world *world = *state;
    recorded_give(world->api, "201 Created", "{}");
    unsigned number = 0;
    while (number < PLIMSOLL_EVENTS_BURST_MAX + 7) {
        tell_of_pod(world, number++, 5000);
    }
    assert_int_equal(world->api->asked, PLIMSOLL_EVENTS_BURST_MAX);
    assert_int_equal(plimsoll_events_dropped(world->events), 7);
    for (unsigned i = 0; i < PLIMSOLL_EVENTS_SECOND_MAX + 1; i++) {
        tell_of_pod(world, number++, 6000);
    }
    assert_int_equal(world->api->asked, PLIMSOLL_EVENTS_BURST_MAX + PLIMSOLL_EVENTS_SECOND_MAX);
    assert_int_equal(plimsoll_events_dropped(world->events), 8);
    /* One that was dropped is not taken as told. */
    tell_of_pod(world, PLIMSOLL_EVENTS_BURST_MAX, 7000);
    assert_int_equal(world->api->asked, PLIMSOLL_EVENTS_BURST_MAX + PLIMSOLL_EVENTS_SECOND_MAX + 1);
}

static void the_oldest_is_forgotten_first(void **state)
{
    static const int64_t apart_ms = 1000 / PLIMSOLL_EVENTS_SECOND_MAX;
    struct world *world = *state;
    struct recorded_api *api = world->api;
    recorded_give(api, "201 Created", "{}");
    for (unsigned i = 0; i <= PLIMSOLL_EVENTS_MAX; i++) {
        tell_of_pod(world, i, i * apart_ms);
        assert_int_equal(api->asked, 1);
        plimsoll_text_clear(&api->heads[0]);
        plimsoll_text_clear(&api->bodies[0]);
        api->asked = 0; /* nobody reads it */
    }
    tell_of_pod(world, 1, 1000000);
    tell_of_pod(world, 0, 1000000);
    assert_true(recorded_head_starts(api, 0, "PATCH "));
    assert_true(recorded_head_starts(api, 1, "POST "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_is_an_object_of_its_own),
        TEST(an_event_of_a_node_is_in_the_namespace_default),
        TEST(what_comes_again_soon_is_counted_and_written_later_as_a_series),
        TEST(other_words_are_another_event_but_not_sooner),
        TEST(another_reason_object_or_type_does_not_wait),
        TEST(an_event_that_the_api_server_forgot_is_begun_anew),
        TEST(a_refused_event_is_said_and_not_tried_at_once_again),
        TEST(failures_have_a_kind),
        TEST(a_conflict_with_our_own_first_try_is_success),
        TEST(what_every_replica_tells_has_one_name),
        TEST(a_conflict_of_what_one_replica_tells_is_a_failure),
        TEST(a_long_note_is_cut_between_two_characters),
        TEST(a_note_within_the_limit_is_whole),
        TEST(a_note_that_needs_escaping_arrives_as_it_is),
        TEST(a_long_name_leaves_room_for_its_suffix_and_stays_a_dns_name),
        TEST(a_long_instance_is_cut),
        TEST(a_storm_is_limited_and_what_is_dropped_is_counted),
        TEST(the_oldest_is_forgotten_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
