/* SPDX-License-Identifier: Apache-2.0 */
#include "entries.h"

#include <string.h>

/* One sentence for the scheduler's event. */
#define MESSAGE_BYTES_MAX 1024
/* A list of 64 UUIDs. */
#define VISIBLE_BYTES_MAX 4096

struct plimsoll_books {
    struct plimsoll_entries
        entries; /* Bindings of which the picture does not know the outcome yet */
};

struct plimsoll_books *plimsoll_books_new(void)
{
    return plimsoll_alloc(1, sizeof(struct plimsoll_books));
}

void plimsoll_books_free(struct plimsoll_books **books)
{
    if (*books != NULL) {
        plimsoll_entries_clear(&(*books)->entries);
        free(PLIMSOLL_TAKE(*books));
    }
}

/* -- effects ------------------------------------------------------------------------------------
 */

static struct plimsoll_books_effect *add(struct plimsoll_books_effects *effects,
                                         enum plimsoll_books_effect_kind kind)
{
    effects->list = plimsoll_realloc(effects->list, effects->count + 1, sizeof *effects->list);
    struct plimsoll_books_effect *effect = &effects->list[effects->count++];
    *effect = (struct plimsoll_books_effect){.kind = kind};
    return effect;
}

static void answer(struct plimsoll_books_effects *effects, uint64_t ticket, const char *message)
{
    struct plimsoll_books_effect *effect = add(effects, PLIMSOLL_BOOKS_ANSWER);
    effect->ticket = ticket;
    effect->message = plimsoll_copy(message, strlen(message));
}

static void answer_all(struct plimsoll_books_effects *effects, struct plimsoll_entry *entry,
                       const char *message)
{
    for (size_t i = 0; i < entry->ticket_count; i++) {
        answer(effects, entry->tickets[i], message);
    }
    entry->ticket_count = 0;
}

static void forget(struct plimsoll_books_effects *effects, const struct plimsoll_entry *entry)
{
    if (entry->demand.gpu) {
        add(effects, PLIMSOLL_BOOKS_FORGET)->request = entry->request;
    }
}

/* Posts the entry's Binding, for the first time or again: always the same claim and the same
 * values. */
static void post(struct plimsoll_books_effects *effects, struct plimsoll_entry *entry)
{
    struct plimsoll_books_effect *effect = add(effects, PLIMSOLL_BOOKS_POST);
    effect->request = entry->request;
    plimsoll_claim_copy(&entry->claim, &effect->claim);
    for (size_t i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX && entry->visible[i] != NULL; i++) {
        effect->visible[i] = plimsoll_copy(entry->visible[i], strlen(entry->visible[i]));
    }
    entry->in_flight = true;
}

void plimsoll_books_effects_clear(struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < effects->count; i++) {
        struct plimsoll_books_effect *effect = &effects->list[i];
        plimsoll_claim_clear(&effect->claim);
        free(effect->message);
        for (size_t j = 0; j < PLIMSOLL_GPU_CONTAINERS_MAX; j++) {
            free(effect->visible[j]);
        }
    }
    free(effects->list);
    *effects = (struct plimsoll_books_effects){0};
}

/* -- a bind is asked ----------------------------------------------------------------------------
 */

