/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the driver, which cards there are, their memory. */
#include "nvml_world.h"

#include <plimsoll/limits.h>

#include "../../../src/device/nvml_abi.h"

#define TWO_CARDS                                                                                  \
    "driver 580.95.05\n"                                                                           \
    "card " CARD_A " name=NVIDIA_A100-SXM4-80GB pci=0000:07:00.0 total=81920 reserved=600 "        \
    "used=1000\n"                                                                                  \
    "card " CARD_B " name=Tesla_T4 pci=0001:0f:00.0 total=15360 reserved=300 used=0\n"

#define ONE_CARD "card " CARD_A " pci=0000:07:00.0 total=16384 reserved=400 used=100\n"

/* ---- opening ---- */

static void cards_are_seen_as_the_driver_names_them(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS);
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.0/numa_node", "1\n");
    tree_write(&world.tree, "sys/bus/pci/devices/0001:0f:00.0/numa_node", "-1\n");
    look(&world);
    assert_string_equal(world.reader.name, "nvidia");
    assert_string_equal(world.seen.driver, "580.95.05");
    assert_string_equal(world.seen.note, "");
    assert_int_equal(world.seen.device_count, 2);
    const struct plimsoll_device *a = &world.seen.devices[0];
    assert_string_equal(a->id, CARD_A);
    assert_string_equal(a->product, "NVIDIA A100-SXM4-80GB");
    assert_string_equal(a->pci, "00000000:07:00.0");
    assert_string_equal(a->health, "ok");
    assert_int_equal(a->vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_int_equal(a->index, 0);
    assert_int_equal(a->numa, 1);
    assert_false(a->unified);
    assert_int_equal(a->mig_count, 0);
    const struct plimsoll_device *b = &world.seen.devices[1];
    assert_string_equal(b->pci, "00000001:0F:00.0");
    assert_int_equal(b->index, 1);
    assert_int_equal(b->numa, -1);
    world_end(&world);
}

static void a_machine_without_the_library_has_no_driver(void **state)
{
    (void)state;
    struct world world = world_of(-1, ONE_CARD);
    look_fails(&world, PLIMSOLL_ERR_NOT_FOUND, "libnvidia-ml.so.1");
    /* A card that nobody measures is another matter: somebody forgot something. */
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.0/vendor", "0x10de\n");
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.0/class", "0x030000\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "an NVIDIA card is in this machine: no NVIDIA");
    install(&world, 3); /* a driver that is installed later */
    look(&world);
    assert_int_equal(world.seen.device_count, 1);
    world_end(&world);
}

static void a_file_that_is_no_such_library_is_named(void **state)
{
    (void)state;
    struct world world = world_of(0, ONE_CARD);
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "nvmlDeviceGetUUID");
    world_end(&world);
}

static void the_library_is_found_where_drivers_put_it_under_the_root(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD);
    plimsoll_autofree char *path =
        tree_path(&world.tree, "run/nvidia/driver/usr/lib64/libnvidia-ml.so.1");
    assert_int_equal(symlink(PLIMSOLL_NVML_DIR "/3/libnvidia-ml.so.1", path), 0);
    world.reader.close(world.reader.context);
    world.reader = plimsoll_reader_nvidia(
        &(struct plimsoll_reader_options){.root = world.tree.root, .nvml = NULL});
    look(&world);
    assert_int_equal(world.seen.device_count, 1);
    world_end(&world);
}

