/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS server: what is spoken, who is let in, certificates that change under load. */
#include "unit.h"

#include <plimsoll/http.h>

#include <plimsoll/log.h>

#include "certificates.h"
#include "client.h"

#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define BODY_MAX (64u * 1024 * 1024)
#define MINUTES  300000u
#define LOADERS  4

static const char any_client[] = "NORMAL";

static char directory[] = "/tmp/plimsoll-tls-XXXXXX";
static struct authority ours, theirs;

/* ---- server ---- */

static int count_bytes(void *context, struct plimsoll_span body,
                       struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)err;
    struct plimsoll_text text = plimsoll_text_make(64);
    plimsoll_text_add_uint(&text, body.size);
    plimsoll_http_answer(exchange, 200, "text/plain", &text);
    return 0;
}

static void *answer_later(void *exchange)
{
    struct plimsoll_text text = plimsoll_text_make(64);
    plimsoll_text_add_string(&text, "later");
    plimsoll_http_answer(exchange, 200, "text/plain", &text);
    return NULL;
}

static int defer(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                 struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    pthread_t thread;
    plimsoll_http_defer(exchange);
    assert_int_equal(pthread_create(&thread, NULL, answer_later, exchange), 0);
    assert_int_equal(pthread_detach(thread), 0);
    return 0;
}

static struct plimsoll_http_buffer counting = {.answer = count_bytes};
static struct plimsoll_http_buffer deferring = {.answer = defer};

static const struct plimsoll_http_route routes[] = {
    {"POST", "/count", "count", &plimsoll_http_buffered, &counting, BODY_MAX, MINUTES,
     .trusted_only = false},
    {"POST", "/small", "small", &plimsoll_http_buffered, &counting, 1000, MINUTES,
     .trusted_only = false},
    {"POST", "/hurry", "hurry", &plimsoll_http_buffered, &counting, BODY_MAX, 300,
     .trusted_only = false},
    {"POST", "/later", "later", &plimsoll_http_buffered, &deferring, BODY_MAX, MINUTES,
     .trusted_only = false},
    {"POST", "/trusted", "trusted", &plimsoll_http_buffered, &counting, BODY_MAX, MINUTES,
     .trusted_only = true},
};

static const char one_byte[] = "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

