/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "extender_world.h"

#include <plimsoll/json.h>
#include <plimsoll/limits.h>

#define PLAIN_POD "{\"metadata\":{\"name\":\"web\",\"uid\":\"u-web\"},\"spec\":{\"containers\":[]}}"
#define NO_ROOM   "\"insufficient free VRAM (want 12Gi)\""

/* `idle` has room for 12Gi, `full` has not. */
static int set_up(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    world_make(world);
    world_add_node(world, "idle", 0);
    world_add_node(world, "full", 14);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    world_clear(world);
    free(world);
    return 0;
}

static void write_gpu_pod(struct plimsoll_text *out)
{
    world_write_pod(out, "u-gpu", "12Gi", "", "");
}

/* `{"Pod":…,"Nodes":…,"NodeNames":…}` */
static struct plimsoll_text make_body(const char *pod, const char *nodes, const char *names)
{
    struct plimsoll_text body = plimsoll_text_make(1u << 26);
    plimsoll_text_add_string(&body, "{\"Pod\":");
    if (pod != NULL) {
        plimsoll_text_add_string(&body, pod);
    } else {
        write_gpu_pod(&body);
    }
    plimsoll_text_add_string(&body, ",\"Nodes\":");
    plimsoll_text_add_string(&body, nodes);
    plimsoll_text_add_string(&body, ",\"NodeNames\":");
    plimsoll_text_add_string(&body, names);
    plimsoll_text_add_string(&body, "}\n");
    return body;
}

static struct plimsoll_text make_nodes(void)
{
    struct plimsoll_text nodes = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&nodes, "{\"metadata\":{},\"items\":[");
    world_write_node(&nodes, "idle", 0);
    plimsoll_text_add_string(&nodes, " , ");
    world_write_node(&nodes, "full", 14);
    plimsoll_text_add_string(&nodes, "]}");
    return nodes;
}

static struct plimsoll_text filter(struct world *world, struct plimsoll_span body,
                                   struct plimsoll_extender_outcome *outcome)
{
    struct plimsoll_error err = {0};
    struct plimsoll_extender_outcome ignored;
    struct plimsoll_text answer = plimsoll_text_make(1u << 26);
    if (world_ask(world, PLIMSOLL_VERB_FILTER, body, SIZE_MAX, &answer,
                  outcome != NULL ? outcome : &ignored, &err) < 0) {
        fail_msg("%s", err.message);
    }
    return answer;
}

static void check_filter(struct world *world, const struct plimsoll_text *body,
                         const char *expected)
{
    plimsoll_autotext answer = filter(world, plimsoll_text_span(body), NULL);
    assert_string_equal(answer.data, expected);
}

static void a_pod_without_a_gpu_passes_on_every_node_in_order(void **state)
{
    struct world *world = *state;
    plimsoll_autotext body = make_body(PLAIN_POD, "null", "[\"full\",\"never-seen\", \"idle\"]");
    static const char expected[] =
        "{\"Nodes\":null,\"NodeNames\":[\"full\",\"never-seen\",\"idle\"],\"FailedNodes\":null,"
        "\"FailedAndUnresolvableNodes\":{},\"Error\":\"\"}";
    check_filter(world, &body, expected);
    world->face.synced = false;
    check_filter(world, &body, expected);
    world->face.node = NULL;
    world->face.node_of = NULL;
    check_filter(world, &body, expected);
    assert_int_equal(world->holds, 0);
}

static void full_nodes_go_back_byte_for_byte(void **state)
{
    struct world *world = *state;
    plimsoll_autotext body =
        make_body(PLAIN_POD,
                  "{\"metadata\":{},\"items\":[{\"metadata\":{\"labels\":{\"a\":\"\\u00e4\"} ,"
                  "\"name\":\"b\"}},\n {\"status\":[1e1],\"metadata\":{\"name\":\"a\"}}]}",
                  "null");
    world->face.synced = false;
    check_filter(world, &body,
                 "{\"Nodes\":{\"metadata\":{},\"items\":[{\"metadata\":{\"labels\":{\"a\":"
                 "\"\\u00e4\"} ,\"name\":\"b\"}},{\"status\":[1e1],\"metadata\":{\"name\":\"a\"}}"
                 "]},\"NodeNames\":null,\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":{},"
                 "\"Error\":\"\"}");
}

