/* SPDX-License-Identifier: Apache-2.0 */
/* What the books have the API server do beside binding: the Lease, waking, node capacity. */
#include "unit.h"

#include "recorded_api.h"

#include <plimsoll/clock.h>
#include <plimsoll/kube.h>

#include <jansson.h>

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/gpu%20things/leases"

static const char held[] = "{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":\"41\"},"
                           "\"spec\":{\"holderIdentity\":\"other\",\"leaseDurationSeconds\":15,"
                           "\"leaseTransitions\":3,\"renewTime\":\"2026-11-22T05:10:00.000000Z\"}}";
static const char given_up[] = "{\"kind\":\"Lease\",\"metadata\":{\"resourceVersion\":\"42\"},"
                               "\"spec\":{\"leaseDurationSeconds\":1,\"leaseTransitions\":3}}";

static const struct plimsoll_lease wanted = {
    .exists = true, .holder = "me", .version = "41", .duration_s = 15, .transitions = 4};

static const struct plimsoll_bind_request pod = {
    .pod = "llm 0", .namespace_ = "te/am", .uid = {"5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"}};

static json_t *body(const struct recorded_api *api, size_t number)
{
    json_t *object = json_loadb(api->bodies[number].data, api->bodies[number].size,
                                JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static const char *string_at(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    assert_non_null(string);
    return string;
}

/* -- the Lease -----------------------------------------------------------------------------------
 */

static enum plimsoll_lease_reply read_lease(struct recorded_api *api, struct plimsoll_lease *lease,
                                            char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    return plimsoll_kube_read_lease(api->kube, "gpu things", lease, message);
}

static enum plimsoll_lease_reply write_lease(struct recorded_api *api,
                                             const struct plimsoll_lease *lease,
                                             struct plimsoll_lease *written)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    return plimsoll_kube_write_lease(api->kube, "gpu things", lease, written, message);
}

static void a_lease_is_read_with_holder_version_and_counts(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease lease = {0};
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    recorded_give(api, "200 OK", held);
    assert_int_equal(read_lease(api, &lease, message), PLIMSOLL_LEASE_DONE);
    assert_true(recorded_head_starts(api, 0, "GET " LEASES "/plimsoll-books HTTP"));
    assert_true(lease.exists);
    assert_string_equal(lease.holder, "other");
    assert_string_equal(lease.version, "41");
    assert_int_equal(lease.duration_s, 15);
    assert_int_equal(lease.transitions, 3);
}

static void a_lease_without_holder_is_nobodys(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease lease = {.holder = "before"};
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    recorded_give(api, "200 OK", given_up);
    assert_int_equal(read_lease(api, &lease, message), PLIMSOLL_LEASE_DONE);
    assert_true(lease.exists);
    assert_string_equal(lease.holder, "");
}

static void a_lease_that_is_not_there_is_read_as_that(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease lease = wanted;
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    recorded_give(api, "404 Not Found", "{\"message\":\"leases not found\"}");
    assert_int_equal(read_lease(api, &lease, message), PLIMSOLL_LEASE_DONE);
    assert_false(lease.exists);
    assert_string_equal(lease.holder, "");
}

static void what_is_no_lease_of_ours_is_a_failure_and_changes_nothing(void **state)
{
    static const struct recorded_answer answers[] = {
        {"403 Forbidden", "{\"message\":\"not for you\"}"},
        {"500 Internal Server Error", ""},
        {"429 Too Many Requests", "later"},
        {"200 OK", ""},
        {"200 OK", "{"},
        {"200 OK", "[]"},
        {"200 OK", "{\"spec\":{\"holderIdentity\":\"me\"}}"},
        {"200 OK", "{\"metadata\":{\"resourceVersion\":7}}"},
    };
    struct recorded_api *api = *state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        recorded_give(api, answers[i].status, answers[i].body);
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct plimsoll_lease lease = wanted;
        char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
        assert_int_equal(read_lease(api, &lease, message), PLIMSOLL_LEASE_FAILED);
        assert_memory_equal(&lease, &wanted, sizeof lease);
        assert_true(message[0] != '\0');
    }
}

/* Reads a Lease whose holder and version are so long. */
static enum plimsoll_lease_reply read_with(struct recorded_api *api, size_t holder, size_t version)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    struct plimsoll_lease lease;
    char *text = plimsoll_alloc(1024, 1);
    char filling[PLIMSOLL_HOLDER_SIZE + 1];
    memset(filling, 'x', sizeof filling);
    snprintf(text, 1024,
             "{\"metadata\":{\"resourceVersion\":\"%.*s\"},\"spec\":{\"holderIdentity\":\"%.*s\"}}",
             (int)version, filling, (int)holder, filling);
    api->answer_count = 0;
    recorded_give(api, "200 OK", text);
    enum plimsoll_lease_reply reply = read_lease(api, &lease, message);
    free(text);
    return reply;
}

