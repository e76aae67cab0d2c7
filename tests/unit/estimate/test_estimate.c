/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <plimsoll/estimate.h>

#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static struct plimsoll_estimate made(struct plimsoll_estimate_request request)
{
    struct plimsoll_error err = {0};
    struct plimsoll_estimate estimate = {0};
    if (plimsoll_estimate_make(&request, &estimate, &err) != 0) {
        fail_msg("%s", err.message);
    }
    return estimate;
}

static struct plimsoll_estimate of(const char *model)
{
    return made((struct plimsoll_estimate_request){.model = model});
}

static struct plimsoll_error refused(struct plimsoll_estimate_request request)
{
    struct plimsoll_error err = {0};
    struct plimsoll_estimate estimate = {.params = 7};
    assert_int_equal(plimsoll_estimate_make(&request, &estimate, &err), -1);
    assert_int_equal(estimate.params, 7); /* unchanged */
    return err;
}

static void weights_are_what_the_files_weigh(void **state)
{
    (void)state;
    /* llama.cpp's own numbers: 4.58 GiB and 43.1 GB. */
    uint64_t small = of("llama3.1:8b-q4_K_M").weights, large = of("llama3.1:70b-q4").weights;
    assert_in_range(small, GIB * 456 / 100, GIB * 460 / 100);
    assert_in_range(large, UINT64_C(43000000000), UINT64_C(43300000000));
    assert_in_range(of("llama3.1:8b-fp16").weights, GIB * 1490 / 100, GIB * 1500 / 100);
}

static void the_cache_grows_with_context_and_sequences(void **state)
{
    (void)state;
    struct plimsoll_estimate_request request = {.model = "llama3.1:8b", .context = 8192};
    assert_int_equal(made(request).cache, 131072 * UINT64_C(8192)); /* 128 KiB a token */
    request.parallel = 2;
    assert_int_equal(made(request).cache, 2 * GIB);
    request.kv_type = "q8_0";
    assert_int_equal(made(request).cache, 2 * GIB * 10625 / 20000);
    request.kv_type = "q4_0";
    assert_int_equal(made(request).cache, 2 * GIB * 5625 / 20000);
}

static void a_context_and_slack_lie_around_both(void **state)
{
    (void)state;
    struct plimsoll_estimate it = of("llama3.1:8b");
    uint64_t sum = it.weights + it.cache;
    assert_int_equal(it.from, sum + sum / 20 + 300 * MIB);
    assert_int_equal(it.to, sum + sum / 10 + 600 * MIB);
    assert_true(it.ask >= it.to && it.ask - it.to < GIB / 2);
    assert_int_equal(it.ask % (GIB / 2), 0);
}

static void names_of_registries_and_of_repositories_mean_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *name, *model, *quant;
    } cases[] = {
        {"llama3.1", "Llama 3.1 8B", "Q4_K_M"},
        {"LLAMA3.1:latest", "Llama 3.1 8B", "Q4_K_M"},
        {"llama3.1:70b-instruct-q4_K_S", "Llama 3.1 70B", "Q4_K_S"},
        {"registry.example/library/qwen2.5-coder:14b-instruct-q5_K_M", "Qwen 2.5 14B", "Q5_K_M"},
        {"meta-llama/Meta-Llama-3.1-8B-Instruct", "Llama 3.1 8B", "BF16"},
        {"Qwen/Qwen2.5-72B-Instruct-AWQ", "Qwen 2.5 72B", "AWQ, 4 bit"},
        {"mistralai/Mixtral-8x7B-Instruct-v0.1", "Mixtral 8x7B", "BF16"},
        {"gemma3:27b-it-qat", "Gemma 3 27B", "Q4_0"},
        {"deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "DeepSeek-R1 distilled into Qwen 32B", "BF16"},
        {"gpt-oss:120b", "gpt-oss 120B", "MXFP4"},
        {"phi4", "Phi-4", "Q4_K_M"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plimsoll_estimate it = of(cases[i].name);
        assert_string_equal(it.model, cases[i].model);
        assert_string_equal(it.quant, cases[i].quant);
    }
}

static bool says(const struct plimsoll_estimate *estimate, const char *words)
{
    for (size_t i = 0; i < estimate->unknown_count; i++) {
        if (strstr(estimate->unknowns[i], words) != NULL) {
            return true;
        }
    }
    return false;
}

static void what_is_assumed_and_not_known_is_said(void **state)
{
    (void)state;
    struct plimsoll_estimate it = of("llama3.1");
    assert_true(it.quant_assumed && it.context_assumed && it.cache_known);
    it = of("gemma2:9b");
    assert_true(says(&it, "upper bound"));
    it = of("unheard-of:13b-q8_0");
    assert_false(it.cache_known);
    assert_int_equal(it.cache, 0);
    assert_int_equal(it.params, UINT64_C(13000000000));
    assert_true(says(&it, "what its name says"));
    assert_true(says(&it, "--kv-heads"));
}

static void numbers_go_before_the_table(void **state)
{
    (void)state;
    struct plimsoll_estimate_request request = {
        .params = "13b", .layers = 40, .kv_heads = 40, .head_dim = 128, .context = 4096};
    struct plimsoll_estimate it = made(request);
    assert_string_equal(it.model, "");
    assert_int_equal(it.cache, UINT64_C(2) * 40 * 40 * 128 * 2 * 4096);
    request = (struct plimsoll_estimate_request){
        .model = "llama3.1:8b", .params = "350M", .layers = 1, .quant = "F16"};
    it = made(request);
    assert_int_equal(it.params, 350000000);
    assert_int_equal(it.weights, 700000000);
    assert_int_equal(it.layers, 1);
    assert_int_equal(it.kv_heads, 8);
}

static void models_of_speech_and_images_come_from_what_was_seen(void **state)
{
    (void)state;
    struct plimsoll_estimate it = of("openai/whisper-large-v3");
    assert_true(it.seen);
    assert_int_equal(it.from, 10 * GIB);
    assert_int_equal(it.weights, 0);
    assert_true(says(&it, "OpenAI"));
    assert_true(of("sdxl-turbo").seen && of("xtts_v2").seen && of("flux.1-dev").seen);
    assert_string_equal(of("whisper:tiny").model, "Whisper tiny");
}

static void a_model_nobody_knows_is_not_guessed(void **state)
{
    (void)state;
    struct plimsoll_error err = refused((struct plimsoll_estimate_request){.model = "nonsense"});
    assert_int_equal(err.kind, PLIMSOLL_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "\"nonsense\" is not among the models known here"));
    assert_non_null(strstr(err.message, "--params 13b"));
    assert_int_equal(refused((struct plimsoll_estimate_request){.model = "llama3.1:9x9b"}).kind,
                     PLIMSOLL_ERR_INVALID);
}

