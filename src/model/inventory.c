/* SPDX-License-Identifier: Apache-2.0 */
#include "node_parts.h"

#include <plimsoll/limits.h>

static const enum plimsoll_vendor vendors[] = {PLIMSOLL_VENDOR_NVIDIA, PLIMSOLL_VENDOR_AMD,
                                               PLIMSOLL_VENDOR_INTEL};
static const char *const vendor_words[] = {"nvidia", "amd", "intel", NULL};

static const enum plimsoll_device_list device_lists[] = {
    PLIMSOLL_DEVICE_LIST_ENV, PLIMSOLL_DEVICE_LIST_ENV_NODES, PLIMSOLL_DEVICE_LIST_CDI,
    PLIMSOLL_DEVICE_LIST_MOUNTS};
static const char *const device_list_words[] = {"env", "env+nodes", "cdi", "mounts", NULL};

static const char *const link_words[] = {"nvlink", "pcie", NULL};

/* The card or instance `id` is there already, among cards that are read or instances of this one.
 */
static bool is_known(const struct plimsoll_model_cards *cards, const char *id)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        const struct plimsoll_card *card = &cards->list[i];
        if (strcmp(card->id, id) == 0) {
            return true;
        }
        for (uint32_t m = 0; m < card->mig_count; m++) {
            if (strcmp(card->mig[m].id, id) == 0) {
                return true;
            }
        }
    }
    return false;
}

static int refuse_twice(struct plimsoll_json where, const char *id, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "at byte %zu: id %s is listed twice",
                              plimsoll_json_offset(where), id);
}

static int refuse_count(struct plimsoll_json where, const char *key, size_t count,
                        struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "at byte %zu: %s: %zu entries; at most %d are allowed",
                              plimsoll_json_offset(where), key, count, PLIMSOLL_CARDS_MAX);
}

static int read_instance(struct plimsoll_json element, const struct plimsoll_model_cards *cards,
                         struct plimsoll_card *card, struct plimsoll_error *err)
{
    struct plimsoll_mig mig = {.vram = 0};
    if (plimsoll_model_is_object(element, "mig[]", err) != 0 ||
        plimsoll_model_string(element, "id", true, mig.id, sizeof mig.id, err) != 0 ||
        plimsoll_model_string(element, "profile", true, mig.profile, sizeof mig.profile, err) !=
            0 ||
        plimsoll_model_bytes(element, "vram", true, &mig.vram, err) != 0) {
        return -1;
    }
    if (is_known(cards, mig.id)) {
        return refuse_twice(element, mig.id, err);
    }
    card->mig[card->mig_count++] = mig;
    return 0;
}

