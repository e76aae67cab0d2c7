/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <string.h>

struct age plimsoll_age_of(int64_t ms)
{
    static const struct {
        int64_t seconds;
        char letter;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
    struct age age;
    int64_t seconds = ms > 0 ? ms / 1000 : 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        /* From two of a unit on: 90 seconds say more than one minute. */
        if (seconds >= 2 * units[i].seconds) {
            snprintf(age.text, sizeof age.text, "%lld%c", (long long)(seconds / units[i].seconds),
                     units[i].letter);
            return age;
        }
    }
    snprintf(age.text, sizeof age.text, "%llds", (long long)seconds);
    return age;
}

void plimsoll_column_coloured(struct plimsoll_text *out,
                              const struct plimsoll_view_options *options, const char *colour,
                              const char *string)
{
    if (options->colour) {
        plimsoll_text_add_string(out, colour);
    }
    plimsoll_text_add_string(out, string);
    if (options->colour) {
        plimsoll_text_add_string(out, "\033[0m");
    }
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static unsigned count_characters(const char *string)
{
    unsigned count = 0;
    for (; *string != '\0'; string++) {
        count += continues(*string) ? 0 : 1;
    }
    return count;
}

/* Bytes of the first `count` characters. */
static size_t size_of_characters(const char *string, unsigned count)
{
    size_t size = 0;
    while (string[size] != '\0' && (count > 0 || continues(string[size]))) {
        count -= continues(string[size]) ? 0 : 1;
        size++;
    }
    return size;
}

/* Where nobody shows more than ASCII: what was cut keeps its mark. */
static void make_ascii(char *string)
{
    char *to = string;
    for (const char *from = string; *from != '\0'; from++) {
        bool cut = strncmp(from, "…", strlen("…")) == 0;
        if (!continues(*from)) {
            *to++ = (char)(((unsigned char)*from & 0x80) == 0 ? *from : cut ? '~' : '?');
        }
    }
    *to = '\0';
}

unsigned plimsoll_column_clean(struct plimsoll_text *out,
                               const struct plimsoll_view_options *options, const char *string,
                               unsigned columns)
{
    struct plimsoll_error clean = {0};
    plimsoll_error_set(&clean, PLIMSOLL_ERR_NONE, "%s", string);
    if (!options->unicode) {
        make_ascii(clean.message);
    }
    unsigned count = count_characters(clean.message);
    if (count <= columns) {
        plimsoll_text_add_string(out, clean.message);
        return count;
    }
    const char *more = options->unicode ? "…" : "~";
    plimsoll_text_add(out, clean.message, size_of_characters(clean.message, columns - 1));
    plimsoll_text_add_string(out, more);
    return columns;
}

void plimsoll_column_add(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                         const char *string, unsigned columns)
{
    unsigned taken = plimsoll_column_clean(out, options, string, columns);
    plimsoll_text_add_format(out, "%*s", (int)(columns - taken), "");
}

void plimsoll_column_wrap(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                          const char *string, unsigned at, unsigned indent)
{
    struct plimsoll_span rest = plimsoll_span_of(string), word;
    bool first = true;
    while (plimsoll_span_cut(&rest, ' ', &word)) {
        plimsoll_autofree char *copy = plimsoll_copy(word.data, word.size);
        unsigned size = count_characters(copy);
        bool full = at + (first ? 0 : 1) + size > options->width;
        if (full && (!first || at > indent)) {
            plimsoll_text_add_format(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            plimsoll_text_add_char(out, ' ');
            at++;
        }
        at += plimsoll_column_clean(out, options, copy, size > 0 ? size : 1);
        first = false;
    }
    plimsoll_text_add_char(out, '\n');
}

const char *plimsoll_column_product(const struct plimsoll_card *card)
{
    static const char *const makers[] = {"NVIDIA-", "NVIDIA ",   "AMD ",
                                         "AMD_",    "Intel(R) ", "Intel "};
    if (card->product[0] == '\0') {
        return card->id;
    }
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        size_t size = strlen(makers[i]);
        if (strncmp(card->product, makers[i], size) == 0 && card->product[size] != '\0') {
            return card->product + size;
        }
    }
    return card->product;
}