/* Among more names than are looked up at once, known or not, one by one or together. */
static void a_name_that_is_there_twice_is_refused_wherever_it_stands(void **state)
{
    struct world *world = *state;
    static const char *const twice[] = {"idle", "never-seen"};
    for (unsigned i = 0; i < 4; i++) {
        const char *name = twice[i % 2];
        plimsoll_autotext names = plimsoll_text_make(1u << 16);
        struct plimsoll_extender_outcome outcome;
        struct plimsoll_error err = {0};
        plimsoll_text_add_format(&names, "[\"%s\"", name);
        for (unsigned j = 0; j < 3 * PLIMSOLL_EXTENDER_NAMES_MAX; j++) {
            plimsoll_text_add_format(&names, ",\"n%u\"", j);
        }
        plimsoll_text_add_format(&names, ",\"%s\"]", name);
        world->face.find = i < 2 ? world_find_many : NULL;
        plimsoll_autotext body = make_body(NULL, "null", names.data);
        plimsoll_autotext answer = plimsoll_text_make(1u << 26);
        assert_int_equal(world_ask(world, PLIMSOLL_VERB_FILTER, plimsoll_text_span(&body), SIZE_MAX,
                                   &answer, &outcome, &err),
                         -1);
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        assert_non_null(strstr(err.message, "NodeNames[193]: node \""));
        assert_non_null(strstr(err.message, "is there twice"));
        assert_null(answer.data);
    }
}

static void a_world_that_is_asked_one_by_one_gives_the_same_answer(void **state)
{
    struct world *world = *state;
    plimsoll_autotext body = make_body(NULL, "null", "[\"new\",\"full\",\"idle\"]");
    plimsoll_autotext together = filter(world, plimsoll_text_span(&body), NULL);
    world->face.find = NULL;
    check_filter(world, &body, together.data);
}

/* Names are read and written in blocks, whose ends no name may notice. */
static void names_of_every_length_come_back(void **state)
{
    struct world *world = *state;
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyz0123456789-.ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    plimsoll_autotext names = plimsoll_text_make(1u << 20);
    plimsoll_autotext expected = plimsoll_text_make(1u << 20);
    for (size_t size = 1; size <= PLIMSOLL_NAME_BYTES_MAX; size++) {
        plimsoll_text_add_string(&names, size == 1 ? "[\"" : ",\"");
        for (size_t i = 0; i < size; i++) {
            plimsoll_text_add_char(&names, letters[(i + size) % (sizeof letters - 1)]);
        }
        plimsoll_text_add_char(&names, '"');
    }
    plimsoll_text_add_char(&names, ']');
    plimsoll_text_add_format(&expected,
                             "{\"Nodes\":null,\"NodeNames\":%s,\"FailedNodes\":null,"
                             "\"FailedAndUnresolvableNodes\":{},\"Error\":\"\"}",
                             names.data);
    plimsoll_autotext body = make_body(PLAIN_POD, "null", names.data);
    check_filter(world, &body, expected.data);
}

/* `name` with `byte` at `at`, behind another name. */
static int ask_about(struct world *world, const char *pod, const char *name, size_t at, char byte,
                     struct plimsoll_error *err)
{
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext names = plimsoll_text_make(1u << 16);
    plimsoll_autotext answer = plimsoll_text_make(1u << 26);
    plimsoll_text_add_string(&names, "[\"first\",\"");
    size_t begin = names.size;
    plimsoll_text_add_string(&names, name);
    plimsoll_text_add_string(&names, "\"]");
    names.data[begin + at] = byte;
    plimsoll_autotext body = make_body(pod, "null", names.data);
    return world_ask(world, PLIMSOLL_VERB_FILTER, plimsoll_text_span(&body), SIZE_MAX, &answer,
                     &outcome, err);
}

static void a_byte_that_no_name_has_is_seen_wherever_it_stands(void **state)
{
    struct world *world = *state;
    static const char name[] = "abcdefghijklmnopqrstuvwxyz-0123456789.a";
    static const char bad[] = "\t !#$%&'()*+,/:;<=>?@[]^`{|}~\x7f\xC3\xFF";
    for (size_t at = 0; at < 2 * (sizeof name - 1); at++) {
        const char *pod = at < sizeof name - 1 ? PLAIN_POD : NULL;
        struct plimsoll_error err = {0};
        assert_int_equal(ask_about(world, pod, name, at % (sizeof name - 1), 'Z', &err), 0);
        for (size_t i = 0; i < sizeof bad - 1; i++) {
            assert_int_equal(ask_about(world, pod, name, at % (sizeof name - 1), bad[i], &err), -1);
            assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        }
    }
}

static void names_are_answered_from_the_world(void **state)
{
    struct world *world = *state;
    plimsoll_autotext body = make_body(NULL, "null", "[\"new\",\"full\",\"idle\"]");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = filter(world, plimsoll_text_span(&body), &outcome);
    assert_string_equal(answer.data,
                        "{\"Nodes\":null,\"NodeNames\":[\"idle\"],\"FailedNodes\":null,"
                        "\"FailedAndUnresolvableNodes\":{\"new\":\"not yet known to Plimsoll\","
                        "\"full\":" NO_ROOM "},\"Error\":\"\"}");
    assert_true(outcome.gpu);
    assert_false(outcome.unavailable);
    assert_int_equal(outcome.asked, 3);
    assert_int_equal(outcome.passed, 1);
    assert_int_equal(outcome.rejected[PLIMSOLL_FITS], 0);
    assert_int_equal(outcome.rejected[PLIMSOLL_NO_NODE], 1);
    assert_int_equal(outcome.rejected[PLIMSOLL_NO_VRAM], 1);
}

