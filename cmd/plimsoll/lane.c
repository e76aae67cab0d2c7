/* SPDX-License-Identifier: Apache-2.0 */
#include "lane.h"

#include <plimsoll/own.h>

#include <pthread.h>
#include <stdbool.h>

struct link {
    void *errand;
    struct link *next;
};

struct plimsoll_lane {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct link *first, **last;
    bool stopping;
    plimsoll_lane_run_fn run;
    void *context;
    size_t thread_count;
    pthread_t threads[];
};

/* The oldest errand, or NULL when the lane stops and none is left. */
static void *take(struct plimsoll_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->first == NULL && !lane->stopping) {
        pthread_cond_wait(&lane->changed, &lane->lock);
    }
    struct link *link = lane->first;
    void *errand = NULL;
    if (link != NULL) {
        errand = link->errand;
        lane->first = link->next;
        if (lane->first == NULL) {
            lane->last = &lane->first;
        }
        free(link);
    }
    pthread_mutex_unlock(&lane->lock);
    return errand;
}

static void *run_errands(void *context)
{
    struct plimsoll_lane *lane = context;
    for (void *errand; (errand = take(lane)) != NULL;) {
        lane->run(lane->context, errand);
    }
    return NULL;
}

struct plimsoll_lane *plimsoll_lane_start(size_t threads, plimsoll_lane_run_fn run, void *context)
{
    struct plimsoll_lane *lane =
        plimsoll_alloc(1, sizeof *lane + threads * sizeof lane->threads[0]);
    lane->run = run;
    lane->context = context;
    lane->last = &lane->first;
    lane->thread_count = threads;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&lane->threads[i], NULL, run_errands, lane) != 0) {
            abort(); /* no threads is no memory */
        }
    }
    return lane;
}

void plimsoll_lane_put(struct plimsoll_lane *lane, void *errand)
{
    struct link *link = plimsoll_alloc(1, sizeof *link);
    link->errand = errand;
    pthread_mutex_lock(&lane->lock);
    *lane->last = link;
    lane->last = &link->next;
    pthread_cond_signal(&lane->changed);
    pthread_mutex_unlock(&lane->lock);
}

void plimsoll_lane_stop(struct plimsoll_lane **lane)
{
    struct plimsoll_lane *stopped = PLIMSOLL_TAKE(*lane);
    pthread_mutex_lock(&stopped->lock);
    stopped->stopping = true;
    pthread_cond_broadcast(&stopped->changed);
    pthread_mutex_unlock(&stopped->lock);
    for (size_t i = 0; i < stopped->thread_count; i++) {
        pthread_join(stopped->threads[i], NULL);
    }
    pthread_cond_destroy(&stopped->changed);
    pthread_mutex_destroy(&stopped->lock);
    free(stopped);
}
