/* SPDX-License-Identifier: Apache-2.0 */
#include "series.h"

#include <plimsoll/metrics.h>

#include <stdio.h>

static const struct {
    uint64_t ns;
    const char *le;
} bounds[SERIES_BUCKETS] = {
    {500000, "0.0005"},  {1000000, "0.001"},  {2500000, "0.0025"}, {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},  {1000000000, "1"},   {2500000000, "2.5"},
    {5000000000, "5"},   {10000000000, "10"},
};

struct series *series_named(struct series **list, const char *name)
{
    while (*list != NULL) {
        if (strcmp((*list)->name, name) == 0) {
            return *list;
        }
        list = &(*list)->next;
    }
    *list = plimsoll_alloc(1, sizeof(struct series));
    (*list)->name = name;
    return *list;
}

void series_free(struct series *list)
{
    while (list != NULL) {
        struct series *next = list->next;
        free(list);
        list = next;
    }
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void series_answered(struct series *series, unsigned status, uint64_t duration_ns)
{
    size_t bucket = 0;
    while (bucket < SERIES_BUCKETS && duration_ns > bounds[bucket].ns) {
        bucket++;
    }
    add(&series->codes[status < SERIES_CODES ? status : 0], 1);
    add(&series->buckets[bucket], 1);
    add(&series->total_ns, duration_ns);
}

void series_aborted(struct series *series)
{
    add(&series->aborted, 1);
}

static void write_requests(const struct series *list, struct plimsoll_text *out)
{
    static const char name[] = "plimsoll_http_requests_total";
    plimsoll_metrics_head(out, name, "counter", "Requests answered, by handler and status code.");
    for (const struct series *series = list; series != NULL; series = series->next) {
        for (unsigned code = 0; code < SERIES_CODES; code++) {
            uint64_t count = get(&series->codes[code]);
            if (count != 0) {
                char text[16];
                (void)snprintf(text, sizeof text, "%u", code);
                plimsoll_metrics_uint(out, name, count, "handler", series->name, "code", text,
                                      (const char *)NULL);
            }
        }
    }
}

static void write_aborted(const struct series *list, struct plimsoll_text *out)
{
    static const char name[] = "plimsoll_http_requests_aborted_total";
    plimsoll_metrics_head(out, name, "counter", "Requests whose client went away unanswered.");
    for (const struct series *series = list; series != NULL; series = series->next) {
        plimsoll_metrics_uint(out, name, get(&series->aborted), "handler", series->name,
                              (const char *)NULL);
    }
}

static void write_duration(const struct series *series, struct plimsoll_text *out)
{
    static const char bucket_name[] = "plimsoll_http_request_duration_seconds_bucket";
    uint64_t count = 0;
    for (size_t i = 0; i < SERIES_BUCKETS; i++) {
        count += get(&series->buckets[i]);
        plimsoll_metrics_uint(out, bucket_name, count, "handler", series->name, "le", bounds[i].le,
                              (const char *)NULL);
    }
    count += get(&series->buckets[SERIES_BUCKETS]);
    plimsoll_metrics_uint(out, bucket_name, count, "handler", series->name, "le", "+Inf",
                          (const char *)NULL);
    plimsoll_metrics_double(out, "plimsoll_http_request_duration_seconds_sum",
                            (double)get(&series->total_ns) / 1e9, "handler", series->name,
                            (const char *)NULL);
    plimsoll_metrics_uint(out, "plimsoll_http_request_duration_seconds_count", count, "handler",
                          series->name, (const char *)NULL);
}

void series_write(const struct series *list, struct plimsoll_text *out)
{
    write_requests(list, out);
    write_aborted(list, out);
    plimsoll_metrics_head(out, "plimsoll_http_request_duration_seconds", "histogram",
                          "From the request line to the end of the answer.");
    for (const struct series *series = list; series != NULL; series = series->next) {
        write_duration(series, out);
    }
}
