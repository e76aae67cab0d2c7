/* SPDX-License-Identifier: Apache-2.0 */
#include "explanation.h"

#include <string.h>

static bool is_same(const struct plimsoll_pod *a, const struct plimsoll_pod *b)
{
    return a->uid.text[0] != '\0' && strcmp(a->uid.text, b->uid.text) == 0;
}

size_t plimsoll_fit_devices(const struct plimsoll_node_view *view, const struct plimsoll_pod *pod)
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

/* The node with `count` more pods on it. */
struct filled {
    struct plimsoll_node_view view;
    const struct plimsoll_pod **list; /* owned: those of the node, then ours */
    struct plimsoll_pod pods[PLIMSOLL_VIEW_FIT_MAX];
    size_t count;
};

/* @return false when it does not take another one. */
static bool add_one(struct filled *filled, const struct plimsoll_pod *pod,
                    const struct plimsoll_placement_settings *settings)
{
    const struct plimsoll_node *node = filled->view.node;
    struct plimsoll_pod *next = &filled->pods[filled->count];
    struct plimsoll_error err = {0};
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&filled->view, settings, NULL, pod->priority);
    *next = *pod;
    next->claim = (struct plimsoll_claim){0};
    snprintf(next->uid.text, sizeof next->uid.text, "fit-%zu", filled->count);
    if (plimsoll_placement_judge(node, load, &pod->demand, settings).reason != PLIMSOLL_FITS ||
        plimsoll_placement_choose(node, load, next, settings, &next->claim, &err) < 0) {
        return false;
    }
    next->node = node->name;
    filled->list[filled->view.pod_count++] = next;
    filled->count++;
    return true;
}

size_t plimsoll_fit_count(const struct plimsoll_node_view *view, const struct plimsoll_pod *pod,
                          const struct plimsoll_placement_settings *settings)
{
    size_t devices = plimsoll_fit_devices(view, pod);
    plimsoll_autofree struct filled *filled = plimsoll_alloc(1, sizeof *filled);
    filled->view = *view;
    filled->list = plimsoll_alloc(view->pod_count + PLIMSOLL_VIEW_FIT_MAX, sizeof *filled->list);
    if (view->pod_count > 0) {
        memcpy(filled->list, view->pods, view->pod_count * sizeof *filled->list);
    }
    filled->view.pods = filled->list;
    while (filled->count < PLIMSOLL_VIEW_FIT_MAX && devices >= pod->demand.cards &&
           add_one(filled, pod, settings)) {
        devices -= pod->demand.plugin ? pod->demand.cards : 0;
    }
    for (size_t i = 0; i < filled->count; i++) {
        plimsoll_claim_clear(&filled->pods[i].claim);
    }
    free(filled->list);
    return filled->count;
}
