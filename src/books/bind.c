/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

/* One sentence for the scheduler's event. */
#define MESSAGE_BYTES_MAX 1024
/* A list of 64 UUIDs. */
#define VISIBLE_BYTES_MAX 4096
/* Between two reads of a pod that cannot be read. */
#define READ_PAUSE_MS 2000

static void answer_all(struct plimsoll_books_effects *effects, struct plimsoll_entry *entry,
                       const char *message)
{
    for (size_t i = 0; i < entry->ticket_count; i++) {
        plimsoll_effects_answer(effects, entry->tickets[i], message);
    }
    entry->ticket_count = 0;
}

static void forget(struct plimsoll_books_effects *effects, const struct plimsoll_entry *entry)
{
    if (entry->demand.gpu) {
        plimsoll_effects_add(effects, PLIMSOLL_BOOKS_FORGET)->request = entry->request;
    }
}

/* The end of a Binding: everybody who waits is told, and the picture goes on alone. */
static void close_entry(struct plimsoll_books *books, struct plimsoll_entry *entry,
                        const char *message, struct plimsoll_books_effects *effects)
{
    answer_all(effects, entry, message);
    plimsoll_entries_remove(&books->entries, entry);
}

/* The good end: the pod has this claim. */
static void close_bound(struct plimsoll_books *books, struct plimsoll_entry *entry,
                        const struct plimsoll_claim *claim, struct plimsoll_books_effects *effects)
{
    answer_all(effects, entry, "");
    plimsoll_tell_assigned(books, entry, claim, effects);
    close_entry(books, entry, "", effects);
}

static void assume(struct plimsoll_books_effects *effects, const struct plimsoll_entry *entry,
                   const struct plimsoll_claim *claim)
{
    struct plimsoll_books_effect *effect = plimsoll_effects_add(effects, PLIMSOLL_BOOKS_ASSUME);
    effect->request = entry->request;
    plimsoll_claim_copy(claim, &effect->claim);
}

/* Posts the entry's Binding, for the first time or again: always the same claim and the same
 * values. */
static void post(struct plimsoll_books *books, struct plimsoll_entry *entry,
                 struct plimsoll_books_effects *effects)
{
    struct plimsoll_books_effect *effect = plimsoll_effects_add(effects, PLIMSOLL_BOOKS_POST);
    effect->request = entry->request;
    bool fenced = entry->demand.gpu && books->fence.identity[0] != '\0';
    effect->before_ms = fenced ? books->fence.valid_ms : INT64_MAX;
    plimsoll_claim_copy(&entry->claim, &effect->claim);
    for (size_t i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX && entry->visible[i] != NULL; i++) {
        effect->visible[i] = plimsoll_copy(entry->visible[i], strlen(entry->visible[i]));
    }
    entry->in_flight = true;
}

static void read_pod(struct plimsoll_books *books, struct plimsoll_entry *entry,
                     struct plimsoll_books_effects *effects)
{
    plimsoll_effects_add(effects, PLIMSOLL_BOOKS_READ_POD)->request = entry->request;
    entry->reading = true;
    entry->read_ms = books->now_ms;
}

/* -- a bind is asked ----------------------------------------------------------------------------
 */

/* The same pod is asked for again: the same answer, or the other node's name. */
static void ask_again(struct plimsoll_books *books, struct plimsoll_entry *entry,
                      const struct plimsoll_books_event *event,
                      struct plimsoll_books_effects *effects)
{
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    if (strcmp(entry->request.node, event->request->node) != 0) {
        plimsoll_text_add_format(&message, "pod %s/%s is being bound to node %s",
                                 entry->request.namespace_, entry->request.pod,
                                 entry->request.node);
        plimsoll_effects_answer(effects, event->ticket, message.data);
    } else if (entry->in_flight || entry->reading) {
        plimsoll_entry_add_ticket(entry, event->ticket);
    } else if (entry->fenced_off) {
        plimsoll_text_add_format(&message, "an earlier binding of pod %s/%s is being looked into",
                                 entry->request.namespace_, entry->request.pod);
        plimsoll_effects_answer(effects, event->ticket, message.data);
    } else if (entry->demand.gpu && !plimsoll_fence_open(&books->fence, books->now_ms)) {
        plimsoll_fence_want(books, event->ticket, effects);
    } else {
        plimsoll_entry_add_ticket(entry, event->ticket);
        post(books, entry, effects); /* the last one got no reply */
    }
}

