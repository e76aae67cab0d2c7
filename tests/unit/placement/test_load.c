/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/outlook.h>

#include "cards.h"

#define GIB (UINT64_C(1) << 30)

static void assert_mib(uint64_t bytes, uint64_t mib)
{
    assert_int_equal(bytes, mib * MIB);
}

/* The worked example of the design: A claims 6000 and uses 6500, B holds without a claim, C has not
 * started, D has ended since the report with 1500 in it, the host uses 1000. */
static void make_example(struct scene *scene, bool attributed)
{
    scene_make(scene, 1, 16384, 4);
    scene_report(scene, 0, 9000, attributed);
    scene_claim(scene_pod(scene, "A", scene_demand(false, 6000)), "GPU-0", 6000, 700);
    scene_pod(scene, "B", scene_demand(true, 0));
    scene_claim(scene_pod(scene, "C", scene_demand(false, 2000)), "GPU-0", 2000, UINT64_MAX);
    scene_hold(scene, 0, "B");
    scene_end(scene, "D");
    if (attributed) {
        scene_use(scene, 0, "A", 6500);
        scene_use(scene, 0, "D", 1500);
    }
}

static void the_example_of_the_design_comes_to_2788_when_attributed(void **state)
{
    (void)state;
    struct scene scene;
    make_example(&scene, true);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].foreign, 1000);
    assert_mib(load->cards[0].booked, 6500 + 4096 + 2000);
    assert_mib(load->cards[0].free, 2788);
    assert_mib(load->cards[0].line, 15872);
    assert_mib(load->cards[0].used, 9000);
    assert_int_equal(load->cards[0].taken, 1);
    assert_int_equal(load->cards[0].replicas, 4);
}

static void the_example_of_the_design_comes_to_3588_when_not_attributed(void **state)
{
    (void)state;
    struct scene scene;
    make_example(&scene, false);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].foreign, 700);
    assert_mib(load->cards[0].booked, 12096);
    assert_mib(load->cards[0].free, 3588);
    assert_mib(load->cards[0].idle, 700);
}

static void a_stale_report_makes_no_room(void **state)
{
    (void)state;
    struct scene scene;
    make_example(&scene, true);
    scene.view.stale = true;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].free, 2788);
}

static void bytes_of_a_pod_that_ended_before_the_report_are_foreign(void **state)
{
    (void)state;
    struct scene scene;
    make_example(&scene, true);
    scene.view.ended_count = 0;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].foreign, 2500);
    assert_mib(load->cards[0].free, 1288);
}

static void measured_use_beyond_the_claims_is_booked_without_attribution(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene_report(&scene, 0, 9000, false);
    scene_claim(scene_pod(&scene, "A", scene_demand(false, 2000)), "GPU-0", 2000, 700);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 8300);
    assert_mib(load->cards[0].free, 16384 - 700 - 8300);
}

static void without_any_demand_all_use_is_foreign(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene_report(&scene, 0, 900, false);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].foreign, 900);
    assert_mib(load->cards[0].booked, 0);
    assert_mib(load->cards[0].free, 15484);
    assert_mib(load->cards[0].idle, 900);
}

static void the_idle_baseline_is_unknown_beside_a_holder_without_a_claim(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 2);
    scene_report(&scene, 0, 5000, false);
    scene_pod(&scene, "B", scene_demand(true, 0));
    scene_hold(&scene, 0, "B");
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_true(load->cards[0].idle == UINT64_MAX);
    assert_mib(load->cards[0].foreign, 0);
    assert_mib(load->cards[0].booked, 5000);
}

static void without_a_report_the_books_alone_count(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene_claim(scene_pod(&scene, "A", scene_demand(false, 6000)), "GPU-0", 6000, 3000);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].foreign, 0);
    assert_mib(load->cards[0].booked, 6000);
    assert_mib(load->cards[0].free, 16384 - 512 - 6000);
    assert_mib(load->cards[0].idle, 3000);
}

