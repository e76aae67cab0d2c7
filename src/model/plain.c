/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/limits.h>

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

bool plimsoll_model_plain_once(uint32_t *seen, unsigned bit)
{
    bool fresh = (*seen >> bit & 1) == 0;
    *seen |= UINT32_C(1) << bit;
    return fresh;
}

bool plimsoll_model_plain_string(struct plimsoll_json_cursor *cursor, char *out, size_t size)
{
    struct plimsoll_span raw;
    if (!plimsoll_json_cursor_string(cursor, &raw) || raw.size == 0 || raw.size >= size) {
        return false;
    }
    memcpy(out, raw.data, raw.size);
    out[raw.size] = '\0';
    return true;
}

bool plimsoll_model_plain_int(struct plimsoll_json_cursor *cursor, int64_t min, int64_t max,
                              int64_t *out)
{
    return plimsoll_json_cursor_int(cursor, out) && *out >= min && *out <= max;
}

bool plimsoll_model_plain_bytes(struct plimsoll_json_cursor *cursor, uint64_t *out)
{
    int64_t value;
    if (plimsoll_json_cursor_type(cursor) != PLIMSOLL_JSON_NUMBER || *cursor->at == '-' ||
        !plimsoll_model_plain_int(cursor, 0, (INT64_C(1) << 53) - 1, &value)) {
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

bool plimsoll_model_plain_begin(struct plimsoll_span text, struct plimsoll_json_cursor *cursor)
{
    if (text.size == 0 || memchr(text.data, '\\', text.size) != NULL) {
        return false;
    }
    *cursor = plimsoll_json_cursor_make(text);
    return plimsoll_json_cursor_object(cursor);
}

bool plimsoll_model_plain_version(struct plimsoll_json_cursor *cursor)
{
    uint64_t version;
    return plimsoll_model_plain_bytes(cursor, &version) && version == 1;
}
