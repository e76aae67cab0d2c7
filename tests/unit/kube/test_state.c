/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "picture.h"

#include <plimsoll/kube.h>

#define UID_A "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b"

static int setup(void **state)
{
    *state = picture_new();
    return 0;
}

static int teardown(void **state)
{
    struct plimsoll_cluster *cluster = *state;
    plimsoll_cluster_free(&cluster);
    return 0;
}

static int load(struct plimsoll_cluster *cluster, struct plimsoll_span text,
                struct plimsoll_error *err)
{
    char name[] = "/tmp/plimsoll-state-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.size), text.size);
    close(fd);
    int result = plimsoll_kube_load_state(name, cluster, err);
    unlink(name);
    return result;
}

static void add_class(struct plimsoll_text *out, const char *name)
{
    plimsoll_text_add_format(out, "{\"kind\":\"RuntimeClass\",\"metadata\":{\"name\":\"%s\"}}",
                             name);
}

static uint64_t booked_on_gpu0(struct plimsoll_cluster *cluster)
{
    struct plimsoll_extender_node node;
    uint64_t booked = UINT64_MAX;
    plimsoll_cluster_read_begin(cluster);
    if (plimsoll_cluster_node(cluster, plimsoll_span_of("gpu0"), &node)) {
        booked = node.load->cards[0].booked;
    }
    plimsoll_cluster_read_end(cluster);
    return booked;
}

static void assert_synced(struct plimsoll_cluster *cluster)
{
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        assert_true(plimsoll_cluster_synced(cluster, (enum plimsoll_kind)kind));
    }
    assert_true(plimsoll_cluster_facts(cluster).synced);
}

/* As kubectl prints it: the list's kind comes after the items. */
static void a_dump_of_mixed_kinds_is_the_picture(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext dump = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&dump, "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n");
    add_node(&dump, &(struct node_words){.name = "gpu0"});
    plimsoll_text_add_string(&dump, ",\n{\"kind\":\"Service\",\"metadata\":{\"name\":\"s\"}},");
    add_pod(&dump,
            &(struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"});
    plimsoll_text_add_string(&dump, ",");
    add_class(&dump, "gold");
    plimsoll_text_add_string(&dump, "\n],\n\"kind\": \"List\",\n\"metadata\": {\"resourceVersion\":"
                                    " \"\"}\n}\n");
    assert_int_equal(load(*state, plimsoll_text_span(&dump), &err), 0);
    assert_int_equal(booked_on_gpu0(*state), 6 * GIB);
    assert_synced(*state);
    assert_int_equal(plimsoll_cluster_facts(*state).runtime_classes, 2);
}

/* As `kubectl get --raw` prints it: only the lists say what their items are. White space and the
 * ends of lists fall on every place of a read. */
static void several_lists_one_after_the_other_are_one_picture(void **state)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext dump = plimsoll_text_make(2u << 20);
    plimsoll_text_add_string(&dump, "{\"kind\":\"NodeList\",\"items\":[");
    plimsoll_text_add_string(&dump, "{\"metadata\":{\"name\":\"gpu0\",\"annotations\":{\"a\":\"");
    for (int i = 0; i < 100000; i++) {
        plimsoll_text_add_string(&dump, i % 7 ? " " : "\\\"}\\\\");
    }
    plimsoll_text_add_string(&dump, "\",\"plimsoll.dev/inventory\":");
    plimsoll_autotext inventory = plimsoll_text_make(1u << 16);
    add_inventory(&inventory, "gpu0", 1);
    plimsoll_text_add_json(&dump, plimsoll_text_span(&inventory));
    plimsoll_text_add_string(&dump, "}}}]}");
    for (int i = 0; i < 200000; i++) {
        plimsoll_text_add_char(&dump, " \n\t\r"[i % 4]);
    }
    plimsoll_text_add_string(&dump, "{\"kind\":\"PodList\",\"items\":[");
    add_pod(&dump,
            &(struct pod_words){.name = "a", .uid = UID_A, .node = "gpu0", .claim = "6442450944"});
    plimsoll_text_add_string(&dump, "]}{\"items\":null}\n");
    assert_int_equal(load(*state, plimsoll_text_span(&dump), &err), 0);
    assert_int_equal(booked_on_gpu0(*state), 6 * GIB);
    assert_synced(*state);
    assert_true(plimsoll_cluster_facts(*state).runtime_classes == UINT64_MAX);
}

static void a_file_that_is_no_dump_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "empty; it should be what `kubectl get"},
        {" \n\t", "empty; it should be what"},
        {"7", ""},
        {"null", ""},
        {"hello", ""},
        {"]", ""},
        {"{\"items\":[", ""},
        {"{\"items\":[]", ""},
        {"{\"items\":[]}x", ""},
        {"{\"items\":{}}", "list 1: items is no array"},
        {"{\"items\":[]}{\"items\":7}", "list 2: items is no array"},
        {"{\"items\":[7]}", "list 1, items[0]"},
        {"{\"items\":[{}]}", "list 1, items[0]: no kind"},
        {"{\"items\":[{\"kind\":\"Service\"},{\"kind\":\"Node\"}]}", "list 1, items[1]"},
        {"{\"items\":[{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}]}", "list 1, items[0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_error err = {0};
        if (load(*state, plimsoll_span_of(cases[i].text), &err) == 0) {
            fail_msg("taken: %s", cases[i].text);
        }
        if (strstr(err.message, cases[i].words) == NULL ||
            strstr(err.message, "/tmp/plimsoll-state-") == NULL) {
            fail_msg("'%s' instead of '%s'", err.message, cases[i].words);
        }
        assert_false(plimsoll_cluster_synced(*state, PLIMSOLL_KIND_NODES));
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct plimsoll_error err = {0};
    assert_int_equal(plimsoll_kube_load_state("/nonexistent/state.json", *state, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent/state.json"));
    assert_int_equal(plimsoll_kube_load_state("/", *state, &err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dump_of_mixed_kinds_is_the_picture),
        TEST(several_lists_one_after_the_other_are_one_picture),
        TEST(a_file_that_is_no_dump_is_refused_with_its_place),
        TEST(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
