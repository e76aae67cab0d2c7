/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/limits.h>

#include "plain_agree.h"

typedef bool agree_fn(struct plimsoll_span quoted);

#define A   "GPU-8f6d7a0e-0c41-7a7b-31c1-2f0e1d5b9a10"
#define B   "GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901"
#define UID "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b"
#define TWO "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"

static const struct example {
    agree_fn *agree;
    const char *value;
} examples[] = {
    {agree_on_inventory,
     "{\"v\":1,\"driver\":\"580.95.05\",\"env\":true,\"deviceList\":\"cdi\",\"cards\":["
     "{\"id\":\"" A "\",\"index\":0,\"vendor\":\"nvidia\",\"product\":\"NVIDIA A100-SXM4-80GB\","
     "\"vram\":85899345920,\"pci\":\"00000000:07:00.0\",\"numa\":0,\"links\":[{\"to\":\"" B
     "\",\"kind\":\"nvlink\",\"n\":12}],\"health\":\"ok\"},"
     "{\"id\":\"" B "\",\"index\":1,\"vendor\":\"nvidia\",\"product\":\"NVIDIA A100-SXM4-80GB\","
     "\"vram\":85899345920,\"replicas\":4,\"links\":[{\"to\":\"" A
     "\",\"kind\":\"nvlink\",\"n\":12},{\"to\":\"gone\",\"kind\":\"pcie\"}],\"health\":\"xid 79\"},"
     "{\"id\":\"0000:c5:00.0\",\"index\":0,\"vendor\":\"amd\",\"vram\":68719476736,\"numa\":-1,"
     "\"unified\":true,\"health\":\"ok\"}]}"},
    {agree_on_inventory,
     "{\"cards\":[{\"vram\":1,\"mig\":[{\"id\":\"MIG-1\",\"profile\":\"1g.10gb\",\"vram\":9},"
     "{\"vram\":0,\"profile\":\"2g.20gb\",\"id\":\"MIG-2\"}],\"links\":[],\"vendor\":\"intel\","
     "\"index\":32767,\"id\":\"x\"},{\"id\":\"y\",\"index\":1,\"vendor\":\"nvidia\",\"vram\":"
     "9007199254740991,\"mig\":[]}],\"deviceList\":\"env+nodes\",\"env\":false,\"v\":1}"},
    {agree_on_inventory, "{\"v\":1,\"cards\":[]}"},
    {agree_on_inventory, "{ \"v\" : 1, \"cards\": [ ] }"},
    {agree_on_usage,
     "{\"v\":1,\"time\":\"2026-11-22T05:10:00Z\",\"cards\":[{\"id\":\"" A
     "\",\"used\":42949672960,\"attributed\":true,\"pods\":{\"" UID "\":41875931136,\"" TWO
     "\":7},\"holders\":[\"" TWO "\",\"" UID "\"]},{\"id\":\"" B
     "\",\"used\":0,\"attributed\":true,\"pods\":{},\"holders\":[]},"
     "{\"used\":2147483648,\"id\":\"0000:c5:00.0\",\"attributed\":false}]}"},
    {agree_on_usage, "{\"cards\":[],\"v\":1}"},
    {agree_on_claim, "{\"v\":1,\"pod\":\"" UID "\",\"node\":\"n1\",\"cards\":[{\"id\":\"" A
                     "\",\"vram\":12884901888,\"idle\":524288000},{\"id\":\"" B "\",\"vram\":1}]}"},
    {agree_on_claim, "{\"v\":1,\"pod\":\"" UID
                     "\",\"node\":\"n1\",\"floating\":{\"cards\":2,\"vram\":12884901888}}"},
};
#define EXAMPLES (sizeof examples / sizeof examples[0])

/* The value as it stands in an object, and what may stand behind it. */
static struct plimsoll_text quote(const char *value)
{
    struct plimsoll_text text = plimsoll_text_make(1 << 22);
    plimsoll_text_add_json(&text, plimsoll_span_of(value));
    plimsoll_text_add_string(&text, ",\"volumes\":\"true\"}");
    return text;
}

/* `{ "v" : 1` has a blank before its colon, which nobody writes. */
static bool is_plain(const struct example *example)
{
    return strstr(example->value, "\" :") == NULL;
}

