/* SPDX-License-Identifier: Apache-2.0 */
/* What is added to the pod's spec outside its containers. */
#include "admission_parts.h"

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
            plimsoll_patch_operation(mutation->patch, "add", "/spec/runtimeClassName",
                                     json_string(class));
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
    json_t *missing = json_object();
    for (size_t i = 0; i < pairs->count; i++) {
        const struct plimsoll_pair *pair = &pairs->list[i];
        struct plimsoll_json value = plimsoll_json_get(there, pair->key);
        if (!wants_selector(mutation, pair)) {
            continue;
        }
        if (!plimsoll_mutation_has(value)) {
            json_object_set_new(missing, pair->key, json_string(pair->value));
        } else if (!plimsoll_json_is(value, pair->value)) {
            plimsoll_mutation_warn(mutation, "nodeSelector %s is kept; profile %s has %s",
                                   pair->key, mutation->profile->name, pair->value);
        }
    }
    plimsoll_patch_members(mutation->patch, "/spec/nodeSelector", there, missing);
}

/* ---- tolerations ---- */

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && *text != '\0' ? text : otherwise;
}

static bool is_text(struct plimsoll_json object, const char *key, const char *text)
{
    return plimsoll_json_is(plimsoll_json_get(object, key), text);
}

static bool is_empty(struct plimsoll_json object, const char *key)
{
    return !plimsoll_mutation_has_text(plimsoll_json_get(object, key));
}

/* Does what is there tolerate every taint that `wanted` does, for as long? */
static bool covers(struct plimsoll_json there, const json_t *wanted)
{
    const char *key = text_of(wanted, "key", ""), *effect = text_of(wanted, "effect", "");
    const char *operator= text_of(wanted, "operator", "Equal");
    bool exists = is_text(there, "operator", "Exists");
    if (!(is_empty(there, "key") && exists) && !is_text(there, "key", key)) {
        return false;
    }
    if (!is_empty(there, "effect") && !is_text(there, "effect", effect)) {
        return false;
    }
    if (!exists && (strcmp(operator, "Exists") == 0 ||
                    !(is_text(there, "operator", "Equal") || is_empty(there, "operator")) ||
                    !(is_text(there, "value", text_of(wanted, "value", "")) ||
                      (is_empty(there, "value") && *text_of(wanted, "value", "") == '\0')))) {
        return false;
    }
    struct plimsoll_json seconds = plimsoll_json_get(there, "tolerationSeconds");
    const json_t *wanted_seconds = json_object_get(wanted, "tolerationSeconds");
    int64_t number;
    if (!plimsoll_mutation_has(seconds)) {
        return true;
    }
    return wanted_seconds != NULL && plimsoll_json_int(seconds, &number) &&
           number >= json_integer_value(wanted_seconds);
}

static bool is_covered(struct plimsoll_json there, const json_t *wanted)
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
    if (mutation->profile->tolerations_json == NULL) {
        return;
    }
    struct plimsoll_json there = plimsoll_json_get(mutation->spec, "tolerations");
    json_auto_t *wanted = json_loads(mutation->profile->tolerations_json, 0, NULL);
    json_t *missing = json_array();
    size_t index;
    json_t *toleration;
    json_array_foreach(wanted, index, toleration)
    {
        if (!is_covered(there, toleration)) {
            json_array_append(missing, toleration);
        }
    }
    plimsoll_patch_elements(mutation->patch, "/spec/tolerations", there, missing);
}

/* ---- node affinity, scheduler, priority ---- */

void plimsoll_mutation_node_affinity(struct plimsoll_mutation *mutation)
{
    if (mutation->profile->node_affinity_json == NULL) {
        return;
    }
    json_auto_t *wanted = json_loads(mutation->profile->node_affinity_json, 0, NULL);
    struct plimsoll_json affinity = plimsoll_json_get(mutation->spec, "affinity");
    struct plimsoll_json there = plimsoll_json_get(affinity, "nodeAffinity");
    if (!plimsoll_mutation_has(there)) {
        json_t *member = json_object();
        json_object_set(member, "nodeAffinity", wanted);
        plimsoll_patch_members(mutation->patch, "/spec/affinity", affinity, member);
        return;
    }
    struct plimsoll_span raw = plimsoll_json_raw(there);
    json_auto_t *has = json_loadb(raw.data, raw.size, 0, NULL);
    if (!json_equal(has, wanted)) {
        plimsoll_mutation_warn(mutation,
                               "nodeAffinity of the pod is kept; that of profile %s is "
                               "not added",
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
        plimsoll_patch_operation(mutation->patch, "add", "/spec/schedulerName", json_string(ours));
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
    plimsoll_patch_operation(mutation->patch, "add", "/spec/priorityClassName", json_string(class));
    /* What the API server computed before would contradict the class. */
    for (size_t i = 0; i < 2; i++) {
        if (plimsoll_json_type(plimsoll_json_get(mutation->spec, computed[i])) !=
            PLIMSOLL_JSON_MISSING) {
            plimsoll_autofree char *path = plimsoll_patch_path("/spec", computed[i]);
            plimsoll_patch_operation(mutation->patch, "remove", path, NULL);
        }
    }
}
