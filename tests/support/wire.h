/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of the model read with and from: the shipped resources, fixture files. */
#pragma once

#include "unit.h"

#include <plimsoll/node.h>
#include <plimsoll/pod.h>

static const struct plimsoll_resource wire_list[] = {
    {"nvidia.com/gpu", PLIMSOLL_VENDOR_NVIDIA, false},
    {"nvidia.com/gpu.shared", PLIMSOLL_VENDOR_NVIDIA, false},
    {"nvidia.com/mig-*", PLIMSOLL_VENDOR_NVIDIA, true},
    {"amd.com/gpu", PLIMSOLL_VENDOR_AMD, false},
    {"gpu.intel.com/*", PLIMSOLL_VENDOR_INTEL, false},
};
static const struct plimsoll_selector wire_selectors[] = {
    {"nvidia.com/gpu.present", "true"},
    {"kubernetes.io/arch", "arm64"},
    {"nvidia.com/gpu.product", "Tesla-T4"},
};
static const struct plimsoll_reading wire_reading = {
    .resources = {.list = wire_list, .count = sizeof wire_list / sizeof wire_list[0]},
    .selectors = wire_selectors,
    .selector_count = sizeof wire_selectors / sizeof wire_selectors[0],
};

/** A fixture file below tests/, the caller clears it. */
static inline struct plimsoll_text wire_file(const char *path)
{
    struct plimsoll_text text = plimsoll_text_make(1 << 22);
    char whole[512], part[4096];
    snprintf(whole, sizeof whole, "%s/%s", PLIMSOLL_TESTS_DIR, path);
    plimsoll_autofclose FILE *file = fopen(whole, "rb");
    if (file == NULL) {
        fail_msg("cannot read %s", whole);
        return text;
    }
    for (size_t got; (got = fread(part, 1, sizeof part, file)) > 0;) {
        plimsoll_text_add(&text, part, got);
    }
    return text;
}
