/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The types of the played library and what its functions begin with.
 *
 * Declared a second time on purpose: a slip in the reader's own declarations must not cancel out.
 */
#pragma once

#include "script.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifndef FAKE_NVML_LEVEL
#define FAKE_NVML_LEVEL 3
#endif

#define NVML __attribute__((visibility("default")))

typedef int result_t;
enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    TIMEOUT = 10,
    GPU_IS_LOST = 15,
};

typedef struct handle {
    unsigned session;
    bool mig;
    char id[64];
} handle_t;

typedef struct {
    unsigned long long total, free, used;
} memory_t;

typedef struct {
    unsigned version;
    unsigned long long total, reserved, free, used;
} memory_v2_t;

typedef struct {
    unsigned pid;
    unsigned long long used;
} process_v1_t;

typedef struct {
    unsigned pid;
    unsigned long long used;
    unsigned gi, ci;
} process_t;

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
} pci_t;

typedef struct {
    unsigned sms, copy, decoder, encoder, jpeg, ofa, slices, compute_slices;
    unsigned long long mib;
} attributes_t;

typedef struct {
    handle_t *device;
    unsigned long long type, data;
    unsigned gi, ci;
} event_t;

typedef struct {
    unsigned id, scope;
    long long timestamp, latency;
    int type;
    result_t result;
    union {
        double d;
        unsigned u;
        unsigned long long ull;
    } value;
} field_t;

extern const struct script *player_script;

/* A session is there, and no `fail` line says otherwise. */
result_t player_enter(const char *function, const char *id);
result_t player_enter_device(const char *function, const handle_t *handle);
/* What the handle is of; never NULL after player_enter_device. */
const struct script_card *player_card(const handle_t *handle);
/* The handle for an id, made if there is none yet. */
handle_t *player_handle(const char *id, bool mig);
void player_pci(const char *address, pci_t *pci);
bool player_has_event_sets(void);

#define ENTER(function, id)                                                                        \
    do {                                                                                           \
        result_t entered_ = player_enter(#function, id);                                           \
        if (entered_ != SUCCESS) {                                                                 \
            return entered_;                                                                       \
        }                                                                                          \
    } while (0)
#define ENTER_DEVICE(function, handle)                                                             \
    do {                                                                                           \
        result_t entered_ = player_enter_device(#function, handle);                                \
        if (entered_ != SUCCESS) {                                                                 \
            return entered_;                                                                       \
        }                                                                                          \
    } while (0)
