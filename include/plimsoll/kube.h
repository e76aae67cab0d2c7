/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Talks to the Kubernetes API server over libcurl: credentials, list and watch, bindings.
 *
 * Credentials: in-cluster files (the token is read again when it changes, and on 401) or a
 * kubeconfig (certificates, tokens, token files; exec and auth-provider plugins and passwords are
 * said to be unsupported). Never follows redirects. In a cluster and on loopback no proxy is used;
 * with a kubeconfig its proxy-url, else what the environment names. Safe from several threads.
 *
 * The process must ignore SIGPIPE: a TLS connection may end while it is written to.
 */
#pragma once

#include <plimsoll/books.h>
#include <plimsoll/cluster.h>
#include <plimsoll/error.h>

struct plimsoll_kube;

struct plimsoll_kube_options {
    const char *kubeconfig;      /* a file; NULL: in-cluster credentials */
    const char *service_account; /* folder of token and ca.crt; NULL: where a kubelet puts it */
    /** A watch or list that says nothing for so long is taken as half-open and begun again;
     * 0: 150 s, more than two bookmarks apart. */
    int64_t silence_ms_max;
};

/** True when the in-cluster variables and files are there. */
bool plimsoll_kube_in_cluster(void);

/** @return 0, or -1 with what is missing in which file. The caller frees. */
int plimsoll_kube_new(const struct plimsoll_kube_options *options, struct plimsoll_kube **out,
                      struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The namespace of the service account or of the kubeconfig's context; `plimsoll-system` where
 * neither says. Borrowed for the life of `kube`. */
const char *plimsoll_kube_namespace(const struct plimsoll_kube *kube);
/** Ends the watches: the picture gets nothing more. */
void plimsoll_kube_stop_watching(struct plimsoll_kube *kube);
/** Stops the watches first; no request may be in flight. */
void plimsoll_kube_free(struct plimsoll_kube **handle);

/**
 * Starts one thread per kind that lists and watches into `cluster` for ever: bookmarks, 410 →
 * relist, half-open connections noticed, back-off with jitter and Retry-After, one log line per
 * change of state. At most once; `cluster` must outlive `kube`.
 *
 * A kind that the API server forbids stays unsynced and is said in the log; the others go on.
 * RuntimeClasses that it does not know (404) are synced with none.
 */
int plimsoll_kube_watch(struct plimsoll_kube *kube, struct plimsoll_cluster *cluster,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * Has a kind that is watched listed once more by a consistent read that begins after this call; the
 * picture stays as it is meanwhile. When it is complete, `on_listed` is called on the watching
 * thread with `ticket` (not 0, unlike the last), or with that of a later call.
 */
void plimsoll_kube_relist(struct plimsoll_kube *kube, enum plimsoll_kind kind, uint64_t ticket);
/** Before plimsoll_kube_watch. */
void plimsoll_kube_on_listed(struct plimsoll_kube *kube,
                             void (*on_listed)(void *context, uint64_t ticket), void *context);

/** Milliseconds since the API server was last heard of on that watch; INT64_MAX: never. */
int64_t plimsoll_kube_silence_ms(const struct plimsoll_kube *kube, enum plimsoll_kind kind);

/**
 * Posts the Binding of a POST effect and waits for the reply (at most 4 s by the server's timeout,
 * 5 s here). REFUSED is certain: nothing was written and nothing will be. CONFLICT is certain of
 * this Binding only: read the pod.
 * @param message  What the API server said, for people; may be empty.
 */
enum plimsoll_bind_reply plimsoll_kube_bind(struct plimsoll_kube *kube,
                                            const struct plimsoll_books_effect *effect,
                                            char message[PLIMSOLL_ERROR_MESSAGE_SIZE]);

/**
 * The Lease `plimsoll-books` in namespace `home` (contract C4). Reading one that does not exist is
 * DONE with `exists` false.
 * @param lease  Set when the reply is DONE.
 */
enum plimsoll_lease_reply plimsoll_kube_read_lease(struct plimsoll_kube *kube, const char *home,
                                                   struct plimsoll_lease *lease,
                                                   char message[PLIMSOLL_ERROR_MESSAGE_SIZE]);
/** Writes what a LEASE_WRITE effect asks for: made when `wanted` does not exist, else only if its
 * version is still that. @param written  Set when the reply is DONE: what the API has now. */
enum plimsoll_lease_reply plimsoll_kube_write_lease(struct plimsoll_kube *kube, const char *home,
                                                    const struct plimsoll_lease *wanted,
                                                    struct plimsoll_lease *written,
                                                    char message[PLIMSOLL_ERROR_MESSAGE_SIZE]);

/**
 * Writes `counter` to the pod's annotation `woken`, if it is still the pod of that uid.
 * @return 0, or -1: PLIMSOLL_ERR_NOT_FOUND, PLIMSOLL_ERR_CONFLICT for another pod of that name,
 * PLIMSOLL_ERR_DENIED, PLIMSOLL_ERR_UNAVAILABLE.
 */
int plimsoll_kube_wake(struct plimsoll_kube *kube, const struct plimsoll_bind_request *request,
                       uint64_t counter, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * Has the node advertise so many bytes of VRAM: `plimsoll.dev/vram` in its capacity, and at once in
 * its allocatable; negative: no longer.
 * @return 0, or -1: PLIMSOLL_ERR_NOT_FOUND, PLIMSOLL_ERR_DENIED, PLIMSOLL_ERR_CONFLICT,
 * PLIMSOLL_ERR_UNAVAILABLE.
 */
int plimsoll_kube_set_capacity(struct plimsoll_kube *kube, const char *node, int64_t bytes,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * Appends the pod's object to `object`, by one consistent read (at most 5 s): a bind may be asked
 * for a pod that the watch has not shown yet. Safe from several threads.
 * @return 0, or -1: PLIMSOLL_ERR_NOT_FOUND, PLIMSOLL_ERR_CONFLICT when the pod of that name has
 * another uid, PLIMSOLL_ERR_DENIED, PLIMSOLL_ERR_INVALID when the answer is no Pod,
 * PLIMSOLL_ERR_UNAVAILABLE when none came. `object` unchanged on failure.
 */
int plimsoll_kube_read_pod(struct plimsoll_kube *kube, const struct plimsoll_bind_request *request,
                           struct plimsoll_text *object,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** @param object  Borrowed for the call. @return 0, or -1 to stop. */
typedef int (*plimsoll_kube_object_fn)(void *context, enum plimsoll_kind kind,
                                       struct plimsoll_span object, struct plimsoll_error *err);
/**
 * Gives the objects of a `kubectl get nodes,pods,runtimeclasses -A -o json` dump (a List, or
 * several lists one after the other). Objects of other kinds are passed over.
 * @return 0, or -1 with file and what is wrong, or what `take` said.
 */
int plimsoll_kube_read_state(const char *path, plimsoll_kube_object_fn take, void *context,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/**
 * Such a dump into the picture, which is synced after it. Without any RuntimeClass in it, every one
 * is taken as there.
 * @return 0, or -1 as above; what came before the fault is in the picture then.
 */
int plimsoll_kube_load_state(const char *path, struct plimsoll_cluster *cluster,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
