/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/pod.h>

#include <plimsoll/limits.h>

#include "plain.h"
#include "requests.h"

/** What the walk over a Pod collects; spans are borrowed from the object. */
struct found {
    struct plimsoll_span uid, namespace_, name, node, nominated;
    struct plimsoll_model_value claim;
    struct plimsoll_model_asks asks;
    struct plimsoll_span conditions, owners; /* whole JSON values, empty when absent */
    struct plimsoll_span overhead, selector, node_affinity; /* so too */
    bool claim_plain; /* it was read on the way, into the pod */
    bool part_of_us, component_agent;
};

/* On the way when it is plain, else at the end from its value. */
static void read_claim(struct plimsoll_json_cursor *cursor, struct found *found,
                       struct plimsoll_pod *pod)
{
    bool string = plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_STRING;
    const char *behind =
        string ? plimsoll_model_plain_claim(cursor->at, cursor->end, &pod->claim) : NULL;
    found->claim_plain = behind != NULL;
    if (behind != NULL) {
        found->claim = (struct plimsoll_model_value){.present = true};
        cursor->at = behind;
    } else {
        plimsoll_claim_clear(&pod->claim);
        plimsoll_model_value_read(cursor, &found->claim);
    }
}

static void read_annotation(struct plimsoll_json_cursor *cursor, struct plimsoll_span key,
                            struct plimsoll_span plain, struct found *found,
                            struct plimsoll_pod *pod)
{
    if (!plimsoll_span_starts(key, "plimsoll.dev/")) {
        pod->mirror = pod->mirror || plimsoll_span_is(key, "kubernetes.io/config.mirror");
        plimsoll_model_entry_skip(cursor, plain);
        return;
    }
    if (plimsoll_span_is(key, PLIMSOLL_ANNOTATION_CLAIM)) {
        plimsoll_json_cursor_again(cursor, plain);
        read_claim(cursor, found, pod);
        return;
    }
    const struct {
        const char *key;
        struct plimsoll_model_value *value;
    } known[] = {
        {PLIMSOLL_ANNOTATION_VRAM, &found->asks.vram},
        {PLIMSOLL_ANNOTATION_GPUS, &found->asks.gpus},
        {PLIMSOLL_ANNOTATION_CONTAINERS, &found->asks.containers},
        {PLIMSOLL_ANNOTATION_TOPOLOGY, &found->asks.topology},
        {PLIMSOLL_ANNOTATION_POLICY, &found->asks.policy},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (plimsoll_span_is(key, known[i].key)) {
            plimsoll_model_entry_value(cursor, plain, known[i].value);
            return;
        }
    }
    plimsoll_model_entry_skip(cursor, plain);
}

static void read_label(struct plimsoll_json_cursor *cursor, struct plimsoll_span key,
                       struct plimsoll_span plain, struct found *found)
{
    bool part_of = plimsoll_span_is(key, "app.kubernetes.io/part-of");
    if (!part_of && !plimsoll_span_is(key, "app.kubernetes.io/component")) {
        plimsoll_model_entry_skip(cursor, plain);
        return;
    }
    struct plimsoll_model_value value;
    plimsoll_model_entry_value(cursor, plain, &value);
    if (part_of) {
        found->part_of_us = plimsoll_span_is(value.raw, "plimsoll");
    } else {
        found->component_agent = plimsoll_span_is(value.raw, "agent");
    }
}

static void read_labels(struct plimsoll_json_cursor *cursor, struct found *found)
{
    struct plimsoll_span key, plain;
    if (plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
            read_label(cursor, key, plain, found);
        }
    }
}

static void read_annotations(struct plimsoll_json_cursor *cursor, struct found *found,
                             struct plimsoll_pod *pod)
{
    struct plimsoll_span key, plain;
    if (plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
            read_annotation(cursor, key, plain, found, pod);
        }
    }
}

