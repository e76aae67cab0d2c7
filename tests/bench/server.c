/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "bodies.h"

#include <plimsoll/admission.h>
#include <plimsoll/certs.h>
#include <plimsoll/clock.h>
#include <plimsoll/http.h>
#include <plimsoll/limits.h>
#include <plimsoll/log.h>

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Of no secret bodies. */
static const unsigned char cache_key[PLIMSOLL_NODE_CACHE_KEY_SIZE] = {1};
static const char json_type[] = "application/json";
static const struct server_options *served;
static struct plimsoll_config *config;
static struct plimsoll_node_cache *cache;

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* -- /filter ----------------------------------------------------------------------------------- */

struct filtering {
    struct plimsoll_extender_world world;
    struct plimsoll_extender_call *call;
};

static bool find_node(void *context, struct plimsoll_span name, struct plimsoll_extender_node *out)
{
    return plimsoll_cluster_node(context, name, out);
}

static void find_nodes(void *context, const struct plimsoll_span *names, size_t count,
                       uint32_t *place, struct plimsoll_extender_glimpse *out)
{
    plimsoll_cluster_find(context, names, count, place, out);
}

static void open_node(void *context, const struct plimsoll_extender_glimpse *glimpse,
                      struct plimsoll_extender_node *out)
{
    plimsoll_cluster_open(context, glimpse, out);
}

static const char *find_pod(void *context, const struct plimsoll_uid *pod)
{
    return plimsoll_cluster_node_of(context, pod);
}

static void hold(void *context)
{
    plimsoll_cluster_read_begin(context);
}

static void release(void *context)
{
    plimsoll_cluster_read_end(context);
}

static void *begin_filter(void *context, struct plimsoll_http_exchange *exchange,
                          struct plimsoll_error *err)
{
    (void)exchange;
    (void)err;
    struct filtering *filtering = plimsoll_alloc(1, sizeof *filtering);
    filtering->world = (struct plimsoll_extender_world){.synced = true, .cache = cache};
    if (context != NULL) {
        filtering->world = (struct plimsoll_extender_world){.context = context,
                                                            .synced = true,
                                                            .node = find_node,
                                                            .find = find_nodes,
                                                            .open = open_node,
                                                            .node_of = find_pod,
                                                            .cache = cache,
                                                            .hold = hold,
                                                            .release = release};
    }
    filtering->call = plimsoll_extender_begin(PLIMSOLL_VERB_FILTER, &filtering->world,
                                              &bodies_reading, &bodies_settings);
    return filtering;
}

static int feed_filter(void *state, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    struct filtering *filtering = state;
    return plimsoll_extender_feed(filtering->call, bytes, err);
}

