/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

#include "json_lex.h"
#include "json_scan.h"

static bool fail(struct plimsoll_json_cursor *cursor, const char *at, const char *what)
{
    if (!cursor->failed) {
        cursor->failed = true;
        cursor->what = what;
        cursor->at = at;
    }
    return false;
}

static bool fault(struct plimsoll_json_cursor *cursor, const struct plimsoll_json_fault *found)
{
    return fail(cursor, found->at, found->what);
}

/* The next byte that is no white space, 0 at the end or after a failure; `at` stands on it. */
static inline char peek(struct plimsoll_json_cursor *cursor)
{
    if (cursor->failed) {
        return 0;
    }
    cursor->at = plimsoll_json_lex_space(cursor->at, cursor->end);
    return cursor->at < cursor->end ? *cursor->at : 0;
}

struct plimsoll_json_cursor plimsoll_json_cursor_make(struct plimsoll_span value)
{
    const char *begin = value.size > 0 ? value.data : "";
    return (struct plimsoll_json_cursor){.begin = begin, .at = begin, .end = begin + value.size};
}

enum plimsoll_json_type plimsoll_json_cursor_type(struct plimsoll_json_cursor *cursor)
{
    char c = peek(cursor);
    switch (c) {
    case '{':
        return PLIMSOLL_JSON_OBJECT;
    case '[':
        return PLIMSOLL_JSON_ARRAY;
    case '"':
        return PLIMSOLL_JSON_STRING;
    case 't':
    case 'f':
        return PLIMSOLL_JSON_BOOL;
    case 'n':
        return PLIMSOLL_JSON_NULL;
    default:
        return c == '-' || (c >= '0' && c <= '9') ? PLIMSOLL_JSON_NUMBER : PLIMSOLL_JSON_MISSING;
    }
}

static bool read_scalar(struct plimsoll_json_cursor *cursor, struct plimsoll_span *raw)
{
    struct plimsoll_json_fault found = {0};
    const char *behind = plimsoll_json_lex_scalar(cursor->at, cursor->end, &found);
    if (behind == NULL) {
        return fault(cursor, &found);
    }
    *raw = (struct plimsoll_span){.data = cursor->at, .size = (size_t)(behind - cursor->at)};
    cursor->at = behind;
    return true;
}

/* For a value that is not of the wanted type: null is passed over, all else is a failure. */
static bool pass_null(struct plimsoll_json_cursor *cursor, char c, const char *what)
{
    struct plimsoll_span raw;
    if (c != 'n') {
        fail(cursor, cursor->at, what);
    } else {
        read_scalar(cursor, &raw);
    }
    return false;
}

static bool enter(struct plimsoll_json_cursor *cursor, char open, const char *what)
{
    char c = peek(cursor);
    if (c != open) {
        return pass_null(cursor, c, what);
    }
    if (cursor->depth == PLIMSOLL_JSON_DEPTH_MAX) {
        return fail(cursor, cursor->at, "too deeply nested");
    }
    cursor->at++;
    cursor->depth++;
    cursor->fresh = true;
    return true;
}

static bool leave(struct plimsoll_json_cursor *cursor, const char *behind)
{
    cursor->at = behind;
    cursor->depth--;
    cursor->fresh = false;
    return false;
}

/*
 * Passes the comma before the next member or element. `at` is kept out of memory as long as it can
 * be: on the way from string to string it is what everything waits for.
 * @return where the member or element has to be; NULL at the end of the container or on failure
 */
static inline const char *pass_comma(struct plimsoll_json_cursor *cursor, char close,
                                     const char *what)
{
    if (cursor->failed) {
        return NULL;
    }
    const char *end = cursor->end, *at = plimsoll_json_lex_space(cursor->at, end);
    char c = at < end ? *at : 0;
    if (c == close && cursor->depth > 0) {
        leave(cursor, at + 1);
        return NULL;
    }
    if (cursor->fresh) {
        cursor->fresh = false;
        return at;
    }
    if (c != ',') {
        fail(cursor, at, what);
        return NULL;
    }
    return plimsoll_json_lex_space(at + 1, end);
}

bool plimsoll_json_cursor_object(struct plimsoll_json_cursor *cursor)
{
    return enter(cursor, '{', "an object is wanted here");
}

bool plimsoll_json_cursor_member(struct plimsoll_json_cursor *cursor, struct plimsoll_span *key)
{
    struct plimsoll_json_fault found = {0};
    const char *end = cursor->end;
    const char *at = pass_comma(cursor, '}', "a comma or the end of the object is wanted here");
    if (at == NULL) {
        return false;
    }
    if (at == end || *at != '"') {
        return fail(cursor, at, "a key is wanted here");
    }
    const char *quote = plimsoll_json_lex_string(at + 1, end, &found);
    if (quote == NULL) {
        return fault(cursor, &found);
    }
    const char *colon = plimsoll_json_lex_space(quote + 1, end);
    if (colon == end || *colon != ':') {
        return fail(cursor, colon, "a colon is wanted here");
    }
    *key = (struct plimsoll_span){.data = at + 1, .size = (size_t)(quote - at - 1)};
    cursor->at = colon + 1;
    return true;
}

