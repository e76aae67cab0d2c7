/* SPDX-License-Identifier: Apache-2.0 */
#include "occupants.h"

#include "columns.h"

size_t plimsoll_occupants_of_card(const struct plimsoll_node_view *view,
                                  const struct plimsoll_card *card, struct occupant *list)
{
    size_t count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        struct occupant it = {.pod = pod, .measured = measured_on(card, &pod->uid)};
        if (claimed_on(pod, card, &it.claimed)) {
            it.presence = PRESENCE_CLAIMED;
        } else if (it.measured > 0 || holds(card, &pod->uid)) {
            it.presence = PRESENCE_UNCLAIMED;
            /* The card that the plugin picked for a claim that floated. */
            if (pod->claim.floating_cards > 0) {
                it.presence = PRESENCE_CLAIMED;
                it.claimed = pod->claim.floating_vram;
            }
        } else {
            continue;
        }
        list[count++] = it;
    }
    return count;
}

static bool is_on_some_card(const struct plimsoll_node *node, const struct plimsoll_pod *pod)
{
    for (uint32_t i = 0; i < node->card_count; i++) {
        uint64_t claimed;
        const struct plimsoll_card *card = &node->cards[i];
        if (claimed_on(pod, card, &claimed) || holds(card, &pod->uid) ||
            measured_on(card, &pod->uid) > 0) {
            return true;
        }
    }
    return false;
}

size_t plimsoll_occupants_elsewhere(const struct plimsoll_node_view *view, struct occupant *list)
{
    size_t count = 0;
    for (size_t i = 0; i < view->pod_count; i++) {
        const struct plimsoll_pod *pod = view->pods[i];
        if (is_on_some_card(view->node, pod)) {
            continue;
        }
        struct occupant it = {.pod = pod, .presence = PRESENCE_UNCLAIMED};
        if (pod->claim.floating_cards > 0) {
            it.presence = PRESENCE_FLOATING;
            it.claimed = pod->claim.floating_vram;
        } else if (pod->claim.card_count > 0) {
            it.presence = PRESENCE_ASTRAY;
            it.claimed = pod->claim.cards[0].vram;
        } else if (pod->node[0] == '\0') {
            it.presence = PRESENCE_NOMINATED;
        }
        list[count++] = it;
    }
    return count;
}

void plimsoll_occupants_none(const struct plimsoll_view_cluster *cluster,
                             const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    plimsoll_autotext sentence = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 64);
    plimsoll_text_add_string(&sentence, "No pod ");
    if (cluster->namespace_ != NULL) {
        plimsoll_text_add_format(&sentence, "of namespace %s ", cluster->namespace_);
    }
    plimsoll_text_add_string(&sentence, "has a GPU.");
    plimsoll_column_wrap(out, options, sentence.data, 0, 0);
}

const char *plimsoll_presence_text(enum presence presence)
{
    static const char *const texts[] = {
        [PRESENCE_CLAIMED] = "claimed",   [PRESENCE_UNCLAIMED] = "unclaimed",
        [PRESENCE_FLOATING] = "floating", [PRESENCE_NOMINATED] = "nominated",
        [PRESENCE_ASTRAY] = "astray",
    };
    return texts[presence];
}
