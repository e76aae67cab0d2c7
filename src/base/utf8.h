/* SPDX-License-Identifier: Apache-2.0 */
/** UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Private to base. */
#pragma once

#include <stddef.h>

/** Bytes of the well-formed sequence at `data`, 1 … 4; 0 when it is ill-formed or cut short. */
size_t plimsoll_utf8_sequence(const char *data, size_t size);
