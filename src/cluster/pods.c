/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

enum change { CHANGE_NONE, CHANGE_SEEN, CHANGE_GONE };

static struct plimsoll_pod_entry *find(struct plimsoll_cluster *cluster,
                                       const struct plimsoll_uid *uid)
{
    return plimsoll_table_find(&cluster->pods, plimsoll_uid_span(uid));
}

/* The API's node beats the claim in flight beats the nomination; pod.node is one of the first two.
 */
static const char *place_name(const struct plimsoll_pod *pod)
{
    return pod->node[0] != '\0' ? pod->node : pod->nominated;
}

/* Puts the pod where it counts now. The loads of the node it leaves and of the one it is on are
 * computed anew. */
static void settle(struct plimsoll_cluster *cluster, struct plimsoll_pod_entry *entry)
{
    const char *name = place_name(&entry->pod);
    struct plimsoll_node_entry *old = entry->place;
    cluster->revision++;
    struct plimsoll_node_entry *place =
        name[0] != '\0' ? plimsoll_nodes_entry(cluster, name) : NULL;
    if (old != place) {
        if (place != NULL) {
            plimsoll_nodes_add_pod(place, &entry->pod);
        }
        entry->place = place;
        if (old != NULL) {
            plimsoll_nodes_drop_pod(old, &entry->pod);
            plimsoll_nodes_refresh(cluster, old);
        }
    }
    if (place != NULL) {
        plimsoll_nodes_refresh(cluster, place);
    }
}

static void free_entry(struct plimsoll_pod_entry *entry)
{
    plimsoll_pod_clear(&entry->pod);
    free(entry);
}

/* The pod has ended or is gone from the API: it counts nowhere any more. */
static void drop_entry(struct plimsoll_cluster *cluster, struct plimsoll_pod_entry *entry)
{
    struct plimsoll_node_entry *place = entry->place;
    cluster->revision++;
    if (place != NULL) {
        plimsoll_nodes_drop_pod(place, &entry->pod);
        plimsoll_nodes_note_ended(place, &entry->pod.uid);
        plimsoll_nodes_refresh(cluster, place);
    }
    plimsoll_table_drop(&cluster->pods, plimsoll_uid_span(&entry->pod.uid));
    free_entry(entry);
}

/* A pod that is not kept may have been measured all the same: a container that brings the runtime
 * class and asks for nothing. */
static void end_untracked(struct plimsoll_cluster *cluster, const struct plimsoll_pod *pod)
{
    struct plimsoll_node_entry *place = plimsoll_nodes_find(cluster, plimsoll_span_of(pod->node));
    if (place != NULL && plimsoll_nodes_note_ended(place, &pod->uid)) {
        plimsoll_nodes_refresh(cluster, place);
    }
}

/* Does what the API shows end the claim in flight? A pod is bound once: on another node ours can
 * never be written, and a claim of its own is what was written. */
static bool ends_assumption(const struct plimsoll_pod_entry *entry, const struct plimsoll_pod *pod)
{
    return pod->node[0] != '\0' &&
           (plimsoll_pod_claimed(pod) || !plimsoll_pod_claimed(&entry->pod) ||
            strcmp(pod->node, entry->pod.node) != 0);
}

/* Somebody took the request off the pod while its Binding is on the way, and what that writes makes
 * it a GPU pod again: until the books know better it stays what it was. */
static bool stays_for_claim(const struct plimsoll_pod_entry *entry, const struct plimsoll_pod *pod)
{
    return entry != NULL && entry->assuming && !pod->demand.gpu && !pod->finished &&
           !ends_assumption(entry, pod);
}

/* Moves the claim in flight from what was known before into what was read now. */
static void carry_assumption(struct plimsoll_pod_entry *entry, struct plimsoll_pod *pod)
{
    plimsoll_claim_clear(&pod->claim);
    pod->claim = entry->pod.claim;
    entry->pod.claim = (struct plimsoll_claim){0};
    free(pod->node);
    pod->node = PLIMSOLL_TAKE(entry->pod.node);
}

static struct plimsoll_pod_entry *add_entry(struct plimsoll_cluster *cluster,
                                            const struct plimsoll_uid *uid)
{
    struct plimsoll_pod_entry *entry = plimsoll_alloc(1, sizeof *entry);
    entry->pod.uid = *uid;
    plimsoll_table_add(&cluster->pods, entry);
    return entry;
}

