/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

static void expect(const struct scene *scene, struct plimsoll_demand demand,
                   enum plimsoll_reason reason, enum plimsoll_guarantee guarantee)
{
    struct plimsoll_verdict verdict = scene_judge(scene, demand);
    assert_string_equal(plimsoll_reason_label(verdict.reason), plimsoll_reason_label(reason));
    assert_string_equal(plimsoll_guarantee_text(verdict.guarantee),
                        plimsoll_guarantee_text(guarantee));
}

static void expect_fits(const struct scene *scene, struct plimsoll_demand demand,
                        enum plimsoll_guarantee guarantee)
{
    expect(scene, demand, PLIMSOLL_FITS, guarantee);
}

static void expect_refused(const struct scene *scene, struct plimsoll_demand demand,
                           enum plimsoll_reason reason)
{
    expect(scene, demand, reason, PLIMSOLL_GUARANTEE_NONE);
}

static void claim_on(struct scene *scene, const char *uid, const char *card, uint64_t vram)
{
    scene_claim(scene_pod(scene, uid, scene_demand(false, vram)), card, vram, UINT64_MAX);
}

static void a_pod_without_a_gpu_fits_anywhere(void **state)
{
    (void)state;
    const struct plimsoll_placement_settings settings = {0};
    const struct plimsoll_demand demand = {0};
    struct plimsoll_verdict verdict = plimsoll_placement_judge(NULL, NULL, &demand, &settings);
    assert_int_equal(verdict.reason, PLIMSOLL_FITS);
    assert_int_equal(verdict.guarantee, PLIMSOLL_GUARANTEE_NONE);
}

static void a_node_that_is_unknown_or_unreadable_takes_no_gpu_pod(void **state)
{
    (void)state;
    struct scene scene;
    char unusable[] = "usage: byte 3";
    scene_make(&scene, 1, 16384, 1);
    const struct plimsoll_demand demand = scene_demand(false, 1000);
    assert_int_equal(plimsoll_placement_judge(NULL, NULL, &demand, &scene.settings).reason,
                     PLIMSOLL_NO_NODE);
    scene.node.unusable = unusable;
    expect_refused(&scene, demand, PLIMSOLL_UNUSABLE);
}

static void the_line_is_the_limit_to_the_byte(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claim_on(&scene, "A", "GPU-0", 10000);
    struct plimsoll_demand demand = scene_demand(false, 5872);
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    demand.vram++;
    expect_refused(&scene, demand, PLIMSOLL_NO_VRAM);
    struct plimsoll_verdict verdict = scene_judge(&scene, demand);
    assert_int_equal(verdict.want, 5872 * MIB + 1);
    assert_int_equal(verdict.missing, 1);
}

static void a_request_above_the_line_says_that_it_can_never_fit(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    expect_fits(&scene, scene_demand(false, 15872), PLIMSOLL_GUARANTEE_EXACT);
    expect_refused(&scene, scene_demand(false, 15873), PLIMSOLL_OVER_LINE);
}

static void a_percentage_is_of_the_card_it_lands_on(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    scene.cards[1].total = 8192 * MIB;
    claim_on(&scene, "A", "GPU-0", 10000);
    struct plimsoll_demand demand = scene_demand(false, 0);
    demand.request = PLIMSOLL_REQUEST_PERCENT;
    demand.percent_milli = 50000;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    assert_int_equal(scene_judge(&scene, demand).want, 4096 * MIB);
    claim_on(&scene, "B", "GPU-1", 5000);
    expect_refused(&scene, demand, PLIMSOLL_NO_VRAM);
    demand.percent_milli = 99000;
    expect_refused(&scene, demand, PLIMSOLL_OVER_LINE);
}

static void a_vendor_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.vendor = PLIMSOLL_VENDOR_AMD;
    expect_refused(&scene, demand, PLIMSOLL_NO_CARD);
    scene.cards[0].vendor = PLIMSOLL_VENDOR_INTEL;
    expect_refused(&scene, scene_demand(true, 1000), PLIMSOLL_NO_CARD);
}

static void a_vram_only_pod_needs_a_runtime_that_honours_the_env(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene.node.env = PLIMSOLL_NO;
    expect_refused(&scene, scene_demand(false, 1000), PLIMSOLL_NO_ENV);
    expect_fits(&scene, scene_demand(true, 1000), PLIMSOLL_GUARANTEE_EXACT);
    scene.node.env = PLIMSOLL_UNKNOWN;
    expect_fits(&scene, scene_demand(false, 1000), PLIMSOLL_GUARANTEE_EXACT);
}

