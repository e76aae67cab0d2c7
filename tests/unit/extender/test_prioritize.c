/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "extender_world.h"

#include <plimsoll/json.h>

/* Room for 4Gi is on all but `full`; tightest on `tight`. */
static int set_up(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    world_make(world);
    world_add_node(world, "idle", 0);
    world_add_node(world, "half", 7);
    world_add_node(world, "tight", 11);
    world_add_node(world, "full", 14);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    world_clear(world);
    free(world);
    return 0;
}

static struct plimsoll_text make_names_body(const char *pod, const char *names)
{
    struct plimsoll_text body = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&body, "{\"Pod\":");
    if (pod != NULL) {
        plimsoll_text_add_string(&body, pod);
    } else {
        world_write_pod(&body, "u-gpu", "4Gi", "", "");
    }
    plimsoll_text_add_format(&body, ",\"Nodes\":null,\"NodeNames\":%s}", names);
    return body;
}

static struct plimsoll_text prioritize(struct world *world, const struct plimsoll_text *body,
                                       struct plimsoll_extender_outcome *outcome)
{
    struct plimsoll_error err = {0};
    struct plimsoll_text answer = plimsoll_text_make(1u << 20);
    if (world_ask(world, PLIMSOLL_VERB_PRIORITIZE, plimsoll_text_span(body), 7, &answer, outcome,
                  &err) < 0) {
        fail_msg("%s", err.message);
    }
    return answer;
}

/* The score of entry `index`, which must be of `host` and an integer. */
static int64_t get_score(const struct plimsoll_text *answer, size_t index, const char *host)
{
    struct plimsoll_error err = {0};
    plimsoll_autojson *document = NULL;
    assert_int_equal(plimsoll_json_parse(plimsoll_text_span(answer), &document, &err), 0);
    struct plimsoll_json entry = plimsoll_json_first(plimsoll_json_root(document));
    for (; index > 0; index--) {
        entry = plimsoll_json_next(entry);
    }
    int64_t score = -1;
    assert_true(plimsoll_json_is(plimsoll_json_get(entry, "Host"), host));
    assert_true(plimsoll_json_int(plimsoll_json_get(entry, "Score"), &score));
    return score;
}

static void a_pod_without_a_gpu_scores_nothing_anywhere(void **state)
{
    struct world *world = *state;
    world->face.synced = false;
    plimsoll_autotext body = make_names_body(
        "{\"metadata\":{\"name\":\"web\"},\"spec\":{\"containers\":[]}}", "[\"idle\",\"new\"]");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = prioritize(world, &body, &outcome);
    assert_string_equal(answer.data, "[{\"Host\":\"idle\",\"Score\":0},{\"Host\":\"new\","
                                     "\"Score\":0}]");
    assert_false(outcome.gpu);
    assert_int_equal(outcome.passed, 2);
}

static void the_tightest_node_alone_gets_ten_when_packing(void **state)
{
    plimsoll_autotext body =
        make_names_body(NULL, "[\"new\",\"idle\",\"half\",\"full\",\"tight\"]");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = prioritize(*state, &body, &outcome);
    assert_int_equal(get_score(&answer, 0, "new"), 0);
    int64_t idle = get_score(&answer, 1, "idle"), half = get_score(&answer, 2, "half");
    assert_true(idle >= 0 && idle < half && half < 10);
    assert_int_equal(get_score(&answer, 3, "full"), 0);
    assert_int_equal(get_score(&answer, 4, "tight"), 10);
    assert_int_equal(outcome.asked, 5);
    assert_int_equal(outcome.passed, 3);
    assert_int_equal(outcome.rejected[PLIMSOLL_NO_NODE], 1);
    assert_int_equal(outcome.rejected[PLIMSOLL_NO_VRAM], 1);
}

static void full_nodes_score_as_the_same_nodes_by_name(void **state)
{
    struct world *world = *state;
    plimsoll_autotext by_name = make_names_body(NULL, "[\"idle\",\"half\",\"tight\",\"full\"]");
    plimsoll_autotext body = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&body, "{\"Pod\":");
    world_write_pod(&body, "u-gpu", "4Gi", "", "");
    plimsoll_text_add_string(&body, ",\"Nodes\":{\"metadata\":{},\"items\":[");
    static const unsigned used[] = {0, 7, 11, 14};
    for (size_t i = 0; i < 4; i++) {
        plimsoll_text_add_string(&body, i > 0 ? "," : "");
        world_write_node(&body, world->nodes[i].node.name, used[i]);
    }
    plimsoll_text_add_string(&body, "]},\"NodeNames\":null}");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext expected = prioritize(world, &by_name, &outcome);
    plimsoll_autotext answer = prioritize(world, &body, &outcome);
    assert_string_equal(answer.data, expected.data);
}

static void a_bound_pod_wants_its_node_alone(void **state)
{
    struct world *world = *state;
    world->bound_uid = "u-gpu";
    world->bound_node = "idle";
    plimsoll_autotext body = make_names_body(NULL, "[\"tight\",\"half\",\"idle\"]");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = prioritize(world, &body, &outcome);
    assert_string_equal(answer.data, "[{\"Host\":\"tight\",\"Score\":0},{\"Host\":\"half\","
                                     "\"Score\":0},{\"Host\":\"idle\",\"Score\":10}]");
}

static void a_refused_pod_scores_nothing(void **state)
{
    plimsoll_autotext pod = plimsoll_text_make(4096);
    world_write_pod(&pod, "u-gpu", "-1", "", "");
    plimsoll_autotext body = make_names_body(pod.data, "[\"idle\"]");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = prioritize(*state, &body, &outcome);
    assert_string_equal(answer.data, "[{\"Host\":\"idle\",\"Score\":0}]");
    assert_int_equal(outcome.rejected[PLIMSOLL_REFUSED], 1);
}

static void no_nodes_give_an_empty_list(void **state)
{
    plimsoll_autotext body = make_names_body(NULL, "null");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = prioritize(*state, &body, &outcome);
    assert_string_equal(answer.data, "[]");
}

static void a_gpu_pod_is_unavailable_until_the_world_is_synced(void **state)
{
    struct world *world = *state;
    world->face.synced = false;
    plimsoll_autotext body = make_names_body(NULL, "[\"idle\"]");
    plimsoll_autotext answer = plimsoll_text_make(1024);
    struct plimsoll_extender_outcome outcome;
    struct plimsoll_error err = {0};
    assert_int_equal(world_ask(world, PLIMSOLL_VERB_PRIORITIZE, plimsoll_text_span(&body), 7,
                               &answer, &outcome, &err),
                     -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_UNAVAILABLE);
    assert_int_equal(answer.size, 0);
}

#define PRIORITIZE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PRIORITIZE_TEST(a_pod_without_a_gpu_scores_nothing_anywhere),
        PRIORITIZE_TEST(the_tightest_node_alone_gets_ten_when_packing),
        PRIORITIZE_TEST(full_nodes_score_as_the_same_nodes_by_name),
        PRIORITIZE_TEST(a_bound_pod_wants_its_node_alone),
        PRIORITIZE_TEST(a_refused_pod_scores_nothing),
        PRIORITIZE_TEST(no_nodes_give_an_empty_list),
        PRIORITIZE_TEST(a_gpu_pod_is_unavailable_until_the_world_is_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
