/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/resources.h>

/* Older Intel plugins offer these beside the cards: all cards at once, or amounts instead of cards.
 */
static bool is_no_device(struct plimsoll_span name)
{
    static const char *const tails[] = {"monitoring", "memory.max", "millicores", "tiles"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        size_t size = strlen(tails[i]);
        if (name.size >= size && memcmp(name.data + name.size - size, tails[i], size) == 0) {
            return true;
        }
    }
    return false;
}

static bool matches(const struct plimsoll_resource *resource, struct plimsoll_span name)
{
    size_t size = strlen(resource->name);
    if (size == 0 || resource->name[size - 1] != '*') {
        return name.size == size && memcmp(name.data, resource->name, size) == 0;
    }
    /* The star stands for something: `nvidia.com/mig-` names no profile. */
    return name.size >= size && memcmp(name.data, resource->name, size - 1) == 0 &&
           !(resource->vendor == PLIMSOLL_VENDOR_INTEL && is_no_device(name));
}

const struct plimsoll_resource *plimsoll_resources_find(const struct plimsoll_resources *resources,
                                                        struct plimsoll_span name)
{
    for (size_t i = 0; i < resources->count; i++) {
        if (matches(&resources->list[i], name)) {
            return &resources->list[i];
        }
    }
    return NULL;
}
