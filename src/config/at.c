/* SPDX-License-Identifier: Apache-2.0 */
#include "at.h"

#include "values.h"

#include <plimsoll/text.h>

#include <stdarg.h>

struct plimsoll_at plimsoll_at_child(const struct plimsoll_at *parent, size_t index)
{
    return (struct plimsoll_at){.node = &parent->node->children[index],
                                .parent = parent,
                                .index = index,
                                .file = parent->file};
}

/* No deeper than the tree, PLIMSOLL_YAML_DEPTH_MAX. */
static void write_path(const struct plimsoll_at *at, struct plimsoll_text *out)
{
    if (at->parent == NULL) {
        return;
    }
    write_path(at->parent, out);
    if (at->node->key == NULL) {
        plimsoll_text_add_format(out, "[%zu]", at->index);
        return;
    }
    if (out->size > 0) {
        plimsoll_text_add_char(out, '.');
    }
    plimsoll_text_add_format(out, "%.64s", at->node->key);
}

int plimsoll_at_fail_(const struct plimsoll_at *at, struct plimsoll_error *err, const char *format,
                      ...)
{
    plimsoll_autotext path = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    write_path(at, &path);
    plimsoll_autofree char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&message, format, arguments) < 0) {
        abort();
    }
    va_end(arguments);
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s:%zu: %s%s%s", at->file, at->node->line,
                              path.size > 0 ? path.data : "", path.size > 0 ? ": " : "", message);
}

static const char *kind_text(const struct plimsoll_yaml *node)
{
    if (node->kind == PLIMSOLL_YAML_MAPPING) {
        return "a mapping";
    }
    if (node->kind == PLIMSOLL_YAML_SEQUENCE) {
        return "a list";
    }
    switch (plimsoll_yaml_type(node)) {
    case PLIMSOLL_YAML_NULL:
        return "empty";
    case PLIMSOLL_YAML_BOOL:
        return "a boolean";
    case PLIMSOLL_YAML_NUMBER:
        return "a number";
    case PLIMSOLL_YAML_STRING:
        break;
    }
    return "a string";
}

int plimsoll_at_mapping(const struct plimsoll_at *at, struct plimsoll_error *err)
{
    if (at->node->kind != PLIMSOLL_YAML_MAPPING) {
        return plimsoll_at_fail(at, err, "must be a mapping (key: value), is %s",
                                kind_text(at->node));
    }
    return 0;
}

int plimsoll_at_sequence(const struct plimsoll_at *at, struct plimsoll_error *err)
{
    if (at->node->kind != PLIMSOLL_YAML_SEQUENCE) {
        return plimsoll_at_fail(at, err, "must be a list, is %s", kind_text(at->node));
    }
    return 0;
}

static int fail_unknown(const struct plimsoll_at *at, const struct plimsoll_field *fields,
                        size_t count, struct plimsoll_error *err)
{
    plimsoll_autotext known = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    for (size_t i = 0; i < count; i++) {
        plimsoll_text_add_format(&known, "%s%s", i > 0 ? ", " : "", fields[i].key);
    }
    return plimsoll_at_fail(at, err, "unknown key; known here: %s", known.data);
}

int plimsoll_at_fields(const struct plimsoll_at *at, const struct plimsoll_field *fields,
                       size_t count, void *target, struct plimsoll_error *err)
{
    if (plimsoll_at_mapping(at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        size_t field = 0;
        while (field < count && strcmp(fields[field].key, child.node->key) != 0) {
            field++;
        }
        if (field == count) {
            return fail_unknown(&child, fields, count, err);
        }
        if (fields[field].read(&child, (char *)target + fields[field].offset, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int plimsoll_at_scalar(const struct plimsoll_at *at, const char **text, struct plimsoll_error *err)
{
    if (at->node->kind != PLIMSOLL_YAML_SCALAR) {
        return plimsoll_at_fail(at, err, "must be a single value, is %s", kind_text(at->node));
    }
    if (plimsoll_yaml_type(at->node) == PLIMSOLL_YAML_NULL) {
        return plimsoll_at_fail(at, err, "has no value; leave the key out, or write \"\" for none");
    }
    *text = at->node->text;
    return 0;
}

int plimsoll_at_text(const struct plimsoll_at *at, const char **text, struct plimsoll_error *err)
{
    const char *scalar;
    if (plimsoll_at_scalar(at, &scalar, err) < 0) {
        return -1;
    }
    if (plimsoll_yaml_type(at->node) != PLIMSOLL_YAML_STRING) {
        return plimsoll_at_fail(at, err, "must be a string, is %s; quote it: \"%s\"",
                                kind_text(at->node), scalar);
    }
    *text = scalar;
    return 0;
}

int plimsoll_at_word(const struct plimsoll_at *at, const char *const *words, size_t *index,
                     struct plimsoll_error *err)
{
    const char *text;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    plimsoll_autotext known = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *index = i;
            return 0;
        }
        plimsoll_text_add_format(&known, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return plimsoll_at_fail(at, err, "\"%.64s\" is none of %s", text, known.data);
}

int plimsoll_at_ignore(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    (void)at;
    (void)out;
    (void)err;
    return 0;
}

int plimsoll_at_string(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    char **string = out;
    const char *text;
    if (plimsoll_at_text(at, &text, err) < 0) {
        return -1;
    }
    free(*string);
    *string = plimsoll_copy(text, strlen(text));
    return 0;
}

int plimsoll_at_boolean(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    bool *boolean = out;
    const char *text;
    if (plimsoll_at_scalar(at, &text, err) < 0) {
        return -1;
    }
    bool truth = strcmp(text, "true") == 0;
    if (!at->node->plain || (!truth && strcmp(text, "false") != 0)) {
        return plimsoll_at_fail(at, err, "must be true or false, is \"%.64s\"", text);
    }
    *boolean = truth;
    return 0;
}

int plimsoll_at_strings(const struct plimsoll_at *at, void *out, struct plimsoll_error *err)
{
    struct plimsoll_strings *strings = out;
    if (plimsoll_at_sequence(at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        const char *text;
        if (plimsoll_at_text(&child, &text, err) < 0) {
            return -1;
        }
        if (*text == '\0') {
            return plimsoll_at_fail(&child, err, "is empty; name something or leave it out");
        }
    }
    plimsoll_strings_clear(strings);
    for (size_t i = 0; i < at->node->count; i++) {
        plimsoll_strings_add(strings, at->node->children[i].text);
    }
    return 0;
}

int plimsoll_at_pairs(const struct plimsoll_at *at, const char *(*check_key)(const char *key),
                      const char *(*check_value)(const char *value), struct plimsoll_pairs *pairs,
                      struct plimsoll_error *err)
{
    if (plimsoll_at_mapping(at, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < at->node->count; i++) {
        struct plimsoll_at child = plimsoll_at_child(at, i);
        const char *value;
        const char *wrong = check_key(child.node->key);
        if (wrong == NULL) {
            if (plimsoll_at_text(&child, &value, err) < 0) {
                return -1;
            }
            wrong = check_value != NULL ? check_value(value) : NULL;
        }
        if (wrong != NULL) {
            return plimsoll_at_fail(&child, err, "%s", wrong);
        }
    }
    plimsoll_pairs_clear(pairs);
    for (size_t i = 0; i < at->node->count; i++) {
        plimsoll_pairs_add(pairs, at->node->children[i].key, at->node->children[i].text);
    }
    return 0;
}
