/* SPDX-License-Identifier: Apache-2.0 */
#include "json_lex.h"

#include "utf8.h"

static const char *fail(struct plimsoll_json_fault *fault, const char *at, const char *what)
{
    *fault = (struct plimsoll_json_fault){.at = at, .what = what};
    return NULL;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* `at` stands on the backslash. @return the byte behind the escape, or NULL */
static const char *lex_escape(const char *at, const char *end, struct plimsoll_json_fault *fault)
{
    if (end - at < 2) {
        return fail(fault, at, "the string is not closed");
    }
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return at + 2;
    case 'u':
        if (end - at >= 6 && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4]) && is_hex(at[5])) {
            return at + 6;
        }
        return fail(fault, at, "\\u wants four hexadecimal digits");
    default:
        return fail(fault, at, "no such escape in a string");
    }
}

const char *plimsoll_json_lex_odd_string(const char *at, const char *end,
                                         struct plimsoll_json_fault *fault)
{
    for (;;) {
        at = plimsoll_json_find_special(at, end);
        if (at == end) {
            return fail(fault, at, "the string is not closed");
        }
        if (*at == '"') {
            return at;
        }
        if (*at == '\\') {
            at = lex_escape(at, end, fault);
            if (at == NULL) {
                return NULL;
            }
        } else if ((unsigned char)*at < ' ') {
            return fail(fault, at, "a control character in a string must be escaped");
        } else {
            size_t size = plimsoll_utf8_sequence(at, (size_t)(end - at));
            if (size == 0) {
                return fail(fault, at, "the string is not UTF-8");
            }
            at += size;
        }
    }
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* Digits, at least one. */
static const char *lex_digits(const char *at, const char *end, struct plimsoll_json_fault *fault)
{
    const char *behind = skip_digits(at, end);
    return behind > at ? behind : fail(fault, at, "a digit is missing in the number");
}

static const char *lex_number(const char *at, const char *end, struct plimsoll_json_fault *fault)
{
    if (*at == '-') {
        at++;
    }
    const char *first = at;
    at = lex_digits(at, end, fault);
    if (at != NULL && *first == '0' && at - first > 1) {
        return fail(fault, first, "a number must not start with 0");
    }
    if (at != NULL && at < end && *at == '.') {
        at = lex_digits(at + 1, end, fault);
    }
    if (at != NULL && at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        at = lex_digits(at, end, fault);
    }
    return at;
}

static const char *lex_word(const char *at, const char *end, const char *word,
                            struct plimsoll_json_fault *fault)
{
    size_t size = strlen(word);
    if ((size_t)(end - at) >= size && memcmp(at, word, size) == 0) {
        return at + size;
    }
    return fail(fault, at, "no such word: true, false or null");
}

/* What may not follow directly, so that `truely` and `1x` are one wrong word. */
static bool continues(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' ||
           c == '-' || c == '+' || c == '_' || c == '"';
}

const char *plimsoll_json_lex_scalar(const char *at, const char *end,
                                     struct plimsoll_json_fault *fault)
{
    if (at == end) {
        return fail(fault, at, "a value is missing");
    }
    const char *behind;
    switch (*at) {
    case 't':
        behind = lex_word(at, end, "true", fault);
        break;
    case 'f':
        behind = lex_word(at, end, "false", fault);
        break;
    case 'n':
        behind = lex_word(at, end, "null", fault);
        break;
    default:
        if (*at != '-' && (*at < '0' || *at > '9')) {
            return fail(fault, at, "a value is missing");
        }
        behind = lex_number(at, end, fault);
    }
    if (behind != NULL && behind < end && continues(*behind)) {
        return fail(fault, behind, "a number or word does not end here");
    }
    return behind;
}

bool plimsoll_json_lex_integer(struct plimsoll_span number, int64_t *out)
{
    bool negative = number.size > 0 && number.data[0] == '-';
    int64_t value = 0;
    for (size_t i = negative ? 1 : 0; i < number.size; i++) {
        char c = number.data[i];
        if (c < '0' || c > '9') {
            return false;
        }
        /* Summed below zero, where there is room for one more. */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, c - '0', &value)) {
            return false;
        }
    }
    if (number.size == (negative ? 1u : 0u) || (!negative && value == INT64_MIN)) {
        return false;
    }
    *out = negative ? value : -value;
    return true;
}
