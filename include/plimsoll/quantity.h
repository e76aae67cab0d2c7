/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Kubernetes quantities of bytes and counts (`12Gi`, `500M`, `8589934592`, `1e9`, `1.5Gi`).
 *
 * Grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go. Here a quantity is a whole number
 * below 2^63: fractions are rounded up as Kubernetes does, a negative value is refused. Pure.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

#include <stdint.h>

/** Bytes that `plimsoll_quantity_format` writes at most, NUL included. */
#define PLIMSOLL_QUANTITY_SIZE 24

/** @return 0, or -1 with PLIMSOLL_ERR_INVALID and a sentence that quotes the value. */
int plimsoll_quantity_parse(struct plimsoll_span text, uint64_t *value,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** For people: binary suffix, at most one decimal, never rounded up (`11.2Gi`, `512Mi`, `0`). */
const char *plimsoll_quantity_format(uint64_t bytes, char out[PLIMSOLL_QUANTITY_SIZE]);
