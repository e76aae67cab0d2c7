/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/answers.h>

#include "bar.h"
#include "occupants.h"

/* Of a card's line: the index before its name, and its numbers behind its bar. */
#define INDEX_COLUMNS   5u
#define NUMBERS_COLUMNS 26u
#define WIDE_COLUMNS    60u
#define POD_INDENT      8u

struct layout {
    const struct plimsoll_view_options *options;
    unsigned name, bar;
};

static struct layout lay_out(const struct plimsoll_view_options *options)
{
    struct layout layout = {.options = options};
    unsigned fixed = INDEX_COLUMNS + 2 + NUMBERS_COLUMNS + (options->wide ? WIDE_COLUMNS : 0);
    unsigned rest = options->width > fixed + 40 ? options->width - fixed : 46;
    layout.name = 22 + (rest - 40) / 4;
    layout.name = layout.name > 32 ? 32 : layout.name;
    layout.bar = rest - layout.name;
    layout.bar = layout.bar > BAR_CELLS_MAX ? BAR_CELLS_MAX : layout.bar;
    return layout;
}

/* -- a card --------------------------------------------------------------------------------------
 */

/* Why a card gets nothing, or NULL. */
static const char *trouble_of(const struct plimsoll_card *card, const struct plimsoll_load *load)
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

static uint64_t over_line(const struct plimsoll_load *load)
{
    uint64_t kept = load->foreign > load->reserve ? load->foreign : load->reserve;
    return load->booked + kept > load->total ? load->booked + kept - load->total : 0;
}

static void add_numbers(const struct layout *layout, const struct plimsoll_card *card,
                        const struct plimsoll_load *load, bool over, struct plimsoll_text *out)
{
    const char *trouble = trouble_of(card, load);
    plimsoll_autotext numbers = plimsoll_text_make(256);
    if (trouble != NULL) {
        plimsoll_text_add_string(&numbers, "  ");
        plimsoll_column_clean(&numbers, layout->options, trouble, NUMBERS_COLUMNS - 2);
    } else if (over && over_line(load) > 0) {
        plimsoll_text_add_format(&numbers, " %8s over its line", bytes_of(over_line(load)).text);
    } else {
        plimsoll_text_add_format(&numbers, " %8s free of %s", bytes_of(load->free).text,
                                 bytes_of(load->line).text);
    }
    const char *colour = trouble != NULL || over ? RED : load->free == 0 ? YELLOW : "";
    plimsoll_column_coloured(out, layout->options, colour, numbers.data);
    if (layout->options->wide) {
        plimsoll_text_add_format(
            out, "%*s %8s booked %8s in use %8s others  ", (int)(NUMBERS_COLUMNS - numbers.size),
            "", bytes_of(load->booked).text, card->reported ? bytes_of(load->used).text : "?",
            bytes_of(load->foreign).text);
        plimsoll_column_clean(out, layout->options, card->id, 13);
    }
}

static void add_card(const struct layout *layout, const struct plimsoll_card *card,
                     const struct plimsoll_load *load, bool over, struct plimsoll_text *out)
{
    plimsoll_text_add_format(out, "%3d  ", card->index);
    plimsoll_column_add(out, layout->options, plimsoll_column_product(card), layout->name);
    plimsoll_text_add_string(out, "  ");
    if (load->total > 0) {
        plimsoll_bar_load(card, load, layout->bar, layout->options, out);
    } else {
        plimsoll_text_add_format(out, "%*s", (int)layout->bar, "");
    }
    add_numbers(layout, card, load, over, out);
    plimsoll_text_add_char(out, '\n');
}

/* -- its pods ------------------------------------------------------------------------------------
 */

static void add_claimed(const struct occupant *it, struct plimsoll_text *out)
{
    const struct plimsoll_demand *demand = &it->pod->demand;
    bool bytes = demand->request == PLIMSOLL_REQUEST_BYTES;
    switch (it->presence) {
    case PRESENCE_CLAIMED:
    case PRESENCE_FLOATING:
    case PRESENCE_ASTRAY:
        plimsoll_text_add_format(out, "%8s claimed", bytes_of(it->claimed).text);
        break;
    case PRESENCE_NOMINATED:
        plimsoll_text_add_format(out, "%8s wanted ", bytes ? bytes_of(demand->vram).text : "");
        break;
    case PRESENCE_UNCLAIMED:
        plimsoll_text_add_string(out, "       unclaimed");
        break;
    }
}

