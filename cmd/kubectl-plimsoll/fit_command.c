/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "picture.h"
#include "terminal.h"

#include <plimsoll/answers.h>
#include <plimsoll/clock.h>
#include <plimsoll/json.h>

/* A line for each of 5000 nodes, or an object. */
#define ANSWER_BYTES_MAX (64u * 1024 * 1024)

/* Pods that are put beside each other; a thousand say "enough". */
#define PODS_MAX 1000u

/* The question, and what it comes to. */
struct wish {
    const struct plimsoll_plugin_options *options;
    struct plimsoll_settings settings;
    struct plimsoll_text object; /* the pod as somebody would create it */
    struct plimsoll_pod pod;
    char *landed[PODS_MAX]; /* owned: the node of each that landed */
    size_t landed_count;
};

/* -- the pod -------------------------------------------------------------------------------------
 */

/* What --vram and --gpus describe, as somebody would write it. */
static void write_pod(const struct plimsoll_plugin_options *options, struct plimsoll_text *out)
{
    const char *resource = options->resource != NULL ? options->resource : "nvidia.com/gpu";
    uint32_t gpus = options->gpus > 0 ? options->gpus : 1;
    plimsoll_text_add_string(out, "\"annotations\":{\"plimsoll.dev/vram\":");
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

static void add_head(const char *home, struct plimsoll_span name, struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{"
                                  "\"namespace\":");
    plimsoll_text_add_json(out, plimsoll_span_of(home));
    plimsoll_text_add_format(out, ",\"name\":\"%.*s\",", PLIMSOLL_SPAN_ARG(name));
}

static void add_member(struct plimsoll_json metadata, const char *key, struct plimsoll_text *out)
{
    struct plimsoll_json value = plimsoll_json_get(metadata, key);
    bool there = plimsoll_json_type(value) == PLIMSOLL_JSON_OBJECT;
    plimsoll_text_add_format(out, "\"%s\":", key);
    plimsoll_text_add_span(out, there ? plimsoll_json_raw(value) : plimsoll_span_of("{}"));
}

/* kubectl reads YAML and knows the kinds; with --dry-run nothing is written. A template has no
 * name: its pod gets that of its object. */
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
    struct plimsoll_json outer = plimsoll_json_get(root, "metadata");
    struct plimsoll_json metadata = plimsoll_json_get(template, "metadata");
    struct plimsoll_json spec = plimsoll_json_get(template, "spec");
    if (plimsoll_json_type(plimsoll_json_get(spec, "containers")) != PLIMSOLL_JSON_ARRAY) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: no pod, and nothing that has a pod's template",
                                  options->file);
    }
    plimsoll_autofree char *home = plimsoll_json_dup(plimsoll_json_get(outer, "namespace"));
    const char *usual = home != NULL ? home : "default";
    add_head(options->namespace_ != NULL ? options->namespace_ : usual,
             plimsoll_json_raw(plimsoll_json_get(outer, "name")), out);
    add_member(metadata, "labels", out);
    plimsoll_text_add_char(out, ',');
    add_member(metadata, "annotations", out);
    plimsoll_text_add_string(out, "},\"spec\":");
    plimsoll_text_add_span(out, plimsoll_json_raw(spec));
    plimsoll_text_add_char(out, '}');
    return 0;
}

static int make_pod(struct wish *wish, struct plimsoll_error *err)
{
    const struct plimsoll_plugin_options *options = wish->options;
    if (options->file == NULL) {
        add_head(options->namespace_ != NULL ? options->namespace_ : "default",
                 plimsoll_span_of("such-a-pod"), &wish->object);
        write_pod(options, &wish->object);
    } else if (read_file(options, &wish->object, err) < 0) {
        return -1;
    }
    if (plimsoll_pod_read(plimsoll_text_span(&wish->object),
                          &wish->settings.config->reading.resources, &wish->pod, err) < 0) {
        return -1;
    }
    if (options->file == NULL) {
        wish->pod.name = ""; /* nobody has named it */
    }
    return 0;
}

/* -- trying --------------------------------------------------------------------------------------
 */

/* What the first one was after admission is what is judged; what admission denies is refused. */
static void keep_admitted(struct wish *wish, struct plimsoll_landing *landing)
{
    if (landing->landed != PLIMSOLL_LANDED_DENIED) {
        wish->pod.demand = landing->demand;
    } else if (wish->pod.refusal == NULL) {
        wish->pod.refusal = PLIMSOLL_TAKE(landing->why);
    }
}

