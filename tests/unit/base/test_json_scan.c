/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

/* Private to base: every processor's way to scan has to be seen on the one that runs the tests. */
#include "../../../src/base/json_scan.h"

#include <stdlib.h>
#include <string.h>

static const enum plimsoll_json_scan_kernel kernels[] = {
    PLIMSOLL_JSON_SCAN_PORTABLE, PLIMSOLL_JSON_SCAN_SSE2, PLIMSOLL_JSON_SCAN_AVX2,
    PLIMSOLL_JSON_SCAN_AVX512};

/*
 * The same, byte by byte as one would write it down. A backslash outside a string is no JSON; there
 * it escapes quotes and backslashes, and brackets count. @return the bytes used
 */
static size_t scan_plainly(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = data[i];
        uint64_t escaped = scan->escaped;
        scan->escaped = 0;
        if (escaped != 0 && (c == '"' || c == '\\')) {
            continue;
        }
        if (c == '\\') {
            scan->escaped = 1;
        } else if (c == '"') {
            scan->in_string = ~scan->in_string;
        } else if (scan->in_string == 0 && (c == '{' || c == '[' || c == '}' || c == ']')) {
            scan->depth += c == '{' || c == '[' ? 1 : (size_t)-1;
            if (scan->depth == 0 || scan->depth > scan->depth_max) {
                return i + 1;
            }
        }
    }
    return size;
}

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void every_kernel_finds_the_same_ends(void **state)
{
    (void)state;
    static const char alphabet[] = "\"\\\\{}[]xyz ,{{[\"\\";
    uint32_t seed = 20261124;
    for (int round = 0; round < 20000; round++) {
        char text[400];
        size_t size = draw(&seed) % sizeof text, cut = size > 0 ? draw(&seed) % size : 0;
        uint32_t letters = 2 + draw(&seed) % (sizeof alphabet - 2);
        for (size_t i = 0; i < size; i++) {
            text[i] = alphabet[draw(&seed) % letters];
        }
        const struct plimsoll_json_scan start = {.depth = 1 + draw(&seed) % 4, .depth_max = 20};
        struct plimsoll_json_scan plain = start;
        size_t plain_used = scan_plainly(&plain, text, size);
        for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++) {
            if (!plimsoll_json_scan_use(kernels[k])) {
                continue;
            }
            struct plimsoll_json_scan scan = start;
            size_t used = plimsoll_json_scan_container(&scan, text, cut);
            if (scan.depth > 0 && scan.depth <= scan.depth_max) {
                assert_int_equal(used, cut);
                used += plimsoll_json_scan_container(&scan, text + cut, size - cut);
            }
            assert_int_equal(used, plain_used);
            assert_int_equal(scan.depth, plain.depth);
            if (scan.depth > 0 && scan.depth <= scan.depth_max) {
                assert_int_equal(scan.in_string, plain.in_string);
                assert_int_equal(scan.escaped, plain.escaped);
            }
        }
    }
}

static void a_string_ends_at_its_quote_wherever_it_is_cut(void **state)
{
    (void)state;
    static const char text[] =
        "plain, then \\\" and \\\\\\\" and a long run of bytes without any mark in it \\\\\" rest";
    size_t end = sizeof text - 1 - strlen(" rest");
    for (size_t cut = 0; cut <= end; cut++) {
        struct plimsoll_json_scan scan = {.in_string = 1};
        size_t used = plimsoll_json_scan_string(&scan, text, cut);
        assert_int_equal(used, cut);
        if (cut < end) {
            assert_int_not_equal(scan.in_string, 0);
            used += plimsoll_json_scan_string(&scan, text + cut, sizeof text - 1 - cut);
        }
        assert_int_equal(scan.in_string, 0);
        assert_int_equal(used, end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_finds_the_same_ends),
        cmocka_unit_test(a_string_ends_at_its_quote_wherever_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
