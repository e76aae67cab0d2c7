/* SPDX-License-Identifier: Apache-2.0 */
/** What people and Prometheus read: the status page and /metrics. Contexts are struct
 * plimsoll_verbs. */
#pragma once

#include <plimsoll/http.h>

int plimsoll_page_answer(void *context, struct plimsoll_span body,
                         struct plimsoll_http_exchange *exchange, struct plimsoll_error *err);
int plimsoll_metrics_answer(void *context, struct plimsoll_span body,
                            struct plimsoll_http_exchange *exchange, struct plimsoll_error *err);
