/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Certificates by OpenSSL's library: a CA, and what it signs: a serving certificate, a client's.
 *
 * ECDSA P-256, SHA-256, random serials, back-dated one hour. A serving certificate has SANs in the
 * right kind (dNSName, iPAddress) and is good for servers only, a client's for clients only.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

#include <stdint.h>

/** DNS names and addresses of one certificate; clients walk them all. */
#define PLIMSOLL_CERTS_NAMES_MAX 100u
/** Bytes of a client's name, X.509's own limit of a common name. */
#define PLIMSOLL_CERTS_CLIENT_BYTES_MAX 64u

struct plimsoll_certs_options {
    const char *directory;  /* must exist or be creatable; mode 0700 when made */
    const char *client;     /* common name of a client certificate; NULL: none */
    const char *const *dns; /* at least one of dns, ip and client */
    size_t dns_count;
    const char *const *ip;
    size_t ip_count;
    /* 0: 3650 and 365; at most 36500. A client's lives as long as the CA: a scheduler reads it
     * once, when it starts. */
    unsigned ca_days, leaf_days;
    int64_t now_unix_ms;
};

/**
 * Writes ca.crt ca.key, with names tls.crt tls.key, with a client client.crt client.key (keys
 * 0600). A usable CA that is there already is used again, one that cannot be used (expired, no CA,
 * another key, half there) is refused and left; the others are replaced. Each file is replaced
 * atomically, the key before its certificate.
 *
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID for options or a CA, PLIMSOLL_ERR_UNAVAILABLE for
 *         files. Nothing is written on a failure but of the writing itself.
 */
int plimsoll_certs_write(const struct plimsoll_certs_options *options,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * Whether clients that trust `bundle` accept the serving certificate of a file, as far as its
 * issuer and its time go; its names are not looked at.
 *
 * @param path    PEM: the certificate, then its issuers.
 * @param bundle  PEM: what is trusted, root or not, as Go's clients have it; an object of the API
 * holds it.
 * @return 0, or -1: PLIMSOLL_ERR_INVALID when the file holds no certificate, PLIMSOLL_ERR_DENIED
 *         with OpenSSL's reason.
 */
int plimsoll_certs_check_trust(const char *path, struct plimsoll_span bundle, int64_t now_unix_ms,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
