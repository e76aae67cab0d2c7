/* SPDX-License-Identifier: Apache-2.0 */
/** What every unit test includes first: cmocka, whose headers must come in this order. */
#pragma once

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
