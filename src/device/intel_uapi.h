/* SPDX-License-Identifier: Apache-2.0 */
/** The part of the kernel's interface to xe and i915 that asks for memory regions. The kernel never
 * changes it; headers of distributions may lack it. */
#pragma once

#include <stdint.h>

#define XE_IOCTL_DEVICE_QUERY   0xC0286440ul
#define XE_QUERY_MEMORY_REGIONS 1u
#define XE_REGION_SYSTEM        0u
#define XE_REGION_VRAM          1u

struct xe_device_query {
    uint64_t extensions;
    uint32_t query;
    uint32_t size; /* 0 asks for the size */
    uint64_t data; /* a pointer */
    uint64_t reserved[2];
};

struct xe_memory_region {
    uint16_t kind;
    uint16_t instance;
    uint32_t min_page_size;
    uint64_t total_size;
    uint64_t used; /* 0 without CAP_PERFMON */
    uint64_t cpu_visible_size;
    uint64_t cpu_visible_used;
    uint64_t reserved[6];
};

struct xe_memory_regions {
    uint32_t count;
    uint32_t pad;
};

#define I915_IOCTL_QUERY          0xC0106479ul
#define I915_QUERY_MEMORY_REGIONS 4u
#define I915_REGION_SYSTEM        0u
#define I915_REGION_DEVICE        1u

struct i915_query_item {
    uint64_t query;
    int32_t length; /* 0 asks for it; a negative one is an errno */
    uint32_t flags;
    uint64_t data; /* a pointer */
};

struct i915_query {
    uint32_t item_count;
    uint32_t flags;
    uint64_t items; /* a pointer */
};

struct i915_memory_region {
    uint16_t kind;
    uint16_t instance;
    uint32_t reserved_0;
    uint64_t probed_size;
    uint64_t unallocated_size; /* equal to probed_size without CAP_PERFMON; -1: unknown */
    uint64_t reserved_1[8];
};

struct i915_memory_regions {
    uint32_t count;
    uint32_t reserved[3];
};

_Static_assert(sizeof(struct xe_device_query) == 0x28, "the size is part of the request");
_Static_assert(sizeof(struct xe_memory_regions) == 8, "regions follow at byte 8");
_Static_assert(sizeof(struct xe_memory_region) == 88, "a region of xe");
_Static_assert(sizeof(struct i915_query) == 0x10, "the size is part of the request");
_Static_assert(sizeof(struct i915_query_item) == 24, "an item of i915");
_Static_assert(sizeof(struct i915_memory_regions) == 16, "regions follow at byte 16");
_Static_assert(sizeof(struct i915_memory_region) == 88, "a region of i915");
