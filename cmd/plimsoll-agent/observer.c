/* SPDX-License-Identifier: Apache-2.0 */
#include "observer.h"

#include "owners.h"

#include <plimsoll/clock.h>

#include <string.h>

#define READERS_MAX 3
/* A driver may stumble; after so many looks in a row its cards are no place for a new pod. */
#define FAILURES_MAX 3

/* A reader and what it last saw. */
struct eye {
    struct plimsoll_reader reader;
    struct plimsoll_measurement last;
    struct plimsoll_error failed; /* kind NONE: the last look was good */
    unsigned failures;            /* in a row */
    bool looked, seen;            /* ever; `seen`: cards */
    char note[160];               /* as last logged */
};

struct plimsoll_observer {
    const struct plimsoll_agent_options *options;
    struct eye eyes[READERS_MAX];
    size_t eye_count;
    struct plimsoll_owners *owners;
    struct plimsoll_resources resources;
    struct plimsoll_checkpoint checkpoint;
    struct plimsoll_error checkpoint_failed; /* kind NONE: it was read */
    struct plimsoll_measurement all; /* its devices are borrowed from the eyes' last looks */
    struct plimsoll_error trouble;
};

struct plimsoll_observer *plimsoll_observer_new(const struct plimsoll_agent_options *options)
{
    struct plimsoll_observer *observer = plimsoll_alloc(1, sizeof *observer);
    struct plimsoll_reader_options where = {.root = options->root, .nvml = options->nvml};
    const char *reader = options->reader;
    bool every = strcmp(reader, "auto") == 0;
    observer->options = options;
    if (strncmp(reader, "fake:", 5) == 0) {
        observer->eyes[observer->eye_count++].reader = plimsoll_reader_fake(reader + 5);
    }
    if (every || strcmp(reader, "nvidia") == 0) {
        observer->eyes[observer->eye_count++].reader = plimsoll_reader_nvidia(&where);
    }
    if (every || strcmp(reader, "amd") == 0) {
        observer->eyes[observer->eye_count++].reader = plimsoll_reader_amd(&where);
    }
    if (every || strcmp(reader, "intel") == 0) {
        observer->eyes[observer->eye_count++].reader = plimsoll_reader_intel(&where);
    }
    observer->owners = plimsoll_owners_new(options->root);
    observer->resources = (struct plimsoll_resources){options->resources, options->resource_count};
    observer->all.devices = plimsoll_alloc(PLIMSOLL_CARDS_MAX, sizeof *observer->all.devices);
    return observer;
}

void plimsoll_observer_free(struct plimsoll_observer **handle)
{
    struct plimsoll_observer *observer = PLIMSOLL_TAKE(*handle);
    if (observer == NULL) {
        return;
    }
    for (size_t i = 0; i < observer->eye_count; i++) {
        plimsoll_measurement_clear(&observer->eyes[i].last);
        observer->eyes[i].reader.close(observer->eyes[i].reader.context);
    }
    plimsoll_owners_free(&observer->owners);
    plimsoll_checkpoint_clear(&observer->checkpoint);
    free(observer->all.devices); /* what they own was the eyes' */
    free(observer);
}

const char *plimsoll_observer_trouble(const struct plimsoll_observer *observer)
{
    return observer->trouble.message;
}

/* -- readers ----------------------------------------------------------------------------------- */

/* A vendor without cards here is the usual thing when all are looked for. */
static enum plimsoll_log_level level_of(const struct plimsoll_observer *observer,
                                        const struct eye *eye, const struct plimsoll_error *err)
{
    bool absent = err->kind == PLIMSOLL_ERR_NOT_FOUND && !eye->seen && observer->eye_count > 1;
    return absent ? PLIMSOLL_LOG_DEBUG : PLIMSOLL_LOG_WARN;
}

static void note_failure(const struct plimsoll_observer *observer, struct eye *eye,
                         const struct plimsoll_error *err)
{
    if (eye->failed.kind != err->kind || strcmp(eye->failed.message, err->message) != 0) {
        plimsoll_log(level_of(observer, eye, err), "cards are not measured",
                     PLIMSOLL_STR("reader", eye->reader.name), PLIMSOLL_STR("err", err->message));
    }
    eye->failed = *err;
    eye->failures++;
    for (uint32_t i = 0; eye->failures >= FAILURES_MAX && i < eye->last.device_count; i++) {
        struct plimsoll_device *device = &eye->last.devices[i];
        if (strcmp(device->health, "ok") == 0) {
            strcpy(device->health, "not measured");
        }
    }
}

static void note_success(struct eye *eye)
{
    if (eye->failed.kind != PLIMSOLL_ERR_NONE || !eye->looked) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "cards are measured",
                     PLIMSOLL_STR("reader", eye->reader.name),
                     PLIMSOLL_STR("driver", eye->last.driver),
                     PLIMSOLL_INT("cards", eye->last.device_count));
    }
    if (strcmp(eye->note, eye->last.note) != 0) {
        memcpy(eye->note, eye->last.note, sizeof eye->note);
        plimsoll_log(PLIMSOLL_LOG_INFO, "what the reader says",
                     PLIMSOLL_STR("reader", eye->reader.name), PLIMSOLL_STR("note", eye->note));
    }
    eye->failed = (struct plimsoll_error){0};
    eye->failures = 0;
    eye->looked = true;
    eye->seen = eye->seen || eye->last.device_count > 0;
}

