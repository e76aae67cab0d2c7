/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of plimsoll.dev/vram: the marker that calls the extender, and the request as the scheduler
 * and quotas see it. */
#include "admission_parts.h"

#include <plimsoll/quantity.h>

/* The first container that uses cards. @return false when it is not there. */
static bool find_first(const struct plimsoll_mutation *mutation, struct plimsoll_container *first)
{
    struct plimsoll_container container = {0};
    while (plimsoll_container_next(mutation, &container)) {
        if (container.gpu) {
            *first = container;
            return true;
        }
    }
    return false;
}

static void add_limit(struct plimsoll_mutation *mutation,
                      const struct plimsoll_container *container, const char *amount)
{
    char path[64];
    struct plimsoll_json resources = plimsoll_json_get(container->json, "resources");
    if (plimsoll_json_type(resources) != PLIMSOLL_JSON_OBJECT) {
        struct plimsoll_addition created = plimsoll_addition_to_object(
            mutation, plimsoll_container_path(container, "/resources", path), resources);
        plimsoll_text_add_format(plimsoll_addition_next(&created, "limits"),
                                 "{\"" PLIMSOLL_RESOURCE_VRAM "\":\"%s\"}", amount);
        plimsoll_addition_end(&created);
        return;
    }
    struct plimsoll_addition limit = plimsoll_addition_to_object(
        mutation, plimsoll_container_path(container, "/resources/limits", path),
        plimsoll_json_get(resources, "limits"));
    plimsoll_addition_string(&limit, PLIMSOLL_RESOURCE_VRAM, amount);
    plimsoll_addition_end(&limit);
}

/* ---- the request ---- */

/* What the pod asks for on each card, by itself or by its profile. @return 0: not a number of bytes
 */
static uint64_t bytes_per_card(const struct plimsoll_mutation *mutation)
{
    const struct plimsoll_demand *demand = &mutation->demand;
    const char *vram = mutation->profile != NULL ? mutation->profile->vram : NULL;
    uint64_t bytes = 0;
    struct plimsoll_error unused;
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        return demand->vram;
    }
    if (demand->request == PLIMSOLL_REQUEST_DEFAULT && vram != NULL &&
        plimsoll_quantity_parse(plimsoll_span_of(vram), &bytes, &unused) != 0) {
        bytes = 0; /* a share of the card that it will land on */
    }
    return bytes;
}

static bool has_limit(const struct plimsoll_mutation *mutation)
{
    struct plimsoll_container container = {0};
    while (plimsoll_container_next(mutation, &container)) {
        struct plimsoll_json resources = plimsoll_json_get(container.json, "resources");
        if (plimsoll_mutation_has(plimsoll_json_get(plimsoll_json_get(resources, "limits"),
                                                    PLIMSOLL_RESOURCE_VRAM)) ||
            plimsoll_mutation_has(plimsoll_json_get(plimsoll_json_get(resources, "requests"),
                                                    PLIMSOLL_RESOURCE_VRAM))) {
            return true;
        }
    }
    return false;
}

/* Exact, in the largest binary unit that is. */
static void format_exact(uint64_t bytes, char out[PLIMSOLL_QUANTITY_SIZE])
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi"};
    unsigned unit = 0;
    while (unit < 3 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, PLIMSOLL_QUANTITY_SIZE, "%llu%s", (unsigned long long)bytes, units[unit]);
}

void plimsoll_mutation_limit(struct plimsoll_mutation *mutation)
{
    uint64_t total, bytes = mutation->config->node_capacity ? bytes_per_card(mutation) : 0;
    struct plimsoll_container first = {0};
    char amount[PLIMSOLL_QUANTITY_SIZE];
    if (bytes == 0 || __builtin_mul_overflow(bytes, (uint64_t)mutation->demand.cards, &total) ||
        total > INT64_MAX || has_limit(mutation) || !find_first(mutation, &first)) {
        return;
    }
    format_exact(total, amount);
    add_limit(mutation, &first, amount);
    mutation->limit_added = true;
}

/* ---- the marker ---- */

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
    if (!mutation->config->marker_limit || mutation->limit_added) {
        return;
    }
    while (plimsoll_container_next(mutation, &container)) {
        struct plimsoll_json resources = plimsoll_json_get(container.json, "resources");
        if (is_listed(mutation, plimsoll_json_get(resources, "limits")) ||
            is_listed(mutation, plimsoll_json_get(resources, "requests"))) {
            return;
        }
    }
    if (find_first(mutation, &first)) {
        add_limit(mutation, &first, "0");
    }
}
