/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, draining and stopping; what one listener's MHD daemon is told. */
#include "server.h"

#include <plimsoll/clock.h>
#include <plimsoll/log.h>

#include <gnutls/abstract.h>

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

/*
 * AES-GCM first: GnuTLS's ChaCha20 runs at a tenth of its speed. Only ciphers with forward secrecy
 * and authentication; X25519 first, because its key share costs less than P-256's.
 */
#define PRIORITIES                                                                                 \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:"            \
    "+CHACHA20-POLY1305:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-GROUP-ALL:+GROUP-X25519:"                 \
    "+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE"

#define WAIT_STEP_NS 5000000L

static void log_mhd(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Mostly what clients do wrong: one line each would be theirs to write. */
static void log_mhd(void *context, const char *format, va_list arguments)
{
    const struct listener *listener = context;
    char line[256];
    (void)vsnprintf(line, sizeof line, format, arguments);
    plimsoll_log(PLIMSOLL_LOG_DEBUG, "libmicrohttpd", PLIMSOLL_STR("listener", listener->spec.name),
                 PLIMSOLL_STR("text", line));
}

/* MHD wants to know where certificates come from; every session has its own credentials instead. */
static int never_asked(gnutls_session_t session, const gnutls_datum_t *ca_names, int ca_count,
                       const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                       gnutls_pcert_st **certificate, unsigned *certificate_count,
                       gnutls_privkey_t *key)
{
    (void)session, (void)ca_names, (void)ca_count, (void)algorithms, (void)algorithm_count;
    (void)certificate, (void)certificate_count, (void)key;
    return -1;
}

static char *copy_string(const char *string)
{
    return string != NULL ? plimsoll_copy(string, strlen(string)) : NULL;
}

static void listener_init(struct listener *listener, const struct plimsoll_http_listener *spec,
                          struct plimsoll_http *http)
{
    listener->http = http;
    listener->fd = -1;
    listener->spec = *spec;
    listener->spec.address = copy_string(spec->address);
    listener->spec.name = copy_string(spec->name);
    listener->spec.tls_cert = copy_string(spec->tls_cert);
    listener->spec.tls_key = copy_string(spec->tls_key);
    listener->spec.client_ca = copy_string(spec->client_ca);
    unsigned threads = spec->threads > 0 ? spec->threads : 1;
    unsigned connections =
        spec->connections_max > 0 ? spec->connections_max : PLIMSOLL_HTTP_CONNECTIONS_MAX;
    listener->spec.threads = threads;
    listener->spec.connections_max = connections > threads ? connections : threads;
    listener->spec.headers_ms = spec->headers_ms > 0 ? spec->headers_ms : PLIMSOLL_HTTP_HEADERS_MS;
    pthread_mutex_init(&listener->lock, NULL);
    listener->series = plimsoll_alloc(spec->route_count + 1, sizeof *listener->series);
    for (size_t i = 0; i < spec->route_count; i++) {
        listener->series[i] = series_named(&http->series, spec->routes[i].name);
    }
}

static void free_string(const char *string)
{
    char *owned = NULL;
    memcpy(&owned, &string, sizeof owned);
    free(owned);
}

static void listener_clear(struct listener *listener)
{
    if (listener->daemon != NULL) {
        MHD_stop_daemon(listener->daemon);
    }
    if (listener->fd >= 0) {
        close(listener->fd);
    }
    identity_source_free(listener->identities);
    free_string(listener->spec.address);
    free_string(listener->spec.name);
    free_string(listener->spec.tls_cert);
    free_string(listener->spec.tls_key);
    free_string(listener->spec.client_ca);
    free(listener->series);
    pthread_mutex_destroy(&listener->lock);
}

static int load_identity(struct listener *listener, struct plimsoll_error *err)
{
    const struct plimsoll_http_listener *spec = &listener->spec;
    if (spec->tls_cert == NULL && !spec->tls_given) {
        return 0;
    }
    assert((spec->tls_cert == NULL) == spec->tls_given);
    assert((spec->tls_key == NULL) == spec->tls_given);
    const struct identity_files files = {.cert = spec->tls_cert,
                                         .key = spec->tls_key,
                                         .client_ca = spec->client_ca,
                                         .client_optional = spec->client_optional};
    listener->identities = identity_source_new(&files, err);
    return listener->identities != NULL ? 0 : -1;
}

static int start_daemon(struct listener *listener, struct plimsoll_error *err)
{
    const struct plimsoll_http_listener *spec = &listener->spec;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET |
                     MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_ITC;
    bool tls = listener->identities != NULL;
    if (tls) {
        flags |= MHD_USE_TLS;
    }
    /* clang-format off */
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_request, listener,
        /* First, because it takes the complaints about the others. */
        MHD_OPTION_EXTERNAL_LOGGER, log_mhd, listener,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        /* Shared out among the workers; ours is the ceiling, each worker may reach it. */
        MHD_OPTION_CONNECTION_LIMIT, spec->connections_max * spec->threads,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PLIMSOLL_HTTP_IDLE_S,
        MHD_OPTION_THREAD_POOL_SIZE, spec->threads > 1 ? spec->threads : 0u,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_uri, listener,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, listener,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notify, listener,
        /* The options of a plain listener end here. */
        tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, PRIORITIES,
        MHD_OPTION_HTTPS_CERT_CALLBACK, never_asked, MHD_OPTION_END);
    /* clang-format on */
    if (listener->daemon == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL,
                                  "listener %s: libmicrohttpd does not start (out of threads or "
                                  "file descriptors?)",
                                  spec->name);
    }
    return 0;
}

