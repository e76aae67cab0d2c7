/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter or prioritize body in both forms: cut at random it gives what it gives in one piece,
 * also where nodes are known from earlier bodies, and every node that was asked about is answered
 * once. The first byte chooses verb, world and cuts.
 */
#include "../support/extender_world.h"

#include <plimsoll/json.h>

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    int result;
    struct plimsoll_text answer;
    struct plimsoll_extender_outcome outcome;
    struct plimsoll_error err;
};

static void ask(struct run *run, struct world *world, enum plimsoll_extender_verb verb,
                struct plimsoll_span body, size_t piece)
{
    run->answer = plimsoll_text_make(1u << 24);
    run->err = (struct plimsoll_error){0};
    run->result = world_ask(world, verb, body, piece, &run->answer, &run->outcome, &run->err);
}

/* Once more, when the body may bring nodes that are known, and again, when it does. */
static void check_again(const struct run *first, struct world *world,
                        enum plimsoll_extender_verb verb, struct plimsoll_span body, size_t piece,
                        struct plimsoll_node_cache *cache)
{
    for (unsigned i = 0; i < 3; i++) {
        struct run run;
        world->face.cache = i > 0 ? cache : NULL;
        ask(&run, world, verb, body, piece);
        assert(first->result == run.result && first->err.kind == run.err.kind);
        assert(strcmp(first->err.message, run.err.message) == 0);
        assert(plimsoll_span_equal(plimsoll_text_span(&first->answer),
                                   plimsoll_text_span(&run.answer)));
        plimsoll_text_clear(&run.answer);
    }
    world->face.cache = NULL;
}

/* Names of the body and nothing else are in the answer of the NodeNames form, each of them once. */
static void check_names(struct plimsoll_span body, const struct run *run)
{
    struct plimsoll_error err;
    plimsoll_autojson *asked = NULL, *answer = NULL;
    if (plimsoll_json_parse(body, &asked, &err) < 0) {
        return; /* skipped parts are checked for balance only */
    }
    assert(plimsoll_json_parse(plimsoll_text_span(&run->answer), &answer, &err) == 0);
    struct plimsoll_json root = plimsoll_json_root(answer);
    struct plimsoll_json error = plimsoll_json_get(root, "Error");
    assert(plimsoll_json_type(error) == PLIMSOLL_JSON_STRING);
    assert(plimsoll_json_is(error, "") == !run->outcome.unavailable);
    if (run->outcome.unavailable) {
        return;
    }
    size_t passed = plimsoll_json_count(plimsoll_json_get(root, "NodeNames"));
    struct plimsoll_json nodes = plimsoll_json_get(root, "Nodes");
    if (plimsoll_json_type(nodes) == PLIMSOLL_JSON_OBJECT) {
        assert(passed == 0);
        passed = plimsoll_json_count(plimsoll_json_get(nodes, "items"));
    }
    struct plimsoll_json failed = plimsoll_json_get(root, "FailedAndUnresolvableNodes");
    assert(passed == run->outcome.passed);
    assert(passed + plimsoll_json_count(failed) == run->outcome.asked);
}

static void check_sums(const struct run *run)
{
    size_t sum = run->outcome.passed;
    for (size_t i = 0; i <= PLIMSOLL_REFUSED; i++) {
        sum += run->outcome.rejected[i];
    }
    assert(run->outcome.unavailable || sum == run->outcome.asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[PLIMSOLL_NODE_CACHE_KEY_SIZE] = {1};
    static struct plimsoll_node_cache *cache;
    static struct world world;
    if (size == 0) {
        return 0;
    }
    if (world.node_count == 0) {
        world_make(&world);
        world_add_node(&world, "idle", 0);
        world_add_node(&world, "full", 14);
        cache = plimsoll_node_cache_new(key);
    }
    enum plimsoll_extender_verb verb =
        (data[0] & 1) != 0 ? PLIMSOLL_VERB_PRIORITIZE : PLIMSOLL_VERB_FILTER;
    world.face.synced = (data[0] & 2) == 0;
    world.bound_uid = (data[0] & 4) != 0 ? "u-gpu" : NULL;
    world.bound_node = "full";
    struct plimsoll_span body = {.data = (const char *)data + 1, .size = size - 1};
    struct run whole;
    ask(&whole, &world, verb, body, SIZE_MAX);
    check_again(&whole, &world, verb, body, 1u + (data[0] >> 3), cache);
    if (whole.result == 0) {
        check_sums(&whole);
    }
    if (whole.result == 0 && verb == PLIMSOLL_VERB_FILTER) {
        check_names(body, &whole);
    }
    plimsoll_text_clear(&whole.answer);
    return 0;
}
