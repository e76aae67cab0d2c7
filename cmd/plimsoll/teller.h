/* SPDX-License-Identifier: Apache-2.0 */
/** Writes what the books tell: an Event on the pod or node, and a line in the log. */
#pragma once

#include <plimsoll/books.h>
#include <plimsoll/cluster.h>
#include <plimsoll/config.h>
#include <plimsoll/kube.h>

struct plimsoll_teller;

/**
 * All borrowed, must outlive the teller. `kube` NULL: the log alone.
 * @param instance  Which of the replicas speaks.
 */
struct plimsoll_teller *plimsoll_teller_start(struct plimsoll_cluster *cluster,
                                              struct plimsoll_kube *kube,
                                              const struct plimsoll_config *config,
                                              const char *instance);
/** Writes what is in the queue first. */
void plimsoll_teller_stop(struct plimsoll_teller **teller);

/** Takes over what a TELL owns. Told later, by the picture as it is then; not at all when it is not
 * so any more, or while too much is waiting to be told. Safe from any thread. */
void plimsoll_teller_tell(struct plimsoll_teller *teller, struct plimsoll_books_effect *effect);

/** Appends its metrics. @param untold  What the books kept back already. */
void plimsoll_teller_metrics(struct plimsoll_teller *teller, uint64_t untold,
                             struct plimsoll_text *out);
