/* SPDX-License-Identifier: Apache-2.0 */
/** Four numbers at a time, as any processor we run on has them. */
#pragma once

#include <stdint.h>

#define PLIMSOLL_LANES 4u

typedef float plimsoll_floats __attribute__((vector_size(16)));
typedef int32_t plimsoll_ints __attribute__((vector_size(16)));

static inline plimsoll_floats lanes_of(float value)
{
    return (plimsoll_floats){value, value, value, value};
}

static inline plimsoll_floats lanes_smaller(plimsoll_floats a, plimsoll_floats b)
{
    plimsoll_ints mask = a < b;
    return (plimsoll_floats)(((plimsoll_ints)a & mask) | ((plimsoll_ints)b & ~mask));
}

/** Of values from 0 to 2^31. */
static inline plimsoll_floats lanes_floor(plimsoll_floats a)
{
    return __builtin_convertvector(__builtin_convertvector(a, plimsoll_ints), plimsoll_floats);
}

/** x^0.7 of x from 0 to 2^100, within a ten-thousandth; of 0 it is next to nothing. */
static inline plimsoll_floats lanes_power(plimsoll_floats x)
{
    plimsoll_ints bits = (plimsoll_ints)x;
    plimsoll_floats exponent = __builtin_convertvector((bits >> 23) - 127, plimsoll_floats);
    plimsoll_floats m = (plimsoll_floats)((bits & 0x7FFFFF) | 0x3F800000);
    plimsoll_floats log =
        -2.78792621F +
        m * (5.04785541F +
             m * (-3.48987855F + m * (1.58947429F + m * (-0.402513394F + m * 0.0430049578F))));
    plimsoll_floats y = (exponent + log) * 0.7F + 128.0F;
    plimsoll_ints whole = __builtin_convertvector(y, plimsoll_ints);
    plimsoll_floats f = y - __builtin_convertvector(whole, plimsoll_floats);
    plimsoll_floats power =
        1.00000349F +
        f * (0.692972922F + f * (0.241604357F + f * (0.0517449978F + f * 0.0136703095F)));
    return (plimsoll_floats)((whole - 1) << 23) * power;
}

static inline float lanes_sum(plimsoll_floats a)
{
    return (a[0] + a[1]) + (a[2] + a[3]);
}
