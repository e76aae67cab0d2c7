/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "extender_world.h"

#include <plimsoll/limits.h>

#define NOTHING "{\"NodeNameToMetaVictims\":{}}"
#define PLAIN_POD                                                                                  \
    "{\"metadata\":{\"name\":\"web\",\"uid\":\"u-web\"},\"spec\":{\"priority\":9,"                 \
    "\"containers\":[]}}"

static void add_pod(struct world_node *node, const char *uid, const char *vram, int priority,
                    bool terminating)
{
    plimsoll_autotext json = plimsoll_text_make(4096);
    plimsoll_text_add_format(
        &json,
        "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"ai\",\"uid\":\"%s\",%s\"annotations\":{"
        "\"plimsoll.dev/vram\":\"%s\"}},\"spec\":{\"nodeName\":\"%s\",\"priority\":%d,"
        "\"containers\":[{\"name\":\"main\"}]},\"status\":{\"phase\":\"Running\"}}",
        uid, uid, terminating ? "\"deletionTimestamp\":\"2026-11-24T10:00:00Z\"," : "", vram,
        node->node.name, priority);
    world_add_pod(node, json.data);
}

/* Two cards of 16Gi, of which the host uses nothing. `one`: 6Gi, 6Gi and 3Gi, all of priority 0;
 * `two`: 8Gi of priority 5 and 7Gi of priority 100. */
static int set_up(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    world_make(world);
    world->face.nominees = plimsoll_nominees_new();
    struct world_node *one = world_add_node(world, "one", 0);
    add_pod(one, "a", "6Gi", 0, false);
    add_pod(one, "b", "6Gi", 0, false);
    add_pod(one, "c", "3Gi", 0, false);
    struct world_node *two = world_add_node(world, "two", 0);
    add_pod(two, "d", "8Gi", 5, false);
    add_pod(two, "e", "7Gi", 100, false);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    plimsoll_nominees_free(&world->face.nominees);
    world_clear(world);
    free(world);
    return 0;
}

/* A pod of priority 50; `status` as JSON members. */
static struct plimsoll_text make_pod(const char *vram, const char *status)
{
    struct plimsoll_text pod = plimsoll_text_make(1u << 16);
    world_write_pod(&pod, "u-gpu", vram, "\"priority\":50,", status);
    return pod;
}

static struct plimsoll_text make_body(const char *pod, const char *whole, const char *meta)
{
    struct plimsoll_text body = plimsoll_text_make(1u << 26);
    plimsoll_text_add_format(&body,
                             "{\"Pod\":%s,\"NodeNameToVictims\":%s,\"NodeNameToMetaVictims\":%s}",
                             pod, whole, meta);
    return body;
}

static int preempt(struct world *world, struct plimsoll_span body, struct plimsoll_text *answer,
                   struct plimsoll_preempt_outcome *outcome, struct plimsoll_error *err)
{
    /* Memory of its own size, so that a sanitizer sees a read beyond the end. */
    plimsoll_autofree char *copy = plimsoll_alloc(body.size > 0 ? body.size : 1, 1);
    memcpy(copy, body.data, body.size);
    body.data = copy;
    int result = plimsoll_extender_preempt(&world->face, &world_reading, &world_settings, body,
                                           answer, outcome, err);
    assert_int_equal(world->held, 0);
    return result;
}