static void full_nodes_are_answered_from_their_bytes(void **state)
{
    struct world *world = *state;
    plimsoll_autotext nodes = make_nodes();
    plimsoll_autotext body = make_body(NULL, nodes.data, "null");
    plimsoll_autotext idle = plimsoll_text_make(1u << 16), expected = plimsoll_text_make(1u << 16);
    world_write_node(&idle, "idle", 0);
    plimsoll_text_add_format(&expected,
                             "{\"Nodes\":{\"metadata\":{},\"items\":[%s]},\"NodeNames\":null,"
                             "\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":{\"full\":"
                             "%s},\"Error\":\"\"}",
                             idle.data, NO_ROOM);
    check_filter(world, &body, expected.data);
    assert_int_equal(world->asked, 0);
    world->face.node = NULL;
    world->face.node_of = NULL;
    world->face.hold = world->face.release = NULL;
    check_filter(world, &body, expected.data);
}

static void all_full_nodes_can_be_refused(void **state)
{
    plimsoll_autotext nodes = plimsoll_text_make(1u << 16);
    plimsoll_text_add_string(&nodes, "{\"items\":[");
    world_write_node(&nodes, "full", 14);
    plimsoll_text_add_string(&nodes, "]}");
    plimsoll_autotext body = make_body(NULL, nodes.data, "null");
    check_filter(*state, &body,
                 "{\"Nodes\":{\"metadata\":{},\"items\":[]},\"NodeNames\":null,\"FailedNodes\":"
                 "null,\"FailedAndUnresolvableNodes\":{\"full\":" NO_ROOM "},\"Error\":\"\"}");
}

static void no_nodes_give_no_nodes(void **state)
{
    static const struct {
        const char *nodes, *names, *answer;
    } cases[] = {
        {"null", "null", "\"Nodes\":null,\"NodeNames\":null"},
        {"null", "[]", "\"Nodes\":null,\"NodeNames\":[]"},
        {"{\"metadata\":{},\"items\":[]}", "null",
         "\"Nodes\":{\"metadata\":{},\"items\":[]},\"NodeNames\":null"},
        {"{\"items\":null}", "null", "\"Nodes\":{\"metadata\":{},\"items\":[]},\"NodeNames\":null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int gpu = 0; gpu < 2; gpu++) {
            plimsoll_autotext expected = plimsoll_text_make(4096);
            plimsoll_text_add_format(&expected,
                                     "{%s,\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":{},"
                                     "\"Error\":\"\"}",
                                     cases[i].answer);
            plimsoll_autotext body =
                make_body(gpu ? NULL : PLAIN_POD, cases[i].nodes, cases[i].names);
            check_filter(*state, &body, expected.data);
        }
    }
}

static void names_may_come_before_the_pod_and_in_any_case(void **state)
{
    plimsoll_autotext body = plimsoll_text_make(1u << 16);
    plimsoll_text_add_string(&body, "{\"future\":[{}],\"nodenames\":[\"idle\"],\"pod\":");
    write_gpu_pod(&body);
    plimsoll_text_add_string(&body, "}");
    check_filter(*state, &body,
                 "{\"Nodes\":null,\"NodeNames\":[\"idle\"],\"FailedNodes\":null,"
                 "\"FailedAndUnresolvableNodes\":{},\"Error\":\"\"}");
}

static void a_gpu_pod_gets_an_error_until_the_world_is_synced(void **state)
{
    struct world *world = *state;
    world->face.synced = false;
    plimsoll_autotext nodes = make_nodes();
    struct plimsoll_text bodies[] = {make_body(NULL, "null", "[\"idle\"]"),
                                     make_body(NULL, nodes.data, "null")};
    for (size_t i = 0; i < 2; i++) {
        struct plimsoll_extender_outcome outcome;
        plimsoll_autotext answer = filter(world, plimsoll_text_span(&bodies[i]), &outcome);
        assert_string_equal(answer.data,
                            "{\"Nodes\":null,\"NodeNames\":null,\"FailedNodes\":null,"
                            "\"FailedAndUnresolvableNodes\":null,\"Error\":\"Plimsoll does not "
                            "know the cluster yet: its lists of nodes and pods are not complete\""
                            "}");
        assert_true(outcome.unavailable);
        plimsoll_text_clear(&bodies[i]);
    }
    assert_int_equal(world->asked, 0);
}

static void names_without_a_picture_get_an_error_that_says_what_to_do(void **state)
{
    struct world *world = *state;
    world->face.node = NULL;
    plimsoll_autotext body = make_body(NULL, "null", "[\"idle\"]");
    plimsoll_autotext answer = filter(world, plimsoll_text_span(&body), NULL);
    assert_non_null(strstr(answer.data, "nodeCacheCapable"));
    assert_null(strstr(answer.data, "\"idle\""));
}

static void a_request_that_cannot_be_read_is_refused_everywhere_with_its_sentence(void **state)
{
    struct world *world = *state;
    plimsoll_autotext pod = plimsoll_text_make(4096), nodes = make_nodes();
    world_write_pod(&pod, "u-gpu", "12 Quux", "", "");
    struct plimsoll_text bodies[] = {make_body(pod.data, "null", "[\"idle\",\"new\"]"),
                                     make_body(pod.data, nodes.data, "null")};
    static const char *const second[] = {"new", "full"};
    struct plimsoll_pod read;
    struct plimsoll_error err;
    assert_int_equal(
        plimsoll_pod_read(plimsoll_text_span(&pod), &world_reading.resources, &read, &err), 0);
    assert_non_null(strstr(read.refusal, "12 Quux"));
    for (size_t i = 0; i < 2; i++) {
        struct plimsoll_extender_outcome outcome;
        plimsoll_autotext answer = filter(world, plimsoll_text_span(&bodies[i]), &outcome);
        plimsoll_autojson *document = NULL;
        assert_int_equal(plimsoll_json_parse(plimsoll_text_span(&answer), &document, &err), 0);
        struct plimsoll_json failed =
            plimsoll_json_get(plimsoll_json_root(document), "FailedAndUnresolvableNodes");
        assert_int_equal(plimsoll_json_count(failed), 2);
        assert_true(plimsoll_json_is(plimsoll_json_get(failed, "idle"), read.refusal));
        assert_true(plimsoll_json_is(plimsoll_json_get(failed, second[i]), read.refusal));
        assert_int_equal(outcome.rejected[PLIMSOLL_REFUSED], 2);
        assert_int_equal(outcome.passed, 0);
        plimsoll_text_clear(&bodies[i]);
    }
    plimsoll_pod_clear(&read);
}

static void a_bound_pod_passes_on_its_node_though_it_fills_it(void **state)
{
    struct world *world = *state;
    plimsoll_autotext pod = plimsoll_text_make(4096);
    world_write_pod(&pod, "u-gpu", "12Gi", "\"nodeName\":\"idle\",", "");
    world_add_pod(&world->nodes[0], pod.data);
    plimsoll_autotext body = make_body(NULL, "null", "[\"idle\",\"full\"]");
    static const char refused[] = "\"FailedAndUnresolvableNodes\":{\"idle\":" NO_ROOM;
    plimsoll_autotext before = filter(world, plimsoll_text_span(&body), NULL);
    assert_non_null(strstr(before.data, refused));
    world->bound_uid = "u-gpu";
    world->bound_node = "idle";
    plimsoll_autotext after = filter(world, plimsoll_text_span(&body), NULL);
    assert_non_null(strstr(after.data, "\"NodeNames\":[\"idle\"]"));
    assert_non_null(strstr(after.data, "\"FailedAndUnresolvableNodes\":{\"full\":" NO_ROOM "}"));
}

static void a_pod_that_says_itself_where_it_is_bound_passes_there(void **state)
{
    struct world *world = *state;
    world->face.node_of = NULL;
    plimsoll_autotext pod = plimsoll_text_make(4096), nodes = make_nodes();
    world_write_pod(&pod, "u-gpu", "12Gi", "\"nodeName\":\"full\",", "");
    plimsoll_autotext body = make_body(pod.data, nodes.data, "null");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = filter(world, plimsoll_text_span(&body), &outcome);
    assert_true(answer.size > 0);
    assert_int_equal(outcome.passed, 2);
}

static void nominations_count_unless_they_are_lower_or_its_own(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *uid, *priority;
        bool passes;
    } cases[] = {
        {"u-gpu", "100", true}, /* its own */
        {"u-other", "99", true},
        {"u-other", "100", false},
        {"u-other", "101", false},
    };
    plimsoll_autotext asking = plimsoll_text_make(4096);
    world_write_pod(&asking, "u-gpu", "12Gi", "\"priority\":100,", "");
    plimsoll_autotext body = make_body(asking.data, "null", "[\"idle\"]");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        plimsoll_autotext pod = plimsoll_text_make(4096), spec = plimsoll_text_make(256);
        plimsoll_text_add_format(&spec, "\"priority\":%s,", cases[i].priority);
        world_write_pod(&pod, cases[i].uid, "8Gi", spec.data, "\"nominatedNodeName\":\"idle\"");
        world_add_pod(&world->nodes[0], pod.data);
        struct plimsoll_extender_outcome outcome;
        plimsoll_autotext answer = filter(world, plimsoll_text_span(&body), &outcome);
        assert_true(answer.size > 0);
        assert_int_equal(outcome.passed, cases[i].passes ? 1 : 0);
        plimsoll_pod_clear(&world->nodes[0].pods[0]);
        world->nodes[0].view.pod_count = 0;
        world_recompute(&world->nodes[0]);
    }
}

