/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <jansson.h>

#include <plimsoll/pod.h>

/* The API server gives up after 4 s; what it says then should still reach us. */
#define SERVER_TIMEOUT    "4s"
#define REPLY_MS_MAX      5000
#define PATH_BYTES_MAX    4096
#define BINDING_BYTES_MAX (PLIMSOLL_ANNOTATION_BYTES_MAX + 16u * 1024)

static void write_path(const struct plimsoll_bind_request *request, const char *rest,
                       struct plimsoll_text *path)
{
    plimsoll_text_add_string(path, "/api/v1/namespaces/");
    plimsoll_api_add_escaped(path, request->namespace_);
    plimsoll_text_add_string(path, "/pods/");
    plimsoll_api_add_escaped(path, request->pod);
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

static const char *string_at(const json_t *object, const char *first, const char *second)
{
    const char *string = json_string_value(json_object_get(json_object_get(object, first), second));
    return string != NULL ? string : "";
}

static int report_unread(const struct plimsoll_bind_request *request,
                         const struct plimsoll_api_answer *answer, struct plimsoll_error *err)
{
    enum plimsoll_error_kind kind = answer->status == 404 ? PLIMSOLL_ERR_NOT_FOUND
                                    : answer->status == 401 || answer->status == 403
                                        ? PLIMSOLL_ERR_DENIED
                                        : PLIMSOLL_ERR_UNAVAILABLE;
    return plimsoll_error_set(err, kind, "pod %s/%s cannot be read: %s", request->namespace_,
                              request->pod, answer->message);
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
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    write_path(request, "", &path); /* without resourceVersion: consistent */
    struct plimsoll_api_answer answer =
        plimsoll_api_call(kube, &(struct plimsoll_api_request){.path = path.data});
    int result = answer.status == 200 ? check_pod(request, &answer.body, err)
                                      : report_unread(request, &answer, err);
    if (result == 0) {
        plimsoll_text_add_span(object, plimsoll_text_span(&answer.body));
    }
    plimsoll_api_answer_clear(&answer);
    return result;
}

/* 429 comes from the queue before the handlers, 408 from the middle of one. */
static bool is_refusal(long status)
{
    return status >= 400 && status <= 499 && status != 408;
}

/* A 409 says that the pod is not as we think: bound already, perhaps by our own first try; another
 * one of the same name; or being deleted. */
static enum plimsoll_bind_reply classify(const struct plimsoll_api_answer *answer)
{
    if (answer->status == 200 || answer->status == 201) {
        return PLIMSOLL_REPLY_BOUND;
    }
    enum plimsoll_bind_reply reply = PLIMSOLL_REPLY_UNKNOWN;
    if (answer->status == 409) {
        reply = PLIMSOLL_REPLY_CONFLICT;
    } else if (!answer->sent || is_refusal(answer->status)) {
        reply = PLIMSOLL_REPLY_REFUSED;
    }
    /* The first of two may still be on its way to being written. */
    return reply != PLIMSOLL_REPLY_BOUND && answer->twice ? PLIMSOLL_REPLY_UNKNOWN : reply;
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
        static const char why[] =
            "the Binding cannot be written: a name or claim is too long or no UTF-8";
        memcpy(message, why, sizeof why);
        return PLIMSOLL_REPLY_REFUSED;
    }
    struct plimsoll_api_answer answer =
        plimsoll_api_call(kube, &(struct plimsoll_api_request){.method = "POST",
                                                               .path = path.data,
                                                               .body = plimsoll_text_span(&body),
                                                               .timeout_ms = REPLY_MS_MAX});
    memcpy(message, answer.message, sizeof answer.message);
    enum plimsoll_bind_reply reply = classify(&answer);
    plimsoll_api_answer_clear(&answer);
    return reply;
}
