/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold; model.h says it in words. */
#include "model.h"

#include <plimsoll/node.h>

#include <stdio.h>

#define MIB (UINT64_C(1) << 20)

static bool is_claimed(const struct plimsoll_claim *claim)
{
    return claim->card_count > 0 || claim->floating_cards > 0;
}

/* -- the line ------------------------------------------------------------------------------------
 */

static uint64_t claimed_on(const struct plimsoll_claim *claim, const char *card)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < claim->card_count; i++) {
        bytes += strcmp(claim->cards[i].id, card) == 0 ? claim->cards[i].vram : 0;
    }
    return bytes;
}

static bool counts_on(const struct model_pod *pod, int node)
{
    return pod->exists && !pod->finished && pod->node == node;
}

/* What the pod has of a card as far as that is settled, by its claim or by the plugin's pick. */
static uint64_t settled_on(const struct model_pod *pod, unsigned card)
{
    char id[PLIMSOLL_CARD_ID_SIZE];
    (void)snprintf(id, sizeof id, "GPU-%d-%u", pod->node, card);
    return claimed_on(&pod->claim, id) + (pod->on[card] > 0 ? pod->claim.floating_vram : 0);
}

/* Claims on one card: of those who have devices of it, and of those who may get one, the largest
 * first. */
struct meeting {
    uint64_t settled;
    unsigned left; /* devices that nobody has */
    struct {
        uint64_t bytes;
        unsigned devices;
    } holders[MODEL_DEVICES_MAX];
    unsigned holder_count;
    uint64_t *coming;
    size_t coming_count;
};

static void insert(struct meeting *meeting, uint64_t bytes)
{
    size_t at = meeting->coming_count++;
    for (; at > 0 && meeting->coming[at - 1] < bytes; at--) {
        meeting->coming[at] = meeting->coming[at - 1];
    }
    meeting->coming[at] = bytes;
}

/* @param leaving  A bit for each holder. */
static uint64_t bytes_without(const struct meeting *meeting, unsigned leaving)
{
    uint64_t bytes = meeting->settled;
    unsigned left = meeting->left;
    for (unsigned i = 0; i < meeting->holder_count; i++) {
        if (leaving >> i & 1) {
            bytes -= meeting->holders[i].bytes;
            left += meeting->holders[i].devices;
        }
    }
    for (size_t i = 0; i < meeting->coming_count && i < left; i++) {
        bytes += meeting->coming[i];
    }
    return bytes;
}

/* The most that the claims on a card can come to, while nobody is bound to its node: of those who
 * have devices of it any may leave, and as many who still float may come as there are devices then.
 */
static uint64_t worst_on(const struct model_world *world, int node, unsigned card)
{
    plimsoll_autofree uint64_t *coming = plimsoll_alloc(world->pod_count + 1, sizeof *coming);
    struct meeting meeting = {.left = world->devices, .coming = coming};
    uint64_t worst = 0;
    for (size_t i = 0; i < world->pod_count; i++) {
        const struct model_pod *pod = &world->pods[i];
        if (!counts_on(pod, node)) {
            continue;
        }
        uint64_t bytes = settled_on(pod, card);
        meeting.settled += bytes;
        if (pod->plugin && pod->on[card] > 0) {
            meeting.holders[meeting.holder_count].bytes = bytes;
            meeting.holders[meeting.holder_count++].devices = pod->on[card];
            meeting.left -= pod->on[card];
        } else if (pod->plugin && !pod->started) {
            insert(&meeting, pod->claim.floating_vram);
        }
    }
    for (unsigned leaving = 0; leaving < 1u << meeting.holder_count; leaving++) {
        uint64_t bytes = bytes_without(&meeting, leaving);
        worst = bytes > worst ? bytes : worst;
    }
    return worst;
}

static void check_line(struct model_world *world, const struct model_pod *pod, unsigned replica)
{
    const uint64_t line = MODEL_CARD_MIB * MIB - model_settings.reserve_bytes;
    for (unsigned i = 0; i < world->nodes[pod->node].cards; i++) {
        uint64_t claims = worst_on(world, pod->node, i);
        if (claims > line && (pod->claim.floating_cards > 0 || settled_on(pod, i) > 0)) {
            model_fault(world,
                        "%s over the line: claims of %llu MiB on card %u of %s, whose line is "
                        "%llu MiB, by a Binding of r%u",
                        pod->uid.text, (unsigned long long)(claims / MIB), i,
                        model_node_name(pod->node), (unsigned long long)(line / MIB), replica);
        }
    }
}

/* -- the fence -----------------------------------------------------------------------------------
 */

static void check_fence(struct model_world *world, unsigned replica, const char *what,
                        const char *uid)
{
    for (unsigned i = 0; i < world->replica_count; i++) {
        struct model_replica *other = &world->replicas[i];
        if (i != replica && other->alive && model_holds_lease(world, other)) {
            model_fault(world, "a Binding of %s by r%u is %s while r%u may bind", uid, replica,
                        what, i);
        }
    }
}

