/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod asks of its node besides cards, and whether a node has it. */
#include "parts.h"

#include <errno.h>
#include <string.h>

static char *dup_or_empty(struct plimsoll_json value)
{
    char *copy = plimsoll_json_dup(value);
    return copy != NULL ? copy : plimsoll_copy("", 0);
}

/* -- reading -------------------------------------------------------------------------------------
 */

static void read_values(struct plimsoll_json list, struct plimsoll_strings *values)
{
    size_t count = plimsoll_json_count(list);
    values->list = plimsoll_alloc(count + 1, sizeof *values->list);
    for (struct plimsoll_json it = plimsoll_json_first(list); values->count < count;
         it = plimsoll_json_next(it)) {
        values->list[values->count++] = dup_or_empty(it);
    }
}

static void read_requirement(struct plimsoll_json from, bool field,
                             struct plimsoll_requirement *requirement)
{
    static const char *const ops[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"};
    struct plimsoll_json op = plimsoll_json_get(from, "operator");
    requirement->key = dup_or_empty(plimsoll_json_get(from, "key"));
    requirement->field = field;
    requirement->op = PLIMSOLL_OP_UNKNOWN;
    for (int i = 0; i < PLIMSOLL_OP_UNKNOWN; i++) {
        if (plimsoll_json_is(op, ops[i])) {
            requirement->op = (enum plimsoll_op)i;
        }
    }
    read_values(plimsoll_json_get(from, "values"), &requirement->values);
}

static void read_requirements(struct plimsoll_json list, bool field,
                              struct plimsoll_node_term *term)
{
    size_t count = plimsoll_json_count(list);
    struct plimsoll_json it = plimsoll_json_first(list);
    for (size_t i = 0; i < count; i++, it = plimsoll_json_next(it)) {
        read_requirement(it, field, &term->list[term->count++]);
    }
}

static void read_term(struct plimsoll_json from, struct plimsoll_node_term *term)
{
    struct plimsoll_json expressions = plimsoll_json_get(from, "matchExpressions");
    struct plimsoll_json fields = plimsoll_json_get(from, "matchFields");
    size_t count = plimsoll_json_count(expressions) + plimsoll_json_count(fields);
    term->list = plimsoll_alloc(count + 1, sizeof *term->list);
    read_requirements(expressions, false, term);
    read_requirements(fields, true, term);
}

static void read_selector(struct plimsoll_json selector, struct plimsoll_node_term *term)
{
    size_t count = plimsoll_json_count(selector);
    term->list = plimsoll_alloc(count + 1, sizeof *term->list);
    struct plimsoll_json key = plimsoll_json_first(selector);
    for (; term->count < count; key = plimsoll_json_next(key)) {
        struct plimsoll_requirement *requirement = &term->list[term->count++];
        requirement->key = dup_or_empty(key);
        requirement->op = PLIMSOLL_OP_IN;
        requirement->values.list = plimsoll_alloc(1, sizeof *requirement->values.list);
        requirement->values.list[requirement->values.count++] =
            dup_or_empty(plimsoll_json_value(key));
    }
}

static void read_affinity(struct plimsoll_json spec, struct plimsoll_terms *terms)
{
    struct plimsoll_json affinity =
        plimsoll_json_get(plimsoll_json_get(spec, "affinity"), "nodeAffinity");
    struct plimsoll_json required =
        plimsoll_json_get(affinity, "requiredDuringSchedulingIgnoredDuringExecution");
    struct plimsoll_json list = plimsoll_json_get(required, "nodeSelectorTerms");
    size_t count = plimsoll_json_count(list);
    terms->affine = plimsoll_json_type(required) == PLIMSOLL_JSON_OBJECT;
    terms->affinity = plimsoll_alloc(count + 1, sizeof *terms->affinity);
    struct plimsoll_json it = plimsoll_json_first(list);
    for (; terms->affinity_count < count; it = plimsoll_json_next(it)) {
        read_term(it, &terms->affinity[terms->affinity_count++]);
    }
}

static void read_tolerations(struct plimsoll_json list, struct plimsoll_terms *terms)
{
    size_t count = plimsoll_json_count(list);
    terms->tolerations = plimsoll_alloc(count + 1, sizeof *terms->tolerations);
    struct plimsoll_json it = plimsoll_json_first(list);
    for (; terms->toleration_count < count; it = plimsoll_json_next(it)) {
        struct plimsoll_toleration *toleration = &terms->tolerations[terms->toleration_count++];
        toleration->key = dup_or_empty(plimsoll_json_get(it, "key"));
        toleration->value = dup_or_empty(plimsoll_json_get(it, "value"));
        toleration->effect = dup_or_empty(plimsoll_json_get(it, "effect"));
        toleration->exists = plimsoll_json_is(plimsoll_json_get(it, "operator"), "Exists");
    }
}

void plimsoll_terms_read(struct plimsoll_json pod, const struct plimsoll_requests *requests,
                         struct plimsoll_terms *terms)
{
    struct plimsoll_json spec = plimsoll_json_get(pod, "spec");
    *terms = (struct plimsoll_terms){.requests = *requests};
    read_selector(plimsoll_json_get(spec, "nodeSelector"), &terms->selector);
    read_affinity(spec, terms);
    read_tolerations(plimsoll_json_get(spec, "tolerations"), terms);
}

static void clear_term(struct plimsoll_node_term *term)
{
    for (size_t i = 0; i < term->count; i++) {
        struct plimsoll_requirement *requirement = &term->list[i];
        for (size_t k = 0; k < requirement->values.count; k++) {
            free(requirement->values.list[k]);
        }
        free(requirement->values.list);
        free(requirement->key);
    }
    free(term->list);
}

void plimsoll_terms_clear(struct plimsoll_terms *terms)
{
    clear_term(&terms->selector);
    for (size_t i = 0; i < terms->affinity_count; i++) {
        clear_term(&terms->affinity[i]);
    }
    for (size_t i = 0; i < terms->toleration_count; i++) {
        free(terms->tolerations[i].key);
        free(terms->tolerations[i].value);
        free(terms->tolerations[i].effect);
    }
    free(terms->affinity);
    free(terms->tolerations);
    *terms = (struct plimsoll_terms){0};
}

/* -- judging -------------------------------------------------------------------------------------
 */

static const char *label_of(const struct plimsoll_host *host, const char *key)
{
    for (size_t i = 0; i < host->label_count; i++) {
        if (strcmp(host->labels[i].key, key) == 0) {
            return host->labels[i].value;
        }
    }
    return NULL;
}

static bool is_among(const struct plimsoll_strings *values, const char *value)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->list[i], value) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_number(const char *text, long long *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return *text != '\0' && *end == '\0' && errno == 0;
}

