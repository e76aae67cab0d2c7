/* SPDX-License-Identifier: Apache-2.0 */
/* Chance, time, mail, and the first fault that was found. */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>

uint64_t model_roll(struct model_dice *dice)
{
    uint64_t mixed = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

unsigned model_below(struct model_dice *dice, unsigned bound)
{
    return bound > 0 ? (unsigned)(model_roll(dice) % bound) : 0;
}

bool model_chance(struct model_dice *dice, unsigned per_mille)
{
    return model_below(dice, 1000) < per_mille;
}

void model_fault(struct model_world *world, const char *format, ...)
{
    if (!world->failed) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(world->fault, sizeof world->fault, format, arguments);
        va_end(arguments);
        world->failed = true;
        model_trace(world, "FAULT: %s", world->fault);
    }
}

void model_trace(const struct model_world *world, const char *format, ...)
{
    if (world->trace) {
        va_list arguments;
        va_start(arguments, format);
        (void)fprintf(stderr, "%8lld  ", (long long)world->now_ms);
        (void)vfprintf(stderr, format, arguments);
        (void)fputc('\n', stderr);
        va_end(arguments);
    }
}

/* -- mail -------------------------------------------------------------------------------------- */

struct model_mail *model_mail(const struct model_world *world, enum model_mail_kind kind,
                              const struct model_replica *to)
{
    struct model_mail *mail = plimsoll_alloc(1, sizeof *mail);
    (void)world;
    mail->kind = kind;
    if (to != NULL) {
        mail->replica = to->number;
        mail->life = to->life;
    }
    return mail;
}

static void free_mail(struct model_mail *mail)
{
    plimsoll_claim_clear(&mail->effect.claim);
    free(mail->effect.lease);
    free(mail->effect.message);
    for (size_t i = 0; i < PLIMSOLL_GPU_CONTAINERS_MAX; i++) {
        free(mail->effect.visible[i]);
    }
    free(mail->changes);
    free(mail);
}

static bool is_before(const struct model_mail *a, const struct model_mail *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

static void swap(struct model_world *world, size_t a, size_t b)
{
    struct model_mail *mail = world->mails[a];
    world->mails[a] = world->mails[b];
    world->mails[b] = mail;
}

void model_send(struct model_world *world, struct model_mail *mail, int64_t delay_ms)
{
    if (world->mail_count == world->mail_capacity) {
        world->mail_capacity = world->mail_capacity > 0 ? 2 * world->mail_capacity : 64;
        world->mails = plimsoll_realloc(world->mails, world->mail_capacity, sizeof(void *));
    }
    mail->due_ms = world->now_ms + (delay_ms > 0 ? delay_ms : 0);
    mail->number = ++world->mail_number;
    size_t at = world->mail_count++;
    world->mails[at] = mail;
    for (; at > 0 && is_before(mail, world->mails[(at - 1) / 2]); at = (at - 1) / 2) {
        swap(world, at, (at - 1) / 2);
    }
}

static struct model_mail *take_first(struct model_world *world)
{
    struct model_mail *first = world->mails[0];
    world->mails[0] = world->mails[--world->mail_count];
    for (size_t at = 0, next; (next = 2 * at + 1) < world->mail_count; at = next) {
        if (next + 1 < world->mail_count && is_before(world->mails[next + 1], world->mails[next])) {
            next++;
        }
        if (!is_before(world->mails[next], world->mails[at])) {
            break;
        }
        swap(world, at, next);
    }
    return first;
}

static void deliver(struct model_world *world, struct model_mail *mail)
{
    struct model_replica *replica = &world->replicas[mail->replica];
    world->handled++;
    if (mail->kind == MAIL_REVIVE) {
        if (!replica->alive) {
            model_start(world, replica);
        }
    } else if (mail->kind >= MAIL_LIST_ARRIVES) {
        model_serve(world, mail);
    } else if (replica->alive && replica->life == mail->life) {
        model_take(world, replica, mail);
    }
    for (unsigned i = 0; i < world->replica_count; i++) {
        model_bury(&world->replicas[i]);
    }
}

void model_pass(struct model_world *world, int64_t until_ms)
{
    while (!world->failed && world->mail_count > 0 && world->mails[0]->due_ms <= until_ms) {
        struct model_mail *mail = take_first(world);
        world->now_ms = mail->due_ms > world->now_ms ? mail->due_ms : world->now_ms;
        deliver(world, mail);
        free_mail(mail);
    }
    world->now_ms = until_ms > world->now_ms ? until_ms : world->now_ms;
}

/* -- life -------------------------------------------------------------------------------------- */

void model_open(struct model_world *world, unsigned replicas)
{
    world->now_ms = 1000;
    world->replica_count = replicas;
    world->node_count = 1 + model_below(&world->dice, MODEL_NODES);
    world->devices = 1 + model_below(&world->dice, MODEL_DEVICES_MAX);
    world->plugin = model_chance(&world->dice, 500) ? 300 : 900;
    for (int i = 0; i < (int)world->node_count; i++) {
        struct model_node *node = &world->nodes[i];
        node->cards = i == 0 ? 1 : 1 + model_below(&world->dice, MODEL_CARDS);
        node->exists = true;
        node->usage = plimsoll_text_make(1u << 16);
        for (unsigned j = 0; j < MODEL_CARDS; j++) {
            node->healthy[j] = true;
        }
        model_changed_node(world, i);
    }
    for (unsigned i = 0; i < replicas; i++) {
        world->replicas[i].number = i;
        model_start(world, &world->replicas[i]);
    }
}

void model_close(struct model_world *world)
{
    for (unsigned i = 0; i < world->replica_count; i++) {
        if (world->replicas[i].alive) {
            model_kill(world, &world->replicas[i]);
        }
        model_bury(&world->replicas[i]);
    }
    for (size_t i = 0; i < world->mail_count; i++) {
        free_mail(world->mails[i]);
    }
    for (size_t i = 0; i < world->change_count; i++) {
        free(world->changes[i].object);
    }
    for (size_t i = 0; i < world->pod_count; i++) {
        plimsoll_claim_clear(&world->pods[i].claim);
    }
    for (int i = 0; i < MODEL_NODES; i++) {
        plimsoll_text_clear(&world->nodes[i].usage);
    }
    free(world->mails);
    free(world->changes);
    free(world->pods);
    *world = (struct model_world){0};
}