static const char *path_of(const char *name)
{
    static char paths[16][256];
    static unsigned turn;
    char *path = paths[turn++ % 16];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void put(const char *name, const char *text)
{
    put_file(path_of(name), text, strlen(text));
}

static void put_pair(const struct pem *pem)
{
    put("tls.key", pem->key);
    put("tls.crt", pem->certificate);
}

static struct plimsoll_http_listener tls_listener(void)
{
    return (struct plimsoll_http_listener){.address = "127.0.0.1:0",
                                           .name = "tls",
                                           .tls_cert = path_of("tls.crt"),
                                           .tls_key = path_of("tls.key"),
                                           .routes = routes,
                                           .route_count = sizeof routes / sizeof *routes,
                                           .connections_max = 64,
                                           .threads = 2,
                                           .headers_ms = MINUTES};
}

static struct plimsoll_http *start(const struct plimsoll_http_listener *listener)
{
    struct plimsoll_http *http = NULL;
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_http_start(listener, 1, &http, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return http;
}

static struct plimsoll_http *start_with_fresh_pair(unsigned char serial)
{
    struct pem pem = make_leaf(&ours, serial, GNUTLS_KP_TLS_WWW_SERVER);
    put_pair(&pem);
    struct plimsoll_http_listener listener = tls_listener();
    return start(&listener);
}

static bool metrics_have(const struct plimsoll_http *server, const char *line)
{
    plimsoll_autotext text = plimsoll_text_make(1024 * 1024);
    plimsoll_http_metrics(server, &text);
    return strstr(text.data, line) != NULL;
}

/* ---- client ---- */

struct client_credentials {
    gnutls_certificate_credentials_t list;
};

static struct client_credentials credentials_of(const struct pem *pem)
{
    struct client_credentials made = {.list = NULL};
    assert_int_equal(gnutls_certificate_allocate_credentials(&made.list), 0);
    if (pem != NULL) {
        struct pem copy = *pem;
        gnutls_datum_t certificate = {.data = (unsigned char *)copy.certificate,
                                      .size = (unsigned)strlen(copy.certificate)};
        gnutls_datum_t key = {.data = (unsigned char *)copy.key,
                              .size = (unsigned)strlen(copy.key)};
        assert_int_equal(
            gnutls_certificate_set_x509_key_mem(made.list, &certificate, &key, GNUTLS_X509_FMT_PEM),
            0);
        /* Shown also where the server names other authorities. */
        gnutls_certificate_set_flags(made.list, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
    }
    return made;
}

/* @return a client that has shaken hands, or NULL. */
static struct client *tls_connect(unsigned port, const char *priorities,
                                  const struct client_credentials *credentials,
                                  const gnutls_datum_t *resumed)
{
    struct client *client = client_connect(port);
    assert_int_equal(
        gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT),
        0);
    assert_int_equal(gnutls_priority_set_direct(client->session, priorities, NULL), 0);
    assert_int_equal(
        gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, credentials->list), 0);
    if (resumed != NULL) {
        assert_int_equal(gnutls_session_set_data(client->session, resumed->data, resumed->size), 0);
    }
    gnutls_transport_set_int(client->session, client->fd);
    int result = 0;
    do {
        result = gnutls_handshake(client->session);
    } while (result < 0 && !gnutls_error_is_fatal(result));
    if (result < 0) {
        client_close(client);
        return NULL;
    }
    return client;
}

static struct reply tls_ask_once(unsigned port, const char *priorities, const struct pem *pem,
                                 const char *request)
{
    struct reply reply = {.status = 0};
    struct client_credentials credentials = credentials_of(pem);
    struct client *client = tls_connect(port, priorities, &credentials, NULL);
    if (client != NULL) {
        reply = client_ask(client, request);
        client_close(client);
    }
    gnutls_certificate_free_credentials(credentials.list);
    return reply;
}

static unsigned char serial_served(const struct client *client)
{
    unsigned count = 0;
    unsigned char serial[32] = {0};
    size_t size = sizeof serial;
    gnutls_x509_crt_t leaf = NULL;
    const gnutls_datum_t *peers = gnutls_certificate_get_peers(client->session, &count);
    assert_true(peers != NULL && count > 0);
    assert_int_equal(gnutls_x509_crt_init(&leaf), 0);
    assert_int_equal(gnutls_x509_crt_import(leaf, peers, GNUTLS_X509_FMT_DER), 0);
    assert_int_equal(gnutls_x509_crt_get_serial(leaf, serial, &size), 0);
    gnutls_x509_crt_deinit(leaf);
    return serial[size - 1];
}

static unsigned char serial_at(unsigned port)
{
    struct client_credentials credentials = credentials_of(NULL);
    struct client *client = tls_connect(port, any_client, &credentials, NULL);
    assert_non_null(client);
    unsigned char serial = serial_served(client);
    client_close(client);
    gnutls_certificate_free_credentials(credentials.list);
    return serial;
}

/* ---- what is spoken ---- */

static void tls_1_2_and_1_3_are_spoken_and_nothing_older(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(1);
    unsigned port = plimsoll_http_port(http, 0);
    assert_int_equal(tls_ask_once(port, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL, one_byte).status,
                     200);
    assert_int_equal(tls_ask_once(port, "NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL, one_byte).status,
                     200);
    assert_int_equal(tls_ask_once(port, "NORMAL:-VERS-ALL:+VERS-TLS1.1", NULL, one_byte).status, 0);
    struct reply plain = ask_once(port, one_byte);
    assert_int_equal(plain.status, 0);
    plimsoll_http_stop(&http);
}

static void aes_gcm_wins_over_what_the_client_prefers(void **unused)
{
    (void)unused;
    static const char *const clients[] = {
        "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305:+AES-256-GCM:+AES-128-GCM",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CHACHA20-POLY1305:+AES-256-GCM:+AES-128-GCM"};
    struct plimsoll_http *http = start_with_fresh_pair(1);
    struct client_credentials credentials = credentials_of(NULL);
    for (size_t i = 0; i < 2; i++) {
        struct client *client =
            tls_connect(plimsoll_http_port(http, 0), clients[i], &credentials, NULL);
        assert_non_null(client);
        assert_int_equal(gnutls_cipher_get(client->session), GNUTLS_CIPHER_AES_128_GCM);
        client_close(client);
    }
    assert_int_equal(tls_ask_once(plimsoll_http_port(http, 0),
                                  "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", NULL,
                                  one_byte)
                         .status,
                     0);
    gnutls_certificate_free_credentials(credentials.list);
    plimsoll_http_stop(&http);
}

static void a_ticket_resumes_the_session(void **unused)
{
    (void)unused;
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    struct plimsoll_http *http = start_with_fresh_pair(1);
    struct client_credentials credentials = credentials_of(NULL);
    for (size_t i = 0; i < 2; i++) {
        gnutls_datum_t ticket = {.data = NULL};
        struct client *client =
            tls_connect(plimsoll_http_port(http, 0), versions[i], &credentials, NULL);
        assert_int_equal(client_ask(client, one_byte).status, 200);
        assert_int_equal(gnutls_session_is_resumed(client->session), 0);
        assert_int_equal(gnutls_session_get_data2(client->session, &ticket), 0);
        client_close(client);
        client = tls_connect(plimsoll_http_port(http, 0), versions[i], &credentials, &ticket);
        assert_int_not_equal(gnutls_session_is_resumed(client->session), 0);
        assert_int_equal(client_ask(client, one_byte).status, 200);
        client_close(client);
        gnutls_free(ticket.data);
    }
    gnutls_certificate_free_credentials(credentials.list);
    plimsoll_http_stop(&http);
}

static void requests_share_a_connection_and_answers_may_come_later(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(1);
    struct client_credentials credentials = credentials_of(NULL);
    struct client *client =
        tls_connect(plimsoll_http_port(http, 0), any_client, &credentials, NULL);
    for (int i = 0; i < 50; i++) {
        assert_string_equal(client_ask(client, one_byte).body, "1");
        assert_string_equal(client_ask(client, "POST /later HTTP/1.1\r\nHost: a\r\n"
                                               "Content-Length: 1\r\n\r\nx")
                                .body,
                            "later");
    }
    client_close(client);
    gnutls_certificate_free_credentials(credentials.list);
    plimsoll_http_stop(&http);
}

static void a_large_body_passes(void **unused)
{
    (void)unused;
    static char block[65536];
    struct plimsoll_http *http = start_with_fresh_pair(1);
    struct client_credentials credentials = credentials_of(NULL);
    struct client *client =
        tls_connect(plimsoll_http_port(http, 0), any_client, &credentials, NULL);
    assert_true(
        client_say(client, "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n"));
    for (int i = 0; i < 256; i++) {
        assert_true(client_send(client, block, sizeof block));
    }
    assert_string_equal(client_read(client, false).body, "16777216");
    client_close(client);
    gnutls_certificate_free_credentials(credentials.list);
    plimsoll_http_stop(&http);
}

/* ---- ceilings and deadlines ---- */

static void assert_cut_off(unsigned port, const char *request, unsigned status)
{
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    struct client_credentials credentials = credentials_of(NULL);
    for (size_t i = 0; i < 2; i++) {
        struct client *client = tls_connect(port, versions[i], &credentials, NULL);
        struct reply reply = client_ask(client, request);
        assert_int_equal(reply.status, status);
        assert_true(reply.body_size > 0);
        assert_string_equal(reply_header(&reply, "Connection"), "close");
        client_close(client);
    }
    gnutls_certificate_free_credentials(credentials.list);
}

static void bodies_too_large_or_too_slow_get_a_sentence(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(1);
    unsigned port = plimsoll_http_port(http, 0);
    assert_cut_off(port, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413);
    static char chunked[4096] =
        "POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n";
    memset(chunked + strlen(chunked), 'x', 1001);
    assert_cut_off(port, chunked, 413);
    assert_cut_off(port, "POST /hurry HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx", 408);
    plimsoll_http_stop(&http);
}

static void a_slow_handshake_and_slow_headers_are_cut_off(void **unused)
{
    (void)unused;
    struct pem pem = make_leaf(&ours, 1, GNUTLS_KP_TLS_WWW_SERVER);
    put_pair(&pem);
    struct plimsoll_http_listener listener = tls_listener();
    listener.headers_ms = 3000;
    struct plimsoll_http *http = start(&listener);
    unsigned port = plimsoll_http_port(http, 0);
    struct client *silent = client_connect(port);
    assert_true(client_at_end(silent));
    client_close(silent);
    struct client_credentials credentials = credentials_of(NULL);
    struct client *client = tls_connect(port, any_client, &credentials, NULL);
    struct client *idle = tls_connect(port, any_client, &credentials, NULL);
    assert_true(client_say(client, "GE"));
    assert_true(client_at_end(client));
    client_close(client);
    /* Idle longer than that, but no request. */
    silent = client_connect(port);
    assert_true(client_at_end(silent));
    client_close(silent);
    assert_int_equal(client_ask(idle, one_byte).status, 200);
    client_close(idle);
    gnutls_certificate_free_credentials(credentials.list);
    plimsoll_http_stop(&http);
}

/* ---- who is let in ---- */

static struct plimsoll_http *start_with_client_ca(bool optional)
{
    char ca[4096];
    struct pem pem = make_leaf(&ours, 1, GNUTLS_KP_TLS_WWW_SERVER);
    put_pair(&pem);
    export_certificate(ours.certificate, ca);
    put("client-ca.crt", ca);
    struct plimsoll_http_listener listener = tls_listener();
    listener.client_ca = path_of("client-ca.crt");
    listener.client_optional = optional;
    return start(&listener);
}

static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                       "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
static const char trusted[] = "POST /trusted HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

static void only_clients_with_a_certificate_of_the_ca_are_let_in(void **unused)
{
    (void)unused;
    struct pem good = make_leaf(&ours, 2, GNUTLS_KP_TLS_WWW_CLIENT);
    struct pem plain = make_leaf(&ours, 3, NULL);
    struct pem foreign = make_leaf(&theirs, 4, GNUTLS_KP_TLS_WWW_CLIENT);
    struct pem server = make_leaf(&ours, 5, GNUTLS_KP_TLS_WWW_SERVER);
    struct plimsoll_http *http = start_with_client_ca(false);
    unsigned port = plimsoll_http_port(http, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tls_ask_once(port, versions[i], &good, trusted).status, 200);
        assert_int_equal(tls_ask_once(port, versions[i], &plain, one_byte).status, 200);
        assert_int_equal(tls_ask_once(port, versions[i], NULL, one_byte).status, 0);
        assert_int_equal(tls_ask_once(port, versions[i], &foreign, one_byte).status, 0);
        assert_int_equal(tls_ask_once(port, versions[i], &server, one_byte).status, 0);
    }
    assert_false(
        metrics_have(http, "plimsoll_http_requests_total{handler=\"count\",code=\"403\"}"));
    assert_true(
        metrics_have(http, "plimsoll_http_requests_total{handler=\"count\",code=\"200\"} 2\n"));
    plimsoll_http_stop(&http);
}

static void an_optional_certificate_opens_the_trusted_routes(void **unused)
{
    (void)unused;
    struct pem good = make_leaf(&ours, 2, GNUTLS_KP_TLS_WWW_CLIENT);
    struct pem foreign = make_leaf(&theirs, 4, GNUTLS_KP_TLS_WWW_CLIENT);
    struct plimsoll_http *http = start_with_client_ca(true);
    unsigned port = plimsoll_http_port(http, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tls_ask_once(port, versions[i], NULL, one_byte).status, 200);
        assert_int_equal(tls_ask_once(port, versions[i], NULL, trusted).status, 403);
        assert_int_equal(tls_ask_once(port, versions[i], &good, trusted).status, 200);
        assert_int_equal(tls_ask_once(port, versions[i], &foreign, one_byte).status, 0);
    }
    plimsoll_http_stop(&http);
}

static void a_resumed_session_is_as_trusted_as_its_first(void **unused)
{
    (void)unused;
    struct pem good = make_leaf(&ours, 2, GNUTLS_KP_TLS_WWW_CLIENT);
    struct plimsoll_http *http = start_with_client_ca(true);
    struct client_credentials with = credentials_of(&good), without = credentials_of(NULL);
    for (size_t i = 0; i < 4; i++) {
        const struct client_credentials *credentials = i < 2 ? &with : &without;
        gnutls_datum_t ticket = {.data = NULL};
        struct client *client =
            tls_connect(plimsoll_http_port(http, 0), versions[i % 2], credentials, NULL);
        assert_int_equal(client_ask(client, one_byte).status, 200);
        assert_int_equal(gnutls_session_get_data2(client->session, &ticket), 0);
        client_close(client);
        client = tls_connect(plimsoll_http_port(http, 0), versions[i % 2], credentials, &ticket);
        assert_non_null(client);
        assert_int_not_equal(gnutls_session_is_resumed(client->session), 0);
        assert_int_equal(client_ask(client, trusted).status, i < 2 ? 200 : 403);
        client_close(client);
        gnutls_free(ticket.data);
    }
    gnutls_certificate_free_credentials(with.list);
    gnutls_certificate_free_credentials(without.list);
    plimsoll_http_stop(&http);
}

/* ---- certificates that change ---- */

struct load {
    unsigned port;
    atomic_bool ends;
    atomic_uint requests, failures;
};

/* New connections all the time, a few requests on each. */
static void *make_load(void *context)
{
    struct load *load = context;
    struct client_credentials credentials = credentials_of(NULL);
    while (!atomic_load(&load->ends)) {
        struct client *client = tls_connect(load->port, any_client, &credentials, NULL);
        if (client == NULL) {
            atomic_fetch_add(&load->failures, 1);
            continue;
        }
        for (int i = 0; i < 5; i++) {
            atomic_fetch_add(&load->requests, 1);
            atomic_fetch_add(&load->failures, client_ask(client, one_byte).status != 200);
        }
        client_close(client);
    }
    gnutls_certificate_free_credentials(credentials.list);
    return NULL;
}

static void certificates_change_under_load_without_a_failed_request(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(10);
    struct load load = {.port = plimsoll_http_port(http, 0)};
    pthread_t threads[LOADERS];
    for (size_t i = 0; i < LOADERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_load, &load), 0);
    }
    for (unsigned char serial = 11; serial < 14; serial++) {
        struct pem pem = make_leaf(&ours, serial, GNUTLS_KP_TLS_WWW_SERVER);
        put_pair(&pem);
        WAIT_FOR(serial_at(load.port) == serial);
    }
    unsigned before = atomic_load(&load.requests);
    WAIT_FOR(atomic_load(&load.requests) > before + 20);
    atomic_store(&load.ends, true);
    for (size_t i = 0; i < LOADERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&load.failures), 0);
    assert_false(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"ok\"} 0\n"));
    plimsoll_http_stop(&http);
}

