/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fake_api.h"

#include <jansson.h>
#include <plimsoll/kube.h>
#include <plimsoll/pod.h>

#define UID "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"

/* What the fake answers to the POST and to the GET of the pod. */
struct script {
    const char *post_status, *post_headers, *post_body;
    const char *get_status, *get_body;
    bool post_hangs_up, post_is_cut, get_hangs_up, hang_up_when_kept;
    const char *token; /* the one that is taken; NULL: any */
    atomic_uint posts, gets;
    pthread_mutex_t lock;
    struct plimsoll_text head, body; /* of the last POST */
};

struct world {
    struct fake_api api;
    struct script script;
    struct plimsoll_kube *kube;
    struct plimsoll_books_effect effect;
    struct plimsoll_claim_card card;
    struct plimsoll_text claim;
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE];
};

static void keep_post(struct script *script, const struct fake_request *request)
{
    pthread_mutex_lock(&script->lock);
    plimsoll_text_reset(&script->head);
    plimsoll_text_reset(&script->body);
    plimsoll_text_add_string(&script->head, request->head);
    plimsoll_text_add(&script->body, request->body, request->body_size);
    pthread_mutex_unlock(&script->lock);
}

static bool answer_post(struct script *script, int fd, const struct fake_request *request)
{
    keep_post(script, request);
    atomic_fetch_add(&script->posts, 1);
    if (script->post_hangs_up || (script->hang_up_when_kept && request->on_connection > 0)) {
        return false;
    }
    if (script->post_is_cut) {
        fake_send(fd, "HTTP/1.1 201 Created\r\nContent-Length: 4000\r\n\r\n{");
        return false;
    }
    if (script->token != NULL && !fake_asks(request, script->token)) {
        return fake_answer(fd, "401 Unauthorized", "", "{\"message\":\"Unauthorized\"}");
    }
    return fake_answer(fd, script->post_status, script->post_headers, script->post_body);
}

static bool answer(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (strncmp(request->head, "POST ", 5) == 0) {
        return answer_post(script, fd, request);
    }
    atomic_fetch_add(&script->gets, 1);
    return !script->get_hangs_up && fake_answer(fd, script->get_status, "", script->get_body);
}

static void make_effect(struct world *world)
{
    struct plimsoll_books_effect *effect = &world->effect;
    world->card = (struct plimsoll_claim_card){.id = "GPU-0", .vram = 1024, .idle = 5};
    *effect = (struct plimsoll_books_effect){.kind = PLIMSOLL_BOOKS_POST};
    strcpy(effect->request.pod, "ollama-0");
    strcpy(effect->request.namespace_, "ai");
    strcpy(effect->request.node, "gpu0");
    strcpy(effect->request.uid.text, UID);
    strcpy(effect->claim.pod.text, UID);
    strcpy(effect->claim.node, "gpu0");
    effect->claim.card_count = 1;
    effect->claim.cards = &world->card;
    world->claim = plimsoll_text_make(4096);
    plimsoll_claim_write(&effect->claim, &world->claim);
}

static void open_kube_with(struct world *world, const char *more, const char *user)
{
    struct plimsoll_error err = {0};
    char *file = fake_kubeconfig(&world->api, more, user);
    struct plimsoll_kube_options options = {.kubeconfig = file};
    if (plimsoll_kube_new(&options, &world->kube, &err) < 0) {
        fail_msg("%s", err.message);
    }
    unlink(file);
    free(file);
}

static void open_kube(struct world *world, const char *user)
{
    open_kube_with(world, "", user);
}

