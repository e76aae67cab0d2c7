/* SPDX-License-Identifier: Apache-2.0 */
/** What tables are made of: columns of text, sizes, ages, colours. */
#pragma once

#include <plimsoll/quantity.h>
#include <plimsoll/view.h>

#define BOLD    "\033[1m"
#define DIM     "\033[90m"
#define RED     "\033[31m"
#define GREEN   "\033[32m"
#define YELLOW  "\033[33m"
#define MAGENTA "\033[35m"
#define CYAN    "\033[36m"

struct bytes {
    char text[PLIMSOLL_QUANTITY_SIZE];
};

static inline struct bytes bytes_of(uint64_t count)
{
    struct bytes bytes;
    plimsoll_quantity_format(count, bytes.text);
    return bytes;
}

/** How long ago: `4s`, `12m`, `3h`, `5d`. */
struct age {
    char text[24];
};
struct age plimsoll_age_of(int64_t ms);

/** `string` in `colour`, where there is colour. */
void plimsoll_column_coloured(struct plimsoll_text *out,
                              const struct plimsoll_view_options *options, const char *colour,
                              const char *string);

/** Exactly `columns` characters: filled up with blanks, or cut. What others wrote (a driver, a
 * label) does not steer a terminal. */
void plimsoll_column_add(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                         const char *string, unsigned columns);

/** The same without filling up. @return the characters added */
unsigned plimsoll_column_clean(struct plimsoll_text *out,
                               const struct plimsoll_view_options *options, const char *string,
                               unsigned columns);

/** Words up to the width, further lines `indent` in. @param at  Columns taken on this line. */
void plimsoll_column_wrap(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                          const char *string, unsigned at, unsigned indent);

/** What a card is called without its maker's name, or its id. */
const char *plimsoll_column_product(const struct plimsoll_card *card);
