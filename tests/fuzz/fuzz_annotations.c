/* SPDX-License-Identifier: Apache-2.0 */
/* Annotation values: the first byte says which, the rest is the value as it comes out of the
 * object. */
#include <plimsoll/claim.h>
#include <plimsoll/limits.h>

#include "../support/plain_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written and read again to the same. */
static void check_claim(struct plimsoll_span value)
{
    struct plimsoll_claim claim = {0}, again = {0};
    struct plimsoll_error err;
    if (plimsoll_claim_parse(value, &claim, &err) != 0) {
        assert(claim.cards == NULL && err.message[0] != '\0');
        return;
    }
    plimsoll_autotext first = plimsoll_text_make(1 << 20), second = plimsoll_text_make(1 << 20);
    plimsoll_claim_write(&claim, &first);
    assert(plimsoll_claim_parse(plimsoll_text_span(&first), &again, &err) == 0);
    plimsoll_claim_write(&again, &second);
    assert(plimsoll_span_equal(plimsoll_text_span(&first), plimsoll_text_span(&second)));
    assert((claim.card_count > 0) != (claim.floating_cards > 0));
    plimsoll_claim_clear(&claim);
    plimsoll_claim_clear(&again);
}

static void read_node(const char *key, struct plimsoll_span value, struct plimsoll_node *node)
{
    static const struct plimsoll_resource list[] = {
        {"nvidia.com/gpu", PLIMSOLL_VENDOR_NVIDIA, false}};
    static const struct plimsoll_reading reading = {.resources = {.list = list, .count = 1}};
    plimsoll_autotext object = plimsoll_text_make(1 << 24);
    struct plimsoll_error err;
    plimsoll_text_add_format(&object,
                             "{\"metadata\":{\"name\":\"n\",\"labels\":{\"nvidia.com/gpu.count\":"
                             "\"2\",\"nvidia.com/gpu.memory\":\"1024\"},\"annotations\":{\"%s\":",
                             key);
    plimsoll_text_add_json(&object, value);
    plimsoll_text_add_string(&object, "}}}");
    assert(plimsoll_node_read(plimsoll_text_span(&object), &reading, node, &err) == 0);
    assert(node->card_count <= PLIMSOLL_CARDS_MAX);
    assert(node->unusable == NULL || strstr(node->unusable, key) != NULL);
}

/* An unknown key keeps the quick reader away and changes nothing: both readers agree. */
static void compare_readers(const char *key, struct plimsoll_span value,
                            const struct plimsoll_node *node)
{
    plimsoll_autotext other = plimsoll_text_make(1 << 22);
    struct plimsoll_node thorough = {0};
    plimsoll_text_add_string(&other, "{\"unknown to all\":{},");
    plimsoll_text_add(&other, value.data + 1, value.size - 1);
    read_node(key, plimsoll_text_span(&other), &thorough);
    if (other.size <= PLIMSOLL_ANNOTATION_BYTES_MAX) {
        assert((node->unusable == NULL) == (thorough.unusable == NULL));
        assert(node->env == thorough.env && node->device_list == thorough.device_list);
        assert(node->report_time == thorough.report_time && node->report == thorough.report);
        assert(node->card_count == thorough.card_count);
        for (uint32_t i = 0; i < node->card_count; i++) {
            agree_on_card(&node->cards[i], &thorough.cards[i]);
        }
    }
    plimsoll_node_clear(&thorough);
}

static void check_node(const char *key, struct plimsoll_span value)
{
    struct plimsoll_node node = {0};
    read_node(key, value, &node);
    if (value.size > 2 && value.data[0] == '{' && value.data[1] == '"') {
        compare_readers(key, value, &node);
    }
    plimsoll_node_clear(&node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {PLIMSOLL_ANNOTATION_INVENTORY, PLIMSOLL_ANNOTATION_USAGE,
                                       PLIMSOLL_ANNOTATION_FREE_VRAM, PLIMSOLL_ANNOTATION_CORDONED,
                                       PLIMSOLL_ANNOTATION_PIN};
    const size_t count = sizeof keys / sizeof keys[0];
    if (size == 0 || size > PLIMSOLL_OBJECT_BYTES_MAX) {
        return 0;
    }
    struct plimsoll_span value = {.data = (const char *)data + 1, .size = size - 1};
    size_t which = (size_t)(data[0] - '0');
    if (which < count) {
        check_node(keys[which], value);
    } else {
        check_claim(value);
    }
    return 0;
}
