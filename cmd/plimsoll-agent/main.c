/* SPDX-License-Identifier: Apache-2.0 */
#include "observer.h"
#include "print.h"
#include "slim.h"
#include "status.h"

#include <plimsoll/clock.h>

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* A loss of room is told so soon, a small one so late, and a card whose use swings all the time
 * gets six writes in a minute. */
#define LOSS_MS     4000
#define SMALL_MS    60000
#define WRITE_BURST 10
#define REFILL_MS   10000

/* What the agent is made of, in the order in which it is started. */
struct agent {
    const struct plimsoll_agent_options *options;
    struct plimsoll_kube *kube;
    struct plimsoll_status *status; /* NULL: nobody listens */
    struct plimsoll_observer *observer;
    struct plimsoll_publisher *publisher;
    struct plimsoll_writer *writer;
    struct plimsoll_report_texts texts;
    bool too_large; /* said */
    bool slim;
};

static int start(struct agent *agent, struct plimsoll_error *err)
{
    const struct plimsoll_agent_options *options = agent->options;
    if (plimsoll_kube_new(&(struct plimsoll_kube_options){.kubeconfig = options->kubeconfig},
                          &agent->kube, err) != 0) {
        return -1;
    }
    if (options->metrics_listen != NULL &&
        plimsoll_status_start(options->metrics_listen, &agent->status, err) != 0) {
        return -1;
    }
    agent->observer = plimsoll_observer_new(options);
    agent->publisher =
        plimsoll_publisher_new(&(struct plimsoll_publisher_settings){.reserve = options->reserve,
                                                                     .loss_ms = LOSS_MS,
                                                                     .small_ms = SMALL_MS,
                                                                     .burst = WRITE_BURST,
                                                                     .refill_ms = REFILL_MS});
    agent->writer = plimsoll_writer_new(agent->kube, options->node);
    agent->texts = plimsoll_report_texts_make();
    return 0;
}

/* The reverse of the start; good for a start that stopped half-way, too. */
static void stop(struct agent *agent)
{
    plimsoll_status_stop(&agent->status);
    plimsoll_report_texts_clear(&agent->texts);
    plimsoll_writer_free(&agent->writer);
    plimsoll_publisher_free(&agent->publisher);
    plimsoll_observer_free(&agent->observer);
    plimsoll_kube_free(&agent->kube);
}

/* Once everything has run: drivers are loaded, a connection stands. */
static void settle(struct agent *agent)
{
    if (!agent->slim) {
        plimsoll_slim();
        (void)malloc_trim(0);
    }
    agent->slim = true;
}

static void publish(struct agent *agent, const struct plimsoll_look *look)
{
    int64_t now = plimsoll_clock_monotonic_ms();
    struct plimsoll_error err = {0};
    /* While it backs off nothing is decided: what is worth a write then goes with the next. */
    if (!plimsoll_writer_ready(agent->writer, now)) {
        return;
    }
    if (plimsoll_report_write(look, &agent->texts, &err) != 0) {
        if (!agent->too_large) {
            plimsoll_log(PLIMSOLL_LOG_ERROR, "nothing is published",
                         PLIMSOLL_STR("err", err.message));
        }
        agent->too_large = true;
        return;
    }
    agent->too_large = false;
    enum plimsoll_publish what =
        plimsoll_publisher_look(agent->publisher, look, &agent->texts, now);
    enum plimsoll_wrote wrote = what != PLIMSOLL_PUBLISH_NOTHING
                                    ? plimsoll_writer_write(agent->writer, what, &agent->texts, now)
                                    : plimsoll_writer_check(agent->writer, now);
    if (wrote == PLIMSOLL_WROTE && what != PLIMSOLL_PUBLISH_NOTHING) {
        plimsoll_publisher_written(agent->publisher);
        settle(agent);
    } else if (wrote == PLIMSOLL_WROTE_ASTRAY) {
        plimsoll_publisher_forget(agent->publisher);
    }
    struct plimsoll_writer_counts counts = plimsoll_writer_counts(agent->writer);
    plimsoll_status_wrote(agent->status, &counts);
}

static void step(struct agent *agent)
{
    struct plimsoll_error err = {0};
    struct plimsoll_look look;
    int seen = plimsoll_observer_look(agent->observer, &look, &err);
    plimsoll_status_looked(agent->status, seen >= 0 ? &look : NULL, seen == 0,
                           plimsoll_observer_trouble(agent->observer));
    if (seen >= 0) {
        publish(agent, &look);
    }
}

/* A step in each interval until SIGTERM or SIGINT; late ones are not made up for. */
static void run(struct agent *agent, const sigset_t *signals)
{
    int64_t next = plimsoll_clock_monotonic_ms();
    for (;;) {
        step(agent);
        int64_t now = plimsoll_clock_monotonic_ms();
        next = next + agent->options->interval_ms > now ? next + agent->options->interval_ms : now;
        int64_t wait = next - now;
        int number = sigtimedwait(
            signals, NULL,
            &(struct timespec){.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000});
        if (number > 0) {
            plimsoll_log(PLIMSOLL_LOG_INFO, "stopping", PLIMSOLL_STR("signal", strsignal(number)));
            return;
        }
    }
}

static int serve(const struct plimsoll_agent_options *options, const sigset_t *signals)
{
    struct agent agent = {.options = options};
    struct plimsoll_error err = {0};
    int status = 0;
    if (start(&agent, &err) != 0) {
        plimsoll_log(PLIMSOLL_LOG_ERROR, "cannot start", PLIMSOLL_STR("err", err.message));
        status = 1;
    } else {
        run(&agent, signals);
    }
    stop(&agent);
    return status;
}

int main(int argc, char **argv)
{
    struct plimsoll_agent_options options;
    struct plimsoll_error err = {0};
    if (plimsoll_agent_options_read(argc, argv, &options, &err) != 0) {
        fprintf(stderr, "plimsoll-agent: %s\n", err.message);
        return 2;
    }
    if (options.help) {
        plimsoll_agent_options_help(stdout);
        return 0;
    }
    if (options.version) {
        puts("plimsoll-agent " PLIMSOLL_VERSION);
        return 0;
    }
    /* One heap for the few threads there are: the agent stays small. */
    (void)mallopt(M_ARENA_MAX, 1);
    plimsoll_log_setup(options.log_level, options.log_json);
    /* Before the first thread: every thread inherits the mask, and only sigtimedwait sees them. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    return options.once || options.watch ? plimsoll_print_looks(&options, &signals)
                                         : serve(&options, &signals);
}
