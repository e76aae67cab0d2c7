/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <yaml.h>

struct reading {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, owned */
    struct plimsoll_document *document;
    struct plimsoll_error *err;
};

static size_t line_here(const struct reading *reading)
{
    return reading->event.start_mark.line + 1;
}

static int fail_here(const struct reading *reading, const char *message)
{
    return plimsoll_error_set(reading->err, PLIMSOLL_ERR_INVALID, "%s:%zu: %s",
                              reading->document->file, line_here(reading), message);
}

static int advance(struct reading *reading)
{
    yaml_event_delete(&reading->event);
    if (yaml_parser_parse(&reading->parser, &reading->event)) {
        return 0;
    }
    const yaml_parser_t *parser = &reading->parser;
    return plimsoll_error_set(
        reading->err, PLIMSOLL_ERR_INVALID, "%s:%zu: no YAML: %s%s%s", reading->document->file,
        parser->problem_mark.line + 1, parser->problem != NULL ? parser->problem : "cannot be read",
        parser->context != NULL ? " " : "", parser->context != NULL ? parser->context : "");
}

static void note_line(struct plimsoll_document *document, const json_t *value, size_t line)
{
    if (document->line_count == document->line_capacity) {
        document->line_capacity = 2 * document->line_capacity + 64;
        document->lines =
            plimsoll_realloc(document->lines, document->line_capacity, sizeof *document->lines);
    }
    document->lines[document->line_count++] = (struct plimsoll_document_line){value, line};
}

size_t plimsoll_document_line_of(const struct plimsoll_document *document, const json_t *value,
                                 const json_t *around)
{
    size_t line = document->line;
    for (size_t i = 0; i < document->line_count; i++) {
        if (document->lines[i].value == value && value != NULL) {
            return document->lines[i].line;
        }
        line = document->lines[i].value == around ? document->lines[i].line : line;
    }
    return line;
}

/* -- YAML ----------------------------------------------------------------------------------------
 */

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words != NULL && strcmp(text, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

/* Numbers of JSON, which is what Kubernetes makes of YAML. @return NULL when it is none. */
static json_t *read_number(const char *text)
{
    char *end;
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits == '\0' || strspn(digits, "0123456789.eE+-") != strlen(digits) ||
        strspn(digits, "0123456789.") == 0) {
        return NULL;
    }
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    if (*end == '\0' && errno == 0) {
        return json_integer(whole);
    }
    double real = strtod(text, &end);
    return *end == '\0' && isfinite(real) ? json_real(real) : NULL;
}

/* A scalar without quotes may mean something else than its text. */
static json_t *read_plain(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    /* kubectl reads YAML 1.1. */
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes",
                                      "YES",  "on",   "On",   "ON",  NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no",  "No",
                                     "NO",    "off",   "Off",   "OFF", NULL};
    if (is_one_of(text, nulls)) {
        return json_null();
    }
    if (is_one_of(text, yes)) {
        return json_true();
    }
    if (is_one_of(text, no)) {
        return json_false();
    }
    json_t *number = read_number(text);
    return number != NULL ? number : json_string(text);
}

static int read_scalar(struct reading *reading, json_t **value)
{
    const char *text = (const char *)reading->event.data.scalar.value;
    size_t size = reading->event.data.scalar.length;
    if (memchr(text, '\0', size) != NULL) {
        return fail_here(reading, "a NUL character is not allowed in text");
    }
    *value = reading->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? read_plain(text)
                                                                         : json_stringn(text, size);
    return *value != NULL ? 0 : fail_here(reading, "this text is no UTF-8");
}

static int refuse_decoration(const struct reading *reading)
{
    bool anchor = reading->event.type == YAML_ALIAS_EVENT, tag = false;
    if (reading->event.type == YAML_SCALAR_EVENT) {
        anchor = reading->event.data.scalar.anchor != NULL;
        tag = reading->event.data.scalar.tag != NULL;
    } else if (reading->event.type == YAML_SEQUENCE_START_EVENT) {
        anchor = reading->event.data.sequence_start.anchor != NULL;
        tag = reading->event.data.sequence_start.tag != NULL;
    } else if (reading->event.type == YAML_MAPPING_START_EVENT) {
        anchor = reading->event.data.mapping_start.anchor != NULL;
        tag = reading->event.data.mapping_start.tag != NULL;
    }
    if (anchor) {
        return fail_here(reading, "anchors and aliases are not read; write the value out");
    }
    return tag ? fail_here(reading, "tags are not read; quote a value to make it a string") : 0;
}

static int read_value(struct reading *reading, unsigned depth, json_t **value);

static int read_sequence(struct reading *reading, unsigned depth, json_t *array)
{
    while (reading->event.type != YAML_SEQUENCE_END_EVENT) {
        json_t *element;
        if (read_value(reading, depth + 1, &element) < 0) {
            return -1;
        }
        json_array_append_new(array, element);
    }
    return 0;
}

