/* SPDX-License-Identifier: Apache-2.0 */
/** The books behind a Lease, a node of a few cards, one pod, and time that is only a number. */
#pragma once

#include "unit.h"

#include <plimsoll/books.h>

#include "cards.h"

#define DESK_IDENTITY "server-a_1"

struct desk {
    struct plimsoll_books *books;
    struct plimsoll_books_effects effects; /* of the last step */
    struct scene scene;
    struct plimsoll_pod pod;
    struct plimsoll_bind_request request;
    struct plimsoll_lease lease; /* in the API */
    int64_t now_ms;
};

static char desk_pod_name[] = "ollama", desk_namespace[] = "ai";

static inline void desk_open(struct desk *desk, uint32_t cards, const char *identity)
{
    *desk = (struct desk){.books = plimsoll_books_new(&(struct plimsoll_books_options){
                              .identity = identity, .counter = 100}),
                          .now_ms = 1000000};
    scene_make(&desk->scene, cards, 16384, 4);
    desk->pod = (struct plimsoll_pod){.uid = scene_uid("uid-1"),
                                      .name = desk_pod_name,
                                      .namespace_ = desk_namespace,
                                      .node = scene_nothing,
                                      .nominated = scene_nothing,
                                      .demand = scene_demand(false, 6000)};
    desk->request = (struct plimsoll_bind_request){
        .pod = "ollama", .namespace_ = "ai", .uid = scene_uid("uid-1"), .node = SCENE_NAME};
}

static inline void desk_close(struct desk *desk)
{
    plimsoll_books_effects_clear(&desk->effects);
    plimsoll_books_free(&desk->books);
}

static inline void desk_step(struct desk *desk, struct plimsoll_books_event event)
{
    event.now_ms = desk->now_ms;
    event.settings = &desk->scene.settings;
    plimsoll_books_effects_clear(&desk->effects);
    plimsoll_books_step(desk->books, &event, &desk->effects);
}

/** Another pod is the desk's now. */
static inline void desk_turn_to(struct desk *desk, const char *uid)
{
    desk->pod.uid = desk->request.uid = scene_uid(uid);
}

static inline void desk_ask(struct desk *desk, uint64_t ticket)
{
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_ASKED,
                                                  .ticket = ticket,
                                                  .request = &desk->request,
                                                  .pod = &desk->pod,
                                                  .view = desk->scene.view});
}

static inline void desk_reply(struct desk *desk, enum plimsoll_bind_reply reply)
{
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                                  .uid = desk->request.uid,
                                                  .reply = reply,
                                                  .message = "said so"});
}

static inline void desk_read(struct desk *desk, enum plimsoll_pod_fact fact, const char *node,
                             const struct plimsoll_claim *claim)
{
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_READ,
                                                  .uid = desk->request.uid,
                                                  .fact = fact,
                                                  .node = node,
                                                  .claim = claim,
                                                  .message = "no reply"});
}

static inline void desk_pass(struct desk *desk, int64_t ms)
{
    desk->now_ms += ms;
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_TIME});
}

/* -- the Lease --------------------------------------------------------------------------------- */

static inline void desk_lease_is(struct desk *desk, const char *holder, const char *version)
{
    desk->lease = (struct plimsoll_lease){.exists = true, .duration_s = 15};
    strcpy(desk->lease.holder, holder);
    strcpy(desk->lease.version, version);
}

static inline void desk_lease_reply(struct desk *desk, enum plimsoll_lease_reply reply)
{
    desk_step(desk, (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_LEASE_REPLIED,
                                                  .lease_reply = reply,
                                                  .lease = &desk->lease,
                                                  .message = "no reply"});
}

/** What the last step wrote is what the API has from now on. */
static inline void desk_lease_written(struct desk *desk, const char *version)
{
    for (size_t i = 0; i < desk->effects.count; i++) {
        if (desk->effects.list[i].kind == PLIMSOLL_BOOKS_LEASE_WRITE) {
            desk->lease = *desk->effects.list[i].lease;
        }
    }
    desk->lease.exists = true;
    strcpy(desk->lease.version, version);
    desk_lease_reply(desk, PLIMSOLL_LEASE_DONE);
}

static inline void desk_listed(struct desk *desk, uint64_t ticket)
{
    desk_step(desk,
              (struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_PODS_LISTED, .ticket = ticket});
}

/** The Lease, given up by somebody else, is taken by a bind; the ticket is asked again. */
static inline void desk_enter(struct desk *desk, uint64_t ticket)
{
    desk_lease_is(desk, "", "7");
    desk_ask(desk, ticket);
    desk_lease_reply(desk, PLIMSOLL_LEASE_DONE);
    desk_lease_written(desk, "8");
    desk_listed(desk, 1);
    desk_ask(desk, ticket);
}

/* -- what a step did --------------------------------------------------------------------------- */

static inline char desk_letter(enum plimsoll_books_effect_kind kind)
{
    static const char letters[] = {
        [PLIMSOLL_BOOKS_ASSUME] = 'A',     [PLIMSOLL_BOOKS_FORGET] = 'F',
        [PLIMSOLL_BOOKS_POST] = 'P',       [PLIMSOLL_BOOKS_READ_POD] = 'R',
        [PLIMSOLL_BOOKS_ANSWER] = '!',     [PLIMSOLL_BOOKS_ASK_AGAIN] = '?',
        [PLIMSOLL_BOOKS_LEASE_READ] = 'r', [PLIMSOLL_BOOKS_LEASE_WRITE] = 'w',
        [PLIMSOLL_BOOKS_LIST] = 'l',       [PLIMSOLL_BOOKS_HOLD] = 'H',
        [PLIMSOLL_BOOKS_UNHOLD] = 'U',     [PLIMSOLL_BOOKS_WAKE] = 'K',
        [PLIMSOLL_BOOKS_LOOK] = 'L',
    };
    return (size_t)kind < sizeof letters ? letters[kind] : '\0';
}

/** The kinds of the last step's effects, a letter each, in their order: A assume, F forget, P post,
 * R read the pod, ! answer, ? ask again, r read and w write the Lease, l list, H hold, U unhold,
 * K wake, L look. What is only told to people is left out. */
#define desk_expect(desk, letters)                                                                 \
    do {                                                                                           \
        char found_[32] = "";                                                                      \
        size_t size_ = 0;                                                                          \
        for (size_t i_ = 0; i_ < (desk)->effects.count && size_ + 1 < sizeof found_; i_++) {       \
            char letter_ = desk_letter((desk)->effects.list[i_].kind);                             \
            found_[size_] = letter_;                                                               \
            size_ += letter_ != '\0';                                                              \
        }                                                                                          \
        found_[size_] = '\0';                                                                      \
        assert_string_equal(found_, letters);                                                      \
    } while (0)

/** The first effect of that kind; there must be one. */
static inline const struct plimsoll_books_effect *desk_effect(const struct desk *desk,
                                                              enum plimsoll_books_effect_kind kind)
{
    for (size_t i = 0; i < desk->effects.count; i++) {
        if (desk->effects.list[i].kind == kind) {
            return &desk->effects.list[i];
        }
    }
    fail();
    return NULL;
}

static inline const char *desk_answer(const struct desk *desk)
{
    return desk_effect(desk, PLIMSOLL_BOOKS_ANSWER)->message;
}
