/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of `plimsoll scheduler-config`, and what is live in the cluster where no flag says it;
 * what they come to is in recipe.c.
 */
#include "command.h"

#include "live.h"
#include "recipe.h"

#include <plimsoll/kube.h>
#include <plimsoll/limits.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define RECIPE_BYTES_MAX (1u * 1024 * 1024)
#define PEM_BYTES_MAX    PLIMSOLL_LIVE_PEM_BYTES_MAX

static const char help[] =
    "usage: plimsoll scheduler-config --for second|kubeadm|k3s|rke2|talos [FLAG]...\n"
    "\n"
    "Prints the configuration of a kube-scheduler that asks Plimsoll, with what to do with it: of\n"
    "a second scheduler beside the server, or of the cluster's own.\n"
    "\n"
    "  --for WHICH            second, or the distribution whose own scheduler it is\n"
    "  --kubeconfig FILE      ask the cluster for what no flag below says: address and CA of the\n"
    "                         server, its configuration, the version. In a pod of the cluster it\n"
    "                         is asked without this flag where something is missing\n"
    "  --name NAME            how the installation is called (default plimsoll)\n"
    "  --address HOST:PORT    where the server listens (second: default 127.0.0.1:10262; "
    "otherwise\n"
    "                         the cluster IP and port of its Service)\n"
    "  --config FILE          the server's configuration, for the resources it names\n"
    "\n"
    "of a second scheduler:\n"
    "  --scheduler-name NAME  that pods carry (default plimsoll-scheduler)\n"
    "  --namespace NAME       of its Lease (default plimsoll-system)\n"
    "\n"
    "of the cluster's own:\n"
    "  --server-name NAME     in the server's certificate (default plimsoll.plimsoll-system.svc)\n"
    "  --ca FILE              the CA of that certificate (PEM)\n"
    "  --client-cert FILE     a client certificate that the server's --client-ca signed (PEM):\n"
    "                         `plimsoll certs --out DIR --client kube-scheduler` makes one\n"
    "  --client-key FILE      its key (PEM)\n";

/* The command line as it is. */
struct flags {
    const char *recipe, *kubeconfig, *name, *address, *config, *scheduler_name, *namespace_;
    const char *server_name, *ca, *client_cert, *client_key;
};

/* One row per flag. */
static const struct {
    const char *name;
    size_t field;
} rows[] = {
#define ROW(name, field)                                                                           \
    {                                                                                              \
        name, offsetof(struct flags, field)                                                        \
    }
    ROW("for", recipe),
    ROW("kubeconfig", kubeconfig),
    ROW("name", name),
    ROW("address", address),
    ROW("config", config),
    ROW("scheduler-name", scheduler_name),
    ROW("namespace", namespace_),
    ROW("server-name", server_name),
    ROW("ca", ca),
    ROW("client-cert", client_cert),
    ROW("client-key", client_key),
#undef ROW
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const char **field_of(struct flags *flags, size_t row)
{
    return (const char **)(void *)((char *)flags + rows[row].field);
}

/* @return 1 when only the help was wanted. */
static int read_flags(int argc, char **argv, struct flags *flags, struct plimsoll_error *err)
{
    struct option options[ROW_COUNT + 2];
    size_t count = 0;
    for (; count < ROW_COUNT; count++) {
        options[count] = (struct option){rows[count].name, required_argument, NULL, (int)count};
    }
    options[count++] = (struct option){"help", no_argument, NULL, 'h'};
    options[count] = (struct option){NULL, 0, NULL, 0};
    opterr = 0;
    for (int flag; (flag = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (flag == 'h') {
            return 1;
        }
        if (flag < 0 || flag >= (int)ROW_COUNT) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "%s: no such flag, or its value is missing",
                                      argv[optind - 1]);
        }
        *field_of(flags, (size_t)flag) = optarg;
    }
    if (optind < argc) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: takes flags only", argv[optind]);
    }
    return 0;
}

static int refuse(struct plimsoll_error *err, const char *sentence)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s", sentence);
}

static int check_second_flags(const struct flags *flags, struct plimsoll_error *err)
{
    bool certificates =
        flags->ca != NULL || flags->client_cert != NULL || flags->client_key != NULL;
    return certificates || flags->server_name != NULL
               ? refuse(err, "--server-name, --ca, --client-cert and --client-key are for the "
                             "cluster's own scheduler: the second one asks on loopback")
               : 0;
}

