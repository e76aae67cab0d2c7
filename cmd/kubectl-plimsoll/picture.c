/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <plimsoll/clock.h>
#include <plimsoll/feed.h>
#include <plimsoll/json.h>
#include <plimsoll/json_stream.h>

/* ConfigMaps of a release: a megabyte each, and there are two. */
#define CONFIG_MAPS_BYTES_MAX (8u * 1024 * 1024)
/* Objects of one request; each costs one run of kubectl. */
#define PAGE_OBJECTS 2000u
#define PATH_SIZE    (32u * 1024) /* with the token of the next page */

/* -- settings ------------------------------------------------------------------------------------
 */

/* The first ConfigMap that holds a server's settings; missing when none does. */
static struct plimsoll_json find_settings(struct plimsoll_json list)
{
    struct plimsoll_json item = plimsoll_json_first(plimsoll_json_get(list, "items"));
    for (; plimsoll_json_type(item) != PLIMSOLL_JSON_MISSING; item = plimsoll_json_next(item)) {
        struct plimsoll_json data = plimsoll_json_get(item, "data");
        if (plimsoll_json_type(plimsoll_json_get(data, "plimsoll.yaml")) == PLIMSOLL_JSON_STRING) {
            break;
        }
    }
    return item;
}

/* `NAMESPACE/NAME` */
static void name_of(struct plimsoll_json item, struct plimsoll_text *name)
{
    struct plimsoll_json metadata = plimsoll_json_get(item, "metadata");
    plimsoll_json_string(plimsoll_json_get(metadata, "namespace"), name);
    plimsoll_text_add_char(name, '/');
    plimsoll_json_string(plimsoll_json_get(metadata, "name"), name);
}

static void use_built_in(struct plimsoll_settings *settings, const char *why)
{
    struct plimsoll_error said = {0};
    plimsoll_error_set(&said, PLIMSOLL_ERR_NONE, "With the built-in settings: %s.", why);
    settings->built_in = true;
    settings->config = plimsoll_config_default();
    memcpy(settings->from, said.message, sizeof settings->from);
}

static void use_config_map(struct plimsoll_json item, struct plimsoll_settings *settings)
{
    struct plimsoll_json data = plimsoll_json_get(item, "data");
    plimsoll_autotext name = plimsoll_text_make(2 * PLIMSOLL_NAME_BYTES_MAX + 2);
    plimsoll_autotext yaml = plimsoll_text_make(PLIMSOLL_CONFIG_BYTES_MAX);
    struct plimsoll_error err = {0};
    name_of(item, &name);
    plimsoll_json_string(plimsoll_json_get(data, "plimsoll.yaml"), &yaml);
    settings->installed = true;
    if (plimsoll_config_parse(plimsoll_text_span(&yaml), "plimsoll.yaml", &settings->config, &err) <
        0) {
        plimsoll_error_wrap(&err, "ConfigMap %s", name.data);
        use_built_in(settings, err.message);
        return;
    }
    snprintf(settings->from, sizeof settings->from, "ConfigMap %s", name.data);
}