/* Gt and Lt compare the label with the one value. */
static bool compares(const struct plimsoll_requirement *requirement, const char *value)
{
    long long have, want;
    if (value == NULL || requirement->values.count != 1 || !read_number(value, &have) ||
        !read_number(requirement->values.list[0], &want)) {
        return false;
    }
    return requirement->op == PLIMSOLL_OP_GREATER ? have > want : have < want;
}

static bool meets(const struct plimsoll_host *host, const struct plimsoll_requirement *requirement)
{
    bool named = requirement->field && strcmp(requirement->key, "metadata.name") == 0;
    const char *value = named                ? host->name
                        : requirement->field ? NULL
                                             : label_of(host, requirement->key);
    bool among = value != NULL && is_among(&requirement->values, value);
    switch (requirement->op) {
    case PLIMSOLL_OP_IN:
        return among;
    case PLIMSOLL_OP_NOT_IN:
        return !among;
    case PLIMSOLL_OP_EXISTS:
        return value != NULL;
    case PLIMSOLL_OP_NOT_EXISTS:
        return value == NULL;
    case PLIMSOLL_OP_GREATER:
    case PLIMSOLL_OP_LESS:
        return compares(requirement, value);
    case PLIMSOLL_OP_UNKNOWN:
        break;
    }
    return false;
}

static bool meets_all(const struct plimsoll_host *host, const struct plimsoll_node_term *term)
{
    for (size_t i = 0; i < term->count; i++) {
        if (!meets(host, &term->list[i])) {
            return false;
        }
    }
    return true;
}

