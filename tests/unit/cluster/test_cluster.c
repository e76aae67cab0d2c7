/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "picture.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#define UID_A "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b"
#define UID_B "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"

static int setup(void **state)
{
    *state = picture_new();
    return 0;
}

static int teardown(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    plimsoll_cluster_free(&cluster);
    assert_null(cluster);
    return 0;
}

static void put(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                const struct plimsoll_text *object, bool there)
{
    struct plimsoll_error err = {0};
    struct plimsoll_span span = plimsoll_text_span(object);
    int result = there ? plimsoll_cluster_set(cluster, kind, span, &err)
                       : plimsoll_cluster_remove(cluster, kind, span, &err);
    if (result < 0) {
        fail_msg("%s", err.message);
    }
}

static void put_node(struct plimsoll_cluster *cluster, struct node_words words, bool there)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_node(&object, &words);
    put(cluster, PLIMSOLL_KIND_NODES, &object, there);
}

static void put_pod(struct plimsoll_cluster *cluster, struct pod_words words, bool there)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_pod(&object, &words);
    put(cluster, PLIMSOLL_KIND_PODS, &object, there);
}

static void put_class(struct plimsoll_cluster *cluster, const char *name, bool there)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    plimsoll_text_add_format(&object, "{\"kind\":\"RuntimeClass\",\"metadata\":{\"name\":\"%s\"}}",
                             name);
    put(cluster, PLIMSOLL_KIND_RUNTIME_CLASSES, &object, there);
}

static void put_usage(struct plimsoll_cluster *cluster, const char *time, uint64_t used,
                      const char *pod, uint64_t bytes)
{
    plimsoll_autotext usage = plimsoll_text_make(1u << 16);
    add_usage(&usage, "gpu0", time, used, pod, bytes);
    put_node(cluster, (struct node_words){.name = "gpu0", .usage = usage.data}, true);
}

static bool known(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_extender_node node;
    plimsoll_cluster_read_begin(cluster);
    bool found = plimsoll_cluster_node(cluster, plimsoll_span_of(name), &node);
    plimsoll_cluster_read_end(cluster);
    return found;
}

/* The load line of card 0; all zero where there is no such node. */
static struct plimsoll_load load_of(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_extender_node node;
    struct plimsoll_load load = {0};
    plimsoll_cluster_read_begin(cluster);
    if (plimsoll_cluster_node(cluster, plimsoll_span_of(name), &node)) {
        load = node.load->cards[0];
    }
    plimsoll_cluster_read_end(cluster);
    return load;
}

static size_t pods_on(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_extender_node node;
    size_t count = 0;
    plimsoll_cluster_read_begin(cluster);
    if (plimsoll_cluster_node(cluster, plimsoll_span_of(name), &node)) {
        count = node.view.pod_count;
    }
    plimsoll_cluster_read_end(cluster);
    return count;
}

static size_t pod_count(struct plimsoll_cluster *cluster)
{
    plimsoll_cluster_read_begin(cluster);
    size_t count = plimsoll_cluster_pod_count(cluster);
    plimsoll_cluster_read_end(cluster);
    return count;
}

static bool is_stale(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_extender_node node = {0};
    plimsoll_cluster_read_begin(cluster);
    bool found = plimsoll_cluster_node(cluster, plimsoll_span_of(name), &node);
    plimsoll_cluster_read_end(cluster);
    assert_true(found);
    return node.view.stale;
}

/* A claim of `bytes` on card 0 of `node`. */
static void assume(struct plimsoll_cluster *cluster, const char *uid, const char *node,
                   uint64_t bytes)
{
    struct plimsoll_uid pod = uid_of(uid);
    struct plimsoll_claim_card card = {.vram = bytes, .idle = 0};
    struct plimsoll_claim claim = {.pod = pod, .card_count = 1, .cards = &card};
    snprintf(card.id, sizeof card.id, "GPU-%.32s-0", node);
    snprintf(claim.node, sizeof claim.node, "%s", node);
    plimsoll_cluster_assume(cluster, &pod, node, &claim);
}

static void forget(struct plimsoll_cluster *cluster, const char *uid)
{
    struct plimsoll_uid pod = uid_of(uid);
    plimsoll_cluster_forget(cluster, &pod);
}

static void assert_node_of(struct plimsoll_cluster *cluster, const char *uid, const char *expected)
{
    struct plimsoll_uid pod = uid_of(uid);
    plimsoll_cluster_read_begin(cluster);
    const char *node = plimsoll_cluster_node_of(cluster, &pod);
    char text[64] = "(none)";
    if (node != NULL) {
        snprintf(text, sizeof text, "%s", node);
    }
    plimsoll_cluster_read_end(cluster);
    assert_string_equal(text, expected != NULL ? expected : "(none)");
}

/* -- nodes ---------------------------------------------------------------------------------------
 */

static void a_node_is_known_from_its_event_until_it_is_deleted(void **state)
{
    assert_false(known(*state, "gpu0"));
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    assert_true(known(*state, "gpu0"));
    assert_int_equal(load_of(*state, "gpu0").total, 16 * GIB);
    put_node(*state, (struct node_words){.name = "gpu0"}, false);
    assert_false(known(*state, "gpu0"));
    put_node(*state, (struct node_words){.name = "gpu0"}, false);
}

