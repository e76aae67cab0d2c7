/* SPDX-License-Identifier: Apache-2.0 */
/* A CA that is kept: made, judged, renewed and put to use by a clock that the test moves. */
#include "unit.h"

#include <plimsoll/authority.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)
#define SEASON  PLIMSOLL_AUTHORITY_SEASON_MS
/* 2026-11-25 */
#define START 1795564800000LL

static const char *const dns[] = {"plimsoll", "plimsoll.gpu.svc", "localhost"};
static const char *const ip[] = {"127.0.0.1", "::1"};
static const struct plimsoll_leaf_names names = {
    .dns = dns, .dns_count = 3, .ip = ip, .ip_count = 2};

static const struct plimsoll_span none = {.data = NULL};

#define autoauthority __attribute__((cleanup(plimsoll_authority_free))) struct plimsoll_authority
#define autoleaf      __attribute__((cleanup(plimsoll_leaf_clear))) struct plimsoll_leaf

/* -- helpers -------------------------------------------------------------------------------------
 */

/* A bundle and its keys as a Secret has them. */
struct stored {
    struct plimsoll_text certificates, keys;
};

static void stored_clear(struct stored *stored)
{
    plimsoll_text_clear(&stored->certificates);
    plimsoll_text_clear(&stored->keys);
}

#define autostored __attribute__((cleanup(stored_clear))) struct stored

static struct stored store(const struct plimsoll_authority *authority, int64_t now_ms)
{
    struct stored stored = {plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX),
                            plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX)};
    plimsoll_authority_bundle(authority, now_ms, &stored.certificates);
    plimsoll_authority_keys(authority, &stored.keys);
    return stored;
}

static struct plimsoll_authority *load(const struct stored *stored)
{
    return plimsoll_authority_read(plimsoll_text_span(&stored->certificates),
                                   plimsoll_text_span(&stored->keys));
}

static struct plimsoll_authority *renew(const struct plimsoll_authority *authority,
                                        struct plimsoll_span trusted, int64_t now_ms)
{
    struct plimsoll_authority *renewed = NULL;
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_authority_renew(authority, trusted, now_ms, &renewed, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return renewed;
}

static struct plimsoll_authority *first(int64_t now_ms)
{
    autoauthority *nothing = plimsoll_authority_read(none, none);
    return renew(nothing, none, now_ms);
}

/* As a replica does it: written to the Secret and read again. */
static void rotate(struct plimsoll_authority **authority, int64_t now_ms)
{
    struct plimsoll_authority *renewed = renew(*authority, none, now_ms);
    autostored stored = store(renewed, now_ms);
    plimsoll_authority_free(&renewed);
    plimsoll_authority_free(authority);
    *authority = load(&stored);
}

static struct plimsoll_leaf sign(const struct plimsoll_authority *authority, int64_t now_ms)
{
    struct plimsoll_leaf leaf = {.certificate = NULL};
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_leaf_sign(authority, &names, now_ms, &leaf, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return leaf;
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = text; at != NULL && (at = strstr(at, what)) != NULL; at++) {
        found++;
    }
    return found;
}

static size_t certificates_in(const struct plimsoll_text *pem)
{
    return count(pem->data, "-----BEGIN CERTIFICATE-----");
}

static size_t keys_in(const struct plimsoll_text *pem)
{
    return count(pem->data, "-----BEGIN PRIVATE KEY-----");
}

static X509 *parse(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    assert_non_null(certificate);
    return certificate;
}

/* What a client says that trusts the bundle and asks for a name at a time. */
static bool accepts(const struct plimsoll_text *bundle, const struct plimsoll_leaf *leaf,
                    const char *host, int64_t now_ms)
{
    X509_STORE *trusted = X509_STORE_new();
    BIO *bio = BIO_new_mem_buf(bundle->data, (int)bundle->size);
    for (X509 *ca; (ca = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL; X509_free(ca)) {
        assert_int_equal(X509_STORE_add_cert(trusted, ca), 1);
    }
    X509 *certificate = parse(leaf->certificate);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_CTX_init(context, trusted, certificate, NULL), 1);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER), 1);
    assert_int_equal(X509_VERIFY_PARAM_set1_host(param, host, 0), 1);
    bool accepted = X509_verify_cert(context) == 1;
    X509_STORE_CTX_free(context);
    X509_free(certificate);
    BIO_free(bio);
    X509_STORE_free(trusted);
    return accepted;
}

