/* SPDX-License-Identifier: Apache-2.0 */
#include "kubectl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

/* A line of standard error that is looked at; of a longer one the rest is passed on unseen. */
#define LINE_BYTES_MAX 4096u
#define CHUNK_BYTES    (64u * 1024)

struct run {
    const char *program;
    pid_t pid;
    int out, complaints; /* our ends of the pipes, -1 when closed */
    struct plimsoll_text line;
    struct plimsoll_text reason; /* the line that says why it failed */
};

/* What kubectl's last word begins with when it gives up. */
static bool is_last_word(struct plimsoll_span line)
{
    static const char *const beginnings[] = {"Error from server",
                                             "error: ",
                                             "Error: ",
                                             "Unable to connect",
                                             "The connection to the server",
                                             "unknown"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (plimsoll_span_starts(line, beginnings[i])) {
            return true;
        }
    }
    return false;
}

/* -- starting ------------------------------------------------------------------------------------
 */

static int spawn(struct run *run, const char *const *argv, int out, int complaints)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    /* The signature is older than const; execve does not write. */
    char *const *arguments;
    memcpy(&arguments, &argv, sizeof arguments);
    int failed = posix_spawnp(&run->pid, run->program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int start(struct run *run, const char *const *argv, struct plimsoll_error *err)
{
    int out[2], complaints[2];
    if (pipe2(out, O_CLOEXEC) != 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "pipe: %s", strerror(errno));
    }
    if (pipe2(complaints, O_CLOEXEC) != 0) {
        int failed = errno;
        close(out[0]);
        close(out[1]);
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "pipe: %s", strerror(failed));
    }
    int failed = spawn(run, argv, out[1], complaints[1]);
    close(out[1]);
    close(complaints[1]);
    if (failed != 0) {
        close(out[0]);
        close(complaints[0]);
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INTERNAL,
            "%s: %s: kubectl reaches the cluster for this command; install it, "
            "or say where it is in KUBECTL",
            run->program, strerror(failed));
    }
    run->out = out[0];
    run->complaints = complaints[0];
    return 0;
}

/* -- reading -------------------------------------------------------------------------------------
 */

static void pass_on(struct plimsoll_span bytes)
{
    if (bytes.size > 0) {
        (void)fwrite(bytes.data, 1, bytes.size, stderr);
    }
}

static void take_line(struct run *run)
{
    struct plimsoll_span line = plimsoll_text_span(&run->line);
    if (is_last_word(line)) {
        plimsoll_text_reset(&run->reason);
        plimsoll_text_add_span(&run->reason, plimsoll_span_trim(line));
    } else {
        pass_on(line);
    }
    plimsoll_text_reset(&run->line);
}

static void take_complaint(struct run *run, struct plimsoll_span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        plimsoll_text_add_char(&run->line, bytes.data[i]);
        if (bytes.data[i] == '\n' || run->line.size == LINE_BYTES_MAX) {
            take_line(run);
        }
    }
    /* A question stands on a line that has not ended. */
    if (run->line.size > 0 && run->line.data[run->line.size - 1] == ' ' &&
        !is_last_word(plimsoll_text_span(&run->line))) {
        take_line(run);
    }
}

/* @return the bytes that came; at the end closes the pipe. */
static struct plimsoll_span read_some(int *pipe, char *chunk)
{
    ssize_t size = read(*pipe, chunk, CHUNK_BYTES);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) {
        close(*pipe);
        *pipe = -1;
    }
    return (struct plimsoll_span){.data = chunk, .size = size > 0 ? (size_t)size : 0};
}

