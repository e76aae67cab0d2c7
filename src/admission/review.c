/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope: an AdmissionReview is taken apart, the pod decided, the answer put together. */
#include "admission_parts.h"

#include <openssl/evp.h>

struct envelope {
    struct plimsoll_json request, object;
    struct plimsoll_span uid; /* still escaped, as it goes back */
};

static int read_envelope(struct plimsoll_json review, struct envelope *envelope,
                         struct plimsoll_error *err)
{
    if (!plimsoll_json_is(plimsoll_json_get(review, "kind"), "AdmissionReview") ||
        !plimsoll_json_is(plimsoll_json_get(review, "apiVersion"), "admission.k8s.io/v1")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no AdmissionReview: kind must be AdmissionReview and apiVersion "
                                  "admission.k8s.io/v1");
    }
    envelope->request = plimsoll_json_get(review, "request");
    struct plimsoll_json uid = plimsoll_json_get(envelope->request, "uid");
    if (!plimsoll_mutation_has_text(uid)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no AdmissionReview: request.uid is missing");
    }
    envelope->uid = plimsoll_json_raw(uid);
    envelope->object = plimsoll_json_get(envelope->request, "object");
    return 0;
}

static bool is_pod_creation(struct plimsoll_json request)
{
    struct plimsoll_json kind = plimsoll_json_get(request, "kind");
    struct plimsoll_json resource = plimsoll_json_get(request, "resource");
    return plimsoll_json_is(plimsoll_json_get(request, "operation"), "CREATE") &&
           plimsoll_json_is(plimsoll_json_get(kind, "kind"), "Pod") &&
           plimsoll_json_is(plimsoll_json_get(kind, "version"), "v1") &&
           !plimsoll_mutation_has_text(plimsoll_json_get(kind, "group")) &&
           plimsoll_json_is(plimsoll_json_get(resource, "resource"), "pods") &&
           !plimsoll_mutation_has_text(plimsoll_json_get(request, "subResource"));
}

/* ---- the answer ---- */

static void write_patch(struct plimsoll_text *patch, struct plimsoll_text *out)
{
    plimsoll_autotext list = plimsoll_text_make(patch->size + 2);
    plimsoll_text_reserve(&list, patch->size + 2);
    plimsoll_text_add_char(&list, '[');
    plimsoll_text_add_span(&list, plimsoll_text_span(patch));
    plimsoll_text_add_char(&list, ']');
    /* Four characters for three bytes, and EVP's NUL. */
    plimsoll_autofree char *encoded = plimsoll_alloc((list.size + 2) / 3 * 4 + 1, 1);
    int written =
        EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)list.data, (int)list.size);
    plimsoll_text_add_string(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
    plimsoll_text_add(out, encoded, (size_t)written);
    plimsoll_text_add_char(out, '"');
}

static void write_warnings(const struct plimsoll_mutation *mutation, struct plimsoll_text *out)
{
    for (size_t i = 0; i < mutation->warning_count; i++) {
        plimsoll_text_add_string(out, i > 0 ? "," : ",\"warnings\":[");
        plimsoll_text_add_json(out, plimsoll_span_of(mutation->warnings[i]));
    }
    if (mutation->warning_count > 0) {
        plimsoll_text_add_char(out, ']');
    }
}

static void begin_answer(const struct envelope *envelope, struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
                                  "v1\",\"response\":{\"uid\":\"");
    plimsoll_text_add_span(out, envelope->uid);
    plimsoll_text_add_char(out, '"');
}

static void write_allowed(const struct envelope *envelope, struct plimsoll_mutation *mutation,
                          struct plimsoll_text *out)
{
    begin_answer(envelope, out);
    plimsoll_text_add_string(out, ",\"allowed\":true");
    if (mutation->patch.size > 0) {
        write_patch(&mutation->patch, out);
    }
    write_warnings(mutation, out);
    plimsoll_text_add_string(out, "}}");
}

