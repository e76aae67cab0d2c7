/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is likely to come: classes of the GPU pods that have arrived, and what of it still fits on a
 * node. The policy `pack` puts a pod where the least of it is lost (design §4.3).
 *
 * One writer at a time; between its calls any number of readers. Nothing here decides whether a pod
 * fits. Pure: no clock, no I/O; draws come from a generator with a fixed seed.
 */
#pragma once

#include <plimsoll/placement.h>

/** Classes that are remembered; of more the rarest is forgotten. */
#define PLIMSOLL_CLASSES_MAX 512
/** The most frequent of them, which a value is made of. */
#define PLIMSOLL_CLASSES_VALUED_MAX 256
/** Classes of pods without a GPU, only so that their scores can be remembered. */
#define PLIMSOLL_PLAIN_CLASSES_MAX 64
/** Until so many pods have arrived nothing is foretold, and the tightest fit wins. */
#define PLIMSOLL_HISTORY_PODS_MIN 16
/** A pod weighs a third of what it did after so many more. */
#define PLIMSOLL_HISTORY_PODS 4096
/** Scores that are remembered, eight bytes each: of as many classes as that is for all nodes. */
#define PLIMSOLL_SCORES_MAX (1u << 20)
/** Kinds of nodes (models of their first card) told apart by pods that choose their nodes; what is
 * more shares the last. */
#define PLIMSOLL_NODE_KINDS_MAX 64
/** Nodes whose scores are remembered, as many as one call may name. */
#define PLIMSOLL_OUTLOOK_NODES_MAX PLIMSOLL_NODE_NAMES_MAX

struct plimsoll_outlook *plimsoll_outlook_new(void);
void plimsoll_outlook_free(struct plimsoll_outlook **handle);

/* -- writing -------------------------------------------------------------------------------------
 */

/** A pod has arrived: to be told of each once, of one without a GPU while it is to be scheduled.
 * Pods that take other devices than shares of NVIDIA cards are left out. */
void plimsoll_outlook_note(struct plimsoll_outlook *outlook, const struct plimsoll_demand *demand);
/** The bit of the node's kind. */
uint64_t plimsoll_outlook_kind(struct plimsoll_outlook *outlook, const struct plimsoll_node *node);
/** Something of the node with this number has changed, or another has the number now: what is
 * remembered of it no longer holds. */
void plimsoll_outlook_touch(struct plimsoll_outlook *outlook, uint32_t number);

/* -- reading -------------------------------------------------------------------------------------
 */

/** False until enough pods have arrived. NULL: false. */
bool plimsoll_outlook_ready(const struct plimsoll_outlook *outlook);
/** GPU pods that were noted. */
uint64_t plimsoll_outlook_pods(const struct plimsoll_outlook *outlook);
/** Classes of GPU pods that are remembered. */
uint32_t plimsoll_outlook_classes(const struct plimsoll_outlook *outlook);

/** Memory that it takes. */
size_t plimsoll_outlook_bytes(const struct plimsoll_outlook *outlook);

/** No class, or one whose scores are not remembered. */
#define PLIMSOLL_NO_CLASS UINT32_MAX
/** The class of a pod. */
uint32_t plimsoll_outlook_class(const struct plimsoll_outlook *outlook,
                                const struct plimsoll_demand *demand);
/** A pod of the class may be put on nodes of these kinds, as whoever asks has found. */
void plimsoll_outlook_allow(struct plimsoll_outlook *outlook, uint32_t class_index, uint64_t kinds);

enum plimsoll_recalled {
    PLIMSOLL_RECALLED_NOTHING, /* never known, or the node has changed */
    PLIMSOLL_RECALLED_OLD,     /* of the same node, as more and other pods were expected */
    PLIMSOLL_RECALLED,
};
/** The remembered score of the class on the node with this number. */
enum plimsoll_recalled plimsoll_outlook_recall(const struct plimsoll_outlook *outlook,
                                               uint32_t class_index, uint32_t number,
                                               double *score);
void plimsoll_outlook_remember(const struct plimsoll_outlook *outlook, uint32_t class_index,
                               uint32_t number, double score);

/** Below every score that says anything: the memory of the card is unknown. */
#define PLIMSOLL_SCORE_UNACCOUNTED (-1e9)
/** Does plimsoll_placement_score look at what is likely to come? Else the tightest fit wins, or
 * `spread`. */
bool plimsoll_placement_foresees(const struct plimsoll_node_load *load,
                                 const struct plimsoll_demand *demand,
                                 const struct plimsoll_placement_settings *settings);

/** What putting a pod on a node would do to what is likely to come. */
struct plimsoll_prospect {
    bool foretold;           /* false: no history, or no share of a card: nothing below is meant */
    double room, room_after; /* value of the copies of all classes that fit, before and after; GiB
                                of the average pod, the last copies weigh most */
    double filled, filled_after; /* GiB that random pods of the history fill of the node */
    uint64_t size;               /* of the largest card that the pod would be put on; bytes */
};

/**
 * Where the pod would be put by plimsoll_placement_choose, and what that leaves. Slower than
 * plimsoll_placement_score by far: for the best few nodes, and for people.
 */
struct plimsoll_prospect
plimsoll_placement_foretell(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                            const struct plimsoll_demand *demand,
                            const struct plimsoll_placement_settings *settings);
