/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fake_api.h"
#include "picture.h"

#include <plimsoll/kube.h>

/* What the fake does, by kind of request. Pods and RuntimeClasses are empty and quiet unless a test
 * says otherwise. */
struct script {
    fake_handler_fn *list_nodes, *watch_nodes; /* context: the script */
    const char *classes_status;                /* NULL: 200 and none */
    atomic_uint node_lists, node_watches, pod_lists, refused;
    const char *token; /* NULL: any */
    pthread_mutex_t lock;
    struct plimsoll_text last_watch, last_pod_list;
};

struct world {
    struct fake_api api;
    struct script script;
    struct plimsoll_kube *kube;
    struct plimsoll_cluster *cluster;
    char *kubeconfig;
};

static void keep_head(struct script *script, struct plimsoll_text *text,
                      const struct fake_request *request)
{
    pthread_mutex_lock(&script->lock);
    plimsoll_text_reset(text);
    plimsoll_text_add_string(text, request->head);
    pthread_mutex_unlock(&script->lock);
}

static bool send_list(int fd, const char *kind, const char *version, const char *names,
                      const char *next)
{
    plimsoll_autotext body = plimsoll_text_make(1u << 20);
    plimsoll_text_add_format(&body,
                             "{\"kind\":\"%s\",\"apiVersion\":\"v1\",\"metadata\":{"
                             "\"resourceVersion\":\"%s\",\"continue\":\"%s\"},\"items\":[",
                             kind, version, next);
    for (const char *name = names; *name != '\0'; name++) {
        char text[2] = {*name, '\0'};
        plimsoll_text_add_string(&body, name > names ? "," : "");
        add_node(&body, &(struct node_words){.name = text});
    }
    plimsoll_text_add_string(&body, "]}");
    return fake_answer(fd, "200 OK", "Content-Type: application/json\r\n", body.data);
}

static void add_event(struct plimsoll_text *out, const char *type, const char *name,
                      const char *version)
{
    plimsoll_text_add_format(out, "{\"type\":\"%s\",\"object\":", type);
    add_node(out, &(struct node_words){.name = name, .version = version});
    plimsoll_text_add_string(out, "}\n");
}

static bool send_event(int fd, const char *type, const char *name, const char *version)
{
    plimsoll_autotext event = plimsoll_text_make(1u << 20);
    add_event(&event, type, name, version);
    return fake_chunk(fd, event.data);
}

static bool quiet_watch(void *context, int fd, const struct fake_request *request)
{
    (void)context, (void)request;
    fake_begin(fd);
    fake_hang(fd);
    return false;
}

static bool answer_nodes(struct script *script, int fd, const struct fake_request *request)
{
    if (fake_asks(request, "watch=1")) {
        keep_head(script, &script->last_watch, request);
        atomic_fetch_add(&script->node_watches, 1);
        return script->watch_nodes(script, fd, request);
    }
    atomic_fetch_add(&script->node_lists, 1);
    return script->list_nodes(script, fd, request);
}

static bool answer_classes(struct script *script, int fd, const struct fake_request *request)
{
    if (script->classes_status != NULL) {
        return fake_answer(fd, script->classes_status, "", "{\"message\":\"not for you\"}");
    }
    return fake_asks(request, "watch=1") ? quiet_watch(script, fd, request)
                                         : send_list(fd, "RuntimeClassList", "9", "", "");
}

static bool answer(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (script->token != NULL && !fake_asks(request, script->token)) {
        atomic_fetch_add(&script->refused, 1);
        return fake_answer(fd, "401 Unauthorized", "", "{\"message\":\"Unauthorized\"}");
    }
    if (fake_asks(request, "GET /api/v1/nodes?")) {
        return answer_nodes(script, fd, request);
    }
    if (fake_asks(request, "GET /apis/node.k8s.io/v1/runtimeclasses?")) {
        return answer_classes(script, fd, request);
    }
    if (fake_asks(request, "watch=1")) {
        return quiet_watch(context, fd, request);
    }
    keep_head(script, &script->last_pod_list, request);
    atomic_fetch_add(&script->pod_lists, 1);
    return send_list(fd, "PodList", "5", "", "");
}

