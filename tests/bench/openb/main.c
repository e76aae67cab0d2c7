/* SPDX-License-Identifier: Apache-2.0 */
#include "openb.h"

#include <getopt.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#define SEEDS_MAX 100u
#define JOBS_MAX  64u
/* ctest's word for a test that cannot be run here. */
#define EXIT_SKIPPED 77

static const char *const workloads[] = {"default", "gpushare100", "cpu250", "multigpu50",
                                        "gpuspec33"};
#define WORKLOADS (sizeof workloads / sizeof workloads[0])

static const char *const names[OPENB_POLICIES] = {"random", "tightest fit", "FGD", "Plimsoll"};

static const char help[] =
    "usage: openb [--data DIR] [--workload NAME]... [--seeds N] [--first-seed N] [--jobs N]\n"
    "             [--only random|tightest|fgd|plimsoll]... [--at-least PERCENT]\n"
    "\n"
    "The arrival measure on the openb trace: how much of all cards is taken when pods that ask "
    "for\n"
    "130 percent of them have arrived one by one? DIR has openb_node_list_gpu_node.csv and\n"
    "openb_pod_list_NAME.csv; default: what OPENB_DATA names.\n"
    "\n"
    "  --at-least PERCENT  fail where Plimsoll takes less, in the mean of the seeds\n";

struct options {
    const char *data;
    bool workloads[WORKLOADS], policies[OPENB_POLICIES];
    unsigned seeds, first_seed, jobs;
    double at_least;
};

/* -- seeds, each in a process of its own ---------------------------------------------------------
 */

struct round {
    struct openb_result results[OPENB_POLICIES];
};

static int play_seed(const struct options *options, const struct openb_trace *trace, unsigned seed,
                     struct round *round)
{
    struct openb_random random = {UINT64_C(0x5bd1e995) * (seed + 1)};
    struct plimsoll_error err = {0};
    size_t count;
    plimsoll_autofree uint32_t *pods = openb_draw(trace, &random, &count);
    for (int policy = 0; policy < OPENB_OURS; policy++) {
        if (options->policies[policy]) {
            openb_play(trace, (enum openb_policy)policy, pods, count, seed,
                       &round->results[policy]);
        }
    }
    if (options->policies[OPENB_OURS] &&
        openb_play_ours(trace, pods, count, &round->results[OPENB_OURS], &err) < 0) {
        fprintf(stderr, "openb: %s\n", err.message);
        return -1;
    }
    return 0;
}

/* A child that writes its round into a pipe. @return the pipe's end, or -1. */
static int start_seed(const struct options *options, const struct openb_trace *trace, unsigned seed)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return -1;
    }
    pid_t child = fork();
    if (child == 0) {
        struct round round = {0};
        int result = play_seed(options, trace, seed, &round);
        ssize_t size = result == 0 ? write(ends[1], &round, sizeof round) : 0;
        _exit(size == (ssize_t)sizeof round ? 0 : 1);
    }
    close(ends[1]);
    return ends[0];
}

static bool end_seed(int end, struct round *round)
{
    bool read_all = end >= 0 && read(end, round, sizeof *round) == (ssize_t)sizeof *round;
    close(end);
    (void)wait(NULL);
    return read_all;
}

static bool play_seeds(const struct options *options, const struct openb_trace *trace,
                       struct round *rounds)
{
    int ends[SEEDS_MAX];
    bool good = true;
    for (unsigned i = 0; i < options->seeds + options->jobs; i++) {
        if (i >= options->jobs) {
            good = end_seed(ends[i - options->jobs], &rounds[i - options->jobs]) && good;
        }
        if (i < options->seeds) {
            ends[i] = start_seed(options, trace, options->first_seed + i);
        }
    }
    return good;
}

/* -- the table -----------------------------------------------------------------------------------
 */

struct figure {
    double mean, error; /* of the mean */
};

static struct figure figure_of(const struct round *rounds, unsigned seeds, enum openb_policy policy,
                               enum openb_policy less)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < seeds; i++) {
        double value = rounds[i].results[policy].taken -
                       (less < OPENB_POLICIES ? rounds[i].results[less].taken : 0);
        sum += value;
        squares += value * value;
    }
    double mean = sum / seeds, spread = squares / seeds - mean * mean;
    return (struct figure){mean, seeds > 1 && spread > 0 ? sqrt(spread / (seeds - 1)) : 0};
}

static struct openb_result mean_of(const struct round *rounds, unsigned seeds,
                                   enum openb_policy policy)
{
    struct openb_result sum = {0};
    for (unsigned i = 0; i < seeds; i++) {
        const struct openb_result *it = &rounds[i].results[policy];
        sum.arrived += it->arrived;
        sum.lost += it->lost;
        sum.plain += it->plain;
        sum.seconds += it->seconds / seeds;
        sum.loss.cpu += it->loss.cpu / seeds;
        sum.loss.memory += it->loss.memory / seeds;
        sum.loss.partial += it->loss.partial / seeds;
        sum.loss.whole += it->loss.whole / seeds;
        sum.loss.model += it->loss.model / seeds;
        sum.loss.usable += it->loss.usable / seeds;
    }
    sum.arrived /= seeds;
    sum.lost /= seeds;
    sum.plain /= seeds;
    return sum;
}

