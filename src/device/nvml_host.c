/* SPDX-License-Identifier: Apache-2.0 */
#include "nvml_host.h"

#include "files.h"

#include <plimsoll/span.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define DEVICES "/sys/bus/pci/devices"

static bool is_tegra(const char *root)
{
    char folder[PLIMSOLL_DEVICE_PATH_MAX];
    char compatible[PLIMSOLL_SYSFS_BYTES_MAX];
    if (!plimsoll_device_path(folder, "%s/proc/device-tree", root) ||
        plimsoll_sysfs_text(folder, "compatible", compatible, sizeof compatible) !=
            PLIMSOLL_SYSFS_READ) {
        return false;
    }
    /* A list of strings, each with its NUL; `nvidia,tegra234` is often not the first. */
    return memmem(compatible, sizeof compatible, "nvidia,tegra", strlen("nvidia,tegra")) != NULL;
}

static bool is_card(const char *root, const char *address)
{
    char folder[PLIMSOLL_DEVICE_PATH_MAX];
    uint64_t vendor = 0, class = 0;
    return plimsoll_device_path(folder, "%s" DEVICES "/%s", root, address) &&
           plimsoll_sysfs_uint(folder, "vendor", &vendor) == PLIMSOLL_SYSFS_READ &&
           plimsoll_sysfs_uint(folder, "class", &class) == PLIMSOLL_SYSFS_READ &&
           vendor == 0x10de && class >> 16 == 0x03;
}

bool nvml_host_has_card(const char *root)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    DIR *folder = plimsoll_device_path(path, "%s" DEVICES, root) ? opendir(path) : NULL;
    bool found = false;
    for (struct dirent *entry; folder != NULL && !found && (entry = readdir(folder)) != NULL;) {
        found = is_card(root, entry->d_name);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return found || is_tegra(root);
}

bool nvml_host_is_wsl(const char *root)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    return plimsoll_device_path(path, "%s/dev/dxg", root) && access(path, F_OK) == 0;
}

bool nvml_host_has_pids(const char *root)
{
    /* The number that Linux gives to the first namespace of processes. */
    static const char first[] = "pid:[4026531836]";
    char link[64] = "";
    if (root[0] != '\0') {
        return true; /* somebody has chosen which /proc it is */
    }
    ssize_t size = readlink("/proc/self/ns/pid", link, sizeof link - 1);
    return size < 0 || strcmp(link, first) == 0;
}

bool nvml_host_has_device(const char *root, const char *address)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    return address[0] != '\0' && plimsoll_device_path(path, "%s" DEVICES "/%s", root, address) &&
           access(path, F_OK) == 0;
}

int32_t nvml_host_numa(const char *root, const char *address)
{
    char folder[PLIMSOLL_DEVICE_PATH_MAX];
    uint64_t node = 0; /* the kernel's own word for none, -1, is no unsigned number */
    if (address[0] == '\0' || !plimsoll_device_path(folder, "%s" DEVICES "/%s", root, address) ||
        plimsoll_sysfs_uint(folder, "numa_node", &node) != PLIMSOLL_SYSFS_READ ||
        node > INT16_MAX) {
        return -1;
    }
    return (int32_t)node;
}

uint64_t nvml_host_bound(const char *root)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    DIR *folder = NULL;
    if (plimsoll_device_path(path, "%s/sys/bus/pci/drivers/nvidia", root)) {
        folder = opendir(path);
    }
    uint64_t bound = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strchr(entry->d_name, ':') != NULL) {
            bound += plimsoll_span_hash(plimsoll_span_of(entry->d_name)); /* in any order */
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return bound;
}

/* `MemTotal:       131919216 kB` */
static bool read_line(struct plimsoll_span line, const char *key, uint64_t *bytes)
{
    unsigned long long kib = 0;
    if (!plimsoll_span_starts(line, key)) {
        return false;
    }
    struct plimsoll_span value = {line.data + strlen(key), line.size - strlen(key)};
    struct plimsoll_span number;
    value = plimsoll_span_trim(value);
    (void)plimsoll_span_cut(&value, ' ', &number);
    if (!plimsoll_span_decimal(number, &kib) || kib > UINT64_MAX / 1024) {
        return false;
    }
    *bytes = kib * 1024;
    return true;
}

bool nvml_host_memory(const char *root, uint64_t *total, uint64_t *available)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    plimsoll_autotext text = plimsoll_text_make((size_t)4 * PLIMSOLL_SYSFS_BYTES_MAX);
    struct plimsoll_error err = {0};
    if (!plimsoll_device_path(path, "%s/proc/meminfo", root) ||
        plimsoll_device_file(path, &text, NULL, &err) != 1) {
        return false;
    }
    struct plimsoll_span rest = plimsoll_text_span(&text), line;
    uint64_t all = 0, free_now = 0;
    bool has_all = false, has_free = false;
    while (plimsoll_span_cut(&rest, '\n', &line)) {
        has_all |= read_line(line, "MemTotal:", &all);
        has_free |= read_line(line, "MemAvailable:", &free_now);
    }
    if (!has_all || !has_free || free_now > all) {
        return false;
    }
    *total = all;
    *available = free_now;
    return true;
}
