/* SPDX-License-Identifier: Apache-2.0 */
#include "drm_tree.h"

#include "../../../src/device/drm_clients.h"
#include "../../../src/device/fdinfo.h"
#include "../../../src/device/files.h"

#define CARD   "0000:03:00.0"
#define SECOND "0000:83:00.0"
#define APU    "0000:c5:00.0"

struct bench {
    struct tree tree;
    struct plimsoll_reader reader;
};

static int setup(void **state)
{
    struct bench *bench = plimsoll_alloc(1, sizeof *bench);
    bench->tree = tree_make();
    bench->reader =
        plimsoll_reader_amd(&(struct plimsoll_reader_options){.root = bench->tree.root});
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    bench->reader.close(bench->reader.context);
    tree_remove(&bench->tree);
    free(bench);
    return 0;
}

/* A card of 24 GiB with 1 GiB in use. */
static void add_card(const struct tree *tree, const char *name, const char *pci)
{
    drm_card(tree, name, pci, "amdgpu", "1002:744C");
    drm_value(tree, pci, "mem_info_vram_total", "25753026560");
    drm_value(tree, pci, "mem_info_vram_used", "1073741824");
    drm_value(tree, pci, "mem_info_gtt_total", "33549012992");
    drm_value(tree, pci, "mem_info_gtt_used", "20971520");
    drm_value(tree, pci, "mem_info_vram_vendor", "samsung");
    drm_value(tree, pci, "numa_node", "1");
}

/* A carve-out of 512 MiB and 64 GiB of the machine's memory. */
static void add_apu(const struct tree *tree)
{
    drm_card(tree, "card0", APU, "amdgpu", "1002:1586");
    drm_value(tree, APU, "mem_info_vram_total", "536870912");
    drm_value(tree, APU, "mem_info_vram_used", "268435456");
    drm_value(tree, APU, "mem_info_gtt_total", "68719476736");
    drm_value(tree, APU, "mem_info_gtt_used", "2147483648");
    drm_value(tree, APU, "numa_node", "-1");
    drm_value(tree, APU, "product_name", "AMD Radeon 8060S Graphics");
}

static void assert_missing(struct bench *bench)
{
    struct plimsoll_measurement out = {.device_count = 77};
    struct plimsoll_error err;
    assert_int_equal(bench->reader.measure(bench->reader.context, &out, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "no AMD card with the driver amdgpu"));
    assert_int_equal(out.device_count, 77);
}

static void a_machine_without_a_card_says_so(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    assert_missing(bench);
    tree_write(tree, "sys/class/drm/version", "drm 1.1.0 20060810\n");
    drm_card(tree, "card0", CARD, "nvidia", "10DE:2684");
    drm_card(tree, "card1", SECOND, "radeon", "1002:6798");
    /* connectors, render nodes, partitions of a card, displays without one */
    tree_write(tree, "sys/class/drm/card1-DP-1/device/uevent", "DRIVER=amdgpu\n");
    tree_write(tree, "sys/class/drm/renderD128/device/uevent",
               "DRIVER=amdgpu\nPCI_ID=1002:744C\nPCI_SLOT_NAME=0000:03:00.0\n");
    tree_write(tree, "sys/class/drm/card7/device/uevent", "DRIVER=amdgpu\nMODALIAS=platform\n");
    tree_write(tree, "sys/class/drm/card8/device/uevent",
               "DRIVER=amdgpu\nPCI_ID=1002744C\nPCI_SLOT_NAME=0000:03:00.0\n");
    tree_write(tree, "sys/class/drm/card9/device/uevent", "=\n\nDRIVER\nPCI_ID=\n=x");
    assert_missing(bench);
}

