/* SPDX-License-Identifier: Apache-2.0 */
/* How much VRAM on each card: an annotation, limits, or both that agree. */
#include "pod_parts.h"

#include <plimsoll/quantity.h>

/* `50%`, `33.333%`: up to three decimals, above 0 and up to 100. */
static bool parse_percent(struct plimsoll_span text, uint32_t *milli)
{
    struct plimsoll_span rest = {.data = text.data, .size = text.size - 1}, whole = {0};
    unsigned long long units = 0, part = 0;
    plimsoll_span_cut(&rest, '.', &whole);
    bool point = rest.data != NULL;
    if (whole.size == 0 || whole.size > 3 || !plimsoll_span_decimal(whole, &units)) {
        return false;
    }
    if (point && (rest.size == 0 || rest.size > 3 || !plimsoll_span_decimal(rest, &part))) {
        return false;
    }
    for (size_t i = rest.size; point && i < 3; i++) {
        part *= 10;
    }
    unsigned long long sum = units * 1000 + part;
    *milli = (uint32_t)sum;
    return sum >= 1 && sum <= 100000;
}

static int refuse_small(uint64_t bytes, struct plimsoll_error *err)
{
    char size[PLIMSOLL_QUANTITY_SIZE];
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "%llu bytes (%s) on each card is below 1Mi; a number without a unit "
                              "is bytes, write for example %lluGi",
                              (unsigned long long)bytes, plimsoll_quantity_format(bytes, size),
                              bytes > 0 && bytes < 1024 ? (unsigned long long)bytes : 12);
}

static int read_annotation(struct plimsoll_span text, struct plimsoll_demand *demand,
                           struct plimsoll_error *err)
{
    uint64_t bytes;
    if (text.size > 0 && text.data[text.size - 1] == '%') {
        if (!parse_percent(text, &demand->percent_milli)) {
            struct plimsoll_span shown = plimsoll_model_shown(text);
            demand->percent_milli = 0;
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "\"%.*s\" is no share of a card; write a number above 0 and "
                                      "up to 100 with at most three decimals, such as 50%%",
                                      PLIMSOLL_SPAN_ARG(shown));
        }
        demand->request = PLIMSOLL_REQUEST_PERCENT;
        return 0;
    }
    if (plimsoll_quantity_parse(text, &bytes, err) != 0) {
        return -1;
    }
    if (bytes < PLIMSOLL_VRAM_MIN) {
        return refuse_small(bytes, err);
    }
    demand->request = PLIMSOLL_REQUEST_BYTES;
    demand->vram = bytes;
    return 0;
}

static bool agree(const struct plimsoll_demand *demand, uint64_t total, uint64_t per_card)
{
    uint64_t product;
    return demand->request == PLIMSOLL_REQUEST_BYTES &&
           (demand->vram == per_card ||
            (!__builtin_mul_overflow(demand->vram, demand->cards, &product) && product == total));
}

static int refuse_disagreement(struct plimsoll_span text, uint64_t total, uint32_t cards,
                               struct plimsoll_error *err)
{
    struct plimsoll_span shown = plimsoll_model_shown(text);
    return plimsoll_error_set(
        err, PLIMSOLL_ERR_INVALID,
        "the annotation asks for %.*s on each card, the limits for %llu bytes "
        "in total on %u card%s; write one of them, or the same in both",
        PLIMSOLL_SPAN_ARG(shown), (unsigned long long)total, cards, cards == 1 ? "" : "s");
}

int plimsoll_model_request(const struct plimsoll_model_vram *vram, struct plimsoll_demand *demand,
                           struct plimsoll_error *err)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text = {0};
    uint64_t total = vram->limit_total, per_card = 0;
    struct plimsoll_demand read = *demand;
    read.request = PLIMSOLL_REQUEST_DEFAULT;
    if (total > 0) {
        per_card = total / demand->cards + (total % demand->cards > 0 ? 1 : 0);
        if (per_card < PLIMSOLL_VRAM_MIN) {
            refuse_small(per_card, err);
            return plimsoll_error_wrap(err, "limit " PLIMSOLL_RESOURCE_VRAM);
        }
    }
    if (vram->annotation->present) {
        if (plimsoll_model_value_text(vram->annotation, &scratch, &text, err) != 0 ||
            read_annotation(text, &read, err) != 0) {
            return plimsoll_error_wrap(err, "annotation " PLIMSOLL_ANNOTATION_VRAM);
        }
        if (total > 0 && !agree(&read, total, per_card)) {
            refuse_disagreement(text, total, demand->cards, err);
            return plimsoll_error_wrap(err, PLIMSOLL_ANNOTATION_VRAM);
        }
    } else if (total > 0) {
        read.request = PLIMSOLL_REQUEST_BYTES;
        read.vram = per_card;
    }
    *demand = read;
    return 0;
}
