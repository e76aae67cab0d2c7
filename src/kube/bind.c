/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <jansson.h>

#include <plimsoll/pod.h>

/* The API server gives up after 4 s; what it says then should still reach us. */
#define SERVER_TIMEOUT    "4s"
#define REPLY_MS_MAX      5000L
#define CONNECT_MS_MAX    3000L
#define PATH_BYTES_MAX    4096
#define BINDING_BYTES_MAX (PLIMSOLL_ANNOTATION_BYTES_MAX + 16u * 1024)

/* What a request came to. */
struct answer {
    long status; /* 0: none came */
    bool sent;   /* the request may have reached the API server … */
    bool twice;  /* … and so may an earlier one, on a connection that died */
};

static void add_escaped(struct plimsoll_text *path, const char *value)
{
    char *escaped = curl_easy_escape(NULL, value, 0);
    if (escaped == NULL) {
        abort();
    }
    plimsoll_text_add_string(path, escaped);
    curl_free(escaped);
}

static void write_path(const struct plimsoll_bind_request *request, const char *rest,
                       struct plimsoll_text *path)
{
    plimsoll_text_add_string(path, "/api/v1/namespaces/");
    add_escaped(path, request->namespace_);
    plimsoll_text_add_string(path, "/pods/");
    add_escaped(path, request->pod);
    plimsoll_text_add_string(path, rest);
}

static json_t *make_annotations(const struct plimsoll_books_effect *effect, const char *claim)
{
    json_t *annotations = json_object();
    if (claim != NULL) {
        json_object_set_new(annotations, PLIMSOLL_ANNOTATION_CLAIM, json_string(claim));
    }
    for (unsigned i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX && effect->visible[i] != NULL; i++) {
        plimsoll_autotext key = plimsoll_text_make(64);
        plimsoll_text_add_string(&key, PLIMSOLL_ANNOTATION_VISIBLE);
        if (i > 0) {
            plimsoll_text_add_format(&key, ".%u", i);
        }
        json_object_set_new(annotations, key.data, json_string(effect->visible[i]));
    }
    return annotations;
}

static void write_binding(const struct plimsoll_books_effect *effect, const char *claim,
                          struct plimsoll_text *out)
{
    const struct plimsoll_bind_request *request = &effect->request;
    json_auto_t *metadata =
        json_pack("{s:s, s:s}", "name", request->pod, "namespace", request->namespace_);
    if (request->uid.text[0] != '\0') {
        json_object_set_new(metadata, "uid", json_string(request->uid.text));
    }
    json_auto_t *annotations = make_annotations(effect, claim);
    if (json_object_size(annotations) > 0) {
        json_object_set(metadata, "annotations", annotations);
    }
    json_auto_t *binding = json_pack("{s:s, s:s, s:O, s:{s:s, s:s, s:s}}", "apiVersion", "v1",
                                     "kind", "Binding", "metadata", metadata, "target",
                                     "apiVersion", "v1", "kind", "Node", "name", request->node);
    char *text = json_dumps(binding, JSON_COMPACT);
    if (text != NULL) {
        plimsoll_text_add_string(out, text);
    }
    free(text);
}

static void set_message(char message[PLIMSOLL_ERROR_MESSAGE_SIZE], const char *text)
{
    struct plimsoll_error clean = {0};
    plimsoll_error_set(&clean, PLIMSOLL_ERR_NONE, "%s", text);
    memcpy(message, clean.message, PLIMSOLL_ERROR_MESSAGE_SIZE);
}

/* Sends once; a 401 once more with the token read anew. */
static struct answer send_request(struct plimsoll_exchange *exchange, const char *path,
                                  const struct plimsoll_text *post,
                                  char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    struct plimsoll_error err = {0};
    struct answer answer = {0};
    for (int attempt = 0; attempt < 2; attempt++) {
        exchange->sent = 0;
        if (plimsoll_exchange_prepare(exchange, path, post, attempt > 0, &err) < 0) {
            set_message(message, err.message);
            return (struct answer){0};
        }
        curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, REPLY_MS_MAX);
        curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS_MAX);
        CURLcode result = curl_easy_perform(exchange->easy);
        answer = (struct answer){
            .status = result == CURLE_OK ? plimsoll_exchange_status(exchange) : 0,
            .sent = exchange->sent > 0,
            .twice = exchange->sent > 1,
        };
        if (result != CURLE_OK) {
            set_message(message, exchange->curl_message[0] != '\0' ? exchange->curl_message
                                                                   : curl_easy_strerror(result));
        }
        if (answer.status != 401 || answer.twice) {
            break;
        }
    }
    if (answer.status != 0 && (answer.status < 200 || answer.status > 299)) {
        plimsoll_autotext said = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
        plimsoll_exchange_message(exchange, &said);
        set_message(message, said.data != NULL ? said.data : "");
    }
    return answer;
}

static const char *string_at(const json_t *object, const char *first, const char *second)
{
    const char *string = json_string_value(json_object_get(json_object_get(object, first), second));
    return string != NULL ? string : "";
}

static int report_unread(const struct plimsoll_bind_request *request, struct answer answer,
                         const char *message, struct plimsoll_error *err)
{
    enum plimsoll_error_kind kind = answer.status == 404 ? PLIMSOLL_ERR_NOT_FOUND
                                    : answer.status == 401 || answer.status == 403
                                        ? PLIMSOLL_ERR_DENIED
                                        : PLIMSOLL_ERR_UNAVAILABLE;
    return plimsoll_error_set(err, kind, "pod %s/%s cannot be read: %s", request->namespace_,
                              request->pod, message);
}

