/* SPDX-License-Identifier: Apache-2.0 */
/* A process may be in the lists of compute, graphics and MPS at once, and in several instances of a
 * card. Lists say the same memory again, instances have their own. */
#include "nvml_reader.h"

#include <plimsoll/own.h>

#include <stdlib.h>
#include <string.h>

/* Room to begin with, and what is added to a quarter more than the driver names: more may start. */
#define ROOM_FIRST 64
#define ROOM_SLACK 16

typedef enum nvml_result list_fn(struct nvml_handle *, uint32_t *, struct nvml_process *);
typedef enum nvml_result list_v1_fn(struct nvml_handle *, uint32_t *, struct nvml_process_v1 *);

/* What was found so far on one card. */
struct found {
    struct nvml_process *list; /* owned */
    uint32_t count, room;
    bool complete;
};

static enum nvml_result list_v1(list_v1_fn *list, struct nvml_handle *handle, uint32_t *count,
                                struct nvml_process *out)
{
    uint32_t room = *count;
    plimsoll_autofree struct nvml_process_v1 *narrow = plimsoll_alloc(room, sizeof *narrow);
    enum nvml_result result = list(handle, count, narrow);
    for (uint32_t i = 0; result == NVML_SUCCESS && i < *count && i < room; i++) {
        out[i] = (struct nvml_process){.pid = narrow[i].pid,
                                       .bytes = narrow[i].bytes,
                                       .gpu_instance = NVML_NO_INSTANCE,
                                       .compute_instance = NVML_NO_INSTANCE};
    }
    return result;
}

static void make_room(struct nvml_reader *reader, uint32_t room)
{
    room = room < PLIMSOLL_DEVICE_PROCESSES_MAX ? room : PLIMSOLL_DEVICE_PROCESSES_MAX;
    reader->processes = plimsoll_realloc(reader->processes, room, sizeof *reader->processes);
    reader->process_room = room;
}

/* One list into reader->processes. Between the driver's saying how many there are and our asking
 * again more may start, so this goes on until it fits or the ceiling is reached. */
static enum nvml_result fetch(struct nvml_reader *reader, list_fn *list, list_v1_fn *v1,
                              struct nvml_handle *handle, uint32_t *count)
{
    if (reader->process_room == 0) {
        make_room(reader, ROOM_FIRST);
    }
    for (;;) {
        uint32_t room = reader->process_room;
        *count = room;
        enum nvml_result result =
            list != NULL ? list(handle, count, reader->processes) : NVML_FUNCTION_NOT_FOUND;
        if (result == NVML_FUNCTION_NOT_FOUND && v1 != NULL) {
            *count = room; /* the library has the name, the driver not the function */
            result = list_v1(v1, handle, count, reader->processes);
        }
        if (result != NVML_INSUFFICIENT_SIZE) {
            *count = *count < room ? *count : room;
            return result;
        }
        if (room == PLIMSOLL_DEVICE_PROCESSES_MAX) {
            return result;
        }
        uint32_t wanted =
            *count < PLIMSOLL_DEVICE_PROCESSES_MAX ? *count : PLIMSOLL_DEVICE_PROCESSES_MAX;
        wanted = wanted > room ? wanted : room;
        make_room(reader, wanted + wanted / 4 + ROOM_SLACK);
    }
}

static void add(struct found *found, const struct nvml_process *list, uint32_t count)
{
    if (count == 0) {
        return;
    }
    found->list = plimsoll_realloc(found->list, found->count + count, sizeof *found->list);
    memcpy(found->list + found->count, list, count * sizeof *list);
    found->count += count;
}

/* `must`: a driver without this list tells nothing; else it has no such processes. */
static enum nvml_result gather(struct nvml_reader *reader, struct nvml_card *card, list_fn *list,
                               list_v1_fn *v1, struct nvml_handle *handle, bool must,
                               struct found *found)
{
    uint32_t count = 0;
    enum nvml_result result = NVML_FUNCTION_NOT_FOUND;
    if (list != NULL || v1 != NULL) {
        result = nvml_saw(reader, card, fetch(reader, list, v1, handle, &count));
    }
    bool without = result == NVML_NOT_SUPPORTED || result == NVML_FUNCTION_NOT_FOUND;
    if (result == NVML_SUCCESS) {
        add(found, reader->processes, count);
    } else if (must || !without) {
        found->complete = false;
    }
    return result;
}

