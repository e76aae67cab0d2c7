/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#define MI (UINT64_C(1) << 20)
#define GI (UINT64_C(1) << 30)
#define A  "GPU-8f6d7a0e-0c41-7a7b-31c1-2f0e1d5b9a10"
#define B  "GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901"

/* A Node with these labels, annotations and allocatable (JSON members); the caller clears it. */
static struct plimsoll_node read_node(const char *labels, const char *annotations,
                                      const char *allocatable)
{
    plimsoll_autotext text = plimsoll_text_make(1 << 22);
    struct plimsoll_node node = {0};
    struct plimsoll_error err = {0};
    plimsoll_text_add_format(&text,
                             "{\"status\":{\"allocatable\":{%s},\"images\":[{\"names\":[\"x\"]}]},"
                             "\"kind\":\"Node\",\"metadata\":{\"labels\":{%s},\"uid\":\"7\","
                             "\"annotations\":{",
                             allocatable, labels);
    plimsoll_text_add_string(&text, annotations);
    plimsoll_text_add_string(&text, "},\"name\":\"n1\"},\"spec\":{\"taints\":[{}]}}");
    if (plimsoll_node_read(plimsoll_text_span(&text), &wire_reading, &node, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(node.name, "n1");
    return node;
}

/* One annotation as a JSON member. */
static void annotate(struct plimsoll_text *out, const char *key, const char *value)
{
    plimsoll_text_add_string(out, out->size > 0 ? "," : "");
    plimsoll_text_add_json(out, plimsoll_span_of(key));
    plimsoll_text_add_char(out, ':');
    plimsoll_text_add_json(out, plimsoll_span_of(value));
}

static struct plimsoll_node read_annotated(const char *inventory, const char *usage)
{
    plimsoll_autotext text = plimsoll_text_make(1 << 21);
    if (inventory != NULL) {
        annotate(&text, PLIMSOLL_ANNOTATION_INVENTORY, inventory);
    }
    if (usage != NULL) {
        annotate(&text, PLIMSOLL_ANNOTATION_USAGE, usage);
    }
    return read_node("", text.data != NULL ? text.data : "", "");
}

static void assert_unusable(struct plimsoll_node *node, const char *why)
{
    if (node->unusable == NULL || strstr(node->unusable, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", node->unusable != NULL ? node->unusable : "usable",
                 why);
    }
    plimsoll_node_clear(node);
}

static void inventory_refused(const char *inventory, const char *why)
{
    struct plimsoll_node node = read_annotated(inventory, NULL);
    assert_false(node.inventory);
    assert_non_null(strstr(node.unusable != NULL ? node.unusable : "", "plimsoll.dev/inventory"));
    assert_unusable(&node, why);
}

static void usage_refused(const char *usage, const char *why)
{
    struct plimsoll_node node = read_annotated(NULL, usage);
    assert_int_equal(node.report, PLIMSOLL_REPORT_NONE);
    assert_non_null(strstr(node.unusable != NULL ? node.unusable : "", "plimsoll.dev/usage"));
    assert_unusable(&node, why);
}

static struct plimsoll_node read_fixture(const char *path)
{
    plimsoll_autotext file = wire_file(path);
    struct plimsoll_node node = {0};
    struct plimsoll_error err = {0};
    if (plimsoll_node_read(plimsoll_text_span(&file), &wire_reading, &node, &err) != 0) {
        fail_msg("%s: %s", path, err.message);
    }
    return node;
}

static void the_examples_of_inventory_and_usage_are_read(void **state)
{
    (void)state;
    plimsoll_autotext inventory = wire_file("fixtures/formats/inventory.json");
    plimsoll_autotext usage = wire_file("fixtures/formats/usage.json");
    struct plimsoll_node node = read_annotated(inventory.data, usage.data);
    assert_null(node.unusable);
    assert_true(node.inventory);
    assert_int_equal(node.env, PLIMSOLL_YES);
    assert_int_equal(node.device_list, PLIMSOLL_DEVICE_LIST_CDI);
    assert_int_equal(node.report, PLIMSOLL_REPORT_USAGE);
    assert_int_equal(node.report_time, 1795324200000);
    assert_int_equal(node.card_count, 3);
    const struct plimsoll_card *a = &node.cards[0], *b = &node.cards[1], *c = &node.cards[2];
    assert_string_equal(a->id, A);
    assert_string_equal(a->product, "NVIDIA A100-SXM4-80GB");
    assert_string_equal(a->health, "ok");
    assert_string_equal(b->health, "xid 79");
    assert_int_equal(a->vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_int_equal(c->vendor, PLIMSOLL_VENDOR_AMD);
    assert_int_equal(a->total, 80 * GI);
    assert_int_equal(b->index, 1);
    assert_int_equal(a->numa, 0);
    assert_int_equal(c->numa, -1);
    assert_true(c->unified);
    assert_true(a->links_known && b->links_known && !c->links_known);
    assert_int_equal(a->nvlink, 2);
    assert_int_equal(b->nvlink, 1);
    assert_int_equal(a->used, 40 * GI);
    assert_true(a->reported && b->reported && c->reported);
    assert_true(a->attributed && b->attributed && !c->attributed);
    assert_int_equal(a->pod_count, 1);
    assert_string_equal(a->pods[0].pod.text, "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b");
    assert_int_equal(a->pods[0].bytes, 41875931136);
    assert_int_equal(a->holder_count, 2);
    assert_string_equal(a->holders[1].text, "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59");
    assert_int_equal(b->pod_count + b->holder_count + c->pod_count + c->holder_count, 0);
    assert_false(a->disagrees || b->disagrees || c->disagrees);
    plimsoll_node_clear(&node);
    assert_null(node.cards);
}

#define CARD "{\"id\":\"0\",\"index\":0,\"vendor\":\"nvidia\",\"vram\":5"
#define INV  "{\"v\":1,\"cards\":["
#define USE  "{\"v\":1,\"cards\":["

static void an_inventory_needs_no_more_than_id_index_vendor_and_bytes(void **state)
{
    (void)state;
    struct plimsoll_node node = read_annotated(INV CARD ",\"later\":{\"x\":[]}}]}", NULL);
    assert_null(node.unusable);
    assert_int_equal(node.env, PLIMSOLL_UNKNOWN);
    assert_int_equal(node.device_list, PLIMSOLL_DEVICE_LIST_UNKNOWN);
    assert_int_equal(node.report, PLIMSOLL_REPORT_NONE);
    assert_false(node.cards[0].reported);
    assert_int_equal(node.cards[0].replicas, 0);
    assert_int_equal(node.cards[0].numa, -1);
    assert_string_equal(node.cards[0].health, "ok");
    plimsoll_node_clear(&node);
    node =
        read_annotated("{\"v\":1,\"env\":false,\"deviceList\":\"env+nodes\",\"cards\":[]}", NULL);
    assert_null(node.unusable);
    assert_true(node.inventory);
    assert_int_equal(node.card_count, 0);
    assert_int_equal(node.env, PLIMSOLL_NO);
    assert_int_equal(node.device_list, PLIMSOLL_DEVICE_LIST_ENV_NODES);
    plimsoll_node_clear(&node);
}

/* Reads `inventory` and `usage` as they stand, and with a key that makes the quick reader give up.
 */
static void both_readers_agree(const char *inventory, const char *usage)
{
    plimsoll_autotext other_inventory = plimsoll_text_make(1 << 17);
    plimsoll_autotext other_usage = plimsoll_text_make(1 << 17);
    plimsoll_text_add_format(&other_inventory, "{\"x\":[],%s", inventory + 1);
    plimsoll_text_add_format(&other_usage, "{\"x\":[],%s", usage + 1);
    struct plimsoll_node a = read_annotated(inventory, usage);
    struct plimsoll_node b = read_annotated(other_inventory.data, other_usage.data);
    assert_null(a.unusable);
    assert_null(b.unusable);
    assert_int_equal(a.env, b.env);
    assert_int_equal(a.device_list, b.device_list);
    assert_int_equal(a.report_time, b.report_time);
    assert_int_equal(a.card_count, b.card_count);
    for (uint32_t i = 0; i < a.card_count; i++) {
        struct plimsoll_card *c = &a.cards[i], *d = &b.cards[i];
        assert_int_equal(c->pod_count, d->pod_count);
        assert_int_equal(c->holder_count, d->holder_count);
        assert_int_equal(c->mig_count, d->mig_count);
        for (uint32_t k = 0; k < c->pod_count; k++) {
            assert_string_equal(c->pods[k].pod.text, d->pods[k].pod.text);
            assert_int_equal(c->pods[k].bytes, d->pods[k].bytes);
        }
        for (uint32_t k = 0; k < c->holder_count; k++) {
            assert_string_equal(c->holders[k].text, d->holders[k].text);
        }
        for (uint32_t k = 0; k < c->mig_count; k++) {
            assert_string_equal(c->mig[k].id, d->mig[k].id);
            assert_string_equal(c->mig[k].profile, d->mig[k].profile);
            assert_int_equal(c->mig[k].vram, d->mig[k].vram);
        }
        assert_string_equal(c->id, d->id);
        assert_string_equal(c->product, d->product);
        assert_string_equal(c->health, d->health);
        assert_int_equal(c->total, d->total);
        assert_int_equal(c->used, d->used);
        assert_int_equal(c->nvlink, d->nvlink);
        assert_int_equal(c->replicas, d->replicas);
        assert_int_equal(c->index, d->index);
        assert_int_equal(c->numa, d->numa);
        assert_int_equal(c->vendor, d->vendor);
        assert_int_equal(c->unified, d->unified);
        assert_int_equal(c->attributed, d->attributed);
        assert_int_equal(c->links_known, d->links_known);
        assert_int_equal(c->disagrees, d->disagrees);
    }
    plimsoll_node_clear(&a);
    plimsoll_node_clear(&b);
}

static void an_unknown_key_changes_nothing(void **state)
{
    (void)state;
    plimsoll_autotext inventory = wire_file("fixtures/formats/inventory.json");
    plimsoll_autotext usage = wire_file("fixtures/formats/usage.json");
    both_readers_agree(inventory.data, usage.data);
    both_readers_agree(
        "{\"v\":1,\"driver\":\"d\",\"env\":false,\"deviceList\":\"env\",\"cards\":["
        "{\"id\":\"a\",\"index\":1,\"vendor\":\"intel\",\"vram\":7,\"numa\":1,"
        "\"replicas\":4,\"links\":[{\"to\":\"b\",\"kind\":\"pcie\"},{\"to\":\"gone\","
        "\"kind\":\"nvlink\",\"n\":4}],\"mig\":[{\"id\":\"m\",\"profile\":\"p\","
        "\"vram\":1}]},{\"id\":\"b\",\"index\":0,\"vendor\":\"amd\",\"vram\":8,"
        "\"unified\":true,\"mig\":[]}]}",
        "{\"v\":1,\"cards\":[{\"id\":\"b\",\"used\":3,\"holders\":[\"z\",\"y\",\"x\"],"
        "\"pods\":{\"q\":1,\"p\":2}}]}");
}

static void mig_instances_belong_to_their_card(void **state)
{
    (void)state;
    struct plimsoll_node node = read_annotated(
        INV CARD ",\"replicas\":3,\"mig\":[{\"id\":\"MIG-1\",\"profile\":\"1g.10gb\","
                 "\"vram\":7},{\"id\":\"MIG-2\",\"profile\":\"2g.20gb\",\"vram\":8}]}]}",
        NULL);
    assert_null(node.unusable);
    assert_int_equal(node.cards[0].replicas, 3);
    assert_int_equal(node.cards[0].mig_count, 2);
    assert_string_equal(node.cards[0].mig[1].id, "MIG-2");
    assert_string_equal(node.cards[0].mig[1].profile, "2g.20gb");
    assert_int_equal(node.cards[0].mig[1].vram, 8);
    plimsoll_node_clear(&node);
}

static void every_rule_of_the_inventory_is_held(void **state)
{
    (void)state;
    inventory_refused("", "byte");
    inventory_refused("{\"v\":1,\"cards\":[", "byte");
    inventory_refused("null", "not an object");
    inventory_refused("{\"v\":2,\"cards\":[]}", "version \"v\": 2 is not known");
    inventory_refused("{\"cards\":[]}", "no version");
    inventory_refused("{\"v\":1}", "cards is missing");
    inventory_refused("{\"v\":1,\"cards\":{}}", "at byte 15: cards: {} is not an array");
    inventory_refused("{\"v\":1,\"cards\":[null]}", "is not an object");
    inventory_refused("{\"v\":1,\"v\":1,\"cards\":[]}", "byte");
    inventory_refused("{\"v\":1,\"env\":\"yes\",\"cards\":[]}", "true or false");
    inventory_refused("{\"v\":1,\"env\":null,\"cards\":[]}", "true or false");
    inventory_refused("{\"v\":1,\"deviceList\":\"dra\",\"cards\":[]}", "\"env+nodes\", \"cdi\"");
    inventory_refused("{\"v\":1,\"driver\":5,\"cards\":[]}", "driver: 5");
    inventory_refused(INV "{\"index\":0,\"vendor\":\"amd\",\"vram\":5}]}", "id is missing");
    inventory_refused(INV "{\"id\":\"0\",\"vendor\":\"amd\",\"vram\":5}]}", "index is missing");
    inventory_refused(INV "{\"id\":\"0\",\"index\":0,\"vram\":5}]}", "vendor is missing");
    inventory_refused(INV "{\"id\":\"0\",\"index\":0,\"vendor\":\"amd\"}]}", "vram is missing");
    inventory_refused(INV "{\"id\":\"0\",\"index\":0,\"vendor\":\"3dfx\",\"vram\":5}]}", "one of");
    inventory_refused(INV "{\"id\":\"0\",\"index\":-1,\"vendor\":\"amd\",\"vram\":5}]}",
                      "index: -1");
    inventory_refused(INV "{\"id\":\"0\",\"index\":0,\"vendor\":\"amd\",\"vram\":-5}]}",
                      "vram: -5");
    inventory_refused(INV "{\"id\":\"0\",\"index\":0,\"vendor\":\"amd\",\"vram\":0.5}]}",
                      "vram: 0.5");
    inventory_refused(
        INV "{\"id\":\"0\",\"index\":0,\"vendor\":\"amd\",\"vram\":9007199254740992}]}", "2^53");
    inventory_refused(INV CARD ",\"vram\":5}]}", "byte");
    inventory_refused(INV CARD "}," CARD "}]}", "id 0 is listed twice");
    inventory_refused(INV CARD ",\"numa\":-2}]}", "numa: -2");
    inventory_refused(INV CARD ",\"numa\":\"0\"}]}", "numa");
    inventory_refused(INV CARD ",\"replicas\":65537}]}", "replicas: 65537");
    inventory_refused(INV CARD ",\"health\":true}]}", "health: true");
    inventory_refused(INV CARD ",\"health\":null}]}", "health: null");
    inventory_refused(INV CARD ",\"product\":[]}]}", "product");
    inventory_refused(INV CARD ",\"pci\":1}]}", "pci");
    inventory_refused(INV CARD ",\"unified\":1}]}", "unified: 1");
    inventory_refused(INV CARD ",\"links\":{}}]}", "links");
    inventory_refused(INV CARD ",\"links\":[5]}]}", "links[]");
    inventory_refused(INV CARD ",\"links\":[{\"to\":\"1\"}]}]}", "kind is missing");
    inventory_refused(INV CARD ",\"links\":[{\"to\":\"1\",\"kind\":\"rope\"}]}]}", "\"nvlink\"");
    inventory_refused(INV CARD ",\"mig\":5}]}", "mig: 5");
    inventory_refused(INV CARD ",\"mig\":[{\"id\":\"m\",\"profile\":\"p\"}]}]}", "vram is missing");
    inventory_refused(INV CARD ",\"mig\":[{\"id\":\"0\",\"profile\":\"p\",\"vram\":1}]}]}",
                      "twice");
    inventory_refused(INV CARD
                      ",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                      "[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
                      "]]]]]}]}",
                      "byte");
}

static void cards_of(unsigned count, struct plimsoll_text *text)
{
    plimsoll_text_add_string(text, INV);
    for (unsigned i = 0; i < count; i++) {
        plimsoll_text_add_format(text,
                                 "%s{\"id\":\"g%u\",\"index\":%u,\"vendor\":\"intel\",\"vram\":1}",
                                 i > 0 ? "," : "", i, i);
    }
    plimsoll_text_add_string(text, "]}");
}

static void sixty_four_cards_are_the_most(void **state)
{
    (void)state;
    plimsoll_autotext most = plimsoll_text_make(1 << 16), more = plimsoll_text_make(1 << 16);
    cards_of(64, &most);
    cards_of(65, &more);
    struct plimsoll_node node = read_annotated(most.data, NULL);
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 64);
    plimsoll_node_clear(&node);
    inventory_refused(more.data, "65 entries; at most 64");
    /* 64 in the inventory and one stranger in usage are too many together. */
    node = read_annotated(most.data, "{\"v\":1,\"cards\":[{\"id\":\"x\",\"used\":1}]}");
    assert_int_equal(node.card_count, 64);
    assert_unusable(&node, "more than 64");
}

/* One card with `count` links, instances or holders. */
static struct plimsoll_node read_many(const char *what, unsigned count)
{
    plimsoll_autotext inventory = plimsoll_text_make(1 << 17), usage = plimsoll_text_make(1 << 17);
    plimsoll_text_add_format(&inventory, INV CARD "%s",
                             what[0] == 'l'   ? ",\"links\":["
                             : what[0] == 'm' ? ",\"mig\":["
                                              : ",\"x\":[");
    plimsoll_text_add_string(&usage, USE "{\"id\":\"0\",\"used\":1,\"holders\":[");
    for (unsigned i = 0; i < count; i++) {
        plimsoll_text_add_format(&inventory,
                                 "%s{\"to\":\"%u\",\"kind\":\"nvlink\",\"id\":\"m%u\",\"profile\":"
                                 "\"p\",\"vram\":1}",
                                 i > 0 ? "," : "", i, i);
        plimsoll_text_add_format(&usage, "%s\"u%04u\"", i > 0 ? "," : "", (i * 7) % count);
    }
    plimsoll_text_add_string(&inventory, "]}]}");
    plimsoll_text_add_string(&usage, "]}]}");
    return read_annotated(inventory.data, usage.data);
}

static void links_and_instances_have_a_ceiling_and_holders_have_none_but_the_size(void **state)
{
    (void)state;
    struct plimsoll_node node = read_many("links", 64);
    assert_null(node.unusable);
    plimsoll_node_clear(&node);
    node = read_many("links", 65);
    assert_unusable(&node, "links: 65 entries");
    node = read_many("mig", 64);
    assert_null(node.unusable);
    assert_int_equal(node.cards[0].mig_count, 64);
    plimsoll_node_clear(&node);
    node = read_many("mig", 65);
    assert_unusable(&node, "mig: 65 entries");
    node = read_many("holders", 500);
    assert_null(node.unusable);
    assert_int_equal(node.cards[0].holder_count, 500);
    assert_string_equal(node.cards[0].holders[499].text, "u0499");
    plimsoll_node_clear(&node);
}

static void a_value_above_256_kib_is_refused_unread(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(1 << 20);
    plimsoll_text_add_string(&text, "{\"v\":1,\"cards\":[]}");
    while (text.size < PLIMSOLL_ANNOTATION_BYTES_MAX) {
        plimsoll_text_add_char(&text, ' ');
    }
    struct plimsoll_node node = read_annotated(text.data, NULL);
    assert_null(node.unusable);
    plimsoll_node_clear(&node);
    plimsoll_text_add_char(&text, ' ');
    inventory_refused(text.data, "larger than 256 KiB");
    text.data[text.size - 1] = '\n'; /* now with an escape */
    inventory_refused(text.data, "larger than 256 KiB");
}

static void every_rule_of_usage_is_held(void **state)
{
    (void)state;
    usage_refused("{}", "no version");
    usage_refused("{\"v\":9,\"cards\":[]}", "version");
    usage_refused("{\"v\":1}", "cards is missing");
    usage_refused("{\"v\":1,\"time\":\"yesterday\",\"cards\":[]}", "time");
    usage_refused("{\"v\":1,\"time\":5,\"cards\":[]}", "time: 5");
    usage_refused(USE "{\"id\":\"0\"}]}", "used is missing");
    usage_refused(USE "{\"used\":0}]}", "id is missing");
    usage_refused(USE "{\"id\":\"0\",\"used\":-1}]}", "used: -1");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"used\":1}]}", "byte");
    usage_refused(USE "{\"id\":\"0\",\"used\":1},{\"id\":\"0\",\"used\":1}]}", "listed twice");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"attributed\":\"no\"}]}", "attributed");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"pods\":[]}]}", "pods");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"pods\":{\"u\":1.5}}]}",
                  "u is not a whole number");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"pods\":{\"u\":1,\"u\":1}}]}", "byte");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"pods\":{\"\":1}}]}", "1 to 39 bytes");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"holders\":{}}]}", "holders");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"holders\":[null]}]}", "holders[]");
    usage_refused(USE "{\"id\":\"0\",\"used\":1,\"holders\":[\"b\",\"a\",\"b\"]}]}",
                  "b is listed twice");
}

