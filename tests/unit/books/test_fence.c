/* SPDX-License-Identifier: Apache-2.0 */
#include "desk.h"

/* The longest that another holder may still bind or have bindings in flight, as one sees it who saw
 * its Lease written at 0. */
#define OTHERS_MS (PLIMSOLL_LEASE_MS + PLIMSOLL_BINDING_MS_MAX)

static struct plimsoll_books_state state_of(struct desk *desk)
{
    return plimsoll_books_state(desk->books);
}

static void without_an_api_server_there_is_no_fence(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, NULL);
    desk_ask(&desk, 1);
    desk_expect(&desk, "AP");
    assert_true(desk_effect(&desk, PLIMSOLL_BOOKS_POST)->before_ms == INT64_MAX);
    desk_close(&desk);
}

static void the_first_bind_takes_a_lease_that_was_given_up_and_lists(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_lease_is(&desk, "", "7");
    desk_ask(&desk, 1);
    desk_expect(&desk, "r");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_expect(&desk, "w");
    const struct plimsoll_lease *wanted = desk_effect(&desk, PLIMSOLL_BOOKS_LEASE_WRITE)->lease;
    assert_string_equal(wanted->holder, DESK_IDENTITY);
    assert_string_equal(wanted->version, "7");
    assert_int_equal(wanted->duration_s, PLIMSOLL_LEASE_MS / 1000);
    assert_int_equal(wanted->transitions, 1);
    desk_lease_written(&desk, "8");
    desk_expect(&desk, "l");
    assert_false(state_of(&desk).idle);
    assert_false(state_of(&desk).holds_lease);
    desk_listed(&desk, 1);
    desk_expect(&desk, "?");
    assert_int_equal(desk_effect(&desk, PLIMSOLL_BOOKS_ASK_AGAIN)->ticket, 1);
    assert_true(state_of(&desk).holds_lease);
    desk_ask(&desk, 1);
    desk_expect(&desk, "AP");
    desk_close(&desk);
}

static void a_list_that_was_asked_for_before_opens_nothing(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_lease_is(&desk, "", "7");
    desk_ask(&desk, 1);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_lease_written(&desk, "8");
    desk_listed(&desk, 0);
    desk_expect(&desk, "");
    desk_listed(&desk, 2);
    desk_expect(&desk, "");
    assert_false(state_of(&desk).holds_lease);
    desk_close(&desk);
}

static void a_binding_must_begin_before_the_lease_runs_out_with_a_margin(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_enter(&desk, 1);
    desk_expect(&desk, "AP");
    int64_t before_ms = desk_effect(&desk, PLIMSOLL_BOOKS_POST)->before_ms;
    assert_true(before_ms > desk.now_ms);
    assert_true(before_ms < desk.now_ms + PLIMSOLL_LEASE_MS);
    desk.now_ms = before_ms;
    desk_turn_to(&desk, "uid-2");
    desk_ask(&desk, 2);
    desk_expect(&desk, "w"); /* not posted: renewed */
    desk_lease_written(&desk, "9");
    desk_expect(&desk, "?");
    desk_close(&desk);
}

static void a_lease_is_valid_since_it_was_asked_for_not_since_the_reply(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_lease_is(&desk, "", "7");
    desk_ask(&desk, 1);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    int64_t sent_ms = desk.now_ms;
    desk.now_ms += 3000;
    desk_lease_written(&desk, "8");
    desk_listed(&desk, 1);
    desk_ask(&desk, 1);
    assert_true(desk_effect(&desk, PLIMSOLL_BOOKS_POST)->before_ms < sent_ms + PLIMSOLL_LEASE_MS);
    desk_close(&desk);
}

static void anothers_lease_is_respected_until_it_is_not_renewed(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_lease_is(&desk, "server-b_2", "7");
    desk_ask(&desk, 1);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_expect(&desk, "");
    desk_pass(&desk, PLIMSOLL_LEASE_MS - 1);
    desk_expect(&desk, "!r");
    assert_non_null(strstr(desk_answer(&desk), "server-b_2"));
    desk_lease_is(&desk, "server-b_2", "8"); /* renewed meanwhile */
    desk_ask(&desk, 2);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_pass(&desk, 1001);
    desk_expect(&desk, "r");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_expect(&desk, "");
    desk_close(&desk);
}

/* Sees the Lease of somebody who is gone, and takes it when it has run out. */
static void take_over(struct desk *desk)
{
    desk_lease_is(desk, "server-b_2", "7");
    desk_ask(desk, 1);
    desk_lease_reply(desk, PLIMSOLL_LEASE_DONE);
    desk_pass(desk, PLIMSOLL_LEASE_MS);
    desk_expect(desk, "!r"); /* looked at also while no bind waits */
    desk_ask(desk, 2);
    desk_lease_reply(desk, PLIMSOLL_LEASE_DONE);
    desk_expect(desk, "w");
    desk_lease_written(desk, "8");
    desk_expect(desk, "");
}

