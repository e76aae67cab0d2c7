/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <plimsoll/clock.h>
#include <plimsoll/feed.h>
#include <plimsoll/log.h>

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/random.h>

#define PAGE_OBJECTS         500
#define ABSENT_MS            30000 /* a resource that is not there is asked for again */
#define LIST_SILENCE_MS_MAX  75000 /* the API server gives a list up after 60 s */
#define CONNECT_MS_MAX       10000
#define WATCH_SECONDS_MIN    300
#define ERROR_BODY_BYTES_MAX (8u * 1024)
#define VERSION_BYTES_MAX    (16u * 1024)
#define EXPIRED_LISTS_MAX    2 /* in pages; then in one piece, which cannot expire */

struct resource {
    const char *name, *path;
    const char *selector; /* from its `&` on, escaped */
};

static const struct resource resources[PLIMSOLL_KIND_COUNT] = {
    [PLIMSOLL_KIND_NODES] = {"nodes", "/api/v1/nodes", ""},
    [PLIMSOLL_KIND_PODS] =
        {"pods", "/api/v1/pods",
         "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed"},
    [PLIMSOLL_KIND_RUNTIME_CLASSES] = {"runtimeclasses", "/apis/node.k8s.io/v1/runtimeclasses", ""},
};

struct plimsoll_watcher {
    struct plimsoll_kube *kube;
    struct plimsoll_cluster *cluster;
    CURLM *multi;
    CURL *easy;
    pthread_t thread;
    atomic_bool stopped;
    _Atomic int64_t heard_ms; /* monotonic; -1: never */
    _Atomic uint64_t relist;  /* ticket of the last list that was asked for */
    enum plimsoll_kind kind;
    /* The thread's own: */
    struct plimsoll_feed *feed;
    struct plimsoll_text version; /* where to watch from; empty: list */
    int64_t alive_ms;             /* something moved on this transfer */
    int64_t retry_after_ms;
    uint64_t listed; /* ticket that the last list answers: it began after the asking */
    unsigned failures, expired_lists;
    enum plimsoll_error_kind said; /* of the trouble in the log; NONE: all is well */
    bool announced;
    bool refused; /* the last answer was 401 */
    bool watching;
    bool joined; /* for whoever stops it */
};

static unsigned random_below(unsigned bound)
{
    unsigned number = 0;
    (void)!getrandom(&number, sizeof number, 0);
    return number % bound;
}

static void say_well(struct plimsoll_watcher *watcher, const char *note)
{
    if (!watcher->announced || watcher->said != PLIMSOLL_ERR_NONE) {
        plimsoll_log(PLIMSOLL_LOG_INFO, watcher->announced ? "in step again" : "synced",
                     PLIMSOLL_STR("resource", resources[watcher->kind].name),
                     PLIMSOLL_STR("note", note));
    }
    watcher->announced = true;
    watcher->said = PLIMSOLL_ERR_NONE;
}

/* -- one transfer --------------------------------------------------------------------------------
 */

static int take_body(void *context, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    struct plimsoll_watcher *watcher = context;
    watcher->alive_ms = plimsoll_clock_monotonic_ms();
    atomic_store(&watcher->heard_ms, watcher->alive_ms);
    if (plimsoll_feed_bytes(watcher->feed, bytes, err) < 0) {
        return -1;
    }
    if (watcher->version.size > 0) {
        say_well(watcher, "watching");
    }
    return 0;
}

/* A list was asked for, so what is being watched is of no more use. */
static bool is_interrupted(const struct plimsoll_watcher *watcher)
{
    return watcher->watching && atomic_load(&watcher->relist) != watcher->listed;
}

/* @return the transfer's result; ABORTED_BY_CALLBACK when stopped, OPERATION_TIMEDOUT on silence,
 * OK when interrupted. */
static CURLcode perform(struct plimsoll_watcher *watcher, int64_t silence_ms_max)
{
    int running = 1;
    CURLcode result = CURLE_ABORTED_BY_CALLBACK;
    watcher->alive_ms = plimsoll_clock_monotonic_ms();
    curl_multi_add_handle(watcher->multi, watcher->easy);
    while (running > 0 && !atomic_load(&watcher->stopped)) {
        if (curl_multi_perform(watcher->multi, &running) != CURLM_OK) {
            result = CURLE_FAILED_INIT;
            break;
        }
        if (running > 0 && is_interrupted(watcher)) {
            result = CURLE_OK;
            break;
        }
        if (running > 0 && plimsoll_clock_monotonic_ms() - watcher->alive_ms > silence_ms_max) {
            result = CURLE_OPERATION_TIMEDOUT;
            break;
        }
        if (running > 0) {
            int wait_ms = silence_ms_max < 1000 ? (int)silence_ms_max : 1000;
            curl_multi_poll(watcher->multi, NULL, 0, wait_ms, NULL);
        }
    }
    int left = 0;
    for (const CURLMsg *message; (message = curl_multi_info_read(watcher->multi, &left)) != NULL;) {
        result = message->data.result;
    }
    curl_multi_remove_handle(watcher->multi, watcher->easy);
    return result;
}

