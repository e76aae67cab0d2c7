/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the webhook reads of an AdmissionReview, by one forward walk over its bytes.
 *
 * managedFields, status and whatever else nobody asks for are passed over; a key that is read may
 * be there only once. Everything borrows from the request.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

struct plimsoll_envelope {
    /* Strings, without their quotes and still escaped; empty when absent. */
    struct plimsoll_span review_kind, api_version;
    struct plimsoll_span uid, operation, subresource, namespace_;
    struct plimsoll_span kind_group, kind_version, kind, resource;
    struct plimsoll_span pod_namespace;
    /* Whole values; empty when absent. */
    struct plimsoll_span request, object, metadata, annotations, labels, spec;
};

int plimsoll_envelope_read(struct plimsoll_span review, struct plimsoll_envelope *envelope,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
