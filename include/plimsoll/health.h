/* SPDX-License-Identifier: Apache-2.0 */
/**
 * /livez, /readyz and /healthz as Kubernetes answers them: 200 `ok`, or 503 with a line per check.
 *
 * `?verbose` lists the checks also when all pass: `[+]name ok`, `[-]name failed: reason`.
 */
#pragma once

#include <plimsoll/http.h>

/** @return 0, or -1 with why. Called on a worker thread, must not block. */
typedef int (*plimsoll_health_fn)(void *context, struct plimsoll_error *err);

struct plimsoll_health_check {
    const char *name;
    plimsoll_health_fn check;
    void *context;
};

/** One endpoint: a route with handler = plimsoll_health_handler, context = this. */
struct plimsoll_health {
    const char *name; /* "livez", in the last line */
    const struct plimsoll_health_check *checks;
    size_t check_count; /* 0: always ok */
};
extern const struct plimsoll_http_handler plimsoll_health_handler;
