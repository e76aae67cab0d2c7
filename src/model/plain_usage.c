/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/clock.h>

#include "quoted.h"

/* Up to here each uid is compared with each; more are left to the thorough reader. */
#define FEW_UIDS 16

/* In the order in which the agent writes them. */
enum card_key { ID, USED, ATTRIBUTED, PODS, HOLDERS };
static const struct plimsoll_quoted_literal card_keys[] = {
    [ID] = PLIMSOLL_QUOTED_KEY("id"),
    [USED] = PLIMSOLL_QUOTED_KEY("used"),
    [ATTRIBUTED] = PLIMSOLL_QUOTED_KEY("attributed"),
    [PODS] = PLIMSOLL_QUOTED_KEY("pods"),
    [HOLDERS] = PLIMSOLL_QUOTED_KEY("holders"),
};

enum usage_key { VERSION, TIME, CARDS };
static const struct plimsoll_quoted_literal usage_keys[] = {
    [VERSION] = PLIMSOLL_QUOTED_KEY("v"),
    [TIME] = PLIMSOLL_QUOTED_KEY("time"),
    [CARDS] = PLIMSOLL_QUOTED_KEY("cards"),
};

/* Room for one more of `count`: one is usual, so the list grows with them. */
static void *make_room(void *list, uint32_t count, size_t size)
{
    return (count & (count - 1)) == 0 ? plimsoll_realloc(list, count > 0 ? count * 2 : 1, size)
                                      : list;
}

static const char *read_pods(const char *at, const char *end, struct plimsoll_card *card)
{
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '{');
    if (plimsoll_quoted_is(at, end, '}')) {
        return at + 1;
    }
    while (more && at != NULL && card->pod_count < FEW_UIDS) {
        card->pods = make_room(card->pods, card->pod_count, sizeof *card->pods);
        struct plimsoll_pod_bytes *pod = &card->pods[card->pod_count];
        at = plimsoll_quoted_mark(plimsoll_model_plain_uid(at, end, &pod->pod), end, ':');
        at = plimsoll_quoted_uint(at, end, PLIMSOLL_QUOTED_UINT_MAX, &pod->bytes);
        at = plimsoll_quoted_next(at, end, '}', &more);
        for (uint32_t i = 0; at != NULL && i < card->pod_count; i++) {
            at = strcmp(card->pods[i].pod.text, pod->pod.text) != 0 ? at : NULL;
        }
        card->pod_count++;
    }
    return more ? NULL : at;
}

/* Into its place, so that they are sorted as the thorough reader leaves them. @return false when it
 * is there already */
static bool add_holder(struct plimsoll_card *card, const struct plimsoll_uid *uid)
{
    card->holders = make_room(card->holders, card->holder_count, sizeof *card->holders);
    uint32_t at = card->holder_count;
    for (; at > 0; at--) {
        int order = strcmp(card->holders[at - 1].text, uid->text);
        if (order == 0) {
            return false;
        }
        if (order < 0) {
            break;
        }
        card->holders[at] = card->holders[at - 1];
    }
    card->holders[at] = *uid;
    card->holder_count++;
    return true;
}

static const char *read_holders(const char *at, const char *end, struct plimsoll_card *card)
{
    struct plimsoll_uid uid;
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '[');
    if (plimsoll_quoted_is(at, end, ']')) {
        return at + 1;
    }
    while (more && at != NULL && card->holder_count < FEW_UIDS) {
        at = plimsoll_quoted_next(plimsoll_model_plain_uid(at, end, &uid), end, ']', &more);
        if (at != NULL && !add_holder(card, &uid)) {
            return NULL;
        }
    }
    return more ? NULL : at;
}

static const char *read_member(const char *at, const char *end, enum card_key key,
                               struct plimsoll_card *card)
{
    switch (key) {
    case ID:
        return plimsoll_quoted_string(at, end, card->id, sizeof card->id);
    case USED:
        return plimsoll_quoted_uint(at, end, PLIMSOLL_QUOTED_UINT_MAX, &card->used);
    case ATTRIBUTED:
        return plimsoll_quoted_bool(at, end, &card->attributed);
    case PODS:
        return read_pods(at, end, card);
    case HOLDERS:
        return read_holders(at, end, card);
    }
    return NULL;
}

static const char *read_card(const char *at, const char *end, struct plimsoll_model_cards *cards)
{
    struct plimsoll_quoted_members members = {.keys = card_keys,
                                              .count = sizeof card_keys / sizeof card_keys[0]};
    struct plimsoll_card *card = plimsoll_model_plain_card(cards);
    const uint32_t needed = 1 << ID | 1 << USED;
    unsigned which;
    bool more = true;
    if (card == NULL) {
        return NULL;
    }
    card->reported = true;
    uint32_t before = cards->count++;
    at = plimsoll_quoted_mark(at, end, '{');
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        at = read_member(at, end, (enum card_key)which, card);
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    if ((members.seen & needed) != needed ||
        plimsoll_model_plain_is_known(cards, before, card->id)) {
        return NULL;
    }
    return at;
}

static const char *read_cards(const char *at, const char *end, struct plimsoll_model_cards *cards)
{
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '[');
    if (plimsoll_quoted_is(at, end, ']')) {
        return at + 1;
    }
    while (more && at != NULL) {
        at = plimsoll_quoted_next(read_card(at, end, cards), end, ']', &more);
    }
    return at;
}

static const char *read_time(const char *at, const char *end, int64_t *time)
{
    char text[64];
    struct plimsoll_error ignored;
    at = plimsoll_quoted_string(at, end, text, sizeof text);
    return at != NULL && plimsoll_time_parse(plimsoll_span_of(text), time, &ignored) == 0 ? at
                                                                                          : NULL;
}

static const char *read_usage(const char *at, const char *end, struct plimsoll_model_usage *usage)
{
    struct plimsoll_quoted_members members = {.keys = usage_keys,
                                              .count = sizeof usage_keys / sizeof usage_keys[0]};
    const char *begin = at;
    const uint32_t needed = 1 << VERSION | 1 << CARDS;
    uint64_t version = 1;
    unsigned which;
    bool more = true;
    at = plimsoll_model_plain_begin(at, end);
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        at = which == VERSION ? plimsoll_quoted_uint(at, end, 1, &version)
             : which == TIME  ? read_time(at, end, &usage->time)
                              : read_cards(at, end, &usage->cards);
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    return version == 1 && (members.seen & needed) == needed
               ? plimsoll_model_plain_end(begin, at, end)
               : NULL;
}

const char *plimsoll_model_plain_usage(const char *at, const char *end,
                                       struct plimsoll_model_usage *usage)
{
    struct plimsoll_model_usage read = {0};
    at = read_usage(at, end, &read);
    if (at == NULL) {
        plimsoll_model_cards_clear(&read.cards);
        return NULL;
    }
    plimsoll_model_cards_clear(&usage->cards);
    *usage = read;
    return at;
}
