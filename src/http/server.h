/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the parts of the server share.
 *
 * A listener is one MHD daemon with its workers. A connection is known from STARTED to CLOSED and
 * has a phase that the keeper, one thread per server, compares with the clock. An exchange lives
 * from the request line to the end of its answer.
 */
#pragma once

#include <plimsoll/http.h>

#include "identity.h"
#include "series.h"

#include <microhttpd.h>

#include <pthread.h>
#include <stdatomic.h>

#define CONTENT_TYPE_TEXT "text/plain; charset=utf-8"

struct listener {
    struct plimsoll_http *http;
    struct plimsoll_http_listener spec; /* strings owned */
    struct series **series;             /* of route i */
    struct identity_source *identities; /* NULL: plain HTTP */
    struct MHD_Daemon *daemon;
    unsigned port;
    pthread_mutex_t
        lock; /* guards the rest; also held while the keeper touches a connection's socket */
    int fd;   /* listening; -1 after a drain */
    struct connection *connections;
    unsigned connection_count; /* accepted and not closed */
};

struct plimsoll_http {
    struct listener *listeners;
    size_t listener_count;
    struct series *series; /* a list; the first is `other`: no route */
    atomic_uint in_flight; /* exchanges */
    atomic_uint owed;      /* answers being made, deferred ones too */
    atomic_bool draining, stopping;
    pthread_t keeper;
    bool keeper_runs;
    int keeper_wakes; /* eventfd */
};

/* connection.c */
enum phase {
    PHASE_HANDSHAKE, /* deadline: the listener's headers_ms */
    PHASE_IDLE,      /* no byte of a request yet: MHD's idle time only */
    PHASE_READING,   /* deadline: headers_ms, then the route's, both from the first byte */
    PHASE_DECIDING,  /* the handler's own time */
    PHASE_ANSWERING, /* deadline: PLIMSOLL_HTTP_ANSWER_MS */
    PHASE_EXPIRED,   /* cut off by the keeper */
};

struct connection {
    struct connection *previous, *next;
    struct listener *listener;
    struct identity *identity; /* held: the session borrows it */
    gnutls_session_t session;  /* NULL: plain */
    int fd;
    /* The worker's own. */
    struct plimsoll_http_exchange *exchange;
    uint64_t bytes_pulled; /* by the session */
    pthread_mutex_t lock;  /* guards what follows; taken after the listener's */
    enum phase phase;
    int64_t since_ms;        /* when the phase began; READING: the request */
    int64_t deadline_ms;     /* READING, HANDSHAKE, ANSWERING */
    uint64_t bytes_consumed; /* IDLE: taken until now; more is a request */
};

void connection_notify(void *listener, struct MHD_Connection *mhd, void **connection,
                       enum MHD_ConnectionNotificationCode code);
/* A connection accepted is no more, or never began. */
void connection_uncount(struct listener *listener);
struct connection *connection_of(struct MHD_Connection *mhd);
/* The worker's steps through a request; false: the keeper was faster, the connection is being cut.
 */
void connection_reading(struct connection *connection);
bool connection_headers_done(struct connection *connection, unsigned deadline_ms);
bool connection_body_done(struct connection *connection);
void connection_answering(struct connection *connection);
/* Nothing of a request has been taken: after the handshake, after each answer. */
void connection_idle(struct connection *connection);
bool connection_expired(struct connection *connection);
/* From the worker, past MHD: a whole small answer while a body is still coming. */
void connection_write(struct connection *connection, const char *data, size_t size);
/* The keeper's look at all connections of a listener. */
void connections_check(struct listener *listener, int64_t now_ms);

/* session.c */
void session_start(struct connection *connection, gnutls_session_t session);

/* exchange.c */
/* Answers 408 past MHD, unless there is an answer; for when reading has ended. */
void exchange_cut_off(struct plimsoll_http_exchange *exchange);
void *exchange_uri(void *context, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result exchange_request(void *listener, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **context);
void exchange_completed(void *context, struct MHD_Connection *mhd, void **at,
                        enum MHD_RequestTerminationCode code);
const struct plimsoll_http_route *exchange_route(const struct plimsoll_http_exchange *exchange);

/* address.c */
int address_listen(const struct plimsoll_http_listener *spec, int *fd, unsigned *port,
                   struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/* keeper.c */
void keeper_wake(struct plimsoll_http *http);
int keeper_start(struct plimsoll_http *http, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/* Closes the listening sockets. */
void keeper_stop_accepting(struct plimsoll_http *http);
/* After `stopping` is set. */
void keeper_stop(struct plimsoll_http *http);
