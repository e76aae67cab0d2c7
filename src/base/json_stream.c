/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/json_stream.h>
#include <plimsoll/limits.h>
#include <plimsoll/text.h>

#include "json_lex.h"
#include "json_scan.h"

#include <assert.h>
#include <strings.h>

/* What the next byte that is no white space may be. */
enum step {
    STEP_ROOT,           /* a value: the root object, or the next of a sequence */
    STEP_KEY_OR_END,     /* after { */
    STEP_KEY,            /* after a comma in an object */
    STEP_IN_KEY,         /* anything up to the closing quote */
    STEP_COLON,          /* after a key */
    STEP_MEMBER,         /* the value of a key */
    STEP_AFTER_MEMBER,   /* a comma or } */
    STEP_ELEMENT_OR_END, /* after [ */
    STEP_ELEMENT,        /* after a comma in the array */
    STEP_AFTER_ELEMENT,  /* a comma or ] */
    STEP_IN_VALUE,       /* the rest of the value in progress */
    STEP_END,            /* nothing */
};

enum shape { SHAPE_CONTAINER, SHAPE_STRING, SHAPE_SCALAR };

struct plimsoll_json_stream {
    const char *const *path;
    size_t path_size;
    struct plimsoll_json_stream_handler handler;

    enum step step;
    size_t depth;     /* objects on the way that are open, and then the array */
    uint64_t passed;  /* bit per depth: the key that path[depth] names was there */
    uint64_t offset;  /* bytes before this feed */
    const char *feed; /* where this feed begins */

    /* The value in progress. */
    enum shape shape;
    struct plimsoll_json_scan scan;
    struct plimsoll_text key;  /* of the member, with its closing quote */
    struct plimsoll_text held; /* what earlier feeds brought of it */

    struct plimsoll_error error; /* of the failure that ended the stream */
};

struct plimsoll_json_stream *
plimsoll_json_stream_new(const char *const *path, size_t path_size,
                         const struct plimsoll_json_stream_handler *handler, size_t value_bytes_max)
{
    assert(handler->element != NULL && path_size < 64);
    struct plimsoll_json_stream *stream = plimsoll_alloc(1, sizeof *stream);
    stream->path = path;
    stream->path_size = path_size;
    stream->handler = *handler;
    stream->key = plimsoll_text_make(PLIMSOLL_JSON_STREAM_KEY_BYTES_MAX + 1);
    stream->held = plimsoll_text_make(value_bytes_max);
    return stream;
}

void plimsoll_json_stream_free(struct plimsoll_json_stream **stream)
{
    if (*stream != NULL) {
        plimsoll_text_clear(&(*stream)->key);
        plimsoll_text_clear(&(*stream)->held);
        free(*stream);
        *stream = NULL;
    }
}

/* @param at  NULL: at the end of the body */
static int fail(struct plimsoll_json_stream *stream, const char *at, const char *what)
{
    uint64_t offset = stream->offset + (at != NULL ? (uint64_t)(at - stream->feed) : 0);
    return plimsoll_error_set(&stream->error, PLIMSOLL_ERR_INVALID, "byte %llu of the JSON: %s",
                              (unsigned long long)offset, what);
}

static int refuse_large(struct plimsoll_json_stream *stream, const char *what, size_t bytes_max)
{
    return plimsoll_error_set(&stream->error, PLIMSOLL_ERR_TOO_LARGE,
                              "the JSON holds %s of more than %zu bytes", what, bytes_max);
}

static bool in_array(const struct plimsoll_json_stream *stream)
{
    return stream->depth > stream->path_size;
}

/* Hands a complete value out. */
static int give(struct plimsoll_json_stream *stream, const char *at, struct plimsoll_span value)
{
    const struct plimsoll_json_stream_handler *handler = &stream->handler;
    struct plimsoll_json_fault fault = {0};
    if (value.size > stream->held.size_max) {
        return refuse_large(stream, "a value", stream->held.size_max);
    }
    if (stream->shape == SHAPE_SCALAR &&
        plimsoll_json_lex_scalar(value.data, value.data + value.size, &fault) !=
            value.data + value.size) {
        return fail(stream, at, "the value before is no number, true, false or null");
    }
    if (stream->path_size == 0 || in_array(stream)) {
        stream->step = stream->path_size == 0 ? STEP_ROOT : STEP_AFTER_ELEMENT;
        return handler->element(handler->context, value, &stream->error);
    }
    stream->step = STEP_AFTER_MEMBER;
    struct plimsoll_span key = {.data = stream->key.data, .size = stream->key.size - 1};
    return handler->member == NULL ? 0
                                   : handler->member(handler->context, (unsigned)stream->depth - 1,
                                                     key, value, &stream->error);
}

