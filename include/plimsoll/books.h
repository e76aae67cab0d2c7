/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The books: which pod is being bound where, with which claim; who may bind at all; who waits for
 * room. One pure step takes an event and returns effects (design §4.3, §4.4, §7); whoever calls
 * carries them out in their order and reports back as events.
 *
 * Belongs to one thread at a time. Times are the caller's monotonic milliseconds; they never go
 * back.
 *
 * Claims: one counts from the moment the step decides (effect ASSUME) and is given back only on
 * certain knowledge (effect FORGET): the pod gone or bound elsewhere, a definitive refusal while no
 * earlier post is without a reply, or a consistent read after PLIMSOLL_BINDING_MS_MAX that shows
 * the pod unbound. Seen bound where it was posted, the picture counts it on.
 *
 * Fence: with an API server, GPU pods are bound only while this process holds the Lease. It is
 * taken when a bind needs it and given up when idle. Whoever takes it over waits out the bindings
 * that the one before may have in flight, then has the pods listed once, then binds.
 */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/placement.h>

#include <stdint.h>

/** A Binding has been written or never will be so long after it was posted: the API server ends the
 * request after 4 s, the client closes the connection and what is unsent in it after 5 s. */
#define PLIMSOLL_BINDING_MS_MAX 10000
/** How long others respect a Lease that they do not see renewed. */
#define PLIMSOLL_LEASE_MS 15000
/** Pods that wait for room and are looked after; further ones wait for the scheduler's own timer.
 */
#define PLIMSOLL_WAITING_MAX 4096
/** Pods with a soft hold; further ones have none. */
#define PLIMSOLL_HOLDS_MAX 4096
/** Binds that wait for the Lease; further ones get an error and are retried by the scheduler. */
#define PLIMSOLL_TICKETS_MAX 4096
/** Pods, and cards, of which is remembered when something was last told; of further ones nothing
 * is.
 */
#define PLIMSOLL_TELLING_MAX 4096
/** What is told of all pods and nodes together: so much at once, then so much a second. */
#define PLIMSOLL_TELLS_BURST_MAX  50
#define PLIMSOLL_TELLS_SECOND_MAX 10
/** A Lease's holderIdentity and resourceVersion with their NULs; longer ones are not ours. */
#define PLIMSOLL_HOLDER_SIZE  256
#define PLIMSOLL_VERSION_SIZE 64

struct plimsoll_books;

struct plimsoll_books_options {
    const char *identity; /* of this process, unlike every other's before and after it; NULL: no API
                             server, no fence */
    uint64_t counter;     /* where `woken` starts: above what an earlier process may have written */
};

/** A coordination.k8s.io/v1 Lease as the fence needs it. */
struct plimsoll_lease {
    bool exists;
    char holder[PLIMSOLL_HOLDER_SIZE];   /* "": nobody, given up in good order */
    char version[PLIMSOLL_VERSION_SIZE]; /* resourceVersion; a write is refused when it has changed
                                          */
    int32_t duration_s;
    int32_t transitions;
};

enum plimsoll_lease_reply {
    PLIMSOLL_LEASE_DONE,    /* read, or written: `lease` is what the API has */
    PLIMSOLL_LEASE_CHANGED, /* not written: somebody else wrote first (409) */
    PLIMSOLL_LEASE_FAILED,  /* no reply, or refused: a write may or may not have been done */
};

/** What became of a Binding that was posted. */
enum plimsoll_bind_reply {
    PLIMSOLL_REPLY_BOUND,    /* 201 */
    PLIMSOLL_REPLY_REFUSED,  /* a definitive refusal: 400, 403, 404, 422, 429 … */
    PLIMSOLL_REPLY_CONFLICT, /* 409: the pod is not as we think, perhaps bound by our own first try
                              */
    PLIMSOLL_REPLY_UNKNOWN,  /* timeout, broken connection, 5xx: it may have been written */
};

/** What a consistent read of a pod showed. */
enum plimsoll_pod_fact {
    PLIMSOLL_POD_UNREAD,  /* no reply */
    PLIMSOLL_POD_UNBOUND, /* there, and not bound */
    PLIMSOLL_POD_BOUND,   /* to `node`, with `claim` when it has one */
    PLIMSOLL_POD_AWAY,    /* no pod of that uid any more */
};

