/* SPDX-License-Identifier: Apache-2.0 */
#include "node_parts.h"

#include <plimsoll/clock.h>
#include <plimsoll/limits.h>

static int compare_uids(const void *a, const void *b)
{
    return strcmp(((const struct plimsoll_uid *)a)->text, ((const struct plimsoll_uid *)b)->text);
}

static int read_pods(struct plimsoll_json object, struct plimsoll_card *card,
                     struct plimsoll_error *err)
{
    struct plimsoll_json pods;
    if (plimsoll_model_container(object, "pods", false, PLIMSOLL_JSON_OBJECT, &pods, err) != 0) {
        return -1;
    }
    size_t count = plimsoll_json_count(pods);
    if (count > 0) {
        card->pods = plimsoll_alloc(count, sizeof *card->pods);
    }
    struct plimsoll_json key = plimsoll_json_first(pods);
    for (; plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        struct plimsoll_pod_bytes *pod = &card->pods[card->pod_count++];
        if (plimsoll_model_text_of(key, "pods: uid", pod->pod.text, sizeof pod->pod.text, err) !=
            0) {
            return -1;
        }
        if (!plimsoll_json_uint(plimsoll_json_value(key), &pod->bytes)) {
            return plimsoll_error_set(
                err, PLIMSOLL_ERR_INVALID,
                "at byte %zu: pods: %s is not a whole number of bytes below 2^53",
                plimsoll_json_offset(plimsoll_json_value(key)), pod->pod.text);
        }
    }
    return 0;
}

static int read_holders(struct plimsoll_json object, struct plimsoll_card *card,
                        struct plimsoll_error *err)
{
    struct plimsoll_json holders;
    if (plimsoll_model_container(object, "holders", false, PLIMSOLL_JSON_ARRAY, &holders, err) !=
        0) {
        return -1;
    }
    size_t count = plimsoll_json_count(holders);
    if (count == 0) {
        return 0;
    }
    card->holders = plimsoll_alloc(count, sizeof *card->holders);
    struct plimsoll_json element = plimsoll_json_first(holders);
    for (; plimsoll_json_type(element) != PLIMSOLL_JSON_MISSING;
         element = plimsoll_json_next(element)) {
        struct plimsoll_uid *uid = &card->holders[card->holder_count++];
        if (plimsoll_model_text_of(element, "holders[]", uid->text, sizeof uid->text, err) != 0) {
            return -1;
        }
    }
    /* Sorted, so that finding one listed twice stays linear in a hostile value, too. */
    qsort(card->holders, card->holder_count, sizeof *card->holders, compare_uids);
    for (uint32_t i = 1; i < card->holder_count; i++) {
        if (compare_uids(&card->holders[i - 1], &card->holders[i]) == 0) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "at byte %zu: holders: %s is listed twice",
                                      plimsoll_json_offset(holders), card->holders[i].text);
        }
    }
    return 0;
}

static int read_card(struct plimsoll_json object, struct plimsoll_model_cards *read,
                     struct plimsoll_error *err)
{
    struct plimsoll_card *card = &read->list[read->count];
    char id[PLIMSOLL_CARD_ID_SIZE];
    if (plimsoll_model_is_object(object, "cards[]", err) != 0 ||
        plimsoll_model_string(object, "id", true, id, sizeof id, err) != 0) {
        return -1;
    }
    if (plimsoll_model_cards_find(read, id) != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "at byte %zu: id %s is listed twice",
                                  plimsoll_json_offset(object), id);
    }
    memcpy(card->id, id, sizeof id);
    card->reported = true;
    read->count++;
    if (plimsoll_model_bytes(object, "used", true, &card->used, err) != 0 ||
        plimsoll_model_bool(object, "attributed", &card->attributed, err) != 0 ||
        read_pods(object, card, err) != 0) {
        return -1;
    }
    return read_holders(object, card, err);
}

