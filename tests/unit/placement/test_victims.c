/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

#define PRIORITY 100

static struct plimsoll_pod asking(bool plugin, uint64_t vram)
{
    return (struct plimsoll_pod){.uid = scene_uid("new"),
                                 .node = scene_nothing,
                                 .nominated = scene_nothing,
                                 .priority = PRIORITY,
                                 .demand = scene_demand(plugin, vram)};
}

/* A bound pod with a claim on a card. */
static struct plimsoll_pod *claimed(struct scene *scene, const char *uid, int32_t priority,
                                    const char *card, uint64_t vram)
{
    struct plimsoll_pod *pod = scene_pod(scene, uid, scene_demand(true, vram));
    scene_claim(pod, card, vram, UINT64_MAX);
    pod->priority = priority;
    return pod;
}

/* "a b": who is added, most important first; "none" when no set makes room. */
static void expect(const struct scene *scene, struct plimsoll_pod pod, const char *proposed,
                   const char *expected)
{
    struct plimsoll_uid uids[4];
    size_t count = 0;
    struct plimsoll_span rest = plimsoll_span_of(proposed), part;
    while (proposed[0] != '\0' && plimsoll_span_cut(&rest, ' ', &part)) {
        assert_in_range(part.size, 1, sizeof uids[0].text - 1);
        uids[count] = (struct plimsoll_uid){0};
        memcpy(uids[count++].text, part.data, part.size);
    }
    struct plimsoll_victims victims = {0};
    plimsoll_autotext said = plimsoll_text_make(1024);
    plimsoll_text_add_string(&said, "");
    if (plimsoll_placement_victims(&scene->view, &scene->settings, &pod, uids, count, &victims)) {
        for (size_t i = 0; i < victims.count; i++) {
            plimsoll_text_add_string(&said, i > 0 ? " " : "");
            plimsoll_text_add_string(&said, victims.added[i]->uid.text);
        }
    } else {
        plimsoll_text_add_string(&said, "none");
        assert_null(victims.added);
    }
    free(victims.added);
    assert_string_equal(said.size > 0 ? said.data : "", expected);
}

static void nobody_is_added_where_the_proposed_ones_make_room(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 8000);
    claimed(&scene, "B", 0, "GPU-0", 4000);
    expect(&scene, asking(true, 3000), "", "");
    expect(&scene, asking(true, 11000), "A", "");
    expect(&scene, asking(true, 3000), "somebody-without-a-gpu", "");
}

static void a_second_victim_is_added_where_the_first_is_not_enough(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 6000);
    claimed(&scene, "B", 0, "GPU-0", 6000);
    claimed(&scene, "C", 0, "GPU-0", 3000);
    expect(&scene, asking(true, 12000), "A", "B");
    expect(&scene, asking(true, 15800), "A", "C B");
    expect(&scene, asking(true, 20000), "A", "none");
}

static void the_least_important_go_even_if_they_are_more(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 8);
    claimed(&scene, "A", 10, "GPU-0", 6000);
    claimed(&scene, "B", 0, "GPU-0", 3000);
    claimed(&scene, "C", 5, "GPU-0", 3000);
    claimed(&scene, "D", 20, "GPU-0", 3000);
    expect(&scene, asking(true, 6000), "", "C B");
    expect(&scene, asking(true, 9000), "", "A B");
    expect(&scene, asking(true, 3000), "", "B");
}

static void fewest_go_and_of_as_many_those_who_leave_least_unused(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 8);
    claimed(&scene, "A", 0, "GPU-0", 2000);
    claimed(&scene, "B", 0, "GPU-0", 3000);
    claimed(&scene, "C", 0, "GPU-0", 4500);
    claimed(&scene, "D", 0, "GPU-0", 6000);
    expect(&scene, asking(true, 4000), "", "C");
    expect(&scene, asking(true, 5500), "", "D");
    expect(&scene, asking(true, 7000), "", "C B");
    expect(&scene, asking(true, 12500), "", "D C A");
}

static void equals_and_betters_stay(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", PRIORITY, "GPU-0", 8000);
    claimed(&scene, "B", PRIORITY + 1, "GPU-0", 7000);
    expect(&scene, asking(true, 4000), "", "none");
    /* What the scheduler proposes is its own affair. */
    expect(&scene, asking(true, 4000), "A", "");
    scene.pods[1].priority = INT32_MIN;
    expect(&scene, asking(true, 4000), "", "B");
}

