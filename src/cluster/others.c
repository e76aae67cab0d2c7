/* SPDX-License-Identifier: Apache-2.0 */
/* Pods without a GPU as what they request: a node's processors and memory decide what of its cards
 * can still be used. */
#include "picture.h"

#define GENERATION_MASK UINT64_C(0xFF)
#define CAPACITY_MIN    64u
#define MIB             (UINT64_C(1) << 20)

static uint64_t key_of(const struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid)
{
    uint64_t generation = cluster->generations[PLIMSOLL_KIND_PODS] & GENERATION_MASK;
    return (plimsoll_span_hash(plimsoll_uid_span(uid)) & ~GENERATION_MASK) | generation;
}

static size_t home_of(const struct plimsoll_others *others, uint64_t key)
{
    return (key >> 8) & (others->capacity - 1);
}

/* The slot of the key in any generation, or the free one where it would go. */
static size_t find(const struct plimsoll_others *others, uint64_t key)
{
    size_t at = home_of(others, key);
    while (others->slots[at].place != NULL &&
           ((others->slots[at].key ^ key) & ~GENERATION_MASK) != 0) {
        at = (at + 1) & (others->capacity - 1);
    }
    return at;
}

/* Room for one more, and a free slot besides. */
static void make_room(struct plimsoll_others *others)
{
    if (others->capacity > 0 && (others->count + 1) * 4 <= others->capacity * 3) {
        return;
    }
    struct plimsoll_others larger = {.count = others->count};
    larger.capacity = others->capacity > 0 ? others->capacity * 2 : CAPACITY_MIN;
    larger.slots = plimsoll_alloc(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < others->capacity; i++) {
        if (others->slots[i].place != NULL) {
            larger.slots[find(&larger, others->slots[i].key)] = others->slots[i];
        }
    }
    free(others->slots);
    *others = larger;
}

/* Closes the gap: who was pushed further by the one that goes moves up. */
static void remove_at(struct plimsoll_others *others, size_t at)
{
    size_t mask = others->capacity - 1;
    for (size_t next = (at + 1) & mask; others->slots[next].place != NULL;
         next = (next + 1) & mask) {
        size_t home = home_of(others, others->slots[next].key);
        if (((next - home) & mask) >= ((next - at) & mask)) {
            others->slots[at] = others->slots[next];
            at = next;
        }
    }
    others->slots[at] = (struct plimsoll_other){0};
    others->count--;
}

static void add(struct plimsoll_cluster *cluster, const struct plimsoll_other *other)
{
    struct plimsoll_node_entry *place = other->place;
    place->other_count++;
    place->requests.cpu_milli += other->cpu_milli;
    place->requests.memory += other->memory_mib * MIB;
    plimsoll_nodes_weigh(cluster, place);
}

static void take_away(struct plimsoll_cluster *cluster, const struct plimsoll_other *other)
{
    struct plimsoll_node_entry *place = other->place;
    place->other_count--;
    place->requests.cpu_milli -= other->cpu_milli;
    place->requests.memory -= other->memory_mib * MIB;
    plimsoll_nodes_weigh(cluster, place);
}

static uint32_t bounded(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static bool is_same(const struct plimsoll_other *known, const struct plimsoll_pod *pod,
                    uint32_t cpu_milli, uint32_t memory_mib)
{
    return known->cpu_milli == cpu_milli && known->memory_mib == memory_mib &&
           plimsoll_span_is(plimsoll_nodes_name(known->place), pod->node);
}

void plimsoll_others_set(struct plimsoll_cluster *cluster, const struct plimsoll_pod *pod)
{
    struct plimsoll_others *others = &cluster->others;
    uint32_t cpu_milli = bounded(pod->demand.requests.cpu_milli);
    uint32_t memory_mib = bounded((pod->demand.requests.memory + MIB - 1) / MIB);
    if (pod->node[0] == '\0' || (cpu_milli == 0 && memory_mib == 0)) {
        plimsoll_others_drop(cluster, &pod->uid);
        return;
    }
    make_room(others);
    uint64_t key = key_of(cluster, &pod->uid);
    size_t at = find(others, key);
    if (others->slots[at].place != NULL) {
        if (is_same(&others->slots[at], pod, cpu_milli, memory_mib)) {
            others->slots[at].key = key;
            return;
        }
        plimsoll_others_drop(cluster, &pod->uid);
        at = find(others, key);
    }
    others->slots[at] = (struct plimsoll_other){
        .key = key,
        .place = plimsoll_nodes_entry(cluster, pod->node),
        .cpu_milli = cpu_milli,
        .memory_mib = memory_mib,
    };
    others->count++;
    add(cluster, &others->slots[at]);
}

void plimsoll_others_drop(struct plimsoll_cluster *cluster, const struct plimsoll_uid *uid)
{
    struct plimsoll_others *others = &cluster->others;
    if (others->count == 0) {
        return;
    }
    size_t at = find(others, key_of(cluster, uid));
    if (others->slots[at].place != NULL) {
        struct plimsoll_other gone = others->slots[at];
        remove_at(others, at);
        take_away(cluster, &gone);
    }
}

void plimsoll_others_sweep(struct plimsoll_cluster *cluster)
{
    struct plimsoll_others *others = &cluster->others;
    uint64_t generation = cluster->generations[PLIMSOLL_KIND_PODS] & GENERATION_MASK;
    for (size_t i = 0; i < others->capacity;) {
        struct plimsoll_other other = others->slots[i];
        if (other.place == NULL || (other.key & GENERATION_MASK) == generation) {
            i++;
            continue;
        }
        remove_at(others, i); /* another may have come here: looked at next */
        take_away(cluster, &other);
    }
}
