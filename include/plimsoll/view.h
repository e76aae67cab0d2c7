/* SPDX-License-Identifier: Apache-2.0 */
/** What people read: load lines of cards as text. Pure; appends to a text. */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/text.h>

struct plimsoll_view_options {
    unsigned width; /* columns, at least 80 */
    bool colour;    /* ANSI */
    bool unicode;   /* bars of block characters, else ASCII */
};

/** One node: a heading, then a line per card with its bar (booked, foreign, reserve, free) and its
 * pods. */
void plimsoll_view_node(const struct plimsoll_extender_node *node,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out);
