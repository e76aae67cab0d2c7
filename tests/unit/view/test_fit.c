/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "lab_cluster.h"

/* A pod that is not there yet, asked about in the lab. */
struct wish {
    struct lab *lab;
    struct plimsoll_pod pod;
    struct plimsoll_placement_settings settings;
    struct plimsoll_view_question question;
    size_t like[3]; /* home, dgx, attic */
    struct plimsoll_text text;
    bool colour;
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
        .pod = &it->pod, .cluster = &it->lab->cluster, .settings = &it->settings, .like = it->like};
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
    const struct plimsoll_view_options options = {
        .width = 80, .unicode = true, .colour = it->colour};
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
    it->like[1] = 9;
    it->like[2] = 2;
    answered(it, PLIMSOLL_STANDING_FITS, false);
    golden_compare("fit-80.txt", &it->text);
    answered(it, PLIMSOLL_STANDING_FITS, true);
    golden_compare("fit.json", &it->text);
    it->colour = true;
    answered(it, PLIMSOLL_STANDING_FITS, false);
    golden_compare("fit-80-colour.txt", &it->text);
    it->colour = false;
    it->pod.demand.vram = 200 * 1024 * MIB;
    answered(it, PLIMSOLL_STANDING_WAITS, false);
    golden_compare("fit-nowhere-80.txt", &it->text);
}

static void what_takes_none_although_it_has_the_vram_is_ruled_out(void **state)
{
    struct wish *it = *state;
    it->like[1] = 1;
    const char *text = answered(it, PLIMSOLL_STANDING_FITS, false);
    assert_non_null(strstr(text, "fits on 1 of 3 nodes now; 1 pod like it in all."));
    const char *dgx = strstr(text, "    dgx"), *attic = strstr(text, "    attic");
    assert_true(dgx != NULL && attic != NULL && dgx < attic);
    assert_non_null(strstr(attic, "ruled out by other filters"));
    it->like[1] = 0;
    text = answered(it, PLIMSOLL_STANDING_WAITS, false);
    assert_non_null(strstr(text, "fits on no node now."));
    assert_non_null(strstr(text, "has the VRAM, but does not take it: 2\n"));
}

static void nothing_is_ruled_out_by_counting_no_further(void **state)
{
    struct wish *it = *state;
    it->like[1] = 1000;
    it->question.like_capped = true;
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, false),
                           "fits on 2 of 3 nodes now; at least 1000 pods like it in all."));
    assert_null(strstr(it->text.data, "ruled out"));
    assert_non_null(strstr(answered(it, PLIMSOLL_STANDING_FITS, true), "\"podsCapped\": true"));
}

static void devices_of_the_plugin_that_are_gone_are_named(void **state)
{
    struct wish *it = *state;
    it->lab->cluster.nodes = &it->lab->nodes[2]; /* one device, and batch-embed has it */
    it->lab->cluster.node_count = 1;
    it->lab->attic.resource.allocatable = 1;
    it->pod.demand = scene_demand(true, 1024);
    answered(it, PLIMSOLL_STANDING_WAITS, false);
    assert_non_null(strstr(it->text.data, "no nvidia.com/gpu left"));
    it->lab->attic.resource.allocatable = 2;
    assert_null(strstr(answered(it, PLIMSOLL_STANDING_WAITS, false), "gpu left"));
    snprintf(it->pod.demand.resource, sizeof it->pod.demand.resource, "nvidia.com/gpu.shared");
    assert_non_null(
        strstr(answered(it, PLIMSOLL_STANDING_WAITS, false), "no nvidia.com/gpu.shared left"));
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
        TEST(what_takes_none_although_it_has_the_vram_is_ruled_out),
        TEST(nothing_is_ruled_out_by_counting_no_further),
        TEST(devices_of_the_plugin_that_are_gone_are_named),
        TEST(a_request_that_cannot_be_read_fits_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
