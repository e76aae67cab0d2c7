/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/estimate.h>

#include "models.h"

#include <ctype.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Trillions of parameters are a thousand times more than there are. */
#define PARAMS_MAX (UINT64_C(1000) * 1000 * 1000 * 1000 * 10)
/* Ollama's own default on cards below 23 GiB. */
#define CONTEXT_DEFAULT 4096

/* -- names ---------------------------------------------------------------------------------------
 */

/* A name taken apart: `llama3.1:70b-instruct-q4_K_M`, `meta-llama/Llama-3.1-8B-Instruct`. */
struct name {
    char lower[PLIMSOLL_ESTIMATE_NAME_SIZE];
    char family[PLIMSOLL_ESTIMATE_NAME_SIZE]; /* without hyphens */
    struct plimsoll_span size;                /* in `lower` */
    const struct plimsoll_quant *quant;
    bool published; /* ORGANISATION/NAME: weights as they were published, 16 bit */
};

/* `70b`, `0.5b`, `350m`, `8x7b` */
static bool is_size(struct plimsoll_span token)
{
    size_t digits = 0;
    for (size_t i = 0; i + 1 < token.size; i++) {
        char c = token.data[i];
        digits += isdigit((unsigned char)c) ? 1 : 0;
        if (!isdigit((unsigned char)c) && c != '.' && c != 'x') {
            return false;
        }
    }
    return digits > 0 && (token.data[token.size - 1] == 'b' || token.data[token.size - 1] == 'm');
}

/* What says how large a model of speech is. */
static bool is_word_size(struct plimsoll_span token)
{
    static const char *const words[] = {"tiny", "base", "small", "medium", "large", "turbo"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (plimsoll_span_is(token, words[i])) {
            return true;
        }
    }
    return false;
}

static bool is_noise(struct plimsoll_span token)
{
    static const char *const words[] = {"latest",  "instruct", "it",     "chat",  "hf",  "gguf",
                                        "text",    "meta",     "openai", "dev",   "v2",  "v3",
                                        "distill", "qwen",     "llama",  "coder", "mini"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (plimsoll_span_is(token, words[i])) {
            return true;
        }
    }
    return false;
}

static void take_token(struct name *name, struct plimsoll_span token)
{
    size_t taken = strlen(name->family);
    const struct plimsoll_quant *quant = plimsoll_quant_find(token);
    bool whisper = strstr(name->family, "whisper") != NULL;
    /* `Llama-3.1` begins with its family's name, `DeepSeek-R1-Distill-Llama` does not. */
    bool noise = taken > 0 && is_noise(token);
    if (quant != NULL) {
        name->quant = quant;
    } else if (name->size.size == 0 && token.size > 0 &&
               (is_size(token) || (whisper && is_word_size(token)))) {
        name->size = token;
    } else if (name->size.size == 0 && !noise && !plimsoll_span_is(token, "meta")) {
        memcpy(name->family + taken, token.data, token.size);
    }
}

static int take_apart(const char *model, struct name *name, struct plimsoll_error *err)
{
    const char *slash = strrchr(model, '/');
    const char *last = slash != NULL ? slash + 1 : model;
    *name = (struct name){.published = slash != NULL && strchr(last, ':') == NULL};
    size_t size = strlen(last);
    if (size == 0 || size >= sizeof name->lower) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "\"%s\": a model's name has 1 to %zu letters", model,
                                  sizeof name->lower - 1);
    }
    for (size_t i = 0; i < size; i++) {
        name->lower[i] = last[i] == ':' ? '-' : (char)tolower((unsigned char)last[i]);
    }
    struct plimsoll_span rest = plimsoll_span_of(name->lower), token;
    while (plimsoll_span_cut(&rest, '-', &token)) {
        take_token(name, token);
    }
    return 0;
}

