/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Looks at this machine: all readers, whose processes those are, and the kubelet's checkpoint.
 *
 * What cannot be read now is said in the log once, and once more when it is back. Belongs to one
 * thread.
 */
#pragma once

#include "options.h"

#include <plimsoll/report.h>

struct plimsoll_observer;

/** The options must outlive it. */
struct plimsoll_observer *plimsoll_observer_new(const struct plimsoll_agent_options *options);
void plimsoll_observer_free(struct plimsoll_observer **handle);

/**
 * Looks. Cards of a driver that has stopped answering stay as they were last seen, and after some
 * tries are said to be unhealthy.
 * @param look  Set on success; borrowed until the next look.
 * @return 0 when everything that was ever seen has been measured now; 1 when something has not;
 * -1 with `err` when no card has ever been seen.
 */
int plimsoll_observer_look(struct plimsoll_observer *observer, struct plimsoll_look *look,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Why the last look was not a whole one; borrowed until the next. */
const char *plimsoll_observer_trouble(const struct plimsoll_observer *observer);
