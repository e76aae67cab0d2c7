/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/page.h>

#include "cards.h"

#include <jansson.h>

/* Markup, an end of script, a quote, bytes that are no UTF-8: all of it legal in a card's product.
 */
#define HOSTILE "</script><b>\"'&\x01\xff%s"

static char home[] = "ai", whisper[] = "whisper", ollama[] = "ollama-0";

static struct plimsoll_pod *add_pod(struct scene *scene, char *name, uint64_t claimed)
{
    struct plimsoll_pod *pod = scene_pod(scene, name, scene_demand(false, claimed));
    pod->name = name;
    pod->namespace_ = home;
    if (claimed > 0) {
        scene_claim(pod, "GPU-0", claimed, 0);
    }
    return pod;
}

static struct plimsoll_extender_node seen(const struct scene *scene,
                                          struct plimsoll_node_load **load)
{
    free(*load);
    *load = scene_load(scene);
    return (struct plimsoll_extender_node){.view = scene->view, .load = *load};
}

static json_t *parsed(const struct plimsoll_text *text)
{
    json_error_t error;
    assert_false(text->overflowed);
    json_t *json = json_loadb(text->data, text->size, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        fail_msg("%s: %s", error.text, text->data);
    }
    return json;
}

static json_t *node_of(const struct scene *scene)
{
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    struct plimsoll_extender_node node = seen(scene, &load);
    plimsoll_autotext text = plimsoll_text_make(1u << 20);
    plimsoll_page_write_node(&node, &text);
    return parsed(&text);
}

static uint64_t number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    assert_true(json_is_integer(value));
    return (uint64_t)json_integer_value(value);
}

static const char *string(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

static json_t *item(const json_t *object, const char *name, size_t index)
{
    return json_array_get(json_object_get(object, name), index);
}

/* -- nodes ---------------------------------------------------------------------------------------
 */

static void the_parts_of_a_load_line_add_up_to_the_card(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    add_pod(&scene, ollama, 6000);
    scene_report(&scene, 0, 7000, true);
    scene_use(&scene, 0, ollama, 5000);
    json_auto_t *node = node_of(&scene);
    const json_t *card = item(node, "cards", 0);
    assert_int_equal(number(card, "total"), 16384 * MIB);
    assert_int_equal(number(card, "line"), (16384 - SCENE_RESERVE) * MIB);
    assert_int_equal(number(card, "booked"), 6000 * MIB);
    assert_int_equal(number(card, "foreign"), 2000 * MIB);
    assert_int_equal(number(card, "reserve"), 0); /* it is used up by what is foreign */
    assert_int_equal(number(card, "used"), 7000 * MIB);
    assert_int_equal(number(card, "booked") + number(card, "foreign") + number(card, "reserve") +
                         number(card, "free"),
                     number(card, "total"));
    assert_null(json_object_get(card, "over"));
    assert_null(json_object_get(card, "trouble"));
}

static void what_is_not_measured_has_no_used_and_what_is_may_be_0(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    json_auto_t *silent = node_of(&scene);
    assert_null(json_object_get(item(silent, "cards", 0), "used"));
    assert_string_equal(string(silent, "report"), "none");
    scene_report(&scene, 0, 0, true);
    json_auto_t *idle = node_of(&scene);
    assert_int_equal(number(item(idle, "cards", 0), "used"), 0);
    assert_string_equal(string(idle, "report"), "usage");
}

static void a_card_over_its_line_says_by_how_much(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    add_pod(&scene, ollama, 16000);
    json_auto_t *node = node_of(&scene);
    assert_int_equal(number(item(node, "cards", 0), "over"), (16000 + SCENE_RESERVE - 16384) * MIB);
}

static void pods_stand_on_their_cards_with_what_they_claim_and_use(void **state)
{
    (void)state;
    struct scene scene;
    char why[] = "it is of pod u2";
    scene_make(&scene, 2, 16384, 4);
    add_pod(&scene, ollama, 6000)->terminating = true;
    struct plimsoll_pod *unclaimed = add_pod(&scene, whisper, 0);
    unclaimed->claim_ignored = why;
    scene_hold(&scene, 1, whisper);
    scene_report(&scene, 0, 9000, true);
    scene_use(&scene, 0, ollama, 7000);
    json_auto_t *node = node_of(&scene);
    const json_t *pod = item(item(node, "cards", 0), "pods", 0);
    assert_string_equal(string(pod, "namespace"), "ai");
    assert_string_equal(string(pod, "name"), "ollama-0");
    assert_int_equal(number(pod, "claimed"), 6000 * MIB);
    assert_int_equal(number(pod, "used"), 7000 * MIB);
    assert_true(json_is_true(json_object_get(pod, "over")));
    assert_true(json_is_true(json_object_get(pod, "leaving")));
    pod = item(item(node, "cards", 1), "pods", 0);
    assert_string_equal(string(pod, "name"), "whisper");
    assert_null(json_object_get(pod, "claimed"));
    assert_string_equal(string(pod, "ignored"), why);
    assert_null(json_object_get(node, "floatingPods"));
}

static void a_pod_whose_card_is_not_known_floats_on_its_node(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 4);
    scene_float(add_pod(&scene, ollama, 0), 1, 4096);
    json_auto_t *alone = node_of(&scene);
    assert_int_equal(number(item(alone, "cards", 0), "floating"), 4096 * MIB);
    struct plimsoll_pod *nominated = add_pod(&scene, whisper, 0);
    nominated->node = scene_nothing;
    nominated->nominated = scene_name;
    json_auto_t *node = node_of(&scene);
    const json_t *pod = item(node, "floatingPods", 0);
    assert_string_equal(string(pod, "name"), "ollama-0");
    assert_int_equal(number(pod, "vram"), 4096 * MIB);
    assert_true(json_is_true(json_object_get(item(node, "floatingPods", 1), "nominated")));
}

