/* SPDX-License-Identifier: Apache-2.0 */
/* An AdmissionReview is taken apart, the pod decided, the answer put together. */
#include "admission_parts.h"
#include "envelope.h"

#include <openssl/evp.h>

static int check_envelope(const struct plimsoll_envelope *envelope, struct plimsoll_error *err)
{
    if (!plimsoll_span_is(envelope->review_kind, "AdmissionReview") ||
        !plimsoll_span_is(envelope->api_version, "admission.k8s.io/v1")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no AdmissionReview: kind must be AdmissionReview and apiVersion "
                                  "admission.k8s.io/v1");
    }
    if (envelope->uid.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no AdmissionReview: request.uid is missing");
    }
    return 0;
}

static bool is_pod_creation(const struct plimsoll_envelope *envelope)
{
    return plimsoll_span_is(envelope->operation, "CREATE") &&
           plimsoll_span_is(envelope->kind, "Pod") &&
           plimsoll_span_is(envelope->kind_version, "v1") && envelope->kind_group.size == 0 &&
           plimsoll_span_is(envelope->resource, "pods") && envelope->subresource.size == 0;
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

static void begin_answer(const struct plimsoll_envelope *envelope, struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/"
                                  "v1\",\"response\":{\"uid\":\"");
    plimsoll_text_add_span(out, envelope->uid);
    plimsoll_text_add_char(out, '"');
}

static void write_allowed(const struct plimsoll_envelope *envelope,
                          struct plimsoll_mutation *mutation, struct plimsoll_text *out)
{
    begin_answer(envelope, out);
    plimsoll_text_add_string(out, ",\"allowed\":true");
    if (mutation->patch.size > 0) {
        write_patch(&mutation->patch, out);
    }
    write_warnings(mutation, out);
    plimsoll_text_add_string(out, "}}");
}

static void write_denied(const struct plimsoll_envelope *envelope, const char *message,
                         struct plimsoll_text *out)
{
    begin_answer(envelope, out);
    plimsoll_text_add_string(out, ",\"allowed\":false,\"status\":{\"code\":400,\"reason\":"
                                  "\"BadRequest\",\"message\":");
    plimsoll_text_add_json(out, plimsoll_span_of(message));
    plimsoll_text_add_string(out, "}}}");
}

/* ---- the face ---- */

/** The parts of the pod that are looked into, each a document of its own. */
struct parts {
    struct plimsoll_json_document *annotations, *labels, *spec; /* owned */
};

static void free_parts(struct parts *parts)
{
    plimsoll_json_free(&parts->annotations);
    plimsoll_json_free(&parts->labels);
    plimsoll_json_free(&parts->spec);
}

static int parse_part(struct plimsoll_span text, const char *name,
                      struct plimsoll_json_document **part, struct plimsoll_error *err)
{
    if (text.size == 0 || plimsoll_json_parse(text, part, err) == 0) {
        return 0;
    }
    return plimsoll_error_wrap(err, "no Pod: %s", name);
}

static int parse_parts(const struct plimsoll_envelope *envelope, struct parts *parts,
                       struct plimsoll_error *err)
{
    return parse_part(envelope->annotations, "metadata.annotations", &parts->annotations, err) <
                       0 ||
                   parse_part(envelope->labels, "metadata.labels", &parts->labels, err) < 0 ||
                   parse_part(envelope->spec, "spec", &parts->spec, err) < 0
               ? -1
               : 0;
}

static int decide(struct plimsoll_mutation *mutation, const struct plimsoll_envelope *envelope,
                  struct parts *parts, struct plimsoll_error *err)
{
    if (!is_pod_creation(envelope)) {
        return 0;
    }
    /* Parents that every patch counts on. */
    if (!plimsoll_span_starts(envelope->metadata, "{") ||
        !plimsoll_span_starts(envelope->spec, "{")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no Pod: request.object must have metadata and spec, objects");
    }
    if (parse_parts(envelope, parts, err) < 0) {
        return -1;
    }
    mutation->annotations = plimsoll_json_root(parts->annotations);
    mutation->labels = plimsoll_json_root(parts->labels);
    mutation->spec = plimsoll_json_root(parts->spec);
    mutation->namespace_ =
        envelope->namespace_.size > 0 ? envelope->namespace_ : envelope->pod_namespace;
    return plimsoll_mutation_decide(mutation, envelope->object, err);
}

static int answer(struct plimsoll_mutation *mutation, const struct plimsoll_envelope *envelope,
                  struct plimsoll_text *out, enum plimsoll_admission_result *result,
                  struct plimsoll_error *err)
{
    struct plimsoll_error why;
    __attribute__((cleanup(free_parts))) struct parts parts = {.spec = NULL};
    if (decide(mutation, envelope, &parts, &why) == 0) {
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
    struct plimsoll_envelope envelope;
    if (request.size > PLIMSOLL_REVIEW_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the AdmissionReview is larger than %u bytes",
                                  PLIMSOLL_REVIEW_BYTES_MAX);
    }
    if (plimsoll_envelope_read(request, &envelope, err) < 0 || check_envelope(&envelope, err) < 0) {
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
