/* SPDX-License-Identifier: Apache-2.0 */
#include "golden.h"

#include <plimsoll/answers.h>

static void view(struct plimsoll_estimate_request request, bool unicode, struct plimsoll_text *out)
{
    struct plimsoll_error err = {0};
    struct plimsoll_estimate estimate = {0};
    const struct plimsoll_view_options options = {.width = 80, .unicode = unicode};
    assert_int_equal(plimsoll_estimate_make(&request, &estimate, &err), 0);
    plimsoll_text_reset(out);
    plimsoll_view_estimate(&estimate, &options, out);
}

static void an_estimate_looks_as_somebody_has_seen_it(void **state)
{
    (void)state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    view((struct plimsoll_estimate_request){.model = "llama3.1:70b-q4",
                                            .context = 8192,
                                            .parallel = 2},
         true, &out);
    golden_compare("estimate-80.txt", &out);
    view((struct plimsoll_estimate_request){.model = "unheard-of:13b"}, false, &out);
    golden_compare("estimate-unknown-80.txt", &out);
    view((struct plimsoll_estimate_request){.model = "whisper:large"}, false, &out);
    golden_compare("estimate-seen-80.txt", &out);
}

static void the_object_says_the_same(void **state)
{
    (void)state;
    plimsoll_autotext out = plimsoll_text_make(GOLDEN_BYTES_MAX);
    struct plimsoll_error err = {0};
    struct plimsoll_estimate estimate;
    struct plimsoll_estimate_request request = {.model = "gemma2:9b"};
    assert_int_equal(plimsoll_estimate_make(&request, &estimate, &err), 0);
    plimsoll_view_estimate_json(&estimate, &out);
    golden_compare("estimate.json", &out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_estimate_looks_as_somebody_has_seen_it),
        cmocka_unit_test(the_object_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
