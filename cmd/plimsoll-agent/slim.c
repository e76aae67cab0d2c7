/* SPDX-License-Identifier: Apache-2.0 */
#include "slim.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* A driver's library may have relocations in its code; then that is no longer what the file says.
 */
static bool has_text_relocations(const struct dl_phdr_info *object)
{
    for (ElfW(Half) i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) {
            continue;
        }
        uintptr_t at = object->dlpi_addr + object->dlpi_phdr[i].p_vaddr;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)at; // NOLINT(performance-no-int-to-ptr)
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0)) {
                return true;
            }
        }
    }
    return false;
}

/* Segments without write permission are what the file says: the loader relocates the writable ones
 * only. */
static int slim_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size, (void)context;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (has_text_relocations(object)) {
        return 0;
    }
    for (ElfW(Half) i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) {
            continue;
        }
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = (object->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);
        /* Where it does not work nothing is lost. */
        (void)!madvise((void *)begin, end - begin, // NOLINT(performance-no-int-to-ptr)
                       MADV_DONTNEED);
    }
    return 0;
}

void plimsoll_slim(void)
{
    dl_iterate_phdr(slim_object, NULL);
}