static void what_publishers_write_is_read_quickly(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        plimsoll_autotext text = quote(examples[i].value);
        if (examples[i].agree(plimsoll_text_span(&text)) != is_plain(&examples[i])) {
            fail_msg("%s", examples[i].value);
        }
    }
}

static void a_value_that_is_cut_is_not_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        plimsoll_autotext text = quote(examples[i].value);
        size_t whole = text.size - strlen(",\"volumes\":\"true\"}");
        for (size_t size = 1; size < whole; size++) {
            plimsoll_autofree char *part = plimsoll_alloc(size, 1);
            memcpy(part, text.data, size);
            assert_false(examples[i].agree((struct plimsoll_span){part, size}));
        }
    }
}

#define CARD(more)      "{\"id\":\"a\",\"index\":1,\"vendor\":\"amd\",\"vram\":1" more "}"
#define INVENTORY(list) "{\"v\":1,\"cards\":[" list "]}"
#define USED(more)      "{\"id\":\"a\",\"used\":1" more "}"

/* Each differs by one thing from what is read quickly. */
static void what_breaks_a_rule_is_left_to_the_thorough_readers(void **state)
{
    (void)state;
    static const struct example broken[] = {
        {agree_on_inventory, "{\"v\":2,\"cards\":[]}"},
        {agree_on_inventory, "{\"cards\":[]}"},
        {agree_on_inventory, "{\"v\":1}"},
        {agree_on_inventory, "{\"v\":1,\"v\":1,\"cards\":[]}"},
        {agree_on_inventory, "{\"v\":1,\"new\":1,\"cards\":[]}"},
        {agree_on_inventory, INVENTORY(CARD("") "," CARD(""))},
        {agree_on_inventory, INVENTORY(CARD(",\"index\":2"))},
        {agree_on_inventory, INVENTORY(CARD(",\"replicas\":65537"))},
        {agree_on_inventory, INVENTORY(CARD(",\"replicas\":-1"))},
        {agree_on_inventory, INVENTORY(CARD(",\"numa\":32768"))},
        {agree_on_inventory, INVENTORY(CARD(",\"numa\":-2"))},
        {agree_on_inventory, INVENTORY(CARD(",\"numa\":01"))},
        {agree_on_inventory, INVENTORY(CARD(",\"numa\":1.0"))},
        {agree_on_inventory, INVENTORY(CARD(",\"unified\":1"))},
        {agree_on_inventory, INVENTORY(CARD(",\"health\":\"\""))},
        {agree_on_inventory, INVENTORY(CARD(",\"health\":\"a\\nb\""))},
        {agree_on_inventory, INVENTORY(CARD(",\"product\":null"))},
        {agree_on_inventory, INVENTORY(CARD(",\"pci\":5"))},
        {agree_on_inventory, INVENTORY("{\"id\":\"a\",\"index\":1,\"vendor\":\"amd\"}")},
        {agree_on_inventory,
         INVENTORY("{\"id\":\"a\",\"index\":1,\"vendor\":\"amd\",\"vram\":9007199254740992}")},
        {agree_on_inventory,
         INVENTORY("{\"id\":\"a\",\"index\":1,\"vendor\":\"other\",\"vram\":1}")},
        {agree_on_inventory,
         INVENTORY(CARD(",\"mig\":[{\"id\":\"a\",\"profile\":\"p\",\"vram\":1}]"))},
        {agree_on_inventory, INVENTORY(CARD(",\"mig\":[{\"id\":\"m\",\"profile\":\"p\",\"vram\":1},"
                                            "{\"id\":\"m\",\"profile\":\"p\",\"vram\":1}]"))},
        {agree_on_inventory, INVENTORY(CARD(",\"mig\":[{\"id\":\"m\",\"vram\":1}]"))},
        {agree_on_inventory, INVENTORY(CARD(",\"links\":[{\"to\":\"b\"}]"))},
        {agree_on_inventory, INVENTORY(CARD(",\"links\":[{\"to\":\"b\",\"kind\":\"wire\"}]"))},
        {agree_on_inventory,
         INVENTORY(CARD(",\"links\":[{\"to\":\"b\",\"kind\":\"pcie\",\"n\":32768}]"))},
        {agree_on_usage, INVENTORY(USED("") "," USED(""))},
        {agree_on_usage, INVENTORY("{\"id\":\"a\"}")},
        {agree_on_usage, INVENTORY(USED(",\"used\":1"))},
        {agree_on_usage, INVENTORY(USED(",\"pods\":{\"u\":1,\"u\":1}"))},
        {agree_on_usage, INVENTORY(USED(",\"pods\":{\"u\":-1}"))},
        {agree_on_usage, INVENTORY(USED(",\"pods\":[]"))},
        {agree_on_usage,
         INVENTORY(USED(",\"pods\":{\"0123456789012345678901234567890123456789\":1}"))},
        {agree_on_usage, INVENTORY(USED(",\"holders\":[\"u\",\"w\",\"u\"]"))},
        {agree_on_usage, INVENTORY(USED(",\"holders\":{}"))},
        {agree_on_usage, "{\"v\":1,\"time\":\"yesterday\",\"cards\":[]}"},
        {agree_on_claim, "{\"v\":1,\"pod\":\"u\",\"node\":\"n\"}"},
        {agree_on_claim, "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"cards\":[]}"},
        {agree_on_claim, "{\"v\":1,\"node\":\"n\",\"cards\":[{\"id\":\"a\",\"vram\":1}]}"},
        {agree_on_claim, "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"cards\":[{\"id\":\"a\"}]}"},
        {agree_on_claim, "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"cards\":[{\"id\":\"a\","
                         "\"vram\":1},{\"id\":\"a\",\"vram\":1}]}"},
        {agree_on_claim, "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"cards\":[{\"id\":\"a\","
                         "\"vram\":1}],\"floating\":{\"cards\":1,\"vram\":1}}"},
        {agree_on_claim,
         "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"floating\":{\"cards\":0,\"vram\":1}}"},
        {agree_on_claim,
         "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"floating\":{\"cards\":65,\"vram\":1}}"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        plimsoll_autotext text = quote(broken[i].value);
        if (broken[i].agree(plimsoll_text_span(&text))) {
            fail_msg("%s", broken[i].value);
        }
    }
    plimsoll_autotext whole = quote(INVENTORY(CARD(",\"replicas\":65536,\"numa\":-1")));
    plimsoll_autotext used = quote(INVENTORY(USED(",\"holders\":[\"u\",\"a\"]")));
    assert_true(agree_on_inventory(plimsoll_text_span(&whole)));
    assert_true(agree_on_usage(plimsoll_text_span(&used)));
}

static uint32_t draw(uint32_t *seed, size_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)((*seed >> 8) % below);
}

