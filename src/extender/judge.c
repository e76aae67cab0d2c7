/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

static bool is_bound_to(const struct plimsoll_extender_call *call, struct plimsoll_span name)
{
    return call->bound[0] != '\0' && plimsoll_span_is(name, call->bound);
}

static void add_score(struct plimsoll_extender_call *call, size_t index, double score)
{
    if (index >= call->score_capacity) {
        call->score_capacity = call->names.capacity;
        call->scores = plimsoll_realloc(call->scores, call->score_capacity, sizeof *call->scores);
    }
    call->scores[index] = score;
}

/* The shared load lines are anybody's. They are wrong for a pod that they count already, and where
 * they count nominations that this pod need not respect. */
static struct plimsoll_node_load *compute_own(const struct plimsoll_extender_call *call,
                                              const struct plimsoll_node_view *view)
{
    const struct plimsoll_uid *uid = call->pod.uid.text[0] != '\0' ? &call->pod.uid : NULL;
    return plimsoll_placement_load(view, call->settings, uid, call->pod.priority);
}

void plimsoll_call_judge(struct plimsoll_extender_call *call, size_t index,
                         const struct plimsoll_extender_node *node)
{
    struct plimsoll_names_entry *entry = &call->names.list[index];
    if (node == NULL) {
        entry->reason = PLIMSOLL_NO_NODE;
        return;
    }
    bool bound = is_bound_to(call, plimsoll_names_get(&call->names, index));
    plimsoll_autofree struct plimsoll_node_load *own = NULL;
    const struct plimsoll_node_load *load = node->load;
    if (load == NULL || load->nominated || bound) {
        own = compute_own(call, &node->view);
        load = own;
    }
    if (bound) {
        call->bound_index = index;
        entry->reason = PLIMSOLL_FITS;
    } else {
        entry->reason = (uint8_t)plimsoll_placement_judge(node->view.node, load, &call->pod.demand,
                                                          call->settings)
                            .reason;
    }
    if (call->verb == PLIMSOLL_VERB_PRIORITIZE && entry->reason == PLIMSOLL_FITS) {
        add_score(
            call, index,
            plimsoll_placement_score(node->view.node, load, &call->pod.demand, call->settings));
    }
}

void plimsoll_call_judge_names(struct plimsoll_extender_call *call)
{
    const struct plimsoll_extender_world *world = call->world;
    if (world->hold != NULL) {
        world->hold(world->context);
    }
    for (size_t i = 0; i < call->names.count; i++) {
        struct plimsoll_extender_node node;
        bool known = world->node(world->context, plimsoll_names_get(&call->names, i), &node);
        plimsoll_call_judge(call, i, known ? &node : NULL);
    }
    if (world->release != NULL) {
        world->release(world->context);
    }
}