static void a_body_cut_anywhere_gives_the_same_answer(void **state)
{
    struct world *world = *state;
    plimsoll_autotext nodes = make_nodes();
    struct plimsoll_text bodies[] = {make_body(NULL, "null", "[\"new\", \"full\",\"idle\"]"),
                                     make_body(NULL, nodes.data, "null"),
                                     make_body(PLAIN_POD, nodes.data, "null")};
    for (size_t i = 0; i < 3; i++) {
        plimsoll_autotext whole = filter(world, plimsoll_text_span(&bodies[i]), NULL);
        /* Pieces of every size: together they cut at every byte. */
        for (size_t piece = 1; piece < bodies[i].size; piece++) {
            struct plimsoll_extender_outcome outcome;
            struct plimsoll_error err;
            plimsoll_autotext answer = plimsoll_text_make(1u << 20);
            assert_int_equal(world_ask(world, PLIMSOLL_VERB_FILTER, plimsoll_text_span(&bodies[i]),
                                       piece, &answer, &outcome, &err),
                             0);
            assert_string_equal(answer.data, whole.data);
        }
        plimsoll_text_clear(&bodies[i]);
    }
}

static void a_body_that_ends_early_is_refused_wherever_it_ends(void **state)
{
    struct world *world = *state;
    plimsoll_autotext nodes = make_nodes();
    struct plimsoll_text bodies[] = {make_body(NULL, "null", "[\"new\",\"full\"]"),
                                     make_body(NULL, nodes.data, "null")};
    for (size_t i = 0; i < 2; i++) {
        for (size_t size = 0; size + 2 < bodies[i].size; size++) {
            struct plimsoll_extender_outcome outcome;
            struct plimsoll_error err = {0};
            plimsoll_autotext answer = plimsoll_text_make(1u << 20);
            struct plimsoll_span part = {.data = bodies[i].data, .size = size};
            assert_int_equal(
                world_ask(world, PLIMSOLL_VERB_FILTER, part, 64, &answer, &outcome, &err), -1);
            assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
            assert_int_equal(answer.size, 0);
        }
        plimsoll_text_clear(&bodies[i]);
    }
}

