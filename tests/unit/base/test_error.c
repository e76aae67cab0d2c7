/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/error.h>

#include <string.h>

static void an_error_carries_its_kind_and_one_sentence(void **state)
{
    (void)state;
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_error_set(&err, PLIMSOLL_ERR_CONFLICT, "%d of %s", 3, "four"), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_CONFLICT);
    assert_string_equal(err.message, "3 of four");
    assert_int_equal(plimsoll_error_status(err.kind), 409);
    assert_string_equal(plimsoll_error_text(err.kind), "conflict");
}

static void wrapping_puts_context_in_front_and_keeps_the_kind(void **state)
{
    (void)state;
    struct plimsoll_error err = {0};
    plimsoll_error_set(&err, PLIMSOLL_ERR_TOO_LARGE, "no room");
    assert_int_equal(plimsoll_error_wrap(&err, "reading %s", "a.yaml"), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    assert_string_equal(err.message, "reading a.yaml: no room");
}

static void a_message_may_be_made_from_itself(void **state)
{
    (void)state;
    struct plimsoll_error err = {0};
    plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID, "inner");
    plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
}

static void values_from_outside_cannot_break_the_line_or_the_encoding(void **state)
{
    (void)state;
    struct plimsoll_error err = {0};
    plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID, "a\nb\x7F\xFF\xC0\xAF é");
    assert_string_equal(err.message, "a?b???? é");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * PLIMSOLL_ERROR_MESSAGE_SIZE];
    for (size_t pad = 0; pad < 3; pad++) {
        memset(text, 'x', sizeof text);
        for (size_t at = pad; at + 3 < sizeof text; at += 3) {
            memcpy(text + at, "…", 3);
        }
        text[sizeof text - 1] = '\0';
        struct plimsoll_error err = {0};
        plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID, "%s", text);
        size_t size = strlen(err.message);
        assert_in_range(size, PLIMSOLL_ERROR_MESSAGE_SIZE - 4, PLIMSOLL_ERROR_MESSAGE_SIZE - 1);
        assert_null(strchr(err.message, '?'));
        assert_memory_equal(err.message + size - 3, "…", 3);
        plimsoll_error_wrap(&err, "%s", "wrapped");
        assert_in_range(strlen(err.message), PLIMSOLL_ERROR_MESSAGE_SIZE - 4,
                        PLIMSOLL_ERROR_MESSAGE_SIZE - 1);
        assert_null(strchr(err.message, '?'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_carries_its_kind_and_one_sentence),
        cmocka_unit_test(wrapping_puts_context_in_front_and_keeps_the_kind),
        cmocka_unit_test(a_message_may_be_made_from_itself),
        cmocka_unit_test(values_from_outside_cannot_break_the_line_or_the_encoding),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
