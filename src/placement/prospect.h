/* SPDX-License-Identifier: Apache-2.0 */
/** Scores of the policy `pack` once there is a history: what of the likely is lost. */
#pragma once

#include "value.h"

/** The values of the fit's cards, each as if the pod took that one alone. */
void plimsoll_prospect_cards(const struct plimsoll_site *site, const struct plimsoll_node *node,
                             const struct plimsoll_node_load *load,
                             const struct plimsoll_demand *demand,
                             const struct plimsoll_placement_settings *settings,
                             const struct plimsoll_fit *fit, double *values);

/** The score of a fit with a guarantee. */
double plimsoll_prospect_score(const struct plimsoll_node *node,
                               const struct plimsoll_node_load *load,
                               const struct plimsoll_demand *demand,
                               const struct plimsoll_placement_settings *settings,
                               const struct plimsoll_fit *fit);
