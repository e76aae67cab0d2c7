/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Has nodes advertise plimsoll.dev/vram in their status where the configuration wants that
 * (nodeCapacity), and no longer where it does not. Every replica does: they write the same.
 */
#pragma once

#include <plimsoll/cluster.h>
#include <plimsoll/config.h>
#include <plimsoll/kube.h>

struct plimsoll_advertiser;

/** All borrowed, must outlive the advertiser. */
struct plimsoll_advertiser *plimsoll_advertiser_start(struct plimsoll_cluster *cluster,
                                                      struct plimsoll_kube *kube,
                                                      const struct plimsoll_config *config);
void plimsoll_advertiser_stop(struct plimsoll_advertiser **advertiser);

/** Time passed: compares the nodes with what they should advertise. Does not wait. */
void plimsoll_advertiser_tick(struct plimsoll_advertiser *advertiser);
