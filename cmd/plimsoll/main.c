/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>
#include <string.h>

static int print_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("plimsoll " PLIMSOLL_VERSION);
    return 0;
}

static int print_help(int argc, char **argv);

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", plimsoll_command_serve, "answer the webhook and the scheduler extender"},
    {"certs", plimsoll_command_certs, "make a development CA and a serving certificate"},
    {"scheduler-config", plimsoll_command_scheduler_config,
     "print the configuration of a kube-scheduler that asks Plimsoll"},
    {"simulate", plimsoll_command_simulate, "tell where pods would go, and what is left"},
    {"version", print_version, "print the version"},
    {"help", print_help, "print this"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void list_commands(FILE *out)
{
    (void)fputs("usage: plimsoll COMMAND [FLAG]...\n\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-16s  %s\n", commands[i].name, commands[i].help);
    }
    (void)fputs("\nplimsoll COMMAND --help lists the flags of a command.\n", out);
}

static int print_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    list_commands(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (*name != '\0') {
        fprintf(stderr, "plimsoll: no command \"%s\"\n", name);
    }
    list_commands(stderr);
    return 2;
}
