/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include "files.h"

struct reader {
    char *path;                       /* owned */
    struct plimsoll_file_stamp stamp; /* of what `fake` or `failure` come from */
    struct plimsoll_fake fake;
    struct plimsoll_error failure; /* the file is wrong, until it is another */
};

/* memcpy of nothing may come from nowhere. */
static void *copy_list(const void *list, size_t count, size_t size)
{
    if (count == 0) {
        return NULL;
    }
    void *copy = plimsoll_alloc(count, size);
    memcpy(copy, list, count * size);
    return copy;
}

static void copy_measurement(const struct plimsoll_measurement *from,
                             struct plimsoll_measurement *to)
{
    *to = *from;
    to->devices = copy_list(from->devices, from->device_count, sizeof *from->devices);
    for (uint32_t i = 0; i < to->device_count; i++) {
        struct plimsoll_device *device = &to->devices[i];
        device->processes =
            copy_list(device->processes, device->process_count, sizeof *device->processes);
        device->links = copy_list(device->links, device->link_count, sizeof *device->links);
        device->mig = copy_list(device->mig, device->mig_count, sizeof *device->mig);
    }
}

/* Takes in what the file says now; one that is wrong replaces what was read before. */
static int refresh(struct reader *reader, struct plimsoll_error *err)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_FAKE_BYTES_MAX);
    int state = plimsoll_device_file(reader->path, &text, &reader->stamp, err);
    if (state < 0) {
        /* A file that is just being replaced is no machine without cards. */
        err->kind =
            err->kind == PLIMSOLL_ERR_TOO_LARGE ? PLIMSOLL_ERR_INVALID : PLIMSOLL_ERR_UNAVAILABLE;
        return -1;
    }
    if (state == 0) {
        return 0;
    }
    plimsoll_measurement_clear(&reader->fake.measurement);
    reader->failure = (struct plimsoll_error){0};
    if (plimsoll_fake_parse(plimsoll_text_span(&text), reader->path, &reader->fake,
                            &reader->failure) < 0) {
        reader->fake = (struct plimsoll_fake){0};
    }
    return 0;
}

static int measure(void *context, struct plimsoll_measurement *measurement,
                   struct plimsoll_error *err)
{
    struct reader *reader = context;
    const struct plimsoll_fake *fake = &reader->fake;
    if (refresh(reader, err) < 0) {
        return -1;
    }
    if (reader->failure.kind != PLIMSOLL_ERR_NONE) {
        *err = reader->failure;
        return -1;
    }
    if (fake->unavailable[0] != '\0') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s: %s", reader->path,
                                  fake->unavailable);
    }
    if (fake->measurement.device_count == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s: no cards", reader->path);
    }
    copy_measurement(&fake->measurement, measurement);
    return 0;
}

static void close_reader(void *context)
{
    struct reader *reader = context;
    plimsoll_measurement_clear(&reader->fake.measurement);
    free(reader->path);
    free(reader);
}

struct plimsoll_reader plimsoll_reader_fake(const char *path)
{
    struct reader *reader = plimsoll_alloc(1, sizeof *reader);
    reader->path = plimsoll_copy(path, strlen(path));
    return (struct plimsoll_reader){
        .name = "fake", .context = reader, .measure = measure, .close = close_reader};
}
