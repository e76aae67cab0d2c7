/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include "metadata.h"

#define VENDORS (sizeof((struct plimsoll_cluster *)NULL)->tallies / sizeof(struct plimsoll_tally))

static void add(uint32_t *counter, bool counts, int sign)
{
    if (counts) {
        *counter += sign > 0 ? 1u : UINT32_MAX;
    }
}

void plimsoll_facts_weigh(struct plimsoll_cluster *cluster, const struct plimsoll_node *node,
                          int sign)
{
    uint32_t cards[VENDORS] = {0};
    for (uint32_t i = 0; i < node->card_count; i++) {
        if (node->cards[i].vendor < VENDORS) {
            cards[node->cards[i].vendor]++;
        }
    }
    for (size_t vendor = 0; vendor < VENDORS; vendor++) {
        struct plimsoll_tally *tally = &cluster->tallies[vendor];
        if (cards[vendor] > 0) {
            add(&tally->nodes, true, sign);
            add(&tally->multi_card, cards[vendor] > 1, sign);
            add(&tally->unpinned, cards[vendor] > 1 && !node->pinned, sign);
            for (unsigned bit = 0; bit < PLIMSOLL_SELECTORS_MAX; bit++) {
                add(&tally->selectors[bit], node->selectors >> bit & 1, sign);
            }
        }
    }
}

static void fill_vendor(const struct plimsoll_tally *tally, size_t vendor,
                        struct plimsoll_facts *facts)
{
    facts->nodes[vendor] = tally->nodes;
    facts->multi_card[vendor] = tally->multi_card;
    facts->unpinned[vendor] = tally->unpinned;
    for (unsigned bit = 0; bit < PLIMSOLL_SELECTORS_MAX; bit++) {
        if (tally->nodes > 0 && tally->selectors[bit] == tally->nodes) {
            facts->selectors[vendor] |= UINT64_C(1) << bit;
        }
    }
}

void plimsoll_facts_publish(struct plimsoll_cluster *cluster)
{
    struct plimsoll_facts facts = {
        .api = true,
        .synced =
            cluster->synced[PLIMSOLL_KIND_NODES] && cluster->synced[PLIMSOLL_KIND_RUNTIME_CLASSES],
        .runtime_classes = cluster->runtime_classes_skipped ? UINT64_MAX : cluster->runtime_classes,
    };
    for (size_t vendor = 0; vendor < VENDORS; vendor++) {
        fill_vendor(&cluster->tallies[vendor], vendor, &facts);
    }
    pthread_mutex_lock(&cluster->published->lock);
    cluster->published->facts = facts;
    memcpy(cluster->published->synced, cluster->synced, sizeof cluster->synced);
    pthread_mutex_unlock(&cluster->published->lock);
}

/* Several entries may name the same class. */
static uint64_t class_bits(const struct plimsoll_cluster_options *options,
                           struct plimsoll_span name)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < options->runtime_class_count && i < 64; i++) {
        if (plimsoll_span_is(name, options->runtime_classes[i])) {
            bits |= UINT64_C(1) << i;
        }
    }
    return bits;
}

int plimsoll_facts_set_class(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                             bool there, struct plimsoll_error *err)
{
    struct plimsoll_metadata metadata;
    if (plimsoll_metadata_read(object, &metadata, err) < 0) {
        return -1;
    }
    if (metadata.name.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "a RuntimeClass without metadata.name");
    }
    uint64_t bits = class_bits(&cluster->options, metadata.name);
    pthread_rwlock_wrlock(&cluster->lock);
    if (there) {
        cluster->runtime_classes |= bits;
        cluster->listed_runtime_classes |= bits;
    } else {
        cluster->runtime_classes &= ~bits;
        cluster->listed_runtime_classes &= ~bits;
    }
    plimsoll_facts_publish(cluster);
    plimsoll_gains_unlock(cluster);
    return 0;
}

bool plimsoll_cluster_synced(const struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    pthread_mutex_lock(&cluster->published->lock);
    bool synced = cluster->published->synced[kind];
    pthread_mutex_unlock(&cluster->published->lock);
    return synced;
}

struct plimsoll_facts plimsoll_cluster_facts(const struct plimsoll_cluster *cluster)
{
    pthread_mutex_lock(&cluster->published->lock);
    struct plimsoll_facts facts = cluster->published->facts;
    pthread_mutex_unlock(&cluster->published->lock);
    return facts;
}
