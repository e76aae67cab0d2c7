/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/simulated.h>

#include "bar.h"

#include <string.h>

#define POD_COLUMNS_MIN  20u
#define POD_COLUMNS_MAX  60u
#define NODE_COLUMNS_MIN 8u
#define NODE_COLUMNS_MAX 32u
#define CARD_COLUMNS     14u
/* Between the columns, and what cards and promise take. */
#define REST_COLUMNS 36u
/* `   0  `, the card's name, two bars with their arrow, ` 79.5Gi free of 79.5Gi`. */
#define NUMBERS_COLUMNS 26u
#define BAR_COLUMNS_MIN 14u

struct layout {
    const struct plimsoll_view_options *options;
    unsigned pod, node, bar;
};

static unsigned between(size_t value, unsigned least, unsigned most)
{
    return value < least ? least : value > most ? most : (unsigned)value;
}

static struct layout lay_out(const struct plimsoll_view_simulation *simulation,
                             const struct plimsoll_view_options *options)
{
    size_t pod = 0, node = 0;
    for (size_t i = 0; i < simulation->landing_count; i++) {
        const struct plimsoll_landing *it = &simulation->landings[i];
        size_t name = strlen(it->namespace_) + 1 + strlen(it->name);
        size_t host = it->node != NULL ? strlen(it->node) : 0;
        pod = name > pod ? name : pod;
        node = host > node ? host : node;
    }
    struct layout layout = {.options = options,
                            .node = between(node, NODE_COLUMNS_MIN, NODE_COLUMNS_MAX)};
    unsigned room = options->width - REST_COLUMNS;
    unsigned most = room > layout.node + POD_COLUMNS_MIN ? room - layout.node : POD_COLUMNS_MIN;
    layout.pod = between(pod, POD_COLUMNS_MIN, most < POD_COLUMNS_MAX ? most : POD_COLUMNS_MAX);
    layout.bar = between((options->width - 6 - CARD_COLUMNS - 2 - 4 - NUMBERS_COLUMNS) / 2,
                         BAR_COLUMNS_MIN, BAR_CELLS_MAX);
    return layout;
}

static const struct plimsoll_node *find_node(const struct plimsoll_view_simulation *simulation,
                                             const char *name)
{
    for (size_t i = 0; i < simulation->node_count; i++) {
        if (strcmp(simulation->nodes[i].view.node->name, name) == 0) {
            return simulation->nodes[i].view.node;
        }
    }
    return NULL;
}

/* -- the pods ------------------------------------------------------------------------------------
 */

static void add_claimed(const struct plimsoll_node *node, const struct plimsoll_claim_card *claimed,
                        struct plimsoll_text *out)
{
    for (uint32_t i = 0; node != NULL && i < node->card_count; i++) {
        if (strcmp(node->cards[i].id, claimed->id) == 0) {
            plimsoll_text_add_format(out, "%d: ", node->cards[i].index);
        }
    }
    plimsoll_text_add_string(out, bytes_of(claimed->vram).text);
}

static void describe_cards(const struct plimsoll_view_simulation *simulation,
                           const struct plimsoll_landing *landing, struct plimsoll_text *out)
{
    const struct plimsoll_claim *claim = &landing->claim;
    const struct plimsoll_node *node = find_node(simulation, landing->node);
    for (uint32_t i = 0; i < claim->card_count; i++) {
        plimsoll_text_add_string(out, i > 0 ? ", " : "");
        add_claimed(node, &claim->cards[i], out);
    }
    if (claim->floating_cards > 0) {
        plimsoll_text_add_format(out, "any %u: %s", claim->floating_cards,
                                 bytes_of(claim->floating_vram).text);
    } else if (claim->card_count == 0 && landing->demand.gpu) {
        plimsoll_text_add_format(out, "%u of %s", landing->demand.cards, landing->demand.resource);
    } else if (claim->card_count == 0) {
        plimsoll_text_add_string(out, "no GPU");
    }
}

static const char *headline(enum plimsoll_landed landed)
{
    static const char *const texts[] = {
        [PLIMSOLL_LANDED_DENIED] = "denied: ",
        [PLIMSOLL_LANDED_NOWHERE] = "",
        [PLIMSOLL_LANDED_UNBOUND] = "not bound: ",
    };
    return texts[landed];
}

