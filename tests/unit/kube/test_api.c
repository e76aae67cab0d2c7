/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fake_api.h"

#include <plimsoll/api.h>
#include <plimsoll/kube.h>
#include <plimsoll/limits.h>

/* What the fake answers, and what it was asked. */
struct script {
    const char *status, *headers, *body;
    const char *token; /* the one that is taken; NULL: any */
    atomic_bool hangs_up, hang_up_when_kept, is_cut, never_answers;
    atomic_uint requests;
    atomic_bool stopping;
    pthread_mutex_t lock;
    struct plimsoll_text head, sent; /* of the last request */
};

struct world {
    struct fake_api api;
    struct script script;
    struct plimsoll_kube *kube;
    struct plimsoll_api_answer answer;
};

static void keep(struct script *script, const struct fake_request *request)
{
    pthread_mutex_lock(&script->lock);
    plimsoll_text_reset(&script->head);
    plimsoll_text_reset(&script->sent);
    plimsoll_text_add_string(&script->head, request->head);
    plimsoll_text_add(&script->sent, request->body, request->body_size);
    pthread_mutex_unlock(&script->lock);
    atomic_fetch_add(&script->requests, 1);
}

static bool has_stopped(void *context)
{
    return atomic_load((atomic_bool *)context);
}

static bool answer(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    keep(script, request);
    if (script->hangs_up || (script->hang_up_when_kept && request->on_connection > 0)) {
        return false;
    }
    if (script->never_answers) {
        (void)fake_wait(has_stopped, &script->stopping);
        return false;
    }
    if (script->is_cut) {
        fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n{");
        return false;
    }
    if (script->token != NULL && !fake_asks(request, script->token)) {
        return fake_answer(fd, "401 Unauthorized", "", "{\"message\":\"Unauthorized\"}");
    }
    return fake_answer(fd, script->status, script->headers, script->body);
}

static void open_kube(struct world *world, const char *user)
{
    struct plimsoll_error err = {0};
    plimsoll_autofree char *file = fake_kubeconfig(&world->api, "", user);
    struct plimsoll_kube_options options = {.kubeconfig = file};
    plimsoll_kube_free(&world->kube);
    if (plimsoll_kube_new(&options, &world->kube, &err) < 0) {
        fail_msg("%s", err.message);
    }
    unlink(file);
}

static int setup(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    pthread_mutex_init(&world->script.lock, NULL);
    world->script.head = plimsoll_text_make(1u << 16);
    world->script.sent = plimsoll_text_make(1u << 16);
    world->script.status = "200 OK";
    world->script.headers = "Content-Type: application/json\r\n";
    world->script.body = "{\"kind\":\"Node\"}";
    fake_start(&world->api, answer, &world->script);
    open_kube(world, "{token: secret}");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    plimsoll_api_answer_clear(&world->answer);
    plimsoll_kube_free(&world->kube);
    atomic_store(&world->script.stopping, true);
    fake_stop(&world->api);
    plimsoll_text_clear(&world->script.head);
    plimsoll_text_clear(&world->script.sent);
    pthread_mutex_destroy(&world->script.lock);
    free(world);
    return 0;
}

/* The answer of the last call stays until the next, or the end. */
static const struct plimsoll_api_answer *call(struct world *world,
                                              const struct plimsoll_api_request *request)
{
    plimsoll_api_answer_clear(&world->answer);
    world->answer = plimsoll_api_call(world->kube, request);
    return &world->answer;
}

static const struct plimsoll_api_answer *get(struct world *world)
{
    return call(world, &(struct plimsoll_api_request){.path = "/api/v1/nodes/gpu0"});
}

static const struct plimsoll_api_answer *patch(struct world *world)
{
    return call(world,
                &(struct plimsoll_api_request){.method = "PATCH",
                                               .path = "/api/v1/nodes/gpu0",
                                               .content_type = PLIMSOLL_API_MERGE_PATCH,
                                               .body = plimsoll_span_of("{\"metadata\":{}}")});
}

static void assert_asked(struct world *world, const char *line)
{
    if (strstr(world->script.head.data, line) == NULL) {
        fail_msg("'%s' is not in:\n%s", line, world->script.head.data);
    }
}

static void each_method_arrives_with_its_content_type_and_body(void **state)
{
    static const struct {
        const char *method, *type, *body;
    } cases[] = {
        {"POST", NULL, "{\"kind\":\"Event\"}"},
        {"PUT", PLIMSOLL_API_JSON, "{\"kind\":\"Lease\"}"},
        {"PATCH", PLIMSOLL_API_MERGE_PATCH, "{\"metadata\":{}}"},
        {"PATCH", PLIMSOLL_API_APPLY_PATCH, "kind: Secret\n"},
        {"DELETE", NULL, "{\"preconditions\":{}}"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[128];
        struct plimsoll_api_request request = {.method = cases[i].method,
                                               .path = "/api/v1/x?dryRun=All",
                                               .content_type = cases[i].type,
                                               .body = plimsoll_span_of(cases[i].body)};
        assert_int_equal(call(world, &request)->status, 200);
        snprintf(line, sizeof line, "%s /api/v1/x?dryRun=All HTTP/1.1\r\n", cases[i].method);
        assert_asked(world, line);
        snprintf(line, sizeof line, "Content-Type: %s\r\n",
                 cases[i].type != NULL ? cases[i].type : "application/json");
        assert_asked(world, line);
        assert_string_equal(world->script.sent.data, cases[i].body);
        assert_null(strstr(world->script.head.data, "Expect:"));
    }
}

static void what_has_no_body_says_no_content_type(void **state)
{
    struct world *world = *state;
    assert_int_equal(get(world)->status, 200);
    assert_asked(world, "GET /api/v1/nodes/gpu0 HTTP/1.1\r\n");
    assert_asked(world, "Authorization: Bearer secret\r\n");
    assert_null(strstr(world->script.head.data, "Content-Type:"));
    call(world, &(struct plimsoll_api_request){.method = "DELETE", .path = "/api/v1/x"});
    assert_asked(world, "DELETE /api/v1/x HTTP/1.1\r\n");
    assert_null(strstr(world->script.head.data, "Content-Type:"));
}

static void metadata_alone_can_be_asked_for(void **state)
{
    struct world *world = *state;
    struct plimsoll_api_request request = {.path = "/x", .accept = PLIMSOLL_API_METADATA};
    assert_int_equal(get(world)->status, 200);
    assert_asked(world, "\r\nAccept: application/json\r\n");
    assert_int_equal(call(world, &request)->status, 200);
    assert_asked(world, "\r\nAccept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
                        "application/json\r\n");
}

static void a_success_is_its_body_and_no_message(void **state)
{
    struct world *world = *state;
    const struct plimsoll_api_answer *got = patch(world);
    assert_true(plimsoll_api_ok(got));
    assert_string_equal(got->body.data, "{\"kind\":\"Node\"}");
    assert_string_equal(got->message, "");
    assert_true(got->sent);
    assert_false(got->twice);
    assert_int_equal(got->retry_after_ms, 0);
}

static void a_refusal_says_what_the_server_said_and_when_to_come_again(void **state)
{
    struct world *world = *state;
    world->script.status = "429 Too Many Requests";
    world->script.headers = "Content-Type: text/plain; charset=utf-8\r\nRetry-After: 7\r\n";
    world->script.body = "Too many requests, please try again later.\n";
    const struct plimsoll_api_answer *got = patch(world);
    assert_int_equal(got->status, 429);
    assert_false(plimsoll_api_ok(got));
    assert_int_equal(got->retry_after_ms, 7000);
    assert_string_equal(got->message, "Too many requests, please try again later.");

    world->script.status = "409 Conflict";
    world->script.headers = "";
    world->script.body = "{\"kind\":\"Status\",\"message\":\"the object\\nhas been modified\"}";
    got = patch(world);
    assert_int_equal(got->status, 409);
    assert_int_equal(got->retry_after_ms, 0);
    assert_string_equal(got->message, "the object?has been modified");
}

static void nobody_can_make_us_wait_longer_than_a_minute(void **state)
{
    struct world *world = *state;
    world->script.status = "503 Busy";
    world->script.headers = "Retry-After: 86400\r\n";
    assert_int_equal(get(world)->retry_after_ms, 60000);
    world->script.headers = "Retry-After: 99999999999999999999999999\r\n";
    assert_in_range(get(world)->retry_after_ms, 0, 60000);
}

static void when_to_come_again_may_be_a_date(void **state)
{
    struct world *world = *state;
    world->script.status = "503 Busy";
    world->script.headers = "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n";
    assert_int_equal(get(world)->retry_after_ms, 60000);
    world->script.headers = "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n";
    assert_int_equal(get(world)->retry_after_ms, 0);
}

static void what_is_no_time_to_come_again_is_none(void **state)
{
    struct world *world = *state;
    world->script.status = "503 Busy";
    static const char *const none[] = {"Retry-After: soon\r\n", "Retry-After: -5\r\n",
                                       "Retry-After: \r\n"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        world->script.headers = none[i];
        assert_int_equal(get(world)->retry_after_ms, 0);
    }
}

static void a_body_longer_than_wanted_is_said_to_be(void **state)
{
    struct world *world = *state;
    struct plimsoll_api_request request = {.path = "/x", .answer_bytes_max = 4};
    assert_int_equal(call(world, &request)->status, 200);
    assert_true(world->answer.body.overflowed);
    assert_true(world->answer.body.size <= 4);
}

static void a_lost_answer_may_have_been_written(void **state)
{
    struct world *world = *state;
    world->script.hangs_up = true;
    const struct plimsoll_api_answer *got = patch(world);
    assert_int_equal(got->status, 0);
    assert_true(got->sent);
    assert_int_not_equal(got->message[0], '\0');

    world->script.hangs_up = false;
    world->script.is_cut = true;
    got = patch(world);
    assert_int_equal(got->status, 0);
    assert_true(got->sent);
}

static void an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer(void **state)
{
    struct world *world = *state;
    world->script.never_answers = true;
    struct plimsoll_api_request request = {.path = "/x", .timeout_ms = 50};
    assert_int_equal(call(world, &request)->status, 0);
    assert_true(world->answer.sent);
    assert_int_not_equal(world->answer.message[0], '\0');
}

static void a_server_that_is_not_there_was_sent_nothing(void **state)
{
    struct world *world = *state;
    struct fake_api gone;
    struct script script = {0};
    fake_start(&gone, answer, &script);
    fake_stop(&gone);
    unsigned port = world->api.port;
    world->api.port = gone.port;
    open_kube(world, "{token: secret}");
    world->api.port = port;
    const struct plimsoll_api_answer *got = patch(world);
    assert_int_equal(got->status, 0);
    assert_false(got->sent);
    assert_int_not_equal(got->message[0], '\0');
}

static void a_kept_connection_that_died_makes_it_twice(void **state)
{
    struct world *world = *state;
    assert_false(patch(world)->twice);
    world->script.hang_up_when_kept = true;
    assert_int_equal(patch(world)->status, 200);
    assert_true(world->answer.twice);
    assert_int_equal(atomic_load(&world->script.requests), 3);
    assert_int_equal(world->api.connection_count, 2);
}

static void a_token_that_rotated_is_read_again_and_tried_once(void **state)
{
    struct world *world = *state;
    char user[128], name[] = "/tmp/plimsoll-token-XXXXXX";
    int fd = mkstemp(name);
    assert_int_equal(write(fd, "old\n", 4), 4);
    snprintf(user, sizeof user, "{tokenFile: %s}", name);
    open_kube(world, user);
    world->script.token = "Bearer new\r\n";
    assert_int_equal(get(world)->status, 401);
    assert_int_equal(atomic_load(&world->script.requests), 2);
    assert_string_equal(world->answer.message, "Unauthorized");
    assert_int_equal(pwrite(fd, "new\n", 4, 0), 4);
    assert_int_equal(get(world)->status, 200);
    close(fd);
    unlink(name);
}

static void what_is_escaped_stays_in_its_place(void **state)
{
    (void)state;
    plimsoll_autotext path = plimsoll_text_make(256);
    plimsoll_text_add_string(&path, "/api/v1/nodes/");
    plimsoll_api_add_escaped(&path, "../x?y#z\r\nA: b");
    assert_string_equal(path.data, "/api/v1/nodes/..%2Fx%3Fy%23z%0D%0AA%3A%20b");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_method_arrives_with_its_content_type_and_body),
        TEST(what_has_no_body_says_no_content_type),
        TEST(metadata_alone_can_be_asked_for),
        TEST(a_success_is_its_body_and_no_message),
        TEST(a_refusal_says_what_the_server_said_and_when_to_come_again),
        TEST(nobody_can_make_us_wait_longer_than_a_minute),
        TEST(when_to_come_again_may_be_a_date),
        TEST(what_is_no_time_to_come_again_is_none),
        TEST(a_body_longer_than_wanted_is_said_to_be),
        TEST(a_lost_answer_may_have_been_written),
        TEST(an_answer_that_does_not_come_is_waited_for_so_long_and_no_longer),
        TEST(a_server_that_is_not_there_was_sent_nothing),
        TEST(a_kept_connection_that_died_makes_it_twice),
        TEST(a_token_that_rotated_is_read_again_and_tried_once),
        TEST(what_is_escaped_stays_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
