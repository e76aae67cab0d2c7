/* SPDX-License-Identifier: Apache-2.0 */
#include "allocation.h"

#include <stdint.h>

#define MOUNT_FOLDER "/var/run/nvidia-container-devices"

enum wire { WIRE_VARINT, WIRE_64_BIT, WIRE_BYTES, WIRE_32_BIT = 5 };

/* Fields of a message one after another; every byte is looked at once. */
struct fields {
    struct plimsoll_span message;
    size_t at;
    bool failed;
};

struct field {
    uint64_t number;
    bool bytes;                 /* else of a fixed or variable size, passed over */
    struct plimsoll_span value; /* with `bytes` */
};

static uint64_t take_varint(struct fields *fields)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && fields->at < fields->message.size; shift += 7) {
        unsigned char byte = (unsigned char)fields->message.data[fields->at++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    fields->failed = true;
    return 0;
}

static struct plimsoll_span take_bytes(struct fields *fields, uint64_t size)
{
    if (fields->failed || size > fields->message.size - fields->at) {
        fields->failed = true;
        return (struct plimsoll_span){0};
    }
    struct plimsoll_span bytes = {.data = fields->message.data + fields->at, .size = (size_t)size};
    fields->at += (size_t)size;
    return bytes;
}

/* @return false at the end or when the message is broken (`failed`) */
static bool next(struct fields *fields, struct field *out)
{
    if (fields->failed || fields->at == fields->message.size) {
        return false;
    }
    uint64_t tag = take_varint(fields);
    *out = (struct field){.number = tag >> 3};
    switch (tag & 7) {
    case WIRE_VARINT:
        (void)take_varint(fields);
        break;
    case WIRE_64_BIT:
        (void)take_bytes(fields, 8);
        break;
    case WIRE_BYTES:
        out->bytes = true;
        out->value = take_bytes(fields, take_varint(fields));
        break;
    case WIRE_32_BIT:
        (void)take_bytes(fields, 4);
        break;
    default: /* groups have gone from protobuf before this API came */
        fields->failed = true;
        break;
    }
    fields->failed = fields->failed || out->number == 0;
    return !fields->failed;
}

/* The string fields 1 and 2 of a map's entry or a Mount; "" when absent, as protobuf has it. */
static bool take_pair(struct plimsoll_span message, struct plimsoll_span *first,
                      struct plimsoll_span *second)
{
    struct fields fields = {.message = message};
    struct field field;
    *first = *second = (struct plimsoll_span){0};
    while (next(&fields, &field)) {
        if (field.bytes && field.number == 1) {
            *first = field.value;
        } else if (field.bytes && field.number == 2) {
            *second = field.value;
        }
    }
    return !fields.failed;
}

/* With volume mounts the variable has their folder's path instead of cards; `void`, `none` and
 * nothing name no card. */
static bool names_cards(struct plimsoll_span value)
{
    return value.size > 0 && value.data[0] != '/' && !plimsoll_span_is(value, "void") &&
           !plimsoll_span_is(value, "none");
}

static bool read_field(const struct field *field, struct plimsoll_allocation *out)
{
    enum { ENVS = 1, MOUNTS, DEVICES, ANNOTATIONS, CDI_DEVICES };
    struct plimsoll_span first, second;
    if (!field->bytes) {
        return field->number > CDI_DEVICES; /* known ones are strings and messages */
    }
    if (field->number > CDI_DEVICES) {
        return true;
    }
    if (!take_pair(field->value, &first, &second)) {
        return false;
    }
    switch (field->number) {
    case ENVS:
        out->env =
            out->env || (plimsoll_span_is(first, "NVIDIA_VISIBLE_DEVICES") && names_cards(second));
        break;
    case MOUNTS: /* the path in the container */
        out->mounts = out->mounts || plimsoll_span_starts(first, MOUNT_FOLDER);
        break;
    case DEVICES:
        out->nodes = true;
        break;
    case ANNOTATIONS:
        out->cdi = out->cdi || plimsoll_span_starts(first, "cdi.k8s.io/");
        break;
    default:
        out->cdi = true;
        break;
    }
    return true;
}

int plimsoll_allocation_read(struct plimsoll_span message, struct plimsoll_allocation *out,
                             struct plimsoll_error *err)
{
    struct plimsoll_allocation read = {0};
    struct fields fields = {.message = message};
    struct field field;
    size_t start = 0;
    while (next(&fields, &field)) {
        if (!read_field(&field, &read)) {
            fields.failed = true;
            break;
        }
        start = fields.at;
    }
    if (fields.failed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "no ContainerAllocateResponse of the device plugin API v1beta1: "
                                  "broken field at byte %zu of %zu",
                                  start, message.size);
    }
    *out = read;
    return 0;
}

enum plimsoll_device_list
plimsoll_allocation_device_list(const struct plimsoll_allocation *allocation)
{
    unsigned ways =
        (unsigned)allocation->env + (unsigned)allocation->mounts + (unsigned)allocation->cdi;
    if (ways > 1 || (ways == 0 && allocation->nodes)) {
        return PLIMSOLL_DEVICE_LIST_ENV_NODES;
    }
    if (allocation->cdi) {
        return PLIMSOLL_DEVICE_LIST_CDI;
    }
    if (allocation->mounts) {
        return PLIMSOLL_DEVICE_LIST_MOUNTS;
    }
    if (allocation->env) {
        return allocation->nodes ? PLIMSOLL_DEVICE_LIST_ENV_NODES : PLIMSOLL_DEVICE_LIST_ENV;
    }
    return PLIMSOLL_DEVICE_LIST_UNKNOWN;
}
