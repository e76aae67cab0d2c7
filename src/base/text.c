/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/text.h>

#include "utf8.h"

#include <stdarg.h>

void plimsoll_text_clear(struct plimsoll_text *text)
{
    free(text->data);
    *text = plimsoll_text_make(text->size_max);
}

void plimsoll_text_reset(struct plimsoll_text *text)
{
    text->size = 0;
    text->overflowed = false;
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

/* One byte more than the capacity is always there, for the NUL. */
static void set_capacity(struct plimsoll_text *text, size_t capacity)
{
    text->data = plimsoll_realloc(text->data, capacity + 1, 1);
    text->capacity = capacity;
    text->data[text->size] = '\0';
}

void plimsoll_text_reserve(struct plimsoll_text *text, size_t size)
{
    size_t room = text->size_max - text->size;
    size_t wanted = text->size + (size < room ? size : room);
    if (wanted > text->capacity) {
        set_capacity(text, wanted);
    }
}

/* Room for `size` bytes at the end, or NULL with the overflow remembered. */
static char *extend(struct plimsoll_text *text, size_t size)
{
    if (text->overflowed || size > text->size_max - text->size) {
        text->overflowed = true;
        return NULL;
    }
    if (text->data == NULL || text->size + size > text->capacity) {
        size_t capacity = text->capacity + text->capacity / 2;
        if (capacity < text->size + size) {
            capacity = text->size + size;
        }
        if (capacity < 64) {
            capacity = 64;
        }
        set_capacity(text, capacity < text->size_max ? capacity : text->size_max);
    }
    char *at = text->data + text->size;
    text->size += size;
    text->data[text->size] = '\0';
    return at;
}

void plimsoll_text_add(struct plimsoll_text *text, const char *data, size_t size)
{
    if (size == 0) {
        return;
    }
    char *at = extend(text, size);
    if (at != NULL) {
        memcpy(at, data, size);
    }
}

void plimsoll_text_add_string(struct plimsoll_text *text, const char *string)
{
    plimsoll_text_add(text, string, strlen(string));
}

void plimsoll_text_add_span(struct plimsoll_text *text, struct plimsoll_span span)
{
    plimsoll_text_add(text, span.data, span.size);
}

void plimsoll_text_add_char(struct plimsoll_text *text, char c)
{
    plimsoll_text_add(text, &c, 1);
}

void plimsoll_text_add_uint(struct plimsoll_text *text, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    plimsoll_text_add(text, digits + at, sizeof digits - at);
}

void plimsoll_text_add_format(struct plimsoll_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *formatted = NULL;
    int size = vasprintf(&formatted, format, arguments);
    va_end(arguments);
    if (size < 0) {
        abort();
    }
    plimsoll_text_add(text, formatted, (size_t)size);
    free(formatted);
}

static void add_escaped(struct plimsoll_text *text, unsigned char byte)
{
    static const char shorts[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (byte == '"' || byte == '\\') {
        plimsoll_text_add(text, (const char[]){'\\', (char)byte}, 2);
    } else if (byte < sizeof shorts && shorts[byte] != 0) {
        plimsoll_text_add(text, (const char[]){'\\', shorts[byte]}, 2);
    } else {
        plimsoll_text_add_format(text, "\\u%04x", byte);
    }
}

void plimsoll_text_add_json(struct plimsoll_text *text, struct plimsoll_span span)
{
    plimsoll_text_add_char(text, '"');
    size_t plain = 0; /* start of the run that goes out as it stands */
    for (size_t at = 0; at < span.size;) {
        unsigned char byte = (unsigned char)span.data[at];
        size_t length = byte < 0x80 ? 1 : plimsoll_utf8_sequence(span.data + at, span.size - at);
        if (length > 0 && byte >= 0x20 && byte != '"' && byte != '\\') {
            at += length;
            continue;
        }
        plimsoll_text_add(text, span.data + plain, at - plain);
        if (length == 0) {
            plimsoll_text_add_string(text, "\xEF\xBF\xBD");
        } else {
            add_escaped(text, byte);
        }
        plain = ++at;
    }
    plimsoll_text_add(text, span.data + plain, span.size - plain);
    plimsoll_text_add_char(text, '"');
}
