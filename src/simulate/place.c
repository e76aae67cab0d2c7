/* SPDX-License-Identifier: Apache-2.0 */
/* A pod arrives: what the API server, the scheduler and the server do with it, in their order. */
#include "parts.h"

#include <string.h>

#define SENTENCE_BYTES_MAX 4096u

static char *copy_of(const char *string)
{
    return plimsoll_copy(string, strlen(string));
}

void plimsoll_landing_clear(struct plimsoll_landing *landing)
{
    free(landing->namespace_);
    free(landing->name);
    free(landing->node);
    free(landing->why);
    free(landing->closest);
    plimsoll_claim_clear(&landing->claim);
    *landing = (struct plimsoll_landing){0};
}

/* -- the API server ------------------------------------------------------------------------------
 */

/* The member of that name, made where it is none. */
static json_t *object_in(json_t *around, const char *key)
{
    json_t *member = json_object_get(around, key);
    if (!json_is_object(member)) {
        member = json_object();
        json_object_set_new(around, key, member);
    }
    return member;
}

static void default_string(json_t *object, const char *key, const char *value)
{
    const char *string = json_string_value(json_object_get(object, key));
    if (string == NULL || *string == '\0') {
        json_object_set_new(object, key, json_string(value));
    }
}

/* What the API server fills in: a name, a namespace, a uid that nobody else has. */
static int identify(struct plimsoll_simulation *simulation, json_t *pod, struct plimsoll_error *err)
{
    char name[PLIMSOLL_NAME_BYTES_MAX + 1], uid[PLIMSOLL_UID_SIZE];
    json_t *metadata = object_in(pod, "metadata");
    const char *begin = json_string_value(json_object_get(metadata, "generateName"));
    if (simulation->pods >= PLIMSOLL_SIMULATED_PODS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "more than %d pods; simulate fewer at once",
                                  PLIMSOLL_SIMULATED_PODS_MAX);
    }
    uint64_t number = ++simulation->pods;
    snprintf(uid, sizeof uid, "51b0ade5-0000-4000-8000-%012llu", (unsigned long long)number);
    snprintf(name, sizeof name, "%.*s%llu", 200, begin != NULL ? begin : "pod-",
             (unsigned long long)number);
    default_string(metadata, "name", name);
    default_string(metadata, "namespace", "default");
    json_object_set_new(metadata, "uid", json_string(uid));
    json_object_del(pod, "status");
    default_string(pod, "kind", "Pod");
    default_string(pod, "apiVersion", "v1");
    return 0;
}

static int dump(const json_t *pod, struct plimsoll_text *object, struct plimsoll_error *err)
{
    plimsoll_autofree char *text = json_dumps(pod, JSON_COMPACT);
    plimsoll_text_reset(object);
    plimsoll_text_add_string(object, text != NULL ? text : "");
    return text == NULL || object->overflowed
               ? plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                    "the pod is larger than the %u bytes that the API takes",
                                    PLIMSOLL_OBJECT_BYTES_MAX)
               : 0;
}

/* The pod as it is once it is bound, as a watch would show it. */
static int show_bound(struct plimsoll_simulation *simulation, json_t *pod, const char *node,
                      const struct plimsoll_simulated_binding *binding, struct plimsoll_error *err)
{
    plimsoll_autotext object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    plimsoll_autotext claim = plimsoll_text_make(PLIMSOLL_ANNOTATION_BYTES_MAX);
    json_object_set_new(object_in(pod, "spec"), "nodeName", json_string(node));
    if (binding->claim.pod.text[0] != '\0') {
        json_t *annotations = object_in(object_in(pod, "metadata"), "annotations");
        plimsoll_claim_write(&binding->claim, &claim);
        json_object_set_new(annotations, PLIMSOLL_ANNOTATION_CLAIM, json_string(claim.data));
        for (unsigned i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX && binding->visible[i] != NULL; i++) {
            char key[64];
            snprintf(key, sizeof key, i > 0 ? "%s.%u" : "%s", PLIMSOLL_ANNOTATION_VISIBLE, i);
            json_object_set_new(annotations, key, json_string(binding->visible[i]));
        }
    }
    return dump(pod, &object, err) < 0
               ? -1
               : plimsoll_cluster_set(simulation->cluster, PLIMSOLL_KIND_PODS,
                                      plimsoll_text_span(&object), err);
}

/* -- the scheduler -------------------------------------------------------------------------------
 */