static void add_reason(const struct layout *layout, const struct plimsoll_landing *landing,
                       struct plimsoll_text *out)
{
    plimsoll_autotext sentence = plimsoll_text_make(8192);
    const struct plimsoll_view_options *options = layout->options;
    plimsoll_text_add_format(&sentence, "%s%s", headline(landing->landed), landing->why);
    plimsoll_text_add_string(out, "    ");
    plimsoll_column_wrap(out, options, sentence.data, 4, 4);
    if (landing->closest == NULL) {
        return;
    }
    plimsoll_text_reset(&sentence);
    plimsoll_text_add_format(&sentence, "closest: %s", landing->closest);
    if (landing->verdict.missing > 0) {
        plimsoll_text_add_format(&sentence, ", where a card lacks %s of the %s",
                                 bytes_of(landing->verdict.missing).text,
                                 bytes_of(landing->verdict.want).text);
    }
    plimsoll_text_add_string(out, "    ");
    plimsoll_column_wrap(out, options, sentence.data, 4, 4);
}

static void add_landing(const struct layout *layout,
                        const struct plimsoll_view_simulation *simulation,
                        const struct plimsoll_landing *landing, struct plimsoll_text *out)
{
    const struct plimsoll_view_options *options = layout->options;
    plimsoll_autotext name = plimsoll_text_make(2 * PLIMSOLL_NAME_BYTES_MAX + 2);
    plimsoll_autotext cards = plimsoll_text_make(4096);
    plimsoll_text_add_format(&name, "%s/%s", landing->namespace_, landing->name);
    plimsoll_column_add(out, options, name.data, layout->pod);
    plimsoll_text_add_string(out, "  ");
    if (landing->landed != PLIMSOLL_LANDED) {
        plimsoll_column_coloured(out, options, RED, "does not fit");
        plimsoll_text_add_char(out, '\n');
        add_reason(layout, landing, out);
        return;
    }
    describe_cards(simulation, landing, &cards);
    plimsoll_column_add(out, options, landing->node, layout->node);
    plimsoll_text_add_string(out, "  ");
    if (landing->guarantee == PLIMSOLL_GUARANTEE_NONE) {
        plimsoll_column_clean(out, options, cards.data, options->width);
    } else {
        unsigned taken = plimsoll_column_clean(out, options, cards.data, options->width);
        plimsoll_text_add_format(out, "%*s", taken < 18 ? (int)(18 - taken) : 2, "");
        plimsoll_column_coloured(out, options, DIM, plimsoll_guarantee_text(landing->guarantee));
    }
    plimsoll_text_add_char(out, '\n');
}

static void add_landings(const struct layout *layout,
                         const struct plimsoll_view_simulation *simulation,
                         struct plimsoll_text *out)
{
    plimsoll_autotext head = plimsoll_text_make(512);
    plimsoll_text_add_format(&head, "%-*s  %-*s  %-18s%s", (int)layout->pod, "POD",
                             (int)layout->node, "NODE", "CARDS", "PROMISE");
    plimsoll_column_coloured(out, layout->options, BOLD, head.data);
    plimsoll_text_add_char(out, '\n');
    for (size_t i = 0; i < simulation->landing_count; i++) {
        add_landing(layout, simulation, &simulation->landings[i], out);
    }
}

/* -- the cards, before and after -----------------------------------------------------------------
 */

static bool has_changed(const struct plimsoll_load *before, const struct plimsoll_load *after)
{
    return before->booked != after->booked || before->floating_ours != after->floating_ours ||
           before->floating_plugin != after->floating_plugin || before->taken != after->taken;
}

static bool node_has_changed(const struct plimsoll_node_load *before,
                             const struct plimsoll_node_load *after)
{
    for (uint32_t i = 0; i < after->card_count && i < before->card_count; i++) {
        if (has_changed(&before->cards[i], &after->cards[i])) {
            return true;
        }
    }
    return false;
}

static void add_card(const struct layout *layout, const struct plimsoll_card *card,
                     const struct plimsoll_load *before, const struct plimsoll_load *after,
                     struct plimsoll_text *out)
{
    const struct plimsoll_view_options *options = layout->options;
    plimsoll_text_add_format(out, "%4d  ", card->index);
    plimsoll_column_add(out, options, plimsoll_column_product(card), CARD_COLUMNS);
    plimsoll_text_add_string(out, "  ");
    if (after->total == 0) {
        plimsoll_text_add_string(out, "memory unknown\n");
        return;
    }
    plimsoll_bar_load(card, before, layout->bar, options, out);
    plimsoll_column_coloured(out, options, DIM, options->unicode ? " → " : " > ");
    plimsoll_bar_load(card, after, layout->bar, options, out);
    plimsoll_text_add_format(out, " %8s free of %s\n", bytes_of(after->free).text,
                             bytes_of(after->line).text);
}

