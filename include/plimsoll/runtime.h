/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Whether NVIDIA's container runtime gives a container without privileges the cards that its
 * NVIDIA_VISIBLE_DEVICES names: pods that bring memory alone have no other way to a card.
 *
 * Only what is certain is said. That an agent without privileges sees its cards proves it; that
 * it does not see any proves nothing (it may not run under that runtime), and then there is the
 * toolkit's own configuration, where the agent can read it.
 */
#pragma once

#include <plimsoll/node.h>
#include <plimsoll/span.h>

/** The toolkit's config.toml, of which a longer one is not read. */
#define PLIMSOLL_TOOLKIT_BYTES_MAX (64u * 1024)

/** What this process got, and how. */
struct plimsoll_runtime_seen {
    const char *visible_devices; /* its NVIDIA_VISIBLE_DEVICES; NULL without */
    bool cards;                  /* it sees an NVIDIA card */
    bool privileged;             /* the variable of a privileged container is always honoured */
    bool mounts;                 /* it asked for cards by mounts */
};

/** YES: proven. UNKNOWN: not. */
enum plimsoll_trilean plimsoll_runtime_proves(const struct plimsoll_runtime_seen *seen);
/** What the bytes of a config.toml say; untrusted. The toolkit's default is YES; UNKNOWN: no such
 * value as there can be. */
enum plimsoll_trilean plimsoll_runtime_toolkit(struct plimsoll_span config);
/** What the toolkit's configurations below `root` say, of a package and of the GPU operator;
 * UNKNOWN without, or when they differ. */
enum plimsoll_trilean plimsoll_runtime_configured(const char *root);
