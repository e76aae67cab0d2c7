/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/answers.h>

#include <ctype.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

static int write_bytes(void *context, unsigned char *bytes, size_t size)
{
    struct plimsoll_text *out = context;
    plimsoll_text_add(out, (const char *)bytes, size);
    return out->overflowed ? 0 : 1;
}

static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
    return made == 1 && yaml_emitter_emit(emitter, event) == 1;
}

/* Whether a reader of any age takes the string for one without quotes. */
static bool is_plain(const char *string)
{
    static const char *const words[] = {"true", "false", "null", "yes", "no",
                                        "on",   "off",   "y",    "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(string, words[i]) == 0) {
            return false;
        }
    }
    return isalpha((unsigned char)string[0]) != 0 &&
           string[strspn(string, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789._/-")] == '\0';
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *string, bool plain)
{
    yaml_event_t event;
    const yaml_char_t *value = (const yaml_char_t *)string;
    return emit(emitter, &event,
                yaml_scalar_event_initialize(&event, NULL, NULL, value, -1, plain, !plain,
                                             plain ? YAML_PLAIN_SCALAR_STYLE
                                                   : YAML_DOUBLE_QUOTED_SCALAR_STYLE));
}

static bool emit_value(yaml_emitter_t *emitter, json_t *value);

/* The objects are ours and a few levels deep; jansson has refused deeper ones. */
static bool emit_object(yaml_emitter_t *emitter, json_t *object) /* NOLINT(misc-no-recursion) */
{
    yaml_event_t event;
    const char *key;
    json_t *value;
    bool ok =
        emit(emitter, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    json_object_foreach(object, key, value)
    {
        ok = ok && emit_scalar(emitter, key, is_plain(key)) && emit_value(emitter, value);
    }
    return ok && emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
}

static bool emit_array(yaml_emitter_t *emitter, json_t *array) /* NOLINT(misc-no-recursion) */
{
    yaml_event_t event;
    bool ok = emit(
        emitter, &event,
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    for (size_t i = 0; i < json_array_size(array); i++) {
        ok = ok && emit_value(emitter, json_array_get(array, i));
    }
    return ok && emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
}

static bool emit_value(yaml_emitter_t *emitter, json_t *value) /* NOLINT(misc-no-recursion) */
{
    if (json_is_object(value)) {
        return emit_object(emitter, value);
    }
    if (json_is_array(value)) {
        return emit_array(emitter, value);
    }
    if (json_is_string(value)) {
        return emit_scalar(emitter, json_string_value(value), is_plain(json_string_value(value)));
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    bool ok = text != NULL && emit_scalar(emitter, text, true);
    free(text);
    return ok;
}

static bool emit_document(yaml_emitter_t *emitter, json_t *root)
{
    yaml_event_t event;
    return emit(emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
           emit(emitter, &event,
                yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
           emit_value(emitter, root) &&
           emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
           emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

int plimsoll_view_yaml(struct plimsoll_span json, struct plimsoll_text *out,
                       struct plimsoll_error *err)
{
    json_error_t where;
    json_auto_t *root = json_loadb(json.data, json.size, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "no JSON: %s at byte %d", where.text,
                                  where.position);
    }
    yaml_emitter_t emitter;
    plimsoll_autotext written = plimsoll_text_make(out->size_max - out->size);
    yaml_emitter_initialize(&emitter);
    yaml_emitter_set_output(&emitter, write_bytes, &written);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool ok = emit_document(&emitter, root);
    yaml_emitter_delete(&emitter);
    if (!ok) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "the YAML is longer than %zu bytes",
                                  out->size_max);
    }
    plimsoll_text_add_span(out, plimsoll_text_span(&written));
    return 0;
}
