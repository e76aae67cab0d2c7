/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <plimsoll/limits.h>
#include <plimsoll/quantity.h>

#include <getopt.h>
#include <string.h>

#define TOP     PLIMSOLL_SUBCOMMAND_TOP
#define EXPLAIN PLIMSOLL_SUBCOMMAND_EXPLAIN
#define FIT     PLIMSOLL_SUBCOMMAND_FIT
#define VRAM    PLIMSOLL_SUBCOMMAND_VRAM
#define DOCTOR  PLIMSOLL_SUBCOMMAND_DOCTOR
#define PAGE    PLIMSOLL_SUBCOMMAND_PAGE
#define CLUSTER (TOP | EXPLAIN | FIT | DOCTOR)

/* Models have thousands of layers and heads at most, and contexts of millions of tokens. */
#define NUMBER_MAX 100000000ULL

struct row;

/* How a flag's value is read. */
typedef int value_fn(const struct row *row, const char *value,
                     struct plimsoll_plugin_options *options, struct plimsoll_error *err);

static value_fn pass_on, take_string, take_number, take_switch, take_output, take_by, take_gpus,
    take_port;

struct row {
    const char *name;
    const char *argument; /* NULL: none */
    char letter;          /* 0: none */
    unsigned subcommands;
    value_fn *take;
    size_t offset; /* of the field, where `take` needs to know */
    const char *help;
};

#define FIELD(field) offsetof(struct plimsoll_plugin_options, field)

static const struct row rows[] = {
    {"vram", "QUANTITY", 0, FIT, take_string, FIELD(vram),
     "on each card: 12Gi, or a share of it, 50%"},
    {"gpus", "N", 0, FIT, take_gpus, 0, "cards of a pod (default 1)"},
    {"resource", "NAME|none", 0, FIT, take_string, FIELD(resource),
     "whose cards (default nvidia.com/gpu; none: VRAM only)"},
    {"filename", "FILE", 'f', FIT, take_string, FIELD(file),
     "the pod, or what makes pods of it; - is standard input"},
    {"by", "node|namespace", 0, TOP, take_by, 0, "what to put together (default node)"},
    {"params", "N", 0, VRAM, take_string, FIELD(params), "parameters of the model: 13b, 350m"},
    {"quant", "NAME", 0, VRAM, take_string, FIELD(quant),
     "how the weights are kept: q4_k_m, q8_0, f16, fp8, awq ..."},
    {"layers", "N", 0, VRAM, take_number, FIELD(layers), "transformer blocks"},
    {"kv-heads", "N", 0, VRAM, take_number, FIELD(kv_heads), "key and value heads of a block"},
    {"head-dim", "N", 0, VRAM, take_number, FIELD(head_dim), "numbers of a head"},
    {"context", "TOKENS", 0, VRAM, take_number, FIELD(context), "tokens of a sequence"},
    {"parallel", "N", 0, VRAM, take_number, FIELD(parallel), "sequences at once (default 1)"},
    {"kv-cache-type", "NAME", 0, VRAM, take_string, FIELD(kv_type),
     "how the cache is kept: f16 (default), q8_0, q4_0, fp8"},
    {"namespace", "NAME", 'n', TOP | EXPLAIN | FIT, take_string, FIELD(namespace_), "whose pods"},
    {"namespace", "NAME", 'n', DOCTOR, take_string, FIELD(namespace_),
     "where the trial pod would be (default default)"},
    {"namespace", "NAME", 'n', PAGE, take_string, FIELD(namespace_), "where Plimsoll is installed"},
    {"port", "PORT", 0, PAGE, take_port, 0, "of this machine (default a free one)"},
    {"no-browser", NULL, 0, PAGE, take_switch, FIELD(no_browser), "only print the address"},
    {"all-namespaces", NULL, 'A', TOP, take_switch, FIELD(all_namespaces), "everybody's pods"},
    {"output", "table|wide|json|yaml", 'o', CLUSTER | VRAM, take_output, 0, "default table"},
    {"watch", NULL, 'w', TOP | EXPLAIN, take_switch, FIELD(watch), "again every two seconds"},
    {"kubeconfig", "FILE", 0, CLUSTER | PAGE, pass_on, 0, "goes on to kubectl, like the next ones"},
    {"context", "NAME", 0, CLUSTER | PAGE, pass_on, 0, "of the kubeconfig"},
    {"cluster", "NAME", 0, CLUSTER | PAGE, pass_on, 0, "of the kubeconfig"},
    {"user", "NAME", 0, CLUSTER | PAGE, pass_on, 0, "of the kubeconfig"},
    {"as", "NAME", 0, CLUSTER | PAGE, pass_on, 0, "whom to act as"},
    {"as-group", "NAME", 0, CLUSTER | PAGE, pass_on, 0, "whose group to act in"},
    {"server", "URL", 's', CLUSTER | PAGE, pass_on, 0, "of the API"},
    {"token", "TOKEN", 0, CLUSTER | PAGE, pass_on, 0, "for the API server"},
    {"request-timeout", "TIME", 0, CLUSTER | PAGE, pass_on, 0, "of one request, like 30s"},
    {"help", NULL, 'h', CLUSTER | VRAM | PAGE, take_switch, FIELD(help), "print this"},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static int refuse(const struct row *row, const char *value, const char *right,
                  struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--%s \"%s\": write %s", row->name, value,
                              right);
}

