/* SPDX-License-Identifier: Apache-2.0 */
/** How much memory an Intel card has and how much is in use, as its kernel driver answers. */
#pragma once

#include "intel.h"

/* What a driver may answer: a header and up to 46 regions; cards have one or two for each tile. */
#define PLIMSOLL_INTEL_ANSWER_BYTES_MAX 4096

struct plimsoll_intel_memory {
    bool dedicated; /* else the machine's */
    uint64_t total; /* 0: not told */
    uint64_t used;  /* PLIMSOLL_BYTES_UNKNOWN: not told, or not to this process */
};

/** @return 0, or an errno; `memory` unchanged then. EPROTO: an answer that makes no sense. */
int plimsoll_xe_memory(const struct plimsoll_intel_kernel *kernel, int fd,
                       struct plimsoll_intel_memory *memory);
int plimsoll_i915_memory(const struct plimsoll_intel_kernel *kernel, int fd,
                         struct plimsoll_intel_memory *memory);
