/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include "advertiser.h"
#include "bookkeeper.h"
#include "certificates.h"
#include "options.h"
#include "verbs.h"

#include <plimsoll/clock.h>
#include <plimsoll/log.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Requests under way when SIGTERM comes get so long; pods are given 30 s. */
#define DRAIN_MS 20000u
/* To give the Lease up; a replica that takes over need not wait then. */
#define LEAVE_MS 8000
/* The books count in seconds. */
#define TICK_S 1
/* The scheduler, the API servers and a person; slow ones are cut off by their deadlines. */
#define CONNECTIONS_MAX 512u
#define THREADS         2u

/* Everything that runs, in the order in which it is started. */
struct server {
    struct plimsoll_config *config;
    struct plimsoll_cluster *cluster;
    struct plimsoll_kube *kube;
    struct plimsoll_bookkeeper *keeper;
    struct plimsoll_advertiser *advertiser;
    struct plimsoll_certificates *certificates;
    struct plimsoll_http *http;
    struct plimsoll_verbs verbs;
};

static void setup_log(const struct plimsoll_config *config)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    enum plimsoll_log_level least = PLIMSOLL_LOG_INFO;
    for (int i = 0; config->log_level != NULL && i < 4; i++) {
        if (strcmp(config->log_level, levels[i]) == 0) {
            least = (enum plimsoll_log_level)i;
        }
    }
    plimsoll_log_setup(least,
                       config->log_format == NULL || strcmp(config->log_format, "json") == 0);
}

static struct plimsoll_cluster *new_cluster(const struct plimsoll_config *config)
{
    struct plimsoll_cluster *cluster = plimsoll_cluster_new(&(struct plimsoll_cluster_options){
        .reading = &config->reading,
        .settings = &config->placement,
        .runtime_classes = (const char *const *)config->runtime_classes.list,
        .runtime_class_count = config->runtime_classes.count,
        .max_report_age_ms = config->max_report_age_ms,
    });
    plimsoll_cluster_tick(cluster, plimsoll_clock_unix_ms());
    return cluster;
}

/* The picture: of a state file, of an API server, or none. */
static int start_picture(struct server *server, struct plimsoll_error *err)
{
    const struct plimsoll_config *config = server->config;
    bool file = config->cluster_state != NULL;
    if (!file && config->kubeconfig == NULL && !plimsoll_kube_in_cluster()) {
        plimsoll_log(PLIMSOLL_LOG_WARN, "no picture of the cluster",
                     PLIMSOLL_STR("hint", "give --kubeconfig or --cluster-state; full Nodes in the "
                                          "request are answered, NodeNames are not known"));
        return 0;
    }
    server->cluster = new_cluster(config);
    if (!file &&
        plimsoll_kube_new(&(struct plimsoll_kube_options){.kubeconfig = config->kubeconfig},
                          &server->kube, err) != 0) {
        return -1;
    }
    /* The books listen before the first object comes. */
    server->keeper = plimsoll_bookkeeper_start(server->cluster, server->kube, config);
    if (server->kube != NULL) {
        server->advertiser = plimsoll_advertiser_start(server->cluster, server->kube, config);
    }
    return file ? plimsoll_kube_load_state(config->cluster_state, server->cluster, err)
                : plimsoll_kube_watch(server->kube, server->cluster, err);
}

/* The server's certificates, where a webhook has to trust them: nobody is asked before the listener
 * is there. */
static int prepare_certificates(struct server *server, struct plimsoll_error *err)
{
    if (server->config->webhook == NULL) {
        return 0;
    }
    if (server->kube == NULL) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "--webhook needs an API server: give --kubeconfig, or run in a cluster");
    }
    server->certificates = plimsoll_certificates_new(server->kube, server->config);
    return 0;
}

