/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/json_cursor.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* The four digits of \uXXXX; `at` stands on the backslash. */
static unsigned code_unit(const char *at)
{
    return hex_digit(at[2]) << 12 | hex_digit(at[3]) << 8 | hex_digit(at[4]) << 4 |
           hex_digit(at[5]);
}

static char *put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* \uXXXX, with the second half of a pair when it is there. @return what was read of `at` */
static size_t put_unicode(const char *at, size_t size, char **out)
{
    unsigned code = code_unit(at);
    size_t used = 6;
    if (code >= 0xD800 && code < 0xDC00 && size >= 12 && at[6] == '\\' && at[7] == 'u') {
        unsigned low = code_unit(at + 6);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            used = 12;
        }
    }
    bool lone = code >= 0xD800 && code < 0xE000;
    *out = put_utf8(*out, lone ? 0xFFFD : code);
    return used;
}

static char plain_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/*
 * Copies up to the next backslash or the end. Blocks are written whole, what is behind the
 * backslash is written again: `out` has room for as many bytes as are left of the text.
 */
static void copy_plain(const char **at, const char *end, char **out)
{
#if defined(__SSE2__)
    while (end - *at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)*at);
        _mm_storeu_si128((__m128i *)(void *)*out, bytes);
        int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
        int plain = found != 0 ? __builtin_ctz((unsigned)found) : 16;
        *at += plain;
        *out += plain;
        if (found != 0) {
            return;
        }
    }
#endif
    while (*at < end && **at != '\\') {
        *(*out)++ = *(*at)++;
    }
}

/* Never longer than `raw`: an escape of six bytes gives three at most. @return the end */
static char *unescape(struct plimsoll_span raw, char *out)
{
    const char *at = raw.data, *end = raw.data + raw.size;
    for (;;) {
        copy_plain(&at, end, &out);
        if (end - at >= 6 && at[1] == 'u') {
            at += put_unicode(at, (size_t)(end - at), &out);
        } else if (end - at >= 2) {
            *out++ = plain_escape(at[1]);
            at += 2;
        } else {
            return out;
        }
    }
}

void plimsoll_json_unescape(struct plimsoll_span raw, struct plimsoll_text *out)
{
    if (raw.size == 0 || memchr(raw.data, '\\', raw.size) == NULL) {
        plimsoll_text_add_span(out, raw);
        return;
    }
    if (out->size == 0) {
        plimsoll_text_reserve(out, raw.size);
    }
    if (!out->overflowed && out->capacity - out->size >= raw.size) {
        out->size = (size_t)(unescape(raw, out->data + out->size) - out->data);
        out->data[out->size] = '\0';
        return;
    }
    /* The ceiling is for the unescaped form, which may fit where the raw one does not. */
    plimsoll_autofree char *plain = plimsoll_alloc(raw.size, 1);
    plimsoll_text_add(out, plain, (size_t)(unescape(raw, plain) - plain));
}
