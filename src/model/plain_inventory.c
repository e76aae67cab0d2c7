/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/limits.h>

#include "quoted.h"

/* In the order in which the agent writes them. */
enum card_key {
    ID,
    INDEX,
    VENDOR,
    PRODUCT,
    VRAM,
    REPLICAS,
    PCI,
    NUMA,
    LINKS,
    HEALTH,
    UNIFIED,
    MIG
};
enum { NEEDED = 1 << ID | 1 << INDEX | 1 << VENDOR | 1 << VRAM };
static const struct plimsoll_quoted_literal card_keys[] = {
    [ID] = PLIMSOLL_QUOTED_KEY("id"),           [INDEX] = PLIMSOLL_QUOTED_KEY("index"),
    [VENDOR] = PLIMSOLL_QUOTED_KEY("vendor"),   [PRODUCT] = PLIMSOLL_QUOTED_KEY("product"),
    [VRAM] = PLIMSOLL_QUOTED_KEY("vram"),       [REPLICAS] = PLIMSOLL_QUOTED_KEY("replicas"),
    [PCI] = PLIMSOLL_QUOTED_KEY("pci"),         [NUMA] = PLIMSOLL_QUOTED_KEY("numa"),
    [LINKS] = PLIMSOLL_QUOTED_KEY("links"),     [HEALTH] = PLIMSOLL_QUOTED_KEY("health"),
    [UNIFIED] = PLIMSOLL_QUOTED_KEY("unified"), [MIG] = PLIMSOLL_QUOTED_KEY("mig"),
};

enum node_key { VERSION, DRIVER, ENV, DEVICE_LIST, CARDS };
static const struct plimsoll_quoted_literal node_keys[] = {
    [VERSION] = PLIMSOLL_QUOTED_KEY("v"),   [DRIVER] = PLIMSOLL_QUOTED_KEY("driver"),
    [ENV] = PLIMSOLL_QUOTED_KEY("env"),     [DEVICE_LIST] = PLIMSOLL_QUOTED_KEY("deviceList"),
    [CARDS] = PLIMSOLL_QUOTED_KEY("cards"),
};

enum instance_key { INSTANCE_ID, INSTANCE_PROFILE, INSTANCE_VRAM };
static const struct plimsoll_quoted_literal instance_keys[] = {
    [INSTANCE_ID] = PLIMSOLL_QUOTED_KEY("id"),
    [INSTANCE_PROFILE] = PLIMSOLL_QUOTED_KEY("profile"),
    [INSTANCE_VRAM] = PLIMSOLL_QUOTED_KEY("vram"),
};

enum link_key { LINK_TO, LINK_KIND, LINK_LANES };
static const struct plimsoll_quoted_literal link_keys[] = {
    [LINK_TO] = PLIMSOLL_QUOTED_KEY("to"),
    [LINK_KIND] = PLIMSOLL_QUOTED_KEY("kind"),
    [LINK_LANES] = PLIMSOLL_QUOTED_KEY("n"),
};

static const struct plimsoll_quoted_literal vendors[] = {
    PLIMSOLL_QUOTED_WORD("nvidia"), PLIMSOLL_QUOTED_WORD("amd"), PLIMSOLL_QUOTED_WORD("intel")};
static const struct plimsoll_quoted_literal device_lists[] = {
    PLIMSOLL_QUOTED_WORD("env"), PLIMSOLL_QUOTED_WORD("env+nodes"), PLIMSOLL_QUOTED_WORD("cdi"),
    PLIMSOLL_QUOTED_WORD("mounts")};
static const struct plimsoll_quoted_literal link_kinds[] = {PLIMSOLL_QUOTED_WORD("nvlink"),
                                                            PLIMSOLL_QUOTED_WORD("pcie")};

#define COUNT(list) (unsigned)(sizeof(list) / sizeof(list)[0])

/** Cards and, until all ids are known, where the links of each stand. */
struct reading {
    struct plimsoll_model_inventory inventory;
    const char *end;
    const char *links[PLIMSOLL_CARDS_MAX];
    bool instances; /* some card has some */
};

