/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Holds the quick readers of annotations to the thorough ones: what a quick one takes, the thorough
 * one takes too, up to the same byte and with the same result. `quoted` begins with the quote
 * before the value and goes on behind it, as in an object; it may be anything.
 */
#pragma once

/* Private to model: the two ways to read are not to be told apart from outside. */
#include "../../src/model/plain.h"

#include <assert.h>

static inline void agree_on_card(const struct plimsoll_card *a, const struct plimsoll_card *b)
{
    assert(strcmp(a->id, b->id) == 0 && strcmp(a->product, b->product) == 0);
    assert(strcmp(a->health, b->health) == 0 && a->total == b->total && a->used == b->used);
    assert(a->nvlink == b->nvlink && a->links_known == b->links_known);
    assert(a->replicas == b->replicas && a->index == b->index && a->numa == b->numa);
    assert(a->vendor == b->vendor && a->reported == b->reported && a->unified == b->unified);
    assert(a->attributed == b->attributed && a->disagrees == b->disagrees);
    assert(a->pod_count == b->pod_count && a->holder_count == b->holder_count);
    assert(a->mig_count == b->mig_count);
    for (uint32_t i = 0; i < a->pod_count; i++) {
        assert(strcmp(a->pods[i].pod.text, b->pods[i].pod.text) == 0);
        assert(a->pods[i].bytes == b->pods[i].bytes);
    }
    for (uint32_t i = 0; i < a->holder_count; i++) {
        assert(strcmp(a->holders[i].text, b->holders[i].text) == 0);
    }
    for (uint32_t i = 0; i < a->mig_count; i++) {
        assert(strcmp(a->mig[i].id, b->mig[i].id) == 0 && a->mig[i].vram == b->mig[i].vram);
        assert(strcmp(a->mig[i].profile, b->mig[i].profile) == 0);
    }
}

static inline void agree_on_cards(const struct plimsoll_model_cards *a,
                                  const struct plimsoll_model_cards *b)
{
    assert(a->count == b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        agree_on_card(&a->list[i], &b->list[i]);
    }
}

/* The value as the thorough way gets it; `behind` is where it must end. */
static inline struct plimsoll_span agree_on_text(struct plimsoll_span quoted, const char *behind,
                                                 struct plimsoll_text *scratch)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(quoted);
    struct plimsoll_model_value value;
    struct plimsoll_span text = {0};
    struct plimsoll_error err;
    plimsoll_model_value_read(&cursor, &value);
    assert(!cursor.failed && cursor.at == behind);
    int result = plimsoll_model_value_text(&value, scratch, &text, &err);
    assert(result == 0);
    return text;
}

/** @return false when the quick reader leaves it to the thorough one. */
static inline bool agree_on_inventory(struct plimsoll_span quoted)
{
    struct plimsoll_model_inventory quick = {0}, thorough = {0};
    plimsoll_autotext scratch = {0};
    struct plimsoll_error err;
    const char *behind =
        plimsoll_model_plain_inventory(quoted.data, quoted.data + quoted.size, &quick);
    if (behind == NULL) {
        assert(quick.cards.list == NULL);
        return false;
    }
    struct plimsoll_span text = agree_on_text(quoted, behind, &scratch);
    int result = plimsoll_model_inventory_read(text, &thorough, &err);
    assert(result == 0);
    assert(quick.env == thorough.env && quick.device_list == thorough.device_list);
    agree_on_cards(&quick.cards, &thorough.cards);
    plimsoll_model_cards_clear(&quick.cards);
    plimsoll_model_cards_clear(&thorough.cards);
    return true;
}

static inline bool agree_on_usage(struct plimsoll_span quoted)
{
    struct plimsoll_model_usage quick = {0}, thorough = {0};
    plimsoll_autotext scratch = {0};
    struct plimsoll_error err;
    const char *behind = plimsoll_model_plain_usage(quoted.data, quoted.data + quoted.size, &quick);
    if (behind == NULL) {
        assert(quick.cards.list == NULL);
        return false;
    }
    struct plimsoll_span text = agree_on_text(quoted, behind, &scratch);
    int result = plimsoll_model_usage_read(text, &thorough, &err);
    assert(result == 0);
    assert(quick.time == thorough.time);
    agree_on_cards(&quick.cards, &thorough.cards);
    plimsoll_model_cards_clear(&quick.cards);
    plimsoll_model_cards_clear(&thorough.cards);
    return true;
}

static inline bool agree_on_claim(struct plimsoll_span quoted)
{
    struct plimsoll_claim quick = {.card_count = 0}, thorough = {.card_count = 0};
    plimsoll_autotext scratch = {0};
    struct plimsoll_error err;
    const char *behind = plimsoll_model_plain_claim(quoted.data, quoted.data + quoted.size, &quick);
    if (behind == NULL) {
        assert(quick.cards == NULL);
        return false;
    }
    struct plimsoll_span text = agree_on_text(quoted, behind, &scratch);
    int result = plimsoll_claim_parse(text, &thorough, &err);
    assert(result == 0);
    assert(strcmp(quick.pod.text, thorough.pod.text) == 0);
    assert(strcmp(quick.node, thorough.node) == 0 && quick.card_count == thorough.card_count);
    assert(quick.floating_cards == thorough.floating_cards);
    assert(quick.floating_vram == thorough.floating_vram);
    assert(quick.less_count == 0 && thorough.less_count == 0);
    for (uint32_t i = 0; i < quick.card_count; i++) {
        assert(strcmp(quick.cards[i].id, thorough.cards[i].id) == 0);
        assert(quick.cards[i].vram == thorough.cards[i].vram);
        assert(quick.cards[i].idle == thorough.cards[i].idle);
    }
    plimsoll_claim_clear(&quick);
    plimsoll_claim_clear(&thorough);
    return true;
}
