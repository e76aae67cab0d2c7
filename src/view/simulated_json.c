/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/simulated.h>

#include "document.h"

static json_t *string_or_null(const char *string)
{
    return string != NULL ? plimsoll_document_string(string) : json_null();
}

static json_t *cards_of(const struct plimsoll_claim *claim)
{
    json_t *cards = json_array();
    for (uint32_t i = 0; i < claim->card_count; i++) {
        json_t *card = json_object();
        json_object_set_new(card, "id", plimsoll_document_string(claim->cards[i].id));
        json_object_set_new(card, "vram", plimsoll_document_bytes(claim->cards[i].vram));
        json_array_append_new(cards, card);
    }
    return cards;
}

static json_t *floating_of(const struct plimsoll_claim *claim)
{
    if (claim->floating_cards == 0) {
        return json_null();
    }
    json_t *floating = json_object();
    json_object_set_new(floating, "cards", json_integer(claim->floating_cards));
    json_object_set_new(floating, "vram", plimsoll_document_bytes(claim->floating_vram));
    return floating;
}

static json_t *closest_of(const struct plimsoll_landing *landing)
{
    if (landing->closest == NULL) {
        return json_null();
    }
    json_t *closest = json_object();
    json_object_set_new(closest, "node", plimsoll_document_string(landing->closest));
    json_object_set_new(closest, "reason",
                        json_string(plimsoll_reason_label(landing->verdict.reason)));
    json_object_set_new(closest, "want", plimsoll_document_bytes(landing->verdict.want));
    json_object_set_new(closest, "missing", plimsoll_document_bytes(landing->verdict.missing));
    return closest;
}

static json_t *pod_of(const struct plimsoll_landing *landing)
{
    static const char *const texts[] = {"fits", "denied", "nowhere", "unbound"};
    json_t *pod = json_object();
    json_object_set_new(pod, "namespace", plimsoll_document_string(landing->namespace_));
    json_object_set_new(pod, "name", plimsoll_document_string(landing->name));
    json_object_set_new(pod, "result", json_string(texts[landing->landed]));
    json_object_set_new(pod, "gpu", json_boolean(landing->demand.gpu));
    json_object_set_new(pod, "node", string_or_null(landing->node));
    json_object_set_new(pod, "guarantee", json_string(plimsoll_guarantee_text(landing->guarantee)));
    json_object_set_new(pod, "cards", cards_of(&landing->claim));
    json_object_set_new(pod, "floating", floating_of(&landing->claim));
    json_object_set_new(pod, "why", string_or_null(landing->why));
    json_object_set_new(pod, "closest", closest_of(landing));
    return pod;
}

static json_t *node_of(const struct plimsoll_extender_node *node,
                       const struct plimsoll_node_load *before)
{
    const struct plimsoll_node *it = node->view.node;
    json_t *object = json_object(), *cards = json_array();
    for (uint32_t i = 0; i < it->card_count && i < before->card_count; i++) {
        const struct plimsoll_load *load = &node->load->cards[i];
        json_t *card = json_object();
        json_object_set_new(card, "id", plimsoll_document_string(it->cards[i].id));
        json_object_set_new(card, "index", json_integer(it->cards[i].index));
        json_object_set_new(card, "line", plimsoll_document_bytes(load->line));
        json_object_set_new(card, "freeBefore", plimsoll_document_bytes(before->cards[i].free));
        json_object_set_new(card, "free", plimsoll_document_bytes(load->free));
        json_array_append_new(cards, card);
    }
    json_object_set_new(object, "name", plimsoll_document_string(it->name));
    json_object_set_new(object, "cards", cards);
    return object;
}

void plimsoll_view_simulation_json(const struct plimsoll_view_simulation *simulation,
                                   struct plimsoll_text *out)
{
    json_t *document = plimsoll_document_make("Simulation", 0);
    json_t *pods = json_array(), *nodes = json_array();
    for (size_t i = 0; i < simulation->landing_count; i++) {
        json_array_append_new(pods, pod_of(&simulation->landings[i]));
    }
    for (size_t i = 0; i < simulation->node_count; i++) {
        json_array_append_new(nodes, node_of(&simulation->nodes[i], simulation->before[i]));
    }
    json_object_set_new(document, "pods", pods);
    json_object_set_new(document, "nodes", nodes);
    plimsoll_document_end(document, out);
}
