/* SPDX-License-Identifier: Apache-2.0 */
#include "explanation.h"

#include "columns.h"

#include <string.h>

/* -- judging -------------------------------------------------------------------------------------
 */

/* As the extender judges: shared load lines are anybody's, so they are wrong for a pod that they
 * count already and where they count nominations that it need not respect. */
static void judge(const struct plimsoll_view_question *question, struct candidate *candidate)
{
    const struct plimsoll_pod *pod = question->pod;
    const struct plimsoll_extender_node *seen = candidate->seen;
    plimsoll_autofree struct plimsoll_node_load *own = NULL;
    const struct plimsoll_node_load *load = seen->load;
    if (load == NULL || load->nominated || candidate->here) {
        own = plimsoll_placement_load(&seen->view, question->settings,
                                      pod->uid.text[0] != '\0' ? &pod->uid : NULL, pod->priority);
        load = own;
    }
    candidate->verdict =
        plimsoll_placement_judge(seen->view.node, load, &pod->demand, question->settings);
    if (candidate->verdict.reason != PLIMSOLL_FITS) {
        return;
    }
    candidate->score =
        plimsoll_placement_score(seen->view.node, load, &pod->demand, question->settings);
    candidate->no_device =
        candidate->like == 0 && plimsoll_devices_left(&seen->view, pod) < pod->demand.cards;
    candidate->ruled_out = question->scheduling == NULL && candidate->like == 0 &&
                           !question->like_capped && !candidate->no_device;
}

/* Of two reasons: which comes first? Those of nodes that come closest do; each has one place. */
static int compare_reasons(enum plimsoll_reason a, enum plimsoll_reason b)
{
    struct plimsoll_verdict left = {.reason = a}, right = {.reason = b};
    if (a == b) {
        return 0;
    }
    if (a == PLIMSOLL_FITS || b == PLIMSOLL_FITS) {
        return a == PLIMSOLL_FITS ? -1 : 1;
    }
    if (plimsoll_placement_closer(&left, &right)) {
        return -1;
    }
    if (plimsoll_placement_closer(&right, &left)) {
        return 1;
    }
    return a > b ? -1 : 1; /* the enum begins with what is farthest */
}

static bool takes(const struct candidate *candidate)
{
    return candidate->verdict.reason == PLIMSOLL_FITS && !candidate->no_device &&
           !candidate->ruled_out;
}

static int compare(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    int order = compare_reasons(a->verdict.reason, b->verdict.reason);
    if (order == 0 && a->verdict.missing != b->verdict.missing) {
        order = a->verdict.missing < b->verdict.missing ? -1 : 1;
    }
    if (order == 0 && takes(a) != takes(b)) {
        order = takes(a) ? -1 : 1;
    }
    if (order == 0 && a->score != b->score) {
        order = a->score > b->score ? -1 : 1;
    }
    return order != 0 ? order : strcmp(a->seen->view.node->name, b->seen->view.node->name);
}

static void judge_all(struct plimsoll_view_explanation *it)
{
    const struct plimsoll_view_cluster *cluster = it->question.cluster;
    const char *home = it->question.pod->node;
    it->candidates = plimsoll_alloc(cluster->node_count + 1, sizeof *it->candidates);
    it->candidate_count = cluster->node_count;
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct candidate *candidate = &it->candidates[i];
        candidate->seen = &cluster->nodes[i];
        candidate->here = strcmp(home, candidate->seen->view.node->name) == 0;
        candidate->like = it->question.like != NULL ? it->question.like[i] : 0;
        judge(&it->question, candidate);
    }
    qsort(it->candidates, it->candidate_count, sizeof *it->candidates, compare);
}

/* Nodes of one reason stand together. */
static void group(struct plimsoll_view_explanation *it)
{
    for (size_t i = 0; i < it->candidate_count; i++) {
        const struct candidate *candidate = &it->candidates[i];
        struct group *last = it->group_count > 0 ? &it->groups[it->group_count - 1] : NULL;
        if (last == NULL || last->reason != candidate->verdict.reason) {
            last = &it->groups[it->group_count++];
            *last = (struct group){.reason = candidate->verdict.reason, .first = i};
        }
        last->count++;
        if (candidate->here) {
            it->home = candidate;
        }
        it->like += candidate->like;
        it->fitting += takes(candidate) ? 1 : 0;
        if (candidate->verdict.reason != PLIMSOLL_FITS && it->closest == NULL) {
            it->closest = candidate;
        }
    }
}

