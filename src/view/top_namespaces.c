/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/answers.h>

#include "bar.h"
#include "shares.h"

#define NAME_COLUMNS_MIN 28u
/* Behind the name: pods, cards, claimed, in use, percent and what is between. */
#define NUMBERS_COLUMNS 40u
/* Of a pod's line before its node: what it claims and uses. */
#define HOLDING_COLUMNS 34u

struct layout {
    const struct plimsoll_view_options *options;
    unsigned name, bar;
};

static struct layout lay_out(const struct plimsoll_view_options *options)
{
    unsigned rest = options->width - NUMBERS_COLUMNS - NAME_COLUMNS_MIN;
    struct layout layout = {
        .options = options, .name = NAME_COLUMNS_MIN + rest / 2 - 6, .bar = rest - rest / 2 + 4};
    layout.bar = layout.bar > BAR_CELLS_MAX ? BAR_CELLS_MAX : layout.bar;
    return layout;
}

static void add_share(const struct layout *layout, const struct share *share, uint64_t line,
                      struct plimsoll_text *out)
{
    plimsoll_autotext name = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 1);
    unsigned percent = line > 0 ? (unsigned)((double)share->claimed / (double)line * 100 + 0.5) : 0;
    plimsoll_column_add(&name, layout->options, share->namespace_, layout->name);
    plimsoll_column_coloured(out, layout->options, BOLD, name.data);
    plimsoll_text_add_format(out, " %5zu %5zu  %8s  %8s  ", share->pods, share->cards,
                             bytes_of(share->claimed).text, bytes_of(share->measured).text);
    plimsoll_bar_share(share->measured, share->claimed, line, layout->bar, layout->options, out);
    plimsoll_text_add_format(out, " %3u%%\n", percent);
}

static void add_holding(const struct layout *layout, const struct holding *holding,
                        struct plimsoll_text *out)
{
    const struct occupant *it = &holding->it;
    plimsoll_text_add_string(out, "  ");
    plimsoll_column_add(out, layout->options, it->pod->name, layout->name - 2);
    /* Below the counts, which a pod has none of; the node's name has the end of the line. */
    plimsoll_text_add_format(out, "  %-12s%8s  ",
                             it->presence != PRESENCE_CLAIMED ? plimsoll_presence_text(it->presence)
                                                              : "",
                             it->claimed > 0 ? bytes_of(it->claimed).text : "-");
    if (holding->card != NULL && holding->card->attributed) {
        plimsoll_text_add_format(out, "%8s  ", bytes_of(it->measured).text);
    } else {
        plimsoll_text_add_string(out, "       ?  ");
    }
    plimsoll_autotext where = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 64);
    plimsoll_text_add_string(&where, holding->node->name);
    if (holding->card != NULL) {
        plimsoll_text_add_format(&where, ", card %d", holding->card->index);
    }
    plimsoll_column_clean(out, layout->options, where.data,
                          layout->options->width - layout->name - HOLDING_COLUMNS);
    plimsoll_text_add_char(out, '\n');
}

void plimsoll_view_top_namespaces(const struct plimsoll_view_cluster *cluster,
                                  const struct plimsoll_view_options *options,
                                  struct plimsoll_text *out)
{
    struct layout layout = lay_out(options);
    struct shares shares = plimsoll_shares_make(cluster);
    if (shares.count == 0) {
        plimsoll_occupants_none(cluster, options, out);
    } else {
        plimsoll_autotext head = plimsoll_text_make(256);
        plimsoll_column_add(&head, options, "NAMESPACE", layout.name);
        plimsoll_text_add_format(&head, "  PODS CARDS   CLAIMED    IN USE  OF %s\n",
                                 bytes_of(shares.line).text);
        plimsoll_column_coloured(out, options, DIM, head.data);
    }
    for (size_t i = 0; i < shares.count; i++) {
        const struct share *share = &shares.list[i];
        add_share(&layout, share, shares.line, out);
        for (size_t k = 0; k < share->count; k++) {
            add_holding(&layout, &shares.holdings[share->first + k], out);
        }
    }
    plimsoll_shares_clear(&shares);
    if (cluster->note != NULL) {
        plimsoll_text_add_char(out, '\n');
        plimsoll_column_wrap(out, options, cluster->note, 0, 0);
    }
}
