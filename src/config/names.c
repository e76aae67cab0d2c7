/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <plimsoll/limits.h>

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* One or more parts between dots, each of lower case letters, digits and inner dashes. */
static bool is_subdomain(const char *name, size_t size)
{
    if (size == 0 || size > PLIMSOLL_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool edge = i == 0 || i + 1 == size || name[i - 1] == '.' || name[i + 1] == '.';
        if (!is_lower_alnum(name[i]) && (edge || (name[i] != '-' && name[i] != '.'))) {
            return false;
        }
    }
    return true;
}

/* Letters, digits, inner `-`, `_`, `.`: the name part of a key, and label values. */
static bool is_word(const char *word, size_t size)
{
    if (size == 0 || size > 63 || !is_alnum(word[0]) || !is_alnum(word[size - 1])) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_alnum(word[i]) && strchr("-_.", word[i]) == NULL) {
            return false;
        }
    }
    return true;
}

const char *plimsoll_names_subdomain(const char *name)
{
    if (is_subdomain(name, strlen(name))) {
        return NULL;
    }
    return "must be lower case letters, digits, dashes and dots, like nvidia";
}

const char *plimsoll_names_label(const char *name)
{
    if (strlen(name) <= 63 && strchr(name, '.') == NULL && is_subdomain(name, strlen(name))) {
        return NULL;
    }
    return "must be at most 63 lower case letters, digits and inner dashes, like vllm";
}

static bool is_qualified(const char *key, size_t size)
{
    const char *slash = memchr(key, '/', size);
    if (slash == NULL) {
        return is_word(key, size);
    }
    size_t prefix = (size_t)(slash - key);
    return is_subdomain(key, prefix) && is_word(slash + 1, size - prefix - 1);
}

const char *plimsoll_names_qualified(const char *key)
{
    if (is_qualified(key, strlen(key))) {
        return NULL;
    }
    return "must be a key of at most 63 characters with an optional domain before a slash, like "
           "example.com/name";
}

const char *plimsoll_names_label_value(const char *value)
{
    if (*value == '\0' || is_word(value, strlen(value))) {
        return NULL;
    }
    return "must be a label value: at most 63 letters, digits, dashes, underscores and dots, "
           "beginning and ending with a letter or digit";
}

const char *plimsoll_names_resource(const char *name)
{
    size_t size = strlen(name);
    const char *slash = strchr(name, '/');
    bool wildcard = size > 0 && name[size - 1] == '*';
    if (slash == NULL || !is_subdomain(name, (size_t)(slash - name))) {
        return "must be an extended resource with its domain, like nvidia.com/gpu";
    }
    if (wildcard && strncmp(name, "nvidia.com/", 11) == 0 &&
        strncmp(name, "nvidia.com/mig-", 15) != 0) {
        return "would match resources that are no GPU; name each one, or nvidia.com/mig-*";
    }
    size_t word = size - (size_t)(slash + 1 - name) - (wildcard ? 1 : 0);
    if (wildcard && word == 0) {
        return NULL;
    }
    /* `mig-` before the star may end in a dash. */
    bool good = wildcard ? is_alnum(slash[1]) && strspn(slash + 1, "abcdefghijklmnopqrstuvwxyz"
                                                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                                   "0123456789-_.") == word
                         : is_word(slash + 1, word);
    if (good && word <= 63) {
        return NULL;
    }
    return "must be an extended resource, like nvidia.com/gpu, or a prefix and one trailing *, "
           "like "
           "gpu.intel.com/*";
}

const char *plimsoll_names_env(const char *name)
{
    if (*name == '\0' || strchr(name, '=') != NULL || (*name >= '0' && *name <= '9')) {
        return "must be the name of an environment variable, like CUDA_DEVICE_ORDER";
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!is_alnum(*c) && strchr("_-.", *c) == NULL) {
            return "must be the name of an environment variable, like CUDA_DEVICE_ORDER";
        }
    }
    return NULL;
}
