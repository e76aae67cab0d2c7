/* SPDX-License-Identifier: Apache-2.0 */
/* The server's numbers as Prometheus text. */
#include "server.h"

#include <plimsoll/metrics.h>

static void write_connections(const struct plimsoll_http *http, struct plimsoll_text *out)
{
    plimsoll_metrics_head(out, "plimsoll_http_connections", "gauge", "Open client connections.");
    for (size_t i = 0; i < http->listener_count; i++) {
        struct listener *listener = &http->listeners[i];
        pthread_mutex_lock(&listener->lock);
        unsigned count = listener->connection_count;
        pthread_mutex_unlock(&listener->lock);
        plimsoll_metrics_uint(out, "plimsoll_http_connections", count, "listener",
                              listener->spec.name, (const char *)NULL);
    }
}

/* The earlier of two ends, 0 being none. */
static int64_t earlier(int64_t one, int64_t other)
{
    return one == 0 || (other != 0 && other < one) ? other : one;
}

static struct identity_numbers add_up(const struct plimsoll_http *http)
{
    struct identity_numbers all = {.expires_unix_s = 0};
    for (size_t i = 0; i < http->listener_count; i++) {
        if (http->listeners[i].identities != NULL) {
            struct identity_numbers one = identity_numbers(http->listeners[i].identities);
            all.reloads += one.reloads;
            all.reloads_failed += one.reloads_failed;
            all.expires_unix_s = earlier(all.expires_unix_s, one.expires_unix_s);
            all.ca_expires_unix_s = earlier(all.ca_expires_unix_s, one.ca_expires_unix_s);
        }
    }
    return all;
}

static void write_certificates(const struct plimsoll_http *http, struct plimsoll_text *out)
{
    static const char expires[] = "plimsoll_certificate_expiration_timestamp_seconds";
    static const char reloads[] = "plimsoll_certificate_reloads_total";
    const struct identity_numbers all = add_up(http);
    if (all.expires_unix_s == 0) {
        return;
    }
    plimsoll_metrics_head(out, expires, "gauge",
                          "When the serving certificate in use ends, and the CA of a kept one.");
    plimsoll_metrics_double(out, expires, (double)all.expires_unix_s, "cert", "leaf",
                            (const char *)NULL);
    if (all.ca_expires_unix_s != 0) {
        plimsoll_metrics_double(out, expires, (double)all.ca_expires_unix_s, "cert", "ca",
                                (const char *)NULL);
    }
    plimsoll_metrics_head(out, reloads, "counter", "Changes of certificates taken or refused.");
    plimsoll_metrics_uint(out, reloads, all.reloads, "result", "ok", (const char *)NULL);
    plimsoll_metrics_uint(out, reloads, all.reloads_failed, "result", "refused",
                          (const char *)NULL);
}

void plimsoll_http_metrics(const struct plimsoll_http *http, struct plimsoll_text *out)
{
    series_write(http->series, out);
    write_connections(http, out);
    write_certificates(http, out);
}
