/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fake_api.h"
#include "picture.h"

#include <plimsoll/kube.h>

#include <assert.h>

#define CALLS_MAX 16

/* Nodes are listed from `names`, one letter each; the rest of the cluster is empty and quiet. */
struct world {
    struct fake_api api;
    struct plimsoll_kube *kube;
    struct plimsoll_cluster *cluster;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    /* Under the lock: */
    const char *names;
    bool gate;               /* lists of nodes wait */
    unsigned failing;        /* so many lists of nodes get a 500 first */
    unsigned lists, watches; /* of nodes, begun */
    struct plimsoll_text last_list, last_watch;
    struct call {
        uint64_t ticket;
        unsigned lists;            /* begun by then */
        bool has_a, has_d, synced; /* the picture at that time */
    } calls[CALLS_MAX];
    unsigned call_count;
};

static bool has_node(struct world *world, const char *name)
{
    struct plimsoll_extender_node node;
    plimsoll_cluster_read_begin(world->cluster);
    bool found = plimsoll_cluster_node(world->cluster, plimsoll_span_of(name), &node);
    plimsoll_cluster_read_end(world->cluster);
    return found;
}

static bool synced(struct world *world)
{
    return plimsoll_cluster_synced(world->cluster, PLIMSOLL_KIND_NODES);
}

/* -- the fake ------------------------------------------------------------------------------------
 */

static bool send_list(int fd, const char *kind, const char *version, const char *names)
{
    plimsoll_autotext body = plimsoll_text_make(1u << 20);
    plimsoll_text_add_format(&body,
                             "{\"kind\":\"%s\",\"metadata\":{\"resourceVersion\":\"%s\"},"
                             "\"items\":[",
                             kind, version);
    for (const char *name = names; *name != '\0'; name++) {
        plimsoll_text_add_string(&body, name > names ? "," : "");
        add_node(&body, &(struct node_words){.name = (const char[]){*name, '\0'}});
    }
    plimsoll_text_add_string(&body, "]}");
    return fake_answer(fd, "200 OK", "Content-Type: application/json\r\n", body.data);
}

static bool list_nodes(struct world *world, int fd, const struct fake_request *request)
{
    char version[16];
    pthread_mutex_lock(&world->lock);
    snprintf(version, sizeof version, "%u00", ++world->lists);
    plimsoll_text_reset(&world->last_list);
    plimsoll_text_add_string(&world->last_list, request->head);
    bool fails = world->failing > 0;
    world->failing -= fails;
    while (world->gate) {
        pthread_cond_wait(&world->opened, &world->lock);
    }
    const char *names = world->names;
    pthread_mutex_unlock(&world->lock);
    return fails ? fake_answer(fd, "500 Internal Server Error", "", "")
                 : send_list(fd, "NodeList", version, names);
}

static void note_watch(struct world *world, const struct fake_request *request)
{
    pthread_mutex_lock(&world->lock);
    world->watches++;
    plimsoll_text_reset(&world->last_watch);
    plimsoll_text_add_string(&world->last_watch, request->head);
    pthread_mutex_unlock(&world->lock);
}

static bool answer(void *context, int fd, const struct fake_request *request)
{
    bool nodes = fake_asks(request, "GET /api/v1/nodes?");
    if (fake_asks(request, "watch=1")) {
        if (nodes) {
            note_watch(context, request);
        }
        fake_begin(fd);
        fake_hang(fd);
        return false;
    }
    if (nodes) {
        return list_nodes(context, fd, request);
    }
    bool pods = fake_asks(request, "GET /api/v1/pods?");
    return send_list(fd, pods ? "PodList" : "RuntimeClassList", "1", "");
}

static void set_gate(struct world *world, bool gate)
{
    pthread_mutex_lock(&world->lock);
    world->gate = gate;
    pthread_cond_broadcast(&world->opened);
    pthread_mutex_unlock(&world->lock);
}

