/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Drives the books: feeds them events, carries out their effects in order.
 *
 * /bind comes in on an HTTP worker, the Binding goes out on a thread of this one's own, the reply
 * goes back into the books and answers the request. Without an API server a Binding succeeds at
 * once and stays in memory.
 */
#pragma once

#include <plimsoll/cluster.h>
#include <plimsoll/http.h>
#include <plimsoll/kube.h>

struct plimsoll_binder;

/** All borrowed, must outlive the binder. `kube` NULL: no API server. Becomes the cluster's
 * listener. */
struct plimsoll_binder *plimsoll_binder_start(struct plimsoll_cluster *cluster,
                                              struct plimsoll_kube *kube,
                                              const struct plimsoll_placement_settings *settings);
/** Waits for the Bindings in flight, so that every request that waits is answered. */
void plimsoll_binder_stop(struct plimsoll_binder **binder);

/** A /bind whose exchange is deferred: answers it, now or later. */
void plimsoll_binder_ask(struct plimsoll_binder *binder,
                         const struct plimsoll_bind_request *request,
                         struct plimsoll_http_exchange *exchange);

/** Appends plimsoll_bind_total{result} as Prometheus text. */
void plimsoll_binder_metrics(struct plimsoll_binder *binder, struct plimsoll_text *out);