static void a_percent_reserve_is_a_share_of_the_total_rounded_up(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene.settings.reserve_percent_milli = 5000;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_int_equal(load->cards[0].reserve, (16384 * MIB + 19) / 20);
}

static void a_reserve_larger_than_the_card_leaves_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 256, 1);
    scene.settings.default_request = PLIMSOLL_DEFAULT_SHARE;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_int_equal(load->cards[0].line, 0);
    assert_int_equal(load->cards[0].free, 0);
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).reason, PLIMSOLL_OVER_LINE);
}

static void free_vram_alone_implies_the_total(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 0, 1);
    scene.node.report = PLIMSOLL_REPORT_FREE;
    scene.cards[0].free_only = true;
    scene.cards[0].reported = true;
    scene.cards[0].free_reported = 9500 * MIB;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].total, 10012);
    assert_mib(load->cards[0].free, 9500);
    assert_true(load->cards[0].idle == UINT64_MAX);
    scene.settings.reserve_percent_milli = 5000;
    plimsoll_autofree struct plimsoll_node_load *percent = scene_load(&scene);
    assert_mib(percent->cards[0].total, 10000);
    assert_mib(percent->cards[0].free, 9500);
}

static void free_vram_of_nothing_is_a_full_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 0, 1);
    scene.cards[0].free_only = true;
    scene.settings.reserve_bytes = 0;
    assert_int_equal(scene_judge(&scene, scene_demand(false, 1)).reason, PLIMSOLL_OVER_LINE);
    assert_int_equal(scene_judge(&scene, scene_demand(true, 0)).reason, PLIMSOLL_OVER_LINE);
}

static void sums_stop_at_their_end(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 8);
    for (int i = 0; i < 3; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "P%d", i);
        struct plimsoll_pod *pod = scene_pod(&scene, uid, scene_demand(false, 1));
        scene_claim(pod, "GPU-0", 1, UINT64_MAX);
        pod->claim.cards[0].vram = UINT64_MAX - 1;
    }
    scene_report(&scene, 0, 9000, true);
    scene_use(&scene, 0, "P0", 1);
    scene.cards[0].pods[0].bytes = UINT64_MAX;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_true(load->cards[0].booked == UINT64_MAX);
    assert_int_equal(load->cards[0].foreign, 0);
    assert_int_equal(load->cards[0].free, 0);
    assert_int_equal(scene_judge(&scene, scene_demand(false, 1)).reason, PLIMSOLL_NO_VRAM);
}

static void the_default_share_is_the_line_by_the_replicas(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16896, 4);
    scene.settings.default_request = PLIMSOLL_DEFAULT_SHARE;
    scene_pod(&scene, "B", scene_demand(true, 0));
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 4096);
    scene.settings.default_request = PLIMSOLL_DEFAULT_WHOLE;
    plimsoll_autofree struct plimsoll_node_load *whole = scene_load(&scene);
    assert_mib(whole->cards[0].booked, 16384);
    assert_int_equal(whole->cards[0].free, 0);
}

static void replicas_come_from_the_card_then_the_label_then_the_devices(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 0);
    scene.resource.allocatable = 7; /* of 8: one is unhealthy */
    plimsoll_autofree struct plimsoll_node_load *devices = scene_load(&scene);
    assert_int_equal(devices->cards[0].replicas, 4);
    scene.node.replicas = 3;
    plimsoll_autofree struct plimsoll_node_load *label = scene_load(&scene);
    assert_int_equal(label->cards[0].replicas, 3);
    scene.cards[0].replicas = 5;
    plimsoll_autofree struct plimsoll_node_load *card = scene_load(&scene);
    assert_int_equal(card->cards[0].replicas, 5);
    assert_int_equal(card->cards[1].replicas, 3);
    scene.node.replicas = 0;
    scene.node.resource_count = 0;
    plimsoll_autofree struct plimsoll_node_load *nothing = scene_load(&scene);
    assert_int_equal(nothing->cards[1].replicas, 1);
}

