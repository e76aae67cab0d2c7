/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/span.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct plimsoll_span plimsoll_span_trim(struct plimsoll_span span)
{
    while (span.size > 0 && is_space(span.data[0])) {
        span.data++;
        span.size--;
    }
    while (span.size > 0 && is_space(span.data[span.size - 1])) {
        span.size--;
    }
    return span;
}

bool plimsoll_span_cut(struct plimsoll_span *rest, char separator, struct plimsoll_span *part)
{
    if (rest->data == NULL) {
        return false;
    }
    const char *end = rest->size > 0 ? memchr(rest->data, separator, rest->size) : NULL;
    if (end == NULL) {
        *part = *rest;
        *rest = (struct plimsoll_span){0};
        return true;
    }
    *part = (struct plimsoll_span){.data = rest->data, .size = (size_t)(end - rest->data)};
    rest->size -= part->size + 1;
    rest->data = end + 1;
    return true;
}

bool plimsoll_span_decimal(struct plimsoll_span span, unsigned long long *value)
{
    unsigned long long sum = 0;
    if (span.size == 0) {
        return false;
    }
    for (size_t i = 0; i < span.size; i++) {
        if (span.data[i] < '0' || span.data[i] > '9' || __builtin_mul_overflow(sum, 10ull, &sum) ||
            __builtin_add_overflow(sum, (unsigned long long)(span.data[i] - '0'), &sum)) {
            return false;
        }
    }
    *value = sum;
    return true;
}

/* After a mismatch only the last `*` can take one byte more, so the work is at most size × pattern.
 */
bool plimsoll_span_glob(struct plimsoll_span span, const char *pattern)
{
    size_t at = 0, resume_at = 0;
    const char *resume = NULL;
    while (at < span.size) {
        if (*pattern == '*') {
            resume = ++pattern;
            resume_at = at;
        } else if (*pattern != '\0' && (*pattern == '?' || *pattern == span.data[at])) {
            pattern++;
            at++;
        } else if (resume != NULL) {
            pattern = resume;
            at = ++resume_at;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

static uint64_t seed;

static void draw_seed(void)
{
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = 0x9E3779B97F4A7C15u; /* early boot: a fixed seed only weakens the defence against
                                       collisions */
    }
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Multiply and fold, eight bytes at a time; seeded so that names cannot be chosen to collide. */
unsigned long long plimsoll_span_hash(struct plimsoll_span span)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, draw_seed);
    const uint64_t odd = 0xA0761D6478BD642Fu;
    uint64_t hash = seed ^ (uint64_t)span.size;
    const char *data = span.data;
    size_t left = span.size;
    for (; left >= 8; left -= 8, data += 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        hash = mix(hash ^ word, odd);
    }
    if (left > 0) {
        uint64_t word = 0;
        memcpy(&word, data, left);
        hash = mix(hash ^ word, odd);
    }
    return mix(hash ^ seed, 0xE7037ED1A0B428DBu);
}
