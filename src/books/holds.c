/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

/* From the answer of prioritize to the bind: reservations, permits and volumes take seconds. */
#define HOLD_MS 10000

static void unhold(struct plimsoll_books *books, size_t at, struct plimsoll_books_effects *effects)
{
    struct plimsoll_holds *holds = &books->holds;
    plimsoll_effects_add(effects, PLIMSOLL_BOOKS_UNHOLD)->request.uid = holds->list[at].uid;
    holds->list[at] = holds->list[--holds->count];
}

void plimsoll_holds_drop(struct plimsoll_books *books, const struct plimsoll_uid *uid,
                         struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < books->holds.count; i++) {
        if (strcmp(books->holds.list[i].uid.text, uid->text) == 0) {
            unhold(books, i, effects);
            return;
        }
    }
}

void plimsoll_holds_set(struct plimsoll_books *books, const struct plimsoll_pod *pod,
                        const struct plimsoll_node_view *view,
                        const struct plimsoll_placement_settings *settings,
                        struct plimsoll_books_effects *effects)
{
    struct plimsoll_holds *holds = &books->holds;
    struct plimsoll_claim claim = {0};
    struct plimsoll_error unused;
    plimsoll_holds_drop(books, &pod->uid, effects);
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(view, settings, &pod->uid, pod->priority);
    if (holds->count >= PLIMSOLL_HOLDS_MAX ||
        plimsoll_placement_choose(view->node, load, pod, settings, &claim, &unused) != 0) {
        return;
    }
    struct plimsoll_books_effect *effect = plimsoll_effects_add(effects, PLIMSOLL_BOOKS_HOLD);
    effect->request.uid = pod->uid;
    memcpy(effect->request.node, claim.node, sizeof effect->request.node);
    effect->demand = pod->demand;
    effect->claim = claim; /* handed over */
    holds->list = plimsoll_realloc(holds->list, holds->count + 1, sizeof *holds->list);
    holds->list[holds->count++] = (struct plimsoll_hold){pod->uid, books->now_ms + HOLD_MS};
}

void plimsoll_holds_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    for (size_t i = books->holds.count; i-- > 0;) {
        if (books->now_ms >= books->holds.list[i].until_ms) {
            unhold(books, i, effects);
        }
    }
}
