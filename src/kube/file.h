/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/text.h>

/** Appends the file to `out`. @return 0, or -1 with the path and why; more than the ceiling of
 * `out` is PLIMSOLL_ERR_TOO_LARGE. */
int plimsoll_file_read(const char *path, struct plimsoll_text *out,
                       struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
