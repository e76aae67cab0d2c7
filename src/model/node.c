/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/node.h>

#include <plimsoll/clock.h>
#include <plimsoll/limits.h>
#include <plimsoll/pod.h>
#include <plimsoll/quantity.h>

#include "plain.h"
#include "requests.h"

#define LABELS_AT_ONCE 32

/** What the walk over a Node collects; spans are borrowed from the object, what was read is owned.
 */
struct found {
    struct plimsoll_span name;
    struct plimsoll_model_value inventory, usage, free_vram, free_time, cordoned;
    /* Read on the way, if plain, else at the end from the values above. */
    struct plimsoll_model_inventory read_inventory;
    struct plimsoll_model_usage read_usage;
    bool inventory_plain, usage_plain;
    struct plimsoll_model_value pin_annotation, pin_label;
    struct plimsoll_model_labels labels;
};

/** What labels are wanted for besides cards. */
struct selectors {
    const struct plimsoll_selector *list;
    size_t count;
    uint64_t initials[4]; /* bit per byte: some label that is wanted begins with it */
};

const char *plimsoll_vendor_text(enum plimsoll_vendor vendor)
{
    switch (vendor) {
    case PLIMSOLL_VENDOR_NVIDIA:
        return "NVIDIA";
    case PLIMSOLL_VENDOR_AMD:
        return "AMD";
    case PLIMSOLL_VENDOR_INTEL:
        return "Intel";
    case PLIMSOLL_VENDOR_NONE:
        break;
    }
    return "unknown";
}

static void mark_initial(struct selectors *selectors, char c)
{
    selectors->initials[(unsigned char)c / 64] |= UINT64_C(1) << (unsigned char)c % 64;
}

static struct selectors make_selectors(const struct plimsoll_reading *reading)
{
    struct selectors selectors = {.list = reading->selectors,
                                  .count = reading->selector_count < PLIMSOLL_SELECTORS_MAX
                                               ? reading->selector_count
                                               : PLIMSOLL_SELECTORS_MAX};
    mark_initial(&selectors, PLIMSOLL_ANNOTATION_PIN[0]);
    for (const char *initial = PLIMSOLL_MODEL_LABEL_INITIALS; *initial != '\0'; initial++) {
        mark_initial(&selectors, *initial);
    }
    for (size_t i = 0; i < selectors.count; i++) {
        mark_initial(&selectors, selectors.list[i].key[0]);
    }
    return selectors;
}

/* Most labels of a node are features of its processor. */
static bool may_be_wanted(const struct selectors *selectors, struct plimsoll_span key)
{
    unsigned char initial = key.size > 0 ? (unsigned char)key.data[0] : 0;
    return (selectors->initials[initial / 64] >> initial % 64 & 1) != 0;
}

/* Keeps the first reason: it is the one to mend first. */
static void make_unusable(struct plimsoll_node *node, const char *what,
                          const struct plimsoll_error *err)
{
    if (node->unusable == NULL &&
        asprintf(&node->unusable, "%s%s%s", what, *what != '\0' ? ": " : "", err->message) < 0) {
        abort();
    }
}

static uint64_t match_selectors(const struct selectors *selectors, struct plimsoll_span key,
                                const struct plimsoll_model_value *value)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < selectors->count; i++) {
        if (plimsoll_span_is(key, selectors->list[i].key) && !value->no_string &&
            plimsoll_span_is(value->raw, selectors->list[i].value)) {
            bits |= UINT64_C(1) << i;
        }
    }
    return bits;
}

static bool is_selected(const struct selectors *selectors, struct plimsoll_span key)
{
    for (size_t i = 0; i < selectors->count; i++) {
        if (plimsoll_span_is(key, selectors->list[i].key)) {
            return true;
        }
    }
    return false;
}

