/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/limits.h>
#include <plimsoll/node.h>
#include <plimsoll/report.h>

#include <stdlib.h>
#include <string.h>

#define GI    (UINT64_C(1) << 30)
#define MI    (UINT64_C(1) << 20)
#define CARDS 3
#define A     "GPU-8f6d7a0e-0c41-7a7b-31c1-2f0e1d5b9a10"
#define B     "GPU-1b2c3d4e-5f60-7182-93a4-b5c6d7e8f901"
#define C     "0000:c5:00.0"
#define POD_1 "3b1f0c52-7d52-4b0e-9f0e-1c2d3e4f5a6b"
#define POD_2 "5c9a3a52-2f6c-4d4c-8f4b-0e1d2c3b4a59"

/* The machine of the examples in formats: two A100 with NVLink and an APU. */
struct lab {
    struct plimsoll_device devices[CARDS];
    struct plimsoll_device_process processes[CARDS][PLIMSOLL_REPORT_PODS_MAX + 1];
    struct plimsoll_device_link links[2];
    struct plimsoll_holder holders[PLIMSOLL_REPORT_PODS_MAX + 1];
    struct plimsoll_registered_card registered[2];
    struct plimsoll_measurement measurement;
    struct plimsoll_checkpoint checkpoint;
    struct plimsoll_look look;
    struct plimsoll_report_texts texts;
    struct plimsoll_publisher *publisher;
    int64_t now;
};

static void make_cards(struct lab *lab)
{
    lab->links[0] = (struct plimsoll_device_link){.to = B, .nvlink = true, .lanes = 12};
    lab->links[1] = (struct plimsoll_device_link){.to = A, .nvlink = true, .lanes = 12};
    for (uint32_t i = 0; i < 2; i++) {
        lab->devices[i] = (struct plimsoll_device){.product = "NVIDIA A100-SXM4-80GB",
                                                   .health = "ok",
                                                   .vendor = PLIMSOLL_VENDOR_NVIDIA,
                                                   .index = (int32_t)i,
                                                   .total = 80 * GI,
                                                   .processes_known = true,
                                                   .links_known = true,
                                                   .processes = lab->processes[i],
                                                   .links = &lab->links[i],
                                                   .link_count = 1};
    }
    strcpy(lab->devices[0].id, A);
    strcpy(lab->devices[0].pci, "00000000:07:00.0");
    strcpy(lab->devices[1].id, B);
    strcpy(lab->devices[1].pci, "00000000:0f:00.0");
    strcpy(lab->devices[1].health, "xid 79");
    lab->devices[2] = (struct plimsoll_device){.id = C,
                                               .product = "AMD Radeon 8060S",
                                               .pci = C,
                                               .health = "ok",
                                               .vendor = PLIMSOLL_VENDOR_AMD,
                                               .numa = -1,
                                               .total = 64 * GI,
                                               .used = 2 * GI,
                                               .unified = true,
                                               .processes = lab->processes[2]};
}

static void add_process(struct lab *lab, unsigned card, const char *pod, uint64_t bytes)
{
    struct plimsoll_device *device = &lab->devices[card];
    struct plimsoll_device_process *process = &device->processes[device->process_count++];
    *process =
        (struct plimsoll_device_process){.pid = (int32_t)device->process_count, .bytes = bytes};
    strcpy(process->pod.text, pod);
}

static void add_holder(struct lab *lab, const char *card, const char *pod)
{
    struct plimsoll_holder *holder = &lab->holders[lab->checkpoint.holder_count++];
    strcpy(holder->card, card);
    strcpy(holder->pod.text, pod);
}