static void check_refused(struct world *world, struct plimsoll_span body,
                          enum plimsoll_error_kind kind, const char *sentence)
{
    for (int verb = PLIMSOLL_VERB_FILTER; verb <= PLIMSOLL_VERB_PRIORITIZE; verb++) {
        struct plimsoll_extender_outcome outcome;
        struct plimsoll_error err = {0};
        plimsoll_autotext answer = plimsoll_text_make(1u << 20);
        if (world_ask(world, (enum plimsoll_extender_verb)verb, body, 1u << 16, &answer, &outcome,
                      &err) == 0) {
            fail_msg("answered: %.*s", 200, body.data);
        }
        if (err.kind != kind || strstr(err.message, sentence) == NULL) {
            fail_msg("%.*s: %s", 200, body.data, err.message);
        }
        assert_int_equal(answer.size, 0);
    }
}

static void hostile_bodies_are_refused_with_a_sentence(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"", "ends before"},
        {"null", "object is wanted"},
        {"[]", "object is wanted"},
        {"{}", "Pod is missing"},
        {"{\"NodeNames\":[\"a\"]}", "Pod is missing"},
        {"{\"Pod\":null}", "Pod is no object"},
        {"{\"Pod\":7}", "Pod is no object"},
        {"{\"Pod\":[]}", "Pod is no object"},
        {"{\"Pod\":\"p\"}", "Pod is no object"},
        {"{\"Pod\":{\"metadata\":}}", "Pod: "},
        {"{\"Pod\":{\"metadata\":{\"name\":\"\xFF\"}}}", "Pod: "},
        {"{\"Pod\":" PLAIN_POD ",\"pod\":" PLAIN_POD "}", "Pod is there twice"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":null,\"NodeNames\":[]}", "NodeNames is there twice"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":{}}", "NodeNames is no array"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":\"a\"}", "NodeNames is no array"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[null]}", "NodeNames[0] is null"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"a\",7]}", "NodeNames: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"a\" \"b\"]}", "NodeNames: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"a\",]}", "NodeNames: "},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"a\",\"b\",\"a\"]}", "NodeNames[2]: node \"a\""},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"\"]}", "NodeNames[0]: \"\" is no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"a\\n\"]}", "is no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"a\\u0000\"]}", "is no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"\xC3\xA4\"]}", "is no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[\"\xC3\"]}", "NodeNames: "},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":[]}", "Nodes is no object"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":true}", "Nodes is no object"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":{}}}", "Nodes.items is no array"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[7]}}", "Nodes.items[0] is no object"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[null]}}", "Nodes.items[0] is no object"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[{}]}}", "has no metadata.name"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[{\"metadata\":null}]}}", "no metadata.name"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[{\"metadata\":{\"name\":null}}]}}",
         "has no metadata.name"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[{\"metadata\":{\"name\":7}}]}}",
         "Nodes.items[0]: "},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[{\"metadata\":{\"name\":\"a b\"}}]}}",
         "Nodes.items[0]: \"a b\" is no node name"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[{\"metadata\":{\"name\":\"a\"}},"
         "{\"metadata\":{\"name\":\"a\"}}]}}",
         "Nodes.items[1]: node \"a\" is there twice"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[]},\"nodes\":{\"items\":[]}}", "twice"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":[],\"items\":[]}}", "twice"},
        {"{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"metadata\":{}},\"NodeNames\":[]}", "both given"},
        {"{\"Pod\":" PLAIN_POD ",\"NodeNames\":[],\"Nodes\":{\"items\":[{}]}}", "both given"},
        {"{\"Nodes\":{\"items\":[{\"metadata\":{\"name\":\"a\"}}]},\"Pod\":" PLAIN_POD "}",
         "want Pod first"},
        {"{\"Pod\":" PLAIN_POD "}{}", "nothing may follow"},
        {"{\"Pod\":" PLAIN_POD ",}", "a key is wanted"},
        {"{\"Pod\" " PLAIN_POD "}", "a colon is wanted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check_refused(world, plimsoll_span_of(cases[i].body), PLIMSOLL_ERR_INVALID,
                      cases[i].sentence);
    }
}

static void a_full_node_that_cannot_be_read_is_refused_for_a_gpu_pod_too(void **state)
{
    static const char *const items[] = {"{}", "{\"metadata\":{\"name\":7}}", "{\"metadata\":{]}",
                                        "{\"metadata\":{\"name\":\"a/b\"}}"};
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        plimsoll_autotext nodes = plimsoll_text_make(4096);
        plimsoll_text_add_format(&nodes, "{\"items\":[%s]}", items[i]);
        plimsoll_autotext body = make_body(NULL, nodes.data, "null");
        check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_INVALID, "Nodes.items[0]");
    }
}

static void an_annotation_that_cannot_be_read_is_a_reason_of_its_node(void **state)
{
    plimsoll_autotext body =
        make_body(NULL,
                  "{\"items\":[{\"metadata\":{\"name\":\"odd\",\"annotations\":{"
                  "\"plimsoll.dev/inventory\":\"{\\\"v\\\":1,\"}}}]}",
                  "null");
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = filter(*state, plimsoll_text_span(&body), &outcome);
    assert_int_equal(outcome.rejected[PLIMSOLL_UNUSABLE], 1);
    assert_non_null(strstr(answer.data, "\"FailedAndUnresolvableNodes\":{\"odd\":\""));
}

static void too_deep_nesting_is_refused_wherever_it_is(void **state)
{
    static const char *const before[] = {
        "{\"Pod\":", "{\"x\":", "{\"Pod\":" PLAIN_POD ",\"NodeNames\":",
        "{\"Pod\":" PLAIN_POD ",\"Nodes\":{\"items\":["};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        plimsoll_autotext body = plimsoll_text_make(1u << 20);
        plimsoll_text_add_string(&body, before[i]);
        for (int depth = 0; depth < 100000; depth++) {
            plimsoll_text_add_char(&body, '[');
        }
        check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_INVALID, "too deeply nested");
    }
}

