/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The certificates of a server that makes them itself: keeps the CA in its Secret, the caBundle of
 * the webhook, and the serving certificate of the HTTPS listener. Of a server whose certificate
 * others keep (no `tls-secret`) it only looks whether the webhook trusts it.
 *
 * A thread looks at the objects every few seconds and does what is missing. Replicas need no
 * leader: what each decides follows from the Secret, which only one of two writes.
 */
#pragma once

#include <plimsoll/config.h>
#include <plimsoll/http.h>
#include <plimsoll/kube.h>

struct plimsoll_certificates;

/** The names of the Service and `tls-dns` can stand in a certificate. @return 0, or -1 with which
 * cannot. */
int plimsoll_certificates_check_names(const struct plimsoll_config *config,
                                      struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Does nothing yet. Both are borrowed and must outlive it. */
struct plimsoll_certificates *plimsoll_certificates_new(struct plimsoll_kube *kube,
                                                        const struct plimsoll_config *config);
/** Begins to look, and where there is a `tls-secret` to give certificates to listener `index` of
 * `http`, which must outlive it. */
void plimsoll_certificates_start(struct plimsoll_certificates *keeper, struct plimsoll_http *http,
                                 size_t index);
/** Gives no more. The listener may end after it. */
void plimsoll_certificates_end(struct plimsoll_certificates *keeper);
/** After its last question; also of one that was never started, or NULL. */
void plimsoll_certificates_free(struct plimsoll_certificates **certificates);

/** A plimsoll_health_fn: API servers trust the certificate that is served. */
int plimsoll_certificates_ready(void *keeper, struct plimsoll_error *err);
void plimsoll_certificates_metrics(struct plimsoll_certificates *keeper, struct plimsoll_text *out);
