/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <plimsoll/api.h>
#include <plimsoll/kube.h>
#include <plimsoll/trust.h>

#include <jansson.h>

#include <signal.h>
#include <string.h>

#define PATH_BYTES_MAX 4096

static const char *string_of(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string != NULL ? string : "";
}

/* `group` like "/api/v1"; `in_namespace` may be NULL. */
static void write_path(const char *group, const char *in_namespace, const char *plural,
                       const char *name, struct plimsoll_text *path)
{
    plimsoll_text_add_string(path, group);
    if (in_namespace != NULL) {
        plimsoll_text_add_string(path, "/namespaces/");
        plimsoll_api_add_escaped(path, in_namespace);
    }
    plimsoll_text_add_format(path, "/%s/", plural);
    plimsoll_api_add_escaped(path, name);
}

/* The object in an answer, owned; NULL: it has none. */
static json_t *decode(const struct plimsoll_text *body)
{
    json_t *object = body->overflowed || body->size == 0
                         ? NULL
                         : json_loadb(body->data, body->size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(object)) {
        return object;
    }
    json_decref(object);
    return NULL;
}

/* @return the object, owned; NULL with `err` set. `what` is for the message. */
static json_t *get(struct plimsoll_kube *kube, const char *path, const char *what,
                   struct plimsoll_error *err)
{
    struct plimsoll_api_answer answer =
        plimsoll_api_call(kube, &(struct plimsoll_api_request){.path = path});
    json_t *object = plimsoll_api_ok(&answer) ? decode(&answer.body) : NULL;
    if (!plimsoll_api_ok(&answer)) {
        (void)plimsoll_error_set(
            err, answer.status == 404 ? PLIMSOLL_ERR_NOT_FOUND : PLIMSOLL_ERR_UNAVAILABLE, "%s: %s",
            what, answer.message);
    } else if (object == NULL) {
        (void)plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: the answer is no object", what);
    }
    plimsoll_api_answer_clear(&answer);
    return object;
}

static json_t *get_object(struct plimsoll_kube *kube, const char *group, const char *in_namespace,
                          const char *kind, const char *plural, const char *name,
                          struct plimsoll_error *err)
{
    char what[PLIMSOLL_LIVE_WORD_SIZE];
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_path(group, in_namespace, plural, name, &path);
    (void)snprintf(what, sizeof what, "%s %.253s", kind, name);
    return get(kube, path.data, what, err);
}

/* -- the API server ------------------------------------------------------------------------------
 */

/* "36", "36+": what comes first. */
static unsigned first_number(const char *text)
{
    unsigned long number = strtoul(text, NULL, 10);
    return number < 10000 ? (unsigned)number : 0;
}

static int read_version(struct plimsoll_kube *kube, struct plimsoll_live *live,
                        struct plimsoll_error *err)
{
    json_auto_t *object = get(kube, "/version", "the API server's version", err);
    if (object == NULL) {
        return -1;
    }
    const char *version = string_of(object, "gitVersion");
    size_t size = strspn(version, "v0123456789.");
    (void)snprintf(live->version, sizeof live->version, "%.*s", size < 32 ? (int)size : 0, version);
    live->minor = first_number(string_of(object, "minor"));
    return 0;
}

/* -- webhook and Service -------------------------------------------------------------------------
 */

struct service {
    char name[PLIMSOLL_LIVE_WORD_SIZE];
    json_int_t port;
};

static int read_webhook(struct plimsoll_kube *kube, const char *name, struct service *service,
                        struct plimsoll_live *live, struct plimsoll_error *err)
{
    json_auto_t *object =
        get_object(kube, "/apis/admissionregistration.k8s.io/v1", NULL,
                   "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", name, err);
    if (object == NULL) {
        return err->kind == PLIMSOLL_ERR_NOT_FOUND
                   ? plimsoll_error_wrap(err, "is Plimsoll installed, and called so (--name)?")
                   : -1;
    }
    const json_t *webhook = json_array_get(json_object_get(object, "webhooks"), 0);
    const json_t *named = json_object_get(json_object_get(webhook, "clientConfig"), "service");
    const json_t *port = json_object_get(named, "port");
    (void)snprintf(service->name, sizeof service->name, "%.253s", string_of(named, "name"));
    (void)snprintf(live->namespace_, sizeof live->namespace_, "%.253s",
                   string_of(named, "namespace"));
    service->port = port != NULL ? json_integer_value(port) : 443;
    if (service->name[0] == '\0' || live->namespace_[0] == '\0') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "MutatingWebhookConfiguration %s names no Service", name);
    }
    (void)snprintf(live->server_name, sizeof live->server_name, "%.253s.%.253s.svc", service->name,
                   live->namespace_);
    return 0;
}

