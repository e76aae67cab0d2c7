/* SPDX-License-Identifier: Apache-2.0 */
/** The load line of a card as a bar: what pods use, what they have booked beyond that, what others
 * use, what is free, the reserve. */
#pragma once

#include "columns.h"

#define BAR_CELLS_MAX 64u

/** What the card's pods are measured to use of what is booked. */
uint64_t plimsoll_bar_used(const struct plimsoll_card *card, const struct plimsoll_load *load);

/** @param cells  Up to BAR_CELLS_MAX; always as many are added. */
void plimsoll_bar_load(const struct plimsoll_card *card, const struct plimsoll_load *load,
                       unsigned cells, const struct plimsoll_view_options *options,
                       struct plimsoll_text *out);

/** Shares of a whole, in the same looks: in use, booked beyond that. */
void plimsoll_bar_share(uint64_t used, uint64_t booked, uint64_t total, unsigned cells,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out);

/** What the looks mean. */
void plimsoll_bar_legend(const struct plimsoll_view_options *options, struct plimsoll_text *out);
