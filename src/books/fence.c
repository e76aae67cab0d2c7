/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

/* Three tries to renew before it runs out. */
#define RENEW_MS 4000
/* Clocks run at nearly the same speed, and a Binding starts a moment after it was allowed. */
#define MARGIN_MS 2000
/* Taking it costs two requests; keeping it one every few seconds. */
#define IDLE_MS 60000
/* The scheduler gives up after 8 s, and asks again later. */
#define TICKET_MS 3000
/* Between two tries. */
#define PAUSE_MS 1000
/* How often somebody else's is looked at while no bind waits: whoever then has to take it over
 * knows already since when it has not been renewed. */
#define LOOK_MS 5000

void plimsoll_fence_free(struct plimsoll_fence *fence)
{
    free(fence->tickets);
}

bool plimsoll_fence_open(const struct plimsoll_fence *fence, int64_t now_ms)
{
    return fence->identity[0] == '\0' ||
           (fence->stage == PLIMSOLL_FENCE_IN && now_ms < fence->valid_ms);
}

static bool is_ours(const struct plimsoll_fence *fence)
{
    return fence->stage == PLIMSOLL_FENCE_WAITING || fence->stage == PLIMSOLL_FENCE_LISTING ||
           fence->stage == PLIMSOLL_FENCE_IN;
}

/* -- what is asked of the API server ------------------------------------------------------------
 */

static void read_lease(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    books->fence.asks = PLIMSOLL_FENCE_ASKS_READ;
    plimsoll_effects_add(effects, PLIMSOLL_BOOKS_LEASE_READ);
}

static void write_lease(struct plimsoll_books *books, const char *holder,
                        struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    struct plimsoll_lease *lease = plimsoll_alloc(1, sizeof *lease);
    *lease = fence->lease;
    lease->transitions +=
        strcmp(lease->holder, holder) != 0 && holder[0] != '\0' && lease->transitions < INT32_MAX;
    memset(lease->holder, 0, sizeof lease->holder);
    memcpy(lease->holder, holder, strnlen(holder, sizeof lease->holder - 1));
    lease->duration_s = holder[0] != '\0' ? PLIMSOLL_LEASE_MS / 1000 : 1;
    fence->asks = PLIMSOLL_FENCE_ASKS_WRITE;
    fence->sent_ms = books->now_ms;
    plimsoll_effects_add(effects, PLIMSOLL_BOOKS_LEASE_WRITE)->lease = lease;
}

static void list_pods(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    books->fence.stage = PLIMSOLL_FENCE_LISTING;
    plimsoll_effects_add(effects, PLIMSOLL_BOOKS_LIST)->ticket = ++books->fence.list;
}

/* -- stages -------------------------------------------------------------------------------------
 */

static void enter(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    fence->stage = PLIMSOLL_FENCE_IN;
    fence->behind = false;
    for (size_t i = 0; i < fence->ticket_count; i++) {
        plimsoll_effects_add(effects, PLIMSOLL_BOOKS_ASK_AGAIN)->ticket = fence->tickets[i].ticket;
    }
    fence->ticket_count = 0;
}

static void stay_out(struct plimsoll_books *books, int64_t pause_ms, const char *why,
                     const char *what)
{
    struct plimsoll_fence *fence = &books->fence;
    fence->stage = PLIMSOLL_FENCE_OUT;
    fence->until_ms = books->now_ms + pause_ms;
    struct plimsoll_text text = plimsoll_text_make(sizeof fence->trouble - 1);
    plimsoll_text_add_string(&text, why);
    plimsoll_text_add_string(&text, what);
    memset(fence->trouble, 0, sizeof fence->trouble);
    memcpy(fence->trouble, text.data, text.size);
    plimsoll_text_clear(&text);
}

/* Whoever has it now may put other pods where ours were to go, so nothing of ours is posted again:
 * it has been written, or it is read and forgotten. */
static void lose(struct plimsoll_books *books, const char *why)
{
    for (size_t i = 0; i < books->entries.count; i++) {
        books->entries.list[i]->fenced_off = true;
    }
    stay_out(books, 0, "the Lease of the books was lost: ", why);
}