static void a_connection_keeps_the_certificate_it_began_with(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(20);
    unsigned port = plimsoll_http_port(http, 0);
    struct client_credentials credentials = credentials_of(NULL);
    struct client *client = tls_connect(port, any_client, &credentials, NULL);
    assert_int_equal(client_ask(client, one_byte).status, 200);
    struct pem pem = make_leaf(&ours, 21, GNUTLS_KP_TLS_WWW_SERVER);
    put_pair(&pem);
    WAIT_FOR(serial_at(port) == 21);
    assert_int_equal(client_ask(client, one_byte).status, 200);
    client_close(client);
    gnutls_certificate_free_credentials(credentials.list);
    plimsoll_http_stop(&http);
}

static void a_bad_pair_keeps_the_old_one_until_a_good_one_comes(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(30);
    unsigned port = plimsoll_http_port(http, 0);
    struct pem next = make_leaf(&ours, 31, GNUTLS_KP_TLS_WWW_SERVER);
    char half[4096];
    (void)snprintf(half, sizeof half, "%.*s", (int)strlen(next.certificate) / 2, next.certificate);

    put("tls.crt", next.certificate); /* not the key's */
    WAIT_FOR(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"refused\"} 1\n"));
    assert_int_equal(serial_at(port), 30);
    put("tls.crt", half);
    WAIT_FOR(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"refused\"} 2\n"));
    assert_int_equal(serial_at(port), 30);
    assert_int_equal(unlink(path_of("tls.crt")), 0);
    WAIT_FOR(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"refused\"} 3\n"));
    assert_int_equal(serial_at(port), 30);
    assert_true(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"ok\"} 0\n"));

    put_pair(&next);
    WAIT_FOR(serial_at(port) == 31);
    assert_true(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"ok\"} 1\n"));
    plimsoll_http_stop(&http);
}

