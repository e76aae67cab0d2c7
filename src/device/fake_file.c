/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "walk.h"

/* `used` that nobody told: the sum of the processes. */
#define USED_ABSENT (UINT64_MAX - 1)

static int read_used(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                     const yaml_node_t *value, void *target)
{
    if (plimsoll_span_is(plimsoll_walk_scalar(value), "unknown")) {
        *(uint64_t *)plimsoll_walk_at(target, field) = PLIMSOLL_BYTES_UNKNOWN;
        return 0;
    }
    return plimsoll_walk_bytes(walk, field, value, target);
}

static int read_vendor(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                       const yaml_node_t *value, void *target)
{
    static const struct {
        const char *word;
        enum plimsoll_vendor vendor;
    } vendors[] = {{"nvidia", PLIMSOLL_VENDOR_NVIDIA},
                   {"amd", PLIMSOLL_VENDOR_AMD},
                   {"intel", PLIMSOLL_VENDOR_INTEL}};
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        if (plimsoll_span_is(plimsoll_walk_scalar(value), vendors[i].word)) {
            *(enum plimsoll_vendor *)plimsoll_walk_at(target, field) = vendors[i].vendor;
            return 0;
        }
    }
    return plimsoll_walk_fail(walk, value, "%s must be nvidia, amd or intel", field->key);
}

static int read_kind(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                     const yaml_node_t *value, void *target)
{
    bool nvlink = plimsoll_span_is(plimsoll_walk_scalar(value), "nvlink");
    if (!nvlink && !plimsoll_span_is(plimsoll_walk_scalar(value), "pcie")) {
        return plimsoll_walk_fail(walk, value, "%s must be nvlink or pcie", field->key);
    }
    *(bool *)plimsoll_walk_at(target, field) = nvlink;
    return 0;
}

static void prepare_nothing(void *element, uint32_t i)
{
    (void)element;
    (void)i;
}

static int finish_link(const struct plimsoll_walk *walk, const yaml_node_t *node, void *elements,
                       uint32_t i)
{
    const struct plimsoll_device_link *links = elements;
    return links[i].to[0] != '\0'
               ? 0
               : plimsoll_walk_fail(walk, node, "a link needs `to`, the id of a card");
}

static int read_links(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                      const yaml_node_t *value, void *target)
{
    static const struct plimsoll_walk_field fields[] = {
        WALK_TEXT(struct plimsoll_device_link, to),
        {"kind", read_kind, offsetof(struct plimsoll_device_link, nvlink), 0, 0, 0},
        WALK_INTEGER(struct plimsoll_device_link, lanes, 0, 1024)};
    static const struct plimsoll_walk_list list = WALK_LIST(
        fields, struct plimsoll_device_link, PLIMSOLL_CARDS_MAX, prepare_nothing, finish_link);
    struct plimsoll_device *device = target;
    void *links = NULL;
    int status = plimsoll_walk_list(walk, field, value, &list, &links, &device->link_count);
    device->links = links;
    device->links_known = true;
    return status;
}

static int finish_mig(const struct plimsoll_walk *walk, const yaml_node_t *node, void *elements,
                      uint32_t i)
{
    const struct plimsoll_mig *mig = elements;
    if (mig[i].id[0] == '\0' || mig[i].profile[0] == '\0' || mig[i].vram == 0) {
        return plimsoll_walk_fail(walk, node, "an instance needs id, profile and vram");
    }
    return 0;
}

static int read_mig(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                    const yaml_node_t *value, void *target)
{
    static const struct plimsoll_walk_field fields[] = {
        WALK_TEXT(struct plimsoll_mig, id), WALK_TEXT(struct plimsoll_mig, profile),
        WALK_FIELD(struct plimsoll_mig, vram, plimsoll_walk_bytes)};
    static const struct plimsoll_walk_list list =
        WALK_LIST(fields, struct plimsoll_mig, PLIMSOLL_CARDS_MAX, prepare_nothing, finish_mig);
    struct plimsoll_device *device = target;
    void *mig = NULL;
    int status = plimsoll_walk_list(walk, field, value, &list, &mig, &device->mig_count);
    device->mig = mig;
    return status;
}

static void prepare_process(void *element, uint32_t i)
{
    struct plimsoll_device_process *process = element;
    (void)i;
    process->bytes = PLIMSOLL_BYTES_UNKNOWN;
}

static int finish_process(const struct plimsoll_walk *walk, const yaml_node_t *node, void *elements,
                          uint32_t i)
{
    const struct plimsoll_device_process *processes = elements;
    if (processes[i].pid == 0 && processes[i].pod.text[0] == '\0') {
        return plimsoll_walk_fail(walk, node, "a process needs pid, or pod: the uid of its pod");
    }
    for (uint32_t k = 0; processes[i].pid != 0 && k < i; k++) {
        if (processes[k].pid == processes[i].pid) {
            return plimsoll_walk_fail(walk, node, "pid %d is listed twice", (int)processes[i].pid);
        }
    }
    return 0;
}

