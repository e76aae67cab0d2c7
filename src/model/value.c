/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <plimsoll/limits.h>

void plimsoll_model_value_read(struct plimsoll_json_cursor *cursor,
                               struct plimsoll_model_value *value)
{
    *value = (struct plimsoll_model_value){.present = true};
    if (plimsoll_json_cursor_type(cursor) != PLIMSOLL_JSON_STRING) {
        value->no_string = true;
        plimsoll_json_cursor_skip(cursor, NULL);
        return;
    }
    plimsoll_json_cursor_string(cursor, &value->raw);
}

int plimsoll_model_value_text(const struct plimsoll_model_value *value,
                              struct plimsoll_text *scratch, struct plimsoll_span *text,
                              struct plimsoll_error *err)
{
    if (value->no_string) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "is no string");
    }
    struct plimsoll_span span = value->raw;
    if (span.size > 0 && memchr(span.data, '\\', span.size) != NULL) {
        *scratch = plimsoll_text_make(PLIMSOLL_ANNOTATION_BYTES_MAX);
        plimsoll_json_unescape(span, scratch);
        span = plimsoll_text_span(scratch);
    }
    if (scratch->overflowed || span.size > PLIMSOLL_ANNOTATION_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "is larger than %u KiB",
                                  PLIMSOLL_ANNOTATION_BYTES_MAX / 1024);
    }
    *text = span;
    return 0;
}

bool plimsoll_model_copy(struct plimsoll_span span, char *out, size_t size)
{
    if (span.size >= size || (span.size > 0 && memchr(span.data, '\0', span.size) != NULL)) {
        return false;
    }
    if (span.size > 0) {
        memcpy(out, span.data, span.size);
    }
    out[span.size] = '\0';
    return true;
}

void plimsoll_model_copy_cut(struct plimsoll_span span, char *out, size_t size)
{
    const char *nul = span.size > 0 ? memchr(span.data, '\0', span.size) : NULL;
    size_t kept = nul != NULL ? (size_t)(nul - span.data) : span.size;
    if (kept >= size) {
        kept = size - 1;
        while (kept > 0 && ((unsigned char)span.data[kept] & 0xC0) == 0x80) {
            kept--;
        }
    }
    if (kept > 0) {
        memcpy(out, span.data, kept);
    }
    out[kept] = '\0';
}

struct plimsoll_span plimsoll_model_shown(struct plimsoll_span span)
{
    enum { SHOWN_MAX = 60 };
    return (struct plimsoll_span){.data = span.data,
                                  .size = span.size > SHOWN_MAX ? SHOWN_MAX : span.size};
}

int plimsoll_model_document(struct plimsoll_span text, struct plimsoll_json_document **document,
                            struct plimsoll_error *err)
{
    struct plimsoll_json_document *parsed = NULL;
    if (plimsoll_json_parse(text, &parsed, err) != 0) {
        return -1;
    }
    struct plimsoll_json root = plimsoll_json_root(parsed);
    struct plimsoll_json v = plimsoll_json_get(root, "v");
    uint64_t version = 0;
    int failed = 0;
    if (plimsoll_json_type(root) != PLIMSOLL_JSON_OBJECT) {
        failed = plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                    "at byte 0: not an object; write {\"v\":1, …}");
    } else if (plimsoll_json_type(v) == PLIMSOLL_JSON_MISSING) {
        failed = plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                    "at byte 0: no version; write {\"v\":1, …}");
    } else if (!plimsoll_json_uint(v, &version) || version != 1) {
        struct plimsoll_span raw = plimsoll_model_shown(plimsoll_json_raw(v));
        failed = plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "at byte %zu: version \"v\": %.*s is not known here, only 1 is; the publisher and "
            "Plimsoll are of different releases",
            plimsoll_json_offset(v), PLIMSOLL_SPAN_ARG(raw));
    }
    if (failed != 0) {
        plimsoll_json_free(&parsed);
        return -1;
    }
    *document = parsed;
    return 0;
}

static int refuse(struct plimsoll_json value, const char *key, const char *right,
                  struct plimsoll_error *err)
{
    struct plimsoll_span raw = plimsoll_model_shown(plimsoll_json_raw(value));
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "at byte %zu: %s: %.*s is not %s",
                              plimsoll_json_offset(value), key, PLIMSOLL_SPAN_ARG(raw), right);
}

