/* SPDX-License-Identifier: Apache-2.0 */
/* The status page is on the loopback of the server's pod: kubectl port-forward reaches it. */
#include "browser.h"
#include "command.h"
#include "terminal.h"

#include <plimsoll/json.h>

#include <string.h>

#define PODS_BYTES_MAX (16u * 1024 * 1024)
#define LINE_BYTES_MAX 4096u
/* Where the extender listens unless the pod says otherwise. */
#define USUAL_PORT "10262"

static const char forwarding[] = "Forwarding from 127.0.0.1:";

/* A server that runs. */
struct server {
    char *name, *home; /* owned; NULL: none was found */
    char port[8];
};

/* -- which pod -----------------------------------------------------------------------------------
 */

static bool is_there(struct plimsoll_json value)
{
    return plimsoll_json_type(value) != PLIMSOLL_JSON_MISSING;
}

static bool is_ready(struct plimsoll_json pod)
{
    struct plimsoll_json metadata = plimsoll_json_get(pod, "metadata");
    struct plimsoll_json status = plimsoll_json_get(pod, "status");
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(status, "conditions"));
    for (; is_there(it); it = plimsoll_json_next(it)) {
        if (plimsoll_json_is(plimsoll_json_get(it, "type"), "Ready")) {
            return plimsoll_json_is(plimsoll_json_get(it, "status"), "True") &&
                   !is_there(plimsoll_json_get(metadata, "deletionTimestamp"));
        }
    }
    return false;
}

/* The port of `--extender-listen=127.0.0.1:10262`. */
static void read_port(struct plimsoll_json container, char port[8])
{
    static const char flag[] = "--extender-listen=";
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(container, "args"));
    for (; is_there(it); it = plimsoll_json_next(it)) {
        plimsoll_autofree char *argument = plimsoll_json_dup(it);
        const char *colon = argument != NULL && strncmp(argument, flag, sizeof flag - 1) == 0
                                ? strrchr(argument, ':')
                                : NULL;
        unsigned long long number;
        if (colon != NULL && plimsoll_span_decimal(plimsoll_span_of(colon + 1), &number) &&
            number > 0 && number <= UINT16_MAX) {
            (void)snprintf(port, 8, "%llu", number);
        }
    }
}

static int miss(const char *home, struct plimsoll_error *err)
{
    if (home != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "no pod of the server is in namespace %s; without -n it is "
                                  "looked for in every namespace",
                                  home);
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                              "no pod of the server is in any namespace; install the chart, or "
                              "apply manifests/");
}

static int choose(struct plimsoll_json list, const char *home, struct server *server,
                  struct plimsoll_error *err)
{
    struct plimsoll_json pod = plimsoll_json_first(plimsoll_json_get(list, "items"));
    size_t count = plimsoll_json_count(plimsoll_json_get(list, "items"));
    while (is_there(pod) && !is_ready(pod)) {
        pod = plimsoll_json_next(pod);
    }
    if (!is_there(pod)) {
        return count > 0
                   ? plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                        "of %zu %s of the server none is ready; kubectl plimsoll "
                                        "doctor says more",
                                        count, count == 1 ? "pod" : "pods")
                   : miss(home, err);
    }
    struct plimsoll_json metadata = plimsoll_json_get(pod, "metadata");
    struct plimsoll_json spec = plimsoll_json_get(pod, "spec");
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(spec, "containers"));
    memcpy(server->port, USUAL_PORT, sizeof USUAL_PORT);
    for (; is_there(it); it = plimsoll_json_next(it)) {
        read_port(it, server->port);
    }
    server->name = plimsoll_json_dup(plimsoll_json_get(metadata, "name"));
    server->home = plimsoll_json_dup(plimsoll_json_get(metadata, "namespace"));
    return server->name != NULL && server->home != NULL
               ? 0
               : plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                    "the API server listed a pod without a name");
}

