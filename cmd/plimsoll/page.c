/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "verbs.h"

#include <plimsoll/metrics.h>
#include <plimsoll/view.h>

#include <stdio.h>
#include <string.h>

/* 40 000 cards at a line of 120 columns, and the pods on them. */
#define PAGE_BYTES_MAX (16u * 1024 * 1024)
/* Series per card: a dozen lines of 200 bytes for each of 40 000. */
#define METRICS_BYTES_MAX (128u * 1024 * 1024)

/* `?colour`, `?width=N` and `?ascii` shape the text. */
static struct plimsoll_view_options read_options(const struct plimsoll_http_exchange *exchange)
{
    struct plimsoll_view_options options = {.width = 100, .unicode = true};
    options.colour = plimsoll_http_query(exchange, "colour") != NULL;
    options.unicode = plimsoll_http_query(exchange, "ascii") == NULL;
    const char *width = plimsoll_http_query(exchange, "width");
    unsigned long long columns;
    if (width != NULL && plimsoll_span_decimal(plimsoll_span_of(width), &columns) &&
        columns >= 80 && columns <= 500) {
        options.width = (unsigned)columns;
    }
    return options;
}

int plimsoll_page_answer(void *context, struct plimsoll_span body,
                         struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)body;
    struct plimsoll_verbs *verbs = context;
    if (verbs->cluster == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  "no picture: give --kubeconfig or --cluster-state");
    }
    struct plimsoll_view_options options = read_options(exchange);
    plimsoll_autotext page = plimsoll_text_make(PAGE_BYTES_MAX);
    plimsoll_cluster_read_begin(verbs->cluster);
    size_t count = plimsoll_cluster_node_count(verbs->cluster);
    for (size_t i = 0; i < count; i++) {
        struct plimsoll_extender_node node;
        if (plimsoll_cluster_node_at(verbs->cluster, i, &node) && node.view.node->card_count > 0) {
            plimsoll_view_node(&node, &options, &page);
        }
    }
    plimsoll_cluster_read_end(verbs->cluster);
    if (page.size == 0) {
        plimsoll_text_add_string(&page, "no node with a GPU is known\n");
    }
    plimsoll_http_answer(exchange, 200, "text/plain; charset=utf-8", &page);
    return 0;
}

