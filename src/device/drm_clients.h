/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The processes on the cards of DRM drivers, by the files they have open.
 *
 * Looking into every file of every process is dear, so a process is looked into in one of
 * PLIMSOLL_DRM_TURNS looks (in the first look all are), while the files that were found are asked
 * each time. A process that has just opened a card is missing until its turn: its bytes are
 * nobody's meanwhile, which leaves less room and never more.
 */
#pragma once

#include <plimsoll/device.h>

#define PLIMSOLL_DRM_TURNS 5

struct plimsoll_drm_clients; /* what is known from look to look */

/** A device whose processes are wanted; borrowed. */
struct plimsoll_drm_target {
    struct plimsoll_device *device;
    const char *const *regions; /* of its memory; fdinfo.h */
};

struct plimsoll_drm_clients *plimsoll_drm_clients_new(void);
void plimsoll_drm_clients_free(struct plimsoll_drm_clients **handle);
/**
 * Sets processes and `processes_known` of every target's device.
 * @return false when a process may not be looked into, for which CAP_SYS_PTRACE is needed.
 */
bool plimsoll_drm_clients_look(struct plimsoll_drm_clients *clients, const char *root,
                               const struct plimsoll_drm_target *targets, uint32_t count);