static void a_card_is_measured_by_its_vram(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(&bench->tree, "card1", CARD);
    tree_write(&bench->tree, "proc/sys/kernel/osrelease", "6.8.0-45-generic\n");
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.driver, "amdgpu, Linux 6.8.0-45-generic");
    assert_string_equal(out.note, "");
    assert_int_equal(out.device_count, 1);
    const struct plimsoll_device *device = &out.devices[0];
    assert_string_equal(device->id, CARD);
    assert_string_equal(device->pci, CARD);
    assert_string_equal(device->product, "AMD GPU 744c");
    assert_string_equal(device->health, "ok");
    assert_int_equal(device->vendor, PLIMSOLL_VENDOR_AMD);
    assert_int_equal(device->index, 0);
    assert_int_equal(device->numa, 1);
    assert_int_equal(device->total, 25753026560);
    assert_int_equal(device->used, DRM_GIB);
    assert_false(device->unified || device->links_known);
    assert_true(device->processes_known);
    assert_int_equal(device->process_count, 0);
    plimsoll_measurement_clear(&out);
    tree_write(&bench->tree, "sys/module/amdgpu/version", "6.7.0\n");
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.driver, "amdgpu 6.7.0");
    plimsoll_measurement_clear(&out);
}

static void an_apu_is_measured_by_its_gtt(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_apu(&bench->tree);
    drm_client(&bench->tree, 31, 5, APU, 9,
               "drm-memory-vram:\t65536 KiB\ndrm-memory-gtt: \t1048576 KiB\n");
    drm_measure(&bench->reader, &out);
    const struct plimsoll_device *device = &out.devices[0];
    assert_true(device->unified);
    assert_string_equal(device->product, "AMD Radeon 8060S Graphics");
    assert_int_equal(device->total, 64 * DRM_GIB);
    assert_int_equal(device->used, 2 * DRM_GIB);
    assert_int_equal(device->numa, -1);
    drm_assert_process(device, 0, 31, DRM_GIB);
    plimsoll_measurement_clear(&out);
}

static bool measured_unified(struct bench *bench)
{
    struct plimsoll_measurement out;
    drm_measure(&bench->reader, &out);
    bool unified = out.devices[0].unified;
    assert_int_equal(out.devices[0].total, unified ? 64 * DRM_GIB : 536870912);
    plimsoll_measurement_clear(&out);
    return unified;
}

static void what_tells_a_card_from_an_apu(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    add_apu(tree);
    assert_true(measured_unified(bench));
    drm_value(tree, APU, "mem_info_vram_vendor", "hynix");
    assert_false(measured_unified(bench)); /* a small old card in a large machine */
    tree_drop(tree, "sys/devices/pci0000:00/" APU "/mem_info_vram_vendor");
    drm_value(tree, APU, "board_info", "type : cem");
    assert_false(measured_unified(bench));
    tree_drop(tree, "sys/devices/pci0000:00/" APU "/board_info");
    assert_true(measured_unified(bench));
    /* 96 GiB carved out in the BIOS: that is what it has */
    drm_value(tree, APU, "mem_info_vram_total", "103079215104");
    struct plimsoll_measurement out;
    drm_measure(&bench->reader, &out);
    assert_false(out.devices[0].unified);
    assert_int_equal(out.devices[0].total, 96 * DRM_GIB);
    plimsoll_measurement_clear(&out);
}

/* By its sizes alone: a carve-out to 4 GiB, GTT from 8 GiB on and four times as much. */
static void an_apus_sizes_have_limits(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *vram, *gtt;
        bool unified;
    } cases[] = {
        {"4294967296", "17179869184", true},  {"4294967297", "68719476736", false},
        {"2147483648", "8589934592", true},   {"1073741824", "8589934591", false},
        {"4294967296", "17179869183", false}, {"0", "8589934592", true},
    };
    add_apu(&bench->tree);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_measurement out;
        drm_value(&bench->tree, APU, "mem_info_vram_total", cases[i].vram);
        drm_value(&bench->tree, APU, "mem_info_gtt_total", cases[i].gtt);
        drm_measure(&bench->reader, &out);
        if (out.devices[0].unified != cases[i].unified) {
            fail_msg("%s of VRAM, %s of GTT", cases[i].vram, cases[i].gtt);
        }
        plimsoll_measurement_clear(&out);
    }
}

static void cards_come_in_the_order_of_their_addresses(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(&bench->tree, "card1", SECOND);
    add_card(&bench->tree, "card2", CARD);
    add_apu(&bench->tree);
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.device_count, 3);
    assert_string_equal(out.devices[0].id, CARD);
    assert_string_equal(out.devices[1].id, SECOND);
    assert_string_equal(out.devices[2].id, APU);
    assert_int_equal(out.devices[2].index, 2);
    plimsoll_measurement_clear(&out);
}

