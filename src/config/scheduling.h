/* SPDX-License-Identifier: Apache-2.0 */
/** Tolerations and node affinity: core/v1 shapes checked here, kept as JSON for the patch. */
#pragma once

#include "at.h"

plimsoll_at_fn plimsoll_scheduling_tolerations; /* char *: a JSON array, NULL when empty */
plimsoll_at_fn plimsoll_scheduling_affinity;    /* char *: a JSON object, NULL when empty */
