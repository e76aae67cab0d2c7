/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <plimsoll/quantity.h>

#include <getopt.h>
#include <string.h>

#define INTERVAL_MS_MIN 200
/* Two looks at least in the half minute after which the agent is unready. */
#define INTERVAL_MS_MAX 15000

/* How a flag's value is read; each takes the flag's name for its sentence. */
typedef int value_fn(const char *name, const char *value, struct plimsoll_agent_options *options,
                     struct plimsoll_error *err);

static value_fn take_node, take_kubeconfig, take_reader, take_root, take_kubelet_root, take_nvml,
    take_resource, take_metrics_listen, take_interval, take_reserve, take_attribution, take_output,
    take_log_level, take_log_format, take_once, take_watch, take_help, take_version;

static const struct {
    const char *name, *argument; /* NULL: none */
    value_fn *take;
    const char *help;
} rows[] = {
    {"node", "NAME", take_node, "the node to publish on"},
    {"kubeconfig", "FILE", take_kubeconfig,
     "how to reach the cluster (default: in-cluster credentials)"},
    {"reader", "auto|nvidia|amd|intel|fake:FILE", take_reader,
     "whose cards (default auto: all vendors')"},
    {"root", "DIR", take_root, "where /sys, /proc and /dev of the host are (default: here)"},
    {"kubelet-root", "DIR", take_kubelet_root, "default /var/lib/kubelet"},
    {"nvml", "FILE", take_nvml, "libnvidia-ml.so.1 (default: as the loader finds it)"},
    {"resource", "nvidia|amd|intel=NAME", take_resource,
     "a renamed resource of a device plugin; may be given several times"},
    {"metrics-listen", "ADDR:PORT", take_metrics_listen,
     "plain HTTP: /metrics /livez /readyz /healthz"},
    {"interval", "TIME", take_interval, "between two looks, like 2s or 500ms (default 2s)"},
    {"reserve", "BYTES", take_reserve,
     "of a card; losses below a quarter of it wait (default 512Mi)"},
    {"attribution", "true|false", take_attribution,
     "find the pods of processes; false without hostPID (default true)"},
    {"once", NULL, take_once, "print what is seen, publish nothing, and end"},
    {"watch", NULL, take_watch, "keep printing what is seen, publish nothing"},
    {"output", "table|json", take_output, "of --once and --watch; also -o (default table)"},
    {"log-format", "json|text", take_log_format, "default json"},
    {"log-level", "debug|info|warn|error", take_log_level, "default info"},
    {"version", NULL, take_version, "print the version"},
    {"help", NULL, take_help, "print this"},
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

static int refuse(const char *name, const char *value, const char *right,
                  struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--%s \"%s\": write %s", name, value,
                              right);
}

#define TAKE(flag)                                                                                 \
    static int take_##flag(const char *name, const char *value,                                    \
                           struct plimsoll_agent_options *options, struct plimsoll_error *err)

/* A value that is used as it stands. */
#define TAKE_STRING(field)                                                                         \
    TAKE(field)                                                                                    \
    {                                                                                              \
        (void)name, (void)err;                                                                     \
        options->field = value;                                                                    \
        return 0;                                                                                  \
    }
TAKE_STRING(kubeconfig)
TAKE_STRING(root)
TAKE_STRING(kubelet_root)
TAKE_STRING(nvml)
TAKE_STRING(metrics_listen)

#define TAKE_SWITCH(field)                                                                         \
    TAKE(field)                                                                                    \
    {                                                                                              \
        (void)name, (void)value, (void)err;                                                        \
        options->field = true;                                                                     \
        return 0;                                                                                  \
    }
TAKE_SWITCH(once)
TAKE_SWITCH(watch)
TAKE_SWITCH(help)
TAKE_SWITCH(version)

TAKE(node)
{
    if (value[0] == '\0' || strlen(value) > PLIMSOLL_NAME_BYTES_MAX) {
        return refuse(name, value, "the name of a node", err);
    }
    options->node = value;
    return 0;
}

TAKE(reader)
{
    static const char *const vendors[] = {"auto", "nvidia", "amd", "intel"};
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        if (strcmp(value, vendors[i]) == 0) {
            options->reader = value;
            return 0;
        }
    }
    if (strncmp(value, "fake:", 5) != 0 || value[5] == '\0') {
        return refuse(name, value, "one of auto, nvidia, amd, intel, fake:FILE", err);
    }
    options->reader = value;
    return 0;
}

TAKE(resource)
{
    static const char *const vendors[] = {"nvidia=", "amd=", "intel="};
    for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
        const char *resource = value + strlen(vendors[i]);
        if (strncmp(value, vendors[i], strlen(vendors[i])) != 0 || resource[0] == '\0') {
            continue;
        }
        if (options->resource_count == PLIMSOLL_AGENT_RESOURCES_MAX) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--%s: more than %d", name,
                                      PLIMSOLL_AGENT_RESOURCES_MAX);
        }
        options->resources[options->resource_count++] = (struct plimsoll_resource){
            .name = resource,
            .vendor = (enum plimsoll_vendor)(PLIMSOLL_VENDOR_NVIDIA + i),
            .mig = strncmp(resource, "nvidia.com/mig-", 15) == 0,
        };
        return 0;
    }
    return refuse(name, value, "it like nvidia=example.com/gpu", err);
}

