/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/books.h>

#include "cards.h"

#define MINUTE 60000

/* The books, a node of one card, and a pod. */
struct desk {
    struct plimsoll_books *books;
    struct plimsoll_books_effects effects; /* of the last step */
    struct scene scene;
    struct plimsoll_pod pod;
    struct plimsoll_bind_request request;
    int64_t now_ms;
};

static char pod_name[] = "ollama", pod_namespace[] = "ai";

static int setup(void **state)
{
    struct desk *desk = plimsoll_alloc(1, sizeof *desk);
    desk->books = plimsoll_books_new(&(struct plimsoll_books_options){0});
    desk->now_ms = 5 * MINUTE;
    scene_make(&desk->scene, 1, 16384, 4);
    desk->pod = (struct plimsoll_pod){.uid = scene_uid("uid-1"),
                                      .name = pod_name,
                                      .namespace_ = pod_namespace,
                                      .node = scene_nothing,
                                      .nominated = scene_nothing,
                                      .demand = scene_demand(false, 6000)};
    desk->request = (struct plimsoll_bind_request){
        .pod = "ollama", .namespace_ = "ai", .uid = desk->pod.uid, .node = SCENE_NAME};
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    plimsoll_books_effects_clear(&desk->effects);
    plimsoll_books_free(&desk->books);
    free(desk);
    return 0;
}

/* @return how many effects of the step are of that kind; the last one is `found`. */
static size_t count(const struct desk *desk, enum plimsoll_books_effect_kind kind,
                    const struct plimsoll_books_effect **found)
{
    size_t number = 0;
    for (size_t i = 0; i < desk->effects.count; i++) {
        if (desk->effects.list[i].kind == kind) {
            number++;
            *found = &desk->effects.list[i];
        }
    }
    return number;
}

/* @return what the step told, NULL when nothing. */
static const struct plimsoll_books_effect *step(struct desk *desk,
                                                struct plimsoll_books_event event)
{
    const struct plimsoll_books_effect *told = NULL;
    event.now_ms = desk->now_ms;
    event.settings = &desk->scene.settings;
    plimsoll_books_effects_clear(&desk->effects);
    plimsoll_books_step(desk->books, &event, &desk->effects);
    assert_true(count(desk, PLIMSOLL_BOOKS_TELL, &told) <= 1);
    return told;
}

static const struct plimsoll_books_effect *refuse(struct desk *desk)
{
    struct plimsoll_name_set asked = {0};
    plimsoll_name_set_add(&asked, plimsoll_span_of(SCENE_NAME));
    const struct plimsoll_span names[] = {plimsoll_span_of(SCENE_NAME), plimsoll_span_of("b")};
    return step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED,
                                                    .pod = &desk->pod,
                                                    .asked = &asked,
                                                    .names = names,
                                                    .name_count = 2});
}

/* Further pods, for what there may be many of. */
static const struct plimsoll_books_effect *refuse_other(struct desk *desk, unsigned number)
{
    struct plimsoll_uid uid = desk->pod.uid;
    snprintf(desk->pod.uid.text, sizeof desk->pod.uid.text, "other-%u", number);
    const struct plimsoll_books_effect *told = refuse(desk);
    desk->pod.uid = uid;
    return told;
}

static const struct plimsoll_books_effect *look(struct desk *desk)
{
    return step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_NODE_OVER,
                                                    .view = desk->scene.view});
}

static void ask(struct desk *desk)
{
    step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_ASKED,
                                             .ticket = 1,
                                             .request = &desk->request,
                                             .pod = &desk->pod,
                                             .view = desk->scene.view});
}

static const struct plimsoll_books_effect *reply(struct desk *desk, enum plimsoll_bind_reply said)
{
    return step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                                    .uid = desk->pod.uid,
                                                    .reply = said});
}

/* Is the node asked for, because something of it is due? */
static bool is_due(struct desk *desk)
{
    const struct plimsoll_books_effect *effect = NULL;
    assert_null(step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_TIME}));
    size_t number = count(desk, PLIMSOLL_BOOKS_LOOK_OVER, &effect);
    if (effect != NULL) {
        assert_string_equal(effect->request.node, SCENE_NAME);
    }
    return number > 0;
}

/* -- bound --------------------------------------------------------------------------------------
 */

static void assert_assigned(const struct plimsoll_books_effect *told, uint64_t mib)
{
    assert_non_null(told);
    assert_int_equal(told->tale, PLIMSOLL_TALE_ASSIGNED);
    assert_string_equal(told->request.pod, "ollama");
    assert_string_equal(told->request.namespace_, "ai");
    assert_string_equal(told->request.node, SCENE_NAME);
    assert_int_equal(told->claim.card_count, 1);
    assert_string_equal(told->claim.cards[0].id, "GPU-0");
    assert_int_equal(told->claim.cards[0].vram, mib * MIB);
}

static void a_bound_pod_is_told_its_card(void **state)
{
    struct desk *desk = *state;
    ask(desk);
    assert_assigned(reply(desk, PLIMSOLL_REPLY_BOUND), 6000);
    assert_null(reply(desk, PLIMSOLL_REPLY_BOUND)); /* once */
}

