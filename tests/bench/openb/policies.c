/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of others, to compare with. Of equal nodes the one of the lowest index is taken. */
#include "openb.h"

#include <math.h>
#include <time.h>

/* A class of pods as FGD sees it: it knows nothing of memory. */
struct typical {
    uint32_t cpu_milli, cards, milli;
    uint64_t models;
    double share;
};

struct score {
    float value;
    uint32_t card;
    uint32_t version; /* of the node when it was computed */
};

struct play {
    struct openb_arena arena;
    struct openb_random random;
    enum openb_policy policy;
    struct typical *typical;
    size_t typical_count;
    double *fragments;    /* of each node as it is … */
    uint32_t *versions;   /* … of that version */
    struct score *scores; /* [class][node] */
};

/* -- FGD: the placement that adds least fragments (USENIX ATC'23) -----------------------------
 */

/* It knows how often each class comes in the whole list. */
static void find_typical(struct play *play)
{
    const struct openb_trace *trace = play->arena.trace;
    play->typical = plimsoll_alloc(trace->class_count + 1, sizeof *play->typical);
    for (size_t i = 0; i < trace->class_count; i++) {
        const struct openb_class *class_ = &trace->classes[i];
        double share = (double)class_->count / (double)trace->pod_count;
        size_t at = 0;
        while (at < play->typical_count && (play->typical[at].cpu_milli != class_->cpu_milli ||
                                            play->typical[at].cards != class_->cards ||
                                            play->typical[at].milli != class_->milli ||
                                            play->typical[at].models != class_->models)) {
            at++;
        }
        if (at == play->typical_count) {
            play->typical[play->typical_count++] = (struct typical){
                class_->cpu_milli, class_->cards, class_->milli, class_->models, 0};
        }
        play->typical[at].share += share;
    }
}

/* What of the node's free cards a pod of the class cannot use. */
static double fragments_for(const struct openb_site *site, const struct typical *class_,
                            double free)
{
    double useless = 0;
    uint32_t fitting = 0;
    if (class_->cards == 0 || (class_->models >> site->model & 1) == 0 ||
        site->cpu_milli < class_->cpu_milli) {
        return free;
    }
    for (uint32_t i = 0; i < site->cards; i++) {
        bool fits = site->free[i] >= class_->milli;
        fitting += fits;
        useless += fits ? 0 : site->free[i];
    }
    return fitting < class_->cards ? free : useless;
}

static double fragments_of(const struct play *play, const struct openb_site *site)
{
    double sum = 0, free = 0;
    for (uint32_t i = 0; i < site->cards; i++) {
        free += site->free[i];
    }
    for (size_t i = 0; i < play->typical_count; i++) {
        sum += play->typical[i].share * fragments_for(site, &play->typical[i], free);
    }
    return sum;
}

/* The authors' scale: whole steps from 0 to 100. */
static float fgd_score(double before, double after)
{
    return (float)(int)(100 / (1 + exp(-(before - after) / OPENB_WHOLE)));
}

static float after(const struct play *play, const struct openb_site *site,
                   const struct openb_class *class_, uint32_t cards, double before)
{
    struct openb_site tried = *site;
    openb_take(&tried, class_, cards);
    return fgd_score(before, fragments_of(play, &tried));
}

static bool is_shared(const struct openb_class *class_)
{
    return class_->cards == 1 && class_->milli < OPENB_WHOLE;
}

static struct score score_fgd(const struct play *play, size_t node,
                              const struct openb_class *class_)
{
    const struct openb_site *site = &play->arena.sites[node];
    double before = play->fragments[node];
    if (!is_shared(class_)) {
        uint32_t cards = openb_whole_cards(site, class_);
        return (struct score){after(play, site, class_, cards, before), cards, site->version};
    }
    struct score best = {.value = -1, .version = site->version};
    for (uint32_t i = 0; i < site->cards; i++) {
        if (site->free[i] >= class_->milli) {
            float value = after(play, site, class_, 1u << i, before);
            if (value > best.value) {
                best.value = value;
                best.card = 1u << i;
            }
        }
    }
    return best;
}

