/* SPDX-License-Identifier: Apache-2.0 */
/** What `kubectl plimsoll doctor` answers. Pure; appends to a text. */
#pragma once

#include <plimsoll/doctor.h>
#include <plimsoll/view.h>

/** A line per finding, and what to do beneath it; then how many are of what kind. */
void plimsoll_view_diagnosis(const struct plimsoll_finding *findings, size_t count,
                             const struct plimsoll_view_options *options,
                             struct plimsoll_text *out);
/** Kind Diagnosis. */
void plimsoll_view_diagnosis_json(const struct plimsoll_finding *findings, size_t count,
                                  int64_t now_unix_ms, struct plimsoll_text *out);
