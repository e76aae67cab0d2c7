/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/metrics.h>

#include <math.h>

static void assert_written(struct plimsoll_text *text, const char *expected)
{
    assert_string_equal(text->data, expected);
    plimsoll_text_reset(text);
}

static void a_head_names_help_and_type(void **unused)
{
    (void)unused;
    plimsoll_autotext text = plimsoll_text_make(1024);
    plimsoll_metrics_head(&text, "plimsoll_binds_total", "counter", "Pods bound.");
    assert_written(&text, "# HELP plimsoll_binds_total Pods bound.\n"
                          "# TYPE plimsoll_binds_total counter\n");
}

static void samples_have_none_one_or_more_labels(void **unused)
{
    (void)unused;
    plimsoll_autotext text = plimsoll_text_make(1024);
    plimsoll_metrics_uint(&text, "a", 0, (const char *)NULL);
    assert_written(&text, "a 0\n");
    plimsoll_metrics_uint(&text, "a", UINT64_MAX, "x", "1", (const char *)NULL);
    assert_written(&text, "a{x=\"1\"} 18446744073709551615\n");
    plimsoll_metrics_double(&text, "a", 0.25, "x", "1", "y", "", (const char *)NULL);
    assert_written(&text, "a{x=\"1\",y=\"\"} 0.25\n");
}

static void label_values_are_escaped(void **unused)
{
    (void)unused;
    plimsoll_autotext text = plimsoll_text_make(1024);
    plimsoll_metrics_uint(&text, "a", 1, "x", "say \"no\"\\\n\xc3\xa4", (const char *)NULL);
    assert_written(&text, "a{x=\"say \\\"no\\\"\\\\\\n\xc3\xa4\"} 1\n");
}

static void doubles_keep_their_digits_and_have_special_values(void **unused)
{
    (void)unused;
    plimsoll_autotext text = plimsoll_text_make(1024);
    plimsoll_metrics_double(&text, "a", 1795500000, (const char *)NULL);
    assert_written(&text, "a 1795500000\n");
    plimsoll_metrics_double(&text, "a", -0.0005, (const char *)NULL);
    assert_written(&text, "a -0.0005\n");
    plimsoll_metrics_double(&text, "a", NAN, (const char *)NULL);
    assert_written(&text, "a NaN\n");
    plimsoll_metrics_double(&text, "a", INFINITY, (const char *)NULL);
    assert_written(&text, "a +Inf\n");
    plimsoll_metrics_double(&text, "a", -INFINITY, (const char *)NULL);
    assert_written(&text, "a -Inf\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_names_help_and_type),
        cmocka_unit_test(samples_have_none_one_or_more_labels),
        cmocka_unit_test(label_values_are_escaped),
        cmocka_unit_test(doubles_keep_their_digits_and_have_special_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
