/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

static int choose(const struct scene *scene, const struct plimsoll_pod *pod,
                  struct plimsoll_claim *claim, struct plimsoll_error *err)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    return plimsoll_placement_choose(&scene->node, load, pod, &scene->settings, claim, err);
}

static struct plimsoll_pod pod_of(struct plimsoll_demand demand)
{
    return (struct plimsoll_pod){.uid = scene_uid("new"), .demand = demand};
}

static struct plimsoll_claim chosen(const struct scene *scene, struct plimsoll_demand demand)
{
    struct plimsoll_pod pod = pod_of(demand);
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err = {0};
    assert_int_equal(choose(scene, &pod, &claim, &err), 0);
    assert_string_equal(claim.pod.text, "new");
    assert_string_equal(claim.node, SCENE_NAME);
    return claim;
}

static void claim_on(struct scene *scene, const char *uid, const char *card, uint64_t vram)
{
    scene_claim(scene_pod(scene, uid, scene_demand(false, vram)), card, vram, UINT64_MAX);
}

static void expect_one(const struct scene *scene, struct plimsoll_demand demand, const char *card)
{
    struct plimsoll_claim claim = chosen(scene, demand);
    assert_int_equal(claim.card_count, 1);
    assert_string_equal(claim.cards[0].id, card);
    plimsoll_claim_clear(&claim);
}

static void pack_takes_the_tightest_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 4);
    claim_on(&scene, "A", "GPU-1", 8000);
    claim_on(&scene, "B", "GPU-2", 4000);
    expect_one(&scene, scene_demand(false, 6000), "GPU-1");
    expect_one(&scene, scene_demand(false, 9000), "GPU-2");
    expect_one(&scene, scene_demand(false, 13000), "GPU-0");
}

static void pack_keeps_the_large_card_whole(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 81920, 1);
    scene.cards[1].total = 24576 * MIB;
    expect_one(&scene, scene_demand(false, 6000), "GPU-1");
    expect_one(&scene, scene_demand(false, 30000), "GPU-0");
}

static void spread_takes_the_emptiest_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 4);
    scene.settings.policy = PLIMSOLL_POLICY_SPREAD;
    claim_on(&scene, "A", "GPU-0", 8000);
    claim_on(&scene, "B", "GPU-2", 4000);
    expect_one(&scene, scene_demand(false, 2000), "GPU-1");
    struct plimsoll_demand demand = scene_demand(false, 2000);
    demand.policy = PLIMSOLL_POLICY_PACK; /* the pod's own word */
    expect_one(&scene, demand, "GPU-0");
}

static void a_claim_names_bytes_and_the_idle_baseline(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene_report(&scene, 0, 700, false);
    struct plimsoll_claim first = chosen(&scene, scene_demand(true, 6000));
    assert_int_equal(first.cards[0].vram, 6000 * MIB);
    assert_int_equal(first.cards[0].idle, 700 * MIB);
    plimsoll_claim_clear(&first);
    scene_claim(scene_pod(&scene, "A", scene_demand(true, 6000)), "GPU-0", 6000, 700);
    scene_report(&scene, 0, 6700, false);
    struct plimsoll_claim second = chosen(&scene, scene_demand(true, 1000));
    assert_int_equal(second.cards[0].idle, 700 * MIB);
    plimsoll_claim_clear(&second);
    scene.pods[0].claim.cards[0].idle = UINT64_MAX;
    struct plimsoll_claim third = chosen(&scene, scene_demand(true, 1000));
    assert_true(third.cards[0].idle == UINT64_MAX);
    plimsoll_claim_clear(&third);
}

