/* SPDX-License-Identifier: Apache-2.0 */
#include "bookkeeper_parts.h"

#include <plimsoll/clock.h>
#include <plimsoll/log.h>
#include <plimsoll/metrics.h>

#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Bindings under way at once. A kube-scheduler binds as fast as it schedules, some hundred a
 * second. */
#define BINDING_THREADS 8
/* Reads of a pod while others leave, before the scheduler is asked to come again. */
#define LOOK_UPS_MAX 5
/* An ExtenderBindingResult is a sentence. */
#define ANSWER_BYTES_MAX 4096

/* A /bind that waits; its address is the ticket. */
struct ask {
    struct plimsoll_bind_request request;
    struct plimsoll_http_exchange *exchange;
    unsigned look_ups;
    bool plain; /* the API server says that the pod has no GPU */
};

/* An effect that waits for the API server, or a step that must not be made in the middle of
 * another. */
struct errand {
    enum { ERRAND_EFFECT, ERRAND_ASK, ERRAND_LOOK_UP, ERRAND_LOOK, ERRAND_LOOK_OVER } kind;
    struct plimsoll_books_effects effect; /* one, taken from the list that the step gave */
    struct ask *ask;
    uint64_t gains;
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
};

static void answer(struct plimsoll_http_exchange *exchange, const char *message)
{
    plimsoll_autotext body = plimsoll_text_make(ANSWER_BYTES_MAX);
    plimsoll_extender_write_bind(message, &body);
    plimsoll_http_answer(exchange, 200, "application/json", &body);
}

/* The ask is the ticket: it lives until it is answered, and it is answered once. */
static struct ask *ask_of(uint64_t ticket)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): a ticket is an address. */
    return (struct ask *)(uintptr_t)ticket;
}

static void finish_ask(struct ask *ask, const char *message)
{
    answer(ask->exchange, message);
    free(ask);
}

/* -- effects ------------------------------------------------------------------------------------
 */

static void put_effect(struct plimsoll_lane *lane, struct plimsoll_books_effect *effect)
{
    struct errand *errand = plimsoll_alloc(1, sizeof *errand);
    errand->kind = ERRAND_EFFECT;
    errand->effect.list = plimsoll_alloc(1, sizeof *errand->effect.list);
    errand->effect.list[0] = *effect;
    errand->effect.count = 1;
    *effect = (struct plimsoll_books_effect){0};
    plimsoll_lane_put(lane, errand);
}

static void put_ask(struct plimsoll_bookkeeper *keeper, struct ask *ask, bool look_up)
{
    struct errand *errand = plimsoll_alloc(1, sizeof *errand);
    errand->kind = look_up ? ERRAND_LOOK_UP : ERRAND_ASK;
    errand->ask = ask;
    plimsoll_lane_put(keeper->bindings, errand);
}

static void put_look(struct plimsoll_bookkeeper *keeper, const char *node, uint64_t gains,
                     bool over)
{
    struct errand *errand = plimsoll_alloc(1, sizeof *errand);
    errand->kind = over ? ERRAND_LOOK_OVER : ERRAND_LOOK;
    errand->gains = gains;
    memcpy(errand->node, node, strnlen(node, sizeof errand->node - 1));
    plimsoll_lane_put(keeper->notes, errand);
}

