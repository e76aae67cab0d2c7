/* SPDX-License-Identifier: Apache-2.0 */
/* What a Binding without a reply, or one that ran into a 409, comes to. */
#include "desk.h"

static struct plimsoll_claim claim_of(const struct desk *desk, struct plimsoll_claim_card *card)
{
    struct plimsoll_claim claim = {.pod = desk->pod.uid, .node = SCENE_NAME, .card_count = 1};
    *card = (struct plimsoll_claim_card){.id = "GPU-1", .vram = 5000 * MIB, .idle = UINT64_MAX};
    claim.cards = card;
    return claim;
}

static void open_in_doubt(struct desk *desk)
{
    desk_open(desk, 2, NULL);
    desk_ask(desk, 1);
    desk_expect(desk, "AP");
    desk_reply(desk, PLIMSOLL_REPLY_UNKNOWN);
    desk_expect(desk, "!");
    assert_int_equal(plimsoll_books_state(desk->books).in_doubt, 1);
}

static void open_in_conflict(struct desk *desk)
{
    desk_open(desk, 2, NULL);
    desk_ask(desk, 1);
    desk_reply(desk, PLIMSOLL_REPLY_CONFLICT);
    desk_expect(desk, "R");
    assert_string_equal(desk_effect(desk, PLIMSOLL_BOOKS_READ_POD)->request.uid.text, "uid-1");
}

static void a_conflict_is_read_and_what_the_api_has_is_adopted(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_claim_card card;
    open_in_conflict(&desk);
    struct plimsoll_claim claim = claim_of(&desk, &card);
    desk_read(&desk, PLIMSOLL_POD_BOUND, SCENE_NAME, &claim);
    desk_expect(&desk, "A!");
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_ASSUME)->claim.cards[0].id, "GPU-1");
    assert_string_equal(desk_answer(&desk), "");
    assert_true(plimsoll_books_state(desk.books).idle);
    desk_close(&desk);
}

/* The picture lost the pod, and then the books adopted, before they heard of it. */
static void a_claim_that_was_adopted_for_a_pod_that_is_gone_is_given_back(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_claim_card card;
    open_in_conflict(&desk);
    struct plimsoll_claim claim = claim_of(&desk, &card);
    desk_read(&desk, PLIMSOLL_POD_BOUND, SCENE_NAME, &claim);
    desk_expect(&desk, "A!");
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE,
                                                   .uid = desk.request.uid});
    desk_expect(&desk, "F");
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_FORGET)->request.uid.text, "uid-1");
    desk_close(&desk);
}

static void a_conflict_with_a_binding_elsewhere_gives_the_claim_back(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk);
    desk_read(&desk, PLIMSOLL_POD_BOUND, "node-b", NULL);
    desk_expect(&desk, "F!");
    assert_string_equal(desk_answer(&desk),
                        "pod ai/ollama was bound to node node-b by somebody else");
    desk_close(&desk);
}

static void
a_conflict_with_a_binding_here_without_a_claim_counts_ours_until_it_is_seen(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk);
    desk_read(&desk, PLIMSOLL_POD_BOUND, SCENE_NAME, NULL);
    desk_expect(&desk, "!");
    assert_string_equal(desk_answer(&desk), "");
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                                   .uid = desk.request.uid,
                                                   .node = SCENE_NAME});
    desk_expect(&desk, "F");
    desk_close(&desk);
}

static void a_conflict_with_a_pod_that_is_unbound_is_a_refusal(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk); /* it is being deleted, say */
    desk_read(&desk, PLIMSOLL_POD_UNBOUND, "", NULL);
    desk_expect(&desk, "F!");
    assert_non_null(strstr(desk_answer(&desk), "refused"));
    desk_close(&desk);
}

static void a_conflict_with_a_pod_that_is_gone_gives_the_claim_back(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk);
    desk_read(&desk, PLIMSOLL_POD_AWAY, "", NULL);
    desk_expect(&desk, "F!");
    assert_string_equal(desk_answer(&desk), "the pod is gone");
    desk_close(&desk);
}

static void a_conflict_that_cannot_be_read_keeps_the_claim_and_is_read_again(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk);
    desk_read(&desk, PLIMSOLL_POD_UNREAD, "", NULL);
    desk_expect(&desk, "!");
    assert_non_null(strstr(desk_answer(&desk), "its claim is kept"));
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX);
    desk_expect(&desk, "R");
    desk_close(&desk);
}

static void an_ask_while_the_pod_is_being_read_waits_for_that(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk);
    desk_ask(&desk, 2);
    desk_expect(&desk, "");
    desk_read(&desk, PLIMSOLL_POD_UNBOUND, "", NULL);
    desk_expect(&desk, "F!!");
    desk_close(&desk);
}