static struct plimsoll_preempt_outcome check_body(struct world *world, struct plimsoll_span body,
                                                  const char *expected)
{
    struct plimsoll_error err = {0};
    struct plimsoll_preempt_outcome outcome = {0};
    plimsoll_autotext answer = plimsoll_text_make(1u << 20);
    if (preempt(world, body, &answer, &outcome, &err) < 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(answer.data, expected);
    return outcome;
}

/* A GPU pod that asks for `vram`, in the form of NodeNameToMetaVictims. */
static struct plimsoll_preempt_outcome check(struct world *world, const char *vram,
                                             const char *status, const char *meta,
                                             const char *expected)
{
    plimsoll_autotext pod = make_pod(vram, status);
    plimsoll_autotext body = make_body(pod.data, "null", meta);
    return check_body(world, plimsoll_text_span(&body), expected);
}

static void check_refused(struct world *world, struct plimsoll_span body,
                          enum plimsoll_error_kind kind, const char *sentence)
{
    struct plimsoll_error err = {0};
    struct plimsoll_preempt_outcome outcome = {.added = 77};
    plimsoll_autotext answer = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&answer, "before");
    assert_int_equal(preempt(world, body, &answer, &outcome, &err), -1);
    assert_int_equal(err.kind, kind);
    if (strstr(err.message, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, sentence);
    }
    assert_string_equal(answer.data, "before");
    assert_int_equal(outcome.added, 77);
}

static void a_candidate_gets_the_victims_that_it_lacks(void **state)
{
    struct plimsoll_preempt_outcome outcome =
        check(*state, "12Gi", "", "{\"one\":{\"Pods\":[{\"UID\":\"a\"}],\"NumPDBViolations\":2}}",
              "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"a\"},{\"UID\":\"b\"}],"
              "\"NumPDBViolations\":2}}}");
    assert_true(outcome.gpu);
    assert_false(outcome.waiting);
    assert_int_equal(outcome.asked, 1);
    assert_int_equal(outcome.passed, 1);
    assert_int_equal(outcome.added, 1);
}

static void a_candidate_with_room_enough_goes_back_as_it_came(void **state)
{
    struct plimsoll_preempt_outcome outcome =
        check(*state, "9Gi", "",
              "{\"one\":{\"Pods\":[{\"UID\":\"no-gpu\"},{\"UID\":\"a\"},{\"UID\":\"b\"}],"
              "\"NumPDBViolations\":-1}}",
              "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"no-gpu\"},{\"UID\":"
              "\"a\"},{\"UID\":\"b\"}],\"NumPDBViolations\":-1}}}");
    assert_int_equal(outcome.added, 0);
}

static void candidates_without_room_and_unknown_ones_are_left_out(void **state)
{
    struct plimsoll_preempt_outcome outcome =
        check(*state, "10Gi", "",
              "{\"two\":{\"Pods\":[{\"UID\":\"d\"}],\"NumPDBViolations\":0},"
              "\"never-seen\":{\"Pods\":[{\"UID\":\"x\"}],\"NumPDBViolations\":0},"
              "\"one\":{\"Pods\":[{\"UID\":\"c\"}],\"NumPDBViolations\":0}}",
              "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"c\"},{\"UID\":\"b\"},"
              "{\"UID\":\"a\"}],\"NumPDBViolations\":0}}}");
    assert_int_equal(outcome.asked, 3);
    assert_int_equal(outcome.passed, 1);
    assert_int_equal(outcome.added, 2);
    check(*state, "40Gi", "", "{\"one\":{\"Pods\":[{\"UID\":\"c\"}]}}", NOTHING);
}

static void only_candidates_are_extended(void **state)
{
    check(*state, "8Gi", "", "{\"two\":{\"Pods\":[{\"UID\":\"d\"}],\"NumPDBViolations\":0}}",
          "{\"NodeNameToMetaVictims\":{\"two\":{\"Pods\":[{\"UID\":\"d\"}],\"NumPDBViolations\":0}"
          "}}");
    check(*state, "8Gi", "", "{}", NOTHING);
    check(*state, "8Gi", "", "null", NOTHING);
}

static void the_more_important_victim_comes_first(void **state)
{
    struct world *world = *state;
    world->nodes[0].pods[1].priority = 7; /* b */
    check(world, "12Gi", "",
          "{\"one\":{\"Pods\":[{\"UID\":\"no-gpu\"},{\"UID\":\"a\"},{\"UID\":\"c\"}]}}",
          "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"no-gpu\"},{\"UID\":\"b\"},"
          "{\"UID\":\"a\"},{\"UID\":\"c\"}],\"NumPDBViolations\":0}}}");
}

