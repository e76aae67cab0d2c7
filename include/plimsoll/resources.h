/* SPDX-License-Identifier: Apache-2.0 */
/** Which extended resources mean "a GPU": the managed resources, as configured (design §2.1). */
#pragma once

#include <plimsoll/demand.h>
#include <plimsoll/span.h>

struct plimsoll_resource {
    const char *name; /* exact, or with one trailing `*` */
    enum plimsoll_vendor vendor;
    bool mig; /* instances: exclusive, counted by the kubelet */
};

/** In order of precedence; borrowed, immutable, must outlive whoever reads with it. */
struct plimsoll_resources {
    const struct plimsoll_resource *list;
    size_t count;
};

/** The first entry that `name` matches, or NULL. */
const struct plimsoll_resource *plimsoll_resources_find(const struct plimsoll_resources *resources,
                                                        struct plimsoll_span name);
