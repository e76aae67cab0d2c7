/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include <string.h>

/* Where a value stands, for messages: `spec.template.metadata`. */
struct place {
    const struct plimsoll_document *document;
    const char *path; /* "" at the root, else with a dot behind */
    const json_t *around;
};

struct manifest {
    plimsoll_manifest_pod_fn take;
    void *context;
    size_t pods, passed_over;
};

static int refuse(const struct place *place, const json_t *value, const char *field,
                  const char *what, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s:%zu: %s%s%s%s", place->document->file,
                              plimsoll_document_line_of(place->document, value, place->around),
                              place->path, field, *field != '\0' ? ": " : "", what);
}

/* -- a pod ---------------------------------------------------------------------------------------
 */

/* Values that the API takes as strings only: a number without quotes is the usual mistake. */
static int check_strings(const struct place *place, const json_t *object, const char *field,
                         struct plimsoll_error *err)
{
    json_t *list = json_object_get(object, field);
    const struct place inside = {place->document, place->path, object};
    const char *key;
    json_t *value;
    if (list == NULL || json_is_null(list)) {
        return 0;
    }
    if (!json_is_object(list)) {
        return refuse(&inside, list, field, "is no mapping; want KEY: \"VALUE\"", err);
    }
    json_object_foreach(list, key, value)
    {
        if (!json_is_string(value)) {
            char name[PLIMSOLL_NAME_BYTES_MAX], what[160];
            const struct place around = {place->document, place->path, list};
            plimsoll_autofree char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
            snprintf(name, sizeof name, "%s[\"%.*s\"]", field, 200, key);
            snprintf(what, sizeof what, "%.*s is no string; put it in quotes", 100,
                     text != NULL ? text : "this");
            return refuse(&around, value, name, what, err);
        }
    }
    return 0;
}

static int check_pod(const struct place *place, const json_t *pod, struct plimsoll_error *err)
{
    char metadata_path[64], spec_path[64];
    const json_t *metadata = json_object_get(pod, "metadata");
    const json_t *spec = json_object_get(pod, "spec");
    snprintf(metadata_path, sizeof metadata_path, "%smetadata.", place->path);
    snprintf(spec_path, sizeof spec_path, "%sspec.", place->path);
    const struct place in_metadata = {place->document, metadata_path, metadata};
    const struct place in_spec = {place->document, spec_path, spec};
    const struct place here = {place->document, place->path, pod};
    if (metadata != NULL && !json_is_object(metadata)) {
        return refuse(&here, metadata, "metadata", "is no mapping; want name, annotations, …", err);
    }
    if (!json_is_object(spec)) {
        return refuse(&here, spec, "spec", "is missing; want a mapping with containers", err);
    }
    const json_t *containers = json_object_get(spec, "containers");
    if (json_array_size(containers) == 0) {
        return refuse(&in_spec, containers, "containers",
                      "is missing; want a list of at least one container", err);
    }
    for (size_t i = 0; i < json_array_size(containers); i++) {
        if (!json_is_object(json_array_get(containers, i))) {
            return refuse(&in_spec, json_array_get(containers, i), "containers",
                          "holds what is no container; want - name: …", err);
        }
    }
    return check_strings(&in_metadata, metadata, "annotations", err) < 0 ||
                   check_strings(&in_metadata, metadata, "labels", err) < 0 ||
                   check_strings(&in_spec, spec, "nodeSelector", err) < 0
               ? -1
               : 0;
}

static int give(struct manifest *manifest, const struct place *place, const json_t *pod,
                struct plimsoll_error *err)
{
    char where[PLIMSOLL_NAME_BYTES_MAX];
    if (++manifest->pods > PLIMSOLL_SIMULATED_PODS_MAX) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_TOO_LARGE, "%s:%zu: more than %d pods; simulate fewer at once",
            place->document->file, plimsoll_document_line_of(place->document, pod, place->around),
            PLIMSOLL_SIMULATED_PODS_MAX);
    }
    plimsoll_autofree char *text = json_dumps(pod, JSON_COMPACT);
    if (text == NULL) {
        return refuse(place, pod, "", "holds what is no UTF-8", err);
    }
    snprintf(where, sizeof where, "%.*s:%zu", 200, place->document->file,
             plimsoll_document_line_of(place->document, pod, place->around));
    return manifest->take(manifest->context, plimsoll_span_of(text), where, err);
}

/* -- what makes pods -----------------------------------------------------------------------------
 */

/* Kinds with a template, and what says how often. */
static const struct {
    const char *kind, *count;
} makers[] = {
    {"Deployment", "replicas"},  {"ReplicaSet", "replicas"}, {"ReplicationController", "replicas"},
    {"StatefulSet", "replicas"}, {"Job", "parallelism"},
};
#define MAKER_COUNT (sizeof makers / sizeof makers[0])

