/* SPDX-License-Identifier: Apache-2.0 */
/* The plain server, from real sockets on loopback. */
#include "unit.h"

#include <plimsoll/http.h>

#include <plimsoll/log.h>

#include "client.h"

#include <pthread.h>
#include <stdatomic.h>

#define BODY_MAX 1000u

static atomic_uint states; /* of streaming handlers: begun and not ended */
static atomic_uint finishes;
static struct plimsoll_http_exchange *_Atomic deferred;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* ---- handlers ---- */

static int echo(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                struct plimsoll_error *err)
{
    (void)context, (void)err;
    struct plimsoll_text text = plimsoll_text_make(BODY_MAX + 64);
    plimsoll_text_add_span(&text, body);
    const char *mark = plimsoll_http_query(exchange, "mark");
    if (mark != NULL) {
        plimsoll_text_add_format(&text, "[%s]", mark);
    }
    plimsoll_http_answer(exchange, 200, "application/json", &text);
    return 0;
}

static int refuse_at_the_end(void *context, struct plimsoll_span body,
                             struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)body, (void)exchange;
    return plimsoll_error_set(err, PLIMSOLL_ERR_CONFLICT, "somebody else was faster");
}

static int answer_too_much(void *context, struct plimsoll_span body,
                           struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    struct plimsoll_text text = plimsoll_text_make(4);
    plimsoll_text_add_string(&text, "12345");
    plimsoll_http_answer(exchange, 200, "application/json", &text);
    return 0;
}

static int defer(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                 struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    plimsoll_http_defer(exchange);
    atomic_store(&deferred, exchange);
    return 0;
}

/* Answers from another thread, now and then before the handler has returned. */
static void *answer_later(void *exchange)
{
    struct plimsoll_text text = plimsoll_text_make(64);
    plimsoll_text_add_string(&text, "later");
    plimsoll_http_answer(exchange, 200, "text/plain", &text);
    return NULL;
}

static int defer_to_thread(void *context, struct plimsoll_span body,
                           struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    pthread_t thread;
    plimsoll_http_defer(exchange);
    assert_int_equal(pthread_create(&thread, NULL, answer_later, exchange), 0);
    assert_int_equal(pthread_detach(thread), 0);
    return 0;
}

static int wait_at_the_gate(void *context, struct plimsoll_span body,
                            struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    atomic_fetch_add(&finishes, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    struct plimsoll_text text = plimsoll_text_make(8);
    plimsoll_http_answer(exchange, 200, "text/plain", &text);
    return 0;
}

static void *stream_begin(void *context, struct plimsoll_http_exchange *exchange,
                          struct plimsoll_error *err)
{
    (void)context;
    if (plimsoll_http_query(exchange, "refuse") != NULL) {
        (void)plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "not synced");
        return NULL;
    }
    atomic_fetch_add(&states, 1);
    return plimsoll_alloc(1, sizeof(size_t));
}

static int stream_body(void *state, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    size_t *count = state;
    *count += bytes.size;
    if (memchr(bytes.data, '!', bytes.size) != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "an exclamation mark in the body");
    }
    return 0;
}

static int stream_finish(void *state, struct plimsoll_http_exchange *exchange,
                         struct plimsoll_error *err)
{
    (void)err;
    const size_t *count = state;
    struct plimsoll_text text = plimsoll_text_make(64);
    plimsoll_text_add_uint(&text, *count);
    plimsoll_http_answer(exchange, 200, "text/plain", &text);
    return 0;
}

static void stream_end(void *state)
{
    free(state);
    atomic_fetch_sub(&states, 1);
}

static const struct plimsoll_http_handler streaming = {
    .begin = stream_begin, .body = stream_body, .finish = stream_finish, .end = stream_end};

#define BUFFERED(function)                                                                         \
    .handler = &plimsoll_http_buffered, .context = &(struct plimsoll_http_buffer)                  \
    {                                                                                              \
        .answer = (function)                                                                       \
    }

#define MINUTES 300000u