static void a_node_without_cards_is_known(void **state)
{
    put_node(*state, (struct node_words){.name = "cpu0", .without_cards = true}, true);
    struct plimsoll_extender_node node = {0};
    plimsoll_cluster_read_begin(*state);
    bool found = plimsoll_cluster_node(*state, plimsoll_span_of("cpu0"), &node);
    unsigned cards = found ? node.view.node->card_count + node.load->card_count : 99;
    plimsoll_cluster_read_end(*state);
    assert_int_equal(cards, 0);
}

static void nodes_stand_in_order_of_name(void **state)
{
    const char *const names[] = {"m", "b", "z", "a", "q"};
    for (size_t i = 0; i < 5; i++) {
        put_node(*state, (struct node_words){.name = names[i]}, true);
    }
    put_node(*state, (struct node_words){.name = "b"}, false);
    plimsoll_autotext order = plimsoll_text_make(64);
    plimsoll_cluster_read_begin(*state);
    struct plimsoll_extender_node node;
    for (size_t i = 0; plimsoll_cluster_node_at(*state, i, &node); i++) {
        plimsoll_text_add_string(&order, node.view.node->name);
    }
    size_t count = plimsoll_cluster_node_count(*state);
    plimsoll_cluster_read_end(*state);
    assert_string_equal(order.data, "amqz");
    assert_int_equal(count, 4);
}

#define MANY 200u

/* Looks `count` names up at once, from `begin` on with `step` between, and checks what comes. */
static void check_find(struct plimsoll_cluster *cluster, char names[][80], const bool *there,
                       size_t begin, size_t step)
{
    uint32_t place = 0;
    bool numbers[MANY] = {false};
    plimsoll_cluster_read_begin(cluster);
    for (size_t at = 0; at < MANY; at += PLIMSOLL_EXTENDER_NAMES_MAX) {
        struct plimsoll_span spans[PLIMSOLL_EXTENDER_NAMES_MAX];
        struct plimsoll_extender_glimpse found[PLIMSOLL_EXTENDER_NAMES_MAX];
        size_t count =
            MANY - at < PLIMSOLL_EXTENDER_NAMES_MAX ? MANY - at : PLIMSOLL_EXTENDER_NAMES_MAX;
        for (size_t i = 0; i < count; i++) {
            spans[i] = plimsoll_span_of(names[(begin + (at + i) * step) % MANY]);
        }
        plimsoll_cluster_find(cluster, spans, count, &place, found);
        for (size_t i = 0; i < count; i++) {
            size_t index = (begin + (at + i) * step) % MANY;
            assert_int_equal(found[i].summary != NULL, there[index]);
            if (there[index]) {
                struct plimsoll_extender_node node = {0};
                plimsoll_cluster_open(cluster, &found[i], &node);
                assert_string_equal(node.view.node->name, names[index]);
                assert_int_equal(found[i].summary->whole, node.load->card_count);
                assert_true(found[i].number < MANY && !numbers[found[i].number]);
                numbers[found[i].number] = true;
            }
        }
    }
    plimsoll_cluster_read_end(cluster);
}

/* Short names and some that are longer than what is kept near. */
static void many_nodes_are_found_at_once_in_any_order(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    static char names[MANY][80];
    static bool there[MANY];
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], i % 9 == 0 ? "gpu-%0*zu" : "gpu-%0*zu.lan",
                 i % 9 == 0 ? 70 : 3, i);
        there[i] = false;
    }
    check_find(cluster, names, there, 0, 1);
    for (size_t i = 0; i < MANY; i++) {
        there[i] = i % 50 != 17;
        if (there[i]) {
            put_node(cluster, (struct node_words){.name = names[i]}, true);
        }
    }
    put_pod(cluster, (struct pod_words){.uid = UID_A, .node = names[17], .claim = "4096"}, true);
    check_find(cluster, names, there, 0, 1);
    check_find(cluster, names, there, 123, 1);
    check_find(cluster, names, there, 5, 77);
    for (size_t i = 0; i < MANY; i += 3) {
        if (there[i]) {
            put_node(cluster, (struct node_words){.name = names[i]}, false);
            there[i] = false;
        }
    }
    check_find(cluster, names, there, 0, 1);
    check_find(cluster, names, there, 199, 199);
}

static void a_summary_follows_the_pods(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    struct plimsoll_span name = plimsoll_span_of("gpu0");
    uint64_t rooms[2];
    put_node(cluster, (struct node_words){.name = "gpu0"}, true);
    for (unsigned i = 0; i < 2; i++) {
        struct plimsoll_extender_glimpse found;
        uint32_t place = 0;
        plimsoll_cluster_read_begin(cluster);
        plimsoll_cluster_find(cluster, &name, 1, &place, &found);
        rooms[i] = found.summary->room;
        plimsoll_cluster_read_end(cluster);
        assume(cluster, UID_A, "gpu0", 4096);
    }
    assert_int_equal(rooms[0] - rooms[1], 4096);
}