static void of_more_pods_than_are_listed_the_number_is_said(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 65536, 64);
    assert_true(SCENE_PODS_MAX > PLIMSOLL_PAGE_PODS_MAX + 1);
    for (unsigned i = 0; i < PLIMSOLL_PAGE_PODS_MAX; i++) {
        add_pod(&scene, ollama, 10);
    }
    json_auto_t *full = node_of(&scene);
    assert_null(json_object_get(item(full, "cards", 0), "morePods"));
    add_pod(&scene, whisper, 10);
    json_auto_t *more = node_of(&scene);
    const json_t *card = item(more, "cards", 0);
    assert_int_equal(json_array_size(json_object_get(card, "pods")), PLIMSOLL_PAGE_PODS_MAX);
    assert_int_equal(number(card, "morePods"), 1);
}

static void trouble_is_named(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 2, 16384, 1);
    strcpy(scene.cards[0].health, "xid 79");
    scene.cards[1].cordoned = true;
    char broken[] = "plimsoll.dev/usage: byte 7: \"\n";
    scene.node.unusable = broken;
    scene.view.stale = true;
    json_auto_t *node = node_of(&scene);
    assert_string_equal(string(item(node, "cards", 0), "trouble"), "xid 79");
    assert_string_equal(string(item(node, "cards", 1), "trouble"), "cordoned");
    assert_string_equal(string(node, "unusable"), broken);
    assert_true(json_is_true(json_object_get(node, "stale")));
}

static void hostile_names_stay_strings(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 1);
    snprintf(scene.cards[0].product, sizeof scene.cards[0].product, "%s", HOSTILE);
    snprintf(scene.cards[0].id, sizeof scene.cards[0].id, "\",\"total\":0,\"x\":\"");
    json_auto_t *node = node_of(&scene);
    const json_t *card = item(node, "cards", 0);
    assert_string_equal(string(card, "product"), "</script><b>\"'&\x01\xef\xbf\xbd%s");
    assert_string_equal(string(card, "id"), "\",\"total\":0,\"x\":\"");
    assert_int_equal(number(card, "total"), 16384 * MIB);
}

/* -- the cluster ---------------------------------------------------------------------------------
 */

