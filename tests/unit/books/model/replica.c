/* SPDX-License-Identifier: Apache-2.0 */
/* One process: the picture and the books, driven as cmd/plimsoll/bookkeeper.c drives them. What
 * there is a lane or a request to the API server is here a mail. */
#include "model.h"

#include <stdio.h>

/* As there. */
#define LOOK_UPS_MAX 5

int64_t model_clock(const struct model_world *world, const struct model_replica *replica)
{
    return replica->offset_ms + world->now_ms + world->now_ms * replica->skew / 1000;
}

bool model_synced(const struct model_replica *replica)
{
    return plimsoll_cluster_synced(replica->cluster, PLIMSOLL_KIND_NODES) &&
           plimsoll_cluster_synced(replica->cluster, PLIMSOLL_KIND_PODS);
}

/* An event that means nothing makes the books' time now. */
bool model_holds_lease(struct model_world *world, struct model_replica *replica)
{
    struct plimsoll_books_effects none = {0};
    struct plimsoll_books_event event = {.kind = PLIMSOLL_BOOKS_ASKED_ANEW,
                                         .now_ms = model_clock(world, replica)};
    plimsoll_books_step(replica->books, &event, &none);
    plimsoll_books_effects_clear(&none);
    return plimsoll_books_state(replica->books).holds_lease;
}

/* Does a request of this replica get lost, at this chance or in this weather? */
static bool gets_lost(struct model_world *world, const struct model_replica *replica,
                      unsigned per_mille)
{
    return !world->quiet &&
           (model_has(world, replica, MODEL_CUT_OFF) || model_chance(&world->dice, per_mille));
}

static unsigned small(struct model_world *world)
{
    return model_below(&world->dice, world->quiet || !model_chance(&world->dice, 50) ? 5 : 2000);
}

/* -- answers -------------------------------------------------------------------------------------
 */

static struct model_ask *find_ask(struct model_replica *replica, uint64_t ticket)
{
    for (size_t i = 0; i < replica->ask_count; i++) {
        if (replica->asks[i].ticket == ticket) {
            return &replica->asks[i];
        }
    }
    return NULL;
}

static void finish_ask(struct model_world *world, struct model_replica *replica, uint64_t ticket,
                       const char *message)
{
    struct model_ask *ask = find_ask(replica, ticket);
    if (ask == NULL) {
        model_fault(world, "r%u: ticket %llu is answered twice", replica->number,
                    (unsigned long long)ticket);
        return;
    }
    struct plimsoll_bind_request request = ask->request;
    *ask = replica->asks[--replica->ask_count];
    model_trace(world, "r%u: bind of %s to %s answered: %s", replica->number, request.uid.text,
                request.node, message[0] != '\0' ? message : "bound");
    model_check_answer(world, replica, &request, message);
    const struct model_pod *pod = model_find_pod(world, &request.uid);
    bool pending = pod->exists && !pod->finished && pod->node == MODEL_NOWHERE;
    if (pending && message[0] != '\0' && (world->quiet || model_chance(&world->dice, 800))) {
        struct model_mail *retry = model_mail(world, MAIL_SCHEDULE, replica);
        retry->pod = (size_t)(pod - world->pods);
        model_send(world, retry, 1000 + model_below(&world->dice, 1500));
    }
}

/* -- effects -------------------------------------------------------------------------------------
 */

/* Bindings that are slow keep others waiting for a thread. */
static unsigned wait_for_thread(struct model_world *world, const struct model_replica *replica,
                                enum model_mail_kind kind)
{
    bool waits = kind == MAIL_POST && model_has(world, replica, MODEL_BUSY) &&
                 model_chance(&world->dice, 300);
    return waits ? model_below(&world->dice, 15000) : small(world);
}

static void send_effect(struct model_world *world, struct model_replica *replica,
                        enum model_mail_kind kind, struct plimsoll_books_effect *effect)
{
    struct model_mail *mail = model_mail(world, kind, replica);
    mail->effect = *effect;
    *effect = (struct plimsoll_books_effect){0};
    model_send(world, mail, wait_for_thread(world, replica, kind));
}