static void a_library_without_driver_or_card_is_no_driver(void **state)
{
    (void)state;
    struct world world = world_of(3, "fail nvmlInit_v2 9\n");
    look_fails(&world, PLIMSOLL_ERR_NOT_FOUND, "driver not loaded");
    /* A card without its driver is another matter: it will come. */
    tree_write(&world.tree, "sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
    tree_write(&world.tree, "sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.1/vendor", "0x10de\n");
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.1/class", "0x040300\n");
    look_fails(&world, PLIMSOLL_ERR_NOT_FOUND, "driver not loaded");
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.0/vendor", "0x10de\n");
    tree_write(&world.tree, "sys/bus/pci/devices/0000:07:00.0/class", "0x030200\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "driver not loaded");
    play(&world, ONE_CARD);
    look(&world);
    world_end(&world);
}

static void a_tegra_part_without_driver_will_have_one(void **state)
{
    (void)state;
    struct world world = world_of(3, "fail nvmlInit_v2 9\n");
    static const char compatible[] = "nvidia,p3737-0000\0nvidia,tegra234";
    tree_write_bytes(&world.tree, "proc/device-tree/compatible", compatible, sizeof compatible);
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "driver not loaded");
    world_end(&world);
}

static void a_driver_without_cards_says_so(void **state)
{
    (void)state;
    struct world world = world_of(3, "driver 580.95.05\n");
    look_fails(&world, PLIMSOLL_ERR_NOT_FOUND, "no card");
    world_end(&world);
}

static void what_may_not_be_asked_is_denied(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD "fail nvmlInit_v2 4\n");
    look_fails(&world, PLIMSOLL_ERR_DENIED, "no permission");
    play(&world, ONE_CARD "fail nvmlDeviceGetHandleByIndex_v2 4\n");
    look_fails(&world, PLIMSOLL_ERR_DENIED, "none of 1 NVIDIA cards can be asked: no permission");
    play(&world, ONE_CARD "fail nvmlDeviceGetHandleByIndex_v2 8\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "power cable missing");
    play(&world, ONE_CARD "fail nvmlDeviceGetCount_v2 999\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "no answer");
    world_end(&world);
}

static void a_card_that_may_not_be_asked_does_not_hide_the_others(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS "fail nvmlDeviceGetHandleByIndex_v2 4 " CARD_A "\n");
    look(&world);
    assert_int_equal(world.seen.device_count, 1);
    assert_string_equal(world.seen.devices[0].id, CARD_B);
    assert_int_equal(world.seen.devices[0].index, 1);
    assert_string_equal(world.seen.note, "1 of 2 NVIDIA cards cannot be asked: no permission");
    /* Allowed later: found without a restart. */
    play(&world, TWO_CARDS);
    look_often(&world, 30);
    assert_int_equal(world.seen.device_count, 2);
    assert_string_equal(world.seen.devices[0].id, CARD_A);
    assert_string_equal(world.seen.note, "");
    world_end(&world);
}

/* It was away before this agent came: nobody knows its UUID. */
static void a_card_that_is_away_from_the_start_does_not_hide_the_others(void **state)
{
    (void)state;
    static const struct {
        const char *result, *why;
    } cases[] = {{"8", "power cable missing"},
                 {"11", "interrupts do not arrive"},
                 {"15", "lost"},
                 {"17", "no answer"},
                 {"999", "no answer"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char note[128];
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, TWO_CARDS "fail nvmlDeviceGetHandleByIndex_v2 %s %s\n",
                                 cases[i].result, i % 2 == 0 ? CARD_A : CARD_B);
        struct world world = world_of(3, script.data);
        look(&world);
        assert_int_equal(world.seen.device_count, 1);
        assert_string_equal(world.seen.devices[0].id, i % 2 == 0 ? CARD_B : CARD_A);
        assert_string_equal(world.seen.devices[0].health, "ok");
        snprintf(note, sizeof note, "1 of 2 NVIDIA cards cannot be asked: %s", cases[i].why);
        assert_string_equal(world.seen.note, note);
        world_end(&world);
    }
}

static void no_more_cards_than_a_node_may_have_are_looked_at(void **state)
{
    (void)state;
    struct plimsoll_text script = plimsoll_text_make(64u * 1024);
    for (unsigned i = 0; i < PLIMSOLL_CARDS_MAX + 4; i++) {
        plimsoll_text_add_format(&script, "card GPU-%08u pci=0000:%02x:00.0\n", i, i);
    }
    struct world world = world_of(3, script.data);
    look_often(&world, 3);
    assert_int_equal(world.seen.device_count, PLIMSOLL_CARDS_MAX);
    assert_int_equal(calls(&world, "nvmlInit_v2"), 1); /* the rest is no reason to open again */
    plimsoll_text_clear(&script);
    world_end(&world);
}

static void a_uuid_that_no_id_can_hold_is_not_cut(void **state)
{
    (void)state;
    char script[128] = "card GPU-";
    memset(script + strlen(script), 'a', 59); /* 63 characters: the longest */
    struct world world = world_of(3, script);
    look(&world);
    assert_int_equal(strlen(world.seen.devices[0].id), PLIMSOLL_CARD_ID_SIZE - 1);
    world_end(&world);
}

/* Beside memory, which has tests of its own: whatever a driver does not know, not do or get wrong,
 * what the others say is told, from the start and when it begins while the card is watched. */
static void no_other_answer_is_needed_to_measure_a_card(void **state)
{
    (void)state;
#define X(member, parameters, needed, name, older) {name, needed},
    static const struct {
        const char *name;
        bool needed;
    } functions[] = {NVML_FUNCTIONS(X)};
#undef X
    static const int results[] = {NVML_INVALID_ARGUMENT, NVML_NOT_SUPPORTED, NVML_NO_PERMISSION,
                                  NVML_FUNCTION_NOT_FOUND, NVML_UNKNOWN};
    for (size_t i = 0; i < sizeof functions / sizeof *functions * 5 * 2; i++) {
        const char *name = functions[i / 10].name;
        if (functions[i / 10].needed || strcmp(name, "nvmlDeviceGetMemoryInfo_v2") == 0) {
            continue;
        }
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, TWO_CARDS "fail %s %d\n", name, results[i / 2 % 5]);
        struct world world = world_of(3, i % 2 == 0 ? script.data : TWO_CARDS);
        look(&world);
        play(&world, script.data);
        look_often(&world, 10); /* health is not asked in each */
        assert_int_equal(world.seen.device_count, 2);
        assert_string_equal(device(&world, CARD_A)->health, "ok");
        assert_int_equal(device(&world, CARD_A)->used, 1000 * MIB);
        assert_int_equal(device(&world, CARD_B)->total, (15360 - 300) * MIB);
        world_end(&world);
    }
}