static int setup(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    pthread_mutex_init(&world->script.lock, NULL);
    world->script.head = plimsoll_text_make(1u << 16);
    world->script.body = plimsoll_text_make(1u << 16);
    world->script.post_status = "201 Created";
    world->script.post_headers = "Content-Type: application/json\r\n";
    world->script.post_body = "{\"kind\":\"Status\",\"status\":\"Success\",\"code\":201}";
    make_effect(world);
    fake_start(&world->api, answer, &world->script);
    open_kube(world, "{token: secret}");
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    plimsoll_kube_free(&world->kube);
    fake_stop(&world->api);
    plimsoll_text_clear(&world->script.head);
    plimsoll_text_clear(&world->script.body);
    plimsoll_text_clear(&world->claim);
    pthread_mutex_destroy(&world->script.lock);
    free(world);
    return 0;
}

static enum plimsoll_bind_reply bind_pod(struct world *world)
{
    return plimsoll_kube_bind(world->kube, &world->effect, world->message);
}

static void set_post(struct world *world, const char *status, const char *body)
{
    world->script.post_status = status;
    world->script.post_body = body;
}

/* The pod that the GET shows. */
static char *pod_json(const char *uid, const char *node, const char *claim)
{
    json_auto_t *pod =
        json_pack("{s:{s:s, s:{s:s*}}, s:{s:s*}}", "metadata", "uid", uid, "annotations",
                  PLIMSOLL_ANNOTATION_CLAIM, claim, "spec", "nodeName", node);
    assert_non_null(pod);
    return json_dumps(pod, 0);
}

static void a_binding_carries_the_claim_and_the_device_lists(void **state)
{
    struct world *world = *state;
    world->effect.visible[0] = plimsoll_copy("GPU-0", 5);
    world->effect.visible[1] = plimsoll_copy("void", 4);
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    free(world->effect.visible[0]);
    free(world->effect.visible[1]);

    assert_non_null(strstr(world->script.head.data,
                           "POST /api/v1/namespaces/ai/pods/ollama-0/binding?timeout=4s HTTP/1.1"));
    assert_non_null(strstr(world->script.head.data, "Authorization: Bearer secret\r\n"));
    assert_non_null(strstr(world->script.head.data, "Content-Type: application/json\r\n"));
    assert_null(strstr(world->script.head.data, "Expect:"));
    json_auto_t *body = json_loads(world->script.body.data, JSON_REJECT_DUPLICATES, NULL);
    json_auto_t *expected = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:s, s:{s:s, s:s, s:s}}, s:{s:s, s:s, s:s}}", "apiVersion", "v1",
        "kind", "Binding", "metadata", "name", "ollama-0", "namespace", "ai", "uid", UID,
        "annotations", "plimsoll.dev/claim", world->claim.data, "plimsoll.dev/visible-devices",
        "GPU-0", "plimsoll.dev/visible-devices.1", "void", "target", "apiVersion", "v1", "kind",
        "Node", "name", "gpu0");
    assert_non_null(expected);
    assert_true(json_equal(body, expected));
}

static void a_pod_without_a_gpu_gets_a_plain_binding(void **state)
{
    struct world *world = *state;
    world->effect.claim = (struct plimsoll_claim){0};
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    json_auto_t *body = json_loads(world->script.body.data, 0, NULL);
    assert_null(json_object_get(json_object_get(body, "metadata"), "annotations"));
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(body, "metadata"), "uid")), UID);
}

static void names_cannot_leave_their_place_in_the_path(void **state)
{
    struct world *world = *state;
    strcpy(world->effect.request.pod, "../x?y#z\r\nA: b");
    bind_pod(world);
    assert_non_null(
        strstr(world->script.head.data, "/pods/..%2Fx%3Fy%23z%0D%0AA%3A%20b/binding?timeout=4s "));
}

static void definitive_refusals_are_refused_with_what_the_server_said(void **state)
{
    static const char *const statuses[] = {"400 Bad Request", "403 Forbidden", "404 Not Found",
                                           "413 Too Large", "422 Unprocessable Entity"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        set_post(world, statuses[i], "{\"kind\":\"Status\",\"message\":\"no, because\"}");
        assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_REFUSED);
        assert_string_equal(world->message, "no, because");
    }
    assert_int_equal(atomic_load(&world->script.gets), 0);
}

