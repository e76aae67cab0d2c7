/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/books.h>

#include "cards.h"

/* The books, a node of one or two cards, and the pod that is to be bound. */
struct desk {
    struct plimsoll_books *books;
    struct plimsoll_books_effects effects; /* of the last step */
    struct scene scene;
    struct plimsoll_pod pod;
    struct plimsoll_bind_request request;
    const struct plimsoll_pod *shown; /* what the picture has */
    bool node_known;
};

static char pod_name[] = "ollama", pod_namespace[] = "ai", other_node[] = "node-b";

static void open_desk(struct desk *desk, uint32_t cards)
{
    *desk = (struct desk){.books = plimsoll_books_new(&(struct plimsoll_books_options){0}),
                          .node_known = true};
    scene_make(&desk->scene, cards, 16384, 4);
    desk->pod = (struct plimsoll_pod){.uid = scene_uid("uid-1"),
                                      .name = pod_name,
                                      .namespace_ = pod_namespace,
                                      .node = scene_nothing,
                                      .nominated = scene_nothing,
                                      .demand = scene_demand(false, 6000)};
    desk->shown = &desk->pod;
    desk->request = (struct plimsoll_bind_request){
        .pod = "ollama", .namespace_ = "ai", .uid = scene_uid("uid-1"), .node = SCENE_NAME};
}

static void close_desk(struct desk *desk)
{
    plimsoll_books_effects_clear(&desk->effects);
    plimsoll_books_free(&desk->books);
    assert_null(desk->books);
}

static void step(struct desk *desk, const struct plimsoll_books_event *event)
{
    plimsoll_books_effects_clear(&desk->effects);
    plimsoll_books_step(desk->books, event, &desk->effects);
}

static void ask(struct desk *desk, uint64_t ticket)
{
    struct plimsoll_books_event event = {.kind = PLIMSOLL_BOOKS_BIND_ASKED,
                                         .ticket = ticket,
                                         .request = &desk->request,
                                         .pod = desk->shown,
                                         .settings = &desk->scene.settings};
    if (desk->node_known) {
        event.view = desk->scene.view;
    }
    step(desk, &event);
}

static void reply(struct desk *desk, enum plimsoll_bind_reply reply, const char *message)
{
    step(desk, &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                              .uid = desk->request.uid,
                                              .reply = reply,
                                              .message = message});
}

static void see(struct desk *desk, const char *node)
{
    step(desk, &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                              .uid = desk->request.uid,
                                              .node = node,
                                              .claimed = true});
}

static void lose(struct desk *desk)
{
    step(desk,
         &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE, .uid = desk->request.uid});
}

/* The kinds of the last step's effects, a letter each, in their order. */
static void expect(const struct desk *desk, const char *letters)
{
    static const char names[] = {[PLIMSOLL_BOOKS_ASSUME] = 'A',
                                 [PLIMSOLL_BOOKS_FORGET] = 'F',
                                 [PLIMSOLL_BOOKS_POST] = 'P',
                                 [PLIMSOLL_BOOKS_ANSWER] = 'W',
                                 [PLIMSOLL_BOOKS_TELL] = 'T'};
    char found[32] = "";
    assert_true(desk->effects.count < sizeof found);
    for (size_t i = 0; i < desk->effects.count; i++) {
        found[i] = names[desk->effects.list[i].kind];
    }
    assert_string_equal(found, letters);
}

static void expect_answer(const struct desk *desk, size_t at, uint64_t ticket, const char *message)
{
    assert_true(at < desk->effects.count);
    assert_int_equal(desk->effects.list[at].kind, PLIMSOLL_BOOKS_ANSWER);
    assert_int_equal(desk->effects.list[at].ticket, ticket);
    assert_string_equal(desk->effects.list[at].message, message);
}

static void a_bind_assumes_posts_and_answers_when_bound(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 2);
    ask(&desk, 7);
    expect(&desk, "AP");
    const struct plimsoll_books_effect *assume = &desk.effects.list[0];
    assert_string_equal(assume->request.uid.text, "uid-1");
    assert_string_equal(assume->request.node, SCENE_NAME);
    assert_int_equal(assume->claim.card_count, 1);
    assert_int_equal(assume->claim.cards[0].vram, 6000 * MIB);
    const struct plimsoll_books_effect *post = &desk.effects.list[1];
    assert_string_equal(post->request.pod, "ollama");
    assert_string_equal(post->claim.cards[0].id, "GPU-0");
    assert_string_equal(post->claim.pod.text, "uid-1");
    assert_string_equal(post->visible[0], "GPU-0");
    assert_null(post->visible[1]);
    reply(&desk, PLIMSOLL_REPLY_BOUND, "");
    expect(&desk, "WT");
    expect_answer(&desk, 0, 7, "");
    close_desk(&desk);
}

static void the_claim_is_checked_against_the_books_as_they_are(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    scene_claim(scene_pod(&desk.scene, "A", scene_demand(false, 12000)), "GPU-0", 12000,
                UINT64_MAX);
    ask(&desk, 1);
    expect(&desk, "W");
    expect_answer(&desk, 0, 1, "insufficient free VRAM (want 5.8Gi)");
    desk.scene.view.pod_count = 0;
    ask(&desk, 2);
    expect(&desk, "AP");
    close_desk(&desk);
}