/* ---- coming and going ---- */

static void a_driver_that_goes_and_comes_is_opened_again(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD);
    look(&world);
    play(&world, ONE_CARD "fail * 9\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "unloaded or exchanged");
    assert_null(dlopen(world.library, RTLD_NOW | RTLD_NOLOAD)); /* nothing holds the old file */
    play(&world, ONE_CARD "fail nvmlInit_v2 9\n");
    look_fails(&world, PLIMSOLL_ERR_NOT_FOUND, "driver not loaded");
    play(&world, "driver 590.1\n" ONE_CARD);
    look(&world);
    assert_string_equal(world.seen.driver, "590.1");
    world_end(&world);
}

static void an_upgraded_driver_is_met_with_its_own_library(void **state)
{
    (void)state;
    struct world world = world_of(2, ONE_CARD);
    look(&world);
    assert_int_equal(world.seen.devices[0].total, 16384 * MIB); /* v1 */
    install(&world, 3);
    play(&world, ONE_CARD "fail * 18\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "exchanged");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "different versions");
    play(&world, ONE_CARD);
    look(&world);
    assert_int_equal(world.seen.devices[0].total, (16384 - 400) * MIB); /* v2: the new library */
    world_end(&world);
    /* What this driver's library cannot do, the next may. */
    world = world_of(3, ONE_CARD "fail nvmlDeviceGetMemoryInfo_v2 25\n");
    look(&world);
    assert_int_equal(world.seen.devices[0].total, 16384 * MIB);
    play(&world, ONE_CARD "fail * 18\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "exchanged");
    play(&world, ONE_CARD);
    look(&world);
    assert_int_equal(world.seen.devices[0].total, (16384 - 400) * MIB);
    world_end(&world);
}

static void a_driver_that_goes_in_the_middle_of_a_look_is_no_half_measurement(void **state)
{
    (void)state;
    static const char *const functions[] = {"nvmlDeviceGetMemoryInfo_v2",
                                            "nvmlDeviceGetComputeRunningProcesses_v3",
                                            "nvmlDeviceGetMPSComputeRunningProcesses_v3",
                                            "nvmlEventSetWait_v2", "nvmlDeviceGetCount_v2"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct world world = world_of(3, TWO_CARDS);
        look(&world);
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, TWO_CARDS "fail %s 9 - after=%d\n", functions[i],
                                 strstr(functions[i], "Device") != NULL && i < 3 ? 1 : 0);
        play(&world, script.data);
        look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "unloaded");
        play(&world, TWO_CARDS);
        look(&world);
        assert_int_equal(world.seen.device_count, 2);
        world_end(&world);
    }
}