static void sick_cordoned_and_half_known_cards_take_nothing_new(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene.cards[0].cordoned = true;
    expect_refused(&scene, scene_demand(false, 1000), PLIMSOLL_CORDONED);
    scene.cards[0].cordoned = false;
    scene.cards[0].disagrees = true;
    expect_refused(&scene, scene_demand(false, 1000), PLIMSOLL_NO_HEALTHY_CARD);
    scene.cards[0].disagrees = false;
    snprintf(scene.cards[0].health, sizeof scene.cards[0].health, "xid 79");
    expect_refused(&scene, scene_demand(false, 1000), PLIMSOLL_NO_HEALTHY_CARD);
    expect_refused(&scene, scene_demand(true, 1000), PLIMSOLL_NO_HEALTHY_CARD);
}

static void the_closest_card_gives_the_reason(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 4, 16384, 1);
    scene.cards[0].total = 4096 * MIB;
    scene.cards[1].cordoned = true;
    claim_on(&scene, "A", "GPU-2", 9000);
    claim_on(&scene, "B", "GPU-3", 8000);
    struct plimsoll_verdict verdict = scene_judge(&scene, scene_demand(false, 10000));
    assert_int_equal(verdict.reason, PLIMSOLL_NO_VRAM);
    assert_int_equal(verdict.missing, (10000 - 7872) * MIB);
    scene.node.card_count = 2;
    expect_refused(&scene, scene_demand(false, 10000), PLIMSOLL_CORDONED);
    expect_refused(&scene, scene_demand(false, 20000), PLIMSOLL_OVER_LINE);
}

static void unknown_memory_passes_the_default_by_count_only(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 0, 1);
    expect_refused(&scene, scene_demand(true, 1000), PLIMSOLL_MEMORY_UNKNOWN);
    expect_refused(&scene, scene_demand(false, 1000), PLIMSOLL_MEMORY_UNKNOWN);
    expect_fits(&scene, scene_demand(true, 0), PLIMSOLL_GUARANTEE_EXACT);
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).unaccounted, 1);
    scene.cards[0].total = 16384 * MIB;
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).unaccounted, 0);
}

static void the_default_makes_do_with_what_the_host_leaves_down_to_half(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene.settings.default_request = PLIMSOLL_DEFAULT_SHARE;
    scene.cards[0].reported = scene.cards[0].attributed = true;
    scene.cards[0].used = 1500 * MIB; /* a desktop: more than the reserve */
    expect_fits(&scene, scene_demand(true, 0), PLIMSOLL_GUARANTEE_EXACT);
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).want, (16384 - 1500) * MIB);
    scene.cards[0].replicas = 2;
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).want, (16384 - 1500) / 2 * MIB);
    scene.cards[0].replicas = 1;
    scene.cards[0].used = 12000 * MIB;
    expect_refused(&scene, scene_demand(true, 0), PLIMSOLL_NO_VRAM);
    expect_refused(&scene, scene_demand(true, 14884), PLIMSOLL_NO_VRAM); /* a request stays one */
}

static void mps_caps_a_client_at_its_share(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene.node.mps = true;
    expect_fits(&scene, scene_demand(true, 4096), PLIMSOLL_GUARANTEE_EXACT);
    expect_refused(&scene, scene_demand(true, 4097), PLIMSOLL_OVER_MPS_SHARE);
    expect_refused(&scene, scene_demand(true, 16000), PLIMSOLL_OVER_LINE);
    scene.settings.default_request = PLIMSOLL_DEFAULT_WHOLE;
    expect_fits(&scene, scene_demand(true, 0), PLIMSOLL_GUARANTEE_EXACT);
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).want, 4096 * MIB);
}

