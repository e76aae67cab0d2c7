/* SPDX-License-Identifier: Apache-2.0 */
/* Cards by the labels of the AMD and Intel labellers; without labels by allocatable. */
#include "node_parts.h"

#include <plimsoll/limits.h>

/* `64G` is the labeller's word for 64 GiB, rounded. */
static int parse_size(struct plimsoll_span text, uint64_t *bytes, struct plimsoll_error *err)
{
    unsigned long long number = 0;
    char unit = text.size > 0 ? text.data[text.size - 1] : '\0';
    unsigned shift = unit == 'M' ? 20 : unit == 'G' ? 30 : unit == 'T' ? 40 : 0;
    struct plimsoll_span digits = {.data = text.data, .size = text.size > 0 ? text.size - 1 : 0};
    if (shift == 0 || !plimsoll_span_decimal(digits, &number) ||
        number >= (UINT64_C(1) << 53) >> shift) {
        struct plimsoll_span shown = plimsoll_model_shown(text);
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "label amd.com/gpu.vram: \"%.*s\" is no size such as 64G",
                                  PLIMSOLL_SPAN_ARG(shown));
    }
    *bytes = number << shift;
    return 0;
}

static void read_product(const struct plimsoll_model_labels *labels, char *out, size_t size)
{
    const struct plimsoll_model_amd *amd = labels->amd;
    plimsoll_model_label_text(amd[0].product.present ? &amd[0].product : &amd[1].product, out,
                              size);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c; /* labels hold no spaces */
    }
}

/* gpu.vram.SIZE = how many cards of that size. @return -1, or 0 with `added` */
static int add_by_sizes(const struct plimsoll_model_amd *amd, const char *product,
                        struct plimsoll_model_cards *cards, uint64_t *added,
                        struct plimsoll_error *err)
{
    for (unsigned i = 0; i < amd->size_count; i++) {
        uint64_t bytes, count = 0;
        if (parse_size(amd->sizes[i].name, &bytes, err) != 0 ||
            plimsoll_model_label_number(&amd->sizes[i].count, "amd.com/gpu.vram.*", UINT32_MAX,
                                        &count, err) < 0 ||
            plimsoll_model_cards_add(cards, count, PLIMSOLL_VENDOR_AMD, product, bytes, err) != 0) {
            return -1;
        }
        *added += count;
    }
    return 0;
}

int plimsoll_model_amd_cards(const struct plimsoll_model_labels *labels,
                             const struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                             struct plimsoll_error *err)
{
    char product[64], size[64];
    read_product(labels, product, sizeof product);
    /* Newer labellers write both spellings of the same: the one with counts says more. */
    for (unsigned i = 0; i < 2; i++) {
        uint64_t added = 0;
        if (add_by_sizes(&labels->amd[i], product, cards, &added, err) != 0) {
            return -1;
        }
        if (added > 0) {
            return 0;
        }
    }
    uint64_t count = plimsoll_model_offered(node, PLIMSOLL_VENDOR_AMD, false), bytes = 0;
    const struct plimsoll_model_value *vram =
        labels->amd[0].vram.present ? &labels->amd[0].vram : &labels->amd[1].vram;
    if (vram->present) {
        plimsoll_model_label_text(vram, size, sizeof size);
        if (parse_size(plimsoll_span_of(size), &bytes, err) != 0) {
            return -1;
        }
        count = count > 0 ? count : 1; /* the card is there, its plugin is not */
    }
    return plimsoll_model_cards_add(cards, count, PLIMSOLL_VENDOR_AMD, product, bytes, err);
}

int plimsoll_model_intel_cards(const struct plimsoll_model_labels *labels,
                               const struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                               struct plimsoll_error *err)
{
    char product[64];
    plimsoll_model_label_text(&labels->intel_product, product, sizeof product);
    uint64_t count = plimsoll_model_offered(node, PLIMSOLL_VENDOR_INTEL, false);
    if (plimsoll_model_label_number(&labels->intel_count, "gpu.intel.com/device.count", UINT32_MAX,
                                    &count, err) < 0) {
        return -1;
    }
    return plimsoll_model_cards_add(cards, count, PLIMSOLL_VENDOR_INTEL, product, 0, err);
}