static void a_nomination_of_its_own_does_not_stand_in_the_way(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    desk.pod.demand = scene_demand(false, 10000);
    struct plimsoll_pod *nominated = scene_pod(&desk.scene, "uid-1", desk.pod.demand);
    nominated->node = scene_nothing;
    nominated->nominated = scene_name;
    ask(&desk, 1);
    expect(&desk, "AP");
    close_desk(&desk);
}

static void a_refusal_gives_the_claim_back_and_says_why(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    reply(&desk, PLIMSOLL_REPLY_REFUSED, "pod has scheduling gates");
    expect(&desk, "FW");
    assert_string_equal(desk.effects.list[0].request.uid.text, "uid-1");
    assert_non_null(strstr(desk.effects.list[1].message, "pod has scheduling gates"));
    ask(&desk, 8);
    expect(&desk, "AP");
    close_desk(&desk);
}

static void a_second_ask_waits_for_the_same_reply(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    ask(&desk, 8);
    expect(&desk, "");
    reply(&desk, PLIMSOLL_REPLY_BOUND, "");
    expect(&desk, "WWT");
    expect_answer(&desk, 0, 7, "");
    expect_answer(&desk, 1, 8, "");
    close_desk(&desk);
}

static void an_ask_for_another_node_is_told_where_the_pod_goes(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    snprintf(desk.request.node, sizeof desk.request.node, "node-b");
    ask(&desk, 8);
    expect(&desk, "W");
    expect_answer(&desk, 0, 8, "pod ai/ollama is being bound to node " SCENE_NAME);
    close_desk(&desk);
}

static void a_pod_that_is_bound_there_already_is_a_success(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    desk.pod.node = scene_name;
    ask(&desk, 7);
    expect(&desk, "W");
    expect_answer(&desk, 0, 7, "");
    desk.pod.node = other_node;
    ask(&desk, 8);
    expect(&desk, "W");
    expect_answer(&desk, 0, 8, "pod ai/ollama is already bound to node node-b");
    close_desk(&desk);
}

static void another_pod_of_the_same_name_is_not_bound(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    desk.pod.uid = scene_uid("uid-2");
    ask(&desk, 7);
    expect(&desk, "W");
    expect_answer(&desk, 0, 7, "pod ai/ollama with uid uid-1 is another pod by now");
    desk.pod.uid = scene_uid("uid-1");
    desk.pod.name = other_node;
    ask(&desk, 8);
    expect(&desk, "W");
    close_desk(&desk);
}

static void an_unknown_node_takes_no_gpu_pod(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    desk.node_known = false;
    ask(&desk, 7);
    expect(&desk, "W");
    expect_answer(&desk, 0, 7, "node " SCENE_NAME " is not yet known to Plimsoll");
    close_desk(&desk);
}

static void a_request_that_cannot_be_read_is_answered_with_its_reason(void **state)
{
    (void)state;
    struct desk desk;
    char refusal[] = "plimsoll.dev/vram: \"much\" is no quantity";
    open_desk(&desk, 1);
    desk.pod.refusal = refusal;
    ask(&desk, 7);
    expect(&desk, "W");
    expect_answer(&desk, 0, 7, refusal);
    close_desk(&desk);
}

static void a_pod_without_a_gpu_is_posted_plainly(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    desk.shown = NULL;
    desk.node_known = false;
    ask(&desk, 7);
    expect(&desk, "P");
    assert_int_equal(desk.effects.list[0].claim.card_count, 0);
    assert_int_equal(desk.effects.list[0].claim.floating_cards, 0);
    assert_null(desk.effects.list[0].visible[0]);
    reply(&desk, PLIMSOLL_REPLY_UNKNOWN, "timeout");
    expect(&desk, "W");
    ask(&desk, 8);
    expect(&desk, "P");
    reply(&desk, PLIMSOLL_REPLY_REFUSED, "gone");
    expect(&desk, "W");
    close_desk(&desk);
}

static void without_a_reply_the_claim_stays_and_the_retry_posts_it_again(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 2);
    ask(&desk, 7);
    reply(&desk, PLIMSOLL_REPLY_UNKNOWN, "timeout");
    expect(&desk, "W");
    assert_non_null(strstr(desk.effects.list[0].message, "its claim is kept: timeout"));
    see(&desk, "");
    expect(&desk, "");
    /* Meanwhile another card would be the tighter one. */
    scene_claim(scene_pod(&desk.scene, "A", scene_demand(false, 6000)), "GPU-1", 6000, UINT64_MAX);
    ask(&desk, 8);
    expect(&desk, "P");
    assert_string_equal(desk.effects.list[0].claim.cards[0].id, "GPU-0");
    assert_string_equal(desk.effects.list[0].visible[0], "GPU-0");
    reply(&desk, PLIMSOLL_REPLY_BOUND, "");
    expect(&desk, "WT");
    expect_answer(&desk, 0, 8, "");
    close_desk(&desk);
}