static void wake(struct model_world *world, struct model_replica *replica,
                 struct plimsoll_books_effect *effect)
{
    const struct model_pod *pod = model_find_pod(world, &effect->request.uid);
    struct model_waiter *waiter = model_waiter(replica, (size_t)(pod - world->pods));
    bool lost = gets_lost(world, replica, 50);
    model_trace(world, "r%u: wakes %s%s", replica->number, effect->request.uid.text,
                lost ? ", which is lost" : "");
    if (waiter != NULL) {
        if (waiter->woken_ms > 0 && world->now_ms - waiter->woken_ms < 4900) {
            model_fault(world, "r%u: %s is woken twice within %lld ms", replica->number,
                        effect->request.uid.text, (long long)(world->now_ms - waiter->woken_ms));
        }
        waiter->woken_ms = world->now_ms;
        waiter->wake_lost = lost;
    }
    if (!lost) {
        send_effect(world, replica, MAIL_WAKE_ARRIVES, effect);
    }
}

static void send_look(struct model_world *world, struct model_replica *replica, const char *node,
                      uint64_t gains)
{
    struct model_mail *mail = model_mail(world, MAIL_LOOK, replica);
    mail->node = model_node_number(node);
    mail->gains = gains;
    model_send(world, mail, small(world));
}

static void relist(struct model_world *world, struct model_replica *replica, uint64_t ticket)
{
    struct model_mail *mail = model_mail(world, MAIL_RELIST, replica);
    mail->ticket = ticket;
    model_send(world, mail, small(world));
}

static void again(struct model_world *world, struct model_replica *replica, uint64_t ticket)
{
    struct model_mail *mail = model_mail(world, MAIL_ASK, replica);
    mail->ticket = ticket;
    model_send(world, mail, small(world));
}

static void carry_out_request(struct model_world *world, struct model_replica *replica,
                              struct plimsoll_books_effect *effect)
{
    static const enum model_mail_kind kinds[] = {
        [PLIMSOLL_BOOKS_POST] = MAIL_POST,
        [PLIMSOLL_BOOKS_READ_POD] = MAIL_READ,
        [PLIMSOLL_BOOKS_LEASE_READ] = MAIL_LEASE,
        [PLIMSOLL_BOOKS_LEASE_WRITE] = MAIL_LEASE,
    };
    if (effect->kind == PLIMSOLL_BOOKS_ASK_AGAIN) {
        again(world, replica, effect->ticket);
    } else if (effect->kind == PLIMSOLL_BOOKS_LIST) {
        relist(world, replica, effect->ticket);
    } else if (effect->kind == PLIMSOLL_BOOKS_LOOK) {
        send_look(world, replica, effect->request.node, 0);
    } else if (effect->kind == PLIMSOLL_BOOKS_WAKE) {
        wake(world, replica, effect);
    } else if (effect->kind < sizeof kinds / sizeof kinds[0] && kinds[effect->kind] != 0) {
        send_effect(world, replica, kinds[effect->kind], effect);
    } /* what is only told to people is no matter of the model */
}

static void carry_out_one(struct model_world *world, struct model_replica *replica,
                          struct plimsoll_books_effect *effect)
{
    const struct plimsoll_bind_request *request = &effect->request;
    if (effect->kind == PLIMSOLL_BOOKS_ASSUME) {
        plimsoll_cluster_assume(replica->cluster, &request->uid, request->node, &effect->claim);
    } else if (effect->kind == PLIMSOLL_BOOKS_FORGET) {
        model_trace(world, "r%u: forgets %s", replica->number, request->uid.text);
        plimsoll_cluster_forget(replica->cluster, &request->uid);
    } else if (effect->kind == PLIMSOLL_BOOKS_HOLD) {
        plimsoll_cluster_hold(replica->cluster, &request->uid, request->node, &effect->demand,
                              &effect->claim);
    } else if (effect->kind == PLIMSOLL_BOOKS_UNHOLD) {
        plimsoll_cluster_unhold(replica->cluster, &request->uid);
    } else if (effect->kind == PLIMSOLL_BOOKS_ANSWER) {
        finish_ask(world, replica, effect->ticket, effect->message);
    } else {
        carry_out_request(world, replica, effect);
    }
}

