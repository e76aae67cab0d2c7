/* SPDX-License-Identifier: Apache-2.0 */
/** Who is on a card, or somewhere on a node, and what is known of how much. */
#pragma once

#include <plimsoll/answers.h>

#include "on_card.h"

enum presence {
    PRESENCE_CLAIMED,   /* by its claim */
    PRESENCE_UNCLAIMED, /* uses the card, or the kubelet gave it the card, without a claim */
    PRESENCE_FLOATING,  /* a claim on some card of the node that the device plugin picks */
    PRESENCE_NOMINATED, /* room is kept for it */
    PRESENCE_ASTRAY,    /* claims a card that the node does not have any more */
};

struct occupant {
    const struct plimsoll_pod *pod;
    enum presence presence;
    uint64_t claimed;  /* bytes on each card; 0: nothing is known to be claimed */
    uint64_t measured; /* bytes on the card */
};

/** The pods on a card. @param list  Room for every pod of the view. @return how many */
size_t plimsoll_occupants_of_card(const struct plimsoll_node_view *view,
                                  const struct plimsoll_card *card, struct occupant *list);

/** Pods of the node of which no card is known. */
size_t plimsoll_occupants_elsewhere(const struct plimsoll_node_view *view, struct occupant *list);

/** That no pod, or none of the namespace that is asked for, has a card. */
void plimsoll_occupants_none(const struct plimsoll_view_cluster *cluster,
                             const struct plimsoll_view_options *options,
                             struct plimsoll_text *out);

/** `claimed`, `unclaimed`, `floating`, `nominated`, `astray`. */
const char *plimsoll_presence_text(enum presence presence);
