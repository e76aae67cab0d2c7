/* SPDX-License-Identifier: Apache-2.0 */
/** The parts of the books, each in a file of its own. Private to books. */
#pragma once

#include "entries.h"

/* -- fence.c: may this process bind ------------------------------------------------------------ */

enum plimsoll_fence_stage {
    PLIMSOLL_FENCE_OUT,     /* not ours */
    PLIMSOLL_FENCE_READING, /* looking who has it */
    PLIMSOLL_FENCE_TAKING,  /* a write is under way */
    PLIMSOLL_FENCE_WAITING, /* ours; bindings of the one before may be in flight */
    PLIMSOLL_FENCE_LISTING, /* ours; its claims are being listed */
    PLIMSOLL_FENCE_IN,      /* ours, and the picture is as new as that */
    PLIMSOLL_FENCE_LEAVING, /* the write that gives it up is under way */
};

/** A bind that waits for the Lease. */
struct plimsoll_ticket {
    uint64_t ticket;
    int64_t since_ms;
};

struct plimsoll_fence {
    char identity[PLIMSOLL_HOLDER_SIZE]; /* "": no API server, everybody may bind */
    enum plimsoll_fence_stage stage;
    struct plimsoll_lease lease;      /* as last seen or written */
    char left[PLIMSOLL_VERSION_SIZE]; /* the version with which we gave it up; "" never */
    enum { PLIMSOLL_FENCE_ASKS_NOTHING, PLIMSOLL_FENCE_ASKS_READ, PLIMSOLL_FENCE_ASKS_WRITE } asks;
    bool unsure;                     /* a renewal got no reply: read before the next */
    uint64_t list;                   /* the ticket of the last LIST */
    bool unclean;                    /* the one before us may have bindings in flight */
    bool behind;                     /* somebody else had it since we last were in */
    int64_t looked_ms;               /* when it was last read while OUT; 0: never */
    int64_t sent_ms;                 /* of the last write */
    int64_t valid_ms;                /* ours until then, by what was last written */
    int64_t seen_ms;                 /* since when the other's version has been what it is */
    int64_t until_ms;                /* WAITING: the end; OUT: not to be read again before */
    int64_t used_ms;                 /* of the last bind */
    char trouble[256];               /* why it is not ours, for people */
    struct plimsoll_ticket *tickets; /* owned; in order of arrival */
    size_t ticket_count;
};

/* -- holds.c: soft holds -------------------------------------------------------------------------
 */

struct plimsoll_hold {
    struct plimsoll_uid uid;
    int64_t until_ms;
};

struct plimsoll_holds {
    struct plimsoll_hold *list; /* owned; no order */
    size_t count;
};

/* -- waiting.c: pods that no node took -----------------------------------------------------------
 */

struct plimsoll_waiter {
    struct plimsoll_bind_request request; /* node: "" */
    struct plimsoll_pod pod;              /* uid, priority and demand only */
    struct plimsoll_name_set asked;
    int64_t since_ms;
    int64_t next_ms;  /* not woken before */
    uint64_t missed;  /* nodes gained room before, from this turn on; 0: none */
    int64_t pause_ms; /* after the next wake */
};

/** A node that gained room not long ago: a filter may have looked at it just before, or who waits
 * had to be left alone. */
struct plimsoll_recent {
    char *node;      /* owned */
    uint64_t number; /* of its last gain, as the picture counts them */
    uint64_t turn;   /* when that was looked at last, as the books count that */
    int64_t looked_ms;
};

/** One of every node, no order. */
struct plimsoll_recents {
    struct plimsoll_recent *list; /* owned */
    size_t count;
    uint64_t turn;
};

struct plimsoll_waiting {
    struct plimsoll_waiter **list; /* owned; highest priority first, then longest waiting */
    size_t count;
    uint64_t counter;
    struct plimsoll_recents recents;
};

/* -- tell.c: what people are told ----------------------------------------------------------------
 */

/** A pod that was told to be refused. */
struct plimsoll_refused {
    struct plimsoll_uid uid;
    int64_t next_ms;  /* not told before */
    int64_t pause_ms; /* after the next time */
};

/** A pod over its claim, or a card over its line. */
struct plimsoll_over {
    struct plimsoll_uid uid; /* "": it is the card */
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
    char card[PLIMSOLL_CARD_ID_SIZE]; /* "": it is the pod */
    int64_t due_ms;                   /* not told before */
    bool is, told;                    /* still over, as last seen; it was told */
    bool asked;                       /* the node was asked for because it is due */
};

