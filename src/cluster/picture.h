/* SPDX-License-Identifier: Apache-2.0 */
/** The inside of the picture, shared by its parts. Everything here is called with the lock held for
 * writing, unless it says otherwise. */
#pragma once

#include <plimsoll/cluster.h>
#include <plimsoll/outlook.h>

#include "slab.h"
#include "table.h"

#include <pthread.h>

/** Names up to here are kept where the search for them looks: longer ones are rare. */
#define PLIMSOLL_NEAR_NAME_BYTES 54u

/** What the filter looks at first; two cache lines. */
struct plimsoll_node_face {
    uint8_t name_size;
    bool known; /* else pods or agents speak of it only */
    char name[PLIMSOLL_NEAR_NAME_BYTES];
    uint32_t number; /* its place in cluster->numbered, while known */
    _Alignas(64) struct plimsoll_summary summary;
};

/** A node, or a name that pods speak of before the node itself was seen. */
struct plimsoll_node_entry {
    _Alignas(64) struct plimsoll_node_face face;
    struct plimsoll_node node; /* only its name until face.known */
    struct plimsoll_node_load *load;
    const struct plimsoll_pod **pods;  /* counted here; they live in their entries */
    struct plimsoll_uid *ended;        /* measured by the report and gone since: few, by its size */
    const struct plimsoll_pod **holds; /* soft holds here; they live in their entries */
    uint32_t pod_count, pod_capacity, ended_count, hold_count;
    uint32_t other_count;              /* pods here without a GPU that request anything … */
    struct plimsoll_requests requests; /* … and what they request, all together */
    struct plimsoll_room room;
    uint32_t agents_ready, agents_unready,
        agents_leaving; /* the latter neither ready nor staying */
    uint32_t generation;
    uint64_t content, report;  /* fingerprint */
    struct plimsoll_uid *over; /* pods that were found over their claims */
    uint64_t over_line;        /* bit i: card i was found over its line */
    uint32_t over_count;
    uint8_t guarantee; /* enum plimsoll_guarantee */
    bool stale;
};

/** What the listener is still to hear of a node. */
struct plimsoll_news {
    enum { PLIMSOLL_NEWS_OVER, PLIMSOLL_NEWS_GUARANTEE } kind;
    char *node; /* owned */
    enum plimsoll_guarantee guarantee;
};

/** What is kept of a pod without a GPU: there may be 150 000. */
struct plimsoll_other {
    uint64_t key;                      /* hash of the uid; the low byte is the generation's */
    struct plimsoll_node_entry *place; /* NULL: a free slot */
    uint32_t cpu_milli, memory_mib;
};

/** By open addressing. Two pods of one hash would be taken for one: that only ranks nodes wrong. */
struct plimsoll_others {
    struct plimsoll_other *slots; /* owned; a power of two, or NULL while empty */
    size_t capacity, count;
};

struct plimsoll_pod_entry {
    struct plimsoll_pod pod; /* as it counts: with the claim in flight, if there is one */
    struct plimsoll_node_entry *place;
    uint32_t generation;
    bool noted;    /* in the outlook */
    bool seen;     /* an API object stands behind it */
    bool bound;    /* and it has a node */
    bool assuming; /* pod.claim is in flight; pod.node is the claim's unless `bound` */
    bool bare;     /* the API shows no GPU of it any more: here for the claim in flight only */
};

/** A soft hold: enough of a pod to count its claim. */
struct plimsoll_hold_entry {
    struct plimsoll_pod pod;
    struct plimsoll_node_entry *place;
};

/** An agent's pod on its node. */
struct plimsoll_agent_entry {
    struct plimsoll_uid uid;
    struct plimsoll_node_entry *place;
    uint32_t generation;
    bool ready, terminating;
};

/** How often each selector is carried by the nodes of a vendor. */
struct plimsoll_tally {
    uint32_t nodes, multi_card, unpinned;
    uint32_t selectors[PLIMSOLL_SELECTORS_MAX];
};

/** What readers take without a hold; under a lock of its own, which is taken last. */
struct plimsoll_published {
    pthread_mutex_t lock;
    struct plimsoll_facts facts;
    bool synced[PLIMSOLL_KIND_COUNT];
};

struct plimsoll_cluster {
    pthread_rwlock_t lock;
    struct plimsoll_cluster_options options;
    struct plimsoll_cluster_listener listener;
    struct plimsoll_table nodes, pods, agents, holds;
    struct plimsoll_others others;
    struct plimsoll_outlook *outlook; /* owned */
    uint64_t revision;                /* how often anything changed */
    uint64_t gains;                   /* how often a node gained room … */
    char **gained; /* … of them, the names that the listener is still to hear; owned */
    size_t gained_count;
    struct plimsoll_news *news; /* owned */
    size_t news_count;
    struct plimsoll_slab node_entries;
    struct plimsoll_node_entry **order;    /* known nodes by name */
    struct plimsoll_node_entry **numbered; /* the same, by number: as they came, without holes */
    size_t order_count, order_capacity;    /* of both */
    struct plimsoll_tally tallies[4];      /* by enum plimsoll_vendor */
    uint64_t runtime_classes, listed_runtime_classes;
    uint32_t generations[PLIMSOLL_KIND_COUNT];
    uint64_t departures; /* how often a GPU pod left, or a list of pods began or ended */
    bool synced[PLIMSOLL_KIND_COUNT];
    bool listing_pods;
    bool runtime_classes_skipped;
    int64_t now_unix_ms; /* of the last tick; 0: none yet */
    struct plimsoll_published *published;
};