static void a_pod_seen_bound_before_the_reply_is_told_once(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_books_event seen = {
        .kind = PLIMSOLL_BOOKS_POD_SEEN, .uid = desk->pod.uid, .node = SCENE_NAME, .claimed = true};
    ask(desk);
    assert_assigned(step(desk, seen), 6000);
    assert_null(step(desk, seen));
    assert_null(reply(desk, PLIMSOLL_REPLY_BOUND));
}

static void an_adopted_claim_is_what_is_told(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_claim_card card = {.id = "GPU-0", .vram = 4000 * MIB};
    struct plimsoll_claim claim = {.card_count = 1, .cards = &card};
    ask(desk);
    assert_null(reply(desk, PLIMSOLL_REPLY_CONFLICT));
    assert_assigned(step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_READ,
                                                             .uid = desk->pod.uid,
                                                             .fact = PLIMSOLL_POD_BOUND,
                                                             .node = SCENE_NAME,
                                                             .claim = &claim}),
                    4000);
}

static void what_is_not_certain_is_not_told(void **state)
{
    struct desk *desk = *state;
    ask(desk);
    assert_null(reply(desk, PLIMSOLL_REPLY_UNKNOWN));
    assert_null(reply(desk, PLIMSOLL_REPLY_REFUSED));
    assert_null(step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                                         .uid = desk->pod.uid,
                                                         .node = "elsewhere",
                                                         .claimed = true}));
}

/* -- refused ------------------------------------------------------------------------------------
 */

static void a_refused_pod_is_told_at_once_and_then_ever_more_seldom(void **state)
{
    struct desk *desk = *state;
    const struct plimsoll_books_effect *told = refuse(desk);
    assert_non_null(told);
    assert_int_equal(told->tale, PLIMSOLL_TALE_REFUSED);
    assert_string_equal(told->request.pod, "ollama");
    assert_string_equal(told->request.namespace_, "ai");
    assert_string_equal(told->request.uid.text, "uid-1");
    assert_int_equal(told->names_size, sizeof SCENE_NAME + sizeof "b");
    assert_memory_equal(told->names, SCENE_NAME "\0b", told->names_size);
    static const int64_t pauses[] = {1, 2, 4, 8, 10, 10};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        desk->now_ms += pauses[i] * MINUTE - 1;
        assert_null(refuse(desk));
        desk->now_ms++;
        assert_non_null(refuse(desk));
    }
}

static void a_pod_that_was_bound_or_is_gone_starts_anew(void **state)
{
    struct desk *desk = *state;
    assert_non_null(refuse(desk));
    step(desk,
         (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE, .uid = desk->pod.uid});
    assert_non_null(refuse(desk));
    assert_null(refuse(desk));
    step(desk, (struct plimsoll_books_event){
                   .kind = PLIMSOLL_BOOKS_POD_SEEN, .uid = desk->pod.uid, .node = SCENE_NAME});
    assert_non_null(refuse(desk));
}

static void an_unreadable_request_is_told_by_the_scheduler_alone(void **state)
{
    struct desk *desk = *state;
    desk->pod.refusal = pod_name;
    assert_null(refuse(desk));
}

static void all_together_are_told_at_a_rate(void **state)
{
    struct desk *desk = *state;
    unsigned told = 0;
    for (unsigned i = 0; i < 4 * PLIMSOLL_TELLS_BURST_MAX; i++) {
        told += refuse_other(desk, i) != NULL;
    }
    assert_int_equal(told, PLIMSOLL_TELLS_BURST_MAX);
    assert_int_equal(plimsoll_books_state(desk->books).untold, 3 * PLIMSOLL_TELLS_BURST_MAX);
    desk->now_ms += 2000;
    for (unsigned i = 0; i < 4 * PLIMSOLL_TELLS_BURST_MAX; i++) {
        told += refuse_other(desk, i) != NULL; /* those who were not told before */
    }
    assert_int_equal(told, PLIMSOLL_TELLS_BURST_MAX + 2 * PLIMSOLL_TELLS_SECOND_MAX);
}

static void no_more_pods_are_remembered_than_there_is_room_for(void **state)
{
    struct desk *desk = *state;
    for (unsigned i = 0; i < PLIMSOLL_TELLING_MAX; i++) {
        desk->now_ms += 1000 / PLIMSOLL_TELLS_SECOND_MAX;
        assert_non_null(refuse_other(desk, i));
    }
    desk->now_ms += 1000;
    assert_null(refuse(desk));
    plimsoll_books_effects_clear(&desk->effects);
    step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE,
                                             .uid = scene_uid("other-7")});
    assert_non_null(refuse(desk));
}

/* -- over ---------------------------------------------------------------------------------------
 */

/* A pod of 4000 MiB that uses 5000. */
static void outgrow(struct desk *desk)
{
    scene_claim(scene_pod(&desk->scene, "big", scene_demand(false, 4000)), "GPU-0", 4000, 0);
    scene_report(&desk->scene, 0, 5000, true);
    scene_use(&desk->scene, 0, "big", 5000);
}