/* The same pod is asked for again: the same answer, or the other node's name. */
static void ask_again(struct plimsoll_entry *entry, const struct plimsoll_books_event *event,
                      struct plimsoll_books_effects *effects)
{
    if (strcmp(entry->request.node, event->request->node) != 0) {
        plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
        plimsoll_text_add_format(&message, "pod %s/%s is being bound to node %s",
                                 entry->request.namespace_, entry->request.pod,
                                 entry->request.node);
        answer(effects, event->ticket, message.data);
        return;
    }
    plimsoll_entry_add_ticket(entry, event->ticket);
    if (!entry->in_flight) {
        post(effects, entry); /* the last one got no reply */
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

/* Checks the pod against the node as it is now, and decides the cards. */
static int decide(const struct plimsoll_books_event *event, struct plimsoll_claim *claim,
                  struct plimsoll_error *err)
{
    if (event->pod->refusal != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s", event->pod->refusal);
    }
    if (event->view.node == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "node %s is not yet known to Plimsoll", event->request->node);
    }
    plimsoll_autofree struct plimsoll_node_load *load = plimsoll_placement_load(
        &event->view, event->settings, &event->pod->uid, event->pod->priority);
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

static void ask(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                struct plimsoll_books_effects *effects)
{
    const struct plimsoll_pod *pod = event->pod;
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->request->uid);
    if (entry != NULL) {
        ask_again(entry, event, effects);
        return;
    }
    if (pod != NULL && !is_same_pod(pod, event->request)) {
        plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
        plimsoll_text_add_format(&message, "pod %s/%s with uid %s is another pod by now",
                                 event->request->namespace_, event->request->pod,
                                 event->request->uid.text);
        answer(effects, event->ticket, message.data);
        return;
    }
    if (pod != NULL && pod->node[0] != '\0') {
        bool here = strcmp(pod->node, event->request->node) == 0;
        plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
        plimsoll_text_add_format(&message, "pod %s/%s is already bound to node %s", pod->namespace_,
                                 pod->name, pod->node);
        answer(effects, event->ticket, here ? "" : message.data);
        return;
    }
    struct plimsoll_claim claim = {0};
    struct plimsoll_error err = {0};
    bool gpu = pod != NULL && pod->demand.gpu;
    if (gpu && decide(event, &claim, &err) != 0) {
        answer(effects, event->ticket, err.message);
        return;
    }
    entry = plimsoll_entries_add(&books->entries, event->request);
    plimsoll_entry_add_ticket(entry, event->ticket);
    if (gpu) {
        entry->demand = pod->demand;
        entry->claim = claim; /* handed over */
        fill_visible(entry, event->view.node);
        struct plimsoll_books_effect *assume = add(effects, PLIMSOLL_BOOKS_ASSUME);
        assume->request = entry->request;
        plimsoll_claim_copy(&entry->claim, &assume->claim);
    }
    post(effects, entry);
}

/* -- what the world says ------------------------------------------------------------------------
 */

/* It may have been written: the claim stays until the pod is seen bound or gone. */
static void leave_open(struct plimsoll_books *books, struct plimsoll_entry *entry, const char *said,
                       struct plimsoll_books_effects *effects)
{
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "no reply to the binding, its claim is kept: %s", said);
    answer_all(effects, entry, message.data);
    entry->in_doubt = true;
    if (!entry->demand.gpu) {
        plimsoll_entries_remove(&books->entries, entry); /* holds nothing, and is never seen */
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
    answer_all(effects, entry, message.data);
    plimsoll_entries_remove(&books->entries, entry);
}

static void reply(struct plimsoll_books *books, const struct plimsoll_books_event *event,
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
        answer_all(effects, entry, "");
        plimsoll_entries_remove(&books->entries, entry); /* the picture counts the claim on */
        break;
    case PLIMSOLL_REPLY_REFUSED:
        take_refusal(books, entry, said, effects);
        break;
    case PLIMSOLL_REPLY_UNKNOWN:
        leave_open(books, entry, said, effects);
        break;
    }
}

static void seen(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                 struct plimsoll_books_effects *effects)
{
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->uid);
    if (entry == NULL || event->node == NULL || event->node[0] == '\0') {
        return; /* unbound in a watch that may lag behind is no knowledge */
    }
    bool here = strcmp(event->node, entry->request.node) == 0;
    plimsoll_autotext message = plimsoll_text_make(MESSAGE_BYTES_MAX);
    plimsoll_text_add_format(&message, "pod %s/%s was bound to node %s by somebody else",
                             entry->request.namespace_, entry->request.pod, event->node);
    if (!here) {
        forget(effects, entry);
    }
    answer_all(effects, entry, here ? "" : message.data);
    plimsoll_entries_remove(&books->entries, entry);
}

static void gone(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                 struct plimsoll_books_effects *effects)
{
    struct plimsoll_entry *entry = plimsoll_entries_find(&books->entries, &event->uid);
    if (entry != NULL) {
        forget(effects, entry);
        answer_all(effects, entry, "the pod is gone");
        plimsoll_entries_remove(&books->entries, entry);
    }
}

void plimsoll_books_step(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects)
{
    switch (event->kind) {
    case PLIMSOLL_BOOKS_BIND_ASKED:
        ask(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_BIND_REPLIED:
        reply(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_POD_SEEN:
        seen(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_POD_GONE:
        gone(books, event, effects);
        break;
    }
}
