/* SPDX-License-Identifier: Apache-2.0 */
#include "owners.h"

#include <plimsoll/attribution.h>

#include <stdlib.h>

/* A process that stays on a card from look to look is the same one, or a number was used again
 * within two seconds: so it is asked again now and then. */
#define LOOKS_MAX 30

struct owner {
    int32_t pid;
    struct plimsoll_uid pod; /* "": none's */
    bool missing;            /* no such process is to be seen here */
    unsigned looks;          /* since it was asked */
};

struct plimsoll_owners {
    const char *root;
    struct owner *known; /* owned; of the last look, by pid */
    size_t count;
};

struct plimsoll_owners *plimsoll_owners_new(const char *root)
{
    struct plimsoll_owners *owners = plimsoll_alloc(1, sizeof *owners);
    owners->root = root;
    return owners;
}

void plimsoll_owners_free(struct plimsoll_owners **handle)
{
    struct plimsoll_owners *owners = PLIMSOLL_TAKE(*handle);
    if (owners != NULL) {
        free(owners->known);
        free(owners);
    }
}

static int compare(const void *a, const void *b)
{
    int32_t one = ((const struct owner *)a)->pid, other = ((const struct owner *)b)->pid;
    return (one > other) - (one < other);
}

static struct owner find(const struct plimsoll_owners *owners, int32_t pid)
{
    struct owner owner = {.pid = pid};
    const struct owner *known =
        owners->count > 0 ? bsearch(&owner, owners->known, owners->count, sizeof owner, compare)
                          : NULL;
    if (known != NULL && known->looks < LOOKS_MAX && !known->missing) {
        owner = *known;
        owner.looks++;
    } else {
        owner.missing = plimsoll_attribution_pod(owners->root, pid, &owner.pod) == PLIMSOLL_UNKNOWN;
    }
    return owner;
}

int32_t plimsoll_owners_find(struct plimsoll_owners *owners,
                             struct plimsoll_measurement *measurement)
{
    size_t room = 0, count = 0;
    int32_t missing = 0;
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        room += measurement->devices[i].process_count;
    }
    struct owner *now = plimsoll_alloc(room > 0 ? room : 1, sizeof *now);
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        struct plimsoll_device *device = &measurement->devices[i];
        for (uint32_t k = 0; k < device->process_count; k++) {
            struct plimsoll_device_process *process = &device->processes[k];
            if (process->pod.text[0] == '\0' && process->pid > 0 && !process->missing) {
                now[count] = find(owners, process->pid);
                process->missing = now[count].missing;
                process->pod = now[count++].pod;
            }
            missing = process->missing ? process->pid : missing;
        }
    }
    qsort(now, count, sizeof *now, compare);
    free(owners->known);
    owners->known = now;
    owners->count = count;
    return missing;
}