static bool has_run_out(const struct plimsoll_fence *fence, int64_t now_ms)
{
    return now_ms - fence->seen_ms >= (int64_t)fence->lease.duration_s * 1000;
}

/* Whose it is decides what has to be waited for. */
static void consider(struct plimsoll_books *books, const struct plimsoll_lease *lease,
                     struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    if (strcmp(fence->lease.version, lease->version) != 0) {
        fence->seen_ms = books->now_ms;
    }
    fence->lease = *lease;
    bool given_up = lease->exists && lease->holder[0] == '\0';
    bool mine = strcmp(lease->holder, fence->identity) == 0;
    if (lease->exists && !given_up && !mine && !has_run_out(fence, books->now_ms)) {
        stay_out(books, PAUSE_MS, "the books are kept by ", lease->holder);
        return;
    }
    if (fence->ticket_count == 0) {
        stay_out(books, 0, "no bind waits", "");
        return;
    }
    fence->unclean = !given_up;
    /* Since we saw it written last, it let nothing begin after that; its margin is for clocks that
     * run apart and for what was held up after its last look at the time. */
    bool anothers = lease->exists && !mine;
    fence->until_ms =
        PLIMSOLL_BINDING_MS_MAX + (anothers ? fence->seen_ms + PLIMSOLL_LEASE_MS : books->now_ms);
    fence->behind = !given_up || strcmp(lease->version, fence->left) != 0;
    fence->stage = PLIMSOLL_FENCE_TAKING;
    write_lease(books, fence->identity, effects);
}

static void take(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    if (fence->unclean) {
        fence->stage = PLIMSOLL_FENCE_WAITING;
    } else if (fence->behind) {
        list_pods(books, effects);
    } else {
        enter(books, effects);
    }
}

/* -- replies ------------------------------------------------------------------------------------
 */

static void take_read(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                      struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    if (event->lease_reply != PLIMSOLL_LEASE_DONE) {
        if (!is_ours(fence)) {
            stay_out(books, PAUSE_MS, "the Lease of the books cannot be read: ", event->message);
        }
    } else if (!is_ours(fence)) {
        consider(books, event->lease, effects);
    } else if (strcmp(event->lease->holder, fence->identity) == 0) {
        fence->lease = *event->lease;
        fence->unsure = false;
        write_lease(books, fence->identity, effects);
    } else {
        lose(books, event->lease->holder);
    }
}

static void take_written(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    bool leaving = fence->stage == PLIMSOLL_FENCE_LEAVING;
    if (event->lease_reply == PLIMSOLL_LEASE_DONE) {
        fence->lease = *event->lease;
        fence->valid_ms = fence->sent_ms + PLIMSOLL_LEASE_MS - MARGIN_MS;
        if (leaving) {
            if (!fence->behind) { /* left in the middle of a list, it is to be listed still */
                memcpy(fence->left, fence->lease.version, sizeof fence->left);
            }
            stay_out(books, 0, "the Lease of the books was given up", "");
        } else if (fence->stage == PLIMSOLL_FENCE_TAKING) {
            take(books, effects);
        } else if (fence->stage == PLIMSOLL_FENCE_IN) {
            enter(books, effects); /* binds that came while it had run out */
        }
    } else if (leaving) {
        stay_out(books, 0, "the Lease of the books was given up", "");
    } else if (fence->stage == PLIMSOLL_FENCE_TAKING) {
        stay_out(books, PAUSE_MS, "the Lease of the books cannot be taken: ", event->message);
    } else if (event->lease_reply == PLIMSOLL_LEASE_CHANGED) {
        lose(books, "somebody else wrote it");
    } else {
        fence->unsure = true;
    }
}

void plimsoll_fence_reply(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                          struct plimsoll_books_effects *effects)
{
    bool read = books->fence.asks == PLIMSOLL_FENCE_ASKS_READ;
    books->fence.asks = PLIMSOLL_FENCE_ASKS_NOTHING;
    if (read) {
        take_read(books, event, effects);
    } else {
        take_written(books, event, effects);
    }
}

void plimsoll_fence_listed(struct plimsoll_books *books, uint64_t ticket,
                           struct plimsoll_books_effects *effects)
{
    if (books->fence.stage == PLIMSOLL_FENCE_LISTING && ticket == books->fence.list) {
        enter(books, effects);
    }
}