static int set_up(void **state)
{
    struct lab *lab = plimsoll_alloc(1, sizeof *lab);
    make_cards(lab);
    strcpy(lab->measurement.driver, "580.95.05");
    lab->measurement.devices = lab->devices;
    lab->measurement.device_count = CARDS;
    lab->checkpoint = (struct plimsoll_checkpoint){
        .holders = lab->holders, .cards = lab->registered, .device_list = PLIMSOLL_DEVICE_LIST_CDI};
    lab->look = (struct plimsoll_look){.measurement = &lab->measurement,
                                       .checkpoint = &lab->checkpoint,
                                       .attribution = true,
                                       .env = PLIMSOLL_YES,
                                       .time_unix_ms = INT64_C(1795324200000)};
    lab->texts = plimsoll_report_texts_make();
    lab->publisher = plimsoll_publisher_new(&(struct plimsoll_publisher_settings){
        .reserve = 512 * MI, .loss_ms = 4000, .small_ms = 60000, .burst = 4, .refill_ms = 10000});
    *state = lab;
    return 0;
}

static int tear_down(void **state)
{
    struct lab *lab = *state;
    plimsoll_report_texts_clear(&lab->texts);
    plimsoll_publisher_free(&lab->publisher);
    free(lab);
    return 0;
}

