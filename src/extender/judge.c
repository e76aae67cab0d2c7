/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "rank.h"

static bool is_bound_to(const struct plimsoll_extender_call *call, struct plimsoll_span name)
{
    return call->bound[0] != '\0' && plimsoll_span_is(name, call->bound);
}

static void score(struct plimsoll_extender_call *call, size_t index,
                  const struct plimsoll_node *node, const struct plimsoll_node_load *load)
{
    *plimsoll_rank_score(call, index) =
        plimsoll_placement_score(node, load, &call->pod.demand, call->settings);
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
        score(call, index, node->view.node, load);
    }
}

static int judge_one_by_one(struct plimsoll_extender_call *call, struct plimsoll_error *err)
{
    const struct plimsoll_extender_world *world = call->world;
    for (size_t i = 0; i < call->names.count; i++) {
        struct plimsoll_extender_node node;
        if (plimsoll_names_unique(&call->names, i, err) < 0) {
            return -1;
        }
        bool known = world->node(world->context, plimsoll_names_get(&call->names, i), &node);
        plimsoll_call_judge(call, i, known ? &node : NULL);
    }
    return 0;
}

/* The nodes of the picture that were there already, a bit each. */
struct seen {
    uint64_t *bits;
    size_t words;
};

/* @return false: it was */
static bool note_seen(struct seen *seen, uint32_t number)
{
    size_t word = number / 64;
    uint64_t bit = UINT64_C(1) << number % 64;
    if (word >= seen->words) {
        size_t words = 2 * word + 64;
        seen->bits = plimsoll_realloc(seen->bits, words, sizeof *seen->bits);
        memset(seen->bits + seen->words, 0, (words - seen->words) * sizeof *seen->bits);
        seen->words = words;
    }
    bool first = (seen->bits[word] & bit) == 0;
    seen->bits[word] |= bit;
    return first;
}

/* Nodes are opened in functions of their own, not inlined: the compiler zeroes every local variable
 * (-ftrivial-auto-var-init), and a glance at a summary, which is what nearly all names need, should
 * not pay for a node that it does not look at. */
__attribute__((noinline)) static enum plimsoll_reason
judge_cards(const struct plimsoll_extender_call *call,
            const struct plimsoll_extender_glimpse *glimpse)
{
    struct plimsoll_extender_node node;
    call->world->open(call->world->context, glimpse, &node);
    return plimsoll_placement_judge(node.view.node, node.load, &call->pod.demand, call->settings)
        .reason;
}

/* Of a node whose shared load lines are not this pod's. */
__attribute__((noinline)) static void judge_own(struct plimsoll_extender_call *call, size_t index,
                                                const struct plimsoll_extender_glimpse *glimpse)
{
    struct plimsoll_extender_node node;
    call->world->open(call->world->context, glimpse, &node);
    plimsoll_call_judge(call, index, &node);
}

/* At the node's summary, and at its cards only where that does not tell all that the answer needs.
 */
static void judge_known(struct plimsoll_extender_call *call, size_t index,
                        const struct plimsoll_extender_glimpse *glimpse, struct plimsoll_rank *rank)
{
    enum plimsoll_reason reason;
    if (!call->pod.demand.gpu) {
        reason = PLIMSOLL_FITS;
    } else if (call->bound[0] != '\0' || glimpse->summary->nominated) {
        judge_own(call, index, glimpse);
        return;
    } else if (!plimsoll_placement_glance(glimpse->summary, &call->pod.demand, &reason)) {
        reason = judge_cards(call, glimpse);
    }
    call->names.list[index].reason = (uint8_t)reason;
    if (reason == PLIMSOLL_FITS && call->verb == PLIMSOLL_VERB_PRIORITIZE) {
        plimsoll_rank_add(call, rank, index, glimpse);
    }
}

/* A name of a node that is known is the same as another if the node is. */
static int judge_glimpse(struct plimsoll_extender_call *call, size_t index,
                         const struct plimsoll_extender_glimpse *glimpse, struct seen *seen,
                         struct plimsoll_rank *rank, struct plimsoll_error *err)
{
    if (glimpse->summary == NULL) {
        call->names.list[index].reason = call->pod.demand.gpu ? PLIMSOLL_NO_NODE : PLIMSOLL_FITS;
        return plimsoll_names_unique(&call->names, index, err);
    }
    if (!note_seen(seen, glimpse->number)) {
        return plimsoll_names_refuse_twice(&call->names, index, err);
    }
    judge_known(call, index, glimpse, rank);
    return 0;
}

static int judge_many(struct plimsoll_extender_call *call, struct plimsoll_error *err)
{
    const struct plimsoll_extender_world *world = call->world;
    struct plimsoll_span names[PLIMSOLL_EXTENDER_NAMES_MAX];
    struct plimsoll_extender_glimpse glimpses[PLIMSOLL_EXTENDER_NAMES_MAX];
    struct seen seen = {0};
    struct plimsoll_rank rank = {0};
    uint32_t place = 0;
    int judged = 0;
    for (size_t begin = 0, count; begin < call->names.count && judged == 0; begin += count) {
        count = call->names.count - begin;
        count = count < PLIMSOLL_EXTENDER_NAMES_MAX ? count : PLIMSOLL_EXTENDER_NAMES_MAX;
        for (size_t i = 0; i < count; i++) {
            names[i] = plimsoll_names_get(&call->names, begin + i);
        }
        world->find(world->context, names, count, &place, glimpses);
        for (size_t i = 0; i < count && judged == 0; i++) {
            judged = judge_glimpse(call, begin + i, &glimpses[i], &seen, &rank, err);
        }
    }
    free(seen.bits);
    plimsoll_rank_finish(call, &rank);
    return judged;
}

int plimsoll_call_judge_names(struct plimsoll_extender_call *call, struct plimsoll_error *err)
{
    const struct plimsoll_extender_world *world = call->world;
    if (world->hold != NULL) {
        world->hold(world->context);
    }
    int judged = world->find != NULL ? judge_many(call, err) : judge_one_by_one(call, err);
    if (world->release != NULL) {
        world->release(world->context);
    }
    return judged;
}
