/* SPDX-License-Identifier: Apache-2.0 */
#include "nominees.h"

#include "call.h"

#include <pthread.h>

struct nominee {
    struct plimsoll_uid pod; /* empty: free */
    bool refused;
    uint64_t *victims; /* owned, sorted */
    size_t victim_count;
};

struct plimsoll_nominees {
    pthread_mutex_t lock;
    struct nominee list[PLIMSOLL_NOMINEES_MAX];
    size_t next; /* the oldest */
};

struct plimsoll_nominees *plimsoll_nominees_new(void)
{
    struct plimsoll_nominees *nominees = plimsoll_alloc(1, sizeof *nominees);
    pthread_mutex_init(&nominees->lock, NULL);
    return nominees;
}

void plimsoll_nominees_free(struct plimsoll_nominees **handle)
{
    struct plimsoll_nominees *nominees = PLIMSOLL_TAKE(*handle);
    if (nominees == NULL) {
        return;
    }
    for (size_t i = 0; i < PLIMSOLL_NOMINEES_MAX; i++) {
        free(nominees->list[i].victims);
    }
    pthread_mutex_destroy(&nominees->lock);
    free(nominees);
}

/* Under the lock, as all that follows. @return NULL when the pod is not there */
static struct nominee *find(struct plimsoll_nominees *nominees, const struct plimsoll_uid *pod)
{
    for (size_t i = 0; i < PLIMSOLL_NOMINEES_MAX; i++) {
        if (strcmp(nominees->list[i].pod.text, pod->text) == 0) {
            return &nominees->list[i];
        }
    }
    return NULL;
}

/* In the place of the oldest when the pod is not there. */
static struct nominee *find_or_make(struct plimsoll_nominees *nominees,
                                    const struct plimsoll_uid *pod)
{
    struct nominee *found = find(nominees, pod);
    if (found == NULL) {
        found = &nominees->list[nominees->next++ % PLIMSOLL_NOMINEES_MAX];
        free(found->victims);
        *found = (struct nominee){.pod = *pod};
    }
    return found;
}

static bool was_asked(const struct plimsoll_extender_call *call, struct plimsoll_span node)
{
    for (size_t i = 0; i < call->names.count; i++) {
        if (plimsoll_span_equal(plimsoll_names_get(&call->names, i), node)) {
            return true;
        }
    }
    return false;
}

void plimsoll_nominees_note_refusal(struct plimsoll_nominees *nominees,
                                    const struct plimsoll_extender_call *call)
{
    const struct plimsoll_pod *pod = &call->pod;
    if (!call->pod_seen || pod->nominated[0] == '\0' || pod->uid.text[0] == '\0' ||
        !was_asked(call, plimsoll_span_of(pod->nominated))) {
        return;
    }
    pthread_mutex_lock(&nominees->lock);
    find_or_make(nominees, &pod->uid)->refused = true;
    pthread_mutex_unlock(&nominees->lock);
}

bool plimsoll_nominees_take_refusal(struct plimsoll_nominees *nominees,
                                    const struct plimsoll_uid *pod)
{
    if (pod->text[0] == '\0') {
        return false;
    }
    pthread_mutex_lock(&nominees->lock);
    struct nominee *found = find(nominees, pod);
    bool refused = found != NULL && found->refused;
    if (refused) {
        found->refused = false;
    }
    pthread_mutex_unlock(&nominees->lock);
    return refused;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

void plimsoll_nominees_set_victims(struct plimsoll_nominees *nominees,
                                   const struct plimsoll_uid *pod, const uint64_t *victims,
                                   size_t count)
{
    if (pod->text[0] == '\0' || count == 0) {
        return;
    }
    uint64_t *copy = plimsoll_alloc(count, sizeof *copy);
    memcpy(copy, victims, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, compare);
    pthread_mutex_lock(&nominees->lock);
    struct nominee *nominee = find_or_make(nominees, pod);
    free(nominee->victims);
    nominee->victims = copy;
    nominee->victim_count = count;
    pthread_mutex_unlock(&nominees->lock);
}

bool plimsoll_nominees_has_victim(struct plimsoll_nominees *nominees,
                                  const struct plimsoll_uid *pod, const struct plimsoll_uid *victim)
{
    uint64_t wanted = plimsoll_nominees_hash(victim);
    pthread_mutex_lock(&nominees->lock);
    const struct nominee *found = find(nominees, pod);
    bool has =
        found != NULL && found->victim_count > 0 &&
        bsearch(&wanted, found->victims, found->victim_count, sizeof wanted, compare) != NULL;
    pthread_mutex_unlock(&nominees->lock);
    return has;
}