/* -- is there a usable CA ------------------------------------------------------------------------
 */

static void nothing_wants_a_ca_and_one_made_is_good_for_eight_years(void **state)
{
    (void)state;
    autoauthority *nothing = plimsoll_authority_read(none, none);
    assert_string_equal(plimsoll_authority_wants_ca(nothing, START), "no CA with its key is there");
    autoauthority *made = first(START);
    assert_null(plimsoll_authority_wants_ca(made, START));
    assert_null(plimsoll_authority_wants_ca(made, START + 8 * YEAR_MS - DAY_MS));
    assert_string_equal(plimsoll_authority_wants_ca(made, START + 8 * YEAR_MS + DAY_MS),
                        "the CA is near its end");
    assert_string_equal(plimsoll_authority_wants_ca(made, START + 10 * YEAR_MS + DAY_MS),
                        "no CA with its key is there");
}

static void a_ca_survives_being_written_and_read(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    assert_int_equal(certificates_in(&stored.certificates), 1);
    assert_int_equal(keys_in(&stored.keys), 1);
    autoauthority *read = load(&stored);
    assert_null(plimsoll_authority_wants_ca(read, START));
    autostored again = store(read, START);
    assert_string_equal(again.certificates.data, stored.certificates.data);
    assert_string_equal(again.keys.data, stored.keys.data);
}

static void a_ca_of_ours_is_p256_and_says_what_it_is(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    X509 *ca = parse(stored.certificates.data);
    assert_int_equal(X509_check_ca(ca), 1);
    assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(ca)), 256);
    X509_free(ca);
}

static void what_is_damaged_is_no_ca(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autoauthority *other = first(START);
    autostored stored = store(made, START), others = store(other, START);
    struct plimsoll_span certificates = plimsoll_text_span(&stored.certificates);
    struct plimsoll_span keys = plimsoll_text_span(&stored.keys);
    const struct {
        struct plimsoll_span certificates, keys;
    } bad[] = {
        {certificates, none},
        {none, keys},
        {certificates, plimsoll_text_span(&others.keys)},
        {{certificates.data, certificates.size / 2}, keys},
        {certificates, {keys.data, keys.size / 2}},
        {plimsoll_span_of("no PEM at all"), keys},
        {certificates,
         plimsoll_span_of("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")},
        {certificates, {"\0\0\0", 3}},
        {keys, certificates},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        autoauthority *read = plimsoll_authority_read(bad[i].certificates, bad[i].keys);
        assert_non_null(plimsoll_authority_wants_ca(read, START));
    }
}

static void what_stands_around_a_ca_does_not_hide_it(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    plimsoll_autotext certificates = plimsoll_text_make(1 << 16);
    plimsoll_autotext keys = plimsoll_text_make(1 << 16);
    plimsoll_text_add_string(&certificates, "# by hand\n-----BEGIN CERTIFICATE-----\nAAAA\n"
                                            "-----END CERTIFICATE-----\n");
    plimsoll_text_add_string(&certificates, stored.certificates.data);
    plimsoll_text_add_string(&keys,
                             "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    plimsoll_text_add_string(&keys, stored.keys.data);
    autoauthority *read =
        plimsoll_authority_read(plimsoll_text_span(&certificates), plimsoll_text_span(&keys));
    assert_null(plimsoll_authority_wants_ca(read, START));
}

static void a_serving_certificate_is_no_ca(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autoleaf leaf = sign(made, START);
    autoauthority *read =
        plimsoll_authority_read(plimsoll_span_of(leaf.certificate), plimsoll_span_of(leaf.key));
    assert_non_null(plimsoll_authority_wants_ca(read, START));
}

static void a_key_behind_a_password_is_no_key_and_nobody_is_asked(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    BIO *in = BIO_new_mem_buf(stored.keys.data, -1), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char secret[] = "secret", *data = NULL;
    assert_int_equal(
        PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), secret, 6, NULL, NULL), 1);
    long size = BIO_get_mem_data(out, &data);
    autoauthority *read = plimsoll_authority_read(plimsoll_text_span(&stored.certificates),
                                                  (struct plimsoll_span){data, (size_t)size});
    assert_non_null(plimsoll_authority_wants_ca(read, START));
    EVP_PKEY_free(key);
    BIO_free(in);
    BIO_free(out);
}