void model_check_post(struct model_world *world, const struct model_replica *replica,
                      const struct plimsoll_books_effect *effect)
{
    const struct model_pod *pod = model_find_pod(world, &effect->request.uid);
    if (pod->gpu != is_claimed(&effect->claim) && !pod->bare) {
        model_fault(world, "r%u posts %s %s a claim", replica->number, pod->uid.text,
                    pod->gpu ? "without" : "with");
    } else if (is_claimed(&effect->claim) && pod->exists && pod->node == MODEL_NOWHERE) {
        check_fence(world, replica->number, "begun", pod->uid.text);
    }
}

/* -- what is written and answered ----------------------------------------------------------------
 */

/* Each of its cards is another one, and its environment lists them. */
static bool sees_claim(const struct model_pod *pod, const struct plimsoll_books_effect *effect)
{
    const struct plimsoll_claim *claim = &effect->claim;
    char expected[MODEL_CARDS * (PLIMSOLL_CARD_ID_SIZE + 1)] = "";
    for (uint32_t i = 0; i < claim->card_count && i < MODEL_CARDS; i++) {
        strcat(strcat(expected, i > 0 ? "," : ""), claim->cards[i].id);
    }
    return claim->card_count == pod->cards && effect->visible[0] != NULL &&
           strcmp(effect->visible[0], expected) == 0 &&
           (claim->card_count < 2 || strcmp(claim->cards[0].id, claim->cards[1].id) != 0);
}

void model_check_binding(struct model_world *world, const struct model_pod *pod,
                         const struct model_mail *mail)
{
    const struct plimsoll_books_effect *effect = &mail->effect;
    const struct plimsoll_claim *claim = &effect->claim;
    if (!pod->gpu || (pod->bare && !is_claimed(claim))) {
        return;
    }
    if (strcmp(claim->pod.text, pod->uid.text) != 0 ||
        strcmp(claim->node, model_node_name(pod->node)) != 0 ||
        strcmp(effect->request.pod, pod->name) != 0) {
        model_fault(world, "%s is bound with a claim of %s on %s", pod->uid.text, claim->pod.text,
                    claim->node);
    }
    if (!pod->plugin && !sees_claim(pod, effect)) {
        model_fault(world, "%s does not see the cards of its claim", pod->uid.text);
    }
    check_fence(world, mail->replica, "written", pod->uid.text);
    check_line(world, pod, mail->replica);
}

/* Claims are the only reason why a bind may find too little room: with what counts on the node but
 * soft holds, the pod does not fit. */
static void check_refusal(struct model_world *world, const struct model_replica *replica,
                          const struct plimsoll_bind_request *request)
{
    struct plimsoll_extender_node found;
    const struct plimsoll_pod *pod = plimsoll_cluster_pod(replica->cluster, &request->uid);
    if (pod == NULL ||
        !plimsoll_cluster_node(replica->cluster, plimsoll_span_of(request->node), &found)) {
        return;
    }
    found.view.hold_count = 0;
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&found.view, &model_settings, &pod->uid, pod->priority);
    if (plimsoll_placement_judge(found.view.node, load, &pod->demand, &model_settings).reason ==
        PLIMSOLL_FITS) {
        model_fault(world, "r%u refuses %s on %s for soft holds", replica->number,
                    request->uid.text, request->node);
    }
}

void model_check_answer(struct model_world *world, const struct model_replica *replica,
                        const struct plimsoll_bind_request *request, const char *message)
{
    const struct model_pod *pod = model_find_pod(world, &request->uid);
    if (message[0] == '\0' && pod->node != model_node_number(request->node)) {
        model_fault(world, "r%u answers that %s is bound to %s, and it is not", replica->number,
                    request->uid.text, request->node);
    } else if (strncmp(message, "insufficient", strlen("insufficient")) == 0) {
        plimsoll_cluster_read_begin(replica->cluster);
        check_refusal(world, replica, request);
        plimsoll_cluster_read_end(replica->cluster);
    }
}

/* -- at rest -------------------------------------------------------------------------------------
 */

static void check_books(struct model_world *world, struct model_replica *replica)
{
    struct plimsoll_books_state state = plimsoll_books_state(replica->books);
    if (state.in_flight + state.in_doubt > 0) {
        model_fault(world, "r%u: %zu Bindings are in flight and %zu in doubt for ever",
                    replica->number, state.in_flight, state.in_doubt);
    } else if (state.held > 0) {
        model_fault(world, "r%u: %zu soft holds stay", replica->number, state.held);
    } else if (replica->ask_count > 0) {
        model_fault(world, "r%u: the bind of %s is never answered", replica->number,
                    replica->asks[0].request.uid.text);
    } else if (!state.idle) {
        model_fault(world, "r%u: the Lease is kept, or a Binding is open for ever",
                    replica->number);
    }
}

