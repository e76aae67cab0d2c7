/* SPDX-License-Identifier: Apache-2.0 */
/* A glance says what judge says, on random nodes whose numbers lie so close together that every
 * comparison meets equality. Seeded, so that a failure can be repeated. */
#include "unit.h"

#include <plimsoll/own.h>
#include <plimsoll/placement.h>

#include <string.h>

#define NODES     40000
#define DEMANDS   12
#define CARDS_MAX 4

static uint64_t random_state = 20261124;

static uint64_t below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

static bool chance(uint64_t percent)
{
    return below(100) < percent;
}

struct scene {
    struct plimsoll_node node;
    struct plimsoll_card cards[CARDS_MAX];
    struct plimsoll_mig mig;
    struct plimsoll_node_resource resource;
    struct plimsoll_placement_settings settings;
    struct plimsoll_node_load *load;
};

static enum plimsoll_vendor some_vendor(void)
{
    return chance(85) ? PLIMSOLL_VENDOR_NVIDIA : (enum plimsoll_vendor)below(4);
}

static void make_card(struct scene *scene, uint32_t index, struct plimsoll_load *load)
{
    struct plimsoll_card *card = &scene->cards[index];
    *load = (struct plimsoll_load){
        .total = below(12),
        .floating_plugin = chance(30) ? below(4) : 0,
        .floating_ours = chance(30) ? below(4) : 0,
        .replicas = 1 + (uint32_t)below(3),
        .state = (uint8_t)(chance(75) ? PLIMSOLL_CARD_OK : below(PLIMSOLL_CARD_MIG + 1)),
        .withheld = chance(10),
    };
    if (load->state == PLIMSOLL_CARD_UNKNOWN_MEMORY) {
        load->total = 0;
    }
    load->taken = (uint32_t)below(load->replicas + 1);
    load->relief = load->taken == load->replicas && load->floating_plugin == 0 ? below(4) : 0;
    load->reserve = below(load->total + 1) / 3;
    load->line = load->total - load->reserve;
    load->free = chance(50) ? load->line : below(load->line + 1);
    load->vendor = card->vendor = (uint8_t)some_vendor();
    card->total = load->total;
    if (load->state == PLIMSOLL_CARD_MIG) {
        card->mig = &scene->mig;
        card->mig_count = 1;
    }
}

static void make_scene(struct scene *scene)
{
    static char name[] = "a", unusable[] = "unusable";
    uint32_t count = (uint32_t)below(CARDS_MAX + 1);
    *scene = (struct scene){.mig = {.id = "MIG-a", .profile = "1g.5gb", .vram = below(12)}};
    snprintf(scene->resource.name, sizeof scene->resource.name, "nvidia.com/gpu");
    scene->resource.vendor = PLIMSOLL_VENDOR_NVIDIA;
    scene->resource.allocatable = below(4);
    scene->node = (struct plimsoll_node){.name = name,
                                         .cards = scene->cards,
                                         .card_count = count,
                                         .resources = &scene->resource,
                                         .resource_count = (uint32_t)below(2),
                                         .pinned = chance(20),
                                         .mps = chance(25),
                                         .env = (enum plimsoll_trilean)below(3),
                                         .device_list = (enum plimsoll_device_list)below(5),
                                         .unusable = chance(3) ? unusable : NULL};
    scene->settings = (struct plimsoll_placement_settings){
        .default_request = (enum plimsoll_default)below(3), .default_bytes = below(12)};
    scene->load = plimsoll_alloc(1, sizeof *scene->load + count * sizeof(struct plimsoll_load));
    scene->load->card_count = count;
    for (uint32_t i = 0; i < count; i++) {
        make_card(scene, i, &scene->load->cards[i]);
    }
}

static struct plimsoll_demand some_demand(void)
{
    struct plimsoll_demand demand = {
        .gpu = chance(97),
        .vendor = some_vendor(),
        .plugin = chance(50),
        .mig = chance(5),
        .every_card = chance(8),
        .env_ours = chance(30),
        .request = chance(60) ? PLIMSOLL_REQUEST_BYTES : (enum plimsoll_request)below(3),
        .cards = chance(80) ? (uint32_t)below(2) : 1 + (uint32_t)below(4),
        .topology = (enum plimsoll_topology)below(3),
    };
    if (demand.request == PLIMSOLL_REQUEST_BYTES) {
        demand.vram = below(13);
    } else if (demand.request == PLIMSOLL_REQUEST_PERCENT) {
        demand.percent_milli = 1 + (uint32_t)below(100000);
    }
    if (demand.plugin) {
        snprintf(demand.resource, sizeof demand.resource, "nvidia.com/gpu");
    }
    return demand;
}

