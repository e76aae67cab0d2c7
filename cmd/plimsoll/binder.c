/* SPDX-License-Identifier: Apache-2.0 */
#include "binder.h"

#include <plimsoll/books.h>
#include <plimsoll/log.h>
#include <plimsoll/metrics.h>

#include <pthread.h>

/* Bindings under way at once. A kube-scheduler binds as fast as it schedules, some hundred a
 * second. */
#define POSTERS 8
/* An ExtenderBindingResult is a sentence. */
#define ANSWER_BYTES_MAX 4096

/* Work that waits for the API server: a Binding to post, or a pod to read before its bind is
 * decided. */
struct job {
    struct plimsoll_books_effects
        post; /* one effect, taken from the list that the step gave; or none */
    struct plimsoll_bind_request request;
    struct plimsoll_http_exchange *exchange;
    struct job *next;
};

struct plimsoll_binder {
    struct plimsoll_cluster *cluster;
    struct plimsoll_kube *kube;
    const struct plimsoll_placement_settings *settings;
    pthread_mutex_t lock; /* the books and the queue */
    struct plimsoll_books *books;
    struct job *first, **last;
    pthread_cond_t queued;
    bool stopping;
    uint64_t bound, refused, unknown;
    pthread_t posters[POSTERS];
};

static void answer(struct plimsoll_http_exchange *exchange, const char *message)
{
    plimsoll_autotext body = plimsoll_text_make(ANSWER_BYTES_MAX);
    plimsoll_extender_write_bind(message, &body);
    plimsoll_http_answer(exchange, 200, "application/json", &body);
}

/* Under the lock. */
static void enqueue(struct plimsoll_binder *binder, struct job *job)
{
    *binder->last = job;
    binder->last = &job->next;
    pthread_cond_signal(&binder->queued);
}

static void enqueue_post(struct plimsoll_binder *binder, struct plimsoll_books_effect *effect)
{
    struct job *job = plimsoll_alloc(1, sizeof *job);
    job->post.list = plimsoll_alloc(1, sizeof *job->post.list);
    job->post.list[0] = *effect;
    job->post.count = 1;
    *effect = (struct plimsoll_books_effect){0};
    enqueue(binder, job);
}

/* Under the lock, so that the picture counts a claim before the next bind is decided. */
static void carry_out(struct plimsoll_binder *binder, struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        struct plimsoll_books_effect *effect = &effects->list[i];
        switch (effect->kind) {
        case PLIMSOLL_BOOKS_ASSUME:
            plimsoll_cluster_assume(binder->cluster, &effect->request.uid, effect->request.node,
                                    &effect->claim);
            break;
        case PLIMSOLL_BOOKS_FORGET:
            plimsoll_cluster_forget(binder->cluster, &effect->request.uid);
            break;
        case PLIMSOLL_BOOKS_POST:
            enqueue_post(binder, effect);
            break;
        case PLIMSOLL_BOOKS_ANSWER:
            /* The exchange is the ticket: it lives until it is answered, and it is answered once.
             * NOLINTNEXTLINE(performance-no-int-to-ptr): that makes the ticket an address. */
            answer((struct plimsoll_http_exchange *)(uintptr_t)effect->ticket, effect->message);
            break;
        }
    }
    plimsoll_books_effects_clear(effects);
}

static void step(struct plimsoll_binder *binder, const struct plimsoll_books_event *event)
{
    struct plimsoll_books_effects effects = {0};
    pthread_mutex_lock(&binder->lock);
    plimsoll_books_step(binder->books, event, &effects);
    carry_out(binder, &effects);
    pthread_mutex_unlock(&binder->lock);
}

