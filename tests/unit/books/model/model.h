/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The model-based test of the books (promise P1): a simulated API server, time that is only a
 * number, and replicas of Plimsoll, each a real `plimsoll_cluster` and real `plimsoll_books` driven
 * as cmd/plimsoll/bookkeeper.c drives them, with a scheduler beside each.
 *
 * Everything that happens later is a mail with a due time. A walk is a list of steps; a step is an
 * action and a number from which everything random in it is drawn, so that a walk with steps left
 * out is a walk too: that is what shrinking needs.
 *
 * What must hold, looked at whenever it could break (invariants.c):
 * - Line: when a Binding that Plimsoll posted is written, the claims that Plimsoll wrote and the
 *   API has at that moment, of unfinished pods, come to no more than the line of each card,
 *   whatever the plugin picks for those that have not started, and whoever ends before. Pods that
 *   others bound and memory that nobody claimed are left out: others may take a card over its line,
 *   and nobody here can prevent it.
 * - Fence: a GPU pod's Binding is written, or begun while it could be, only while no other replica
 *   may bind. (One of a pod that is gone or bound already is refused whenever it comes.)
 * - Books: what is written carries the pod's own claim; a pod is bound once; a success is told only
 *   of what was written; every ticket is answered once; no soft hold refuses a bind.
 * - Rest: when nothing happens any more, nothing is in flight, in doubt or held, the Lease is given
 *   up, every picture is the API's, and no pod waits that fits and was not woken.
 */
#pragma once

#include <plimsoll/books.h>
#include <plimsoll/cluster.h>

#define MODEL_NODES       3
#define MODEL_CARDS       2 /* at most, of one node */
#define MODEL_NAMES       24
#define MODEL_REPLICAS    3
#define MODEL_CARD_MIB    16384
#define MODEL_DEVICES_MAX 4  /* that the plugin offers of one card */
#define MODEL_ASKS_MAX    64 /* of one scheduler at once */
#define MODEL_WAITERS_MAX 64
#define MODEL_FAULT_SIZE  512

/** A Binding is written at the latest so long after it was begun: what PLIMSOLL_BINDING_MS_MAX
 * promises, on a clock that runs slow. */
#define MODEL_BINDING_MS_MAX (PLIMSOLL_BINDING_MS_MAX - 200)
/** Clocks differ by a hundredth at most. */
#define MODEL_SKEW_PER_MILLE 10
/** The client gives a request up. */
#define MODEL_BIND_REPLY_MS  5000
#define MODEL_LEASE_REPLY_MS 4000

/* -- chance ------------------------------------------------------------------------------------ */

struct model_dice {
    uint64_t state;
};

uint64_t model_roll(struct model_dice *dice);
/** 0 … bound − 1. */
unsigned model_below(struct model_dice *dice, unsigned bound);
bool model_chance(struct model_dice *dice, unsigned per_mille);

/* -- the API server ---------------------------------------------------------------------------- */

enum { MODEL_NOWHERE = -1 };
enum { MODEL_BY_NOBODY = -1, MODEL_BY_OTHERS = -2 };

/** A pod of the API. Never forgotten: late requests ask for it. Its uid is `uid-` and its place. */
struct model_pod {
    struct plimsoll_uid uid;
    char name[16];
    bool gpu, plugin, percent;
    bool bare;    /* its request was taken off while it waited; a claim makes up for that */
    uint64_t mib; /* what it asks for; 0: the default. A percentage if `percent` */
    uint64_t use_mib;
    int32_t priority;
    bool exists, terminating, finished;
    int node;                    /* bound to, also when it has gone since */
    int bound_by;                /* replica */
    unsigned cards;              /* how many it asks for */
    bool started;                /* the node knows where it is: */
    unsigned on[MODEL_CARDS];    /* devices that the plugin gave it, or 1 by its claim */
    struct plimsoll_claim claim; /* in the API */
    uint64_t woken;
    size_t latest; /* its last change */
};

struct model_node {
    bool exists, healthy[MODEL_CARDS];
    unsigned cards;
    struct plimsoll_text usage; /* the annotation; empty: no report */
    size_t latest;
};

/** What watches tell, in etcd's order. */
struct model_change {
    enum plimsoll_kind kind;
    bool deleted;
    char *object; /* owned */
};

/* -- mail -------------------------------------------------------------------------------------- */

