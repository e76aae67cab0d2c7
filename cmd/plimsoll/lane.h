/* SPDX-License-Identifier: Apache-2.0 */
/** A queue of errands and the threads that run them, so that the slow ones do not stop the others.
 */
#pragma once

#include <stddef.h>

struct plimsoll_lane;

/** What to do; the errand is the runner's from then on. */
typedef void (*plimsoll_lane_run_fn)(void *context, void *errand);

struct plimsoll_lane *plimsoll_lane_start(size_t threads, plimsoll_lane_run_fn run, void *context);
/** Errands are begun in the order in which they come. Safe from any thread. */
void plimsoll_lane_put(struct plimsoll_lane *lane, void *errand);
/** Runs what is in the queue first. */
void plimsoll_lane_stop(struct plimsoll_lane **lane);
