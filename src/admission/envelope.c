/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope.h"

#include <plimsoll/json_cursor.h>

/** A member that is wanted: a string, or a whole value, which may be an object to walk into. */
struct want {
    const char *key;
    struct plimsoll_span *text, *raw; /* one of them, or `into` alone */
    struct want *into;                /* ends with a NULL key */
    bool seen;
};

static void walk(struct plimsoll_json_cursor *cursor, struct want *wants);

static void read_member(struct plimsoll_json_cursor *cursor, struct want *want)
{
    enum plimsoll_json_type type = plimsoll_json_cursor_type(cursor);
    const char *start = cursor->at; /* at the value: type passes over white space */
    if (want->seen) {
        cursor->failed = true;
        cursor->what = "a key is there twice";
    } else if (want->text != NULL && type == PLIMSOLL_JSON_STRING) {
        plimsoll_json_cursor_string(cursor, want->text);
    } else if (want->into != NULL) {
        walk(cursor, want->into);
    } else {
        plimsoll_json_cursor_skip(cursor, NULL);
    }
    if (want->raw != NULL && !cursor->failed) {
        *want->raw = (struct plimsoll_span){.data = start, .size = (size_t)(cursor->at - start)};
    }
    want->seen = true;
}

static void walk(struct plimsoll_json_cursor *cursor, struct want *wants)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        struct want *want = wants;
        while (want->key != NULL && !plimsoll_span_is(key, want->key)) {
            want++;
        }
        if (want->key != NULL) {
            read_member(cursor, want);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

int plimsoll_envelope_read(struct plimsoll_span review, struct plimsoll_envelope *envelope,
                           struct plimsoll_error *err)
{
    struct plimsoll_envelope read = {.uid = {0}};
    struct want metadata[] = {{"annotations", .raw = &read.annotations},
                              {"labels", .raw = &read.labels},
                              {"namespace", .text = &read.pod_namespace},
                              {0}};
    struct want object[] = {
        {"metadata", .raw = &read.metadata, .into = metadata}, {"spec", .raw = &read.spec}, {0}};
    struct want kind[] = {{"group", .text = &read.kind_group},
                          {"version", .text = &read.kind_version},
                          {"kind", .text = &read.kind},
                          {0}};
    struct want resource[] = {{"resource", .text = &read.resource}, {0}};
    struct want request[] = {{"uid", .text = &read.uid},
                             {"operation", .text = &read.operation},
                             {"subResource", .text = &read.subresource},
                             {"namespace", .text = &read.namespace_},
                             {"kind", .into = kind},
                             {"resource", .into = resource},
                             {"object", .raw = &read.object, .into = object},
                             {0}};
    struct want root[] = {{"kind", .text = &read.review_kind},
                          {"apiVersion", .text = &read.api_version},
                          {"request", .raw = &read.request, .into = request},
                          {0}};
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(review);
    walk(&cursor, root);
    plimsoll_json_cursor_finish(&cursor);
    if (cursor.failed) {
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "no AdmissionReview");
    }
    *envelope = read;
    return 0;
}