/* Whoever is less important or not: what would free enough is asked, not who may be evicted. */
static void find_rooms(struct plimsoll_view_explanation *it)
{
    struct plimsoll_pod pod = *it->question.pod;
    pod.priority = INT32_MAX;
    for (size_t i = 0; i < it->candidate_count && it->room_count < EXPLANATION_ROOMS_MAX; i++) {
        const struct candidate *candidate = &it->candidates[i];
        struct room *room = &it->rooms[it->room_count];
        if (candidate->verdict.reason == PLIMSOLL_NO_VRAM &&
            plimsoll_placement_victims(&candidate->seen->view, it->question.settings, &pod, NULL, 0,
                                       &room->leaving)) {
            room->candidate = candidate;
            it->room_count++;
        }
    }
}

/* -- where it stands -----------------------------------------------------------------------------
 */

static bool asks_us(const struct plimsoll_view_question *question)
{
    for (size_t i = 0; i < question->scheduler_count; i++) {
        if (strcmp(question->schedulers[i], question->scheduling->scheduler) == 0) {
            return true;
        }
    }
    return question->scheduler_count == 0;
}

static enum plimsoll_view_standing find_standing(const struct plimsoll_view_explanation *it)
{
    const struct plimsoll_pod *pod = it->question.pod;
    const struct plimsoll_view_scheduling *scheduling = it->question.scheduling;
    if (pod->finished) {
        return PLIMSOLL_STANDING_FINISHED;
    }
    if (!pod->demand.gpu) {
        return PLIMSOLL_STANDING_NO_GPU;
    }
    if (pod->node[0] != '\0') {
        return PLIMSOLL_STANDING_BOUND;
    }
    if (pod->refusal != NULL) {
        return PLIMSOLL_STANDING_REFUSED;
    }
    if (scheduling == NULL) {
        return it->fitting > 0 ? PLIMSOLL_STANDING_FITS : PLIMSOLL_STANDING_WAITS;
    }
    if (scheduling->gates[0] != '\0') {
        return PLIMSOLL_STANDING_GATED;
    }
    if (!asks_us(&it->question)) {
        return PLIMSOLL_STANDING_ELSEWHERE;
    }
    if (!scheduling->tried) {
        return PLIMSOLL_STANDING_UNSEEN;
    }
    return it->fitting > 0 ? PLIMSOLL_STANDING_FITS : PLIMSOLL_STANDING_WAITS;
}

struct plimsoll_view_explanation *
plimsoll_view_explain(const struct plimsoll_view_question *question)
{
    struct plimsoll_view_explanation *it = plimsoll_alloc(1, sizeof *it);
    it->question = *question;
    if (question->pod->demand.gpu && question->pod->refusal == NULL && !question->pod->finished) {
        judge_all(it);
        group(it);
    }
    it->standing = find_standing(it);
    if (it->standing == PLIMSOLL_STANDING_WAITS || it->standing == PLIMSOLL_STANDING_UNSEEN ||
        it->standing == PLIMSOLL_STANDING_ELSEWHERE || it->standing == PLIMSOLL_STANDING_GATED) {
        find_rooms(it);
    }
    return it;
}

void plimsoll_view_explanation_free(struct plimsoll_view_explanation **explanation)
{
    struct plimsoll_view_explanation *it = PLIMSOLL_TAKE(*explanation);
    if (it == NULL) {
        return;
    }
    for (size_t i = 0; i < it->room_count; i++) {
        free(it->rooms[i].leaving.added);
    }
    free(it->candidates);
    free(it);
}

enum plimsoll_view_standing
plimsoll_view_explanation_standing(const struct plimsoll_view_explanation *explanation)
{
    return explanation->standing;
}

