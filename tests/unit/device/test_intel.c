/* SPDX-License-Identifier: Apache-2.0 */
#include "drm_tree.h"

#include "../../../src/device/intel_memory.h"
#include "../../../src/device/intel_uapi.h"

#define CARD   "0000:03:00.0"
#define SECOND "0000:83:00.0"

enum { SYSTEM, OWN }; /* regions have one number for both drivers */

struct region {
    uint16_t kind;
    uint64_t total, used;
};

/* What the kernel says of one render node. */
struct node {
    const char *name;
    int number;    /* an errno, instead */
    int item;      /* i915: an errno in the item, instead */
    unsigned busy; /* so many times EINTR before */
    uint32_t count_claimed;
    uint32_t size_claimed;
    const struct region *regions;
    uint32_t count;
    unsigned asked;
};

struct bench {
    struct tree tree;
    struct plimsoll_reader reader;
    struct node nodes[2];
};

static struct node *node_of(struct bench *bench, int fd)
{
    char path[64], target[256] = "";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    for (size_t i = 0; i < 2; i++) {
        if (bench->nodes[i].name != NULL && strstr(target, bench->nodes[i].name) != NULL) {
            return &bench->nodes[i];
        }
    }
    fail_msg("nobody expects %s to be asked", target);
    return NULL;
}

static int answer_xe(const struct node *node, struct xe_device_query *query)
{
    struct xe_memory_regions head = {.count = node->count_claimed > 0 ? node->count_claimed
                                                                      : node->count};
    uint32_t size = (uint32_t)(sizeof head + node->count * sizeof(struct xe_memory_region));
    assert_int_equal(query->query, XE_QUERY_MEMORY_REGIONS);
    assert_int_equal(query->extensions | query->reserved[0] | query->reserved[1], 0);
    if (query->size == 0) {
        query->size = node->size_claimed > 0 ? node->size_claimed : size;
        return 0;
    }
    assert_true(query->size >= size);
    char *out = (char *)(uintptr_t)query->data;
    memcpy(out, &head, sizeof head);
    for (uint32_t i = 0; i < node->count; i++) {
        struct xe_memory_region region = {.kind = node->regions[i].kind,
                                          .total_size = node->regions[i].total,
                                          .used = node->regions[i].used};
        memcpy(out + sizeof head + i * sizeof region, &region, sizeof region);
    }
    return 0;
}

static int answer_i915(const struct node *node, const struct i915_query *query)
{
    assert_int_equal(query->item_count, 1);
    assert_int_equal(query->flags, 0);
    struct i915_query_item *item = (struct i915_query_item *)(uintptr_t)query->items;
    struct i915_memory_regions head = {.count = node->count_claimed > 0 ? node->count_claimed
                                                                        : node->count};
    int32_t size = (int32_t)(sizeof head + node->count * sizeof(struct i915_memory_region));
    assert_int_equal(item->query, I915_QUERY_MEMORY_REGIONS);
    assert_int_equal(item->flags, 0);
    if (node->item != 0) {
        item->length = -node->item;
    } else if (item->length == 0) {
        item->length = node->size_claimed > 0 ? (int32_t)node->size_claimed : size;
    } else {
        char *out = (char *)(uintptr_t)item->data;
        memcpy(out, &head, sizeof head);
        for (uint32_t i = 0; i < node->count; i++) {
            struct i915_memory_region region = {.kind = node->regions[i].kind,
                                                .probed_size = node->regions[i].total,
                                                .unallocated_size =
                                                    node->regions[i].total - node->regions[i].used};
            memcpy(out + sizeof head + i * sizeof region, &region, sizeof region);
        }
    }
    return 0;
}

static int play(void *context, int fd, unsigned long request, void *argument)
{
    struct node *node = node_of(context, fd);
    node->asked++;
    if (node->busy > 0) {
        node->busy--;
        errno = EINTR;
        return -1;
    }
    if (node->number != 0) {
        errno = node->number;
        return -1;
    }
    if (request == XE_IOCTL_DEVICE_QUERY) {
        return answer_xe(node, argument);
    }
    assert_int_equal(request, I915_IOCTL_QUERY);
    return answer_i915(node, argument);
}

