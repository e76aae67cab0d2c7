/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "picture.h"
#include "terminal.h"

#include <plimsoll/answers.h>
#include <plimsoll/clock.h>
#include <plimsoll/json.h>

/* A line for each of 5000 nodes, or an object. */
#define ANSWER_BYTES_MAX (64u * 1024 * 1024)

/* -- the pod -------------------------------------------------------------------------------------
 */

/* What --vram and --gpus describe, as somebody would write it. */
static void write_pod(const struct plimsoll_plugin_options *options, struct plimsoll_text *out)
{
    const char *resource = options->resource != NULL ? options->resource : "nvidia.com/gpu";
    uint32_t gpus = options->gpus > 0 ? options->gpus : 1;
    plimsoll_text_add_string(out,
                             "{\"metadata\":{\"name\":\"\",\"namespace\":\"\",\"annotations\":{"
                             "\"plimsoll.dev/vram\":");
    plimsoll_text_add_json(out, plimsoll_span_of(options->vram));
    if (strcmp(resource, "none") == 0) {
        plimsoll_text_add_format(out, ",\"plimsoll.dev/gpus\":\"%u\"", gpus);
    }
    plimsoll_text_add_string(out, "}},\"spec\":{\"containers\":[{\"name\":\"main\"");
    if (strcmp(resource, "none") != 0) {
        plimsoll_text_add_string(out, ",\"resources\":{\"limits\":{");
        plimsoll_text_add_json(out, plimsoll_span_of(resource));
        plimsoll_text_add_format(out, ":\"%u\"}}", gpus);
    }
    plimsoll_text_add_string(out, "}]}}");
}

/* The pod itself, or the template of what makes pods. */
static struct plimsoll_json find_template(struct plimsoll_json root)
{
    struct plimsoll_json spec = plimsoll_json_get(root, "spec");
    struct plimsoll_json job = plimsoll_json_get(spec, "jobTemplate");
    if (plimsoll_json_type(job) == PLIMSOLL_JSON_OBJECT) {
        spec = plimsoll_json_get(job, "spec");
    }
    struct plimsoll_json template = plimsoll_json_get(spec, "template");
    return plimsoll_json_type(template) == PLIMSOLL_JSON_OBJECT ? template : root;
}

/* kubectl reads YAML and knows the kinds; with --dry-run nothing is written. A template has no
 * name, which a pod must have: it gets that of its object. */
static int read_file(const struct plimsoll_plugin_options *options, struct plimsoll_text *out,
                     struct plimsoll_error *err)
{
    plimsoll_autotext body = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    const char *const arguments[] = {"create", "--dry-run=client", "-o", "json",
                                     "-f",     options->file,      NULL};
    if (plimsoll_kubectl_read(&options->kubectl, arguments, &body, err) < 0) {
        return -1;
    }
    if (plimsoll_json_parse(plimsoll_text_span(&body), &document, err) < 0) {
        return plimsoll_error_wrap(err, "%s: not one object", options->file);
    }
    struct plimsoll_json root = plimsoll_json_root(document), template = find_template(root);
    struct plimsoll_json name = plimsoll_json_get(plimsoll_json_get(root, "metadata"), "name");
    struct plimsoll_json metadata = plimsoll_json_get(template, "metadata");
    struct plimsoll_json spec = plimsoll_json_get(template, "spec");
    struct plimsoll_json annotations = plimsoll_json_get(metadata, "annotations");
    if (plimsoll_json_type(plimsoll_json_get(spec, "containers")) != PLIMSOLL_JSON_ARRAY) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: no pod, and nothing that has a pod's template",
                                  options->file);
    }
    plimsoll_text_add_format(out, "{\"metadata\":{\"namespace\":\"\",\"name\":\"%.*s\"",
                             PLIMSOLL_SPAN_ARG(plimsoll_json_raw(name)));
    if (plimsoll_json_type(annotations) == PLIMSOLL_JSON_OBJECT) {
        plimsoll_text_add_string(out, ",\"annotations\":");
        plimsoll_text_add_span(out, plimsoll_json_raw(annotations));
    }
    plimsoll_text_add_string(out, "},\"spec\":");
    plimsoll_text_add_span(out, plimsoll_json_raw(spec));
    plimsoll_text_add_char(out, '}');
    return 0;
}