/* Each pod is told to the outlook once, and then where it was put, if it chooses its nodes. */
static void note_pod(struct plimsoll_cluster *cluster, struct plimsoll_pod_entry *entry)
{
    const struct plimsoll_demand *demand = &entry->pod.demand;
    if (!entry->noted && entry->pod.refusal == NULL) {
        plimsoll_outlook_note(cluster->outlook, demand);
        entry->noted = true;
    }
    if (demand->selection != 0 && entry->bound && entry->place != NULL &&
        entry->place->face.known) {
        plimsoll_outlook_allow(cluster->outlook, plimsoll_outlook_class(cluster->outlook, demand),
                               entry->place->room.kind);
    }
}

/* Takes what `pod` holds. */
static void keep_pod(struct plimsoll_cluster *cluster, struct plimsoll_pod_entry *entry,
                     struct plimsoll_pod *pod)
{
    if (entry == NULL) {
        entry = add_entry(cluster, &pod->uid);
    }
    entry->bound = pod->node[0] != '\0';
    if (entry->assuming) {
        if (ends_assumption(entry, pod)) {
            entry->assuming = false;
        } else {
            carry_assumption(entry, pod);
        }
    }
    plimsoll_pod_clear(&entry->pod);
    entry->pod = *pod;
    *pod = (struct plimsoll_pod){0};
    entry->seen = true;
    entry->generation = cluster->generations[PLIMSOLL_KIND_PODS];
    settle(cluster, entry);
    note_pod(cluster, entry);
}

static enum change take_pod(struct plimsoll_cluster *cluster, struct plimsoll_pod *pod)
{
    struct plimsoll_pod_entry *entry = find(cluster, &pod->uid);
    plimsoll_agents_set(cluster, pod);
    bool bare = stays_for_claim(entry, pod);
    cluster->departures += bare;
    if (bare) {
        pod->demand = entry->pod.demand;
    }
    if (entry != NULL) {
        entry->bare = bare;
    }
    if (pod->demand.gpu && !pod->finished) {
        plimsoll_others_drop(cluster, &pod->uid);
        keep_pod(cluster, entry, pod);
        return CHANGE_SEEN;
    }
    if (pod->finished) {
        plimsoll_others_drop(cluster, &pod->uid);
    } else {
        plimsoll_others_set(cluster, pod);
        if (pod->node[0] == '\0') {
            plimsoll_outlook_note(cluster->outlook, &pod->demand);
        }
    }
    cluster->departures += pod->demand.gpu || entry != NULL;
    if (entry != NULL) {
        drop_entry(cluster, entry);
        return CHANGE_GONE;
    }
    if (pod->finished) {
        end_untracked(cluster, pod);
    }
    return CHANGE_NONE;
}

static int read_pod(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                    struct plimsoll_pod *pod, struct plimsoll_error *err)
{
    struct plimsoll_pod found = {0};
    if (plimsoll_pod_read(object, &cluster->options.reading->resources, &found, err) < 0) {
        return -1;
    }
    if (found.uid.text[0] == '\0') {
        plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "pod %s/%s has no metadata.uid",
                           found.namespace_, found.name);
        plimsoll_pod_clear(&found);
        return -1;
    }
    *pod = found;
    return 0;
}

static void tell_seen(const struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid,
                      const char *node, bool claimed)
{
    if (cluster->listener.pod_seen != NULL) {
        cluster->listener.pod_seen(cluster->listener.context, uid, node, claimed);
    }
}

static void tell_gone(const struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid)
{
    if (cluster->listener.pod_gone != NULL) {
        cluster->listener.pod_gone(cluster->listener.context, uid);
    }
}

/* What is to be told of a claim that does not count; empty when there is nothing new. Copied: the
 * pod goes into the picture meanwhile. */
struct ignored {
    char *namespace_, *name, *why;
};

static struct ignored note_ignored(struct plimsoll_cluster *cluster, const struct plimsoll_pod *pod)
{
    const struct plimsoll_pod_entry *known = find(cluster, &pod->uid);
    bool told = known != NULL && known->pod.claim_ignored != NULL && pod->claim_ignored != NULL &&
                strcmp(known->pod.claim_ignored, pod->claim_ignored) == 0;
    if (pod->claim_ignored == NULL || told || !pod->demand.gpu || pod->finished) {
        return (struct ignored){0};
    }
    return (struct ignored){.namespace_ = plimsoll_copy(pod->namespace_, strlen(pod->namespace_)),
                            .name = plimsoll_copy(pod->name, strlen(pod->name)),
                            .why = plimsoll_copy(pod->claim_ignored, strlen(pod->claim_ignored))};
}

