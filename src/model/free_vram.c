/* SPDX-License-Identifier: Apache-2.0 */
#include "node_parts.h"

#include <plimsoll/limits.h>
#include <plimsoll/quantity.h>

static int read_values(struct plimsoll_span text, uint64_t values[PLIMSOLL_CARDS_MAX],
                       uint32_t *count, struct plimsoll_error *err)
{
    uint32_t read = 0;
    /* An empty value is one empty quantity, not none. */
    struct plimsoll_span rest = text, part = text;
    bool more = plimsoll_span_cut(&rest, ',', &part) || text.size == 0;
    for (; more; more = plimsoll_span_cut(&rest, ',', &part)) {
        if (read == PLIMSOLL_CARDS_MAX) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "has more than %d values",
                                      PLIMSOLL_CARDS_MAX);
        }
        if (plimsoll_quantity_parse(plimsoll_span_trim(part), &values[read], err) != 0) {
            return plimsoll_error_wrap(err, "value %u", read);
        }
        read++;
    }
    *count = read;
    return 0;
}

/* By index where the indices are 0 … n−1, else (two vendors count on their own) by place. */
static bool indexed(const struct plimsoll_model_cards *cards)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < cards->count; i++) {
        int16_t index = cards->list[i].index;
        if (index < 0 || (uint32_t)index >= cards->count || (seen >> index & 1) != 0) {
            return false;
        }
        seen |= UINT64_C(1) << index;
    }
    return true;
}

static void lay_onto(struct plimsoll_card *card, uint64_t value)
{
    card->reported = true;
    card->free_reported = value;
    card->free_only = card->total == 0;
    card->used = card->total > value ? card->total - value : 0;
}

int plimsoll_model_free_vram(struct plimsoll_span text, enum plimsoll_vendor vendor,
                             struct plimsoll_model_cards *cards, struct plimsoll_error *err)
{
    uint64_t values[PLIMSOLL_CARDS_MAX];
    uint32_t count = 0;
    if (read_values(text, values, &count, err) != 0) {
        return -1;
    }
    if (cards->count == 0) {
        plimsoll_model_cards_make(cards, count);
        for (uint32_t i = 0; i < count; i++) {
            snprintf(cards->list[i].id, sizeof cards->list[i].id, "%u", i);
            cards->list[i].index = (int16_t)i;
            cards->list[i].vendor = (uint8_t)vendor;
        }
    }
    if (cards->count != count) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "has %u value%s, but the node has %u card%s; write one for each, "
                                  "in the order of their indices",
                                  count, count == 1 ? "" : "s", cards->count,
                                  cards->count == 1 ? "" : "s");
    }
    bool by_index = indexed(cards);
    for (uint32_t i = 0; i < count; i++) {
        struct plimsoll_card *card = &cards->list[i];
        lay_onto(card, values[by_index ? (uint32_t)card->index : i]);
    }
    return 0;
}
