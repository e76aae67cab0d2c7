/* SPDX-License-Identifier: Apache-2.0 */
/** The pod that somebody asks about, with its way to a node and its Events. */
#pragma once

#include "kubectl.h"

#include <plimsoll/answers.h>
#include <plimsoll/resources.h>

/** Events that are read of one pod. */
#define PLIMSOLL_SUBJECT_EVENTS_MAX 500

struct plimsoll_subject {
    struct plimsoll_pod pod;
    struct plimsoll_view_scheduling scheduling; /* points into `strings` */
    struct plimsoll_view_event *events;         /* owned */
    char **strings;                             /* owned, each of them */
    size_t string_count;
};

/**
 * @param name        POD, pod/POD or NAMESPACE/POD.
 * @param home        Its namespace; NULL: that of `name`, else kubectl's own.
 * @param subject     Set on success; the caller clears it.
 * @return 0, or -1 with what kubectl says, or PLIMSOLL_ERR_INVALID when that is no pod. Events that
 * may not be read are no failure.
 */
int plimsoll_subject_load(const struct plimsoll_kubectl *kubectl, const char *name,
                          const char *home, const struct plimsoll_resources *resources,
                          struct plimsoll_subject *subject,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_subject_clear(struct plimsoll_subject *subject);
