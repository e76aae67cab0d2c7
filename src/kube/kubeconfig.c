/* SPDX-License-Identifier: Apache-2.0 */
#include "kubeconfig.h"

#include "base64.h"
#include "file.h"

#include <limits.h>
#include <yaml.h>

#include <plimsoll/limits.h>

/* A mapping of the document that has a name for messages. */
struct section {
    yaml_document_t *document;
    yaml_node_t *node; /* NULL: absent */
    const char *folder;
};

static bool is_scalar(const yaml_node_t *node, const char *text)
{
    return node != NULL && node->type == YAML_SCALAR_NODE &&
           plimsoll_span_is((struct plimsoll_span){.data = (const char *)node->data.scalar.value,
                                                   .size = node->data.scalar.length},
                            text);
}

static yaml_node_t *get(const struct section *section, const char *key)
{
    const yaml_node_t *node = section->node;
    if (node == NULL || node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        if (is_scalar(yaml_document_get_node(section->document, pair->key), key)) {
            yaml_node_t *value = yaml_document_get_node(section->document, pair->value);
            bool null = is_scalar(value, "null") || is_scalar(value, "~") || is_scalar(value, "");
            return null ? NULL : value;
        }
    }
    return NULL;
}

static struct section sub(const struct section *section, const char *key)
{
    return (struct section){section->document, get(section, key), section->folder};
}

/* The string at `key`; *out stays NULL when it is absent. */
static int get_string(const struct section *section, const char *key, char **out,
                      struct plimsoll_error *err)
{
    const yaml_node_t *node = get(section, key);
    if (node == NULL) {
        return 0;
    }
    size_t size = node->type == YAML_SCALAR_NODE ? node->data.scalar.length : 0;
    if (size == 0 || memchr(node->data.scalar.value, '\0', size) != NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is no string", key);
    }
    *out = plimsoll_copy((const char *)node->data.scalar.value, size);
    return 0;
}

static int get_bool(const struct section *section, const char *key, bool *out,
                    struct plimsoll_error *err)
{
    const yaml_node_t *node = get(section, key);
    if (node != NULL && !is_scalar(node, "true") && !is_scalar(node, "false")) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is neither true nor false", key);
    }
    *out = is_scalar(node, "true");
    return 0;
}

/* A path is relative to the file that names it. */
static int get_path(const struct section *section, const char *key, char **out,
                    struct plimsoll_error *err)
{
    plimsoll_autofree char *path = NULL;
    if (get_string(section, key, &path, err) < 0) {
        return -1;
    }
    if (path == NULL || path[0] == '/') {
        *out = PLIMSOLL_TAKE(path);
        return 0;
    }
    plimsoll_autotext joined = plimsoll_text_make(2 * PATH_MAX);
    plimsoll_text_add_format(&joined, "%s/%s", section->folder, path);
    if (joined.overflowed) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is too long a path", key);
    }
    *out = PLIMSOLL_TAKE(joined.data);
    return 0;
}

static int decode(const char *encoded, const char *key, struct plimsoll_text *out,
                  struct plimsoll_error *err)
{
    struct plimsoll_text decoded = plimsoll_text_make(PLIMSOLL_CONFIG_BYTES_MAX);
    if (!plimsoll_base64_decode(encoded, &decoded)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s is no base64", key);
    }
    *out = decoded;
    return 0;
}

/* `KEY-data` holds the bytes and beats `KEY`, which names a file. */
static int get_data(const struct section *section, const char *key, struct plimsoll_text *data,
                    char **file, struct plimsoll_error *err)
{
    plimsoll_autofree char *encoded = NULL;
    plimsoll_autotext data_key = plimsoll_text_make(64);
    plimsoll_text_add_format(&data_key, "%s-data", key);
    if (get_string(section, data_key.data, &encoded, err) < 0) {
        return -1;
    }
    return encoded != NULL ? decode(encoded, data_key.data, data, err)
                           : get_path(section, key, file, err);
}

/* The `kind` member of the entry called `name` in the list at `list`. */
static int find_entry(const struct section *root, const char *list, const char *kind,
                      const char *name, struct section *out, struct plimsoll_error *err)
{
    const yaml_node_t *entries = get(root, list);
    if (entries != NULL && entries->type == YAML_SEQUENCE_NODE) {
        for (const yaml_node_item_t *item = entries->data.sequence.items.start;
             item < entries->data.sequence.items.top; item++) {
            struct section entry = {root->document, yaml_document_get_node(root->document, *item),
                                    root->folder};
            if (is_scalar(get(&entry, "name"), name)) {
                *out = sub(&entry, kind);
                return 0;
            }
        }
    }
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "%s has no entry called '%s'", list, name);
}

static int read_cluster(const struct section *cluster, struct plimsoll_kubeconfig *config,
                        struct plimsoll_error *err)
{
    if (get_string(cluster, "server", &config->server, err) < 0 ||
        get_data(cluster, "certificate-authority", &config->ca_data, &config->ca_file, err) < 0 ||
        get_string(cluster, "tls-server-name", &config->tls_server_name, err) < 0 ||
        get_string(cluster, "proxy-url", &config->proxy_url, err) < 0 ||
        get_bool(cluster, "insecure-skip-tls-verify", &config->insecure, err) < 0) {
        return -1;
    }
    if (config->server == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "server is missing");
    }
    return 0;
}