static uint64_t devices_taken(const struct plimsoll_node_view *view, const char *resource)
{
    uint64_t taken = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        taken += pod->node[0] != '\0' && strcmp(pod->demand.resource, resource) == 0
                     ? pod->demand.cards
                     : 0;
    }
    return taken;
}

static bool has_devices(const struct plimsoll_node_view *view, const struct plimsoll_demand *demand)
{
    for (uint32_t i = 0; i < view->node->resource_count; i++) {
        const struct plimsoll_node_resource *resource = &view->node->resources[i];
        if (strcmp(resource->name, demand->resource) == 0) {
            return devices_taken(view, demand->resource) + demand->cards <= resource->allocatable;
        }
    }
    return false;
}

/* The filters of kube-scheduler, before it asks its extenders. Nodes of the picture and hosts are
 * the same, in the same order. */
static void pass_own_filters(struct plimsoll_simulation *simulation,
                             const struct plimsoll_terms *terms, struct plimsoll_arrival *arrival,
                             size_t obstacles[PLIMSOLL_OBSTACLE_COUNT])
{
    const struct plimsoll_demand *demand = &arrival->pod->demand;
    plimsoll_cluster_read_begin(simulation->cluster);
    for (size_t i = 0; i < simulation->host_count; i++) {
        const struct plimsoll_host *host = &simulation->hosts[i];
        enum plimsoll_obstacle obstacle = plimsoll_terms_check(terms, host);
        struct plimsoll_extender_node node;
        if (obstacle == PLIMSOLL_OBSTACLE_NONE && demand->plugin &&
            plimsoll_cluster_node_at(simulation->cluster, i, &node) &&
            !has_devices(&node.view, demand)) {
            obstacle = PLIMSOLL_OBSTACLE_DEVICES;
        }
        obstacles[obstacle]++;
        if (obstacle == PLIMSOLL_OBSTACLE_NONE) {
            arrival->names[arrival->count++] = host->name;
        }
    }
    plimsoll_cluster_read_end(simulation->cluster);
}

/* -- why not -------------------------------------------------------------------------------------
 */

/* As filter does: by the shared load lines, except where they count nominations that this pod need
 * not respect. */
static struct plimsoll_verdict judge(struct plimsoll_simulation *simulation,
                                     const struct plimsoll_pod *pod, const char *name)
{
    const struct plimsoll_placement_settings *settings = &simulation->config->placement;
    plimsoll_autofree struct plimsoll_node_load *own = NULL;
    struct plimsoll_extender_node node;
    if (!plimsoll_cluster_node(simulation->cluster, plimsoll_span_of(name), &node)) {
        return (struct plimsoll_verdict){.reason = PLIMSOLL_NO_NODE};
    }
    if (node.load->nominated) {
        own = plimsoll_placement_load(&node.view, settings, &pod->uid, pod->priority);
    }
    return plimsoll_placement_judge(node.view.node, own != NULL ? own : node.load, &pod->demand,
                                    settings);
}

/* Of the nodes that only lack a card. */
static void find_closest(struct plimsoll_simulation *simulation,
                         const struct plimsoll_arrival *arrival, struct plimsoll_landing *landing)
{
    const char *closest = NULL;
    plimsoll_cluster_read_begin(simulation->cluster);
    for (size_t i = 0; i < arrival->count; i++) {
        struct plimsoll_verdict verdict = judge(simulation, arrival->pod, arrival->names[i]);
        if (verdict.reason != PLIMSOLL_FITS &&
            (closest == NULL || plimsoll_placement_closer(&verdict, &landing->verdict))) {
            closest = arrival->names[i];
            landing->verdict = verdict;
        }
    }
    plimsoll_cluster_read_end(simulation->cluster);
    landing->closest = closest != NULL ? copy_of(closest) : NULL;
}

static void add_count(struct plimsoll_text *why, size_t count, bool *first)
{
    plimsoll_text_add_format(why, "%s%zu ", *first ? ": " : ", ", count);
    *first = false;
}

