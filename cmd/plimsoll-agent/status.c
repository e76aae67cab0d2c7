/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <plimsoll/clock.h>
#include <plimsoll/limits.h>
#include <plimsoll/metrics.h>

#include <pthread.h>
#include <string.h>

/* Reports of an agent that is unready go stale (design §4.1). */
#define MEASURED_MS_MAX 30000
/* A driver may hang for as long as it is being reloaded; after that a new process is worth a try.
 */
#define LOOK_MS_MAX 300000
/* Probes and a scraper. */
#define CONNECTIONS_MAX   16u
#define DEADLINE_MS       10000u
#define BODY_BYTES_MAX    1024u
#define METRICS_BYTES_MAX (256u * 1024)
#define ROUTE_COUNT       4

/* What metrics say of a card. */
struct gauge {
    char id[PLIMSOLL_CARD_ID_SIZE];
    int32_t index;
    uint64_t total, used;
    bool healthy;
};

struct plimsoll_status {
    pthread_mutex_t lock; /* guards everything up to `counts` */
    struct gauge gauges[PLIMSOLL_CARDS_MAX];
    uint32_t gauge_count;
    int64_t looked_ms, measured_ms; /* monotonic; measured -1: never */
    uint64_t looks, looks_failed;
    char reason[PLIMSOLL_ERROR_MESSAGE_SIZE];
    struct plimsoll_writer_counts counts;
    struct plimsoll_http_route routes[ROUTE_COUNT];
    struct plimsoll_health_check live_check, ready_check;
    struct plimsoll_health livez, readyz;
    struct plimsoll_http_buffer metrics;
    struct plimsoll_http *http;
};

static int is_measuring(void *context, struct plimsoll_error *err)
{
    struct plimsoll_status *status = context;
    pthread_mutex_lock(&status->lock);
    int64_t measured = status->measured_ms;
    int64_t age = plimsoll_clock_monotonic_ms() - measured;
    int result = 0;
    if (measured < 0) {
        result = plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "not measured yet: %s",
                                    status->reason);
    } else if (age > MEASURED_MS_MAX) {
        result = plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "not measured for %lld s: %s",
                                    (long long)(age / 1000), status->reason);
    }
    pthread_mutex_unlock(&status->lock);
    return result;
}

static int is_looking(void *context, struct plimsoll_error *err)
{
    struct plimsoll_status *status = context;
    pthread_mutex_lock(&status->lock);
    int64_t age = plimsoll_clock_monotonic_ms() - status->looked_ms;
    pthread_mutex_unlock(&status->lock);
    return age <= LOOK_MS_MAX ? 0
                              : plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                                   "a look at the cards has not ended for %lld s",
                                                   (long long)(age / 1000));
}

static void add_card_metric(const struct plimsoll_status *status, struct plimsoll_text *out,
                            const char *name, const char *help,
                            uint64_t (*value)(const struct gauge *gauge))
{
    plimsoll_metrics_head(out, name, "gauge", help);
    for (uint32_t i = 0; i < status->gauge_count; i++) {
        char index[16];
        snprintf(index, sizeof index, "%d", status->gauges[i].index);
        if (value(&status->gauges[i]) != PLIMSOLL_BYTES_UNKNOWN) {
            plimsoll_metrics_uint(out, name, value(&status->gauges[i]), "card",
                                  status->gauges[i].id, "index", index, NULL);
        }
    }
}

static uint64_t total_of(const struct gauge *gauge)
{
    return gauge->total;
}

static uint64_t used_of(const struct gauge *gauge)
{
    return gauge->used;
}

static uint64_t health_of(const struct gauge *gauge)
{
    return gauge->healthy;
}

static void add_counter(struct plimsoll_text *out, const char *name, const char *help,
                        uint64_t good, uint64_t bad)
{
    plimsoll_metrics_head(out, name, "counter", help);
    plimsoll_metrics_uint(out, name, good, "result", "ok", NULL);
    plimsoll_metrics_uint(out, name, bad, "result", "failed", NULL);
}

