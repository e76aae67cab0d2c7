/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "../../../src/cluster/slab.h"

#include <stdbool.h>
#include <string.h>

#define OBJECTS (3 * PLIMSOLL_SLAB_CHUNK + 1)
#define SIZE    192u

static bool is_zero(const char *object)
{
    static const char zeroes[SIZE];
    return memcmp(object, zeroes, SIZE) == 0;
}

static void objects_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct plimsoll_slab slab = {.size = SIZE};
    char *objects[OBJECTS];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < OBJECTS; i++) {
            objects[i] = plimsoll_slab_take(&slab);
            assert_int_equal((uintptr_t)objects[i] % PLIMSOLL_SLAB_ALIGNMENT, 0);
            assert_true(is_zero(objects[i]));
            memset(objects[i], (int)(i + 1), SIZE);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            assert_int_equal(objects[i][0], (char)(i + 1));
            assert_int_equal(objects[i][SIZE - 1], (char)(i + 1));
            plimsoll_slab_give_back(&slab, objects[i]);
        }
    }
    plimsoll_slab_clear(&slab);
}

static void what_was_given_back_is_used_again(void **state)
{
    (void)state;
    struct plimsoll_slab slab = {.size = SIZE};
    for (unsigned i = 0; i < 1000; i++) {
        plimsoll_slab_give_back(&slab, plimsoll_slab_take(&slab));
    }
    assert_int_equal(slab.chunk_count, 1);
    plimsoll_slab_clear(&slab);
    assert_int_equal(slab.chunk_count, 0);
    assert_null(slab.unused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_zeroed_aligned_and_apart),
        cmocka_unit_test(what_was_given_back_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
