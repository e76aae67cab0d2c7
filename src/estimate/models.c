/* SPDX-License-Identifier: Apache-2.0 */
/* Layers, heads and parameters are what the models' published config.json say. */
#include "models.h"

#define FULL    PLIMSOLL_ATTENTION_FULL
#define SLIDING PLIMSOLL_ATTENTION_SLIDING

static const struct plimsoll_model models[] = {
    {"llama3.1", "8b", "Llama 3.1 8B", 8030, 32, 8, 128, FULL, NULL},
    {"llama3.1", "70b", "Llama 3.1 70B", 70554, 80, 8, 128, FULL, NULL},
    {"llama3.1", "405b", "Llama 3.1 405B", 405853, 126, 8, 128, FULL, NULL},
    {"llama3.3", "70b", "Llama 3.3 70B", 70554, 80, 8, 128, FULL, NULL},
    {"llama3.2", "3b", "Llama 3.2 3B", 3213, 28, 8, 128, FULL, NULL},
    {"llama3.2", "1b", "Llama 3.2 1B", 1236, 16, 8, 64, FULL, NULL},
    {"llama3", "8b", "Llama 3 8B", 8030, 32, 8, 128, FULL, NULL},
    {"llama3", "70b", "Llama 3 70B", 70554, 80, 8, 128, FULL, NULL},
    {"llama2", "7b", "Llama 2 7B", 6738, 32, 32, 128, FULL, NULL},
    {"llama2", "13b", "Llama 2 13B", 13016, 40, 40, 128, FULL, NULL},
    {"llama2", "70b", "Llama 2 70B", 68977, 80, 8, 128, FULL, NULL},
    {"mistral", "7b", "Mistral 7B", 7248, 32, 8, 128, FULL, NULL},
    {"mistralnemo", "12b", "Mistral Nemo 12B", 12248, 40, 8, 128, FULL, NULL},
    {"mistralsmall", "24b", "Mistral Small 24B", 23572, 40, 8, 128, FULL, NULL},
    {"mixtral", "8x7b", "Mixtral 8x7B", 46703, 32, 8, 128, FULL, NULL},
    {"mixtral", "8x22b", "Mixtral 8x22B", 140621, 56, 8, 128, FULL, NULL},
    {"qwen2.5", "7b", "Qwen 2.5 7B", 7616, 28, 4, 128, FULL, NULL},
    {"qwen2.5", "0.5b", "Qwen 2.5 0.5B", 494, 24, 2, 64, FULL, NULL},
    {"qwen2.5", "1.5b", "Qwen 2.5 1.5B", 1544, 28, 2, 128, FULL, NULL},
    {"qwen2.5", "3b", "Qwen 2.5 3B", 3086, 36, 2, 128, FULL, NULL},
    {"qwen2.5", "14b", "Qwen 2.5 14B", 14770, 48, 8, 128, FULL, NULL},
    {"qwen2.5", "32b", "Qwen 2.5 32B", 32764, 64, 8, 128, FULL, NULL},
    {"qwen2.5", "72b", "Qwen 2.5 72B", 72706, 80, 8, 128, FULL, NULL},
    {"qwen3", "8b", "Qwen 3 8B", 8191, 36, 8, 128, FULL, NULL},
    {"qwen3", "0.6b", "Qwen 3 0.6B", 752, 28, 8, 128, FULL, NULL},
    {"qwen3", "1.7b", "Qwen 3 1.7B", 2032, 28, 8, 128, FULL, NULL},
    {"qwen3", "4b", "Qwen 3 4B", 4022, 36, 8, 128, FULL, NULL},
    {"qwen3", "14b", "Qwen 3 14B", 14768, 40, 8, 128, FULL, NULL},
    {"qwen3", "30b", "Qwen 3 30B-A3B", 30532, 48, 4, 128, FULL, NULL},
    {"qwen3", "32b", "Qwen 3 32B", 32762, 64, 8, 128, FULL, NULL},
    {"qwen3", "235b", "Qwen 3 235B-A22B", 235094, 94, 4, 128, FULL, NULL},
    {"gemma2", "9b", "Gemma 2 9B", 9242, 42, 8, 256, SLIDING, NULL},
    {"gemma2", "2b", "Gemma 2 2B", 2614, 26, 4, 256, SLIDING, NULL},
    {"gemma2", "27b", "Gemma 2 27B", 27227, 46, 16, 128, SLIDING, NULL},
    {"gemma3", "4b", "Gemma 3 4B", 4300, 34, 4, 256, SLIDING, NULL},
    {"gemma3", "1b", "Gemma 3 1B", 1000, 26, 1, 256, SLIDING, NULL},
    {"gemma3", "12b", "Gemma 3 12B", 12187, 48, 8, 256, SLIDING, NULL},
    {"gemma3", "27b", "Gemma 3 27B", 27432, 62, 16, 128, SLIDING, NULL},
    {"phi3", "3.8b", "Phi-3 mini", 3821, 32, 32, 96, FULL, NULL},
    {"phi4", "14b", "Phi-4", 14660, 40, 10, 128, FULL, NULL},
    {"deepseekr1", "8b", "DeepSeek-R1 distilled into Llama 8B", 8030, 32, 8, 128, FULL, NULL},
    {"deepseekr1", "1.5b", "DeepSeek-R1 distilled into Qwen 1.5B", 1777, 28, 2, 128, FULL, NULL},
    {"deepseekr1", "7b", "DeepSeek-R1 distilled into Qwen 7B", 7616, 28, 4, 128, FULL, NULL},
    {"deepseekr1", "14b", "DeepSeek-R1 distilled into Qwen 14B", 14770, 48, 8, 128, FULL, NULL},
    {"deepseekr1", "32b", "DeepSeek-R1 distilled into Qwen 32B", 32764, 64, 8, 128, FULL, NULL},
    {"deepseekr1", "70b", "DeepSeek-R1 distilled into Llama 70B", 70554, 80, 8, 128, FULL, NULL},
    {"gptoss", "20b", "gpt-oss 20B", 20915, 24, 8, 64, SLIDING, "mxfp4"},
    {"gptoss", "120b", "gpt-oss 120B", 116829, 36, 8, 64, SLIDING, "mxfp4"},
};