static int read_count(const struct place *place, const json_t *spec, const char *field,
                      json_int_t *count, struct plimsoll_error *err)
{
    const json_t *value = json_object_get(spec, field);
    *count = 1;
    if (value == NULL || json_is_null(value)) {
        return 0;
    }
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return refuse(place, value, field, "is no count; want a number like 3", err);
    }
    *count = json_integer_value(value);
    return 0;
}

/* The first pods of a Job are as many as its completions at most. */
static void cut_to_completions(const json_t *spec, json_int_t *count)
{
    const json_t *completions = json_object_get(spec, "completions");
    if (json_is_integer(completions) && json_integer_value(completions) < *count) {
        *count = json_integer_value(completions);
    }
}

/* Named after their maker, like the pods of a StatefulSet. */
static json_t *instance_of(const json_t *maker, const json_t *template, json_int_t number)
{
    char name[PLIMSOLL_NAME_BYTES_MAX + 1];
    const json_t *metadata = json_object_get(maker, "metadata");
    const char *base = json_string_value(json_object_get(metadata, "name"));
    json_t *space = json_object_get(metadata, "namespace");
    json_t *pod = json_deep_copy(template);
    if (json_object_get(pod, "metadata") == NULL) {
        json_object_set_new(pod, "metadata", json_object());
    }
    json_t *its = json_object_get(pod, "metadata");
    snprintf(name, sizeof name, "%.*s-%lld", 200, base != NULL ? base : "pod", (long long)number);
    json_object_set_new(its, "name", json_string(name));
    if (space != NULL) {
        json_object_set(its, "namespace", space);
    }
    return pod;
}

static int take_maker(struct manifest *manifest, const struct place *place, const json_t *object,
                      size_t maker, struct plimsoll_error *err)
{
    const json_t *spec = json_object_get(object, "spec");
    const json_t *template = json_object_get(spec, "template");
    const struct place here = {place->document, "", object};
    const struct place in_spec = {place->document, "spec.", spec};
    const struct place in_template = {place->document, "spec.template.", template};
    json_int_t count = 0;
    if (!json_is_object(spec)) {
        return refuse(&here, spec, "spec", "is missing; want a mapping with a template", err);
    }
    if (!json_is_object(template)) {
        return refuse(&in_spec, template, "template", "is missing; want the pod to make", err);
    }
    if (check_pod(&in_template, template, err) < 0 ||
        read_count(&in_spec, spec, makers[maker].count, &count, err) < 0) {
        return -1;
    }
    cut_to_completions(spec, &count);
    for (json_int_t i = 0; i < count; i++) {
        json_auto_t *pod = instance_of(object, template, i);
        const struct place of_template = {place->document, "", template};
        if (give(manifest, &of_template, pod, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int take_object(struct manifest *manifest, const struct place *place, const json_t *object,
                       struct plimsoll_error *err);

static int take_list(struct manifest *manifest, const struct place *place, const json_t *object,
                     struct plimsoll_error *err)
{
    const json_t *items = json_object_get(object, "items");
    const struct place here = {place->document, "", object};
    if (!json_is_array(items)) {
        return refuse(&here, items, "items", "is missing; want a list of objects", err);
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        if (take_object(manifest, &here, json_array_get(items, i), err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int take_object(struct manifest *manifest, const struct place *place, const json_t *object,
                       struct plimsoll_error *err)
{
    const struct place here = {place->document, "", object};
    const json_t *kind = json_object_get(object, "kind");
    const char *name = json_string_value(kind);
    if (!json_is_object(object)) {
        return refuse(place, object, "", "this is no object; want kind, metadata and spec", err);
    }
    if (name == NULL) {
        return refuse(&here, kind, "kind", "is missing; want Pod, Deployment, Job, …", err);
    }
    if (strcmp(name, "Pod") == 0) {
        return check_pod(&here, object, err) < 0 ? -1 : give(manifest, &here, object, err);
    }
    if (strcmp(name, "List") == 0 || strcmp(name, "PodList") == 0) {
        return take_list(manifest, &here, object, err);
    }
    for (size_t i = 0; i < MAKER_COUNT; i++) {
        if (strcmp(name, makers[i].kind) == 0) {
            return take_maker(manifest, &here, object, i, err);
        }
    }
    manifest->passed_over++;
    return 0;
}

static int take_document(void *context, const struct plimsoll_document *document,
                         struct plimsoll_error *err)
{
    const struct place place = {document, "", document->root};
    return take_object(context, &place, document->root, err);
}

int plimsoll_manifest_read(struct plimsoll_span text, const char *file,
                           plimsoll_manifest_pod_fn take, void *context, size_t *passed_over,
                           struct plimsoll_error *err)
{
    struct manifest manifest = {.take = take, .context = context};
    if (plimsoll_documents_read(text, file, take_document, &manifest, err) < 0) {
        return -1;
    }
    if (passed_over != NULL) {
        *passed_over = manifest.passed_over;
    }
    return 0;
}