static void who_takes_over_waits_out_bindings_and_lists_then_binds(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    int64_t seen_ms = desk.now_ms;
    take_over(&desk);
    while (desk.now_ms < seen_ms + OTHERS_MS - 1000) {
        desk_pass(&desk, 1000);
        for (size_t i = 0; i < desk.effects.count; i++) {
            assert_int_not_equal(desk.effects.list[i].kind, PLIMSOLL_BOOKS_LIST);
        }
        desk_lease_written(&desk, "9");
    }
    desk_ask(&desk, 3);
    desk_pass(&desk, 1000);
    assert_non_null(desk_effect(&desk, PLIMSOLL_BOOKS_LIST));
    desk_listed(&desk, 1);
    desk_expect(&desk, "?");
    assert_true(state_of(&desk).holds_lease);
    desk_close(&desk);
}

static void a_lease_that_nobody_ever_held_is_waited_for_too(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_ask(&desk, 1);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE); /* there is none: somebody may have deleted it */
    assert_false(desk_effect(&desk, PLIMSOLL_BOOKS_LEASE_WRITE)->lease->exists);
    desk_lease_written(&desk, "1");
    desk_expect(&desk, "");
    desk_pass(&desk, PLIMSOLL_BINDING_MS_MAX - 1);
    desk_expect(&desk, "!w");
    desk_pass(&desk, 1);
    desk_expect(&desk, "l");
    desk_close(&desk);
}

/* Renews for as long as no bind comes, until the Lease is given up. */
static void pass_until_given_up(struct desk *desk)
{
    char version[8] = "10";
    for (int i = 0; i < 80 && strcmp(desk->lease.holder, DESK_IDENTITY) == 0; i++) {
        desk_pass(desk, 1000);
        if (desk->effects.count > 0) {
            version[1] = (char)('0' + i % 10);
            desk_lease_written(desk, version);
        }
    }
    assert_string_equal(desk->lease.holder, "");
    assert_true(state_of(desk).idle);
}

static void an_idle_lease_is_given_up_and_taken_back_without_a_list(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_enter(&desk, 1);
    desk_reply(&desk, PLIMSOLL_REPLY_BOUND);
    pass_until_given_up(&desk);
    desk_turn_to(&desk, "uid-2");
    desk_ask(&desk, 2);
    desk_expect(&desk, "r");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_lease_written(&desk, "30");
    desk_expect(&desk, "?");
    desk_close(&desk);
}

static void a_lease_that_is_given_up_while_pods_are_listed_is_taken_back_with_a_list(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_lease_is(&desk, "", "7"); /* by somebody else */
    desk_ask(&desk, 1);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_lease_written(&desk, "8");
    desk_expect(&desk, "l");
    pass_until_given_up(&desk); /* and the list has not ended */
    desk_ask(&desk, 2);
    desk_expect(&desk, "r");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_lease_written(&desk, "30");
    desk_expect(&desk, "l");
    desk_listed(&desk, 1); /* the first one, at last: asked for before the Lease was ours */
    desk_expect(&desk, "");
    desk_listed(&desk, 2);
    desk_expect(&desk, "?");
    desk_close(&desk);
}

static void a_lease_is_kept_while_a_binding_is_in_doubt(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_enter(&desk, 1);
    desk_reply(&desk, PLIMSOLL_REPLY_UNKNOWN);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_STOP});
    desk_expect(&desk, "");
    assert_false(state_of(&desk).idle);
    desk_turn_to(&desk, "uid-2");
    desk_ask(&desk, 2);
    assert_string_equal(desk_answer(&desk), "Plimsoll is stopping");
    desk_turn_to(&desk, "uid-1");
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE,
                                                   .uid = desk.request.uid});
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_STOP});
    desk_expect(&desk, "w");
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_LEASE_WRITE)->lease->holder, "");
    desk_lease_written(&desk, "9");
    assert_true(state_of(&desk).idle);
    desk_close(&desk);
}

static void what_was_waited_for_is_not_given_up(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    take_over(&desk);
    desk_step(&desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_STOP});
    desk_expect(&desk, "!"); /* no write: the next one shall wait as we would have */
    assert_true(state_of(&desk).idle);
    desk_close(&desk);
}

