/* SPDX-License-Identifier: Apache-2.0 */
#include "json_pairs.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef size_t read_fn(struct plimsoll_json_cursor *cursor, struct plimsoll_json_pair *pairs,
                       size_t max);

/* Where the processor looks at 16 bytes at a time entry is as fast. */
static size_t read_none(struct plimsoll_json_cursor *cursor, struct plimsoll_json_pair *pairs,
                        size_t max)
{
    (void)cursor, (void)pairs, (void)max;
    return 0;
}

#if defined(__x86_64__)

#define BLOCK 64

/* A bit per byte of a block. */
struct marks {
    uint64_t quote, odd; /* odd: a backslash, a control or beyond ASCII */
};

typedef struct marks mark_fn(const char *block);

/* Takes the lowest bit out. @return 0: there was none */
static inline uint64_t take_lowest(uint64_t *bits)
{
    uint64_t lowest = *bits & -*bits;
    *bits ^= lowest;
    return lowest;
}

/*
 * Most pairs fit a block, and then one look at it tells all four quotes: no loop over bytes whose
 * end the processor would have to guess.
 * @param at  The quote before the key. @return the byte behind the pair, or NULL
 */
static inline __attribute__((always_inline)) const char *
read_pair(const char *at, struct plimsoll_json_pair *pair, mark_fn *mark)
{
    struct marks marks = mark(at);
    uint64_t left = marks.quote;
    uint64_t first = take_lowest(&left), second = take_lowest(&left);
    uint64_t third = take_lowest(&left), fourth = take_lowest(&left);
    if (first != 1 || fourth == 0 || third != second << 2 || (marks.odd & (fourth - 1)) != 0) {
        return NULL;
    }
    const char *middle = at + __builtin_ctzll(second), *end = at + __builtin_ctzll(fourth);
    if (middle[1] != ':') {
        return NULL;
    }
    pair->key = (struct plimsoll_span){.data = at + 1, .size = (size_t)(middle - at - 1)};
    pair->value = (struct plimsoll_span){.data = middle + 3, .size = (size_t)(end - middle - 3)};
    return end + 1;
}

static inline __attribute__((always_inline)) size_t read_with(struct plimsoll_json_cursor *cursor,
                                                              struct plimsoll_json_pair *pairs,
                                                              size_t max, mark_fn *mark)
{
    const char *at = cursor->at, *end = cursor->end, *behind;
    size_t count = 0;
    while (count < max && end - at > BLOCK && (cursor->fresh || *at == ',') &&
           (behind = read_pair(cursor->fresh ? at : at + 1, &pairs[count], mark)) != NULL) {
        at = behind;
        cursor->fresh = false;
        count++;
    }
    cursor->at = at;
    return count;
}

#define AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi")))

/* Signed: what is beyond ASCII is negative, hence below the blank like the controls. */
AVX2 static inline uint32_t odd_avx2(__m256i bytes)
{
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\')),
                        _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), bytes)));
}

AVX2 static inline struct marks mark_avx2(const char *block)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(block + 32));
    __m256i quote = _mm256_set1_epi8('"');
    return (struct marks){
        .quote = (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, quote)) |
                 (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, quote)) << 32,
        .odd = (uint64_t)odd_avx2(low) | (uint64_t)odd_avx2(high) << 32};
}

AVX2 static size_t read_avx2(struct plimsoll_json_cursor *cursor, struct plimsoll_json_pair *pairs,
                             size_t max)
{
    return read_with(cursor, pairs, max, mark_avx2);
}

#define AVX512 __attribute__((target("avx512f,avx512bw,pclmul,popcnt,bmi")))

AVX512 static inline struct marks mark_avx512(const char *block)
{
    __m512i bytes = _mm512_loadu_si512(block);
    return (struct marks){.quote = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"')),
                          .odd = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\\')) |
                                 _mm512_cmplt_epi8_mask(bytes, _mm512_set1_epi8(' '))};
}

AVX512 static size_t read_avx512(struct plimsoll_json_cursor *cursor,
                                 struct plimsoll_json_pair *pairs, size_t max)
{
    return read_with(cursor, pairs, max, mark_avx512);
}

static read_fn *find_kernel(enum plimsoll_json_scan_kernel kernel)
{
    return kernel == PLIMSOLL_JSON_SCAN_AVX512 ? read_avx512
           : kernel == PLIMSOLL_JSON_SCAN_AVX2 ? read_avx2
                                               : read_none;
}

#else

static read_fn *find_kernel(enum plimsoll_json_scan_kernel kernel)
{
    (void)kernel;
    return read_none;
}

#endif

static read_fn read_first;
/* Chosen at the first use, as in json_scan.c. */
static _Atomic(read_fn *) read_best = read_first;

static size_t read_first(struct plimsoll_json_cursor *cursor, struct plimsoll_json_pair *pairs,
                         size_t max)
{
    for (int kernel = PLIMSOLL_JSON_SCAN_AVX512; kernel >= 0; kernel--) {
        if (plimsoll_json_pairs_use((enum plimsoll_json_scan_kernel)kernel)) {
            break;
        }
    }
    return plimsoll_json_cursor_pairs(cursor, pairs, max);
}

bool plimsoll_json_pairs_use(enum plimsoll_json_scan_kernel kernel)
{
    bool has = plimsoll_json_scan_has(kernel);
    if (has) {
        atomic_store_explicit(&read_best, find_kernel(kernel), memory_order_relaxed);
    }
    return has;
}

size_t plimsoll_json_cursor_pairs(struct plimsoll_json_cursor *cursor,
                                  struct plimsoll_json_pair *pairs, size_t max)
{
    return cursor->failed
               ? 0
               : atomic_load_explicit(&read_best, memory_order_relaxed)(cursor, pairs, max);
}