static void an_unclaimed_pod_is_booked_where_the_kubelet_put_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    scene_pod(&scene, "B", scene_demand(true, 3000));
    plimsoll_autofree struct plimsoll_node_load *unknown = scene_load(&scene);
    for (int i = 0; i < 2; i++) {
        assert_mib(unknown->cards[i].booked, 0);
        assert_mib(unknown->cards[i].floating_ours, 3000);
        assert_mib(unknown->cards[i].floating_plugin, 3000);
    }
    scene_hold(&scene, 1, "B");
    plimsoll_autofree struct plimsoll_node_load *known = scene_load(&scene);
    assert_mib(known->cards[0].floating_ours, 0);
    assert_mib(known->cards[1].floating_ours, 0);
    assert_mib(known->cards[0].booked, 0);
    assert_mib(known->cards[1].booked, 3000);
    assert_int_equal(known->cards[1].taken, 1);
}

static void a_claim_beats_the_holders(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    scene_claim(scene_pod(&scene, "A", scene_demand(true, 3000)), "GPU-0", 3000, UINT64_MAX);
    scene_hold(&scene, 1, "A");
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 3000);
    assert_mib(load->cards[1].booked, 0);
    assert_int_equal(load->cards[1].taken, 1);
}

static void holders_that_are_no_pod_of_the_node_are_ignored(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 2);
    scene_hold(&scene, 0, "stranger");
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 0);
    assert_int_equal(load->cards[0].taken, 0);
}

static void without_a_picture_of_pods_the_report_is_believed(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene_report(&scene, 0, 8000, true);
    scene_hold(&scene, 0, "X");
    scene_use(&scene, 0, "X", 5000);
    scene_use(&scene, 0, "Y", 2000);
    scene.view.pods_known = false;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 7000);
    assert_mib(load->cards[0].foreign, 1000);
    assert_int_equal(load->cards[0].taken, 1);
    scene.cards[0].pods[0].bytes = 0;
    plimsoll_autofree struct plimsoll_node_load *quiet = scene_load(&scene);
    assert_mib(quiet->cards[0].booked, 4096 + 2000);
}

static void floating_claims_count_as_often_as_devices_are_left(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 3);
    scene_float(scene_pod(&scene, "A", scene_demand(true, 1000)), 1, 1000);
    scene_float(scene_pod(&scene, "B", scene_demand(true, 4000)), 1, 4000);
    scene_float(scene_pod(&scene, "C", scene_demand(true, 2000)), 1, 2000);
    scene_pod(&scene, "H", scene_demand(true, 500));
    scene_hold(&scene, 1, "H");
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].floating_plugin, 6000);
    assert_mib(load->cards[0].floating_ours, 7000);
    /* When H leaves, all three may come. */
    assert_mib(load->cards[1].floating_plugin, 4000 + 2000 - 500);
    assert_mib(load->cards[1].floating_ours, 7000 - 500);
    assert_mib(load->cards[1].booked, 500);
    assert_mib(load->cards[1].relief, 0);
}

static void a_floating_claim_settles_where_the_agent_finds_it(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 3);
    scene_float(scene_pod(&scene, "A", scene_demand(true, 1000)), 1, 1000);
    scene_hold(&scene, 1, "A");
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[1].booked, 1000);
    assert_mib(load->cards[0].floating_ours, 0);
    assert_mib(load->cards[1].floating_ours, 0);
}

static void a_claim_on_all_cards_there_are_does_not_float(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.cards = 2;
    scene_float(scene_pod(&scene, "A", demand), 2, 1000);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 1000);
    assert_mib(load->cards[1].booked, 1000);
    assert_mib(load->cards[0].floating_ours, 0);
}

