/* SPDX-License-Identifier: Apache-2.0 */
/* Which pods have arrived, as classes with weights, and what that lets expect. */
#include "outlook.h"

#include <stdlib.h>
#include <string.h>

/* What an expected pod that nobody has seen weighs, in pods: a whole card, so that large cards stay
 * whole for large models while little is known. */
#define PRIOR_PODS 4.0
/* The next refresh comes after so many more pods as were seen, divided by this … */
#define REFRESH_PART 8u
/* … and at least after these. */
#define REFRESH_PODS_MAX (PLIMSOLL_HISTORY_PODS / REFRESH_PART)
/* Scores are of use as long as no more than this part of the pods is expected to be other ones. */
#define DIFFERENCE_MIN 0.05
/* Scores of a class that is so many times as frequent are worth losing those of another. */
#define AHEAD 2.0
/* Weights are scaled down before they get out of hand. */
#define INCREMENT_MAX 1e100
#define SEED          UINT64_C(0x9E3779B97F4A7C15)
/* Copies on a card, and devices: more than any has, and on all cards of a node still a number that
 * lanes_floor takes. */
#define MANY 10000000
_Static_assert((int64_t)MANY *PLIMSOLL_CARDS_MAX < INT32_MAX,
               "copies on all cards are counted in 31 bits");

struct plimsoll_outlook *plimsoll_outlook_new(void)
{
    struct plimsoll_outlook *outlook = aligned_alloc(64, (sizeof *outlook + 63) / 64 * 64);
    if (outlook == NULL) {
        abort();
    }
    memset(outlook, 0, sizeof *outlook);
    outlook->increment = 1;
    outlook->refresh_at = PLIMSOLL_HISTORY_PODS_MIN;
    return outlook;
}

void plimsoll_outlook_free(struct plimsoll_outlook **handle)
{
    struct plimsoll_outlook *outlook = PLIMSOLL_TAKE(*handle);
    if (outlook == NULL) {
        return;
    }
    for (uint32_t i = 0; i < PLIMSOLL_SLOTS; i++) {
        free(outlook->rows[i]);
    }
    free(outlook->stamps);
    free(outlook);
}

/* Only who takes a share of NVIDIA cards competes for them; who takes none stands in the way. */
static bool has_class(const struct plimsoll_demand *demand)
{
    return !demand->gpu ||
           (demand->vendor == PLIMSOLL_VENDOR_NVIDIA && !demand->mig && !demand->every_card);
}

static struct plimsoll_class_key key_of(const struct plimsoll_demand *demand)
{
    struct plimsoll_class_key key;
    memset(&key, 0, sizeof key);
    key.cpu_milli = demand->requests.cpu_milli;
    key.memory = demand->requests.memory;
    key.selection = demand->selection;
    if (!demand->gpu) {
        return key;
    }
    key.request = (uint8_t)demand->request;
    key.vram = demand->request == PLIMSOLL_REQUEST_BYTES ? demand->vram : 0;
    key.percent_milli = demand->request == PLIMSOLL_REQUEST_PERCENT ? demand->percent_milli : 0;
    key.cards = demand->cards > 0 ? demand->cards : 1;
    key.plugin = demand->plugin;
    return key;
}

static uint64_t hash_of(const struct plimsoll_class_key *key)
{
    return plimsoll_span_hash(
        (struct plimsoll_span){.data = (const char *)key, .size = sizeof *key});
}

static uint32_t find(const struct plimsoll_outlook *outlook, bool gpu,
                     const struct plimsoll_class_key *key, uint64_t hash)
{
    uint32_t first = gpu ? 0 : PLIMSOLL_CLASSES_MAX;
    uint32_t count = gpu ? outlook->class_count : outlook->plain_count;
    for (uint32_t i = first; i < first + count; i++) {
        if (outlook->hashes[i] == hash && memcmp(&outlook->classes[i].key, key, sizeof *key) == 0) {
            return i;
        }
    }
    return PLIMSOLL_NO_CLASS;
}

uint32_t plimsoll_history_find(const struct plimsoll_outlook *outlook,
                               const struct plimsoll_demand *demand)
{
    struct plimsoll_class_key key = key_of(demand);
    return has_class(demand) ? find(outlook, demand->gpu, &key, hash_of(&key)) : PLIMSOLL_NO_CLASS;
}

/* -- what is expected ----------------------------------------------------------------------------
 */

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct ranked {
    double weight;
    uint32_t class_index;
};

