/* SPDX-License-Identifier: Apache-2.0 */
/** Members of a JSON object, each with the comma before it where one is needed. */
#pragma once

#include <plimsoll/text.h>

/** `"name":`. An opening bracket before it, or the text's begin, needs no comma. */
void plimsoll_page_add_name(struct plimsoll_text *out, const char *name);
/** Nothing at all when the value is 0, "" (or NULL), false. */
void plimsoll_page_add_count(struct plimsoll_text *out, const char *name, uint64_t value);
void plimsoll_page_add_string(struct plimsoll_text *out, const char *name, const char *value);
void plimsoll_page_add_flag(struct plimsoll_text *out, const char *name, bool value);
/** Also when it is 0. */
void plimsoll_page_add_bytes(struct plimsoll_text *out, const char *name, uint64_t value);
/** `{`, `[` of the next element, with its comma. */
void plimsoll_page_add_open(struct plimsoll_text *out, char bracket);