/* The id of a card or of an instance, among cards that are read and instances of the last one. */
static bool is_known(const struct reading *reading, const char *id)
{
    const struct plimsoll_model_cards *cards = &reading->inventory.cards;
    for (uint32_t i = 0; i < cards->count && reading->instances; i++) {
        for (uint32_t m = 0; m < cards->list[i].mig_count; m++) {
            if (strcmp(cards->list[i].mig[m].id, id) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const char *read_instance(const char *at, const char *end, struct plimsoll_mig *mig)
{
    struct plimsoll_quoted_members members = {.keys = instance_keys, .count = COUNT(instance_keys)};
    unsigned which;
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '{');
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        if (which == INSTANCE_ID) {
            at = plimsoll_quoted_string(at, end, mig->id, sizeof mig->id);
        } else if (which == INSTANCE_PROFILE) {
            at = plimsoll_quoted_string(at, end, mig->profile, sizeof mig->profile);
        } else {
            at = plimsoll_quoted_uint(at, end, PLIMSOLL_QUOTED_UINT_MAX, &mig->vram);
        }
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    return members.seen == 7 ? at : NULL;
}

/* The card is counted already, so that its own instances are among those that are known. */
static const char *read_instances(const char *at, struct reading *reading,
                                  struct plimsoll_card *card)
{
    const char *end = reading->end;
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '[');
    if (plimsoll_quoted_is(at, end, ']')) {
        return at + 1;
    }
    while (more && at != NULL) {
        struct plimsoll_mig mig = {.vram = 0};
        at = read_instance(at, end, &mig);
        if (at == NULL || card->mig_count == PLIMSOLL_CARDS_MAX || is_known(reading, mig.id) ||
            plimsoll_model_plain_is_known(&reading->inventory.cards, reading->inventory.cards.count,
                                          mig.id)) {
            return NULL;
        }
        card->mig = plimsoll_realloc(card->mig, card->mig_count + 1, sizeof *card->mig);
        card->mig[card->mig_count++] = mig;
        reading->instances = true;
        at = plimsoll_quoted_next(at, end, ']', &more);
    }
    return at;
}

static const char *read_number(const char *at, const char *end, enum card_key key,
                               struct plimsoll_card *card)
{
    uint64_t value = 0;
    if (key == NUMA && plimsoll_quoted_is(at, end, '-')) {
        at = plimsoll_quoted_uint(at + 1, end, 1, &value);
        card->numa = -1;
        return value == 1 ? at : NULL;
    }
    at = plimsoll_quoted_uint(at, end, key == REPLICAS ? PLIMSOLL_REPLICAS_MAX : INT16_MAX, &value);
    if (key == REPLICAS) {
        card->replicas = (uint32_t)value;
    } else if (key == NUMA) {
        card->numa = (int16_t)value;
    } else {
        card->index = (int16_t)value;
    }
    return at;
}

/*
 * One entry of links, which must be good whether or not its card is known.
 * @param cards  NULL as long as not all ids are known.
 */
static const char *read_link(const char *at, const char *end,
                             const struct plimsoll_model_cards *cards, struct plimsoll_card *card)
{
    struct plimsoll_quoted_members members = {.keys = link_keys, .count = COUNT(link_keys)};
    char to[PLIMSOLL_CARD_ID_SIZE];
    unsigned which, kind = 0;
    uint64_t lanes;
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '{');
    while (more && (at = plimsoll_quoted_member(at, end, &members, &which)) != NULL) {
        if (which == LINK_TO) {
            at = plimsoll_quoted_string(at, end, to, sizeof to);
        } else if (which == LINK_KIND) {
            at = plimsoll_quoted_find(at, end, link_kinds, COUNT(link_kinds), &kind);
        } else {
            at = plimsoll_quoted_uint(at, end, INT16_MAX, &lanes);
        }
        at = plimsoll_quoted_next(at, end, '}', &more);
    }
    if (at == NULL || (members.seen & 3) != 3) {
        return NULL;
    }
    const struct plimsoll_card *other =
        cards != NULL && kind == 0 ? plimsoll_model_cards_find(cards, to) : NULL;
    if (other != NULL && other != card) {
        card->nvlink |= UINT64_C(1) << (other - cards->list);
    }
    return at;
}

static const char *read_links(const char *at, const char *end,
                              const struct plimsoll_model_cards *cards, struct plimsoll_card *card)
{
    bool more = true;
    at = plimsoll_quoted_mark(at, end, '[');
    if (plimsoll_quoted_is(at, end, ']')) {
        return at + 1;
    }
    for (unsigned count = 0; more && at != NULL; count++) {
        if (count == PLIMSOLL_CARDS_MAX) {
            return NULL;
        }
        at = plimsoll_quoted_next(read_link(at, end, cards, card), end, ']', &more);
    }
    return at;
}

static const char *read_vendor(const char *at, const char *end, struct plimsoll_card *card)
{
    static const enum plimsoll_vendor known[] = {PLIMSOLL_VENDOR_NVIDIA, PLIMSOLL_VENDOR_AMD,
                                                 PLIMSOLL_VENDOR_INTEL};
    unsigned which = 0;
    at = plimsoll_quoted_find(at, end, vendors, COUNT(vendors), &which);
    card->vendor = (uint8_t)known[at != NULL ? which : 0];
    return at;
}

static const char *read_member(const char *at, enum card_key key, struct reading *reading,
                               struct plimsoll_card *card)
{
    const char *end = reading->end;
    char pci[64];
    switch (key) {
    case ID:
        return plimsoll_quoted_string(at, end, card->id, sizeof card->id);
    case INDEX:
    case NUMA:
    case REPLICAS:
        return read_number(at, end, key, card);
    case VENDOR:
        return read_vendor(at, end, card);
    case PRODUCT:
        return plimsoll_quoted_string(at, end, card->product, sizeof card->product);
    case VRAM:
        return plimsoll_quoted_uint(at, end, PLIMSOLL_QUOTED_UINT_MAX, &card->total);
    case PCI:
        return plimsoll_quoted_string(at, end, pci, sizeof pci);
    case LINKS:
        card->links_known = true;
        reading->links[card - reading->inventory.cards.list] = at;
        return read_links(at, end, NULL, card);
    case HEALTH:
        return plimsoll_quoted_string(at, end, card->health, sizeof card->health);
    case UNIFIED:
        return plimsoll_quoted_bool(at, end, &card->unified);
    case MIG:
        return read_instances(at, reading, card);
    }
    return NULL;
}

static const char *read_card(const char *at, struct reading *reading)
{
    struct plimsoll_quoted_members members = {.keys = card_keys, .count = COUNT(card_keys)};
    struct plimsoll_model_cards *cards = &reading->inventory.cards;
    struct plimsoll_card *card = plimsoll_model_plain_card(cards);
    unsigned which;
    bool more = true;
    if (card == NULL) {
        return NULL;
    }
    uint32_t before = cards->count++;
    at = plimsoll_quoted_mark(at, reading->end, '{');
    while (more && (at = plimsoll_quoted_member(at, reading->end, &members, &which)) != NULL) {
        at = read_member(at, (enum card_key)which, reading, card);
        at = plimsoll_quoted_next(at, reading->end, '}', &more);
    }
    if (at == NULL || (members.seen & NEEDED) != NEEDED || is_known(reading, card->id) ||
        plimsoll_model_plain_is_known(cards, before, card->id)) {
        return NULL;
    }
    return at;
}

static const char *read_cards(const char *at, struct reading *reading)
{
    struct plimsoll_model_cards *cards = &reading->inventory.cards;
    bool more = true;
    at = plimsoll_quoted_mark(at, reading->end, '[');
    if (plimsoll_quoted_is(at, reading->end, ']')) {
        return at + 1;
    }
    while (more && at != NULL) {
        at = plimsoll_quoted_next(read_card(at, reading), reading->end, ']', &more);
    }
    for (uint32_t i = 0; i < cards->count && at != NULL; i++) {
        if (cards->list[i].links_known &&
            read_links(reading->links[i], reading->end, cards, &cards->list[i]) == NULL) {
            return NULL;
        }
    }
    return at;
}

static const char *read_node_member(const char *at, enum node_key key, struct reading *reading)
{
    static const enum plimsoll_device_list known[] = {
        PLIMSOLL_DEVICE_LIST_ENV, PLIMSOLL_DEVICE_LIST_ENV_NODES, PLIMSOLL_DEVICE_LIST_CDI,
        PLIMSOLL_DEVICE_LIST_MOUNTS};
    const char *end = reading->end;
    char driver[64];
    uint64_t version = 0;
    unsigned which = 0;
    bool yes = false;
    switch (key) {
    case VERSION:
        at = plimsoll_quoted_uint(at, end, 1, &version);
        return version == 1 ? at : NULL;
    case DRIVER:
        return plimsoll_quoted_string(at, end, driver, sizeof driver);
    case ENV:
        at = plimsoll_quoted_bool(at, end, &yes);
        reading->inventory.env = yes ? PLIMSOLL_YES : PLIMSOLL_NO;
        return at;
    case DEVICE_LIST:
        at = plimsoll_quoted_find(at, end, device_lists, COUNT(device_lists), &which);
        reading->inventory.device_list = known[at != NULL ? which : 0];
        return at;
    case CARDS:
        return read_cards(at, reading);
    }
    return NULL;
}

static const char *read_inventory(const char *at, struct reading *reading)
{
    struct plimsoll_quoted_members members = {.keys = node_keys, .count = COUNT(node_keys)};
    const char *begin = at;
    unsigned which;
    bool more = true;
    at = plimsoll_model_plain_begin(at, reading->end);
    while (more && (at = plimsoll_quoted_member(at, reading->end, &members, &which)) != NULL) {
        at = read_node_member(at, (enum node_key)which, reading);
        at = plimsoll_quoted_next(at, reading->end, '}', &more);
    }
    const uint32_t needed = 1 << VERSION | 1 << CARDS;
    return (members.seen & needed) == needed ? plimsoll_model_plain_end(begin, at, reading->end)
                                             : NULL;
}

const char *plimsoll_model_plain_inventory(const char *at, const char *end,
                                           struct plimsoll_model_inventory *inventory)
{
    struct reading reading;
    reading.inventory = (struct plimsoll_model_inventory){0};
    reading.end = end;
    reading.instances = false;
    at = read_inventory(at, &reading);
    if (at == NULL) {
        plimsoll_model_cards_clear(&reading.inventory.cards);
        return NULL;
    }
    plimsoll_model_cards_clear(&inventory->cards);
    *inventory = reading.inventory;
    return at;
}