static void look_with(const struct plimsoll_observer *observer, struct eye *eye)
{
    struct plimsoll_measurement measurement = {0};
    struct plimsoll_error err = {0};
    if (eye->reader.measure(eye->reader.context, &measurement, &err) != 0) {
        note_failure(observer, eye, &err);
        return;
    }
    plimsoll_measurement_clear(&eye->last);
    eye->last = measurement;
    note_success(eye);
}

/* Every reader has its own reason. */
static void explain_nothing(struct plimsoll_observer *observer)
{
    plimsoll_autotext reasons = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    for (size_t i = 0; i < observer->eye_count; i++) {
        const struct eye *eye = &observer->eyes[i];
        plimsoll_text_add_format(&reasons, "%s%s: %s", i > 0 ? "; " : "", eye->reader.name,
                                 eye->failed.kind != PLIMSOLL_ERR_NONE ? eye->failed.message
                                                                       : "no cards");
    }
    plimsoll_error_set(&observer->trouble, PLIMSOLL_ERR_NOT_FOUND, "no cards here: %s",
                       reasons.data != NULL ? reasons.data : "");
}

/* @return as plimsoll_observer_look */
static int look_with_all(struct plimsoll_observer *observer, struct plimsoll_error *err)
{
    struct plimsoll_measurement *all = &observer->all;
    bool seen = false;
    observer->trouble = (struct plimsoll_error){0};
    all->device_count = 0;
    all->driver[0] = '\0';
    for (size_t i = 0; i < observer->eye_count; i++) {
        struct eye *eye = &observer->eyes[i];
        look_with(observer, eye);
        seen = seen || eye->seen;
        if (eye->failed.kind != PLIMSOLL_ERR_NONE && (eye->seen || observer->eye_count == 1)) {
            observer->trouble = eye->failed;
        }
        if (all->driver[0] == '\0') {
            memcpy(all->driver, eye->last.driver, sizeof all->driver);
        }
        for (uint32_t k = 0; k < eye->last.device_count && all->device_count < PLIMSOLL_CARDS_MAX;
             k++) {
            all->devices[all->device_count++] = eye->last.devices[k];
        }
    }
    if (!seen) {
        explain_nothing(observer);
        *err = observer->trouble;
        return -1;
    }
    return observer->trouble.kind == PLIMSOLL_ERR_NONE ? 0 : 1;
}

/* -- the kubelet ------------------------------------------------------------------------------- */

static const struct plimsoll_checkpoint *read_checkpoint(struct plimsoll_observer *observer)
{
    struct plimsoll_error err = {0};
    bool failed = plimsoll_checkpoint_read(observer->options->kubelet_root, &observer->resources,
                                           &observer->checkpoint, &err) != 0;
    if (failed && strcmp(err.message, observer->checkpoint_failed.message) != 0) {
        plimsoll_log(PLIMSOLL_LOG_WARN, "holders of the cards are not known",
                     PLIMSOLL_STR("err", err.message));
    } else if (!failed && observer->checkpoint_failed.kind != PLIMSOLL_ERR_NONE) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "holders of the cards are known",
                     PLIMSOLL_INT("holders", observer->checkpoint.holder_count));
    }
    observer->checkpoint_failed = err;
    return failed ? NULL : &observer->checkpoint;
}

/*
 * The NVIDIA runtime lets a container without privileges see cards only for this variable (with CDI
 * it then sets it to `void`). So an agent that has it and sees cards proves that the runtime
 * honours it. The contrary cannot be seen from here: such a container is not even started.
 */
static enum plimsoll_trilean what_env_proves(const struct plimsoll_measurement *measurement)
{
    const char *visible = getenv("NVIDIA_VISIBLE_DEVICES");
    bool asked = visible != NULL && visible[0] != '\0' && strcmp(visible, "none") != 0;
    for (uint32_t i = 0; i < measurement->device_count && asked; i++) {
        if (measurement->devices[i].vendor == PLIMSOLL_VENDOR_NVIDIA) {
            return PLIMSOLL_YES;
        }
    }
    return PLIMSOLL_UNKNOWN;
}

int plimsoll_observer_look(struct plimsoll_observer *observer, struct plimsoll_look *look,
                           struct plimsoll_error *err)
{
    int result = look_with_all(observer, err);
    if (result < 0) {
        return -1;
    }
    bool fake = strncmp(observer->options->reader, "fake:", 5) == 0;
    if (observer->options->attribution) {
        plimsoll_owners_find(observer->owners, &observer->all);
    }
    *look = (struct plimsoll_look){
        .measurement = &observer->all,
        .checkpoint = read_checkpoint(observer),
        .attribution = observer->options->attribution,
        .env = fake ? PLIMSOLL_UNKNOWN : what_env_proves(&observer->all),
        .time_unix_ms = plimsoll_clock_unix_ms(),
    };
    return result;
}