/* @return 1 when the member is there, 0 when it is absent and may be, -1 when it is needed */
static int look_up(struct plimsoll_json object, const char *key, bool needed,
                   struct plimsoll_json *value, struct plimsoll_error *err)
{
    *value = plimsoll_json_get(object, key);
    if (plimsoll_json_type(*value) != PLIMSOLL_JSON_MISSING) {
        return 1;
    }
    if (!needed) {
        return 0;
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "at byte %zu: %s is missing",
                              plimsoll_json_offset(object), key);
}

int plimsoll_model_bytes(struct plimsoll_json object, const char *key, bool needed, uint64_t *out,
                         struct plimsoll_error *err)
{
    struct plimsoll_json value;
    int there = look_up(object, key, needed, &value, err);
    if (there > 0 && !plimsoll_json_uint(value, out)) {
        return refuse(value, key, "a whole number of bytes below 2^53", err);
    }
    return there < 0 ? -1 : 0;
}

int plimsoll_model_int(struct plimsoll_json object, const char *key, bool needed, int64_t min,
                       int64_t max, int64_t *out, struct plimsoll_error *err)
{
    struct plimsoll_json value;
    int there = look_up(object, key, needed, &value, err);
    if (there <= 0) {
        return there;
    }
    int64_t number;
    if (!plimsoll_json_int(value, &number) || number < min || number > max) {
        char right[64];
        snprintf(right, sizeof right, "a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        return refuse(value, key, right, err);
    }
    *out = number;
    return 0;
}

int plimsoll_model_bool(struct plimsoll_json object, const char *key, bool *out,
                        struct plimsoll_error *err)
{
    struct plimsoll_json value;
    int there = look_up(object, key, false, &value, err);
    if (there > 0 && !plimsoll_json_bool(value, out)) {
        return refuse(value, key, "true or false", err);
    }
    return 0;
}

int plimsoll_model_text_of(struct plimsoll_json value, const char *what, char *out, size_t size,
                           struct plimsoll_error *err)
{
    plimsoll_autofree char *copy = plimsoll_json_dup(value);
    size_t length = copy != NULL ? strlen(copy) : 0;
    if (length == 0 || length >= size) {
        char right[64];
        snprintf(right, sizeof right, "a string of 1 to %zu bytes", size - 1);
        return refuse(value, what, right, err);
    }
    memcpy(out, copy, length + 1);
    return 0;
}

int plimsoll_model_string(struct plimsoll_json object, const char *key, bool needed, char *out,
                          size_t size, struct plimsoll_error *err)
{
    struct plimsoll_json value;
    int there = look_up(object, key, needed, &value, err);
    return there <= 0 ? there : plimsoll_model_text_of(value, key, out, size, err);
}

int plimsoll_model_word(struct plimsoll_json object, const char *key, bool needed,
                        const char *const *words, int *out, struct plimsoll_error *err)
{
    struct plimsoll_json value;
    int there = look_up(object, key, needed, &value, err);
    if (there <= 0) {
        return there;
    }
    plimsoll_autotext right = plimsoll_text_make(128);
    for (int i = 0; words[i] != NULL; i++) {
        if (plimsoll_json_is(value, words[i])) {
            *out = i;
            return 0;
        }
        plimsoll_text_add_format(&right, "%s\"%s\"", i > 0 ? ", " : "one of ", words[i]);
    }
    return refuse(value, key, right.data != NULL ? right.data : "allowed", err);
}

int plimsoll_model_container(struct plimsoll_json object, const char *key, bool needed,
                             enum plimsoll_json_type type, struct plimsoll_json *out,
                             struct plimsoll_error *err)
{
    int there = look_up(object, key, needed, out, err);
    if (there > 0 && plimsoll_json_type(*out) != type) {
        return refuse(*out, key, type == PLIMSOLL_JSON_ARRAY ? "an array" : "an object", err);
    }
    return there < 0 ? -1 : 0;
}

int plimsoll_model_is_object(struct plimsoll_json element, const char *what,
                             struct plimsoll_error *err)
{
    return plimsoll_json_type(element) == PLIMSOLL_JSON_OBJECT
               ? 0
               : refuse(element, what, "an object", err);
}
