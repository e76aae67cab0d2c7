/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "picture.h"
#include "terminal.h"

#include <plimsoll/clock.h>

/* 40 000 cards, and the pods on them. */
#define ANSWER_BYTES_MAX (256u * 1024 * 1024)

static void view(const struct plimsoll_plugin_options *options,
                 const struct plimsoll_settings *settings, struct plimsoll_cluster *picture,
                 struct plimsoll_text *answer)
{
    struct plimsoll_view_options look = plimsoll_terminal_look(options);
    struct plimsoll_view_cluster cluster = {.namespace_ = options->namespace_,
                                            .now_unix_ms = plimsoll_clock_unix_ms(),
                                            .note = plimsoll_settings_note(settings)};
    plimsoll_cluster_read_begin(picture);
    plimsoll_autofree struct plimsoll_extender_node *nodes =
        plimsoll_picture_nodes(picture, false, &cluster.node_count);
    cluster.nodes = nodes;
    if (plimsoll_terminal_wants_json(options)) {
        plimsoll_view_top_json(&cluster, answer);
    } else if (options->by_namespace) {
        plimsoll_view_top_namespaces(&cluster, &look, answer);
    } else {
        plimsoll_view_top(&cluster, &look, answer);
    }
    plimsoll_cluster_read_end(picture);
}

static int show(const struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    struct plimsoll_settings settings;
    struct plimsoll_cluster *picture = NULL;
    if (plimsoll_settings_load(&options->kubectl, &settings, err) < 0) {
        return -1;
    }
    int result = plimsoll_picture_load(&options->kubectl, &settings, &picture, err);
    if (result == 0) {
        plimsoll_autotext answer = plimsoll_text_make(ANSWER_BYTES_MAX);
        view(options, &settings, picture, &answer);
        result = plimsoll_terminal_print(options, &answer, err);
    }
    plimsoll_cluster_free(&picture);
    plimsoll_settings_clear(&settings);
    return result;
}

int plimsoll_command_top(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    int result = show(options, &err);
    while (result == 0 && options->watch) {
        plimsoll_terminal_wait();
        result = show(options, &err);
    }
    return result == 0 ? PLIMSOLL_EXIT_YES : plimsoll_terminal_fail("top", &err);
}
