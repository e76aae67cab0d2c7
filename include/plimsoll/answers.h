/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What `kubectl plimsoll` answers: as tables for people and as objects for programs. Pure; appends
 * to a text.
 *
 * The objects are JSON with "v": 1 and "kind"; docs/kubectl.md lists their fields. Sizes are bytes.
 * Fields may be added, none is renamed or taken away within a version.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/view.h>

/**
 * A JSON text as YAML.
 * @return 0, or -1 with PLIMSOLL_ERR_INVALID when it is no JSON, PLIMSOLL_ERR_TOO_LARGE when it
 * does not fit `out`.
 */
int plimsoll_view_yaml(struct plimsoll_span json, struct plimsoll_text *out,
                       struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** The cards of a cluster; borrowed for the call. */
struct plimsoll_view_cluster {
    const struct plimsoll_extender_node *nodes; /* with their loads */
    size_t node_count;
    const char *namespace_; /* only its pods, and cards that have some; NULL: all */
    int64_t now_unix_ms;
    const char *note; /* said at the end, like where the settings come from; NULL: nothing */
};

/** A heading per node, a line per card with its load line, and the pods on it. */
void plimsoll_view_top(const struct plimsoll_view_cluster *cluster,
                       const struct plimsoll_view_options *options, struct plimsoll_text *out);
/** A line per namespace with what it holds of all cards, and its pods. */
void plimsoll_view_top_namespaces(const struct plimsoll_view_cluster *cluster,
                                  const struct plimsoll_view_options *options,
                                  struct plimsoll_text *out);
/** Both as one object: kind Top. */
void plimsoll_view_top_json(const struct plimsoll_view_cluster *cluster, struct plimsoll_text *out);
