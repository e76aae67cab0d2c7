/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "extender_world.h"

#include "../../../src/extender/node_cache.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  200

static const unsigned char key[PLIMSOLL_NODE_CACHE_KEY_SIZE] = {7, 1, 4};

static int set_up(void **state)
{
    struct world *world = plimsoll_alloc(1, sizeof *world);
    world_make(world);
    world->face.cache = plimsoll_node_cache_new(key);
    assert_non_null(world->face.cache);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    plimsoll_node_cache_free(&world->face.cache);
    world_clear(world);
    free(world);
    return 0;
}

/* As far as it matters here, a call that has been asked about this node. */
static bool look_up(struct plimsoll_node_cache *cache, const char *name, struct plimsoll_span node)
{
    struct plimsoll_node_lookup lookup;
    plimsoll_node_lookup_begin(&lookup, cache);
    const struct plimsoll_node *known =
        plimsoll_node_lookup_find(&lookup, plimsoll_span_of(name), node);
    if (known != NULL) {
        assert_string_equal(known->name, name);
        plimsoll_node_lookup_release(&lookup);
    }
    plimsoll_node_lookup_end(&lookup);
    return known != NULL;
}

static void keep_in_call(struct plimsoll_node_lookup *lookup, const char *name,
                         struct plimsoll_span object)
{
    struct plimsoll_node node = {0};
    struct plimsoll_error err;
    assert_null(plimsoll_node_lookup_find(lookup, plimsoll_span_of(name), object));
    assert_int_equal(plimsoll_node_read(object, &world_reading, &node, &err), 0);
    plimsoll_node_lookup_keep(lookup, plimsoll_span_of(name), object, &node);
    assert_null(node.name);
}

static void keep(struct plimsoll_node_cache *cache, const char *name, struct plimsoll_span object)
{
    struct plimsoll_node_lookup lookup;
    plimsoll_node_lookup_begin(&lookup, cache);
    keep_in_call(&lookup, name, object);
    plimsoll_node_lookup_end(&lookup);
}

static struct plimsoll_text make_node(const char *name, unsigned used_gib)
{
    struct plimsoll_text node = plimsoll_text_make(1u << 16);
    world_write_node(&node, name, used_gib);
    return node;
}

static struct plimsoll_text make_body(const char *const *names, const unsigned *used, size_t count)
{
    struct plimsoll_text body = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&body, "{\"Pod\":");
    world_write_pod(&body, "u-gpu", "12Gi", "", "");
    plimsoll_text_add_string(&body, ",\"Nodes\":{\"items\":[");
    for (size_t i = 0; i < count; i++) {
        plimsoll_text_add_string(&body, i > 0 ? "," : "");
        world_write_node(&body, names[i], used[i]);
    }
    plimsoll_text_add_string(&body, "]}}");
    return body;
}

/* @return SIZE_MAX for an error */
static size_t count_passed(struct world *world, struct plimsoll_span body)
{
    struct plimsoll_error err = {0};
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = plimsoll_text_make(1u << 20);
    int asked = world_ask(world, PLIMSOLL_VERB_FILTER, body, 100, &answer, &outcome, &err);
    return asked == 0 ? outcome.passed : SIZE_MAX;
}

static void a_node_that_was_read_is_known_when_it_comes_again(void **state)
{
    struct world *world = *state;
    plimsoll_autotext node = make_node("a", 0);
    assert_false(look_up(world->face.cache, "a", plimsoll_text_span(&node)));
    keep(world->face.cache, "a", plimsoll_text_span(&node));
    assert_true(look_up(world->face.cache, "a", plimsoll_text_span(&node)));
    assert_false(look_up(world->face.cache, "b", plimsoll_text_span(&node)));
}

static void a_filter_keeps_the_nodes_it_reads(void **state)
{
    struct world *world = *state;
    const char *const names[] = {"a", "b"};
    const unsigned used[] = {0, 14};
    plimsoll_autotext body = make_body(names, used, 2);
    plimsoll_autotext a = make_node("a", 0), b = make_node("b", 14);
    assert_int_equal(count_passed(world, plimsoll_text_span(&body)), 1);
    assert_true(look_up(world->face.cache, "a", plimsoll_text_span(&a)));
    assert_true(look_up(world->face.cache, "b", plimsoll_text_span(&b)));
    assert_int_equal(count_passed(world, plimsoll_text_span(&body)), 1);
}

