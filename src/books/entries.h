/* SPDX-License-Identifier: Apache-2.0 */
/** Bindings under way, by pod uid. Few at a time: what is bound lives in the picture. Private to
 * books. */
#pragma once

#include <plimsoll/books.h>

struct plimsoll_entry {
    struct plimsoll_bind_request request;
    struct plimsoll_demand demand; /* gpu false: holds nothing */
    struct plimsoll_claim claim;
    char *visible[PLIMSOLL_GPU_CONTAINERS_MAX]; /* owned; NULL ends */
    uint64_t *tickets;                          /* owned: requests that wait for the reply */
    size_t ticket_count;
    int64_t posted_ms; /* no later than that was the last post begun */
    int64_t read_ms;   /* in doubt: not to be read again before */
    bool in_flight;    /* a post has no reply yet */
    bool in_doubt; /* an earlier post got none: it may have been written, whatever a later one says
                    */
    bool reading;  /* the pod is being read */
    bool fenced_off; /* the Lease was lost meanwhile: never posted again */
};

struct plimsoll_entries {
    struct plimsoll_entry **list; /* owned, like the entries; no order */
    size_t count;
};

/** NULL when there is none. Entries stay where they are until removed. */
struct plimsoll_entry *plimsoll_entries_find(const struct plimsoll_entries *entries,
                                             const struct plimsoll_uid *uid);
/** The pod must not have one. */
struct plimsoll_entry *plimsoll_entries_add(struct plimsoll_entries *entries,
                                            const struct plimsoll_bind_request *request);
void plimsoll_entries_remove(struct plimsoll_entries *entries, struct plimsoll_entry *entry);
void plimsoll_entries_clear(struct plimsoll_entries *entries);
void plimsoll_entry_add_ticket(struct plimsoll_entry *entry, uint64_t ticket);