/* A process may end between any two effects. */
static void carry_out(struct model_world *world, struct model_replica *replica,
                      struct plimsoll_books_effects *effects)
{
    for (size_t i = 0; i < effects->count && replica->alive; i++) {
        if (replica->kill_after == 0) {
            model_kill(world, replica);
            break;
        }
        replica->kill_after -= replica->kill_after > 0;
        carry_out_one(world, replica, &effects->list[i]);
    }
    plimsoll_books_effects_clear(effects);
}

/* -- events --------------------------------------------------------------------------------------
 */

void model_step(struct model_world *world, struct model_replica *replica,
                struct plimsoll_books_event *event)
{
    struct plimsoll_books_effects effects = {0};
    if (replica->alive) {
        event->now_ms = model_clock(world, replica);
        event->settings = &model_settings;
        plimsoll_books_step(replica->books, event, &effects);
        carry_out(world, replica, &effects);
    }
}

bool model_step_with_picture(struct model_world *world, struct model_replica *replica,
                             struct plimsoll_books_event *event, const struct plimsoll_uid *pod,
                             const char *node, bool node_must_be_there)
{
    struct plimsoll_books_effects effects = {0};
    struct plimsoll_extender_node found;
    event->now_ms = model_clock(world, replica);
    event->settings = &model_settings;
    plimsoll_cluster_read_begin(replica->cluster);
    event->pod = pod != NULL ? plimsoll_cluster_pod(replica->cluster, pod) : NULL;
    if (node[0] != '\0' &&
        plimsoll_cluster_node(replica->cluster, plimsoll_span_of(node), &found)) {
        event->view = found.view;
    }
    bool there = (pod == NULL || event->pod != NULL) &&
                 (node[0] == '\0' || event->view.node != NULL || !node_must_be_there);
    if (there) {
        plimsoll_books_step(replica->books, event, &effects);
    }
    plimsoll_cluster_read_end(replica->cluster);
    carry_out(world, replica, &effects);
    return there;
}

static bool knows(struct model_replica *replica, const struct plimsoll_uid *uid)
{
    plimsoll_cluster_read_begin(replica->cluster);
    bool known = plimsoll_cluster_pod(replica->cluster, uid) != NULL;
    plimsoll_cluster_read_end(replica->cluster);
    return known;
}

static void read_pod(struct model_world *world, struct model_replica *replica,
                     const struct plimsoll_bind_request *request, uint64_t ticket)
{
    int64_t arrives = 1 + small(world), replies = arrives + 1 + small(world);
    bool lost = gets_lost(world, replica, model_has(world, replica, MODEL_LOST_READS) ? 900 : 100);
    struct model_mail *mail = model_mail(world, MAIL_READ_ARRIVES, replica);
    mail->effect.request = *request;
    mail->ticket = ticket;
    mail->look_up = ticket != 0;
    mail->gains = plimsoll_cluster_departures(replica->cluster);
    mail->reply_ms = lost ? 0 : world->now_ms + replies;
    model_send(world, mail, arrives);
    if (lost) {
        struct model_mail *nothing =
            model_mail(world, ticket != 0 ? MAIL_LOOKED_UP : MAIL_READ_REPLY, replica);
        nothing->effect.request = *request;
        nothing->ticket = ticket;
        nothing->reply = PLIMSOLL_POD_UNREAD;
        nothing->position = SIZE_MAX;
        nothing->look_up = ticket != 0;
        model_send(world, nothing, MODEL_BIND_REPLY_MS);
    }
}