static uint64_t read_count(const atomic_ullong *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void add_verbs(const struct plimsoll_verbs *verbs, struct plimsoll_text *out)
{
    static const char *const results[] = {"skipped", "mutated", "denied"};
    const struct plimsoll_verb_counts *counts = &verbs->counts;
    const char *name = "plimsoll_admission_requests_total";
    plimsoll_metrics_head(out, name, "counter", "Reviews answered, by what they came to.");
    for (size_t i = 0; i < 3; i++) {
        plimsoll_metrics_uint(out, name, read_count(&counts->admission[i]), "result", results[i],
                              NULL);
    }
    name = "plimsoll_extender_requests_total";
    plimsoll_metrics_head(out, name, "counter", "Calls of filter and prioritize.");
    plimsoll_metrics_uint(out, name, read_count(&counts->filter_gpu), "pod_kind", "gpu", NULL);
    plimsoll_metrics_uint(out, name, read_count(&counts->filter_other), "pod_kind", "other", NULL);
    name = "plimsoll_filter_nodes_rejected_total";
    plimsoll_metrics_head(out, name, "counter", "Nodes that filter refused, by reason.");
    for (int reason = PLIMSOLL_FITS + 1; reason <= PLIMSOLL_REFUSED; reason++) {
        plimsoll_metrics_uint(out, name, read_count(&counts->nodes_rejected[reason]), "reason",
                              plimsoll_reason_label((enum plimsoll_reason)reason), NULL);
    }
}

static void add_preemption(const struct plimsoll_verb_counts *counts, struct plimsoll_text *out)
{
    const char *name = "plimsoll_preempt_requests_total";
    plimsoll_metrics_head(out, name, "counter", "Calls of preempt.");
    plimsoll_metrics_uint(out, name, read_count(&counts->preempt_gpu), "pod_kind", "gpu", NULL);
    plimsoll_metrics_uint(out, name, read_count(&counts->preempt_other), "pod_kind", "other", NULL);
    name = "plimsoll_preempt_candidates_total";
    plimsoll_metrics_head(out, name, "counter",
                          "Nodes where the scheduler would evict, by whether that makes room.");
    plimsoll_metrics_uint(out, name, read_count(&counts->candidates_passed), "result", "passed",
                          NULL);
    plimsoll_metrics_uint(out, name, read_count(&counts->candidates_dropped), "result", "dropped",
                          NULL);
    name = "plimsoll_preempt_victims_added_total";
    plimsoll_metrics_head(out, name, "counter",
                          "Pods that have to leave besides those the scheduler proposed.");
    plimsoll_metrics_uint(out, name, read_count(&counts->victims_added), NULL);
}

/* One metric of every card: which number of the load it is. */
static void add_card_gauge(struct plimsoll_cluster *cluster, const char *name, const char *help,
                           size_t offset, struct plimsoll_text *out)
{
    plimsoll_metrics_head(out, name, "gauge", help);
    size_t count = plimsoll_cluster_node_count(cluster);
    for (size_t i = 0; i < count; i++) {
        struct plimsoll_extender_node node;
        if (!plimsoll_cluster_node_at(cluster, i, &node)) {
            continue;
        }
        for (uint32_t card = 0; card < node.view.node->card_count; card++) {
            const struct plimsoll_card *it = &node.view.node->cards[card];
            uint64_t value;
            memcpy(&value, (const char *)&node.load->cards[card] + offset, sizeof value);
            char index[8];
            snprintf(index, sizeof index, "%d", it->index);
            plimsoll_metrics_uint(out, name, value, "node", node.view.node->name, "gpu_uuid",
                                  it->id, "gpu_index", index, "gpu_model", it->product, NULL);
        }
    }
}

/* What of a node is no number of a card. */
static void add_nodes(struct plimsoll_cluster *cluster, struct plimsoll_text *out)
{
    const char *name = "plimsoll_node_guarantee";
    struct plimsoll_extender_node node;
    size_t count = plimsoll_cluster_node_count(cluster);
    uint64_t over_line = 0;
    plimsoll_metrics_head(out, name, "gauge",
                          "What the node promises pods with a vendor resource: 1.");
    for (size_t i = 0; i < count; i++) {
        if (plimsoll_cluster_node_at(cluster, i, &node) && node.view.node->card_count > 0) {
            uint64_t over = plimsoll_placement_over_line(node.view.node, node.load);
            over_line += (uint64_t)__builtin_popcountll(over);
            plimsoll_metrics_uint(
                out, name, 1, "node", node.view.node->name, "guarantee",
                plimsoll_guarantee_text(plimsoll_placement_guarantee(node.view.node)), NULL);
        }
    }
    name = "plimsoll_cards_over_line";
    plimsoll_metrics_head(out, name, "gauge", "Cards that stand over their line.");
    plimsoll_metrics_uint(out, name, over_line, NULL);
}

/* A node whose report is stale still counts; its card may hold more by now. */
static void add_reports(struct plimsoll_cluster *cluster, struct plimsoll_text *out)
{
    static const char written[] = "plimsoll_node_report_timestamp_seconds";
    static const char stale[] = "plimsoll_node_report_stale";
    struct plimsoll_extender_node node;
    size_t count = plimsoll_cluster_node_count(cluster);
    plimsoll_metrics_head(out, written, "gauge",
                          "When the node's last report was written; agents write on change.");
    for (size_t i = 0; i < count; i++) {
        if (plimsoll_cluster_node_at(cluster, i, &node) && node.view.node->report_time > 0) {
            plimsoll_metrics_double(out, written, (double)node.view.node->report_time / 1000,
                                    "node", node.view.node->name, NULL);
        }
    }
    plimsoll_metrics_head(out, stale, "gauge", "1 while nothing new is heard of the node.");
    for (size_t i = 0; i < count; i++) {
        if (plimsoll_cluster_node_at(cluster, i, &node) && node.view.node->card_count > 0) {
            plimsoll_metrics_uint(out, stale, node.view.stale, "node", node.view.node->name, NULL);
        }
    }
}

static void add_cluster(struct plimsoll_cluster *cluster, struct plimsoll_text *out)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } gauges[] = {
#define GAUGE(field, help)                                                                         \
    {"plimsoll_gpu_memory_" #field "_bytes", help, offsetof(struct plimsoll_load, field)}
        GAUGE(total, "Bytes that programs can have."),
        GAUGE(line, "Bytes up to which the card may be loaded."),
        GAUGE(used, "Bytes in use as measured; 0 when nobody reports."),
        GAUGE(booked, "Bytes that pods hold."),
        GAUGE(foreign, "Bytes in use by nobody that is booked."),
        GAUGE(free, "Bytes that a pod can still ask for."),
#undef GAUGE
    };
    plimsoll_cluster_read_begin(cluster);
    plimsoll_metrics_head(out, "plimsoll_nodes", "gauge", "Nodes in the picture.");
    plimsoll_metrics_uint(out, "plimsoll_nodes", plimsoll_cluster_node_count(cluster), NULL);
    plimsoll_metrics_head(out, "plimsoll_gpu_pods", "gauge", "Unfinished GPU pods in the picture.");
    plimsoll_metrics_uint(out, "plimsoll_gpu_pods", plimsoll_cluster_pod_count(cluster), NULL);
    add_nodes(cluster, out);
    add_reports(cluster, out);
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        add_card_gauge(cluster, gauges[i].name, gauges[i].help, gauges[i].offset, out);
    }
    plimsoll_cluster_read_end(cluster);
}

int plimsoll_metrics_answer(void *context, struct plimsoll_span body,
                            struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)body;
    (void)err;
    struct plimsoll_verbs *verbs = context;
    plimsoll_autotext out = plimsoll_text_make(METRICS_BYTES_MAX);
    plimsoll_metrics_head(&out, "plimsoll_build_info", "gauge", "Version of this server.");
    plimsoll_metrics_uint(&out, "plimsoll_build_info", 1, "version", PLIMSOLL_VERSION, NULL);
    struct plimsoll_http *http = atomic_load(&verbs->http);
    if (http != NULL) {
        plimsoll_http_metrics(http, &out);
    }
    if (verbs->certificates != NULL) {
        plimsoll_certificates_metrics(verbs->certificates, &out);
    }
    add_verbs(verbs, &out);
    add_preemption(&verbs->counts, &out);
    if (verbs->keeper != NULL) {
        plimsoll_bookkeeper_metrics(verbs->keeper, &out);
    }
    if (verbs->cluster != NULL) {
        add_cluster(verbs->cluster, &out);
    }
    plimsoll_http_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
    return 0;
}