static void empty_and_null_victims_are_candidates_all_the_same(void **state)
{
    static const char *const victims[] = {"null", "{}", "{\"Pods\":null,\"NumPDBViolations\":0}",
                                          "{\"Pods\":[]}", "{\"NumPDBViolations\":null}"};
    for (size_t i = 0; i < sizeof victims / sizeof victims[0]; i++) {
        plimsoll_autotext meta = plimsoll_text_make(256);
        plimsoll_text_add_format(&meta, "{\"one\":%s}", victims[i]);
        check(*state, "6Gi", "", meta.data,
              "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"a\"}],"
              "\"NumPDBViolations\":0}}}");
        check(*state, "512Mi", "", meta.data,
              "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[],\"NumPDBViolations\":0}}}");
    }
}

static void whole_pods_are_read_too_and_answered_by_uid(void **state)
{
    plimsoll_autotext pod = make_pod("12Gi", "");
    plimsoll_autotext body = make_body(
        pod.data,
        "{\"one\":{\"Pods\":[{\"spec\":{\"uid\":\"no\"},\"metadata\":{\"UID\":\"no\",\"name\":"
        "\"x\",\"uid\":\"b\"}}],\"NumPDBViolations\":1},\"two\":{\"Pods\":null}}",
        "null");
    check_body(*state, plimsoll_text_span(&body),
               "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"b\"},{\"UID\":\"a\"}],"
               "\"NumPDBViolations\":1}}}");
}

static void keys_are_read_without_regard_to_case_and_in_any_order(void **state)
{
    plimsoll_autotext pod = make_pod("12Gi", "");
    plimsoll_autotext body = plimsoll_text_make(1u << 16);
    plimsoll_text_add_format(&body,
                             " {\"nodenametometavictims\":{\"one\":{\"numpdbviolations\":3,"
                             "\"pods\":[{\"uid\":\"a\",\"x\":[]}],\"y\":{}}},\"z\":0,"
                             "\"NODENAMETOVICTIMS\":null,\"pod\":%s} ",
                             pod.data);
    check_body(*state, plimsoll_text_span(&body),
               "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"a\"},{\"UID\":\"b\"}],"
               "\"NumPDBViolations\":3}}}");
}

static void of_a_key_that_is_there_twice_the_last_counts(void **state)
{
    check(*state, "9Gi", "",
          "{\"one\":{\"Pods\":[{\"UID\":\"x\"}],\"NumPDBViolations\":3,\"Pods\":[{\"UID\":\"a\"},"
          "{\"UID\":\"c\"}],\"NumPDBViolations\":4}}",
          "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"a\"},{\"UID\":\"c\"}],"
          "\"NumPDBViolations\":4}}}");
}

static void a_pod_without_a_gpu_gets_back_what_it_came_with(void **state)
{
    struct world *world = *state;
    plimsoll_autotext body = make_body(
        PLAIN_POD, "null",
        "{\"never-seen\":{\"Pods\":[{\"UID\":\"x\"}],\"NumPDBViolations\":1},\"one\":{\"Pods\":"
        "null,\"NumPDBViolations\":0}}");
    static const char expected[] =
        "{\"NodeNameToMetaVictims\":{\"never-seen\":{\"Pods\":[{\"UID\":\"x\"}],"
        "\"NumPDBViolations\":1},\"one\":{\"Pods\":[],\"NumPDBViolations\":0}}}";
    struct plimsoll_preempt_outcome outcome =
        check_body(world, plimsoll_text_span(&body), expected);
    assert_false(outcome.gpu);
    assert_int_equal(outcome.passed, 2);
    world->face.synced = false;
    check_body(world, plimsoll_text_span(&body), expected);
    world->face.node = NULL;
    world->face.hold = world->face.release = NULL;
    check_body(world, plimsoll_text_span(&body), expected);
    assert_int_equal(world->holds, 0);
}

