/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's phases and what ends it. MHD knows idle time only; a deadline per request is kept
 * here: the worker notes the steps of each request, the keeper compares them with the clock.
 */
#include "server.h"

#include <plimsoll/clock.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* How long a connection must have been idle before it gives way to a new one. */
#define GIVE_WAY_IDLE_MS 1000

/* Bytes the kernel has taken from the peer; tells the first byte of a request without reading it.
 */
static uint64_t bytes_received(int fd)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

struct connection *connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void enter(struct connection *connection, enum phase phase, int64_t now_ms, unsigned room_ms)
{
    connection->phase = phase;
    connection->since_ms = now_ms;
    connection->deadline_ms = now_ms + room_ms;
}

void connection_idle(struct connection *connection)
{
    /* Part of the next request may have come already: of TLS we know what has been taken, not so of
     * plain connections, where such a part counts from its next byte on. */
    uint64_t consumed =
        connection->session != NULL ? connection->bytes_pulled : bytes_received(connection->fd);
    pthread_mutex_lock(&connection->lock);
    if (connection->phase != PHASE_EXPIRED) {
        connection->bytes_consumed = consumed;
        enter(connection, PHASE_IDLE, plimsoll_clock_monotonic_ms(), 0);
    }
    pthread_mutex_unlock(&connection->lock);
}

static struct connection *connection_new(struct listener *listener, struct MHD_Connection *mhd)
{
    struct connection *connection = plimsoll_alloc(1, sizeof *connection);
    connection->listener = listener;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    pthread_mutex_init(&connection->lock, NULL);
    enter(connection, listener->identities != NULL ? PHASE_HANDSHAKE : PHASE_IDLE,
          plimsoll_clock_monotonic_ms(), listener->spec.headers_ms);
    if (listener->identities != NULL) {
        session_start(
            connection,
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
    }
    pthread_mutex_lock(&listener->lock);
    connection->next = listener->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    listener->connections = connection;
    pthread_mutex_unlock(&listener->lock);
    return connection;
}

void connection_uncount(struct listener *listener)
{
    pthread_mutex_lock(&listener->lock);
    bool was_full = listener->connection_count == listener->spec.connections_max;
    listener->connection_count--;
    pthread_mutex_unlock(&listener->lock);
    if (was_full) {
        keeper_wake(listener->http); /* somebody may wait in the backlog */
    }
}

/* The socket is still open, so the keeper never touches a number that is somebody else's. */
static void connection_free(struct connection *connection)
{
    struct listener *listener = connection->listener;
    pthread_mutex_lock(&listener->lock);
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        listener->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    pthread_mutex_unlock(&listener->lock);
    connection_uncount(listener);
    identity_drop(connection->identity);
    pthread_mutex_destroy(&connection->lock);
    free(connection);
}

void connection_notify(void *listener, struct MHD_Connection *mhd, void **connection,
                       enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *connection = connection_new(listener, mhd);
    } else {
        connection_free(PLIMSOLL_TAKE(*(struct connection **)connection));
    }
}

void connection_reading(struct connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    if (connection->phase == PHASE_IDLE || connection->phase == PHASE_HANDSHAKE) {
        enter(connection, PHASE_READING, plimsoll_clock_monotonic_ms(),
              connection->listener->spec.headers_ms);
    }
    pthread_mutex_unlock(&connection->lock);
}

bool connection_headers_done(struct connection *connection, unsigned deadline_ms)
{
    pthread_mutex_lock(&connection->lock);
    bool in_time = connection->phase == PHASE_READING;
    if (in_time) {
        connection->deadline_ms = connection->since_ms + deadline_ms;
    }
    pthread_mutex_unlock(&connection->lock);
    return in_time;
}

static bool step(struct connection *connection, enum phase from, enum phase to, unsigned room_ms)
{
    pthread_mutex_lock(&connection->lock);
    bool in_time = connection->phase == from;
    if (in_time) {
        enter(connection, to, plimsoll_clock_monotonic_ms(), room_ms);
    }
    pthread_mutex_unlock(&connection->lock);
    return in_time;
}

bool connection_body_done(struct connection *connection)
{
    return step(connection, PHASE_READING, PHASE_DECIDING, 0);
}

void connection_answering(struct connection *connection)
{
    (void)step(connection, PHASE_DECIDING, PHASE_ANSWERING, PLIMSOLL_HTTP_ANSWER_MS);
}

bool connection_expired(struct connection *connection)
{
    pthread_mutex_lock(&connection->lock);
    bool expired = connection->phase == PHASE_EXPIRED;
    pthread_mutex_unlock(&connection->lock);
    return expired;
}

void connection_write(struct connection *connection, const char *data, size_t size)
{
    /* Nothing has been sent on this request yet, so this little fits; if not, the client is only
     * cut. */
    ssize_t sent = connection->session != NULL
                       ? gnutls_record_send(connection->session, data, size)
                       : send(connection->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
}

/* Ends reading only: the worker sees the end of input and may still say why. */
static void expire(struct connection *connection)
{
    int how = connection->phase == PHASE_READING ? SHUT_RD : SHUT_RDWR;
    connection->phase = PHASE_EXPIRED;
    (void)shutdown(connection->fd, how);
}

static void check(struct connection *connection, int64_t now_ms)
{
    pthread_mutex_lock(&connection->lock);
    switch (connection->phase) {
    case PHASE_IDLE:
        if (bytes_received(connection->fd) > connection->bytes_consumed) {
            enter(connection, PHASE_READING, now_ms, connection->listener->spec.headers_ms);
        }
        break;
    case PHASE_HANDSHAKE:
    case PHASE_READING:
    case PHASE_ANSWERING:
        if (now_ms >= connection->deadline_ms) {
            expire(connection);
        }
        break;
    case PHASE_DECIDING:
    case PHASE_EXPIRED:
        break;
    }
    pthread_mutex_unlock(&connection->lock);
}

/* At the ceiling new clients wait in the backlog: the connection that is idle longest gives way. */
static void make_room(struct listener *listener, int64_t now_ms)
{
    struct connection *longest = NULL;
    int64_t since_ms = now_ms - GIVE_WAY_IDLE_MS;
    for (struct connection *one = listener->connections; one != NULL; one = one->next) {
        pthread_mutex_lock(&one->lock);
        if (one->phase == PHASE_IDLE && one->since_ms <= since_ms) {
            since_ms = one->since_ms;
            longest = one;
        }
        pthread_mutex_unlock(&one->lock);
    }
    if (longest != NULL) {
        pthread_mutex_lock(&longest->lock);
        if (longest->phase == PHASE_IDLE) {
            expire(longest);
        }
        pthread_mutex_unlock(&longest->lock);
    }
}

void connections_check(struct listener *listener, int64_t now_ms)
{
    pthread_mutex_lock(&listener->lock);
    for (struct connection *one = listener->connections; one != NULL; one = one->next) {
        check(one, now_ms);
    }
    if (listener->connection_count >= listener->spec.connections_max) {
        make_room(listener, now_ms);
    }
    pthread_mutex_unlock(&listener->lock);
}