static void write_texts(struct lab *lab)
{
    struct plimsoll_error err = {0};
    if (plimsoll_report_write(&lab->look, &lab->texts, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void assert_in(const struct plimsoll_text *text, const char *part)
{
    if (text->data == NULL || strstr(text->data, part) == NULL) {
        fail_msg("'%s' is not in %s", part, text->data != NULL ? text->data : "nothing");
    }
}

static void assert_not_in(const struct plimsoll_text *text, const char *part)
{
    if (text->data != NULL && strstr(text->data, part) != NULL) {
        fail_msg("'%s' is in %s", part, text->data);
    }
}

/* An example of formats without its line breaks. */
static void assert_is_fixture(const struct plimsoll_text *text, const char *name)
{
    char path[256], expected[4096];
    snprintf(path, sizeof path, "%s/fixtures/formats/%s", PLIMSOLL_TESTS_DIR, name);
    plimsoll_autofclose FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t size = 0;
    for (int c; (c = fgetc(file)) != EOF && size < sizeof expected - 1;) {
        if (c != '\n') {
            expected[size++] = (char)c;
        }
    }
    expected[size] = '\0';
    assert_string_equal(text->data, expected);
}

static void the_values_are_the_examples_of_the_formats(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = 40 * GI;
    add_process(lab, 0, POD_1, 30 * GI);
    add_process(lab, 0, "", GI);
    add_process(lab, 0, POD_1, 9 * GI);
    add_holder(lab, A, POD_2);
    add_holder(lab, A, POD_1);
    write_texts(lab);
    assert_is_fixture(&lab->texts.inventory, "inventory.json");
    assert_string_equal(lab->texts.usage.data,
                        "{\"v\":1,\"time\":\"2026-11-22T05:10:00Z\",\"cards\":["
                        "{\"id\":\"" A "\",\"used\":42949672960,\"attributed\":true,\"pods\":{"
                        "\"" POD_1 "\":41875931136},\"holders\":[\"" POD_1 "\",\"" POD_2 "\"]},"
                        "{\"id\":\"" B "\",\"used\":0,\"attributed\":true,\"pods\":{},\"holders\":["
                        "]},"
                        "{\"id\":\"" C "\",\"used\":2147483648,\"attributed\":false,\"holders\":[]}"
                        "]}");
    assert_string_equal(lab->texts.free_vram.data, "40Gi,0,62Gi");
}

static struct plimsoll_node read_node(struct lab *lab)
{
    static const struct plimsoll_reading reading = {0};
    struct plimsoll_node node = {0};
    struct plimsoll_error err = {0};
    plimsoll_autotext object = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(
        &object, "{\"metadata\":{\"name\":\"n\",\"annotations\":{\"plimsoll.dev/inventory\":");
    plimsoll_text_add_json(&object, plimsoll_text_span(&lab->texts.inventory));
    plimsoll_text_add_string(&object, ",\"plimsoll.dev/usage\":");
    plimsoll_text_add_json(&object, plimsoll_text_span(&lab->texts.usage));
    plimsoll_text_add_string(&object, ",\"plimsoll.dev/free-vram\":");
    plimsoll_text_add_json(&object, plimsoll_text_span(&lab->texts.free_vram));
    plimsoll_text_add_string(&object, "}}}");
    if (plimsoll_node_read(plimsoll_text_span(&object), &reading, &node, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return node;
}

static void the_server_reads_what_the_agent_writes(void **state)
{
    struct lab *lab = *state;
    struct plimsoll_mig mig = {.id = "MIG-1", .profile = "1g.10gb", .vram = 9 * GI};
    lab->devices[0].used = 40 * GI;
    lab->devices[1].mig = &mig;
    lab->devices[1].mig_count = 1;
    strcpy(lab->devices[0].product, "\xff \"quoted\"\\");
    lab->registered[0] = (struct plimsoll_registered_card){A, 4};
    lab->checkpoint.card_count = 1;
    add_process(lab, 0, POD_1, 30 * GI);
    add_holder(lab, A, POD_1);
    add_holder(lab, "MIG-1", POD_2);
    write_texts(lab);
    struct plimsoll_node node = read_node(lab);
    assert_null(node.unusable);
    assert_int_equal(node.card_count, CARDS);
    assert_int_equal(node.env, PLIMSOLL_YES);
    assert_int_equal(node.device_list, PLIMSOLL_DEVICE_LIST_CDI);
    assert_int_equal(node.cards[0].used, 40 * GI);
    assert_int_equal(node.cards[0].replicas, 4);
    assert_int_equal(node.cards[0].nvlink, 2);
    assert_int_equal(node.cards[0].pod_count, 1);
    assert_int_equal(node.cards[0].pods[0].bytes, 30 * GI);
    assert_string_equal(node.cards[0].holders[0].text, POD_1);
    assert_string_equal(node.cards[1].health, "xid 79");
    assert_string_equal(node.cards[1].mig[0].profile, "1g.10gb");
    assert_string_equal(node.cards[1].holders[0].text, POD_2);
    assert_true(node.cards[2].unified);
    plimsoll_node_clear(&node);
}

static void a_card_whose_processes_are_not_all_known_is_not_attributed(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = 40 * GI;
    add_process(lab, 0, POD_1, 30 * GI);
    lab->devices[0].processes_known = false;
    write_texts(lab);
    assert_in(&lab->texts.usage, "\"used\":42949672960,\"attributed\":false,\"holders\":[]");
    lab->devices[0].processes_known = true;
    lab->look.attribution = false;
    write_texts(lab);
    assert_not_in(&lab->texts.usage, "\"attributed\":true");
    lab->look.attribution = true;
    add_process(lab, 0, POD_2, PLIMSOLL_BYTES_UNKNOWN);
    write_texts(lab);
    assert_in(&lab->texts.usage, "\"used\":42949672960,\"attributed\":false");
    /* What the host's own processes use is not needed: it is the rest. */
    strcpy(lab->processes[0][1].pod.text, "");
    write_texts(lab);
    assert_in(&lab->texts.usage, "\"used\":42949672960,\"attributed\":true");
    /* One that nobody sees may be a pod's. */
    lab->processes[0][1].missing = true;
    write_texts(lab);
    assert_in(&lab->texts.usage, "\"used\":42949672960,\"attributed\":false");
}

static void without_the_checkpoint_holders_are_not_told(void **state)
{
    struct lab *lab = *state;
    lab->look.checkpoint = NULL;
    lab->look.env = PLIMSOLL_UNKNOWN;
    write_texts(lab);
    assert_not_in(&lab->texts.usage, "holders");
    assert_not_in(&lab->texts.inventory, "deviceList");
    assert_not_in(&lab->texts.inventory, "\"env\"");
    assert_not_in(&lab->texts.inventory, "replicas");
}

static void cards_are_also_known_by_the_name_that_their_plugin_has(void **state)
{
    struct lab *lab = *state;
    strcpy(lab->devices[2].plugin_id, "card0");
    add_holder(lab, "card0", POD_1);
    add_holder(lab, "card1", POD_2);
    add_holder(lab, "", POD_2); /* nobody's, though most cards have no such name */
    strcpy(lab->registered[0].card, "card0");
    lab->registered[0].replicas = 5;
    lab->checkpoint.card_count = 1;
    write_texts(lab);
    assert_in(&lab->texts.usage, "\"id\":\"" C "\",\"used\":2147483648,\"attributed\":false,"
                                 "\"holders\":[\"" POD_1 "\"]");
    assert_not_in(&lab->texts.usage, POD_2);
    assert_in(&lab->texts.inventory, "\"vram\":68719476736,\"replicas\":5,\"pci\":\"" C "\"");
}

static void a_card_that_does_not_tell_its_use_has_nothing_to_give(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = PLIMSOLL_BYTES_UNKNOWN;
    write_texts(lab);
    assert_in(&lab->texts.usage, "\"used\":85899345920,\"attributed\":false");
    assert_string_equal(lab->texts.free_vram.data, "0,0,62Gi");
    /* And a node of such cards says nothing of their use: labels and claims then decide. */
    for (unsigned i = 0; i < CARDS; i++) {
        lab->devices[i].used = PLIMSOLL_BYTES_UNKNOWN;
    }
    write_texts(lab);
    assert_int_equal(lab->texts.usage.size, 0);
    assert_int_equal(lab->texts.free_vram.size, 0);
    assert_int_not_equal(lab->texts.inventory.size, 0);
}

static void free_vram_stands_by_index_where_indices_allow(void **state)
{
    struct lab *lab = *state;
    strcpy(lab->devices[1].health, "ok");
    lab->devices[0].index = 2;
    lab->devices[1].index = 0;
    lab->devices[2].index = 1;
    lab->devices[0].used = 10 * GI;
    write_texts(lab);
    assert_string_equal(lab->texts.free_vram.data, "80Gi,62Gi,70Gi");
    lab->devices[2].index = 0;
    write_texts(lab);
    assert_string_equal(lab->texts.free_vram.data, "70Gi,80Gi,62Gi");
}

static void numbers_that_json_cannot_hold_are_held_back(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].total = UINT64_MAX;
    lab->devices[0].used = UINT64_MAX - 1;
    lab->devices[0].index = -7;
    lab->devices[0].numa = INT32_MAX;
    lab->devices[0].vendor = PLIMSOLL_VENDOR_INTEL;
    lab->devices[0].product[0] = lab->devices[0].pci[0] = lab->devices[0].health[0] = '\0';
    lab->links[0].nvlink = false;
    write_texts(lab);
    struct plimsoll_node node = read_node(lab);
    assert_null(node.unusable);
    assert_int_equal(node.cards[0].total, (UINT64_C(1) << 53) - 1);
    assert_int_equal(node.cards[0].index, 0);
    assert_int_equal(node.cards[0].numa, -1);
    assert_int_equal(node.cards[0].vendor, PLIMSOLL_VENDOR_INTEL);
    assert_int_equal(node.cards[0].nvlink, 0);
    plimsoll_node_clear(&node);
}

static void more_pods_than_a_card_can_list_are_not_listed_in_part(void **state)
{
    struct lab *lab = *state;
    char uid[PLIMSOLL_UID_SIZE];
    for (unsigned i = 0; i < PLIMSOLL_REPORT_PODS_MAX; i++) {
        snprintf(uid, sizeof uid, "%08u-0000-0000-0000-000000000000", i);
        add_process(lab, 0, uid, MI);
        add_holder(lab, B, uid);
    }
    write_texts(lab);
    assert_in(&lab->texts.usage, "00000511-0000-0000-0000-000000000000\":1048576}");
    add_process(lab, 0, POD_1, MI);
    add_holder(lab, B, POD_1);
    write_texts(lab);
    assert_in(&lab->texts.usage, "{\"id\":\"" A "\",\"used\":0,\"attributed\":false,\"holders\"");
    assert_in(&lab->texts.usage, "{\"id\":\"" B "\",\"used\":0,\"attributed\":true,\"pods\":{}}");
}

/* Many cards, each with what makes its line long. */
static void fill(struct lab *lab, struct plimsoll_device devices[PLIMSOLL_CARDS_MAX + 1],
                 struct plimsoll_device_link links[PLIMSOLL_CARDS_MAX])
{
    for (uint32_t i = 0; i <= PLIMSOLL_CARDS_MAX; i++) {
        devices[i] = lab->devices[0];
        snprintf(devices[i].id, sizeof devices[i].id, "GPU-%036u", i);
        devices[i].links = links;
        devices[i].link_count = PLIMSOLL_CARDS_MAX;
    }
    for (uint32_t i = 0; i < PLIMSOLL_CARDS_MAX; i++) {
        snprintf(links[i].to, sizeof links[i].to, "GPU-%036u", i);
    }
    lab->measurement.devices = devices;
    lab->measurement.device_count = PLIMSOLL_CARDS_MAX + 1;
}

static void what_would_exceed_an_annotation_is_left_out_whole(void **state)
{
    struct lab *lab = *state;
    static struct plimsoll_device devices[PLIMSOLL_CARDS_MAX + 1];
    static struct plimsoll_device_link links[PLIMSOLL_CARDS_MAX];
    struct plimsoll_mig mig[PLIMSOLL_CARDS_MAX];
    for (unsigned i = 0; i < PLIMSOLL_REPORT_PODS_MAX; i++) {
        char uid[PLIMSOLL_UID_SIZE];
        snprintf(uid, sizeof uid, "%08u-0000-0000-0000-000000000000", i);
        add_process(lab, 0, uid, MI);
    }
    fill(lab, devices, links);
    write_texts(lab);
    assert_true(lab->texts.inventory.size <= PLIMSOLL_REPORT_BYTES_MAX);
    assert_true(lab->texts.usage.size <= PLIMSOLL_REPORT_BYTES_MAX);
    assert_true(2 * PLIMSOLL_REPORT_BYTES_MAX < PLIMSOLL_ANNOTATION_BYTES_MAX);
    assert_not_in(&lab->texts.inventory, "links");
    assert_not_in(&lab->texts.usage, "\"attributed\":true");
    struct plimsoll_node node = read_node(lab);
    assert_null(node.unusable);
    assert_int_equal(node.card_count, PLIMSOLL_CARDS_MAX);
    plimsoll_node_clear(&node);

    struct plimsoll_error err = {0};
    memset(mig, 0, sizeof mig);
    for (unsigned i = 0; i < PLIMSOLL_CARDS_MAX; i++) {
        memset(mig[i].id, 'x', sizeof mig[i].id - 1);
        devices[i].mig = mig;
        devices[i].mig_count = PLIMSOLL_CARDS_MAX;
    }
    assert_int_equal(plimsoll_report_write(&lab->look, &lab->texts, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_TOO_LARGE);
    assert_not_in(&lab->texts.inventory, "mig");
    assert_int_not_equal(lab->texts.usage.size, 0);
}

/* The publisher. */

static enum plimsoll_publish look_at(struct lab *lab, int64_t now)
{
    write_texts(lab);
    lab->now = now;
    return plimsoll_publisher_look(lab->publisher, &lab->look, &lab->texts, now);
}

/* Looks, and writes when asked to. */
static enum plimsoll_publish publish_at(struct lab *lab, int64_t now)
{
    enum plimsoll_publish publish = look_at(lab, now);
    if (publish != PLIMSOLL_PUBLISH_NOTHING) {
        plimsoll_publisher_written(lab->publisher);
    }
    return publish;
}

static void the_first_look_is_written_whole_and_an_unchanged_one_never(void **state)
{
    struct lab *lab = *state;
    assert_int_equal(publish_at(lab, 0), PLIMSOLL_PUBLISH_ALL);
    for (int64_t now = 2000; now < 3600000; now += 2000) {
        lab->look.time_unix_ms += 2000;
        assert_int_equal(publish_at(lab, now), PLIMSOLL_PUBLISH_NOTHING);
    }
}

static void a_gain_is_worth_a_write_at_once(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = 8 * GI;
    publish_at(lab, 0);
    lab->devices[0].used -= 8 * MI;
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_USAGE);
    assert_int_equal(publish_at(lab, 4000), PLIMSOLL_PUBLISH_NOTHING);
}

static void a_gain_that_is_noise_waits(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = 8 * GI;
    publish_at(lab, 0);
    lab->devices[0].used -= 8 * MI - 1;
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 61999), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 62000), PLIMSOLL_PUBLISH_USAGE);
}

static void a_loss_is_told_within_seconds_and_a_small_one_later(void **state)
{
    struct lab *lab = *state;
    publish_at(lab, 0);
    lab->devices[0].used = 128 * MI;
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 5999), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 6000), PLIMSOLL_PUBLISH_USAGE);
    lab->devices[0].used += 128 * MI - 1;
    assert_int_equal(publish_at(lab, 8000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 67999), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 68000), PLIMSOLL_PUBLISH_USAGE);
}

