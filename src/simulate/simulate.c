/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <plimsoll/books.h>

#include <string.h>

struct plimsoll_simulation *plimsoll_simulation_new(const struct plimsoll_config *config,
                                                    int64_t now_unix_ms)
{
    struct plimsoll_simulation *simulation = plimsoll_alloc(1, sizeof *simulation);
    simulation->config = config;
    simulation->cluster = plimsoll_cluster_new(&(struct plimsoll_cluster_options){
        .reading = &config->reading,
        .settings = &config->placement,
        .runtime_classes = (const char *const *)config->runtime_classes.list,
        .runtime_class_count = config->runtime_classes.count,
        .max_report_age_ms = config->max_report_age_ms,
    });
    simulation->books = plimsoll_books_new(&(struct plimsoll_books_options){.identity = NULL});
    plimsoll_cluster_tick(simulation->cluster, now_unix_ms);
    for (int kind = 0; kind < PLIMSOLL_KIND_COUNT; kind++) {
        plimsoll_cluster_list_begin(simulation->cluster, (enum plimsoll_kind)kind);
    }
    return simulation;
}

static void free_bound(struct plimsoll_simulation *simulation)
{
    for (size_t i = 0; i < simulation->bound_count; i++) {
        free(simulation->bound[i].node);
    }
    free(PLIMSOLL_TAKE(simulation->bound));
    simulation->bound_count = simulation->bound_capacity = 0;
}

void plimsoll_simulation_free(struct plimsoll_simulation **handle)
{
    struct plimsoll_simulation *simulation = PLIMSOLL_TAKE(*handle);
    if (simulation == NULL) {
        return;
    }
    for (size_t i = 0; i < simulation->host_count; i++) {
        plimsoll_host_clear(&simulation->hosts[i]);
    }
    free(simulation->hosts);
    free_bound(simulation);
    plimsoll_books_free(&simulation->books);
    plimsoll_cluster_free(&simulation->cluster);
    free(simulation);
}

struct plimsoll_cluster *plimsoll_simulation_cluster(struct plimsoll_simulation *simulation)
{
    return simulation->cluster;
}

/* -- the cluster as it is ------------------------------------------------------------------------
 */

static int note_node(struct plimsoll_simulation *simulation, struct plimsoll_span object,
                     struct plimsoll_error *err)
{
    struct plimsoll_node node = {0};
    struct plimsoll_host host = {0};
    if (plimsoll_node_read(object, &simulation->config->reading, &node, err) < 0) {
        return -1;
    }
    int result = plimsoll_host_read(object, &node, &host, err);
    plimsoll_node_clear(&node);
    if (result < 0) {
        return -1;
    }
    if (simulation->host_count == simulation->host_capacity) {
        simulation->host_capacity = 2 * simulation->host_capacity + 16;
        simulation->hosts = plimsoll_realloc(simulation->hosts, simulation->host_capacity,
                                             sizeof *simulation->hosts);
    }
    simulation->hosts[simulation->host_count++] = host;
    return 0;
}

static int note_pod(struct plimsoll_simulation *simulation, struct plimsoll_span object,
                    struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    if (plimsoll_pod_read(object, &simulation->config->reading.resources, &pod, err) < 0) {
        return -1;
    }
    if (pod.node[0] != '\0' && !pod.finished) {
        if (simulation->bound_count == simulation->bound_capacity) {
            simulation->bound_capacity = 2 * simulation->bound_capacity + 16;
            simulation->bound = plimsoll_realloc(simulation->bound, simulation->bound_capacity,
                                                 sizeof *simulation->bound);
        }
        simulation->bound[simulation->bound_count++] = (struct plimsoll_bound){
            .node = PLIMSOLL_TAKE(pod.node), .requests = pod.demand.requests};
    }
    plimsoll_pod_clear(&pod);
    return 0;
}

int plimsoll_simulation_add(struct plimsoll_simulation *simulation, enum plimsoll_kind kind,
                            struct plimsoll_span object, struct plimsoll_error *err)
{
    if (plimsoll_cluster_set(simulation->cluster, kind, object, err) < 0) {
        return -1;
    }
    simulation->runtime_classes |= kind == PLIMSOLL_KIND_RUNTIME_CLASSES;
    if (kind == PLIMSOLL_KIND_NODES) {
        return note_node(simulation, object, err);
    }
    return kind == PLIMSOLL_KIND_PODS ? note_pod(simulation, object, err) : 0;
}

static int compare_hosts(const void *left, const void *right)
{
    const struct plimsoll_host *a = left, *b = right;
    return strcmp(a->name, b->name);
}

/* Of a node that was given twice one is kept. */
static void sort_hosts(struct plimsoll_simulation *simulation)
{
    size_t kept = 0;
    if (simulation->host_count == 0) {
        return;
    }
    qsort(simulation->hosts, simulation->host_count, sizeof *simulation->hosts, compare_hosts);
    for (size_t i = 1; i < simulation->host_count; i++) {
        struct plimsoll_host *host = &simulation->hosts[i];
        if (strcmp(simulation->hosts[kept].name, host->name) == 0) {
            plimsoll_host_clear(host);
        } else {
            simulation->hosts[++kept] = *host;
        }
    }
    simulation->host_count = kept + 1;
}

struct plimsoll_host *plimsoll_simulation_host(const struct plimsoll_simulation *simulation,
                                               const char *name)
{
    size_t low = 0, high = simulation->host_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(simulation->hosts[middle].name, name);
        if (order == 0) {
            return &simulation->hosts[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

void plimsoll_simulation_begin(struct plimsoll_simulation *simulation)
{
    plimsoll_cluster_list_end(simulation->cluster, PLIMSOLL_KIND_NODES);
    plimsoll_cluster_list_end(simulation->cluster, PLIMSOLL_KIND_PODS);
    if (simulation->runtime_classes) {
        plimsoll_cluster_list_end(simulation->cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
    } else {
        plimsoll_cluster_skip(simulation->cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
    }
    sort_hosts(simulation);
    for (size_t i = 0; i < simulation->bound_count; i++) {
        const struct plimsoll_bound *bound = &simulation->bound[i];
        struct plimsoll_host *host = plimsoll_simulation_host(simulation, bound->node);
        if (host != NULL) {
            host->used.cpu_milli += bound->requests.cpu_milli;
            host->used.memory += bound->requests.memory;
            host->pods++;
        }
    }
    free_bound(simulation);
}