/* Only the bytes: whether anybody looks into them is known at the end. */
static void read_list(struct plimsoll_json_cursor *cursor, struct plimsoll_span *list)
{
    *list = (struct plimsoll_span){0};
    if (plimsoll_json_cursor_type(cursor) == PLIMSOLL_JSON_ARRAY) {
        plimsoll_json_cursor_skip(cursor, list);
    } else {
        plimsoll_json_cursor_array(cursor);
    }
}

static void read_metadata(struct plimsoll_json_cursor *cursor, struct found *found,
                          struct plimsoll_pod *pod)
{
    struct plimsoll_span key, plain, time;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
        if (plimsoll_span_is(key, "name")) {
            plimsoll_model_entry_string(cursor, plain, &found->name);
        } else if (plimsoll_span_is(key, "namespace")) {
            plimsoll_model_entry_string(cursor, plain, &found->namespace_);
        } else if (plimsoll_span_is(key, "uid")) {
            plimsoll_model_entry_string(cursor, plain, &found->uid);
        } else if (plimsoll_span_is(key, "deletionTimestamp")) {
            pod->terminating = plimsoll_model_entry_string(cursor, plain, &time);
        } else if (plimsoll_span_is(key, "annotations")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_annotations(cursor, found, pod);
        } else if (plimsoll_span_is(key, "labels")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_labels(cursor, found);
        } else if (plimsoll_span_is(key, "ownerReferences")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_list(cursor, &found->owners);
        } else {
            plimsoll_model_entry_skip(cursor, plain);
        }
    }
}

/*
 * Only the bytes: what containers mean depends on annotations, which may come later. They are
 * walked all the same, because of most pods this is enough to know that no container can ask for a
 * card.
 */
static void read_containers(struct plimsoll_json_cursor *cursor, bool init,
                            struct plimsoll_model_asks *asks)
{
    struct plimsoll_span *list = init ? &asks->init_list : &asks->container_list;
    bool *domains = init ? &asks->init_domains : &asks->container_domains;
    struct plimsoll_json_cursor ahead = *cursor;
    *domains = !plimsoll_model_containers_pass(&ahead, init, list, &asks->requests);
    if (*domains) {
        plimsoll_json_cursor_skip(cursor, list);
    } else {
        *cursor = ahead;
    }
}

static void read_affinity(struct plimsoll_json_cursor *cursor, struct found *found)
{
    struct plimsoll_span key;
    if (plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_member(cursor, &key)) {
            bool nodes = plimsoll_span_is(key, "nodeAffinity");
            plimsoll_json_cursor_skip(cursor, nodes ? &found->node_affinity : NULL);
        }
    }
}

static void read_spec(struct plimsoll_json_cursor *cursor, struct found *found,
                      struct plimsoll_pod *pod)
{
    struct plimsoll_span key, plain;
    int64_t priority = 0;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
        if (plimsoll_span_is(key, "nodeName")) {
            plimsoll_model_entry_string(cursor, plain, &found->node);
        } else if (plimsoll_span_is(key, "priority")) {
            plimsoll_json_cursor_again(cursor, plain);
            plimsoll_json_cursor_int(cursor, &priority);
        } else if (plimsoll_span_is(key, "containers")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_containers(cursor, false, &found->asks);
        } else if (plimsoll_span_is(key, "initContainers")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_containers(cursor, true, &found->asks);
        } else if (plimsoll_span_is(key, "overhead")) {
            plimsoll_json_cursor_again(cursor, plain);
            plimsoll_json_cursor_skip(cursor, &found->overhead);
        } else if (plimsoll_span_is(key, "nodeSelector")) {
            plimsoll_json_cursor_again(cursor, plain);
            plimsoll_json_cursor_skip(cursor, &found->selector);
        } else if (plimsoll_span_is(key, "affinity")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_affinity(cursor, found);
        } else {
            plimsoll_model_entry_skip(cursor, plain);
        }
    }
    pod->priority = (int32_t)(priority > INT32_MAX   ? INT32_MAX
                              : priority < INT32_MIN ? INT32_MIN
                                                     : priority);
}

