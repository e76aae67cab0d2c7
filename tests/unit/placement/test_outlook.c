/* SPDX-License-Identifier: Apache-2.0 */
/* What is likely to come, and where that lets a pod go. */
#include "unit.h"

#include <plimsoll/outlook.h>

#include <math.h>

#include "cards.h"

/* Nodes of one outlook; no host takes anything of their cards. */
struct cluster {
    struct plimsoll_outlook *outlook;
    struct scene nodes[4];
};

static int setup(void **state)
{
    struct cluster *cluster = plimsoll_alloc(1, sizeof *cluster);
    cluster->outlook = plimsoll_outlook_new();
    *state = cluster;
    return 0;
}

static int teardown(void **state)
{
    struct cluster *cluster = *state;
    plimsoll_outlook_free(&cluster->outlook);
    free(cluster);
    return 0;
}

static struct plimsoll_demand demand_of(uint64_t vram, uint64_t cpu_milli)
{
    struct plimsoll_demand demand = scene_demand(false, vram);
    demand.requests.cpu_milli = cpu_milli;
    return demand;
}

static void see(struct cluster *cluster, struct plimsoll_demand demand, size_t pods)
{
    for (size_t i = 0; i < pods; i++) {
        plimsoll_outlook_note(cluster->outlook, &demand);
    }
}

/* `free` MiB of each card are open, up to four of them; 0: that card is full. */
static struct scene *make_node(struct cluster *cluster, size_t at, uint64_t line,
                               const uint64_t *open, uint32_t cards)
{
    static const char *const ids[] = {"GPU-0", "GPU-1", "GPU-2", "GPU-3"};
    struct scene *scene = &cluster->nodes[at];
    scene_make(scene, cards, line + SCENE_RESERVE, 8);
    for (uint32_t i = 0; i < cards; i++) {
        if (open[i] < line) {
            scene_claim(scene_pod(scene, ids[i], scene_demand(false, line - open[i])), ids[i],
                        line - open[i], UINT64_MAX);
        }
    }
    scene->view.room = (struct plimsoll_room){
        .outlook = cluster->outlook,
        .free = {UINT64_MAX, UINT64_MAX},
        .kind = plimsoll_outlook_kind(cluster->outlook, &scene->node),
    };
    return scene;
}

static double score(const struct scene *scene, struct plimsoll_demand demand)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    return plimsoll_placement_score(&scene->node, load, &demand, &scene->settings);
}

static struct plimsoll_prospect foretell(const struct scene *scene, struct plimsoll_demand demand)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    return plimsoll_placement_foretell(&scene->node, load, &demand, &scene->settings);
}

/* The card that a pod would get. */
static char chosen_card(const struct scene *scene, struct plimsoll_demand demand)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    struct plimsoll_pod pod = {.uid = scene_uid("X"), .demand = demand};
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err = {0};
    assert_int_equal(
        plimsoll_placement_choose(&scene->node, load, &pod, &scene->settings, &claim, &err), 0);
    assert_int_equal(claim.card_count, 1);
    char card = claim.cards[0].id[4];
    plimsoll_claim_clear(&claim);
    return card;
}

/* -- where pods go -------------------------------------------------------------------------------
 */

static void nothing_is_foretold_before_enough_pods_have_arrived(void **state)
{
    struct cluster *cluster = *state;
    struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){10000, 12000}, 2);
    see(cluster, demand_of(2000, 0), PLIMSOLL_HISTORY_PODS_MIN - 1);
    assert_false(plimsoll_outlook_ready(NULL));
    assert_false(plimsoll_outlook_ready(cluster->outlook));
    assert_false(foretell(node, demand_of(2000, 0)).foretold);
    assert_int_equal(chosen_card(node, demand_of(2000, 0)), '0'); /* the tighter */
    see(cluster, demand_of(2000, 0), 1);
    assert_true(plimsoll_outlook_ready(cluster->outlook));
    assert_true(foretell(node, demand_of(2000, 0)).foretold);
}