static void no_more_cards_than_the_ceiling_are_taken(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    for (unsigned i = 0; i < PLIMSOLL_CARDS_MAX + 2; i++) {
        char name[16], pci[24];
        snprintf(name, sizeof name, "card%u", i);
        snprintf(pci, sizeof pci, "0000:%02x:00.0", i);
        drm_card(&bench->tree, name, pci, "amdgpu", "1002:744C");
    }
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.device_count, PLIMSOLL_CARDS_MAX);
    plimsoll_measurement_clear(&out);
}

static void a_card_that_does_not_answer_is_lost(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    struct plimsoll_measurement out;
    static const char *const bad[] = {"", "-1", "12 GiB", "99999999999999999999", "0x", "lost"};
    add_card(tree, "card1", CARD);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        drm_value(tree, CARD, "mem_info_vram_used", bad[i]);
        drm_measure(&bench->reader, &out);
        assert_string_equal(out.devices[0].health, "lost");
        assert_int_equal(out.devices[0].total, 0);
        assert_true(out.devices[0].used == PLIMSOLL_BYTES_UNKNOWN);
        plimsoll_measurement_clear(&out);
    }
    /* reading it fails: a folder in its place */
    tree_drop(tree, "sys/devices/pci0000:00/" CARD "/mem_info_vram_used");
    tree_write(tree, "sys/devices/pci0000:00/" CARD "/mem_info_vram_used/x", "");
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.devices[0].health, "lost");
    plimsoll_measurement_clear(&out);
    /* and it is back */
    tree_drop(tree, "sys/devices/pci0000:00/" CARD "/mem_info_vram_used");
    drm_value(tree, CARD, "mem_info_vram_used", "1073741824");
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.devices[0].health, "ok");
    assert_int_equal(out.devices[0].used, DRM_GIB);
    plimsoll_measurement_clear(&out);
}

/* As many looks as there are from one question about errors to the next. */
static void assert_health(struct bench *bench, const char *first, const char *second)
{
    struct plimsoll_measurement out = {0};
    for (int i = 0; i < 5; i++) {
        plimsoll_measurement_clear(&out);
        drm_measure(&bench->reader, &out);
    }
    assert_string_equal(out.devices[0].health, first);
    assert_string_equal(out.devices[1].health, second);
    assert_int_equal(out.devices[1].used, DRM_GIB); /* what is measured is told all the same */
    plimsoll_measurement_clear(&out);
}

static void errors_of_the_memory_that_were_not_corrected_are_told(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    add_card(tree, "card1", CARD);
    add_card(tree, "card2", SECOND); /* counts none */
    drm_value(tree, CARD, "ras/umc_err_count", "ue: 0\nce: 12");
    assert_health(bench, "ok", "ok");
    drm_value(tree, CARD, "ras/umc_err_count", "ue: 1\nce: 12");
    assert_health(bench, "ecc", "ok");
    drm_value(tree, SECOND, "ras/umc_err_count", "ue: 3\nce: 0");
    assert_health(bench, "ecc", "ecc");
    /* the driver was loaded anew; the other card is in a reset, and has no answer */
    drm_value(tree, CARD, "ras/umc_err_count", "ue: 0\nce: 0");
    drm_value(tree, SECOND, "ras/umc_err_count", "");
    assert_health(bench, "ok", "ok");
    static const char *const bad[] = {"ue:", "ue: -1", "ue: lots", "ue 1", "1", ": 1", "xue: 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        drm_value(tree, CARD, "ras/umc_err_count", bad[i]);
        assert_health(bench, "ok", "ok");
    }
}

