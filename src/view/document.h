/* SPDX-License-Identifier: Apache-2.0 */
/** Objects for programs, built with jansson. */
#pragma once

#include <plimsoll/text.h>

#include <jansson.h>

/** A string that others wrote; where it is no UTF-8, what is wrong becomes `?` and it may be cut.
 */
json_t *plimsoll_document_string(const char *string);
/** Bytes; JSON numbers are whole up to 2^63. */
json_t *plimsoll_document_bytes(uint64_t bytes);
/** `{"v":1,"kind":KIND,"time":…}` */
json_t *plimsoll_document_make(const char *kind, int64_t now_unix_ms);
/** Appends it, indented, with a line feed, and gives it up. */
void plimsoll_document_end(json_t *document, struct plimsoll_text *out);
