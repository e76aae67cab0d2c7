/* SPDX-License-Identifier: Apache-2.0 */
/* Whether clients that trust some certificates accept a file's. */
#include "unit.h"

#include <plimsoll/certs.h>
#include <plimsoll/text.h>

#include <ftw.h>
#include <sys/stat.h>

#define NOW_MS INT64_C(1764000000000)
#define DAY_MS INT64_C(86400000)

static char directory[] = "/tmp/plimsoll-chain-XXXXXX";

static const char *path_of(const char *ca, const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s/%s", directory, ca, name);
    return path;
}

/* What a file holds. */
static struct plimsoll_text read_file(const char *ca, const char *name)
{
    struct plimsoll_text text = plimsoll_text_make(1u << 16);
    char buffer[8192];
    FILE *file = fopen(path_of(ca, name), "re");
    assert_non_null(file);
    plimsoll_text_add(&text, buffer, fread(buffer, 1, sizeof buffer, file));
    assert_int_equal(fclose(file), 0);
    return text;
}

static void make(const char *ca)
{
    static const char *const dns[] = {"plimsoll.gpu.svc"};
    struct plimsoll_error err = {.message = ""};
    char where[256];
    (void)snprintf(where, sizeof where, "%s", path_of(ca, ""));
    struct plimsoll_certs_options options = {.directory = where,
                                             .client = "kube-scheduler",
                                             .dns = dns,
                                             .dns_count = 1,
                                             .now_unix_ms = NOW_MS};
    if (plimsoll_certs_write(&options, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void accepted(const char *ca, struct plimsoll_span bundle)
{
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_certs_check_trust(path_of(ca, "tls.crt"), bundle, NOW_MS, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void refused(const char *path, struct plimsoll_span bundle, int64_t now_ms, const char *says)
{
    struct plimsoll_error err = {.message = ""};
    assert_int_equal(plimsoll_certs_check_trust(path, bundle, now_ms, &err), -1);
    if (strstr(err.message, says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, says);
    }
}

static void a_certificate_is_accepted_by_who_trusts_its_ca_among_others(void **state)
{
    (void)state;
    plimsoll_autotext one = read_file("one", "ca.crt"), two = read_file("two", "ca.crt");
    accepted("one", plimsoll_text_span(&one));
    accepted("two", plimsoll_text_span(&two));
    plimsoll_text_add_span(&one, plimsoll_text_span(&two));
    accepted("one", plimsoll_text_span(&one));
    accepted("two", plimsoll_text_span(&one));
}

static void a_broken_certificate_does_not_hide_those_behind_it(void **state)
{
    (void)state;
    plimsoll_autotext one = read_file("one", "ca.crt"), bundle = plimsoll_text_make(1u << 16);
    plimsoll_text_add_string(&bundle, "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                      "-----END CERTIFICATE-----\n");
    plimsoll_text_add_span(&bundle, plimsoll_text_span(&one));
    accepted("one", plimsoll_text_span(&bundle));
}

static void a_certificate_that_is_trusted_itself_needs_no_ca(void **state)
{
    (void)state;
    plimsoll_autotext itself = read_file("one", "tls.crt");
    accepted("one", plimsoll_text_span(&itself));
}

static void it_is_refused_by_who_trusts_another_ca_or_none(void **state)
{
    (void)state;
    plimsoll_autotext two = read_file("two", "ca.crt");
    const char *says = "unable to get local issuer certificate";
    refused(path_of("one", "tls.crt"), plimsoll_text_span(&two), NOW_MS, says);
    refused(path_of("one", "tls.crt"), (struct plimsoll_span){0}, NOW_MS, says);
    refused(path_of("one", "tls.crt"), plimsoll_span_of("no PEM"), NOW_MS, says);
}

static void it_is_refused_before_and_after_its_time(void **state)
{
    (void)state;
    plimsoll_autotext one = read_file("one", "ca.crt");
    refused(path_of("one", "tls.crt"), plimsoll_text_span(&one), NOW_MS - DAY_MS, "not yet valid");
    refused(path_of("one", "tls.crt"), plimsoll_text_span(&one), NOW_MS + 366 * DAY_MS, "expired");
}

static void a_clients_certificate_serves_nobody(void **state)
{
    (void)state;
    plimsoll_autotext one = read_file("one", "ca.crt");
    refused(path_of("one", "client.crt"), plimsoll_text_span(&one), NOW_MS, "purpose");
}

static void a_file_without_a_certificate_is_named(void **state)
{
    (void)state;
    plimsoll_autotext one = read_file("one", "ca.crt");
    refused(path_of("one", "tls.key"), plimsoll_text_span(&one), NOW_MS,
            "tls.key holds no certificate");
    refused("/no/such/file", plimsoll_text_span(&one), NOW_MS,
            "/no/such/file holds no certificate");
}

static int setup(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    make("one");
    make("two");
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_accepted_by_who_trusts_its_ca_among_others),
        cmocka_unit_test(a_broken_certificate_does_not_hide_those_behind_it),
        cmocka_unit_test(a_certificate_that_is_trusted_itself_needs_no_ca),
        cmocka_unit_test(it_is_refused_by_who_trusts_another_ca_or_none),
        cmocka_unit_test(it_is_refused_before_and_after_its_time),
        cmocka_unit_test(a_clients_certificate_serves_nobody),
        cmocka_unit_test(a_file_without_a_certificate_is_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
