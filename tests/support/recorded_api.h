/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A fake API server that gives the answers a test laid out, one after the other, and keeps what it
 * was asked.
 */
#pragma once

#include "fake_api.h"

#include <plimsoll/kube.h>

#define RECORDED_MAX 256

struct recorded_answer {
    const char *status, *body;
};

struct recorded_api {
    struct fake_api api;
    struct plimsoll_kube *kube;
    pthread_mutex_t lock;
    struct recorded_answer answers[RECORDED_MAX]; /* the last one is given again and again */
    size_t answer_count, asked;
    struct plimsoll_text heads[RECORDED_MAX], bodies[RECORDED_MAX];
    bool dies_when_kept; /* every connection, after its first answer */
};

static inline bool recorded_answer(void *context, int fd, const struct fake_request *request)
{
    struct recorded_api *recorded = context;
    pthread_mutex_lock(&recorded->lock);
    if (recorded->asked == RECORDED_MAX || recorded->answer_count == 0) {
        abort();
    }
    size_t number = recorded->asked++;
    size_t last = recorded->answer_count - 1;
    struct recorded_answer answer = recorded->answers[number < last ? number : last];
    recorded->heads[number] = plimsoll_text_make(1u << 16);
    recorded->bodies[number] = plimsoll_text_make(1u << 20);
    plimsoll_text_add_string(&recorded->heads[number], request->head);
    plimsoll_text_add(&recorded->bodies[number], request->body, request->body_size);
    pthread_mutex_unlock(&recorded->lock);
    if (recorded->dies_when_kept && request->on_connection > 0) {
        return false;
    }
    return fake_answer(fd, answer.status, "Content-Type: application/json\r\n", answer.body);
}

/** The next answer. */
static inline void recorded_give(struct recorded_api *recorded, const char *status,
                                 const char *body)
{
    recorded->answers[recorded->answer_count++] =
        (struct recorded_answer){.status = status, .body = body};
}

/** The cmocka setup: *state is the recorded_api. */
static inline int recorded_setup(void **state)
{
    struct plimsoll_error err = {0};
    struct recorded_api *recorded = plimsoll_alloc(1, sizeof *recorded);
    pthread_mutex_init(&recorded->lock, NULL);
    fake_start(&recorded->api, recorded_answer, recorded);
    plimsoll_autofree char *file = fake_kubeconfig(&recorded->api, "", "{token: secret}");
    if (plimsoll_kube_new(&(struct plimsoll_kube_options){.kubeconfig = file}, &recorded->kube,
                          &err) < 0) {
        abort();
    }
    unlink(file);
    *state = recorded;
    return 0;
}

static inline int recorded_teardown(void **state)
{
    struct recorded_api *recorded = *state;
    plimsoll_kube_free(&recorded->kube);
    fake_stop(&recorded->api);
    for (size_t i = 0; i < recorded->asked; i++) {
        plimsoll_text_clear(&recorded->heads[i]);
        plimsoll_text_clear(&recorded->bodies[i]);
    }
    pthread_mutex_destroy(&recorded->lock);
    free(recorded);
    return 0;
}

/* What was asked is read by the thread that asked, after its answer: */

static inline bool recorded_head_starts(const struct recorded_api *recorded, size_t number,
                                        const char *text)
{
    return number < recorded->asked &&
           strncmp(recorded->heads[number].data, text, strlen(text)) == 0;
}

static inline bool recorded_head_has(const struct recorded_api *recorded, size_t number,
                                     const char *text)
{
    return number < recorded->asked && strstr(recorded->heads[number].data, text) != NULL;
}
