/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/extender.h>
#include <plimsoll/json.h>
#include <plimsoll/limits.h>

#include "names.h"

/* These strings become parts of URLs and of the Binding, so only bytes that mean nothing there are
 * let through. */
static int read_field(struct plimsoll_json root, const char *key, char *out, size_t out_size,
                      struct plimsoll_error *err)
{
    struct plimsoll_json value = plimsoll_json_get_nocase(root, key);
    enum plimsoll_json_type type = plimsoll_json_type(value);
    if (type == PLIMSOLL_JSON_MISSING || type == PLIMSOLL_JSON_NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is missing", key);
    }
    if (type != PLIMSOLL_JSON_STRING) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is no string", key);
    }
    struct plimsoll_span raw = plimsoll_json_raw(value);
    if (raw.size >= out_size) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s has %zu bytes, want at most %zu",
                                  key, raw.size, out_size - 1);
    }
    bool dots = plimsoll_span_is(raw, ".") || plimsoll_span_is(raw, "..");
    if (!plimsoll_names_valid(raw) || dots) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s \"%.*s\" is no name, want letters, digits, '-' and '.'", key,
                                  PLIMSOLL_SPAN_ARG(raw));
    }
    memcpy(out, raw.data, raw.size);
    out[raw.size] = '\0';
    return 0;
}

int plimsoll_extender_read_bind(struct plimsoll_span body, struct plimsoll_bind_request *request,
                                struct plimsoll_error *err)
{
    if (body.size > PLIMSOLL_BIND_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "a bind request of %zu bytes, want at most %u", body.size,
                                  PLIMSOLL_BIND_BYTES_MAX);
    }
    plimsoll_autojson *document = NULL;
    if (plimsoll_json_parse(body, &document, err) < 0) {
        return plimsoll_error_wrap(err, "bind request");
    }
    struct plimsoll_json root = plimsoll_json_root(document);
    if (plimsoll_json_type(root) != PLIMSOLL_JSON_OBJECT) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "the bind request is no object, want PodName, PodNamespace, "
                                  "PodUID and Node");
    }
    struct plimsoll_bind_request read = {0};
    if (read_field(root, "PodName", read.pod, sizeof read.pod, err) < 0 ||
        read_field(root, "PodNamespace", read.namespace_, sizeof read.namespace_, err) < 0 ||
        read_field(root, "PodUID", read.uid.text, sizeof read.uid.text, err) < 0 ||
        read_field(root, "Node", read.node, sizeof read.node, err) < 0) {
        return -1;
    }
    *request = read;
    return 0;
}

void plimsoll_extender_write_bind(const char *message, struct plimsoll_text *answer)
{
    plimsoll_text_add_string(answer, "{\"Error\":");
    plimsoll_text_add_json(answer, plimsoll_span_of(message));
    plimsoll_text_add_char(answer, '}');
}