static void a_429_in_plain_text_is_refused(void **state)
{
    struct world *world = *state;
    world->script.post_headers = "Content-Type: text/plain; charset=utf-8\r\nRetry-After: 7\r\n";
    set_post(world, "429 Too Many Requests", "Too many requests, please try again later.\n");
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_REFUSED);
    assert_string_equal(world->message, "Too many requests, please try again later.");
}

static void what_may_have_been_written_is_unknown(void **state)
{
    static const char *const statuses[] = {"408 Request Timeout", "500 Internal Server Error",
                                           "502 Bad Gateway",     "503 Service Unavailable",
                                           "504 Gateway Timeout", "302 Found"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        set_post(world, statuses[i], "<html>\x01 busy</html>");
        assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_UNKNOWN);
        assert_string_equal(world->message, "<html>? busy</html>");
    }
}

static void a_lost_reply_is_unknown(void **state)
{
    struct world *world = *state;
    world->script.post_hangs_up = true;
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_UNKNOWN);
    assert_int_not_equal(world->message[0], '\0');
}

static void a_reply_cut_short_is_unknown(void **state)
{
    struct world *world = *state;
    world->script.post_is_cut = true;
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_UNKNOWN);
}

static void a_server_that_is_not_there_has_refused(void **state)
{
    struct world *world = *state;
    struct fake_api gone;
    struct script script = {0};
    fake_start(&gone, answer, &script);
    fake_stop(&gone);
    unsigned port = world->api.port;
    plimsoll_kube_free(&world->kube);
    world->api.port = gone.port;
    open_kube(world, "{token: secret}");
    world->api.port = port;
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_REFUSED);
    assert_int_not_equal(world->message[0], '\0');
}

static void a_conflict_is_certain_of_this_binding_only(void **state)
{
    struct world *world = *state;
    set_post(world, "409 Conflict",
             "{\"kind\":\"Status\",\"message\":\"pod ollama-0 is already assigned to node\"}");
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_CONFLICT);
    assert_string_equal(world->message, "pod ollama-0 is already assigned to node");
    assert_int_equal(atomic_load(&world->script.gets), 0);
}

static void a_connection_is_used_again_and_one_that_died_is_tried_anew(void **state)
{
    struct world *world = *state;
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    assert_int_equal(world->api.connection_count, 1);
    /* The kept connection takes the request and dies; the second try is refused: the first one may
     * still be written. */
    world->script.hang_up_when_kept = true;
    set_post(world, "403 Forbidden", "{}");
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_UNKNOWN);
    assert_int_equal(atomic_load(&world->script.posts), 4);
}

static void a_token_that_rotated_is_read_again_on_401(void **state)
{
    struct world *world = *state;
    char user[128], name[] = "/tmp/plimsoll-token-XXXXXX";
    int fd = mkstemp(name);
    assert_int_equal(write(fd, "  old\n", 6), 6);
    snprintf(user, sizeof user, "{token: never, tokenFile: %s}", name);
    plimsoll_kube_free(&world->kube);
    open_kube(world, user);
    world->script.token = "Bearer old\r\n";
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    world->script.token = "Bearer new\r\n";
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_REFUSED);
    assert_string_equal(world->message, "Unauthorized");
    assert_int_equal(pwrite(fd, "  new\n", 6, 0), 6);
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    /* A kubelet in the middle of replacing it. */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    close(fd);
    unlink(name);
}

static void a_name_for_tls_changes_neither_where_we_go_nor_whom_we_ask(void **state)
{
    struct world *world = *state;
    char host[64];
    plimsoll_kube_free(&world->kube);
    open_kube_with(world, ", tls-server-name: kubernetes.example", "{token: secret}");
    assert_int_equal(bind_pod(world), PLIMSOLL_REPLY_BOUND);
    snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", world->api.port);
    assert_non_null(strstr(world->script.head.data, host));
    assert_null(strstr(world->script.head.data, "kubernetes.example"));
}

