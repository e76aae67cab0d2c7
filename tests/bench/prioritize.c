/* SPDX-License-Identifier: Apache-2.0 */
/* /prioritize without a network in a cluster at work: pods of a hundred classes arrive, are ranked
 * on all nodes by name, and are put where the best score is, so that the next finds it changed. */
#include "bench.h"

#include "bodies.h"
#include "measure.h"

#include <plimsoll/cluster.h>
#include <plimsoll/limits.h>
#include <plimsoll/outlook.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 100u
/* Each round is so many pods. */
#define PODS_PER_ROUND 100u
#define GIB            (UINT64_C(1) << 30)

struct cluster_at_work {
    struct plimsoll_cluster *cluster;
    struct plimsoll_text names; /* the body behind the pod */
    size_t pods;
    uint64_t random;
};

static bool find_node(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out)
{
    return plimsoll_cluster_node(context, name, out);
}

static void find_nodes(void *context, const struct plimsoll_span *names, size_t count,
                       uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    plimsoll_cluster_find(context, names, count, place, out);
}

static void open_node(void *context, const struct plimsoll_extender_glimpse *glimpse,
                      struct plimsoll_extender_node *out)
{
    plimsoll_cluster_open(context, glimpse, out);
}

static void hold(void *context)
{
    plimsoll_cluster_read_begin(context);
}

static void release(void *context)
{
    plimsoll_cluster_read_end(context);
}

static size_t draw(struct cluster_at_work *at, size_t below)
{
    at->random ^= at->random << 13;
    at->random ^= at->random >> 7;
    at->random ^= at->random << 17;
    return (size_t)(at->random >> 16) % below;
}

static uint64_t vram_of(size_t class_index)
{
    return (2 + class_index % 20) * GIB;
}

static void make_uid(size_t pod, struct plimsoll_uid *uid)
{
    snprintf(uid->text, sizeof uid->text, "7d0c2c52-7d52-4b0e-9f0e-%012zu", pod);
}

/* A small pod: what reading a large one takes is measured elsewhere. */
static void write_pod(struct plimsoll_text *out, size_t pod, size_t class_index)
{
    struct plimsoll_uid uid;
    make_uid(pod, &uid);
    plimsoll_text_add_format(out,
                             "{\"metadata\":{\"name\":\"job-%zu\",\"namespace\":\"team\",\"uid\":"
                             "\"%s\",\"annotations\":{\"plimsoll.dev/vram\":\"%llu\"}},\"spec\":{"
                             "\"containers\":[{\"name\":\"main\",\"resources\":{\"requests\":{"
                             "\"cpu\":\"%zu\",\"memory\":\"%zuGi\"}}}]},\"status\":{}}",
                             pod, uid.text, (unsigned long long)vram_of(class_index),
                             1 + class_index % 7, 4 + class_index % 11 * 8);
}

static void set(struct cluster_at_work *at, enum plimsoll_kind kind, struct plimsoll_text *object)
{
    struct plimsoll_error err;
    int result = plimsoll_cluster_set(at->cluster, kind, plimsoll_text_span(object), &err);
    assert(result == 0);
    plimsoll_text_reset(object);
}

static void put(struct cluster_at_work *at, size_t pod, struct plimsoll_span name)
{
    struct plimsoll_uid uid;
    struct plimsoll_extender_node node;
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err;
    make_uid(pod, &uid);
    plimsoll_cluster_read_begin(at->cluster);
    bool found = plimsoll_cluster_node(at->cluster, name, &node);
    bool fits = found && plimsoll_placement_choose(node.view.node, node.load,
                                                   plimsoll_cluster_pod(at->cluster, &uid),
                                                   &bodies_settings, &claim, &err) == 0;
    plimsoll_cluster_read_end(at->cluster);
    if (fits) {
        plimsoll_cluster_assume(at->cluster, &uid, claim.node, &claim);
    }
    plimsoll_claim_clear(&claim);
}