static void two_devices_of_shared_cards_may_be_one_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.cards = 2;
    scene_float(scene_pod(&scene, "A", demand), 2, 1000);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 0);
    assert_mib(load->cards[0].floating_plugin, 1000);
    scene.node.card_count = 1;
    plimsoll_autofree struct plimsoll_node_load *only = scene_load(&scene);
    assert_mib(only->cards[0].booked, 1000);
}

static void a_pod_that_sees_every_card_is_booked_on_every_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 3, 16384, 2);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.every_card = true;
    scene_pod(&scene, "A", demand);
    scene_hold(&scene, 1, "A");
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    for (int i = 0; i < 3; i++) {
        assert_mib(load->cards[i].booked, 1000);
    }
}

static void nominated_pods_are_booked_as_floating_by_priority(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_pod *pod = scene_pod(&scene, "N", scene_demand(true, 3000));
    pod->node = scene_nothing;
    pod->nominated = scene_name;
    pod->priority = 10;
    const struct plimsoll_uid itself = scene_uid("N");
    plimsoll_autofree struct plimsoll_node_load *equal =
        plimsoll_placement_load(&scene.view, &scene.settings, NULL, 10);
    assert_mib(equal->cards[0].floating_plugin, 3000);
    assert_true(equal->nominated);
    plimsoll_autofree struct plimsoll_node_load *above =
        plimsoll_placement_load(&scene.view, &scene.settings, NULL, 11);
    assert_mib(above->cards[0].floating_plugin, 0);
    plimsoll_autofree struct plimsoll_node_load *own =
        plimsoll_placement_load(&scene.view, &scene.settings, &itself, 10);
    assert_mib(own->cards[0].floating_plugin, 0);
    assert_false(own->nominated);
}

static void the_pod_that_asks_does_not_count_itself(void **state)
{
    (void)state;
    struct scene scene;
    make_example(&scene, true);
    const struct plimsoll_uid itself = scene_uid("A");
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&scene.view, &scene.settings, &itself, INT32_MIN);
    assert_mib(load->cards[0].booked, 4096 + 2000);
    assert_mib(load->cards[0].foreign, 1000);
}

/* What is free besides cards: free as far as that pod is concerned. */
static void what_a_pod_takes_itself_is_there_for_it(void **state)
{
    (void)state;
    struct scene scene;
    make_example(&scene, true);
    struct plimsoll_outlook *outlook = plimsoll_outlook_new();
    const struct plimsoll_uid bound = scene_uid("A"), coming = scene_uid("H"),
                              nominated = scene_uid("N"), nobody = scene_uid("X");
    scene.pods[0].demand.requests = (struct plimsoll_requests){2000, GIB};
    struct plimsoll_pod *waits = scene_pod(&scene, "N", scene_demand(false, 100));
    waits->demand.requests.cpu_milli = 9000;
    waits->node = scene_nothing; /* takes nothing yet */
    struct plimsoll_pod hold = {.uid = coming,
                                .node = scene_nothing,
                                .demand = {.gpu = true, .cards = 1, .requests = {500, MIB}}};
    scene.view.holds = (const struct plimsoll_pod *const[]){&hold};
    scene.view.hold_count = 1;
    scene.view.room = (struct plimsoll_room){.outlook = outlook, .free = {1000, UINT64_MAX}};
    const struct plimsoll_uid *const asks[] = {NULL, &bound, &coming, &nominated, &nobody};
    const uint64_t free[] = {1000, 3000, 1500, 1000, 1000};
    for (size_t i = 0; i < 5; i++) {
        plimsoll_autofree struct plimsoll_node_load *load =
            plimsoll_placement_load(&scene.view, &scene.settings, asks[i], INT32_MIN);
        assert_int_equal(load->room.free.cpu_milli, free[i]);
        assert_int_equal(load->room.free.memory, UINT64_MAX); /* not known stays not known */
    }
    plimsoll_outlook_free(&outlook);
}

