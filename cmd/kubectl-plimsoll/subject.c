/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <plimsoll/clock.h>
#include <plimsoll/json.h>

/* An Event is a kilobyte of note and a few around it. */
#define EVENTS_BYTES_MAX (8u * 1024 * 1024)
#define STRINGS_MAX      (8 + 3 * PLIMSOLL_SUBJECT_EVENTS_MAX)

/* A copy that lives as long as the subject; "" where there is no string. */
static const char *keep(struct plimsoll_subject *subject, struct plimsoll_json value)
{
    char *copy = subject->string_count < STRINGS_MAX ? plimsoll_json_dup(value) : NULL;
    if (copy == NULL) {
        return "";
    }
    subject->strings[subject->string_count++] = copy;
    return copy;
}

/* @return 0 where no time is written. */
static int64_t time_of(struct plimsoll_json value)
{
    int64_t time = 0;
    struct plimsoll_error err = {0};
    if (plimsoll_json_type(value) != PLIMSOLL_JSON_STRING ||
        plimsoll_time_parse(plimsoll_json_raw(value), &time, &err) < 0) {
        return 0;
    }
    return time;
}

static bool is_there(struct plimsoll_json value)
{
    return plimsoll_json_type(value) != PLIMSOLL_JSON_MISSING;
}

/* -- the pod -------------------------------------------------------------------------------------
 */

static void read_condition(struct plimsoll_json status, struct plimsoll_subject *subject)
{
    struct plimsoll_view_scheduling *scheduling = &subject->scheduling;
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(status, "conditions"));
    for (; is_there(it); it = plimsoll_json_next(it)) {
        if (plimsoll_json_is(plimsoll_json_get(it, "type"), "PodScheduled")) {
            scheduling->tried = true;
            scheduling->scheduled = plimsoll_json_is(plimsoll_json_get(it, "status"), "True");
            scheduling->reason = keep(subject, plimsoll_json_get(it, "reason"));
            scheduling->message = keep(subject, plimsoll_json_get(it, "message"));
            scheduling->since_unix_ms = time_of(plimsoll_json_get(it, "lastTransitionTime"));
        }
    }
}

static void read_gates(struct plimsoll_json spec, struct plimsoll_subject *subject)
{
    struct plimsoll_text names = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    struct plimsoll_json gate = plimsoll_json_first(plimsoll_json_get(spec, "schedulingGates"));
    for (; is_there(gate); gate = plimsoll_json_next(gate)) {
        plimsoll_text_add_string(&names, names.size > 0 ? ", " : "");
        plimsoll_json_string(plimsoll_json_get(gate, "name"), &names);
    }
    if (names.data != NULL) {
        subject->strings[subject->string_count++] = names.data;
        subject->scheduling.gates = names.data;
    }
}

static int read_pod(struct plimsoll_span body, const struct plimsoll_resources *resources,
                    struct plimsoll_subject *subject, struct plimsoll_error *err)
{
    plimsoll_autojson *document = NULL;
    if (plimsoll_json_parse(body, &document, err) < 0 ||
        plimsoll_pod_read(body, resources, &subject->pod, err) < 0) {
        return plimsoll_error_wrap(err, "the pod that kubectl printed");
    }
    struct plimsoll_json root = plimsoll_json_root(document);
    struct plimsoll_json spec = plimsoll_json_get(root, "spec");
    struct plimsoll_json metadata = plimsoll_json_get(root, "metadata");
    subject->scheduling.created_unix_ms = time_of(plimsoll_json_get(metadata, "creationTimestamp"));
    subject->scheduling.scheduler = keep(subject, plimsoll_json_get(spec, "schedulerName"));
    read_gates(spec, subject);
    read_condition(plimsoll_json_get(root, "status"), subject);
    return 0;
}

/* Of a pod without a namespace, that most often is in another one. */
static int say_where(struct plimsoll_error *err)
{
    return plimsoll_error_set(err, err->kind,
                              "%s in the namespace of the kubeconfig; -n NAMESPACE or "
                              "NAMESPACE/POD names another",
                              err->message);
}

/* `NAMESPACE/POD`, `pod/POD` or `POD`. */
static int get_pod(const struct plimsoll_kubectl *kubectl, const char *name, const char *home,
                   struct plimsoll_text *body, struct plimsoll_error *err)
{
    struct plimsoll_span rest = plimsoll_span_of(name), before = {0};
    char resource[PLIMSOLL_NAME_BYTES_MAX + 8], flag[PLIMSOLL_NAME_BYTES_MAX + 16];
    if (strchr(name, '/') != NULL) {
        plimsoll_span_cut(&rest, '/', &before);
        if (plimsoll_span_is(before, "pod") || plimsoll_span_is(before, "pods")) {
            before.size = 0;
        }
    }
    if (home == NULL && before.size > 0) {
        snprintf(flag, sizeof flag, "--namespace=%.*s", PLIMSOLL_SPAN_ARG(before));
    } else {
        snprintf(flag, sizeof flag, "--namespace=%s", home != NULL ? home : "");
    }
    if (rest.size == 0 || rest.size > PLIMSOLL_NAME_BYTES_MAX ||
        before.size > PLIMSOLL_NAME_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "\"%s\" names no pod; write POD or NAMESPACE/POD", name);
    }
    snprintf(resource, sizeof resource, "pods/%.*s", PLIMSOLL_SPAN_ARG(rest));
    bool named = home != NULL || before.size > 0;
    const char *const arguments[] = {"get", resource, "-o", "json", named ? flag : NULL, NULL};
    if (plimsoll_kubectl_read(kubectl, arguments, body, err) < 0) {
        return err->kind == PLIMSOLL_ERR_NOT_FOUND && !named ? say_where(err) : -1;
    }
    return 0;
}

