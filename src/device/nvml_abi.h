/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is used of NVML's binary interface: results, structs and the functions' types, as the
 * library of every driver since R418 has them on 64-bit Linux. The library is opened at run time;
 * none of its headers is needed to build.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Results; others are failures without a meaning of their own here. */
enum nvml_result {
    NVML_SUCCESS = 0,
    NVML_UNINITIALIZED = 1,
    NVML_INVALID_ARGUMENT = 2,
    NVML_NOT_SUPPORTED = 3,
    NVML_NO_PERMISSION = 4,
    NVML_NOT_FOUND = 6,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_INSUFFICIENT_POWER = 8,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_TIMEOUT = 10,
    NVML_IRQ_ISSUE = 11,
    NVML_LIBRARY_NOT_FOUND = 12,
    NVML_FUNCTION_NOT_FOUND = 13,
    NVML_CORRUPTED_INFOROM = 14,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_LIB_RM_VERSION_MISMATCH = 18,
    NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NVML_GPU_NOT_FOUND = 28,
    NVML_UNKNOWN = 999, /* also keeps the type as wide as the library's */
};

struct nvml_handle;    /* a card or a MIG instance, until shutdown */
struct nvml_event_set; /* events of the cards registered with it */

/** Bytes, and instances of a process, that the driver does not tell. */
#define NVML_VALUE_NOT_AVAILABLE UINT64_MAX
#define NVML_NO_INSTANCE         UINT32_MAX

#define NVML_TEXT_SIZE 96 /* the longest of UUID, name and version */

struct nvml_memory {
    uint64_t total, free, used;
};

#define NVML_MEMORY_V2 (sizeof(struct nvml_memory_v2) | 2u << 24)
struct nvml_memory_v2 {
    uint32_t version; /* NVML_MEMORY_V2 before the call */
    uint64_t total, reserved, free, used;
};

struct nvml_process_v1 {
    uint32_t pid;
    uint64_t bytes;
};

struct nvml_process { /* of the calls _v2 and _v3 */
    uint32_t pid;
    uint64_t bytes;
    uint32_t gpu_instance, compute_instance;
};

struct nvml_pci {
    char legacy_id[16];
    uint32_t domain, bus, device, device_id, subsystem_id;
    char id[32];
};

struct nvml_attributes { /* of a MIG instance */
    uint32_t multiprocessors, copy, decoder, encoder, jpeg, ofa;
    uint32_t gpu_slices, compute_slices;
    uint64_t memory_mib;
};

#define NVML_ADDRESSING_V1 (sizeof(struct nvml_addressing) | 1u << 24)
enum { NVML_ADDRESSING_ATS = 2 }; /* the operating system has the memory as a NUMA node */
struct nvml_addressing {
    uint32_t version; /* NVML_ADDRESSING_V1 before the call */
    uint32_t mode;
};

#define NVML_EVENT_XID 0x8u
struct nvml_event {
    struct nvml_handle *device;
    uint64_t type;
    uint64_t data; /* the Xid */
    uint32_t gpu_instance, compute_instance;
};

#define NVML_FIELD_RECOVERY_ACTION 230
struct nvml_field {
    uint32_t id, scope;
    int64_t timestamp, latency;
    uint32_t type;
    uint32_t result; /* enum nvml_result of this field */
    union {
        double real;
        uint32_t u32;
        uint64_t u64;
    } value;
};

enum { NVML_ECC_UNCORRECTED = 1, NVML_ECC_VOLATILE = 0 };
enum { NVML_LINK_TO_GPU = 0, NVML_LINK_TO_SWITCH = 2, NVML_LINK_TO_UNKNOWN = 0xff };
enum { NVML_COMPUTE_PROHIBITED = 2 };

_Static_assert(sizeof(enum nvml_result) == 4, "a result is an int");
_Static_assert(sizeof(struct nvml_memory) == 24, "nvmlMemory_t");
_Static_assert(sizeof(struct nvml_memory_v2) == 40, "nvmlMemory_v2_t");
_Static_assert(offsetof(struct nvml_memory_v2, total) == 8, "nvmlMemory_v2_t");
_Static_assert(NVML_MEMORY_V2 == 0x02000028, "the version holds the size");
_Static_assert(NVML_ADDRESSING_V1 == 0x01000008, "nvmlDeviceAddressingMode_t");
_Static_assert(sizeof(struct nvml_process_v1) == 16, "nvmlProcessInfo_v1_t");
_Static_assert(sizeof(struct nvml_process) == 24, "nvmlProcessInfo_t");
_Static_assert(offsetof(struct nvml_process, gpu_instance) == 16, "nvmlProcessInfo_t");
_Static_assert(sizeof(struct nvml_pci) == 68, "nvmlPciInfo_t");
_Static_assert(offsetof(struct nvml_pci, id) == 36, "nvmlPciInfo_t");
_Static_assert(sizeof(struct nvml_attributes) == 40, "nvmlDeviceAttributes_t");
_Static_assert(offsetof(struct nvml_attributes, memory_mib) == 32, "nvmlDeviceAttributes_t");
_Static_assert(sizeof(struct nvml_event) == 32, "nvmlEventData_t");
_Static_assert(offsetof(struct nvml_event, gpu_instance) == 24, "nvmlEventData_t");
_Static_assert(sizeof(struct nvml_field) == 40, "nvmlFieldValue_t");
_Static_assert(offsetof(struct nvml_field, value) == 32, "nvmlFieldValue_t");

/* The functions: member here, its parameters, needed or not, then its names in the library, best
 * first. The older name must mean the same with the same parameters. */
