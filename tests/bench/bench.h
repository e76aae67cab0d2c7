/* SPDX-License-Identifier: Apache-2.0 */
/** The groups of the benchmark and what they are given. */
#pragma once

#include <stddef.h>

struct bench_options {
    size_t nodes;     /* 5000 */
    size_t pods;      /* 150000, two of fifteen hold a GPU */
    size_t rounds;    /* of each comparison */
    const char *only; /* NULL, or the name of one group */
};

/** Extender without a network: full nodes against memcpy, names, hostile bodies. */
void bench_decode(const struct bench_options *options);
/** Extender and webhook over TLS through the real server, against servers that decide nothing. */
void bench_requests(const struct bench_options *options);
/** Ranking nodes by what is likely to come: how long a call takes, and what remembering costs. */
void bench_prioritize(const struct bench_options *options);
/** The first list of a large cluster: time against receiving it, and memory. */
void bench_picture(const struct bench_options *options);