enum plimsoll_books_event_kind {
    PLIMSOLL_BOOKS_BIND_ASKED,   /* request, ticket, pod, view, settings; pod NULL: has no GPU;
                                    view.node NULL: unknown */
    PLIMSOLL_BOOKS_BIND_REPLIED, /* uid, reply, message */
    PLIMSOLL_BOOKS_POD_READ,     /* uid, fact, node, claim, message */
    PLIMSOLL_BOOKS_POD_SEEN, /* uid, node, claim: the picture shows the pod (node "" while unbound)
                              */
    PLIMSOLL_BOOKS_POD_GONE, /* uid */
    PLIMSOLL_BOOKS_LEASE_REPLIED, /* lease_reply, lease, message */
    PLIMSOLL_BOOKS_PODS_LISTED,   /* ticket: the list of that effect LIST is in the picture */
    PLIMSOLL_BOOKS_FILTERED, /* pod, settings; view: of the node it will likely go to, or node NULL:
                                none takes it, then asked and names (which
                                nodes), gains */
    PLIMSOLL_BOOKS_ASKED_ANEW,  /* uid: a filter of the pod begins */
    PLIMSOLL_BOOKS_NODE_GAINED, /* view, settings, gains: a node has more room than before */
    PLIMSOLL_BOOKS_NODE_OVER,   /* view, settings: a card of the node may stand over its line, or a
                                   pod over its claim */
    PLIMSOLL_BOOKS_TIME,        /* every second */
    PLIMSOLL_BOOKS_STOP,        /* no new binds; the Lease is given up when none is in flight */
};

/** What a person wants to know. */
enum plimsoll_tale {
    PLIMSOLL_TALE_ASSIGNED,   /* the pod is bound to `node` with `claim` */
    PLIMSOLL_TALE_REFUSED,    /* none of the nodes in `names` took the pod */
    PLIMSOLL_TALE_OVER_CLAIM, /* the pod uses more of a card of `node` than it claimed */
    PLIMSOLL_TALE_OVER_LINE,  /* `card` of `node` stands over its line */
};

/** A set of node names as good as the waking needs: a name that is in it is always found, one that
 * is not seldom. */
struct plimsoll_name_set {
    uint64_t bits[64];
};
void plimsoll_name_set_add(struct plimsoll_name_set *set, struct plimsoll_span name);
bool plimsoll_name_set_has(const struct plimsoll_name_set *set, struct plimsoll_span name);

/** All pointers are borrowed for the step. */
struct plimsoll_books_event {
    enum plimsoll_books_event_kind kind;
    int64_t now_ms;  /* of every event */
    uint64_t ticket; /* BIND_ASKED: names the waiting request in effects ANSWER and ASK_AGAIN */
    const struct plimsoll_bind_request *request;
    const struct plimsoll_pod *pod;
    struct plimsoll_node_view view;
    const struct plimsoll_placement_settings *settings;
    struct plimsoll_uid uid;
    const char *node;
    enum plimsoll_bind_reply reply;
    enum plimsoll_pod_fact fact;
    const struct plimsoll_claim *claim; /* POD_READ; NULL: none of its own */
    bool claimed;                       /* POD_SEEN: it has a claim of its own */
    enum plimsoll_lease_reply lease_reply;
    const struct plimsoll_lease *lease;
    const struct plimsoll_name_set *asked;
    const struct plimsoll_span *names; /* the same nodes, each; NULL: nobody will be told of them */
    size_t name_count;
    uint64_t gains; /* how often any node of the picture had gained room: when the filter looked;
                       with this gain (0: looked at once more) */
    const char *message;
};

