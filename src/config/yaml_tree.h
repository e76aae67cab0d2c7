/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A YAML document as a tree that remembers its lines.
 *
 * One document of scalars, sequences and mappings with scalar keys. Anchors, aliases and tags are
 * refused: a configuration needs none, and aliases are how a small file becomes a large tree.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>

/* A configuration nests seven deep (profiles, affinity terms, values); deeper is a mistake. */
#define PLIMSOLL_YAML_DEPTH_MAX 32
/* Scalars, sequences and mappings of a file; the largest sensible one has a few thousand. */
#define PLIMSOLL_YAML_NODES_MAX 65536

enum plimsoll_yaml_kind { PLIMSOLL_YAML_SCALAR, PLIMSOLL_YAML_SEQUENCE, PLIMSOLL_YAML_MAPPING };

/** What a scalar is by YAML's core schema; quoted ones are always strings. */
enum plimsoll_yaml_type {
    PLIMSOLL_YAML_STRING,
    PLIMSOLL_YAML_NULL,
    PLIMSOLL_YAML_BOOL,
    PLIMSOLL_YAML_NUMBER,
};

struct plimsoll_yaml {
    enum plimsoll_yaml_kind kind;
    bool plain;                     /* scalar without quotes */
    size_t line;                    /* from 1 */
    char *key;                      /* owned; as a member of a mapping, else NULL */
    char *text;                     /* owned; scalar, without NUL inside */
    struct plimsoll_yaml *children; /* owned */
    size_t count, capacity;
};

/**
 * @param file  For messages only.
 * @param root  Set on success (an empty document is an empty mapping); the caller clears it.
 */
int plimsoll_yaml_parse(struct plimsoll_span text, const char *file, struct plimsoll_yaml *root,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
void plimsoll_yaml_clear(struct plimsoll_yaml *node);
#define plimsoll_autoyaml __attribute__((cleanup(plimsoll_yaml_clear))) struct plimsoll_yaml

enum plimsoll_yaml_type plimsoll_yaml_type(const struct plimsoll_yaml *scalar);
/** The member of a mapping, or NULL. */
const struct plimsoll_yaml *plimsoll_yaml_get(const struct plimsoll_yaml *mapping, const char *key);
