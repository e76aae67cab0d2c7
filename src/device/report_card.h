/* SPDX-License-Identifier: Apache-2.0 */
/** One card of a look as it is published: bytes per pod instead of processes, with its holders. */
#pragma once

#include <plimsoll/report.h>

struct plimsoll_report_card {
    char id[PLIMSOLL_CARD_ID_SIZE];
    uint64_t used; /* bytes; of an unknown use the total, for nothing can be promised then */
    bool used_known;
    bool attributed;
    bool holders_known;
    struct plimsoll_pod_bytes *pods; /* owned, by uid; empty unless attributed */
    struct plimsoll_uid *holders;    /* owned, by uid */
    uint32_t pod_count, holder_count;
};

/** The cards of a look, in its order; at most PLIMSOLL_CARDS_MAX. */
struct plimsoll_report_cards {
    struct plimsoll_report_card *list; /* owned */
    uint32_t count;
};

/** The kubelet means this card by `id`. */
bool plimsoll_report_is_card(const struct plimsoll_device *device, const char *id);

void plimsoll_report_cards_make(const struct plimsoll_look *look,
                                struct plimsoll_report_cards *cards);
void plimsoll_report_cards_clear(struct plimsoll_report_cards *cards);
/** The card of that id, or NULL. */
const struct plimsoll_report_card *
plimsoll_report_cards_find(const struct plimsoll_report_cards *cards, const char *id);
