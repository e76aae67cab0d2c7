/* SPDX-License-Identifier: Apache-2.0 */
/* Promise P1 under random walks; model/model.h says what is modelled and what must hold.
 *
 * PLIMSOLL_MODEL_SEED and PLIMSOLL_MODEL_STEPS choose the first walk and how many steps in all. */
#include "unit.h"

#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef MODEL_STEPS
#define MODEL_STEPS 1000000
#endif
#ifndef MODEL_FAULTY
#define MODEL_FAULTY 0 /* 1: the books are broken on purpose, and that must be found */
#endif
#define WALK_STEPS 500

static uint64_t setting(const char *name, uint64_t usual)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 10) : usual;
}

/* @return false: a walk failed, and has been printed. */
static bool walk_all(uint64_t seed, uint64_t steps, struct model_outcome *all)
{
    for (uint64_t done = 0; done < steps; done += WALK_STEPS, seed++) {
        struct model_walk walk;
        model_walk_draw(&walk, seed, WALK_STEPS);
        struct model_outcome outcome = model_walk_run(&walk, false);
        all->handled += outcome.handled;
        all->bound += outcome.bound;
        if (outcome.failed) {
            (void)fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, outcome.fault);
            model_walk_shrink(&walk);
            model_walk_print(&walk);
            model_walk_clear(&walk);
            return false;
        }
        model_walk_clear(&walk);
    }
    return true;
}

static void no_walk_breaks_a_promise(void **state)
{
    (void)state;
    uint64_t seed = setting("PLIMSOLL_MODEL_SEED", 1);
    uint64_t steps = setting("PLIMSOLL_MODEL_STEPS", MODEL_STEPS);
    struct model_outcome all = {0};
    bool held = walk_all(seed, steps, &all);
    (void)fprintf(stderr, "%llu steps from seed %llu, %llu events, %llu pods bound\n",
                  (unsigned long long)steps, (unsigned long long)seed,
                  (unsigned long long)all.handled, (unsigned long long)all.bound);
    assert_int_equal(held, !MODEL_FAULTY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_walk_breaks_a_promise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