static const struct plimsoll_http_route routes[] = {
    {"POST", "/echo", "echo", BUFFERED(echo), .body_bytes_max = BODY_MAX, .deadline_ms = MINUTES},
    {"GET", "/echo", "echo", BUFFERED(echo), .body_bytes_max = BODY_MAX, .deadline_ms = MINUTES},
    {"POST", "/refuse", "refuse", BUFFERED(refuse_at_the_end), .body_bytes_max = BODY_MAX,
     .deadline_ms = MINUTES},
    {"GET", "/too-much", "too-much", BUFFERED(answer_too_much), .deadline_ms = MINUTES},
    {"GET", "/defer", "defer", BUFFERED(defer), .deadline_ms = MINUTES},
    {"POST", "/thread", "thread", BUFFERED(defer_to_thread), .body_bytes_max = BODY_MAX,
     .deadline_ms = MINUTES},
    {"GET", "/gate", "gate", BUFFERED(wait_at_the_gate), .deadline_ms = MINUTES},
    {"POST", "/stream", "stream", .handler = &streaming, .body_bytes_max = 64u * 1024 * 1024,
     .deadline_ms = MINUTES},
    {"POST", "/hurry", "hurry", .handler = &streaming, .body_bytes_max = 64u * 1024 * 1024,
     .deadline_ms = 300},
    {"POST", "/trusted", "trusted", BUFFERED(echo), .body_bytes_max = BODY_MAX,
     .deadline_ms = MINUTES, .trusted_only = true},
};

static struct plimsoll_http_listener plain(void)
{
    return (struct plimsoll_http_listener){.address = "127.0.0.1:0",
                                           .name = "plain",
                                           .routes = routes,
                                           .route_count = sizeof routes / sizeof *routes,
                                           .connections_max = 64,
                                           .threads = 2,
                                           .headers_ms = MINUTES};
}

static struct plimsoll_http *start(const struct plimsoll_http_listener *listener)
{
    struct plimsoll_http *http = NULL;
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_http_start(listener, 1, &http, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return http;
}

static struct plimsoll_http *http; /* of the group, with `plain` */
static unsigned port;

static bool metrics_have(const struct plimsoll_http *server, const char *line)
{
    plimsoll_autotext text = plimsoll_text_make(1024 * 1024);
    plimsoll_http_metrics(server, &text);
    assert_false(text.overflowed);
    return strstr(text.data, line) != NULL;
}

static void assert_says(const struct reply *reply, unsigned status, const char *sentence)
{
    assert_int_equal(reply->status, status);
    if (strstr(reply->body, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", reply->body, sentence);
    }
    assert_string_equal(reply_header(reply, "Content-Type"), "text/plain; charset=utf-8");
    assert_int_equal(reply->body[reply->body_size - 1], '\n');
}

/* ---- requests ---- */

static void requests_of_one_connection_are_answered_in_turn(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    for (int i = 0; i < 20; i++) {
        struct reply reply =
            client_ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, "hello");
        assert_string_equal(reply_header(&reply, "Content-Type"), "application/json");
        assert_null(reply_header(&reply, "Connection"));
    }
    client_close(client);
}

static void pipelined_requests_are_answered_in_order(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    struct reply first = client_ask(client, "GET /echo?mark=1 HTTP/1.1\r\nHost: a\r\n\r\n"
                                            "GET /echo?mark=2 HTTP/1.1\r\nHost: a\r\n\r\n");
    struct reply second = client_read(client, false);
    assert_string_equal(first.body, "[1]");
    assert_string_equal(second.body, "[2]");
    client_close(client);
}

static void the_query_is_no_part_of_the_path(void **unused)
{
    (void)unused;
    struct reply reply = ask_once(port, "GET /echo?mark=a%20b&x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "[a b]");
    reply = ask_once(port, "GET /echo?mark HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[]");
}

static void head_is_get_without_the_body(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    struct reply reply = client_ask(client, "HEAD /echo?mark=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply_header(&reply, "Content-Length"), "3");
    reply = client_ask(client, "GET /echo?mark=2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[2]");
    client_close(client);
}

static void unknown_paths_are_not_found(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"/",       "/nothing", "/echo/",   "/ech",   "/ECHO",
                                        "/%65cho", "/echo%00", "/../echo", "//echo", "*"};
    struct client *client = client_connect(port);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i]);
        struct reply reply = client_ask(client, request);
        assert_says(&reply, 404, "nothing is served at this path");
    }
    client_close(client);
}

