/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Walks a small YAML file by tables: which keys a mapping may have, where their values go, and who
 * reads them. Failures are `FILE:LINE: …` with what would be right.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

struct plimsoll_walk {
    yaml_document_t *document;
    const char *file;
    struct plimsoll_error *err;
};

struct plimsoll_walk_field;
typedef int plimsoll_walk_fn(const struct plimsoll_walk *walk,
                             const struct plimsoll_walk_field *field, const yaml_node_t *value,
                             void *target);

/* A key of a mapping, where its value goes in the target, and who reads it. */
struct plimsoll_walk_field {
    const char *key;
    plimsoll_walk_fn *read;
    size_t offset, size;
    int64_t min, max; /* of integers */
};

/* How the elements of a list are read. */
struct plimsoll_walk_list {
    const struct plimsoll_walk_field *fields;
    size_t field_count;
    size_t element_size;
    uint32_t count_max;
    void (*prepare)(void *element, uint32_t i); /* with what nobody wrote */
    int (*finish)(const struct plimsoll_walk *walk, const yaml_node_t *node, void *elements,
                  uint32_t i);
};

/** The member `member` of `type`, by its own name. */
#define WALK_FIELD(type, member, read_)                                                            \
    {                                                                                              \
        .key = #member, .read = (read_), .offset = offsetof(type, member)                          \
    }
#define WALK_TEXT(type, member)                                                                    \
    {                                                                                              \
        .key = #member, .read = plimsoll_walk_text, .offset = offsetof(type, member),              \
        .size = sizeof(((type *)0)->member)                                                        \
    }
#define WALK_INTEGER(type, member, min_, max_)                                                     \
    {                                                                                              \
        .key = #member, .read = plimsoll_walk_integer, .offset = offsetof(type, member),           \
        .min = (min_), .max = (max_)                                                               \
    }
#define WALK_LIST(fields_, type, count_max_, prepare_, finish_)                                    \
    {                                                                                              \
        .fields = (fields_), .field_count = sizeof(fields_) / sizeof((fields_)[0]),                \
        .element_size = sizeof(type), .count_max = (count_max_), .prepare = (prepare_),            \
        .finish = (finish_)                                                                        \
    }

int plimsoll_walk_fail_(const struct plimsoll_walk *walk, const yaml_node_t *node,
                        const char *format, ...) PLIMSOLL_PRINTF(3, 4);
#define plimsoll_walk_fail(...) plimsoll_error_failed_(plimsoll_walk_fail_(__VA_ARGS__))

/** Where the field is in the target. */
void *plimsoll_walk_at(void *target, const struct plimsoll_walk_field *field);
/** The scalar's bytes; empty for lists and mappings. */
struct plimsoll_span plimsoll_walk_scalar(const yaml_node_t *node);

plimsoll_walk_fn plimsoll_walk_text;    /* char[size] */
plimsoll_walk_fn plimsoll_walk_bytes;   /* uint64_t, a quantity below 2^53 */
plimsoll_walk_fn plimsoll_walk_integer; /* int32_t from `min` to `max` */
plimsoll_walk_fn plimsoll_walk_bool;    /* bool */

/** Every element by `list`. What was read so far is the caller's also on failure. */
int plimsoll_walk_list(const struct plimsoll_walk *walk, const struct plimsoll_walk_field *field,
                       const yaml_node_t *value, const struct plimsoll_walk_list *list,
                       void **elements, uint32_t *count);

/** The whole file as one mapping; an empty one has no keys. What was read so far is in the target
 * also on failure. */
int plimsoll_walk_file(struct plimsoll_span text, const char *file,
                       const struct plimsoll_walk_field *fields, size_t count, void *target,
                       struct plimsoll_error *err);