static void carry_out_one(struct plimsoll_bookkeeper *keeper, struct plimsoll_books_effect *effect)
{
    const struct plimsoll_bind_request *request = &effect->request;
    switch (effect->kind) {
    case PLIMSOLL_BOOKS_ASSUME:
        plimsoll_cluster_assume(keeper->cluster, &request->uid, request->node, &effect->claim);
        break;
    case PLIMSOLL_BOOKS_FORGET:
        plimsoll_cluster_forget(keeper->cluster, &request->uid);
        break;
    case PLIMSOLL_BOOKS_HOLD:
        plimsoll_cluster_hold(keeper->cluster, &request->uid, request->node, &effect->demand,
                              &effect->claim);
        break;
    case PLIMSOLL_BOOKS_UNHOLD:
        plimsoll_cluster_unhold(keeper->cluster, &request->uid);
        break;
    case PLIMSOLL_BOOKS_ANSWER:
        finish_ask(ask_of(effect->ticket), effect->message);
        break;
    case PLIMSOLL_BOOKS_ASK_AGAIN:
        put_ask(keeper, ask_of(effect->ticket), false);
        break;
    case PLIMSOLL_BOOKS_LOOK:
        put_look(keeper, request->node, 0, false);
        break;
    case PLIMSOLL_BOOKS_POST:
    case PLIMSOLL_BOOKS_READ_POD:
        put_effect(keeper->bindings, effect);
        break;
    case PLIMSOLL_BOOKS_LEASE_READ:
    case PLIMSOLL_BOOKS_LEASE_WRITE:
    case PLIMSOLL_BOOKS_LIST:
        put_effect(keeper->lease, effect);
        break;
    case PLIMSOLL_BOOKS_WAKE:
        put_effect(keeper->notes, effect);
        break;
    case PLIMSOLL_BOOKS_LOOK_OVER:
        put_look(keeper, request->node, 0, true);
        break;
    case PLIMSOLL_BOOKS_TELL:
        plimsoll_teller_tell(keeper->teller, effect);
        break;
    }
}

/* Under the lock, so that the picture counts a claim before the next bind is decided. */
static void carry_out(struct plimsoll_bookkeeper *keeper, struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        carry_out_one(keeper, &effects->list[i]);
    }
    plimsoll_books_effects_clear(effects);
}

/* -- events -------------------------------------------------------------------------------------
 */

static void step_locked(struct plimsoll_bookkeeper *keeper, struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects)
{
    event->now_ms = plimsoll_clock_monotonic_ms();
    event->settings = &keeper->config->placement;
    plimsoll_books_step(keeper->books, event, effects);
}

void plimsoll_bookkeeper_step(struct plimsoll_bookkeeper *keeper, struct plimsoll_books_event event)
{
    struct plimsoll_books_effects effects = {0};
    pthread_mutex_lock(&keeper->lock);
    step_locked(keeper, &event, &effects);
    carry_out(keeper, &effects);
    pthread_mutex_unlock(&keeper->lock);
}

/* A step about a pod or a node of the picture as it is now. `pod` or `node` may be NULL: not part
 * of the event. @return false, with nothing done, when the picture does not have the pod, or the
 * node and that must be there. */
static bool step_with_picture(struct plimsoll_bookkeeper *keeper, struct plimsoll_books_event event,
                              const struct plimsoll_uid *pod, struct plimsoll_span node,
                              bool node_must_be_there)
{
    struct plimsoll_books_effects effects = {0};
    struct plimsoll_extender_node found;
    pthread_mutex_lock(&keeper->lock);
    plimsoll_cluster_read_begin(keeper->cluster);
    event.pod = pod != NULL ? plimsoll_cluster_pod(keeper->cluster, pod) : NULL;
    if (node.size > 0 && plimsoll_cluster_node(keeper->cluster, node, &found)) {
        event.view = found.view;
    }
    bool there = (pod == NULL || event.pod != NULL) &&
                 (node.size == 0 || event.view.node != NULL || !node_must_be_there);
    if (there) {
        step_locked(keeper, &event, &effects);
    }
    plimsoll_cluster_read_end(keeper->cluster);
    carry_out(keeper, &effects);
    pthread_mutex_unlock(&keeper->lock);
    return there;
}

/* Decides a bind by the picture as it is now. A pod that the picture does not have, or has no more,
 * is looked up: taking a GPU pod for one without would bind it past the books. */
static void decide(struct plimsoll_bookkeeper *keeper, struct ask *ask)
{
    struct plimsoll_books_event event = {.kind = PLIMSOLL_BOOKS_BIND_ASKED,
                                         .ticket = (uint64_t)(uintptr_t)ask,
                                         .request = &ask->request};
    if (ask->plain) {
        plimsoll_bookkeeper_step(keeper, event);
    } else if (!step_with_picture(keeper, event, &ask->request.uid,
                                  plimsoll_span_of(ask->request.node), false)) {
        if (keeper->kube != NULL) {
            put_ask(keeper, ask, true);
        } else {
            finish_ask(ask, "the pod is gone");
        }
    }
}