static void where_the_plugin_picks_the_claim_floats(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 2);
    scene.cards[2].total = 8192 * MIB;
    scene.settings.default_request = PLIMSOLL_DEFAULT_SHARE;
    struct plimsoll_demand demand = scene_demand(true, 0);
    demand.cards = 2;
    struct plimsoll_claim claim = chosen(&scene, demand);
    assert_int_equal(claim.card_count, 0);
    assert_null(claim.cards);
    assert_int_equal(claim.floating_cards, 2);
    assert_int_equal(claim.floating_vram, (16384 - 512) / 2 * MIB); /* the largest it can come to */
    assert_int_equal(claim.less_count, 1);
    assert_string_equal(claim.less[0].id, "GPU-2");
    assert_int_equal(claim.less[0].vram, (8192 - 512) / 2 * MIB);
    plimsoll_claim_clear(&claim);
    demand.request = PLIMSOLL_REQUEST_PERCENT;
    demand.percent_milli = 25000;
    struct plimsoll_claim share = chosen(&scene, demand);
    assert_int_equal(share.floating_vram, 4096 * MIB);
    assert_int_equal(share.less_count, 1);
    assert_int_equal(share.less[0].vram, 2048 * MIB);
    plimsoll_claim_clear(&share);
    struct plimsoll_claim bytes = chosen(&scene, scene_demand(true, 1000));
    assert_int_equal(bytes.floating_vram, 1000 * MIB);
    assert_int_equal(bytes.less_count, 0);
    plimsoll_claim_clear(&bytes);
}

static void a_pod_that_sees_every_card_claims_every_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 2);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.every_card = true;
    struct plimsoll_claim claim = chosen(&scene, demand);
    assert_int_equal(claim.card_count, 3);
    assert_string_equal(claim.cards[2].id, "GPU-2");
    plimsoll_claim_clear(&claim);
}

static void exclusive_devices_are_not_claimed(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 65536, 1);
    scene.cards[0].vendor = PLIMSOLL_VENDOR_AMD;
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.vendor = PLIMSOLL_VENDOR_AMD;
    struct plimsoll_claim claim = chosen(&scene, demand);
    assert_int_equal(claim.card_count + claim.floating_cards, 0);
}

static void expect_two(const struct scene *scene, enum plimsoll_topology topology, const char *a,
                       const char *b)
{
    struct plimsoll_demand demand = scene_demand(false, 4000);
    demand.cards = 2;
    demand.topology = topology;
    struct plimsoll_claim claim = chosen(scene, demand);
    assert_int_equal(claim.card_count, 2);
    assert_string_equal(claim.cards[0].id, a);
    assert_string_equal(claim.cards[1].id, b);
    plimsoll_claim_clear(&claim);
}

static void several_cards_are_distinct_and_best_joined(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 6, 16384, 4);
    for (int i = 0; i < 6; i++) {
        scene.cards[i].numa = (int16_t)(i / 3);
    }
    claim_on(&scene, "A", "GPU-0", 8000);
    claim_on(&scene, "B", "GPU-3", 8000);
    expect_two(&scene, PLIMSOLL_TOPOLOGY_NUMA, "GPU-0", "GPU-1");
    scene.cards[4].nvlink = 1 << 2 | 1 << 3;
    expect_two(&scene, PLIMSOLL_TOPOLOGY_NVLINK, "GPU-3", "GPU-4");
    expect_two(&scene, PLIMSOLL_TOPOLOGY_ANY, "GPU-3", "GPU-4");
    scene.cards[4].nvlink = 0;
    expect_two(&scene, PLIMSOLL_TOPOLOGY_ANY, "GPU-0", "GPU-1");
    for (int i = 0; i < 6; i++) {
        scene.cards[i].numa = (int16_t)i;
    }
    expect_two(&scene, PLIMSOLL_TOPOLOGY_ANY, "GPU-0", "GPU-3");
}

static void a_refusal_leaves_the_claim_alone_and_says_why(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    claim_on(&scene, "A", "GPU-0", 12000);
    struct plimsoll_claim claim = {.floating_cards = 7};
    struct plimsoll_error err = {0};
    struct plimsoll_pod pod = pod_of(scene_demand(true, 8192));
    assert_int_equal(choose(&scene, &pod, &claim, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_CONFLICT);
    assert_string_equal(err.message, "insufficient free VRAM (want 8Gi)");
    char refusal[] = "plimsoll.dev/vram: \"much\" is no quantity";
    pod.refusal = refusal;
    assert_int_equal(choose(&scene, &pod, &claim, &err), -1);
    assert_string_equal(err.message, refusal);
    assert_int_equal(claim.floating_cards, 7);
}

static void unknown_memory_is_claimed_as_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 0, 1);
    struct plimsoll_claim claim = chosen(&scene, scene_demand(true, 0));
    assert_int_equal(claim.card_count, 1);
    assert_int_equal(claim.cards[0].vram, 0);
    assert_true(claim.cards[0].idle == UINT64_MAX);
    plimsoll_claim_clear(&claim);
}