static void a_static_pod_is_not_evicted(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 15000)->mirror = true;
    expect(&scene, asking(true, 4000), "", "none");
    scene.pods[0].mirror = false;
    expect(&scene, asking(true, 4000), "", "A");
}

static void the_one_who_asks_is_nobodys_victim(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "new", 0, "GPU-0", 10000);
    claimed(&scene, "B", 0, "GPU-0", 5000);
    expect(&scene, asking(true, 10000), "", "");
    expect(&scene, asking(true, 12000), "", "B");
}

static void a_nominated_pod_counts_by_its_priority_and_is_no_victim(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    struct plimsoll_pod *nominated = scene_pod(&scene, "N", scene_demand(true, 10000));
    nominated->node = scene_nothing;
    nominated->nominated = scene_name;
    claimed(&scene, "A", 0, "GPU-0", 8000);
    expect(&scene, asking(true, 15000), "", "A");
    nominated->priority = PRIORITY;
    expect(&scene, asking(true, 15000), "", "none");
    expect(&scene, asking(true, 5000), "", "A");
}

static void nobody_is_evicted_for_a_soft_hold(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 6000);
    struct plimsoll_pod *held = claimed(&scene, "H", 0, "GPU-0", 9000);
    const struct plimsoll_pod *holds[] = {held};
    scene.view.pod_count = 1;
    scene.view.holds = holds;
    scene.view.hold_count = 1;
    expect(&scene, asking(true, 9000), "", "");
    expect(&scene, asking(true, 12000), "", "A");
}

static void who_is_terminating_need_not_be_evicted(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 6000);
    claimed(&scene, "B", 0, "GPU-0", 6000)->terminating = true;
    claimed(&scene, "C", PRIORITY + 1, "GPU-0", 2000)->terminating = true;
    expect(&scene, asking(true, 9000), "", "");
    expect(&scene, asking(true, 11000), "", "A");
    expect(&scene, asking(true, 11000), "B", "A");
}

static void measured_bytes_go_with_the_pod_that_they_are_attributed_to(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 2000);
    claimed(&scene, "B", 0, "GPU-0", 2000);
    scene_report(&scene, 0, 14000, true);
    scene_use(&scene, 0, "A", 9000);
    scene_use(&scene, 0, "B", 2000);
    scene_use(&scene, 0, "no-gpu", 2000);
    /* 1000 are the host's, which does not leave, and 2000 a pod's that stays unless proposed. */
    expect(&scene, asking(true, 10000), "", "A");
    expect(&scene, asking(true, 13384), "", "B A");
    expect(&scene, asking(true, 13385), "", "none");
    expect(&scene, asking(true, 13384), "no-gpu", "A");
    expect(&scene, asking(true, 15384), "no-gpu", "B A");
    expect(&scene, asking(true, 15385), "no-gpu", "none");
}

static void without_attribution_claims_say_what_leaves(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene_claim(scene_pod(&scene, "A", scene_demand(true, 6000)), "GPU-0", 6000, 700);
    scene_claim(scene_pod(&scene, "B", scene_demand(true, 6000)), "GPU-0", 6000, 700);
    scene_report(&scene, 0, 12700, false);
    expect(&scene, asking(true, 9000), "", "A");
    /* The last claim goes: what was there before it stays. */
    expect(&scene, asking(true, 15684), "", "B A");
    expect(&scene, asking(true, 15685), "", "none");
    /* They use less than they claimed, but the host's 700 do not leave with them. */
    scene_report(&scene, 0, 5000, false);
    expect(&scene, asking(true, 15684), "", "B A");
    expect(&scene, asking(true, 15685), "", "none");
    /* They use more: nobody knows which of them, so the surplus stays. */
    scene_report(&scene, 0, 14700, false);
    expect(&scene, asking(true, 7684), "", "A");
    expect(&scene, asking(true, 7685), "", "B A");
    expect(&scene, asking(true, 13684), "", "B A");
    expect(&scene, asking(true, 13685), "", "none");
}