/* As the kubelet publishes a Secret: tls.crt -> ..data/tls.crt, ..data -> ..TIME, swapped by
 * rename. */
static void publish(const char *volume, const char *time, const struct pem *pem)
{
    char path[512], link[512];
    (void)snprintf(path, sizeof path, "%s/%s", volume, time);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/%s/tls.crt", volume, time);
    put_file(path, pem->certificate, strlen(pem->certificate));
    (void)snprintf(path, sizeof path, "%s/%s/tls.key", volume, time);
    put_file(path, pem->key, strlen(pem->key));
    (void)snprintf(path, sizeof path, "%s/..data_tmp", volume);
    (void)snprintf(link, sizeof link, "%s/..data", volume);
    assert_int_equal(symlink(time, path), 0);
    assert_int_equal(rename(path, link), 0);
}

static void a_symbolic_link_swapped_by_the_kubelet_is_a_change(void **unused)
{
    (void)unused;
    char volume[256], certificate[512], key[512];
    (void)snprintf(volume, sizeof volume, "%s/volume", directory);
    (void)snprintf(certificate, sizeof certificate, "%s/tls.crt", volume);
    (void)snprintf(key, sizeof key, "%s/tls.key", volume);
    assert_int_equal(mkdir(volume, 0700), 0);
    assert_int_equal(symlink("..data/tls.crt", certificate), 0);
    assert_int_equal(symlink("..data/tls.key", key), 0);
    struct pem first = make_leaf(&ours, 40, NULL), second = make_leaf(&ours, 41, NULL);
    publish(volume, "..2026_11_24_00", &first);
    struct plimsoll_http_listener listener = tls_listener();
    listener.tls_cert = certificate;
    listener.tls_key = key;
    struct plimsoll_http *http = start(&listener);
    assert_int_equal(serial_at(plimsoll_http_port(http, 0)), 40);
    publish(volume, "..2026_11_24_01", &second);
    WAIT_FOR(serial_at(plimsoll_http_port(http, 0)) == 41);
    assert_true(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"refused\"} 0\n"));
    plimsoll_http_stop(&http);
}