/* @return milliseconds of the processor: nothing waits here, and others may be at work. */
static double prioritize_one(struct cluster_at_work *at)
{
    plimsoll_autotext pod = plimsoll_text_make(1u << 16), body = plimsoll_text_make(1u << 24);
    plimsoll_autotext answer = plimsoll_text_make(1u << 24);
    const struct plimsoll_extender_world world = {.context = at->cluster,
                                                  .synced = true,
                                                  .node = find_node,
                                                  .find = find_nodes,
                                                  .open = open_node,
                                                  .hold = hold,
                                                  .release = release};
    struct plimsoll_extender_outcome outcome;
    struct plimsoll_error err;
    size_t number = at->pods++, class_index = draw(at, CLASSES);
    write_pod(&pod, number, class_index);
    plimsoll_text_add_string(&body, "{\"Pod\":");
    plimsoll_text_add_span(&body, plimsoll_text_span(&pod));
    plimsoll_text_add_span(&body, plimsoll_text_span(&at->names));
    set(at, PLIMSOLL_KIND_PODS, &pod);
    int64_t begin = measure_busy_ns();
    struct plimsoll_extender_call *call = plimsoll_extender_begin(
        PLIMSOLL_VERB_PRIORITIZE, &world, &bodies_reading, &bodies_settings);
    int result = plimsoll_extender_feed(call, plimsoll_text_span(&body), &err);
    result = result == 0 ? plimsoll_extender_finish(call, &answer, &outcome, &err) : result;
    double took = (double)(measure_busy_ns() - begin) / 1e6;
    assert(result == 0);
    put(at, number, outcome.likely);
    plimsoll_extender_free(&call);
    return took;
}

static void fill(struct cluster_at_work *at, size_t nodes)
{
    char name[BODIES_NAME_SIZE];
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    at->names = plimsoll_text_make(1u << 24);
    plimsoll_text_add_string(&at->names, ",\"Nodes\":null,\"NodeNames\":[");
    for (size_t i = 0; i < nodes; i++) {
        bodies_write_node(&object, i, false);
        set(at, PLIMSOLL_KIND_NODES, &object);
        plimsoll_text_add_format(&at->names, "%s\"%s\"", i > 0 ? "," : "",
                                 bodies_node_name(i, name));
    }
    plimsoll_text_add_string(&at->names, "]}");
    for (size_t i = 0; i < nodes * BODIES_PODS_PER_NODE; i++) {
        write_pod(&object, at->pods, draw(at, CLASSES));
        set(at, PLIMSOLL_KIND_PODS, &object);
        put(at, at->pods++, plimsoll_span_of(bodies_node_name(draw(at, nodes), name)));
    }
}

static double percentile(double *sorted, size_t count, size_t percent)
{
    return sorted[(count - 1) * percent / 100];
}

static double remembered(struct cluster_at_work *at)
{
    struct plimsoll_extender_node node;
    plimsoll_cluster_read_begin(at->cluster);
    bool found = plimsoll_cluster_node_at(at->cluster, 0, &node);
    assert(found);
    size_t bytes = plimsoll_outlook_bytes(node.view.room.outlook);
    plimsoll_cluster_read_end(at->cluster);
    return (double)bytes;
}

void bench_prioritize(const struct bench_options *options)
{
    const struct plimsoll_cluster_options empty = {.reading = &bodies_reading,
                                                   .settings = &bodies_settings};
    struct cluster_at_work at = {.cluster = plimsoll_cluster_new(&empty),
                                 .random = UINT64_C(0x9E3779B97F4A7C15)};
    size_t count = options->rounds * PODS_PER_ROUND;
    plimsoll_autofree double *took = plimsoll_alloc(count, sizeof *took);
    fill(&at, options->nodes);
    /* Every class is met once or more before anything counts. */
    for (size_t i = 0; i < 10 * CLASSES; i++) {
        (void)prioritize_one(&at);
    }
    for (size_t i = 0; i < count; i++) {
        took[i] = prioritize_one(&at);
    }
    (void)measure_median(took, count); /* sorts */
    measure_note("prioritize, names, 8 cards each, 100 classes: median",
                 percentile(took, count, 50), "ms", 2);
    measure_note("prioritize: 99 of 100 take at most", percentile(took, count, 99), "ms", 5);
    measure_note("prioritize: what is remembered for it", remembered(&at) / 1048576, "MiB", 20);
    plimsoll_text_clear(&at.names);
    plimsoll_cluster_free(&at.cluster);
}
