/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/quantity.h>

#include <string.h>

static uint64_t parsed(const char *text)
{
    struct plimsoll_error err = {0};
    uint64_t value = 0;
    if (plimsoll_quantity_parse(plimsoll_span_of(text), &value, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
    return value;
}

static void refused(const char *text, const char *why)
{
    struct plimsoll_error err = {0};
    uint64_t value = 4711;
    assert_int_equal(plimsoll_quantity_parse(plimsoll_span_of(text), &value, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    if (strstr(err.message, why) == NULL) {
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.message, why);
    }
    assert_int_equal(value, 4711);
}

static void every_suffix_means_what_kubernetes_means(void **state)
{
    (void)state;
    assert_int_equal(parsed("8589934592"), 8589934592u);
    assert_int_equal(parsed("12Gi"), 12ull << 30);
    assert_int_equal(parsed("500M"), 500000000u);
    assert_int_equal(parsed("1k"), 1000);
    assert_int_equal(parsed("1Ki"), 1024);
    assert_int_equal(parsed("2Mi"), 2u << 20);
    assert_int_equal(parsed("3Ti"), 3ull << 40);
    assert_int_equal(parsed("1Pi"), 1ull << 50);
    assert_int_equal(parsed("1Ei"), 1ull << 60);
    assert_int_equal(parsed("2G"), 2000000000u);
    assert_int_equal(parsed("2T"), 2000000000000u);
    assert_int_equal(parsed("2P"), 2000000000000000u);
    assert_int_equal(parsed("2E"), 2000000000000000000u);
    assert_int_equal(parsed("1e3"), 1000);
    assert_int_equal(parsed("1E+3"), 1000);
    assert_int_equal(parsed("12e-1"), 2);
    assert_int_equal(parsed("+5"), 5);
    assert_int_equal(parsed("0"), 0);
    assert_int_equal(parsed("00"), 0);
    assert_int_equal(parsed(".5Gi"), 1ull << 29);
    assert_int_equal(parsed("5."), 5);
}

static void fractions_of_a_byte_are_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(parsed("1.5"), 2);
    assert_int_equal(parsed("1m"), 1);
    assert_int_equal(parsed("1n"), 1);
    assert_int_equal(parsed("1000m"), 1);
    assert_int_equal(parsed("1001m"), 2);
    assert_int_equal(parsed("0.1Ki"), 103);
    assert_int_equal(parsed("11.2Gi"), 12025908429u);
    assert_int_equal(parsed("1e-300"), 1);
    assert_int_equal(parsed("0.000000000000000000000000000000000001"), 1);
    assert_int_equal(parsed("0e999"), 0);
}

static void the_largest_quantity_is_below_two_to_the_63rd(void **state)
{
    (void)state;
    assert_int_equal(parsed("9223372036854775807"), INT64_MAX);
    refused("9223372036854775808", "too large");
    refused("8Ei", "too large");
    refused("1e19", "too large");
    refused("1e999", "too large");
    refused("999999999999999999999999999999999999999999999Ei", "too large");
}

static void what_is_no_quantity_is_refused_with_the_value_and_an_example(void **state)
{
    (void)state;
    refused("", "empty");
    refused("-1Gi", "\"-1Gi\" is negative");
    refused("12GB", "\"12GB\" is no quantity; write a quantity such as 12Gi");
    refused("12 Gi", "no quantity");
    refused("Gi", "no quantity");
    refused(".", "no quantity");
    refused("1..2", "no quantity");
    refused("1e", "no quantity");
    refused("1e+", "no quantity");
    refused("1e1000", "no quantity");
    refused("1e3Gi", "no quantity");
    refused("0x10", "no quantity");
    refused("１２Gi", "no quantity");
    refused("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "aaaa…\" is no quantity");
}

static void shown(uint64_t bytes, const char *text)
{
    char out[PLIMSOLL_QUANTITY_SIZE];
    assert_string_equal(plimsoll_quantity_format(bytes, out), text);
}

static void bytes_are_shown_with_one_decimal_and_never_more_than_there_are(void **state)
{
    (void)state;
    shown(0, "0");
    shown(1023, "1023");
    shown(1024, "1Ki");
    shown(512u << 20, "512Mi");
    shown(12ull << 30, "12Gi");
    shown((12ull << 30) - 1, "11.9Gi");
    shown(12025908429u, "11.2Gi");
    shown(UINT64_MAX, "15.9Ei");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_suffix_means_what_kubernetes_means),
        cmocka_unit_test(fractions_of_a_byte_are_rounded_up),
        cmocka_unit_test(the_largest_quantity_is_below_two_to_the_63rd),
        cmocka_unit_test(what_is_no_quantity_is_refused_with_the_value_and_an_example),
        cmocka_unit_test(bytes_are_shown_with_one_decimal_and_never_more_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
