/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is free on a card, what fits, which cards, and how good that is (design §4.1, §4.2).
 *
 * Pure arithmetic: no clock, no I/O, no globals; safe from several threads. All sizes are bytes.
 * Additions saturate; nothing that cannot be read counts as free.
 */
#pragma once

#include <plimsoll/demand.h>
#include <plimsoll/node.h>
#include <plimsoll/pod.h>
#include <plimsoll/text.h>

/** The default for GPU pods without a VRAM request. */
enum plimsoll_default { PLIMSOLL_DEFAULT_SHARE, PLIMSOLL_DEFAULT_WHOLE, PLIMSOLL_DEFAULT_BYTES };

struct plimsoll_placement_settings {
    uint64_t reserve_bytes;         /* per card, when reserve_percent_milli is 0 */
    uint32_t reserve_percent_milli; /* of the card's total */
    enum plimsoll_default default_request;
    uint64_t default_bytes; /* DEFAULT_BYTES */
    enum plimsoll_policy policy;
};

struct plimsoll_outlook;

/** What is left on a node besides its cards, and what is likely to come (outlook.h). */
struct plimsoll_room {
    struct plimsoll_outlook *outlook; /* NULL: nothing is known, and nothing else is meant */
    struct plimsoll_requests free;    /* UINT64_MAX: not known */
    uint64_t kind;                    /* plimsoll_outlook_kind of the node */
};

/** Everything known of one node; borrowed for the call. */
struct plimsoll_node_view {
    const struct plimsoll_node *node;
    struct plimsoll_room room;
    /** Unfinished GPU pods that are bound to the node, hold a claim in flight on it, or are
     * nominated to it. */
    const struct plimsoll_pod *const *pods;
    size_t pod_count;
    /** Pods that will likely come here (soft holds), each with the claim it would get: counted for
     * filters, never for a bind. */
    const struct plimsoll_pod *const *holds;
    size_t hold_count;
    /** Pods that ended after the report in `node` arrived: their measured bytes are freed with
     * them. */
    const struct plimsoll_uid *ended;
    size_t ended_count;
    bool pods_known; /* false: no picture of pods (full-Nodes form); what the report names is taken
                        as there */
    bool stale;      /* the report is old: shown, never used to make room */
};

enum plimsoll_card_state {
    PLIMSOLL_CARD_OK,
    PLIMSOLL_CARD_UNKNOWN_MEMORY, /* no facts about its memory at all */
    PLIMSOLL_CARD_UNHEALTHY,
    PLIMSOLL_CARD_CORDONED,
    PLIMSOLL_CARD_DISAGREES, /* in one of inventory and usage only */
    PLIMSOLL_CARD_MIG,       /* split into instances: nothing on the whole card */
};

/** The load line of one card. free = total − max(reserve, foreign) − booked, at least 0. */
struct plimsoll_load {
    uint64_t total, line, reserve, booked, foreign, free;
    uint64_t used; /* measured; 0 when not reported */
    uint64_t idle; /* idle baseline for the next claim here; UINT64_MAX: unknown */
    /** What floating claims of others may still put here, for a pod whose card the plugin picks …
     * Beyond what leaves before they come: the plugin gives a device of a pod that ended to one
     * that was bound while it ran. */
    uint64_t floating_plugin;
    /** … and for one whose card we pick. */
    uint64_t floating_ours;
    /** Where the plugin has no device left: what leaves at least before it can pick this card,
     * beyond what floating claims may put here then. */
    uint64_t relief;
    uint32_t replicas; /* devices of the plugin here, at least 1 */
    uint32_t taken;    /* of them, known to be held */
    uint8_t state;     /* enum plimsoll_card_state */
    uint8_t vendor;    /* enum plimsoll_vendor */
    bool withheld;     /* unhealthy, and the plugin does not offer it either */
};

/** Bytes that a pod may have of the card beside all others, known and floating.
 * @param plugin  The device plugin picks the card: what is open once it can pick this one. */
static inline uint64_t plimsoll_load_open(const struct plimsoll_load *card, bool plugin)
{
    uint64_t floating = plugin ? card->floating_plugin : card->floating_ours;
    uint64_t open = card->free > floating ? card->free - floating : 0;
    uint64_t relief = plugin ? card->relief : 0; /* where it is not 0, `floating_plugin` is */
    return open > UINT64_MAX - relief ? UINT64_MAX : open + relief;
}

/** May the device plugin hand out a device of the card? */
static inline bool plimsoll_load_pickable(const struct plimsoll_load *card)
{
    return card->taken < card->replicas && !card->withheld;
}

/** The loads of a node's cards, in the order of node->cards. One allocation; free with free(). */
struct plimsoll_node_load {
    uint32_t card_count;
    bool nominated; /* pods are nominated here: depends on who asks, compute afresh for a pod */
    struct plimsoll_room room; /* of the view */
    struct plimsoll_load cards[];
};

