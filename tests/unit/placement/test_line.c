/* SPDX-License-Identifier: Apache-2.0 */
/* Never over the line (design P1), on random nodes: pods arrive, start later than they are bound
 * and end before that is known; the plugin picks cards as it likes, the agent tells late or not at
 * all. Seeded, so that a failure can be repeated. */
#include "unit.h"

#include <plimsoll/placement.h>

#include "cards.h"

#define NODES    6000
#define ARRIVALS 16

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

/* Of a pod on the node. What happens there is known later, or in another order. */
enum stage { BOUND, STARTED, OVER, FORGOTTEN };

/* What is true on the node, whatever the report says of it. */
struct truth {
    struct scene scene;
    uint64_t host[SCENE_CARDS_MAX];                  /* bytes of programs outside pods */
    uint32_t devices[SCENE_CARDS_MAX];               /* handed out by the plugin */
    uint64_t on[SCENE_PODS_MAX];                     /* cards a pod uses */
    uint64_t given[SCENE_PODS_MAX];                  /* cards the plugin gave it, a bit for each */
    uint32_t holds[SCENE_PODS_MAX][SCENE_CARDS_MAX]; /* devices of them */
    enum stage stage[SCENE_PODS_MAX];
    uint32_t count; /* pods that ever came */
    bool reported, attributed;
    bool withholds; /* the plugin offers no devices of cards that are not healthy */
};

static bool is_on(uint64_t cards, uint32_t card)
{
    return cards >> card & 1;
}