static struct plimsoll_text make_names(size_t count, size_t size)
{
    struct plimsoll_text names = plimsoll_text_make(1u << 26);
    plimsoll_text_add_char(&names, '[');
    for (size_t i = 0; i < count; i++) {
        char name[PLIMSOLL_NAME_BYTES_MAX + 2];
        memset(name, 'n', sizeof name);
        int digits = snprintf(name, sizeof name, "%zu", i);
        name[digits] = 'n';
        plimsoll_text_add_format(&names, "%s\"%.*s\"", i > 0 ? "," : "", (int)size, name);
    }
    plimsoll_text_add_char(&names, ']');
    return names;
}

static void a_name_has_at_most_253_bytes(void **state)
{
    plimsoll_autotext longest = make_names(1, PLIMSOLL_NAME_BYTES_MAX);
    plimsoll_autotext longer = make_names(1, PLIMSOLL_NAME_BYTES_MAX + 1);
    plimsoll_autotext body = make_body(PLAIN_POD, "null", longest.data);
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = filter(*state, plimsoll_text_span(&body), &outcome);
    assert_true(answer.size > 0);
    assert_int_equal(outcome.passed, 1);
    plimsoll_autotext wrong = make_body(PLAIN_POD, "null", longer.data);
    check_refused(*state, plimsoll_text_span(&wrong), PLIMSOLL_ERR_INVALID,
                  "NodeNames[0]: a name of 254 bytes, want at most 253");
}

