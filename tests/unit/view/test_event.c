/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/view.h>

#include "cards.h"

#define GIB (1024 * MIB)

/* A node of two A100 of 16Gi, and a pod that wants 12Gi of one. */
struct desk {
    struct scene scene;
    struct plimsoll_pod pod;
    struct plimsoll_extender_node seen;
    struct plimsoll_node_load *load;
    struct plimsoll_text text;
};

static char ai[] = "ai", web[] = "web", dgx[] = "dgx-3", long_name[254];
static char new_set[] = "ollama-7c9b", old_set[] = "ollama-5d9f", other_set[] = "ollama-ui-5d9f";

static int setup(void **state)
{
    struct desk *desk = plimsoll_alloc(1, sizeof *desk);
    scene_make(&desk->scene, 2, 16384, 4);
    desk->scene.node.name = dgx;
    for (uint32_t i = 0; i < 2; i++) {
        struct plimsoll_card *card = &desk->scene.cards[i];
        snprintf(card->id, sizeof card->id, "GPU-8f6d2c1%u-0e1d-4c2b-9a3f-5b6c7d8e9f00", i);
        snprintf(card->product, sizeof card->product, "NVIDIA A100");
    }
    desk->pod = (struct plimsoll_pod){.uid = scene_uid("new"),
                                      .name = long_name,
                                      .namespace_ = ai,
                                      .node = scene_nothing,
                                      .nominated = scene_nothing,
                                      .demand = scene_demand(false, 12 * 1024)};
    desk->text = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
    memset(long_name, 'x', sizeof long_name - 1);
    *state = desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    free(desk->load);
    plimsoll_text_clear(&desk->text);
    free(desk);
    return 0;
}

/* Names are not const: a pod owns them. They live as long as the test. */
static char *name_of(const char *text)
{
    static char names[64][32];
    static size_t count;
    char *name = names[count++ % 64];
    snprintf(name, sizeof names[0], "%s", text);
    return name;
}

/* A pod there with a claim on a card; 0 MiB: it holds the card without one. */
static struct plimsoll_pod *add_pod(struct desk *desk, char *name, uint32_t card, uint64_t mib)
{
    struct scene *scene = &desk->scene;
    struct plimsoll_pod *pod = scene_pod(scene, name, scene_demand(false, mib));
    pod->name = name;
    pod->namespace_ = ai;
    if (mib > 0) {
        char id[PLIMSOLL_CARD_ID_SIZE]; /* what is copied must not lie in what is written */
        memcpy(id, scene->cards[card].id, sizeof id);
        scene_claim(pod, id, mib, 0);
        snprintf(pod->claim.node, sizeof pod->claim.node, "%s", dgx);
    } else {
        scene_hold(scene, card, name);
    }
    return pod;
}

static const struct plimsoll_extender_node *look(struct desk *desk)
{
    free(desk->load);
    desk->load = scene_load(&desk->scene);
    desk->seen = (struct plimsoll_extender_node){.view = desk->scene.view, .load = desk->load};
    return &desk->seen;
}

static const char *read_note(const struct desk *desk)
{
    assert_false(desk->text.overflowed);
    assert_true(desk->text.size > 0);
    return desk->text.data;
}

static const char *refused_among(struct desk *desk, size_t asked)
{
    const struct plimsoll_extender_node *node = look(desk);
    struct plimsoll_view_refusal refusal = {.pod = &desk->pod, .asked = asked, .closest = node};
    refusal.verdict = plimsoll_placement_judge(node->view.node, node->load, &desk->pod.demand,
                                               &desk->scene.settings);
    assert_int_not_equal(refusal.verdict.reason, PLIMSOLL_FITS);
    plimsoll_text_reset(&desk->text);
    plimsoll_view_refused(&refusal, &desk->text);
    return read_note(desk);
}

/* -- assigned -----------------------------------------------------------------------------------
 */

