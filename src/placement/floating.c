/* SPDX-License-Identifier: Apache-2.0 */
#include "floating.h"

#include "arith.h"

void plimsoll_floating_weigh(const struct plimsoll_coming *coming, struct plimsoll_booking *booking)
{
    uint64_t come = coming->without_device, gone = 0, relief = UINT64_MAX;
    size_t next = 0;
    /* The pod that the plugin picks a card for takes one of the devices itself. */
    for (; next < coming->floating_count && next + 1 < coming->left; next++) {
        come = plus(come, coming->floating[next]);
    }
    booking->floating_plugin = 0;
    booking->floating_ours = come;
    for (uint32_t leave = 0; leave <= coming->leaving_count; leave++) {
        gone = leave > 0 ? plus(gone, coming->leaving[leave - 1]) : 0;
        if (coming->left + leave == 0) {
            continue;
        }
        booking->floating_plugin = larger(booking->floating_plugin, minus(come, gone));
        relief = smaller(relief, minus(gone, come));
        if (next < coming->floating_count) {
            come = plus(come, coming->floating[next++]);
        }
        booking->floating_ours = larger(booking->floating_ours, minus(come, gone));
    }
    booking->relief = coming->left == 0 && coming->leaving_count > 0 ? relief : 0;
}
