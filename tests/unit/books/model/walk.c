/* SPDX-License-Identifier: Apache-2.0 */
/* Random walks: what happens to the cluster, and how a walk that failed is made short. */
#include "model.h"

#include <stdio.h>

/* Runs that shrinking may take. */
#define SHRINK_RUNS_MAX 4000

/* -- actions -------------------------------------------------------------------------------------
 */

typedef void (*act_fn)(struct model_world *world);

static struct model_replica *any_replica(struct model_world *world)
{
    struct model_replica *replica =
        &world->replicas[model_below(&world->dice, world->replica_count)];
    return replica->alive ? replica : NULL;
}

/* One of those that satisfy `fits`, or NULL. */
static struct model_pod *any_pod(struct model_world *world,
                                 bool (*fits)(const struct model_pod *pod))
{
    size_t start = world->pod_count > 0 ? model_roll(&world->dice) % world->pod_count : 0;
    for (size_t i = 0; i < world->pod_count; i++) {
        struct model_pod *pod = &world->pods[(start + i) % world->pod_count];
        if (pod->exists && fits(pod)) {
            return pod;
        }
    }
    return NULL;
}

static bool is_any(const struct model_pod *pod)
{
    return pod->exists;
}

static bool is_pending(const struct model_pod *pod)
{
    return pod->node == MODEL_NOWHERE && !pod->finished && !pod->terminating;
}

static bool is_bound(const struct model_pod *pod)
{
    return pod->node != MODEL_NOWHERE && !pod->finished;
}

static void create(struct model_world *world)
{
    char name[16];
    (void)snprintf(name, sizeof name, "pod-%u", model_below(&world->dice, MODEL_NAMES));
    for (size_t i = 0; i < world->pod_count; i++) {
        if (world->pods[i].exists && strcmp(world->pods[i].name, name) == 0) {
            return;
        }
    }
    model_trace(world, "%s is created: uid-%zu", name, world->pod_count);
    size_t pod = model_create_pod(world, name);
    for (unsigned i = 0; i < world->replica_count; i++) {
        if (world->replicas[i].alive && model_chance(&world->dice, 500)) {
            struct model_mail *mail = model_mail(world, MAIL_SCHEDULE, &world->replicas[i]);
            mail->pod = pod;
            model_send(world, mail, 1 + model_below(&world->dice, 30));
        }
    }
}

/* Most often where the Lease is: others may only say so. */
static struct model_replica *any_scheduler(struct model_world *world)
{
    for (unsigned i = 0; i < world->replica_count; i++) {
        struct model_replica *replica = &world->replicas[i];
        if (replica->alive && plimsoll_books_state(replica->books).holds_lease &&
            model_chance(&world->dice, 600)) {
            return replica;
        }
    }
    return any_replica(world);
}

static void schedule(struct model_world *world)
{
    struct model_replica *replica = any_scheduler(world);
    bool stale = model_chance(&world->dice, 50); /* a scheduler that has not heard */
    const struct model_pod *pod = any_pod(world, stale ? is_any : is_pending);
    if (replica != NULL && pod != NULL) {
        model_schedule(world, replica, (size_t)(pod - world->pods));
    }
}

/* The scheduler's last bind once more: a duplicate, or a retry to the same or to another node. */
static void bind_again(struct model_world *world)
{
    struct model_replica *replica = any_replica(world);
    if (replica == NULL || replica->last_bind.pod[0] == '\0') {
        return;
    }
    struct plimsoll_bind_request request = replica->last_bind;
    if (model_chance(&world->dice, 100)) {
        strcpy(request.node, model_node_name((int)model_below(&world->dice, world->node_count)));
    }
    model_trace(world, "r%u: %s is to be bound to %s once more", replica->number, request.uid.text,
                request.node);
    model_ask(world, replica, &request);
}

static void delete_pod(struct model_world *world)
{
    /* Most often one that holds something. */
    struct model_pod *pod = any_pod(world, model_chance(&world->dice, 750) ? is_bound : is_any);
    if (pod == NULL || pod->terminating) {
        return;
    }
    model_trace(world, "%s is deleted", pod->uid.text);
    if (pod->node == MODEL_NOWHERE || model_chance(&world->dice, 500)) {
        model_remove_pod(world, pod);
        return;
    }
    struct model_mail *gone = model_mail(world, MAIL_GONE, NULL);
    pod->terminating = true;
    gone->pod = (size_t)(pod - world->pods);
    model_changed_pod(world, pod);
    model_send(world, gone, model_below(&world->dice, 10000));
}