static void tell_ignored(const struct plimsoll_cluster *cluster, struct ignored *ignored)
{
    const struct plimsoll_cluster_listener *listener = &cluster->listener;
    if (ignored->why != NULL && listener->claim_ignored != NULL) {
        listener->claim_ignored(listener->context, ignored->namespace_, ignored->name,
                                ignored->why);
    }
    free(ignored->namespace_);
    free(ignored->name);
    free(ignored->why);
}

int plimsoll_pods_set(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                      struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    if (read_pod(cluster, object, &pod, err) < 0) {
        return -1;
    }
    struct plimsoll_uid uid = pod.uid;
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
    memcpy(node, pod.node, strlen(pod.node) + 1);
    bool claimed = plimsoll_pod_claimed(&pod);
    pthread_rwlock_wrlock(&cluster->lock);
    struct ignored ignored = note_ignored(cluster, &pod);
    enum change change = take_pod(cluster, &pod);
    plimsoll_gains_unlock(cluster);
    tell_ignored(cluster, &ignored);
    if (change == CHANGE_SEEN) {
        tell_seen(cluster, &uid, node, claimed);
    } else if (change == CHANGE_GONE) {
        tell_gone(cluster, &uid);
    }
    plimsoll_pod_clear(&pod);
    return 0;
}

int plimsoll_pods_remove(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                         struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    if (read_pod(cluster, object, &pod, err) < 0) {
        return -1;
    }
    pthread_rwlock_wrlock(&cluster->lock);
    cluster->departures += pod.demand.gpu;
    plimsoll_agents_remove(cluster, &pod.uid);
    plimsoll_others_drop(cluster, &pod.uid);
    struct plimsoll_pod_entry *entry = find(cluster, &pod.uid);
    if (entry != NULL) {
        drop_entry(cluster, entry);
    } else {
        end_untracked(cluster, &pod);
    }
    plimsoll_gains_unlock(cluster);
    if (entry != NULL) {
        tell_gone(cluster, &pod.uid);
    }
    plimsoll_pod_clear(&pod);
    return 0;
}

static int meet(struct plimsoll_cluster *cluster, struct plimsoll_pod *pod, uint64_t since,
                struct plimsoll_error *err)
{
    struct plimsoll_pod_entry *entry = find(cluster, &pod->uid);
    if (!pod->demand.gpu || pod->finished || (entry != NULL && entry->seen)) {
        return 0;
    }
    if (cluster->departures != since || cluster->listing_pods) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_EXPIRED,
                                  "pods left or are being listed while pod %s/%s was being read",
                                  pod->namespace_, pod->name);
    }
    keep_pod(cluster, entry, pod);
    return 0;
}

int plimsoll_cluster_meet(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                          uint64_t since, struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    if (read_pod(cluster, object, &pod, err) < 0) {
        return -1;
    }
    pthread_rwlock_wrlock(&cluster->lock);
    int result = meet(cluster, &pod, since, err);
    plimsoll_gains_unlock(cluster);
    plimsoll_pod_clear(&pod);
    return result;
}

uint64_t plimsoll_cluster_departures(struct plimsoll_cluster *cluster)
{
    plimsoll_cluster_read_begin(cluster);
    uint64_t departures = cluster->departures;
    plimsoll_cluster_read_end(cluster);
    return departures;
}

/* A claim in flight for a pod that was never seen is kept: only books' FORGET knows better. */
static bool is_swept(const struct plimsoll_cluster *cluster, const struct plimsoll_pod_entry *entry)
{
    return entry->seen && entry->generation != cluster->generations[PLIMSOLL_KIND_PODS];
}

size_t plimsoll_pods_sweep(struct plimsoll_cluster *cluster, struct plimsoll_uid **gone)
{
    size_t count = 0, at = 0;
    struct plimsoll_uid *uids = NULL;
    for (const struct plimsoll_pod_entry *entry;
         (entry = plimsoll_table_next(&cluster->pods, &at)) != NULL;) {
        count += is_swept(cluster, entry);
    }
    if (count > 0) {
        uids = plimsoll_alloc(count, sizeof *uids);
        count = at = 0;
        for (const struct plimsoll_pod_entry *entry;
             (entry = plimsoll_table_next(&cluster->pods, &at)) != NULL;) {
            if (is_swept(cluster, entry)) {
                uids[count++] = entry->pod.uid;
            }
        }
        for (size_t i = 0; i < count; i++) {
            drop_entry(cluster, find(cluster, &uids[i]));
        }
    }
    *gone = uids;
    return count;
}

