/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials.h"

#include "file.h"

#include <curl/curl.h>

#include <plimsoll/clock.h>

#define TOKEN_BYTES_MAX   (64u * 1024)
#define TOKEN_AGE_MS_MAX  60000
#define ADDRESS_BYTES_MAX 4096

static char *joined(const char *first, const char *second)
{
    struct plimsoll_text text = plimsoll_text_make(2 * ADDRESS_BYTES_MAX);
    plimsoll_text_add_string(&text, first);
    plimsoll_text_add_string(&text, second);
    return text.data;
}

/* JoinHostPort: an IPv6 address needs its brackets. */
static char *in_cluster_url(const char *host, const char *port)
{
    bool bare_ipv6 = strchr(host, ':') != NULL && host[0] != '[';
    struct plimsoll_text url = plimsoll_text_make(ADDRESS_BYTES_MAX);
    plimsoll_text_add_format(&url, bare_ipv6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
    return url.data;
}

static int read_in_cluster(struct plimsoll_credentials *credentials, const char *folder,
                           struct plimsoll_error *err)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    if (host == NULL || port == NULL || host[0] == '\0' || port[0] == '\0') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "not in a cluster: KUBERNETES_SERVICE_HOST and "
                                  "KUBERNETES_SERVICE_PORT are not both set");
    }
    credentials->direct = true;
    credentials->config.server = in_cluster_url(host, port);
    credentials->config.token_file = joined(folder, "/token");
    credentials->config.ca_file = joined(folder, "/ca.crt");
    if (access(credentials->config.ca_file, R_OK) < 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s cannot be read",
                                  credentials->config.ca_file);
    }
    plimsoll_autofree char *file = joined(folder, "/namespace");
    struct plimsoll_text name = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX);
    struct plimsoll_error unused;
    if (plimsoll_file_read(file, &name, &unused) == 0 && name.size > 0) {
        credentials->config.namespace_ = name.data; /* handed over */
    } else {
        plimsoll_text_clear(&name);
    }
    return 0;
}

static int url_part(CURLU *url, CURLUPart part, char **out)
{
    return curl_url_get(url, part, out, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) ==
                   CURLUE_OK
               ? 0
               : -1;
}

/* curl asks TLS for the host of the URL: so the URL gets the name that the certificate has, and the
 * connection goes where the URL said. */
static void name_for_tls(struct plimsoll_credentials *credentials, CURLU *url, const char *scheme,
                         const char *host, const char *port)
{
    const char *name = credentials->config.tls_server_name;
    char *path = NULL;
    struct plimsoll_text base = plimsoll_text_make(ADDRESS_BYTES_MAX);
    struct plimsoll_text to = plimsoll_text_make(ADDRESS_BYTES_MAX);
    struct plimsoll_text header = plimsoll_text_make(ADDRESS_BYTES_MAX);
    if (url_part(url, CURLUPART_PATH, &path) == 0) {
        plimsoll_text_add_format(&base, "%s://%s:%s%s", scheme, name, port, path);
        plimsoll_text_add_format(&to, "%s:%s:%s:%s", name, port, host, port);
        plimsoll_text_add_format(&header, "Host: %s:%s", host, port);
        free(credentials->base_url);
        credentials->base_url = base.data;
        credentials->connect_to = to.data;
        credentials->host_header = header.data;
    }
    curl_free(path);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           strncmp(host, "127.", 4) == 0;
}

static void cut_slashes(char *url)
{
    for (size_t size = strlen(url); size > 0 && url[size - 1] == '/'; size--) {
        url[size - 1] = '\0';
    }
}

