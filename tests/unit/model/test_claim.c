/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <plimsoll/claim.h>

static void parsed(const char *text, struct plimsoll_claim *claim)
{
    struct plimsoll_error err = {0};
    if (plimsoll_claim_parse(plimsoll_span_of(text), claim, &err) != 0) {
        fail_msg("%s: %s", text, err.message);
    }
}

/* Refused with that reason, and the claim that was there is still there. */
static void refused_span(struct plimsoll_span text, const char *why)
{
    struct plimsoll_error err = {0};
    struct plimsoll_claim claim = {.floating_cards = 47};
    assert_int_equal(plimsoll_claim_parse(text, &claim, &err), -1);
    assert_int_equal(claim.floating_cards, 47);
    assert_null(claim.cards);
    if (strstr(err.message, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, why);
    }
}

static void refused(const char *text, const char *why)
{
    refused_span(plimsoll_span_of(text), why);
}

static void the_example_of_fixed_cards_is_read_and_written_alike(void **state)
{
    (void)state;
    plimsoll_autotext file = wire_file("fixtures/formats/claim.json");
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_claim claim = {0};
    parsed(file.data, &claim);
    assert_string_equal(claim.pod.text, "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59");
    assert_string_equal(claim.node, "dgx-3");
    assert_int_equal(claim.card_count, 1);
    assert_string_equal(claim.cards[0].id, "GPU-8f6d7a0e-0c41-7a7b-31c1-2f0e1d5b9a10");
    assert_int_equal(claim.cards[0].vram, 12884901888u);
    assert_int_equal(claim.cards[0].idle, 524288000);
    assert_int_equal(claim.floating_cards, 0);
    plimsoll_claim_write(&claim, &out);
    assert_true(plimsoll_span_equal(plimsoll_text_span(&out),
                                    plimsoll_span_trim(plimsoll_text_span(&file))));
    plimsoll_claim_clear(&claim);
}

static void the_example_of_a_floating_claim_is_read_and_written_alike(void **state)
{
    (void)state;
    plimsoll_autotext file = wire_file("fixtures/formats/claim-floating.json");
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_claim claim = {0};
    parsed(file.data, &claim);
    assert_int_equal(claim.card_count, 0);
    assert_int_equal(claim.floating_cards, 1);
    assert_int_equal(claim.floating_vram, 12884901888u);
    plimsoll_claim_write(&claim, &out);
    assert_true(plimsoll_span_equal(plimsoll_text_span(&out),
                                    plimsoll_span_trim(plimsoll_text_span(&file))));
    plimsoll_claim_clear(&claim);
}

static void unknown_keys_and_an_unknown_idle_are_no_fault(void **state)
{
    (void)state;
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_claim claim = {0}, copy = {0};
    parsed("{\"later\":[1],\"cards\":[{\"vram\":5,\"id\":\"0\",\"x\":null},"
           "{\"id\":\"1\",\"vram\":6,\"idle\":0}],\"node\":\"n\",\"pod\":\"u\",\"v\":1}",
           &claim);
    assert_true(claim.cards[0].idle == UINT64_MAX);
    assert_int_equal(claim.cards[1].idle, 0);
    plimsoll_claim_copy(&claim, &copy);
    plimsoll_claim_clear(&claim);
    plimsoll_claim_write(&copy, &out);
    assert_string_equal(out.data, "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"cards\":[{\"id\":\"0\","
                                  "\"vram\":5},{\"id\":\"1\",\"vram\":6,\"idle\":0}]}");
    plimsoll_claim_clear(&copy);
    assert_null(copy.cards);
}

static void a_floating_claim_says_where_it_comes_to_less(void **state)
{
    (void)state;
    const char text[] =
        "{\"v\":1,\"pod\":\"u\",\"node\":\"n\",\"floating\":{\"cards\":1,\"vram\":9,"
        "\"less\":[{\"id\":\"0\",\"vram\":5},{\"id\":\"GPU-1\",\"vram\":6}]}}";
    plimsoll_autotext out = plimsoll_text_make(4096);
    struct plimsoll_claim claim = {0}, copy = {0};
    parsed(text, &claim);
    assert_int_equal(claim.floating_vram, 9);
    assert_int_equal(claim.less_count, 2);
    assert_string_equal(claim.less[1].id, "GPU-1");
    assert_int_equal(claim.less[1].vram, 6);
    plimsoll_claim_copy(&claim, &copy);
    plimsoll_claim_clear(&claim);
    assert_null(claim.less);
    plimsoll_claim_write(&copy, &out);
    assert_string_equal(out.data, text);
    plimsoll_claim_clear(&copy);
}

