/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, MIG instances and links. */
#include "nvml_world.h"

#include "../../../src/device/nvml_reader.h"

#define ONE_CARD "card " CARD_A " pci=0000:07:00.0 total=16384 reserved=400 used=100\n"

/* ---- processes ---- */

static void processes_of_every_list_are_named_once(void **state)
{
    (void)state;
    static const char script[] = ONE_CARD "process " CARD_A " 100 500\n"
                                          "process " CARD_A " 100 500 list=graphics\n"
                                          "process " CARD_A " 200 40 list=graphics\n"
                                          "process " CARD_A " 300 30 list=mps\n"
                                          "process " CARD_A " 300 none\n"
                                          "process " CARD_A " 400 none\n";
    for (int level = 2; level <= 3; level++) {
        struct world world = world_of(level, script);
        look(&world);
        const struct plimsoll_device *a = device(&world, CARD_A);
        assert_true(a->processes_known);
        assert_int_equal(a->process_count, 4);
        assert_int_equal(process(a, 100)->bytes, 500 * MIB);
        assert_int_equal(process(a, 200)->bytes, 40 * MIB);
        assert_int_equal(process(a, 300)->bytes, 30 * MIB); /* one list knows */
        assert_true(process(a, 400)->bytes == PLIMSOLL_BYTES_UNKNOWN);
        assert_string_equal(process(a, 100)->pod.text, "");
        world_end(&world);
    }
}

static void a_card_that_nobody_uses_has_no_processes(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD);
    look(&world);
    assert_true(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->process_count, 0);
    world_end(&world);
}

static void lists_of_version_1_are_read_with_their_own_layout(void **state)
{
    (void)state;
    struct world world = world_of(1, ONE_CARD "process " CARD_A " 100 500\n"
                                              "process " CARD_A " 101 600\n"
                                              "process " CARD_A " 102 none\n"
                                              "process " CARD_A " 200 40 list=graphics\n");
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_true(a->processes_known);
    assert_int_equal(a->process_count, 4);
    assert_int_equal(process(a, 101)->bytes, 600 * MIB);
    assert_true(process(a, 102)->bytes == PLIMSOLL_BYTES_UNKNOWN);
    assert_int_equal(process(a, 200)->bytes, 40 * MIB);
    assert_int_equal(a->mig_count, 0);
    world_end(&world);
}

static void processes_that_start_while_they_are_listed_are_waited_for(void **state)
{
    (void)state;
    for (int level = 1; level <= 3; level++) {
        struct world world =
            world_of(level, "card " CARD_A " grow=30\nprocess " CARD_A " 100 1 count=100\n");
        look(&world);
        const struct plimsoll_device *a = device(&world, CARD_A);
        assert_true(a->processes_known);
        assert_in_range(a->process_count, 130, 1000);
        assert_int_equal(process(a, 199)->bytes, MIB);
        world_end(&world);
    }
}

static void more_processes_than_the_ceiling_are_not_told_apart(void **state)
{
    (void)state;
    plimsoll_autotext script = plimsoll_text_make(4096);
    plimsoll_text_add_format(&script, ONE_CARD "process " CARD_A " 100 1 count=%d\n",
                             PLIMSOLL_DEVICE_PROCESSES_MAX);
    struct world world = world_of(3, script.data);
    look(&world);
    assert_true(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->process_count, PLIMSOLL_DEVICE_PROCESSES_MAX);
    /* One more in another list, then in the same. */
    plimsoll_text_add_string(&script, "process " CARD_A " 1 1 list=graphics\n");
    play(&world, script.data);
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->process_count, 0);
    plimsoll_text_reset(&script);
    plimsoll_text_add_format(&script, ONE_CARD "process " CARD_A " 100 1 count=%d\n",
                             PLIMSOLL_DEVICE_PROCESSES_MAX + 1);
    play(&world, script.data);
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    assert_string_equal(world.seen.note,
                        "card 0 has more than 4096 processes: they are not told apart");
    /* A list that grows for ever ends there too. */
    play(&world, "card " CARD_A " grow=5000\nprocess " CARD_A " 100 1 count=4097\n");
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    play(&world, ONE_CARD "process " CARD_A " 100 1\n");
    look(&world);
    assert_true(device(&world, CARD_A)->processes_known);
    world_end(&world);
}

