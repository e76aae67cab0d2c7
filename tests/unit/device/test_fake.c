/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <plimsoll/device.h>

#include <fcntl.h>

#define GIB    ((uint64_t)1 << 30)
#define MIB    ((uint64_t)1 << 20)
#define CARD_A "GPU-5d0f2c1a-0c2e-4b6d-8a53-0f6f5b1c7e11"
#define CARD_B "GPU-9a7b1c2d-3e4f-4a5b-9c6d-7e8f9a0b1c2d"

struct bench {
    struct tree tree;
    struct plimsoll_reader reader;
    char *path;
};

static int setup(void **state)
{
    struct bench *bench = plimsoll_alloc(1, sizeof *bench);
    bench->tree = tree_make();
    bench->path = tree_path(&bench->tree, "cards.yaml");
    bench->reader = plimsoll_reader_fake(bench->path);
    *state = bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    bench->reader.close(bench->reader.context);
    tree_remove(&bench->tree);
    free(bench->path);
    free(bench);
    return 0;
}

static int look(struct bench *bench, struct plimsoll_measurement *out, struct plimsoll_error *err)
{
    return bench->reader.measure(bench->reader.context, out, err);
}

static void look_well(struct bench *bench, struct plimsoll_measurement *out)
{
    struct plimsoll_error err;
    if (look(bench, out, &err) < 0) {
        fail_msg("%s", err.message);
    }
}

/* A file moved there, as editors and ConfigMaps do: never the same one. */
static void put(struct bench *bench, const char *text)
{
    plimsoll_autofree char *fresh = tree_path(&bench->tree, "fresh");
    tree_write(&bench->tree, "fresh", text);
    assert_int_equal(rename(fresh, bench->path), 0);
}