static int read_from_api(struct plimsoll_bookkeeper *keeper, struct ask *ask,
                         struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    plimsoll_autotext object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    uint64_t since = plimsoll_cluster_departures(keeper->cluster);
    if (plimsoll_kube_read_pod(keeper->kube, &ask->request, &object, err) != 0 ||
        plimsoll_pod_read(plimsoll_text_span(&object), &keeper->config->reading.resources, &pod,
                          err) != 0) {
        return -1;
    }
    bool finished = pod.finished;
    ask->plain = !pod.demand.gpu;
    plimsoll_pod_clear(&pod);
    if (finished) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "pod %s/%s has finished",
                                  ask->request.namespace_, ask->request.pod);
    }
    return plimsoll_cluster_meet(keeper->cluster, plimsoll_text_span(&object), since, err);
}

/* The picture has no such pod: it has no GPU, or the watch lags behind the scheduler's. Only the
 * API server knows which. */
static void look_up(struct plimsoll_bookkeeper *keeper, struct ask *ask)
{
    struct plimsoll_error err = {0};
    if (read_from_api(keeper, ask, &err) == 0) {
        decide(keeper, ask);
    } else if (err.kind == PLIMSOLL_ERR_EXPIRED && ++ask->look_ups < LOOK_UPS_MAX) {
        put_ask(keeper, ask, true);
    } else {
        finish_ask(ask, err.message);
    }
}

void plimsoll_bookkeeper_ask(struct plimsoll_bookkeeper *keeper,
                             const struct plimsoll_bind_request *request,
                             struct plimsoll_http_exchange *exchange)
{
    struct ask *ask = plimsoll_alloc(1, sizeof *ask);
    ask->request = *request;
    ask->exchange = exchange;
    plimsoll_cluster_read_begin(keeper->cluster);
    bool known = plimsoll_cluster_pod(keeper->cluster, &request->uid) != NULL;
    plimsoll_cluster_read_end(keeper->cluster);
    ask->plain = !known && keeper->kube == NULL;
    if (known || ask->plain) {
        decide(keeper, ask);
    } else {
        put_ask(keeper, ask, true);
    }
}

void plimsoll_bookkeeper_asked_anew(struct plimsoll_bookkeeper *keeper,
                                    const struct plimsoll_uid *pod)
{
    plimsoll_bookkeeper_step(
        keeper, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_ASKED_ANEW, .uid = *pod});
}

void plimsoll_bookkeeper_placed(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *pod,
                                struct plimsoll_span node)
{
    step_with_picture(keeper, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED}, pod,
                      node, true);
}

void plimsoll_bookkeeper_refused(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *pod,
                                 const struct plimsoll_span *names, size_t count, uint64_t gains)
{
    struct plimsoll_name_set asked = {0};
    for (size_t i = 0; i < count; i++) {
        plimsoll_name_set_add(&asked, names[i]);
    }
    step_with_picture(keeper,
                      (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_FILTERED,
                                                    .asked = &asked,
                                                    .names = names,
                                                    .name_count = count,
                                                    .gains = gains},
                      pod, (struct plimsoll_span){0}, true);
}

void plimsoll_bookkeeper_tick(struct plimsoll_bookkeeper *keeper)
{
    plimsoll_bookkeeper_step(keeper, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_TIME});
}

/* -- what the picture says ----------------------------------------------------------------------
 */

static void on_pod_seen(void *context, const struct plimsoll_uid *pod, const char *node,
                        bool claimed)
{
    plimsoll_bookkeeper_step(context, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_SEEN,
                                                                    .uid = *pod,
                                                                    .node = node,
                                                                    .claimed = claimed});
}

static void on_pod_gone(void *context, const struct plimsoll_uid *pod)
{
    plimsoll_bookkeeper_step(
        context, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE, .uid = *pod});
}

/* Also called in the middle of an effect, so the step is left to a lane. */
static void on_node_gained(void *context, const char *node, uint64_t gains)
{
    put_look(context, node, gains, false);
}

static void on_node_over(void *context, const char *node)
{
    put_look(context, node, 0, true);
}

static void on_claim_ignored(void *context, const char *home, const char *name, const char *why)
{
    (void)context;
    plimsoll_log(PLIMSOLL_LOG_WARN, "a claim does not count", PLIMSOLL_STR("namespace", home),
                 PLIMSOLL_STR("pod", name), PLIMSOLL_STR("err", why));
}

