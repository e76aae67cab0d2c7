/* SPDX-License-Identifier: Apache-2.0 */
/* The past of the picture, what is left of nodes besides cards, and the ranking made of both. */
#include "unit.h"

#include <plimsoll/outlook.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "picture.h"

static int setup(void **state)
{
    *state = picture_new();
    return 0;
}

static int teardown(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    plimsoll_cluster_free(&cluster);
    return 0;
}

static void set(struct plimsoll_cluster *cluster, enum plimsoll_kind kind, const char *object)
{
    struct plimsoll_error err = {0};
    if (plimsoll_cluster_set(cluster, kind, plimsoll_span_of(object), &err) != 0) {
        fail_msg("%s: %s", object, err.message);
    }
}

static void unset(struct plimsoll_cluster *cluster, enum plimsoll_kind kind, const char *object)
{
    struct plimsoll_error err = {0};
    if (plimsoll_cluster_remove(cluster, kind, plimsoll_span_of(object), &err) != 0) {
        fail_msg("%s: %s", object, err.message);
    }
}

/* Sixteen processors, 64Gi of memory, and cards of `gib` each. */
static void set_model(struct plimsoll_cluster *cluster, const char *name, const char *product,
                      unsigned cards, unsigned gib)
{
    plimsoll_autotext inventory = plimsoll_text_make(1u << 16);
    plimsoll_autotext object = plimsoll_text_make(1u << 18);
    plimsoll_text_add_string(&inventory, "{\"v\":1,\"env\":true,\"cards\":[");
    for (unsigned i = 0; i < cards; i++) {
        plimsoll_text_add_format(&inventory,
                                 "%s{\"id\":\"GPU-%s-%u\",\"index\":%u,\"vendor\":\"nvidia\","
                                 "\"product\":\"%s\",\"vram\":%llu,\"health\":\"ok\"}",
                                 i > 0 ? "," : "", name, i, i, product,
                                 (unsigned long long)(gib * GIB + 512 * MIB));
    }
    plimsoll_text_add_string(&inventory, "]}");
    plimsoll_text_add_format(&object,
                             "{\"metadata\":{\"name\":\"%s\",\"annotations\":{"
                             "\"plimsoll.dev/inventory\":",
                             name);
    plimsoll_text_add_json(&object, plimsoll_text_span(&inventory));
    plimsoll_text_add_string(&object, "}},\"status\":{\"allocatable\":{\"cpu\":\"16\",\"memory\":"
                                      "\"64Gi\"}}}");
    set(cluster, PLIMSOLL_KIND_NODES, object.data);
}

static void set_node(struct plimsoll_cluster *cluster, const char *name, unsigned cards,
                     unsigned gib)
{
    set_model(cluster, name, "card", cards, gib);
}

/* @param gib   Of VRAM; 0: without a GPU.
 * @param node  "": unbound. */
static const char *write_pod(struct plimsoll_text *out, const char *uid, unsigned gib,
                             unsigned processors, const char *node, const char *phase)
{
    plimsoll_text_reset(out);
    plimsoll_text_add_format(
        out, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"x\",\"uid\":\"%s\"", uid, uid);
    if (gib > 0) {
        plimsoll_text_add_format(out, ",\"annotations\":{\"plimsoll.dev/vram\":\"%uGi\"}", gib);
    }
    plimsoll_text_add_string(out, "},\"spec\":{");
    if (node[0] != '\0') {
        plimsoll_text_add_format(out, "\"nodeName\":\"%s\",", node);
    }
    plimsoll_text_add_format(out,
                             "\"containers\":[{\"name\":\"m\",\"resources\":{\"requests\":{\"cpu\":"
                             "\"%u\",\"memory\":\"1Gi\"}}}]},\"status\":{\"phase\":\"%s\"}}",
                             processors, phase);
    return out->data;
}

static void set_pod(struct plimsoll_cluster *cluster, const char *uid, unsigned gib,
                    unsigned processors, const char *node)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    set(cluster, PLIMSOLL_KIND_PODS,
        write_pod(&object, uid, gib, processors, node, node[0] != '\0' ? "Running" : "Pending"));
}

static void unset_pod(struct plimsoll_cluster *cluster, const char *uid, unsigned gib)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    unset(cluster, PLIMSOLL_KIND_PODS, write_pod(&object, uid, gib, 1, "", "Running"));
}