static void where_only_free_bytes_are_told_claims_say_what_becomes_free(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 0, 4);
    scene.node.report = PLIMSOLL_REPORT_FREE;
    scene.cards[0].free_only = true;
    scene.cards[0].free_reported = 4000 * MIB;
    claimed(&scene, "A", 0, "GPU-0", 8000);
    expect(&scene, asking(true, 12000), "", "A");
    expect(&scene, asking(true, 12001), "", "none");
}

static void a_stranger_without_a_claim_is_worth_the_default(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene_pod(&scene, "A", scene_demand(true, 0));
    claimed(&scene, "B", PRIORITY, "GPU-0", 11000);
    expect(&scene, asking(true, 4872), "", "A");
    expect(&scene, asking(true, 4873), "", "none");
}

static void who_floats_leaves_too(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    struct plimsoll_pod *pod = scene_pod(&scene, "A", scene_demand(true, 8000));
    scene_float(pod, 1, 8000);
    expect(&scene, asking(true, 12000), "", "A");
    expect(&scene, asking(true, 7000), "", "");
}

/* Both cards are shared in two. The plugin may pick any card once it has a free device. */
static void a_full_card_has_to_bear_that_a_device_of_it_comes_free(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 2);
    claimed(&scene, "A", 0, "GPU-0", 6000);
    claimed(&scene, "B", 0, "GPU-0", 6000);
    claimed(&scene, "C", PRIORITY, "GPU-1", 3000);
    struct plimsoll_pod *pod = claimed(&scene, "D", PRIORITY, "GPU-1", 3000);
    scene_hold(&scene, 0, "A");
    scene_hold(&scene, 0, "B");
    scene_hold(&scene, 1, "C");
    scene_hold(&scene, 1, "D");
    expect(&scene, asking(true, 12000), "", "B A");
    expect(&scene, asking(true, 12000), "A", "B");
    pod->claim.cards[0].vram = 5000 * MIB;
    expect(&scene, asking(true, 12000), "", "none");
}

static void ours_are_evicted_from_one_card_of_several(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 8000);
    claimed(&scene, "B", 0, "GPU-0", 7000);
    claimed(&scene, "C", 0, "GPU-1", 15000);
    expect(&scene, asking(false, 12000), "", "C");
    expect(&scene, asking(false, 8000), "", "A");
    expect(&scene, asking(false, 15500), "A", "B");
    struct plimsoll_pod two = asking(false, 12000);
    two.demand.cards = 2;
    expect(&scene, two, "", "C B A");
}

static void what_bytes_cannot_mend_is_not_tried_with_victims(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    claimed(&scene, "A", 0, "GPU-0", 8000);
    scene.cards[0].cordoned = true;
    expect(&scene, asking(true, 1000), "A", "none");
    scene.cards[0].cordoned = false;
    scene.node.env = PLIMSOLL_NO;
    expect(&scene, asking(false, 1000), "A", "none");
}

/* Cards that the kubelet counts: exclusive, without claims. */
static void an_exclusive_card_is_empty_once_its_pod_has_left(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    scene.cards[0].vendor = PLIMSOLL_VENDOR_AMD;
    scene.resource.vendor = PLIMSOLL_VENDOR_AMD;
    struct plimsoll_demand demand = scene_demand(true, 12000);
    demand.vendor = PLIMSOLL_VENDOR_AMD;
    struct plimsoll_pod pod = asking(true, 12000);
    pod.demand = demand;
    scene_pod(&scene, "A", demand);
    scene_report(&scene, 0, 14000, false);
    expect(&scene, pod, "A", "");
    expect(&scene, pod, "", "A");
    scene_hold(&scene, 0, "A");
    expect(&scene, pod, "A", "");
    expect(&scene, pod, "B", "A");
    scene_pod(&scene, "C", demand)->priority = PRIORITY;
    scene_hold(&scene, 0, "C");
    expect(&scene, pod, "A", "none");
}

static void a_node_without_a_picture_of_pods_has_only_the_proposed(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    scene.view.pods_known = false;
    scene_report(&scene, 0, 9000, true);
    scene_use(&scene, 0, "A", 9000);
    scene_hold(&scene, 0, "A");
    expect(&scene, asking(true, 12000), "", "none");
    expect(&scene, asking(true, 12000), "A", "");
}