static int listener_start(struct listener *listener, struct plimsoll_error *err)
{
    if (load_identity(listener, err) != 0 ||
        address_listen(&listener->spec, &listener->fd, &listener->port, err) != 0 ||
        start_daemon(listener, err) != 0) {
        return -1;
    }
    plimsoll_log(PLIMSOLL_LOG_INFO, "listening", PLIMSOLL_STR("listener", listener->spec.name),
                 PLIMSOLL_STR("address", listener->spec.address),
                 PLIMSOLL_INT("port", listener->port),
                 PLIMSOLL_STR("scheme", listener->identities != NULL ? "https" : "http"));
    return 0;
}

static void http_free(struct plimsoll_http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        listener_clear(&http->listeners[i]);
    }
    if (http->keeper_wakes >= 0) {
        close(http->keeper_wakes);
    }
    series_free(http->series);
    free(http->listeners);
    free(http);
}

static int say_no_eventfd(struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "cannot make an eventfd: %s",
                              strerror(errno));
}

int plimsoll_http_start(const struct plimsoll_http_listener *listeners, size_t listener_count,
                        struct plimsoll_http **http, struct plimsoll_error *err)
{
    struct plimsoll_http *made = plimsoll_alloc(1, sizeof *made);
    made->keeper_wakes = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)series_named(&made->series, "other");
    made->listeners = plimsoll_alloc(listener_count, sizeof *made->listeners);
    made->listener_count = listener_count;
    for (size_t i = 0; i < listener_count; i++) {
        listener_init(&made->listeners[i], &listeners[i], made);
    }
    int result = made->keeper_wakes >= 0 ? 0 : say_no_eventfd(err);
    for (size_t i = 0; i < listener_count && result == 0; i++) {
        result = listener_start(&made->listeners[i], err);
    }
    if (result == 0) {
        result = keeper_start(made, err);
    }
    if (result != 0) {
        http_free(made);
        return -1;
    }
    *http = made;
    return 0;
}

int plimsoll_http_give_certificate(struct plimsoll_http *http, size_t index,
                                   const struct plimsoll_http_certificate *certificate,
                                   struct plimsoll_error *err)
{
    assert(index < http->listener_count && http->listeners[index].spec.tls_given);
    return identity_source_give(http->listeners[index].identities, certificate, err);
}

unsigned plimsoll_http_port(const struct plimsoll_http *http, size_t index)
{
    return http->listeners[index].port;
}

static bool wait_for_zero(const atomic_uint *count, int64_t until_ms)
{
    while (atomic_load(count) != 0) {
        if (plimsoll_clock_monotonic_ms() >= until_ms) {
            return false;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_NS}, NULL);
    }
    return true;
}

void plimsoll_http_drain(struct plimsoll_http *http, unsigned wait_ms)
{
    atomic_store(&http->draining, true);
    keeper_stop_accepting(http);
    bool idle = wait_for_zero(&http->in_flight, plimsoll_clock_monotonic_ms() + wait_ms);
    plimsoll_log(PLIMSOLL_LOG_INFO, "drained",
                 PLIMSOLL_INT("unanswered", idle ? 0 : atomic_load(&http->in_flight)));
}

void plimsoll_http_stop(struct plimsoll_http **http)
{
    struct plimsoll_http *ending = PLIMSOLL_TAKE(*http);
    if (ending == NULL) {
        return;
    }
    atomic_store(&ending->stopping, true);
    keeper_stop(ending);
    (void)wait_for_zero(&ending->owed, INT64_MAX);
    http_free(ending);
}
