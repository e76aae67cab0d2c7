/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include "metadata.h"

#include <plimsoll/json_cursor.h>
#include <plimsoll/text.h>

struct plimsoll_node_entry *plimsoll_nodes_find(const struct plimsoll_cluster *cluster,
                                                struct plimsoll_span name)
{
    return plimsoll_table_find(&cluster->nodes, name);
}

struct plimsoll_node_entry *plimsoll_nodes_entry(struct plimsoll_cluster *cluster, const char *name)
{
    struct plimsoll_node_entry *entry = plimsoll_nodes_find(cluster, plimsoll_span_of(name));
    if (entry == NULL) {
        entry = plimsoll_slab_take(&cluster->node_entries);
        entry->node.name = plimsoll_copy(name, strlen(name));
        plimsoll_nodes_set_name(entry, name);
        plimsoll_table_add(&cluster->nodes, entry);
    }
    return entry;
}

/* Where the name stands in the order, or would. */
static size_t order_find(const struct plimsoll_cluster *cluster, const char *name)
{
    size_t low = 0, high = cluster->order_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(cluster->order[middle]->node.name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void order_insert(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    if (cluster->order_count == cluster->order_capacity) {
        cluster->order_capacity = cluster->order_capacity > 0 ? 2 * cluster->order_capacity : 16;
        cluster->order = plimsoll_realloc(cluster->order, cluster->order_capacity, sizeof(void *));
        cluster->numbered =
            plimsoll_realloc(cluster->numbered, cluster->order_capacity, sizeof(void *));
    }
    size_t at = order_find(cluster, entry->node.name);
    memmove(cluster->order + at + 1, cluster->order + at,
            (cluster->order_count - at) * sizeof(void *));
    cluster->order[at] = entry;
    entry->face.number = (uint32_t)cluster->order_count;
    cluster->numbered[cluster->order_count++] = entry;
}

/* The last of the numbers takes the place of the one that goes. */
static void order_remove(struct plimsoll_cluster *cluster, const struct plimsoll_node_entry *entry)
{
    size_t at = order_find(cluster, entry->node.name);
    cluster->order_count--;
    memmove(cluster->order + at, cluster->order + at + 1,
            (cluster->order_count - at) * sizeof(void *));
    struct plimsoll_node_entry *last = cluster->numbered[cluster->order_count];
    last->face.number = entry->face.number;
    cluster->numbered[last->face.number] = last;
    plimsoll_outlook_touch(cluster->outlook, last->face.number);
}

static void free_entry(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    plimsoll_node_clear(&entry->node);
    free(entry->load);
    free(entry->pods);
    free(entry->holds);
    free(entry->ended);
    free(entry->over);
    plimsoll_slab_give_back(&cluster->node_entries, entry);
}

static bool is_too_old(const struct plimsoll_cluster *cluster, const struct plimsoll_node *node)
{
    return node->report_time > 0 && cluster->now_unix_ms > 0 &&
           cluster->options.max_report_age_ms > 0 &&
           cluster->now_unix_ms - node->report_time > cluster->options.max_report_age_ms;
}

/* An agent writes on change only, so its Ready speaks for the report; others have only the time.
 * While an agent is being replaced, the one that leaves does not speak. */
static bool is_stale(const struct plimsoll_cluster *cluster,
                     const struct plimsoll_node_entry *entry)
{
    if (!entry->face.known || entry->node.report == PLIMSOLL_REPORT_NONE) {
        return false;
    }
    bool agent = entry->agents_ready + entry->agents_unready + entry->agents_leaving > 0;
    if (agent && entry->node.report == PLIMSOLL_REPORT_USAGE) {
        return entry->agents_unready > 0 || entry->agents_ready == 0;
    }
    return is_too_old(cluster, &entry->node);
}

static struct plimsoll_node_view view_of(const struct plimsoll_node_entry *entry)
{
    return (struct plimsoll_node_view){
        .node = &entry->node,
        .room = entry->room,
        .pods = entry->pods,
        .pod_count = entry->pod_count,
        .holds = entry->holds,
        .hold_count = entry->hold_count,
        .ended = entry->ended,
        .ended_count = entry->ended_count,
        .pods_known = true,
        .stale = entry->stale,
    };
}

static bool same_uid(const struct plimsoll_uid *a, const struct plimsoll_uid *b)
{
    return plimsoll_span_equal(plimsoll_uid_span(a), plimsoll_uid_span(b));
}

static bool is_empty(const struct plimsoll_node_entry *entry)
{
    return !entry->face.known && entry->pod_count == 0 && entry->hold_count == 0 &&
           entry->other_count == 0 &&
           entry->agents_ready + entry->agents_unready + entry->agents_leaving == 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void take_requests(struct plimsoll_requests *free, const struct plimsoll_requests *taken)
{
    free->cpu_milli = less(free->cpu_milli, taken->cpu_milli);
    free->memory = less(free->memory, taken->memory);
}

static bool counts_here(const struct plimsoll_node_entry *entry, const struct plimsoll_uid *uid)
{
    for (uint32_t i = 0; i < entry->pod_count; i++) {
        if (same_uid(&entry->pods[i]->uid, uid)) {
            return true;
        }
    }
    return false;
}

/* Allocatable less what all pods there request, and those that will likely come. A pod that is only
 * nominated may come elsewhere. */
static struct plimsoll_requests free_of(const struct plimsoll_node_entry *entry)
{
    struct plimsoll_requests free = entry->node.allocatable;
    take_requests(&free, &entry->requests);
    for (uint32_t i = 0; i < entry->pod_count; i++) {
        if (entry->pods[i]->node[0] != '\0') {
            take_requests(&free, &entry->pods[i]->demand.requests);
        }
    }
    for (uint32_t i = 0; i < entry->hold_count; i++) {
        if (!counts_here(entry, &entry->holds[i]->uid)) {
            take_requests(&free, &entry->holds[i]->demand.requests);
        }
    }
    return (struct plimsoll_requests){
        .cpu_milli = entry->node.allocatable.cpu_milli > 0 ? free.cpu_milli : UINT64_MAX,
        .memory = entry->node.allocatable.memory > 0 ? free.memory : UINT64_MAX,
    };
}

static void make_room(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    entry->room.outlook = cluster->outlook;
    entry->room.free = free_of(entry);
    plimsoll_outlook_touch(cluster->outlook, entry->face.number);
}

/* Of a known node. */
static void compute(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    entry->stale = is_stale(cluster, entry);
    make_room(cluster, entry);
    struct plimsoll_node_view view = view_of(entry);
    struct plimsoll_node_load *load =
        plimsoll_placement_load(&view, cluster->options.settings, NULL, INT32_MIN);
    plimsoll_gains_note(cluster, entry->node.name, entry->load, load);
    free(entry->load);
    entry->load = load;
    entry->face.summary =
        plimsoll_placement_summarise(&entry->node, load, cluster->options.settings);
    plimsoll_news_note(cluster, entry);
}

/* Nobody is answered before the first list of pods has ended, so each node waits for all of its
 * pods. */
static bool is_put_off(const struct plimsoll_cluster *cluster)
{
    return cluster->listing_pods && !cluster->synced[PLIMSOLL_KIND_PODS];
}

void plimsoll_nodes_weigh(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    if (is_empty(entry) || !entry->face.known) {
        plimsoll_nodes_refresh(cluster, entry);
    } else if (!is_put_off(cluster)) {
        make_room(cluster, entry);
        entry->load->room = entry->room;
    }
}

void plimsoll_nodes_refresh(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    cluster->revision++;
    if (is_empty(entry)) {
        plimsoll_table_drop(&cluster->nodes, plimsoll_span_of(entry->node.name));
        free_entry(cluster, entry);
    } else if (entry->face.known && !is_put_off(cluster)) {
        compute(cluster, entry);
    }
}

void plimsoll_nodes_catch_up(struct plimsoll_cluster *cluster)
{
    for (size_t i = 0; i < cluster->order_count; i++) {
        compute(cluster, cluster->order[i]);
    }
}

void plimsoll_nodes_add_pod(struct plimsoll_node_entry *entry, const struct plimsoll_pod *pod)
{
    if (entry->pod_count == entry->pod_capacity) {
        entry->pod_capacity = entry->pod_capacity > 0 ? 2 * entry->pod_capacity : 2;
        entry->pods = plimsoll_realloc(entry->pods, entry->pod_capacity, sizeof(void *));
    }
    entry->pods[entry->pod_count++] = pod;
}

void plimsoll_nodes_drop_pod(struct plimsoll_node_entry *entry, const struct plimsoll_pod *pod)
{
    for (uint32_t i = 0; i < entry->pod_count; i++) {
        if (entry->pods[i] == pod) {
            entry->pods[i] = entry->pods[--entry->pod_count];
            return;
        }
    }
}

static bool is_measured(const struct plimsoll_node *node, const struct plimsoll_uid *pod)
{
    for (uint32_t i = 0; i < node->card_count; i++) {
        for (uint32_t j = 0; j < node->cards[i].pod_count; j++) {
            if (same_uid(&node->cards[i].pods[j].pod, pod)) {
                return true;
            }
        }
    }
    return false;
}

bool plimsoll_nodes_note_ended(struct plimsoll_node_entry *entry, const struct plimsoll_uid *pod)
{
    if (!is_measured(&entry->node, pod)) {
        return false;
    }
    for (uint32_t i = 0; i < entry->ended_count; i++) {
        if (same_uid(&entry->ended[i], pod)) {
            return false;
        }
    }
    entry->ended = plimsoll_realloc(entry->ended, entry->ended_count + 1u, sizeof *entry->ended);
    entry->ended[entry->ended_count++] = *pod;
    return true;
}

static void forget_ended(struct plimsoll_node_entry *entry)
{
    free(entry->ended);
    entry->ended = NULL;
    entry->ended_count = 0;
}

/* A heartbeat: the node is marked as seen, and nothing else is to do. */
static bool is_unchanged(struct plimsoll_cluster *cluster, struct plimsoll_span name,
                         const struct plimsoll_fingerprint *fingerprint)
{
    pthread_rwlock_wrlock(&cluster->lock);
    struct plimsoll_node_entry *entry = plimsoll_nodes_find(cluster, name);
    bool unchanged = entry != NULL && entry->face.known && entry->content == fingerprint->content;
    if (unchanged) {
        entry->generation = cluster->generations[PLIMSOLL_KIND_NODES];
    }
    plimsoll_gains_unlock(cluster);
    return unchanged;
}

/* Pods that are bound here and choose their nodes may come to the likes of it. */
static void allow_pods(struct plimsoll_cluster *cluster, const struct plimsoll_node_entry *entry)
{
    for (uint32_t i = 0; i < entry->pod_count; i++) {
        const struct plimsoll_demand *demand = &entry->pods[i]->demand;
        if (demand->selection != 0 && entry->pods[i]->node[0] != '\0') {
            plimsoll_outlook_allow(cluster->outlook,
                                   plimsoll_outlook_class(cluster->outlook, demand),
                                   entry->room.kind);
        }
    }
}

/* Takes what `node` holds. */
static void put_node(struct plimsoll_cluster *cluster, struct plimsoll_node *node,
                     const struct plimsoll_fingerprint *fingerprint)
{
    struct plimsoll_node_entry *entry = plimsoll_nodes_entry(cluster, node->name);
    if (entry->face.known) {
        plimsoll_facts_weigh(cluster, &entry->node, -1);
        if (plimsoll_gains_eased(&entry->node, node)) {
            free(PLIMSOLL_TAKE(entry->load)); /* no line to compare with: a gain */
        }
    }
    plimsoll_node_clear(&entry->node);
    entry->node = *node;
    if (!entry->face.known) {
        entry->face.known = true;
        order_insert(cluster, entry);
    }
    if (entry->report != fingerprint->report) {
        forget_ended(entry);
    }
    uint64_t kind = plimsoll_outlook_kind(cluster->outlook, &entry->node);
    if (entry->room.kind != kind) {
        entry->room.kind = kind;
        allow_pods(cluster, entry);
    }
    entry->content = fingerprint->content;
    entry->report = fingerprint->report;
    entry->generation = cluster->generations[PLIMSOLL_KIND_NODES];
    plimsoll_facts_weigh(cluster, &entry->node, 1);
    plimsoll_facts_publish(cluster);
    cluster->revision++;
    compute(cluster, entry);
}

int plimsoll_nodes_set(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                       struct plimsoll_error *err)
{
    struct plimsoll_fingerprint fingerprint;
    if (plimsoll_fingerprint_read(object, &fingerprint, err) < 0) {
        return -1;
    }
    if (is_unchanged(cluster, fingerprint.name, &fingerprint)) {
        return 0;
    }
    struct plimsoll_node node = {0};
    if (plimsoll_node_read(object, cluster->options.reading, &node, err) < 0) {
        return -1;
    }
    pthread_rwlock_wrlock(&cluster->lock);
    put_node(cluster, &node, &fingerprint);
    plimsoll_gains_unlock(cluster);
    return 0;
}

/* The node object is gone; pods that are still there keep the name. */
static void forget_node(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    plimsoll_facts_weigh(cluster, &entry->node, -1);
    order_remove(cluster, entry);
    forget_ended(entry);
    char *name = PLIMSOLL_TAKE(entry->node.name);
    plimsoll_node_clear(&entry->node);
    entry->node = (struct plimsoll_node){.name = name};
    free(entry->load);
    entry->load = NULL;
    entry->face.known = entry->stale = false;
    entry->content = entry->report = 0;
    free(PLIMSOLL_TAKE(entry->over));
    entry->over_count = 0;
    entry->over_line = 0;
    entry->guarantee = PLIMSOLL_GUARANTEE_NONE;
    plimsoll_nodes_refresh(cluster, entry);
}

int plimsoll_nodes_remove(struct plimsoll_cluster *cluster, struct plimsoll_span object,
                          struct plimsoll_error *err)
{
    struct plimsoll_metadata metadata;
    if (plimsoll_metadata_read(object, &metadata, err) < 0) {
        return -1;
    }
    if (metadata.name.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "a Node without metadata.name");
    }
    pthread_rwlock_wrlock(&cluster->lock);
    struct plimsoll_node_entry *entry = plimsoll_nodes_find(cluster, metadata.name);
    if (entry != NULL && entry->face.known) {
        forget_node(cluster, entry);
        plimsoll_facts_publish(cluster);
    }
    plimsoll_gains_unlock(cluster);
    return 0;
}

void plimsoll_nodes_sweep(struct plimsoll_cluster *cluster)
{
    for (size_t i = cluster->order_count; i-- > 0;) {
        struct plimsoll_node_entry *entry = cluster->order[i];
        if (entry->generation != cluster->generations[PLIMSOLL_KIND_NODES]) {
            forget_node(cluster, entry);
        }
    }
}

void plimsoll_nodes_tick(struct plimsoll_cluster *cluster)
{
    for (size_t i = 0; i < cluster->order_count; i++) {
        struct plimsoll_node_entry *entry = cluster->order[i];
        if (is_stale(cluster, entry) != entry->stale) {
            plimsoll_nodes_refresh(cluster, entry);
        }
    }
}

void plimsoll_nodes_free(struct plimsoll_cluster *cluster)
{
    size_t at = 0;
    for (struct plimsoll_node_entry *entry;
         (entry = plimsoll_table_next(&cluster->nodes, &at)) != NULL;) {
        free_entry(cluster, entry);
    }
    plimsoll_table_clear(&cluster->nodes);
    plimsoll_slab_clear(&cluster->node_entries);
    free(cluster->order);
    free(cluster->numbered);
}

/* -- reading; with the lock held for reading ------------------------------------------------------
 */

bool plimsoll_nodes_give(const struct plimsoll_node_entry *entry,
                         struct plimsoll_extender_node *out)
{
    if (entry == NULL || !entry->face.known) {
        return false;
    }
    *out = (struct plimsoll_extender_node){.view = view_of(entry), .load = entry->load};
    return true;
}

bool plimsoll_cluster_node(struct plimsoll_cluster *cluster, struct plimsoll_span name,
                           struct plimsoll_extender_node *out)
{
    return plimsoll_nodes_give(plimsoll_nodes_find(cluster, name), out);
}

size_t plimsoll_cluster_node_count(struct plimsoll_cluster *cluster)
{
    return cluster->order_count;
}

bool plimsoll_cluster_node_at(struct plimsoll_cluster *cluster, size_t index,
                              struct plimsoll_extender_node *out)
{
    return index < cluster->order_count && plimsoll_nodes_give(cluster->order[index], out);
}