static void a_pod_goes_where_the_least_of_what_is_likely_is_lost(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(10000, 0), 50);
    see(cluster, demand_of(2000, 0), 50);
    /* The tightest fit would break the last place for one of 10000. */
    struct scene *tight = make_node(cluster, 0, 16000, (uint64_t[]){10000}, 1);
    struct scene *wide = make_node(cluster, 1, 16000, (uint64_t[]){12000}, 1);
    assert_true(score(wide, demand_of(2000, 0)) > score(tight, demand_of(2000, 0)));
    struct scene *both = make_node(cluster, 2, 16000, (uint64_t[]){10000, 12000}, 2);
    assert_int_equal(chosen_card(both, demand_of(2000, 0)), '1');
    assert_int_equal(chosen_card(both, demand_of(10000, 0)), '0');
}

static void cards_that_nothing_likely_fits_on_are_used_first(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(6000, 0), 100);
    struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){6000, 5000, 16000}, 3);
    assert_int_equal(chosen_card(node, demand_of(3000, 0)), '1'); /* never seen before */
}

static void a_pod_that_takes_the_processors_strands_cards(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(8000, 4000), 100);
    struct scene *rich = make_node(cluster, 0, 16000, (uint64_t[]){16000, 16000}, 2);
    struct scene *poor = make_node(cluster, 1, 16000, (uint64_t[]){16000, 16000}, 2);
    rich->view.room.free.cpu_milli = 64000;
    poor->view.room.free.cpu_milli = 16000;
    assert_true(score(rich, demand_of(1000, 8000)) > score(poor, demand_of(1000, 8000)));
    /* So does one without a card. */
    struct plimsoll_demand plain = {.requests = {.cpu_milli = 8000}};
    assert_true(score(rich, plain) > score(poor, plain));
    assert_true(score(rich, plain) >= 0); /* no copy is lost that the cards had room for */
    poor->view.room.free = (struct plimsoll_requests){64000, 1};
    assert_true(score(poor, plain) >= 0); /* nothing fits there any more for want of memory */
}

static void a_set_of_cards_stays_whole_for_pods_of_several(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_demand pair = demand_of(16000, 0);
    pair.cards = 2;
    see(cluster, pair, 50);
    see(cluster, demand_of(16000, 0), 50);
    struct scene *two = make_node(cluster, 0, 16000, (uint64_t[]){16000, 16000}, 2);
    struct scene *three = make_node(cluster, 1, 16000, (uint64_t[]){16000, 16000, 16000}, 3);
    assert_true(score(three, demand_of(16000, 0)) > score(two, demand_of(16000, 0)));
    struct plimsoll_prospect prospect = foretell(two, pair);
    assert_true(prospect.foretold && prospect.room_after < prospect.room / 1000);
}

static void large_cards_stay_whole_for_large_models_of_the_past(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(4000, 0), 60);
    see(cluster, demand_of(70000, 0), 20);
    struct scene *small = make_node(cluster, 0, 16000, (uint64_t[]){16000}, 1);
    struct scene *large = make_node(cluster, 1, 80000, (uint64_t[]){72000}, 1);
    assert_true(score(small, demand_of(4000, 0)) > score(large, demand_of(4000, 0)));
    /* Within one node too. */
    struct scene *mixed = make_node(cluster, 2, 80000, (uint64_t[]){72000, 80000}, 2);
    mixed->cards[1].total = (16000 + SCENE_RESERVE) * MIB;
    assert_int_equal(chosen_card(mixed, demand_of(4000, 0)), '1');
}

static void a_share_and_the_default_are_of_the_card_at_hand(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_demand half = demand_of(0, 0);
    half.request = PLIMSOLL_REQUEST_PERCENT;
    half.percent_milli = 48000;
    see(cluster, half, 100);
    struct scene *small = make_node(cluster, 0, 16000, (uint64_t[]){16000}, 1);
    struct scene *large = make_node(cluster, 1, 80000, (uint64_t[]){80000}, 1);
    /* Two halves fit on either: all is lost of the second. */
    double of_small = foretell(small, half).room, of_large = foretell(large, half).room;
    assert_true(fabs(of_large / of_small - 80000.0 / 16000.0) < 0.2);
    struct plimsoll_demand default_ = scene_demand(false, 0);
    see(cluster, default_, 4000);
    small->settings.default_request = large->settings.default_request = PLIMSOLL_DEFAULT_SHARE;
    of_small = foretell(small, default_).room;
    of_large = foretell(large, default_).room;
    assert_true(fabs(of_large / of_small - 80000.0 / 16000.0) < 0.2);
}

