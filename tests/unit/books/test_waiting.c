/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

/* Nobody is woken twice within it. */
#define PAUSE_MS 5000

/* No node took the desk's pod; the filter had looked when there had been `gains`. */
static void refuse(struct desk *desk, uint64_t gains)
{
    struct plimsoll_name_set asked = {0};
    plimsoll_name_set_add(&asked, plimsoll_span_of(SCENE_NAME));
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED,
                                                  .pod = &desk->pod,
                                                  .asked = &asked,
                                                  .gains = gains});
}

static void gain(struct desk *desk, uint64_t gains)
{
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_NODE_GAINED,
                                                  .view = desk->scene.view,
                                                  .gains = gains});
}

static void fill(struct desk *desk)
{
    scene_claim(scene_pod(&desk->scene, "A", scene_demand(false, 15000)), "GPU-0", 15000,
                UINT64_MAX);
}

static void clear(struct desk *desk)
{
    desk->scene.view.pod_count = 0;
}

static size_t waiting(struct desk *desk)
{
    return plimsoll_books_state(desk->books).waiting;
}

static void a_waiting_pod_that_fits_is_woken_and_gets_a_hold(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    refuse(&desk, 0);
    desk_expect(&desk, "");
    assert_int_equal(waiting(&desk), 1);
    gain(&desk, 1);
    desk_expect(&desk, "KHL"); /* and others look again, with this hold in the picture */
    const struct plimsoll_books_effect *wake = desk_effect(&desk, PLIMSOLL_BOOKS_WAKE);
    assert_string_equal(wake->request.pod, "ollama");
    assert_string_equal(wake->request.namespace_, "ai");
    assert_string_equal(wake->request.uid.text, "uid-1");
    assert_int_equal(wake->counter, 101);
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_LOOK)->request.node, SCENE_NAME);
    desk_close(&desk);
}

static void a_waiting_pod_that_does_not_fit_is_left_alone(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    fill(&desk);
    refuse(&desk, 0);
    gain(&desk, 1);
    desk_expect(&desk, "");
    desk_close(&desk);
}

static void a_node_that_was_not_asked_about_wakes_nobody(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_name_set asked = {0};
    desk_open(&desk, 1, NULL);
    plimsoll_name_set_add(&asked, plimsoll_span_of("node-z"));
    assert_false(plimsoll_name_set_has(&asked, plimsoll_span_of(SCENE_NAME)));
    desk_step(&desk, (struct plimsoll_books_event){
                         .kind = PLIMSOLL_BOOKS_FILTERED, .pod = &desk.pod, .asked = &asked});
    gain(&desk, 1);
    desk_expect(&desk, "");
    desk_close(&desk);
}

static void a_pod_is_not_woken_again_within_its_pause_and_the_pause_doubles(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    refuse(&desk, 0);
    uint64_t gains = 0;
    for (int64_t pause = PAUSE_MS; pause < 300000; pause *= 2) {
        gain(&desk, ++gains);
        assert_non_null(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE));
        refuse(&desk, gains);
        desk.now_ms += pause - 1;
        gain(&desk, ++gains);
        desk_expect(&desk, "");
        desk.now_ms += 1;
    }
    desk_close(&desk);
}

/* The write may have been lost, or the scheduler may have looked past it. */
static void a_woken_pod_that_is_not_heard_of_is_woken_again_when_its_hold_has_ended(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    refuse(&desk, 0);
    gain(&desk, 1);
    desk_expect(&desk, "KHL");
    desk_pass(&desk, 10000);
    desk_expect(&desk, "U"); /* room for the picture, which tells it */
    gain(&desk, 2);
    desk_expect(&desk, "KHL");
    desk_pass(&desk, 10000);
    gain(&desk, 3);
    desk_expect(&desk, "KHL");
    desk_pass(&desk, 10000); /* in the middle of a pause by now */
    gain(&desk, 4);
    desk_expect(&desk, "");
    desk_pass(&desk, 10000);
    desk_expect(&desk, "L"); /* the pause has ended */
    gain(&desk, 0);
    desk_expect(&desk, "KHL");
    desk_close(&desk);
}

static void the_longest_pause_is_five_minutes(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    refuse(&desk, 0);
    for (uint64_t gains = 1; gains < 40; gains++) {
        gain(&desk, gains);
        assert_non_null(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE));
        refuse(&desk, gains);
        desk.now_ms += 300000;
    }
    desk_close(&desk);
}

static void room_that_came_during_a_pause_is_looked_at_when_it_ends(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    refuse(&desk, 0);
    gain(&desk, 1);
    refuse(&desk, 1);
    gain(&desk, 2);
    desk_expect(&desk, "");
    desk_pass(&desk, PAUSE_MS - 1);
    desk_expect(&desk, "");
    desk_pass(&desk, 1);
    desk_expect(&desk, "L");
    desk_pass(&desk, 1000);
    desk_expect(&desk, ""); /* once */
    gain(&desk, 0);
    assert_non_null(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE));
    desk_close(&desk);
}