static struct plimsoll_room room_of(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_extender_node node;
    plimsoll_cluster_read_begin(cluster);
    assert_true(plimsoll_cluster_node(cluster, plimsoll_span_of(name), &node));
    struct plimsoll_room room = node.view.room;
    assert_memory_equal(&room, &node.load->room, sizeof room);
    plimsoll_cluster_read_end(cluster);
    return room;
}

static void expect_free(struct plimsoll_cluster *cluster, const char *name, uint64_t processors,
                        uint64_t gib)
{
    struct plimsoll_room room = room_of(cluster, name);
    assert_int_equal(room.free.cpu_milli, processors * 1000);
    assert_int_equal(room.free.memory, gib * GIB);
}

/* -- processors and memory -----------------------------------------------------------------------
 */

static void all_pods_of_a_node_take_of_its_processors_and_memory(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    set_node(cluster, "a", 1, 16);
    expect_free(cluster, "a", 16, 64);
    set_pod(cluster, "plain", 0, 2, "a");
    set_pod(cluster, "gpu", 4, 3, "a");
    expect_free(cluster, "a", 11, 62);
    set_pod(cluster, "waiting", 0, 5, "");
    expect_free(cluster, "a", 11, 62);
    set_pod(cluster, "waiting", 0, 5, "a");
    expect_free(cluster, "a", 6, 61);
    set_pod(cluster, "waiting", 0, 1, "a"); /* resized in place */
    expect_free(cluster, "a", 10, 61);
    unset_pod(cluster, "gpu", 4);
    unset_pod(cluster, "plain", 0);
    expect_free(cluster, "a", 15, 63);
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    set(cluster, PLIMSOLL_KIND_PODS, write_pod(&object, "waiting", 0, 1, "a", "Succeeded"));
    expect_free(cluster, "a", 16, 64);
}

static void a_node_that_comes_after_its_pods_finds_them(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    set_pod(cluster, "plain", 0, 2, "a");
    set_node(cluster, "a", 1, 16);
    expect_free(cluster, "a", 14, 63);
    unset(cluster, PLIMSOLL_KIND_NODES, "{\"metadata\":{\"name\":\"a\"}}");
    set_node(cluster, "a", 1, 16);
    expect_free(cluster, "a", 14, 63);
    unset(cluster, PLIMSOLL_KIND_NODES, "{\"metadata\":{\"name\":\"a\"}}");
    unset_pod(cluster, "plain", 0);
    set_node(cluster, "a", 1, 16);
    expect_free(cluster, "a", 16, 64);
}

static void a_list_takes_away_what_it_does_not_name(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    char uid[16];
    set_node(cluster, "a", 1, 16);
    for (unsigned i = 0; i < 10; i++) {
        snprintf(uid, sizeof uid, "pod-%u", i);
        set_pod(cluster, uid, 0, 1, "a");
    }
    expect_free(cluster, "a", 6, 54);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_PODS);
    set_pod(cluster, "pod-3", 0, 1, "a");
    plimsoll_cluster_list_abort(cluster, PLIMSOLL_KIND_PODS);
    expect_free(cluster, "a", 6, 54);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_PODS);
    set_pod(cluster, "pod-7", 0, 1, "a");
    set_pod(cluster, "pod-8", 0, 1, "a");
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_PODS);
    expect_free(cluster, "a", 14, 62);
}

/* Against a plain count, through growth and removals. */
static void thousands_of_pods_come_and_go_without_a_trace(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    static bool there[4096];
    uint64_t random = 88172645463325252, count[4] = {0};
    char uid[16], name[] = "n0";
    memset(there, 0, sizeof there);
    for (char i = 0; i < 4; i++) {
        name[1] = (char)('0' + i);
        set_node(cluster, name, 1, 16);
    }
    for (unsigned step = 0; step < 20000; step++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        unsigned pod = (unsigned)(random >> 20) % (step < 10000 ? 4096 : 64);
        name[1] = (char)('0' + pod % 4);
        snprintf(uid, sizeof uid, "pod-%u", pod);
        if (there[pod]) {
            unset_pod(cluster, uid, 0);
        } else {
            plimsoll_autotext object = plimsoll_text_make(1u << 16);
            plimsoll_text_add_format(&object,
                                     "{\"metadata\":{\"name\":\"p\",\"uid\":\"%s\"},\"spec\":{"
                                     "\"nodeName\":\"%s\",\"containers\":[{\"resources\":{"
                                     "\"requests\":{\"cpu\":\"1m\"}}}]}}",
                                     uid, name);
            set(cluster, PLIMSOLL_KIND_PODS, object.data);
        }
        count[pod % 4] += there[pod] ? UINT64_MAX : 1;
        there[pod] = !there[pod];
    }
    for (unsigned i = 0; i < 4; i++) {
        name[1] = (char)('0' + i);
        assert_int_equal(room_of(cluster, name).free.cpu_milli, 16000 - count[i]);
    }
}

