/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What went wrong, as a value: a kind the caller can branch on and one sentence a user may read.
 *
 * Lives on the caller's stack, owns nothing, needs no clearing. Fallible functions return 0, or -1
 * with `err` set; on success they leave `err` alone, on failure they leave their outputs alone.
 * The sentence names the field, the value and what would be right; it never holds secrets.
 * Functions here are safe from several threads on different errors.
 */
#pragma once

#include <plimsoll/own.h>

/** Bytes of a message with its NUL; longer sentences are cut at a character boundary. */
#define PLIMSOLL_ERROR_MESSAGE_SIZE 512

/* kind, HTTP status, text */
#define PLIMSOLL_ERROR_KINDS(X)                                                                    \
    X(NONE, 200, "ok")                                                                             \
    X(INVALID, 400, "invalid")                                                                     \
    X(DENIED, 403, "denied")                                                                       \
    X(NOT_FOUND, 404, "not found")                                                                 \
    X(TIMEOUT, 408, "timeout")                                                                     \
    X(CONFLICT, 409, "conflict")                                                                   \
    X(EXPIRED, 410, "expired")                                                                     \
    X(TOO_LARGE, 413, "too large")                                                                 \
    X(INTERNAL, 500, "internal")                                                                   \
    X(UNAVAILABLE, 503, "unavailable")

enum plimsoll_error_kind {
#define X(name, status, text) PLIMSOLL_ERR_##name,
    PLIMSOLL_ERROR_KINDS(X)
#undef X
};

struct plimsoll_error {
    enum plimsoll_error_kind kind;
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE]; /* one line, valid UTF-8 */
};

/** Sets kind and message. Control characters and bytes that are no UTF-8 become `?`. @return -1 */
int plimsoll_error_set(struct plimsoll_error *err, enum plimsoll_error_kind kind,
                       const char *format, ...) PLIMSOLL_PRINTF(3, 4);

/** Puts context and ": " before the message that is there; the kind stays. @return -1 */
int plimsoll_error_wrap(struct plimsoll_error *err, const char *format, ...) PLIMSOLL_PRINTF(2, 3);

/** The HTTP status that says this kind to a client. */
unsigned plimsoll_error_status(enum plimsoll_error_kind kind);

/** A word for logs and metric labels. Static. */
const char *plimsoll_error_text(enum plimsoll_error_kind kind);

/* Compilers and analysers do not see from another file that these always fail, and would take an
 * output for set after `return plimsoll_error_set(…)`. */
static inline int plimsoll_error_failed_(int failed)
{
    (void)failed;
    return -1;
}
#define plimsoll_error_set(...)  plimsoll_error_failed_(plimsoll_error_set(__VA_ARGS__))
#define plimsoll_error_wrap(...) plimsoll_error_failed_(plimsoll_error_wrap(__VA_ARGS__))