/* One after the other, until one lands nowhere. */
static int fill(struct wish *wish, struct plimsoll_simulation *simulation,
                struct plimsoll_error *err)
{
    bool lands = true;
    plimsoll_simulation_begin(simulation);
    for (bool first = true; lands && wish->landed_count < PODS_MAX; first = false) {
        struct plimsoll_landing landing;
        if (plimsoll_simulation_place(simulation, plimsoll_text_span(&wish->object), &landing,
                                      err) < 0) {
            return -1;
        }
        if (first) {
            keep_admitted(wish, &landing);
        }
        lands = landing.landed == PLIMSOLL_LANDED;
        if (lands) {
            wish->landed[wish->landed_count++] = PLIMSOLL_TAKE(landing.node);
        }
        plimsoll_landing_clear(&landing);
    }
    return 0;
}

/* -- the answer ----------------------------------------------------------------------------------
 */

static int compare_name(const void *name, const void *node)
{
    return strcmp(name, ((const struct plimsoll_extender_node *)node)->view.node->name);
}

/* By node, which come in order of name. Owned by the caller. */
static size_t *count_landed(const struct wish *wish, const struct plimsoll_view_cluster *cluster)
{
    size_t *like = plimsoll_alloc(cluster->node_count + 1, sizeof *like);
    for (size_t i = 0; i < wish->landed_count; i++) {
        const struct plimsoll_extender_node *node =
            bsearch(wish->landed[i], cluster->nodes, cluster->node_count, sizeof *cluster->nodes,
                    compare_name);
        if (node != NULL) {
            like[node - cluster->nodes]++;
        }
    }
    return like;
}

static bool answer(struct wish *wish, struct plimsoll_cluster *picture, struct plimsoll_text *out)
{
    struct plimsoll_view_options look = plimsoll_terminal_look(wish->options);
    struct plimsoll_view_cluster cluster = {.now_unix_ms = plimsoll_clock_unix_ms(),
                                            .note = plimsoll_settings_note(&wish->settings)};
    plimsoll_cluster_read_begin(picture);
    plimsoll_autofree struct plimsoll_extender_node *nodes =
        plimsoll_picture_nodes(picture, true, &cluster.node_count);
    cluster.nodes = nodes;
    plimsoll_autofree size_t *like = count_landed(wish, &cluster);
    const struct plimsoll_view_question question = {.pod = &wish->pod,
                                                    .cluster = &cluster,
                                                    .settings = &wish->settings.config->placement,
                                                    .like = like,
                                                    .like_capped = wish->landed_count == PODS_MAX};
    struct plimsoll_view_explanation *explanation = plimsoll_view_explain(&question);
    bool fits = plimsoll_view_explanation_standing(explanation) == PLIMSOLL_STANDING_FITS;
    if (plimsoll_terminal_wants_json(wish->options)) {
        plimsoll_view_explanation_json(explanation, out);
    } else {
        plimsoll_view_explanation_table(explanation, &look, out);
    }
    plimsoll_view_explanation_free(&explanation);
    plimsoll_cluster_read_end(picture);
    return fits;
}

static int ask(struct wish *wish, bool *fits, struct plimsoll_error *err)
{
    struct plimsoll_cluster *picture = NULL;
    struct plimsoll_simulation *simulation =
        plimsoll_simulation_new(wish->settings.config, plimsoll_clock_unix_ms());
    int result = plimsoll_picture_load_both(&wish->options->kubectl, &wish->settings, simulation,
                                            &picture, err);
    if (result == 0) {
        result = fill(wish, simulation, err);
    }
    if (result == 0) {
        plimsoll_autotext out = plimsoll_text_make(ANSWER_BYTES_MAX);
        *fits = answer(wish, picture, &out);
        result = plimsoll_terminal_print(wish->options, &out, err);
    }
    plimsoll_cluster_free(&picture);
    plimsoll_simulation_free(&simulation);
    return result;
}

int plimsoll_command_fit(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    plimsoll_autofree struct wish *wish = plimsoll_alloc(1, sizeof *wish);
    bool fits = false;
    wish->options = options;
    wish->object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    int result = plimsoll_settings_load(&options->kubectl, &wish->settings, &err);
    if (result == 0) {
        result = make_pod(wish, &err);
    }
    if (result == 0) {
        result = ask(wish, &fits, &err);
        plimsoll_pod_clear(&wish->pod);
    }
    for (size_t i = 0; i < wish->landed_count; i++) {
        free(wish->landed[i]);
    }
    plimsoll_text_clear(&wish->object);
    plimsoll_settings_clear(&wish->settings);
    if (result < 0) {
        return plimsoll_terminal_fail("fit", &err);
    }
    return fits ? PLIMSOLL_EXIT_YES : PLIMSOLL_EXIT_NO;
}