static void a_value_longer_than_a_page_is_no_value(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    char path[] = "sys/devices/pci0000:00/" CARD "/mem_info_vram_used";
    plimsoll_autofree char *text = plimsoll_alloc(PLIMSOLL_SYSFS_BYTES_MAX + 2, 1);
    add_card(&bench->tree, "card1", CARD);
    memset(text, ' ', PLIMSOLL_SYSFS_BYTES_MAX + 1);
    text[0] = '7';
    tree_write_bytes(&bench->tree, path, text, PLIMSOLL_SYSFS_BYTES_MAX);
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].used, 7);
    plimsoll_measurement_clear(&out);
    tree_write_bytes(&bench->tree, path, text, PLIMSOLL_SYSFS_BYTES_MAX + 1);
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.devices[0].health, "lost");
    plimsoll_measurement_clear(&out);
}

static void processes_are_told_by_their_open_files(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    struct plimsoll_measurement out;
    add_card(tree, "card1", CARD);
    add_card(tree, "card2", SECOND);
    drm_client(tree, 100, 7, CARD, 1, "drm-memory-vram:\t524288 KiB\n");
    drm_client(tree, 100, 8, CARD, 1, "drm-memory-vram:\t524288 KiB\n"); /* dup */
    drm_client(tree, 100, 9, CARD, 2, "drm-memory-vram:\t1024 KiB\n");   /* opened again */
    drm_client(tree, 101, 7, CARD, 1, "drm-memory-vram:\t524288 KiB\n"); /* inherited */
    drm_client(tree, 102, 3, SECOND, 1,
               "drm-resident-vram:\t1 GiB\ndrm-memory-vram:\t2 GiB\n"
               "drm-total-vram:\t3 GiB\n");
    drm_client(tree, 102, 4, CARD, 3, "drm-total-vram:\t2 MiB\n");
    drm_client(tree, 103, 4, CARD, 4, "drm-memory-vram:\t0\n"); /* nothing on it */
    drm_client(tree, 104, 4, CARD, 5, "");                      /* an older kernel */
    drm_client(tree, 105, 4, "0000:99:00.0", 6, "drm-memory-vram:\t1 GiB\n");
    drm_file(tree, 106, 4, "/dev/null", "pos:\t0\nflags:\t02100002\n");
    drm_file(tree, 107, 4, "/dev/dri/renderD128", "pos:\t0\n"); /* says nothing of a card */
    tree_write(tree, "proc/self/fd/7", "");
    tree_write(tree, "proc/meminfo", "");
    drm_measure(&bench->reader, &out);
    const struct plimsoll_device *first = &out.devices[0], *second = &out.devices[1];
    assert_true(first->processes_known && second->processes_known);
    assert_int_equal(first->process_count, 3);
    drm_assert_process(first, 0, 100, 513 * DRM_MIB);
    drm_assert_process(first, 1, 102, 2 * DRM_MIB);
    drm_assert_process(first, 2, 104, PLIMSOLL_BYTES_UNKNOWN);
    assert_int_equal(second->process_count, 1);
    drm_assert_process(second, 0, 102, DRM_GIB);
    plimsoll_measurement_clear(&out);
}

static void one_unknown_file_makes_a_process_unknown(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(&bench->tree, "card1", CARD);
    drm_client(&bench->tree, 100, 7, CARD, 1, "drm-memory-vram:\t524288 KiB\n");
    drm_client(&bench->tree, 100, 8, CARD, 2, "drm-memory-vram:\t7 pages\n");
    /* without a client id two files are two */
    drm_file(&bench->tree, 101, 1, "/dev/dri/card1",
             "drm-pdev:\t" CARD "\ndrm-memory-vram:\t1 MiB\n");
    drm_file(&bench->tree, 101, 2, "/dev/dri/card1",
             "drm-pdev:\t" CARD "\ndrm-memory-vram:\t1 MiB\n");
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].process_count, 2);
    drm_assert_process(&out.devices[0], 0, 100, PLIMSOLL_BYTES_UNKNOWN);
    drm_assert_process(&out.devices[0], 1, 101, 2 * DRM_MIB);
    plimsoll_measurement_clear(&out);
}

/* Looks until the card has `count` processes; a process is looked into once in all turns. */
static void look_until(struct bench *bench, uint32_t count)
{
    for (unsigned turn = 0; turn < PLIMSOLL_DRM_TURNS; turn++) {
        struct plimsoll_measurement out;
        drm_measure(&bench->reader, &out);
        uint32_t seen = out.devices[0].process_count;
        plimsoll_measurement_clear(&out);
        if (seen == count) {
            return;
        }
    }
    fail_msg("not found within all turns");
}

