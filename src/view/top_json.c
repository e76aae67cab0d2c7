/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/answers.h>

#include <plimsoll/clock.h>

#include "document.h"
#include "shares.h"

static const char *state_text(uint8_t state)
{
    static const char *const texts[] = {
        [PLIMSOLL_CARD_OK] = "ok",
        [PLIMSOLL_CARD_UNKNOWN_MEMORY] = "memoryUnknown",
        [PLIMSOLL_CARD_UNHEALTHY] = "unhealthy",
        [PLIMSOLL_CARD_CORDONED] = "cordoned",
        [PLIMSOLL_CARD_DISAGREES] = "disagrees",
        [PLIMSOLL_CARD_MIG] = "mig",
    };
    return texts[state];
}

static json_t *pods_of(const struct occupant *list, size_t count, bool measured, const char *home)
{
    json_t *pods = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct occupant *it = &list[i];
        if (home != NULL && strcmp(home, it->pod->namespace_) != 0) {
            continue;
        }
        json_t *pod = json_object();
        json_object_set_new(pod, "namespace", plimsoll_document_string(it->pod->namespace_));
        json_object_set_new(pod, "name", plimsoll_document_string(it->pod->name));
        json_object_set_new(pod, "uid", plimsoll_document_string(it->pod->uid.text));
        json_object_set_new(pod, "presence", json_string(plimsoll_presence_text(it->presence)));
        json_object_set_new(pod, "claimed", plimsoll_document_bytes(it->claimed));
        json_object_set_new(pod, "measured",
                            measured ? plimsoll_document_bytes(it->measured) : json_null());
        json_object_set_new(pod, "terminating", json_boolean(it->pod->terminating));
        json_array_append_new(pods, pod);
    }
    return pods;
}

static json_t *card_of(const struct plimsoll_card *card, const struct plimsoll_load *load,
                       bool over_line)
{
    json_t *it = json_object();
    json_object_set_new(it, "id", plimsoll_document_string(card->id));
    json_object_set_new(it, "index", json_integer(card->index));
    json_object_set_new(it, "vendor", json_string(plimsoll_vendor_text(card->vendor)));
    json_object_set_new(it, "product", plimsoll_document_string(card->product));
    json_object_set_new(it, "state", json_string(state_text(load->state)));
    json_object_set_new(it, "health", plimsoll_document_string(card->health));
    json_object_set_new(it, "overLine", json_boolean(over_line));
#define BYTES(field) json_object_set_new(it, #field, plimsoll_document_bytes(load->field))
    BYTES(total);
    BYTES(line);
    BYTES(reserve);
    BYTES(booked);
    BYTES(foreign);
    BYTES(free);
#undef BYTES
    json_object_set_new(it, "used",
                        card->reported ? plimsoll_document_bytes(load->used) : json_null());
    json_object_set_new(it, "replicas", json_integer(load->replicas));
    json_object_set_new(it, "taken", json_integer(load->taken));
    return it;
}

static json_t *node_of(const struct plimsoll_extender_node *seen, const char *home)
{
    static const char *const reports[] = {"none", "measured", "published"};
    const struct plimsoll_node *node = seen->view.node;
    uint64_t over = plimsoll_placement_over_line(node, seen->load);
    plimsoll_autofree struct occupant *list =
        plimsoll_alloc(seen->view.pod_count + 1, sizeof *list);
    json_t *it = json_object(), *cards = json_array();
    char time[PLIMSOLL_TIME_SIZE];
    json_object_set_new(it, "name", plimsoll_document_string(node->name));
    json_object_set_new(it, "guarantee",
                        json_string(plimsoll_guarantee_text(plimsoll_placement_guarantee(node))));
    json_object_set_new(it, "report", json_string(reports[node->report]));
    json_object_set_new(it, "reportTime",
                        node->report_time > 0
                            ? json_string(plimsoll_time_format(node->report_time, time))
                            : json_null());
    json_object_set_new(it, "stale", json_boolean(seen->view.stale));
    json_object_set_new(it, "unusable",
                        node->unusable != NULL ? plimsoll_document_string(node->unusable)
                                               : json_null());
    for (uint32_t i = 0; i < node->card_count; i++) {
        size_t count = plimsoll_occupants_of_card(&seen->view, &node->cards[i], list);
        json_t *card = card_of(&node->cards[i], &seen->load->cards[i], (over >> i & 1) != 0);
        json_object_set_new(card, "pods", pods_of(list, count, node->cards[i].attributed, home));
        json_array_append_new(cards, card);
    }
    json_object_set_new(it, "cards", cards);
    size_t count = plimsoll_occupants_elsewhere(&seen->view, list);
    json_object_set_new(it, "pods", pods_of(list, count, false, home));
    return it;
}

static json_t *namespaces_of(const struct plimsoll_view_cluster *cluster)
{
    struct shares shares = plimsoll_shares_make(cluster);
    json_t *list = json_array();
    for (size_t i = 0; i < shares.count; i++) {
        const struct share *share = &shares.list[i];
        json_t *it = json_object();
        json_object_set_new(it, "name", plimsoll_document_string(share->namespace_));
        json_object_set_new(it, "pods", json_integer((json_int_t)share->pods));
        json_object_set_new(it, "cards", json_integer((json_int_t)share->cards));
        json_object_set_new(it, "claimed", plimsoll_document_bytes(share->claimed));
        json_object_set_new(it, "measured", plimsoll_document_bytes(share->measured));
        json_array_append_new(list, it);
    }
    plimsoll_shares_clear(&shares);
    return list;
}

void plimsoll_view_top_json(const struct plimsoll_view_cluster *cluster, struct plimsoll_text *out)
{
    json_t *document = plimsoll_document_make("Top", cluster->now_unix_ms), *nodes = json_array();
    for (size_t i = 0; i < cluster->node_count; i++) {
        json_array_append_new(nodes, node_of(&cluster->nodes[i], cluster->namespace_));
    }
    json_object_set_new(document, "nodes", nodes);
    json_object_set_new(document, "namespaces", namespaces_of(cluster));
    json_object_set_new(document, "note",
                        cluster->note != NULL ? plimsoll_document_string(cluster->note)
                                              : json_null());
    plimsoll_document_end(document, out);
}
