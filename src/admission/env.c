/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA_VISIBLE_DEVICES and the profile's env, container by container (design §3). */
#include "admission_parts.h"

static const char variable_name[] = "NVIDIA_VISIBLE_DEVICES";

static enum plimsoll_visible_devices decide_auto(const struct plimsoll_mutation *mutation)
{
    const struct plimsoll_facts *facts = mutation->facts;
    if (!mutation->demand.plugin) {
        return PLIMSOLL_DEVICES_ASSIGNED;
    }
    if (facts->multi_card[PLIMSOLL_VENDOR_NVIDIA] == 0) {
        return PLIMSOLL_DEVICES_ALL;
    }
    return facts->unpinned[PLIMSOLL_VENDOR_NVIDIA] == 0 ? PLIMSOLL_DEVICES_ASSIGNED
                                                        : PLIMSOLL_DEVICES_NONE;
}

static enum plimsoll_visible_devices decide(const struct plimsoll_mutation *mutation)
{
    const struct plimsoll_demand *demand = &mutation->demand;
    /* A value of ours would widen the instance that the plugin names. */
    if (demand->vendor != PLIMSOLL_VENDOR_NVIDIA || demand->mig ||
        mutation->profile->vendor != PLIMSOLL_VENDOR_NVIDIA || mutation->profile->mig) {
        return PLIMSOLL_DEVICES_NONE;
    }
    enum plimsoll_visible_devices setting = mutation->profile->visible_devices;
    if (mutation->inject && setting != PLIMSOLL_DEVICES_NONE) {
        return PLIMSOLL_DEVICES_ALL;
    }
    return setting == PLIMSOLL_DEVICES_AUTO ? decide_auto(mutation) : setting;
}

static void add_variable(struct plimsoll_addition *addition, const char *name, const char *value)
{
    struct plimsoll_text *out = plimsoll_addition_next(addition, NULL);
    plimsoll_text_add_string(out, "{\"name\":");
    plimsoll_text_add_json(out, plimsoll_span_of(name));
    plimsoll_text_add_string(out, ",\"value\":");
    plimsoll_text_add_json(out, plimsoll_span_of(value));
    plimsoll_text_add_char(out, '}');
}

/* `metadata.annotations['plimsoll.dev/visible-devices.1']`. */
#define FIELD_PATH_SIZE 64

static const char *write_field_path(unsigned order, char out[FIELD_PATH_SIZE])
{
    int size =
        snprintf(out, FIELD_PATH_SIZE, "metadata.annotations['%s", PLIMSOLL_ANNOTATION_VISIBLE);
    snprintf(out + size, FIELD_PATH_SIZE - (size_t)size, order > 0 ? ".%u']" : "']", order);
    return out;
}

