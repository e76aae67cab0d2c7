/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Words of a JSON document that stands inside a JSON string, read where they stand: an annotation
 * in a Node, its quotes written as `\"`. One pass over such text checks both at once, the string
 * and what it holds.
 *
 * Read is the plain form only, which publishers write: printable ASCII, no escape but that of a
 * quote, no white space but blanks. Each function returns the byte behind what it read, or NULL
 * when that is not plain, whether it is wrong or only unusual; it takes NULL and hands it on, so
 * that one check at the end of a run is enough. `end` is that of the whole object.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/** A word with its quotes as it stands in the text; as a key with its colon. */
#define PLIMSOLL_QUOTED_LITERAL_SIZE 16
struct plimsoll_quoted_literal {
    char text[PLIMSOLL_QUOTED_LITERAL_SIZE]; /* need not be NUL-terminated */
    unsigned size;
};
#define PLIMSOLL_QUOTED_WORD(word)                                                                 \
    {                                                                                              \
        .text = "\\\"" word "\\\"", .size = sizeof(word) - 1 + 4                                   \
    }
#define PLIMSOLL_QUOTED_KEY(key)                                                                   \
    {                                                                                              \
        .text = "\\\"" key "\\\":", .size = sizeof(key) - 1 + 5                                    \
    }

static inline const char *plimsoll_quoted_blanks(const char *at, const char *end)
{
    while (at < end && *at == ' ') {
        at++;
    }
    return at;
}

/** The byte `c`, blanks around it. */
static inline const char *plimsoll_quoted_mark(const char *at, const char *end, char c)
{
    if (at == NULL) {
        return NULL;
    }
    at = plimsoll_quoted_blanks(at, end);
    return at < end && *at == c ? plimsoll_quoted_blanks(at + 1, end) : NULL;
}

/** True when `c` follows; nothing is read. */
static inline bool plimsoll_quoted_is(const char *at, const char *end, char c)
{
    return at != NULL && at < end && *at == c;
}

/** What follows a member or element: a comma, then `more` is true, or `close`. */
static inline const char *plimsoll_quoted_next(const char *at, const char *end, char close,
                                               bool *more)
{
    if (at == NULL) {
        return NULL;
    }
    if (end - at >= 2 && at[0] == ',' && at[1] != ' ') {
        *more = true; /* as most often */
        return at + 1;
    }
    at = plimsoll_quoted_blanks(at, end);
    *more = at < end && *at == ',';
    return at < end && (*more || *at == close) ? plimsoll_quoted_blanks(at + 1, end) : NULL;
}

/** The escaped quote at either end of a string. */
static inline const char *plimsoll_quoted_quote(const char *at, const char *end)
{
    return at != NULL && end - at >= 2 && at[0] == '\\' && at[1] == '"' ? at + 2 : NULL;
}

/** `at` has at least PLIMSOLL_QUOTED_LITERAL_SIZE bytes. */
static inline bool plimsoll_quoted_starts(const char *at,
                                          const struct plimsoll_quoted_literal *literal)
{
#if defined(__SSE2__)
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                  _mm_loadu_si128((const __m128i *)(const void *)literal->text));
    return (~(unsigned)_mm_movemask_epi8(same) & ((1u << literal->size) - 1)) == 0;
#else
    return memcmp(at, literal->text, literal->size) == 0;
#endif
}

/**
 * One of `count` words or keys that are known.
 * @param which  In: where to look first. Out: which it is.
 */
static inline const char *plimsoll_quoted_find(const char *at, const char *end,
                                               const struct plimsoll_quoted_literal *known,
                                               unsigned count, unsigned *which)
{
    if (at == NULL || end - at < PLIMSOLL_QUOTED_LITERAL_SIZE) {
        return NULL;
    }
    unsigned i = *which;
    for (unsigned tried = 0; !plimsoll_quoted_starts(at, &known[i]); tried++) {
        if (tried == count) {
            return NULL;
        }
        i = i + 1 < count ? i + 1 : 0;
    }
    *which = i;
    return at + known[i].size;
}