static void assert_first_card(const struct plimsoll_device *device)
{
    assert_string_equal(device->id, CARD_A);
    assert_int_equal(device->vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_string_equal(device->product, "NVIDIA GeForce RTX 4060 Ti");
    assert_string_equal(device->pci, "00000000:07:00.0");
    assert_string_equal(device->health, "ok");
    assert_int_equal(device->index, 0);
    assert_int_equal(device->numa, 0);
    assert_int_equal(device->total, 16 * GIB);
    assert_int_equal(device->used, 7 * GIB);
    assert_false(device->unified);
    assert_true(device->links_known);
    assert_int_equal(device->link_count, 1);
    assert_string_equal(device->links[0].to, CARD_B);
    assert_true(device->links[0].nvlink);
    assert_int_equal(device->links[0].lanes, 4);
    assert_true(device->processes_known);
    assert_int_equal(device->process_count, 3);
    assert_int_equal(device->processes[0].pid, 4711);
    assert_int_equal(device->processes[0].bytes, 5 * GIB);
    assert_string_equal(device->processes[0].pod.text, "");
    assert_int_equal(device->processes[1].pid, 4712);
    assert_true(device->processes[1].bytes == PLIMSOLL_BYTES_UNKNOWN);
    assert_int_equal(device->processes[2].pid, 0);
    assert_int_equal(device->processes[2].bytes, 1536 * MIB);
    assert_string_equal(device->processes[2].pod.text, "7c1f9c52-3a2b-4a55-9d3c-0d7b6a3f1e01");
    assert_int_equal(device->mig_count, 0);
}

static void the_example_says_what_it_shows(void **state)
{
    (void)state;
    struct plimsoll_reader reader =
        plimsoll_reader_fake(PLIMSOLL_TESTS_DIR "/fixtures/device/fake.yaml");
    struct plimsoll_measurement out;
    struct plimsoll_error err;
    assert_string_equal(reader.name, "fake");
    if (reader.measure(reader.context, &out, &err) < 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(out.driver, "fake 1.0");
    assert_string_equal(out.note, "");
    assert_int_equal(out.device_count, 3);
    assert_first_card(&out.devices[0]);
    assert_int_equal(out.devices[1].index, 1);
    assert_int_equal(out.devices[1].numa, -1);
    assert_true(out.devices[1].used == PLIMSOLL_BYTES_UNKNOWN);
    assert_false(out.devices[1].processes_known || out.devices[1].links_known);
    assert_int_equal(out.devices[1].mig_count, 2);
    assert_string_equal(out.devices[1].mig[1].profile, "3g.40gb");
    assert_int_equal(out.devices[1].mig[1].vram, 40448 * MIB);
    assert_int_equal(out.devices[2].vendor, PLIMSOLL_VENDOR_AMD);
    assert_true(out.devices[2].unified && out.devices[2].processes_known);
    assert_int_equal(out.devices[2].used, 0);
    plimsoll_measurement_clear(&out);
    reader.close(reader.context);
}

static void what_nobody_wrote_has_its_default(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    put(bench, "cards: [{id: a}, {id: b, processes: [{pid: 1, bytes: 1Gi}, {pid: 2}, "
               "{pod: x, bytes: 2Gi}]}]\n");
    look_well(bench, &out);
    assert_string_equal(out.driver, "fake");
    const struct plimsoll_device *device = &out.devices[0];
    assert_int_equal(device->vendor, PLIMSOLL_VENDOR_NVIDIA);
    assert_string_equal(device->health, "ok");
    assert_int_equal(device->total, 0);
    assert_int_equal(device->used, 0);
    assert_false(device->processes_known);
    assert_int_equal(out.devices[1].used, 3 * GIB); /* the sum of its processes */
    plimsoll_measurement_clear(&out);
}

static void every_look_gives_a_copy(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement first, second;
    put(bench, "cards: [{id: a, processes: [{pid: 1}], links: [{to: b}], mig: [{id: m, profile: "
               "1g.5gb, vram: 5Gi}]}]\n");
    look_well(bench, &first);
    first.devices[0].processes[0].pid = 99;
    plimsoll_measurement_clear(&first);
    look_well(bench, &second);
    assert_int_equal(second.devices[0].processes[0].pid, 1);
    assert_string_equal(second.devices[0].links[0].to, "b");
    assert_string_equal(second.devices[0].mig[0].id, "m");
    plimsoll_measurement_clear(&second);
}

static uint64_t used(struct bench *bench)
{
    struct plimsoll_measurement out;
    look_well(bench, &out);
    uint64_t bytes = out.devices[0].used;
    plimsoll_measurement_clear(&out);
    return bytes;
}

static void a_change_of_the_file_is_seen_in_the_next_look(void **state)
{
    struct bench *bench = *state;
    put(bench, "cards: [{id: a, used: 1}]\n");
    assert_int_equal(used(bench), 1);
    assert_int_equal(used(bench), 1);
    put(bench, "cards: [{id: a, used: 2}]\n"); /* another file of the same size */
    assert_int_equal(used(bench), 2);
    tree_write(&bench->tree, "cards.yaml", "cards: [{id: a, used: 33}]\n"); /* the same, longer */
    assert_int_equal(used(bench), 33);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000}};
    assert_int_equal(utimensat(AT_FDCWD, bench->path, times, 0), 0); /* the same, touched */
    assert_int_equal(used(bench), 33);
}

/* Looks and expects a failure whose sentence has `part`. */
static void assert_failure(struct bench *bench, enum plimsoll_error_kind kind, const char *part)
{
    struct plimsoll_measurement out = {.device_count = 77};
    struct plimsoll_error err;
    if (look(bench, &out, &err) == 0) {
        fail_msg("nothing is wrong, but: %s", part);
    }
    assert_int_equal(err.kind, kind);
    if (strstr(err.message, part) == NULL) {
        fail_msg("%s does not say %s", err.message, part);
    }
    assert_int_equal(out.device_count, 77);
}

