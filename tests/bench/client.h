/* SPDX-License-Identifier: Apache-2.0 */
/** One HTTPS connection that is kept open; whatever goes wrong ends the program. */
#pragma once

#include <plimsoll/span.h>

struct client;

/** What an answer's bytes go to; NULL: they are only counted. */
typedef void (*client_take_fn)(void *context, struct plimsoll_span bytes);

struct client *client_open(const char *ca_directory, unsigned port);
void client_close(struct client **client);

/** POST, or GET when `body.data` is NULL. @return bytes of the answer; its status was 200. */
size_t client_ask(struct client *client, const char *path, struct plimsoll_span body,
                  client_take_fn take, void *context);
