/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

#include <strings.h>

/* The longest value of a body is NodeNames, each name with quotes and a comma; Pod and nodes have
 * the ceiling of objects besides. */
#define NODE_NAMES_BYTES_MAX ((size_t)PLIMSOLL_NODE_NAMES_MAX * (PLIMSOLL_NAME_BYTES_MAX + 3u) + 2u)

static const char *const path_to_nodes[] = {"Nodes", "items"};

static bool is_key(struct plimsoll_span key, const char *name)
{
    return key.size == strlen(name) && strncasecmp(key.data, name, key.size) == 0;
}

static enum plimsoll_json_type type_of(struct plimsoll_span value)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(value);
    return plimsoll_json_cursor_type(&cursor);
}

static int refuse_large(const char *field, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                              "%s is larger than %u bytes, which no object of the API is", field,
                              PLIMSOLL_OBJECT_BYTES_MAX);
}

/* Copied, because the world is held for a moment only. */
static void look_up_bound(struct plimsoll_extender_call *call)
{
    const struct plimsoll_extender_world *world = call->world;
    const char *node = call->pod.node;
    if (world->hold != NULL) {
        world->hold(world->context);
    }
    if (world->node_of != NULL && call->pod.uid.text[0] != '\0') {
        const char *known = world->node_of(world->context, &call->pod.uid);
        node = known != NULL ? known : node;
    }
    if (node != NULL && strlen(node) < sizeof call->bound) {
        memcpy(call->bound, node, strlen(node) + 1);
    }
    if (world->release != NULL) {
        world->release(world->context);
    }
}

static int take_pod(struct plimsoll_extender_call *call, struct plimsoll_span value,
                    struct plimsoll_error *err)
{
    if (call->pod_seen) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "Pod is there twice, want it once");
    }
    if (value.size > PLIMSOLL_OBJECT_BYTES_MAX) {
        return refuse_large("Pod", err);
    }
    if (type_of(value) != PLIMSOLL_JSON_OBJECT) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "Pod is no object, want the pod that is to be scheduled");
    }
    if (plimsoll_pod_read(value, &call->reading->resources, &call->pod, err) < 0) {
        return plimsoll_error_wrap(err, "Pod");
    }
    call->pod_seen = true;
    if (call->pod.demand.gpu) {
        if (call->world->asked != NULL && call->pod.uid.text[0] != '\0') {
            call->world->asked(call->world->context, &call->pod.uid);
        }
        look_up_bound(call);
    }
    return 0;
}

static int take_form(struct plimsoll_extender_call *call, enum plimsoll_extender_form form,
                     struct plimsoll_error *err)
{
    if (call->form != PLIMSOLL_FORM_NONE && call->form != form) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "Nodes and NodeNames are both given, want one of them");
    }
    call->form = form;
    return 0;
}

static int take_names(struct plimsoll_extender_call *call, struct plimsoll_span value,
                      struct plimsoll_error *err)
{
    if (call->names_seen) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "NodeNames is there twice, want it once");
    }
    call->names_seen = true;
    enum plimsoll_json_type type = type_of(value);
    if (type == PLIMSOLL_JSON_NULL) {
        return 0;
    }
    if (type != PLIMSOLL_JSON_ARRAY) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "NodeNames is no array, want the names of nodes or null");
    }
    if (take_form(call, PLIMSOLL_FORM_NAMES, err) < 0) {
        return -1;
    }
    struct plimsoll_text array;
    if (!plimsoll_json_stream_take(call->stream, &array)) {
        array = plimsoll_text_make(value.size);
        plimsoll_text_add_span(&array, value);
    }
    return plimsoll_names_read(&call->names, &array, err);
}

/* A member beside the way to Nodes.items. */
static int on_member(void *context, unsigned depth, struct plimsoll_span key,
                     struct plimsoll_span value, struct plimsoll_error *err)
{
    struct plimsoll_extender_call *call = context;
    if (depth == 0 && is_key(key, "Pod")) {
        return take_pod(call, value, err);
    }
    if (depth == 0 && is_key(key, "NodeNames")) {
        return take_names(call, value, err);
    }
    bool nodes = depth == 0 && is_key(key, "Nodes");
    bool items = depth == 1 && is_key(key, "items");
    if ((nodes || items) && type_of(value) != PLIMSOLL_JSON_NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s, or null",
                                  nodes ? "Nodes is no object, want a NodeList"
                                        : "Nodes.items is no array, want nodes");
    }
    return depth == 1 ? take_form(call, PLIMSOLL_FORM_NODES, err) : 0;
}