static void nobody_is_evicted_while_the_cluster_is_not_known(void **state)
{
    struct world *world = *state;
    plimsoll_autotext pod = make_pod("12Gi", "");
    plimsoll_autotext body = make_body(pod.data, "null", "{\"one\":{\"Pods\":[{\"UID\":\"a\"}]}}");
    world->face.synced = false;
    check_refused(world, plimsoll_text_span(&body), PLIMSOLL_ERR_UNAVAILABLE, "not complete");
    world->face.synced = true;
    world->face.node = NULL;
    check_refused(world, plimsoll_text_span(&body), PLIMSOLL_ERR_UNAVAILABLE, "preemptVerb");
}

static void a_request_that_cannot_be_read_evicts_nobody(void **state)
{
    check(*state, "much", "", "{\"one\":{\"Pods\":[{\"UID\":\"a\"}]}}", NOTHING);
}

/* `three` has what the pod needs as soon as `g` has left. */
static void add_awaited(struct world *world)
{
    struct world_node *three = world_add_node(world, "three", 0);
    add_pod(three, "f", "3Gi", 0, false);
    add_pod(three, "g", "12Gi", 0, true);
}

/* What filter remembers when it has read a body about these nodes and refused them. */
static void refuse(struct world *world, const char *uid, const char *status, const char *nodes)
{
    plimsoll_autotext body = plimsoll_text_make(1u << 16);
    plimsoll_text_add_string(&body, "{\"Pod\":");
    world_write_pod(&body, uid, "12Gi", "", status);
    plimsoll_text_add_format(&body, ",\"NodeNames\":%s}", nodes);
    struct plimsoll_extender_call *call = plimsoll_extender_begin(
        PLIMSOLL_VERB_FILTER, &world->face, &world_reading, &world_settings);
    plimsoll_nominees_note_refusal(world->face.nominees, call); /* nothing is known of it yet */
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_extender_feed(call, plimsoll_text_span(&body), &err), 0);
    plimsoll_nominees_note_refusal(world->face.nominees, call);
    plimsoll_extender_free(&call);
}

#define ON(node)  "\"nominatedNodeName\":\"" node "\""
#define ONE_ASKED "{\"one\":{\"Pods\":[{\"UID\":\"a\"}]}}"
#define ONE_EXTENDED                                                                               \
    "{\"NodeNameToMetaVictims\":{\"one\":{\"Pods\":[{\"UID\":\"a\"},{\"UID\":\"b\"}],"             \
    "\"NumPDBViolations\":0}}}"

static void a_pod_whose_victims_still_leave_evicts_nobody_else(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    refuse(world, "u-gpu", ON("three"), "[\"three\"]");
    struct plimsoll_preempt_outcome outcome = check(world, "12Gi", ON("three"), ONE_ASKED, NOTHING);
    assert_true(outcome.waiting);
    assert_int_equal(outcome.asked, 1);
    assert_int_equal(outcome.passed, 0);
    /* Nor when they have left since. */
    world->nodes[2].view.pod_count = 1;
    refuse(world, "u-gpu", ON("three"), "[\"one\",\"three\"]");
    check(world, "12Gi", ON("three"), ONE_ASKED, NOTHING);
    world->nodes[2].view.pod_count = 2;
    /* Without a refusal since then it was not VRAM that the node lacked. */
    outcome = check(world, "12Gi", ON("three"), ONE_ASKED, ONE_EXTENDED);
    assert_false(outcome.waiting);
}

static void a_pod_waits_for_nothing_that_will_not_come(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    refuse(world, "u-gpu", ON("never-seen"), "[\"never-seen\"]");
    check(world, "12Gi", ON("never-seen"), ONE_ASKED, ONE_EXTENDED);
    refuse(world, "u-gpu", ON("two"), "[\"two\"]");
    check(world, "12Gi", ON("two"), ONE_ASKED, ONE_EXTENDED);
    world->nodes[2].pods[1].terminating = false;
    refuse(world, "u-gpu", ON("three"), "[\"three\"]");
    check(world, "12Gi", ON("three"), ONE_ASKED, ONE_EXTENDED);
}

