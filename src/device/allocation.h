/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How a device plugin handed a container its devices: the ContainerAllocateResponse of the device
 * plugin API v1beta1, a protobuf message of
 *
 *     map<string, string> envs = 1;  repeated Mount mounts = 2;  repeated DeviceSpec devices = 3;
 *     map<string, string> annotations = 4;  repeated CDIDevice cdi_devices = 5;
 *
 * of which only what tells the way is looked at. Pure.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/node.h>
#include <plimsoll/span.h>

struct plimsoll_allocation {
    bool env;    /* NVIDIA_VISIBLE_DEVICES names cards */
    bool nodes;  /* device nodes */
    bool mounts; /* /var/run/nvidia-container-devices/ID */
    bool cdi;    /* CDI names, as a field or as annotations */
};

/** @return 0, or -1 with PLIMSOLL_ERR_INVALID: no such message, at which byte. */
int plimsoll_allocation_read(struct plimsoll_span message, struct plimsoll_allocation *out,
                             struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The one way, or ENV_NODES for several at once; UNKNOWN for none. */
enum plimsoll_device_list
plimsoll_allocation_device_list(const struct plimsoll_allocation *allocation);
