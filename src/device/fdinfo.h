/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the kernel says of a client of a card in /proc/PID/fdinfo/FD: `drm-pdev`, `drm-client-id`
 * and the memory it has in each region (Documentation/gpu/drm-usage-stats.rst). Pure.
 */
#pragma once

#include <plimsoll/span.h>

#include <stdint.h>

/* amdgpu and xe write some 2 KiB. */
#define PLIMSOLL_FDINFO_BYTES_MAX (16u * 1024)

struct plimsoll_fdinfo {
    char pci[24];
    uint64_t client; /* equal for duplicates of one open file, in any process */
    bool client_known;
};

/** @return false: no file of a card on PCI; `out` unchanged. */
bool plimsoll_fdinfo_read(struct plimsoll_span text, struct plimsoll_fdinfo *out);
/**
 * Bytes that the client has in the regions (NULL-terminated; `vram` is also `vram0`, `vram1` …):
 * what is resident, else what older kernels give.
 * @return false: none of the regions is told of.
 */
bool plimsoll_fdinfo_bytes(struct plimsoll_span text, const char *const *regions, uint64_t *bytes);
