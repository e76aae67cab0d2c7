/* SPDX-License-Identifier: Apache-2.0 */
/** Counters of one handler. Workers add without a lock; whoever reads sees sums that were true
 * lately. */
#pragma once

#include <plimsoll/text.h>

#include <stdatomic.h>

#define SERIES_BUCKETS 14
#define SERIES_CODES   600

struct series {
    struct series *next;
    const char *name; /* borrowed from a route */
    _Atomic uint64_t codes[SERIES_CODES];
    _Atomic uint64_t buckets[SERIES_BUCKETS + 1]; /* not cumulated; the last is above all bounds */
    _Atomic uint64_t total_ns;
    _Atomic uint64_t aborted; /* the client went away before an answer */
};

/** The series of that name in the list, added when it is new. The list is fixed before the first
 * thread. */
struct series *series_named(struct series **list, const char *name);
void series_free(struct series *list);
void series_answered(struct series *series, unsigned status, uint64_t duration_ns);
void series_aborted(struct series *series);
/** plimsoll_http_requests_total, …_aborted_total and …_duration_seconds. */
void series_write(const struct series *list, struct plimsoll_text *out);