static void what_will_likely_come_takes_its_part(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    struct plimsoll_uid uid = uid_of("soon");
    struct plimsoll_demand demand = {.gpu = true, .cards = 1, .requests = {2000, GIB}};
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err = {0};
    set_node(cluster, "a", 1, 16);
    assert_int_equal(plimsoll_claim_parse(
                         plimsoll_span_of("{\"v\":1,\"pod\":\"soon\",\"node\":\"a\",\"cards\":[{"
                                          "\"id\":\"GPU-a-0\",\"vram\":1073741824,\"idle\":0}]}"),
                         &claim, &err),
                     0);
    plimsoll_cluster_hold(cluster, &uid, "a", &demand, &claim);
    expect_free(cluster, "a", 14, 63);
    set_pod(cluster, "soon", 1, 2, "a"); /* the hold counts no more beside the pod */
    expect_free(cluster, "a", 14, 63);
    plimsoll_cluster_unhold(cluster, &uid);
    expect_free(cluster, "a", 14, 63);
    unset_pod(cluster, "soon", 1);
    set_pod(cluster, "soon", 1, 2, "");
    plimsoll_cluster_assume(cluster, &uid, "a", &claim);
    expect_free(cluster, "a", 14, 63);
    plimsoll_cluster_forget(cluster, &uid);
    expect_free(cluster, "a", 16, 64);
    plimsoll_claim_clear(&claim);
}

/* -- the past ------------------------------------------------------------------------------------
 */

static uint64_t noted(struct plimsoll_cluster *cluster)
{
    return plimsoll_outlook_pods(room_of(cluster, "a").outlook);
}

static void every_gpu_pod_is_noted_once(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    set_node(cluster, "a", 1, 16);
    set_pod(cluster, "one", 4, 1, "");
    set_pod(cluster, "one", 4, 1, "");
    set_pod(cluster, "one", 5, 1, "a"); /* somebody rewrote its request */
    assert_int_equal(noted(cluster), 1);
    set_pod(cluster, "plain", 0, 1, "");
    assert_int_equal(noted(cluster), 1);
    unset_pod(cluster, "one", 5);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_PODS);
    set_pod(cluster, "two", 4, 1, "a");
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_PODS);
    assert_int_equal(noted(cluster), 2);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_PODS);
    set_pod(cluster, "two", 4, 1, "a");
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_PODS);
    assert_int_equal(noted(cluster), 2);
    assert_int_equal(plimsoll_outlook_classes(room_of(cluster, "a").outlook), 1);
}

/* A pod of 8Gi that wants a large card. */
static void set_choosy(struct plimsoll_cluster *cluster, unsigned number, const char *node)
{
    plimsoll_autotext object = plimsoll_text_make(1u << 16);
    plimsoll_text_add_format(
        &object,
        "{\"metadata\":{\"name\":\"c\",\"namespace\":\"x\",\"uid\":\"choosy-%u\","
        "\"annotations\":{\"plimsoll.dev/vram\":\"8Gi\"}},\"spec\":{\"nodeName\":"
        "\"%s\",\"nodeSelector\":{\"model\":\"large\"},\"containers\":[{\"name\":"
        "\"m\"}]},\"status\":{\"phase\":\"Running\"}}",
        number, node);
    set(cluster, PLIMSOLL_KIND_PODS, object.data);
}

static double room_for_choosy(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_extender_node node;
    struct plimsoll_uid uid = uid_of("choosy-0");
    plimsoll_cluster_read_begin(cluster);
    assert_true(plimsoll_cluster_node(cluster, plimsoll_span_of(name), &node));
    const struct plimsoll_pod *pod = plimsoll_cluster_pod(cluster, &uid);
    assert_non_null(pod);
    struct plimsoll_prospect prospect =
        plimsoll_placement_foretell(node.view.node, node.load, &pod->demand, &picture_settings);
    plimsoll_cluster_read_end(cluster);
    assert_true(prospect.foretold);
    return prospect.room;
}