static void read_label(struct plimsoll_json_cursor *cursor, struct plimsoll_span key,
                       struct plimsoll_span plain, const struct selectors *selectors,
                       struct found *found, struct plimsoll_node *node)
{
    struct plimsoll_model_value value,
        *wanted = plimsoll_span_is(key, PLIMSOLL_ANNOTATION_PIN)
                      ? &found->pin_label
                      : plimsoll_model_labels_find(&found->labels, key);
    bool selected = is_selected(selectors, key);
    if (wanted == NULL && !selected) {
        plimsoll_model_entry_skip(cursor, plain);
        return;
    }
    plimsoll_model_entry_value(cursor, plain, &value);
    if (selected) {
        node->selectors |= match_selectors(selectors, key, &value);
    }
    if (wanted != NULL) {
        *wanted = value;
    }
}

static void read_labels(struct plimsoll_json_cursor *cursor, const struct selectors *selectors,
                        struct found *found, struct plimsoll_node *node)
{
    struct plimsoll_json_pair pairs[LABELS_AT_ONCE];
    struct plimsoll_span key, plain;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    do {
        size_t count = plimsoll_json_cursor_pairs(cursor, pairs, LABELS_AT_ONCE);
        for (size_t i = 0; i < count; i++) {
            if (may_be_wanted(selectors, pairs[i].key)) {
                read_label(cursor, pairs[i].key, pairs[i].value, selectors, found, node);
            }
        }
        if (!plimsoll_json_cursor_entry(cursor, &key, &plain)) {
            return;
        }
        if (may_be_wanted(selectors, key)) {
            read_label(cursor, key, plain, selectors, found, node);
        } else {
            plimsoll_model_entry_skip(cursor, plain);
        }
    } while (!cursor->failed);
}

static void read_inventory(struct plimsoll_json_cursor *cursor, struct found *found)
{
    bool string = plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_STRING;
    const char *behind =
        string ? plimsoll_model_plain_inventory(cursor->at, cursor->end, &found->read_inventory)
               : NULL;
    found->inventory_plain = behind != NULL;
    if (behind != NULL) {
        found->inventory = (struct plimsoll_model_value){.present = true};
        cursor->at = behind;
    } else {
        plimsoll_model_value_read(cursor, &found->inventory);
    }
}

static void read_usage(struct plimsoll_json_cursor *cursor, struct found *found)
{
    bool string = plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_STRING;
    const char *behind =
        string ? plimsoll_model_plain_usage(cursor->at, cursor->end, &found->read_usage) : NULL;
    found->usage_plain = behind != NULL;
    if (behind != NULL) {
        found->usage = (struct plimsoll_model_value){.present = true};
        cursor->at = behind;
    } else {
        plimsoll_model_value_read(cursor, &found->usage);
    }
}

static void read_annotation(struct plimsoll_json_cursor *cursor, struct plimsoll_span key,
                            struct found *found)
{
    const struct {
        const char *key;
        struct plimsoll_model_value *value;
    } known[] = {
        {PLIMSOLL_ANNOTATION_FREE_VRAM, &found->free_vram},
        {PLIMSOLL_ANNOTATION_FREE_VRAM_TIME, &found->free_time},
        {PLIMSOLL_ANNOTATION_CORDONED, &found->cordoned},
        {PLIMSOLL_ANNOTATION_PIN, &found->pin_annotation},
    };
    if (plimsoll_span_is(key, PLIMSOLL_ANNOTATION_INVENTORY)) {
        read_inventory(cursor, found);
        return;
    }
    if (plimsoll_span_is(key, PLIMSOLL_ANNOTATION_USAGE)) {
        read_usage(cursor, found);
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (plimsoll_span_is(key, known[i].key)) {
            plimsoll_model_value_read(cursor, known[i].value);
            return;
        }
    }
    plimsoll_json_cursor_skip(cursor, NULL);
}

