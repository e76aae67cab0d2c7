/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The books: which pod is being bound where, with which claim. One pure step takes an event and
 * returns effects (design §4.3, §7); whoever calls carries them out and reports back as events.
 *
 * Belongs to one thread at a time. A claim counts from the moment the step decides (effect ASSUME)
 * and is given back only on certain knowledge (effect FORGET): the pod gone or seen bound
 * elsewhere, or a definitive refusal while no earlier post is without a reply. Seen bound where it
 * was posted, the picture counts it on.
 */
#pragma once

#include <plimsoll/extender.h>
#include <plimsoll/placement.h>

#include <stdint.h>

struct plimsoll_books;

enum plimsoll_books_event_kind {
    PLIMSOLL_BOOKS_BIND_ASKED,   /* request, ticket, pod, view, settings; pod NULL: not in the
                                    picture;   view.node NULL: unknown */
    PLIMSOLL_BOOKS_BIND_REPLIED, /* uid, reply, message */
    PLIMSOLL_BOOKS_POD_SEEN,     /* uid, node: the picture shows the pod ("" while unbound) */
    PLIMSOLL_BOOKS_POD_GONE,     /* uid */
};

/** What became of a Binding that was posted. */
enum plimsoll_bind_reply {
    PLIMSOLL_REPLY_BOUND,   /* 201 */
    PLIMSOLL_REPLY_REFUSED, /* a definitive refusal: 400, 403, 404, 409 of an unbound or other pod,
                               422, 429 … */
    PLIMSOLL_REPLY_UNKNOWN, /* timeout, broken connection, 5xx: it may have been written */
};

struct plimsoll_books_event {
    enum plimsoll_books_event_kind kind;
    /* BIND_ASKED; all borrowed for the step */
    uint64_t ticket; /* names the waiting request in effect ANSWER */
    const struct plimsoll_bind_request *request;
    const struct plimsoll_pod *pod;
    struct plimsoll_node_view view;
    const struct plimsoll_placement_settings *settings;
    /* others */
    struct plimsoll_uid uid;
    const char *node;
    enum plimsoll_bind_reply reply;
    const char *message;
};

enum plimsoll_books_effect_kind {
    PLIMSOLL_BOOKS_ASSUME, /* the picture counts `claim` of pod `uid` on `node` from now on */
    PLIMSOLL_BOOKS_FORGET, /* and no longer */
    PLIMSOLL_BOOKS_POST,   /* post this Binding, report BIND_REPLIED */
    PLIMSOLL_BOOKS_ANSWER, /* answer request `ticket`: message "" is success */
};

/** An effect owns what it points to; cleared with the list. */
struct plimsoll_books_effect {
    enum plimsoll_books_effect_kind kind;
    uint64_t ticket;
    struct plimsoll_bind_request request;       /* POST, ASSUME, FORGET: pod, uid, node */
    struct plimsoll_claim claim;                /* ASSUME, POST; empty: a pod without a GPU */
    char *visible[PLIMSOLL_GPU_CONTAINERS_MAX]; /* POST: visible-devices, .1, .2 …; NULL ends */
    char *message;                              /* ANSWER */
};

struct plimsoll_books_effects {
    struct plimsoll_books_effect *list;
    size_t count;
};

struct plimsoll_books *plimsoll_books_new(void);
void plimsoll_books_free(struct plimsoll_books **books);
/** Appends to `effects`, in the order in which they must be carried out. Never fails: refusals are
 * answers. */
void plimsoll_books_step(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects);
void plimsoll_books_effects_clear(struct plimsoll_books_effects *effects);
