/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Bytes that grow up to a ceiling given at birth.
 *
 * Appending past the ceiling adds nothing and is remembered, so that a run of appends is checked
 * once at the end. `data` is NUL-terminated whenever it is not NULL.
 */
#pragma once

#include <plimsoll/own.h>
#include <plimsoll/span.h>

#include <stdbool.h>
#include <stdint.h>

struct plimsoll_text {
    char *data; /* owned; NULL until the first byte */
    size_t size;
    size_t capacity;
    size_t size_max;
    bool overflowed; /* an append did not fit; stays until reset */
};

#define plimsoll_autotext __attribute__((cleanup(plimsoll_text_clear))) struct plimsoll_text

/** An empty text that never holds more than `size_max` bytes. The caller clears it. */
static inline struct plimsoll_text plimsoll_text_make(size_t size_max)
{
    return (struct plimsoll_text){.size_max = size_max};
}

void plimsoll_text_clear(struct plimsoll_text *text);
/** Empty again, memory kept. */
void plimsoll_text_reset(struct plimsoll_text *text);
/** Room for `size` more bytes without another allocation, within the ceiling. */
void plimsoll_text_reserve(struct plimsoll_text *text, size_t size);

void plimsoll_text_add(struct plimsoll_text *text, const char *data, size_t size);
void plimsoll_text_add_string(struct plimsoll_text *text, const char *string);
void plimsoll_text_add_span(struct plimsoll_text *text, struct plimsoll_span span);
void plimsoll_text_add_char(struct plimsoll_text *text, char c);
void plimsoll_text_add_uint(struct plimsoll_text *text, uint64_t value);
void plimsoll_text_add_format(struct plimsoll_text *text, const char *format, ...)
    PLIMSOLL_PRINTF(2, 3);
/** `span` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void plimsoll_text_add_json(struct plimsoll_text *text, struct plimsoll_span span);

static inline struct plimsoll_span plimsoll_text_span(const struct plimsoll_text *text)
{
    return (struct plimsoll_span){.data = text->data, .size = text->size};
}