static enum plimsoll_error_kind kind_of_status(long status)
{
    switch (status) {
    case 401:
    case 403:
        return PLIMSOLL_ERR_DENIED;
    case 404:
        return PLIMSOLL_ERR_NOT_FOUND;
    case 400: /* no such version: another etcd than before */
    case 410:
        return PLIMSOLL_ERR_EXPIRED;
    default:
        return PLIMSOLL_ERR_UNAVAILABLE;
    }
}

/* An answer other than 200. */
static int report_status(struct plimsoll_watcher *watcher, const struct plimsoll_exchange *exchange,
                         long status, struct plimsoll_error *err)
{
    plimsoll_autotext message = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    plimsoll_exchange_message(exchange, &message);
    watcher->retry_after_ms = plimsoll_exchange_retry_after_ms(exchange);
    watcher->refused = status == 401;
    enum plimsoll_error_kind kind = kind_of_status(status);
    if (message.data != NULL && strstr(message.data, "Too large resource version") != NULL) {
        kind = PLIMSOLL_ERR_EXPIRED;
    }
    return plimsoll_error_set(err, kind, "HTTP %ld: %s", status, message.data);
}

static int report(struct plimsoll_watcher *watcher, const struct plimsoll_exchange *exchange,
                  CURLcode result, struct plimsoll_error *err)
{
    if (exchange->sink_error.kind != PLIMSOLL_ERR_NONE) {
        *err = exchange->sink_error;
        return -1;
    }
    if (result == CURLE_OPERATION_TIMEDOUT) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TIMEOUT,
                                  "the API server said nothing for too long");
    }
    long status = plimsoll_exchange_status(exchange);
    if (status != 0 && status != 200) {
        return report_status(watcher, exchange, status, err);
    }
    if (result != CURLE_OK) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s",
                                  exchange->curl_message[0] != '\0' ? exchange->curl_message
                                                                    : curl_easy_strerror(result));
    }
    watcher->refused = false;
    return 0;
}

/* GETs `path` into the feed. */
static int fetch(struct plimsoll_watcher *watcher, const char *path, int64_t silence_ms_max,
                 struct plimsoll_error *err)
{
    struct plimsoll_exchange exchange =
        plimsoll_exchange_make(watcher->kube, watcher->easy, ERROR_BODY_BYTES_MAX);
    exchange.sink = take_body;
    exchange.context = watcher;
    watcher->retry_after_ms = 0;
    int result = plimsoll_exchange_prepare(&exchange, &(struct plimsoll_api_request){.path = path},
                                           watcher->refused, err);
    if (result == 0) {
        curl_easy_setopt(watcher->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX);
        result = report(watcher, &exchange, perform(watcher, silence_ms_max), err);
    }
    curl_easy_reset(watcher->easy);
    plimsoll_exchange_close(&exchange);
    return result;
}

/* -- list and watch ------------------------------------------------------------------------------
 */

/* Without a resourceVersion: consistent, never from a cache that is behind. */
static int list_page(struct plimsoll_watcher *watcher, struct plimsoll_error *err)
{
    const struct resource *resource = &resources[watcher->kind];
    const char *next = plimsoll_feed_continue(watcher->feed);
    plimsoll_autotext path = plimsoll_text_make(4 * VERSION_BYTES_MAX);
    unsigned limit = watcher->expired_lists < EXPIRED_LISTS_MAX ? PAGE_OBJECTS : 0;
    plimsoll_text_add_format(&path, "%s?limit=%u%s", resource->path, limit, resource->selector);
    if (next[0] != '\0') {
        plimsoll_text_add_string(&path, "&continue=");
        plimsoll_api_add_escaped(&path, next);
    }
    int64_t silence = watcher->kube->silence_ms_max;
    if (fetch(watcher, path.data, silence < LIST_SILENCE_MS_MAX ? silence : LIST_SILENCE_MS_MAX,
              err) < 0) {
        return -1;
    }
    return plimsoll_feed_finish(watcher->feed, err);
}

