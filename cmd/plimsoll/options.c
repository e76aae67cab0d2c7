/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "certificates.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

/* One row per flag that has a key of the same name in the configuration file. */
static const struct {
    const char *name, *argument;
    size_t field; /* offset of its char * in struct plimsoll_config */
    const char *help;
} rows[] = {
#define FIELD(name) offsetof(struct plimsoll_config, name)
    {"listen", "ADDR:PORT", FIELD(listen), "HTTPS: /mutate; /filter and /prioritize, read-only"},
    {"tls-cert", "FILE", FIELD(tls_cert), "its certificate (PEM), reloaded when it changes"},
    {"tls-key", "FILE", FIELD(tls_key), "its key (PEM)"},
    {"client-ca", "FILE", FIELD(client_ca),
     "on HTTPS a client certificate of this CA opens all verbs and the page; the verbs then need "
     "it"},
    {"tls-secret", "NAME", FIELD(tls_secret),
     "instead of the two files: make and rotate the certificate, with the CA in this Secret"},
    {"webhook", "NAME", FIELD(webhook),
     "the MutatingWebhookConfiguration that is to trust the certificate; ready once it does"},
    {"service", "NAME", FIELD(service),
     "with --tls-secret: the Service by which the webhook is called"},
    {"ca-configmap", "NAME", FIELD(ca_configmap),
     "with --tls-secret: the ConfigMap that gets the CA as ca.crt, for others to mount"},
    {"extender-listen", "ADDR:PORT", FIELD(extender_listen),
     "plain HTTP, loopback only: all verbs and the status page /"},
    {"metrics-listen", "ADDR:PORT", FIELD(metrics_listen),
     "plain HTTP: /metrics /livez /readyz /healthz"},
    {"cluster-state", "FILE", FIELD(cluster_state),
     "a kubectl get nodes,pods -A -o json dump instead of a cluster; binds stay in memory"},
    {"kubeconfig", "FILE", FIELD(kubeconfig),
     "how to reach the cluster (default: in-cluster credentials where they are)"},
    {"log-format", "json|text", FIELD(log_format), "default json"},
    {"log-level", "debug|info|warn|error", FIELD(log_level), "default info"},
#undef FIELD
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])
/* Values getopt_long returns for the flags that are no row. */
enum { FLAG_CONFIG = 1000, FLAG_CHECK, FLAG_HELP, FLAG_DNS };

static void fill_flags(struct option flags[ROW_COUNT + 5])
{
    size_t count = 0;
    for (; count < ROW_COUNT; count++) {
        flags[count] = (struct option){rows[count].name, required_argument, NULL, (int)count};
    }
    flags[count++] = (struct option){"config", required_argument, NULL, FLAG_CONFIG};
    flags[count++] = (struct option){"check-config", no_argument, NULL, FLAG_CHECK};
    flags[count++] = (struct option){"help", no_argument, NULL, FLAG_HELP};
    flags[count++] = (struct option){"tls-dns", required_argument, NULL, FLAG_DNS};
    flags[count] = (struct option){NULL, 0, NULL, 0};
}

void plimsoll_serve_options_help(FILE *out)
{
    (void)fputs("usage: plimsoll serve [--config FILE] [--check-config] [FLAG]...\n\n", out);
    fprintf(out, "  --%-26s %s\n", "config FILE",
            "YAML; every flag below is a key of the same name");
    fprintf(out, "  --%-26s %s\n", "check-config",
            "say whether the configuration is good, and end");
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char flag[64];
        snprintf(flag, sizeof flag, "%s %s", rows[i].name, rows[i].argument);
        fprintf(out, "  --%-26s %s\n", flag, rows[i].help);
    }
    fprintf(out, "  --%-26s %s\n", "tls-dns NAME",
            "with --tls-secret: one more DNS name or address of the certificate; repeatable");
}

static void set_field(struct plimsoll_config *config, size_t row, const char *value)
{
    char **field = (char **)(void *)((char *)config + rows[row].field);
    free(*field);
    *field = plimsoll_copy(value, strlen(value));
}

static const char *field_of(const struct plimsoll_config *config, size_t row)
{
    return *(char *const *)(const void *)((const char *)config + rows[row].field);
}

static void add_string(struct plimsoll_strings *strings, const char *value)
{
    strings->list = plimsoll_realloc(strings->list, strings->count + 1, sizeof *strings->list);
    strings->list[strings->count++] = plimsoll_copy(value, strlen(value));
}

static void clear_strings(struct plimsoll_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        free(strings->list[i]);
    }
    free(strings->list);
    *strings = (struct plimsoll_strings){.list = NULL};
}

/* An argument written `a|b` takes exactly those words. */
static int check_words(const struct plimsoll_config *config, struct plimsoll_error *err)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *value = field_of(config, i);
        if (value == NULL || strchr(rows[i].argument, '|') == NULL) {
            continue;
        }
        struct plimsoll_span words = plimsoll_span_of(rows[i].argument), word;
        bool known = false;
        while (plimsoll_span_cut(&words, '|', &word)) {
            known = known || plimsoll_span_is(word, value);
        }
        if (!known) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s \"%s\": write one of %s",
                                      rows[i].name, value, rows[i].argument);
        }
    }
    return 0;
}

