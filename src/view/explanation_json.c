/* SPDX-License-Identifier: Apache-2.0 */
#include "explanation.h"

#include <plimsoll/clock.h>

#include "document.h"

#define TEXT_BYTES 4096u

static json_t *time_of(int64_t unix_ms)
{
    char time[PLIMSOLL_TIME_SIZE];
    return unix_ms > 0 ? json_string(plimsoll_time_format(unix_ms, time)) : json_null();
}

static json_t *pod_of(const struct plimsoll_pod *pod)
{
    json_t *it = json_object();
    json_object_set_new(it, "namespace", plimsoll_document_string(pod->namespace_));
    json_object_set_new(it, "name", plimsoll_document_string(pod->name));
    json_object_set_new(it, "uid", plimsoll_document_string(pod->uid.text));
    return it;
}

static json_t *request_of(const struct plimsoll_view_question *question)
{
    const struct plimsoll_pod *pod = question->pod;
    const struct plimsoll_demand *demand = &pod->demand;
    json_t *it = json_object();
    if (!demand->gpu || pod->refusal != NULL) {
        json_decref(it);
        return json_null();
    }
    plimsoll_autotext words = plimsoll_text_make(TEXT_BYTES);
    plimsoll_explanation_request(question, &words);
    json_object_set_new(it, "text", plimsoll_document_string(words.data));
    json_object_set_new(it, "vendor", json_string(plimsoll_vendor_text(demand->vendor)));
    json_object_set_new(it, "cards", json_integer(demand->cards));
    json_object_set_new(it, "vram",
                        demand->request == PLIMSOLL_REQUEST_BYTES
                            ? plimsoll_document_bytes(demand->vram)
                            : json_null());
    json_object_set_new(it, "percent",
                        demand->request == PLIMSOLL_REQUEST_PERCENT
                            ? json_real(demand->percent_milli / 1000.0)
                            : json_null());
    json_object_set_new(it, "resource",
                        demand->resource[0] != '\0' ? plimsoll_document_string(demand->resource)
                                                    : json_null());
    return it;
}

static json_t *claim_of(const struct plimsoll_pod *pod)
{
    json_t *it = json_object(), *cards = json_array();
    for (uint32_t i = 0; i < pod->claim.card_count; i++) {
        json_t *card = json_object();
        json_object_set_new(card, "id", plimsoll_document_string(pod->claim.cards[i].id));
        json_object_set_new(card, "vram", plimsoll_document_bytes(pod->claim.cards[i].vram));
        json_array_append_new(cards, card);
    }
    json_object_set_new(it, "cards", cards);
    json_object_set_new(it, "floatingCards", json_integer(pod->claim.floating_cards));
    json_object_set_new(it, "floatingVram", plimsoll_document_bytes(pod->claim.floating_vram));
    if (!plimsoll_pod_claimed(pod)) {
        json_decref(it);
        return json_null();
    }
    return it;
}

static json_t *scheduler_of(const struct plimsoll_view_question *question)
{
    const struct plimsoll_view_scheduling *scheduling = question->scheduling;
    json_t *it = json_object(), *ours = json_array();
    for (size_t i = 0; i < question->scheduler_count; i++) {
        json_array_append_new(ours, plimsoll_document_string(question->schedulers[i]));
    }
    json_object_set_new(it, "name", plimsoll_document_string(scheduling->scheduler));
    json_object_set_new(it, "ours", ours);
    json_object_set_new(it, "gates", plimsoll_document_string(scheduling->gates));
    json_object_set_new(it, "tried", json_boolean(scheduling->tried));
    json_object_set_new(it, "scheduled", json_boolean(scheduling->scheduled));
    json_object_set_new(it, "reason", plimsoll_document_string(scheduling->reason));
    json_object_set_new(it, "message", plimsoll_document_string(scheduling->message));
    json_object_set_new(it, "since", time_of(scheduling->since_unix_ms));
    return it;
}

static json_t *node_of(const struct plimsoll_view_explanation *explanation,
                       const struct candidate *candidate)
{
    const struct plimsoll_verdict *verdict = &candidate->verdict;
    const struct plimsoll_node *node = candidate->seen->view.node;
    plimsoll_autotext words = plimsoll_text_make(TEXT_BYTES);
    json_t *it = json_object();
    plimsoll_reason_write(verdict->reason, &explanation->question.pod->demand, &words);
    json_object_set_new(it, "name", plimsoll_document_string(node->name));
    json_object_set_new(it, "fits", json_boolean(verdict->reason == PLIMSOLL_FITS));
    json_object_set_new(it, "reason", json_string(plimsoll_reason_label(verdict->reason)));
    json_object_set_new(it, "text", plimsoll_document_string(words.data));
    json_object_set_new(it, "want", plimsoll_document_bytes(verdict->want));
    json_object_set_new(it, "missing", plimsoll_document_bytes(verdict->missing));
    json_object_set_new(it, "guarantee", json_string(plimsoll_guarantee_text(verdict->guarantee)));
    json_object_set_new(it, "noDevice", json_boolean(candidate->no_device));
    if (explanation->question.scheduling == NULL) {
        json_object_set_new(it, "ruledOut", json_boolean(candidate->ruled_out));
        json_object_set_new(it, "pods", json_integer((json_int_t)candidate->like));
    }
    json_object_set_new(it, "stale", json_boolean(candidate->seen->view.stale));
    json_object_set_new(it, "here", json_boolean(candidate->here));
    json_object_set_new(it, "unusable",
                        node->unusable != NULL ? plimsoll_document_string(node->unusable)
                                               : json_null());
    return it;
}

