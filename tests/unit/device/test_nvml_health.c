/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a card, and when it is over. */
#include "nvml_world.h"

#include "../../../src/device/nvml_reader.h"

#define CARDS      "card " CARD_A " pci=0000:07:00.0\ncard " CARD_B " pci=0001:0f:00.0\n"
#define NEW_CARDS  "card " CARD_A " recovery=0\ncard " CARD_B " recovery=0\n"
#define SICK_CARDS "card " CARD_A " recovery=1\ncard " CARD_B " recovery=0\n"

static void healths(const struct world *world, const char *a, const char *b)
{
    assert_string_equal(device(world, CARD_A)->health, a);
    assert_string_equal(device(world, CARD_B)->health, b);
}

/* ---- events ---- */

static void a_xid_that_matters_is_told_of_its_card(void **state)
{
    (void)state;
    static const unsigned xids[] = {48, 62, 63, 64, 74, 79, 92, 94, 95, 119, 999};
    for (size_t i = 0; i < sizeof xids / sizeof *xids; i++) {
        struct world world = world_of(3, CARDS);
        look(&world);
        healths(&world, "ok", "ok");
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, CARDS "event 1 " CARD_B " %u\n", xids[i]);
        play(&world, script.data);
        look(&world);
        char expected[32];
        snprintf(expected, sizeof expected, "xid %u", xids[i]);
        healths(&world, "ok", expected);
        look_often(&world, 40); /* this driver does not say that it is over */
        healths(&world, "ok", expected);
        world_end(&world);
    }
}

static void what_an_application_did_is_no_fault_of_the_card(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "event 1 " CARD_A " 13\nevent 2 " CARD_A " 31\nevent 3 " CARD_A " 43\n"
                       "event 4 " CARD_A " 45\nevent 5 " CARD_A " 68\nevent 6 " CARD_A " 109\n");
    look(&world);
    healths(&world, "ok", "ok");
    assert_int_equal(calls(&world, "nvmlEventSetWait_v2"), 1 + 7); /* all taken in one look */
    world_end(&world);
}

static void the_first_xid_is_the_one_that_is_named(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "event 1 " CARD_A " 43\nevent 2 " CARD_A " 79\nevent 3 " CARD_A " 154\n");
    look(&world);
    healths(&world, "xid 79", "ok");
    world_end(&world);
}

static void a_xid_is_over_when_the_driver_has_nothing_to_recover(void **state)
{
    (void)state;
    struct world world = world_of(3, NEW_CARDS);
    look(&world);
    play(&world, SICK_CARDS "event 1 " CARD_A " 95\n");
    look(&world);
    healths(&world, "xid 95", "ok");
    look_often(&world, 20);
    healths(&world, "xid 95", "ok"); /* still to be reset */
    play(&world, NEW_CARDS "event 1 " CARD_A " 95\n");
    look_often(&world, NVML_POLL_LOOKS);
    healths(&world, "ok", "ok");
    play(&world, NEW_CARDS "event 2 " CARD_A " 95\n");
    look(&world);
    healths(&world, "xid 95", "ok"); /* and may come again */
    world_end(&world);
}

static void a_xid_is_not_over_in_the_look_that_brings_it(void **state)
{
    (void)state;
    struct world world = world_of(3, NEW_CARDS);
    look_often(&world, NVML_POLL_LOOKS);
    play(&world, NEW_CARDS "event 1 " CARD_A " 63\n");
    look(&world); /* one that asks */
    healths(&world, "xid 63", "ok");
    look_often(&world, NVML_POLL_LOOKS - 1);
    healths(&world, "xid 63", "ok");
    look(&world);
    healths(&world, "ok", "ok");
    world_end(&world);
}

static void a_xid_stays_while_no_fresh_handle_works(void **state)
{
    (void)state;
    struct world world = world_of(3, NEW_CARDS);
    look(&world);
    play(&world, NEW_CARDS "event 1 " CARD_A " 79\nfail nvmlDeviceGetHandleByUUID 999\n");
    look_often(&world, 4 * NVML_POLL_LOOKS);
    healths(&world, "xid 79", "ok");
    play(&world, NEW_CARDS);
    look_often(&world, NVML_POLL_LOOKS);
    healths(&world, "ok", "ok");
    world_end(&world);
}