static void a_glance_says_what_judge_says(void **state)
{
    (void)state;
    size_t told[PLIMSOLL_REFUSED + 1] = {0};
    for (unsigned i = 0; i < NODES; i++) {
        struct scene scene;
        make_scene(&scene);
        struct plimsoll_summary summary =
            plimsoll_placement_summarise(&scene.node, scene.load, &scene.settings);
        for (unsigned j = 0; j < DEMANDS; j++) {
            struct plimsoll_demand demand = some_demand();
            enum plimsoll_reason reason = PLIMSOLL_REFUSED;
            enum plimsoll_reason judged =
                plimsoll_placement_judge(&scene.node, scene.load, &demand, &scene.settings).reason;
            if (plimsoll_placement_glance(&summary, &demand, &reason)) {
                if (reason != judged) {
                    fail_msg("node %u, demand %u: a glance says %s, judge %s", i, j,
                             plimsoll_reason_label(reason), plimsoll_reason_label(judged));
                }
                told[reason]++;
            } else {
                assert_int_equal(reason, PLIMSOLL_REFUSED);
            }
        }
        free(scene.load);
    }
    static const enum plimsoll_reason common[] = {PLIMSOLL_FITS,          PLIMSOLL_NO_CARD,
                                                  PLIMSOLL_UNUSABLE,      PLIMSOLL_NO_VRAM,
                                                  PLIMSOLL_TOO_FEW_CARDS, PLIMSOLL_NO_ENV};
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        assert_true(told[common[i]] > 1000);
    }
}

/* The pods that come all day, on nodes without anything odd. */
static void a_glance_suffices_for_one_card(void **state)
{
    (void)state;
    struct plimsoll_card cards[2] = {{.total = 10, .vendor = PLIMSOLL_VENDOR_NVIDIA},
                                     {.total = 10, .vendor = PLIMSOLL_VENDOR_NVIDIA}};
    const struct plimsoll_node node = {.cards = cards, .card_count = 2};
    const struct plimsoll_placement_settings settings = {.reserve_bytes = 1};
    const struct plimsoll_node_view view = {.node = &node, .pods_known = true};
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&view, &settings, NULL, INT32_MIN);
    struct plimsoll_summary summary = plimsoll_placement_summarise(&node, load, &settings);
    struct plimsoll_demand demand = {.gpu = true, .vendor = PLIMSOLL_VENDOR_NVIDIA, .cards = 1};
    for (int plugin = 0; plugin < 2; plugin++) {
        enum plimsoll_reason reason;
        demand.plugin = plugin != 0;
        demand.request = PLIMSOLL_REQUEST_DEFAULT;
        assert_true(plimsoll_placement_glance(&summary, &demand, &reason));
        assert_int_equal(reason, PLIMSOLL_FITS);
        demand.request = PLIMSOLL_REQUEST_BYTES;
        demand.vram = 9;
        assert_true(plimsoll_placement_glance(&summary, &demand, &reason));
        assert_int_equal(reason, PLIMSOLL_FITS);
        demand.vram = 10;
        assert_false(plimsoll_placement_glance(&summary, &demand, &reason));
    }
}

/* Where the pod stands in the list of those who wait decides, which no summary knows. */
static void a_glance_says_nothing_where_pods_are_nominated(void **state)
{
    (void)state;
    struct plimsoll_card card = {.total = 10, .vendor = PLIMSOLL_VENDOR_NVIDIA};
    const struct plimsoll_node node = {.cards = &card, .card_count = 1};
    const struct plimsoll_placement_settings settings = {0};
    const struct plimsoll_node_view view = {.node = &node, .pods_known = true};
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&view, &settings, NULL, INT32_MIN);
    load->nominated = true;
    struct plimsoll_summary summary = plimsoll_placement_summarise(&node, load, &settings);
    const struct plimsoll_demand demand = {.gpu = true, .vendor = PLIMSOLL_VENDOR_NVIDIA};
    enum plimsoll_reason reason;
    assert_false(plimsoll_placement_glance(&summary, &demand, &reason));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_glance_says_what_judge_says),
        cmocka_unit_test(a_glance_suffices_for_one_card),
        cmocka_unit_test(a_glance_says_nothing_where_pods_are_nominated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
