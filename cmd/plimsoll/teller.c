/* SPDX-License-Identifier: Apache-2.0 */
#include "teller.h"

#include "closest.h"
#include "lane.h"

#include <plimsoll/clock.h>
#include <plimsoll/events.h>
#include <plimsoll/log.h>
#include <plimsoll/metrics.h>
#include <plimsoll/view.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* While the API server takes its time, a refused pod's tale holds the names of thousands of nodes.
 */
#define QUEUE_MAX 64u

/* What kinds of Events there are, and how each is counted. */
enum word { ASSIGNED, INSUFFICIENT_VRAM, NO_SUITABLE_GPU, OVER_CLAIM, OVER_LINE, WORD_COUNT };

static const struct {
    const char *reason, *action;
    bool warning;
    bool shared; /* every replica sees it and tells it */
} words[WORD_COUNT] = {
    [ASSIGNED] = {"GPUAssigned", "Binding", false, false},
    [INSUFFICIENT_VRAM] = {"InsufficientVRAM", "Scheduling", true, false},
    [NO_SUITABLE_GPU] = {"NoSuitableGPU", "Scheduling", true, false},
    [OVER_CLAIM] = {"GPUOverClaim", "Measuring", true, true},
    [OVER_LINE] = {"GPUOverLine", "Measuring", true, true},
};

struct counts {
    uint64_t told[WORD_COUNT], failed, dropped;
};

struct plimsoll_teller {
    struct plimsoll_cluster *cluster;
    const struct plimsoll_config *config;
    struct plimsoll_events *events; /* NULL: the log alone */
    struct plimsoll_lane *lane;
    atomic_uint queued;
    unsigned said; /* bit enum plimsoll_error_kind: a failure that is in the log already */
    pthread_mutex_t lock;
    struct counts counts; /* under the lock */
    uint64_t crowded;     /* so is this: not told because the queue was full */
};

/* -- by the picture as it is ---------------------------------------------------------------------
 */

/* Looks at the nodes that were asked. @return false when one takes the pod by now, so that there is
 * nothing to tell. */
static bool look_at_asked(struct plimsoll_teller *teller,
                          const struct plimsoll_books_effect *effect,
                          struct plimsoll_closest *closest, size_t *asked)
{
    for (size_t at = 0; at < effect->names_size; at += strlen(effect->names + at) + 1) {
        struct plimsoll_span name = plimsoll_span_of(effect->names + at);
        struct plimsoll_extender_node node;
        (*asked)++;
        if (plimsoll_cluster_node(teller->cluster, name, &node) &&
            plimsoll_closest_look(closest, &node) == PLIMSOLL_FITS) {
            return false;
        }
    }
    return true;
}

static bool note_refused(struct plimsoll_teller *teller, const struct plimsoll_books_effect *effect,
                         enum word *word, struct plimsoll_text *note)
{
    struct plimsoll_view_refusal refusal = {
        .pod = plimsoll_cluster_pod(teller->cluster, &effect->request.uid)};
    struct plimsoll_closest closest = {.pod = refusal.pod, .settings = &teller->config->placement};
    bool refused = refusal.pod != NULL && refusal.pod->node[0] == '\0' &&
                   look_at_asked(teller, effect, &closest, &refusal.asked);
    if (refused) {
        refusal.closest = closest.found ? &closest.node : NULL;
        refusal.verdict = closest.verdict;
        plimsoll_view_refused(&refusal, note);
        *word = refusal.verdict.missing > 0 ? INSUFFICIENT_VRAM : NO_SUITABLE_GPU;
    }
    plimsoll_closest_clear(&closest);
    return refused;
}

static bool note_over_claim(const struct plimsoll_pod *pod, const struct plimsoll_node *node,
                            struct plimsoll_text *note)
{
    struct plimsoll_over_claim over;
    if (pod == NULL || node == NULL || !plimsoll_placement_over_claim(node, pod, &over)) {
        return false;
    }
    plimsoll_view_over_claim(node, &over, note);
    return true;
}

static bool note_over_line(struct plimsoll_teller *teller, struct plimsoll_extender_node *node,
                           const char *card, struct plimsoll_text *note)
{
    node->view.hold_count = 0; /* nobody is there yet */
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&node->view, &teller->config->placement, NULL, INT32_MIN);
    node->load = load;
    for (uint64_t over = plimsoll_placement_over_line(node->view.node, load); over != 0;
         over &= over - 1) {
        uint32_t index = (uint32_t)__builtin_ctzll(over);
        if (strcmp(node->view.node->cards[index].id, card) == 0) {
            plimsoll_view_over_line(node, index, note);
            return true;
        }
    }
    return false;
}

/* With the picture held. @return false: there is nothing to tell any more. */
static bool write_note(struct plimsoll_teller *teller, const struct plimsoll_books_effect *effect,
                       enum word *word, struct plimsoll_text *note)
{
    const struct plimsoll_bind_request *request = &effect->request;
    struct plimsoll_extender_node node = {0};
    bool known = plimsoll_cluster_node(teller->cluster, plimsoll_span_of(request->node), &node);
    switch (effect->tale) {
    case PLIMSOLL_TALE_ASSIGNED:
        *word = ASSIGNED;
        plimsoll_view_assigned(node.view.node, &effect->claim, note);
        return true;
    case PLIMSOLL_TALE_REFUSED:
        return note_refused(teller, effect, word, note);
    case PLIMSOLL_TALE_OVER_CLAIM:
        *word = OVER_CLAIM;
        return note_over_claim(plimsoll_cluster_pod(teller->cluster, &request->uid), node.view.node,
                               note);
    case PLIMSOLL_TALE_OVER_LINE:
        *word = OVER_LINE;
        return known && note_over_line(teller, &node, effect->card, note);
    }
    return false;
}