static void check_node(struct model_world *world, struct model_replica *replica,
                       struct plimsoll_cluster *truth, int node)
{
    struct plimsoll_span name = plimsoll_span_of(model_node_name(node));
    struct plimsoll_extender_node ours, theirs;
    bool known = plimsoll_cluster_node(replica->cluster, name, &ours);
    if (known != plimsoll_cluster_node(truth, name, &theirs)) {
        model_fault(world, "r%u: node %s is %s", replica->number, model_node_name(node),
                    known ? "still known" : "not known");
    } else if (known && (ours.load->card_count != theirs.load->card_count ||
                         memcmp(ours.load->cards, theirs.load->cards,
                                ours.load->card_count * sizeof ours.load->cards[0]) != 0)) {
        model_fault(world,
                    "r%u: the load lines of %s are not the API's: %llu of %llu MiB booked on the "
                    "first card, by %zu and %zu pods",
                    replica->number, model_node_name(node),
                    (unsigned long long)(ours.load->cards[0].booked / MIB),
                    (unsigned long long)(theirs.load->cards[0].booked / MIB), ours.view.pod_count,
                    theirs.view.pod_count);
    }
}

static void check_pod(struct model_world *world, struct model_replica *replica, size_t number)
{
    const struct model_pod *pod = &world->pods[number];
    const struct plimsoll_pod *known = plimsoll_cluster_pod(replica->cluster, &pod->uid);
    bool gpu = pod->gpu && (!pod->bare || is_claimed(&pod->claim));
    bool kept = pod->exists && !pod->finished && gpu;
    if ((known != NULL) != kept) {
        model_fault(world, "r%u: pod %s is %s the picture", replica->number, pod->uid.text,
                    kept ? "missing in" : "still in");
    } else if (kept && (strcmp(known->node, model_node_name(pod->node)) != 0 ||
                        is_claimed(&known->claim) != is_claimed(&pod->claim))) {
        model_fault(world, "r%u: pod %s is on '%s' in the picture, on '%s' in the API",
                    replica->number, pod->uid.text, known->node, model_node_name(pod->node));
    }
    if (kept && pod->bound_by >= 0 && !is_claimed(&pod->claim)) {
        model_fault(world, "pod %s has lost its claim", pod->uid.text);
    }
}

static void check_picture(struct model_world *world, struct model_replica *replica,
                          struct plimsoll_cluster *truth)
{
    for (int i = 0; i < MODEL_NODES; i++) {
        check_node(world, replica, truth, i);
    }
    for (size_t i = 0; i < world->pod_count; i++) {
        check_pod(world, replica, i);
    }
    if (plimsoll_cluster_pod_count(replica->cluster) != plimsoll_cluster_pod_count(truth)) {
        model_fault(world, "r%u: %zu pods in the picture, %zu in the API", replica->number,
                    plimsoll_cluster_pod_count(replica->cluster),
                    plimsoll_cluster_pod_count(truth));
    }
}

/* Whoever waits and fits has been woken, and then was bound, or refused for a reason. */
static void check_waiters(struct model_world *world, struct model_replica *replica)
{
    for (size_t i = 0; i < replica->waiter_count; i++) {
        const struct model_waiter *waiter = &replica->waiters[i];
        const struct plimsoll_pod *pod =
            plimsoll_cluster_pod(replica->cluster, &world->pods[waiter->pod].uid);
        for (int node = 0; node < MODEL_NODES && pod != NULL && !waiter->wake_lost; node++) {
            struct plimsoll_extender_node found;
            if ((waiter->asked >> node & 1) == 0 || pod->node[0] != '\0' ||
                !plimsoll_cluster_node(replica->cluster, plimsoll_span_of(model_node_name(node)),
                                       &found)) {
                continue;
            }
            plimsoll_autofree struct plimsoll_node_load *load =
                plimsoll_placement_load(&found.view, &model_settings, &pod->uid, pod->priority);
            if (plimsoll_placement_judge(found.view.node, load, &pod->demand, &model_settings)
                    .reason == PLIMSOLL_FITS) {
                model_fault(world, "r%u: pod %s waits for ever, and fits on %s", replica->number,
                            pod->uid.text, model_node_name(node));
            }
        }
    }
}

void model_check_rest(struct model_world *world)
{
    struct plimsoll_cluster *truth = plimsoll_cluster_new(
        &(struct plimsoll_cluster_options){.reading = &model_reading, .settings = &model_settings});
    model_fill(world, truth);
    for (unsigned i = 0; i < world->replica_count && !world->failed; i++) {
        struct model_replica *replica = &world->replicas[i];
        if (replica->alive) {
            plimsoll_cluster_read_begin(replica->cluster);
            check_books(world, replica);
            check_picture(world, replica, truth);
            check_waiters(world, replica);
            plimsoll_cluster_read_end(replica->cluster);
        }
    }
    plimsoll_cluster_free(&truth);
}