static void pods_that_come_before_their_node_count_on_it(void **state)
{
    put_pod(*state,
            (struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"},
            true);
    assert_false(known(*state, "gpu0"));
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    put_node(*state, (struct node_words){.name = "gpu0"}, false);
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
}

static void objects_that_cannot_be_read_change_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "7",
        "{\"metadata\":null}",
        "{\"metadata\":{\"name\":7}}",
        "{\"metadata\":{\"name\":\"\"}}",
        "{\"metadata\":{\"name\":\"gpu0\"}",
        "{\"metadata\":{\"name\":\"gpu0\"",
        "{\"metadata\":{\"namespace\":\"x\"}}",
        "\xff\xfe",
    };
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0"}, true);
    uint64_t booked = load_of(*state, "gpu0").booked;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
            struct plimsoll_error err = {0};
            struct plimsoll_span object = plimsoll_span_of(bad[i]);
            assert_int_equal(plimsoll_cluster_set(*state, (enum plimsoll_kind)kind, object, &err),
                             -1);
            assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
            assert_int_equal(
                plimsoll_cluster_remove(*state, (enum plimsoll_kind)kind, object, &err), -1);
        }
    }
    assert_int_equal(load_of(*state, "gpu0").booked, booked);
    assert_int_equal(pods_on(*state, "gpu0"), 1);
}

static void a_pod_without_uid_is_refused(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    add_pod(&object, &(struct pod_words){.name = "a", .uid = ""});
    assert_int_equal(
        plimsoll_cluster_set(*state, PLIMSOLL_KIND_PODS, plimsoll_text_span(&object), &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    assert_int_equal(pod_count(*state), 0);
}

/* -- pods ----------------------------------------------------------------------------------------
 */

static void a_pod_without_a_gpu_is_not_kept(void **state)
{
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .without_gpu = true}, true);
    assert_int_equal(pod_count(*state), 0);
}

static void a_bound_pod_counts_until_it_is_deleted(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    struct pod_words pod = {.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"};
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    assert_node_of(*state, UID_A, "gpu0");
    pod.terminating = true;
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    put_pod(*state, pod, false);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_node_of(*state, UID_A, NULL);
}

static void a_finished_pod_counts_no_more(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    struct pod_words pod = {.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"};
    put_pod(*state, pod, true);
    pod.phase = "Succeeded";
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_int_equal(pod_count(*state), 0);
    put_pod(*state, pod, true);
    assert_int_equal(pod_count(*state), 0);
}

static void a_uid_that_is_no_gpu_pod_any_more_is_removed(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    struct pod_words pod = {.name = "a", .uid = UID_A, .node = "gpu0"};
    put_pod(*state, pod, true);
    pod.without_gpu = true;
    put_pod(*state, pod, true);
    assert_int_equal(pods_on(*state, "gpu0"), 0);
}

static void a_nominated_pod_is_on_the_list_of_that_node_until_it_is_bound(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_node(*state, (struct node_words){.name = "gpu1"}, true);
    struct pod_words pod = {.name = "a", .uid = UID_A, .nominated = "gpu0"};
    put_pod(*state, pod, true);
    assert_int_equal(pods_on(*state, "gpu0"), 1);
    assert_node_of(*state, UID_A, NULL);
    pod.node = "gpu1";
    put_pod(*state, pod, true);
    assert_int_equal(pods_on(*state, "gpu0"), 0);
    assert_int_equal(pods_on(*state, "gpu1"), 1);
}

/* -- claims in flight ----------------------------------------------------------------------------
 */

static void a_claim_in_flight_counts_and_a_stale_event_does_not_end_it(void **state)
{
    struct pod_words pod = {.name = "a", .uid = UID_A};
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, pod, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    assert_node_of(*state, UID_A, "gpu0");
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    pod.nominated = "gpu1";
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    assert_node_of(*state, UID_A, "gpu0");
}

static void a_claim_in_flight_is_given_back_when_forgotten(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    forget(*state, UID_A);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_node_of(*state, UID_A, NULL);
    assert_int_equal(pod_count(*state), 1);
    forget(*state, UID_A);
    forget(*state, UID_B);
    assert_int_equal(pod_count(*state), 1);
}

static void forgetting_does_not_take_what_the_bound_pod_has(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    put_pod(*state,
            (struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0", .claim = "7516192768"},
            true);
    assert_int_equal(load_of(*state, "gpu0").booked, 7 * GIB);
    forget(*state, UID_A);
    assert_int_equal(load_of(*state, "gpu0").booked, 7 * GIB);
    assume(*state, UID_A, "gpu0", 1 * GIB);
    assert_int_equal(load_of(*state, "gpu0").booked, 7 * GIB);
}

static void a_pod_bound_there_without_its_claim_keeps_the_one_in_flight(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true);
    assume(*state, UID_A, "gpu0", 9 * GIB);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0"}, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 9 * GIB);
    forget(*state, UID_A);
    assert_node_of(*state, UID_A, "gpu0");
    assert_int_not_equal(load_of(*state, "gpu0").booked, 9 * GIB);
}

/* Its Binding writes the claim all the same. */
static void a_request_that_is_taken_off_does_not_end_the_claim_in_flight(void **state)
{
    struct pod_words pod = {.name = "a", .uid = UID_A};
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, pod, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    pod.without_gpu = true;
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    assert_node_of(*state, UID_A, "gpu0");
    forget(*state, UID_A);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_int_equal(pod_count(*state), 0);
}

static void a_bound_pod_without_a_request_keeps_the_claim_that_was_written(void **state)
{
    struct pod_words pod = {.name = "a", .uid = UID_A};
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, pod, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    pod.without_gpu = true;
    put_pod(*state, pod, true);
    pod.node = "gpu0";
    pod.claim = "7516192768";
    put_pod(*state, pod, true);
    forget(*state, UID_A);
    assert_int_equal(load_of(*state, "gpu0").booked, 7 * GIB);
    pod.claim = NULL;
    put_pod(*state, pod, true); /* not one of ours by now */
    assert_int_equal(pod_count(*state), 0);
}

static void a_pod_bound_elsewhere_ends_the_claim_in_flight(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_node(*state, (struct node_words){.name = "gpu1"}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .node = "gpu1"}, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_node_of(*state, UID_A, "gpu1");
    assume(*state, UID_A, "gpu0", 6 * GIB);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
}

static void a_pod_that_is_gone_ends_the_claim_in_flight(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, false);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_int_equal(pod_count(*state), 0);
}

static void a_claim_of_a_pod_not_seen_yet_counts_through_a_list_until_forgotten(void **state)
{
    struct plimsoll_uid uid = uid_of(UID_A);
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_PODS);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_PODS);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    plimsoll_cluster_read_begin(*state);
    const void *pod = plimsoll_cluster_pod(*state, &uid);
    plimsoll_cluster_read_end(*state);
    assert_null(pod);
    forget(*state, UID_A);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_int_equal(pod_count(*state), 0);
}

