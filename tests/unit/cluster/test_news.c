/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "picture.h"

#define UID_A "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b"
#define UID_B "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"
#define NOON  "2026-11-22T12:00:00Z"

/* A picture, and what its listener heard. */
struct desk {
    struct plimsoll_cluster *cluster;
    unsigned over, guaranteed;
    enum plimsoll_guarantee guarantee;
};

static void hear_over(void *context, const char *node)
{
    struct desk *desk = context;
    assert_string_equal(node, "gpu0");
    desk->over++;
    plimsoll_cluster_read_begin(desk->cluster); /* which is free, or this never ends */
    plimsoll_cluster_read_end(desk->cluster);
}

static void hear_guarantee(void *context, const char *node, enum plimsoll_guarantee guarantee)
{
    struct desk *desk = context;
    assert_string_equal(node, "gpu0");
    desk->guaranteed++;
    desk->guarantee = guarantee;
}

static int setup(void **state)
{
    struct desk *desk = plimsoll_alloc(1, sizeof *desk);
    desk->cluster = picture_new();
    plimsoll_cluster_listen(desk->cluster,
                            &(struct plimsoll_cluster_listener){.context = desk,
                                                                .node_over = hear_over,
                                                                .node_guaranteed = hear_guarantee});
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    plimsoll_cluster_free(&desk->cluster);
    free(desk);
    return 0;
}

static void put(struct desk *desk, enum plimsoll_kind kind, const struct plimsoll_text *object,
                bool there)
{
    struct plimsoll_error err = {0};
    struct plimsoll_span span = plimsoll_text_span(object);
    int result = there ? plimsoll_cluster_set(desk->cluster, kind, span, &err)
                       : plimsoll_cluster_remove(desk->cluster, kind, span, &err);
    if (result < 0) {
        fail_msg("%s", err.message);
    }
}

static void put_node(struct desk *desk, struct node_words words, bool there)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_node(&object, &words);
    put(desk, PLIMSOLL_KIND_NODES, &object, there);
}

static void put_pod(struct desk *desk, const char *uid, const char *claim)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    add_pod(&object, &(struct pod_words){.name = uid, .uid = uid, .node = "gpu0", .claim = claim});
    put(desk, PLIMSOLL_KIND_PODS, &object, true);
}

/* Card 0 of gpu0 as measured: `used`, `bytes` of it by `pod`. */
static void measure(struct desk *desk, uint64_t used, const char *pod, uint64_t bytes)
{
    plimsoll_autotext usage = plimsoll_text_make(1u << 16);
    add_usage(&usage, "gpu0", NOON, used, pod, bytes);
    put_node(desk, (struct node_words){.name = "gpu0", .usage = usage.data}, true);
}

static void a_pod_that_outgrows_its_claim_is_told_once(void **state)
{
    struct desk *desk = *state;
    put_node(desk, (struct node_words){.name = "gpu0"}, true);
    put_pod(desk, UID_A, "4294967296");
    measure(desk, 4 * GIB, UID_A, 4 * GIB);
    assert_int_equal(desk->over, 0);
    measure(desk, 5 * GIB, UID_A, 4 * GIB + 1);
    assert_int_equal(desk->over, 1);
    measure(desk, 6 * GIB, UID_A, 5 * GIB);
    assert_int_equal(desk->over, 1);
    measure(desk, 4 * GIB, UID_A, 4 * GIB);
    measure(desk, 6 * GIB, UID_A, 5 * GIB);
    assert_int_equal(desk->over, 2);
    put_pod(desk, UID_B, "1073741824"); /* another, who does not */
    assert_int_equal(desk->over, 2);
    measure(desk, 2 * GIB, UID_B, 2 * GIB);
    assert_int_equal(desk->over, 3);
}

static void a_card_over_its_line_is_told_once(void **state)
{
    struct desk *desk = *state;
    put_node(desk, (struct node_words){.name = "gpu0"}, true);
    put_pod(desk, UID_A, "12884901888");
    assert_int_equal(desk->over, 0);
    put_pod(desk, UID_B, "4294967296"); /* 16Gi of 15.5Gi: somebody else's doing */
    assert_int_equal(desk->over, 1);
    put_node(desk, (struct node_words){.name = "gpu0", .version = "2"}, true);
    measure(desk, 0, UID_A, 0);
    assert_int_equal(desk->over, 1);
    put_node(desk, (struct node_words){.name = "gpu0"}, false);
    put_node(desk, (struct node_words){.name = "gpu0"}, true); /* and it still is */
    assert_int_equal(desk->over, 2);
}

static void what_a_node_promises_is_told_when_it_changes(void **state)
{
    struct desk *desk = *state;
    put_node(desk, (struct node_words){.name = "gpu0", .without_cards = true}, true);
    assert_int_equal(desk->guaranteed, 0);
    put_node(desk, (struct node_words){.name = "gpu0"}, true);
    assert_int_equal(desk->guaranteed, 1);
    assert_int_equal(desk->guarantee, PLIMSOLL_GUARANTEE_EXACT);
    measure(desk, GIB, UID_A, 0);
    assert_int_equal(desk->guaranteed, 1);
    put_node(desk, (struct node_words){.name = "gpu0", .cards = 2}, true);
    assert_int_equal(desk->guaranteed, 2);
    assert_int_equal(desk->guarantee, PLIMSOLL_GUARANTEE_CONSERVATIVE);
    put_node(desk, (struct node_words){.name = "gpu0", .cards = 2, .pinned = true}, true);
    assert_int_equal(desk->guaranteed, 3);
    assert_int_equal(desk->guarantee, PLIMSOLL_GUARANTEE_PINNED);
    put_node(desk, (struct node_words){.name = "gpu0", .cards = 2, .pinned = true}, false);
    assert_int_equal(desk->guaranteed, 3);
    put_node(desk, (struct node_words){.name = "gpu0", .cards = 2, .pinned = true}, true);
    assert_int_equal(desk->guaranteed, 4);
}

static void nobody_needs_to_hear_the_news(void **state)
{
    struct desk *desk = *state;
    plimsoll_cluster_listen(desk->cluster, &(struct plimsoll_cluster_listener){.context = desk});
    put_node(desk, (struct node_words){.name = "gpu0"}, true);
    put_pod(desk, UID_A, "17179869184");
    measure(desk, 16 * GIB, UID_A, 17 * GIB);
    assert_int_equal(desk->over + desk->guaranteed, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_pod_that_outgrows_its_claim_is_told_once),
        TEST(a_card_over_its_line_is_told_once),
        TEST(what_a_node_promises_is_told_when_it_changes),
        TEST(nobody_needs_to_hear_the_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
