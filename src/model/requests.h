/* SPDX-License-Identifier: Apache-2.0 */
/** What a pod requests of its node's processors and memory. */
#pragma once

#include "pod_parts.h"

/** A quantity as it stands in JSON, without its quotes: it may be a bare number. */
struct plimsoll_span plimsoll_model_unquote(struct plimsoll_span raw);

/** Quantities without their quotes; 0 when they cannot be read. */
uint64_t plimsoll_model_read_milli(struct plimsoll_span text);
uint64_t plimsoll_model_read_memory(struct plimsoll_span text);

/** One entry of a list of requests or of allocatable. */
void plimsoll_model_request_take(struct plimsoll_span key, struct plimsoll_span text,
                                 struct plimsoll_requests *requests);
/** A container's requests or a pod's overhead, as a whole JSON value; empty: nothing. */
struct plimsoll_requests plimsoll_model_requests_read(struct plimsoll_span list);

/** As plimsoll_model_effective_add. */
void plimsoll_model_requests_add(struct plimsoll_model_requests *sum, bool init, bool sidecar,
                                 const struct plimsoll_requests *requests);
struct plimsoll_requests plimsoll_model_requests_total(const struct plimsoll_model_requests *sum,
                                                       const struct plimsoll_requests *overhead);
