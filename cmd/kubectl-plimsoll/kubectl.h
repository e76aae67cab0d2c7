/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Runs `kubectl` and reads what it prints, so that every way of signing in that it knows works
 * here, too.
 *
 * No shell; the program is $KUBECTL, else `kubectl` in PATH. What it says on standard error goes on
 * to ours while it says it (a plugin may ask somebody to sign in), but for the line that says why
 * it failed, which becomes the error.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

/** Flags that go on to kubectl: `--context=…` and the like, as often as somebody writes them. */
#define PLIMSOLL_KUBECTL_FLAGS_MAX 16
/** Arguments of one run besides those flags. */
#define PLIMSOLL_KUBECTL_ARGUMENTS_MAX 32

struct plimsoll_kubectl {
    char *flags[PLIMSOLL_KUBECTL_FLAGS_MAX]; /* owned by whoever made it */
    size_t flag_count;
};

/** Takes the next bytes of the output; borrowed for the call. @return 0, or -1 to stop the run. */
typedef int plimsoll_kubectl_take_fn(void *context, struct plimsoll_span bytes,
                                     struct plimsoll_error *err);

/**
 * @param arguments  Ends with NULL; at most PLIMSOLL_KUBECTL_ARGUMENTS_MAX.
 * @return 0, or -1: what `take` said; PLIMSOLL_ERR_NOT_FOUND, PLIMSOLL_ERR_DENIED and
 * PLIMSOLL_ERR_UNAVAILABLE with kubectl's own words; PLIMSOLL_ERR_INTERNAL when there is no
 * kubectl.
 */
int plimsoll_kubectl_run(const struct plimsoll_kubectl *kubectl, const char *const *arguments,
                         plimsoll_kubectl_take_fn *take, void *context,
                         struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/**
 * The same with the output in `out`, unchanged on failure.
 * @return 0, or -1 as above; PLIMSOLL_ERR_TOO_LARGE when it does not fit.
 */
int plimsoll_kubectl_read(const struct plimsoll_kubectl *kubectl, const char *const *arguments,
                          struct plimsoll_text *out,
                          struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;

/** `kubectl get --raw PATH`: what the API server answers there. */
int plimsoll_kubectl_get(const struct plimsoll_kubectl *kubectl, const char *path,
                         struct plimsoll_text *out, struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