/* @param asks  The cluster says what is missing. */
static int check_own_flags(const struct flags *flags, bool asks, struct plimsoll_error *err)
{
    if (flags->scheduler_name != NULL || flags->namespace_ != NULL) {
        return refuse(err, "--scheduler-name and --namespace are for a second scheduler");
    }
    if (flags->address == NULL && !asks) {
        return refuse(err, "--address is missing: the cluster IP and port of the server's Service, "
                           "like 10.96.0.50:443; with --kubeconfig the cluster is asked");
    }
    if ((flags->ca == NULL && !asks) || flags->client_cert == NULL || flags->client_key == NULL) {
        return refuse(err,
                      asks ? "--client-cert and --client-key are needed: the server binds for "
                             "nobody it does not know"
                           : "--ca, --client-cert and --client-key are needed: the scheduler must "
                             "know the server, and the server binds for nobody it does not know");
    }
    return 0;
}

/* A PEM file that has a block of that kind. */
static int read_pem(const char *path, const char *block, struct plimsoll_text *out,
                    struct plimsoll_error *err)
{
    plimsoll_autofclose FILE *file = fopen(path, "re");
    if (file == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    }
    plimsoll_text_reserve(out, PEM_BYTES_MAX);
    char chunk[4096];
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;) {
        plimsoll_text_add(out, chunk, size);
    }
    if (ferror(file) || out->overflowed || out->size == 0 || strstr(out->data, block) == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: no file in PEM form with a %s",
                                  path, block);
    }
    return 0;
}

/* What goes into the text as it stands must be one word of YAML. */
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

static int check_words(const struct plimsoll_recipe_values *values, struct plimsoll_error *err)
{
    const char *const words[] = {values->scheduler_name, values->namespace_, values->server_name};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *word = words[i];
        if (*word == '\0' || word[strspn(word, WORD)] != '\0') {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "\"%.64s\" is no name; letters, digits, - and . make one",
                                      word);
        }
    }
    return 0;
}

static bool is_address(const char *address)
{
    const char *colon = strrchr(address, ':');
    unsigned long long port;
    if (colon == NULL || colon == address || address[strspn(address, WORD ":[]")] != '\0' ||
        !plimsoll_span_decimal(plimsoll_span_of(colon + 1), &port) || port == 0 || port > 65535) {
        return false;
    }
    bool bracketed = address[0] == '[' && colon[-1] == ']';
    return bracketed || strcspn(address, ":[]") == (size_t)(colon - address);
}

static int check_address(const char *address, struct plimsoll_error *err)
{
    if (!is_address(address)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--address \"%.64s\" must be HOST:PORT, like 10.96.0.50:443 or "
                                  "[fd00::50]:443",
                                  address);
    }
    return 0;
}

/* -- putting it together -------------------------------------------------------------------------
 */

/* The scheduler whose name the webhook writes; NULL: pods keep theirs. */
static const char *scheduler_of(const struct plimsoll_config *config)
{
    for (size_t i = 0; i < config->profile_count; i++) {
        const char *name = config->profiles[i].scheduler_name;
        if (name != NULL && name[0] != '\0') {
            return name;
        }
    }
    return NULL;
}

/* The first that is there and not empty. */
static const char *choose(const char *flag, const char *live, const char *shipped)
{
    if (flag != NULL) {
        return flag;
    }
    return live != NULL && live[0] != '\0' ? live : shipped;
}

/* What would keep the cluster's own scheduler from asking, or the server from answering. */
static void warn(const struct plimsoll_live *live, const struct plimsoll_config *config)
{
    const char *scheduler = scheduler_of(config);
    if (live->deployed && !live->has_client_ca) {
        (void)fputs("plimsoll scheduler-config: the server has no --client-ca yet, so it binds for "
                    "nobody over HTTPS: extender.clientCA of the chart\n",
                    stderr);
    }
    if (scheduler != NULL) {
        fprintf(stderr,
                "plimsoll scheduler-config: GPU pods still get schedulerName %s: "
                "kubeScheduler.enabled=false of the chart leaves them theirs\n",
                scheduler);
    }
    if (!config->marker_limit) {
        (void)fputs(
            "plimsoll scheduler-config: markerLimit is false: a GPU pod that asks for none of "
            "managedResources is placed without Plimsoll\n",
            stderr);
    }
}

/* A file that a flag names, else what is live. */
static int pem_of(const char *path, const char *block, const struct plimsoll_text *live,
                  struct plimsoll_text *out, struct plimsoll_error *err)
{
    if (path != NULL) {
        return read_pem(path, block, out, err);
    }
    plimsoll_text_add_span(out, plimsoll_text_span(live));
    return 0;
}