static void the_sums_are_those_of_all_cards(void **state)
{
    (void)state;
    struct scene scene;
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    struct plimsoll_page_sums sums = {0};
    scene_make(&scene, 3, 16384, 4);
    add_pod(&scene, ollama, 6000);
    scene_report(&scene, 0, 7000, true);
    scene_use(&scene, 0, ollama, 5000);
    strcpy(scene.cards[2].health, "ecc");
    scene.view.stale = true;
    struct plimsoll_extender_node node = seen(&scene, &load);
    plimsoll_page_sum(&sums, &node);
    assert_int_equal(sums.cards, 3);
    assert_int_equal(sums.gpu_nodes, 1);
    assert_int_equal(sums.stale, 1);
    assert_int_equal(sums.out_of_service, 1);
    assert_int_equal(sums.measured, 1);
    assert_int_equal(sums.used, 7000 * MIB);
    assert_int_equal(sums.total, 3 * 16384 * MIB);
    assert_int_equal(sums.booked + sums.foreign + sums.reserve + sums.free + sums.out, sums.total);
    assert_int_equal(sums.out, (16384 - SCENE_RESERVE) * MIB);
    assert_int_equal(sums.largest, (16384 - SCENE_RESERVE) * MIB);
    assert_string_equal(sums.largest_node, SCENE_NAME);
    add_pod(&scene, whisper, 16000);
    node = seen(&scene, &load);
    plimsoll_page_sum(&sums, &node);
    assert_int_equal(sums.over, 1);
    assert_int_equal(sums.nodes, 2);
    plimsoll_autotext text = plimsoll_text_make(4096);
    plimsoll_page_write_sums(&sums, &text);
    json_auto_t *json = parsed(&text);
    assert_int_equal(number(json, "cards"), 6);
    assert_string_equal(string(json, "largestNode"), SCENE_NAME);
}

static void absurd_sizes_do_not_wrap(void **state)
{
    (void)state;
    struct scene scene;
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    struct plimsoll_page_sums sums = {0};
    scene_make(&scene, 4, 1, 1);
    for (int i = 0; i < 4; i++) {
        scene.cards[i].total = UINT64_MAX / 2;
    }
    struct plimsoll_extender_node node = seen(&scene, &load);
    plimsoll_page_sum(&sums, &node);
    assert_true(sums.total == UINT64_MAX);
    assert_true(sums.free == UINT64_MAX);
}

/* -- what is asked for ---------------------------------------------------------------------------
 */

static struct plimsoll_page_query query_of(const char *key, const char *value)
{
    struct plimsoll_page_query query = {0};
    struct plimsoll_error err;
    if (plimsoll_page_query_set(&query, key, value, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return query;
}

static void parameters_are_read(void **state)
{
    (void)state;
    assert_string_equal(query_of("search", "a/b").search, "a/b");
    assert_int_equal(query_of("only", "trouble").only, PLIMSOLL_PAGE_TROUBLE);
    assert_int_equal(query_of("only", "over").only, PLIMSOLL_PAGE_OVER);
    assert_int_equal(query_of("order", "load").order, PLIMSOLL_PAGE_BY_LOAD);
    assert_int_equal(query_of("page", "7").page, 7);
    assert_int_equal(query_of("waiting", "3").waiting_page, 3);
    size_t count = 0;
    while (plimsoll_page_keys[count] != NULL) {
        count++;
    }
    assert_int_equal(count, 5);
}

static void a_wrong_parameter_is_said_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *says;
    } cases[] = {
        {"only", "none", "only: \"none\"; right would be all, over or trouble"},
        {"order", "size", "order: \"size\"; right would be name, free or load"},
        {"page", "-1", "page: \"-1\" is no number"},
        {"page", "", "page: \"\" is no number"},
        {"waiting", "99999999999999999999999", "waiting: "},
        {"colour", "1", "colour: the parameters are"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plimsoll_page_query query = {.page = 2};
        struct plimsoll_error err = {.message = ""};
        assert_int_equal(plimsoll_page_query_set(&query, cases[i].key, cases[i].value, &err), -1);
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        if (strstr(err.message, cases[i].says) == NULL) {
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].says);
        }
        assert_int_equal(query.page, 2);
    }
}

