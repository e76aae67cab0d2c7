/* SPDX-License-Identifier: Apache-2.0 */
/** What the two files of a kept CA share: the bundle, and the certificates it signs. */
#pragma once

#include "certs.h"

#include <plimsoll/authority.h>

/** A certificate of the bundle; its key is NULL where nobody kept it. */
struct trusted {
    struct pair pair;
    int64_t from_ms, until_ms;
};

struct plimsoll_authority {
    struct trusted list[PLIMSOLL_AUTHORITY_MAX]; /* oldest first, each once */
    size_t count;
};

/* The one that signs, or NULL. */
const struct trusted *authority_signer(const struct plimsoll_authority *authority,
                                       int64_t now_unix_ms);
/* Old enough to sign beside others. */
bool authority_seasoned(const struct trusted *ca, int64_t now_unix_ms);
int64_t certificate_ms(const ASN1_TIME *time);
void certificate_fingerprint(const X509 *certificate, char out[PLIMSOLL_FINGERPRINT_SIZE]);