static void on_listed(void *context, uint64_t ticket)
{
    struct world *world = context;
    struct call call = {.ticket = ticket,
                        .has_a = has_node(world, "a"),
                        .has_d = has_node(world, "d"),
                        .synced = synced(world)};
    pthread_mutex_lock(&world->lock);
    call.lists = world->lists;
    assert(world->call_count < CALLS_MAX);
    world->calls[world->call_count++] = call;
    pthread_mutex_unlock(&world->lock);
}

/* -- waiting -------------------------------------------------------------------------------------
 */

static unsigned read_count(struct world *world, const unsigned *count)
{
    pthread_mutex_lock(&world->lock);
    unsigned value = *count;
    pthread_mutex_unlock(&world->lock);
    return value;
}

static bool one_call(void *context)
{
    struct world *world = context;
    return read_count(world, &world->call_count) >= 1;
}

static bool two_calls(void *context)
{
    struct world *world = context;
    return read_count(world, &world->call_count) >= 2;
}

static bool one_list(void *context)
{
    struct world *world = context;
    return read_count(world, &world->lists) >= 1;
}

static bool two_lists(void *context)
{
    struct world *world = context;
    return read_count(world, &world->lists) >= 2;
}

static bool one_watch(void *context)
{
    struct world *world = context;
    return read_count(world, &world->watches) >= 1;
}

static bool two_watches(void *context)
{
    struct world *world = context;
    return read_count(world, &world->watches) >= 2;
}

/* -- setup ---------------------------------------------------------------------------------------
 */

static int setup(void **state)
{
    struct plimsoll_error err = {0};
    struct world *world = plimsoll_alloc(1, sizeof *world);
    world->names = "abc";
    world->last_list = plimsoll_text_make(1u << 16);
    world->last_watch = plimsoll_text_make(1u << 16);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->opened, NULL);
    world->cluster = picture_new();
    fake_start(&world->api, answer, world);
    plimsoll_autofree char *file = fake_kubeconfig(&world->api, "", "{token: secret}");
    if (plimsoll_kube_new(&(struct plimsoll_kube_options){.kubeconfig = file}, &world->kube, &err) <
        0) {
        fail_msg("%s", err.message);
    }
    unlink(file);
    plimsoll_kube_on_listed(world->kube, on_listed, world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    set_gate(world, false);
    plimsoll_kube_free(&world->kube);
    fake_stop(&world->api);
    plimsoll_cluster_free(&world->cluster);
    plimsoll_text_clear(&world->last_list);
    plimsoll_text_clear(&world->last_watch);
    pthread_cond_destroy(&world->opened);
    pthread_mutex_destroy(&world->lock);
    free(world);
    return 0;
}

static void start(struct world *world)
{
    struct plimsoll_error err = {0};
    if (plimsoll_kube_watch(world->kube, world->cluster, &err) < 0) {
        fail_msg("%s", err.message);
    }
}

static void start_watching(struct world *world)
{
    start(world);
    assert_true(fake_wait(one_watch, world));
    assert_true(has_node(world, "a"));
}

static void relist(struct world *world, uint64_t ticket)
{
    plimsoll_kube_relist(world->kube, PLIMSOLL_KIND_NODES, ticket);
}

static void change_names(struct world *world, const char *names)
{
    pthread_mutex_lock(&world->lock);
    world->names = names;
    pthread_mutex_unlock(&world->lock);
}

/* -- tests ---------------------------------------------------------------------------------------
 */

static void a_watch_is_left_for_a_consistent_list_that_is_in_the_picture_when_told(void **state)
{
    struct world *world = *state;
    start_watching(world);
    change_names(world, "bcd");
    relist(world, 7);
    assert_true(fake_wait(one_call, world));
    assert_int_equal(world->calls[0].ticket, 7);
    assert_int_equal(world->calls[0].lists, 2);
    assert_false(world->calls[0].has_a);
    assert_true(world->calls[0].has_d);
    assert_true(world->calls[0].synced);
    assert_null(strstr(world->last_list.data, "resourceVersion"));
}

