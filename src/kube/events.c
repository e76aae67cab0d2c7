/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/events.h>

#include "client.h"
#include "outcome.h"

#include <plimsoll/clock.h>
#include <plimsoll/limits.h>

#include <inttypes.h>

#define CONTROLLER         "plimsoll"
#define INSTANCE_BYTES_MAX 128
#define EVENT_BYTES_MAX    (16u * 1024)
#define PATH_BYTES_MAX     4096
#define ANSWER_BYTES_MAX   (32u * 1024)
/* `.` and 64 bits in hex, after the object's name. */
#define SUFFIX_SIZE 18

/* An Event that was told. */
struct told {
    uint64_t object; /* and reason, as a hash; 0: none */
    uint64_t note;   /* its words, as a hash */
    uint64_t suffix; /* of its name */
    int64_t tried_ms;
    unsigned count; /* how often it happened */
    bool written;
};

struct plimsoll_events {
    struct plimsoll_kube *kube;
    char instance[INSTANCE_BYTES_MAX + 1];
    struct told told[PLIMSOLL_EVENTS_MAX];
    uint64_t suffix; /* of the last name */
    uint64_t dropped;
    /* What may be written now, in thousandths of an Event, and when that was so. */
    int64_t allowance, allowance_ms;
};

struct plimsoll_events *plimsoll_events_new(struct plimsoll_kube *kube, const char *instance)
{
    struct plimsoll_events *events = plimsoll_alloc(1, sizeof *events);
    events->kube = kube;
    memcpy(events->instance, instance, strnlen(instance, INSTANCE_BYTES_MAX));
    events->allowance = PLIMSOLL_EVENTS_BURST_MAX * 1000;
    return events;
}

void plimsoll_events_free(struct plimsoll_events **handle)
{
    free(PLIMSOLL_TAKE(*handle));
}

uint64_t plimsoll_events_dropped(const struct plimsoll_events *events)
{
    return events->dropped;
}

/* -- what was told -------------------------------------------------------------------------------
 */

/* FNV-1a; two that fall together are told as one, which harms nothing. */
static uint64_t hash(uint64_t seed, const char *string)
{
    for (const char *byte = string; byte == string || byte[-1] != '\0'; byte++) {
        seed = (seed ^ (unsigned char)*byte) * 0x100000001b3;
    }
    return seed;
}

static const char *text_of(const char *string)
{
    return string != NULL ? string : "";
}

static uint64_t hash_object(const struct plimsoll_event *event)
{
    uint64_t value = hash(0xcbf29ce484222325, text_of(event->namespace_));
    value = hash(value, event->name);
    value = hash(value, text_of(event->uid));
    value = hash(value, event->reason);
    value = hash(value, event->warning ? "Warning" : "Normal");
    return value != 0 ? value : 1;
}

/* @return the place of this object and reason, else of what is longest past. */
static struct told *find(struct plimsoll_events *events, uint64_t object)
{
    struct told *oldest = &events->told[0];
    for (size_t i = 0; i < PLIMSOLL_EVENTS_MAX; i++) {
        struct told *told = &events->told[i];
        if (told->object == object) {
            return told;
        }
        if (oldest->object != 0 && (told->object == 0 || told->tried_ms < oldest->tried_ms)) {
            oldest = told;
        }
    }
    return oldest;
}

static bool spend(struct plimsoll_events *events, int64_t now_ms)
{
    events->allowance += (now_ms - events->allowance_ms) * PLIMSOLL_EVENTS_SECOND_MAX;
    events->allowance_ms = now_ms;
    if (events->allowance > PLIMSOLL_EVENTS_BURST_MAX * 1000) {
        events->allowance = PLIMSOLL_EVENTS_BURST_MAX * 1000;
    }
    if (events->allowance < 1000) {
        events->dropped++;
        return false;
    }
    events->allowance -= 1000;
    return true;
}

/* -- the objects ---------------------------------------------------------------------------------
 */