/* The field at the row's offset. */
static void *field_of(const struct row *row, struct plimsoll_plugin_options *options)
{
    return (char *)options + row->offset;
}

static int take_string(const struct row *row, const char *value,
                       struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    if (value[0] == '\0') {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--%s is empty; write %s", row->name,
                                  row->argument);
    }
    memcpy(field_of(row, options), &value, sizeof value);
    return 0;
}

static int take_switch(const struct row *row, const char *value,
                       struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    (void)value, (void)err;
    memcpy(field_of(row, options), &(bool){true}, sizeof(bool));
    return 0;
}

static int take_number(const struct row *row, const char *value,
                       struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    unsigned long long number;
    if (!plimsoll_span_decimal(plimsoll_span_of(value), &number) || number == 0 ||
        number > NUMBER_MAX) {
        return refuse(row, value, "a whole number from 1 to 100000000", err);
    }
    memcpy(field_of(row, options), &(uint64_t){number}, sizeof(uint64_t));
    return 0;
}

static int take_gpus(const struct row *row, const char *value,
                     struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    unsigned long long number;
    if (!plimsoll_span_decimal(plimsoll_span_of(value), &number) || number == 0 ||
        number > PLIMSOLL_CARDS_MAX) {
        return refuse(row, value, "a whole number from 1 to 64", err);
    }
    options->gpus = (uint32_t)number;
    return 0;
}

static int take_port(const struct row *row, const char *value,
                     struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    unsigned long long number;
    if (!plimsoll_span_decimal(plimsoll_span_of(value), &number) || number == 0 ||
        number > UINT16_MAX) {
        return refuse(row, value, "a port from 1 to 65535", err);
    }
    options->port = number;
    return 0;
}

/* One of the words of `list`, separated by `|`. @return its place, -1 when it is none */
static int word_of(const char *value, const char *list)
{
    struct plimsoll_span rest = plimsoll_span_of(list), word;
    for (int i = 0; plimsoll_span_cut(&rest, '|', &word); i++) {
        if (plimsoll_span_is(word, value)) {
            return i;
        }
    }
    return -1;
}

static int take_output(const struct row *row, const char *value,
                       struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    int word = word_of(value, row->argument);
    if (word < 0) {
        return refuse(row, value, "one of table, wide, json, yaml", err);
    }
    options->output = (enum plimsoll_output)word;
    return 0;
}

static int take_by(const struct row *row, const char *value,
                   struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    int word = word_of(value, row->argument);
    if (word < 0) {
        return refuse(row, value, "node or namespace", err);
    }
    options->by_namespace = word == 1;
    return 0;
}

/* `--name=value` */
static int pass_on(const struct row *row, const char *value,
                   struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    struct plimsoll_kubectl *kubectl = &options->kubectl;
    if (kubectl->flag_count == PLIMSOLL_KUBECTL_FLAGS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--%s: more than %d flags for kubectl",
                                  row->name, PLIMSOLL_KUBECTL_FLAGS_MAX);
    }
    struct plimsoll_text flag = plimsoll_text_make(strlen(value) + 64);
    plimsoll_text_add_format(&flag, "--%s=%s", row->name, value);
    kubectl->flags[kubectl->flag_count++] = flag.data;
    return 0;
}