void plimsoll_pods_free(struct plimsoll_cluster *cluster)
{
    size_t at = 0;
    for (struct plimsoll_pod_entry *entry;
         (entry = plimsoll_table_next(&cluster->pods, &at)) != NULL;) {
        free_entry(entry);
    }
    plimsoll_table_clear(&cluster->pods);
}

/* -- the books' claims in flight ------------------------------------------------------------------
 */

/* Stands in for a pod whose object has not come: enough to count its claim. */
static struct plimsoll_pod_entry *add_unseen(struct plimsoll_cluster *cluster,
                                             const struct plimsoll_uid *uid,
                                             const struct plimsoll_claim *claim)
{
    struct plimsoll_pod_entry *entry = add_entry(cluster, uid);
    entry->pod.namespace_ = entry->pod.name = entry->pod.nominated = "";
    entry->pod.node = plimsoll_copy("", 0);
    entry->pod.demand.gpu = true;
    entry->pod.demand.vendor = PLIMSOLL_VENDOR_NVIDIA;
    entry->pod.demand.cards = claim->card_count > 0 ? claim->card_count : claim->floating_cards;
    return entry;
}

static bool is_empty(const struct plimsoll_claim *claim)
{
    return claim->card_count == 0 && claim->floating_cards == 0;
}

void plimsoll_cluster_assume(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod,
                             const char *node, const struct plimsoll_claim *claim)
{
    pthread_rwlock_wrlock(&cluster->lock);
    struct plimsoll_pod_entry *entry = find(cluster, pod);
    if (entry == NULL && !is_empty(claim)) {
        entry = add_unseen(cluster, pod, claim);
    }
    /* What the API shows of a bound pod is the truth. */
    bool settled = entry == NULL ||
                   (entry->bound && (strcmp(entry->pod.node, node) != 0 ||
                                     (!entry->assuming && plimsoll_pod_claimed(&entry->pod))));
    if (!settled) {
        plimsoll_claim_clear(&entry->pod.claim);
        plimsoll_claim_copy(claim, &entry->pod.claim);
        free(entry->pod.node);
        entry->pod.node = plimsoll_copy(node, strlen(node));
        entry->assuming = true;
        settle(cluster, entry);
    }
    plimsoll_gains_unlock(cluster);
}

void plimsoll_cluster_forget(struct plimsoll_cluster *cluster, const struct plimsoll_uid *pod)
{
    pthread_rwlock_wrlock(&cluster->lock);
    struct plimsoll_pod_entry *entry = find(cluster, pod);
    if (entry != NULL && entry->assuming) {
        entry->assuming = false;
        plimsoll_claim_clear(&entry->pod.claim);
        if (!entry->bound) {
            entry->pod.node[0] = '\0';
        }
        if (entry->seen && !entry->bare) {
            settle(cluster, entry);
        } else {
            drop_entry(cluster, entry);
        }
    }
    plimsoll_gains_unlock(cluster);
}

/* -- reading; with the lock held for reading ------------------------------------------------------
 */

const char *plimsoll_cluster_node_of(struct plimsoll_cluster *cluster,
                                     const struct plimsoll_uid *pod)
{
    const struct plimsoll_pod_entry *entry = find(cluster, pod);
    return entry != NULL && entry->pod.node[0] != '\0' ? entry->pod.node : NULL;
}

const struct plimsoll_pod *plimsoll_cluster_pod(struct plimsoll_cluster *cluster,
                                                const struct plimsoll_uid *pod)
{
    const struct plimsoll_pod_entry *entry = find(cluster, pod);
    return entry != NULL && entry->seen ? &entry->pod : NULL;
}

size_t plimsoll_cluster_pod_count(struct plimsoll_cluster *cluster)
{
    return cluster->pods.count;
}

const struct plimsoll_pod *plimsoll_cluster_next_pod(struct plimsoll_cluster *cluster, size_t *at)
{
    const struct plimsoll_pod_entry *entry = NULL;
    do {
        entry = plimsoll_table_next(&cluster->pods, at);
    } while (entry != NULL && !entry->seen);
    return entry != NULL ? &entry->pod : NULL;
}

uint64_t plimsoll_cluster_revision(struct plimsoll_cluster *cluster)
{
    return cluster->revision;
}