static void a_card_on_one_side_only_disagrees(void **state)
{
    (void)state;
    struct plimsoll_node node = read_annotated(
        INV CARD "},{\"id\":\"gone\",\"index\":1,\"vendor\":\"nvidia\",\"vram\":5}]}",
        USE "{\"id\":\"come\",\"used\":3,\"holders\":[\"u\"]},"
            "{\"id\":\"0\",\"used\":4}]}");
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 3);
    assert_false(node.cards[0].disagrees);
    assert_int_equal(node.cards[0].used, 4);
    assert_true(node.cards[1].disagrees);
    assert_false(node.cards[1].reported);
    assert_string_equal(node.cards[2].id, "come");
    assert_true(node.cards[2].disagrees);
    assert_int_equal(node.cards[2].used, 3);
    assert_int_equal(node.cards[2].holder_count, 1);
    assert_int_equal(node.cards[2].total, 0);
    plimsoll_node_clear(&node);
}

#define FREE "\"plimsoll.dev/free-vram\":"
#define L4X2 "\"nvidia.com/gpu.count\":\"2\",\"nvidia.com/gpu.memory\":\"1024\""

static void every_example_of_free_vram_is_accepted(void **state)
{
    (void)state;
    plimsoll_autotext file = wire_file("fixtures/formats/free-vram.txt");
    struct plimsoll_span rest = plimsoll_span_trim(plimsoll_text_span(&file)), line;
    unsigned lines = 0, cards[] = {1, 2, 1, 1, 4};
    uint64_t first[] = {12025908429, 12025908429, 8589934592, 0, 15500000000};
    for (; plimsoll_span_cut(&rest, '\n', &line); lines++) {
        plimsoll_autotext member = plimsoll_text_make(256);
        plimsoll_text_add_format(&member, FREE "\"%.*s\"", PLIMSOLL_SPAN_ARG(line));
        struct plimsoll_node node = read_node("", member.data, "");
        assert_null(node.unusable);
        assert_int_equal(node.report, PLIMSOLL_REPORT_FREE);
        assert_int_equal(node.card_count, cards[lines]);
        assert_int_equal(node.cards[0].free_reported, first[lines]);
        assert_true(node.cards[0].free_only && node.cards[0].reported);
        assert_int_equal(node.cards[0].total + node.cards[0].used, 0);
        assert_string_equal(node.cards[0].id, "0");
        assert_int_equal(node.cards[0].vendor, PLIMSOLL_VENDOR_NVIDIA);
        plimsoll_node_clear(&node);
    }
    assert_int_equal(lines, 5);
}

