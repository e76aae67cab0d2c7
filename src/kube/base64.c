/* SPDX-License-Identifier: Apache-2.0 */
#include "base64.h"

#include <openssl/evp.h>

#include <limits.h>

bool plimsoll_base64_decode(const char *encoded, struct plimsoll_text *out)
{
    size_t size = strlen(encoded);
    if (size > INT_MAX) {
        return false;
    }
    plimsoll_autofree unsigned char *bytes = plimsoll_alloc(size / 4 * 3 + 4, 1);
    EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
    int head = 0, tail = 0;
    EVP_DecodeInit(context);
    bool good =
        EVP_DecodeUpdate(context, bytes, &head, (const unsigned char *)encoded, (int)size) >= 0 &&
        EVP_DecodeFinal(context, bytes + head, &tail) >= 0 && head + tail > 0;
    EVP_ENCODE_CTX_free(context);
    if (good) {
        plimsoll_text_add(out, (const char *)bytes, (size_t)head + (size_t)tail);
    }
    return good;
}

char *plimsoll_base64_encode(struct plimsoll_span bytes)
{
    char *encoded = plimsoll_alloc(bytes.size / 3 * 4 + 5, 1);
    (void)EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)bytes.data,
                          (int)bytes.size);
    return encoded;
}
