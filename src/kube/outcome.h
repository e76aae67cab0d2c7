/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <plimsoll/api.h>

/** What kind of failure an answer is that is no success. */
static inline enum plimsoll_error_kind plimsoll_outcome(const struct plimsoll_api_answer *answer)
{
    switch (answer->status) {
    case 401:
    case 403:
        return PLIMSOLL_ERR_DENIED;
    case 404:
        return PLIMSOLL_ERR_NOT_FOUND;
    case 409:
        return PLIMSOLL_ERR_CONFLICT;
    default:
        return PLIMSOLL_ERR_UNAVAILABLE;
    }
}
