/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The list and watch protocol of the Kubernetes API as bytes: pages of a list, or a stream of watch
 * events, into the picture while they arrive. Pure; holds one object at a time.
 *
 * A list is one feed for all its pages, so that nothing is gone before the last one is whole. A
 * feed belongs to one thread.
 */
#pragma once

#include <plimsoll/cluster.h>

struct plimsoll_feed;

/** Begins a list of `kind`; `cluster` must outlive the feed. */
struct plimsoll_feed *plimsoll_feed_list(struct plimsoll_cluster *cluster, enum plimsoll_kind kind);
/** A watch of `kind` from `version` on (a list's resourceVersion). */
struct plimsoll_feed *plimsoll_feed_watch(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                                          const char *version);
/** A list that was not ended is given up: nothing is gone. */
void plimsoll_feed_free(struct plimsoll_feed **handle);

/**
 * The next bytes, of this page or of the watch. After a failure every further call fails.
 * @return 0, or -1: PLIMSOLL_ERR_EXPIRED when the API server says that `version` is too old (list
 * again), PLIMSOLL_ERR_UNAVAILABLE for any other ERROR event (try again from the last version),
 * PLIMSOLL_ERR_INVALID or TOO_LARGE for bytes that are no such list or event (list again).
 */
int plimsoll_feed_bytes(struct plimsoll_feed *feed, struct plimsoll_span bytes,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * The page or the watch has ended. Of a list: when `feed_continue` is not empty the next page
 * follows, else the list is complete and what it did not name is gone.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when it was cut short or is no list of this kind.
 */
int plimsoll_feed_finish(struct plimsoll_feed *feed,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The token of the next page, "" after the last. Valid until the next call. */
const char *plimsoll_feed_continue(const struct plimsoll_feed *feed);
/** Where a watch goes on: the list's resourceVersion or that of the last event. */
const char *plimsoll_feed_version(const struct plimsoll_feed *feed);
/** Objects or events so far, bookmarks included. */
size_t plimsoll_feed_count(const struct plimsoll_feed *feed);
