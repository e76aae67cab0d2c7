/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/device.h>
#include <plimsoll/own.h>

#include <stdlib.h>
#include <string.h>

static void clear_device(struct plimsoll_device *device)
{
    free(device->processes);
    free(device->links);
    free(device->mig);
    *device = (struct plimsoll_device){0};
}

void plimsoll_measurement_clear(struct plimsoll_measurement *measurement)
{
    for (uint32_t i = 0; i < measurement->device_count; i++) {
        clear_device(&measurement->devices[i]);
    }
    free(measurement->devices);
    *measurement = (struct plimsoll_measurement){0};
}

void plimsoll_measurement_append(struct plimsoll_measurement *to, struct plimsoll_measurement *from)
{
    uint32_t room = PLIMSOLL_CARDS_MAX - to->device_count;
    uint32_t count = from->device_count < room ? from->device_count : room;
    to->devices = plimsoll_realloc(to->devices, to->device_count + count, sizeof *to->devices);
    for (uint32_t i = 0; i < count; i++) {
        to->devices[to->device_count++] = from->devices[i]; /* handed over */
        from->devices[i] = (struct plimsoll_device){0};
    }
    if (to->driver[0] == '\0') {
        memcpy(to->driver, from->driver, sizeof to->driver);
    }
    if (to->note[0] == '\0') {
        memcpy(to->note, from->note, sizeof to->note);
    }
    plimsoll_measurement_clear(from);
}
