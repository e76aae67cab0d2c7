/* SPDX-License-Identifier: Apache-2.0 */
/** What a kubeconfig's current context says, with paths made absolute. Reads the file, nothing
 * else. */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/text.h>

/** All owned; NULL where absent. Of a pair, data wins and the file is NULL. */
struct plimsoll_kubeconfig {
    char *server;
    char *ca_file;
    struct plimsoll_text ca_data; /* PEM, like the other data */
    char *certificate_file;
    struct plimsoll_text certificate_data;
    char *key_file;
    struct plimsoll_text key_data;
    char *token;
    char *token_file; /* beats token */
    char *tls_server_name;
    char *proxy_url;
    char *namespace_;
    bool insecure;
};

/**
 * @param config  Set on success; the caller clears it. Unchanged on failure.
 * @return 0, or -1 with the file, the entry and what is missing or not supported.
 */
int plimsoll_kubeconfig_read(const char *file, struct plimsoll_kubeconfig *config,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_kubeconfig_clear(struct plimsoll_kubeconfig *config);
