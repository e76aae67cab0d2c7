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
    bool in_flight; /* false: the last post got no reply */
    bool in_doubt;  /* an earlier post got none: it may have been written, whatever a later one says
                     */
};

struct plimsoll_entries {
    struct plimsoll_entry **list; /* owned, like the entries; no order */
    size_t count;
};

/** NULL when there is none. Entries stay where they are until removed. */
struct plimsoll_entry *plimsoll_entries_find(const struct plimsoll_entries *entries,
                                             const struct plimsoll_uid *uid);
struct plimsoll_entry *plimsoll_entries_add(struct plimsoll_entries *entries,
                                            const struct plimsoll_bind_request *request);
void plimsoll_entries_remove(struct plimsoll_entries *entries, struct plimsoll_entry *entry);
void plimsoll_entries_clear(struct plimsoll_entries *entries);

void plimsoll_entry_add_ticket(struct plimsoll_entry *entry, uint64_t ticket);