static void open_reader(struct bench *bench, bool perfmon)
{
    struct plimsoll_intel_kernel kernel = {.context = bench, .ioctl = play, .perfmon = perfmon};
    if (bench->reader.close != NULL) {
        bench->reader.close(bench->reader.context);
    }
    bench->reader = plimsoll_reader_intel_with(
        &(struct plimsoll_reader_options){.root = bench->tree.root}, &kernel);
}

static int setup(void **state)
{
    struct bench *bench = plimsoll_alloc(1, sizeof *bench);
    bench->tree = tree_make();
    tree_write(&bench->tree, "proc/meminfo", "");
    open_reader(bench, true);
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

/* A card with its render node, which the played kernel answers for. */
static struct node *add_card(struct bench *bench, size_t i, const char *driver,
                             const struct region *regions, uint32_t count)
{
    static const char *const cards[] = {"card0", "card1"}, *const addresses[] = {CARD, SECOND},
                             *const names[] = {"renderD128", "renderD129"};
    char path[128];
    drm_card(&bench->tree, cards[i], addresses[i], driver, "8086:56A0");
    snprintf(path, sizeof path, "sys/devices/pci0000:00/%s/drm/%s/dev", addresses[i], names[i]);
    tree_write(&bench->tree, path, "226:128\n");
    snprintf(path, sizeof path, "dev/dri/%s", names[i]);
    tree_write(&bench->tree, path, "");
    bench->nodes[i] = (struct node){.name = names[i], .regions = regions, .count = count};
    return &bench->nodes[i];
}

static void assert_memory(struct bench *bench, uint64_t total, uint64_t used, const char *note)
{
    struct plimsoll_measurement out;
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].total, total);
    assert_int_equal(out.devices[0].used, used);
    assert_string_equal(out.devices[0].health, "ok");
    assert_string_equal(out.note, note);
    plimsoll_measurement_clear(&out);
}

static const struct region arc[] = {{SYSTEM, 64 * DRM_GIB, 0}, {OWN, 16 * DRM_GIB, 3 * DRM_GIB}};
static const struct region arc_idle[] = {{SYSTEM, 64 * DRM_GIB, 0}, {OWN, 16 * DRM_GIB, 0}};
static const struct region tiles[] = {
    {SYSTEM, 64 * DRM_GIB, 0}, {OWN, 64 * DRM_GIB, 3 * DRM_GIB}, {OWN, 64 * DRM_GIB, 2 * DRM_GIB}};
static const struct region integrated[] = {{SYSTEM, 32 * DRM_GIB, DRM_GIB}};
static const struct region integrated_idle[] = {{SYSTEM, 32 * DRM_GIB, 0}};

static void a_machine_without_a_card_says_so(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out = {.device_count = 77};
    struct plimsoll_error err;
    drm_card(&bench->tree, "card0", CARD, "amdgpu", "1002:744C");
    drm_card(&bench->tree, "card1", SECOND, "ast", "8086:2000");
    assert_int_equal(bench->reader.measure(bench->reader.context, &out, &err), -1);
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "no Intel card with the driver xe or i915"));
    assert_int_equal(out.device_count, 77);
}

static void cards_of_both_drivers_are_measured(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(bench, 0, "xe", arc, 2);
    add_card(bench, 1, "i915", arc, 2);
    drm_value(&bench->tree, SECOND, "numa_node", "1");
    tree_write(&bench->tree, "proc/sys/kernel/osrelease", "6.12.0\n");
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.driver, "xe, Linux 6.12.0");
    assert_string_equal(out.note, "");
    assert_int_equal(out.device_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct plimsoll_device *device = &out.devices[i];
        assert_string_equal(device->id, i == 0 ? CARD : SECOND);
        assert_string_equal(device->product, "Intel GPU 56a0");
        assert_int_equal(device->vendor, PLIMSOLL_VENDOR_INTEL);
        assert_int_equal(device->index, (int32_t)i);
        assert_int_equal(device->numa, i == 0 ? -1 : 1);
        assert_int_equal(device->total, 16 * DRM_GIB);
        assert_int_equal(device->used, 3 * DRM_GIB);
        assert_false(device->unified);
        assert_true(device->processes_known);
        assert_int_equal(bench->nodes[i].asked, 2);
    }
    plimsoll_measurement_clear(&out);
}

