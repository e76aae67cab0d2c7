/* SPDX-License-Identifier: Apache-2.0 */
#include "slab.h"

#include <plimsoll/own.h>

#include <string.h>

/* What stands in an object that nobody has. */
struct link {
    void *next;
};

void plimsoll_slab_give_back(struct plimsoll_slab *pool, void *object)
{
    struct link *link = memset(object, 0, pool->size);
    link->next = pool->unused;
    pool->unused = object;
}

static void grow(struct plimsoll_slab *pool)
{
    char *chunk = plimsoll_alloc_aligned(PLIMSOLL_POOL_ALIGNMENT, pool->size * PLIMSOLL_POOL_CHUNK);
    pool->chunks = plimsoll_realloc(pool->chunks, pool->chunk_count + 1, sizeof *pool->chunks);
    pool->chunks[pool->chunk_count++] = chunk;
    for (size_t i = PLIMSOLL_POOL_CHUNK; i-- > 0;) {
        plimsoll_slab_give_back(pool, chunk + i * pool->size);
    }
}

void *plimsoll_slab_take(struct plimsoll_slab *pool)
{
    if (pool->unused == NULL) {
        grow(pool);
    }
    struct link *link = pool->unused;
    pool->unused = link->next;
    link->next = NULL;
    return link;
}

void plimsoll_slab_clear(struct plimsoll_slab *pool)
{
    for (size_t i = 0; i < pool->chunk_count; i++) {
        free(pool->chunks[i]);
    }
    free(pool->chunks);
    *pool = (struct plimsoll_slab){.size = pool->size};
}
