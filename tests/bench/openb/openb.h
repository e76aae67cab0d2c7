/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The arrival measure on the openb trace: pods of a workload arrive one by one until they ask for
 * 130 % of all cards; what does not fit when it arrives is lost; what share of all cards is taken
 * at the end?
 *
 * trace.c reads the files and draws, arena.c is the cluster as numbers, policies.c are those of
 * others to compare with, ours.c is the server's own code, loss.c says what is left and why.
 */
#pragma once

#include <plimsoll/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPENB_CARDS_MAX  8u
#define OPENB_MODELS_MAX 64u
#define OPENB_WHOLE      1000u /* thousandths of a card */

/* -- the trace ------------------------------------------------------------------------------------
 */

struct openb_node {
    uint32_t cpu_milli, memory_mib, cards, model;
};

struct openb_class {
    uint32_t cpu_milli, memory_mib;
    uint32_t cards, milli; /* milli of each card */
    uint64_t models;       /* bits of those allowed; UINT64_MAX: any */
    uint32_t count;        /* pods of it in the list */
};

struct openb_trace {
    struct openb_node *nodes;
    size_t node_count;
    char models[OPENB_MODELS_MAX][32];
    size_t model_count;
    struct openb_class *classes;
    size_t class_count;
    uint32_t *pods; /* the class of each pod of the list */
    size_t pod_count;
};

/** `DIRECTORY/openb_node_list_gpu_node.csv` and `DIRECTORY/openb_pod_list_WORKLOAD.csv`. */
int openb_trace_read(const char *directory, const char *workload, struct openb_trace *trace,
                     struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void openb_trace_clear(struct openb_trace *trace);

/** What a pod of the class takes of cards, in thousandths. */
static inline uint64_t openb_demand(const struct openb_class *class_)
{
    return (uint64_t)class_->cards * class_->milli;
}

struct openb_random {
    uint64_t state;
};
uint64_t openb_next(struct openb_random *random);
/** Below `count`, which is not 0. */
size_t openb_pick(struct openb_random *random, size_t count);

/** Classes of the pods that arrive, in their order; the caller frees. */
uint32_t *openb_draw(const struct openb_trace *trace, struct openb_random *random, size_t *count);

/* -- the cluster as numbers -----------------------------------------------------------------------
 */

struct openb_site {
    uint32_t cpu_milli, memory_mib; /* free */
    uint32_t cards, model;
    uint16_t free[OPENB_CARDS_MAX];
    uint32_t version; /* another whenever it changes */
};

struct openb_arena {
    const struct openb_trace *trace;
    struct openb_site *sites;
    size_t count;
};

struct openb_arena openb_arena_make(const struct openb_trace *trace);
/** Does the pod fit on the node at all? */
bool openb_fits(const struct openb_site *site, const struct openb_class *class_);
/** Puts the pod on the cards of the bits. A card that has not that much ends the program: whoever
 * chose is wrong. */
void openb_take(struct openb_site *site, const struct openb_class *class_, uint32_t cards);
/** The first free whole cards, as many as the pod asks for. */
uint32_t openb_whole_cards(const struct openb_site *site, const struct openb_class *class_);

/* -- policies -------------------------------------------------------------------------------------
 */

enum openb_policy { OPENB_RANDOM, OPENB_TIGHTEST, OPENB_FGD, OPENB_OURS, OPENB_POLICIES };

/** What is free at the end, in thousandths of a card, by what keeps the pods of the workload off.
 */
struct openb_loss {
    double cpu, memory, partial, whole, model, usable;
};

struct openb_result {
    double taken;                  /* percent of all cards */
    uint32_t arrived, lost, plain; /* pods; plain: of the lost ones those without a GPU */
    struct openb_loss loss;        /* percent of all cards */
    double seconds;
};

/** Plays pods under one of the policies of others. */
void openb_play(const struct openb_trace *trace, enum openb_policy policy, const uint32_t *pods,
                size_t count, uint64_t seed, struct openb_result *result);
/** The same through admission, filter, prioritize and bind of the server. */
int openb_play_ours(const struct openb_trace *trace, const uint32_t *pods, size_t count,
                    struct openb_result *result, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

struct openb_loss openb_loss_of(const struct openb_arena *arena);
/** Percent of all cards that is taken. */
double openb_taken(const struct openb_arena *arena);