static void a_driver_that_goes_while_it_is_opened_is_closed(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS "fail nvmlDeviceGetUUID 1 - after=1\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "driver not loaded");
    play(&world, TWO_CARDS "fail nvmlDeviceGetName 9 - after=1\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "driver not loaded");
    play(&world, TWO_CARDS);
    look(&world);
    world_end(&world);
}

static void a_card_that_is_added_is_seen_on_the_bus(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD);
    tree_write(&world.tree, "sys/bus/pci/drivers/nvidia/0000:07:00.0", "");
    look(&world);
    /* The library counted at its start; only the bus knows. */
    play(&world, TWO_CARDS);
    look_often(&world, 5);
    assert_int_equal(world.seen.device_count, 1);
    tree_write(&world.tree, "sys/bus/pci/drivers/nvidia/0001:0f:00.0", "");
    look_often(&world, 5);
    assert_int_equal(world.seen.device_count, 2);
    assert_int_equal(calls(&world, "nvmlInit_v2"), 1);
    world_end(&world);
}

static void a_card_that_is_added_is_counted(void **state)
{
    (void)state;
    struct world world = world_of(3, "live\n" ONE_CARD);
    look(&world);
    play(&world, "live\n" TWO_CARDS);
    look(&world);
    assert_int_equal(world.seen.device_count, 2);
    play(&world, "live\n" ONE_CARD);
    look(&world);
    assert_int_equal(world.seen.device_count, 1);
    world_end(&world);
}

static void a_known_card_that_may_no_longer_be_asked_says_so(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS);
    look(&world);
    play(&world, TWO_CARDS "fail nvmlDeviceGetHandleByIndex_v2 4 " CARD_B "\n");
    tree_write(&world.tree, "sys/bus/pci/drivers/nvidia/0000:07:00.0", "");
    look_often(&world, 5);
    assert_string_equal(device(&world, CARD_A)->health, "ok");
    assert_string_equal(device(&world, CARD_B)->health, "no permission");
    assert_int_equal(device(&world, CARD_B)->total, (15360 - 300) * MIB);
    world_end(&world);
}

static void a_card_that_is_taken_out_is_gone_and_a_lost_one_is_not(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS);
    tree_write(&world.tree, "sys/bus/pci/devices/0001:0f:00.0/numa_node", "0\n");
    look(&world);
    play(&world, "card " CARD_A " total=81920 reserved=600 used=1000\n");
    look(&world);
    assert_string_equal(device(&world, CARD_A)->health, "ok");
    const struct plimsoll_device *lost = device(&world, CARD_B);
    assert_string_equal(lost->health, "lost");
    assert_int_equal(lost->total, (15360 - 300) * MIB); /* as last known */
    assert_true(lost->used == PLIMSOLL_BYTES_UNKNOWN);
    assert_false(lost->processes_known);
    look_often(&world, 40); /* opened anew meanwhile: not counted any more, still on the bus */
    assert_string_equal(device(&world, CARD_B)->health, "lost");
    assert_int_equal(device(&world, CARD_B)->index, 1);
    tree_drop(&world.tree, "sys/bus/pci/devices/0001:0f:00.0");
    look_often(&world, 30);
    assert_int_equal(world.seen.device_count, 1);
    play(&world, TWO_CARDS);
    tree_write(&world.tree, "sys/bus/pci/drivers/nvidia/0001:0f:00.0", "");
    look_often(&world, 5);
    assert_string_equal(device(&world, CARD_B)->health, "ok");
    world_end(&world);
}

