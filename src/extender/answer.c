/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <string.h>

#include <plimsoll/limits.h>

/* More than any reason of placement.h. */
#define SENTENCE_BYTES_MAX 1024u

#define BEFORE_KEPT    "{\"Nodes\":{\"metadata\":{},\"items\":["
#define BEFORE_REFUSED ",\"FailedNodes\":null,\"FailedAndUnresolvableNodes\":{"
#define AFTER_REFUSED  "},\"Error\":\"\"}"
/* All that an answer has but names, reasons and nodes, and what `put` writes too much. */
#define FRAME_BYTES_MAX 256u
/* The extender's scale; kube-scheduler's MaxExtenderPriority. */
#define SCORE_MAX 10

/* What follows a refused node's name: `:"reason",`, written once per reason and call. */
struct endings {
    struct plimsoll_text texts[PLIMSOLL_REFUSED + 1];
};

static void clear_endings(struct endings *endings)
{
    for (size_t i = 0; i <= PLIMSOLL_REFUSED; i++) {
        plimsoll_text_clear(&endings->texts[i]);
    }
}

static void write_ending(const struct plimsoll_extender_call *call, uint8_t reason,
                         struct plimsoll_text *ending)
{
    plimsoll_autotext written = plimsoll_text_make(SENTENCE_BYTES_MAX);
    struct plimsoll_span sentence = plimsoll_span_of(call->pod.refusal);
    if (reason != PLIMSOLL_REFUSED || sentence.size == 0) {
        plimsoll_reason_write((enum plimsoll_reason)reason, &call->pod.demand, &written);
        sentence = plimsoll_text_span(&written);
    }
    /* Six bytes for each that has to be escaped, two quotes, colon and comma. */
    size_t size_max = sentence.size * 6 + 4;
    *ending = plimsoll_text_make(size_max + PLIMSOLL_NAMES_PAD);
    plimsoll_text_reserve(ending, size_max + PLIMSOLL_NAMES_PAD);
    plimsoll_text_add_char(ending, ':');
    plimsoll_text_add_json(ending, sentence);
    plimsoll_text_add_char(ending, ',');
}

/* Bytes of the lists of survivors and of refused nodes, each with a comma behind. */
static void measure(const struct plimsoll_extender_call *call, struct endings *endings,
                    size_t *passed, size_t *refused)
{
    *passed = *refused = 0;
    for (size_t i = 0; i < call->names.count; i++) {
        const struct plimsoll_names_entry *entry = &call->names.list[i];
        if (entry->reason == PLIMSOLL_FITS) {
            *passed += entry->size + 3u;
            continue;
        }
        struct plimsoll_text *ending = &endings->texts[entry->reason];
        if (ending->size == 0) {
            write_ending(call, entry->reason, ending);
        }
        *refused += entry->size + 2u + ending->size;
    }
}

/* In whole blocks: both ends have PLIMSOLL_NAMES_PAD bytes more, and what is written too much is
 * overwritten by what follows. The caller has reserved the room, which saves a check for each of
 * two pieces per name. */
static inline char *put(char *at, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i += PLIMSOLL_NAMES_PAD) {
        memcpy(at + i, data + i, PLIMSOLL_NAMES_PAD);
    }
    return at + size;
}

/* `"a","b",` without the last comma. @param bytes  what measure said */
static void write_passed(const struct plimsoll_extender_call *call, size_t bytes,
                         struct plimsoll_text *answer)
{
    char *at = answer->data + answer->size;
    for (size_t i = 0; i < call->names.count; i++) {
        const struct plimsoll_names_entry *entry = &call->names.list[i];
        if (entry->reason == PLIMSOLL_FITS) {
            at = put(at, call->names.bytes.data + entry->at, entry->size + 2u);
            *at++ = ',';
        }
    }
    answer->size += bytes > 0 ? bytes - 1 : 0;
}

/* `"a":"reason","b":"reason",` without the last comma. */
static void write_refused(const struct plimsoll_extender_call *call, const struct endings *endings,
                          size_t bytes, struct plimsoll_text *answer)
{
    char *at = answer->data + answer->size;
    for (size_t i = 0; i < call->names.count; i++) {
        const struct plimsoll_names_entry *entry = &call->names.list[i];
        if (entry->reason != PLIMSOLL_FITS) {
            const struct plimsoll_text *ending = &endings->texts[entry->reason];
            at = put(at, call->names.bytes.data + entry->at, entry->size + 2u);
            at = put(at, ending->data, ending->size);
        }
    }
    answer->size += bytes > 0 ? bytes - 1 : 0;
}

static int refuse_large(const struct plimsoll_text *answer, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                              "the answer needs more than %zu bytes, want fewer nodes",
                              answer->size_max);
}

/* Makes room, so that nothing that follows can overflow. */
static int make_room(struct plimsoll_text *answer, size_t bytes, struct plimsoll_error *err)
{
    if (answer->overflowed || bytes > answer->size_max - answer->size) {
        return refuse_large(answer, err);
    }
    plimsoll_text_reserve(answer, bytes);
    return 0;
}

