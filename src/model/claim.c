/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/claim.h>
#include <plimsoll/limits.h>

#include "value.h"

/* The claim's `cards`, or the `less` of a floating one. */
struct list {
    const char *what; /* what an element is called */
    struct plimsoll_claim_card **cards;
    uint32_t *count;
    bool idle; /* elements say how much was in use */
};

static bool is_duplicate(const struct list *list, const char *id)
{
    for (uint32_t i = 0; i < *list->count; i++) {
        if (strcmp((*list->cards)[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static int parse_card(struct plimsoll_json element, const struct list *list,
                      struct plimsoll_error *err)
{
    struct plimsoll_claim_card card = {.idle = UINT64_MAX};
    if (plimsoll_model_is_object(element, list->what, err) != 0 ||
        plimsoll_model_string(element, "id", true, card.id, sizeof card.id, err) != 0 ||
        plimsoll_model_bytes(element, "vram", true, &card.vram, err) != 0 ||
        (list->idle && plimsoll_model_bytes(element, "idle", false, &card.idle, err) != 0)) {
        return -1;
    }
    if (is_duplicate(list, card.id)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "at byte %zu: card %s is listed twice",
                                  plimsoll_json_offset(element), card.id);
    }
    (*list->cards)[(*list->count)++] = card;
    return 0;
}

static int parse_list(struct plimsoll_json cards, const struct list *list,
                      struct plimsoll_error *err)
{
    size_t count = plimsoll_json_count(cards);
    if (count == 0 || count > PLIMSOLL_CARDS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "at byte %zu: %.*s: %zu cards; a claim names 1 to %d",
                                  plimsoll_json_offset(cards), (int)strcspn(list->what, "["),
                                  list->what, count, PLIMSOLL_CARDS_MAX);
    }
    *list->cards = plimsoll_alloc(count, sizeof **list->cards);
    struct plimsoll_json card = plimsoll_json_first(cards);
    for (; plimsoll_json_type(card) != PLIMSOLL_JSON_MISSING; card = plimsoll_json_next(card)) {
        if (parse_card(card, list, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int parse_floating(struct plimsoll_json floating, struct plimsoll_claim *claim,
                          struct plimsoll_error *err)
{
    const struct list list = {"less[]", &claim->less, &claim->less_count, false};
    struct plimsoll_json less;
    int64_t cards;
    if (plimsoll_model_int(floating, "cards", true, 1, PLIMSOLL_CARDS_MAX, &cards, err) != 0 ||
        plimsoll_model_bytes(floating, "vram", true, &claim->floating_vram, err) != 0 ||
        plimsoll_model_container(floating, "less", false, PLIMSOLL_JSON_ARRAY, &less, err) != 0) {
        return -1;
    }
    claim->floating_cards = (uint32_t)cards;
    return plimsoll_json_type(less) == PLIMSOLL_JSON_MISSING ? 0 : parse_list(less, &list, err);
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
    const struct list list = {"cards[]", &claim->cards, &claim->card_count, true};
    return fixed ? parse_list(cards, &list, err) : parse_floating(floating, claim, err);
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

static void write_list(const char *key, const struct plimsoll_claim_card *cards, uint32_t count,
                       struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, key);
    for (uint32_t i = 0; i < count; i++) {
        plimsoll_text_add_string(out, i == 0 ? "[{\"id\":" : ",{\"id\":");
        plimsoll_text_add_json(out, plimsoll_span_of(cards[i].id));
        plimsoll_text_add_string(out, ",\"vram\":");
        plimsoll_text_add_uint(out, cards[i].vram);
        if (cards[i].idle != UINT64_MAX) {
            plimsoll_text_add_string(out, ",\"idle\":");
            plimsoll_text_add_uint(out, cards[i].idle);
        }
        plimsoll_text_add_char(out, '}');
    }
    plimsoll_text_add_char(out, ']');
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
        if (claim->less_count > 0) {
            write_list(",\"less\":", claim->less, claim->less_count, out);
        }
        plimsoll_text_add_string(out, "}}");
        return;
    }
    write_list(",\"cards\":", claim->cards, claim->card_count, out);
    plimsoll_text_add_char(out, '}');
}

static struct plimsoll_claim_card *copy_list(const struct plimsoll_claim_card *cards,
                                             uint32_t count)
{
    if (count == 0) {
        return NULL;
    }
    struct plimsoll_claim_card *copy = plimsoll_alloc(count, sizeof *copy);
    memcpy(copy, cards, count * sizeof *copy);
    return copy;
}

void plimsoll_claim_copy(const struct plimsoll_claim *from, struct plimsoll_claim *to)
{
    *to = *from;
    to->cards = copy_list(from->cards, from->card_count);
    to->less = copy_list(from->less, from->less_count);
}

void plimsoll_claim_clear(struct plimsoll_claim *claim)
{
    free(claim->cards);
    free(claim->less);
    *claim = (struct plimsoll_claim){0};
}
