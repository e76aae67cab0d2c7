/* SPDX-License-Identifier: Apache-2.0 */
/** Flags of `kubectl plimsoll`: krew's conventions, one table for all subcommands. */
#pragma once

#include "kubectl.h"

#include <plimsoll/error.h>

#include <stdint.h>

enum plimsoll_output {
    PLIMSOLL_OUTPUT_TABLE,
    PLIMSOLL_OUTPUT_WIDE,
    PLIMSOLL_OUTPUT_JSON,
    PLIMSOLL_OUTPUT_YAML,
};

/** The subcommands, a bit each: which of them a flag is for. */
enum plimsoll_subcommand {
    PLIMSOLL_SUBCOMMAND_TOP = 1,
    PLIMSOLL_SUBCOMMAND_EXPLAIN = 2,
    PLIMSOLL_SUBCOMMAND_FIT = 4,
    PLIMSOLL_SUBCOMMAND_VRAM = 8,
    PLIMSOLL_SUBCOMMAND_DOCTOR = 16,
    PLIMSOLL_SUBCOMMAND_PAGE = 32,
};

/** What was written; strings are the caller's argv. */
struct plimsoll_plugin_options {
    struct plimsoll_kubectl kubectl; /* with the flags that go on to it */
    const char *namespace_;          /* NULL: not given */
    bool all_namespaces;
    enum plimsoll_output output;
    bool watch;
    bool by_namespace;                  /* top */
    const char *vram, *file, *resource; /* fit; NULL: not given */
    uint32_t gpus;                      /* fit; 0: not given */
    const char *params, *quant;         /* vram; NULL: not given, like the numbers that are 0 */
    const char *kv_type;
    uint64_t layers, kv_heads, head_dim, context, parallel;
    uint64_t port;        /* page; 0: not given */
    bool no_browser;      /* page */
    const char *argument; /* POD or MODEL; NULL: none */
    bool help;
};

/**
 * @param subcommand  Its name is argv[0].
 * @param options     Set on success; the caller clears it.
 * @return 0, or -1 with the flag, the value and what would be right.
 */
int plimsoll_plugin_options_read(int argc, char **argv, enum plimsoll_subcommand subcommand,
                                 struct plimsoll_plugin_options *options,
                                 struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_plugin_options_clear(struct plimsoll_plugin_options *options);
/** The flags of a subcommand, a line each. */
void plimsoll_plugin_options_help(enum plimsoll_subcommand subcommand, FILE *out);
