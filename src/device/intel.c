/* SPDX-License-Identifier: Apache-2.0 */
#include "intel.h"

#include "drm.h"
#include "drm_clients.h"
#include "files.h"
#include "intel_memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define VENDOR_INTEL   0x8086
#define PERFMON_NUMBER 38 /* CAP_PERFMON; headers before Linux 5.8 lack it */

static const char *const drivers[] = {"xe", "i915", NULL};
/* VRAM is `vram0` to xe and `local0` to i915; what of the machine's memory a card that has none
 * uses is `gtt` and `system` to xe, `system0` to i915. */
static const char *const own_regions[] = {"vram", "local", NULL};
static const char *const system_regions[] = {"gtt", "system", NULL};

struct reader {
    char *root; /* owned */
    struct plimsoll_drm_clients *clients;
    struct plimsoll_intel_kernel kernel;
};

/* What keeps a look from being complete. */
struct lacks {
    bool perfmon, ptrace;
    char node[64]; /* a render node that cannot be opened */
    int number;    /* and why */
};

/* /sys/class/drm/cardN/device/drm/renderD128 → /dev/dri/renderD128 */
static bool find_node(const char *root, const struct plimsoll_drm_card *card,
                      char path[PLIMSOLL_DEVICE_PATH_MAX])
{
    DIR *entries = plimsoll_device_path(path, "%s/drm", card->device) ? opendir(path) : NULL;
    bool found = false;
    if (entries == NULL) {
        return false;
    }
    for (const struct dirent *entry; !found && (entry = readdir(entries)) != NULL;) {
        found = strncmp(entry->d_name, "renderD", strlen("renderD")) == 0 &&
                plimsoll_device_path(path, "%s/dev/dri/%s", root, entry->d_name);
    }
    closedir(entries);
    return found;
}

/* Some i915 tell of their memory in sysfs, by tile. */
static bool read_sysfs(const struct plimsoll_drm_card *card, struct plimsoll_intel_memory *memory)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    uint64_t bytes, tiles = 0;
    if (plimsoll_sysfs_uint(card->folder, "lmem_total_bytes", &bytes) != PLIMSOLL_SYSFS_READ ||
        bytes == 0) {
        return false;
    }
    DIR *entries = plimsoll_device_path(path, "%s/gt", card->folder) ? opendir(path) : NULL;
    if (entries != NULL) {
        for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
            tiles += strncmp(entry->d_name, "gt", 2) == 0;
        }
        closedir(entries);
    }
    *memory = (struct plimsoll_intel_memory){.dedicated = true, .used = PLIMSOLL_BYTES_UNKNOWN};
    memory->total = __builtin_mul_overflow(bytes, tiles > 0 ? tiles : 1, &bytes) ? 0 : bytes;
    return true;
}

/* @return 0, or an errno */
static int ask_driver(const struct reader *reader, const struct plimsoll_drm_card *card,
                      struct plimsoll_intel_memory *memory, struct lacks *lacks)
{
    char path[PLIMSOLL_DEVICE_PATH_MAX];
    if (!find_node(reader->root, card, path)) {
        return ENOENT;
    }
    plimsoll_autoclose int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        lacks->number = errno;
        snprintf(lacks->node, sizeof lacks->node, "%.63s", strstr(path, "/dev/dri/"));
        return lacks->number;
    }
    return strcmp(card->driver, "xe") == 0 ? plimsoll_xe_memory(&reader->kernel, fd, memory)
                                           : plimsoll_i915_memory(&reader->kernel, fd, memory);
}

/* What the card's state comes to; `number` is the errno of the question about its memory. xe
 * refuses every question to a card that it has given up, and shows a file where only new firmware
 * helps. */
static const char *health_of(const struct plimsoll_drm_card *card, int number)
{
    char text[16];
    if (plimsoll_sysfs_text(card->device, "survivability_mode", text, sizeof text) !=
        PLIMSOLL_SYSFS_ABSENT) {
        return "survivability mode";
    }
    if (number == ECANCELED) {
        return "wedged";
    }
    if (number == EIO || number == ENODEV || number == ENXIO) {
        return "lost";
    }
    bool critical =
        plimsoll_sysfs_text(card->device, "gpu_health", text, sizeof text) == PLIMSOLL_SYSFS_READ &&
        strcmp(text, "critical") == 0;
    return critical ? "critical" : "ok";
}

