/* SPDX-License-Identifier: Apache-2.0 */
/* Which profile a pod gets: the one it names, else the first that matches. */
#include "admission_parts.h"

static int deny_unknown(const struct plimsoll_config *config, struct plimsoll_json name,
                        struct plimsoll_error *err)
{
    plimsoll_autotext known = plimsoll_text_make(PLIMSOLL_ERROR_MESSAGE_SIZE);
    for (size_t i = 0; i < config->profile_count; i++) {
        plimsoll_text_add_format(&known, "%s%s", i > 0 ? ", " : "", config->profiles[i].name);
    }
    struct plimsoll_span raw = plimsoll_json_raw(name);
    raw.size = raw.size < 63 ? raw.size : 63;
    return plimsoll_error_set(err, PLIMSOLL_ERR_DENIED,
                              "annotation " PLIMSOLL_ANNOTATION_PROFILE
                              ": unknown profile \"%.*s\"; known are %s",
                              PLIMSOLL_SPAN_ARG(raw), known.data);
}

int plimsoll_mutation_named(const struct plimsoll_mutation *mutation,
                            const struct plimsoll_profile **named, struct plimsoll_error *err)
{
    const struct plimsoll_config *config = mutation->config;
    struct plimsoll_json name =
        plimsoll_json_get(mutation->annotations, PLIMSOLL_ANNOTATION_PROFILE);
    *named = NULL;
    if (!plimsoll_mutation_has(name)) {
        return 0;
    }
    for (size_t i = 0; i < config->profile_count; i++) {
        if (plimsoll_json_is(name, config->profiles[i].name)) {
            *named = &config->profiles[i];
            return 0;
        }
    }
    return deny_unknown(config, name, err);
}

static bool matches_resource(const struct plimsoll_profile *profile,
                             const struct plimsoll_demand *demand)
{
    if (!demand->plugin) {
        return profile->vram_only;
    }
    for (size_t i = 0; i < profile->resources.count; i++) {
        const struct plimsoll_resource one = {.name = profile->resources.list[i],
                                              .vendor = profile->vendor};
        const struct plimsoll_resources list = {.list = &one, .count = 1};
        if (plimsoll_resources_find(&list, plimsoll_span_of(demand->resource)) != NULL) {
            return true;
        }
    }
    return false;
}

static bool matches_any(const struct plimsoll_strings *globs, struct plimsoll_span text)
{
    for (size_t i = 0; i < globs->count; i++) {
        if (plimsoll_span_glob(text, globs->list[i])) {
            return true;
        }
    }
    return globs->count == 0;
}

static bool matches_labels(const struct plimsoll_pairs *labels,
                           const struct plimsoll_mutation *mutation)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (!plimsoll_json_is(plimsoll_json_get(mutation->labels, labels->list[i].key),
                              labels->list[i].value)) {
            return false;
        }
    }
    return true;
}

/* One of the containers that use the card runs such an image. */
static bool matches_images(const struct plimsoll_strings *images,
                           const struct plimsoll_mutation *mutation)
{
    struct plimsoll_container container = {0};
    if (images->count == 0) {
        return true;
    }
    while (plimsoll_container_next(mutation, &container)) {
        struct plimsoll_json image = plimsoll_json_get(container.json, "image");
        if (container.gpu && plimsoll_json_type(image) == PLIMSOLL_JSON_STRING &&
            matches_any(images, plimsoll_json_raw(image))) {
            return true;
        }
    }
    return false;
}

static const struct plimsoll_profile *find_match(const struct plimsoll_mutation *mutation)
{
    const struct plimsoll_profile *fallback = NULL;
    for (size_t i = 0; i < mutation->config->profile_count; i++) {
        const struct plimsoll_profile *profile = &mutation->config->profiles[i];
        if (matches_resource(profile, &mutation->demand) &&
            matches_any(&profile->namespaces, mutation->namespace_) &&
            matches_labels(&profile->pod_labels, mutation) &&
            matches_images(&profile->images, mutation)) {
            return profile;
        }
        /* A resource that only a narrower profile names: the shipped profile, which comes last. */
        if (profile->vendor == mutation->demand.vendor && profile->mig == mutation->demand.mig) {
            fallback = profile;
        }
    }
    return fallback;
}

int plimsoll_mutation_choose(struct plimsoll_mutation *mutation, struct plimsoll_error *err)
{
    const struct plimsoll_profile *named;
    if (plimsoll_mutation_named(mutation, &named, err) < 0) {
        return -1;
    }
    mutation->profile = named != NULL ? named : find_match(mutation);
    return 0;
}
