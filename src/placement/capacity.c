/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "arith.h"

static uint64_t line_of(const struct plimsoll_card *card, const struct plimsoll_load *load)
{
    if (load->state != PLIMSOLL_CARD_MIG) {
        return load->line;
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < card->mig_count; i++) {
        bytes = plus(bytes, card->mig[i].vram);
    }
    return bytes;
}

/* Its limits are what a kubelet that starts again counts, whatever its annotation says by now; a
 * pod that has none may be made again with some. */
static uint64_t requested_by(const struct plimsoll_pod *pod)
{
    uint64_t bytes = 0;
    if (pod->node[0] == '\0') {
        return 0;
    }
    if (pod->demand.request == PLIMSOLL_REQUEST_BYTES &&
        __builtin_mul_overflow(pod->demand.vram, (uint64_t)pod->demand.cards, &bytes)) {
        bytes = UINT64_MAX;
    }
    return larger(bytes, pod->demand.vram_limit);
}

uint64_t plimsoll_placement_capacity(const struct plimsoll_node_view *view,
                                     const struct plimsoll_node_load *load)
{
    uint64_t lines = 0, requested = 0;
    for (uint32_t i = 0; i < load->card_count; i++) {
        lines = plus(lines, line_of(&view->node->cards[i], &load->cards[i]));
    }
    for (size_t i = 0; i < view->pod_count; i++) {
        requested = plus(requested, requested_by(view->pods[i]));
    }
    return smaller(larger(lines, requested), INT64_MAX);
}