/* -- lists ---------------------------------------------------------------------------------------
 */

static void a_list_makes_no_room_before_it_ends(void **state)
{
    struct pod_words a = {.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"};
    struct pod_words b = {.name = "b", .uid = UID_B, .node = "gpu0", .claim = "1073741824"};
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, a, true);
    put_pod(*state, b, true);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_PODS);
    assert_int_equal(load_of(*state, "gpu0").booked, 7 * GIB);
    put_pod(*state, b, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 7 * GIB);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_PODS);
    assert_int_equal(load_of(*state, "gpu0").booked, 1 * GIB);
}

/* Nodes that are there before the list, come during it and come after it. */
static void the_first_list_of_pods_counts_when_it_ends_or_is_given_up(void **state)
{
    struct pod_words a = {.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"};
    struct pod_words b = {.name = "b", .uid = UID_B, .node = "gpu1", .claim = "1073741824"};
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_PODS);
    put_pod(*state, a, true);
    put_node(*state, (struct node_words){.name = "gpu1"}, true);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    plimsoll_cluster_list_abort(*state, PLIMSOLL_KIND_PODS);
    assert_int_equal(load_of(*state, "gpu0").booked, 6 * GIB);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_PODS);
    put_pod(*state, b, true);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_PODS);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    assert_int_equal(load_of(*state, "gpu1").booked, 1 * GIB);
    b.node = "gpu2";
    put_pod(*state, b, true);
    put_node(*state, (struct node_words){.name = "gpu2"}, true);
    assert_int_equal(load_of(*state, "gpu2").booked, 1 * GIB);
}

static void an_aborted_list_takes_nothing_away(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_node(*state, (struct node_words){.name = "gpu1"}, true);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_NODES);
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    plimsoll_cluster_list_abort(*state, PLIMSOLL_KIND_NODES);
    assert_true(known(*state, "gpu1"));
    assert_false(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_NODES));
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_NODES);
    put_node(*state, (struct node_words){.name = "gpu1"}, true);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_NODES);
    assert_false(known(*state, "gpu0"));
    assert_true(known(*state, "gpu1"));
    assert_true(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_NODES));
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_NODES);
    plimsoll_cluster_list_abort(*state, PLIMSOLL_KIND_NODES);
    assert_true(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_NODES));
}

/* -- reports -------------------------------------------------------------------------------------
 */

static void bytes_of_an_ended_pod_are_free_until_the_next_report(void **state)
{
    struct pod_words pod = {.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"};
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_A, 6 * GIB);
    put_pod(*state, pod, true);
    assert_int_equal(load_of(*state, "gpu0").foreign, 1 * GIB);
    put_pod(*state, pod, false);
    assert_int_equal(load_of(*state, "gpu0").foreign, 1 * GIB);
    assert_int_equal(load_of(*state, "gpu0").booked, 0);
    /* The same report again, by a heartbeat and by a list. */
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_A, 6 * GIB);
    assert_int_equal(load_of(*state, "gpu0").foreign, 1 * GIB);
    /* A new one still sees the process: somebody uses that memory. */
    put_usage(*state, "2026-11-22T05:10:02Z", 7 * GIB, UID_A, 6 * GIB);
    struct plimsoll_load load = load_of(*state, "gpu0");
    assert_int_equal(load.foreign + load.booked, 7 * GIB);
}