static int write_names_result(const struct plimsoll_extender_call *call,
                              const struct endings *endings, size_t passed, size_t refused,
                              struct plimsoll_text *answer, struct plimsoll_error *err)
{
    if (make_room(answer, passed + refused + FRAME_BYTES_MAX, err) < 0) {
        return -1;
    }
    if (call->form == PLIMSOLL_FORM_NAMES) {
        plimsoll_text_add_string(answer, "{\"Nodes\":null,\"NodeNames\":[");
        write_passed(call, passed, answer);
        plimsoll_text_add_string(answer, "]");
    } else {
        plimsoll_text_add_string(answer, "{\"Nodes\":null,\"NodeNames\":null");
    }
    plimsoll_text_add_string(answer, BEFORE_REFUSED);
    write_refused(call, endings, refused, answer);
    plimsoll_text_add_string(answer, AFTER_REFUSED);
    return 0;
}

int plimsoll_call_keep(struct plimsoll_extender_call *call, struct plimsoll_span node,
                       struct plimsoll_error *err)
{
    struct plimsoll_text *kept = &call->kept;
    plimsoll_text_add_string(kept, kept->size == 0 ? BEFORE_KEPT : ",");
    plimsoll_text_add_span(kept, node);
    return kept->overflowed ? refuse_large(kept, err) : 0;
}

static int write_nodes_result(struct plimsoll_extender_call *call, const struct endings *endings,
                              size_t refused, struct plimsoll_text *answer,
                              struct plimsoll_error *err)
{
    struct plimsoll_text *kept = &call->kept;
    if (kept->size == 0) {
        plimsoll_text_add_string(kept, BEFORE_KEPT);
    }
    if (answer->overflowed ||
        kept->size + refused + FRAME_BYTES_MAX > answer->size_max - answer->size) {
        return refuse_large(answer, err);
    }
    if (answer->size == 0) {
        size_t size_max = answer->size_max;
        plimsoll_text_clear(answer);
        *answer = *kept;
        answer->size_max = size_max;
        *kept = plimsoll_text_make(0);
    } else {
        plimsoll_text_add_span(answer, plimsoll_text_span(kept));
    }
    plimsoll_text_reserve(answer, refused + FRAME_BYTES_MAX);
    plimsoll_text_add_string(answer, "]},\"NodeNames\":null" BEFORE_REFUSED);
    write_refused(call, endings, refused, answer);
    plimsoll_text_add_string(answer, AFTER_REFUSED);
    return 0;
}

int plimsoll_call_write_filter(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                               struct plimsoll_error *err)
{
    struct endings endings = {0};
    size_t passed, refused;
    measure(call, &endings, &passed, &refused);
    int written = call->form == PLIMSOLL_FORM_NODES
                      ? write_nodes_result(call, &endings, refused, answer, err)
                      : write_names_result(call, &endings, passed, refused, answer, err);
    clear_endings(&endings);
    return written;
}

int plimsoll_call_write_error(const char *message, struct plimsoll_text *answer,
                              struct plimsoll_error *err)
{
    struct plimsoll_span sentence = plimsoll_span_of(message);
    if (make_room(answer, sentence.size * 6 + FRAME_BYTES_MAX, err) < 0) {
        return -1;
    }
    plimsoll_text_add_string(answer, "{\"Nodes\":null,\"NodeNames\":null,\"FailedNodes\":null,"
                                     "\"FailedAndUnresolvableNodes\":null,\"Error\":");
    plimsoll_text_add_json(answer, sentence);
    plimsoll_text_add_char(answer, '}');
    return 0;
}

/* Scores of the nodes that fit, squeezed together, so that others do not take part. */
static int *quantise(struct plimsoll_extender_call *call)
{
    int *steps = plimsoll_alloc(call->names.count + 1, sizeof *steps);
    size_t fitting = 0;
    for (size_t i = 0; i < call->names.count && call->scores != NULL; i++) {
        if (call->names.list[i].reason == PLIMSOLL_FITS) {
            call->scores[fitting++] = call->scores[i];
        }
    }
    if (call->bound_index == PLIMSOLL_NOT_BOUND && fitting > 0) {
        plimsoll_placement_quantise(call->scores, fitting, steps);
    }
    return steps;
}

/* `{"Host":"a","Score":7}`: an integer, or the scheduler drops the whole answer. */
int plimsoll_call_write_scores(struct plimsoll_extender_call *call, struct plimsoll_text *answer,
                               struct plimsoll_error *err)
{
    static const char around[] = ",{\"Host\":,\"Score\":10}";
    size_t room = call->names.bytes.size + call->names.count * sizeof around;
    if (make_room(answer, room + FRAME_BYTES_MAX, err) < 0) {
        return -1;
    }
    plimsoll_autofree int *steps = quantise(call);
    size_t fitting = 0;
    plimsoll_text_add_char(answer, '[');
    for (size_t i = 0; i < call->names.count; i++) {
        const struct plimsoll_names_entry *entry = &call->names.list[i];
        int step = 0;
        if (i == call->bound_index) {
            step = SCORE_MAX;
        } else if (entry->reason == PLIMSOLL_FITS && call->scores != NULL) {
            step = steps[fitting];
        }
        fitting += entry->reason == PLIMSOLL_FITS;
        if (step == SCORE_MAX && call->likely == PLIMSOLL_NOT_BOUND) {
            call->likely = i;
        }
        plimsoll_text_add_string(answer, i == 0 ? "{\"Host\":" : ",{\"Host\":");
        plimsoll_text_add(answer, call->names.bytes.data + entry->at, entry->size + 2u);
        plimsoll_text_add_string(answer, ",\"Score\":");
        plimsoll_text_add_uint(answer, (uint64_t)step);
        plimsoll_text_add_char(answer, '}');
    }
    plimsoll_text_add_char(answer, ']');
    return 0;
}