static void the_picture_need_not_know_yet_that_they_leave(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    world->nodes[2].pods[1].terminating = false;
    check(world, "12Gi", "", "{\"three\":{\"Pods\":[{\"UID\":\"g\"}],\"NumPDBViolations\":0}}",
          "{\"NodeNameToMetaVictims\":{\"three\":{\"Pods\":[{\"UID\":\"g\"}],\"NumPDBViolations\":"
          "0}}}");
    for (int i = 0; i < 2; i++) { /* an empty answer is no new one */
        refuse(world, "u-gpu", ON("three"), "[\"three\"]");
        check(world, "12Gi", ON("three"), ONE_ASKED, NOTHING);
    }
}

static void more_than_PLIMSOLL_NOMINEE_VICTIMS_MAX_are_not_remembered(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    world->nodes[2].pods[1].terminating = false;
    for (unsigned more = 0; more < 2; more++) {
        plimsoll_autotext meta = plimsoll_text_make(1u << 20);
        plimsoll_text_add_string(&meta, "{\"three\":{\"Pods\":[{\"UID\":\"g\"}");
        for (unsigned i = 1; i < PLIMSOLL_NOMINEE_VICTIMS_MAX + more; i++) {
            plimsoll_text_add_format(&meta, ",{\"UID\":\"x%u\"}", i);
        }
        plimsoll_text_add_string(&meta, "]}}");
        plimsoll_nominees_free(&world->face.nominees);
        world->face.nominees = plimsoll_nominees_new();
        plimsoll_autotext pod = make_pod("12Gi", "");
        plimsoll_autotext body = make_body(pod.data, "null", meta.data);
        plimsoll_autotext answer = plimsoll_text_make(1u << 20);
        struct plimsoll_preempt_outcome outcome;
        struct plimsoll_error err;
        assert_int_equal(preempt(world, plimsoll_text_span(&body), &answer, &outcome, &err), 0);
        refuse(world, "u-gpu", ON("three"), "[\"three\"]");
        check(world, "12Gi", ON("three"), ONE_ASKED, more > 0 ? ONE_EXTENDED : NOTHING);
    }
}

static void a_nominated_node_that_is_a_candidate_is_decided_anew(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    refuse(world, "u-gpu", ON("three"), "[\"three\"]");
    check(world, "12Gi", ON("three"), "{\"three\":{\"Pods\":[{\"UID\":\"f\"}]}}",
          "{\"NodeNameToMetaVictims\":{\"three\":{\"Pods\":[{\"UID\":\"f\"}],"
          "\"NumPDBViolations\":0}}}");
}

static void only_a_refusal_where_the_pod_is_nominated_counts(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    refuse(world, "u-gpu", ON("three"), "[\"one\",\"two\"]");
    refuse(world, "u-gpu", "", "[\"three\"]");
    refuse(world, "u-other", ON("three"), "[\"three\"]");
    refuse(world, "", ON("three"), "[\"three\"]");
    check(world, "12Gi", ON("three"), ONE_ASKED, ONE_EXTENDED);
    plimsoll_nominees_free(&world->face.nominees);
    check(world, "12Gi", ON("three"), ONE_ASKED, ONE_EXTENDED);
}

static void of_more_than_PLIMSOLL_NOMINEES_MAX_the_oldest_is_forgotten(void **state)
{
    struct world *world = *state;
    add_awaited(world);
    for (unsigned others = PLIMSOLL_NOMINEES_MAX - 1; others <= PLIMSOLL_NOMINEES_MAX; others++) {
        plimsoll_nominees_free(&world->face.nominees);
        world->face.nominees = plimsoll_nominees_new();
        refuse(world, "u-gpu", ON("three"), "[\"three\"]");
        for (unsigned i = 0; i < others; i++) {
            char uid[16];
            snprintf(uid, sizeof uid, "pod-%u", i);
            refuse(world, uid, ON("three"), "[\"three\"]");
        }
        bool forgotten = others == PLIMSOLL_NOMINEES_MAX;
        check(world, "12Gi", ON("three"), ONE_ASKED, forgotten ? ONE_EXTENDED : NOTHING);
    }
}