static void names_that_are_too_long_are_a_failure(void **state)
{
    struct recorded_api *api = *state;
    assert_int_equal(read_with(api, PLIMSOLL_HOLDER_SIZE - 1, PLIMSOLL_VERSION_SIZE - 1),
                     PLIMSOLL_LEASE_DONE);
    assert_int_equal(read_with(api, PLIMSOLL_HOLDER_SIZE, 1), PLIMSOLL_LEASE_FAILED);
    assert_int_equal(read_with(api, 1, PLIMSOLL_VERSION_SIZE), PLIMSOLL_LEASE_FAILED);
}

static void assert_micro_time(const char *time)
{
    struct plimsoll_error err = {0};
    int64_t unix_ms;
    assert_int_equal(strlen(time), strlen("2026-11-22T05:10:00.000000Z"));
    assert_int_equal(time[19], '.');
    assert_int_equal(plimsoll_time_parse(plimsoll_span_of(time), &unix_ms, &err), 0);
}

static void a_lease_is_written_only_over_the_version_that_was_read(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease written = {0};
    recorded_give(api, "200 OK", held);
    assert_int_equal(write_lease(api, &wanted, &written), PLIMSOLL_LEASE_DONE);
    assert_true(recorded_head_starts(api, 0, "PUT " LEASES "/plimsoll-books HTTP"));
    json_auto_t *object = body(api, 0);
    const json_t *metadata = json_object_get(object, "metadata");
    const json_t *spec = json_object_get(object, "spec");
    assert_string_equal(string_at(object, "kind"), "Lease");
    assert_string_equal(string_at(metadata, "name"), "plimsoll-books");
    assert_string_equal(string_at(metadata, "namespace"), "gpu things");
    assert_string_equal(string_at(metadata, "resourceVersion"), "41");
    assert_string_equal(string_at(spec, "holderIdentity"), "me");
    assert_int_equal(json_integer_value(json_object_get(spec, "leaseDurationSeconds")), 15);
    assert_int_equal(json_integer_value(json_object_get(spec, "leaseTransitions")), 4);
    assert_micro_time(string_at(spec, "renewTime"));
    assert_micro_time(string_at(spec, "acquireTime"));
    assert_string_equal(written.holder, "other"); /* what the API server says it has */
    assert_string_equal(written.version, "41");
}

static void a_lease_that_does_not_exist_is_made(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease new = wanted, written = {0};
    new.exists = false;
    recorded_give(api, "201 Created", held);
    assert_int_equal(write_lease(api, &new, &written), PLIMSOLL_LEASE_DONE);
    assert_true(recorded_head_starts(api, 0, "POST " LEASES " HTTP"));
    json_auto_t *object = body(api, 0);
    assert_null(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));
    assert_true(written.exists);
}

static void a_lease_that_somebody_else_wrote_first_is_changed(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease written = wanted;
    recorded_give(api, "409 Conflict", "{\"message\":\"the object has been modified\"}");
    assert_int_equal(write_lease(api, &wanted, &written), PLIMSOLL_LEASE_CHANGED);
    assert_memory_equal(&written, &wanted, sizeof written);
}

/* A first try on a kept connection that died may have been written: 409 may be our own doing. */
static void a_conflict_after_a_lost_try_says_nothing(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_lease written = wanted;
    recorded_give(api, "200 OK", held);
    recorded_give(api, "200 OK", held);
    recorded_give(api, "409 Conflict", "{\"message\":\"the object has been modified\"}");
    assert_int_equal(write_lease(api, &wanted, &written), PLIMSOLL_LEASE_DONE);
    api->dies_when_kept = true;
    assert_int_equal(write_lease(api, &wanted, &written), PLIMSOLL_LEASE_FAILED);
    assert_int_equal(api->asked, 3);
}

static void a_lease_that_cannot_be_written_is_a_failure(void **state)
{
    static const char *const statuses[] = {"403 Forbidden", "404 Not Found", "422 Unprocessable",
                                           "500 Internal Server Error"};
    struct recorded_api *api = *state;
    for (size_t i = 0; i < 4; i++) {
        struct plimsoll_lease written = wanted;
        api->answer_count = 0;
        recorded_give(api, statuses[i], "{\"message\":\"no\"}");
        assert_int_equal(write_lease(api, &wanted, &written), PLIMSOLL_LEASE_FAILED);
        assert_memory_equal(&written, &wanted, sizeof written);
    }
}

/* -- waking --------------------------------------------------------------------------------------
 */