static void decide(struct model_world *world, struct model_replica *replica,
                   const struct model_ask *ask)
{
    struct model_ask asked = *ask; /* answered, it is not there any more */
    struct plimsoll_books_event event = {
        .kind = PLIMSOLL_BOOKS_BIND_ASKED, .ticket = asked.ticket, .request = &asked.request};
    if (asked.plain) {
        model_step(world, replica, &event);
    } else if (!model_step_with_picture(world, replica, &event, &asked.request.uid,
                                        asked.request.node, false)) {
        read_pod(world, replica, &asked.request, asked.ticket);
    }
}

void model_ask(struct model_world *world, struct model_replica *replica,
               const struct plimsoll_bind_request *request)
{
    if (replica->ask_count >= MODEL_ASKS_MAX || !model_synced(replica)) {
        return;
    }
    struct model_ask *ask = &replica->asks[replica->ask_count++];
    *ask = (struct model_ask){.ticket = ++world->ticket_number, .request = *request};
    if (knows(replica, &request->uid)) {
        decide(world, replica, ask);
    } else {
        read_pod(world, replica, request, ask->ticket);
    }
}

/* @return -1: it cannot be decided, `err` says why. */
static int look_up(struct model_world *world, struct model_replica *replica, struct model_ask *ask,
                   const struct model_mail *mail, struct plimsoll_error *err)
{
    struct plimsoll_pod pod = {0};
    if (mail->position == SIZE_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "the pod cannot be read");
    }
    struct plimsoll_span object = plimsoll_span_of(world->changes[mail->position].object);
    if (plimsoll_pod_read(object, &model_reading.resources, &pod, err) != 0) {
        return -1;
    }
    bool finished = pod.finished;
    ask->plain = !pod.demand.gpu;
    plimsoll_pod_clear(&pod);
    return finished ? plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "the pod has finished")
                    : plimsoll_cluster_meet(replica->cluster, object, mail->gains, err);
}

static void take_look_up(struct model_world *world, struct model_replica *replica,
                         struct model_mail *mail)
{
    struct plimsoll_error err = {0};
    struct model_ask *ask = find_ask(replica, mail->ticket);
    if (ask == NULL) {
        model_fault(world, "r%u: a pod is looked up for an answered ticket", replica->number);
    } else if (look_up(world, replica, ask, mail, &err) == 0) {
        model_trace(world, "r%u: looked %s up", replica->number, ask->request.uid.text);
        decide(world, replica, ask);
    } else if (err.kind == PLIMSOLL_ERR_EXPIRED && ++ask->look_ups < LOOK_UPS_MAX) {
        read_pod(world, replica, &ask->request, ask->ticket);
    } else {
        finish_ask(world, replica, mail->ticket, err.message);
    }
}

/* -- what the picture says -----------------------------------------------------------------------
 */

/* The listener has one context: the world and the replica in it. */
struct ear {
    struct model_world *world;
    struct model_replica *replica;
};

static void on_pod_seen(void *context, const struct plimsoll_uid *pod, const char *node,
                        bool claimed)
{
    const struct ear *ear = context;
    model_step(ear->world, ear->replica,
               &(struct plimsoll_books_event){
                   .kind = PLIMSOLL_BOOKS_POD_SEEN, .uid = *pod, .node = node, .claimed = claimed});
    if (ear->replica->alive && node[0] != '\0') {
        model_waiter_drop(ear->replica,
                          (size_t)(model_find_pod(ear->world, pod) - ear->world->pods));
    }
}

static void on_pod_gone(void *context, const struct plimsoll_uid *pod)
{
    const struct ear *ear = context;
    model_step(ear->world, ear->replica,
               &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_POD_GONE, .uid = *pod});
    model_waiter_drop(ear->replica, (size_t)(model_find_pod(ear->world, pod) - ear->world->pods));
}

static void on_node_gained(void *context, const char *node, uint64_t gains)
{
    const struct ear *ear = context;
    if (ear->replica->alive) {
        send_look(ear->world, ear->replica, node, gains);
    }
}

