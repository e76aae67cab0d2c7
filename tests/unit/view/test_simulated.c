/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <plimsoll/json.h>
#include <plimsoll/simulated.h>

/* Two cards shared, one with a pod on it, and a node of four; no report that could be old. */
static const char *const machines[] = {
    "{\"metadata\":{\"name\":\"home\",\"annotations\":{\"plimsoll.dev/inventory\":\"{\\\"v\\\":1,"
    "\\\"env\\\":true,\\\"cards\\\":[{\\\"id\\\":\\\"GPU-h\\\",\\\"index\\\":0,\\\"vendor\\\":"
    "\\\"nvidia\\\",\\\"product\\\":\\\"NVIDIA GeForce RTX 4080\\\",\\\"vram\\\":17171480576,"
    "\\\"health\\\":\\\"ok\\\"}]}\"}},\"status\":{\"allocatable\":{\"cpu\":\"8\",\"memory\":"
    "\"32Gi\",\"pods\":\"110\",\"nvidia.com/gpu\":\"4\"}}}",
    "{\"metadata\":{\"name\":\"rack\",\"annotations\":{\"plimsoll.dev/inventory\":\"{\\\"v\\\":1,"
    "\\\"env\\\":true,\\\"cards\\\":[{\\\"id\\\":\\\"GPU-0\\\",\\\"index\\\":0,\\\"vendor\\\":"
    "\\\"nvidia\\\",\\\"product\\\":\\\"NVIDIA L40S\\\",\\\"vram\\\":48318382080,\\\"health\\\":"
    "\\\"ok\\\"},{\\\"id\\\":\\\"GPU-1\\\",\\\"index\\\":1,\\\"vendor\\\":\\\"nvidia\\\","
    "\\\"product\\\":\\\"NVIDIA L40S\\\",\\\"vram\\\":48318382080,\\\"health\\\":\\\"ok\\\"}]}\"}},"
    "\"status\":{\"allocatable\":{\"cpu\":\"64\",\"memory\":\"256Gi\",\"pods\":\"110\","
    "\"nvidia.com/gpu\":\"2\"}}}",
};

static const char manifest[] =
    "kind: Pod\n"
    "metadata: {name: ollama-0, namespace: ai, annotations: {plimsoll.dev/vram: 6Gi}}\n"
    "spec: {containers: [{name: main, resources: {limits: {nvidia.com/gpu: 1}}}]}\n"
    "---\n"
    "kind: Deployment\n"
    "metadata: {name: sdxl, namespace: art}\n"
    "spec:\n"
    "  replicas: 3\n"
    "  template:\n"
    "    metadata: {annotations: {plimsoll.dev/vram: 10Gi}}\n"
    "    spec: {containers: [{name: main, resources: {limits: {nvidia.com/gpu: 1}}}]}\n"
    "---\n"
    "kind: Pod\n"
    "metadata: {name: vllm, namespace: ai,\n"
    "  annotations: {plimsoll.dev/vram: 30Gi, plimsoll.dev/gpus: '2'}}\n"
    "spec: {containers: [{name: main}]}\n"
    "---\n"
    "kind: Pod\n"
    "metadata: {name: typo, namespace: ai, annotations: {plimsoll.dev/vram: '12'}}\n"
    "spec: {containers: [{name: main}]}\n"
    "---\n"
    "kind: Pod\n"
    "metadata: {name: web}\n"
    "spec: {containers: [{name: main, resources: {requests: {cpu: 100m}}}]}\n";

struct stage {
    struct plimsoll_config *config;
    struct plimsoll_simulation *simulation;
    struct plimsoll_landing landings[16];
    struct plimsoll_extender_node nodes[2];
    struct plimsoll_node_load *before[2];
    struct plimsoll_view_simulation view;
};

static int place(void *context, struct plimsoll_span pod, const char *where,
                 struct plimsoll_error *err)
{
    struct stage *stage = context;
    (void)where;
    return plimsoll_simulation_place(stage->simulation, pod,
                                     &stage->landings[stage->view.landing_count++], err);
}

static void look(struct stage *stage)
{
    struct plimsoll_cluster *cluster = plimsoll_simulation_cluster(stage->simulation);
    plimsoll_cluster_read_begin(cluster);
    for (size_t i = 0; i < 2; i++) {
        assert_true(plimsoll_cluster_node_at(cluster, i, &stage->nodes[i]));
    }
    plimsoll_cluster_read_end(cluster);
}

