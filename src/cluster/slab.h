/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Objects of one size, close together: thousands that are gone through lie on few pages instead of
 * on one each. Memory of what was given back is used again, and freed at the end. No locks.
 */
#pragma once

#include <stddef.h>

struct plimsoll_slab {
    size_t size;   /* of one object; a multiple of PLIMSOLL_SLAB_ALIGNMENT */
    void **chunks; /* owned */
    size_t chunk_count;
    void *unused; /* the first of a chain */
};

#define PLIMSOLL_SLAB_ALIGNMENT 64u
/** Objects that are allocated together. */
#define PLIMSOLL_SLAB_CHUNK 32u

/** Zeroed. */
void *plimsoll_slab_take(struct plimsoll_slab *slab);
void plimsoll_slab_give_back(struct plimsoll_slab *slab, void *object);
/** Frees every object, taken or not. */
void plimsoll_slab_clear(struct plimsoll_slab *slab);