/* Decides a bind by the picture as it is now. */
static void decide(struct plimsoll_binder *binder, const struct plimsoll_bind_request *request,
                   struct plimsoll_http_exchange *exchange)
{
    struct plimsoll_books_event event = {.kind = PLIMSOLL_BOOKS_BIND_ASKED,
                                         .ticket = (uint64_t)(uintptr_t)exchange,
                                         .request = request,
                                         .settings = binder->settings};
    struct plimsoll_books_effects effects = {0};
    struct plimsoll_extender_node node;
    pthread_mutex_lock(&binder->lock);
    plimsoll_cluster_read_begin(binder->cluster);
    event.pod = plimsoll_cluster_pod(binder->cluster, &request->uid);
    if (plimsoll_cluster_node(binder->cluster, plimsoll_span_of(request->node), &node)) {
        event.view = node.view;
    }
    plimsoll_books_step(binder->books, &event, &effects);
    plimsoll_cluster_read_end(binder->cluster);
    carry_out(binder, &effects);
    pthread_mutex_unlock(&binder->lock);
}

/*
 * The picture has no such pod: it has no GPU, or the watch lags behind the scheduler's. Only the
 * API server knows which; taking a GPU pod for one without would bind it past the books.
 */
static void look_up(struct plimsoll_binder *binder, const struct job *job)
{
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(PLIMSOLL_OBJECT_BYTES_MAX);
    if (plimsoll_kube_read_pod(binder->kube, &job->request, &object, &err) != 0 ||
        plimsoll_cluster_set(binder->cluster, PLIMSOLL_KIND_PODS, plimsoll_text_span(&object),
                             &err) != 0) {
        answer(job->exchange, err.message);
        return;
    }
    decide(binder, &job->request, job->exchange);
}

void plimsoll_binder_ask(struct plimsoll_binder *binder,
                         const struct plimsoll_bind_request *request,
                         struct plimsoll_http_exchange *exchange)
{
    plimsoll_cluster_read_begin(binder->cluster);
    bool known = plimsoll_cluster_pod(binder->cluster, &request->uid) != NULL;
    plimsoll_cluster_read_end(binder->cluster);
    if (known || binder->kube == NULL) {
        decide(binder, request, exchange);
        return;
    }
    struct job *job = plimsoll_alloc(1, sizeof *job);
    job->request = *request;
    job->exchange = exchange;
    pthread_mutex_lock(&binder->lock);
    enqueue(binder, job);
    pthread_mutex_unlock(&binder->lock);
}

static void log_reply(const struct plimsoll_books_effect *effect, enum plimsoll_bind_reply reply,
                      const char *message)
{
    const struct plimsoll_log_field fields[] = {
        PLIMSOLL_STR("namespace", effect->request.namespace_),
        PLIMSOLL_STR("pod", effect->request.pod),
        PLIMSOLL_STR("node", effect->request.node),
        PLIMSOLL_INT("cards", effect->claim.card_count + effect->claim.floating_cards),
        PLIMSOLL_STR("err", message),
    };
    if (reply == PLIMSOLL_REPLY_BOUND) {
        plimsoll_log_fields(PLIMSOLL_LOG_INFO, "pod bound", fields, 4);
    } else {
        plimsoll_log_fields(
            PLIMSOLL_LOG_WARN,
            reply == PLIMSOLL_REPLY_REFUSED ? "bind refused" : "bind without a reply", fields, 5);
    }
}

/* Posts one Binding and reports what became of it. */
static void post(struct plimsoll_binder *binder, struct plimsoll_books_effect *effect)
{
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE] = "";
    enum plimsoll_bind_reply reply = PLIMSOLL_REPLY_BOUND;
    if (binder->kube != NULL) {
        reply = plimsoll_kube_bind(binder->kube, effect, message);
    }
    log_reply(effect, reply, message);
    pthread_mutex_lock(&binder->lock);
    binder->bound += reply == PLIMSOLL_REPLY_BOUND;
    binder->refused += reply == PLIMSOLL_REPLY_REFUSED;
    binder->unknown += reply == PLIMSOLL_REPLY_UNKNOWN;
    pthread_mutex_unlock(&binder->lock);
    step(binder, &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                                .uid = effect->request.uid,
                                                .node = effect->request.node,
                                                .reply = reply,
                                                .message = message});
}

