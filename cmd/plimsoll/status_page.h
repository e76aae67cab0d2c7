/* SPDX-License-Identifier: Apache-2.0 */
/** The status page: `/`, for browsers a document and for others text, and `/page.json`, which the
 * document shows. Contexts are struct plimsoll_verbs. */
#pragma once

#include <plimsoll/http.h>

int plimsoll_status_page_answer(void *context, struct plimsoll_span body,
                                struct plimsoll_http_exchange *exchange,
                                struct plimsoll_error *err);
int plimsoll_status_data_answer(void *context, struct plimsoll_span body,
                                struct plimsoll_http_exchange *exchange,
                                struct plimsoll_error *err);