enum plimsoll_books_effect_kind {
    PLIMSOLL_BOOKS_ASSUME, /* the picture counts `claim` of pod `uid` on `node` from now on */
    PLIMSOLL_BOOKS_FORGET, /* and no longer */
    PLIMSOLL_BOOKS_POST, /* post this Binding, if that is begun before `before_ms` (else nothing is
                            sent: REFUSED); report BIND_REPLIED */
    PLIMSOLL_BOOKS_READ_POD,   /* read the pod consistently, report POD_READ */
    PLIMSOLL_BOOKS_ANSWER,     /* answer request `ticket`: message "" is success */
    PLIMSOLL_BOOKS_ASK_AGAIN,  /* give BIND_ASKED of `ticket` anew, with the picture as it is now */
    PLIMSOLL_BOOKS_LEASE_READ, /* read the Lease, report LEASE_REPLIED */
    PLIMSOLL_BOOKS_LEASE_WRITE, /* write `lease`: made when it does not exist, else if its version
                                   is still this; report LEASE_REPLIED */
    PLIMSOLL_BOOKS_LIST,   /* list the pods consistently from now on, report PODS_LISTED of `ticket`
                            */
    PLIMSOLL_BOOKS_HOLD,   /* filters count `claim` of pod `uid` on `node` beside everything else */
    PLIMSOLL_BOOKS_UNHOLD, /* and no longer */
    PLIMSOLL_BOOKS_WAKE,   /* write `counter` to the pod's own annotation `woken` */
    PLIMSOLL_BOOKS_LOOK,   /* give NODE_GAINED of `request.node` once more */
    PLIMSOLL_BOOKS_LOOK_OVER, /* give NODE_OVER of `request.node` */
    PLIMSOLL_BOOKS_TELL,      /* write an Event: `tale` of the pod or node in `request` */
};

/** An effect owns what it points to; cleared with the list. */
struct plimsoll_books_effect {
    enum plimsoll_books_effect_kind kind;
    uint64_t ticket;
    uint64_t counter;                           /* WAKE */
    int64_t before_ms;                          /* POST */
    struct plimsoll_bind_request request;       /* pod, uid, node, as far as the effect has them */
    struct plimsoll_demand demand;              /* HOLD */
    struct plimsoll_claim claim;                /* ASSUME, POST, HOLD; empty: a pod without a GPU;
                                                   TELL */
    char *visible[PLIMSOLL_GPU_CONTAINERS_MAX]; /* POST: visible-devices, .1, .2 …; NULL ends */
    struct plimsoll_lease *lease;               /* LEASE_WRITE; owned */
    char *message;                              /* ANSWER */
    enum plimsoll_tale tale;                    /* TELL, like the rest */
    char *names;                                /* owned: of the nodes, each with its NUL */
    size_t names_size;
    char card[PLIMSOLL_CARD_ID_SIZE];
};

struct plimsoll_books_effects {
    struct plimsoll_books_effect *list;
    size_t count;
};

/** How the books stand, for metrics and readiness. */
struct plimsoll_books_state {
    bool holds_lease; /* and may bind */
    bool idle;        /* nothing in flight, nothing in doubt, no Lease: fit to end */
    size_t in_flight; /* Bindings without a reply yet */
    size_t in_doubt;  /* of which an earlier one got none */
    size_t waiting, held;
    uint64_t untold; /* how often there was more to tell than may be told */
};

/** A pod that no node took, as far as the books look after it. */
struct plimsoll_books_waiter {
    struct plimsoll_uid uid;
    int64_t since_ms;                      /* of the first refusal */
    const struct plimsoll_name_set *asked; /* the nodes that refused it last; borrowed until the
                                              next step */
};

/** `options` are copied. */
struct plimsoll_books *plimsoll_books_new(const struct plimsoll_books_options *options);
void plimsoll_books_free(struct plimsoll_books **books);
/** Appends to `effects`, in the order in which they must be carried out. Never fails: refusals are
 * answers. */
void plimsoll_books_step(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects);
void plimsoll_books_effects_clear(struct plimsoll_books_effects *effects);
struct plimsoll_books_state plimsoll_books_state(const struct plimsoll_books *books);
/** Who waits: highest priority first, then who waits longest. @return false at the end. */
bool plimsoll_books_waiter_at(const struct plimsoll_books *books, size_t index,
                              struct plimsoll_books_waiter *out);
