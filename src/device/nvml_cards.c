/* SPDX-License-Identifier: Apache-2.0 */
/** Which cards there are, found at each opening of the driver and known by their UUID: the order of
 * indices is another after a reboot. */
#include "nvml_reader.h"

#include <plimsoll/own.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool names_part(const char *name, const char *part)
{
    const char *at = strstr(name, part);
    return at != NULL && !isalnum((unsigned char)at[strlen(part)]);
}

/* Parts that share the machine's memory, by the names that drivers give them. */
static bool is_integrated(const char *name)
{
    static const char *const parts[] = {"(nvgpu)", "Orin", "Thor", "GB10", "N1X"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (names_part(name, parts[i])) {
            return true;
        }
    }
    return false;
}

static void ask_pci(struct nvml_reader *reader, struct nvml_card *card)
{
    struct nvml_pci pci = {.domain = 0};
    card->pci[0] = card->slot[0] = '\0';
    card->address = NVML_ADDRESS_UNKNOWN;
    card->numa = -1;
    if (reader->library.pci == NULL ||
        nvml_saw(reader, card, reader->library.pci(card->handle, &pci)) != NVML_SUCCESS) {
        return;
    }
    snprintf(card->pci, sizeof card->pci, "%.*s", (int)sizeof card->pci - 1, pci.id);
    snprintf(card->slot, sizeof card->slot, "%04x:%02x:%02x.0", pci.domain, pci.bus & 0xff,
             pci.device & 0xff);
    card->address = nvml_links_address(&pci);
    card->numa = nvml_host_numa(reader->root, card->slot);
}

static bool ask_addressing(struct nvml_reader *reader, struct nvml_card *card)
{
    struct nvml_addressing addressing = {.version = NVML_ADDRESSING_V1};
    return reader->library.addressing != NULL &&
           nvml_saw(reader, card, reader->library.addressing(card->handle, &addressing)) ==
               NVML_SUCCESS &&
           addressing.mode == NVML_ADDRESSING_ATS;
}

/* What stays as it is while the driver is open. */
static void ask_static(struct nvml_reader *reader, struct nvml_card *card)
{
    char name[NVML_TEXT_SIZE] = "";
    if (reader->library.name != NULL &&
        nvml_saw(reader, card, reader->library.name(card->handle, name, sizeof name)) ==
            NVML_SUCCESS) {
        snprintf(card->product, sizeof card->product, "%.*s", (int)sizeof card->product - 1, name);
    }
    card->integrated = is_integrated(card->product);
    card->nvgpu = names_part(card->product, "(nvgpu)");
    card->mig_never = false;
    card->numa_node = ask_addressing(reader, card);
    ask_pci(reader, card);
    nvml_links_ask(reader, card);
}

static struct nvml_card *find_or_add(struct nvml_reader *reader, const char *id)
{
    for (uint32_t i = 0; i < reader->card_count; i++) {
        if (strcmp(reader->cards[i].id, id) == 0) {
            return &reader->cards[i];
        }
    }
    if (reader->card_count == PLIMSOLL_CARDS_MAX) {
        return NULL;
    }
    reader->cards = plimsoll_realloc(reader->cards, reader->card_count + 1, sizeof *reader->cards);
    struct nvml_card *card = &reader->cards[reader->card_count++];
    *card = (struct nvml_card){.index = -1};
    snprintf(card->id, sizeof card->id, "%s", id);
    return card;
}

/* The card that had this index, if it has not been found at another. */
static struct nvml_card *missing_at(struct nvml_reader *reader, uint32_t index)
{
    for (uint32_t i = 0; i < reader->card_count; i++) {
        if (reader->cards[i].handle == NULL && reader->cards[i].index == (int32_t)index) {
            return &reader->cards[i];
        }
    }
    return NULL;
}

static void find_card(struct nvml_reader *reader, uint32_t index, enum nvml_result *why)
{
    const struct nvml_library *nvml = &reader->library;
    struct nvml_handle *handle = NULL;
    char id[NVML_TEXT_SIZE] = "";
    *why = nvml->by_index(index, &handle);
    if (*why == NVML_SUCCESS) {
        *why = nvml->uuid(handle, id, sizeof id);
    }
    reader->gone |= nvml_is_driver_gone(*why);
    size_t length = strnlen(id, sizeof id);
    if (*why == NVML_SUCCESS && (length == 0 || length >= PLIMSOLL_CARD_ID_SIZE)) {
        *why = NVML_UNKNOWN;
    }
    struct nvml_card *card = *why == NVML_SUCCESS ? find_or_add(reader, id) : NULL;
    if (card == NULL) {
        return;
    }
    card->handle = handle;
    card->index = (int32_t)index;
    card->failure = NVML_SUCCESS;
    ask_static(reader, card);
    if (card->was_lost && card->failure == NVML_SUCCESS) {
        /* It has come back by a reset; what was wrong before it was lost is over. */
        card->was_lost = false;
        card->xid = 0;
    }
}

/* Cards without a handle: an index that does not answer was theirs, or they are lost, or, where the
 * bus does not list them either, taken out. */
