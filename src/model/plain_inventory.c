/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/limits.h>

enum key { ID, INDEX, VENDOR, PRODUCT, VRAM, REPLICAS, PCI, NUMA, LINKS, HEALTH, UNIFIED, MIG };
enum { NEEDED = 1 << ID | 1 << INDEX | 1 << VENDOR | 1 << VRAM };

/** Cards and, until all ids are known, where the links of each stand. */
struct reading {
    struct plimsoll_model_cards cards;
    struct plimsoll_span links[PLIMSOLL_CARDS_MAX];
};

static bool is_known(const struct plimsoll_model_cards *cards, const char *id)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        if (strcmp(cards->list[i].id, id) == 0) {
            return true;
        }
        for (uint32_t m = 0; m < cards->list[i].mig_count; m++) {
            if (strcmp(cards->list[i].mig[m].id, id) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool read_instance(struct plimsoll_json_cursor *cursor, struct plimsoll_mig *mig)
{
    struct plimsoll_span key;
    uint32_t seen = 0;
    bool plain = plimsoll_json_cursor_object(cursor);
    while (plain && plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "id")) {
            plain = plimsoll_model_plain_once(&seen, 0) &&
                    plimsoll_model_plain_string(cursor, mig->id, sizeof mig->id);
        } else if (plimsoll_span_is(key, "profile")) {
            plain = plimsoll_model_plain_once(&seen, 1) &&
                    plimsoll_model_plain_string(cursor, mig->profile, sizeof mig->profile);
        } else {
            plain = plimsoll_span_is(key, "vram") && plimsoll_model_plain_once(&seen, 2) &&
                    plimsoll_model_plain_bytes(cursor, &mig->vram);
        }
    }
    return plain && !cursor->failed && seen == 7;
}

