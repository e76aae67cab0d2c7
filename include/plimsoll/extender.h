/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The extender's verbs: bodies in as they arrive, answers out (design §4.3; wire types of
 * k8s.io/kube-scheduler/extender/v1, keys in Go's CamelCase without tags, read without regard to
 * case).
 *
 * Pure: what is known of the cluster comes through `plimsoll_extender_world`. One call object
 * serves one request and belongs to one thread. Both forms: `NodeNames` is answered from the world;
 * full `Nodes` from the bytes, of which only survivors are kept (they go back verbatim). Pod must
 * come before the Nodes, as kube-scheduler sends it. A body that gives both forms, a node twice or
 * a name that is no DNS name is refused with a sentence.
 *
 * A pod without a GPU passes on every node, also while the world is not synced (P3).
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/placement.h>
#include <plimsoll/text.h>

/** One node of the picture; borrowed until the world's `release`. */
struct plimsoll_extender_node {
    struct plimsoll_node_view view;
    /** For anybody: nobody left out, every nominated pod counted. NULL: computed when needed. */
    const struct plimsoll_node_load *load;
};

/** A node of the picture at a glance; borrowed until the world's `release`. */
struct plimsoll_extender_glimpse {
    const struct plimsoll_summary *summary; /* NULL: not known, and nothing else is meant */
    const void *node;                       /* for `open`, which gives a load too */
    uint32_t number;                        /* small, and another for every node of one hold */
};

/** Names that `find` takes at once. */
#define PLIMSOLL_EXTENDER_NAMES_MAX 64u

struct plimsoll_nominees;
struct plimsoll_node_cache;

/** What the verbs need from the cluster. Declared here, implemented by whoever has a picture. */
struct plimsoll_extender_world {
    void *context;
    /**
     * false: GPU pods get an error, pods without a GPU pass. Without any picture (no API access):
     * true with `node` NULL; then full Nodes are answered and NodeNames get an error.
     */
    bool synced;
    /** @return false when the node is not known. */
    bool (*node)(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out);
    /**
     * The same in two steps, for many nodes: `find` looks up to PLIMSOLL_EXTENDER_NAMES_MAX names
     * up at once, and `open` gives what `node` would of one that is known. `place` is 0 before the
     * first names of a hold and is kept between: names that come in the picture's own order are
     * found without a search. Both or none.
     */
    void (*find)(void *context, const struct plimsoll_span *names, size_t count, uint32_t *place,
                 struct plimsoll_extender_glimpse *out);
    void (*open)(void *context, const struct plimsoll_extender_glimpse *glimpse,
                 struct plimsoll_extender_node *out);
    /**
     * The node that the pod is bound to or has a claim in flight on, NULL when none; borrowed until
     * `release`. May be NULL.
     */
    const char *(*node_of)(void *context, const struct plimsoll_uid *pod);
    /** Called once, without a hold, when the body has named its GPU pod. May be NULL. */
    void (*asked)(void *context, const struct plimsoll_uid *pod);
    /** For preempt; NULL: nothing is remembered from one call to the next. */
    struct plimsoll_nominees *nominees;
    /** For full Nodes; NULL: each is read anew. */
    struct plimsoll_node_cache *cache;
    /**
     * Bracket every use of the above: once for a moment during feed, once for all nodes
     * during finish, never while waiting for the peer. Both may be NULL.
     */
    void (*hold)(void *context);
    void (*release)(void *context);
};

/** Nodes that are remembered take so much; more are read anew. 5000 nodes of eight cards fit, and
 * with a picture of as many the process stays below 64 MiB. */
#define PLIMSOLL_NODE_CACHE_BYTES_MAX (12u * 1024 * 1024)
#define PLIMSOLL_NODE_CACHE_KEY_SIZE  16

/**
 * Nodes of the full form as they were read, for calls that bring the same bytes again. All calls
 * that use it read by the same `reading`. Safe from several threads.
 * @param key  Random and secret: it keeps others from making up a node that passes for another.
 * @return NULL when the cryptographic library cannot.
 */
struct plimsoll_node_cache *
plimsoll_node_cache_new(const unsigned char key[static PLIMSOLL_NODE_CACHE_KEY_SIZE]);
void plimsoll_node_cache_free(struct plimsoll_node_cache **handle);
/** What it holds. */
size_t plimsoll_node_cache_bytes(struct plimsoll_node_cache *cache);

enum plimsoll_extender_verb { PLIMSOLL_VERB_FILTER, PLIMSOLL_VERB_PRIORITIZE };

struct plimsoll_extender_call;

/** For metrics and logs; filled by finish. */
struct plimsoll_extender_outcome {
    bool gpu;
    bool unavailable;     /* the answer is an Error: the world cannot tell yet */
    size_t asked, passed; /* nodes */
    /** The node that the scheduler will likely choose: filter's only survivor, prioritize's best;
     * empty: none, or not to be told. Borrowed from the call. */
    struct plimsoll_span likely;
    size_t rejected[PLIMSOLL_REFUSED + 1]; /* by enum plimsoll_reason */
};

