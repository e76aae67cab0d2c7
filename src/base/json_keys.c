/* SPDX-License-Identifier: Apache-2.0 */
#define JSMN_HEADER
#include "json_document.h"

#include <plimsoll/json_cursor.h>

/* Up to here comparing each with each is faster than hashing. */
#define FEW_KEYS 8

struct slot {
    unsigned long long hash;
    int token; /* 0: free; the root is no key */
};

static struct plimsoll_span raw_key(const struct plimsoll_json_document *document, int token)
{
    const jsmntok_t *key = &document->tokens[token];
    return (struct plimsoll_span){.data = document->text.data + key->start,
                                  .size = (size_t)(key->end - key->start)};
}

static bool is_escaped(struct plimsoll_span raw)
{
    return raw.size > 0 && memchr(raw.data, '\\', raw.size) != NULL;
}

static bool equal_keys(struct plimsoll_span a, struct plimsoll_span b)
{
    if (!is_escaped(a) && !is_escaped(b)) {
        return plimsoll_span_equal(a, b);
    }
    plimsoll_autotext plain_a = plimsoll_text_make(a.size);
    plimsoll_autotext plain_b = plimsoll_text_make(b.size);
    plimsoll_json_unescape(a, &plain_a);
    plimsoll_json_unescape(b, &plain_b);
    return plimsoll_span_equal(plimsoll_text_span(&plain_a), plimsoll_text_span(&plain_b));
}

static unsigned long long hash_key(struct plimsoll_span raw)
{
    if (!is_escaped(raw)) {
        return plimsoll_span_hash(raw);
    }
    plimsoll_autotext plain = plimsoll_text_make(raw.size);
    plimsoll_json_unescape(raw, &plain);
    return plimsoll_span_hash(plimsoll_text_span(&plain));
}

static int compare_each(const struct plimsoll_json_document *document, int first,
                        const char **duplicate)
{
    for (int key = first; key >= 0; key = document->tokens[key].parent) {
        struct plimsoll_span raw = raw_key(document, key);
        for (int other = first; other != key; other = document->tokens[other].parent) {
            if (equal_keys(raw, raw_key(document, other))) {
                *duplicate = raw.data;
                return -1;
            }
        }
    }
    return 0;
}

/* The hash is seeded, so nobody can choose keys that collide. */
static int compare_hashed(const struct plimsoll_json_document *document, int first, size_t count,
                          const char **duplicate)
{
    size_t size = (size_t)1 << (64 - __builtin_clzll(count * 2));
    plimsoll_autofree struct slot *slots = plimsoll_alloc(size, sizeof *slots);
    for (int key = first; key >= 0; key = document->tokens[key].parent) {
        struct plimsoll_span raw = raw_key(document, key);
        unsigned long long hash = hash_key(raw);
        size_t at = hash & (size - 1);
        for (; slots[at].token != 0; at = (at + 1) & (size - 1)) {
            if (slots[at].hash == hash && equal_keys(raw, raw_key(document, slots[at].token))) {
                *duplicate = raw.data;
                return -1;
            }
        }
        slots[at] = (struct slot){.hash = hash, .token = key};
    }
    return 0;
}

int plimsoll_json_check_keys(const struct plimsoll_json_document *document, int object,
                             const char **duplicate)
{
    int count = document->tokens[object].size;
    if (count < 2) {
        return 0;
    }
    return count <= FEW_KEYS ? compare_each(document, object + 1, duplicate)
                             : compare_hashed(document, object + 1, (size_t)count, duplicate);
}