static void more_than_plimsoll_authority_bytes_max_is_not_read(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    size_t size = PLIMSOLL_AUTHORITY_BYTES_MAX + 1;
    plimsoll_autofree char *padded = plimsoll_alloc(size, 1);
    memset(padded, '\n', size);
    memcpy(padded, stored.certificates.data, stored.certificates.size);
    autoauthority *largest = plimsoll_authority_read((struct plimsoll_span){padded, size - 1},
                                                     plimsoll_text_span(&stored.keys));
    autoauthority *larger = plimsoll_authority_read((struct plimsoll_span){padded, size},
                                                    plimsoll_text_span(&stored.keys));
    assert_null(plimsoll_authority_wants_ca(largest, START));
    assert_non_null(plimsoll_authority_wants_ca(larger, START));
}

/* -- the serving certificate ---------------------------------------------------------------------
 */

static void a_certificate_is_accepted_for_each_of_its_names(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    autoleaf leaf = sign(made, START);
    for (size_t i = 0; i < 3; i++) {
        assert_true(accepts(&stored.certificates, &leaf, dns[i], START));
    }
    assert_false(accepts(&stored.certificates, &leaf, "another.gpu.svc", START));
    X509 *certificate = parse(leaf.certificate);
    assert_int_equal(X509_check_ip_asc(certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(certificate, "::1", 0), 1);
    X509_free(certificate);
    /* Back-dated, for clocks that are late. */
    assert_true(accepts(&stored.certificates, &leaf, dns[0], START - HOUR_MS / 2));
}

static void it_is_due_when_two_thirds_of_its_90_days_are_over(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autoleaf leaf = {.certificate = NULL};
    assert_true(plimsoll_leaf_due(made, &leaf, START));
    assert_false(plimsoll_leaf_valid(&leaf, START));
    leaf = sign(made, START);
    assert_int_equal(leaf.expires_ms, START + 90 * DAY_MS);
    assert_false(plimsoll_leaf_due(made, &leaf, START));
    assert_false(plimsoll_leaf_due(made, &leaf, START + 60 * DAY_MS - 1000));
    assert_true(plimsoll_leaf_due(made, &leaf, START + 60 * DAY_MS));
    assert_true(plimsoll_leaf_valid(&leaf, START + 90 * DAY_MS - 1));
    assert_false(plimsoll_leaf_valid(&leaf, START + 90 * DAY_MS));
    /* A clock that goes back behind its beginning. */
    assert_false(plimsoll_leaf_due(made, &leaf, START - HOUR_MS));
    assert_true(plimsoll_leaf_due(made, &leaf, START - HOUR_MS - 1));
}

static void it_never_outlives_its_ca(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    int64_t late = START + 10 * YEAR_MS - 10 * DAY_MS;
    autoleaf leaf = sign(made, late);
    assert_int_equal(leaf.expires_ms, leaf.ca_expires_ms);
    assert_int_equal(leaf.expires_ms, START + 10 * YEAR_MS);
    assert_false(plimsoll_leaf_due(made, &leaf, late + 6 * DAY_MS));
    assert_true(plimsoll_leaf_due(made, &leaf, late + 7 * DAY_MS));
}

static void without_a_ca_nothing_is_signed(void **state)
{
    (void)state;
    autoauthority *nothing = plimsoll_authority_read(none, none);
    struct plimsoll_leaf leaf = {.certificate = NULL};
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE};
    assert_int_equal(plimsoll_leaf_sign(nothing, &names, START, &leaf, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_null(leaf.certificate);
}

static void names_that_cannot_be_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"under_score", "", "-a", "a..b", "a."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE};
        const struct plimsoll_leaf_names wrong = {.dns = &bad[i], .dns_count = 1};
        assert_int_equal(plimsoll_leaf_check_names(&wrong, &err), -1);
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        assert_non_null(strstr(err.message, bad[i]));
    }
    struct plimsoll_error unused;
    assert_int_equal(plimsoll_leaf_check_names(&names, &unused), 0);
}

/* -- a change of CA ------------------------------------------------------------------------------
 */

