/* SPDX-License-Identifier: Apache-2.0 */
/* What plimsoll_certs_write leaves on disk, read back by OpenSSL's own verification. */
#include "unit.h"

#include <plimsoll/certs.h>

#include <plimsoll/clock.h>
#include <plimsoll/text.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>

#define DAY_MS 86400000LL

static char directory[] = "/tmp/plimsoll-certs-XXXXXX";

static const char *const dns[] = {"plimsoll.gpu.svc", "localhost", "*.example.com"};
static const char *const ip[] = {"127.0.0.1", "2001:db8::7"};

static struct plimsoll_certs_options options_at(const char *where)
{
    return (struct plimsoll_certs_options){.directory = where,
                                           .dns = dns,
                                           .dns_count = 3,
                                           .ip = ip,
                                           .ip_count = 2,
                                           .now_unix_ms = plimsoll_clock_unix_ms()};
}

static const char *path_of(const char *where, const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", where, name);
    return path[turn];
}

/* A directory of the test's own below the group's. */
static const char *fresh(const char *name)
{
    static char where[128];
    (void)snprintf(where, sizeof where, "%s/%s", directory, name);
    return where;
}

static X509 *read_certificate(const char *where, const char *name)
{
    FILE *file = fopen(path_of(where, name), "re");
    assert_non_null(file);
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    assert_non_null(certificate);
    return certificate;
}

static EVP_PKEY *read_key(const char *where, const char *name)
{
    FILE *file = fopen(path_of(where, name), "re");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    assert_non_null(key);
    return key;
}

static void write_ok(const struct plimsoll_certs_options *options)
{
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_certs_write(options, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void write_refused(const struct plimsoll_certs_options *options, const char *says)
{
    struct plimsoll_error err = {.message = ""};
    assert_int_equal(plimsoll_certs_write(options, &err), -1);
    if (strstr(err.message, says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    }
}

static int verify(X509 *ca, X509 *leaf, int purpose)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, ca), 1);
    assert_int_equal(X509_STORE_set_flags(store, X509_V_FLAG_X509_STRICT), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    assert_int_equal(X509_STORE_CTX_set_purpose(context, purpose), 1);
    int result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return result;
}

static void the_chain_is_good_for_servers_only(void **unused)
{
    (void)unused;
    const char *where = fresh("chain");
    struct plimsoll_certs_options options = options_at(where);
    write_ok(&options);
    X509 *ca = read_certificate(where, "ca.crt"), *leaf = read_certificate(where, "tls.crt");
    EVP_PKEY *key = read_key(where, "tls.key");
    assert_int_equal(verify(ca, leaf, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_not_equal(verify(ca, leaf, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
    assert_int_equal(X509_check_private_key(leaf, key), 1);
    assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_EC);
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    assert_int_equal(X509_get_signature_nid(leaf), NID_ecdsa_with_SHA256);
    assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
    assert_int_equal(X509_check_ca(leaf), 0);
    assert_int_equal(X509_get_pathlen(ca), 0);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(ca)), 0);
    EVP_PKEY_free(key);
    X509_free(leaf);
    X509_free(ca);
}

static void names_and_addresses_are_sans_of_their_kind(void **unused)
{
    (void)unused;
    const char *where = fresh("sans");
    struct plimsoll_certs_options options = options_at(where);
    write_ok(&options);
    X509 *leaf = read_certificate(where, "tls.crt");
    assert_int_equal(X509_check_host(leaf, "plimsoll.gpu.svc", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "a.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(leaf, "example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "2001:db8::7", 0), 1);
    assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.2", 0), 0);
    assert_int_equal(X509_check_host(leaf, "127.0.0.1", 0, 0, NULL), 0);
    GENERAL_NAMES *sans = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    assert_int_equal(sk_GENERAL_NAME_num(sans), 5);
    GENERAL_NAMES_free(sans);
    X509_free(leaf);
}

static void validity_begins_an_hour_ago_and_lasts_as_told(void **unused)
{
    (void)unused;
    const char *where = fresh("times");
    struct plimsoll_certs_options options = options_at(where);
    options.ca_days = 20;
    options.leaf_days = 10;
    write_ok(&options);
    X509 *ca = read_certificate(where, "ca.crt"), *leaf = read_certificate(where, "tls.crt");
    time_t now = (time_t)(options.now_unix_ms / 1000), hour_ago = now - 3600;
    time_t leaf_end = now + 10 * 86400, ca_end = now + 20 * 86400;
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), hour_ago), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(ca), hour_ago), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(leaf), leaf_end), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(ca), ca_end), 0);
    X509_free(leaf);
    X509_free(ca);
}

static void serials_are_random_and_16_bytes_long(void **unused)
{
    (void)unused;
    const char *where = fresh("serials");
    struct plimsoll_certs_options options = options_at(where);
    write_ok(&options);
    X509 *first = read_certificate(where, "tls.crt");
    write_ok(&options);
    X509 *second = read_certificate(where, "tls.crt");
    assert_int_equal(X509_get0_serialNumber(first)->length, 16);
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
    X509_free(first);
    X509_free(second);
}