static void a_new_client_ca_is_taken_too(void **unused)
{
    (void)unused;
    char ca[4096];
    struct pem foreign = make_leaf(&theirs, 4, GNUTLS_KP_TLS_WWW_CLIENT);
    struct plimsoll_http *http = start_with_client_ca(false);
    unsigned port = plimsoll_http_port(http, 0);
    assert_int_equal(tls_ask_once(port, any_client, &foreign, one_byte).status, 0);
    export_certificate(theirs.certificate, ca);
    put("client-ca.crt", ca);
    WAIT_FOR(tls_ask_once(port, any_client, &foreign, one_byte).status == 200);
    plimsoll_http_stop(&http);
}

/* ---- a certificate that is given ---- */

static struct plimsoll_http *start_given(const char *client_ca)
{
    struct plimsoll_http_listener listener = tls_listener();
    listener.tls_cert = listener.tls_key = NULL;
    listener.tls_given = true;
    listener.client_ca = client_ca;
    return start(&listener);
}

static int try_to_give(struct plimsoll_http *http, const char *certificate, const char *key,
                       struct plimsoll_error *err)
{
    return plimsoll_http_give_certificate(
        http, 0,
        &(struct plimsoll_http_certificate){.certificate = plimsoll_span_of(certificate),
                                            .key = plimsoll_span_of(key),
                                            .ca_expires_unix_s = 4100000000},
        err);
}