static void a_renewal_without_a_reply_is_looked_into(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_enter(&desk, 1);
    desk_pass(&desk, 4000);
    desk_expect(&desk, "w");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_FAILED);
    desk_pass(&desk, 1000);
    desk_expect(&desk, "r");
    desk_lease_is(&desk, DESK_IDENTITY, "12"); /* it had been written */
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_expect(&desk, "w");
    assert_string_equal(desk_effect(&desk, PLIMSOLL_BOOKS_LEASE_WRITE)->lease->version, "12");
    desk_close(&desk);
}

static void a_lost_lease_closes_the_fence_and_nothing_of_it_is_posted_again(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_enter(&desk, 1);
    desk_reply(&desk, PLIMSOLL_REPLY_UNKNOWN);
    desk_pass(&desk, 4000);
    desk_expect(&desk, "w");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_CHANGED);
    assert_false(state_of(&desk).holds_lease);
    /* Somebody else had it, and gave it up. */
    desk_lease_is(&desk, "", "20");
    desk_turn_to(&desk, "uid-2");
    desk_ask(&desk, 2);
    desk_expect(&desk, "r");
    desk_lease_reply(&desk, PLIMSOLL_LEASE_DONE);
    desk_lease_written(&desk, "21");
    desk_expect(&desk, "l");
    desk_listed(&desk, 2);
    desk_expect(&desk, "?");
    desk_turn_to(&desk, "uid-1");
    desk_ask(&desk, 3);
    desk_expect(&desk, "!");
    assert_string_equal(desk_answer(&desk),
                        "an earlier binding of pod ai/ollama is being looked into");
    desk_close(&desk);
}

static void a_bind_that_waits_too_long_gets_a_reason_and_never_a_success(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_ask(&desk, 1); /* the Lease is read, and no reply comes */
    desk_pass(&desk, 2999);
    desk_expect(&desk, "");
    desk_pass(&desk, 1);
    desk_expect(&desk, "!");
    assert_string_not_equal(desk_answer(&desk), "");
    desk_ask(&desk, 2);
    desk_lease_reply(&desk, PLIMSOLL_LEASE_FAILED);
    desk_pass(&desk, 3000);
    assert_string_equal(desk_answer(&desk), "the Lease of the books cannot be read: no reply");
    desk_close(&desk);
}

static void more_binds_than_may_wait_get_an_error(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    for (uint64_t i = 0; i < PLIMSOLL_TICKETS_MAX; i++) {
        desk_ask(&desk, i);
        desk_expect(&desk, i == 0 ? "r" : "");
    }
    desk_ask(&desk, PLIMSOLL_TICKETS_MAX);
    desk_expect(&desk, "!");
    assert_string_equal(desk_answer(&desk), "too many binds wait for the Lease of the books");
    desk_close(&desk);
}

static void a_pod_without_a_gpu_needs_no_lease(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, 1, DESK_IDENTITY);
    desk_step(&desk, (struct plimsoll_books_event){
                         .kind = PLIMSOLL_BOOKS_BIND_ASKED, .ticket = 1, .request = &desk.request});
    desk_expect(&desk, "P");
    assert_true(desk_effect(&desk, PLIMSOLL_BOOKS_POST)->before_ms == INT64_MAX);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_api_server_there_is_no_fence),
        cmocka_unit_test(the_first_bind_takes_a_lease_that_was_given_up_and_lists),
        cmocka_unit_test(a_list_that_was_asked_for_before_opens_nothing),
        cmocka_unit_test(a_binding_must_begin_before_the_lease_runs_out_with_a_margin),
        cmocka_unit_test(a_lease_is_valid_since_it_was_asked_for_not_since_the_reply),
        cmocka_unit_test(anothers_lease_is_respected_until_it_is_not_renewed),
        cmocka_unit_test(who_takes_over_waits_out_bindings_and_lists_then_binds),
        cmocka_unit_test(a_lease_that_nobody_ever_held_is_waited_for_too),
        cmocka_unit_test(an_idle_lease_is_given_up_and_taken_back_without_a_list),
        cmocka_unit_test(a_lease_that_is_given_up_while_pods_are_listed_is_taken_back_with_a_list),
        cmocka_unit_test(a_lease_is_kept_while_a_binding_is_in_doubt),
        cmocka_unit_test(what_was_waited_for_is_not_given_up),
        cmocka_unit_test(a_renewal_without_a_reply_is_looked_into),
        cmocka_unit_test(a_lost_lease_closes_the_fence_and_nothing_of_it_is_posted_again),
        cmocka_unit_test(a_bind_that_waits_too_long_gets_a_reason_and_never_a_success),
        cmocka_unit_test(more_binds_than_may_wait_get_an_error),
        cmocka_unit_test(a_pod_without_a_gpu_needs_no_lease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
