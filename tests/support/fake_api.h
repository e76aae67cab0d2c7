/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An HTTP/1.1 server on loopback that answers what a test tells it, byte for byte: for answers that
 * a real API server does not give when asked to. One thread per connection.
 */
#pragma once

#include <plimsoll/text.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#define FAKE_CONNECTIONS_MAX 512

struct fake_request {
    char *head; /* the request line and the headers, NUL-terminated */
    char *body;
    size_t body_size;
    unsigned on_connection; /* how many came before it on the same connection */
};

/** Sends the answer on `fd`. @return true to keep the connection open. */
typedef bool fake_handler_fn(void *context, int fd, const struct fake_request *request);

struct fake_api {
    fake_handler_fn *handler;
    void *context;
    int listener;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    struct fake_connection {
        struct fake_api *api;
        int fd;
        pthread_t thread;
    } connections[FAKE_CONNECTIONS_MAX];
    size_t connection_count;
    atomic_bool stopping;
};

static inline bool fake_send(int fd, const char *text)
{
    size_t size = strlen(text);
    for (ssize_t sent; size > 0; text += sent, size -= (size_t)sent) {
        if ((sent = send(fd, text, size, MSG_NOSIGNAL)) <= 0) {
            return false;
        }
    }
    return true;
}

/** A whole answer; `headers` are lines that end in \r\n, or "". */
static inline bool fake_answer(int fd, const char *status, const char *headers, const char *body)
{
    struct plimsoll_text text = plimsoll_text_make(64u << 20);
    plimsoll_text_add_format(&text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                             headers, strlen(body), body);
    bool sent = fake_send(fd, text.data);
    plimsoll_text_clear(&text);
    return sent;
}

/** The head of a chunked answer. */
static inline bool fake_begin(int fd)
{
    return fake_send(fd, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n");
}

static inline bool fake_chunk(int fd, const char *data)
{
    struct plimsoll_text text = plimsoll_text_make(64u << 20);
    plimsoll_text_add_format(&text, "%zx\r\n%s\r\n", strlen(data), data);
    bool sent = fake_send(fd, text.data);
    plimsoll_text_clear(&text);
    return sent;
}

static inline bool fake_end(int fd)
{
    return fake_send(fd, "0\r\n\r\n");
}

/** Says nothing until the other side closes. */
static inline void fake_hang(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0) {
    }
}

static inline bool fake_asks(const struct fake_request *request, const char *text)
{
    return strstr(request->head, text) != NULL;
}

static inline bool fake_read_head(int fd, struct plimsoll_text *in)
{
    char byte;
    while (in->size < 4 || memcmp(in->data + in->size - 4, "\r\n\r\n", 4) != 0) {
        if (recv(fd, &byte, 1, 0) != 1) {
            return false;
        }
        plimsoll_text_add_char(in, byte);
    }
    return true;
}

static inline bool fake_serve_one(struct fake_api *api, int fd, unsigned number)
{
    plimsoll_autotext head = plimsoll_text_make(1u << 20), body = plimsoll_text_make(1u << 20);
    if (!fake_read_head(fd, &head)) {
        return false;
    }
    const char *length = strstr(head.data, "Content-Length: ");
    size_t size = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
    char byte;
    while (body.size < size && recv(fd, &byte, 1, 0) == 1) {
        plimsoll_text_add_char(&body, byte);
    }
    struct fake_request request = {
        .head = head.data, .body = body.data, .body_size = body.size, .on_connection = number};
    return api->handler(api->context, fd, &request);
}

static inline void *fake_serve(void *context)
{
    struct fake_connection *connection = context;
    for (unsigned number = 0; fake_serve_one(connection->api, connection->fd, number); number++) {
    }
    shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

static inline void *fake_accept(void *context)
{
    struct fake_api *api = context;
    for (int fd; (fd = accept(api->listener, NULL, NULL)) >= 0;) {
        pthread_mutex_lock(&api->lock);
        if (atomic_load(&api->stopping) || api->connection_count == FAKE_CONNECTIONS_MAX) {
            close(fd);
        } else {
            struct fake_connection *connection = &api->connections[api->connection_count++];
            *connection = (struct fake_connection){.api = api, .fd = fd};
            if (pthread_create(&connection->thread, NULL, fake_serve, connection) != 0) {
                abort();
            }
        }
        pthread_mutex_unlock(&api->lock);
    }
    return NULL;
}

static inline void fake_start(struct fake_api *api, fake_handler_fn *handler, void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    api->handler = handler;
    api->context = context;
    api->connection_count = 0;
    atomic_store(&api->stopping, false);
    pthread_mutex_init(&api->lock, NULL);
    api->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(api->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(api->listener, 64) != 0 ||
        getsockname(api->listener, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&api->thread, NULL, fake_accept, api) != 0) {
        abort();
    }
    api->port = ntohs(address.sin_port);
}

/** Ends every connection and waits for its handler. */
static inline void fake_stop(struct fake_api *api)
{
    pthread_mutex_lock(&api->lock);
    atomic_store(&api->stopping, true);
    shutdown(api->listener, SHUT_RDWR);
    for (size_t i = 0; i < api->connection_count; i++) {
        shutdown(api->connections[i].fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&api->lock);
    pthread_join(api->thread, NULL);
    for (size_t i = 0; i < api->connection_count; i++) {
        pthread_join(api->connections[i].thread, NULL);
        close(api->connections[i].fd);
    }
    close(api->listener);
    pthread_mutex_destroy(&api->lock);
}

/** Waits until `holds`, minutes if need be. @return false when it never did. */
static inline bool fake_wait(bool (*holds)(void *context), void *context)
{
    for (int i = 0; i < 60000; i++) {
        if (holds(context)) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return false;
}

/** A kubeconfig for it in a file of its own; `more` of the cluster starts with a comma. The caller
 * frees the name and removes the file. */
static inline char *fake_kubeconfig(const struct fake_api *api, const char *more, const char *user)
{
    char *name = plimsoll_copy("/tmp/plimsoll-kubeconfig-XXXXXX", 31);
    int fd = mkstemp(name);
    if (fd < 0 || dprintf(fd,
                          "current-context: test\n"
                          "contexts: [{name: test, context: {cluster: c, user: u}}]\n"
                          "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:%u/'%s}}]\n"
                          "users: [{name: u, user: %s}]\n",
                          api->port, more, user) < 0) {
        abort();
    }
    close(fd);
    return name;
}
