/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include <plimsoll/clock.h>
#include <plimsoll/error.h>

json_t *plimsoll_document_string(const char *string)
{
    json_t *it = json_string(string);
    if (it == NULL) {
        struct plimsoll_error clean = {0};
        plimsoll_error_set(&clean, PLIMSOLL_ERR_NONE, "%s", string);
        it = json_string(clean.message);
    }
    return it;
}

json_t *plimsoll_document_bytes(uint64_t bytes)
{
    return json_integer(bytes < INT64_MAX ? (json_int_t)bytes : INT64_MAX);
}

json_t *plimsoll_document_make(const char *kind, int64_t now_unix_ms)
{
    char time[PLIMSOLL_TIME_SIZE];
    json_t *document = json_object();
    json_object_set_new(document, "v", json_integer(1));
    json_object_set_new(document, "kind", json_string(kind));
    if (now_unix_ms > 0) {
        json_object_set_new(document, "time", json_string(plimsoll_time_format(now_unix_ms, time)));
    }
    return document;
}

static int take(const char *data, size_t size, void *context)
{
    plimsoll_text_add(context, data, size);
    return 0;
}

void plimsoll_document_end(json_t *document, struct plimsoll_text *out)
{
    json_dump_callback(document, take, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    plimsoll_text_add_char(out, '\n');
    json_decref(document);
}