static void read_condition(struct plimsoll_json_cursor *cursor, struct plimsoll_pod *pod)
{
    struct plimsoll_span key, type = {0}, status = {0};
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "type")) {
            plimsoll_json_cursor_string(cursor, &type);
        } else if (plimsoll_span_is(key, "status")) {
            plimsoll_json_cursor_string(cursor, &status);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    if (plimsoll_span_is(type, "Ready")) {
        pod->ready = plimsoll_span_is(status, "True");
    }
}

/* An agent that is not ready does not measure. @return false when the conditions are malformed */
static bool read_ready(const struct found *found, struct plimsoll_pod *pod)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(found->conditions);
    pod->agent = found->part_of_us && found->component_agent;
    if (pod->agent && found->conditions.size > 0 && plimsoll_json_cursor_array(&cursor)) {
        while (plimsoll_json_cursor_element(&cursor)) {
            read_condition(&cursor, pod);
        }
    }
    return !cursor.failed;
}

/* The name of one owner, if it is the ReplicaSet that made the pod. */
static void read_owner(struct plimsoll_json_cursor *cursor, struct plimsoll_span *replica_set)
{
    struct plimsoll_span key, kind = {0}, name = {0};
    bool controller = false;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_member(cursor, &key)) {
        if (plimsoll_span_is(key, "kind")) {
            plimsoll_json_cursor_string(cursor, &kind);
        } else if (plimsoll_span_is(key, "name")) {
            plimsoll_json_cursor_string(cursor, &name);
        } else if (plimsoll_span_is(key, "controller")) {
            plimsoll_json_cursor_bool(cursor, &controller);
        } else {
            plimsoll_json_cursor_skip(cursor, NULL);
        }
    }
    if (controller && plimsoll_span_is(kind, "ReplicaSet")) {
        *replica_set = name;
    }
}

/* Only GPU pods are told who made them. @return false when the owners are malformed */
static bool read_owners(const struct found *found, const struct plimsoll_pod *pod,
                        struct plimsoll_span *replica_set)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(found->owners);
    if (pod->demand.gpu && found->owners.size > 0 && plimsoll_json_cursor_array(&cursor)) {
        while (plimsoll_json_cursor_element(&cursor)) {
            read_owner(&cursor, replica_set);
        }
    }
    return !cursor.failed;
}

static void read_status(struct plimsoll_json_cursor *cursor, struct found *found,
                        struct plimsoll_pod *pod)
{
    struct plimsoll_span key, plain, phase;
    if (!plimsoll_json_cursor_object(cursor)) {
        return;
    }
    while (plimsoll_json_cursor_entry(cursor, &key, &plain)) {
        if (plimsoll_span_is(key, "phase")) {
            pod->finished =
                plimsoll_model_entry_string(cursor, plain, &phase) &&
                (plimsoll_span_is(phase, "Succeeded") || plimsoll_span_is(phase, "Failed"));
        } else if (plimsoll_span_is(key, "nominatedNodeName")) {
            plimsoll_model_entry_string(cursor, plain, &found->nominated);
        } else if (plimsoll_span_is(key, "conditions")) {
            plimsoll_json_cursor_again(cursor, plain);
            read_list(cursor, &found->conditions);
        } else {
            plimsoll_model_entry_skip(cursor, plain);
        }
    }
}

static void walk(struct plimsoll_json_cursor *cursor, struct found *found, struct plimsoll_pod *pod)
{
    struct plimsoll_span key;
    bool metadata = false;
    if (plimsoll_json_cursor_object(cursor)) {
        while (plimsoll_json_cursor_member(cursor, &key)) {
            if (plimsoll_span_is(key, "metadata")) {
                read_metadata(cursor, found, pod);
                metadata = true;
            } else if (plimsoll_span_is(key, "spec")) {
                read_spec(cursor, found, pod);
            } else if (plimsoll_span_is(key, "status")) {
                read_status(cursor, found, pod);
            } else {
                plimsoll_json_cursor_skip(cursor, NULL);
            }
        }
        plimsoll_json_cursor_finish(cursor);
    }
    if (!metadata && !cursor->failed) {
        cursor->failed = true;
        cursor->what = "metadata is missing";
    }
}

