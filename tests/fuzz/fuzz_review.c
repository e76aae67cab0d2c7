/* SPDX-License-Identifier: Apache-2.0 */
/* A review of any bytes: no answer with a sentence, or an answer that the API server takes. The
 * first byte chooses the facts. */
#include <plimsoll/admission.h>
#include <plimsoll/json.h>

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] = "markerLimit: true\n"
                           "profiles:\n"
                           "- name: all\n"
                           "  extends: nvidia\n"
                           "  match: {images: ['*vllm*']}\n"
                           "  nodeSelector: {a/b: c}\n"
                           "  env: {A: b}\n"
                           "  priorityClassName: high\n"
                           "  annotations: {c/d: e}\n"
                           "  vram: 50%\n"
                           "  nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
                           "[{weight: 1, preference: {matchExpressions: [{key: a, operator: "
                           "Exists}]}}]}\n";

static const struct plimsoll_config *config_once(void)
{
    static struct plimsoll_config *config;
    struct plimsoll_error err;
    if (config == NULL &&
        plimsoll_config_parse(plimsoll_span_of(yaml), "fuzz.yaml", &config, &err) != 0) {
        abort();
    }
    return config;
}

static void check_answer(struct plimsoll_span answer, enum plimsoll_admission_result result)
{
    plimsoll_autojson *document = NULL;
    struct plimsoll_error err;
    bool allowed = false;
    int parsed = plimsoll_json_parse(answer, &document, &err);
    assert(parsed == 0);
    struct plimsoll_json response = plimsoll_json_get(plimsoll_json_root(document), "response");
    bool told = plimsoll_json_bool(plimsoll_json_get(response, "allowed"), &allowed);
    bool patched = plimsoll_json_type(plimsoll_json_get(response, "patch")) == PLIMSOLL_JSON_STRING;
    assert(told && allowed == (result != PLIMSOLL_ADMISSION_DENIED));
    assert(plimsoll_json_raw(plimsoll_json_get(response, "uid")).size > 0);
    assert(patched == (result == PLIMSOLL_ADMISSION_MUTATED));
    assert(patched == plimsoll_json_is(plimsoll_json_get(response, "patchType"), "JSONPatch"));
    assert(plimsoll_json_count(plimsoll_json_get(response, "warnings")) <= 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct plimsoll_facts facts = {.api = (data[0] & 1) != 0, .synced = (data[0] & 2) != 0};
    facts.nodes[PLIMSOLL_VENDOR_NVIDIA] = data[0] >> 2 & 1;
    facts.multi_card[PLIMSOLL_VENDOR_NVIDIA] = data[0] >> 3 & 1;
    facts.unpinned[PLIMSOLL_VENDOR_NVIDIA] = data[0] >> 4 & 1;
    facts.selectors[PLIMSOLL_VENDOR_NVIDIA] = (data[0] & 32) != 0 ? UINT64_MAX : 0;
    facts.runtime_classes = (data[0] & 64) != 0 ? UINT64_MAX : 0;
    struct plimsoll_span request = {.data = (const char *)data + 1, .size = size - 1};
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    enum plimsoll_admission_result result;
    struct plimsoll_error err = {0};
    if (plimsoll_admission_review(config_once(), &facts, request, &answer, &result, &err) != 0) {
        assert(err.kind != PLIMSOLL_ERR_NONE && err.message[0] != '\0' && answer.size == 0);
        return 0;
    }
    check_answer(plimsoll_text_span(&answer), result);
    return 0;
}
