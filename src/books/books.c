/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

struct plimsoll_books *plimsoll_books_new(const struct plimsoll_books_options *options)
{
    struct plimsoll_books *books = plimsoll_alloc(1, sizeof *books);
    if (options->identity != NULL) {
        size_t size = strnlen(options->identity, sizeof books->fence.identity - 1);
        memcpy(books->fence.identity, options->identity, size);
    }
    books->waiting.counter = options->counter;
    return books;
}

void plimsoll_books_free(struct plimsoll_books **books)
{
    if (*books != NULL) {
        plimsoll_entries_clear(&(*books)->entries);
        plimsoll_fence_free(&(*books)->fence);
        free((*books)->holds.list);
        plimsoll_waiting_free(&(*books)->waiting);
        plimsoll_tell_free(&(*books)->telling);
        free(PLIMSOLL_TAKE(*books));
    }
}

static void pass_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects)
{
    plimsoll_bind_time(books, effects);
    plimsoll_fence_time(books, effects);
    plimsoll_holds_time(books, effects);
    plimsoll_waiting_time(books, effects);
    plimsoll_tell_time(books, effects);
}

void plimsoll_books_step(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects)
{
    books->now_ms = event->now_ms;
    switch (event->kind) {
    case PLIMSOLL_BOOKS_BIND_ASKED:
        plimsoll_bind_ask(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_BIND_REPLIED:
        plimsoll_bind_reply(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_POD_READ:
        plimsoll_bind_read(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_POD_SEEN:
        plimsoll_bind_seen(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_POD_GONE:
        plimsoll_bind_gone(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_LEASE_REPLIED:
        plimsoll_fence_reply(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_PODS_LISTED:
        plimsoll_fence_listed(books, event->ticket, effects);
        break;
    case PLIMSOLL_BOOKS_FILTERED:
        plimsoll_waiting_filtered(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_ASKED_ANEW:
        plimsoll_holds_drop(books, &event->uid, effects);
        break;
    case PLIMSOLL_BOOKS_NODE_GAINED:
        plimsoll_waiting_gained(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_NODE_OVER:
        plimsoll_tell_over(books, event, effects);
        break;
    case PLIMSOLL_BOOKS_STOP:
        books->stopping = true;
        pass_time(books, effects);
        break;
    case PLIMSOLL_BOOKS_TIME:
        pass_time(books, effects);
        break;
    }
}

struct plimsoll_books_state plimsoll_books_state(const struct plimsoll_books *books)
{
    const struct plimsoll_fence *fence = &books->fence;
    struct plimsoll_books_state state = {
        .holds_lease = plimsoll_fence_open(fence, books->now_ms),
        .waiting = books->waiting.count,
        .held = books->holds.count,
        .untold = books->telling.untold,
    };
    for (size_t i = 0; i < books->entries.count; i++) {
        state.in_flight += books->entries.list[i]->in_flight;
        state.in_doubt += books->entries.list[i]->in_doubt;
    }
    state.idle = books->entries.count == 0 && fence->stage == PLIMSOLL_FENCE_OUT;
    return state;
}