static int start_listeners(struct server *server, struct plimsoll_error *err)
{
    const struct plimsoll_config *config = server->config;
    struct plimsoll_verbs *verbs = &server->verbs;
    struct plimsoll_http_listener listeners[3];
    size_t count = 0;
    verbs->config = config;
    verbs->cluster = server->cluster;
    verbs->kube = server->kube;
    verbs->keeper = server->keeper;
    verbs->certificates = server->certificates;
    plimsoll_verbs_init(verbs);
    if (config->listen != NULL) {
        listeners[count++] =
            (struct plimsoll_http_listener){.address = config->listen,
                                            .name = "https",
                                            .tls_cert = config->tls_cert,
                                            .tls_key = config->tls_key,
                                            .tls_given = config->tls_secret != NULL,
                                            .client_ca = config->client_ca,
                                            .client_optional = true,
                                            .routes = verbs->https,
                                            .route_count = verbs->https_count,
                                            .connections_max = CONNECTIONS_MAX,
                                            .threads = THREADS};
    }
    if (config->extender_listen != NULL) {
        listeners[count++] = (struct plimsoll_http_listener){.address = config->extender_listen,
                                                             .name = "extender",
                                                             .loopback_only = true,
                                                             .routes = verbs->loopback,
                                                             .route_count = verbs->loopback_count,
                                                             .connections_max = CONNECTIONS_MAX,
                                                             .threads = THREADS};
    }
    if (config->metrics_listen != NULL) {
        listeners[count++] = (struct plimsoll_http_listener){.address = config->metrics_listen,
                                                             .name = "metrics",
                                                             .routes = verbs->monitoring,
                                                             .route_count = verbs->monitoring_count,
                                                             .connections_max = CONNECTIONS_MAX,
                                                             .threads = 1};
    }
    if (plimsoll_http_start(listeners, count, &server->http, err) != 0) {
        return -1;
    }
    atomic_store(&verbs->http, server->http);
    if (server->certificates != NULL) {
        plimsoll_certificates_start(server->certificates, server->http, 0);
    }
    return 0;
}

/* Until SIGTERM or SIGINT, telling the picture the time. */
static void wait_for_signal(const struct server *server, const sigset_t *signals)
{
    for (;;) {
        int number = sigtimedwait(signals, NULL, &(struct timespec){.tv_sec = TICK_S});
        if (number > 0) {
            plimsoll_log(PLIMSOLL_LOG_INFO, "stopping", PLIMSOLL_STR("signal", strsignal(number)));
            return;
        }
        if (server->cluster != NULL) {
            plimsoll_cluster_tick(server->cluster, plimsoll_clock_unix_ms());
            plimsoll_bookkeeper_tick(server->keeper);
        }
        if (server->advertiser != NULL) {
            plimsoll_advertiser_tick(server->advertiser);
        }
    }
}

/* The reverse of the start; good for a start that stopped half-way, too. */
static void stop(struct server *server)
{
    atomic_store(&server->verbs.stopping, true);
    if (server->http != NULL) {
        plimsoll_http_drain(server->http, DRAIN_MS);
    }
    if (server->certificates != NULL) {
        plimsoll_certificates_end(server->certificates);
    }
    plimsoll_http_stop(&server->http);
    plimsoll_certificates_free(&server->certificates);
    plimsoll_verbs_clear(&server->verbs);
    if (server->keeper != NULL) {
        plimsoll_bookkeeper_leave(server->keeper, LEAVE_MS);
    }
    /* The watches call the books, which therefore go after them, and the books' own threads call
     * the API server, which therefore goes last. */
    if (server->kube != NULL) {
        plimsoll_kube_stop_watching(server->kube);
    }
    plimsoll_bookkeeper_stop(&server->keeper);
    plimsoll_advertiser_stop(&server->advertiser);
    plimsoll_kube_free(&server->kube);
    plimsoll_cluster_free(&server->cluster);
    plimsoll_config_free(&server->config);
}

int plimsoll_command_serve(int argc, char **argv)
{
    struct plimsoll_serve_options options;
    struct plimsoll_error err = {0};
    if (plimsoll_serve_options_read(argc, argv, &options, &err) != 0) {
        fprintf(stderr, "plimsoll serve: %s\n", err.message);
        return 2;
    }
    if (options.help || options.check_config) {
        plimsoll_config_free(&options.config);
        if (options.help) {
            plimsoll_serve_options_help(stdout);
        } else {
            puts("the configuration is good");
        }
        return 0;
    }
    struct server server = {.config = options.config};
    setup_log(server.config);
    /* Before the first thread: every thread inherits the mask, and only sigtimedwait sees the
     * signals. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int status = 0;
    if (start_picture(&server, &err) != 0 || prepare_certificates(&server, &err) != 0 ||
        start_listeners(&server, &err) != 0) {
        plimsoll_log(PLIMSOLL_LOG_ERROR, "cannot start", PLIMSOLL_STR("err", err.message));
        status = 1;
    } else {
        wait_for_signal(&server, &signals);
    }
    stop(&server);
    return status;
}
