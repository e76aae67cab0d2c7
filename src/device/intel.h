/* SPDX-License-Identifier: Apache-2.0 */
/** The Intel reader with its ways to the kernel in the caller's hands. */
#pragma once

#include <plimsoll/device.h>

struct plimsoll_intel_kernel {
    void *context;
    /** As ioctl(2): -1 with errno. */
    int (*ioctl)(void *context, int fd, unsigned long request, void *argument);
    bool perfmon; /* this process has CAP_PERFMON or CAP_SYS_ADMIN */
};

struct plimsoll_reader plimsoll_reader_intel_with(const struct plimsoll_reader_options *options,
                                                  const struct plimsoll_intel_kernel *kernel);