static int refuse_unsupported(const struct section *user, struct plimsoll_error *err)
{
    static const char *const keys[] = {"exec", "auth-provider", "username", "password", "as"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (get(user, keys[i]) != NULL) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "%s is not supported: use a client certificate, token or "
                                      "tokenFile",
                                      keys[i]);
        }
    }
    return 0;
}

static int read_user(const struct section *user, struct plimsoll_kubeconfig *config,
                     struct plimsoll_error *err)
{
    if (refuse_unsupported(user, err) < 0 ||
        get_data(user, "client-certificate", &config->certificate_data, &config->certificate_file,
                 err) < 0 ||
        get_data(user, "client-key", &config->key_data, &config->key_file, err) < 0 ||
        get_string(user, "token", &config->token, err) < 0 ||
        get_path(user, "tokenFile", &config->token_file, err) < 0) {
        return -1;
    }
    bool certificate = config->certificate_file != NULL || config->certificate_data.size > 0;
    bool key = config->key_file != NULL || config->key_data.size > 0;
    if (certificate != key) {
        return plimsoll_error_set(
            err, PLIMSOLL_ERR_INVALID, "%s without %s: a client certificate needs both",
            key ? "client-key" : "client-certificate", key ? "client-certificate" : "client-key");
    }
    return 0;
}

static int read_context(const struct section *root, struct plimsoll_kubeconfig *config,
                        struct plimsoll_error *err)
{
    plimsoll_autofree char *name = NULL, *cluster_name = NULL, *user_name = NULL;
    struct section context, cluster, user;
    if (get_string(root, "current-context", &name, err) < 0) {
        return -1;
    }
    if (name == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "current-context is missing");
    }
    if (find_entry(root, "contexts", "context", name, &context, err) < 0 ||
        get_string(&context, "cluster", &cluster_name, err) < 0 ||
        get_string(&context, "user", &user_name, err) < 0 ||
        get_string(&context, "namespace", &config->namespace_, err) < 0) {
        return -1;
    }
    if (cluster_name == NULL) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "context '%s' names no cluster", name);
    }
    if (find_entry(root, "clusters", "cluster", cluster_name, &cluster, err) < 0) {
        return -1;
    }
    if (read_cluster(&cluster, config, err) < 0) {
        return plimsoll_error_wrap(err, "cluster '%s'", cluster_name);
    }
    if (user_name == NULL) {
        return 0; /* nobody in particular: a server that trusts whoever reaches it */
    }
    if (find_entry(root, "users", "user", user_name, &user, err) < 0) {
        return -1;
    }
    if (read_user(&user, config, err) < 0) {
        return plimsoll_error_wrap(err, "user '%s'", user_name);
    }
    return 0;
}

static int load_document(const struct plimsoll_text *text, yaml_document_t *document,
                         struct plimsoll_error *err)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INTERNAL, "no YAML parser");
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text->data ? text->data : ""),
                                 text->size);
    int loaded = yaml_parser_load(&parser, document);
    if (!loaded) {
        plimsoll_error_set(err, PLIMSOLL_ERR_INVALID, "no YAML in line %zu: %s",
                           parser.problem_mark.line + 1,
                           parser.problem != NULL ? parser.problem : "cannot be read");
    }
    yaml_parser_delete(&parser);
    return loaded ? 0 : -1;
}

static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == NULL ? plimsoll_copy(".", 1) : plimsoll_copy(file, (size_t)(slash - file));
}

int plimsoll_kubeconfig_read(const char *file, struct plimsoll_kubeconfig *config,
                             struct plimsoll_error *err)
{
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_CONFIG_BYTES_MAX);
    if (plimsoll_file_read(file, &text, err) < 0) {
        return -1;
    }
    yaml_document_t document;
    if (load_document(&text, &document, err) < 0) {
        return plimsoll_error_wrap(err, "%s", file);
    }
    plimsoll_autofree char *folder = folder_of(file);
    struct section root = {&document, yaml_document_get_root_node(&document), folder};
    struct plimsoll_kubeconfig found = {0};
    int result = read_context(&root, &found, err);
    yaml_document_delete(&document);
    if (result < 0) {
        plimsoll_kubeconfig_clear(&found);
        return plimsoll_error_wrap(err, "%s", file);
    }
    *config = found;
    return 0;
}

void plimsoll_kubeconfig_clear(struct plimsoll_kubeconfig *config)
{
    free(config->server);
    free(config->ca_file);
    free(config->certificate_file);
    free(config->key_file);
    free(config->token);
    free(config->token_file);
    free(config->tls_server_name);
    free(config->proxy_url);
    free(config->namespace_);
    plimsoll_text_clear(&config->ca_data);
    plimsoll_text_clear(&config->certificate_data);
    plimsoll_text_clear(&config->key_data);
    *config = (struct plimsoll_kubeconfig){0};
}
