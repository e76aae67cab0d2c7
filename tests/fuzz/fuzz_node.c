/* SPDX-License-Identifier: Apache-2.0 */
/* A Node of any bytes: what is read keeps the promises of node.h. */
#include <plimsoll/node.h>

#include "../support/plain_agree.h"
#include "../support/spaced.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cards(const struct plimsoll_node *node)
{
    for (uint32_t i = 0; i < node->card_count; i++) {
        const struct plimsoll_card *card = &node->cards[i];
        assert(card->id[0] != '\0' && card->health[0] != '\0');
        assert(!card->free_only || (card->total == 0 && card->used == 0 && card->reported));
        assert((card->nvlink >> i & 1) == 0);
        for (uint32_t other = 0; other < i; other++) {
            assert(strcmp(card->id, node->cards[other].id) != 0);
        }
    }
}

static void compare(const struct plimsoll_node *a, const struct plimsoll_node *b)
{
    assert(strcmp(a->name, b->name) == 0 && (a->unusable == NULL) == (b->unusable == NULL));
    assert(a->card_count == b->card_count && a->resource_count == b->resource_count);
    for (uint32_t i = 0; i < a->card_count; i++) {
        agree_on_card(&a->cards[i], &b->cards[i]);
    }
    for (uint32_t i = 0; i < a->resource_count; i++) {
        assert(strcmp(a->resources[i].name, b->resources[i].name) == 0);
        assert(a->resources[i].allocatable == b->resources[i].allocatable);
    }
    assert(a->report == b->report && a->report_time == b->report_time);
    assert(a->inventory == b->inventory && a->pinned == b->pinned && a->mps == b->mps);
    assert(a->replicas == b->replicas && a->env == b->env && a->device_list == b->device_list);
    assert(a->selectors == b->selectors);
}

/* @param node  NULL: the object was refused */
static void check_spaced(struct plimsoll_span object, const struct plimsoll_reading *reading,
                         const struct plimsoll_node *node)
{
    plimsoll_autotext text = plimsoll_text_make(object.size * 3 + 1);
    struct plimsoll_node again = {0};
    struct plimsoll_error err;
    if (!spaced_write(object, &text)) {
        return;
    }
    int result = plimsoll_node_read(plimsoll_text_span(&text), reading, &again, &err);
    assert((result == 0) == (node != NULL));
    if (result == 0) {
        compare(node, &again);
        plimsoll_node_clear(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct plimsoll_resource list[] = {
        {"nvidia.com/gpu", PLIMSOLL_VENDOR_NVIDIA, false},
        {"nvidia.com/mig-*", PLIMSOLL_VENDOR_NVIDIA, true},
        {"amd.com/gpu", PLIMSOLL_VENDOR_AMD, false},
        {"gpu.intel.com/*", PLIMSOLL_VENDOR_INTEL, false},
    };
    static const struct plimsoll_selector selectors[] = {{"nvidia.com/gpu.present", "true"}};
    static const struct plimsoll_reading reading = {
        .resources = {.list = list, .count = 4}, .selectors = selectors, .selector_count = 1};
    struct plimsoll_span object = {.data = (const char *)data, .size = size};
    struct plimsoll_node node = {0};
    struct plimsoll_error err = {0};
    if (plimsoll_node_read(object, &reading, &node, &err) != 0) {
        assert(err.kind == PLIMSOLL_ERR_INVALID && node.name == NULL);
        check_spaced(object, &reading, NULL);
        return 0;
    }
    assert(node.name[0] != '\0' && node.card_count <= PLIMSOLL_CARDS_MAX);
    assert(node.resource_count <= PLIMSOLL_NODE_RESOURCES_MAX && (node.selectors & ~1ull) == 0);
    check_cards(&node);
    check_spaced(object, &reading, &node);
    plimsoll_node_clear(&node);
    return 0;
}