static void tell_listed(struct plimsoll_watcher *watcher, uint64_t ticket)
{
    const struct plimsoll_kube *kube = watcher->kube;
    if (ticket != watcher->listed && kube->on_listed != NULL) {
        kube->on_listed(kube->on_listed_context, ticket);
    }
    watcher->listed = ticket;
}

static int list(struct plimsoll_watcher *watcher, struct plimsoll_error *err)
{
    int result;
    uint64_t ticket = atomic_load(&watcher->relist);
    watcher->feed = plimsoll_feed_list(watcher->cluster, watcher->kind);
    do {
        result = list_page(watcher, err);
    } while (result == 0 && plimsoll_feed_continue(watcher->feed)[0] != '\0');
    if (result == 0) {
        watcher->expired_lists = 0;
        plimsoll_text_reset(&watcher->version);
        plimsoll_text_add_string(&watcher->version, plimsoll_feed_version(watcher->feed));
        tell_listed(watcher, ticket);
    } else if (err->kind == PLIMSOLL_ERR_EXPIRED) {
        watcher->expired_lists++;
    }
    plimsoll_feed_free(&watcher->feed);
    return result;
}

/* Keeps where the watch got to; after bytes that made no sense, only a list helps. */
static void keep_version(struct plimsoll_watcher *watcher, int result,
                         const struct plimsoll_error *err)
{
    bool lost =
        result < 0 && (err->kind == PLIMSOLL_ERR_EXPIRED || err->kind == PLIMSOLL_ERR_INVALID ||
                       err->kind == PLIMSOLL_ERR_TOO_LARGE);
    plimsoll_text_reset(&watcher->version);
    if (!lost) {
        plimsoll_text_add_string(&watcher->version, plimsoll_feed_version(watcher->feed));
    }
}

static int watch(struct plimsoll_watcher *watcher, struct plimsoll_error *err)
{
    const struct resource *resource = &resources[watcher->kind];
    int64_t begun = plimsoll_clock_monotonic_ms();
    plimsoll_autotext path = plimsoll_text_make(4 * VERSION_BYTES_MAX);
    plimsoll_text_add_format(&path,
                             "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u%s"
                             "&resourceVersion=",
                             resource->path, WATCH_SECONDS_MIN + random_below(WATCH_SECONDS_MIN),
                             resource->selector);
    plimsoll_api_add_escaped(&path, watcher->version.data);
    watcher->feed = plimsoll_feed_watch(watcher->cluster, watcher->kind, watcher->version.data);
    watcher->watching = true;
    int result = fetch(watcher, path.data, watcher->kube->silence_ms_max, err);
    bool interrupted = is_interrupted(watcher);
    watcher->watching = false;
    if (result == 0 && !interrupted) {
        result = plimsoll_feed_finish(watcher->feed, err);
    }
    keep_version(watcher, result, err);
    bool idle = plimsoll_feed_count(watcher->feed) == 0;
    bool brief = plimsoll_clock_monotonic_ms() - begun < 1000;
    if (!idle || (result == 0 && !brief)) {
        watcher->failures = 0;
    }
    plimsoll_feed_free(&watcher->feed);
    if (result == 0 && !interrupted && idle && brief) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  "the watch ended at once, without an event");
    }
    return result;
}

/* -- the thread ----------------------------------------------------------------------------------
 */

static void say_trouble(struct plimsoll_watcher *watcher, const struct plimsoll_error *err)
{
    if (watcher->said == err->kind) {
        return;
    }
    watcher->said = err->kind;
    plimsoll_log(PLIMSOLL_LOG_WARN,
                 err->kind == PLIMSOLL_ERR_DENIED ? "the API server forbids to list and watch"
                                                  : "list and watch interrupted",
                 PLIMSOLL_STR("resource", resources[watcher->kind].name),
                 PLIMSOLL_STR("error", err->message));
}

static void wait_ms(struct plimsoll_watcher *watcher, int64_t wait)
{
    int64_t until = plimsoll_clock_monotonic_ms() + wait;
    for (int64_t left;
         !atomic_load(&watcher->stopped) && (left = until - plimsoll_clock_monotonic_ms()) > 0;) {
        curl_multi_poll(watcher->multi, NULL, 0, (int)left, NULL);
    }
}

static void back_off(struct plimsoll_watcher *watcher)
{
    wait_ms(watcher, plimsoll_api_wait_ms(watcher->failures - 1, watcher->retry_after_ms,
                                          random_below(UINT32_MAX)));
}

