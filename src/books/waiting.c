/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

/* A pod that was woken and refused again is left alone for so long, each time twice as long: what
 * stops it may be something that we do not see. */
#define PAUSE_MS_MIN 5000
#define PAUSE_MS_MAX 300000

void plimsoll_name_set_add(struct plimsoll_name_set *set, struct plimsoll_span name)
{
    uint64_t bit = plimsoll_span_hash(name) % (64 * 64);
    set->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

bool plimsoll_name_set_has(const struct plimsoll_name_set *set, struct plimsoll_span name)
{
    uint64_t bit = plimsoll_span_hash(name) % (64 * 64);
    return (set->bits[bit / 64] >> bit % 64 & 1) != 0;
}

void plimsoll_waiting_free(struct plimsoll_waiting *waiting)
{
    for (size_t i = 0; i < waiting->count; i++) {
        free(waiting->list[i]);
    }
    free(waiting->list);
    plimsoll_recents_free(&waiting->recents);
}

static size_t find(const struct plimsoll_waiting *waiting, const struct plimsoll_uid *uid)
{
    size_t at = 0;
    while (at < waiting->count && strcmp(waiting->list[at]->pod.uid.text, uid->text) != 0) {
        at++;
    }
    return at;
}

static struct plimsoll_waiter *take_out(struct plimsoll_waiting *waiting, size_t at)
{
    struct plimsoll_waiter *waiter = waiting->list[at];
    waiting->count--;
    memmove(waiting->list + at, waiting->list + at + 1,
            (waiting->count - at) * sizeof *waiting->list);
    return waiter;
}

static bool goes_before(const struct plimsoll_waiter *a, const struct plimsoll_waiter *b)
{
    return a->pod.priority != b->pod.priority ? a->pod.priority > b->pod.priority
                                              : a->since_ms < b->since_ms;
}

static void put_in(struct plimsoll_waiting *waiting, struct plimsoll_waiter *waiter)
{
    waiting->list = plimsoll_realloc(waiting->list, waiting->count + 1, sizeof *waiting->list);
    size_t at = waiting->count;
    while (at > 0 && goes_before(waiter, waiting->list[at - 1])) {
        waiting->list[at] = waiting->list[at - 1];
        at--;
    }
    waiting->list[at] = waiter;
    waiting->count++;
}

void plimsoll_waiting_drop(struct plimsoll_books *books, const struct plimsoll_uid *uid)
{
    size_t at = find(&books->waiting, uid);
    if (at < books->waiting.count) {
        free(take_out(&books->waiting, at));
    }
}

static void copy_name(const char *name, char out[PLIMSOLL_NAME_BYTES_MAX + 1])
{
    memset(out, 0, PLIMSOLL_NAME_BYTES_MAX + 1);
    memcpy(out, name, strnlen(name, PLIMSOLL_NAME_BYTES_MAX));
}

/* The pod waits from now on, or goes on doing so with what it asks for now. */
static void wait_for_room(struct plimsoll_books *books, const struct plimsoll_books_event *event)
{
    struct plimsoll_waiting *waiting = &books->waiting;
    size_t at = find(waiting, &event->pod->uid);
    struct plimsoll_waiter *waiter = NULL;
    if (at < waiting->count) {
        waiter = take_out(waiting, at);
    } else if (waiting->count < PLIMSOLL_WAITING_MAX) {
        waiter = plimsoll_alloc(1, sizeof *waiter);
        waiter->since_ms = books->now_ms;
        waiter->pause_ms = PAUSE_MS_MIN;
        waiter->request.uid = event->pod->uid;
        copy_name(event->pod->name, waiter->request.pod);
        copy_name(event->pod->namespace_, waiter->request.namespace_);
    } else {
        return;
    }
    waiter->pod = (struct plimsoll_pod){
        .uid = event->pod->uid, .priority = event->pod->priority, .demand = event->pod->demand};
    waiter->asked = *event->asked;
    put_in(waiting, waiter);
}

static void look(const char *node, struct plimsoll_books_effects *effects)
{
    copy_name(node, plimsoll_effects_add(effects, PLIMSOLL_BOOKS_LOOK)->request.node);
}

/* Room that came between the filter's look and this step has been told already: look again. */
static void look_back(struct plimsoll_books *books, uint64_t gains,
                      struct plimsoll_books_effects *effects)
{
    const struct plimsoll_recents *recents = &books->waiting.recents;
    for (size_t i = 0; i < recents->count; i++) {
        if (recents->list[i].number > gains) {
            look(recents->list[i].node, effects);
        }
    }
}

/* A claim in flight stands in the picture as a node too, but that pod may still have to wait. */
static bool is_bound(const struct plimsoll_books *books, const struct plimsoll_pod *pod)
{
    return pod->node != NULL && pod->node[0] != '\0' &&
           plimsoll_entries_find(&books->entries, &pod->uid) == NULL;
}

/* A filter that was asked before somebody else bound the pod is told after it: nothing would end
 * the wait of a pod whose binding has been seen already. */
void plimsoll_waiting_filtered(struct plimsoll_books *books,
                               const struct plimsoll_books_event *event,
                               struct plimsoll_books_effects *effects)
{
    if (is_bound(books, event->pod)) {
        return;
    }
    if (event->view.node != NULL) {
        plimsoll_waiting_drop(books, &event->pod->uid);
        plimsoll_holds_set(books, event->pod, &event->view, event->settings, effects);
    } else if (event->pod->refusal == NULL) {
        plimsoll_holds_drop(books, &event->pod->uid, effects);
        wait_for_room(books, event);
        plimsoll_tell_refused(books, event, effects);
        look_back(books, event->gains, effects);
    }
}

static void wake(struct plimsoll_books *books, struct plimsoll_waiter *waiter,
                 struct plimsoll_books_effects *effects)
{
    struct plimsoll_books_effect *effect = plimsoll_effects_add(effects, PLIMSOLL_BOOKS_WAKE);
    effect->request = waiter->request;
    effect->counter = ++books->waiting.counter;
    waiter->next_ms = books->now_ms + waiter->pause_ms;
    waiter->pause_ms =
        2 * waiter->pause_ms < PAUSE_MS_MAX ? 2 * waiter->pause_ms : (int64_t)PAUSE_MS_MAX;
}

/* Does it fit beside everybody on the node, those who were just woken for it included? `load` is
 * anybody's, and not this pod's own where pods are nominated. */
static bool fits(const struct plimsoll_waiter *waiter, const struct plimsoll_books_event *event,
                 const struct plimsoll_node_load *load)
{
    plimsoll_autofree struct plimsoll_node_load *own = NULL;
    if (load->nominated) {
        own = plimsoll_placement_load(&event->view, event->settings, &waiter->pod.uid,
                                      waiter->pod.priority);
        load = own;
    }
    return plimsoll_placement_judge(event->view.node, load, &waiter->pod.demand, event->settings)
               .reason == PLIMSOLL_FITS;
}

/* Wakes the first that fits. The next one is looked at when the hold of this one is in the picture:
 * the caller is told to look again. */
void plimsoll_waiting_gained(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                             struct plimsoll_books_effects *effects)
{
    struct plimsoll_waiting *waiting = &books->waiting;
    const char *node = event->view.node->name;
    uint64_t turn = plimsoll_recents_note(&waiting->recents, node, event->gains, books->now_ms);
    plimsoll_autofree struct plimsoll_node_load *load = NULL;
    for (size_t i = 0; i < waiting->count; i++) {
        struct plimsoll_waiter *waiter = waiting->list[i];
        if (!plimsoll_name_set_has(&waiter->asked, plimsoll_span_of(node))) {
            continue;
        }
        if (books->now_ms < waiter->next_ms) {
            waiter->missed = waiter->missed == 0 ? turn : waiter->missed;
            continue;
        }
        if (load == NULL) {
            load = plimsoll_placement_load(&event->view, event->settings, NULL, INT32_MIN);
        }
        if (fits(waiter, event, load)) {
            wake(books, waiter, effects);
            plimsoll_holds_set(books, &waiter->pod, &event->view, event->settings, effects);
            look(node, effects);
            return;
        }
    }
}

/* From which turn on somebody missed what may be looked at now; UINT64_MAX: nobody did. */
static uint64_t take_missed(struct plimsoll_books *books)
{
    uint64_t since = UINT64_MAX;
    for (size_t i = 0; i < books->waiting.count; i++) {
        struct plimsoll_waiter *waiter = books->waiting.list[i];
        if (waiter->missed != 0 && books->now_ms >= waiter->next_ms) {
            since = waiter->missed < since ? waiter->missed : since;
            waiter->missed = 0;
        }
    }
    return since;
}

/* Whoever was left alone while nodes gained room looks at them now. */
void plimsoll_waiting_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_recents *recents = &books->waiting.recents;
    uint64_t since = take_missed(books);
    for (size_t i = 0; i < recents->count; i++) {
        if (recents->list[i].turn >= since) {
            look(recents->list[i].node, effects);
        }
    }
    plimsoll_recents_drop(recents, books->now_ms - 2 * PAUSE_MS_MAX);
}

bool plimsoll_books_waiter_at(const struct plimsoll_books *books, size_t index,
                              struct plimsoll_books_waiter *out)
{
    if (index >= books->waiting.count) {
        return false;
    }
    const struct plimsoll_waiter *waiter = books->waiting.list[index];
    *out = (struct plimsoll_books_waiter){
        .uid = waiter->pod.uid, .since_ms = waiter->since_ms, .asked = &waiter->asked};
    return true;
}
