/* SPDX-License-Identifier: Apache-2.0 */
/* Soft holds in the picture, and who is told that a node gained room. */
#include "unit.h"

#include "picture.h"

#define NODE "gpu0"
#define LINE (16 * GIB - 512 * MIB)

/* What the listener heard. */
struct ear {
    char nodes[16][16];
    uint64_t gains[16];
    size_t count;
};

struct stage {
    struct plimsoll_cluster *cluster;
    struct ear ear;
};

static void hear(void *context, const char *node, uint64_t gains)
{
    struct ear *ear = context;
    assert_true(ear->count < 16);
    snprintf(ear->nodes[ear->count], sizeof ear->nodes[0], "%s", node);
    ear->gains[ear->count++] = gains;
}

static int setup(void **state)
{
    struct stage *stage = plimsoll_alloc(1, sizeof *stage);
    stage->cluster = picture_new();
    plimsoll_cluster_listen(stage->cluster, &(struct plimsoll_cluster_listener){
                                                .context = &stage->ear, .node_gained = hear});
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    plimsoll_cluster_free(&stage->cluster);
    free(stage);
    return 0;
}

static void put_node(struct stage *stage, struct node_words words, bool there)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_node(&object, &words);
    struct plimsoll_span span = plimsoll_text_span(&object);
    assert_int_equal(there
                         ? plimsoll_cluster_set(stage->cluster, PLIMSOLL_KIND_NODES, span, &err)
                         : plimsoll_cluster_remove(stage->cluster, PLIMSOLL_KIND_NODES, span, &err),
                     0);
}

static void put_pod(struct stage *stage, struct pod_words words, bool there)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_pod(&object, &words);
    struct plimsoll_span span = plimsoll_text_span(&object);
    assert_int_equal(there
                         ? plimsoll_cluster_set(stage->cluster, PLIMSOLL_KIND_PODS, span, &err)
                         : plimsoll_cluster_remove(stage->cluster, PLIMSOLL_KIND_PODS, span, &err),
                     0);
}

/* What is free on card 0; UINT64_MAX: no such node. */
static uint64_t free_on(struct stage *stage, const char *name)
{
    struct plimsoll_extender_node node;
    uint64_t bytes = UINT64_MAX;
    plimsoll_cluster_read_begin(stage->cluster);
    if (plimsoll_cluster_node(stage->cluster, plimsoll_span_of(name), &node)) {
        bytes = node.load->cards[0].free;
    }
    plimsoll_cluster_read_end(stage->cluster);
    return bytes;
}

static size_t holds_on(struct stage *stage, const char *name)
{
    struct plimsoll_extender_node node;
    size_t count = SIZE_MAX;
    plimsoll_cluster_read_begin(stage->cluster);
    if (plimsoll_cluster_node(stage->cluster, plimsoll_span_of(name), &node)) {
        count = node.view.hold_count;
    }
    plimsoll_cluster_read_end(stage->cluster);
    return count;
}

static struct plimsoll_claim claim_of(const char *pod, const char *node, uint64_t bytes,
                                      struct plimsoll_claim_card *card)
{
    struct plimsoll_claim claim = {.pod = uid_of(pod), .card_count = 1, .cards = card};
    snprintf(claim.node, sizeof claim.node, "%s", node);
    *card = (struct plimsoll_claim_card){.vram = bytes, .idle = UINT64_MAX};
    snprintf(card->id, sizeof card->id, "GPU-%s-0", node);
    return claim;
}

static void hold(struct stage *stage, const char *pod, const char *node, uint64_t bytes)
{
    struct plimsoll_claim_card card;
    struct plimsoll_claim claim = claim_of(pod, node, bytes, &card);
    struct plimsoll_demand demand = {.gpu = true,
                                     .vendor = PLIMSOLL_VENDOR_NVIDIA,
                                     .request = PLIMSOLL_REQUEST_BYTES,
                                     .vram = bytes,
                                     .cards = 1};
    struct plimsoll_uid uid = uid_of(pod);
    plimsoll_cluster_hold(stage->cluster, &uid, node, &demand, &claim);
}