/* Enters an object and stops at the value of `name`. */
static bool find_member(struct plimsoll_json_cursor *cursor, const char *name)
{
    struct plimsoll_span key;
    if (plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_member(cursor, &key)) {
            if (plimsoll_span_is(key, name)) {
                return true;
            }
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    return false;
}

/* metadata.name as it stands there. */
static bool find_name(struct plimsoll_json_cursor *cursor, struct plimsoll_span *name)
{
    return find_member(cursor, "metadata") && find_member(cursor, "name") &&
           plimsoll_json_cursor_string(cursor, name);
}

/* The name alone, where nothing else of the node matters. */
static int take_name(struct plimsoll_extender_call *call, struct plimsoll_span value,
                     struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(value);
    struct plimsoll_span name;
    if (find_name(&cursor, &name)) {
        return plimsoll_names_add(&call->names, name, err);
    }
    if (cursor.failed) {
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "Nodes.items[%zu]", call->names.count);
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "Nodes.items[%zu] has no metadata.name, want a node",
                              call->names.count);
}

static int judge_node(struct plimsoll_extender_call *call, const struct plimsoll_node *node,
                      struct plimsoll_error *err)
{
    size_t index = call->names.count;
    int taken = plimsoll_names_add(&call->names, plimsoll_span_of(node->name), err);
    if (taken == 0) {
        /* No pods, but what the node's own report says of them. */
        const struct plimsoll_extender_node known = {.view = {.node = node}};
        plimsoll_call_judge(call, index, &known);
    }
    return taken;
}

/* Reads the node, decides and forgets it. */
static int read_and_judge(struct plimsoll_extender_call *call, struct plimsoll_span value,
                          struct plimsoll_node *node, struct plimsoll_error *err)
{
    if (plimsoll_node_read(value, call->reading, node, err) < 0) {
        return plimsoll_error_wrap(err, "Nodes.items[%zu]", call->names.count);
    }
    return judge_node(call, node, err);
}

/* Decides by the node as it was read before, or reads it and keeps it for the next call. */
static int look_up_and_judge(struct plimsoll_extender_call *call, struct plimsoll_span value,
                             struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(value);
    struct plimsoll_span name = {.size = 0};
    struct plimsoll_node read = {0};
    if (call->lookup.cache == NULL) {
        plimsoll_node_lookup_begin(&call->lookup, call->world->cache);
    }
    (void)find_name(&cursor, &name);
    const struct plimsoll_node *known = plimsoll_node_lookup_find(&call->lookup, name, value);
    if (known != NULL) {
        int taken = judge_node(call, known, err);
        plimsoll_node_lookup_release(&call->lookup);
        return taken;
    }
    int taken = read_and_judge(call, value, &read, err);
    if (taken == 0) {
        plimsoll_node_lookup_keep(&call->lookup, name, value, &read);
    } else {
        plimsoll_node_clear(&read);
    }
    return taken;
}

static int take_and_judge(struct plimsoll_extender_call *call, struct plimsoll_span value,
                          struct plimsoll_error *err)
{
    if (call->world->cache != NULL) {
        return look_up_and_judge(call, value, err);
    }
    struct plimsoll_node read = {0};
    int taken = read_and_judge(call, value, &read, err);
    plimsoll_node_clear(&read);
    return taken;
}

/* A node of the full form, an element of Nodes.items. */
static int on_node(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    struct plimsoll_extender_call *call = context;
    size_t index = call->names.count;
    if (take_form(call, PLIMSOLL_FORM_NODES, err) < 0) {
        return -1;
    }
    if (!call->pod_seen) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "Nodes come before Pod, want Pod first: bodies are read as they "
                                  "arrive");
    }
    if (value.size > PLIMSOLL_OBJECT_BYTES_MAX) {
        return refuse_large("a node", err);
    }
    if (type_of(value) != PLIMSOLL_JSON_OBJECT) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "Nodes.items[%zu] is no object, want a node", index);
    }
    bool judges = plimsoll_call_judges(call) && call->world->synced;
    if ((judges ? take_and_judge(call, value, err) : take_name(call, value, err)) < 0) {
        return -1;
    }
    struct plimsoll_names_entry *entry = &call->names.list[index];
    if (!judges) {
        entry->reason = (uint8_t)plimsoll_call_reason(call);
    }
    bool keeps = call->verb == PLIMSOLL_VERB_FILTER && entry->reason == PLIMSOLL_FITS;
    return keeps ? plimsoll_call_keep(call, value, err) : 0;
}

struct plimsoll_extender_call *plimsoll_extender_begin(
    enum plimsoll_extender_verb verb, const struct plimsoll_extender_world *world,
    const struct plimsoll_reading *reading, const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_extender_call *call = plimsoll_alloc(1, sizeof *call);
    call->verb = verb;
    call->world = world;
    call->reading = reading;
    call->settings = settings;
    call->bound_index = PLIMSOLL_NOT_BOUND;
    call->likely = PLIMSOLL_NOT_BOUND;
    call->kept = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    const struct plimsoll_json_stream_handler handler = {
        .context = call, .element = on_node, .member = on_member};
    call->stream = plimsoll_json_stream_new(path_to_nodes, 2, &handler, NODE_NAMES_BYTES_MAX);
    return call;
}