static struct plimsoll_device read_device(const struct reader *reader,
                                          const struct plimsoll_drm_card *card, uint32_t index,
                                          struct lacks *lacks)
{
    struct plimsoll_device device = plimsoll_drm_device(card, PLIMSOLL_VENDOR_INTEL, index);
    struct plimsoll_intel_memory memory = {.dedicated = true, .used = PLIMSOLL_BYTES_UNKNOWN};
    int number = ask_driver(reader, card, &memory, lacks);
    snprintf(device.health, sizeof device.health, "%s", health_of(card, number));
    snprintf(device.plugin_id, sizeof device.plugin_id, "%s", plimsoll_drm_name(card));
    if (number == 0) {
        /* i915 does not count what is used of the machine's memory, whatever one may. */
        lacks->perfmon =
            lacks->perfmon || (memory.used == PLIMSOLL_BYTES_UNKNOWN && !reader->kernel.perfmon &&
                               (memory.dedicated || strcmp(card->driver, "xe") == 0));
    } else if (strcmp(device.health, "ok") == 0) {
        (void)read_sysfs(card, &memory);
    }
    device.total = memory.total;
    device.used = memory.used;
    device.unified = !memory.dedicated;
    return device;
}

static void read_processes(const struct reader *reader, struct plimsoll_measurement *out,
                           struct lacks *lacks)
{
    struct plimsoll_drm_target targets[PLIMSOLL_CARDS_MAX];
    for (uint32_t i = 0; i < out->device_count; i++) {
        targets[i] = (struct plimsoll_drm_target){
            .device = &out->devices[i],
            .regions = out->devices[i].unified ? system_regions : own_regions};
    }
    lacks->ptrace =
        !plimsoll_drm_clients_look(reader->clients, reader->root, targets, out->device_count);
}

static void write_note(const struct lacks *lacks, char *out, size_t size)
{
    if (lacks->node[0] != '\0') {
        snprintf(out, size, "Intel: %s cannot be opened (%s): memory is not known", lacks->node,
                 strerror(lacks->number));
    } else if (lacks->perfmon && lacks->ptrace) {
        snprintf(out, size,
                 "Intel: bytes in use need CAP_PERFMON, bytes by process CAP_SYS_PTRACE");
    } else if (lacks->perfmon) {
        snprintf(out, size, "Intel: bytes in use need CAP_PERFMON");
    } else if (lacks->ptrace) {
        snprintf(out, size,
                 "Intel: bytes by process need CAP_SYS_PTRACE to look into every process");
    }
}

static int measure(void *context, struct plimsoll_measurement *measurement,
                   struct plimsoll_error *err)
{
    const struct reader *reader = context;
    struct plimsoll_measurement out = {0};
    struct plimsoll_drm_cards cards;
    struct lacks lacks = {0};
    plimsoll_drm_cards_read(reader->root, VENDOR_INTEL, drivers, &cards);
    if (cards.count == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "no Intel card with the driver xe or i915 under "
                                  "%s/sys/class/drm",
                                  reader->root);
    }
    out.devices = plimsoll_alloc(cards.count, sizeof *out.devices);
    for (uint32_t i = 0; i < cards.count; i++) {
        out.devices[out.device_count++] = read_device(reader, &cards.list[i], i, &lacks);
    }
    plimsoll_drm_driver(reader->root, cards.list[0].driver, out.driver, sizeof out.driver);
    plimsoll_drm_cards_clear(&cards);
    read_processes(reader, &out, &lacks);
    write_note(&lacks, out.note, sizeof out.note);
    *measurement = out;
    return 0;
}

static void close_reader(void *context)
{
    struct reader *reader = context;
    plimsoll_drm_clients_free(&reader->clients);
    free(reader->root);
    free(reader);
}

struct plimsoll_reader plimsoll_reader_intel_with(const struct plimsoll_reader_options *options,
                                                  const struct plimsoll_intel_kernel *kernel)
{
    struct reader *reader = plimsoll_alloc(1, sizeof *reader);
    reader->root = plimsoll_copy(options->root, strlen(options->root));
    reader->clients = plimsoll_drm_clients_new();
    reader->kernel = *kernel;
    return (struct plimsoll_reader){
        .name = "intel", .context = reader, .measure = measure, .close = close_reader};
}

static int ask_kernel(void *context, int fd, unsigned long request, void *argument)
{
    (void)context;
    return ioctl(fd, request, argument);
}

static bool has_perfmon(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0) {
        return false;
    }
    uint64_t effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    return (effective >> PERFMON_NUMBER & 1) != 0 || (effective >> CAP_SYS_ADMIN & 1) != 0;
}

struct plimsoll_reader plimsoll_reader_intel(const struct plimsoll_reader_options *options)
{
    struct plimsoll_intel_kernel kernel = {.ioctl = ask_kernel, .perfmon = has_perfmon()};
    return plimsoll_reader_intel_with(options, &kernel);
}