static void a_driver_that_is_loaded_anew_starts_cards_anew(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "event 1 " CARD_A " 48\n");
    look(&world);
    healths(&world, "xid 48", "ok");
    play(&world, CARDS "event 1 " CARD_A " 48\nfail * 9\n");
    look_fails(&world, PLIMSOLL_ERR_UNAVAILABLE, "unloaded");
    play(&world, CARDS "event 1 " CARD_A " 48\n");
    look(&world);
    healths(&world, "ok", "ok"); /* what was before the registration is not told again */
    world_end(&world);
}

/* The plugin's own map loses one whose instance it does not know. */
static void an_event_of_an_instance_is_its_cards(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " mig=1\ncard " CARD_B "\n");
    look(&world);
    play(&world, "card " CARD_A " mig=1\ncard " CARD_B "\nevent 1 " CARD_A " 95 1 gi=13\n");
    look(&world);
    healths(&world, "xid 95", "ok");
    world_end(&world);
}

static void an_event_whose_card_cannot_be_told_is_everybodys(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "event 1 none 79\n");
    look(&world);
    healths(&world, "xid 79", "xid 79");
    world_end(&world);
}

static void an_event_of_a_card_that_is_not_ours_is_nobodys(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS "card stranger\n"
                                           "fail nvmlDeviceGetHandleByIndex_v2 4 stranger\n");
    look(&world);
    play(&world, CARDS "card stranger\nevent 1 stranger 79\n");
    look(&world);
    healths(&world, "ok", "ok");
    world_end(&world);
}

static void a_storm_of_events_does_not_hold_a_look(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "event 1 " CARD_A " 13 1000\nevent 2 " CARD_A " 79\n");
    unsigned long before = calls(&world, "nvmlEventSetWait_v2");
    look(&world);
    assert_int_equal(calls(&world, "nvmlEventSetWait_v2") - before, PLIMSOLL_NVML_EVENTS_MAX);
    healths(&world, "ok", "ok");
    look_often(&world, 3); /* what is left comes with the next ones */
    healths(&world, "xid 79", "ok");
    world_end(&world);
}

static void cards_without_events_are_asked_all_the_same(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " events=0\ncard " CARD_B " events=7\n");
    look(&world);
    assert_int_equal(calls(&world, "nvmlDeviceRegisterEvents"), 0);
    play(&world, "card " CARD_A " events=0 remap=1\ncard " CARD_B " events=7\n");
    look_often(&world, NVML_POLL_LOOKS);
    healths(&world, "row-remap", "ok");
    world_end(&world);
}

static void events_that_fail_are_asked_for_anew(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS "fail nvmlEventSetCreate 999\n");
    look(&world);
    healths(&world, "ok", "ok");
    assert_int_equal(calls(&world, "nvmlEventSetWait_v2"), 0);
    world_end(&world);
    world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "fail nvmlEventSetWait_v2 999\n");
    look(&world);
    healths(&world, "ok", "ok"); /* no event is no evidence */
    play(&world, CARDS "event 1 " CARD_A " 79\n");
    look(&world);
    healths(&world, "xid 79", "ok");
    world_end(&world);
}

/* ---- questions ---- */

static void faults_that_wait_for_a_reset_are_told_and_end(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *key, *health;
    } cases[] = {
        {3, "remap=1", "row-remap"},
        {3, "remapfailed=1", "row-remap failed"},
        {3, "remap=1 remapfailed=1", "row-remap failed"},
        {3, "retired=1", "retired pages"},
        {3, "ecc=1", "ecc"},
        {3, "recovery=0 remap=1", "row-remap"},
        {3, "recovery=0 ecc=1", "ok"}, /* the driver has weighed it */
        {3, "recovery=1", "reset required"},
        {3, "recovery=2", "reboot required"},
        {3, "recovery=3", "drain peers"},
        {3, "recovery=4", "drain and reset"},
        {3, "recovery=5", "recover imex"},
        {3, "recovery=6", "recovery required"},
        {3, "mode=2", "compute prohibited"},
        {3, "recovery=0 mode=2", "compute prohibited"},
        {3, "mode=3", "ok"}, /* one process at a time, as MPS has it */
        {2, "remap=1", "row-remap"},
        {1, "remap=1", "ok"}, /* this library has no such question */
        {1, "retired=1", "retired pages"},
        {1, "ecc=3", "ecc"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, "card " CARD_A " %s\ncard " CARD_B "\n", cases[i].key);
        struct world world = world_of(cases[i].level, script.data);
        look(&world); /* the first look asks */
        healths(&world, cases[i].health, "ok");
        play(&world, CARDS);
        look_often(&world, NVML_POLL_LOOKS);
        healths(&world, "ok", "ok");
        world_end(&world);
    }
}

