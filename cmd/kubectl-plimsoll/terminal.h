/* SPDX-License-Identifier: Apache-2.0 */
/** What standard output can show, and how an answer gets there. */
#pragma once

#include "options.h"

#include <plimsoll/answers.h>

/** A terminal gets colour (unless NO_COLOR or TERM=dumb) and its own width; a pipe gets neither. */
struct plimsoll_view_options plimsoll_terminal_look(const struct plimsoll_plugin_options *options);

/** Are objects wanted, not tables? */
bool plimsoll_terminal_wants_json(const struct plimsoll_plugin_options *options);

/**
 * Prints an answer: a table as it is, an object (a JSON text) as JSON or as YAML. With -w on a
 * terminal in the place of the last one.
 * @return 0, or -1 with `err`: standard output is gone, or the answer was too long.
 */
int plimsoll_terminal_print(const struct plimsoll_plugin_options *options,
                            const struct plimsoll_text *answer,
                            struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Says on standard error what went wrong, and that nothing was answered. @return the exit code */
int plimsoll_terminal_fail(const char *command, const struct plimsoll_error *err);

/** Until the next round of -w; Ctrl-C ends the process. */
void plimsoll_terminal_wait(void);
