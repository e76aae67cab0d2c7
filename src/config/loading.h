/* SPDX-License-Identifier: Apache-2.0 */
/** A configuration while it is put together: the shipped document first, then the user's. */
#pragma once

#include "at.h"
#include "values.h"

/** The shipped profiles, each with a resource list of its own at the top level. */
enum plimsoll_family {
    PLIMSOLL_FAMILY_NVIDIA,
    PLIMSOLL_FAMILY_NVIDIA_MIG,
    PLIMSOLL_FAMILY_AMD,
    PLIMSOLL_FAMILY_INTEL,
    PLIMSOLL_FAMILIES,
};

struct plimsoll_loading {
    struct plimsoll_config config;
    struct plimsoll_strings resources[PLIMSOLL_FAMILIES];
    char *scheduler_name; /* of every shipped profile */
    /* Profiles in the order they were read: the shipped ones, then the user's. */
    struct plimsoll_profile profiles[PLIMSOLL_PROFILES_MAX];
    size_t profile_count, shipped_count;
};

/** A shipped profile's name. Static. */
const char *plimsoll_family_name(enum plimsoll_family family);
/** The shipped profile that a profile goes back to. */
enum plimsoll_family plimsoll_family_of(const struct plimsoll_profile *profile);

/** Every key of a document but `profiles`. */
int plimsoll_settings_read(const struct plimsoll_at *root, struct plimsoll_loading *loading,
                           struct plimsoll_error *err);
/** The key `profiles`, if it is there. */
int plimsoll_profiles_read(const struct plimsoll_at *root, struct plimsoll_loading *loading,
                           struct plimsoll_error *err);

plimsoll_at_fn plimsoll_settings_scheduler; /* char *: a scheduler's name, or empty */

/** `50%`, `12.5%`. @return false when it is no percentage above 0 and up to 100. */
bool plimsoll_settings_percent(const char *text, uint32_t *percent_milli);

/** The defaults as the same kind of document that users write. */
extern const char plimsoll_shipped_yaml[];