static void shrink(struct desk *desk)
{
    desk->scene.bytes[0][0].bytes = 4000 * MIB;
}

static void a_pod_that_stays_over_its_claim_is_told(void **state)
{
    struct desk *desk = *state;
    outgrow(desk);
    assert_null(look(desk)); /* the next report may say otherwise */
    assert_false(is_due(desk));
    desk->now_ms += 15000;
    assert_true(is_due(desk));
    assert_false(is_due(desk)); /* asked for already */
    const struct plimsoll_books_effect *told = look(desk);
    assert_non_null(told);
    assert_int_equal(told->tale, PLIMSOLL_TALE_OVER_CLAIM);
    assert_string_equal(told->request.uid.text, "big");
    assert_string_equal(told->request.node, SCENE_NAME);
    assert_null(look(desk));
    desk->now_ms += 10 * MINUTE - 1;
    assert_false(is_due(desk));
    desk->now_ms++;
    assert_true(is_due(desk));
    assert_non_null(look(desk));
}

static void what_passes_is_not_told(void **state)
{
    struct desk *desk = *state;
    outgrow(desk);
    assert_null(look(desk));
    desk->now_ms += 15000;
    assert_true(is_due(desk));
    shrink(desk);
    assert_null(look(desk));
    desk->now_ms += 60 * MINUTE;
    assert_false(is_due(desk));
    desk->scene.bytes[0][0].bytes = 5000 * MIB;
    assert_null(look(desk)); /* it starts anew */
}

static void what_comes_and_goes_is_told_no_more_often(void **state)
{
    struct desk *desk = *state;
    outgrow(desk);
    look(desk);
    desk->now_ms += 15000;
    assert_non_null(look(desk));
    shrink(desk);
    assert_null(look(desk));
    desk->now_ms += MINUTE;
    desk->scene.bytes[0][0].bytes = 5000 * MIB;
    assert_null(look(desk));
    desk->now_ms += MINUTE;
    assert_null(look(desk));
    desk->now_ms += 9 * MINUTE;
    assert_non_null(look(desk));
}

static void a_card_that_stays_over_its_line_is_told(void **state)
{
    struct desk *desk = *state;
    scene_claim(scene_pod(&desk->scene, "a", scene_demand(false, 16000)), "GPU-0", 16000, 0);
    assert_null(look(desk));
    desk->now_ms += 15000;
    const struct plimsoll_books_effect *told = look(desk);
    assert_non_null(told);
    assert_int_equal(told->tale, PLIMSOLL_TALE_OVER_LINE);
    assert_string_equal(told->request.node, SCENE_NAME);
    assert_string_equal(told->request.pod, "");
    assert_string_equal(told->card, "GPU-0");
}

static void a_pod_that_will_likely_come_puts_no_card_over_its_line(void **state)
{
    struct desk *desk = *state;
    scene_claim(scene_pod(&desk->scene, "a", scene_demand(false, 16000)), "GPU-0", 16000, 0);
    desk->scene.view.holds = desk->scene.list;
    desk->scene.view.hold_count = 1;
    desk->scene.view.pods = NULL;
    desk->scene.view.pod_count = 0;
    look(desk);
    desk->now_ms += 15000;
    assert_null(look(desk));
}

static void a_pod_that_is_gone_is_over_nothing(void **state)
{
    struct desk *desk = *state;
    outgrow(desk);
    look(desk);
    step(desk,
         (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE, .uid = scene_uid("big")});
    desk->now_ms += 15000;
    assert_false(is_due(desk));
}

static void a_node_that_is_gone_is_not_asked_for_for_ever(void **state)
{
    struct desk *desk = *state;
    outgrow(desk);
    look(desk);
    desk->now_ms += 15000;
    assert_true(is_due(desk));
    desk->now_ms += MINUTE;
    assert_false(is_due(desk));
    assert_null(look(desk)); /* forgotten: it starts anew */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_bound_pod_is_told_its_card),
        TEST(a_pod_seen_bound_before_the_reply_is_told_once),
        TEST(an_adopted_claim_is_what_is_told),
        TEST(what_is_not_certain_is_not_told),
        TEST(a_refused_pod_is_told_at_once_and_then_ever_more_seldom),
        TEST(a_pod_that_was_bound_or_is_gone_starts_anew),
        TEST(an_unreadable_request_is_told_by_the_scheduler_alone),
        TEST(all_together_are_told_at_a_rate),
        TEST(no_more_pods_are_remembered_than_there_is_room_for),
        TEST(a_pod_that_stays_over_its_claim_is_told),
        TEST(what_passes_is_not_told),
        TEST(what_comes_and_goes_is_told_no_more_often),
        TEST(a_card_that_stays_over_its_line_is_told),
        TEST(a_pod_that_will_likely_come_puts_no_card_over_its_line),
        TEST(a_pod_that_is_gone_is_over_nothing),
        TEST(a_node_that_is_gone_is_not_asked_for_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
