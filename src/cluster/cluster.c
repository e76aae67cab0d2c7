/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/cluster.h>

#include "picture.h"

static struct plimsoll_span node_key(const void *item)
{
    return plimsoll_nodes_name(item);
}

static struct plimsoll_span pod_key(const void *item)
{
    return plimsoll_uid_span(&((const struct plimsoll_pod_entry *)item)->pod.uid);
}

static struct plimsoll_span hold_key(const void *item)
{
    return plimsoll_uid_span(&((const struct plimsoll_hold_entry *)item)->pod.uid);
}

static struct plimsoll_span agent_key(const void *item)
{
    return plimsoll_uid_span(&((const struct plimsoll_agent_entry *)item)->uid);
}

/* Readers come all the time; a writer must not wait for a moment without any. */
static void init_lock(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

struct plimsoll_cluster *plimsoll_cluster_new(const struct plimsoll_cluster_options *options)
{
    struct plimsoll_cluster *cluster = plimsoll_alloc(1, sizeof *cluster);
    init_lock(&cluster->lock);
    cluster->options = *options;
    cluster->nodes.key = node_key;
    cluster->node_entries.size = sizeof(struct plimsoll_node_entry);
    cluster->pods.key = pod_key;
    cluster->agents.key = agent_key;
    cluster->holds.key = hold_key;
    cluster->outlook = plimsoll_outlook_new();
    cluster->published = plimsoll_alloc(1, sizeof *cluster->published);
    pthread_mutex_init(&cluster->published->lock, NULL);
    plimsoll_facts_publish(cluster);
    return cluster;
}

void plimsoll_cluster_free(struct plimsoll_cluster **handle)
{
    struct plimsoll_cluster *cluster = PLIMSOLL_TAKE(*handle);
    if (cluster == NULL) {
        return;
    }
    plimsoll_agents_free(cluster);
    plimsoll_pods_free(cluster);
    plimsoll_holds_free(cluster);
    plimsoll_nodes_free(cluster);
    free(cluster->others.slots);
    plimsoll_outlook_free(&cluster->outlook);
    pthread_mutex_destroy(&cluster->published->lock);
    free(cluster->published);
    pthread_rwlock_destroy(&cluster->lock);
    free(cluster);
}

void plimsoll_cluster_listen(struct plimsoll_cluster *cluster,
                             const struct plimsoll_cluster_listener *listener)
{
    cluster->listener = *listener;
}

void plimsoll_cluster_list_begin(struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    pthread_rwlock_wrlock(&cluster->lock);
    cluster->generations[kind]++;
    if (kind == PLIMSOLL_KIND_PODS) {
        cluster->departures++;
        cluster->listing_pods = true;
    }
    if (kind == PLIMSOLL_KIND_RUNTIME_CLASSES) {
        cluster->listed_runtime_classes = 0;
    }
    plimsoll_gains_unlock(cluster);
}

static void end_pods(struct plimsoll_cluster *cluster)
{
    cluster->listing_pods = false;
    if (!cluster->synced[PLIMSOLL_KIND_PODS]) {
        plimsoll_nodes_catch_up(cluster);
    }
}

/* A generation that is never ended sweeps nothing, and the next list starts another. */
void plimsoll_cluster_list_abort(struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    plimsoll_cluster_list_begin(cluster, kind);
    pthread_rwlock_wrlock(&cluster->lock);
    if (kind == PLIMSOLL_KIND_PODS) {
        end_pods(cluster);
    }
    plimsoll_gains_unlock(cluster);
}

static size_t sweep(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                    struct plimsoll_uid **gone)
{
    switch (kind) {
    case PLIMSOLL_KIND_NODES:
        plimsoll_nodes_sweep(cluster);
        break;
    case PLIMSOLL_KIND_PODS:
        cluster->departures++;
        end_pods(cluster);
        plimsoll_agents_sweep(cluster);
        plimsoll_others_sweep(cluster);
        return plimsoll_pods_sweep(cluster, gone);
    case PLIMSOLL_KIND_RUNTIME_CLASSES:
        cluster->runtime_classes = cluster->listed_runtime_classes;
        break;
    case PLIMSOLL_KIND_COUNT:
        break;
    }
    return 0;
}

void plimsoll_cluster_list_end(struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    plimsoll_autofree struct plimsoll_uid *gone = NULL;
    pthread_rwlock_wrlock(&cluster->lock);
    size_t gone_count = sweep(cluster, kind, &gone);
    cluster->synced[kind] = true;
    plimsoll_facts_publish(cluster);
    plimsoll_gains_unlock(cluster);
    for (size_t i = 0; i < gone_count && cluster->listener.pod_gone != NULL; i++) {
        cluster->listener.pod_gone(cluster->listener.context, &gone[i]);
    }
}

void plimsoll_cluster_skip(struct plimsoll_cluster *cluster, enum plimsoll_kind kind)
{
    pthread_rwlock_wrlock(&cluster->lock);
    cluster->synced[kind] = true;
    cluster->runtime_classes_skipped |= kind == PLIMSOLL_KIND_RUNTIME_CLASSES;
    plimsoll_facts_publish(cluster);
    plimsoll_gains_unlock(cluster);
}

int plimsoll_cluster_set(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                         struct plimsoll_span object, struct plimsoll_error *err)
{
    switch (kind) {
    case PLIMSOLL_KIND_NODES:
        return plimsoll_nodes_set(cluster, object, err);
    case PLIMSOLL_KIND_PODS:
        return plimsoll_pods_set(cluster, object, err);
    case PLIMSOLL_KIND_RUNTIME_CLASSES:
        return plimsoll_facts_set_class(cluster, object, true, err);
    case PLIMSOLL_KIND_COUNT:
        break;
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "kind %d is not watched", (int)kind);
}

int plimsoll_cluster_remove(struct plimsoll_cluster *cluster, enum plimsoll_kind kind,
                            struct plimsoll_span object, struct plimsoll_error *err)
{
    switch (kind) {
    case PLIMSOLL_KIND_NODES:
        return plimsoll_nodes_remove(cluster, object, err);
    case PLIMSOLL_KIND_PODS:
        return plimsoll_pods_remove(cluster, object, err);
    case PLIMSOLL_KIND_RUNTIME_CLASSES:
        return plimsoll_facts_set_class(cluster, object, false, err);
    case PLIMSOLL_KIND_COUNT:
        break;
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "kind %d is not watched", (int)kind);
}

void plimsoll_cluster_tick(struct plimsoll_cluster *cluster, int64_t now_unix_ms)
{
    pthread_rwlock_wrlock(&cluster->lock);
    cluster->now_unix_ms = now_unix_ms;
    plimsoll_nodes_tick(cluster);
    plimsoll_gains_unlock(cluster);
}

/* A failed lock would let a reader see a node freed under it. */
void plimsoll_cluster_read_begin(struct plimsoll_cluster *cluster)
{
    if (pthread_rwlock_rdlock(&cluster->lock) != 0) {
        abort();
    }
}

void plimsoll_cluster_read_end(struct plimsoll_cluster *cluster)
{
    pthread_rwlock_unlock(&cluster->lock);
}
