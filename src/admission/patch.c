/* SPDX-License-Identifier: Apache-2.0 */
#include "admission_parts.h"

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0) {
        abort(); /* out of memory: what comes here was checked to be UTF-8 */
    }
}

void plimsoll_patch_operation(json_t *patch, const char *op, const char *path, json_t *value)
{
    json_t *operation = json_object();
    set(operation, "op", json_string(op));
    set(operation, "path", json_string(path));
    if (value != NULL) {
        set(operation, "value", value);
    }
    json_array_append_new(patch, operation);
}

char *plimsoll_patch_path(const char *path, const char *key)
{
    size_t size = strlen(path);
    char *joined = plimsoll_alloc(size + 2 * strlen(key) + 2, 1);
    memcpy(joined, path, size);
    joined[size++] = '/';
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/') {
            joined[size++] = '~';
            joined[size++] = *key == '~' ? '0' : '1';
        } else {
            joined[size++] = *key;
        }
    }
    return joined;
}

void plimsoll_patch_members(json_t *patch, const char *path, struct plimsoll_json there,
                            json_t *members)
{
    if (json_object_size(members) > 0 && plimsoll_json_type(there) != PLIMSOLL_JSON_OBJECT) {
        plimsoll_patch_operation(patch, "add", path, members);
        return;
    }
    const char *key;
    json_t *value;
    json_object_foreach(members, key, value)
    {
        plimsoll_autofree char *member = plimsoll_patch_path(path, key);
        plimsoll_patch_operation(patch, "add", member, json_incref(value));
    }
    json_decref(members);
}

void plimsoll_patch_elements(json_t *patch, const char *path, struct plimsoll_json there,
                             json_t *elements)
{
    if (json_array_size(elements) > 0 && plimsoll_json_type(there) != PLIMSOLL_JSON_ARRAY) {
        plimsoll_patch_operation(patch, "add", path, elements);
        return;
    }
    plimsoll_autofree char *end = plimsoll_patch_path(path, "-");
    size_t index;
    json_t *value;
    json_array_foreach(elements, index, value)
    {
        plimsoll_patch_operation(patch, "add", end, json_incref(value));
    }
    json_decref(elements);
}
