/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The Secret that holds a CA, the webhook configuration that makes API servers trust it, and the
 * ConfigMap that tells others.
 *
 * Single requests over a plimsoll_kube, each waited for; safe from several threads. Errors are
 * PLIMSOLL_ERR_NOT_FOUND, PLIMSOLL_ERR_DENIED, PLIMSOLL_ERR_CONFLICT (another was faster: read
 * again), PLIMSOLL_ERR_INVALID for an answer that is no such object, else PLIMSOLL_ERR_UNAVAILABLE.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/text.h>

struct plimsoll_kube;

/** Webhooks of one configuration. */
#define PLIMSOLL_WEBHOOKS_MAX 64u

/** The data of a Secret that is ours: `ca.crt` and `ca.key`; other keys in it stay as they are. */
struct plimsoll_secret {
    struct plimsoll_text object;             /* as it was read, for writing it back */
    struct plimsoll_text certificates, keys; /* empty when they are not there or no base64 */
};

/** @param secret  Set on success; the caller clears it. */
int plimsoll_kube_read_secret(struct plimsoll_kube *kube, const char *in_namespace,
                              const char *name, struct plimsoll_secret *secret,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Writes the Secret back with these, unless it has changed since it was read. */
int plimsoll_kube_write_secret(struct plimsoll_kube *kube, const char *in_namespace,
                               const char *name, const struct plimsoll_secret *secret,
                               struct plimsoll_span certificates, struct plimsoll_span keys,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_secret_clear(struct plimsoll_secret *secret);

/** Whom the API servers trust when they call the webhooks of a MutatingWebhookConfiguration. */
struct plimsoll_trust {
    char *uid; /* owned, as what follows */
    struct plimsoll_webhook {
        char *name;
        struct plimsoll_text bundle; /* the caBundle, decoded; empty: none */
    } * webhooks;
    size_t count;
};

/** @param trust  Set on success; the caller clears it. */
int plimsoll_kube_read_trust(struct plimsoll_kube *kube, const char *configuration,
                             struct plimsoll_trust *trust,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/**
 * Makes `bundle` the caBundle of every webhook by server-side apply as `plimsoll`: nobody else's
 * field changes, and whoever wrote these loses them.
 * @param trust  As it was read: a configuration made anew meanwhile is a conflict. What it is now,
 *               on success.
 */
int plimsoll_kube_write_trust(struct plimsoll_kube *kube, const char *configuration,
                              struct plimsoll_span bundle, struct plimsoll_trust *trust,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_trust_clear(struct plimsoll_trust *trust);

/**
 * Makes `bundle` the `ca.crt` of a ConfigMap that is there, by server-side apply as `plimsoll`.
 * Writes nothing where it is that already.
 * @param written  Set on success.
 */
int plimsoll_kube_publish_ca(struct plimsoll_kube *kube, const char *in_namespace, const char *name,
                             struct plimsoll_span bundle, bool *written,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
