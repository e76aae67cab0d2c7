/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that accepts connections and looks at clocks and files.
 *
 * MHD could accept by itself, but cannot stop: MHD_quiesce_daemon races with the workers of its
 * pool for the epoll entry of the listening socket, and who comes second ends the process (seen
 * with 0.9.75). Here a drain closes the socket, and the ceiling is one number for all workers.
 */
#include "server.h"

#include <plimsoll/clock.h>

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define TICK_MS        100
#define FILES_EVERY_MS 1000
/* Connections taken in one go before the clocks are looked at again. */
#define ACCEPT_BATCH 64

void keeper_wake(struct plimsoll_http *http)
{
    const uint64_t one = 1;
    ssize_t written = write(http->keeper_wakes, &one, sizeof one);
    (void)written; /* when the counter is full it is awake anyway */
}

static void close_listening(struct listener *listener)
{
    if (listener->fd >= 0) {
        (void)shutdown(listener->fd, SHUT_RD); /* deaf at once, though poll may still hold it */
        close(listener->fd);
        listener->fd = -1;
    }
}

/* @return the next connection, counted, or -1: none, the ceiling, or `listener` listens no more. */
static int accept_one(struct listener *listener, struct sockaddr_storage *peer, socklen_t *size)
{
    pthread_mutex_lock(&listener->lock);
    int fd = -1;
    if (listener->fd >= 0 && listener->connection_count < listener->spec.connections_max) {
        fd = accept4(listener->fd, (struct sockaddr *)peer, size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        listener->connection_count += fd >= 0;
    }
    pthread_mutex_unlock(&listener->lock);
    return fd;
}

/* @return false: the machine is out of something, another try before the next tick is in vain. */
static bool accept_some(struct listener *listener)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        errno = 0;
        int fd = accept_one(listener, &peer, &size);
        if (fd < 0) {
            return errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM;
        }
        if (MHD_add_connection(listener->daemon, fd, (struct sockaddr *)&peer, size) != MHD_YES) {
            connection_uncount(listener);
            return false;
        }
    }
    return true;
}

/* @return the listening socket, or -1 at the ceiling. */
static int listening(struct listener *listener)
{
    pthread_mutex_lock(&listener->lock);
    bool room = listener->connection_count < listener->spec.connections_max;
    int fd = room ? listener->fd : -1;
    pthread_mutex_unlock(&listener->lock);
    return fd;
}

/* Accepts until the tick is over or somebody wakes the keeper. @return whether accepting worked. */
static bool wait_and_accept(struct plimsoll_http *http, struct pollfd *polls, bool accepting,
                            int timeout_ms)
{
    size_t count = http->listener_count;
    for (size_t i = 0; i < count; i++) {
        int fd = accepting ? listening(&http->listeners[i]) : -1;
        polls[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    polls[count] = (struct pollfd){.fd = http->keeper_wakes, .events = POLLIN};
    if (poll(polls, count + 1, timeout_ms) <= 0) {
        return accepting;
    }
    if (polls[count].revents != 0) {
        uint64_t wakes = 0;
        ssize_t got = read(http->keeper_wakes, &wakes, sizeof wakes);
        (void)got;
    }
    for (size_t i = 0; i < count; i++) {
        if (polls[i].fd >= 0 && polls[i].revents != 0) {
            accepting = accept_some(&http->listeners[i]) && accepting;
        }
    }
    return accepting;
}

static void check_files(struct plimsoll_http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        if (http->listeners[i].identities != NULL) {
            identity_source_check(http->listeners[i].identities);
        }
    }
}

static void check_connections(struct plimsoll_http *http, int64_t now_ms)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        connections_check(&http->listeners[i], now_ms);
    }
}

static void *keep(void *context)
{
    struct plimsoll_http *http = context;
    struct pollfd *polls = plimsoll_alloc(http->listener_count + 1, sizeof *polls);
    int64_t now_ms = plimsoll_clock_monotonic_ms();
    int64_t tick_ms = now_ms + TICK_MS, files_ms = now_ms + FILES_EVERY_MS;
    bool accepting = true;
    while (!atomic_load(&http->stopping)) {
        int64_t left_ms = tick_ms - now_ms;
        accepting = wait_and_accept(http, polls, accepting, (int)(left_ms > 0 ? left_ms : 0));
        now_ms = plimsoll_clock_monotonic_ms();
        if (now_ms >= tick_ms) {
            check_connections(http, now_ms);
            tick_ms = now_ms + TICK_MS;
            accepting = true;
        }
        if (now_ms >= files_ms) {
            check_files(http);
            files_ms = now_ms + FILES_EVERY_MS;
        }
    }
    free(polls);
    return NULL;
}

int keeper_start(struct plimsoll_http *http, struct plimsoll_error *err)
{
    int failure = pthread_create(&http->keeper, NULL, keep, http);
    if (failure != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "cannot start a thread: %s",
                                  strerror(failure));
    }
    http->keeper_runs = true;
    return 0;
}

void keeper_stop_accepting(struct plimsoll_http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        pthread_mutex_lock(&http->listeners[i].lock);
        close_listening(&http->listeners[i]);
        pthread_mutex_unlock(&http->listeners[i].lock);
    }
}

void keeper_stop(struct plimsoll_http *http)
{
    if (http->keeper_runs) {
        keeper_wake(http);
        (void)pthread_join(http->keeper, NULL);
        http->keeper_runs = false;
    }
}
