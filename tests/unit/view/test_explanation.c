/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "lab_cluster.h"

#include <plimsoll/json.h>
#include <plimsoll/outlook.h>

/* A pod that waits in the lab, and what the API says of it. */
struct subject {
    struct lab *lab;
    struct plimsoll_pod pod;
    struct plimsoll_view_scheduling scheduling;
    struct plimsoll_view_event events[2];
    struct plimsoll_placement_settings settings;
    struct plimsoll_view_question question;
    struct plimsoll_text text;
};

static char sdxl[] = "sdxl-6b5c7d8f9-p2q7r", new_set[] = "ollama-5c4d3e2f1",
            old_set[] = "ollama-7d9f5c6b8";
static const char *const ours[] = {"plimsoll-scheduler"};

static int set_up(void **state)
{
    struct subject *it = plimsoll_alloc(1, sizeof *it);
    it->lab = lab_make();
    it->settings = it->lab->home.settings;
    it->pod = (struct plimsoll_pod){.uid = scene_uid("u-sdxl"),
                                    .namespace_ = lab_media,
                                    .name = sdxl,
                                    .node = scene_nothing,
                                    .nominated = scene_nothing,
                                    .demand = scene_demand(true, 12288)};
    it->events[0] = (struct plimsoll_view_event){.reason = "InsufficientVRAM",
                                                 .note = "no room for 12Gi",
                                                 .from = "plimsoll",
                                                 .time_unix_ms = LAB_NOW - 60000,
                                                 .count = 1};
    it->events[1] = (struct plimsoll_view_event){.reason = "FailedScheduling",
                                                 .note = "0/3 nodes are available",
                                                 .from = ours[0],
                                                 .time_unix_ms = LAB_NOW - 200000,
                                                 .count = 4};
    it->scheduling = (struct plimsoll_view_scheduling){
        .scheduler = "plimsoll-scheduler",
        .gates = "",
        .tried = true,
        .reason = "Unschedulable",
        .message = "0/3 nodes are available: 1 insufficient free VRAM (want 12Gi). preemption: "
                   "0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
        .since_unix_ms = LAB_NOW - 200000,
        .created_unix_ms = LAB_NOW - 200000,
        .events = it->events,
        .event_count = 2};
    it->question = (struct plimsoll_view_question){.pod = &it->pod,
                                                   .scheduling = &it->scheduling,
                                                   .cluster = &it->lab->cluster,
                                                   .settings = &it->settings,
                                                   .schedulers = ours,
                                                   .scheduler_count = 1};
    it->text = plimsoll_text_make(GOLDEN_BYTES_MAX);
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    struct subject *it = *state;
    plimsoll_text_clear(&it->text);
    lab_free(it->lab);
    free(it);
    return 0;
}

static const char *explained(struct subject *it, struct plimsoll_view_options options,
                             enum plimsoll_view_standing standing)
{
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&it->question);
    plimsoll_text_reset(&it->text);
    assert_int_equal(plimsoll_view_explanation_standing(explanation), standing);
    plimsoll_view_explanation_table(explanation, &options, &it->text);
    plimsoll_view_explanation_free(&explanation);
    assert_null(explanation);
    return it->text.data;
}

static const char *plainly(struct subject *it, enum plimsoll_view_standing standing)
{
    return explained(it, (struct plimsoll_view_options){.width = 200}, standing);
}

/* The large cards of dgx are out of the question. */
static void only_home(struct subject *it)
{
    it->lab->cluster.nodes = it->lab->nodes;
    it->lab->cluster.node_count = 1;
}

static void a_pod_that_waits_looks_as_somebody_has_seen_it(void **state)
{
    struct subject *it = *state;
    it->pod.demand = scene_demand(true, 15000);
    it->pod.demand.topology = PLIMSOLL_TOPOLOGY_NVLINK;
    it->lab->dgx.cards[2].cordoned = true;
    free(it->lab->loads[1]);
    it->lab->nodes[1].load = it->lab->loads[1] = scene_load(&it->lab->dgx);
    explained(it, (struct plimsoll_view_options){.width = 80}, PLIMSOLL_STANDING_WAITS);
    golden_compare("explain-80.txt", &it->text);
    explained(it, (struct plimsoll_view_options){.width = 120, .unicode = true, .colour = true},
              PLIMSOLL_STANDING_WAITS);
    golden_compare("explain-120-colour.txt", &it->text);
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&it->question);
    plimsoll_text_reset(&it->text);
    plimsoll_view_explanation_json(explanation, &it->text);
    plimsoll_view_explanation_free(&explanation);
    golden_compare("explain.json", &it->text);
}

