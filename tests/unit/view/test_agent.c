/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/view.h>

#include <string.h>

#define GI    (UINT64_C(1) << 30)
#define POD_1 "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b"

/* A home machine: a full card, an idle one, a split one and an APU that is lost. */
struct lab {
    struct plimsoll_device devices[4];
    struct plimsoll_device_process processes[3];
    struct plimsoll_mig mig;
    struct plimsoll_measurement measurement;
    struct plimsoll_view_machine machine;
    struct plimsoll_text text;
};

static const char comms[3][PLIMSOLL_VIEW_COMM_SIZE] = {"ollama", "Xorg", "averylongcomman"};

static int set_up(void **state)
{
    struct lab *lab = plimsoll_alloc(1, sizeof *lab);
    lab->processes[0] =
        (struct plimsoll_device_process){.pid = 4711, .bytes = 14 * GI, .pod = {POD_1}};
    lab->processes[1] = (struct plimsoll_device_process){.pid = 12, .bytes = GI / 2};
    lab->processes[2] =
        (struct plimsoll_device_process){.bytes = PLIMSOLL_BYTES_UNKNOWN, .pod = {POD_1}};
    lab->mig = (struct plimsoll_mig){.id = "MIG-1", .profile = "1g.10gb", .vram = 19 * GI / 2};
    lab->devices[0] = (struct plimsoll_device){.id = "GPU-0",
                                               .product = "NVIDIA GeForce RTX 4060 Ti",
                                               .health = "ok",
                                               .total = 16 * GI,
                                               .used = 15 * GI,
                                               .processes = lab->processes,
                                               .process_count = 2};
    lab->devices[1] = (struct plimsoll_device){
        .id = "GPU-1", .index = 1, .product = "Quadro", .health = "ok", .total = 8 * GI};
    lab->devices[2] = (struct plimsoll_device){.id = "GPU-2",
                                               .index = 2,
                                               .product = "NVIDIA A100-SXM4-80GB with a long name",
                                               .health = "ok",
                                               .total = 80 * GI,
                                               .used = PLIMSOLL_BYTES_UNKNOWN,
                                               .mig = &lab->mig,
                                               .mig_count = 1};
    lab->devices[3] = (struct plimsoll_device){.id = "0000:c5:00.0",
                                               .index = 10,
                                               .health = "lost",
                                               .used = PLIMSOLL_BYTES_UNKNOWN,
                                               .processes = &lab->processes[2],
                                               .process_count = 1};
    strcpy(lab->measurement.driver, "580.95.05");
    lab->measurement.devices = lab->devices;
    lab->measurement.device_count = 4;
    lab->machine = (struct plimsoll_view_machine){.name = "desk",
                                                  .measurement = &lab->measurement,
                                                  .attribution = true,
                                                  .comms = comms,
                                                  .time_unix_ms = INT64_C(1795324200000)};
    lab->text = plimsoll_text_make(65536);
    *state = lab;
    return 0;
}

static int tear_down(void **state)
{
    struct lab *lab = *state;
    plimsoll_text_clear(&lab->text);
    free(lab);
    return 0;
}

static const char *shown(struct lab *lab, unsigned width, bool colour, bool unicode)
{
    struct plimsoll_view_options options = {.width = width, .colour = colour, .unicode = unicode};
    plimsoll_text_reset(&lab->text);
    plimsoll_view_machine(&lab->machine, &options, &lab->text);
    return lab->text.data;
}

static void a_card_is_a_line_and_a_process_is_one_below(void **state)
{
    assert_string_equal(
        shown(*state, 80, false, false),
        "desk  driver 580.95.05  2026-11-22T05:10:00Z\n"
        "   0  NVIDIA GeForce RTX 4060 Ti   ##################..      15Gi / 16Gi     93%\n"
        "   1  Quadro                       ....................         0 / 8Gi       0%\n"
        "   2  NVIDIA A100-SXM4-80GB with~  not known                    ? / 80Gi\n"
        "      1g.10gb              9.5Gi  MIG-1\n"
        "  10  0000:c5:00.0                 lost                         ? / ?\n"
        "card      pid  process              used  pod\n"
        "   0     4711  ollama               14Gi  " POD_1 "\n"
        "   0       12  Xorg                512Mi  the host\n"
        "  10        -  averylongcomman         ?  " POD_1 "\n");
}

static void a_process_that_is_not_to_be_seen_is_not_called_the_hosts(void **state)
{
    struct lab *lab = *state;
    lab->processes[1].missing = true;
    assert_non_null(strstr(shown(lab, 80, false, false), "Xorg                512Mi  ?\n"));
}

static void no_line_is_longer_than_the_terminal(void **state)
{
    struct lab *lab = *state;
    memset(lab->mig.id, 'M', sizeof lab->mig.id - 1);
    lab->machine.trouble = "the driver was unloaded or exchanged, and what it says now is that it "
                           "is another one than its library, which may take a while";
    lab->devices[1].index = 0;
    for (unsigned width = 80; width <= 160; width += 40) {
        const char *line = shown(lab, width, false, false);
        for (size_t size; *line != '\0'; line += size + 1) {
            size = strcspn(line, "\n");
            assert_true(size <= width);
        }
    }
}

