/* SPDX-License-Identifier: Apache-2.0 */
/** Asks for a review and reads the answer as the API server does (unit.h comes first). */
#pragma once

#include "json_patch.h"

#include <openssl/evp.h>

#include <plimsoll/admission.h>

/** One NVIDIA node with one card, all labels and RuntimeClasses there. */
static inline struct plimsoll_facts home_lab(void)
{
    struct plimsoll_facts facts = {.api = true, .synced = true, .runtime_classes = UINT64_MAX};
    for (int vendor = PLIMSOLL_VENDOR_NVIDIA; vendor <= PLIMSOLL_VENDOR_INTEL; vendor++) {
        facts.nodes[vendor] = 1;
        facts.selectors[vendor] = UINT64_MAX;
    }
    return facts;
}

static inline json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value =
        json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (value == NULL) {
        fail_msg("%s: %s", error.text, text);
    }
    return value;
}

static inline char *review_of(const json_t *pod)
{
    json_t *review = json_of(
        "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"
        "\"705ab4f5-6393-11e8-b7cc-42010a800002\",\"kind\":{\"group\":\"\",\"version\":\"v1\","
        "\"kind\":\"Pod\"},\"resource\":{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"},"
        "\"namespace\":\"default\",\"operation\":\"CREATE\",\"oldObject\":null}}");
    json_t *copy = json_deep_copy(pod);
    json_object_set_new(json_object_get(review, "request"), "object", copy);
    char *text = json_dumps(review, JSON_COMPACT);
    json_decref(review);
    return text;
}

/* What admission/v1 verifies: each failure would be a failed call. */
static inline json_t *checked_answer(const char *text, size_t size)
{
    json_error_t error;
    json_t *review = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (review == NULL) {
        fail_msg("the answer is no JSON: %s", error.text);
    }
    assert_string_equal(json_string_value(json_object_get(review, "kind")), "AdmissionReview");
    assert_string_equal(json_string_value(json_object_get(review, "apiVersion")),
                        "admission.k8s.io/v1");
    json_t *response = json_incref(json_object_get(review, "response"));
    json_decref(review);
    assert_true(json_is_boolean(json_object_get(response, "allowed")));
    assert_int_equal(json_object_get(response, "patch") != NULL,
                     json_object_get(response, "patchType") != NULL);
    return response;
}

/* The patch in place of its base64. */
static inline void decode_patch(json_t *response)
{
    json_t *encoded = json_object_get(response, "patch");
    if (encoded == NULL) {
        return;
    }
    assert_string_equal(json_string_value(json_object_get(response, "patchType")), "JSONPatch");
    size_t size = json_string_length(encoded);
    unsigned char *plain = malloc(size + 1);
    int decoded =
        EVP_DecodeBlock(plain, (const unsigned char *)json_string_value(encoded), (int)size);
    assert_true(decoded > 0);
    plain[decoded] = '\0'; /* padding decodes to NUL */
    json_object_set_new(response, "patch", json_of((const char *)plain));
    free(plain);
    assert_true(json_array_size(json_object_get(response, "patch")) > 0);
}

static inline void check_warnings(const json_t *warnings)
{
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        const unsigned char *text =
            (const unsigned char *)json_string_value(json_array_get(warnings, i));
        size_t characters = 0;
        for (; *text != '\0'; text++) {
            assert_true(*text >= 0x20 && *text != 0x7F);
            characters += (*text & 0xC0) != 0x80;
        }
        assert_in_range(characters, 1, 120);
    }
}

/** The response of one review, its patch decoded, every rule of the wire checked. */
static inline json_t *respond(const struct plimsoll_config *config,
                              const struct plimsoll_facts *facts, const json_t *pod)
{
    struct plimsoll_error err = {0};
    enum plimsoll_admission_result result;
    plimsoll_autofree char *request = review_of(pod);
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    if (plimsoll_admission_review(config, facts, plimsoll_span_of(request), &answer, &result,
                                  &err) != 0) {
        fail_msg("%s", err.message);
    }
    json_t *response = checked_answer(answer.data, answer.size);
    assert_string_equal(json_string_value(json_object_get(response, "uid")),
                        "705ab4f5-6393-11e8-b7cc-42010a800002");
    decode_patch(response);
    check_warnings(json_object_get(response, "warnings"));
    bool allowed = json_is_true(json_object_get(response, "allowed"));
    assert_int_equal(result, !allowed ? PLIMSOLL_ADMISSION_DENIED
                             : json_object_get(response, "patch") != NULL
                                 ? PLIMSOLL_ADMISSION_MUTATED
                                 : PLIMSOLL_ADMISSION_SKIPPED);
    return response;
}

/* Everything the user wrote is still there: objects keep their members, lists begin as before. */
static inline bool is_kept(const json_t *before, const json_t *after)
{
    if (json_is_object(before)) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)before, key, value)
        {
            const json_t *now = json_object_get(after, key);
            bool ours = strncmp(key, "plimsoll.dev/visible-devices", 28) == 0 ||
                        strcmp(key, "plimsoll.dev/claim") == 0;
            bool fills = json_is_null(value) || strcmp(key, "schedulerName") == 0 ||
                         strcmp(key, "priority") == 0 || strcmp(key, "preemptionPolicy") == 0 ||
                         (json_is_string(value) && json_string_length(value) == 0);
            if (!ours && !fills && !is_kept(value, now)) {
                return false;
            }
        }
        return json_is_object(after);
    }
    if (json_is_array(before)) {
        for (size_t i = 0; i < json_array_size(before); i++) {
            if (!is_kept(json_array_get(before, i), json_array_get(after, i))) {
                return false;
            }
        }
        return json_is_array(after);
    }
    return json_equal(before, after);
}

/** The pod after the webhook: patched, reviewed again without another patch, the user's word kept.
 * @param response  The first answer; NULL: not wanted. */
static inline json_t *mutate(const struct plimsoll_config *config,
                             const struct plimsoll_facts *facts, const json_t *pod,
                             json_t **response)
{
    json_t *first = respond(config, facts, pod);
    json_t *patched = json_deep_copy(pod);
    json_t *patch = json_object_get(first, "patch");
    if (patch != NULL && !json_patch_apply(patched, patch)) {
        char *text = json_dumps(patch, JSON_INDENT(1));
        fail_msg("the patch does not apply: %s", text);
    }
    assert_true(is_kept(pod, patched));
    assert_null(json_object_get(json_object_get(patched, "spec"), "overhead"));
    if (json_is_true(json_object_get(first, "allowed"))) {
        json_t *second = respond(config, facts, patched);
        assert_true(json_is_true(json_object_get(second, "allowed")));
        if (json_object_get(second, "patch") != NULL) {
            char *text = json_dumps(json_object_get(second, "patch"), JSON_INDENT(1));
            fail_msg("a second review changes the pod again: %s", text);
        }
        json_decref(second);
    }
    if (response != NULL) {
        *response = first;
    } else {
        json_decref(first);
    }
    return patched;
}
