/* SPDX-License-Identifier: Apache-2.0 */
/** The documents of a manifest (documents.c) and the pods in them (manifest.c). */
#pragma once

#include <plimsoll/simulate.h>

#include <jansson.h>

/** Values of one document; a manifest that people write has hundreds. */
#define PLIMSOLL_DOCUMENT_VALUES_MAX 200000u

/** One document, with the line that each of its values stands on. */
struct plimsoll_document {
    const char *file;
    json_t *root;
    size_t line;
    struct plimsoll_document_line {
        const json_t *value; /* null, true and false are shared, and have none */
        size_t line;
    } * lines;
    size_t line_count, line_capacity;
};

/** The line of the value, or that of `around` where it has none. */
size_t plimsoll_document_line_of(const struct plimsoll_document *document, const json_t *value,
                                 const json_t *around);

/** Gives each document of YAML text, or each value of JSON text; empty documents are left out. */
int plimsoll_documents_read(struct plimsoll_span text, const char *file,
                            int (*take)(void *context, const struct plimsoll_document *document,
                                        struct plimsoll_error *err),
                            void *context, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