static void where_the_plugin_picks_every_card_must_do(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    expect_fits(&scene, scene_demand(true, 8000), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    claim_on(&scene, "A", "GPU-1", 8000);
    expect_refused(&scene, scene_demand(true, 8000), PLIMSOLL_NO_VRAM);
    expect_fits(&scene, scene_demand(false, 8000), PLIMSOLL_GUARANTEE_EXACT);
    expect_fits(&scene, scene_demand(true, 7872), PLIMSOLL_GUARANTEE_CONSERVATIVE);
}

static void a_card_without_a_free_replica_is_not_picked(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    scene_pod(&scene, "H", scene_demand(true, 12000));
    scene_hold(&scene, 1, "H");
    expect_fits(&scene, scene_demand(true, 8000), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    struct plimsoll_demand two = scene_demand(true, 1000);
    two.cards = 2;
    expect_refused(&scene, two, PLIMSOLL_TOO_FEW_CARDS);
}

/* The holder may end before the pod starts, and the plugin may then give its device to it. */
static void a_card_without_a_free_replica_has_to_bear_the_pod_once_one_is_free(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    claim_on(&scene, "A", "GPU-1", 8000);
    claim_on(&scene, "B", "GPU-1", 6000);
    scene_hold(&scene, 1, "A");
    scene_hold(&scene, 1, "B");
    expect_fits(&scene, scene_demand(true, 7872), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    expect_refused(&scene, scene_demand(true, 7873), PLIMSOLL_NO_VRAM);
    assert_int_equal(scene_judge(&scene, scene_demand(true, 8000)).missing, 128 * MIB);
    /* Who else floats may come there as well, once both have ended. */
    scene_float(scene_pod(&scene, "C", scene_demand(true, 9000)), 1, 9000);
    expect_fits(&scene, scene_demand(true, 6872), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    expect_refused(&scene, scene_demand(true, 6873), PLIMSOLL_NO_VRAM);
    /* Nothing but bytes matters there, and they only where the plugin may come to pick it. */
    scene.cards[1].cordoned = true;
    expect_fits(&scene, scene_demand(true, 6872), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    snprintf(scene.cards[1].health, sizeof scene.cards[1].health, "lost");
    scene.resource.allocatable = 2;
    scene.view.pod_count = 2;
    expect_fits(&scene, scene_demand(true, 15000), PLIMSOLL_GUARANTEE_CONSERVATIVE);
}

static void what_a_holder_uses_leaves_with_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    claim_on(&scene, "A", "GPU-1", 8000);
    scene_hold(&scene, 1, "A");
    scene_report(&scene, 0, 0, true);
    scene_report(&scene, 1, 10000, true);
    scene_use(&scene, 1, "A", 10000);
    expect_fits(&scene, scene_demand(true, 15872), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    /* Not what others use. */
    scene.cards[1].used = 11000 * MIB;
    expect_fits(&scene, scene_demand(true, 15384), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    expect_refused(&scene, scene_demand(true, 15385), PLIMSOLL_NO_VRAM);
    /* A card over its line has to come down to it first. */
    scene.pods[0].claim.cards[0].vram = 12000 * MIB;
    scene.cards[1].used = scene.cards[1].total;
    expect_fits(&scene, scene_demand(true, 10000), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    expect_refused(&scene, scene_demand(true, 10001), PLIMSOLL_NO_VRAM);
}

static void other_floating_claims_count_against_each_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    scene_float(scene_pod(&scene, "A", scene_demand(true, 8000)), 1, 8000);
    scene_float(scene_pod(&scene, "B", scene_demand(true, 4000)), 1, 4000);
    expect_fits(&scene, scene_demand(true, 7872), PLIMSOLL_GUARANTEE_CONSERVATIVE);
    expect_refused(&scene, scene_demand(true, 7873), PLIMSOLL_NO_VRAM);
    expect_fits(&scene, scene_demand(false, 3872), PLIMSOLL_GUARANTEE_EXACT);
    expect_refused(&scene, scene_demand(false, 3873), PLIMSOLL_NO_VRAM);
}

static void a_cordoned_card_that_the_plugin_may_pick_refuses_the_node(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    scene.cards[1].cordoned = true;
    expect_refused(&scene, scene_demand(true, 1000), PLIMSOLL_CORDONED);
    expect_fits(&scene, scene_demand(false, 1000), PLIMSOLL_GUARANTEE_EXACT);
}

static void a_sick_card_counts_while_the_plugin_still_offers_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    snprintf(scene.cards[1].health, sizeof scene.cards[1].health, "ecc");
    scene.resource.allocatable = 4;
    expect_refused(&scene, scene_demand(true, 1000), PLIMSOLL_NO_HEALTHY_CARD);
    scene.resource.allocatable = 2;
    expect_fits(&scene, scene_demand(true, 1000), PLIMSOLL_GUARANTEE_CONSERVATIVE);
}

static void a_pinned_node_obeys_our_env(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    scene.node.pinned = true;
    claim_on(&scene, "A", "GPU-1", 12000);
    struct plimsoll_demand demand = scene_demand(true, 8000);
    expect_refused(&scene, demand, PLIMSOLL_NO_VRAM); /* without our env the plugin picks */
    demand.env_ours = true;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_PINNED);
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_UNKNOWN;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_PINNED);
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_ENV_NODES;
    expect_refused(&scene, demand, PLIMSOLL_ENV_CONFLICT);
}

static void our_env_is_refused_where_the_plugin_would_be_overridden(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.env_ours = true;
    expect_refused(&scene, demand, PLIMSOLL_ENV_CONFLICT);
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_CDI;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_CONSERVATIVE);
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_MOUNTS;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_CONSERVATIVE);
    scene.node.device_list = PLIMSOLL_DEVICE_LIST_UNKNOWN;
    expect_refused(&scene, demand, PLIMSOLL_ENV_CONFLICT);
    scene.node.card_count = 1;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
}

static void a_pod_that_sees_every_card_must_fit_on_every_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_demand demand = scene_demand(true, 9000);
    demand.every_card = true;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    claim_on(&scene, "A", "GPU-1", 8000);
    expect_refused(&scene, demand, PLIMSOLL_NO_VRAM);
}