static void on_node_guaranteed(void *context, const char *node, enum plimsoll_guarantee guarantee)
{
    (void)context;
    plimsoll_log(PLIMSOLL_LOG_INFO, "a node promises pods with a vendor resource their card",
                 PLIMSOLL_STR("node", node),
                 PLIMSOLL_STR("guarantee", plimsoll_guarantee_text(guarantee)));
}

static void look(struct plimsoll_bookkeeper *keeper, const struct errand *errand)
{
    step_with_picture(keeper,
                      (struct plimsoll_books_event){.kind = errand->kind == ERRAND_LOOK
                                                                ? PLIMSOLL_BOOKS_NODE_GAINED
                                                                : PLIMSOLL_BOOKS_NODE_OVER,
                                                    .gains = errand->gains},
                      NULL, plimsoll_span_of(errand->node), true);
}

static void run_errand(void *context, void *item)
{
    struct plimsoll_bookkeeper *keeper = context;
    struct errand *errand = item;
    switch (errand->kind) {
    case ERRAND_EFFECT:
        plimsoll_errand_run(keeper, &errand->effect.list[0]);
        break;
    case ERRAND_ASK:
        decide(keeper, errand->ask);
        break;
    case ERRAND_LOOK_UP:
        look_up(keeper, errand->ask);
        break;
    case ERRAND_LOOK:
    case ERRAND_LOOK_OVER:
        look(keeper, errand);
        break;
    }
    plimsoll_books_effects_clear(&errand->effect);
    free(errand);
}

/* -- life ---------------------------------------------------------------------------------------
 */

/* Unlike that of every process before and after: a Lease that names it is this one's. */
static void write_identity(char identity[PLIMSOLL_HOLDER_SIZE])
{
    uint64_t number = 0;
    char host[128] = "";
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        abort(); /* every kernel with seccomp has it, and two alike would break the fence */
    }
    gethostname(host, sizeof host - 1);
    (void)snprintf(identity, PLIMSOLL_HOLDER_SIZE, "%s_%016llx", host, (unsigned long long)number);
}

struct plimsoll_bookkeeper *plimsoll_bookkeeper_start(struct plimsoll_cluster *cluster,
                                                      struct plimsoll_kube *kube,
                                                      const struct plimsoll_config *config)
{
    struct plimsoll_bookkeeper *keeper = plimsoll_alloc(1, sizeof *keeper);
    char identity[PLIMSOLL_HOLDER_SIZE];
    write_identity(identity);
    keeper->cluster = cluster;
    keeper->kube = kube;
    keeper->config = config;
    keeper->books = plimsoll_books_new(&(struct plimsoll_books_options){
        .identity = kube != NULL ? identity : NULL,
        .counter = (uint64_t)plimsoll_clock_unix_ms(),
    });
    pthread_mutex_init(&keeper->lock, NULL);
    keeper->bindings = plimsoll_lane_start(BINDING_THREADS, run_errand, keeper);
    keeper->lease = plimsoll_lane_start(1, run_errand, keeper);
    keeper->notes = plimsoll_lane_start(1, run_errand, keeper);
    keeper->teller = plimsoll_teller_start(cluster, kube, config, identity);
    if (kube != NULL) {
        plimsoll_kube_on_listed(kube, plimsoll_errand_listed, keeper);
    }
    plimsoll_cluster_listen(
        cluster, &(struct plimsoll_cluster_listener){.context = keeper,
                                                     .pod_seen = on_pod_seen,
                                                     .pod_gone = on_pod_gone,
                                                     .node_gained = on_node_gained,
                                                     .node_over = on_node_over,
                                                     .claim_ignored = on_claim_ignored,
                                                     .node_guaranteed = on_node_guaranteed});
    return keeper;
}

static struct plimsoll_books_state look_at_books(struct plimsoll_bookkeeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct plimsoll_books_state state = plimsoll_books_state(keeper->books);
    pthread_mutex_unlock(&keeper->lock);
    return state;
}