static void write_denied(const struct envelope *envelope, const char *message,
                         struct plimsoll_text *out)
{
    begin_answer(envelope, out);
    plimsoll_text_add_string(out, ",\"allowed\":false,\"status\":{\"code\":400,\"reason\":"
                                  "\"BadRequest\",\"message\":");
    plimsoll_text_add_json(out, plimsoll_span_of(message));
    plimsoll_text_add_string(out, "}}}");
}

/* ---- the face ---- */

static int decide(struct plimsoll_mutation *mutation, const struct envelope *envelope,
                  struct plimsoll_error *err)
{
    if (!is_pod_creation(envelope->request)) {
        return 0;
    }
    if (plimsoll_json_type(envelope->object) != PLIMSOLL_JSON_OBJECT) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no AdmissionReview: request.object is no object");
    }
    mutation->metadata = plimsoll_json_get(envelope->object, "metadata");
    mutation->annotations = plimsoll_json_get(mutation->metadata, "annotations");
    mutation->spec = plimsoll_json_get(envelope->object, "spec");
    /* Parents that every patch counts on. */
    if (plimsoll_json_type(mutation->metadata) != PLIMSOLL_JSON_OBJECT ||
        plimsoll_json_type(mutation->spec) != PLIMSOLL_JSON_OBJECT) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no Pod: metadata and spec must be objects");
    }
    struct plimsoll_json namespace_ = plimsoll_json_get(envelope->request, "namespace");
    if (!plimsoll_mutation_has_text(namespace_)) {
        namespace_ = plimsoll_json_get(mutation->metadata, "namespace");
    }
    mutation->namespace_ = plimsoll_json_raw(namespace_);
    return plimsoll_mutation_decide(mutation, plimsoll_json_raw(envelope->object), err);
}

static int answer(struct plimsoll_mutation *mutation, const struct envelope *envelope,
                  struct plimsoll_text *out, enum plimsoll_admission_result *result,
                  struct plimsoll_error *err)
{
    struct plimsoll_error why;
    if (decide(mutation, envelope, &why) == 0) {
        *result =
            mutation->patch.size > 0 ? PLIMSOLL_ADMISSION_MUTATED : PLIMSOLL_ADMISSION_SKIPPED;
        write_allowed(envelope, mutation, out);
    } else if (why.kind == PLIMSOLL_ERR_DENIED) {
        *result = PLIMSOLL_ADMISSION_DENIED;
        write_denied(envelope, why.message, out);
    } else {
        *err = why;
        return -1;
    }
    if (out->overflowed || mutation->patch.overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the answer is larger than %zu bytes", out->size_max);
    }
    return 0;
}

int plimsoll_admission_review(const struct plimsoll_config *config,
                              const struct plimsoll_facts *facts, struct plimsoll_span request,
                              struct plimsoll_text *response,
                              enum plimsoll_admission_result *result, struct plimsoll_error *err)
{
    plimsoll_autojson *document = NULL;
    struct envelope envelope;
    if (request.size > PLIMSOLL_REVIEW_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the AdmissionReview is larger than %u bytes",
                                  PLIMSOLL_REVIEW_BYTES_MAX);
    }
    if (plimsoll_json_parse(request, &document, err) < 0) {
        return plimsoll_error_wrap(err, "no AdmissionReview");
    }
    if (read_envelope(plimsoll_json_root(document), &envelope, err) < 0) {
        return -1;
    }
    plimsoll_autotext out = plimsoll_text_make(response->size_max - response->size);
    struct plimsoll_mutation mutation = {
        .config = config, .facts = facts, .patch = plimsoll_text_make(out.size_max)};
    enum plimsoll_admission_result what;
    int status = answer(&mutation, &envelope, &out, &what, err);
    if (status == 0) {
        plimsoll_text_add_span(response, plimsoll_text_span(&out));
        *result = what;
    }
    plimsoll_text_clear(&mutation.patch);
    for (size_t i = 0; i < mutation.warning_count; i++) {
        free(mutation.warnings[i]);
    }
    return status;
}