static bool near(double a, double b)
{
    return fabs(a / b - 1) < 0.001;
}

/* The numbers are powers of 0.7: of 4 copies, of 3/4, 2.5/4 and 1.5/4. Of a card on which the whole
 * one that is expected besides has no room. */
static void the_value_is_that_of_its_formula(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(2048, 1000), 100);
    struct scene *node = make_node(cluster, 0, 16384, (uint64_t[]){8192}, 1);
    struct plimsoll_prospect prospect = foretell(node, demand_of(2048, 1000));
    assert_true(prospect.room > 0.8 * 2 * 2.6390158 && prospect.room < 2 * 2.6390158);
    assert_true(near(prospect.room_after / prospect.room, 0.8176038));
    node->view.room.free.cpu_milli = 2500;
    struct plimsoll_prospect bounded = foretell(node, demand_of(2048, 1000));
    assert_true(near(bounded.room / prospect.room, 0.7196412));
    assert_true(near(bounded.room_after / prospect.room, 0.5032942));
    assert_true(near(score(node, demand_of(2048, 1000)), bounded.room_after - bounded.room));
}

static void random_pods_fill_what_is_left(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(4096, 0), 1000);
    struct scene *node = make_node(cluster, 0, 16384, (uint64_t[]){16384, 6144}, 2);
    struct plimsoll_prospect prospect = foretell(node, demand_of(2048, 0));
    assert_true(prospect.filled > 19.5 && prospect.filled <= 20);
    assert_true(fabs(prospect.filled_after - prospect.filled) < 0.01); /* it takes a leftover */
    prospect = foretell(node, demand_of(4096, 0));
    assert_true(fabs(prospect.filled - prospect.filled_after - 4) < 0.1);
}

static void random_pods_take_the_last_memory(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_demand hungry = demand_of(4096, 0);
    hungry.requests.memory = MIB;
    see(cluster, hungry, 100);
    struct scene *node = make_node(cluster, 0, 16384, (uint64_t[]){12288, 6144}, 2);
    assert_true(near(foretell(node, hungry).filled, 16));
    node->view.room.free.memory = 3 * MIB;
    assert_true(near(foretell(node, hungry).filled, 12));
    node->view.room.free.memory = MIB - 1;
    assert_true(foretell(node, hungry).filled < 0.001);
}

/* As many as there are processors for, to the last. */
static void random_pods_take_the_last_processor(void **state)
{
    struct cluster *cluster = *state;
    for (uint64_t cpu = 100; cpu < 10000; cpu += 100) {
        plimsoll_outlook_free(&cluster->outlook);
        cluster->outlook = plimsoll_outlook_new();
        see(cluster, demand_of(4096, cpu), 100);
        struct scene *node = make_node(cluster, 0, 65536, (uint64_t[]){60000, 60000}, 2);
        node->view.room.free.cpu_milli = 12 * cpu;
        assert_true(near(foretell(node, demand_of(4096, cpu)).filled, 48));
        assert_true(near(foretell(node, demand_of(4096, cpu)).filled_after, 44));
    }
}

static void who_asks_for_no_processors_fits_where_none_is_left(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_demand frugal = demand_of(4096, 0);
    see(cluster, frugal, 50);
    see(cluster, demand_of(4096, 100), 50);
    struct scene *node = make_node(cluster, 0, 65536, (uint64_t[]){32768}, 1);
    double all = foretell(node, frugal).room;
    node->view.room.free = (struct plimsoll_requests){0, 0};
    struct plimsoll_prospect prospect = foretell(node, frugal);
    assert_true(fabs(prospect.room / all - 0.5) < 0.05);
    assert_true(near(prospect.room_after / prospect.room, pow(7.0 / 8.0, 0.7)));
    assert_true(fabs(prospect.filled - 32) < 0.01);
    assert_true(score(node, frugal) < -0.01);
}

