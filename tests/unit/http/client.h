/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A client that does what it is told, byte by byte, over TCP or TLS. Waits have a ceiling of
 * minutes.
 *
 * Include after cmocka.
 */
#pragma once

#include <plimsoll/span.h>

#include <gnutls/gnutls.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_WAIT_MS 120000
#define CLIENT_SIZE    (1024 * 1024)

struct client {
    int fd;
    gnutls_session_t session; /* NULL: plain */
    size_t size;              /* of what has been received and not been read yet */
    char data[CLIENT_SIZE];
};

struct reply {
    unsigned status; /* 0: the connection ended without one */
    char head[4096];
    char body[8192];
    size_t body_size;
};

static inline struct client *client_connect(unsigned port)
{
    struct client *client = calloc(1, sizeof *client);
    assert_non_null(client);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static inline void client_close(struct client *client)
{
    if (client->session != NULL) {
        gnutls_deinit(client->session);
    }
    (void)close(client->fd);
    free(client);
}

/* @return false: the server has closed. */
static inline bool client_send(struct client *client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = client->session != NULL ? gnutls_record_send(client->session, data, size)
                                               : send(client->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline bool client_say(struct client *client, const char *text)
{
    return client_send(client, text, strlen(text));
}

/* @return false at the end of the connection, whichever way it came. */
static inline bool client_receive(struct client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    if (client->session == NULL || gnutls_record_check_pending(client->session) == 0) {
        assert_int_equal(poll(&poll_fd, 1, CLIENT_WAIT_MS), 1);
    }
    size_t room = CLIENT_SIZE - client->size;
    assert_true(room > 0);
    char *at = client->data + client->size;
    ssize_t got = 0;
    do {
        got = client->session != NULL ? gnutls_record_recv(client->session, at, room)
                                      : recv(client->fd, at, room, 0);
    } while (client->session != NULL && (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED));
    if (got <= 0) {
        return false;
    }
    client->size += (size_t)got;
    return true;
}

static inline bool client_at_end(struct client *client)
{
    return client->size == 0 && !client_receive(client);
}

static inline const char *reply_header(const struct reply *reply, const char *name)
{
    static _Thread_local char value[512];
    size_t size = strlen(name);
    for (const char *line = reply->head; line != NULL && *line != '\0';) {
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            const char *from = line + size + 1 + strspn(line + size + 1, " ");
            (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(from, "\r"), from);
            return value;
        }
        line = strstr(line, "\r\n");
        line = line != NULL ? line + 2 : NULL;
    }
    return NULL;
}

static inline void client_take(struct client *client, size_t size)
{
    client->size -= size;
    memmove(client->data, client->data + size, client->size);
}

/* Reads one whole reply, which must have Content-Length. */
static inline struct reply client_read(struct client *client, bool head_only)
{
    struct reply reply = {.status = 0};
    char *end = NULL;
    while ((end = memmem(client->data, client->size, "\r\n\r\n", 4)) == NULL) {
        if (!client_receive(client)) {
            return reply;
        }
    }
    size_t head_size = (size_t)(end - client->data) + 4;
    assert_true(head_size < sizeof reply.head);
    memcpy(reply.head, client->data, head_size);
    client_take(client, head_size);
    assert_memory_equal(reply.head, "HTTP/1.1 ", 9);
    reply.status = (unsigned)strtoul(reply.head + 9, NULL, 10);
    if (reply.status == 100) {
        return reply;
    }
    const char *length = reply_header(&reply, "Content-Length");
    assert_non_null(length);
    reply.body_size = head_only ? 0 : strtoul(length, NULL, 10);
    assert_true(reply.body_size < sizeof reply.body);
    while (client->size < reply.body_size) {
        assert_true(client_receive(client));
    }
    memcpy(reply.body, client->data, reply.body_size);
    client_take(client, reply.body_size);
    return reply;
}

static inline struct reply client_ask(struct client *client, const char *request)
{
    (void)client_say(client, request);
    return client_read(client, strncmp(request, "HEAD", 4) == 0);
}

/* One request on a connection of its own. */
static inline struct reply ask_once(unsigned port, const char *request)
{
    struct client *client = client_connect(port);
    struct reply reply = client_ask(client, request);
    client_close(client);
    return reply;
}

static inline void nap(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Waits for a condition, minutes if need be. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        int naps_ = 0;                                                                             \
        while (!(condition)) {                                                                     \
            assert_true(naps_++ < CLIENT_WAIT_MS / 10);                                            \
            nap();                                                                                 \
        }                                                                                          \
    } while (0)
