/* SPDX-License-Identifier: Apache-2.0 */
/** The flags of `plimsoll serve`, laid over the configuration file: a flag wins over its key. */
#pragma once

#include <plimsoll/config.h>
#include <plimsoll/error.h>

struct plimsoll_serve_options {
    struct plimsoll_config *config; /* owned */
    bool check_config;              /* only say whether it is good */
    bool help;
};

/**
 * @param options  Set on success; the caller frees its config.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID: which flag or which line of the file, and what would
 * be right.
 */
int plimsoll_serve_options_read(int argc, char **argv, struct plimsoll_serve_options *options,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_serve_options_help(FILE *out);
