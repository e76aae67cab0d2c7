/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define CAPACITY_MIN        64u /* of the list; the next ones are twice as large */
#define MIDDLING_NAME_BYTES 32u

/* What the API server lets into the name of an object, and a little more: upper case and `_` are
 * harmless here, and whoever asks knows its nodes' names. */
static bool in_a_name(unsigned char c)
{
    static const uint64_t digits = 0x3FFu, letters = 0x3FFFFFFu, one = 1;
    static const uint64_t map[4] = {one << '-' | one << '.' | digits << '0',
                                    letters << ('A' - 64) | one << ('_' - 64) |
                                        letters << ('a' - 64)};
    return (map[c >> 6] >> (c & 63) & 1) != 0;
}

#define LANES PLIMSOLL_NAMES_PAD
/* A vector type can only be named by a typedef. NOLINTNEXTLINE(readability-identifier-naming) */
typedef unsigned char lanes __attribute__((vector_size(LANES)));

/* A bit for each lane that is all ones or all zeroes. */
#if defined(__SSE2__)
static inline unsigned bits_of(lanes all)
{
    return (unsigned)_mm_movemask_epi8((__m128i)all);
}
#else
static inline unsigned bits_of(lanes all)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < LANES; i++) {
        bits |= (all[i] & 1u) << i;
    }
    return bits;
}
#endif

/* The same of LANES bytes at once: a bit for each that may not stand in a name. */
static inline unsigned find_ends(const char *data)
{
    lanes bytes;
    memcpy(&bytes, data, sizeof bytes);
    lanes folded = bytes | 0x20;
    lanes good = (lanes)((folded - 'a') < 26) | (lanes)((bytes - '0') < 10) |
                 (lanes)((bytes - '-') < 2) | (lanes)(bytes == '_');
    return bits_of(good) ^ ((1u << LANES) - 1);
}

/* The bytes from `-` to `z` without the backslash: what a name has is among them and what ends a
 * string is not, and they are told in a third of the time. */
static inline unsigned find_stops(const char *data)
{
    lanes bytes;
    memcpy(&bytes, data, sizeof bytes);
    lanes plain = (lanes)((bytes - '-') < 'z' - '-' + 1) & (lanes)(bytes != '\\');
    return bits_of(plain) ^ ((1u << LANES) - 1);
}

/* How many such bytes there are from `at` on. Behind them stands another one, and behind that LANES
 * more that may be looked at. Where the loop ends is for the processor to guess: names are of like
 * length, and it need not wait for one to go on with the next. */
static inline size_t measure(const char *at)
{
    size_t size = 0;
    unsigned stops;
    while ((stops = find_stops(at + size)) == 0) {
        size += LANES;
    }
    return size + (size_t)__builtin_ctz(stops);
}

/* Behind the name stands what `measure` asks for. */
static bool is_valid(struct plimsoll_span name)
{
    size_t size = 0;
    unsigned ends = 0;
    while (size < name.size && (ends = find_ends(name.data + size)) == 0) {
        size += LANES;
    }
    return size >= name.size || size + (size_t)__builtin_ctz(ends) >= name.size;
}

bool plimsoll_names_valid(struct plimsoll_span name)
{
    size_t good = 0;
    while (good < name.size && in_a_name((unsigned char)name.data[good])) {
        good++;
    }
    return good > 0 && good == name.size && name.size <= PLIMSOLL_NAME_BYTES_MAX;
}

void plimsoll_names_clear(struct plimsoll_names *names)
{
    plimsoll_text_clear(&names->bytes);
    free(names->list);
    free(names->slots);
    *names = (struct plimsoll_names){0};
}

static size_t find_slot(const struct plimsoll_names *names, uint32_t hash)
{
    return hash & (names->slot_count - 1);
}