static const char *assigned(struct desk *desk, const struct plimsoll_claim *claim)
{
    plimsoll_text_reset(&desk->text);
    plimsoll_view_assigned(&desk->scene.node, claim, &desk->text);
    return read_note(desk);
}

static void a_bound_pod_reads_which_card_it_has(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_claim *claim = &add_pod(desk, web, 0, 12 * 1024)->claim;
    assert_string_equal(assigned(desk, claim),
                        "GPU-8f6d2c10… (NVIDIA A100, card 0) of node dgx-3: 12Gi");
    scene_claim(&desk->scene.pods[0], desk->scene.cards[1].id, 12 * 1024, 0);
    snprintf(claim->node, sizeof claim->node, "dgx-3");
    assert_string_equal(assigned(desk, claim),
                        "GPU-8f6d2c10… (NVIDIA A100, card 0) and GPU-8f6d2c11… (NVIDIA A100, card "
                        "1) of node dgx-3: 12Gi on each");
}

static void a_card_that_is_not_in_the_picture_is_known_by_its_id(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_claim_card card = {.id = "0000:41:00.0", .vram = GIB};
    struct plimsoll_claim claim = {.node = "dgx-3", .card_count = 1, .cards = &card};
    assert_string_equal(assigned(desk, &claim), "0000:41:00.0 of node dgx-3: 1Gi");
    plimsoll_text_reset(&desk->text);
    plimsoll_view_assigned(NULL, &claim, &desk->text);
    assert_string_equal(read_note(desk), "0000:41:00.0 of node dgx-3: 1Gi");
}

static void a_card_that_only_labels_speak_of_is_known_by_its_index(void **state)
{
    struct desk *desk = *state;
    snprintf(desk->scene.cards[0].id, sizeof desk->scene.cards[0].id, "0");
    struct plimsoll_claim *claim = &add_pod(desk, name_of("whisper"), 0, 12 * 1024)->claim;
    desk->scene.node.card_count = 1;
    assert_string_equal(assigned(desk, claim), "card 0 (NVIDIA A100) of node dgx-3: 12Gi");
    assert_string_equal(refused_among(desk, 1),
                        "no room for 12Gi on the node that was asked, dgx-3: card 0 (NVIDIA A100) "
                        "has 3.5Gi free of 15.5Gi, 8.5Gi too little. Held by ai/whisper (12Gi).");
}

static void a_floating_claim_says_who_picks(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_claim claim = {.node = "dgx-3", .floating_cards = 1, .floating_vram = 6 * GIB};
    assert_string_equal(assigned(desk, &claim),
                        "a card of node dgx-3 that the device plugin picks: 6Gi");
    claim.floating_cards = 2;
    assert_string_equal(assigned(desk, &claim),
                        "2 cards of node dgx-3 that the device plugin picks: 6Gi on each");
    claim.floating_vram = 0;
    assert_string_equal(assigned(desk, &claim), "2 cards of node dgx-3 that the device plugin "
                                                "picks: how much memory is there is not known");
}

static void many_cards_fit_into_the_note(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_claim_card cards[PLIMSOLL_CARDS_MAX];
    struct plimsoll_claim claim = {.card_count = PLIMSOLL_CARDS_MAX, .cards = cards};
    memset(claim.node, 'n', PLIMSOLL_NAME_BYTES_MAX);
    for (uint32_t i = 0; i < PLIMSOLL_CARDS_MAX; i++) {
        cards[i].vram = GIB;
        memset(cards[i].id, 'i', sizeof cards[i].id - 1);
        cards[i].id[sizeof cards[i].id - 1] = '\0';
    }
    const char *note = assigned(desk, &claim);
    assert_non_null(strstr(note, " and 56 more of node nnn"));
    assert_non_null(strstr(note, "n: 1Gi on each"));
}

/* -- refused ------------------------------------------------------------------------------------
 */

