/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "fake_api.h"

#include <plimsoll/kube.h>

#include <limits.h>
#include <sys/stat.h>

struct folder {
    char path[64];
};

static int setup(void **state)
{
    struct folder *folder = plimsoll_alloc(1, sizeof *folder);
    strcpy(folder->path, "/tmp/plimsoll-kube-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    *state = folder;
    return 0;
}

static char *path_of(const struct folder *folder, const char *name)
{
    struct plimsoll_text path = plimsoll_text_make(PATH_MAX);
    plimsoll_text_add_format(&path, "%s/%s", folder->path, name);
    return path.data;
}

static int teardown(void **state)
{
    static const char *const names[] = {"config", "token", "ca.crt"};
    for (size_t i = 0; i < 3; i++) {
        plimsoll_autofree char *path = path_of(*state, names[i]);
        unlink(path);
    }
    rmdir(((struct folder *)*state)->path);
    free(*state);
    return 0;
}

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    plimsoll_autofree char *path = path_of(folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int open_config(const struct folder *folder, const char *yaml, struct plimsoll_error *err)
{
    write_file(folder, "config", yaml);
    plimsoll_autofree char *path = path_of(folder, "config");
    struct plimsoll_kube_options options = {.kubeconfig = path};
    struct plimsoll_kube *kube = NULL;
    int result = plimsoll_kube_new(&options, &kube, err);
    plimsoll_kube_free(&kube);
    return result;
}

/* A kubeconfig whose cluster and user hold what is given. */
static char *config_with(const char *cluster, const char *user)
{
    struct plimsoll_text yaml = plimsoll_text_make(1u << 16);
    plimsoll_text_add_format(
        &yaml,
        "apiVersion: v1\nkind: Config\ncurrent-context: here\npreferences: {}\n"
        "contexts:\n- name: there\n  context: {cluster: x, user: y}\n"
        "- name: here\n  context: {cluster: c, user: u, namespace: n}\n"
        "clusters:\n- cluster: {%s}\n  name: c\n"
        "users:\n- name: u\n  user: {%s}\n",
        cluster, user);
    return yaml.data;
}

#define SERVER "server: 'https://127.0.0.1:6443'"

static void usual_kubeconfigs_are_taken(void **state)
{
    static const char *const clusters[] = {
        SERVER,
        SERVER ", insecure-skip-tls-verify: true",
        SERVER ", certificate-authority: ca.crt",
        SERVER ", certificate-authority-data: Q0E=",
        SERVER ", tls-server-name: kubernetes, proxy-url: 'http://127.0.0.1:3128'",
        "server: 'https://[::1]:6443/k8s/clusters/c-1/'",
        "server: 'http://localhost:8001'",
    };
    static const char *const users[] = {
        "",
        "token: abc",
        "tokenFile: token",
        "client-certificate: a.crt, client-key: a.key",
        "client-certificate-data: Q0E=, client-key-data: Q0E=",
        "client-certificate-data: Q0E=, client-key: a.key, exec: null, username: ''",
    };
    write_file(*state, "token", " abc\n");
    for (size_t i = 0; i < sizeof clusters / sizeof *clusters; i++) {
        for (size_t j = 0; j < sizeof users / sizeof *users; j++) {
            struct plimsoll_error err = {0};
            plimsoll_autofree char *yaml = config_with(clusters[i], users[j]);
            if (open_config(*state, yaml, &err) < 0) {
                fail_msg("%s\n%s", err.message, yaml);
            }
        }
    }
}

static void what_is_not_supported_or_wrong_is_named(void **state)
{
    static const struct {
        const char *cluster, *user, *words;
    } cases[] = {
        {SERVER, "exec: {command: aws}", "user 'u': exec is not supported"},
        {SERVER, "auth-provider: {name: gcp}", "auth-provider is not supported"},
        {SERVER, "username: me, password: secret", "username is not supported"},
        {SERVER, "as: root", "as is not supported"},
        {SERVER, "client-certificate: a.crt", "client-certificate without client-key"},
        {SERVER, "client-key-data: Q0E=", "client-key without client-certificate"},
        {SERVER, "client-key-data: '***', client-certificate: a", "client-key-data is no base64"},
        {SERVER, "token: [a]", "token is no string"},
        {SERVER, "token: 'a b'", "byte 2 is not printable"},
        {SERVER, "token: \"a\\r\\nX: y\"", "byte 2 is not printable"},
        {SERVER, "token: \"a\\0b\"", "token is no string"},
        {SERVER, "tokenFile: missing", "missing: No such file"},
        {SERVER ", certificate-authority-data: ''", "tokenFile: empty", "empty"},
        {SERVER ", certificate-authority-data: 'a'", "", "certificate-authority-data is no base64"},
        {SERVER ", insecure-skip-tls-verify: maybe", "", "neither true nor false"},
        {"insecure-skip-tls-verify: true", "", "cluster 'c': server is missing"},
        {"server: ''", "", "server is missing"},
        {"server: 'ftp://x'", "", "is no URL like"},
        {"server: 'https://'", "", "is no URL like"},
        {"server: {}", "", "server is no string"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_error err = {0};
        plimsoll_autofree char *yaml = config_with(cases[i].cluster, cases[i].user);
        assert_int_equal(open_config(*state, yaml, &err), -1);
        if (strstr(err.message, cases[i].words) == NULL) {
            fail_msg("'%s' instead of '%s'", err.message, cases[i].words);
        }
        assert_null(strstr(err.message, "secret"));
    }
}

static void files_that_are_no_kubeconfig_are_refused(void **state)
{
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        {"", "current-context is missing"},
        {"null", "current-context is missing"},
        {"[]", "current-context is missing"},
        {"7", "current-context is missing"},
        {"current-context: a", "contexts has no entry called 'a'"},
        {"current-context: a\ncontexts: {a: b}", "contexts has no entry called 'a'"},
        {"current-context: a\ncontexts: [7, null, {name: [a]}]", "no entry called 'a'"},
        {"current-context: a\ncontexts: [{name: a}]", "names no cluster"},
        {"current-context: a\ncontexts: [{name: a, context: {cluster: c}}]",
         "clusters has no entry called 'c'"},
        {"current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: "
         "[{name: c, cluster: {" SERVER "}}]",
         "users has no entry called 'u'"},
        {"current-context: [\n", "no YAML in line"},
        {"\tcurrent-context: a", "no YAML in line"},
        {"\xff\xfe\xff", "no YAML"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_error err = {0};
        assert_int_equal(open_config(*state, cases[i].yaml, &err), -1);
        if (strstr(err.message, cases[i].words) == NULL) {
            fail_msg("'%s' instead of '%s'", err.message, cases[i].words);
        }
        assert_non_null(strstr(err.message, "/config: "));
    }
}

static void a_kubeconfig_that_is_missing_or_huge_is_refused(void **state)
{
    struct plimsoll_error err = {0};
    struct plimsoll_kube *kube = NULL;
    struct plimsoll_kube_options options = {.kubeconfig = "/nonexistent/config"};
    assert_int_equal(plimsoll_kube_new(&options, &kube, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_null(kube);
    plimsoll_autotext huge = plimsoll_text_make(2u << 20);
    while (huge.size < PLIMSOLL_CONFIG_BYTES_MAX) {
        plimsoll_text_add_string(&huge, "# nothing but a comment, and another one\n");
    }
    assert_int_equal(open_config(*state, huge.data, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
}

static int open_in_cluster(const struct folder *folder, struct plimsoll_error *err)
{
    struct plimsoll_kube_options options = {.service_account = folder->path};
    struct plimsoll_kube *kube = NULL;
    int result = plimsoll_kube_new(&options, &kube, err);
    plimsoll_kube_free(&kube);
    return result;
}

static void in_a_cluster_variables_token_and_ca_are_needed(void **state)
{
    struct plimsoll_error err = {0};
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
    assert_false(plimsoll_kube_in_cluster());
    assert_int_equal(open_in_cluster(*state, &err), -1);
    assert_non_null(strstr(err.message, "KUBERNETES_SERVICE_HOST"));
    setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1", 1);
    assert_int_equal(open_in_cluster(*state, &err), -1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    assert_int_equal(open_in_cluster(*state, &err), -1);
    assert_non_null(strstr(err.message, "ca.crt"));
    write_file(*state, "ca.crt", "CA");
    assert_int_equal(open_in_cluster(*state, &err), -1);
    assert_non_null(strstr(err.message, "token"));
    write_file(*state, "token", " \n");
    assert_int_equal(open_in_cluster(*state, &err), -1);
    assert_non_null(strstr(err.message, "empty"));
    write_file(*state, "token", "abc\n");
    assert_int_equal(open_in_cluster(*state, &err), 0);
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    assert_int_equal(open_in_cluster(*state, &err), 0);
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(usual_kubeconfigs_are_taken),
        TEST(what_is_not_supported_or_wrong_is_named),
        TEST(files_that_are_no_kubeconfig_are_refused),
        TEST(a_kubeconfig_that_is_missing_or_huge_is_refused),
        TEST(in_a_cluster_variables_token_and_ca_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
