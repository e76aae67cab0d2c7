/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>

int plimsoll_file_read(const char *path, struct plimsoll_text *out, struct plimsoll_error *err)
{
    plimsoll_autofclose FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    char chunk[4096];
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        plimsoll_text_add(out, chunk, size);
    }
    if (ferror(file)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: %s", path, strerror(errno));
    }
    if (out->overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "%s has more than %zu bytes", path,
                                  out->size_max);
    }
    return 0;
}
