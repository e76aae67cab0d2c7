/* SPDX-License-Identifier: Apache-2.0 */
/* What browsers may do, and what they may be made to do by a site that somebody visits. */
#include "unit.h"

#include <plimsoll/http.h>

#include <plimsoll/log.h>

#include "client.h"

#define MINUTES 300000u

static int answer(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                  struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    struct plimsoll_text text = plimsoll_text_make(1024);
    const char *accept = plimsoll_http_header(exchange, "accept");
    plimsoll_text_add_string(&text, accept != NULL ? accept : "nothing");
    plimsoll_http_set_header(exchange, "ETag", "\"7\"");
    plimsoll_http_set_header(exchange, "Cache-Control", "no-store");
    plimsoll_http_answer(exchange, 200, "text/plain", &text);
    return 0;
}

static int not_modified(void *context, struct plimsoll_span body,
                        struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)body, (void)err;
    struct plimsoll_text text = plimsoll_text_make(1024);
    plimsoll_http_set_header(exchange, "ETag", "\"7\"");
    plimsoll_http_answer(exchange, 304, "text/plain", &text);
    return 0;
}

static int fail_late(void *context, struct plimsoll_span body,
                     struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context, (void)body;
    plimsoll_http_set_header(exchange, "ETag", "\"7\"");
    return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "not yet");
}

#define BUFFERED(function)                                                                         \
    .handler = &plimsoll_http_buffered,                                                            \
    .context = &(struct plimsoll_http_buffer){.answer = (function)}, .body_bytes_max = 1000,       \
    .deadline_ms = MINUTES

static const struct plimsoll_http_route routes[] = {
    {"GET", "/page", "page", BUFFERED(answer), .for_people = true},
    {"GET", "/same", "same", BUFFERED(not_modified)},
    {"GET", "/late", "late", BUFFERED(fail_late)},
    {"GET", "/any", "any", BUFFERED(answer)},
    {"POST", "/bind", "bind", BUFFERED(answer)},
};

static struct plimsoll_http *start(bool loopback_only)
{
    struct plimsoll_http_listener listener = {.address = "127.0.0.1:0",
                                              .name = "plain",
                                              .loopback_only = loopback_only,
                                              .routes = routes,
                                              .route_count = sizeof routes / sizeof *routes,
                                              .threads = 1,
                                              .headers_ms = MINUTES};
    struct plimsoll_http *http = NULL;
    struct plimsoll_error err = {.message = ""};
    if (plimsoll_http_start(&listener, 1, &http, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return http;
}

static struct plimsoll_http *http; /* of the group, loopback_only */
static unsigned port;

static struct reply get(unsigned at, const char *path, const char *host)
{
    char request[512];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    return ask_once(at, request);
}

static void a_page_is_answered_under_names_of_this_machine_only(void **unused)
{
    (void)unused;
    static const char *const ours[] = {
        "localhost",      "localhost:8080",  "LocalHost:10262", "127.0.0.1",  "127.0.0.1:1",
        "127.3.2.1:8080", "127.0.0.1:65535", "[::1]",           "[::1]:8080", "[0:0::1]:80",
    };
    static const char *const others[] = {
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost.",
        "128.0.0.1",
        "10.0.0.1:80",
        "[::2]:80",
        "[::1",
        "[::1]evil.example",
        "::1",
        "127.1",
        "localhost:80x",
        "localhost:99999",
        "[127.0.0.1]",
        "localhost@evil",
        "xlocalhost",
        "0",
        "[00000000000000000000000000000000000000000000000000::1]",
        "127.0.0.1/evil",
        "[]",
        ":80",
        "localhost:",
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        struct reply reply = get(port, "/page", ours[i]);
        if (reply.status != 200) {
            fail_msg("%s is answered %u", ours[i], reply.status);
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct reply reply = get(port, "/page", others[i]);
        if (reply.status != 403) {
            fail_msg("%s is answered %u", others[i], reply.status);
        }
        assert_string_equal(
            reply.body, "/page is answered under the names localhost, 127.0.0.1 and [::1] only\n");
        assert_null(reply_header(&reply, "ETag"));
    }
    assert_int_equal(ask_once(port, "GET /page HTTP/1.0\r\n\r\n").status, 403);
}

static void what_is_not_for_people_has_any_name(void **unused)
{
    (void)unused;
    assert_int_equal(get(port, "/any", "plimsoll.example:10262").status, 200);
}

static void other_listeners_are_reached_by_their_own_names(void **unused)
{
    (void)unused;
    struct plimsoll_http *server = start(false);
    assert_int_equal(get(plimsoll_http_port(server, 0), "/page", "plimsoll.example").status, 200);
    plimsoll_http_stop(&server);
}

static void no_site_makes_a_browser_bind(void **unused)
{
    (void)unused;
    static const char *const origins[] = {"https://evil.example", "null", "http://localhost", ""};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        char request[256];
        (void)snprintf(request, sizeof request,
                       "POST /bind HTTP/1.1\r\nHost: localhost\r\nOrigin: %s\r\n"
                       "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
                       origins[i]);
        struct reply reply = ask_once(port, request);
        assert_int_equal(reply.status, 403);
        assert_string_equal(reply.body,
                            "/bind is not for web browsers: the request has an Origin\n");
    }
    struct reply reply =
        ask_once(port, "POST /bind HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}");
    assert_int_equal(reply.status, 200);
}

static void handlers_read_headers_and_add_some(void **unused)
{
    (void)unused;
    struct reply reply =
        ask_once(port, "GET /any HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n");
    assert_string_equal(reply.body, "text/html");
    assert_string_equal(reply_header(&reply, "ETag"), "\"7\"");
    assert_string_equal(reply_header(&reply, "Cache-Control"), "no-store");
    assert_string_equal(get(port, "/any", "a").body, "nothing");
}

static void nothing_new_is_answered_without_a_body_and_keeps_the_connection(void **unused)
{
    (void)unused;
    struct client *client = client_connect(port);
    static const char request[] = "GET /same HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 2; i++) {
        client_say(client, request);
        while (memmem(client->data, client->size, "\r\n\r\n", 4) == NULL) {
            assert_true(client_receive(client));
        }
        assert_memory_equal(client->data, "HTTP/1.1 304 ", 13);
        assert_non_null(memmem(client->data, client->size, "ETag: \"7\"\r\n", 11));
        assert_int_equal((char *)memmem(client->data, client->size, "\r\n\r\n", 4) + 4 -
                             client->data,
                         client->size);
        client->size = 0;
    }
    client_close(client);
}

static void an_error_carries_no_header_of_the_answer_it_replaces(void **unused)
{
    (void)unused;
    struct reply reply = get(port, "/late", "a");
    assert_int_equal(reply.status, 503);
    assert_null(reply_header(&reply, "ETag"));
}

static int start_group(void **unused)
{
    (void)unused;
    plimsoll_log_setup(PLIMSOLL_LOG_ERROR, false);
    http = start(true);
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
        cmocka_unit_test(a_page_is_answered_under_names_of_this_machine_only),
        cmocka_unit_test(what_is_not_for_people_has_any_name),
        cmocka_unit_test(other_listeners_are_reached_by_their_own_names),
        cmocka_unit_test(no_site_makes_a_browser_bind),
        cmocka_unit_test(handlers_read_headers_and_add_some),
        cmocka_unit_test(nothing_new_is_answered_without_a_body_and_keeps_the_connection),
        cmocka_unit_test(an_error_carries_no_header_of_the_answer_it_replaces),
    };
    return cmocka_run_group_tests(tests, start_group, stop_group);
}