static bool is_chosen(const struct plimsoll_terms *terms, const struct plimsoll_host *host)
{
    bool affine = !terms->affine;
    for (size_t i = 0; i < terms->affinity_count && !affine; i++) {
        affine = terms->affinity[i].count > 0 && meets_all(host, &terms->affinity[i]);
    }
    return affine && meets_all(host, &terms->selector);
}

static bool tolerates(const struct plimsoll_terms *terms, const struct plimsoll_taint *taint)
{
    for (size_t i = 0; i < terms->toleration_count; i++) {
        const struct plimsoll_toleration *it = &terms->tolerations[i];
        bool effect = it->effect[0] == '\0' || strcmp(it->effect, taint->effect) == 0;
        bool key = (it->key[0] == '\0' && it->exists) || strcmp(it->key, taint->key) == 0;
        if (effect && key && (it->exists || strcmp(it->value, taint->value) == 0)) {
            return true;
        }
    }
    return false;
}

static bool tolerates_all(const struct plimsoll_terms *terms, const struct plimsoll_host *host)
{
    for (size_t i = 0; i < host->taint_count; i++) {
        bool keeps_away = strcmp(host->taints[i].effect, "NoSchedule") == 0 ||
                          strcmp(host->taints[i].effect, "NoExecute") == 0;
        if (keeps_away && !tolerates(terms, &host->taints[i])) {
            return false;
        }
    }
    return true;
}

static bool is_open(const struct plimsoll_terms *terms, const struct plimsoll_host *host)
{
    static char key[] = "node.kubernetes.io/unschedulable", effect[] = "NoSchedule", none[] = "";
    const struct plimsoll_taint taint = {.key = key, .value = none, .effect = effect};
    return !host->unschedulable || tolerates(terms, &taint);
}

static bool has_left(uint64_t allocatable, uint64_t used, uint64_t wanted)
{
    return wanted == 0 || (used <= allocatable && wanted <= allocatable - used);
}

enum plimsoll_obstacle plimsoll_terms_check(const struct plimsoll_terms *terms,
                                            const struct plimsoll_host *host)
{
    if (!is_open(terms, host)) {
        return PLIMSOLL_OBSTACLE_UNSCHEDULABLE;
    }
    if (!tolerates_all(terms, host)) {
        return PLIMSOLL_OBSTACLE_TAINT;
    }
    if (!is_chosen(terms, host)) {
        return PLIMSOLL_OBSTACLE_AFFINITY;
    }
    if (host->pods >= host->pods_max) {
        return PLIMSOLL_OBSTACLE_PODS;
    }
    if (!has_left(host->allocatable.cpu_milli, host->used.cpu_milli, terms->requests.cpu_milli)) {
        return PLIMSOLL_OBSTACLE_CPU;
    }
    if (!has_left(host->allocatable.memory, host->used.memory, terms->requests.memory)) {
        return PLIMSOLL_OBSTACLE_MEMORY;
    }
    return PLIMSOLL_OBSTACLE_NONE;
}

void plimsoll_obstacle_write(enum plimsoll_obstacle obstacle, const char *resource,
                             struct plimsoll_text *out)
{
    static const char *const texts[PLIMSOLL_OBSTACLE_COUNT] = {
        [PLIMSOLL_OBSTACLE_UNSCHEDULABLE] = "node(s) were unschedulable",
        [PLIMSOLL_OBSTACLE_TAINT] = "node(s) had untolerated taint",
        [PLIMSOLL_OBSTACLE_AFFINITY] = "node(s) didn't match Pod's node affinity/selector",
        [PLIMSOLL_OBSTACLE_PODS] = "Too many pods",
        [PLIMSOLL_OBSTACLE_CPU] = "Insufficient cpu",
        [PLIMSOLL_OBSTACLE_MEMORY] = "Insufficient memory",
    };
    if (obstacle == PLIMSOLL_OBSTACLE_DEVICES) {
        plimsoll_text_add_format(out, "Insufficient %s", resource);
    } else if (texts[obstacle] != NULL) {
        plimsoll_text_add_string(out, texts[obstacle]);
    }
}
