/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <plimsoll/api.h>
#include <plimsoll/limits.h>
#include <plimsoll/log.h>
#include <plimsoll/node.h>

#include <jansson.h>
#include <sys/random.h>

/* A kubelet asks for its node each ten seconds; this is nothing beside it. */
#define CHECK_MS         120000
#define PATH_BYTES_MAX   1024
#define ANSWER_BYTES_MAX (1u * 1024 * 1024)

enum { INVENTORY, USAGE, FREE_VRAM, KEY_COUNT };
static const char *const keys[KEY_COUNT] = {
    PLIMSOLL_ANNOTATION_INVENTORY, PLIMSOLL_ANNOTATION_USAGE, PLIMSOLL_ANNOTATION_FREE_VRAM};

struct plimsoll_writer {
    struct plimsoll_kube *kube;
    const char *node;
    struct plimsoll_text path;
    struct plimsoll_uid uid;                /* of the node that was written; "": not known */
    struct plimsoll_text values[KEY_COUNT]; /* as the node has them by our last write */
    bool written;                           /* `values` are meant */
    bool contested;                         /* somebody else was seen to write; said */
    unsigned failures;                      /* in a row */
    long failure;                           /* HTTP status last said; 0: no answer, -1: none */
    int64_t retry_at, check_at;             /* monotonic */
    struct plimsoll_writer_counts counts;
};

struct plimsoll_writer *plimsoll_writer_new(struct plimsoll_kube *kube, const char *node)
{
    struct plimsoll_writer *writer = plimsoll_alloc(1, sizeof *writer);
    *writer = (struct plimsoll_writer){.kube = kube, .node = node, .failure = -1};
    writer->path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_text_add_string(&writer->path, "/api/v1/nodes/");
    plimsoll_api_add_escaped(&writer->path, node);
    for (int i = 0; i < KEY_COUNT; i++) {
        writer->values[i] = plimsoll_text_make(PLIMSOLL_REPORT_BYTES_MAX);
    }
    return writer;
}

void plimsoll_writer_free(struct plimsoll_writer **handle)
{
    struct plimsoll_writer *writer = PLIMSOLL_TAKE(*handle);
    if (writer == NULL) {
        return;
    }
    plimsoll_text_clear(&writer->path);
    for (int i = 0; i < KEY_COUNT; i++) {
        plimsoll_text_clear(&writer->values[i]);
    }
    free(writer);
}

bool plimsoll_writer_ready(const struct plimsoll_writer *writer, int64_t now_ms)
{
    return now_ms >= writer->retry_at;
}

struct plimsoll_writer_counts plimsoll_writer_counts(const struct plimsoll_writer *writer)
{
    return writer->counts;
}

static uint32_t any_number(void)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) {
        random = UINT32_MAX / 2;
    }
    return random;
}

/* What it means is in the status; the sentence may change each time. */
static void note_failure(struct plimsoll_writer *writer, const struct plimsoll_api_answer *answer,
                         int64_t now_ms)
{
    if (writer->failure != answer->status) {
        const char *what =
            answer->status == 404 ? "there is no such node" : "the node is not written";
        plimsoll_log(PLIMSOLL_LOG_WARN, what, PLIMSOLL_STR("node", writer->node),
                     PLIMSOLL_INT("status", answer->status), PLIMSOLL_STR("err", answer->message));
    }
    writer->failure = answer->status;
    writer->counts.failed++;
    writer->retry_at =
        now_ms + plimsoll_api_wait_ms(writer->failures, answer->retry_after_ms, any_number());
    writer->failures++;
}

static void note_success(struct plimsoll_writer *writer)
{
    if (writer->failure != -1 || !writer->written) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "the node is written", PLIMSOLL_STR("node", writer->node));
    }
    writer->failure = -1;
    writer->failures = 0;
    writer->retry_at = 0;
}

static void forget_node(struct plimsoll_writer *writer)
{
    writer->uid.text[0] = '\0';
    writer->written = false;
    writer->contested = false;
}

/* -- what the answers say ---------------------------------------------------------------------- */

static bool has_value(const json_t *annotations, const char *key, const struct plimsoll_text *value)
{
    const json_t *found = json_object_get(annotations, key);
    if (!json_is_string(found)) {
        return found == NULL && value->size == 0;
    }
    struct plimsoll_span text = {.data = json_string_value(found),
                                 .size = json_string_length(found)};
    return plimsoll_span_equal(text, plimsoll_text_span(value));
}

/* The node of the answer has what we wrote, all of it; and it is the one that it was. */
static bool is_as_written(struct plimsoll_writer *writer, const struct plimsoll_text *body)
{
    json_auto_t *node =
        body->size == 0 || body->overflowed ? NULL : json_loadb(body->data, body->size, 0, NULL);
    const json_t *metadata = json_object_get(node, "metadata");
    const json_t *annotations = json_object_get(metadata, "annotations");
    const char *uid = json_string_value(json_object_get(metadata, "uid"));
    size_t size = uid != NULL ? strlen(uid) + 1 : 0;
    if (size == 0 || size > sizeof writer->uid.text) {
        return true; /* no object that tells: nothing is known to be wrong */
    }
    bool known = writer->uid.text[0] != '\0';
    bool same = !known || strcmp(uid, writer->uid.text) == 0;
    memcpy(writer->uid.text, uid, size);
    bool ours = true;
    for (int i = 0; i < KEY_COUNT; i++) {
        ours = ours && has_value(annotations, keys[i], &writer->values[i]);
    }
    if (!same) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "the node has been made anew",
                     PLIMSOLL_STR("node", writer->node), PLIMSOLL_STR("uid", uid));
    } else if (!ours && !writer->contested) {
        plimsoll_log(PLIMSOLL_LOG_WARN, "somebody else writes the annotations of this agent",
                     PLIMSOLL_STR("node", writer->node));
    }
    writer->contested = same && !ours;
    return same && ours;
}

