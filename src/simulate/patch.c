/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

/* `~1` and `~0`, in place. */
static void unescape(char *token)
{
    char *to = token;
    for (const char *from = token; *from != '\0'; from++) {
        bool escaped = *from == '~' && (from[1] == '0' || from[1] == '1');
        *to++ = !escaped ? *from : from[1] == '0' ? '~' : '/';
        from += escaped;
    }
    *to = '\0';
}

/* @return false when the token is no index. */
static bool read_index(const char *token, size_t *index)
{
    unsigned long long value;
    bool read = plimsoll_span_decimal(plimsoll_span_of(token), &value);
    *index = read ? (size_t)value : 0;
    return read;
}

static bool change_array(json_t *array, const char *op, const char *token, json_t *value)
{
    size_t index, size = json_array_size(array);
    if (strcmp(op, "add") == 0 && strcmp(token, "-") == 0) {
        return json_array_append(array, value) == 0;
    }
    if (!read_index(token, &index)) {
        return false;
    }
    if (strcmp(op, "add") == 0) {
        return index <= size && json_array_insert(array, index, value) == 0;
    }
    if (index >= size) {
        return false;
    }
    return strcmp(op, "replace") == 0 ? json_array_set(array, index, value) == 0
                                      : json_array_remove(array, index) == 0;
}

static bool change(json_t *parent, const char *op, const char *token, json_t *value)
{
    if (json_is_array(parent)) {
        return change_array(parent, op, token, value);
    }
    if (strcmp(op, "add") != 0 && json_object_get(parent, token) == NULL) {
        return false;
    }
    return strcmp(op, "remove") == 0 ? json_object_del(parent, token) == 0
                                     : json_object_set(parent, token, value) == 0;
}

static json_t *child_of(json_t *parent, const char *token)
{
    size_t index;
    if (!json_is_array(parent)) {
        return json_object_get(parent, token);
    }
    return read_index(token, &index) ? json_array_get(parent, index) : NULL;
}

static bool apply_one(json_t *document, const json_t *operation)
{
    const char *op = json_string_value(json_object_get(operation, "op"));
    const char *path = json_string_value(json_object_get(operation, "path"));
    json_t *value = json_object_get(operation, "value");
    if (op == NULL || path == NULL || *path != '/') {
        return false;
    }
    bool removes = strcmp(op, "remove") == 0;
    bool known = removes || strcmp(op, "add") == 0 || strcmp(op, "replace") == 0;
    if (!known || removes == (value != NULL)) {
        return false;
    }
    plimsoll_autofree char *tokens = plimsoll_copy(path + 1, strlen(path + 1));
    char *rest = tokens, *token = strsep(&rest, "/");
    json_t *parent = document;
    while (rest != NULL && parent != NULL) {
        unescape(token);
        parent = child_of(parent, token);
        token = strsep(&rest, "/");
    }
    unescape(token);
    return parent != NULL && change(parent, op, token, value);
}

bool plimsoll_patch_apply(json_t *document, const json_t *patch)
{
    bool applied = json_is_array(patch);
    for (size_t i = 0; applied && i < json_array_size(patch); i++) {
        applied = apply_one(document, json_array_get(patch, i));
    }
    return applied;
}