enum model_mail_kind {
    /* to a replica; lost when it dies */
    MAIL_TICK,
    MAIL_WATCH,
    MAIL_LIST_PAGE,
    MAIL_LIST_LOST,
    MAIL_LOOK,
    MAIL_ASK,
    MAIL_LOOKED_UP,
    MAIL_POST,
    MAIL_POST_REPLY,
    MAIL_READ,
    MAIL_READ_REPLY,
    MAIL_LEASE,
    MAIL_LEASE_REPLY,
    MAIL_RELIST,
    MAIL_BIND,
    MAIL_PLACED,
    MAIL_REFUSED,
    MAIL_SCHEDULE,
    MAIL_STOP,
    /* to the API server and the nodes */
    MAIL_LIST_ARRIVES,
    MAIL_POST_ARRIVES,
    MAIL_READ_ARRIVES,
    MAIL_LEASE_ARRIVES,
    MAIL_WAKE_ARRIVES,
    MAIL_KUBELET,
    MAIL_GONE,
    MAIL_REVIVE,
};

struct model_mail {
    int64_t due_ms;
    uint64_t number; /* of two due at once the older one comes first */
    enum model_mail_kind kind;
    unsigned replica;
    uint64_t life; /* of the replica; another one by now: nobody is there to take it */
    /* As the kind needs them. */
    struct plimsoll_books_effect effect; /* owned */
    struct plimsoll_lease lease;
    struct plimsoll_name_set asked;
    int64_t began_ms, reply_ms; /* the reply comes then; 0: never */
    uint64_t ticket, gains;
    uint64_t nodes; /* a bit each */
    size_t pod;
    int node;
    int reply; /* of the enum that the kind needs */
    enum plimsoll_kind stream;
    uint64_t epoch;
    size_t *changes; /* owned: a list's objects */
    size_t change_count, position;
    bool last, write, look_up;
};

/* -- trouble ----------------------------------------------------------------------------------- */

enum model_trouble {
    MODEL_SLOW_POSTS,
    MODEL_LOST_POSTS,
    MODEL_LOST_LEASE,
    MODEL_SLOW_LEASE,
    MODEL_SLOW_WATCH,
    MODEL_LOST_READS,
    MODEL_BUSY,    /* refusals, and no thread free */
    MODEL_CUT_OFF, /* nothing arrives */
    MODEL_TROUBLES
};

/* -- a replica --------------------------------------------------------------------------------- */

/** One of list and watch. */
struct model_stream {
    bool listing, due;
    uint64_t wanted, taken, listed; /* tickets */
    uint64_t epoch;
    size_t position; /* the next change to come */
};

/** A pod that no node took when this replica was asked. */
struct model_waiter {
    size_t pod;
    uint64_t asked;   /* nodes, a bit each */
    bool wake_lost;   /* a wake never arrived: the scheduler's own timer has to see to it */
    int64_t woken_ms; /* 0: never */
};

/** A /bind that waits. */
struct model_ask {
    uint64_t ticket;
    struct plimsoll_bind_request request;
    unsigned look_ups;
    bool plain; /* the API server says that the pod has no GPU */
};

struct model_replica {
    bool alive, stopping;
    bool dead; /* killed in the middle of something: to be cleared away */
    unsigned number;
    uint64_t life;
    char identity[32];
    int64_t offset_ms;
    int skew;
    struct plimsoll_cluster *cluster;
    struct plimsoll_books *books;
    void *ear;                      /* owned: of the picture's listener */
    struct model_stream streams[2]; /* nodes, pods */
    struct model_ask asks[MODEL_ASKS_MAX];
    size_t ask_count;
    int kill_after; /* effects; -1: not to be killed */
    struct model_waiter waiters[MODEL_WAITERS_MAX];
    size_t waiter_count;
    struct plimsoll_bind_request last_bind;
    int64_t stop_ms;
    int64_t trouble_ms[MODEL_TROUBLES]; /* until then; by enum model_trouble */
};

struct model_world {
    int64_t now_ms;
    struct model_dice dice; /* of the step */
    uint64_t version;
    struct model_node nodes[MODEL_NODES];
    unsigned node_count; /* of them there are; in a small cluster pods meet more often */
    unsigned devices;    /* that the plugin offers of a card */
    unsigned plugin;     /* pods per mille that take one */
    struct model_pod *pods;
    size_t pod_count;
    struct model_change *changes;
    size_t change_count;
    struct plimsoll_lease lease;
    struct model_mail **mails; /* a heap */
    size_t mail_count, mail_capacity;
    uint64_t mail_number, ticket_number;
    struct model_replica replicas[MODEL_REPLICAS];
    unsigned replica_count;
    unsigned climate[MODEL_TROUBLES]; /* of the walk: per mille of each trouble */
    bool quiet;                       /* the storm is over */
    bool trace;
    bool failed;
    char fault[MODEL_FAULT_SIZE];
    uint64_t bound, handled; /* how much has happened */
};

static inline bool model_has(const struct model_world *world, const struct model_replica *replica,
                             enum model_trouble trouble)
{
    return !world->quiet && world->now_ms < replica->trouble_ms[trouble];
}