/* The oldest job, or NULL when the binder stops and none is left. */
static struct job *take_job(struct plimsoll_binder *binder)
{
    pthread_mutex_lock(&binder->lock);
    while (binder->first == NULL && !binder->stopping) {
        pthread_cond_wait(&binder->queued, &binder->lock);
    }
    struct job *taken = binder->first;
    if (taken != NULL) {
        binder->first = taken->next;
        if (binder->first == NULL) {
            binder->last = &binder->first;
        }
    }
    pthread_mutex_unlock(&binder->lock);
    return taken;
}

static void *run_poster(void *context)
{
    struct plimsoll_binder *binder = context;
    for (struct job *job; (job = take_job(binder)) != NULL;) {
        if (job->post.count > 0) {
            post(binder, &job->post.list[0]);
            plimsoll_books_effects_clear(&job->post);
        } else {
            look_up(binder, job);
        }
        free(job);
    }
    return NULL;
}

static void on_pod_seen(void *context, const struct plimsoll_uid *pod, const char *node)
{
    step(context, &(struct plimsoll_books_event){
                      .kind = PLIMSOLL_BOOKS_POD_SEEN, .uid = *pod, .node = node});
}

static void on_pod_gone(void *context, const struct plimsoll_uid *pod)
{
    step(context, &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE, .uid = *pod});
}

struct plimsoll_binder *plimsoll_binder_start(struct plimsoll_cluster *cluster,
                                              struct plimsoll_kube *kube,
                                              const struct plimsoll_placement_settings *settings)
{
    struct plimsoll_binder *binder = plimsoll_alloc(1, sizeof *binder);
    binder->cluster = cluster;
    binder->kube = kube;
    binder->settings = settings;
    binder->books = plimsoll_books_new();
    binder->last = &binder->first;
    pthread_mutex_init(&binder->lock, NULL);
    pthread_cond_init(&binder->queued, NULL);
    for (size_t i = 0; i < POSTERS; i++) {
        if (pthread_create(&binder->posters[i], NULL, run_poster, binder) != 0) {
            abort(); /* no threads is no memory */
        }
    }
    plimsoll_cluster_listen(cluster, &(struct plimsoll_cluster_listener){.context = binder,
                                                                         .pod_seen = on_pod_seen,
                                                                         .pod_gone = on_pod_gone});
    return binder;
}

void plimsoll_binder_stop(struct plimsoll_binder **binder)
{
    struct plimsoll_binder *stopped = PLIMSOLL_TAKE(*binder);
    if (stopped == NULL) {
        return;
    }
    pthread_mutex_lock(&stopped->lock);
    stopped->stopping = true;
    pthread_cond_broadcast(&stopped->queued);
    pthread_mutex_unlock(&stopped->lock);
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(stopped->posters[i], NULL);
    }
    plimsoll_books_free(&stopped->books);
    pthread_cond_destroy(&stopped->queued);
    pthread_mutex_destroy(&stopped->lock);
    free(stopped);
}

void plimsoll_binder_metrics(struct plimsoll_binder *binder, struct plimsoll_text *out)
{
    pthread_mutex_lock(&binder->lock);
    uint64_t bound = binder->bound, refused = binder->refused, unknown = binder->unknown;
    pthread_mutex_unlock(&binder->lock);
    const char *name = "plimsoll_bind_total";
    plimsoll_metrics_head(out, name, "counter", "Bindings posted, by what became of them.");
    plimsoll_metrics_uint(out, name, bound, "result", "bound", NULL);
    plimsoll_metrics_uint(out, name, refused, "result", "refused", NULL);
    plimsoll_metrics_uint(out, name, unknown, "result", "unknown", NULL);
}