static void free_vram_of_a_known_total_says_what_is_used(void **state)
{
    (void)state;
    struct plimsoll_node node = read_node(
        L4X2, FREE "\" 1Gi , 24Mi\",\"plimsoll.dev/free-vram-time\":\"2026-11-22T05:10:00Z\"", "");
    assert_null(node.unusable);
    assert_int_equal(node.report_time, 1795324200000);
    assert_int_equal(node.cards[0].used, 0);
    assert_int_equal(node.cards[1].used, 1000 * MI);
    assert_int_equal(node.cards[1].free_reported, 24 * MI);
    assert_true(node.cards[1].reported && !node.cards[1].free_only && !node.cards[1].attributed);
    plimsoll_node_clear(&node);
}

static void free_vram_goes_by_index_where_there_is_one(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(4096);
    annotate(&text, PLIMSOLL_ANNOTATION_INVENTORY,
             INV "{\"id\":\"b\",\"index\":1,\"vendor\":\"nvidia\",\"vram\":1073741824},"
                 "{\"id\":\"a\",\"index\":0,\"vendor\":\"nvidia\",\"vram\":1073741824}]}");
    annotate(&text, PLIMSOLL_ANNOTATION_FREE_VRAM, "1Mi,2Mi");
    struct plimsoll_node node = read_node("", text.data, "");
    assert_null(node.unusable);
    assert_int_equal(node.cards[0].free_reported, 2 * MI);
    assert_int_equal(node.cards[1].free_reported, 1 * MI);
    plimsoll_node_clear(&node);
}