/* world.c: time, mail, faults */
void model_fault(struct model_world *world, const char *format, ...) PLIMSOLL_PRINTF(2, 3);
void model_trace(const struct model_world *world, const char *format, ...) PLIMSOLL_PRINTF(2, 3);
/** A mail to replica `to`, to be filled; not yet on its way. */
struct model_mail *model_mail(const struct model_world *world, enum model_mail_kind kind,
                              const struct model_replica *to);
void model_send(struct model_world *world, struct model_mail *mail, int64_t delay_ms);
/** Everything due until then happens. */
void model_pass(struct model_world *world, int64_t until_ms);
void model_open(struct model_world *world, unsigned replicas);
void model_close(struct model_world *world);

/* api.c: what the API server has and does */
extern const struct plimsoll_reading model_reading;
extern const struct plimsoll_placement_settings model_settings;
const char *model_node_name(int node);
/** -1: no such node. */
int model_node_number(const char *name);
struct model_pod *model_find_pod(struct model_world *world, const struct plimsoll_uid *uid);
size_t model_create_pod(struct model_world *world, const char *name);
/** The pod has changed: a new version, and everybody who watches is told. */
void model_changed_pod(struct model_world *world, struct model_pod *pod);
void model_remove_pod(struct model_world *world, struct model_pod *pod);
void model_changed_node(struct model_world *world, int node);
void model_remove_node(struct model_world *world, int node);
void model_report(struct model_world *world, int node, bool attributed);
/** What the agent of a node and its kubelet do with a pod that was bound there. */
void model_start_pod(struct model_world *world, struct model_pod *pod);
/** As a fresh list would give it, into a picture that is empty. */
void model_fill(const struct model_world *world, struct plimsoll_cluster *cluster);
/** Handles a mail to the API server. */
void model_serve(struct model_world *world, struct model_mail *mail);

/* replica.c: as cmd/plimsoll/bookkeeper.c */
void model_start(struct model_world *world, struct model_replica *replica);
void model_kill(struct model_world *world, struct model_replica *replica);
int64_t model_clock(const struct model_world *world, const struct model_replica *replica);
void model_step(struct model_world *world, struct model_replica *replica,
                struct plimsoll_books_event *event);
/** With the pod and the node of the picture as it is now; NULL and "": not part of the event.
 * @return false: not there. Then nothing is done if they must be. */
bool model_step_with_picture(struct model_world *world, struct model_replica *replica,
                             struct plimsoll_books_event *event, const struct plimsoll_uid *pod,
                             const char *node, bool must_be_there);
void model_ask(struct model_world *world, struct model_replica *replica,
               const struct plimsoll_bind_request *request);
bool model_holds_lease(struct model_world *world, struct model_replica *replica);
bool model_synced(const struct model_replica *replica);
/** Frees what a replica that was killed had. */
void model_bury(struct model_replica *replica);
/** Handles a mail to a replica that lives. */
void model_take(struct model_world *world, struct model_replica *replica, struct model_mail *mail);

/* streams.c: list and watch, as src/kube/watch.c */
void model_stream_list(struct model_world *world, struct model_replica *replica,
                       enum plimsoll_kind kind);
/** Something is there to be watched. */
void model_stream_wake(struct model_world *world, struct model_replica *replica,
                       enum plimsoll_kind kind);
void model_stream_take(struct model_world *world, struct model_replica *replica,
                       struct model_mail *mail);
void model_stream_serve(struct model_world *world, struct model_mail *mail);

/* scheduler.c: filter, prioritize, bind */
void model_schedule(struct model_world *world, struct model_replica *replica, size_t pod);
void model_tell_books(struct model_world *world, struct model_replica *replica,
                      struct model_mail *mail);
struct model_waiter *model_waiter(struct model_replica *replica, size_t pod);
void model_waiter_drop(struct model_replica *replica, size_t pod);

/* invariants.c */
void model_check_post(struct model_world *world, const struct model_replica *replica,
                      const struct plimsoll_books_effect *effect);
/** `pod` has just been bound by this mail. */
void model_check_binding(struct model_world *world, const struct model_pod *pod,
                         const struct model_mail *mail);
void model_check_answer(struct model_world *world, const struct model_replica *replica,
                        const struct plimsoll_bind_request *request, const char *message);
void model_check_rest(struct model_world *world);

/* walk.c */
struct model_step {
    uint32_t action;
    uint32_t wait_ms;
    uint64_t seed;
};
struct model_walk {
    uint64_t seed;
    unsigned replicas;
    struct model_step *steps; /* owned */
    size_t count;
};
struct model_outcome {
    bool failed;
    char fault[MODEL_FAULT_SIZE];
    uint64_t handled, bound;
};
void model_walk_draw(struct model_walk *walk, uint64_t seed, size_t count);
void model_walk_clear(struct model_walk *walk);
struct model_outcome model_walk_run(const struct model_walk *walk, bool trace);
/** Leaves out what the fault does not need. */
void model_walk_shrink(struct model_walk *walk);
void model_walk_print(const struct model_walk *walk);
