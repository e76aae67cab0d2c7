/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A place in the configuration: a node with the way to it, for messages like
 * `plimsoll.yaml:12: profiles[0].tolerations: …`, and the readers of single values.
 *
 * Frames live on the stack of whoever walks. Readers write to `out` on success only; what `out`
 * pointed to before is freed, so that a later document overrides an earlier one.
 */
#pragma once

#include "yaml_tree.h"

#include <plimsoll/config.h>

struct plimsoll_at {
    const struct plimsoll_yaml *node;
    const struct plimsoll_at *parent; /* NULL at the root */
    size_t index;                     /* in the parent's sequence */
    const char *file;
};

/** A reader of one value: `out` is what the key's field is. */
typedef int plimsoll_at_fn(const struct plimsoll_at *at, void *out, struct plimsoll_error *err);

/** A key of a mapping, where its value goes in the target, and who reads it. */
struct plimsoll_field {
    const char *key;
    size_t offset;
    plimsoll_at_fn *read;
};

struct plimsoll_at plimsoll_at_child(const struct plimsoll_at *parent, size_t index);

/** `FILE:LINE: path: message`. @return -1, which the macro says to compilers as in error.h */
int plimsoll_at_fail_(const struct plimsoll_at *at, struct plimsoll_error *err, const char *format,
                      ...) PLIMSOLL_PRINTF(3, 4);
#define plimsoll_at_fail(...) plimsoll_error_failed_(plimsoll_at_fail_(__VA_ARGS__))

int plimsoll_at_mapping(const struct plimsoll_at *at, struct plimsoll_error *err);
int plimsoll_at_sequence(const struct plimsoll_at *at, struct plimsoll_error *err);
/** Reads every member by its field; an unknown key fails with the known ones. */
int plimsoll_at_fields(const struct plimsoll_at *at, const struct plimsoll_field *fields,
                       size_t count, void *target, struct plimsoll_error *err);

/** A string: quoted, or plain and nothing else by YAML's rules. Borrowed from the tree. */
int plimsoll_at_text(const struct plimsoll_at *at, const char **text, struct plimsoll_error *err);
/** Any scalar that has a value, as written; for quantities, where 1024 needs no quotes. */
int plimsoll_at_scalar(const struct plimsoll_at *at, const char **text, struct plimsoll_error *err);
/** The index of the word among `words` (NULL-terminated). */
int plimsoll_at_word(const struct plimsoll_at *at, const char *const *words, size_t *index,
                     struct plimsoll_error *err);

plimsoll_at_fn plimsoll_at_ignore;  /* read elsewhere */
plimsoll_at_fn plimsoll_at_string;  /* char * */
plimsoll_at_fn plimsoll_at_boolean; /* bool */
plimsoll_at_fn plimsoll_at_strings; /* struct plimsoll_strings; empty elements are refused */

/** A mapping of strings; `check` names what is wrong with a key or value, or gives NULL. */
int plimsoll_at_pairs(const struct plimsoll_at *at, const char *(*check_key)(const char *key),
                      const char *(*check_value)(const char *value), struct plimsoll_pairs *pairs,
                      struct plimsoll_error *err);
