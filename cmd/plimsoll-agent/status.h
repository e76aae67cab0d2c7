/* SPDX-License-Identifier: Apache-2.0 */
/** What the agent says of itself: health and metrics, asked for on other threads than the one that
 * measures. */
#pragma once

#include "writer.h"

#include <plimsoll/health.h>

struct plimsoll_status;

/** @return 0, or -1 when the address cannot be listened on. The caller frees. */
int plimsoll_status_start(const char *address, struct plimsoll_status **out,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_status_stop(struct plimsoll_status **handle);

/** After each look. `look` NULL, or `whole` false: not everything was measured, for that reason. */
void plimsoll_status_looked(struct plimsoll_status *status, const struct plimsoll_look *look,
                            bool whole, const char *reason);
/** After each call of the writer. */
void plimsoll_status_wrote(struct plimsoll_status *status,
                           const struct plimsoll_writer_counts *counts);
