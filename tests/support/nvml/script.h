/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the played machine looks like now: a text file, named by PLIMSOLL_NVML_SCRIPT, that may be
 * replaced (by rename) at any moment. Sizes are MiB; `_` in a value is a blank.
 *
 *   driver VERSION
 *   live                                the cards are counted at every call, not at the start
 *   card UUID [name= pci=0000:07:00.0 total= reserved= used= mig=0|1 migmax= recovery= remap=
 *              remapfailed= retired= ecc= mode= events= grow= include=1 addressing=]
 *   instance CARD INDEX UUID [gi= ci= total= reserved= used= slices= cslices= size= name=]
 *   process CARD PID MIB|none [list=compute|graphics|mps gi= ci= count=]
 *   link CARD INDEX up|down gpu|switch|unknown PCI
 *   event NUMBER CARD|none|stranger XID [TIMES [gi=]]
 *   fail FUNCTION|* RESULT [UUID|-] [after=]      that call, after so many that worked
 *
 * `migmax` is the number of indices, `grow` how many processes start while a list is being asked
 * for, `include=1` makes `used` of version 2 contain the reserve. `count` repeats a process with
 * the following pids. Events are given out in the order of their numbers, each once, and only those
 * that come after the card was registered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    SCRIPT_CARDS = 72,
    SCRIPT_INSTANCES = 80,
    SCRIPT_PROCESSES = 160,
    SCRIPT_LINKS = 400,
    SCRIPT_EVENTS = 16,
    SCRIPT_FAILS = 32,
};

struct script_card {
    char id[64], name[80], pci[24];
    uint64_t total, reserved, used, ecc, events, grow;
    long mig; /* -1: not capable */
    unsigned mig_max, remap, remap_failed, retired, mode, addressing;
    long recovery; /* -1: not known to this driver */
    bool include;
};

struct script_instance {
    char card[64], id[64], name[80];
    unsigned index, gi, ci, slices, compute_slices;
    uint64_t total, reserved, used, size;
};

struct script_process {
    char card[64];
    uint32_t pid, count, gi, ci;
    uint64_t bytes;
    char list; /* 'c', 'g', 'm' */
};

struct script_link {
    char card[64], pci[24];
    unsigned index, type;
    bool up;
};

struct script_event {
    unsigned number, times, gi;
    char card[64];
    uint64_t xid;
};

struct script_fail {
    char function[64], id[64];
    unsigned result;
    unsigned long after;
};

struct script {
    char driver[80];
    bool live;
    unsigned cards, instances, processes, links, events, fails;
    struct script_card card[SCRIPT_CARDS];
    struct script_instance instance[SCRIPT_INSTANCES];
    struct script_process process[SCRIPT_PROCESSES];
    struct script_link link[SCRIPT_LINKS];
    struct script_event event[SCRIPT_EVENTS];
    struct script_fail fail[SCRIPT_FAILS];
};

/** The script as it is now. @param changed  Set when it is another than at the last call. */
const struct script *script_now(bool *changed);
/** Says what the program or the script did wrong, and ends it. */
_Noreturn void script_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