static void unhold(struct stage *stage, const char *pod)
{
    struct plimsoll_uid uid = uid_of(pod);
    plimsoll_cluster_unhold(stage->cluster, &uid);
}

static void assume(struct stage *stage, const char *pod, const char *node, uint64_t bytes)
{
    struct plimsoll_claim_card card;
    struct plimsoll_claim claim = claim_of(pod, node, bytes, &card);
    struct plimsoll_uid uid = uid_of(pod);
    plimsoll_cluster_assume(stage->cluster, &uid, node, &claim);
}

/* -- holds --------------------------------------------------------------------------------------
 */

static void a_hold_counts_for_readers_and_is_named_apart(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    hold(stage, "uid-a", NODE, 6 * GIB);
    assert_int_equal(free_on(stage, NODE), LINE - 6 * GIB);
    assert_int_equal(holds_on(stage, NODE), 1);
    unhold(stage, "uid-a");
    assert_int_equal(free_on(stage, NODE), LINE);
    assert_int_equal(holds_on(stage, NODE), 0);
}

static void a_hold_replaces_the_pods_earlier_one(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    put_node(stage, (struct node_words){.name = "gpu1"}, true);
    hold(stage, "uid-a", NODE, 6 * GIB);
    hold(stage, "uid-a", "gpu1", 5 * GIB);
    assert_int_equal(free_on(stage, NODE), LINE);
    assert_int_equal(free_on(stage, "gpu1"), LINE - 5 * GIB);
}

static void a_hold_of_a_pod_that_counts_itself_does_not_count_twice(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    hold(stage, "uid-a", NODE, 6 * GIB);
    assume(stage, "uid-a", NODE, 6 * GIB);
    assert_int_equal(free_on(stage, NODE), LINE - 6 * GIB);
    unhold(stage, "uid-a");
    assert_int_equal(free_on(stage, NODE), LINE - 6 * GIB);
}

static void a_hold_waits_for_a_node_that_is_not_there_yet(void **state)
{
    struct stage *stage = *state;
    hold(stage, "uid-a", NODE, 6 * GIB);
    put_node(stage, (struct node_words){.name = NODE}, true);
    assert_int_equal(free_on(stage, NODE), LINE - 6 * GIB);
    put_node(stage, (struct node_words){.name = NODE}, false);
    unhold(stage, "uid-a");
    put_node(stage, (struct node_words){.name = NODE}, true);
    assert_int_equal(free_on(stage, NODE), LINE);
}

static void a_hold_that_is_not_there_ends_quietly_and_one_that_is_left_leaks_nothing(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    unhold(stage, "uid-a");
    hold(stage, "uid-a", NODE, 6 * GIB);
    hold(stage, "uid-b", "nowhere", 6 * GIB);
}

/* -- gains --------------------------------------------------------------------------------------
 */

static void expect_gain(struct stage *stage, size_t at, const char *node)
{
    assert_int_equal(stage->ear.count, at + 1);
    assert_string_equal(stage->ear.nodes[at], node);
    assert_int_equal(stage->ear.gains[at], at + 1);
    plimsoll_cluster_read_begin(stage->cluster);
    assert_int_equal(plimsoll_cluster_gains(stage->cluster), at + 1);
    plimsoll_cluster_read_end(stage->cluster);
}

static void a_node_that_comes_has_gained_room(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    expect_gain(stage, 0, NODE);
    put_node(stage, (struct node_words){.name = NODE, .noise = "2026-11-22T05:20:00Z"}, true);
    assert_int_equal(stage->ear.count, 1); /* a heartbeat */
}