static int read_processes(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                          const yaml_node_t *value, void *target)
{
    static const struct plimsoll_walk_field fields[] = {
        WALK_INTEGER(struct plimsoll_device_process, pid, 1, INT32_MAX),
        {"pod", plimsoll_walk_text, offsetof(struct plimsoll_device_process, pod.text),
         PLIMSOLL_UID_SIZE, 0, 0},
        WALK_FIELD(struct plimsoll_device_process, bytes, plimsoll_walk_bytes)};
    static const struct plimsoll_walk_list list =
        WALK_LIST(fields, struct plimsoll_device_process, PLIMSOLL_DEVICE_PROCESSES_MAX,
                  prepare_process, finish_process);
    struct plimsoll_device *device = target;
    void *processes = NULL;
    int status = plimsoll_walk_list(walk, field, value, &list, &processes, &device->process_count);
    device->processes = processes;
    device->processes_known = true;
    return status;
}

static uint64_t sum_of_processes(const struct plimsoll_device *device)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < device->process_count; i++) {
        if (device->processes[i].bytes != PLIMSOLL_BYTES_UNKNOWN) {
            sum += device->processes[i].bytes; /* a few thousand below 2^53 each */
        }
    }
    return sum;
}

static void prepare_card(void *element, uint32_t i)
{
    struct plimsoll_device *device = element;
    *device = (struct plimsoll_device){.health = "ok",
                                       .vendor = PLIMSOLL_VENDOR_NVIDIA,
                                       .index = (int32_t)i,
                                       .numa = -1,
                                       .used = USED_ABSENT};
}

static int finish_card(const struct plimsoll_walk *walk, const yaml_node_t *node, void *elements,
                       uint32_t i)
{
    struct plimsoll_device *devices = elements, *device = &devices[i];
    if (device->id[0] == '\0') {
        return plimsoll_walk_fail(walk, node, "a card needs id: its UUID or PCI address");
    }
    if (device->health[0] == '\0') {
        return plimsoll_walk_fail(walk, node, "health of %s must be ok or a reason", device->id);
    }
    for (uint32_t k = 0; k < i; k++) {
        if (strcmp(devices[k].id, device->id) == 0) {
            return plimsoll_walk_fail(walk, node, "the id %s is listed twice", device->id);
        }
    }
    if (device->used == USED_ABSENT) {
        device->used = sum_of_processes(device);
    }
    return 0;
}

static int read_cards(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                      const yaml_node_t *value, void *target)
{
    static const struct plimsoll_walk_field fields[] = {
        WALK_TEXT(struct plimsoll_device, id),
        WALK_FIELD(struct plimsoll_device, vendor, read_vendor),
        WALK_TEXT(struct plimsoll_device, product),
        WALK_TEXT(struct plimsoll_device, pci),
        WALK_INTEGER(struct plimsoll_device, index, 0, INT16_MAX),
        WALK_INTEGER(struct plimsoll_device, numa, 0, INT16_MAX),
        WALK_TEXT(struct plimsoll_device, health),
        WALK_FIELD(struct plimsoll_device, total, plimsoll_walk_bytes),
        WALK_FIELD(struct plimsoll_device, used, read_used),
        WALK_FIELD(struct plimsoll_device, unified, plimsoll_walk_bool),
        WALK_FIELD(struct plimsoll_device, links, read_links),
        WALK_FIELD(struct plimsoll_device, mig, read_mig),
        WALK_FIELD(struct plimsoll_device, processes, read_processes)};
    static const struct plimsoll_walk_list list =
        WALK_LIST(fields, struct plimsoll_device, PLIMSOLL_CARDS_MAX, prepare_card, finish_card);
    struct plimsoll_fake *fake = target;
    void *devices = NULL;
    int status =
        plimsoll_walk_list(walk, field, value, &list, &devices, &fake->measurement.device_count);
    fake->measurement.devices = devices;
    return status;
}

int plimsoll_fake_parse(struct plimsoll_span text, const char *file, struct plimsoll_fake *out,
                        struct plimsoll_error *err)
{
    static const struct plimsoll_walk_field fields[] = {
        {"driver", plimsoll_walk_text, offsetof(struct plimsoll_fake, measurement.driver),
         sizeof out->measurement.driver, 0, 0},
        {"note", plimsoll_walk_text, offsetof(struct plimsoll_fake, measurement.note),
         sizeof out->measurement.note, 0, 0},
        WALK_TEXT(struct plimsoll_fake, unavailable),
        {"cards", read_cards, 0, 0, 0, 0}};
    struct plimsoll_fake fake = {.measurement = {.driver = "fake"}};
    if (plimsoll_walk_file(text, file, fields, sizeof fields / sizeof fields[0], &fake, err) < 0) {
        plimsoll_measurement_clear(&fake.measurement);
        return -1;
    }
    *out = fake;
    return 0;
}
