/* SPDX-License-Identifier: Apache-2.0 */
/** One request to the API server and what came of it. */
#pragma once

#include "credentials.h"

#include <curl/curl.h>

#include <plimsoll/api.h>

#define PLIMSOLL_POOL_MAX 16

struct plimsoll_watcher;

struct plimsoll_kube {
    struct plimsoll_credentials credentials;
    int64_t silence_ms_max;
    pthread_mutex_t pool_lock;
    CURL *pool[PLIMSOLL_POOL_MAX]; /* idle, each with its connection kept alive */
    size_t pool_count;
    struct plimsoll_watcher *watchers[PLIMSOLL_KIND_COUNT];
    void (*on_listed)(void *context, uint64_t ticket);
    void *on_listed_context;
};

/** Belongs to one thread. */
struct plimsoll_exchange {
    struct plimsoll_kube *kube;
    CURL *easy; /* borrowed */
    /** Gets the body of a 2xx answer as it comes; NULL: it is kept in `body`, like any other. */
    int (*sink)(void *context, struct plimsoll_span bytes, struct plimsoll_error *err);
    void *context;
    struct plimsoll_text body;
    struct plimsoll_error sink_error; /* kind NONE unless the sink stopped the transfer */
    unsigned sent;                    /* how often the request may have left this machine */
    struct curl_slist *headers, *connect_to;
    char curl_message[CURL_ERROR_SIZE];
};

/** The caller closes. `body_bytes_max` is the ceiling for what is kept. */
struct plimsoll_exchange plimsoll_exchange_make(struct plimsoll_kube *kube, CURL *easy,
                                                size_t body_bytes_max);
void plimsoll_exchange_close(struct plimsoll_exchange *exchange);

/**
 * Sets everything on the handle but time limits: address, TLS, method, headers, body.
 * @param request  Its body is borrowed until the exchange is closed.
 * @param refused  The last try had 401.
 */
int plimsoll_exchange_prepare(struct plimsoll_exchange *exchange,
                              const struct plimsoll_api_request *request, bool refused,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** HTTP status, 0 when none came. */
long plimsoll_exchange_status(const struct plimsoll_exchange *exchange);
/** What the answer asks to wait, 0 when nothing. */
int64_t plimsoll_exchange_retry_after_ms(const struct plimsoll_exchange *exchange);
/** The message of the Status in the body, else the body's text; for people. */
void plimsoll_exchange_message(const struct plimsoll_exchange *exchange, struct plimsoll_text *out);

CURL *plimsoll_handles_take(struct plimsoll_kube *kube);
void plimsoll_handles_give(struct plimsoll_kube *kube, CURL *easy);

/* watch.c */
void plimsoll_watch_stop(struct plimsoll_kube *kube);
void plimsoll_watch_free(struct plimsoll_kube *kube); /* stops them first */
