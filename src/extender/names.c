/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

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

#define LANES 16u
/* A vector type can only be named by a typedef. NOLINTNEXTLINE(readability-identifier-naming) */
typedef unsigned char lanes __attribute__((vector_size(LANES)));

/* The same of LANES bytes at once. */
static bool all_in_a_name(const char *data)
{
    lanes bytes;
    memcpy(&bytes, data, sizeof bytes);
    lanes folded = bytes | 0x20;
    lanes good = (lanes)((folded - 'a') < 26) | (lanes)((bytes - '0') < 10) |
                 (lanes)((bytes - '-') < 2) | (lanes)(bytes == '_');
    uint64_t halves[2];
    memcpy(halves, &good, sizeof halves);
    return (halves[0] & halves[1]) == UINT64_MAX;
}

/* How many bytes from `at` on may stand in a name. */
static size_t measure(const char *at, const char *end)
{
    const char *begin = at;
    while ((size_t)(end - at) >= LANES && all_in_a_name(at)) {
        at += LANES;
    }
    while (at < end && in_a_name((unsigned char)*at)) {
        at++;
    }
    return (size_t)(at - begin);
}

bool plimsoll_names_valid(struct plimsoll_span name)
{
    return name.size > 0 && name.size <= PLIMSOLL_NAME_BYTES_MAX &&
           measure(name.data, name.data + name.size) == name.size;
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

/* At most half of the slots are taken, so a free one is near. `capacity` is a power of two. */
static void set_capacity(struct plimsoll_names *names, size_t capacity)
{
    names->list = plimsoll_realloc(names->list, capacity, sizeof *names->list);
    names->capacity = capacity;
    uint64_t *old = names->slots;
    size_t old_count = names->slot_count;
    names->slot_count = capacity * 2;
    names->slots = plimsoll_alloc(names->slot_count, sizeof *names->slots);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] == 0) {
            continue;
        }
        size_t slot = find_slot(names, (uint32_t)(old[i] >> 32));
        while (names->slots[slot] != 0) {
            slot = (slot + 1) & (names->slot_count - 1);
        }
        names->slots[slot] = old[i];
    }
    free(old);
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

/* Enters the name that stands in `bytes` with its quote at `at`. @return false when it is there */
static bool enter(struct plimsoll_names *names, size_t at, struct plimsoll_span name)
{
    if (names->count == names->capacity) {
        set_capacity(names, names->capacity == 0 ? CAPACITY_MIN : names->capacity * 2);
    }
    uint32_t hash = (uint32_t)(plimsoll_span_hash(name) >> 32);
    size_t slot = find_slot(names, hash);
    for (; names->slots[slot] != 0; slot = (slot + 1) & (names->slot_count - 1)) {
        size_t index = (names->slots[slot] & UINT32_MAX) - 1;
        if (names->slots[slot] >> 32 == hash &&
            plimsoll_span_equal(name, plimsoll_names_get(names, index))) {
            return false;
        }
    }
    names->slots[slot] = (uint64_t)hash << 32 | (names->count + 1);
    names->list[names->count++] =
        (struct plimsoll_names_entry){.at = (uint32_t)at, .size = (uint8_t)name.size};
    return true;
}

/* @param plain  It is known to have no byte that a name has not. */
static int check(const struct plimsoll_names *names, struct plimsoll_span name, bool plain,
                 const char *field, struct plimsoll_error *err)
{
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
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s[%zu]: \"%.*s\" is no node name, want one such as gpu-1.lan",
                                  field, names->count, PLIMSOLL_SPAN_ARG(name));
    }
    return 0;
}

static int refuse_twice(const struct plimsoll_names *names, struct plimsoll_span name,
                        const char *field, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "%s[%zu]: node \"%.*s\" is there twice, want each node once", field,
                              names->count, PLIMSOLL_SPAN_ARG(name));
}

/* A string that is a name as it stands is read at one go; all others are left to the cursor. */
static bool read_plain(struct plimsoll_json_cursor *cursor, struct plimsoll_span *name)
{
    if (*cursor->at != '"') {
        return false;
    }
    const char *begin = cursor->at + 1;
    size_t size = measure(begin, cursor->end);
    if (begin + size == cursor->end || begin[size] != '"') {
        return false;
    }
    *name = (struct plimsoll_span){.data = begin, .size = size};
    cursor->at = begin + size + 1;
    return true;
}

int plimsoll_names_read(struct plimsoll_names *names, struct plimsoll_span array,
                        struct plimsoll_error *err)
{
    names->bytes = plimsoll_text_make(array.size);
    plimsoll_text_reserve(&names->bytes, array.size);
    plimsoll_text_add_span(&names->bytes, array);
    guess_capacity(names, array.size);
    const char *begin = names->bytes.data;
    struct plimsoll_json_cursor cursor =
        plimsoll_json_cursor_make(plimsoll_text_span(&names->bytes));
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
            if (check(names, name, plain, "NodeNames", err) < 0) {
                return -1;
            }
            if (!enter(names, (size_t)(name.data - begin) - 1, name)) {
                return refuse_twice(names, name, "NodeNames", err);
            }
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
    if (check(names, name, false, "Nodes.items", err) < 0) {
        return -1;
    }
    size_t at = names->bytes.size;
    names->bytes.size_max = PLIMSOLL_NODE_NAMES_MAX * (PLIMSOLL_NAME_BYTES_MAX + 2u);
    plimsoll_text_add_char(&names->bytes, '"');
    plimsoll_text_add_span(&names->bytes, name);
    plimsoll_text_add_char(&names->bytes, '"');
    struct plimsoll_span copy = {.data = names->bytes.data + at + 1, .size = name.size};
    return enter(names, at, copy) ? 0 : refuse_twice(names, name, "Nodes.items", err);
}
