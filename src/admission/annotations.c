/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations: the profile's, ours, and the reserved ones that nobody may bring along. */
#include "admission_parts.h"

static void add(struct plimsoll_mutation *mutation, const char *key, const char *value)
{
    if (!plimsoll_mutation_has(plimsoll_json_get(mutation->annotations, key))) {
        json_object_set_new(mutation->new_annotations, key, json_string(value));
    }
}

void plimsoll_mutation_annotations(struct plimsoll_mutation *mutation)
{
    const struct plimsoll_profile *profile = mutation->profile;
    for (size_t i = 0; i < profile->annotations.count; i++) {
        add(mutation, profile->annotations.list[i].key, profile->annotations.list[i].value);
    }
    if (mutation->demand.gpu && mutation->demand.request == PLIMSOLL_REQUEST_DEFAULT &&
        profile->vram != NULL) {
        add(mutation, PLIMSOLL_ANNOTATION_VRAM, profile->vram);
    }
    add(mutation, PLIMSOLL_ANNOTATION_PROFILE, profile->name);
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
    plimsoll_autofree char *path = plimsoll_patch_path("/metadata/annotations", key);
    plimsoll_patch_operation(mutation->patch, "remove", path, NULL);
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
        plimsoll_autofree char *path = plimsoll_patch_path("/metadata/annotations", key);
        plimsoll_patch_operation(mutation->patch, "replace", path, json_string("void"));
    }
}

static void add_void(struct plimsoll_mutation *mutation, uint32_t orders)
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
        json_object_set_new(mutation->new_annotations, key, json_string("void"));
    }
}

void plimsoll_mutation_reserved(struct plimsoll_mutation *mutation)
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
    add_void(mutation, mutation->devices_read & ~settled);
    plimsoll_patch_members(mutation->patch, "/metadata/annotations", mutation->annotations,
                           PLIMSOLL_TAKE(mutation->new_annotations));
}

/* ---- the marker limit ---- */

/* The scheduler calls its extender for names it was given; those cannot be patterns. */
static bool is_listed(const struct plimsoll_mutation *mutation, struct plimsoll_json amounts)
{
    const struct plimsoll_resources *resources = &mutation->config->reading.resources;
    if (plimsoll_json_type(amounts) != PLIMSOLL_JSON_OBJECT) {
        return false;
    }
    for (struct plimsoll_json key = plimsoll_json_first(amounts);
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        const struct plimsoll_resource *rule =
            plimsoll_resources_find(resources, plimsoll_json_raw(key));
        if (plimsoll_json_is(key, PLIMSOLL_RESOURCE_VRAM) ||
            (rule != NULL && strchr(rule->name, '*') == NULL)) {
            return true;
        }
    }
    return false;
}

void plimsoll_mutation_marker(struct plimsoll_mutation *mutation)
{
    struct plimsoll_container container = {0}, first = {0};
    if (!mutation->config->marker_limit) {
        return;
    }
    while (plimsoll_container_next(mutation, &container)) {
        struct plimsoll_json resources = plimsoll_json_get(container.json, "resources");
        if (is_listed(mutation, plimsoll_json_get(resources, "limits")) ||
            is_listed(mutation, plimsoll_json_get(resources, "requests"))) {
            return;
        }
        if (container.gpu && container.order == 0) {
            first = container;
        }
    }
    if (first.json.document == NULL) {
        return;
    }
    struct plimsoll_json resources = plimsoll_json_get(first.json, "resources");
    json_t *limit = json_object();
    json_object_set_new(limit, PLIMSOLL_RESOURCE_VRAM, json_string("0"));
    if (plimsoll_json_type(resources) != PLIMSOLL_JSON_OBJECT) {
        json_t *limits = json_object();
        json_object_set_new(limits, "limits", limit);
        plimsoll_autofree char *path = plimsoll_container_path(&first, "/resources");
        plimsoll_patch_operation(mutation->patch, "add", path, limits);
        return;
    }
    plimsoll_autofree char *path = plimsoll_container_path(&first, "/resources/limits");
    plimsoll_patch_members(mutation->patch, path, plimsoll_json_get(resources, "limits"), limit);
}