static void a_refused_pod_reads_what_is_missing_and_who_has_it(void **state)
{
    struct desk *desk = *state;
    add_pod(desk, name_of("ollama-5d9f-x"), 0, 5 * 1024);
    add_pod(desk, name_of("whisper"), 0, 2 * 1024);
    add_pod(desk, name_of("vllm"), 1, 15 * 1024);
    assert_string_equal(
        refused_among(desk, 3),
        "no room for 12Gi on any of 3 nodes. Closest is dgx-3: card 0 (NVIDIA A100, "
        "GPU-8f6d2c10…) has 8.5Gi free of 15.5Gi, 3.5Gi too little. Held by ai/ollama-5d9f-x "
        "(5Gi), ai/whisper (2Gi).");
}

static void what_is_in_use_outside_of_pods_and_without_a_claim_is_said(void **state)
{
    struct desk *desk = *state;
    desk->scene.node.card_count = 1;
    add_pod(desk, name_of("comfyui"), 0, 0);
    add_pod(desk, name_of("whisper"), 0, 2 * 1024);
    scene_report(&desk->scene, 0, 4 * 1024, true);
    scene_use(&desk->scene, 0, "whisper", 3 * 1024);
    assert_string_equal(refused_among(desk, 1),
                        "no room for 12Gi on the node that was asked, dgx-3: card 0 (NVIDIA A100, "
                        "GPU-8f6d2c10…) has 8Gi free of 15.5Gi, 4Gi too little. Held by ai/whisper "
                        "(3Gi), ai/comfyui (without a claim); 1Gi in use outside of pods.");
    desk->scene.view.pod_count = 0;
    scene_report(&desk->scene, 0, 10 * 1024, true);
    assert_string_equal(refused_among(desk, 1),
                        "no room for 12Gi on the node that was asked, dgx-3: card 0 (NVIDIA A100, "
                        "GPU-8f6d2c10…) has 6Gi free of 15.5Gi, 6Gi too little. 10Gi are in use "
                        "outside of pods.");
}

static void who_may_hold_a_card_is_said_as_such(void **state)
{
    struct desk *desk = *state;
    desk->pod.demand = scene_demand(true, 12 * 1024);
    desk->pod.demand.env_ours = false;
    add_pod(desk, name_of("whisper"), 0, 1024);
    struct plimsoll_pod *floating = add_pod(desk, name_of("xtts"), 0, 0);
    floating->demand = scene_demand(true, 5 * 1024);
    scene_float(floating, 1, 5 * 1024);
    snprintf(floating->claim.node, sizeof floating->claim.node, "dgx-3");
    desk->scene.cards[0].holder_count = 0;
    assert_string_equal(
        refused_among(desk, 2),
        "no room for 12Gi on any of 2 nodes. Closest is dgx-3: card 0 (NVIDIA A100, "
        "GPU-8f6d2c10…) has 9.5Gi free of 15.5Gi, 2.5Gi too little, and the device plugin may "
        "pick it. Held by ai/whisper (1Gi), ai/xtts (perhaps 5Gi).");
}

static void of_a_card_without_a_device_left_is_said_what_it_could_bear(void **state)
{
    struct desk *desk = *state;
    desk->pod.demand = scene_demand(true, 12 * 1024);
    desk->pod.demand.env_ours = false;
    for (uint32_t i = 0; i < 4; i++) {
        char *name = name_of((const char *[]){"a", "b", "c", "d"}[i]);
        add_pod(desk, name, 0, 3 * 1024);
        scene_hold(&desk->scene, 0, name);
    }
    assert_string_equal(
        refused_among(desk, 1),
        "no room for 12Gi on the node that was asked, dgx-3: card 0 (NVIDIA A100, GPU-8f6d2c10…) "
        "has, once a pod on it ends, 6.5Gi free of 15.5Gi, 5.5Gi too little, and the device "
        "plugin "
        "may pick it. Held by ai/a (3Gi), ai/b (3Gi), ai/c (3Gi), ai/d (3Gi).");
}

