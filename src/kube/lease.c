/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <jansson.h>

#include <plimsoll/clock.h>
#include <plimsoll/kube.h>

#include <string.h>

#define LEASE_NAME      "plimsoll-books"
#define PATH_BYTES_MAX  1024
#define LEASE_BYTES_MAX (16u * 1024)
/* A Lease that is not answered for longer is as good as not written: it is asked for again. */
#define REPLY_MS_MAX 4000

static const char *string_of(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string != NULL ? string : "";
}

/* @return -1: no Lease, or one with names that are too long to be ours. */
static int parse_lease(const struct plimsoll_text *body, struct plimsoll_lease *lease)
{
    json_auto_t *object =
        body->overflowed || body->size == 0 ? NULL : json_loadb(body->data, body->size, 0, NULL);
    const json_t *spec = json_object_get(object, "spec");
    const char *holder = string_of(spec, "holderIdentity");
    const char *version = string_of(json_object_get(object, "metadata"), "resourceVersion");
    struct plimsoll_lease read = {.exists = true};
    if (version[0] == '\0' || strlen(holder) >= sizeof read.holder ||
        strlen(version) >= sizeof read.version) {
        return -1;
    }
    memcpy(read.holder, holder, strlen(holder) + 1);
    memcpy(read.version, version, strlen(version) + 1);
    read.duration_s = (int32_t)json_integer_value(json_object_get(spec, "leaseDurationSeconds"));
    read.transitions = (int32_t)json_integer_value(json_object_get(spec, "leaseTransitions"));
    *lease = read;
    return 0;
}

static enum plimsoll_lease_reply take(const struct plimsoll_api_answer *answer,
                                      struct plimsoll_lease *lease,
                                      char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    memcpy(message, answer->message, PLIMSOLL_ERROR_MESSAGE_SIZE);
    if (answer->status == 409) {
        return PLIMSOLL_LEASE_CHANGED;
    }
    if (!plimsoll_api_ok(answer)) {
        return PLIMSOLL_LEASE_FAILED;
    }
    if (parse_lease(&answer->body, lease) < 0) {
        static const char why[] = "the answer is no Lease with a resourceVersion";
        memcpy(message, why, sizeof why);
        return PLIMSOLL_LEASE_FAILED;
    }
    return PLIMSOLL_LEASE_DONE;
}

static void write_path(const char *home, const char *name, struct plimsoll_text *path)
{
    plimsoll_text_add_string(path, "/apis/coordination.k8s.io/v1/namespaces/");
    plimsoll_api_add_escaped(path, home);
    plimsoll_text_add_string(path, "/leases");
    plimsoll_text_add_string(path, name);
}

enum plimsoll_lease_reply plimsoll_kube_read_lease(struct plimsoll_kube *kube, const char *home,
                                                   struct plimsoll_lease *lease,
                                                   char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_path(home, "/" LEASE_NAME, &path);
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.path = path.data,
                                             .timeout_ms = REPLY_MS_MAX,
                                             .answer_bytes_max = LEASE_BYTES_MAX});
    enum plimsoll_lease_reply reply = PLIMSOLL_LEASE_DONE;
    if (answer.status == 404) {
        *lease = (struct plimsoll_lease){0};
    } else {
        reply = take(&answer, lease, message);
    }
    plimsoll_api_answer_clear(&answer);
    return reply;
}

/* renewTime is for people: nobody compares it with a clock. */
static char *write_object(const char *home, const struct plimsoll_lease *wanted)
{
    char now[PLIMSOLL_TIME_SIZE];
    plimsoll_time_format_micro(plimsoll_clock_unix_ms(), now);
    json_auto_t *metadata = json_pack("{s:s, s:s}", "name", LEASE_NAME, "namespace", home);
    if (wanted->exists) {
        json_object_set_new(metadata, "resourceVersion", json_string(wanted->version));
    }
    json_auto_t *object =
        json_pack("{s:s, s:s, s:O, s:{s:s, s:i, s:i, s:s, s:s}}", "apiVersion",
                  "coordination.k8s.io/v1", "kind", "Lease", "metadata", metadata, "spec",
                  "holderIdentity", wanted->holder, "leaseDurationSeconds", wanted->duration_s,
                  "leaseTransitions", wanted->transitions, "acquireTime", now, "renewTime", now);
    return json_dumps(object, JSON_COMPACT);
}

enum plimsoll_lease_reply plimsoll_kube_write_lease(struct plimsoll_kube *kube, const char *home,
                                                    const struct plimsoll_lease *wanted,
                                                    struct plimsoll_lease *written,
                                                    char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_path(home, wanted->exists ? "/" LEASE_NAME : "", &path);
    plimsoll_autofree char *object = write_object(home, wanted);
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.method = wanted->exists ? "PUT" : "POST",
                                             .path = path.data,
                                             .body = plimsoll_span_of(object),
                                             .timeout_ms = REPLY_MS_MAX,
                                             .answer_bytes_max = LEASE_BYTES_MAX});
    enum plimsoll_lease_reply reply = take(&answer, written, message);
    /* The first of two may have been what the second ran into. */
    if (reply == PLIMSOLL_LEASE_CHANGED && answer.twice) {
        reply = PLIMSOLL_LEASE_FAILED;
    }
    plimsoll_api_answer_clear(&answer);
    return reply;
}
