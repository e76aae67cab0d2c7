/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <plimsoll/clock.h>
#include <plimsoll/view.h>

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define OUTPUT_BYTES_MAX (4u * 1024 * 1024)
#define WIDTH_MIN        80u
#define WIDTH_MAX        160u
#define COMM_SIZE        PLIMSOLL_VIEW_COMM_SIZE
#define SENTENCE         "plimsoll-agent: %s\n"

/* Somebody looks, and the cursor can be sent about. */
static bool has_screen(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

/* A terminal gets colour and its own width; everything else gets what a pipe can take. */
static struct plimsoll_view_options look_of_output(void)
{
    struct plimsoll_view_options view = {.width = WIDTH_MIN};
    const char *no_colour = getenv("NO_COLOR");
    struct winsize size;
    if (isatty(STDOUT_FILENO) == 1) {
        view.colour = has_screen() && (no_colour == NULL || no_colour[0] == '\0');
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > WIDTH_MIN) {
            view.width = size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
        }
    }
    view.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return view;
}

static void read_comm(const char *root, int32_t pid, char comm[COMM_SIZE])
{
    char path[4096];
    snprintf(path, sizeof path, "%s/proc/%d/comm", root, pid);
    plimsoll_autofclose FILE *file = pid > 0 ? fopen(path, "re") : NULL;
    if (file == NULL || fgets(comm, COMM_SIZE, file) == NULL) {
        comm[0] = '\0';
    }
    comm[strcspn(comm, "\n")] = '\0';
}

/* The names of all processes, in the order of the look. */
static char (*read_comms(const struct plimsoll_agent_options *options,
                         const struct plimsoll_measurement *measurement))[COMM_SIZE]
{
    size_t count = 0, at = 0;
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        count += measurement->devices[i].process_count;
    }
    char(*comms)[COMM_SIZE] = plimsoll_alloc(count > 0 ? count : 1, sizeof *comms);
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        for (uint32_t k = 0; k < measurement->devices[i].process_count; k++) {
            read_comm(options->root, measurement->devices[i].processes[k].pid, comms[at++]);
        }
    }
    return comms;
}

static void add_value(struct plimsoll_text *out, const char *key, const struct plimsoll_text *value)
{
    plimsoll_text_add_format(out, "\"%s\":", key);
    if (value->size > 0) {
        plimsoll_text_add_span(out, plimsoll_text_span(value));
    } else {
        plimsoll_text_add_string(out, "null");
    }
}

/* One object on one line: the annotations as they would be published. */
static int add_json(const struct plimsoll_look *look, struct plimsoll_text *out,
                    struct plimsoll_error *err)
{
    struct plimsoll_report_texts texts = plimsoll_report_texts_make();
    int result = plimsoll_report_write(look, &texts, err);
    if (result == 0) {
        plimsoll_text_add_char(out, '{');
        add_value(out, "inventory", &texts.inventory);
        plimsoll_text_add_char(out, ',');
        add_value(out, "usage", &texts.usage);
        plimsoll_text_add_string(out, ",\"freeVram\":");
        plimsoll_text_add_json(out, plimsoll_text_span(&texts.free_vram));
        plimsoll_text_add_string(out, "}\n");
    }
    plimsoll_report_texts_clear(&texts);
    return result;
}

static void add_table(const struct plimsoll_agent_options *options,
                      const struct plimsoll_view_options *view, const struct plimsoll_look *look,
                      const char *trouble, struct plimsoll_text *out)
{
    char(*comms)[COMM_SIZE] = read_comms(options, look->measurement);
    struct plimsoll_view_machine machine = {.name = options->node,
                                            .measurement = look->measurement,
                                            .attribution = look->attribution,
                                            .comms = (const char(*)[COMM_SIZE])comms,
                                            .trouble = trouble,
                                            .time_unix_ms = look->time_unix_ms};
    plimsoll_view_machine(&machine, view, out);
    free(comms);
}

/* One screen, written over the one before: to clear it first would flicker. */
static void show_screen(const struct plimsoll_text *text)
{
    struct plimsoll_span rest = plimsoll_text_span(text), line;
    (void)fputs("\033[H", stdout);
    while (rest.size > 0 && plimsoll_span_cut(&rest, '\n', &line)) {
        (void)fwrite(line.data, 1, line.size, stdout);
        (void)fputs("\033[K\n", stdout);
    }
    (void)fputs("\033[J", stdout);
}

static int print_look(struct plimsoll_observer *observer,
                      const struct plimsoll_agent_options *options)
{
    struct plimsoll_error err = {0};
    struct plimsoll_look look;
    struct plimsoll_view_options view = look_of_output(); /* a window may get another size */
    plimsoll_autotext out = plimsoll_text_make(OUTPUT_BYTES_MAX);
    int result = plimsoll_observer_look(observer, &look, &err) < 0 ? -1 : 0;
    if (result == 0 && options->json) {
        result = add_json(&look, &out, &err);
    } else if (result == 0) {
        add_table(options, &view, &look, plimsoll_observer_trouble(observer), &out);
    }
    bool screen = options->watch && has_screen() && !options->json;
    if (result != 0 && screen) {
        /* On the screen like all else, or the next one wipes it away. */
        plimsoll_text_add_format(&out, SENTENCE, err.message);
    } else if (result != 0) {
        fprintf(stderr, SENTENCE, err.message);
        return -1;
    }
    if (screen) {
        show_screen(&out);
    } else {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    return fflush(stdout) != 0 ? -1 : result;
}

int plimsoll_print_looks(const struct plimsoll_agent_options *options, const sigset_t *signals)
{
    (void)setlocale(LC_CTYPE, "");
    struct plimsoll_observer *observer = plimsoll_observer_new(options);
    int result = print_look(observer, options);
    struct timespec wait = {.tv_sec = options->interval_ms / 1000,
                            .tv_nsec = options->interval_ms % 1000 * 1000000};
    while (options->watch && sigtimedwait(signals, NULL, &wait) < 0 && !ferror(stdout)) {
        result = print_look(observer, options);
    }
    plimsoll_observer_free(&observer);
    return result == 0 || options->watch ? 0 : 1;
}