static uint32_t offered(const struct truth *truth, uint32_t card)
{
    const struct plimsoll_card *it = &truth->scene.cards[card];
    return truth->withholds && strcmp(it->health, "ok") != 0 ? 0 : it->replicas;
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
    for (uint32_t pod = 0; pod < truth->count; pod++) {
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
    truth->withholds = chance(50);
    scene->resource.allocatable = 0;
    bool alike = chance(60);
    for (uint32_t i = 0; i < count; i++) {
        scene->cards[i].total = (4096 + below(20000)) * MIB;
        scene->cards[i].total += below(1000);
        scene->cards[i].numa = (int16_t)below(2);
        scene->cards[i].nvlink = below(UINT64_C(1) << count);
        scene->cards[i].cordoned = chance(10);
        scene->cards[i].replicas = alike ? scene->cards[i].replicas : 1 + (uint32_t)below(5);
        if (chance(5)) {
            snprintf(scene->cards[i].health, sizeof scene->cards[i].health, "xid-79");
        }
        scene->resource.allocatable += offered(truth, i);
        truth->host[i] = truth->reported && chance(60) ? below(3000) * MIB : 0;
    }
}

/* The agent measures: pods use any part of what they may, and are found by the kubelet's word or
 * not yet. */
static void measure(struct truth *truth)
{
    struct scene *scene = &truth->scene;
    scene->view.ended_count = 0;
    for (uint32_t i = 0; i < scene->node.card_count; i++) {
        struct plimsoll_card *card = &scene->cards[i];
        card->pod_count = 0;
        uint64_t used = truth->host[i];
        for (uint32_t pod = 0; pod < truth->count; pod++) {
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

/* The kubelet names all cards of a pod at once, and forgets those that are over. */
static void name_holders(struct truth *truth, uint64_t percent)
{
    struct scene *scene = &truth->scene;
    for (uint32_t pod = 0; pod < truth->count; pod++) {
        bool told = chance(percent);
        for (uint32_t i = 0; i < scene->node.card_count && told; i++) {
            struct plimsoll_card *card = &scene->cards[i];
            uint32_t at = 0;
            while (at < card->holder_count &&
                   strcmp(card->holders[at].text, scene->pods[pod].uid.text) != 0) {
                at++;
            }
            bool named = at < card->holder_count;
            if (!named && truth->stage[pod] == STARTED && is_on(truth->given[pod], i)) {
                scene_hold(scene, i, scene->pods[pod].uid.text);
            } else if (named && truth->stage[pod] > STARTED) {
                card->holders[at] = card->holders[--card->holder_count];
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

/* The plugin hands out devices as it likes: often where most is already. @return false when it has
 * too few */
static bool hand_out(struct truth *truth, uint32_t pod)
{
    bool unkind = chance(60);
    for (uint32_t count = truth->scene.pods[pod].demand.cards; count > 0; count--) {
        int pick = -1;
        uint32_t offset = (uint32_t)below(truth->scene.node.card_count);
        for (uint32_t j = 0; j < truth->scene.node.card_count; j++) {
            uint32_t i = (j + offset) % truth->scene.node.card_count;
            if (truth->devices[i] < offered(truth, i) &&
                (pick < 0 || (unkind && weight(truth, i) > weight(truth, (uint32_t)pick)))) {
                pick = (int)i;
            }
        }
        if (pick < 0) {
            return false;
        }
        truth->devices[pick]++;
        truth->holds[pod][pick]++;
        truth->given[pod] |= UINT64_C(1) << pick;
    }
    return true;
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

/* The pod is on its way to the node. */
static void bind_pod(struct truth *truth, struct plimsoll_demand demand,
                     struct plimsoll_claim *claim)
{
    struct scene *scene = &truth->scene;
    uint32_t at = truth->count++;
    char uid[16];
    snprintf(uid, sizeof uid, "pod-%u", at);
    struct plimsoll_pod *pod = &scene->pods[at];
    *pod = (struct plimsoll_pod){.uid = scene_uid(uid),
                                 .name = scene_nothing,
                                 .node = scene_name,
                                 .demand = demand,
                                 .claim = *claim};
    assert_true(claim->card_count <= SCENE_CLAIM_MAX);
    pod->claim.cards = scene->claims[at];
    for (uint32_t i = 0; i < claim->card_count; i++) {
        scene->claims[at][i] = claim->cards[i];
    }
    /* Either is there. */
    assert_true(claim->less_count <= SCENE_CLAIM_MAX);
    pod->claim.less = scene->claims[at];
    for (uint32_t i = 0; i < claim->less_count; i++) {
        scene->claims[at][i] = claim->less[i];
    }
    pod->claim.pod = pod->uid;
    truth->on[at] = claim->card_count > 0 ? cards_of(truth, claim) : 0;
    truth->stage[at] = demand.plugin ? BOUND : STARTED;
    scene->list[scene->view.pod_count++] = pod;
    plimsoll_claim_clear(claim);
}

/* The kubelet has seen that it is over: its devices go to whoever comes next. */
static void end_pod(struct truth *truth, uint32_t pod)
{
    for (uint32_t i = 0; i < truth->scene.node.card_count; i++) {
        truth->devices[i] -= truth->holds[pod][i];
        truth->holds[pod][i] = 0;
    }
    truth->on[pod] = 0;
    truth->stage[pod] = OVER;
}

static void start_pod(struct truth *truth, uint32_t pod)
{
    if (!hand_out(truth, pod)) {
        end_pod(truth, pod);
        return;
    }
    truth->stage[pod] = STARTED;
    if (truth->scene.pods[pod].claim.card_count == 0) {
        truth->on[pod] = truth->given[pod];
    }
}

/* The API knows too. */
static void forget_pod(struct truth *truth, uint32_t pod)
{
    struct scene *scene = &truth->scene;
    size_t at = 0;
    while (scene->list[at] != &scene->pods[pod]) {
        at++;
    }
    scene->list[at] = scene->list[--scene->view.pod_count];
    scene_end(scene, scene->pods[pod].uid.text);
    truth->stage[pod] = FORGOTTEN;
}

static void go_on(struct truth *truth, uint64_t start, uint64_t end, uint64_t forget)
{
    for (uint32_t pod = 0; pod < truth->count; pod++) {
        if (truth->stage[pod] < OVER && chance(end)) {
            end_pod(truth, pod);
        } else if (truth->stage[pod] == BOUND && chance(start)) {
            start_pod(truth, pod);
        } else if (truth->stage[pod] == OVER && chance(forget)) {
            forget_pod(truth, pod);
        }
    }
}

/* Is a pod over that the API still has? The books count it beside the one that has its device. */
static bool lags(const struct truth *truth)
{
    bool over = false;
    for (uint32_t pod = 0; pod < truth->count; pod++) {
        over = over || truth->stage[pod] == OVER;
    }
    return over;
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
        bool books_over = !measured_over && !lags(truth) && card->booked + foreign > card->total;
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

/* The scheduler sees to it that there are as many devices as pods ask for. */
static bool has_devices(const struct truth *truth, const struct plimsoll_demand *demand)
{
    uint64_t devices = 0, asked = demand->plugin ? demand->cards : 0;
    for (uint32_t i = 0; i < truth->scene.node.card_count; i++) {
        devices += offered(truth, i);
    }
    for (size_t i = 0; i < truth->scene.view.pod_count; i++) {
        const struct plimsoll_demand *other = &truth->scene.list[i]->demand;
        asked += other->plugin ? other->cards : 0;
    }
    return asked <= devices;
}

static uint32_t arrive(struct truth *truth, struct plimsoll_demand demand, uint32_t *kinds)
{
    if (!has_devices(truth, &demand)) {
        return 0;
    }
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(&truth->scene);
    struct plimsoll_verdict verdict =
        plimsoll_placement_judge(&truth->scene.node, load, &demand, &truth->scene.settings);
    struct plimsoll_pod pod = {.uid = scene_uid("new"), .demand = demand};
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err = {0};
    bool chosen = plimsoll_placement_choose(&truth->scene.node, load, &pod, &truth->scene.settings,
                                            &claim, &err) == 0;
    assert_int_equal(chosen, verdict.reason == PLIMSOLL_FITS);
    if (!chosen) {
        return 0;
    }
    bind_pod(truth, demand, &claim);
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
            go_on(truth, 40, 8, 30);
            check_line(truth, node, "after pods have started and ended");
            name_holders(truth, 20);
            check_line(truth, node, "after the kubelet's word");
        }
        go_on(truth, 100, 0, 100);
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
