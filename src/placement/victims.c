/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/placement.h>

#include "arith.h"
#include "want.h"

/* A node and the pods that may have to leave it. */
struct search {
    const struct plimsoll_node_view *view;
    const struct plimsoll_placement_settings *settings;
    const struct plimsoll_pod *pod;
    const struct plimsoll_pod **staying; /* first those who stay in any case, then those of a try */
    size_t fixed_count;
    struct plimsoll_uid *gone; /* first those who leave in any case, then those of a try */
    size_t gone_count;
    const struct plimsoll_pod **candidates; /* least important first */
    size_t candidate_count;
    bool *leaves, *best;                 /* by candidate */
    struct plimsoll_node_load *now;      /* everybody there, the proposed ones too */
    struct plimsoll_node_load *demanded; /* the same as if nothing were measured, or NULL */
    size_t tries;
    bool chance; /* the last try would have done, were it ours to pick the card */
};

static int compare_uids(const void *left, const void *right)
{
    const struct plimsoll_uid *a = left, *b = right;
    return strncmp(a->text, b->text, sizeof a->text);
}

/* The order decides between sets that are equally good, so it depends on nothing but the pods. */
static int compare_candidates(const void *left, const void *right)
{
    const struct plimsoll_pod *a = *(const struct plimsoll_pod *const *)left;
    const struct plimsoll_pod *b = *(const struct plimsoll_pod *const *)right;
    if (a->priority != b->priority) {
        return a->priority < b->priority ? -1 : 1;
    }
    return compare_uids(&a->uid, &b->uid);
}

/* -- what would be measured -----------------------------------------------------------------------
 */

/* Nobody says which pod uses what, so leaving takes no bytes off by itself. */
static bool is_lumped(const struct plimsoll_card *card)
{
    return (card->reported && !card->attributed) || card->free_only;
}

static bool has_lumped(const struct plimsoll_node *node)
{
    for (uint32_t i = 0; i < node->card_count; i++) {
        if (is_lumped(&node->cards[i])) {
            return true;
        }
    }
    return false;
}

static struct plimsoll_node_load *compute(const struct search *search,
                                          const struct plimsoll_node_view *view)
{
    const struct plimsoll_uid *uid = search->pod->uid.text[0] != '\0' ? &search->pod->uid : NULL;
    return plimsoll_placement_load(view, search->settings, uid, search->pod->priority);
}

/* @param cards  The caller's, as many as the node has. */
static struct plimsoll_node with_cards(const struct plimsoll_node *node,
                                       struct plimsoll_card *cards)
{
    struct plimsoll_node copy = *node;
    memcpy(cards, node->cards, node->card_count * sizeof *cards);
    copy.cards = cards;
    return copy;
}

/* As if nothing were measured: `booked` is then what is demanded. */
static struct plimsoll_node_load *compute_demands(const struct search *search,
                                                  struct plimsoll_node_view view)
{
    plimsoll_autofree struct plimsoll_card *cards =
        plimsoll_alloc(view.node->card_count, sizeof *cards);
    struct plimsoll_node quiet = with_cards(view.node, cards);
    for (uint32_t i = 0; i < quiet.card_count; i++) {
        quiet.cards[i].reported = false;
    }
    view.node = &quiet;
    return compute(search, &view);
}

static bool is_held(const struct plimsoll_card *card, const struct plimsoll_node_view *view)
{
    for (uint32_t i = 0; i < card->holder_count; i++) {
        for (size_t j = 0; j < view->pod_count; j++) {
            if (compare_uids(&card->holders[i], &view->pods[j]->uid) == 0) {
                return true;
            }
        }
    }
    return false;
}

/*
 * What a card that does not tell pods apart would report once they have left: less by what they
 * claimed, but what was there before any claim stays. A card that the kubelet counts has no claims;
 * it is one pod's alone and empty without it.
 */
static void relieve(const struct search *search, const struct plimsoll_node_view *view, uint32_t i,
                    uint64_t demanded, struct plimsoll_card *card)
{
    uint64_t freed = minus(search->demanded->cards[i].booked, demanded);
    if (card->free_only) {
        card->free_reported = plus(card->free_reported, freed);
    } else if (is_counted(&search->pod->demand) && card->vendor == search->pod->demand.vendor) {
        card->used = is_held(card, view) ? card->used : 0;
    } else {
        uint64_t foreign = smaller(search->now->cards[i].foreign, card->used);
        card->used = larger(minus(card->used, freed), foreign);
    }
}

static struct plimsoll_node_load *compute_relieved(const struct search *search,
                                                   struct plimsoll_node_view view)
{
    plimsoll_autofree struct plimsoll_node_load *demanded = compute_demands(search, view);
    plimsoll_autofree struct plimsoll_card *cards =
        plimsoll_alloc(view.node->card_count, sizeof *cards);
    struct plimsoll_node relieved = with_cards(view.node, cards);
    for (uint32_t i = 0; i < demanded->card_count; i++) {
        if (is_lumped(&cards[i])) {
            relieve(search, &view, i, demanded->cards[i].booked, &cards[i]);
        }
    }
    view.node = &relieved;
    return compute(search, &view);
}

