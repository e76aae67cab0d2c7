/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's side of /bind, the books, and an API server that takes every Binding. */
#include "parts.h"

#include <plimsoll/books.h>

#include <string.h>

#define BODY_BYTES_MAX 4096u

/* ExtenderBindingArgs. */
static int read_request(const struct plimsoll_pod *pod, const char *node,
                        struct plimsoll_bind_request *request, struct plimsoll_error *err)
{
    plimsoll_autotext body = plimsoll_text_make(BODY_BYTES_MAX);
    plimsoll_text_add_string(&body, "{\"PodName\":");
    plimsoll_text_add_json(&body, plimsoll_span_of(pod->name));
    plimsoll_text_add_string(&body, ",\"PodNamespace\":");
    plimsoll_text_add_json(&body, plimsoll_span_of(pod->namespace_));
    plimsoll_text_add_string(&body, ",\"PodUID\":");
    plimsoll_text_add_json(&body, plimsoll_span_of(pod->uid.text));
    plimsoll_text_add_string(&body, ",\"Node\":");
    plimsoll_text_add_json(&body, plimsoll_span_of(node));
    plimsoll_text_add_string(&body, "}");
    return plimsoll_extender_read_bind(plimsoll_text_span(&body), request, err);
}

static void take_binding(struct plimsoll_books_effect *effect,
                         struct plimsoll_simulated_binding *binding)
{
    plimsoll_claim_clear(&binding->claim);
    plimsoll_claim_copy(&effect->claim, &binding->claim);
    for (size_t i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX; i++) {
        free(binding->visible[i]);
        binding->visible[i] = PLIMSOLL_TAKE(effect->visible[i]);
    }
}

/* @return true when a Binding was posted. */
static bool carry_out(struct plimsoll_simulation *simulation,
                      struct plimsoll_books_effects *effects,
                      struct plimsoll_simulated_binding *binding)
{
    bool posted = false;
    for (size_t i = 0; i < effects->count; i++) {
        struct plimsoll_books_effect *effect = &effects->list[i];
        if (effect->kind == PLIMSOLL_BOOKS_ASSUME) {
            plimsoll_cluster_assume(simulation->cluster, &effect->request.uid, effect->request.node,
                                    &effect->claim);
        } else if (effect->kind == PLIMSOLL_BOOKS_FORGET) {
            plimsoll_cluster_forget(simulation->cluster, &effect->request.uid);
        } else if (effect->kind == PLIMSOLL_BOOKS_POST) {
            take_binding(effect, binding);
            posted = true;
        } else if (effect->kind == PLIMSOLL_BOOKS_ANSWER) {
            plimsoll_text_add_string(&binding->refused, effect->message);
        }
    }
    plimsoll_books_effects_clear(effects);
    return posted;
}

static bool step(struct plimsoll_simulation *simulation, struct plimsoll_books_event *event,
                 struct plimsoll_simulated_binding *binding)
{
    struct plimsoll_books_effects effects = {0};
    struct plimsoll_extender_node found;
    event->now_ms = ++simulation->now_ms;
    event->settings = &simulation->config->placement;
    plimsoll_cluster_read_begin(simulation->cluster);
    if (event->request != NULL) {
        event->pod = plimsoll_cluster_pod(simulation->cluster, &event->request->uid);
        if (plimsoll_cluster_node(simulation->cluster, plimsoll_span_of(event->request->node),
                                  &found)) {
            event->view = found.view;
        }
    }
    plimsoll_books_step(simulation->books, event, &effects);
    plimsoll_cluster_read_end(simulation->cluster);
    return carry_out(simulation, &effects, binding);
}

int plimsoll_simulate_bind(struct plimsoll_simulation *simulation, const struct plimsoll_pod *pod,
                           const char *node, struct plimsoll_simulated_binding *binding,
                           struct plimsoll_error *err)
{
    struct plimsoll_bind_request request;
    if (read_request(pod, node, &request, err) < 0) {
        return plimsoll_error_wrap(err, "pod %s/%s", pod->namespace_, pod->name);
    }
    *binding = (struct plimsoll_simulated_binding){
        .refused = plimsoll_text_make(2 * PLIMSOLL_ERROR_MESSAGE_SIZE)};
    struct plimsoll_books_event asked = {
        .kind = PLIMSOLL_BOOKS_BIND_ASKED, .ticket = 1, .request = &request};
    if (step(simulation, &asked, binding)) {
        struct plimsoll_books_event bound = {.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                             .uid = request.uid,
                                             .reply = PLIMSOLL_REPLY_BOUND,
                                             .message = ""};
        step(simulation, &bound, binding);
    }
    return 0;
}

void plimsoll_simulated_binding_clear(struct plimsoll_simulated_binding *binding)
{
    plimsoll_claim_clear(&binding->claim);
    for (size_t i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX; i++) {
        free(binding->visible[i]);
    }
    plimsoll_text_clear(&binding->refused);
    *binding = (struct plimsoll_simulated_binding){0};
}
