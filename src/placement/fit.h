/* SPDX-License-Identifier: Apache-2.0 */
/** A verdict with the cards behind it: what judge, score and choose have in common. */
#pragma once

#include <plimsoll/placement.h>

struct plimsoll_fit {
    struct plimsoll_verdict verdict;
    /**
     * Exact and pinned: cards that take the pod, `distinct` of them to be chosen (every one for a
     * pod booked on every card). Conservative: cards the plugin may pick.
     */
    uint64_t cards;
    uint32_t distinct;
    uint64_t leftover; /* counted: bytes left on the tightest device */
};

struct plimsoll_fit plimsoll_fit_find(const struct plimsoll_node *node,
                                      const struct plimsoll_node_load *load,
                                      const struct plimsoll_demand *demand,
                                      const struct plimsoll_placement_settings *settings);

/** The same for devices that the kubelet counts: MIG instances, AMD and Intel cards. */
struct plimsoll_fit plimsoll_fit_counted(const struct plimsoll_node *node,
                                         const struct plimsoll_node_load *load,
                                         const struct plimsoll_demand *demand);

/** May the plugin pick the card once a device of it comes free, which it may before a pod that is
 * bound now starts? Only of one whose memory is known: there is no line to hold on the others. */
static inline bool plimsoll_fit_may_free(const struct plimsoll_load *card)
{
    return card->taken >= card->replicas && !card->withheld && card->total > 0;
}

/** Keeps the verdict of the card that came closest. */
void plimsoll_fit_closest(struct plimsoll_verdict *closest, enum plimsoll_reason reason,
                          uint64_t want, uint64_t missing);

/** How well the pod would sit on the card; larger is better, comparable across cards. */
double plimsoll_fit_value(const struct plimsoll_load *card, uint64_t want, uint64_t floating,
                          enum plimsoll_policy policy);
/** The cards of an exact or pinned fit that are best by policy and topology. */
uint64_t plimsoll_fit_pick(const struct plimsoll_node *node, const struct plimsoll_node_load *load,
                           const struct plimsoll_demand *demand,
                           const struct plimsoll_placement_settings *settings,
                           const struct plimsoll_fit *fit);

static inline enum plimsoll_policy
plimsoll_fit_policy(const struct plimsoll_demand *demand,
                    const struct plimsoll_placement_settings *settings)
{
    return demand->policy != PLIMSOLL_POLICY_UNSET ? demand->policy : settings->policy;
}
