/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/view.h>

#include <plimsoll/quantity.h>

#include "on_card.h"

#define BAR_CELLS 32u

/* The parts of a card's total, in the order in which they stand in the bar. */
enum part { BOOKED, FOREIGN, FREE, RESERVE, PART_COUNT };

static const struct {
    const char *block, *ascii, *colour;
} parts[PART_COUNT] = {
    [BOOKED] = {"█", "#", "\033[36m"},
    [FOREIGN] = {"▓", "%", "\033[35m"},
    [FREE] = {"·", ".", "\033[32m"},
    [RESERVE] = {"░", "-", "\033[90m"},
};

static void add_coloured(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                         const char *colour, const char *string)
{
    if (options->colour) {
        plimsoll_text_add_string(out, colour);
    }
    plimsoll_text_add_string(out, string);
    if (options->colour) {
        plimsoll_text_add_string(out, "\033[0m");
    }
}

/* Cells of a part: everything that is there shows, the rest goes to what is free. */
static unsigned cells_of(uint64_t bytes, uint64_t total)
{
    unsigned cells = (unsigned)((double)bytes / (double)total * BAR_CELLS + 0.5);
    return bytes > 0 && cells == 0 ? 1 : cells;
}

static void share_cells(const struct plimsoll_load *load, unsigned cells[PART_COUNT])
{
    /* The reserve takes what the host uses up to its size: only the rest of either shows. */
    uint64_t reserve = load->reserve > load->foreign ? load->reserve - load->foreign : 0;
    const uint64_t bytes[PART_COUNT] = {
        [BOOKED] = load->booked, [FOREIGN] = load->foreign, [RESERVE] = reserve};
    static const enum part order[] = {BOOKED, FOREIGN, RESERVE};
    unsigned left = BAR_CELLS;
    for (size_t i = 0; i < 3; i++) {
        unsigned wanted = cells_of(bytes[order[i]], load->total);
        cells[order[i]] = wanted < left ? wanted : left;
        left -= cells[order[i]];
    }
    cells[FREE] = left;
}

static void add_bar(const struct plimsoll_load *load, const struct plimsoll_view_options *options,
                    struct plimsoll_text *out)
{
    unsigned cells[PART_COUNT] = {0};
    share_cells(load, cells);
    for (enum part part = BOOKED; part < PART_COUNT; part++) {
        char run[BAR_CELLS * 4] = "";
        size_t size = 0;
        const char *cell = options->unicode ? parts[part].block : parts[part].ascii;
        for (unsigned i = 0; i < cells[part]; i++) {
            size += (size_t)snprintf(run + size, sizeof run - size, "%s", cell);
        }
        if (size > 0) {
            add_coloured(out, options, parts[part].colour, run);
        }
    }
}

/* Why a card gets nothing, or NULL. */
static const char *trouble(const struct plimsoll_card *card, const struct plimsoll_load *load)
{
    switch ((enum plimsoll_card_state)load->state) {
    case PLIMSOLL_CARD_UNKNOWN_MEMORY:
        return "memory unknown";
    case PLIMSOLL_CARD_UNHEALTHY:
        return card->health;
    case PLIMSOLL_CARD_CORDONED:
        return "cordoned";
    case PLIMSOLL_CARD_DISAGREES:
        return "inventory and usage disagree";
    case PLIMSOLL_CARD_MIG:
        return "split into MIG instances";
    case PLIMSOLL_CARD_OK:
        break;
    }
    return NULL;
}

static void add_card(const struct plimsoll_card *card, const struct plimsoll_load *load,
                     const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    char free_text[PLIMSOLL_QUANTITY_SIZE], line_text[PLIMSOLL_QUANTITY_SIZE];
    int name_width = (int)options->width - (int)BAR_CELLS - 38;
    plimsoll_text_add_format(out, "  %2d  %-*.*s  ", card->index, name_width, name_width,
                             card->product[0] != '\0' ? card->product : card->id);
    const char *why = trouble(card, load);
    if (load->total > 0) {
        add_bar(load, options, out);
    }
    if (why != NULL) {
        plimsoll_text_add_string(out, "  ");
        add_coloured(out, options, "\033[31m", why);
    } else {
        plimsoll_text_add_format(out, " %8s free of %s",
                                 plimsoll_quantity_format(load->free, free_text),
                                 plimsoll_quantity_format(load->line, line_text));
    }
    plimsoll_text_add_char(out, '\n');
}

static void add_measured(uint64_t bytes, struct plimsoll_text *out)
{
    char text[PLIMSOLL_QUANTITY_SIZE];
    if (bytes > 0) {
        plimsoll_text_add_format(out, ", uses %s", plimsoll_quantity_format(bytes, text));
    }
    plimsoll_text_add_char(out, '\n');
}

static void add_pods_of_card(const struct plimsoll_node_view *view,
                             const struct plimsoll_card *card, struct plimsoll_text *out)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        uint64_t claimed, measured = measured_on(card, &pod->uid);
        char text[PLIMSOLL_QUANTITY_SIZE];
        if (claimed_on(pod, card, &claimed)) {
            plimsoll_text_add_format(out, "        %s/%s  %s claimed", pod->namespace_, pod->name,
                                     plimsoll_quantity_format(claimed, text));
            add_measured(measured, out);
        } else if (measured > 0 || holds(card, &pod->uid)) {
            plimsoll_text_add_format(out, "        %s/%s  unclaimed", pod->namespace_, pod->name);
            if (pod->claim_ignored != NULL) {
                plimsoll_text_add_format(out, " (its claim does not count: %s)",
                                         pod->claim_ignored);
            }
            add_measured(measured, out);
        }
    }
}

/* Pods of which no card is known yet. */
static void add_floating(const struct plimsoll_node_view *view, struct plimsoll_text *out)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        char text[PLIMSOLL_QUANTITY_SIZE];
        if (pod->claim.floating_cards > 0) {
            plimsoll_text_add_format(out, "      %s/%s  %s on one of the cards\n", pod->namespace_,
                                     pod->name,
                                     plimsoll_quantity_format(pod->claim.floating_vram, text));
        } else if (pod->node[0] == '\0' && pod->nominated[0] != '\0') {
            plimsoll_text_add_format(out, "      %s/%s  nominated\n", pod->namespace_, pod->name);
        }
    }
}

void plimsoll_view_node(const struct plimsoll_extender_node *node,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    static const char *const reports[] = {"not measured", "measured", "free VRAM published"};
    const struct plimsoll_node *it = node->view.node;
    add_coloured(out, options, "\033[1m", it->name);
    plimsoll_text_add_format(out, "  %s%s%s\n", reports[it->report],
                             node->view.stale ? ", report is stale" : "",
                             it->pinned ? ", pinned" : "");
    if (it->unusable != NULL) {
        plimsoll_text_add_string(out, "      no new GPU pods: ");
        add_coloured(out, options, "\033[31m", it->unusable);
        plimsoll_text_add_char(out, '\n');
    }
    for (uint32_t i = 0; i < it->card_count; i++) {
        add_card(&it->cards[i], &node->load->cards[i], options, out);
        add_pods_of_card(&node->view, &it->cards[i], out);
    }
    add_floating(&node->view, out);
}
