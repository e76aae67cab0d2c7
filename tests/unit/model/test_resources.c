/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <plimsoll/resources.h>

static const struct plimsoll_resource *find(const char *name)
{
    return plimsoll_resources_find(&wire_reading.resources, plimsoll_span_of(name));
}

static void an_exact_name_matches_itself_only(void **state)
{
    (void)state;
    assert_ptr_equal(find("nvidia.com/gpu"), &wire_list[0]);
    assert_ptr_equal(find("nvidia.com/gpu.shared"), &wire_list[1]);
    assert_null(find("nvidia.com/gpu.other"));
    assert_null(find("nvidia.com/gp"));
    assert_null(find("nvidia.com/"));
    assert_null(find("xnvidia.com/gpu"));
    assert_null(find(""));
}

static void a_star_stands_for_one_byte_or_more(void **state)
{
    (void)state;
    assert_ptr_equal(find("nvidia.com/mig-1g.10gb"), &wire_list[2]);
    assert_null(find("nvidia.com/mig-"));
    assert_ptr_equal(find("gpu.intel.com/xe"), &wire_list[4]);
    assert_null(find("gpu.intel.com/"));
}

static void the_first_entry_wins(void **state)
{
    (void)state;
    static const struct plimsoll_resource list[] = {
        {"amd.com/*", PLIMSOLL_VENDOR_AMD, false},
        {"amd.com/gpu", PLIMSOLL_VENDOR_INTEL, true},
    };
    const struct plimsoll_resources resources = {.list = list, .count = 2};
    assert_ptr_equal(plimsoll_resources_find(&resources, plimsoll_span_of("amd.com/gpu")),
                     &list[0]);
}

static void what_intel_offers_beside_cards_is_no_card(void **state)
{
    (void)state;
    assert_null(find("gpu.intel.com/monitoring"));
    assert_null(find("gpu.intel.com/i915_monitoring"));
    assert_null(find("gpu.intel.com/memory.max"));
    assert_null(find("gpu.intel.com/millicores"));
    static const struct plimsoll_resource list[] = {
        {"gpu.intel.com/monitoring", PLIMSOLL_VENDOR_INTEL, false}};
    const struct plimsoll_resources resources = {.list = list, .count = 1};
    assert_non_null(
        plimsoll_resources_find(&resources, plimsoll_span_of("gpu.intel.com/monitoring")));
}

static void no_list_matches_nothing(void **state)
{
    (void)state;
    const struct plimsoll_resources none = {.list = NULL, .count = 0};
    assert_null(plimsoll_resources_find(&none, plimsoll_span_of("nvidia.com/gpu")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exact_name_matches_itself_only),
        cmocka_unit_test(a_star_stands_for_one_byte_or_more),
        cmocka_unit_test(the_first_entry_wins),
        cmocka_unit_test(what_intel_offers_beside_cards_is_no_card),
        cmocka_unit_test(no_list_matches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