static void a_pod_that_runs_looks_as_somebody_has_seen_it(void **state)
{
    struct subject *it = *state;
    it->question.pod = it->lab->home.list[1]; /* comfyui, which uses more than it claimed */
    it->scheduling.scheduled = true;
    it->scheduling.event_count = 0;
    explained(it, (struct plimsoll_view_options){.width = 80, .unicode = true},
              PLIMSOLL_STANDING_BOUND);
    golden_compare("explain-runs-80.txt", &it->text);
}

static void a_pod_that_runs_is_told_what_it_leaves_for_others(void **state)
{
    struct subject *it = *state;
    struct plimsoll_outlook *outlook = plimsoll_outlook_new();
    struct plimsoll_demand likely = scene_demand(false, 1024);
    it->question.pod = it->lab->home.list[0]; /* ollama */
    it->lab->nodes[0].view.room =
        (struct plimsoll_room){.outlook = outlook, .free = {UINT64_MAX, UINT64_MAX}, .kind = 1};
    assert_null(strstr(plainly(it, PLIMSOLL_STANDING_BOUND), "likely"));
    for (size_t i = 0; i < PLIMSOLL_HISTORY_PODS_MIN; i++) {
        plimsoll_outlook_note(outlook, &likely);
    }
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_BOUND),
                           "; of what is likely to come 0 fits there beside it, 6Gi without it"));
    plimsoll_outlook_free(&outlook);
}

static void a_pod_whose_node_would_not_take_it_now_is_told(void **state)
{
    struct subject *it = *state;
    it->question.pod = it->lab->home.list[0]; /* ollama */
    only_home(it);
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_BOUND),
                           "why here    no other node would take it now\n"));
    snprintf(it->lab->home.cards[0].health, sizeof it->lab->home.cards[0].health, "xid 79");
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_BOUND),
                           "why here    its node would not take it now: no healthy card\n"));
}

static void what_would_make_room_is_the_smallest_set(void **state)
{
    struct subject *it = *state;
    only_home(it);
    it->pod.demand = scene_demand(true, 5000);
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_WAITS),
                           "WHAT WOULD MAKE ROOM\n  on home     ai/comfyui-0 leaving\n"
                           "  or          asking for 272Mi or less\n"));
    it->pod.demand = scene_demand(true, 10000);
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_WAITS), " leaving together\n"));
    it->pod.demand = scene_demand(true, 15860);
    const char *text = plainly(it, PLIMSOLL_STANDING_WAITS);
    assert_null(strstr(text, "leaving")); /* the host's own use stays */
}

static void priority_does_not_hide_who_holds_the_room(void **state)
{
    struct subject *it = *state;
    only_home(it);
    it->pod.priority = -100;
    it->pod.demand = scene_demand(true, 5000);
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_WAITS), "ai/comfyui-0 leaving"));
}

static void a_rolling_update_that_waits_for_itself_is_told(void **state)
{
    struct subject *it = *state;
    only_home(it);
    it->pod.namespace_ = lab_ai;
    it->pod.replica_set = new_set;
    it->lab->home.pods[0].replica_set = old_set;
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_WAITS), "use strategy Recreate"));
}

static void a_pod_that_would_fit_is_told_where(void **state)
{
    struct subject *it = *state;
    const char *text = plainly(it, PLIMSOLL_STANDING_FITS);
    assert_non_null(strstr(text, "waits, although 1 node has room for it now: attic."));
    assert_non_null(strstr(text, "it fits on attic as far as VRAM is concerned: either its next "
                                 "try is due, or that node is ruled out by"));
    assert_null(strstr(text, "would take it"));
    assert_non_null(strstr(text, "has the room, if no other filter refuses, the best by policy "
                                 "first: 1\n    attic"));
    assert_non_null(strstr(text, "taints, selectors"));
    assert_null(strstr(text, "CLOSEST"));
}

