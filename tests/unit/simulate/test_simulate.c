/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/simulate.h>

#include <string.h>

#define GIB (UINT64_C(1024) * 1024 * 1024)
/* 2026-11-25T00:00:00Z; the nodes here carry no report that could be older. */
#define NOW INT64_C(1795564800000)

struct stage {
    struct plimsoll_config *config;
    struct plimsoll_simulation *simulation;
};

/* Zero is the usual: two cards of 16 GiB, 8 processors, 32 GiB, 110 pods. */
struct machine {
    const char *name, *labels, *spec, *pods;
    unsigned cards;
};

static void add(struct stage *stage, enum plimsoll_kind kind, const char *object)
{
    struct plimsoll_error err = {0};
    if (plimsoll_simulation_add(stage->simulation, kind, plimsoll_span_of(object), &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void add_machine(struct stage *stage, struct machine machine)
{
    plimsoll_autotext inventory = plimsoll_text_make(1u << 16);
    plimsoll_autotext node = plimsoll_text_make(1u << 16);
    unsigned cards = machine.cards > 0 ? machine.cards : 2;
    plimsoll_text_add_string(&inventory, "{\"v\":1,\"env\":true,\"cards\":[");
    for (unsigned i = 0; i < cards; i++) {
        plimsoll_text_add_format(&inventory,
                                 "%s{\"id\":\"GPU-%s-%u\",\"index\":%u,\"vendor\":\"nvidia\","
                                 "\"product\":\"A4000\",\"vram\":%llu,\"health\":\"ok\"}",
                                 i > 0 ? "," : "", machine.name, i, i, 16ULL << 30);
    }
    plimsoll_text_add_string(&inventory, "]}");
    plimsoll_text_add_format(&node,
                             "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
                             "\"%s\",\"labels\":{\"nvidia.com/gpu.present\":\"true\"%s},"
                             "\"annotations\":{\"plimsoll.dev/inventory\":",
                             machine.name, machine.labels != NULL ? machine.labels : "");
    plimsoll_text_add_json(&node, plimsoll_text_span(&inventory));
    plimsoll_text_add_format(&node,
                             "}},\"spec\":{%s},\"status\":{\"allocatable\":{\"cpu\":\"8\","
                             "\"memory\":\"32Gi\",\"pods\":\"%s\",\"nvidia.com/gpu\":\"%u\"}}}",
                             machine.spec != NULL ? machine.spec : "",
                             machine.pods != NULL ? machine.pods : "110", cards);
    add(stage, PLIMSOLL_KIND_NODES, node.data);
}

static int setup(void **state)
{
    struct stage *stage = plimsoll_alloc(1, sizeof *stage);
    stage->config = plimsoll_config_default();
    stage->simulation = plimsoll_simulation_new(stage->config, NOW);
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    plimsoll_simulation_free(&stage->simulation);
    plimsoll_config_free(&stage->config);
    free(stage);
    return 0;
}

/* A pod of one container; `vram` NULL: none asked for. */
static void write_pod(const char *vram, const char *resources, const char *spec,
                      struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"metadata\":{\"name\":\"it\",\"annotations\":{");
    if (vram != NULL) {
        plimsoll_text_add_format(out, "\"plimsoll.dev/vram\":\"%s\"", vram);
    }
    plimsoll_text_add_format(out, "}},\"spec\":{%s\"containers\":[{\"name\":\"main\"%s%s}]}}", spec,
                             *resources != '\0' ? ",\"resources\":" : "", resources);
}

static struct plimsoll_landing place(struct stage *stage, const char *vram, const char *resources,
                                     const char *spec)
{
    plimsoll_autotext pod = plimsoll_text_make(1u << 16);
    struct plimsoll_landing landing = {0};
    struct plimsoll_error err = {0};
    write_pod(vram, resources, spec, &pod);
    if (plimsoll_simulation_place(stage->simulation, plimsoll_text_span(&pod), &landing, &err) !=
        0) {
        fail_msg("%s", err.message);
    }
    return landing;
}

static void lands_on(struct plimsoll_landing landing, const char *node)
{
    if (landing.landed != PLIMSOLL_LANDED) {
        fail_msg("%s", landing.why);
    }
    assert_string_equal(landing.node, node);
    plimsoll_landing_clear(&landing);
}

static void lands_nowhere(struct plimsoll_landing landing, const char *why)
{
    assert_int_equal(landing.landed, PLIMSOLL_LANDED_NOWHERE);
    if (strstr(landing.why, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", landing.why, why);
    }
    plimsoll_landing_clear(&landing);
}

static void a_pod_gets_the_card_that_its_claim_names_and_keeps_it(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "a", .cards = 1});
    plimsoll_simulation_begin(stage->simulation);
    struct plimsoll_landing first = place(stage, "10Gi", "", "");
    assert_int_equal(first.landed, PLIMSOLL_LANDED);
    assert_int_equal(first.guarantee, PLIMSOLL_GUARANTEE_EXACT);
    assert_int_equal(first.claim.card_count, 1);
    assert_string_equal(first.claim.cards[0].id, "GPU-a-0");
    assert_int_equal(first.claim.cards[0].vram, 10 * GIB);
    plimsoll_landing_clear(&first);
    struct plimsoll_landing second = place(stage, "10Gi", "", "");
    assert_int_equal(second.landed, PLIMSOLL_LANDED_NOWHERE);
    assert_string_equal(second.why,
                        "0/1 nodes are available: 1 insufficient free VRAM (want 10Gi)");
    assert_string_equal(second.closest, "a");
    assert_int_equal(second.verdict.missing, 4 * GIB + GIB / 2);
    plimsoll_landing_clear(&second);
}

static void the_picture_counts_what_landed(void **state)
{
    struct stage *stage = *state;
    struct plimsoll_extender_node node;
    add_machine(stage, (struct machine){.name = "a", .cards = 1});
    plimsoll_simulation_begin(stage->simulation);
    lands_on(place(stage, "10Gi", "", ""), "a");
    struct plimsoll_cluster *cluster = plimsoll_simulation_cluster(stage->simulation);
    plimsoll_cluster_read_begin(cluster);
    assert_true(plimsoll_cluster_node_at(cluster, 0, &node));
    assert_int_equal(node.load->cards[0].booked, 10 * GIB);
    assert_int_equal(node.view.pod_count, 1);
    assert_null(node.view.pods[0]->claim_ignored);
    plimsoll_cluster_read_end(cluster);
}

static void what_the_webhook_refuses_does_not_arrive(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "a"});
    plimsoll_simulation_begin(stage->simulation);
    struct plimsoll_landing landing = place(stage, "12", "", "");
    assert_int_equal(landing.landed, PLIMSOLL_LANDED_DENIED);
    assert_non_null(strstr(landing.why, "12Gi"));
    plimsoll_landing_clear(&landing);
    assert_int_equal(plimsoll_cluster_pod_count(plimsoll_simulation_cluster(stage->simulation)), 0);
}

