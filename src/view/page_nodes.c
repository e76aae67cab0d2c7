/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and their cards as the status page shows them, and the cluster in numbers. */
#include <plimsoll/page.h>

#include "on_card.h"
#include "page_json.h"

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The reserve takes what others use up to its size: what is left of it. */
static uint64_t reserve_beside(const struct plimsoll_load *load)
{
    return load->reserve > load->foreign ? load->reserve - load->foreign : 0;
}

/* -- numbers -------------------------------------------------------------------------------------
 */

static void sum_card(struct plimsoll_page_sums *sums, const struct plimsoll_node *node,
                     const struct plimsoll_card *card, const struct plimsoll_load *load)
{
    bool in_service = load->state == PLIMSOLL_CARD_OK;
    sums->cards++;
    sums->out_of_service += !in_service && load->state != PLIMSOLL_CARD_MIG;
    sums->total = plus(sums->total, load->total);
    sums->line = plus(sums->line, load->line);
    sums->booked = plus(sums->booked, load->booked);
    sums->foreign = plus(sums->foreign, load->foreign);
    sums->reserve = plus(sums->reserve, reserve_beside(load));
    uint64_t *room = in_service ? &sums->free : &sums->out;
    *room = plus(*room, load->free);
    if (card->reported) {
        sums->measured++;
        sums->used = plus(sums->used, load->used);
    }
    if (in_service && node->unusable == NULL && load->free > sums->largest) {
        sums->largest = load->free;
        size_t size = strnlen(node->name, sizeof sums->largest_node - 1);
        memcpy(sums->largest_node, node->name, size);
        sums->largest_node[size] = '\0';
    }
}

void plimsoll_page_sum(struct plimsoll_page_sums *sums, const struct plimsoll_extender_node *node)
{
    const struct plimsoll_node *it = node->view.node;
    sums->nodes++;
    sums->gpu_nodes += it->card_count > 0;
    sums->stale += node->view.stale;
    sums->unusable += it->unusable != NULL;
    for (uint32_t i = 0; i < node->load->card_count; i++) {
        sum_card(sums, it, &it->cards[i], &node->load->cards[i]);
    }
    uint64_t over = plimsoll_placement_over_line(it, node->load);
    sums->over += (size_t)__builtin_popcountll(over);
}

void plimsoll_page_write_sums(const struct plimsoll_page_sums *sums, struct plimsoll_text *out)
{
    plimsoll_page_add_open(out, '{');
    plimsoll_page_add_bytes(out, "nodes", sums->nodes);
    plimsoll_page_add_bytes(out, "gpuNodes", sums->gpu_nodes);
    plimsoll_page_add_bytes(out, "cards", sums->cards);
    plimsoll_page_add_count(out, "measured", sums->measured);
    plimsoll_page_add_count(out, "stale", sums->stale);
    plimsoll_page_add_count(out, "unusable", sums->unusable);
    plimsoll_page_add_count(out, "outOfService", sums->out_of_service);
    plimsoll_page_add_count(out, "over", sums->over);
    plimsoll_page_add_bytes(out, "total", sums->total);
    plimsoll_page_add_bytes(out, "line", sums->line);
    plimsoll_page_add_bytes(out, "booked", sums->booked);
    plimsoll_page_add_bytes(out, "foreign", sums->foreign);
    plimsoll_page_add_bytes(out, "reserve", sums->reserve);
    plimsoll_page_add_bytes(out, "free", sums->free);
    plimsoll_page_add_count(out, "out", sums->out);
    plimsoll_page_add_bytes(out, "used", sums->used);
    plimsoll_page_add_bytes(out, "largest", sums->largest);
    plimsoll_page_add_string(out, "largestNode", sums->largest_node);
    plimsoll_text_add_char(out, '}');
}

/* -- pods ----------------------------------------------------------------------------------------
 */

static void open_pod(const struct plimsoll_pod *pod, struct plimsoll_text *out)
{
    plimsoll_page_add_open(out, '{');
    plimsoll_page_add_string(out, "namespace", pod->namespace_);
    plimsoll_page_add_string(out, "name", pod->name);
    plimsoll_page_add_flag(out, "leaving", pod->terminating);
}

/* @return false when the pod has nothing to do with the card, as far as anybody knows. */
static bool write_pod_of_card(const struct plimsoll_pod *pod, const struct plimsoll_card *card,
                              struct plimsoll_text *out)
{
    uint64_t claimed = 0, measured = measured_on(card, &pod->uid);
    bool claims = claimed_on(pod, card, &claimed);
    if (!claims && measured == 0 && !holds(card, &pod->uid)) {
        return false;
    }
    if (out != NULL) {
        open_pod(pod, out);
        if (claims) {
            plimsoll_page_add_bytes(out, "claimed", claimed);
        }
        plimsoll_page_add_count(out, "used", measured);
        plimsoll_page_add_flag(out, "over", claims && claimed > 0 && measured > claimed);
        plimsoll_page_add_string(out, "ignored", pod->claim_ignored);
        plimsoll_text_add_char(out, '}');
    }
    return true;
}

/* Of which no card is known yet. */
static bool write_floating(const struct plimsoll_pod *pod, struct plimsoll_text *out)
{
    bool floats = pod->claim.floating_cards > 0;
    bool nominated = pod->node[0] == '\0' && pod->nominated[0] != '\0';
    if (!floats && !nominated) {
        return false;
    }
    if (out != NULL) {
        open_pod(pod, out);
        plimsoll_page_add_count(out, "vram", pod->claim.floating_vram);
        plimsoll_page_add_count(out, "cards", pod->claim.floating_cards);
        plimsoll_page_add_flag(out, "nominated", nominated);
        plimsoll_text_add_char(out, '}');
    }
    return true;
}