static bool list_abc(void *context, int fd, const struct fake_request *request)
{
    (void)context, (void)request;
    return send_list(fd, "NodeList", "100", "abc", "");
}

static int setup(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    world->script.list_nodes = list_abc;
    world->script.watch_nodes = quiet_watch;
    world->script.last_watch = plimsoll_text_make(1u << 16);
    world->script.last_pod_list = plimsoll_text_make(1u << 16);
    pthread_mutex_init(&world->script.lock, NULL);
    world->cluster = picture_new();
    fake_start(&world->api, answer, &world->script);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    plimsoll_kube_free(&world->kube);
    fake_stop(&world->api);
    plimsoll_cluster_free(&world->cluster);
    plimsoll_text_clear(&world->script.last_watch);
    plimsoll_text_clear(&world->script.last_pod_list);
    pthread_mutex_destroy(&world->script.lock);
    if (world->kubeconfig != NULL) {
        unlink(world->kubeconfig);
    }
    free(world->kubeconfig);
    free(world);
    return 0;
}

static void start_with(struct world *world, const char *user, int64_t silence_ms_max)
{
    struct plimsoll_error err = {0};
    world->kubeconfig = fake_kubeconfig(&world->api, "", user);
    struct plimsoll_kube_options options = {.kubeconfig = world->kubeconfig,
                                            .silence_ms_max = silence_ms_max};
    if (plimsoll_kube_new(&options, &world->kube, &err) < 0 ||
        plimsoll_kube_watch(world->kube, world->cluster, &err) < 0) {
        fail_msg("%s", err.message);
    }
}

static void start(struct world *world)
{
    start_with(world, "{token: secret}", 0);
}

static bool has_node(struct world *world, const char *name)
{
    struct plimsoll_extender_node node;
    plimsoll_cluster_read_begin(world->cluster);
    bool found = plimsoll_cluster_node(world->cluster, plimsoll_span_of(name), &node);
    plimsoll_cluster_read_end(world->cluster);
    return found;
}

