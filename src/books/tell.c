/* SPDX-License-Identifier: Apache-2.0 */
/* What people are told, and when: a pod that stays refused and a card that stays over its line are
 * told again and again, but ever more seldom, and all together only so often. */
#include "parts.h"

#include <string.h>

/* A pod that stays refused is told again after so long, each time twice as long. */
#define REFUSED_MS_MIN 60000
#define REFUSED_MS_MAX 600000
/* Reports and pods come one after the other: what passes within this was never so. */
#define OVER_SETTLE_MS 15000
/* What stays over is told again after so long. */
#define OVER_PAUSE_MS 600000
/* A node that was not shown for so long after it was asked for is gone. */
#define OVER_LOST_MS 60000

/* May one more be told now? Earns PLIMSOLL_TELLS_SECOND_MAX a second, keeps up to the burst. */
static bool spend(struct plimsoll_books *books)
{
    const int64_t price_ms = 1000 / PLIMSOLL_TELLS_SECOND_MAX;
    struct plimsoll_telling *telling = &books->telling;
    int64_t paid_ms = telling->paid_ms > books->now_ms ? telling->paid_ms : books->now_ms;
    if (paid_ms - books->now_ms > (PLIMSOLL_TELLS_BURST_MAX - 1) * price_ms) {
        telling->untold++;
        return false;
    }
    telling->paid_ms = paid_ms + price_ms;
    return true;
}

static struct plimsoll_books_effect *tell(struct plimsoll_books_effects *effects,
                                          enum plimsoll_tale tale)
{
    struct plimsoll_books_effect *effect = plimsoll_effects_add(effects, PLIMSOLL_BOOKS_TELL);
    effect->tale = tale;
    return effect;
}

static void copy_name(const char *name, char out[PLIMSOLL_NAME_BYTES_MAX + 1])
{
    memset(out, 0, PLIMSOLL_NAME_BYTES_MAX + 1);
    memcpy(out, name, strnlen(name, PLIMSOLL_NAME_BYTES_MAX));
}

static void name_pod(const struct plimsoll_pod *pod, struct plimsoll_bind_request *request)
{
    request->uid = pod->uid;
    copy_name(pod->name, request->pod);
    copy_name(pod->namespace_, request->namespace_);
}

/* -- a pod is bound, or refused -----------------------------------------------------------------
 */

void plimsoll_tell_assigned(struct plimsoll_books *books, const struct plimsoll_entry *entry,
                            const struct plimsoll_claim *claim,
                            struct plimsoll_books_effects *effects)
{
    bool claimed = claim != NULL && claim->card_count + claim->floating_cards > 0;
    if (entry->demand.gpu && claimed && spend(books)) {
        struct plimsoll_books_effect *effect = tell(effects, PLIMSOLL_TALE_ASSIGNED);
        effect->request = entry->request;
        plimsoll_claim_copy(claim, &effect->claim);
    }
}

static struct plimsoll_refused *find_refused(const struct plimsoll_telling *telling,
                                             const struct plimsoll_uid *uid)
{
    for (size_t i = 0; i < telling->refused_count; i++) {
        if (strcmp(telling->refused[i].uid.text, uid->text) == 0) {
            return &telling->refused[i];
        }
    }
    return NULL;
}

/* @return NULL when there is no room for one more. */
static struct plimsoll_refused *add_refused(struct plimsoll_telling *telling,
                                            const struct plimsoll_uid *uid)
{
    if (telling->refused_count >= PLIMSOLL_TELLING_MAX) {
        return NULL;
    }
    telling->refused =
        plimsoll_realloc(telling->refused, telling->refused_count + 1, sizeof *telling->refused);
    struct plimsoll_refused *refused = &telling->refused[telling->refused_count++];
    *refused = (struct plimsoll_refused){.uid = *uid, .pause_ms = REFUSED_MS_MIN};
    return refused;
}

static void copy_names(const struct plimsoll_books_event *event,
                       struct plimsoll_books_effect *effect)
{
    size_t size = 0;
    for (size_t i = 0; i < event->name_count; i++) {
        size += event->names[i].size + 1;
    }
    effect->names = plimsoll_alloc(size + 1, 1);
    for (size_t i = 0; i < event->name_count; i++) {
        memcpy(effect->names + effect->names_size, event->names[i].data, event->names[i].size);
        effect->names_size += event->names[i].size + 1;
    }
}

void plimsoll_tell_refused(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                           struct plimsoll_books_effects *effects)
{
    struct plimsoll_telling *telling = &books->telling;
    struct plimsoll_refused *refused = find_refused(telling, &event->pod->uid);
    if ((refused != NULL && books->now_ms < refused->next_ms) || !spend(books)) {
        return;
    }
    refused = refused != NULL ? refused : add_refused(telling, &event->pod->uid);
    if (refused == NULL) {
        return;
    }
    refused->next_ms = books->now_ms + refused->pause_ms;
    refused->pause_ms =
        2 * refused->pause_ms < REFUSED_MS_MAX ? 2 * refused->pause_ms : (int64_t)REFUSED_MS_MAX;
    struct plimsoll_books_effect *effect = tell(effects, PLIMSOLL_TALE_REFUSED);
    name_pod(event->pod, &effect->request);
    copy_names(event, effect);
}

/* -- what stands over ---------------------------------------------------------------------------
 */

static struct plimsoll_over *find_over(const struct plimsoll_telling *telling, const char *node,
                                       const struct plimsoll_uid *uid, const char *card)
{
    for (size_t i = 0; i < telling->over_count; i++) {
        struct plimsoll_over *over = &telling->over[i];
        if (strcmp(over->uid.text, uid->text) == 0 && strcmp(over->card, card) == 0 &&
            strcmp(over->node, node) == 0) {
            return over;
        }
    }
    return NULL;
}

