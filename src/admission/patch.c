/* SPDX-License-Identifier: Apache-2.0 */
#include "admission_parts.h"

/* `~` and `/` of a key are `~0` and `~1` in a path (RFC 6901); the whole is a JSON string. */
static void add_path(struct plimsoll_text *patch, const char *path, const char *key)
{
    plimsoll_autotext pointer = plimsoll_text_make(PLIMSOLL_ANNOTATION_BYTES_MAX);
    plimsoll_text_add_string(&pointer, path);
    if (key != NULL) {
        plimsoll_text_add_char(&pointer, '/');
    }
    for (; key != NULL && *key != '\0'; key++) {
        if (*key == '~' || *key == '/') {
            plimsoll_text_add_string(&pointer, *key == '~' ? "~0" : "~1");
        } else {
            plimsoll_text_add_char(&pointer, *key);
        }
    }
    plimsoll_text_add_json(patch, plimsoll_text_span(&pointer));
}

static void begin(struct plimsoll_text *patch, const char *op, const char *path, const char *key)
{
    plimsoll_text_add_string(patch, patch->size > 0 ? ",{\"op\":\"" : "{\"op\":\"");
    plimsoll_text_add_string(patch, op);
    plimsoll_text_add_string(patch, "\",\"path\":");
    add_path(patch, path, key);
}

void plimsoll_patch_on_member(struct plimsoll_mutation *mutation, const char *op, const char *path,
                              const char *key, const char *string)
{
    begin(&mutation->patch, op, path, key);
    if (string != NULL) {
        plimsoll_text_add_string(&mutation->patch, ",\"value\":");
        plimsoll_text_add_json(&mutation->patch, plimsoll_span_of(string));
    }
    plimsoll_text_add_char(&mutation->patch, '}');
}

void plimsoll_patch_operation(struct plimsoll_mutation *mutation, const char *op, const char *path,
                              const char *string)
{
    plimsoll_patch_on_member(mutation, op, path, NULL, string);
}

struct plimsoll_addition plimsoll_addition_to_object(struct plimsoll_mutation *mutation,
                                                     const char *path, struct plimsoll_json there)
{
    return (struct plimsoll_addition){.patch = &mutation->patch,
                                      .path = path,
                                      .there = plimsoll_json_type(there) == PLIMSOLL_JSON_OBJECT};
}

struct plimsoll_addition plimsoll_addition_to_array(struct plimsoll_mutation *mutation,
                                                    const char *path, struct plimsoll_json there)
{
    return (struct plimsoll_addition){.patch = &mutation->patch,
                                      .path = path,
                                      .there = plimsoll_json_type(there) == PLIMSOLL_JSON_ARRAY,
                                      .array = true};
}

struct plimsoll_text *plimsoll_addition_next(struct plimsoll_addition *addition, const char *key)
{
    struct plimsoll_text *patch = addition->patch;
    size_t before = addition->count++;
    if (addition->there) {
        plimsoll_addition_end(
            &(struct plimsoll_addition){.patch = patch, .there = true, .count = before});
        begin(patch, "add", addition->path, addition->array ? "-" : key);
        plimsoll_text_add_string(patch, ",\"value\":");
        return patch;
    }
    if (before == 0) {
        begin(patch, "add", addition->path, NULL);
        plimsoll_text_add_string(patch, addition->array ? ",\"value\":[" : ",\"value\":{");
    } else {
        plimsoll_text_add_char(patch, ',');
    }
    if (!addition->array) {
        plimsoll_text_add_json(patch, plimsoll_span_of(key));
        plimsoll_text_add_char(patch, ':');
    }
    return patch;
}

void plimsoll_addition_string(struct plimsoll_addition *addition, const char *key,
                              const char *string)
{
    plimsoll_text_add_json(plimsoll_addition_next(addition, key), plimsoll_span_of(string));
}

void plimsoll_addition_end(struct plimsoll_addition *addition)
{
    if (addition->count > 0) {
        plimsoll_text_add_string(addition->patch, addition->there   ? "}"
                                                  : addition->array ? "]}"
                                                                    : "}}");
    }
}
