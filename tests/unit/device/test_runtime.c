/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <plimsoll/runtime.h>

#define KEY "accept-nvidia-visible-devices-envvar-when-unprivileged"

static void only_an_agent_without_privileges_that_sees_cards_by_its_variable_proves_it(void **state)
{
    (void)state;
    static const struct {
        struct plimsoll_runtime_seen seen;
        enum plimsoll_trilean proves;
    } cases[] = {
        {{.visible_devices = "all", .cards = true}, PLIMSOLL_YES},
        {{.visible_devices = "GPU-1,GPU-2", .cards = true}, PLIMSOLL_YES},
        {{.visible_devices = "void", .cards = true}, PLIMSOLL_YES}, /* CDI has taken it */
        {{.visible_devices = "all"}, PLIMSOLL_UNKNOWN},
        {{.visible_devices = "none", .cards = true}, PLIMSOLL_UNKNOWN},
        {{.visible_devices = "", .cards = true}, PLIMSOLL_UNKNOWN},
        {{.visible_devices = NULL, .cards = true}, PLIMSOLL_UNKNOWN},
        {{.visible_devices = "all", .cards = true, .privileged = true}, PLIMSOLL_UNKNOWN},
        {{.visible_devices = "all", .cards = true, .mounts = true}, PLIMSOLL_UNKNOWN},
        {{.visible_devices = "/var/run/nvidia-container-devices", .cards = true}, PLIMSOLL_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (plimsoll_runtime_proves(&cases[i].seen) != cases[i].proves) {
            fail_msg("case %zu", i);
        }
    }
}

static void the_toolkits_word_is_read_as_it_would_read_it(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        enum plimsoll_trilean says;
    } cases[] = {
        {"", PLIMSOLL_YES},
        {"#" KEY " = false\n", PLIMSOLL_YES}, /* as packages install it */
        {KEY " = true\n", PLIMSOLL_YES},
        {KEY " = false\n", PLIMSOLL_NO},
        {"disable-require = false\n  " KEY "=false # we mean it\r\n[nvidia-container-cli]\n",
         PLIMSOLL_NO},
        {KEY " = false", PLIMSOLL_NO},
        {"[features]\n" KEY " = false\n", PLIMSOLL_YES}, /* another key of that name */
        {"not-" KEY " = false\n" KEY "-not = false\n", PLIMSOLL_YES},
        {KEY " = \"false\"\n", PLIMSOLL_UNKNOWN},
        {KEY " = \n", PLIMSOLL_UNKNOWN},
        {KEY " =", PLIMSOLL_UNKNOWN},
        {KEY "\n=\n==\n\n", PLIMSOLL_UNKNOWN},
        {"=\n==\n\n", PLIMSOLL_YES},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (plimsoll_runtime_toolkit(plimsoll_span_of(cases[i].config)) != cases[i].says) {
            fail_msg("%s", cases[i].config);
        }
    }
}

static void configurations_that_differ_say_nothing(void **state)
{
    (void)state;
    static const char package[] = "etc/nvidia-container-runtime/config.toml";
    static const char operator_own[] =
        "usr/local/nvidia/toolkit/.config/nvidia-container-runtime/config.toml";
    struct tree tree = tree_make();
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_UNKNOWN);
    tree_write(&tree, package, KEY " = false\n");
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_NO);
    tree_write(&tree, operator_own, KEY " = true\n");
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_UNKNOWN);
    tree_write(&tree, operator_own, KEY " = false\n");
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_NO);
    tree_drop(&tree, package);
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_NO);
    tree_remove(&tree);
}

static void a_configuration_over_the_ceiling_is_not_read(void **state)
{
    (void)state;
    static const char path[] = "etc/nvidia-container-runtime/config.toml";
    struct tree tree = tree_make();
    plimsoll_autotext text = plimsoll_text_make(2 * PLIMSOLL_TOOLKIT_BYTES_MAX);
    plimsoll_text_add_string(&text, KEY " = false\n");
    while (text.size < PLIMSOLL_TOOLKIT_BYTES_MAX) {
        plimsoll_text_add_char(&text, '\n');
    }
    tree_write_bytes(&tree, path, text.data, text.size);
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_NO);
    tree_write_bytes(&tree, path, text.data, text.size - 1);
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_NO);
    plimsoll_text_add_char(&text, '\n');
    tree_write_bytes(&tree, path, text.data, text.size);
    assert_int_equal(plimsoll_runtime_configured(tree.root), PLIMSOLL_UNKNOWN);
    tree_remove(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            only_an_agent_without_privileges_that_sees_cards_by_its_variable_proves_it),
        cmocka_unit_test(the_toolkits_word_is_read_as_it_would_read_it),
        cmocka_unit_test(configurations_that_differ_say_nothing),
        cmocka_unit_test(a_configuration_over_the_ceiling_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