/* `13b`, `0.5B`, `350m`, `13000000000` */
static int read_params(const char *text, uint64_t *params, struct plimsoll_error *err)
{
    char *end = NULL;
    double number = isdigit((unsigned char)text[0]) ? strtod(text, &end) : -1;
    double unit = 0;
    if (number > 0 && end == text + strspn(text, "0123456789.")) {
        int letter = tolower((unsigned char)end[0]);
        unit = letter == '\0'  ? 1
               : letter == 'm' ? 1e6
               : letter == 'b' ? 1e9
               : letter == 't' ? 1e12
                               : 0;
        unit = letter != '\0' && end[1] != '\0' ? 0 : unit;
    }
    if (!(number * unit >= 1 && number * unit <= (double)PARAMS_MAX)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "\"%s\" is no count of parameters; write it like 13b or 350m",
                                  text);
    }
    *params = (uint64_t)(number * unit);
    return 0;
}

/* -- what is known -------------------------------------------------------------------------------
 */

static void say(struct plimsoll_estimate *estimate, const char *sentence)
{
    if (estimate->unknown_count < PLIMSOLL_ESTIMATE_UNKNOWNS_MAX) {
        estimate->unknowns[estimate->unknown_count++] = sentence;
    }
}

static void use_model(const struct plimsoll_model *model, struct plimsoll_estimate *estimate)
{
    snprintf(estimate->model, sizeof estimate->model, "%s", model->name);
    estimate->params = UINT64_C(1000000) * model->params_m;
    estimate->layers = model->layers;
    estimate->kv_heads = model->kv_heads;
    estimate->head_dim = model->head_dim;
    if (model->attention == PLIMSOLL_ATTENTION_SLIDING) {
        say(estimate, "Some of its blocks keep a window of the context only, so the cache is an "
                      "upper bound.");
    }
}

static void use_seen(const struct plimsoll_seen_model *model, struct plimsoll_estimate *estimate)
{
    snprintf(estimate->model, sizeof estimate->model, "%s", model->name);
    estimate->seen = true;
    estimate->from = model->from_mib * MIB;
    estimate->to = model->to_mib * MIB;
    say(estimate, model->where);
    say(estimate, "Nothing here is computed: longer inputs, larger images, batches and further "
                  "models beside it come on top.");
}

static int use_quant(const struct plimsoll_estimate_request *request, const struct name *name,
                     const struct plimsoll_model *model, struct plimsoll_estimate *estimate,
                     struct plimsoll_error *err)
{
    const struct plimsoll_quant *quant = name->quant;
    if (request->quant != NULL) {
        char lower[PLIMSOLL_ESTIMATE_NAME_SIZE] = "";
        for (size_t i = 0; request->quant[i] != '\0' && i + 1 < sizeof lower; i++) {
            lower[i] = (char)tolower((unsigned char)request->quant[i]);
        }
        quant = plimsoll_quant_find(plimsoll_span_of(lower));
        if (quant == NULL) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--quant \"%s\": write one of %s",
                                      request->quant, plimsoll_quant_names());
        }
    }
    if (quant == NULL) {
        estimate->quant_assumed = true;
        const char *usual = model != NULL && model->quant != NULL ? model->quant
                            : name->published                     ? "bf16"
                                                                  : "q4_k_m";
        quant = plimsoll_quant_find(plimsoll_span_of(usual));
    }
    snprintf(estimate->quant, sizeof estimate->quant, "%s", quant->shown);
    estimate->bits_milli = quant->bits_milli;
    return 0;
}

/* -- the sum -------------------------------------------------------------------------------------
 */

static uint64_t times(uint64_t a, uint64_t b)
{
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* Beyond any memory there is, so that sums of it stay whole. */
static uint64_t limited(uint64_t bytes)
{
    return bytes < UINT64_C(1) << 50 ? bytes : UINT64_C(1) << 50;
}

static int compute_cache(const struct plimsoll_estimate_request *request,
                         struct plimsoll_estimate *estimate, struct plimsoll_error *err)
{
    const char *type = request->kv_type != NULL ? request->kv_type : "f16";
    uint32_t bytes = plimsoll_kv_type_find(plimsoll_span_of(type), &estimate->kv_type);
    if (bytes == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--kv-cache-type \"%s\": write f16, bf16, f32, q8_0, q4_0 or fp8",
                                  type);
    }
    estimate->cache_known =
        estimate->layers > 0 && estimate->kv_heads > 0 && estimate->head_dim > 0;
    if (!estimate->cache_known) {
        say(estimate, "The cache is not in it: give --layers, --kv-heads and --head-dim, which are "
                      "num_hidden_layers, num_key_value_heads and head_dim in its config.json.");
        return 0;
    }
    uint64_t numbers = times(times(2 * estimate->layers, estimate->kv_heads), estimate->head_dim);
    uint64_t tokens = times(estimate->context, estimate->parallel);
    estimate->cache = limited(times(times(numbers, tokens), bytes) / 10000);
    return 0;
}

