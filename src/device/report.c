/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/report.h>

#include <plimsoll/clock.h>
#include <plimsoll/quantity.h>

#include "report_card.h"

/* JSON's whole numbers end where a double's do. */
#define BYTES_MAX ((UINT64_C(1) << 53) - 1)

/* What may be left out of a value that would come too long. */
enum form { WHOLE, SHORT };

static void add_key(struct plimsoll_text *out, const char *key)
{
    plimsoll_text_add_format(out, ",\"%s\":", key);
}

static void add_bytes(struct plimsoll_text *out, const char *key, uint64_t bytes)
{
    add_key(out, key);
    plimsoll_text_add_uint(out, bytes < BYTES_MAX ? bytes : BYTES_MAX);
}

/* Nothing where nothing is known: readers take no empty string. */
static void add_string(struct plimsoll_text *out, const char *key, const char *value)
{
    struct plimsoll_span text = plimsoll_span_of(value);
    if (text.size > 0) {
        add_key(out, key);
        plimsoll_text_add_json(out, text);
    }
}

static const char *vendor_word(enum plimsoll_vendor vendor)
{
    switch (vendor) {
    case PLIMSOLL_VENDOR_AMD:
        return "amd";
    case PLIMSOLL_VENDOR_INTEL:
        return "intel";
    case PLIMSOLL_VENDOR_NVIDIA:
    case PLIMSOLL_VENDOR_NONE:
        break;
    }
    return "nvidia";
}

static const char *device_list_word(enum plimsoll_device_list device_list)
{
    switch (device_list) {
    case PLIMSOLL_DEVICE_LIST_ENV:
        return "env";
    case PLIMSOLL_DEVICE_LIST_ENV_NODES:
        return "env+nodes";
    case PLIMSOLL_DEVICE_LIST_CDI:
        return "cdi";
    case PLIMSOLL_DEVICE_LIST_MOUNTS:
        return "mounts";
    case PLIMSOLL_DEVICE_LIST_UNKNOWN:
        break;
    }
    return "";
}

/* The file lists nothing before the plugin has registered, which is not the same as 0. */
static uint32_t replicas_of(const struct plimsoll_checkpoint *checkpoint,
                            const struct plimsoll_device *device)
{
    for (size_t i = 0; checkpoint != NULL && i < checkpoint->card_count; i++) {
        if (plimsoll_report_is_card(device, checkpoint->cards[i].card)) {
            uint32_t replicas = checkpoint->cards[i].replicas;
            return replicas < PLIMSOLL_REPLICAS_MAX ? replicas : PLIMSOLL_REPLICAS_MAX;
        }
    }
    return 0;
}

static void add_links(const struct plimsoll_device *device, struct plimsoll_text *out)
{
    add_key(out, "links");
    plimsoll_text_add_char(out, '[');
    for (uint32_t i = 0; i < device->link_count && i < PLIMSOLL_CARDS_MAX; i++) {
        const struct plimsoll_device_link *link = &device->links[i];
        plimsoll_text_add_string(out, i > 0 ? ",{\"to\":" : "{\"to\":");
        plimsoll_text_add_json(out, plimsoll_span_of(link->to));
        add_string(out, "kind", link->nvlink ? "nvlink" : "pcie");
        add_bytes(out, "n", link->lanes < INT16_MAX ? link->lanes : INT16_MAX);
        plimsoll_text_add_char(out, '}');
    }
    plimsoll_text_add_char(out, ']');
}