TAKE(interval)
{
    char *end = NULL;
    long number = strtol(value, &end, 10);
    bool whole = value[0] >= '0' && value[0] <= '9' && number <= INTERVAL_MS_MAX;
    int64_t ms = strcmp(end, "ms") == 0                    ? number
                 : strcmp(end, "s") == 0 || end[0] == '\0' ? (int64_t)number * 1000
                                                           : -1;
    if (!whole || ms < INTERVAL_MS_MIN || ms > INTERVAL_MS_MAX) {
        return refuse(name, value, "a time from 200ms to 15s", err);
    }
    options->interval_ms = ms;
    return 0;
}

TAKE(reserve)
{
    if (plimsoll_quantity_parse(plimsoll_span_of(value), &options->reserve, err) != 0) {
        return plimsoll_error_wrap(err, "--%s", name);
    }
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

TAKE(attribution)
{
    int word = word_of(value, "false|true");
    if (word < 0) {
        return refuse(name, value, "true or false", err);
    }
    options->attribution = word == 1;
    return 0;
}

TAKE(output)
{
    int word = word_of(value, "table|json");
    if (word < 0) {
        return refuse(name, value, "table or json", err);
    }
    options->json = word == 1;
    return 0;
}

TAKE(log_format)
{
    int word = word_of(value, "text|json");
    if (word < 0) {
        return refuse(name, value, "json or text", err);
    }
    options->log_json = word == 1;
    return 0;
}

TAKE(log_level)
{
    int word = word_of(value, "debug|info|warn|error");
    if (word < 0) {
        return refuse(name, value, "one of debug, info, warn, error", err);
    }
    options->log_level = (enum plimsoll_log_level)word;
    options->log_level_given = true;
    return 0;
}

static int check_together(const struct plimsoll_agent_options *options, struct plimsoll_error *err)
{
    bool prints = options->once || options->watch;
    if (options->help || options->version) {
        return 0;
    }
    if (options->once && options->watch) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--once ends and --watch does not; give one");
    }
    if (!prints && options->node == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--node is missing: the node to publish on; --once prints what "
                                  "is seen without publishing it");
    }
    if (prints && options->metrics_listen != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--metrics-listen is for an agent that publishes, not for --once "
                                  "or --watch");
    }
    return 0;
}

static void add_usual_resources(struct plimsoll_agent_options *options)
{
    static const struct plimsoll_resource usual[] = {
        {"nvidia.com/gpu", PLIMSOLL_VENDOR_NVIDIA, false},
        {"nvidia.com/gpu.shared", PLIMSOLL_VENDOR_NVIDIA, false},
        {"nvidia.com/mig-*", PLIMSOLL_VENDOR_NVIDIA, true},
        {"amd.com/gpu", PLIMSOLL_VENDOR_AMD, false},
        {"gpu.intel.com/*", PLIMSOLL_VENDOR_INTEL, false},
    };
    memcpy(options->resources, usual, sizeof usual);
    options->resource_count = sizeof usual / sizeof usual[0];
}

int plimsoll_agent_options_read(int argc, char **argv, struct plimsoll_agent_options *options,
                                struct plimsoll_error *err)
{
    struct option flags[ROW_COUNT + 1] = {0};
    struct plimsoll_agent_options read = {.reader = "auto",
                                          .root = "",
                                          .kubelet_root = "/var/lib/kubelet",
                                          .interval_ms = 2000,
                                          .reserve = UINT64_C(512) << 20,
                                          .attribution = true,
                                          .log_level = PLIMSOLL_LOG_INFO,
                                          .log_json = true};
    add_usual_resources(&read);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        flags[i] = (struct option){rows[i].name,
                                   rows[i].argument != NULL ? required_argument : no_argument, NULL,
                                   1000 + (int)i};
    }
    opterr = 0;
    for (int flag; (flag = getopt_long(argc, argv, "o:", flags, NULL)) != -1;) {
        if (flag == 'o'    ? take_output("output", optarg, &read, err) != 0
            : flag >= 1000 ? rows[flag - 1000].take(rows[flag - 1000].name, optarg, &read, err) != 0
                           : plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                                "%s: no such flag, or its value is missing",
                                                argv[optind - 1]) != 0) {
            return -1;
        }
    }
    if (optind < argc) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: plimsoll-agent takes flags only",
                                  argv[optind]);
    }
    if (check_together(&read, err) != 0) {
        return -1;
    }
    /* A table that somebody looks at is no place for a log. */
    if ((read.once || read.watch) && !read.log_level_given) {
        read.log_level = PLIMSOLL_LOG_ERROR;
    }
    *options = read;
    return 0;
}

void plimsoll_agent_options_help(FILE *out)
{
    (void)fputs("usage: plimsoll-agent --node NAME [FLAG]...\n"
                "       plimsoll-agent --once | --watch [-o table|json] [FLAG]...\n\n",
                out);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char flag[64];
        snprintf(flag, sizeof flag, "%s %s", rows[i].name,
                 rows[i].argument != NULL ? rows[i].argument : "");
        fprintf(out, "  --%-40s %s\n", flag, rows[i].help);
    }
}
