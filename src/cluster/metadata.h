/* SPDX-License-Identifier: Apache-2.0 */
/** What of an API object is wanted without reading it whole: its name, its version, and whether
 * anything that matters has changed. */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

#include <stdint.h>

/** Raw bytes of two members of `metadata`, still escaped; empty where absent. */
struct plimsoll_metadata {
    struct plimsoll_span name, version;
};

/** @return 0, or -1 with PLIMSOLL_ERR_INVALID. */
int plimsoll_metadata_read(struct plimsoll_span object, struct plimsoll_metadata *metadata,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * A Node is written every few seconds by its kubelet and every few minutes by others, mostly with
 * nothing new for us: the content is metadata's labels and annotations, spec, capacity and
 * allocatable.
 */
struct plimsoll_fingerprint {
    struct plimsoll_span name; /* raw */
    uint64_t content;
    uint64_t report; /* the values of the annotations that carry a measurement */
};

int plimsoll_fingerprint_read(struct plimsoll_span object, struct plimsoll_fingerprint *fingerprint,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
