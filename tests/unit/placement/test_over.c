/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

static uint64_t over_line(const struct scene *scene)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    return plimsoll_placement_over_line(&scene->node, load);
}

static uint64_t capacity_mib(const struct scene *scene)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    uint64_t bytes = plimsoll_placement_capacity(&scene->view, load);
    assert_int_equal(bytes % MIB, 0);
    return bytes / MIB;
}

static void a_card_loaded_to_its_line_is_not_over_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 4);
    scene_claim(scene_pod(&scene, "a", scene_demand(false, 15872)), "GPU-1", 15872, 0);
    assert_int_equal(over_line(&scene), 0);
    scene_report(&scene, 1, 16384, true);
    scene_use(&scene, 1, "a", 15872); /* 512 by others: all of the reserve */
    assert_int_equal(over_line(&scene), 0);
}

static void a_byte_more_is_over_the_line(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 4);
    scene_claim(scene_pod(&scene, "a", scene_demand(false, 15872)), "GPU-1", 15872, 0);
    scene.claims[0][0].vram++;
    assert_int_equal(over_line(&scene), 1u << 1);
}

static void others_beyond_the_reserve_push_a_card_over_its_line(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene_claim(scene_pod(&scene, "a", scene_demand(false, 12000)), "GPU-0", 12000, 0);
    scene_report(&scene, 0, 4000, true); /* the host's */
    assert_int_equal(over_line(&scene), 0);
    scene_report(&scene, 0, 5000, true);
    assert_int_equal(over_line(&scene), 1);
}

static void a_card_without_a_line_is_never_over_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 1);
    const char *const ids[] = {"GPU-0", "GPU-1", "GPU-2"};
    for (uint32_t i = 0; i < 3; i++) {
        scene_claim(scene_pod(&scene, ids[i], scene_demand(false, 20000)), ids[i], 20000, 0);
    }
    assert_int_equal(over_line(&scene), 7);
    struct plimsoll_mig instance = {.vram = 5000 * MIB};
    scene.cards[0].total = 0;
    scene.cards[1].free_only = true;
    scene.cards[2].mig = &instance;
    scene.cards[2].mig_count = 1;
    assert_int_equal(over_line(&scene), 0);
}

static void a_pod_is_over_its_claim_where_it_uses_most_beyond_it(void **state)
{
    (void)state;
    struct scene scene;
    struct plimsoll_over_claim over = {0};
    scene_make(&scene, 3, 16384, 4);
    struct plimsoll_pod *pod = scene_pod(&scene, "a", scene_demand(false, 4000));
    scene_claim(pod, "GPU-0", 4000, 0);
    scene_claim(pod, "2", 4000, 0); /* known by its index when it was claimed */
    assert_false(plimsoll_placement_over_claim(&scene.node, pod, &over)); /* nobody measures */
    for (uint32_t i = 0; i < 3; i++) {
        scene_report(&scene, i, 8000, true);
    }
    scene_use(&scene, 0, "a", 4000);
    scene_use(&scene, 0, "b", 9000);
    scene_use(&scene, 2, "a", 3999);
    assert_false(plimsoll_placement_over_claim(&scene.node, pod, &over));
    scene_use(&scene, 1, "a", 300); /* a card that is not its own */
    assert_true(plimsoll_placement_over_claim(&scene.node, pod, &over));
    assert_int_equal(over.card, 1);
    assert_int_equal(over.claimed, 0);
    scene.bytes[2][0].bytes = 4301 * MIB;
    assert_true(plimsoll_placement_over_claim(&scene.node, pod, &over));
    assert_int_equal(over.card, 2);
    assert_int_equal(over.claimed, 4000 * MIB);
    assert_int_equal(over.measured, 4301 * MIB);
}

static void a_floating_claim_is_exceeded_on_any_card(void **state)
{
    (void)state;
    struct scene scene;
    struct plimsoll_over_claim over = {0};
    scene_make(&scene, 2, 16384, 4);
    struct plimsoll_pod *pod = scene_pod(&scene, "a", scene_demand(true, 4000));
    scene_report(&scene, 1, 4001, true);
    scene_use(&scene, 1, "a", 4001);
    assert_false(plimsoll_placement_over_claim(&scene.node, pod, &over)); /* claimed nothing */
    scene_float(pod, 1, 4000);
    assert_true(plimsoll_placement_over_claim(&scene.node, pod, &over));
    assert_int_equal(over.card, 1);
    assert_int_equal(over.claimed, 4000 * MIB);
    scene_float(pod, 1, 0); /* made while the card's memory was unknown */
    assert_false(plimsoll_placement_over_claim(&scene.node, pod, &over));
}

