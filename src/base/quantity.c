/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/quantity.h>

#include <stdbool.h>

__extension__ typedef unsigned __int128
    wide; /* a digit string times a suffix, before it is bounded */

#define DIGITS_MAX 19 /* significant digits kept: they fit 64 bits, and times 2^60 still 128 */

/* What a suffix stands for: base^exponent. */
struct scale {
    unsigned base; /* 2 or 10 */
    int exponent;
};

static const struct {
    const char *suffix;
    struct scale scale;
} suffixes[] = {
    {"Ki", {2, 10}}, {"Mi", {2, 20}}, {"Gi", {2, 30}}, {"Ti", {2, 40}},
    {"Pi", {2, 50}}, {"Ei", {2, 60}}, {"n", {10, -9}}, {"u", {10, -6}},
    {"m", {10, -3}}, {"", {10, 0}},   {"k", {10, 3}},  {"M", {10, 6}},
    {"G", {10, 9}},  {"T", {10, 12}}, {"P", {10, 15}}, {"E", {10, 18}},
};

static int refuse(struct plimsoll_error *err, struct plimsoll_span text, const char *why)
{
    int shown = text.size > 40 ? 40 : (int)text.size;
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "\"%.*s%s\" %s; write a quantity such as 12Gi", shown,
                              shown > 0 ? text.data : "", text.size > 40 ? "…" : "", why);
}

/* `e9`, `E+3`, `e-2`; false when it is something else. */
static bool read_exponent(struct plimsoll_span text, int *exponent)
{
    if (text.size < 2 || (text.data[0] != 'e' && text.data[0] != 'E')) {
        return false;
    }
    bool negative = text.data[1] == '-';
    size_t sign = negative || text.data[1] == '+' ? 1 : 0;
    struct plimsoll_span digits = {.data = text.data + 1 + sign, .size = text.size - 1 - sign};
    unsigned long long value;
    if (digits.size == 0 || digits.size > 3 || !plimsoll_span_decimal(digits, &value)) {
        return false;
    }
    *exponent = negative ? -(int)value : (int)value;
    return true;
}

static bool read_scale(struct plimsoll_span text, struct scale *scale)
{
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (plimsoll_span_is(text, suffixes[i].suffix)) {
            *scale = suffixes[i].scale;
            return true;
        }
    }
    scale->base = 10;
    return read_exponent(text, &scale->exponent);
}

/* digits × 10^tens × 2^twos, rounded up; false above INT64_MAX. */
static bool compute(uint64_t digits, int tens, int twos, bool remainder, uint64_t *value)
{
    wide sum = (wide)digits << twos;
    const wide ceiling = (wide)INT64_MAX;
    for (; tens > 0 && sum > 0; tens--) {
        if (sum > ceiling) {
            return false;
        }
        sum *= 10;
    }
    for (; tens < 0 && (sum > 0 || remainder); tens++) {
        remainder = remainder || sum % 10 != 0;
        sum /= 10;
        if (sum == 0) {
            break;
        }
    }
    sum += remainder ? 1 : 0;
    *value = (uint64_t)sum;
    return sum <= ceiling;
}

int plimsoll_quantity_parse(struct plimsoll_span text, uint64_t *value, struct plimsoll_error *err)
{
    if (text.size == 0) {
        return refuse(err, text, "is empty");
    }
    if (text.data[0] == '-') {
        return refuse(err, text, "is negative");
    }
    size_t at = text.data[0] == '+' ? 1 : 0;
    uint64_t digits = 0;
    int kept = 0, tens = 0;
    bool point = false, any = false, remainder = false;
    for (; at < text.size; at++) {
        char c = text.data[at];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            break;
        }
        any = true;
        if (kept < DIGITS_MAX) {
            digits = digits * 10 + (uint64_t)(c - '0');
            kept += digits > 0 ? 1 : 0;
            tens -= point ? 1 : 0;
        } else {
            remainder = remainder || c != '0';
            tens += point ? 0 : 1;
        }
    }
    struct scale scale;
    struct plimsoll_span suffix = {.data = text.data + at, .size = text.size - at};
    if (!any || !read_scale(suffix, &scale)) {
        return refuse(err, text, "is no quantity");
    }
    bool binary = scale.base == 2;
    uint64_t result;
    if (!compute(digits, tens + (binary ? 0 : scale.exponent), binary ? scale.exponent : 0,
                 remainder, &result)) {
        return refuse(err, text, "is too large");
    }
    *value = result;
    return 0;
}

const char *plimsoll_quantity_format(uint64_t bytes, char out[PLIMSOLL_QUANTITY_SIZE])
{
    static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    unsigned unit = 0;
    while (unit < 6 && bytes >> (10 * (unit + 1)) > 0) {
        unit++;
    }
    uint64_t whole = bytes >> (10 * unit);
    uint64_t rest = bytes - (whole << (10 * unit));
    unsigned tenth = unit == 0 ? 0 : (unsigned)(((wide)rest * 10) >> (10 * unit));
    if (tenth > 0) {
        snprintf(out, PLIMSOLL_QUANTITY_SIZE, "%llu.%u%s", (unsigned long long)whole, tenth,
                 units[unit]);
    } else {
        snprintf(out, PLIMSOLL_QUANTITY_SIZE, "%llu%s", (unsigned long long)whole, units[unit]);
    }
    return out;
}
