/* SPDX-License-Identifier: Apache-2.0 */
/** Strings, pairs and profiles: make, copy, clear. Everything they reach is owned. */
#pragma once

#include <plimsoll/config.h>

void plimsoll_strings_add(struct plimsoll_strings *strings, const char *string);
bool plimsoll_strings_have(const struct plimsoll_strings *strings, const char *string);
/** `to` must be empty. */
void plimsoll_strings_copy(const struct plimsoll_strings *from, struct plimsoll_strings *to);
void plimsoll_strings_clear(struct plimsoll_strings *strings);

void plimsoll_pairs_add(struct plimsoll_pairs *pairs, const char *key, const char *value);
void plimsoll_pairs_copy(const struct plimsoll_pairs *from, struct plimsoll_pairs *to);
void plimsoll_pairs_clear(struct plimsoll_pairs *pairs);

void plimsoll_profile_copy(const struct plimsoll_profile *from, struct plimsoll_profile *to);
void plimsoll_profile_clear(struct plimsoll_profile *profile);
