/* SPDX-License-Identifier: Apache-2.0 */
/* What is added to the pod's spec outside its containers. */
#include "admission_parts.h"

#include <jansson.h>

static bool wants_class(const struct plimsoll_mutation *mutation)
{
    const struct plimsoll_profile *profile = mutation->profile;
    switch (profile->runtime_class_require) {
    case PLIMSOLL_REQUIRE_ALWAYS:
        return true;
    case PLIMSOLL_REQUIRE_NEVER:
        return false;
    case PLIMSOLL_REQUIRE_AUTO:
        break;
    }
    /* The API server refuses a pod whose class is missing. */
    return !mutation->facts->api ||
           (mutation->facts->runtime_classes >> profile->runtime_class_index & 1) != 0;
}

void plimsoll_mutation_runtime_class(struct plimsoll_mutation *mutation)
{
    const char *class = mutation->profile->runtime_class;
    struct plimsoll_json there = plimsoll_json_get(mutation->spec, "runtimeClassName");
    if (class == NULL) {
        return;
    }
    if (!plimsoll_mutation_has_text(there)) {
        if (wants_class(mutation)) {
            /* Never spec.overhead: the API server fills it in from the class afterwards. */
            plimsoll_patch_operation(mutation, "add", "/spec/runtimeClassName", class);
            mutation->class_added = true;
        }
        return;
    }
    /* Only through the runtime's env does a pod without a vendor resource get a card. */
    if (!mutation->demand.plugin && !plimsoll_json_is(there, class) &&
        !plimsoll_span_starts(plimsoll_json_raw(there), "nvidia")) {
        struct plimsoll_span raw = plimsoll_json_raw(there);
        plimsoll_mutation_warn(mutation,
                               "runtimeClassName %.*s is kept: unless it is NVIDIA's, the pod gets "
                               "no card",
                               (int)(raw.size < 40 ? raw.size : 40), raw.data);
    }
}

