/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

static void add(struct plimsoll_cluster *cluster, struct plimsoll_news news,
                const struct plimsoll_node_entry *entry)
{
    news.node = plimsoll_copy(entry->node.name, strlen(entry->node.name));
    cluster->news = plimsoll_realloc(cluster->news, cluster->news_count + 1, sizeof *cluster->news);
    cluster->news[cluster->news_count++] = news;
}

static bool was_over(const struct plimsoll_node_entry *entry, const struct plimsoll_uid *pod)
{
    for (uint32_t i = 0; i < entry->over_count; i++) {
        if (strcmp(entry->over[i].text, pod->text) == 0) {
            return true;
        }
    }
    return false;
}

/* @return true when a pod is over its claim that was not before. */
static bool note_over_claims(struct plimsoll_node_entry *entry)
{
    struct plimsoll_uid *over = NULL;
    uint32_t count = 0;
    bool news = false;
    for (uint32_t i = 0; entry->node.report == PLIMSOLL_REPORT_USAGE && i < entry->pod_count; i++) {
        struct plimsoll_over_claim unused;
        if (plimsoll_placement_over_claim(&entry->node, entry->pods[i], &unused)) {
            over = plimsoll_realloc(over, count + 1u, sizeof *over);
            over[count++] = entry->pods[i]->uid;
            news = news || !was_over(entry, &entry->pods[i]->uid);
        }
    }
    free(entry->over);
    entry->over = over;
    entry->over_count = count;
    return news;
}

void plimsoll_news_note(struct plimsoll_cluster *cluster, struct plimsoll_node_entry *entry)
{
    if (cluster->listener.node_over != NULL) {
        uint64_t over_line = plimsoll_placement_over_line(&entry->node, entry->load);
        bool news = (over_line & ~entry->over_line) != 0;
        entry->over_line = over_line;
        if (note_over_claims(entry) || news) {
            add(cluster, (struct plimsoll_news){.kind = PLIMSOLL_NEWS_OVER}, entry);
        }
    }
    enum plimsoll_guarantee guarantee = plimsoll_placement_guarantee(&entry->node);
    if (cluster->listener.node_guaranteed != NULL && guarantee != entry->guarantee) {
        add(cluster,
            (struct plimsoll_news){.kind = PLIMSOLL_NEWS_GUARANTEE, .guarantee = guarantee}, entry);
    }
    entry->guarantee = (uint8_t)guarantee;
}

void plimsoll_news_tell(const struct plimsoll_cluster_listener *listener,
                        struct plimsoll_news *news, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (news[i].kind == PLIMSOLL_NEWS_OVER) {
            listener->node_over(listener->context, news[i].node);
        } else {
            listener->node_guaranteed(listener->context, news[i].node, news[i].guarantee);
        }
        free(news[i].node);
    }
    free(news);
}