static void admission_adds_what_keeps_a_pod_off_other_nodes(void **state)
{
    struct stage *stage = *state;
    add(stage, PLIMSOLL_KIND_NODES,
        "{\"metadata\":{\"name\":\"a-plain\"},\"status\":{\"allocatable\":{\"pods\":\"9\"}}}");
    add_machine(stage, (struct machine){.name = "b"});
    plimsoll_simulation_begin(stage->simulation);
    lands_on(place(stage, NULL, "", ""), "a-plain");
    lands_on(place(stage, "1Gi", "", ""), "b");
    lands_nowhere(place(stage, "17Gi", "", ""),
                  "1 node(s) didn't match Pod's node affinity/selector");
}

static void processors_memory_and_pods_run_out(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "a", .pods = "3"});
    plimsoll_simulation_begin(stage->simulation);
    lands_on(place(stage, "1Gi", "{\"requests\":{\"cpu\":\"6\",\"memory\":\"20Gi\"}}", ""), "a");
    lands_nowhere(place(stage, "1Gi", "{\"requests\":{\"cpu\":\"2001m\"}}", ""),
                  "1 Insufficient cpu");
    lands_nowhere(place(stage, "1Gi", "{\"requests\":{\"memory\":\"13Gi\"}}", ""),
                  "1 Insufficient memory");
    lands_on(place(stage, NULL, "{\"requests\":{\"cpu\":\"2\",\"memory\":\"12Gi\"}}", ""), "a");
    lands_on(place(stage, NULL, "", ""), "a");
    lands_nowhere(place(stage, NULL, "", ""), "1 Too many pods");
}