/* The API server has no such resource, so there are none of it. */
static void sync_with_none(struct plimsoll_watcher *watcher)
{
    plimsoll_cluster_list_begin(watcher->cluster, watcher->kind);
    plimsoll_cluster_list_end(watcher->cluster, watcher->kind);
    say_well(watcher, "the API server does not know the resource");
    wait_ms(watcher, ABSENT_MS);
}

static void recover(struct plimsoll_watcher *watcher, const struct plimsoll_error *err)
{
    if (watcher->kind == PLIMSOLL_KIND_RUNTIME_CLASSES && err->kind == PLIMSOLL_ERR_NOT_FOUND) {
        plimsoll_text_reset(&watcher->version);
        sync_with_none(watcher);
        return;
    }
    watcher->failures++;
    if (err->kind == PLIMSOLL_ERR_EXPIRED && watcher->failures == 1) {
        return; /* the usual end of an old version: list at once */
    }
    say_trouble(watcher, err);
    back_off(watcher);
}

static void *run(void *context)
{
    struct plimsoll_watcher *watcher = context;
    while (!atomic_load(&watcher->stopped)) {
        struct plimsoll_error err = {0};
        bool listing =
            watcher->version.size == 0 || atomic_load(&watcher->relist) != watcher->listed;
        int result = listing ? list(watcher, &err) : watch(watcher, &err);
        if (atomic_load(&watcher->stopped)) {
            break;
        }
        if (result == 0) {
            say_well(watcher, listing ? "listed" : "watched");
        } else {
            recover(watcher, &err);
        }
    }
    return NULL;
}

static void free_watcher(struct plimsoll_watcher *watcher)
{
    curl_easy_cleanup(watcher->easy);
    curl_multi_cleanup(watcher->multi);
    plimsoll_text_clear(&watcher->version);
    free(watcher);
}

/* Signals are for the main thread. */
static int start_thread(struct plimsoll_watcher *watcher)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int result = pthread_create(&watcher->thread, NULL, run, watcher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static struct plimsoll_watcher *start(struct plimsoll_kube *kube, struct plimsoll_cluster *cluster,
                                      enum plimsoll_kind kind)
{
    struct plimsoll_watcher *watcher = plimsoll_alloc(1, sizeof *watcher);
    watcher->kube = kube;
    watcher->cluster = cluster;
    watcher->kind = kind;
    watcher->version = plimsoll_text_make(VERSION_BYTES_MAX);
    watcher->multi = curl_multi_init();
    watcher->easy = curl_easy_init();
    atomic_init(&watcher->stopped, false);
    atomic_init(&watcher->heard_ms, -1);
    atomic_init(&watcher->relist, 0);
    if (watcher->multi == NULL || watcher->easy == NULL || start_thread(watcher) != 0) {
        free_watcher(watcher);
        return NULL;
    }
    return watcher;
}

int plimsoll_kube_watch(struct plimsoll_kube *kube, struct plimsoll_cluster *cluster,
                        struct plimsoll_error *err)
{
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        kube->watchers[kind] = start(kube, cluster, (enum plimsoll_kind)kind);
        if (kube->watchers[kind] == NULL) {
            plimsoll_watch_free(kube);
            return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "cannot start a thread to watch");
        }
    }
    return 0;
}

void plimsoll_kube_relist(struct plimsoll_kube *kube, enum plimsoll_kind kind, uint64_t ticket)
{
    struct plimsoll_watcher *watcher = kube->watchers[kind];
    atomic_store(&watcher->relist, ticket);
    curl_multi_wakeup(watcher->multi);
}

void plimsoll_watch_stop(struct plimsoll_kube *kube)
{
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        if (kube->watchers[kind] != NULL) {
            atomic_store(&kube->watchers[kind]->stopped, true);
            curl_multi_wakeup(kube->watchers[kind]->multi);
        }
    }
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        struct plimsoll_watcher *watcher = kube->watchers[kind];
        if (watcher != NULL && !watcher->joined) {
            pthread_join(watcher->thread, NULL);
            watcher->joined = true;
        }
    }
}

void plimsoll_watch_free(struct plimsoll_kube *kube)
{
    plimsoll_watch_stop(kube);
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        if (kube->watchers[kind] != NULL) {
            free_watcher(kube->watchers[kind]);
            kube->watchers[kind] = NULL;
        }
    }
}

int64_t plimsoll_kube_silence_ms(const struct plimsoll_kube *kube, enum plimsoll_kind kind)
{
    int64_t heard =
        kube->watchers[kind] != NULL ? atomic_load(&kube->watchers[kind]->heard_ms) : -1;
    return heard < 0 ? INT64_MAX : plimsoll_clock_monotonic_ms() - heard;
}
