/* SPDX-License-Identifier: Apache-2.0 */
/** Applies a JSON Patch (RFC 6902: add, replace, remove) as the API server's library does: a
 * missing parent or an absent target is an error. */
#pragma once

#include <jansson.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `~1` and `~0`, in place. */
static inline void json_patch_unescape(char *token)
{
    char *to = token;
    for (const char *from = token; *from != '\0'; from++) {
        char c = *from;
        if (c == '~' && (from[1] == '0' || from[1] == '1')) {
            c = from[1] == '0' ? '~' : '/';
            from++;
        }
        *to++ = c;
    }
    *to = '\0';
}

static inline bool json_patch_change_array(json_t *array, const char *op, const char *token,
                                           json_t *value)
{
    char *end;
    size_t index = strtoul(token, &end, 10), size = json_array_size(array);
    if (strcmp(token, "-") == 0 && strcmp(op, "add") == 0) {
        return json_array_append(array, value) == 0;
    }
    if (*token == '\0' || *end != '\0') {
        return false;
    }
    if (strcmp(op, "add") == 0) {
        return index <= size && json_array_insert(array, index, value) == 0;
    }
    if (strcmp(op, "replace") == 0) {
        return index < size && json_array_set(array, index, value) == 0;
    }
    return index < size && json_array_remove(array, index) == 0;
}

static inline bool json_patch_change(json_t *parent, const char *op, const char *token,
                                     json_t *value)
{
    if (json_is_array(parent)) {
        return json_patch_change_array(parent, op, token, value);
    }
    if (!json_is_object(parent)) {
        return false;
    }
    if (strcmp(op, "remove") == 0) {
        return json_object_del(parent, token) == 0;
    }
    if (strcmp(op, "replace") == 0 && json_object_get(parent, token) == NULL) {
        return false;
    }
    return json_object_set(parent, token, value) == 0;
}

static inline json_t *json_patch_child(json_t *parent, const char *token)
{
    char *end;
    if (!json_is_array(parent)) {
        return json_object_get(parent, token);
    }
    size_t index = strtoul(token, &end, 10);
    return *token != '\0' && *end == '\0' ? json_array_get(parent, index) : NULL;
}

/** @return false when the API server would answer 500. */
static inline bool json_patch_apply_one(json_t *document, json_t *operation)
{
    const char *op = json_string_value(json_object_get(operation, "op"));
    const char *path = json_string_value(json_object_get(operation, "path"));
    json_t *value = json_object_get(operation, "value");
    bool removes = op != NULL && strcmp(op, "remove") == 0;
    if (op == NULL || path == NULL || *path != '/' || removes == (value != NULL) ||
        (!removes && strcmp(op, "add") != 0 && strcmp(op, "replace") != 0)) {
        return false;
    }
    char *tokens = strdup(path + 1), *rest = tokens, *token = strsep(&rest, "/");
    json_t *parent = document;
    while (rest != NULL && parent != NULL) {
        json_patch_unescape(token);
        parent = json_patch_child(parent, token);
        token = strsep(&rest, "/");
    }
    json_patch_unescape(token);
    bool applied = parent != NULL && json_patch_change(parent, op, token, value);
    free(tokens);
    return applied;
}

static inline bool json_patch_apply(json_t *document, json_t *patch)
{
    bool applied = json_is_array(patch);
    for (size_t i = 0; applied && i < json_array_size(patch); i++) {
        applied = json_patch_apply_one(document, json_array_get(patch, i));
    }
    return applied;
}