static void processes_that_may_not_be_asked_are_unknown(void **state)
{
    (void)state;
    struct world world = world_of(
        3, ONE_CARD "process " CARD_A " 100 1\nfail nvmlDeviceGetComputeRunningProcesses_v3 4\n");
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->process_count, 0);
    assert_string_equal(device(&world, CARD_A)->health, "ok");
    assert_string_equal(world.seen.note, "the processes of card 0 cannot be read: no permission");
    play(&world, ONE_CARD "fail nvmlDeviceGetComputeRunningProcesses_v3 3\n"); /* vGPU, WSL */
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    play(&world, ONE_CARD "fail nvmlDeviceGetGraphicsRunningProcesses_v3 999\n");
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    assert_string_equal(world.seen.note, "the processes of card 0 cannot be read: no answer");
    /* A card without graphics or MPS has no such processes. */
    play(&world, ONE_CARD "process " CARD_A " 100 1\n"
                          "fail nvmlDeviceGetGraphicsRunningProcesses_v3 3\n"
                          "fail nvmlDeviceGetMPSComputeRunningProcesses_v3 13\n");
    look(&world);
    assert_true(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->process_count, 1);
    world_end(&world);
}

static void a_list_that_the_driver_lacks_is_asked_for_in_its_older_form(void **state)
{
    (void)state;
    struct world world =
        world_of(3, ONE_CARD "process " CARD_A " 100 500\n"
                             "process " CARD_A " 101 none\n"
                             "fail nvmlDeviceGetComputeRunningProcesses_v3 13\n"
                             "fail nvmlDeviceGetGraphicsRunningProcesses_v3 13\n"
                             "fail nvmlDeviceGetMPSComputeRunningProcesses_v3 13\n");
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_true(a->processes_known);
    assert_int_equal(a->process_count, 2);
    assert_int_equal(process(a, 100)->bytes, 500 * MIB);
    assert_string_equal(world.seen.note, "");
    world_end(&world);
}

static void windows_does_not_tell_processes(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD); /* an empty list, whoever uses the card */
    tree_write(&world.tree, "dev/dxg", "");
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->used, 100 * MIB);
    assert_non_null(strstr(world.seen.note, "Windows"));
    world_end(&world);
}

static void a_pid_that_is_none_makes_the_list_unknown(void **state)
{
    (void)state;
    struct world world = world_of(3, ONE_CARD "process " CARD_A " 0 1\n");
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    play(&world, ONE_CARD "process " CARD_A " 0x80000000 1\n");
    look(&world);
    assert_false(device(&world, CARD_A)->processes_known);
    assert_int_equal(device(&world, CARD_A)->process_count, 0);
    world_end(&world);
}

/* ---- MIG ---- */

#define MIG_CARD                                                                                   \
    "card " CARD_A " name=NVIDIA_A100-SXM4-80GB pci=0000:07:00.0 total=81920 reserved=600 "        \
    "used=5000 mig=1\n"
#define SMALL "MIG-11111111-0000-0000-0000-000000000001"
#define LARGE "MIG-22222222-0000-0000-0000-000000000002"
#define INSTANCES                                                                                  \
    "instance " CARD_A " 1 " SMALL " gi=7 ci=0 total=9728 reserved=16 used=1000 size=9728\n"       \
    "instance " CARD_A " 4 " LARGE " gi=3 ci=0 total=40192 reserved=32 used=4000 slices=3 "        \
    "cslices=3 size=40192\n"
#define MIG_PROCESSES                                                                              \
    "process " CARD_A " 100 900 gi=7 ci=0\nprocess " CARD_A " 100 1000 gi=3 ci=0\n"                \
    "process " CARD_A " 200 none gi=3 ci=0\n"