static void a_wrong_method_is_told_the_right_ones(void **unused)
{
    (void)unused;
    struct reply reply = ask_once(port, "PUT /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_says(&reply, 405, "/echo does not take this method");
    assert_string_equal(reply_header(&reply, "Allow"), "POST, GET, HEAD");
    reply = ask_once(port, "get /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_says(&reply, 405, "/stream");
    assert_string_equal(reply_header(&reply, "Allow"), "POST");
}

static void an_error_at_the_end_keeps_the_connection(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    static const char request[] = "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
    struct reply reply = client_ask(client, request);
    assert_says(&reply, 409, "somebody else was faster");
    reply = client_ask(client, request);
    assert_says(&reply, 409, "somebody else was faster");
    client_close(client);
}

static void an_answer_above_its_ceiling_is_an_error(void **unused)
{
    (void)unused;
    struct reply reply = ask_once(port, "GET /too-much HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_says(&reply, 500, "the answer is larger than 4 bytes");
}

static void malformed_requests_are_refused(void **unused)
{
    (void)unused;
    static const char *const requests[] = {
        "GET /echo HTTP/1.1\r\n\r\n", /* no Host */
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct client *client = client_connect(port);
        struct reply reply = client_ask(client, requests[i]);
        assert_in_range(reply.status, 400, 499);
        client_close(client);
    }
}

/* ---- ceilings ---- */

static void a_declared_body_above_the_ceiling_is_refused_at_once(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    struct reply reply =
        client_ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
    assert_says(&reply, 413, "larger than 1000 bytes, the most /echo takes");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    char rest[1001];
    memset(rest, 'x', sizeof rest);
    (void)client_send(client, rest, sizeof rest);
    assert_true(client_at_end(client));
    client_close(client);
}

static void a_client_that_asks_first_is_spared_sending(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    struct reply reply = client_ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: "
                                            "1001\r\nExpect: 100-continue\r\n\r\n");
    assert_says(&reply, 413, "larger than 1000 bytes");
    assert_true(client_at_end(client));
    client_close(client);

    client = client_connect(port);
    reply = client_ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
                               "Expect: 100-continue\r\n\r\n");
    assert_int_equal(reply.status, 100);
    char body[1000];
    memset(body, 'x', sizeof body);
    assert_true(client_send(client, body, sizeof body));
    reply = client_read(client, false);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, 1000);
    client_close(client);
}

static void a_growing_body_is_refused_when_it_passes_the_ceiling(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    assert_true(client_say(client, "POST /echo HTTP/1.1\r\nHost: a\r\n"
                                   "Transfer-Encoding: chunked\r\n\r\n"));
    char chunk[128] = "64\r\n";
    memset(chunk + 4, 'x', 100);
    chunk[104] = '\r';
    chunk[105] = '\n';
    for (int i = 0; i < 10; i++) {
        assert_true(client_send(client, chunk, 106));
    }
    (void)client_say(client, "1\r\ny\r\n");
    struct reply reply = client_read(client, false);
    assert_says(&reply, 413, "larger than 1000 bytes");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    (void)client_say(client, "0\r\n\r\n");
    assert_true(client_at_end(client));
    client_close(client);
}

