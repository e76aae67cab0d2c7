/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/extender.h>
#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

#include "candidates.h"
#include "nominees.h"

#include <strings.h>

/* One ExtenderPreemptionArgs; borrowed from the body until it is read. */
struct args {
    struct plimsoll_span pod, whole, meta; /* values, empty when absent or null */
};

struct preemption {
    const struct plimsoll_extender_world *world;
    const struct plimsoll_placement_settings *settings;
    struct plimsoll_pod pod;
    struct plimsoll_candidates candidates;
    struct plimsoll_text *answer;
    uint64_t victims[PLIMSOLL_NOMINEE_VICTIMS_MAX]; /* hashes of all that are in the answer */
    size_t victim_count;                            /* also of those beyond the ceiling */
    struct plimsoll_preempt_outcome outcome;
};

/* -- reading --------------------------------------------------------------------------------------
 */

static bool is_key(struct plimsoll_span key, const char *name)
{
    return key.size == strlen(name) && strncasecmp(key.data, name, key.size) == 0;
}

static struct plimsoll_span *find_field(struct args *args, struct plimsoll_span key)
{
    if (is_key(key, "Pod")) {
        return &args->pod;
    }
    if (is_key(key, "NodeNameToVictims")) {
        return &args->whole;
    }
    return is_key(key, "NodeNameToMetaVictims") ? &args->meta : NULL;
}

/* Of a key that is there twice the last counts, as in Go. */
static int split(struct plimsoll_span body, struct args *args, struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(body);
    struct plimsoll_span key;
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            struct plimsoll_span *field = find_field(args, key), value = {0};
            bool null = plimsoll_json_cursor_type(&cursor) == PLIMSOLL_JSON_NULL;
            plimsoll_json_cursor_skip(&cursor, &value);
            if (field != NULL) {
                *field = null ? (struct plimsoll_span){0} : value;
            }
        }
    }
    if (!plimsoll_json_cursor_finish(&cursor)) {
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "preempt request");
    }
    return 0;
}

static int read_args(struct preemption *preemption, const struct plimsoll_reading *reading,
                     struct plimsoll_span body, struct plimsoll_error *err)
{
    struct args args = {0};
    if (split(body, &args, err) < 0) {
        return -1;
    }
    if (args.pod.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "Pod is missing, want {\"Pod\": …, \"NodeNameToVictims\" or "
                                  "\"NodeNameToMetaVictims\": …}");
    }
    if (args.whole.size > 0 && args.meta.size > 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "NodeNameToVictims and NodeNameToMetaVictims are both given, "
                                  "want one of them");
    }
    if (plimsoll_pod_read(args.pod, &reading->resources, &preemption->pod, err) < 0) {
        return plimsoll_error_wrap(err, "Pod");
    }
    bool whole = args.whole.size > 0;
    if (!whole && args.meta.size == 0) {
        return 0;
    }
    return plimsoll_candidates_read(whole ? args.whole : args.meta, whole, &preemption->candidates,
                                    err);
}

/* -- writing --------------------------------------------------------------------------------------
 */

static void write_uid(struct preemption *preemption, bool first, const struct plimsoll_uid *uid)
{
    plimsoll_text_add_string(preemption->answer, first ? "{\"UID\":" : ",{\"UID\":");
    plimsoll_text_add_json(preemption->answer, plimsoll_span_of(uid->text));
    plimsoll_text_add_char(preemption->answer, '}');
    if (preemption->victim_count < PLIMSOLL_NOMINEE_VICTIMS_MAX) {
        preemption->victims[preemption->victim_count] = plimsoll_nominees_hash(uid);
    }
    preemption->victim_count++;
}

/* Is the added pod known to be the more important one? Only pods with a GPU are known. */
static bool comes_before(const struct plimsoll_pod *added, const struct plimsoll_node_view *view,
                         const struct plimsoll_uid *proposed)
{
    for (size_t i = 0; i < view->pod_count; i++) {
        if (strcmp(view->pods[i]->uid.text, proposed->text) == 0) {
            return added->priority > view->pods[i]->priority;
        }
    }
    return false;
}