static void expect_numbers(const struct plimsoll_prospect *prospect)
{
    assert_true(prospect->foretold);
    assert_true(isfinite(prospect->room) && prospect->room >= 0);
    assert_true(isfinite(prospect->room_after) && prospect->room_after >= 0);
    assert_true(prospect->room_after <= prospect->room * 1.00001);
    assert_true(isfinite(prospect->filled) && prospect->filled >= 0);
    assert_true(isfinite(prospect->filled_after) && prospect->filled_after >= 0);
}

/* Anybody who may write a node or a pod writes what they like. */
static void numbers_stay_numbers_whatever_nodes_and_pods_say(void **state)
{
    struct cluster *cluster = *state;
    const uint64_t sizes[] = {0, 1, 1024, UINT64_C(1) << 30, UINT64_MAX / MIB / 2};
    const uint64_t rooms[] = {0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    struct plimsoll_demand asks[] = {
        demand_of(1, 0),       demand_of(1, UINT64_MAX), demand_of(UINT64_MAX / MIB, 1),
        scene_demand(true, 1), scene_demand(false, 0),   demand_of(1, 1)};
    asks[1].requests.memory = UINT64_MAX;
    asks[3].cards = PLIMSOLL_CARDS_MAX;
    asks[5].request = PLIMSOLL_REQUEST_PERCENT;
    asks[5].percent_milli = 1;
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        see(cluster, asks[i], 10);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t size = sizes[i];
        struct scene *node = make_node(cluster, 0, size, (uint64_t[]){size, size}, 2);
        node->settings.default_bytes = 1;
        for (size_t j = 0; j < sizeof rooms / sizeof rooms[0]; j++) {
            node->view.room.free = (struct plimsoll_requests){rooms[j], rooms[4 - j]};
            for (size_t k = 0; k < sizeof asks / sizeof asks[0]; k++) {
                assert_true(isfinite(score(node, asks[k])));
                struct plimsoll_prospect prospect = foretell(node, asks[k]);
                if (prospect.foretold) {
                    expect_numbers(&prospect);
                }
            }
        }
    }
}

/* As many as a node can have, each of more room than can be counted. */
static void copies_on_absurd_cards_are_still_numbers(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(1, 0), PLIMSOLL_HISTORY_PODS_MIN);
    struct scene *node = make_node(cluster, 0, UINT64_MAX / MIB / 2, (uint64_t[]){0, 0}, 0);
    plimsoll_autofree struct plimsoll_card *cards =
        plimsoll_alloc(PLIMSOLL_CARDS_MAX, sizeof *cards);
    for (uint32_t i = 0; i < PLIMSOLL_CARDS_MAX; i++) {
        cards[i] = (struct plimsoll_card){.total = UINT64_MAX / 2 - i,
                                          .vendor = PLIMSOLL_VENDOR_NVIDIA,
                                          .replicas = PLIMSOLL_REPLICAS_MAX,
                                          .numa = -1};
        snprintf(cards[i].id, sizeof cards[i].id, "GPU-%u", i);
        snprintf(cards[i].health, sizeof cards[i].health, "ok");
    }
    node->node.cards = cards;
    node->node.card_count = PLIMSOLL_CARDS_MAX;
    struct plimsoll_prospect prospect = foretell(node, demand_of(1, 0));
    expect_numbers(&prospect);
    assert_true(prospect.room > 0);
    assert_true(isfinite(score(node, demand_of(1, 0))));
}

static void the_plugins_devices_bound_the_copies(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_demand plugin = scene_demand(true, 1024);
    see(cluster, plugin, 1000);
    struct scene *node = make_node(cluster, 0, 16384, (uint64_t[]){10240}, 1);
    double eight = foretell(node, plugin).room;
    node->cards[0].replicas = 2;
    double two = foretell(node, plugin).room;
    assert_true(near(eight / two, 2.6390158));
    assert_true(score(node, plugin) < 0);
}

