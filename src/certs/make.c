/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 v3 certificates on ECDSA P-256: RSA handshakes cost GnuTLS three times as much. */
#include "certs.h"

#include <plimsoll/span.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#define LEAF_DAYS   365u
#define DAYS_MAX    36500u
#define SERIAL_BITS 127 /* positive, and at most 20 bytes in DER */
#define SECONDS     86400

int openssl_failed(struct plimsoll_error *err, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "%s: %s", what,
                              reason != NULL ? reason : "OpenSSL failed");
}

void pair_clear(struct pair *pair)
{
    X509_free(pair->certificate);
    EVP_PKEY_free(pair->key);
    *pair = (struct pair){.key = NULL};
}

static bool set_serial(X509 *certificate)
{
    BIGNUM *number = BN_new();
    bool done = number != NULL &&
                BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool set_times(X509 *certificate, int64_t now_unix_ms, unsigned days)
{
    time_t now = (time_t)(now_unix_ms / 1000);
    return ASN1_TIME_set(X509_getm_notBefore(certificate), now - BACK_DATE_S) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), now + (time_t)days * SECONDS) != NULL;
}

/* A word for people: names of the server live in the SANs, nobody reads them here any more. */
static bool set_name(X509 *certificate, const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    bool done = name != NULL &&
                X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)common_name, -1, -1, 0) &&
                X509_set_subject_name(certificate, name);
    X509_NAME_free(name);
    return done;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

/* A certificate with key, names and times, not signed yet. */
static int draft(struct pair *pair, const char *common_name, int64_t now_unix_ms, unsigned days,
                 struct plimsoll_error *err)
{
    pair->key = EVP_EC_gen("P-256");
    pair->certificate = X509_new();
    if (pair->key == NULL || pair->certificate == NULL ||
        !X509_set_version(pair->certificate, X509_VERSION_3) || !set_serial(pair->certificate) ||
        !set_times(pair->certificate, now_unix_ms, days) ||
        !set_name(pair->certificate, common_name) ||
        !X509_set_pubkey(pair->certificate, pair->key)) {
        return openssl_failed(err, "making a certificate");
    }
    return 0;
}

static int check_days(const char *what, unsigned days, struct plimsoll_error *err)
{
    if (days > DAYS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: %u days; at most %u are possible",
                                  what, days, DAYS_MAX);
    }
    return 0;
}

int make_ca(const char *common_name, unsigned days, int64_t now_unix_ms, struct pair *ca,
            struct plimsoll_error *err)
{
    plimsoll_autopair made = {.key = NULL};
    if (check_days("CA", days, err) != 0 ||
        draft(&made, common_name, now_unix_ms, days, err) != 0) {
        return -1;
    }
    X509 *certificate = made.certificate;
    if (!X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) ||
        !add_extension(certificate, certificate, NID_basic_constraints,
                       "critical,CA:TRUE,pathlen:0") ||
        !add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extension(certificate, certificate, NID_subject_key_identifier, "hash") ||
        !add_extension(certificate, certificate, NID_authority_key_identifier, "keyid:always") ||
        !X509_sign(certificate, made.key, EVP_sha256())) {
        return openssl_failed(err, "making the CA");
    }
    *ca = made;
    made = (struct pair){.key = NULL};
    return 0;
}

static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

static bool is_label(struct plimsoll_span label)
{
    for (size_t i = 0; i < label.size; i++) {
        if (!is_label_char(label.data[i])) {
            return false;
        }
    }
    return label.size > 0 && label.size <= 63 && label.data[0] != '-' &&
           label.data[label.size - 1] != '-';
}

/* A DNS name as RFC 1123 has it, the first label may be `*`. */
static bool is_dns_name(const char *name)
{
    struct plimsoll_span rest = plimsoll_span_of(name), label = {.data = NULL};
    if (rest.size == 0 || rest.size > 253 || name[rest.size - 1] == '.') {
        return false;
    }
    if (plimsoll_span_starts(rest, "*.")) {
        rest = plimsoll_span_of(name + 2);
    }
    while (plimsoll_span_cut(&rest, '.', &label)) {
        if (!is_label(label)) {
            return false;
        }
    }
    return true;
}

static bool push_san(GENERAL_NAMES *sans, int kind, ASN1_STRING *value)
{
    GENERAL_NAME *san = GENERAL_NAME_new();
    if (san == NULL || value == NULL) {
        GENERAL_NAME_free(san);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(san, kind, value);
    if (sk_GENERAL_NAME_push(sans, san) == 0) {
        GENERAL_NAME_free(san);
        return false;
    }
    return true;
}

static int add_dns(GENERAL_NAMES *sans, const char *name, struct plimsoll_error *err)
{
    if (!is_dns_name(name)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "\"%s\" is no DNS name; right would be plimsoll.gpu.svc", name);
    }
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (value != NULL && !ASN1_STRING_set(value, name, -1)) {
        ASN1_IA5STRING_free(value);
        value = NULL;
    }
    return push_san(sans, GEN_DNS, value) ? 0 : openssl_failed(err, "adding a DNS name");
}

static int add_ip(GENERAL_NAMES *sans, const char *text, struct plimsoll_error *err)
{
    unsigned char bytes[16];
    if (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "\"%s\" is no IP address; right would be 192.0.2.7 or 2001:db8::7", text);
    }
    return push_san(sans, GEN_IPADD, a2i_IPADDRESS(text))
               ? 0
               : openssl_failed(err, "adding an address");
}