static void read_metadata(struct plimsoll_json_cursor *cursor, const struct selectors *selectors,
                          struct found *found, struct plimsoll_node *node)
{
    struct plimsoll_span key, name;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "name")) {
            plimsoll_json_cursor_string(cursor, &found->name);
        } else if (plimsoll_span_is(key, "labels")) {
            read_labels(cursor, selectors, found, node);
        } else if (plimsoll_span_is(key, "annotations")) {
            if (plimsoll_json_cursor_object(cursor)) {
                while (plimsoll_json_cursor_member(cursor, &name)) {
                    read_annotation(cursor, name, found);
                }
            }
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

static void add_resource(struct plimsoll_node *node, struct plimsoll_span name,
                         const struct plimsoll_resource *resource, struct plimsoll_span amount)
{
    struct plimsoll_node_resource entry = {.vendor = resource->vendor, .mig = resource->mig};
    struct plimsoll_error err;
    struct plimsoll_span shown = plimsoll_model_shown(name);
    if (!plimsoll_model_copy(name, entry.name, sizeof entry.name)) {
        plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID, "the name is longer than %zu bytes",
                           sizeof entry.name - 1);
    } else if (plimsoll_quantity_parse(amount, &entry.allocatable, &err) == 0) {
        for (uint32_t i = 0; i < node->resource_count; i++) {
            if (strcmp(node->resources[i].name, entry.name) == 0) {
                node->resources[i] = entry;
                return;
            }
        }
        if (node->resource_count == PLIMSOLL_NODE_RESOURCES_MAX) {
            plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID, "more than %d managed resources",
                               PLIMSOLL_NODE_RESOURCES_MAX);
            make_unusable(node, "status.allocatable", &err);
            return;
        }
        node->resources =
            plimsoll_realloc(node->resources, node->resource_count + 1, sizeof *node->resources);
        node->resources[node->resource_count++] = entry;
        return;
    }
    plimsoll_error_wrap(&err, "%.*s", PLIMSOLL_SPAN_ARG(shown));
    make_unusable(node, "status.allocatable", &err);
}

/* Nothing is decided by it: one that cannot be read is one that has to be written again. */
static void read_advertised(struct plimsoll_json_cursor *cursor, struct plimsoll_node *node)
{
    struct plimsoll_span amount;
    struct plimsoll_error unused;
    if (plimsoll_json_cursor_string(cursor, &amount)) {
        node->advertised = true;
        if (plimsoll_quantity_parse(amount, &node->advertised_vram, &unused) != 0) {
            node->advertised_vram = UINT64_MAX;
        }
    }
}

static void read_allocatable(struct plimsoll_json_cursor *cursor,
                             const struct plimsoll_resources *resources, struct plimsoll_node *node)
{
    struct plimsoll_span key, amount;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        /* Cards are extended resources, and those have a domain. */
        const struct plimsoll_resource *resource =
            key.size > 0 && memchr(key.data, '/', key.size) != NULL
                ? plimsoll_resources_find(resources, key)
                : NULL;
        bool string = plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_STRING;
        if (resource != NULL && string) {
            if (plimsoll_json_cursor_string(cursor, &amount)) {
                add_resource(node, key, resource, amount);
            }
        } else if (plimsoll_span_is(key, PLIMSOLL_RESOURCE_VRAM) && string) {
            read_advertised(cursor, node);
        } else if (string && key.size <= sizeof "memory" && resource == NULL) {
            if (plimsoll_json_cursor_string(cursor, &amount)) {
                plimsoll_model_request_take(key, amount, &node->allocatable);
            }
        } else if (plimsoll_json_cursor_skip(cursor, &amount) && resource != NULL) {
            add_resource(node, key, resource, amount);
        }
    }
}

/* @return true when allocatable was read, the last that is wanted of a Node */
static bool read_status(struct plimsoll_json_cursor *cursor,
                        const struct plimsoll_resources *resources, bool last,
                        struct plimsoll_node *node)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return false;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (!plimsoll_span_is(key, "allocatable")) {
            plimsoll_json_cursor_skip(cursor, NULL);
            continue;
        }
        read_allocatable(cursor, resources, node);
        if (last) {
            return true;
        }
    }
    return false;
}

/* In the order of the API server all is read before the long list of images, which is more than
 * half of a Node. */
