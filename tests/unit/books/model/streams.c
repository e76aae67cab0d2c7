/* SPDX-License-Identifier: Apache-2.0 */
/* List and watch of one replica, as src/kube/watch.c does them: a list is the API's state at one
 * moment and comes in pages; a watch goes on from there, in order, as late as it likes. */
#include "model.h"

static struct model_stream *stream_of(struct model_replica *replica, enum plimsoll_kind kind)
{
    return &replica->streams[kind == PLIMSOLL_KIND_PODS];
}

static struct model_mail *stream_mail(struct model_world *world, struct model_replica *replica,
                                      enum model_mail_kind kind, enum plimsoll_kind what)
{
    struct model_mail *mail = model_mail(world, kind, replica);
    mail->stream = what;
    mail->epoch = stream_of(replica, what)->epoch;
    return mail;
}

void model_stream_list(struct model_world *world, struct model_replica *replica,
                       enum plimsoll_kind kind)
{
    struct model_stream *stream = stream_of(replica, kind);
    if (stream->listing) {
        plimsoll_cluster_list_abort(replica->cluster, kind);
    }
    stream->epoch++;
    stream->listing = true;
    stream->due = false;
    stream->taken = stream->wanted;
    plimsoll_cluster_list_begin(replica->cluster, kind);
    bool lost = !world->quiet && model_chance(&world->dice, 50);
    struct model_mail *mail =
        stream_mail(world, replica, lost ? MAIL_LIST_LOST : MAIL_LIST_ARRIVES, kind);
    bool slow = !world->quiet && model_chance(&world->dice, 100);
    model_send(world, mail, 1 + model_below(&world->dice, slow ? 3000 : 20));
}

void model_stream_wake(struct model_world *world, struct model_replica *replica,
                       enum plimsoll_kind kind)
{
    struct model_stream *stream = stream_of(replica, kind);
    if (stream->listing || stream->due) {
        return;
    }
    bool slow = model_has(world, replica, MODEL_SLOW_WATCH) ||
                (!world->quiet && model_chance(&world->dice, 50));
    stream->due = true;
    model_send(world, stream_mail(world, replica, MAIL_WATCH, kind),
               1 + model_below(&world->dice, slow ? 12000 : 30));
}

/* The list's objects as of now; a finished pod is not selected. */
static void snapshot(const struct model_world *world, enum plimsoll_kind kind,
                     struct model_mail *page)
{
    page->changes = plimsoll_alloc(world->pod_count + MODEL_NODES, sizeof *page->changes);
    page->position = world->change_count;
    if (kind == PLIMSOLL_KIND_NODES) {
        for (int i = 0; i < MODEL_NODES; i++) {
            if (world->nodes[i].exists) {
                page->changes[page->change_count++] = world->nodes[i].latest;
            }
        }
        return;
    }
    for (size_t i = 0; i < world->pod_count; i++) {
        if (world->pods[i].exists && !world->pods[i].finished) {
            page->changes[page->change_count++] = world->pods[i].latest;
        }
    }
}

/* Two pages of one state. */
void model_stream_serve(struct model_world *world, struct model_mail *mail)
{
    struct model_replica *replica = &world->replicas[mail->replica];
    if (!replica->alive || replica->life != mail->life) {
        return;
    }
    struct model_mail *first = stream_mail(world, replica, MAIL_LIST_PAGE, mail->stream);
    struct model_mail *second = stream_mail(world, replica, MAIL_LIST_PAGE, mail->stream);
    first->epoch = second->epoch = mail->epoch;
    snapshot(world, mail->stream, first);
    size_t half = first->change_count / 2;
    second->changes = plimsoll_alloc(first->change_count + 1, sizeof *second->changes);
    second->change_count = first->change_count - half;
    second->position = first->position;
    second->last = true;
    memcpy(second->changes, first->changes + half, second->change_count * sizeof(size_t));
    first->change_count = half;
    int64_t delay = 1 + model_below(&world->dice, 30);
    bool slow = !world->quiet && model_chance(&world->dice, 100);
    model_send(world, first, delay);
    model_send(world, second, delay + 1 + model_below(&world->dice, slow ? 4000 : 30));
}

static void give(struct plimsoll_cluster *cluster, const struct model_change *change)
{
    struct plimsoll_error err;
    struct plimsoll_span object = plimsoll_span_of(change->object);
    int result = change->deleted ? plimsoll_cluster_remove(cluster, change->kind, object, &err)
                                 : plimsoll_cluster_set(cluster, change->kind, object, &err);
    if (result != 0) {
        abort(); /* the model writes objects that can be read */
    }
}

static void end_list(struct model_world *world, struct model_replica *replica,
                     const struct model_mail *mail)
{
    struct model_stream *stream = stream_of(replica, mail->stream);
    plimsoll_cluster_list_end(replica->cluster, mail->stream);
    stream->listing = false;
    stream->position = mail->position;
    if (stream->taken != stream->listed && mail->stream == PLIMSOLL_KIND_PODS) {
        stream->listed = stream->taken;
        model_trace(world, "r%u: pods listed for %llu", replica->number,
                    (unsigned long long)stream->taken);
        model_step(world, replica,
                   &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_PODS_LISTED,
                                                  .ticket = stream->taken});
    }
    if (!replica->alive) {
        return;
    }
    if (stream->wanted != stream->listed) {
        model_stream_list(world, replica, mail->stream);
    } else if (stream->position < world->change_count) {
        model_stream_wake(world, replica, mail->stream);
    }
}

static void take_page(struct model_world *world, struct model_replica *replica,
                      const struct model_mail *mail)
{
    for (size_t i = 0; i < mail->change_count && replica->alive; i++) {
        struct model_change change = world->changes[mail->changes[i]];
        change.deleted = false;
        give(replica->cluster, &change);
    }
    if (mail->last && replica->alive) {
        end_list(world, replica, mail);
    }
}

/* Some of what there is, at least one. */
static void take_watch(struct model_world *world, struct model_replica *replica,
                       enum plimsoll_kind kind)
{
    struct model_stream *stream = stream_of(replica, kind);
    uint64_t epoch = stream->epoch, life = replica->life;
    unsigned left = 1 + model_below(&world->dice, 8);
    stream->due = false;
    while (stream->position < world->change_count && left > 0) {
        const struct model_change *change = &world->changes[stream->position++];
        if (change->kind == kind) {
            left--;
            model_trace(world, "r%u: watches change %zu", replica->number, stream->position - 1);
            give(replica->cluster, change);
            if (!replica->alive || replica->life != life || stream->epoch != epoch) {
                return;
            }
        }
    }
    if (stream->position < world->change_count) {
        model_stream_wake(world, replica, kind);
    }
}

void model_stream_take(struct model_world *world, struct model_replica *replica,
                       struct model_mail *mail)
{
    if (stream_of(replica, mail->stream)->epoch != mail->epoch) {
        return;
    }
    if (mail->kind == MAIL_WATCH) {
        take_watch(world, replica, mail->stream);
    } else if (mail->kind == MAIL_LIST_PAGE) {
        take_page(world, replica, mail);
    } else {
        model_stream_list(world, replica, mail->stream);
    }
}