static void fill_visible(struct plimsoll_entry *entry, const struct plimsoll_node *node)
{
    if (entry->demand.vendor != PLIMSOLL_VENDOR_NVIDIA) {
        return;
    }
    for (unsigned i = 0; i < entry->demand.container_count && i < PLIMSOLL_GPU_CONTAINERS_MAX;
         i++) {
        struct plimsoll_text value = plimsoll_text_make(VISIBLE_BYTES_MAX);
        plimsoll_placement_visible(node, &entry->demand, &entry->claim, i, &value);
        if (value.data == NULL) {
            plimsoll_text_add_string(&value, "void"); /* fail closed */
        }
        entry->visible[i] = value.data; /* handed over */
    }
}

/* Soft holds are for filters. Only what the pod's own keeps free is of interest: it is there for
 * the pod. */
static void keep_own_hold(struct plimsoll_node_view *view, const struct plimsoll_uid *uid)
{
    size_t own = 0;
    while (own < view->hold_count && strcmp(view->holds[own]->uid.text, uid->text) != 0) {
        own++;
    }
    view->holds = own < view->hold_count ? view->holds + own : NULL;
    view->hold_count = own < view->hold_count;
}

/* Checks the pod against the node as it is now, and decides the cards. */
static int decide(const struct plimsoll_books_event *event, struct plimsoll_claim *claim,
                  struct plimsoll_error *err)
{
    struct plimsoll_node_view view = event->view;
    keep_own_hold(&view, &event->pod->uid);
    if (event->pod->refusal != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s", event->pod->refusal);
    }
    if (event->view.node == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "node %s is not yet known to Plimsoll", event->request->node);
    }
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&view, event->settings, &event->pod->uid, event->pod->priority);
    return plimsoll_placement_choose(event->view.node, load, event->pod, event->settings, claim,
                                     err);
}

/* Names can be used again; a uid is one pod's for ever. A claim whose pod was not seen yet has no
 * name. */
static bool is_same_pod(const struct plimsoll_pod *pod, const struct plimsoll_bind_request *request)
{
    bool named = pod->name[0] != '\0';
    return strcmp(pod->uid.text, request->uid.text) == 0 &&
           (!named || (strcmp(pod->name, request->pod) == 0 &&
                       strcmp(pod->namespace_, request->namespace_) == 0));
}

/* @return true: nothing is to be decided, and it has been answered. */
static bool answer_settled(const struct plimsoll_books *books,
                           const struct plimsoll_books_event *event,
                           struct plimsoll_books_effects *effects)
{
    const struct plimsoll_pod *pod = event->pod;
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    if (pod != NULL && !is_same_pod(pod, event->request)) {
        plimsoll_text_add_format(&message, "pod %s/%s with uid %s is another pod by now",
                                 event->request->namespace_, event->request->pod,
                                 event->request->uid.text);
    } else if (pod != NULL && pod->node[0] != '\0') {
        bool here = strcmp(pod->node, event->request->node) == 0;
        plimsoll_text_add_format(&message, "pod %s/%s is already bound to node %s", pod->namespace_,
                                 pod->name, pod->node);
        if (here) {
            plimsoll_text_reset(&message);
            plimsoll_text_add_string(&message, "");
        }
    } else if (books->stopping) {
        plimsoll_text_add_string(&message, "Plimsoll is stopping");
    } else {
        return false;
    }
    plimsoll_effects_answer(effects, event->ticket, message.size > 0 ? message.data : "");
    return true;
}

