/* SPDX-License-Identifier: Apache-2.0 */
#include "status_parts.h"

/* Nodes looked at in one hold of the picture. */
#define NODES_HELD 256u

/* A node that is to be shown. Where one comes or goes between two holds, its number is off by one,
 * and the next answer has it right. */
struct match {
    size_t index;
    uint64_t rank;
};

struct matches {
    struct match *list; /* owned */
    size_t count, capacity;
};

static void add_match(struct matches *matches, struct match match)
{
    if (matches->count == matches->capacity) {
        matches->capacity = matches->capacity > 0 ? 2 * matches->capacity : 64;
        matches->list = plimsoll_realloc(matches->list, matches->capacity, sizeof *matches->list);
    }
    matches->list[matches->count++] = match;
}

static int compare(const void *left, const void *right)
{
    const struct match *a = left, *b = right;
    if (a->rank != b->rank) {
        return a->rank > b->rank ? -1 : 1;
    }
    return a->index < b->index ? -1 : 1;
}

/* All nodes are counted; those that are asked for are found. */
static void walk(struct plimsoll_cluster *cluster, const struct plimsoll_page_query *query,
                 struct plimsoll_page_sums *sums, struct matches *matches)
{
    for (size_t at = 0, count = 1; at < count;) {
        plimsoll_cluster_read_begin(cluster);
        count = plimsoll_cluster_node_count(cluster);
        for (size_t end = at + NODES_HELD; at < end && at < count; at++) {
            struct plimsoll_extender_node node;
            if (!plimsoll_cluster_node_at(cluster, at, &node)) {
                continue;
            }
            plimsoll_page_sum(sums, &node);
            if (plimsoll_page_shows_node(query, &node)) {
                add_match(matches, (struct match){at, plimsoll_page_rank(query, &node)});
            }
        }
        plimsoll_cluster_read_end(cluster);
    }
}

static void write_page(struct plimsoll_cluster *cluster, const struct matches *matches, size_t page,
                       struct plimsoll_text *out)
{
    size_t begin = page * PLIMSOLL_PAGE_NODES_MAX;
    plimsoll_text_add_format(out, ",\"nodes\":{\"count\":%zu,\"page\":%zu,\"size\":%u,\"list\":[",
                             matches->count, page, PLIMSOLL_PAGE_NODES_MAX);
    plimsoll_cluster_read_begin(cluster);
    for (size_t i = begin; i < matches->count && i < begin + PLIMSOLL_PAGE_NODES_MAX; i++) {
        struct plimsoll_extender_node node;
        if (plimsoll_cluster_node_at(cluster, matches->list[i].index, &node)) {
            plimsoll_page_write_node(&node, out);
        }
    }
    plimsoll_cluster_read_end(cluster);
    plimsoll_text_add_string(out, "]}");
}

void plimsoll_status_write_nodes(struct plimsoll_verbs *verbs,
                                 const struct plimsoll_page_query *query, struct plimsoll_text *out)
{
    struct plimsoll_page_sums sums = {0};
    struct matches matches = {0};
    walk(verbs->cluster, query, &sums, &matches);
    if (matches.count > 0) {
        qsort(matches.list, matches.count, sizeof *matches.list, compare);
    }
    plimsoll_cluster_read_begin(verbs->cluster);
    size_t pods = plimsoll_cluster_pod_count(verbs->cluster);
    plimsoll_cluster_read_end(verbs->cluster);
    plimsoll_text_add_format(out, ",\"pods\":%zu,\"sums\":", pods);
    plimsoll_page_write_sums(&sums, out);
    size_t page = plimsoll_page_clamp(query->page, matches.count, PLIMSOLL_PAGE_NODES_MAX);
    write_page(verbs->cluster, &matches, page, out);
    free(matches.list);
}