/* -- its Events ----------------------------------------------------------------------------------
 */

static int compare_events(const void *left, const void *right)
{
    const struct plimsoll_view_event *a = left, *b = right;
    return a->time_unix_ms > b->time_unix_ms ? -1 : a->time_unix_ms < b->time_unix_ms ? 1 : 0;
}

static struct plimsoll_view_event read_event(struct plimsoll_json it,
                                             struct plimsoll_subject *subject)
{
    struct plimsoll_json series = plimsoll_json_get(it, "series");
    struct plimsoll_json from = plimsoll_json_get(it, "reportingComponent");
    struct plimsoll_json source = plimsoll_json_get(it, "source");
    const struct plimsoll_json times[] = {
        plimsoll_json_get(series, "lastObservedTime"), plimsoll_json_get(it, "lastTimestamp"),
        plimsoll_json_get(it, "eventTime"), plimsoll_json_get(it, "firstTimestamp")};
    struct plimsoll_view_event event = {
        .reason = keep(subject, plimsoll_json_get(it, "reason")),
        .note = keep(subject, plimsoll_json_get(it, "message")),
        .from =
            keep(subject,
                 plimsoll_json_raw(from).size > 0 ? from : plimsoll_json_get(source, "component")),
        .count = 1, /* the events.k8s.io API counts from the second on */
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0] && event.time_unix_ms == 0; i++) {
        event.time_unix_ms = time_of(times[i]);
    }
    if (!plimsoll_json_uint(plimsoll_json_get(series, "count"), &event.count)) {
        (void)plimsoll_json_uint(plimsoll_json_get(it, "count"), &event.count);
    }
    return event;
}

static void load_events(const struct plimsoll_kubectl *kubectl, struct plimsoll_subject *subject)
{
    struct plimsoll_error err = {0};
    plimsoll_autojson *document = NULL;
    plimsoll_autotext path = plimsoll_text_make(1024), body = plimsoll_text_make(EVENTS_BYTES_MAX);
    plimsoll_text_add_format(&path,
                             "/api/v1/namespaces/%s/events?limit=%d&"
                             "fieldSelector=involvedObject.uid%%3D%s",
                             subject->pod.namespace_, PLIMSOLL_SUBJECT_EVENTS_MAX,
                             subject->pod.uid.text);
    if (plimsoll_kubectl_get(kubectl, path.data, &body, &err) < 0 ||
        plimsoll_json_parse(plimsoll_text_span(&body), &document, &err) < 0) {
        fprintf(stderr, "its Events cannot be read: %s\n", err.message);
        return;
    }
    struct plimsoll_json items = plimsoll_json_get(plimsoll_json_root(document), "items");
    struct plimsoll_json it = plimsoll_json_first(items);
    size_t count = 0;
    for (; is_there(it) && count < PLIMSOLL_SUBJECT_EVENTS_MAX; it = plimsoll_json_next(it)) {
        subject->events[count++] = read_event(it, subject);
    }
    qsort(subject->events, count, sizeof *subject->events, compare_events);
    subject->scheduling.events = subject->events;
    subject->scheduling.event_count = count;
}

int plimsoll_subject_load(const struct plimsoll_kubectl *kubectl, const char *name,
                          const char *home, const struct plimsoll_resources *resources,
                          struct plimsoll_subject *subject, struct plimsoll_error *err)
{
    plimsoll_autotext body = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    struct plimsoll_subject read = {
        .scheduling = {.scheduler = "", .gates = "", .reason = "", .message = ""}};
    if (get_pod(kubectl, name, home, &body, err) < 0) {
        return -1;
    }
    read.strings = plimsoll_alloc(STRINGS_MAX, sizeof *read.strings);
    read.events = plimsoll_alloc(PLIMSOLL_SUBJECT_EVENTS_MAX, sizeof *read.events);
    if (read_pod(plimsoll_text_span(&body), resources, &read, err) < 0) {
        plimsoll_subject_clear(&read);
        return -1;
    }
    load_events(kubectl, &read);
    *subject = read;
    return 0;
}

void plimsoll_subject_clear(struct plimsoll_subject *subject)
{
    for (size_t i = 0; i < subject->string_count; i++) {
        free(subject->strings[i]);
    }
    free(subject->strings);
    free(subject->events);
    plimsoll_pod_clear(&subject->pod);
    *subject = (struct plimsoll_subject){0};
}
