/* SPDX-License-Identifier: Apache-2.0 */
/** What the bookkeeper's two files share: steps (bookkeeper.c) and errands to the API server
 * (errands.c). */
#pragma once

#include "bookkeeper.h"

#include "lane.h"
#include "teller.h"

#include <pthread.h>

struct plimsoll_bookkeeper_counts {
    uint64_t bound, refused, unknown, woken;
};

struct plimsoll_bookkeeper {
    struct plimsoll_cluster *cluster;
    struct plimsoll_kube *kube;
    const struct plimsoll_config *config;
    pthread_mutex_t lock; /* the books */
    struct plimsoll_books *books;
    struct plimsoll_bookkeeper_counts counts; /* under the lock */
    struct plimsoll_lane *bindings;           /* Bindings and reads of pods */
    struct plimsoll_lane *lease;              /* must not wait behind slow Bindings: it runs out */
    struct plimsoll_lane *notes;              /* wakes, and looks at nodes of which there is news */
    struct plimsoll_teller *teller;           /* Events: slow, and nobody waits for them */
};

/** Makes the step and carries its effects out. */
void plimsoll_bookkeeper_step(struct plimsoll_bookkeeper *keeper,
                              struct plimsoll_books_event event);

/** Carries out an effect that waits for the API server, and reports what came of it. */
void plimsoll_errand_run(struct plimsoll_bookkeeper *keeper,
                         const struct plimsoll_books_effect *effect);
/** The list of effect LIST is in the picture; for plimsoll_kube_on_listed. */
void plimsoll_errand_listed(void *context, uint64_t ticket);
