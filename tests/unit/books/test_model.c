/* SPDX-License-Identifier: Apache-2.0 */
/* Promise P1 under random walks; model/model.h says what is modelled and what must hold.
 *
 * PLIMSOLL_MODEL_SEED and PLIMSOLL_MODEL_STEPS choose the first walk and how many steps in all. */
#include "unit.h"

#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef MODEL_STEPS
#define MODEL_STEPS 20000000 /* until a fault is found */
#endif
#define WALK_STEPS 1000

static uint64_t setting(const char *name, uint64_t usual)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 10) : usual;
}

struct tally {
    uint64_t seed, steps, events, bound;
    char fault[MODEL_FAULT_SIZE];
};

/* @return false: the walk failed; `walk` is that one, to be cleared. */
static bool walk_on(struct tally *tally, struct model_walk *walk)
{
    model_walk_draw(walk, tally->seed, WALK_STEPS);
    struct model_outcome outcome = model_walk_run(walk, getenv("PLIMSOLL_MODEL_TRACE") != NULL);
    tally->steps += WALK_STEPS;
    tally->events += outcome.handled;
    tally->bound += outcome.bound;
    memcpy(tally->fault, outcome.fault, sizeof tally->fault);
    if (!outcome.failed) {
        tally->seed++;
        model_walk_clear(walk);
    }
    return !outcome.failed;
}

/* @return false: a walk failed. */
static bool walk_all(struct tally *tally, struct model_walk *walk)
{
    uint64_t steps = setting("PLIMSOLL_MODEL_STEPS", MODEL_STEPS);
    tally->seed = setting("PLIMSOLL_MODEL_SEED", 1);
    bool held = true;
    while (held && tally->steps < steps) {
        held = walk_on(tally, walk);
    }
    (void)fprintf(stderr, "%llu steps, %llu events, %llu pods bound\n",
                  (unsigned long long)tally->steps, (unsigned long long)tally->events,
                  (unsigned long long)tally->bound);
    if (!held) {
        (void)fprintf(stderr, "seed %llu: %s\n", (unsigned long long)tally->seed, tally->fault);
    }
    return held;
}

static void no_walk_breaks_a_promise(void **state)
{
    (void)state;
    struct tally tally = {0};
    struct model_walk walk;
    bool held = walk_all(&tally, &walk);
    if (!held) {
        model_walk_shrink(&walk);
        model_walk_print(&walk);
        model_walk_clear(&walk);
    }
    assert_true(held);
}

static void books_that_are_broken_on_purpose_are_caught(void **state)
{
    (void)state;
    struct tally tally = {0};
    struct model_walk walk;
    bool held = walk_all(&tally, &walk);
    if (!held) {
        model_walk_clear(&walk);
    }
    assert_false(held);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_walk_breaks_a_promise)};
    const struct CMUnitTest broken[] = {
        cmocka_unit_test(books_that_are_broken_on_purpose_are_caught)};
    bool faulty = argc > 1 && strcmp(argv[1], "broken") == 0;
    return faulty ? cmocka_run_group_tests(broken, NULL, NULL)
                  : cmocka_run_group_tests(tests, NULL, NULL);
}