static void tiles_are_summed(void **state)
{
    struct bench *bench = *state;
    add_card(bench, 0, "xe", tiles, 3);
    assert_memory(bench, 128 * DRM_GIB, 5 * DRM_GIB, "");
    tree_drop(&bench->tree, "sys");
    tree_drop(&bench->tree, "dev");
    add_card(bench, 0, "i915", tiles, 3);
    assert_memory(bench, 128 * DRM_GIB, 5 * DRM_GIB, "");
}

static void without_perfmon_nothing_used_is_not_believed(void **state)
{
    struct bench *bench = *state;
    static const char note[] = "Intel: bytes in use need CAP_PERFMON";
    static const char *const names[] = {"xe", "i915"};
    for (size_t i = 0; i < 2; i++) {
        add_card(bench, 0, names[i], arc_idle, 2);
        open_reader(bench, false);
        assert_memory(bench, 16 * DRM_GIB, PLIMSOLL_BYTES_UNKNOWN, note);
        open_reader(bench, true);
        assert_memory(bench, 16 * DRM_GIB, 0, "");
        tree_drop(&bench->tree, "sys");
        tree_drop(&bench->tree, "dev");
    }
    add_card(bench, 0, "xe", arc, 2); /* a kernel that tells anybody */
    open_reader(bench, false);
    assert_memory(bench, 16 * DRM_GIB, 3 * DRM_GIB, "");
}

static void integrated_graphics_live_on_the_machines_memory(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(bench, 0, "xe", integrated, 1);
    add_card(bench, 1, "i915", integrated, 1);
    drm_client(&bench->tree, 100, 7, CARD, 1,
               "drm-resident-gtt:\t2 MiB\ndrm-resident-system:\t1 MiB\ndrm-resident-stolen:\t7\n");
    drm_client(&bench->tree, 100, 8, SECOND, 1, "drm-resident-system0:\t4 MiB\n");
    drm_measure(&bench->reader, &out);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(out.devices[i].unified);
        assert_int_equal(out.devices[i].total, 32 * DRM_GIB);
        drm_assert_process(&out.devices[i], 0, 100, (i == 0 ? 3 : 4) * DRM_MIB);
    }
    assert_int_equal(out.devices[0].used, DRM_GIB);
    /* i915 does not count it, so that nobody needs a capability for it */
    assert_int_equal(out.devices[1].used, PLIMSOLL_BYTES_UNKNOWN);
    assert_string_equal(out.note, "");
    plimsoll_measurement_clear(&out);
    bench->nodes[0].regions = integrated_idle;
    open_reader(bench, false);
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].used, PLIMSOLL_BYTES_UNKNOWN);
    assert_string_equal(out.note, "Intel: bytes in use need CAP_PERFMON");
    plimsoll_measurement_clear(&out);
}

static void processes_have_what_is_resident_on_the_card(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(bench, 0, "xe", arc, 2);
    add_card(bench, 1, "i915", arc, 2);
    drm_client(&bench->tree, 100, 7, CARD, 1,
               "drm-total-system:\t8 MiB\ndrm-resident-system:\t8 MiB\ndrm-total-vram0:\t9 MiB\n"
               "drm-resident-vram0:\t2 MiB\ndrm-resident-vram1:\t1 MiB\n");
    drm_client(&bench->tree, 101, 7, SECOND, 1,
               "drm-resident-system0:\t8 MiB\ndrm-resident-local0:\t512 MiB\n"
               "drm-resident-stolen-local0:\t8 MiB\n");
    drm_measure(&bench->reader, &out);
    assert_int_equal(out.devices[0].process_count, 1);
    drm_assert_process(&out.devices[0], 0, 100, 3 * DRM_MIB);
    drm_assert_process(&out.devices[1], 0, 101, 512 * DRM_MIB);
    plimsoll_measurement_clear(&out);
}

