/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

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

bool plimsoll_names_valid(struct plimsoll_span name)
{
    bool valid = name.size > 0 && name.size <= PLIMSOLL_NAME_BYTES_MAX;
    for (size_t i = 0; valid && i < name.size; i++) {
        valid = in_a_name((unsigned char)name.data[i]);
    }
    return valid;
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

/* At most half of the slots are taken, so a free one is near. */
static void grow(struct plimsoll_names *names)
{
    size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
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

/* Enters the name that stands in `bytes` with its quote at `at`. @return false when it is there */
static bool enter(struct plimsoll_names *names, size_t at, struct plimsoll_span name)
{
    if (names->count == names->capacity) {
        grow(names);
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

static int check(const struct plimsoll_names *names, struct plimsoll_span name, const char *field,
                 struct plimsoll_error *err)
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
    if (!plimsoll_names_valid(name)) {
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

int plimsoll_names_read(struct plimsoll_names *names, struct plimsoll_span array,
                        struct plimsoll_error *err)
{
    names->bytes = plimsoll_text_make(array.size);
    plimsoll_text_reserve(&names->bytes, array.size);
    plimsoll_text_add_span(&names->bytes, array);
    const char *begin = names->bytes.data;
    struct plimsoll_json_cursor cursor =
        plimsoll_json_cursor_make(plimsoll_text_span(&names->bytes));
    struct plimsoll_span name;
    if (plimsoll_json_cursor_array(&cursor)) {
        while (plimsoll_json_cursor_element(&cursor)) {
            if (!plimsoll_json_cursor_string(&cursor, &name)) {
                if (cursor.failed) {
                    break;
                }
                return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                          "NodeNames[%zu] is null, want a node's name",
                                          names->count);
            }
            if (check(names, name, "NodeNames", err) < 0) {
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
    if (check(names, name, "Nodes.items", err) < 0) {
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