static void a_claim_in_flight_to_another_node_does_not_count(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 2);
    struct plimsoll_pod *pod = scene_pod(&scene, "A", scene_demand(true, 3000));
    scene_claim(pod, "GPU-0", 3000, UINT64_MAX);
    snprintf(pod->claim.node, sizeof pod->claim.node, "node-b");
    pod->node = scene_nothing;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 0);
}

static void a_card_known_by_index_keeps_its_claims_when_a_uuid_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    scene_claim(scene_pod(&scene, "A", scene_demand(false, 3000)), "1", 3000, UINT64_MAX);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 0);
    assert_mib(load->cards[1].booked, 3000);
}

static void a_claim_whose_card_lost_its_name_floats(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    scene_claim(scene_pod(&scene, "A", scene_demand(true, 3000)), "GPU-gone", 3000, UINT64_MAX);
    plimsoll_autofree struct plimsoll_node_load *gone = scene_load(&scene);
    assert_mib(gone->cards[0].floating_ours, 0);
    scene.node.inventory = false;
    plimsoll_autofree struct plimsoll_node_load *nameless = scene_load(&scene);
    assert_mib(nameless->cards[0].floating_ours, 3000);
    assert_mib(nameless->cards[1].floating_plugin, 3000);
}

/* The card was changed, and the plugin gave the pod the new one. */
static void a_claim_whose_card_has_gone_is_where_the_kubelet_says(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_pod *pod = scene_pod(&scene, "A", scene_demand(true, 3000));
    scene_claim(pod, "GPU-gone", 3000, UINT64_MAX);
    scene_hold(&scene, 1, "A");
    scene_report(&scene, 1, 1000, true);
    scene_use(&scene, 1, "A", 1000);
    plimsoll_autofree struct plimsoll_node_load *one = scene_load(&scene);
    assert_mib(one->cards[0].booked, 0);
    assert_mib(one->cards[1].booked, 3000);
    scene_claim(pod, "GPU-0", 2000, UINT64_MAX); /* of two cards one is still there */
    plimsoll_autofree struct plimsoll_node_load *two = scene_load(&scene);
    assert_mib(two->cards[0].booked, 2000);
    assert_mib(two->cards[1].booked, 3000);
}

/* A driver that keeps a little more for itself changes no claim. */
static void a_floating_share_is_what_its_claim_says_of_the_card_it_is_on(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16000, 2);
    scene.cards[0].total = 8000 * MIB;
    struct plimsoll_demand demand = scene_demand(true, 1);
    demand.request = PLIMSOLL_REQUEST_PERCENT;
    demand.percent_milli = 50000;
    struct plimsoll_claim_card less = {.id = "GPU-0", .vram = 4000 * MIB, .idle = UINT64_MAX};
    struct plimsoll_pod *pod = scene_pod(&scene, "A", demand);
    scene_float(pod, 1, 8000);
    pod->claim.less = &less;
    pod->claim.less_count = 1;
    scene_hold(&scene, 0, "A");
    plimsoll_autofree struct plimsoll_node_load *before = scene_load(&scene);
    assert_mib(before->cards[0].booked, 4000);
    scene.cards[0].total -= 2 * MIB;
    scene.cards[1].total -= 4 * MIB;
    plimsoll_autofree struct plimsoll_node_load *after = scene_load(&scene);
    assert_mib(after->cards[0].booked, 4000);
    scene.cards[0].holder_count = 0;
    scene_hold(&scene, 1, "A");
    plimsoll_autofree struct plimsoll_node_load *other = scene_load(&scene);
    assert_mib(other->cards[1].booked, 8000);
    less.vram = 0; /* its memory was not known then */
    scene.cards[1].holder_count = 0;
    scene_hold(&scene, 0, "A");
    plimsoll_autofree struct plimsoll_node_load *unknown = scene_load(&scene);
    assert_mib(unknown->cards[0].booked, 4096);
}

