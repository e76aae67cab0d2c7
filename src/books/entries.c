/* SPDX-License-Identifier: Apache-2.0 */
#include "entries.h"

#include <string.h>

/* A scheduler has tens of Bindings in flight; a lost reply stays only until its pod is seen. */
struct plimsoll_entry *plimsoll_entries_find(const struct plimsoll_entries *entries,
                                             const struct plimsoll_uid *uid)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (strcmp(entries->list[i]->request.uid.text, uid->text) == 0) {
            return entries->list[i];
        }
    }
    return NULL;
}

struct plimsoll_entry *plimsoll_entries_add(struct plimsoll_entries *entries,
                                            const struct plimsoll_bind_request *request)
{
    entries->list = plimsoll_realloc(entries->list, entries->count + 1, sizeof *entries->list);
    struct plimsoll_entry *entry = plimsoll_alloc(1, sizeof *entry);
    entry->request = *request;
    entries->list[entries->count++] = entry;
    return entry;
}

static void free_entry(struct plimsoll_entry *entry)
{
    plimsoll_claim_clear(&entry->claim);
    for (size_t i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX; i++) {
        free(entry->visible[i]);
    }
    free(entry->tickets);
    free(entry);
}

void plimsoll_entries_remove(struct plimsoll_entries *entries, struct plimsoll_entry *entry)
{
    for (size_t i = 0; i < entries->count; i++) {
        if (entries->list[i] == entry) {
            entries->list[i] = entries->list[--entries->count];
            free_entry(entry);
            return;
        }
    }
}

void plimsoll_entries_clear(struct plimsoll_entries *entries)
{
    for (size_t i = 0; i < entries->count; i++) {
        free_entry(entries->list[i]);
    }
    free(entries->list);
    *entries = (struct plimsoll_entries){0};
}

void plimsoll_entry_add_ticket(struct plimsoll_entry *entry, uint64_t ticket)
{
    entry->tickets =
        plimsoll_realloc(entry->tickets, entry->ticket_count + 1, sizeof *entry->tickets);
    entry->tickets[entry->ticket_count++] = ticket;
}
