/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What if: pods arrive one after the other in a cluster that is only told of, and go where the
 * server would send them. Admission, filter, prioritize, bind and the picture are the server's own
 * code; a bind stays in memory.
 *
 * Of kube-scheduler's own filters these are checked: unschedulable nodes, taints, node selector and
 * required node affinity, processors, memory, number of pods, and the vendor resource that the pod
 * asks for. Its own scores are not: the best score of prioritize wins, then the first name. All
 * pods are ranked, as by the scheduler of a whole cluster. Nothing ever ends, and nobody is
 * preempted.
 *
 * Pure: no clock, no I/O. Belongs to one thread.
 */
#pragma once

#include <plimsoll/cluster.h>
#include <plimsoll/config.h>

/** The text of pods that somebody wrote. */
#define PLIMSOLL_MANIFEST_BYTES_MAX (8u * 1024 * 1024)
/** Pods of one simulation; a Deployment may ask for any number of replicas. */
#define PLIMSOLL_SIMULATED_PODS_MAX 100000

struct plimsoll_simulation;

/** @param config  Borrowed, must outlive the simulation.
 * @param now_unix_ms  How old reports are. */
struct plimsoll_simulation *plimsoll_simulation_new(const struct plimsoll_config *config,
                                                    int64_t now_unix_ms);
void plimsoll_simulation_free(struct plimsoll_simulation **handle);

/**
 * An object of the cluster as it is, before the first pod arrives.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when the bytes are no such object.
 */
int plimsoll_simulation_add(struct plimsoll_simulation *simulation, enum plimsoll_kind kind,
                            struct plimsoll_span object,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** All have been added. Without a RuntimeClass every one is taken as there. */
void plimsoll_simulation_begin(struct plimsoll_simulation *simulation);
/** The picture as it is by now; for reading. */
struct plimsoll_cluster *plimsoll_simulation_cluster(struct plimsoll_simulation *simulation);

enum plimsoll_landed {
    PLIMSOLL_LANDED,         /* on `node` */
    PLIMSOLL_LANDED_DENIED,  /* admission does not let it in */
    PLIMSOLL_LANDED_NOWHERE, /* no node takes it */
    PLIMSOLL_LANDED_UNBOUND, /* it was to go to `node`, and the bind was refused */
};

/** What became of a pod; owns everything its pointers reach, cleared by the caller. */
struct plimsoll_landing {
    enum plimsoll_landed landed;
    char *namespace_, *name;
    struct plimsoll_demand demand;
    char *node;                  /* NULL: none */
    struct plimsoll_claim claim; /* of a GPU pod that landed; empty where the kubelet counts */
    enum plimsoll_guarantee guarantee;
    char *why;                       /* NULL when it landed; else a sentence */
    char *closest;                   /* the node whose cards came closest; NULL: none did */
    struct plimsoll_verdict verdict; /* of that one */
};
void plimsoll_landing_clear(struct plimsoll_landing *landing);

/**
 * A pod arrives: it is admitted, filtered, ranked and bound, and stays where it lands.
 * @param pod  A core/v1 Pod as somebody would create it. One without a namespace is in `default`;
 * it gets a uid of its own.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID and what would be right when the bytes are no Pod.
 */
int plimsoll_simulation_place(struct plimsoll_simulation *simulation, struct plimsoll_span pod,
                              struct plimsoll_landing *landing,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * How many such pods fit: one after the other, at most `most`, until one does not land.
 * @param last  The first that did not land, or the last that did.
 * @return as plimsoll_simulation_place.
 */
int plimsoll_simulation_fill(struct plimsoll_simulation *simulation, struct plimsoll_span pod,
                             size_t most, size_t *landed, struct plimsoll_landing *last,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** A pod of a manifest, as JSON; valid until the call returns. `where`: `FILE:LINE`. */
typedef int (*plimsoll_manifest_pod_fn)(void *context, struct plimsoll_span pod, const char *where,
                                        struct plimsoll_error *err);

/**
 * The pods of YAML or JSON documents, in their order: of a Pod itself, and of a Deployment,
 * ReplicaSet, StatefulSet or Job its template as often as it asks for; a List of these. Other
 * kinds are passed over.
 * @param file  For messages only: `FILE:LINE: FIELD: …`.
 * @param passed_over  How many objects were. May be NULL.
 * @return 0, or -1: PLIMSOLL_ERR_INVALID or TOO_LARGE with a sentence, or what `take` said.
 */
int plimsoll_manifest_read(struct plimsoll_span text, const char *file,
                           plimsoll_manifest_pod_fn take, void *context, size_t *passed_over,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