static void every_rule_of_the_format_is_held(void **state)
{
    (void)state;
#define HEAD "{\"v\":1,\"pod\":\"u\",\"node\":\"n\","
    refused("", "byte");
    refused("null", "not an object");
    refused("[]", "not an object");
    refused("{}", "no version");
    refused("{\"v\":2,\"pod\":\"u\"}", "version \"v\": 2 is not known");
    refused("{\"v\":\"1\"}", "is not known");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1}]", "byte");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1}],\"node\":\"m\"}", "byte");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1},{\"id\":\"0\",\"vram\":1}]}", "twice");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":-1}]}", "at byte 54: vram: -1");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1.5}]}", "whole number of bytes");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1e3}]}", "whole number of bytes");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":9007199254740992}]}", "below 2^53");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":\"1Gi\"}]}", "whole number of bytes");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":null}]}", "whole number of bytes");
    refused(HEAD "\"cards\":[{\"id\":\"0\"}]}", "vram is missing");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1,\"idle\":-5}]}", "idle: -5");
    refused(HEAD "\"cards\":[{\"id\":\"\",\"vram\":1}]}", "a string of 1 to 63");
    refused(HEAD "\"cards\":[{\"id\":0,\"vram\":1}]}", "a string of 1 to 63");
    refused(HEAD "\"cards\":[{\"id\":\"a\\u0000b\",\"vram\":1}]}", "a string");
    refused(HEAD "\"cards\":[7]}", "is not an object");
    refused(HEAD "\"cards\":[]}", "0 cards");
    refused(HEAD "\"cards\":{}}", "not an array");
    refused(HEAD "\"x\":1}", "either cards or floating");
    refused(HEAD "\"cards\":[{\"id\":\"0\",\"vram\":1}],\"floating\":{\"cards\":1,\"vram\":1}}",
            "either cards or floating");
    refused(HEAD "\"floating\":{\"cards\":0,\"vram\":1}}", "from 1 to 64");
    refused(HEAD "\"floating\":{\"cards\":65,\"vram\":1}}", "from 1 to 64");
    refused(HEAD "\"floating\":{\"cards\":1}}", "vram is missing");
    refused(HEAD "\"floating\":[]}", "not an object");
#define FLOATING HEAD "\"floating\":{\"cards\":1,\"vram\":9,\"less\":"
    refused(FLOATING "{}}}", "less: {} is not an array");
    refused(FLOATING "[]}}", "less: 0 cards");
    refused(FLOATING "[7]}}", "is not an object");
    refused(FLOATING "[{\"id\":\"0\"}]}}", "vram is missing");
    refused(FLOATING "[{\"id\":\"0\",\"vram\":1},{\"id\":\"0\",\"vram\":2}]}}", "twice");
    refused("{\"v\":1,\"node\":\"n\",\"floating\":{\"cards\":1,\"vram\":1}}", "pod is missing");
    refused("{\"v\":1,\"pod\":\"u\",\"floating\":{\"cards\":1,\"vram\":1}}", "node is missing");
    refused("{\"v\":1,\"pod\":\"0123456789012345678901234567890123456789\",\"node\":\"n\"}",
            "1 to 39 bytes");
    refused("{\"v\":1,\"pod\":\"\xff\",\"node\":\"n\"}", "byte");
}

static void cards_of(unsigned count, struct plimsoll_text *text)
{
    plimsoll_text_add_string(text, HEAD "\"cards\":[");
    for (unsigned i = 0; i < count; i++) {
        plimsoll_text_add_format(text, "%s{\"id\":\"%u\",\"vram\":1}", i > 0 ? "," : "", i);
    }
    plimsoll_text_add_string(text, "]}");
}

static void sixty_four_cards_are_the_most(void **state)
{
    (void)state;
    plimsoll_autotext most = plimsoll_text_make(1 << 16), more = plimsoll_text_make(1 << 16);
    struct plimsoll_claim claim = {0};
    cards_of(64, &most);
    cards_of(65, &more);
    parsed(most.data, &claim);
    assert_int_equal(claim.card_count, 64);
    plimsoll_claim_clear(&claim);
    refused(more.data, "65 cards");
}

static void a_value_above_256_kib_is_refused(void **state)
{
    (void)state;
    plimsoll_autotext text = plimsoll_text_make(1 << 20);
    plimsoll_text_add_string(&text, HEAD "\"floating\":{\"cards\":1,\"vram\":1}}");
    while (text.size < PLIMSOLL_ANNOTATION_BYTES_MAX) {
        plimsoll_text_add_char(&text, ' ');
    }
    struct plimsoll_claim claim = {0};
    parsed(text.data, &claim);
    plimsoll_text_add_char(&text, ' ');
    refused(text.data, "larger than 256 KiB");
}

static void no_truncation_of_a_claim_is_one(void **state)
{
    (void)state;
    plimsoll_autotext file = wire_file("fixtures/formats/claim.json");
    struct plimsoll_span whole = plimsoll_span_trim(plimsoll_text_span(&file));
    for (size_t size = 0; size < whole.size; size++) {
        /* A copy of its own, so that reading behind the end is seen. */
        plimsoll_autofree char *part = plimsoll_alloc(size + 1, 1);
        memcpy(part, whole.data, size);
        refused_span((struct plimsoll_span){.data = part, .size = size}, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_fixed_cards_is_read_and_written_alike),
        cmocka_unit_test(the_example_of_a_floating_claim_is_read_and_written_alike),
        cmocka_unit_test(unknown_keys_and_an_unknown_idle_are_no_fault),
        cmocka_unit_test(a_floating_claim_says_where_it_comes_to_less),
        cmocka_unit_test(every_rule_of_the_format_is_held),
        cmocka_unit_test(sixty_four_cards_are_the_most),
        cmocka_unit_test(a_value_above_256_kib_is_refused),
        cmocka_unit_test(no_truncation_of_a_claim_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
