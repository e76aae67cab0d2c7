/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The nodes of one call: their names in the order of the body, each once, with room for what is
 * decided about them. Private to extender.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/text.h>

struct plimsoll_names_entry {
    uint32_t at;    /* of the name's opening quote in `bytes` */
    uint8_t size;   /* of the name, without quotes; a name has at most 253 bytes */
    uint8_t reason; /* enum plimsoll_reason */
};

struct plimsoll_names {
    const char *field;          /* static: where they stand in the body, for sentences */
    struct plimsoll_text bytes; /* names in their quotes, with anything between them */
    struct plimsoll_names_entry *list;
    size_t count, capacity;
    /* Open addressing: 32 bits of hash, 32 bits of index + 1; 0 is free. Only what was asked about
     * by plimsoll_names_unique or plimsoll_names_add. */
    uint64_t *slots;
    size_t slot_count, slots_taken;
};

void plimsoll_names_clear(struct plimsoll_names *names);

/** Behind the names in `bytes`, so that they are read and copied in whole blocks. */
#define PLIMSOLL_NAMES_PAD 16u

/**
 * An array of strings, the value of NodeNames. Names are strings without escapes when this is done;
 * plimsoll_names_unique says whether they are more than that.
 * @param names  Empty; what was read before a failure stays.
 * @param array  Taken over.
 */
int plimsoll_names_read(struct plimsoll_names *names, struct plimsoll_text *array,
                        struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The name of the next element of Nodes.items, without quotes or escapes; copied. */
int plimsoll_names_add(struct plimsoll_names *names, struct plimsoll_span name,
                       struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * -1 with a sentence when it is no valid name, or this was asked about another that is the same.
 * Not to be asked about the name of a node that is known.
 */
int plimsoll_names_unique(struct plimsoll_names *names, size_t index,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** The sentence: name `index` is there twice. */
int plimsoll_names_refuse_twice(const struct plimsoll_names *names, size_t index,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

static inline struct plimsoll_span plimsoll_names_get(const struct plimsoll_names *names,
                                                      size_t index)
{
    const struct plimsoll_names_entry *entry = &names->list[index];
    return (struct plimsoll_span){.data = names->bytes.data + entry->at + 1, .size = entry->size};
}

/** Letters, digits, `-`, `.` and `_`, 1 to PLIMSOLL_NAME_BYTES_MAX of them: nothing to escape. */
bool plimsoll_names_valid(struct plimsoll_span name);
