/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/view.h>

#include <plimsoll/clock.h>
#include <plimsoll/quantity.h>

#include <string.h>

#define BAR_CELLS 20u
/* Columns of a card's line that are not its name: index, bar, sizes, percent and what is between.
 */
#define CARD_COLUMNS ((int)BAR_CELLS + 32)

#define BOLD "\033[1m"
#define DIM  "\033[90m"
#define RED  "\033[31m"

static void add_coloured(struct plimsoll_text *out, const struct plimsoll_view_options *options,
                         const char *colour, const char *string)
{
    if (options->colour) {
        plimsoll_text_add_string(out, colour);
    }
    plimsoll_text_add_string(out, string);
    if (options->colour) {
        plimsoll_text_add_string(out, "\033[0m");
    }
}

/* Bytes of a UTF-8 string that take at most `columns` characters, and how many those are. */
static size_t fit(const char *string, int columns, int *taken)
{
    size_t size = 0;
    *taken = 0;
    while (string[size] != '\0' && *taken < columns) {
        size++;
        while (((unsigned char)string[size] & 0xc0) == 0x80) {
            size++;
        }
        (*taken)++;
    }
    return size;
}

/* What a driver or a process calls itself must not steer a terminal. */
static void add_column(struct plimsoll_text *out, const char *string, int columns)
{
    struct plimsoll_error clean = {0};
    int taken;
    plimsoll_error_set(&clean, PLIMSOLL_ERR_NONE, "%s", string);
    size_t size = fit(clean.message, columns, &taken);
    plimsoll_text_add(out, clean.message, size);
    plimsoll_text_add_format(out, "%*s", columns - taken, "");
}

/* As a load it is: calm, filling, full. */
static const char *colour_of(unsigned percent)
{
    return percent < 60 ? "\033[32m" : percent < 90 ? "\033[33m" : RED;
}

/* Whatever is in use shows, and a card is not shown full before it is. */
static void add_bar(unsigned percent, uint64_t used, const struct plimsoll_view_options *options,
                    struct plimsoll_text *out)
{
    unsigned cells = percent * BAR_CELLS / 100;
    cells = cells == 0 && used > 0 ? 1 : cells;
    for (unsigned i = 0; i < BAR_CELLS; i++) {
        bool full = i < cells;
        if (i == 0 || i == cells) { /* one change of colour for each part */
            plimsoll_text_add_string(out, !options->colour ? "" : full ? colour_of(percent) : DIM);
        }
        plimsoll_text_add_string(out, options->unicode ? (full ? "█" : "░") : full ? "#" : ".");
    }
    plimsoll_text_add_string(out, options->colour ? "\033[0m" : "");
}

static void add_sizes(const struct plimsoll_device *device, unsigned percent,
                      struct plimsoll_text *out)
{
    char used[PLIMSOLL_QUANTITY_SIZE], total[PLIMSOLL_QUANTITY_SIZE];
    bool known = device->used != PLIMSOLL_BYTES_UNKNOWN;
    plimsoll_text_add_format(
        out, "  %8s / %s", known ? plimsoll_quantity_format(device->used, used) : "?",
        device->total > 0 ? plimsoll_quantity_format(device->total, total) : "?");
    if (known && device->total > 0) {
        plimsoll_text_add_format(out, " %*u%%", 10 - (int)strlen(total), percent);
    }
}

static void add_card(const struct plimsoll_device *device,
                     const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    bool known = device->used != PLIMSOLL_BYTES_UNKNOWN && device->total > 0;
    bool healthy = device->health[0] == '\0' || strcmp(device->health, "ok") == 0;
    uint64_t used = !known ? 0 : device->used < device->total ? device->used : device->total;
    unsigned percent = known ? (unsigned)((double)used / (double)device->total * 100) : 0;
    plimsoll_text_add_format(out, "%3d  ", device->index);
    add_column(out, device->product[0] != '\0' ? device->product : device->id,
               (int)options->width - CARD_COLUMNS);
    plimsoll_text_add_string(out, "  ");
    if (healthy) {
        add_bar(percent, used, options, out);
    } else {
        plimsoll_text_add_string(out, options->colour ? RED : "");
        add_column(out, device->health, BAR_CELLS);
        plimsoll_text_add_string(out, options->colour ? "\033[0m" : "");
    }
    add_sizes(device, percent, out);
    plimsoll_text_add_char(out, '\n');
}

static void add_instances(const struct plimsoll_device *device, struct plimsoll_text *out)
{
    char vram[PLIMSOLL_QUANTITY_SIZE];
    for (uint32_t i = 0; i < device->mig_count; i++) {
        plimsoll_text_add_format(out, "     %-16s  %8s  %s\n", device->mig[i].profile,
                                 plimsoll_quantity_format(device->mig[i].vram, vram),
                                 device->mig[i].id);
    }
}

static void add_process(const struct plimsoll_view_machine *machine,
                        const struct plimsoll_device *device, size_t at,
                        const struct plimsoll_device_process *process, struct plimsoll_text *out)
{
    char bytes[PLIMSOLL_QUANTITY_SIZE];
    const char *nobody = !machine->attribution ? "" : process->missing ? "?" : "the host";
    plimsoll_text_add_format(out, "%3d  ", device->index);
    if (process->pid > 0) {
        plimsoll_text_add_format(out, "%7d  ", process->pid);
    } else {
        plimsoll_text_add_string(out, "      -  ");
    }
    add_column(out, machine->comms != NULL ? machine->comms[at] : "", PLIMSOLL_VIEW_COMM_SIZE - 1);
    plimsoll_text_add_format(out, "  %8s  %s\n",
                             process->bytes != PLIMSOLL_BYTES_UNKNOWN
                                 ? plimsoll_quantity_format(process->bytes, bytes)
                                 : "?",
                             process->pod.text[0] != '\0' ? process->pod.text : nobody);
}

static void add_processes(const struct plimsoll_view_machine *machine,
                          const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    const struct plimsoll_measurement *measurement = machine->measurement;
    size_t at = 0;
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        const struct plimsoll_device *device = &measurement->devices[i];
        for (uint32_t k = 0; k < device->process_count; k++, at++) {
            if (at == 0) {
                add_coloured(out, options, DIM, "card      pid  process              used  pod\n");
            }
            add_process(machine, device, at, &device->processes[k], out);
        }
    }
}

void plimsoll_view_machine(const struct plimsoll_view_machine *machine,
                           const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    const struct plimsoll_measurement *measurement = machine->measurement;
    char time[PLIMSOLL_TIME_SIZE];
    plimsoll_autotext driver = plimsoll_text_make(256);
    plimsoll_text_add_string(&driver, measurement->driver[0] != '\0' ? "driver " : "");
    plimsoll_text_add_string(&driver, measurement->driver);
    add_coloured(out, options, BOLD, machine->name != NULL ? machine->name : "this machine");
    plimsoll_text_add_string(out, "  ");
    add_column(out, driver.data != NULL ? driver.data : "", (int)driver.size);
    plimsoll_text_add_format(out, "  %s\n", plimsoll_time_format(machine->time_unix_ms, time));
    if (machine->trouble != NULL && machine->trouble[0] != '\0') {
        add_coloured(out, options, RED, machine->trouble);
        plimsoll_text_add_char(out, '\n');
    }
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        add_card(&measurement->devices[i], options, out);
        add_instances(&measurement->devices[i], out);
    }
    if (measurement->device_count == 0) {
        plimsoll_text_add_string(out, "     no cards\n");
    }
    add_processes(machine, options, out);
}
