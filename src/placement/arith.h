/* SPDX-License-Identifier: Apache-2.0 */
/** Sums of bytes that stop at the ends of their range instead of wrapping. */
#pragma once

#include <stdint.h>

/** Thousandths of a percent in a whole. */
#define PLIMSOLL_PERCENT_WHOLE 100000u

static inline uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static inline uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/** That share of `bytes`, rounded up: what is asked for and what is kept back are never cut. */
static inline uint64_t share_of(uint64_t bytes, uint32_t percent_milli)
{
    uint64_t milli =
        percent_milli < PLIMSOLL_PERCENT_WHOLE ? percent_milli : PLIMSOLL_PERCENT_WHOLE;
    uint64_t whole = bytes / PLIMSOLL_PERCENT_WHOLE * milli;
    uint64_t rest = bytes % PLIMSOLL_PERCENT_WHOLE * milli;
    return whole + (rest + PLIMSOLL_PERCENT_WHOLE - 1) / PLIMSOLL_PERCENT_WHOLE;
}
