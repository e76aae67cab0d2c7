/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "picture.h"
#include "subject.h"
#include "terminal.h"

#include <plimsoll/clock.h>

/* A line for each of 5000 nodes, or an object. */
#define ANSWER_BYTES_MAX (64u * 1024 * 1024)

static bool is_listed(const char *const *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The schedulers that the webhook sends pods to. @param list  PLIMSOLL_PROFILES_MAX */
static size_t list_schedulers(const struct plimsoll_config *config, const char **list)
{
    size_t count = 0;
    for (size_t i = 0; i < config->profile_count && count < PLIMSOLL_PROFILES_MAX; i++) {
        const char *name = config->profiles[i].scheduler_name;
        if (name != NULL && name[0] != '\0' && !is_listed(list, count, name)) {
            list[count++] = name;
        }
    }
    return count;
}

static enum plimsoll_view_standing explain(const struct plimsoll_plugin_options *options,
                                           const struct plimsoll_settings *settings,
                                           const struct plimsoll_subject *subject,
                                           struct plimsoll_cluster *picture,
                                           struct plimsoll_text *answer)
{
    const char *schedulers[PLIMSOLL_PROFILES_MAX];
    struct plimsoll_view_options look = plimsoll_terminal_look(options);
    struct plimsoll_view_cluster cluster = {.now_unix_ms = plimsoll_clock_unix_ms(),
                                            .note = plimsoll_settings_note(settings)};
    plimsoll_cluster_read_begin(picture);
    plimsoll_autofree struct plimsoll_extender_node *nodes =
        plimsoll_picture_nodes(picture, true, &cluster.node_count);
    cluster.nodes = nodes;
    struct plimsoll_view_question question = {.pod = &subject->pod,
                                              .scheduling = &subject->scheduling,
                                              .cluster = &cluster,
                                              .settings = &settings->config->placement,
                                              .schedulers = schedulers,
                                              .scheduler_count =
                                                  list_schedulers(settings->config, schedulers)};
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&question);
    enum plimsoll_view_standing standing = plimsoll_view_explanation_standing(explanation);
    if (plimsoll_terminal_wants_json(options)) {
        plimsoll_view_explanation_json(explanation, answer);
    } else {
        plimsoll_view_explanation_table(explanation, &look, answer);
    }
    plimsoll_view_explanation_free(&explanation);
    plimsoll_cluster_read_end(picture);
    return standing;
}

static int show(const struct plimsoll_plugin_options *options,
                enum plimsoll_view_standing *standing, struct plimsoll_error *err)
{
    struct plimsoll_settings settings;
    struct plimsoll_subject subject = {0};
    struct plimsoll_cluster *picture = NULL;
    if (plimsoll_settings_load(&options->kubectl, &settings, err) < 0) {
        return -1;
    }
    int result = plimsoll_subject_load(&options->kubectl, options->argument, options->namespace_,
                                       &settings.config->reading.resources, &subject, err);
    if (result == 0) {
        result = plimsoll_picture_load(&options->kubectl, &settings, &picture, err);
    }
    if (result == 0) {
        plimsoll_autotext answer = plimsoll_text_make(ANSWER_BYTES_MAX);
        *standing = explain(options, &settings, &subject, picture, &answer);
        result = plimsoll_terminal_print(options, &answer, err);
    }
    plimsoll_cluster_free(&picture);
    plimsoll_subject_clear(&subject);
    plimsoll_settings_clear(&settings);
    return result;
}

int plimsoll_command_explain(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    enum plimsoll_view_standing standing = PLIMSOLL_STANDING_WAITS;
    int result = show(options, &standing, &err);
    while (result == 0 && options->watch) {
        plimsoll_terminal_wait();
        result = show(options, &standing, &err);
    }
    if (result < 0) {
        return plimsoll_terminal_fail("explain", &err);
    }
    bool yes = standing == PLIMSOLL_STANDING_BOUND || standing == PLIMSOLL_STANDING_FINISHED ||
               standing == PLIMSOLL_STANDING_NO_GPU;
    return yes ? PLIMSOLL_EXIT_YES : PLIMSOLL_EXIT_NO;
}