static void a_new_ca_is_published_first_and_signs_a_season_later(void **state)
{
    (void)state;
    int64_t now = START + 9 * YEAR_MS;
    autoauthority *authority = first(START);
    autostored before = store(authority, now);
    autoleaf old = sign(authority, now);
    rotate(&authority, now);
    assert_null(plimsoll_authority_wants_ca(authority, now));
    autostored after = store(authority, now);
    assert_int_equal(certificates_in(&after.certificates), 2);
    assert_memory_equal(after.certificates.data, before.certificates.data,
                        before.certificates.size);

    /* What is signed meanwhile is accepted by those who know the old bundle only. */
    assert_false(plimsoll_leaf_due(authority, &old, now + SEASON - 1));
    autoleaf meanwhile = sign(authority, now + SEASON - 1);
    assert_true(accepts(&before.certificates, &meanwhile, dns[0], now + SEASON));

    assert_true(plimsoll_leaf_due(authority, &old, now + SEASON));
    autoleaf young = sign(authority, now + SEASON);
    assert_false(accepts(&before.certificates, &young, dns[0], now + SEASON));
    assert_true(accepts(&after.certificates, &young, dns[0], now + SEASON));
    assert_true(accepts(&after.certificates, &old, dns[0], now + SEASON));
    assert_false(plimsoll_leaf_due(authority, &young, now + SEASON));
    assert_true(plimsoll_leaf_trusted(&young, plimsoll_text_span(&after.certificates)));
    assert_false(plimsoll_leaf_trusted(&young, plimsoll_text_span(&before.certificates)));
    assert_true(plimsoll_leaf_trusted(&old, plimsoll_text_span(&before.certificates)));
}

static void the_expired_ones_are_dropped(void **state)
{
    (void)state;
    autoauthority *authority = first(START);
    rotate(&authority, START + 9 * YEAR_MS);
    int64_t now = START + 10 * YEAR_MS + DAY_MS;
    autostored shown = store(authority, now);
    assert_int_equal(certificates_in(&shown.certificates), 1);
    rotate(&authority, now);
    autostored renewed = store(authority, now);
    assert_int_equal(certificates_in(&renewed.certificates), 2);
}

static void keys_that_no_longer_sign_are_dropped(void **state)
{
    (void)state;
    autoauthority *authority = first(START);
    for (int i = 1; i <= 5; i++) {
        rotate(&authority, START + i * DAY_MS);
        autostored stored = store(authority, START + i * DAY_MS);
        assert_int_equal(certificates_in(&stored.certificates), (size_t)i + 1);
        assert_int_equal(keys_in(&stored.keys), 2);
    }
}

static void a_lost_key_means_a_new_ca_beside_the_old_one(void **state)
{
    (void)state;
    int64_t now = START + DAY_MS;
    autoauthority *made = first(START);
    autostored stored = store(made, START);
    autoleaf old = sign(made, START);
    autoauthority *keyless =
        plimsoll_authority_read(plimsoll_text_span(&stored.certificates), none);
    assert_non_null(plimsoll_authority_wants_ca(keyless, now));
    autoauthority *renewed = renew(keyless, none, now);
    autostored after = store(renewed, now);
    assert_int_equal(certificates_in(&after.certificates), 2);
    /* The certificate in use stays until the new CA is known everywhere. */
    assert_false(plimsoll_leaf_due(renewed, &old, now));
    assert_true(plimsoll_leaf_due(renewed, &old, now + SEASON));
    /* Who has none does not wait. */
    autoleaf fresh = sign(renewed, now);
    assert_true(accepts(&after.certificates, &fresh, dns[0], now));
}

static void a_lost_bundle_keeps_what_servers_may_still_use(void **state)
{
    (void)state;
    int64_t now = START + DAY_MS;
    autoauthority *made = first(START);
    autostored live = store(made, START);
    autoleaf old = sign(made, START);
    autoauthority *nothing = plimsoll_authority_read(none, none);
    autoauthority *renewed = renew(nothing, plimsoll_text_span(&live.certificates), now);
    autostored after = store(renewed, now);
    assert_int_equal(certificates_in(&after.certificates), 2);
    assert_int_equal(keys_in(&after.keys), 1);
    assert_true(accepts(&after.certificates, &old, dns[0], now));
    assert_false(plimsoll_leaf_due(renewed, &old, now));
    /* What has expired is nobody's. */
    autoauthority *late =
        renew(nothing, plimsoll_text_span(&live.certificates), START + 11 * YEAR_MS);
    autostored alone = store(late, START + 11 * YEAR_MS);
    assert_int_equal(certificates_in(&alone.certificates), 1);
}

