/* SPDX-License-Identifier: Apache-2.0 */
/** What a simulation came to, as a table for people and as an object for programs. Pure; appends to
 * a text. */
#pragma once

#include <plimsoll/simulate.h>
#include <plimsoll/view.h>

/** Borrowed for the call. */
struct plimsoll_view_simulation {
    const struct plimsoll_landing *landings; /* in the order in which the pods arrived */
    size_t landing_count;
    const struct plimsoll_extender_node *nodes;     /* afterwards, with their loads */
    const struct plimsoll_node_load *const *before; /* the loads of the same nodes */
    size_t node_count;
};

/** A line per pod with its node and cards, or why it has none; then the load lines of the nodes
 * that changed, before and after (wide: of all), and what is left. */
void plimsoll_view_simulation_table(const struct plimsoll_view_simulation *simulation,
                                    const struct plimsoll_view_options *options,
                                    struct plimsoll_text *out);
/** Kind Simulation, in the way of answers.h. */
void plimsoll_view_simulation_json(const struct plimsoll_view_simulation *simulation,
                                   struct plimsoll_text *out);