static void expect_visible(const struct scene *scene, const struct plimsoll_demand *demand,
                           const struct plimsoll_claim *claim, unsigned container,
                           const char *expected)
{
    plimsoll_autotext text = plimsoll_text_make(1024);
    plimsoll_placement_visible(&scene->node, demand, claim, container, &text);
    assert_string_equal(text.data, expected);
}

static void containers_of_a_vram_only_pod_share_its_cards(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    struct plimsoll_demand demand = scene_demand(false, 1000);
    demand.cards = 2;
    demand.container_count = 2;
    struct plimsoll_claim claim = chosen(&scene, demand);
    expect_visible(&scene, &demand, &claim, 0, "GPU-0,GPU-1");
    expect_visible(&scene, &demand, &claim, 1, "GPU-0,GPU-1");
    expect_visible(&scene, &demand, &claim, 2, "void");
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_CDI; /* of the plugin, which is not asked */
    expect_visible(&scene, &demand, &claim, 0, "GPU-0,GPU-1");
    plimsoll_claim_clear(&claim);
}

static void containers_of_a_pinned_pod_split_its_cards(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 4, 16384, 1);
    scene.node.pinned = true;
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.env_ours = true;
    demand.cards = 3;
    demand.container_count = 3;
    demand.container_cards[0] = 1;
    demand.container_cards[1] = 0;
    demand.container_cards[2] = 2;
    struct plimsoll_claim claim = chosen(&scene, demand);
    expect_visible(&scene, &demand, &claim, 0, "GPU-0");
    expect_visible(&scene, &demand, &claim, 1, "void");
    expect_visible(&scene, &demand, &claim, 2, "GPU-1,GPU-2");
    plimsoll_claim_clear(&claim);
}

static void containers_on_one_shared_card_all_see_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.env_ours = true;
    demand.cards = 2;
    demand.container_count = 2;
    demand.container_cards[1] = 1;
    struct plimsoll_claim claim = chosen(&scene, demand);
    expect_visible(&scene, &demand, &claim, 0, "GPU-0");
    expect_visible(&scene, &demand, &claim, 1, "GPU-0");
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_CDI;
    expect_visible(&scene, &demand, &claim, 0, "void");
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_MOUNTS;
    expect_visible(&scene, &demand, &claim, 0, "void");
    plimsoll_claim_clear(&claim);
}

static void a_floating_claim_shows_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 4);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    struct plimsoll_claim claim = chosen(&scene, demand);
    expect_visible(&scene, &demand, &claim, 0, "void");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_takes_the_tightest_card),
        cmocka_unit_test(pack_keeps_the_large_card_whole),
        cmocka_unit_test(spread_takes_the_emptiest_card),
        cmocka_unit_test(a_claim_names_bytes_and_the_idle_baseline),
        cmocka_unit_test(where_the_plugin_picks_the_claim_floats),
        cmocka_unit_test(a_pod_that_sees_every_card_claims_every_card),
        cmocka_unit_test(exclusive_devices_are_not_claimed),
        cmocka_unit_test(several_cards_are_distinct_and_best_joined),
        cmocka_unit_test(a_refusal_leaves_the_claim_alone_and_says_why),
        cmocka_unit_test(unknown_memory_is_claimed_as_nothing),
        cmocka_unit_test(containers_of_a_vram_only_pod_share_its_cards),
        cmocka_unit_test(containers_of_a_pinned_pod_split_its_cards),
        cmocka_unit_test(containers_on_one_shared_card_all_see_it),
        cmocka_unit_test(a_floating_claim_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
