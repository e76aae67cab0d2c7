/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A preempt body in either form: what comes back are candidates of the body and nothing else, each
 * once and with all of its own victims. The first byte chooses the world.
 */
#include "../support/extender_world.h"

#include <plimsoll/json.h>

#include <stdint.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_pod(struct world_node *node, const char *uid, const char *vram, int priority,
                    const char *metadata)
{
    plimsoll_autotext json = plimsoll_text_make(4096);
    plimsoll_text_add_format(&json,
                             "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",%s\"annotations\":{"
                             "\"plimsoll.dev/vram\":\"%s\"}},\"spec\":{\"nodeName\":\"%s\","
                             "\"priority\":%d,\"containers\":[{\"name\":\"main\"}]}}",
                             uid, uid, metadata, vram, node->node.name, priority);
    world_add_pod(node, json.data);
}

static void fill(struct world *world)
{
    world_make(world);
    struct world_node *one = world_add_node(world, "one", 0);
    add_pod(one, "a", "6Gi", 0, "");
    add_pod(one, "b", "6Gi", 0, "");
    add_pod(one, "c", "3Gi", 5, "");
    struct world_node *two = world_add_node(world, "two", 3);
    add_pod(two, "d", "8Gi", 5, "\"deletionTimestamp\":\"2026-11-24T10:00:00Z\",");
    add_pod(two, "e", "4Gi", 100, "");
}

/* The last member of that name in any case, as it stands: keys with escapes match nothing. */
static struct plimsoll_json get_last(struct plimsoll_json object, const char *name)
{
    struct plimsoll_json found = {.token = -1};
    for (struct plimsoll_json key = plimsoll_json_first(object);
         plimsoll_json_type(object) == PLIMSOLL_JSON_OBJECT &&
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING;
         key = plimsoll_json_next(key)) {
        struct plimsoll_span raw = plimsoll_json_raw(key);
        if (raw.size == strlen(name) && strncasecmp(raw.data, name, raw.size) == 0) {
            found = plimsoll_json_value(key);
        }
    }
    return found;
}

static struct plimsoll_json find_candidates(struct plimsoll_json root)
{
    struct plimsoll_json whole = get_last(root, "NodeNameToVictims");
    return plimsoll_json_type(whole) == PLIMSOLL_JSON_OBJECT
               ? whole
               : get_last(root, "NodeNameToMetaVictims");
}

static size_t count_pods(struct plimsoll_json victims)
{
    return plimsoll_json_count(get_last(victims, "Pods"));
}

/* The candidate of that name has at least its own victims. */
static void check_candidate(struct plimsoll_json candidates, struct plimsoll_json key)
{
    plimsoll_autofree char *name = plimsoll_json_dup(key);
    assert(name != NULL);
    struct plimsoll_json asked = plimsoll_json_get(candidates, name);
    assert(plimsoll_json_type(asked) != PLIMSOLL_JSON_MISSING);
    struct plimsoll_json answered = plimsoll_json_value(key);
    assert(count_pods(answered) >= count_pods(asked));
    assert(plimsoll_json_type(plimsoll_json_get(answered, "NumPDBViolations")) ==
           PLIMSOLL_JSON_NUMBER);
}

static void check_answer(struct plimsoll_span body, const struct plimsoll_text *answer,
                         const struct plimsoll_preempt_outcome *outcome)
{
    struct plimsoll_error err;
    plimsoll_autojson *answered = NULL, *asked = NULL;
    if (plimsoll_json_parse(plimsoll_text_span(answer), &answered, &err) != 0) {
        abort();
    }
    struct plimsoll_json result =
        plimsoll_json_get(plimsoll_json_root(answered), "NodeNameToMetaVictims");
    assert(plimsoll_json_type(result) == PLIMSOLL_JSON_OBJECT);
    assert(plimsoll_json_count(result) == outcome->passed && outcome->passed <= outcome->asked);
    assert(outcome->gpu || (outcome->passed == outcome->asked && outcome->added == 0));
    if (plimsoll_json_parse(body, &asked, &err) != 0) {
        return; /* skipped parts are checked for balance only, and keys may be there twice */
    }
    struct plimsoll_json candidates = find_candidates(plimsoll_json_root(asked));
    for (struct plimsoll_json key = plimsoll_json_first(result);
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        check_candidate(candidates, key);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    static struct plimsoll_nominees *nominees;
    if (size == 0) {
        return 0;
    }
    if (world.node_count == 0) {
        fill(&world);
        nominees = plimsoll_nominees_new();
    }
    world.face.synced = (data[0] & 1) == 0;
    world.face.nominees = (data[0] & 2) == 0 ? nominees : NULL;
    struct plimsoll_span body = {.data = (const char *)data + 1, .size = size - 1};
    struct plimsoll_preempt_outcome outcome = {0};
    struct plimsoll_error err = {0};
    plimsoll_autotext answer = plimsoll_text_make(1u << 24);
    int result = plimsoll_extender_preempt(&world.face, &world_reading, &world_settings, body,
                                           &answer, &outcome, &err);
    assert(world.held == 0);
    if (result == 0) {
        check_answer(body, &answer, &outcome);
    } else {
        assert(err.kind != PLIMSOLL_ERR_NONE && answer.size == 0);
    }
    return 0;
}
