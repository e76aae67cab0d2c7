/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One line per event on standard error, as JSON or as logfmt text; safe from several threads.
 *
 * For modules that touch the world and for cmd; deciding modules never log. Fields, not printf:
 * values come from outside and must not inject lines. Never a whole pod, never a secret.
 *
 *     plimsoll_log(PLIMSOLL_LOG_INFO, "pod bound", PLIMSOLL_STR("pod", name), PLIMSOLL_INT("cards",
 * n));
 */
#pragma once

#include <plimsoll/span.h>

#include <stdint.h>

enum plimsoll_log_level {
    PLIMSOLL_LOG_DEBUG,
    PLIMSOLL_LOG_INFO,
    PLIMSOLL_LOG_WARN,
    PLIMSOLL_LOG_ERROR
};

struct plimsoll_log_field {
    const char *key;
    struct plimsoll_span text; /* when data is not NULL */
    int64_t number;
};

#define PLIMSOLL_STR(name, string)                                                                 \
    (struct plimsoll_log_field)                                                                    \
    {                                                                                              \
        .key = (name), .text = plimsoll_span_of(string)                                            \
    }
#define PLIMSOLL_SPAN(name, span)                                                                  \
    (struct plimsoll_log_field)                                                                    \
    {                                                                                              \
        .key = (name), .text = (span)                                                              \
    }
#define PLIMSOLL_INT(name, value)                                                                  \
    (struct plimsoll_log_field)                                                                    \
    {                                                                                              \
        .key = (name), .number = (int64_t)(value)                                                  \
    }

/** Before the first thread. `json` false: logfmt. */
void plimsoll_log_setup(enum plimsoll_log_level least, bool json);

void plimsoll_log_fields(enum plimsoll_log_level level, const char *message,
                         const struct plimsoll_log_field *fields, size_t field_count);

/* At least one field: an event without one says nothing that can be searched for. */
#define plimsoll_log(level, message, ...)                                                          \
    plimsoll_log_fields(level, message, (const struct plimsoll_log_field[]){__VA_ARGS__},          \
                        sizeof((const struct plimsoll_log_field[]){__VA_ARGS__}) /                 \
                            sizeof(struct plimsoll_log_field))