static void of_several_nodes_that_gain_during_a_pause_each_is_looked_at(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_name_set asked = {0};
    char other[] = "node-b";
    desk_open(&desk, 1, NULL);
    plimsoll_name_set_add(&asked, plimsoll_span_of(SCENE_NAME));
    plimsoll_name_set_add(&asked, plimsoll_span_of(other));
    struct plimsoll_books_event refused = {
        .kind = PLIMSOLL_BOOKS_FILTERED, .pod = &desk.pod, .asked = &asked, .gains = 9};
    desk_step(&desk, refused);
    gain(&desk, 1);
    desk_step(&desk, refused);
    gain(&desk, 2);
    desk.scene.node.name = other;
    gain(&desk, 3);
    desk_pass(&desk, PAUSE_MS);
    desk_expect(&desk, "LL");
    desk_close(&desk);
}

static void room_that_came_while_the_filter_looked_is_looked_at_again(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    fill(&desk);
    gain(&desk, 6);
    gain(&desk, 5); /* told late by another thread */
    refuse(&desk, 6);
    desk_expect(&desk, "");
    refuse(&desk, 5);
    desk_expect(&desk, "L");
    gain(&desk, 0); /* a look is no gain of its own */
    refuse(&desk, 6);
    desk_expect(&desk, "");
    desk_close(&desk);
}

static void of_two_the_one_of_higher_priority_is_woken_first_then_who_waits_longer(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    static const struct {
        const char *uid;
        int32_t priority;
    } pods[] = {{"late", 5}, {"second", 7}, {"first", 9}, {"third", 7}};
    for (size_t i = 0; i < 4; i++) {
        desk_turn_to(&desk, pods[i].uid);
        desk.pod.priority = pods[i].priority;
        refuse(&desk, 0);
        desk.now_ms += 10;
    }
    static const char *const order[] = {"first", "second", "third", "late"};
    for (uint64_t i = 0; i < 4; i++) {
        gain(&desk, i + 1);
        assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE)->request.uid.text, order[i]);
        assert_int_equal(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE)->counter, 101 + i);
    }
    desk_close(&desk);
}

static void a_pod_no_longer_waits_when_it_found_a_node_is_bound_or_gone(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    refuse(&desk, 0);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED,
                                                   .pod = &desk.pod,
                                                   .view = desk.scene.view});
    assert_int_equal(waiting(&desk), 0);
    refuse(&desk, 0);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                                   .uid = desk.request.uid,
                                                   .node = "node-b"});
    assert_int_equal(waiting(&desk), 0);
    refuse(&desk, 0);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE,
                                                   .uid = desk.request.uid});
    assert_int_equal(waiting(&desk), 0);
    desk_close(&desk);
}

/* The filter was asked before another scheduler, or the replica beside us, bound the pod. */
static void a_pod_that_is_bound_already_neither_waits_nor_is_held(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    desk.pod.node = scene_name;
    refuse(&desk, 0);
    desk_expect(&desk, "");
    assert_int_equal(waiting(&desk), 0);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED,
                                                   .pod = &desk.pod,
                                                   .view = desk.scene.view});
    desk_expect(&desk, "");
    desk_close(&desk);
}

/* Until the Binding is known to be written only the claim in flight says where the pod is. */
static void a_pod_whose_binding_is_in_doubt_waits_as_others_do(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    desk_ask(&desk, 1);
    desk_reply(&desk, PLIMSOLL_REPLY_UNKNOWN);
    desk.pod.node = scene_name;
    refuse(&desk, 0);
    assert_int_equal(waiting(&desk), 1);
    desk_close(&desk);
}

static void a_pod_whose_request_cannot_be_read_does_not_wait_for_room(void **state)
{
    (void)state;
    struct desk desk;
    char refusal[] = "plimsoll.dev/vram: \"much\" is no quantity";
    desk_open(&desk, 1, NULL);
    desk.pod.refusal = refusal;
    refuse(&desk, 0);
    assert_int_equal(waiting(&desk), 0);
    desk_close(&desk);
}

static void its_own_nomination_does_not_keep_a_pod_from_being_woken(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    desk.pod.demand = scene_demand(false, 10000);
    struct plimsoll_pod *nominated = scene_pod(&desk.scene, "uid-1", desk.pod.demand);
    nominated->node = scene_nothing;
    nominated->nominated = scene_name;
    refuse(&desk, 0);
    gain(&desk, 1);
    assert_non_null(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE));
    desk_close(&desk);
}

