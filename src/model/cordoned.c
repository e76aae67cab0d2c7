/* SPDX-License-Identifier: Apache-2.0 */
#include "node_parts.h"

/* Ids are UUIDs and PCI addresses; anything else is a slip that would silently cordon nothing. */
static bool is_plausible(struct plimsoll_span item)
{
    for (size_t i = 0; i < item.size; i++) {
        char c = item.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && (c == '\0' || strchr("-:._/", c) == NULL)) {
            return false;
        }
    }
    return item.size > 0 && item.size < PLIMSOLL_CARD_ID_SIZE;
}

static bool names(struct plimsoll_span item, const struct plimsoll_card *card)
{
    unsigned long long index;
    if (plimsoll_span_is(item, card->id)) {
        return true;
    }
    if (card->index >= 0 && plimsoll_span_decimal(item, &index) &&
        index == (unsigned long long)card->index) {
        return true;
    }
    for (uint32_t i = 0; i < card->mig_count; i++) {
        if (plimsoll_span_is(item, card->mig[i].id)) {
            return true;
        }
    }
    return false;
}

int plimsoll_model_cordoned(struct plimsoll_span text, struct plimsoll_model_cards *cards,
                            struct plimsoll_error *err)
{
    struct plimsoll_span rest = plimsoll_span_trim(text), part;
    uint64_t marked = 0;
    if (rest.size > 0 && rest.data[rest.size - 1] == ',') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "ends in a comma; write for example 0,GPU-5d0f1c2e-…");
    }
    while (rest.size > 0 && plimsoll_span_cut(&rest, ',', &part)) {
        struct plimsoll_span item = plimsoll_span_trim(part);
        if (!is_plausible(item)) {
            item = plimsoll_model_shown(item);
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "\"%.*s\" is no index and no id of a card; write for "
                                      "example 0,GPU-5d0f1c2e-…",
                                      PLIMSOLL_SPAN_ARG(item));
        }
        for (uint32_t i = 0; i < cards->count; i++) {
            marked |= names(item, &cards->list[i]) ? UINT64_C(1) << i : 0;
        }
    }
    /* A name that fits no card is harmless: the card has gone, or is not reported yet. */
    for (uint32_t i = 0; i < cards->count; i++) {
        cards->list[i].cordoned = (marked >> i & 1) != 0;
    }
    return 0;
}
