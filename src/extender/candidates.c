/* SPDX-License-Identifier: Apache-2.0 */
#include "candidates.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/limits.h>

#include "names.h"

#include <strings.h>

#define CAPACITY_MIN 16u

/* What is being read, for messages. */
struct reading {
    struct plimsoll_json_cursor cursor;
    const char *field;
    bool whole;
    struct plimsoll_candidates *candidates;
};

static bool is_key(struct plimsoll_span key, const char *name)
{
    return key.size == strlen(name) && strncasecmp(key.data, name, key.size) == 0;
}

static int fail(const struct reading *reading, struct plimsoll_error *err)
{
    plimsoll_json_cursor_error(&reading->cursor, err);
    return plimsoll_error_wrap(err, "%s", reading->field);
}

static int add_victim(struct reading *reading, struct plimsoll_span node, struct plimsoll_span uid,
                      struct plimsoll_error *err)
{
    struct plimsoll_candidates *candidates = reading->candidates;
    if (candidates->victim_count == PLIMSOLL_PREEMPT_VICTIMS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "%s: more than %d victims",
                                  reading->field, PLIMSOLL_PREEMPT_VICTIMS_MAX);
    }
    if (!plimsoll_names_valid(uid) || uid.size >= PLIMSOLL_UID_SIZE) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: a victim on node %.*s has no uid of 1 to %d letters, digits "
                                  "and '-'",
                                  reading->field, PLIMSOLL_SPAN_ARG(node), PLIMSOLL_UID_SIZE - 1);
    }
    if (candidates->victim_count == candidates->victim_capacity) {
        candidates->victim_capacity =
            candidates->victim_capacity > 0 ? candidates->victim_capacity * 2 : CAPACITY_MIN;
        candidates->victims = plimsoll_realloc(candidates->victims, candidates->victim_capacity,
                                               sizeof *candidates->victims);
    }
    struct plimsoll_uid *added = &candidates->victims[candidates->victim_count++];
    *added = (struct plimsoll_uid){0};
    memcpy(added->text, uid.data, uid.size);
    return 0;
}

/* The value of `name` in the object that comes next, if it is a string. Of our own keys Go's
 * decoder takes any case, of Kubernetes' objects it takes one. */
static void read_string(struct plimsoll_json_cursor *cursor, const char *name, bool any_case,
                        struct plimsoll_span *value)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (any_case ? is_key(key, name) : plimsoll_span_is(key, name)) {
            plimsoll_json_cursor_string(cursor, value);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

static void read_whole_pod(struct plimsoll_json_cursor *cursor, struct plimsoll_span *uid)
{
    struct plimsoll_span key;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "metadata")) {
            read_string(cursor, "uid", false, uid);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
}

/* null is as good as an empty list. */
static int read_pods(struct reading *reading, const struct plimsoll_candidate *candidate,
                     struct plimsoll_error *err)
{
    struct plimsoll_json_cursor *cursor = &reading->cursor;
    if (!plimsoll_json_cursor_array(cursor)) {
        return 0;
    }
    while (plimsoll_json_cursor_element(cursor)) {
        struct plimsoll_span uid = {.data = ""}; /* as good as none */
        if (reading->whole) {
            read_whole_pod(cursor, &uid);
        } else {
            read_string(cursor, "UID", true, &uid);
        }
        if (!cursor->failed && add_victim(reading, candidate->node, uid, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* What null gives: no victims. */
static int read_victims(struct reading *reading, struct plimsoll_candidate *candidate,
                        struct plimsoll_error *err)
{
    struct plimsoll_json_cursor *cursor = &reading->cursor;
    struct plimsoll_span key;
    candidate->first = reading->candidates->victim_count;
    if (!plimsoll_json_cursor_object(cursor)) {
        return 0;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (is_key(key, "Pods")) {
            reading->candidates->victim_count = candidate->first; /* Go keeps the last */
            if (read_pods(reading, candidate, err) < 0) {
                return -1;
            }
        } else if (is_key(key, "NumPDBViolations")) {
            candidate->pdb_violations = 0;
            plimsoll_json_cursor_int(cursor, &candidate->pdb_violations);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    candidate->count = reading->candidates->victim_count - candidate->first;
    return 0;
}

static int read_candidate(struct reading *reading, struct plimsoll_span name,
                          struct plimsoll_error *err)
{
    struct plimsoll_candidates *candidates = reading->candidates;
    if (candidates->count == PLIMSOLL_NODE_NAMES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "%s: more than %d nodes",
                                  reading->field, PLIMSOLL_NODE_NAMES_MAX);
    }
    if (!plimsoll_names_valid(name)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: \"%.*s\" is no node name, want one such as gpu-1.lan",
                                  reading->field, PLIMSOLL_SPAN_ARG(name));
    }
    if (candidates->count == candidates->capacity) {
        candidates->capacity = candidates->capacity > 0 ? candidates->capacity * 2 : CAPACITY_MIN;
        candidates->list =
            plimsoll_realloc(candidates->list, candidates->capacity, sizeof *candidates->list);
    }
    struct plimsoll_candidate *candidate = &candidates->list[candidates->count++];
    *candidate = (struct plimsoll_candidate){.node = name};
    return read_victims(reading, candidate, err);
}

static int compare(const void *left, const void *right)
{
    const struct plimsoll_candidate *a = left, *b = right;
    size_t size = a->node.size < b->node.size ? a->node.size : b->node.size;
    int order = memcmp(a->node.data, b->node.data, size);
    return order != 0 ? order : a->node.size < b->node.size ? -1 : a->node.size > b->node.size;
}

static int sort(struct reading *reading, struct plimsoll_error *err)
{
    struct plimsoll_candidates *candidates = reading->candidates;
    if (candidates->count > 1) {
        qsort(candidates->list, candidates->count, sizeof *candidates->list, compare);
    }
    for (size_t i = 1; i < candidates->count; i++) {
        if (compare(&candidates->list[i - 1], &candidates->list[i]) == 0) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "%s: node \"%.*s\" is there twice, want each node once",
                                      reading->field, PLIMSOLL_SPAN_ARG(candidates->list[i].node));
        }
    }
    return 0;
}

int plimsoll_candidates_read(struct plimsoll_span map, bool whole,
                             struct plimsoll_candidates *candidates, struct plimsoll_error *err)
{
    struct reading reading = {.cursor = plimsoll_json_cursor_make(map),
                              .field = whole ? "NodeNameToVictims" : "NodeNameToMetaVictims",
                              .whole = whole,
                              .candidates = candidates};
    struct plimsoll_span name;
    if (plimsoll_json_cursor_object(&reading.cursor)) {
        while (plimsoll_json_cursor_member(&reading.cursor, &name)) {
            if (read_candidate(&reading, name, err) < 0) {
                return -1;
            }
        }
    }
    if (!plimsoll_json_cursor_finish(&reading.cursor)) {
        return fail(&reading, err);
    }
    return sort(&reading, err);
}

void plimsoll_candidates_clear(struct plimsoll_candidates *candidates)
{
    free(candidates->list);
    free(candidates->victims);
    *candidates = (struct plimsoll_candidates){0};
}

const struct plimsoll_candidate *
plimsoll_candidates_find(const struct plimsoll_candidates *candidates, struct plimsoll_span node)
{
    const struct plimsoll_candidate wanted = {.node = node};
    return candidates->count == 0
               ? NULL
               : bsearch(&wanted, candidates->list, candidates->count, sizeof wanted, compare);
}
