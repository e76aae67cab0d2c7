/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/error.h>

#include "utf8.h"

#include <stdarg.h>
#include <string.h>

/* Here are the functions that the macros stand before. */
#undef plimsoll_error_set
#undef plimsoll_error_wrap

/* Values that come from outside are quoted in messages: one line, valid UTF-8, cut between
 * characters. */
static void make_presentable(char *message, size_t size)
{
    size_t at = 0;
    while (at < size && message[at] != '\0') {
        size_t length = plimsoll_utf8_sequence(message + at, strnlen(message + at, size - at));
        unsigned char byte = (unsigned char)message[at];
        if (length == 0 && strlen(message + at) < 4 && byte >= 0xC2) {
            message[at] = '\0'; /* the cut went through a character */
        } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
            message[at++] = '?';
        } else {
            at += length;
        }
    }
}

int plimsoll_error_set(struct plimsoll_error *err, enum plimsoll_error_kind kind,
                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* Arguments may point into the message that is being replaced. */
    char message[PLIMSOLL_ERROR_MESSAGE_SIZE];
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    make_presentable(message, sizeof message);
    err->kind = kind;
    memcpy(err->message, message, sizeof message);
    return -1;
}

int plimsoll_error_wrap(struct plimsoll_error *err, const char *format, ...)
{
    char context[PLIMSOLL_ERROR_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    char *message = NULL;
    if (asprintf(&message, "%s: %s", context, err->message) < 0) {
        abort();
    }
    strncpy(err->message, message, sizeof err->message - 1);
    err->message[sizeof err->message - 1] = '\0';
    free(message);
    make_presentable(err->message, sizeof err->message);
    return -1;
}

unsigned plimsoll_error_status(enum plimsoll_error_kind kind)
{
    static const unsigned statuses[] = {
#define X(name, status, text) [PLIMSOLL_ERR_##name] = (status),
        PLIMSOLL_ERROR_KINDS(X)
#undef X
    };
    return statuses[kind];
}

const char *plimsoll_error_text(enum plimsoll_error_kind kind)
{
    static const char *const texts[] = {
#define X(name, status, text) [PLIMSOLL_ERR_##name] = (text),
        PLIMSOLL_ERROR_KINDS(X)
#undef X
    };
    return texts[kind];
}
