/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_reader.h"

#include <stdio.h>
#include <string.h>

/* Xids that an application causes by itself; the card is as good as before. */
static bool is_applications(uint64_t xid)
{
    static const uint64_t applications[] = {13, 31, 43, 45, 68, 109};
    for (size_t i = 0; i < sizeof applications / sizeof *applications; i++) {
        if (applications[i] == xid) {
            return true;
        }
    }
    return false;
}

static bool has_events(const struct nvml_library *nvml)
{
    return nvml->event_set_create != NULL && nvml->event_set_free != NULL &&
           nvml->event_types != NULL && nvml->event_register != NULL && nvml->event_wait != NULL;
}

void nvml_health_open(struct nvml_reader *reader)
{
    const struct nvml_library *nvml = &reader->library;
    struct nvml_event_set *events = NULL;
    if (!has_events(nvml) || nvml->event_set_create(&events) != NVML_SUCCESS) {
        return;
    }
    for (uint32_t i = 0; i < reader->card_count; i++) {
        struct nvml_card *card = &reader->cards[i];
        uint64_t types = 0;
        if (card->handle != NULL &&
            nvml_saw(reader, card, nvml->event_types(card->handle, &types)) == NVML_SUCCESS &&
            (types & NVML_EVENT_XID) != 0) {
            /* A card that refuses is asked all the same; only its Xids stay unknown. */
            (void)nvml_saw(reader, card,
                           nvml->event_register(card->handle, NVML_EVENT_XID, events));
        }
    }
    reader->events = events;
}

void nvml_health_close(struct nvml_reader *reader)
{
    if (reader->events != NULL) {
        (void)reader->library.event_set_free(reader->events);
        reader->events = NULL;
    }
}

static void mark(struct nvml_card *card, uint64_t xid)
{
    /* The first is nearest to the cause; the others mostly follow from it. */
    card->xid = card->xid == 0 ? xid : card->xid;
    card->xid_fresh = true;
}

/* Events name the card, never an instance, by a handle that need not be ours. Where it cannot be
 * told whose it is, it may be anybody's. */
static void take_event(struct nvml_reader *reader, const struct nvml_event *event)
{
    char id[NVML_TEXT_SIZE] = "";
    if ((event->type & NVML_EVENT_XID) == 0 || is_applications(event->data)) {
        return;
    }
    for (uint32_t i = 0; i < reader->card_count && event->device != NULL; i++) {
        if (reader->cards[i].handle == event->device) {
            mark(&reader->cards[i], event->data);
            return;
        }
    }
    bool named =
        event->device != NULL && reader->library.uuid(event->device, id, sizeof id) == NVML_SUCCESS;
    for (uint32_t i = 0; i < reader->card_count; i++) {
        if (!named || strcmp(reader->cards[i].id, id) == 0) {
            mark(&reader->cards[i], event->data);
        }
    }
}

void nvml_health_events(struct nvml_reader *reader)
{
    for (uint32_t i = 0; i < PLIMSOLL_NVML_EVENTS_MAX && reader->events != NULL; i++) {
        struct nvml_event event = {.device = NULL};
        enum nvml_result result = reader->library.event_wait(reader->events, &event, 0);
        if (result == NVML_SUCCESS) {
            take_event(reader, &event);
        } else if (result == NVML_TIMEOUT) {
            return; /* quiet, the usual case */
        } else {
            /* A set that fails once is not trusted again; cards themselves say how they are. */
            reader->gone |= nvml_is_driver_gone(result);
            nvml_health_close(reader);
            if (!reader->gone) {
                nvml_health_open(reader);
            }
            return;
        }
    }
}

/* What to do about the card, by the driver. @return false when it does not say. */
static bool ask_action(struct nvml_reader *reader, struct nvml_card *card, uint32_t *action)
{
    const struct nvml_library *nvml = &reader->library;
    struct nvml_field field = {.id = NVML_FIELD_RECOVERY_ACTION};
    if (nvml->field_values == NULL ||
        nvml_saw(reader, card, nvml->field_values(card->handle, 1, &field)) != NVML_SUCCESS ||
        field.result != NVML_SUCCESS) {
        return false;
    }
    *action = field.value.u32;
    return true;
}

