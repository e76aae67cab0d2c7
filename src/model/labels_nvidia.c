/* SPDX-License-Identifier: Apache-2.0 */
/* Cards by the labels of GPU feature discovery; without labels by nvidia.com/… in allocatable. */
#include "node_parts.h"

#include <plimsoll/limits.h>

/* MiB whose bytes stay below 2^53, as everywhere in the formats. */
#define LABEL_MIB_MAX (UINT64_C(1) << 33)

struct instances {
    char profile[32];
    uint64_t count, vram;
};

/* Devices of the plugin to cards: replicas may be missing one by one, cards may not be lost by it.
 */
static uint64_t cards_of(uint64_t devices, uint32_t replicas)
{
    uint64_t each = replicas > 0 ? replicas : 1;
    return devices / each + (devices % each > 0 ? 1 : 0);
}

static void add_instance(struct plimsoll_card *card, uint32_t number,
                         const struct instances *instances)
{
    card->mig = plimsoll_realloc(card->mig, card->mig_count + 1, sizeof *card->mig);
    struct plimsoll_mig *mig = &card->mig[card->mig_count++];
    *mig = (struct plimsoll_mig){.vram = instances->vram};
    memcpy(mig->profile, instances->profile, sizeof mig->profile);
    snprintf(mig->id, sizeof mig->id, "mig-%u", number);
}

static int read_profile(const struct plimsoll_model_profile *label, struct instances *instances,
                        struct plimsoll_error *err)
{
    uint64_t mib = 0;
    char name[128];
    struct plimsoll_span shown = plimsoll_model_shown(label->name);
    snprintf(name, sizeof name, "nvidia.com/mig-%.*s", PLIMSOLL_SPAN_ARG(shown));
    if (plimsoll_model_label_number(&label->count, name, UINT32_MAX, &instances->count, err) < 0 ||
        plimsoll_model_label_number(&label->memory, name, LABEL_MIB_MAX, &mib, err) < 0) {
        return -1;
    }
    instances->vram = mib << 20;
    plimsoll_model_copy_cut(label->name, instances->profile, sizeof instances->profile);
    return 0;
}

/* By the labels, else by the resources; a profile with no instance is none. */
static int list_profiles(const struct plimsoll_model_labels *labels,
                         const struct plimsoll_node *node,
                         struct instances list[PLIMSOLL_MODEL_PROFILES_MAX], unsigned *count,
                         struct plimsoll_error *err)
{
    unsigned found = 0;
    for (unsigned i = 0; i < labels->profile_count; i++) {
        list[found] = (struct instances){.count = 0};
        if (read_profile(&labels->profiles[i], &list[found], err) != 0) {
            return -1;
        }
        found += list[found].count > 0;
    }
    for (uint32_t i = 0; i < node->resource_count && labels->profile_count == 0 &&
                         found < PLIMSOLL_MODEL_PROFILES_MAX;
         i++) {
        const struct plimsoll_node_resource *resource = &node->resources[i];
        const char *suffix = strstr(resource->name, "mig-");
        if (!resource->mig || resource->vendor != PLIMSOLL_VENDOR_NVIDIA ||
            resource->allocatable == 0) {
            continue;
        }
        list[found] = (struct instances){.count = resource->allocatable};
        plimsoll_model_copy_cut(plimsoll_span_of(suffix != NULL ? suffix + 4 : ""),
                                list[found].profile, sizeof list[found].profile);
        found++;
    }
    *count = found;
    return 0;
}

/* Which card an instance is on, labels do not say: they are dealt out in turn. */
static int deal_out(const struct instances *list, unsigned count, struct plimsoll_card *cards,
                    uint64_t card_count, struct plimsoll_error *err)
{
    uint32_t dealt = 0;
    for (unsigned i = 0; i < count; i++) {
        if (list[i].count > card_count * PLIMSOLL_CARDS_MAX - dealt) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "labels and allocatable say %llu MIG instances %s on %llu "
                                      "cards; a card may have at most %d",
                                      (unsigned long long)list[i].count, list[i].profile,
                                      (unsigned long long)card_count, PLIMSOLL_CARDS_MAX);
        }
        for (uint64_t k = 0; k < list[i].count; k++, dealt++) {
            add_instance(&cards[dealt % card_count], dealt, &list[i]);
        }
    }
    return 0;
}