static bool all_synced(void *context)
{
    struct world *world = context;
    return plimsoll_cluster_synced(world->cluster, PLIMSOLL_KIND_NODES) &&
           plimsoll_cluster_synced(world->cluster, PLIMSOLL_KIND_PODS) &&
           plimsoll_cluster_synced(world->cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
}

static bool has_d(void *context)
{
    return has_node(context, "d");
}

static bool has_e(void *context)
{
    return has_node(context, "e");
}

static bool lost_a(void *context)
{
    return !has_node(context, "a");
}

static bool nodes_synced(void *context)
{
    struct world *world = context;
    return plimsoll_cluster_synced(world->cluster, PLIMSOLL_KIND_NODES);
}

static void assert_last_watch_has(struct world *world, const char *text)
{
    pthread_mutex_lock(&world->script.lock);
    bool found = strstr(world->script.last_watch.data, text) != NULL;
    pthread_mutex_unlock(&world->script.lock);
    assert_true(found);
}

/* -- tests ---------------------------------------------------------------------------------------
 */

static void all_kinds_are_listed_and_watched(void **state)
{
    struct world *world = *state;
    assert_false(all_synced(world));
    start(world);
    assert_true(fake_wait(all_synced, world));
    assert_true(has_node(world, "a") && has_node(world, "b") && has_node(world, "c"));
    pthread_mutex_lock(&world->script.lock);
    const char *head = world->script.last_pod_list.data;
    assert_non_null(strstr(head, "limit=500"));
    assert_null(strstr(head, "resourceVersion"));
    assert_non_null(
        strstr(head, "fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed"));
    assert_non_null(strstr(head, "Authorization: Bearer secret\r\n"));
    pthread_mutex_unlock(&world->script.lock);
    assert_true(plimsoll_kube_silence_ms(world->kube, PLIMSOLL_KIND_NODES) < INT64_MAX);
}

/* d, torn into chunks that end anywhere, then a bookmark; then the stream ends. */
static bool torn_watch(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (atomic_load(&script->node_watches) > 1) {
        return quiet_watch(context, fd, request);
    }
    plimsoll_autotext events = plimsoll_text_make(1u << 20);
    add_event(&events, "ADDED", "d", "101");
    plimsoll_text_add_string(&events,
                             "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Node\","
                             "\"metadata\":{\"resourceVersion\":\"1\\u0032\\u002f7\"}}}\n");
    fake_begin(fd);
    for (size_t at = 0, piece = 1; at < events.size; at += piece, piece = piece % 90 + 7) {
        char part[128] = {0};
        size_t left = events.size - at;
        memcpy(part, events.data + at, left < piece ? left : piece);
        fake_chunk(fd, part);
    }
    return fake_end(fd);
}

static bool watched_twice(void *context)
{
    struct world *world = context;
    return atomic_load(&world->script.node_watches) >= 2;
}

static void torn_chunks_are_put_together_and_the_watch_goes_on_from_the_bookmark(void **state)
{
    struct world *world = *state;
    world->script.watch_nodes = torn_watch;
    start(world);
    assert_true(fake_wait(has_d, world));
    assert_true(fake_wait(watched_twice, world));
    assert_last_watch_has(world, "resourceVersion=12%2F7");
    assert_last_watch_has(world, "allowWatchBookmarks=true");
    assert_last_watch_has(world, "timeoutSeconds=");
    assert_int_equal(atomic_load(&world->script.node_lists), 1);
}

/* Two pages; the token of the second has expired the first time. */
static bool list_in_pages(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (!fake_asks(request, "continue=")) {
        return send_list(fd, "NodeList", "100", "ab", "to/ken==");
    }
    if (!fake_asks(request, "continue=to%2Fken%3D%3D ")) {
        return fake_answer(fd, "500 Not That Token", "", "{}");
    }
    if (atomic_load(&script->node_lists) == 2) {
        return fake_answer(fd, "410 Gone", "",
                           "{\"kind\":\"Status\",\"reason\":\"Expired\",\"code\":410,"
                           "\"message\":\"the provided continue parameter is too old\"}");
    }
    return send_list(fd, "NodeList", "100", "cd", "");
}

static void a_continue_that_expired_restarts_the_list(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = list_in_pages;
    start(world);
    assert_true(fake_wait(nodes_synced, world));
    assert_true(has_node(world, "a") && has_node(world, "d"));
    assert_int_equal(atomic_load(&world->script.node_lists), 4);
}

static bool always_expired(void *context, int fd, const struct fake_request *request)
{
    (void)context;
    if (fake_asks(request, "limit=0")) {
        return send_list(fd, "NodeList", "100", "abcd", "");
    }
    return fake_asks(request, "continue=") ? fake_answer(fd, "410 Gone", "", "{}")
                                           : send_list(fd, "NodeList", "100", "ab", "x");
}

static void a_list_that_always_expires_is_asked_for_in_one_piece(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = always_expired;
    start(world);
    assert_true(fake_wait(nodes_synced, world));
    assert_true(has_node(world, "d"));
}

static bool list_without_a_later(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    (void)request;
    return send_list(fd, "NodeList", "200", atomic_load(&script->node_lists) > 1 ? "bcd" : "abc",
                     "");
}

static bool watch_410_inside(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (atomic_load(&script->node_watches) > 1) {
        return quiet_watch(context, fd, request);
    }
    fake_begin(fd);
    fake_chunk(fd, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\","
                   "\"message\":\"too old resource version: 100 (900)\",\"reason\":\"Expired\","
                   "\"code\":410}}\n");
    return fake_end(fd);
}

static bool watch_410(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    return atomic_load(&script->node_watches) > 1 ? quiet_watch(context, fd, request)
                                                  : fake_answer(fd, "410 Gone", "", "{}");
}

static void a_410_inside_the_stream_lists_again(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = list_without_a_later;
    world->script.watch_nodes = watch_410_inside;
    start(world);
    assert_true(fake_wait(lost_a, world) && fake_wait(has_d, world));
    assert_true(fake_wait(watched_twice, world));
    assert_last_watch_has(world, "resourceVersion=200");
}

static void a_410_as_status_lists_again(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = list_without_a_later;
    world->script.watch_nodes = watch_410;
    start(world);
    assert_true(fake_wait(has_d, world));
    assert_true(fake_wait(lost_a, world));
}

/* A stream that ends in the middle of an event, then an error of the server; the third time d
 * arrives. */
static bool broken_watch(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    switch (atomic_load(&script->node_watches)) {
    case 1:
        fake_begin(fd);
        send_event(fd, "MODIFIED", "a", "150");
        fake_chunk(fd, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x");
        return false;
    case 2:
        return fake_answer(fd, "500 Internal Server Error", "", "{\"message\":\"etcd is away\"}");
    case 3:
        fake_begin(fd);
        send_event(fd, "ADDED", "d", "151");
        break;
    default:
        break;
    }
    (void)request;
    fake_hang(fd);
    return false;
}

static void a_broken_stream_goes_on_from_the_last_whole_event(void **state)
{
    struct world *world = *state;
    world->script.watch_nodes = broken_watch;
    start(world);
    assert_true(fake_wait(has_d, world));
    assert_false(has_node(world, "x"));
    assert_last_watch_has(world, "resourceVersion=150");
    assert_int_equal(atomic_load(&world->script.node_lists), 1);
}

static bool nonsense_watch(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (atomic_load(&script->node_watches) > 1) {
        return quiet_watch(context, fd, request);
    }
    fake_begin(fd);
    fake_chunk(fd, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}\n");
    fake_hang(fd);
    return false;
}

static void an_event_that_cannot_be_read_is_not_passed_over_but_listed_again(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = list_without_a_later;
    world->script.watch_nodes = nonsense_watch;
    start(world);
    assert_true(fake_wait(has_d, world));
    assert_true(fake_wait(lost_a, world));
}

/* Answers, then says nothing more and does not close. */
static bool half_open_watch(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    fake_begin(fd);
    if (atomic_load(&script->node_watches) > 1) {
        send_event(fd, "ADDED", "d", "101");
    }
    (void)request;
    fake_hang(fd);
    return false;
}

static void a_watch_that_says_nothing_is_begun_again(void **state)
{
    struct world *world = *state;
    world->script.watch_nodes = half_open_watch;
    start_with(world, "{token: secret}", 1500);
    assert_true(fake_wait(has_d, world));
    assert_int_equal(atomic_load(&world->script.node_lists), 1);
}

static bool hanging_list(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (atomic_load(&script->node_lists) > 1) {
        return list_abc(context, fd, request);
    }
    fake_begin(fd);
    fake_chunk(fd, "{\"kind\":\"NodeList\",\"items\":[");
    fake_hang(fd);
    return false;
}

static void a_list_that_says_nothing_is_begun_again(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = hanging_list;
    start_with(world, "{token: secret}", 1500);
    assert_true(fake_wait(nodes_synced, world));
    assert_true(has_node(world, "c"));
}

/* Cut short, but with a proper end of the HTTP body. */
static bool cut_list(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    switch (atomic_load(&script->node_lists)) {
    case 1:
        return list_abc(context, fd, request);
    case 2:
        return fake_answer(fd, "200 OK", "",
                           "{\"kind\":\"NodeList\",\"metadata\":{\"resourceVersion\":\"200\"},"
                           "\"items\":[");
    case 3:
        return fake_answer(fd, "200 OK", "", "{}");
    default:
        return send_list(fd, "NodeList", "300", "abce", "");
    }
}

static void a_list_cut_short_takes_nothing_away(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = cut_list;
    world->script.watch_nodes = watch_410;
    start(world);
    assert_true(fake_wait(nodes_synced, world));
    while (!has_e(world)) {
        assert_true(has_node(world, "a") && has_node(world, "b") && has_node(world, "c"));
    }
    assert_true(has_node(world, "a"));
}

static bool busy_list(void *context, int fd, const struct fake_request *request)
{
    struct script *script = context;
    if (atomic_load(&script->node_lists) > 1) {
        return list_abc(context, fd, request);
    }
    return fake_answer(fd, "429 Too Many Requests",
                       "Content-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n",
                       "Too many requests, please try again later.\n");
}

static void a_429_is_waited_for(void **state)
{
    struct world *world = *state;
    world->script.list_nodes = busy_list;
    start(world);
    assert_true(fake_wait(nodes_synced, world));
}

static bool refused_thrice(void *context)
{
    struct world *world = context;
    return atomic_load(&world->script.refused) >= 3;
}

static void a_token_that_rotated_is_read_again(void **state)
{
    struct world *world = *state;
    char user[128], name[] = "/tmp/plimsoll-token-XXXXXX";
    int fd = mkstemp(name);
    assert_int_equal(write(fd, "old\n", 4), 4);
    snprintf(user, sizeof user, "{tokenFile: %s}", name);
    world->script.token = "Bearer new\r\n";
    start_with(world, user, 0);
    assert_true(fake_wait(refused_thrice, world));
    assert_false(nodes_synced(world));
    assert_int_equal(pwrite(fd, "new\n", 4, 0), 4);
    assert_true(fake_wait(all_synced, world));
    close(fd);
    unlink(name);
}

static void forbidden_runtime_classes_do_not_stop_the_rest(void **state)
{
    struct world *world = *state;
    world->script.classes_status = "403 Forbidden";
    world->script.watch_nodes = torn_watch;
    start(world);
    assert_true(fake_wait(has_d, world));
    assert_false(plimsoll_cluster_synced(world->cluster, PLIMSOLL_KIND_RUNTIME_CLASSES));
}

static void unknown_runtime_classes_are_none(void **state)
{
    struct world *world = *state;
    world->script.classes_status = "404 Not Found";
    start(world);
    assert_true(fake_wait(all_synced, world));
    assert_int_equal(plimsoll_cluster_facts(world->cluster).runtime_classes, 0);
}

static void stopping_does_not_wait_for_a_quiet_watch(void **state)
{
    struct world *world = *state;
    start(world);
    assert_true(fake_wait(all_synced, world));
    plimsoll_kube_free(&world->kube);
    assert_null(world->kube);
    assert_true(has_node(world, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_kinds_are_listed_and_watched),
        TEST(torn_chunks_are_put_together_and_the_watch_goes_on_from_the_bookmark),
        TEST(a_continue_that_expired_restarts_the_list),
        TEST(a_list_that_always_expires_is_asked_for_in_one_piece),
        TEST(a_410_inside_the_stream_lists_again),
        TEST(a_410_as_status_lists_again),
        TEST(a_broken_stream_goes_on_from_the_last_whole_event),
        TEST(an_event_that_cannot_be_read_is_not_passed_over_but_listed_again),
        TEST(a_watch_that_says_nothing_is_begun_again),
        TEST(a_list_that_says_nothing_is_begun_again),
        TEST(a_list_cut_short_takes_nothing_away),
        TEST(a_429_is_waited_for),
        TEST(a_token_that_rotated_is_read_again),
        TEST(forbidden_runtime_classes_do_not_stop_the_rest),
        TEST(unknown_runtime_classes_are_none),
        TEST(stopping_does_not_wait_for_a_quiet_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
