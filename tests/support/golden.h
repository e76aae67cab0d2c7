/* SPDX-License-Identifier: Apache-2.0 */
/** Outputs that somebody has looked at: tests/fixtures/view/NAME. With PLIMSOLL_WRITE_GOLDEN set
 * they are written instead of compared; look at them before they are committed. */
#pragma once

#include "unit.h"

#include <plimsoll/text.h>

#include <errno.h>
#include <string.h>

#define GOLDEN_BYTES_MAX (1u << 20)

static inline void golden_write(const char *path, const struct plimsoll_text *text)
{
    plimsoll_autofclose FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(text->data, 1, text->size, file) != text->size) {
        fail_msg("%s: %s", path, strerror(errno));
    }
}

/* assert_string_equal prints neither where nor what of a long text. */
static inline void golden_differs(const char *name, const char *is, const char *should_be)
{
    size_t line = 1, start = 0, i = 0;
    for (; is[i] != '\0' && is[i] == should_be[i]; i++) {
        if (is[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    if (is[i] != should_be[i]) {
        fail_msg("%s, line %zu:\n is        %.*s\n should be %.*s", name, line,
                 (int)strcspn(is + start, "\n"), is + start, (int)strcspn(should_be + start, "\n"),
                 should_be + start);
    }
}

static inline void golden_compare(const char *name, const struct plimsoll_text *text)
{
    char path[4096];
    plimsoll_autofree char *should_be = plimsoll_alloc(GOLDEN_BYTES_MAX + 1, 1);
    snprintf(path, sizeof path, "%s/fixtures/view/%s", PLIMSOLL_TESTS_DIR, name);
    if (getenv("PLIMSOLL_WRITE_GOLDEN") != NULL) {
        golden_write(path, text);
        return;
    }
    plimsoll_autofclose FILE *file = fopen(path, "re");
    if (file == NULL) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    size_t size = fread(should_be, 1, GOLDEN_BYTES_MAX, file);
    assert_true(size < GOLDEN_BYTES_MAX);
    golden_differs(name, text->data != NULL ? text->data : "", should_be);
}