/** All arguments are borrowed and must outlive the call. */
struct plimsoll_extender_call *plimsoll_extender_begin(
    enum plimsoll_extender_verb verb, const struct plimsoll_extender_world *world,
    const struct plimsoll_reading *reading, const struct plimsoll_placement_settings *settings);
void plimsoll_extender_free(struct plimsoll_extender_call **call);

/**
 * The next bytes of the body.
 * @return 0, or -1 with a sentence: PLIMSOLL_ERR_INVALID or TOO_LARGE. After a failure every
 * further call fails alike.
 */
int plimsoll_extender_feed(struct plimsoll_extender_call *call, struct plimsoll_span bytes,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/**
 * The body has ended: appends the answer (ExtenderFilterResult or HostPriorityList). Once per call.
 * Not synced and the pod is a GPU pod: the answer's `Error` says so (filter; the scheduler throws
 * the bodies of other statuses than 200 away), or -1 with PLIMSOLL_ERR_UNAVAILABLE (prioritize).
 * @param answer   Unchanged on failure. PLIMSOLL_ERR_TOO_LARGE when it does not fit. While it is
 *                 empty, memory of full nodes changes hands instead of being copied.
 * @param outcome  Set on success.
 */
int plimsoll_extender_finish(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                             struct plimsoll_extender_outcome *outcome,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The pod of the body, borrowed from the call; NULL before it has been read. */
const struct plimsoll_pod *plimsoll_extender_pod(const struct plimsoll_extender_call *call);
/** Name `index` of the `asked`; borrowed from the call. */
struct plimsoll_span plimsoll_extender_name(const struct plimsoll_extender_call *call,
                                            size_t index);

/** ExtenderBindingArgs. */
struct plimsoll_bind_request {
    char pod[PLIMSOLL_NAME_BYTES_MAX + 1];
    char namespace_[PLIMSOLL_NAME_BYTES_MAX + 1];
    struct plimsoll_uid uid;
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
};

/**
 * @param request  Set on success. Its names are DNS names and its uid has no byte that means
 *                 anything in a URL.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID or TOO_LARGE and a sentence.
 */
int plimsoll_extender_read_bind(struct plimsoll_span body, struct plimsoll_bind_request *request,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** ExtenderBindingResult; `message` NULL or empty: bound. */
void plimsoll_extender_write_bind(const char *message, struct plimsoll_text *answer);

/** Pods that room is made for at once; of more the oldest are forgotten. */
#define PLIMSOLL_NOMINEES_MAX 256
/** Victims of one pod, on all its candidates, that are remembered; of more none are. */
#define PLIMSOLL_NOMINEE_VICTIMS_MAX 4096

/**
 * Whom preempt gave as victims for which pod, and which pods filter refused since on the node they
 * are nominated to. To the scheduler that is a node where preemption does not help, so it looks for
 * victims elsewhere, although those it evicted are still leaving. Safe from several threads.
 */
struct plimsoll_nominees *plimsoll_nominees_new(void);
void plimsoll_nominees_free(struct plimsoll_nominees **handle);
/** A filter has ended that passed no node. */
void plimsoll_nominees_note_refusal(struct plimsoll_nominees *nominees,
                                    const struct plimsoll_extender_call *call);

/** For metrics and logs. */
struct plimsoll_preempt_outcome {
    bool gpu;
    bool waiting;         /* room is made already where the pod is nominated: nobody else leaves */
    size_t asked, passed; /* candidates */
    size_t added;         /* victims besides those that the scheduler proposed */
};

/**
 * ExtenderPreemptionArgs in either form; appends an ExtenderPreemptionResult, which has one.
 *
 * Only the scheduler's own candidates are answered: each with its victims and those who must leave
 * with them (plimsoll_placement_victims), most important first. One where no set makes room is
 * left out, and so is a node that is not known. NumPDBViolations is carried over: it counts the
 * scheduler's own victims, as no budgets are known here, so that a node is not avoided for the
 * budget of a pod that was added. A pod without a GPU gets back what it came with. Where the pod
 * was refused on the node it is nominated to, and that node has room for it or will have once those
 * have left who are terminating or were given as its victims, the answer is empty: the scheduler
 * tries again. The world is held for one node at a time.
 *
 * @param answer   Unchanged on failure.
 * @param outcome  Set on success.
 * @return 0, or -1: PLIMSOLL_ERR_INVALID or TOO_LARGE with a sentence; for a GPU pod UNAVAILABLE
 * while the world cannot tell, so that nobody is evicted on a guess.
 */
int plimsoll_extender_preempt(const struct plimsoll_extender_world *world,
                              const struct plimsoll_reading *reading,
                              const struct plimsoll_placement_settings *settings,
                              struct plimsoll_span body, struct plimsoll_text *answer,
                              struct plimsoll_preempt_outcome *outcome,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
