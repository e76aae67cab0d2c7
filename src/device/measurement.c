/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/device.h>

#include <stdlib.h>

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