static uint64_t selector_bit(const struct plimsoll_reading *reading,
                             const struct plimsoll_pair *pair)
{
    for (size_t i = 0; i < reading->selector_count; i++) {
        if (strcmp(reading->selectors[i].key, pair->key) == 0 &&
            strcmp(reading->selectors[i].value, pair->value) == 0) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

static bool wants_selector(const struct plimsoll_mutation *mutation,
                           const struct plimsoll_pair *pair)
{
    const struct plimsoll_facts *facts = mutation->facts;
    enum plimsoll_vendor vendor = mutation->profile->vendor;
    switch (mutation->profile->node_selector_require) {
    case PLIMSOLL_REQUIRE_ALWAYS:
        return true;
    case PLIMSOLL_REQUIRE_NEVER:
        return false;
    case PLIMSOLL_REQUIRE_AUTO:
        break;
    }
    return !facts->api ||
           (facts->nodes[vendor] > 0 &&
            (facts->selectors[vendor] & selector_bit(&mutation->config->reading, pair)) != 0);
}

void plimsoll_mutation_node_selector(struct plimsoll_mutation *mutation)
{
    const struct plimsoll_pairs *pairs = &mutation->profile->node_selector;
    struct plimsoll_json there = plimsoll_json_get(mutation->spec, "nodeSelector");
    struct plimsoll_addition addition =
        plimsoll_addition_to_object(mutation, "/spec/nodeSelector", there);
    for (size_t i = 0; i < pairs->count; i++) {
        const struct plimsoll_pair *pair = &pairs->list[i];
        struct plimsoll_json value = plimsoll_json_get(there, pair->key);
        if (!wants_selector(mutation, pair)) {
            continue;
        }
        if (!plimsoll_mutation_has(value)) {
            plimsoll_addition_string(&addition, pair->key, pair->value);
        } else if (!plimsoll_json_is(value, pair->value)) {
            plimsoll_mutation_warn(mutation, "nodeSelector %s is kept; profile %s has %s",
                                   pair->key, mutation->profile->name, pair->value);
        }
    }
    plimsoll_addition_end(&addition);
}

/* ---- tolerations ---- */

/* An empty string and an absent one are the same to the API. */
static bool is_same(struct plimsoll_json a, struct plimsoll_json b)
{
    bool has = plimsoll_mutation_has_text(a);
    return has == plimsoll_mutation_has_text(b) &&
           (!has || plimsoll_span_equal(plimsoll_json_raw(a), plimsoll_json_raw(b)));
}

static bool is_empty(struct plimsoll_json object, const char *key)
{
    return !plimsoll_mutation_has_text(plimsoll_json_get(object, key));
}

static bool is_same_field(struct plimsoll_json a, struct plimsoll_json b, const char *key)
{
    return is_same(plimsoll_json_get(a, key), plimsoll_json_get(b, key));
}

static bool is_exists(struct plimsoll_json toleration)
{
    return plimsoll_json_is(plimsoll_json_get(toleration, "operator"), "Exists");
}

static bool is_equal(struct plimsoll_json toleration)
{
    struct plimsoll_json operator= plimsoll_json_get(toleration, "operator");
    return plimsoll_json_is(operator, "Equal") || !plimsoll_mutation_has_text(operator);
}

/* Does what is there tolerate every taint that `wanted` does, for as long? */
static bool covers(struct plimsoll_json there, struct plimsoll_json wanted)
{
    if (plimsoll_json_type(there) != PLIMSOLL_JSON_OBJECT ||
        (!(is_empty(there, "key") && is_exists(there)) && !is_same_field(there, wanted, "key")) ||
        (!is_empty(there, "effect") && !is_same_field(there, wanted, "effect"))) {
        return false;
    }
    if (!is_exists(there) &&
        (is_exists(wanted) || !is_equal(there) || !is_same_field(there, wanted, "value"))) {
        return false;
    }
    struct plimsoll_json seconds = plimsoll_json_get(there, "tolerationSeconds");
    int64_t number, needed;
    if (!plimsoll_mutation_has(seconds)) {
        return true;
    }
    return plimsoll_json_int(plimsoll_json_get(wanted, "tolerationSeconds"), &needed) &&
           plimsoll_json_int(seconds, &number) && number >= needed;
}

static bool is_covered(struct plimsoll_json there, struct plimsoll_json wanted)
{
    if (plimsoll_json_type(there) != PLIMSOLL_JSON_ARRAY) {
        return false;
    }
    for (struct plimsoll_json toleration = plimsoll_json_first(there);
         plimsoll_json_type(toleration) != PLIMSOLL_JSON_MISSING;
         toleration = plimsoll_json_next(toleration)) {
        if (covers(toleration, wanted)) {
            return true;
        }
    }
    return false;
}

void plimsoll_mutation_tolerations(struct plimsoll_mutation *mutation)
{
    const char *json = mutation->profile->tolerations_json;
    plimsoll_autojson *document = NULL;
    struct plimsoll_error err;
    if (json == NULL) {
        return;
    }
    if (plimsoll_json_parse(plimsoll_span_of(json), &document, &err) < 0) {
        abort(); /* the configuration wrote it */
    }
    struct plimsoll_json there = plimsoll_json_get(mutation->spec, "tolerations");
    struct plimsoll_addition addition =
        plimsoll_addition_to_array(mutation, "/spec/tolerations", there);
    for (struct plimsoll_json wanted = plimsoll_json_first(plimsoll_json_root(document));
         plimsoll_json_type(wanted) != PLIMSOLL_JSON_MISSING; wanted = plimsoll_json_next(wanted)) {
        if (!is_covered(there, wanted)) {
            plimsoll_text_add_span(plimsoll_addition_next(&addition, NULL),
                                   plimsoll_json_raw(wanted));
        }
    }
    plimsoll_addition_end(&addition);
}

/* ---- node affinity, scheduler, priority ---- */

void plimsoll_mutation_node_affinity(struct plimsoll_mutation *mutation)
{
    const char *json = mutation->profile->node_affinity_json;
    struct plimsoll_json affinity = plimsoll_json_get(mutation->spec, "affinity");
    struct plimsoll_json there = plimsoll_json_get(affinity, "nodeAffinity");
    if (json == NULL) {
        return;
    }
    if (!plimsoll_mutation_has(there)) {
        struct plimsoll_addition addition =
            plimsoll_addition_to_object(mutation, "/spec/affinity", affinity);
        plimsoll_text_add_string(plimsoll_addition_next(&addition, "nodeAffinity"), json);
        plimsoll_addition_end(&addition);
        return;
    }
    struct plimsoll_span raw = plimsoll_json_raw(there);
    json_auto_t *has = json_loadb(raw.data, raw.size, 0, NULL);
    json_auto_t *wanted = json_loads(json, 0, NULL);
    if (!json_equal(has, wanted)) {
        plimsoll_mutation_warn(mutation,
                               "nodeAffinity of the pod is kept; that of profile %s is not added",
                               mutation->profile->name);
    }
}

void plimsoll_mutation_scheduler(struct plimsoll_mutation *mutation)
{
    const char *ours = mutation->profile->scheduler_name;
    struct plimsoll_json there = plimsoll_json_get(mutation->spec, "schedulerName");
    if (ours == NULL || *ours == '\0' || plimsoll_json_is(there, ours)) {
        return;
    }
    /* The API server fills in default-scheduler before anybody sees the pod. */
    if (!plimsoll_mutation_has_text(there) || plimsoll_json_is(there, "default-scheduler")) {
        plimsoll_patch_operation(mutation, "add", "/spec/schedulerName", ours);
        return;
    }
    struct plimsoll_span raw = plimsoll_json_raw(there);
    plimsoll_mutation_warn(mutation,
                           "schedulerName %.*s is kept: it does not ask how much VRAM is free",
                           (int)(raw.size < 40 ? raw.size : 40), raw.data);
}

void plimsoll_mutation_priority(struct plimsoll_mutation *mutation)
{
    static const char *const computed[] = {"priority", "preemptionPolicy"};
    const char *class = mutation->profile->priority_class_name;
    struct plimsoll_json there = plimsoll_json_get(mutation->spec, "priorityClassName");
    if (class == NULL || plimsoll_mutation_has_text(there)) {
        return;
    }
    plimsoll_patch_operation(mutation, "add", "/spec/priorityClassName", class);
    /* What the API server computed before would contradict the class. */
    for (size_t i = 0; i < 2; i++) {
        if (plimsoll_json_type(plimsoll_json_get(mutation->spec, computed[i])) !=
            PLIMSOLL_JSON_MISSING) {
            plimsoll_patch_on_member(mutation, "remove", "/spec", computed[i], NULL);
        }
    }
}