static void small_losses_add_up_to_one_that_counts(void **state)
{
    struct lab *lab = *state;
    publish_at(lab, 0);
    lab->devices[0].used = 100 * MI;
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_NOTHING);
    lab->devices[0].used = 200 * MI;
    assert_int_equal(publish_at(lab, 10000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 14000), PLIMSOLL_PUBLISH_USAGE);
}

static void a_loss_that_is_undone_is_forgotten(void **state)
{
    struct lab *lab = *state;
    publish_at(lab, 0);
    lab->devices[0].used = GI;
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_NOTHING);
    lab->devices[0].used = 0;
    assert_int_equal(publish_at(lab, 4000), PLIMSOLL_PUBLISH_NOTHING);
    lab->devices[0].used = GI;
    assert_int_equal(publish_at(lab, 6000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 9999), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 10000), PLIMSOLL_PUBLISH_USAGE);
}

static void who_holds_a_card_is_told_at_once(void **state)
{
    struct lab *lab = *state;
    publish_at(lab, 0);
    add_holder(lab, A, POD_1);
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_USAGE);
    strcpy(lab->holders[0].pod.text, POD_2);
    assert_int_equal(publish_at(lab, 4000), PLIMSOLL_PUBLISH_USAGE);
    lab->checkpoint.holder_count = 0;
    assert_int_equal(publish_at(lab, 6000), PLIMSOLL_PUBLISH_USAGE);
}