/* `card` NULL: those that float. Up to `most` of them. @return how many there are. */
static size_t write_list(const struct plimsoll_node_view *view, const struct plimsoll_card *card,
                         size_t most, struct plimsoll_text *out)
{
    size_t count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        struct plimsoll_text *to = count < most ? out : NULL;
        count += card != NULL ? write_pod_of_card(view->pods[i], card, to)
                              : write_floating(view->pods[i], to);
    }
    return count;
}

static void write_pods(const struct plimsoll_node_view *view, const struct plimsoll_card *card,
                       const char *name, const char *more, struct plimsoll_text *out)
{
    size_t count = write_list(view, card, 0, NULL);
    if (count > 0) {
        plimsoll_page_add_name(out, name);
        plimsoll_text_add_char(out, '[');
        (void)write_list(view, card, PLIMSOLL_PAGE_PODS_MAX, out);
        plimsoll_text_add_char(out, ']');
    }
    if (count > PLIMSOLL_PAGE_PODS_MAX) {
        plimsoll_page_add_count(out, more, count - PLIMSOLL_PAGE_PODS_MAX);
    }
}

/* -- cards ---------------------------------------------------------------------------------------
 */

/* Why a card takes nothing new; NULL: it does. */
static const char *trouble_of(const struct plimsoll_card *card, const struct plimsoll_load *load)
{
    static const char *const texts[] = {
        [PLIMSOLL_CARD_OK] = NULL,
        [PLIMSOLL_CARD_UNKNOWN_MEMORY] = "memory unknown",
        [PLIMSOLL_CARD_UNHEALTHY] = "unhealthy",
        [PLIMSOLL_CARD_CORDONED] = "cordoned",
        [PLIMSOLL_CARD_DISAGREES] = "inventory and usage disagree",
        [PLIMSOLL_CARD_MIG] = "split into MIG instances",
    };
    bool said = load->state == PLIMSOLL_CARD_UNHEALTHY && card->health[0] != '\0';
    return said ? card->health : texts[load->state];
}

static void write_load(const struct plimsoll_load *load, struct plimsoll_text *out)
{
    plimsoll_page_add_bytes(out, "total", load->total);
    plimsoll_page_add_bytes(out, "line", load->line);
    plimsoll_page_add_bytes(out, "booked", load->booked);
    plimsoll_page_add_bytes(out, "foreign", load->foreign);
    plimsoll_page_add_bytes(out, "reserve", reserve_beside(load));
    plimsoll_page_add_bytes(out, "free", load->free);
    /* Claims without a card may still come here. */
    uint64_t floating = larger(load->floating_ours, load->floating_plugin);
    plimsoll_page_add_count(out, "floating", floating < load->free ? floating : load->free);
    plimsoll_page_add_count(out, "replicas", load->replicas > 1 ? load->replicas : 0);
    plimsoll_page_add_count(out, "taken", load->replicas > 1 ? load->taken : 0);
}

static void write_card(const struct plimsoll_extender_node *node, uint32_t index, bool over,
                       struct plimsoll_text *out)
{
    const struct plimsoll_card *card = &node->view.node->cards[index];
    const struct plimsoll_load *load = &node->load->cards[index];
    plimsoll_page_add_open(out, '{');
    plimsoll_page_add_string(out, "id", card->id);
    plimsoll_page_add_name(out, "index");
    plimsoll_text_add_format(out, "%d", card->index);
    plimsoll_page_add_string(out, "product", card->product);
    if (card->vendor != PLIMSOLL_VENDOR_NONE) {
        plimsoll_page_add_string(out, "vendor",
                                 plimsoll_vendor_text((enum plimsoll_vendor)card->vendor));
    }
    write_load(load, out);
    if (card->reported) {
        plimsoll_page_add_bytes(out, "used", load->used);
    }
    if (over) {
        uint64_t loaded = plus(load->booked, larger(load->reserve, load->foreign));
        plimsoll_page_add_count(out, "over", loaded - load->total);
    }
    plimsoll_page_add_string(out, "trouble", trouble_of(card, load));
    plimsoll_page_add_count(out, "instances", card->mig_count);
    plimsoll_page_add_flag(out, "unified", card->unified);
    write_pods(&node->view, card, "pods", "morePods", out);
    plimsoll_text_add_char(out, '}');
}

void plimsoll_page_write_node(const struct plimsoll_extender_node *node, struct plimsoll_text *out)
{
    static const char *const reports[] = {"none", "usage", "free"};
    const struct plimsoll_node *it = node->view.node;
    enum plimsoll_guarantee guarantee = plimsoll_placement_guarantee(it);
    uint64_t over = plimsoll_placement_over_line(it, node->load);
    plimsoll_page_add_open(out, '{');
    plimsoll_page_add_string(out, "name", it->name);
    plimsoll_page_add_string(out, "report", reports[it->report]);
    plimsoll_page_add_flag(out, "stale", node->view.stale);
    plimsoll_page_add_string(out, "guarantee", plimsoll_guarantee_text(guarantee));
    plimsoll_page_add_flag(out, "mps", it->mps);
    plimsoll_page_add_string(out, "unusable", it->unusable);
    plimsoll_page_add_count(out, "holds", node->view.hold_count);
    plimsoll_page_add_name(out, "cards");
    plimsoll_text_add_char(out, '[');
    for (uint32_t i = 0; i < node->load->card_count; i++) {
        write_card(node, i, (over >> i & 1) != 0, out);
    }
    plimsoll_text_add_char(out, ']');
    write_pods(&node->view, NULL, "floatingPods", "moreFloatingPods", out);
    plimsoll_text_add_char(out, '}');
}
