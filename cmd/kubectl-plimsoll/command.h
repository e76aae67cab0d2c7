/* SPDX-License-Identifier: Apache-2.0 */
/** The subcommands; each gives the exit code. */
#pragma once

#include "options.h"

/** What a script can branch on; `kubectl plimsoll help` lists them. */
enum plimsoll_exit {
    PLIMSOLL_EXIT_YES,
    PLIMSOLL_EXIT_NO,      /* answered, and the answer is no: it waits, it fits nowhere */
    PLIMSOLL_EXIT_USAGE,   /* the command line is wrong */
    PLIMSOLL_EXIT_UNKNOWN, /* not answered: no kubectl, no cluster, no such pod or model, no rights
                            */
};

int plimsoll_command_top(const struct plimsoll_plugin_options *options);
int plimsoll_command_explain(const struct plimsoll_plugin_options *options);
int plimsoll_command_fit(const struct plimsoll_plugin_options *options);
int plimsoll_command_vram(const struct plimsoll_plugin_options *options);
int plimsoll_command_doctor(const struct plimsoll_plugin_options *options);
int plimsoll_command_page(const struct plimsoll_plugin_options *options);
