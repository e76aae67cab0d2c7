/* SPDX-License-Identifier: Apache-2.0 */
/* Never over the line (design P1), on random nodes: pods arrive, the plugin picks cards as it
 * likes, the agent tells late or not at all. Seeded, so that a failure can be repeated. */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

#define NODES    6000
#define ARRIVALS 12

static uint64_t random_state;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static uint64_t below(uint64_t bound)
{
    return random_bits() % bound;
}

static bool chance(uint64_t percent)
{
    return below(100) < percent;
}

/* What is true on the node, whatever the report says of it. */
struct truth {
    struct scene scene;
    uint64_t host[SCENE_CARDS_MAX];    /* bytes of programs outside pods */
    uint32_t devices[SCENE_CARDS_MAX]; /* handed out by the plugin */
    uint64_t on[SCENE_PODS_MAX];       /* cards a pod uses */
    uint64_t given[SCENE_PODS_MAX];    /* cards the plugin gave it */
    bool reported, attributed;
};

static bool is_on(uint64_t cards, uint32_t card)
{
    return cards >> card & 1;
}

/* A default is what the claim says, where the host left less than that. */
static uint64_t claimed_on(const struct scene *scene, const struct plimsoll_claim *claim,
                           uint32_t card)
{
    for (uint32_t i = 0; i < claim->card_count; i++) {
        if (strcmp(claim->cards[i].id, scene->cards[card].id) == 0) {
            return claim->cards[i].vram;
        }
    }
    return claim->floating_vram;
}

/* The bytes that the pod asked for on that card, worked out anew. */
static uint64_t size_of(const struct truth *truth, uint32_t pod, uint32_t card)
{
    const struct scene *scene = &truth->scene;
    const struct plimsoll_demand *demand = &scene->pods[pod].demand;
    uint64_t total = scene->cards[card].total;
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        return demand->vram;
    }
    if (demand->request == PLIMSOLL_REQUEST_PERCENT) {
        return (total * demand->percent_milli + 99999) / 100000;
    }
    uint64_t percent = (total * scene->settings.reserve_percent_milli + 99999) / 100000;
    uint64_t line = total - (percent > 0 ? percent : scene->settings.reserve_bytes);
    uint64_t size = line;
    if (scene->settings.default_request == PLIMSOLL_DEFAULT_BYTES) {
        size = scene->settings.default_bytes;
    } else if (scene->settings.default_request == PLIMSOLL_DEFAULT_SHARE) {
        size = line / scene->cards[card].replicas;
    }
    uint64_t client = total / scene->cards[card].replicas;
    size = scene->node.mps && size > client ? client : size;
    uint64_t claimed = claimed_on(scene, &scene->pods[pod].claim, card);
    return size > claimed ? claimed : size;
}

/* What pods and host may come to on a card. */
static uint64_t weight(const struct truth *truth, uint32_t card)
{
    uint64_t sum = 0;
    for (uint32_t pod = 0; pod < truth->scene.view.pod_count; pod++) {
        sum += is_on(truth->on[pod], card) ? size_of(truth, pod, card) : 0;
    }
    return sum;
}

static void make_node(struct truth *truth)
{
    *truth = (struct truth){0};
    struct scene *scene = &truth->scene;
    uint32_t count = 1 + (uint32_t)below(4);
    scene_make(scene, count, 16384, 1 + (uint32_t)below(4));
    scene->node.pinned = chance(30);
    scene->node.device_list = (enum plimsoll_device_list)below(5);
    scene->node.mps = chance(10);
    scene->settings.default_request = (enum plimsoll_default)below(3);
    scene->settings.policy = chance(50) ? PLIMSOLL_POLICY_PACK : PLIMSOLL_POLICY_SPREAD;
    scene->settings.reserve_percent_milli = chance(30) ? (uint32_t)below(20000) : 0;
    truth->reported = chance(80);
    truth->attributed = chance(50);
    for (uint32_t i = 0; i < count; i++) {
        scene->cards[i].total = (4096 + below(20000)) * MIB;
        scene->cards[i].total += below(1000);
        scene->cards[i].numa = (int16_t)below(2);
        scene->cards[i].nvlink = below(UINT64_C(1) << count);
        scene->cards[i].cordoned = chance(10);
        truth->host[i] = truth->reported && chance(60) ? below(3000) * MIB : 0;
    }
}