static void add_instances(const struct plimsoll_device *device, struct plimsoll_text *out)
{
    add_key(out, "mig");
    plimsoll_text_add_char(out, '[');
    for (uint32_t i = 0; i < device->mig_count; i++) {
        plimsoll_text_add_string(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        plimsoll_text_add_json(out, plimsoll_span_of(device->mig[i].id));
        add_string(out, "profile", device->mig[i].profile);
        add_bytes(out, "vram", device->mig[i].vram);
        plimsoll_text_add_char(out, '}');
    }
    plimsoll_text_add_char(out, ']');
}

/* The order of the keys is that of formats: the server's fast reader expects it. */
static void add_device(const struct plimsoll_device *device, uint32_t replicas, enum form form,
                       struct plimsoll_text *out)
{
    int32_t index = device->index < 0 ? 0 : device->index;
    plimsoll_text_add_string(out, "{\"id\":");
    plimsoll_text_add_json(out, plimsoll_span_of(device->id));
    add_bytes(out, "index", (uint64_t)(index < INT16_MAX ? index : INT16_MAX));
    add_string(out, "vendor", vendor_word(device->vendor));
    add_string(out, "product", device->product);
    add_bytes(out, "vram", device->total);
    if (replicas > 0) {
        add_bytes(out, "replicas", replicas);
    }
    add_string(out, "pci", device->pci);
    plimsoll_text_add_format(out, ",\"numa\":%d",
                             device->numa >= 0 && device->numa < INT16_MAX ? device->numa : -1);
    if (device->links_known && form == WHOLE) {
        add_links(device, out);
    }
    if (device->unified) {
        plimsoll_text_add_string(out, ",\"unified\":true");
    }
    add_string(out, "health", device->health[0] != '\0' ? device->health : "ok");
    if (device->mig_count > 0) {
        add_instances(device, out);
    }
    plimsoll_text_add_char(out, '}');
}

static void write_inventory(const struct plimsoll_look *look, enum form form,
                            struct plimsoll_text *out)
{
    const struct plimsoll_measurement *measurement = look->measurement;
    plimsoll_text_reset(out);
    plimsoll_text_add_string(out, "{\"v\":1");
    add_string(out, "driver", measurement->driver);
    if (look->env != PLIMSOLL_UNKNOWN) {
        add_key(out, "env");
        plimsoll_text_add_string(out, look->env == PLIMSOLL_YES ? "true" : "false");
    }
    if (look->checkpoint != NULL) {
        add_string(out, "deviceList", device_list_word(look->checkpoint->device_list));
    }
    add_key(out, "cards");
    plimsoll_text_add_char(out, '[');
    for (uint32_t i = 0; i < measurement->device_count && i < PLIMSOLL_CARDS_MAX; i++) {
        if (i > 0) {
            plimsoll_text_add_char(out, ',');
        }
        const struct plimsoll_device *device = &measurement->devices[i];
        add_device(device, replicas_of(look->checkpoint, device), form, out);
    }
    plimsoll_text_add_string(out, "]}");
}

static void add_pods(const struct plimsoll_report_card *card, struct plimsoll_text *out)
{
    add_key(out, "pods");
    plimsoll_text_add_char(out, '{');
    for (uint32_t i = 0; i < card->pod_count; i++) {
        if (i > 0) {
            plimsoll_text_add_char(out, ',');
        }
        plimsoll_text_add_json(out, plimsoll_span_of(card->pods[i].pod.text));
        plimsoll_text_add_char(out, ':');
        plimsoll_text_add_uint(out,
                               card->pods[i].bytes < BYTES_MAX ? card->pods[i].bytes : BYTES_MAX);
    }
    plimsoll_text_add_char(out, '}');
}

static void add_holders(const struct plimsoll_report_card *card, struct plimsoll_text *out)
{
    add_key(out, "holders");
    plimsoll_text_add_char(out, '[');
    for (uint32_t i = 0; i < card->holder_count; i++) {
        if (i > 0) {
            plimsoll_text_add_char(out, ',');
        }
        plimsoll_text_add_json(out, plimsoll_span_of(card->holders[i].text));
    }
    plimsoll_text_add_char(out, ']');
}

static void write_usage(const struct plimsoll_report_cards *cards, int64_t time_unix_ms,
                        enum form form, struct plimsoll_text *out)
{
    char time[PLIMSOLL_TIME_SIZE];
    plimsoll_text_reset(out);
    plimsoll_text_add_string(out, "{\"v\":1");
    add_string(out, "time", plimsoll_time_format(time_unix_ms, time));
    add_key(out, "cards");
    plimsoll_text_add_char(out, '[');
    for (uint32_t i = 0; i < cards->count; i++) {
        const struct plimsoll_report_card *card = &cards->list[i];
        bool attributed = card->attributed && form == WHOLE;
        plimsoll_text_add_string(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        plimsoll_text_add_json(out, plimsoll_span_of(card->id));
        add_bytes(out, "used", card->used);
        add_key(out, "attributed");
        plimsoll_text_add_string(out, attributed ? "true" : "false");
        if (attributed) {
            add_pods(card, out);
        }
        if (card->holders_known && form == WHOLE) {
            add_holders(card, out);
        }
        plimsoll_text_add_char(out, '}');
    }
    plimsoll_text_add_string(out, "]}");
}

/* Places of the cards by index where the indices are 0 … n−1, else (two vendors count on their own)
 * as they stand: so readers of the value take it. */
static void order(const struct plimsoll_measurement *measurement, uint32_t count,
                  uint32_t places[PLIMSOLL_CARDS_MAX])
{
    uint64_t seen = 0;
    bool indexed = true;
    for (uint32_t i = 0; i < count && indexed; i++) {
        int32_t index = measurement->devices[i].index;
        indexed = index >= 0 && (uint32_t)index < count && (seen >> index & 1) == 0;
        if (indexed) {
            seen |= UINT64_C(1) << index;
            places[index] = i;
        }
    }
    for (uint32_t i = 0; i < count && !indexed; i++) {
        places[i] = i;
    }
}

static void write_free(const struct plimsoll_measurement *measurement,
                       const struct plimsoll_report_cards *cards, struct plimsoll_text *out)
{
    uint32_t places[PLIMSOLL_CARDS_MAX] = {0};
    order(measurement, cards->count, places);
    plimsoll_text_reset(out);
    for (uint32_t i = 0; i < cards->count; i++) {
        const struct plimsoll_device *device = &measurement->devices[places[i]];
        uint64_t used = cards->list[places[i]].used;
        bool good = device->health[0] == '\0' || strcmp(device->health, "ok") == 0;
        char text[PLIMSOLL_QUANTITY_SIZE];
        if (i > 0) {
            plimsoll_text_add_char(out, ',');
        }
        uint64_t free_bytes = good && device->total > used ? device->total - used : 0;
        plimsoll_text_add_string(out, plimsoll_quantity_format(free_bytes, text));
    }
}

static bool is_measured(const struct plimsoll_report_cards *cards)
{
    bool known = false;
    for (uint32_t i = 0; i < cards->count; i++) {
        known = known || cards->list[i].used_known;
    }
    return known;
}

struct plimsoll_report_texts plimsoll_report_texts_make(void)
{
    return (struct plimsoll_report_texts){
        .inventory = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX),
        .usage = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX),
        .free_vram = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX),
    };
}

