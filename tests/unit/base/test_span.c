/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/span.h>

static void cutting_gives_every_part_once(void **state)
{
    (void)state;
    struct plimsoll_span rest = plimsoll_span_of("a,,b,"), part;
    assert_true(plimsoll_span_cut(&rest, ',', &part) && plimsoll_span_is(part, "a"));
    assert_true(plimsoll_span_cut(&rest, ',', &part) && plimsoll_span_is(part, ""));
    assert_true(plimsoll_span_cut(&rest, ',', &part) && plimsoll_span_is(part, "b"));
    assert_true(plimsoll_span_cut(&rest, ',', &part) && plimsoll_span_is(part, ""));
    assert_false(plimsoll_span_cut(&rest, ',', &part));
}

static void an_empty_string_is_one_empty_part(void **state)
{
    (void)state;
    struct plimsoll_span rest = plimsoll_span_of(""), part;
    assert_true(plimsoll_span_cut(&rest, ',', &part));
    assert_int_equal(part.size, 0);
    assert_false(plimsoll_span_cut(&rest, ',', &part));
}

static void white_space_is_trimmed_at_both_ends_only(void **state)
{
    (void)state;
    assert_true(plimsoll_span_is(plimsoll_span_trim(plimsoll_span_of(" \t a b \r\n")), "a b"));
    assert_int_equal(plimsoll_span_trim(plimsoll_span_of("  ")).size, 0);
}

static void a_decimal_is_digits_up_to_64_bits(void **state)
{
    (void)state;
    unsigned long long value = 1;
    assert_true(plimsoll_span_decimal(plimsoll_span_of("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    assert_false(plimsoll_span_decimal(plimsoll_span_of("18446744073709551616"), &value));
    assert_false(plimsoll_span_decimal(plimsoll_span_of(""), &value));
    assert_false(plimsoll_span_decimal(plimsoll_span_of("-1"), &value));
    assert_false(plimsoll_span_decimal(plimsoll_span_of("1 "), &value));
    assert_true(value == UINT64_MAX);
}

static void globs_match_whole_spans(void **state)
{
    (void)state;
    struct plimsoll_span image = plimsoll_span_of("docker.io/ollama/ollama:0.6");
    assert_true(plimsoll_span_glob(image, "*ollama*"));
    assert_true(plimsoll_span_glob(image, "docker.io/*/ollama:?.?"));
    assert_true(plimsoll_span_glob(image, "*"));
    assert_false(plimsoll_span_glob(image, "ollama*"));
    assert_false(plimsoll_span_glob(image, "*ollama"));
    assert_false(plimsoll_span_glob(image, ""));
    assert_true(plimsoll_span_glob(plimsoll_span_of(""), "**"));
    assert_false(plimsoll_span_glob(plimsoll_span_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"),
                                    "*a*a*a*a*a*a*a*a*a*a*c"));
}

static void equal_bytes_hash_equal_and_others_differ(void **state)
{
    (void)state;
    assert_true(plimsoll_span_hash(plimsoll_span_of("node-1")) ==
                plimsoll_span_hash(plimsoll_span_of("node-1")));
    assert_true(plimsoll_span_hash(plimsoll_span_of("node-1")) !=
                plimsoll_span_hash(plimsoll_span_of("node-2")));
    assert_true(plimsoll_span_hash((struct plimsoll_span){"\0", 1}) !=
                plimsoll_span_hash((struct plimsoll_span){"\0\0", 2}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting_gives_every_part_once),
        cmocka_unit_test(an_empty_string_is_one_empty_part),
        cmocka_unit_test(white_space_is_trimmed_at_both_ends_only),
        cmocka_unit_test(a_decimal_is_digits_up_to_64_bits),
        cmocka_unit_test(globs_match_whole_spans),
        cmocka_unit_test(equal_bytes_hash_equal_and_others_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