static void every_card_is_said_only_where_a_node_has_several(void **state)
{
    struct subject *it = *state;
    it->pod.demand.every_card = true;
    plainly(it, PLIMSOLL_STANDING_FITS);
    assert_non_null(strstr(it->text.data, "12Gi on every NVIDIA card of its node"));
    only_home(it);
    plainly(it, PLIMSOLL_STANDING_WAITS);
    assert_non_null(strstr(it->text.data, "12Gi of one NVIDIA card"));
    assert_null(strstr(it->text.data, "every NVIDIA card"));
    it->lab->cluster.node_count = 0;
    plainly(it, PLIMSOLL_STANDING_WAITS);
    assert_null(strstr(it->text.data, "every NVIDIA card"));
}

static void a_program_reads_which_node_another_filter_refuses(void **state)
{
    struct subject *it = *state;
    it->scheduling.message = "0/3 nodes are available: 1 node(s) had untolerated taint(s).";
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&it->question);
    plimsoll_view_explanation_json(explanation, &it->text);
    plimsoll_view_explanation_free(&explanation);
    assert_non_null(strstr(
        it->text.data, "\"It fits on attic as far as VRAM is concerned. When the scheduler last "
                       "looked, it said: 0/3 nodes are available: 1 node(s) had untolerated "
                       "taint(s).\""));
    /* In a large cluster the scheduler has much to say. */
    char words[4096] = "";
    memset(words, 'x', sizeof words - 2);
    words[sizeof words - 2] = '!';
    it->scheduling.message = words;
    explanation = plimsoll_view_explain(&it->question);
    plimsoll_text_reset(&it->text);
    plimsoll_view_explanation_json(explanation, &it->text);
    plimsoll_view_explanation_free(&explanation);
    const char *said = strstr(it->text.data, "it said: ");
    assert_non_null(said);
    said += strlen("it said: ");
    assert_int_equal(strspn(said, "x"), sizeof words - 2);
    assert_int_equal(said[sizeof words - 2], '!');
}

static void gates_other_schedulers_and_silence_are_told_apart(void **state)
{
    struct subject *it = *state;
    it->scheduling.tried = false;
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_UNSEEN), "no scheduler has looked at it"));
    assert_non_null(strstr(it->text.data, "has not looked at it in 3m"));
    it->scheduling.scheduler = "default-scheduler";
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_ELSEWHERE),
                           "waits for the scheduler default-scheduler, which does not ask"));
    assert_non_null(strstr(it->text.data, "Plimsoll is asked by plimsoll-scheduler"));
    it->question.scheduler_count = 0; /* the cluster's own scheduler may ask */
    plainly(it, PLIMSOLL_STANDING_UNSEEN);
    it->scheduling.gates = "example.com/quota";
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_GATED),
                           "waits for its scheduling gates (example.com/quota)"));
}

static void pods_that_plimsoll_has_no_part_in_are_left_alone(void **state)
{
    struct subject *it = *state;
    it->pod.demand = (struct plimsoll_demand){.gpu = false};
    assert_null(strstr(plainly(it, PLIMSOLL_STANDING_NO_GPU), "NODES"));
    it->pod.finished = true;
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_FINISHED), "holds nothing"));
}

static void a_request_that_cannot_be_read_is_quoted(void **state)
{
    struct subject *it = *state;
    char refusal[] = "annotation plimsoll.dev/vram: 12 bytes is below 1Mi";
    it->pod.refusal = refusal;
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_REFUSED), refusal));
    assert_null(strstr(it->text.data, "NODES"));
}

static void a_pod_without_a_claim_says_how_it_is_accounted(void **state)
{
    struct subject *it = *state;
    it->question.pod = it->lab->home.list[2]; /* whisper */
    assert_non_null(
        strstr(plainly(it, PLIMSOLL_STANDING_BOUND), "is bound to home without a claim."));
    assert_non_null(strstr(it->text.data, "claim       none: another scheduler bound it"));
    char why[] = "it is of pod u9";
    struct plimsoll_pod copied = *it->question.pod;
    copied.claim_ignored = why;
    it->question.pod = &copied;
    assert_non_null(strstr(plainly(it, PLIMSOLL_STANDING_BOUND),
                           "its claim does not count: it is of pod u9\n"));
}