static void recreate(struct model_world *world)
{
    struct model_pod *pod = any_pod(world, is_any);
    char name[16];
    if (pod != NULL) {
        memcpy(name, pod->name, sizeof name);
        model_trace(world, "%s is deleted, and made anew as uid-%zu", pod->uid.text,
                    world->pod_count);
        model_remove_pod(world, pod);
        (void)model_create_pod(world, name);
    }
}

static void finish(struct model_world *world)
{
    struct model_pod *pod = any_pod(world, is_bound);
    if (pod != NULL) {
        model_trace(world, "%s finishes", pod->uid.text);
        pod->finished = true;
        model_changed_pod(world, pod);
        struct model_mail *gone = model_mail(world, MAIL_GONE, NULL);
        gone->pod = (size_t)(pod - world->pods);
        model_send(world, gone, model_below(&world->dice, 30000));
    }
}

static void report(struct model_world *world)
{
    int node = (int)model_below(&world->dice, world->node_count);
    if (world->nodes[node].exists) {
        model_report(world, node, model_chance(&world->dice, 600));
    }
}

/* Another scheduler binds without a claim. */
static void bind_past(struct model_world *world)
{
    struct model_pod *pod = any_pod(world, is_pending);
    if (pod != NULL) {
        pod->node = (int)model_below(&world->dice, world->node_count);
        pod->bound_by = MODEL_BY_OTHERS;
        model_trace(world, "%s is bound to %s by others", pod->uid.text,
                    model_node_name(pod->node));
        model_changed_pod(world, pod);
        model_start_pod(world, pod);
    }
}

static bool has_request(const struct model_pod *pod)
{
    return is_pending(pod) && pod->gpu && !pod->plugin && !pod->bare;
}

/* A person edits a pod that waits. Its Binding may be on the way. */
static void take_request_off(struct model_world *world)
{
    struct model_pod *pod = any_pod(world, has_request);
    if (pod != NULL) {
        model_trace(world, "the request of %s is taken off", pod->uid.text);
        pod->bare = true;
        model_changed_pod(world, pod);
    }
}

static void change_health(struct model_world *world)
{
    int node = (int)model_below(&world->dice, world->node_count);
    unsigned card = model_below(&world->dice, world->nodes[node].cards);
    if (world->nodes[node].exists) {
        world->nodes[node].healthy[card] = !world->nodes[node].healthy[card];
        model_changed_node(world, node);
    }
}

static void change_node(struct model_world *world)
{
    int node = (int)model_below(&world->dice, world->node_count);
    model_trace(world, "%s %s", model_node_name(node),
                world->nodes[node].exists ? "goes" : "comes");
    if (world->nodes[node].exists) {
        model_remove_node(world, node);
    } else {
        world->nodes[node].exists = true;
        plimsoll_text_reset(&world->nodes[node].usage);
        model_changed_node(world, node);
    }
}

static void kill_one(struct model_world *world)
{
    struct model_replica *replica = any_replica(world);
    if (replica != NULL) {
        replica->kill_after = (int)model_below(&world->dice, 12);
    }
}

static void stop_one(struct model_world *world)
{
    struct model_replica *replica = any_replica(world);
    if (replica != NULL && !replica->stopping) {
        model_trace(world, "r%u: is told to stop", replica->number);
        replica->stop_ms = world->now_ms + 1000 + model_below(&world->dice, 20000);
        model_send(world, model_mail(world, MAIL_STOP, replica), 0);
    }
}

/* Each kind of trouble as often as the climate has it. */
static void change_weather(struct model_world *world)
{
    struct model_replica *replica = any_replica(world);
    struct model_dice *dice = &world->dice;
    if (replica == NULL) {
        return;
    }
    unsigned longest = model_chance(dice, 150) ? 120000 : 15000, kinds = 0;
    int64_t until = world->now_ms + 1000 + model_below(dice, longest);
    for (unsigned i = 0; i < MODEL_TROUBLES; i++) {
        bool there = model_chance(dice, world->climate[i]);
        replica->trouble_ms[i] = there ? until : 0;
        kinds |= (unsigned)there << i;
    }
    model_trace(world, "r%u: trouble 0x%02x for %lld ms", replica->number, kinds,
                (long long)(until - world->now_ms));
}

