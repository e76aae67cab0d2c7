/* SPDX-License-Identifier: Apache-2.0 */
#include "admission_parts.h"

bool plimsoll_mutation_has(struct plimsoll_json value)
{
    enum plimsoll_json_type type = plimsoll_json_type(value);
    return type != PLIMSOLL_JSON_MISSING && type != PLIMSOLL_JSON_NULL;
}

bool plimsoll_mutation_has_text(struct plimsoll_json value)
{
    return plimsoll_json_type(value) == PLIMSOLL_JSON_STRING && plimsoll_json_raw(value).size > 0;
}

bool plimsoll_mutation_single_cards(const struct plimsoll_mutation *mutation,
                                    enum plimsoll_vendor vendor)
{
    return mutation->facts->nodes[vendor] > 0 && mutation->facts->multi_card[vendor] == 0;
}

static struct plimsoll_json first_of(const struct plimsoll_mutation *mutation, const char *list)
{
    struct plimsoll_json containers = plimsoll_json_get(mutation->spec, list);
    /* first() of an object would give its keys. */
    return plimsoll_json_type(containers) == PLIMSOLL_JSON_ARRAY
               ? plimsoll_json_first(containers)
               : (struct plimsoll_json){.document = NULL, .token = -1};
}

bool plimsoll_container_next(const struct plimsoll_mutation *mutation,
                             struct plimsoll_container *container)
{
    if (container->json.document == NULL) {
        container->json = first_of(mutation, "containers");
    } else {
        container->json = plimsoll_json_next(container->json);
        container->index++;
    }
    if (plimsoll_json_type(container->json) == PLIMSOLL_JSON_MISSING && !container->init) {
        container->init = true;
        container->index = 0;
        container->json = first_of(mutation, "initContainers");
    }
    uint64_t bits =
        container->init ? mutation->demand.init_containers : mutation->demand.containers;
    container->gpu = container->index < 64 && (bits >> container->index & 1) != 0;
    if (container->gpu) {
        container->order = container->seen++;
    }
    return plimsoll_json_type(container->json) != PLIMSOLL_JSON_MISSING;
}

static enum plimsoll_visible read_variable(struct plimsoll_json variable,
                                           struct plimsoll_json *path)
{
    struct plimsoll_json source = plimsoll_json_get(variable, "valueFrom");
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_ANNOTATION_BYTES_MAX);
    if (plimsoll_json_type(source) != PLIMSOLL_JSON_OBJECT) {
        plimsoll_json_string(plimsoll_json_get(variable, "value"), &text);
        return plimsoll_visible_parse(plimsoll_text_span(&text));
    }
    struct plimsoll_json field =
        plimsoll_json_get(plimsoll_json_get(source, "fieldRef"), "fieldPath");
    plimsoll_json_string(field, &text);
    if (!plimsoll_visible_is_ours(plimsoll_text_span(&text))) {
        return PLIMSOLL_VISIBLE_OTHER;
    }
    *path = field;
    return PLIMSOLL_VISIBLE_OURS;
}

enum plimsoll_visible plimsoll_container_visible(const struct plimsoll_container *container,
                                                 struct plimsoll_json *path)
{
    enum plimsoll_visible visible = PLIMSOLL_VISIBLE_ABSENT;
    struct plimsoll_json env = plimsoll_json_get(container->json, "env");
    *path = (struct plimsoll_json){.document = NULL, .token = -1};
    if (plimsoll_json_type(env) != PLIMSOLL_JSON_ARRAY) {
        return visible;
    }
    /* Of several with the name the runtime takes the last. */
    for (struct plimsoll_json variable = plimsoll_json_first(env);
         plimsoll_json_type(variable) != PLIMSOLL_JSON_MISSING;
         variable = plimsoll_json_next(variable)) {
        if (plimsoll_json_is(plimsoll_json_get(variable, "name"), "NVIDIA_VISIBLE_DEVICES")) {
            *path = (struct plimsoll_json){.document = NULL, .token = -1};
            visible = read_variable(variable, path);
        }
    }
    return visible;
}

bool plimsoll_container_privileged(const struct plimsoll_container *container)
{
    bool privileged = false;
    struct plimsoll_json context = plimsoll_json_get(container->json, "securityContext");
    return plimsoll_json_bool(plimsoll_json_get(context, "privileged"), &privileged) && privileged;
}

const char *plimsoll_container_name(const struct plimsoll_container *container, char out[64])
{
    struct plimsoll_span raw = plimsoll_json_raw(plimsoll_json_get(container->json, "name"));
    size_t size = raw.size < 63 ? raw.size : 63; /* a DNS label, or no name to show */
    for (size_t i = 0; i < size; i++) {
        out[i] = raw.data[i] >= 0x20 && raw.data[i] < 0x7F ? raw.data[i] : '?';
    }
    out[size] = '\0';
    return out;
}

const char *plimsoll_container_path(const struct plimsoll_container *container, const char *tail,
                                    char out[64])
{
    snprintf(out, 64, "/spec/%s/%zu%s", container->init ? "initContainers" : "containers",
             container->index, tail);
    return out;
}
