/* SPDX-License-Identifier: Apache-2.0 */
/** Time as a value, and the two clocks for those who may look at one. Deciding modules get times
 * passed in. */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

#include <stdint.h>

/** Bytes of a formatted time, NUL included. */
#define PLIMSOLL_TIME_SIZE 32

/** Milliseconds that never go back, and go on while the machine sleeps; for durations only. */
int64_t plimsoll_clock_monotonic_ms(void);
/** Milliseconds since 1970 UTC; may jump. */
int64_t plimsoll_clock_unix_ms(void);

/** RFC 3339 with `Z` or an offset, optional fraction. @return 0, or -1 with PLIMSOLL_ERR_INVALID.
 */
int plimsoll_time_parse(struct plimsoll_span text, int64_t *unix_ms,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** RFC 3339 UTC in whole seconds: `2026-11-22T05:10:00Z`. */
const char *plimsoll_time_format(int64_t unix_ms, char out[PLIMSOLL_TIME_SIZE]);
/** metav1.MicroTime: exactly six fractional digits. */
const char *plimsoll_time_format_micro(int64_t unix_ms, char out[PLIMSOLL_TIME_SIZE]);