/* As kube-scheduler sums it up on the pod. */
static void sum_up(const struct plimsoll_simulation *simulation,
                   const struct plimsoll_arrival *arrival, const size_t *obstacles,
                   const size_t *rejected, struct plimsoll_landing *landing)
{
    const struct plimsoll_pod *pod = arrival->pod;
    struct plimsoll_text why = plimsoll_text_make(SENTENCE_BYTES_MAX);
    bool first = true;
    plimsoll_text_add_format(&why, "0/%zu nodes are available", simulation->host_count);
    for (int i = 1; i <= PLIMSOLL_REFUSED; i++) {
        if (rejected[i] > 0) {
            add_count(&why, rejected[i], &first);
            if (i == PLIMSOLL_REFUSED && pod->refusal != NULL) {
                plimsoll_text_add_string(&why, pod->refusal);
            } else {
                plimsoll_reason_write((enum plimsoll_reason)i, &pod->demand, &why);
            }
        }
    }
    for (int i = 1; i < PLIMSOLL_OBSTACLE_COUNT; i++) {
        if (obstacles[i] > 0) {
            add_count(&why, obstacles[i], &first);
            plimsoll_obstacle_write((enum plimsoll_obstacle)i, pod->demand.resource, &why);
        }
    }
    landing->landed = PLIMSOLL_LANDED_NOWHERE;
    landing->why = why.data;
}

/* -- one after the other -------------------------------------------------------------------------
 */

static void stand(struct plimsoll_simulation *simulation, const char *node,
                  const struct plimsoll_requests *requests)
{
    struct plimsoll_host *host = plimsoll_simulation_host(simulation, node);
    if (host != NULL) {
        host->used.cpu_milli += requests->cpu_milli;
        host->used.memory += requests->memory;
        host->pods++;
    }
}

static int bind(struct plimsoll_simulation *simulation, json_t *object,
                const struct plimsoll_pod *pod, const char *node, struct plimsoll_landing *landing,
                struct plimsoll_error *err)
{
    struct plimsoll_simulated_binding binding;
    plimsoll_cluster_read_begin(simulation->cluster);
    landing->guarantee = judge(simulation, pod, node).guarantee;
    plimsoll_cluster_read_end(simulation->cluster);
    if (plimsoll_simulate_bind(simulation, pod, node, &binding, err) < 0) {
        return -1;
    }
    int result = 0;
    landing->node = copy_of(node);
    if (binding.refused.size > 0) {
        landing->landed = PLIMSOLL_LANDED_UNBOUND;
        landing->why = PLIMSOLL_TAKE(binding.refused.data);
    } else {
        result = show_bound(simulation, object, node, &binding, err);
        landing->claim = binding.claim;
        binding.claim = (struct plimsoll_claim){0};
        stand(simulation, node, &pod->demand.requests);
    }
    plimsoll_simulated_binding_clear(&binding);
    return result;
}

static int schedule(struct plimsoll_simulation *simulation, json_t *object,
                    struct plimsoll_span text, const struct plimsoll_pod *pod,
                    struct plimsoll_landing *landing, struct plimsoll_error *err)
{
    size_t obstacles[PLIMSOLL_OBSTACLE_COUNT] = {0}, rejected[PLIMSOLL_REFUSED + 1] = {0};
    const char *best = NULL;
    plimsoll_autojson *document = NULL;
    struct plimsoll_terms terms;
    if (plimsoll_json_parse(text, &document, err) < 0) {
        return -1;
    }
    plimsoll_autofree const char **names =
        plimsoll_alloc(simulation->host_count + 1, sizeof *names);
    struct plimsoll_arrival arrival = {.object = text, .pod = pod, .names = names};
    plimsoll_terms_read(plimsoll_json_root(document), &pod->demand.requests, &terms);
    pass_own_filters(simulation, &terms, &arrival, obstacles);
    plimsoll_terms_clear(&terms);
    struct plimsoll_arrival asked = arrival;
    plimsoll_autofree const char **candidates = plimsoll_alloc(arrival.count + 1, sizeof *names);
    memcpy(candidates, names, arrival.count * sizeof *names);
    asked.names = candidates;
    if (arrival.count > 0 && plimsoll_simulate_ask(simulation, &asked, rejected, &best, err) < 0) {
        return -1;
    }
    if (best != NULL) {
        return bind(simulation, object, pod, best, landing, err);
    }
    sum_up(simulation, &arrival, obstacles, rejected, landing);
    if (pod->demand.gpu && pod->refusal == NULL) {
        find_closest(simulation, &arrival, landing);
    }
    return 0;
}

/* It names its node itself, as the pods of a DaemonSet and static ones do. */
static void land_bound(struct plimsoll_simulation *simulation, const struct plimsoll_pod *pod,
                       struct plimsoll_landing *landing)
{
    landing->node = copy_of(pod->node);
    stand(simulation, pod->node, &pod->demand.requests);
}