static void one_byte_of_what_is_read_makes_it_another_node(void **state)
{
    struct world *world = *state;
    plimsoll_autotext node = make_node("a", 0);
    keep(world->face.cache, "a", plimsoll_text_span(&node));
    const char *images = strstr(node.data, ",\"images\"");
    assert_non_null(images);
    size_t read = (size_t)(images - node.data);
    for (size_t i = 0; i < node.size; i++) {
        node.data[i] ^= 1;
        bool known = look_up(world->face.cache, "a", plimsoll_text_span(&node));
        if (known != (i >= read)) {
            fail_msg("byte %zu of %zu, of which %zu are read", i, node.size, read);
        }
        node.data[i] ^= 1;
    }
}

static void a_node_shorter_than_what_was_read_is_another(void **state)
{
    struct world *world = *state;
    plimsoll_autotext node = make_node("a", 0);
    keep(world->face.cache, "a", plimsoll_text_span(&node));
    size_t read = (size_t)(strstr(node.data, ",\"images\"") - node.data);
    for (size_t size = 0; size <= node.size; size++) {
        struct plimsoll_span begin = {.data = node.data, .size = size};
        assert_int_equal(look_up(world->face.cache, "a", begin), size >= read);
    }
}

static void a_node_whose_report_changes_is_judged_by_the_new_one(void **state)
{
    struct world *world = *state;
    const char *const names[] = {"a"};
    const unsigned idle[] = {0}, full[] = {9};
    plimsoll_autotext before = make_body(names, idle, 1), after = make_body(names, full, 1);
    assert_int_equal(before.size, after.size - strlen("9663676416") + 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(count_passed(world, plimsoll_text_span(&before)), 1);
        assert_int_equal(count_passed(world, plimsoll_text_span(&before)), 1);
        assert_int_equal(count_passed(world, plimsoll_text_span(&after)), 0);
        assert_int_equal(count_passed(world, plimsoll_text_span(&after)), 0);
    }
}

static void a_changed_node_takes_the_place_of_the_old_one(void **state)
{
    struct world *world = *state;
    plimsoll_autotext before = make_node("a", 3), after = make_node("a", 4);
    keep(world->face.cache, "a", plimsoll_text_span(&before));
    size_t bytes = plimsoll_node_cache_bytes(world->face.cache);
    keep(world->face.cache, "a", plimsoll_text_span(&after));
    assert_int_equal(plimsoll_node_cache_bytes(world->face.cache), bytes);
    assert_false(look_up(world->face.cache, "a", plimsoll_text_span(&before)));
    assert_true(look_up(world->face.cache, "a", plimsoll_text_span(&after)));
}

static void a_node_there_twice_is_refused_also_when_it_is_known(void **state)
{
    struct world *world = *state;
    const char *const names[] = {"a", "a"};
    const unsigned used[] = {0, 0};
    plimsoll_autotext once = make_body(names, used, 1), twice = make_body(names, used, 2);
    plimsoll_autotext answer = plimsoll_text_make(1u << 20);
    struct plimsoll_extender_outcome outcome;
    struct plimsoll_error err = {0};
    assert_int_equal(count_passed(world, plimsoll_text_span(&once)), 1);
    assert_int_equal(world_ask(world, PLIMSOLL_VERB_FILTER, plimsoll_text_span(&twice), SIZE_MAX,
                               &answer, &outcome, &err),
                     -1);
    assert_non_null(strstr(err.message, "is there twice"));
    assert_int_equal(count_passed(world, plimsoll_text_span(&once)), 1);
}

static void what_is_no_node_is_not_kept(void **state)
{
    struct world *world = *state;
    static const char body[] = "{\"Pod\":{\"metadata\":{\"uid\":\"u\",\"annotations\":{"
                               "\"plimsoll.dev/vram\":\"1Gi\"}},\"spec\":{\"containers\":[{}]}},"
                               "\"Nodes\":{\"items\":[{\"metadata\":{\"labels\":7}}]}}";
    plimsoll_autotext answer = plimsoll_text_make(1u << 20);
    struct plimsoll_extender_outcome outcome;
    struct plimsoll_error err = {0};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(world_ask(world, PLIMSOLL_VERB_FILTER, plimsoll_span_of(body), SIZE_MAX,
                                   &answer, &outcome, &err),
                         -1);
    }
    assert_int_equal(plimsoll_node_cache_bytes(world->face.cache), 0);
}