static void put_slot(struct plimsoll_names *names, uint64_t taken)
{
    size_t slot = find_slot(names, (uint32_t)(taken >> 32));
    while (names->slots[slot] != 0) {
        slot = (slot + 1) & (names->slot_count - 1);
    }
    names->slots[slot] = taken;
}

/* At most half of the slots are taken, so a free one is near. */
static void grow_slots(struct plimsoll_names *names)
{
    uint64_t *old = names->slots;
    size_t old_count = names->slot_count;
    names->slot_count = old_count == 0 ? 2 * CAPACITY_MIN : 2 * old_count;
    while (names->slot_count < 2 * names->count) {
        names->slot_count *= 2;
    }
    names->slots = plimsoll_alloc(names->slot_count, sizeof *names->slots);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != 0) {
            put_slot(names, old[i]);
        }
    }
    free(old);
}

static int refuse_name(const struct plimsoll_names *names, size_t index, struct plimsoll_span name,
                       struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "%s[%zu]: \"%.*s\" is no node name, want one such as gpu-1.lan",
                              names->field, index, PLIMSOLL_SPAN_ARG(name));
}

int plimsoll_names_unique(struct plimsoll_names *names, size_t index, struct plimsoll_error *err)
{
    if (2 * (names->slots_taken + 1) > names->slot_count) {
        grow_slots(names);
    }
    struct plimsoll_span name = plimsoll_names_get(names, index);
    if (!is_valid(name)) {
        return refuse_name(names, index, name, err);
    }
    uint32_t hash = (uint32_t)(plimsoll_span_hash(name) >> 32);
    size_t slot = find_slot(names, hash);
    for (; names->slots[slot] != 0; slot = (slot + 1) & (names->slot_count - 1)) {
        size_t other = (names->slots[slot] & UINT32_MAX) - 1;
        if (names->slots[slot] >> 32 == hash &&
            plimsoll_span_equal(name, plimsoll_names_get(names, other))) {
            return plimsoll_names_refuse_twice(names, index, err);
        }
    }
    names->slots[slot] = (uint64_t)hash << 32 | (index + 1);
    names->slots_taken++;
    return 0;
}

static void set_capacity(struct plimsoll_names *names, size_t capacity)
{
    names->list = plimsoll_realloc(names->list, capacity, sizeof *names->list);
    names->capacity = capacity;
}

/* Room for as many names of middling length as so many bytes can hold. */
static void guess_capacity(struct plimsoll_names *names, size_t bytes)
{
    size_t capacity = CAPACITY_MIN;
    while (capacity < bytes / MIDDLING_NAME_BYTES && capacity < PLIMSOLL_NODE_NAMES_MAX) {
        capacity *= 2;
    }
    set_capacity(names, capacity);
}

/* The name that stands in `bytes` with its quote at `at`. */
static void append(struct plimsoll_names *names, size_t at, size_t size)
{
    if (names->count == names->capacity) {
        set_capacity(names, names->capacity == 0 ? CAPACITY_MIN : names->capacity * 2);
    }
    names->list[names->count++] =
        (struct plimsoll_names_entry){.at = (uint32_t)at, .size = (uint8_t)size};
}

/* @param plain  Its bytes are left to plimsoll_names_unique. */
static int check(const struct plimsoll_names *names, struct plimsoll_span name, bool plain,
                 struct plimsoll_error *err)
{
    const char *field = names->field;
    if (names->count == PLIMSOLL_NODE_NAMES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "%s: more than %d nodes", field,
                                  PLIMSOLL_NODE_NAMES_MAX);
    }
    if (name.size > PLIMSOLL_NAME_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s[%zu]: a name of %zu bytes, want at most %d", field,
                                  names->count, name.size, PLIMSOLL_NAME_BYTES_MAX);
    }
    if (name.size == 0 || (!plain && !plimsoll_names_valid(name))) {
        return refuse_name(names, names->count, name, err);
    }
    return 0;
}