static int finish_filter(void *state, struct plimsoll_http_exchange *exchange,
                         struct plimsoll_error *err)
{
    struct filtering *filtering = state;
    struct plimsoll_extender_outcome outcome;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    if (plimsoll_extender_finish(filtering->call, &answer, &outcome, err) < 0) {
        return -1;
    }
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

static void end_filter(void *state)
{
    struct filtering *filtering = state;
    plimsoll_extender_free(&filtering->call);
    free(filtering);
}

/* -- /sink and /canned: nothing is looked at --------------------------------------------------- */

static void *begin_sink(void *context, struct plimsoll_http_exchange *exchange,
                        struct plimsoll_error *err)
{
    (void)exchange;
    (void)err;
    return context;
}

static int feed_sink(void *state, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    (void)state;
    (void)bytes;
    (void)err;
    return 0;
}

static int finish_sink(void *state, struct plimsoll_http_exchange *exchange,
                       struct plimsoll_error *err)
{
    (void)err;
    const struct plimsoll_span *canned = state;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    plimsoll_text_add_span(&answer, *canned);
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

static void end_sink(void *state)
{
    (void)state;
}

/* -- /echo, /mutate, lists --------------------------------------------------------------------- */

static int echo(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                struct plimsoll_error *err)
{
    (void)context;
    (void)err;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    plimsoll_text_add_span(&answer, body);
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

static int mutate(void *context, struct plimsoll_span body, struct plimsoll_http_exchange *exchange,
                  struct plimsoll_error *err)
{
    (void)context;
    const struct plimsoll_facts facts = {0};
    enum plimsoll_admission_result result;
    plimsoll_autotext answer = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    if (plimsoll_admission_review(config, &facts, body, &answer, &result, err) < 0) {
        return -1;
    }
    plimsoll_http_answer(exchange, 200, json_type, &answer);
    return 0;
}

void server_write_page(struct plimsoll_text *out, bool pods, size_t from, size_t count,
                       size_t nodes)
{
    size_t page = pods ? SERVER_PAGE_PODS : SERVER_PAGE_NODES;
    size_t to = from + page < count ? from + page : count;
    plimsoll_text_add_format(out,
                             "{\"kind\":\"%s\",\"apiVersion\":\"v1\",\"metadata\":{"
                             "\"resourceVersion\":\"1000000\"",
                             pods ? "PodList" : "NodeList");
    if (to < count) {
        plimsoll_text_add_format(out, ",\"continue\":\"%zu\"", to);
    }
    plimsoll_text_add_string(out, "},\"items\":[");
    for (size_t i = from; i < to; i++) {
        plimsoll_text_add_string(out, i > from ? "," : "");
        if (pods) {
            bodies_write_any_pod(out, i, nodes);
        } else {
            bodies_write_node(out, i, i % 2 == 0);
        }
    }
    plimsoll_text_add_string(out, "]}");
}

static void list(bool pods, struct plimsoll_http_exchange *exchange)
{
    const char *from = plimsoll_http_query(exchange, "continue");
    plimsoll_autotext answer = plimsoll_text_make(1u << 26);
    plimsoll_text_reserve(&answer, 1u << 22);
    server_write_page(&answer, pods, from != NULL ? strtoul(from, NULL, 10) : 0,
                      pods ? served->pods : served->nodes, served->nodes);
    plimsoll_http_answer(exchange, 200, json_type, &answer);
}

static int list_nodes(void *context, struct plimsoll_span body,
                      struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context;
    (void)body;
    (void)err;
    list(false, exchange);
    return 0;
}

static int list_pods(void *context, struct plimsoll_span body,
                     struct plimsoll_http_exchange *exchange, struct plimsoll_error *err)
{
    (void)context;
    (void)body;
    (void)err;
    list(true, exchange);
    return 0;
}

/* -- the process ------------------------------------------------------------------------------- */

static void make_certificates(const char *directory)
{
    struct plimsoll_error err;
    const char *const ip[] = {"127.0.0.1"};
    const struct plimsoll_certs_options options = {
        .directory = directory, .ip = ip, .ip_count = 1, .now_unix_ms = plimsoll_clock_unix_ms()};
    if (plimsoll_certs_write(&options, &err) < 0) {
        give_up("certificates", err.message);
    }
}

/* The server on one processor and the client on another, where there are two. */
static void move_to_processor(size_t wanted)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(wanted, &set);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
        (void)sched_setaffinity(0, sizeof set, &set);
    }
}

static unsigned start_own(const char *cert, const char *key)
{
    static const struct plimsoll_http_handler filter = {begin_filter, feed_filter, finish_filter,
                                                        end_filter};
    static const struct plimsoll_http_handler sink = {begin_sink, feed_sink, finish_sink, end_sink};
    static struct plimsoll_http_buffer echoing = {echo, NULL}, mutating = {mutate, NULL};
    static struct plimsoll_http_buffer nodes = {list_nodes, NULL}, pods = {list_pods, NULL};
    static struct plimsoll_span ok, canned;
    static struct plimsoll_http_route routes[8];
    ok = plimsoll_span_of("ok");
    canned = served->canned;
    const struct {
        const char *method, *path;
        const struct plimsoll_http_handler *handler;
        void *context;
    } wanted[] = {
        {"POST", "/filter", &filter, served->cluster},
        {"POST", "/sink", &sink, &ok},
        {"POST", "/canned", &sink, &canned},
        {"POST", "/echo", &plimsoll_http_buffered, &echoing},
        {"POST", "/mutate", &plimsoll_http_buffered, &mutating},
        {"GET", "/nodes", &plimsoll_http_buffered, &nodes},
        {"GET", "/pods", &plimsoll_http_buffered, &pods},
    };
    size_t count = sizeof wanted / sizeof wanted[0];
    for (size_t i = 0; i < count; i++) {
        routes[i] = (struct plimsoll_http_route){.method = wanted[i].method,
                                                 .path = wanted[i].path,
                                                 .name = wanted[i].path + 1,
                                                 .handler = wanted[i].handler,
                                                 .context = wanted[i].context,
                                                 .body_bytes_max = PLIMSOLL_FILTER_BYTES_MAX,
                                                 .deadline_ms = 600000};
    }
    const struct plimsoll_http_listener listener = {.address = "127.0.0.1:0",
                                                    .name = "bench",
                                                    .tls_cert = cert,
                                                    .tls_key = key,
                                                    .routes = routes,
                                                    .route_count = count,
                                                    .threads = 1};
    struct plimsoll_error err;
    static struct plimsoll_http *http;
    if (plimsoll_http_start(&listener, 1, &http, &err) < 0) {
        give_up("server", err.message);
    }
    return plimsoll_http_port(http, 0);
}

static _Noreturn void serve(const struct server *server, int ports)
{
    char cert[64], key[64];
    unsigned numbers[2];
    snprintf(cert, sizeof cert, "%s/tls.crt", server->directory);
    snprintf(key, sizeof key, "%s/tls.key", server->directory);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    move_to_processor(0);
    plimsoll_log_setup(PLIMSOLL_LOG_ERROR, false);
    config = plimsoll_config_default();
    cache = plimsoll_node_cache_new(cache_key);
    numbers[0] = start_own(cert, key);
    server_start_bare(cert, key, served->canned, &numbers[1]);
    if (write(ports, numbers, sizeof numbers) != (ssize_t)sizeof numbers) {
        give_up("server", "its ports cannot be told");
    }
    for (;;) {
        pause();
    }
}

void server_start(const struct server_options *options, struct server *server)
{
    unsigned numbers[2];
    int ports[2];
    served = options;
    strcpy(server->directory, "/tmp/plimsoll-bench-XXXXXX");
    if (mkdtemp(server->directory) == NULL || pipe(ports) < 0) {
        give_up("server", "no temporary directory, or no pipe");
    }
    make_certificates(server->directory);
    fflush(stdout);
    server->pid = fork();
    if (server->pid == 0) {
        serve(server, ports[1]);
    }
    (void)close(ports[1]);
    if (server->pid < 0 || read(ports[0], numbers, sizeof numbers) != (ssize_t)sizeof numbers) {
        give_up("server", "it has not started");
    }
    (void)close(ports[0]);
    server->port = numbers[0];
    server->bare_port = numbers[1];
    move_to_processor(1);
}

void server_stop(struct server *server)
{
    static const char *const files[] = {"ca.crt", "ca.key", "tls.crt", "tls.key"};
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", server->directory, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(server->directory);
}
