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

static void write_certificates(const struct plimsoll_http *http, struct plimsoll_text *out)
{
    static const char reloads[] = "plimsoll_certificate_reloads_total";
    struct identity_numbers all = {.expires_unix_s = INT64_MAX};
    for (size_t i = 0; i < http->listener_count; i++) {
        if (http->listeners[i].identities != NULL) {
            struct identity_numbers one = identity_numbers(http->listeners[i].identities);
            all.reloads += one.reloads;
            all.reloads_failed += one.reloads_failed;
            if (one.expires_unix_s < all.expires_unix_s) {
                all.expires_unix_s = one.expires_unix_s;
            }
        }
    }
    if (all.expires_unix_s == INT64_MAX) {
        return;
    }
    plimsoll_metrics_head(out, "plimsoll_certificate_expiration_timestamp_seconds", "gauge",
                          "When the serving certificate in use ends.");
    plimsoll_metrics_double(out, "plimsoll_certificate_expiration_timestamp_seconds",
                            (double)all.expires_unix_s, "cert", "leaf", (const char *)NULL);
    plimsoll_metrics_head(out, reloads, "counter",
                          "Changes of certificate files taken or refused.");
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