static void a_known_card_is_itself_at_another_index(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS);
    look(&world);
    play(&world, "card " CARD_B " total=15360\ncard " CARD_A " total=81920\n");
    tree_write(&world.tree, "sys/bus/pci/drivers/nvidia/0000:07:00.0", "");
    look_often(&world, 5);
    assert_string_equal(world.seen.devices[0].id, CARD_B);
    assert_int_equal(world.seen.devices[0].index, 0);
    assert_int_equal(device(&world, CARD_A)->total, 81920 * MIB);
    world_end(&world);
}

static void what_does_not_change_is_asked_once(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS "link " CARD_A " 0 up gpu 0001:0f:00.0\n");
    look_often(&world, 20);
    static const char *const once[] = {
        "nvmlDeviceGetUUID",        "nvmlDeviceGetName",
        "nvmlDeviceGetPciInfo_v3",  "nvmlDeviceGetSupportedEventTypes",
        "nvmlDeviceRegisterEvents", "nvmlDeviceGetMigMode"};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        assert_int_equal(calls(&world, once[i]), 2); /* two cards */
    }
    assert_int_equal(calls(&world, "nvmlDeviceGetNvLinkState"), 3); /* 0, then none; none */
    assert_int_equal(calls(&world, "nvmlDeviceGetMemoryInfo_v2"), 40);
    assert_int_equal(calls(&world, "nvmlDeviceGetMemoryInfo"), 0);
    assert_int_equal(calls(&world, "nvmlDeviceGetComputeRunningProcesses_v3"), 40);
    assert_int_equal(calls(&world, "nvmlDeviceGetFieldValues"), 8);
    world_end(&world);
}

/* ---- memory ---- */

static void version_2_takes_the_drivers_reserve_from_the_total(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS);
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_int_equal(a->total, (81920 - 600) * MIB);
    assert_int_equal(a->used, 1000 * MIB);
    assert_int_equal(device(&world, CARD_B)->used, 0);
    world_end(&world);
}

static void version_2_whose_used_contains_the_reserve_comes_to_the_same(void **state)
{
    (void)state;
    struct world world =
        world_of(3, "card " CARD_A " total=81920 reserved=600 used=1000 include=1\n");
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_int_equal(a->total, (81920 - 600) * MIB);
    assert_int_equal(a->used, 1000 * MIB);
    world_end(&world);
}

static void version_1_is_used_where_there_is_no_other(void **state)
{
    (void)state;
    static const char *const lacks[] = {"", "fail nvmlDeviceGetMemoryInfo_v2 25\n",
                                        "fail nvmlDeviceGetMemoryInfo_v2 13\n"};
    for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++) {
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, TWO_CARDS "%s", lacks[i]);
        struct world world = world_of(i == 0 ? 2 : 3, script.data);
        look_often(&world, 2);
        const struct plimsoll_device *a = device(&world, CARD_A);
        assert_int_equal(a->total, 81920 * MIB);
        assert_int_equal(a->used, 1600 * MIB); /* with the reserve: free is the same */
        assert_int_equal(calls(&world, "nvmlDeviceGetMemoryInfo_v2"), i == 0 ? 0 : 1);
        world_end(&world);
    }
}

/* Grace Hopper: the operating system has the memory, and gives nothing back by itself. */
static void memory_that_is_a_numa_node_is_said_to_be(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " addressing=1\n"); /* HMM */
    look(&world);
    assert_string_equal(world.seen.note, "");
    world_end(&world);
    world = world_of(3, "card " CARD_A " addressing=2 total=97871 used=512\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->used, 512 * MIB);
    assert_false(device(&world, CARD_A)->unified);
    assert_non_null(strstr(world.seen.note, "memory of card 0 as a NUMA node"));
    look(&world);
    assert_int_equal(calls(&world, "nvmlDeviceGetAddressingMode"), 1);
    world_end(&world);
    world = world_of(2, "card " CARD_A " addressing=2\n"); /* a driver from before there were any */
    look(&world);
    assert_string_equal(world.seen.note, "");
    world_end(&world);
}