/* -- binds that need it, and time ---------------------------------------------------------------
 */

void plimsoll_fence_want(struct plimsoll_books *books, uint64_t ticket,
                         struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    if (fence->ticket_count >= PLIMSOLL_TICKETS_MAX) {
        plimsoll_effects_answer(effects, ticket, "too many binds wait for the Lease of the books");
        return;
    }
    fence->tickets =
        plimsoll_realloc(fence->tickets, fence->ticket_count + 1, sizeof *fence->tickets);
    fence->tickets[fence->ticket_count++] = (struct plimsoll_ticket){ticket, books->now_ms};
    fence->used_ms = books->now_ms;
    plimsoll_fence_time(books, effects);
}

/* Never empty: that would be a success. */
static const char *why_closed(const struct plimsoll_books *books)
{
    const struct plimsoll_fence *fence = &books->fence;
    if (books->stopping) {
        return "Plimsoll is stopping";
    }
    if (is_ours(fence)) {
        return "the books have just been taken over and are being read";
    }
    return fence->trouble[0] != '\0' ? fence->trouble : "the Lease of the books is not here yet";
}

static void answer_old_tickets(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    size_t kept = 0;
    for (size_t i = 0; i < fence->ticket_count; i++) {
        struct plimsoll_ticket ticket = fence->tickets[i];
        if (!books->stopping && books->now_ms - ticket.since_ms < TICKET_MS) {
            fence->tickets[kept++] = ticket;
            continue;
        }
        plimsoll_effects_answer(effects, ticket.ticket, why_closed(books));
    }
    fence->ticket_count = kept;
}

/* In good order only with nothing on its way: whoever comes next does not wait. */
static bool may_leave(const struct plimsoll_books *books)
{
    const struct plimsoll_fence *fence = &books->fence;
    bool idle = books->stopping || books->now_ms - fence->used_ms >= IDLE_MS;
    return idle && fence->ticket_count == 0 && books->entries.count == 0 &&
           (fence->stage == PLIMSOLL_FENCE_IN || fence->stage == PLIMSOLL_FENCE_LISTING);
}

static void keep(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    if (fence->stage == PLIMSOLL_FENCE_WAITING && books->stopping) {
        stay_out(books, 0, "Plimsoll is stopping", ""); /* not given up: what we waited for stays */
        return;
    }
    if (fence->stage == PLIMSOLL_FENCE_WAITING && books->now_ms >= fence->until_ms) {
        list_pods(books, effects);
    }
    if (fence->asks != PLIMSOLL_FENCE_ASKS_NOTHING) {
        return;
    }
    if (may_leave(books)) {
        fence->stage = PLIMSOLL_FENCE_LEAVING;
        write_lease(books, "", effects);
    } else if (fence->unsure) {
        read_lease(books, effects);
    } else if (books->now_ms - fence->sent_ms >= RENEW_MS) {
        write_lease(books, fence->identity, effects);
    }
}

/* For a bind at once; else now and then, for as long as somebody else has it. */
static bool may_look(const struct plimsoll_books *books)
{
    const struct plimsoll_fence *fence = &books->fence;
    if (fence->stage != PLIMSOLL_FENCE_OUT || fence->asks != PLIMSOLL_FENCE_ASKS_NOTHING ||
        fence->identity[0] == '\0' || books->stopping) {
        return false;
    }
    if (fence->ticket_count > 0) {
        return books->now_ms >= fence->until_ms;
    }
    bool anothers = fence->lease.exists && fence->lease.holder[0] != '\0';
    return fence->looked_ms == 0 || (anothers && books->now_ms - fence->looked_ms >= LOOK_MS);
}

void plimsoll_fence_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    struct plimsoll_fence *fence = &books->fence;
    answer_old_tickets(books, effects);
    if (is_ours(fence)) {
        keep(books, effects);
    } else if (may_look(books)) {
        fence->stage = PLIMSOLL_FENCE_READING;
        fence->unsure = false;
        fence->looked_ms = books->now_ms;
        read_lease(books, effects);
    }
}
