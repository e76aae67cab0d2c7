/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"
#include "lab_cluster.h"

#include <plimsoll/json.h>

typedef void view_fn(const struct plimsoll_view_cluster *cluster,
                     const struct plimsoll_view_options *options, struct plimsoll_text *out);

static void golden(view_fn *view, const struct plimsoll_view_cluster *cluster,
                   struct plimsoll_view_options options, const char *name)
{
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    view(cluster, &options, &out);
    assert_false(out.overflowed);
    golden_compare(name, &out);
}

/* The columns of a line, escape sequences left out. */
static unsigned columns_of(const char *line, size_t size)
{
    unsigned columns = 0;
    for (size_t i = 0; i < size; i++) {
        if (line[i] == '\033') {
            i += strcspn(line + i, "m");
        } else if (((unsigned char)line[i] & 0xc0) != 0x80) {
            columns++;
        }
    }
    return columns;
}

static void no_wider_than(view_fn *view, const struct plimsoll_view_cluster *cluster,
                          unsigned width)
{
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    const struct plimsoll_view_options options = {
        .width = width, .colour = width % 2 == 0, .unicode = true};
    view(cluster, &options, &out);
    for (const char *line = out.data; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        if (columns_of(line, size) > width) {
            fail_msg("%u columns: %.*s", columns_of(line, size), (int)size, line);
        }
        line += size + 1;
    }
}

static void cards_look_as_somebody_has_seen_them(void **state)
{
    struct lab *lab = *state;
    golden(plimsoll_view_top, &lab->cluster, (struct plimsoll_view_options){.width = 80},
           "top-80.txt");
    golden(plimsoll_view_top, &lab->cluster,
           (struct plimsoll_view_options){.width = 80, .unicode = true, .colour = true},
           "top-80-colour.txt");
    golden(plimsoll_view_top, &lab->cluster,
           (struct plimsoll_view_options){.width = 120, .unicode = true}, "top-120.txt");
    golden(plimsoll_view_top, &lab->cluster,
           (struct plimsoll_view_options){.width = 160, .unicode = true, .wide = true},
           "top-wide.txt");
}

static void namespaces_look_as_somebody_has_seen_them(void **state)
{
    struct lab *lab = *state;
    golden(plimsoll_view_top_namespaces, &lab->cluster,
           (struct plimsoll_view_options){.width = 80, .unicode = true}, "namespaces-80.txt");
    golden(plimsoll_view_top_namespaces, &lab->cluster,
           (struct plimsoll_view_options){.width = 120}, "namespaces-120.txt");
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    struct lab *lab = *state;
    lab->cluster.note = "With the built-in settings: no ConfigMap of a release of Plimsoll is "
                        "there, which is a sentence longer than any line of a terminal.";
    for (unsigned width = 80; width <= 200; width++) {
        no_wider_than(plimsoll_view_top, &lab->cluster, width);
        no_wider_than(plimsoll_view_top_namespaces, &lab->cluster, width);
    }
}

static const char *shown(view_fn *view, struct lab *lab, struct plimsoll_text *out)
{
    const struct plimsoll_view_options options = {.width = 100};
    plimsoll_text_reset(out);
    view(&lab->cluster, &options, out);
    return out->data;
}

static void one_namespace_shows_its_cards_only(void **state)
{
    struct lab *lab = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    lab->cluster.namespace_ = "media";
    const char *text = shown(plimsoll_view_top, lab, &out);
    assert_non_null(strstr(text, "media/whisper"));
    assert_non_null(strstr(text, "and 2 of other namespaces\n"));
    assert_null(strstr(text, "ai/"));
    assert_null(strstr(text, "A100")); /* train-lora-1 is on none of them yet */
    assert_non_null(strstr(text, "media/train-lora-1"));
    text = shown(plimsoll_view_top_namespaces, lab, &out);
    assert_null(strstr(text, "ollama"));
    assert_non_null(strstr(text, "whisper"));
    lab->cluster.namespace_ = "nobody";
    assert_string_equal(shown(plimsoll_view_top_namespaces, lab, &out),
                        "No pod of namespace nobody has a GPU.\n");
    text = shown(plimsoll_view_top, lab, &out);
    assert_string_equal(strstr(text, "reserve\n"),
                        "reserve\nNo pod of namespace nobody has a GPU.\n");
}

static void an_empty_cluster_says_so(void **state)
{
    struct lab *lab = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    lab->cluster.node_count = 0;
    assert_string_equal(shown(plimsoll_view_top, lab, &out), "No node with a GPU is known.\n");
    assert_string_equal(shown(plimsoll_view_top_namespaces, lab, &out), "No pod has a GPU.\n");
}

static void what_a_node_says_of_itself_does_not_steer_the_terminal(void **state)
{
    struct lab *lab = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    snprintf(lab->home.cards[0].product, sizeof lab->home.cards[0].product, "\033[2Jevil\n");
    snprintf(lab->dgx.cards[3].health, sizeof lab->dgx.cards[3].health, "\033]0;x\a");
    char unusable[] = "bad \033[31m value";
    lab->attic.node.unusable = unusable;
    const char *text = shown(plimsoll_view_top, lab, &out);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\a'));
    assert_non_null(strstr(text, "?[2Jevil?"));
    assert_non_null(strstr(text, "no new GPU pods: bad ?[31m value"));
}

static void a_card_over_its_line_says_by_how_much(void **state)
{
    struct lab *lab = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    lab->loads[2]->cards[0].booked = 25 * 1024 * MIB;
    lab->loads[2]->cards[0].free = 0;
    const char *text = shown(plimsoll_view_top, lab, &out);
    assert_non_null(strstr(text, "over its line"));
    assert_non_null(strstr(text, "1 unhealthy, 1 over its line, 1 stale report\n"));
}

static void the_object_says_the_same(void **state)
{
    struct lab *lab = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    plimsoll_autotext yaml = plimsoll_text_make(GOLDEN_BYTES_MAX);
    struct plimsoll_error err = {0};
    plimsoll_view_top_json(&lab->cluster, &out);
    golden_compare("top.json", &out);
    assert_int_equal(plimsoll_view_yaml(plimsoll_text_span(&out), &yaml, &err), 0);
    golden_compare("top.yaml", &yaml);
}

static void the_object_is_json_whatever_a_node_says(void **state)
{
    struct lab *lab = *state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    struct plimsoll_error err = {0};
    snprintf(lab->home.cards[0].product, sizeof lab->home.cards[0].product, "\xff\"\\\n");
    plimsoll_view_top_json(&lab->cluster, &out);
    assert_int_equal(plimsoll_json_parse(plimsoll_text_span(&out), &document, &err), 0);
}

static int set_up(void **state)
{
    *state = lab_make();
    return 0;
}

static int tear_down(void **state)
{
    lab_free(*state);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(cards_look_as_somebody_has_seen_them),
        TEST(namespaces_look_as_somebody_has_seen_them),
        TEST(no_line_is_wider_than_the_terminal),
        TEST(one_namespace_shows_its_cards_only),
        TEST(an_empty_cluster_says_so),
        TEST(what_a_node_says_of_itself_does_not_steer_the_terminal),
        TEST(a_card_over_its_line_says_by_how_much),
        TEST(the_object_says_the_same),
        TEST(the_object_is_json_whatever_a_node_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