static void several_cards_need_as_many_that_fit(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 1);
    struct plimsoll_demand demand = scene_demand(false, 8000);
    demand.cards = 2;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    claim_on(&scene, "A", "GPU-1", 9000);
    claim_on(&scene, "B", "GPU-2", 9000);
    expect_refused(&scene, demand, PLIMSOLL_NO_VRAM);
    demand.cards = 4;
    expect_refused(&scene, demand, PLIMSOLL_TOO_FEW_CARDS);
}

static void two_devices_of_one_shared_card_are_one_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 2);
    struct plimsoll_demand demand = scene_demand(true, 15872);
    demand.cards = 2;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    demand.cards = 3;
    expect_refused(&scene, demand, PLIMSOLL_TOO_FEW_CARDS);
    demand = scene_demand(false, 1000);
    demand.cards = 2;
    expect_refused(&scene, demand, PLIMSOLL_TOO_FEW_CARDS);
}

static void cards_must_be_joined_where_that_is_asked(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 4, 16384, 1);
    struct plimsoll_demand demand = scene_demand(false, 8000);
    demand.cards = 2;
    demand.topology = PLIMSOLL_TOPOLOGY_NVLINK;
    expect_refused(&scene, demand, PLIMSOLL_NO_TOPOLOGY);
    scene.cards[1].nvlink = 1 << 3; /* told by one end only */
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    claim_on(&scene, "A", "GPU-3", 12000);
    expect_refused(&scene, demand, PLIMSOLL_NO_TOPOLOGY);
    demand.topology = PLIMSOLL_TOPOLOGY_NUMA;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT); /* a machine without NUMA is one node */
    for (int i = 0; i < 4; i++) {
        scene.cards[i].numa = (int16_t)(i / 2);
    }
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
    claim_on(&scene, "B", "GPU-0", 12000);
    expect_refused(&scene, demand, PLIMSOLL_NO_TOPOLOGY);
    demand.topology = PLIMSOLL_TOPOLOGY_ANY;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_EXACT);
}

static struct plimsoll_demand mig_demand(const char *profile, uint64_t vram)
{
    struct plimsoll_demand demand = scene_demand(true, vram);
    demand.mig = true;
    snprintf(demand.mig_profile, sizeof demand.mig_profile, "%s", profile);
    snprintf(demand.resource, sizeof demand.resource, "nvidia.com/mig-%s", profile);
    return demand;
}

