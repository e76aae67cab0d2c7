/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Walks a complete JSON value once, forward, skipping at memory speed what nobody asks for.
 *
 * For the hot path: nodes and pods out of lists, watch events and filter bodies. What is read is
 * validated fully; what is skipped is checked for balanced brackets (kinds not told apart), depth
 * (PLIMSOLL_JSON_DEPTH_MAX) and closed strings only.
 * Over a value from json_stream.h a reader may stop as soon as it has what it wants: the balance of
 * the rest is known.
 * Keys are compared as they stand: an escaped key matches nothing, and of duplicate keys the
 * caller sees each (Go keeps the last, and so should the caller by overwriting).
 *
 * Errors stick: after one, every call returns false; check `failed` once at the end of an object.
 *
 *     struct plimsoll_json_cursor c = plimsoll_json_cursor_make(span);
 *     if (plimsoll_json_cursor_object(&c)) {
 *         while (plimsoll_json_cursor_member(&c, &key)) {
 *             if (plimsoll_span_is(key, "metadata")) read_metadata(&c, …);
 *             else plimsoll_json_cursor_skip(&c, NULL);
 *         }
 *     }
 *     if (c.failed) …
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/json.h>
#include <plimsoll/span.h>

struct plimsoll_json_cursor {
    const char *begin, *at, *end;
    unsigned depth;
    bool failed;
    bool fresh;       /* just entered a container: no comma wanted */
    const char *what; /* static: what was wrong, when failed */
};

struct plimsoll_json_cursor plimsoll_json_cursor_make(struct plimsoll_span value);
/** What kind of value comes next, by its first byte; MISSING when failed or at the end. */
enum plimsoll_json_type plimsoll_json_cursor_type(struct plimsoll_json_cursor *cursor);

/** Enters an object. `null` is consumed and returns false without failing; another type fails. */
bool plimsoll_json_cursor_object(struct plimsoll_json_cursor *cursor);
/** Next key (raw, unescaped only if it has no backslash). False at the object's end, which it
 * leaves. */
bool plimsoll_json_cursor_member(struct plimsoll_json_cursor *cursor, struct plimsoll_span *key);
/**
 * As member, and reads the value at the same go when it is a string in ASCII without escapes, as
 * almost all are: `plain` is what `string` would give. Else plain.data is NULL and the value is
 * next.
 */
bool plimsoll_json_cursor_entry(struct plimsoll_json_cursor *cursor, struct plimsoll_span *key,
                                struct plimsoll_span *plain);
/** A member whose value is a plain string, as entry reads it. */
struct plimsoll_json_pair {
    struct plimsoll_span key, value;
};
/**
 * As entry, for as many of the next members as are plain pairs, at most `max`: labels. It may stop
 * before any member, which then is for entry to read.
 * @return how many it read into `pairs`.
 */
size_t plimsoll_json_cursor_pairs(struct plimsoll_json_cursor *cursor,
                                  struct plimsoll_json_pair *pairs, size_t max);
/** Behind entry: stands before the value again, for a reader of another type. */
static inline void plimsoll_json_cursor_again(struct plimsoll_json_cursor *cursor,
                                              struct plimsoll_span plain)
{
    cursor->at = plain.data != NULL ? plain.data - 1 : cursor->at;
}
/** Enters an array; as object. */
bool plimsoll_json_cursor_array(struct plimsoll_json_cursor *cursor);
/** True when another element follows; false at the array's end, which it leaves. */
bool plimsoll_json_cursor_element(struct plimsoll_json_cursor *cursor);

/** Passes over the next value of any type; `raw` (may be NULL) gets its bytes, quotes included. */
bool plimsoll_json_cursor_skip(struct plimsoll_json_cursor *cursor, struct plimsoll_span *raw);
/** A string: its raw bytes between the quotes, escapes and UTF-8 validated. null: false, not
 * failed. */
bool plimsoll_json_cursor_string(struct plimsoll_json_cursor *cursor, struct plimsoll_span *raw);
/** A boolean. null: false, not failed. */
bool plimsoll_json_cursor_bool(struct plimsoll_json_cursor *cursor, bool *out);
/** An integer. null: false, not failed. */
bool plimsoll_json_cursor_int(struct plimsoll_json_cursor *cursor, int64_t *out);

/** Fails unless only white space is left. */
bool plimsoll_json_cursor_finish(struct plimsoll_json_cursor *cursor);
/** Sets `err` from a failed cursor: what, at which byte. @return -1 */
int plimsoll_json_cursor_error(const struct plimsoll_json_cursor *cursor,
                               struct plimsoll_error *err);

/**
 * Appends the unescaped form of a raw string that was validated by the cursor or the document.
 * Lone surrogates become U+FFFD as in Go.
 */
void plimsoll_json_unescape(struct plimsoll_span raw, struct plimsoll_text *out);
