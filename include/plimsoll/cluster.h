/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The picture of the cluster: nodes with their load lines, unfinished GPU pods, RuntimeClasses.
 *
 * One writer at a time, many readers: every function is safe from several threads. Load lines and
 * facts are recomputed by the writer when something of a node changes, not when somebody asks. Pure
 * but for its lock: no clock, no I/O, no log.
 *
 * A pod is counted on one node: the one it is bound to, else the one its claim in flight names,
 * else the one it is nominated to. Pods without a GPU are not kept. An agent's pod (pod.h) is kept
 * as a flag of its node: a `usage` report is stale while that pod is not Ready; without such a pod
 * a report is stale when the time it carries is older than `max_report_age_ms`.
 */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/facts.h>
#include <plimsoll/node.h>
#include <plimsoll/placement.h>
#include <plimsoll/pod.h>

struct plimsoll_cluster;

/** What is watched. */
enum plimsoll_kind {
    PLIMSOLL_KIND_NODES,
    PLIMSOLL_KIND_PODS,
    PLIMSOLL_KIND_RUNTIME_CLASSES,
    PLIMSOLL_KIND_COUNT
};

struct plimsoll_cluster_options {
    const struct plimsoll_reading *reading;             /* borrowed for life */
    const struct plimsoll_placement_settings *settings; /* borrowed for life */
    const char *const *runtime_classes; /* names in the order of facts' bits; borrowed for life */
    size_t runtime_class_count;         /* up to 64; further ones are never there */
    int64_t max_report_age_ms;          /* 0: reports do not go stale by their time */
};

struct plimsoll_cluster *plimsoll_cluster_new(const struct plimsoll_cluster_options *options);
void plimsoll_cluster_free(struct plimsoll_cluster **handle);

/* -- writing: what list and watch say ------------------------------------------------------------
 */

/**
 * Objects given from here to list_end are the whole truth; what was not given is gone then, and not
 * before. A begin after a begin starts anew.
 */
void plimsoll_cluster_list_begin(struct plimsoll_cluster *cluster, enum plimsoll_kind kind);
void plimsoll_cluster_list_end(struct plimsoll_cluster *cluster, enum plimsoll_kind kind);
/** The list was given up half-way: nothing is gone, the kind stays as synced as it was. */
void plimsoll_cluster_list_abort(struct plimsoll_cluster *cluster, enum plimsoll_kind kind);
/**
 * Nobody will ever list this kind (a state file without RuntimeClasses). Counts as synced; every
 * RuntimeClass is then taken as there, as without API access.
 */
void plimsoll_cluster_skip(struct plimsoll_cluster *cluster, enum plimsoll_kind kind);

/**
 * The object of a list or a watch event, read from its bytes; borrowed for the call.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when the bytes are no such object: nothing changed.
 */
