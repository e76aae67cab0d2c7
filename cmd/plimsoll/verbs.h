/* SPDX-License-Identifier: Apache-2.0 */
/** The routes: which bytes go to which deciding module, and what is counted on the way. */
#pragma once

#include "bookkeeper.h"
#include "certificates.h"

#include <plimsoll/config.h>
#include <plimsoll/health.h>

#include <stdatomic.h>

/* Counted here because only here requests and outcomes meet. */
struct plimsoll_verb_counts {
    atomic_ullong admission[3];                         /* by enum plimsoll_admission_result */
    atomic_ullong filter_gpu, filter_other;             /* calls of filter */
    atomic_ullong nodes_rejected[PLIMSOLL_REFUSED + 1]; /* by enum plimsoll_reason */
    atomic_ullong preempt_gpu, preempt_other;           /* calls of preempt */
    atomic_ullong candidates_passed, candidates_dropped, victims_added;
};

/** What the handlers work with; borrowed, must outlive the HTTP server. */
struct plimsoll_verbs {
    const struct plimsoll_config *config;
    struct plimsoll_cluster *cluster;           /* NULL: no picture */
    struct plimsoll_kube *kube;                 /* NULL: no API server */
    struct plimsoll_bookkeeper *keeper;         /* NULL without a picture */
    struct plimsoll_certificates *certificates; /* NULL: from files */
    _Atomic(struct plimsoll_http *) http;       /* NULL until started; for its metrics */
    atomic_bool stopping;                       /* readiness goes off first */
    struct plimsoll_verb_counts counts;
    struct plimsoll_nominees *nominees;     /* made by plimsoll_verbs_init */
    struct plimsoll_node_cache *node_cache; /* likewise; NULL: none could be made */
    /* Routes and what they point to, filled by plimsoll_verbs_init. */
    struct plimsoll_http_buffer mutate, preempt, bind, page, page_data, metrics;
    struct plimsoll_health livez, readyz;
    struct plimsoll_health_check ready[3];
    struct plimsoll_http_route https[7], loopback[7], monitoring[4];
    size_t https_count, loopback_count, monitoring_count;
};

/* Fills in the routes from the fields above them. */
void plimsoll_verbs_init(struct plimsoll_verbs *verbs);
/* @return 0, or -1 and why the picture is not the cluster as it is: not listed yet, or too old. */
int plimsoll_verbs_current(const struct plimsoll_verbs *verbs, struct plimsoll_error *err);
/* After the HTTP server has stopped. */
void plimsoll_verbs_clear(struct plimsoll_verbs *verbs);
