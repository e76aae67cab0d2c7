/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a TLS listener proves itself with: certificate, key, client CA and ticket key, as one value.
 *
 * Every connection holds the identity it began with; a reload makes a new one for those that come.
 * So nothing a handshake uses is ever freed or changed under it, and tickets end with the
 * certificate.
 */
#pragma once

#include <plimsoll/http.h>

#include <gnutls/gnutls.h>

#include <stdbool.h>
#include <stdint.h>

struct identity;
struct identity_source; /* the files, and the identity they held when last they were good */

struct identity_files {
    const char *cert, *key; /* NULL: given by identity_source_give, there is none until then */
    const char *client_ca;  /* may be NULL */
    bool client_optional;
};

/** @param files  Borrowed until identity_source_free, strings too. @return NULL with `err` set. */
struct identity_source *identity_source_new(const struct identity_files *files,
                                            struct plimsoll_error *err);
void identity_source_free(struct identity_source *source);
/** Loads again when the files have changed; what does not load is logged once and left. One thread.
 */
void identity_source_check(struct identity_source *source);

/** Takes certificate and key for handshakes to come. @return 0, or -1: what was there stays. Safe
 * from several threads. */
int identity_source_give(struct identity_source *source,
                         const struct plimsoll_http_certificate *certificate,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The caller drops it. NULL while there is none. Safe from several threads. */
struct identity *identity_hold(struct identity_source *source);
void identity_drop(struct identity *identity);
/** Before the handshake. @return 0 or a GnuTLS error. */
int identity_apply(const struct identity *identity, const struct identity_source *source,
                   gnutls_session_t session);

struct identity_numbers {
    int64_t expires_unix_s, ca_expires_unix_s; /* 0: not known */
    uint64_t reloads, reloads_failed;
};
struct identity_numbers identity_numbers(struct identity_source *source);