/* nodes.c */
struct plimsoll_node_entry *plimsoll_nodes_find(const struct plimsoll_cluster *cluster,
                                                struct plimsoll_span name);
/** The entry of that name, made when there is none. */
struct plimsoll_node_entry *plimsoll_nodes_entry(struct plimsoll_cluster *cluster,
                                                 const char *name);
/** Something of the entry changed: stale flag and loads anew; frees it when nothing is left. Put
 * off while the first list of pods is under way. */
void plimsoll_nodes_refresh(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry);
/** What is requested there has changed: as refresh, with the load lines left alone. */
void plimsoll_nodes_weigh(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry);
/** What was put off, once that list has ended or is given up. */
void plimsoll_nodes_catch_up(struct plimsoll_cluster *cluster);
void plimsoll_nodes_add_pod(struct plimsoll_node_entry *entry, const struct plimsoll_pod *pod);
void plimsoll_nodes_drop_pod(struct plimsoll_node_entry *entry, const struct plimsoll_pod *pod);
/** The pod has ended: what the report measures of it is free. @return false: it measures nothing */
bool plimsoll_nodes_note_ended(struct plimsoll_node_entry *entry, const struct plimsoll_uid *pod);
int plimsoll_nodes_set(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                       struct plimsoll_error *err); /* takes the lock itself */
int plimsoll_nodes_remove(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                          struct plimsoll_error *err); /* takes the lock itself */
void plimsoll_nodes_sweep(struct plimsoll_cluster *cluster);
void plimsoll_nodes_tick(struct plimsoll_cluster *cluster);
void plimsoll_nodes_free(struct plimsoll_cluster *cluster);

/* glimpse.c; the first two in the entry of a node only */
struct plimsoll_span plimsoll_nodes_name(const struct plimsoll_node_entry *entry);
void plimsoll_nodes_set_name(struct plimsoll_node_entry *entry, const char *name);
/** What was found of a node; with the lock held for reading. */
bool plimsoll_nodes_give(const struct plimsoll_node_entry *entry,
                         struct plimsoll_extender_node *out);

/* gains.c */
/** Counts and remembers when `now` has more room on some card than `before` (NULL: none). */
void plimsoll_gains_note(struct plimsoll_cluster *cluster, const char *node,
                         const struct plimsoll_node_load *before,
                         const struct plimsoll_node_load *now);
/** May pods fit now for another reason than bytes: what kept them away was the node itself? */
bool plimsoll_gains_eased(const struct plimsoll_node *before, const struct plimsoll_node *now);
/** Gives the lock up that a writer took, then tells the listener who gained, and the news. */
void plimsoll_gains_unlock(struct plimsoll_cluster *cluster);

/* news.c */
/** Remembers what is worth telling of an entry whose loads were computed anew. */
void plimsoll_news_note(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry);
/** Tells it, without the lock; frees `news`. */
void plimsoll_news_tell(const struct plimsoll_cluster_listener *listener,
                        struct plimsoll_news *news, size_t count);

/* holds.c */
void plimsoll_holds_free(struct plimsoll_cluster *cluster);

/* pods.c */
int plimsoll_pods_set(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                      struct plimsoll_error *err); /* takes the lock itself */
int plimsoll_pods_remove(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                         struct plimsoll_error *err); /* takes the lock itself */
/** @return how many went; `gone` gets their uids, owned by the caller. */
size_t plimsoll_pods_sweep(struct plimsoll_cluster *cluster, struct plimsoll_uid **gone);
void plimsoll_pods_free(struct plimsoll_cluster *cluster);

/* others.c */
/** A pod without a GPU, bound or not: what it requests of its node counts until it is dropped. */
void plimsoll_others_set(struct plimsoll_cluster *cluster, const struct plimsoll_pod *pod);
void plimsoll_others_drop(struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid);
/** Drops those that the list of pods did not name. */
void plimsoll_others_sweep(struct plimsoll_cluster *cluster);

/* agents.c */
/** What a pod object says of an agent: keeps, changes or drops its entry. */
void plimsoll_agents_set(struct plimsoll_cluster *cluster, const struct plimsoll_pod *pod);
void plimsoll_agents_remove(struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid);
void plimsoll_agents_sweep(struct plimsoll_cluster *cluster);
void plimsoll_agents_free(struct plimsoll_cluster *cluster);

/* facts.c */
/** Counts a known node in (+1) or out (-1). */
void plimsoll_facts_weigh(struct plimsoll_cluster *cluster, const struct plimsoll_node *node,
                          int sign);
/** Hands what is known now to those who read without a hold. */
void plimsoll_facts_publish(struct plimsoll_cluster *cluster);
int plimsoll_facts_set_class(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                             bool there, struct plimsoll_error *err); /* takes the lock itself */

static inline struct plimsoll_span plimsoll_uid_span(const struct plimsoll_uid *uid)
{
    return (struct plimsoll_span){.data = uid->text, .size = strnlen(uid->text, sizeof uid->text)};
}
