/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The annotation `plimsoll.dev/claim`: what a bound pod holds. The durable books (design §2.3).
 *
 * Pure. A claim owns its lists; the caller clears it.
 */
#pragma once

#include <plimsoll/demand.h>
#include <plimsoll/error.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

/** A card's or instance's identity with its NUL: UUID or PCI address. */
#define PLIMSOLL_CARD_ID_SIZE 64
/** A pod UID with its NUL (UUID, or a static pod's hash). */
#define PLIMSOLL_UID_SIZE 40

struct plimsoll_uid {
    char text[PLIMSOLL_UID_SIZE];
};

struct plimsoll_claim_card {
    char id[PLIMSOLL_CARD_ID_SIZE];
    uint64_t vram; /* bytes */
    uint64_t idle; /* bytes in use there when no claim held it; UINT64_MAX: unknown */
};

struct plimsoll_claim {
    struct plimsoll_uid pod;
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
    uint32_t card_count;               /* 0: floating */
    struct plimsoll_claim_card *cards; /* owned */
    uint32_t floating_cards;
    uint64_t floating_vram;           /* bytes on each: the most that it can come to */
    uint32_t less_count;              /* floating only: cards where it comes to less than that */
    struct plimsoll_claim_card *less; /* owned; no `idle` */
};

/** @return 0, or -1 with PLIMSOLL_ERR_INVALID: what is wrong at which byte. `claim` unchanged on
 * failure. */
int plimsoll_claim_parse(struct plimsoll_span text, struct plimsoll_claim *claim,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Appends the annotation's value. */
void plimsoll_claim_write(const struct plimsoll_claim *claim, struct plimsoll_text *out);
/** `to` must be empty or cleared. */
void plimsoll_claim_copy(const struct plimsoll_claim *from, struct plimsoll_claim *to);
void plimsoll_claim_clear(struct plimsoll_claim *claim);
