/* SPDX-License-Identifier: Apache-2.0 */
/** The words of JSON, checked by RFC 8259 to the letter. Shared by document, cursor and stream;
 * private. */
#pragma once

#include <plimsoll/span.h>

#include <stdint.h>

/** What is wrong, and at which byte. */
struct plimsoll_json_fault {
    const char *at;
    const char *what; /* static */
};

static inline const char *plimsoll_json_lex_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) {
        at++;
    }
    return at;
}

/** `at` stands behind the opening quote. @return the closing quote, or NULL with the fault. */
const char *plimsoll_json_lex_string(const char *at, const char *end,
                                     struct plimsoll_json_fault *fault);

/** A number, true, false or null. @return the byte behind it, or NULL with the fault. */
const char *plimsoll_json_lex_scalar(const char *at, const char *end,
                                     struct plimsoll_json_fault *fault);

/** @return false unless `number` (a valid one) has no fraction or exponent and fits. */
bool plimsoll_json_lex_integer(struct plimsoll_span number, int64_t *out);
