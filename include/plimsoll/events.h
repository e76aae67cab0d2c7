/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is said on pods and nodes as Events (events.k8s.io/v1), for `kubectl describe` and `events`.
 *
 * An Event that comes again with the same words is a series of the one that is there; with other
 * words it is a new one. Either is written at most every PLIMSOLL_EVENT_REPEAT_MS for the same
 * object and reason, and all together are limited, so that pods that are tried again and again
 * cost neither the API server nor the reader anything.
 */
#pragma once

#include <plimsoll/error.h>

#include <stdbool.h>
#include <stdint.h>

struct plimsoll_kube;
struct plimsoll_events;

/** The API server refuses longer notes; what is over is cut between two characters. */
#define PLIMSOLL_EVENT_NOTE_BYTES_MAX 1024
/** Events that are remembered; one that was forgotten is begun anew. */
#define PLIMSOLL_EVENTS_MAX      1024
#define PLIMSOLL_EVENT_REPEAT_MS 60000
/** Of all together: so many at once, then so many a second; further ones are dropped. */
#define PLIMSOLL_EVENTS_BURST_MAX  50
#define PLIMSOLL_EVENTS_SECOND_MAX 10

/** Borrowed for the call. */
struct plimsoll_event {
    const char *namespace_; /* of the pod; NULL: it is about a node */
    const char *name;
    const char *uid;    /* NULL or "": not known */
    bool warning;       /* else normal */
    bool shared;        /* every replica tells it: the first one's words are everybody's */
    const char *reason; /* CamelCase: `InsufficientVRAM` */
    const char *action; /* what was being done: `Scheduling` */
    const char *note;   /* a sentence, UTF-8 */
};

/**
 * Belongs to one thread at a time. `kube` must outlive it.
 * @param instance  Which of the replicas speaks; copied, at most 128 bytes of it are shown.
 */
struct plimsoll_events *plimsoll_events_new(struct plimsoll_kube *kube, const char *instance);
void plimsoll_events_free(struct plimsoll_events **handle);

/**
 * Writes the Event, or its series, or nothing when it was written not long ago; waits for the API
 * server.
 * @param now_ms  Monotonic.
 * @return 0, or -1: PLIMSOLL_ERR_DENIED, PLIMSOLL_ERR_NOT_FOUND (no such namespace any more),
 * PLIMSOLL_ERR_CONFLICT, PLIMSOLL_ERR_UNAVAILABLE. It is not tried again before its time.
 */
int plimsoll_events_tell(struct plimsoll_events *events, const struct plimsoll_event *event,
                         int64_t now_ms, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** How many were dropped because there were too many of them. */
uint64_t plimsoll_events_dropped(const struct plimsoll_events *events);
