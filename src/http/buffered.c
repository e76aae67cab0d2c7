/* SPDX-License-Identifier: Apache-2.0 */
/* For routes whose bodies are small enough to be had whole. */
#include "server.h"

struct buffered {
    const struct plimsoll_http_buffer *buffer;
    struct plimsoll_text body;
};

static void *begin(void *context, struct plimsoll_http_exchange *exchange,
                   struct plimsoll_error *err)
{
    (void)err;
    struct buffered *state = plimsoll_alloc(1, sizeof *state);
    state->buffer = context;
    state->body = plimsoll_text_make(exchange_route(exchange)->body_bytes_max);
    return state;
}

static int body(void *context, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    (void)err; /* the ceiling is the route's, checked before */
    struct buffered *state = context;
    plimsoll_text_add_span(&state->body, bytes);
    return 0;
}

static int finish(void *context, struct plimsoll_http_exchange *exchange,
                  struct plimsoll_error *err)
{
    struct buffered *state = context;
    return state->buffer->answer(state->buffer->context, plimsoll_text_span(&state->body), exchange,
                                 err);
}

static void end(void *context)
{
    struct buffered *state = context;
    plimsoll_text_clear(&state->body);
    free(state);
}

const struct plimsoll_http_handler plimsoll_http_buffered = {
    .begin = begin, .body = body, .finish = finish, .end = end};