static void bytes_that_pass_to_another_pod_are_told(void **state)
{
    struct lab *lab = *state;
    lab->devices[0].used = 8 * GI;
    add_process(lab, 0, POD_1, 6 * GI);
    publish_at(lab, 0);
    strcpy(lab->processes[0][0].pod.text, POD_2);
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 6000), PLIMSOLL_PUBLISH_USAGE);
    /* What the host used now belongs to the pod: room, if its claim covers it. */
    lab->processes[0][0].bytes += GI;
    assert_int_equal(publish_at(lab, 8000), PLIMSOLL_PUBLISH_USAGE);
    /* Nobody tells processes apart any more. */
    lab->look.attribution = false;
    assert_int_equal(publish_at(lab, 10000), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, 14000), PLIMSOLL_PUBLISH_USAGE);
}

static void the_inventory_is_written_only_when_it_changed(void **state)
{
    struct lab *lab = *state;
    publish_at(lab, 0);
    strcpy(lab->devices[0].health, "xid 79");
    assert_int_equal(publish_at(lab, 2000), PLIMSOLL_PUBLISH_ALL);
    lab->measurement.device_count = 2;
    assert_int_equal(publish_at(lab, 4000), PLIMSOLL_PUBLISH_ALL);
    assert_int_equal(publish_at(lab, 6000), PLIMSOLL_PUBLISH_NOTHING);
}

