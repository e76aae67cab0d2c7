/* SPDX-License-Identifier: Apache-2.0 */
#include "explanation.h"

#include <string.h>

static bool is_same(const struct plimsoll_pod *a, const struct plimsoll_pod *b)
{
    return a->uid.text[0] != '\0' && strcmp(a->uid.text, b->uid.text) == 0;
}

size_t plimsoll_devices_left(const struct plimsoll_node_view *view, const struct plimsoll_pod *pod)
{
    const struct plimsoll_node *node = view->node;
    uint64_t left = 0;
    if (!pod->demand.plugin) {
        return SIZE_MAX;
    }
    for (uint32_t i = 0; i < node->resource_count; i++) {
        if (strcmp(node->resources[i].name, pod->demand.resource) == 0) {
            left = node->resources[i].allocatable;
        }
    }
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *other = view->pods[i];
        bool takes = other->demand.plugin && other->node[0] != '\0' && !is_same(other, pod) &&
                     strcmp(other->demand.resource, pod->demand.resource) == 0;
        uint64_t taken = takes ? other->demand.cards : 0;
        left = left > taken ? left - taken : 0;
    }
    return (size_t)left;
}