/**
 * Computes the load lines of a node.
 * @param without   A pod that does not count (it asks for itself), or NULL.
 * @param priority  Nominated pods below it do not count; INT32_MIN: all count.
 * @return owned by the caller.
 */
struct plimsoll_node_load *
plimsoll_placement_load(const struct plimsoll_node_view *view,
                        const struct plimsoll_placement_settings *settings,
                        const struct plimsoll_uid *without, int32_t priority);

/** Why a node does not take a pod. Few and stable: the scheduler groups equal texts. */
enum plimsoll_reason {
    PLIMSOLL_FITS,
    PLIMSOLL_NO_NODE,        /* not yet known to Plimsoll */
    PLIMSOLL_NO_CARD,        /* no card of that vendor */
    PLIMSOLL_UNUSABLE,       /* the node's annotations cannot be read */
    PLIMSOLL_MEMORY_UNKNOWN, /* card memory unknown */
    PLIMSOLL_NO_VRAM,        /* insufficient free VRAM */
    PLIMSOLL_OVER_LINE,      /* larger than any card there could ever give */
    PLIMSOLL_OVER_MPS_SHARE, /* larger than MPS allows one client */
    PLIMSOLL_NO_HEALTHY_CARD,
    PLIMSOLL_CORDONED,
    PLIMSOLL_TOO_FEW_CARDS,
    PLIMSOLL_NO_TOPOLOGY, /* not that many cards joined by NVLink / on one NUMA node */
    PLIMSOLL_NO_ENV, /* VRAM-only pod, but the runtime there does not honour NVIDIA_VISIBLE_DEVICES
                      */
    PLIMSOLL_ENV_CONFLICT, /* our downward env on a multi-card node that is not pinned */
    PLIMSOLL_NO_INSTANCE,  /* no MIG instance of that profile */
    PLIMSOLL_SPLIT,        /* the cards there are split into MIG instances */
    PLIMSOLL_REFUSED,      /* the pod's own request cannot be read */
};

/** What a node can promise a pod (design §4.2). */
enum plimsoll_guarantee {
    PLIMSOLL_GUARANTEE_NONE,
    PLIMSOLL_GUARANTEE_EXACT,
    PLIMSOLL_GUARANTEE_PINNED,
    PLIMSOLL_GUARANTEE_CONSERVATIVE,
    PLIMSOLL_GUARANTEE_COUNTED, /* exclusive devices that the kubelet counts: MIG, AMD, Intel */
};

struct plimsoll_verdict {
    enum plimsoll_reason reason;
    enum plimsoll_guarantee guarantee;
    uint64_t want;        /* bytes on the card that came closest; 0 when not about bytes */
    uint64_t missing;     /* bytes that card lacks; 0 when it fits or is not about bytes */
    uint64_t unaccounted; /* 1: passes by count only, memory unknown */
};

/** Does the pod fit on the node as it is? Allocation-free; the filter's inner loop. */
struct plimsoll_verdict
plimsoll_placement_judge(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                         const struct plimsoll_demand *demand,
                         const struct plimsoll_placement_settings *settings);

/**
 * What decides for most pods whether they fit on a node, in less than a cache line. Made by whoever
 * keeps load lines, again whenever a load line or the node changes.
 */
struct plimsoll_summary {
    /* NVIDIA cards in use as a whole and free to take pods, for a pod that asks for bytes. */
    uint64_t room, reach;             /* of the best card: free now, and with nobody on it */
    uint64_t room_every, reach_every; /* of the worst card that the plugin may come to pick */
    uint8_t whole;                    /* NVIDIA cards that are not split, in any state */
    uint8_t vendors;                  /* bit 1 << enum plimsoll_vendor: has such a card */
    /* enum plimsoll_reason for a pod that asks for one card and no bytes. */
    uint8_t default_ours, default_plugin;
    bool unusable, nominated, no_env;
    bool some;     /* `room` and `reach` are of a card */
    bool pickable; /* the plugin has a card to pick */
    bool every;    /* `room_every` and `reach_every` are of all of these */
};

struct plimsoll_summary
plimsoll_placement_summarise(const struct plimsoll_node *node,
                             const struct plimsoll_node_load *load,
                             const struct plimsoll_placement_settings *settings);

/**
 * The reason that plimsoll_placement_judge would give, where the summary of that node tells it.
 * @param reason  Set when the answer is true.
 * @return false: judge has to look at the cards.
 */
bool plimsoll_placement_glance(const struct plimsoll_summary *summary,
                               const struct plimsoll_demand *demand, enum plimsoll_reason *reason);

/** How well a fitting pod would sit there under the policy; larger is better, comparable across
 * nodes. */