static void bytes_of_an_ended_pod_that_was_not_kept_are_free_too(void **state)
{
    struct pod_words pod = {.name = "a", .uid = UID_A, .node = "gpu0", .without_gpu = true};
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_A, 6 * GIB);
    put_pod(*state, pod, true);
    struct plimsoll_load before = load_of(*state, "gpu0");
    assert_int_equal(before.foreign + before.booked, 7 * GIB);
    put_pod(*state, pod, false);
    struct plimsoll_load after = load_of(*state, "gpu0");
    assert_int_equal(after.foreign + after.booked, 1 * GIB);
}

static void a_heartbeat_is_the_same_node(void **state)
{
    put_node(*state, (struct node_words){.name = "gpu0", .version = "1"}, true);
    struct plimsoll_extender_node node = {0};
    plimsoll_cluster_read_begin(*state);
    plimsoll_cluster_node(*state, plimsoll_span_of("gpu0"), &node);
    const void *load = node.load;
    plimsoll_cluster_read_end(*state);
    put_node(*state,
             (struct node_words){.name = "gpu0", .version = "2", .noise = "2026-11-22T05:10:10Z"},
             true);
    plimsoll_cluster_read_begin(*state);
    plimsoll_cluster_node(*state, plimsoll_span_of("gpu0"), &node);
    plimsoll_cluster_read_end(*state);
    assert_ptr_equal(node.load, load);
}

static uint64_t revision(struct plimsoll_cluster *cluster)
{
    plimsoll_cluster_read_begin(cluster);
    uint64_t number = plimsoll_cluster_revision(cluster);
    plimsoll_cluster_read_end(cluster);
    return number;
}

static void the_revision_changes_with_nodes_pods_and_holds_and_with_nothing_else(void **state)
{
    uint64_t before = revision(*state), after = 0;
#define CHANGES(change)                                                                            \
    do {                                                                                           \
        change;                                                                                    \
        after = revision(*state);                                                                  \
        assert_int_not_equal(after, before);                                                       \
        before = after;                                                                            \
    } while (0)
    struct plimsoll_uid pod = uid_of(UID_A);
    struct plimsoll_demand demand = {.gpu = true, .cards = 1};
    struct plimsoll_claim claim = {.floating_cards = 1, .floating_vram = GIB};
    CHANGES(put_node(*state, (struct node_words){.name = "gpu0"}, true));
    CHANGES(put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true));
    CHANGES(plimsoll_cluster_hold(*state, &pod, "gpu0", &demand, &claim));
    CHANGES(plimsoll_cluster_unhold(*state, &pod));
    CHANGES(assume(*state, UID_A, "gpu0", GIB));
    CHANGES(forget(*state, UID_A));
    CHANGES(put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0"}, true));
    CHANGES(put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, false));
    put_node(*state, (struct node_words){.name = "gpu0", .noise = "2026-11-22T05:10:10Z"}, true);
    put_pod(*state, (struct pod_words){.name = "b", .uid = UID_B, .without_gpu = true}, true);
    plimsoll_cluster_tick(*state, INT64_C(1800000000000));
    assert_int_equal(revision(*state), before);
    CHANGES(put_node(*state, (struct node_words){.name = "gpu0"}, false));
#undef CHANGES
}

static void pods_that_the_api_has_shown_can_be_walked(void **state)
{
    size_t at = 0;
    assert_null(plimsoll_cluster_next_pod(*state, &at));
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A}, true);
    assume(*state, UID_B, "gpu0", GIB); /* nobody has seen that pod yet */
    at = 0;
    const struct plimsoll_pod *pod = plimsoll_cluster_next_pod(*state, &at);
    assert_non_null(pod);
    assert_string_equal(pod->name, "a");
    assert_null(plimsoll_cluster_next_pod(*state, &at));
}

static void a_report_is_stale_while_the_agent_is_not_ready(void **state)
{
    struct pod_words agent = {
        .name = "agent", .uid = UID_A, .node = "gpu0", .agent = true, .ready = true};
    plimsoll_cluster_tick(*state, INT64_C(1800000000000));
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_B, GIB);
    put_pod(*state, agent, true);
    assert_false(is_stale(*state, "gpu0"));
    assert_int_equal(pod_count(*state), 0);
    agent.ready = false;
    put_pod(*state, agent, true);
    assert_true(is_stale(*state, "gpu0"));
    agent.ready = true;
    put_pod(*state, agent, true);
    assert_false(is_stale(*state, "gpu0"));
}

static void an_agent_that_leaves_does_not_speak_for_its_successor(void **state)
{
    struct pod_words old = {
        .name = "agent-1", .uid = UID_A, .node = "gpu0", .agent = true, .terminating = true};
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_B, GIB);
    put_pod(*state, old, true);
    assert_true(is_stale(*state, "gpu0"));
    put_pod(*state,
            (struct pod_words){
                .name = "agent-2", .uid = UID_B, .node = "gpu0", .agent = true, .ready = true},
            true);
    assert_false(is_stale(*state, "gpu0"));
    put_pod(*state, old, false);
    assert_false(is_stale(*state, "gpu0"));
}

