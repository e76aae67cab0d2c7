/* SPDX-License-Identifier: Apache-2.0 */
/* A Node of any bytes: what is read keeps the promises of node.h. */
#include <plimsoll/node.h>

#include <assert.h>

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
        return 0;
    }
    assert(node.name[0] != '\0' && node.card_count <= PLIMSOLL_CARDS_MAX);
    assert(node.resource_count <= PLIMSOLL_NODE_RESOURCES_MAX && (node.selectors & ~1ull) == 0);
    check_cards(&node);
    plimsoll_node_clear(&node);
    return 0;
}