static void settle_missing(struct nvml_reader *reader, const enum nvml_result *why)
{
    reader->unreachable = 0;
    for (uint32_t i = 0; i < reader->enumerated; i++) {
        struct nvml_card *card = why[i] == NVML_SUCCESS ? NULL : missing_at(reader, i);
        if (card != NULL) {
            card->failure = why[i];
        } else if (why[i] != NVML_SUCCESS) {
            reader->unreachable++;
            reader->unreachable_why = why[i];
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < reader->card_count; i++) {
        struct nvml_card *card = &reader->cards[i];
        if (card->handle == NULL && card->failure == NVML_SUCCESS) {
            if (!nvml_host_has_device(reader->root, card->slot)) {
                free(card->instances);
                continue;
            }
            card->failure = NVML_GPU_IS_LOST;
        }
        reader->cards[kept++] = *card;
    }
    reader->card_count = kept;
}

static int compare_index(const void *left, const void *right)
{
    const struct nvml_card *a = left, *b = right;
    return (a->index > b->index) - (a->index < b->index);
}

static enum nvml_result find_cards(struct nvml_reader *reader)
{
    enum nvml_result why[PLIMSOLL_CARDS_MAX] = {NVML_SUCCESS};
    uint32_t count = 0;
    enum nvml_result result = reader->library.count(&count);
    if (result != NVML_SUCCESS) {
        return result;
    }
    reader->enumerated = count < PLIMSOLL_CARDS_MAX ? count : PLIMSOLL_CARDS_MAX;
    for (uint32_t i = 0; i < reader->card_count; i++) {
        reader->cards[i].handle = NULL;
        reader->cards[i].failure = NVML_SUCCESS;
    }
    for (uint32_t i = 0; i < reader->enumerated && !reader->gone; i++) {
        find_card(reader, i, &why[i]);
    }
    if (reader->gone) {
        return NVML_DRIVER_NOT_LOADED;
    }
    settle_missing(reader, why);
    if (reader->card_count > 0) {
        qsort(reader->cards, reader->card_count, sizeof *reader->cards, compare_index);
    }
    return NVML_SUCCESS;
}

static int say_none(const struct nvml_reader *reader, struct plimsoll_error *err)
{
    if (reader->unreachable == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "the NVIDIA driver has no card");
    }
    return plimsoll_error_set(err,
                              reader->unreachable_why == NVML_NO_PERMISSION
                                  ? PLIMSOLL_ERR_DENIED
                                  : PLIMSOLL_ERR_UNAVAILABLE,
                              "none of %u NVIDIA cards can be asked: %s", reader->enumerated,
                              nvml_result_text(reader->unreachable_why));
}

int nvml_cards_open(struct nvml_reader *reader, struct plimsoll_error *err)
{
    if (reader->library.loaded != NULL) {
        return 0;
    }
    if (nvml_library_open(&reader->library, reader->path, reader->root, err) != 0) {
        return -1;
    }
    reader->looks = 0;
    reader->memory_v1 = false;
    reader->wsl = nvml_host_is_wsl(reader->root);
    reader->pids_known = nvml_host_has_pids(reader->root);
    reader->gone = false;
    reader->bound = nvml_host_bound(reader->root);
    char version[NVML_TEXT_SIZE] = "";
    if (reader->library.driver_version == NULL ||
        reader->library.driver_version(version, 80) != NVML_SUCCESS) {
        version[0] = '\0';
    }
    snprintf(reader->driver, sizeof reader->driver, "%.79s", version);
    enum nvml_result result = find_cards(reader);
    if (result != NVML_SUCCESS) {
        nvml_cards_close(reader);
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "NVML does not count cards: %s",
                                  nvml_result_text(result));
    }
    if (reader->card_count == 0) {
        nvml_cards_close(reader);
        return say_none(reader, err);
    }
    nvml_health_open(reader);
    return 0;
}

void nvml_cards_close(struct nvml_reader *reader)
{
    if (reader->library.loaded == NULL) {
        return;
    }
    nvml_health_close(reader);
    nvml_library_close(&reader->library);
    for (uint32_t i = 0; i < reader->card_count; i++) {
        struct nvml_card *card = &reader->cards[i];
        card->handle = NULL;
        for (uint32_t k = 0; k < card->instance_count; k++) {
            card->instances[k].handle = NULL;
        }
    }
}

static bool is_any_lost(const struct nvml_reader *reader)
{
    for (uint32_t i = 0; i < reader->card_count; i++) {
        if (reader->cards[i].was_lost || reader->cards[i].handle == NULL) {
            return true;
        }
    }
    return reader->unreachable > 0;
}

bool nvml_cards_changed(struct nvml_reader *reader)
{
    uint32_t count = 0;
    enum nvml_result result = reader->library.count(&count);
    if (result != NVML_SUCCESS) {
        reader->gone |= nvml_is_driver_gone(result);
        return false;
    }
    count = count < PLIMSOLL_CARDS_MAX ? count : PLIMSOLL_CARDS_MAX;
    if (count != reader->enumerated) {
        return true;
    }
    /* The library counts at its start alone; the bus shows what came since. */
    if (reader->looks % NVML_POLL_LOOKS == 0 && nvml_host_bound(reader->root) != reader->bound) {
        return true;
    }
    return reader->looks % NVML_REOPEN_LOOKS == 0 && is_any_lost(reader);
}
