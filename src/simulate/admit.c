/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <plimsoll/admission.h>

#include <openssl/evp.h>
#include <string.h>

/* The review that the API server would send when the pod is created. */
static char *write_review(const json_t *pod)
{
    const json_t *metadata = json_object_get(pod, "metadata");
    json_auto_t *review = json_pack(
        "{s:s, s:s, s:{s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:O, s:s, s:O, s:n}}", "kind",
        "AdmissionReview", "apiVersion", "admission.k8s.io/v1", "request", "uid", "simulated",
        "kind", "group", "", "version", "v1", "kind", "Pod", "resource", "group", "", "version",
        "v1", "resource", "pods", "namespace", json_object_get(metadata, "namespace"), "operation",
        "CREATE", "object", pod, "oldObject");
    return review != NULL ? json_dumps(review, JSON_COMPACT) : NULL;
}

/* @return NULL when the base64 is none. */
static json_t *decode_patch(const json_t *encoded)
{
    size_t size = json_string_length(encoded);
    plimsoll_autofree unsigned char *plain = plimsoll_alloc(size + 1, 1);
    int decoded =
        EVP_DecodeBlock(plain, (const unsigned char *)json_string_value(encoded), (int)size);
    /* Padding decodes to NULs, which end the text. */
    return decoded > 0 ? json_loads((const char *)plain, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

static bool obey(const json_t *response, json_t *pod, struct plimsoll_text *denied)
{
    const json_t *encoded = json_object_get(response, "patch");
    if (!json_is_true(json_object_get(response, "allowed"))) {
        const char *message =
            json_string_value(json_object_get(json_object_get(response, "status"), "message"));
        plimsoll_text_add_string(denied, message != NULL ? message : "denied");
        return true;
    }
    if (encoded == NULL) {
        return true;
    }
    json_auto_t *patch = decode_patch(encoded);
    return plimsoll_patch_apply(pod, patch);
}

int plimsoll_simulate_admit(const struct plimsoll_config *config,
                            const struct plimsoll_facts *facts, json_t *pod,
                            struct plimsoll_text *denied, struct plimsoll_error *err)
{
    enum plimsoll_admission_result result;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    plimsoll_autofree char *review = write_review(pod);
    if (review == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the pod holds what is no JSON");
    }
    if (plimsoll_admission_review(config, facts, plimsoll_span_of(review), &answer, &result, err) !=
        0) {
        return -1;
    }
    json_auto_t *root = json_loadb(answer.data, answer.size, JSON_REJECT_DUPLICATES, NULL);
    if (!obey(json_object_get(root, "response"), pod, denied)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL,
                                  "the webhook's patch does not apply to the pod");
    }
    return 0;
}
