/* SPDX-License-Identifier: Apache-2.0 */
/** The cards that a kernel driver has, by /sys/class/drm. */
#pragma once

#include <plimsoll/device.h>

/** Bytes of a PCI address with its NUL. */
#define PLIMSOLL_DRM_PCI_SIZE 24

struct plimsoll_drm_card {
    char *folder; /* owned: /sys/class/drm/cardN; the PCI device is `device` below it */
    char *device; /* owned: that */
    char pci[PLIMSOLL_DRM_PCI_SIZE]; /* `0000:03:00.0` */
    char driver[16];                 /* `amdgpu` */
    uint32_t model;                  /* PCI device id */
};

struct plimsoll_drm_cards {
    struct plimsoll_drm_card *list; /* owned, by PCI address */
    uint32_t count;                 /* at most PLIMSOLL_CARDS_MAX */
};

/** Cards of a PCI vendor that one of the drivers (NULL-terminated) has. The caller clears them. */
void plimsoll_drm_cards_read(const char *root, uint32_t vendor, const char *const *drivers,
                             struct plimsoll_drm_cards *cards);
void plimsoll_drm_cards_clear(struct plimsoll_drm_cards *cards);

/** The card's name in /dev/dri, `card0`. */
const char *plimsoll_drm_name(const struct plimsoll_drm_card *card);
/** A healthy device at `index` with what PCI says of the card. */
struct plimsoll_device plimsoll_drm_device(const struct plimsoll_drm_card *card,
                                           enum plimsoll_vendor vendor, uint32_t index);
/** The driver's version where it has one of its own, else the kernel's. */
void plimsoll_drm_driver(const char *root, const char *driver, char *out, size_t size);
