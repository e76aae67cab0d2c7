/* SPDX-License-Identifier: Apache-2.0 */
#include "drm.h"

#include "files.h"

#include <dirent.h>

static void clear_card(struct plimsoll_drm_card *card)
{
    free(card->folder);
    free(card->device);
}

static bool take_pci_id(struct plimsoll_span value, uint32_t *vendor, uint32_t *model)
{
    char text[16] = "", *end;
    if (value.size != 9) {
        return false;
    }
    memcpy(text, value.data, value.size);
    *vendor = (uint32_t)strtoul(text, &end, 16);
    if (end != text + 4 || *end != ':') {
        return false;
    }
    *model = (uint32_t)strtoul(text + 5, &end, 16);
    return end == text + 9;
}

static void take_text(struct plimsoll_span value, char *out, size_t size)
{
    if (value.size < size) {
        memcpy(out, value.data, value.size);
        out[value.size] = '\0';
    }
}

/* The device's own lines: DRIVER, PCI_ID, PCI_SLOT_NAME. What is no PCI device (partitions of a
 * card, displays without a card) lacks the last two. */
static bool read_uevent(struct plimsoll_drm_card *card, uint32_t *vendor)
{
    char text[PLIMSOLL_SYSFS_BYTES_MAX];
    if (plimsoll_sysfs_text(card->device, "uevent", text, sizeof text) != PLIMSOLL_SYSFS_READ) {
        return false;
    }
    struct plimsoll_span rest = plimsoll_span_of(text), line, key;
    bool id = false;
    while (plimsoll_span_cut(&rest, '\n', &line)) {
        if (!plimsoll_span_cut(&line, '=', &key) || line.data == NULL) {
            continue;
        }
        if (plimsoll_span_is(key, "DRIVER")) {
            take_text(line, card->driver, sizeof card->driver);
        } else if (plimsoll_span_is(key, "PCI_ID")) {
            id = take_pci_id(line, vendor, &card->model);
        } else if (plimsoll_span_is(key, "PCI_SLOT_NAME")) {
            take_text(line, card->pci, sizeof card->pci);
        }
    }
    return id && card->pci[0] != '\0';
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words != NULL && strcmp(word, *words) != 0) {
        words++;
    }
    return *words != NULL;
}

/* `card0`, but not the connector `card0-DP-1`. */
static bool is_card(const char *name)
{
    const char *digits = name + strlen("card");
    return strncmp(name, "card", strlen("card")) == 0 && *digits != '\0' &&
           digits[strspn(digits, "0123456789")] == '\0';
}

static bool read_card(const char *folder, const char *name, uint32_t wanted,
                      const char *const *drivers, struct plimsoll_drm_card *card)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    uint32_t vendor = 0;
    *card = (struct plimsoll_drm_card){0};
    if (!plimsoll_device_path(path, "%s/%s/device", folder, name)) {
        return false;
    }
    card->device = plimsoll_copy(path, strlen(path));
    card->folder = plimsoll_copy(path, strlen(path) - strlen("/device"));
    if (read_uevent(card, &vendor) && vendor == wanted && is_one_of(card->driver, drivers)) {
        return true;
    }
    clear_card(card);
    return false;
}

static int compare_cards(const void *left, const void *right)
{
    const struct plimsoll_drm_card *a = left, *b = right;
    return strcmp(a->pci, b->pci);
}

void plimsoll_drm_cards_read(const char *root, uint32_t vendor, const char *const *drivers,
                             struct plimsoll_drm_cards *cards)
{
    char folder[PLIMSOLL_DEVICE_PATH_MAX];
    *cards = (struct plimsoll_drm_cards){0};
    DIR *entries = plimsoll_device_path(folder, "%s/sys/class/drm", root) ? opendir(folder) : NULL;
    if (entries == NULL) {
        return;
    }
    for (const struct dirent *entry;
         cards->count < PLIMSOLL_CARDS_MAX && (entry = readdir(entries)) != NULL;) {
        struct plimsoll_drm_card card;
        if (is_card(entry->d_name) && read_card(folder, entry->d_name, vendor, drivers, &card)) {
            cards->list = plimsoll_realloc(cards->list, cards->count + 1, sizeof *cards->list);
            cards->list[cards->count++] = card;
        }
    }
    closedir(entries);
    if (cards->count > 1) {
        qsort(cards->list, cards->count, sizeof *cards->list, compare_cards);
    }
}

void plimsoll_drm_cards_clear(struct plimsoll_drm_cards *cards)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        clear_card(&cards->list[i]);
    }
    free(cards->list);
    *cards = (struct plimsoll_drm_cards){0};
}

const char *plimsoll_drm_name(const struct plimsoll_drm_card *card)
{
    return strrchr(card->folder, '/') + 1;
}

struct plimsoll_device plimsoll_drm_device(const struct plimsoll_drm_card *card,
                                           enum plimsoll_vendor vendor, uint32_t index)
{
    struct plimsoll_device device = {.health = "ok",
                                     .vendor = vendor,
                                     .index = (int32_t)index,
                                     .numa = -1,
                                     .used = PLIMSOLL_BYTES_UNKNOWN};
    uint64_t numa;
    memcpy(device.id, card->pci, sizeof card->pci);
    memcpy(device.pci, card->pci, sizeof card->pci);
    snprintf(device.product, sizeof device.product, "%s GPU %04x", plimsoll_vendor_text(vendor),
             (unsigned)card->model);
    /* -1 is no decimal here: none. */
    if (plimsoll_sysfs_uint(card->device, "numa_node", &numa) == PLIMSOLL_SYSFS_READ &&
        numa <= INT16_MAX) {
        device.numa = (int32_t)numa;
    }
    return device;
}

void plimsoll_drm_driver(const char *root, const char *driver, char *out, size_t size)
{
    char folder[PLIMSOLL_DEVICE_PATH_MAX], version[48];
    if (plimsoll_device_path(folder, "%s/sys/module/%s", root, driver) &&
        plimsoll_sysfs_text(folder, "version", version, sizeof version) == PLIMSOLL_SYSFS_READ) {
        snprintf(out, size, "%s %s", driver, version);
    } else if (plimsoll_device_path(folder, "%s/proc/sys/kernel", root) &&
               plimsoll_sysfs_text(folder, "osrelease", version, sizeof version) ==
                   PLIMSOLL_SYSFS_READ) {
        snprintf(out, size, "%s, Linux %s", driver, version);
    } else {
        snprintf(out, size, "%s", driver);
    }
}
