/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A JSON document read whole, without copying it: jsmn's tokens plus what jsmn does not check.
 *
 * For reviews, pods and annotation values, where fields are looked up in any order. (Large bodies
 * that are walked once: json_cursor.h. Documents that we build or hold: jansson.) Accepted is RFC
 * 8259 and nothing else: one value, strict numbers and escapes, valid UTF-8, no duplicate keys,
 * nesting up to PLIMSOLL_JSON_DEPTH_MAX. Time and memory are linear in the input.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

#include <stdint.h>

struct plimsoll_json_document; /* owned tokens over borrowed text */

enum plimsoll_json_type {
    PLIMSOLL_JSON_MISSING, /* what a lookup of an absent key gives; safe to look up in again */
    PLIMSOLL_JSON_NULL,
    PLIMSOLL_JSON_BOOL,
    PLIMSOLL_JSON_NUMBER,
    PLIMSOLL_JSON_STRING,
    PLIMSOLL_JSON_ARRAY,
    PLIMSOLL_JSON_OBJECT,
};

/** A value inside a document; by value, valid while the document and its text are. */
struct plimsoll_json {
    const struct plimsoll_json_document *document;
    int token; /* -1: missing */
};

/**
 * @param text      Untrusted, borrowed for the life of the document, need not be NUL-terminated.
 * @param document  Set on success; the caller frees it.
 * @return 0, or -1: PLIMSOLL_ERR_INVALID with what is wrong at which byte, or
 * PLIMSOLL_ERR_TOO_LARGE.
 */
int plimsoll_json_parse(struct plimsoll_span text, struct plimsoll_json_document **document,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_json_free(struct plimsoll_json_document **document);
#define plimsoll_autojson __attribute__((cleanup(plimsoll_json_free))) struct plimsoll_json_document

struct plimsoll_json plimsoll_json_root(const struct plimsoll_json_document *document);
enum plimsoll_json_type plimsoll_json_type(struct plimsoll_json value);
/** The bytes of the value as they stand, a string without its quotes and still escaped. */
struct plimsoll_span plimsoll_json_raw(struct plimsoll_json value);
/** Where the value starts in the text, in bytes. */
size_t plimsoll_json_offset(struct plimsoll_json value);
/** Members of an object, elements of an array, else 0. */
size_t plimsoll_json_count(struct plimsoll_json value);

/** The member `key` of an object (key without escapes), else missing. */
struct plimsoll_json plimsoll_json_get(struct plimsoll_json object, const char *key);
/** As get, `key` compared without regard to ASCII case when no exact one is there (Go's decoder).
 */
struct plimsoll_json plimsoll_json_get_nocase(struct plimsoll_json object, const char *key);
/** The first element of an array or first *key* of an object; missing when empty. */
struct plimsoll_json plimsoll_json_first(struct plimsoll_json container);
/** The element or key after this one; missing after the last. */
struct plimsoll_json plimsoll_json_next(struct plimsoll_json element_or_key);
/** The value of a key that first/next gave. */
struct plimsoll_json plimsoll_json_value(struct plimsoll_json key);

/** True for a string that is `string` once unescaped. */
bool plimsoll_json_is(struct plimsoll_json value, const char *string);
/** Appends the unescaped string. @return false when the value is no string. */
bool plimsoll_json_string(struct plimsoll_json value, struct plimsoll_text *out);
/** A NUL-terminated unescaped copy, NULL when the value is no string or holds a NUL. The caller
 * frees. */
char *plimsoll_json_dup(struct plimsoll_json value);
/** @return false unless the value is a non-negative integer without fraction or exponent below
 * 2^53. */
bool plimsoll_json_uint(struct plimsoll_json value, uint64_t *out);
/** As uint, any integer that fits. */
bool plimsoll_json_int(struct plimsoll_json value, int64_t *out);
bool plimsoll_json_bool(struct plimsoll_json value, bool *out);
