/* SPDX-License-Identifier: Apache-2.0 */
/** How plimsoll_json_cursor_pairs finds its quotes. Private to base. */
#pragma once

#include <plimsoll/json_cursor.h>

#include "json_scan.h"

/** The best that the processor has unless a test says otherwise. @return false when it does not
 * have it. */
bool plimsoll_json_pairs_use(enum plimsoll_json_scan_kernel kernel);
