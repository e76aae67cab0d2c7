/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Values of annotations and labels as the walk over an object finds them, and the frame that all
 * JSON annotations have in common (`"v": 1`, sizes, what an error says).
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/json.h>
#include <plimsoll/json_cursor.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

/** The value of one key of a map of strings; borrowed from the object. */
struct plimsoll_model_value {
    struct plimsoll_span raw; /* between the quotes, still escaped, validated */
    bool present;
    bool no_string; /* it is there but is a number, null, an object … */
};

/** Reads the value the cursor stands before; of duplicate keys the last stays. */
void plimsoll_model_value_read(struct plimsoll_json_cursor *cursor,
                               struct plimsoll_model_value *value);

/*
 * Behind plimsoll_json_cursor_entry: the value is in `plain`, or the cursor stands before it.
 */
/** As plimsoll_json_cursor_string. */
static inline bool plimsoll_model_entry_string(struct plimsoll_json_cursor *cursor,
                                               struct plimsoll_span plain,
                                               struct plimsoll_span *raw)
{
    if (plain.data == NULL) {
        return plimsoll_json_cursor_string(cursor, raw);
    }
    *raw = plain;
    return true;
}
/** As plimsoll_json_cursor_skip. */
static inline void plimsoll_model_entry_skip(struct plimsoll_json_cursor *cursor,
                                             struct plimsoll_span plain)
{
    if (plain.data == NULL) {
        plimsoll_json_cursor_skip(cursor, NULL);
    }
}
/** As plimsoll_model_value_read. */
static inline void plimsoll_model_entry_value(struct plimsoll_json_cursor *cursor,
                                              struct plimsoll_span plain,
                                              struct plimsoll_model_value *value)
{
    if (plain.data == NULL) {
        plimsoll_model_value_read(cursor, value);
    } else {
        *value = (struct plimsoll_model_value){.raw = plain, .present = true};
    }
}

/**
 * The unescaped value.
 * @param scratch  Holds it when it had escapes; must outlive `text`.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when it is no string or larger than an annotation may
 * be.
 */
int plimsoll_model_value_text(const struct plimsoll_model_value *value,
                              struct plimsoll_text *scratch, struct plimsoll_span *text,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Copies `span` with a NUL. @return false when it does not fit `size` bytes or holds a NUL. */
bool plimsoll_model_copy(struct plimsoll_span span, char *out, size_t size);

/** As copy, cut at a character boundary when longer. */
void plimsoll_model_copy_cut(struct plimsoll_span span, char *out, size_t size);

/** How much of a value an error message shows. */
struct plimsoll_span plimsoll_model_shown(struct plimsoll_span span);

/** Parses an annotation's JSON and checks that it is an object with `"v": 1`. */
int plimsoll_model_document(struct plimsoll_span text, struct plimsoll_json_document **document,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/*
 * Members of an object inside such a document. An absent one leaves `out` alone and, when `needed`,
 * is an error; a wrong one is an error that names the key, the byte and what would be right.
 */
int plimsoll_model_bytes(struct plimsoll_json object, const char *key, bool needed, uint64_t *out,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_model_int(struct plimsoll_json object, const char *key, bool needed, int64_t min,
                       int64_t max, int64_t *out, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_model_bool(struct plimsoll_json object, const char *key, bool *out,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** A string of 1 … size − 1 bytes. */
int plimsoll_model_string(struct plimsoll_json object, const char *key, bool needed, char *out,
                          size_t size, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The index in `words` (NULL-terminated) of a string that must be one of them. */
int plimsoll_model_word(struct plimsoll_json object, const char *key, bool needed,
                        const char *const *words, int *out,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** An array or object; missing stays missing unless needed. */
int plimsoll_model_container(struct plimsoll_json object, const char *key, bool needed,
                             enum plimsoll_json_type type, struct plimsoll_json *out,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** A string value itself (an element, a key), of 1 … size − 1 bytes. */
int plimsoll_model_text_of(struct plimsoll_json value, const char *what, char *out, size_t size,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Fails unless `element` is an object. */
int plimsoll_model_is_object(struct plimsoll_json element, const char *what,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
