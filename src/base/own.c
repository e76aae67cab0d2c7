/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/own.h>

#include <stdint.h>
#include <string.h>

static void *or_abort(void *memory)
{
    if (memory == NULL) {
        static const char message[] = "plimsoll: out of memory\n";
        (void)!write(STDERR_FILENO, message, sizeof message - 1);
        abort();
    }
    return memory;
}

void *plimsoll_alloc(size_t count, size_t size)
{
    return or_abort(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *plimsoll_alloc_aligned(size_t alignment, size_t size)
{
    return memset(or_abort(aligned_alloc(alignment, size)), 0, size);
}

void *plimsoll_realloc(void *memory, size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        count = size = 1;
    }
    return or_abort(reallocarray(memory, count, size));
}

char *plimsoll_copy(const char *data, size_t size)
{
    char *copy = or_abort(malloc(size + 1));
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    return copy;
}

void plimsoll_own_free_(void *pointer)
{
    void *memory;
    memcpy(&memory, pointer, sizeof memory);
    free(memory);
}

void plimsoll_own_close_(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

void plimsoll_own_fclose_(FILE **file)
{
    if (*file != NULL) {
        (void)fclose(*file);
    }
}