static void free_vram_beside_usage_is_for_people(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(4096);
    annotate(&text, PLIMSOLL_ANNOTATION_INVENTORY, INV CARD "}]}");
    annotate(&text, PLIMSOLL_ANNOTATION_USAGE, USE "{\"id\":\"0\",\"used\":4}]}");
    annotate(&text, PLIMSOLL_ANNOTATION_FREE_VRAM, "plenty");
    struct plimsoll_node node = read_node("", text.data, "");
    assert_null(node.unusable);
    assert_int_equal(node.report, PLIMSOLL_REPORT_USAGE);
    assert_int_equal(node.cards[0].free_reported, 0);
    plimsoll_node_clear(&node);
}

static void free_vram_that_does_not_parse_is_not_free(void **state)
{
    (void)state;
    const struct {
        const char *value, *why;
    } bad[] = {
        {"\"\"", "free-vram: value 0: \"\" is empty"},
        {"\"plenty\"", "no quantity"},
        {"\"1Gi,\"", "value 1"},
        {"\"-1\"", "negative"},
        {"\"1Gi\"", "has 1 value, but the node has 2 cards"},
        {"\"1Gi,1Gi,1Gi\"", "has 3 values, but the node has 2 cards"},
        {"5", "is no string"},
        {"null", "is no string"},
        {"\"1Gi,1Gi\",\"plimsoll.dev/free-vram-time\":\"noon\"", "free-vram-time"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        plimsoll_autotext member = plimsoll_text_make(256);
        plimsoll_text_add_format(&member, FREE "%s", bad[i].value);
        struct plimsoll_node node = read_node(L4X2, member.data, "");
        assert_unusable(&node, bad[i].why);
    }
    plimsoll_autotext many = plimsoll_text_make(1024);
    plimsoll_text_add_string(&many, FREE "\"0");
    for (int i = 0; i < 64; i++) {
        plimsoll_text_add_string(&many, ",0");
    }
    plimsoll_text_add_string(&many, "\"");
    struct plimsoll_node node = read_node("", many.data, "");
    assert_unusable(&node, "more than 64 values");
}

static uint64_t cordoned(const char *value)
{
    plimsoll_autotext text = plimsoll_text_make(4096);
    annotate(&text, PLIMSOLL_ANNOTATION_INVENTORY,
             INV "{\"id\":\"GPU-a\",\"index\":0,\"vendor\":\"nvidia\",\"vram\":1},"
                 "{\"id\":\"GPU-b\",\"index\":1,\"vendor\":\"nvidia\",\"vram\":1,\"mig\":[{\"id\":"
                 "\"MIG-x\",\"profile\":\"p\",\"vram\":1}]},"
                 "{\"id\":\"0000:c5:00.0\",\"index\":0,\"vendor\":\"amd\",\"vram\":1}]}");
    annotate(&text, PLIMSOLL_ANNOTATION_CORDONED, value);
    struct plimsoll_node node = read_node("", text.data, "");
    uint64_t bits = 0;
    for (uint32_t i = 0; i < node.card_count; i++) {
        bits |= node.cards[i].cordoned ? UINT64_C(1) << i : 0;
    }
    if (node.unusable != NULL) {
        bits = UINT64_MAX;
    }
    plimsoll_node_clear(&node);
    return bits;
}

static void a_cordon_names_cards_by_index_or_id(void **state)
{
    (void)state;
    assert_int_equal(cordoned("0"), 5); /* two vendors, each has an index 0 */
    assert_int_equal(cordoned("GPU-b"), 2);
    assert_int_equal(cordoned(" 1 , 0000:c5:00.0 "), 6);
    assert_int_equal(cordoned("MIG-x"), 2);
    assert_int_equal(cordoned("GPU-gone,7"), 0);
    assert_int_equal(cordoned(""), 0);
    assert_true(cordoned("0;1") == UINT64_MAX);
    assert_true(cordoned("0,,1") == UINT64_MAX);
    assert_true(cordoned("0,") == UINT64_MAX);
    assert_true(cordoned("the first") == UINT64_MAX);
}

static void a_pin_is_env_as_annotation_or_label(void **state)
{
    (void)state;
    struct plimsoll_node node = read_node("", "\"plimsoll.dev/pin\":\"env\"", "");
    assert_true(node.pinned && node.unusable == NULL);
    plimsoll_node_clear(&node);
    node = read_node("\"plimsoll.dev/pin\":\"env\"", "", "");
    assert_true(node.pinned && node.unusable == NULL);
    plimsoll_node_clear(&node);
    node = read_node("", "\"plimsoll.dev/pin\":\"true\"", "");
    assert_false(node.pinned);
    assert_unusable(&node, "plimsoll.dev/pin: \"true\" is not known; write env");
    node = read_node("\"plimsoll.dev/pin\":\"\"", "", "");
    assert_unusable(&node, "label plimsoll.dev/pin");
}

static void the_real_plain_and_sliced_nodes_are_read(void **state)
{
    (void)state;
    struct plimsoll_node node = read_fixture("fixtures/nodes/4xl4.json");
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 4);
    assert_int_equal(node.cards[3].total, 23034 * MI);
    assert_string_equal(node.cards[3].id, "3");
    assert_int_equal(node.cards[3].index, 3);
    assert_string_equal(node.cards[0].product, "NVIDIA-L4");
    assert_int_equal(node.replicas, 1);
    assert_false(node.inventory || node.mps || node.pinned);
    assert_int_equal(node.env, PLIMSOLL_UNKNOWN);
    assert_int_equal(node.selectors, 1);
    assert_int_equal(node.resource_count, 1);
    assert_int_equal(node.resources[0].allocatable, 4);
    plimsoll_node_clear(&node);

    node = read_fixture("fixtures/nodes/a10g-timeslicing.json");
    assert_int_equal(node.card_count, 1);
    assert_int_equal(node.replicas, 2);
    assert_int_equal(node.cards[0].replicas, 2);
    plimsoll_node_clear(&node);

    node = read_fixture("fixtures/nodes/h100nvl-mps-20.json");
    assert_null(node.unusable);
    assert_true(node.mps);
    assert_int_equal(node.card_count, 1);
    assert_int_equal(node.cards[0].mig_count, 0); /* mig.strategy is no sign of MIG */
    assert_int_equal(node.replicas, 20);
    plimsoll_node_clear(&node);
}

