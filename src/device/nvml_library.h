/* SPDX-License-Identifier: Apache-2.0 */
/** libnvidia-ml.so.1, opened while the program runs: found, initialised, its functions looked up.
 */
#pragma once

#include "nvml_abi.h"

#include <plimsoll/error.h>

#include <stdbool.h>

/** The library; every function that this driver lacks is NULL. */
struct nvml_library {
    void *loaded; /* dlopen's; NULL: not open */
/* Parameters come with their own. NOLINTNEXTLINE(bugprone-macro-parentheses) */
#define X(member, parameters, needed, name, older) enum nvml_result(*member) parameters;
    NVML_FUNCTIONS(X)
#undef X
};

/**
 * Opens and initialises.
 * @param path  The library, or NULL: the loader's search, then where drivers are under `root`.
 * @return 0, or -1: PLIMSOLL_ERR_NOT_FOUND without a card, and a library or a driver;
 * PLIMSOLL_ERR_DENIED, else PLIMSOLL_ERR_UNAVAILABLE. `library` stays closed then.
 */
int nvml_library_open(struct nvml_library *library, const char *path, const char *root,
                      struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/** Shuts down and unloads: the next opening takes the library that is there by then. */
void nvml_library_close(struct nvml_library *library);

/** The driver is not there any more, or is another than the library's: open anew. */
bool nvml_is_driver_gone(enum nvml_result result);
/** Words for messages. Static. */
const char *nvml_result_text(enum nvml_result result);