void plimsoll_report_texts_clear(struct plimsoll_report_texts *texts)
{
    plimsoll_text_clear(&texts->inventory);
    plimsoll_text_clear(&texts->usage);
    plimsoll_text_clear(&texts->free_vram);
}

int plimsoll_report_write(const struct plimsoll_look *look, struct plimsoll_report_texts *texts,
                          struct plimsoll_error *err)
{
    plimsoll_autotext inventory = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX);
    write_inventory(look, WHOLE, &inventory);
    if (inventory.overflowed) {
        write_inventory(look, SHORT, &inventory);
    }
    if (inventory.overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the inventory does not fit into %u bytes: too many MIG "
                                  "instances",
                                  PLIMSOLL_REPORT_BYTES_MAX);
    }
    struct plimsoll_report_cards cards;
    plimsoll_report_cards_make(look, &cards);
    plimsoll_text_reset(&texts->inventory);
    plimsoll_text_add_span(&texts->inventory, plimsoll_text_span(&inventory));
    plimsoll_text_reset(&texts->usage);
    plimsoll_text_reset(&texts->free_vram);
    if (is_measured(&cards)) {
        write_usage(&cards, look->time_unix_ms, WHOLE, &texts->usage);
        if (texts->usage.overflowed) {
            write_usage(&cards, look->time_unix_ms, SHORT, &texts->usage);
        }
        write_free(look->measurement, &cards, &texts->free_vram);
    }
    plimsoll_report_cards_clear(&cards);
    return 0;
}
