/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the agent says of its node: the annotations `inventory`, `usage` and `free-vram` from
 * measurements, and when they are worth a write (design §5).
 *
 * Pure: no clock, no I/O. Belongs to one thread.
 */
#pragma once

#include <plimsoll/attribution.h>
#include <plimsoll/device.h>
#include <plimsoll/text.h>

/** One look, put together; borrowed for the call. */
struct plimsoll_look {
    const struct plimsoll_measurement *measurement;
    const struct plimsoll_checkpoint *checkpoint; /* NULL: could not be read */
    /** For every process of every device, in their order, its pod; an empty uid: no pod's. NULL:
     * processes are not told apart (no hostPID), then no card is `attributed`. */
    const struct plimsoll_uid *process_pods;
    enum plimsoll_trilean env; /* what is known of NVIDIA_VISIBLE_DEVICES here */
    int64_t time_unix_ms;      /* for `usage.time` */
};

/** Annotation values; owned. */
struct plimsoll_report_texts {
    struct plimsoll_text inventory, usage, free_vram;
};

void plimsoll_report_write(const struct plimsoll_look *look, struct plimsoll_report_texts *out);
void plimsoll_report_texts_clear(struct plimsoll_report_texts *texts);

/** When to publish. */
struct plimsoll_publisher;

struct plimsoll_publisher_settings {
    uint64_t reserve; /* bytes: a loss below a quarter of it waits */
    int64_t loss_ms;  /* a loss of room is told after at most so long */
    int64_t small_ms; /* and a small one after at most so long */
};

struct plimsoll_publisher *
plimsoll_publisher_new(const struct plimsoll_publisher_settings *settings);
void plimsoll_publisher_free(struct plimsoll_publisher **handle);
/**
 * A new look at `now_ms` (monotonic).
 * @return true: publish it now. What waits is kept and published with the next true.
 */
bool plimsoll_publisher_look(struct plimsoll_publisher *publisher, const struct plimsoll_look *look,
                             int64_t now_ms);
/** The last look that was to be published has been written. */
void plimsoll_publisher_written(struct plimsoll_publisher *publisher);
/** The node's annotations are not what was written (node made anew, somebody else): write again. */
void plimsoll_publisher_forget(struct plimsoll_publisher *publisher);
