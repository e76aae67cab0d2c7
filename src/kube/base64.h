/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <plimsoll/text.h>

/** Appends what `encoded` stands for. @return false when it is no base64, or nothing. */
bool plimsoll_base64_decode(const char *encoded, struct plimsoll_text *out);
/** @return NUL-terminated, on one line. The caller frees. */
char *plimsoll_base64_encode(struct plimsoll_span bytes);
