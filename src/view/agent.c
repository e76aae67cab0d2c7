/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <plimsoll/clock.h>

#include <string.h>

#define BAR_CELLS_MIN 20u
#define BAR_CELLS_MAX 64u
/* A card's line after its bar: `     7Gi / 16Gi     43%`. */
#define SIZES_COLUMNS 25u
#define LABEL_MIN     4u
/* A process's line without label and name: `     4711  …      5Gi  `. */
#define PROCESS_COLUMNS 23u

/* Columns of this machine: as wide as what is in them, and the bar takes the rest. */
struct layout {
    const struct plimsoll_view_options *options;
    bool vendors; /* with the indices: two vendors count from 0 */
    unsigned label, name, bar, process;
};

/* What the driver calls it, without the vendor where that stands in front of it anyway. */
static const char *name_of(const struct layout *layout, const struct plimsoll_device *device)
{
    const char *name = device->product[0] != '\0' ? device->product : device->id;
    const char *vendor = plimsoll_vendor_text(device->vendor);
    size_t size = strlen(vendor);
    bool twice = layout->vendors && strncmp(name, vendor, size) == 0 && name[size] == ' ';
    return twice ? name + size + 1 : name;
}

static unsigned max_of(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static unsigned min_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void add_label(struct plimsoll_text *out, const struct layout *layout,
                      const struct plimsoll_device *device)
{
    char label[48];
    snprintf(label, sizeof label, "%s%s%d",
             layout->vendors ? plimsoll_vendor_text(device->vendor) : "",
             layout->vendors ? " " : "", device->index);
    plimsoll_text_add_format(out, "%*s  ", (int)layout->label, label);
}

static bool share_indices(const struct plimsoll_measurement *measurement)
{
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (measurement->devices[i].index == measurement->devices[k].index) {
                return true;
            }
        }
    }
    return false;
}

static unsigned longest_process(const struct plimsoll_view_machine *machine)
{
    unsigned longest = sizeof "process" - 1;
    size_t count = 0;
    for (uint32_t i = 0; i < machine->measurement->device_count; i++) {
        count += machine->measurement->devices[i].process_count;
    }
    for (size_t i = 0; i < count && machine->comms != NULL; i++) {
        longest = max_of(longest, (unsigned)strlen(machine->comms[i]));
    }
    return longest;
}

static struct layout lay_out(const struct plimsoll_view_machine *machine,
                             const struct plimsoll_view_options *options)
{
    const struct plimsoll_measurement *measurement = machine->measurement;
    struct layout layout = {.options = options,
                            .vendors = share_indices(measurement),
                            .label = LABEL_MIN,
                            .process = longest_process(machine)};
    unsigned longest = 0;
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        plimsoll_autotext label = plimsoll_text_make(64), name = plimsoll_text_make(1024);
        add_label(&label, &layout, &measurement->devices[i]);
        layout.label = max_of(layout.label, (unsigned)label.size - 2);
        longest = max_of(longest, plimsoll_column_clean(&name, options,
                                                        name_of(&layout, &measurement->devices[i]),
                                                        options->width));
    }
    unsigned room = options->width - layout.label - 4 - SIZES_COLUMNS;
    layout.name = min_of(longest, room - BAR_CELLS_MIN);
    layout.bar = min_of(room - layout.name, BAR_CELLS_MAX);
    return layout;
}

/* As a load it is: calm, filling, full. */
static const char *colour_of(unsigned percent)
{
    return percent < 60 ? GREEN : percent < 90 ? YELLOW : RED;
}

/* Whatever is in use shows, and a card is not shown full before it is. */
static void add_bar(unsigned percent, uint64_t used, const struct layout *layout,
                    struct plimsoll_text *out)
{
    const struct plimsoll_view_options *options = layout->options;
    unsigned cells = percent * layout->bar / 100;
    cells = cells == 0 && used > 0 ? 1 : cells;
    for (unsigned i = 0; i < layout->bar; i++) {
        bool full = i < cells;
        if (i == 0 || i == cells) { /* one change of colour for each part */
            plimsoll_text_add_string(out, !options->colour ? "" : full ? colour_of(percent) : DIM);
        }
        plimsoll_text_add_string(out, options->unicode ? (full ? "█" : "░") : full ? "#" : ".");
    }
    plimsoll_text_add_string(out, options->colour ? "\033[0m" : "");
}

/* In a bar's place why there is none. */
static void add_reason(const char *reason, const char *colour, const struct layout *layout,
                       struct plimsoll_text *out)
{
    plimsoll_text_add_string(out, layout->options->colour ? colour : "");
    plimsoll_column_add(out, layout->options, reason, layout->bar);
    plimsoll_text_add_string(out, layout->options->colour ? "\033[0m" : "");
}

static void add_sizes(const struct plimsoll_device *device, unsigned percent,
                      struct plimsoll_text *out)
{
    bool known = device->used != PLIMSOLL_BYTES_UNKNOWN;
    struct bytes used = bytes_of(device->used), total = bytes_of(device->total);
    plimsoll_text_add_format(out, "  %8s / %s", known ? used.text : "?",
                             device->total > 0 ? total.text : "?");
    if (known && device->total > 0) {
        plimsoll_text_add_format(out, " %*u%%", 10 - (int)strlen(total.text), percent);
    }
}