static void without_an_agent_a_report_goes_stale_by_its_time(void **state)
{
    int64_t reported = INT64_C(1795324200000); /* 2026-11-22T05:10:00Z */
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_B, GIB);
    assert_false(is_stale(*state, "gpu0"));
    plimsoll_cluster_tick(*state, reported + 600000);
    assert_false(is_stale(*state, "gpu0"));
    plimsoll_cluster_tick(*state, reported + 600001);
    assert_true(is_stale(*state, "gpu0"));
    plimsoll_cluster_tick(*state, reported - 3600000);
    assert_false(is_stale(*state, "gpu0"));
}

static void an_agent_that_is_gone_leaves_the_report_to_its_time(void **state)
{
    struct pod_words agent = {
        .name = "agent", .uid = UID_A, .node = "gpu0", .agent = true, .ready = true};
    plimsoll_cluster_tick(*state, INT64_C(1895324200000));
    put_usage(*state, "2026-11-22T05:10:00Z", 7 * GIB, UID_B, GIB);
    put_pod(*state, agent, true);
    assert_false(is_stale(*state, "gpu0"));
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_PODS);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_PODS);
    assert_true(is_stale(*state, "gpu0"));
}

/* -- facts ---------------------------------------------------------------------------------------
 */

static void facts_follow_the_nodes(void **state)
{
    struct plimsoll_facts facts = plimsoll_cluster_facts(*state);
    assert_true(facts.api);
    assert_int_equal(facts.nodes[PLIMSOLL_VENDOR_NVIDIA], 0);
    assert_int_equal(facts.selectors[PLIMSOLL_VENDOR_NVIDIA], 0);
    put_node(*state, (struct node_words){.name = "a", .labelled = true}, true);
    put_node(*state, (struct node_words){.name = "b", .labelled = true, .cards = 2}, true);
    put_node(*state, (struct node_words){.name = "c", .without_cards = true}, true);
    facts = plimsoll_cluster_facts(*state);
    assert_int_equal(facts.nodes[PLIMSOLL_VENDOR_NVIDIA], 2);
    assert_int_equal(facts.multi_card[PLIMSOLL_VENDOR_NVIDIA], 1);
    assert_int_equal(facts.unpinned[PLIMSOLL_VENDOR_NVIDIA], 1);
    assert_int_equal(facts.selectors[PLIMSOLL_VENDOR_NVIDIA], 1);
    assert_int_equal(facts.nodes[PLIMSOLL_VENDOR_AMD], 0);
    put_node(*state, (struct node_words){.name = "b", .cards = 2, .pinned = true}, true);
    facts = plimsoll_cluster_facts(*state);
    assert_int_equal(facts.unpinned[PLIMSOLL_VENDOR_NVIDIA], 0);
    assert_int_equal(facts.selectors[PLIMSOLL_VENDOR_NVIDIA], 0);
    put_node(*state, (struct node_words){.name = "b"}, false);
    facts = plimsoll_cluster_facts(*state);
    assert_int_equal(facts.nodes[PLIMSOLL_VENDOR_NVIDIA], 1);
    assert_int_equal(facts.multi_card[PLIMSOLL_VENDOR_NVIDIA], 0);
    assert_int_equal(facts.selectors[PLIMSOLL_VENDOR_NVIDIA], 1);
}

static void runtime_classes_come_and_go(void **state)
{
    put_class(*state, "nvidia", true);
    put_class(*state, "kata", true);
    assert_int_equal(plimsoll_cluster_facts(*state).runtime_classes, 5);
    put_class(*state, "gold", true);
    assert_int_equal(plimsoll_cluster_facts(*state).runtime_classes, 7);
    put_class(*state, "nvidia", false);
    assert_int_equal(plimsoll_cluster_facts(*state).runtime_classes, 2);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_RUNTIME_CLASSES);
    put_class(*state, "nvidia", true);
    assert_int_equal(plimsoll_cluster_facts(*state).runtime_classes, 7);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_RUNTIME_CLASSES);
    assert_int_equal(plimsoll_cluster_facts(*state).runtime_classes, 5);
}

static void facts_are_synced_with_nodes_and_runtime_classes(void **state)
{
    assert_false(plimsoll_cluster_facts(*state).synced);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_NODES);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_NODES);
    assert_false(plimsoll_cluster_facts(*state).synced);
    plimsoll_cluster_skip(*state, PLIMSOLL_KIND_RUNTIME_CLASSES);
    struct plimsoll_facts facts = plimsoll_cluster_facts(*state);
    assert_true(facts.synced);
    assert_true(facts.runtime_classes == UINT64_MAX);
    assert_false(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_PODS));
}

/* -- the listener --------------------------------------------------------------------------------
 */

struct heard {
    struct plimsoll_cluster *cluster;
    unsigned seen, gone;
    char node[64];
    bool claimed;
    unsigned ignored;
    char why[256];
};

