/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

#include <string.h>

static char *copy_or_null(const char *string)
{
    return string != NULL ? plimsoll_copy(string, strlen(string)) : NULL;
}

void plimsoll_strings_add(struct plimsoll_strings *strings, const char *string)
{
    strings->list = plimsoll_realloc(strings->list, strings->count + 1, sizeof *strings->list);
    strings->list[strings->count++] = plimsoll_copy(string, strlen(string));
}

bool plimsoll_strings_have(const struct plimsoll_strings *strings, const char *string)
{
    for (size_t i = 0; i < strings->count; i++) {
        if (strcmp(strings->list[i], string) == 0) {
            return true;
        }
    }
    return false;
}

void plimsoll_strings_copy(const struct plimsoll_strings *from, struct plimsoll_strings *to)
{
    for (size_t i = 0; i < from->count; i++) {
        plimsoll_strings_add(to, from->list[i]);
    }
}

void plimsoll_strings_clear(struct plimsoll_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        free(strings->list[i]);
    }
    free(strings->list);
    *strings = (struct plimsoll_strings){0};
}

void plimsoll_pairs_add(struct plimsoll_pairs *pairs, const char *key, const char *value)
{
    pairs->list = plimsoll_realloc(pairs->list, pairs->count + 1, sizeof *pairs->list);
    pairs->list[pairs->count++] = (struct plimsoll_pair){
        .key = plimsoll_copy(key, strlen(key)), .value = plimsoll_copy(value, strlen(value))};
}

void plimsoll_pairs_copy(const struct plimsoll_pairs *from, struct plimsoll_pairs *to)
{
    for (size_t i = 0; i < from->count; i++) {
        plimsoll_pairs_add(to, from->list[i].key, from->list[i].value);
    }
}

void plimsoll_pairs_clear(struct plimsoll_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->list[i].key);
        free(pairs->list[i].value);
    }
    free(pairs->list);
    *pairs = (struct plimsoll_pairs){0};
}

void plimsoll_profile_copy(const struct plimsoll_profile *from, struct plimsoll_profile *to)
{
    *to = *from; /* the plain values; every pointer is replaced below */
    to->name = copy_or_null(from->name);
    to->resources = to->namespaces = to->images = (struct plimsoll_strings){0};
    to->pod_labels = to->node_selector = to->env = to->annotations = (struct plimsoll_pairs){0};
    plimsoll_strings_copy(&from->resources, &to->resources);
    plimsoll_strings_copy(&from->namespaces, &to->namespaces);
    plimsoll_strings_copy(&from->images, &to->images);
    plimsoll_pairs_copy(&from->pod_labels, &to->pod_labels);
    plimsoll_pairs_copy(&from->node_selector, &to->node_selector);
    plimsoll_pairs_copy(&from->env, &to->env);
    plimsoll_pairs_copy(&from->annotations, &to->annotations);
    to->runtime_class = copy_or_null(from->runtime_class);
    to->node_affinity_json = copy_or_null(from->node_affinity_json);
    to->tolerations_json = copy_or_null(from->tolerations_json);
    to->scheduler_name = copy_or_null(from->scheduler_name);
    to->priority_class_name = copy_or_null(from->priority_class_name);
    to->vram = copy_or_null(from->vram);
}

void plimsoll_profile_clear(struct plimsoll_profile *profile)
{
    free(profile->name);
    plimsoll_strings_clear(&profile->resources);
    plimsoll_strings_clear(&profile->namespaces);
    plimsoll_strings_clear(&profile->images);
    plimsoll_pairs_clear(&profile->pod_labels);
    plimsoll_pairs_clear(&profile->node_selector);
    plimsoll_pairs_clear(&profile->env);
    plimsoll_pairs_clear(&profile->annotations);
    free(profile->runtime_class);
    free(profile->node_affinity_json);
    free(profile->tolerations_json);
    free(profile->scheduler_name);
    free(profile->priority_class_name);
    free(profile->vram);
    *profile = (struct plimsoll_profile){0};
}
