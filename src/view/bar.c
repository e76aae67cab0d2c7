/* SPDX-License-Identifier: Apache-2.0 */
#include "bar.h"

/* The parts of a card's total, in the order in which they stand in the bar. */
enum part { USED, BOOKED, OTHERS, FREE, RESERVE, PART_COUNT };

static const struct {
    const char *block, *ascii, *colour, *name;
} parts[PART_COUNT] = {
    [USED] = {"█", "#", CYAN, "in use"},      [BOOKED] = {"▄", "=", CYAN, "booked"},
    [OTHERS] = {"▓", "%", MAGENTA, "others"}, [FREE] = {"·", ".", GREEN, "free"},
    [RESERVE] = {"░", "-", DIM, "reserve"},
};

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint64_t plimsoll_bar_used(const struct plimsoll_card *card, const struct plimsoll_load *load)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < card->pod_count; i++) {
        used += smaller(card->pods[i].bytes, load->booked);
    }
    if (!card->attributed) {
        used = minus(load->used, load->foreign);
    }
    return smaller(used, load->booked);
}

static void add_run(enum part part, unsigned count, const struct plimsoll_view_options *options,
                    struct plimsoll_text *out)
{
    char run[BAR_CELLS_MAX * 4] = "";
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += (size_t)snprintf(run + size, sizeof run - size, "%s",
                                 options->unicode ? parts[part].block : parts[part].ascii);
    }
    if (count > 0) {
        plimsoll_column_coloured(out, options, parts[part].colour, run);
    }
}

/* Everything that is there shows; the rest goes to what is free. */
static void add_parts(const uint64_t bytes[PART_COUNT], uint64_t total, unsigned cells,
                      const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    static const enum part order[] = {USED, BOOKED, OTHERS, RESERVE};
    unsigned shares[PART_COUNT] = {0}, left = cells;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        double exact = total > 0 ? (double)bytes[order[i]] / (double)total * cells : 0;
        unsigned wanted = exact < cells ? (unsigned)(exact + 0.5) : cells;
        wanted = wanted == 0 && bytes[order[i]] > 0 ? 1 : wanted;
        shares[order[i]] = wanted < left ? wanted : left;
        left -= shares[order[i]];
    }
    shares[FREE] = left;
    for (enum part part = USED; part < PART_COUNT; part++) {
        add_run(part, shares[part], options, out);
    }
}

void plimsoll_bar_load(const struct plimsoll_card *card, const struct plimsoll_load *load,
                       unsigned cells, const struct plimsoll_view_options *options,
                       struct plimsoll_text *out)
{
    uint64_t used = plimsoll_bar_used(card, load);
    /* The reserve takes what others use up to its size: only the rest of either shows. */
    const uint64_t bytes[PART_COUNT] = {
        [USED] = used,
        [BOOKED] = load->booked - used,
        [OTHERS] = load->foreign,
        [RESERVE] = minus(load->reserve, load->foreign),
    };
    add_parts(bytes, load->total, cells, options, out);
}

void plimsoll_bar_share(uint64_t used, uint64_t booked, uint64_t total, unsigned cells,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    const uint64_t bytes[PART_COUNT] = {
        [USED] = smaller(used, booked), [BOOKED] = minus(booked, used)};
    add_parts(bytes, total, cells, options, out);
}

void plimsoll_bar_legend(const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    for (enum part part = USED; part < PART_COUNT; part++) {
        plimsoll_text_add_string(out, part == USED ? "" : "   ");
        add_run(part, 1, options, out);
        plimsoll_text_add_char(out, ' ');
        plimsoll_column_coloured(out, options, DIM, parts[part].name);
    }
    plimsoll_text_add_char(out, '\n');
}
