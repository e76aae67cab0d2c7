/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_reader.h"

#include <plimsoll/own.h>

#include <stdarg.h>
#include <string.h>

enum nvml_result nvml_saw(struct nvml_reader *reader, struct nvml_card *card,
                          enum nvml_result result)
{
    reader->gone |= nvml_is_driver_gone(result);
    switch ((unsigned)result) {
    case NVML_INSUFFICIENT_POWER:
    case NVML_IRQ_ISSUE:
    case NVML_CORRUPTED_INFOROM:
    case NVML_GPU_IS_LOST:
    case NVML_RESET_REQUIRED:
    case NVML_GPU_NOT_FOUND:
        card->failure = result;
        break;
    default:
        break;
    }
    return result;
}

void nvml_note(struct nvml_reader *reader, const char *format, ...)
{
    if (reader->note[0] != '\0') {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->note, sizeof reader->note, format, arguments);
    va_end(arguments);
}

static void write_instances(const struct nvml_card *card, struct plimsoll_device *device)
{
    if (card->instance_count == 0) {
        return;
    }
    device->mig = plimsoll_alloc(card->instance_count, sizeof *device->mig);
    device->mig_count = card->instance_count;
    for (uint32_t i = 0; i < card->instance_count; i++) {
        device->mig[i] = card->instances[i].mig;
    }
}

static void ask_card(struct nvml_reader *reader, struct nvml_card *card,
                     struct plimsoll_device *device)
{
    card->failure = NVML_SUCCESS;
    if (reader->looks % NVML_POLL_LOOKS == 0) {
        nvml_health_ask(reader, card);
        if (card->links_down) {
            nvml_links_ask(reader, card);
        }
    }
    bool mig = nvml_mig_look(reader, card);
    nvml_memory_look(reader, card, mig, device);
    if (card->failure == NVML_SUCCESS) {
        nvml_processes_look(reader, card, device);
    }
    card->was_lost |= card->failure == NVML_GPU_IS_LOST;
}

static void look_at_card(struct nvml_reader *reader, struct nvml_card *card,
                         struct plimsoll_device *device)
{
    *device = (struct plimsoll_device){.vendor = PLIMSOLL_VENDOR_NVIDIA,
                                       .index = card->index,
                                       .numa = card->numa,
                                       .total = card->total,
                                       .used = PLIMSOLL_BYTES_UNKNOWN};
    memcpy(device->id, card->id, sizeof device->id);
    memcpy(device->product, card->product, sizeof device->product);
    memcpy(device->pci, card->pci, sizeof device->pci);
    if (card->nvgpu) {
        memcpy(device->plugin_id, "tegra", sizeof "tegra");
    }
    if (card->handle != NULL) {
        ask_card(reader, card, device);
    } else {
        card->was_lost |= card->failure == NVML_GPU_IS_LOST;
    }
    write_instances(card, device);
    nvml_health_write(card, device->health);
}

static void look(struct nvml_reader *reader, struct plimsoll_measurement *out)
{
    nvml_health_events(reader);
    if (reader->unreachable > 0) {
        nvml_note(reader, "%u of %u NVIDIA cards cannot be asked: %s", reader->unreachable,
                  reader->enumerated, nvml_result_text(reader->unreachable_why));
    }
    out->devices = plimsoll_alloc(reader->card_count, sizeof *out->devices);
    out->device_count = reader->card_count;
    for (uint32_t i = 0; i < reader->card_count && !reader->gone; i++) {
        look_at_card(reader, &reader->cards[i], &out->devices[i]);
    }
    for (uint32_t i = 0; i < reader->card_count; i++) {
        nvml_links_write(reader, &reader->cards[i], &out->devices[i]);
    }
    memcpy(out->driver, reader->driver, sizeof out->driver);
    memcpy(out->note, reader->note, sizeof out->note);
    reader->looks++;
}

/* A driver that is loaded anew starts its cards anew. */
static int leave_driver(struct nvml_reader *reader, struct plimsoll_error *err)
{
    nvml_cards_close(reader);
    for (uint32_t i = 0; i < reader->card_count; i++) {
        reader->cards[i].xid = 0;
        reader->cards[i].was_lost = false;
        reader->cards[i].condition[0] = '\0';
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                              "the NVIDIA driver was unloaded or exchanged; it is opened again");
}

static int measure(void *context, struct plimsoll_measurement *measurement,
                   struct plimsoll_error *err)
{
    struct nvml_reader *reader = context;
    reader->note[0] = '\0';
    if (reader->library.loaded != NULL && nvml_cards_changed(reader)) {
        nvml_cards_close(reader);
    }
    if (reader->library.loaded != NULL && reader->gone) {
        return leave_driver(reader, err);
    }
    if (nvml_cards_open(reader, err) != 0) {
        return -1;
    }
    struct plimsoll_measurement seen = {.device_count = 0};
    look(reader, &seen);
    if (reader->gone) {
        plimsoll_measurement_clear(&seen);
        return leave_driver(reader, err);
    }
    *measurement = seen;
    return 0;
}

static void close_reader(void *context)
{
    struct nvml_reader *reader = context;
    nvml_cards_close(reader);
    for (uint32_t i = 0; i < reader->card_count; i++) {
        free(reader->cards[i].instances);
    }
    free(reader->cards);
    free(reader->processes);
    free(reader->root);
    free(reader->path);
    free(reader);
}

struct plimsoll_reader plimsoll_reader_nvidia(const struct plimsoll_reader_options *options)
{
    const char *root = options->root == NULL ? "" : options->root;
    struct nvml_reader *reader = plimsoll_alloc(1, sizeof *reader);
    reader->root = plimsoll_copy(root, strlen(root));
    if (options->nvml != NULL) {
        reader->path = plimsoll_copy(options->nvml, strlen(options->nvml));
    }
    return (struct plimsoll_reader){
        .name = "nvidia", .context = reader, .measure = measure, .close = close_reader};
}
