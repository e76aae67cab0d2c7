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

/** Each annotation; all of a node's together have PLIMSOLL_ANNOTATION_BYTES_MAX. */
#define PLIMSOLL_REPORT_BYTES_MAX (96u * 1024)
/** Pods told apart on one card, users or holders; a kubelet runs some hundreds at most. */
#define PLIMSOLL_REPORT_PODS_MAX 512

/** One look, put together; borrowed for the call. */
struct plimsoll_look {
    const struct plimsoll_measurement *measurement;
    const struct plimsoll_checkpoint *checkpoint; /* NULL: could not be read */
    /** The pod of every process has been looked for, "" is none's. Else (no hostPID) no card is
     * `attributed`. */
    bool attribution;
    enum plimsoll_trilean env; /* what is known of NVIDIA_VISIBLE_DEVICES here */
    int64_t time_unix_ms;      /* for `usage.time` */
};

/** Values of annotations; owned, made with plimsoll_report_texts_make. An empty one is not to be
 * there: no card tells what is used. */
struct plimsoll_report_texts {
    struct plimsoll_text inventory, usage, free_vram;
};

struct plimsoll_report_texts plimsoll_report_texts_make(void);
void plimsoll_report_texts_clear(struct plimsoll_report_texts *texts);

/**
 * The values for a look with a card or more. Of too many pods or links to write down, the value
 * says nothing (`attributed: false`, links unknown) instead of a part.
 * @param texts  Replaced; unchanged on failure.
 * @return 0, or -1 with PLIMSOLL_ERR_TOO_LARGE: there are more MIG instances than fit.
 */
int plimsoll_report_write(const struct plimsoll_look *look, struct plimsoll_report_texts *texts,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** When to publish. */
struct plimsoll_publisher;

struct plimsoll_publisher_settings {
    uint64_t reserve; /* bytes: a loss below a quarter of it waits; a gain below a 64th, too */
    int64_t loss_ms;  /* a loss of room is told after at most so long */
    int64_t small_ms; /* and a small change after at most so long */
    /** So many writes may come at once, then one in each `refill_ms`: a card whose use swings all
     * the time must not keep the whole cluster busy. Both 0: as many as there are. */
    uint32_t burst;
    int64_t refill_ms;
};

/** What is worth a write now. */
enum plimsoll_publish {
    PLIMSOLL_PUBLISH_NOTHING,
    PLIMSOLL_PUBLISH_USAGE, /* `usage` and `free-vram` */
    PLIMSOLL_PUBLISH_ALL,   /* and `inventory` */
};

/** The settings are copied. */
struct plimsoll_publisher *
plimsoll_publisher_new(const struct plimsoll_publisher_settings *settings);
void plimsoll_publisher_free(struct plimsoll_publisher **handle);
/**
 * A new look at `now_ms` (monotonic), and its values as plimsoll_report_write gave them. A change
 * of the inventory, of who holds a card and a gain of room is worth a write at once; losses wait,
 * and what waits goes with the next write. Without a change: nothing, ever.
 */
enum plimsoll_publish plimsoll_publisher_look(struct plimsoll_publisher *publisher,
                                              const struct plimsoll_look *look,
                                              const struct plimsoll_report_texts *texts,
                                              int64_t now_ms);
/** What the last look said was worth a write has been written. */
void plimsoll_publisher_written(struct plimsoll_publisher *publisher);
/** The node's annotations are not what was written (node made anew, somebody else): write again,
 * all of it. */
void plimsoll_publisher_forget(struct plimsoll_publisher *publisher);
