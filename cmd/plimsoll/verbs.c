/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs.h"

#include "page.h"
#include "status_page.h"

#include <plimsoll/admission.h>
#include <plimsoll/extender.h>

#include <string.h>
#include <sys/random.h>

/* A review is answered within the API server's 10 s, a filter within the scheduler's 5 s: a body
 * that takes longer to arrive is nobody's any more. */
#define MUTATE_DEADLINE_MS 10000u
#define VERB_DEADLINE_MS   30000u
#define GET_DEADLINE_MS    10000u
/* A GET has no body to speak of. */
#define GET_BODY_BYTES_MAX 1024u

static const char json_type[] = "application/json";

/* -- the picture ----------------------------------------------------------------------------------
 */

/* After so long without a word from the API server the picture is not trusted to be the cluster. */
#define SILENCE_MS_MAX 300000

/* Are the first `kinds` of enum plimsoll_kind listed and not too old? Without a picture: yes. */
static int check_picture(const struct plimsoll_verbs *verbs, enum plimsoll_kind kinds,
                         struct plimsoll_error *err)
{
    static const char *const names[] = {"nodes", "pods", "runtimeclasses"};
    for (int i = 0; verbs->cluster != NULL && i < (int)kinds; i++) {
        enum plimsoll_kind kind = (enum plimsoll_kind)i;
        if (!plimsoll_cluster_synced(verbs->cluster, kind)) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s are not listed yet",
                                      names[i]);
        }
        if (verbs->kube != NULL && plimsoll_kube_silence_ms(verbs->kube, kind) > SILENCE_MS_MAX) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                      "nothing heard of %s for five minutes", names[i]);
        }
    }
    return 0;
}

/* Nodes and pods are what placing needs. */
static bool can_place(const struct plimsoll_verbs *verbs)
{
    struct plimsoll_error unused;
    return check_picture(verbs, PLIMSOLL_KIND_RUNTIME_CLASSES, &unused) == 0;
}

/* -- /mutate ------------------------------------------------------------------------------------
 */