static void bars_take_what_the_names_leave(void **state)
{
    struct lab *lab = *state;
    lab->measurement.device_count = 2;
    lab->processes[0].pod.text[0] = '\0';
    assert_string_equal(shown(lab, 100, false, false),
                        "desk  driver 580.95.05  2026-11-22T05:10:00Z\n"
                        "   0  NVIDIA GeForce RTX 4060 Ti  "
                        "######################################...      15Gi / 16Gi     93%\n"
                        "   1  Quadro                      "
                        ".........................................         0 / 8Gi       0%\n"
                        "card      pid  process      used  pod\n"
                        "   0     4711  ollama       14Gi  the host\n"
                        "   0       12  Xorg        512Mi  the host\n");
}

/* Each vendor's tool counts from 0. */
static void two_cards_with_one_index_are_told_apart_by_their_vendors(void **state)
{
    struct lab *lab = *state;
    lab->devices[1].index = 0;
    lab->devices[0].vendor = PLIMSOLL_VENDOR_NVIDIA;
    lab->devices[1].vendor = PLIMSOLL_VENDOR_AMD;
    lab->measurement.device_count = 2;
    const char *text = shown(lab, 80, false, false);
    assert_non_null(strstr(text, "\nNVIDIA 0  GeForce RTX 4060 Ti  ####"));
    assert_non_null(strstr(text, "\n   AMD 0  Quadro               ...."));
    assert_non_null(strstr(text, "\n    card      pid  process      used  pod\n"
                                 "NVIDIA 0     4711  ollama       14Gi  " POD_1 "\n"));
}

static void bars_are_blocks_where_they_can_be(void **state)
{
    const char *text = shown(*state, 80, false, true);
    assert_non_null(strstr(text, "  ██████████████████░░  "));
    assert_non_null(strstr(text, "  ░░░░░░░░░░░░░░░░░░░░  "));
}

static void a_little_is_never_shown_as_nothing_nor_almost_all_as_full(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = 1;
    assert_non_null(
        strstr(shown(lab, 80, false, false), "  #...................         1 / 16Gi"));
    lab->devices[0].used = 16 * GI - 1;
    assert_non_null(strstr(shown(lab, 80, false, false), "  ###################. "));
    lab->devices[0].used = UINT64_MAX - 1;
    assert_non_null(strstr(shown(lab, 80, false, false), "  #################### "));
}

static void colour_says_how_full_and_is_only_there_when_asked_for(void **state)
{
    struct lab *lab = *state;
    assert_null(strstr(shown(lab, 80, false, true), "\033"));
    assert_non_null(
        strstr(shown(lab, 80, true, false), "\033[31m##################\033[90m..\033[0m"));
    lab->devices[0].used = 10 * GI;
    assert_non_null(strstr(shown(lab, 80, true, false), "\033[33m############\033[90m"));
    lab->devices[0].used = 2 * GI;
    assert_non_null(strstr(shown(lab, 80, true, false), "\033[32m##\033[90m"));
    lab->devices[0].used = 16 * GI;
    assert_non_null(strstr(shown(lab, 80, true, false), "\033[31m####################\033[0m"));
    assert_non_null(strstr(lab->text.data, "\033[31mlost "));
}

static void names_cannot_steer_the_terminal(void **state)
{
    struct lab *lab = *state;
    strcpy(lab->devices[1].product, "\033[2J Karte für München");
    strcpy(lab->devices[3].health, "lost\033[2J");
    const char *text = shown(lab, 80, false, false);
    assert_non_null(strstr(text, "   1  ?[2J Karte f?r M?nchen       ...."));
    assert_null(strchr(text, '\033'));
    text = shown(lab, 80, false, true);
    assert_non_null(strstr(text, "   1  ?[2J Karte für München       ░░░░"));
    assert_null(strchr(text, '\033'));
}

static void trouble_and_a_machine_without_cards_are_said(void **state)
{
    struct lab *lab = *state;
    lab->machine.trouble = "the driver is being upgraded";
    lab->machine.name = NULL;
    lab->machine.attribution = false;
    const char *text = shown(lab, 80, false, false);
    assert_int_equal(strncmp(text, "this machine  ", 14), 0);
    assert_non_null(strstr(text, "Z\nthe driver is being upgraded\n   0  "));
    assert_null(strstr(text, "the host"));
    lab->measurement.device_count = 0;
    lab->measurement.driver[0] = '\0';
    assert_non_null(strstr(shown(lab, 80, false, false), "     no cards\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_card_is_a_line_and_a_process_is_one_below),
        TEST(a_process_that_is_not_to_be_seen_is_not_called_the_hosts),
        TEST(no_line_is_longer_than_the_terminal),
        TEST(bars_take_what_the_names_leave),
        TEST(two_cards_with_one_index_are_told_apart_by_their_vendors),
        TEST(bars_are_blocks_where_they_can_be),
        TEST(a_little_is_never_shown_as_nothing_nor_almost_all_as_full),
        TEST(colour_says_how_full_and_is_only_there_when_asked_for),
        TEST(names_cannot_steer_the_terminal),
        TEST(trouble_and_a_machine_without_cards_are_said),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
