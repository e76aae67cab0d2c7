/* SPDX-License-Identifier: Apache-2.0 */
#include "plain.h"

#include <plimsoll/clock.h>

/* Up to here each uid is compared with each; more are left to the thorough reader. */
#define FEW_UIDS 16

static bool read_uid(struct plimsoll_span raw, struct plimsoll_uid *uid)
{
    return raw.size > 0 && plimsoll_model_copy(raw, uid->text, sizeof uid->text);
}

static bool read_pods(struct plimsoll_json_cursor *cursor, struct plimsoll_card *card)
{
    struct plimsoll_pod_bytes pods[FEW_UIDS];
    struct plimsoll_span key;
    uint32_t count = 0;
    if (!plimsoll_json_cursor_object(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (count == FEW_UIDS || !read_uid(key, &pods[count].pod) ||
            !plimsoll_model_plain_bytes(cursor, &pods[count].bytes)) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(pods[i].pod.text, pods[count].pod.text) == 0) {
                return false;
            }
        }
        count++;
    }
    if (count > 0) {
        card->pods = plimsoll_alloc(count, sizeof *card->pods);
        memcpy(card->pods, pods, count * sizeof *pods);
        card->pod_count = count;
    }
    return !cursor->failed;
}

/* Kept sorted, as the thorough reader leaves them. */
static bool read_holders(struct plimsoll_json_cursor *cursor, struct plimsoll_card *card)
{
    struct plimsoll_uid holders[FEW_UIDS + 1];
    struct plimsoll_span raw;
    uint32_t count = 0;
    if (!plimsoll_json_cursor_array(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_element(cursor)) {
        struct plimsoll_uid uid;
        if (count == FEW_UIDS || !plimsoll_json_cursor_string(cursor, &raw) ||
            !read_uid(raw, &uid)) {
            return false;
        }
        uint32_t at = count;
        for (; at > 0 && strcmp(holders[at - 1].text, uid.text) >= 0; at--) {
            if (strcmp(holders[at - 1].text, uid.text) == 0) {
                return false;
            }
            holders[at] = holders[at - 1];
        }
        holders[at] = uid;
        count++;
    }
    if (count > 0) {
        card->holders = plimsoll_alloc(count, sizeof *card->holders);
        memcpy(card->holders, holders, count * sizeof *holders);
        card->holder_count = count;
    }
    return !cursor->failed;
}

static bool read_member(struct plimsoll_json_cursor *cursor, struct plimsoll_span key,
                        uint32_t *seen, struct plimsoll_card *card)
{
    if (plimsoll_span_is(key, "id")) {
        return plimsoll_model_plain_once(seen, 0) &&
               plimsoll_model_plain_string(cursor, card->id, sizeof card->id);
    }
    if (plimsoll_span_is(key, "used")) {
        return plimsoll_model_plain_once(seen, 1) &&
               plimsoll_model_plain_bytes(cursor, &card->used);
    }
    if (plimsoll_span_is(key, "attributed")) {
        return plimsoll_model_plain_once(seen, 2) &&
               plimsoll_json_cursor_bool(cursor, &card->attributed);
    }
    if (plimsoll_span_is(key, "pods")) {
        return plimsoll_model_plain_once(seen, 3) && read_pods(cursor, card);
    }
    return plimsoll_span_is(key, "holders") && plimsoll_model_plain_once(seen, 4) &&
           read_holders(cursor, card);
}

static bool read_card(struct plimsoll_json_cursor *cursor, struct plimsoll_model_cards *measured)
{
    struct plimsoll_card *card = plimsoll_model_plain_card(measured);
    struct plimsoll_span key;
    uint32_t seen = 0;
    if (card == NULL || !plimsoll_json_cursor_object(cursor)) {
        return false;
    }
    card->reported = true;
    measured->count++;
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (!read_member(cursor, key, &seen, card)) {
            return false;
        }
    }
    if (cursor->failed || (seen & 3) != 3) {
        return false;
    }
    struct plimsoll_model_cards before = {.list = measured->list, .count = measured->count - 1};
    return plimsoll_model_cards_find(&before, card->id) == NULL;
}

static bool read_cards(struct plimsoll_json_cursor *cursor, struct plimsoll_model_cards *measured)
{
    if (!plimsoll_json_cursor_array(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_element(cursor)) {
        if (!read_card(cursor, measured)) {
            return false;
        }
    }
    return !cursor->failed;
}

static bool read_time(struct plimsoll_json_cursor *cursor, int64_t *time)
{
    struct plimsoll_span raw;
    struct plimsoll_error ignored;
    return plimsoll_json_cursor_string(cursor, &raw) && raw.size < 64 &&
           plimsoll_time_parse(raw, time, &ignored) == 0;
}

bool plimsoll_model_plain_usage(struct plimsoll_span text, struct plimsoll_model_cards *measured,
                                int64_t *time)
{
    struct plimsoll_model_cards read = {0};
    struct plimsoll_json_cursor cursor;
    struct plimsoll_span key;
    int64_t when = 0;
    uint32_t seen = 0;
    bool plain = plimsoll_model_plain_begin(text, &cursor);
    while (plain && plimsoll_json_cursor_member(&cursor, &key)) {
        if (plimsoll_span_is(key, "v")) {
            plain = plimsoll_model_plain_once(&seen, 0) && plimsoll_model_plain_version(&cursor);
        } else if (plimsoll_span_is(key, "cards")) {
            plain = plimsoll_model_plain_once(&seen, 1) && read_cards(&cursor, &read);
        } else {
            plain = plimsoll_span_is(key, "time") && plimsoll_model_plain_once(&seen, 2) &&
                    read_time(&cursor, &when);
        }
    }
    if (!plain || (seen & 3) != 3 || !plimsoll_json_cursor_finish(&cursor)) {
        plimsoll_model_cards_clear(&read);
        return false;
    }
    *measured = read;
    *time = when;
    return true;
}
