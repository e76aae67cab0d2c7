/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The webhook: an AdmissionReview in, an AdmissionReview with a JSON Patch out (design §3).
 *
 * Pure: no I/O, no clock, no globals; safe from several threads with the same config.
 * The user's word wins: what is there is never overwritten or reordered. f(f(x)) = f(x).
 */
#pragma once

#include <plimsoll/config.h>
#include <plimsoll/error.h>
#include <plimsoll/facts.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

enum plimsoll_admission_result {
    PLIMSOLL_ADMISSION_SKIPPED, /* nothing to do, no patch */
    PLIMSOLL_ADMISSION_MUTATED,
    PLIMSOLL_ADMISSION_DENIED,
};

/**
 * Answers one admission.k8s.io/v1 AdmissionReview.
 *
 * A pod that is refused is an answer (allowed: false, with field, value and a good example), no
 * failure.
 *
 * @param request   Untrusted bytes, need not be NUL-terminated, borrowed for the call.
 * @param response  The review is appended on success; unchanged on failure.
 * @param result    What it came to, for metrics.
 * @return 0, or -1: PLIMSOLL_ERR_INVALID when the bytes are no review, PLIMSOLL_ERR_UNAVAILABLE
 * while facts.api && !facts.synced, PLIMSOLL_ERR_TOO_LARGE when the answer does not fit.
 */
int plimsoll_admission_review(const struct plimsoll_config *config,
                              const struct plimsoll_facts *facts, struct plimsoll_span request,
                              struct plimsoll_text *response,
                              enum plimsoll_admission_result *result,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