static void give(struct plimsoll_http *http, unsigned char serial)
{
    struct pem pem = make_leaf(&ours, serial, GNUTLS_KP_TLS_WWW_SERVER);
    struct plimsoll_error err = {.message = ""};
    if (try_to_give(http, pem.certificate, pem.key, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void no_handshake_succeeds_before_a_certificate_is_given(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_given(NULL);
    unsigned port = plimsoll_http_port(http, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tls_ask_once(port, any_client, NULL, one_byte).status, 0);
    }
    assert_false(metrics_have(http, "plimsoll_certificate_expiration_timestamp_seconds"));
    give(http, 50);
    assert_int_equal(serial_at(port), 50);
    assert_int_equal(tls_ask_once(port, any_client, NULL, one_byte).status, 200);
    assert_true(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"ok\"} 0\n"));
    assert_true(metrics_have(
        http, "plimsoll_certificate_expiration_timestamp_seconds{cert=\"leaf\"} 4000000000\n"));
    assert_true(metrics_have(
        http, "plimsoll_certificate_expiration_timestamp_seconds{cert=\"ca\"} 4100000000\n"));
    plimsoll_http_stop(&http);
}

static void certificates_are_given_under_load_without_a_failed_request(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_given(NULL);
    give(http, 60);
    struct load load = {.port = plimsoll_http_port(http, 0)};
    pthread_t threads[LOADERS];
    for (size_t i = 0; i < LOADERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, make_load, &load), 0);
    }
    for (unsigned char serial = 61; serial < 81; serial++) {
        unsigned before = atomic_load(&load.requests);
        give(http, serial);
        assert_int_equal(serial_at(load.port), serial);
        WAIT_FOR(atomic_load(&load.requests) > before + 5);
    }
    atomic_store(&load.ends, true);
    for (size_t i = 0; i < LOADERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&load.failures), 0);
    assert_true(metrics_have(http, "plimsoll_certificate_reloads_total{result=\"ok\"} 20\n"));
    plimsoll_http_stop(&http);
}