/* A certificate of the server's own making has all it needs, and no other is named. */
static int check_own_certificate(const struct plimsoll_config *config, struct plimsoll_error *err)
{
    if (config->tls_cert != NULL || config->tls_key != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--tls-secret makes a certificate, --tls-cert and --tls-key name "
                                  "one; give either");
    }
    if (config->listen == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--tls-secret needs --listen");
    }
    if (config->webhook == NULL || config->service == NULL) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "--tls-secret needs --webhook, which is to trust the certificate, "
            "and --service, by whose name it is called");
    }
    return plimsoll_certificates_check_names(config, err);
}

static int check_certificate(const struct plimsoll_config *config, struct plimsoll_error *err)
{
    if (config->webhook != NULL && config->cluster_state != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--webhook needs an API server, --cluster-state has none");
    }
    if (config->tls_secret != NULL) {
        return check_own_certificate(config, err);
    }
    if (config->service != NULL || config->ca_configmap != NULL || config->tls_dns.count > 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--service, --ca-configmap and --tls-dns need --tls-secret");
    }
    if (config->webhook != NULL && config->listen == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--webhook needs --listen");
    }
    if (config->listen != NULL && (config->tls_cert == NULL || config->tls_key == NULL)) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID,
            "--listen needs --tls-cert and --tls-key, or --tls-secret; `plimsoll certs` makes a "
            "pair for development");
    }
    return 0;
}

/* What only makes sense together. */
static int check_together(const struct plimsoll_config *config, struct plimsoll_error *err)
{
    if (check_certificate(config, err) != 0) {
        return -1;
    }
    if (config->client_ca != NULL && config->listen == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "--client-ca needs --listen");
    }
    if (config->listen == NULL && config->extender_listen == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "nothing to serve: give --listen, --extender-listen or both");
    }
    if (config->cluster_state != NULL && config->kubeconfig != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "--cluster-state and --kubeconfig are two pictures; give one");
    }
    return 0;
}

/* The command line as it is, before the file. */
struct given {
    const char *values[ROW_COUNT], *file;
    struct plimsoll_strings dns;
};

static int read_flags(int argc, char **argv, struct given *given,
                      struct plimsoll_serve_options *read, struct plimsoll_error *err)
{
    struct option flags[ROW_COUNT + 5];
    fill_flags(flags);
    opterr = 0;
    for (int flag; (flag = getopt_long(argc, argv, "", flags, NULL)) != -1;) {
        if (flag >= 0 && flag < (int)ROW_COUNT) {
            given->values[flag] = optarg;
        } else if (flag == FLAG_CONFIG) {
            given->file = optarg;
        } else if (flag == FLAG_DNS) {
            add_string(&given->dns, optarg);
        } else if (flag == FLAG_CHECK) {
            read->check_config = true;
        } else if (flag == FLAG_HELP) {
            read->help = true;
        } else {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "%s: no such flag, or its value is missing",
                                      argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: serve takes flags only",
                                  argv[optind]);
    }
    return 0;
}

/* A flag wins over its key, a list over the whole list. */
static void lay_over(struct given *given, struct plimsoll_config *config)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (given->values[i] != NULL) {
            set_field(config, i, given->values[i]);
        }
    }
    if (given->dns.count > 0) {
        clear_strings(&config->tls_dns);
        config->tls_dns = given->dns;
        given->dns = (struct plimsoll_strings){.list = NULL};
    }
}

static int read_all(int argc, char **argv, struct given *given, struct plimsoll_serve_options *read,
                    struct plimsoll_error *err)
{
    if (read_flags(argc, argv, given, read, err) != 0) {
        return -1;
    }
    if (given->file == NULL) {
        read->config = plimsoll_config_default();
    } else if (plimsoll_config_load(given->file, &read->config, err) != 0) {
        return -1;
    }
    lay_over(given, read->config);
    /* A file that says where to listen, or a whole command line, is checked as one that serves. */
    bool listens = read->config->listen != NULL || read->config->extender_listen != NULL;
    bool serves = !read->help && (!read->check_config || listens);
    return check_words(read->config, err) == 0 &&
                   (!serves || check_together(read->config, err) == 0)
               ? 0
               : -1;
}

int plimsoll_serve_options_read(int argc, char **argv, struct plimsoll_serve_options *options,
                                struct plimsoll_error *err)
{
    struct given given = {.file = NULL};
    struct plimsoll_serve_options read = {0};
    int result = read_all(argc, argv, &given, &read, err);
    clear_strings(&given.dns);
    if (result != 0) {
        plimsoll_config_free(&read.config);
        return -1;
    }
    *options = read;
    return 0;
}
