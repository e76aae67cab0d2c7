/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A process with two HTTPS servers on loopback: Plimsoll's own (extender, webhook, and routes that
 * decide nothing) and a bare libmicrohttpd with the latter only.
 *
 * Both: POST /sink counts the body, /echo sends it back, /canned counts it and answers fixed bytes.
 * Plimsoll's besides: POST /filter and /mutate, and GET /nodes and
 * /pods with ?continue=FROM, lists in pages.
 */
#pragma once

#include <plimsoll/cluster.h>
#include <plimsoll/text.h>

#include <sys/types.h>

struct server_options {
    struct plimsoll_cluster *cluster; /* for /filter; may be NULL */
    struct plimsoll_span canned;      /* the answer of /canned */
    size_t nodes, pods;               /* of the lists /nodes and /pods */
};

struct server {
    pid_t pid;
    unsigned port, bare_port;
    char directory[32]; /* of the certificates; removed by stop */
};

/** Forks; ends the program when something is wrong. */
void server_start(const struct server_options *options, struct server *server);
void server_stop(struct server *server);

/** The bare server of the process; `port` is chosen. */
void server_start_bare(const char *cert, const char *key, struct plimsoll_span canned,
                       unsigned *port);

/** A page of the list of pods or of nodes, with the token of the next one. */
void server_write_page(struct plimsoll_text *out, bool pods, size_t from, size_t count,
                       size_t nodes);
#define SERVER_PAGE_PODS  500u
#define SERVER_PAGE_NODES 100u
