/* SPDX-License-Identifier: Apache-2.0 */
/** A world of a few nodes for the extender, read from JSON, and a call over one body. */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/text.h>

#include <assert.h>

#define WORLD_GIB       (UINT64_C(1) << 30)
#define WORLD_NODES_MAX 8
#define WORLD_PODS_MAX  4

static const struct plimsoll_resource world_resources[] = {
    {.name = "nvidia.com/gpu", .vendor = PLIMSOLL_VENDOR_NVIDIA},
    {.name = "amd.com/gpu", .vendor = PLIMSOLL_VENDOR_AMD},
};
static const struct plimsoll_reading world_reading = {.resources = {world_resources, 2}};
static const struct plimsoll_placement_settings world_settings = {
    .reserve_bytes = WORLD_GIB / 2,
    .default_request = PLIMSOLL_DEFAULT_BYTES,
    .default_bytes = 4 * WORLD_GIB,
    .policy = PLIMSOLL_POLICY_PACK,
};

struct world_node {
    struct plimsoll_node node;
    struct plimsoll_pod pods[WORLD_PODS_MAX];
    const struct plimsoll_pod *list[WORLD_PODS_MAX];
    struct plimsoll_node_view view;
    struct plimsoll_node_load *load;
    struct plimsoll_summary summary;
};

struct world {
    struct plimsoll_extender_world face;
    struct world_node nodes[WORLD_NODES_MAX];
    size_t node_count;
    const char *bound_uid, *bound_node;
    unsigned held, holds; /* now, ever */
    size_t asked;         /* nodes looked up */
};

static inline bool world_find(void *context, struct plimsoll_span name,
                              struct plimsoll_extender_node *out)
{
    struct world *world = context;
    assert(world->held == 1);
    world->asked++;
    for (size_t i = 0; i < world->node_count; i++) {
        const struct world_node *node = &world->nodes[i];
        if (plimsoll_span_is(name, node->node.name)) {
            *out = (struct plimsoll_extender_node){.view = node->view, .load = node->load};
            return true;
        }
    }
    return false;
}

static inline void world_find_many(void *context, const struct plimsoll_span *names, size_t count,
                                   uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    struct world *world = context;
    assert(count > 0 && count <= PLIMSOLL_EXTENDER_NAMES_MAX);
    for (size_t i = 0; i < count; i++) {
        struct plimsoll_extender_node found;
        out[i] = (struct plimsoll_extender_glimpse){0};
        if (world_find(world, names[i], &found)) {
            uint32_t number = 0;
            while (found.view.node != &world->nodes[number].node) {
                number++;
            }
            out[i] = (struct plimsoll_extender_glimpse){.summary = &world->nodes[number].summary,
                                                        .node = &world->nodes[number],
                                                        .number = number * 1000};
        }
    }
    ++*place;
}

static inline void world_open(void *context, const struct plimsoll_extender_glimpse *glimpse,
                              struct plimsoll_extender_node *out)
{
    const struct world *world = context;
    const struct world_node *node = glimpse->node;
    assert(world->held == 1);
    *out = (struct plimsoll_extender_node){.view = node->view, .load = node->load};
}

static inline const char *world_node_of(void *context, const struct plimsoll_uid *pod)
{
    const struct world *world = context;
    assert(world->held == 1);
    bool ours = world->bound_uid != NULL && strcmp(pod->text, world->bound_uid) == 0;
    return ours ? world->bound_node : NULL;
}

static inline void world_hold(void *context)
{
    struct world *world = context;
    assert(world->held == 0);
    world->held++;
    world->holds++;
}

static inline void world_release(void *context)
{
    struct world *world = context;
    assert(world->held == 1);
    world->held--;
}

static inline void world_make(struct world *world)
{
    *world = (struct world){.face = {.context = world,
                                     .synced = true,
                                     .node = world_find,
                                     .find = world_find_many,
                                     .open = world_open,
                                     .node_of = world_node_of,
                                     .hold = world_hold,
                                     .release = world_release}};
}

static inline void world_clear(struct world *world)
{
    for (size_t i = 0; i < world->node_count; i++) {
        struct world_node *node = &world->nodes[i];
        for (size_t pod = 0; pod < node->view.pod_count; pod++) {
            plimsoll_pod_clear(&node->pods[pod]);
        }
        plimsoll_node_clear(&node->node);
        free(node->load);
    }
    world->node_count = 0;
}

