/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of Events: one or two sentences that need nothing else to be understood. */
#include <plimsoll/view.h>

#include <plimsoll/quantity.h>

#include "on_card.h"

/* What is left to say when not every holder fits: ` and 4294967295 more` with a margin. */
#define REST_BYTES 32u

struct bytes {
    char text[PLIMSOLL_QUANTITY_SIZE];
};

static struct bytes bytes_of(uint64_t count)
{
    struct bytes bytes;
    plimsoll_quantity_format(count, bytes.text);
    return bytes;
}

/* -- a card --------------------------------------------------------------------------------------
 */

/* A UUID's first eight digits are enough to find it. */
static void add_id(struct plimsoll_text *out, const char *id)
{
    bool uuid = strncmp(id, "GPU-", 4) == 0 && strlen(id) > 13;
    plimsoll_text_add(out, id, uuid ? 12 : strlen(id));
    plimsoll_text_add_string(out, uuid ? "…" : "");
}

/* Of a card that only labels speak of, no more than the index is known. */
static bool is_index(const char *id)
{
    return id[strspn(id, "0123456789")] == '\0';
}

/* `card 0 (NVIDIA A100, GPU-8f6d2c1a…)` */
static void add_card(struct plimsoll_text *out, const struct plimsoll_card *card)
{
    if (card->index < 0 || is_index(card->id)) {
        plimsoll_text_add_string(out, "card ");
        add_id(out, card->id);
        if (card->product[0] != '\0') {
            plimsoll_text_add_format(out, " (%s)", card->product);
        }
        return;
    }
    plimsoll_text_add_format(out, "card %d (", card->index);
    if (card->product[0] != '\0') {
        plimsoll_text_add_format(out, "%s, ", card->product);
    }
    add_id(out, card->id);
    plimsoll_text_add_char(out, ')');
}

static const struct plimsoll_card *find_card(const struct plimsoll_node *node, const char *id)
{
    for (uint32_t i = 0; node != NULL && i < node->card_count; i++) {
        if (strcmp(node->cards[i].id, id) == 0) {
            return &node->cards[i];
        }
    }
    return NULL;
}

/* -- assigned ------------------------------------------------------------------------------------
 */

/* `GPU-8f6d2c1a… (NVIDIA A100, card 0)` */
static void add_claimed(struct plimsoll_text *out, const struct plimsoll_node *node, const char *id)
{
    const struct plimsoll_card *card = find_card(node, id);
    bool index = is_index(id);
    plimsoll_text_add_string(out, index ? "card " : "");
    add_id(out, id);
    if (card != NULL && card->index >= 0 && !index) {
        plimsoll_text_add_format(out, " (%s%scard %d)", card->product,
                                 card->product[0] != '\0' ? ", " : "", card->index);
    } else if (card != NULL && card->product[0] != '\0') {
        plimsoll_text_add_format(out, " (%s)", card->product);
    }
}

/* A claim of 0 bytes was made while nobody knew how much there is. */
static void add_claimed_bytes(struct plimsoll_text *out, uint64_t vram, bool each)
{
    if (vram > 0) {
        plimsoll_text_add_format(out, ": %s%s", bytes_of(vram).text, each ? " on each" : "");
    } else {
        plimsoll_text_add_string(out, ": how much memory is there is not known");
    }
}

void plimsoll_view_assigned(const struct plimsoll_node *node, const struct plimsoll_claim *claim,
                            struct plimsoll_text *out)
{
    if (claim->card_count == 0) {
        bool several = claim->floating_cards > 1;
        if (several) {
            plimsoll_text_add_format(out, "%u cards", claim->floating_cards);
        } else {
            plimsoll_text_add_string(out, "a card");
        }
        plimsoll_text_add_format(out, " of node %s that the device plugin picks", claim->node);
        add_claimed_bytes(out, claim->floating_vram, several);
        return;
    }
    for (uint32_t i = 0; i < claim->card_count; i++) {
        plimsoll_text_add_string(out, i == 0 ? "" : i + 1 == claim->card_count ? " and " : ", ");
        add_claimed(out, node, claim->cards[i].id);
        if (out->size > PLIMSOLL_VIEW_NOTE_BYTES_MAX / 2 && i + 2 < claim->card_count) {
            plimsoll_text_add_format(out, " and %u more", claim->card_count - i - 1);
            break;
        }
    }
    plimsoll_text_add_format(out, " of node %s", claim->node);
    add_claimed_bytes(out, claim->cards[0].vram, claim->card_count > 1);
}