static void a_file_comes_goes_and_gets_well(void **state)
{
    struct bench *bench = *state;
    assert_failure(bench, PLIMSOLL_ERR_UNAVAILABLE, "No such file");
    put(bench, "cards: [{id: a, used: 1}]\n");
    assert_int_equal(used(bench), 1);
    put(bench, "cards: [{id: a, used: -1}]\n");
    assert_failure(bench, PLIMSOLL_ERR_INVALID, "cards.yaml:1: used:");
    assert_failure(bench, PLIMSOLL_ERR_INVALID, "cards.yaml:1: used:"); /* said again, not read */
    unlink(bench->path);
    assert_failure(bench, PLIMSOLL_ERR_UNAVAILABLE, "No such file");
    put(bench, "cards: [{id: a, used: 2}]\n");
    assert_int_equal(used(bench), 2);
    put(bench, "unavailable: the driver is being upgraded\ncards: [{id: a}]\n");
    assert_failure(bench, PLIMSOLL_ERR_UNAVAILABLE, "the driver is being upgraded");
    put(bench, "cards: []\n");
    assert_failure(bench, PLIMSOLL_ERR_NOT_FOUND, "no cards");
    put(bench, "");
    assert_failure(bench, PLIMSOLL_ERR_NOT_FOUND, "no cards");
    put(bench, "# nothing yet\n");
    assert_failure(bench, PLIMSOLL_ERR_NOT_FOUND, "no cards");
    put(bench, "cards: [{id: a, used: 3}]\n");
    assert_int_equal(used(bench), 3);
}

static void mistakes_are_said_with_line_and_remedy(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"cards: {", "cards.yaml:2: no YAML: did not find expected node content"},
        {"\n\ncards:\n- id: [\n", "no YAML"},
        {"\xff", "no YAML"},
        {"cards: *x", "no YAML: found undefined alias"},
        {"- a\n", ":1: a mapping is wanted here, with keys like driver"},
        {"card: []\n", ":1: unknown key \"card\"; known here are driver, note, unavailable, cards"},
        {"? [x]\n: 1\n", ":1: unknown key \"\""},
        {"cards: []\ncards: []\n", ":2: a second cards; keep one"},
        {"cards: []\n---\ncards: []\n", ":2: a second document"},
        {"cards: a\n", "cards must be a list; [] for none"},
        {"cards: [a]\n", "a mapping is wanted here, with keys like id"},
        {"cards:\n- vendor: amd\n", ":2: a card needs id"},
        {"cards:\n- id: \"\"\n", ":2: a card needs id"},
        {"cards: [{id: a}, {id: a}]\n", "the id a is listed twice"},
        {"cards: [{id: [a]}]\n", "id must be a text"},
        {"cards: [{id: \"a\\0b\"}]\n", "id \"a\" must be a text of at most 63 bytes"},
        {"cards: [{id: a, vendor: ati}]\n", "vendor must be nvidia, amd or intel"},
        {"cards: [{id: a, index: -1}]\n", "index must be a number from 0 to 32767"},
        {"cards: [{id: a, numa: 99999}]\n", "numa must be a number from 0 to 32767"},
        {"cards: [{id: a, numa: 1.5}]\n", "numa must be a number"},
        {"cards: [{id: a, health: \"\"}]\n", "health of a must be ok or a reason"},
        {"cards: [{id: a, total: much}]\n", "write bytes like 16Gi"},
        {"cards: [{id: a, total: [1]}]\n", "total must be a quantity of bytes"},
        {"cards: [{id: a, total: unknown}]\n", "write bytes like 16Gi"},
        {"cards: [{id: a, total: 8Pi}]\n", "total must be below 8Pi"},
        {"cards: [{id: a, unified: yes}]\n", "unified must be true or false"},
        {"cards: [{id: a, links: b}]\n", "links must be a list"},
        {"cards: [{id: a, links: [{kind: nvlink}]}]\n", "a link needs `to`"},
        {"cards: [{id: a, links: [{to: b, kind: sli}]}]\n", "kind must be nvlink or pcie"},
        {"cards: [{id: a, links: [{to: b, lanes: many}]}]\n", "lanes must be a number"},
        {"cards: [{id: a, mig: [{id: m}]}]\n", "an instance needs id, profile and vram"},
        {"cards: [{id: a, processes: [{}]}]\n", "a process needs pid, or pod"},
        {"cards: [{id: a, processes: [{pid: 0}]}]\n", "pid must be a number from 1"},
        {"cards: [{id: a, processes: [{pid: 7}, {pid: 7}]}]\n", "pid 7 is listed twice"},
        {"cards: [{id: a, processes: [{pid: 7, bytes: -1}]}]\n", "bytes:"},
        {"cards: [{id: a, processes: [{pid: 7, uid: x}]}]\n",
         "unknown key \"uid\"; known here are pid, pod, bytes"},
        {"cards: [{id: a, processes: [{pod: 0123456789012345678901234567890123456789}]}]\n",
         "must be a text of at most 39 bytes"},
        {"cards: &x [*x]\n", "a mapping is wanted here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(bench, cases[i].text);
        assert_failure(bench, PLIMSOLL_ERR_INVALID, cases[i].part);
    }
}