/* Lists of nodes and of pods come in any order. */
static void where_pods_may_go_is_learned_from_where_they_are(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    for (unsigned late = 0; late < 2; late++) {
        struct plimsoll_cluster *other = picture_new();
        cluster = late == 0 ? *state : other;
        for (unsigned i = 0; late > 0 && i < 2; i++) {
            set_choosy(cluster, i, "large");
        }
        set_model(cluster, "large", "L", 4, 16);
        set_model(cluster, "another", "L", 4, 16);
        set_model(cluster, "small", "S", 4, 16);
        for (unsigned i = 2 * late; i < 100; i++) {
            set_choosy(cluster, i, i < 2 ? "large" : "");
        }
        assert_true(room_for_choosy(cluster, "another") > 5 * room_for_choosy(cluster, "small"));
        plimsoll_cluster_free(&other);
    }
}

/* -- the ranking ---------------------------------------------------------------------------------
 */

static bool find_node(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out)
{
    return plimsoll_cluster_node(context, name, out);
}

static void find_nodes(void *context, const struct plimsoll_span *names, size_t count,
                       uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    plimsoll_cluster_find(context, names, count, place, out);
}

static void open_node(void *context, const struct plimsoll_extender_glimpse *glimpse,
                      struct plimsoll_extender_node *out)
{
    plimsoll_cluster_open(context, glimpse, out);
}

static void hold(void *context)
{
    plimsoll_cluster_read_begin(context);
}

static void release(void *context)
{
    plimsoll_cluster_read_end(context);
}

/* Asks prioritize; `names` is a JSON array. */
static int ask(struct plimsoll_cluster *cluster, unsigned gib, unsigned processors,
               const char *names, struct plimsoll_text *answer, struct plimsoll_error *err)
{
    const struct plimsoll_extender_world world = {.context = cluster,
                                                  .synced = true,
                                                  .node = find_node,
                                                  .find = find_nodes,
                                                  .open = open_node,
                                                  .hold = hold,
                                                  .release = release};
    plimsoll_autotext body = plimsoll_text_make(1u << 22), pod = plimsoll_text_make(1u << 16);
    struct plimsoll_extender_outcome outcome;
    plimsoll_text_add_format(&body, "{\"Pod\":%s,\"NodeNames\":%s}",
                             write_pod(&pod, "asks", gib, processors, "", "Pending"), names);
    struct plimsoll_extender_call *call = plimsoll_extender_begin(
        PLIMSOLL_VERB_PRIORITIZE, &world, &picture_reading, &picture_settings);
    int asked = plimsoll_extender_feed(call, plimsoll_text_span(&body), err);
    asked = asked == 0 ? plimsoll_extender_finish(call, answer, &outcome, err) : asked;
    plimsoll_extender_free(&call);
    return asked;
}