static const struct plimsoll_seen_model seen_models[] = {
    {"whisper", "tiny", "Whisper tiny", 1024, 1536, "OpenAI\'s own table says about 1 GB."},
    {"whisper", "base", "Whisper base", 1024, 1536, "OpenAI\'s own table says about 1 GB."},
    {"whisper", "small", "Whisper small", 2048, 2560, "OpenAI\'s own table says about 2 GB."},
    {"whisper", "medium", "Whisper medium", 5120, 5632, "OpenAI\'s own table says about 5 GB."},
    {"whisper", "turbo", "Whisper turbo", 6144, 6656, "OpenAI\'s own table says about 6 GB."},
    {"whisper", "large", "Whisper large", 10240, 10752, "OpenAI\'s own table says about 10 GB."},
    {"fasterwhisper", NULL, "faster-whisper large", 3091, 4755,
     "Measured by its authors: 3091 MB in int8, 4755 MB in fp16."},
    {"xtts", NULL, "XTTS", 2048, 4096, "People report 2 to 4 GB."},
    {"sdxl", NULL, "Stable Diffusion XL", 8192, 12288, "People report 8 to 12 GB in use."},
    {"flux", NULL, "FLUX.1 with its text encoders", 16384, 33792,
     "33 GB in bf16 with all of it on the card, 16 GB with parts of it in main memory."},
};

