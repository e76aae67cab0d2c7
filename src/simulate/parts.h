/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of this module share. */
#pragma once

#include <plimsoll/simulate.h>

#include <plimsoll/json.h>

#include <jansson.h>

/* -- what kube-scheduler's own filters look at (hosts.c, terms.c) --------------------------------
 */

struct plimsoll_taint {
    char *key, *value, *effect; /* owned, never NULL */
};

/** A node as those filters see it. */
struct plimsoll_host {
    char *name; /* owned, like all below */
    struct plimsoll_pair *labels;
    struct plimsoll_taint *taints;
    size_t label_count, taint_count;
    bool unschedulable;
    struct plimsoll_requests allocatable, used;
    uint64_t pods_max, pods; /* pods_max UINT64_MAX: not told */
};

/** @param object  A Node that plimsoll_node_read has read as `node`. */
int plimsoll_host_read(struct plimsoll_span object, const struct plimsoll_node *node,
                       struct plimsoll_host *host, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_host_clear(struct plimsoll_host *host);

struct plimsoll_requirement {
    char *key;
    enum plimsoll_op {
        PLIMSOLL_OP_IN,
        PLIMSOLL_OP_NOT_IN,
        PLIMSOLL_OP_EXISTS,
        PLIMSOLL_OP_NOT_EXISTS,
        PLIMSOLL_OP_GREATER,
        PLIMSOLL_OP_LESS,
        PLIMSOLL_OP_UNKNOWN, /* matches nothing */
    } op;
    bool field; /* of the node's fields, of which there is metadata.name */
    struct plimsoll_strings values;
};

struct plimsoll_node_term {
    struct plimsoll_requirement *list; /* all of them; none: matches nothing */
    size_t count;
};

struct plimsoll_toleration {
    char *key, *value, *effect; /* "" : any */
    bool exists;
};

/** What a pod asks of its node besides cards. */
struct plimsoll_terms {
    struct plimsoll_requests requests;
    struct plimsoll_node_term selector;
    struct plimsoll_node_term *affinity; /* one of them, when there is any */
    struct plimsoll_toleration *tolerations;
    size_t affinity_count, toleration_count;
    bool affine;
};

void plimsoll_terms_read(struct plimsoll_json pod, const struct plimsoll_requests *requests,
                         struct plimsoll_terms *terms);
void plimsoll_terms_clear(struct plimsoll_terms *terms);

/** Why one of those filters refuses. */
enum plimsoll_obstacle {
    PLIMSOLL_OBSTACLE_NONE,
    PLIMSOLL_OBSTACLE_UNSCHEDULABLE,
    PLIMSOLL_OBSTACLE_TAINT,
    PLIMSOLL_OBSTACLE_AFFINITY,
    PLIMSOLL_OBSTACLE_PODS,
    PLIMSOLL_OBSTACLE_CPU,
    PLIMSOLL_OBSTACLE_MEMORY,
    PLIMSOLL_OBSTACLE_DEVICES,
    PLIMSOLL_OBSTACLE_COUNT
};

enum plimsoll_obstacle plimsoll_terms_check(const struct plimsoll_terms *terms,
                                            const struct plimsoll_host *host);
/** The scheduler's own words. @param resource  The vendor resource of the pod. */
void plimsoll_obstacle_write(enum plimsoll_obstacle obstacle, const char *resource,
                             struct plimsoll_text *out);

/* -- admission (admit.c, patch.c) ----------------------------------------------------------------
 */

/** Applies a JSON Patch (RFC 6902: add, replace, remove). @return false when it does not apply. */
bool plimsoll_patch_apply(json_t *document, const json_t *patch);

/**
 * Has the webhook look at the pod.
 * @param pod     Changed as the API server would change it.
 * @param denied  Gets the webhook's sentence when it does not let the pod in; else stays empty.
 * @return 0, or -1 when the webhook's answer is none.
 */
int plimsoll_simulate_admit(const struct plimsoll_config *config,
                            const struct plimsoll_facts *facts, json_t *pod,
                            struct plimsoll_text *denied,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/* -- the simulation (simulate.c, ask.c, bind.c) --------------------------------------------------
 */

struct plimsoll_books;

struct plimsoll_simulation {
    const struct plimsoll_config *config;
    struct plimsoll_cluster *cluster;
    struct plimsoll_books *books;
    struct plimsoll_host *hosts; /* in order of name once begun */
    size_t host_count, host_capacity;
    /* Pods of the cluster as it is that stand on a node, until it is begun. */
    struct plimsoll_bound {
        char *node;
        struct plimsoll_requests requests;
    } * bound;
    size_t bound_count, bound_capacity;
    bool runtime_classes;
    uint64_t pods; /* that have arrived */
    int64_t now_ms;
};

struct plimsoll_host *plimsoll_simulation_host(const struct plimsoll_simulation *simulation,
                                               const char *name);

/** A pod on its way to a node; everything is borrowed. */
struct plimsoll_arrival {
    struct plimsoll_span object; /* as the API server has it */
    const struct plimsoll_pod *pod;
    const char **names; /* nodes that are left; owned by whoever began */
    size_t count;
};

/** What /filter and /prioritize answer. `names` shrinks to the nodes that passed; `best` is the
 * first of those with the best score, NULL when none passed. */
int plimsoll_simulate_ask(struct plimsoll_simulation *simulation, struct plimsoll_arrival *arrival,
                          size_t rejected[PLIMSOLL_REFUSED + 1], const char **best,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** What a Binding carries. */
struct plimsoll_simulated_binding {
    struct plimsoll_claim claim;
    char *visible[PLIMSOLL_GPU_CONTAINERS_MAX]; /* owned; NULL ends */
    struct plimsoll_text refused;               /* what /bind answers; empty: bound */
};
/** What /bind does, with an API server that takes every Binding. */
int plimsoll_simulate_bind(struct plimsoll_simulation *simulation, const struct plimsoll_pod *pod,
                           const char *node, struct plimsoll_simulated_binding *binding,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_simulated_binding_clear(struct plimsoll_simulated_binding *binding);
