/* SPDX-License-Identifier: Apache-2.0 */
/** What may still come to a card where the device plugin picks (design §4.2). */
#pragma once

#include "bookings.h"

/** Borrowed for the call. */
struct plimsoll_coming {
    const uint64_t *floating; /* of pods that take a device, largest first */
    size_t floating_count;
    uint64_t without_device; /* Σ of floating pods that take none */
    const uint64_t *leaving; /* of the holders of a device, smallest first */
    uint32_t leaving_count;
    uint32_t left; /* devices without a holder */
};

/**
 * Sets `floating_plugin`, `floating_ours` and `relief` of the booking.
 *
 * A holder may leave at any time, and a pod that was bound while it ran gets its device. So a card
 * has to bear, for every number of holders that can leave, that the smallest leave and the largest
 * come.
 */
void plimsoll_floating_weigh(const struct plimsoll_coming *coming,
                             struct plimsoll_booking *booking);
