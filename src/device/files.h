/* SPDX-License-Identifier: Apache-2.0 */
/** Small files of sysfs, procfs and the kubelet, read whole within a ceiling. */
#pragma once

#include <plimsoll/attribution.h>
#include <plimsoll/error.h>
#include <plimsoll/text.h>

/* sysfs gives at most a page for a value. */
#define PLIMSOLL_SYSFS_BYTES_MAX 4096
/* Paths of this module: a root of PATH_MAX and what is below. */
#define PLIMSOLL_DEVICE_PATH_MAX 8192

/** @return false when the path does not fit. */
bool plimsoll_device_path(char out[PLIMSOLL_DEVICE_PATH_MAX], const char *format, ...)
    PLIMSOLL_PRINTF(2, 3);

/**
 * Appends the file to `out`.
 * @param known  NULL, or a stamp: a file with the same one is not read, and the other way round it
 *               is set on success.
 * @return 1 read, 0 not read since it is the `known` one, -1: PLIMSOLL_ERR_NOT_FOUND (no such file
 * or process), _DENIED, _TOO_LARGE (more than the ceiling of `out`), else _UNAVAILABLE.
 */
int plimsoll_device_file(const char *path, struct plimsoll_text *out,
                         struct plimsoll_file_stamp *known,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** What a look at a value of sysfs comes to. */
enum plimsoll_sysfs {
    PLIMSOLL_SYSFS_ABSENT,
    PLIMSOLL_SYSFS_READ,
    PLIMSOLL_SYSFS_FAILED, /* it is there and does not answer (device lost, in reset, denied) */
};

/** The trimmed value of FOLDER/NAME; `out` is "" unless read. Cut to `size`. */
enum plimsoll_sysfs plimsoll_sysfs_text(const char *folder, const char *name, char *out,
                                        size_t size);
/** A decimal, or with `0x` hexadecimal; anything else has failed. `out` unchanged unless read. */
enum plimsoll_sysfs plimsoll_sysfs_uint(const char *folder, const char *name, uint64_t *out);
