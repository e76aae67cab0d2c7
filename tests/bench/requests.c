/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "bodies.h"
#include "client.h"
#include "measure.h"
#include "server.h"

#include <plimsoll/limits.h>

#include <assert.h>

struct request {
    struct client *client;
    const char *path;
    struct plimsoll_span body;
    size_t answer_bytes_min;
    struct plimsoll_span next_body; /* taken in turns with `body`; empty: always the same */
};

static struct request make_request(struct client *client, const char *path,
                                   struct plimsoll_span body, size_t answer_bytes_min)
{
    return (struct request){
        .client = client, .path = path, .body = body, .answer_bytes_min = answer_bytes_min};
}

static void run_request(void *context)
{
    struct request *request = context;
    size_t received = client_ask(request->client, request->path, request->body, NULL, NULL);
    if (request->next_body.size > 0) {
        struct plimsoll_span body = request->body;
        request->body = request->next_body;
        request->next_body = body;
    }
    if (received < request->answer_bytes_min) {
        fprintf(stderr, "bench: %s: an answer of %zu bytes only\n", request->path, received);
        exit(1);
    }
}

/* Half of the nodes are busy; four pods hold cards on each. */
static struct plimsoll_cluster *make_picture(size_t nodes)
{
    const struct plimsoll_cluster_options options = {.reading = &bodies_reading,
                                                     .settings = &bodies_settings};
    struct plimsoll_cluster *cluster = plimsoll_cluster_new(&options);
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    struct plimsoll_error err;
    int result = 0;
    plimsoll_cluster_skip(cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_PODS);
    for (size_t i = 0; i < nodes * BODIES_PODS_PER_NODE && result == 0; i++) {
        plimsoll_text_reset(&object);
        bodies_write_pod(&object, i, i / BODIES_PODS_PER_NODE, true);
        result =
            plimsoll_cluster_set(cluster, PLIMSOLL_KIND_PODS, plimsoll_text_span(&object), &err);
    }
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_PODS);
    plimsoll_cluster_list_begin(cluster, PLIMSOLL_KIND_NODES);
    for (size_t i = 0; i < nodes && result == 0; i++) {
        plimsoll_text_reset(&object);
        bodies_write_node(&object, i, i % 2 == 0);
        result =
            plimsoll_cluster_set(cluster, PLIMSOLL_KIND_NODES, plimsoll_text_span(&object), &err);
    }
    plimsoll_cluster_list_end(cluster, PLIMSOLL_KIND_NODES);
    assert(result == 0);
    return cluster;
}

static void take_answer(void *context, struct plimsoll_span bytes)
{
    plimsoll_text_add_span(context, bytes);
}

/* Every node has been written since. */
static void change_nodes(struct plimsoll_text *body)
{
    static const char version[] = "\"resourceVersion\":\"1";
    for (char *at = body->data; (at = strstr(at, version)) != NULL; at += sizeof version) {
        at[sizeof version - 2] = '2';
    }
}

/* What the extender answers to `body`, asked of a server of its own. */
static struct plimsoll_text ask_once(struct plimsoll_cluster *cluster, size_t nodes,
                                     struct plimsoll_span body)
{
    struct server server;
    const struct server_options options = {.cluster = cluster, .nodes = nodes};
    struct plimsoll_text answer = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    server_start(&options, &server);
    struct client *client = client_open(server.directory, server.port);
    client_ask(client, "/filter", body, take_answer, &answer);
    client_close(&client);
    server_stop(&server);
    return answer;
}

static void compare(const struct server *server, const char *name, const struct request *ours,
                    const char *base_name, const struct request *base, double target, size_t rounds,
                    size_t repeats)
{
    struct request runs[] = {*ours, *base};
    measure_compare(&(struct measure_comparison){.name = name,
                                                 .ours = {"", run_request, &runs[0]},
                                                 .base = {base_name, run_request, &runs[1]},
                                                 .target = target,
                                                 .rounds = rounds,
                                                 .repeats = repeats,
                                                 .pid = server->pid});
}

void bench_requests(const struct bench_options *options)
{
    plimsoll_autotext names = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    plimsoll_autotext nodes = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    plimsoll_autotext changed = plimsoll_text_make(PLIMSOLL_FILTER_BYTES_MAX);
    plimsoll_autotext review = plimsoll_text_make(PLIMSOLL_REVIEW_BYTES_MAX);
    bodies_write_filter_names(&names, options->nodes);
    bodies_write_filter_nodes(&nodes, options->nodes, true);
    plimsoll_text_add_span(&changed, plimsoll_text_span(&nodes));
    change_nodes(&changed);
    bodies_write_review(&review);
    struct plimsoll_cluster *cluster = make_picture(options->nodes);
    plimsoll_autotext canned = ask_once(cluster, options->nodes, plimsoll_text_span(&names));
    const struct server_options serving = {
        .cluster = cluster, .canned = plimsoll_text_span(&canned), .nodes = options->nodes};
    struct server server;
    server_start(&serving, &server);
    struct client *own = client_open(server.directory, server.port);
    struct client *bare = client_open(server.directory, server.bare_port);
    struct plimsoll_span full = plimsoll_text_span(&nodes), named = plimsoll_text_span(&names);
    struct plimsoll_span reviewed = plimsoll_text_span(&review);
    size_t rounds = options->rounds;

    const struct request filter_full = make_request(own, "/filter", full, options->nodes * 60);
    const struct request sink = make_request(own, "/sink", full, 2),
                         bare_sink = make_request(bare, "/sink", full, 2);
    compare(&server, "filter, full nodes, all refused, TLS", &filter_full, "sink, same server",
            &sink, 1.3, rounds, 1);
    compare(&server, "filter, full nodes, all refused, TLS", &filter_full, "sink, bare server",
            &bare_sink, 1.3, rounds, 1);
    struct request filter_changed = filter_full;
    filter_changed.next_body = plimsoll_text_span(&changed);
    compare(&server, "the same, every node changed since", &filter_changed, "sink, bare server",
            &bare_sink, 1.3, rounds, 1);

    const struct request filter_names = make_request(own, "/filter", named, canned.size);
    const struct request same = make_request(own, "/canned", named, canned.size);
    const struct request bare_same = make_request(bare, "/canned", named, canned.size);
    compare(&server, "filter, names, 8 cards each, TLS", &filter_names, "same bytes, same server",
            &same, 1.5, rounds, 10);
    compare(&server, "filter, names, 8 cards each, TLS", &filter_names, "same bytes, bare server",
            &bare_same, 1.5, rounds, 10);

    const struct request mutate = make_request(own, "/mutate", reviewed, 200);
    const struct request echo = make_request(own, "/echo", reviewed, reviewed.size);
    const struct request bare_echo = make_request(bare, "/echo", reviewed, reviewed.size);
    compare(&server, "mutate, review of a pod, TLS", &mutate, "echo, same server", &echo, 1 / 0.6,
            rounds, 200);
    compare(&server, "mutate, review of a pod, TLS", &mutate, "echo, bare server", &bare_echo,
            1 / 0.6, rounds, 200);

    client_close(&own);
    client_close(&bare);
    server_stop(&server);
    plimsoll_cluster_free(&cluster);
}
