/* SPDX-License-Identifier: Apache-2.0 */
#include "rank.h"

#include <math.h>
#include <stdlib.h>

#include <plimsoll/outlook.h>

/* What is neither remembered nor looked at yet: after all that is. */
#define UNKNOWN (-INFINITY)
/* Cards are of one size that differ by less than this part. */
#define ALIKE_PART 8u
/* Cards of other sizes may lose so many times the value of the best. */
#define LOSS_TIMES 2.0

double *plimsoll_rank_score(struct plimsoll_extender_call *call, size_t index)
{
    if (index >= call->score_capacity) {
        size_t before = call->score_capacity;
        call->score_capacity = call->names.capacity;
        call->scores = plimsoll_realloc(call->scores, call->score_capacity, sizeof *call->scores);
        for (size_t i = before; i < call->score_capacity; i++) {
            call->scores[i] = 0;
        }
    }
    return &call->scores[index];
}

/* @param kind  Set to that of the node; NULL: of no interest. */
static double look_at(const struct plimsoll_extender_call *call,
                      const struct plimsoll_extender_glimpse *glimpse, uint64_t *kind)
{
    const struct plimsoll_extender_world *world = call->world;
    struct plimsoll_extender_node node;
    world->open(world->context, glimpse, &node);
    if (kind != NULL) {
        *kind = node.view.room.kind;
    }
    return plimsoll_placement_score(node.view.node, node.load, &call->pod.demand, call->settings);
}

static void begin(const struct plimsoll_extender_call *call, struct plimsoll_rank *rank,
                  const struct plimsoll_extender_glimpse *glimpse)
{
    const struct plimsoll_extender_world *world = call->world;
    struct plimsoll_extender_node node;
    rank->begun = true;
    world->open(world->context, glimpse, &node);
    if (node.load != NULL &&
        plimsoll_placement_foresees(node.load, &call->pod.demand, call->settings)) {
        rank->outlook = node.load->room.outlook;
        rank->class_index = plimsoll_outlook_class(rank->outlook, &call->pod.demand);
    }
}

static void note_todo(struct plimsoll_rank *rank, const struct plimsoll_rank_todo *todo)
{
    if (rank->count == rank->capacity) {
        rank->capacity = rank->capacity > 0 ? 2 * rank->capacity : 256;
        rank->todo = plimsoll_realloc(rank->todo, rank->capacity, sizeof *rank->todo);
    }
    rank->todo[rank->count++] = *todo;
}

void plimsoll_rank_add(struct plimsoll_extender_call *call, struct plimsoll_rank *rank,
                       size_t index, const struct plimsoll_extender_glimpse *glimpse)
{
    if (!rank->begun) {
        begin(call, rank, glimpse);
    }
    if (rank->outlook == NULL) {
        if (call->pod.demand.gpu) {
            *plimsoll_rank_score(call, index) = look_at(call, glimpse, NULL);
        }
        return;
    }
    double *score = plimsoll_rank_score(call, index);
    struct plimsoll_rank_todo todo = {.index = index, .glimpse = *glimpse};
    switch (plimsoll_outlook_recall(rank->outlook, rank->class_index, glimpse->number, score)) {
    case PLIMSOLL_RECALLED:
        return;
    case PLIMSOLL_RECALLED_OLD:
        todo.old = true;
        todo.key = -*score; /* where the best is likely to be */
        break;
    case PLIMSOLL_RECALLED_NOTHING:
        *score = UNKNOWN;
        todo.key = (double)glimpse->summary->room; /* as before there was a history */
        break;
    }
    note_todo(rank, &todo);
}