static void memory_is_read_at_every_look(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD);
    look(&world);
    play(&world, "card " CARD_A " pci=0000:07:00.0 total=16384 reserved=400 used=9000\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->used, 9000 * MIB);
    world_end(&world);
}

static void memory_that_cannot_be_read_is_unknown_and_no_room(void **state)
{
    (void)state;
    struct world world = world_of(3, TWO_CARDS);
    look(&world);
    play(&world, TWO_CARDS "fail nvmlDeviceGetMemoryInfo_v2 999 " CARD_A "\n");
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_string_equal(a->health, "no answer");
    assert_int_equal(a->total, (81920 - 600) * MIB);
    assert_true(a->used == PLIMSOLL_BYTES_UNKNOWN);
    assert_string_equal(device(&world, CARD_B)->health, "ok");
    play(&world, TWO_CARDS "fail nvmlDeviceGetMemoryInfo_v2 4 " CARD_A "\n");
    look(&world);
    a = device(&world, CARD_A);
    assert_string_equal(a->health, "ok");
    assert_true(a->used == PLIMSOLL_BYTES_UNKNOWN);
    assert_string_equal(world.seen.note, "the memory of card 0 cannot be read: no permission");
    play(&world, TWO_CARDS);
    look(&world);
    assert_int_equal(device(&world, CARD_A)->used, 1000 * MIB);
    world_end(&world);
}

/* ---- unified memory ---- */

#define MEMINFO                                                                                    \
    "MemTotal:       125829120 kB\nMemFree:          1048576 kB\nMemAvailable:   104857600 kB\n"
#define GB10                                                                                       \
    "card " CARD_A " name=NVIDIA_GB10 pci=000f:01:00.0\n"                                          \
    "fail nvmlDeviceGetMemoryInfo_v2 3\nfail nvmlDeviceGetMemoryInfo 3\n"

static void unified_memory_is_the_machines(void **state)
{
    (void)state;
    struct world world = world_of(3, GB10 "process " CARD_A " 4242 700\n");
    tree_write(&world.tree, "proc/meminfo", MEMINFO);
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_true(a->unified);
    assert_string_equal(a->health, "ok");
    assert_string_equal(a->pci, "0000000F:01:00.0");
    assert_int_equal(a->total, 120ull * 1024 * MIB);
    assert_int_equal(a->used, 20ull * 1024 * MIB); /* without what Linux can give back */
    assert_true(a->processes_known);
    assert_int_equal(process(a, 4242)->bytes, 700 * MIB);
    world_end(&world);
}

/* Orin's own driver; what has the usual one is known to the plugin by its UUID, Thor as well. */
static void the_device_plugin_knows_a_jetson_as_tegra(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " name=Orin_(nvgpu)\n"
                                     "card " CARD_B " name=NVIDIA_Thor\n"
                                     "fail nvmlDeviceGetMemoryInfo_v2 3\n");
    tree_write(&world.tree, "proc/meminfo", MEMINFO);
    look(&world);
    assert_string_equal(device(&world, CARD_A)->plugin_id, "tegra");
    assert_string_equal(device(&world, CARD_B)->plugin_id, "");
    assert_true(device(&world, CARD_A)->unified && device(&world, CARD_B)->unified);
    world_end(&world);
}

static void unified_memory_without_meminfo_is_unknown(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL, "MemTotal: 10 kB\n", "MemTotal: 10 kB\nMemAvailable: x",
                                      "MemTotal: 10 kB\nMemAvailable: 11 kB\n",
                                      "MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct world world = world_of(3, GB10);
        if (bad[i] != NULL) {
            tree_write(&world.tree, "proc/meminfo", bad[i]);
        }
        look(&world);
        const struct plimsoll_device *a = device(&world, CARD_A);
        assert_true(a->unified);
        assert_int_equal(a->total, 0);
        assert_true(a->used == PLIMSOLL_BYTES_UNKNOWN);
        assert_non_null(strstr(world.seen.note, "proc/meminfo"));
        world_end(&world);
    }
}

