/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Talks to the Kubernetes API server over libcurl: credentials, list and watch, bindings.
 *
 * Credentials: in-cluster files (the token is read again when it changes, and on 401) or a
 * kubeconfig (certificates, tokens, token files; exec plugins are said to be unsupported). Never
 * follows redirects.
 */
#pragma once

#include <plimsoll/books.h>
#include <plimsoll/cluster.h>
#include <plimsoll/error.h>

struct plimsoll_kube;

struct plimsoll_kube_options {
    const char *kubeconfig; /* NULL: in-cluster credentials */
};

/** True when the in-cluster variables and files are there. */
bool plimsoll_kube_in_cluster(void);

/** @return 0, or -1 with what is missing in which file. The caller frees. */
int plimsoll_kube_new(const struct plimsoll_kube_options *options, struct plimsoll_kube **kube,
                      struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Stops the watches first. */
void plimsoll_kube_free(struct plimsoll_kube **kube);

/**
 * Starts one thread per kind that lists and watches into `cluster` for ever: bookmarks, 410 →
 * relist, half-open connections noticed, back-off with jitter and Retry-After, one log line per
 * change of state.
 */
int plimsoll_kube_watch(struct plimsoll_kube *kube, struct plimsoll_cluster *cluster,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Milliseconds since the API server was last heard of on that watch; INT64_MAX: never. */
int64_t plimsoll_kube_silence_ms(const struct plimsoll_kube *kube, enum plimsoll_kind kind);

/**
 * Posts the Binding of a POST effect and waits for the reply (at most 4 s by the server's timeout,
 * 5 s here). Safe from several threads. @param message  What the API server said, for people; may
 * be empty.
 */
enum plimsoll_bind_reply plimsoll_kube_bind(struct plimsoll_kube *kube,
                                            const struct plimsoll_books_effect *effect,
                                            char message[PLIMSOLL_ERROR_MESSAGE_SIZE]);

/**
 * A `kubectl get nodes,pods -A -o json` dump (a List, or several lists) into the picture, which is
 * synced after it. @return 0, or -1 with file and what is wrong.
 */
int plimsoll_kube_load_state(const char *file, struct plimsoll_cluster *cluster,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
