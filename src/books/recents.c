/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <string.h>

static struct plimsoll_recent *find(const struct plimsoll_recents *recents, const char *node)
{
    for (size_t i = 0; i < recents->count; i++) {
        if (strcmp(recents->list[i].node, node) == 0) {
            return &recents->list[i];
        }
    }
    return NULL;
}

/* As many as the picture has nodes, at most. */
static struct plimsoll_recent *add(struct plimsoll_recents *recents, const char *node)
{
    recents->list = plimsoll_realloc(recents->list, recents->count + 1, sizeof *recents->list);
    struct plimsoll_recent *recent = &recents->list[recents->count++];
    *recent = (struct plimsoll_recent){.node = plimsoll_copy(node, strlen(node))};
    return recent;
}

/* Several threads tell of gains, and not always in their order. */
uint64_t plimsoll_recents_note(struct plimsoll_recents *recents, const char *node, uint64_t number,
                               int64_t now_ms)
{
    struct plimsoll_recent *recent = find(recents, node);
    if (recent == NULL) {
        recent = add(recents, node);
    }
    recent->number = number > recent->number ? number : recent->number;
    recent->looked_ms = now_ms;
    return recent->turn = ++recents->turn;
}

void plimsoll_recents_drop(struct plimsoll_recents *recents, int64_t before_ms)
{
    for (size_t i = recents->count; i-- > 0;) {
        if (recents->list[i].looked_ms < before_ms) {
            free(recents->list[i].node);
            recents->list[i] = recents->list[--recents->count];
        }
    }
}

void plimsoll_recents_free(struct plimsoll_recents *recents)
{
    for (size_t i = 0; i < recents->count; i++) {
        free(recents->list[i].node);
    }
    free(recents->list);
}