static int read_address(struct plimsoll_kube *kube, const struct service *service,
                        struct plimsoll_live *live, struct plimsoll_error *err)
{
    json_auto_t *object =
        get_object(kube, "/api/v1", live->namespace_, "Service", "services", service->name, err);
    if (object == NULL) {
        return -1;
    }
    const char *ip = string_of(json_object_get(object, "spec"), "clusterIP");
    if (ip[0] == '\0' || strcmp(ip, "None") == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "Service %s has no cluster IP: give --address", service->name);
    }
    (void)snprintf(live->address, sizeof live->address,
                   strchr(ip, ':') != NULL ? "[%.64s]:%lld" : "%.64s:%lld", ip,
                   (long long)service->port);
    return 0;
}

static int read_ca(struct plimsoll_kube *kube, const char *name, struct plimsoll_live *live,
                   struct plimsoll_error *err)
{
    struct plimsoll_trust trust = {.count = 0};
    if (plimsoll_kube_read_trust(kube, name, &trust, err) != 0) {
        return -1;
    }
    live->ca = plimsoll_text_make(PLIMSOLL_LIVE_PEM_BYTES_MAX);
    if (trust.count > 0) {
        plimsoll_text_add_span(&live->ca, plimsoll_text_span(&trust.webhooks[0].bundle));
    }
    plimsoll_trust_clear(&trust);
    if (live->ca.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "MutatingWebhookConfiguration %s has no caBundle yet: wait until "
                                  "a server is ready, or give --ca",
                                  name);
    }
    return 0;
}

/* -- the server ----------------------------------------------------------------------------------
 */

static int read_config(struct plimsoll_kube *kube, const char *name, struct plimsoll_live *live,
                       struct plimsoll_error *err)
{
    char what[PLIMSOLL_LIVE_WORD_SIZE];
    json_auto_t *object =
        get_object(kube, "/api/v1", live->namespace_, "ConfigMap", "configmaps", name, err);
    if (object == NULL) {
        return -1;
    }
    const char *yaml =
        json_string_value(json_object_get(json_object_get(object, "data"), "plimsoll.yaml"));
    if (yaml == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "ConfigMap %s has no plimsoll.yaml: give --config", name);
    }
    (void)snprintf(what, sizeof what, "ConfigMap %.253s", name);
    return plimsoll_config_parse(plimsoll_span_of(yaml), what, &live->config, err);
}

static void read_arguments(const json_t *container, struct plimsoll_live *live)
{
    static const char extender[] = "--extender-listen=", client[] = "--client-ca=";
    size_t i;
    const json_t *argument;
    json_array_foreach(json_object_get(container, "args"), i, argument)
    {
        struct plimsoll_span text =
            plimsoll_span_of(json_is_string(argument) ? json_string_value(argument) : "");
        live->has_client_ca = live->has_client_ca || plimsoll_span_starts(text, client);
        if (plimsoll_span_starts(text, extender)) {
            (void)snprintf(live->extender, sizeof live->extender, "%.253s",
                           text.data + sizeof extender - 1);
        }
    }
}

/* Somebody may run the server in another way: then nothing is known of its flags. */
static void read_deployment(struct plimsoll_kube *kube, const char *name,
                            struct plimsoll_live *live)
{
    struct plimsoll_error unused;
    json_auto_t *object = get_object(kube, "/apis/apps/v1", live->namespace_, "Deployment",
                                     "deployments", name, &unused);
    const json_t *pod =
        json_object_get(json_object_get(json_object_get(object, "spec"), "template"), "spec");
    size_t i;
    const json_t *container;
    json_array_foreach(json_object_get(pod, "containers"), i, container)
    {
        if (strcmp(string_of(container, "name"), "server") == 0) {
            live->deployed = true;
            read_arguments(container, live);
        }
    }
}

static int read_all(struct plimsoll_kube *kube, const struct plimsoll_live_question *question,
                    struct plimsoll_live *live, struct plimsoll_error *err)
{
    struct service service = {.port = 0};
    if (read_version(kube, live, err) != 0 ||
        read_webhook(kube, question->name, &service, live, err) != 0) {
        return -1;
    }
    if ((question->address && read_address(kube, &service, live, err) != 0) ||
        (question->ca && read_ca(kube, question->name, live, err) != 0) ||
        (question->config && read_config(kube, question->name, live, err) != 0)) {
        return -1;
    }
    read_deployment(kube, question->name, live);
    return 0;
}

int plimsoll_live_read(const struct plimsoll_live_question *question, struct plimsoll_live *live,
                       struct plimsoll_error *err)
{
    struct plimsoll_kube *kube = NULL;
    /* A connection may end while it is written to. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (plimsoll_kube_new(&(struct plimsoll_kube_options){.kubeconfig = question->kubeconfig},
                          &kube, err) != 0) {
        return -1;
    }
    struct plimsoll_live *read = plimsoll_alloc(1, sizeof *read);
    int result = read_all(kube, question, read, err);
    if (result == 0) {
        *live = *read;
        *read = (struct plimsoll_live){.config = NULL};
    }
    plimsoll_live_clear(read);
    free(read);
    plimsoll_kube_free(&kube);
    return result;
}

void plimsoll_live_clear(struct plimsoll_live *live)
{
    plimsoll_text_clear(&live->ca);
    plimsoll_config_free(&live->config);
}
