/* SPDX-License-Identifier: Apache-2.0 */
/** Sets of cards that belong together: joined by NVLink, or on one NUMA node. Bit i is card i. */
#pragma once

#include <plimsoll/node.h>

/** Are there `size` of `cards` that belong together? */
bool plimsoll_sets_exist(const struct plimsoll_node *node, uint64_t cards, uint32_t size,
                         enum plimsoll_topology topology);

/**
 * The `size` of `cards` with the largest sum of `values` (one per card of the node) that belong
 * together. TOPOLOGY_ANY takes what is joined best. @return 0 when there are none.
 */
uint64_t plimsoll_sets_pick(const struct plimsoll_node *node, uint64_t cards, uint32_t size,
                            enum plimsoll_topology topology, const double *values);
