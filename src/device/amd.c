/* SPDX-License-Identifier: Apache-2.0 */
#include "drm.h"
#include "drm_clients.h"
#include "files.h"

#define VENDOR_AMD 0x1002
#define GIB        ((uint64_t)1 << 30)
/* Looks from one question about errors to the next: the card's firmware answers it. */
#define ERROR_LOOKS 5

static const char *const drivers[] = {"amdgpu", NULL};
static const char *const vram_regions[] = {"vram", NULL};
static const char *const gtt_regions[] = {"gtt", NULL};

struct reader {
    char *root; /* owned */
    struct plimsoll_drm_clients *clients;
    unsigned looks;
    char faulty[PLIMSOLL_CARDS_MAX][PLIMSOLL_DRM_PCI_SIZE]; /* with errors when last asked */
    uint32_t faulty_count;
};

/* A pool of memory as sysfs has it. */
struct pool {
    uint64_t total, used; /* 0, PLIMSOLL_BYTES_UNKNOWN */
    bool failed;          /* there and without an answer: in reset, or off the bus */
};

static struct pool read_pool(const struct plimsoll_drm_card *card, const char *total_name,
                             const char *used_name)
{
    struct pool pool = {.used = PLIMSOLL_BYTES_UNKNOWN};
    enum plimsoll_sysfs total = plimsoll_sysfs_uint(card->device, total_name, &pool.total),
                        used = plimsoll_sysfs_uint(card->device, used_name, &pool.used);
    pool.failed = total == PLIMSOLL_SYSFS_FAILED || used == PLIMSOLL_SYSFS_FAILED;
    return pool;
}

static bool has(const struct plimsoll_drm_card *card, const char *name)
{
    char text[8];
    return plimsoll_sysfs_text(card->device, name, text, sizeof text) != PLIMSOLL_SYSFS_ABSENT;
}

/* An APU has a carve-out for VRAM and lives on the machine's memory through GTT. A maker of the
 * VRAM or a board is there for cards alone; a large carve-out is used as if it were a card's. */
static bool is_apu(const struct plimsoll_drm_card *card, const struct pool *vram,
                   const struct pool *gtt)
{
    return vram->total <= 4 * GIB && gtt->total >= 8 * GIB && gtt->total / 4 >= vram->total &&
           !has(card, "mem_info_vram_vendor") && !has(card, "board_info");
}

/* Errors of the VRAM that could not be corrected, since the driver was loaded: `ue: 2` on a line of
 * its own, on cards that count them. One that does not answer, as in a reset, says nothing. */
static bool has_errors(const struct plimsoll_drm_card *card)
{
    char text[PLIMSOLL_SYSFS_BYTES_MAX];
    struct plimsoll_span rest, line, key;
    unsigned long long count = 0;
    (void)plimsoll_sysfs_text(card->device, "ras/umc_err_count", text, sizeof text);
    rest = plimsoll_span_of(text);
    while (plimsoll_span_cut(&rest, '\n', &line)) {
        if (plimsoll_span_cut(&line, ':', &key) && plimsoll_span_is(key, "ue") &&
            plimsoll_span_decimal(plimsoll_span_trim(line), &count)) {
            return count > 0;
        }
    }
    return false;
}

static void ask_for_errors(struct reader *reader, const struct plimsoll_drm_cards *cards)
{
    if (reader->looks++ % ERROR_LOOKS != 0) {
        return;
    }
    reader->faulty_count = 0;
    for (uint32_t i = 0; i < cards->count; i++) {
        if (has_errors(&cards->list[i])) {
            memcpy(reader->faulty[reader->faulty_count++], cards->list[i].pci,
                   sizeof reader->faulty[0]);
        }
    }
}

static bool is_faulty(const struct reader *reader, const struct plimsoll_drm_card *card)
{
    uint32_t i = 0;
    while (i < reader->faulty_count && strcmp(reader->faulty[i], card->pci) != 0) {
        i++;
    }
    return i < reader->faulty_count;
}

static struct plimsoll_device read_device(const struct reader *reader,
                                          const struct plimsoll_drm_card *card, uint32_t index)
{
    struct plimsoll_device device = plimsoll_drm_device(card, PLIMSOLL_VENDOR_AMD, index);
    struct pool vram = read_pool(card, "mem_info_vram_total", "mem_info_vram_used");
    struct pool gtt = read_pool(card, "mem_info_gtt_total", "mem_info_gtt_used");
    char product[sizeof device.product];
    if (plimsoll_sysfs_text(card->device, "product_name", product, sizeof product) ==
            PLIMSOLL_SYSFS_READ &&
        product[0] != '\0') {
        memcpy(device.product, product, sizeof product);
    }
    device.unified = is_apu(card, &vram, &gtt);
    const struct pool *pool = device.unified ? &gtt : &vram;
    device.total = pool->total;
    device.used = pool->used;
    if (vram.failed || gtt.failed) {
        device.total = 0;
        device.used = PLIMSOLL_BYTES_UNKNOWN;
        memcpy(device.health, "lost", sizeof "lost");
    } else if (is_faulty(reader, card)) {
        memcpy(device.health, "ecc", sizeof "ecc");
    }
    return device;
}

static void read_processes(const struct reader *reader, struct plimsoll_measurement *out)
{
    struct plimsoll_drm_target targets[PLIMSOLL_CARDS_MAX];
    for (uint32_t i = 0; i < out->device_count; i++) {
        targets[i] = (struct plimsoll_drm_target){
            .device = &out->devices[i],
            .regions = out->devices[i].unified ? gtt_regions : vram_regions};
    }
    if (!plimsoll_drm_clients_look(reader->clients, reader->root, targets, out->device_count)) {
        snprintf(out->note, sizeof out->note,
                 "amdgpu: bytes by process need CAP_SYS_PTRACE to look into every process");
    }
}

static int measure(void *context, struct plimsoll_measurement *measurement,
                   struct plimsoll_error *err)
{
    struct reader *reader = context;
    struct plimsoll_measurement out = {0};
    struct plimsoll_drm_cards cards;
    plimsoll_drm_cards_read(reader->root, VENDOR_AMD, drivers, &cards);
    if (cards.count == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "no AMD card with the driver amdgpu under %s/sys/class/drm",
                                  reader->root);
    }
    ask_for_errors(reader, &cards);
    out.devices = plimsoll_alloc(cards.count, sizeof *out.devices);
    for (uint32_t i = 0; i < cards.count; i++) {
        out.devices[out.device_count++] = read_device(reader, &cards.list[i], i);
    }
    plimsoll_drm_cards_clear(&cards);
    plimsoll_drm_driver(reader->root, drivers[0], out.driver, sizeof out.driver);
    read_processes(reader, &out);
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

struct plimsoll_reader plimsoll_reader_amd(const struct plimsoll_reader_options *options)
{
    struct reader *reader = plimsoll_alloc(1, sizeof *reader);
    reader->root = plimsoll_copy(options->root, strlen(options->root));
    reader->clients = plimsoll_drm_clients_new();
    return (struct plimsoll_reader){
        .name = "amd", .context = reader, .measure = measure, .close = close_reader};
}
