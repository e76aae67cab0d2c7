/* SPDX-License-Identifier: Apache-2.0 */
/** The words of JSON, checked by RFC 8259 to the letter. Shared by document, cursor and stream;
 * private. */
#pragma once

#include <plimsoll/span.h>

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/** What is wrong, and at which byte. */
struct plimsoll_json_fault {
    const char *at;
    const char *what; /* static */
};

static inline const char *plimsoll_json_lex_space(const char *at, const char *end)
{
    if (at<end && * at> ' ') {
        return at;
    }
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

/** The first byte of a string that is not plain: a quote, backslash, control or beyond ASCII; or
 * `end`. */
static inline const char *plimsoll_json_find_special(const char *at, const char *end)
{
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        /* Signed: what is beyond ASCII is negative, hence below the blank like the controls. */
        __m128i odd = _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
        int found = _mm_movemask_epi8(_mm_or_si128(mark, odd));
        if (found != 0) {
            return at + __builtin_ctz((unsigned)found);
        }
    }
#endif
    while (at < end && *at != '"' && *at != '\\' && (signed char)*at >= ' ') {
        at++;
    }
    return at;
}

/** As lex_string, for any string. */
const char *plimsoll_json_lex_odd_string(const char *at, const char *end,
                                         struct plimsoll_json_fault *fault);

/** `at` stands behind the opening quote. @return the closing quote, or NULL with the fault. */
static inline const char *plimsoll_json_lex_string(const char *at, const char *end,
                                                   struct plimsoll_json_fault *fault)
{
    const char *special = plimsoll_json_find_special(at, end);
    return special < end && *special == '"' ? special
                                            : plimsoll_json_lex_odd_string(special, end, fault);
}

/** A number, true, false or null. @return the byte behind it, or NULL with the fault. */
const char *plimsoll_json_lex_scalar(const char *at, const char *end,
                                     struct plimsoll_json_fault *fault);

/** @return false unless `number` (a valid one) has no fraction or exponent and fits. */
bool plimsoll_json_lex_integer(struct plimsoll_span number, int64_t *out);