static int make_pod(const struct plimsoll_plugin_options *options,
                    const struct plimsoll_settings *settings, struct plimsoll_pod *pod,
                    struct plimsoll_error *err)
{
    plimsoll_autotext object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    if (options->file == NULL) {
        write_pod(options, &object);
    } else if (read_file(options, &object, err) < 0) {
        return -1;
    }
    return plimsoll_pod_read(plimsoll_text_span(&object), &settings->config->reading.resources, pod,
                             err);
}

/* What the webhook would add to the pod decides where its card comes from. */
static void mutate(struct plimsoll_pod *pod, const struct plimsoll_facts *facts)
{
    enum plimsoll_vendor vendor = pod->demand.vendor;
    bool pinned = facts->multi_card[vendor] > 0 && facts->unpinned[vendor] == 0;
    if (vendor == PLIMSOLL_VENDOR_NVIDIA && !pod->demand.mig && (!pod->demand.plugin || pinned)) {
        pod->demand.env_ours = true;
    }
}

/* -- the answer ----------------------------------------------------------------------------------
 */

static bool fit(const struct plimsoll_plugin_options *options,
                const struct plimsoll_settings *settings, const struct plimsoll_pod *pod,
                struct plimsoll_cluster *picture, struct plimsoll_text *answer)
{
    struct plimsoll_view_options look = plimsoll_terminal_look(options);
    struct plimsoll_view_cluster cluster = {.now_unix_ms = plimsoll_clock_unix_ms(),
                                            .note = plimsoll_settings_note(settings)};
    plimsoll_cluster_read_begin(picture);
    plimsoll_autofree struct plimsoll_extender_node *nodes =
        plimsoll_picture_nodes(picture, true, &cluster.node_count);
    cluster.nodes = nodes;
    const struct plimsoll_view_question question = {
        .pod = pod, .cluster = &cluster, .settings = &settings->config->placement};
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&question);
    bool fits = plimsoll_view_explanation_standing(explanation) == PLIMSOLL_STANDING_FITS;
    if (plimsoll_terminal_wants_json(options)) {
        plimsoll_view_explanation_json(explanation, answer);
    } else {
        plimsoll_view_explanation_table(explanation, &look, answer);
    }
    plimsoll_view_explanation_free(&explanation);
    plimsoll_cluster_read_end(picture);
    return fits;
}

static int ask(const struct plimsoll_plugin_options *options,
               const struct plimsoll_settings *settings, struct plimsoll_pod *pod, bool *fits,
               struct plimsoll_error *err)
{
    struct plimsoll_cluster *picture = NULL;
    if (plimsoll_picture_load(&options->kubectl, settings, &picture, err) < 0) {
        return -1;
    }
    struct plimsoll_facts facts = plimsoll_cluster_facts(picture);
    plimsoll_autotext answer = plimsoll_text_make(ANSWER_BYTES_MAX);
    mutate(pod, &facts);
    *fits = fit(options, settings, pod, picture, &answer);
    plimsoll_cluster_free(&picture);
    return plimsoll_terminal_print(options, &answer, err);
}

int plimsoll_command_fit(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    struct plimsoll_settings settings;
    struct plimsoll_pod pod;
    bool fits = false;
    if (plimsoll_settings_load(&options->kubectl, &settings, &err) < 0) {
        return plimsoll_terminal_fail("fit", &err);
    }
    int result = make_pod(options, &settings, &pod, &err);
    if (result == 0) {
        result = ask(options, &settings, &pod, &fits, &err);
        plimsoll_pod_clear(&pod);
    }
    plimsoll_settings_clear(&settings);
    if (result < 0) {
        return plimsoll_terminal_fail("fit", &err);
    }
    return fits ? PLIMSOLL_EXIT_YES : PLIMSOLL_EXIT_NO;
}
