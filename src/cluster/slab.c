/* SPDX-License-Identifier: Apache-2.0 */
#include "slab.h"

#include <plimsoll/own.h>

#include <string.h>

/* What stands in an object that nobody has. */
struct link {
    void *next;
};

void plimsoll_slab_give_back(struct plimsoll_slab *slab, void *object)
{
    struct link *link = memset(object, 0, slab->size);
    link->next = slab->unused;
    slab->unused = object;
}

static void grow(struct plimsoll_slab *slab)
{
    char *chunk = plimsoll_alloc_aligned(PLIMSOLL_SLAB_ALIGNMENT, slab->size * PLIMSOLL_SLAB_CHUNK);
    slab->chunks = plimsoll_realloc(slab->chunks, slab->chunk_count + 1, sizeof *slab->chunks);
    slab->chunks[slab->chunk_count++] = chunk;
    for (size_t i = PLIMSOLL_SLAB_CHUNK; i-- > 0;) {
        plimsoll_slab_give_back(slab, chunk + i * slab->size);
    }
}

void *plimsoll_slab_take(struct plimsoll_slab *slab)
{
    if (slab->unused == NULL) {
        grow(slab);
    }
    struct link *link = slab->unused;
    slab->unused = link->next;
    link->next = NULL;
    return link;
}

void plimsoll_slab_clear(struct plimsoll_slab *slab)
{
    for (size_t i = 0; i < slab->chunk_count; i++) {
        free(slab->chunks[i]);
    }
    free(slab->chunks);
    *slab = (struct plimsoll_slab){.size = slab->size};
}
