/* SPDX-License-Identifier: Apache-2.0 */
/** Of the nodes that are looked at, the one that came closest to taking a pod. */
#pragma once

#include <plimsoll/extender.h>

/** What is borrowed is so while the picture is held. The caller clears it. */
struct plimsoll_closest {
    const struct plimsoll_pod *pod;
    const struct plimsoll_placement_settings *settings;
    bool found;
    struct plimsoll_extender_node node; /* with its load as this pod counts it */
    struct plimsoll_verdict verdict;
    struct plimsoll_node_load *own; /* owned; NULL: the node's */
};

/** @return why the node does not take the pod, or PLIMSOLL_FITS: then it is not among the refused.
 */
enum plimsoll_reason plimsoll_closest_look(struct plimsoll_closest *closest,
                                           const struct plimsoll_extender_node *node);
void plimsoll_closest_clear(struct plimsoll_closest *closest);
