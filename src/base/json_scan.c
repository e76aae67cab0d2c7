/* SPDX-License-Identifier: Apache-2.0 */
#include "json_scan.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCK 64u

/* A bit per byte of a block. */
struct masks {
    uint64_t quote, backslash, open, close;
};

typedef struct masks classify_fn(const char *block);
typedef uint64_t prefix_xor_fn(uint64_t bits);
typedef size_t scan_fn(struct plimsoll_json_scan *scan, const char *data, size_t size);

/*
 * The bytes that a backslash escapes: every other byte from the second of a run of backslashes to
 * the one behind it. Without a branch, because no processor guesses how runs lie: adding the starts
 * at odd places clears the runs that begin there and leaves the others, which tells the two kinds
 * apart, and overflows when the run at the end of the block escapes the first byte of the next one.
 * `carry` takes that over; `size` is less than a block only in the last one, where it may end
 * behind a backslash.
 */
static inline __attribute__((always_inline)) uint64_t escaped_bytes(uint64_t backslash, size_t size,
                                                                    uint64_t *carry)
{
    const uint64_t even = 0x5555555555555555;
    uint64_t first = *carry;
    uint64_t runs = backslash & ~first, behind = runs << 1, even_runs;
    bool overflow = __builtin_add_overflow(runs, runs & ~behind & ~even, &even_runs);
    uint64_t escaped = (behind & (even ^ even_runs << 1)) | first;
    *carry = size == BLOCK ? overflow : escaped >> size & 1;
    return escaped;
}

/* Bracket by bracket, for a block in which the value may end or be too deep. @return its end, or 0
 */
static size_t walk_brackets(struct plimsoll_json_scan *scan, uint64_t open, uint64_t close)
{
    for (uint64_t left = open | close; left != 0; left &= left - 1) {
        scan->depth += (left & -left & open) != 0 ? 1 : (size_t)-1;
        if (scan->depth == 0 || scan->depth > scan->depth_max) {
            return (size_t)__builtin_ctzll(left) + 1;
        }
    }
    return 0;
}

/* @return the end of the value within the block, or 0 when it goes on. */
static inline __attribute__((always_inline)) size_t scan_block(struct plimsoll_json_scan *scan,
                                                               struct masks masks, size_t size,
                                                               prefix_xor_fn *prefix_xor)
{
    uint64_t quote = masks.quote;
    if ((masks.backslash | scan->escaped) != 0) {
        quote &= ~escaped_bytes(masks.backslash, size, &scan->escaped);
    }
    uint64_t in_string = prefix_xor(quote) ^ scan->in_string;
    scan->in_string = 0 - (in_string >> 63);
    uint64_t open = masks.open & ~in_string;
    uint64_t close = masks.close & ~in_string;
    size_t opens = (size_t)__builtin_popcountll(open);
    size_t closes = (size_t)__builtin_popcountll(close);
    if (closes < scan->depth && opens <= scan->depth_max - scan->depth) {
        scan->depth += opens - closes;
        return 0;
    }
    return walk_brackets(scan, open, close);
}

static inline __attribute__((always_inline)) size_t scan_with(struct plimsoll_json_scan *scan,
                                                              const char *data, size_t size,
                                                              classify_fn *classify,
                                                              prefix_xor_fn *prefix_xor)
{
    struct plimsoll_json_scan now = *scan; /* in registers: data might alias scan */
    size_t at = 0, end = 0;
    for (; size - at >= BLOCK && end == 0; at += BLOCK) {
        end = scan_block(&now, classify(data + at), BLOCK, prefix_xor);
    }
    if (end != 0) {
        end += at - BLOCK;
    } else if (at < size) {
        char block[BLOCK];
        memset(block, ' ', sizeof block);
        memcpy(block, data + at, size - at);
        end = scan_block(&now, classify(block), size - at, prefix_xor);
        end = end != 0 ? at + end : size;
    } else {
        end = size;
    }
    *scan = now;
    return end;
}

static struct masks classify_portable(const char *block)
{
    struct masks masks = {0};
    for (unsigned i = 0; i < BLOCK; i++) {
        uint64_t bit = (uint64_t)1 << i;
        char c = block[i];
        masks.quote |= c == '"' ? bit : 0;
        masks.backslash |= c == '\\' ? bit : 0;
        masks.open |=
            (c | 0x20) == '{' ? bit : 0; /* [ and { differ in this bit only, ] and } too */
        masks.close |= (c | 0x20) == '}' ? bit : 0;
    }
    return masks;
}

static inline uint64_t prefix_xor_shift(uint64_t bits)
{
    for (unsigned by = 1; by < BLOCK; by *= 2) {
        bits ^= bits << by;
    }
    return bits;
}

static size_t scan_portable(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    return scan_with(scan, data, size, classify_portable, prefix_xor_shift);
}

#if defined(__x86_64__)