static void an_older_i915_is_asked_by_sysfs(void **state)
{
    struct bench *bench = *state;
    struct node *node = add_card(bench, 0, "i915", arc, 2);
    static const char path[] = "sys/devices/pci0000:00/" CARD "/drm/card0/lmem_total_bytes";
    node->item = EINVAL;
    assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
    tree_write(&bench->tree, path, "8589934592\n");
    assert_memory(bench, 8 * DRM_GIB, PLIMSOLL_BYTES_UNKNOWN, "");
    tree_write(&bench->tree, "sys/devices/pci0000:00/" CARD "/drm/card0/gt/gt0/id", "0\n");
    tree_write(&bench->tree, "sys/devices/pci0000:00/" CARD "/drm/card0/gt/gt1/id", "1\n");
    assert_memory(bench, 16 * DRM_GIB, PLIMSOLL_BYTES_UNKNOWN, "");
    node->item = 0;
    node->number = ENOTTY;
    assert_memory(bench, 16 * DRM_GIB, PLIMSOLL_BYTES_UNKNOWN, "");
    tree_write(&bench->tree, path, "18446744073709551615\n");
    assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
    tree_write(&bench->tree, path, "0\n"); /* integrated */
    assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
}

static void a_card_that_does_not_answer_is_lost(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    struct node *node = add_card(bench, 0, "xe", arc, 2);
    static const int numbers[] = {EIO, ENODEV, ENXIO};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        node->number = numbers[i];
        drm_measure(&bench->reader, &out);
        assert_string_equal(out.devices[0].health, "lost");
        assert_string_equal(out.devices[0].id, CARD);
        assert_int_equal(out.devices[0].total, 0);
        plimsoll_measurement_clear(&out);
    }
    node->number = 0;
    assert_memory(bench, 16 * DRM_GIB, 3 * DRM_GIB, "");
}

static void assert_health(struct bench *bench, const char *health, uint64_t total)
{
    struct plimsoll_measurement out;
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.devices[0].health, health);
    assert_int_equal(out.devices[0].total, total);
    plimsoll_measurement_clear(&out);
}

static void a_card_that_the_driver_has_given_up_is_told(void **state)
{
    struct bench *bench = *state;
    struct node *node = add_card(bench, 0, "xe", arc, 2);
    drm_value(&bench->tree, CARD, "gpu_health", "warning");
    assert_health(bench, "ok", 16 * DRM_GIB);
    drm_value(&bench->tree, CARD, "gpu_health", "critical");
    assert_health(bench, "critical", 16 * DRM_GIB);
    drm_value(&bench->tree, CARD, "gpu_health", "ok");
    node->number = ECANCELED;
    assert_health(bench, "wedged", 0);
    drm_value(&bench->tree, CARD, "survivability_mode", "Survivability mode type: Runtime");
    assert_health(bench, "survivability mode", 0);
    /* flashed, and bound anew */
    tree_drop(&bench->tree, "sys/devices/pci0000:00/" CARD "/survivability_mode");
    node->number = 0;
    assert_health(bench, "ok", 16 * DRM_GIB);
}

static void the_device_plugin_knows_cards_by_their_nodes(void **state)
{
    struct bench *bench = *state;
    struct plimsoll_measurement out;
    add_card(bench, 0, "xe", arc, 2);
    add_card(bench, 1, "i915", arc, 2);
    drm_measure(&bench->reader, &out);
    assert_string_equal(out.devices[0].plugin_id, "card0");
    assert_string_equal(out.devices[1].plugin_id, "card1");
    plimsoll_measurement_clear(&out);
}

