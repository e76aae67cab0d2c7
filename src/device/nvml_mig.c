/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_reader.h"

#include <plimsoll/own.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MIB (1024ull * 1024)
#define GIB (1024ull * MIB)

/* Profiles are named by eighths of the card: a tenth of 80 GB is `10gb`. */
void nvml_mig_profile(const struct nvml_attributes *attributes, uint64_t card_total, char *out,
                      size_t size)
{
    /* Far beyond any card, and where the product below still fits. */
    uint64_t mib = attributes->memory_mib < 1u << 30 ? attributes->memory_mib : 1u << 30;
    uint64_t gb = (mib * MIB + GIB - 1) / GIB;
    if (card_total >= MIB) {
        uint64_t eighths = (8 * mib + card_total / MIB - 1) / (card_total / MIB);
        gb = (eighths * ((card_total + GIB - 1) / GIB) + 4) / 8;
    }
    int used = 0;
    if (attributes->compute_slices < attributes->gpu_slices) {
        used = snprintf(out, size, "%uc.", attributes->compute_slices);
    }
    snprintf(out + used, size - (size_t)used, "%ug.%llugb", attributes->gpu_slices,
             (unsigned long long)gb);
}

/* `NVIDIA A100-SXM4-80GB MIG 1g.10gb+me`: the only place that tells the extras. */
static bool profile_of_name(const char *name, char *out, size_t size)
{
    const char *at = strstr(name, " MIG ");
    if (at == NULL || !isdigit((unsigned char)at[5]) || strstr(at, "g.") == NULL ||
        strstr(at, "gb") == NULL) {
        return false;
    }
    at += 5;
    size_t length = strspn(at, "0123456789abcdefghijklmnopqrstuvwxyz.+-");
    if (at[length] != '\0' || length >= size) {
        return false;
    }
    memcpy(out, at, length + 1);
    return true;
}

static void name_profile(struct nvml_reader *reader, const struct nvml_card *card,
                         struct nvml_instance *instance)
{
    const struct nvml_library *nvml = &reader->library;
    char name[NVML_TEXT_SIZE] = "";
    char *profile = instance->mig.profile;
    if (nvml->name != NULL && nvml->name(instance->handle, name, sizeof name) == NVML_SUCCESS &&
        profile_of_name(name, profile, sizeof instance->mig.profile)) {
        return;
    }
    struct nvml_attributes attributes = {.memory_mib = 0};
    struct nvml_memory whole = {.total = 0};
    if (nvml->attributes == NULL ||
        nvml->attributes(instance->handle, &attributes) != NVML_SUCCESS) {
        snprintf(profile, sizeof instance->mig.profile, "unknown");
        return;
    }
    if (nvml->memory(card->handle, &whole) != NVML_SUCCESS) {
        whole.total = card->total;
    }
    nvml_mig_profile(&attributes, whole.total, profile, sizeof instance->mig.profile);
}

static const struct nvml_instance *find(const struct nvml_card *card, const char *id)
{
    for (uint32_t i = 0; i < card->instance_count; i++) {
        if (strcmp(card->instances[i].mig.id, id) == 0) {
            return &card->instances[i];
        }
    }
    return NULL;
}

/* What is there under index `i`. @return false: a hole, or it may not be asked. */
static bool look_at_index(struct nvml_reader *reader, struct nvml_card *card, uint32_t i,
                          struct nvml_instance *out)
{
    const struct nvml_library *nvml = &reader->library;
    char id[NVML_TEXT_SIZE] = "";
    struct nvml_instance instance = {.handle = NULL};
    enum nvml_result result =
        nvml_saw(reader, card, nvml->mig_by_index(card->handle, i, &instance.handle));
    if (result == NVML_SUCCESS) {
        result = nvml_saw(reader, card, nvml->uuid(instance.handle, id, sizeof id));
    }
    if (result == NVML_NO_PERMISSION) {
        nvml_note(reader,
                  "MIG instances of card %d may not be asked: the agent needs "
                  "NVIDIA_MIG_MONITOR_DEVICES=all and CAP_SYS_ADMIN for that",
                  card->index);
    }
    size_t length = strnlen(id, sizeof id);
    if (result != NVML_SUCCESS || length == 0 || length >= sizeof instance.mig.id) {
        return false;
    }
    const struct nvml_instance *known = find(card, id);
    if (known != NULL) {
        instance.mig = known->mig;
    } else {
        memcpy(instance.mig.id, id, length);
        name_profile(reader, card, &instance);
    }
    uint64_t used = 0;
    if (instance.mig.vram == 0) {
        (void)nvml_saw(reader, card,
                       nvml_memory_read(reader, instance.handle, &instance.mig.vram, &used));
    }
    *out = instance;
    return true;
}

/* Whether MIG is on, and how many indices there are then. */
static enum nvml_result ask_mode(struct nvml_reader *reader, struct nvml_card *card, uint32_t *max)
{
    const struct nvml_library *nvml = &reader->library;
    uint32_t now = 0, pending = 0;
    if (nvml->mig_mode == NULL || nvml->mig_count_max == NULL || nvml->mig_by_index == NULL) {
        return NVML_FUNCTION_NOT_FOUND;
    }
    enum nvml_result result = nvml_saw(reader, card, nvml->mig_mode(card->handle, &now, &pending));
    if (result == NVML_SUCCESS && now == 1) {
        result = nvml_saw(reader, card, nvml->mig_count_max(card->handle, max));
    }
    return result;
}

bool nvml_mig_look(struct nvml_reader *reader, struct nvml_card *card)
{
    uint32_t max = 0;
    enum nvml_result result = card->mig_never ? NVML_NOT_SUPPORTED : ask_mode(reader, card, &max);
    card->mig_never = result == NVML_NOT_SUPPORTED || result == NVML_FUNCTION_NOT_FOUND;
    if (result != NVML_SUCCESS && !card->mig_never) {
        return card->instance_count > 0; /* no answer now: as before */
    }
    max = max < PLIMSOLL_NVML_INSTANCES_MAX ? max : PLIMSOLL_NVML_INSTANCES_MAX;
    struct nvml_instance *instances = max > 0 ? plimsoll_alloc(max, sizeof *instances) : NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < max; i++) {
        count += look_at_index(reader, card, i, &instances[count]);
    }
    free(card->instances);
    card->instances = instances;
    card->instance_count = count;
    return max > 0;
}
