/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Two ways to do a thing, run in turns so that the machine's moods hit both, medians compared.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MEASURE_ROUNDS_MAX 1000

/** One way. `run` does it once. */
struct measure_way {
    const char *name;
    void (*run)(void *context);
    void *context;
};

/** @param pid  Whose processor time counts besides wall time; 0: nobody's. */
struct measure_comparison {
    const char *name;
    struct measure_way ours, base;
    double target;  /* ours / base at most */
    size_t rounds;  /* after one of each that does not count */
    size_t repeats; /* runs per round */
    pid_t pid;
};

/** Prints the header of the table. */
void measure_begin(void);
/** Runs it and prints one line. */
void measure_compare(const struct measure_comparison *comparison);
/** Prints one line of a plain number. */
void measure_note(const char *name, double value, const char *unit, double target);

/** A line of /proc/self/status in MiB: `VmRSS:`, `VmHWM:`. */
double measure_resident(const char *key);

int64_t measure_now_ns(void);
/** Processor time of this process. */
int64_t measure_busy_ns(void);
double measure_median(double *values, size_t count);
