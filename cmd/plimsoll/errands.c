/* SPDX-License-Identifier: Apache-2.0 */
/* What the books' effects ask of the API server, and what it says to them. */
#include "bookkeeper_parts.h"

#include <plimsoll/clock.h>
#include <plimsoll/log.h>

#include <string.h>

static void log_reply(const struct plimsoll_books_effect *effect, enum plimsoll_bind_reply reply,
                      const char *message)
{
    static const char *const texts[] = {
        [PLIMSOLL_REPLY_BOUND] = "pod bound",
        [PLIMSOLL_REPLY_REFUSED] = "bind refused",
        [PLIMSOLL_REPLY_CONFLICT] = "bind in conflict",
        [PLIMSOLL_REPLY_UNKNOWN] = "bind without a reply",
    };
    const struct plimsoll_log_field fields[] = {
        PLIMSOLL_STR("namespace", effect->request.namespace_),
        PLIMSOLL_STR("pod", effect->request.pod),
        PLIMSOLL_STR("node", effect->request.node),
        PLIMSOLL_INT("cards", effect->claim.card_count + effect->claim.floating_cards),
        PLIMSOLL_STR("err", message),
    };
    bool bound = reply == PLIMSOLL_REPLY_BOUND;
    plimsoll_log_fields(bound ? PLIMSOLL_LOG_INFO : PLIMSOLL_LOG_WARN, texts[reply], fields,
                        bound ? 4 : 5);
}

static enum plimsoll_bind_reply send_binding(struct plimsoll_bookkeeper *keeper,
                                             const struct plimsoll_books_effect *effect,
                                             char message[PLIMSOLL_ERROR_MESSAGE_SIZE])
{
    if (keeper->kube == NULL) {
        return PLIMSOLL_REPLY_BOUND;
    }
    if (plimsoll_clock_monotonic_ms() >= effect->before_ms) {
        static const char why[] = "not sent: the Lease of the books ran out first";
        memcpy(message, why, sizeof why);
        return PLIMSOLL_REPLY_REFUSED;
    }
    return plimsoll_kube_bind(keeper->kube, effect, message);
}

/* Posts one Binding and reports what became of it. */
static void post(struct plimsoll_bookkeeper *keeper, const struct plimsoll_books_effect *effect)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    enum plimsoll_bind_reply reply = send_binding(keeper, effect, message);
    log_reply(effect, reply, message);
    pthread_mutex_lock(&keeper->lock);
    keeper->counts.bound += reply == PLIMSOLL_REPLY_BOUND;
    keeper->counts.refused += reply == PLIMSOLL_REPLY_REFUSED || reply == PLIMSOLL_REPLY_CONFLICT;
    keeper->counts.unknown += reply == PLIMSOLL_REPLY_UNKNOWN;
    pthread_mutex_unlock(&keeper->lock);
    plimsoll_bookkeeper_step(keeper,
                             (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                                           .uid = effect->request.uid,
                                                           .reply = reply,
                                                           .message = message});
}

static void report_pod(struct plimsoll_bookkeeper *keeper, const struct plimsoll_uid *uid,
                       const struct plimsoll_pod *pod)
{
    struct plimsoll_books_event event = {.kind = PLIMSOLL_BOOKS_POD_READ,
                                         .uid = *uid,
                                         .fact = PLIMSOLL_POD_UNBOUND,
                                         .node = pod->node};
    if (pod->finished) {
        event.fact = PLIMSOLL_POD_AWAY; /* holds nothing any more */
    } else if (pod->node[0] != '\0') {
        event.fact = PLIMSOLL_POD_BOUND;
        event.claim = plimsoll_pod_claimed(pod) ? &pod->claim : NULL;
    }
    plimsoll_bookkeeper_step(keeper, event);
}