static void the_environments_proxy_is_not_for_loopback(void **state)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_int_equal(bind_pod(*state), PLIMSOLL_REPLY_BOUND);
    unsetenv("http_proxy");
}

static void a_pod_is_read_as_it_is_or_not_at_all(void **state)
{
    static const struct {
        const char *status, *body;
        enum plimsoll_error_kind kind;
    } cases[] = {
        {"404 Not Found", "{\"message\":\"pods 'ollama-0' not found\"}", PLIMSOLL_ERR_NOT_FOUND},
        {"403 Forbidden", "{}", PLIMSOLL_ERR_DENIED},
        {"503 Busy", "busy", PLIMSOLL_ERR_UNAVAILABLE},
        {"200 OK", "{\"metadata\":{\"uid\":\"other\"}}", PLIMSOLL_ERR_CONFLICT},
        {"200 OK", "{\"metadata\":{\"uid\":\"\"}}", PLIMSOLL_ERR_INVALID},
        {"200 OK", "{\"metadata\":{\"uid\":7}}", PLIMSOLL_ERR_INVALID},
        {"200 OK", "[]", PLIMSOLL_ERR_INVALID},
        {"200 OK", "{\"metadata\":", PLIMSOLL_ERR_INVALID},
        {"200 OK", "", PLIMSOLL_ERR_INVALID},
    };
    struct world *world = *state;
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_error err = {0};
        world->script.get_status = cases[i].status;
        world->script.get_body = cases[i].body;
        assert_int_equal(plimsoll_kube_read_pod(world->kube, &world->effect.request, &object, &err),
                         -1);
        assert_int_equal(err.kind, cases[i].kind);
        assert_non_null(strstr(err.message, "pod ai/ollama-0 "));
        assert_int_equal(object.size, 0);
    }
    struct plimsoll_error err = {0};
    plimsoll_autofree char *pod = pod_json(UID, NULL, NULL);
    world->script.get_body = pod;
    assert_int_equal(plimsoll_kube_read_pod(world->kube, &world->effect.request, &object, &err), 0);
    assert_string_equal(object.data, pod);
}

static void *bind_many(void *context)
{
    struct world *world = context;
    struct plimsoll_books_effect effect = world->effect;
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE];
    uintptr_t bound = 0;
    for (int i = 0; i < 25; i++) {
        bound += plimsoll_kube_bind(world->kube, &effect, message) == PLIMSOLL_REPLY_BOUND;
    }
    return (void *)bound;
}

static void several_threads_bind_at_once(void **state)
{
    struct world *world = *state;
    pthread_t threads[6];
    uintptr_t bound = 0;
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, bind_many, world), 0);
    }
    for (size_t i = 0; i < 6; i++) {
        void *result;
        pthread_join(threads[i], &result);
        bound += (uintptr_t)result;
    }
    assert_int_equal(bound, 150);
    assert_int_equal(atomic_load(&world->script.posts), 150);
    assert_true(world->api.connection_count <= 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_binding_carries_the_claim_and_the_device_lists),
        TEST(a_pod_without_a_gpu_gets_a_plain_binding),
        TEST(names_cannot_leave_their_place_in_the_path),
        TEST(definitive_refusals_are_refused_with_what_the_server_said),
        TEST(a_429_in_plain_text_is_refused),
        TEST(what_may_have_been_written_is_unknown),
        TEST(a_lost_reply_is_unknown),
        TEST(a_reply_cut_short_is_unknown),
        TEST(a_server_that_is_not_there_has_refused),
        TEST(a_conflict_is_certain_of_this_binding_only),
        TEST(a_connection_is_used_again_and_one_that_died_is_tried_anew),
        TEST(a_token_that_rotated_is_read_again_on_401),
        TEST(a_name_for_tls_changes_neither_where_we_go_nor_whom_we_ask),
        TEST(the_environments_proxy_is_not_for_loopback),
        TEST(a_pod_is_read_as_it_is_or_not_at_all),
        TEST(several_threads_bind_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
