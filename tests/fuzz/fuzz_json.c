/* SPDX-License-Identifier: Apache-2.0 */
/* Document, cursor and jansson agree: on what is JSON, on every value in it, and on its size. */
#include <plimsoll/json.h>
#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

#include <assert.h>
#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the cursor's next value and compares it with the document's. @return false when it failed
 */
static bool compare(struct plimsoll_json_cursor *cursor, struct plimsoll_json value)
{
    struct plimsoll_span raw;
    struct plimsoll_json inner = plimsoll_json_first(value);
    enum plimsoll_json_type type = plimsoll_json_cursor_type(cursor);
    assert(type == plimsoll_json_type(value));
    assert((size_t)(cursor->at - cursor->begin) == plimsoll_json_offset(value));
    if (type == PLIMSOLL_JSON_OBJECT) {
        assert(plimsoll_json_cursor_object(cursor));
        for (; plimsoll_json_cursor_member(cursor, &raw); inner = plimsoll_json_next(inner)) {
            assert(plimsoll_span_equal(raw, plimsoll_json_raw(inner)));
            assert(compare(cursor, plimsoll_json_value(inner)));
        }
    } else if (type == PLIMSOLL_JSON_ARRAY) {
        assert(plimsoll_json_cursor_array(cursor));
        for (; plimsoll_json_cursor_element(cursor); inner = plimsoll_json_next(inner)) {
            assert(compare(cursor, inner));
        }
    } else if (type == PLIMSOLL_JSON_STRING) {
        assert(plimsoll_json_cursor_string(cursor, &raw));
        assert(plimsoll_span_equal(raw, plimsoll_json_raw(value)));
    } else {
        assert(plimsoll_json_cursor_skip(cursor, &raw));
        assert(plimsoll_span_equal(raw, plimsoll_json_raw(value)));
    }
    assert(plimsoll_json_type(inner) == PLIMSOLL_JSON_MISSING);
    return !cursor->failed;
}

/* Skips each value of the outermost container: the spans are the document's. */
static void compare_skipping(struct plimsoll_span text, struct plimsoll_json root)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(text);
    struct plimsoll_span key, raw;
    if (plimsoll_json_type(root) != PLIMSOLL_JSON_OBJECT) {
        assert(plimsoll_json_cursor_skip(&cursor, NULL) && plimsoll_json_cursor_finish(&cursor));
        return;
    }
    assert(plimsoll_json_cursor_object(&cursor));
    struct plimsoll_json at = plimsoll_json_first(root);
    for (; plimsoll_json_cursor_member(&cursor, &key); at = plimsoll_json_next(at)) {
        assert(plimsoll_json_cursor_skip(&cursor, &raw));
        struct plimsoll_json value = plimsoll_json_value(at);
        size_t quotes = plimsoll_json_type(value) == PLIMSOLL_JSON_STRING ? 2 : 0;
        assert(raw.data == text.data + plimsoll_json_offset(value));
        assert(raw.size == plimsoll_json_raw(value).size + quotes);
    }
    assert(plimsoll_json_cursor_finish(&cursor));
}

/* The value in jansson's eyes. Numbers beyond its range are an error there, so those are skipped.
 */
static void compare_jansson(struct plimsoll_json value, const json_t *theirs)
{
    plimsoll_autotext text = plimsoll_text_make(SIZE_MAX);
    struct plimsoll_json inner = plimsoll_json_first(value);
    int64_t number;
    switch (plimsoll_json_type(value)) {
    case PLIMSOLL_JSON_OBJECT:
        assert(json_object_size(theirs) == plimsoll_json_count(value));
        for (; inner.token >= 0; inner = plimsoll_json_next(inner)) {
            plimsoll_autofree char *key = plimsoll_json_dup(inner);
            assert(key != NULL);
            compare_jansson(plimsoll_json_value(inner), json_object_get(theirs, key));
            assert(plimsoll_json_get(value, key).token == plimsoll_json_value(inner).token);
        }
        break;
    case PLIMSOLL_JSON_ARRAY:
        assert(json_array_size(theirs) == plimsoll_json_count(value));
        for (size_t i = 0; inner.token >= 0; inner = plimsoll_json_next(inner)) {
            compare_jansson(inner, json_array_get(theirs, i++));
        }
        break;
    case PLIMSOLL_JSON_STRING:
        assert(plimsoll_json_string(value, &text));
        assert(json_string_length(theirs) == text.size);
        assert(memcmp(json_string_value(theirs), text.data != NULL ? text.data : "", text.size) ==
               0);
        break;
    case PLIMSOLL_JSON_NUMBER:
        assert(json_is_number(theirs));
        assert(!json_is_integer(theirs) || (plimsoll_json_int(value, &number) &&
                                            number == (int64_t)json_integer_value(theirs)));
        break;
    case PLIMSOLL_JSON_BOOL:
        assert(json_is_boolean(theirs));
        break;
    case PLIMSOLL_JSON_NULL:
        assert(json_is_null(theirs));
        break;
    case PLIMSOLL_JSON_MISSING:
        assert(false);
    }
}

/* The whole text by a reader without a schema; duplicate keys are its caller's to see. */
static void read_all(struct plimsoll_json_cursor *cursor)
{
    struct plimsoll_span raw;
    enum plimsoll_json_type type = plimsoll_json_cursor_type(cursor);
    if (type == PLIMSOLL_JSON_OBJECT && plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_member(cursor, &raw)) {
            read_all(cursor);
        }
    } else if (type == PLIMSOLL_JSON_ARRAY && plimsoll_json_cursor_array(cursor)) {
        while (plimsoll_json_cursor_element(cursor)) {
            read_all(cursor);
        }
    } else if (type == PLIMSOLL_JSON_STRING) {
        plimsoll_json_cursor_string(cursor, &raw);
    } else {
        plimsoll_json_cursor_skip(cursor, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plimsoll_span text = {.data = (const char *)data, .size = size};
    struct plimsoll_error err = {0};
    plimsoll_autojson *document = NULL;
    int parsed = plimsoll_json_parse(text, &document, &err);
    json_error_t their_error;
    json_auto_t *theirs =
        json_loadb((const char *)data, size,
                   JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &their_error);
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(text);
    if (parsed == 0) {
        struct plimsoll_json root = plimsoll_json_root(document);
        assert(compare(&cursor, root) && plimsoll_json_cursor_finish(&cursor));
        compare_skipping(text, root);
        if (theirs != NULL) {
            compare_jansson(root, theirs);
        }
    } else {
        assert(err.kind == PLIMSOLL_ERR_INVALID || err.kind == PLIMSOLL_ERR_TOO_LARGE);
        /* jansson takes a NUL byte for the end of the text and nests deeper. */
        assert(theirs == NULL || strstr(err.message, "too deeply nested") != NULL ||
               memchr(data, '\0', size) != NULL);
        read_all(&cursor);
        plimsoll_json_cursor_finish(&cursor);
        assert(cursor.failed || strstr(err.message, "twice") != NULL);
    }
    return 0;
}