static void add_member(struct plimsoll_text *out, const char *key, const char *value)
{
    plimsoll_text_add_format(out, "\"%s\":", key);
    plimsoll_text_add_json(out, plimsoll_span_of(value));
    plimsoll_text_add_char(out, ',');
}

static bool inside_character(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static struct plimsoll_span cut_note(const char *note)
{
    struct plimsoll_span span = plimsoll_span_of(note);
    if (span.size > PLIMSOLL_EVENT_NOTE_BYTES_MAX) {
        span.size = PLIMSOLL_EVENT_NOTE_BYTES_MAX;
        while (span.size > 0 && inside_character(span.data[span.size])) {
            span.size--;
        }
    }
    return span;
}

/* Cut so that the suffix has room, and not behind what a DNS label cannot end with. */
static void write_name(const struct plimsoll_event *event, uint64_t suffix,
                       struct plimsoll_text *out)
{
    size_t size = strnlen(event->name, PLIMSOLL_NAME_BYTES_MAX - SUFFIX_SIZE);
    while (size > 0 && strchr(".-", event->name[size - 1]) != NULL) {
        size--;
    }
    plimsoll_text_add(out, event->name, size);
    plimsoll_text_add_format(out, ".%016" PRIx64, suffix);
}

/* Events of what has no namespace are in `default`: the API server takes them nowhere else. */
static void write_path(const struct plimsoll_event *event, struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "/apis/events.k8s.io/v1/namespaces/");
    plimsoll_api_add_escaped(out, event->namespace_ != NULL ? event->namespace_ : "default");
    plimsoll_text_add_string(out, "/events");
}

static void write_regarding(const struct plimsoll_event *event, struct plimsoll_text *out)
{
    bool node = event->namespace_ == NULL;
    const char *uid = text_of(event->uid);
    plimsoll_text_add_string(out, "\"regarding\":{\"apiVersion\":\"v1\",");
    add_member(out, "kind", node ? "Node" : "Pod");
    if (!node) {
        add_member(out, "namespace", event->namespace_);
    }
    /* What the kubelet says of its node carries the name there, and kubectl looks for both. */
    add_member(out, "uid", node && uid[0] == '\0' ? event->name : uid);
    plimsoll_text_add_string(out, "\"name\":");
    plimsoll_text_add_json(out, plimsoll_span_of(event->name));
    plimsoll_text_add_string(out, "}");
}

static void write_event(const struct plimsoll_events *events, const struct plimsoll_event *event,
                        const char *name, struct plimsoll_text *out)
{
    char now[PLIMSOLL_TIME_SIZE];
    plimsoll_text_add_string(out, "{\"apiVersion\":\"events.k8s.io/v1\",\"kind\":\"Event\","
                                  "\"metadata\":{");
    add_member(out, "namespace", event->namespace_ != NULL ? event->namespace_ : "default");
    plimsoll_text_add_string(out, "\"name\":");
    plimsoll_text_add_json(out, plimsoll_span_of(name));
    plimsoll_text_add_string(out, "},");
    add_member(out, "eventTime", plimsoll_time_format_micro(plimsoll_clock_unix_ms(), now));
    add_member(out, "reportingController", CONTROLLER);
    add_member(out, "reportingInstance", events->instance);
    add_member(out, "type", event->warning ? "Warning" : "Normal");
    add_member(out, "reason", event->reason);
    add_member(out, "action", event->action);
    plimsoll_text_add_string(out, "\"note\":");
    plimsoll_text_add_json(out, cut_note(event->note));
    plimsoll_text_add_char(out, ',');
    write_regarding(event, out);
    plimsoll_text_add_char(out, '}');
}

/* -- telling -------------------------------------------------------------------------------------
 */

static int report(const struct plimsoll_event *event, const struct plimsoll_api_answer *answer,
                  struct plimsoll_error *err)
{
    bool pod = event->namespace_ != NULL;
    return plimsoll_error_set(err, plimsoll_outcome(answer), "event %s of %s %s%s%s: %s",
                              event->reason, pod ? "pod" : "node", pod ? event->namespace_ : "",
                              pod ? "/" : "", event->name, answer->message);
}

