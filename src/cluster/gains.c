/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

static bool has_more(const struct plimsoll_load *before, const struct plimsoll_load *now)
{
    /* A card without a device left keeps pods away in any state, for what it has to bear. */
    if (plimsoll_load_open(now, true) > plimsoll_load_open(before, true)) {
        return true;
    }
    return now->state == PLIMSOLL_CARD_OK &&
           (before->state != PLIMSOLL_CARD_OK || now->free > before->free ||
            now->floating_ours < before->floating_ours || now->taken < before->taken ||
            now->replicas > before->replicas);
}

static bool has_gained(const struct plimsoll_node_load *before,
                       const struct plimsoll_node_load *now)
{
    for (uint32_t i = 0; i < now->card_count; i++) {
        if (before == NULL || i >= before->card_count ||
            has_more(&before->cards[i], &now->cards[i])) {
            return true;
        }
    }
    return false;
}

static uint64_t allocatable_of(const struct plimsoll_node *node, const char *resource)
{
    for (uint32_t i = 0; i < node->resource_count; i++) {
        if (strcmp(node->resources[i].name, resource) == 0) {
            return node->resources[i].allocatable;
        }
    }
    return 0;
}

static bool offers_more(const struct plimsoll_node *before, const struct plimsoll_node *now)
{
    for (uint32_t i = 0; i < now->resource_count; i++) {
        const struct plimsoll_node_resource *resource = &now->resources[i];
        if (resource->allocatable > allocatable_of(before, resource->name)) {
            return true;
        }
    }
    return false;
}

static bool is_joined_otherwise(const struct plimsoll_node *before, const struct plimsoll_node *now)
{
    for (uint32_t i = 0; i < now->card_count; i++) {
        const struct plimsoll_card *was = &before->cards[i], *is = &now->cards[i];
        if (i >= before->card_count || was->nvlink != is->nvlink || was->numa != is->numa ||
            was->mig_count != is->mig_count) {
            return true;
        }
    }
    return false;
}

bool plimsoll_gains_eased(const struct plimsoll_node *before, const struct plimsoll_node *now)
{
    return now->unusable == NULL &&
           (before->unusable != NULL || before->env != now->env || before->mps != now->mps ||
            before->pinned != now->pinned || before->device_list != now->device_list ||
            offers_more(before, now) || is_joined_otherwise(before, now));
}

void plimsoll_gains_note(struct plimsoll_cluster *cluster, const char *node,
                         const struct plimsoll_node_load *before,
                         const struct plimsoll_node_load *now)
{
    if (!has_gained(before, now)) {
        return;
    }
    cluster->gains++;
    if (cluster->listener.node_gained != NULL) {
        cluster->gained =
            plimsoll_realloc(cluster->gained, cluster->gained_count + 1, sizeof *cluster->gained);
        cluster->gained[cluster->gained_count++] = plimsoll_copy(node, strlen(node));
    }
}

void plimsoll_gains_unlock(struct plimsoll_cluster *cluster)
{
    const struct plimsoll_cluster_listener *listener = &cluster->listener;
    char **gained = PLIMSOLL_TAKE(cluster->gained);
    size_t count = cluster->gained_count;
    uint64_t first = cluster->gains - count + 1;
    struct plimsoll_news *news = PLIMSOLL_TAKE(cluster->news);
    size_t news_count = cluster->news_count;
    cluster->gained_count = cluster->news_count = 0;
    pthread_rwlock_unlock(&cluster->lock);
    for (size_t i = 0; i < count; i++) {
        listener->node_gained(listener->context, gained[i], first + i);
        free(gained[i]);
    }
    free(gained);
    plimsoll_news_tell(listener, news, news_count);
}

uint64_t plimsoll_cluster_gains(struct plimsoll_cluster *cluster)
{
    return cluster->gains;
}