const char *plimsoll_standing_text(enum plimsoll_view_standing standing)
{
    static const char *const texts[] = {
        [PLIMSOLL_STANDING_NO_GPU] = "noGpu",  [PLIMSOLL_STANDING_FINISHED] = "finished",
        [PLIMSOLL_STANDING_BOUND] = "bound",   [PLIMSOLL_STANDING_REFUSED] = "refused",
        [PLIMSOLL_STANDING_GATED] = "gated",   [PLIMSOLL_STANDING_ELSEWHERE] = "otherScheduler",
        [PLIMSOLL_STANDING_UNSEEN] = "unseen", [PLIMSOLL_STANDING_WAITS] = "waits",
        [PLIMSOLL_STANDING_FITS] = "fits",
    };
    return texts[standing];
}

/* -- in words ------------------------------------------------------------------------------------
 */

/* While every node has one card the webhook writes the literal `all`, which then is that card. */
static bool spans_cards(const struct plimsoll_view_question *question)
{
    const struct plimsoll_demand *demand = &question->pod->demand;
    bool several = false;
    for (size_t i = 0; demand->every_card && !several && i < question->cluster->node_count; i++) {
        const struct plimsoll_node *node = question->cluster->nodes[i].view.node;
        uint32_t count = 0;
        for (uint32_t card = 0; card < node->card_count; card++) {
            count += node->cards[card].vendor == demand->vendor ? 1 : 0;
        }
        several = count > 1;
    }
    return several;
}

void plimsoll_explanation_request(const struct plimsoll_view_question *question,
                                  struct plimsoll_text *out)
{
    const struct plimsoll_demand *demand = &question->pod->demand;
    const char *vendor =
        demand->vendor != PLIMSOLL_VENDOR_NONE ? plimsoll_vendor_text(demand->vendor) : "GPU";
    if (demand->request == PLIMSOLL_REQUEST_BYTES) {
        plimsoll_text_add_string(out, bytes_of(demand->vram).text);
    } else if (demand->request == PLIMSOLL_REQUEST_PERCENT) {
        plimsoll_text_add_format(out, "%g%%", demand->percent_milli / 1000.0);
    } else {
        plimsoll_text_add_string(out, demand->mig ? "all" : "the default");
    }
    if (spans_cards(question)) {
        plimsoll_text_add_format(out, " on every %s card of its node", vendor);
    } else if (demand->mig) {
        plimsoll_text_add_format(out, " of %u MIG %s", demand->cards,
                                 demand->cards == 1 ? "instance" : "instances");
    } else if (demand->cards > 1) {
        plimsoll_text_add_format(out, " on each of %u %s cards", demand->cards, vendor);
    } else {
        plimsoll_text_add_format(out, " of one %s card", vendor);
    }
    if (demand->cards > 1 && demand->topology != PLIMSOLL_TOPOLOGY_ANY) {
        plimsoll_text_add_string(out, demand->topology == PLIMSOLL_TOPOLOGY_NVLINK
                                          ? " joined by NVLink"
                                          : " on one NUMA node");
    }
    if (demand->resource[0] != '\0') {
        plimsoll_text_add_format(out, " (%s)", demand->resource);
    } else {
        plimsoll_text_add_string(out, " (VRAM only)");
    }
}

static void add_bound(const struct plimsoll_view_explanation *it, struct plimsoll_text *out)
{
    const struct plimsoll_pod *pod = it->question.pod;
    plimsoll_text_add_format(out, "is bound to %s", pod->node);
    if (plimsoll_pod_claimed(pod)) {
        plimsoll_text_add_string(out, " and holds ");
        plimsoll_view_assigned(it->home != NULL ? it->home->seen->view.node : NULL, &pod->claim,
                               out);
    } else {
        plimsoll_text_add_string(out, " without a claim");
    }
    plimsoll_text_add_char(out, '.');
}

/* What no pod could change. */
static void add_no_card(const struct plimsoll_view_explanation *it, struct plimsoll_text *out)
{
    for (size_t i = 0; i < it->candidate_count; i++) {
        if (it->candidates[i].seen->view.node->card_count > 0) {
            return;
        }
    }
    plimsoll_text_add_string(out, " No node with a GPU is known.");
}

