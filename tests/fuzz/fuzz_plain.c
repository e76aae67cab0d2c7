/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations as they stand in an object: the first byte says which, then come the quote, the value
 * and what follows. The quick readers do nothing that the thorough ones would not. */
#include <plimsoll/limits.h>

#include "../support/plain_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > PLIMSOLL_OBJECT_BYTES_MAX) {
        return 0;
    }
    struct plimsoll_span quoted = {.data = (const char *)data + 1, .size = size - 1};
    switch (data[0]) {
    case '0':
        agree_on_inventory(quoted);
        break;
    case '1':
        agree_on_usage(quoted);
        break;
    default:
        agree_on_claim(quoted);
    }
    return 0;
}