/* Reads and writes the picture: it would hang if the lock were held. */
static void on_seen(void *context, const struct plimsoll_uid *pod, const char *node, bool claimed)
{
    struct heard *heard = context;
    plimsoll_cluster_read_begin(heard->cluster);
    assert_non_null(plimsoll_cluster_pod(heard->cluster, pod));
    plimsoll_cluster_read_end(heard->cluster);
    plimsoll_cluster_forget(heard->cluster, pod);
    snprintf(heard->node, sizeof heard->node, "%s", node);
    heard->claimed = claimed;
    heard->seen++;
}

static void on_gone(void *context, const struct plimsoll_uid *pod)
{
    struct heard *heard = context;
    plimsoll_cluster_read_begin(heard->cluster);
    assert_null(plimsoll_cluster_pod(heard->cluster, pod));
    plimsoll_cluster_read_end(heard->cluster);
    heard->gone++;
}

static void the_listener_hears_of_gpu_pods_outside_the_lock(void **state)
{
    struct heard heard = {.cluster = *state};
    plimsoll_cluster_listen(*state, &(struct plimsoll_cluster_listener){.context = &heard,
                                                                        .pod_seen = on_seen,
                                                                        .pod_gone = on_gone});
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .without_gpu = true}, true);
    put_pod(*state, (struct pod_words){.name = "a", .uid = UID_A, .without_gpu = true}, false);
    assert_int_equal(heard.seen + heard.gone, 0);
    put_pod(*state, (struct pod_words){.name = "b", .uid = UID_B}, true);
    assert_int_equal(heard.seen, 1);
    assert_string_equal(heard.node, "");
    put_pod(*state, (struct pod_words){.name = "b", .uid = UID_B, .node = "gpu0"}, true);
    assert_string_equal(heard.node, "gpu0");
    assert_false(heard.claimed);
    put_pod(*state,
            (struct pod_words){.name = "b", .uid = UID_B, .node = "gpu0", .claim = "6442450944"},
            true);
    assert_true(heard.claimed);
    put_pod(*state, (struct pod_words){.name = "b", .uid = UID_B, .node = "gpu0"}, false);
    assert_int_equal(heard.gone, 1);
    put_pod(*state, (struct pod_words){.name = "b", .uid = UID_B}, true);
    plimsoll_cluster_list_begin(*state, PLIMSOLL_KIND_PODS);
    plimsoll_cluster_list_end(*state, PLIMSOLL_KIND_PODS);
    assert_int_equal(heard.gone, 2);
}

static void on_ignored(void *context, const char *home, const char *name, const char *why)
{
    struct heard *heard = context;
    plimsoll_cluster_read_begin(heard->cluster);
    plimsoll_cluster_read_end(heard->cluster);
    assert_string_not_equal(home, "");
    snprintf(heard->node, sizeof heard->node, "%s", name);
    snprintf(heard->why, sizeof heard->why, "%s", why);
    heard->ignored++;
}

static void a_claim_that_does_not_count_is_told_once_for_each_reason(void **state)
{
    struct heard heard = {.cluster = *state};
    plimsoll_cluster_listen(*state, &(struct plimsoll_cluster_listener){
                                        .context = &heard, .claim_ignored = on_ignored});
    put_pod(*state,
            (struct pod_words){.name = "own", .uid = UID_A, .node = "gpu0", .claim = "6442450944"},
            true);
    assert_int_equal(heard.ignored, 0);
    struct pod_words copied = {.name = "copied", .uid = UID_B, .claim = "6442450944"};
    put_pod(*state, copied, true); /* unbound: it cannot have one */
    put_pod(*state, copied, true);
    assert_int_equal(heard.ignored, 1);
    assert_string_equal(heard.node, "copied");
    assert_non_null(strstr(heard.why, "not bound"));
    copied.node = "gpu0";
    copied.claim = "no number";
    put_pod(*state, copied, true);
    assert_int_equal(heard.ignored, 2);
}

/* -- several threads -----------------------------------------------------------------------------
 */

struct crowd {
    struct plimsoll_cluster *cluster;
    atomic_bool stop;
    atomic_uint bad;
    atomic_ulong reads;
};

/* One pod holds 6 GiB on gpu0 all the time, in one form or another. */
static void *read_all_the_time(void *context)
{
    struct crowd *crowd = context;
    while (!atomic_load(&crowd->stop)) {
        struct plimsoll_extender_node node;
        plimsoll_cluster_read_begin(crowd->cluster);
        if (!plimsoll_cluster_node(crowd->cluster, plimsoll_span_of("gpu0"), &node) ||
            node.load->cards[0].booked != 6 * GIB || strcmp(node.view.node->name, "gpu0") != 0) {
            atomic_fetch_add(&crowd->bad, 1);
        }
        plimsoll_cluster_read_end(crowd->cluster);
        struct plimsoll_facts facts = plimsoll_cluster_facts(crowd->cluster);
        if (facts.nodes[PLIMSOLL_VENDOR_NVIDIA] == 0) {
            atomic_fetch_add(&crowd->bad, 1);
        }
        atomic_fetch_add(&crowd->reads, 1);
    }
    return NULL;
}

