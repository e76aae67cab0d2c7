/* SPDX-License-Identifier: Apache-2.0 */
#include "closest.h"

enum plimsoll_reason plimsoll_closest_look(struct plimsoll_closest *closest,
                                           const struct plimsoll_extender_node *node)
{
    const struct plimsoll_pod *pod = closest->pod;
    struct plimsoll_extender_node found = *node;
    plimsoll_autofree struct plimsoll_node_load *own = NULL;
    if (found.load->nominated) {
        own = plimsoll_placement_load(&found.view, closest->settings, &pod->uid, pod->priority);
        found.load = own;
    }
    struct plimsoll_verdict verdict =
        plimsoll_placement_judge(found.view.node, found.load, &pod->demand, closest->settings);
    if (verdict.reason != PLIMSOLL_FITS &&
        (!closest->found || plimsoll_placement_closer(&verdict, &closest->verdict))) {
        free(closest->own);
        closest->own = PLIMSOLL_TAKE(own);
        closest->node = found;
        closest->verdict = verdict;
        closest->found = true;
    }
    return verdict.reason;
}

void plimsoll_closest_clear(struct plimsoll_closest *closest)
{
    free(PLIMSOLL_TAKE(closest->own));
    closest->found = false;
}
