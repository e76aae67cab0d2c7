/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/feed.h>

#include "metadata.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/json_stream.h>
#include <plimsoll/text.h>

/* An event is an object and a few words around it. */
#define EVENT_BYTES_MAX (PLIMSOLL_OBJECT_BYTES_MAX + 4096)
/* Tokens and versions are opaque; real ones take tens and hundreds of bytes. */
#define TOKEN_BYTES_MAX (16u * 1024)

static const char *const items_path[] = {"items"};

static const char *const list_kinds[PLIMSOLL_KIND_COUNT] = {
    [PLIMSOLL_KIND_NODES] = "NodeList",
    [PLIMSOLL_KIND_PODS] = "PodList",
    [PLIMSOLL_KIND_RUNTIME_CLASSES] = "RuntimeClassList",
};

struct plimsoll_feed {
    struct plimsoll_cluster *cluster;
    struct plimsoll_json_stream *stream; /* of this page, or of the watch */
    struct plimsoll_text version, next;
    size_t count;
    enum plimsoll_kind kind;
    bool watch, ended;
    bool begun;                     /* a byte has come */
    bool kind_right, metadata_seen; /* of this page */
};

/* Replaces `text` by the unescaped form of a raw JSON string. */
static int keep(struct plimsoll_text *text, struct plimsoll_span raw, const char *what,
                struct plimsoll_error *err)
{
    plimsoll_text_reset(text);
    plimsoll_json_unescape(raw, text);
    if (text->overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "%s has more than %u bytes", what,
                                  TOKEN_BYTES_MAX);
    }
    return 0;
}

/* -- a page of a list ----------------------------------------------------------------------------
 */

static int take_item(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    struct plimsoll_feed *feed = context;
    feed->count++;
    if (plimsoll_cluster_set(feed->cluster, feed->kind, value, err) < 0) {
        return plimsoll_error_wrap(err, "items[%zu]", feed->count - 1);
    }
    return 0;
}

static int take_list_metadata(struct plimsoll_feed *feed, struct plimsoll_span value,
                              struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(value);
    struct plimsoll_span key, version = {0}, next = {0};
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            if (plimsoll_span_is(key, "resourceVersion")) {
                plimsoll_json_cursor_string(&cursor, &version);
            } else if (plimsoll_span_is(key, "continue")) {
                plimsoll_json_cursor_string(&cursor, &next);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
    }
    if (cursor.failed) {
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "metadata of the list");
    }
    feed->metadata_seen = version.size > 0;
    /* All pages show the cluster as of the first one. */
    if (feed->version.size == 0 && keep(&feed->version, version, "resourceVersion", err) < 0) {
        return -1;
    }
    return keep(&feed->next, next, "continue", err);
}

static int take_list_member(void *context, unsigned depth, struct plimsoll_span key,
                            struct plimsoll_span value, struct plimsoll_error *err)
{
    struct plimsoll_feed *feed = context;
    if (depth == 0 && plimsoll_span_is(key, "metadata")) {
        return take_list_metadata(feed, value, err);
    }
    if (depth == 0 && plimsoll_span_is(key, "kind")) {
        struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(value);
        struct plimsoll_span kind = {0};
        plimsoll_json_cursor_string(&cursor, &kind);
        feed->kind_right = !cursor.failed && plimsoll_span_is(kind, list_kinds[feed->kind]);
    }
    if (depth == 0 && plimsoll_span_is(key, "items") && !plimsoll_span_is(value, "null")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "items of the list is no array");
    }
    return 0;
}

static void open_page(struct plimsoll_feed *feed)
{
    struct plimsoll_json_stream_handler handler = {
        .context = feed, .element = take_item, .member = take_list_member};
    plimsoll_json_stream_free(&feed->stream);
    feed->stream = plimsoll_json_stream_new(items_path, 1, &handler, PLIMSOLL_OBJECT_BYTES_MAX);
    feed->kind_right = feed->metadata_seen = false;
}

/* -- a watch -------------------------------------------------------------------------------------
 */

struct status {
    int64_t code;
    struct plimsoll_span reason, message; /* raw */
};

static int read_status(struct plimsoll_span object, struct status *status,
                       struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(object);
    struct plimsoll_span key;
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            if (plimsoll_span_is(key, "code")) {
                plimsoll_json_cursor_int(&cursor, &status->code);
            } else if (plimsoll_span_is(key, "reason")) {
                plimsoll_json_cursor_string(&cursor, &status->reason);
            } else if (plimsoll_span_is(key, "message")) {
                plimsoll_json_cursor_string(&cursor, &status->message);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
    }
    return cursor.failed ? plimsoll_json_cursor_error(&cursor, err) : 0;
}

/* Expired, Gone and the "too large resource version" of a cache that is behind (504): only a new
 * list helps. */
static int take_error(struct plimsoll_span object, struct plimsoll_error *err)
{
    struct status status = {0};
    if (read_status(object, &status, err) < 0) {
        return plimsoll_error_wrap(err, "object of an ERROR event");
    }
    bool expired = status.code == 410 || status.code == 504 ||
                   plimsoll_span_is(status.reason, "Expired") ||
                   plimsoll_span_is(status.reason, "Gone");
    return plimsoll_error_set(err, expired ? PLIMSOLL_ERR_EXPIRED : PLIMSOLL_ERR_UNAVAILABLE,
                              "the watch was ended with %lld: %.*s", (long long)status.code,
                              PLIMSOLL_SPAN_ARG(status.message));
}