static void a_usable_ca_is_used_again(void **unused)
{
    (void)unused;
    const char *where = fresh("again");
    struct plimsoll_certs_options options = options_at(where);
    write_ok(&options);
    X509 *ca = read_certificate(where, "ca.crt"), *leaf = read_certificate(where, "tls.crt");
    write_ok(&options);
    X509 *ca_again = read_certificate(where, "ca.crt"),
         *leaf_again = read_certificate(where, "tls.crt");
    assert_int_equal(X509_cmp(ca, ca_again), 0);
    assert_int_not_equal(X509_cmp(leaf, leaf_again), 0);
    assert_int_equal(verify(ca, leaf_again, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    X509_free(ca);
    X509_free(leaf);
    X509_free(ca_again);
    X509_free(leaf_again);
}

static void copy_file(const char *from, const char *to)
{
    char bytes[8192];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    assert_non_null(in);
    assert_non_null(out);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}

static void a_ca_that_cannot_be_used_is_refused_and_left(void **unused)
{
    (void)unused;
    const char *where = fresh("unusable");
    struct plimsoll_certs_options options = options_at(where);
    write_ok(&options);
    X509 *ca = read_certificate(where, "ca.crt"), *leaf = read_certificate(where, "tls.crt");

    struct plimsoll_certs_options later = options;
    later.now_unix_ms += 3651 * DAY_MS;
    write_refused(&later, "the CA has expired");
    struct plimsoll_certs_options earlier = options;
    earlier.now_unix_ms -= DAY_MS;
    write_refused(&earlier, "not valid yet");

    copy_file(path_of(where, "ca.key"), path_of(where, "kept.key"));
    copy_file(path_of(where, "tls.key"), path_of(where, "ca.key"));
    write_refused(&options, "the key is not the certificate's");
    assert_int_equal(unlink(path_of(where, "ca.key")), 0);
    write_refused(&options, "ca.key: No such file");
    copy_file(path_of(where, "kept.key"), path_of(where, "ca.key"));

    X509 *left = read_certificate(where, "ca.crt"), *leaf_left = read_certificate(where, "tls.crt");
    assert_int_equal(X509_cmp(ca, left), 0);
    assert_int_equal(X509_cmp(leaf, leaf_left), 0);
    copy_file(path_of(where, "tls.crt"), path_of(where, "ca.crt"));
    write_refused(&options, "is not a CA's");
    copy_file(path_of(where, "ca.key"), path_of(where, "ca.crt"));
    write_refused(&options, "no certificate in PEM form");
    X509_free(ca);
    X509_free(leaf);
    X509_free(left);
    X509_free(leaf_left);
}

static void keys_are_for_their_owner_only_and_nothing_is_left_over(void **unused)
{
    (void)unused;
    const char *where = fresh("modes");
    struct plimsoll_certs_options options = options_at(where);
    write_ok(&options);
    write_ok(&options);
    struct stat status;
    assert_int_equal(stat(path_of(where, "tls.key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(path_of(where, "ca.key"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(where, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    DIR *open = opendir(where);
    assert_non_null(open);
    unsigned count = 0;
    while (readdir(open) != NULL) {
        count++;
    }
    assert_int_equal(closedir(open), 0);
    assert_int_equal(count, 6); /* four files, . and .. */
}

static void bad_names_are_refused_before_anything_is_written(void **unused)
{
    (void)unused;
    static const char *const bad_dns[] = {"",          "a..b", "-a", "a-",    "a b",         "a/b",
                                          ".a",        "a.",   "*",  "a.*.b", "\xc3\xa4.de", "*.",
                                          "email:a@b", "a\nb"};
    static const char *const bad_ip[] = {"",    "1.2.3",     "1.2.3.4.5", "256.1.1.1",
                                         "::g", "1.2.3.4/8", "localhost"};
    const char *where = fresh("bad");
    struct plimsoll_certs_options options = options_at(where);
    options.ip_count = 0;
    options.dns_count = 1;
    for (size_t i = 0; i < sizeof bad_dns / sizeof *bad_dns; i++) {
        options.dns = &bad_dns[i];
        write_refused(&options, "is no DNS name");
    }
    options.dns_count = 0;
    options.ip_count = 1;
    for (size_t i = 0; i < sizeof bad_ip / sizeof *bad_ip; i++) {
        options.ip = &bad_ip[i];
        write_refused(&options, "is no IP address");
    }
    options.ip_count = 0;
    write_refused(&options, "needs 1 to");
    options = options_at(where);
    options.leaf_days = 36501;
    write_refused(&options, "at most 36500");
    assert_int_equal(access(path_of(where, "ca.crt"), F_OK), -1);
    assert_int_equal(access(path_of(where, "tls.key"), F_OK), -1);
}

static void more_names_than_the_ceiling_are_refused(void **unused)
{
    (void)unused;
    static const char *many[PLIMSOLL_CERTS_NAMES_MAX + 1];
    for (size_t i = 0; i <= PLIMSOLL_CERTS_NAMES_MAX; i++) {
        many[i] = "localhost";
    }
    struct plimsoll_certs_options options = options_at(fresh("many"));
    options.dns = many;
    options.ip_count = 0;
    options.dns_count = PLIMSOLL_CERTS_NAMES_MAX;
    write_ok(&options);
    options.dns_count = PLIMSOLL_CERTS_NAMES_MAX + 1;
    write_refused(&options, "has 101");
}

static void a_name_too_long_for_a_common_name_is_a_san(void **unused)
{
    (void)unused;
    static const char *const name[] = {
        "a-rather-long-release-name.a-rather-long-namespace-name.svc.cluster.example.com"};
    const char *where = fresh("long");
    struct plimsoll_certs_options options = options_at(where);
    options.dns = name;
    options.dns_count = 1;
    write_ok(&options);
    X509 *leaf = read_certificate(where, "tls.crt");
    assert_int_equal(X509_check_host(leaf, name[0], 0, 0, NULL), 1);
    X509_free(leaf);
}

static void a_clients_certificate_is_good_for_clients_only_until_the_cas_end(void **unused)
{
    (void)unused;
    const char *where = fresh("client");
    struct plimsoll_certs_options options = options_at(where);
    options.client = "system:kube-scheduler";
    options.dns_count = options.ip_count = 0;
    write_ok(&options);
    assert_int_equal(access(path_of(where, "tls.crt"), F_OK), -1);
    X509 *ca = read_certificate(where, "ca.crt"), *client = read_certificate(where, "client.crt");
    EVP_PKEY *key = read_key(where, "client.key");
    assert_int_equal(verify(ca, client, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
    assert_int_not_equal(verify(ca, client, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    assert_int_equal(X509_check_private_key(client, key), 1);
    assert_int_equal(X509_get_extended_key_usage(client), XKU_SSL_CLIENT);
    char name[PLIMSOLL_CERTS_CLIENT_BYTES_MAX + 1];
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, name,
                                          sizeof name) > 0);
    assert_string_equal(name, "system:kube-scheduler");
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(client), X509_get0_notAfter(ca)), 0);

    /* Another one, and a serving certificate beside it, by the same CA. */
    options = options_at(where);
    options.client = "another";
    write_ok(&options);
    X509 *same = read_certificate(where, "ca.crt"), *serving = read_certificate(where, "tls.crt");
    assert_int_equal(X509_cmp(ca, same), 0);
    assert_int_equal(verify(ca, serving, X509_PURPOSE_SSL_SERVER), X509_V_OK);
    EVP_PKEY_free(key);
    X509_free(serving);
    X509_free(same);
    X509_free(client);
    X509_free(ca);
}

static void a_clients_name_that_does_not_go_is_refused(void **unused)
{
    (void)unused;
    char name[PLIMSOLL_CERTS_CLIENT_BYTES_MAX + 2] = {0};
    struct plimsoll_certs_options options = options_at(fresh("clients"));
    options.client = name;
    write_refused(&options, "\"\" is no name of a client; right would be kube-scheduler");
    memset(name, 'a', PLIMSOLL_CERTS_CLIENT_BYTES_MAX + 1);
    write_refused(&options, "at most 64");
    static const char *const bad[] = {"a b", "a/b", "a\nb", "CN=a", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options.client = bad[i];
        write_refused(&options, "is no name of a client");
    }
    assert_int_equal(access(path_of(options.directory, "ca.crt"), F_OK), -1);
    options.client = name;
    name[PLIMSOLL_CERTS_CLIENT_BYTES_MAX] = '\0';
    write_ok(&options);
}

static void a_directory_that_cannot_be_is_named(void **unused)
{
    (void)unused;
    struct plimsoll_certs_options options = options_at("/proc/no-such/place");
    write_refused(&options, "/proc/no-such/place: No such file");
    options.directory = "/dev/null";
    write_refused(&options, "/dev/null is not a directory");
}

static int make_directory(void **unused)
{
    (void)unused;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int remove_directory(void **unused)
{
    (void)unused;
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_is_good_for_servers_only),
        cmocka_unit_test(names_and_addresses_are_sans_of_their_kind),
        cmocka_unit_test(validity_begins_an_hour_ago_and_lasts_as_told),
        cmocka_unit_test(serials_are_random_and_16_bytes_long),
        cmocka_unit_test(a_usable_ca_is_used_again),
        cmocka_unit_test(a_ca_that_cannot_be_used_is_refused_and_left),
        cmocka_unit_test(keys_are_for_their_owner_only_and_nothing_is_left_over),
        cmocka_unit_test(bad_names_are_refused_before_anything_is_written),
        cmocka_unit_test(more_names_than_the_ceiling_are_refused),
        cmocka_unit_test(a_name_too_long_for_a_common_name_is_a_san),
        cmocka_unit_test(a_clients_certificate_is_good_for_clients_only_until_the_cas_end),
        cmocka_unit_test(a_clients_name_that_does_not_go_is_refused),
        cmocka_unit_test(a_directory_that_cannot_be_is_named),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
