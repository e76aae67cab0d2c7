/* SPDX-License-Identifier: Apache-2.0 */
/** What a pod asks of one card, in bytes. */
#pragma once

#include <plimsoll/placement.h>

#include "arith.h"

/** What MPS lets one client have. */
static inline uint64_t mps_share(const struct plimsoll_load *card)
{
    return card->total / card->replicas;
}

/**
 * The line, less what the host takes beyond the reserve: a desktop on the card must not keep every
 * pod away that asks for all of it. Never less than half: a card that others fill stays full.
 */
static inline uint64_t line_beside_host(const struct plimsoll_load *card)
{
    uint64_t left = minus(card->total, larger(card->reserve, card->foreign));
    return larger(smaller(left, card->line), card->line / 2);
}

/* The default where `line` bytes are there to share. MPS holds a client to its share whatever the
 * default says; at least a byte, so that nothing fits on a card without a line. */
static inline uint64_t default_of(const struct plimsoll_load *card, uint64_t line, bool mps,
                                  const struct plimsoll_placement_settings *settings)
{
    uint64_t bytes = line;
    if (settings->default_request == PLIMSOLL_DEFAULT_SHARE) {
        bytes = line / card->replicas;
    } else if (settings->default_request == PLIMSOLL_DEFAULT_BYTES) {
        bytes = settings->default_bytes;
    }
    if (mps) {
        bytes = smaller(bytes, mps_share(card));
    }
    return larger(bytes, 1);
}

/** The configured default on this card. */
static inline uint64_t default_on(const struct plimsoll_load *card, bool mps,
                                  const struct plimsoll_placement_settings *settings)
{
    return default_of(card, card->line, mps, settings);
}

/** Only for a card whose memory is known. */
static inline uint64_t want_on(const struct plimsoll_load *card,
                               const struct plimsoll_demand *demand, bool mps,
                               const struct plimsoll_placement_settings *settings)
{
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        return demand->vram;
    }
    if (demand->request == PLIMSOLL_REQUEST_PERCENT) {
        return share_of(card->total, demand->percent_milli);
    }
    return default_on(card, mps, settings);
}

/**
 * What a pod gets that goes to this very card: the default makes do with what the host leaves. (A
 * floating claim does not: what the host leaves may be another card's when the plugin picks.)
 */
static inline uint64_t want_here(const struct plimsoll_load *card,
                                 const struct plimsoll_demand *demand, bool mps,
                                 const struct plimsoll_placement_settings *settings)
{
    return demand->request == PLIMSOLL_REQUEST_DEFAULT
               ? default_of(card, line_beside_host(card), mps, settings)
               : want_on(card, demand, mps, settings);
}

/** Devices that the kubelet counts one by one: no books of ours for them. */
static inline bool is_counted(const struct plimsoll_demand *demand)
{
    return demand->mig || demand->vendor == PLIMSOLL_VENDOR_AMD ||
           demand->vendor == PLIMSOLL_VENDOR_INTEL;
}
