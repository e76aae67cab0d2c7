/* SPDX-License-Identifier: Apache-2.0 */
/** Borrowed bytes: a pointer and a length, passed by value, never NUL-terminated, never freed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct plimsoll_span {
    const char *data; /* may be NULL when size is 0 */
    size_t size;      /* bytes */
};

/** For printf: `"%.*s", PLIMSOLL_SPAN_ARG(span)`. */
#define PLIMSOLL_SPAN_ARG(span) (int)(span).size, (span).data ? (span).data : ""

static inline struct plimsoll_span plimsoll_span_of(const char *string)
{
    return (struct plimsoll_span){.data = string, .size = string ? strlen(string) : 0};
}

static inline bool plimsoll_span_equal(struct plimsoll_span a, struct plimsoll_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool plimsoll_span_is(struct plimsoll_span span, const char *string)
{
    return plimsoll_span_equal(span, plimsoll_span_of(string));
}

static inline bool plimsoll_span_starts(struct plimsoll_span span, const char *prefix)
{
    size_t size = strlen(prefix);
    return span.size >= size && memcmp(span.data, prefix, size) == 0;
}

/** Without white space at both ends. */
struct plimsoll_span plimsoll_span_trim(struct plimsoll_span span);

/** Cuts the part before the first `separator` off `rest`. @return false when `rest` was used up. */
bool plimsoll_span_cut(struct plimsoll_span *rest, char separator, struct plimsoll_span *part);

/** A decimal without sign, up to UINT64_MAX. @return false when it is anything else. */
bool plimsoll_span_decimal(struct plimsoll_span span, unsigned long long *value);

/** `pattern` with `*` for any bytes and `?` for one, linear in both. */
bool plimsoll_span_glob(struct plimsoll_span span, const char *pattern);

/** A well-mixed 64-bit hash, equal for equal bytes within one process. Seeded at first use. */
unsigned long long plimsoll_span_hash(struct plimsoll_span span);