static void a_bad_pair_given_is_refused_and_the_old_one_stays(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_given(NULL);
    give(http, 90);
    struct pem one = make_leaf(&ours, 91, NULL), other = make_leaf(&ours, 92, NULL);
    char half[4096];
    (void)snprintf(half, sizeof half, "%.*s", (int)strlen(one.certificate) / 2, one.certificate);
    plimsoll_autofree char *large = plimsoll_alloc(1024 * 1024 + 2, 1);
    memset(large, '\n', 1024 * 1024 + 1);
    const struct {
        const char *certificate, *key, *says;
    } bad[] = {
        {one.certificate, other.key, "the key given is not the key of the certificate given"},
        {half, one.key, "the certificate given: no certificate in PEM form"},
        {one.certificate, half, "the key given: no key in PEM form without a password"},
        {"", one.key, "1 to 1048576 bytes"},
        {one.certificate, "", "1 to 1048576 bytes"},
        {large, one.key, "1 to 1048576 bytes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plimsoll_error err = {.message = ""};
        assert_int_equal(try_to_give(http, bad[i].certificate, bad[i].key, &err), -1);
        if (strstr(err.message, bad[i].says) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, bad[i].says);
        }
    }
    assert_int_equal(serial_at(plimsoll_http_port(http, 0)), 90);
    plimsoll_http_stop(&http);
}

static void a_new_client_ca_keeps_the_certificate_given(void **unused)
{
    (void)unused;
    char ca[4096];
    struct pem foreign = make_leaf(&theirs, 4, GNUTLS_KP_TLS_WWW_CLIENT);
    export_certificate(ours.certificate, ca);
    put("client-ca.crt", ca);
    struct plimsoll_http *http = start_given(path_of("client-ca.crt"));
    unsigned port = plimsoll_http_port(http, 0);
    give(http, 95);
    assert_int_equal(tls_ask_once(port, any_client, &foreign, one_byte).status, 0);
    export_certificate(theirs.certificate, ca);
    put("client-ca.crt", ca);
    WAIT_FOR(tls_ask_once(port, any_client, &foreign, one_byte).status == 200);
    give(http, 96);
    assert_int_equal(tls_ask_once(port, any_client, &foreign, one_byte).status, 200);
    plimsoll_http_stop(&http);
}

