/* SPDX-License-Identifier: Apache-2.0 */
/** Certificates for tests, made by GnuTLS. Include after cmocka. */
#pragma once

#include <gnutls/x509.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

struct authority {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

static inline gnutls_x509_privkey_t make_key(void)
{
    gnutls_x509_privkey_t key = NULL;
    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    return key;
}

static inline gnutls_x509_crt_t draft_certificate(const char *name, unsigned char serial,
                                                  gnutls_x509_privkey_t key)
{
    gnutls_x509_crt_t certificate = NULL;
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    assert_int_equal(gnutls_x509_crt_set_version(certificate, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(certificate, &serial, 1), 0);
    assert_int_equal(gnutls_x509_crt_set_activation_time(certificate, time(NULL) - 3600), 0);
    assert_int_equal(gnutls_x509_crt_set_expiration_time(certificate, 4000000000), 0);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                                   name, (unsigned)strlen(name)),
                     0);
    assert_int_equal(gnutls_x509_crt_set_key(certificate, key), 0);
    return certificate;
}

static inline struct authority make_authority(const char *name)
{
    struct authority made = {.key = make_key()};
    made.certificate = draft_certificate(name, 1, made.key);
    assert_int_equal(gnutls_x509_crt_set_basic_constraints(made.certificate, 1, -1), 0);
    assert_int_equal(gnutls_x509_crt_set_key_usage(made.certificate, GNUTLS_KEY_KEY_CERT_SIGN), 0);
    assert_int_equal(
        gnutls_x509_crt_sign2(made.certificate, made.certificate, made.key, GNUTLS_DIG_SHA256, 0),
        0);
    return made;
}

static inline void free_authority(struct authority *authority)
{
    gnutls_x509_crt_deinit(authority->certificate);
    gnutls_x509_privkey_deinit(authority->key);
}

/* Renames, so that a reader sees the whole file or none. */
static inline void put_file(const char *path, const void *data, size_t size)
{
    char fresh[1024];
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(fresh, path), 0);
}

struct pem {
    char certificate[4096], key[4096];
};

static inline void export_certificate(gnutls_x509_crt_t certificate, char pem[4096])
{
    size_t size = 4095;
    assert_int_equal(gnutls_x509_crt_export(certificate, GNUTLS_X509_FMT_PEM, pem, &size), 0);
    pem[size] = '\0';
}

/* A leaf of `authority` for `purpose` (an OID, or NULL for none). */
static inline struct pem make_leaf(const struct authority *authority, unsigned char serial,
                                   const char *purpose)
{
    struct pem pem;
    size_t size = sizeof pem.key - 1;
    gnutls_x509_privkey_t key = make_key();
    gnutls_x509_crt_t leaf = draft_certificate("leaf", serial, key);
    if (purpose != NULL) {
        assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(leaf, purpose, 0), 0);
    }
    assert_int_equal(
        gnutls_x509_crt_sign2(leaf, authority->certificate, authority->key, GNUTLS_DIG_SHA256, 0),
        0);
    export_certificate(leaf, pem.certificate);
    assert_int_equal(gnutls_x509_privkey_export(key, GNUTLS_X509_FMT_PEM, pem.key, &size), 0);
    pem.key[size] = '\0';
    gnutls_x509_crt_deinit(leaf);
    gnutls_x509_privkey_deinit(key);
    return pem;
}
