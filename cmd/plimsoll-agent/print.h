/* SPDX-License-Identifier: Apache-2.0 */
/** --once and --watch: what is seen, printed. */
#pragma once

#include "observer.h"

#include <signal.h>

/** @return the program's exit status. */
int plimsoll_print_looks(const struct plimsoll_agent_options *options, const sigset_t *signals);