/* The name of node `i`, and its object. */
static struct plimsoll_span write_numbered(struct plimsoll_text *node, char name[static 16],
                                           unsigned i)
{
    snprintf(name, 16, "n%u", i);
    plimsoll_text_reset(node);
    world_write_node(node, name, 0);
    return plimsoll_text_span(node);
}

/* Fills the cache by one call. @return how many nodes it took. */
static unsigned fill(struct plimsoll_node_cache *cache)
{
    plimsoll_autotext node = plimsoll_text_make(1u << 16);
    struct plimsoll_node_lookup lookup;
    char name[16];
    unsigned count = 0;
    size_t before;
    plimsoll_node_lookup_begin(&lookup, cache);
    do {
        before = plimsoll_node_cache_bytes(cache);
        keep_in_call(&lookup, name, write_numbered(&node, name, count++));
        assert_true(plimsoll_node_cache_bytes(cache) <= PLIMSOLL_NODE_CACHE_BYTES_MAX);
    } while (plimsoll_node_cache_bytes(cache) > before);
    plimsoll_node_lookup_end(&lookup);
    return count - 1;
}

static void nodes_beyond_the_room_for_them_are_read_anew(void **state)
{
    struct world *world = *state;
    plimsoll_autotext node = plimsoll_text_make(1u << 16);
    char name[16];
    unsigned count = fill(world->face.cache);
    assert_true(count > 5000);
    for (unsigned i = 0; i <= count; i++) {
        struct plimsoll_span object = write_numbered(&node, name, i);
        assert_int_equal(look_up(world->face.cache, name, object), i < count);
    }
}

static void nodes_that_no_call_brings_any_more_make_room(void **state)
{
    struct world *world = *state;
    plimsoll_autotext node = plimsoll_text_make(1u << 16), first = plimsoll_text_make(1u << 16);
    char name[16];
    unsigned count = fill(world->face.cache);
    write_numbered(&first, name, 0);
    for (unsigned call = 0; call < 8; call++) {
        assert_true(look_up(world->face.cache, "n0", plimsoll_text_span(&first)));
    }
    struct plimsoll_span object = write_numbered(&node, name, count);
    keep(world->face.cache, name, object);
    assert_true(look_up(world->face.cache, name, object));
    assert_true(look_up(world->face.cache, "n0", plimsoll_text_span(&first)));
    assert_true(plimsoll_node_cache_bytes(world->face.cache) <= PLIMSOLL_NODE_CACHE_BYTES_MAX);
}

struct asker {
    pthread_t thread;
    struct world world;
    const struct plimsoll_text *bodies; /* by nodes that pass */
    bool wrong;
};

static void *ask_on(void *context)
{
    struct asker *asker = context;
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t which = i % 3;
        asker->wrong |=
            count_passed(&asker->world, plimsoll_text_span(&asker->bodies[which])) != which;
    }
    return NULL;
}

static void threads_get_the_answers_to_their_own_nodes(void **state)
{
    struct world *world = *state;
    const char *const names[] = {"a", "b"};
    const unsigned used[3][2] = {{14, 14}, {14, 0}, {0, 0}};
    struct plimsoll_text bodies[3];
    static struct asker askers[THREADS];
    for (size_t i = 0; i < 3; i++) {
        bodies[i] = make_body(names, used[i], 2);
    }
    for (size_t i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.bodies = bodies};
        world_make(&askers[i].world);
        askers[i].world.face.cache = world->face.cache;
        assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_on, &askers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_false(askers[i].wrong);
    }
    for (size_t i = 0; i < 3; i++) {
        plimsoll_text_clear(&bodies[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_node_that_was_read_is_known_when_it_comes_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_filter_keeps_the_nodes_it_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_byte_of_what_is_read_makes_it_another_node, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_node_shorter_than_what_was_read_is_another, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_node_whose_report_changes_is_judged_by_the_new_one,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_changed_node_takes_the_place_of_the_old_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_node_there_twice_is_refused_also_when_it_is_known, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_node_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nodes_beyond_the_room_for_them_are_read_anew, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nodes_that_no_call_brings_any_more_make_room, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(threads_get_the_answers_to_their_own_nodes, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