/* What has no score comes first. */
static int compare(const void *left, const void *right)
{
    const struct plimsoll_rank_todo *a = left, *b = right;
    if (a->old != b->old) {
        return a->old ? 1 : -1;
    }
    if (a->key < b->key || a->key > b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Whoever asks names the nodes that the pod's own choice of nodes allows. */
static void look_anew(struct plimsoll_extender_call *call, struct plimsoll_rank *rank, size_t from,
                      size_t count)
{
    uint64_t kinds = 0, kind;
    for (size_t i = from; i < from + count; i++) {
        const struct plimsoll_rank_todo *todo = &rank->todo[i];
        double score = look_at(call, &todo->glimpse, &kind);
        kinds |= kind;
        call->scores[todo->index] = score;
        plimsoll_outlook_remember(rank->outlook, rank->class_index, todo->glimpse.number, score);
    }
    if (call->pod.demand.selection != 0 && kinds != 0) {
        plimsoll_outlook_allow(rank->outlook, rank->class_index, kinds);
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Both what is unknown and what is old get on with every call. */
static void catch_up(struct plimsoll_extender_call *call, struct plimsoll_rank *rank)
{
    if (rank->count <= PLIMSOLL_RANK_OLD_MAX) {
        look_anew(call, rank, 0, rank->count);
        return;
    }
    qsort(rank->todo, rank->count, sizeof *rank->todo, compare);
    size_t unknown = 0;
    while (unknown < rank->count && !rank->todo[unknown].old) {
        unknown++;
    }
    size_t old = rank->count - unknown;
    look_anew(call, rank, 0, smaller(unknown, PLIMSOLL_RANK_ANEW_MAX));
    look_anew(call, rank, unknown, smaller(old, PLIMSOLL_RANK_OLD_MAX));
}

static bool fits(const struct plimsoll_extender_call *call, size_t index)
{
    return call->names.list[index].reason == PLIMSOLL_FITS;
}

/* The steps of the answer are for scores that were computed: others come right below the least. */
static void close_ranks(struct plimsoll_extender_call *call)
{
    double least = 0;
    bool any = false;
    for (size_t i = 0; i < call->names.count; i++) {
        double score = call->scores[i];
        if (fits(call, i) && score > PLIMSOLL_SCORE_UNACCOUNTED && (!any || score < least)) {
            least = score;
            any = true;
        }
    }
    for (size_t i = 0; i < call->names.count; i++) {
        if (fits(call, i) && call->scores[i] <= PLIMSOLL_SCORE_UNACCOUNTED) {
            call->scores[i] = least - (call->scores[i] <= UNKNOWN ? 0.01 : 0.02);
        }
    }
}

/* The first of each of the best scores, best first. @return how many */
static size_t find_best(const struct plimsoll_extender_call *call, size_t *best)
{
    size_t count = 0;
    for (size_t i = 0; i < call->names.count; i++) {
        double score = call->scores[i];
        if (!fits(call, i) || (count == PLIMSOLL_RANK_CLOSELY_MAX &&
                               score <= call->scores[best[PLIMSOLL_RANK_CLOSELY_MAX - 1]])) {
            continue;
        }
        size_t at = count;
        while (at > 0 && score > call->scores[best[at - 1]]) {
            at--;
        }
        if (at > 0 && score >= call->scores[best[at - 1]]) {
            continue; /* not the first of it */
        }
        count += count < PLIMSOLL_RANK_CLOSELY_MAX;
        for (size_t j = count - 1; j > at; j--) {
            best[j] = best[j - 1];
        }
        best[at] = i;
    }
    return count;
}

static struct plimsoll_prospect look_closely(const struct plimsoll_extender_call *call,
                                             size_t index)
{
    const struct plimsoll_extender_world *world = call->world;
    struct plimsoll_extender_node node;
    if (!world->node(world->context, plimsoll_names_get(&call->names, index), &node) ||
        node.load == NULL) {
        return (struct plimsoll_prospect){.foretold = false};
    }
    return plimsoll_placement_foretell(node.view.node, node.load, &call->pod.demand,
                                       call->settings);
}

static double loss_of(const struct plimsoll_prospect *prospect)
{
    return prospect->room - prospect->room_after;
}

/* Small pods fill a large card as well as a small one: bytes do not tell what is lost to the large
 * ones. So cards of another size than that of the best value compete only where about as much value
 * is lost. */
static bool competes(const struct plimsoll_prospect *prospect, const struct plimsoll_prospect *best)
{
    uint64_t size = prospect->size, wanted = best->size;
    uint64_t apart = size > wanted ? size - wanted : wanted - size;
    bool alike = apart <= wanted / ALIKE_PART;
    return prospect->foretold &&
           (!best->foretold || alike || loss_of(prospect) <= LOSS_TIMES * loss_of(best));
}

/* Of the best by value the best by filling comes to the top. */
static void choose(struct plimsoll_extender_call *call)
{
    size_t best[PLIMSOLL_RANK_CLOSELY_MAX];
    size_t count = find_best(call, best), chosen = 0;
    struct plimsoll_prospect first = {.foretold = false};
    double most = UNKNOWN;
    for (size_t i = 0; count > 1 && i < count; i++) {
        struct plimsoll_prospect prospect = look_closely(call, best[i]);
        double kept = prospect.filled_after - prospect.filled;
        first = i == 0 ? prospect : first;
        if (competes(&prospect, &first) && kept > most) {
            most = kept;
            chosen = i;
        }
    }
    if (count > 0) {
        double top = call->scores[best[0]];
        call->scores[best[chosen]] = top + 1e-6 + fabs(top) * 1e-6;
    }
}

void plimsoll_rank_finish(struct plimsoll_extender_call *call, struct plimsoll_rank *rank)
{
    if (rank->outlook != NULL) {
        catch_up(call, rank);
        close_ranks(call);
        if (call->pod.demand.gpu) {
            choose(call);
        }
    }
    free(rank->todo);
}