/* Of a pod that is not there yet. */
static void add_fit(const struct plimsoll_view_explanation *it, struct plimsoll_text *out)
{
    if (it->fitting == 0) {
        plimsoll_text_add_string(out, "fits on no node now.");
        add_no_card(it, out);
        return;
    }
    plimsoll_text_add_format(out, "fits on %zu of %zu %s now; %s%zu %s it in all.", it->fitting,
                             it->candidate_count, it->candidate_count == 1 ? "node" : "nodes",
                             it->question.like_capped ? "at least " : "", it->like,
                             it->like == 1 ? "pod like" : "pods like");
}

/* Those that take the pod stand before all others, the best by policy first. */
const struct candidate *
plimsoll_explanation_best(const struct plimsoll_view_explanation *explanation)
{
    return explanation->fitting > 0 ? explanation->candidates : NULL;
}

/* Of what no scheduler decides, or has decided; true: that was it. */
static bool add_settled(const struct plimsoll_view_explanation *it, struct plimsoll_text *out)
{
    switch (it->standing) {
    case PLIMSOLL_STANDING_NO_GPU:
        plimsoll_text_add_string(out, "asks for no GPU: Plimsoll has no part in it.");
        return true;
    case PLIMSOLL_STANDING_FINISHED:
        plimsoll_text_add_string(out, "has finished and holds nothing.");
        return true;
    case PLIMSOLL_STANDING_BOUND:
        add_bound(it, out);
        return true;
    case PLIMSOLL_STANDING_REFUSED:
        plimsoll_text_add_format(out, "is placed nowhere: %s", it->question.pod->refusal);
        return true;
    case PLIMSOLL_STANDING_GATED:
    case PLIMSOLL_STANDING_ELSEWHERE:
    case PLIMSOLL_STANDING_UNSEEN:
    case PLIMSOLL_STANDING_WAITS:
    case PLIMSOLL_STANDING_FITS:
        break;
    }
    return false;
}

/* Of a pod that some scheduler is to place. */
static void add_pending(const struct plimsoll_view_explanation *it,
                        const struct plimsoll_view_scheduling *scheduling,
                        struct plimsoll_text *out)
{
    switch (it->standing) {
    case PLIMSOLL_STANDING_GATED:
        plimsoll_text_add_format(out,
                                 "waits for its scheduling gates (%s): no scheduler looks at it "
                                 "before they are taken off.",
                                 scheduling->gates);
        break;
    case PLIMSOLL_STANDING_ELSEWHERE:
        plimsoll_text_add_format(out, "waits for the scheduler %s, which does not ask Plimsoll.",
                                 scheduling->scheduler);
        break;
    case PLIMSOLL_STANDING_UNSEEN:
        plimsoll_text_add_format(out, "waits: no scheduler has looked at it. Does %s run?",
                                 scheduling->scheduler);
        add_no_card(it, out);
        break;
    case PLIMSOLL_STANDING_FITS:
        plimsoll_text_add_format(out, "waits, although %zu %s room for it now: %s%s.", it->fitting,
                                 it->fitting == 1 ? "node has" : "nodes have",
                                 plimsoll_explanation_best(it)->seen->view.node->name,
                                 it->fitting == 1 ? "" : " first");
        break;
    case PLIMSOLL_STANDING_WAITS:
        plimsoll_text_add_string(out, "waits: no node has room for it.");
        add_no_card(it, out);
        break;
    case PLIMSOLL_STANDING_NO_GPU:
    case PLIMSOLL_STANDING_FINISHED:
    case PLIMSOLL_STANDING_BOUND:
    case PLIMSOLL_STANDING_REFUSED:
        break;
    }
}

void plimsoll_explanation_headline(const struct plimsoll_view_explanation *explanation,
                                   struct plimsoll_text *out)
{
    const struct plimsoll_view_scheduling *scheduling = explanation->question.scheduling;
    if (add_settled(explanation, out)) {
        return;
    }
    if (scheduling == NULL) {
        add_fit(explanation, out);
    } else {
        add_pending(explanation, scheduling, out);
    }
}
