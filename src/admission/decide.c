/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod is to the webhook, and what follows from it. */
#include "admission_parts.h"

/* The annotation plimsoll.dev/inject. */
enum inject { INJECT_UNSET, INJECT_FALSE, INJECT_TRUE };

static int read_inject(const struct plimsoll_mutation *mutation, enum inject *inject,
                       struct plimsoll_error *err)
{
    struct plimsoll_json value =
        plimsoll_json_get(mutation->annotations, PLIMSOLL_ANNOTATION_INJECT);
    *inject = plimsoll_json_is(value, "false")  ? INJECT_FALSE
              : plimsoll_json_is(value, "true") ? INJECT_TRUE
                                                : INJECT_UNSET;
    if (*inject == INJECT_UNSET && plimsoll_mutation_has(value)) {
        struct plimsoll_span raw = plimsoll_json_raw(value);
        raw.size = raw.size < 63 ? raw.size : 63;
        return plimsoll_error_set(err, PLIMSOLL_ERR_DENIED,
                                  "annotation " PLIMSOLL_ANNOTATION_INJECT
                                  ": \"%.*s\" is neither \"true\" nor \"false\"",
                                  PLIMSOLL_SPAN_ARG(raw));
    }
    return 0;
}

/* ---- a pod that uses cards without asking for one ---- */

static bool find_container(struct plimsoll_mutation *mutation, struct plimsoll_span name)
{
    struct plimsoll_json list = plimsoll_json_get(mutation->spec, "containers");
    size_t index = 0;
    for (struct plimsoll_json container = plimsoll_json_first(list);
         plimsoll_json_type(container) != PLIMSOLL_JSON_MISSING && index < 64;
         container = plimsoll_json_next(container), index++) {
        if (plimsoll_span_equal(plimsoll_json_raw(plimsoll_json_get(container, "name")), name)) {
            mutation->demand.containers |= UINT64_C(1) << index;
            return true;
        }
    }
    return false;
}

static int mark_containers(struct plimsoll_mutation *mutation, struct plimsoll_error *err)
{
    struct plimsoll_json names =
        plimsoll_json_get(mutation->annotations, PLIMSOLL_ANNOTATION_CONTAINERS);
    if (!plimsoll_mutation_has(names)) {
        mutation->demand.containers = 1;
        return 0;
    }
    plimsoll_autotext text = plimsoll_text_make(PLIMSOLL_ANNOTATION_BYTES_MAX);
    plimsoll_json_string(names, &text);
    struct plimsoll_span rest = plimsoll_text_span(&text), part;
    for (size_t count = 0; plimsoll_span_cut(&rest, ',', &part); count++) {
        struct plimsoll_span name = plimsoll_span_trim(part);
        if (count == PLIMSOLL_GPU_CONTAINERS_MAX || !find_container(mutation, name)) {
            name.size = name.size < 63 ? name.size : 63;
            return plimsoll_error_set(err, PLIMSOLL_ERR_DENIED,
                                      "annotation " PLIMSOLL_ANNOTATION_CONTAINERS
                                      ": the pod has no container \"%.*s\"; write for example "
                                      "main,worker",
                                      PLIMSOLL_SPAN_ARG(name));
        }
    }
    return 0;
}

static int inject_cards(struct plimsoll_mutation *mutation, struct plimsoll_error *err)
{
    mutation->inject = true;
    mutation->demand.vendor = PLIMSOLL_VENDOR_NVIDIA;
    return mark_containers(mutation, err) < 0 ? -1 : plimsoll_mutation_choose(mutation, err);
}

/* ---- the flow ---- */

/* Facts are needed for what follows; a pod without a GPU never comes here, nor waits. */
static int add_missing(struct plimsoll_mutation *mutation, struct plimsoll_error *err)
{
    if (mutation->facts->api && !mutation->facts->synced) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_UNAVAILABLE,
                                  "the picture of the cluster is not complete yet");
    }
    plimsoll_mutation_runtime_class(mutation);
    plimsoll_mutation_node_selector(mutation);
    plimsoll_mutation_tolerations(mutation);
    plimsoll_mutation_node_affinity(mutation);
    plimsoll_mutation_env(mutation);
    plimsoll_mutation_priority(mutation);
    if (!mutation->inject) { /* holds no claim: any scheduler may place it */
        plimsoll_mutation_scheduler(mutation);
        plimsoll_mutation_limit(mutation);
        plimsoll_mutation_marker(mutation);
        plimsoll_mutation_warn_conflicts(mutation);
    }
    return 0;
}

static int change_spec(struct plimsoll_mutation *mutation, enum inject inject,
                       struct plimsoll_error *err)
{
    const struct plimsoll_profile *named;
    if (inject == INJECT_FALSE) {
        return 0;
    }
    if (mutation->demand.gpu) {
        return plimsoll_mutation_choose(mutation, err) < 0 ? -1 : add_missing(mutation, err);
    }
    if (inject == INJECT_TRUE) {
        return inject_cards(mutation, err) < 0 ? -1 : add_missing(mutation, err);
    }
    if (plimsoll_mutation_named(mutation, &named, err) < 0) {
        return -1;
    }
    plimsoll_mutation_warn_unaccounted(mutation);
    return 0;
}

static int deny_refused(const struct plimsoll_pod *pod, struct plimsoll_error *err)
{
    return plimsoll_error_set(err, PLIMSOLL_ERR_DENIED, "%s", pod->refusal);
}

int plimsoll_mutation_decide(struct plimsoll_mutation *mutation, struct plimsoll_span object,
                             struct plimsoll_error *err)
{
    struct plimsoll_pod pod;
    enum inject inject;
    if (plimsoll_pod_read(object, &mutation->config->reading.resources, &pod, err) < 0) {
        return -1;
    }
    mutation->demand = pod.demand;
    int status = 0;
    /* Placed already, or a static pod's shadow: nothing here could change what runs. */
    if (pod.refusal != NULL && pod.node[0] == '\0' && !pod.mirror) {
        status = deny_refused(&pod, err);
    } else if (pod.node[0] == '\0' && !pod.mirror) {
        status = read_inject(mutation, &inject, err);
        status = status < 0 ? -1 : change_spec(mutation, inject, err);
        if (status == 0) {
            plimsoll_mutation_note_env(mutation);
            plimsoll_mutation_annotations(mutation);
        }
    }
    plimsoll_pod_clear(&pod);
    return status;
}