static int find_server(const struct plimsoll_plugin_options *options, struct server *server,
                       struct plimsoll_error *err)
{
    static const char *const labels = "labelSelector=app.kubernetes.io%2Fpart-of%3Dplimsoll,"
                                      "app.kubernetes.io%2Fcomponent%3Dserver";
    plimsoll_autotext path = plimsoll_text_make(1024), body = plimsoll_text_make(PODS_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    if (options->namespace_ != NULL) {
        plimsoll_text_add_format(&path, "/api/v1/namespaces/%s/pods?%s", options->namespace_,
                                 labels);
    } else {
        plimsoll_text_add_format(&path, "/api/v1/pods?%s", labels);
    }
    if (path.overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "-n: no namespace has so long a name");
    }
    if (plimsoll_kubectl_get(&options->kubectl, path.data, &body, err) < 0) {
        return err->kind == PLIMSOLL_ERR_DENIED && options->namespace_ == NULL
                   ? plimsoll_error_set(err, PLIMSOLL_ERR_DENIED,
                                        "%s; -n NAMESPACE asks that of Plimsoll alone",
                                        err->message)
                   : -1;
    }
    if (plimsoll_json_parse(plimsoll_text_span(&body), &document, err) < 0) {
        return -1;
    }
    return choose(plimsoll_json_root(document), options->namespace_, server, err);
}

/* -- the way there -------------------------------------------------------------------------------
 */

/* What kubectl prints, until it has said where it listens. */
struct ear {
    const struct server *server;
    struct plimsoll_text line;
    bool told, opens; /* opens: in a browser, too */
};

static void take_line(struct ear *ear)
{
    if (!ear->told && plimsoll_span_starts(plimsoll_text_span(&ear->line), forwarding)) {
        const char *port = ear->line.data + sizeof forwarding - 1;
        char url[64];
        (void)snprintf(url, sizeof url, "http://localhost:%.*s/", (int)strspn(port, "0123456789"),
                       port);
        fprintf(stderr, "The status page of %s/%s; Ctrl-C ends it.\n", ear->server->home,
                ear->server->name);
        puts(url);
        (void)fflush(stdout);
        ear->told = true;
        if (ear->opens) {
            plimsoll_browser_open(url);
        }
    }
    plimsoll_text_reset(&ear->line);
}

static int listen_to(void *context, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    (void)err;
    struct ear *ear = context;
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == '\n') {
            take_line(ear);
        } else {
            plimsoll_text_add_char(&ear->line, bytes.data[i]);
        }
    }
    return 0;
}

static int forward(const struct plimsoll_plugin_options *options, const struct server *server,
                   struct plimsoll_error *err)
{
    char ports[32] = "";
    plimsoll_autotext pod = plimsoll_text_make(PLIMSOLL_NAME_BYTES_MAX + 8);
    plimsoll_text_add_format(&pod, "pod/%s", server->name);
    if (options->port > 0) {
        (void)snprintf(ports, sizeof ports, "%llu:%s", (unsigned long long)options->port,
                       server->port);
    } else {
        (void)snprintf(ports, sizeof ports, ":%s", server->port);
    }
    const char *const arguments[] = {"port-forward", "--namespace", server->home,
                                     pod.data,       ports,         NULL};
    struct ear ear = {.server = server,
                      .line = plimsoll_text_make(LINE_BYTES_MAX),
                      .opens = !options->no_browser};
    int result = plimsoll_kubectl_run(&options->kubectl, arguments, listen_to, &ear, err);
    plimsoll_text_clear(&ear.line);
    return result;
}

int plimsoll_command_page(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    struct server server = {0};
    int result = find_server(options, &server, &err);
    if (result == 0) {
        result = forward(options, &server, &err);
    }
    free(server.name);
    free(server.home);
    return result == 0 ? PLIMSOLL_EXIT_YES : plimsoll_terminal_fail("page", &err);
}
