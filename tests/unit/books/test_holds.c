/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

#include <plimsoll/outlook.h>

static void place(struct desk *desk)
{
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED,
                                                  .pod = &desk->pod,
                                                  .view = desk->scene.view});
}

static size_t held(struct desk *desk)
{
    return plimsoll_books_state(desk->books).held;
}

static void a_pod_that_found_a_node_holds_what_it_would_get(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 2, DESK_IDENTITY);
    scene_claim(scene_pod(&desk.scene, "A", scene_demand(false, 12000)), "GPU-0", 12000,
                UINT64_MAX);
    place(&desk);
    desk_expect(&desk, "H");
    const struct plimsoll_books_effect *hold = desk_effect(&desk, PLIMSOLL_BOOKS_HOLD);
    assert_string_equal(hold->request.uid.text, "uid-1");
    assert_string_equal(hold->request.node, SCENE_NAME);
    assert_string_equal(hold->claim.cards[0].id, "GPU-1");
    assert_int_equal(hold->demand.vram, 6000 * MIB);
    assert_int_equal(held(&desk), 1);
    desk_close(&desk);
}

static void a_pod_that_does_not_fit_after_all_holds_nothing(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    scene_claim(scene_pod(&desk.scene, "A", scene_demand(false, 12000)), "GPU-0", 12000,
                UINT64_MAX);
    place(&desk);
    desk_expect(&desk, "");
    assert_int_equal(held(&desk), 0);
    desk_close(&desk);
}

static void a_hold_ends_after_seconds(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    place(&desk);
    desk_pass(&desk, 9999);
    assert_int_equal(held(&desk), 1);
    desk_pass(&desk, 1);
    assert_int_equal(held(&desk), 0);
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_UNHOLD)->request.uid.text, "uid-1");
    desk_close(&desk);
}

static void a_hold_ends_when_the_pod_is_filtered_anew(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    place(&desk);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_ASKED_ANEW,
                                                   .uid = desk.request.uid});
    desk_expect(&desk, "U");
    place(&desk);
    desk_expect(&desk, "H");
    place(&desk);
    desk_expect(&desk, "UH"); /* one for each pod */
    assert_int_equal(held(&desk), 1);
    desk_close(&desk);
}

static void a_hold_ends_when_the_pod_is_bound_by_us(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    place(&desk);
    desk_ask(&desk, 1);
    desk_expect(&desk, "UAP");
    desk_close(&desk);
}

static void a_hold_ends_when_the_pod_is_seen_bound_or_gone(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    place(&desk);
    desk_step(&desk, (struct plimsoll_books_event){
                         .kind = PLIMSOLL_BOOKS_POD_SEEN, .uid = desk.request.uid, .node = ""});
    desk_expect(&desk, "");
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                                   .uid = desk.request.uid,
                                                   .node = "node-b"});
    desk_expect(&desk, "U");
    place(&desk);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE,
                                                   .uid = desk.request.uid});
    desk_expect(&desk, "UF");
    desk_close(&desk);
}

/* Another pod's hold on the whole card is in the picture: filters count it, a bind does not. */
static void a_bind_does_not_count_the_holds_of_others(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    struct plimsoll_pod other = {.uid = scene_uid("uid-9"), .demand = scene_demand(false, 15000)};
    struct plimsoll_claim_card card = {.id = "GPU-0", .vram = 15000 * MIB, .idle = UINT64_MAX};
    other.claim = (struct plimsoll_claim){
        .pod = other.uid, .node = SCENE_NAME, .card_count = 1, .cards = &card};
    const struct plimsoll_pod *holds[] = {&other};
    desk.scene.view.holds = holds;
    desk.scene.view.hold_count = 1;
    place(&desk);
    desk_expect(&desk, "");
    desk_ask(&desk, 1);
    desk_expect(&desk, "AP");
    desk_close(&desk);
}

/* Half a processor and 9000 MiB is what is likely to come. What the pod's own hold keeps free would
 * leave no processors for that, whichever card is taken, and then the tighter one is. */
static void a_bind_finds_free_what_its_own_hold_keeps_free(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_outlook *outlook = plimsoll_outlook_new();
    struct plimsoll_demand likely = scene_demand(false, 9000);
    likely.requests.cpu_milli = 500;
    for (size_t i = 0; i < 50; i++) {
        plimsoll_outlook_note(outlook, &likely);
    }
    desk_open(&desk, 2, NULL);
    scene_claim(scene_pod(&desk.scene, "A", scene_demand(false, 5872)), "GPU-0", 5872, UINT64_MAX);
    desk.scene.view.room =
        (struct plimsoll_room){.outlook = outlook, .free = {1000, UINT64_MAX}, .kind = 1};
    desk.pod.demand.requests.cpu_milli = 4000;
    struct plimsoll_pod other = {.uid = scene_uid("uid-9"), .demand = scene_demand(false, 1000)};
    const struct plimsoll_pod *holds[] = {&other, &desk.pod};
    desk.scene.view.holds = holds;
    desk.scene.view.hold_count = 2;
    desk_ask(&desk, 1);
    desk_expect(&desk, "AP");
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_ASSUME)->claim.cards[0].id, "GPU-1");
    desk_close(&desk);
    plimsoll_outlook_free(&outlook);
}

static void further_pods_than_the_ceiling_have_no_hold(void **state)
{
    (void)state;
    struct desk desk;
    char uid[16];
    desk_open(&desk, 1, DESK_IDENTITY);
    for (unsigned i = 0; i < PLIMSOLL_HOLDS_MAX + 1; i++) {
        snprintf(uid, sizeof uid, "uid-%u", i);
        desk_turn_to(&desk, uid);
        place(&desk);
        desk_expect(&desk, i < PLIMSOLL_HOLDS_MAX ? "H" : "");
    }
    assert_int_equal(held(&desk), PLIMSOLL_HOLDS_MAX);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pod_that_found_a_node_holds_what_it_would_get),
        cmocka_unit_test(a_pod_that_does_not_fit_after_all_holds_nothing),
        cmocka_unit_test(a_hold_ends_after_seconds),
        cmocka_unit_test(a_hold_ends_when_the_pod_is_filtered_anew),
        cmocka_unit_test(a_hold_ends_when_the_pod_is_bound_by_us),
        cmocka_unit_test(a_hold_ends_when_the_pod_is_seen_bound_or_gone),
        cmocka_unit_test(a_bind_does_not_count_the_holds_of_others),
        cmocka_unit_test(a_bind_finds_free_what_its_own_hold_keeps_free),
        cmocka_unit_test(further_pods_than_the_ceiling_have_no_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