static void waking_touches_the_one_annotation_of_the_pod_of_that_uid(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    recorded_give(api, "200 OK", "{}");
    assert_int_equal(plimsoll_kube_wake(api->kube, &pod, UINT64_MAX, &err), 0);
    assert_true(recorded_head_starts(api, 0, "PATCH /api/v1/namespaces/te%2Fam/pods/llm%200 HTTP"));
    assert_true(recorded_head_has(api, 0, "Content-Type: application/merge-patch+json\r\n"));
    json_auto_t *patch = body(api, 0);
    json_auto_t *expected = json_pack("{s:{s:s, s:{s:s}}}", "metadata", "uid", pod.uid.text,
                                      "annotations", "plimsoll.dev/woken", "18446744073709551615");
    assert_true(json_equal(patch, expected));
}

static void failing_to_wake_has_a_kind(void **state)
{
    static const struct {
        const char *status;
        enum plimsoll_error_kind kind;
    } cases[] = {
        {"401 Unauthorized", PLIMSOLL_ERR_DENIED},
        {"403 Forbidden", PLIMSOLL_ERR_DENIED},
        {"404 Not Found", PLIMSOLL_ERR_NOT_FOUND},
        {"409 Conflict", PLIMSOLL_ERR_CONFLICT},
        {"429 Too Many Requests", PLIMSOLL_ERR_UNAVAILABLE},
        {"503 Service Unavailable", PLIMSOLL_ERR_UNAVAILABLE},
    };
    struct recorded_api *api = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_error err = {0};
        api->answer_count = 0;
        recorded_give(api, cases[i].status, "{\"message\":\"no\"}");
        assert_int_equal(plimsoll_kube_wake(api->kube, &pod, 1, &err), -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_string_equal(err.message, "pod te/am/llm 0 cannot be woken: no");
    }
}

/* -- node capacity -------------------------------------------------------------------------------
 */

static void capacity_and_allocatable_are_written_in_one_patch_of_the_status(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    recorded_give(api, "200 OK", "{}");
    assert_int_equal(plimsoll_kube_set_capacity(api->kube, "dgx-3", 8589934592, &err), 0);
    assert_true(recorded_head_starts(api, 0, "PATCH /api/v1/nodes/dgx-3/status HTTP"));
    assert_true(recorded_head_has(api, 0, "Content-Type: application/merge-patch+json\r\n"));
    json_auto_t *patch = body(api, 0);
    json_auto_t *expected =
        json_pack("{s:{s:{s:s}, s:{s:s}}}", "status", "capacity", "plimsoll.dev/vram", "8589934592",
                  "allocatable", "plimsoll.dev/vram", "8589934592");
    assert_true(json_equal(patch, expected));
}

static void no_capacity_any_more_is_null_and_none_is_zero(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    recorded_give(api, "200 OK", "{}");
    assert_int_equal(plimsoll_kube_set_capacity(api->kube, "dgx-3", -1, &err), 0);
    assert_int_equal(plimsoll_kube_set_capacity(api->kube, "dgx-3", 0, &err), 0);
    json_auto_t *gone = body(api, 0), *none = body(api, 1);
    json_auto_t *expected_gone = json_pack("{s:{s:{s:n}, s:{s:n}}}", "status", "capacity",
                                           "plimsoll.dev/vram", "allocatable", "plimsoll.dev/vram");
    json_auto_t *expected_none =
        json_pack("{s:{s:{s:s}, s:{s:s}}}", "status", "capacity", "plimsoll.dev/vram", "0",
                  "allocatable", "plimsoll.dev/vram", "0");
    assert_true(json_equal(gone, expected_gone));
    assert_true(json_equal(none, expected_none));
}

static void failing_to_advertise_names_the_node(void **state)
{
    struct recorded_api *api = *state;
    struct plimsoll_error err = {0};
    recorded_give(api, "404 Not Found", "{\"message\":\"nodes not found\"}");
    assert_int_equal(plimsoll_kube_set_capacity(api->kube, "dgx-3", 1, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_string_equal(err.message, "capacity of node dgx-3 cannot be written: nodes not found");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, recorded_setup, recorded_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lease_is_read_with_holder_version_and_counts),
        TEST(a_lease_without_holder_is_nobodys),
        TEST(a_lease_that_is_not_there_is_read_as_that),
        TEST(what_is_no_lease_of_ours_is_a_failure_and_changes_nothing),
        TEST(names_that_are_too_long_are_a_failure),
        TEST(a_lease_is_written_only_over_the_version_that_was_read),
        TEST(a_lease_that_does_not_exist_is_made),
        TEST(a_lease_that_somebody_else_wrote_first_is_changed),
        TEST(a_conflict_after_a_lost_try_says_nothing),
        TEST(a_lease_that_cannot_be_written_is_a_failure),
        TEST(waking_touches_the_one_annotation_of_the_pod_of_that_uid),
        TEST(failing_to_wake_has_a_kind),
        TEST(capacity_and_allocatable_are_written_in_one_patch_of_the_status),
        TEST(no_capacity_any_more_is_null_and_none_is_zero),
        TEST(failing_to_advertise_names_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