/* @return NVML_SUCCESS, or why the list of compute processes cannot be had. */
static enum nvml_result gather_all(struct nvml_reader *reader, struct nvml_card *card,
                                   struct nvml_handle *handle, struct found *found)
{
    const struct nvml_library *nvml = &reader->library;
    enum nvml_result result = gather(reader, card, nvml->compute_processes,
                                     nvml->compute_processes_v1, handle, true, found);
    enum nvml_result graphics = gather(reader, card, nvml->graphics_processes,
                                       nvml->graphics_processes_v1, handle, false, found);
    enum nvml_result mps =
        gather(reader, card, nvml->mps_processes, nvml->mps_processes_v1, handle, false, found);
    if (result == NVML_SUCCESS && !found->complete) {
        result = graphics == NVML_SUCCESS || graphics == NVML_NOT_SUPPORTED ? mps : graphics;
    }
    return result;
}

static void say_why(struct nvml_reader *reader, const struct nvml_card *card,
                    enum nvml_result result)
{
    if (result == NVML_INSUFFICIENT_SIZE) {
        nvml_note(reader, "card %d has more than %d processes: they are not told apart",
                  card->index, PLIMSOLL_DEVICE_PROCESSES_MAX);
    } else if (card->failure == NVML_SUCCESS) {
        nvml_note(reader, "the processes of card %d cannot be read: %s", card->index,
                  nvml_result_text(result));
    }
}

static int compare_uint(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *left, const void *right)
{
    const struct nvml_process *a = left, *b = right;
    int by = compare_uint(a->pid, b->pid);
    by = by != 0 ? by : compare_uint(a->gpu_instance, b->gpu_instance);
    return by != 0 ? by : compare_uint(a->compute_instance, b->compute_instance);
}

/* The same process in another list: its memory once, and known if either list knows it. */
static uint64_t same(uint64_t a, uint64_t b)
{
    if (a == NVML_VALUE_NOT_AVAILABLE || b == NVML_VALUE_NOT_AVAILABLE) {
        return a == NVML_VALUE_NOT_AVAILABLE ? b : a;
    }
    return a > b ? a : b;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
    return a > PLIMSOLL_BYTES_UNKNOWN - b ? PLIMSOLL_BYTES_UNKNOWN : a + b;
}

static void write_processes(struct found *found, struct plimsoll_device *device)
{
    qsort(found->list, found->count, sizeof *found->list, compare);
    struct plimsoll_device_process *out = plimsoll_alloc(found->count, sizeof *out);
    uint32_t count = 0;
    for (uint32_t i = 0, next; i < found->count; i = next) {
        const struct nvml_process *first = &found->list[i];
        uint64_t bytes = first->bytes;
        for (next = i + 1; next < found->count && compare(first, &found->list[next]) == 0; next++) {
            bytes = same(bytes, found->list[next].bytes);
        }
        if (count > 0 && out[count - 1].pid == (int32_t)first->pid) {
            out[count - 1].bytes = sum(out[count - 1].bytes, bytes);
        } else {
            out[count].pid = (int32_t)first->pid;
            out[count++].bytes = bytes;
        }
    }
    if (count > PLIMSOLL_DEVICE_PROCESSES_MAX) {
        free(out);
        return;
    }
    device->processes = out;
    device->process_count = count;
}

static bool are_pids(const struct found *found)
{
    for (uint32_t i = 0; i < found->count; i++) {
        if (found->list[i].pid == 0 || found->list[i].pid > INT32_MAX) {
            return false;
        }
    }
    return true;
}

void nvml_processes_look(struct nvml_reader *reader, struct nvml_card *card,
                         struct plimsoll_device *device)
{
    if (reader->wsl) {
        nvml_note(reader, "Windows does not tell the processes of its cards apart");
        return;
    }
    struct found found = {.complete = true};
    enum nvml_result result = gather_all(reader, card, card->handle, &found);
    if (!found.complete && card->instance_count > 0 && card->failure == NVML_SUCCESS) {
        /* Of a card with MIG on the whole answers only the privileged. */
        found.count = 0;
        found.complete = true;
        for (uint32_t i = 0; i < card->instance_count && found.complete; i++) {
            result = gather_all(reader, card, card->instances[i].handle, &found);
        }
    }
    if (!found.complete) {
        say_why(reader, card, result);
    }
    if (found.complete && found.count > 0 && are_pids(&found)) {
        write_processes(&found, device);
    }
    device->processes_known = found.complete && (found.count == 0 || device->process_count > 0);
    for (uint32_t i = 0; i < device->process_count; i++) {
        device->processes[i].missing = !reader->pids_known;
    }
    free(found.list);
}