static int answer_metrics(void *context, struct plimsoll_span body,
                          struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)body, (void)err;
    struct plimsoll_status *status = context;
    struct plimsoll_text out = plimsoll_text_make(METRICS_BYTES_MAX);
    pthread_mutex_lock(&status->lock);
    add_card_metric(status, &out, "plimsoll_agent_card_vram_bytes",
                    "Memory that programs can have on the card.", total_of);
    add_card_metric(status, &out, "plimsoll_agent_card_used_bytes", "Memory in use on the card.",
                    used_of);
    add_card_metric(status, &out, "plimsoll_agent_card_healthy", "1 when the card is healthy.",
                    health_of);
    add_counter(&out, "plimsoll_agent_looks_total", "Looks at the cards.",
                status->looks - status->looks_failed, status->looks_failed);
    add_counter(&out, "plimsoll_agent_writes_total", "Writes of the node's annotations.",
                status->counts.written, status->counts.failed);
    plimsoll_metrics_head(&out, "plimsoll_agent_reads_total", "counter",
                          "Reads of the node's metadata.");
    plimsoll_metrics_uint(&out, "plimsoll_agent_reads_total", status->counts.reads, NULL);
    if (status->measured_ms >= 0) {
        int64_t age = plimsoll_clock_monotonic_ms() - status->measured_ms;
        plimsoll_metrics_head(&out, "plimsoll_agent_measured_age_seconds", "gauge",
                              "Seconds since every card was measured.");
        plimsoll_metrics_double(&out, "plimsoll_agent_measured_age_seconds", (double)age / 1000,
                                NULL);
    }
    pthread_mutex_unlock(&status->lock);
    plimsoll_http_metrics(status->http, &out);
    plimsoll_http_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
    return 0;
}

static struct plimsoll_http_route route(const char *path,
                                        const struct plimsoll_http_handler *handler, void *context)
{
    return (struct plimsoll_http_route){.method = "GET",
                                        .path = path,
                                        .name = path + 1,
                                        .handler = handler,
                                        .context = context,
                                        .body_bytes_max = BODY_BYTES_MAX,
                                        .deadline_ms = DEADLINE_MS};
}

static void add_routes(struct plimsoll_status *status)
{
    status->live_check = (struct plimsoll_health_check){"looking", is_looking, status};
    status->ready_check = (struct plimsoll_health_check){"measuring", is_measuring, status};
    status->livez = (struct plimsoll_health){"livez", &status->live_check, 1};
    status->readyz = (struct plimsoll_health){"readyz", &status->ready_check, 1};
    status->metrics = (struct plimsoll_http_buffer){answer_metrics, status};
    status->routes[0] = route("/metrics", &plimsoll_http_buffered, &status->metrics);
    status->routes[1] = route("/livez", &plimsoll_health_handler, &status->livez);
    status->routes[2] = route("/readyz", &plimsoll_health_handler, &status->readyz);
    status->routes[3] = route("/healthz", &plimsoll_health_handler, &status->livez);
}

int plimsoll_status_start(const char *address, struct plimsoll_status **out,
                          struct plimsoll_error *err)
{
    struct plimsoll_status *status = plimsoll_alloc(1, sizeof *status);
    pthread_mutex_init(&status->lock, NULL);
    status->measured_ms = -1;
    status->looked_ms = plimsoll_clock_monotonic_ms();
    strcpy(status->reason, "the first look has not ended");
    add_routes(status);
    struct plimsoll_http_listener listener = {.address = address,
                                              .name = "metrics",
                                              .routes = status->routes,
                                              .route_count = ROUTE_COUNT,
                                              .connections_max = CONNECTIONS_MAX};
    /* Nobody may ask for metrics before `http` is set. */
    pthread_mutex_lock(&status->lock);
    int result = plimsoll_http_start(&listener, 1, &status->http, err);
    pthread_mutex_unlock(&status->lock);
    if (result != 0) {
        plimsoll_status_stop(&status);
        return -1;
    }
    *out = status;
    return 0;
}

void plimsoll_status_stop(struct plimsoll_status **handle)
{
    struct plimsoll_status *status = PLIMSOLL_TAKE(*handle);
    if (status == NULL) {
        return;
    }
    plimsoll_http_stop(&status->http);
    pthread_mutex_destroy(&status->lock);
    free(status);
}

void plimsoll_status_looked(struct plimsoll_status *status, const struct plimsoll_look *look,
                            bool whole, const char *reason)
{
    if (status == NULL) {
        return;
    }
    pthread_mutex_lock(&status->lock);
    status->looked_ms = plimsoll_clock_monotonic_ms();
    status->looks++;
    status->looks_failed += !whole;
    if (whole) {
        status->measured_ms = status->looked_ms;
    }
    snprintf(status->reason, sizeof status->reason, "%s", reason);
    status->gauge_count = look != NULL ? look->measurement->device_count : 0;
    for (uint32_t i = 0; i < status->gauge_count; i++) {
        const struct plimsoll_device *device = &look->measurement->devices[i];
        struct gauge *gauge = &status->gauges[i];
        memcpy(gauge->id, device->id, sizeof gauge->id);
        gauge->index = device->index;
        gauge->total = device->total;
        gauge->used = device->used;
        gauge->healthy = strcmp(device->health, "ok") == 0;
    }
    pthread_mutex_unlock(&status->lock);
}

void plimsoll_status_wrote(struct plimsoll_status *status,
                           const struct plimsoll_writer_counts *counts)
{
    if (status != NULL) {
        pthread_mutex_lock(&status->lock);
        status->counts = *counts;
        pthread_mutex_unlock(&status->lock);
    }
}