static void a_rolling_update_that_waits_for_itself_is_told_so(void **state)
{
    struct desk *desk = *state;
    desk->scene.node.card_count = 1;
    struct plimsoll_pod *old = add_pod(desk, name_of("ollama-5d9f-x"), 0, 12 * 1024);
    desk->pod.replica_set = new_set;
    old->replica_set = old_set;
    assert_string_equal(
        refused_among(desk, 1),
        "no room for 12Gi on the node that was asked, dgx-3: card 0 (NVIDIA A100, GPU-8f6d2c10…) "
        "has 3.5Gi free of 15.5Gi, 8.5Gi too little. Held by ai/ollama-5d9f-x (12Gi). "
        "ollama-5d9f-x is of another ReplicaSet of the same Deployment, so this rolling update "
        "waits for itself: use strategy Recreate or maxSurge 0.");
    char *const others[] = {NULL, new_set, other_set, web};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        old->replica_set = others[i];
        assert_null(strstr(refused_among(desk, 1), "rolling update"));
    }
    old->replica_set = old_set;
    old->namespace_ = web; /* another Deployment of that name */
    assert_null(strstr(refused_among(desk, 1), "rolling update"));
    desk->pod.replica_set = NULL;
    assert_null(strstr(refused_among(desk, 1), "rolling update"));
}

static void a_request_that_no_card_can_give_reads_what_it_can_give(void **state)
{
    struct desk *desk = *state;
    desk->pod.demand = scene_demand(false, 24 * 1024);
    add_pod(desk, name_of("whisper"), 0, 2 * 1024);
    assert_string_equal(
        refused_among(desk, 4),
        "no room for 24Gi on any of 4 nodes. Closest is dgx-3: card 0 (NVIDIA A100, "
        "GPU-8f6d2c10…) can give 15.5Gi at most, also with nobody on it.");
}

static void what_is_not_about_bytes_reads_as_the_scheduler_shows_it(void **state)
{
    struct desk *desk = *state;
    desk->scene.cards[0].cordoned = desk->scene.cards[1].cordoned = true;
    assert_string_equal(refused_among(desk, 2),
                        "no room for 12Gi on any of 2 nodes. Closest is dgx-3: card cordoned.");
    desk->pod.demand.cards = 3;
    assert_string_equal(refused_among(desk, 2), "no room for 12Gi on each card on any of 2 nodes. "
                                                "Closest is dgx-3: too few cards (want 3).");
    desk->pod.demand = scene_demand(true, 0);
    desk->scene.node.unusable = scene_nothing;
    assert_string_equal(refused_among(desk, 2), "no room on any of 2 nodes. Closest is dgx-3: the "
                                                "node's GPU annotations cannot be read.");
}

static void nodes_that_nobody_knows_are_said_to_be_unknown(void **state)
{
    struct desk *desk = *state;
    plimsoll_view_refused(&(struct plimsoll_view_refusal){.pod = &desk->pod, .asked = 2},
                          &desk->text);
    assert_string_equal(read_note(desk), "no room for 12Gi on any of 2 nodes: none of them is "
                                         "known to Plimsoll.");
}

static void the_advice_fits_beside_many_long_names(void **state)
{
    struct desk *desk = *state;
    desk->scene.node.card_count = 1;
    desk->scene.node.name = long_name;
    for (unsigned i = 0; i < 40; i++) {
        struct plimsoll_pod *pod = add_pod(desk, long_name, 0, 350);
        snprintf(pod->claim.node, sizeof pod->claim.node, "%s", long_name);
        snprintf(pod->uid.text, sizeof pod->uid.text, "uid-%u", i);
        pod->replica_set = old_set;
    }
    desk->pod.replica_set = new_set;
    const char *note = refused_among(desk, 5000);
    assert_non_null(strstr(note, "Held by 40 pods."));
    assert_non_null(strstr(note, "use strategy Recreate or maxSurge 0."));
    for (unsigned i = 0; i < 40; i++) {
        desk->scene.pods[i].name = web;
    }
    note = refused_among(desk, 5000);
    assert_non_null(strstr(note, "Held by ai/web (350Mi), ai/web (350Mi), "));
    assert_non_null(strstr(note, " more. web is of another ReplicaSet"));
}

