/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/text.h>

static void a_text_grows_up_to_its_ceiling_and_no_further(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(100);
    for (int i = 0; i < 10; i++) {
        plimsoll_text_add_string(&text, "0123456789");
    }
    assert_int_equal(text.size, 100);
    assert_false(text.overflowed);
    plimsoll_text_add_char(&text, 'x');
    assert_int_equal(text.size, 100);
    assert_true(text.overflowed);
    plimsoll_text_add_string(&text, "");
    assert_true(text.overflowed);
    plimsoll_text_reset(&text);
    assert_false(text.overflowed);
    plimsoll_text_add_string(&text, "again");
    assert_string_equal(text.data, "again");
}

static void what_does_not_fit_is_not_added_in_part(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(5);
    plimsoll_text_add_string(&text, "abc");
    plimsoll_text_add_string(&text, "defg");
    assert_true(text.overflowed);
    assert_string_equal(text.data, "abc");
}

static void a_reservation_stays_within_the_ceiling(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(10);
    plimsoll_text_reserve(&text, SIZE_MAX);
    assert_int_equal(text.capacity, 10);
    plimsoll_text_add_string(&text, "0123456789");
    assert_false(text.overflowed);
}

static void numbers_and_formats_are_appended(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(1000);
    plimsoll_text_add_uint(&text, 0);
    plimsoll_text_add_char(&text, ' ');
    plimsoll_text_add_uint(&text, UINT64_MAX);
    plimsoll_text_add_format(&text, " %s", "end");
    assert_string_equal(text.data, "0 18446744073709551615 end");
}

static void as_json(const char *data, size_t size, const char *expected)
{
    plimsoll_autotext text = plimsoll_text_make(1000);
    plimsoll_text_add_json(&text, (struct plimsoll_span){.data = data, .size = size});
    assert_string_equal(text.data, expected);
}

static void json_strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    as_json(NULL, 0, "\"\"");
    as_json("plain", 5, "\"plain\"");
    as_json("a\"b\\c\n\t\x01", 8, "\"a\\\"b\\\\c\\n\\t\\u0001\"");
    as_json("nul\0end", 7, "\"nul\\u0000end\"");
    as_json("é", 2, "\"é\"");
    as_json("\xFFz", 2, "\"\xEF\xBF\xBDz\"");
    as_json("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    as_json("\xF4\x90\x80\x80", 4, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    as_json("cut \xE2\x80", 6, "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows_up_to_its_ceiling_and_no_further),
        cmocka_unit_test(what_does_not_fit_is_not_added_in_part),
        cmocka_unit_test(a_reservation_stays_within_the_ceiling),
        cmocka_unit_test(numbers_and_formats_are_appended),
        cmocka_unit_test(json_strings_are_escaped_and_always_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