int plimsoll_settings_load(const struct plimsoll_kubectl *kubectl,
                           struct plimsoll_settings *settings, struct plimsoll_error *err)
{
    static const char path[] =
        "/api/v1/configmaps?labelSelector=app.kubernetes.io%2Fpart-of%3Dplimsoll";
    plimsoll_autotext body = plimsoll_text_make(CONFIG_MAPS_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    struct plimsoll_error why = {0};
    struct plimsoll_settings read = {0};
    if (plimsoll_kubectl_get(kubectl, path, &body, &why) < 0) {
        if (why.kind != PLIMSOLL_ERR_DENIED) {
            *err = why;
            return -1;
        }
        use_built_in(&read, why.message);
    } else if (plimsoll_json_parse(plimsoll_text_span(&body), &document, &why) < 0) {
        plimsoll_error_wrap(&why, "the list of ConfigMaps");
        use_built_in(&read, why.message);
    } else {
        struct plimsoll_json item = find_settings(plimsoll_json_root(document));
        if (plimsoll_json_type(item) == PLIMSOLL_JSON_MISSING) {
            use_built_in(&read, "no ConfigMap of a release of Plimsoll is there");
        } else {
            use_config_map(item, &read);
        }
    }
    *settings = read;
    return 0;
}

const char *plimsoll_settings_note(const struct plimsoll_settings *settings)
{
    return settings->built_in ? settings->from : NULL;
}

void plimsoll_settings_clear(struct plimsoll_settings *settings)
{
    plimsoll_config_free(&settings->config);
}

/* -- the picture ---------------------------------------------------------------------------------
 */

/* A page on its way: into the picture, and object by object into a simulation. */
struct page {
    struct plimsoll_feed *feed;
    struct plimsoll_simulation *simulation; /* NULL: none */
    struct plimsoll_json_stream *objects;   /* of the simulation */
    enum plimsoll_kind kind;
};

static int take_object(void *context, struct plimsoll_span object, struct plimsoll_error *err)
{
    const struct page *page = context;
    return plimsoll_simulation_add(page->simulation, page->kind, object, err);
}

static int take_bytes(void *context, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    const struct page *page = context;
    if (page->objects != NULL && plimsoll_json_stream_feed(page->objects, bytes, err) < 0) {
        return -1;
    }
    return plimsoll_feed_bytes(page->feed, bytes, err);
}

/* One page: a run of kubectl whose output goes straight into the picture. */
static int read_page(const struct plimsoll_kubectl *kubectl, const char *resource,
                     struct page *page, struct plimsoll_error *err)
{
    static const char *const items[] = {"items"};
    struct plimsoll_json_stream_handler handler = {.context = page, .element = take_object};
    plimsoll_autotext path = plimsoll_text_make(PATH_SIZE);
    plimsoll_text_add_format(&path, "/api/v1/%slimit=%u", resource, PAGE_OBJECTS);
    if (plimsoll_feed_continue(page->feed)[0] != '\0') {
        plimsoll_text_add_format(&path, "&continue=%s", plimsoll_feed_continue(page->feed));
    }
    if (page->simulation != NULL) {
        page->objects = plimsoll_json_stream_new(items, 1, &handler, PLIMSOLL_OBJECT_BYTES_MAX);
    }
    const char *const arguments[] = {"get", "--raw", path.data, NULL};
    int result = plimsoll_kubectl_run(kubectl, arguments, take_bytes, page, err);
    if (page->objects != NULL) {
        plimsoll_json_stream_free(&page->objects);
    }
    return result < 0 ? -1 : plimsoll_feed_finish(page->feed, err);
}

static int read_list(const struct plimsoll_kubectl *kubectl, struct plimsoll_cluster *picture,
                     struct plimsoll_simulation *simulation, enum plimsoll_kind kind,
                     struct plimsoll_error *err)
{
    /* Finished pods hold nothing. */
    const char *resource =
        kind == PLIMSOLL_KIND_NODES
            ? "nodes?"
            : "pods?fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed&";
    struct page page = {
        .feed = plimsoll_feed_list(picture, kind), .simulation = simulation, .kind = kind};
    int result = 0;
    do {
        result = read_page(kubectl, resource, &page, err);
    } while (result == 0 && plimsoll_feed_continue(page.feed)[0] != '\0');
    plimsoll_feed_free(&page.feed);
    if (result < 0) {
        return plimsoll_error_wrap(err, "%s", kind == PLIMSOLL_KIND_NODES ? "nodes" : "pods");
    }
    return 0;
}

int plimsoll_picture_load_both(const struct plimsoll_kubectl *kubectl,
                               const struct plimsoll_settings *settings,
                               struct plimsoll_simulation *simulation,
                               struct plimsoll_cluster **picture, struct plimsoll_error *err)
{
    const struct plimsoll_config *config = settings->config;
    struct plimsoll_cluster *loaded = plimsoll_cluster_new(&(struct plimsoll_cluster_options){
        .reading = &config->reading,
        .settings = &config->placement,
        .max_report_age_ms = config->max_report_age_ms,
    });
    plimsoll_cluster_tick(loaded, plimsoll_clock_unix_ms());
    plimsoll_cluster_skip(loaded, PLIMSOLL_KIND_RUNTIME_CLASSES);
    if (read_list(kubectl, loaded, simulation, PLIMSOLL_KIND_NODES, err) < 0 ||
        read_list(kubectl, loaded, simulation, PLIMSOLL_KIND_PODS, err) < 0) {
        plimsoll_cluster_free(&loaded);
        return -1;
    }
    *picture = loaded;
    return 0;
}

int plimsoll_picture_load(const struct plimsoll_kubectl *kubectl,
                          const struct plimsoll_settings *settings,
                          struct plimsoll_cluster **picture, struct plimsoll_error *err)
{
    return plimsoll_picture_load_both(kubectl, settings, NULL, picture, err);
}

struct plimsoll_extender_node *plimsoll_picture_nodes(struct plimsoll_cluster *picture,
                                                      bool without_cards, size_t *count)
{
    size_t known = plimsoll_cluster_node_count(picture);
    struct plimsoll_extender_node *nodes = plimsoll_alloc(known + 1, sizeof *nodes);
    *count = 0;
    for (size_t i = 0; i < known; i++) {
        struct plimsoll_extender_node *node = &nodes[*count];
        if (plimsoll_cluster_node_at(picture, i, node) &&
            (without_cards || node->view.node->card_count > 0)) {
            (*count)++;
        }
    }
    return nodes;
}
