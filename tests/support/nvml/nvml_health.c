/* SPDX-License-Identifier: Apache-2.0 */
/** Links, health and events of the played library. */
#include "player.h"

typedef struct event_set {
    bool live;
    unsigned ids;
    char id[SCRIPT_CARDS][64];
    unsigned delivered; /* all events up to this number */
    unsigned given;     /* times that the next was */
} event_set_t;

static event_set_t sets[2];

bool player_has_event_sets(void)
{
    return sets[0].live || sets[1].live;
}

/* ---- links ---- */

static result_t link_of(const handle_t *device, unsigned index, const struct script_link **out)
{
    bool any = false;
    for (unsigned i = 0; i < player_script->links; i++) {
        const struct script_link *link = &player_script->link[i];
        bool here = strcmp(link->card, device->id) == 0;
        any |= here;
        if (here && link->index == index) {
            *out = link;
            return SUCCESS;
        }
    }
    return any ? INVALID_ARGUMENT : NOT_SUPPORTED;
}

NVML result_t nvmlDeviceGetNvLinkState(handle_t *device, unsigned index, unsigned *up);
result_t nvmlDeviceGetNvLinkState(handle_t *device, unsigned index, unsigned *up)
{
    ENTER_DEVICE(nvmlDeviceGetNvLinkState, device);
    const struct script_link *link = NULL;
    result_t result = link_of(device, index, &link);
    if (result == SUCCESS) {
        *up = link->up;
    }
    return result;
}

NVML result_t nvmlDeviceGetNvLinkRemotePciInfo_v2(handle_t *device, unsigned index, pci_t *pci);
result_t nvmlDeviceGetNvLinkRemotePciInfo_v2(handle_t *device, unsigned index, pci_t *pci)
{
    ENTER_DEVICE(nvmlDeviceGetNvLinkRemotePciInfo_v2, device);
    const struct script_link *link = NULL;
    result_t result = link_of(device, index, &link);
    if (result == SUCCESS) {
        player_pci(link->pci, pci);
    }
    return result;
}

#if FAKE_NVML_LEVEL >= 2
NVML result_t nvmlDeviceGetNvLinkRemoteDeviceType(handle_t *device, unsigned index, unsigned *type);
result_t nvmlDeviceGetNvLinkRemoteDeviceType(handle_t *device, unsigned index, unsigned *type)
{
    ENTER_DEVICE(nvmlDeviceGetNvLinkRemoteDeviceType, device);
    const struct script_link *link = NULL;
    result_t result = link_of(device, index, &link);
    if (result == SUCCESS) {
        *type = link->type;
    }
    return result;
}
#endif

/* ---- health ---- */

NVML result_t nvmlDeviceGetTotalEccErrors(handle_t *device, unsigned type, unsigned counter,
                                          unsigned long long *count);
result_t nvmlDeviceGetTotalEccErrors(handle_t *device, unsigned type, unsigned counter,
                                     unsigned long long *count)
{
    ENTER_DEVICE(nvmlDeviceGetTotalEccErrors, device);
    if (type != 1) {
        *count = 1000; /* corrected ones are daily bread */
    } else {
        *count = counter == 0 ? player_card(device)->ecc : 1000; /* since ever: says nothing now */
    }
    return SUCCESS;
}

#if FAKE_NVML_LEVEL >= 2
NVML result_t nvmlDeviceGetRemappedRows(handle_t *device, unsigned *correctable,
                                        unsigned *uncorrectable, unsigned *pending,
                                        unsigned *failed);
result_t nvmlDeviceGetRemappedRows(handle_t *device, unsigned *correctable, unsigned *uncorrectable,
                                   unsigned *pending, unsigned *failed)
{
    ENTER_DEVICE(nvmlDeviceGetRemappedRows, device);
    const struct script_card *card = player_card(device);
    if (card->mig == 1) {
        return NOT_SUPPORTED;
    }
    *correctable = 3; /* done with: rows that were remapped are good again */
    *uncorrectable = 1;
    *pending = card->remap;
    *failed = card->remap_failed;
    return SUCCESS;
}
#endif

NVML result_t nvmlDeviceGetRetiredPagesPendingStatus(handle_t *device, unsigned *pending);
result_t nvmlDeviceGetRetiredPagesPendingStatus(handle_t *device, unsigned *pending)
{
    ENTER_DEVICE(nvmlDeviceGetRetiredPagesPendingStatus, device);
    *pending = player_card(device)->retired;
    return SUCCESS;
}