static void print_workload(const struct options *options, const char *workload,
                           const struct round *rounds)
{
    printf("%-12s %-13s %7s %14s %6s %6s   %5s %6s %8s %6s %6s %7s %6s\n", workload, "% taken", "",
           "over FGD", "lost", "no GPU", "CPU", "memory", "partial", "whole", "model", "usable",
           "s");
    for (int i = 0; i < OPENB_POLICIES; i++) {
        enum openb_policy policy = (enum openb_policy)i;
        if (!options->policies[policy]) {
            continue;
        }
        struct figure taken = figure_of(rounds, options->seeds, policy, OPENB_POLICIES);
        struct figure over = figure_of(rounds, options->seeds, policy, OPENB_FGD);
        struct openb_result mean = mean_of(rounds, options->seeds, policy);
        char difference[32] = "";
        if (options->policies[OPENB_FGD] && policy != OPENB_FGD) {
            snprintf(difference, sizeof difference, "%+.2f ± %.2f", over.mean, over.error);
        }
        /* ± is two bytes and one character. */
        printf("  %-13s %6.2f ± %.2f %*s %6u %6u   %5.2f %6.2f %8.2f %6.2f %6.2f %7.2f %6.1f\n",
               names[policy], taken.mean, taken.error, difference[0] != '\0' ? 20 : 19, difference,
               mean.lost, mean.plain, mean.loss.cpu, mean.loss.memory, mean.loss.partial,
               mean.loss.whole, mean.loss.model, mean.loss.usable, mean.seconds);
    }
    (void)fflush(stdout);
}

/* @return the exit status. */
static int play_workload(const struct options *options, const char *workload)
{
    struct openb_trace trace;
    struct plimsoll_error err = {0};
    static struct round rounds[SEEDS_MAX];
    if (openb_trace_read(options->data, workload, &trace, &err) < 0) {
        fprintf(stderr, "openb: %s\n", err.message);
        return 1;
    }
    bool good = play_seeds(options, &trace, rounds);
    openb_trace_clear(&trace);
    if (!good) {
        fprintf(stderr, "openb: %s was not played to the end\n", workload);
        return 1;
    }
    print_workload(options, workload, rounds);
    double taken = figure_of(rounds, options->seeds, OPENB_OURS, OPENB_POLICIES).mean;
    if (options->policies[OPENB_OURS] && taken < options->at_least) {
        fprintf(stderr, "openb: %s: %.2f percent are less than %.2f\n", workload, taken,
                options->at_least);
        return 1;
    }
    return 0;
}

/* -- flags ---------------------------------------------------------------------------------------
 */

static unsigned read_number(const char *flag, const char *text, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || *text == '\0' || value > most) {
        fprintf(stderr, "openb: --%s %s: want a number up to %u\n", flag, text, most);
        exit(2);
    }
    return (unsigned)value;
}

static void read_word(const char *flag, const char *text, const char *const *words, size_t count,
                      bool *out)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            out[i] = true;
            return;
        }
    }
    fprintf(stderr, "openb: --%s %s is not known; see --help\n", flag, text);
    exit(2);
}

static void all_if_none(bool *list, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        any |= list[i];
    }
    for (size_t i = 0; i < count && !any; i++) {
        list[i] = true;
    }
}

static struct options read_flags(int argc, char **argv)
{
    static const char *const policies[] = {"random", "tightest", "fgd", "plimsoll"};
    static const struct option flags[] = {
        {"data", required_argument, NULL, 'd'},
        {"workload", required_argument, NULL, 'w'},
        {"seeds", required_argument, NULL, 's'},
        {"first-seed", required_argument, NULL, 'f'},
        {"jobs", required_argument, NULL, 'j'},
        {"only", required_argument, NULL, 'o'},
        {"at-least", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.data = getenv("OPENB_DATA"), .seeds = 10, .jobs = 2};
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (flag) {
        case 'd':
            options.data = optarg;
            break;
        case 'w':
            read_word("workload", optarg, workloads, WORKLOADS, options.workloads);
            break;
        case 'o':
            read_word("only", optarg, policies, OPENB_POLICIES, options.policies);
            break;
        case 's':
            options.seeds = read_number("seeds", optarg, SEEDS_MAX);
            break;
        case 'f':
            options.first_seed = read_number("first-seed", optarg, UINT32_MAX / 2);
            break;
        case 'j':
            options.jobs = read_number("jobs", optarg, JOBS_MAX);
            break;
        case 'a':
            options.at_least = strtod(optarg, NULL);
            break;
        default:
            (void)fputs(help, flag == 'h' ? stdout : stderr);
            exit(flag == 'h' ? 0 : 2);
        }
    }
    options.seeds = options.seeds > 0 ? options.seeds : 1;
    options.jobs = options.jobs > 0 ? options.jobs : 1;
    all_if_none(options.workloads, WORKLOADS);
    all_if_none(options.policies, OPENB_POLICIES);
    return options;
}

int main(int argc, char **argv)
{
    struct options options = read_flags(argc, argv);
    int status = 0;
    if (options.data == NULL || options.data[0] == '\0') {
        puts("openb: skipped: neither --data nor OPENB_DATA names a folder with the trace");
        return EXIT_SKIPPED;
    }
    for (size_t i = 0; i < WORKLOADS; i++) {
        if (options.workloads[i]) {
            int played = play_workload(&options, workloads[i]);
            status = played != 0 ? played : status;
        }
    }
    return status;
}