/* Appends a name and a NUL. Names never have escapes, but may. */
static int add_name(struct plimsoll_text *text, struct plimsoll_span raw, const char *field,
                    struct plimsoll_error *err)
{
    size_t begin = text->size;
    if (raw.size > 0 && memchr(raw.data, '\\', raw.size) != NULL) {
        plimsoll_json_unescape(raw, text);
    } else {
        plimsoll_text_add_span(text, raw);
    }
    size_t size = text->size - begin;
    if (text->overflowed || size > PLIMSOLL_NAME_BYTES_MAX ||
        (size > 0 && memchr(text->data + begin, '\0', size) != NULL)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no Pod: %s is no name of up to %d bytes", field,
                                  PLIMSOLL_NAME_BYTES_MAX);
    }
    plimsoll_text_add_char(text, '\0');
    return 0;
}

static int take(struct plimsoll_span raw, const char *field, char **out, struct plimsoll_error *err)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 1);
    plimsoll_text_reserve(&text, raw.size + 1);
    if (add_name(&text, raw, field, err) != 0) {
        return -1;
    }
    *out = PLIMSOLL_TAKE(text.data);
    return 0;
}

/* In one piece of memory: of most pods they are looked at once. */
static int pack_names(const struct found *found, struct plimsoll_pod *pod,
                      struct plimsoll_error *err)
{
    plimsoll_autotext text = plimsoll_text_make(3 * (PLIMSOLL_NAME_BYTES_MAX + 1));
    plimsoll_text_reserve(&text,
                          found->namespace_.size + found->name.size + found->nominated.size + 3);
    if (add_name(&text, found->namespace_, "metadata.namespace", err) != 0 ||
        add_name(&text, found->name, "metadata.name", err) != 0 ||
        add_name(&text, found->nominated, "status.nominatedNodeName", err) != 0) {
        return -1;
    }
    pod->names = PLIMSOLL_TAKE(text.data);
    pod->namespace_ = pod->names;
    pod->name = pod->namespace_ + strlen(pod->namespace_) + 1;
    pod->nominated = pod->name + strlen(pod->name) + 1;
    return 0;
}

static int take_names(const struct found *found, struct plimsoll_pod *pod,
                      struct plimsoll_error *err)
{
    struct plimsoll_span replica_set = {0};
    if (!read_owners(found, pod, &replica_set)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no Pod: metadata.ownerReferences is malformed");
    }
    if (!plimsoll_model_copy(found->uid, pod->uid.text, sizeof pod->uid.text)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no Pod: metadata.uid is longer than %zu bytes",
                                  sizeof pod->uid.text - 1);
    }
    return pack_names(found, pod, err) != 0 ||
                   take(found->node, "spec.nodeName", &pod->node, err) != 0 ||
                   (replica_set.size > 0 &&
                    take(replica_set, "metadata.ownerReferences name", &pod->replica_set, err) != 0)
               ? -1
               : 0;
}

/* Fails when it is another pod's or another binding's: manifests get copied with their annotations.
 */
static int check_own(const struct plimsoll_claim *claim, const struct plimsoll_pod *pod,
                     struct plimsoll_error *err)
{
    if (pod->uid.text[0] == '\0' || strcmp(claim->pod.text, pod->uid.text) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "it is the claim of pod uid %s, not of this pod",
                                  claim->pod.text);
    }
    if (pod->node[0] == '\0') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "it is for node %s, but the pod is not bound", claim->node);
    }
    if (strcmp(claim->node, pod->node) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "it is for node %s, but the pod is on %s", claim->node,
                                  pod->node);
    }
    return 0;
}