/* Annotations and the configured default can change while a pod runs. Its claim does not. */
static void a_floating_claim_keeps_its_bytes_whatever_is_asked_for_by_now(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_pod *pod = scene_pod(&scene, "A", scene_demand(true, 12000));
    scene_float(pod, 1, 12000);
    scene_hold(&scene, 1, "A");
    pod->demand.request = PLIMSOLL_REQUEST_PERCENT;
    pod->demand.percent_milli = 1000;
    plimsoll_autofree struct plimsoll_node_load *percent = scene_load(&scene);
    assert_mib(percent->cards[1].booked, 12000);
    pod->demand.request = PLIMSOLL_REQUEST_DEFAULT;
    plimsoll_autofree struct plimsoll_node_load *usual = scene_load(&scene);
    assert_mib(usual->cards[1].booked, 12000);
}

static void on_unequal_cards_an_edited_request_changes_no_claim_either(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 80000, 4);
    scene.cards[1].total = 16000 * MIB;
    struct plimsoll_pod *pod = scene_pod(&scene, "A", scene_demand(true, 10000));
    scene_float(pod, 1, 10000);
    for (int edit = 0; edit < 3; edit++) {
        char refusal[] = "no quantity";
        pod->demand.request = edit == 0 ? PLIMSOLL_REQUEST_PERCENT : PLIMSOLL_REQUEST_DEFAULT;
        pod->demand.percent_milli = 10000;
        pod->refusal = edit == 2 ? refusal : NULL;
        scene.settings.default_request = PLIMSOLL_DEFAULT_SHARE;
        scene.cards[1].holder_count = 0;
        plimsoll_autofree struct plimsoll_node_load *before = scene_load(&scene);
        assert_mib(before->cards[1].floating_ours, 10000);
        scene_hold(&scene, 1, "A");
        plimsoll_autofree struct plimsoll_node_load *known = scene_load(&scene);
        assert_mib(known->cards[1].booked, 10000);
    }
}

static void a_claim_made_while_memory_was_unknown_is_worth_the_default(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene_claim(scene_pod(&scene, "A", scene_demand(true, 0)), "GPU-0", 0, UINT64_MAX);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 4096);
}

/* Pods of 1001, 1002 … MiB, each measured at 2000, listed from `first` on and round. */
static struct plimsoll_node_load *load_of_many(size_t count, size_t first)
{
    static struct scene scene;
    scene_make(&scene, 2, 1 << 20, 64);
    scene_report(&scene, 0, 2500 * count, true);
    for (size_t i = 0; i < count; i++) {
        size_t number = (first + i) % count;
        char uid[32];
        snprintf(uid, sizeof uid, "%c%zu", (char)('a' + number % 26), number);
        struct plimsoll_pod *pod = scene_pod(&scene, uid, scene_demand(false, 1001 + number));
        scene_claim(pod, "GPU-0", 1001 + number, UINT64_MAX);
        scene_use(&scene, 0, uid, 2000);
        scene_hold(&scene, 0, uid);
    }
    return scene_load(&scene);
}

static void pods_are_counted_alike_in_any_order_few_or_many(void **state)
{
    (void)state;
    for (size_t count = 1; count <= SCENE_PODS_MAX; count++) {
        plimsoll_autofree struct plimsoll_node_load *load = load_of_many(count, 0);
        assert_mib(load->cards[0].booked, 2000 * count);
        assert_mib(load->cards[0].foreign, 500 * count);
        assert_int_equal(load->cards[0].taken, count);
        for (size_t first = 1; first < count; first++) {
            plimsoll_autofree struct plimsoll_node_load *other = load_of_many(count, first);
            assert_memory_equal(other, load, sizeof *load + 2 * sizeof load->cards[0]);
        }
    }
}