double plimsoll_placement_score(const struct plimsoll_node *node,
                                const struct plimsoll_node_load *load,
                                const struct plimsoll_demand *demand,
                                const struct plimsoll_placement_settings *settings);

/**
 * Scores to the extender's 0 … 10: order kept where ten steps allow, and only the best (ties
 * included) get 10. @param count  of both arrays.
 */
void plimsoll_placement_quantise(const double *scores, size_t count, int *out);

/**
 * Decides the cards of a pod that fits and writes its claim (pod uid and node are filled in).
 * @return 0, or -1 with PLIMSOLL_ERR_CONFLICT and the reason when it does not fit. The caller
 * clears `claim`.
 */
int plimsoll_placement_choose(const struct plimsoll_node *node,
                              const struct plimsoll_node_load *load, const struct plimsoll_pod *pod,
                              const struct plimsoll_placement_settings *settings,
                              struct plimsoll_claim *claim,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * The value of plimsoll.dev/visible-devices, or of `.1`, `.2` … (`container` 0, 1, 2 … in the order
 * of the pod's GPU containers): the claim's cards where that is exact or pinned, `void` where the
 * plugin passes cards by CDI or mounts.
 */
void plimsoll_placement_visible(const struct plimsoll_node *node,
                                const struct plimsoll_demand *demand,
                                const struct plimsoll_claim *claim, unsigned container,
                                struct plimsoll_text *out);

/** Load lines computed at most to find victims on one node; where that is not enough, none are
 * found. */
#define PLIMSOLL_VICTIMS_TRIES_MAX 512
/** Of them, until when a better set is looked for: 500 nodes of 64 pods are two seconds. */
#define PLIMSOLL_VICTIMS_CHOICES_MAX 128

/** Who leaves a node so that a pod fits there. */
struct plimsoll_victims {
    const struct plimsoll_pod **added; /* owned, most important first; borrowed from the view */
    size_t count;
};

/**
 * Finds the pods that have to leave besides those that somebody else proposed.
 *
 * Only pods that are bound to the node and of lower priority than `pod` are added; never a static
 * pod. What is terminating leaves anyway. Of the sets that make room the one whose most important
 * pod is least important; then the one of fewest pods; then the one that leaves least VRAM unused;
 * where there are more sets than can be tried, one that no pod can be taken out of.
 * What a pod was measured to use goes with it; where use is not attributed to pods, what it claims.
 *
 * @param proposed  They leave in any case, known or not; borrowed for the call.
 * @param victims   Set when true; the caller frees `added`.
 * @return false when no set makes room.
 */
bool plimsoll_placement_victims(const struct plimsoll_node_view *view,
                                const struct plimsoll_placement_settings *settings,
                                const struct plimsoll_pod *pod, const struct plimsoll_uid *proposed,
                                size_t proposed_count, struct plimsoll_victims *victims);

/** Of two nodes that refuse a pod: did the one of verdict `a` come closer to taking it? */
bool plimsoll_placement_closer(const struct plimsoll_verdict *a, const struct plimsoll_verdict *b);

/** What the node promises a pod that asks for a vendor resource; of several vendors, NVIDIA's. */
enum plimsoll_guarantee plimsoll_placement_guarantee(const struct plimsoll_node *node);

/** Bit i: card i stands over its line. More is booked than fits beside its reserve and what others
 * use: pods outgrew their claims, somebody else's came, or the card shrank. */
uint64_t plimsoll_placement_over_line(const struct plimsoll_node *node,
                                      const struct plimsoll_node_load *load);

/** Where a pod uses most beyond what it claimed. */
struct plimsoll_over_claim {
    uint32_t card;              /* index in node->cards */
    uint64_t claimed, measured; /* bytes */
};
/** @return false when it does not, as far as anybody measures; `over` is set when true. */
bool plimsoll_placement_over_claim(const struct plimsoll_node *node, const struct plimsoll_pod *pod,
                                   struct plimsoll_over_claim *over);

/**
 * What the node can advertise as plimsoll.dev/vram: the lines of its cards (of a split one the
 * memory of its instances), and never less than the pods bound there ask for, so that a kubelet
 * that starts again fails none of them.
 */
uint64_t plimsoll_placement_capacity(const struct plimsoll_node_view *view,
                                     const struct plimsoll_node_load *load);

/** The sentence for FailedAndUnresolvableNodes: low cardinality, no numbers of the node. */
void plimsoll_reason_write(enum plimsoll_reason reason, const struct plimsoll_demand *demand,
                           struct plimsoll_text *out);
/** A word for metric labels: `insufficient_vram`. Static. */
const char *plimsoll_reason_label(enum plimsoll_reason reason);
/** `exact`, `pinned`, `conservative`, `counted`, `none`. Static. */
const char *plimsoll_guarantee_text(enum plimsoll_guarantee guarantee);