/* -- errands to the API server -------------------------------------------------------------------
 */

static void report_post(struct model_world *world, const struct model_replica *replica,
                        const struct plimsoll_bind_request *request, enum plimsoll_bind_reply said,
                        int64_t delay_ms)
{
    struct model_mail *mail = model_mail(world, MAIL_POST_REPLY, replica);
    mail->effect.request = *request;
    mail->reply = (int)said;
    model_send(world, mail, delay_ms);
}

/* When it arrives, if ever, and when we hear of that, if ever. */
static void post(struct model_world *world, struct model_replica *replica, struct model_mail *mail)
{
    struct model_dice *dice = &world->dice;
    struct plimsoll_books_effect *effect = &mail->effect;
    if (model_clock(world, replica) >= effect->before_ms) {
        report_post(world, replica, &effect->request, PLIMSOLL_REPLY_REFUSED, 0);
        return;
    }
    model_check_post(world, replica, effect);
    bool storm = !world->quiet;
    bool slow = storm && model_chance(dice, model_has(world, replica, MODEL_SLOW_POSTS) ? 700 : 60);
    int64_t arrives = 1 + model_below(dice, slow ? MODEL_BINDING_MS_MAX - 1 : 20);
    int64_t replies = arrives + 1 + model_below(dice, slow ? 1000 : 20);
    bool lost = gets_lost(world, replica, model_has(world, replica, MODEL_LOST_POSTS) ? 500 : 30),
         mute = storm && model_chance(dice, 60);
    bool busy = model_has(world, replica, MODEL_BUSY);
    int64_t gives_up = storm && model_chance(dice, slow ? 400 : 30)
                           ? model_below(dice, MODEL_BIND_REPLY_MS)
                           : MODEL_BIND_REPLY_MS;
    bool heard = !lost && !mute && replies < gives_up;
    if (!heard) {
        report_post(world, replica, &effect->request, PLIMSOLL_REPLY_UNKNOWN, gives_up);
    }
    model_trace(world, "r%u: posts %s to %s, %s in %lld ms, %s in %lld ms", replica->number,
                effect->request.uid.text, effect->request.node, lost ? "lost" : "arrives",
                (long long)arrives, heard ? "heard" : "given up",
                (long long)(heard ? replies : gives_up));
    if (!lost) {
        struct model_mail *request = model_mail(world, MAIL_POST_ARRIVES, replica);
        request->effect = *effect;
        *effect = (struct plimsoll_books_effect){0};
        request->nodes = mail->nodes;
        request->reply = storm && model_chance(dice, busy ? 400 : 60) ? (int)PLIMSOLL_REPLY_REFUSED
                                                                      : (int)PLIMSOLL_REPLY_BOUND;
        request->reply_ms = heard ? world->now_ms + replies : 0;
        model_send(world, request, arrives);
    }
}

static void ask_lease(struct model_world *world, struct model_replica *replica,
                      struct model_mail *mail)
{
    struct model_dice *dice = &world->dice;
    bool storm = !world->quiet, weather = model_has(world, replica, MODEL_LOST_LEASE);
    bool slow = weather || model_has(world, replica, MODEL_SLOW_LEASE);
    bool lost = gets_lost(world, replica, weather ? 700 : 20);
    bool mute = storm && model_chance(dice, weather ? 500 : 20);
    int64_t arrives = 1 + model_below(dice, storm && model_chance(dice, 50) ? 12000
                                            : slow                          ? 2000
                                                                            : 20);
    int64_t replies =
        arrives + 1 + model_below(dice, storm && (slow || model_chance(dice, 50)) ? 4000 : 20);
    bool heard = !lost && !mute && replies < MODEL_LEASE_REPLY_MS;
    struct model_mail *request = model_mail(world, MAIL_LEASE_ARRIVES, replica);
    request->write = mail->effect.kind == PLIMSOLL_BOOKS_LEASE_WRITE;
    request->effect.lease = PLIMSOLL_TAKE(mail->effect.lease);
    request->reply_ms = heard ? world->now_ms + replies : 0;
    if (!heard) {
        struct model_mail *nothing = model_mail(world, MAIL_LEASE_REPLY, replica);
        nothing->reply = (int)PLIMSOLL_LEASE_FAILED;
        model_send(world, nothing, MODEL_LEASE_REPLY_MS);
    }
    model_send(world, request, lost ? INT32_MAX : arrives);
}