static void the_first_wakes_another_pod_only_as_far_as_there_is_room(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    fill(&desk);
    refuse(&desk, 0);
    desk_turn_to(&desk, "uid-2");
    refuse(&desk, 0);
    clear(&desk);
    gain(&desk, 1);
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_WAKE)->request.uid.text, "uid-1");
    /* The hold of the first is in the picture now, and takes so much that the second must wait. */
    struct plimsoll_pod held = {.uid = scene_uid("uid-1"), .demand = scene_demand(false, 12000)};
    struct plimsoll_claim_card card = {.id = "GPU-0", .vram = 12000 * MIB, .idle = UINT64_MAX};
    held.claim = (struct plimsoll_claim){
        .pod = held.uid, .node = SCENE_NAME, .card_count = 1, .cards = &card};
    const struct plimsoll_pod *holds[] = {&held};
    desk.scene.view.holds = holds;
    desk.scene.view.hold_count = 1;
    gain(&desk, 0);
    desk_expect(&desk, "");
    desk_close(&desk);
}

static void those_who_wait_can_be_asked_for_in_order_with_the_time_and_the_nodes(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_books_waiter waiter;
    desk_open(&desk, 1, NULL);
    assert_false(plimsoll_books_waiter_at(desk.books, 0, &waiter));
    refuse(&desk, 0);
    int64_t first_ms = desk.now_ms;
    desk.now_ms += 5000;
    refuse(&desk, 0); /* goes on waiting */
    desk_turn_to(&desk, "uid-2");
    desk.pod.priority = 1;
    refuse(&desk, 0);
    assert_true(plimsoll_books_waiter_at(desk.books, 0, &waiter));
    assert_string_equal(waiter.uid.text, "uid-2");
    assert_int_equal(waiter.since_ms, desk.now_ms);
    assert_true(plimsoll_books_waiter_at(desk.books, 1, &waiter));
    assert_string_equal(waiter.uid.text, "uid-1");
    assert_int_equal(waiter.since_ms, first_ms);
    assert_true(plimsoll_name_set_has(waiter.asked, plimsoll_span_of(SCENE_NAME)));
    assert_false(plimsoll_books_waiter_at(desk.books, 2, &waiter));
    desk_close(&desk);
}

static void further_pods_than_the_ceiling_are_not_looked_after(void **state)
{
    (void)state;
    struct desk desk;
    char uid[16];
    desk_open(&desk, 1, NULL);
    for (unsigned i = 0; i < PLIMSOLL_WAITING_MAX + 1; i++) {
        snprintf(uid, sizeof uid, "uid-%u", i);
        desk_turn_to(&desk, uid);
        refuse(&desk, 0);
    }
    assert_int_equal(waiting(&desk), PLIMSOLL_WAITING_MAX);
    desk_turn_to(&desk, "uid-0");
    refuse(&desk, 0); /* one of those who do goes on */
    assert_int_equal(waiting(&desk), PLIMSOLL_WAITING_MAX);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_pod_that_fits_is_woken_and_gets_a_hold),
        cmocka_unit_test(a_waiting_pod_that_does_not_fit_is_left_alone),
        cmocka_unit_test(a_node_that_was_not_asked_about_wakes_nobody),
        cmocka_unit_test(a_pod_is_not_woken_again_within_its_pause_and_the_pause_doubles),
        cmocka_unit_test(a_woken_pod_that_is_not_heard_of_is_woken_again_when_its_hold_has_ended),
        cmocka_unit_test(the_longest_pause_is_five_minutes),
        cmocka_unit_test(room_that_came_during_a_pause_is_looked_at_when_it_ends),
        cmocka_unit_test(of_several_nodes_that_gain_during_a_pause_each_is_looked_at),
        cmocka_unit_test(room_that_came_while_the_filter_looked_is_looked_at_again),
        cmocka_unit_test(of_two_the_one_of_higher_priority_is_woken_first_then_who_waits_longer),
        cmocka_unit_test(a_pod_no_longer_waits_when_it_found_a_node_is_bound_or_gone),
        cmocka_unit_test(a_pod_that_is_bound_already_neither_waits_nor_is_held),
        cmocka_unit_test(a_pod_whose_binding_is_in_doubt_waits_as_others_do),
        cmocka_unit_test(a_pod_whose_request_cannot_be_read_does_not_wait_for_room),
        cmocka_unit_test(its_own_nomination_does_not_keep_a_pod_from_being_woken),
        cmocka_unit_test(the_first_wakes_another_pod_only_as_far_as_there_is_room),
        cmocka_unit_test(those_who_wait_can_be_asked_for_in_order_with_the_time_and_the_nodes),
        cmocka_unit_test(further_pods_than_the_ceiling_are_not_looked_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
