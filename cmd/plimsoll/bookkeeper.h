/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Drives the books: feeds them events, carries out their effects.
 *
 * /bind comes in on an HTTP worker, the Binding goes out on a thread of this one's own, the reply
 * goes back into the books and answers the request. Without an API server a Binding succeeds at
 * once and stays in memory, and there is no Lease.
 */
#pragma once

#include <plimsoll/books.h>
#include <plimsoll/cluster.h>
#include <plimsoll/config.h>
#include <plimsoll/http.h>
#include <plimsoll/kube.h>

struct plimsoll_bookkeeper;

/** All borrowed, must outlive the bookkeeper. `kube` NULL: no API server. Becomes the cluster's
 * listener. */
struct plimsoll_bookkeeper *plimsoll_bookkeeper_start(struct plimsoll_cluster *cluster,
                                                      struct plimsoll_kube *kube,
                                                      const struct plimsoll_config *config);
/** Gives the Lease up when nothing is in flight, and waits for that up to `timeout_ms`. The API
 * server must still be reachable through `kube`. */
void plimsoll_bookkeeper_leave(struct plimsoll_bookkeeper *keeper, int64_t timeout_ms);
/** Waits for the Bindings in flight; nobody may call the listener any more. */
void plimsoll_bookkeeper_stop(struct plimsoll_bookkeeper **keeper);

/** A /bind whose exchange is deferred: answers it, now or later. */
void plimsoll_bookkeeper_ask(struct plimsoll_bookkeeper *keeper,
                             const struct plimsoll_bind_request *request,
                             struct plimsoll_http_exchange *exchange);

/** A filter of this pod begins. */
void plimsoll_bookkeeper_asked_anew(struct plimsoll_bookkeeper *keeper,
                                    const struct plimsoll_uid *pod);
/** A pod in the picture will likely go to `node`. */
void plimsoll_bookkeeper_placed(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *pod,
                                struct plimsoll_span node);
/** No node took the pod: `names` are the nodes that were asked, `gains` what the picture had gained
 * by then. */
void plimsoll_bookkeeper_refused(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *pod,
                                 const struct plimsoll_span *names, size_t count, uint64_t gains);

/** Time passed. */
void plimsoll_bookkeeper_tick(struct plimsoll_bookkeeper *keeper);

/** A pod that no node took. */
struct plimsoll_bookkeeper_waiter {
    struct plimsoll_uid uid;
    int64_t since_ms; /* monotonic: of the first refusal */
};
/** Who waits, in the books' order. Owned by the caller; NULL when there is none. */
struct plimsoll_bookkeeper_waiter *plimsoll_bookkeeper_waiters(struct plimsoll_bookkeeper *keeper,
                                                               size_t *count);
/** @param asked  Set when true: the nodes that refused the pod last. @return whether it waits. */
bool plimsoll_bookkeeper_asked(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *pod,
                               struct plimsoll_name_set *asked);

/** Appends its metrics as Prometheus text. */
void plimsoll_bookkeeper_metrics(struct plimsoll_bookkeeper *keeper, struct plimsoll_text *out);
