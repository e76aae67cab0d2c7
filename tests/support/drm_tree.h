/* SPDX-License-Identifier: Apache-2.0 */
/** Cards of DRM drivers and processes that have them open, as sysfs and procfs show them. */
#pragma once

#include "tree.h"

#include <plimsoll/device.h>

#define DRM_GIB ((uint64_t)1 << 30)
#define DRM_MIB ((uint64_t)1 << 20)

/* A card on PCI, by the links that sysfs has. */
static inline void drm_card(const struct tree *tree, const char *name, const char *pci,
                            const char *driver, const char *id)
{
    char path[256], text[256];
    snprintf(path, sizeof path, "sys/devices/pci0000:00/%s/uevent", pci);
    snprintf(text, sizeof text, "DRIVER=%s\nPCI_CLASS=30000\nPCI_ID=%s\nPCI_SLOT_NAME=%s\n", driver,
             id, pci);
    tree_write(tree, path, text);
    snprintf(path, sizeof path, "sys/devices/pci0000:00/%s/drm/%s/device", pci, name);
    tree_link(tree, path, "../..");
    snprintf(path, sizeof path, "sys/class/drm/%s", name);
    snprintf(text, sizeof text, "../../devices/pci0000:00/%s/drm/%s", pci, name);
    tree_link(tree, path, text);
}

/* A value of the card's PCI device. */
static inline void drm_value(const struct tree *tree, const char *pci, const char *name,
                             const char *value)
{
    char path[256], line[256];
    snprintf(path, sizeof path, "sys/devices/pci0000:00/%s/%s", pci, name);
    snprintf(line, sizeof line, "%s\n", value);
    tree_write(tree, path, line);
}

/* An open file of a process and what the kernel says of it. */
static inline void drm_file(const struct tree *tree, int pid, int fd, const char *target,
                            const char *fdinfo)
{
    char path[256];
    snprintf(path, sizeof path, "proc/%d/fd/%d", pid, fd);
    tree_link(tree, path, target);
    snprintf(path, sizeof path, "proc/%d/fdinfo/%d", pid, fd);
    tree_write(tree, path, fdinfo);
}

/* A file of the card's, with `memory` lines. */
static inline void drm_client(const struct tree *tree, int pid, int fd, const char *pci,
                              unsigned client, const char *memory)
{
    char text[1024];
    snprintf(text, sizeof text,
             "pos:\t0\nflags:\t02100002\nmnt_id:\t26\ndrm-driver:\tx\ndrm-client-id:\t%u\n"
             "drm-pdev:\t%s\n%s",
             client, pci, memory);
    drm_file(tree, pid, fd, "/dev/dri/renderD128", text);
}

static inline void drm_measure(struct plimsoll_reader *reader, struct plimsoll_measurement *out)
{
    struct plimsoll_error err;
    if (reader->measure(reader->context, out, &err) < 0) {
        fail_msg("%s", err.message);
    }
}

static inline void drm_assert_process(const struct plimsoll_device *device, uint32_t i, int pid,
                                      uint64_t bytes)
{
    assert_true(i < device->process_count);
    assert_int_equal(device->processes[i].pid, pid);
    assert_int_equal(device->processes[i].bytes, bytes);
    assert_string_equal(device->processes[i].pod.text, "");
}
