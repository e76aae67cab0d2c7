/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

static double score(const struct scene *scene, struct plimsoll_demand demand)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    return plimsoll_placement_score(&scene->node, load, &demand, &scene->settings);
}

/* A node with one card of `total` of which `booked` is. */
static void make_node(struct scene *scene, uint64_t total, uint64_t booked)
{
    scene_make(scene, 1, total, 8);
    if (booked > 0) {
        scene_claim(scene_pod(scene, "A", scene_demand(false, booked)), "GPU-0", booked,
                    UINT64_MAX);
    }
}

static void pack_prefers_the_node_with_the_least_left(void **state)
{
    (void)state;
    struct scene empty, used, large;
    make_node(&empty, 16384, 0);
    make_node(&used, 16384, 8000);
    make_node(&large, 81920, 0);
    assert_true(score(&used, scene_demand(false, 4000)) > score(&empty, scene_demand(false, 4000)));
    assert_true(score(&empty, scene_demand(false, 4000)) >
                score(&large, scene_demand(false, 4000)));
}

static void pack_prefers_the_card_in_use_of_two_equally_tight(void **state)
{
    (void)state;
    struct scene small, large;
    make_node(&small, 16384, 0);
    make_node(&large, 81920, 81920 - 16384);
    assert_true(score(&large, scene_demand(false, 4000)) >
                score(&small, scene_demand(false, 4000)));
}

static void spread_prefers_the_node_with_the_largest_part_free(void **state)
{
    (void)state;
    struct scene small, large;
    make_node(&small, 16384, 0);
    make_node(&large, 81920, 60000);
    small.settings.policy = large.settings.policy = PLIMSOLL_POLICY_SPREAD;
    assert_true(score(&small, scene_demand(false, 4000)) >
                score(&large, scene_demand(false, 4000)));
}

static void the_best_card_of_a_node_speaks_for_it(void **state)
{
    (void)state;
    struct scene one, two;
    make_node(&one, 16384, 8000);
    make_node(&two, 16384, 8000);
    two.cards[1] = two.cards[0];
    snprintf(two.cards[1].id, sizeof two.cards[1].id, "GPU-1");
    two.cards[1].index = 1;
    two.node.card_count = 2;
    assert_true(score(&one, scene_demand(false, 4000)) == score(&two, scene_demand(false, 4000)));
}

static void what_is_not_accounted_comes_after_what_is(void **state)
{
    (void)state;
    struct scene known, unknown, full;
    make_node(&known, 81920, 0);
    make_node(&unknown, 0, 0);
    make_node(&full, 16384, 15000);
    assert_true(score(&known, scene_demand(true, 0)) > score(&unknown, scene_demand(true, 0)));
    assert_true(score(&unknown, scene_demand(true, 0)) > score(&full, scene_demand(true, 0)));
}

static void exclusive_devices_take_the_smallest_that_does(void **state)
{
    (void)state;
    struct scene small, large;
    make_node(&small, 16384, 0);
    make_node(&large, 65536, 0);
    small.cards[0].vendor = large.cards[0].vendor = PLIMSOLL_VENDOR_AMD;
    struct plimsoll_demand demand = scene_demand(true, 8000);
    demand.vendor = PLIMSOLL_VENDOR_AMD;
    assert_true(score(&small, demand) > score(&large, demand));
}

static void expect_steps(const double *scores, size_t count, const int *expected)
{
    int out[64];
    assert_true(count <= 64);
    plimsoll_placement_quantise(scores, count, out);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(out[i], expected[i]);
    }
}

static void only_the_best_get_ten(void **state)
{
    (void)state;
    expect_steps((double[]){0.5, 0.999, 1.0, 1.0, 0.0}, 5, (int[]){5, 9, 10, 10, 0});
    expect_steps((double[]){3, 3, 3}, 3, (int[]){10, 10, 10});
    expect_steps((double[]){-2}, 1, (int[]){10});
    plimsoll_placement_quantise(NULL, 0, NULL);
}

static void order_is_kept_where_ten_steps_allow(void **state)
{
    (void)state;
    expect_steps((double[]){1.0, 0.999, 0.998, 0.997, 0.0}, 5, (int[]){10, 9, 8, 7, 0});
    expect_steps((double[]){0, 0.001, 0.002, 1}, 4, (int[]){0, 1, 2, 10});
    double eleven[11];
    int steps[11];
    for (int i = 0; i < 11; i++) {
        eleven[i] = i == 10 ? 1000 : i;
        steps[i] = i;
    }
    expect_steps(eleven, 11, steps);
}

static void many_scores_keep_the_best_alone_and_never_swap(void **state)
{
    (void)state;
    double scores[64];
    int out[64];
    for (int i = 0; i < 64; i++) {
        scores[i] = (double)(i * 37 % 64) / 64;
    }
    plimsoll_placement_quantise(scores, 64, out);
    for (int i = 0; i < 64; i++) {
        assert_in_range(out[i], 0, 10);
        assert_int_equal(out[i] == 10, i * 37 % 64 == 63);
        for (int j = 0; j < 64; j++) {
            assert_true(scores[i] < scores[j] || out[i] >= out[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_prefers_the_node_with_the_least_left),
        cmocka_unit_test(pack_prefers_the_card_in_use_of_two_equally_tight),
        cmocka_unit_test(spread_prefers_the_node_with_the_largest_part_free),
        cmocka_unit_test(the_best_card_of_a_node_speaks_for_it),
        cmocka_unit_test(what_is_not_accounted_comes_after_what_is),
        cmocka_unit_test(exclusive_devices_take_the_smallest_that_does),
        cmocka_unit_test(only_the_best_get_ten),
        cmocka_unit_test(order_is_kept_where_ten_steps_allow),
        cmocka_unit_test(many_scores_keep_the_best_alone_and_never_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
