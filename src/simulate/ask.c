/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's side of /filter and /prioritize, and the server's. */
#include "parts.h"

#include <plimsoll/json_cursor.h>

#include <string.h>

static bool find_node(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out)
{
    const struct plimsoll_simulation *simulation = context;
    return plimsoll_cluster_node(simulation->cluster, name, out);
}

static void find_nodes(void *context, const struct plimsoll_span *names, size_t count,
                       uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    const struct plimsoll_simulation *simulation = context;
    plimsoll_cluster_find(simulation->cluster, names, count, place, out);
}

static void open_node(void *context, const struct plimsoll_extender_glimpse *glimpse,
                      struct plimsoll_extender_node *out)
{
    const struct plimsoll_simulation *simulation = context;
    plimsoll_cluster_open(simulation->cluster, glimpse, out);
}

static const char *find_pod(void *context, const struct plimsoll_uid *pod)
{
    const struct plimsoll_simulation *simulation = context;
    return plimsoll_cluster_node_of(simulation->cluster, pod);
}

static void hold(void *context)
{
    const struct plimsoll_simulation *simulation = context;
    plimsoll_cluster_read_begin(simulation->cluster);
}

static void release(void *context)
{
    const struct plimsoll_simulation *simulation = context;
    plimsoll_cluster_read_end(simulation->cluster);
}

static void write_body(const struct plimsoll_arrival *arrival, struct plimsoll_text *body)
{
    plimsoll_text_add_string(body, "{\"Pod\":");
    plimsoll_text_add_span(body, arrival->object);
    plimsoll_text_add_string(body, ",\"Nodes\":null,\"NodeNames\":[");
    for (size_t i = 0; i < arrival->count; i++) {
        plimsoll_text_add_string(body, i > 0 ? "," : "");
        plimsoll_text_add_json(body, plimsoll_span_of(arrival->names[i]));
    }
    plimsoll_text_add_string(body, "]}");
}

static int post(struct plimsoll_simulation *simulation, enum plimsoll_extender_verb verb,
                const struct plimsoll_arrival *arrival, struct plimsoll_text *answer,
                struct plimsoll_extender_outcome *outcome, struct plimsoll_error *err)
{
    const struct plimsoll_extender_world world = {.context = simulation,
                                                  .synced = true,
                                                  .node = find_node,
                                                  .find = find_nodes,
                                                  .open = open_node,
                                                  .node_of = find_pod,
                                                  .hold = hold,
                                                  .release = release};
    plimsoll_autotext body = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    struct plimsoll_extender_call *call = plimsoll_extender_begin(
        verb, &world, &simulation->config->reading, &simulation->config->placement);
    write_body(arrival, &body);
    int result = plimsoll_extender_feed(call, plimsoll_text_span(&body), err) == 0 &&
                         plimsoll_extender_finish(call, answer, outcome, err) == 0
                     ? 0
                     : -1;
    plimsoll_extender_free(&call);
    return result;
}

/* Both answers name nodes in the order in which they were asked for. */
static const char *match(const struct plimsoll_arrival *arrival, size_t *at,
                         struct plimsoll_span name)
{
    while (*at < arrival->count) {
        const char *candidate = arrival->names[(*at)++];
        if (plimsoll_span_is(name, candidate)) {
            return candidate;
        }
    }
    return NULL;
}

/* ExtenderFilterResult: those that NodeNames names stay. */
static int take_filter(struct plimsoll_span answer, struct plimsoll_arrival *arrival,
                       struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(answer);
    struct plimsoll_span key, name;
    size_t passed = 0, at = 0;
    for (plimsoll_json_cursor_object(&cursor); plimsoll_json_cursor_member(&cursor, &key);) {
        if (!plimsoll_span_is(key, "NodeNames")) {
            plimsoll_json_cursor_skip(&cursor, NULL);
            continue;
        }
        for (plimsoll_json_cursor_array(&cursor); plimsoll_json_cursor_element(&cursor);) {
            plimsoll_json_cursor_string(&cursor, &name);
            const char *found = match(arrival, &at, name);
            if (found != NULL) {
                arrival->names[passed++] = found;
            }
        }
    }
    arrival->count = passed;
    return cursor.failed ? plimsoll_json_cursor_error(&cursor, err) : 0;
}

/* HostPriorityList: the first of the best. */
static int take_scores(struct plimsoll_span answer, const struct plimsoll_arrival *arrival,
                       const char **best, struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(answer);
    struct plimsoll_span key, host = {0};
    int64_t most = -1;
    size_t at = 0;
    for (plimsoll_json_cursor_array(&cursor); plimsoll_json_cursor_element(&cursor);) {
        int64_t score = 0;
        for (plimsoll_json_cursor_object(&cursor); plimsoll_json_cursor_member(&cursor, &key);) {
            if (plimsoll_span_is(key, "Host")) {
                plimsoll_json_cursor_string(&cursor, &host);
            } else if (plimsoll_span_is(key, "Score")) {
                plimsoll_json_cursor_int(&cursor, &score);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
        const char *found = match(arrival, &at, host);
        if (found != NULL && score > most) {
            most = score;
            *best = found;
        }
    }
    return cursor.failed ? plimsoll_json_cursor_error(&cursor, err) : 0;
}

int plimsoll_simulate_ask(struct plimsoll_simulation *simulation, struct plimsoll_arrival *arrival,
                          size_t rejected[PLIMSOLL_REFUSED + 1], const char **best,
                          struct plimsoll_error *err)
{
    struct plimsoll_extender_outcome outcome = {0};
    plimsoll_autotext filtered = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    plimsoll_autotext ranked = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    *best = NULL;
    if (post(simulation, PLIMSOLL_VERB_FILTER, arrival, &filtered, &outcome, err) < 0) {
        return -1;
    }
    memcpy(rejected, outcome.rejected, sizeof outcome.rejected);
    if (take_filter(plimsoll_text_span(&filtered), arrival, err) < 0) {
        return plimsoll_error_wrap(err, "the answer of filter");
    }
    /* One node is not ranked: kube-scheduler does not ask then. */
    if (arrival->count <= 1) {
        *best = arrival->count > 0 ? arrival->names[0] : NULL;
        return 0;
    }
    if (post(simulation, PLIMSOLL_VERB_PRIORITIZE, arrival, &ranked, &outcome, err) < 0) {
        return -1;
    }
    if (take_scores(plimsoll_text_span(&ranked), arrival, best, err) < 0) {
        return plimsoll_error_wrap(err, "the answer of prioritize");
    }
    return 0;
}
