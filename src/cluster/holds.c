/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

static void free_hold(struct plimsoll_hold_entry *hold)
{
    plimsoll_pod_clear(&hold->pod);
    free(hold);
}

static void drop_from(struct plimsoll_node_entry *place, const struct plimsoll_pod *pod)
{
    for (uint32_t i = 0; i < place->hold_count; i++) {
        if (place->holds[i] == pod) {
            place->holds[i] = place->holds[--place->hold_count];
            return;
        }
    }
}

static void drop_hold(struct plimsoll_cluster *cluster, struct plimsoll_hold_entry *hold)
{
    plimsoll_table_drop(&cluster->holds, plimsoll_uid_span(&hold->pod.uid));
    drop_from(hold->place, &hold->pod);
    plimsoll_nodes_refresh(cluster, hold->place);
    free_hold(hold);
}

static struct plimsoll_hold_entry *find(const struct plimsoll_cluster *cluster,
                                        const struct plimsoll_uid *pod)
{
    return plimsoll_table_find(&cluster->holds, plimsoll_uid_span(pod));
}

void plimsoll_cluster_hold(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod,
                           const char *node, const struct plimsoll_demand *demand,
                           const struct plimsoll_claim *claim)
{
    struct plimsoll_hold_entry *hold = plimsoll_alloc(1, sizeof *hold);
    hold->pod.uid = *pod;
    hold->pod.demand = *demand;
    plimsoll_claim_copy(claim, &hold->pod.claim);
    pthread_rwlock_wrlock(&cluster->lock);
    struct plimsoll_hold_entry *before = find(cluster, pod);
    if (before != NULL) {
        drop_hold(cluster, before);
    }
    struct plimsoll_node_entry *place = plimsoll_nodes_entry(cluster, node);
    hold->place = place;
    place->holds = plimsoll_realloc(place->holds, place->hold_count + 1u, sizeof *place->holds);
    place->holds[place->hold_count++] = &hold->pod;
    plimsoll_table_add(&cluster->holds, hold);
    plimsoll_nodes_refresh(cluster, place);
    plimsoll_gains_unlock(cluster);
}

void plimsoll_cluster_unhold(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod)
{
    pthread_rwlock_wrlock(&cluster->lock);
    struct plimsoll_hold_entry *hold = find(cluster, pod);
    if (hold != NULL) {
        drop_hold(cluster, hold);
    }
    plimsoll_gains_unlock(cluster);
}

void plimsoll_holds_free(struct plimsoll_cluster *cluster)
{
    size_t at = 0;
    for (struct plimsoll_hold_entry *hold;
         (hold = plimsoll_table_next(&cluster->holds, &at)) != NULL;) {
        free_hold(hold);
    }
    plimsoll_table_clear(&cluster->holds);
}
