/* SPDX-License-Identifier: Apache-2.0 */
/** A watch stream, or the pages of a list, into a picture that holds a node, a pod and a claim in
 * flight. First byte: kind, list or watch, and the size of the pieces. */
#include "../support/picture.h"

#include <plimsoll/feed.h>

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UID "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"

static void fill(struct plimsoll_cluster *cluster)
{
    struct plimsoll_error err;
    struct plimsoll_uid uid = uid_of(UID);
    struct plimsoll_claim_card card = {.id = "GPU-gpu0-0", .vram = GIB};
    struct plimsoll_claim claim = {.pod = uid, .node = "gpu0", .card_count = 1, .cards = &card};
    plimsoll_autotext node = plimsoll_text_make(1u << 16), pod = plimsoll_text_make(1u << 16);
    add_node(&node, &(struct node_words){.name = "gpu0"});
    add_pod(&pod, &(struct pod_words){.name = "a", .uid = UID});
    if (plimsoll_cluster_set(cluster, PLIMSOLL_KIND_NODES, plimsoll_text_span(&node), &err) < 0 ||
        plimsoll_cluster_set(cluster, PLIMSOLL_KIND_PODS, plimsoll_text_span(&pod), &err) < 0) {
        abort();
    }
    plimsoll_cluster_assume(cluster, &uid, "gpu0", &claim);
}

/* Whatever came, readers find a picture that hangs together. */
static void check(struct plimsoll_cluster *cluster)
{
    struct plimsoll_extender_node node;
    size_t count = 0;
    plimsoll_cluster_read_begin(cluster);
    for (; plimsoll_cluster_node_at(cluster, count, &node); count++) {
        assert(node.load->card_count == node.view.node->card_count);
        for (size_t i = 0; i < node.view.pod_count; i++) {
            const struct plimsoll_pod *pod = node.view.pods[i];
            const char *place = pod->node[0] != '\0' ? pod->node : pod->nominated;
            assert(pod->demand.gpu && strcmp(place, node.view.node->name) == 0);
        }
    }
    assert(count == plimsoll_cluster_node_count(cluster));
    plimsoll_cluster_read_end(cluster);
}

static bool feed_all(struct plimsoll_feed *feed, const uint8_t *data, size_t size, size_t piece)
{
    struct plimsoll_error err;
    for (size_t at = 0; at < size; at += piece) {
        struct plimsoll_span part = {.data = (const char *)data + at,
                                     .size = size - at < piece ? size - at : piece};
        if (plimsoll_feed_bytes(feed, part, &err) < 0) {
            return false;
        }
    }
    return plimsoll_feed_finish(feed, &err) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum plimsoll_kind kind = (enum plimsoll_kind)(data[0] % PLIMSOLL_KIND_COUNT);
    bool list = data[0] & 0x40;
    size_t piece = data[0] & 0x80 ? 7 : size;
    struct plimsoll_cluster *cluster = picture_new();
    fill(cluster);
    struct plimsoll_feed *feed =
        list ? plimsoll_feed_list(cluster, kind) : plimsoll_feed_watch(cluster, kind, "100");
    bool ended = feed_all(feed, data + 1, size - 1, piece);
    bool complete = ended && list && plimsoll_feed_continue(feed)[0] == '\0';
    assert(plimsoll_cluster_synced(cluster, kind) == complete);
    check(cluster);
    plimsoll_cluster_tick(cluster, INT64_C(1800000000000));
    plimsoll_feed_free(&feed);
    check(cluster);
    plimsoll_cluster_free(&cluster);
    return 0;
}