static void pods_that_are_there_already_take_their_part(void **state)
{
    struct stage *stage = *state;
    add(stage, PLIMSOLL_KIND_PODS,
        "{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"},\"spec\":{\"nodeName\":"
        "\"a\",\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"7\"}}}]}}");
    add(stage, PLIMSOLL_KIND_PODS,
        "{\"metadata\":{\"name\":\"q\",\"namespace\":\"n\",\"uid\":\"v\"},\"spec\":{\"nodeName\":"
        "\"a\",\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"7\"}}}]},"
        "\"status\":{\"phase\":\"Succeeded\"}}");
    add_machine(stage, (struct machine){.name = "a"});
    plimsoll_simulation_begin(stage->simulation);
    lands_nowhere(place(stage, "1Gi", "{\"requests\":{\"cpu\":\"1001m\"}}", ""),
                  "1 Insufficient cpu");
    lands_on(place(stage, "1Gi", "{\"requests\":{\"cpu\":\"1\"}}", ""), "a");
}

static void devices_of_the_plugin_run_out(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "a", .cards = 1});
    plimsoll_simulation_begin(stage->simulation);
    const char *one = "{\"limits\":{\"nvidia.com/gpu\":\"1\"}}";
    lands_on(place(stage, "1Gi", one, ""), "a");
    lands_nowhere(place(stage, "1Gi", one, ""), "1 Insufficient nvidia.com/gpu");
    lands_on(place(stage, "1Gi", "", ""), "a");
}

static void taints_and_cordons_are_respected_and_tolerated(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "cordoned", .spec = "\"unschedulable\":true"});
    add_machine(stage, (struct machine){.name = "tainted",
                                        .spec = "\"taints\":[{\"key\":\"team\",\"value\":\"red\","
                                                "\"effect\":\"NoSchedule\"}]"});
    plimsoll_simulation_begin(stage->simulation);
    lands_nowhere(
        place(stage, "1Gi", "", ""),
        "0/2 nodes are available: 1 node(s) were unschedulable, 1 node(s) had untolerated "
        "taint");
    lands_nowhere(
        place(stage, "1Gi", "", "\"tolerations\":[{\"key\":\"team\",\"value\":\"blue\"}],"),
        "untolerated taint");
    lands_on(place(stage, "1Gi", "", "\"tolerations\":[{\"key\":\"team\",\"value\":\"red\"}],"),
             "tainted");
    lands_on(place(stage, NULL, "", "\"tolerations\":[{\"operator\":\"Exists\"}],"), "cordoned");
}

static void terms(struct stage *stage, const char *term, const char *node)
{
    plimsoll_autotext spec = plimsoll_text_make(4096);
    plimsoll_text_add_format(&spec,
                             "\"affinity\":{\"nodeAffinity\":{"
                             "\"requiredDuringSchedulingIgnoredDuringExecution\":{"
                             "\"nodeSelectorTerms\":[%s]}}},",
                             term);
    if (node != NULL) {
        lands_on(place(stage, NULL, "", spec.data), node);
    } else {
        lands_nowhere(place(stage, NULL, "", spec.data), "2 node(s) didn't match");
    }
}

static void node_affinity_means_what_kubernetes_says(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "a", .labels = ",\"zone\":\"x\",\"gen\":\"3\""});
    add_machine(stage, (struct machine){.name = "b", .labels = ",\"zone\":\"y\",\"gen\":\"5\""});
    plimsoll_simulation_begin(stage->simulation);
#define ONE(op, rest) "{\"matchExpressions\":[{\"operator\":\"" op "\"," rest "}]}"
    terms(stage, ONE("In", "\"key\":\"zone\",\"values\":[\"w\",\"y\"]"), "b");
    terms(stage, ONE("NotIn", "\"key\":\"zone\",\"values\":[\"x\"]"), "b");
    terms(stage, ONE("NotIn", "\"key\":\"none\",\"values\":[\"x\"]"), "a");
    terms(stage, ONE("Exists", "\"key\":\"none\""), NULL);
    terms(stage, ONE("DoesNotExist", "\"key\":\"none\""), "a");
    terms(stage, ONE("Gt", "\"key\":\"gen\",\"values\":[\"3\"]"), "b");
    terms(stage, ONE("Lt", "\"key\":\"gen\",\"values\":[\"5\"]"), "a");
    terms(stage, ONE("Gt", "\"key\":\"zone\",\"values\":[\"3\"]"), NULL);
    terms(stage, ONE("Near", "\"key\":\"zone\",\"values\":[\"x\"]"), NULL);
    terms(stage, "{}", NULL);
    terms(stage, "", NULL);
    terms(stage,
          ONE("In", "\"key\":\"zone\",\"values\":[\"w\"]") ",{\"matchFields\":[{\"key\":"
                                                           "\"metadata.name\",\"operator\":\"In\","
                                                           "\"values\":[\"b\"]}]}",
          "b");
