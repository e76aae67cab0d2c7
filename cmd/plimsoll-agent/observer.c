/* SPDX-License-Identifier: Apache-2.0 */
#include "observer.h"

#include "owners.h"

#include <plimsoll/clock.h>
#include <plimsoll/runtime.h>

#include <assert.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

#define READERS_MAX 3
/* A driver may stumble; after so many looks in a row its cards are no place for a new pod. */
#define FAILURES_MAX 3
#define NOT_MEASURED "not measured"

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
    unsigned missing_looks; /* in a row with a process that is not to be seen */
    struct plimsoll_resources resources;
    struct plimsoll_checkpoint checkpoint;
    struct plimsoll_error checkpoint_failed; /* kind NONE: it was read */
    struct plimsoll_measurement all; /* its devices are borrowed from the eyes' last looks */
    struct plimsoll_error trouble;
    char nothing[PLIMSOLL_ERROR_MESSAGE_SIZE]; /* why there are no cards, as last logged */
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
            memcpy(device->health, NOT_MEASURED, sizeof NOT_MEASURED);
        }
    }
}

static const struct plimsoll_device *find_device(const struct plimsoll_measurement *measurement,
                                                 const char *id)
{
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        if (strcmp(measurement->devices[i].id, id) == 0) {
            return &measurement->devices[i];
        }
    }
    return NULL;
}

static void note_health(const struct eye *eye, const struct plimsoll_device *device,
                        const char *before)
{
    bool good = strcmp(device->health, "ok") == 0;
    if (strcmp(before, device->health) == 0 || (good && strcmp(before, NOT_MEASURED) == 0)) {
        return; /* the latter is said of all cards at once */
    }
    plimsoll_log(good ? PLIMSOLL_LOG_INFO : PLIMSOLL_LOG_WARN,
                 good ? "a card is healthy again" : "a card is not healthy",
                 PLIMSOLL_STR("reader", eye->reader.name), PLIMSOLL_STR("card", device->id),
                 PLIMSOLL_INT("index", device->index), PLIMSOLL_STR("health", device->health));
}

/* What became of the cards since the last look. */
static void note_cards(const struct eye *eye, const struct plimsoll_measurement *now)
{
    assert(now->devices != NULL || now->device_count == 0);
    for (uint32_t i = 0; i < now->device_count; i++) {
        const struct plimsoll_device *device = &now->devices[i];
        const struct plimsoll_device *before = find_device(&eye->last, device->id);
        if (before == NULL && eye->seen) {
            plimsoll_log(PLIMSOLL_LOG_INFO, "a card has come",
                         PLIMSOLL_STR("reader", eye->reader.name),
                         PLIMSOLL_STR("card", device->id));
        }
        note_health(eye, device, before != NULL ? before->health : "ok");
    }
    for (uint32_t i = 0; i < eye->last.device_count; i++) {
        if (find_device(now, eye->last.devices[i].id) == NULL) {
            plimsoll_log(PLIMSOLL_LOG_WARN, "a card has gone",
                         PLIMSOLL_STR("reader", eye->reader.name),
                         PLIMSOLL_STR("card", eye->last.devices[i].id));
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
        plimsoll_log(PLIMSOLL_LOG_INFO,
                     eye->note[0] != '\0' ? "what the reader says" : "what it said is over",
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
    note_cards(eye, &measurement);
    plimsoll_measurement_clear(&eye->last);
    eye->last = measurement;
    note_success(eye);
}

/* Every reader has its own reason, and of those that are looked for together none said it. */
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
    if (observer->eye_count > 1 && strcmp(observer->trouble.message, observer->nothing) != 0) {
        memcpy(observer->nothing, observer->trouble.message, sizeof observer->nothing);
        plimsoll_log(PLIMSOLL_LOG_WARN, "no cards are measured",
                     PLIMSOLL_STR("err", observer->trouble.message));
    }
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

/* The driver names the host's processes. One that has just ended is missed once; who misses them
 * all the time does not see the host's. */
static void find_owners(struct plimsoll_observer *observer)
{
    int32_t missing = plimsoll_owners_find(observer->owners, &observer->all);
    if (missing != 0 && ++observer->missing_looks == FAILURES_MAX) {
        plimsoll_log(PLIMSOLL_LOG_WARN, "whose the processes are is not known",
                     PLIMSOLL_INT("pid", missing),
                     PLIMSOLL_STR("err", "the host's processes are not to be seen here: hostPID is "
                                         "not set, or the node is itself a container"));
    } else if (missing == 0 && observer->missing_looks >= FAILURES_MAX) {
        plimsoll_log(PLIMSOLL_LOG_INFO, "whose the processes are is known",
                     PLIMSOLL_INT("cards", observer->all.device_count));
    }
    observer->missing_looks = missing != 0 ? observer->missing_looks : 0;
}

static bool sees_nvidia(const struct plimsoll_measurement *measurement)
{
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        if (measurement->devices[i].vendor == PLIMSOLL_VENDOR_NVIDIA) {
            return true;
        }
    }
    return false;
}

/* What is known of NVIDIA_VISIBLE_DEVICES on this node: what this process proves, else what the
 * toolkit is told to refuse. That it is told to accept does not prove that it runs. */
static enum plimsoll_trilean know_env(const struct plimsoll_observer *observer)
{
    struct plimsoll_runtime_seen seen = {
        .visible_devices = getenv("NVIDIA_VISIBLE_DEVICES"),
        .cards = sees_nvidia(&observer->all),
        .privileged = prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1,
        .mounts = access("/var/run/nvidia-container-devices", F_OK) == 0};
    enum plimsoll_trilean proven = plimsoll_runtime_proves(&seen);
    if (!seen.cards || proven == PLIMSOLL_YES) {
        return proven;
    }
    enum plimsoll_trilean told = plimsoll_runtime_configured(observer->options->root);
    return told == PLIMSOLL_NO ? PLIMSOLL_NO : PLIMSOLL_UNKNOWN;
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
        find_owners(observer);
    }
    *look = (struct plimsoll_look){
        .measurement = &observer->all,
        .checkpoint = read_checkpoint(observer),
        .attribution = observer->options->attribution,
        .env = fake ? PLIMSOLL_UNKNOWN : know_env(observer),
        .time_unix_ms = plimsoll_clock_unix_ms(),
    };
    return result;
}
