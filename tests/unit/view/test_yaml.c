/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/answers.h>

#include <string.h>

static int convert(const char *json, struct plimsoll_text *out, struct plimsoll_error *err)
{
    return plimsoll_view_yaml(plimsoll_span_of(json), out, err);
}

static void yaml_is(const char *json, const char *yaml)
{
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_error err = {0};
    assert_int_equal(convert(json, &out, &err), 0);
    assert_string_equal(out.data, yaml);
}

static void objects_and_arrays_become_blocks(void **state)
{
    (void)state;
    yaml_is("{\"v\":1,\"list\":[{\"a\":true,\"b\":null},2.5],\"none\":[],\"o\":{}}",
            "v: 1\nlist:\n- a: true\n  b: null\n- 2.5\nnone: []\no: {}\n");
}

static void strings_that_look_like_something_else_are_quoted(void **state)
{
    (void)state;
    yaml_is("[\"plain-word\",\"true\",\"No\",\"12\",\"1e3\",\"~\",\"\",\"a: b\",\"- x\",\"#c\"]",
            "- plain-word\n- \"true\"\n- \"No\"\n- \"12\"\n- \"1e3\"\n- \"~\"\n- \"\"\n- \"a: b\"\n"
            "- \"- x\"\n- \"#c\"\n");
}

static void what_would_steer_a_terminal_is_escaped(void **state)
{
    (void)state;
    yaml_is("[\"\\u001b[2J\",\"a\\nb\",\"\\u00e4\"]", "- \"\\e[2J\"\n- \"a\\nb\"\n- \"ä\"\n");
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "{", "[1,]", "{\"a\":1,\"a\":2}", "nonsense"};
    plimsoll_autotext out = plimsoll_text_make(4096);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_error err = {0};
        assert_int_equal(convert(cases[i], &out, &err), -1);
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        assert_int_equal(out.size, 0);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    plimsoll_autotext out = plimsoll_text_make(16);
    struct plimsoll_error err = {0};
    assert_int_equal(convert("[\"a-word-that-is-longer-than-that\"]", &out, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_and_arrays_become_blocks),
        cmocka_unit_test(strings_that_look_like_something_else_are_quoted),
        cmocka_unit_test(what_would_steer_a_terminal_is_escaped),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
