/* SPDX-License-Identifier: Apache-2.0 */
#include "node_parts.h"

#include <plimsoll/limits.h>

void plimsoll_model_labels_clear(struct plimsoll_model_labels *labels)
{
    free(labels->profiles);
    free(labels->amd[0].sizes);
    free(labels->amd[1].sizes);
    *labels = (struct plimsoll_model_labels){0};
}

/* Cuts `prefix` off; false when `span` does not start with it. */
static bool cut_prefix(struct plimsoll_span *span, const char *prefix)
{
    size_t size = strlen(prefix);
    if (span->size < size || memcmp(span->data, prefix, size) != 0) {
        return false;
    }
    *span = (struct plimsoll_span){.data = span->data + size, .size = span->size - size};
    return true;
}

static bool cut_suffix(struct plimsoll_span *span, const char *suffix)
{
    size_t size = strlen(suffix);
    if (span->size <= size || memcmp(span->data + span->size - size, suffix, size) != 0) {
        return false;
    }
    span->size -= size;
    return true;
}

static struct plimsoll_model_profile *find_profile(struct plimsoll_model_labels *labels,
                                                   struct plimsoll_span name)
{
    for (unsigned i = 0; i < labels->profile_count; i++) {
        if (plimsoll_span_equal(labels->profiles[i].name, name)) {
            return &labels->profiles[i];
        }
    }
    if (labels->profile_count == PLIMSOLL_MODEL_PROFILES_MAX) {
        labels->too_many = true;
        return NULL;
    }
    if (labels->profiles == NULL) {
        labels->profiles = plimsoll_alloc(PLIMSOLL_MODEL_PROFILES_MAX, sizeof *labels->profiles);
    }
    struct plimsoll_model_profile *profile = &labels->profiles[labels->profile_count++];
    profile->name = name;
    return profile;
}

static struct plimsoll_model_value *find_nvidia(struct plimsoll_model_labels *labels,
                                                struct plimsoll_span rest)
{
    if (cut_prefix(&rest, "gpu.")) {
        return plimsoll_span_is(rest, "count")              ? &labels->count
               : plimsoll_span_is(rest, "memory")           ? &labels->memory
               : plimsoll_span_is(rest, "product")          ? &labels->product
               : plimsoll_span_is(rest, "replicas")         ? &labels->replicas
               : plimsoll_span_is(rest, "sharing-strategy") ? &labels->sharing
                                                            : NULL;
    }
    if (!cut_prefix(&rest, "mig-")) {
        return NULL;
    }
    bool count = cut_suffix(&rest, ".count");
    if (!count && !cut_suffix(&rest, ".memory")) {
        return NULL;
    }
    struct plimsoll_model_profile *profile = find_profile(labels, rest);
    return profile == NULL ? NULL : count ? &profile->count : &profile->memory;
}

static struct plimsoll_model_value *find_amd(struct plimsoll_model_labels *labels, unsigned which,
                                             struct plimsoll_span rest)
{
    struct plimsoll_model_amd *amd = &labels->amd[which];
    if (plimsoll_span_is(rest, "gpu.product-name")) {
        return &amd->product;
    }
    if (plimsoll_span_is(rest, "gpu.vram")) {
        return &amd->vram;
    }
    if (!cut_prefix(&rest, "gpu.vram.")) {
        return NULL;
    }
    for (unsigned i = 0; i < amd->size_count; i++) {
        if (plimsoll_span_equal(amd->sizes[i].name, rest)) {
            return &amd->sizes[i].count;
        }
    }
    if (amd->size_count == PLIMSOLL_MODEL_SIZES_MAX) {
        labels->too_many = true;
        return NULL;
    }
    if (amd->sizes == NULL) {
        amd->sizes = plimsoll_alloc(PLIMSOLL_MODEL_SIZES_MAX, sizeof *amd->sizes);
    }
    amd->sizes[amd->size_count].name = rest;
    return &amd->sizes[amd->size_count++].count;
}

struct plimsoll_model_value *plimsoll_model_labels_find(struct plimsoll_model_labels *labels,
                                                        struct plimsoll_span key)
{
    if (cut_prefix(&key, "nvidia.com/")) {
        return find_nvidia(labels, key);
    }
    if (cut_prefix(&key, "amd.com/")) {
        return find_amd(labels, 0, key);
    }
    if (cut_prefix(&key, "beta.amd.com/")) {
        return find_amd(labels, 1, key);
    }
    if (!cut_prefix(&key, "gpu.intel.com/")) {
        return NULL;
    }
    return plimsoll_span_is(key, "device.count") ? &labels->intel_count
           : plimsoll_span_is(key, "product")    ? &labels->intel_product
                                                 : NULL;
}

