/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A CA that a server keeps for itself, and the serving certificate that it signs with it.
 *
 * The CA is a bundle of certificates, oldest first, and the keys of some of them, both in PEM form
 * as a Secret has them. A new CA is appended to the bundle and signs only once everybody can have
 * read it; the ones before it stay trusted until they expire. So a change of CA drops no request.
 *
 * Pure: every answer follows from (bundle, keys, now). What cannot be used is left out, never an
 * error: the answer to a damaged bundle is a new CA.
 */
#pragma once

#include <plimsoll/certs.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

#include <stdint.h>

/** Certificates of one bundle; of more the last are kept. */
#define PLIMSOLL_AUTHORITY_MAX 16u
/** Bytes of a bundle or of its keys; a certificate of ours has 700. */
#define PLIMSOLL_AUTHORITY_BYTES_MAX (128u * 1024)
/** A CA beside others signs when it is so old: time for every replica to read it and for every API
 * server to hear of the bundle that has it. */
#define PLIMSOLL_AUTHORITY_SEASON_MS 60000
/** Life of a CA and of a serving certificate. */
#define PLIMSOLL_AUTHORITY_CA_DAYS   3650u
#define PLIMSOLL_AUTHORITY_LEAF_DAYS 90u
/** Hexadecimal digits of a certificate's SHA-256, and the NUL. */
#define PLIMSOLL_FINGERPRINT_SIZE 65

struct plimsoll_authority; /* immutable */

/** Certificates and keys in PEM form; both may be anything. @return owned, never NULL. */
struct plimsoll_authority *plimsoll_authority_read(struct plimsoll_span certificates,
                                                   struct plimsoll_span keys);
void plimsoll_authority_free(struct plimsoll_authority **authority);

/** Why a new CA is wanted: none can sign, or four fifths of the newest one's life are over. NULL:
 * none is. Static. */
const char *plimsoll_authority_wants_ca(const struct plimsoll_authority *authority,
                                        int64_t now_unix_ms);

/**
 * A new CA behind those that are there, without the expired ones. Of the keys only the one that
 * signs now and the new one stay.
 * @param trusted  More certificates (PEM) that servers may still use; they go before the new one.
 * @param renewed  Set on success, owned.
 * @return 0, or -1 when OpenSSL fails.
 */
int plimsoll_authority_renew(const struct plimsoll_authority *authority,
                             struct plimsoll_span trusted, int64_t now_unix_ms,
                             struct plimsoll_authority **renewed,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Appends what clients are to trust, in PEM form: all that has not expired. */
void plimsoll_authority_bundle(const struct plimsoll_authority *authority, int64_t now_unix_ms,
                               struct plimsoll_text *out);
/** Appends the keys that are kept, in PEM form. */
void plimsoll_authority_keys(const struct plimsoll_authority *authority, struct plimsoll_text *out);

/** A serving certificate; zeroed: none. */
struct plimsoll_leaf {
    char *certificate, *key; /* PEM; owned */
    int64_t from_ms, made_ms, expires_ms, ca_expires_ms;
    char issuer[PLIMSOLL_FINGERPRINT_SIZE];
};

struct plimsoll_leaf_names {
    const char *const *dns;
    size_t dns_count;
    const char *const *ip;
    size_t ip_count;
};

/** @return 0, or -1 with the name that no certificate can have. */
int plimsoll_leaf_check_names(const struct plimsoll_leaf_names *names,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * True when another certificate should be signed: there is none, it has expired, its CA is trusted
 * no longer, two thirds of its life are over, or a newer CA may sign.
 */
bool plimsoll_leaf_due(const struct plimsoll_authority *authority, const struct plimsoll_leaf *leaf,
                       int64_t now_unix_ms);

/**
 * Signs with the newest CA that may sign; a certificate never outlives its CA.
 * @param leaf  Set on success; the caller clears it.
 * @return 0, or -1: PLIMSOLL_ERR_NOT_FOUND when no CA can sign, PLIMSOLL_ERR_INVALID for names.
 */
int plimsoll_leaf_sign(const struct plimsoll_authority *authority,
                       const struct plimsoll_leaf_names *names, int64_t now_unix_ms,
                       struct plimsoll_leaf *leaf, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** True when the certificate's CA is among `bundle` (PEM, anything). */
bool plimsoll_leaf_trusted(const struct plimsoll_leaf *leaf, struct plimsoll_span bundle);
static inline bool plimsoll_leaf_valid(const struct plimsoll_leaf *leaf, int64_t now_unix_ms)
{
    return leaf->certificate != NULL && leaf->from_ms <= now_unix_ms &&
           now_unix_ms < leaf->expires_ms;
}
/** Wipes the key. */
void plimsoll_leaf_clear(struct plimsoll_leaf *leaf);