static void the_world_is_held_for_one_candidate_at_a_time(void **state)
{
    struct world *world = *state;
    check(world, "40Gi", "", "{\"one\":null,\"two\":null,\"x\":null}", NOTHING);
    assert_int_equal(world->holds, 3);
}

static void what_is_no_preempt_request_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"", "preempt request"},
        {"{", "preempt request"},
        {"[]", "preempt request"},
        {"7", "preempt request"},
        {"{} x", "preempt request"},
        {"null", "Pod is missing"},
        {"{}", "Pod is missing"},
        {"{\"Pod\":null}", "Pod is missing"},
        {"{\"Pod\":7}", "Pod: "},
        {"{\"Pod\":[]}", "Pod: "},
        {"{\"Pod\":{}}", "metadata is missing"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToVictims\":{},\"NodeNameToMetaVictims\":{}}",
         "both given"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":[]}", "NodeNameToMetaVictims: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a b\":null}}", "no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"\":null}}", "no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\\u0062\":null}}", "no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"b\":null,\"a\":null,\"b\":null}}",
         "\"b\" is there twice"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":7}}", "NodeNameToMetaVictims: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":{}}}}",
         "NodeNameToMetaVictims: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":[null]}}}",
         "on node a has no uid"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":[{}]}}}",
         "on node a has no uid"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":[{\"UID\":null}]}}}",
         "on node a has no uid"},
        {"{\"Pod\":" PLAIN_POD
         ",\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":[{\"UID\":\"a\\\"b\"}]}}}",
         "on node a has no uid"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"Pods\":[{\"UID\":"
         "\"0123456789012345678901234567890123456789\"}]}}}",
         "1 to 39 letters"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"NumPDBViolations\":1.5}}}",
         "NodeNameToMetaVictims: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToMetaVictims\":{\"a\":{\"NumPDBViolations\":\"1\"}}}",
         "NodeNameToMetaVictims: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToVictims\":{\"a\":{\"Pods\":[{\"UID\":\"x\"}]}}}",
         "NodeNameToVictims: a victim on node a has no uid"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNameToVictims\":{\"a\":{\"Pods\":[{\"metadata\":7}]}}}",
         "NodeNameToVictims: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_refused(*state, plimsoll_span_of(cases[i].body), PLIMSOLL_ERR_INVALID,
                      cases[i].sentence);
    }
}

static void a_body_beyond_PLIMSOLL_PREEMPT_BYTES_MAX_is_too_large(void **state)
{
    plimsoll_autotext body = make_body(PLAIN_POD, "null", "null");
    body.size_max = PLIMSOLL_PREEMPT_BYTES_MAX + 1;
    plimsoll_text_reserve(&body, body.size_max - body.size);
    while (body.size < PLIMSOLL_PREEMPT_BYTES_MAX) {
        plimsoll_text_add_char(&body, ' ');
    }
    check_body(*state, plimsoll_text_span(&body), NOTHING);
    plimsoll_text_add_char(&body, ' ');
    check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_TOO_LARGE, "want at most");
}

/* @return the span of nodes n0, n1 … with `victims` each. */
static struct plimsoll_text make_crowd(unsigned nodes, unsigned victims)
{
    struct plimsoll_text meta = plimsoll_text_make(1u << 24);
    for (unsigned i = 0; i < nodes; i++) {
        plimsoll_text_add_format(&meta, "%s\"n%u\":{\"Pods\":[", i > 0 ? "," : "{", i);
        for (unsigned j = 0; j < victims; j++) {
            plimsoll_text_add_string(&meta, j > 0 ? ",{\"UID\":\"v\"}" : "{\"UID\":\"v\"}");
        }
        plimsoll_text_add_string(&meta, "]}");
    }
    plimsoll_text_add_string(&meta, "}");
    return meta;
}

