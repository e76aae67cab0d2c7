/* SPDX-License-Identifier: Apache-2.0 */
#include <plimsoll/config.h>

#include "loading.h"

#include <errno.h>

static void clear_config(struct plimsoll_config *config)
{
    char *strings[] = {config->listen,        config->tls_cert,        config->tls_key,
                       config->client_ca,     config->extender_listen, config->metrics_listen,
                       config->cluster_state, config->kubeconfig,      config->log_format,
                       config->log_level,     config->tls_secret,      config->webhook,
                       config->service,       config->ca_configmap};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        free(strings[i]);
    }
    plimsoll_strings_clear(&config->tls_dns);
    for (size_t i = 0; i < config->profile_count; i++) {
        plimsoll_profile_clear(&config->profiles[i]);
    }
    free(config->profiles);
    plimsoll_strings_clear(&config->runtime_classes);
    free(config->resources);
    free(config->selectors);
    *config = (struct plimsoll_config){0};
}

static void clear_loading(struct plimsoll_loading *loading)
{
    clear_config(&loading->config);
    for (size_t family = 0; family < PLIMSOLL_FAMILIES; family++) {
        plimsoll_strings_clear(&loading->resources[family]);
    }
    for (size_t i = 0; i < loading->profile_count; i++) {
        plimsoll_profile_clear(&loading->profiles[i]);
    }
    free(loading->scheduler_name);
}

/* ---- what follows from the profiles ---- */

/* The user's first: the first match wins. */
static void order_profiles(struct plimsoll_loading *loading)
{
    struct plimsoll_config *config = &loading->config;
    size_t shipped = loading->shipped_count;
    config->profile_count = loading->profile_count;
    config->profiles = plimsoll_alloc(config->profile_count, sizeof *config->profiles);
    for (size_t i = 0; i < config->profile_count; i++) {
        size_t to = i < shipped ? config->profile_count - shipped + i : i - shipped;
        config->profiles[to] = loading->profiles[i];
    }
    loading->profile_count = 0;
}

static void index_runtime_classes(struct plimsoll_config *config)
{
    for (size_t i = 0; i < config->profile_count; i++) {
        struct plimsoll_profile *profile = &config->profiles[i];
        profile->runtime_class_index = -1;
        if (profile->runtime_class == NULL) {
            continue;
        }
        if (!plimsoll_strings_have(&config->runtime_classes, profile->runtime_class)) {
            plimsoll_strings_add(&config->runtime_classes, profile->runtime_class);
        }
        size_t index = 0;
        while (strcmp(config->runtime_classes.list[index], profile->runtime_class) != 0) {
            index++;
        }
        profile->runtime_class_index = (int)index;
    }
}

/* @return the bit of the pair, or PLIMSOLL_SELECTORS_MAX when there is no room for it. */
static size_t index_selector(struct plimsoll_config *config, const struct plimsoll_pair *pair)
{
    size_t *count = &config->reading.selector_count;
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(config->selectors[i].key, pair->key) == 0 &&
            strcmp(config->selectors[i].value, pair->value) == 0) {
            return i;
        }
    }
    if (*count == PLIMSOLL_SELECTORS_MAX) {
        return PLIMSOLL_SELECTORS_MAX;
    }
    config->selectors[*count] = (struct plimsoll_selector){.key = pair->key, .value = pair->value};
    return (*count)++;
}

static int index_selectors(struct plimsoll_config *config, const char *file,
                           struct plimsoll_error *err)
{
    config->selectors = plimsoll_alloc(PLIMSOLL_SELECTORS_MAX, sizeof *config->selectors);
    config->reading.selectors = config->selectors;
    for (size_t i = 0; i < config->profile_count; i++) {
        struct plimsoll_profile *profile = &config->profiles[i];
        profile->selectors = 0;
        for (size_t pair = 0; pair < profile->node_selector.count; pair++) {
            size_t bit = index_selector(config, &profile->node_selector.list[pair]);
            if (bit == PLIMSOLL_SELECTORS_MAX) {
                return plimsoll_error_set(
                    err, PLIMSOLL_ERR_INVALID,
                    "%s: profile %s: more than %d different nodeSelector labels in all profiles; "
                    "use nodeAffinity for some",
                    file, profile->name, PLIMSOLL_SELECTORS_MAX);
            }
            profile->selectors |= UINT64_C(1) << bit;
        }
    }
    return 0;
}