static int read_member(struct reading *reading, unsigned depth, json_t *object)
{
    if (refuse_decoration(reading) < 0) {
        return -1;
    }
    if (reading->event.type != YAML_SCALAR_EVENT) {
        return fail_here(reading, "a key must be a word, not a list or mapping");
    }
    size_t line = line_here(reading);
    plimsoll_autofree char *key = plimsoll_copy((const char *)reading->event.data.scalar.value,
                                                reading->event.data.scalar.length);
    json_t *value;
    if (json_object_get(object, key) != NULL) {
        return plimsoll_error_set(reading->err, PLIMSOLL_ERR_INVALID,
                                  "%s:%zu: \"%s\" is there twice; keep one",
                                  reading->document->file, line, key);
    }
    if (advance(reading) < 0 || read_value(reading, depth + 1, &value) < 0) {
        return -1;
    }
    return json_object_set_new(object, key, value) == 0
               ? 0
               : fail_here(reading, "a key before this line is no UTF-8");
}

static int read_mapping(struct reading *reading, unsigned depth, json_t *object)
{
    while (reading->event.type != YAML_MAPPING_END_EVENT) {
        if (read_member(reading, depth, object) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The current event begins a value; behind it the next is current. */
static int read_value(struct reading *reading, unsigned depth, json_t **value)
{
    size_t line = line_here(reading);
    json_auto_t *read = NULL;
    int result = -1;
    if (refuse_decoration(reading) < 0) {
        return -1;
    }
    if (depth > PLIMSOLL_JSON_DEPTH_MAX) {
        return fail_here(reading, "nested deeper than any object of the API");
    }
    if (reading->document->line_count >= PLIMSOLL_DOCUMENT_VALUES_MAX) {
        return fail_here(reading, "too many values in one document; cut it with ---");
    }
    if (reading->event.type == YAML_SEQUENCE_START_EVENT) {
        read = json_array();
        note_line(reading->document, read, line);
        result = advance(reading) < 0 ? -1 : read_sequence(reading, depth, read);
    } else if (reading->event.type == YAML_MAPPING_START_EVENT) {
        read = json_object();
        note_line(reading->document, read, line);
        result = advance(reading) < 0 ? -1 : read_mapping(reading, depth, read);
    } else {
        result = read_scalar(reading, &read);
        note_line(reading->document, read, line);
    }
    if (result < 0 || advance(reading) < 0) {
        return -1;
    }
    *value = json_incref(read);
    return 0;
}

typedef int (*take_fn)(void *context, const struct plimsoll_document *document,
                       struct plimsoll_error *err);

/* The current event begins a document. */
static int read_document(struct reading *reading, take_fn take, void *context)
{
    struct plimsoll_document *document = reading->document;
    json_auto_t *root = NULL;
    document->line_count = 0;
    if (advance(reading) < 0) {
        return -1;
    }
    document->line = line_here(reading);
    if (read_value(reading, 0, &root) < 0) {
        return -1;
    }
    document->root = root;
    return json_is_null(root) ? 0 : take(context, document, reading->err);
}

static int read_stream(struct reading *reading, take_fn take, void *context)
{
    do {
        if (advance(reading) < 0 || (reading->event.type == YAML_DOCUMENT_START_EVENT &&
                                     read_document(reading, take, context) < 0)) {
            return -1;
        }
    } while (reading->event.type != YAML_STREAM_END_EVENT);
    return 0;
}

static int read_yaml(struct plimsoll_span text, struct plimsoll_document *document, take_fn take,
                     void *context, struct plimsoll_error *err)
{
    struct reading reading = {.document = document, .err = err};
    if (!yaml_parser_initialize(&reading.parser)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "%s: out of memory", document->file);
    }
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text.data, text.size);
    int result = read_stream(&reading, take, context);
    yaml_event_delete(&reading.event);
    yaml_parser_delete(&reading.parser);
    return result;
}

/* -- JSON, of which several values may stand one behind the other ---------------------------------
 */

static size_t count_lines(const char *from, const char *to)
{
    size_t lines = 0;
    for (; from < to; from++) {
        lines += *from == '\n';
    }
    return lines;
}

static int read_json(struct plimsoll_span text, struct plimsoll_document *document, take_fn take,
                     void *context, struct plimsoll_error *err)
{
    const char *end = text.data + text.size;
    size_t line = 1;
    for (const char *at = text.data;; at++) {
        while (at < end && strchr(" \t\r\n", *at) != NULL) {
            line += *at++ == '\n';
        }
        if (at >= end) {
            return 0;
        }
        json_error_t fault;
        json_auto_t *root = json_loadb(at, (size_t)(end - at),
                                       JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &fault);
        if (root == NULL) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s:%zu: no JSON: %s",
                                      document->file, line + (size_t)fault.line - 1, fault.text);
        }
        document->root = root;
        document->line = line;
        if (take(context, document, err) < 0) {
            return -1;
        }
        line += count_lines(at, at + fault.position);
        at += fault.position - 1;
    }
}

int plimsoll_documents_read(struct plimsoll_span text, const char *file, take_fn take,
                            void *context, struct plimsoll_error *err)
{
    struct plimsoll_document document = {.file = file};
    struct plimsoll_span trimmed = plimsoll_span_trim(text);
    int result = 0;
    if (text.size > PLIMSOLL_MANIFEST_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "%s: larger than %u bytes; cut it into several", file,
                                  PLIMSOLL_MANIFEST_BYTES_MAX);
    }
    if (trimmed.size > 0) {
        result = trimmed.data[0] == '{' ? read_json(text, &document, take, context, err)
                                        : read_yaml(text, &document, take, context, err);
    }
    free(document.lines);
    return result;
}
