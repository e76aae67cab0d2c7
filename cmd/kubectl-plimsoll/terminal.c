/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include "command.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define WIDTH_MIN  80u
#define WIDTH_MAX  200u
#define WIDTH_WIDE 160u /* of -o wide where nobody says how wide */
#define WAIT_S     2

struct plimsoll_view_options plimsoll_terminal_look(const struct plimsoll_plugin_options *options)
{
    bool wide = options->output == PLIMSOLL_OUTPUT_WIDE;
    struct plimsoll_view_options look = {.width = wide ? WIDTH_WIDE : WIDTH_MIN, .wide = wide};
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct winsize size;
    (void)setlocale(LC_CTYPE, "");
    if (isatty(STDOUT_FILENO) == 1) {
        look.colour = (no_colour == NULL || no_colour[0] == '\0') &&
                      (terminal == NULL || strcmp(terminal, "dumb") != 0);
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
            look.width = size.ws_col < WIDTH_MIN   ? WIDTH_MIN
                         : size.ws_col > WIDTH_MAX ? WIDTH_MAX
                                                   : size.ws_col;
        }
    }
    look.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return look;
}

bool plimsoll_terminal_wants_json(const struct plimsoll_plugin_options *options)
{
    return options->output == PLIMSOLL_OUTPUT_JSON || options->output == PLIMSOLL_OUTPUT_YAML;
}

static int write_out(const struct plimsoll_text *answer, struct plimsoll_error *err)
{
    if (answer->overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "the answer is longer than %zu bytes", answer->size_max);
    }
    if (answer->size > 0) {
        (void)fwrite(answer->data, 1, answer->size, stdout);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "standard output: %s",
                                  strerror(errno));
    }
    return 0;
}

int plimsoll_terminal_print(const struct plimsoll_plugin_options *options,
                            const struct plimsoll_text *answer, struct plimsoll_error *err)
{
    if (options->output == PLIMSOLL_OUTPUT_YAML) {
        plimsoll_autotext yaml = plimsoll_text_make(answer->size_max);
        return plimsoll_view_yaml(plimsoll_text_span(answer), &yaml, err) < 0
                   ? -1
                   : write_out(&yaml, err);
    }
    if (options->watch && isatty(STDOUT_FILENO) == 1) {
        (void)fputs("\033[H\033[2J\033[3J", stdout);
    }
    return write_out(answer, err);
}

int plimsoll_terminal_fail(const char *command, const struct plimsoll_error *err)
{
    (void)fflush(stdout);
    fprintf(stderr, "kubectl plimsoll %s: %s\n", command, err->message);
    return PLIMSOLL_EXIT_UNKNOWN;
}

void plimsoll_terminal_wait(void)
{
    struct timespec wait = {.tv_sec = WAIT_S};
    (void)nanosleep(&wait, NULL);
}
