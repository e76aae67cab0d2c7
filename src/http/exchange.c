/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request through its route. MHD lets an answer be queued before the body or after it, never in
 * between; an answer in between is written past it, the rest of the body is read and dropped until
 * the client stops or the deadline comes, and then the connection is closed. So the client reads
 * the sentence instead of a reset.
 */
#include "headers.h"
#include "server.h"

#include <plimsoll/clock.h>

#include <assert.h>
#include <stdarg.h>
#include <strings.h>
#include <time.h>

/* A sentence of ours: an error's message and the newline. */
#define SENTENCE_BYTES_MAX (PLIMSOLL_ERROR_MESSAGE_SIZE + 2)
/* Such a sentence with status line and headers. */
#define EARLY_BYTES_MAX (SENTENCE_BYTES_MAX + 512)

struct plimsoll_http_exchange {
    struct listener *listener;
    struct connection *connection;
    struct MHD_Connection *mhd;
    const struct plimsoll_http_route *route; /* NULL: no route has this path */
    struct series *series;
    void *state;          /* the handler's */
    uint64_t start_ns;    /* of the request line, for the duration */
    uint64_t body_bytes;  /* so far */
    bool begun, finished; /* the handler's steps, or what stands in for them */
    bool deferred;
    bool closes;     /* the connection, after the answer */
    bool written;    /* early, past MHD */
    bool allows;     /* 405: say which methods */
    unsigned status; /* 0: not answered */
    const char *content_type;
    struct headers headers; /* of the answer, besides ours */
    struct plimsoll_text answer;
};

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool has_path(const struct plimsoll_http_route *route, struct plimsoll_span path)
{
    return plimsoll_span_is(path, route->path);
}

