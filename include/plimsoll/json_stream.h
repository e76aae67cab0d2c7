/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Cuts a JSON body into values while it arrives, keeping no more of it than the value in progress.
 *
 * Two uses. A *document* is one object on the way to a large array (`["Nodes","items"]`,
 * `["items"]`): each element of the array is given as it completes, every other member of the
 * objects on the way is given whole with its key. A *sequence* (path of length 0) is a series of
 * root values (a watch): each is given as an element.
 *
 * Values are checked for balance (kinds of brackets are not told apart) and depth
 * (PLIMSOLL_JSON_DEPTH_MAX), not for grammar: whoever reads one validates what it reads. A key that
 * the path names may be there once only. A value that lies within one feed is handed out where it
 * is. Memory is one value (`value_bytes_max`), time linear in the bytes. Not safe from several
 * threads.
 */
#pragma once

#include <plimsoll/error.h>
#include <plimsoll/span.h>
#include <plimsoll/text.h>

/** A key of an object on the way; the API has none beyond a few dozen bytes. */
#define PLIMSOLL_JSON_STREAM_KEY_BYTES_MAX 4096

struct plimsoll_json_stream_handler {
    void *context;
    /** An element of the array, or a root value of a sequence. Borrowed for the call. @return 0, or
     * -1 to stop */
    int (*element)(void *context, struct plimsoll_span value, struct plimsoll_error *err);
    /**
     * A member beside the way: `depth` 0 is the root object, 1 the object under path[0]…  A member
     * that the path names but that is `null` or another type than expected is given here, too.
     * Order is the body's order. May be NULL. Borrowed for the call.
     */
    int (*member)(void *context, unsigned depth, struct plimsoll_span key,
                  struct plimsoll_span value, struct plimsoll_error *err);
};

struct plimsoll_json_stream;

/**
 * @param path        Keys from the root to the array, compared without regard to ASCII case;
 * borrowed, must outlive the stream. NULL with path_size 0: a sequence.
 * @param handler     Copied; its context must outlive the stream.
 * @param value_bytes_max  Ceiling for one element or member.
 */
struct plimsoll_json_stream *
plimsoll_json_stream_new(const char *const *path, size_t path_size,
                         const struct plimsoll_json_stream_handler *handler,
                         size_t value_bytes_max);
void plimsoll_json_stream_free(struct plimsoll_json_stream **stream);

/**
 * The next bytes, in order. @return 0, or -1: what a handler said, PLIMSOLL_ERR_INVALID with the
 * byte, PLIMSOLL_ERR_TOO_LARGE. After a failure every further call fails alike.
 */
int plimsoll_json_stream_feed(struct plimsoll_json_stream *stream, struct plimsoll_span bytes,
                              struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
/**
 * For a handler, during its call: takes the value it was given over, where the stream has put it
 * together from several feeds.
 * @param value  Set when true; the caller clears it.
 * @return false when the value stands in the bytes of this feed: copy it.
 */
bool plimsoll_json_stream_take(struct plimsoll_json_stream *stream, struct plimsoll_text *value);
/** The body has ended. @return 0, or -1 with PLIMSOLL_ERR_INVALID when it was cut short or empty.
 */
int plimsoll_json_stream_finish(struct plimsoll_json_stream *stream,
                                struct plimsoll_error *err) PLIMSOLL_MUST_CHECK;