static void add_marks(const struct layout *layout, const struct occupant *it,
                      struct plimsoll_text *out)
{
    uint64_t over = it->measured > it->claimed ? it->measured - it->claimed : 0;
    if (it->presence == PRESENCE_CLAIMED && it->claimed > 0 && over > 0 && !it->pod->terminating) {
        plimsoll_autotext mark = plimsoll_text_make(64);
        plimsoll_text_add_format(&mark, "  %s over", bytes_of(over).text);
        plimsoll_column_coloured(out, layout->options, RED, mark.data);
    }
    if (it->presence == PRESENCE_FLOATING) {
        plimsoll_text_add_string(out, "  floating");
    } else if (it->presence == PRESENCE_ASTRAY) {
        plimsoll_column_coloured(out, layout->options, RED, "  card gone");
    } else if (it->presence == PRESENCE_NOMINATED) {
        plimsoll_text_add_string(out, "  nominated");
    }
    if (it->pod->terminating) {
        plimsoll_column_coloured(out, layout->options, YELLOW, "  terminating");
    }
    if (it->pod->claim_ignored != NULL && layout->options->wide) {
        plimsoll_text_add_string(out, "  its claim does not count: ");
        plimsoll_column_clean(out, layout->options, it->pod->claim_ignored, 80);
    }
}

static void add_pod(const struct layout *layout, const struct occupant *it, bool measured,
                    struct plimsoll_text *out)
{
    char name[2 * PLIMSOLL_NAME_BYTES_MAX + 2];
    unsigned columns = INDEX_COLUMNS + layout->name + 2 - POD_INDENT + layout->bar / 8;
    snprintf(name, sizeof name, "%s/%s", it->pod->namespace_, it->pod->name);
    plimsoll_text_add_format(out, "%*s", (int)POD_INDENT, "");
    plimsoll_column_add(out, layout->options, name, columns);
    plimsoll_text_add_char(out, ' ');
    add_claimed(it, out);
    if (measured && (it->presence == PRESENCE_CLAIMED || it->presence == PRESENCE_UNCLAIMED)) {
        plimsoll_text_add_format(out, " %8s in use", bytes_of(it->measured).text);
    }
    add_marks(layout, it, out);
    plimsoll_text_add_char(out, '\n');
}

static bool is_shown(const struct plimsoll_view_cluster *cluster, const struct occupant *it)
{
    return cluster->namespace_ == NULL || strcmp(cluster->namespace_, it->pod->namespace_) == 0;
}

static void add_pods(const struct plimsoll_view_cluster *cluster, const struct layout *layout,
                     const struct occupant *list, size_t count, bool measured,
                     struct plimsoll_text *out)
{
    size_t hidden = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_shown(cluster, &list[i])) {
            add_pod(layout, &list[i], measured, out);
        } else {
            hidden++;
        }
    }
    if (hidden > 0) {
        plimsoll_text_add_format(out, "%*sand %zu of other namespaces\n", (int)POD_INDENT, "",
                                 hidden);
    }
}

/* -- a node --------------------------------------------------------------------------------------
 */

static void add_heading(const struct plimsoll_view_cluster *cluster,
                        const struct plimsoll_extender_node *seen,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    static const char *const reports[] = {"not measured", "measured", "free VRAM published"};
    const struct plimsoll_node *node = seen->view.node;
    enum plimsoll_guarantee guarantee = plimsoll_placement_guarantee(node);
    plimsoll_autotext words = plimsoll_text_make(128);
    plimsoll_column_coloured(out, options, BOLD, node->name);
    plimsoll_text_add_format(&words, "  %s", reports[node->report]);
    if (node->report_time > 0 && node->report != PLIMSOLL_REPORT_NONE) {
        plimsoll_text_add_format(&words, " %s ago",
                                 plimsoll_age_of(cluster->now_unix_ms - node->report_time).text);
    }
    if (guarantee != PLIMSOLL_GUARANTEE_NONE) {
        plimsoll_text_add_format(&words, ", %s", plimsoll_guarantee_text(guarantee));
    }
    plimsoll_column_coloured(out, options, DIM, words.data);
    if (seen->view.stale) {
        plimsoll_column_coloured(out, options, YELLOW, "  stale: nothing new is heard of it");
    }
    plimsoll_text_add_char(out, '\n');
    if (node->unusable != NULL) {
        plimsoll_autotext why = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE + 64);
        plimsoll_text_add_format(&why, "no new GPU pods: %s", node->unusable);
        plimsoll_text_add_string(out, "     ");
        plimsoll_text_add_string(out, options->colour ? RED : "");
        plimsoll_column_wrap(out, options, why.data, 5, 5);
        plimsoll_text_add_string(out, options->colour ? "\033[0m" : "");
    }
}

