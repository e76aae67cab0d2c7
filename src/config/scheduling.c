/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduling.h"

#include "names.h"
#include "values.h"

#include <jansson.h>

#include <plimsoll/span.h>

/* Strings were checked as they were read; jansson copies them. */
static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0) {
        abort(); /* out of memory, or text that libyaml let through without being UTF-8 */
    }
}

static json_t *word(const char *text)
{
    return json_stringn(text, strlen(text));
}

static int keep(json_t *value, char **out)
{
    free(*out);
    bool empty = json_is_array(value) ? json_array_size(value) == 0 : json_object_size(value) == 0;
    *out = NULL;
    if (!empty) {
        *out = json_dumps(value, JSON_COMPACT);
        if (*out == NULL) {
            abort();
        }
    }
    return 0;
}

/* ---- tolerations ---- */

struct toleration {
    char *key, *operator, * value, *effect;
    bool has_seconds;
    int64_t seconds;
};

static void clear_toleration(struct toleration *toleration)
{
    free(toleration->key);
    free(toleration->operator);
    free(toleration->value);
    free(toleration->effect);
}

static int read_seconds(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    struct toleration *toleration = out;
    const char *text;
    unsigned long long seconds;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    if (!at->node->plain || !plimsoll_span_decimal(plimsoll_span_of(text), &seconds) ||
        seconds > INT64_MAX) {
        return plimsoll_at_fail(at, err, "must be a number of seconds, like 300, is \"%.64s\"",
                                text);
    }
    toleration->has_seconds = true;
    toleration->seconds = (int64_t)seconds;
    return 0;
}

static int read_operator(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"Exists", "Equal", NULL};
    size_t index;
    return plimsoll_at_word(at, words, &index, err) < 0 ? -1 : plimsoll_at_string(at, out, err);
}

static int read_effect(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", "", NULL};
    size_t index;
    return plimsoll_at_word(at, words, &index, err) < 0 ? -1 : plimsoll_at_string(at, out, err);
}

/* What the API server would refuse the pod for. */
static int check_toleration(const struct plimsoll_at *at, const struct toleration *toleration,
                            struct plimsoll_error *err)
{
    bool exists = toleration->operator!= NULL && strcmp(toleration->operator, "Exists") == 0;
    bool keyed = toleration->key != NULL && *toleration->key != '\0';
    if (keyed && plimsoll_names_qualified(toleration->key) != NULL) {
        return plimsoll_at_fail(at, err, "key \"%.64s\" %s", toleration->key,
                                plimsoll_names_qualified(toleration->key));
    }
    if (!keyed && !exists) {
        return plimsoll_at_fail(at, err, "without a key the operator must be Exists");
    }
    if (exists && toleration->value != NULL && *toleration->value != '\0') {
        return plimsoll_at_fail(at, err, "with operator Exists there is no value; use Equal");
    }
    if (toleration->value != NULL && plimsoll_names_label_value(toleration->value) != NULL) {
        return plimsoll_at_fail(at, err, "value \"%.64s\" %s", toleration->value,
                                plimsoll_names_label_value(toleration->value));
    }
    if (toleration->has_seconds &&
        (toleration->effect == NULL || strcmp(toleration->effect, "NoExecute") != 0)) {
        return plimsoll_at_fail(at, err, "tolerationSeconds goes with effect NoExecute only");
    }
    return 0;
}

static json_t *make_toleration(const struct toleration *toleration)
{
    const struct {
        const char *key, *value;
    } fields[] = {{"key", toleration->key}, {"operator", toleration->operator},
                                             {"value", toleration->value},
                                             {"effect", toleration->effect}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].value != NULL && *fields[i].value != '\0') {
            set(object, fields[i].key, word(fields[i].value));
        }
    }
    if (toleration->has_seconds) {
        set(object, "tolerationSeconds", json_integer(toleration->seconds));
    }
    return object;
}

int plimsoll_scheduling_tolerations(const struct plimsoll_at *at, void *out,
                                    struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {
        {"key", offsetof(struct toleration, key), plimsoll_at_string},
        {"operator", offsetof(struct toleration, operator), read_operator},
        {"value", offsetof(struct toleration, value), plimsoll_at_string},
        {"effect", offsetof(struct toleration, effect), read_effect},
        {"tolerationSeconds", 0, read_seconds},
    };
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    json_auto_t *list = json_array();
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        __attribute__((cleanup(clear_toleration))) struct toleration toleration = {0};
        if (plimsoll_at_fields(&child, fields, sizeof fields / sizeof *fields, &toleration, err) <
                0 ||
            check_toleration(&child, &toleration, err) < 0) {
            return -1;
        }
        json_array_append_new(list, make_toleration(&toleration));
    }
    return keep(list, out);
}

/* ---- node affinity ---- */

struct requirement {
    char *key, *operator;
    struct plimsoll_strings values;
};

static void clear_requirement(struct requirement *requirement)
{
    free(requirement->key);
    free(requirement->operator);
    plimsoll_strings_clear(&requirement->values);
}