static void thousands_of_nodes_are_grouped_and_the_closest_shown(void **state)
{
    enum { COUNT = 5000 };
    struct subject *it = *state;
    struct plimsoll_extender_node *nodes = plimsoll_alloc(COUNT, sizeof *nodes);
    struct plimsoll_node *named = plimsoll_alloc(COUNT, sizeof *named);
    char(*names)[16] = plimsoll_alloc(COUNT, sizeof *names);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "n%04zu", i);
        nodes[i] = it->lab->nodes[0];
        named[i] = *nodes[i].view.node;
        named[i].name = names[i];
        named[i].card_count = i % 2 == 0 ? 1 : 0;
        nodes[i].view.node = &named[i];
        nodes[i].load = i % 2 == 0 ? nodes[i].load : NULL;
    }
    it->lab->cluster.nodes = nodes;
    it->lab->cluster.node_count = COUNT;
    const char *text = plainly(it, PLIMSOLL_STANDING_WAITS);
    assert_non_null(strstr(text, "NODES (5000)"));
    assert_non_null(strstr(text, "insufficient free VRAM (want 12Gi): 2500\n    n0000"));
    assert_non_null(strstr(text, "    and 2495 more that lack as much or more\n"));
    assert_non_null(strstr(text, "no NVIDIA card: 2500\n    n0001, n0003, n0005, n0007, n0009 and "
                                 "2495 more\n"));
    assert_true(it->text.size < 8192);
    explained(it, (struct plimsoll_view_options){.width = 200, .wide = true},
              PLIMSOLL_STANDING_WAITS);
    assert_non_null(strstr(it->text.data, "n4998"));
    free(names);
    free(named);
    free(nodes);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    struct subject *it = *state;
    for (unsigned width = 80; width <= 130; width++) {
        explained(it, (struct plimsoll_view_options){.width = width}, PLIMSOLL_STANDING_FITS);
        for (const char *line = it->text.data; *line != '\0';) {
            size_t size = strcspn(line, "\n");
            assert_in_range(size, 0, width);
            line += size + 1;
        }
    }
}

static void ascii_is_enough(void **state)
{
    struct subject *it = *state;
    char name[] = "ünïcode…";
    snprintf(it->lab->attic.cards[0].product, sizeof it->lab->attic.cards[0].product, "%s", name);
    it->pod.demand = scene_demand(true, 15000);
    const char *text = plainly(it, PLIMSOLL_STANDING_WAITS);
    assert_non_null(strstr(text, "(?n?code~, GPU-a7716253~)"));
    for (size_t i = 0; text[i] != '\0'; i++) {
        assert_true((unsigned char)text[i] < 0x80);
    }
}

static void the_object_is_json_whatever_the_api_says(void **state)
{
    struct subject *it = *state;
    plimsoll_autojson *document = NULL;
    struct plimsoll_error err = {0};
    it->scheduling.message = "\xff\"\\\n\033[2J";
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&it->question);
    plimsoll_view_explanation_json(explanation, &it->text);
    plimsoll_view_explanation_free(&explanation);
    assert_int_equal(plimsoll_json_parse(plimsoll_text_span(&it->text), &document, &err), 0);
    assert_null(strchr(plainly(it, PLIMSOLL_STANDING_FITS), '\033'));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_pod_that_waits_looks_as_somebody_has_seen_it),
        TEST(a_pod_that_runs_looks_as_somebody_has_seen_it),
        TEST(a_pod_that_runs_is_told_what_it_leaves_for_others),
        TEST(a_pod_whose_node_would_not_take_it_now_is_told),
        TEST(what_would_make_room_is_the_smallest_set),
        TEST(priority_does_not_hide_who_holds_the_room),
        TEST(a_rolling_update_that_waits_for_itself_is_told),
        TEST(a_pod_that_would_fit_is_told_where),
        TEST(a_program_reads_which_node_another_filter_refuses),
        TEST(every_card_is_said_only_where_a_node_has_several),
        TEST(gates_other_schedulers_and_silence_are_told_apart),
        TEST(pods_that_plimsoll_has_no_part_in_are_left_alone),
        TEST(a_request_that_cannot_be_read_is_quoted),
        TEST(a_pod_without_a_claim_says_how_it_is_accounted),
        TEST(thousands_of_nodes_are_grouped_and_the_closest_shown),
        TEST(no_line_is_wider_than_the_terminal),
        TEST(ascii_is_enough),
        TEST(the_object_is_json_whatever_the_api_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