static void doubt_is_looked_into_when_nothing_can_be_written_any_more(void **state)
{
    (void)state;
    struct desk desk;
    open_in_doubt(&desk);
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX - 1);
    desk_expect(&desk, "");
    desk_pass(&desk, 1);
    desk_expect(&desk, "R");
    desk_pass(&desk, 1000);
    desk_expect(&desk, ""); /* one at a time */
    desk_read(&desk, PLIMSOLL_POD_UNBOUND, "", NULL);
    desk_expect(&desk, "F");
    assert_true(plimsoll_books_state(desk.books).idle);
    desk_close(&desk);
}

static void doubt_that_was_written_is_adopted(void **state)
{
    (void)state;
    struct desk desk;
    struct plimsoll_claim_card card;
    open_in_doubt(&desk);
    struct plimsoll_claim claim = claim_of(&desk, &card);
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX);
    desk_read(&desk, PLIMSOLL_POD_BOUND, SCENE_NAME, &claim);
    desk_expect(&desk, "A");
    assert_true(plimsoll_books_state(desk.books).idle);
    desk_close(&desk);
}

static void a_read_that_fails_is_made_again_after_a_pause(void **state)
{
    (void)state;
    struct desk desk;
    open_in_doubt(&desk);
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX);
    desk_expect(&desk, "R");
    desk_read(&desk, PLIMSOLL_POD_UNREAD, "", NULL);
    desk_expect(&desk, "");
    desk_pass(&desk, 1999);
    desk_expect(&desk, "");
    desk_pass(&desk, 1);
    desk_expect(&desk, "R");
    desk_close(&desk);
}

static void unbound_before_the_deadline_is_not_certain(void **state)
{
    (void)state;
    struct desk desk;
    open_in_doubt(&desk);
    desk_ask(&desk, 2);
    desk_expect(&desk, "P"); /* again, with the same claim */
    desk_reply(&desk, PLIMSOLL_REPLY_CONFLICT);
    desk_expect(&desk, "R");
    desk_read(&desk, PLIMSOLL_POD_UNBOUND, "", NULL);
    desk_expect(&desk, "!");
    assert_non_null(strstr(desk_answer(&desk), "its claim is kept"));
    assert_int_equal(plimsoll_books_state(desk.books).in_doubt, 1);
    desk_close(&desk);
}

static void a_post_that_gets_no_reply_again_begins_the_deadline_anew(void **state)
{
    (void)state;
    struct desk desk;
    open_in_doubt(&desk);
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX - 1);
    desk_ask(&desk, 2);
    desk_expect(&desk, "P");
    desk_reply(&desk, PLIMSOLL_REPLY_UNKNOWN);
    desk_pass(&desk, 1);
    desk_expect(&desk, "");
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX - 1);
    desk_expect(&desk, "R");
    desk_close(&desk);
}

static void a_read_for_a_pod_that_is_settled_changes_nothing(void **state)
{
    (void)state;
    struct desk desk;
    open_in_conflict(&desk);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                                   .uid = desk.request.uid,
                                                   .node = SCENE_NAME,
                                                   .claimed = true});
    desk_expect(&desk, "!");
    desk_read(&desk, PLIMSOLL_POD_UNBOUND, "", NULL);
    desk_expect(&desk, "");
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conflict_is_read_and_what_the_api_has_is_adopted),
        cmocka_unit_test(a_claim_that_was_adopted_for_a_pod_that_is_gone_is_given_back),
        cmocka_unit_test(a_conflict_with_a_binding_elsewhere_gives_the_claim_back),
        cmocka_unit_test(
            a_conflict_with_a_binding_here_without_a_claim_counts_ours_until_it_is_seen),
        cmocka_unit_test(a_conflict_with_a_pod_that_is_unbound_is_a_refusal),
        cmocka_unit_test(a_conflict_with_a_pod_that_is_gone_gives_the_claim_back),
        cmocka_unit_test(a_conflict_that_cannot_be_read_keeps_the_claim_and_is_read_again),
        cmocka_unit_test(an_ask_while_the_pod_is_being_read_waits_for_that),
        cmocka_unit_test(doubt_is_looked_into_when_nothing_can_be_written_any_more),
        cmocka_unit_test(doubt_that_was_written_is_adopted),
        cmocka_unit_test(a_read_that_fails_is_made_again_after_a_pause),
        cmocka_unit_test(unbound_before_the_deadline_is_not_certain),
        cmocka_unit_test(a_post_that_gets_no_reply_again_begins_the_deadline_anew),
        cmocka_unit_test(a_read_for_a_pod_that_is_settled_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