/** A Node with one card of 16Gi whose report says that `used_gib` of it are in use. */
static inline void world_write_node(struct plimsoll_text *out, const char *name, unsigned used_gib)
{
    plimsoll_autotext value = plimsoll_text_make(1024);
    plimsoll_text_add_format(out, "{\"metadata\":{\"name\":\"%s\",\"annotations\":{", name);
    plimsoll_text_add_format(&value,
                             "{\"v\":1,\"env\":true,\"cards\":[{\"id\":\"GPU-%s\",\"index\":0,"
                             "\"vendor\":\"nvidia\",\"vram\":17179869184,\"health\":\"ok\"}]}",
                             name);
    plimsoll_text_add_string(out, "\"plimsoll.dev/inventory\":");
    plimsoll_text_add_json(out, plimsoll_text_span(&value));
    plimsoll_text_reset(&value);
    plimsoll_text_add_format(&value,
                             "{\"v\":1,\"time\":\"2026-11-22T05:10:00Z\",\"cards\":[{\"id\":"
                             "\"GPU-%s\",\"used\":%llu,\"attributed\":true,\"pods\":{},"
                             "\"holders\":[]}]}",
                             name, (unsigned long long)used_gib * WORLD_GIB);
    plimsoll_text_add_string(out, ",\"plimsoll.dev/usage\":");
    plimsoll_text_add_json(out, plimsoll_text_span(&value));
    plimsoll_text_add_string(out, "}},\"spec\":{\"taints\":[]},\"status\":{\"allocatable\":{"
                                  "\"nvidia.com/gpu\":\"4\"},\"images\":[{\"names\":[\"a]}\"]}]}}");
}

static inline void world_recompute(struct world_node *node)
{
    free(node->load);
    node->load = plimsoll_placement_load(&node->view, &world_settings, NULL, INT32_MIN);
    node->summary = plimsoll_placement_summarise(&node->node, node->load, &world_settings);
}

static inline struct world_node *world_add_node(struct world *world, const char *name,
                                                unsigned used_gib)
{
    struct plimsoll_error err;
    plimsoll_autotext json = plimsoll_text_make(1u << 16);
    world_write_node(&json, name, used_gib);
    assert(world->node_count < WORLD_NODES_MAX);
    struct world_node *node = &world->nodes[world->node_count++];
    int read = plimsoll_node_read(plimsoll_text_span(&json), &world_reading, &node->node, &err);
    assert(read == 0);
    node->view =
        (struct plimsoll_node_view){.node = &node->node, .pods = node->list, .pods_known = true};
    world_recompute(node);
    return node;
}

/** A VRAM-only pod; `spec` ends with a comma unless empty. */
static inline void world_write_pod(struct plimsoll_text *out, const char *uid, const char *vram,
                                   const char *spec, const char *status)
{
    plimsoll_text_add_format(out,
                             "{\"metadata\":{\"name\":\"p-%s\",\"namespace\":\"ai\",\"uid\":\"%s\","
                             "\"annotations\":{\"plimsoll.dev/vram\":\"%s\"}},\"spec\":{%s"
                             "\"containers\":[{\"name\":\"main\"}]},\"status\":{%s}}",
                             uid, uid, vram, spec, status);
}

static inline void world_add_pod(struct world_node *node, const char *json)
{
    struct plimsoll_error err;
    size_t index = node->view.pod_count++;
    assert(index < WORLD_PODS_MAX);
    int read = plimsoll_pod_read(plimsoll_span_of(json), &world_reading.resources,
                                 &node->pods[index], &err);
    assert(read == 0);
    node->list[index] = &node->pods[index];
    world_recompute(node);
}

/** Feeds `body` in pieces of `piece` bytes, each in memory of its own that is gone afterwards. */
static inline int world_ask(struct world *world, enum plimsoll_extender_verb verb,
                            struct plimsoll_span body, size_t piece, struct plimsoll_text *answer,
                            struct plimsoll_extender_outcome *outcome, struct plimsoll_error *err)
{
    struct plimsoll_extender_call *call =
        plimsoll_extender_begin(verb, &world->face, &world_reading, &world_settings);
    int result = 0;
    while (body.size > 0 && result == 0) {
        size_t size = piece < body.size ? piece : body.size;
        plimsoll_autofree char *copy = plimsoll_copy(body.data, size);
        result =
            plimsoll_extender_feed(call, (struct plimsoll_span){.data = copy, .size = size}, err);
        body.data += size;
        body.size -= size;
    }
    if (result == 0) {
        result = plimsoll_extender_finish(call, answer, outcome, err);
    }
    plimsoll_extender_free(&call);
    assert(world->held == 0);
    return result;
}