static void what_takes_room_is_no_gain_and_what_gives_it_back_is(void **state)
{
    struct stage *stage = *state;
    struct plimsoll_uid uid = uid_of("uid-a");
    put_node(stage, (struct node_words){.name = NODE}, true);
    assume(stage, "uid-a", NODE, 6 * GIB);
    assert_int_equal(stage->ear.count, 1);
    plimsoll_cluster_forget(stage->cluster, &uid);
    expect_gain(stage, 1, NODE);
    hold(stage, "uid-b", NODE, 6 * GIB);
    assert_int_equal(stage->ear.count, 2);
    unhold(stage, "uid-b");
    expect_gain(stage, 2, NODE);
}

static void a_node_that_takes_pods_again_has_gained_though_no_card_has(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    put_node(stage, (struct node_words){.name = NODE, .usage = "{\"v\":1,\"cards\":["}, true);
    assert_int_equal(stage->ear.count, 1);
    struct node_words mended = {.name = NODE,
                                .usage = "{\"v\":1,\"time\":\"2026-11-22T05:10:00Z\",\"cards\":"
                                         "[{\"id\":\"GPU-gpu0-0\",\"used\":2147483648}]}"};
    put_node(stage, mended, true);
    expect_gain(stage, 1, NODE);
    assert_true(free_on(stage, NODE) < LINE);
    mended.pinned = true; /* our env may be obeyed now */
    put_node(stage, mended, true);
    expect_gain(stage, 2, NODE);
    mended.labelled = true;
    put_node(stage, mended, true);
    assert_int_equal(stage->ear.count, 3);
}

static void a_pod_that_ends_gives_its_node_room(void **state)
{
    struct stage *stage = *state;
    struct pod_words pod = {
        .name = "a", .uid = "uid-a", .node = NODE, .claim = "6442450944", .phase = "Running"};
    put_node(stage, (struct node_words){.name = NODE}, true);
    put_pod(stage, pod, true);
    assert_int_equal(stage->ear.count, 1);
    put_pod(stage, pod, false);
    expect_gain(stage, 1, NODE);
}

static void a_pod_that_leaves_a_list_gives_its_node_room(void **state)
{
    struct stage *stage = *state;
    put_node(stage, (struct node_words){.name = NODE}, true);
    put_pod(stage,
            (struct pod_words){.name = "a", .uid = "uid-a", .node = NODE, .claim = "6442450944"},
            true);
    plimsoll_cluster_list_begin(stage->cluster, PLIMSOLL_KIND_PODS);
    assert_int_equal(stage->ear.count, 1);
    plimsoll_cluster_list_end(stage->cluster, PLIMSOLL_KIND_PODS);
    expect_gain(stage, 1, NODE);
}

/* -- pods that are looked up --------------------------------------------------------------------
 */

static int meet(struct stage *stage, struct pod_words words, uint64_t since)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_pod(&object, &words);
    int result = plimsoll_cluster_meet(stage->cluster, plimsoll_text_span(&object), since, &err);
    assert_int_equal(err.kind, result == 0 ? PLIMSOLL_ERR_NONE : PLIMSOLL_ERR_EXPIRED);
    return result;
}

static bool knows(struct stage *stage, const char *pod)
{
    struct plimsoll_uid uid = uid_of(pod);
    plimsoll_cluster_read_begin(stage->cluster);
    bool known = plimsoll_cluster_pod(stage->cluster, &uid) != NULL;
    plimsoll_cluster_read_end(stage->cluster);
    return known;
}

static const struct pod_words looked_up = {.name = "a", .uid = "uid-a"};

static void a_pod_that_is_met_is_kept(void **state)
{
    struct stage *stage = *state;
    uint64_t since = plimsoll_cluster_departures(stage->cluster);
    assert_int_equal(meet(stage, looked_up, since), 0);
    assert_true(knows(stage, "uid-a"));
}