static void no_name_that_is_searched_for_is_longer_than_a_name(void **state)
{
    (void)state;
    char long_name[PLIMSOLL_PAGE_SEARCH_BYTES_MAX + 2] = "";
    struct plimsoll_page_query query = {0};
    struct plimsoll_error err;
    memset(long_name, 'x', PLIMSOLL_PAGE_SEARCH_BYTES_MAX + 1);
    assert_int_equal(plimsoll_page_query_set(&query, "search", long_name, &err), -1);
    long_name[PLIMSOLL_PAGE_SEARCH_BYTES_MAX] = '\0';
    assert_int_equal(plimsoll_page_query_set(&query, "search", long_name, &err), 0);
    assert_string_equal(query.search, long_name);
}

static void a_page_beyond_the_end_is_the_last(void **state)
{
    (void)state;
    assert_int_equal(plimsoll_page_clamp(0, 0, 24), 0);
    assert_int_equal(plimsoll_page_clamp(5, 0, 24), 0);
    assert_int_equal(plimsoll_page_clamp(5, 24, 24), 0);
    assert_int_equal(plimsoll_page_clamp(5, 25, 24), 1);
    assert_int_equal(plimsoll_page_clamp(SIZE_MAX, 5000, 24), 208);
}

static bool shows(const struct scene *scene, const char *key, const char *value)
{
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    struct plimsoll_extender_node node = seen(scene, &load);
    struct plimsoll_page_query query = query_of(key, value);
    return plimsoll_page_shows_node(&query, &node);
}

static void a_search_finds_nodes_cards_and_pods(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    strcpy(scene.cards[0].product, "NVIDIA RTX 4080");
    add_pod(&scene, ollama, 6000);
    static const char *const found[] = {"",      "node-a", "ODE", "rtx 40",      "gpu-0",
                                        "llama", "AI/oll", "ai/", "ai/ollama-0", "/oll",
                                        "i/o"};
    static const char *const others[] = {"node-b", "ai/llama",     "b/ollama", "xai/ollama",
                                         "rtx 50", "ai/ollama-01", "//"};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        if (!shows(&scene, "search", found[i])) {
            fail_msg("%s is not found", found[i]);
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (shows(&scene, "search", others[i])) {
            fail_msg("%s is found", others[i]);
        }
    }
}

static void only_what_is_asked_for_is_shown(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene, 1, 16384, 4);
    assert_true(shows(&scene, "only", "all"));
    assert_false(shows(&scene, "only", "over"));
    assert_false(shows(&scene, "only", "trouble"));
    add_pod(&scene, ollama, 16000);
    assert_true(shows(&scene, "only", "over"));
    scene.view.stale = true;
    assert_true(shows(&scene, "only", "trouble"));
    scene.view.stale = false;
    scene.cards[0].cordoned = true;
    assert_true(shows(&scene, "only", "trouble"));
}

static void a_node_without_cards_is_shown_when_something_is_wrong_with_it(void **state)
{
    (void)state;
    struct scene scene;
    char broken[] = "plimsoll.dev/inventory: no JSON";
    scene_make(&scene, 0, 0, 1);
    assert_false(shows(&scene, "only", "all"));
    scene.node.unusable = broken;
    assert_true(shows(&scene, "only", "all"));
    assert_true(shows(&scene, "only", "trouble"));
}

static void ranks_follow_the_order_that_is_asked_for(void **state)
{
    (void)state;
    struct scene scene;
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    scene_make(&scene, 2, 16384, 4);
    add_pod(&scene, ollama, 8192 - SCENE_RESERVE);
    struct plimsoll_extender_node node = seen(&scene, &load);
    struct plimsoll_page_query by_name = {0}, by_free = query_of("order", "free"),
                               by_load = query_of("order", "load");
    assert_int_equal(plimsoll_page_rank(&by_name, &node), 0);
    assert_int_equal(plimsoll_page_rank(&by_load, &node), 500000);
    assert_int_equal(plimsoll_page_rank(&by_free, &node), (16384 - SCENE_RESERVE) * MIB);
    scene.cards[1].cordoned = true; /* nothing of it can be had */
    node = seen(&scene, &load);
    assert_int_equal(plimsoll_page_rank(&by_free, &node), 8192 * MIB);
}

