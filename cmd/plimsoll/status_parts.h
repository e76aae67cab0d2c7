/* SPDX-License-Identifier: Apache-2.0 */
/** The two halves of the status page's data. The picture is held for a part of the nodes at a time:
 * writers must not wait for a walk over five thousand of them. */
#pragma once

#include "verbs.h"

#include <plimsoll/page.h>

/** Who waits, as the books have it; the caller frees `list`. */
struct plimsoll_status_waiters {
    struct plimsoll_bookkeeper_waiter *list;
    size_t count;
};
struct plimsoll_status_waiters plimsoll_status_waiters_read(struct plimsoll_verbs *verbs);

/** The members `sums`, `pods`, `nodes`. */
void plimsoll_status_write_nodes(struct plimsoll_verbs *verbs,
                                 const struct plimsoll_page_query *query,
                                 struct plimsoll_text *out);
/** The member `waiting`. */
void plimsoll_status_write_waiting(struct plimsoll_verbs *verbs,
                                   const struct plimsoll_page_query *query,
                                   const struct plimsoll_status_waiters *waiters,
                                   struct plimsoll_text *out);