/* -- over ---------------------------------------------------------------------------------------
 */

static void a_pod_over_its_claim_reads_by_how_much(void **state)
{
    struct desk *desk = *state;
    struct plimsoll_over_claim over = {.card = 1, .claimed = 4 * GIB, .measured = 13 * GIB / 2};
    plimsoll_view_over_claim(&desk->scene.node, &over, &desk->text);
    assert_string_equal(read_note(desk),
                        "uses 6.5Gi of card 1 (NVIDIA A100, GPU-8f6d2c11…) of node dgx-3, 2.5Gi "
                        "more than the 4Gi it claimed. Ask for more with plimsoll.dev/vram, or "
                        "make it use less.");
    plimsoll_text_reset(&desk->text);
    over.claimed = 0;
    plimsoll_view_over_claim(&desk->scene.node, &over, &desk->text);
    assert_string_equal(read_note(desk), "uses 6.5Gi of card 1 (NVIDIA A100, GPU-8f6d2c11…) of "
                                         "node dgx-3, where it has claimed nothing.");
}

static void a_card_over_its_line_reads_why(void **state)
{
    struct desk *desk = *state;
    add_pod(desk, name_of("ollama"), 0, 10 * 1024);
    add_pod(desk, name_of("vllm"), 0, 6 * 1024);
    plimsoll_view_over_line(look(desk), 0, &desk->text);
    assert_string_equal(read_note(desk),
                        "card 0 (NVIDIA A100, GPU-8f6d2c10…) stands 512Mi over its line: of 16Gi, "
                        "pods hold 16Gi and 512Mi are kept in reserve. Held by ai/ollama (10Gi), "
                        "ai/vllm (6Gi).");
    plimsoll_text_reset(&desk->text);
    scene_report(&desk->scene, 0, 17 * 1024, true);
    scene_use(&desk->scene, 0, "ollama", 9 * 1024);
    scene_use(&desk->scene, 0, "vllm", 6 * 1024);
    desk->scene.cards[0].product[0] = '\0';
    desk->scene.cards[0].index = -1;
    plimsoll_view_over_line(look(desk), 0, &desk->text);
    assert_string_equal(read_note(desk),
                        "card GPU-8f6d2c10… stands 2Gi over its line: of 16Gi, pods hold 16Gi and "
                        "2Gi are in use outside of pods. Held by ai/ollama (10Gi), ai/vllm (6Gi).");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_bound_pod_reads_which_card_it_has),
        TEST(a_card_that_is_not_in_the_picture_is_known_by_its_id),
        TEST(a_card_that_only_labels_speak_of_is_known_by_its_index),
        TEST(a_floating_claim_says_who_picks),
        TEST(many_cards_fit_into_the_note),
        TEST(a_refused_pod_reads_what_is_missing_and_who_has_it),
        TEST(what_is_in_use_outside_of_pods_and_without_a_claim_is_said),
        TEST(who_may_hold_a_card_is_said_as_such),
        TEST(of_a_card_without_a_device_left_is_said_what_it_could_bear),
        TEST(a_rolling_update_that_waits_for_itself_is_told_so),
        TEST(a_request_that_no_card_can_give_reads_what_it_can_give),
        TEST(what_is_not_about_bytes_reads_as_the_scheduler_shows_it),
        TEST(nodes_that_nobody_knows_are_said_to_be_unknown),
        TEST(the_advice_fits_beside_many_long_names),
        TEST(a_pod_over_its_claim_reads_by_how_much),
        TEST(a_card_over_its_line_reads_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