static void processes_come_and_go_and_change(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    struct plimsoll_measurement out;
    add_card(tree, "card1", CARD);
    drm_client(tree, 100, 7, CARD, 1, "drm-memory-vram:\t1 MiB\n");
    look_until(bench, 1);
    /* bytes of a known file are asked in every look */
    for (unsigned i = 2; i < 8; i++) {
        char text[128];
        snprintf(text, sizeof text,
                 "drm-client-id:\t1\ndrm-pdev:\t" CARD "\ndrm-memory-vram:\t%u MiB\n", i);
        tree_write(tree, "proc/100/fdinfo/7", text);
        drm_measure(&bench->reader, &out);
        assert_int_equal(out.devices[0].process_count, 1);
        drm_assert_process(&out.devices[0], 0, 100, i * DRM_MIB);
        plimsoll_measurement_clear(&out);
    }
    for (int pid = 201; pid <= 205; pid++) {
        drm_client(tree, pid, 7, CARD, (unsigned)pid, "drm-memory-vram:\t1 MiB\n");
    }
    look_until(bench, 6);
    tree_drop(tree, "proc/203");
    tree_drop(tree, "proc/100");
    drm_measure(&bench->reader, &out); /* gone at once */
    assert_int_equal(out.devices[0].process_count, 4);
    assert_true(out.devices[0].processes_known);
    plimsoll_measurement_clear(&out);
}

static void a_process_that_may_not_be_looked_into_is_said(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    struct plimsoll_measurement out;
    add_card(tree, "card1", CARD);
    drm_client(tree, 100, 7, CARD, 1, "drm-memory-vram:\t1 MiB\n");
    plimsoll_autofree char *path = tree_path(tree, "proc/100/fd");
    assert_int_equal(chmod(path, 0), 0);
    uid_t user = geteuid();
    if (user == 0) { /* nothing is denied to root; the folder becomes nobody's for the while */
        assert_int_equal(chmod(tree->root, 0755), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    drm_measure(&bench->reader, &out);
    bool known = out.devices[0].processes_known;
    bool noted = strstr(out.note, "CAP_SYS_PTRACE") != NULL;
    plimsoll_measurement_clear(&out);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_false(known);
    assert_true(noted);
    /* it is forgotten when that process has its turn again */
    for (unsigned turn = 0; turn < PLIMSOLL_DRM_TURNS; turn++) {
        drm_measure(&bench->reader, &out);
        known = out.devices[0].processes_known;
        noted = out.note[0] != '\0';
        plimsoll_measurement_clear(&out);
    }
    assert_true(known);
    assert_false(noted);
}

static void more_open_files_than_the_ceiling_are_not_told_apart(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    struct plimsoll_measurement out;
    char path[64];
    add_card(tree, "card1", CARD);
    for (unsigned i = 0; i < PLIMSOLL_DEVICE_PROCESSES_MAX; i++) {
        snprintf(path, sizeof path, "proc/7/fd/%u", i);
        tree_link(tree, path, "/dev/dri/renderD128");
    }
    drm_measure(&bench->reader, &out);
    assert_true(out.devices[0].processes_known);
    plimsoll_measurement_clear(&out);
    for (unsigned i = 1; i <= PLIMSOLL_DRM_TURNS; i++) { /* one of them has the next turn */
        snprintf(path, sizeof path, "proc/%u/fd/0", 7 + i);
        tree_link(tree, path, "/dev/dri/renderD128");
    }
    drm_measure(&bench->reader, &out);
    assert_false(out.devices[0].processes_known);
    plimsoll_measurement_clear(&out);
}

static void an_fdinfo_over_the_ceiling_is_not_believed(void **state)
{
    struct bench *bench = *state;
    const struct tree *tree = &bench->tree;
    struct plimsoll_measurement out;
    plimsoll_autotext text = plimsoll_text_make(2 * PLIMSOLL_FDINFO_BYTES_MAX);
    add_card(tree, "card1", CARD);
    plimsoll_text_add_string(&text,
                             "drm-client-id:\t1\ndrm-pdev:\t" CARD "\ndrm-memory-vram:\t1 MiB\n");
    while (text.size < PLIMSOLL_FDINFO_BYTES_MAX) {
        plimsoll_text_add_char(&text, '\n');
    }
    drm_file(tree, 10, 1, "/dev/dri/card1", text.data);
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].process_count, 1);
    plimsoll_measurement_clear(&out);
    plimsoll_text_add_char(&text, '\n');
    tree_write(tree, "proc/10/fdinfo/1", text.data);
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].process_count, 0);
    assert_false(out.devices[0].processes_known);
    plimsoll_measurement_clear(&out);
}

