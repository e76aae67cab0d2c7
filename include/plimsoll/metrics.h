/* SPDX-License-Identifier: Apache-2.0 */
/** Appending Prometheus text format 0.0.4. No registry: whoever has numbers writes them when asked.
 */
#pragma once

#include <plimsoll/text.h>

#include <stdint.h>

/** `# HELP` and `# TYPE` (`counter`, `gauge`, `histogram`); once per name, before its samples. */
void plimsoll_metrics_head(struct plimsoll_text *out, const char *name, const char *type,
                           const char *help);
/** One sample; labels are pairs of key and value ended by NULL, values are escaped. */
void plimsoll_metrics_uint(struct plimsoll_text *out, const char *name, uint64_t value, ...);
void plimsoll_metrics_double(struct plimsoll_text *out, const char *name, double value, ...);
