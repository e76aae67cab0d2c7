/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler beside a replica: filter on the load lines of its picture, the best node, bind. */
#include "model.h"

#include <stdio.h>

struct model_waiter *model_waiter(struct model_replica *replica, size_t pod)
{
    for (size_t i = 0; i < replica->waiter_count; i++) {
        if (replica->waiters[i].pod == pod) {
            return &replica->waiters[i];
        }
    }
    return NULL;
}

void model_waiter_drop(struct model_replica *replica, size_t pod)
{
    struct model_waiter *waiter = model_waiter(replica, pod);
    if (waiter != NULL) {
        *waiter = replica->waiters[--replica->waiter_count];
    }
}

static void bind_later(struct model_world *world, struct model_replica *replica,
                       const struct model_pod *pod, int node)
{
    struct model_dice *dice = &world->dice;
    struct model_mail *mail = model_mail(world, MAIL_BIND, replica);
    (void)snprintf(mail->effect.request.pod, sizeof mail->effect.request.pod, "%s", pod->name);
    strcpy(mail->effect.request.namespace_, "ai");
    mail->effect.request.uid = pod->uid;
    strcpy(mail->effect.request.node, model_node_name(node));
    unsigned longest = world->quiet ? 20 : model_chance(dice, 50) ? 15000 : 200;
    model_send(world, mail, 1 + model_below(dice, longest));
}

/* The best of the nodes that take the pod; nodes that were asked in `asked`. */
static int choose(struct model_replica *replica, const struct plimsoll_pod *pod,
                  struct plimsoll_name_set *asked, uint64_t *bits)
{
    int best = MODEL_NOWHERE;
    double best_score = 0;
    for (int i = 0; i < MODEL_NODES; i++) {
        struct plimsoll_span name = plimsoll_span_of(model_node_name(i));
        struct plimsoll_extender_node found;
        plimsoll_name_set_add(asked, name);
        *bits |= UINT64_C(1) << i;
        if (!plimsoll_cluster_node(replica->cluster, name, &found)) {
            continue;
        }
        plimsoll_autofree struct plimsoll_node_load *load =
            plimsoll_placement_load(&found.view, &model_settings, &pod->uid, pod->priority);
        if (plimsoll_placement_judge(found.view.node, load, &pod->demand, &model_settings).reason !=
            PLIMSOLL_FITS) {
            continue;
        }
        double score =
            plimsoll_placement_score(found.view.node, load, &pod->demand, &model_settings);
        if (best == MODEL_NOWHERE || score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best;
}

/* Between the filter's look and the books' hearing of it other things happen. */
static void tell(struct model_world *world, struct model_mail *mail, const struct model_pod *pod)
{
    mail->pod = (size_t)(pod - world->pods);
    mail->effect.request.uid = pod->uid;
    model_send(world, mail, model_below(&world->dice, model_chance(&world->dice, 200) ? 800 : 2));
}

static void place(struct model_world *world, struct model_replica *replica,
                  const struct model_pod *pod, const struct plimsoll_pod *known)
{
    struct plimsoll_name_set asked = {0};
    uint64_t bits = 0;
    const char *there = plimsoll_cluster_node_of(replica->cluster, &pod->uid);
    int node = there != NULL ? model_node_number(there) : choose(replica, known, &asked, &bits);
    if (node == MODEL_NOWHERE) {
        struct model_mail *mail = model_mail(world, MAIL_REFUSED, replica);
        mail->asked = asked;
        mail->gains = plimsoll_cluster_gains(replica->cluster);
        mail->nodes = bits;
        tell(world, mail, pod);
        return;
    }
    struct model_mail *mail = model_mail(world, MAIL_PLACED, replica);
    mail->node = node;
    tell(world, mail, pod);
    bind_later(world, replica, pod, node);
}

void model_schedule(struct model_world *world, struct model_replica *replica, size_t number)
{
    const struct model_pod *pod = &world->pods[number];
    if (replica->stopping || !model_synced(replica) || !pod->exists) {
        return;
    }
    if (!pod->gpu || pod->bare) {
        bind_later(world, replica, pod, (int)model_below(&world->dice, world->node_count));
        return;
    }
    model_step(world, replica,
               &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_ASKED_ANEW, .uid = pod->uid});
    if (!replica->alive) {
        return;
    }
    /* The filter's body brings the pod, whether the picture has it or not. */
    struct plimsoll_pod read = {0};
    struct plimsoll_error err;
    if (plimsoll_pod_read(plimsoll_span_of(world->changes[pod->latest].object),
                          &model_reading.resources, &read, &err) != 0) {
        abort(); /* the model writes pods that can be read */
    }
    plimsoll_cluster_read_begin(replica->cluster);
    place(world, replica, pod, &read);
    plimsoll_cluster_read_end(replica->cluster);
    plimsoll_pod_clear(&read);
}

static void wait_for_room(struct model_replica *replica, size_t pod, uint64_t asked)
{
    struct model_waiter *waiter = model_waiter(replica, pod);
    if (waiter == NULL && replica->waiter_count < MODEL_WAITERS_MAX) {
        waiter = &replica->waiters[replica->waiter_count++];
        *waiter = (struct model_waiter){.pod = pod};
    }
    if (waiter != NULL) {
        waiter->asked = asked;
    }
}

/* The books look after pods of the picture only. */
void model_tell_books(struct model_world *world, struct model_replica *replica,
                      struct model_mail *mail)
{
    bool placed = mail->kind == MAIL_PLACED;
    struct plimsoll_books_event event = {
        .kind = PLIMSOLL_BOOKS_FILTERED, .asked = &mail->asked, .gains = mail->gains};
    if (!model_step_with_picture(world, replica, &event, &mail->effect.request.uid,
                                 placed ? model_node_name(mail->node) : "", true)) {
        return;
    }
    if (placed) {
        model_waiter_drop(replica, mail->pod);
    } else {
        model_trace(world, "r%u: %s fits nowhere", replica->number, mail->effect.request.uid.text);
        wait_for_room(replica, mail->pod, mail->nodes);
    }
}
