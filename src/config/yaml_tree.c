/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_tree.h"

#include <yaml.h>

struct reading {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one, owned */
    struct plimsoll_span text;
    const char *file;
    size_t nodes;
    struct plimsoll_error *err;
};

static size_t event_line(const struct reading *reading)
{
    return reading->event.start_mark.line + 1;
}

/* The reader, which checks the encoding, knows offsets only. */
static size_t line_of_offset(struct plimsoll_span text, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < text.size; i++) {
        line += text.data[i] == '\n';
    }
    return line;
}

static int fail_parser(struct reading *reading)
{
    const yaml_parser_t *parser = &reading->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
    if (parser->error == YAML_READER_ERROR) {
        return plimsoll_error_set(reading->err, PLIMSOLL_ERR_INVALID, "%s:%zu: no YAML: %s",
                                  reading->file,
                                  line_of_offset(reading->text, parser->problem_offset), problem);
    }
    return plimsoll_error_set(reading->err, PLIMSOLL_ERR_INVALID, "%s:%zu: no YAML: %s%s%s",
                              reading->file, parser->problem_mark.line + 1, problem,
                              parser->context != NULL ? " " : "",
                              parser->context != NULL ? parser->context : "");
}

static int advance(struct reading *reading)
{
    yaml_event_delete(&reading->event);
    if (!yaml_parser_parse(&reading->parser, &reading->event)) {
        return fail_parser(reading);
    }
    return 0;
}

static int fail_here(const struct reading *reading, enum plimsoll_error_kind kind,
                     const char *message)
{
    return plimsoll_error_set(reading->err, kind, "%s:%zu: %s", reading->file, event_line(reading),
                              message);
}

static int take_scalar(struct reading *reading, char **text, bool *plain)
{
    const yaml_char_t *value = reading->event.data.scalar.value;
    size_t size = reading->event.data.scalar.length;
    if (memchr(value, '\0', size) != NULL) {
        return fail_here(reading, PLIMSOLL_ERR_INVALID, "a NUL character is not allowed in text");
    }
    *text = plimsoll_copy((const char *)value, size);
    *plain = reading->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

static int refuse_decoration(const struct reading *reading)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch ((int)reading->event.type) {
    case YAML_ALIAS_EVENT:
        return fail_here(reading, PLIMSOLL_ERR_INVALID,
                         "anchors and aliases are not supported; write the value out");
    case YAML_SCALAR_EVENT:
        anchor = reading->event.data.scalar.anchor;
        tag = reading->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = reading->event.data.sequence_start.anchor;
        tag = reading->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = reading->event.data.mapping_start.anchor;
        tag = reading->event.data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL) {
        return fail_here(reading, PLIMSOLL_ERR_INVALID,
                         "anchors and aliases are not supported; write the value out");
    }
    if (tag != NULL) {
        return fail_here(reading, PLIMSOLL_ERR_INVALID,
                         "tags are not supported; quote a value to make it a string");
    }
    return 0;
}

static struct plimsoll_yaml *add_child(struct plimsoll_yaml *parent)
{
    if (parent->count == parent->capacity) {
        parent->capacity = parent->capacity > 0 ? parent->capacity * 2 : 4;
        parent->children =
            plimsoll_realloc(parent->children, parent->capacity, sizeof *parent->children);
    }
    struct plimsoll_yaml *child = &parent->children[parent->count++];
    *child = (struct plimsoll_yaml){0};
    return child;
}

static int compare_keys(const void *left, const void *right)
{
    const struct plimsoll_yaml *a = *(const struct plimsoll_yaml *const *)left;
    const struct plimsoll_yaml *b = *(const struct plimsoll_yaml *const *)right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static int refuse_duplicates(const struct reading *reading, const struct plimsoll_yaml *mapping)
{
    if (mapping->count < 2) {
        return 0;
    }
    plimsoll_autofree const struct plimsoll_yaml **sorted =
        plimsoll_alloc(mapping->count, sizeof(struct plimsoll_yaml *));
    for (size_t i = 0; i < mapping->count; i++) {
        sorted[i] = &mapping->children[i];
    }
    qsort(sorted, mapping->count, sizeof *sorted, compare_keys);
    for (size_t i = 1; i < mapping->count; i++) {
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0) {
            return plimsoll_error_set(reading->err, PLIMSOLL_ERR_INVALID,
                                      "%s:%zu: duplicate key \"%s\", first on line %zu; keep one",
                                      reading->file, sorted[i]->line, sorted[i]->key,
                                      sorted[i - 1]->line);
        }
    }
    return 0;
}

static int read_node(struct reading *reading, unsigned depth, struct plimsoll_yaml *node);

static int read_sequence(struct reading *reading, unsigned depth, struct plimsoll_yaml *node)
{
    while (reading->event.type != YAML_SEQUENCE_END_EVENT) {
        if (read_node(reading, depth + 1, add_child(node)) < 0) {
            return -1;
        }
    }
    return advance(reading);
}