static void open_entry(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                       struct plimsoll_claim *claim, struct plimsoll_books_effects *effects)
{
    struct plimsoll_entry *entry = plimsoll_entries_add(&books->entries, event->request);
    plimsoll_entry_add_ticket(entry, event->ticket);
    if (claim != NULL) {
        entry->demand = event->pod->demand;
        entry->claim = *claim; /* handed over */
        fill_visible(entry, event->view.node);
        assume(effects, entry, &entry->claim);
    }
    post(books, entry, effects);
}

void plimsoll_bind_ask(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                       struct plimsoll_books_effects *effects)
{
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->request->uid);
    bool gpu = event->pod != NULL && event->pod->demand.gpu;
    if (gpu) {
        books->fence.used_ms = books->now_ms;
    }
    if (entry != NULL) {
        ask_again(books, entry, event, effects);
    } else if (answer_settled(books, event, effects)) {
        return;
    } else if (!gpu) {
        open_entry(books, event, NULL, effects);
    } else if (!plimsoll_fence_open(&books->fence, books->now_ms)) {
        plimsoll_fence_want(books, event->ticket, effects);
    } else {
        struct plimsoll_claim claim = {0};
        struct plimsoll_error err = {0};
        plimsoll_holds_drop(books, &event->request->uid, effects);
        if (decide(event, &claim, &err) == 0) {
            open_entry(books, event, &claim, effects);
        } else {
            plimsoll_effects_answer(effects, event->ticket, err.message);
        }
    }
}

/* -- what the API server says -------------------------------------------------------------------
 */

/* It may have been written: the claim stays until that is known. */
static void leave_open(struct plimsoll_books *books, struct plimsoll_entry *entry, const char *said,
                       struct plimsoll_books_effects *effects)
{
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "no reply to the binding, its claim is kept: %s", said);
    entry->in_doubt = true;
    entry->posted_ms = books->now_ms;
    if (entry->demand.gpu) {
        answer_all(effects, entry, message.data);
    } else {
        close_entry(books, entry, message.data, effects); /* holds nothing, and is never seen */
    }
}

/* A refusal is certain of its own post only. */
static void take_refusal(struct plimsoll_books *books, struct plimsoll_entry *entry,
                         const char *said, struct plimsoll_books_effects *effects)
{
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "the API server refused the binding: %s", said);
    if (entry->in_doubt) {
        plimsoll_text_add_string(&message, "; an earlier one got no reply, its claim is kept");
        answer_all(effects, entry, message.data);
        return;
    }
    forget(effects, entry);
    close_entry(books, entry, message.data, effects);
}

void plimsoll_bind_reply(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects)
{
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->uid);
    if (entry == NULL) {
        return; /* seen bound or gone while the reply was on its way: answered then */
    }
    const char *said = event->message != NULL ? event->message : "";
    entry->in_flight = false;
    switch (event->reply) {
    case PLIMSOLL_REPLY_BOUND:
        close_bound(books, entry, &entry->claim, effects); /* the picture counts the claim on */
        break;
    case PLIMSOLL_REPLY_REFUSED:
        take_refusal(books, entry, said, effects);
        break;
    case PLIMSOLL_REPLY_CONFLICT:
        if (!entry->reading) {
            read_pod(books, entry, effects);
        }
        break;
    case PLIMSOLL_REPLY_UNKNOWN:
        leave_open(books, entry, said, effects);
        break;
    }
}

static void take_unread(const struct plimsoll_books *books, struct plimsoll_entry *entry,
                        const char *said, struct plimsoll_books_effects *effects)
{
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "pod %s/%s cannot be read, its claim is kept: %s",
                             entry->request.namespace_, entry->request.pod, said);
    answer_all(effects, entry, message.data);
    if (!entry->in_doubt) {
        entry->in_doubt = true;
        entry->posted_ms = books->now_ms;
    }
}

/* Unbound now is certain only of posts that are over: a refused one, or one whose time had passed
 * when the read began. */
static bool is_over(const struct plimsoll_entry *entry)
{
    return !entry->in_flight &&
           (!entry->in_doubt || entry->read_ms - entry->posted_ms >= PLIMSOLL_BINDING_MS_MAX);
}