static void a_certificate_of_a_ca_that_is_gone_is_due_at_once(void **state)
{
    (void)state;
    autoauthority *made = first(START);
    autoauthority *other = first(START);
    autoleaf leaf = sign(made, START);
    assert_true(plimsoll_leaf_due(other, &leaf, START));
}

static void two_replicas_that_read_the_same_decide_the_same(void **state)
{
    (void)state;
    int64_t now = START + 9 * YEAR_MS;
    autoauthority *authority = first(START);
    rotate(&authority, now);
    autostored stored = store(authority, now);
    autoauthority *one = load(&stored);
    autoauthority *two = load(&stored);
    for (int64_t at = now; at <= now + 2 * SEASON; at += SEASON / 2) {
        autoleaf mine = sign(one, at), theirs = sign(two, at);
        assert_string_equal(mine.issuer, theirs.issuer);
    }
}

static void the_last_plimsoll_authority_max_certificates_are_kept(void **state)
{
    (void)state;
    plimsoll_autotext all = plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX);
    struct plimsoll_text last_key = plimsoll_text_make(PLIMSOLL_AUTHORITY_BYTES_MAX);
    for (unsigned i = 0; i <= PLIMSOLL_AUTHORITY_MAX; i++) {
        autoauthority *one = first(START);
        plimsoll_authority_bundle(one, START, &all);
        if (i == PLIMSOLL_AUTHORITY_MAX) {
            plimsoll_authority_keys(one, &last_key);
        }
    }
    autoauthority *read =
        plimsoll_authority_read(plimsoll_text_span(&all), plimsoll_text_span(&last_key));
    assert_null(plimsoll_authority_wants_ca(read, START));
    autostored kept = store(read, START);
    assert_int_equal(certificates_in(&kept.certificates), PLIMSOLL_AUTHORITY_MAX);
    /* And a full bundle takes one more. */
    autoauthority *renewed = renew(read, plimsoll_text_span(&all), START + DAY_MS);
    autostored after = store(renewed, START + DAY_MS);
    assert_int_equal(certificates_in(&after.certificates), PLIMSOLL_AUTHORITY_MAX);
    assert_int_equal(keys_in(&after.keys), 2);
    plimsoll_text_clear(&last_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_wants_a_ca_and_one_made_is_good_for_eight_years),
        cmocka_unit_test(a_ca_survives_being_written_and_read),
        cmocka_unit_test(a_ca_of_ours_is_p256_and_says_what_it_is),
        cmocka_unit_test(what_is_damaged_is_no_ca),
        cmocka_unit_test(what_stands_around_a_ca_does_not_hide_it),
        cmocka_unit_test(a_serving_certificate_is_no_ca),
        cmocka_unit_test(a_key_behind_a_password_is_no_key_and_nobody_is_asked),
        cmocka_unit_test(more_than_plimsoll_authority_bytes_max_is_not_read),
        cmocka_unit_test(a_certificate_is_accepted_for_each_of_its_names),
        cmocka_unit_test(it_is_due_when_two_thirds_of_its_90_days_are_over),
        cmocka_unit_test(it_never_outlives_its_ca),
        cmocka_unit_test(without_a_ca_nothing_is_signed),
        cmocka_unit_test(names_that_cannot_be_are_named),
        cmocka_unit_test(a_new_ca_is_published_first_and_signs_a_season_later),
        cmocka_unit_test(the_expired_ones_are_dropped),
        cmocka_unit_test(keys_that_no_longer_sign_are_dropped),
        cmocka_unit_test(a_lost_key_means_a_new_ca_beside_the_old_one),
        cmocka_unit_test(a_lost_bundle_keeps_what_servers_may_still_use),
        cmocka_unit_test(a_certificate_of_a_ca_that_is_gone_is_due_at_once),
        cmocka_unit_test(two_replicas_that_read_the_same_decide_the_same),
        cmocka_unit_test(the_last_plimsoll_authority_max_certificates_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
