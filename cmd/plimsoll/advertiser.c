/* SPDX-License-Identifier: Apache-2.0 */
#include "advertiser.h"

#include "lane.h"

#include <plimsoll/clock.h>
#include <plimsoll/log.h>

#include <stdatomic.h>
#include <string.h>

/* Nodes that are written in one go, about a second's worth: a fleet is done within minutes, and the
 * API server has other things to do. */
#define BATCH_MAX 64
/* After a failure the next try waits, each time twice as long. */
#define PAUSE_MS_MIN 5000
#define PAUSE_MS_MAX 300000

struct wanted {
    char node[PLIMSOLL_NAME_BYTES_MAX + 1];
    int64_t bytes; /* negative: no longer advertised */
    size_t index;  /* of the node in the picture */
};

struct plimsoll_advertiser {
    struct plimsoll_cluster *cluster;
    struct plimsoll_kube *kube;
    const struct plimsoll_config *config;
    struct plimsoll_lane *lane;
    atomic_bool busy; /* a look is queued or under way */
    int64_t next_ms;  /* not tried before */
    int64_t pause_ms;
    size_t first; /* the node to begin with: behind one that failed, so that it holds up no other */
    unsigned said; /* bit enum plimsoll_error_kind: a failure that is in the log already */
    struct wanted batch[BATCH_MAX];
};

/* What the node should advertise. @return false: what it does. */
static bool differs(const struct plimsoll_advertiser *advertiser,
                    const struct plimsoll_extender_node *node, int64_t *bytes)
{
    const struct plimsoll_node *it = node->view.node;
    uint64_t capacity = 0;
    if (advertiser->config->node_capacity && it->card_count > 0) {
        capacity = plimsoll_placement_capacity(&node->view, node->load);
    }
    *bytes = capacity > 0 ? (int64_t)capacity : -1;
    return capacity > 0 ? !it->advertised || it->advertised_vram != capacity : it->advertised;
}

static size_t collect(struct plimsoll_advertiser *advertiser)
{
    size_t found = 0;
    plimsoll_cluster_read_begin(advertiser->cluster);
    size_t count = plimsoll_cluster_node_count(advertiser->cluster);
    for (size_t i = 0; i < count && found < BATCH_MAX; i++) {
        struct wanted *wanted = &advertiser->batch[found];
        struct plimsoll_extender_node node;
        wanted->index = (advertiser->first + i) % count;
        if (plimsoll_cluster_node_at(advertiser->cluster, wanted->index, &node) &&
            differs(advertiser, &node, &wanted->bytes)) {
            memset(wanted->node, 0, sizeof wanted->node);
            memcpy(wanted->node, node.view.node->name,
                   strnlen(node.view.node->name, sizeof wanted->node - 1));
            found++;
        }
    }
    plimsoll_cluster_read_end(advertiser->cluster);
    return found;
}

static void note_failure(struct plimsoll_advertiser *advertiser, const struct plimsoll_error *err)
{
    advertiser->next_ms = plimsoll_clock_monotonic_ms() + advertiser->pause_ms;
    advertiser->pause_ms =
        2 * advertiser->pause_ms < PAUSE_MS_MAX ? 2 * advertiser->pause_ms : (int64_t)PAUSE_MS_MAX;
    if ((advertiser->said >> err->kind & 1) == 0) {
        advertiser->said |= 1u << err->kind;
        plimsoll_log(PLIMSOLL_LOG_WARN, "a node's capacity cannot be written; it is tried again",
                     PLIMSOLL_STR("err", err->message),
                     PLIMSOLL_STR("hint", err->kind == PLIMSOLL_ERR_DENIED
                                              ? "patching nodes/status is what nodeCapacity of the "
                                                "chart, or manifests/node-capacity, allows"
                                              : ""));
    }
}

/* @return false: enough for now */
static bool write_one(struct plimsoll_advertiser *advertiser, const struct wanted *wanted)
{
    struct plimsoll_error err = {0};
    if (plimsoll_kube_set_capacity(advertiser->kube, wanted->node, wanted->bytes, &err) == 0) {
        plimsoll_log(PLIMSOLL_LOG_INFO,
                     wanted->bytes >= 0 ? "node advertises VRAM" : "node advertises no VRAM",
                     PLIMSOLL_STR("node", wanted->node), PLIMSOLL_INT("bytes", wanted->bytes));
        advertiser->pause_ms = PAUSE_MS_MIN;
        return true;
    }
    if (err.kind == PLIMSOLL_ERR_NOT_FOUND) {
        return true; /* gone meanwhile */
    }
    note_failure(advertiser, &err);
    advertiser->first = wanted->index + 1;
    return false;
}

static void look(void *context, void *item)
{
    struct plimsoll_advertiser *advertiser = context;
    free(item);
    size_t count = collect(advertiser);
    for (size_t i = 0; i < count && write_one(advertiser, &advertiser->batch[i]); i++) {
    }
    atomic_store(&advertiser->busy, false);
}

void plimsoll_advertiser_tick(struct plimsoll_advertiser *advertiser)
{
    /* Without the pods it would fall short of what they ask for. */
    bool synced = plimsoll_cluster_synced(advertiser->cluster, PLIMSOLL_KIND_NODES) &&
                  plimsoll_cluster_synced(advertiser->cluster, PLIMSOLL_KIND_PODS);
    if (!synced || atomic_load(&advertiser->busy) ||
        plimsoll_clock_monotonic_ms() < advertiser->next_ms) {
        return;
    }
    atomic_store(&advertiser->busy, true);
    plimsoll_lane_put(advertiser->lane, plimsoll_alloc(1, 1));
}

struct plimsoll_advertiser *plimsoll_advertiser_start(struct plimsoll_cluster *cluster,
                                                      struct plimsoll_kube *kube,
                                                      const struct plimsoll_config *config)
{
    struct plimsoll_advertiser *advertiser = plimsoll_alloc(1, sizeof *advertiser);
    advertiser->cluster = cluster;
    advertiser->kube = kube;
    advertiser->config = config;
    advertiser->pause_ms = PAUSE_MS_MIN;
    advertiser->lane = plimsoll_lane_start(1, look, advertiser);
    return advertiser;
}

void plimsoll_advertiser_stop(struct plimsoll_advertiser **advertiser)
{
    struct plimsoll_advertiser *stopped = PLIMSOLL_TAKE(*advertiser);
    if (stopped != NULL) {
        plimsoll_lane_stop(&stopped->lane);
        free(stopped);
    }
}