/* A key and a string, both plain, without white space around them. False: nothing was read. */
static inline bool pass_pair(struct plimsoll_json_cursor *cursor, struct plimsoll_span *key,
                             struct plimsoll_span *value)
{
    const char *end = cursor->end, *at = cursor->at;
    if (cursor->failed || at == end || *at != (cursor->fresh ? '"' : ',')) {
        return false;
    }
    const char *name = cursor->fresh ? at + 1 : at + 2;
    if (end - at < 2 || name[-1] != '"') {
        return false;
    }
    const char *quote = plimsoll_json_find_special(name, end);
    if (end - quote < 3 || quote[0] != '"' || quote[1] != ':' || quote[2] != '"') {
        return false;
    }
    const char *text = quote + 3, *last = plimsoll_json_find_special(text, end);
    if (last == end || *last != '"') {
        return false;
    }
    *key = (struct plimsoll_span){.data = name, .size = (size_t)(quote - name)};
    *value = (struct plimsoll_span){.data = text, .size = (size_t)(last - text)};
    cursor->at = last + 1;
    cursor->fresh = false;
    return true;
}

bool plimsoll_json_cursor_entry(struct plimsoll_json_cursor *cursor, struct plimsoll_span *key,
                                struct plimsoll_span *plain)
{
    if (pass_pair(cursor, key, plain)) {
        return true;
    }
    *plain = (struct plimsoll_span){0};
    return plimsoll_json_cursor_member(cursor, key);
}

bool plimsoll_json_cursor_array(struct plimsoll_json_cursor *cursor)
{
    return enter(cursor, '[', "an array is wanted here");
}

bool plimsoll_json_cursor_element(struct plimsoll_json_cursor *cursor)
{
    const char *at = pass_comma(cursor, ']', "a comma or the end of the array is wanted here");
    if (at != NULL) {
        cursor->at = at;
    }
    return at != NULL;
}

static bool skip_container(struct plimsoll_json_cursor *cursor)
{
    struct plimsoll_json_scan scan = {.depth = 1,
                                      .depth_max = PLIMSOLL_JSON_DEPTH_MAX - cursor->depth};
    if (scan.depth_max == 0) {
        return fail(cursor, cursor->at, "too deeply nested");
    }
    const char *begin = cursor->at + 1;
    size_t used = plimsoll_json_scan_container(&scan, begin, (size_t)(cursor->end - begin));
    if (scan.depth > scan.depth_max) {
        return fail(cursor, begin + used - 1, "too deeply nested");
    }
    if (scan.depth > 0) {
        return fail(cursor, cursor->end,
                    scan.in_string ? "the string is not closed"
                                   : "the object or array is not closed");
    }
    cursor->at = begin + used;
    return true;
}

static bool skip_string(struct plimsoll_json_cursor *cursor)
{
    struct plimsoll_json_scan scan = {.in_string = 1};
    const char *begin = plimsoll_json_find_special(cursor->at + 1, cursor->end);
    if (begin < cursor->end && *begin == '"') {
        cursor->at = begin + 1;
        return true;
    }
    size_t used = plimsoll_json_scan_string(&scan, begin, (size_t)(cursor->end - begin));
    if (scan.in_string) {
        return fail(cursor, cursor->end, "the string is not closed");
    }
    cursor->at = begin + used;
    return true;
}

bool plimsoll_json_cursor_skip(struct plimsoll_json_cursor *cursor, struct plimsoll_span *raw)
{
    struct plimsoll_span scalar;
    char c = peek(cursor);
    const char *begin = cursor->at;
    bool passed = !cursor->failed && ((c == '{' || c == '[') ? skip_container(cursor)
                                      : c == '"'             ? skip_string(cursor)
                                                             : read_scalar(cursor, &scalar));
    if (passed && raw != NULL) {
        *raw = (struct plimsoll_span){.data = begin, .size = (size_t)(cursor->at - begin)};
    }
    return passed;
}

bool plimsoll_json_cursor_string(struct plimsoll_json_cursor *cursor, struct plimsoll_span *raw)
{
    struct plimsoll_json_fault found = {0};
    if (cursor->failed) {
        return false;
    }
    const char *end = cursor->end, *at = plimsoll_json_lex_space(cursor->at, end);
    if (at == end || *at != '"') {
        return pass_null(cursor, peek(cursor), "a string is wanted here");
    }
    const char *quote = plimsoll_json_lex_string(at + 1, end, &found);
    if (quote == NULL) {
        return fault(cursor, &found);
    }
    *raw = (struct plimsoll_span){.data = at + 1, .size = (size_t)(quote - at - 1)};
    cursor->at = quote + 1;
    return true;
}

bool plimsoll_json_cursor_bool(struct plimsoll_json_cursor *cursor, bool *out)
{
    struct plimsoll_span raw;
    char c = peek(cursor);
    if (c != 't' && c != 'f') {
        return pass_null(cursor, c, "true or false is wanted here");
    }
    if (!read_scalar(cursor, &raw)) {
        return false;
    }
    *out = c == 't';
    return true;
}

bool plimsoll_json_cursor_int(struct plimsoll_json_cursor *cursor, int64_t *out)
{
    static const char what[] = "an integer is wanted here";
    struct plimsoll_span raw;
    char c = peek(cursor);
    const char *begin = cursor->at;
    if (c != '-' && (c < '0' || c > '9')) {
        return pass_null(cursor, c, what);
    }
    if (!read_scalar(cursor, &raw)) {
        return false;
    }
    return plimsoll_json_lex_integer(raw, out) || fail(cursor, begin, what);
}

bool plimsoll_json_cursor_finish(struct plimsoll_json_cursor *cursor)
{
    peek(cursor);
    if (cursor->failed) {
        return false;
    }
    if (cursor->depth > 0) {
        return fail(cursor, cursor->at, "the object or array is not read to its end");
    }
    return cursor->at == cursor->end || fail(cursor, cursor->at, "nothing may follow the value");
}

int plimsoll_json_cursor_error(const struct plimsoll_json_cursor *cursor,
                               struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "byte %zu of the JSON: %s",
                              (size_t)(cursor->at - cursor->begin),
                              cursor->what != NULL ? cursor->what : "it could not be read");
}