static int read_node_operator(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const char *const words[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", NULL};
    size_t index;
    return plimsoll_at_word(at, words, &index, err) < 0 ? -1 : plimsoll_at_string(at, out, err);
}

static int check_requirement(const struct plimsoll_at *at, const struct requirement *requirement,
                             struct plimsoll_error *err)
{
    if (requirement->key == NULL || requirement->operator== NULL) {
        return plimsoll_at_fail(at, err,
                                "needs key and operator, like {key: "
                                "kubernetes.io/hostname, operator: In, values: [box]}");
    }
    if (plimsoll_names_qualified(requirement->key) != NULL) {
        return plimsoll_at_fail(at, err, "key \"%.64s\" %s", requirement->key,
                                plimsoll_names_qualified(requirement->key));
    }
    size_t count = requirement->values.count;
    const char *operator= requirement->operator;
    unsigned long long number;
    if (strstr(operator, "Exist") != NULL && count > 0) {
        return plimsoll_at_fail(at, err, "with operator %s there are no values", operator);
    }
    if (strstr(operator, "In") != NULL && count == 0) {
        return plimsoll_at_fail(at, err, "with operator %s there must be values", operator);
    }
    if (strchr("GL", *operator) != NULL &&
        (count != 1 ||
         !plimsoll_span_decimal(plimsoll_span_of(requirement->values.list[0]), &number))) {
        return plimsoll_at_fail(at, err,
                                "with operator %s there must be one value, a number", operator);
    }
    return 0;
}

static int read_requirements(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {
        {"key", offsetof(struct requirement, key), plimsoll_at_string},
        {"operator", offsetof(struct requirement, operator), read_node_operator},
        {"values", offsetof(struct requirement, values), plimsoll_at_strings},
    };
    json_t *term = *(json_t **)out;
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    json_auto_t *list = json_array();
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        __attribute__((cleanup(clear_requirement))) struct requirement requirement = {0};
        if (plimsoll_at_fields(&child, fields, sizeof fields / sizeof *fields, &requirement, err) <
                0 ||
            check_requirement(&child, &requirement, err) < 0) {
            return -1;
        }
        json_t *object = json_object();
        set(object, "key", word(requirement.key));
        set(object, "operator", word(requirement.operator));
        json_t *values = json_array();
        for (size_t v = 0; v < requirement.values.count; v++) {
            json_array_append_new(values, word(requirement.values.list[v]));
        }
        if (json_array_size(values) > 0) {
            set(object, "values", json_incref(values));
        }
        json_decref(values);
        json_array_append_new(list, object);
    }
    set(term, at->node->key, json_incref(list));
    return 0;
}

static int read_term(const struct plimsoll_at *at, json_t **term, struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {
        {"matchExpressions", 0, read_requirements},
        {"matchFields", 0, read_requirements},
    };
    json_auto_t *read = json_object();
    json_t *borrowed = read;
    if (plimsoll_at_fields(at, fields, sizeof fields / sizeof *fields, &borrowed, err) < 0) {
        return -1;
    }
    *term = json_incref(read);
    return 0;
}

static int read_terms(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    json_t *list = *(json_t **)out;
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        json_t *term;
        if (read_term(&child, &term, err) < 0) {
            return -1;
        }
        json_array_append_new(list, term);
    }
    return 0;
}

static int read_required(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {{"nodeSelectorTerms", 0, read_terms}};
    json_t *affinity = *(json_t **)out;
    json_auto_t *terms = json_array();
    json_t *borrowed = terms;
    if (plimsoll_at_fields(at, fields, 1, &borrowed, err) < 0) {
        return -1;
    }
    if (json_array_size(terms) == 0) {
        return plimsoll_at_fail(at, err, "needs nodeSelectorTerms with at least one term");
    }
    json_t *required = json_object();
    set(required, "nodeSelectorTerms", json_incref(terms));
    set(affinity, at->node->key, required);
    return 0;
}

struct preference {
    unsigned long long weight;
    json_t *term;
};

static void clear_preference(struct preference *preference)
{
    json_decref(preference->term);
}

static int read_weight(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    unsigned long long *weight = out;
    const char *text;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    if (!plimsoll_span_decimal(plimsoll_span_of(text), weight) || *weight < 1 || *weight > 100) {
        return plimsoll_at_fail(at, err, "must be a number from 1 to 100, is \"%.64s\"", text);
    }
    return 0;
}

static int read_preference_term(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    return read_term(at, out, err);
}

static int read_preferred(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {
        {"weight", offsetof(struct preference, weight), read_weight},
        {"preference", offsetof(struct preference, term), read_preference_term},
    };
    json_t *affinity = *(json_t **)out;
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    json_auto_t *list = json_array();
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        __attribute__((cleanup(clear_preference))) struct preference preference = {0};
        if (plimsoll_at_fields(&child, fields, 2, &preference, err) < 0) {
            return -1;
        }
        if (preference.weight == 0 || preference.term == NULL) {
            return plimsoll_at_fail(&child, err, "needs weight (1 to 100) and preference");
        }
        json_t *object = json_object();
        set(object, "weight", json_integer((json_int_t)preference.weight));
        set(object, "preference", json_incref(preference.term));
        json_array_append_new(list, object);
    }
    set(affinity, at->node->key, json_incref(list));
    return 0;
}

int plimsoll_scheduling_affinity(const struct plimsoll_at *at, void *out,
                                 struct plimsoll_error *err)
{
    static const struct plimsoll_field fields[] = {
        {"requiredDuringSchedulingIgnoredDuringExecution", 0, read_required},
        {"preferredDuringSchedulingIgnoredDuringExecution", 0, read_preferred},
    };
    json_auto_t *affinity = json_object();
    json_t *borrowed = affinity;
    if (plimsoll_at_fields(at, fields, 2, &borrowed, err) < 0) {
        return -1;
    }
    return keep(affinity, out);
}