/* Most important first: the scheduler compares nodes by the first of each list. */
static void write_candidate(struct preemption *preemption,
                            const struct plimsoll_candidate *candidate,
                            const struct plimsoll_node_view *view,
                            const struct plimsoll_victims *victims)
{
    struct plimsoll_text *answer = preemption->answer;
    size_t written = 0, added = 0;
    plimsoll_text_add_string(answer, preemption->outcome.passed > 0 ? ",\"" : "\"");
    plimsoll_text_add_span(answer, candidate->node);
    plimsoll_text_add_string(answer, "\":{\"Pods\":[");
    for (size_t i = 0; i < candidate->count; i++) {
        const struct plimsoll_uid *proposed = &preemption->candidates.victims[candidate->first + i];
        while (added < victims->count && comes_before(victims->added[added], view, proposed)) {
            write_uid(preemption, written++ == 0, &victims->added[added++]->uid);
        }
        write_uid(preemption, written++ == 0, proposed);
    }
    while (added < victims->count) {
        write_uid(preemption, written++ == 0, &victims->added[added++]->uid);
    }
    plimsoll_text_add_format(answer, "],\"NumPDBViolations\":%lld}",
                             (long long)candidate->pdb_violations);
    preemption->outcome.passed++;
    preemption->outcome.added += added;
}

/* -- deciding -------------------------------------------------------------------------------------
 */

static void hold(const struct preemption *preemption)
{
    if (preemption->world->hold != NULL) {
        preemption->world->hold(preemption->world->context);
    }
}

static void release(const struct preemption *preemption)
{
    if (preemption->world->release != NULL) {
        preemption->world->release(preemption->world->context);
    }
}

static void extend(struct preemption *preemption, const struct plimsoll_candidate *candidate)
{
    const struct plimsoll_extender_world *world = preemption->world;
    struct plimsoll_extender_node node;
    struct plimsoll_victims victims = {0};
    const struct plimsoll_uid *proposed =
        candidate->count > 0 ? &preemption->candidates.victims[candidate->first] : NULL;
    hold(preemption);
    if (world->node(world->context, candidate->node, &node) &&
        plimsoll_placement_victims(&node.view, preemption->settings, &preemption->pod, proposed,
                                   candidate->count, &victims)) {
        write_candidate(preemption, candidate, &node.view, &victims);
    }
    release(preemption);
    free(victims.added);
}

/* Does the pod find room there when those whom it was promised have left, and nobody else? */
static bool fits_without_its_victims(const struct preemption *preemption,
                                     const struct plimsoll_node_view *view)
{
    struct plimsoll_nominees *nominees = preemption->world->nominees;
    plimsoll_autofree struct plimsoll_uid *leaving =
        plimsoll_alloc(view->pod_count + 1, sizeof *leaving);
    size_t count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        if (plimsoll_nominees_has_victim(nominees, &preemption->pod.uid, &view->pods[i]->uid)) {
            leaving[count++] = view->pods[i]->uid;
        }
    }
    struct plimsoll_victims victims = {0};
    bool room = plimsoll_placement_victims(view, preemption->settings, &preemption->pod, leaving,
                                           count, &victims);
    free(victims.added);
    return room && victims.count == 0;
}

/*
 * Of two victims the first has left, and filter refuses the node until the second has: for the
 * scheduler that is a node where preemption does not help, so it would evict pods elsewhere. The
 * second may have left since filter looked, or the picture may not know yet that it will. Where the
 * node itself is a candidate, or filter was not asked about it, something else than VRAM is in the
 * way.
 */
static bool is_awaited(const struct preemption *preemption)
{
    const struct plimsoll_extender_world *world = preemption->world;
    struct plimsoll_span nominated = plimsoll_span_of(preemption->pod.nominated);
    if (world->nominees == NULL ||
        !plimsoll_nominees_take_refusal(world->nominees, &preemption->pod.uid) ||
        plimsoll_candidates_find(&preemption->candidates, nominated) != NULL) {
        return false;
    }
    struct plimsoll_extender_node node;
    hold(preemption);
    bool awaited = world->node(world->context, nominated, &node) &&
                   fits_without_its_victims(preemption, &node.view);
    release(preemption);
    return awaited;
}