/* -- telling -------------------------------------------------------------------------------------
 */

static void count(struct plimsoll_teller *teller, enum word word, bool done)
{
    pthread_mutex_lock(&teller->lock);
    teller->counts.told[word] += done;
    teller->counts.failed += !done;
    if (teller->events != NULL) {
        teller->counts.dropped = plimsoll_events_dropped(teller->events);
    }
    pthread_mutex_unlock(&teller->lock);
}

static void write_event(struct plimsoll_teller *teller, const struct plimsoll_bind_request *request,
                        enum word word, const char *note)
{
    bool pod = request->pod[0] != '\0';
    struct plimsoll_error err = {0};
    plimsoll_log(PLIMSOLL_LOG_INFO, "event", PLIMSOLL_STR("reason", words[word].reason),
                 PLIMSOLL_STR("namespace", request->namespace_), PLIMSOLL_STR("pod", request->pod),
                 PLIMSOLL_STR("node", request->node), PLIMSOLL_STR("note", note));
    struct plimsoll_event event = {.namespace_ = pod ? request->namespace_ : NULL,
                                   .name = pod ? request->pod : request->node,
                                   .uid = request->uid.text,
                                   .warning = words[word].warning,
                                   .shared = words[word].shared,
                                   .reason = words[word].reason,
                                   .action = words[word].action,
                                   .note = note};
    int result = teller->events == NULL ? 0
                                        : plimsoll_events_tell(teller->events, &event,
                                                               plimsoll_clock_monotonic_ms(), &err);
    count(teller, word, result == 0);
    if (result != 0 && (teller->said >> err.kind & 1) == 0) {
        teller->said |= 1u << err.kind;
        plimsoll_log(PLIMSOLL_LOG_WARN, "an Event could not be written; further ones are counted",
                     PLIMSOLL_STR("err", err.message));
    }
}

static void run(void *context, void *item)
{
    struct plimsoll_teller *teller = context;
    struct plimsoll_books_effects told = {.list = item, .count = 1};
    enum word word = ASSIGNED;
    plimsoll_autotext note = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
    plimsoll_cluster_read_begin(teller->cluster);
    bool is = write_note(teller, &told.list[0], &word, &note);
    plimsoll_cluster_read_end(teller->cluster);
    if (is && note.size > 0) {
        write_event(teller, &told.list[0].request, word, note.data);
    }
    plimsoll_books_effects_clear(&told);
    atomic_fetch_sub(&teller->queued, 1);
}

void plimsoll_teller_tell(struct plimsoll_teller *teller, struct plimsoll_books_effect *effect)
{
    if (atomic_fetch_add(&teller->queued, 1) >= QUEUE_MAX) {
        atomic_fetch_sub(&teller->queued, 1);
        pthread_mutex_lock(&teller->lock);
        teller->crowded++;
        pthread_mutex_unlock(&teller->lock);
        return; /* what it owns stays the caller's */
    }
    struct plimsoll_books_effect *kept = plimsoll_alloc(1, sizeof *kept);
    *kept = *effect;
    *effect = (struct plimsoll_books_effect){0};
    plimsoll_lane_put(teller->lane, kept);
}

/* -- life ----------------------------------------------------------------------------------------
 */

struct plimsoll_teller *plimsoll_teller_start(struct plimsoll_cluster *cluster,
                                              struct plimsoll_kube *kube,
                                              const struct plimsoll_config *config,
                                              const char *instance)
{
    struct plimsoll_teller *teller = plimsoll_alloc(1, sizeof *teller);
    teller->cluster = cluster;
    teller->config = config;
    teller->events = kube != NULL ? plimsoll_events_new(kube, instance) : NULL;
    pthread_mutex_init(&teller->lock, NULL);
    teller->lane = plimsoll_lane_start(1, run, teller);
    return teller;
}

void plimsoll_teller_stop(struct plimsoll_teller **teller)
{
    struct plimsoll_teller *stopped = PLIMSOLL_TAKE(*teller);
    plimsoll_lane_stop(&stopped->lane);
    plimsoll_events_free(&stopped->events);
    pthread_mutex_destroy(&stopped->lock);
    free(stopped);
}

void plimsoll_teller_metrics(struct plimsoll_teller *teller, uint64_t untold,
                             struct plimsoll_text *out)
{
    pthread_mutex_lock(&teller->lock);
    struct counts counts = teller->counts;
    untold += teller->crowded;
    pthread_mutex_unlock(&teller->lock);
    const char *name = "plimsoll_events_total";
    plimsoll_metrics_head(out, name, "counter", "Events told of pods and nodes, by reason.");
    for (size_t i = 0; i < WORD_COUNT; i++) {
        plimsoll_metrics_uint(out, name, counts.told[i], "reason", words[i].reason, NULL);
    }
    name = "plimsoll_events_failed_total";
    plimsoll_metrics_head(out, name, "counter", "Events that the API server did not take.");
    plimsoll_metrics_uint(out, name, counts.failed, NULL);
    name = "plimsoll_events_dropped_total";
    plimsoll_metrics_head(out, name, "counter", "Events not told because there were too many.");
    plimsoll_metrics_uint(out, name, counts.dropped + untold, NULL);
}