static void a_busy_kernel_is_asked_again_but_not_for_ever(void **state)
{
    struct bench *bench = *state;
    struct node *node = add_card(bench, 0, "xe", arc, 2);
    node->busy = 3;
    assert_memory(bench, 16 * DRM_GIB, 3 * DRM_GIB, "");
    node->busy = UINT32_MAX;
    assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
    assert_true(node->asked < 100);
}

static void a_node_that_cannot_be_opened_is_said(void **state)
{
    struct bench *bench = *state;
    add_card(bench, 0, "xe", arc, 2);
    tree_drop(&bench->tree, "dev/dri/renderD128");
    assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN,
                  "Intel: /dev/dri/renderD128 cannot be opened (No such file or directory): memory "
                  "is not known");
    /* without any render node there is none to be opened */
    tree_drop(&bench->tree, "sys/devices/pci0000:00/" CARD "/drm/renderD128");
    assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
}

static void answers_that_make_no_sense_are_not_believed(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {"xe", "i915"};
    for (size_t i = 0; i < 2; i++) {
        struct node *node = add_card(bench, 0, names[i], arc, 2);
        node->count_claimed = 3; /* more than there is room for */
        assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
        node->count_claimed = UINT32_MAX;
        assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
        node->count_claimed = 0;
        node->size_claimed = 4;
        assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
        node->size_claimed = PLIMSOLL_INTEL_ANSWER_BYTES_MAX + 1;
        assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
        node->size_claimed = PLIMSOLL_INTEL_ANSWER_BYTES_MAX;
        assert_memory(bench, 16 * DRM_GIB, 3 * DRM_GIB, "");
        node->size_claimed = 0;
        node->count = 0; /* no regions at all */
        assert_memory(bench, 0, PLIMSOLL_BYTES_UNKNOWN, "");
        tree_drop(&bench->tree, "sys");
        tree_drop(&bench->tree, "dev");
    }
}

static void sums_do_not_overflow(void **state)
{
    struct bench *bench = *state;
    static const struct region huge[] = {{OWN, UINT64_MAX, UINT64_MAX - 1},
                                         {OWN, UINT64_MAX, UINT64_MAX - 1}};
    static const struct region more_free[] = {{OWN, DRM_GIB, UINT64_MAX}}; /* free = total + 1 */
    add_card(bench, 0, "xe", huge, 2);
    assert_memory(bench, INT64_MAX, INT64_MAX, "");
    tree_drop(&bench->tree, "sys");
    tree_drop(&bench->tree, "dev");
    add_card(bench, 0, "i915", more_free, 1);
    assert_memory(bench, DRM_GIB, PLIMSOLL_BYTES_UNKNOWN, "");
}

/* On a machine without such a card, or with one: it answers. */
static void the_machine_itself_can_be_asked(void **state)
{
    (void)state;
    struct plimsoll_reader reader =
        plimsoll_reader_intel(&(struct plimsoll_reader_options){.root = ""});
    struct plimsoll_measurement out;
    struct plimsoll_error err = {0};
    assert_string_equal(reader.name, "intel");
    if (reader.measure(reader.context, &out, &err) == 0) {
        assert_true(out.device_count > 0);
        plimsoll_measurement_clear(&out);
    } else {
        assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    }
    reader.close(reader.context);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_machine_without_a_card_says_so),
        TEST(cards_of_both_drivers_are_measured),
        TEST(tiles_are_summed),
        TEST(without_perfmon_nothing_used_is_not_believed),
        TEST(integrated_graphics_live_on_the_machines_memory),
        TEST(processes_have_what_is_resident_on_the_card),
        TEST(an_older_i915_is_asked_by_sysfs),
        TEST(a_card_that_does_not_answer_is_lost),
        TEST(a_card_that_the_driver_has_given_up_is_told),
        TEST(the_device_plugin_knows_cards_by_their_nodes),
        TEST(a_busy_kernel_is_asked_again_but_not_for_ever),
        TEST(a_node_that_cannot_be_opened_is_said),
        TEST(answers_that_make_no_sense_are_not_believed),
        TEST(sums_do_not_overflow),
        cmocka_unit_test(the_machine_itself_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