/* Each of 60 pods leaves too little; the search among sets ends, and what it has is enough. */
static void a_better_set_is_looked_for_until_PLIMSOLL_VICTIMS_CHOICES_MAX(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 65536, 64);
    for (unsigned i = 0; i < 60; i++) {
        char uid[8];
        snprintf(uid, sizeof uid, "p%02u", i);
        claimed(&scene, uid, 0, "GPU-0", 1000);
    }
    assert_true(60 * 59 / 2 > PLIMSOLL_VICTIMS_CHOICES_MAX);
    struct plimsoll_pod pod = asking(true, 20000);
    struct plimsoll_victims victims;
    assert_true(plimsoll_placement_victims(&scene.view, &scene.settings, &pod, NULL, 0, &victims));
    assert_int_equal(victims.count, 15);
    free(victims.added);
    scene_claim(scene_pod(&scene, "big", scene_demand(true, 4000)), "GPU-0", 4000, UINT64_MAX);
    expect(&scene, asking(true, 4500), "", "big");
}

static void a_node_whose_every_pod_takes_more_tries_is_given_up(void **state)
{
    (void)state;
    enum { PODS = PLIMSOLL_VICTIMS_TRIES_MAX };
    struct scene scene;
    scene_make(&scene, 1, 65536, PODS);
    struct plimsoll_pod *pods = plimsoll_alloc(PODS, sizeof *pods);
    const struct plimsoll_pod **list = plimsoll_alloc(PODS, sizeof(const struct plimsoll_pod *));
    for (unsigned i = 0; i < PODS; i++) {
        char uid[12];
        snprintf(uid, sizeof uid, "p%05u", i);
        pods[i] = (struct plimsoll_pod){
            .uid = scene_uid(uid), .node = scene_name, .demand = scene_demand(true, 64)};
        list[i] = &pods[i];
    }
    scene.view.pods = list;
    scene.view.pod_count = PODS;
    expect(&scene, asking(true, 60000), "", "none");
    scene.view.pod_count = PODS / 2;
    scene.settings.default_bytes = MIB;
    struct plimsoll_pod pod = asking(true, 64000);
    struct plimsoll_victims victims;
    assert_true(plimsoll_placement_victims(&scene.view, &scene.settings, &pod, NULL, 0, &victims));
    assert_in_range(victims.count, 240, 256);
    free(victims.added);
    free(list);
    free(pods);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_added_where_the_proposed_ones_make_room),
        cmocka_unit_test(a_second_victim_is_added_where_the_first_is_not_enough),
        cmocka_unit_test(the_least_important_go_even_if_they_are_more),
        cmocka_unit_test(fewest_go_and_of_as_many_those_who_leave_least_unused),
        cmocka_unit_test(equals_and_betters_stay),
        cmocka_unit_test(a_static_pod_is_not_evicted),
        cmocka_unit_test(the_one_who_asks_is_nobodys_victim),
        cmocka_unit_test(a_nominated_pod_counts_by_its_priority_and_is_no_victim),
        cmocka_unit_test(nobody_is_evicted_for_a_soft_hold),
        cmocka_unit_test(who_is_terminating_need_not_be_evicted),
        cmocka_unit_test(measured_bytes_go_with_the_pod_that_they_are_attributed_to),
        cmocka_unit_test(without_attribution_claims_say_what_leaves),
        cmocka_unit_test(where_only_free_bytes_are_told_claims_say_what_becomes_free),
        cmocka_unit_test(a_stranger_without_a_claim_is_worth_the_default),
        cmocka_unit_test(who_floats_leaves_too),
        cmocka_unit_test(a_full_card_has_to_bear_that_a_device_of_it_comes_free),
        cmocka_unit_test(ours_are_evicted_from_one_card_of_several),
        cmocka_unit_test(what_bytes_cannot_mend_is_not_tried_with_victims),
        cmocka_unit_test(an_exclusive_card_is_empty_once_its_pod_has_left),
        cmocka_unit_test(a_node_without_a_picture_of_pods_has_only_the_proposed),
        cmocka_unit_test(a_better_set_is_looked_for_until_PLIMSOLL_VICTIMS_CHOICES_MAX),
        cmocka_unit_test(a_node_whose_every_pod_takes_more_tries_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