static void a_body_of_exactly_the_ceiling_passes(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    char body[1000];
    memset(body, 'x', sizeof body);
    assert_true(
        client_say(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"));
    assert_true(client_send(client, body, sizeof body));
    struct reply reply = client_read(client, false);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, 1000);
    client_close(client);
}

static void a_large_body_streams_through(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    static char block[65536];
    memset(block, 'x', sizeof block);
    assert_true(
        client_say(client, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n"));
    for (int i = 0; i < 512; i++) {
        assert_true(client_send(client, block, sizeof block));
    }
    struct reply reply = client_read(client, false);
    assert_string_equal(reply.body, "33554432");
    client_close(client);
    WAIT_FOR(atomic_load(&states) == 0);
}

static void a_handler_may_refuse_in_the_middle_of_a_body(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    struct reply reply = client_ask(
        client, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello!");
    assert_says(&reply, 400, "an exclamation mark in the body");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    client_close(client);
    WAIT_FOR(atomic_load(&states) == 0);
}

static void a_handler_may_refuse_before_the_body(void **unused)
{
    (void)unused;
    struct reply reply = ask_once(
        port, "POST /stream?refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    assert_says(&reply, 503, "not synced");
    struct client *client = client_connect(port);
    for (int i = 0; i < 2; i++) { /* without a body the connection stays */
        reply = client_ask(client,
                           "POST /stream?refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        assert_says(&reply, 503, "not synced");
    }
    client_close(client);
    assert_int_equal(atomic_load(&states), 0);
}

static void headers_above_mhds_memory_are_refused(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    static char line[100000];
    memset(line, 'x', sizeof line - 1);
    (void)client_say(client, "GET /echo HTTP/1.1\r\nHost: a\r\nX: ");
    (void)client_say(client, line);
    struct reply reply = client_read(client, false);
    assert_true(reply.status == 431 || reply.status == 0); /* or a reset, with so much unread */
    client_close(client);
}

/* ---- clients that go away, deadlines ---- */

static void the_state_ends_when_the_client_goes_away(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    assert_true(client_say(
        client, "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello"));
    WAIT_FOR(atomic_load(&states) == 1);
    client_close(client);
    WAIT_FOR(atomic_load(&states) == 0);
    WAIT_FOR(metrics_have(http, "plimsoll_http_requests_aborted_total{handler=\"stream\"} 1\n"));
}

static void a_stalled_body_is_cut_off_with_a_sentence(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    struct reply reply = client_ask(
        client, "POST /hurry HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhello");
    assert_says(&reply, 408, "within its deadline");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_true(client_at_end(client));
    client_close(client);
    WAIT_FOR(atomic_load(&states) == 0);
    WAIT_FOR(
        metrics_have(http, "plimsoll_http_requests_total{handler=\"hurry\",code=\"408\"} 1\n"));
}

static bool readable(const struct client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    return poll(&poll_fd, 1, 10) == 1;
}

static void a_trickled_body_is_cut_off(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    assert_true(
        client_say(client, "POST /hurry HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"));
    WAIT_FOR(readable(client) || !client_say(client, "x"));
    struct reply reply = client_read(client, false);
    assert_says(&reply, 408, "within its deadline");
    client_close(client);
    WAIT_FOR(atomic_load(&states) == 0);
}

static void slow_headers_are_cut_off(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    listener.headers_ms = 300;
    struct plimsoll_http *hasty = start(&listener);
    /* Not even a request line, trickled and stalled. */
    struct client *client = client_connect(plimsoll_http_port(hasty, 0));
    WAIT_FOR(readable(client) || !client_say(client, "G"));
    assert_true(client_at_end(client));
    client_close(client);
    client = client_connect(plimsoll_http_port(hasty, 0));
    assert_true(client_say(client, "GET"));
    assert_true(client_at_end(client));
    client_close(client);
    /* A request line, but the headers do not end. */
    client = client_connect(plimsoll_http_port(hasty, 0));
    struct reply reply = client_ask(client, "GET /echo HTTP/1.1\r\nHost: a\r\nX: ");
    assert_says(&reply, 408, "within its deadline");
    assert_true(client_at_end(client));
    client_close(client);
    plimsoll_http_stop(&hasty);
}

static void an_idle_connection_is_no_request(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    listener.headers_ms = 2000;
    struct plimsoll_http *hasty = start(&listener);
    unsigned hasty_port = plimsoll_http_port(hasty, 0);
    struct client *fresh = client_connect(hasty_port), *used = client_connect(hasty_port);
    struct reply reply = client_ask(used, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
    /* Slow clients that come later are cut off three times over; the idle ones are still there. */
    for (int i = 0; i < 3; i++) {
        struct client *slow = client_connect(hasty_port);
        assert_true(client_say(slow, "GET"));
        assert_true(client_at_end(slow));
        client_close(slow);
    }
    reply = client_ask(used, "GET /echo?mark=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[1]");
    reply = client_ask(fresh, "GET /echo?mark=2 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[2]");
    /* The second request of a connection has a deadline too. */
    assert_true(client_say(used, "GET /echo"));
    assert_true(client_at_end(used));
    client_close(used);
    client_close(fresh);
    plimsoll_http_stop(&hasty);
}

_Static_assert(PLIMSOLL_HTTP_IDLE_S >= 120, "Go keeps connections for 90 s");

static void at_the_connection_ceiling_the_idle_give_way(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    listener.connections_max = 4;
    struct plimsoll_http *small = start(&listener);
    struct client *idle[8];
    for (size_t i = 0; i < 8; i++) {
        idle[i] = client_connect(plimsoll_http_port(small, 0));
    }
    struct reply reply =
        ask_once(plimsoll_http_port(small, 0), "GET /echo?mark=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[1]");
    for (size_t i = 0; i < 8; i++) {
        client_close(idle[i]);
    }
    plimsoll_http_stop(&small);
}

/* ---- deferred answers, drain ---- */

static void a_deferred_exchange_is_answered_by_another_thread(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    for (int i = 0; i < 2; i++) {
        assert_true(client_say(client, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n"));
        WAIT_FOR(atomic_load(&deferred) != NULL);
        assert_false(readable(client));
        answer_later(atomic_exchange(&deferred, NULL));
        struct reply reply = client_read(client, false);
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, "later");
    }
    client_close(client);
}

static void a_deferred_exchange_outlives_its_client(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    assert_true(client_say(client, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(atomic_load(&deferred) != NULL);
    client_close(client);
    answer_later(atomic_exchange(&deferred, NULL));
    struct reply reply = ask_once(port, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
}

static void *ask_thread_route(void *failures)
{
    struct client *client = client_connect(port);
    for (int i = 0; i < 200; i++) {
        struct reply reply =
            client_ask(client, "POST /thread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        if (reply.status != 200 || strcmp(reply.body, "later") != 0) {
            atomic_fetch_add((atomic_uint *)failures, 1);
        }
    }
    client_close(client);
    return NULL;
}

static void many_deferred_answers_race_with_their_handlers(void **unused)
{
    (void)unused;
    pthread_t threads[4];
    atomic_uint failures = 0;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_thread_route, &failures), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&failures), 0);
}

static void *drain(void *server)
{
    plimsoll_http_drain(server, MINUTES);
    return NULL;
}

static bool refuses_connections(unsigned at)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)at)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0;
    (void)close(fd);
    return refused;
}

static void a_drain_finishes_what_has_begun_and_takes_nothing_new(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    struct plimsoll_http *ending = start(&listener);
    unsigned ending_port = plimsoll_http_port(ending, 0);
    struct client *busy = client_connect(ending_port), *kept = client_connect(ending_port);
    struct reply reply = client_ask(kept, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_true(client_say(busy, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(atomic_load(&deferred) != NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, drain, ending), 0);
    WAIT_FOR(refuses_connections(ending_port));
    reply = client_ask(kept, "GET /echo?mark=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[1]");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_true(client_at_end(kept));
    answer_later(atomic_exchange(&deferred, NULL));
    reply = client_read(busy, false);
    assert_string_equal(reply.body, "later");
    assert_string_equal(reply_header(&reply, "Connection"), "close");
    assert_int_equal(pthread_join(thread, NULL), 0);
    client_close(busy);
    client_close(kept);
    plimsoll_http_stop(&ending);
    assert_null(ending);
}

static void a_drain_that_waits_long_enough_gives_up(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    struct plimsoll_http *ending = start(&listener);
    struct client *busy = client_connect(plimsoll_http_port(ending, 0));
    pthread_mutex_lock(&gate);
    atomic_store(&finishes, 0);
    assert_true(client_say(busy, "GET /gate HTTP/1.1\r\nHost: a\r\n\r\n"));
    WAIT_FOR(atomic_load(&finishes) == 1);
    plimsoll_http_drain(ending, 50);
    pthread_mutex_unlock(&gate);
    struct reply reply = client_read(busy, false);
    assert_int_equal(reply.status, 200);
    client_close(busy);
    plimsoll_http_stop(&ending);
}

static void a_stop_waits_for_a_deferred_answer(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    struct plimsoll_http *ending = start(&listener);
    struct client *client = client_connect(plimsoll_http_port(ending, 0));
    assert_true(
        client_say(client, "POST /thread HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    plimsoll_http_stop(&ending);
    client_close(client);
}

/* ---- starting ---- */

static void assert_refused(const struct plimsoll_http_listener *listener, const char *sentence)
{
    struct plimsoll_http *server = NULL;
    struct plimsoll_error err = {.message = ""};
    assert_int_equal(plimsoll_http_start(listener, 1, &server, &err), -1);
    assert_null(server);
    if (strstr(err.message, sentence) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.message, sentence);
    }
}

static void a_bad_address_is_refused_with_an_example(void **unused)
{
    (void)unused;
    static const char *const bad[][2] = {
        {"127.0.0.1", "no port"},
        {"", "no port"},
        {"127.0.0.1:", "no number"},
        {"127.0.0.1:http", "no number"},
        {"127.0.0.1:65536", "0 to 65535"},
        {"127.0.0.1:-1", "no number"},
        {"::1:8080", "needs brackets"},
        {"127.0.0.1:80 ", "no number"},
        {"127.0.0.1:000000080", "no number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct plimsoll_http_listener listener = plain();
        listener.address = bad[i][0];
        assert_refused(&listener, bad[i][1]);
        assert_refused(&listener, "[::1]:8080");
    }
    struct plimsoll_http_listener listener = plain();
    listener.address = "no-such-host.invalid:80";
    assert_refused(&listener, "address \"no-such-host.invalid:80\"");
}

static void an_address_in_use_is_named(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    listener.address = address;
    assert_refused(&listener, address);
    assert_refused(&listener, "Address already in use");
}

static void loopback_only_refuses_every_other_address(void **unused)
{
    (void)unused;
    static const char *const others[] = {":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0",
                                         "[::ffff:192.0.2.1]:0"};
    struct plimsoll_http_listener listener = plain();
    listener.loopback_only = true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        listener.address = others[i];
        assert_refused(&listener, "is not loopback");
    }
    static const char *const fine[] = {"127.0.0.1:0", "127.9.9.9:0", "localhost:0"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        listener.address = fine[i];
        struct plimsoll_http *server = start(&listener);
        plimsoll_http_stop(&server);
    }
}

static void every_address_can_be_listened_on(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    listener.address = ":0";
    struct plimsoll_http *server = start(&listener);
    struct reply reply =
        ask_once(plimsoll_http_port(server, 0), "GET /echo?mark=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(reply.body, "[1]");
    plimsoll_http_stop(&server);
}

static void a_second_listener_that_fails_stops_the_first(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listeners[2] = {plain(), plain()};
    listeners[1].address = "nonsense";
    struct plimsoll_http *server = NULL;
    struct plimsoll_error err = {.message = ""};
    assert_int_equal(plimsoll_http_start(listeners, 2, &server, &err), -1);
    assert_non_null(strstr(err.message, "nonsense"));
}

static void trusted_routes_are_open_on_loopback_listeners_only(void **unused)
{
    (void)unused;
    static const char request[] =
        "POST /trusted HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    struct reply reply = ask_once(port, request);
    assert_says(&reply, 403, "/trusted needs a client certificate");
    struct plimsoll_http_listener listener = plain();
    listener.loopback_only = true;
    struct plimsoll_http *server = start(&listener);
    reply = ask_once(plimsoll_http_port(server, 0), request);
    assert_string_equal(reply.body, "hi");
    plimsoll_http_stop(&server);
}

static void metrics_count_requests_durations_and_connections(void **unused)
{
    (void)unused;
    struct plimsoll_http_listener listener = plain();
    struct plimsoll_http *server = start(&listener);
    struct client *client = client_connect(plimsoll_http_port(server, 0));
    struct reply reply = client_ask(client, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 200);
    reply = client_ask(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(reply.status, 200);
    reply = client_ask(client, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(reply.status, 404);
    WAIT_FOR(
        metrics_have(server, "\nplimsoll_http_requests_total{handler=\"other\",code=\"404\"} 1\n"));
    assert_true(
        metrics_have(server, "\nplimsoll_http_requests_total{handler=\"echo\",code=\"200\"} 2\n"));
    assert_true(metrics_have(
        server,
        "\nplimsoll_http_request_duration_seconds_bucket{handler=\"echo\",le=\"+Inf\"} 2\n"));
    assert_true(metrics_have(
        server, "\nplimsoll_http_request_duration_seconds_count{handler=\"echo\"} 2\n"));
    assert_true(metrics_have(server, "# TYPE plimsoll_http_request_duration_seconds histogram\n"));
    assert_true(metrics_have(server, "\nplimsoll_http_connections{listener=\"plain\"} 1\n"));
    assert_false(metrics_have(server, "plimsoll_certificate"));
    client_close(client);
    WAIT_FOR(metrics_have(server, "\nplimsoll_http_connections{listener=\"plain\"} 0\n"));
    plimsoll_http_stop(&server);
}

static int start_group(void **unused)
{
    (void)unused;
    plimsoll_log_setup(PLIMSOLL_LOG_ERROR, false);
    struct plimsoll_http_listener listener = plain();
    http = start(&listener);
    port = plimsoll_http_port(http, 0);
    return 0;
}

static int stop_group(void **unused)
{
    (void)unused;
    plimsoll_http_stop(&http);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_one_connection_are_answered_in_turn),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(the_query_is_no_part_of_the_path),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(unknown_paths_are_not_found),
        cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(an_error_at_the_end_keeps_the_connection),
        cmocka_unit_test(an_answer_above_its_ceiling_is_an_error),
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(a_declared_body_above_the_ceiling_is_refused_at_once),
        cmocka_unit_test(a_client_that_asks_first_is_spared_sending),
        cmocka_unit_test(a_growing_body_is_refused_when_it_passes_the_ceiling),
        cmocka_unit_test(a_body_of_exactly_the_ceiling_passes),
        cmocka_unit_test(a_large_body_streams_through),
        cmocka_unit_test(a_handler_may_refuse_in_the_middle_of_a_body),
        cmocka_unit_test(a_handler_may_refuse_before_the_body),
        cmocka_unit_test(headers_above_mhds_memory_are_refused),
        cmocka_unit_test(the_state_ends_when_the_client_goes_away),
        cmocka_unit_test(a_stalled_body_is_cut_off_with_a_sentence),
        cmocka_unit_test(a_trickled_body_is_cut_off),
        cmocka_unit_test(slow_headers_are_cut_off),
        cmocka_unit_test(an_idle_connection_is_no_request),
        cmocka_unit_test(at_the_connection_ceiling_the_idle_give_way),
        cmocka_unit_test(a_deferred_exchange_is_answered_by_another_thread),
        cmocka_unit_test(a_deferred_exchange_outlives_its_client),
        cmocka_unit_test(many_deferred_answers_race_with_their_handlers),
        cmocka_unit_test(a_drain_finishes_what_has_begun_and_takes_nothing_new),
        cmocka_unit_test(a_drain_that_waits_long_enough_gives_up),
        cmocka_unit_test(a_stop_waits_for_a_deferred_answer),
        cmocka_unit_test(a_bad_address_is_refused_with_an_example),
        cmocka_unit_test(an_address_in_use_is_named),
        cmocka_unit_test(loopback_only_refuses_every_other_address),
        cmocka_unit_test(every_address_can_be_listened_on),
        cmocka_unit_test(a_second_listener_that_fails_stops_the_first),
        cmocka_unit_test(trusted_routes_are_open_on_loopback_listeners_only),
        cmocka_unit_test(metrics_count_requests_durations_and_connections),
    };
    return cmocka_run_group_tests(tests, start_group, stop_group);
}