NVML result_t nvmlDeviceGetComputeMode(handle_t *device, unsigned *mode);
result_t nvmlDeviceGetComputeMode(handle_t *device, unsigned *mode)
{
    ENTER_DEVICE(nvmlDeviceGetComputeMode, device);
    *mode = player_card(device)->mode;
    return SUCCESS;
}

NVML result_t nvmlDeviceGetFieldValues(handle_t *device, int count, field_t *fields);
result_t nvmlDeviceGetFieldValues(handle_t *device, int count, field_t *fields)
{
    ENTER_DEVICE(nvmlDeviceGetFieldValues, device);
    long recovery = player_card(device)->recovery;
    for (int i = 0; i < count; i++) {
        bool known = fields[i].id == 230 && recovery >= 0;
        fields[i].result = known ? SUCCESS : NOT_SUPPORTED;
        fields[i].type = 1;
        fields[i].value.ull = ~0ull; /* undefined, where the result is no success */
        if (known) {
            fields[i].value.u = (unsigned)recovery;
        }
    }
    return SUCCESS;
}

/* ---- events ---- */

NVML result_t nvmlEventSetCreate(event_set_t **out);
result_t nvmlEventSetCreate(event_set_t **out)
{
    ENTER(nvmlEventSetCreate, NULL);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (!sets[i].live) {
            sets[i] = (event_set_t){.live = true};
            *out = &sets[i];
            return SUCCESS;
        }
    }
    script_die("more event sets than anybody needs");
}

static void check_set(const event_set_t *set)
{
    if (set != &sets[0] && set != &sets[1]) {
        script_die("no event set");
    }
    if (!set->live) {
        script_die("an event set that was freed");
    }
}

NVML result_t nvmlEventSetFree(event_set_t *set);
result_t nvmlEventSetFree(event_set_t *set)
{
    check_set(set);
    set->live = false;
    ENTER(nvmlEventSetFree, NULL);
    return SUCCESS;
}

NVML result_t nvmlDeviceGetSupportedEventTypes(handle_t *device, unsigned long long *types);
result_t nvmlDeviceGetSupportedEventTypes(handle_t *device, unsigned long long *types)
{
    ENTER_DEVICE(nvmlDeviceGetSupportedEventTypes, device);
    *types = player_card(device)->events;
    return *types == 0 ? NOT_SUPPORTED : SUCCESS;
}

NVML result_t nvmlDeviceRegisterEvents(handle_t *device, unsigned long long types,
                                       event_set_t *set);
result_t nvmlDeviceRegisterEvents(handle_t *device, unsigned long long types, event_set_t *set)
{
    check_set(set);
    ENTER_DEVICE(nvmlDeviceRegisterEvents, device);
    if ((types & ~player_card(device)->events) != 0) {
        script_die("events 0x%llx are not supported", types);
    }
    strcpy(set->id[set->ids++], device->id);
    for (unsigned i = 0; i < player_script->events; i++) {
        if (player_script->event[i].number > set->delivered) {
            set->delivered = player_script->event[i].number; /* was before us */
        }
    }
    return SUCCESS;
}

static bool is_registered(const event_set_t *set, const char *id)
{
    bool nobodys = strcmp(id, "none") == 0 || strcmp(id, "stranger") == 0;
    for (unsigned i = 0; i < set->ids; i++) {
        nobodys |= strcmp(set->id[i], id) == 0;
    }
    return nobodys;
}

NVML result_t nvmlEventSetWait_v2(event_set_t *set, event_t *out, unsigned timeout_ms);
result_t nvmlEventSetWait_v2(event_set_t *set, event_t *out, unsigned timeout_ms)
{
    check_set(set);
    ENTER(nvmlEventSetWait_v2, NULL);
    if (timeout_ms != 0) {
        script_die("the reader waits for events");
    }
    for (unsigned i = 0; i < player_script->events; i++) {
        const struct script_event *event = &player_script->event[i];
        if (event->number <= set->delivered) {
            continue;
        }
        if (++set->given >= event->times || !is_registered(set, event->card)) {
            set->delivered = event->number;
            set->given = 0;
        }
        if (!is_registered(set, event->card)) {
            continue;
        }
        *out = (event_t){.type = 8, .data = event->xid, .gi = event->gi, .ci = UINT32_MAX};
        if (strcmp(event->card, "none") != 0) {
            out->device = player_handle(event->card, false);
        }
        return SUCCESS;
    }
    return TIMEOUT;
}
