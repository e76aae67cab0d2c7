/* SPDX-License-Identifier: Apache-2.0 */
/** The fake reader's file as values. Pure. */
#pragma once

#include <plimsoll/device.h>
#include <plimsoll/span.h>

struct plimsoll_fake {
    struct plimsoll_measurement measurement; /* owned */
    char unavailable[160];                   /* "": it answers */
};

/**
 * @param file  For messages only, which are `FILE:LINE: …`.
 * @param out   Set on success; the caller clears the measurement. Unchanged on failure.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID.
 */
int plimsoll_fake_parse(struct plimsoll_span text, const char *file, struct plimsoll_fake *out,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