void plimsoll_bookkeeper_leave(struct plimsoll_bookkeeper *keeper, int64_t timeout_ms)
{
    int64_t until = plimsoll_clock_monotonic_ms() + timeout_ms;
    do {
        plimsoll_bookkeeper_step(keeper,
                                 (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_STOP});
        if (look_at_books(keeper).idle) {
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    } while (plimsoll_clock_monotonic_ms() < until);
    plimsoll_log(PLIMSOLL_LOG_WARN, "the Lease of the books is left to run out",
                 PLIMSOLL_STR("why", "bindings are in flight or in doubt"));
}

void plimsoll_bookkeeper_stop(struct plimsoll_bookkeeper **keeper)
{
    struct plimsoll_bookkeeper *stopped = PLIMSOLL_TAKE(*keeper);
    if (stopped == NULL) {
        return;
    }
    plimsoll_lane_stop(&stopped->bindings);
    plimsoll_lane_stop(&stopped->lease);
    plimsoll_lane_stop(&stopped->notes);
    plimsoll_teller_stop(&stopped->teller);
    plimsoll_books_free(&stopped->books);
    pthread_mutex_destroy(&stopped->lock);
    free(stopped);
}

/* -- who asks -----------------------------------------------------------------------------------
 */

struct plimsoll_bookkeeper_waiter *plimsoll_bookkeeper_waiters(struct plimsoll_bookkeeper *keeper,
                                                               size_t *count)
{
    struct plimsoll_bookkeeper_waiter *list = NULL;
    struct plimsoll_books_waiter waiter;
    pthread_mutex_lock(&keeper->lock);
    size_t waiting = plimsoll_books_state(keeper->books).waiting;
    if (waiting > 0) {
        list = plimsoll_alloc(waiting, sizeof *list);
    }
    for (*count = 0; *count < waiting; (*count)++) {
        if (!plimsoll_books_waiter_at(keeper->books, *count, &waiter)) {
            break;
        }
        list[*count] = (struct plimsoll_bookkeeper_waiter){waiter.uid, waiter.since_ms};
    }
    pthread_mutex_unlock(&keeper->lock);
    return list;
}

bool plimsoll_bookkeeper_asked(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *pod,
                               struct plimsoll_name_set *asked)
{
    struct plimsoll_books_waiter waiter;
    bool found = false;
    pthread_mutex_lock(&keeper->lock);
    for (size_t i = 0; !found && plimsoll_books_waiter_at(keeper->books, i, &waiter); i++) {
        found = strcmp(waiter.uid.text, pod->text) == 0;
        if (found) {
            *asked = *waiter.asked;
        }
    }
    pthread_mutex_unlock(&keeper->lock);
    return found;
}

void plimsoll_bookkeeper_metrics(struct plimsoll_bookkeeper *keeper, struct plimsoll_text *out)
{
    pthread_mutex_lock(&keeper->lock);
    struct plimsoll_bookkeeper_counts counts = keeper->counts;
    struct plimsoll_books_state state = plimsoll_books_state(keeper->books);
    pthread_mutex_unlock(&keeper->lock);
    const char *name = "plimsoll_bind_total";
    plimsoll_metrics_head(out, name, "counter", "Bindings posted, by what became of them.");
    plimsoll_metrics_uint(out, name, counts.bound, "result", "bound", NULL);
    plimsoll_metrics_uint(out, name, counts.refused, "result", "refused", NULL);
    plimsoll_metrics_uint(out, name, counts.unknown, "result", "unknown", NULL);
    name = "plimsoll_bind_in_doubt";
    plimsoll_metrics_head(out, name, "gauge",
                          "Bindings without a reply: their claims are kept until it is known.");
    plimsoll_metrics_uint(out, name, state.in_doubt, NULL);
    name = "plimsoll_books_held";
    plimsoll_metrics_head(out, name, "gauge", "1 while this process holds the Lease of the books.");
    plimsoll_metrics_uint(out, name, state.holds_lease, NULL);
    name = "plimsoll_soft_holds";
    plimsoll_metrics_head(out, name, "gauge", "Pods with a soft hold on their likely node.");
    plimsoll_metrics_uint(out, name, state.held, NULL);
    name = "plimsoll_waiting_pods";
    plimsoll_metrics_head(out, name, "gauge", "Pods that no node took and that are looked after.");
    plimsoll_metrics_uint(out, name, state.waiting, NULL);
    name = "plimsoll_woken_total";
    plimsoll_metrics_head(out, name, "counter", "Waiting pods woken because they fit again.");
    plimsoll_metrics_uint(out, name, counts.woken, NULL);
    plimsoll_teller_metrics(keeper->teller, state.untold, out);
}
