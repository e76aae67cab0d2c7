/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <plimsoll/own.h>
#include <plimsoll/quantity.h>
#include <plimsoll/text.h>

#include <stdarg.h>

/* JSON integers that every reader of ours takes. */
#define BYTES_MAX (((uint64_t)1 << 53) - 1)
/* A file, its list, an entry, a list of it, an entry. */
#define DEPTH_MAX 5

int plimsoll_walk_fail_(const struct plimsoll_walk *walk, const yaml_node_t *node,
                        const char *format, ...)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return plimsoll_error_set(walk->err, PLIMSOLL_ERR_INVALID, "%s:%zu: %s", walk->file,
                              node->start_mark.line + 1, message);
}

void *plimsoll_walk_at(void *target, const struct plimsoll_walk_field *field)
{
    return (char *)target + field->offset;
}

struct plimsoll_span plimsoll_walk_scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE
               ? (struct plimsoll_span){.data = (const char *)node->data.scalar.value,
                                        .size = node->data.scalar.length}
               : (struct plimsoll_span){0};
}

int plimsoll_walk_text(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                       const yaml_node_t *value, void *target)
{
    struct plimsoll_span text = plimsoll_walk_scalar(value);
    if (value->type != YAML_SCALAR_NODE) {
        return plimsoll_walk_fail(walk, value, "%s must be a text", field->key);
    }
    if (text.size >= field->size || (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)) {
        return plimsoll_walk_fail(walk, value, "%s \"%.40s\" must be a text of at most %zu bytes",
                                  field->key, text.data, field->size - 1);
    }
    char *out = plimsoll_walk_at(target, field);
    memset(out, 0, field->size);
    if (text.size > 0) {
        memcpy(out, text.data, text.size);
    }
    return 0;
}

int plimsoll_walk_bytes(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                        const yaml_node_t *value, void *target)
{
    uint64_t bytes;
    struct plimsoll_error why;
    if (value->type != YAML_SCALAR_NODE) {
        return plimsoll_walk_fail(walk, value, "%s must be a quantity of bytes, like 16Gi",
                                  field->key);
    }
    if (plimsoll_quantity_parse(plimsoll_walk_scalar(value), &bytes, &why) < 0) {
        return plimsoll_walk_fail(walk, value, "%s: %s; write bytes like 16Gi", field->key,
                                  why.message);
    }
    if (bytes > BYTES_MAX) {
        return plimsoll_walk_fail(walk, value, "%s must be below 8Pi", field->key);
    }
    *(uint64_t *)plimsoll_walk_at(target, field) = bytes;
    return 0;
}

int plimsoll_walk_integer(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                          const yaml_node_t *value, void *target)
{
    struct plimsoll_span text = plimsoll_walk_scalar(value);
    unsigned long long number;
    if (!plimsoll_span_decimal(text, &number) || number > INT32_MAX ||
        (int64_t)number < field->min || (int64_t)number > field->max) {
        return plimsoll_walk_fail(walk, value, "%s must be a number from %lld to %lld", field->key,
                                  (long long)field->min, (long long)field->max);
    }
    *(int32_t *)plimsoll_walk_at(target, field) = (int32_t)number;
    return 0;
}

int plimsoll_walk_bool(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                       const yaml_node_t *value, void *target)
{
    struct plimsoll_span text = plimsoll_walk_scalar(value);
    bool yes = plimsoll_span_is(text, "true");
    if (!yes && !plimsoll_span_is(text, "false")) {
        return plimsoll_walk_fail(walk, value, "%s must be true or false", field->key);
    }
    *(bool *)plimsoll_walk_at(target, field) = yes;
    return 0;
}

static const struct plimsoll_walk_field *find_field(const struct plimsoll_walk_field *fields,
                                                    size_t count, struct plimsoll_span key)
{
    for (size_t i = 0; i < count; i++) {
        if (plimsoll_span_is(key, fields[i].key)) {
            return &fields[i];
        }
    }
    return NULL;
}

static int fail_key(const struct plimsoll_walk *walk, const yaml_node_t *key,
                    const struct plimsoll_walk_field *fields, size_t count)
{
    plimsoll_autotext known = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    for (size_t i = 0; i < count; i++) {
        plimsoll_text_add_format(&known, "%s%s", i > 0 ? ", " : "", fields[i].key);
    }
    return plimsoll_walk_fail(
        walk, key, "unknown key \"%.40s\"; known here are %s",
        plimsoll_walk_scalar(key).data != NULL ? plimsoll_walk_scalar(key).data : "", known.data);
}