/* -- waiting -------------------------------------------------------------------------------------
 */

static json_t *waiter_of(const struct plimsoll_page_waiting *waiting)
{
    plimsoll_autotext text = plimsoll_text_make(1u << 16);
    plimsoll_page_write_waiting(waiting, &text);
    return parsed(&text);
}

static struct plimsoll_pod waiting_pod(struct plimsoll_demand demand)
{
    return (struct plimsoll_pod){.uid = scene_uid("u1"),
                                 .namespace_ = home,
                                 .name = whisper,
                                 .node = scene_nothing,
                                 .nominated = scene_nothing,
                                 .demand = demand};
}

static void a_waiting_pod_says_why_and_which_node_is_closest(void **state)
{
    (void)state;
    struct scene scene;
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    scene_make(&scene, 1, 16384, 4);
    add_pod(&scene, ollama, 12000);
    struct plimsoll_extender_node node = seen(&scene, &load);
    struct plimsoll_pod pod = waiting_pod(scene_demand(false, 8192));
    struct plimsoll_page_waiting waiting = {.pod = &pod,
                                            .asked = true,
                                            .since_unix_ms = 1700000000000,
                                            .nodes = 5,
                                            .closest = &node,
                                            .verdict = scene_judge(&scene, pod.demand)};
    waiting.reasons[PLIMSOLL_NO_CARD] = 1;
    waiting.reasons[PLIMSOLL_NO_VRAM] = 4;
    json_auto_t *json = waiter_of(&waiting);
    assert_string_equal(string(json, "want"), "8Gi");
    assert_string_equal(string(json, "vendor"), "NVIDIA");
    assert_int_equal(number(json, "cards"), 1);
    assert_int_equal(number(json, "since"), 1700000000000);
    assert_int_equal(number(json, "nodes"), 5);
    assert_string_equal(string(item(json, "reasons", 0), "text"),
                        "insufficient free VRAM (want 8Gi)");
    assert_int_equal(number(item(json, "reasons", 0), "nodes"), 4);
    assert_string_equal(string(item(json, "reasons", 1), "text"), "no NVIDIA card");
    assert_int_equal(json_array_size(json_object_get(json, "reasons")), 2);
    assert_string_equal(string(json, "closest"), SCENE_NAME);
    assert_int_equal(number(json, "missing"), (8192 + 12000 + SCENE_RESERVE - 16384) * MIB);
    assert_non_null(strstr(string(json, "note"), "Held by ai/ollama-0"));
}

static void a_pod_that_fits_by_now_names_the_node(void **state)
{
    (void)state;
    struct plimsoll_pod pod = waiting_pod(scene_demand(false, 8192));
    struct plimsoll_page_waiting waiting = {.pod = &pod, .nodes = 3, .fits = SCENE_NAME};
    waiting.reasons[PLIMSOLL_FITS] = 2;
    waiting.reasons[PLIMSOLL_NO_VRAM] = 1;
    json_auto_t *json = waiter_of(&waiting);
    assert_string_equal(string(json, "fits"), SCENE_NAME);
    assert_int_equal(number(json, "fitting"), 2);
    assert_int_equal(json_array_size(json_object_get(json, "reasons")), 1);
    assert_null(json_object_get(json, "closest"));
    assert_null(json_object_get(json, "asked"));
    assert_null(json_object_get(json, "since"));
}

static void a_request_that_cannot_be_read_is_said_as_it_is(void **state)
{
    (void)state;
    char refusal[] = "annotation plimsoll.dev/vram: \"<much>\" is no quantity";
    struct plimsoll_pod pod = waiting_pod((struct plimsoll_demand){.gpu = true});
    pod.refusal = refusal;
    struct plimsoll_page_waiting waiting = {.pod = &pod};
    json_auto_t *json = waiter_of(&waiting);
    assert_string_equal(string(json, "refusal"), refusal);
    assert_null(json_object_get(json, "reasons"));
}