static void the_watch_goes_on_from_the_new_list(void **state)
{
    struct world *world = *state;
    start_watching(world);
    relist(world, 7);
    assert_true(fake_wait(two_watches, world));
    pthread_mutex_lock(&world->lock);
    bool from_there = strstr(world->last_watch.data, "resourceVersion=200 ") != NULL;
    pthread_mutex_unlock(&world->lock);
    assert_true(from_there);
    assert_int_equal(read_count(world, &world->call_count), 1);
}

static void the_picture_stays_as_it_is_until_the_list_is_complete(void **state)
{
    struct world *world = *state;
    start_watching(world);
    change_names(world, "bcd");
    set_gate(world, true);
    relist(world, 7);
    assert_true(fake_wait(two_lists, world));
    assert_true(synced(world));
    assert_true(has_node(world, "a"));
    assert_int_equal(read_count(world, &world->call_count), 0);
    set_gate(world, false);
    assert_true(fake_wait(one_call, world));
    assert_false(has_node(world, "a"));
}

static void a_list_that_was_under_way_does_not_answer_for_a_later_request(void **state)
{
    struct world *world = *state;
    set_gate(world, true);
    start(world);
    assert_true(fake_wait(one_list, world));
    relist(world, 7);
    set_gate(world, false);
    assert_true(fake_wait(one_call, world));
    assert_int_equal(world->calls[0].ticket, 7);
    assert_int_equal(world->calls[0].lists, 2);
}

static void a_request_during_a_relist_has_a_list_of_its_own(void **state)
{
    struct world *world = *state;
    start_watching(world);
    set_gate(world, true);
    relist(world, 7);
    assert_true(fake_wait(two_lists, world));
    relist(world, 8);
    set_gate(world, false);
    assert_true(fake_wait(two_calls, world));
    assert_int_equal(world->calls[0].ticket, 7);
    assert_int_equal(world->calls[0].lists, 2);
    assert_int_equal(world->calls[1].ticket, 8);
    assert_int_equal(world->calls[1].lists, 3);
}

static void a_list_that_fails_is_tried_again_and_nothing_is_told_before(void **state)
{
    struct world *world = *state;
    start_watching(world);
    pthread_mutex_lock(&world->lock);
    world->failing = 1;
    pthread_mutex_unlock(&world->lock);
    relist(world, 7);
    assert_true(fake_wait(one_call, world));
    assert_int_equal(world->calls[0].lists, 3);
    assert_true(world->calls[0].has_a);
    assert_int_equal(read_count(world, &world->call_count), 1);
}

static void the_first_list_tells_nobody(void **state)
{
    struct world *world = *state;
    start_watching(world);
    assert_int_equal(read_count(world, &world->call_count), 0);
}

static void stopping_does_not_wait_for_a_relist(void **state)
{
    struct world *world = *state;
    start_watching(world);
    set_gate(world, true);
    relist(world, 7);
    assert_true(fake_wait(two_lists, world));
    plimsoll_kube_stop_watching(world->kube);
    assert_int_equal(read_count(world, &world->call_count), 0);
    assert_true(has_node(world, "a"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_watch_is_left_for_a_consistent_list_that_is_in_the_picture_when_told),
        TEST(the_watch_goes_on_from_the_new_list),
        TEST(the_picture_stays_as_it_is_until_the_list_is_complete),
        TEST(a_list_that_was_under_way_does_not_answer_for_a_later_request),
        TEST(a_request_during_a_relist_has_a_list_of_its_own),
        TEST(a_list_that_fails_is_tried_again_and_nothing_is_told_before),
        TEST(the_first_list_tells_nobody),
        TEST(stopping_does_not_wait_for_a_relist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