/* The answer; the caller clears it. */
static struct plimsoll_text prioritize(struct plimsoll_cluster *cluster, unsigned gib,
                                       unsigned processors, const char *names)
{
    struct plimsoll_text answer = plimsoll_text_make(1u << 22);
    struct plimsoll_error err = {0};
    if (ask(cluster, gib, processors, names, &answer, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return answer;
}

static int score_in(const struct plimsoll_text *answer, const char *name)
{
    char host[64];
    snprintf(host, sizeof host, "\"Host\":\"%s\",\"Score\":", name);
    const char *at = strstr(answer->data, host);
    assert_non_null(at);
    return atoi(at + strlen(host));
}

static void expect_best(struct plimsoll_cluster *cluster, unsigned gib, unsigned processors,
                        const char *names, const char *best)
{
    plimsoll_autotext answer = prioritize(cluster, gib, processors, names);
    assert_int_equal(score_in(&answer, best), 10);
    const char *first = strstr(answer.data, "\"Score\":10");
    assert_null(strstr(first + 1, "\"Score\":10"));
}

/* Half of the pods want 10Gi, half 2Gi, and all are waiting. */
static void teach(struct plimsoll_cluster *cluster, unsigned pods)
{
    char uid[16];
    for (unsigned i = 0; i < pods; i++) {
        snprintf(uid, sizeof uid, "past-%u", i);
        set_pod(cluster, uid, i % 2 == 0 ? 10 : 2, 1, "");
    }
}

static void prioritize_keeps_the_places_of_what_is_likely(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    set_node(cluster, "ten", 1, 10);
    set_node(cluster, "twelve", 1, 12);
    expect_best(cluster, 2, 1, "[\"ten\",\"twelve\"]", "ten"); /* the tightest fit */
    teach(cluster, PLIMSOLL_HISTORY_PODS_MIN);
    expect_best(cluster, 2, 1, "[\"ten\",\"twelve\"]", "twelve");
}

/* Small pods would fill the large card as well, but where would large ones go? */
static void small_pods_leave_large_cards_to_large_ones(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    char uid[16];
    set_node(cluster, "large", 1, 72);
    set_node(cluster, "small", 1, 16);
    for (unsigned i = 0; i < 80; i++) {
        snprintf(uid, sizeof uid, "past-%u", i);
        set_pod(cluster, uid, i % 4 == 0 ? 70 : 4, 0, "");
    }
    expect_best(cluster, 4, 0, "[\"large\",\"small\"]", "small");
    expect_best(cluster, 3, 0, "[\"large\",\"small\"]", "small");
    expect_best(cluster, 1, 0, "[\"large\",\"small\"]", "small");
}

static void prioritize_follows_what_changes(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    set_node(cluster, "ten", 1, 10);
    set_node(cluster, "twelve", 1, 12);
    teach(cluster, 100);
    expect_best(cluster, 2, 1, "[\"ten\",\"twelve\"]", "twelve");
    set_pod(cluster, "large", 0, 16, "ten"); /* no processors are left for anybody */
    expect_best(cluster, 2, 1, "[\"ten\",\"twelve\"]", "ten");
    unset_pod(cluster, "large", 0);
    expect_best(cluster, 2, 1, "[\"ten\",\"twelve\"]", "twelve");
    set_node(cluster, "twelve", 1, 10);
    set_node(cluster, "ten", 1, 12);
    expect_best(cluster, 2, 1, "[\"ten\",\"twelve\"]", "ten");
    unset(cluster, PLIMSOLL_KIND_NODES, "{\"metadata\":{\"name\":\"ten\"}}");
    set_node(cluster, "other", 1, 11); /* gets the number that is free */
    expect_best(cluster, 2, 1, "[\"other\",\"twelve\"]", "twelve");
}

static void pods_without_a_gpu_leave_room_for_those_with_one(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    set_node(cluster, "cards", 1, 16);
    set_node(cluster, "none", 0, 0);
    plimsoll_autotext before = prioritize(cluster, 0, 16, "[\"cards\",\"none\",\"unknown\"]");
    assert_int_equal(score_in(&before, "cards"), score_in(&before, "none"));
    teach(cluster, 100);
    plimsoll_autotext after = prioritize(cluster, 0, 16, "[\"cards\",\"none\",\"unknown\"]");
    assert_int_equal(score_in(&after, "none"), 10);
    assert_int_equal(score_in(&after, "unknown"), 10);
    assert_int_equal(score_in(&after, "cards"), 0);
}

/* More nodes than one call looks at: all have their scores after some. */
static void thousands_of_nodes_are_caught_up_with(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    plimsoll_autotext names = plimsoll_text_make(1u << 20);
    char name[16];
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "n%04u", i);
        set_node(cluster, name, 1, i == 2900 ? 12 : 10);
        plimsoll_text_add_format(&names, "%s\"%s\"", i == 0 ? "[" : ",", name);
    }
    plimsoll_text_add_char(&names, ']');
    teach(cluster, 100);
    for (unsigned i = 0; i < 6; i++) {
        plimsoll_autotext answer = prioritize(cluster, 2, 1, names.data);
        assert_non_null(strstr(answer.data, "\"Score\":10"));
    }
    expect_best(cluster, 2, 1, names.data, "n2900");
}

/* -- other processes, other threads --------------------------------------------------------------
 */

static const char *const crew[] = {"four", "ten", "twelve", "sixteen"};
static const unsigned crew_gib[] = {4, 10, 12, 16};
#define CREW "[\"four\",\"ten\",\"twelve\",\"sixteen\"]"

static void set_crew(struct plimsoll_cluster *cluster)
{
    for (size_t i = 0; i < 4; i++) {
        set_node(cluster, crew[i], 2, crew_gib[i]);
    }
}

/* Pods that were bound before; those of the API server come in an order of their own. */
static void set_past(struct plimsoll_cluster *cluster, bool backwards)
{
    char uid[16];
    for (unsigned i = 0; i < 200; i++) {
        unsigned pod = backwards ? 199 - i : i;
        snprintf(uid, sizeof uid, "past-%u", pod);
        set_pod(cluster, uid, (unsigned[]){1, 2, 2, 3, 10}[pod % 5], 1, pod < 4 ? crew[pod] : "");
    }
}