/* -- one try --------------------------------------------------------------------------------------
 */

/* The node without those who leave. */
static struct plimsoll_node_view leave(struct search *search)
{
    struct plimsoll_node_view view = *search->view;
    view.pods = search->staying;
    view.pod_count = search->fixed_count;
    view.ended = search->gone;
    view.ended_count = search->gone_count;
    for (size_t i = 0; i < search->candidate_count; i++) {
        if (search->leaves[i]) {
            search->gone[view.ended_count++] = search->candidates[i]->uid;
        } else {
            search->staying[view.pod_count++] = search->candidates[i];
        }
    }
    return view;
}

static bool judge(const struct search *search, const struct plimsoll_node *node,
                  const struct plimsoll_node_load *load, const struct plimsoll_demand *demand)
{
    return plimsoll_placement_judge(node, load, demand, search->settings).reason == PLIMSOLL_FITS;
}

static bool judge_as_ours(const struct search *search, const struct plimsoll_node_load *load)
{
    struct plimsoll_node node = *search->view->node;
    struct plimsoll_demand demand = search->pod->demand;
    node.env = PLIMSOLL_YES;
    demand.plugin = false;
    return judge(search, &node, load, &demand);
}

/* @param unused  Free bytes of all cards, before the pod comes. */
static bool fits(struct search *search, uint64_t *unused)
{
    search->tries++;
    struct plimsoll_node_view view = leave(search);
    bool somebody = view.ended_count > search->view->ended_count;
    plimsoll_autofree struct plimsoll_node_load *load = search->demanded != NULL && somebody
                                                            ? compute_relieved(search, view)
                                                            : compute(search, &view);
    *unused = 0;
    for (uint32_t i = 0; i < load->card_count; i++) {
        *unused = plus(*unused, minus(load->cards[i].free, load->cards[i].floating_plugin));
    }
    if (judge(search, view.node, load, &search->pod->demand)) {
        return true;
    }
    search->chance = judge_as_ours(search, load);
    return false;
}

static bool is_spent(const struct search *search)
{
    return search->tries >= PLIMSOLL_VICTIMS_TRIES_MAX;
}

static bool is_content(const struct search *search)
{
    return search->tries >= PLIMSOLL_VICTIMS_CHOICES_MAX;
}

/* -- the search -----------------------------------------------------------------------------------
 */

static void let_leave(struct search *search, size_t count)
{
    for (size_t i = 0; i < search->candidate_count; i++) {
        search->leaves[i] = i < count;
    }
}

static void keep(struct search *search)
{
    memcpy(search->best, search->leaves, search->candidate_count * sizeof *search->best);
}

/* All of the first `count` leave, and there is room: lets stay who can, most important first.
 * @return how many leave, 0 when it could not be finished. */
static size_t reprieve(struct search *search, size_t count)
{
    size_t leaving = count;
    uint64_t unused;
    for (size_t i = count; i-- > 0;) {
        if (is_spent(search)) {
            return 0;
        }
        search->leaves[i] = false;
        if (fits(search, &unused)) {
            leaving--;
        } else {
            search->leaves[i] = true;
        }
    }
    keep(search);
    return leaving;
}

/* Moves on to the next `size` of the first `count`, in order. @return false after the last */
static bool choose_next(struct search *search, size_t count, size_t size)
{
    size_t run = 0; /* chosen ones at the very end */
    while (run < size && search->leaves[count - 1 - run]) {
        run++;
    }
    if (run == size) {
        return false;
    }
    size_t i = count - 1 - run;
    while (!search->leaves[i]) {
        i--;
    }
    search->leaves[i] = false;
    for (size_t j = i + 1; j < count; j++) {
        search->leaves[j] = j <= i + 1 + run;
    }
    return true;
}

/* Of the sets of `size` of the first `count` the one that leaves least unused, into `best`. */
static bool choose(struct search *search, size_t count, size_t size)
{
    uint64_t least = 0, unused;
    bool found = false;
    let_leave(search, size);
    do {
        if (fits(search, &unused) && (!found || unused < least)) {
            least = unused;
            found = true;
            keep(search);
        }
    } while (!is_content(search) && choose_next(search, count, size));
    return found;
}

/* Fewer than `most`, or as many and less left unused; what `best` holds stays when there is none.
 * @return true when there is a set of up to `most` */
static bool choose_few(struct search *search, size_t count, size_t most)
{
    for (size_t size = 1; size <= most && !is_content(search); size++) {
        if (choose(search, count, size)) {
            return true;
        }
    }
    return false;
}

/* A device that becomes free where the plugin picks may be one that it must not pick. */
static bool can_be_too_many(const struct search *search)
{
    return search->pod->demand.plugin && search->view->node->card_count > 1 && search->chance;
}