static int check_together(const struct plimsoll_plugin_options *options,
                          enum plimsoll_subcommand subcommand, struct plimsoll_error *err)
{
    if (options->help) {
        return 0;
    }
    if (options->namespace_ != NULL && options->all_namespaces) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "-n names one namespace and -A all of them; give one");
    }
    if (options->watch && options->output >= PLIMSOLL_OUTPUT_JSON) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "-w is for people; -o json and -o yaml print one object");
    }
    if (subcommand == EXPLAIN && options->argument == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "which pod? kubectl plimsoll explain POD [-n NAMESPACE]");
    }
    if (subcommand == FIT && options->vram == NULL && options->file == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "what is to fit? --vram 12Gi, or -f pod.yaml");
    }
    if (subcommand == FIT && options->file != NULL &&
        (options->vram != NULL || options->gpus > 0 || options->resource != NULL)) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "-f says what the pod asks for; leave --vram, --gpus and --resource out");
    }
    if (subcommand == VRAM && options->argument == NULL && options->params == NULL) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "which model? kubectl plimsoll vram llama3.1:8b, or --params 13b");
    }
    return 0;
}

static int take_argument(int argc, char **argv, enum plimsoll_subcommand subcommand,
                         struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    size_t takes = subcommand == EXPLAIN || subcommand == VRAM ? 1 : 0;
    if (optind < argc && takes == 1) {
        options->argument = argv[optind++];
    }
    if (optind < argc) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: %s takes %s", argv[optind],
                                  argv[0], takes == 1 ? "one argument" : "flags only");
    }
    return 0;
}

/* What getopt wants to know of the flags of a subcommand; `long_flags` has ROW_COUNT + 1. */
static void list_flags(enum plimsoll_subcommand subcommand, struct option *long_flags,
                       char letters[2 * ROW_COUNT + 2])
{
    size_t count = 0;
    *letters++ = ':';
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].subcommands & subcommand) == 0) {
            continue;
        }
        bool valued = rows[i].argument != NULL;
        long_flags[count++] = (struct option){
            rows[i].name, valued ? required_argument : no_argument, NULL, 1000 + (int)i};
        if (rows[i].letter != 0) {
            *letters++ = rows[i].letter;
            *letters = ':';
            letters += valued ? 1 : 0;
        }
    }
    *letters = '\0';
}

static const struct row *row_of(int flag, enum plimsoll_subcommand subcommand)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].subcommands & subcommand) != 0 &&
            (flag == 1000 + (int)i || (rows[i].letter != 0 && rows[i].letter == flag))) {
            return &rows[i];
        }
    }
    return NULL;
}

static int read_all(int argc, char **argv, enum plimsoll_subcommand subcommand,
                    struct plimsoll_plugin_options *options, struct plimsoll_error *err)
{
    struct option long_flags[ROW_COUNT + 1] = {0};
    char letters[2 * ROW_COUNT + 2];
    list_flags(subcommand, long_flags, letters);
    opterr = 0;
    for (int flag; (flag = getopt_long(argc, argv, letters, long_flags, NULL)) != -1;) {
        const struct row *row = row_of(flag, subcommand);
        if (row == NULL) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: %s", argv[optind - 1],
                                      flag == ':' ? "its value is missing"
                                                  : "no such flag; --help lists them");
        }
        if (row->take(row, optarg, options, err) < 0) {
            return -1;
        }
    }
    if (take_argument(argc, argv, subcommand, options, err) < 0) {
        return -1;
    }
    return check_together(options, subcommand, err);
}

int plimsoll_plugin_options_read(int argc, char **argv, enum plimsoll_subcommand subcommand,
                                 struct plimsoll_plugin_options *options,
                                 struct plimsoll_error *err)
{
    struct plimsoll_plugin_options read = {0};
    if (read_all(argc, argv, subcommand, &read, err) < 0) {
        plimsoll_plugin_options_clear(&read);
        return -1;
    }
    *options = read;
    return 0;
}

void plimsoll_plugin_options_clear(struct plimsoll_plugin_options *options)
{
    for (size_t i = 0; i < options->kubectl.flag_count; i++) {
        free(options->kubectl.flags[i]);
    }
    options->kubectl.flag_count = 0;
}

void plimsoll_plugin_options_help(enum plimsoll_subcommand subcommand, FILE *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].subcommands & subcommand) == 0) {
            continue;
        }
        char letter[8] = "    ", flag[64];
        if (rows[i].letter != 0) {
            snprintf(letter, sizeof letter, "-%c, ", rows[i].letter);
        }
        snprintf(flag, sizeof flag, "%s %s", rows[i].name,
                 rows[i].argument != NULL ? rows[i].argument : "");
        fprintf(out, "  %s--%-28s %s\n", letter, flag, rows[i].help);
    }
}
