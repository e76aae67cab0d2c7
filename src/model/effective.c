/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_parts.h"

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void plimsoll_model_effective_add(struct plimsoll_model_effective *sum, bool init, bool sidecar,
                                  uint64_t amount)
{
    if (!init) {
        sum->running = add(sum->running, amount);
        return;
    }
    uint64_t peak = add(amount, sum->sidecars);
    if (peak > sum->init_peak) {
        sum->init_peak = peak;
    }
    if (sidecar) {
        sum->running = add(sum->running, amount);
        sum->sidecars = peak;
    }
}

uint64_t plimsoll_model_effective_total(const struct plimsoll_model_effective *sum)
{
    return sum->running > sum->init_peak ? sum->running : sum->init_peak;
}
