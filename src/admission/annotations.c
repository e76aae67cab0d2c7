/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations: the profile's, ours, and the reserved ones that nobody may bring along. */
#include "admission_parts.h"

static const char annotations_path[] = "/metadata/annotations";

static void add(const struct plimsoll_mutation *mutation, struct plimsoll_addition *addition,
                const char *key, const char *value)
{
    if (!plimsoll_mutation_has(plimsoll_json_get(mutation->annotations, key))) {
        plimsoll_addition_string(addition, key, value);
    }
}

static void add_profiles(const struct plimsoll_mutation *mutation,
                         struct plimsoll_addition *addition)
{
    const struct plimsoll_profile *profile = mutation->profile;
    for (size_t i = 0; i < profile->annotations.count; i++) {
        const struct plimsoll_pair *pair = &profile->annotations.list[i];
        add(mutation, addition, pair->key, pair->value);
    }
    if (mutation->demand.gpu && mutation->demand.request == PLIMSOLL_REQUEST_DEFAULT &&
        profile->vram != NULL) {
        add(mutation, addition, PLIMSOLL_ANNOTATION_VRAM, profile->vram);
    }
    add(mutation, addition, PLIMSOLL_ANNOTATION_PROFILE, profile->name);
}

/* The N of `plimsoll.dev/visible-devices.N`, 0 without a suffix, PLIMSOLL_GPU_CONTAINERS_MAX for
 * one that no container has. @return false when it is another key. */
static bool parse_visible_key(struct plimsoll_span key, unsigned *order)
{
    struct plimsoll_span base = plimsoll_span_of(PLIMSOLL_ANNOTATION_VISIBLE);
    if (plimsoll_span_equal(key, base)) {
        *order = 0;
        return true;
    }
    if (!plimsoll_span_starts(key, PLIMSOLL_ANNOTATION_VISIBLE ".")) {
        return false;
    }
    struct plimsoll_span digits = {.data = key.data + base.size + 1,
                                   .size = key.size - base.size - 1};
    unsigned long long number;
    bool canonical = plimsoll_span_decimal(digits, &number) && digits.data[0] != '0' &&
                     number < PLIMSOLL_GPU_CONTAINERS_MAX;
    *order = canonical ? (unsigned)number : PLIMSOLL_GPU_CONTAINERS_MAX;
    return true;
}

static void drop(struct plimsoll_mutation *mutation, const char *key)
{
    plimsoll_patch_on_member(mutation, "remove", annotations_path, key, NULL);
}

/* Until the pod is bound the value is `void`: what sees no card yet fails closed. */
static void settle_visible(struct plimsoll_mutation *mutation, const char *key, unsigned order,
                           struct plimsoll_json value, uint32_t *settled)
{
    bool ours = plimsoll_json_is(value, "void");
    bool read = order < PLIMSOLL_GPU_CONTAINERS_MAX && (mutation->devices_read >> order & 1) != 0;
    if (!ours) {
        plimsoll_mutation_warn(mutation, "annotation %s is Plimsoll's to write: its value is %s",
                               key, read ? "set to void until the pod is bound" : "removed");
    }
    if (!read) {
        drop(mutation, key);
        return;
    }
    *settled |= 1u << order;
    if (!ours) {
        plimsoll_patch_on_member(mutation, "replace", annotations_path, key, "void");
    }
}

static void add_void(struct plimsoll_addition *addition, uint32_t orders)
{
    for (unsigned order = 0; order < PLIMSOLL_GPU_CONTAINERS_MAX; order++) {
        char key[64];
        if ((orders >> order & 1) == 0) {
            continue;
        }
        if (order == 0) {
            snprintf(key, sizeof key, "%s", PLIMSOLL_ANNOTATION_VISIBLE);
        } else {
            snprintf(key, sizeof key, "%s.%u", PLIMSOLL_ANNOTATION_VISIBLE, order);
        }
        plimsoll_addition_string(addition, key, "void");
    }
}

/* @return the visible-devices that are there, as bits. */
static uint32_t settle_reserved(struct plimsoll_mutation *mutation)
{
    uint32_t settled = 0;
    bool object = plimsoll_json_type(mutation->annotations) == PLIMSOLL_JSON_OBJECT;
    struct plimsoll_json at = mutation->annotations;
    for (at = plimsoll_json_first(at); object && plimsoll_json_type(at) != PLIMSOLL_JSON_MISSING;
         at = plimsoll_json_next(at)) {
        plimsoll_autofree char *key = plimsoll_json_dup(at);
        unsigned order;
        if (key == NULL) {
            continue;
        }
        if (strcmp(key, PLIMSOLL_ANNOTATION_CLAIM) == 0) {
            plimsoll_mutation_warn(mutation,
                                   "annotation %s is removed: only Plimsoll writes it, "
                                   "when it binds the pod",
                                   key);
            drop(mutation, key);
        } else if (parse_visible_key(plimsoll_span_of(key), &order)) {
            settle_visible(mutation, key, order, plimsoll_json_value(at), &settled);
        }
    }
    return settled;
}

void plimsoll_mutation_annotations(struct plimsoll_mutation *mutation)
{
    uint32_t settled = settle_reserved(mutation);
    struct plimsoll_addition addition =
        plimsoll_addition_to_object(mutation, annotations_path, mutation->annotations);
    if (mutation->profile != NULL) {
        add_profiles(mutation, &addition);
    }
    add_void(&addition, mutation->devices_read & ~settled);
    plimsoll_addition_end(&addition);
}
