/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writes the annotations of one node, and nothing else of it: merge-patches with the uid of the
 * node that is meant, back-off with jitter and Retry-After, one line in the log per change of
 * state.
 *
 * Nothing is watched. That the node was made anew, or that somebody else writes the same
 * annotations, shows in the answers, and in a look at its metadata now and then. Belongs to one
 * thread.
 */
#pragma once

#include <plimsoll/kube.h>
#include <plimsoll/report.h>

/** What came of a call. */
enum plimsoll_wrote {
    PLIMSOLL_WROTE,        /* the node has it */
    PLIMSOLL_WROTE_NOT,    /* not now: plimsoll_writer_ready says when to try again */
    PLIMSOLL_WROTE_ASTRAY, /* the node does not have what was written before: write all of it */
};

struct plimsoll_writer;

struct plimsoll_writer_counts {
    uint64_t written, failed, reads;
};

/** `kube` and `node` must outlive it. */
struct plimsoll_writer *plimsoll_writer_new(struct plimsoll_kube *kube, const char *node);
void plimsoll_writer_free(struct plimsoll_writer **handle);

/** False while it backs off. */
bool plimsoll_writer_ready(const struct plimsoll_writer *writer, int64_t now_ms);
/** Writes what `publish` says of the values; takes seconds at most. */
enum plimsoll_wrote plimsoll_writer_write(struct plimsoll_writer *writer,
                                          enum plimsoll_publish publish,
                                          const struct plimsoll_report_texts *texts,
                                          int64_t now_ms);
/** Looks at the node when that is due; WROTE_NOT also when it is not. */
enum plimsoll_wrote plimsoll_writer_check(struct plimsoll_writer *writer, int64_t now_ms);
struct plimsoll_writer_counts plimsoll_writer_counts(const struct plimsoll_writer *writer);