static int setup(void **state)
{
    struct stage *stage = plimsoll_alloc(1, sizeof *stage);
    struct plimsoll_error err = {0};
    stage->config = plimsoll_config_default();
    stage->simulation = plimsoll_simulation_new(stage->config, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(plimsoll_simulation_add(stage->simulation, PLIMSOLL_KIND_NODES,
                                                 plimsoll_span_of(machines[i]), &err),
                         0);
    }
    plimsoll_simulation_begin(stage->simulation);
    look(stage);
    for (size_t i = 0; i < 2; i++) {
        stage->before[i] = plimsoll_placement_load(&stage->nodes[i].view, &stage->config->placement,
                                                   NULL, INT32_MIN);
    }
    if (plimsoll_manifest_read(plimsoll_span_of(manifest), "pods.yaml", place, stage, NULL, &err) !=
        0) {
        fail_msg("%s", err.message);
    }
    look(stage);
    stage->view.landings = stage->landings;
    stage->view.nodes = stage->nodes;
    stage->view.before = (const struct plimsoll_node_load *const *)stage->before;
    stage->view.node_count = 2;
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < stage->view.landing_count; i++) {
        plimsoll_landing_clear(&stage->landings[i]);
    }
    free(stage->before[0]);
    free(stage->before[1]);
    plimsoll_simulation_free(&stage->simulation);
    plimsoll_config_free(&stage->config);
    free(stage);
    return 0;
}

static void golden(const struct stage *stage, struct plimsoll_view_options options,
                   const char *name)
{
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    plimsoll_view_simulation_table(&stage->view, &options, &out);
    golden_compare(name, &out);
}

static void a_simulation_looks_as_somebody_has_seen_it(void **state)
{
    golden(*state, (struct plimsoll_view_options){.width = 80, .unicode = true}, "simulate-80.txt");
    golden(*state, (struct plimsoll_view_options){.width = 80, .colour = true},
           "simulate-80-colour.txt");
    golden(*state, (struct plimsoll_view_options){.width = 120, .unicode = true, .wide = true},
           "simulate-wide.txt");
}

static void programs_get_one_object(void **state)
{
    const struct stage *stage = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    struct plimsoll_error err = {0};
    plimsoll_view_simulation_json(&stage->view, &out);
    assert_int_equal(plimsoll_json_parse(plimsoll_text_span(&out), &document, &err), 0);
    assert_int_equal(plimsoll_json_count(plimsoll_json_get(plimsoll_json_root(document), "pods")),
                     7);
    golden_compare("simulate.json", &out);
}

static void without_pods_it_says_so(void **state)
{
    struct stage *stage = *state;
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_view_simulation empty = stage->view;
    const struct plimsoll_view_options options = {.width = 80};
    empty.landing_count = 0;
    plimsoll_view_simulation_table(&empty, &options, &out);
    assert_string_equal(out.data, "no pods\n");
}

static void without_a_card_it_says_so(void **state)
{
    struct stage *stage = *state;
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_view_simulation empty = stage->view;
    const struct plimsoll_view_options options = {.width = 80};
    empty.node_count = 0;
    empty.landings = &stage->landings[5]; /* ai/typo */
    empty.landing_count = 1;
    plimsoll_view_simulation_table(&empty, &options, &out);
    assert_non_null(strstr(out.data, "\n\n0 of 1 pods fit. No node with a GPU is known.\n"));
    assert_null(strstr(out.data, "in use"));
}

static void what_takes_no_pods_is_not_free(void **state)
{
    struct stage *stage = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    const struct plimsoll_view_options options = {.width = 120};
    stage->nodes[1].load = stage->before[1];
    stage->before[1]->cards[0].state = PLIMSOLL_CARD_UNHEALTHY;
    plimsoll_view_simulation_table(&stage->view, &options, &out);
    assert_non_null(strstr(out.data, "53.9Gi of 104.4Gi on 3 cards is free, 59.9Gi before."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_simulation_looks_as_somebody_has_seen_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(programs_get_one_object, setup, teardown),
        cmocka_unit_test_setup_teardown(without_pods_it_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_card_it_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(what_takes_no_pods_is_not_free, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