static void bad_values_are_named(void **state)
{
    (void)state;
    static const char *const params[] = {"",          "b",    "-1b",          "0b",  "1q",
                                         "13bb",      "1e9b", "0x10b",        "nan", "inf",
                                         "99999999t", "1 b",  "0.0000000001b"};
    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        struct plimsoll_error err =
            refused((struct plimsoll_estimate_request){.params = params[i]});
        assert_int_equal(err.kind, PLIMSOLL_ERR_INVALID);
        assert_non_null(strstr(err.message, "13b or 350m"));
    }
    struct plimsoll_error err =
        refused((struct plimsoll_estimate_request){.model = "llama3.1", .quant = "q9"});
    assert_non_null(strstr(err.message, "--quant \"q9\": write one of f16"));
    err = refused((struct plimsoll_estimate_request){.model = "llama3.1", .kv_type = "q9"});
    assert_non_null(strstr(err.message, "--kv-cache-type \"q9\""));
}

static void a_name_longer_than_any_is_refused(void **state)
{
    (void)state;
    char name[PLIMSOLL_ESTIMATE_NAME_SIZE + 1];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_non_null(strstr(refused((struct plimsoll_estimate_request){.model = name}).message,
                           "a model's name has 1 to 63 letters"));
    assert_non_null(strstr(refused((struct plimsoll_estimate_request){.model = "x/"}).message,
                           "a model's name has"));
    name[sizeof name - 2] = '\0';
    assert_int_equal(refused((struct plimsoll_estimate_request){.model = name}).kind,
                     PLIMSOLL_ERR_NOT_FOUND);
}

static void numbers_beyond_any_memory_stay_finite(void **state)
{
    (void)state;
    struct plimsoll_estimate it = made((struct plimsoll_estimate_request){.params = "9t",
                                                                          .quant = "f32",
                                                                          .layers = 100000000,
                                                                          .kv_heads = 100000000,
                                                                          .head_dim = 100000000,
                                                                          .context = 100000000,
                                                                          .parallel = 100000000});
    assert_int_equal(it.cache, UINT64_C(1) << 50);
    assert_true(it.from > it.cache && it.to > it.from && it.ask >= it.to);
}

static void no_more_is_said_than_there_is_room_for(void **state)
{
    (void)state;
    struct plimsoll_estimate it = of("unheard-of:13b");
    assert_in_range(it.unknown_count, 1, PLIMSOLL_ESTIMATE_UNKNOWNS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_what_the_files_weigh),
        cmocka_unit_test(the_cache_grows_with_context_and_sequences),
        cmocka_unit_test(a_context_and_slack_lie_around_both),
        cmocka_unit_test(names_of_registries_and_of_repositories_mean_the_same),
        cmocka_unit_test(what_is_assumed_and_not_known_is_said),
        cmocka_unit_test(numbers_go_before_the_table),
        cmocka_unit_test(models_of_speech_and_images_come_from_what_was_seen),
        cmocka_unit_test(a_model_nobody_knows_is_not_guessed),
        cmocka_unit_test(bad_values_are_named),
        cmocka_unit_test(a_name_longer_than_any_is_refused),
        cmocka_unit_test(numbers_beyond_any_memory_stay_finite),
        cmocka_unit_test(no_more_is_said_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