static void a_name_has_letters_digits_and_three_marks_wherever_they_stand(void **state)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    for (int c = ' '; c < 0x7F; c++) {
        for (size_t at = 0; at < 40 && c != '"' && c != '\\'; at++) {
            char names[64] = "[\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\"]";
            names[2 + at] = (char)c;
            plimsoll_autotext body = make_body(PLAIN_POD, "null", names);
            if (strchr(good, c) == NULL) {
                check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_INVALID,
                              "is no node name");
            } else {
                plimsoll_autotext answer = filter(*state, plimsoll_text_span(&body), NULL);
                assert_non_null(strstr(answer.data, names));
            }
        }
    }
}

static void as_many_names_of_any_length_as_there_may_be_are_answered(void **state)
{
    plimsoll_autotext names = make_names(PLIMSOLL_NODE_NAMES_MAX, PLIMSOLL_NAME_BYTES_MAX);
    plimsoll_autotext body = make_body(PLAIN_POD, "null", names.data);
    plimsoll_autotext answer = filter(*state, plimsoll_text_span(&body), NULL);
    assert_true(answer.size > names.size);
    static const char before[] = "{\"Nodes\":null,\"NodeNames\":";
    assert_memory_equal(answer.data, before, sizeof before - 1);
    assert_memory_equal(answer.data + sizeof before - 1, names.data, names.size);
}

static void one_name_more_is_too_large(void **state)
{
    plimsoll_autotext names = make_names(PLIMSOLL_NODE_NAMES_MAX + 1, 6);
    plimsoll_autotext body = make_body(PLAIN_POD, "null", names.data);
    check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_TOO_LARGE,
                  "NodeNames: more than 65536 nodes");
}

static void one_full_node_more_is_too_large(void **state)
{
    plimsoll_autotext nodes = plimsoll_text_make(1u << 26);
    plimsoll_text_add_string(&nodes, "{\"items\":[");
    for (size_t i = 0; i <= PLIMSOLL_NODE_NAMES_MAX; i++) {
        plimsoll_text_add_format(&nodes, "%s{\"metadata\":{\"name\":\"n%zu\"}}", i > 0 ? "," : "",
                                 i);
    }
    plimsoll_text_add_string(&nodes, "]}");
    plimsoll_autotext body = make_body(PLAIN_POD, nodes.data, "null");
    check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_TOO_LARGE,
                  "Nodes.items: more than 65536 nodes");
}

static void an_object_beyond_the_ceiling_of_the_api_is_too_large(void **state)
{
    plimsoll_autotext large = plimsoll_text_make(1u << 23);
    plimsoll_text_add_string(&large, "{\"metadata\":{\"name\":\"a\"},\"x\":\"");
    while (large.size < PLIMSOLL_OBJECT_BYTES_MAX) {
        plimsoll_text_add_string(&large, "0123456789abcdef");
    }
    plimsoll_text_add_string(&large, "\"}");
    plimsoll_autotext pod = make_body(large.data, "null", "[]");
    check_refused(*state, plimsoll_text_span(&pod), PLIMSOLL_ERR_TOO_LARGE, "Pod is larger");
    plimsoll_autotext nodes = plimsoll_text_make(1u << 23);
    plimsoll_text_add_string(&nodes, "{\"items\":[");
    plimsoll_text_add_span(&nodes, plimsoll_text_span(&large));
    plimsoll_text_add_string(&nodes, "]}");
    plimsoll_autotext body = make_body(PLAIN_POD, nodes.data, "null");
    check_refused(*state, plimsoll_text_span(&body), PLIMSOLL_ERR_TOO_LARGE, "a node is larger");
}