/* llama.cpp's own measurements on an 8B model where a name is a mix, else the block's size. */
static const struct plimsoll_quant quants[] = {
    {"f32", "F32", 32000},       {"fp32", "F32", 32000},        {"f16", "F16", 16000},
    {"fp16", "F16", 16000},      {"bf16", "BF16", 16000},       {"q8_0", "Q8_0", 8500},
    {"q8", "Q8_0", 8500},        {"q6_k", "Q6_K", 6560},        {"q6", "Q6_K", 6560},
    {"q5_k_m", "Q5_K_M", 5700},  {"q5_k", "Q5_K_M", 5700},      {"q5", "Q5_K_M", 5700},
    {"q5_0", "Q5_0", 5500},      {"q5_1", "Q5_1", 6000},        {"q4_k_m", "Q4_K_M", 4890},
    {"q4_k", "Q4_K_M", 4890},    {"q4", "Q4_K_M", 4890},        {"q4_k_s", "Q4_K_S", 4670},
    {"q4_0", "Q4_0", 4500},      {"qat", "Q4_0", 4500},         {"q4_1", "Q4_1", 5000},
    {"iq4_nl", "IQ4_NL", 4500},  {"iq4_xs", "IQ4_XS", 4460},    {"q3_k_l", "Q3_K_L", 4300},
    {"q3_k_s", "Q3_K_S", 3640},  {"q3", "Q3_K_L", 4300},        {"q2_k", "Q2_K", 3160},
    {"q2", "Q2_K", 3160},        {"mxfp4", "MXFP4", 4250},      {"nvfp4", "NVFP4", 4500},
    {"fp8", "FP8", 8000},        {"int8", "INT8", 8000},        {"8bit", "INT8", 8000},
    {"awq", "AWQ, 4 bit", 4500}, {"gptq", "GPTQ, 4 bit", 4500}, {"int4", "INT4", 4500},
    {"4bit", "INT4", 4500},      {"nf4", "NF4", 4500},
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

const struct plimsoll_model *plimsoll_model_find(struct plimsoll_span family,
                                                 struct plimsoll_span size)
{
    for (size_t i = 0; i < COUNT(models); i++) {
        if (plimsoll_span_is(family, models[i].family) &&
            (size.size == 0 || plimsoll_span_is(size, models[i].size))) {
            return &models[i];
        }
    }
    return NULL;
}

const struct plimsoll_seen_model *plimsoll_seen_model_find(struct plimsoll_span family,
                                                           struct plimsoll_span size)
{
    for (size_t i = 0; i < COUNT(seen_models); i++) {
        const struct plimsoll_seen_model *it = &seen_models[i];
        if (plimsoll_span_starts(family, it->family) &&
            (it->size == NULL || plimsoll_span_is(size, it->size))) {
            return it;
        }
    }
    return NULL;
}

const struct plimsoll_quant *plimsoll_quant_find(struct plimsoll_span name)
{
    for (size_t i = 0; i < COUNT(quants); i++) {
        if (plimsoll_span_is(name, quants[i].name)) {
            return &quants[i];
        }
    }
    return NULL;
}

uint32_t plimsoll_kv_type_find(struct plimsoll_span name, const char **shown)
{
    static const struct {
        const char *name, *shown;
        uint32_t bytes;
    } types[] = {
        {"f16", "F16", 20000},  {"fp16", "F16", 20000},  {"bf16", "BF16", 20000},
        {"f32", "F32", 40000},  {"q8_0", "Q8_0", 10625}, {"q8", "Q8_0", 10625},
        {"q4_0", "Q4_0", 5625}, {"q4", "Q4_0", 5625},    {"fp8", "FP8", 10000},
    };
    for (size_t i = 0; i < COUNT(types); i++) {
        if (plimsoll_span_is(name, types[i].name)) {
            *shown = types[i].shown;
            return types[i].bytes;
        }
    }
    return 0;
}

const char *plimsoll_quant_names(void)
{
    return "f16, bf16, q8_0, q6_k, q5_k_m, q5_0, q4_k_m, q4_k_s, q4_0, iq4_xs, q3_k_l, q2_k, "
           "mxfp4, nvfp4, fp8, int8, awq, gptq, int4 or nf4";
}