/* -- who holds a card ----------------------------------------------------------------------------
 */

struct holder {
    const struct plimsoll_pod *pod;
    uint64_t bytes; /* by its claim, or more when it uses more */
    enum { HOLDS, USES, MAY_HOLD } how;
};

/* @return false when the pod has nothing to do with the card, as far as anybody knows. */
static bool find_holder(const struct plimsoll_pod *pod, const struct plimsoll_card *card,
                        struct holder *holder)
{
    uint64_t claimed = 0, measured = measured_on(card, &pod->uid);
    bool claims = claimed_on(pod, card, &claimed);
    *holder =
        (struct holder){.pod = pod, .bytes = claimed > measured ? claimed : measured, .how = HOLDS};
    if (claims || measured > 0 || holds(card, &pod->uid)) {
        holder->how = claims ? HOLDS : USES;
        if (!claims && pod->claim.floating_vram > holder->bytes) {
            holder->bytes = pod->claim.floating_vram;
        }
        return true;
    }
    holder->how = MAY_HOLD;
    holder->bytes = pod->claim.floating_vram;
    return pod->claim.floating_cards > 0;
}

static bool goes_before(const struct holder *a, const struct holder *b)
{
    bool maybe_a = a->how == MAY_HOLD, maybe_b = b->how == MAY_HOLD;
    return maybe_a != maybe_b ? maybe_b : a->bytes > b->bytes;
}

/* Certain ones first, the largest of them first. Owned by the caller. */
static struct holder *list_holders(const struct plimsoll_node_view *view,
                                   const struct plimsoll_card *card, size_t *count)
{
    struct holder *list = plimsoll_alloc(view->pod_count + 1, sizeof *list), holder;
    *count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        if (!find_holder(view->pods[i], card, &holder)) {
            continue;
        }
        size_t at = (*count)++;
        for (; at > 0 && goes_before(&holder, &list[at - 1]); at--) {
            list[at] = list[at - 1];
        }
        list[at] = holder;
    }
    return list;
}

static void write_holder(const struct holder *holder, struct plimsoll_text *out)
{
    plimsoll_text_add_format(out, "%s/%s", holder->pod->namespace_, holder->pod->name);
    if (holder->bytes > 0) {
        plimsoll_text_add_format(out, " (%s%s)", holder->how == MAY_HOLD ? "perhaps " : "",
                                 bytes_of(holder->bytes).text);
    } else {
        plimsoll_text_add_string(out, " (without a claim)");
    }
}

/* As many as leave room for `after` bytes. */
static void add_holders(struct plimsoll_text *out, const struct holder *list, size_t count,
                        uint64_t foreign, size_t after)
{
    plimsoll_autotext line = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        plimsoll_text_reset(&line);
        plimsoll_text_add_string(&line, i == 0 ? " Held by " : ", ");
        write_holder(&list[i], &line);
        if (out->size + line.size + after + 2 * REST_BYTES > PLIMSOLL_VIEW_NOTE_BYTES_MAX) {
            plimsoll_text_add_format(out, i == 0 ? " Held by %zu pods" : " and %zu more",
                                     count - i);
            break;
        }
        plimsoll_text_add_span(out, plimsoll_text_span(&line));
    }
    if (foreign > 0) {
        plimsoll_text_add_format(
            out, count > 0 ? "; %s in use outside of pods." : " %s are in use outside of pods.",
            bytes_of(foreign).text);
    } else if (count > 0) {
        plimsoll_text_add_char(out, '.');
    }
}

