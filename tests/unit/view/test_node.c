/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/view.h>

#include <string.h>

#define GI (UINT64_C(1) << 30)

/* One card of 16Gi with a load line of 15Gi, and room for what a test sets. */
struct lab {
    struct plimsoll_card card;
    struct plimsoll_node node;
    struct plimsoll_node_load *load;
    struct plimsoll_extender_node seen;
    struct plimsoll_text text;
};

static char node_name[] = "home", namespace_[] = "ai", pod_name[] = "ollama", empty[] = "";

static int set_up(void **state)
{
    struct lab *lab = plimsoll_alloc(1, sizeof *lab);
    lab->card = (struct plimsoll_card){.id = "GPU-1", .product = "RTX 4080", .health = "ok"};
    lab->node = (struct plimsoll_node){.name = node_name, .cards = &lab->card, .card_count = 1};
    lab->load = plimsoll_alloc(1, sizeof *lab->load + sizeof lab->load->cards[0]);
    lab->load->card_count = 1;
    lab->load->cards[0] = (struct plimsoll_load){
        .total = 16 * GI, .line = 15 * GI, .reserve = GI, .free = 15 * GI, .replicas = 1};
    lab->seen = (struct plimsoll_extender_node){.view = {.node = &lab->node}, .load = lab->load};
    lab->text = plimsoll_text_make(65536);
    *state = lab;
    return 0;
}

static int tear_down(void **state)
{
    struct lab *lab = *state;
    free(lab->load);
    plimsoll_text_clear(&lab->text);
    free(lab);
    return 0;
}

static const char *shown(struct lab *lab, bool colour, bool unicode)
{
    struct plimsoll_view_options options = {.width = 80, .colour = colour, .unicode = unicode};
    plimsoll_text_reset(&lab->text);
    plimsoll_view_node(&lab->seen, &options, &lab->text);
    return lab->text.data;
}

static void an_empty_card_is_free_up_to_its_line(void **state)
{
    assert_string_equal(
        shown(*state, false, false),
        "home  not measured\n"
        "   0  RTX 4080    ..............................--     15Gi free of 15Gi\n");
}

static void booked_foreign_and_reserve_show_in_the_bar(void **state)
{
    struct lab *lab = *state;
    lab->load->cards[0].booked = 8 * GI;
    lab->load->cards[0].foreign = 2 * GI;
    lab->load->cards[0].free = 6 * GI;
    assert_non_null(
        strstr(shown(lab, false, false), "################%%%%............      6Gi free"));
    assert_non_null(strstr(shown(lab, false, true), "████████████████▓▓▓▓············"));
}

static void a_little_is_never_shown_as_nothing(void **state)
{
    struct lab *lab = *state;
    lab->load->cards[0].booked = 1;
    assert_non_null(strstr(shown(lab, false, false), "  #....."));
}

static void more_than_the_card_has_does_not_lengthen_the_bar(void **state)
{
    struct lab *lab = *state;
    lab->load->cards[0].booked = 640 * GI;
    lab->load->cards[0].foreign = 640 * GI;
    lab->load->cards[0].free = 0;
    assert_non_null(
        strstr(shown(lab, false, false), "  ################################        0 free"));
}

static void pods_are_listed_with_what_they_claim_and_use(void **state)
{
    struct lab *lab = *state;
    struct plimsoll_claim_card claim = {.id = "GPU-1", .vram = 8 * GI};
    struct plimsoll_pod pod = {.uid = {"u1"},
                               .namespace_ = namespace_,
                               .name = pod_name,
                               .node = node_name,
                               .nominated = empty,
                               .claim = {.card_count = 1, .cards = &claim}};
    const struct plimsoll_pod *pods[] = {&pod};
    struct plimsoll_pod_bytes measured = {{"u1"}, 5 * GI};
    lab->card.pods = &measured;
    lab->card.pod_count = 1;
    lab->seen.view.pods = pods;
    lab->seen.view.pod_count = 1;
    assert_non_null(
        strstr(shown(lab, false, false), "\n        ai/ollama  8Gi claimed, uses 5Gi\n"));
    pod.claim = (struct plimsoll_claim){.floating_cards = 1, .floating_vram = 3 * GI};
    lab->card.pod_count = 0;
    assert_non_null(
        strstr(shown(lab, false, false), "\n      ai/ollama  3Gi on one of the cards\n"));
    pod.claim.floating_cards = 0;
    lab->card.pod_count = 1;
    assert_non_null(strstr(shown(lab, false, false), "ai/ollama  unclaimed, uses 5Gi\n"));
    char why[] = "it is of pod u2";
    pod.claim_ignored = why;
    assert_non_null(strstr(shown(lab, false, false),
                           "ai/ollama  unclaimed (its claim does not count: it is of pod u2), "
                           "uses 5Gi\n"));
}

static void trouble_takes_the_place_of_the_free_bytes(void **state)
{
    struct lab *lab = *state;
    strcpy(lab->card.health, "xid 79");
    lab->load->cards[0].state = PLIMSOLL_CARD_UNHEALTHY;
    const char *text = shown(lab, false, false);
    assert_non_null(strstr(text, "  xid 79\n"));
    assert_null(strstr(text, "free of"));
    lab->load->cards[0].state = PLIMSOLL_CARD_CORDONED;
    assert_non_null(strstr(shown(lab, false, false), "  cordoned\n"));
    lab->load->cards[0].state = PLIMSOLL_CARD_UNKNOWN_MEMORY;
    assert_non_null(strstr(shown(lab, false, false), "  memory unknown\n"));
    char reason[] = "plimsoll.dev/inventory: broken";
    lab->node.unusable = reason;
    assert_non_null(
        strstr(shown(lab, false, false), "no new GPU pods: plimsoll.dev/inventory: broken\n"));
}

static void colour_is_only_there_when_asked_for(void **state)
{
    assert_null(strstr(shown(*state, false, true), "\033"));
    assert_non_null(strstr(shown(*state, true, true), "\033[32m"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_card_is_free_up_to_its_line),
        TEST(booked_foreign_and_reserve_show_in_the_bar),
        TEST(a_little_is_never_shown_as_nothing),
        TEST(more_than_the_card_has_does_not_lengthen_the_bar),
        TEST(pods_are_listed_with_what_they_claim_and_use),
        TEST(trouble_takes_the_place_of_the_free_bytes),
        TEST(colour_is_only_there_when_asked_for),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
