/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Certificates by OpenSSL's library: a CA and a serving certificate it signs.
 *
 * ECDSA P-256, SHA-256, random serials, back-dated one hour, SANs in the right kind (dNSName,
 * iPAddress), serverAuth only.
 */
#pragma once

#include <plimsoll/error.h>

#include <stdint.h>

/** DNS names and addresses of one certificate; clients walk them all. */
#define PLIMSOLL_CERTS_NAMES_MAX 100u

struct plimsoll_certs_options {
    const char *directory;  /* must exist or be creatable; mode 0700 when made */
    const char *const *dns; /* at least one of dns and ip */
    size_t dns_count;
    const char *const *ip;
    size_t ip_count;
    unsigned ca_days, leaf_days; /* 0: 3650 and 365; at most 36500 */
    int64_t now_unix_ms;
};

/**
 * Writes ca.crt ca.key tls.crt tls.key (keys 0600). A usable CA that is there already is used
 * again, one that cannot be used (expired, no CA, another key, half there) is refused and left;
 * tls.crt and tls.key are replaced. Each file is replaced atomically, the key before its
 * certificate.
 *
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID for options or a CA, PLIMSOLL_ERR_UNAVAILABLE for
 *         files. Nothing is written on a failure but of the writing itself.
 */
int plimsoll_certs_write(const struct plimsoll_certs_options *options,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