static void the_guarantee_of_a_node_is_that_of_a_vendor_resource(void **state)
{
    (void)state;
    struct scene scene;
    struct plimsoll_mig instance = {.vram = 5000 * MIB};
    scene_make(&scene, 2, 16384, 4);
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    scene.node.pinned = true;
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_PINNED);
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_CDI; /* what a person pins, it contradicts */
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    scene.cards[1].mig = &instance;
    scene.cards[1].mig_count = 1;
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_EXACT);
    scene.cards[0].vendor = PLIMSOLL_VENDOR_AMD;
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_COUNTED);
    scene.node.unusable = scene_nothing;
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_NONE);
    scene.node.unusable = NULL;
    scene.node.card_count = 0;
    assert_int_equal(plimsoll_placement_guarantee(&scene.node), PLIMSOLL_GUARANTEE_NONE);
}

static void a_node_that_lacks_less_is_closer(void **state)
{
    (void)state;
    const struct plimsoll_verdict order[] = {{.reason = PLIMSOLL_NO_VRAM, .missing = 5},
                                             {.reason = PLIMSOLL_NO_VRAM, .missing = 7},
                                             {.reason = PLIMSOLL_CORDONED},
                                             {.reason = PLIMSOLL_OVER_LINE, .missing = 1},
                                             {.reason = PLIMSOLL_OVER_LINE, .missing = 2},
                                             {.reason = PLIMSOLL_NO_CARD}};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (size_t j = 0; j < sizeof order / sizeof order[0]; j++) {
            assert_int_equal(plimsoll_placement_closer(&order[i], &order[j]), i < j);
        }
    }
}

static void a_node_advertises_the_lines_of_its_cards(void **state)
{
    (void)state;
    struct scene scene;
    struct plimsoll_mig instances[] = {{.vram = 5000 * MIB}, {.vram = 10000 * MIB}};
    scene_make(&scene, 3, 16384, 4);
    assert_int_equal(capacity_mib(&scene), 3 * 15872);
    scene.cards[1].mig = instances;
    scene.cards[1].mig_count = 2;
    assert_int_equal(capacity_mib(&scene), 2 * 15872 + 15000);
    scene.cards[0].total = 0; /* nobody knows */
    assert_int_equal(capacity_mib(&scene), 15872 + 15000);
}

static void a_node_never_advertises_less_than_its_pods_ask_for(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    struct plimsoll_demand two = scene_demand(true, 9000);
    two.cards = 2;
    scene_pod(&scene, "a", two);
    assert_int_equal(capacity_mib(&scene), 18000);
    scene_pod(&scene, "share", scene_demand(true, 0)); /* has no limits */
    assert_int_equal(capacity_mib(&scene), 18000);
    scene_pod(&scene, "nominated", scene_demand(true, 9000))->node = scene_nothing;
    assert_int_equal(capacity_mib(&scene), 18000);
    scene_pod(&scene, "b", scene_demand(false, 1000));
    assert_int_equal(capacity_mib(&scene), 19000);
    /* Limits that the annotation contradicts. */
    scene_pod(&scene, "c", scene_demand(false, 0))->demand.vram_limit = 2000 * MIB;
    assert_int_equal(capacity_mib(&scene), 21000);
    scene.cards[0].total = 65536 * MIB;
    assert_int_equal(capacity_mib(&scene), 65024);
}

static void what_a_node_advertises_stays_a_quantity(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    struct plimsoll_pod *pod = scene_pod(&scene, "a", scene_demand(true, 1));
    pod->demand.vram = UINT64_MAX;
    pod->demand.cards = 2;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_int_equal(plimsoll_placement_capacity(&scene.view, load), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_loaded_to_its_line_is_not_over_it),
        cmocka_unit_test(a_byte_more_is_over_the_line),
        cmocka_unit_test(others_beyond_the_reserve_push_a_card_over_its_line),
        cmocka_unit_test(a_card_without_a_line_is_never_over_it),
        cmocka_unit_test(a_pod_is_over_its_claim_where_it_uses_most_beyond_it),
        cmocka_unit_test(a_floating_claim_is_exceeded_on_any_card),
        cmocka_unit_test(the_guarantee_of_a_node_is_that_of_a_vendor_resource),
        cmocka_unit_test(a_node_that_lacks_less_is_closer),
        cmocka_unit_test(a_node_advertises_the_lines_of_its_cards),
        cmocka_unit_test(a_node_never_advertises_less_than_its_pods_ask_for),
        cmocka_unit_test(what_a_node_advertises_stays_a_quantity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