/* -- requests ---------------------------------------------------------------------------------- */

static void add_value(struct plimsoll_text *body, const char *separator, const char *key,
                      const struct plimsoll_text *value)
{
    plimsoll_text_add_format(body, "%s\"%s\":", separator, key);
    if (value->size == 0) {
        plimsoll_text_add_string(body, "null"); /* takes the annotation away */
    } else {
        plimsoll_text_add_json(body, plimsoll_text_span(value));
    }
}

/* The uid makes the API server refuse when the node is not the one we know. */
static void write_patch(const struct plimsoll_writer *writer, enum plimsoll_publish publish,
                        const struct plimsoll_report_texts *texts, struct plimsoll_text *body)
{
    plimsoll_text_add_string(body, "{\"metadata\":{");
    if (writer->uid.text[0] != '\0') {
        plimsoll_text_add_string(body, "\"uid\":");
        plimsoll_text_add_json(body, plimsoll_span_of(writer->uid.text));
        plimsoll_text_add_char(body, ',');
    }
    plimsoll_text_add_string(body, "\"annotations\":{");
    add_value(body, "", keys[USAGE], &texts->usage);
    add_value(body, ",", keys[FREE_VRAM], &texts->free_vram);
    if (publish == PLIMSOLL_PUBLISH_ALL) {
        add_value(body, ",", keys[INVENTORY], &texts->inventory);
    }
    plimsoll_text_add_string(body, "}}}");
}

static void keep(struct plimsoll_text *kept, const struct plimsoll_text *value)
{
    plimsoll_text_reset(kept);
    plimsoll_text_add_span(kept, plimsoll_text_span(value));
}

static enum plimsoll_wrote take_answer(struct plimsoll_writer *writer,
                                       const struct plimsoll_api_answer *answer, int64_t now_ms)
{
    if (plimsoll_api_ok(answer)) {
        note_success(writer);
        writer->written = true;
        writer->check_at = now_ms + plimsoll_api_jitter_ms(CHECK_MS, any_number());
        return is_as_written(writer, &answer->body) ? PLIMSOLL_WROTE : PLIMSOLL_WROTE_ASTRAY;
    }
    note_failure(writer, answer, now_ms);
    if (answer->status == 404 || answer->status == 409 || answer->status == 422) {
        /* Gone, or another one by that name (to change a uid is 422): whatever comes next gets
         * everything. */
        forget_node(writer);
        return PLIMSOLL_WROTE_ASTRAY;
    }
    return PLIMSOLL_WROTE_NOT;
}

enum plimsoll_wrote plimsoll_writer_write(struct plimsoll_writer *writer,
                                          enum plimsoll_publish publish,
                                          const struct plimsoll_report_texts *texts, int64_t now_ms)
{
    plimsoll_autotext body = plimsoll_text_make(4 * PLIMSOLL_ANNOTATION_BYTES_MAX);
    write_patch(writer, publish, texts, &body);
    struct plimsoll_api_answer answer =
        plimsoll_api_call(writer->kube, &(struct plimsoll_api_request){
                                            .method = "PATCH",
                                            .path = writer->path.data,
                                            .content_type = PLIMSOLL_API_MERGE_PATCH,
                                            .accept = PLIMSOLL_API_METADATA,
                                            .body = plimsoll_text_span(&body),
                                            .answer_bytes_max = ANSWER_BYTES_MAX,
                                        });
    if (plimsoll_api_ok(&answer)) {
        writer->counts.written++;
        keep(&writer->values[USAGE], &texts->usage);
        keep(&writer->values[FREE_VRAM], &texts->free_vram);
        if (publish == PLIMSOLL_PUBLISH_ALL) {
            keep(&writer->values[INVENTORY], &texts->inventory);
        }
    }
    enum plimsoll_wrote wrote = take_answer(writer, &answer, now_ms);
    if (wrote == PLIMSOLL_WROTE_ASTRAY && publish == PLIMSOLL_PUBLISH_ALL &&
        plimsoll_api_ok(&answer)) {
        wrote = PLIMSOLL_WROTE; /* all of it is there, or is being kept from being there */
    }
    plimsoll_api_answer_clear(&answer);
    return wrote;
}

enum plimsoll_wrote plimsoll_writer_check(struct plimsoll_writer *writer, int64_t now_ms)
{
    if (!writer->written || now_ms < writer->check_at || !plimsoll_writer_ready(writer, now_ms)) {
        return PLIMSOLL_WROTE_NOT;
    }
    plimsoll_autotext path = plimsoll_text_make(PATH_BYTES_MAX);
    plimsoll_text_add_span(&path, plimsoll_text_span(&writer->path));
    /* From the API server's memory; a little late does not matter here. */
    plimsoll_text_add_string(&path, "?resourceVersion=0");
    writer->counts.reads++;
    struct plimsoll_api_answer answer = plimsoll_api_call(
        writer->kube, &(struct plimsoll_api_request){.path = path.data,
                                                     .accept = PLIMSOLL_API_METADATA,
                                                     .answer_bytes_max = ANSWER_BYTES_MAX});
    enum plimsoll_wrote wrote = take_answer(writer, &answer, now_ms);
    plimsoll_api_answer_clear(&answer);
    return wrote;
}
