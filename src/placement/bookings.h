/* SPDX-License-Identifier: Apache-2.0 */
/** Who is on which card of a node, as far as anybody knows: the books' side of the load lines. */
#pragma once

#include <plimsoll/placement.h>

/** What the pods of a node book on one card. */
struct plimsoll_booking {
    uint64_t demands;  /* Σ demands */
    uint64_t excess;   /* Σ of what pods were measured to use beyond their demand */
    uint64_t measured; /* Σ bytes attributed to pods that are there, or ended since the report */
    uint64_t idle;     /* the largest known idle baseline among the claims */
    uint64_t floating_plugin, floating_ours, relief; /* as in struct plimsoll_load */
    uint32_t taken;
    bool demanded; /* by anybody at all */
    bool idle_known;
};

/**
 * Fills `bookings`, one zeroed entry per card. Needs total, line, replicas, state and vendor of
 * `load`.
 * @return true when pods are nominated to the node.
 */
bool plimsoll_bookings_count(const struct plimsoll_node_view *view,
                             const struct plimsoll_placement_settings *settings,
                             const struct plimsoll_uid *without, int32_t priority,
                             const struct plimsoll_node_load *load,
                             struct plimsoll_booking *bookings);
