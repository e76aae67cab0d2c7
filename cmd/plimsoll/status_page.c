/* SPDX-License-Identifier: Apache-2.0 */
#include "status_page.h"

#include "page.h"
#include "status_parts.h"

#include <plimsoll/clock.h>

#include <string.h>

/* 24 nodes of 64 cards with 32 pods each, whose names are as long as they may be. */
#define DATA_BYTES_MAX (32u * 1024 * 1024)

static void set_headers(struct plimsoll_http_exchange *exchange, const char *policy)
{
    static const char *const headers[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
        {"Vary", "Accept"},
    };
    plimsoll_http_set_header(exchange, "Content-Security-Policy", policy);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        plimsoll_http_set_header(exchange, headers[i][0], headers[i][1]);
    }
}

/* -- the document --------------------------------------------------------------------------------
 */

/* Whoever shapes the text wants text, and so does everybody who does not ask for a document. */
static bool wants_text(const struct plimsoll_http_exchange *exchange)
{
    static const char *const keys[] = {"text", "colour", "width", "ascii"};
    const char *accept = plimsoll_http_header(exchange, "Accept");
    bool text = accept == NULL || strstr(accept, "text/html") == NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        text |= plimsoll_http_query(exchange, keys[i]) != NULL;
    }
    return text;
}

int plimsoll_status_page_answer(void *context, struct plimsoll_span body,
                                struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    set_headers(exchange, plimsoll_page_policy);
    if (wants_text(exchange)) {
        return plimsoll_page_answer(context, body, exchange, err);
    }
    plimsoll_autotext page = plimsoll_text_make(plimsoll_page_html_size);
    plimsoll_text_add(&page, (const char *)plimsoll_page_html, plimsoll_page_html_size);
    plimsoll_http_answer(exchange, 200, "text/html; charset=utf-8", &page);
    return 0;
}

/* -- its data ------------------------------------------------------------------------------------
 */

static int read_query(const struct plimsoll_http_exchange *exchange,
                      struct plimsoll_page_query *query, struct plimsoll_error *err)
{
    for (const char *const *key = plimsoll_page_keys; *key != NULL; key++) {
        const char *value = plimsoll_http_query(exchange, *key);
        if (value != NULL && value[0] != '\0' &&
            plimsoll_page_query_set(query, *key, value, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Changes whenever the answer to the same question would. */
static void write_tag(struct plimsoll_verbs *verbs, const struct plimsoll_status_waiters *waiters,
                      const char *trouble, char tag[64])
{
    plimsoll_cluster_read_begin(verbs->cluster);
    unsigned long long revision = plimsoll_cluster_revision(verbs->cluster);
    plimsoll_cluster_read_end(verbs->cluster);
    struct plimsoll_span list = {.data = (const char *)waiters->list,
                                 .size = waiters->count * sizeof *waiters->list};
    (void)snprintf(tag, 64, "\"%llx-%llx-%llx\"", revision, plimsoll_span_hash(list),
                   plimsoll_span_hash(plimsoll_span_of(trouble)));
}

static void write_data(struct plimsoll_verbs *verbs, const struct plimsoll_page_query *query,
                       const struct plimsoll_status_waiters *waiters, const char *trouble,
                       struct plimsoll_text *out)
{
    plimsoll_text_add_format(out, "{\"v\":1,\"version\":\"%s\",\"now\":%lld", PLIMSOLL_VERSION,
                             (long long)plimsoll_clock_unix_ms());
    if (trouble[0] != '\0') {
        plimsoll_text_add_string(out, ",\"trouble\":");
        plimsoll_text_add_json(out, plimsoll_span_of(trouble));
    }
    plimsoll_status_write_nodes(verbs, query, out);
    plimsoll_status_write_waiting(verbs, query, waiters, out);
    plimsoll_text_add_char(out, '}');
}

int plimsoll_status_data_answer(void *context, struct plimsoll_span body,
                                struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)body;
    struct plimsoll_verbs *verbs = context;
    struct plimsoll_page_query query = {0};
    if (verbs->cluster == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  "no picture: give --kubeconfig or --cluster-state");
    }
    if (read_query(exchange, &query, err) != 0) {
        return -1;
    }
    struct plimsoll_error why = {.message = ""};
    (void)plimsoll_verbs_current(verbs, &why);
    struct plimsoll_status_waiters waiters = plimsoll_status_waiters_read(verbs);
    char tag[64];
    write_tag(verbs, &waiters, why.message, tag);
    const char *known = plimsoll_http_header(exchange, "If-None-Match");
    bool same = known != NULL && strcmp(known, tag) == 0;
    plimsoll_autotext out = plimsoll_text_make(DATA_BYTES_MAX);
    if (!same) {
        write_data(verbs, &query, &waiters, why.message, &out);
    }
    free(waiters.list);
    set_headers(exchange, "default-src 'none'; frame-ancestors 'none'");
    plimsoll_http_set_header(exchange, "ETag", tag);
    plimsoll_http_answer(exchange, same ? 304 : 200, "application/json", &out);
    return 0;
}
