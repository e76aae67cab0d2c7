/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "bodies.h"
#include "client.h"
#include "measure.h"
#include "server.h"

#include <plimsoll/feed.h>

#include <assert.h>
#include <sys/wait.h>

/* One list of nodes and one of pods, as they come from the server. */
struct listing {
    const struct server *server;
    struct client *client;
    struct plimsoll_cluster *cluster; /* NULL: the bytes are only received */
};

struct taking {
    struct plimsoll_feed *feed;
    char start[256]; /* of the page, where its metadata are */
    size_t size;
};

static void take_page(void *context, struct plimsoll_span bytes)
{
    struct taking *taking = context;
    struct plimsoll_error err;
    if (taking->size < sizeof taking->start - 1) {
        size_t room = sizeof taking->start - 1 - taking->size;
        size_t size = bytes.size < room ? bytes.size : room;
        memcpy(taking->start + taking->size, bytes.data, size);
        taking->size += size;
    }
    if (taking->feed != NULL && plimsoll_feed_bytes(taking->feed, bytes, &err) < 0) {
        fprintf(stderr, "bench: %s\n", err.message);
        exit(1);
    }
}

/* The page's token, found as it stands: the base of the comparison reads nothing. */
static size_t find_next(const struct taking *taking)
{
    const char *token = strstr(taking->start, "\"continue\":\"");
    return token != NULL ? strtoul(token + 12, NULL, 10) : 0;
}

static void run_list(const struct listing *listing, const char *path, enum plimsoll_kind kind)
{
    struct plimsoll_feed *feed =
        listing->cluster != NULL ? plimsoll_feed_list(listing->cluster, kind) : NULL;
    size_t next = 0;
    do {
        char url[64];
        struct plimsoll_error err;
        struct taking taking = {.feed = feed};
        snprintf(url, sizeof url, "%s?continue=%zu", path, next);
        client_ask(listing->client, url, (struct plimsoll_span){0}, take_page, &taking);
        next = find_next(&taking);
        if (feed != NULL && plimsoll_feed_finish(feed, &err) < 0) {
            fprintf(stderr, "bench: %s\n", err.message);
            exit(1);
        }
    } while (next > 0);
    plimsoll_feed_free(&feed);
}

static void run_lists(void *context)
{
    const struct listing *listing = context;
    run_list(listing, "/nodes", PLIMSOLL_KIND_NODES);
    run_list(listing, "/pods", PLIMSOLL_KIND_PODS);
}

static struct plimsoll_cluster *make_cluster(void)
{
    const struct plimsoll_cluster_options options = {.reading = &bodies_reading,
                                                     .settings = &bodies_settings};
    struct plimsoll_cluster *cluster = plimsoll_cluster_new(&options);
    plimsoll_cluster_skip(cluster, PLIMSOLL_KIND_RUNTIME_CLASSES);
    return cluster;
}

/* The first list into a new picture. */
static void run_first_list(void *context)
{
    struct listing listing = *(struct listing *)context;
    listing.cluster = make_cluster();
    run_lists(&listing);
    plimsoll_cluster_free(&listing.cluster);
}

/* In a process of its own that has done nothing else: what the picture takes. */
static void note_memory(const struct bench_options *options, const struct server *server)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct listing listing = {.server = server};
        listing.client = client_open(server->directory, server->port);
        double before = measure_resident("VmRSS:");
        listing.cluster = make_cluster();
        run_lists(&listing);
        double after = measure_resident("VmRSS:");
        if (plimsoll_cluster_node_count(listing.cluster) != options->nodes) {
            exit(1);
        }
        measure_note("picture: resident before the first list", before, "MiB", 64);
        measure_note("picture: resident after it", after, "MiB", 64);
        measure_note("picture: resident at most", measure_resident("VmHWM:"), "MiB", 64);
        _exit(0);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "bench: the picture was not measured\n");
        exit(1);
    }
}

void bench_picture(const struct bench_options *options)
{
    const struct server_options serving = {.nodes = options->nodes, .pods = options->pods};
    struct server server;
    server_start(&serving, &server);
    note_memory(options, &server);
    struct listing listing = {.server = &server};
    listing.client = client_open(server.directory, server.port);
    measure_compare(&(struct measure_comparison){
        .name = "first list of nodes and pods, TLS",
        .ours = {"", run_first_list, &listing},
        .base = {"receiving it", run_lists, &listing},
        .target = 1.3,
        .rounds = options->rounds < 5 ? options->rounds : 5,
        .repeats = 1,
        .pid = getpid(),
    });
    client_close(&listing.client);
    server_stop(&server);
}
