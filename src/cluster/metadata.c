/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/node.h>

static uint64_t mix(uint64_t hash, struct plimsoll_span bytes)
{
    return (hash ^ plimsoll_span_hash(bytes)) * UINT64_C(0x9E3779B97F4A7C15);
}

static void read_members(struct plimsoll_json_cursor *cursor, struct plimsoll_metadata *metadata)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "name")) {
            plimsoll_json_cursor_string(cursor, &metadata->name);
        } else if (plimsoll_span_is(key, "resourceVersion")) {
            plimsoll_json_cursor_string(cursor, &metadata->version);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

int plimsoll_metadata_read(struct plimsoll_span object, struct plimsoll_metadata *metadata,
                           struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(object);
    struct plimsoll_metadata found = {0};
    struct plimsoll_span key;
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            if (plimsoll_span_is(key, "metadata")) {
                read_members(&cursor, &found);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
    }
    if (cursor.failed) {
        return plimsoll_json_cursor_error(&cursor, err);
    }
    *metadata = found;
    return 0;
}

static bool is_measurement(struct plimsoll_span key)
{
    return plimsoll_span_is(key, PLIMSOLL_ANNOTATION_USAGE) ||
           plimsoll_span_is(key, PLIMSOLL_ANNOTATION_FREE_VRAM) ||
           plimsoll_span_is(key, PLIMSOLL_ANNOTATION_FREE_VRAM_TIME);
}

static void hash_annotations(struct plimsoll_json_cursor *cursor,
                             struct plimsoll_fingerprint *found)
{
    struct plimsoll_span key, value;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (!plimsoll_json_cursor_skip(cursor, &value)) {
            return;
        }
        found->content = mix(mix(found->content, key), value);
        if (is_measurement(key)) {
            found->report = mix(mix(found->report, key), value);
        }
    }
}

static void hash_member(struct plimsoll_json_cursor *cursor, struct plimsoll_span key,
                        struct plimsoll_fingerprint *found)
{
    struct plimsoll_span value;
    if (plimsoll_json_cursor_skip(cursor, &value)) {
        found->content = mix(mix(found->content, key), value);
    }
}

static void hash_metadata(struct plimsoll_json_cursor *cursor, struct plimsoll_fingerprint *found)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "name")) {
            plimsoll_json_cursor_string(cursor, &found->name);
        } else if (plimsoll_span_is(key, "labels")) {
            hash_member(cursor, key, found);
        } else if (plimsoll_span_is(key, "annotations")) {
            hash_annotations(cursor, found);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

static void hash_status(struct plimsoll_json_cursor *cursor, struct plimsoll_fingerprint *found)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "capacity") || plimsoll_span_is(key, "allocatable")) {
            hash_member(cursor, key, found);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

int plimsoll_fingerprint_read(struct plimsoll_span object, struct plimsoll_fingerprint *fingerprint,
                              struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(object);
    struct plimsoll_fingerprint found = {0};
    struct plimsoll_span key;
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            if (plimsoll_span_is(key, "metadata")) {
                hash_metadata(&cursor, &found);
            } else if (plimsoll_span_is(key, "spec")) {
                hash_member(&cursor, key, &found);
            } else if (plimsoll_span_is(key, "status")) {
                hash_status(&cursor, &found);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
    }
    if (cursor.failed) {
        return plimsoll_json_cursor_error(&cursor, err);
    }
    *fingerprint = found;
    return 0;
}
