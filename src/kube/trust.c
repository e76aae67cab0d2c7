/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/trust.h>

#include "base64.h"
#include "client.h"
#include "outcome.h"

#include <jansson.h>

#include <plimsoll/limits.h>

#define PATH_BYTES_MAX 4096

static const char *string_of(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string != NULL ? string : "";
}

static int refused(const struct plimsoll_api_answer *answer, const char *what, const char *name,
                   struct plimsoll_error *err)
{
    return plimsoll_error_set(err, plimsoll_outcome(answer), "%s %s: %s", what, name,
                              answer->message);
}

/* The object in an answer, or NULL with `err` set: none came, or another kind of thing. */
static json_t *open_object(const struct plimsoll_api_answer *answer, const char *kind,
                           const char *name, struct plimsoll_error *err)
{
    const struct plimsoll_text *body = &answer->body;
    json_t *object = body->overflowed || body->size == 0
                         ? NULL
                         : json_loadb(body->data, body->size, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object) || strcmp(string_of(object, "kind"), kind) != 0) {
        json_decref(object);
        (void)plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s %s: the answer is no %s", kind,
                                 name, kind);
        return NULL;
    }
    return object;
}

/* -- the Secret ----------------------------------------------------------------------------------
 */

static void write_core_path(const char *in_namespace, const char *plural, const char *name,
                            struct plimsoll_text *path)
{
    plimsoll_text_add_string(path, "/api/v1/namespaces/");
    plimsoll_api_add_escaped(path, in_namespace);
    plimsoll_text_add_format(path, "/%s/", plural);
    plimsoll_api_add_escaped(path, name);
}

static void write_secret_path(const char *in_namespace, const char *name,
                              struct plimsoll_text *path)
{
    write_core_path(in_namespace, "secrets", name, path);
}

static struct plimsoll_text decoded(const json_t *data, const char *key)
{
    struct plimsoll_text text = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    (void)plimsoll_base64_decode(string_of(data, key), &text);
    return text;
}

static int parse_secret(struct plimsoll_api_answer *answer, const char *name,
                        struct plimsoll_secret *secret, struct plimsoll_error *err)
{
    json_auto_t *object = open_object(answer, "Secret", name, err);
    if (object == NULL) {
        return -1;
    }
    const json_t *data = json_object_get(object, "data");
    *secret = (struct plimsoll_secret){.object = answer->body,
                                       .certificates = decoded(data, "ca.crt"),
                                       .keys = decoded(data, "ca.key")};
    answer->body = plimsoll_text_make(0);
    return 0;
}

int plimsoll_kube_read_secret(struct plimsoll_kube *kube, const char *in_namespace,
                              const char *name, struct plimsoll_secret *secret,
                              struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_secret_path(in_namespace, name, &path);
    struct plimsoll_api_answer answer =
        plimsoll_api_call(kube, &(struct plimsoll_api_request){.path = path.data});
    int result = plimsoll_api_ok(&answer) ? parse_secret(&answer, name, secret, err)
                                          : refused(&answer, "Secret", name, err);
    plimsoll_api_answer_clear(&answer);
    return result;
}

static void set_data(json_t *data, const char *key, struct plimsoll_span bytes)
{
    plimsoll_autofree char *encoded = plimsoll_base64_encode(bytes);
    json_object_set_new(data, key, json_string(encoded));
}

/* The object as it was read, its resourceVersion included, but for our two keys. */
static char *changed(const struct plimsoll_secret *secret, struct plimsoll_span certificates,
                     struct plimsoll_span keys)
{
    json_auto_t *object = json_loadb(secret->object.data, secret->object.size, 0, NULL);
    json_t *data = json_object_get(object, "data");
    if (!json_is_object(data)) {
        data = json_object();
        json_object_set_new(object, "data", data);
    }
    set_data(data, "ca.crt", certificates);
    set_data(data, "ca.key", keys);
    return json_dumps(object, JSON_COMPACT);
}

int plimsoll_kube_write_secret(struct plimsoll_kube *kube, const char *in_namespace,
                               const char *name, const struct plimsoll_secret *secret,
                               struct plimsoll_span certificates, struct plimsoll_span keys,
                               struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autofree char *object = changed(secret, certificates, keys);
    write_secret_path(in_namespace, name, &path);
    plimsoll_text_add_string(&path, "?fieldManager=plimsoll");
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){
                  .method = "PUT", .path = path.data, .body = plimsoll_span_of(object)});
    int result = plimsoll_api_ok(&answer) ? 0 : refused(&answer, "Secret", name, err);
    plimsoll_api_answer_clear(&answer);
    return result;
}

void plimsoll_secret_clear(struct plimsoll_secret *secret)
{
    plimsoll_text_clear(&secret->object);
    plimsoll_text_clear(&secret->certificates);
    plimsoll_text_clear(&secret->keys);
}

/* -- the webhook configuration -------------------------------------------------------------------
 */

static const char kind[] = "MutatingWebhookConfiguration";

static void write_trust_path(const char *name, struct plimsoll_text *path)
{
    plimsoll_text_add_string(
        path, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/");
    plimsoll_api_add_escaped(path, name);
}

static char *copy_string(const char *string)
{
    return plimsoll_copy(string, strlen(string));
}

static int parse_trust(const struct plimsoll_api_answer *answer, const char *name,
                       struct plimsoll_trust *trust, struct plimsoll_error *err)
{
    json_auto_t *object = open_object(answer, kind, name, err);
    if (object == NULL) {
        return -1;
    }
    const json_t *webhooks = json_object_get(object, "webhooks");
    size_t count = json_array_size(webhooks);
    if (count > PLIMSOLL_WEBHOOKS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s %s: %zu webhooks; at most %u",
                                  kind, name, count, PLIMSOLL_WEBHOOKS_MAX);
    }
    trust->uid = copy_string(string_of(json_object_get(object, "metadata"), "uid"));
    trust->webhooks = plimsoll_alloc(count + 1, sizeof *trust->webhooks);
    trust->count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *webhook = json_array_get(webhooks, i);
        trust->webhooks[i].name = copy_string(string_of(webhook, "name"));
        trust->webhooks[i].bundle = decoded(json_object_get(webhook, "clientConfig"), "caBundle");
    }
    return 0;
}

