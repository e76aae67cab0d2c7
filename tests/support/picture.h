/* SPDX-License-Identifier: Apache-2.0 */
/** A picture with the usual settings, and objects to put into it, as the API server writes them. */
#pragma once

#include <plimsoll/cluster.h>
#include <plimsoll/text.h>

#define GIB (UINT64_C(1024) * 1024 * 1024)
#define MIB (UINT64_C(1024) * 1024)

static const struct plimsoll_resource picture_resources[] = {
    {.name = "nvidia.com/gpu", .vendor = PLIMSOLL_VENDOR_NVIDIA},
    {.name = "amd.com/gpu", .vendor = PLIMSOLL_VENDOR_AMD},
};
static const struct plimsoll_selector picture_selectors[] = {
    {.key = "nvidia.com/gpu.present", .value = "true"},
    {.key = "tier", .value = "gold"},
};
static const struct plimsoll_reading picture_reading = {
    .resources = {picture_resources, 2}, .selectors = picture_selectors, .selector_count = 2};
static const struct plimsoll_placement_settings picture_settings = {
    .reserve_bytes = 512 * MIB,
    .default_request = PLIMSOLL_DEFAULT_BYTES,
    .default_bytes = 4 * GIB,
    .policy = PLIMSOLL_POLICY_PACK,
};
static const char *const picture_classes[] = {"nvidia", "gold", "nvidia"};

static inline struct plimsoll_cluster *picture_new(void)
{
    struct plimsoll_cluster_options options = {
        .reading = &picture_reading,
        .settings = &picture_settings,
        .runtime_classes = picture_classes,
        .runtime_class_count = 3,
        .max_report_age_ms = 600000,
    };
    return plimsoll_cluster_new(&options);
}

/** Zero is the usual: one card of 16 GiB, no report. */
struct node_words {
    const char *name;
    const char *version;
    const char *usage; /* the annotation's value */
    const char *noise; /* something a heartbeat changes */
    unsigned cards;
    bool without_cards, pinned, labelled;
};

static inline void add_inventory(struct plimsoll_text *out, const char *node, unsigned cards)
{
    plimsoll_text_add_string(out, "{\"v\":1,\"env\":true,\"cards\":[");
    for (unsigned i = 0; i < cards; i++) {
        plimsoll_text_add_format(out,
                                 "%s{\"id\":\"GPU-%s-%u\",\"index\":%u,\"vendor\":\"nvidia\","
                                 "\"product\":\"NVIDIA A4000\",\"vram\":%llu,\"numa\":0,"
                                 "\"health\":\"ok\"}",
                                 i > 0 ? "," : "", node, i, i, 16ULL << 30);
    }
    plimsoll_text_add_string(out, "]}");
}

static inline void add_node(struct plimsoll_text *out, const struct node_words *words)
{
    plimsoll_autotext inventory = plimsoll_text_make(1u << 20);
    unsigned cards = words->cards > 0 ? words->cards : 1;
    add_inventory(&inventory, words->name, cards);
    plimsoll_text_add_format(out,
                             "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
                             "\"%s\",\"uid\":\"node-%s\",\"resourceVersion\":\"%s\",\"labels\":{"
                             "\"kubernetes.io/os\":\"linux\"%s},\"annotations\":{\"a\":\"b\"",
                             words->name, words->name, words->version ? words->version : "1",
                             words->labelled ? ",\"nvidia.com/gpu.present\":\"true\"" : "");
    if (!words->without_cards) {
        plimsoll_text_add_string(out, ",\"plimsoll.dev/inventory\":");
        plimsoll_text_add_json(out, plimsoll_text_span(&inventory));
    }
    if (words->usage != NULL) {
        plimsoll_text_add_string(out, ",\"plimsoll.dev/usage\":");
        plimsoll_text_add_json(out, plimsoll_span_of(words->usage));
    }
    if (words->pinned) {
        plimsoll_text_add_string(out, ",\"plimsoll.dev/pin\":\"env\"");
    }
    plimsoll_text_add_format(out,
                             "}},\"spec\":{},\"status\":{\"capacity\":{\"cpu\":\"8\"},"
                             "\"allocatable\":{\"cpu\":\"8\"%s%s},\"conditions\":[{\"type\":"
                             "\"Ready\",\"status\":\"True\",\"lastHeartbeatTime\":\"%s\"}]}}",
                             words->without_cards ? "" : ",\"nvidia.com/gpu\":\"",
                             words->without_cards ? "" : (cards > 1 ? "8\"" : "1\""),
                             words->noise != NULL ? words->noise : "2026-11-22T05:10:00Z");
}

