/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Certificates by OpenSSL's library: a CA and a serving certificate it signs.
 *
 * ECDSA P-256, SHA-256, back-dated one hour, SANs in the right kind (dNSName, iPAddress).
 */
#pragma once

#include <plimsoll/error.h>

struct plimsoll_certs_options {
    const char *directory; /* must exist or be creatable; mode 0700 when made */
    const char *const *dns;
    size_t dns_count;
    const char *const *ip;
    size_t ip_count;
    unsigned ca_days, leaf_days; /* 0: 3650 and 365 */
    int64_t now_unix_ms;
};

/**
 * Writes ca.crt ca.key tls.crt tls.key (keys 0600). A usable CA that is there already is used
 * again; tls.crt and tls.key are replaced. Each file is replaced atomically.
 */
int plimsoll_certs_write(const struct plimsoll_certs_options *options,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
