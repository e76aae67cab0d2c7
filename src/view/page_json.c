/* SPDX-License-Identifier: Apache-2.0 */
#include "page_json.h"

static void add_comma(struct plimsoll_text *out)
{
    char last = '{';
    if (out->size > 0) {
        last = out->data[out->size - 1];
    }
    if (last != '{' && last != '[' && last != ':') {
        plimsoll_text_add_char(out, ',');
    }
}

void plimsoll_page_add_name(struct plimsoll_text *out, const char *name)
{
    add_comma(out);
    plimsoll_text_add_json(out, plimsoll_span_of(name));
    plimsoll_text_add_char(out, ':');
}

void plimsoll_page_add_bytes(struct plimsoll_text *out, const char *name, uint64_t value)
{
    plimsoll_page_add_name(out, name);
    plimsoll_text_add_uint(out, value);
}

void plimsoll_page_add_count(struct plimsoll_text *out, const char *name, uint64_t value)
{
    if (value > 0) {
        plimsoll_page_add_bytes(out, name, value);
    }
}

void plimsoll_page_add_string(struct plimsoll_text *out, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        plimsoll_page_add_name(out, name);
        plimsoll_text_add_json(out, plimsoll_span_of(value));
    }
}

void plimsoll_page_add_flag(struct plimsoll_text *out, const char *name, bool value)
{
    if (value) {
        plimsoll_page_add_name(out, name);
        plimsoll_text_add_string(out, "true");
    }
}

void plimsoll_page_add_open(struct plimsoll_text *out, char bracket)
{
    add_comma(out);
    plimsoll_text_add_char(out, bracket);
}