void plimsoll_model_label_text(const struct plimsoll_model_value *value, char *out, size_t size)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text = {0};
    struct plimsoll_error ignored;
    if (!value->present || plimsoll_model_value_text(value, &scratch, &text, &ignored) != 0) {
        text.size = 0;
    }
    plimsoll_model_copy_cut(text, out, size);
}

int plimsoll_model_label_number(const struct plimsoll_model_value *value, const char *name,
                                uint64_t max, uint64_t *out, struct plimsoll_error *err)
{
    if (!value->present) {
        return 0;
    }
    char text[64];
    plimsoll_model_label_text(value, text, sizeof text);
    unsigned long long number;
    if (!plimsoll_span_decimal(plimsoll_span_of(text), &number) || number > max) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "label %s: \"%s\" is not a whole number from 0 to %llu", name,
                                  text, (unsigned long long)max);
    }
    *out = number;
    return 1;
}

int plimsoll_model_cards_add(struct plimsoll_model_cards *cards, uint64_t count,
                             enum plimsoll_vendor vendor, const char *product, uint64_t total,
                             struct plimsoll_error *err)
{
    if (count > PLIMSOLL_CARDS_MAX || cards->count + count > PLIMSOLL_CARDS_MAX) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "labels and allocatable say %llu %s cards; a node may have at most %d (is a label "
            "for the replicas missing?)",
            (unsigned long long)count, plimsoll_vendor_text(vendor), PLIMSOLL_CARDS_MAX);
    }
    if (count == 0) {
        return 0;
    }
    int16_t index = 0;
    for (uint32_t i = 0; i < cards->count; i++) {
        index = (int16_t)(index + (cards->list[i].vendor == vendor));
    }
    cards->list = plimsoll_realloc(cards->list, cards->count + count, sizeof *cards->list);
    for (uint64_t i = 0; i < count; i++) {
        struct plimsoll_card *card = &cards->list[cards->count];
        plimsoll_model_card_init(card);
        /* NVIDIA's come first, so that there the id is the index its runtime understands. */
        snprintf(card->id, sizeof card->id, "%u", cards->count);
        card->index = index++;
        card->vendor = (uint8_t)vendor;
        card->total = total;
        plimsoll_model_copy_cut(plimsoll_span_of(product), card->product, sizeof card->product);
        cards->count++;
    }
    return 0;
}

uint64_t plimsoll_model_offered(const struct plimsoll_node *node, enum plimsoll_vendor vendor,
                                bool mig)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < node->resource_count; i++) {
        const struct plimsoll_node_resource *resource = &node->resources[i];
        if (resource->vendor == vendor && resource->mig == mig &&
            __builtin_add_overflow(sum, resource->allocatable, &sum)) {
            sum = UINT64_MAX;
        }
    }
    return sum;
}

int plimsoll_model_labels_sharing(const struct plimsoll_model_labels *labels,
                                  struct plimsoll_node *node, struct plimsoll_error *err)
{
    uint64_t replicas = 0;
    char sharing[64];
    plimsoll_model_label_text(&labels->sharing, sharing, sizeof sharing);
    node->mps = strcmp(sharing, "mps") == 0;
    if (plimsoll_model_label_number(&labels->replicas, "nvidia.com/gpu.replicas",
                                    PLIMSOLL_REPLICAS_MAX, &replicas, err) < 0) {
        return -1;
    }
    node->replicas = (uint32_t)replicas;
    return 0;
}

int plimsoll_model_labels_cards(const struct plimsoll_model_labels *labels,
                                struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                                struct plimsoll_error *err)
{
    if (labels->too_many) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "labels name more than %d MIG profiles or %d sizes of card",
                                  PLIMSOLL_MODEL_PROFILES_MAX, PLIMSOLL_MODEL_SIZES_MAX);
    }
    struct plimsoll_model_cards found = {0};
    if (plimsoll_model_nvidia_cards(labels, node, &found, err) != 0 ||
        plimsoll_model_amd_cards(labels, node, &found, err) != 0 ||
        plimsoll_model_intel_cards(labels, node, &found, err) != 0) {
        plimsoll_model_cards_clear(&found);
        return -1;
    }
    plimsoll_model_cards_clear(cards);
    *cards = found;
    return 0;
}
