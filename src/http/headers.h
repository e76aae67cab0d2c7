/* SPDX-License-Identifier: Apache-2.0 */
/** Headers that handlers add to their answers, and who a request says it came for. */
#pragma once

#include <plimsoll/http.h>

#include <microhttpd.h>

struct header {
    const char *name;
    char *value; /* owned */
};

struct headers {
    struct header list[PLIMSOLL_HTTP_ANSWER_HEADERS_MAX];
    size_t count;
};

void headers_set(struct headers *headers, const char *name, const char *value);
void headers_write(const struct headers *headers, struct MHD_Response *response);
void headers_clear(struct headers *headers);

/** The value of Host means this machine, whoever answers the resolver's questions. */
bool host_is_local(struct plimsoll_span host);
