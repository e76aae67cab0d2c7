/* SPDX-License-Identifier: Apache-2.0 */
/** The cluster as it is now, read through kubectl: what the server keeps by watching. */
#pragma once

#include "kubectl.h"

#include <plimsoll/cluster.h>
#include <plimsoll/config.h>
#include <plimsoll/simulate.h>

/** The settings of the release that is installed, else the built-in ones. */
struct plimsoll_settings {
    struct plimsoll_config *config; /* owned */
    /** Where they come from: "ConfigMap plimsoll-system/plimsoll", or why they are the built-in
     * ones. */
    char from[PLIMSOLL_ERROR_MESSAGE_SIZE];
    bool installed; /* there is a release */
    bool built_in;
};

/**
 * @param settings  Set on success; the caller clears it.
 * @return 0, or -1 when the cluster cannot be reached. Settings that may not be read, that are not
 * there or that cannot be understood are no failure: `from` says so.
 */
int plimsoll_settings_load(const struct plimsoll_kubectl *kubectl,
                           struct plimsoll_settings *settings,
                           struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** A sentence for people where the settings are not those of a release; NULL where they are. */
const char *plimsoll_settings_note(const struct plimsoll_settings *settings);
void plimsoll_settings_clear(struct plimsoll_settings *settings);

/** Nodes and unfinished pods; the caller frees it, and the settings after it. */
int plimsoll_picture_load(const struct plimsoll_kubectl *kubectl,
                          const struct plimsoll_settings *settings,
                          struct plimsoll_cluster **picture,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The same, and every object into a simulation that has not begun. */
int plimsoll_picture_load_both(const struct plimsoll_kubectl *kubectl,
                               const struct plimsoll_settings *settings,
                               struct plimsoll_simulation *simulation,
                               struct plimsoll_cluster **picture,
                               struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** Every node with cards, or every node. Borrowed while the picture is held; the array is the
 * caller's. */
struct plimsoll_extender_node *plimsoll_picture_nodes(struct plimsoll_cluster *picture,
                                                      bool without_cards, size_t *count);