static const char *const pieces[] = {
    "\\\"",
    "\"",
    "\\",
    "\\\\",
    "\\\\\\\"",
    "\\u0041",
    "\\n",
    " ",
    "\t",
    "\x7f",
    "\xc3\xa9",
    "\xff",
    "\x01",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "0",
    "00",
    "-1",
    "-0",
    "1e3",
    "1.0",
    "32768",
    "65537",
    "9007199254740992",
    "99999999999999999999",
    "\\\"id\\\":",
    "\\\"v\\\":1,",
    "\\\"vram\\\":1,",
    "\\\"mig\\\":[],",
    "\\\"links\\\":[],",
    "\\\"used\\\":0,",
    "\\\"x\\\":1,",
    "\\\"pods\\\":{},",
    "\\\"holders\\\":[],",
    "\\\"cards\\\":[],",
    "\\\"floating\\\":{},",
    "\\\"" A "\\\"",
    "\\\"" UID "\\\"",
    "\\\"\\\"",
};

/* Replaces up to a few bytes somewhere by a piece, or by another part of the same value. */
static void mutate(struct plimsoll_text *text, uint32_t *seed)
{
    size_t at = 1 + draw(seed, text->size - 1), gone = draw(seed, 4) == 0 ? draw(seed, 60) : 0;
    if (draw(seed, 2) == 0) {
        /* At a word's edge, where most can go wrong. */
        const char *edge = memchr(text->data + at, '\\', text->size - at);
        at = edge != NULL ? (size_t)(edge - text->data) + 2 * draw(seed, 2) : at;
    }
    at = at < text->size ? at : text->size - 1;
    gone = gone < text->size - at ? gone : text->size - at - 1;
    plimsoll_autotext out = plimsoll_text_make(1 << 22);
    plimsoll_text_add(&out, text->data, at);
    size_t choice = draw(seed, sizeof pieces / sizeof pieces[0] + 8);
    if (choice < sizeof pieces / sizeof pieces[0]) {
        plimsoll_text_add_string(&out, pieces[choice]);
    } else {
        size_t from = draw(seed, text->size), size = draw(seed, 200);
        plimsoll_text_add(&out, text->data + from,
                          size < text->size - from ? size : text->size - from);
    }
    plimsoll_text_add(&out, text->data + at + gone, text->size - at - gone);
    struct plimsoll_text before = *text;
    *text = out;
    out = before;
}

