/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "measure.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    void (*run)(const struct bench_options *options);
} groups[] = {
    {"picture", bench_picture}, /* first: its process must be small */
    {"prioritize", bench_prioritize},
    {"decode", bench_decode},
    {"requests", bench_requests},
};

static size_t read_number(const char *flag, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value == 0 || value > 1000000) {
        fprintf(stderr, "bench: --%s %s: want a number from 1 to 1000000\n", flag, text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option flags[] = {
        {"nodes", required_argument, NULL, 'n'},
        {"pods", required_argument, NULL, 'p'},
        {"rounds", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    struct bench_options options = {.nodes = 5000, .pods = 150000, .rounds = 21};
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        switch (flag) {
        case 'n':
            options.nodes = read_number("nodes", optarg);
            break;
        case 'p':
            options.pods = read_number("pods", optarg);
            break;
        case 'r':
            options.rounds = read_number("rounds", optarg);
            break;
        case 'o':
            options.only = optarg;
            break;
        default:
            fprintf(stderr, "usage: bench [--nodes N] [--pods N] [--rounds N] "
                            "[--only picture|prioritize|decode|requests]\n");
            return 2;
        }
    }
    measure_begin();
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (options.only == NULL || strcmp(options.only, groups[i].name) == 0) {
            groups[i].run(&options);
        }
    }
    return 0;
}
