/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/limits.h>

#include "quoted.h"

/* In the order in which the server writes them. */
enum claim_key { VERSION, POD, NODE, CARDS, FLOATING };
static const struct plimsoll_quoted_literal claim_keys[] = {
    [VERSION] = PLIMSOLL_QUOTED_KEY("v"),         [POD] = PLIMSOLL_QUOTED_KEY("pod"),
    [NODE] = PLIMSOLL_QUOTED_KEY("node"),         [CARDS] = PLIMSOLL_QUOTED_KEY("cards"),
    [FLOATING] = PLIMSOLL_QUOTED_KEY("floating"),
};

enum card_key { ID, VRAM, IDLE };
static const struct plimsoll_quoted_literal card_keys[] = {
    [ID] = PLIMSOLL_QUOTED_KEY("id"),
    [VRAM] = PLIMSOLL_QUOTED_KEY("vram"),
    [IDLE] = PLIMSOLL_QUOTED_KEY("idle"),
};

enum floating_key { COUNT, EACH };
static const struct plimsoll_quoted_literal floating_keys[] = {
    [COUNT] = PLIMSOLL_QUOTED_KEY("cards"),
    [EACH] = PLIMSOLL_QUOTED_KEY("vram"),
};

static const char *read_card(const char *at, const char *end, struct plimsoll_claim_card *card)
{
    struct plimsoll_quoted_members members = {.keys = card_keys, .count = IDLE + 1};
    const uint32_t needed = 1 << ID | 1 << VRAM;
    unsigned which;
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '{');
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        if (which == ID) {
            at = plimsoll_quoted_string(at, end, card->id, sizeof card->id);
        } else {
            at = plimsoll_quoted_uint(at, end, PLIMSOLL_QUOTED_UINT_MAX,
                                      which == VRAM ? &card->vram : &card->idle);
        }
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    return (members.seen & needed) == needed ? at : NULL;
}

static bool is_known(const struct plimsoll_claim *claim, const char *id)
{
    for (uint32_t i = 0; i < claim->card_count; i++) {
        if (strcmp(claim->cards[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static const char *read_cards(const char *at, const char *end, struct plimsoll_claim *claim)
{
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '[');
    while (more && at != NULL) {
        struct plimsoll_claim_card card = {.idle = UINT64_MAX};
        at = plimsoll_quoted_next(read_card(at, end, &card), end, ']', &more);
        if (at == NULL || claim->card_count == PLIMSOLL_CARDS_MAX || is_known(claim, card.id)) {
            return NULL;
        }
        claim->cards = plimsoll_realloc(claim->cards, claim->card_count + 1, sizeof *claim->cards);
        claim->cards[claim->card_count++] = card;
    }
    return at;
}

static const char *read_floating(const char *at, const char *end, struct plimsoll_claim *claim)
{
    struct plimsoll_quoted_members members = {.keys = floating_keys, .count = EACH + 1};
    uint64_t count = 0;
    unsigned which;
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '{');
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        at = which == COUNT
                 ? plimsoll_quoted_uint(at, end, PLIMSOLL_CARDS_MAX, &count)
                 : plimsoll_quoted_uint(at, end, PLIMSOLL_QUOTED_UINT_MAX, &claim->floating_vram);
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    claim->floating_cards = (uint32_t)count;
    return members.seen == (1 << COUNT | 1 << EACH) && count > 0 ? at : NULL;
}

static const char *read_node(const char *at, const char *end, struct plimsoll_claim *claim)
{
    char node[256];
    at = plimsoll_quoted_string(at, end, node, sizeof node);
    if (at == NULL || node[sizeof claim->node - 1] != '\0') {
        return NULL;
    }
    memcpy(claim->node, node, sizeof claim->node);
    return at;
}

static const char *read_member(const char *at, const char *end, enum claim_key key,
                               struct plimsoll_claim *claim)
{
    uint64_t version = 0;
    switch (key) {
    case VERSION:
        at = plimsoll_quoted_uint(at, end, 1, &version);
        return version == 1 ? at : NULL;
    case POD:
        return plimsoll_model_plain_uid(at, end, &claim->pod);
    case NODE:
        return read_node(at, end, claim);
    case CARDS:
        return read_cards(at, end, claim);
    case FLOATING:
        return read_floating(at, end, claim);
    }
    return NULL;
}

static const char *read_claim(const char *at, const char *end, struct plimsoll_claim *claim)
{
    struct plimsoll_quoted_members members = {.keys = claim_keys, .count = FLOATING + 1};
    const uint32_t needed = 1 << VERSION | 1 << POD | 1 << NODE;
    const char *begin = at;
    unsigned which;
    bool more = true;
    at = plimsoll_model_plain_begin(at, end);
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        at = read_member(at, end, (enum claim_key)which, claim);
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    /* Either the cards or their number. */
    bool one = (members.seen >> CARDS & 1) != (members.seen >> FLOATING & 1);
    return one && (members.seen & needed) == needed ? plimsoll_model_plain_end(begin, at, end)
                                                    : NULL;
}

const char *plimsoll_model_plain_claim(const char *at, const char *end,
                                       struct plimsoll_claim *claim)
{
    struct plimsoll_claim read = {.card_count = 0};
    at = read_claim(at, end, &read);
    if (at == NULL) {
        plimsoll_claim_clear(&read);
        return NULL;
    }
    plimsoll_claim_clear(claim);
    *claim = read;
    return at;
}