static void a_refusal_after_a_lost_reply_does_not_give_the_claim_back(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    reply(&desk, PLIMSOLL_REPLY_UNKNOWN, "timeout");
    ask(&desk, 8);
    reply(&desk, PLIMSOLL_REPLY_REFUSED, "too many requests");
    expect(&desk, "W");
    snprintf(desk.request.node, sizeof desk.request.node, "node-b");
    ask(&desk, 9);
    expect(&desk, "W");
    expect_answer(&desk, 0, 9, "pod ai/ollama is being bound to node " SCENE_NAME);
    lose(&desk);
    expect(&desk, "F");
    close_desk(&desk);
}

static void a_pod_seen_bound_settles_what_had_no_reply(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    reply(&desk, PLIMSOLL_REPLY_UNKNOWN, "timeout");
    see(&desk, SCENE_NAME);
    for (size_t i = 0; i < desk.effects.count; i++) {
        assert_int_not_equal(desk.effects.list[i].kind, PLIMSOLL_BOOKS_POST);
    }
    desk.pod.node = scene_name;
    ask(&desk, 8);
    expect(&desk, "W");
    expect_answer(&desk, 0, 8, "");
    close_desk(&desk);
}

static void a_pod_seen_bound_answers_before_the_reply_comes(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    see(&desk, SCENE_NAME);
    expect(&desk, "WT");
    expect_answer(&desk, 0, 7, "");
    reply(&desk, PLIMSOLL_REPLY_REFUSED, "already assigned");
    expect(&desk, "");
    close_desk(&desk);
}

static void a_pod_seen_bound_elsewhere_gives_the_claim_back(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    see(&desk, "node-b");
    expect(&desk, "FW");
    expect_answer(&desk, 1, 7, "pod ai/ollama was bound to node node-b by somebody else");
    close_desk(&desk);
}

static void a_pod_that_is_gone_gives_the_claim_back(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    lose(&desk);
    expect(&desk, "FW");
    expect_answer(&desk, 1, 7, "the pod is gone");
    reply(&desk, PLIMSOLL_REPLY_BOUND, "");
    expect(&desk, "");
    close_desk(&desk);
}

static void events_about_pods_that_are_not_being_bound_change_nothing(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    see(&desk, SCENE_NAME);
    expect(&desk, "");
    reply(&desk, PLIMSOLL_REPLY_UNKNOWN, NULL);
    expect(&desk, "");
    close_desk(&desk);
}

static void many_binds_at_once_keep_apart(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    desk.pod.demand = scene_demand(false, 1);
    for (uint64_t i = 0; i < 500; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "uid-%u", (unsigned)i);
        desk.pod.uid = desk.request.uid = scene_uid(uid);
        ask(&desk, i);
        expect(&desk, "AP");
    }
    for (uint64_t i = 500; i-- > 0;) {
        char uid[16];
        snprintf(uid, sizeof uid, "uid-%u", (unsigned)i);
        desk.request.uid = scene_uid(uid);
        reply(&desk, PLIMSOLL_REPLY_BOUND, "");
        expect(&desk, i >= 500 - PLIMSOLL_TELLS_BURST_MAX ? "WT" : "W");
        expect_answer(&desk, 0, i, "");
    }
    close_desk(&desk);
}

static void books_that_close_early_leak_nothing(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk, 1);
    ask(&desk, 7);
    close_desk(&desk);
    plimsoll_books_free(&desk.books);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bind_assumes_posts_and_answers_when_bound),
        cmocka_unit_test(the_claim_is_checked_against_the_books_as_they_are),
        cmocka_unit_test(a_nomination_of_its_own_does_not_stand_in_the_way),
        cmocka_unit_test(a_refusal_gives_the_claim_back_and_says_why),
        cmocka_unit_test(a_second_ask_waits_for_the_same_reply),
        cmocka_unit_test(an_ask_for_another_node_is_told_where_the_pod_goes),
        cmocka_unit_test(a_pod_that_is_bound_there_already_is_a_success),
        cmocka_unit_test(another_pod_of_the_same_name_is_not_bound),
        cmocka_unit_test(an_unknown_node_takes_no_gpu_pod),
        cmocka_unit_test(a_request_that_cannot_be_read_is_answered_with_its_reason),
        cmocka_unit_test(a_pod_without_a_gpu_is_posted_plainly),
        cmocka_unit_test(without_a_reply_the_claim_stays_and_the_retry_posts_it_again),
        cmocka_unit_test(a_refusal_after_a_lost_reply_does_not_give_the_claim_back),
        cmocka_unit_test(a_pod_seen_bound_settles_what_had_no_reply),
        cmocka_unit_test(a_pod_seen_bound_answers_before_the_reply_comes),
        cmocka_unit_test(a_pod_seen_bound_elsewhere_gives_the_claim_back),
        cmocka_unit_test(a_pod_that_is_gone_gives_the_claim_back),
        cmocka_unit_test(events_about_pods_that_are_not_being_bound_change_nothing),
        cmocka_unit_test(many_binds_at_once_keep_apart),
        cmocka_unit_test(books_that_close_early_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