static struct plimsoll_over *add_over(struct plimsoll_books *books, const char *node,
                                      const struct plimsoll_uid *uid, const char *card)
{
    struct plimsoll_telling *telling = &books->telling;
    if (telling->over_count >= PLIMSOLL_TELLING_MAX) {
        return NULL;
    }
    telling->over = plimsoll_realloc(telling->over, telling->over_count + 1, sizeof *telling->over);
    struct plimsoll_over *over = &telling->over[telling->over_count++];
    *over = (struct plimsoll_over){.uid = *uid, .due_ms = books->now_ms + OVER_SETTLE_MS};
    copy_name(node, over->node);
    memcpy(over->card, card, strnlen(card, sizeof over->card - 1));
    return over;
}

static void drop_over(struct plimsoll_telling *telling, size_t at)
{
    telling->over[at] = telling->over[--telling->over_count];
}

/* `pod` NULL: it is the card. @return true when it is to be told now. */
static bool note_over(struct plimsoll_books *books, const char *node,
                      const struct plimsoll_pod *pod, const char *card)
{
    static const struct plimsoll_uid nobody = {""};
    const struct plimsoll_uid *uid = pod != NULL ? &pod->uid : &nobody;
    struct plimsoll_over *over = find_over(&books->telling, node, uid, card);
    over = over != NULL ? over : add_over(books, node, uid, card);
    if (over == NULL) {
        return false;
    }
    over->is = true;
    if (books->now_ms < over->due_ms || !spend(books)) {
        return false;
    }
    over->told = true;
    over->due_ms = books->now_ms + OVER_PAUSE_MS;
    return true;
}

static void look_at_cards(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                          struct plimsoll_books_effects *effects)
{
    const struct plimsoll_node *node = event->view.node;
    struct plimsoll_node_view view = event->view;
    view.hold_count = 0; /* nobody is there yet */
    plimsoll_autofree struct plimsoll_node_load *load =
        plimsoll_placement_load(&view, event->settings, NULL, INT32_MIN);
    for (uint64_t cards = plimsoll_placement_over_line(node, load); cards != 0;
         cards &= cards - 1) {
        const struct plimsoll_card *card = &node->cards[__builtin_ctzll(cards)];
        if (note_over(books, node->name, NULL, card->id)) {
            struct plimsoll_books_effect *effect = tell(effects, PLIMSOLL_TALE_OVER_LINE);
            copy_name(node->name, effect->request.node);
            memcpy(effect->card, card->id, sizeof effect->card);
        }
    }
}

static void look_at_pods(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects)
{
    const struct plimsoll_node *node = event->view.node;
    for (size_t i = 0; i < event->view.pod_count; i++) {
        const struct plimsoll_pod *pod = event->view.pods[i];
        struct plimsoll_over_claim unused;
        if (plimsoll_placement_over_claim(node, pod, &unused) &&
            note_over(books, node->name, pod, "")) {
            struct plimsoll_books_effect *effect = tell(effects, PLIMSOLL_TALE_OVER_CLAIM);
            name_pod(pod, &effect->request);
            copy_name(node->name, effect->request.node);
        }
    }
}

void plimsoll_tell_over(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects)
{
    struct plimsoll_telling *telling = &books->telling;
    const char *node = event->view.node->name;
    for (size_t i = 0; i < telling->over_count; i++) {
        if (strcmp(telling->over[i].node, node) == 0) {
            telling->over[i].is = telling->over[i].asked = false;
        }
    }
    look_at_cards(books, event, effects);
    look_at_pods(books, event, effects);
    for (size_t i = telling->over_count; i-- > 0;) {
        const struct plimsoll_over *over = &telling->over[i];
        if (strcmp(over->node, node) == 0 && !over->is && !over->told) {
            drop_over(telling, i);
        }
    }
}

/* -- time, and pods that leave ------------------------------------------------------------------
 */

void plimsoll_tell_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_telling *telling = &books->telling;
    for (size_t i = telling->over_count; i-- > 0;) {
        struct plimsoll_over *over = &telling->over[i];
        if (books->now_ms < over->due_ms) {
            continue;
        }
        if (!over->is || books->now_ms - over->due_ms >= OVER_LOST_MS) {
            drop_over(telling, i);
        } else if (!over->asked) {
            over->asked = true;
            struct plimsoll_books_effect *effect =
                plimsoll_effects_add(effects, PLIMSOLL_BOOKS_LOOK_OVER);
            copy_name(over->node, effect->request.node);
        }
    }
}

void plimsoll_tell_settled(struct plimsoll_books *books, const struct plimsoll_uid *uid)
{
    struct plimsoll_telling *telling = &books->telling;
    struct plimsoll_refused *refused = find_refused(telling, uid);
    if (refused != NULL) {
        *refused = telling->refused[--telling->refused_count];
    }
}

void plimsoll_tell_gone(struct plimsoll_books *books, const struct plimsoll_uid *uid)
{
    struct plimsoll_telling *telling = &books->telling;
    plimsoll_tell_settled(books, uid);
    for (size_t i = telling->over_count; i-- > 0;) {
        if (strcmp(telling->over[i].uid.text, uid->text) == 0) {
            drop_over(telling, i);
        }
    }
}

void plimsoll_tell_free(struct plimsoll_telling *telling)
{
    free(telling->refused);
    free(telling->over);
}