static void what_was_not_written_is_offered_again_and_what_was_lost_whole(void **state)
{
    struct lab *lab = *state;
    assert_int_equal(look_at(lab, 0), PLIMSOLL_PUBLISH_ALL);
    assert_int_equal(look_at(lab, 2000), PLIMSOLL_PUBLISH_ALL);
    plimsoll_publisher_written(lab->publisher);
    assert_int_equal(look_at(lab, 4000), PLIMSOLL_PUBLISH_NOTHING);
    plimsoll_publisher_forget(lab->publisher);
    assert_int_equal(look_at(lab, 6000), PLIMSOLL_PUBLISH_ALL);
}

/* The machine's time may be set while the agent runs, by a second or by years: that is no change,
 * and what waits waits as long as before. */
static void a_step_of_the_clock_neither_writes_nor_holds_anything_up(void **state)
{
    struct lab *lab = *state;
    static const int64_t steps[] = {-1, 1000, INT64_C(-86400000) * 365, INT64_C(86400000) * 3650};
    int64_t now = 0;
    lab->devices[0].used = 40 * GI;
    assert_int_equal(publish_at(lab, now), PLIMSOLL_PUBLISH_ALL);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        lab->look.time_unix_ms += steps[i];
        assert_int_equal(publish_at(lab, now += 2000), PLIMSOLL_PUBLISH_NOTHING);
    }
    lab->devices[0].used = 50 * GI;
    assert_int_equal(publish_at(lab, now += 2000), PLIMSOLL_PUBLISH_NOTHING);
    lab->look.time_unix_ms -= INT64_C(86400000) * 7300;
    assert_int_equal(publish_at(lab, now + 3999), PLIMSOLL_PUBLISH_NOTHING);
    assert_int_equal(publish_at(lab, now + 4000), PLIMSOLL_PUBLISH_USAGE);
    /* What is written has the time that it is by then. */
    lab->look.time_unix_ms = INT64_C(1609459200000);
    lab->devices[0].used = 30 * GI;
    assert_int_equal(publish_at(lab, now + 6000), PLIMSOLL_PUBLISH_USAGE);
    assert_in(&lab->texts.usage, "\"time\":\"2021-01-01T00:00:00Z\"");
}

