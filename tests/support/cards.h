/* SPDX-License-Identifier: Apache-2.0 */
/** A node of a few cards with its pods, built by hand, in MiB. */
#pragma once

#include <plimsoll/placement.h>

#include <assert.h>
#include <stdio.h>

#define MIB             (UINT64_C(1) << 20)
#define SCENE_PODS_MAX  64
#define SCENE_CARDS_MAX 8
#define SCENE_RESERVE   512
#define SCENE_NAME      "node-a"
#define SCENE_CLAIM_MAX SCENE_CARDS_MAX

struct scene {
    struct plimsoll_node node;
    struct plimsoll_card cards[SCENE_CARDS_MAX];
    struct plimsoll_pod_bytes bytes[SCENE_CARDS_MAX][SCENE_PODS_MAX];
    struct plimsoll_uid holders[SCENE_CARDS_MAX][SCENE_PODS_MAX];
    struct plimsoll_node_resource resource;
    struct plimsoll_pod pods[SCENE_PODS_MAX];
    const struct plimsoll_pod *list[SCENE_PODS_MAX];
    struct plimsoll_claim_card claims[SCENE_PODS_MAX][SCENE_CLAIM_MAX];
    struct plimsoll_uid ended[SCENE_PODS_MAX];
    struct plimsoll_node_view view;
    struct plimsoll_placement_settings settings;
};

static char scene_name[] = SCENE_NAME;
static char scene_nothing[] = "";

static inline struct plimsoll_uid scene_uid(const char *text)
{
    struct plimsoll_uid uid = {0};
    memcpy(uid.text, text, strnlen(text, sizeof uid.text - 1));
    return uid;
}

/** `count` equal NVIDIA cards of an inventory without usage; the pods are known. */
static inline void scene_make(struct scene *scene, uint32_t count, uint64_t total,
                              uint32_t replicas)
{
    assert(count <= SCENE_CARDS_MAX);
    *scene = (struct scene){0};
    for (uint32_t i = 0; i < count; i++) {
        struct plimsoll_card *card = &scene->cards[i];
        snprintf(card->id, sizeof card->id, "GPU-%u", i);
        snprintf(card->health, sizeof card->health, "ok");
        card->total = total * MIB;
        card->replicas = replicas;
        card->index = (int16_t)i;
        card->numa = -1;
        card->vendor = PLIMSOLL_VENDOR_NVIDIA;
        card->holders = scene->holders[i];
        card->pods = scene->bytes[i];
    }
    snprintf(scene->resource.name, sizeof scene->resource.name, "nvidia.com/gpu");
    scene->resource.vendor = PLIMSOLL_VENDOR_NVIDIA;
    scene->resource.allocatable = (uint64_t)count * replicas;
    scene->node = (struct plimsoll_node){.name = scene_name,
                                         .cards = scene->cards,
                                         .resources = &scene->resource,
                                         .card_count = count,
                                         .resource_count = 1,
                                         .inventory = true,
                                         .env = PLIMSOLL_YES,
                                         .device_list = PLIMSOLL_DEVICE_LIST_ENV};
    scene->view = (struct plimsoll_node_view){
        .node = &scene->node, .pods = scene->list, .ended = scene->ended, .pods_known = true};
    scene->settings =
        (struct plimsoll_placement_settings){.reserve_bytes = SCENE_RESERVE * MIB,
                                             .default_request = PLIMSOLL_DEFAULT_BYTES,
                                             .default_bytes = 4096 * MIB,
                                             .policy = PLIMSOLL_POLICY_PACK};
}

static inline void scene_report(struct scene *scene, uint32_t card, uint64_t used, bool attributed)
{
    scene->node.report = PLIMSOLL_REPORT_USAGE;
    scene->cards[card].reported = true;
    scene->cards[card].attributed = attributed;
    scene->cards[card].used = used * MIB;
}

static inline void scene_use(struct scene *scene, uint32_t card, const char *uid, uint64_t bytes)
{
    struct plimsoll_card *at = &scene->cards[card];
    at->pods[at->pod_count++] =
        (struct plimsoll_pod_bytes){.pod = scene_uid(uid), .bytes = bytes * MIB};
}

static inline void scene_hold(struct scene *scene, uint32_t card, const char *uid)
{
    struct plimsoll_card *at = &scene->cards[card];
    at->holders[at->holder_count++] = scene_uid(uid);
}

static inline void scene_end(struct scene *scene, const char *uid)
{
    scene->ended[scene->view.ended_count++] = scene_uid(uid);
}

/** A pod of one NVIDIA card: of the plugin, or VRAM-only with our env. 0 MiB: no request. */
static inline struct plimsoll_demand scene_demand(bool plugin, uint64_t vram)
{
    struct plimsoll_demand demand = {.gpu = true,
                                     .vendor = PLIMSOLL_VENDOR_NVIDIA,
                                     .plugin = plugin,
                                     .env_ours = !plugin,
                                     .request = vram > 0 ? PLIMSOLL_REQUEST_BYTES
                                                         : PLIMSOLL_REQUEST_DEFAULT,
                                     .vram = vram * MIB,
                                     .cards = 1,
                                     .container_count = 1,
                                     .container_cards = {1}};
    snprintf(demand.resource, sizeof demand.resource, "%s", plugin ? "nvidia.com/gpu" : "");
    return demand;
}

/** A pod bound to the node, without a claim of ours. */
static inline struct plimsoll_pod *scene_pod(struct scene *scene, const char *uid,
                                             struct plimsoll_demand demand)
{
    assert(scene->view.pod_count < SCENE_PODS_MAX);
    struct plimsoll_pod *pod = &scene->pods[scene->view.pod_count];
    *pod = (struct plimsoll_pod){.uid = scene_uid(uid),
                                 .name = scene_nothing,
                                 .namespace_ = scene_nothing,
                                 .node = scene_name,
                                 .nominated = scene_nothing,
                                 .demand = demand};
    pod->claim.cards = scene->claims[scene->view.pod_count];
    scene->list[scene->view.pod_count++] = pod;
    return pod;
}

static inline void scene_claim(struct plimsoll_pod *pod, const char *card, uint64_t vram,
                               uint64_t idle)
{
    struct plimsoll_claim_card *at = &pod->claim.cards[pod->claim.card_count++];
    snprintf(at->id, sizeof at->id, "%s", card);
    at->vram = vram * MIB;
    at->idle = idle == UINT64_MAX ? idle : idle * MIB;
    pod->claim.pod = pod->uid;
    snprintf(pod->claim.node, sizeof pod->claim.node, SCENE_NAME);
}

static inline void scene_float(struct plimsoll_pod *pod, uint32_t cards, uint64_t vram)
{
    pod->claim.floating_cards = cards;
    pod->claim.floating_vram = vram * MIB;
    pod->claim.pod = pod->uid;
    snprintf(pod->claim.node, sizeof pod->claim.node, SCENE_NAME);
}

/** Everybody counted; the caller frees. */
static inline struct plimsoll_node_load *scene_load(const struct scene *scene)
{
    return plimsoll_placement_load(&scene->view, &scene->settings, NULL, INT32_MIN);
}

static inline struct plimsoll_verdict scene_judge(const struct scene *scene,
                                                  struct plimsoll_demand demand)
{
    plimsoll_autofree struct plimsoll_node_load *load = scene_load(scene);
    return plimsoll_placement_judge(&scene->node, load, &demand, &scene->settings);
}