/* What was learned is not kept anywhere: the pods that are there teach it again. */
static void a_server_that_starts_again_ranks_as_before(void **state)
{
    struct plimsoll_cluster *before = *state, *after = picture_new(), *twin = picture_new();
    set_crew(before);
    set_past(before, false);
    set_past(after, true);
    set_crew(after);
    set_crew(twin);
    set_past(twin, false);
    for (unsigned gib = 1; gib <= 10; gib++) {
        plimsoll_autotext one = prioritize(before, gib, 2, CREW);
        plimsoll_autotext again = prioritize(before, gib, 2, CREW);
        plimsoll_autotext other = prioritize(twin, gib, 2, CREW);
        plimsoll_autotext later = prioritize(after, gib, 2, CREW);
        assert_string_equal(one.data, again.data);
        assert_string_equal(one.data, other.data);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(score_in(&one, crew[i]) == 10, score_in(&later, crew[i]) == 10);
        }
    }
    plimsoll_cluster_free(&after);
    plimsoll_cluster_free(&twin);
}

struct askers {
    struct plimsoll_cluster *cluster;
    const char *names;
    atomic_bool stop;
    atomic_uint bad;
    atomic_ulong asked;
};

static bool is_good(const struct plimsoll_text *answer)
{
    bool best = false;
    for (const char *at = answer->data; (at = strstr(at, "\"Score\":")) != NULL; at++) {
        int score = atoi(at + strlen("\"Score\":"));
        best |= score == 10;
        if (score < 0 || score > 10) {
            return false;
        }
    }
    return best;
}

static void *ask_all_the_time(void *context)
{
    struct askers *askers = context;
    for (unsigned i = 0; !atomic_load(&askers->stop); i++) {
        plimsoll_autotext answer = plimsoll_text_make(1u << 22);
        struct plimsoll_error err;
        if (ask(askers->cluster, i % 12, 1, askers->names, &answer, &err) != 0 ||
            !is_good(&answer)) {
            atomic_fetch_add(&askers->bad, 1);
        }
        atomic_fetch_add(&askers->asked, 1);
    }
    return NULL;
}

/* Classes and nodes come and go beneath the scores, which those who ask write themselves. */
static void many_ask_while_the_picture_changes(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    plimsoll_autotext names = plimsoll_text_make(1u << 20);
    pthread_t threads[3];
    char name[32];
    plimsoll_text_add_char(&names, '[');
    for (unsigned i = 0; i < 600; i++) {
        plimsoll_text_add_format(&names, "%s\"n%04u\"", i == 0 ? "" : ",", i);
    }
    plimsoll_text_add_char(&names, ']');
    struct askers askers = {.cluster = cluster, .names = names.data};
    set_node(cluster, "n0000", 2, 16);
    teach(cluster, 100);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_all_the_time, &askers), 0);
    }
    for (unsigned i = 1; i < 600 || atomic_load(&askers.asked) < 300; i++) {
        snprintf(name, sizeof name, "n%04u", 1 + i % 599);
        set_node(cluster, name, 1 + i % 3, 8 + i % 9); /* grows the rows once */
        snprintf(name, sizeof name, "new-%u", i);
        set_pod(cluster, name, 1 + i % 12, i % 5, i % 2 == 0 ? "n0000" : "");
        if (i % 3 == 0) {
            unset_pod(cluster, name, 1 + i % 12);
        }
    }
    atomic_store(&askers.stop, true);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&askers.bad), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_pods_of_a_node_take_of_its_processors_and_memory),
        TEST(a_node_that_comes_after_its_pods_finds_them),
        TEST(a_list_takes_away_what_it_does_not_name),
        TEST(thousands_of_pods_come_and_go_without_a_trace),
        TEST(what_will_likely_come_takes_its_part),
        TEST(every_gpu_pod_is_noted_once),
        TEST(where_pods_may_go_is_learned_from_where_they_are),
        TEST(prioritize_keeps_the_places_of_what_is_likely),
        TEST(small_pods_leave_large_cards_to_large_ones),
        TEST(prioritize_follows_what_changes),
        TEST(pods_without_a_gpu_leave_room_for_those_with_one),
        TEST(thousands_of_nodes_are_caught_up_with),
        TEST(a_server_that_starts_again_ranks_as_before),
        TEST(many_ask_while_the_picture_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