static int take_change(struct plimsoll_feed *feed, struct plimsoll_span type,
                       struct plimsoll_span object, struct plimsoll_error *err)
{
    if (plimsoll_span_is(type, "ADDED") || plimsoll_span_is(type, "MODIFIED")) {
        return plimsoll_cluster_set(feed->cluster, feed->kind, object, err);
    }
    if (plimsoll_span_is(type, "DELETED")) {
        return plimsoll_cluster_remove(feed->cluster, feed->kind, object, err);
    }
    if (plimsoll_span_is(type, "BOOKMARK")) {
        return 0;
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "type is '%.*s', not ADDED, MODIFIED, DELETED, BOOKMARK or ERROR",
                              PLIMSOLL_SPAN_ARG(type));
}

static int take_object(struct plimsoll_feed *feed, struct plimsoll_span type,
                       struct plimsoll_span object, struct plimsoll_error *err)
{
    struct plimsoll_metadata metadata;
    if (plimsoll_metadata_read(object, &metadata, err) < 0 ||
        take_change(feed, type, object, err) < 0) {
        return plimsoll_error_wrap(err, "watch event");
    }
    if (metadata.version.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "watch event: object has no metadata.resourceVersion");
    }
    return keep(&feed->version, metadata.version, "resourceVersion", err);
}

static int take_event(void *context, struct plimsoll_span value, struct plimsoll_error *err)
{
    struct plimsoll_feed *feed = context;
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(value);
    struct plimsoll_span key, type = {0}, object = {0};
    if (plimsoll_json_cursor_object(&cursor)) {
        while (plimsoll_json_cursor_member(&cursor, &key)) {
            if (plimsoll_span_is(key, "type")) {
                plimsoll_json_cursor_string(&cursor, &type);
            } else if (plimsoll_span_is(key, "object")) {
                plimsoll_json_cursor_skip(&cursor, &object);
            } else {
                plimsoll_json_cursor_skip(&cursor, NULL);
            }
        }
    }
    if (cursor.failed) {
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "watch event");
    }
    feed->count++;
    return plimsoll_span_is(type, "ERROR") ? take_error(object, err)
                                           : take_object(feed, type, object, err);
}

/* -- the face ------------------------------------------------------------------------------------
 */

static struct plimsoll_feed *new_feed(struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    struct plimsoll_feed *feed = plimsoll_alloc(1, sizeof *feed);
    feed->cluster = cluster;
    feed->kind = kind;
    feed->version = plimsoll_text_make(TOKEN_BYTES_MAX);
    feed->next = plimsoll_text_make(TOKEN_BYTES_MAX);
    return feed;
}

struct plimsoll_feed *plimsoll_feed_list(struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    struct plimsoll_feed *feed = new_feed(cluster, kind);
    open_page(feed);
    plimsoll_cluster_list_begin(cluster, kind);
    return feed;
}

struct plimsoll_feed *plimsoll_feed_watch(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                                          const char *version)
{
    struct plimsoll_feed *feed = new_feed(cluster, kind);
    struct plimsoll_json_stream_handler handler = {.context = feed, .element = take_event};
    feed->watch = true;
    plimsoll_text_add_string(&feed->version, version);
    feed->stream = plimsoll_json_stream_new(NULL, 0, &handler, EVENT_BYTES_MAX);
    return feed;
}

void plimsoll_feed_free(struct plimsoll_feed **handle)
{
    struct plimsoll_feed *feed = PLIMSOLL_TAKE(*handle);
    if (feed == NULL) {
        return;
    }
    if (!feed->watch && !feed->ended) {
        plimsoll_cluster_list_abort(feed->cluster, feed->kind);
    }
    plimsoll_json_stream_free(&feed->stream);
    plimsoll_text_clear(&feed->version);
    plimsoll_text_clear(&feed->next);
    free(feed);
}

int plimsoll_feed_bytes(struct plimsoll_feed *feed, struct plimsoll_span bytes,
                        struct plimsoll_error *err)
{
    if (feed->ended) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "bytes after the end of the list");
    }
    feed->begun |= bytes.size > 0;
    return plimsoll_json_stream_feed(feed->stream, bytes, err);
}

static int finish_page(struct plimsoll_feed *feed, struct plimsoll_error *err)
{
    if (!feed->kind_right || !feed->metadata_seen) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "the answer is no %s with a metadata.resourceVersion",
                                  list_kinds[feed->kind]);
    }
    if (feed->next.size > 0) {
        open_page(feed);
        return 0;
    }
    feed->ended = true;
    plimsoll_cluster_list_end(feed->cluster, feed->kind);
    return 0;
}

int plimsoll_feed_finish(struct plimsoll_feed *feed, struct plimsoll_error *err)
{
    if (feed->ended) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the list has ended before");
    }
    if (feed->watch && !feed->begun) {
        return 0; /* a quiet time is no fault */
    }
    if (plimsoll_json_stream_finish(feed->stream, err) < 0) {
        return -1;
    }
    return feed->watch ? 0 : finish_page(feed, err);
}

const char *plimsoll_feed_continue(const struct plimsoll_feed *feed)
{
    return feed->next.size > 0 ? feed->next.data : "";
}

const char *plimsoll_feed_version(const struct plimsoll_feed *feed)
{
    return feed->version.size > 0 ? feed->version.data : "";
}

size_t plimsoll_feed_count(const struct plimsoll_feed *feed)
{
    return feed->count;
}