/* By priority, so that the most important one of the set is as unimportant as can be. */
static bool find_set(struct search *search)
{
    size_t count = 0;
    while (count < search->candidate_count && !is_spent(search)) {
        int32_t priority = search->candidates[count]->priority;
        while (count < search->candidate_count && search->candidates[count]->priority == priority) {
            count++;
        }
        uint64_t unused;
        let_leave(search, count);
        if (fits(search, &unused)) {
            size_t leaving = reprieve(search, count);
            return choose_few(search, count, leaving) || leaving > 0;
        }
        if (can_be_too_many(search) && choose_few(search, count, count - 1)) {
            return true;
        }
    }
    return false;
}

/* -- who takes part -------------------------------------------------------------------------------
 */

static bool is_proposed(const struct search *search, size_t proposed_count,
                        const struct plimsoll_pod *pod)
{
    const struct plimsoll_uid *proposed = search->gone + search->view->ended_count;
    return proposed_count > 0 &&
           bsearch(&pod->uid, proposed, proposed_count, sizeof *proposed, compare_uids) != NULL;
}

static bool is_here(const struct search *search, const struct plimsoll_pod *pod)
{
    return pod->node != NULL && strcmp(pod->node, search->view->node->name) == 0;
}

static bool may_be_evicted(const struct search *search, const struct plimsoll_pod *pod)
{
    return is_here(search, pod) && pod->priority < search->pod->priority && !pod->mirror;
}

static void sort_out(struct search *search, size_t proposed_count)
{
    for (size_t i = 0; i < search->view->pod_count; i++) {
        const struct plimsoll_pod *pod = search->view->pods[i];
        bool itself = compare_uids(&pod->uid, &search->pod->uid) == 0;
        if (!itself && is_proposed(search, proposed_count, pod)) {
            continue;
        }
        if (!itself && is_here(search, pod) && pod->terminating) {
            search->gone[search->gone_count++] = pod->uid;
        } else if (!itself && may_be_evicted(search, pod)) {
            search->candidates[search->candidate_count++] = pod;
        } else {
            search->staying[search->fixed_count++] = pod;
        }
    }
    if (search->candidate_count > 1) {
        qsort(search->candidates, search->candidate_count, sizeof *search->candidates,
              compare_candidates);
    }
}

static void begin(struct search *search, const struct plimsoll_uid *proposed, size_t proposed_count)
{
    const struct plimsoll_node_view *view = search->view;
    size_t pods = view->pod_count + 1;
    search->staying = plimsoll_alloc(pods, sizeof(const struct plimsoll_pod *));
    search->candidates = plimsoll_alloc(pods, sizeof(const struct plimsoll_pod *));
    search->leaves = plimsoll_alloc(pods, sizeof *search->leaves);
    search->best = plimsoll_alloc(pods, sizeof *search->best);
    search->gone = plimsoll_alloc(view->ended_count + proposed_count + pods, sizeof *search->gone);
    for (size_t i = 0; i < view->ended_count; i++) {
        search->gone[i] = view->ended[i];
    }
    for (size_t i = 0; i < proposed_count; i++) {
        search->gone[view->ended_count + i] = proposed[i];
    }
    search->gone_count = view->ended_count + proposed_count;
    if (proposed_count > 1) {
        qsort(search->gone + view->ended_count, proposed_count, sizeof *search->gone, compare_uids);
    }
    sort_out(search, proposed_count);
    if (has_lumped(view->node)) {
        search->now = compute(search, view);
        search->demanded = compute_demands(search, *view);
    }
}

static void end(struct search *search)
{
    free(search->staying);
    free(search->candidates);
    free(search->leaves);
    free(search->best);
    free(search->gone);
    free(search->now);
    free(search->demanded);
}

static void take(const struct search *search, struct plimsoll_victims *victims)
{
    victims->added =
        plimsoll_alloc(search->candidate_count + 1, sizeof(const struct plimsoll_pod *));
    for (size_t i = search->candidate_count; i-- > 0;) {
        if (search->best[i]) {
            victims->added[victims->count++] = search->candidates[i];
        }
    }
}

bool plimsoll_placement_victims(const struct plimsoll_node_view *view,
                                const struct plimsoll_placement_settings *settings,
                                const struct plimsoll_pod *pod, const struct plimsoll_uid *proposed,
                                size_t proposed_count, struct plimsoll_victims *victims)
{
    struct plimsoll_node_view lasting = *view;
    lasting.hold_count = 0; /* gone in seconds; an eviction is for good */
    struct search search = {.view = &lasting, .settings = settings, .pod = pod};
    struct plimsoll_victims found = {0};
    uint64_t unused;
    begin(&search, proposed, proposed_count);
    bool room = fits(&search, &unused) || find_set(&search);
    if (room) {
        take(&search, &found);
        *victims = found;
    }
    end(&search);
    return room;
}
