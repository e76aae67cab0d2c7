/* SPDX-License-Identifier: Apache-2.0 */
/* The one thread that looks at clocks and files: deadlines of requests, certificates on disk. */
#include "server.h"

#include <plimsoll/clock.h>

#include <time.h>

#define TICK_MS        100
#define FILES_EVERY_MS 1000

static bool wait_a_tick(struct plimsoll_http *http)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&http->keeper_lock);
    if (!http->keeper_ends) {
        (void)pthread_cond_timedwait(&http->keeper_wakes, &http->keeper_lock, &until);
    }
    bool goes_on = !http->keeper_ends;
    pthread_mutex_unlock(&http->keeper_lock);
    return goes_on;
}

static void check_files(struct plimsoll_http *http)
{
    for (size_t i = 0; i < http->listener_count; i++) {
        if (http->listeners[i].identities != NULL) {
            identity_source_check(http->listeners[i].identities);
        }
    }
}

static void *keep(void *context)
{
    struct plimsoll_http *http = context;
    int64_t files_ms = plimsoll_clock_monotonic_ms();
    while (wait_a_tick(http)) {
        int64_t now_ms = plimsoll_clock_monotonic_ms();
        for (size_t i = 0; i < http->listener_count; i++) {
            connections_check(&http->listeners[i], now_ms);
        }
        if (now_ms - files_ms >= FILES_EVERY_MS) {
            files_ms = now_ms;
            check_files(http);
        }
    }
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

void keeper_stop(struct plimsoll_http *http)
{
    if (!http->keeper_runs) {
        return;
    }
    pthread_mutex_lock(&http->keeper_lock);
    http->keeper_ends = true;
    pthread_cond_signal(&http->keeper_wakes);
    pthread_mutex_unlock(&http->keeper_lock);
    (void)pthread_join(http->keeper, NULL);
    http->keeper_runs = false;
}