static void instances_are_found_between_holes(void **state)
{
    (void)state;
    struct world world = world_of(3, MIG_CARD INSTANCES MIG_PROCESSES);
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_string_equal(a->health, "ok");
    assert_int_equal(a->mig_count, 2);
    assert_string_equal(a->mig[0].id, SMALL);
    assert_string_equal(a->mig[0].profile, "1g.10gb");
    assert_int_equal(a->mig[0].vram, (9728 - 16) * MIB);
    assert_string_equal(a->mig[1].id, LARGE);
    assert_string_equal(a->mig[1].profile, "3g.40gb");
    assert_int_equal(a->total, (81920 - 600) * MIB);
    assert_int_equal(a->used, 5000 * MIB);
    /* A process on two instances has the memory of both. */
    assert_int_equal(a->process_count, 2);
    assert_int_equal(process(a, 100)->bytes, 1900 * MIB);
    assert_true(process(a, 200)->bytes == PLIMSOLL_BYTES_UNKNOWN);
    world_end(&world);
}

/* Drivers before R470 have no UUIDs for them. */
static void instances_may_be_named_after_their_card(void **state)
{
    (void)state;
    static const char id[] = "MIG-" CARD_A "/13/0";
    plimsoll_autotext script = plimsoll_text_make(4096);
    plimsoll_text_add_format(&script, MIG_CARD "instance " CARD_A " 0 %s gi=13 total=9728\n", id);
    struct world world = world_of(2, script.data);
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 1);
    assert_string_equal(device(&world, CARD_A)->mig[0].id, id);
    world_end(&world);
}

static void lists_of_version_2_tell_instances_apart(void **state)
{
    (void)state;
    struct world world = world_of(2, MIG_CARD INSTANCES MIG_PROCESSES);
    look(&world);
    assert_int_equal(process(device(&world, CARD_A), 100)->bytes, 1900 * MIB);
    world_end(&world);
}

static void without_privilege_the_instances_stand_for_the_card(void **state)
{
    (void)state;
    struct world world = world_of(3, MIG_CARD INSTANCES MIG_PROCESSES
                                  "fail nvmlDeviceGetMemoryInfo_v2 4 " CARD_A
                                  "\nfail nvmlDeviceGetMemoryInfo 4 " CARD_A
                                  "\nfail nvmlDeviceGetComputeRunningProcesses_v3 4 " CARD_A "\n");
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_string_equal(a->health, "ok");
    assert_string_equal(world.seen.note, "");
    assert_int_equal(a->total, (9728 - 16 + 40192 - 32) * MIB);
    assert_int_equal(a->used, 5000 * MIB);
    assert_true(a->processes_known);
    assert_int_equal(process(a, 100)->bytes, 1900 * MIB);
    assert_string_equal(a->mig[1].profile, "3g.40gb");
    world_end(&world);
}