static void instances_are_counted_by_profile_size_and_health(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 81920, 1);
    struct plimsoll_mig mig[3] = {{.profile = "1g.10gb", .vram = 9728 * MIB},
                                  {.profile = "1g.10gb+me", .vram = 9728 * MIB},
                                  {.profile = "3g.40gb", .vram = 40000 * MIB}};
    scene.cards[0].mig = mig;
    scene.cards[0].mig_count = 3;
    expect_fits(&scene, mig_demand("1g.10gb", 9728), PLIMSOLL_GUARANTEE_COUNTED);
    expect_refused(&scene, mig_demand("1g.10gb", 9729), PLIMSOLL_OVER_LINE);
    expect_fits(&scene, mig_demand("1g.10gb.me", 0), PLIMSOLL_GUARANTEE_COUNTED);
    expect_refused(&scene, mig_demand("2g.20gb", 0), PLIMSOLL_NO_INSTANCE);
    expect_fits(&scene, mig_demand("", 20000), PLIMSOLL_GUARANTEE_COUNTED);
    struct plimsoll_demand two = mig_demand("3g.40gb", 0);
    two.cards = 2;
    expect_refused(&scene, two, PLIMSOLL_TOO_FEW_CARDS);
    scene.cards[0].cordoned = true;
    expect_refused(&scene, mig_demand("1g.10gb", 0), PLIMSOLL_CORDONED);
    snprintf(scene.cards[0].health, sizeof scene.cards[0].health, "ecc");
    expect_refused(&scene, mig_demand("1g.10gb", 0), PLIMSOLL_NO_HEALTHY_CARD);
}

static void split_cards_are_for_instances_only(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 81920, 1);
    struct plimsoll_mig mig = {.profile = "1g.10gb", .vram = 9728 * MIB};
    scene.cards[0].mig = &mig;
    scene.cards[0].mig_count = 1;
    expect_refused(&scene, scene_demand(false, 1000), PLIMSOLL_SPLIT);
    /* MIG single: the plugin calls its instances nvidia.com/gpu. */
    expect_fits(&scene, scene_demand(true, 9000), PLIMSOLL_GUARANTEE_COUNTED);
    scene.resource.allocatable = 0;
    expect_refused(&scene, scene_demand(true, 9000), PLIMSOLL_SPLIT);
}

static void instances_that_only_the_plugin_lists_are_counted(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 81920, 1);
    snprintf(scene.resource.name, sizeof scene.resource.name, "nvidia.com/mig-1g.10gb");
    scene.resource.mig = true;
    scene.resource.allocatable = 7;
    expect_fits(&scene, mig_demand("1g.10gb", 0), PLIMSOLL_GUARANTEE_COUNTED);
    expect_refused(&scene, mig_demand("1g.10gb", 5000), PLIMSOLL_MEMORY_UNKNOWN);
    expect_refused(&scene, mig_demand("2g.20gb", 0), PLIMSOLL_NO_INSTANCE);
}

static void amd_and_intel_cards_need_size_health_and_measured_room(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 65536, 1);
    struct plimsoll_demand demand = scene_demand(true, 60000);
    demand.vendor = PLIMSOLL_VENDOR_AMD;
    for (uint32_t i = 0; i < 2; i++) {
        scene.cards[i].vendor = PLIMSOLL_VENDOR_AMD;
        scene_report(&scene, i, 20000, false);
    }
    expect_refused(&scene, demand, PLIMSOLL_NO_VRAM);
    demand.vram = 40000 * MIB;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_COUNTED);
    demand.cards = 2;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_COUNTED);
    scene.cards[0].cordoned = true;
    expect_refused(&scene, demand, PLIMSOLL_CORDONED);
    demand.cards = 1;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_COUNTED);
    demand.request = PLIMSOLL_REQUEST_DEFAULT;
    expect_fits(&scene, demand, PLIMSOLL_GUARANTEE_COUNTED);
    demand.cards = 3;
    expect_refused(&scene, demand, PLIMSOLL_TOO_FEW_CARDS);
}

static void write_reason(enum plimsoll_reason reason, struct plimsoll_demand demand,
                         const char *expected)
{
    plimsoll_autotext text = plimsoll_text_make(512);
    plimsoll_reason_write(reason, &demand, &text);
    assert_string_equal(text.data, expected);
}

