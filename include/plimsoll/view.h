/* SPDX-License-Identifier: Apache-2.0 */
/** What people read: load lines of cards as text. Pure; appends to a text. */
#pragma once

#include <plimsoll/device.h>
#include <plimsoll/extender.h>
#include <plimsoll/text.h>

struct plimsoll_view_options {
    unsigned width; /* columns, at least 80 */
    bool colour;    /* ANSI */
    bool unicode;   /* bars of block characters, else ASCII */
    bool wide;      /* more columns of numbers, and nothing left out; where a view has them */
};

/** One node: a heading, then a line per card with its bar (booked, foreign, reserve, free) and its
 * pods. */
void plimsoll_view_node(const struct plimsoll_extender_node *node,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out);

/** A process's name with its NUL, as the kernel keeps it. */
#define PLIMSOLL_VIEW_COMM_SIZE 16

/** One machine as its agent sees it; borrowed for the call. */
struct plimsoll_view_machine {
    const char *name; /* of the node; NULL: not known */
    const struct plimsoll_measurement *measurement;
    bool attribution; /* a process without a pod is none's; else it is not known */
    const char (*comms)[PLIMSOLL_VIEW_COMM_SIZE]; /* of every process of every device, in order */
    const char *trouble; /* why not everything could be measured now; "" nothing */
    int64_t time_unix_ms;
};

/** A heading, a line per card with its bar of memory in use, then a line per process. */
void plimsoll_view_machine(const struct plimsoll_view_machine *machine,
                           const struct plimsoll_view_options *options, struct plimsoll_text *out);

/** The note of an Event; the API server refuses longer ones. */
#define PLIMSOLL_VIEW_NOTE_BYTES_MAX 1024

/** Which cards a pod got. @param node  Where; NULL: not in the picture any more. */
void plimsoll_view_assigned(const struct plimsoll_node *node, const struct plimsoll_claim *claim,
                            struct plimsoll_text *out);

/** A pod that no node took; borrowed for the call. */
struct plimsoll_view_refusal {
    const struct plimsoll_pod *pod;
    size_t asked;                                 /* nodes that were asked and are known */
    const struct plimsoll_extender_node *closest; /* of them, with its load; NULL: none is known */
    struct plimsoll_verdict verdict;              /* on that one */
};

/** The closest node, how much its card lacks, and who holds that. Says so when that is a pod that a
 * rolling update is to replace. */
void plimsoll_view_refused(const struct plimsoll_view_refusal *refusal, struct plimsoll_text *out);

/** A pod that uses more than it claimed. */
void plimsoll_view_over_claim(const struct plimsoll_node *node,
                              const struct plimsoll_over_claim *over, struct plimsoll_text *out);
/** A card that stands over its line. @param node  With its load. */
void plimsoll_view_over_line(const struct plimsoll_extender_node *node, uint32_t card,
                             struct plimsoll_text *out);
