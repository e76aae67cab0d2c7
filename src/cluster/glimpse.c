/* SPDX-License-Identifier: Apache-2.0 */
/* Finding thousands of nodes by name at the speed of the cache. */
#include "picture.h"

#include <assert.h>

/* How many nodes ahead memory is asked for. */
#define AHEAD 8u

static_assert(PLIMSOLL_EXTENDER_NAMES_MAX <= PLIMSOLL_TABLE_KEYS_MAX, "one search for all names");
static_assert(sizeof(struct plimsoll_node_face) == 128, "what is prefetched is all that is read");

struct plimsoll_span plimsoll_nodes_name(const struct plimsoll_node_entry *entry)
{
    const struct plimsoll_node_face *face = &entry->face;
    bool near = face->name_size <= PLIMSOLL_NEAR_NAME_BYTES;
    return (struct plimsoll_span){
        .data = near ? face->name : entry->node.name,
        .size = near ? face->name_size : strlen(entry->node.name),
    };
}

void plimsoll_nodes_set_name(struct plimsoll_node_entry *entry, const char *name)
{
    size_t size = strlen(name);
    if (size <= PLIMSOLL_NEAR_NAME_BYTES) {
        entry->face.name_size = (uint8_t)size;
        memcpy(entry->face.name, name, size);
    } else {
        entry->face.name_size = UINT8_MAX;
    }
}

static void prefetch(const struct plimsoll_cluster *cluster, size_t number)
{
    if (number < cluster->order_count) {
        const struct plimsoll_node_face *face = &cluster->numbered[number]->face;
        __builtin_prefetch(face);
        __builtin_prefetch(&face->summary);
    }
}

static void give_glimpse(const struct plimsoll_node_entry *entry,
                         struct plimsoll_extender_glimpse *out)
{
    bool known = entry != NULL && entry->face.known;
    out->summary = known ? &entry->face.summary : NULL;
    out->node = entry;
    out->number = known ? entry->face.number : 0;
}

/* Names that are those of the nodes from number `*place` on. @return how many */
static size_t find_next(const struct plimsoll_cluster *cluster, const struct plimsoll_span *names,
                        size_t count, uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    size_t found = 0;
    for (size_t i = 0; i < AHEAD; i++) {
        prefetch(cluster, *place + i);
    }
    while (found < count && *place < cluster->order_count) {
        const struct plimsoll_node_entry *entry = cluster->numbered[*place];
        prefetch(cluster, *place + AHEAD);
        if (!plimsoll_span_equal(plimsoll_nodes_name(entry), names[found])) {
            break;
        }
        give_glimpse(entry, &out[found++]);
        ++*place;
    }
    return found;
}

/* Who asks names nodes in the order in which it heard of them, which is ours: worth a look each
 * time, before all names that are left are searched for. */
void plimsoll_cluster_find(struct plimsoll_cluster *cluster, const struct plimsoll_span *names,
                           size_t count, uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    void *items[PLIMSOLL_EXTENDER_NAMES_MAX];
    size_t found = find_next(cluster, names, count, place, out);
    plimsoll_table_find_many(&cluster->nodes, names + found, count - found, items);
    for (size_t i = found; i < count; i++) {
        give_glimpse(items[i - found], &out[i]);
        *place = out[i].summary != NULL ? out[i].number + 1 : *place;
    }
}

void plimsoll_cluster_open(struct plimsoll_cluster *cluster,
                           const struct plimsoll_extender_glimpse *glimpse,
                           struct plimsoll_extender_node *out)
{
    (void)cluster;
    (void)plimsoll_nodes_give(glimpse->node, out);
}
