/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <microhttpd.h>

/* What libmicrohttpd costs by itself: one thread, nothing checked, nothing decided. */
struct bare {
    struct plimsoll_span canned;
    char *cert, *key; /* PEM */
};

struct request {
    bool echo;
    struct plimsoll_text body;
};

static struct plimsoll_span choose_answer(const struct bare *bare, const char *url,
                                          const struct request *request)
{
    if (request->echo) {
        return plimsoll_text_span(&request->body);
    }
    return strcmp(url, "/canned") == 0 ? bare->canned : plimsoll_span_of("ok");
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    (void)method;
    (void)version;
    const struct bare *bare = context;
    struct request *request = *state;
    if (request == NULL) {
        request = plimsoll_alloc(1, sizeof *request);
        request->echo = strcmp(url, "/echo") == 0;
        request->body = plimsoll_text_make(1u << 20);
        *state = request;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (request->echo) {
            plimsoll_text_add(&request->body, upload, *upload_size);
        }
        *upload_size = 0;
        return MHD_YES;
    }
    struct plimsoll_span answer = choose_answer(bare, url, request);
    plimsoll_autofree char *copy = plimsoll_copy(answer.data, answer.size);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer.size, PLIMSOLL_TAKE(copy), MHD_RESPMEM_MUST_FREE);
    enum MHD_Result queued = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return queued;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct request *request = *state;
    if (request != NULL) {
        plimsoll_text_clear(&request->body);
        free(request);
    }
}

static char *read_file(const char *path)
{
    char pem[8192] = "";
    plimsoll_autofclose FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(pem, 1, sizeof pem - 1, file) : 0;
    return plimsoll_copy(pem, size);
}

void server_start_bare(const char *cert, const char *key, struct plimsoll_span canned,
                       unsigned *port)
{
    static struct bare bare;
    bare = (struct bare){.canned = canned, .cert = read_file(cert), .key = read_file(key)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_TLS, 0, NULL, NULL, on_request,
        &bare, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_HTTPS_MEM_CERT,
        bare.cert, MHD_OPTION_HTTPS_MEM_KEY, bare.key, MHD_OPTION_HTTPS_PRIORITIES,
        "NORMAL:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM", MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        daemon != NULL ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL) {
        fprintf(stderr, "bench: the bare server does not start\n");
        exit(1);
    }
    *port = info->port;
}
