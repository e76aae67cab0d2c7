/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/report.h>

#include "report_card.h"

/* Parts of the reserve: what is smaller is absorbed by it, or is noise. */
#define LOSS_PARTS 4
#define GAIN_PARTS 64

/* How much what is measured differs from what was written, mildest first. */
enum change { SAME, SMALL, LOSS, AT_ONCE };

struct plimsoll_publisher {
    struct plimsoll_publisher_settings settings;
    struct plimsoll_report_cards written, offered;
    struct plimsoll_text inventory_written, inventory_offered;
    bool anything_written;
    int64_t small_since, loss_since; /* monotonic; -1: no such change */
    uint32_t writes_left;
    int64_t refilled_at;
};

struct plimsoll_publisher *
plimsoll_publisher_new(const struct plimsoll_publisher_settings *settings)
{
    struct plimsoll_publisher *publisher = plimsoll_alloc(1, sizeof *publisher);
    *publisher = (struct plimsoll_publisher){
        .settings = *settings,
        .inventory_written = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX),
        .inventory_offered = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX),
        .small_since = -1,
        .loss_since = -1,
        .writes_left = settings->burst,
    };
    return publisher;
}

void plimsoll_publisher_free(struct plimsoll_publisher **handle)
{
    struct plimsoll_publisher *publisher = PLIMSOLL_TAKE(*handle);
    if (publisher == NULL) {
        return;
    }
    plimsoll_report_cards_clear(&publisher->written);
    plimsoll_report_cards_clear(&publisher->offered);
    plimsoll_text_clear(&publisher->inventory_written);
    plimsoll_text_clear(&publisher->inventory_offered);
    free(publisher);
}

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t foreign_of(const struct plimsoll_report_card *card)
{
    uint64_t pods = 0;
    for (uint32_t i = 0; i < card->pod_count; i++) {
        pods += card->pods[i].bytes;
    }
    return card->used > pods ? card->used - pods : 0;
}

/* The largest change of one pod's bytes; both lists are sorted, a pod that is missing has none. */
static uint64_t pods_difference(const struct plimsoll_report_card *a,
                                const struct plimsoll_report_card *b)
{
    uint64_t largest = 0;
    uint32_t i = 0, k = 0;
    while (i < a->pod_count || k < b->pod_count) {
        int side = i == a->pod_count   ? 1
                   : k == b->pod_count ? -1
                                       : strcmp(a->pods[i].pod.text, b->pods[k].pod.text);
        uint64_t before = side <= 0 ? a->pods[i++].bytes : 0;
        uint64_t after = side >= 0 ? b->pods[k++].bytes : 0;
        largest = max_of(largest, difference(before, after));
    }
    return largest;
}

static bool same_holders(const struct plimsoll_report_card *a, const struct plimsoll_report_card *b)
{
    bool same = a->holder_count == b->holder_count;
    for (uint32_t i = 0; i < a->holder_count && same; i++) {
        same = strcmp(a->holders[i].text, b->holders[i].text) == 0;
    }
    return same;
}

/* Room comes from a fall of what is used, or of what no pod uses: a pod's own bytes may hide in its
 * claim, which the agent does not know. */
static enum change compare_bytes(const struct plimsoll_report_card *before,
                                 const struct plimsoll_report_card *after, uint64_t reserve)
{
    bool told_apart = before->attributed && after->attributed;
    uint64_t foreign_before = told_apart ? foreign_of(before) : 0;
    uint64_t foreign_after = told_apart ? foreign_of(after) : 0;
    uint64_t pods = told_apart ? pods_difference(before, after) : 0;
    uint64_t gain = max_of(before->used > after->used ? before->used - after->used : 0,
                           foreign_before > foreign_after ? foreign_before - foreign_after : 0);
    uint64_t change = max_of(pods, max_of(difference(before->used, after->used),
                                          difference(foreign_before, foreign_after)));
    if (gain > 0 && gain >= reserve / GAIN_PARTS) {
        return AT_ONCE;
    }
    if (change > 0 && change >= reserve / LOSS_PARTS) {
        return LOSS;
    }
    return change > 0 ? SMALL : SAME;
}