static void a_renamed_resource_keeps_the_zero_beside_it(void **state)
{
    (void)state;
    struct plimsoll_node node = read_fixture("fixtures/nodes/t4-timeslicing-renamed.json");
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 1);
    assert_int_equal(node.cards[0].total, 15360 * MI);
    assert_int_equal(node.replicas, 4);
    assert_int_equal(node.resource_count, 2);
    assert_string_equal(node.resources[0].name, "nvidia.com/gpu");
    assert_int_equal(node.resources[0].allocatable, 0);
    assert_string_equal(node.resources[1].name, "nvidia.com/gpu.shared");
    assert_int_equal(node.resources[1].allocatable, 4);
    assert_int_equal(node.selectors, 5);
    plimsoll_node_clear(&node);
}

static void mixed_mig_has_its_instances_on_the_split_card(void **state)
{
    (void)state;
    struct plimsoll_node node = read_fixture("fixtures/nodes/a100-mig-mixed.json");
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 1);
    assert_int_equal(node.cards[0].total, 81920 * MI);
    assert_int_equal(node.cards[0].mig_count, 3);
    assert_string_equal(node.cards[0].mig[0].profile, "1g.10gb");
    assert_int_equal(node.cards[0].mig[0].vram, 9728 * MI);
    assert_string_equal(node.cards[0].mig[2].profile, "3g.40gb");
    assert_int_equal(node.replicas, 0);
    assert_int_equal(node.env, PLIMSOLL_UNKNOWN);
    assert_int_equal(node.resource_count, 3);
    assert_true(node.resources[0].mig);
    plimsoll_node_clear(&node);
}

