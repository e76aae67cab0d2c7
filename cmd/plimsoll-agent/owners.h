/* SPDX-License-Identifier: Apache-2.0 */
/** The pods of processes, remembered: a file in /proc for each process at each look would be most
 * of the agent's work. Belongs to one thread. */
#pragma once

#include <plimsoll/device.h>

struct plimsoll_owners;

/** @param root  Where /proc is found under; must outlive it. */
struct plimsoll_owners *plimsoll_owners_new(const char *root);
void plimsoll_owners_free(struct plimsoll_owners **handle);

/** Fills in the pod of every process that has none from its reader. @return 0, or one of those that
 * are not to be seen here. */
int32_t plimsoll_owners_find(struct plimsoll_owners *owners,
                             struct plimsoll_measurement *measurement);
