/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS session under a connection. GnuTLS reads through us: what it has taken from the socket
 * tells a handshake's bytes from a request's, and at the end of input, the last moment at which the
 * session can still be written to, a request that was cut off gets its answer.
 */
#include "server.h"

#include <plimsoll/log.h>

#include <poll.h>
#include <sys/socket.h>

static ssize_t pull(gnutls_transport_ptr_t context, void *data, size_t size)
{
    struct connection *connection = context;
    ssize_t got = recv(connection->fd, data, size, 0);
    if (got > 0) {
        connection->bytes_pulled += (uint64_t)got;
    } else if (got == 0 && connection->exchange != NULL && connection_expired(connection)) {
        exchange_cut_off(connection->exchange);
    }
    return got;
}

static int wait_to_pull(gnutls_transport_ptr_t context, unsigned timeout_ms)
{
    const struct connection *connection = context;
    struct pollfd poll_fd = {.fd = connection->fd, .events = POLLIN};
    return poll(&poll_fd, 1, timeout_ms == GNUTLS_INDEFINITE_TIMEOUT ? -1 : (int)timeout_ms);
}

static int handshake_finished(gnutls_session_t session, unsigned type, unsigned post,
                              unsigned incoming, const gnutls_datum_t *message)
{
    (void)type, (void)post, (void)message;
    /* MHD has put its connection there. The client's Finished is its last word before a request. */
    if (incoming != 0) {
        connection_idle(connection_of(gnutls_session_get_ptr(session)));
    }
    return 0;
}

void session_start(struct connection *connection, gnutls_session_t session)
{
    struct identity_source *source = connection->listener->identities;
    connection->session = session;
    connection->identity = identity_hold(source);
    if (connection->identity == NULL) {
        (void)shutdown(connection->fd, SHUT_RDWR); /* no certificate has been given yet */
        return;
    }
    int result = identity_apply(connection->identity, source, session);
    if (result != 0) {
        plimsoll_log(PLIMSOLL_LOG_ERROR, "TLS session not set up",
                     PLIMSOLL_STR("error", gnutls_strerror(result)));
        (void)shutdown(connection->fd, SHUT_RDWR);
    }
    gnutls_transport_ptr_t reads = NULL, writes = NULL;
    gnutls_transport_get_ptr2(session, &reads, &writes);
    gnutls_transport_set_ptr2(session, connection, writes); /* MHD's socket stays for writing */
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, wait_to_pull);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       handshake_finished);
}