/** A report of card 0 of `node`: `used` bytes, `bytes` of them by `pod`. */
static inline void add_usage(struct plimsoll_text *out, const char *node, const char *time,
                             uint64_t used, const char *pod, uint64_t bytes)
{
    plimsoll_text_add_format(out,
                             "{\"v\":1,\"time\":\"%s\",\"cards\":[{\"id\":\"GPU-%s-0\",\"used\":"
                             "%llu,\"attributed\":true,\"pods\":{\"%s\":%llu},\"holders\":[]}]}",
                             time, node, (unsigned long long)used, pod, (unsigned long long)bytes);
}

/** Zero is the usual: an unbound GPU pod that asks for 6Gi. */
struct pod_words {
    const char *name;
    const char *uid;
    const char *node;
    const char *nominated;
    const char *claim; /* bytes of card 0 of its node, in decimal */
    const char *phase;
    const char *version;
    bool without_gpu, agent, ready, terminating;
};

static inline void add_pod(struct plimsoll_text *out, const struct pod_words *words)
{
    plimsoll_autotext claim = plimsoll_text_make(1u << 16);
    if (words->claim != NULL) {
        plimsoll_text_add_format(&claim,
                                 "{\"v\":1,\"pod\":\"%s\",\"node\":\"%s\",\"cards\":[{\"id\":"
                                 "\"GPU-%s-0\",\"vram\":%s,\"idle\":0}]}",
                                 words->uid, words->node, words->node, words->claim);
    }
    plimsoll_text_add_format(out,
                             "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
                             "\"%s\",\"namespace\":\"default\",\"uid\":\"%s\",\"resourceVersion\":"
                             "\"%s\"%s%s,\"annotations\":{\"a\":\"b\"",
                             words->name, words->uid, words->version ? words->version : "1",
                             words->terminating ? ",\"deletionTimestamp\":\"2026-11-22T05:10:00Z\""
                                                : "",
                             words->agent ? ",\"labels\":{\"app.kubernetes.io/part-of\":"
                                            "\"plimsoll\",\"app.kubernetes.io/component\":"
                                            "\"agent\"}"
                                          : "");
    if (!words->without_gpu && !words->agent) {
        plimsoll_text_add_string(out, ",\"plimsoll.dev/vram\":\"6Gi\"");
    }
    if (words->claim != NULL) {
        plimsoll_text_add_string(out, ",\"plimsoll.dev/claim\":");
        plimsoll_text_add_json(out, plimsoll_text_span(&claim));
    }
    plimsoll_text_add_string(out, "}},\"spec\":{");
    if (words->node != NULL) {
        plimsoll_text_add_format(out, "\"nodeName\":\"%s\",", words->node);
    }
    plimsoll_text_add_format(
        out,
        "\"containers\":[{\"name\":\"main\",\"image\":\"x\",\"resources\":{%s}}]},\"status\":{"
        "\"phase\":\"%s\",\"conditions\":[{\"type\":\"Ready\",\"status\":\"%s\"}]",
        words->without_gpu || words->agent ? "" : "\"limits\":{\"nvidia.com/gpu\":\"1\"}",
        words->phase != NULL ? words->phase : "Pending", words->ready ? "True" : "False");
    if (words->nominated != NULL) {
        plimsoll_text_add_format(out, ",\"nominatedNodeName\":\"%s\"", words->nominated);
    }
    plimsoll_text_add_string(out, "}}");
}

static inline struct plimsoll_uid uid_of(const char *text)
{
    struct plimsoll_uid uid = {0};
    memcpy(uid.text, text, strlen(text) + 1);
    return uid;
}
