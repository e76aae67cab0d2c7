/* SPDX-License-Identifier: Apache-2.0 */
/** The subcommands. Each takes its own arguments (argv[0] is its name) and returns the exit status.
 */
#pragma once

int plimsoll_command_serve(int argc, char **argv);
int plimsoll_command_certs(int argc, char **argv);
int plimsoll_command_scheduler_config(int argc, char **argv);
int plimsoll_command_simulate(int argc, char **argv);
