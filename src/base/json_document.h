/* SPDX-License-Identifier: Apache-2.0 */
/** What a document holds. Private to json_parse.c, which makes it, and json.c, which looks into it.
 */
#pragma once

#include <plimsoll/json.h>

#define JSMN_PARENT_LINKS
#include <jsmn.h>

/**
 * Tokens in the order of the text: a container before its content, a key before its value.
 * Once parsed, a token's `parent` is its next sibling (the next key, the next element; -1: none),
 * so that nobody walks through a subtree to pass it, and `size` counts the keys or elements.
 */
struct plimsoll_json_document {
    struct plimsoll_span text;
    jsmntok_t *tokens; /* owned */
    int token_count;
};

/** Fails when an object has the same key twice. Linear: big objects are hashed. */
int plimsoll_json_check_keys(const struct plimsoll_json_document *document, int object,
                             const char **duplicate);