static void what_the_watch_said_is_newer_than_what_was_looked_up(void **state)
{
    struct stage *stage = *state;
    uint64_t since = plimsoll_cluster_departures(stage->cluster);
    put_node(stage, (struct node_words){.name = NODE}, true);
    put_pod(stage,
            (struct pod_words){.name = "a", .uid = "uid-a", .node = NODE, .claim = "6442450944"},
            true);
    assert_int_equal(meet(stage, looked_up, since), 0); /* unbound, as it was before */
    assert_int_equal(free_on(stage, NODE), LINE - 6 * GIB);
}

static void a_pod_that_may_have_left_meanwhile_is_looked_up_again(void **state)
{
    struct stage *stage = *state;
    uint64_t since = plimsoll_cluster_departures(stage->cluster);
    put_pod(stage, looked_up, true);
    put_pod(stage, looked_up, false);
    assert_int_equal(meet(stage, looked_up, since), -1);
    assert_false(knows(stage, "uid-a"));
    since = plimsoll_cluster_departures(stage->cluster);
    put_pod(stage, (struct pod_words){.name = "b", .uid = "uid-b", .phase = "Succeeded"}, true);
    assert_int_equal(meet(stage, looked_up, since), -1);
    since = plimsoll_cluster_departures(stage->cluster);
    assert_int_equal(meet(stage, looked_up, since), 0);
}

static void pods_without_a_gpu_come_and_go_as_they_like(void **state)
{
    struct stage *stage = *state;
    struct pod_words plain = {.name = "b", .uid = "uid-b", .without_gpu = true};
    uint64_t since = plimsoll_cluster_departures(stage->cluster);
    put_pod(stage, plain, true);
    put_pod(stage, plain, false);
    assert_int_equal(meet(stage, plain, since), 0);
    assert_false(knows(stage, "uid-b"));
    assert_int_equal(meet(stage, looked_up, since), 0);
    assert_true(knows(stage, "uid-a"));
}

static void a_pod_is_not_met_while_pods_are_listed(void **state)
{
    struct stage *stage = *state;
    uint64_t before = plimsoll_cluster_departures(stage->cluster);
    plimsoll_cluster_list_begin(stage->cluster, PLIMSOLL_KIND_PODS);
    uint64_t during = plimsoll_cluster_departures(stage->cluster);
    assert_int_equal(meet(stage, looked_up, before), -1);
    assert_int_equal(meet(stage, looked_up, during), -1);
    plimsoll_cluster_list_end(stage->cluster, PLIMSOLL_KIND_PODS);
    assert_int_equal(meet(stage, looked_up, during), -1); /* it may have left before the list */
    plimsoll_cluster_list_begin(stage->cluster, PLIMSOLL_KIND_PODS);
    plimsoll_cluster_list_abort(stage->cluster, PLIMSOLL_KIND_PODS);
    uint64_t after = plimsoll_cluster_departures(stage->cluster);
    plimsoll_cluster_list_begin(stage->cluster, PLIMSOLL_KIND_NODES);
    assert_int_equal(meet(stage, looked_up, after), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_hold_counts_for_readers_and_is_named_apart),
        TEST(a_hold_replaces_the_pods_earlier_one),
        TEST(a_hold_of_a_pod_that_counts_itself_does_not_count_twice),
        TEST(a_hold_waits_for_a_node_that_is_not_there_yet),
        TEST(a_hold_that_is_not_there_ends_quietly_and_one_that_is_left_leaks_nothing),
        TEST(a_node_that_comes_has_gained_room),
        TEST(what_takes_room_is_no_gain_and_what_gives_it_back_is),
        TEST(a_node_that_takes_pods_again_has_gained_though_no_card_has),
        TEST(a_pod_that_ends_gives_its_node_room),
        TEST(a_pod_that_leaves_a_list_gives_its_node_room),
        TEST(a_pod_that_is_met_is_kept),
        TEST(what_the_watch_said_is_newer_than_what_was_looked_up),
        TEST(a_pod_that_may_have_left_meanwhile_is_looked_up_again),
        TEST(pods_without_a_gpu_come_and_go_as_they_like),
        TEST(a_pod_is_not_met_while_pods_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