#define NVML_FUNCTIONS(X)                                                                          \
    X(init, (void), true, "nvmlInit_v2", "nvmlInit")                                               \
    X(shutdown, (void), true, "nvmlShutdown", NULL)                                                \
    X(driver_version, (char *, uint32_t), false, "nvmlSystemGetDriverVersion", NULL)               \
    X(count, (uint32_t *), true, "nvmlDeviceGetCount_v2", "nvmlDeviceGetCount")                    \
    X(by_index, (uint32_t, struct nvml_handle **), true, "nvmlDeviceGetHandleByIndex_v2",          \
      "nvmlDeviceGetHandleByIndex")                                                                \
    X(by_uuid, (const char *, struct nvml_handle **), false, "nvmlDeviceGetHandleByUUID", NULL)    \
    X(uuid, (struct nvml_handle *, char *, uint32_t), true, "nvmlDeviceGetUUID", NULL)             \
    X(name, (struct nvml_handle *, char *, uint32_t), false, "nvmlDeviceGetName", NULL)            \
    X(pci, (struct nvml_handle *, struct nvml_pci *), false, "nvmlDeviceGetPciInfo_v3", NULL)      \
    X(memory, (struct nvml_handle *, struct nvml_memory *), true, "nvmlDeviceGetMemoryInfo", NULL) \
    X(memory_v2, (struct nvml_handle *, struct nvml_memory_v2 *), false,                           \
      "nvmlDeviceGetMemoryInfo_v2", NULL)                                                          \
    X(addressing, (struct nvml_handle *, struct nvml_addressing *), false,                         \
      "nvmlDeviceGetAddressingMode", NULL)                                                         \
    X(mig_mode, (struct nvml_handle *, uint32_t *, uint32_t *), false, "nvmlDeviceGetMigMode",     \
      NULL)                                                                                        \
    X(mig_count_max, (struct nvml_handle *, uint32_t *), false, "nvmlDeviceGetMaxMigDeviceCount",  \
      NULL)                                                                                        \
    X(mig_by_index, (struct nvml_handle *, uint32_t, struct nvml_handle **), false,                \
      "nvmlDeviceGetMigDeviceHandleByIndex", NULL)                                                 \
    X(attributes, (struct nvml_handle *, struct nvml_attributes *), false,                         \
      "nvmlDeviceGetAttributes_v2", NULL)                                                          \
    X(compute_processes, (struct nvml_handle *, uint32_t *, struct nvml_process *), false,         \
      "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2")        \
    X(graphics_processes, (struct nvml_handle *, uint32_t *, struct nvml_process *), false,        \
      "nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2")      \
    X(mps_processes, (struct nvml_handle *, uint32_t *, struct nvml_process *), false,             \
      "nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetMPSComputeRunningProcesses_v2")  \
    X(compute_processes_v1, (struct nvml_handle *, uint32_t *, struct nvml_process_v1 *), false,   \
      "nvmlDeviceGetComputeRunningProcesses", NULL)                                                \
    X(graphics_processes_v1, (struct nvml_handle *, uint32_t *, struct nvml_process_v1 *), false,  \
      "nvmlDeviceGetGraphicsRunningProcesses", NULL)                                               \
    X(mps_processes_v1, (struct nvml_handle *, uint32_t *, struct nvml_process_v1 *), false,       \
      "nvmlDeviceGetMPSComputeRunningProcesses", NULL)                                             \
    X(link_state, (struct nvml_handle *, uint32_t, uint32_t *), false, "nvmlDeviceGetNvLinkState", \
      NULL)                                                                                        \
    X(link_remote, (struct nvml_handle *, uint32_t, struct nvml_pci *), false,                     \
      "nvmlDeviceGetNvLinkRemotePciInfo_v2", NULL)                                                 \
    X(link_remote_type, (struct nvml_handle *, uint32_t, uint32_t *), false,                       \
      "nvmlDeviceGetNvLinkRemoteDeviceType", NULL)                                                 \
    X(ecc_errors, (struct nvml_handle *, uint32_t, uint32_t, uint64_t *), false,                   \
      "nvmlDeviceGetTotalEccErrors", NULL)                                                         \
    X(remapped_rows, (struct nvml_handle *, uint32_t *, uint32_t *, uint32_t *, uint32_t *),       \
      false, "nvmlDeviceGetRemappedRows", NULL)                                                    \
    X(retired_pending, (struct nvml_handle *, uint32_t *), false,                                  \
      "nvmlDeviceGetRetiredPagesPendingStatus", NULL)                                              \
    X(compute_mode, (struct nvml_handle *, uint32_t *), false, "nvmlDeviceGetComputeMode", NULL)   \
    X(field_values, (struct nvml_handle *, int, struct nvml_field *), false,                       \
      "nvmlDeviceGetFieldValues", NULL)                                                            \
    X(event_set_create, (struct nvml_event_set **), false, "nvmlEventSetCreate", NULL)             \
    X(event_set_free, (struct nvml_event_set *), false, "nvmlEventSetFree", NULL)                  \
    X(event_types, (struct nvml_handle *, uint64_t *), false, "nvmlDeviceGetSupportedEventTypes",  \
      NULL)                                                                                        \
    X(event_register, (struct nvml_handle *, uint64_t, struct nvml_event_set *), false,            \
      "nvmlDeviceRegisterEvents", NULL)                                                            \
    X(event_wait, (struct nvml_event_set *, struct nvml_event *, uint32_t), false,                 \
      "nvmlEventSetWait_v2", NULL)