void plimsoll_extender_free(struct plimsoll_extender_call **call)
{
    if (*call == NULL) {
        return;
    }
    plimsoll_json_stream_free(&(*call)->stream);
    plimsoll_pod_clear(&(*call)->pod);
    plimsoll_names_clear(&(*call)->names);
    plimsoll_node_lookup_end(&(*call)->lookup);
    plimsoll_text_clear(&(*call)->kept);
    free((*call)->scores);
    free(*call);
    *call = NULL;
}

int plimsoll_extender_feed(struct plimsoll_extender_call *call, struct plimsoll_span bytes,
                           struct plimsoll_error *err)
{
    return plimsoll_json_stream_feed(call->stream, bytes, err);
}

/* Why a GPU pod cannot be answered, or NULL. */
static const char *find_obstacle(const struct plimsoll_extender_call *call)
{
    if (!call->pod.demand.gpu) {
        return NULL;
    }
    if (!call->world->synced) {
        return "Plimsoll does not know the cluster yet: its lists of nodes and pods are not "
               "complete";
    }
    if (call->form == PLIMSOLL_FORM_NAMES && call->world->node == NULL) {
        return "Plimsoll runs without access to the API server and knows no nodes by name: set "
               "nodeCacheCapable to false, or give it access";
    }
    return NULL;
}

/* Where a pod without a GPU goes decides too what of a node's cards can still be used. */
static bool ranks_plain(const struct plimsoll_extender_call *call)
{
    return call->verb == PLIMSOLL_VERB_PRIORITIZE && !call->pod.demand.gpu && call->world->synced &&
           call->world->find != NULL;
}

/* What is still open once the body is complete: the NodeNames form. */
static int decide_names(struct plimsoll_extender_call *call, struct plimsoll_error *err)
{
    if (call->form != PLIMSOLL_FORM_NAMES) {
        return 0;
    }
    if (plimsoll_call_judges(call) || ranks_plain(call)) {
        return plimsoll_call_judge_names(call, err);
    }
    for (size_t i = 0; i < call->names.count; i++) {
        if (plimsoll_names_unique(&call->names, i, err) < 0) {
            return -1;
        }
        call->names.list[i].reason = (uint8_t)plimsoll_call_reason(call);
    }
    return 0;
}

static void sum_up(const struct plimsoll_extender_call *call,
                   struct plimsoll_extender_outcome *outcome)
{
    *outcome =
        (struct plimsoll_extender_outcome){.gpu = call->pod.demand.gpu, .asked = call->names.count};
    for (size_t i = 0; i < call->names.count; i++) {
        uint8_t reason = call->names.list[i].reason;
        outcome->rejected[reason]++;
        if (reason == PLIMSOLL_FITS && call->verb == PLIMSOLL_VERB_FILTER) {
            outcome->likely = plimsoll_names_get(&call->names, i);
        }
    }
    if (outcome->rejected[PLIMSOLL_FITS] != 1) {
        outcome->likely = (struct plimsoll_span){0}; /* prioritize will tell */
    }
    outcome->passed = outcome->rejected[PLIMSOLL_FITS];
    outcome->rejected[PLIMSOLL_FITS] = 0;
    if (call->likely != PLIMSOLL_NOT_BOUND) {
        outcome->likely = plimsoll_names_get(&call->names, call->likely);
    }
}

const struct plimsoll_pod *plimsoll_extender_pod(const struct plimsoll_extender_call *call)
{
    return call->pod_seen ? &call->pod : NULL;
}

struct plimsoll_span plimsoll_extender_name(const struct plimsoll_extender_call *call, size_t index)
{
    return plimsoll_names_get(&call->names, index);
}

static int answer_obstacle(const struct plimsoll_extender_call *call, const char *obstacle,
                           struct plimsoll_text *answer, struct plimsoll_extender_outcome *outcome,
                           struct plimsoll_error *err)
{
    if (call->verb == PLIMSOLL_VERB_PRIORITIZE) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s", obstacle);
    }
    if (plimsoll_call_write_error(obstacle, answer, err) < 0) {
        return -1;
    }
    *outcome = (struct plimsoll_extender_outcome){
        .gpu = true, .unavailable = true, .asked = call->names.count};
    return 0;
}

int plimsoll_extender_finish(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                             struct plimsoll_extender_outcome *outcome, struct plimsoll_error *err)
{
    if (plimsoll_json_stream_finish(call->stream, err) < 0) {
        return -1;
    }
    if (!call->pod_seen) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "Pod is missing, want {\"Pod\": …, \"Nodes\" or \"NodeNames\": …}");
    }
    const char *obstacle = find_obstacle(call);
    if (obstacle != NULL) {
        return answer_obstacle(call, obstacle, answer, outcome, err);
    }
    if (decide_names(call, err) < 0) {
        return -1;
    }
    int written = call->verb == PLIMSOLL_VERB_FILTER
                      ? plimsoll_call_write_filter(call, answer, err)
                      : plimsoll_call_write_scores(call, answer, err);
    if (written == 0) {
        sum_up(call, outcome);
    }
    return written;
}
