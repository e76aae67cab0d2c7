/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a cluster says of the Plimsoll that is installed in it, as far as a scheduler needs it: the
 * webhook names Service and CA, the Service its address, the ConfigMap the resources, the
 * Deployment the server's flags, the API server its version.
 */
#pragma once

#include <plimsoll/config.h>
#include <plimsoll/text.h>

/** Bytes of a CA bundle. */
#define PLIMSOLL_LIVE_PEM_BYTES_MAX (128u * 1024)
/** Bytes of a HOST:PORT or of a name with its namespace, and the NUL. */
#define PLIMSOLL_LIVE_WORD_SIZE 512

struct plimsoll_live_question {
    const char *kubeconfig;   /* NULL: in-cluster credentials */
    const char *name;         /* of webhook, ConfigMap and Deployment */
    bool address, ca, config; /* which of these are wanted */
};

struct plimsoll_live {
    char namespace_[PLIMSOLL_LIVE_WORD_SIZE];
    char address[PLIMSOLL_LIVE_WORD_SIZE]; /* HOST:PORT of the Service */
    char server_name[PLIMSOLL_LIVE_WORD_SIZE];
    struct plimsoll_text ca; /* PEM */
    struct plimsoll_config *config;
    bool deployed;                          /* the Deployment could be read, and so is known … */
    bool has_client_ca;                     /* … whether its server has --client-ca … */
    char extender[PLIMSOLL_LIVE_WORD_SIZE]; /* … and its --extender-listen; empty: none */
    char version[PLIMSOLL_LIVE_WORD_SIZE];  /* of the API server, like v1.36.3 */
    unsigned minor;
};

/** @param live  Set on success; the caller clears it. */
int plimsoll_live_read(const struct plimsoll_live_question *question, struct plimsoll_live *live,
                       struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_live_clear(struct plimsoll_live *live);