static void a_carve_out_is_not_taken_for_the_memory(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " name=NVIDIA_N1X total=8128 used=100\n"
                                     "card " CARD_B " name=NVIDIA_T1000 total=8192 used=100\n"
                                     "card " CARD_C " name=NVIDIA_GB100 total=8192 used=100\n");
    tree_write(&world.tree, "proc/meminfo", MEMINFO);
    look(&world);
    assert_true(device(&world, CARD_A)->unified);
    assert_int_equal(device(&world, CARD_A)->total, 120ull * 1024 * MIB);
    /* A small card in a large machine is only that, and a longer name is another name. */
    assert_false(device(&world, CARD_B)->unified);
    assert_int_equal(device(&world, CARD_B)->total, 8192 * MIB);
    assert_false(device(&world, CARD_C)->unified);
    world_end(&world);
}

static void an_integrated_part_that_says_its_memory_is_believed(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " name=Orin_(nvgpu) total=30000 used=500\n");
    tree_write(&world.tree, "proc/meminfo", "MemTotal: 32000000 kB\nMemAvailable: 9000000 kB\n");
    look(&world);
    assert_false(device(&world, CARD_A)->unified);
    assert_int_equal(device(&world, CARD_A)->total, 30000 * MIB);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cards_are_seen_as_the_driver_names_them),
        cmocka_unit_test(a_machine_without_the_library_has_no_driver),
        cmocka_unit_test(a_file_that_is_no_such_library_is_named),
        cmocka_unit_test(the_library_is_found_where_drivers_put_it_under_the_root),
        cmocka_unit_test(a_library_without_driver_or_card_is_no_driver),
        cmocka_unit_test(a_tegra_part_without_driver_will_have_one),
        cmocka_unit_test(a_driver_without_cards_says_so),
        cmocka_unit_test(what_may_not_be_asked_is_denied),
        cmocka_unit_test(a_card_that_may_not_be_asked_does_not_hide_the_others),
        cmocka_unit_test(a_card_that_is_away_from_the_start_does_not_hide_the_others),
        cmocka_unit_test(no_more_cards_than_a_node_may_have_are_looked_at),
        cmocka_unit_test(a_uuid_that_no_id_can_hold_is_not_cut),
        cmocka_unit_test(no_other_answer_is_needed_to_measure_a_card),
        cmocka_unit_test(a_driver_that_goes_and_comes_is_opened_again),
        cmocka_unit_test(an_upgraded_driver_is_met_with_its_own_library),
        cmocka_unit_test(a_driver_that_goes_in_the_middle_of_a_look_is_no_half_measurement),
        cmocka_unit_test(a_driver_that_goes_while_it_is_opened_is_closed),
        cmocka_unit_test(a_card_that_is_added_is_seen_on_the_bus),
        cmocka_unit_test(a_card_that_is_added_is_counted),
        cmocka_unit_test(a_known_card_that_may_no_longer_be_asked_says_so),
        cmocka_unit_test(a_card_that_is_taken_out_is_gone_and_a_lost_one_is_not),
        cmocka_unit_test(a_known_card_is_itself_at_another_index),
        cmocka_unit_test(what_does_not_change_is_asked_once),
        cmocka_unit_test(version_2_takes_the_drivers_reserve_from_the_total),
        cmocka_unit_test(version_2_whose_used_contains_the_reserve_comes_to_the_same),
        cmocka_unit_test(version_1_is_used_where_there_is_no_other),
        cmocka_unit_test(memory_that_is_a_numa_node_is_said_to_be),
        cmocka_unit_test(memory_is_read_at_every_look),
        cmocka_unit_test(memory_that_cannot_be_read_is_unknown_and_no_room),
        cmocka_unit_test(unified_memory_is_the_machines),
        cmocka_unit_test(the_device_plugin_knows_a_jetson_as_tegra),
        cmocka_unit_test(unified_memory_without_meminfo_is_unknown),
        cmocka_unit_test(a_carve_out_is_not_taken_for_the_memory),
        cmocka_unit_test(an_integrated_part_that_says_its_memory_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
