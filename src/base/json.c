/* SPDX-License-Identifier: Apache-2.0 */
#define JSMN_HEADER
#include "json_document.h"

#include "json_lex.h"

#include <plimsoll/json_cursor.h>

#include <strings.h>

static const struct plimsoll_json missing = {.document = NULL, .token = -1};

static const jsmntok_t *token_of(struct plimsoll_json value)
{
    return value.document != NULL && value.token >= 0 ? &value.document->tokens[value.token] : NULL;
}

static struct plimsoll_json at(struct plimsoll_json near, int token)
{
    return token < 0 ? missing : (struct plimsoll_json){near.document, token};
}

struct plimsoll_json plimsoll_json_root(const struct plimsoll_json_document *document)
{
    return (struct plimsoll_json){.document = document, .token = document != NULL ? 0 : -1};
}

enum plimsoll_json_type plimsoll_json_type(struct plimsoll_json value)
{
    const jsmntok_t *token = token_of(value);
    if (token == NULL) {
        return PLIMSOLL_JSON_MISSING;
    }
    switch (token->type) {
    case JSMN_OBJECT:
        return PLIMSOLL_JSON_OBJECT;
    case JSMN_ARRAY:
        return PLIMSOLL_JSON_ARRAY;
    case JSMN_STRING:
        return PLIMSOLL_JSON_STRING;
    case JSMN_PRIMITIVE:
    case JSMN_UNDEFINED:
        break;
    }
    char c = value.document->text.data[token->start];
    return c == 'n'               ? PLIMSOLL_JSON_NULL
           : c == 't' || c == 'f' ? PLIMSOLL_JSON_BOOL
                                  : PLIMSOLL_JSON_NUMBER;
}

struct plimsoll_span plimsoll_json_raw(struct plimsoll_json value)
{
    const jsmntok_t *token = token_of(value);
    if (token == NULL) {
        return (struct plimsoll_span){0};
    }
    return (struct plimsoll_span){.data = value.document->text.data + token->start,
                                  .size = (size_t)(token->end - token->start)};
}

size_t plimsoll_json_offset(struct plimsoll_json value)
{
    const jsmntok_t *token = token_of(value);
    return token == NULL ? 0 : (size_t)token->start - (token->type == JSMN_STRING ? 1 : 0);
}

static bool is_container(const jsmntok_t *token)
{
    return token != NULL && (token->type == JSMN_OBJECT || token->type == JSMN_ARRAY);
}

size_t plimsoll_json_count(struct plimsoll_json value)
{
    const jsmntok_t *token = token_of(value);
    return is_container(token) ? (size_t)token->size : 0;
}

struct plimsoll_json plimsoll_json_first(struct plimsoll_json container)
{
    return plimsoll_json_count(container) > 0 ? at(container, container.token + 1) : missing;
}

struct plimsoll_json plimsoll_json_next(struct plimsoll_json element_or_key)
{
    const jsmntok_t *token = token_of(element_or_key);
    return token == NULL ? missing : at(element_or_key, token->parent);
}

struct plimsoll_json plimsoll_json_value(struct plimsoll_json key)
{
    bool followed = token_of(key) != NULL && key.token + 1 < key.document->token_count;
    return followed ? at(key, key.token + 1) : missing;
}

static bool is_string_equal(struct plimsoll_json string, struct plimsoll_span wanted, bool nocase)
{
    struct plimsoll_span raw = plimsoll_json_raw(string);
    plimsoll_autotext plain = plimsoll_text_make(raw.size);
    if (raw.size > 0 && memchr(raw.data, '\\', raw.size) != NULL) {
        plimsoll_json_unescape(raw, &plain);
        raw = plimsoll_text_span(&plain);
    }
    if (!nocase || raw.size != wanted.size || raw.size == 0) {
        return plimsoll_span_equal(raw, wanted);
    }
    return memchr(raw.data, '\0', raw.size) == NULL &&
           strncasecmp(raw.data, wanted.data, raw.size) == 0;
}

struct plimsoll_json plimsoll_json_get(struct plimsoll_json object, const char *key)
{
    if (plimsoll_json_type(object) != PLIMSOLL_JSON_OBJECT) {
        return missing;
    }
    struct plimsoll_span wanted = plimsoll_span_of(key);
    for (struct plimsoll_json at_key = plimsoll_json_first(object); at_key.token >= 0;
         at_key = plimsoll_json_next(at_key)) {
        if (is_string_equal(at_key, wanted, false)) {
            return plimsoll_json_value(at_key);
        }
    }
    return missing;
}

struct plimsoll_json plimsoll_json_get_nocase(struct plimsoll_json object, const char *key)
{
    struct plimsoll_json found = plimsoll_json_get(object, key);
    if (found.token >= 0 || plimsoll_json_type(object) != PLIMSOLL_JSON_OBJECT) {
        return found;
    }
    struct plimsoll_span wanted = plimsoll_span_of(key);
    for (struct plimsoll_json at_key = plimsoll_json_first(object); at_key.token >= 0;
         at_key = plimsoll_json_next(at_key)) {
        if (is_string_equal(at_key, wanted, true)) {
            found = plimsoll_json_value(at_key); /* of several Go keeps the last */
        }
    }
    return found;
}

bool plimsoll_json_is(struct plimsoll_json value, const char *string)
{
    return plimsoll_json_type(value) == PLIMSOLL_JSON_STRING &&
           is_string_equal(value, plimsoll_span_of(string), false);
}

bool plimsoll_json_string(struct plimsoll_json value, struct plimsoll_text *out)
{
    if (plimsoll_json_type(value) != PLIMSOLL_JSON_STRING) {
        return false;
    }
    plimsoll_json_unescape(plimsoll_json_raw(value), out);
    return true;
}

char *plimsoll_json_dup(struct plimsoll_json value)
{
    if (plimsoll_json_type(value) != PLIMSOLL_JSON_STRING) {
        return NULL;
    }
    struct plimsoll_span raw = plimsoll_json_raw(value);
    plimsoll_autotext plain = plimsoll_text_make(raw.size);
    plimsoll_json_unescape(raw, &plain);
    if (plain.size == 0) {
        return plimsoll_copy("", 0);
    }
    return memchr(plain.data, '\0', plain.size) != NULL ? NULL : PLIMSOLL_TAKE(plain.data);
}

bool plimsoll_json_int(struct plimsoll_json value, int64_t *out)
{
    return plimsoll_json_type(value) == PLIMSOLL_JSON_NUMBER &&
           plimsoll_json_lex_integer(plimsoll_json_raw(value), out);
}

bool plimsoll_json_uint(struct plimsoll_json value, uint64_t *out)
{
    int64_t signed_value;
    if (!plimsoll_json_int(value, &signed_value) || signed_value < 0 ||
        signed_value >= (int64_t)1 << 53) {
        return false;
    }
    *out = (uint64_t)signed_value;
    return true;
}

bool plimsoll_json_bool(struct plimsoll_json value, bool *out)
{
    if (plimsoll_json_type(value) != PLIMSOLL_JSON_BOOL) {
        return false;
    }
    *out = value.document->text.data[token_of(value)->start] == 't';
    return true;
}