/* A pod that holds a claim is a GPU pod, whatever has become of its annotations since. */
static void honour_claim(struct plimsoll_pod *pod)
{
    if (pod->demand.gpu) {
        return;
    }
    const struct plimsoll_claim *claim = &pod->claim;
    uint64_t most = claim->floating_vram;
    for (uint32_t i = 0; i < claim->card_count; i++) {
        most = claim->cards[i].vram > most ? claim->cards[i].vram : most;
    }
    pod->demand.gpu = true;
    pod->demand.vendor = PLIMSOLL_VENDOR_NVIDIA;
    pod->demand.request = PLIMSOLL_REQUEST_BYTES;
    pod->demand.vram = most;
    pod->demand.cards = claim->card_count > 0 ? claim->card_count : claim->floating_cards;
}

static void settle_claim(const struct found *found, struct plimsoll_pod *pod)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    struct plimsoll_error err;
    if (!found->claim.present) {
        return;
    }
    if (found->claim_plain ||
        (plimsoll_model_value_text(&found->claim, &scratch, &text, &err) == 0 &&
         plimsoll_claim_parse(text, &pod->claim, &err) == 0)) {
        if (check_own(&pod->claim, pod, &err) == 0) {
            honour_claim(pod);
            return;
        }
        plimsoll_claim_clear(&pod->claim);
    }
    plimsoll_error_wrap(&err, "annotation " PLIMSOLL_ANNOTATION_CLAIM " is ignored");
    pod->claim_ignored = plimsoll_copy(err.message, strlen(err.message));
}

/* Equal selectors are equal bytes, as the API server writes them; 0 is kept for none. */
static uint64_t hash_selection(const struct found *found)
{
    if (found->selector.size <= 2 && found->node_affinity.size <= 2) {
        return 0;
    }
    uint64_t hash = plimsoll_span_hash(found->selector) * UINT64_C(0x9E3779B97F4A7C15) +
                    plimsoll_span_hash(found->node_affinity);
    return hash != 0 ? hash : 1;
}

/* What is asked of the node besides cards. */
static void settle_requests(const struct found *found, struct plimsoll_pod *pod)
{
    struct plimsoll_requests overhead = plimsoll_model_requests_read(found->overhead);
    pod->demand.requests = plimsoll_model_requests_total(&found->asks.requests, &overhead);
    pod->demand.selection = pod->demand.gpu ? hash_selection(found) : 0;
}

int plimsoll_pod_read(struct plimsoll_span object, const struct plimsoll_resources *resources,
                      struct plimsoll_pod *pod, struct plimsoll_error *err)
{
    struct plimsoll_pod read = {.priority = 0};
    struct found found = {.part_of_us = false};
    struct plimsoll_error why;
    bool malformed = false;
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(object);
    walk(&cursor, &found, &read);
    if (cursor.failed) {
        plimsoll_pod_clear(&read);
        plimsoll_json_cursor_error(&cursor, err);
        return plimsoll_error_wrap(err, "no Pod");
    }
    if (plimsoll_model_demand(&found.asks, resources, &read.demand, &malformed, &why) != 0) {
        read.refusal = plimsoll_copy(why.message, strlen(why.message));
    }
    int result = 0;
    if (malformed) {
        result = plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                    "no Pod: spec.containers or spec.initContainers is malformed");
    } else if (!read_ready(&found, &read)) {
        result =
            plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "no Pod: status.conditions is malformed");
    } else {
        result = take_names(&found, &read, err);
    }
    if (result != 0) {
        plimsoll_pod_clear(&read);
        return -1;
    }
    settle_claim(&found, &read);
    settle_requests(&found, &read);
    *pod = read;
    return 0;
}

void plimsoll_pod_clear(struct plimsoll_pod *pod)
{
    free(pod->names);
    free(pod->node);
    free(pod->replica_set);
    free(pod->refusal);
    free(pod->claim_ignored);
    plimsoll_claim_clear(&pod->claim);
    *pod = (struct plimsoll_pod){.priority = 0};
}
