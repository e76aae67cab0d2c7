/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/claim.h>
#include <plimsoll/limits.h>

#include "value.h"

static bool is_duplicate(const struct plimsoll_claim *claim, const char *id)
{
    for (uint32_t i = 0; i < claim->card_count; i++) {
        if (strcmp(claim->cards[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int parse_card(struct plimsoll_json element, struct plimsoll_claim *claim,
                      struct plimsoll_error *err)
{
    struct plimsoll_claim_card card = {.idle = UINT64_MAX};
    if (plimsoll_model_is_object(element, "cards[]", err) != 0 ||
        plimsoll_model_string(element, "id", true, card.id, sizeof card.id, err) != 0 ||
        plimsoll_model_bytes(element, "vram", true, &card.vram, err) != 0 ||
        plimsoll_model_bytes(element, "idle", false, &card.idle, err) != 0) {
        return -1;
    }
    if (is_duplicate(claim, card.id)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "at byte %zu: card %s is listed twice",
                                  plimsoll_json_offset(element), card.id);
    }
    claim->cards[claim->card_count++] = card;
    return 0;
}

static int parse_cards(struct plimsoll_json cards, struct plimsoll_claim *claim,
                       struct plimsoll_error *err)
{
    size_t count = plimsoll_json_count(cards);
    if (count == 0 || count > PLIMSOLL_CARDS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "at byte %zu: cards: %zu cards; a claim names 1 to %d",
                                  plimsoll_json_offset(cards), count, PLIMSOLL_CARDS_MAX);
    }
    claim->cards = plimsoll_alloc(count, sizeof *claim->cards);
    struct plimsoll_json card = plimsoll_json_first(cards);
    for (; plimsoll_json_type(card) != PLIMSOLL_JSON_MISSING; card = plimsoll_json_next(card)) {
        if (parse_card(card, claim, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int parse_floating(struct plimsoll_json floating, struct plimsoll_claim *claim,
                          struct plimsoll_error *err)
{
    int64_t cards;
    if (plimsoll_model_int(floating, "cards", true, 1, PLIMSOLL_CARDS_MAX, &cards, err) != 0 ||
        plimsoll_model_bytes(floating, "vram", true, &claim->floating_vram, err) != 0) {
        return -1;
    }
    claim->floating_cards = (uint32_t)cards;
    return 0;
}

static int parse_body(struct plimsoll_json root, struct plimsoll_claim *claim,
                      struct plimsoll_error *err)
{
    struct plimsoll_json cards, floating;
    if (plimsoll_model_string(root, "pod", true, claim->pod.text, sizeof claim->pod.text, err) !=
            0 ||
        plimsoll_model_string(root, "node", true, claim->node, sizeof claim->node, err) != 0 ||
        plimsoll_model_container(root, "cards", false, PLIMSOLL_JSON_ARRAY, &cards, err) != 0 ||
        plimsoll_model_container(root, "floating", false, PLIMSOLL_JSON_OBJECT, &floating, err) !=
            0) {
        return -1;
    }
    bool fixed = plimsoll_json_type(cards) != PLIMSOLL_JSON_MISSING;
    if (fixed == (plimsoll_json_type(floating) != PLIMSOLL_JSON_MISSING)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "at byte %zu: a claim has either cards or floating",
                                  plimsoll_json_offset(root));
    }
    return fixed ? parse_cards(cards, claim, err) : parse_floating(floating, claim, err);
}

int plimsoll_claim_parse(struct plimsoll_span text, struct plimsoll_claim *claim,
                         struct plimsoll_error *err)
{
    if (text.size > PLIMSOLL_ANNOTATION_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "is larger than %u KiB",
                                  PLIMSOLL_ANNOTATION_BYTES_MAX / 1024);
    }
    plimsoll_autojson *document = NULL;
    if (plimsoll_model_document(text, &document, err) != 0) {
        return -1;
    }
    struct plimsoll_claim parsed = {0};
    if (parse_body(plimsoll_json_root(document), &parsed, err) != 0) {
        plimsoll_claim_clear(&parsed);
        return -1;
    }
    *claim = parsed;
    return 0;
}

void plimsoll_claim_write(const struct plimsoll_claim *claim, struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"v\":1,\"pod\":");
    plimsoll_text_add_json(out, plimsoll_span_of(claim->pod.text));
    plimsoll_text_add_string(out, ",\"node\":");
    plimsoll_text_add_json(out, plimsoll_span_of(claim->node));
    if (claim->card_count == 0) {
        plimsoll_text_add_string(out, ",\"floating\":{\"cards\":");
        plimsoll_text_add_uint(out, claim->floating_cards);
        plimsoll_text_add_string(out, ",\"vram\":");
        plimsoll_text_add_uint(out, claim->floating_vram);
        plimsoll_text_add_string(out, "}}");
        return;
    }
    for (uint32_t i = 0; i < claim->card_count; i++) {
        const struct plimsoll_claim_card *card = &claim->cards[i];
        plimsoll_text_add_string(out, i == 0 ? ",\"cards\":[{\"id\":" : ",{\"id\":");
        plimsoll_text_add_json(out, plimsoll_span_of(card->id));
        plimsoll_text_add_string(out, ",\"vram\":");
        plimsoll_text_add_uint(out, card->vram);
        if (card->idle != UINT64_MAX) {
            plimsoll_text_add_string(out, ",\"idle\":");
            plimsoll_text_add_uint(out, card->idle);
        }
        plimsoll_text_add_char(out, '}');
    }
    plimsoll_text_add_string(out, "]}");
}

void plimsoll_claim_copy(const struct plimsoll_claim *from, struct plimsoll_claim *to)
{
    *to = *from;
    to->cards = NULL;
    if (from->card_count > 0) {
        to->cards = plimsoll_alloc(from->card_count, sizeof *to->cards);
        memcpy(to->cards, from->cards, from->card_count * sizeof *to->cards);
    }
}

void plimsoll_claim_clear(struct plimsoll_claim *claim)
{
    free(claim->cards);
    *claim = (struct plimsoll_claim){0};
}
