/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads inventory and usage the way publishers write them, in one pass and without a document: a
 * cluster's first list and every filter with full Nodes carry thousands of them.
 *
 * Whatever is not quite plain (an escape, a key that is unknown or there twice, a wrong type, a
 * number out of range, an error) is left to the thorough readers, which alone decide and explain.
 */
#pragma once

#include "node_parts.h"

/** @return false when the value is not plain; then nothing is changed */
bool plimsoll_model_plain_inventory(struct plimsoll_span text, struct plimsoll_model_cards *cards,
                                    enum plimsoll_trilean *env,
                                    enum plimsoll_device_list *device_list);
/** The cards as measured, not yet laid onto others. @return as above */
bool plimsoll_model_plain_usage(struct plimsoll_span text, struct plimsoll_model_cards *measured,
                                int64_t *time);

/** The next free card, initialised; NULL when there are as many as a node may have. Not yet
 * counted. */
struct plimsoll_card *plimsoll_model_plain_card(struct plimsoll_model_cards *cards);
/** Remembers `bit`. @return false when it was there: a key stands twice */
bool plimsoll_model_plain_once(uint32_t *seen, unsigned bit);
bool plimsoll_model_plain_string(struct plimsoll_json_cursor *cursor, char *out, size_t size);
bool plimsoll_model_plain_bytes(struct plimsoll_json_cursor *cursor, uint64_t *out);
bool plimsoll_model_plain_int(struct plimsoll_json_cursor *cursor, int64_t min, int64_t max,
                              int64_t *out);
/** Enters the object with `"v": 1` to come; false for texts that hold an escape. */
bool plimsoll_model_plain_begin(struct plimsoll_span text, struct plimsoll_json_cursor *cursor);
/** The value of `v`. */
bool plimsoll_model_plain_version(struct plimsoll_json_cursor *cursor);