/* MIG strategy `mixed`: whole cards first, then those that are split. */
static int add_mixed(const struct instances *list, unsigned profiles, uint64_t count,
                     uint64_t whole, struct plimsoll_model_cards *cards, struct plimsoll_node *node,
                     const char *product, uint64_t total, struct plimsoll_error *err)
{
    if (whole >= count) {
        count = whole + 1;
    }
    if (plimsoll_model_cards_add(cards, count, PLIMSOLL_VENDOR_NVIDIA, product, total, err) != 0) {
        return -1;
    }
    if (whole > 0) {
        node->env = PLIMSOLL_NO; /* which index is a whole card is a guess: hand out none by it */
    }
    return deal_out(list, profiles, cards->list + whole, count - whole, err);
}

/* MIG strategy `single`: instances are offered as cards, so each stands as a card of its own. */
static int add_single(uint64_t count, struct plimsoll_model_cards *cards, const char *product,
                      const char *profile, uint64_t total, struct plimsoll_error *err)
{
    if (plimsoll_model_cards_add(cards, count, PLIMSOLL_VENDOR_NVIDIA, product, total, err) != 0) {
        return -1;
    }
    struct instances one = {.count = 1, .vram = total};
    const char *end = strstr(profile, "-SHARED");
    size_t size = end != NULL ? (size_t)(end - profile) : strlen(profile);
    plimsoll_model_copy_cut((struct plimsoll_span){.data = profile, .size = size}, one.profile,
                            sizeof one.profile);
    for (uint32_t i = 0; i < cards->count; i++) {
        add_instance(&cards->list[i], i, &one);
    }
    return 0;
}

int plimsoll_model_nvidia_cards(const struct plimsoll_model_labels *labels,
                                struct plimsoll_node *node, struct plimsoll_model_cards *cards,
                                struct plimsoll_error *err)
{
    uint64_t mib = 0, count = 0;
    char product[64];
    plimsoll_model_label_text(&labels->product, product, sizeof product);
    const char *single = strstr(product, "-MIG-");
    if (single != NULL && strncmp(single, "-MIG-INVALID", 12) == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "label nvidia.com/gpu.product: \"%s\": the device plugin finds "
                                  "the cards split unequally, which its MIG strategy `single` "
                                  "does not allow",
                                  product);
    }
    int counted = plimsoll_model_label_number(&labels->count, "nvidia.com/gpu.count", UINT32_MAX,
                                              &count, err);
    if (counted < 0 || plimsoll_model_label_number(&labels->memory, "nvidia.com/gpu.memory",
                                                   LABEL_MIB_MAX, &mib, err) < 0) {
        return -1;
    }
    uint64_t whole =
        cards_of(plimsoll_model_offered(node, PLIMSOLL_VENDOR_NVIDIA, false), node->replicas);
    if (counted == 0) {
        count = whole;
    }
    if (single != NULL) {
        return add_single(count, cards, product, single + 5, mib << 20, err);
    }
    struct instances list[PLIMSOLL_MODEL_PROFILES_MAX];
    unsigned profiles = 0;
    if (list_profiles(labels, node, list, &profiles, err) != 0) {
        return -1;
    }
    if (profiles > 0) {
        return add_mixed(list, profiles, count, whole, cards, node, product, mib << 20, err);
    }
    if (plimsoll_model_cards_add(cards, count, PLIMSOLL_VENDOR_NVIDIA, product, mib << 20, err) !=
        0) {
        return -1;
    }
    for (uint32_t i = 0; i < cards->count; i++) {
        cards->list[i].replicas = node->replicas;
    }
    return 0;
}
