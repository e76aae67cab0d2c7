/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/extender.h>
#include <plimsoll/limits.h>

static int read_bind(const char *body, struct plimsoll_bind_request *request,
                     struct plimsoll_error *err)
{
    return plimsoll_extender_read_bind(plimsoll_span_of(body), request, err);
}

static void a_bind_request_is_read(void **state)
{
    (void)state;
    struct plimsoll_bind_request request;
    struct plimsoll_error err = {0};
    assert_int_equal(read_bind("{\"PodName\":\"ollama-0\",\"PodNamespace\":\"ai\",\"PodUID\":"
                               "\"3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b\",\"Node\":\"gpu-1.lan\"}",
                               &request, &err),
                     0);
    assert_string_equal(request.pod, "ollama-0");
    assert_string_equal(request.namespace_, "ai");
    assert_string_equal(request.uid.text, "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b");
    assert_string_equal(request.node, "gpu-1.lan");
}

static void keys_are_read_without_regard_to_case(void **state)
{
    (void)state;
    struct plimsoll_bind_request request;
    struct plimsoll_error err = {0};
    assert_int_equal(
        read_bind("{\"podname\":\"a\",\"podNamespace\":\"b\",\"PODUID\":\"c\",\"node\":\"d\","
                  "\"Other\":[1]}",
                  &request, &err),
        0);
    assert_string_equal(request.node, "d");
}

static void what_is_no_bind_request_is_refused_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *body, *sentence;
    } cases[] = {
        {"", "bind request"},
        {"{", "bind request"},
        {"null", "no object"},
        {"[\"PodName\"]", "no object"},
        {"{}", "PodName is missing"},
        {"{\"PodName\":null}", "PodName is missing"},
        {"{\"PodName\":7}", "PodName is no string"},
        {"{\"PodName\":[\"a\"]}", "PodName is no string"},
        {"{\"PodName\":\"\"}", "PodName \"\" is no name"},
        {"{\"PodName\":\"a\"}", "PodNamespace is missing"},
        {"{\"PodName\":\"a\",\"PodNamespace\":\"b\"}", "PodUID is missing"},
        {"{\"PodName\":\"a\",\"PodNamespace\":\"b\",\"PodUID\":\"c\"}", "Node is missing"},
        {"{\"PodName\":\"a/../b\"}", "is no name"},
        {"{\"PodName\":\"..\"}", "is no name"},
        {"{\"PodName\":\".\"}", "is no name"},
        {"{\"PodName\":\"a?b\"}", "is no name"},
        {"{\"PodName\":\"a%2fb\"}", "is no name"},
        {"{\"PodName\":\"\\u0061\"}", "is no name"},
        {"{\"PodName\":\"a\\u0000b\"}", "is no name"},
        {"{\"PodName\":\"\xC3\xA4\"}", "is no name"},
        {"{\"PodName\":\"\xFF\"}", "bind request"},
        {"{\"PodName\":\"a\",\"PodName\":\"b\"}", "bind request"},
        {"{\"PodName\":\"a\",\"PodNamespace\":\"b\",\"PodUID\":\"c\",\"Node\":\"d\"} x",
         "bind request"},
        {"{\"PodName\":\"a\",\"PodNamespace\":\"b\",\"Node\":\"d\","
         "\"PodUID\":\"0123456789012345678901234567890123456789\"}",
         "PodUID has 40 bytes, want at most 39"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_bind_request request = {.pod = "as before"};
        struct plimsoll_error err = {0};
        assert_int_equal(read_bind(cases[i].body, &request, &err), -1);
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        if (strstr(err.message, cases[i].sentence) == NULL) {
            fail_msg("%s: %s", cases[i].body, err.message);
        }
        assert_string_equal(request.pod, "as before");
    }
}

static void names_have_at_most_253_bytes(void **state)
{
    (void)state;
    struct plimsoll_error err = {0};
    struct plimsoll_bind_request request;
    for (size_t size = PLIMSOLL_NAME_BYTES_MAX; size <= PLIMSOLL_NAME_BYTES_MAX + 1; size++) {
        plimsoll_autotext body = plimsoll_text_make(4096);
        plimsoll_text_add_string(&body,
                                 "{\"PodName\":\"a\",\"PodNamespace\":\"b\",\"PodUID\":\"c\","
                                 "\"Node\":\"");
        for (size_t i = 0; i < size; i++) {
            plimsoll_text_add_char(&body, 'n');
        }
        plimsoll_text_add_string(&body, "\"}");
        bool fits = size == PLIMSOLL_NAME_BYTES_MAX;
        assert_int_equal(plimsoll_extender_read_bind(plimsoll_text_span(&body), &request, &err),
                         fits ? 0 : -1);
    }
    assert_string_equal(err.message, "Node has 254 bytes, want at most 253");
}

static void a_body_beyond_the_ceiling_is_too_large(void **state)
{
    (void)state;
    struct plimsoll_error err = {0};
    struct plimsoll_bind_request request;
    plimsoll_autotext body = plimsoll_text_make(PLIMSOLL_BIND_BYTES_MAX + 1);
    while (body.size <= PLIMSOLL_BIND_BYTES_MAX) {
        plimsoll_text_add_char(&body, ' ');
    }
    assert_int_equal(plimsoll_extender_read_bind(plimsoll_text_span(&body), &request, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
}

static void the_answer_says_what_went_wrong_or_nothing(void **state)
{
    (void)state;
    plimsoll_autotext answer = plimsoll_text_make(1024);
    plimsoll_extender_write_bind(NULL, &answer);
    assert_string_equal(answer.data, "{\"Error\":\"\"}");
    plimsoll_text_reset(&answer);
    plimsoll_extender_write_bind("", &answer);
    assert_string_equal(answer.data, "{\"Error\":\"\"}");
    plimsoll_text_reset(&answer);
    plimsoll_extender_write_bind("card \"0\" is full", &answer);
    assert_string_equal(answer.data, "{\"Error\":\"card \\\"0\\\" is full\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bind_request_is_read),
        cmocka_unit_test(keys_are_read_without_regard_to_case),
        cmocka_unit_test(what_is_no_bind_request_is_refused_with_a_sentence),
        cmocka_unit_test(names_have_at_most_253_bytes),
        cmocka_unit_test(a_body_beyond_the_ceiling_is_too_large),
        cmocka_unit_test(the_answer_says_what_went_wrong_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
