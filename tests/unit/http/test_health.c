/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/health.h>

#include <plimsoll/log.h>

#include "client.h"

#include <stdatomic.h>

static atomic_bool synced = true;

static int passes(void *context, struct plimsoll_error *err)
{
    (void)context, (void)err;
    return 0;
}

static int is_synced(void *context, struct plimsoll_error *err)
{
    const atomic_bool *flag = context;
    return atomic_load(flag)
               ? 0
               : plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "the picture is not synced");
}

static const struct plimsoll_health_check checks[] = {{"ping", passes, NULL},
                                                      {"picture", is_synced, &synced}};
static struct plimsoll_health livez = {.name = "livez"};
static struct plimsoll_health readyz = {.name = "readyz", .checks = checks, .check_count = 2};

static const struct plimsoll_http_route routes[] = {
    {.method = "GET",
     .path = "/livez",
     .name = "health",
     .handler = &plimsoll_health_handler,
     .context = &livez,
     .deadline_ms = 300000},
    {.method = "GET",
     .path = "/readyz",
     .name = "health",
     .handler = &plimsoll_health_handler,
     .context = &readyz,
     .deadline_ms = 300000},
};

static struct plimsoll_http *http;

static struct reply get(const char *target)
{
    char request[128];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);
    return ask_once(plimsoll_http_port(http, 0), request);
}

static void what_passes_says_ok(void **unused)
{
    (void)unused;
    atomic_store(&synced, true);
    struct reply reply = get("/readyz");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "ok\n");
    reply = get("/livez");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "ok\n");
}

static void verbose_lists_the_checks(void **unused)
{
    (void)unused;
    atomic_store(&synced, true);
    struct reply reply = get("/readyz?verbose");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "[+]ping ok\n[+]picture ok\nreadyz check passed\n");
    reply = get("/livez?verbose=1");
    assert_string_equal(reply.body, "livez check passed\n");
}

static void what_fails_says_why_without_being_asked(void **unused)
{
    (void)unused;
    atomic_store(&synced, false);
    struct reply reply = get("/readyz");
    assert_int_equal(reply.status, 503);
    assert_string_equal(reply.body, "[+]ping ok\n[-]picture failed: the picture is not synced\n"
                                    "readyz check failed\n");
    assert_int_equal(get("/livez").status, 200);
}

static void a_probe_cannot_post(void **unused)
{
    (void)unused;
    struct reply reply = ask_once(plimsoll_http_port(http, 0),
                                  "POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(reply.status, 405);
    assert_string_equal(reply_header(&reply, "Allow"), "GET, HEAD");
}

static int start_group(void **unused)
{
    (void)unused;
    struct plimsoll_error err;
    const struct plimsoll_http_listener listener = {
        .address = "127.0.0.1:0", .name = "health", .routes = routes, .route_count = 2};
    plimsoll_log_setup(PLIMSOLL_LOG_ERROR, false);
    return plimsoll_http_start(&listener, 1, &http, &err);
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
        cmocka_unit_test(what_passes_says_ok),
        cmocka_unit_test(verbose_lists_the_checks),
        cmocka_unit_test(what_fails_says_why_without_being_asked),
        cmocka_unit_test(a_probe_cannot_post),
    };
    return cmocka_run_group_tests(tests, start_group, stop_group);
}
