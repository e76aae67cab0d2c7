/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "bodies.h"
#include "measure.h"

#include <plimsoll/extender.h>
#include <plimsoll/limits.h>

#include <assert.h>

/* As MHD hands a body out. */
#define PIECE_BYTES ((size_t)32 * 1024)

struct body {
    struct plimsoll_span bytes;
    char *copy;
    bool refused; /* the body is hostile */
    /* Without a picture: full Nodes are answered from their bytes. */
    struct plimsoll_extender_world world;
};

static const unsigned char cache_key[PLIMSOLL_NODE_CACHE_KEY_SIZE] = {1};

static void run_filter(void *context)
{
    const struct body *body = context;
    struct plimsoll_span rest = body->bytes;
    struct plimsoll_error err;
    struct plimsoll_extender_call *call = plimsoll_extender_begin(
        PLIMSOLL_VERB_FILTER, &body->world, &bodies_reading, &bodies_settings);
    int result = 0;
    while (rest.size > 0 && result == 0) {
        size_t size = rest.size < PIECE_BYTES ? rest.size : PIECE_BYTES;
        result = plimsoll_extender_feed(call, (struct plimsoll_span){rest.data, size}, &err);
        rest.data += size;
        rest.size -= size;
    }
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    struct plimsoll_extender_outcome outcome;
    if (result == 0) {
        result = plimsoll_extender_finish(call, &answer, &outcome, &err);
    }
    assert((result < 0) == body->refused);
    plimsoll_extender_free(&call);
}

static void run_copy(void *context)
{
    struct body *body = context;
    memcpy(body->copy, body->bytes.data, body->bytes.size);
    __asm__ volatile("" : : "r"(body->copy) : "memory");
}

static void compare_nodes(const struct bench_options *options, bool busy,
                          struct plimsoll_node_cache *cache, const char *name, double target)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    bodies_write_filter_nodes(&text, options->nodes, busy);
    plimsoll_autofree char *copy = plimsoll_alloc(text.size, 1);
    struct body body = {.bytes = plimsoll_text_span(&text),
                        .copy = copy,
                        .world = {.synced = true, .cache = cache}};
    measure_compare(&(struct measure_comparison){
        .name = name,
        .ours = {"extender", run_filter, &body},
        .base = {"memcpy of the body", run_copy, &body},
        .target = target,
        .rounds = options->rounds,
        .repeats = 1,
    });
}

/* Nothing but `[1],[1],…` where names are wanted: refused late, after all of it was looked at. */
static struct plimsoll_text make_hostile(size_t size)
{
    struct plimsoll_text text = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    plimsoll_text_add_string(&text, "{\"x\":[[1]");
    while (text.size < size) {
        plimsoll_text_add_string(&text, ",[1]");
    }
    plimsoll_text_add_string(&text, "]}");
    return text;
}

static void compare_doubling(const struct bench_options *options)
{
    size_t size = options->nodes * 1600;
    plimsoll_autotext twice = make_hostile(size * 2), once = make_hostile(size);
    struct body ours = {.bytes = plimsoll_text_span(&twice), .refused = true};
    struct body base = {.bytes = plimsoll_text_span(&once), .refused = true};
    ours.world.synced = base.world.synced = true;
    measure_compare(&(struct measure_comparison){
        .name = "hostile body of twice the size",
        .ours = {"extender", run_filter, &ours},
        .base = {"the same of once the size", run_filter, &base},
        .target = 2.2,
        .rounds = options->rounds,
        .repeats = 1,
    });
}

void bench_decode(const struct bench_options *options)
{
    struct plimsoll_node_cache *cache = plimsoll_node_cache_new(cache_key);
    compare_nodes(options, true, NULL, "full nodes from memory, all refused", 2.5);
    compare_nodes(options, true, cache, "full nodes from memory, known, all refused", 2.5);
    measure_note("full nodes that are known", (double)plimsoll_node_cache_bytes(cache) / 0x1p20,
                 "MiB", PLIMSOLL_NODE_CACHE_BYTES_MAX / 0x1p20);
    compare_nodes(options, false, NULL, "full nodes from memory, all pass", 4);
    plimsoll_node_cache_free(&cache);
    compare_doubling(options);
}