static void the_end_of_the_certificate_is_a_metric(void **unused)
{
    (void)unused;
    struct plimsoll_http *http = start_with_fresh_pair(1);
    assert_true(metrics_have(
        http, "\nplimsoll_certificate_expiration_timestamp_seconds{cert=\"leaf\"} 4000000000\n"));
    plimsoll_http_stop(&http);
}

/* ---- starting ---- */

static void assert_refused(const struct plimsoll_http_listener *listener, const char *sentence)
{
    struct plimsoll_http *http = NULL;
    struct plimsoll_error err = {.message = ""};
    assert_int_equal(plimsoll_http_start(listener, 1, &http, &err), -1);
    if (strstr(err.message, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, sentence);
    }
}

static void files_that_are_no_certificate_stop_the_start(void **unused)
{
    (void)unused;
    struct pem one = make_leaf(&ours, 1, NULL), other = make_leaf(&ours, 2, NULL);
    put("tls.crt", one.certificate);
    put("tls.key", other.key);
    struct plimsoll_http_listener listener = tls_listener();
    assert_refused(&listener, "tls.key is not the key of ");
    put("tls.key", "nonsense");
    assert_refused(&listener, "tls.key: no key in PEM form");
    put("tls.key", one.key);
    put("tls.crt", "");
    assert_refused(&listener, "tls.crt: no certificate in PEM form");
    put("tls.crt", one.certificate);
    put("empty.crt", "nonsense");
    listener.client_ca = path_of("empty.crt");
    assert_refused(&listener, "empty.crt: no certificate in PEM form");
    listener = tls_listener();
    listener.tls_cert = path_of("no-such.crt");
    assert_refused(&listener, "no-such.crt: No such file");
    listener.tls_cert = directory;
    assert_refused(&listener, "not a file");
    listener.tls_cert = "/dev/zero";
    assert_refused(&listener, "not a file");
    static char huge[1024 * 1024 + 2];
    memset(huge, 'x', sizeof huge - 1);
    put("huge.crt", huge);
    listener.tls_cert = path_of("huge.crt");
    assert_refused(&listener, "at most 1048576 bytes");
}

static int start_group(void **unused)
{
    (void)unused;
    plimsoll_log_setup(PLIMSOLL_LOG_ERROR, false);
    ours = make_authority("ours");
    theirs = make_authority("theirs");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static int stop_group(void **unused)
{
    (void)unused;
    free_authority(&ours);
    free_authority(&theirs);
    return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_1_2_and_1_3_are_spoken_and_nothing_older),
        cmocka_unit_test(aes_gcm_wins_over_what_the_client_prefers),
        cmocka_unit_test(a_ticket_resumes_the_session),
        cmocka_unit_test(requests_share_a_connection_and_answers_may_come_later),
        cmocka_unit_test(a_large_body_passes),
        cmocka_unit_test(bodies_too_large_or_too_slow_get_a_sentence),
        cmocka_unit_test(a_slow_handshake_and_slow_headers_are_cut_off),
        cmocka_unit_test(only_clients_with_a_certificate_of_the_ca_are_let_in),
        cmocka_unit_test(an_optional_certificate_opens_the_trusted_routes),
        cmocka_unit_test(a_resumed_session_is_as_trusted_as_its_first),
        cmocka_unit_test(certificates_change_under_load_without_a_failed_request),
        cmocka_unit_test(a_connection_keeps_the_certificate_it_began_with),
        cmocka_unit_test(a_bad_pair_keeps_the_old_one_until_a_good_one_comes),
        cmocka_unit_test(a_symbolic_link_swapped_by_the_kubelet_is_a_change),
        cmocka_unit_test(a_new_client_ca_is_taken_too),
        cmocka_unit_test(no_handshake_succeeds_before_a_certificate_is_given),
        cmocka_unit_test(certificates_are_given_under_load_without_a_failed_request),
        cmocka_unit_test(a_bad_pair_given_is_refused_and_the_old_one_stays),
        cmocka_unit_test(a_new_client_ca_keeps_the_certificate_given),
        cmocka_unit_test(the_end_of_the_certificate_is_a_metric),
        cmocka_unit_test(files_that_are_no_certificate_stop_the_start),
    };
    return cmocka_run_group_tests(tests, start_group, stop_group);
}
