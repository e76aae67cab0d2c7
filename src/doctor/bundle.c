/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that the API server is told to trust. */
#include "parts.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define BUNDLE_BYTES_MAX (256u * 1024)

char *plimsoll_doctor_decode(struct plimsoll_span base64)
{
    if (base64.size == 0 || base64.size > BUNDLE_BYTES_MAX || base64.size % 4 != 0) {
        return NULL;
    }
    unsigned char *pem = plimsoll_alloc(base64.size, 1);
    int size = EVP_DecodeBlock(pem, (const unsigned char *)base64.data, (int)base64.size);
    if (size < 0) {
        free(pem);
        return NULL;
    }
    /* What padding stood for is 0, so the text ends where it should. */
    pem[size] = '\0';
    return (char *)pem;
}

/* The next certificate; the caller frees it. NULL: none is left that can be read. */
static X509 *next_certificate(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, NULL, NULL);
}

static int64_t end_of(const X509 *certificate)
{
    int days, seconds;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int64_t end = 0;
    if (epoch != NULL &&
        ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(certificate)) == 1) {
        end = ((int64_t)days * 86400 + seconds) * 1000;
    }
    ASN1_TIME_free(epoch);
    return end;
}

int64_t plimsoll_doctor_bundle_end(const char *pem)
{
    int64_t last = 0;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    for (X509 *one; bio != NULL && (one = next_certificate(bio)) != NULL;) {
        int64_t end = end_of(one);
        last = end > last ? end : last;
        X509_free(one);
    }
    BIO_free(bio);
    return last;
}

static bool holds(const char *bundle, const X509 *certificate)
{
    bool found = false;
    BIO *bio = BIO_new_mem_buf(bundle, -1);
    for (X509 *one; bio != NULL && (one = next_certificate(bio)) != NULL;) {
        found = found || X509_cmp(one, certificate) == 0;
        X509_free(one);
    }
    BIO_free(bio);
    return found;
}

bool plimsoll_doctor_bundle_has(const char *bundle, const char *pem)
{
    bool all = true;
    BIO *bio = BIO_new_mem_buf(pem, -1);
    for (X509 *one; bio != NULL && (one = next_certificate(bio)) != NULL;) {
        all = all && holds(bundle, one);
        X509_free(one);
    }
    BIO_free(bio);
    return all;
}