static void a_class_is_not_expected_where_it_may_not_come(void **state)
{
    struct cluster *cluster = *state;
    struct scene *one = make_node(cluster, 0, 16000, (uint64_t[]){16000}, 1);
    struct scene *other = make_node(cluster, 1, 16000, (uint64_t[]){16000}, 1);
    snprintf(other->cards[0].product, sizeof other->cards[0].product, "other");
    other->view.room.kind = plimsoll_outlook_kind(cluster->outlook, &other->node);
    assert_int_not_equal(one->view.room.kind, other->view.room.kind);
    struct plimsoll_demand choosy = demand_of(8000, 0);
    choosy.selection = 7;
    plimsoll_outlook_note(cluster->outlook, &choosy);
    plimsoll_outlook_allow(cluster->outlook, plimsoll_outlook_class(cluster->outlook, &choosy),
                           one->view.room.kind);
    see(cluster, choosy, 1000);
    assert_true(foretell(one, choosy).room > 20 * foretell(other, choosy).room);
    assert_true(score(other, demand_of(4000, 0)) > score(one, demand_of(4000, 0)));
}

static void spread_and_other_devices_are_ranked_as_before(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(10000, 0), 100);
    struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){10000, 12000}, 2);
    struct plimsoll_demand spread = demand_of(2000, 0);
    spread.policy = PLIMSOLL_POLICY_SPREAD;
    assert_true(score(node, spread) > 0);
    assert_false(foretell(node, spread).foretold);
    node->cards[0].vendor = node->cards[1].vendor = PLIMSOLL_VENDOR_AMD;
    struct plimsoll_demand amd = demand_of(2000, 0);
    amd.vendor = PLIMSOLL_VENDOR_AMD;
    assert_true(score(node, amd) > 0);
    plimsoll_outlook_note(cluster->outlook, &amd);
    assert_int_equal(plimsoll_outlook_class(cluster->outlook, &amd), PLIMSOLL_NO_CLASS);
}

static void a_floating_claim_is_ranked_by_all_cards_it_may_come_to(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(10000, 0), 50);
    see(cluster, demand_of(2000, 0), 50);
    struct plimsoll_demand plugin = scene_demand(true, 2000);
    struct scene *good = make_node(cluster, 0, 16000, (uint64_t[]){12000, 12000}, 2);
    struct scene *bad = make_node(cluster, 1, 16000, (uint64_t[]){10000, 10000}, 2);
    struct scene *half = make_node(cluster, 2, 16000, (uint64_t[]){10000, 12000}, 2);
    assert_true(score(good, plugin) > score(half, plugin));
    assert_true(score(half, plugin) > score(bad, plugin));
}

static void unknown_memory_comes_after_all_that_is_known(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(10000, 0), 100);
    struct scene *known = make_node(cluster, 0, 16000, (uint64_t[]){10000}, 1);
    struct scene *unknown = make_node(cluster, 1, 16000, (uint64_t[]){16000}, 1);
    unknown->cards[0].total = 0;
    struct plimsoll_demand any = scene_demand(true, 0);
    assert_true(score(unknown, any) <= PLIMSOLL_SCORE_UNACCOUNTED);
    assert_true(score(known, any) > score(unknown, any));
}

static void the_same_past_gives_the_same_answer(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_prospect seen[2];
    for (size_t i = 0; i < 2; i++) {
        plimsoll_outlook_free(&cluster->outlook);
        cluster->outlook = plimsoll_outlook_new();
        for (size_t j = 0; j < 500; j++) {
            see(cluster, demand_of(1000 + j * 7 % 13 * 500, j % 5 * 1000), 1);
        }
        struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){9000, 12000, 3000}, 3);
        seen[i] = foretell(node, demand_of(2000, 1000));
    }
    assert_memory_equal(&seen[0], &seen[1], sizeof seen[0]);
}

/* -- what is remembered --------------------------------------------------------------------------
 */