static int mutate(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                  struct plimsoll_error *err)
{
    struct plimsoll_verbs *verbs = context;
    struct plimsoll_facts facts = {0};
    if (verbs->cluster != NULL) {
        facts = plimsoll_cluster_facts(verbs->cluster);
    }
    enum plimsoll_admission_result result;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    if (plimsoll_admission_review(verbs->config, &facts, body, &answer, &result, err) != 0) {
        return -1;
    }
    atomic_fetch_add_explicit(&verbs->counts.admission[result], 1, memory_order_relaxed);
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

/* -- /filter and /prioritize: streamed, the picture held only while answering
 * ------------------------ */

struct verb_call {
    struct plimsoll_verbs *verbs;
    struct plimsoll_extender_world world;
    struct plimsoll_extender_call *call;
    uint64_t gains; /* of the picture when it was last held */
    bool keeps;     /* what comes of it is told to the books */
};

static bool find_node(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out)
{
    const struct verb_call *call = context;
    return plimsoll_cluster_node(call->verbs->cluster, name, out);
}

static void find_nodes(void *context, const struct plimsoll_span *names, size_t count,
                       uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    const struct verb_call *call = context;
    plimsoll_cluster_find(call->verbs->cluster, names, count, place, out);
}

static void open_node(void *context, const struct plimsoll_extender_glimpse *glimpse,
                      struct plimsoll_extender_node *out)
{
    const struct verb_call *call = context;
    plimsoll_cluster_open(call->verbs->cluster, glimpse, out);
}

static const char *find_pod(void *context, const struct plimsoll_uid *pod)
{
    const struct verb_call *call = context;
    return plimsoll_cluster_node_of(call->verbs->cluster, pod);
}

static void ask_anew(void *context, const struct plimsoll_uid *pod)
{
    const struct verb_call *call = context;
    plimsoll_bookkeeper_asked_anew(call->verbs->keeper, pod);
}

static void hold(void *context)
{
    struct verb_call *call = context;
    plimsoll_cluster_read_begin(call->verbs->cluster);
    call->gains = plimsoll_cluster_gains(call->verbs->cluster);
}

static void release(void *context)
{
    const struct verb_call *call = context;
    plimsoll_cluster_read_end(call->verbs->cluster);
}

static void open_world(struct verb_call *call)
{
    call->world = (struct plimsoll_extender_world){.synced = can_place(call->verbs),
                                                   .cache = call->verbs->node_cache};
    if (call->verbs->cluster != NULL) {
        call->world.context = call;
        call->world.node = find_node;
        call->world.find = find_nodes;
        call->world.open = open_node;
        call->world.node_of = find_pod;
        call->world.asked = call->keeps ? ask_anew : NULL;
        call->world.nominees = call->verbs->nominees;
        call->world.hold = hold;
        call->world.release = release;
    }
}

static struct verb_call *begin(struct plimsoll_verbs *verbs,
                               const struct plimsoll_http_exchange *exchange,
                               enum plimsoll_extender_verb verb)
{
    struct verb_call *call = plimsoll_alloc(1, sizeof *call);
    call->verbs = verbs;
    call->keeps = verbs->keeper != NULL && plimsoll_http_trusted(exchange);
    open_world(call);
    call->call = plimsoll_extender_begin(verb, &call->world, &verbs->config->reading,
                                         &verbs->config->placement);
    return call;
}

static void *begin_filter(void *context, struct plimsoll_http_exchange *exchange,
                          struct plimsoll_error *err)
{
    (void)err;
    return begin(context, exchange, PLIMSOLL_VERB_FILTER);
}

static void *begin_prioritize(void *context, struct plimsoll_http_exchange *exchange,
                              struct plimsoll_error *err)
{
    (void)err;
    return begin(context, exchange, PLIMSOLL_VERB_PRIORITIZE);
}

static int feed(void *state, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    struct verb_call *call = state;
    return plimsoll_extender_feed(call->call, bytes, err);
}

static void count_outcome(struct plimsoll_verb_counts *counts,
                          const struct plimsoll_extender_outcome *outcome)
{
    atomic_fetch_add_explicit(outcome->gpu ? &counts->filter_gpu : &counts->filter_other, 1,
                              memory_order_relaxed);
    for (size_t i = 0; i <= PLIMSOLL_REFUSED; i++) {
        if (outcome->rejected[i] > 0) {
            atomic_fetch_add_explicit(&counts->nodes_rejected[i], outcome->rejected[i],
                                      memory_order_relaxed);
        }
    }
}

/* Preempt is asked next, if the scheduler sees anybody to evict. */
static void note_refusal(const struct verb_call *call,
                         const struct plimsoll_extender_outcome *outcome)
{
    if (call->keeps && outcome->gpu && !outcome->unavailable && outcome->passed == 0) {
        plimsoll_nominees_note_refusal(call->verbs->nominees, call->call);
    }
}

/* The books hold a place for a pod that found one, and look after one that did not. */
static void tell_books(const struct verb_call *call,
                       const struct plimsoll_extender_outcome *outcome)
{
    const struct plimsoll_pod *pod = plimsoll_extender_pod(call->call);
    struct plimsoll_bookkeeper *keeper = call->verbs->keeper;
    if (!call->keeps || !outcome->gpu || outcome->unavailable || pod->uid.text[0] == '\0') {
        return;
    }
    if (outcome->likely.size > 0) {
        plimsoll_bookkeeper_placed(keeper, &pod->uid, outcome->likely);
    } else if (outcome->passed == 0 && outcome->asked > 0) {
        struct plimsoll_span *names = plimsoll_alloc(outcome->asked, sizeof *names);
        for (size_t i = 0; i < outcome->asked; i++) {
            names[i] = plimsoll_extender_name(call->call, i);
        }
        plimsoll_bookkeeper_refused(keeper, &pod->uid, names, outcome->asked, call->gains);
        free(names);
    }
}

static int finish(void *state, struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    struct verb_call *call = state;
    struct plimsoll_extender_outcome outcome = {0};
    /* Full nodes go back verbatim: an answer is about as large as the body at most. */
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    if (plimsoll_extender_finish(call->call, &answer, &outcome, err) != 0) {
        return -1;
    }
    count_outcome(&call->verbs->counts, &outcome);
    tell_books(call, &outcome);
    note_refusal(call, &outcome);
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

static void end(void *state)
{
    struct verb_call *call = state;
    plimsoll_extender_free(&call->call);
    free(call);
}

static const struct plimsoll_http_handler filter_handler = {begin_filter, feed, finish, end};
static const struct plimsoll_http_handler prioritize_handler = {begin_prioritize, feed, finish,
                                                                end};

/* -- /preempt
 * --------------------------------------------------------------------------------------- */

static void count_preemption(struct plimsoll_verb_counts *counts,
                             const struct plimsoll_preempt_outcome *outcome)
{
    atomic_fetch_add_explicit(outcome->gpu ? &counts->preempt_gpu : &counts->preempt_other, 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->candidates_passed, outcome->passed, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->candidates_dropped, outcome->asked - outcome->passed,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->victims_added, outcome->added, memory_order_relaxed);
}

static int preempt(void *context, struct plimsoll_span body,
                   struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    struct plimsoll_verbs *verbs = context;
    struct verb_call call = {.verbs = verbs};
    struct plimsoll_preempt_outcome outcome;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_PREEMPT_BYTES_MAX);
    open_world(&call);
    if (plimsoll_extender_preempt(&call.world, &verbs->config->reading, &verbs->config->placement,
                                  body, &answer, &outcome, err) != 0) {
        return -1;
    }
    count_preemption(&verbs->counts, &outcome);
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

/* -- /bind
 * ------------------------------------------------------------------------------------------ */

static int bind_pod(void *context, struct plimsoll_span body,
                    struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    struct plimsoll_verbs *verbs = context;
    struct plimsoll_bind_request request;
    if (plimsoll_extender_read_bind(body, &request, err) != 0) {
        return -1;
    }
    struct plimsoll_error why = {.message = "there is no picture of the cluster"};
    if (verbs->keeper == NULL || check_picture(verbs, PLIMSOLL_KIND_RUNTIME_CLASSES, &why) != 0) {
        plimsoll_autotext answer = plimsoll_text_make(1024);
        plimsoll_extender_write_bind(why.message, &answer);
        plimsoll_http_answer(exchange, 200, json_type, &answer);
        return 0;
    }
    plimsoll_http_defer(exchange);
    plimsoll_bookkeeper_ask(verbs->keeper, &request, exchange);
    return 0;
}

/* -- health
 * ------------------------------------------------------------------------------------------ */

static int is_not_stopping(void *context, struct plimsoll_error *err)
{
    struct plimsoll_verbs *verbs = context;
    return atomic_load(&verbs->stopping)
               ? plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "stopping")
               : 0;
}

int plimsoll_verbs_current(const struct plimsoll_verbs *verbs, struct plimsoll_error *err)
{
    return check_picture(verbs, PLIMSOLL_KIND_COUNT, err);
}

static int is_current(void *context, struct plimsoll_error *err)
{
    return plimsoll_verbs_current(context, err);
}

/* -- the table
 * --------------------------------------------------------------------------------------- */

static void add(struct plimsoll_http_route *routes, size_t *count, struct plimsoll_http_route route)
{
    routes[(*count)++] = route;
}

static struct plimsoll_http_route post_route(const char *path,
                                             const struct plimsoll_http_handler *handler,
                                             void *context, size_t body_bytes_max)
{
    return (struct plimsoll_http_route){.method = "POST",
                                        .path = path,
                                        .name = path + 1,
                                        .handler = handler,
                                        .context = context,
                                        .body_bytes_max = body_bytes_max,
                                        .deadline_ms = VERB_DEADLINE_MS};
}

static struct plimsoll_http_route get_route(const char *path, const char *name,
                                            const struct plimsoll_http_handler *handler,
                                            void *context)
{
    return (struct plimsoll_http_route){.method = "GET",
                                        .path = path,
                                        .name = name,
                                        .handler = handler,
                                        .context = context,
                                        .body_bytes_max = GET_BODY_BYTES_MAX,
                                        .deadline_ms = GET_DEADLINE_MS};
}

/* Without a secret there is none: full nodes are read anew each time. */
static struct plimsoll_node_cache *make_node_cache(void)
{
    unsigned char key[PLIMSOLL_NODE_CACHE_KEY_SIZE];
    return getrandom(key, sizeof key, 0) == (ssize_t)sizeof key ? plimsoll_node_cache_new(key)
                                                                : NULL;
}

void plimsoll_verbs_init(struct plimsoll_verbs *verbs)
{
    verbs->nominees = plimsoll_nominees_new();
    verbs->node_cache = make_node_cache();
    verbs->mutate = (struct plimsoll_http_buffer){mutate, verbs};
    verbs->preempt = (struct plimsoll_http_buffer){preempt, verbs};
    verbs->bind = (struct plimsoll_http_buffer){bind_pod, verbs};
    verbs->page = (struct plimsoll_http_buffer){plimsoll_status_page_answer, verbs};
    verbs->page_data = (struct plimsoll_http_buffer){plimsoll_status_data_answer, verbs};
    verbs->metrics = (struct plimsoll_http_buffer){plimsoll_metrics_answer, verbs};
    verbs->ready[0] = (struct plimsoll_health_check){"running", is_not_stopping, verbs};
    verbs->ready[1] = (struct plimsoll_health_check){"cluster", is_current, verbs};
    verbs->livez = (struct plimsoll_health){.name = "livez"};
    verbs->ready[2] = (struct plimsoll_health_check){"certificates", plimsoll_certificates_ready,
                                                     verbs->certificates};
    verbs->readyz =
        (struct plimsoll_health){"readyz", verbs->ready, verbs->certificates != NULL ? 3 : 2};

    struct plimsoll_http_route filter =
        post_route("/filter", &filter_handler, verbs, PLIMSOLL_FILTER_BYTES_MAX);
    struct plimsoll_http_route prioritize =
        post_route("/prioritize", &prioritize_handler, verbs, PLIMSOLL_FILTER_BYTES_MAX);
    struct plimsoll_http_route preemption = post_route("/preempt", &plimsoll_http_buffered,
                                                       &verbs->preempt, PLIMSOLL_PREEMPT_BYTES_MAX);
    struct plimsoll_http_route bind =
        post_route("/bind", &plimsoll_http_buffered, &verbs->bind, PLIMSOLL_BIND_BYTES_MAX);
    struct plimsoll_http_route review =
        post_route("/mutate", &plimsoll_http_buffered, &verbs->mutate, PLIMSOLL_REVIEW_BYTES_MAX);
    struct plimsoll_http_route page = get_route("/", "page", &plimsoll_http_buffered, &verbs->page);
    struct plimsoll_http_route page_data =
        get_route("/page.json", "page_data", &plimsoll_http_buffered, &verbs->page_data);
    page.for_people = page_data.for_people = true;
    review.deadline_ms = MUTATE_DEADLINE_MS;

    add(verbs->loopback, &verbs->loopback_count, filter);
    add(verbs->loopback, &verbs->loopback_count, prioritize);
    add(verbs->loopback, &verbs->loopback_count, preemption);
    add(verbs->loopback, &verbs->loopback_count, bind);
    add(verbs->loopback, &verbs->loopback_count, page);
    add(verbs->loopback, &verbs->loopback_count, page_data);

    /* With a client CA the verbs are for its holders; without one nobody may bind
     * or learn who holds what here. */
    bool certified = verbs->config->client_ca != NULL;
    filter.trusted_only = prioritize.trusted_only = certified;
    preemption.trusted_only = bind.trusted_only = true;
    page.trusted_only = page_data.trusted_only = true;
    add(verbs->https, &verbs->https_count, review);
    add(verbs->https, &verbs->https_count, filter);
    add(verbs->https, &verbs->https_count, prioritize);
    if (certified) {
        add(verbs->https, &verbs->https_count, preemption);
        add(verbs->https, &verbs->https_count, bind);
        add(verbs->https, &verbs->https_count, page);
        add(verbs->https, &verbs->https_count, page_data);
    }

    add(verbs->monitoring, &verbs->monitoring_count,
        get_route("/metrics", "metrics", &plimsoll_http_buffered, &verbs->metrics));
    add(verbs->monitoring, &verbs->monitoring_count,
        get_route("/livez", "livez", &plimsoll_health_handler, &verbs->livez));
    add(verbs->monitoring, &verbs->monitoring_count,
        get_route("/readyz", "readyz", &plimsoll_health_handler, &verbs->readyz));
    add(verbs->monitoring, &verbs->monitoring_count,
        get_route("/healthz", "healthz", &plimsoll_health_handler, &verbs->livez));
}

void plimsoll_verbs_clear(struct plimsoll_verbs *verbs)
{
    plimsoll_nominees_free(&verbs->nominees);
    plimsoll_node_cache_free(&verbs->node_cache);
}
