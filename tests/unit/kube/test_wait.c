/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/api.h>

#include <limits.h>

static void jitter_is_from_half_to_all(void **state)
{
    (void)state;
    assert_int_equal(plimsoll_api_jitter_ms(1000, 0), 500);
    assert_int_equal(plimsoll_api_jitter_ms(1000, UINT32_MAX), 1000);
    assert_in_range(plimsoll_api_jitter_ms(1000, UINT32_MAX / 2), 749, 750);
    assert_int_equal(plimsoll_api_jitter_ms(INT32_MAX, UINT32_MAX), INT32_MAX);
    assert_int_equal(plimsoll_api_jitter_ms(0, UINT32_MAX), 0);
}

static void each_failure_doubles_the_wait_up_to_a_ceiling(void **state)
{
    (void)state;
    static const int64_t longest[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (unsigned i = 0; i < sizeof longest / sizeof longest[0]; i++) {
        assert_int_equal(plimsoll_api_wait_ms(i, 0, UINT32_MAX), longest[i]);
        assert_int_equal(plimsoll_api_wait_ms(i, 0, 0), longest[i] / 2);
    }
    assert_int_equal(plimsoll_api_wait_ms(UINT_MAX, 0, UINT32_MAX), 30000);
}

static void what_is_asked_for_is_waited_and_a_little_more(void **state)
{
    (void)state;
    assert_int_equal(plimsoll_api_wait_ms(0, 7000, 0), 7500);
    assert_int_equal(plimsoll_api_wait_ms(0, 7000, UINT32_MAX), 8000);
}

static void asking_for_little_does_not_undo_the_back_off(void **state)
{
    (void)state;
    assert_int_equal(plimsoll_api_wait_ms(9, 1, 0), 15000);
    assert_int_equal(plimsoll_api_wait_ms(9, 1000, UINT32_MAX), 30000);
}

static void nobody_can_ask_for_more_than_a_minute_or_for_less_than_nothing(void **state)
{
    (void)state;
    assert_int_equal(plimsoll_api_wait_ms(0, INT64_MAX, UINT32_MAX), 61000);
    assert_int_equal(plimsoll_api_wait_ms(9, INT64_MAX, UINT32_MAX), 61000);
    assert_int_equal(plimsoll_api_wait_ms(0, INT64_MIN, 0), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jitter_is_from_half_to_all),
        cmocka_unit_test(each_failure_doubles_the_wait_up_to_a_ceiling),
        cmocka_unit_test(what_is_asked_for_is_waited_and_a_little_more),
        cmocka_unit_test(asking_for_little_does_not_undo_the_back_off),
        cmocka_unit_test(nobody_can_ask_for_more_than_a_minute_or_for_less_than_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