/* The agent measures: pods use any part of what they may, and are found by the kubelet's word or
 * not yet. */
static void measure(struct truth *truth)
{
    struct scene *scene = &truth->scene;
    for (uint32_t i = 0; i < scene->node.card_count; i++) {
        struct plimsoll_card *card = &scene->cards[i];
        card->pod_count = 0;
        uint64_t used = truth->host[i];
        for (uint32_t pod = 0; pod < scene->view.pod_count; pod++) {
            uint64_t bytes = is_on(truth->on[pod], i) ? below(size_of(truth, pod, i) + 1) : 0;
            used += bytes;
            if (truth->attributed && bytes > 0) {
                card->pods[card->pod_count++] =
                    (struct plimsoll_pod_bytes){.pod = scene->pods[pod].uid, .bytes = bytes};
            }
        }
        if (truth->reported) {
            card->reported = true;
            card->attributed = truth->attributed;
            card->used = used;
        }
    }
}

/* The kubelet names all cards of a pod at once. */
static void name_holders(struct truth *truth, uint64_t percent)
{
    struct scene *scene = &truth->scene;
    for (uint32_t pod = 0; pod < scene->view.pod_count; pod++) {
        bool named = chance(percent);
        for (uint32_t i = 0; i < scene->node.card_count && named; i++) {
            if (is_on(truth->given[pod], i)) {
                scene_hold(scene, i, scene->pods[pod].uid.text);
                truth->given[pod] &= ~(UINT64_C(1) << i);
            }
        }
    }
}

static struct plimsoll_demand random_demand(void)
{
    bool plugin = chance(70);
    struct plimsoll_demand demand = scene_demand(plugin, 1 + below(9000));
    demand.cards = chance(70) ? 1 : 1 + (uint32_t)below(3);
    demand.env_ours = demand.plugin ? chance(40) : true;
    demand.every_card = chance(5);
    demand.topology = chance(80) ? PLIMSOLL_TOPOLOGY_ANY : (enum plimsoll_topology)below(3);
    demand.vram += below(3);
    if (chance(20)) {
        demand.request = PLIMSOLL_REQUEST_PERCENT;
        demand.percent_milli = 1 + (uint32_t)below(60000);
    } else if (demand.plugin && chance(20)) {
        demand.request = PLIMSOLL_REQUEST_DEFAULT;
    }
    return demand;
}

/* The plugin hands out `count` devices as it likes: often where most is already. @return cards */
static uint64_t hand_out(struct truth *truth, uint32_t count)
{
    uint64_t given = 0;
    bool unkind = chance(60);
    for (; count > 0; count--) {
        int pick = -1;
        uint32_t offset = (uint32_t)below(truth->scene.node.card_count);
        for (uint32_t j = 0; j < truth->scene.node.card_count; j++) {
            uint32_t i = (j + offset) % truth->scene.node.card_count;
            if (truth->devices[i] < truth->scene.cards[i].replicas &&
                (pick < 0 || (unkind && weight(truth, i) > weight(truth, (uint32_t)pick)))) {
                pick = (int)i;
            }
        }
        if (pick < 0) {
            return 0;
        }
        truth->devices[pick]++;
        given |= UINT64_C(1) << pick;
    }
    return given;
}

static uint64_t cards_of(const struct truth *truth, const struct plimsoll_claim *claim)
{
    uint64_t cards = 0;
    for (uint32_t i = 0; i < claim->card_count; i++) {
        for (uint32_t j = 0; j < truth->scene.node.card_count; j++) {
            bool same = strcmp(truth->scene.cards[j].id, claim->cards[i].id) == 0;
            cards |= same ? UINT64_C(1) << j : 0;
        }
    }
    assert_int_equal(__builtin_popcountll(cards), claim->card_count); /* distinct, and there */
    return cards;
}