static int print(const struct flags *flags, enum plimsoll_recipe which,
                 const struct plimsoll_live *live, const struct plimsoll_config *config,
                 struct plimsoll_error *err)
{
    bool second = which == PLIMSOLL_RECIPE_SECOND;
    plimsoll_autotext ca = plimsoll_text_make(PEM_BYTES_MAX);
    plimsoll_autotext cert = plimsoll_text_make(PEM_BYTES_MAX);
    plimsoll_autotext key = plimsoll_text_make(PEM_BYTES_MAX);
    struct plimsoll_recipe_values values = {
        .address =
            choose(flags->address, second ? live->extender : live->address, "127.0.0.1:10262"),
        .scheduler_name = choose(flags->scheduler_name, scheduler_of(config), "plimsoll-scheduler"),
        .namespace_ = choose(flags->namespace_, live->namespace_, "plimsoll-system"),
        .server_name =
            choose(flags->server_name, live->server_name, "plimsoll.plimsoll-system.svc"),
        .resources = &config->reading.resources,
        .node_capacity = config->node_capacity,
        .kubernetes = live->version,
        .kubernetes_minor = live->minor};
    if (check_words(&values, err) != 0 || check_address(values.address, err) != 0 ||
        (!second && (pem_of(flags->ca, "CERTIFICATE-----", &live->ca, &ca, err) != 0 ||
                     read_pem(flags->client_cert, "CERTIFICATE-----", &cert, err) != 0 ||
                     read_pem(flags->client_key, "PRIVATE KEY-----", &key, err) != 0))) {
        return -1;
    }
    values.ca = plimsoll_text_span(&ca);
    values.client_cert = plimsoll_text_span(&cert);
    values.client_key = plimsoll_text_span(&key);
    plimsoll_autotext recipe = plimsoll_text_make(RECIPE_BYTES_MAX);
    plimsoll_recipe_write(which, &values, &recipe);
    if (recipe.overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "the files are too large");
    }
    (void)fwrite(recipe.data, 1, recipe.size, stdout);
    return 0;
}

/* @param live  Empty where the cluster is not asked. */
static int write_out(const struct flags *flags, enum plimsoll_recipe which,
                     const struct plimsoll_live *live, bool asked, struct plimsoll_error *err)
{
    struct plimsoll_config *own = NULL;
    const struct plimsoll_config *config = live->config;
    if (flags->config != NULL) {
        if (plimsoll_config_load(flags->config, &own, err) != 0) {
            return -1;
        }
        config = own;
    } else if (live->config == NULL) {
        config = own = plimsoll_config_default();
    }
    int result = print(flags, which, live, config, err);
    if (result == 0 && asked && which != PLIMSOLL_RECIPE_SECOND) {
        warn(live, config);
    }
    plimsoll_config_free(&own);
    return result;
}

/* Whether the cluster is asked. In one's own cluster nobody is bothered who brought everything. */
static bool asks(const struct flags *flags, enum plimsoll_recipe which)
{
    return flags->kubeconfig != NULL ||
           (which != PLIMSOLL_RECIPE_SECOND && (flags->address == NULL || flags->ca == NULL) &&
            plimsoll_kube_in_cluster());
}

static int write_recipe(const struct flags *flags, enum plimsoll_recipe which,
                        struct plimsoll_error *err)
{
    bool second = which == PLIMSOLL_RECIPE_SECOND, asked = asks(flags, which);
    if ((second ? check_second_flags(flags, err) : check_own_flags(flags, asked, err)) != 0) {
        return -1;
    }
    plimsoll_autofree struct plimsoll_live *live = plimsoll_alloc(1, sizeof *live);
    const struct plimsoll_live_question question = {.kubeconfig = flags->kubeconfig,
                                                    .name = flags->name != NULL ? flags->name
                                                                                : "plimsoll",
                                                    .address = !second && flags->address == NULL,
                                                    .ca = !second && flags->ca == NULL,
                                                    .config = flags->config == NULL};
    if (asked && plimsoll_live_read(&question, live, err) != 0) {
        return -1;
    }
    int result = write_out(flags, which, live, asked, err);
    plimsoll_live_clear(live);
    return result;
}

static int run(int argc, char **argv, struct plimsoll_error *err)
{
    struct flags flags = {.recipe = NULL};
    enum plimsoll_recipe recipe;
    int got = read_flags(argc, argv, &flags, err);
    if (got != 0) {
        if (got > 0) {
            (void)fputs(help, stdout);
        }
        return got < 0 ? -1 : 0;
    }
    if (flags.recipe == NULL || !plimsoll_recipe_named(flags.recipe, &recipe)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--for \"%.64s\": write one of second|kubeadm|k3s|rke2|talos",
                                  flags.recipe != NULL ? flags.recipe : "");
    }
    return write_recipe(&flags, recipe, err);
}

int plimsoll_command_scheduler_config(int argc, char **argv)
{
    struct plimsoll_error err = {.kind = PLIMSOLL_ERR_NONE};
    if (run(argc, argv, &err) != 0) {
        fprintf(stderr, "plimsoll scheduler-config: %s\n", err.message);
        return 2;
    }
    return 0;
}