static int read_mapping(struct reading *reading, unsigned depth, struct plimsoll_yaml *node)
{
    while (reading->event.type != YAML_MAPPING_END_EVENT) {
        if (refuse_decoration(reading) < 0) {
            return -1;
        }
        if (reading->event.type != YAML_SCALAR_EVENT) {
            return fail_here(reading, PLIMSOLL_ERR_INVALID,
                             "a key must be a word, not a list or mapping");
        }
        struct plimsoll_yaml *child = add_child(node);
        bool plain;
        size_t line = event_line(reading);
        if (take_scalar(reading, &child->key, &plain) < 0 || advance(reading) < 0 ||
            read_node(reading, depth + 1, child) < 0) {
            return -1;
        }
        /* A mapping or list that starts below its key is still found by its key. */
        child->line = line;
    }
    return refuse_duplicates(reading, node) < 0 ? -1 : advance(reading);
}

static int read_node(struct reading *reading, unsigned depth, struct plimsoll_yaml *node)
{
    if (refuse_decoration(reading) < 0) {
        return -1;
    }
    if (depth > PLIMSOLL_YAML_DEPTH_MAX) {
        return fail_here(reading, PLIMSOLL_ERR_TOO_LARGE, "nested too deeply for a configuration");
    }
    if (++reading->nodes > PLIMSOLL_YAML_NODES_MAX) {
        return fail_here(reading, PLIMSOLL_ERR_TOO_LARGE, "too many values for a configuration");
    }
    node->line = event_line(reading);
    switch ((int)reading->event.type) {
    case YAML_SEQUENCE_START_EVENT:
        node->kind = PLIMSOLL_YAML_SEQUENCE;
        return advance(reading) < 0 ? -1 : read_sequence(reading, depth, node);
    case YAML_MAPPING_START_EVENT:
        node->kind = PLIMSOLL_YAML_MAPPING;
        return advance(reading) < 0 ? -1 : read_mapping(reading, depth, node);
    default:
        node->kind = PLIMSOLL_YAML_SCALAR;
        return take_scalar(reading, &node->text, &node->plain) < 0 ? -1 : advance(reading);
    }
}

static int read_stream(struct reading *reading, struct plimsoll_yaml *root)
{
    /* NOLINTNEXTLINE(misc-redundant-expression): each goes one event on, past the stream's start */
    if (advance(reading) < 0 || advance(reading) < 0) {
        return -1;
    }
    if (reading->event.type == YAML_STREAM_END_EVENT) {
        root->kind = PLIMSOLL_YAML_MAPPING;
        root->line = 1;
        return 0;
    }
    if (advance(reading) < 0 || read_node(reading, 0, root) < 0 || advance(reading) < 0) {
        return -1;
    }
    if (reading->event.type != YAML_STREAM_END_EVENT) {
        return fail_here(reading, PLIMSOLL_ERR_INVALID,
                         "a second document (---) is not supported; put everything into one");
    }
    return 0;
}

int plimsoll_yaml_parse(struct plimsoll_span text, const char *file, struct plimsoll_yaml *root,
                        struct plimsoll_error *err)
{
    struct reading reading = {.text = text, .file = file, .err = err};
    if (!yaml_parser_initialize(&reading.parser)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "%s: out of memory", file);
    }
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &reading.parser, (const unsigned char *)(text.data != NULL ? text.data : ""), text.size);
    plimsoll_autoyaml read = {0};
    int status = read_stream(&reading, &read);
    yaml_event_delete(&reading.event);
    yaml_parser_delete(&reading.parser);
    if (status == 0) {
        *root = read;
        read = (struct plimsoll_yaml){0};
    }
    return status;
}

void plimsoll_yaml_clear(struct plimsoll_yaml *node)
{
    for (size_t i = 0; i < node->count; i++) {
        plimsoll_yaml_clear(&node->children[i]);
    }
    free(node->children);
    free(node->key);
    free(node->text);
    *node = (struct plimsoll_yaml){0};
}

static bool is_one_of(const char *text, const char *const *words)
{
    while (*words != NULL && strcmp(text, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

static bool is_number(const char *text)
{
    static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL};
    char *end;
    const char *digits = text + (*text == '-' || *text == '+');
    if (is_one_of(digits, words)) {
        return true;
    }
    if (strspn(digits, "0123456789.") == 0) {
        return false; /* strtod also knows inf, nan and hexadecimal words */
    }
    (void)strtod(text, &end);
    return *end == '\0';
}

enum plimsoll_yaml_type plimsoll_yaml_type(const struct plimsoll_yaml *scalar)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    /* yes, no, on and off are YAML 1.1's, which kubectl reads: never guess. */
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", "yes",
                                        "Yes",  "YES",  "no",   "No",    "NO",    "on",    "On",
                                        "ON",   "off",  "Off",  "OFF",   NULL};
    if (!scalar->plain) {
        return PLIMSOLL_YAML_STRING;
    }
    if (is_one_of(scalar->text, nulls)) {
        return PLIMSOLL_YAML_NULL;
    }
    if (is_one_of(scalar->text, bools)) {
        return PLIMSOLL_YAML_BOOL;
    }
    return is_number(scalar->text) ? PLIMSOLL_YAML_NUMBER : PLIMSOLL_YAML_STRING;
}

const struct plimsoll_yaml *plimsoll_yaml_get(const struct plimsoll_yaml *mapping, const char *key)
{
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->children[i].key, key) == 0) {
            return &mapping->children[i];
        }
    }
    return NULL;
}