static void whole_and_split_cards_on_one_node_are_not_told_apart_by_index(void **state)
{
    (void)state;
    struct plimsoll_node node = read_node(
        "\"nvidia.com/gpu.count\":\"3\",\"nvidia.com/gpu.memory\":\"81920\","
        "\"nvidia.com/mig-1g.10gb.count\":\"3\",\"nvidia.com/mig-1g.10gb.memory\":\"9728\"",
        "", "\"nvidia.com/gpu\":\"1\",\"nvidia.com/mig-1g.10gb\":\"3\"");
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 3);
    assert_int_equal(node.cards[0].mig_count, 0);
    assert_int_equal(node.cards[1].mig_count, 2);
    assert_int_equal(node.cards[2].mig_count, 1);
    assert_int_equal(node.env, PLIMSOLL_NO);
    plimsoll_node_clear(&node);
}

static void single_mig_has_each_instance_as_a_card(void **state)
{
    (void)state;
    struct plimsoll_node node =
        read_node("\"nvidia.com/gpu.count\":\"7\",\"nvidia.com/gpu.memory\":\"9728\","
                  "\"nvidia.com/gpu.product\":\"NVIDIA-A100-80GB-PCIe-MIG-1g.10gb\"",
                  "", "\"nvidia.com/gpu\":\"7\"");
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 7);
    assert_int_equal(node.cards[6].mig_count, 1);
    assert_string_equal(node.cards[6].mig[0].profile, "1g.10gb");
    assert_int_equal(node.cards[6].mig[0].vram, 9728 * MI);
    plimsoll_node_clear(&node);
    node = read_node("\"nvidia.com/gpu.count\":\"0\",\"nvidia.com/gpu.product\":"
                     "\"NVIDIA-A100-MIG-INVALID\",\"nvidia.com/gpu.memory\":\"0\"",
                     "", "");
    assert_unusable(&node, "MIG-INVALID");
}