/* The body is a Pod, and the one that was meant. */
static int check_pod(const struct plimsoll_bind_request *request, const struct plimsoll_text *body,
                     struct plimsoll_error *err)
{
    json_auto_t *pod =
        body->overflowed || body->size == 0 ? NULL : json_loadb(body->data, body->size, 0, NULL);
    const char *uid = string_at(pod, "metadata", "uid");
    if (uid[0] == '\0') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "pod %s/%s cannot be read: the answer is no Pod with a uid",
                                  request->namespace_, request->pod);
    }
    if (request->uid.text[0] != '\0' && strcmp(uid, request->uid.text) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_CONFLICT,
                                  "pod %s/%s is another one by now: its uid is %s, not %s",
                                  request->namespace_, request->pod, uid, request->uid.text);
    }
    return 0;
}

int plimsoll_kube_read_pod(struct plimsoll_kube *kube, const struct plimsoll_bind_request *request,
                           struct plimsoll_text *object, struct plimsoll_error *err)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_path(request, "", &path); /* without resourceVersion: consistent */
    CURL *easy = plimsoll_pool_take(kube);
    struct plimsoll_exchange exchange =
        plimsoll_exchange_make(kube, easy, PLIMSOLL_OBJECT_BYTES_MAX);
    struct answer answer = send_request(&exchange, path.data, NULL, message);
    int result = answer.status == 200 ? check_pod(request, &exchange.body, err)
                                      : report_unread(request, answer, message, err);
    if (result == 0) {
        plimsoll_text_add_span(object, plimsoll_text_span(&exchange.body));
    }
    plimsoll_exchange_close(&exchange);
    plimsoll_pool_give(kube, easy);
    return result;
}

/* Does the API have for this pod what we wanted to write? */
static bool is_ours(const json_t *pod, const struct plimsoll_bind_request *request,
                    const char *claim)
{
    const json_t *annotations = json_object_get(json_object_get(pod, "metadata"), "annotations");
    const char *written =
        json_string_value(json_object_get(annotations, PLIMSOLL_ANNOTATION_CLAIM));
    return strcmp(string_at(pod, "spec", "nodeName"), request->node) == 0 &&
           (claim == NULL || (written != NULL && strcmp(written, claim) == 0));
}

/* A 409 says that the pod is not as we think: bound already (perhaps by our own first try), another
 * one of the same name, or being deleted. */
static enum plimsoll_bind_reply read_back(struct plimsoll_kube *kube,
                                          const struct plimsoll_bind_request *request,
                                          const char *claim)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    if (plimsoll_kube_read_pod(kube, request, &object, &err) < 0) {
        bool certain = err.kind == PLIMSOLL_ERR_NOT_FOUND || err.kind == PLIMSOLL_ERR_CONFLICT;
        return certain ? PLIMSOLL_REPLY_REFUSED : PLIMSOLL_REPLY_UNKNOWN;
    }
    json_auto_t *pod = json_loadb(object.data, object.size, 0, NULL);
    return is_ours(pod, request, claim) ? PLIMSOLL_REPLY_BOUND : PLIMSOLL_REPLY_REFUSED;
}

/* 429 comes from the queue before the handlers, 408 from the middle of one. */
static bool is_refusal(long status)
{
    return status >= 400 && status <= 499 && status != 408;
}

static enum plimsoll_bind_reply classify(struct plimsoll_kube *kube, struct answer answer,
                                         const struct plimsoll_bind_request *request,
                                         const char *claim)
{
    if (answer.status == 200 || answer.status == 201) {
        return PLIMSOLL_REPLY_BOUND;
    }
    enum plimsoll_bind_reply reply = PLIMSOLL_REPLY_UNKNOWN;
    if (answer.status == 409) {
        reply = read_back(kube, request, claim);
    } else if (!answer.sent || is_refusal(answer.status)) {
        reply = PLIMSOLL_REPLY_REFUSED;
    }
    /* The first of two may still be on its way to being written. */
    return reply == PLIMSOLL_REPLY_REFUSED && answer.twice ? PLIMSOLL_REPLY_UNKNOWN : reply;
}

enum plimsoll_bind_reply plimsoll_kube_bind(struct plimsoll_kube *kube,
                                            const struct plimsoll_books_effect *effect,
                                            char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    bool claimed = effect->claim.card_count > 0 || effect->claim.floating_cards > 0;
    plimsoll_autotext claim = plimsoll_text_make(PLIMSOLL_ANNOTATION_BYTES_MAX);
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_autotext body = plimsoll_text_make(BINDING_BYTES_MAX);
    message[0] = '\0';
    if (claimed) {
        plimsoll_claim_write(&effect->claim, &claim);
    }
    write_path(&effect->request, "/binding?timeout=" SERVER_TIMEOUT, &path);
    write_binding(effect, claim.data, &body);
    if (path.overflowed || body.overflowed || claim.overflowed || body.size == 0) {
        set_message(message, "the Binding cannot be written: a name or claim is too long or no "
                             "UTF-8");
        return PLIMSOLL_REPLY_REFUSED;
    }
    CURL *easy = plimsoll_pool_take(kube);
    struct plimsoll_exchange exchange =
        plimsoll_exchange_make(kube, easy, PLIMSOLL_REVIEW_BYTES_MAX);
    struct answer answer = send_request(&exchange, path.data, &body, message);
    plimsoll_exchange_close(&exchange);
    plimsoll_pool_give(kube, easy);
    return classify(kube, answer, &effect->request, claim.data);
}
