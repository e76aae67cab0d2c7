/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_reader.h"

#include <string.h>

/* Version 2 names the driver's own reserve. Whether `used` contains it is said both ways; `free` is
 * what a program can get in either reading, so what is used follows from it. With total − reserved
 * as the total this is `used` as drivers are seen to give it. */
static void take_v2(const struct nvml_memory_v2 *memory, uint64_t *total, uint64_t *used)
{
    uint64_t reserved = memory->reserved < memory->total ? memory->reserved : memory->total;
    *total = memory->total - reserved;
    *used = memory->free <= *total ? *total - memory->free : memory->used;
}

enum nvml_result nvml_memory_read(struct nvml_reader *reader, struct nvml_handle *handle,
                                  uint64_t *total, uint64_t *used)
{
    const struct nvml_library *nvml = &reader->library;
    if (nvml->memory_v2 != NULL && !reader->memory_v1) {
        struct nvml_memory_v2 memory = {.version = NVML_MEMORY_V2};
        enum nvml_result result = nvml->memory_v2(handle, &memory);
        if (result == NVML_SUCCESS) {
            take_v2(&memory, total, used);
        }
        if (result != NVML_FUNCTION_NOT_FOUND && result != NVML_ARGUMENT_VERSION_MISMATCH) {
            return result;
        }
        reader->memory_v1 = true;
    }
    struct nvml_memory memory = {.total = 0};
    enum nvml_result result = nvml->memory(handle, &memory);
    if (result == NVML_SUCCESS) {
        *total = memory.total;
        *used = memory.used;
    }
    return result;
}

/* The card's memory is the machine's: what Linux says is left is what a program can get. */
static void look_at_host(struct nvml_reader *reader, struct nvml_card *card,
                         struct plimsoll_device *device)
{
    uint64_t total = 0, available = 0;
    device->unified = true;
    if (nvml_host_memory(reader->root, &total, &available)) {
        card->total = total;
        device->used = total - available;
    } else {
        nvml_note(reader,
                  "card %d shares the machine's memory, and %s/proc/meminfo does not say "
                  "how much is left",
                  card->index, reader->root);
    }
}

/* A part with a carve-out says only that: far less than the machine has, which a card of its own
 * name would not. */
static bool is_carve_out(const struct nvml_reader *reader, const struct nvml_card *card,
                         uint64_t total)
{
    uint64_t machine = 0, available = 0;
    return card->integrated && nvml_host_memory(reader->root, &machine, &available) &&
           total < machine / 4;
}

/* With MIG on, the whole card answers only the privileged; its instances are most of it. */
static enum nvml_result add_instances(struct nvml_reader *reader, struct nvml_card *card,
                                      uint64_t *total, uint64_t *used)
{
    uint64_t totals = 0, uses = 0;
    for (uint32_t i = 0; i < card->instance_count; i++) {
        uint64_t one_total = 0, one_used = 0;
        enum nvml_result result =
            nvml_saw(reader, card,
                     nvml_memory_read(reader, card->instances[i].handle, &one_total, &one_used));
        if (result != NVML_SUCCESS) {
            return result;
        }
        totals += one_total;
        uses += one_used;
    }
    *total = totals;
    *used = uses;
    return card->instance_count > 0 ? NVML_SUCCESS : NVML_NO_PERMISSION;
}

static void fail(struct nvml_reader *reader, struct nvml_card *card, enum nvml_result result)
{
    if (result == NVML_NO_PERMISSION || result == NVML_NOT_SUPPORTED) {
        nvml_note(reader, "the memory of card %d cannot be read: %s", card->index,
                  nvml_result_text(result));
    } else if (card->failure == NVML_SUCCESS) {
        card->failure = result;
    }
}

void nvml_memory_look(struct nvml_reader *reader, struct nvml_card *card, bool mig,
                      struct plimsoll_device *device)
{
    uint64_t total = 0, used = 0;
    device->used = PLIMSOLL_BYTES_UNKNOWN;
    enum nvml_result result =
        nvml_saw(reader, card, nvml_memory_read(reader, card->handle, &total, &used));
    if (result != NVML_SUCCESS && mig) {
        result = add_instances(reader, card, &total, &used);
    }
    if (result == NVML_SUCCESS && !is_carve_out(reader, card, total)) {
        card->total = total;
        device->used = used;
        if (card->numa_node) {
            nvml_note(reader,
                      "Linux has the memory of card %d as a NUMA node: it may keep pages "
                      "there that nobody needs, and they count as used",
                      card->index);
        }
    } else if (result == NVML_SUCCESS || (result == NVML_NOT_SUPPORTED && !mig)) {
        look_at_host(reader, card, device);
    } else {
        fail(reader, card, result);
    }
    device->total = card->total;
    if (mig && card->instance_count == 0 && card->total > 0) {
        device->used = card->total; /* what is not split off, nobody can have */
        nvml_note(reader, "card %d has MIG on and no instance: no program can use it", card->index);
    }
}