static void add_card(const struct plimsoll_device *device, const struct layout *layout,
                     struct plimsoll_text *out)
{
    bool known = device->used != PLIMSOLL_BYTES_UNKNOWN && device->total > 0;
    bool healthy = device->health[0] == '\0' || strcmp(device->health, "ok") == 0;
    uint64_t used = !known ? 0 : device->used < device->total ? device->used : device->total;
    unsigned percent = known ? (unsigned)((double)used / (double)device->total * 100) : 0;
    add_label(out, layout, device);
    plimsoll_column_add(out, layout->options, name_of(layout, device), layout->name);
    plimsoll_text_add_string(out, "  ");
    if (!healthy) {
        add_reason(device->health, RED, layout, out);
    } else if (!known) {
        add_reason("not known", DIM, layout, out);
    } else {
        add_bar(percent, used, layout, out);
    }
    add_sizes(device, percent, out);
    plimsoll_text_add_char(out, '\n');
}

static void add_instances(const struct plimsoll_device *device, const struct layout *layout,
                          struct plimsoll_text *out)
{
    for (uint32_t i = 0; i < device->mig_count; i++) {
        plimsoll_text_add_format(out, "%*s", (int)layout->label + 2, "");
        plimsoll_column_add(out, layout->options, device->mig[i].profile, 16);
        plimsoll_text_add_format(out, "  %8s  ", bytes_of(device->mig[i].vram).text);
        (void)plimsoll_column_clean(out, layout->options, device->mig[i].id,
                                    layout->options->width - layout->label - 30);
        plimsoll_text_add_char(out, '\n');
    }
}

static void add_process(const struct plimsoll_view_machine *machine, const struct layout *layout,
                        const struct plimsoll_device *device, size_t at,
                        const struct plimsoll_device_process *process, struct plimsoll_text *out)
{
    const char *nobody = !machine->attribution ? "" : process->missing ? "?" : "the host";
    add_label(out, layout, device);
    if (process->pid > 0) {
        plimsoll_text_add_format(out, "%7d  ", process->pid);
    } else {
        plimsoll_text_add_string(out, "      -  ");
    }
    plimsoll_column_add(out, layout->options, machine->comms != NULL ? machine->comms[at] : "",
                        layout->process);
    plimsoll_text_add_format(
        out, "  %8s  ",
        process->bytes != PLIMSOLL_BYTES_UNKNOWN ? bytes_of(process->bytes).text : "?");
    (void)plimsoll_column_clean(
        out, layout->options, process->pod.text[0] != '\0' ? process->pod.text : nobody,
        layout->options->width - layout->label - layout->process - PROCESS_COLUMNS);
    plimsoll_text_add_char(out, '\n');
}

static void add_processes(const struct plimsoll_view_machine *machine, const struct layout *layout,
                          struct plimsoll_text *out)
{
    const struct plimsoll_measurement *measurement = machine->measurement;
    size_t at = 0;
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        const struct plimsoll_device *device = &measurement->devices[i];
        for (uint32_t k = 0; k < device->process_count; k++, at++) {
            if (at == 0) {
                char heading[128];
                snprintf(heading, sizeof heading, "%*s      pid  %-*s      used  pod\n",
                         (int)layout->label, "card", (int)layout->process, "process");
                plimsoll_column_coloured(out, layout->options, DIM, heading);
            }
            add_process(machine, layout, device, at, &device->processes[k], out);
        }
    }
}

static void add_heading(const struct plimsoll_view_machine *machine,
                        const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    const char *driver = machine->measurement->driver;
    char time[PLIMSOLL_TIME_SIZE];
    plimsoll_column_coloured(out, options, BOLD,
                             machine->name != NULL ? machine->name : "this machine");
    plimsoll_text_add_string(out, driver[0] != '\0' ? "  driver " : "");
    (void)plimsoll_column_clean(out, options, driver, options->width);
    plimsoll_text_add_format(out, "  %s\n", plimsoll_time_format(machine->time_unix_ms, time));
    if (machine->trouble != NULL && machine->trouble[0] != '\0') {
        plimsoll_text_add_string(out, options->colour ? RED : "");
        plimsoll_column_wrap(out, options, machine->trouble, 0, 0);
        plimsoll_text_add_string(out, options->colour ? "\033[0m" : "");
    }
}

void plimsoll_view_machine(const struct plimsoll_view_machine *machine,
                           const struct plimsoll_view_options *options, struct plimsoll_text *out)
{
    const struct plimsoll_measurement *measurement = machine->measurement;
    struct layout layout = lay_out(machine, options);
    add_heading(machine, options, out);
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        add_card(&measurement->devices[i], &layout, out);
        add_instances(&measurement->devices[i], &layout, out);
    }
    if (measurement->device_count == 0) {
        plimsoll_text_add_string(out, "     no cards\n");
    }
    add_processes(machine, &layout, out);
}