/* Of a pod that waits though a node has the VRAM: what else refuses is in the scheduler's words. */
static json_t *ruled_out_of(const struct plimsoll_view_explanation *explanation)
{
    const char *name = plimsoll_explanation_best(explanation)->seen->view.node->name;
    const char *message = explanation->question.scheduling->message;
    plimsoll_autotext words = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX + strlen(message));
    plimsoll_text_add_format(&words, "It fits on %s as far as VRAM is concerned.", name);
    if (message[0] != '\0') {
        plimsoll_text_add_format(&words, " When the scheduler last looked, it said: %s", message);
    }
    json_t *it = json_object();
    json_object_set_new(it, "name", plimsoll_document_string(name));
    json_object_set_new(it, "text", plimsoll_document_string(words.data));
    return it;
}

static json_t *closest_of(const struct plimsoll_view_explanation *explanation)
{
    if (explanation->standing == PLIMSOLL_STANDING_FITS &&
        explanation->question.scheduling != NULL) {
        return ruled_out_of(explanation);
    }
    const struct candidate *closest = explanation->closest;
    if (closest == NULL || explanation->fitting > 0) {
        return json_null();
    }
    const struct plimsoll_view_refusal refusal = {.pod = explanation->question.pod,
                                                  .asked = explanation->candidate_count,
                                                  .closest = closest->seen,
                                                  .verdict = closest->verdict};
    plimsoll_autotext words = plimsoll_text_make(PLIMSOLL_VIEW_NOTE_BYTES_MAX);
    plimsoll_view_refused(&refusal, &words);
    json_t *it = json_object();
    json_object_set_new(it, "name", plimsoll_document_string(closest->seen->view.node->name));
    json_object_set_new(it, "text", plimsoll_document_string(words.data));
    return it;
}

static json_t *rooms_of(const struct plimsoll_view_explanation *explanation)
{
    json_t *rooms = json_array();
    for (size_t i = 0; i < explanation->room_count; i++) {
        const struct room *room = &explanation->rooms[i];
        json_t *it = json_object(), *pods = json_array();
        for (size_t k = 0; k < room->leaving.count; k++) {
            json_array_append_new(pods, pod_of(room->leaving.added[k]));
        }
        json_object_set_new(it, "node",
                            plimsoll_document_string(room->candidate->seen->view.node->name));
        json_object_set_new(it, "pods", pods);
        json_array_append_new(rooms, it);
    }
    return rooms;
}

static json_t *events_of(const struct plimsoll_view_scheduling *scheduling)
{
    json_t *events = json_array();
    for (size_t i = 0; i < scheduling->event_count; i++) {
        const struct plimsoll_view_event *event = &scheduling->events[i];
        json_t *it = json_object();
        json_object_set_new(it, "time", time_of(event->time_unix_ms));
        json_object_set_new(it, "reason", plimsoll_document_string(event->reason));
        json_object_set_new(it, "note", plimsoll_document_string(event->note));
        json_object_set_new(it, "from", plimsoll_document_string(event->from));
        json_object_set_new(it, "count", json_integer((json_int_t)event->count));
        json_array_append_new(events, it);
    }
    return events;
}

/* What only a pod that is there has. */
static void add_life(const struct plimsoll_view_question *question, json_t *document)
{
    json_object_set_new(document, "node",
                        question->pod->node[0] != '\0'
                            ? plimsoll_document_string(question->pod->node)
                            : json_null());
    json_object_set_new(document, "claim", claim_of(question->pod));
    json_object_set_new(document, "scheduler", scheduler_of(question));
    json_object_set_new(document, "events", events_of(question->scheduling));
}

void plimsoll_view_explanation_json(const struct plimsoll_view_explanation *explanation,
                                    struct plimsoll_text *out)
{
    const struct plimsoll_view_question *question = &explanation->question;
    plimsoll_autotext answer = plimsoll_text_make(TEXT_BYTES);
    bool there = question->scheduling != NULL;
    json_t *document =
        plimsoll_document_make(there ? "Explanation" : "Fit", question->cluster->now_unix_ms);
    json_t *nodes = json_array();
    plimsoll_explanation_headline(explanation, &answer);
    for (size_t i = 0; i < explanation->candidate_count; i++) {
        json_array_append_new(nodes, node_of(explanation, &explanation->candidates[i]));
    }
    json_object_set_new(document, "pod", pod_of(question->pod));
    json_object_set_new(document, "standing",
                        json_string(plimsoll_standing_text(explanation->standing)));
    json_object_set_new(document, "answer", plimsoll_document_string(answer.data));
    json_object_set_new(document, "request", request_of(question));
    if (!there) {
        json_object_set_new(document, "pods", json_integer((json_int_t)explanation->like));
        json_object_set_new(document, "podsCapped", json_boolean(question->like_capped));
    } else {
        add_life(question, document);
    }
    json_object_set_new(document, "nodes", nodes);
    json_object_set_new(document, "closest", closest_of(explanation));
    json_object_set_new(document, "makesRoom", rooms_of(explanation));
    json_object_set_new(document, "note",
                        question->cluster->note != NULL
                            ? plimsoll_document_string(question->cluster->note)
                            : json_null());
    plimsoll_document_end(document, out);
}
