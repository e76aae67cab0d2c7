/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <stdio.h>
#include <string.h>

#define NAME "kubectl plimsoll"

static const struct {
    const char *name;
    enum plimsoll_subcommand which;
    int (*run)(const struct plimsoll_plugin_options *options);
    const char *argument, *help;
} commands[] = {
    {"top", PLIMSOLL_SUBCOMMAND_TOP, plimsoll_command_top, "",
     "what is on the cards: booked, in use, free"},
    {"explain", PLIMSOLL_SUBCOMMAND_EXPLAIN, plimsoll_command_explain, "POD ",
     "why a pod waits, or runs where it does"},
    {"fit", PLIMSOLL_SUBCOMMAND_FIT, plimsoll_command_fit, "",
     "where a pod would fit now, and how many like it"},
    {"vram", PLIMSOLL_SUBCOMMAND_VRAM, plimsoll_command_vram, "MODEL ",
     "how much VRAM a model takes, estimated"},
    {"doctor", PLIMSOLL_SUBCOMMAND_DOCTOR, plimsoll_command_doctor, "",
     "what is wrong with the installation"},
    {"page", PLIMSOLL_SUBCOMMAND_PAGE, plimsoll_command_page, "",
     "the status page, through a port-forward"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static const char exit_codes[] =
    "exit codes\n"
    "  0   yes: it runs, it fits, all is well\n"
    "  1   no: it waits, it fits nowhere, something is wrong\n"
    "  2   the command line is wrong\n"
    "  3   not answered: no kubectl, no cluster, no such pod or model, no rights\n";

static void list_commands(FILE *out)
{
    (void)fputs("usage: " NAME " COMMAND [FLAG]...\n\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].help);
    }
    fprintf(out,
            "  version   print the version\n"
            "  help      print this\n\n" NAME " COMMAND --help lists the flags of a command.\n\n"
            "%s\n"
            "environment\n"
            "  KUBECTL    the kubectl that reaches the cluster (default: the one in PATH)\n"
            "  NO_COLOR   no colour on a terminal, either\n",
            exit_codes);
}

static int run(size_t index, int argc, char **argv)
{
    struct plimsoll_plugin_options options;
    struct plimsoll_error err = {0};
    if (plimsoll_plugin_options_read(argc, argv, commands[index].which, &options, &err) < 0) {
        fprintf(stderr, NAME " %s: %s\n", commands[index].name, err.message);
        return PLIMSOLL_EXIT_USAGE;
    }
    int code = PLIMSOLL_EXIT_YES;
    if (options.help) {
        printf("usage: " NAME " %s %s[FLAG]...\n\n%s\n\n", commands[index].name,
               commands[index].argument, commands[index].help);
        plimsoll_plugin_options_help(commands[index].which, stdout);
        printf("\n%s", exit_codes);
    } else {
        code = commands[index].run(&options);
    }
    plimsoll_plugin_options_clear(&options);
    return code;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        list_commands(stdout);
        return PLIMSOLL_EXIT_YES;
    }
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("kubectl-plimsoll " PLIMSOLL_VERSION);
        return PLIMSOLL_EXIT_YES;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return run(i, argc - 1, argv + 1);
        }
    }
    if (*name != '\0') {
        fprintf(stderr, NAME ": no command \"%s\"\n", name);
    }
    list_commands(stderr);
    return PLIMSOLL_EXIT_USAGE;
}