struct plimsoll_telling {
    struct plimsoll_refused *refused; /* owned; no order */
    size_t refused_count;
    struct plimsoll_over *over; /* owned; no order */
    size_t over_count;
    int64_t paid_ms; /* what was told is paid for until then */
    uint64_t untold; /* there was too much of it */
};

struct plimsoll_books {
    struct plimsoll_entries entries; /* Bindings whose outcome the picture does not show yet */
    struct plimsoll_fence fence;
    struct plimsoll_holds holds;
    struct plimsoll_waiting waiting;
    struct plimsoll_telling telling;
    bool stopping;
    int64_t now_ms;
};

/* recents.c */
/** The node is being looked at. @param number  Of its gain; 0: looked at once more. @return the
 * turn
 */
uint64_t plimsoll_recents_note(struct plimsoll_recents *recents, const char *node, uint64_t number,
                               int64_t now_ms);
/** Forgets what was looked at last before then. */
void plimsoll_recents_drop(struct plimsoll_recents *recents, int64_t before_ms);
void plimsoll_recents_free(struct plimsoll_recents *recents);

/* effects.c */
struct plimsoll_books_effect *plimsoll_effects_add(struct plimsoll_books_effects *effects,
                                                   enum plimsoll_books_effect_kind kind);
void plimsoll_effects_answer(struct plimsoll_books_effects *effects, uint64_t ticket,
                             const char *message);

/* bind.c */
void plimsoll_bind_ask(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                       struct plimsoll_books_effects *effects);
void plimsoll_bind_reply(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                         struct plimsoll_books_effects *effects);
void plimsoll_bind_read(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects);
void plimsoll_bind_seen(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects);
void plimsoll_bind_gone(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects);
/** What is in doubt for long enough is read. */
void plimsoll_bind_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects);

/* fence.c */
/** May a GPU pod be bound at this moment? */
bool plimsoll_fence_open(const struct plimsoll_fence *fence, int64_t now_ms);
/** A bind needs it: the ticket waits, and is asked again or answered. */
void plimsoll_fence_want(struct plimsoll_books *books, uint64_t ticket,
                         struct plimsoll_books_effects *effects);
void plimsoll_fence_reply(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                          struct plimsoll_books_effects *effects);
void plimsoll_fence_listed(struct plimsoll_books *books, uint64_t ticket,
                           struct plimsoll_books_effects *effects);
void plimsoll_fence_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects);
void plimsoll_fence_free(struct plimsoll_fence *fence);

/* holds.c */
/** Replaces the pod's hold by one on what it would get on the node of `view`, if it fits there. */
void plimsoll_holds_set(struct plimsoll_books *books, const struct plimsoll_pod *pod,
                        const struct plimsoll_node_view *view,
                        const struct plimsoll_placement_settings *settings,
                        struct plimsoll_books_effects *effects);
void plimsoll_holds_drop(struct plimsoll_books *books, const struct plimsoll_uid *uid,
                         struct plimsoll_books_effects *effects);
void plimsoll_holds_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects);

/* waiting.c */
void plimsoll_waiting_filtered(struct plimsoll_books *books,
                               const struct plimsoll_books_event *event,
                               struct plimsoll_books_effects *effects);
void plimsoll_waiting_gained(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                             struct plimsoll_books_effects *effects);
void plimsoll_waiting_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects);
void plimsoll_waiting_drop(struct plimsoll_books *books, const struct plimsoll_uid *uid);
void plimsoll_waiting_free(struct plimsoll_waiting *waiting);

/* tell.c */
/** The pod is certainly bound, with `claim`. */
void plimsoll_tell_assigned(struct plimsoll_books *books, const struct plimsoll_entry *entry,
                            const struct plimsoll_claim *claim,
                            struct plimsoll_books_effects *effects);
/** No node took the pod of the event. */
void plimsoll_tell_refused(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                           struct plimsoll_books_effects *effects);
/** Something of the node may stand over. */
void plimsoll_tell_over(struct plimsoll_books *books, const struct plimsoll_books_event *event,
                        struct plimsoll_books_effects *effects);
void plimsoll_tell_time(struct plimsoll_books *books, struct plimsoll_books_effects *effects);
/** The pod is bound: it is refused no more. */
void plimsoll_tell_settled(struct plimsoll_books *books, const struct plimsoll_uid *uid);
void plimsoll_tell_gone(struct plimsoll_books *books, const struct plimsoll_uid *uid);
void plimsoll_tell_free(struct plimsoll_telling *telling);