/** The members of an object, of which all keys are known and each may be there once. */
struct plimsoll_quoted_members {
    const struct plimsoll_quoted_literal *keys;
    unsigned count; /* of keys, up to 32 */
    unsigned next;  /* the key to expect: publishers write theirs in one order */
    uint32_t seen;
};

/** The next key, `which` of those that are known, and its colon. */
static inline const char *plimsoll_quoted_member(const char *at, const char *end,
                                                 struct plimsoll_quoted_members *members,
                                                 unsigned *which)
{
    *which = members->next;
    at = plimsoll_quoted_find(at, end, members->keys, members->count, which);
    if (at == NULL || (members->seen >> *which & 1) != 0) {
        return NULL;
    }
    members->seen |= UINT32_C(1) << *which;
    members->next = *which + 1 < members->count ? *which + 1 : 0;
    return plimsoll_quoted_blanks(at, end);
}

static inline bool plimsoll_quoted_is_plain(char c)
{
    return (signed char)c >= ' ' && c != '"' && c != '\\';
}

/**
 * A string of 1 … size − 1 bytes, copied with a NUL and filled up with zeros.
 * @param size  A multiple of 16.
 */
static inline const char *plimsoll_quoted_string(const char *at, const char *end, char *out,
                                                 size_t size)
{
    at = plimsoll_quoted_quote(at, end);
    if (at == NULL) {
        return NULL;
    }
    size_t length = 0;
#if defined(__SSE2__)
    const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (; size - length >= 16 && end - at >= 16; length += 16, at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i marks = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        /* Signed: what is beyond ASCII is negative, hence below the blank like the controls. */
        __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
        int found = _mm_movemask_epi8(_mm_or_si128(marks, odd));
        if (found != 0) {
            int here = __builtin_ctz((unsigned)found);
            bytes = _mm_and_si128(bytes, _mm_cmplt_epi8(places, _mm_set1_epi8((char)here)));
            _mm_storeu_si128((__m128i *)(void *)(out + length), bytes);
            for (size_t rest = length + 16; rest < size; rest += 16) {
                _mm_storeu_si128((__m128i *)(void *)(out + rest), _mm_setzero_si128());
            }
            return length + (size_t)here > 0 ? plimsoll_quoted_quote(at + here, end) : NULL;
        }
        _mm_storeu_si128((__m128i *)(void *)(out + length), bytes);
    }
#endif
    while (at < end && length < size && plimsoll_quoted_is_plain(*at)) {
        out[length++] = *at++;
    }
    if (length == 0 || length == size) {
        return NULL;
    }
    memset(out + length, 0, size - length);
    return plimsoll_quoted_quote(at, end);
}

/** What numbers of bytes stay below. */
#define PLIMSOLL_QUOTED_UINT_MAX ((UINT64_C(1) << 53) - 1)

/** A whole number from 0 to `max`, at most PLIMSOLL_QUOTED_UINT_MAX, without superfluous zeros. */
static inline const char *plimsoll_quoted_uint(const char *at, const char *end, uint64_t max,
                                               uint64_t *out)
{
    enum { DIGITS_MAX = 16 };
    const char *first = at;
    uint64_t value = 0;
    if (at == NULL) {
        return NULL;
    }
    const char *last = end - at > DIGITS_MAX ? at + DIGITS_MAX : end;
    for (unsigned digit; at < last && (digit = (unsigned char)*at - (unsigned)'0') <= 9; at++) {
        value = value * 10 + digit;
    }
    if (at == first || (*first == '0' && at - first > 1) || value > max) {
        return NULL;
    }
    *out = value;
    return at;
}

static inline const char *plimsoll_quoted_bool(const char *at, const char *end, bool *out)
{
    if (at == NULL || end - at < 5) {
        return NULL;
    }
    *out = *at == 't';
    return memcmp(at, "true", 4) == 0 ? at + 4 : memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
}