static void walk(struct plimsoll_json_cursor *cursor, const struct plimsoll_reading *reading,
                 struct found *found, struct plimsoll_node *node)
{
    struct plimsoll_span key;
    struct selectors selectors = make_selectors(reading);
    bool metadata = false;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "metadata")) {
            read_metadata(cursor, &selectors, found, node);
            metadata = true;
        } else if (!plimsoll_span_is(key, "status")) {
            plimsoll_json_cursor_skip(cursor, NULL);
        } else if (read_status(cursor, &reading->resources, metadata, node)) {
            return;
        }
    }
    plimsoll_json_cursor_finish(cursor);
}

/* plimsoll.dev/inventory if it is there and can be read, else what labels say; both give cards. */
static void settle_cards(struct found *found, struct plimsoll_model_cards *cards,
                         struct plimsoll_node *node)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_model_inventory *read = &found->read_inventory;
    struct plimsoll_span text;
    struct plimsoll_error err;
    if (plimsoll_model_labels_sharing(&found->labels, node, &err) != 0) {
        make_unusable(node, "", &err);
    }
    if (found->inventory.present) {
        if (found->inventory_plain ||
            (plimsoll_model_value_text(&found->inventory, &scratch, &text, &err) == 0 &&
             plimsoll_model_inventory_read(text, read, &err) == 0)) {
            node->inventory = true;
            node->env = read->env;
            node->device_list = read->device_list;
            *cards = read->cards;
            read->cards = (struct plimsoll_model_cards){0};
            return;
        }
        make_unusable(node, PLIMSOLL_ANNOTATION_INVENTORY, &err);
        /* The labels' cards stay in sight: a node of several must not pass for one without. */
    }
    if (plimsoll_model_labels_cards(&found->labels, node, cards, &err) != 0) {
        make_unusable(node, "", &err);
    }
}

static void settle_usage(struct found *found, struct plimsoll_model_cards *cards,
                         struct plimsoll_node *node)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    struct plimsoll_error err;
    if ((!found->usage_plain &&
         (plimsoll_model_value_text(&found->usage, &scratch, &text, &err) != 0 ||
          plimsoll_model_usage_read(text, &found->read_usage, &err) != 0)) ||
        plimsoll_model_usage_merge(&found->read_usage, cards, &err) != 0) {
        make_unusable(node, PLIMSOLL_ANNOTATION_USAGE, &err);
        return;
    }
    node->report_time = found->read_usage.time;
    node->report = PLIMSOLL_REPORT_USAGE;
}

static enum plimsoll_vendor offered_vendor(const struct plimsoll_node *node)
{
    for (uint32_t i = 0; i < node->resource_count; i++) {
        if (node->resources[i].allocatable > 0) {
            return node->resources[i].vendor;
        }
    }
    return PLIMSOLL_VENDOR_NVIDIA;
}

static void settle_free_vram(const struct found *found, struct plimsoll_model_cards *cards,
                             struct plimsoll_node *node)
{
    plimsoll_autotext scratch = {0}, time_scratch = {0};
    struct plimsoll_span text;
    struct plimsoll_error err;
    if (plimsoll_model_value_text(&found->free_vram, &scratch, &text, &err) != 0 ||
        plimsoll_model_free_vram(text, offered_vendor(node), cards, &err) != 0) {
        make_unusable(node, PLIMSOLL_ANNOTATION_FREE_VRAM, &err);
        return;
    }
    node->report = PLIMSOLL_REPORT_FREE;
    if (found->free_time.present &&
        (plimsoll_model_value_text(&found->free_time, &time_scratch, &text, &err) != 0 ||
         plimsoll_time_parse(text, &node->report_time, &err) != 0)) {
        make_unusable(node, PLIMSOLL_ANNOTATION_FREE_VRAM_TIME, &err);
    }
}

static void settle_cordoned(const struct found *found, struct plimsoll_model_cards *cards,
                            struct plimsoll_node *node)
{
    if (!found->cordoned.present) {
        return; /* before room for an error is cleared, here and below */
    }
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    struct plimsoll_error err;
    if (plimsoll_model_value_text(&found->cordoned, &scratch, &text, &err) != 0 ||
        plimsoll_model_cordoned(text, cards, &err) != 0) {
        make_unusable(node, PLIMSOLL_ANNOTATION_CORDONED, &err);
    }
}

