/* SPDX-License-Identifier: Apache-2.0 */
#include "node_parts.h"

static void clear_card(struct plimsoll_card *card)
{
    free(card->pods);
    free(card->holders);
    free(card->mig);
}

void plimsoll_model_cards_clear(struct plimsoll_model_cards *cards)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        clear_card(&cards->list[i]);
    }
    free(cards->list);
    *cards = (struct plimsoll_model_cards){0};
}

void plimsoll_model_card_init(struct plimsoll_card *card)
{
    *card = (struct plimsoll_card){.health = "ok", .index = -1, .numa = -1};
}

void plimsoll_model_cards_make(struct plimsoll_model_cards *cards, uint32_t count)
{
    plimsoll_model_cards_clear(cards);
    if (count == 0) {
        return;
    }
    cards->list = plimsoll_alloc(count, sizeof *cards->list);
    cards->count = count;
    for (uint32_t i = 0; i < count; i++) {
        plimsoll_model_card_init(&cards->list[i]);
    }
}

struct plimsoll_card *plimsoll_model_cards_find(const struct plimsoll_model_cards *cards,
                                                const char *id)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        if (strcmp(cards->list[i].id, id) == 0) {
            return &cards->list[i];
        }
    }
    return NULL;
}