static const char *action_text(uint32_t action)
{
    static const char *const texts[] = {NULL,          "reset required",  "reboot required",
                                        "drain peers", "drain and reset", "recover imex"};
    return action < sizeof texts / sizeof *texts ? texts[action] : "recovery required";
}

/* Faults of the memory that wait for a reset, by the calls that every driver has. */
static const char *ask_memory(struct nvml_reader *reader, struct nvml_card *card)
{
    const struct nvml_library *nvml = &reader->library;
    uint32_t correctable = 0, uncorrectable = 0, pending = 0, failed = 0, retired = 0;
    if (nvml->remapped_rows != NULL &&
        nvml_saw(reader, card,
                 nvml->remapped_rows(card->handle, &correctable, &uncorrectable, &pending,
                                     &failed)) == NVML_SUCCESS &&
        (pending != 0 || failed != 0)) {
        return failed != 0 ? "row-remap failed" : "row-remap";
    }
    if (nvml->retired_pending != NULL &&
        nvml_saw(reader, card, nvml->retired_pending(card->handle, &retired)) == NVML_SUCCESS &&
        retired != 0) {
        return "retired pages";
    }
    return NULL;
}

static bool has_ecc_errors(struct nvml_reader *reader, struct nvml_card *card)
{
    const struct nvml_library *nvml = &reader->library;
    uint64_t errors = 0;
    return nvml->ecc_errors != NULL &&
           nvml_saw(reader, card,
                    nvml->ecc_errors(card->handle, NVML_ECC_UNCORRECTED, NVML_ECC_VOLATILE,
                                     &errors)) == NVML_SUCCESS &&
           errors != 0;
}

/* By whoever runs the machine: no program of anybody's may compute there. */
static bool is_prohibited(struct nvml_reader *reader, struct nvml_card *card)
{
    const struct nvml_library *nvml = &reader->library;
    uint32_t mode = 0;
    return nvml->compute_mode != NULL &&
           nvml_saw(reader, card, nvml->compute_mode(card->handle, &mode)) == NVML_SUCCESS &&
           mode == NVML_COMPUTE_PROHIBITED;
}

static bool answers_anew(struct nvml_reader *reader, struct nvml_card *card)
{
    struct nvml_handle *fresh = card->handle;
    if (reader->library.by_uuid != NULL &&
        nvml_saw(reader, card, reader->library.by_uuid(card->id, &fresh)) != NVML_SUCCESS) {
        return false;
    }
    card->handle = fresh;
    return card->failure == NVML_SUCCESS;
}

void nvml_health_ask(struct nvml_reader *reader, struct nvml_card *card)
{
    uint32_t action = 0;
    bool told = ask_action(reader, card, &action);
    const char *condition = ask_memory(reader, card);
    if (condition == NULL && told) {
        /* A driver that says what to do has weighed the errors that it counts. */
        condition = action_text(action);
    } else if (condition == NULL && has_ecc_errors(reader, card)) {
        condition = "ecc";
    }
    if (condition == NULL && is_prohibited(reader, card)) {
        condition = "compute prohibited";
    }
    snprintf(card->condition, sizeof card->condition, "%s", condition == NULL ? "" : condition);
    if (card->xid != 0 && !card->xid_fresh && told && action == 0 && answers_anew(reader, card)) {
        card->xid = 0;
    }
    card->xid_fresh = false;
}

void nvml_health_write(const struct nvml_card *card, char out[32])
{
    if (card->failure != NVML_SUCCESS) {
        snprintf(out, 32, "%.31s", nvml_result_text(card->failure));
    } else if (card->xid != 0) {
        snprintf(out, 32, "xid %llu", (unsigned long long)card->xid);
    } else {
        snprintf(out, 32, "%s", card->condition[0] == '\0' ? "ok" : card->condition);
    }
}
