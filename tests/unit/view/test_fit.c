/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "lab_cluster.h"

/* A pod that is not there yet, asked about in the lab. */
struct wish {
    struct lab *lab;
    struct plimsoll_pod pod;
    struct plimsoll_placement_settings settings;
    struct plimsoll_view_question question;
    struct plimsoll_text text;
};

static int set_up(void **state)
{
    struct wish *it = plimsoll_alloc(1, sizeof *it);
    it->lab = lab_make();
    it->settings = it->lab->home.settings;
    it->pod = (struct plimsoll_pod){.namespace_ = scene_nothing,
                                    .name = scene_nothing,
                                    .node = scene_nothing,
                                    .nominated = scene_nothing,
                                    .demand = scene_demand(false, 6144)};
    it->question = (struct plimsoll_view_question){
        .pod = &it->pod, .cluster = &it->lab->cluster, .settings = &it->settings};
    it->text = plimsoll_text_make(GOLDEN_BYTES_MAX);
    *state = it;
    return 0;
}

static int tear_down(void **state)
{
    struct wish *it = *state;
    plimsoll_text_clear(&it->text);
    lab_free(it->lab);
    free(it);
    return 0;
}

static const char *answered(struct wish *it, enum plimsoll_view_standing standing, bool json)
{
    const struct plimsoll_view_options options = {.width = 80, .unicode = true};
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&it->question);
    plimsoll_text_reset(&it->text);
    assert_int_equal(plimsoll_view_explanation_standing(explanation), standing);
    if (json) {
        plimsoll_view_explanation_json(explanation, &it->text);
    } else {
        plimsoll_view_explanation_table(explanation, &options, &it->text);
    }
    plimsoll_view_explanation_free(&explanation);
    return it->text.data;
}

static void an_answer_looks_as_somebody_has_seen_it(void **state)
{
    struct wish *it = *state;
    answered(it, PLIMSOLL_STANDING_FITS, false);
    golden_compare("fit-80.txt", &it->text);
    answered(it, PLIMSOLL_STANDING_FITS, true);
    golden_compare("fit.json", &it->text);
    it->pod.demand.vram = 200 * 1024 * MIB;
    answered(it, PLIMSOLL_STANDING_WAITS, false);
    golden_compare("fit-nowhere-80.txt", &it->text);
}

/* attic: 24576 − 512 − 10240 = 13824 MiB. */
static void pods_beside_each_other_are_counted(void **state)
{
    struct wish *it = *state;
    it->lab->cluster.nodes = &it->lab->nodes[2];
    it->lab->cluster.node_count = 1;
    it->pod.demand.vram = 6912 * MIB;
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, false),
                           "fits on 1 of 1 node now; 2 pods like it in all."));
    it->pod.demand.vram++;
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, false), "1 pod like it in all."));
}

static void pods_of_several_cards_take_several(void **state)
{
    struct wish *it = *state;
    struct scene *dgx = &it->lab->dgx;
    dgx->view.pod_count--; /* without train-lora, which may come to any card */
    free(it->lab->loads[1]);
    it->lab->loads[1] = scene_load(dgx);
    it->lab->nodes[1] =
        (struct plimsoll_extender_node){.view = dgx->view, .load = it->lab->loads[1]};
    it->pod.demand.vram = 9000 * MIB;
    it->pod.demand.cards = 3; /* two that have 9.5Gi, and one that is empty */
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, false), "1 pod like it in all."));
    it->pod.demand.cards = 4; /* of which one is broken */
    answered(it, PLIMSOLL_STANDING_WAITS, false);
}

static void the_devices_of_the_plugin_are_an_upper_bound(void **state)
{
    struct wish *it = *state;
    it->lab->cluster.nodes = &it->lab->nodes[2]; /* one device, and batch-embed has it */
    it->lab->cluster.node_count = 1;
    it->lab->attic.resource.allocatable = 1;
    it->pod.demand = scene_demand(true, 1024);
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_WAITS, false), "fits on no node now."));
    assert_non_null(strstr(it->text.data, "has the VRAM, but no device: 1\n"));
    assert_non_null(strstr(it->text.data, "no nvidia.com/gpu left"));
    it->lab->attic.resource.allocatable = 4;
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, false), "3 pods like it in all."));
    snprintf(it->pod.demand.resource, sizeof it->pod.demand.resource, "nvidia.com/gpu.shared");
    answered(it, PLIMSOLL_STANDING_WAITS, false); /* no such resource there */
}

static void more_than_a_kubelet_takes_are_not_counted(void **state)
{
    struct wish *it = *state;
    char most[64];
    it->lab->cluster.nodes = &it->lab->nodes[2];
    it->lab->cluster.node_count = 1;
    it->pod.demand.vram = MIB;
    snprintf(most, sizeof most, "at least %d pods like it in all.", PLIMSOLL_VIEW_FIT_MAX);
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, false), most));
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, true), "\"podsCapped\": true"));
}

static void a_request_that_cannot_be_read_fits_nowhere(void **state)
{
    struct wish *it = *state;
    char refusal[] = "annotation plimsoll.dev/vram: below 1Mi";
    it->pod.refusal = refusal;
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_REFUSED, false), refusal));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_looks_as_somebody_has_seen_it),
        TEST(pods_beside_each_other_are_counted),
        TEST(pods_of_several_cards_take_several),
        TEST(the_devices_of_the_plugin_are_an_upper_bound),
        TEST(more_than_a_kubelet_takes_are_not_counted),
        TEST(a_request_that_cannot_be_read_fits_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
