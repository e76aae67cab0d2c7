/* SPDX-License-Identifier: Apache-2.0 */
/** What the machine itself says of NVIDIA's cards, in /sys and /proc under a root. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Bytes of an address with its NUL as sysfs writes it, `0000:07:00.0`. */
#define NVML_ADDRESS_SIZE 24

/** MemTotal and MemAvailable in bytes. @return false when they cannot be read. */
bool nvml_host_memory(const char *root, uint64_t *total, uint64_t *available);
/** An NVIDIA card, bound to a driver or not, or a Tegra part. */
bool nvml_host_has_card(const char *root);
/** Cards are lent by Windows (WSL 2), whose processes nobody sees here. */
bool nvml_host_is_wsl(const char *root);
/**
 * Whether the numbers by which the driver knows processes are those of /proc here. The driver has
 * the host's; a container, or a node that is one (kind, LXC), has others, and what has one of them
 * is another process.
 */
bool nvml_host_has_pids(const char *root);
bool nvml_host_has_device(const char *root, const char *address);
/** The NUMA node of a PCI slot, -1 without. */
int32_t nvml_host_numa(const char *root, const char *address);
/** Differs when other cards are bound to the driver than before; 0 where sysfs does not say. */
uint64_t nvml_host_bound(const char *root);