static void remember(const struct preemption *preemption)
{
    if (preemption->world->nominees != NULL && preemption->outcome.gpu &&
        preemption->victim_count <= PLIMSOLL_NOMINEE_VICTIMS_MAX) {
        plimsoll_nominees_set_victims(preemption->world->nominees, &preemption->pod.uid,
                                      preemption->victims, preemption->victim_count);
    }
}

/* Nobody knows who would have to leave, and an eviction cannot be taken back. */
static int find_obstacle(const struct preemption *preemption, struct plimsoll_error *err)
{
    if (!preemption->world->synced) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  "Plimsoll does not know the cluster yet: its lists of nodes and "
                                  "pods are not complete");
    }
    if (preemption->world->node == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  "Plimsoll runs without access to the API server and knows no "
                                  "pods: leave preemptVerb out, or give it access");
    }
    return 0;
}

static int decide(struct preemption *preemption, struct plimsoll_error *err)
{
    const struct plimsoll_node_view nobody = {0};
    const struct plimsoll_victims none = {0};
    bool gpu = preemption->pod.demand.gpu;
    if (gpu && find_obstacle(preemption, err) < 0) {
        return -1;
    }
    preemption->outcome.gpu = gpu;
    preemption->outcome.asked = preemption->candidates.count;
    /* A request that cannot be read fits nowhere, whoever leaves. */
    if (gpu && preemption->pod.refusal != NULL) {
        return 0;
    }
    preemption->outcome.waiting = gpu && is_awaited(preemption);
    for (size_t i = 0; i < preemption->candidates.count && !preemption->outcome.waiting; i++) {
        const struct plimsoll_candidate *candidate = &preemption->candidates.list[i];
        if (gpu) {
            extend(preemption, candidate);
        } else {
            write_candidate(preemption, candidate, &nobody, &none);
        }
    }
    return 0;
}

static int answer_args(struct preemption *preemption, const struct plimsoll_reading *reading,
                       struct plimsoll_span body, struct plimsoll_error *err)
{
    if (read_args(preemption, reading, body, err) < 0) {
        return -1;
    }
    plimsoll_text_add_string(preemption->answer, "{\"NodeNameToMetaVictims\":{");
    if (decide(preemption, err) < 0) {
        return -1;
    }
    plimsoll_text_add_string(preemption->answer, "}}");
    if (preemption->answer->overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the answer needs more than %zu bytes, want fewer nodes",
                                  preemption->answer->size_max);
    }
    return 0;
}

int plimsoll_extender_preempt(const struct plimsoll_extender_world *world,
                              const struct plimsoll_reading *reading,
                              const struct plimsoll_placement_settings *settings,
                              struct plimsoll_span body, struct plimsoll_text *answer,
                              struct plimsoll_preempt_outcome *outcome, struct plimsoll_error *err)
{
    if (body.size > PLIMSOLL_PREEMPT_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "a preempt request of %zu bytes, want at most %u", body.size,
                                  PLIMSOLL_PREEMPT_BYTES_MAX);
    }
    plimsoll_autotext written = plimsoll_text_make(answer->size_max - answer->size);
    plimsoll_autofree struct preemption *preemption = plimsoll_alloc(1, sizeof *preemption);
    preemption->world = world;
    preemption->settings = settings;
    preemption->answer = &written;
    int result = answer_args(preemption, reading, body, err);
    if (result == 0) {
        plimsoll_text_add_span(answer, plimsoll_text_span(&written));
        *outcome = preemption->outcome;
        remember(preemption);
    }
    plimsoll_candidates_clear(&preemption->candidates);
    plimsoll_pod_clear(&preemption->pod);
    return result;
}