static void settle_pin(const struct plimsoll_model_value *value, const char *what,
                       struct plimsoll_node *node)
{
    if (!value->present) {
        return;
    }
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    struct plimsoll_error err;
    if (plimsoll_model_value_text(value, &scratch, &text, &err) == 0) {
        if (plimsoll_span_is(text, "env")) {
            node->pinned = true;
            return;
        }
        text = plimsoll_model_shown(text);
        plimsoll_error_set(&err, PLIMSOLL_ERR_INVALID,
                           "\"%.*s\" is not known; write env, or remove it",
                           PLIMSOLL_SPAN_ARG(text));
    }
    make_unusable(node, what, &err);
}

/* What the label says of every card holds where the inventory does not say it of one. */
static void fill_replicas(const struct plimsoll_node *node, struct plimsoll_model_cards *cards)
{
    for (uint32_t i = 0; i < cards->count; i++) {
        struct plimsoll_card *card = &cards->list[i];
        if (card->replicas == 0 && card->mig_count == 0 && card->vendor == PLIMSOLL_VENDOR_NVIDIA) {
            card->replicas = node->replicas;
        }
    }
}

static void settle(struct found *found, struct plimsoll_node *node)
{
    struct plimsoll_model_cards cards = {0};
    settle_cards(found, &cards, node);
    if (found->usage.present) {
        settle_usage(found, &cards, node);
    } else if (found->free_vram.present) {
        settle_free_vram(found, &cards, node);
    }
    settle_cordoned(found, &cards, node);
    settle_pin(&found->pin_annotation, PLIMSOLL_ANNOTATION_PIN, node);
    settle_pin(&found->pin_label, "label " PLIMSOLL_ANNOTATION_PIN, node);
    fill_replicas(node, &cards);
    node->cards = cards.list;
    node->card_count = cards.count;
}

static int take_name(struct plimsoll_span raw, struct plimsoll_node *node,
                     struct plimsoll_error *err)
{
    plimsoll_autotext name = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX);
    if (raw.size > 0 && memchr(raw.data, '\\', raw.size) != NULL) {
        plimsoll_json_unescape(raw, &name);
        raw = plimsoll_text_span(&name);
    }
    if (raw.size == 0 || raw.size > PLIMSOLL_NAME_BYTES_MAX || name.overflowed ||
        memchr(raw.data, '\0', raw.size) != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no Node: metadata.name is missing or not 1 to %d bytes long",
                                  PLIMSOLL_NAME_BYTES_MAX);
    }
    node->name = plimsoll_copy(raw.data, raw.size);
    return 0;
}

static void clear_found(struct found *found)
{
    plimsoll_model_cards_clear(&found->read_inventory.cards);
    plimsoll_model_cards_clear(&found->read_usage.cards);
    plimsoll_model_labels_clear(&found->labels);
}

int plimsoll_node_read(struct plimsoll_span object, const struct plimsoll_reading *reading,
                       struct plimsoll_node *node, struct plimsoll_error *err)
{
    struct plimsoll_node read = {0};
    struct found found = {0};
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(object);
    walk(&cursor, reading, &found, &read);
    int result = 0;
    if (cursor.failed) {
        plimsoll_json_cursor_error(&cursor, err);
        result = plimsoll_error_wrap(err, "no Node");
    } else {
        result = take_name(found.name, &read, err);
    }
    if (result == 0) {
        settle(&found, &read);
        read.read_bytes = (size_t)(cursor.at - cursor.begin);
        *node = read;
    } else {
        plimsoll_node_clear(&read);
    }
    clear_found(&found);
    return result;
}

void plimsoll_node_clear(struct plimsoll_node *node)
{
    struct plimsoll_model_cards cards = {.list = node->cards, .count = node->card_count};
    plimsoll_model_cards_clear(&cards);
    free(node->resources);
    free(node->name);
    free(node->unusable);
    *node = (struct plimsoll_node){0};
}
