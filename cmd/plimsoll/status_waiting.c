/* SPDX-License-Identifier: Apache-2.0 */
#include "status_parts.h"

#include "closest.h"

#include <plimsoll/clock.h>

#include <string.h>

/* One that waits, while the picture is held. */
struct found {
    const struct plimsoll_pod *pod;
    size_t place; /* in the books' order; SIZE_MAX: they do not look after it */
};

/* One of the page, kept between holds. */
struct shown {
    struct plimsoll_uid uid;
    int64_t since_ms; /* 0: not known */
    bool asked;
};

struct plimsoll_status_waiters plimsoll_status_waiters_read(struct plimsoll_verbs *verbs)
{
    struct plimsoll_status_waiters waiters = {0};
    if (verbs->keeper != NULL) {
        waiters.list = plimsoll_bookkeeper_waiters(verbs->keeper, &waiters.count);
    }
    return waiters;
}

/* -- who waits, in order -------------------------------------------------------------------------
 */

struct place {
    struct plimsoll_uid uid;
    size_t place;
};

static int compare_uids(const void *left, const void *right)
{
    const struct plimsoll_uid *a = left, *b = right;
    return strcmp(a->text, b->text);
}

/* The books' waiters by uid. */
static struct place *sort_places(const struct plimsoll_status_waiters *waiters)
{
    struct place *places = plimsoll_alloc(waiters->count + 1, sizeof *places);
    for (size_t i = 0; i < waiters->count; i++) {
        places[i] = (struct place){waiters->list[i].uid, i};
    }
    qsort(places, waiters->count, sizeof *places, compare_uids);
    return places;
}

/* Whom the books look after first, in their order; then by name. */
static int compare_found(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    if (a->place != b->place) {
        return a->place < b->place ? -1 : 1;
    }
    int order = strcmp(a->pod->namespace_, b->pod->namespace_);
    return order != 0 ? order : strcmp(a->pod->name, b->pod->name);
}

/* With the picture held. Owned by the caller. */
static struct found *find_waiting(struct plimsoll_cluster *cluster,
                                  const struct plimsoll_page_query *query,
                                  const struct plimsoll_status_waiters *waiters, size_t *count,
                                  size_t *all)
{
    plimsoll_autofree struct place *places = sort_places(waiters);
    struct found *list = NULL;
    size_t at = 0, capacity = 0;
    for (const struct plimsoll_pod *pod; (pod = plimsoll_cluster_next_pod(cluster, &at)) != NULL;) {
        if (pod->node[0] != '\0') {
            continue;
        }
        (*all)++;
        if (!plimsoll_page_shows_pod(query, pod)) {
            continue;
        }
        if (*count == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 64;
            list = plimsoll_realloc(list, capacity, sizeof *list);
        }
        const struct place *place =
            bsearch(&pod->uid, places, waiters->count, sizeof *places, compare_uids);
        list[(*count)++] = (struct found){pod, place != NULL ? place->place : SIZE_MAX};
    }
    if (*count > 0) {
        qsort(list, *count, sizeof *list, compare_found);
    }
    return list;
}

/* -- why each of them does -----------------------------------------------------------------------
 */

/* Judges one node; the first that takes the pod is named. */
static void look(struct plimsoll_page_waiting *waiting, struct plimsoll_closest *closest,
                 const struct plimsoll_extender_node *node)
{
    enum plimsoll_reason reason = plimsoll_closest_look(closest, node);
    waiting->nodes++;
    waiting->reasons[reason]++;
    if (reason == PLIMSOLL_FITS && waiting->fits == NULL) {
        waiting->fits = node->view.node->name;
    }
}

/* Without having been asked about, a node counts when it has cards. */
static void look_at_nodes(struct plimsoll_verbs *verbs, const struct plimsoll_name_set *asked,
                          struct plimsoll_page_waiting *waiting, struct plimsoll_closest *closest)
{
    size_t count = plimsoll_cluster_node_count(verbs->cluster);
    for (size_t i = 0; i < count; i++) {
        struct plimsoll_extender_node node;
        if (plimsoll_cluster_node_at(verbs->cluster, i, &node) &&
            (waiting->asked ? plimsoll_name_set_has(asked, plimsoll_span_of(node.view.node->name))
                            : node.view.node->card_count > 0)) {
            look(waiting, closest, &node);
        }
    }
    if (closest->found && waiting->fits == NULL) {
        waiting->closest = &closest->node;
        waiting->verdict = closest->verdict;
    }
}

static void write_one(struct plimsoll_verbs *verbs, const struct shown *shown,
                      struct plimsoll_text *out)
{
    struct plimsoll_name_set asked = {0};
    struct plimsoll_page_waiting waiting = {
        .asked = shown->asked && plimsoll_bookkeeper_asked(verbs->keeper, &shown->uid, &asked)};
    if (shown->since_ms > 0) {
        waiting.since_unix_ms =
            plimsoll_clock_unix_ms() - (plimsoll_clock_monotonic_ms() - shown->since_ms);
    }
    plimsoll_cluster_read_begin(verbs->cluster);
    waiting.pod = plimsoll_cluster_pod(verbs->cluster, &shown->uid);
    if (waiting.pod != NULL && waiting.pod->node[0] == '\0') {
        struct plimsoll_closest closest = {.pod = waiting.pod,
                                           .settings = &verbs->config->placement};
        if (waiting.pod->refusal == NULL) {
            look_at_nodes(verbs, &asked, &waiting, &closest);
        }
        plimsoll_page_write_waiting(&waiting, out);
        plimsoll_closest_clear(&closest);
    }
    plimsoll_cluster_read_end(verbs->cluster);
}

void plimsoll_status_write_waiting(struct plimsoll_verbs *verbs,
                                   const struct plimsoll_page_query *query,
                                   const struct plimsoll_status_waiters *waiters,
                                   struct plimsoll_text *out)
{
    struct shown shown[PLIMSOLL_PAGE_WAITING_MAX];
    size_t count = 0, all = 0, shown_count = 0;
    plimsoll_cluster_read_begin(verbs->cluster);
    plimsoll_autofree struct found *list =
        find_waiting(verbs->cluster, query, waiters, &count, &all);
    size_t page = plimsoll_page_clamp(query->waiting_page, count, PLIMSOLL_PAGE_WAITING_MAX);
    for (size_t i = page * PLIMSOLL_PAGE_WAITING_MAX;
         i < count && shown_count < PLIMSOLL_PAGE_WAITING_MAX; i++) {
        bool asked = list[i].place < waiters->count;
        shown[shown_count++] =
            (struct shown){.uid = list[i].pod->uid,
                           .since_ms = asked ? waiters->list[list[i].place].since_ms : 0,
                           .asked = asked};
    }
    plimsoll_cluster_read_end(verbs->cluster);
    plimsoll_text_add_format(
        out, ",\"waiting\":{\"all\":%zu,\"count\":%zu,\"page\":%zu,\"size\":%u,\"list\":[", all,
        count, page, PLIMSOLL_PAGE_WAITING_MAX);
    for (size_t i = 0; i < shown_count; i++) {
        write_one(verbs, &shown[i], out);
    }
    plimsoll_text_add_string(out, "]}");
}