static void an_unreadable_request_is_accounted_by_the_default(void **state)
{
    (void)state;
    struct scene scene;
    char refusal[] = "no quantity";
    scene_make(&scene, 1, 16384, 1);
    scene_pod(&scene, "A", scene_demand(true, 1))->refusal = refusal;
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 4096);
}

static void exclusive_devices_have_no_books(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    struct plimsoll_demand demand = scene_demand(true, 1000);
    demand.mig = true;
    scene_pod(&scene, "M", demand);
    demand.mig = false;
    demand.vendor = PLIMSOLL_VENDOR_AMD;
    scene_pod(&scene, "R", demand);
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&scene);
    assert_mib(load->cards[0].booked, 0);
    assert_mib(load->cards[0].floating_ours, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_design_comes_to_2788_when_attributed),
        cmocka_unit_test(the_example_of_the_design_comes_to_3588_when_not_attributed),
        cmocka_unit_test(a_stale_report_makes_no_room),
        cmocka_unit_test(bytes_of_a_pod_that_ended_before_the_report_are_foreign),
        cmocka_unit_test(measured_use_beyond_the_claims_is_booked_without_attribution),
        cmocka_unit_test(without_any_demand_all_use_is_foreign),
        cmocka_unit_test(the_idle_baseline_is_unknown_beside_a_holder_without_a_claim),
        cmocka_unit_test(without_a_report_the_books_alone_count),
        cmocka_unit_test(a_percent_reserve_is_a_share_of_the_total_rounded_up),
        cmocka_unit_test(a_reserve_larger_than_the_card_leaves_nothing),
        cmocka_unit_test(free_vram_alone_implies_the_total),
        cmocka_unit_test(free_vram_of_nothing_is_a_full_card),
        cmocka_unit_test(sums_stop_at_their_end),
        cmocka_unit_test(the_default_share_is_the_line_by_the_replicas),
        cmocka_unit_test(replicas_come_from_the_card_then_the_label_then_the_devices),
        cmocka_unit_test(an_unclaimed_pod_is_booked_where_the_kubelet_put_it),
        cmocka_unit_test(a_claim_beats_the_holders),
        cmocka_unit_test(holders_that_are_no_pod_of_the_node_are_ignored),
        cmocka_unit_test(without_a_picture_of_pods_the_report_is_believed),
        cmocka_unit_test(floating_claims_count_as_often_as_devices_are_left),
        cmocka_unit_test(a_floating_claim_settles_where_the_agent_finds_it),
        cmocka_unit_test(a_claim_on_all_cards_there_are_does_not_float),
        cmocka_unit_test(two_devices_of_shared_cards_may_be_one_card),
        cmocka_unit_test(a_pod_that_sees_every_card_is_booked_on_every_card),
        cmocka_unit_test(nominated_pods_are_booked_as_floating_by_priority),
        cmocka_unit_test(the_pod_that_asks_does_not_count_itself),
        cmocka_unit_test(what_a_pod_takes_itself_is_there_for_it),
        cmocka_unit_test(a_claim_in_flight_to_another_node_does_not_count),
        cmocka_unit_test(a_card_known_by_index_keeps_its_claims_when_a_uuid_is_told),
        cmocka_unit_test(a_claim_whose_card_lost_its_name_floats),
        cmocka_unit_test(a_claim_whose_card_has_gone_is_where_the_kubelet_says),
        cmocka_unit_test(a_floating_share_is_what_its_claim_says_of_the_card_it_is_on),
        cmocka_unit_test(a_floating_claim_keeps_its_bytes_whatever_is_asked_for_by_now),
        cmocka_unit_test(on_unequal_cards_an_edited_request_changes_no_claim_either),
        cmocka_unit_test(a_claim_made_while_memory_was_unknown_is_worth_the_default),
        cmocka_unit_test(pods_are_counted_alike_in_any_order_few_or_many),
        cmocka_unit_test(an_unreadable_request_is_accounted_by_the_default),
        cmocka_unit_test(exclusive_devices_have_no_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