static void read_pod(struct plimsoll_bookkeeper *keeper, const struct plimsoll_books_effect *effect)
{
    struct plimsoll_error err = {0};
    struct plimsoll_pod pod = {0};
    plimsoll_autotext object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    if (plimsoll_kube_read_pod(keeper->kube, &effect->request, &object, &err) == 0 &&
        plimsoll_pod_read(plimsoll_text_span(&object), &keeper->config->reading.resources, &pod,
                          &err) == 0) {
        report_pod(keeper, &effect->request.uid, &pod);
        plimsoll_pod_clear(&pod);
        return;
    }
    bool away = err.kind == PLIMSOLL_ERR_NOT_FOUND || err.kind == PLIMSOLL_ERR_CONFLICT;
    plimsoll_bookkeeper_step(keeper, (struct plimsoll_books_event){
                                         .kind = PLIMSOLL_BOOKS_POD_READ,
                                         .uid = effect->request.uid,
                                         .fact = away ? PLIMSOLL_POD_AWAY : PLIMSOLL_POD_UNREAD,
                                         .message = err.message});
}

static bool holds_lease(struct plimsoll_bookkeeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool holds = plimsoll_books_state(keeper->books).holds_lease;
    pthread_mutex_unlock(&keeper->lock);
    return holds;
}

static void report_lease(struct plimsoll_bookkeeper *keeper, enum plimsoll_lease_reply reply,
                         const struct plimsoll_lease *lease, const char *message)
{
    bool before = holds_lease(keeper);
    plimsoll_bookkeeper_step(keeper,
                             (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_LEASE_REPLIED,
                                                           .lease_reply = reply,
                                                           .lease = lease,
                                                           .message = message});
    bool after = holds_lease(keeper);
    if (before != after) {
        plimsoll_log(PLIMSOLL_LOG_INFO,
                     after ? "the books are kept here" : "the books are not kept here any more",
                     PLIMSOLL_STR("holder", lease->holder), PLIMSOLL_STR("err", message));
    }
}

void plimsoll_errand_listed(void *context, uint64_t ticket)
{
    plimsoll_bookkeeper_step(context, (struct plimsoll_books_event){
                                          .kind = PLIMSOLL_BOOKS_PODS_LISTED, .ticket = ticket});
}

static void run_lease(struct plimsoll_bookkeeper *keeper,
                      const struct plimsoll_books_effect *effect)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    const char *home = plimsoll_kube_namespace(keeper->kube);
    struct plimsoll_lease lease = {0};
    enum plimsoll_lease_reply reply;
    if (effect->kind == PLIMSOLL_BOOKS_LIST) {
        plimsoll_kube_relist(keeper->kube, PLIMSOLL_KIND_PODS, effect->ticket);
        return;
    }
    if (effect->kind == PLIMSOLL_BOOKS_LEASE_READ) {
        reply = plimsoll_kube_read_lease(keeper->kube, home, &lease, message);
    } else {
        reply = plimsoll_kube_write_lease(keeper->kube, home, effect->lease, &lease, message);
    }
    report_lease(keeper, reply, &lease, message);
}

static void wake(struct plimsoll_bookkeeper *keeper, const struct plimsoll_books_effect *effect)
{
    struct plimsoll_error err = {0};
    if (keeper->kube == NULL) {
        return;
    }
    int result = plimsoll_kube_wake(keeper->kube, &effect->request, effect->counter, &err);
    plimsoll_log(result == 0 ? PLIMSOLL_LOG_INFO : PLIMSOLL_LOG_WARN,
                 result == 0 ? "pod woken" : "pod not woken",
                 PLIMSOLL_STR("namespace", effect->request.namespace_),
                 PLIMSOLL_STR("pod", effect->request.pod), PLIMSOLL_STR("err", err.message));
    pthread_mutex_lock(&keeper->lock);
    keeper->counts.woken += result == 0;
    pthread_mutex_unlock(&keeper->lock);
}

void plimsoll_errand_run(struct plimsoll_bookkeeper *keeper,
                         const struct plimsoll_books_effect *effect)
{
    if (effect->kind == PLIMSOLL_BOOKS_POST) {
        post(keeper, effect);
    } else if (effect->kind == PLIMSOLL_BOOKS_READ_POD) {
        read_pod(keeper, effect);
    } else if (effect->kind == PLIMSOLL_BOOKS_WAKE) {
        wake(keeper, effect);
    } else {
        run_lease(keeper, effect);
    }
}