/* The card is counted already, so that its own instances are among the known ids. */
static bool read_instances(struct plimsoll_json_cursor *cursor,
                           const struct plimsoll_model_cards *cards, struct plimsoll_card *card)
{
    if (!plimsoll_json_cursor_array(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_element(cursor)) {
        struct plimsoll_mig mig = {.vram = 0};
        if (card->mig_count == PLIMSOLL_CARDS_MAX || !read_instance(cursor, &mig) ||
            is_known(cards, mig.id)) {
            return false;
        }
        card->mig = plimsoll_realloc(card->mig, card->mig_count + 1, sizeof *card->mig);
        card->mig[card->mig_count++] = mig;
    }
    return !cursor->failed;
}

static bool read_vendor(struct plimsoll_json_cursor *cursor, struct plimsoll_card *card)
{
    struct plimsoll_span word;
    if (!plimsoll_json_cursor_string(cursor, &word)) {
        return false;
    }
    card->vendor = (uint8_t)(plimsoll_span_is(word, "nvidia")  ? PLIMSOLL_VENDOR_NVIDIA
                             : plimsoll_span_is(word, "amd")   ? PLIMSOLL_VENDOR_AMD
                             : plimsoll_span_is(word, "intel") ? PLIMSOLL_VENDOR_INTEL
                                                               : PLIMSOLL_VENDOR_NONE);
    return card->vendor != PLIMSOLL_VENDOR_NONE;
}

static enum key find_key(struct plimsoll_span key)
{
    static const char *const names[] = {
        [ID] = "id",       [INDEX] = "index",       [VENDOR] = "vendor",   [PRODUCT] = "product",
        [VRAM] = "vram",   [REPLICAS] = "replicas", [PCI] = "pci",         [NUMA] = "numa",
        [LINKS] = "links", [HEALTH] = "health",     [UNIFIED] = "unified", [MIG] = "mig"};
    enum key i = ID;
    while (i <= MIG && !plimsoll_span_is(key, names[i])) {
        i++;
    }
    return i;
}

static bool read_number(struct plimsoll_json_cursor *cursor, enum key key,
                        struct plimsoll_card *card)
{
    int64_t value;
    if (!plimsoll_model_plain_int(cursor, key == NUMA ? -1 : 0,
                                  key == REPLICAS ? PLIMSOLL_REPLICAS_MAX : INT16_MAX, &value)) {
        return false;
    }
    if (key == REPLICAS) {
        card->replicas = (uint32_t)value;
    } else if (key == NUMA) {
        card->numa = (int16_t)value;
    } else {
        card->index = (int16_t)value;
    }
    return true;
}

static bool read_member(struct plimsoll_json_cursor *cursor, enum key key, struct reading *reading,
                        struct plimsoll_card *card)
{
    char pci[64];
    switch (key) {
    case ID:
        return plimsoll_model_plain_string(cursor, card->id, sizeof card->id);
    case INDEX:
    case NUMA:
    case REPLICAS:
        return read_number(cursor, key, card);
    case VENDOR:
        return read_vendor(cursor, card);
    case PRODUCT:
        return plimsoll_model_plain_string(cursor, card->product, sizeof card->product);
    case VRAM:
        return plimsoll_model_plain_bytes(cursor, &card->total);
    case PCI:
        return plimsoll_model_plain_string(cursor, pci, sizeof pci);
    case LINKS:
        card->links_known = true;
        return plimsoll_json_cursor_skip(cursor, &reading->links[reading->cards.count - 1]);
    case HEALTH:
        return plimsoll_model_plain_string(cursor, card->health, sizeof card->health);
    case UNIFIED:
        return plimsoll_json_cursor_bool(cursor, &card->unified);
    case MIG:
        return read_instances(cursor, &reading->cards, card);
    }
    return false;
}

static bool read_card(struct plimsoll_json_cursor *cursor, struct reading *reading)
{
    struct plimsoll_card *card = plimsoll_model_plain_card(&reading->cards);
    struct plimsoll_span key;
    uint32_t seen = 0;
    if (card == NULL || !plimsoll_json_cursor_object(cursor)) {
        return false;
    }
    reading->links[reading->cards.count++] = (struct plimsoll_span){0};
    while (plimsoll_json_cursor_member(cursor, &key)) {
        enum key which = find_key(key);
        if (which > MIG || !plimsoll_model_plain_once(&seen, which) ||
            !read_member(cursor, which, reading, card)) {
            return false;
        }
    }
    if (cursor->failed || (seen & NEEDED) != NEEDED) {
        return false;
    }
    struct plimsoll_model_cards before = {.list = reading->cards.list,
                                          .count = reading->cards.count - 1};
    for (uint32_t i = 0; i < card->mig_count; i++) {
        if (strcmp(card->mig[i].id, card->id) == 0) {
            return false;
        }
    }
    return !is_known(&before, card->id);
}

static bool read_link(struct plimsoll_json_cursor *cursor, const struct plimsoll_model_cards *cards,
                      struct plimsoll_card *card)
{
    struct plimsoll_span key, kind = {0};
    char to[PLIMSOLL_CARD_ID_SIZE];
    uint32_t seen = 0;
    int64_t lanes;
    bool plain = plimsoll_json_cursor_object(cursor);
    while (plain && plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "to")) {
            plain = plimsoll_model_plain_once(&seen, 0) &&
                    plimsoll_model_plain_string(cursor, to, sizeof to);
        } else if (plimsoll_span_is(key, "kind")) {
            plain =
                plimsoll_model_plain_once(&seen, 1) && plimsoll_json_cursor_string(cursor, &kind);
        } else {
            plain = plimsoll_span_is(key, "n") && plimsoll_model_plain_once(&seen, 2) &&
                    plimsoll_model_plain_int(cursor, 0, INT16_MAX, &lanes);
        }
    }
    bool nvlink = plimsoll_span_is(kind, "nvlink");
    if (!plain || cursor->failed || (seen & 3) != 3 ||
        !(nvlink || plimsoll_span_is(kind, "pcie"))) {
        return false;
    }
    const struct plimsoll_card *other = plimsoll_model_cards_find(cards, to);
    if (nvlink && other != NULL && other != card) {
        card->nvlink |= UINT64_C(1) << (other - cards->list);
    }
    return true;
}

