/* SPDX-License-Identifier: Apache-2.0 */
/** The same JSON with blanks in it: readers take their slow ways over it, to the same result. */
#pragma once

#include <plimsoll/text.h>

/**
 * Appends `object` with a blank before and after every colon and comma outside strings.
 * @return false when there is a backslash outside strings, which is no JSON; nothing is promised
 *         about how such bytes are skipped
 */
static inline bool spaced_write(struct plimsoll_span object, struct plimsoll_text *out)
{
    bool in_string = false;
    for (size_t i = 0; i < object.size; i++) {
        char c = object.data[i];
        if (c == '\\') {
            if (!in_string) {
                return false;
            }
            plimsoll_text_add_char(out, c);
            i++;
            if (i == object.size) {
                break;
            }
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == ',' || c == ':')) {
            plimsoll_text_add_char(out, ' ');
            plimsoll_text_add_char(out, c);
            plimsoll_text_add_char(out, ' ');
            continue;
        }
        plimsoll_text_add_char(out, object.data[i]);
    }
    return true;
}