static void a_million_sizes_leave_memory_and_what_is_frequent(void **state)
{
    struct cluster *cluster = *state;
    see(cluster, demand_of(8000, 0), 1000);
    size_t before = plimsoll_outlook_bytes(cluster->outlook);
    for (uint64_t i = 0; i < 1000000; i++) {
        struct plimsoll_demand odd = demand_of(0, 0);
        odd.request = PLIMSOLL_REQUEST_BYTES;
        odd.vram = 100 * MIB + i;
        plimsoll_outlook_note(cluster->outlook, &odd);
        if (i % 100 == 0) {
            see(cluster, demand_of(8000, 0), 1);
        }
    }
    assert_int_equal(plimsoll_outlook_bytes(cluster->outlook), before);
    assert_int_equal(plimsoll_outlook_classes(cluster->outlook), PLIMSOLL_CLASSES_MAX);
    assert_int_not_equal(plimsoll_outlook_class(cluster->outlook, &(struct plimsoll_demand){0}), 0);
    struct plimsoll_demand frequent = demand_of(8000, 0);
    assert_int_not_equal(plimsoll_outlook_class(cluster->outlook, &frequent), PLIMSOLL_NO_CLASS);
    struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){8000, 9000}, 2);
    assert_true(foretell(node, frequent).foretold);
}

static void more_classes_than_are_valued_leave_the_most_frequent(void **state)
{
    struct cluster *cluster = *state;
    for (uint64_t i = 0; i < PLIMSOLL_CLASSES_VALUED_MAX + 50; i++) {
        see(cluster, demand_of(20000 + i, 0), 1);
    }
    see(cluster, demand_of(8000, 0), 1000);
    struct scene *fits = make_node(cluster, 0, 16000, (uint64_t[]){8000}, 1);
    struct scene *fits_not = make_node(cluster, 1, 16000, (uint64_t[]){7000}, 1);
    assert_true(foretell(fits, demand_of(100, 0)).room >
                100 * foretell(fits_not, demand_of(100, 0)).room);
}

static void a_burst_fades_from_memory(void **state)
{
    struct cluster *cluster = *state;
    struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){16000}, 1);
    see(cluster, demand_of(16000, 0), 1000);
    double before = foretell(node, demand_of(1000, 0)).room;
    see(cluster, demand_of(90000, 0), 10000); /* fits nowhere here */
    assert_true(foretell(node, demand_of(1000, 0)).room < before / 5);
    see(cluster, demand_of(16000, 0), 4 * PLIMSOLL_HISTORY_PODS);
    assert_true(foretell(node, demand_of(1000, 0)).room > before * 0.9);
}

static void a_score_is_remembered_until_its_node_changes(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_outlook *outlook = cluster->outlook;
    struct plimsoll_demand demand = demand_of(8000, 0);
    double found = 0;
    plimsoll_outlook_touch(outlook, 1);
    see(cluster, demand, 100);
    uint32_t class_index = plimsoll_outlook_class(outlook, &demand);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 0, &found),
                     PLIMSOLL_RECALLED_NOTHING);
    plimsoll_outlook_remember(outlook, class_index, 0, -1.5);
    plimsoll_outlook_remember(outlook, class_index, 1, -2.5);
    plimsoll_outlook_touch(outlook, 0);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 0, &found),
                     PLIMSOLL_RECALLED_NOTHING);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 1, &found), PLIMSOLL_RECALLED);
    assert_true(found >= -2.5 && found <= -2.5);
    see(cluster, demand_of(4000, 0), 1000); /* others are expected now */
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 1, &found),
                     PLIMSOLL_RECALLED_OLD);
    see(cluster, demand_of(4000, 0), 4 * PLIMSOLL_HISTORY_PODS);
    plimsoll_outlook_remember(outlook, class_index, 1, -3.5);
    see(cluster, demand_of(4000, 0), PLIMSOLL_HISTORY_PODS); /* the same as before */
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 1, &found), PLIMSOLL_RECALLED);
}