static void no_mutation_is_read_differently(void **state)
{
    (void)state;
    enum { ROUNDS = 60000 };
    uint32_t seed = 20261124, taken = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const struct example *example = &examples[round % EXAMPLES];
        plimsoll_autotext text = quote(example->value);
        for (uint32_t i = 1 + draw(&seed, 3); i > 0; i--) {
            mutate(&text, &seed);
        }
        /* Of its own size, so that a byte too many is seen. */
        plimsoll_autofree char *exact = plimsoll_alloc(text.size, 1);
        memcpy(exact, text.data, text.size);
        taken += example->agree((struct plimsoll_span){exact, text.size});
    }
    /* Many mutations change a name or number only, or stand behind the value. */
    assert_in_range(taken, ROUNDS / 50, ROUNDS - ROUNDS / 50);
}

static void sixty_four_cards_are_plain_and_one_more_is_not(void **state)
{
    (void)state;
    for (unsigned count = 64; count <= 65; count++) {
        plimsoll_autotext inventory = plimsoll_text_make(1 << 20);
        plimsoll_autotext usage = plimsoll_text_make(1 << 20);
        plimsoll_text_add_string(&inventory, "{\"v\":1,\"cards\":[");
        plimsoll_text_add_string(&usage, "{\"v\":1,\"cards\":[");
        for (unsigned i = 0; i < count; i++) {
            plimsoll_text_add_format(
                &inventory, "%s{\"id\":\"card-%u\",\"index\":%u,\"vendor\":\"amd\",\"vram\":1}",
                i > 0 ? "," : "", i, i);
            plimsoll_text_add_format(&usage, "%s{\"id\":\"card-%u\",\"used\":%u}", i > 0 ? "," : "",
                                     i, i);
        }
        plimsoll_text_add_string(&inventory, "]}");
        plimsoll_text_add_string(&usage, "]}");
        plimsoll_autotext first = quote(inventory.data), second = quote(usage.data);
        assert_int_equal(agree_on_inventory(plimsoll_text_span(&first)),
                         count <= PLIMSOLL_CARDS_MAX);
        assert_int_equal(agree_on_usage(plimsoll_text_span(&second)), count <= PLIMSOLL_CARDS_MAX);
    }
}

static void sixteen_pods_on_a_card_are_plain_and_one_more_is_not(void **state)
{
    (void)state;
    for (unsigned count = 16; count <= 17; count++) {
        plimsoll_autotext pods = plimsoll_text_make(1 << 20);
        plimsoll_autotext holders = plimsoll_text_make(1 << 20);
        plimsoll_text_add_string(&pods, "{\"v\":1,\"cards\":[{\"id\":\"0\",\"used\":1,\"pods\":{");
        plimsoll_text_add_string(&holders,
                                 "{\"v\":1,\"cards\":[{\"id\":\"0\",\"used\":1,\"holders\":[");
        for (unsigned i = 0; i < count; i++) {
            plimsoll_text_add_format(&pods, "%s\"uid-%u\":%u", i > 0 ? "," : "", i * 7 % 17, i);
            plimsoll_text_add_format(&holders, "%s\"uid-%u\"", i > 0 ? "," : "", i * 7 % 17);
        }
        plimsoll_text_add_string(&pods, "}}]}");
        plimsoll_text_add_string(&holders, "]}]}");
        plimsoll_autotext first = quote(pods.data), second = quote(holders.data);
        assert_int_equal(agree_on_usage(plimsoll_text_span(&first)), count == 16);
        assert_int_equal(agree_on_usage(plimsoll_text_span(&second)), count == 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_publishers_write_is_read_quickly),
        cmocka_unit_test(a_value_that_is_cut_is_not_plain),
        cmocka_unit_test(what_breaks_a_rule_is_left_to_the_thorough_readers),
        cmocka_unit_test(no_mutation_is_read_differently),
        cmocka_unit_test(sixty_four_cards_are_plain_and_one_more_is_not),
        cmocka_unit_test(sixteen_pods_on_a_card_are_plain_and_one_more_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