static void mig_does_not_hide_the_health_of_the_card(void **state)
{
    (void)state;
    struct world world = world_of(3, "card " CARD_A " mig=1 recovery=1\ncard " CARD_B " mig=1\n");
    look(&world);
    healths(&world, "reset required", "ok");
    world_end(&world);
}

static void a_card_that_is_lost_is_said_and_comes_back(void **state)
{
    (void)state;
    static const struct {
        int result;
        const char *health;
    } cases[] = {{15, "lost"},
                 {16, "reset required"},
                 {11, "interrupts do not arrive"},
                 {8, "power cable missing"},
                 {14, "inforom corrupted"},
                 {28, "no card"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world = world_of(3, CARDS);
        look(&world);
        plimsoll_autotext script = plimsoll_text_make(4096);
        plimsoll_text_add_format(&script, CARDS "fail nvmlDeviceGetMemoryInfo_v2 %d " CARD_A "\n",
                                 cases[i].result);
        play(&world, script.data);
        look(&world);
        healths(&world, cases[i].health, "ok");
        assert_int_equal(device(&world, CARD_A)->total, 16384 * MIB);
        /* It is left alone: a driver may take long over a card that is lost. */
        assert_int_equal(calls(&world, "nvmlDeviceGetComputeRunningProcesses_v3"), 2 + 1);
        assert_true(device(&world, CARD_A)->used == PLIMSOLL_BYTES_UNKNOWN);
        play(&world, CARDS);
        look(&world);
        healths(&world, "ok", "ok");
        world_end(&world);
    }
}

static void a_card_that_fell_off_the_bus_comes_back_by_a_reset(void **state)
{
    (void)state;
    static const char lost[] =
        CARDS "event 1 " CARD_A " 79\nfail nvmlDeviceGetMemoryInfo_v2 15 " CARD_A
              "\nfail nvmlDeviceGetHandleByIndex_v2 15 " CARD_A "\n";
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, lost);
    look(&world);
    healths(&world, "lost", "ok");
    look_often(&world, 2 * NVML_REOPEN_LOOKS); /* looked for anew, and still away */
    healths(&world, "lost", "ok");
    assert_int_equal(device(&world, CARD_A)->index, 0);
    play(&world, CARDS);
    look_often(&world, NVML_REOPEN_LOOKS);
    healths(&world, "ok", "ok"); /* the Xid went with the fault, though this driver says nothing */
    world_end(&world);
}

static void a_lost_card_that_answers_again_keeps_its_xid_until_it_is_opened_anew(void **state)
{
    (void)state;
    struct world world = world_of(3, CARDS);
    look(&world);
    play(&world, CARDS "event 1 " CARD_A " 79\nfail nvmlDeviceGetMemoryInfo_v2 15 " CARD_A "\n");
    look(&world);
    healths(&world, "lost", "ok");
    play(&world, CARDS "event 1 " CARD_A " 79\n");
    look(&world);
    healths(&world, "xid 79", "ok");
    look_often(&world, NVML_REOPEN_LOOKS);
    healths(&world, "ok", "ok");
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_xid_that_matters_is_told_of_its_card),
        cmocka_unit_test(what_an_application_did_is_no_fault_of_the_card),
        cmocka_unit_test(the_first_xid_is_the_one_that_is_named),
        cmocka_unit_test(a_xid_is_over_when_the_driver_has_nothing_to_recover),
        cmocka_unit_test(a_xid_is_not_over_in_the_look_that_brings_it),
        cmocka_unit_test(a_xid_stays_while_no_fresh_handle_works),
        cmocka_unit_test(a_driver_that_is_loaded_anew_starts_cards_anew),
        cmocka_unit_test(an_event_of_an_instance_is_its_cards),
        cmocka_unit_test(an_event_whose_card_cannot_be_told_is_everybodys),
        cmocka_unit_test(an_event_of_a_card_that_is_not_ours_is_nobodys),
        cmocka_unit_test(a_storm_of_events_does_not_hold_a_look),
        cmocka_unit_test(cards_without_events_are_asked_all_the_same),
        cmocka_unit_test(events_that_fail_are_asked_for_anew),
        cmocka_unit_test(faults_that_wait_for_a_reset_are_told_and_end),
        cmocka_unit_test(mig_does_not_hide_the_health_of_the_card),
        cmocka_unit_test(a_card_that_is_lost_is_said_and_comes_back),
        cmocka_unit_test(a_card_that_fell_off_the_bus_comes_back_by_a_reset),
        cmocka_unit_test(a_lost_card_that_answers_again_keeps_its_xid_until_it_is_opened_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