static int read_mapping(const struct plimsoll_walk *walk, const yaml_node_t *node,
                        const struct plimsoll_walk_field *fields, size_t count, void *target)
{
    uint64_t seen = 0;
    if (node->type != YAML_MAPPING_NODE) {
        return plimsoll_walk_fail(walk, node, "a mapping is wanted here, with keys like %s",
                                  fields[0].key);
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(walk->document, pair->value);
        const struct plimsoll_walk_field *field =
            find_field(fields, count, plimsoll_walk_scalar(key));
        if (field == NULL) {
            return fail_key(walk, key, fields, count);
        }
        uint64_t bit = (uint64_t)1 << (field - fields);
        if ((seen & bit) != 0) {
            return plimsoll_walk_fail(walk, key, "a second %s; keep one", field->key);
        }
        seen |= bit;
        if (field->read(walk, field, value, target) < 0) {
            return -1;
        }
    }
    return 0;
}

int plimsoll_walk_list(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                       const yaml_node_t *value, const struct plimsoll_walk_list *list,
                       void **elements, uint32_t *count)
{
    if (value->type != YAML_SEQUENCE_NODE) {
        return plimsoll_walk_fail(walk, value, "%s must be a list; [] for none", field->key);
    }
    size_t wanted = (size_t)(value->data.sequence.items.top - value->data.sequence.items.start);
    if (wanted > list->count_max) {
        return plimsoll_walk_fail(walk, value, "%s has %zu entries; at most %u are possible",
                                  field->key, wanted, (unsigned)list->count_max);
    }
    char *read = plimsoll_alloc(wanted + 1, list->element_size);
    *elements = read;
    for (size_t i = 0; i < wanted; i++) {
        const yaml_node_t *node =
            yaml_document_get_node(walk->document, value->data.sequence.items.start[i]);
        *count = (uint32_t)i + 1;
        list->prepare(read + i * list->element_size, (uint32_t)i);
        if (read_mapping(walk, node, list->fields, list->field_count,
                         read + i * list->element_size) < 0 ||
            list->finish(walk, node, read, (uint32_t)i) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fail_yaml(const yaml_parser_t *parser, const char *file, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s:%zu: no YAML: %s", file,
                              parser->problem_mark.line + 1,
                              parser->problem != NULL ? parser->problem : "cannot be read");
}

static int start(yaml_parser_t *parser, struct plimsoll_span text, struct plimsoll_error *err)
{
    if (!yaml_parser_initialize(parser)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "out of memory");
    }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        parser, (const unsigned char *)(text.data != NULL ? text.data : ""), text.size);
    return 0;
}

static int check_event(const yaml_event_t *event, unsigned *depth, unsigned *documents,
                       const char *file, struct plimsoll_error *err)
{
    const char *what = NULL;
    if (event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT) {
        what = ++*depth > DEPTH_MAX ? "nested deeper than cards and their lists" : NULL;
    } else if (event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT) {
        --*depth;
    } else if (event->type == YAML_DOCUMENT_START_EVENT) {
        what = ++*documents > 1 ? "a second document (---); put all into one" : NULL;
    }
    return what == NULL ? 0
                        : plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s:%zu: %s", file,
                                             event->start_mark.line + 1, what);
}

/* libyaml is quadratic in the depth: it must be known to be small before all is read. */
static int check_events(struct plimsoll_span text, const char *file, struct plimsoll_error *err)
{
    yaml_parser_t parser;
    unsigned depth = 0, documents = 0;
    int status = 0;
    if (start(&parser, text, err) < 0) {
        return -1;
    }
    for (bool more = true; more && status == 0;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            status = fail_yaml(&parser, file, err);
            break;
        }
        status = check_event(&event, &depth, &documents, file, err);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

int plimsoll_walk_file(struct plimsoll_span text, const char *file,
                       const struct plimsoll_walk_field *fields, size_t count, void *target,
                       struct plimsoll_error *err)
{
    yaml_parser_t parser;
    yaml_document_t document;
    struct plimsoll_walk walk = {.document = &document, .file = file, .err = err};
    int status;
    if (check_events(text, file, err) < 0 || start(&parser, text, err) < 0) {
        return -1;
    }
    if (yaml_parser_load(&parser, &document)) {
        const yaml_node_t *root = yaml_document_get_root_node(&document);
        status = root == NULL ? 0 : read_mapping(&walk, root, fields, count, target);
        yaml_document_delete(&document);
    } else { /* an alias to nothing */
        status = fail_yaml(&parser, file, err);
    }
    yaml_parser_delete(&parser);
    return status;
}