int plimsoll_kube_read_trust(struct plimsoll_kube *kube, const char *configuration,
                             struct plimsoll_trust *trust, struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_trust_path(configuration, &path);
    struct plimsoll_api_answer answer =
        plimsoll_api_call(kube, &(struct plimsoll_api_request){.path = path.data});
    int result = plimsoll_api_ok(&answer) ? parse_trust(&answer, configuration, trust, err)
                                          : refused(&answer, kind, configuration, err);
    plimsoll_api_answer_clear(&answer);
    return result;
}

/* Only what is to be ours. The uid is no field of ours: it makes sure that nothing is created. */
static char *write_apply(const char *configuration, const struct plimsoll_trust *trust,
                         struct plimsoll_span bundle)
{
    plimsoll_autofree char *encoded = plimsoll_base64_encode(bundle);
    json_t *webhooks = json_array();
    for (size_t i = 0; i < trust->count; i++) {
        json_array_append_new(webhooks, json_pack("{s:s, s:{s:s}}", "name", trust->webhooks[i].name,
                                                  "clientConfig", "caBundle", encoded));
    }
    json_auto_t *object = json_pack("{s:s, s:s, s:{s:s, s:s}, s:o}", "apiVersion",
                                    "admissionregistration.k8s.io/v1", "kind", kind, "metadata",
                                    "name", configuration, "uid", trust->uid, "webhooks", webhooks);
    return json_dumps(object, JSON_COMPACT);
}

int plimsoll_kube_write_trust(struct plimsoll_kube *kube, const char *configuration,
                              struct plimsoll_span bundle, struct plimsoll_trust *trust,
                              struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autofree char *object = write_apply(configuration, trust, bundle);
    write_trust_path(configuration, &path);
    plimsoll_text_add_string(&path, "?fieldManager=plimsoll&force=true");
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.method = "PATCH",
                                             .path = path.data,
                                             .content_type = PLIMSOLL_API_APPLY_PATCH,
                                             .body = plimsoll_span_of(object)});
    struct plimsoll_trust now = {.count = 0};
    int result = plimsoll_api_ok(&answer) ? parse_trust(&answer, configuration, &now, err)
                                          : refused(&answer, kind, configuration, err);
    if (result == 0) {
        plimsoll_trust_clear(trust);
        *trust = now;
    }
    plimsoll_api_answer_clear(&answer);
    return result;
}

void plimsoll_trust_clear(struct plimsoll_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++) {
        free(trust->webhooks[i].name);
        plimsoll_text_clear(&trust->webhooks[i].bundle);
    }
    free(trust->webhooks);
    free(trust->uid);
    *trust = (struct plimsoll_trust){.count = 0};
}

/* -- the ConfigMap -------------------------------------------------------------------------------
 */

/* @return 1 when it has the bundle, 0 when not; then `uid` is its own, NULL after a failure (-1).
 */
static int read_published(const struct plimsoll_api_answer *answer, const char *name,
                          struct plimsoll_span bundle, char **uid, struct plimsoll_error *err)
{
    json_auto_t *object = open_object(answer, "ConfigMap", name, err);
    if (object == NULL) {
        return -1;
    }
    const char *there = string_of(json_object_get(object, "data"), "ca.crt");
    *uid = copy_string(string_of(json_object_get(object, "metadata"), "uid"));
    return plimsoll_span_is(bundle, there) ? 1 : 0;
}

static int apply_ca(struct plimsoll_kube *kube, struct plimsoll_text *path, const char *name,
                    const char *uid, struct plimsoll_span bundle, struct plimsoll_error *err)
{
    json_auto_t *object =
        json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s%}}", "apiVersion", "v1", "kind", "ConfigMap",
                  "metadata", "name", name, "uid", uid, "data", "ca.crt", bundle.data, bundle.size);
    plimsoll_autofree char *body = json_dumps(object, JSON_COMPACT);
    plimsoll_text_add_string(path, "?fieldManager=plimsoll&force=true");
    struct plimsoll_api_answer answer = plimsoll_api_call(
        kube, &(struct plimsoll_api_request){.method = "PATCH",
                                             .path = path->data,
                                             .content_type = PLIMSOLL_API_APPLY_PATCH,
                                             .body = plimsoll_span_of(body)});
    int result = plimsoll_api_ok(&answer) ? 0 : refused(&answer, "ConfigMap", name, err);
    plimsoll_api_answer_clear(&answer);
    return result;
}

int plimsoll_kube_publish_ca(struct plimsoll_kube *kube, const char *in_namespace, const char *name,
                             struct plimsoll_span bundle, bool *written, struct plimsoll_error *err)
{
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autofree char *uid = NULL;
    write_core_path(in_namespace, "configmaps", name, &path);
    struct plimsoll_api_answer answer =
        plimsoll_api_call(kube, &(struct plimsoll_api_request){.path = path.data});
    int result = plimsoll_api_ok(&answer) ? read_published(&answer, name, bundle, &uid, err)
                                          : refused(&answer, "ConfigMap", name, err);
    plimsoll_api_answer_clear(&answer);
    bool differs = result == 0;
    if (result < 0 || (differs && apply_ca(kube, &path, name, uid, bundle, err) != 0)) {
        return -1;
    }
    *written = differs;
    return 0;
}
