/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/limits.h>

#include "quoted.h"

const char *plimsoll_model_plain_uid(const char *at, const char *end, struct plimsoll_uid *uid)
{
    char text[48];
    at = plimsoll_quoted_string(at, end, text, sizeof text);
    if (at == NULL || text[sizeof uid->text - 1] != '\0') {
        return NULL;
    }
    memcpy(uid->text, text, sizeof uid->text);
    return at;
}

struct plimsoll_card *plimsoll_model_plain_card(struct plimsoll_model_cards *cards)
{
    /* Eight is the usual machine; the list doubles from there, so its size needs no field. */
    uint32_t count = cards->count;
    if (count == PLIMSOLL_CARDS_MAX) {
        return NULL;
    }
    if (cards->list == NULL || (count >= 8 && (count & (count - 1)) == 0)) {
        cards->list = plimsoll_realloc(cards->list, count < 8 ? 8 : count * 2, sizeof *cards->list);
    }
    plimsoll_model_card_init(&cards->list[count]);
    return &cards->list[count];
}

bool plimsoll_model_plain_is_known(const struct plimsoll_model_cards *cards, uint32_t count,
                                   const char *id)
{
    /* The last eight bytes of `GPU-` and a UUID: cards of one machine hardly ever share them. */
    enum { TELLING = 32 };
    for (uint32_t i = 0; i < count; i++) {
        const char *other = cards->list[i].id;
        if (memcmp(other + TELLING, id + TELLING, 8) == 0 && strcmp(other, id) == 0) {
            return true;
        }
    }
    return false;
}

const char *plimsoll_model_plain_begin(const char *at, const char *end)
{
    return at < end && *at == '"' ? plimsoll_quoted_mark(at + 1, end, '{') : NULL;
}

const char *plimsoll_model_plain_end(const char *begin, const char *at, const char *end)
{
    if (!plimsoll_quoted_is(at, end, '"') ||
        at - begin > (ptrdiff_t)PLIMSOLL_ANNOTATION_BYTES_MAX) {
        return NULL;
    }
    return at + 1;
}