static void victims_beyond_PLIMSOLL_PREEMPT_VICTIMS_MAX_are_too_many(void **state)
{
    plimsoll_autotext most = make_crowd(2, PLIMSOLL_PREEMPT_VICTIMS_MAX / 2);
    plimsoll_autotext pod = make_pod("1Gi", "");
    plimsoll_autotext body = make_body(pod.data, "null", most.data);
    check_body(*state, plimsoll_text_span(&body), NOTHING);
    plimsoll_autotext more = make_crowd(1, PLIMSOLL_PREEMPT_VICTIMS_MAX + 1);
    plimsoll_autotext refused = make_body(pod.data, "null", more.data);
    check_refused(*state, plimsoll_text_span(&refused), PLIMSOLL_ERR_TOO_LARGE,
                  "more than 65536 victims");
}

static void nodes_beyond_PLIMSOLL_NODE_NAMES_MAX_are_too_many(void **state)
{
    plimsoll_autotext most = make_crowd(PLIMSOLL_NODE_NAMES_MAX, 0);
    plimsoll_autotext pod = make_pod("1Gi", "");
    plimsoll_autotext body = make_body(pod.data, "null", most.data);
    check_body(*state, plimsoll_text_span(&body), NOTHING);
    plimsoll_autotext more = make_crowd(PLIMSOLL_NODE_NAMES_MAX + 1, 0);
    plimsoll_autotext refused = make_body(pod.data, "null", more.data);
    check_refused(*state, plimsoll_text_span(&refused), PLIMSOLL_ERR_TOO_LARGE,
                  "more than 65536 nodes");
}

static void an_answer_that_does_not_fit_is_too_large(void **state)
{
    plimsoll_autotext pod = make_pod("12Gi", "");
    plimsoll_autotext body = make_body(pod.data, "null", "{\"one\":{\"Pods\":[{\"UID\":\"a\"}]}}");
    plimsoll_autotext answer = plimsoll_text_make(40);
    struct plimsoll_preempt_outcome outcome;
    struct plimsoll_error err = {0};
    assert_int_equal(preempt(*state, plimsoll_text_span(&body), &answer, &outcome, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    assert_int_equal(answer.size, 0);
    assert_false(answer.overflowed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_candidate_gets_the_victims_that_it_lacks),
        TEST(a_candidate_with_room_enough_goes_back_as_it_came),
        TEST(candidates_without_room_and_unknown_ones_are_left_out),
        TEST(only_candidates_are_extended),
        TEST(the_more_important_victim_comes_first),
        TEST(empty_and_null_victims_are_candidates_all_the_same),
        TEST(whole_pods_are_read_too_and_answered_by_uid),
        TEST(keys_are_read_without_regard_to_case_and_in_any_order),
        TEST(of_a_key_that_is_there_twice_the_last_counts),
        TEST(a_pod_without_a_gpu_gets_back_what_it_came_with),
        TEST(nobody_is_evicted_while_the_cluster_is_not_known),
        TEST(a_request_that_cannot_be_read_evicts_nobody),
        TEST(a_pod_whose_victims_still_leave_evicts_nobody_else),
        TEST(of_more_than_PLIMSOLL_NOMINEES_MAX_the_oldest_is_forgotten),
        TEST(a_pod_waits_for_nothing_that_will_not_come),
        TEST(the_picture_need_not_know_yet_that_they_leave),
        TEST(more_than_PLIMSOLL_NOMINEE_VICTIMS_MAX_are_not_remembered),
        TEST(only_a_refusal_where_the_pod_is_nominated_counts),
        TEST(a_nominated_node_that_is_a_candidate_is_decided_anew),
        TEST(the_world_is_held_for_one_candidate_at_a_time),
        TEST(what_is_no_preempt_request_is_refused_with_a_sentence),
        TEST(a_body_beyond_PLIMSOLL_PREEMPT_BYTES_MAX_is_too_large),
        TEST(victims_beyond_PLIMSOLL_PREEMPT_VICTIMS_MAX_are_too_many),
        TEST(nodes_beyond_PLIMSOLL_NODE_NAMES_MAX_are_too_many),
        TEST(an_answer_that_does_not_fit_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