static int read_instances(struct plimsoll_json object, const struct plimsoll_model_cards *cards,
                          struct plimsoll_card *card, struct plimsoll_error *err)
{
    struct plimsoll_json list;
    if (plimsoll_model_container(object, "mig", false, PLIMSOLL_JSON_ARRAY, &list, err) != 0) {
        return -1;
    }
    size_t count = plimsoll_json_count(list);
    if (count > PLIMSOLL_CARDS_MAX) {
        return refuse_count(list, "mig", count, err);
    }
    if (count > 0) {
        card->mig = plimsoll_alloc(count, sizeof *card->mig);
    }
    struct plimsoll_json element = plimsoll_json_first(list);
    for (; plimsoll_json_type(element) != PLIMSOLL_JSON_MISSING;
         element = plimsoll_json_next(element)) {
        if (read_instance(element, cards, card, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_numbers(struct plimsoll_json object, struct plimsoll_card *card,
                        struct plimsoll_error *err)
{
    int64_t index = 0, numa = -1, replicas = 0;
    if (plimsoll_model_int(object, "index", true, 0, INT16_MAX, &index, err) != 0 ||
        plimsoll_model_int(object, "numa", false, -1, INT16_MAX, &numa, err) != 0 ||
        plimsoll_model_int(object, "replicas", false, 0, PLIMSOLL_REPLICAS_MAX, &replicas, err) !=
            0 ||
        plimsoll_model_bytes(object, "vram", true, &card->total, err) != 0) {
        return -1;
    }
    card->index = (int16_t)index;
    card->numa = (int16_t)numa;
    card->replicas = (uint32_t)replicas;
    return 0;
}

/* A string that people read: longer ones are cut, others than strings are refused. */
static int read_label(struct plimsoll_json object, const char *key, char *out, size_t size,
                      struct plimsoll_error *err)
{
    char whole[512];
    whole[0] = '\0';
    if (plimsoll_model_string(object, key, false, whole, sizeof whole, err) != 0) {
        return -1;
    }
    if (whole[0] != '\0') {
        plimsoll_model_copy_cut(plimsoll_span_of(whole), out, size);
    }
    return 0;
}

/* Reads one card into the next free place; links come when all ids are known. */
static int read_card(struct plimsoll_json object, struct plimsoll_model_cards *cards,
                     struct plimsoll_error *err)
{
    struct plimsoll_card *card = &cards->list[cards->count];
    plimsoll_model_card_init(card);
    char id[PLIMSOLL_CARD_ID_SIZE], pci[64];
    int vendor = 0;
    if (plimsoll_model_is_object(object, "cards[]", err) != 0 ||
        plimsoll_model_string(object, "id", true, id, sizeof id, err) != 0) {
        return -1;
    }
    if (is_known(cards, id)) {
        return refuse_twice(object, id, err);
    }
    memcpy(card->id, id, sizeof id);
    cards->count++; /* from here on it is cleared with the others */
    if (plimsoll_model_word(object, "vendor", true, vendor_words, &vendor, err) != 0 ||
        read_numbers(object, card, err) != 0 ||
        read_label(object, "product", card->product, sizeof card->product, err) != 0 ||
        read_label(object, "health", card->health, sizeof card->health, err) != 0 ||
        plimsoll_model_string(object, "pci", false, pci, sizeof pci, err) != 0 ||
        plimsoll_model_bool(object, "unified", &card->unified, err) != 0) {
        return -1;
    }
    card->vendor = (uint8_t)vendors[vendor];
    return read_instances(object, cards, card, err);
}

static int read_link(struct plimsoll_json object, const struct plimsoll_model_cards *cards,
                     struct plimsoll_card *card, struct plimsoll_error *err)
{
    char to[PLIMSOLL_CARD_ID_SIZE];
    int kind = 0;
    int64_t lanes = 0;
    if (plimsoll_model_is_object(object, "links[]", err) != 0 ||
        plimsoll_model_string(object, "to", true, to, sizeof to, err) != 0 ||
        plimsoll_model_word(object, "kind", true, link_words, &kind, err) != 0 ||
        plimsoll_model_int(object, "n", false, 0, INT16_MAX, &lanes, err) != 0) {
        return -1;
    }
    /* A link may lead to a card that has just gone; that says nothing about this one. */
    const struct plimsoll_card *other = plimsoll_model_cards_find(cards, to);
    if (other != NULL && other != card && kind == 0) {
        card->nvlink |= UINT64_C(1) << (other - cards->list);
    }
    return 0;
}

static int read_links(struct plimsoll_json object, const struct plimsoll_model_cards *cards,
                      struct plimsoll_card *card, struct plimsoll_error *err)
{
    struct plimsoll_json list;
    if (plimsoll_model_container(object, "links", false, PLIMSOLL_JSON_ARRAY, &list, err) != 0) {
        return -1;
    }
    size_t count = plimsoll_json_count(list);
    if (count > PLIMSOLL_CARDS_MAX) {
        return refuse_count(list, "links", count, err);
    }
    card->links_known = plimsoll_json_type(list) != PLIMSOLL_JSON_MISSING;
    struct plimsoll_json element = plimsoll_json_first(list);
    for (; plimsoll_json_type(element) != PLIMSOLL_JSON_MISSING;
         element = plimsoll_json_next(element)) {
        if (read_link(element, cards, card, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_cards(struct plimsoll_json root, struct plimsoll_model_cards *cards,
                      struct plimsoll_error *err)
{
    struct plimsoll_json list;
    if (plimsoll_model_container(root, "cards", true, PLIMSOLL_JSON_ARRAY, &list, err) != 0) {
        return -1;
    }
    size_t count = plimsoll_json_count(list);
    if (count > PLIMSOLL_CARDS_MAX) {
        return refuse_count(list, "cards", count, err);
    }
    plimsoll_model_cards_make(cards, (uint32_t)count);
    cards->count = 0;
    struct plimsoll_json element = plimsoll_json_first(list);
    for (; plimsoll_json_type(element) != PLIMSOLL_JSON_MISSING;
         element = plimsoll_json_next(element)) {
        if (read_card(element, cards, err) != 0) {
            return -1;
        }
    }
    uint32_t i = 0;
    element = plimsoll_json_first(list);
    for (; plimsoll_json_type(element) != PLIMSOLL_JSON_MISSING;
         element = plimsoll_json_next(element)) {
        if (read_links(element, cards, &cards->list[i++], err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_node(struct plimsoll_json root, struct plimsoll_model_inventory *inventory,
                     struct plimsoll_error *err)
{
    int word = -1;
    bool yes = false;
    char driver[256];
    if (plimsoll_model_word(root, "deviceList", false, device_list_words, &word, err) != 0 ||
        plimsoll_model_bool(root, "env", &yes, err) != 0 ||
        plimsoll_model_string(root, "driver", false, driver, sizeof driver, err) != 0) {
        return -1;
    }
    inventory->device_list = word < 0 ? PLIMSOLL_DEVICE_LIST_UNKNOWN : device_lists[word];
    inventory->env = yes ? PLIMSOLL_YES : PLIMSOLL_NO;
    if (plimsoll_json_type(plimsoll_json_get(root, "env")) == PLIMSOLL_JSON_MISSING) {
        inventory->env = PLIMSOLL_UNKNOWN;
    }
    return read_cards(root, &inventory->cards, err);
}

int plimsoll_model_inventory_read(struct plimsoll_span text,
                                  struct plimsoll_model_inventory *inventory,
                                  struct plimsoll_error *err)
{
    plimsoll_autojson *document = NULL;
    if (plimsoll_model_document(text, &document, err) != 0) {
        return -1;
    }
    struct plimsoll_model_inventory read = {0};
    if (read_node(plimsoll_json_root(document), &read, err) != 0) {
        plimsoll_model_cards_clear(&read.cards);
        return -1;
    }
    plimsoll_model_cards_clear(&inventory->cards);
    *inventory = read;
    return 0;
}
