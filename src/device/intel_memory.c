/* SPDX-License-Identifier: Apache-2.0 */
#include "intel_memory.h"

#include "intel_uapi.h"

#include <errno.h>

/* A driver that is busy may ask to be asked again. */
#define TRIES_MAX 8u

/* The drivers' answers are of 64-bit numbers. */
union answer {
    uint64_t aligned;
    char bytes[PLIMSOLL_INTEL_ANSWER_BYTES_MAX];
};

/* Sums of regions of one kind, in the terms of both drivers. */
struct sum {
    unsigned count;
    uint64_t total, used;
    bool used_unknown;
};

static void add(struct sum *sum, uint64_t total, uint64_t used, bool used_unknown)
{
    sum->count++;
    sum->total = total > INT64_MAX - sum->total ? INT64_MAX : sum->total + total;
    sum->used = used > INT64_MAX - sum->used ? INT64_MAX : sum->used + used;
    sum->used_unknown = sum->used_unknown || used_unknown;
}

static void take(const struct sum *own, const struct sum *system,
                 struct plimsoll_intel_memory *memory)
{
    const struct sum *sum = own->count > 0 ? own : system;
    *memory = (struct plimsoll_intel_memory){
        .dedicated = own->count > 0,
        .total = sum->total,
        .used = sum->used_unknown || sum->count == 0 ? PLIMSOLL_BYTES_UNKNOWN : sum->used};
}

static int ask(const struct plimsoll_intel_kernel *kernel, int fd, unsigned long request,
               void *argument)
{
    for (unsigned tries = 0; kernel->ioctl(kernel->context, fd, request, argument) < 0; tries++) {
        if ((errno != EINTR && errno != EAGAIN) || tries == TRIES_MAX) {
            return errno;
        }
    }
    return 0;
}

int plimsoll_xe_memory(const struct plimsoll_intel_kernel *kernel, int fd,
                       struct plimsoll_intel_memory *memory)
{
    union answer answer = {0};
    struct xe_device_query query = {.query = XE_QUERY_MEMORY_REGIONS};
    struct xe_memory_regions head;
    int number = ask(kernel, fd, XE_IOCTL_DEVICE_QUERY, &query);
    if (number != 0) {
        return number;
    }
    if (query.size < sizeof head || query.size > sizeof answer) {
        return EPROTO;
    }
    query.data = (uint64_t)(uintptr_t)&answer;
    uint32_t size = query.size;
    number = ask(kernel, fd, XE_IOCTL_DEVICE_QUERY, &query);
    if (number != 0) {
        return number;
    }
    memcpy(&head, answer.bytes, sizeof head);
    if (head.count > (size - sizeof head) / sizeof(struct xe_memory_region)) {
        return EPROTO;
    }
    struct sum own = {0}, system = {0};
    for (uint32_t i = 0; i < head.count; i++) {
        struct xe_memory_region region;
        memcpy(&region, answer.bytes + sizeof head + i * sizeof region, sizeof region);
        bool unknown = region.used == 0 && !kernel->perfmon;
        if (region.kind == XE_REGION_VRAM) {
            add(&own, region.total_size, region.used, unknown);
        } else if (region.kind == XE_REGION_SYSTEM) {
            add(&system, region.total_size, region.used, unknown);
        }
    }
    take(&own, &system, memory);
    return 0;
}

static int ask_i915(const struct plimsoll_intel_kernel *kernel, int fd,
                    struct i915_query_item *item)
{
    struct i915_query query = {.item_count = 1, .items = (uint64_t)(uintptr_t)item};
    int number = ask(kernel, fd, I915_IOCTL_QUERY, &query);
    if (number != 0) {
        return number;
    }
    return item->length < 0 ? -item->length : 0;
}

/* System memory is not counted at all by i915: what is free is then as much as there is. */
static void add_i915_region(const struct i915_memory_region *region, bool perfmon, struct sum *own,
                            struct sum *system)
{
    uint64_t total = region->probed_size, free_bytes = region->unallocated_size;
    if (region->kind == I915_REGION_SYSTEM) {
        add(system, total, 0, true);
    } else if (region->kind == I915_REGION_DEVICE) {
        bool unknown = free_bytes > total || (free_bytes == total && !perfmon);
        add(own, total, unknown ? 0 : total - free_bytes, unknown);
    }
}

int plimsoll_i915_memory(const struct plimsoll_intel_kernel *kernel, int fd,
                         struct plimsoll_intel_memory *memory)
{
    union answer answer = {0};
    struct i915_query_item item = {.query = I915_QUERY_MEMORY_REGIONS};
    struct i915_memory_regions head;
    int number = ask_i915(kernel, fd, &item);
    if (number != 0) {
        return number;
    }
    size_t size = (size_t)item.length;
    if (size < sizeof head || size > sizeof answer) {
        return EPROTO;
    }
    item.data = (uint64_t)(uintptr_t)&answer;
    number = ask_i915(kernel, fd, &item);
    if (number != 0) {
        return number;
    }
    memcpy(&head, answer.bytes, sizeof head);
    if (head.count > (size - sizeof head) / sizeof(struct i915_memory_region)) {
        return EPROTO;
    }
    struct sum own = {0}, system = {0};
    for (uint32_t i = 0; i < head.count; i++) {
        struct i915_memory_region region;
        memcpy(&region, answer.bytes + sizeof head + i * sizeof region, sizeof region);
        add_i915_region(&region, kernel->perfmon, &own, &system);
    }
    take(&own, &system, memory);
    return 0;
}
