/* SPDX-License-Identifier: Apache-2.0 */
/** A machine with the played NVML (support/nvml) and a tree for /sys and /proc. */
#pragma once

#include "tree.h"
#include "unit.h"

#include <plimsoll/device.h>

#include <dlfcn.h>
#include <string.h>

#define MIB (1024ull * 1024)

#define CARD_A "GPU-aaaaaaaa-0000-0000-0000-000000000001"
#define CARD_B "GPU-bbbbbbbb-0000-0000-0000-000000000002"
#define CARD_C "GPU-cccccccc-0000-0000-0000-000000000003"

struct world {
    struct tree tree;
    char library[96]; /* a link: a driver can be exchanged below the reader */
    struct plimsoll_reader reader;
    struct plimsoll_measurement seen; /* of the last look that succeeded */
};

/* Replaces the script by rename, as the player asks for. */
static inline void play(struct world *world, const char *script)
{
    plimsoll_autofree char *fresh = tree_path(&world->tree, "script.new");
    plimsoll_autofree char *path = tree_path(&world->tree, "script");
    tree_write(&world->tree, "script.new", script);
    assert_int_equal(rename(fresh, path), 0);
    assert_int_equal(setenv("PLIMSOLL_NVML_SCRIPT", path, 1), 0);
}

/* The library that the reader finds: of level 0 … 3, or none (-1). */
static inline void install(struct world *world, int level)
{
    char target[512];
    unlink(world->library);
    if (level >= 0) {
        assert_true((size_t)snprintf(target, sizeof target, "%s/%d/libnvidia-ml.so.1",
                                     PLIMSOLL_NVML_DIR, level) < sizeof target);
        assert_int_equal(symlink(target, world->library), 0);
    }
}

static inline struct world world_of(int level, const char *script)
{
    struct world world = {.tree = tree_make()};
    snprintf(world.library, sizeof world.library, "%s/libnvidia-ml.so.1", world.tree.root);
    install(&world, level);
    play(&world, script);
    world.reader = plimsoll_reader_nvidia(
        &(struct plimsoll_reader_options){.root = world.tree.root, .nvml = world.library});
    return world;
}

static inline void world_end(struct world *world)
{
    plimsoll_measurement_clear(&world->seen);
    world->reader.close(world->reader.context);
    tree_remove(&world->tree);
}

static inline void look(struct world *world)
{
    struct plimsoll_error err = {0};
    plimsoll_measurement_clear(&world->seen);
    if (world->reader.measure(world->reader.context, &world->seen, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static inline void look_often(struct world *world, int looks)
{
    for (int i = 0; i < looks; i++) {
        look(world);
    }
}

static inline void look_fails(struct world *world, enum plimsoll_error_kind kind, const char *part)
{
    struct plimsoll_error err = {0};
    struct plimsoll_measurement seen = {.driver = "unchanged"};
    assert_int_equal(world->reader.measure(world->reader.context, &seen, &err), -1);
    assert_string_equal(seen.driver, "unchanged");
    assert_null(seen.devices);
    if (err.kind != kind || strstr(err.message, part) == NULL) {
        fail_msg("kind %d: \"%s\" does not contain \"%s\"", (int)err.kind, err.message, part);
    }
}

static inline const struct plimsoll_device *device(const struct world *world, const char *id)
{
    for (uint32_t i = 0; i < world->seen.device_count; i++) {
        if (strcmp(world->seen.devices[i].id, id) == 0) {
            return &world->seen.devices[i];
        }
    }
    fail_msg("no card %s", id);
    return NULL;
}

static inline const struct plimsoll_device_process *process(const struct plimsoll_device *card,
                                                            int32_t pid)
{
    for (uint32_t i = 0; i < card->process_count; i++) {
        if (card->processes[i].pid == pid) {
            return &card->processes[i];
        }
    }
    fail_msg("no process %d", (int)pid);
    return NULL;
}

static inline uint32_t lanes(const struct plimsoll_device *card, const char *to)
{
    for (uint32_t i = 0; i < card->link_count; i++) {
        if (strcmp(card->links[i].to, to) == 0) {
            assert_true(card->links[i].nvlink);
            return card->links[i].lanes;
        }
    }
    return 0;
}

/* How often the library that is open now was asked for `function`. */
static inline unsigned long calls(const struct world *world, const char *function)
{
    void *library = dlopen(world->library, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(library);
    unsigned long (*count)(const char *) = NULL;
    void *address = dlsym(library, "fake_nvml_calls");
    assert_non_null(address);
    memcpy(&count, &address, sizeof count);
    unsigned long found = count(function);
    dlclose(library);
    return found;
}