/* What of the pods counts on cards that are not known yet. @param node  NULL: of all. */
static uint64_t sum_floating(const struct plimsoll_view_simulation *simulation, const char *node,
                             size_t *pods)
{
    uint64_t bytes = 0;
    *pods = 0;
    for (size_t i = 0; i < simulation->landing_count; i++) {
        const struct plimsoll_landing *it = &simulation->landings[i];
        if (it->claim.floating_cards > 0 && (node == NULL || strcmp(it->node, node) == 0)) {
            bytes += it->claim.floating_cards * it->claim.floating_vram;
            (*pods)++;
        }
    }
    return bytes;
}

static void add_floating(const struct plimsoll_view_simulation *simulation, const char *node,
                         struct plimsoll_text *out)
{
    size_t pods;
    uint64_t bytes = sum_floating(simulation, node, &pods);
    if (pods > 0) {
        plimsoll_text_add_format(out, "      and %s of %zu pod%s on cards that the plugin picks\n",
                                 bytes_of(bytes).text, pods, pods > 1 ? "s" : "");
    }
}

static void add_nodes(const struct layout *layout,
                      const struct plimsoll_view_simulation *simulation, struct plimsoll_text *out)
{
    for (size_t i = 0; i < simulation->node_count; i++) {
        const struct plimsoll_extender_node *node = &simulation->nodes[i];
        const struct plimsoll_node_load *before = simulation->before[i];
        const struct plimsoll_node *it = node->view.node;
        if (it->card_count == 0 ||
            (!layout->options->wide && !node_has_changed(before, node->load))) {
            continue;
        }
        plimsoll_text_add_char(out, '\n');
        plimsoll_column_coloured(out, layout->options, BOLD, it->name);
        plimsoll_text_add_char(out, '\n');
        for (uint32_t k = 0; k < it->card_count && k < before->card_count; k++) {
            add_card(layout, &it->cards[k], &before->cards[k], &node->load->cards[k], out);
        }
        add_floating(simulation, it->name, out);
    }
}

/* -- and all in all ------------------------------------------------------------------------------
 */

static void add_sum(const struct layout *layout, const struct plimsoll_view_simulation *simulation,
                    struct plimsoll_text *out)
{
    size_t landed = 0, cards = 0, pods;
    uint64_t line = 0, before = 0, after = 0;
    uint64_t floating = sum_floating(simulation, NULL, &pods);
    plimsoll_autotext sentence = plimsoll_text_make(1024);
    for (size_t i = 0; i < simulation->landing_count; i++) {
        landed += simulation->landings[i].landed == PLIMSOLL_LANDED;
    }
    for (size_t i = 0; i < simulation->node_count; i++) {
        const struct plimsoll_extender_node *node = &simulation->nodes[i];
        for (uint32_t k = 0; k < node->load->card_count; k++) {
            bool takes =
                node->load->cards[k].state == PLIMSOLL_CARD_OK && node->view.node->unusable == NULL;
            line += node->load->cards[k].line;
            after += takes ? node->load->cards[k].free : 0;
            before += takes ? simulation->before[i]->cards[k].free : 0;
            cards++;
        }
    }
    plimsoll_text_add_format(&sentence, "%zu of %zu pods fit. ", landed, simulation->landing_count);
    if (cards == 0) {
        plimsoll_text_add_string(&sentence, "No node with a GPU is known.");
    } else {
        plimsoll_text_add_format(&sentence, "%s of %s on %zu card%s is free, %s before.",
                                 bytes_of(after).text, bytes_of(line).text, cards,
                                 cards == 1 ? "" : "s", bytes_of(before).text);
    }
    if (pods > 0) {
        plimsoll_text_add_format(&sentence, " %s of it goes to pods whose card the plugin picks.",
                                 bytes_of(floating).text);
    }
    plimsoll_text_add_char(out, '\n');
    plimsoll_column_wrap(out, layout->options, sentence.data, 0, 0);
    if (cards > 0) {
        plimsoll_bar_legend(layout->options, out);
    }
}

void plimsoll_view_simulation_table(const struct plimsoll_view_simulation *simulation,
                                    const struct plimsoll_view_options *options,
                                    struct plimsoll_text *out)
{
    struct layout layout = lay_out(simulation, options);
    if (simulation->landing_count == 0) {
        plimsoll_text_add_string(out, "no pods\n");
        return;
    }
    add_landings(&layout, simulation, out);
    add_nodes(&layout, simulation, out);
    add_sum(&layout, simulation, out);
}