static void a_node_says_how_much_vram_it_advertises(void **state)
{
    (void)state;
    const struct {
        const char *allocatable;
        bool advertised;
        uint64_t bytes;
    } cases[] = {
        {"\"cpu\":\"8\"", false, 0},
        {"\"plimsoll.dev/vram\":\"15872Mi\"", true, UINT64_C(15872) << 20},
        {"\"plimsoll.dev/vram\":\"0\"", true, 0}, /* a kubelet that started again */
        {"\"plimsoll.dev/vram\":\"much\"", true, UINT64_MAX},
        {"\"plimsoll.dev/vram\":5", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_node node = read_node("", "", cases[i].allocatable);
        assert_int_equal(node.advertised, cases[i].advertised);
        assert_int_equal(node.advertised_vram, cases[i].bytes);
        assert_null(node.unusable);
        plimsoll_node_clear(&node);
    }
}

static void allocatable_alone_gives_cards_of_unknown_memory(void **state)
{
    (void)state;
    struct plimsoll_node node = read_node("", "", "\"cpu\":\"8\",\"nvidia.com/gpu\":\"2\"");
    assert_int_equal(node.card_count, 2);
    assert_int_equal(node.cards[1].total, 0);
    assert_false(node.cards[1].free_only);
    plimsoll_node_clear(&node);
    node = read_node("\"nvidia.com/gpu.replicas\":\"4\"", "", "\"nvidia.com/gpu\":7");
    assert_int_equal(node.card_count, 2); /* one replica is missing, no card is */
    plimsoll_node_clear(&node);
    node = read_node("", "", "\"nvidia.com/mig-2g.20gb\":\"2\"");
    assert_int_equal(node.card_count, 1);
    assert_int_equal(node.cards[0].mig_count, 2);
    assert_string_equal(node.cards[0].mig[1].profile, "2g.20gb");
    plimsoll_node_clear(&node);
    node = read_node("", "", "\"cpu\":\"8\",\"memory\":\"1Gi\"");
    assert_null(node.unusable);
    assert_int_equal(node.card_count + node.resource_count, 0);
    plimsoll_node_clear(&node);
    node = read_node("", "", "\"nvidia.com/gpu\":\"65\"");
    assert_unusable(&node, "65 NVIDIA cards");
}

static void amd_memory_is_read_in_both_spellings(void **state)
{
    (void)state;
    const struct {
        const char *labels;
        uint64_t cards, first, last;
    } good[] = {
        {"\"amd.com/gpu.vram\":\"64G\"", 2, 64 * GI, 64 * GI},
        {"\"beta.amd.com/gpu.vram\":\"64G\"", 2, 64 * GI, 64 * GI},
        {"\"beta.amd.com/gpu.vram.16G\":\"2\"", 2, 16 * GI, 16 * GI},
        {"\"amd.com/gpu.vram.16G\":\"1\",\"amd.com/gpu.vram.192G\":\"2\"", 3, 16 * GI, 192 * GI},
        {"\"amd.com/gpu.vram\":\"16G\",\"beta.amd.com/gpu.vram.16G\":\"3\","
         "\"beta.amd.com/gpu.vram\":\"16G\"",
         3, 16 * GI, 16 * GI},
        {"\"amd.com/gpu.family\":\"AI\"", 2, 0, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct plimsoll_node node = read_node(good[i].labels, "", "\"amd.com/gpu\":\"2\"");
        assert_null(node.unusable);
        assert_int_equal(node.card_count, good[i].cards);
        assert_int_equal(node.cards[0].total, good[i].first);
        assert_int_equal(node.cards[node.card_count - 1].total, good[i].last);
        assert_int_equal(node.cards[0].vendor, PLIMSOLL_VENDOR_AMD);
        plimsoll_node_clear(&node);
    }
    struct plimsoll_node node = read_node("\"beta.amd.com/gpu.vram.1bG\":\"1\"", "", "");
    assert_unusable(&node, "\"1bG\" is no size such as 64G");
    node = read_node("\"amd.com/gpu.vram\":\"64\"", "", "");
    assert_unusable(&node, "\"64\" is no size");
    node = read_node("\"amd.com/gpu.vram\":\"16G\",\"amd.com/gpu.product-name\":\"AMD_Radeon_RX\"",
                     "", "");
    assert_int_equal(node.card_count, 1);
    assert_string_equal(node.cards[0].product, "AMD Radeon RX");
    plimsoll_node_clear(&node);
}

static void intel_cards_are_counted_and_their_memory_is_unknown(void **state)
{
    (void)state;
    const char *offer = "\"gpu.intel.com/xe\":\"2\",\"gpu.intel.com/monitoring\":\"1\"";
    struct plimsoll_node node = read_node("", "", offer);
    assert_null(node.unusable);
    assert_int_equal(node.card_count, 2);
    assert_int_equal(node.cards[0].vendor, PLIMSOLL_VENDOR_INTEL);
    assert_int_equal(node.cards[0].total, 0);
    assert_int_equal(node.resource_count, 1);
    plimsoll_node_clear(&node);
    node = read_node("\"gpu.intel.com/device.count\":\"1\",\"gpu.intel.com/product\":\"Flex_170\"",
                     "", offer);
    assert_int_equal(node.card_count, 1); /* shared among two */
    assert_string_equal(node.cards[0].product, "Flex_170");
    plimsoll_node_clear(&node);
}

static void several_vendors_have_ids_of_their_own(void **state)
{
    (void)state;
    struct plimsoll_node node = read_node(
        "", "", "\"gpu.intel.com/xe\":\"1\",\"amd.com/gpu\":\"1\",\"nvidia.com/gpu\":\"2\"");
    assert_int_equal(node.card_count, 4);
    assert_int_equal(node.cards[1].vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_string_equal(node.cards[1].id, "1");
    assert_int_equal(node.cards[2].vendor, PLIMSOLL_VENDOR_AMD);
    assert_string_equal(node.cards[2].id, "2");
    assert_int_equal(node.cards[2].index, 0);
    plimsoll_node_clear(&node);
}

static void a_label_that_does_not_parse_makes_the_node_unusable(void **state)
{
    (void)state;
    const struct {
        const char *labels, *why;
    } bad[] = {
        {"\"nvidia.com/gpu.count\":\"1\",\"nvidia.com/gpu.memory\":\"15Gi\"",
         "label nvidia.com/gpu.memory: \"15Gi\" is not a whole number"},
        {"\"nvidia.com/gpu.count\":\"1\",\"nvidia.com/gpu.memory\":\"\"", "gpu.memory: \"\""},
        {"\"nvidia.com/gpu.count\":\"1\",\"nvidia.com/gpu.memory\":\"8589934593\"", "gpu.memory"},
        {"\"nvidia.com/gpu.count\":\"-1\"", "nvidia.com/gpu.count: \"-1\""},
        {"\"nvidia.com/gpu.count\":\"65\"", "at most 64"},
        {"\"nvidia.com/gpu.count\":1,\"nvidia.com/gpu.memory\":\"1\"", "gpu.count"},
        {"\"nvidia.com/gpu.replicas\":\"four\"", "nvidia.com/gpu.replicas"},
        {"\"nvidia.com/gpu.replicas\":\"65537\"", "from 0 to 65536"},
        {"\"nvidia.com/mig-1g.10gb.count\":\"x\"", "nvidia.com/mig-1g.10gb"},
        {"\"nvidia.com/gpu.count\":\"1\",\"nvidia.com/mig-1g.10gb.count\":\"65\"", "at most 64"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct plimsoll_node node = read_node(bad[i].labels, "", "");
        assert_unusable(&node, bad[i].why);
    }
    struct plimsoll_node node = read_node("", "", "\"nvidia.com/gpu\":\"many\"");
    assert_unusable(&node, "status.allocatable: nvidia.com/gpu: \"many\"");
    node = read_node("", "", "\"nvidia.com/gpu\":{}");
    assert_unusable(&node, "status.allocatable: nvidia.com/gpu");
    node =
        read_node("", "", "\"nvidia.com/mig-0123456789012345678901234567890123456789012345678\":1");
    assert_unusable(&node, "longer than 63 bytes");
}

static void an_unreadable_inventory_leaves_the_labels_cards_in_sight(void **state)
{
    (void)state;
    struct plimsoll_node node = read_node(L4X2, "\"plimsoll.dev/inventory\":\"{\"", "");
    assert_int_equal(node.card_count, 2);
    assert_false(node.inventory);
    assert_unusable(&node, "plimsoll.dev/inventory");
}

static void a_readable_inventory_makes_bad_memory_labels_harmless(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(4096);
    annotate(&text, PLIMSOLL_ANNOTATION_INVENTORY, INV CARD "}]}");
    struct plimsoll_node node = read_node(
        "\"nvidia.com/gpu.memory\":\"much\",\"nvidia.com/gpu.replicas\":\"4\"", text.data, "");
    assert_null(node.unusable);
    assert_int_equal(node.cards[0].total, 5);
    assert_int_equal(node.cards[0].replicas, 4);
    assert_int_equal(node.replicas, 4);
    plimsoll_node_clear(&node);
}

static void too_many_profiles_sizes_and_resources_are_said(void **state)
{
    (void)state;
    plimsoll_autotext profiles = plimsoll_text_make(1 << 16), sizes = plimsoll_text_make(1 << 16);
    plimsoll_autotext offers = plimsoll_text_make(1 << 16);
    for (int i = 0; i < 65; i++) {
        const char *comma = i > 0 ? "," : "";
        if (i < 33) {
            plimsoll_text_add_format(&profiles, "%s\"nvidia.com/mig-%d.count\":\"1\"", comma, i);
        }
        if (i < 17) {
            plimsoll_text_add_format(&sizes, "%s\"amd.com/gpu.vram.%dG\":\"1\"", comma, i);
        }
        plimsoll_text_add_format(&offers, "%s\"gpu.intel.com/x%d\":\"0\"", comma, i);
    }
    struct plimsoll_node node = read_node(profiles.data, "", "");
    assert_unusable(&node, "more than 32 MIG profiles");
    node = read_node(sizes.data, "", "");
    assert_unusable(&node, "16 sizes");
    node = read_node("", "", offers.data);
    assert_int_equal(node.resource_count, 64);
    assert_unusable(&node, "more than 64 managed resources");
}

static void no_node(struct plimsoll_span object, const char *why)
{
    struct plimsoll_node node = {.card_count = 47};
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_node_read(object, &wire_reading, &node, &err), -1);
    assert_int_equal(node.card_count, 47);
    assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
    if (strstr(err.message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
    }
}

static void what_is_no_node_is_refused(void **state)
{
    (void)state;
    const char *bad[] = {
        "",
        "null",
        "[]",
        "5",
        "{}",
        "{\"metadata\":null}",
        "{\"metadata\":5}",
        "{\"metadata\":{\"name\":null}}",
        "{\"metadata\":{\"name\":\"\"}}",
        "{\"metadata\":{\"name\":7}}",
        "{\"metadata\":{\"name\":\"a\\u0000b\"}}",
        "{\"metadata\":{\"name\":\"n\",\"labels\":[]}}",
        "{\"metadata\":{\"name\":\"n\",\"annotations\":\"x\"}}",
        "{\"metadata\":{\"name\":\"n\"},\"status\":[]}",
        "{\"metadata\":{\"name\":\"n\"},\"status\":{\"allocatable\":[]}}",
        "{\"metadata\":{\"name\":\"n\"}} x",
        "{\"metadata\":{\"name\":\"n\xff\"}}",
        "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"plimsoll.dev/usage\":\"\\q\"}}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        no_node(plimsoll_span_of(bad[i]), "no Node");
    }
    plimsoll_autotext text = plimsoll_text_make(4096);
    plimsoll_text_add_string(&text, "{\"metadata\":{\"name\":\"");
    for (int i = 0; i < 254; i++) {
        plimsoll_text_add_char(&text, 'n');
    }
    plimsoll_text_add_string(&text, "\"}}");
    no_node(plimsoll_text_span(&text), "1 to 253 bytes");
}

static void nulls_where_maps_may_be_are_empty_maps(void **state)
{
    (void)state;
    struct plimsoll_node node = {0};
    struct plimsoll_error err = {0};
    const char *object = "{\"metadata\":{\"name\":\"n\",\"labels\":null,\"annotations\":null},"
                         "\"spec\":null,\"status\":{\"allocatable\":null}}";
    assert_int_equal(plimsoll_node_read(plimsoll_span_of(object), &wire_reading, &node, &err), 0);
    assert_null(node.unusable);
    plimsoll_node_clear(&node);
}

static void no_node_is_cut_before_its_allocatable_ends(void **state)
{
    (void)state;
    plimsoll_autotext file = wire_file("fixtures/nodes/a10g-timeslicing.json");
    struct plimsoll_span whole = plimsoll_span_trim(plimsoll_text_span(&file));
    const char *allocatable = strstr(file.data, "\"allocatable\"");
    assert_non_null(allocatable);
    size_t read = (size_t)(strchr(allocatable, '}') - whole.data);
    assert_in_range(read, whole.size / 4, whole.size);
    for (size_t size = 0; size <= read; size++) {
        plimsoll_autofree char *part = plimsoll_alloc(size + 1, 1);
        memcpy(part, whole.data, size);
        no_node((struct plimsoll_span){.data = part, .size = size}, "no Node");
    }
}

static void vendors_have_names(void **state)
{
    (void)state;
    assert_string_equal(plimsoll_vendor_text(PLIMSOLL_VENDOR_NVIDIA), "NVIDIA");
    assert_string_equal(plimsoll_vendor_text(PLIMSOLL_VENDOR_AMD), "AMD");
    assert_string_equal(plimsoll_vendor_text(PLIMSOLL_VENDOR_INTEL), "Intel");
    assert_string_equal(plimsoll_vendor_text(PLIMSOLL_VENDOR_NONE), "unknown");
}

static void allocatable_processors_and_memory_are_read(void **state)
{
    (void)state;
    struct plimsoll_node node =
        read_node("", "", "\"cpu\":\"63500m\",\"memory\":\"2Gi\",\"pods\":\"110\"");
    assert_int_equal(node.allocatable.cpu_milli, 63500);
    assert_int_equal(node.allocatable.memory, 2 * GI);
    plimsoll_node_clear(&node);
    node = read_node("", "", "\"cpu\":\"lots\",\"memory\":7");
    assert_int_equal(node.allocatable.cpu_milli, 0);
    assert_int_equal(node.allocatable.memory, 0);
    plimsoll_node_clear(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_inventory_and_usage_are_read),
        cmocka_unit_test(an_inventory_needs_no_more_than_id_index_vendor_and_bytes),
        cmocka_unit_test(an_unknown_key_changes_nothing),
        cmocka_unit_test(mig_instances_belong_to_their_card),
        cmocka_unit_test(every_rule_of_the_inventory_is_held),
        cmocka_unit_test(sixty_four_cards_are_the_most),
        cmocka_unit_test(links_and_instances_have_a_ceiling_and_holders_have_none_but_the_size),
        cmocka_unit_test(a_value_above_256_kib_is_refused_unread),
        cmocka_unit_test(every_rule_of_usage_is_held),
        cmocka_unit_test(a_card_on_one_side_only_disagrees),
        cmocka_unit_test(every_example_of_free_vram_is_accepted),
        cmocka_unit_test(free_vram_of_a_known_total_says_what_is_used),
        cmocka_unit_test(free_vram_goes_by_index_where_there_is_one),
        cmocka_unit_test(free_vram_beside_usage_is_for_people),
        cmocka_unit_test(free_vram_that_does_not_parse_is_not_free),
        cmocka_unit_test(a_cordon_names_cards_by_index_or_id),
        cmocka_unit_test(a_pin_is_env_as_annotation_or_label),
        cmocka_unit_test(the_real_plain_and_sliced_nodes_are_read),
        cmocka_unit_test(a_renamed_resource_keeps_the_zero_beside_it),
        cmocka_unit_test(mixed_mig_has_its_instances_on_the_split_card),
        cmocka_unit_test(whole_and_split_cards_on_one_node_are_not_told_apart_by_index),
        cmocka_unit_test(single_mig_has_each_instance_as_a_card),
        cmocka_unit_test(a_node_says_how_much_vram_it_advertises),
        cmocka_unit_test(allocatable_alone_gives_cards_of_unknown_memory),
        cmocka_unit_test(amd_memory_is_read_in_both_spellings),
        cmocka_unit_test(intel_cards_are_counted_and_their_memory_is_unknown),
        cmocka_unit_test(several_vendors_have_ids_of_their_own),
        cmocka_unit_test(a_label_that_does_not_parse_makes_the_node_unusable),
        cmocka_unit_test(an_unreadable_inventory_leaves_the_labels_cards_in_sight),
        cmocka_unit_test(a_readable_inventory_makes_bad_memory_labels_harmless),
        cmocka_unit_test(too_many_profiles_sizes_and_resources_are_said),
        cmocka_unit_test(what_is_no_node_is_refused),
        cmocka_unit_test(nulls_where_maps_may_be_are_empty_maps),
        cmocka_unit_test(no_node_is_cut_before_its_allocatable_ends),
        cmocka_unit_test(vendors_have_names),
        cmocka_unit_test(allocatable_processors_and_memory_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