static int resolve_server(struct plimsoll_credentials *credentials, struct plimsoll_error *err)
{
    const char *server = credentials->config.server;
    char *scheme = NULL, *host = NULL, *port = NULL;
    CURLU *url = curl_url();
    bool good = strlen(server) < ADDRESS_BYTES_MAX / 2 &&
                curl_url_set(url, CURLUPART_URL, server, 0) == CURLUE_OK &&
                url_part(url, CURLUPART_SCHEME, &scheme) == 0 &&
                url_part(url, CURLUPART_HOST, &host) == 0 &&
                url_part(url, CURLUPART_PORT, &port) == 0 &&
                (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
    if (good) {
        credentials->base_url = plimsoll_copy(server, strlen(server));
        credentials->direct |= is_loopback(host);
        if (credentials->config.tls_server_name != NULL) {
            name_for_tls(credentials, url, scheme, host, port);
        }
        cut_slashes(credentials->base_url);
    } else {
        plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                           "server '%s' is no URL like https://HOST:6443", server);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return good ? 0 : -1;
}

int plimsoll_credentials_open(struct plimsoll_credentials *credentials,
                              const struct plimsoll_kube_options *options,
                              struct plimsoll_error *err)
{
    const char *folder =
        options->service_account != NULL ? options->service_account : PLIMSOLL_SERVICE_ACCOUNT;
    *credentials = (struct plimsoll_credentials){.token = plimsoll_text_make(TOKEN_BYTES_MAX),
                                                 .token_read_ms = -1};
    pthread_mutex_init(&credentials->lock, NULL);
    plimsoll_autotext token = plimsoll_text_make(TOKEN_BYTES_MAX);
    int result = options->kubeconfig != NULL
                     ? plimsoll_kubeconfig_read(options->kubeconfig, &credentials->config, err)
                     : read_in_cluster(credentials, folder, err);
    if (result < 0 || resolve_server(credentials, err) < 0 ||
        plimsoll_credentials_token(credentials, false, &token, err) < 0) {
        plimsoll_credentials_close(credentials);
        return -1;
    }
    return 0;
}

void plimsoll_credentials_close(struct plimsoll_credentials *credentials)
{
    plimsoll_kubeconfig_clear(&credentials->config);
    free(credentials->base_url);
    free(credentials->connect_to);
    free(credentials->host_header);
    plimsoll_text_clear(&credentials->token);
    pthread_mutex_destroy(&credentials->lock);
}

/* The token becomes a header line: nothing that could end the line may be in it. */
static int check_token(struct plimsoll_span token, const char *where, struct plimsoll_error *err)
{
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~') {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "%s holds no bearer token: byte %zu is not printable", where,
                                      i + 1);
        }
    }
    if (token.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is empty: no bearer token", where);
    }
    return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* With the lock held. A file that cannot be read leaves the token that is there. */
static int refresh(struct plimsoll_credentials *credentials, bool refused,
                   struct plimsoll_error *err)
{
    const char *file = credentials->config.token_file;
    int64_t now = plimsoll_clock_monotonic_ms();
    struct stat stat_now = {0};
    bool fresh = credentials->token_read_ms >= 0 &&
                 now - credentials->token_read_ms < TOKEN_AGE_MS_MAX &&
                 stat(file, &stat_now) == 0 && is_same_file(&stat_now, &credentials->token_stat);
    if (fresh && !refused) {
        return 0;
    }
    plimsoll_autotext text = plimsoll_text_make(TOKEN_BYTES_MAX);
    bool known = stat(file, &stat_now) == 0;
    if (plimsoll_file_read(file, &text, err) < 0) {
        return -1;
    }
    struct plimsoll_span token = plimsoll_span_trim(plimsoll_text_span(&text));
    if (check_token(token, file, err) < 0) {
        return -1;
    }
    plimsoll_text_reset(&credentials->token);
    plimsoll_text_add_span(&credentials->token, token);
    credentials->token_stat = known ? stat_now : (struct stat){0};
    credentials->token_read_ms = now;
    return 0;
}

int plimsoll_credentials_token(struct plimsoll_credentials *credentials, bool refused,
                               struct plimsoll_text *token, struct plimsoll_error *err)
{
    const char *literal = credentials->config.token;
    if (credentials->config.token_file == NULL) {
        if (literal == NULL) {
            return 0;
        }
        if (check_token(plimsoll_span_of(literal), "token", err) < 0) {
            return -1;
        }
        plimsoll_text_add_string(token, literal);
        return 0;
    }
    pthread_mutex_lock(&credentials->lock);
    int result = refresh(credentials, refused, err);
    if (result < 0 && credentials->token.size > 0) {
        result = 0; /* the kubelet is just replacing it: the old one is valid for minutes */
    }
    if (result == 0) {
        plimsoll_text_add_span(token, plimsoll_text_span(&credentials->token));
    }
    pthread_mutex_unlock(&credentials->lock);
    return result;
}

bool plimsoll_kube_in_cluster(void)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");
    return host != NULL && host[0] != '\0' && port != NULL && port[0] != '\0' &&
           access(PLIMSOLL_SERVICE_ACCOUNT "/token", R_OK) == 0;
}