bool plimsoll_json_stream_take(struct plimsoll_json_stream *stream, struct plimsoll_text *value)
{
    if (stream->held.size == 0) {
        return false;
    }
    size_t size_max = stream->held.size_max;
    *value = stream->held;
    stream->held = plimsoll_text_make(size_max);
    return true;
}

static bool is_scalar_byte(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
           c == '+' || c == '.';
}

/* Where the value in progress ends in these bytes. @return false when it goes on behind them */
static bool find_end(struct plimsoll_json_stream *stream, const char *at, const char *end,
                     const char **behind)
{
    size_t size = (size_t)(end - at);
    switch (stream->shape) {
    case SHAPE_CONTAINER:
        *behind = at + plimsoll_json_scan_container(&stream->scan, at, size);
        return stream->scan.depth == 0 || stream->scan.depth > stream->scan.depth_max;
    case SHAPE_STRING:
        *behind = at + plimsoll_json_scan_string(&stream->scan, at, size);
        return stream->scan.in_string == 0;
    case SHAPE_SCALAR:
        break;
    }
    while (at < end && is_scalar_byte(*at)) {
        at++;
    }
    *behind = at;
    return at < end;
}

/* Goes on with the value that starts at `begin`, or did in an earlier feed, and is read up to `at`.
 */
static int read_value(struct plimsoll_json_stream *stream, const char *begin, const char **at,
                      const char *end)
{
    bool ended = find_end(stream, *at, end, at);
    struct plimsoll_span part = {.data = begin, .size = (size_t)(*at - begin)};
    if (stream->shape == SHAPE_CONTAINER && stream->scan.depth > stream->scan.depth_max) {
        return fail(stream, *at - 1, "too deeply nested");
    }
    if (ended && stream->held.size == 0) {
        return give(stream, *at, part);
    }
    plimsoll_text_add_span(&stream->held, part);
    if (stream->held.overflowed) {
        return refuse_large(stream, "a value", stream->held.size_max);
    }
    if (!ended) {
        stream->step = STEP_IN_VALUE;
        return 0;
    }
    int given = give(stream, *at, plimsoll_text_span(&stream->held));
    plimsoll_text_reset(&stream->held);
    return given;
}

static int start_value(struct plimsoll_json_stream *stream, const char **at, const char *end)
{
    const char *begin = *at;
    stream->scan = (struct plimsoll_json_scan){0};
    if (*begin == '{' || *begin == '[') {
        stream->shape = SHAPE_CONTAINER;
        stream->scan.depth = 1;
        stream->scan.depth_max = PLIMSOLL_JSON_DEPTH_MAX;
        ++*at;
    } else if (*begin == '"') {
        stream->shape = SHAPE_STRING;
        stream->scan.in_string = 1;
        ++*at;
    } else if (is_scalar_byte(*begin)) {
        stream->shape = SHAPE_SCALAR;
    } else {
        return fail(stream, begin, "a value is missing");
    }
    return read_value(stream, begin, at, end);
}

static int read_root(struct plimsoll_json_stream *stream, const char **at, const char *end)
{
    if (stream->path_size == 0) {
        return start_value(stream, at, end);
    }
    if (**at != '{') {
        return fail(stream, *at, "an object is wanted here");
    }
    stream->depth = 1;
    stream->step = STEP_KEY_OR_END;
    ++*at;
    return 0;
}

static int start_key(struct plimsoll_json_stream *stream, const char **at)
{
    if (**at != '"') {
        return fail(stream, *at, "a key is wanted here");
    }
    plimsoll_text_reset(&stream->key);
    stream->scan = (struct plimsoll_json_scan){.in_string = 1};
    stream->step = STEP_IN_KEY;
    ++*at;
    return 0;
}

static int read_key(struct plimsoll_json_stream *stream, const char **at, const char *end)
{
    struct plimsoll_json_fault fault = {0};
    struct plimsoll_text *key = &stream->key;
    size_t used = plimsoll_json_scan_string(&stream->scan, *at, (size_t)(end - *at));
    plimsoll_text_add(key, *at, used);
    *at += used;
    if (key->overflowed) {
        return refuse_large(stream, "a key", PLIMSOLL_JSON_STREAM_KEY_BYTES_MAX);
    }
    if (stream->scan.in_string) {
        return 0;
    }
    if (plimsoll_json_lex_string(key->data, key->data + key->size, &fault) == NULL) {
        return fail(stream, *at, "the key before is no valid string");
    }
    stream->step = STEP_COLON;
    return 0;
}

static bool key_is_on_the_way(const struct plimsoll_json_stream *stream)
{
    const char *wanted = stream->path[stream->depth - 1];
    size_t size = strlen(wanted);
    return stream->key.size - 1 == size && strncasecmp(stream->key.data, wanted, size) == 0;
}

