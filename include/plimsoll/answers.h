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