static void add_up(struct plimsoll_estimate *estimate)
{
    if (!estimate->seen) {
        uint64_t sum = estimate->weights + estimate->cache;
        estimate->from = sum + sum / 20 + 300 * MIB;
        estimate->to = sum + sum / 10 + 600 * MIB;
        say(estimate,
            "Not in it: an image encoder, adapters, a draft model, and what a server "
            "reserves on purpose. vLLM takes its --gpu-memory-utilization of the whole "
            "card whatever the model: write that share, like plimsoll.dev/vram: \"92%\".");
        say(estimate,
            "Split over several cards, each takes its part and a CUDA context of its own.");
        say(estimate, "Ollama keeps several models loaded; add up those that are used together, or "
                      "set OLLAMA_MAX_LOADED_MODELS=1.");
    }
    estimate->ask = (estimate->to + GIB / 2 - 1) / (GIB / 2) * (GIB / 2);
}

static void override(const struct plimsoll_estimate_request *request,
                     struct plimsoll_estimate *estimate)
{
    estimate->layers = request->layers > 0 ? request->layers : estimate->layers;
    estimate->kv_heads = request->kv_heads > 0 ? request->kv_heads : estimate->kv_heads;
    estimate->head_dim = request->head_dim > 0 ? request->head_dim : estimate->head_dim;
    estimate->context_assumed = request->context == 0;
    estimate->context = request->context > 0 ? request->context : CONTEXT_DEFAULT;
    estimate->parallel = request->parallel > 0 ? request->parallel : 1;
}

/* What is written as a number goes before what the table or the name says. */
static int find_params(const struct plimsoll_estimate_request *request, const struct name *name,
                       struct plimsoll_estimate *estimate, struct plimsoll_error *err)
{
    if (request->params != NULL) {
        return read_params(request->params, &estimate->params, err);
    }
    if (estimate->params > 0) {
        return 0;
    }
    if (name->size.size == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND,
                                  "\"%s\" is not among the models known here; give --params 13b, "
                                  "and --layers, --kv-heads and --head-dim for its cache",
                                  request->model);
    }
    char size[PLIMSOLL_ESTIMATE_NAME_SIZE];
    snprintf(size, sizeof size, "%.*s", PLIMSOLL_SPAN_ARG(name->size));
    say(estimate, "The model is not among those known here; its size is what its name says.");
    return read_params(size, &estimate->params, err);
}

static int compute(const struct plimsoll_estimate_request *request, const struct name *name,
                   const struct plimsoll_model *model, struct plimsoll_estimate *estimate,
                   struct plimsoll_error *err)
{
    if (model != NULL) {
        use_model(model, estimate);
    }
    if (find_params(request, name, estimate, err) < 0) {
        return -1;
    }
    override(request, estimate);
    if (use_quant(request, name, model, estimate, err) < 0 ||
        compute_cache(request, estimate, err) < 0) {
        return -1;
    }
    estimate->weights = limited(times(estimate->params, estimate->bits_milli) / 8000);
    return 0;
}

int plimsoll_estimate_make(const struct plimsoll_estimate_request *request,
                           struct plimsoll_estimate *estimate, struct plimsoll_error *err)
{
    struct name name = {.published = false};
    struct plimsoll_estimate made = {0};
    if (request->model != NULL && take_apart(request->model, &name, err) < 0) {
        return -1;
    }
    struct plimsoll_span family = plimsoll_span_of(name.family);
    const struct plimsoll_model *model = plimsoll_model_find(family, name.size);
    const struct plimsoll_seen_model *seen = plimsoll_seen_model_find(family, name.size);
    if (model == NULL && seen != NULL && request->params == NULL) {
        use_seen(seen, &made);
    } else if (compute(request, &name, model, &made, err) < 0) {
        return -1;
    }
    add_up(&made);
    *estimate = made;
    return 0;
}