static enum change compare_card(const struct plimsoll_report_card *before,
                                const struct plimsoll_report_card *after, uint64_t reserve)
{
    if (before == NULL || !same_holders(before, after)) {
        return AT_ONCE;
    }
    enum change change = compare_bytes(before, after, reserve);
    bool otherwise_told = before->attributed != after->attributed ||
                          before->used_known != after->used_known ||
                          before->holders_known != after->holders_known;
    return otherwise_told && change < LOSS ? LOSS : change;
}

static enum change compare(const struct plimsoll_report_cards *before,
                           const struct plimsoll_report_cards *after, uint64_t reserve)
{
    enum change largest = before->count == after->count ? SAME : AT_ONCE;
    for (uint32_t i = 0; i < after->count; i++) {
        const struct plimsoll_report_card *card = &after->list[i];
        enum change change =
            compare_card(plimsoll_report_cards_find(before, card->id), card, reserve);
        largest = change > largest ? change : largest;
    }
    return largest;
}

/* A change counts from when it was first seen, and is forgotten when it is undone. */
static bool is_due(struct plimsoll_publisher *publisher, enum change change, int64_t now_ms)
{
    if (change < SMALL) {
        publisher->small_since = -1;
    } else if (publisher->small_since < 0) {
        publisher->small_since = now_ms;
    }
    if (change < LOSS) {
        publisher->loss_since = -1;
    } else if (publisher->loss_since < 0) {
        publisher->loss_since = now_ms;
    }
    const struct plimsoll_publisher_settings *settings = &publisher->settings;
    return change == AT_ONCE ||
           (change == LOSS && now_ms - publisher->loss_since >= settings->loss_ms) ||
           (change >= SMALL && now_ms - publisher->small_since >= settings->small_ms);
}

static bool may_write(struct plimsoll_publisher *publisher, int64_t now_ms)
{
    const struct plimsoll_publisher_settings *settings = &publisher->settings;
    if (settings->burst == 0) {
        return true;
    }
    if (publisher->writes_left == settings->burst) {
        publisher->refilled_at = now_ms;
    }
    while (publisher->writes_left < settings->burst &&
           now_ms - publisher->refilled_at >= settings->refill_ms) {
        publisher->writes_left++;
        publisher->refilled_at += settings->refill_ms;
    }
    return publisher->writes_left > 0;
}

static void offer(struct plimsoll_publisher *publisher, struct plimsoll_report_cards *cards,
                  const struct plimsoll_text *inventory)
{
    plimsoll_report_cards_clear(&publisher->offered);
    publisher->offered = *cards;
    *cards = (struct plimsoll_report_cards){0};
    plimsoll_text_reset(&publisher->inventory_offered);
    plimsoll_text_add_span(&publisher->inventory_offered, plimsoll_text_span(inventory));
}

enum plimsoll_publish plimsoll_publisher_look(struct plimsoll_publisher *publisher,
                                              const struct plimsoll_look *look,
                                              const struct plimsoll_report_texts *texts,
                                              int64_t now_ms)
{
    struct plimsoll_report_cards cards;
    plimsoll_report_cards_make(look, &cards);
    bool all = !publisher->anything_written ||
               !plimsoll_span_equal(plimsoll_text_span(&publisher->inventory_written),
                                    plimsoll_text_span(&texts->inventory));
    enum change change =
        all ? AT_ONCE : compare(&publisher->written, &cards, publisher->settings.reserve);
    enum plimsoll_publish publish = PLIMSOLL_PUBLISH_NOTHING;
    if (is_due(publisher, change, now_ms) && may_write(publisher, now_ms)) {
        offer(publisher, &cards, &texts->inventory);
        publish = all ? PLIMSOLL_PUBLISH_ALL : PLIMSOLL_PUBLISH_USAGE;
    }
    plimsoll_report_cards_clear(&cards);
    return publish;
}

void plimsoll_publisher_written(struct plimsoll_publisher *publisher)
{
    plimsoll_report_cards_clear(&publisher->written);
    publisher->written = publisher->offered;
    publisher->offered = (struct plimsoll_report_cards){0};
    plimsoll_text_reset(&publisher->inventory_written);
    plimsoll_text_add_span(&publisher->inventory_written,
                           plimsoll_text_span(&publisher->inventory_offered));
    publisher->anything_written = true;
    publisher->small_since = publisher->loss_since = -1;
    if (publisher->writes_left > 0) {
        publisher->writes_left--;
    }
}

void plimsoll_publisher_forget(struct plimsoll_publisher *publisher)
{
    publisher->anything_written = false;
}