/* The kubelet reads it when it creates the container, after the bind has written it. */
static void add_downward(struct plimsoll_addition *addition, unsigned order)
{
    char path[FIELD_PATH_SIZE];
    struct plimsoll_text *out = plimsoll_addition_next(addition, NULL);
    plimsoll_text_add_string(out, "{\"name\":");
    plimsoll_text_add_json(out, plimsoll_span_of(variable_name));
    plimsoll_text_add_string(out, ",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":");
    plimsoll_text_add_json(out, plimsoll_span_of(write_field_path(order, path)));
    plimsoll_text_add_string(out, "}}}");
}

static void add_visible(struct plimsoll_mutation *mutation,
                        const struct plimsoll_container *container,
                        enum plimsoll_visible_devices devices, struct plimsoll_addition *addition)
{
    if (!container->gpu) {
        /* Images often carry NVIDIA_VISIBLE_DEVICES=all, and the class would obey. */
        if (mutation->class_added && mutation->profile->leak_guard) {
            add_variable(addition, variable_name, "void");
        }
    } else if (devices == PLIMSOLL_DEVICES_ALL) {
        add_variable(addition, variable_name, "all");
    } else if (devices == PLIMSOLL_DEVICES_ASSIGNED) {
        mutation->devices_read |= 1u << container->order;
        add_downward(addition, container->order);
    }
}

/* The user's value stays; said where Plimsoll's books cannot follow it. */
static void warn_kept(struct plimsoll_mutation *mutation,
                      const struct plimsoll_container *container, enum plimsoll_visible visible,
                      enum plimsoll_visible_devices devices)
{
    char name[64];
    plimsoll_container_name(container, name);
    if (mutation->demand.vendor != PLIMSOLL_VENDOR_NVIDIA || mutation->inject) {
        return;
    }
    /* On single cards nothing can name another card than the one it would get. */
    bool single = plimsoll_mutation_single_cards(mutation, PLIMSOLL_VENDOR_NVIDIA);
    if (visible == PLIMSOLL_VISIBLE_ALL && !single &&
        !(container->gpu && devices == PLIMSOLL_DEVICES_ALL)) {
        plimsoll_mutation_warn(mutation,
                               "container %s sets %s=all: the pod is booked on every card of its "
                               "node",
                               name, variable_name);
    } else if (visible == PLIMSOLL_VISIBLE_NONE && container->gpu && !mutation->demand.plugin) {
        plimsoll_mutation_warn(mutation, "container %s sets %s to none: it gets no card", name,
                               variable_name);
    } else if (!single && (visible == PLIMSOLL_VISIBLE_LIST || visible == PLIMSOLL_VISIBLE_OTHER)) {
        plimsoll_mutation_warn(mutation,
                               "container %s sets %s itself: Plimsoll may book another card", name,
                               variable_name);
    }
}

static bool has_variable(struct plimsoll_json env, const char *name)
{
    if (plimsoll_json_type(env) != PLIMSOLL_JSON_ARRAY) {
        return false;
    }
    for (struct plimsoll_json variable = plimsoll_json_first(env);
         plimsoll_json_type(variable) != PLIMSOLL_JSON_MISSING;
         variable = plimsoll_json_next(variable)) {
        if (plimsoll_json_is(plimsoll_json_get(variable, "name"), name)) {
            return true;
        }
    }
    return false;
}

static void change_container(struct plimsoll_mutation *mutation,
                             const struct plimsoll_container *container,
                             enum plimsoll_visible_devices devices)
{
    char at[64];
    struct plimsoll_json env = plimsoll_json_get(container->json, "env"), path;
    enum plimsoll_visible visible = plimsoll_container_visible(container, &path);
    struct plimsoll_addition addition =
        plimsoll_addition_to_array(mutation, plimsoll_container_path(container, "/env", at), env);
    if (visible == PLIMSOLL_VISIBLE_ABSENT) {
        add_visible(mutation, container, devices, &addition);
    } else {
        warn_kept(mutation, container, visible, devices);
    }
    const struct plimsoll_pairs *pairs = &mutation->profile->env;
    for (size_t i = 0; container->gpu && i < pairs->count; i++) {
        if (!has_variable(env, pairs->list[i].key)) {
            add_variable(&addition, pairs->list[i].key, pairs->list[i].value);
        }
    }
    plimsoll_addition_end(&addition);
}

void plimsoll_mutation_env(struct plimsoll_mutation *mutation)
{
    enum plimsoll_visible_devices devices = decide(mutation);
    struct plimsoll_container container = {0};
    while (plimsoll_container_next(mutation, &container)) {
        if (plimsoll_json_type(container.json) == PLIMSOLL_JSON_OBJECT) {
            change_container(mutation, &container, devices);
        }
    }
}

void plimsoll_mutation_note_env(struct plimsoll_mutation *mutation)
{
    struct plimsoll_container container = {0};
    struct plimsoll_json path;
    while (plimsoll_container_next(mutation, &container)) {
        if (plimsoll_container_visible(&container, &path) != PLIMSOLL_VISIBLE_OURS) {
            continue;
        }
        for (unsigned order = 0; order < PLIMSOLL_GPU_CONTAINERS_MAX; order++) {
            char field_path[FIELD_PATH_SIZE];
            if (plimsoll_json_is(path, write_field_path(order, field_path))) {
                mutation->devices_read |= 1u << order;
            }
        }
    }
}
