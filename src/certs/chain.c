/* SPDX-License-Identifier: Apache-2.0 */
/* Whether clients accept a serving certificate that somebody else made. */
#include "certs.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* All certificates of a PEM text. Broken ones are passed over, as Go's clients do. */
static STACK_OF(X509) * read_all(BIO *bio)
{
    STACK_OF(X509) *all = sk_X509_new_null();
    while (bio != NULL && all != NULL && !BIO_eof(bio)) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate != NULL && sk_X509_push(all, certificate) == 0) {
            X509_free(certificate);
        }
    }
    BIO_free(bio);
    ERR_clear_error();
    return all;
}

/* As API servers do it: what is in the bundle is trusted, root or not. */
static int verify(STACK_OF(X509) * chain, STACK_OF(X509) * bundle, int64_t now_unix_ms,
                  struct plimsoll_error *err)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (context == NULL ||
        X509_STORE_CTX_init(context, NULL, sk_X509_value(chain, 0), chain) != 1) {
        X509_STORE_CTX_free(context);
        return openssl_failed(err, "checking a certificate");
    }
    X509_STORE_CTX_set0_trusted_stack(context, bundle);
    X509_VERIFY_PARAM *how = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_PARTIAL_CHAIN);
    X509_VERIFY_PARAM_set_time(how, (time_t)(now_unix_ms / 1000));
    (void)X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_SSL_SERVER);
    int result = 0;
    if (X509_verify_cert(context) != 1) {
        result =
            plimsoll_error_set(err, PLIMSOLL_ERR_DENIED, "%s",
                               X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    }
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return result;
}

int plimsoll_certs_check_trust(const char *path, struct plimsoll_span bundle, int64_t now_unix_ms,
                               struct plimsoll_error *err)
{
    STACK_OF(X509) *chain = read_all(BIO_new_file(path, "r"));
    STACK_OF(X509) *trusted =
        read_all(BIO_new_mem_buf(bundle.size > 0 ? bundle.data : "", (int)bundle.size));
    int result;
    if (sk_X509_num(chain) < 1) {
        result = plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s holds no certificate", path);
    } else {
        result = verify(chain, trusted, now_unix_ms, err);
    }
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(trusted, X509_free);
    return result;
}
