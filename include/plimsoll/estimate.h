/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How much VRAM a model takes, estimated from its parameters, how its weights are kept, and its
 * context. Pure arithmetic over tables.
 *
 *     weights = parameters × bits / 8
 *     cache   = 2 × layers × key-value heads × numbers of a head × bytes × context × parallel
 *     from    (weights + cache) × 1.05 + 300 MiB      the allocator's slack and a CUDA context,
 *     to      (weights + cache) × 1.10 + 600 MiB      each at their least and their most
 *
 * Speech and image models, which do not grow with a context, come from a table of what was seen.
 */
#pragma once

#include <plimsoll/error.h>

#include <stdbool.h>
#include <stdint.h>

/** Sentences about what an estimate leaves out. */
#define PLIMSOLL_ESTIMATE_UNKNOWNS_MAX 8
/** A model's or a quantisation's name with its NUL. */
#define PLIMSOLL_ESTIMATE_NAME_SIZE 64

/** What is asked; NULL and 0: not said. */
struct plimsoll_estimate_request {
    const char *model; /* `llama3.1:70b-q4`, `Qwen/Qwen2.5-7B-Instruct-AWQ` */
    const char *params, *quant, *kv_type;
    uint64_t layers, kv_heads, head_dim, context, parallel;
};

struct plimsoll_estimate {
    char model[PLIMSOLL_ESTIMATE_NAME_SIZE]; /* what it was taken for; "": only its numbers */
    char quant[PLIMSOLL_ESTIMATE_NAME_SIZE];
    const char *kv_type; /* static */
    uint64_t params, layers, kv_heads, head_dim, context, parallel;
    uint32_t bits_milli;     /* per weight */
    uint64_t weights, cache; /* bytes; both 0 of a model that was seen, not computed */
    uint64_t from, to;       /* bytes, all in all */
    uint64_t ask;            /* for plimsoll.dev/vram: `to`, rounded up to half a GiB */
    bool cache_known, quant_assumed, context_assumed;
    bool seen;                                            /* from a table of what was seen */
    const char *unknowns[PLIMSOLL_ESTIMATE_UNKNOWNS_MAX]; /* static sentences */
    size_t unknown_count;
};

/**
 * @param estimate  Set on success.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID (a value is wrong) or PLIMSOLL_ERR_NOT_FOUND (the
 * model is not known and nothing says how many parameters it has) and what would be right.
 */
int plimsoll_estimate_make(const struct plimsoll_estimate_request *request,
                           struct plimsoll_estimate *estimate,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