static int read_member(struct plimsoll_json_stream *stream, const char **at, const char *end)
{
    if (!key_is_on_the_way(stream)) {
        return start_value(stream, at, end);
    }
    uint64_t bit = (uint64_t)1 << stream->depth;
    if ((stream->passed & bit) != 0) {
        return fail(stream, *at, "the key before is there twice");
    }
    stream->passed |= bit;
    bool last = stream->depth == stream->path_size;
    if (**at != (last ? '[' : '{')) {
        return start_value(stream, at, end);
    }
    stream->depth++;
    stream->step = last ? STEP_ELEMENT_OR_END : STEP_KEY_OR_END;
    ++*at;
    return 0;
}

static void leave(struct plimsoll_json_stream *stream, const char **at)
{
    stream->depth--;
    stream->step = stream->depth == 0 ? STEP_END : STEP_AFTER_MEMBER;
    ++*at;
}

static int read_comma(struct plimsoll_json_stream *stream, const char **at, char close,
                      enum step next)
{
    if (**at == close) {
        leave(stream, at);
        return 0;
    }
    if (**at != ',') {
        return fail(stream, *at,
                    close == ']' ? "a comma or the end of the array is wanted here"
                                 : "a comma or the end of the object is wanted here");
    }
    stream->step = next;
    ++*at;
    return 0;
}

/* One step at a byte that is no white space. */
static int advance(struct plimsoll_json_stream *stream, const char **at, const char *end)
{
    switch (stream->step) {
    case STEP_ROOT:
        return read_root(stream, at, end);
    case STEP_KEY_OR_END:
        if (**at == '}') {
            leave(stream, at);
            return 0;
        }
        return start_key(stream, at);
    case STEP_KEY:
        return start_key(stream, at);
    case STEP_COLON:
        if (**at != ':') {
            return fail(stream, *at, "a colon is wanted here");
        }
        stream->step = STEP_MEMBER;
        ++*at;
        return 0;
    case STEP_MEMBER:
        return read_member(stream, at, end);
    case STEP_AFTER_MEMBER:
        return read_comma(stream, at, '}', STEP_KEY);
    case STEP_ELEMENT_OR_END:
        if (**at == ']') {
            leave(stream, at);
            return 0;
        }
        return start_value(stream, at, end);
    case STEP_ELEMENT:
        return start_value(stream, at, end);
    case STEP_AFTER_ELEMENT:
        return read_comma(stream, at, ']', STEP_ELEMENT);
    case STEP_IN_KEY:
        return read_key(stream, at, end);
    case STEP_IN_VALUE:
        return read_value(stream, *at, at, end);
    case STEP_END:
        break;
    }
    return fail(stream, *at, "nothing may follow the value");
}

/* Ends the stream for good with the error that is there. */
static int give_up(struct plimsoll_json_stream *stream, struct plimsoll_error *err)
{
    if (stream->error.kind == PLIMSOLL_ERR_NONE) {
        stream->error.kind = PLIMSOLL_ERR_INTERNAL;
    }
    *err = stream->error;
    return -1;
}

int plimsoll_json_stream_feed(struct plimsoll_json_stream *stream, struct plimsoll_span bytes,
                              struct plimsoll_error *err)
{
    if (stream->error.kind != PLIMSOLL_ERR_NONE) {
        return give_up(stream, err);
    }
    const char *at = bytes.data, *end = bytes.size > 0 ? bytes.data + bytes.size : bytes.data;
    stream->feed = at;
    while (at < end) {
        if (stream->step != STEP_IN_KEY && stream->step != STEP_IN_VALUE) {
            at = plimsoll_json_lex_space(at, end);
            if (at == end) {
                break;
            }
        }
        if (advance(stream, &at, end) < 0) {
            return give_up(stream, err);
        }
    }
    stream->offset += bytes.size;
    return 0;
}

int plimsoll_json_stream_finish(struct plimsoll_json_stream *stream, struct plimsoll_error *err)
{
    if (stream->error.kind != PLIMSOLL_ERR_NONE) {
        return give_up(stream, err);
    }
    stream->feed = NULL;
    bool sequence = stream->path_size == 0;
    if (sequence && stream->step == STEP_IN_VALUE && stream->shape == SHAPE_SCALAR) {
        /* Only the end of the body says that a number is complete. */
        if (give(stream, NULL, plimsoll_text_span(&stream->held)) < 0) {
            return give_up(stream, err);
        }
        plimsoll_text_reset(&stream->held);
    }
    if (stream->step != (sequence ? STEP_ROOT : STEP_END)) {
        fail(stream, NULL, "the body ends before its value does");
        return give_up(stream, err);
    }
    return 0;
}