int plimsoll_cluster_set(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                         struct plimsoll_span object,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
int plimsoll_cluster_remove(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                            struct plimsoll_span object,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * A pod that was read by itself, where a watch lags behind whoever speaks of it: kept if it is an
 * unfinished GPU pod that the picture does not have, else nothing is done: what list and watch say
 * is newer. Tells the listener nothing.
 * @param since  plimsoll_cluster_departures before the read began.
 * @return 0, or -1: PLIMSOLL_ERR_INVALID as above; PLIMSOLL_ERR_EXPIRED when pods left meanwhile or
 * are being listed, so that nobody would notice if this one had left: to be read again.
 */
int plimsoll_cluster_meet(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                          uint64_t since, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** How often a GPU pod has left, or a list of pods begun or ended. Takes its own hold. */
uint64_t plimsoll_cluster_departures(struct plimsoll_cluster *cluster);

/**
 * A claim in flight counts (books' ASSUME) until forgotten, seen on the bound pod, or the pod is
 * seen bound to another node or gone. Events that show the pod unbound do not end it. While it
 * counts, the pod reads as bound to `node` with `claim` (copied).
 */
void plimsoll_cluster_assume(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod,
                             const char *node, const struct plimsoll_claim *claim);
void plimsoll_cluster_forget(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod);

/**
 * A soft hold (books' HOLD): readers' load lines count `claim` of `pod` on `node` beside everything
 * else; the view names it apart, so that a bind can leave it out. Replaces the pod's earlier one.
 * While the pod itself counts there, the hold does not. Copied.
 */
void plimsoll_cluster_hold(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod,
                           const char *node, const struct plimsoll_demand *demand,
                           const struct plimsoll_claim *claim);
void plimsoll_cluster_unhold(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod);

/**
 * Time passed: reports may have gone stale. `now_unix_ms` as of the caller's clock. Until the first
 * tick no report is stale by its time: tick before the first list, then every few seconds.
 */
void plimsoll_cluster_tick(struct plimsoll_cluster *cluster, int64_t now_unix_ms);

/**
 * Called by the writer after each change, outside the lock; for the books. At most one, set before
 * the first writer. May be called from within any function of this face that writes.
 */
struct plimsoll_cluster_listener {
    void *context;
    /** A GPU pod as the API shows it: `node` is "" while unbound, also when a claim is in flight;
     * `claimed`: it has a claim of its own. */
    void (*pod_seen)(void *context, const struct plimsoll_uid *pod, const char *node, bool claimed);
    void (*pod_gone)(void *context, const struct plimsoll_uid *pod);
    /** A GPU pod of namespace `home` carries a claim that does not count, for a reason that was not
     * told of it before.
     * May be NULL. */
    void (*claim_ignored)(void *context, const char *home, const char *name, const char *why);
    /** Some card of the node has more room than before. `gains` counts these, as
     * plimsoll_cluster_gains does. */
    void (*node_gained)(void *context, const char *node, uint64_t gains);
    /** A card of the node stands over its line, or a pod there uses more than it claimed, that did
     * not before. May be NULL, like node_guaranteed. */
    void (*node_over)(void *context, const char *node);
    /** What the node promises has changed; once for every node with cards that comes. */
    void (*node_guaranteed)(void *context, const char *node, enum plimsoll_guarantee guarantee);
};
void plimsoll_cluster_listen(struct plimsoll_cluster *cluster,
                             const struct plimsoll_cluster_listener *listener);

/* -- reading --------------------------------------------------------------------------------------
 */

bool plimsoll_cluster_synced(const struct plimsoll_cluster *cluster, enum plimsoll_kind kind);
/** `synced` there: nodes and RuntimeClasses are. Callable with or without a hold. */
struct plimsoll_facts plimsoll_cluster_facts(const struct plimsoll_cluster *cluster);

/**
 * A reader's hold on the picture: what it borrows stays valid until read_end. Keep it short: a
 * writer waits for it, and later readers wait for the writer. Not recursive; no writing inside.
 */
void plimsoll_cluster_read_begin(struct plimsoll_cluster *cluster);
void plimsoll_cluster_read_end(struct plimsoll_cluster *cluster);

/* Between read_begin and read_end: */
bool plimsoll_cluster_node(struct plimsoll_cluster *cluster, struct plimsoll_span name,
                           struct plimsoll_extender_node *out);
/** `find` and `open` of plimsoll_extender_world. */
void plimsoll_cluster_find(struct plimsoll_cluster *cluster, const struct plimsoll_span *names,
                           size_t count, uint32_t *place, struct plimsoll_extender_glimpse *out);
void plimsoll_cluster_open(struct plimsoll_cluster *cluster,
                           const struct plimsoll_extender_glimpse *glimpse,
                           struct plimsoll_extender_node *out);
/** How often a node has gained room: what comes later has a higher number. */
uint64_t plimsoll_cluster_gains(struct plimsoll_cluster *cluster);
/** The node the pod is bound to or has a claim in flight on; NULL when none or not known. */
const char *plimsoll_cluster_node_of(struct plimsoll_cluster *cluster,
                                     const struct plimsoll_uid *pod);
/** NULL when the picture does not have it (pods without a GPU are not kept). */
const struct plimsoll_pod *plimsoll_cluster_pod(struct plimsoll_cluster *cluster,
                                                const struct plimsoll_uid *pod);
/** Nodes in order of name. */
size_t plimsoll_cluster_node_count(struct plimsoll_cluster *cluster);
bool plimsoll_cluster_node_at(struct plimsoll_cluster *cluster, size_t index,
                              struct plimsoll_extender_node *out);
/** Pods that are kept: unfinished GPU pods. */
size_t plimsoll_cluster_pod_count(struct plimsoll_cluster *cluster);
/** Of them those that the API has shown, one after the other, in no order, from `*at` 0 on; NULL at
 * the end. */
const struct plimsoll_pod *plimsoll_cluster_next_pod(struct plimsoll_cluster *cluster, size_t *at);
/** Another number whenever a node, a GPU pod or a soft hold has changed. */
uint64_t plimsoll_cluster_revision(struct plimsoll_cluster *cluster);