static void a_card_split_into_nothing_has_no_room_to_tell(void **state)
{
    (void)state;
    struct world world = world_of(3, MIG_CARD "fail nvmlDeviceGetMemoryInfo_v2 3\n");
    tree_write(&world.tree, "proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 9000 kB\n");
    look(&world);
    const struct plimsoll_device *a = device(&world, CARD_A);
    assert_int_equal(a->mig_count, 0);
    assert_false(a->unified); /* not the machine's memory */
    assert_int_equal(a->total, 0);
    assert_true(a->used == PLIMSOLL_BYTES_UNKNOWN);
    play(&world, MIG_CARD INSTANCES "fail nvmlDeviceGetMemoryInfo_v2 3\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 2);
    assert_false(device(&world, CARD_A)->unified);
    assert_true(device(&world, CARD_A)->used == PLIMSOLL_BYTES_UNKNOWN);
    /* The privileged are told of the whole card, where nothing is used and nothing can run. */
    play(&world, "card " CARD_A " total=81920 reserved=600 used=0 mig=1\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->total, (81920 - 600) * MIB);
    assert_int_equal(device(&world, CARD_A)->used, (81920 - 600) * MIB);
    assert_string_equal(world.seen.note,
                        "card 0 has MIG on and no instance: no program can use it");
    /* Others are told nothing of it, and what was known of it before is no room either. */
    play(&world, "card " CARD_A " total=81920 reserved=600 used=0 mig=1\n"
                 "fail nvmlDeviceGetMemoryInfo_v2 4\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->used, (81920 - 600) * MIB);
    assert_string_equal(device(&world, CARD_A)->health, "ok");
    world_end(&world);
}

static void the_drivers_name_tells_the_extras_of_a_profile(void **state)
{
    (void)state;
    static const struct {
        const char *name, *profile;
    } cases[] = {
        {"NVIDIA_A100_MIG_1g.10gb+me", "1g.10gb+me"},
        {"NVIDIA_A100_MIG_1c.2g.20gb", "1c.2g.20gb"},
        {"NVIDIA_RTX_PRO_6000_MIG_1g.24gb+me.all", "1g.24gb+me.all"},
        {"NVIDIA_A100_MIG_1g.10gb_Device_0", "1g.10gb"}, /* by its size */
        {"NVIDIA_A100_MIG_", "1g.10gb"},
        {"NVIDIA_A100_MIG_1g.10gb+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1g.10gb"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(
            &script, MIG_CARD "instance " CARD_A " 0 " SMALL " total=9728 size=9728 name=%s\n",
            cases[i].name);
        struct world world = world_of(3, script.data);
        look(&world);
        assert_string_equal(device(&world, CARD_A)->mig[0].profile, cases[i].profile);
        world_end(&world);
    }
}

static void profiles_are_named_by_eighths_of_the_card(void **state)
{
    (void)state;
    static const struct {
        uint64_t card_mib, mib;
        uint32_t slices, compute;
        const char *profile;
    } cases[] = {
        {40536, 4864, 1, 1, "1g.5gb"},    {40536, 20096, 3, 3, "3g.20gb"},
        {40536, 40192, 7, 7, "7g.40gb"},  {81920, 9728, 1, 1, "1g.10gb"},
        {81920, 19968, 1, 1, "1g.20gb"},  {81920, 40192, 4, 2, "2c.4g.40gb"},
        {81559, 81151, 7, 7, "7g.80gb"},  {24576, 5952, 1, 1, "1g.6gb"},
        {143771, 16384, 1, 1, "1g.18gb"}, {0, 9728, 1, 1, "1g.10gb"},
        {81920, UINT64_MAX, 1, 1, NULL},  {81920, 9728, UINT32_MAX, UINT32_MAX - 1, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char profile[32] = "";
        nvml_mig_profile(&(struct nvml_attributes){.gpu_slices = cases[i].slices,
                                                   .compute_slices = cases[i].compute,
                                                   .memory_mib = cases[i].mib},
                         cases[i].card_mib * MIB, profile, sizeof profile);
        if (cases[i].profile != NULL) {
            assert_string_equal(profile, cases[i].profile);
        }
        assert_in_range(strlen(profile), 6, sizeof profile - 1);
    }
}

static void a_card_is_split_anew_while_it_is_watched(void **state)
{
    (void)state;
    struct world world = world_of(3, MIG_CARD);
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 0);
    play(&world, MIG_CARD INSTANCES);
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 2);
    look_often(&world, 3);
    assert_int_equal(calls(&world, "nvmlDeviceGetAttributes_v2"), 2); /* once per instance */
    play(&world,
         MIG_CARD "instance " CARD_A " 1 " LARGE " total=40192 size=40192 slices=3 cslices=3\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 1);
    assert_string_equal(device(&world, CARD_A)->mig[0].id, LARGE);
    /* No answer for a moment is no reason to say that they are gone. */
    play(&world, MIG_CARD INSTANCES "fail nvmlDeviceGetMigMode 999\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 1);
    play(&world, "card " CARD_A " mig=0\n" INSTANCES);
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 0);
    world_end(&world);
}

static void an_instance_that_dies_between_two_calls_is_a_hole(void **state)
{
    (void)state;
    struct world world = world_of(3, MIG_CARD INSTANCES "fail nvmlDeviceGetUUID 2 " SMALL "\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 1);
    assert_string_equal(device(&world, CARD_A)->mig[0].id, LARGE);
    assert_string_equal(device(&world, CARD_A)->health, "ok");
    world_end(&world);
}

static void instances_that_may_not_be_asked_are_said(void **state)
{
    (void)state;
    struct world world =
        world_of(3, MIG_CARD INSTANCES "fail nvmlDeviceGetMigDeviceHandleByIndex 4\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, 0);
    assert_non_null(strstr(world.seen.note, "NVIDIA_MIG_MONITOR_DEVICES=all"));
    assert_non_null(strstr(world.seen.note, "CAP_SYS_ADMIN for that"));
    world_end(&world);
}

static void no_more_instances_than_the_ceiling_are_looked_at(void **state)
{
    (void)state;
    plimsoll_autotext script = plimsoll_text_make(64u * 1024);
    plimsoll_text_add_string(&script, "card " CARD_A " mig=1 migmax=4000000000\n");
    for (int i = 0; i < PLIMSOLL_NVML_INSTANCES_MAX + 2; i++) {
        plimsoll_text_add_format(&script, "instance " CARD_A " %d MIG-%d total=100 size=100\n", i,
                                 i);
    }
    struct world world = world_of(3, script.data);
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig_count, PLIMSOLL_NVML_INSTANCES_MAX);
    world_end(&world);
}

static void an_instance_of_unknown_size_is_named_so(void **state)
{
    (void)state;
    struct world world = world_of(3, MIG_CARD "instance " CARD_A " 0 " SMALL " total=9728\n"
                                              "fail nvmlDeviceGetAttributes_v2 999\n"
                                              "fail nvmlDeviceGetMemoryInfo_v2 999 " SMALL "\n");
    look(&world);
    assert_string_equal(device(&world, CARD_A)->mig[0].profile, "unknown");
    assert_int_equal(device(&world, CARD_A)->mig[0].vram, 0);
    play(&world, MIG_CARD "instance " CARD_A " 0 " SMALL " total=9728\n");
    look(&world);
    assert_int_equal(device(&world, CARD_A)->mig[0].vram, 9728 * MIB);
    world_end(&world);
}

/* ---- links ---- */

#define THREE_CARDS                                                                                \
    "card " CARD_A " pci=0000:07:00.0\ncard " CARD_B " pci=0001:0f:00.0\n"                         \
    "card " CARD_C " pci=0000:0f:00.0\n"

static void links_are_counted_by_the_card_at_the_other_end(void **state)
{
    (void)state;
    static const char script[] = THREE_CARDS "link " CARD_A " 0 up gpu 0001:0f:00.0\n"
                                             "link " CARD_A " 1 up gpu 0001:0f:00.0\n"
                                             "link " CARD_A " 2 down gpu 0000:0f:00.0\n"
                                             "link " CARD_A " 3 up unknown 0000:99:00.0\n"
                                             "link " CARD_B " 0 up gpu 0000:07:00.0\n"
                                             "link " CARD_B " 1 up gpu 0000:07:00.0\n";
    for (int level = 1; level <= 3; level++) {
        struct world world = world_of(level, script);
        look(&world);
        const struct plimsoll_device *a = device(&world, CARD_A);
        assert_true(a->links_known);
        assert_int_equal(a->link_count, 1); /* the same bus in another domain is another card */
        assert_int_equal(lanes(a, CARD_B), 2);
        assert_int_equal(lanes(device(&world, CARD_B), CARD_A), 2);
        assert_true(device(&world, CARD_C)->links_known);
        assert_int_equal(device(&world, CARD_C)->link_count, 0);
        world_end(&world);
    }
}

static void cards_behind_switches_reach_each_other(void **state)
{
    (void)state;
    struct world world = world_of(3, THREE_CARDS "link " CARD_A " 0 up switch 0000:c1:00.0\n"
                                                 "link " CARD_A " 1 up switch 0000:c2:00.0\n"
                                                 "link " CARD_B " 0 up switch 0000:c3:00.0\n"
                                                 "link " CARD_C " 0 down switch 0000:c1:00.0\n");
    look(&world);
    assert_int_equal(lanes(device(&world, CARD_A), CARD_B), 1);
    assert_int_equal(lanes(device(&world, CARD_B), CARD_A), 1);
    assert_int_equal(device(&world, CARD_A)->link_count, 1);
    assert_int_equal(device(&world, CARD_C)->link_count, 0);
    /* The fabric comes up after us. */
    play(&world, THREE_CARDS "link " CARD_A " 0 up switch 0000:c1:00.0\n"
                             "link " CARD_B " 0 up switch 0000:c3:00.0\n"
                             "link " CARD_C " 0 up switch 0000:c1:00.0\n");
    look_often(&world, 5);
    assert_int_equal(lanes(device(&world, CARD_A), CARD_C), 1);
    assert_int_equal(lanes(device(&world, CARD_C), CARD_B), 1);
    world_end(&world);
}

static void links_that_are_not_answered_for_are_unknown(void **state)
{
    (void)state;
    static const char link[] = "link " CARD_A " 0 up gpu 0001:0f:00.0\n";
    static const char *const fails[] = {"fail nvmlDeviceGetNvLinkState 999\n",
                                        "fail nvmlDeviceGetNvLinkRemotePciInfo_v2 999\n",
                                        "fail nvmlDeviceGetPciInfo_v3 999\n"};
    for (size_t i = 0; i < sizeof fails / sizeof *fails; i++) {
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, THREE_CARDS "%s%s", link, fails[i]);
        struct world world = world_of(3, script.data);
        look(&world);
        assert_false(device(&world, CARD_A)->links_known);
        assert_int_equal(device(&world, CARD_A)->link_count, 0);
        assert_string_equal(device(&world, CARD_A)->health, "ok");
        world_end(&world);
    }
}

static void no_more_links_than_the_ceiling_are_followed(void **state)
{
    (void)state;
    plimsoll_autotext script = plimsoll_text_make(64u * 1024);
    plimsoll_text_add_string(&script, THREE_CARDS);
    for (int i = 0; i < PLIMSOLL_NVML_LINKS_MAX + 2; i++) {
        plimsoll_text_add_format(&script, "link " CARD_A " %d up gpu 0001:%02x:00.0\n", i,
                                 i < 2 ? 0x0f : i + 0x10);
    }
    struct world world = world_of(3, script.data);
    look(&world);
    assert_int_equal(lanes(device(&world, CARD_A), CARD_B), 2);
    assert_int_equal(calls(&world, "nvmlDeviceGetNvLinkRemotePciInfo_v2"), PLIMSOLL_NVML_LINKS_MAX);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_of_every_list_are_named_once),
        cmocka_unit_test(a_card_that_nobody_uses_has_no_processes),
        cmocka_unit_test(lists_of_version_1_are_read_with_their_own_layout),
        cmocka_unit_test(processes_that_start_while_they_are_listed_are_waited_for),
        cmocka_unit_test(more_processes_than_the_ceiling_are_not_told_apart),
        cmocka_unit_test(processes_that_may_not_be_asked_are_unknown),
        cmocka_unit_test(a_list_that_the_driver_lacks_is_asked_for_in_its_older_form),
        cmocka_unit_test(windows_does_not_tell_processes),
        cmocka_unit_test(a_pid_that_is_none_makes_the_list_unknown),
        cmocka_unit_test(instances_are_found_between_holes),
        cmocka_unit_test(instances_may_be_named_after_their_card),
        cmocka_unit_test(lists_of_version_2_tell_instances_apart),
        cmocka_unit_test(without_privilege_the_instances_stand_for_the_card),
        cmocka_unit_test(a_card_split_into_nothing_has_no_room_to_tell),
        cmocka_unit_test(the_drivers_name_tells_the_extras_of_a_profile),
        cmocka_unit_test(profiles_are_named_by_eighths_of_the_card),
        cmocka_unit_test(a_card_is_split_anew_while_it_is_watched),
        cmocka_unit_test(an_instance_that_dies_between_two_calls_is_a_hole),
        cmocka_unit_test(instances_that_may_not_be_asked_are_said),
        cmocka_unit_test(no_more_instances_than_the_ceiling_are_looked_at),
        cmocka_unit_test(an_instance_of_unknown_size_is_named_so),
        cmocka_unit_test(links_are_counted_by_the_card_at_the_other_end),
        cmocka_unit_test(cards_behind_switches_reach_each_other),
        cmocka_unit_test(links_that_are_not_answered_for_are_unknown),
        cmocka_unit_test(no_more_links_than_the_ceiling_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