static void go_on_meanwhile(struct model_world *world, struct model_replica *replica)
{
    struct model_dice *dice = &world->dice;
    for (int i = 0; i < 6; i++) {
        const struct model_pod *pod = any_pod(world, is_pending);
        if (pod != NULL) {
            struct model_mail *mail = model_mail(world, MAIL_SCHEDULE, replica);
            mail->pod = (size_t)(pod - world->pods);
            model_send(world, mail, 20000 + model_below(dice, 20000));
        }
    }
    replica->stop_ms = world->now_ms + 60000;
    model_send(world, model_mail(world, MAIL_STOP, replica), 30000 + model_below(dice, 20000));
}

/* Whoever holds the Lease loses touch for long; who takes it over goes on, and ends meanwhile: what
 * the first one has in doubt outlives the reign of the second. */
static void isolate(struct model_world *world)
{
    struct model_dice *dice = &world->dice;
    struct model_replica *holder = any_scheduler(world);
    int64_t until = world->now_ms + 30000 + model_below(dice, 30000);
    if (holder == NULL) {
        return;
    }
    model_trace(world, "r%u: isolated for %lld ms", holder->number,
                (long long)(until - world->now_ms));
    holder->trouble_ms[MODEL_LOST_READS] = until + 20000;
    holder->trouble_ms[MODEL_LOST_LEASE] = until;
    holder->trouble_ms[model_chance(dice, 700) ? MODEL_LOST_POSTS : MODEL_SLOW_POSTS] = until;
    for (unsigned i = 0; i < world->replica_count; i++) {
        struct model_replica *other = &world->replicas[i];
        if (other != holder && other->alive && !other->stopping) {
            go_on_meanwhile(world, other);
        }
    }
}

static void relist(struct model_world *world)
{
    struct model_replica *replica = any_replica(world);
    if (replica != NULL) {
        model_stream_list(world, replica,
                          model_chance(&world->dice, 700) ? PLIMSOLL_KIND_PODS
                                                          : PLIMSOLL_KIND_NODES);
    }
}

static const struct {
    act_fn act;
    unsigned weight;
} actions[] = {
    {create, 200},        {schedule, 260},  {bind_again, 90}, {delete_pod, 130},
    {recreate, 25},       {finish, 90},     {report, 60},     {bind_past, 8},
    {change_health, 8},   {change_node, 6}, {kill_one, 6},    {stop_one, 6},
    {change_weather, 30}, {relist, 15},     {isolate, 8},     {take_request_off, 6},
};

#define ACTIONS (sizeof actions / sizeof actions[0])

/* -- a walk --------------------------------------------------------------------------------------
 */

/* Some walks have much of something, or none at all: what is rare in an average walk is not in
 * all of them. */
static void draw_weights(struct model_dice *dice, unsigned weights[ACTIONS])
{
    static const unsigned factors[] = {0, 1, 1, 1, 4};
    for (size_t i = 0; i < ACTIONS; i++) {
        unsigned factor = factors[model_below(dice, sizeof factors / sizeof factors[0])];
        bool needed = actions[i].act == create || actions[i].act == schedule;
        weights[i] = actions[i].weight * (needed && factor == 0 ? 1 : factor);
    }
}

static uint32_t draw_action(struct model_dice *dice, const unsigned weights[ACTIONS])
{
    unsigned all = 0;
    for (size_t i = 0; i < ACTIONS; i++) {
        all += weights[i];
    }
    unsigned at = model_below(dice, all);
    uint32_t action = 0;
    while (at >= weights[action]) {
        at -= weights[action++];
    }
    return action;
}

static uint32_t draw_wait(struct model_dice *dice)
{
    unsigned kind = model_below(dice, 1000);
    return model_below(dice, kind < 600 ? 20 : kind < 900 ? 300 : kind < 990 ? 4000 : 60000);
}