/* Puts the pod where it was bound. @return false when the kubelet has no devices for it */
static bool start_pod(struct truth *truth, struct plimsoll_demand demand,
                      struct plimsoll_claim *claim)
{
    uint64_t given = demand.plugin ? hand_out(truth, demand.cards) : 0;
    if (demand.plugin && given == 0) {
        plimsoll_claim_clear(claim);
        return false;
    }
    size_t at = truth->scene.view.pod_count;
    char uid[16];
    snprintf(uid, sizeof uid, "pod-%zu", at);
    struct plimsoll_pod *pod = scene_pod(&truth->scene, uid, demand);
    assert_true(claim->card_count <= SCENE_CLAIM_MAX);
    for (uint32_t i = 0; i < claim->card_count; i++) {
        pod->claim.cards[i] = claim->cards[i];
    }
    scene_float(pod, claim->floating_cards, 0);
    pod->claim.card_count = claim->card_count;
    pod->claim.floating_vram = claim->floating_vram;
    truth->given[at] = given;
    truth->on[at] = claim->card_count > 0 ? cards_of(truth, claim) : given;
    plimsoll_claim_clear(claim);
    return true;
}

static void check_line(const struct truth *truth, uint64_t node, const char *when)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&truth->scene);
    for (uint32_t i = 0; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        uint64_t foreign = card->foreign > card->reserve ? card->foreign : card->reserve;
        /* Without attribution, the use of host and floating pods is one number: only the books and
         * the pods themselves can be held to the line. */
        uint64_t known = truth->attributed ? truth->host[i] : 0;
        uint64_t host = known > card->reserve ? known : card->reserve;
        if (card->booked == 0 && weight(truth, i) == 0) {
            continue; /* the host alone may be over */
        }
        bool measured_over = !truth->attributed && card->used + card->reserve > card->total;
        bool books_over = !measured_over && card->booked + foreign > card->total;
        if (books_over || weight(truth, i) + host > card->total) {
            print_error("node %llu, card %u, %s: booked %llu, foreign %llu, true %llu + %llu, "
                        "total %llu\n",
                        (unsigned long long)node, i, when, (unsigned long long)card->booked,
                        (unsigned long long)foreign, (unsigned long long)weight(truth, i),
                        (unsigned long long)host, (unsigned long long)card->total);
            fail();
        }
    }
}

static uint32_t arrive(struct truth *truth, struct plimsoll_demand demand, uint32_t *kinds)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&truth->scene);
    struct plimsoll_verdict verdict =
        plimsoll_placement_judge(&truth->scene.node, load, &demand, &truth->scene.settings);
    struct plimsoll_pod pod = {.uid = scene_uid("new"), .demand = demand};
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err = {0};
    bool chosen = plimsoll_placement_choose(&truth->scene.node, load, &pod, &truth->scene.settings,
                                            &claim, &err) == 0;
    assert_int_equal(chosen, verdict.reason == PLIMSOLL_FITS);
    if (!chosen || !start_pod(truth, demand, &claim)) {
        return 0;
    }
    kinds[verdict.guarantee]++;
    return 1;
}

static void no_card_is_ever_over_its_line(void **state)
{
    (void)state;
    uint32_t kinds[PLIMSOLL_GUARANTEE_COUNTED + 1] = {0}, bound = 0;
    random_state = UINT64_C(0x9e3779b97f4a7c15);
    struct truth *truth = plimsoll_alloc(1, sizeof *truth);
    for (uint64_t node = 0; node < NODES; node++) {
        make_node(truth);
        for (int i = 0; i < ARRIVALS; i++) {
            measure(truth);
            bound += arrive(truth, random_demand(), kinds);
            check_line(truth, node, "after a bind");
            name_holders(truth, 20);
            check_line(truth, node, "after the kubelet's word");
        }
        name_holders(truth, 100);
        measure(truth);
        check_line(truth, node, "when all is known");
    }
    free(truth);
    /* The test means something only while pods of every guarantee were bound. */
    assert_true(bound > 10000);
    assert_true(kinds[PLIMSOLL_GUARANTEE_EXACT] > 1000);
    assert_true(kinds[PLIMSOLL_GUARANTEE_PINNED] > 500);
    assert_true(kinds[PLIMSOLL_GUARANTEE_CONSERVATIVE] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_card_is_ever_over_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