/* -- tightest fit: the card with the least left -----------------------------------------------
 */

static struct score score_tightest(const struct openb_site *site, const struct openb_class *class_)
{
    if (!is_shared(class_)) {
        return (struct score){0, openb_whole_cards(site, class_), site->version};
    }
    struct score best = {.value = -2 * (float)OPENB_WHOLE, .version = site->version};
    for (uint32_t i = 0; i < site->cards; i++) {
        float left = (float)site->free[i] - (float)class_->milli;
        if (left >= 0 && -left > best.value) {
            best.value = -left;
            best.card = 1u << i;
        }
    }
    return best;
}

/* -- one after the other --------------------------------------------------------------------------
 */

static const struct score *score_of(struct play *play, uint32_t class_, size_t node)
{
    struct score *score = &play->scores[class_ * play->arena.count + node];
    const struct openb_site *site = &play->arena.sites[node];
    const struct openb_class *it = &play->arena.trace->classes[class_];
    if (score->version == site->version) {
        return score;
    }
    if (play->policy == OPENB_FGD && play->versions[node] != site->version) {
        play->fragments[node] = fragments_of(play, site);
        play->versions[node] = site->version;
    }
    *score = play->policy == OPENB_FGD ? score_fgd(play, node, it) : score_tightest(site, it);
    return score;
}

static uint32_t random_card(struct play *play, const struct openb_site *site,
                            const struct openb_class *class_)
{
    if (!is_shared(class_)) {
        return openb_whole_cards(site, class_);
    }
    for (;;) {
        size_t card = openb_pick(&play->random, site->cards);
        if (site->free[card] >= class_->milli) {
            return 1u << card;
        }
    }
}

/* @return false when no node takes it. */
static bool choose(struct play *play, uint32_t class_, size_t *node, uint32_t *cards)
{
    const struct openb_class *it = &play->arena.trace->classes[class_];
    size_t fitting = 0;
    float best = -1e9f;
    for (size_t i = 0; i < play->arena.count; i++) {
        if (!openb_fits(&play->arena.sites[i], it)) {
            continue;
        }
        fitting++;
        if (play->policy == OPENB_RANDOM) {
            *node = openb_pick(&play->random, fitting) == 0 ? i : *node;
            continue;
        }
        const struct score *score = score_of(play, class_, i);
        if (score->value > best) {
            best = score->value;
            *node = i;
            *cards = score->card;
        }
    }
    if (play->policy == OPENB_RANDOM && fitting > 0) {
        *cards = random_card(play, &play->arena.sites[*node], it);
    }
    return fitting > 0;
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void openb_play(const struct openb_trace *trace, enum openb_policy policy, const uint32_t *pods,
                size_t count, uint64_t seed, struct openb_result *result)
{
    struct play play = {.arena = openb_arena_make(trace), .random = {~seed}, .policy = policy};
    double begin = seconds_now();
    play.fragments = plimsoll_alloc(trace->node_count + 1, sizeof *play.fragments);
    play.versions = plimsoll_alloc(trace->node_count + 1, sizeof *play.versions);
    play.scores = plimsoll_alloc(trace->class_count * trace->node_count + 1, sizeof *play.scores);
    find_typical(&play);
    *result = (struct openb_result){.arrived = (uint32_t)count};
    for (size_t i = 0; i < count; i++) {
        size_t node = 0;
        uint32_t cards = 0;
        if (choose(&play, pods[i], &node, &cards)) {
            openb_take(&play.arena.sites[node], &trace->classes[pods[i]], cards);
        } else {
            result->lost++;
            result->plain += trace->classes[pods[i]].cards == 0;
        }
    }
    result->taken = openb_taken(&play.arena);
    result->loss = openb_loss_of(&play.arena);
    result->seconds = seconds_now() - begin;
    free(play.arena.sites);
    free(play.fragments);
    free(play.versions);
    free(play.scores);
    free(play.typical);
}
