/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP and HTTPS listeners on libmicrohttpd: limits, deadlines, health, drain.
 *
 * TLS is GnuTLS's inside MHD: TLS ≥ 1.2, AES-GCM first, session tickets, certificate taken from the
 * two files and reloaded when they change. Keep-alive idle ≥ 120 s, because Go reuses connections
 * for 90 s.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

struct plimsoll_http; /* one server: any number of listeners, one set of worker threads each */
struct plimsoll_http_exchange; /* one request being answered */

/** How one route takes its request. Functions are called on a worker thread, one exchange at a
 * time. */
struct plimsoll_http_handler {
    /** Before the body. @return the exchange's state, or NULL with `err` set to refuse at once. */
    void *(*begin)(void *context, struct plimsoll_http_exchange *exchange,
                   struct plimsoll_error *err);
    /** The next bytes. @return 0, or -1 to answer with err's status and close the connection. */
    int (*body)(void *state, struct plimsoll_span bytes, struct plimsoll_error *err);
    /**
     * The whole body has come: answer now with plimsoll_http_answer, or later from any thread after
     * plimsoll_http_defer. @return 0, or -1 to answer with err's status.
     */
    int (*finish)(void *state, struct plimsoll_http_exchange *exchange, struct plimsoll_error *err);
    /** Always last, also when the client went away. A deferred exchange is over only after its
     * answer. */
    void (*end)(void *state);
};

struct plimsoll_http_route {
    const char *method; /* "GET", "POST" */
    const char *path;   /* exact; a query string is allowed and ignored */
    const char *name;   /* label of metrics and logs */
    const struct plimsoll_http_handler *handler;
    void *context; /* must outlive the server */
    size_t body_bytes_max;
    unsigned deadline_ms; /* from the first byte of the request to the last of the body */
};

struct plimsoll_http_listener {
    const char *address;  /* HOST:PORT, [V6]:PORT or :PORT; port 0 picks one */
    const char *name;     /* for the log line `listening` */
    const char *tls_cert; /* PEM file; NULL: plain HTTP */
    const char *tls_key;
    const char *client_ca; /* PEM file: clients without a certificate from it are refused in the
                              handshake */
    bool loopback_only;    /* refuse to start on anything else */
    const struct plimsoll_http_route *routes; /* must outlive the server */
    size_t route_count;
    unsigned connections_max;
    unsigned threads; /* workers; 0: one */
};

/** @return 0, or -1 with the address and why. The port in use is logged as `listening`. */
int plimsoll_http_start(const struct plimsoll_http_listener *listeners, size_t listener_count,
                        struct plimsoll_http **http,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The port that listener `index` really has. */
unsigned plimsoll_http_port(const struct plimsoll_http *http, size_t index);
/** Answers `Connection: close` from now on and accepts nothing new; returns when idle or after
 * `wait_ms`. */
void plimsoll_http_drain(struct plimsoll_http *http, unsigned wait_ms);
void plimsoll_http_stop(struct plimsoll_http **http);

/** Query parameter of the request line, or NULL. Borrowed for the exchange. */
const char *plimsoll_http_query(const struct plimsoll_http_exchange *exchange, const char *key);

/** Answers and takes `body` (left empty). `content_type` is static. */
void plimsoll_http_answer(struct plimsoll_http_exchange *exchange, unsigned status,
                          const char *content_type, struct plimsoll_text *body);
/** The answer comes later: exactly one plimsoll_http_answer must follow, from any thread. */
void plimsoll_http_defer(struct plimsoll_http_exchange *exchange);

/** Appends this server's own metrics (requests, durations, connections, reloads) as Prometheus
 * text. */
void plimsoll_http_metrics(const struct plimsoll_http *http, struct plimsoll_text *out);