static void list_resources_of(struct plimsoll_config *config,
                              const struct plimsoll_profile *profile)
{
    size_t *count = &config->reading.resources.count;
    for (size_t i = 0; i < profile->resources.count; i++) {
        size_t known = 0;
        while (known < *count &&
               strcmp(config->resources[known].name, profile->resources.list[i]) != 0) {
            known++;
        }
        if (known == *count) {
            config->resources[(*count)++] = (struct plimsoll_resource){
                .name = profile->resources.list[i], .vendor = profile->vendor, .mig = profile->mig};
        }
    }
}

/* The shipped profiles hold the lists of their vendors; users' profiles may name more. */
static void list_resources(struct plimsoll_config *config, size_t shipped)
{
    size_t count = 1;
    for (size_t i = 0; i < config->profile_count; i++) {
        count += config->profiles[i].resources.count;
    }
    config->resources = plimsoll_alloc(count, sizeof *config->resources);
    size_t users = config->profile_count - shipped;
    for (size_t i = 0; i < config->profile_count; i++) {
        list_resources_of(config, &config->profiles[(i + users) % config->profile_count]);
    }
    config->reading.resources.list = config->resources;
}

/* ---- the shipped document, then the user's ---- */

static int read_documents(const struct plimsoll_at *shipped, const struct plimsoll_at *user,
                          struct plimsoll_loading *loading, struct plimsoll_error *err)
{
    if (plimsoll_settings_read(shipped, loading, err) < 0 ||
        plimsoll_settings_read(user, loading, err) < 0 ||
        plimsoll_profiles_read(shipped, loading, err) < 0) {
        return -1;
    }
    loading->shipped_count = loading->profile_count;
    if (plimsoll_profiles_read(user, loading, err) < 0) {
        return -1;
    }
    order_profiles(loading);
    index_runtime_classes(&loading->config);
    list_resources(&loading->config, loading->shipped_count);
    return index_selectors(&loading->config, user->file, err);
}

int plimsoll_config_parse(struct plimsoll_span yaml, const char *file,
                          struct plimsoll_config **config, struct plimsoll_error *err)
{
    if (yaml.size > PLIMSOLL_CONFIG_BYTES_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_TOO_LARGE, "%s: larger than %u bytes", file,
                                  PLIMSOLL_CONFIG_BYTES_MAX);
    }
    plimsoll_autoyaml shipped_tree = {0}, user_tree = {0};
    if (plimsoll_yaml_parse(plimsoll_span_of(plimsoll_shipped_yaml), "shipped", &shipped_tree,
                            err) < 0 ||
        plimsoll_yaml_parse(yaml, file, &user_tree, err) < 0) {
        return -1;
    }
    struct plimsoll_at shipped = {.node = &shipped_tree, .file = "shipped"};
    struct plimsoll_at user = {.node = &user_tree, .file = file};
    plimsoll_autofree struct plimsoll_loading *loading = plimsoll_alloc(1, sizeof *loading);
    int status = read_documents(&shipped, &user, loading, err);
    if (status == 0) {
        *config = plimsoll_alloc(1, sizeof **config);
        **config = loading->config;
        loading->config = (struct plimsoll_config){0};
    }
    clear_loading(loading);
    return status;
}

struct plimsoll_config *plimsoll_config_default(void)
{
    struct plimsoll_config *config = NULL;
    struct plimsoll_error err;
    if (plimsoll_config_parse(plimsoll_span_of(""), "shipped", &config, &err) < 0) {
        abort(); /* the shipped document is part of the program */
    }
    return config;
}

int plimsoll_config_load(const char *file, struct plimsoll_config **config,
                         struct plimsoll_error *err)
{
    plimsoll_autofclose FILE *stream = fopen(file, "re");
    if (stream == NULL) {
        return plimsoll_error_set(err,
                                  errno == ENOENT ? PLIMSOLL_ERR_NOT_FOUND : PLIMSOLL_ERR_INVALID,
                                  "%s: %s", file, strerror(errno));
    }
    /* One byte more than allowed tells a file that is too large. */
    size_t size_max = PLIMSOLL_CONFIG_BYTES_MAX + 1;
    plimsoll_autofree char *data = plimsoll_alloc(size_max, 1);
    size_t size = fread(data, 1, size_max, stream);
    if (ferror(stream)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s: %s", file, strerror(errno));
    }
    return plimsoll_config_parse((struct plimsoll_span){.data = data, .size = size}, file, config,
                                 err);
}

void plimsoll_config_free(struct plimsoll_config **config)
{
    if (*config != NULL) {
        clear_config(*config);
        free(*config);
        *config = NULL;
    }
}
