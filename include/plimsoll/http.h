/* SPDX-License-Identifier: Apache-2.0 */
/**
 * HTTP and HTTPS listeners on libmicrohttpd: routes, limits, deadlines, certificates, drain.
 *
 * TLS is GnuTLS's inside MHD: TLS 1.2 or later, AES-GCM first, session tickets, certificate taken
 * from the two files and loaded again when they change, or given from memory. Keep-alive idle is
 * above 120 s, because Go reuses connections for 90 s. Answers always have Content-Length, never
 * chunks.
 *
 * What the server answers by itself is one sentence and a newline (text/plain): 404, 405 with
 * Allow, 403, 408, 413 and the errors of handlers. An answer given before the body has come closes
 * the connection.
 *
 * Web browsers may read what is for them (`for_people`) and change nothing: a POST with an Origin
 * is refused, because any site that a person visits can send one with that person's certificate, or
 * through that person's port-forward.
 *
 * The caller blocks the signals it waits for before plimsoll_http_start, which starts threads.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

#include <stdint.h>

/** Idle seconds after which a kept-alive connection is closed; above Go's 90 and any proxy's 120.
 */
#define PLIMSOLL_HTTP_IDLE_S 180
/** TLS handshake, and request line with headers, where a listener names no other deadline. */
#define PLIMSOLL_HTTP_HEADERS_MS 10000u
/** For the client to take the whole answer; 5000 full nodes are 78 MB. */
#define PLIMSOLL_HTTP_ANSWER_MS 120000u
/** Headers that a handler may add to one answer. */
#define PLIMSOLL_HTTP_ANSWER_HEADERS_MAX 12u
/** Connections of a listener that names no ceiling. */
#define PLIMSOLL_HTTP_CONNECTIONS_MAX 1024u

struct plimsoll_http; /* one server: any number of listeners, one set of worker threads each */
struct plimsoll_http_exchange; /* one request being answered */

/** How one route takes its request. Functions are called on a worker thread, one at a time per
 * exchange. */
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
    /**
     * Always last for a state that `begin` returned, also when the client went away. A deferred
     * exchange is over only after its answer.
     */
    void (*end)(void *state);
};

struct plimsoll_http_route {
    const char *method; /* "GET" (HEAD comes with it), "POST" */
    const char *path;   /* exact, compared undecoded; a query string is allowed and ignored */
    const char *name; /* label `handler` of the metrics; routes of one name are counted together */
    const struct plimsoll_http_handler *handler;
    void *context; /* must outlive the server */
    size_t body_bytes_max;
    unsigned deadline_ms; /* from the first byte of the request to the last of the body */
    bool trusted_only;    /* 403 for everybody else: plimsoll_http_trusted */
    /** Opened in browsers. On a loopback_only listener 403 unless Host is a name of this machine:
     * a site whose DNS name is made to mean 127.0.0.1 would be let in by the browser. */
    bool for_people;
};

struct plimsoll_http_listener {
    const char *address;  /* HOST:PORT, [V6]:PORT or :PORT; port 0 picks one */
    const char *name;     /* for the log line `listening` */
    const char *tls_cert; /* PEM file; NULL: plain HTTP, unless tls_given */
    const char *tls_key;
    const char *client_ca; /* PEM file: clients without a certificate from it are refused in the
                              handshake */
    bool tls_given; /* HTTPS with what plimsoll_http_give_certificate gives; no handshake succeeds
                       before */
    bool client_optional; /* with client_ca: no certificate passes the handshake, a wrong one does
                             not */
    bool loopback_only;   /* refuse to start on anything else */
    const struct plimsoll_http_route *routes; /* must outlive the server, with all they point to */
    size_t route_count;
    unsigned connections_max; /* 0: PLIMSOLL_HTTP_CONNECTIONS_MAX; the longest idle one gives way */
    unsigned threads;         /* workers; 0: one */
    unsigned headers_ms;      /* 0: PLIMSOLL_HTTP_HEADERS_MS */
};

/**
 * @param listeners  Copied, their strings too; routes are not.
 * @return 0, or -1 with the address or file and why. The port in use is logged as `listening`.
 */
int plimsoll_http_start(const struct plimsoll_http_listener *listeners, size_t listener_count,
                        struct plimsoll_http **http,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** A certificate with its key, PEM both; borrowed for the call. */
struct plimsoll_http_certificate {
    struct plimsoll_span certificate, key;
    int64_t ca_expires_unix_s; /* of the CA that signed it, for the metrics; 0: not known */
};
/**
 * What listener `index`, which has tls_given, shows in handshakes from now on. Connections keep
 * what they began with, so no request is dropped.
 * @return 0, or -1 when it cannot be used; the one before stays. Safe from any thread.
 */
int plimsoll_http_give_certificate(struct plimsoll_http *http, size_t index,
                                   const struct plimsoll_http_certificate *certificate,
                                   struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The port that listener `index` really has. */
unsigned plimsoll_http_port(const struct plimsoll_http *http, size_t index);
/** Answers `Connection: close` from now on and accepts nothing new; returns when idle or after
 * `wait_ms`. */
void plimsoll_http_drain(struct plimsoll_http *http, unsigned wait_ms);
/**
 * Ends all connections, frees the server and leaves NULL. Waits for every deferred exchange to be
 * answered: whoever owes an answer must still be running, or have given it.
 */
void plimsoll_http_stop(struct plimsoll_http **http);

/** Query parameter of the request line, "" when it has no value, or NULL. Borrowed for the
 * exchange. */
const char *plimsoll_http_query(const struct plimsoll_http_exchange *exchange, const char *key);
/** A header of the request, or NULL. Borrowed for the exchange. */
const char *plimsoll_http_header(const struct plimsoll_http_exchange *exchange, const char *name);
/** The client has shown a certificate from client_ca, or the listener is loopback_only. */
bool plimsoll_http_trusted(const struct plimsoll_http_exchange *exchange);

/** Adds a header to the answer, before it is given. `name` is static, `value` copied; errors do not
 * carry it. */
void plimsoll_http_set_header(struct plimsoll_http_exchange *exchange, const char *name,
                              const char *value);
/** Answers and takes `body` (left empty). `content_type` is static. */
void plimsoll_http_answer(struct plimsoll_http_exchange *exchange, unsigned status,
                          const char *content_type, struct plimsoll_text *body);
/** Answers with the status of `err` and its sentence as text/plain. */
void plimsoll_http_answer_error(struct plimsoll_http_exchange *exchange,
                                const struct plimsoll_error *err);
/**
 * Called in `finish`, before anybody else learns of the exchange: the answer comes later, exactly
 * one plimsoll_http_answer must follow, from any thread; the exchange may be gone when that
 * returns.
 */
void plimsoll_http_defer(struct plimsoll_http_exchange *exchange);

/** A route that wants its whole body at once: handler = plimsoll_http_buffered, context = this. */
struct plimsoll_http_buffer {
    /** As `finish`; `body` is borrowed until the exchange is over, deferred or not. */
    int (*answer)(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                  struct plimsoll_error *err);
    void *context;
};
extern const struct plimsoll_http_handler plimsoll_http_buffered;

/** Appends this server's own metrics (requests, durations, connections, reloads) as Prometheus
 * text. */
void plimsoll_http_metrics(const struct plimsoll_http *http, struct plimsoll_text *out);