/* Heaviest first, then in the order in which they came. */
static int compare(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->weight > b->weight || a->weight < b->weight) {
        return a->weight > b->weight ? -1 : 1;
    }
    return a->class_index < b->class_index ? -1 : a->class_index > b->class_index;
}

static void expect(struct plimsoll_expected *expected, const struct plimsoll_class_key *key,
                   uint64_t kinds, double part)
{
    uint32_t vector = expected->count / PLIMSOLL_LANES, lane = expected->count % PLIMSOLL_LANES;
    struct plimsoll_wants *wants = &expected->wants[vector];
    bool several = key->cards > 1;
    wants->bytes[lane] = (float)key->vram;
    wants->of_total[lane] = (float)key->percent_milli / 100000.0F;
    wants->of_default[lane] = key->request == PLIMSOLL_REQUEST_DEFAULT;
    expected->weight[vector][lane] = (float)(part * key->cards);
    expected->per_cpu[vector][lane] =
        1.0F / (key->cpu_milli > 0 ? (float)key->cpu_milli : PLIMSOLL_CPU_CRUMB);
    expected->per_memory[vector][lane] =
        1.0F / (key->memory > 0 ? (float)key->memory : PLIMSOLL_MEMORY_CRUMB);
    expected->requests[expected->count] = (struct plimsoll_requests){key->cpu_milli, key->memory};
    expected->per_pod[vector][lane] = 1.0F / (float)key->cards;
    expected->per_card[vector][lane] = several ? 1.0F : (float)MANY;
    expected->undevices[vector][lane] = key->plugin ? 0.0F : (float)MANY;
    expected->kinds[expected->count++] = kinds != 0 ? kinds : UINT64_MAX;
}

/* It asks for a bit of everything: where nothing is left there is no use for a card. */
static void expect_whole_card(struct plimsoll_expected *expected, double part)
{
    const struct plimsoll_class_key key = {
        .cpu_milli = 1, .memory = 1, .cards = 1, .request = PLIMSOLL_REQUEST_BYTES};
    uint32_t at = expected->count;
    expect(expected, &key, UINT64_MAX, part);
    expected->wants[at / PLIMSOLL_LANES].of_line[at % PLIMSOLL_LANES] = 1.0F;
}

static void draw_pods(struct plimsoll_expected *expected, const double *parts)
{
    uint64_t state = SEED;
    for (size_t i = 0; i < PLIMSOLL_FILL_SEQUENCES; i++) {
        for (size_t j = 0; j < PLIMSOLL_FILL_PODS; j++) {
            double point = (double)(draw(&state) >> 11) * 0x1p-53;
            uint32_t at = 0;
            while (at + 1 < expected->count && point >= parts[at]) {
                point -= parts[at++];
            }
            expected->draws[i][j] = (uint16_t)at;
        }
    }
}

/* What part of the pods is another than when this was last made, counting each once. */
static double difference(const struct plimsoll_outlook *outlook, const struct ranked *ranked,
                         uint32_t count, double all)
{
    double sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct plimsoll_class *class = &outlook->classes[ranked[i].class_index];
        double part = ranked[i].weight / all, before = class->expected_part;
        bool moved =
            atomic_load_explicit(&class->kinds, memory_order_relaxed) != class->expected_kinds;
        sum += moved ? part : part > before ? part - before : 0;
    }
    return sum;
}

static uint32_t rank(const struct plimsoll_outlook *outlook, struct ranked *ranked, double *all)
{
    uint32_t most = PLIMSOLL_CLASSES_VALUED_MAX - 1; /* beside the whole card */
    uint32_t count = outlook->class_count < most ? outlook->class_count : most;
    for (uint32_t i = 0; i < outlook->class_count; i++) {
        ranked[i] = (struct ranked){outlook->classes[i].weight, i};
    }
    qsort(ranked, outlook->class_count, sizeof ranked[0], compare);
    *all = PRIOR_PODS * outlook->increment;
    for (uint32_t i = 0; i < count; i++) {
        *all += ranked[i].weight;
    }
    return count;
}

/* The frequent are asked for: a class far ahead of another has its row, where there is none left.
 */
static void favour(struct plimsoll_outlook *outlook, const struct ranked *ranked)
{
    uint32_t light = outlook->class_count;
    for (uint32_t heavy = 0; heavy < outlook->class_count; heavy++) {
        if (outlook->rows[ranked[heavy].class_index] != NULL) {
            continue;
        }
        do {
            light--;
        } while (light > heavy && outlook->rows[ranked[light].class_index] == NULL);
        if (light <= heavy || ranked[heavy].weight < AHEAD * ranked[light].weight) {
            return;
        }
        plimsoll_scores_move_row(outlook, ranked[light].class_index, ranked[heavy].class_index);
    }
}