static void take_lease_reply(struct model_world *world, struct model_replica *replica,
                             struct model_mail *mail)
{
    model_step(world, replica,
               &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_LEASE_REPLIED,
                                              .lease_reply = (enum plimsoll_lease_reply)mail->reply,
                                              .lease = &mail->lease,
                                              .message = "no word"});
}

static void take_read_reply(struct model_world *world, struct model_replica *replica,
                            struct model_mail *mail)
{
    bool bound = mail->reply == (int)PLIMSOLL_POD_BOUND;
    const struct plimsoll_claim *claim = &mail->effect.claim;
    model_step(world, replica,
               &(struct plimsoll_books_event){
                   .kind = PLIMSOLL_BOOKS_POD_READ,
                   .uid = mail->effect.request.uid,
                   .fact = (enum plimsoll_pod_fact)mail->reply,
                   .node = bound ? model_node_name(mail->node) : "",
                   .claim = bound && claim->card_count + claim->floating_cards > 0 ? claim : NULL,
                   .message = "no word"});
}

static void tick(struct model_world *world, struct model_replica *replica, struct model_mail *mail)
{
    bool slow = !world->quiet && model_chance(&world->dice, 20);
    (void)mail;
    model_step(world, replica, &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_TIME});
    if (replica->alive) {
        model_send(world, model_mail(world, MAIL_TICK, replica),
                   1000 + model_below(&world->dice, slow ? 3000 : 1));
    }
}

/* SIGTERM: told to stop until it is fit to end, or for so long. */
static void stop(struct model_world *world, struct model_replica *replica, struct model_mail *mail)
{
    (void)mail;
    replica->stopping = true;
    model_step(world, replica, &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_STOP});
    if (!replica->alive) {
        return;
    }
    if (plimsoll_books_state(replica->books).idle || world->now_ms >= replica->stop_ms) {
        model_kill(world, replica);
    } else {
        model_send(world, model_mail(world, MAIL_STOP, replica), 50);
    }
}

/* The list that runs began too early: another one follows it. */
static void take_relist(struct model_world *world, struct model_replica *replica,
                        struct model_mail *mail)
{
    struct model_stream *stream = &replica->streams[1];
    stream->wanted = mail->ticket;
    if (!stream->listing) {
        model_stream_list(world, replica, PLIMSOLL_KIND_PODS);
    }
}

static void take_look(struct model_world *world, struct model_replica *replica,
                      struct model_mail *mail)
{
    model_step_with_picture(
        world, replica,
        &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_NODE_GAINED, .gains = mail->gains},
        NULL, model_node_name(mail->node), true);
}

static void take_bind(struct model_world *world, struct model_replica *replica,
                      struct model_mail *mail)
{
    replica->last_bind = mail->effect.request;
    model_ask(world, replica, &mail->effect.request);
}

static void take_ask(struct model_world *world, struct model_replica *replica,
                     struct model_mail *mail)
{
    const struct model_ask *ask = find_ask(replica, mail->ticket);
    if (ask == NULL) {
        model_fault(world, "r%u: a ticket is asked again after it was answered", replica->number);
    } else {
        decide(world, replica, ask);
    }
}

static void take_post_reply(struct model_world *world, struct model_replica *replica,
                            struct model_mail *mail)
{
    model_step(world, replica,
               &(struct plimsoll_books_event){.kind = PLIMSOLL_BOOKS_BIND_REPLIED,
                                              .uid = mail->effect.request.uid,
                                              .reply = (enum plimsoll_bind_reply)mail->reply,
                                              .message = "said so"});
}