static void take_unbound(struct plimsoll_books *books, struct plimsoll_entry *entry,
                         struct plimsoll_books_effects *effects)
{
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "the API server refused the binding: pod %s/%s is unbound",
                             entry->request.namespace_, entry->request.pod);
    if (is_over(entry)) {
        forget(effects, entry);
        close_entry(books, entry, message.data, effects);
    } else {
        plimsoll_text_add_string(&message, " so far; its claim is kept");
        answer_all(effects, entry, message.data);
    }
}

/* Adopts what the API has. */
static void take_bound(struct plimsoll_books *books, struct plimsoll_entry *entry,
                       const struct plimsoll_books_event *event,
                       struct plimsoll_books_effects *effects)
{
    if (strcmp(event->node, entry->request.node) != 0) {
        plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
        plimsoll_text_add_format(&message, "pod %s/%s was bound to node %s by somebody else",
                                 entry->request.namespace_, entry->request.pod, event->node);
        forget(effects, entry);
        close_entry(books, entry, message.data, effects);
    } else if (event->claim != NULL && entry->demand.gpu) {
        assume(effects, entry, event->claim);
        close_bound(books, entry, event->claim, effects);
    } else if (entry->demand.gpu) {
        answer_all(effects, entry, ""); /* bound without us: until it is seen ours counts for it */
    } else {
        close_entry(books, entry, "", effects);
    }
}

void plimsoll_bind_read(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects)
{
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->uid);
    if (entry == NULL) {
        return;
    }
    entry->reading = false;
    switch (event->fact) {
    case PLIMSOLL_POD_UNREAD:
        take_unread(books, entry, event->message != NULL ? event->message : "", effects);
        break;
    case PLIMSOLL_POD_UNBOUND:
        take_unbound(books, entry, effects);
        break;
    case PLIMSOLL_POD_BOUND:
        take_bound(books, entry, event, effects);
        break;
    case PLIMSOLL_POD_AWAY:
        forget(effects, entry);
        close_entry(books, entry, "the pod is gone", effects);
        break;
    }
}

/* -- what the picture shows ---------------------------------------------------------------------
 */

void plimsoll_bind_seen(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects)
{
    if (event->node == NULL || event->node[0] == '\0') {
        return; /* unbound in a watch that may lag behind is no knowledge */
    }
    plimsoll_waiting_drop(books, &event->uid);
    plimsoll_tell_settled(books, &event->uid);
    plimsoll_holds_drop(books, &event->uid, effects);
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->uid);
    if (entry == NULL) {
        return;
    }
    bool here = strcmp(event->node, entry->request.node) == 0;
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "pod %s/%s was bound to node %s by somebody else",
                             entry->request.namespace_, entry->request.pod, event->node);
    if (here && event->claimed) {
        close_bound(books, entry, &entry->claim, effects);
        return;
    }
    forget(effects, entry); /* a pod is bound once: ours can never be written */
    close_entry(books, entry, here ? "" : message.data, effects);
}

void plimsoll_bind_gone(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects)
{
    plimsoll_waiting_drop(books, &event->uid);
    plimsoll_tell_gone(books, &event->uid);
    plimsoll_holds_drop(books, &event->uid, effects);
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->uid);
    if (entry != NULL) {
        forget(effects, entry);
        close_entry(books, entry, "the pod is gone", effects);
    } else {
        /* A claim that was adopted while this was on its way stands in the picture alone. */
        plimsoll_effects_add(effects, PLIMSOLL_BOOKS_FORGET)->request.uid = event->uid;
    }
}

void plimsoll_bind_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < books->entries.count; i++) {
        struct plimsoll_entry *entry = books->entries.list[i];
        bool due = books->now_ms - entry->posted_ms >= PLIMSOLL_BINDING_MS_MAX &&
                   books->now_ms - entry->read_ms >= READ_PAUSE_MS;
        if (entry->in_doubt && !entry->in_flight && !entry->reading && due) {
            read_pod(books, entry, effects);
        }
    }
}