/* The first of two tries was written, then, or another replica told the same. */
static bool is_there_already(const struct plimsoll_event *event,
                             const struct plimsoll_api_answer *answer)
{
    return answer->status == 409 && (answer->twice || event->shared);
}

static int call(struct plimsoll_events *events, const struct plimsoll_event *event,
                const char *method, const struct plimsoll_text *path,
                const struct plimsoll_text *body, struct plimsoll_error *err)
{
    bool patch = strcmp(method, "PATCH") == 0;
    struct plimsoll_api_answer answer = plimsoll_api_call(
        events->kube,
        &(struct plimsoll_api_request){.method = method,
                                       .path = path->data,
                                       .content_type = patch ? PLIMSOLL_API_MERGE_PATCH : NULL,
                                       .body = plimsoll_text_span(body),
                                       .answer_bytes_max = ANSWER_BYTES_MAX});
    bool done = plimsoll_api_ok(&answer) || (!patch && is_there_already(event, &answer));
    int result = done ? 0 : report(event, &answer, err);
    plimsoll_api_answer_clear(&answer);
    return result;
}

/* Nanoseconds, as other components name theirs; never the same twice in this process. */
static uint64_t next_suffix(struct plimsoll_events *events)
{
    uint64_t now = (uint64_t)plimsoll_clock_unix_ms() * 1000000;
    events->suffix = now > events->suffix ? now : events->suffix + 1;
    return events->suffix;
}

/* The same in every replica, for as long as the API server keeps an Event. */
static uint64_t shared_suffix(uint64_t object, uint64_t note)
{
    const int64_t kept_ms = 3600000;
    uint64_t hour = (uint64_t)(plimsoll_clock_unix_ms() / kept_ms);
    return (object ^ note) * 0x100000001b3 + hour;
}

static int create(struct plimsoll_events *events, const struct plimsoll_event *event,
                  struct told *told, struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autotext name = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 1);
    plimsoll_autotext body = plimsoll_text_make(EVENT_BYTES_MAX);
    told->count = 1;
    told->note = hash(0, event->note);
    told->suffix = event->shared ? shared_suffix(told->object, told->note) : next_suffix(events);
    write_path(event, &path);
    write_name(event, told->suffix, &name);
    write_event(events, event, name.data, &body);
    int result = call(events, event, "POST", &path, &body, err);
    told->written = result == 0;
    return result;
}

static int update(struct plimsoll_events *events, const struct plimsoll_event *event,
                  struct told *told, struct plimsoll_error *err)
{
    char now[PLIMSOLL_TIME_SIZE];
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autotext name = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 1);
    plimsoll_autotext body = plimsoll_text_make(EVENT_BYTES_MAX);
    write_path(event, &path);
    write_name(event, told->suffix, &name);
    plimsoll_text_add_char(&path, '/');
    plimsoll_api_add_escaped(&path, name.data);
    plimsoll_text_add_format(&body, "{\"series\":{\"count\":%u,\"lastObservedTime\":\"%s\"}}",
                             told->count,
                             plimsoll_time_format_micro(plimsoll_clock_unix_ms(), now));
    if (call(events, event, "PATCH", &path, &body, err) == 0) {
        return 0;
    }
    /* The API server forgets Events after an hour. */
    return err->kind == PLIMSOLL_ERR_NOT_FOUND ? create(events, event, told, err) : -1;
}

int plimsoll_events_tell(struct plimsoll_events *events, const struct plimsoll_event *event,
                         int64_t now_ms, struct plimsoll_error *err)
{
    uint64_t object = hash_object(event);
    struct told *told = find(events, object);
    bool known = told->object == object;
    bool again = known && told->written && told->note == hash(0, event->note);
    if (again && told->count < INT32_MAX) {
        told->count++;
    }
    if ((known && now_ms - told->tried_ms < PLIMSOLL_EVENT_REPEAT_MS) || !spend(events, now_ms)) {
        return 0;
    }
    told->object = object;
    told->tried_ms = now_ms;
    return again ? update(events, event, told, err) : create(events, event, told, err);
}