static bool read_links(struct plimsoll_span list, const struct plimsoll_model_cards *cards,
                       struct plimsoll_card *card)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(list);
    unsigned count = 0;
    if (!plimsoll_json_cursor_array(&cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_element(&cursor)) {
        if (count++ == PLIMSOLL_CARDS_MAX || !read_link(&cursor, cards, card)) {
            return false;
        }
    }
    return plimsoll_json_cursor_finish(&cursor);
}

static bool read_cards(struct plimsoll_json_cursor *cursor, struct reading *reading)
{
    if (!plimsoll_json_cursor_array(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_element(cursor)) {
        if (!read_card(cursor, reading)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < reading->cards.count && !cursor->failed; i++) {
        struct plimsoll_card *card = &reading->cards.list[i];
        if (card->links_known && !read_links(reading->links[i], &reading->cards, card)) {
            return false;
        }
    }
    return !cursor->failed;
}

static bool read_device_list(struct plimsoll_json_cursor *cursor,
                             enum plimsoll_device_list *device_list)
{
    struct plimsoll_span word;
    if (!plimsoll_json_cursor_string(cursor, &word)) {
        return false;
    }
    *device_list = plimsoll_span_is(word, "env")         ? PLIMSOLL_DEVICE_LIST_ENV
                   : plimsoll_span_is(word, "env+nodes") ? PLIMSOLL_DEVICE_LIST_ENV_NODES
                   : plimsoll_span_is(word, "cdi")       ? PLIMSOLL_DEVICE_LIST_CDI
                   : plimsoll_span_is(word, "mounts")    ? PLIMSOLL_DEVICE_LIST_MOUNTS
                                                         : PLIMSOLL_DEVICE_LIST_UNKNOWN;
    return *device_list != PLIMSOLL_DEVICE_LIST_UNKNOWN;
}

static bool read_inventory(struct plimsoll_json_cursor *cursor, struct reading *reading,
                           enum plimsoll_trilean *env, enum plimsoll_device_list *device_list)
{
    struct plimsoll_span key;
    char driver[256];
    uint32_t seen = 0;
    bool plain = true, yes = false;
    while (plain && plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "v")) {
            plain = plimsoll_model_plain_once(&seen, 0) && plimsoll_model_plain_version(cursor);
        } else if (plimsoll_span_is(key, "cards")) {
            plain = plimsoll_model_plain_once(&seen, 1) && read_cards(cursor, reading);
        } else if (plimsoll_span_is(key, "env")) {
            plain = plimsoll_model_plain_once(&seen, 2) && plimsoll_json_cursor_bool(cursor, &yes);
            *env = yes ? PLIMSOLL_YES : PLIMSOLL_NO;
        } else if (plimsoll_span_is(key, "deviceList")) {
            plain = plimsoll_model_plain_once(&seen, 3) && read_device_list(cursor, device_list);
        } else {
            plain = plimsoll_span_is(key, "driver") && plimsoll_model_plain_once(&seen, 4) &&
                    plimsoll_model_plain_string(cursor, driver, sizeof driver);
        }
    }
    return plain && (seen & 3) == 3 && plimsoll_json_cursor_finish(cursor);
}

bool plimsoll_model_plain_inventory(struct plimsoll_span text, struct plimsoll_model_cards *cards,
                                    enum plimsoll_trilean *env,
                                    enum plimsoll_device_list *device_list)
{
    struct reading reading;
    reading.cards = (struct plimsoll_model_cards){0};
    struct plimsoll_json_cursor cursor;
    enum plimsoll_trilean read_env = PLIMSOLL_UNKNOWN;
    enum plimsoll_device_list read_list = PLIMSOLL_DEVICE_LIST_UNKNOWN;
    if (!plimsoll_model_plain_begin(text, &cursor) ||
        !read_inventory(&cursor, &reading, &read_env, &read_list)) {
        plimsoll_model_cards_clear(&reading.cards);
        return false;
    }
    plimsoll_model_cards_clear(cards);
    *cards = reading.cards;
    *env = read_env;
    *device_list = read_list;
    return true;
}
