/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Reads inventory, usage and claims the way they are written, in one pass over the bytes of the
 * object (quoted.h) and without a document: a cluster's first list and every filter with full Nodes
 * carry thousands of them.
 *
 * Whatever is not quite plain (another escape than that of a quote, a key that is unknown or there
 * twice, a wrong type, a number out of range, an error) is left to the thorough readers, which
 * alone decide and explain.
 *
 * `at` stands on the quote before the annotation's value, `end` is that of the object. The
 * functions return the byte behind the quote after the value, or NULL when it is not plain; then
 * nothing is changed.
 */
#pragma once

#include "node_parts.h"

const char *plimsoll_model_plain_inventory(const char *at, const char *end,
                                           struct plimsoll_model_inventory *inventory);
const char *plimsoll_model_plain_usage(const char *at, const char *end,
                                       struct plimsoll_model_usage *usage);
const char *plimsoll_model_plain_claim(const char *at, const char *end,
                                       struct plimsoll_claim *claim);

const char *plimsoll_model_plain_uid(const char *at, const char *end, struct plimsoll_uid *uid);
/** The next free card, initialised; NULL when there are as many as a node may have. Not yet
 * counted. */
struct plimsoll_card *plimsoll_model_plain_card(struct plimsoll_model_cards *cards);
/** True when one of the first `count` cards has the id. All ids are filled up with zeros. */
bool plimsoll_model_plain_is_known(const struct plimsoll_model_cards *cards, uint32_t count,
                                   const char *id);
/** Enters the value's object; NULL when it is none. */
const char *plimsoll_model_plain_begin(const char *at, const char *end);
/** Leaves it and the string, which began at `begin`. */
const char *plimsoll_model_plain_end(const char *begin, const char *at, const char *end);
