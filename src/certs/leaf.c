/* SPDX-License-Identifier: Apache-2.0 */
/* The serving certificate of a kept CA: when another is due, and signing it. */
#include "authority.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>

static struct plimsoll_certs_options options_of(const struct plimsoll_leaf_names *names)
{
    return (struct plimsoll_certs_options){.dns = names->dns,
                                           .dns_count = names->dns_count,
                                           .ip = names->ip,
                                           .ip_count = names->ip_count,
                                           .leaf_days = PLIMSOLL_AUTHORITY_LEAF_DAYS};
}

int plimsoll_leaf_check_names(const struct plimsoll_leaf_names *names, struct plimsoll_error *err)
{
    struct plimsoll_certs_options options = options_of(names);
    return check_names(&options, err);
}

static const struct trusted *issuer_of(const struct plimsoll_authority *authority,
                                       const struct plimsoll_leaf *leaf)
{
    for (size_t i = 0; i < authority->count; i++) {
        char fingerprint[PLIMSOLL_FINGERPRINT_SIZE];
        certificate_fingerprint(authority->list[i].pair.certificate, fingerprint);
        if (leaf->issuer[0] != '\0' && strcmp(fingerprint, leaf->issuer) == 0) {
            return &authority->list[i];
        }
    }
    return NULL;
}

bool plimsoll_leaf_due(const struct plimsoll_authority *authority, const struct plimsoll_leaf *leaf,
                       int64_t now_unix_ms)
{
    const struct trusted *issuer = issuer_of(authority, leaf);
    if (!plimsoll_leaf_valid(leaf, now_unix_ms) || issuer == NULL) {
        return true;
    }
    const struct trusted *signer = authority_signer(authority, now_unix_ms);
    if (signer == NULL || (signer != issuer && !authority_seasoned(signer, now_unix_ms))) {
        return false; /* what is there is better */
    }
    int64_t life_ms = leaf->expires_ms - leaf->made_ms;
    return signer->from_ms > issuer->from_ms || now_unix_ms - leaf->made_ms >= life_ms / 3 * 2;
}

static char *take_pem(BIO *bio)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? plimsoll_copy(data, (size_t)size) : NULL;
}

static char *certificate_pem(X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1 ? take_pem(bio) : NULL;
    BIO_free(bio);
    return pem;
}

static char *key_pem(const EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *pem = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                    ? take_pem(bio)
                    : NULL;
    BIO_free(bio);
    return pem;
}

int plimsoll_leaf_sign(const struct plimsoll_authority *authority,
                       const struct plimsoll_leaf_names *names, int64_t now_unix_ms,
                       struct plimsoll_leaf *leaf, struct plimsoll_error *err)
{
    const struct trusted *signer = authority_signer(authority, now_unix_ms);
    if (signer == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "there is no CA that can sign");
    }
    struct plimsoll_certs_options options = options_of(names);
    options.now_unix_ms = now_unix_ms;
    plimsoll_autopair made = {.key = NULL};
    if (make_leaf(&options, &signer->pair, &made, err) != 0) {
        return -1;
    }
    struct plimsoll_leaf signed_leaf = {
        .certificate = certificate_pem(made.certificate),
        .key = key_pem(made.key),
        .from_ms = certificate_ms(X509_get0_notBefore(made.certificate)),
        .made_ms = now_unix_ms,
        .expires_ms = certificate_ms(X509_get0_notAfter(made.certificate)),
        .ca_expires_ms = signer->until_ms};
    certificate_fingerprint(signer->pair.certificate, signed_leaf.issuer);
    if (signed_leaf.certificate == NULL || signed_leaf.key == NULL) {
        plimsoll_leaf_clear(&signed_leaf);
        return openssl_failed(err, "writing a certificate");
    }
    *leaf = signed_leaf;
    return 0;
}

bool plimsoll_leaf_trusted(const struct plimsoll_leaf *leaf, struct plimsoll_span bundle)
{
    struct plimsoll_authority *trusted = plimsoll_authority_read(bundle, plimsoll_span_of(""));
    bool found = issuer_of(trusted, leaf) != NULL;
    plimsoll_authority_free(&trusted);
    return found;
}

void plimsoll_leaf_clear(struct plimsoll_leaf *leaf)
{
    if (leaf->key != NULL) {
        OPENSSL_cleanse(leaf->key, strlen(leaf->key));
    }
    free(leaf->certificate);
    free(leaf->key);
    *leaf = (struct plimsoll_leaf){.certificate = NULL};
}
