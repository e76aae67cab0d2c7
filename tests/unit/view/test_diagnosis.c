/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/diagnosis.h>

#include <string.h>

static char well[] = "plimsoll, failurePolicy Ignore.", none[] = "No node with a GPU is known.",
            bad[] = "GPU nodes without an agent (2): a, b.";

static const struct plimsoll_finding findings[] = {
    {"webhook", PLIMSOLL_FINDING_OK, well, NULL},
    {"agents", PLIMSOLL_FINDING_WARNING, none,
     "See whether the device plugin runs, and what the logs of the agents say, node by node."},
    {"agents", PLIMSOLL_FINDING_PROBLEM, bad, "Look there."},
};

static void shows(size_t count, bool unicode, bool colour, const char *wanted)
{
    plimsoll_autotext text = plimsoll_text_make(4096);
    struct plimsoll_view_options options = {.width = 80, .unicode = unicode, .colour = colour};
    plimsoll_view_diagnosis(findings, count, &options, &text);
    assert_string_equal(text.data, wanted);
}

static void findings_have_a_mark_a_sentence_and_what_to_do(void **state)
{
    (void)state;
    shows(3, true, false,
          "✓ webhook         plimsoll, failurePolicy Ignore.\n"
          "! agents          No node with a GPU is known.\n"
          "                  See whether the device plugin runs, and what the logs of the\n"
          "                  agents say, node by node.\n"
          "✗ agents          GPU nodes without an agent (2): a, b.\n"
          "                  Look there.\n"
          "\n1 problem, 1 warning.\n");
}

static void where_all_is_well_that_is_said(void **state)
{
    (void)state;
    shows(1, true, false, "✓ webhook         plimsoll, failurePolicy Ignore.\n\nAll is well.\n");
    shows(1, true, true,
          "\033[32m✓\033[0m webhook         plimsoll, failurePolicy Ignore.\n\nAll is well.\n");
}

static void marks_are_ascii_where_nobody_shows_more(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(4096);
    struct plimsoll_view_options options = {.width = 80};
    plimsoll_view_diagnosis(findings, 3, &options, &text);
    assert_int_equal(strncmp(text.data, "+ webhook ", 10), 0);
    assert_non_null(strstr(text.data, "\nx agents "));
    for (size_t i = 0; i < text.size; i++) {
        assert_in_range(text.data[i], 1, 126);
    }
}

static void programs_get_one_object(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(4096);
    plimsoll_autojson *document = NULL;
    struct plimsoll_error err = {0};
    plimsoll_view_diagnosis_json(findings, 3, 1795582800000, &text);
    assert_int_equal(plimsoll_json_parse(plimsoll_text_span(&text), &document, &err), 0);
    struct plimsoll_json root = plimsoll_json_root(document);
    assert_true(plimsoll_json_is(plimsoll_json_get(root, "kind"), "Diagnosis"));
    struct plimsoll_json list = plimsoll_json_get(root, "findings");
    assert_int_equal(plimsoll_json_count(list), 3);
    struct plimsoll_json it = plimsoll_json_first(list);
    assert_true(plimsoll_json_is(plimsoll_json_get(it, "state"), "ok"));
    assert_int_equal(plimsoll_json_type(plimsoll_json_get(it, "todo")), PLIMSOLL_JSON_NULL);
    it = plimsoll_json_next(it);
    assert_true(plimsoll_json_is(plimsoll_json_get(it, "state"), "warning"));
    it = plimsoll_json_next(it);
    assert_true(plimsoll_json_is(plimsoll_json_get(it, "check"), "agents"));
    assert_true(plimsoll_json_is(plimsoll_json_get(it, "state"), "problem"));
    assert_true(plimsoll_json_is(plimsoll_json_get(it, "says"), bad));
    assert_true(plimsoll_json_is(plimsoll_json_get(it, "todo"), "Look there."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_have_a_mark_a_sentence_and_what_to_do),
        cmocka_unit_test(where_all_is_well_that_is_said),
        cmocka_unit_test(marks_are_ascii_where_nobody_shows_more),
        cmocka_unit_test(programs_get_one_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