static void what_a_pod_wants_is_written_as_people_write_it(void **state)
{
    (void)state;
    struct plimsoll_demand demand = {.gpu = true, .cards = 2, .vendor = PLIMSOLL_VENDOR_AMD};
    struct plimsoll_pod pod = waiting_pod(demand);
    struct plimsoll_page_waiting waiting = {.pod = &pod};
    json_auto_t *by_default = waiter_of(&waiting);
    assert_string_equal(string(by_default, "want"), "the default");
    assert_int_equal(number(by_default, "cards"), 2);
    pod.demand.request = PLIMSOLL_REQUEST_PERCENT;
    pod.demand.percent_milli = 50500;
    json_auto_t *share = waiter_of(&waiting);
    assert_string_equal(string(share, "want"), "50.5%");
    pod.demand.mig = true;
    strcpy(pod.demand.mig_profile, "1g.10gb");
    pod.priority = -5;
    json_auto_t *instance = waiter_of(&waiting);
    assert_string_equal(string(instance, "instance"), "1g.10gb");
    assert_int_equal(json_integer_value(json_object_get(instance, "priority")), -5);
}

/* -- the document --------------------------------------------------------------------------------
 */

static bool page_has(const char *part)
{
    return memmem(plimsoll_page_html, plimsoll_page_html_size, part, strlen(part)) != NULL;
}

static void the_document_has_all_it_needs_and_asks_for_nothing(void **state)
{
    (void)state;
    assert_true(plimsoll_page_html_size > 10000);
    assert_memory_equal(plimsoll_page_html, "<!doctype html>", 15);
    assert_true(page_has("prefers-color-scheme"));
    assert_true(page_has("If-None-Match"));
    assert_false(page_has("@STYLE@"));
    assert_false(page_has("@SCRIPT@"));
    assert_false(page_has("innerHTML"));
    assert_false(page_has("url("));
    assert_false(page_has("https://"));
    assert_false(page_has(" src="));
    assert_non_null(strstr(plimsoll_page_policy, "default-src 'none'; style-src 'sha256-"));
    assert_non_null(strstr(plimsoll_page_policy, "script-src 'sha256-"));
    assert_null(strstr(plimsoll_page_policy, "unsafe"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_load_line_add_up_to_the_card),
        cmocka_unit_test(what_is_not_measured_has_no_used_and_what_is_may_be_0),
        cmocka_unit_test(a_card_over_its_line_says_by_how_much),
        cmocka_unit_test(pods_stand_on_their_cards_with_what_they_claim_and_use),
        cmocka_unit_test(a_pod_whose_card_is_not_known_floats_on_its_node),
        cmocka_unit_test(of_more_pods_than_are_listed_the_number_is_said),
        cmocka_unit_test(trouble_is_named),
        cmocka_unit_test(hostile_names_stay_strings),
        cmocka_unit_test(the_sums_are_those_of_all_cards),
        cmocka_unit_test(absurd_sizes_do_not_wrap),
        cmocka_unit_test(parameters_are_read),
        cmocka_unit_test(a_wrong_parameter_is_said_and_changes_nothing),
        cmocka_unit_test(no_name_that_is_searched_for_is_longer_than_a_name),
        cmocka_unit_test(a_page_beyond_the_end_is_the_last),
        cmocka_unit_test(a_search_finds_nodes_cards_and_pods),
        cmocka_unit_test(only_what_is_asked_for_is_shown),
        cmocka_unit_test(a_node_without_cards_is_shown_when_something_is_wrong_with_it),
        cmocka_unit_test(ranks_follow_the_order_that_is_asked_for),
        cmocka_unit_test(a_waiting_pod_says_why_and_which_node_is_closest),
        cmocka_unit_test(a_pod_that_fits_by_now_names_the_node),
        cmocka_unit_test(a_request_that_cannot_be_read_is_said_as_it_is),
        cmocka_unit_test(what_a_pod_wants_is_written_as_people_write_it),
        cmocka_unit_test(the_document_has_all_it_needs_and_asks_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