static int read_all(struct run *run, plimsoll_kubectl_take_fn *take, void *context,
                    struct plimsoll_error *err)
{
    plimsoll_autofree char *chunk = plimsoll_alloc(CHUNK_BYTES, 1);
    while (run->out >= 0 || run->complaints >= 0) {
        struct pollfd pipes[2] = {{.fd = run->out, .events = POLLIN},
                                  {.fd = run->complaints, .events = POLLIN}};
        if (poll(pipes, 2, -1) < 0) {
            continue;
        }
        if (pipes[1].revents != 0) {
            take_complaint(run, read_some(&run->complaints, chunk));
        }
        if (pipes[0].revents != 0) {
            struct plimsoll_span bytes = read_some(&run->out, chunk);
            if (bytes.size > 0 && take(context, bytes, err) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* -- ending --------------------------------------------------------------------------------------
 */

static enum plimsoll_error_kind kind_of(struct plimsoll_span reason)
{
    if (plimsoll_span_starts(reason, "Error from server (NotFound)")) {
        return PLIMSOLL_ERR_NOT_FOUND;
    }
    return plimsoll_span_starts(reason, "Error from server (Forbidden)") ? PLIMSOLL_ERR_DENIED
                                                                         : PLIMSOLL_ERR_UNAVAILABLE;
}

/* After it all pipes are closed and nothing is left running. */
static int end(struct run *run, int result, struct plimsoll_error *err)
{
    int status = 0;
    if (result < 0) {
        kill(run->pid, SIGTERM);
    }
    if (run->out >= 0) {
        close(run->out);
    }
    if (run->complaints >= 0) {
        close(run->complaints);
    }
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (run->line.size > 0) {
        take_line(run);
    }
    if (result < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        if (run->reason.size > 0) {
            plimsoll_text_add_char(&run->reason, '\n');
            pass_on(plimsoll_text_span(&run->reason));
        }
        return result;
    }
    if (run->reason.size > 0) {
        struct plimsoll_span reason = plimsoll_text_span(&run->reason);
        return plimsoll_error_set(err, kind_of(reason), "kubectl: %.*s", PLIMSOLL_SPAN_ARG(reason));
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE, "%s ended with %s %d", run->program,
                              WIFEXITED(status) ? "status" : "signal",
                              WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

int plimsoll_kubectl_run(const struct plimsoll_kubectl *kubectl, const char *const *arguments,
                         plimsoll_kubectl_take_fn *take, void *context, struct plimsoll_error *err)
{
    const char *argv[2 + PLIMSOLL_KUBECTL_FLAGS_MAX + PLIMSOLL_KUBECTL_ARGUMENTS_MAX];
    const char *named = getenv("KUBECTL");
    struct run run = {.program = named != NULL && named[0] != '\0' ? named : "kubectl",
                      .line = plimsoll_text_make(LINE_BYTES_MAX),
                      .reason = plimsoll_text_make(LINE_BYTES_MAX + 1)};
    size_t count = 0;
    argv[count++] = run.program;
    for (size_t i = 0; arguments[i] != NULL && i < PLIMSOLL_KUBECTL_ARGUMENTS_MAX; i++) {
        argv[count++] = arguments[i];
    }
    for (size_t i = 0; i < kubectl->flag_count; i++) {
        argv[count++] = kubectl->flags[i];
    }
    argv[count] = NULL;
    int result = start(&run, argv, err);
    if (result == 0) {
        result = end(&run, read_all(&run, take, context, err), err);
    }
    plimsoll_text_clear(&run.line);
    plimsoll_text_clear(&run.reason);
    return result;
}

static int keep(void *context, struct plimsoll_span bytes, struct plimsoll_error *err)
{
    struct plimsoll_text *text = context;
    plimsoll_text_add_span(text, bytes);
    if (text->overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE,
                                  "kubectl printed more than %zu bytes", text->size_max);
    }
    return 0;
}

int plimsoll_kubectl_read(const struct plimsoll_kubectl *kubectl, const char *const *arguments,
                          struct plimsoll_text *out, struct plimsoll_error *err)
{
    struct plimsoll_text read = plimsoll_text_make(out->size_max);
    int result = plimsoll_kubectl_run(kubectl, arguments, keep, &read, err);
    if (result == 0) {
        plimsoll_text_add_span(out, plimsoll_text_span(&read));
    }
    plimsoll_text_clear(&read);
    return result;
}

int plimsoll_kubectl_get(const struct plimsoll_kubectl *kubectl, const char *path,
                         struct plimsoll_text *out, struct plimsoll_error *err)
{
    const char *const arguments[] = {"get", "--raw", path, NULL};
    return plimsoll_kubectl_read(kubectl, arguments, out, err);
}
