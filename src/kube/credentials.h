/* SPDX-License-Identifier: Apache-2.0 */
/** Who we are to the API server, and where it is. */
#pragma once

#include <plimsoll/kube.h>

#include "kubeconfig.h"

#include <pthread.h>
#include <sys/stat.h>

#define PLIMSOLL_SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct plimsoll_credentials {
    struct plimsoll_kubeconfig config;
    bool direct;       /* never over a proxy of the environment: in a cluster, and on loopback */
    char *base_url;    /* without a slash at the end */
    char *connect_to;  /* for curl, when TLS names another host than the URL; else NULL */
    char *host_header; /* then what the URL said */
    /* The token as last read; the lock guards it. */
    pthread_mutex_t lock;
    struct plimsoll_text token;
    struct stat token_stat;
    int64_t token_read_ms; /* monotonic; -1: never */
};

/** @return 0, or -1 with what is missing where. The caller closes. */
int plimsoll_credentials_open(struct plimsoll_credentials *credentials,
                              const struct plimsoll_kube_options *options,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_credentials_close(struct plimsoll_credentials *credentials);

/**
 * Appends the bearer token, or nothing where there is none. A token file is read again when it
 * changed, each minute, and when `refused` says that the API server took the last one for invalid.
 */
int plimsoll_credentials_token(struct plimsoll_credentials *credentials, bool refused,
                               struct plimsoll_text *token,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
