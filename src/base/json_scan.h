/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Finds where a JSON container or string ends, 64 bytes at a time, with state that survives a cut
 * at any byte. Checks balance only. Private to base.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Between two pieces of one value. Start: {.depth = 1, .depth_max = …} just after the bracket. */
struct plimsoll_json_scan {
    uint64_t in_string; /* all ones inside a string, else 0 */
    uint64_t escaped;   /* 1: a backslash before escapes the next byte */
    size_t depth;       /* brackets open; above depth_max: given up, too deep */
    size_t depth_max;
};

/**
 * Goes on until depth is 0.
 * @return Bytes used: up to and with the bracket that closes (depth 0) or is one too many (depth
 *         above depth_max), else all.
 */
size_t plimsoll_json_scan_container(struct plimsoll_json_scan *scan, const char *data, size_t size);

/**
 * Goes on until in_string is 0; start with it not 0, just after the opening quote.
 * @return Bytes used: up to and with the closing quote, else all.
 */
size_t plimsoll_json_scan_string(struct plimsoll_json_scan *scan, const char *data, size_t size);

/** How the blocks are classified; the best that the processor has unless a test says otherwise. */
enum plimsoll_json_scan_kernel {
    PLIMSOLL_JSON_SCAN_PORTABLE,
    PLIMSOLL_JSON_SCAN_SSE2,
    PLIMSOLL_JSON_SCAN_AVX2,
    PLIMSOLL_JSON_SCAN_AVX512,
};
/** @return false when this processor or build does not have it. */
bool plimsoll_json_scan_has(enum plimsoll_json_scan_kernel kernel);
/** @return false, and nothing changes, when it does not. */
bool plimsoll_json_scan_use(enum plimsoll_json_scan_kernel kernel);