/* From the moment that the API server has it. */
static int arrive(struct plimsoll_simulation *simulation, json_t *object,
                  struct plimsoll_landing *landing, struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    if (dump(object, &text, err) < 0 ||
        plimsoll_pod_read(plimsoll_text_span(&text), &simulation->config->reading.resources, &pod,
                          err) < 0) {
        return -1;
    }
    landing->demand = pod.demand;
    int result = plimsoll_cluster_set(simulation->cluster, PLIMSOLL_KIND_PODS,
                                      plimsoll_text_span(&text), err);
    if (result == 0 && pod.node[0] != '\0') {
        land_bound(simulation, &pod, landing);
    } else if (result == 0) {
        result = schedule(simulation, object, plimsoll_text_span(&text), &pod, landing, err);
    }
    plimsoll_pod_clear(&pod);
    return result;
}

static int place(struct plimsoll_simulation *simulation, json_t *object,
                 struct plimsoll_landing *landing, struct plimsoll_error *err)
{
    plimsoll_autotext denied = plimsoll_text_make(2 * PLIMSOLL_ERROR_MESSAGE_SIZE);
    struct plimsoll_facts facts = plimsoll_cluster_facts(simulation->cluster);
    if (identify(simulation, object, err) < 0) {
        return -1;
    }
    const json_t *metadata = json_object_get(object, "metadata");
    landing->namespace_ = copy_of(json_string_value(json_object_get(metadata, "namespace")));
    landing->name = copy_of(json_string_value(json_object_get(metadata, "name")));
    if (plimsoll_simulate_admit(simulation->config, &facts, object, &denied, err) < 0) {
        return -1;
    }
    if (denied.size > 0) {
        landing->landed = PLIMSOLL_LANDED_DENIED;
        landing->why = PLIMSOLL_TAKE(denied.data);
        return 0;
    }
    return arrive(simulation, object, landing, err);
}

int plimsoll_simulation_place(struct plimsoll_simulation *simulation, struct plimsoll_span pod,
                              struct plimsoll_landing *landing, struct plimsoll_error *err)
{
    json_error_t fault;
    json_auto_t *object =
        json_loadb(pod.data != NULL ? pod.data : "", pod.size, JSON_REJECT_DUPLICATES, &fault);
    struct plimsoll_landing made = {0};
    if (!json_is_object(object)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the pod is no JSON object: %s",
                                  object == NULL ? fault.text : "want {…}");
    }
    if (place(simulation, object, &made, err) < 0) {
        plimsoll_landing_clear(&made);
        return -1;
    }
    *landing = made;
    return 0;
}

/* Copies must not share a name: the API server would take the first only. */
static int place_copy(struct plimsoll_simulation *simulation, const json_t *pod, size_t number,
                      struct plimsoll_landing *landing, struct plimsoll_error *err)
{
    char name[PLIMSOLL_NAME_BYTES_MAX + 1];
    json_auto_t *copy = json_deep_copy(pod);
    json_t *metadata = object_in(copy, "metadata");
    const char *begin = json_string_value(json_object_get(metadata, "name"));
    if (begin != NULL) {
        snprintf(name, sizeof name, "%.*s-%zu", 200, begin, number);
        json_object_set_new(metadata, "name", json_string(name));
    }
    struct plimsoll_landing made = {0};
    if (place(simulation, copy, &made, err) < 0) {
        plimsoll_landing_clear(&made);
        return -1;
    }
    *landing = made;
    return 0;
}

int plimsoll_simulation_fill(struct plimsoll_simulation *simulation, struct plimsoll_span pod,
                             size_t most, size_t *landed, struct plimsoll_landing *last,
                             struct plimsoll_error *err)
{
    json_error_t fault;
    json_auto_t *object =
        json_loadb(pod.data != NULL ? pod.data : "", pod.size, JSON_REJECT_DUPLICATES, &fault);
    struct plimsoll_landing made = {0};
    size_t count = 0;
    if (!json_is_object(object)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the pod is no JSON object: %s",
                                  object == NULL ? fault.text : "want {…}");
    }
    while (count < most) {
        plimsoll_landing_clear(&made);
        if (place_copy(simulation, object, count, &made, err) < 0) {
            return -1;
        }
        if (made.landed != PLIMSOLL_LANDED) {
            break;
        }
        count++;
    }
    *landed = count;
    *last = made;
    return 0;
}