void model_walk_draw(struct model_walk *walk, uint64_t seed, size_t count)
{
    struct model_dice dice = {seed};
    unsigned weights[ACTIONS];
    *walk = (struct model_walk){
        .seed = seed, .replicas = model_chance(&dice, 200) ? 1 : 2 + model_below(&dice, 2)};
    draw_weights(&dice, weights);
    walk->steps = plimsoll_alloc(count, sizeof *walk->steps);
    walk->count = count;
    for (size_t i = 0; i < count; i++) {
        walk->steps[i] =
            (struct model_step){draw_action(&dice, weights), draw_wait(&dice), model_roll(&dice)};
    }
}

void model_walk_clear(struct model_walk *walk)
{
    free(walk->steps);
    *walk = (struct model_walk){0};
}

/* A moment at which nobody looks who has the Lease. */
static bool is_idle(const struct model_world *world)
{
    bool idle = true;
    for (unsigned i = 0; i < world->replica_count; i++) {
        const struct model_replica *replica = &world->replicas[i];
        idle = idle && (!replica->alive || plimsoll_books_state(replica->books).idle);
    }
    return idle;
}

/* Nobody does anything any more but those who were woken: time for everything to settle. */
static void come_to_rest(struct model_world *world)
{
    world->quiet = true;
    for (unsigned i = 0; i < world->replica_count; i++) {
        world->replicas[i].kill_after = -1;
    }
    model_pass(world, world->now_ms + 100000);
    for (int i = 0; i < MODEL_NODES; i++) {
        if (world->nodes[i].exists) {
            model_report(world, i, true);
        }
    }
    model_pass(world, world->now_ms + 700000);
    for (int i = 0; i < 100 && !is_idle(world); i++) {
        model_pass(world, world->now_ms + 77);
    }
    if (!world->failed) {
        model_check_rest(world);
    }
}

struct model_outcome model_walk_run(const struct model_walk *walk, bool trace)
{
    struct model_world world = {.dice = {walk->seed}, .trace = trace};
    static const unsigned climates[] = {0, 100, 400, 900};
    for (unsigned i = 0; i < MODEL_TROUBLES; i++) {
        world.climate[i] = climates[model_below(&world.dice, 4)];
    }
    world.climate[MODEL_CUT_OFF] /= 4;
    model_open(&world, walk->replicas);
    for (size_t i = 0; i < walk->count && !world.failed; i++) {
        const struct model_step *step = &walk->steps[i];
        world.dice.state = step->seed;
        model_pass(&world, world.now_ms + step->wait_ms);
        if (!world.failed) {
            actions[step->action].act(&world);
        }
        for (unsigned j = 0; j < world.replica_count; j++) {
            model_bury(&world.replicas[j]);
        }
    }
    if (!world.failed) {
        come_to_rest(&world);
    }
    struct model_outcome outcome = {
        .failed = world.failed, .handled = world.handled, .bound = world.bound};
    memcpy(outcome.fault, world.fault, sizeof outcome.fault);
    model_close(&world);
    return outcome;
}

/* -- shrinking -----------------------------------------------------------------------------------
 */

/* The walk without `size` steps from `at` on still fails: it becomes that. */
static bool leave_out(struct model_walk *walk, size_t at, size_t size)
{
    struct model_walk rest = *walk;
    rest.count = walk->count - size;
    rest.steps = plimsoll_alloc(rest.count + 1, sizeof *rest.steps);
    memcpy(rest.steps, walk->steps, at * sizeof *rest.steps);
    memcpy(rest.steps + at, walk->steps + at + size, (rest.count - at) * sizeof *rest.steps);
    bool fails = model_walk_run(&rest, false).failed;
    struct model_step *unused = fails ? walk->steps : rest.steps;
    if (fails) {
        *walk = rest;
    }
    free(unused);
    return fails;
}

void model_walk_shrink(struct model_walk *walk)
{
    unsigned runs = 0;
    for (size_t size = walk->count / 2; size > 0;) {
        bool shorter = false;
        for (size_t at = 0; at + size <= walk->count && runs < SHRINK_RUNS_MAX; runs++) {
            if (leave_out(walk, at, size)) {
                shorter = true;
            } else {
                at += size;
            }
        }
        if (!shorter || size > walk->count) {
            size /= 2;
        }
    }
}

void model_walk_print(const struct model_walk *walk)
{
    (void)fprintf(stderr, "seed %llu, %u replicas, %zu steps are left:\n",
                  (unsigned long long)walk->seed, walk->replicas, walk->count);
    (void)model_walk_run(walk, true);
}
