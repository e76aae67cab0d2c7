/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/log.h>
#include <plimsoll/own.h>

#include <stdio.h>
#include <string.h>

static char written[65536];

/* Logs one event with standard error in a file, and gives what came out. */
static const char *logged(enum plimsoll_log_level level, const char *message,
                          struct plimsoll_log_field field)
{
    plimsoll_autofclose FILE *file = tmpfile();
    assert_non_null(file);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    plimsoll_log_fields(level, message, &field, 1);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(file);
    written[fread(written, 1, sizeof written - 1, file)] = '\0';
    return written;
}

static void a_value_from_outside_cannot_start_a_line_of_its_own(void **state)
{
    (void)state;
    for (int json = 0; json < 2; json++) {
        plimsoll_log_setup(PLIMSOLL_LOG_INFO, json == 1);
        const char *line =
            logged(PLIMSOLL_LOG_INFO, "event", PLIMSOLL_STR("pod", "a\n\"b\" level=error"));
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
        assert_non_null(strstr(line, "a\\n\\\"b\\\" level=error"));
    }
}

static void both_forms_carry_level_message_and_fields(void **state)
{
    (void)state;
    plimsoll_log_setup(PLIMSOLL_LOG_INFO, true);
    assert_non_null(strstr(logged(PLIMSOLL_LOG_WARN, "pod bound", PLIMSOLL_INT("cards", -2)),
                           "\"level\":\"warn\",\"msg\":\"pod bound\",\"cards\":-2}\n"));
    plimsoll_log_setup(PLIMSOLL_LOG_INFO, false);
    assert_non_null(strstr(logged(PLIMSOLL_LOG_INFO, "pod bound", PLIMSOLL_STR("node", "home")),
                           " info  pod bound node=home\n"));
}

static void what_is_below_the_level_is_not_written(void **state)
{
    (void)state;
    plimsoll_log_setup(PLIMSOLL_LOG_WARN, true);
    assert_string_equal(logged(PLIMSOLL_LOG_INFO, "quiet", PLIMSOLL_INT("n", 1)), "");
    assert_string_not_equal(logged(PLIMSOLL_LOG_WARN, "loud", PLIMSOLL_INT("n", 1)), "");
}

static void fields_too_long_for_a_line_are_said_to_be(void **state)
{
    (void)state;
    plimsoll_log_setup(PLIMSOLL_LOG_INFO, true);
    plimsoll_autofree char *value = plimsoll_alloc(10000, 1);
    memset(value, 'x', 9999);
    assert_non_null(strstr(logged(PLIMSOLL_LOG_INFO, "event", PLIMSOLL_STR("pod", value)),
                           "\"msg\":\"event\",\"fields\":\"too long to log\"}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_from_outside_cannot_start_a_line_of_its_own),
        cmocka_unit_test(both_forms_carry_level_message_and_fields),
        cmocka_unit_test(what_is_below_the_level_is_not_written),
        cmocka_unit_test(fields_too_long_for_a_line_are_said_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