static int fill_sans(const struct plimsoll_certs_options *options, GENERAL_NAMES *sans,
                     struct plimsoll_error *err)
{
    size_t count = options->dns_count + options->ip_count;
    if (count == 0 || count > PLIMSOLL_CERTS_NAMES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "a serving certificate needs 1 to %u DNS names and addresses, "
                                  "this one has %zu",
                                  PLIMSOLL_CERTS_NAMES_MAX, count);
    }
    for (size_t i = 0; i < options->dns_count; i++) {
        if (add_dns(sans, options->dns[i], err) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < options->ip_count; i++) {
        if (add_ip(sans, options->ip[i], err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int add_sans(const struct plimsoll_certs_options *options, X509 *certificate,
                    struct plimsoll_error *err)
{
    GENERAL_NAMES *sans = GENERAL_NAMES_new();
    if (sans == NULL) {
        return openssl_failed(err, "making a certificate");
    }
    int result = fill_sans(options, sans, err);
    if (result == 0 && !X509_add1_ext_i2d(certificate, NID_subject_alt_name, sans, 0, 0)) {
        result = openssl_failed(err, "adding names");
    }
    GENERAL_NAMES_free(sans);
    return result;
}

int check_names(const struct plimsoll_certs_options *options, struct plimsoll_error *err)
{
    GENERAL_NAMES *sans = GENERAL_NAMES_new();
    if (sans == NULL) {
        return openssl_failed(err, "making a list of names");
    }
    int result = fill_sans(options, sans, err);
    GENERAL_NAMES_free(sans);
    return result;
}

static bool end_with(X509 *certificate, const X509 *ca)
{
    const ASN1_TIME *end = X509_get0_notAfter(ca);
    return ASN1_TIME_compare(X509_get0_notAfter(certificate), end) <= 0 ||
           X509_set1_notAfter(certificate, end);
}

static int sign(X509 *certificate, const struct pair *ca, const char *usage,
                struct plimsoll_error *err)
{
    if (!end_with(certificate, ca->certificate) ||
        !X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)) ||
        !add_extension(certificate, ca->certificate, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(certificate, ca->certificate, NID_key_usage, "critical,digitalSignature") ||
        !add_extension(certificate, ca->certificate, NID_ext_key_usage, usage) ||
        !add_extension(certificate, ca->certificate, NID_subject_key_identifier, "hash") ||
        !add_extension(certificate, ca->certificate, NID_authority_key_identifier,
                       "keyid:always") ||
        !X509_sign(certificate, ca->key, EVP_sha256())) {
        return openssl_failed(err, "signing the certificate");
    }
    return 0;
}

int make_leaf(const struct plimsoll_certs_options *options, const struct pair *ca,
              struct pair *leaf, struct plimsoll_error *err)
{
    plimsoll_autopair made = {.key = NULL};
    unsigned days = options->leaf_days > 0 ? options->leaf_days : LEAF_DAYS;
    if (check_days("certificate", days, err) != 0 ||
        draft(&made, "plimsoll", options->now_unix_ms, days, err) != 0 ||
        add_sans(options, made.certificate, err) != 0 ||
        sign(made.certificate, ca, "serverAuth", err) != 0) {
        return -1;
    }
    *leaf = made;
    made = (struct pair){.key = NULL};
    return 0;
}

/* What a log or an audit names; Kubernetes' own have colons in them. */
static bool is_client_name(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++) {
        if (!is_label_char(name[i]) && strchr(":._", name[i]) == NULL) {
            return false;
        }
    }
    return size > 0 && size <= PLIMSOLL_CERTS_CLIENT_BYTES_MAX;
}

int make_client(const char *name, const struct pair *ca, int64_t now_unix_ms, struct pair *client,
                struct plimsoll_error *err)
{
    plimsoll_autopair made = {.key = NULL};
    if (!is_client_name(name)) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "\"%.128s\" is no name of a client; right would be kube-scheduler "
            "(letters, digits, - . _ :, at most %u)",
            name, PLIMSOLL_CERTS_CLIENT_BYTES_MAX);
    }
    if (draft(&made, name, now_unix_ms, DAYS_MAX, err) != 0 ||
        sign(made.certificate, ca, "clientAuth", err) != 0) {
        return -1;
    }
    *client = made;
    made = (struct pair){.key = NULL};
    return 0;
}

int check_ca(const struct pair *ca, int64_t now_unix_ms, struct plimsoll_error *err)
{
    time_t now = (time_t)(now_unix_ms / 1000);
    if (X509_check_ca(ca->certificate) != 1) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the certificate is not a CA's");
    }
    if ((X509_get_key_usage(ca->certificate) & KU_KEY_CERT_SIGN) == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the CA may not sign certificates");
    }
    if (X509_check_private_key(ca->certificate, ca->key) != 1) {
        ERR_clear_error();
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the key is not the certificate's");
    }
    if (X509_cmp_time(X509_get0_notBefore(ca->certificate), &now) > 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the CA is not valid yet");
    }
    if (X509_cmp_time(X509_get0_notAfter(ca->certificate), &now) <= 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the CA has expired");
    }
    return 0;
}