#undef ONE
    lands_on(place(stage, NULL, "", "\"nodeSelector\":{\"zone\":\"y\"},"), "b");
    lands_nowhere(place(stage, NULL, "", "\"nodeSelector\":{\"zone\":\"y\",\"gen\":\"3\"},"),
                  "2 node(s) didn't match");
}

static void a_pod_that_names_its_node_stands_there(void **state)
{
    struct stage *stage = *state;
    add_machine(stage, (struct machine){.name = "a"});
    plimsoll_simulation_begin(stage->simulation);
    lands_on(place(stage, NULL, "{\"requests\":{\"cpu\":\"8\"}}", "\"nodeName\":\"a\","), "a");
    lands_nowhere(place(stage, NULL, "{\"requests\":{\"cpu\":\"1m\"}}", ""), "Insufficient cpu");
}

static void so_many_fit_and_no_more(void **state)
{
    struct stage *stage = *state;
    plimsoll_autotext pod = plimsoll_text_make(4096);
    struct plimsoll_landing last = {0};
    struct plimsoll_error err = {0};
    size_t landed = 99;
    add_machine(stage, (struct machine){.name = "a"});
    add_machine(stage, (struct machine){.name = "b", .cards = 1});
    plimsoll_simulation_begin(stage->simulation);
    write_pod("7Gi", "", "", &pod);
    assert_int_equal(plimsoll_simulation_fill(stage->simulation, plimsoll_text_span(&pod), 2,
                                              &landed, &last, &err),
                     0);
    assert_int_equal(landed, 2);
    assert_int_equal(last.landed, PLIMSOLL_LANDED);
    plimsoll_landing_clear(&last);
    assert_int_equal(plimsoll_simulation_fill(stage->simulation, plimsoll_text_span(&pod), 100,
                                              &landed, &last, &err),
                     0);
    assert_int_equal(landed, 4);
    assert_int_equal(last.landed, PLIMSOLL_LANDED_NOWHERE);
    assert_non_null(strstr(last.why, "0/2 nodes are available: 2 insufficient free VRAM"));
    plimsoll_landing_clear(&last);
}

static void what_is_no_pod_is_refused_and_changes_nothing(void **state)
{
    static const char *const bad[] = {"", "[]", "{", "{\"spec\":3}", "{\"metadata\":[]}x"};
    struct stage *stage = *state;
    plimsoll_simulation_begin(stage->simulation);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plimsoll_landing landing = {.landed = PLIMSOLL_LANDED_UNBOUND};
        struct plimsoll_error err = {0};
        int result =
            plimsoll_simulation_place(stage->simulation, plimsoll_span_of(bad[i]), &landing, &err);
        if (result == 0) { /* what Kubernetes would call a pod without anything */
            plimsoll_landing_clear(&landing);
            continue;
        }
        assert_string_not_equal(err.message, "");
        assert_int_equal(landing.landed, PLIMSOLL_LANDED_UNBOUND);
    }
}

static void bad_objects_of_the_cluster_are_refused(void **state)
{
    struct stage *stage = *state;
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_simulation_add(stage->simulation, PLIMSOLL_KIND_NODES,
                                             plimsoll_span_of("{\"metadata\":{}}"), &err),
                     -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    assert_int_equal(plimsoll_simulation_add(stage->simulation, PLIMSOLL_KIND_PODS,
                                             plimsoll_span_of("{}"), &err),
                     -1);
}

static void no_cluster_takes_no_pod(void **state)
{
    struct stage *stage = *state;
    plimsoll_simulation_begin(stage->simulation);
    lands_nowhere(place(stage, "1Gi", "", ""), "0/0 nodes are available");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_pod_gets_the_card_that_its_claim_names_and_keeps_it),
        TEST(the_picture_counts_what_landed),
        TEST(what_the_webhook_refuses_does_not_arrive),
        TEST(admission_adds_what_keeps_a_pod_off_other_nodes),
        TEST(processors_memory_and_pods_run_out),
        TEST(pods_that_are_there_already_take_their_part),
        TEST(devices_of_the_plugin_run_out),
        TEST(taints_and_cordons_are_respected_and_tolerated),
        TEST(node_affinity_means_what_kubernetes_says),
        TEST(a_pod_that_names_its_node_stands_there),
        TEST(so_many_fit_and_no_more),
        TEST(what_is_no_pod_is_refused_and_changes_nothing),
        TEST(bad_objects_of_the_cluster_are_refused),
        TEST(no_cluster_takes_no_pod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