static void put_many(struct bench *bench, const char *head, const char *format, unsigned count,
                     const char *tail)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_FAKE_BYTES_MAX);
    plimsoll_text_add_string(&text, head);
    for (unsigned i = 1; i <= count; i++) {
        char item[64];
        /* The formats are this file's own. */
        snprintf(item, sizeof item, "{%s%u}", format, i);
        plimsoll_text_add_format(&text, "%s%s", i > 1 ? "," : "", item);
    }
    plimsoll_text_add_string(&text, tail);
    assert_false(text.overflowed);
    put(bench, text.data);
}

static void lists_over_their_ceilings_are_refused(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    put_many(bench, "cards: [", "id: a", PLIMSOLL_CARDS_MAX, "]\n");
    look_well(bench, &out);
    assert_int_equal(out.device_count, PLIMSOLL_CARDS_MAX);
    plimsoll_measurement_clear(&out);
    put_many(bench, "cards: [", "id: a", PLIMSOLL_CARDS_MAX + 1, "]\n");
    assert_failure(bench, PLIMSOLL_ERR_INVALID, "cards has 65 entries; at most 64 are possible");
    put_many(bench, "cards: [{id: a, processes: [", "pid: ", PLIMSOLL_DEVICE_PROCESSES_MAX,
             "]}]\n");
    look_well(bench, &out);
    assert_int_equal(out.devices[0].process_count, PLIMSOLL_DEVICE_PROCESSES_MAX);
    plimsoll_measurement_clear(&out);
    put_many(bench, "cards: [{id: a, processes: [", "pid: ", PLIMSOLL_DEVICE_PROCESSES_MAX + 1,
             "]}]\n");
    assert_failure(bench, PLIMSOLL_ERR_INVALID, "processes has 4097 entries");
}

static void a_file_over_the_ceiling_is_refused(void **state)
{
    struct bench *bench = *state;
    plimsoll_autofree char *text = plimsoll_alloc(PLIMSOLL_FAKE_BYTES_MAX + 2, 1);
    static const char cards[] = "cards: [{id: a, used: 7}]\n";
    memset(text, '\n', PLIMSOLL_FAKE_BYTES_MAX);
    memcpy(text, cards, sizeof cards - 1);
    put(bench, text);
    assert_int_equal(used(bench), 7);
    text[PLIMSOLL_FAKE_BYTES_MAX] = '\n';
    put(bench, text);
    assert_failure(bench, PLIMSOLL_ERR_INVALID, "has more than 1048576 bytes");
}

static void deep_nesting_is_refused_and_does_not_hang(void **state)
{
    struct bench *bench = *state;
    plimsoll_autofree char *text = plimsoll_alloc(PLIMSOLL_FAKE_BYTES_MAX + 1, 1);
    memset(text, '[', PLIMSOLL_FAKE_BYTES_MAX);
    put(bench, text);
    assert_failure(bench, PLIMSOLL_ERR_INVALID, "cards.yaml:1: nested deeper than cards");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_says_what_it_shows),
        TEST(what_nobody_wrote_has_its_default),
        TEST(every_look_gives_a_copy),
        TEST(a_change_of_the_file_is_seen_in_the_next_look),
        TEST(a_file_comes_goes_and_gets_well),
        TEST(mistakes_are_said_with_line_and_remedy),
        TEST(lists_over_their_ceilings_are_refused),
        TEST(a_file_over_the_ceiling_is_refused),
        TEST(deep_nesting_is_refused_and_does_not_hang),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