static void no_more_scores_are_remembered_than_may_be(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_outlook *outlook = cluster->outlook;
    struct plimsoll_demand first = demand_of(8000, 0);
    double found;
    see(cluster, first, 1);
    for (uint32_t i = 0; i < 300; i++) {
        see(cluster, demand_of(1000 + i, 0), 1);
    }
    plimsoll_outlook_touch(outlook, 10000);
    assert_in_range(plimsoll_outlook_bytes(outlook), 1, PLIMSOLL_SCORES_MAX * 8 + (2u << 20));
    plimsoll_outlook_remember(outlook, plimsoll_outlook_class(outlook, &first), 9999, 1);
    assert_int_equal(
        plimsoll_outlook_recall(outlook, plimsoll_outlook_class(outlook, &first), 9999, &found),
        PLIMSOLL_RECALLED);
    struct plimsoll_demand last = demand_of(1299, 0);
    plimsoll_outlook_remember(outlook, plimsoll_outlook_class(outlook, &last), 9999, 1);
    assert_int_equal(
        plimsoll_outlook_recall(outlook, plimsoll_outlook_class(outlook, &last), 9999, &found),
        PLIMSOLL_RECALLED_NOTHING);
    /* A number that no call can name is no reason to grow. */
    size_t before = plimsoll_outlook_bytes(outlook);
    plimsoll_outlook_touch(outlook, PLIMSOLL_OUTLOOK_NODES_MAX);
    assert_int_equal(plimsoll_outlook_bytes(outlook), before);
    plimsoll_outlook_remember(outlook, PLIMSOLL_NO_CLASS, 0, 1);
    plimsoll_outlook_allow(outlook, PLIMSOLL_NO_CLASS, 1);
    assert_int_equal(plimsoll_outlook_recall(outlook, PLIMSOLL_NO_CLASS, 0, &found),
                     PLIMSOLL_RECALLED_NOTHING);
}

/* Also a node that has changed as often as can be told apart. */
static void what_was_never_computed_is_never_remembered(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_outlook *outlook = cluster->outlook;
    struct plimsoll_demand demand = demand_of(8000, 0);
    double found;
    see(cluster, demand, 1);
    for (uint32_t i = 0; i < (1u << 24) + 2; i++) {
        plimsoll_outlook_touch(outlook, 0);
        if (plimsoll_outlook_recall(outlook, 0, 0, &found) != PLIMSOLL_RECALLED_NOTHING) {
            fail_msg("after %u changes", i + 1);
        }
    }
}

static void the_frequent_get_the_scores_that_the_rare_had(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_outlook *outlook = cluster->outlook;
    double found;
    plimsoll_outlook_touch(outlook, 10000);
    for (uint32_t i = 0; i < 300; i++) {
        see(cluster, demand_of(1000 + i, 0), 1);
    }
    struct plimsoll_demand late = demand_of(9000, 0);
    see(cluster, late, 1);
    uint32_t class_index = plimsoll_outlook_class(outlook, &late);
    plimsoll_outlook_remember(outlook, class_index, 5, -1);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 5, &found),
                     PLIMSOLL_RECALLED_NOTHING);
    for (uint32_t i = 0; i < 300; i++) { /* what a row has of another class says nothing of this */
        struct plimsoll_demand early = demand_of(1000 + i, 0);
        plimsoll_outlook_remember(outlook, plimsoll_outlook_class(outlook, &early), 5, -2);
    }
    size_t before = plimsoll_outlook_bytes(outlook);
    see(cluster, late, 100);
    assert_int_equal(plimsoll_outlook_class(outlook, &late), class_index);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 5, &found),
                     PLIMSOLL_RECALLED_NOTHING);
    plimsoll_outlook_remember(outlook, class_index, 5, -1);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 5, &found), PLIMSOLL_RECALLED);
    assert_int_equal(plimsoll_outlook_bytes(outlook), before);
}

static void a_class_that_takes_the_place_of_another_has_none_of_its_scores(void **state)
{
    struct cluster *cluster = *state;
    struct plimsoll_outlook *outlook = cluster->outlook;
    double found;
    plimsoll_outlook_touch(outlook, 0);
    for (uint32_t i = 0; i < PLIMSOLL_CLASSES_MAX; i++) {
        struct plimsoll_demand demand = demand_of(1000 + i, 0);
        see(cluster, demand, 1);
        plimsoll_outlook_remember(outlook, plimsoll_outlook_class(outlook, &demand), 0, 1);
    }
    struct plimsoll_demand fresh = demand_of(9000, 0);
    see(cluster, fresh, 1);
    uint32_t class_index = plimsoll_outlook_class(outlook, &fresh);
    assert_true(class_index < PLIMSOLL_CLASSES_MAX);
    assert_int_equal(plimsoll_outlook_recall(outlook, class_index, 0, &found),
                     PLIMSOLL_RECALLED_NOTHING);
}

