/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who frees what: cleanup attributes for owning locals, and allocation that does not fail.
 *
 * Everything a peer can make long has a ceiling of its own (limits.h); within those ceilings
 * running out of memory ends the process, which Kubernetes restarts, instead of adding branches no
 * test reaches.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PLIMSOLL_MUST_CHECK             __attribute__((warn_unused_result))
#define PLIMSOLL_PRINTF(message, first) __attribute__((format(printf, message, first)))

/** An owning local: starts at NULL (or -1), is released when it leaves scope. */
#define plimsoll_autofree   __attribute__((cleanup(plimsoll_own_free_)))
#define plimsoll_autoclose  __attribute__((cleanup(plimsoll_own_close_)))
#define plimsoll_autofclose __attribute__((cleanup(plimsoll_own_fclose_)))

/** Hands the pointer on: yields it and leaves NULL behind. */
#define PLIMSOLL_TAKE(pointer)                                                                     \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

/** Zeroed memory for `count` × `size` bytes; ends the process when there is none. The caller frees.
 */
void *plimsoll_alloc(size_t count, size_t size) __attribute__((returns_nonnull, malloc));

/** The same for one object that starts at a multiple of `alignment`, which divides `size`. */
void *plimsoll_alloc_aligned(size_t alignment, size_t size)
    __attribute__((returns_nonnull, malloc));

/** realloc to `count` × `size`; new bytes are not zeroed. Ends the process when there is none. */
void *plimsoll_realloc(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));

/** A NUL-terminated copy of `size` bytes. The caller frees. */
char *plimsoll_copy(const char *data, size_t size) __attribute__((returns_nonnull, malloc));

/* Used by the macros only. */
void plimsoll_own_free_(void *pointer);
void plimsoll_own_close_(const int *fd);
void plimsoll_own_fclose_(FILE **file);