static void readers_see_whole_pictures_while_a_writer_writes(void **state)
{
    struct crowd crowd = {.cluster = *state};
    struct pod_words unbound = {.name = "a", .uid = UID_A};
    struct pod_words bound = {.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"};
    pthread_t readers[3];
    put_node(*state, (struct node_words){.name = "gpu0"}, true);
    put_pod(*state, unbound, true);
    assume(*state, UID_A, "gpu0", 6 * GIB);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, &crowd), 0);
    }
    for (unsigned i = 0; i < 200 || atomic_load(&crowd.reads) < 100; i++) {
        char name[32], version[32];
        snprintf(name, sizeof name, "gpu%u", 1 + i % 20);
        snprintf(version, sizeof version, "%u", i);
        put_node(*state, (struct node_words){.name = name, .cards = 1 + i % 4}, i % 3 > 0);
        put_node(*state, (struct node_words){.name = "gpu0", .pinned = i % 2}, true);
        put_pod(*state, unbound, true);
        plimsoll_cluster_tick(*state, i);
    }
    put_pod(*state, bound, true);
    atomic_store(&crowd.stop, true);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(readers[i], NULL);
    }
    assert_int_equal(atomic_load(&crowd.bad), 0);
}

/* -- size ----------------------------------------------------------------------------------------
 */

/* malloc's own count; a sanitizer's allocator says 0. */
static size_t bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void five_thousand_nodes_and_twenty_thousand_pods_stay_small(void **state)
{
    size_t before = bytes_in_use();
    for (unsigned i = 0; i < 5000; i++) {
        char name[32];
        snprintf(name, sizeof name, "gpu-%05u", i);
        put_node(*state, (struct node_words){.name = name, .cards = 8}, true);
        for (unsigned j = 0; j < 4; j++) {
            char uid[48];
            snprintf(uid, sizeof uid, "5c9a3a52-2f6c-4d4c-8f4b-%08u%04u", i, j);
            put_pod(*state,
                    (struct pod_words){.name = "some-deployment-5c9a3a522f-abcde",
                                       .uid = uid,
                                       .node = name,
                                       .claim = "1073741824"},
                    true);
        }
    }
    size_t used = bytes_in_use() - before;
    print_message("%zu KiB for 5000 nodes of 8 cards and 20000 GPU pods\n", used / 1024);
    assert_int_equal(pod_count(*state), 20000);
    assert_true(used < 48 * MIB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_node_is_known_from_its_event_until_it_is_deleted),
        TEST(a_node_without_cards_is_known),
        TEST(nodes_stand_in_order_of_name),
        TEST(many_nodes_are_found_at_once_in_any_order),
        TEST(a_summary_follows_the_pods),
        TEST(pods_that_come_before_their_node_count_on_it),
        TEST(objects_that_cannot_be_read_change_nothing),
        TEST(a_pod_without_uid_is_refused),
        TEST(a_pod_without_a_gpu_is_not_kept),
        TEST(a_bound_pod_counts_until_it_is_deleted),
        TEST(a_finished_pod_counts_no_more),
        TEST(a_uid_that_is_no_gpu_pod_any_more_is_removed),
        TEST(a_nominated_pod_is_on_the_list_of_that_node_until_it_is_bound),
        TEST(a_claim_in_flight_counts_and_a_stale_event_does_not_end_it),
        TEST(a_claim_in_flight_is_given_back_when_forgotten),
        TEST(forgetting_does_not_take_what_the_bound_pod_has),
        TEST(a_pod_bound_there_without_its_claim_keeps_the_one_in_flight),
        TEST(a_request_that_is_taken_off_does_not_end_the_claim_in_flight),
        TEST(a_bound_pod_without_a_request_keeps_the_claim_that_was_written),
        TEST(a_pod_bound_elsewhere_ends_the_claim_in_flight),
        TEST(a_pod_that_is_gone_ends_the_claim_in_flight),
        TEST(a_claim_of_a_pod_not_seen_yet_counts_through_a_list_until_forgotten),
        TEST(a_list_makes_no_room_before_it_ends),
        TEST(the_first_list_of_pods_counts_when_it_ends_or_is_given_up),
        TEST(an_aborted_list_takes_nothing_away),
        TEST(bytes_of_an_ended_pod_are_free_until_the_next_report),
        TEST(bytes_of_an_ended_pod_that_was_not_kept_are_free_too),
        TEST(a_heartbeat_is_the_same_node),
        TEST(the_revision_changes_with_nodes_pods_and_holds_and_with_nothing_else),
        TEST(pods_that_the_api_has_shown_can_be_walked),
        TEST(a_report_is_stale_while_the_agent_is_not_ready),
        TEST(an_agent_that_leaves_does_not_speak_for_its_successor),
        TEST(without_an_agent_a_report_goes_stale_by_its_time),
        TEST(an_agent_that_is_gone_leaves_the_report_to_its_time),
        TEST(facts_follow_the_nodes),
        TEST(runtime_classes_come_and_go),
        TEST(facts_are_synced_with_nodes_and_runtime_classes),
        TEST(the_listener_hears_of_gpu_pods_outside_the_lock),
        TEST(a_claim_that_does_not_count_is_told_once_for_each_reason),
        TEST(readers_see_whole_pictures_while_a_writer_writes),
        TEST(five_thousand_nodes_and_twenty_thousand_pods_stay_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