static void add_node(const struct plimsoll_view_cluster *cluster, const struct layout *layout,
                     const struct plimsoll_extender_node *seen, struct plimsoll_text *out)
{
    const struct plimsoll_node *node = seen->view.node;
    uint64_t over = plimsoll_placement_over_line(node, seen->load);
    plimsoll_autofree struct occupant *list =
        plimsoll_alloc(seen->view.pod_count + 1, sizeof *list);
    plimsoll_autotext cards = plimsoll_text_make(out->size_max);
    for (uint32_t i = 0; i < node->card_count; i++) {
        size_t count = plimsoll_occupants_of_card(&seen->view, &node->cards[i], list), shown = 0;
        for (size_t k = 0; k < count; k++) {
            shown += is_shown(cluster, &list[k]) ? 1 : 0;
        }
        if (cluster->namespace_ == NULL || shown > 0) {
            add_card(layout, &node->cards[i], &seen->load->cards[i], (over >> i & 1) != 0, &cards);
            add_pods(cluster, layout, list, count, node->cards[i].attributed, &cards);
        }
    }
    size_t count = plimsoll_occupants_elsewhere(&seen->view, list);
    for (size_t i = 0; i < count; i++) {
        if (is_shown(cluster, &list[i])) {
            add_pod(layout, &list[i], false, &cards);
        }
    }
    if (cards.size > 0) {
        add_heading(cluster, seen, layout->options, out);
        plimsoll_text_add_span(out, plimsoll_text_span(&cards));
    }
}

/* -- the whole -----------------------------------------------------------------------------------
 */

struct sum {
    uint64_t line, booked, free;
    size_t cards, unwell, over, stale;
};

static struct sum add_up(const struct plimsoll_view_cluster *cluster)
{
    struct sum sum = {0};
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct plimsoll_extender_node *seen = &cluster->nodes[i];
        uint64_t over = plimsoll_placement_over_line(seen->view.node, seen->load);
        sum.over += (size_t)__builtin_popcountll(over);
        sum.stale += seen->view.stale ? 1 : 0;
        for (uint32_t k = 0; k < seen->load->card_count; k++) {
            const struct plimsoll_load *load = &seen->load->cards[k];
            bool takes = load->state == PLIMSOLL_CARD_OK && seen->view.node->unusable == NULL;
            sum.cards++;
            sum.unwell += load->state == PLIMSOLL_CARD_UNHEALTHY ? 1 : 0;
            sum.line += load->line;
            sum.booked += load->booked;
            sum.free += takes ? load->free : 0;
        }
    }
    return sum;
}

static void add_count(size_t count, const char *one, const char *many, struct plimsoll_text *out)
{
    if (count > 0) {
        plimsoll_text_add_format(out, ", %zu %s", count, count == 1 ? one : many);
    }
}

static void add_summary(const struct plimsoll_view_cluster *cluster,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    struct sum sum = add_up(cluster);
    plimsoll_autotext words = plimsoll_text_make(256), marks = plimsoll_text_make(256);
    plimsoll_text_add_format(
        &words, "%zu %s, %zu %s: %s booked of %s, %s free", cluster->node_count,
        cluster->node_count == 1 ? "node" : "nodes", sum.cards, sum.cards == 1 ? "card" : "cards",
        bytes_of(sum.booked).text, bytes_of(sum.line).text, bytes_of(sum.free).text);
    add_count(sum.unwell, "unhealthy", "unhealthy", &marks);
    add_count(sum.over, "over its line", "over their lines", &marks);
    add_count(sum.stale, "stale report", "stale reports", &marks);
    plimsoll_column_coloured(out, options, BOLD, words.data);
    if (marks.size > 0 && words.size + marks.size > options->width) {
        plimsoll_text_add_string(out, "\n  ");
        plimsoll_column_coloured(out, options, RED, marks.data + 2);
    } else if (marks.size > 0) {
        plimsoll_column_coloured(out, options, RED, marks.data);
    }
    plimsoll_text_add_char(out, '\n');
    plimsoll_bar_legend(options, out);
}

void plimsoll_view_top(const struct plimsoll_view_cluster *cluster,
                       const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    struct layout layout = lay_out(options);
    if (cluster->node_count == 0) {
        plimsoll_text_add_string(out, "No node with a GPU is known.\n");
    } else {
        add_summary(cluster, options, out);
    }
    size_t above = out->size;
    for (size_t i = 0; i < cluster->node_count; i++) {
        add_node(cluster, &layout, &cluster->nodes[i], out);
    }
    if (cluster->node_count > 0 && out->size == above) {
        plimsoll_occupants_none(cluster, options, out);
    }
    if (cluster->note != NULL) {
        plimsoll_text_add_char(out, '\n');
        plimsoll_column_wrap(out, options, cluster->note, 0, 0);
    }
}