static void refresh(struct plimsoll_outlook *outlook)
{
    struct ranked ranked[PLIMSOLL_CLASSES_MAX];
    double parts[PLIMSOLL_CLASSES_VALUED_MAX] = {0}, all;
    struct plimsoll_expected *expected = &outlook->expected;
    uint32_t count = rank(outlook, ranked, &all);
    favour(outlook, ranked);
    if (expected->count > 0 && difference(outlook, ranked, count, all) < DIFFERENCE_MIN) {
        return;
    }
    memset(expected, 0, sizeof *expected);
    for (uint32_t i = 0; i < outlook->class_count; i++) {
        outlook->classes[i].expected_part = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct plimsoll_class *class = &outlook->classes[ranked[i].class_index];
        class->expected_kinds = atomic_load_explicit(&class->kinds, memory_order_relaxed);
        class->expected_part = parts[i] = ranked[i].weight / all;
        expect(expected, &class->key, class->expected_kinds, parts[i]);
    }
    parts[count] = PRIOR_PODS * outlook->increment / all;
    expect_whole_card(expected, parts[count]);
    expected->vectors = (expected->count + PLIMSOLL_LANES - 1) / PLIMSOLL_LANES;
    draw_pods(expected, parts);
    outlook->epoch++;
}

/* -- pods arrive ---------------------------------------------------------------------------------
 */

static uint32_t rarest(const struct plimsoll_outlook *outlook, uint32_t first)
{
    uint32_t least = first;
    uint32_t count = first == 0 ? outlook->class_count : outlook->plain_count;
    for (uint32_t i = first; i < first + count; i++) {
        least = outlook->classes[i].weight < outlook->classes[least].weight ? i : least;
    }
    return least;
}

static uint32_t add_class(struct plimsoll_outlook *outlook, bool gpu,
                          const struct plimsoll_class_key *key, uint64_t hash)
{
    uint32_t first = gpu ? 0 : PLIMSOLL_CLASSES_MAX, at;
    uint32_t *count = gpu ? &outlook->class_count : &outlook->plain_count;
    if (*count < (gpu ? PLIMSOLL_CLASSES_MAX : PLIMSOLL_PLAIN_CLASSES_MAX)) {
        at = first + (*count)++;
        plimsoll_scores_add_row(outlook, at);
    } else {
        at = rarest(outlook, first);
        plimsoll_scores_clear_row(outlook, at);
    }
    outlook->classes[at].key = *key;
    outlook->classes[at].weight = outlook->classes[at].expected_part = 0;
    outlook->classes[at].expected_kinds = 0;
    atomic_store_explicit(&outlook->classes[at].kinds, 0, memory_order_relaxed);
    outlook->hashes[at] = hash;
    return at;
}

static void grow_increment(struct plimsoll_outlook *outlook)
{
    outlook->increment *= 1.0 + 1.0 / PLIMSOLL_HISTORY_PODS;
    if (outlook->increment > INCREMENT_MAX) {
        for (uint32_t i = 0; i < PLIMSOLL_SLOTS; i++) {
            outlook->classes[i].weight /= outlook->increment;
        }
        outlook->increment = 1;
    }
}

void plimsoll_outlook_note(struct plimsoll_outlook *outlook, const struct plimsoll_demand *demand)
{
    if (!has_class(demand)) {
        return;
    }
    struct plimsoll_class_key key = key_of(demand);
    uint64_t hash = hash_of(&key);
    uint32_t at = find(outlook, demand->gpu, &key, hash);
    at = at != PLIMSOLL_NO_CLASS ? at : add_class(outlook, demand->gpu, &key, hash);
    outlook->classes[at].weight += outlook->increment;
    if (!demand->gpu) {
        return;
    }
    grow_increment(outlook);
    if (++outlook->pods >= outlook->refresh_at) {
        refresh(outlook);
        uint64_t more = outlook->pods / REFRESH_PART;
        outlook->refresh_at += more < REFRESH_PODS_MAX ? more : REFRESH_PODS_MAX;
    }
}

bool plimsoll_outlook_ready(const struct plimsoll_outlook *outlook)
{
    return outlook != NULL && outlook->expected.count > 0;
}

uint64_t plimsoll_outlook_pods(const struct plimsoll_outlook *outlook)
{
    return outlook->pods;
}

uint32_t plimsoll_outlook_classes(const struct plimsoll_outlook *outlook)
{
    return outlook->class_count;
}