/* HEAD is GET whose body MHD leaves out. */
static bool has_method(const struct plimsoll_http_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void find_path(struct plimsoll_http_exchange *exchange, const char *uri)
{
    const struct listener *listener = exchange->listener;
    struct plimsoll_span path = {.data = uri, .size = strcspn(uri, "?")};
    exchange->series = listener->http->series;
    for (size_t i = 0; i < listener->spec.route_count; i++) {
        if (has_path(&listener->spec.routes[i], path)) {
            exchange->route = &listener->spec.routes[i];
            exchange->series = listener->series[i];
            return;
        }
    }
}

/* @return whether the path has that method; the route is the right one then. */
static bool find_method(struct plimsoll_http_exchange *exchange, const char *method)
{
    const struct listener *listener = exchange->listener;
    struct plimsoll_span path = plimsoll_span_of(exchange->route->path);
    for (size_t i = 0; i < listener->spec.route_count; i++) {
        const struct plimsoll_http_route *route = &listener->spec.routes[i];
        if (has_path(route, path) && has_method(route, method)) {
            exchange->route = route;
            exchange->series = listener->series[i];
            return true;
        }
    }
    return false;
}

void *exchange_uri(void *context, const char *uri, struct MHD_Connection *mhd)
{
    struct listener *listener = context;
    struct plimsoll_http_exchange *exchange = plimsoll_alloc(1, sizeof *exchange);
    exchange->listener = listener;
    exchange->mhd = mhd;
    exchange->connection = connection_of(mhd);
    exchange->start_ns = monotonic_ns();
    exchange->answer = plimsoll_text_make(0);
    find_path(exchange, uri);
    atomic_fetch_add(&listener->http->in_flight, 1);
    exchange->connection->exchange = exchange;
    connection_reading(exchange->connection);
    return exchange;
}

/* ---- answers ---- */

static void refuse(struct plimsoll_http_exchange *exchange, unsigned status, const char *format,
                   ...) PLIMSOLL_PRINTF(3, 4);

static void set_sentence(struct plimsoll_http_exchange *exchange, unsigned status,
                         const char *sentence)
{
    plimsoll_text_clear(&exchange->answer);
    exchange->answer = plimsoll_text_make(SENTENCE_BYTES_MAX);
    plimsoll_text_add_string(&exchange->answer, sentence);
    plimsoll_text_add_char(&exchange->answer, '\n');
    exchange->content_type = CONTENT_TYPE_TEXT;
    exchange->status = status;
    headers_clear(&exchange->headers);
}

static void refuse(struct plimsoll_http_exchange *exchange, unsigned status, const char *format,
                   ...)
{
    char sentence[PLIMSOLL_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    set_sentence(exchange, status, sentence);
}

static void refuse_slow(struct plimsoll_http_exchange *exchange)
{
    exchange->closes = true;
    refuse(exchange, MHD_HTTP_REQUEST_TIMEOUT, "the request did not arrive within its deadline");
}

static void refuse_large(struct plimsoll_http_exchange *exchange)
{
    exchange->closes = true;
    refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE,
           "the body is larger than %zu bytes, the most %s takes", exchange->route->body_bytes_max,
           exchange->route->path);
}

static const char *reason(unsigned status)
{
    return MHD_get_reason_phrase_for(status);
}

static void write_early(struct plimsoll_http_exchange *exchange)
{
    plimsoll_autotext text = plimsoll_text_make(EARLY_BYTES_MAX);
    plimsoll_text_add_format(&text,
                             "HTTP/1.1 %u %s\r\nContent-Type: " CONTENT_TYPE_TEXT
                             "\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                             exchange->status, reason(exchange->status), exchange->answer.size);
    plimsoll_text_add_span(&text, plimsoll_text_span(&exchange->answer));
    connection_write(exchange->connection, text.data, text.size);
    exchange->written = true;
}

static void add_allow(const struct plimsoll_http_exchange *exchange, struct MHD_Response *response)
{
    const struct plimsoll_http_listener *spec = &exchange->listener->spec;
    plimsoll_autotext allow = plimsoll_text_make(256);
    for (size_t i = 0; i < spec->route_count; i++) {
        if (has_path(&spec->routes[i], plimsoll_span_of(exchange->route->path))) {
            bool get = strcmp(spec->routes[i].method, "GET") == 0;
            plimsoll_text_add_format(&allow, "%s%s%s", allow.size > 0 ? ", " : "",
                                     spec->routes[i].method, get ? ", HEAD" : "");
        }
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow.data);
}

static enum MHD_Result queue(struct plimsoll_http_exchange *exchange)
{
    size_t size = exchange->answer.size;
    char *body = PLIMSOLL_TAKE(exchange->answer.data);
    exchange->answer = plimsoll_text_make(0);
    struct MHD_Response *response =
        MHD_create_response_from_buffer_with_free_callback(size, body, free);
    if (response == NULL) {
        free(body);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, exchange->content_type);
    headers_write(&exchange->headers, response);
    if (exchange->allows) {
        add_allow(exchange, response);
    }
    if (exchange->closes || atomic_load(&exchange->listener->http->draining)) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    connection_answering(exchange->connection);
    enum MHD_Result queued = MHD_queue_response(exchange->mhd, exchange->status, response);
    MHD_destroy_response(response);
    return queued;
}

void plimsoll_http_answer(struct plimsoll_http_exchange *exchange, unsigned status,
                          const char *content_type, struct plimsoll_text *body)
{
    assert(exchange->status == 0);
    if (body->overflowed) {
        refuse(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "the answer is larger than %zu bytes",
               body->size_max);
        plimsoll_text_clear(body);
    } else {
        exchange->status = status;
        exchange->content_type = content_type;
        exchange->answer = *body;
        *body = plimsoll_text_make(body->size_max);
    }
    if (exchange->deferred) {
        struct plimsoll_http *http = exchange->listener->http;
        MHD_resume_connection(exchange->mhd); /* the exchange may be gone from here on */
        atomic_fetch_sub(&http->owed, 1);
    }
}

void plimsoll_http_answer_error(struct plimsoll_http_exchange *exchange,
                                const struct plimsoll_error *err)
{
    plimsoll_autotext sentence = plimsoll_text_make(SENTENCE_BYTES_MAX);
    plimsoll_text_add_string(&sentence, err->message);
    plimsoll_text_add_char(&sentence, '\n');
    plimsoll_http_answer(exchange, plimsoll_error_status(err->kind), CONTENT_TYPE_TEXT, &sentence);
}

void plimsoll_http_defer(struct plimsoll_http_exchange *exchange)
{
    assert(exchange->status == 0 && !exchange->deferred);
    exchange->deferred = true;
    MHD_suspend_connection(exchange->mhd);
}

/* ---- steps ---- */

static const char *header(const struct plimsoll_http_exchange *exchange, const char *name)
{
    return MHD_lookup_connection_value(exchange->mhd, MHD_HEADER_KIND, name);
}

static unsigned long long declared_bytes(const struct plimsoll_http_exchange *exchange)
{
    /* MHD has answered 400 to what is no number. */
    unsigned long long size = 0;
    const char *length = header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return plimsoll_span_decimal(plimsoll_span_of(length), &size) ? size : 0;
}

static bool has_body(const struct plimsoll_http_exchange *exchange)
{
    return header(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL ||
           declared_bytes(exchange) > 0;
}

static bool waits_for_continue(const struct plimsoll_http_exchange *exchange)
{
    const char *expect = header(exchange, MHD_HTTP_HEADER_EXPECT);
    return expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

static void begin_handler(struct plimsoll_http_exchange *exchange)
{
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_INTERNAL};
    const struct plimsoll_http_route *route = exchange->route;
    exchange->state = route->handler->begin(route->context, exchange, &err);
    if (exchange->state == NULL) {
        set_sentence(exchange, plimsoll_error_status(err.kind), err.message);
    }
}

/* May a browser, whose user is on some site, have made the request? @return whether it is refused.
 */
static bool refuse_browser(struct plimsoll_http_exchange *exchange)
{
    const struct plimsoll_http_route *route = exchange->route;
    if (strcmp(route->method, "POST") == 0 && header(exchange, MHD_HTTP_HEADER_ORIGIN) != NULL) {
        refuse(exchange, MHD_HTTP_FORBIDDEN,
               "%s is not for web browsers: the request has an Origin", route->path);
        return true;
    }
    if (route->for_people && exchange->listener->spec.loopback_only &&
        !host_is_local(plimsoll_span_of(header(exchange, MHD_HTTP_HEADER_HOST)))) {
        refuse(exchange, MHD_HTTP_FORBIDDEN,
               "%s is answered under the names localhost, 127.0.0.1 and [::1] only", route->path);
        return true;
    }
    return false;
}

/* Finds the route and lets its handler begin, or refuses. */
static void choose(struct plimsoll_http_exchange *exchange, const char *method)
{
    if (exchange->route == NULL) {
        refuse(exchange, MHD_HTTP_NOT_FOUND, "nothing is served at this path");
        return;
    }
    if (!find_method(exchange, method)) {
        exchange->allows = true;
        refuse(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "%s does not take this method",
               exchange->route->path);
        return;
    }
    if (!connection_headers_done(exchange->connection, exchange->route->deadline_ms)) {
        refuse_slow(exchange);
    } else if (exchange->route->trusted_only && !plimsoll_http_trusted(exchange)) {
        refuse(exchange, MHD_HTTP_FORBIDDEN, "%s needs a client certificate",
               exchange->route->path);
    } else if (refuse_browser(exchange)) {
        return;
    } else if (declared_bytes(exchange) > exchange->route->body_bytes_max) {
        refuse_large(exchange);
    } else {
        begin_handler(exchange);
    }
}

static enum MHD_Result begin(struct plimsoll_http_exchange *exchange, const char *method)
{
    exchange->begun = true;
    choose(exchange, method);
    if (exchange->status == 0 || !has_body(exchange)) {
        return MHD_YES;
    }
    exchange->closes = true;
    if (waits_for_continue(exchange)) {
        (void)connection_body_done(exchange->connection);
        return queue(exchange);
    }
    write_early(exchange);
    return MHD_YES;
}

static void take_bytes(struct plimsoll_http_exchange *exchange, struct plimsoll_span bytes)
{
    if (exchange->written) {
        return;
    }
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_INTERNAL};
    exchange->body_bytes += bytes.size;
    if (connection_expired(exchange->connection)) {
        refuse_slow(exchange);
    } else if (exchange->body_bytes > exchange->route->body_bytes_max) {
        refuse_large(exchange);
    } else if (exchange->route->handler->body(exchange->state, bytes, &err) != 0) {
        set_sentence(exchange, plimsoll_error_status(err.kind), err.message);
    }
    if (exchange->status != 0) {
        write_early(exchange);
    }
}

/* Counted as owed before the look at `stopping`, so that a stop waits for it or it sees the stop.
 */
static void finish_handler(struct plimsoll_http_exchange *exchange)
{
    struct plimsoll_http *http = exchange->listener->http;
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_INTERNAL};
    atomic_fetch_add(&http->owed, 1);
    if (atomic_load(&http->stopping)) {
        exchange->closes = true;
        refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is stopping");
        atomic_fetch_sub(&http->owed, 1);
        return;
    }
    if (exchange->route->handler->finish(exchange->state, exchange, &err) != 0) {
        assert(!exchange->deferred && exchange->status == 0);
        set_sentence(exchange, plimsoll_error_status(err.kind), err.message);
    }
    if (!exchange->deferred) {
        atomic_fetch_sub(&http->owed, 1);
    }
}

static enum MHD_Result finish(struct plimsoll_http_exchange *exchange)
{
    if (exchange->written) {
        return MHD_NO; /* closes */
    }
    if (exchange->finished) {
        return queue(exchange); /* resumed */
    }
    exchange->finished = true;
    bool in_time = connection_body_done(exchange->connection);
    if (exchange->status == 0 && !in_time) {
        refuse_slow(exchange);
    } else if (exchange->status == 0) {
        finish_handler(exchange);
    }
    /* Deferred: the answer may be there already, but MHD has to resume the connection first. */
    if (exchange->deferred) {
        return MHD_YES;
    }
    assert(exchange->status != 0);
    return queue(exchange);
}

enum MHD_Result exchange_request(void *listener, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_size, void **context)
{
    (void)listener, (void)mhd, (void)url, (void)version;
    struct plimsoll_http_exchange *exchange = *context;
    if (!exchange->begun) {
        return begin(exchange, method);
    }
    if (*upload_size > 0) {
        take_bytes(exchange, (struct plimsoll_span){.data = upload, .size = *upload_size});
        *upload_size = 0;
        return MHD_YES;
    }
    return finish(exchange);
}

void exchange_cut_off(struct plimsoll_http_exchange *exchange)
{
    if (exchange->status == 0) {
        refuse_slow(exchange);
        write_early(exchange);
    }
}

void exchange_completed(void *context, struct MHD_Connection *mhd, void **at,
                        enum MHD_RequestTerminationCode code)
{
    (void)mhd, (void)code;
    struct listener *listener = context;
    struct plimsoll_http_exchange *exchange = PLIMSOLL_TAKE(*at);
    exchange->connection->exchange = NULL;
    if (connection_expired(exchange->connection)) {
        exchange_cut_off(exchange);
    }
    if (exchange->state != NULL) {
        exchange->route->handler->end(exchange->state);
    }
    if (exchange->status != 0) {
        series_answered(exchange->series, exchange->status, monotonic_ns() - exchange->start_ns);
    } else {
        series_aborted(exchange->series);
    }
    connection_idle(exchange->connection);
    headers_clear(&exchange->headers);
    plimsoll_text_clear(&exchange->answer);
    free(exchange);
    atomic_fetch_sub(&listener->http->in_flight, 1);
}

/* ---- what a handler may ask ---- */

const struct plimsoll_http_route *exchange_route(const struct plimsoll_http_exchange *exchange)
{
    return exchange->route;
}

const char *plimsoll_http_query(const struct plimsoll_http_exchange *exchange, const char *key)
{
    const char *value = NULL;
    if (MHD_lookup_connection_value_n(exchange->mhd, MHD_GET_ARGUMENT_KIND, key, strlen(key),
                                      &value, NULL) != MHD_YES) {
        return NULL;
    }
    return value != NULL ? value : "";
}

const char *plimsoll_http_header(const struct plimsoll_http_exchange *exchange, const char *name)
{
    return header(exchange, name);
}

void plimsoll_http_set_header(struct plimsoll_http_exchange *exchange, const char *name,
                              const char *value)
{
    headers_set(&exchange->headers, name, value);
}

bool plimsoll_http_trusted(const struct plimsoll_http_exchange *exchange)
{
    const struct plimsoll_http_listener *spec = &exchange->listener->spec;
    unsigned count = 0;
    gnutls_session_t session = exchange->connection->session;
    /* The handshake let no certificate through that client_ca did not sign. */
    return spec->loopback_only ||
           (session != NULL && spec->client_ca != NULL &&
            gnutls_certificate_get_peers(session, &count) != NULL && count > 0);
}