static void an_answer_that_does_not_fit_leaves_the_text_alone(void **state)
{
    struct world *world = *state;
    plimsoll_autotext nodes = make_nodes();
    struct plimsoll_text bodies[] = {make_body(NULL, "null", "[\"new\",\"full\",\"idle\"]"),
                                     make_body(NULL, nodes.data, "null")};
    for (size_t i = 0; i < 2; i++) {
        for (int verb = PLIMSOLL_VERB_FILTER; verb <= PLIMSOLL_VERB_PRIORITIZE; verb++) {
            struct plimsoll_extender_outcome outcome;
            struct plimsoll_error err = {0};
            plimsoll_autotext answer = plimsoll_text_make(90);
            plimsoll_text_add_string(&answer, "before");
            assert_int_equal(world_ask(world, (enum plimsoll_extender_verb)verb,
                                       plimsoll_text_span(&bodies[i]), SIZE_MAX, &answer, &outcome,
                                       &err),
                             -1);
            assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
            assert_string_equal(answer.data, "before");
        }
        plimsoll_text_clear(&bodies[i]);
    }
}

static void the_answer_is_appended_to_what_is_there(void **state)
{
    struct world *world = *state;
    plimsoll_autotext nodes = make_nodes();
    plimsoll_autotext body = make_body(NULL, nodes.data, "null");
    plimsoll_autotext alone = filter(world, plimsoll_text_span(&body), NULL);
    plimsoll_autotext answer = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&answer, "before");
    struct plimsoll_extender_outcome outcome;
    struct plimsoll_error err;
    assert_int_equal(world_ask(world, PLIMSOLL_VERB_FILTER, plimsoll_text_span(&body), SIZE_MAX,
                               &answer, &outcome, &err),
                     0);
    assert_memory_equal(answer.data, "before", 6);
    assert_string_equal(answer.data + 6, alone.data);
}

static void the_world_is_held_once_for_the_pod_and_once_for_all_names(void **state)
{
    struct world *world = *state;
    plimsoll_autotext body = make_body(NULL, "null", "[\"idle\",\"full\",\"new\"]");
    plimsoll_autotext answer = filter(world, plimsoll_text_span(&body), NULL);
    assert_true(answer.size > 0);
    assert_int_equal(world->holds, 2);
    assert_int_equal(world->asked, 3);
}

#define FILTER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILTER_TEST(a_pod_without_a_gpu_passes_on_every_node_in_order),
        FILTER_TEST(full_nodes_go_back_byte_for_byte),
        FILTER_TEST(a_name_that_is_there_twice_is_refused_wherever_it_stands),
        FILTER_TEST(a_world_that_is_asked_one_by_one_gives_the_same_answer),
        FILTER_TEST(names_of_every_length_come_back),
        FILTER_TEST(a_byte_that_no_name_has_is_seen_wherever_it_stands),
        FILTER_TEST(names_are_answered_from_the_world),
        FILTER_TEST(full_nodes_are_answered_from_their_bytes),
        FILTER_TEST(all_full_nodes_can_be_refused),
        FILTER_TEST(no_nodes_give_no_nodes),
        FILTER_TEST(names_may_come_before_the_pod_and_in_any_case),
        FILTER_TEST(a_gpu_pod_gets_an_error_until_the_world_is_synced),
        FILTER_TEST(names_without_a_picture_get_an_error_that_says_what_to_do),
        FILTER_TEST(a_request_that_cannot_be_read_is_refused_everywhere_with_its_sentence),
        FILTER_TEST(a_bound_pod_passes_on_its_node_though_it_fills_it),
        FILTER_TEST(a_pod_that_says_itself_where_it_is_bound_passes_there),
        FILTER_TEST(nominations_count_unless_they_are_lower_or_its_own),
        FILTER_TEST(a_body_cut_anywhere_gives_the_same_answer),
        FILTER_TEST(a_body_that_ends_early_is_refused_wherever_it_ends),
        FILTER_TEST(hostile_bodies_are_refused_with_a_sentence),
        FILTER_TEST(a_full_node_that_cannot_be_read_is_refused_for_a_gpu_pod_too),
        FILTER_TEST(an_annotation_that_cannot_be_read_is_a_reason_of_its_node),
        FILTER_TEST(too_deep_nesting_is_refused_wherever_it_is),
        FILTER_TEST(a_name_has_at_most_253_bytes),
        FILTER_TEST(a_name_has_letters_digits_and_three_marks_wherever_they_stand),
        FILTER_TEST(as_many_names_of_any_length_as_there_may_be_are_answered),
        FILTER_TEST(one_name_more_is_too_large),
        FILTER_TEST(one_full_node_more_is_too_large),
        FILTER_TEST(an_object_beyond_the_ceiling_of_the_api_is_too_large),
        FILTER_TEST(an_answer_that_does_not_fit_leaves_the_text_alone),
        FILTER_TEST(the_answer_is_appended_to_what_is_there),
        FILTER_TEST(the_world_is_held_once_for_the_pod_and_once_for_all_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