static inline uint64_t bits_sse2(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (uint64_t)(uint32_t)_mm_movemask_epi8(a) |
           (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16 |
           (uint64_t)(uint32_t)_mm_movemask_epi8(c) << 32 |
           (uint64_t)(uint32_t)_mm_movemask_epi8(d) << 48;
}

static inline uint64_t equal_sse2(const __m128i block[static 4], char c)
{
    __m128i all = _mm_set1_epi8(c);
    return bits_sse2(_mm_cmpeq_epi8(block[0], all), _mm_cmpeq_epi8(block[1], all),
                     _mm_cmpeq_epi8(block[2], all), _mm_cmpeq_epi8(block[3], all));
}

static inline struct masks classify_sse2(const char *data)
{
    __m128i block[4], folded[4];
    for (int i = 0; i < 4; i++) {
        block[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        folded[i] = _mm_or_si128(block[i], _mm_set1_epi8(0x20));
    }
    return (struct masks){equal_sse2(block, '"'), equal_sse2(block, '\\'), equal_sse2(folded, '{'),
                          equal_sse2(folded, '}')};
}

static size_t scan_sse2(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    return scan_with(scan, data, size, classify_sse2, prefix_xor_shift);
}

#define AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi")))

AVX2 static inline uint64_t equal_avx2(__m256i low, __m256i high, char c)
{
    __m256i all = _mm256_set1_epi8(c);
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all)) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all)) << 32;
}

AVX2 static inline struct masks classify_avx2(const char *data)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)data);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(data + 32));
    __m256i fold = _mm256_set1_epi8(0x20);
    __m256i low_folded = _mm256_or_si256(low, fold), high_folded = _mm256_or_si256(high, fold);
    return (struct masks){equal_avx2(low, high, '"'), equal_avx2(low, high, '\\'),
                          equal_avx2(low_folded, high_folded, '{'),
                          equal_avx2(low_folded, high_folded, '}')};
}

/* A carry-less product with all ones is the xor of all lower bits. */
AVX2 static inline uint64_t prefix_xor_avx2(uint64_t bits)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

AVX2 static size_t scan_avx2(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    return scan_with(scan, data, size, classify_avx2, prefix_xor_avx2);
}

#define AVX512 __attribute__((target("avx512f,avx512bw,pclmul,popcnt,bmi")))

AVX512 static inline struct masks classify_avx512(const char *data)
{
    __m512i block = _mm512_loadu_si512(data);
    __m512i folded = _mm512_or_si512(block, _mm512_set1_epi8(0x20));
    return (struct masks){_mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('"')),
                          _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\\')),
                          _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')),
                          _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}'))};
}

AVX512 static size_t scan_avx512(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    return scan_with(scan, data, size, classify_avx512, prefix_xor_avx2);
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
           __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
}

static scan_fn *find_kernel(enum plimsoll_json_scan_kernel wanted)
{
    switch (wanted) {
    case PLIMSOLL_JSON_SCAN_AVX512:
        return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
                   ? scan_avx512
                   : NULL;
    case PLIMSOLL_JSON_SCAN_AVX2:
        return has_avx2() ? scan_avx2 : NULL;
    case PLIMSOLL_JSON_SCAN_SSE2:
        return scan_sse2;
    case PLIMSOLL_JSON_SCAN_PORTABLE:
        break;
    }
    return scan_portable;
}

#else

static scan_fn *find_kernel(enum plimsoll_json_scan_kernel wanted)
{
    return wanted == PLIMSOLL_JSON_SCAN_PORTABLE ? scan_portable : NULL;
}

#endif

static scan_fn scan_first;
/* Chosen at the first use: every thread would choose the same, so a relaxed order is enough. */
static _Atomic(scan_fn *) scan_best = scan_first;

static size_t scan_first(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    for (int kernel = PLIMSOLL_JSON_SCAN_AVX512; kernel >= 0; kernel--) {
        if (plimsoll_json_scan_use((enum plimsoll_json_scan_kernel)kernel)) {
            break;
        }
    }
    return plimsoll_json_scan_container(scan, data, size);
}

bool plimsoll_json_scan_has(enum plimsoll_json_scan_kernel kernel)
{
    return find_kernel(kernel) != NULL;
}

bool plimsoll_json_scan_use(enum plimsoll_json_scan_kernel kernel)
{
    scan_fn *found = find_kernel(kernel);
    if (found != NULL) {
        atomic_store_explicit(&scan_best, found, memory_order_relaxed);
    }
    return found != NULL;
}

size_t plimsoll_json_scan_container(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    return atomic_load_explicit(&scan_best, memory_order_relaxed)(scan, data, size);
}

/* @return the bytes up to and with the closing quote; 0 when there is none in the whole blocks */
static size_t scan_string_blocks(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
#if defined(__x86_64__)
    for (size_t at = 0; size - at >= BLOCK; at += BLOCK) {
        struct masks masks = classify_sse2(data + at);
        uint64_t quote = masks.quote;
        if ((masks.backslash | scan->escaped) != 0) {
            quote &= ~escaped_bytes(masks.backslash, BLOCK, &scan->escaped);
        }
        if (quote != 0) {
            scan->escaped = 0;
            return at + (size_t)__builtin_ctzll(quote) + 1;
        }
    }
#else
    (void)scan, (void)data, (void)size;
#endif
    return 0;
}

size_t plimsoll_json_scan_string(struct plimsoll_json_scan *scan, const char *data, size_t size)
{
    size_t at = scan_string_blocks(scan, data, size);
    if (at > 0) {
        scan->in_string = 0;
        return at;
    }
#if defined(__x86_64__)
    at = size / BLOCK * BLOCK;
#endif
    for (; at < size; at++) {
        if (scan->escaped != 0) {
            scan->escaped = 0;
        } else if (data[at] == '\\') {
            scan->escaped = 1;
        } else if (data[at] == '"') {
            scan->in_string = 0;
            return at + 1;
        }
    }
    return size;
}