int plimsoll_names_refuse_twice(const struct plimsoll_names *names, size_t index,
                                struct plimsoll_error *err)
{
    return plimsoll_error_set(
        err, PLIMSOLL_ERR_INVALID, "%s[%zu]: node \"%.*s\" is there twice, want each node once",
        names->field, index, PLIMSOLL_SPAN_ARG(plimsoll_names_get(names, index)));
}

/* A string of such bytes is read at one go; all others are left to the cursor. */
static bool read_plain(struct plimsoll_json_cursor *cursor, struct plimsoll_span *name)
{
    if (*cursor->at != '"') {
        return false;
    }
    const char *begin = cursor->at + 1;
    size_t size = measure(begin);
    if (begin[size] != '"') {
        return false;
    }
    *name = (struct plimsoll_span){.data = begin, .size = size};
    cursor->at = begin + size + 1;
    return true;
}

/* The names from here on that are plain and have a comma and no space between them. @return behind
 * the last of them */
static const char *read_many(struct plimsoll_names *names, const char *at)
{
    const char *bytes = names->bytes.data;
    while (at[0] == ',' && at[1] == '"' && names->count < PLIMSOLL_NODE_NAMES_MAX) {
        size_t size = measure(at + 2);
        if (size == 0 || size > PLIMSOLL_NAME_BYTES_MAX || at[2 + size] != '"') {
            break;
        }
        append(names, (size_t)(at + 1 - bytes), size);
        at += size + 3;
    }
    return at;
}

/* With more behind the array than the scan of a name looks at. */
static struct plimsoll_span take_array(struct plimsoll_names *names, struct plimsoll_text *array)
{
    static const char pad[PLIMSOLL_NAMES_PAD];
    size_t size = array->size;
    array->size_max = size + sizeof pad;
    plimsoll_text_reserve(array, sizeof pad);
    plimsoll_text_add(array, pad, sizeof pad);
    names->bytes = *array;
    *array = plimsoll_text_make(0);
    return (struct plimsoll_span){.data = names->bytes.data, .size = size};
}

int plimsoll_names_read(struct plimsoll_names *names, struct plimsoll_text *array,
                        struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(take_array(names, array));
    names->field = "NodeNames";
    guess_capacity(names, names->bytes.size);
    struct plimsoll_span name;
    if (plimsoll_json_cursor_array(&cursor)) {
        while (plimsoll_json_cursor_element(&cursor)) {
            bool plain = read_plain(&cursor, &name);
            if (!plain && !plimsoll_json_cursor_string(&cursor, &name)) {
                if (cursor.failed) {
                    break;
                }
                return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                          "NodeNames[%zu] is null, want a node's name",
                                          names->count);
            }
            if (check(names, name, plain, err) < 0) {
                return -1;
            }
            append(names, (size_t)(name.data - names->bytes.data) - 1, name.size);
            cursor.at = read_many(names, cursor.at);
        }
    }
    if (!plimsoll_json_cursor_finish(&cursor)) {
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "NodeNames");
    }
    return 0;
}

int plimsoll_names_add(struct plimsoll_names *names, struct plimsoll_span name,
                       struct plimsoll_error *err)
{
    names->field = "Nodes.items";
    if (check(names, name, false, err) < 0) {
        return -1;
    }
    size_t at = names->bytes.size;
    names->bytes.size_max =
        PLIMSOLL_NODE_NAMES_MAX * (PLIMSOLL_NAME_BYTES_MAX + 2u) + PLIMSOLL_NAMES_PAD;
    plimsoll_text_reserve(&names->bytes, PLIMSOLL_NAME_BYTES_MAX + 2u + PLIMSOLL_NAMES_PAD);
    plimsoll_text_add_char(&names->bytes, '"');
    plimsoll_text_add_span(&names->bytes, name);
    plimsoll_text_add_char(&names->bytes, '"');
    append(names, at, name.size);
    return plimsoll_names_unique(names, names->count - 1, err);
}
