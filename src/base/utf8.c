/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <stdbool.h>

static bool continues(unsigned char byte)
{
    return (byte & 0xC0u) == 0x80u;
}

size_t plimsoll_utf8_sequence(const char *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    unsigned char lead = (unsigned char)data[0];
    if (lead < 0x80) {
        return 1;
    }
    size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                    : (lead & 0xF0u) == 0xE0u      ? 3
                    : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                   : 0;
    if (length == 0 || size < length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (!continues((unsigned char)data[i])) {
            return 0;
        }
    }
    unsigned char second = (unsigned char)data[1];
    bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    bool surrogate = lead == 0xED && second > 0x9F;
    bool beyond = lead == 0xF4 && second > 0x8F;
    return overlong || surrogate || beyond ? 0 : length;
}
