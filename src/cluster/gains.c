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