static void reasons_name_what_was_asked_and_nothing_of_the_node(void **state)
{
    (void)state;
    struct plimsoll_demand demand = scene_demand(false, 12288);
    write_reason(PLIMSOLL_NO_VRAM, demand, "insufficient free VRAM (want 12Gi)");
    write_reason(PLIMSOLL_NO_CARD, demand, "no NVIDIA card");
    write_reason(PLIMSOLL_NO_NODE, demand, "not yet known to Plimsoll");
    write_reason(PLIMSOLL_MEMORY_UNKNOWN, demand, "card memory unknown");
    demand.cards = 4;
    demand.topology = PLIMSOLL_TOPOLOGY_NVLINK;
    write_reason(PLIMSOLL_TOO_FEW_CARDS, demand, "too few cards (want 4)");
    write_reason(PLIMSOLL_NO_TOPOLOGY, demand,
                 "too few free cards together (want 4 joined by NVLink)");
    demand.request = PLIMSOLL_REQUEST_PERCENT;
    demand.percent_milli = 50500;
    write_reason(PLIMSOLL_NO_VRAM, demand, "insufficient free VRAM (want 50.500 percent)");
    demand.request = PLIMSOLL_REQUEST_DEFAULT;
    write_reason(PLIMSOLL_OVER_LINE, demand,
                 "VRAM request larger than any card there can give (want the default)");
    write_reason(PLIMSOLL_NO_INSTANCE, mig_demand("1g.10gb", 0),
                 "no MIG instance of that profile (1g.10gb)");
}

static void every_reason_has_a_label_and_a_sentence(void **state)
{
    (void)state;
    struct plimsoll_demand demand = scene_demand(true, 1);
    for (int i = 0; i <= PLIMSOLL_REFUSED; i++) {
        plimsoll_autotext text = plimsoll_text_make(512);
        plimsoll_reason_write((enum plimsoll_reason)i, &demand, &text);
        assert_true(text.size > 0);
        assert_true(strlen(plimsoll_reason_label((enum plimsoll_reason)i)) > 0);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(plimsoll_reason_label((enum plimsoll_reason)i),
                                    plimsoll_reason_label((enum plimsoll_reason)j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_without_a_gpu_fits_anywhere),
        cmocka_unit_test(a_node_that_is_unknown_or_unreadable_takes_no_gpu_pod),
        cmocka_unit_test(the_line_is_the_limit_to_the_byte),
        cmocka_unit_test(a_request_above_the_line_says_that_it_can_never_fit),
        cmocka_unit_test(a_percentage_is_of_the_card_it_lands_on),
        cmocka_unit_test(a_vendor_that_is_not_there_is_named),
        cmocka_unit_test(a_vram_only_pod_needs_a_runtime_that_honours_the_env),
        cmocka_unit_test(sick_cordoned_and_half_known_cards_take_nothing_new),
        cmocka_unit_test(the_closest_card_gives_the_reason),
        cmocka_unit_test(unknown_memory_passes_the_default_by_count_only),
        cmocka_unit_test(the_default_makes_do_with_what_the_host_leaves_down_to_half),
        cmocka_unit_test(mps_caps_a_client_at_its_share),
        cmocka_unit_test(where_the_plugin_picks_every_card_must_do),
        cmocka_unit_test(a_card_without_a_free_replica_is_not_picked),
        cmocka_unit_test(a_card_without_a_free_replica_has_to_bear_the_pod_once_one_is_free),
        cmocka_unit_test(what_a_holder_uses_leaves_with_it),
        cmocka_unit_test(other_floating_claims_count_against_each_card),
        cmocka_unit_test(a_cordoned_card_that_the_plugin_may_pick_refuses_the_node),
        cmocka_unit_test(a_sick_card_counts_while_the_plugin_still_offers_it),
        cmocka_unit_test(a_pinned_node_obeys_our_env),
        cmocka_unit_test(our_env_is_refused_where_the_plugin_would_be_overridden),
        cmocka_unit_test(a_pod_that_sees_every_card_must_fit_on_every_card),
        cmocka_unit_test(several_cards_need_as_many_that_fit),
        cmocka_unit_test(two_devices_of_one_shared_card_are_one_card),
        cmocka_unit_test(cards_must_be_joined_where_that_is_asked),
        cmocka_unit_test(instances_are_counted_by_profile_size_and_health),
        cmocka_unit_test(split_cards_are_for_instances_only),
        cmocka_unit_test(instances_that_only_the_plugin_lists_are_counted),
        cmocka_unit_test(amd_and_intel_cards_need_size_health_and_measured_room),
        cmocka_unit_test(reasons_name_what_was_asked_and_nothing_of_the_node),
        cmocka_unit_test(every_reason_has_a_label_and_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
