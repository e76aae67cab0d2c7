/* SPDX-License-Identifier: Apache-2.0 */
/* What a person is told without being stopped. */
#include "admission_parts.h"

#include <stdarg.h>

/* The API server drops a warning with a control character, C1 ones (0xC2 0x80 … 0x9F) included. */
static void make_printable(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7F) {
            *at = '?';
        } else if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] <= 0x9F) {
            at[0] = at[1] = '?';
        }
    }
}

static bool is_first_byte(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* `text` is valid UTF-8; an ellipsis is one character of three bytes. */
static char *cut(const char *text)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    size_t characters = 0, last = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (!is_first_byte(text[i])) {
            continue;
        }
        if (++characters == PLIMSOLL_WARNING_CHARACTERS_MAX) {
            last = i;
        }
    }
    if (characters <= PLIMSOLL_WARNING_CHARACTERS_MAX) {
        return plimsoll_copy(text, strlen(text));
    }
    plimsoll_autotext short_text = plimsoll_text_make(last + sizeof ellipsis);
    plimsoll_text_add(&short_text, text, last);
    plimsoll_text_add_string(&short_text, ellipsis);
    return PLIMSOLL_TAKE(short_text.data);
}

static bool is_known(const struct plimsoll_mutation *mutation, const char *text)
{
    for (size_t i = 0; i < mutation->warning_count; i++) {
        if (strcmp(mutation->warnings[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void plimsoll_mutation_warn(struct plimsoll_mutation *mutation, const char *format, ...)
{
    if (mutation->warning_count == PLIMSOLL_WARNINGS_MAX) {
        return;
    }
    plimsoll_autofree char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        abort();
    }
    va_end(arguments);
    make_printable(text);
    plimsoll_autofree char *short_text = cut(text);
    if (!is_known(mutation, short_text)) {
        mutation->warnings[mutation->warning_count++] = PLIMSOLL_TAKE(short_text);
    }
}

/* ---- a pod that is not a GPU pod ---- */

static bool is_nvidia_class(const struct plimsoll_mutation *mutation, struct plimsoll_json name)
{
    for (size_t i = 0; i < mutation->config->profile_count; i++) {
        const struct plimsoll_profile *profile = &mutation->config->profiles[i];
        if (profile->vendor == PLIMSOLL_VENDOR_NVIDIA && profile->runtime_class != NULL &&
            plimsoll_json_is(name, profile->runtime_class)) {
            return true;
        }
    }
    return false;
}

void plimsoll_mutation_warn_unaccounted(struct plimsoll_mutation *mutation)
{
    static const char *const words[] = {PLIMSOLL_ANNOTATION_GPUS, PLIMSOLL_ANNOTATION_CONTAINERS,
                                        PLIMSOLL_ANNOTATION_TOPOLOGY, PLIMSOLL_ANNOTATION_POLICY,
                                        PLIMSOLL_ANNOTATION_PROFILE};
    if (is_nvidia_class(mutation, plimsoll_json_get(mutation->spec, "runtimeClassName"))) {
        plimsoll_mutation_warn(mutation, "not accounted: the pod has an NVIDIA runtime class but "
                                         "asks for no GPU; set " PLIMSOLL_ANNOTATION_VRAM);
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (plimsoll_mutation_has(plimsoll_json_get(mutation->annotations, words[i]))) {
            plimsoll_mutation_warn(mutation,
                                   "%s has no effect: the pod asks for no GPU; add a GPU resource "
                                   "or " PLIMSOLL_ANNOTATION_VRAM,
                                   words[i]);
        }
    }
}

/* ---- a GPU pod ---- */

static void warn_other_resource(struct plimsoll_mutation *mutation,
                                const struct plimsoll_container *container, const char *list)
{
    struct plimsoll_json amounts =
        plimsoll_json_get(plimsoll_json_get(container->json, "resources"), list);
    if (plimsoll_json_type(amounts) != PLIMSOLL_JSON_OBJECT) {
        return;
    }
    for (struct plimsoll_json key = plimsoll_json_first(amounts);
         plimsoll_json_type(key) != PLIMSOLL_JSON_MISSING; key = plimsoll_json_next(key)) {
        struct plimsoll_json amount = plimsoll_json_value(key);
        struct plimsoll_span name = plimsoll_json_raw(key);
        const struct plimsoll_resource *rule =
            plimsoll_resources_find(&mutation->config->reading.resources, name);
        if (rule == NULL || plimsoll_span_is(name, mutation->demand.resource) ||
            plimsoll_span_is(plimsoll_json_raw(amount), "0")) {
            continue;
        }
        plimsoll_mutation_warn(mutation, "also asks for %.*s, which is not accounted: only %s is",
                               (int)(name.size < 63 ? name.size : 63), name.data,
                               mutation->demand.resource);
    }
}

static void warn_many_cards(struct plimsoll_mutation *mutation,
                            const struct plimsoll_container *container)
{
    enum plimsoll_vendor vendor = mutation->demand.vendor;
    char name[64];
    /* On single cards every card is the pod's: nothing is defeated. */
    if (plimsoll_container_privileged(container) &&
        !plimsoll_mutation_single_cards(mutation, vendor)) {
        plimsoll_mutation_warn(mutation,
                               "container %s is privileged and sees every card: the pod is booked "
                               "on all cards of its node",
                               plimsoll_container_name(container, name));
    }
}

static void warn_replicas(struct plimsoll_mutation *mutation)
{
    const struct plimsoll_demand *demand = &mutation->demand;
    if (!demand->plugin || demand->mig || demand->vendor != PLIMSOLL_VENDOR_NVIDIA ||
        demand->cards < 2) {
        return;
    }
    if (plimsoll_mutation_single_cards(mutation, demand->vendor) ||
        strcmp(demand->resource, "nvidia.com/gpu.shared") == 0) {
        plimsoll_mutation_warn(mutation,
                               "%s: %u on a sliced card is one card: more of them give no more "
                               "memory or time",
                               demand->resource, demand->cards);
    }
}

static void warn_vendor(struct plimsoll_mutation *mutation)
{
    if (mutation->profile->vendor != mutation->demand.vendor) {
        plimsoll_mutation_warn(mutation, "profile %s is for %s, but the pod asks for %s",
                               mutation->profile->name,
                               plimsoll_vendor_text(mutation->profile->vendor),
                               plimsoll_vendor_text(mutation->demand.vendor));
    }
}

void plimsoll_mutation_warn_conflicts(struct plimsoll_mutation *mutation)
{
    struct plimsoll_container container = {0};
    while (plimsoll_container_next(mutation, &container)) {
        if (mutation->demand.plugin) {
            warn_other_resource(mutation, &container, "limits");
            warn_other_resource(mutation, &container, "requests");
        }
        warn_many_cards(mutation, &container);
    }
    warn_replicas(mutation);
    warn_vendor(mutation);
}
