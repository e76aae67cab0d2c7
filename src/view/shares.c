/* SPDX-License-Identifier: Apache-2.0 */
#include "shares.h"

static int compare_holdings(const void *left, const void *right)
{
    const struct holding *a = left, *b = right;
    int order = strcmp(a->it.pod->namespace_, b->it.pod->namespace_);
    order = order != 0 ? order : strcmp(a->it.pod->name, b->it.pod->name);
    order = order != 0 ? order : strcmp(a->node->name, b->node->name);
    int left_index = a->card != NULL ? a->card->index : -1;
    int right_index = b->card != NULL ? b->card->index : -1;
    return order != 0 ? order : left_index - right_index;
}

static int compare_shares(const void *left, const void *right)
{
    const struct share *a = left, *b = right;
    if (a->claimed != b->claimed) {
        return a->claimed > b->claimed ? -1 : 1;
    }
    return strcmp(a->namespace_, b->namespace_);
}

static void take(const struct plimsoll_view_cluster *cluster,
                 const struct plimsoll_extender_node *seen, const struct plimsoll_card *card,
                 const struct occupant *list, size_t count, struct shares *shares)
{
    for (size_t i = 0; i < count; i++) {
        if (cluster->namespace_ == NULL ||
            strcmp(cluster->namespace_, list[i].pod->namespace_) == 0) {
            shares->holdings[shares->holding_count++] =
                (struct holding){.it = list[i], .node = seen->view.node, .card = card};
        }
    }
}

static void list_holdings(const struct plimsoll_view_cluster *cluster, struct shares *shares)
{
    size_t holdings_max = 0, pods_max = 0;
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct plimsoll_node_view *view = &cluster->nodes[i].view;
        holdings_max += view->pod_count * (view->node->card_count + 1);
        pods_max = view->pod_count > pods_max ? view->pod_count : pods_max;
    }
    shares->holdings = plimsoll_alloc(holdings_max + 1, sizeof *shares->holdings);
    plimsoll_autofree struct occupant *list = plimsoll_alloc(pods_max + 1, sizeof *list);
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct plimsoll_extender_node *seen = &cluster->nodes[i];
        for (uint32_t k = 0; k < seen->view.node->card_count; k++) {
            const struct plimsoll_card *card = &seen->view.node->cards[k];
            shares->line += seen->load->cards[k].line;
            take(cluster, seen, card, list, plimsoll_occupants_of_card(&seen->view, card, list),
                 shares);
        }
        take(cluster, seen, NULL, list, plimsoll_occupants_elsewhere(&seen->view, list), shares);
    }
}

static void add_up(struct share *share, const struct holding *holdings)
{
    for (size_t i = share->first; i < share->first + share->count; i++) {
        const struct holding *it = &holdings[i];
        bool same = i > share->first && strcmp(it[-1].it.pod->uid.text, it->it.pod->uid.text) == 0;
        share->pods += same ? 0 : 1;
        share->cards += it->card != NULL ? 1 : it->it.pod->claim.floating_cards;
        share->claimed +=
            it->card != NULL ? it->it.claimed : it->it.claimed * it->it.pod->claim.floating_cards;
        share->measured += it->it.measured;
    }
}

struct shares plimsoll_shares_make(const struct plimsoll_view_cluster *cluster)
{
    struct shares shares = {0};
    list_holdings(cluster, &shares);
    qsort(shares.holdings, shares.holding_count, sizeof *shares.holdings, compare_holdings);
    shares.list = plimsoll_alloc(shares.holding_count + 1, sizeof *shares.list);
    for (size_t i = 0; i < shares.holding_count; i++) {
        const char *home = shares.holdings[i].it.pod->namespace_;
        if (i == 0 || strcmp(home, shares.list[shares.count - 1].namespace_) != 0) {
            shares.list[shares.count++] = (struct share){.namespace_ = home, .first = i};
        }
        shares.list[shares.count - 1].count++;
    }
    for (size_t i = 0; i < shares.count; i++) {
        add_up(&shares.list[i], shares.holdings);
    }
    qsort(shares.list, shares.count, sizeof *shares.list, compare_shares);
    return shares;
}

void plimsoll_shares_clear(struct shares *shares)
{
    free(shares->holdings);
    free(shares->list);
    *shares = (struct shares){0};
}
