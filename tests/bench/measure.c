/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <plimsoll/own.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    int read = clock_gettime(clock, &now);
    assert(read == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t measure_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t measure_busy_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int64_t processor_ns(pid_t pid)
{
    clockid_t clock;
    return pid != 0 && clock_getcpuclockid(pid, &clock) == 0 ? read_clock(clock) : 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double measure_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

struct samples {
    double wall[MEASURE_ROUNDS_MAX], processor[MEASURE_ROUNDS_MAX];
};

static void sample(const struct measure_comparison *comparison, const struct measure_way *way,
                   struct samples *samples, size_t round)
{
    int64_t processor = processor_ns(comparison->pid), begin = measure_now_ns();
    for (size_t i = 0; i < comparison->repeats; i++) {
        way->run(way->context);
    }
    samples->wall[round] = (double)(measure_now_ns() - begin) / (double)comparison->repeats / 1e6;
    samples->processor[round] =
        (double)(processor_ns(comparison->pid) - processor) / (double)comparison->repeats / 1e6;
}

void measure_begin(void)
{
    printf("| what | ours ms | against | base ms | ratio | ratio of CPU | target |\n");
    printf("|---|---|---|---|---|---|---|\n");
    fflush(stdout);
}

void measure_compare(const struct measure_comparison *comparison)
{
    static struct samples ours, base;
    size_t rounds =
        comparison->rounds < MEASURE_ROUNDS_MAX ? comparison->rounds : MEASURE_ROUNDS_MAX;
    sample(comparison, &comparison->ours, &ours, 0);
    sample(comparison, &comparison->base, &base, 0);
    for (size_t round = 0; round < rounds; round++) {
        sample(comparison, &comparison->ours, &ours, round);
        sample(comparison, &comparison->base, &base, round);
    }
    double ours_ms = measure_median(ours.wall, rounds);
    double base_ms = measure_median(base.wall, rounds);
    printf("| %s | %.3f | %s | %.3f | %.2f | ", comparison->name, ours_ms, comparison->base.name,
           base_ms, ours_ms / base_ms);
    if (comparison->pid != 0) {
        printf("%.2f",
               measure_median(ours.processor, rounds) / measure_median(base.processor, rounds));
    }
    printf(" | ≤ %.2f |\n", comparison->target);
    fflush(stdout);
}

void measure_note(const char *name, double value, const char *unit, double target)
{
    printf("| %s | %.1f %s | | | | | ≤ %.0f %s |\n", name, value, unit, target, unit);
    fflush(stdout);
}

double measure_resident(const char *key)
{
    char line[256];
    double mebibytes = 0;
    plimsoll_autofclose FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            mebibytes = strtod(line + strlen(key), NULL) / 1024;
        }
    }
    return mebibytes;
}