/* -- refused -------------------------------------------------------------------------------------
 */

/* A ReplicaSet of a Deployment is named after it, with a hash behind the last hyphen. */
static struct plimsoll_span deployment_of(const struct plimsoll_pod *pod)
{
    struct plimsoll_span name = {0};
    const char *hyphen = pod->replica_set != NULL ? strrchr(pod->replica_set, '-') : NULL;
    if (hyphen != NULL) {
        name = (struct plimsoll_span){.data = pod->replica_set,
                                      .size = (size_t)(hyphen - pod->replica_set)};
    }
    return name;
}

/* Is the other one what a rolling update of the pod's Deployment is to replace? */
static bool is_predecessor(const struct plimsoll_pod *pod, const struct plimsoll_pod *other)
{
    struct plimsoll_span deployment = deployment_of(pod);
    return deployment.size > 0 && plimsoll_span_equal(deployment, deployment_of(other)) &&
           strcmp(pod->replica_set, other->replica_set) != 0 &&
           strcmp(pod->namespace_, other->namespace_) == 0;
}

static void write_rollout(const struct plimsoll_pod *pod, const struct holder *list, size_t count,
                          struct plimsoll_text *out)
{
    for (size_t i = 0; i < count; i++) {
        if (is_predecessor(pod, list[i].pod)) {
            plimsoll_text_add_format(out,
                                     " %s is of another ReplicaSet of the same Deployment, so "
                                     "this rolling update waits for itself: use strategy Recreate "
                                     "or maxSurge 0.",
                                     list[i].pod->name);
            return;
        }
    }
}

/* Does the device plugin pick the card, so that every one it may pick must do? */
static bool plugin_picks(const struct plimsoll_view_refusal *refusal)
{
    const struct plimsoll_demand *demand = &refusal->pod->demand;
    enum plimsoll_guarantee guarantee = plimsoll_placement_guarantee(refusal->closest->view.node);
    return demand->plugin && !demand->every_card &&
           (guarantee == PLIMSOLL_GUARANTEE_CONSERVATIVE ||
            (guarantee == PLIMSOLL_GUARANTEE_PINNED && !demand->env_ours));
}

/* The card of which the verdict says what is missing. @return the count of cards when none is. */
static uint32_t find_lacking(const struct plimsoll_view_refusal *refusal)
{
    const struct plimsoll_node_load *load = refusal->closest->load;
    uint32_t i = 0;
    for (; i < load->card_count; i++) {
        const struct plimsoll_load *card = &load->cards[i];
        uint64_t open = refusal->verdict.reason == PLIMSOLL_NO_VRAM
                            ? plimsoll_load_open(card, plugin_picks(refusal))
                            : card->line;
        if (card->vendor == refusal->pod->demand.vendor && refusal->verdict.want > open &&
            refusal->verdict.want - open == refusal->verdict.missing) {
            break;
        }
    }
    return i;
}

static void add_lacking(const struct plimsoll_view_refusal *refusal, uint32_t card,
                        struct plimsoll_text *out)
{
    const struct plimsoll_load *load = &refusal->closest->load->cards[card];
    const struct plimsoll_verdict *verdict = &refusal->verdict;
    add_card(out, &refusal->closest->view.node->cards[card]);
    if (verdict->reason == PLIMSOLL_OVER_LINE) {
        plimsoll_text_add_format(out, " can give %s at most, also with nobody on it.",
                                 bytes_of(load->line).text);
        return;
    }
    bool plugin = plugin_picks(refusal);
    bool full = plugin && !plimsoll_load_pickable(load);
    plimsoll_text_add_format(
        out, " has%s %s free of %s, %s too little%s", full ? ", once a pod on it ends," : "",
        bytes_of(plimsoll_load_open(load, plugin)).text, bytes_of(load->line).text,
        bytes_of(verdict->missing).text, plugin ? ", and the device plugin may pick it." : ".");
}