static void take_read(struct model_world *world, struct model_replica *replica,
                      struct model_mail *mail)
{
    read_pod(world, replica, &mail->effect.request, 0);
}

static void take_schedule(struct model_world *world, struct model_replica *replica,
                          struct model_mail *mail)
{
    model_schedule(world, replica, mail->pod);
}

typedef void (*take_fn)(struct model_world *world, struct model_replica *replica,
                        struct model_mail *mail);

void model_take(struct model_world *world, struct model_replica *replica, struct model_mail *mail)
{
    static const take_fn takers[] = {
        [MAIL_TICK] = tick,
        [MAIL_WATCH] = model_stream_take,
        [MAIL_LIST_PAGE] = model_stream_take,
        [MAIL_LIST_LOST] = model_stream_take,
        [MAIL_LOOK] = take_look,
        [MAIL_ASK] = take_ask,
        [MAIL_LOOKED_UP] = take_look_up,
        [MAIL_POST] = post,
        [MAIL_POST_REPLY] = take_post_reply,
        [MAIL_READ] = take_read,
        [MAIL_READ_REPLY] = take_read_reply,
        [MAIL_LEASE] = ask_lease,
        [MAIL_LEASE_REPLY] = take_lease_reply,
        [MAIL_RELIST] = take_relist,
        [MAIL_BIND] = take_bind,
        [MAIL_PLACED] = model_tell_books,
        [MAIL_REFUSED] = model_tell_books,
        [MAIL_SCHEDULE] = take_schedule,
        [MAIL_STOP] = stop,
    };
    takers[mail->kind](world, replica, mail);
}

/* -- life ----------------------------------------------------------------------------------------
 */

void model_start(struct model_world *world, struct model_replica *replica)
{
    unsigned number = replica->number;
    uint64_t life = replica->life + 1;
    *replica = (struct model_replica){.alive = true, .number = number, .life = life};
    replica->kill_after = -1;
    replica->offset_ms = model_below(&world->dice, 1000000);
    replica->skew =
        (int)model_below(&world->dice, 2 * MODEL_SKEW_PER_MILLE + 1) - MODEL_SKEW_PER_MILLE;
    (void)snprintf(replica->identity, sizeof replica->identity, "r%u.%llu", number,
                   (unsigned long long)life);
    replica->cluster = plimsoll_cluster_new(
        &(struct plimsoll_cluster_options){.reading = &model_reading, .settings = &model_settings});
    replica->books = plimsoll_books_new(&(struct plimsoll_books_options){
        .identity = replica->identity, .counter = (uint64_t)world->now_ms});
    struct ear *ear = plimsoll_alloc(1, sizeof *ear);
    *ear = (struct ear){world, replica};
    replica->ear = ear;
    plimsoll_cluster_listen(replica->cluster,
                            &(struct plimsoll_cluster_listener){.context = ear,
                                                                .pod_seen = on_pod_seen,
                                                                .pod_gone = on_pod_gone,
                                                                .node_gained = on_node_gained});
    model_trace(world, "r%u: starts as %s", number, replica->identity);
    model_stream_list(world, replica, PLIMSOLL_KIND_NODES);
    model_stream_list(world, replica, PLIMSOLL_KIND_PODS);
    model_send(world, model_mail(world, MAIL_TICK, replica), model_below(&world->dice, 1000));
}

/* What it has sent arrives all the same. */
void model_kill(struct model_world *world, struct model_replica *replica)
{
    model_trace(world, "r%u: ends", replica->number);
    replica->alive = false;
    replica->dead = true;
    struct model_mail *revive = model_mail(world, MAIL_REVIVE, replica);
    model_send(world, revive, 100 + model_below(&world->dice, 5000));
}

void model_bury(struct model_replica *replica)
{
    if (replica->dead) {
        plimsoll_books_free(&replica->books);
        plimsoll_cluster_free(&replica->cluster);
        free(replica->ear);
        replica->ear = NULL;
        replica->dead = false;
    }
}
