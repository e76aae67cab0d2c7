/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle: read, judged, renewed and written again. */
#include "authority.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <time.h>

#define COMMON_NAME "Plimsoll CA"
/* Broken blocks are passed over, so many at most. */
#define BLOCKS_MAX 64

int64_t certificate_ms(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) ? (int64_t)timegm(&parts) * 1000 : 0;
}

void certificate_fingerprint(const X509 *certificate, char out[PLIMSOLL_FINGERPRINT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    out[0] = '\0';
    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) {
        return;
    }
    for (unsigned i = 0; i < size && 2 * i + 2 < PLIMSOLL_FINGERPRINT_SIZE; i++) {
        (void)snprintf(out + (size_t)2 * i, 3, "%02x", (unsigned)digest[i]);
    }
}

/* -- reading -------------------------------------------------------------------------------------
 */

static bool has(const struct plimsoll_authority *authority, const X509 *certificate)
{
    for (size_t i = 0; i < authority->count; i++) {
        if (X509_cmp(authority->list[i].pair.certificate, certificate) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the certificate and the key. The oldest gives way when the bundle is full. */
static void append(struct plimsoll_authority *authority, X509 *certificate, EVP_PKEY *key)
{
    if (has(authority, certificate)) {
        X509_free(certificate);
        EVP_PKEY_free(key);
        return;
    }
    if (authority->count == PLIMSOLL_AUTHORITY_MAX) {
        pair_clear(&authority->list[0].pair);
        authority->count--;
        memmove(&authority->list[0], &authority->list[1],
                authority->count * sizeof authority->list[0]);
    }
    authority->list[authority->count++] =
        (struct trusted){.pair = {.certificate = certificate, .key = key},
                         .from_ms = certificate_ms(X509_get0_notBefore(certificate)),
                         .until_ms = certificate_ms(X509_get0_notAfter(certificate))};
}

static BIO *open_pem(struct plimsoll_span pem)
{
    if (pem.size == 0 || pem.size > PLIMSOLL_AUTHORITY_BYTES_MAX) {
        return NULL;
    }
    return BIO_new_mem_buf(pem.data, (int)pem.size);
}

/* Each certificate once, in its order. */
static void append_all(struct plimsoll_authority *authority, struct plimsoll_span pem)
{
    BIO *bio = open_pem(pem);
    for (int i = 0; bio != NULL && i < BLOCKS_MAX && !BIO_eof(bio); i++) {
        X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (certificate != NULL) {
            append(authority, certificate, NULL);
        }
    }
    BIO_free(bio);
    ERR_clear_error();
}

/* Nobody is there to be asked for a password. */
static int no_password(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

/* Gives the key to the certificates that it is the key of. */
static void hand_out(struct plimsoll_authority *authority, EVP_PKEY *key)
{
    for (size_t i = 0; i < authority->count; i++) {
        struct pair *pair = &authority->list[i].pair;
        if (pair->key == NULL && X509_check_private_key(pair->certificate, key) == 1 &&
            EVP_PKEY_up_ref(key)) {
            pair->key = key;
        }
    }
}

static void hand_out_all(struct plimsoll_authority *authority, struct plimsoll_span pem)
{
    BIO *bio = open_pem(pem);
    for (int i = 0; bio != NULL && i < BLOCKS_MAX && !BIO_eof(bio); i++) {
        EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
        if (key != NULL) {
            hand_out(authority, key);
            EVP_PKEY_free(key);
        }
    }
    BIO_free(bio);
    ERR_clear_error();
}

struct plimsoll_authority *plimsoll_authority_read(struct plimsoll_span certificates,
                                                   struct plimsoll_span keys)
{
    struct plimsoll_authority *authority = plimsoll_alloc(1, sizeof *authority);
    append_all(authority, certificates);
    hand_out_all(authority, keys);
    return authority;
}

void plimsoll_authority_free(struct plimsoll_authority **authority)
{
    struct plimsoll_authority *ending = PLIMSOLL_TAKE(*authority);
    for (size_t i = 0; ending != NULL && i < ending->count; i++) {
        pair_clear(&ending->list[i].pair);
    }
    free(ending);
}

/* -- judging -------------------------------------------------------------------------------------
 */

static bool can_sign(const struct trusted *ca, int64_t now_unix_ms)
{
    struct plimsoll_error unused;
    return ca->pair.key != NULL && check_ca(&ca->pair, now_unix_ms, &unused) == 0;
}

bool authority_seasoned(const struct trusted *ca, int64_t now_unix_ms)
{
    return now_unix_ms - ca->from_ms >= (int64_t)BACK_DATE_S * 1000 + PLIMSOLL_AUTHORITY_SEASON_MS;
}

static const struct trusted *newest(const struct plimsoll_authority *authority, int64_t now_unix_ms,
                                    bool seasoned)
{
    const struct trusted *found = NULL;
    for (size_t i = 0; i < authority->count; i++) {
        const struct trusted *ca = &authority->list[i];
        if (can_sign(ca, now_unix_ms) && (!seasoned || authority_seasoned(ca, now_unix_ms)) &&
            (found == NULL || ca->from_ms >= found->from_ms)) {
            found = ca;
        }
    }
    return found;
}

const struct trusted *authority_signer(const struct plimsoll_authority *authority,
                                       int64_t now_unix_ms)
{
    const struct trusted *seasoned = newest(authority, now_unix_ms, true);
    return seasoned != NULL ? seasoned : newest(authority, now_unix_ms, false);
}

const char *plimsoll_authority_wants_ca(const struct plimsoll_authority *authority,
                                        int64_t now_unix_ms)
{
    const struct trusted *ca = newest(authority, now_unix_ms, false);
    if (ca == NULL) {
        return "no CA with its key is there";
    }
    int64_t life_ms = ca->until_ms - ca->from_ms;
    return now_unix_ms - ca->from_ms >= life_ms / 5 * 4 ? "the CA is near its end" : NULL;
}

/* -- renewing ------------------------------------------------------------------------------------
 */

static void keep(struct plimsoll_authority *authority, const struct trusted *ca, bool with_key)
{
    X509_up_ref(ca->pair.certificate);
    if (with_key) {
        EVP_PKEY_up_ref(ca->pair.key);
    }
    append(authority, ca->pair.certificate, with_key ? ca->pair.key : NULL);
}

int plimsoll_authority_renew(const struct plimsoll_authority *authority,
                             struct plimsoll_span trusted, int64_t now_unix_ms,
                             struct plimsoll_authority **renewed, struct plimsoll_error *err)
{
    plimsoll_autopair ca = {.key = NULL};
    if (make_ca(COMMON_NAME, PLIMSOLL_AUTHORITY_CA_DAYS, now_unix_ms, &ca, err) != 0) {
        return -1;
    }
    const struct trusted *signer = authority_signer(authority, now_unix_ms);
    struct plimsoll_authority *others = plimsoll_authority_read(trusted, plimsoll_span_of(""));
    struct plimsoll_authority *made = plimsoll_alloc(1, sizeof *made);
    for (size_t i = 0; i < others->count; i++) {
        if (now_unix_ms < others->list[i].until_ms &&
            !has(authority, others->list[i].pair.certificate)) {
            keep(made, &others->list[i], false);
        }
    }
    for (size_t i = 0; i < authority->count; i++) {
        if (now_unix_ms < authority->list[i].until_ms) {
            keep(made, &authority->list[i], &authority->list[i] == signer);
        }
    }
    append(made, ca.certificate, ca.key);
    ca = (struct pair){.key = NULL};
    plimsoll_authority_free(&others);
    *renewed = made;
    return 0;
}

/* -- writing -------------------------------------------------------------------------------------
 */

static void add_bio(BIO *bio, struct plimsoll_text *out)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    if (size > 0) {
        plimsoll_text_add(out, data, (size_t)size);
    }
}

void plimsoll_authority_bundle(const struct plimsoll_authority *authority, int64_t now_unix_ms,
                               struct plimsoll_text *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    for (size_t i = 0; bio != NULL && i < authority->count; i++) {
        if (now_unix_ms < authority->list[i].until_ms) {
            (void)PEM_write_bio_X509(bio, authority->list[i].pair.certificate);
        }
    }
    add_bio(bio, out);
    BIO_free(bio);
}

void plimsoll_authority_keys(const struct plimsoll_authority *authority, struct plimsoll_text *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    for (size_t i = 0; bio != NULL && i < authority->count; i++) {
        if (authority->list[i].pair.key != NULL) {
            (void)PEM_write_bio_PKCS8PrivateKey(bio, authority->list[i].pair.key, NULL, NULL, 0,
                                                NULL, NULL);
        }
    }
    add_bio(bio, out);
    BIO_free(bio);
}