static void add_want(const struct plimsoll_view_refusal *refusal, struct plimsoll_text *out)
{
    const struct plimsoll_demand *demand = &refusal->pod->demand;
    uint64_t want =
        demand->request == PLIMSOLL_REQUEST_BYTES ? demand->vram : refusal->verdict.want;
    plimsoll_text_add_string(out, "no room");
    if (want > 0) {
        plimsoll_text_add_format(out, " for %s%s", bytes_of(want).text,
                                 demand->cards > 1 ? " on each card" : "");
    }
    if (refusal->asked == 1) {
        plimsoll_text_add_string(out, " on the node");
    } else {
        plimsoll_text_add_format(out, " on any of %zu nodes", refusal->asked);
    }
}

void plimsoll_view_refused(const struct plimsoll_view_refusal *refusal, struct plimsoll_text *out)
{
    add_want(refusal, out);
    if (refusal->closest == NULL) {
        plimsoll_text_add_string(out, ": none of them is known to Plimsoll.");
        return;
    }
    const struct plimsoll_node_view *view = &refusal->closest->view;
    bool lacks = refusal->verdict.missing > 0;
    uint32_t card = lacks ? find_lacking(refusal) : UINT32_MAX;
    plimsoll_text_add_format(out,
                             "%s %s: ", refusal->asked == 1 ? " that was asked," : ". Closest is",
                             view->node->name);
    if (!lacks || card >= refusal->closest->load->card_count) {
        plimsoll_reason_write(refusal->verdict.reason, &refusal->pod->demand, out);
        plimsoll_text_add_char(out, '.');
        return;
    }
    add_lacking(refusal, card, out);
    if (refusal->verdict.reason == PLIMSOLL_NO_VRAM) {
        size_t count;
        plimsoll_autofree struct holder *list =
            list_holders(view, &view->node->cards[card], &count);
        plimsoll_autotext rollout = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
        write_rollout(refusal->pod, list, count, &rollout);
        add_holders(out, list, count, refusal->closest->load->cards[card].foreign, rollout.size);
        plimsoll_text_add_span(out, plimsoll_text_span(&rollout));
    }
}

/* -- over ----------------------------------------------------------------------------------------
 */

void plimsoll_view_over_claim(const struct plimsoll_node *node,
                              const struct plimsoll_over_claim *over, struct plimsoll_text *out)
{
    plimsoll_text_add_format(out, "uses %s of ", bytes_of(over->measured).text);
    add_card(out, &node->cards[over->card]);
    plimsoll_text_add_format(out, " of node %s", node->name);
    if (over->claimed == 0) {
        plimsoll_text_add_string(out, ", where it has claimed nothing.");
        return;
    }
    plimsoll_text_add_format(out,
                             ", %s more than the %s it claimed. Ask for more with "
                             "plimsoll.dev/vram, or make it use less.",
                             bytes_of(over->measured - over->claimed).text,
                             bytes_of(over->claimed).text);
}

void plimsoll_view_over_line(const struct plimsoll_extender_node *node, uint32_t card,
                             struct plimsoll_text *out)
{
    const struct plimsoll_card *it = &node->view.node->cards[card];
    const struct plimsoll_load *load = &node->load->cards[card];
    bool others = load->foreign > load->reserve;
    uint64_t loaded = load->booked + (others ? load->foreign : load->reserve);
    add_card(out, it);
    plimsoll_text_add_format(out, " stands %s over its line: of %s, pods hold %s and %s",
                             bytes_of(loaded > load->total ? loaded - load->total : 0).text,
                             bytes_of(load->total).text, bytes_of(load->booked).text,
                             bytes_of(others ? load->foreign : load->reserve).text);
    plimsoll_text_add_string(out,
                             others ? " are in use outside of pods." : " are kept in reserve.");
    size_t count;
    plimsoll_autofree struct holder *list = list_holders(&node->view, it, &count);
    add_holders(out, list, count, 0, 0);
}