static void a_card_that_swings_does_not_write_all_the_time(void **state)
{
    struct lab *lab = *state;
    unsigned writes = 0;
    for (int64_t now = 0; now < 3600000; now += 2000) {
        lab->devices[0].used = now / 10000 % 2 == 0 ? 2 * GI : 20 * GI;
        writes += publish_at(lab, now) != PLIMSOLL_PUBLISH_NOTHING;
    }
    assert_true(writes <= 4 + 360);
    assert_true(writes > 180);
}

static void a_model_that_loads_and_unloads_costs_two_writes(void **state)
{
    struct lab *lab = *state;
    unsigned writes = 0;
    publish_at(lab, 0);
    for (int64_t now = 2000; now < 600000; now += 2000) {
        /* Loads for ten seconds, stays for five minutes, goes. */
        int64_t loaded = now < 12000 ? now : now < 300000 ? 12000 : 0;
        lab->devices[0].used = (uint64_t)loaded * MI;
        writes += publish_at(lab, now) != PLIMSOLL_PUBLISH_NOTHING;
    }
    assert_in_range(writes, 2, 4);
    assert_string_equal(lab->texts.free_vram.data, "80Gi,0,62Gi");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_values_are_the_examples_of_the_formats),
        TEST(the_server_reads_what_the_agent_writes),
        TEST(a_card_whose_processes_are_not_all_known_is_not_attributed),
        TEST(without_the_checkpoint_holders_are_not_told),
        TEST(cards_are_also_known_by_the_name_that_their_plugin_has),
        TEST(a_card_that_does_not_tell_its_use_has_nothing_to_give),
        TEST(free_vram_stands_by_index_where_indices_allow),
        TEST(numbers_that_json_cannot_hold_are_held_back),
        TEST(more_pods_than_a_card_can_list_are_not_listed_in_part),
        TEST(what_would_exceed_an_annotation_is_left_out_whole),
        TEST(the_first_look_is_written_whole_and_an_unchanged_one_never),
        TEST(a_gain_is_worth_a_write_at_once),
        TEST(a_gain_that_is_noise_waits),
        TEST(a_loss_is_told_within_seconds_and_a_small_one_later),
        TEST(small_losses_add_up_to_one_that_counts),
        TEST(a_loss_that_is_undone_is_forgotten),
        TEST(who_holds_a_card_is_told_at_once),
        TEST(bytes_that_pass_to_another_pod_are_told),
        TEST(the_inventory_is_written_only_when_it_changed),
        TEST(what_was_not_written_is_offered_again_and_what_was_lost_whole),
        TEST(a_step_of_the_clock_neither_writes_nor_holds_anything_up),
        TEST(a_card_that_swings_does_not_write_all_the_time),
        TEST(a_model_that_loads_and_unloads_costs_two_writes),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