static void pods_without_a_gpu_have_a_place_of_their_own(void **state)
{
    struct cluster *cluster = *state;
    for (uint64_t i = 0; i < 3 * PLIMSOLL_PLAIN_CLASSES_MAX; i++) {
        struct plimsoll_demand plain = {.requests = {.cpu_milli = 1 + i}};
        plimsoll_outlook_note(cluster->outlook, &plain);
        assert_int_not_equal(plimsoll_outlook_class(cluster->outlook, &plain), PLIMSOLL_NO_CLASS);
    }
    assert_int_equal(plimsoll_outlook_pods(cluster->outlook), 0);
    assert_int_equal(plimsoll_outlook_classes(cluster->outlook), 0);
    assert_false(plimsoll_outlook_ready(cluster->outlook));
}

static void more_kinds_of_nodes_than_are_told_apart_share_the_last(void **state)
{
    struct cluster *cluster = *state;
    struct scene *node = make_node(cluster, 0, 16000, (uint64_t[]){16000}, 1);
    uint64_t all = node->view.room.kind, last = 0;
    for (unsigned i = 0; i < PLIMSOLL_NODE_KINDS_MAX + 8; i++) {
        snprintf(node->cards[0].product, sizeof node->cards[0].product, "model %u", i);
        last = plimsoll_outlook_kind(cluster->outlook, &node->node);
        assert_int_equal(last, plimsoll_outlook_kind(cluster->outlook, &node->node));
        all |= last;
    }
    assert_int_equal(all, UINT64_MAX);
    assert_int_equal(last, UINT64_C(1) << (PLIMSOLL_NODE_KINDS_MAX - 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_foretold_before_enough_pods_have_arrived),
        TEST(a_pod_goes_where_the_least_of_what_is_likely_is_lost),
        TEST(cards_that_nothing_likely_fits_on_are_used_first),
        TEST(a_pod_that_takes_the_processors_strands_cards),
        TEST(a_set_of_cards_stays_whole_for_pods_of_several),
        TEST(large_cards_stay_whole_for_large_models_of_the_past),
        TEST(a_share_and_the_default_are_of_the_card_at_hand),
        TEST(the_value_is_that_of_its_formula),
        TEST(random_pods_fill_what_is_left),
        TEST(random_pods_take_the_last_memory),
        TEST(random_pods_take_the_last_processor),
        TEST(who_asks_for_no_processors_fits_where_none_is_left),
        TEST(numbers_stay_numbers_whatever_nodes_and_pods_say),
        TEST(copies_on_absurd_cards_are_still_numbers),
        TEST(the_plugins_devices_bound_the_copies),
        TEST(a_class_is_not_expected_where_it_may_not_come),
        TEST(spread_and_other_devices_are_ranked_as_before),
        TEST(a_floating_claim_is_ranked_by_all_cards_it_may_come_to),
        TEST(unknown_memory_comes_after_all_that_is_known),
        TEST(the_same_past_gives_the_same_answer),
        TEST(a_million_sizes_leave_memory_and_what_is_frequent),
        TEST(more_classes_than_are_valued_leave_the_most_frequent),
        TEST(a_burst_fades_from_memory),
        TEST(a_score_is_remembered_until_its_node_changes),
        TEST(no_more_scores_are_remembered_than_may_be),
        TEST(what_was_never_computed_is_never_remembered),
        TEST(the_frequent_get_the_scores_that_the_rare_had),
        TEST(a_class_that_takes_the_place_of_another_has_none_of_its_scores),
        TEST(pods_without_a_gpu_have_a_place_of_their_own),
        TEST(more_kinds_of_nodes_than_are_told_apart_share_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
