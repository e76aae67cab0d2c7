/* SPDX-License-Identifier: Apache-2.0 */
/** The two halves of the module: certificates as values, and the files that hold them. */
#pragma once

#include <plimsoll/certs.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>

struct pair {
    X509 *certificate;
    EVP_PKEY *key;
};

void pair_clear(struct pair *pair);
#define plimsoll_autopair __attribute__((cleanup(pair_clear))) struct pair

/* make.c */
/* Certificates begin an hour before they are made, for clocks that are a little late. */
#define BACK_DATE_S 3600

int make_ca(const char *common_name, unsigned days, int64_t now_unix_ms, struct pair *ca,
            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/* Ends with the CA at the latest. */
int make_leaf(const struct plimsoll_certs_options *options, const struct pair *ca,
              struct pair *leaf, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/* For clients only, until the CA's end. */
int make_client(const char *name, const struct pair *ca, int64_t now_unix_ms, struct pair *client,
                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int check_names(const struct plimsoll_certs_options *options,
                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/* Whether this CA may sign a certificate now. */
int check_ca(const struct pair *ca, int64_t now_unix_ms,
             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/* Puts what OpenSSL said last behind `what`. */
int openssl_failed(struct plimsoll_error *err, const char *what);

/* files.c */
/* @return 1 when loaded, 0 when neither file is there, -1 when they cannot be used. */
int load_pair(const char *directory, const char *name, struct pair *pair,
              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int save_pair(const char *directory, const char *name, const struct pair *pair,
              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int make_directory(const char *directory, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