static int read_time(struct plimsoll_json root, int64_t *time, struct plimsoll_error *err)
{
    char text[64];
    text[0] = '\0';
    if (plimsoll_model_string(root, "time", false, text, sizeof text, err) != 0) {
        return -1;
    }
    if (text[0] != '\0' && plimsoll_time_parse(plimsoll_span_of(text), time, err) != 0) {
        return plimsoll_error_wrap(err, "at byte %zu: time",
                                   plimsoll_json_offset(plimsoll_json_get(root, "time")));
    }
    return 0;
}

static int read_usage(struct plimsoll_json root, struct plimsoll_model_usage *usage,
                      struct plimsoll_error *err)
{
    struct plimsoll_model_cards *read = &usage->cards;
    struct plimsoll_json list;
    if (read_time(root, &usage->time, err) != 0 ||
        plimsoll_model_container(root, "cards", true, PLIMSOLL_JSON_ARRAY, &list, err) != 0) {
        return -1;
    }
    size_t count = plimsoll_json_count(list);
    if (count > PLIMSOLL_CARDS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "at byte %zu: cards: %zu entries; at most %d are allowed",
                                  plimsoll_json_offset(list), count, PLIMSOLL_CARDS_MAX);
    }
    plimsoll_model_cards_make(read, (uint32_t)count);
    read->count = 0;
    struct plimsoll_json element = plimsoll_json_first(list);
    for (; plimsoll_json_type(element) != PLIMSOLL_JSON_MISSING;
         element = plimsoll_json_next(element)) {
        if (read_card(element, read, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Hands what was measured from one card to the other. */
static void move_measured(struct plimsoll_card *from, struct plimsoll_card *to)
{
    to->used = from->used;
    to->reported = true;
    to->attributed = from->attributed;
    to->pods = PLIMSOLL_TAKE(from->pods);
    to->pod_count = from->pod_count;
    to->holders = PLIMSOLL_TAKE(from->holders);
    to->holder_count = from->holder_count;
}

/* The card with the id of `measured`, which is most often at the same place. */
static struct plimsoll_card *find_partner(const struct plimsoll_model_cards *cards,
                                          const struct plimsoll_card *measured, uint32_t place)
{
    return place < cards->count && strcmp(cards->list[place].id, measured->id) == 0
               ? &cards->list[place]
               : plimsoll_model_cards_find(cards, measured->id);
}

int plimsoll_model_usage_read(struct plimsoll_span text, struct plimsoll_model_usage *usage,
                              struct plimsoll_error *err)
{
    struct plimsoll_model_usage read = {0};
    plimsoll_autojson *document = NULL;
    if (plimsoll_model_document(text, &document, err) != 0) {
        return -1;
    }
    if (read_usage(plimsoll_json_root(document), &read, err) != 0) {
        plimsoll_model_cards_clear(&read.cards);
        return -1;
    }
    plimsoll_model_cards_clear(&usage->cards);
    *usage = read;
    return 0;
}

/* Every card of one side without a partner on the other disagrees. */
int plimsoll_model_usage_merge(struct plimsoll_model_usage *usage,
                               struct plimsoll_model_cards *cards, struct plimsoll_error *err)
{
    struct plimsoll_model_cards *read = &usage->cards;
    uint32_t strangers = 0;
    for (uint32_t i = 0; i < read->count; i++) {
        strangers += find_partner(cards, &read->list[i], i) == NULL;
    }
    if (cards->count + strangers > PLIMSOLL_CARDS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "names %u cards that are not in %s; together they are more "
                                  "than %d",
                                  strangers, PLIMSOLL_ANNOTATION_INVENTORY, PLIMSOLL_CARDS_MAX);
    }
    if (strangers > 0) {
        cards->list = plimsoll_realloc(cards->list, cards->count + strangers, sizeof *cards->list);
    }
    for (uint32_t i = 0; i < cards->count; i++) {
        cards->list[i].disagrees = true;
    }
    for (uint32_t i = 0; i < read->count; i++) {
        struct plimsoll_card *card = find_partner(cards, &read->list[i], i);
        if (card != NULL) {
            card->disagrees = false;
        } else {
            card = &cards->list[cards->count++];
            plimsoll_model_card_init(card);
            memcpy(card->id, read->list[i].id, sizeof card->id);
            card->disagrees = true;
        }
        move_measured(&read->list[i], card);
    }
    return 0;
}