static void without_proc_no_process_is_known(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(&bench->tree, "card1", CARD);
    drm_measure(&bench->reader, &out);
    assert_false(out.devices[0].processes_known);
    assert_string_equal(out.driver, "amdgpu");
    plimsoll_measurement_clear(&out);
}

static void amounts_of_all_units_are_read_and_none_overflows(void **state)
{
    (void)state;
    static const char *const regions[] = {"vram", "local", NULL};
    static const struct {
        const char *text;
        bool told;
        uint64_t bytes;
    } cases[] = {
        {"drm-memory-vram:\t7\n", true, 7},
        {"drm-memory-vram:7 B", true, 7},
        {"drm-memory-vram: 7 kB\n", true, 7 << 10},
        {"drm-memory-vram:\t\t7 KiB \n", true, 7 << 10},
        {"drm-resident-vram0:\t7 MiB\ndrm-resident-vram1:\t1 MiB\n", true, 8 << 20},
        {"drm-resident-local0:\t2 GiB\n", true, 2 * DRM_GIB},
        {"drm-total-vram:\t9 MiB\ndrm-resident-vram:\t0\n", true, 0},
        {"drm-memory-vram:\t18446744073709551615 GiB\n", false, 0},
        {"drm-memory-vram:\t18446744073709551615\n", false, 0},
        {"drm-memory-vram:\t9223372036854775807\ndrm-memory-vram1:\t9223372036854775807\n", true,
         INT64_MAX},
        {"drm-memory-vram:\t-7 KiB\n", false, 0},
        {"drm-memory-vram:\t7 KiB KiB\n", false, 0},
        {"drm-memory-vram:\n", false, 0},
        {"drm-memory-vram\n", false, 0},
        {"drm-memory-vram:\t\n", false, 0},
        {"drm-memory-gtt:\t7 KiB\n", false, 0},
        {"drm-memory-:\t7 KiB\n", false, 0},
        {"drm-shared-vram0:\t7 KiB\n", false, 0},
        {"drm-memory-vramx:\t7 KiB\n", false, 0},
        {"memory-vram:\t7 KiB\n", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 77;
        bool told = plimsoll_fdinfo_bytes(plimsoll_span_of(cases[i].text), regions, &bytes);
        if (told != cases[i].told || bytes != (told ? cases[i].bytes : 77)) {
            fail_msg("%s", cases[i].text);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_machine_without_a_card_says_so),
        TEST(a_card_is_measured_by_its_vram),
        TEST(an_apu_is_measured_by_its_gtt),
        TEST(what_tells_a_card_from_an_apu),
        TEST(an_apus_sizes_have_limits),
        TEST(cards_come_in_the_order_of_their_addresses),
        TEST(no_more_cards_than_the_ceiling_are_taken),
        TEST(a_card_that_does_not_answer_is_lost),
        TEST(errors_of_the_memory_that_were_not_corrected_are_told),
        TEST(a_value_longer_than_a_page_is_no_value),
        TEST(processes_are_told_by_their_open_files),
        TEST(one_unknown_file_makes_a_process_unknown),
        TEST(processes_come_and_go_and_change),
        TEST(a_process_that_may_not_be_looked_into_is_said),
        TEST(more_open_files_than_the_ceiling_are_not_told_apart),
        TEST(an_fdinfo_over_the_ceiling_is_not_believed),
        TEST(without_proc_no_process_is_known),
        cmocka_unit_test(amounts_of_all_units_are_read_and_none_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
