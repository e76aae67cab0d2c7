/* SPDX-License-Identifier: Apache-2.0 */
/* What a pod's words come to (design §2.1): which cards, how many, for which containers. */
#include "requests.h"

#include <plimsoll/limits.h>
#include <plimsoll/quantity.h>

/* Managed resources that one container may name; more is a mistake or an attack. */
#define CONTAINER_RESOURCES_MAX 64

/** What the first pass over the containers finds. */
struct survey {
    const struct plimsoll_resources *resources;
    const struct plimsoll_resource *rule; /* the first in order of precedence that is asked for */
    struct plimsoll_span resource;        /* the name it matched */
    struct plimsoll_model_effective vram; /* limits of plimsoll.dev/vram */
    bool vram_limits;                     /* … of which one is not 0 */
    bool ours, all, privileged;
    bool failed; /* a quantity cannot be read */
    struct plimsoll_model_requests requests;
};

/** How the containers that use cards are told in the second pass. */
struct choice {
    struct plimsoll_span resource; /* those that ask for it, */
    bool vram_limits;              /* or that have a VRAM limit, */
    struct {
        struct plimsoll_span name;
        bool found;
    } named[PLIMSOLL_GPU_CONTAINERS_MAX]; /* or that the annotation names, */
    unsigned named_count;                 /* or else the first. */
    struct plimsoll_model_effective devices;
};

static int read_quantity(const struct plimsoll_model_container *container,
                         struct plimsoll_span resource, uint64_t *amount,
                         struct plimsoll_error *err)
{
    struct plimsoll_model_quantity quantity =
        plimsoll_model_container_quantity(container, resource);
    *amount = 0;
    if (!quantity.present) {
        return 0;
    }
    if (plimsoll_quantity_parse(quantity.text, amount, err) != 0) {
        struct plimsoll_span name = plimsoll_model_shown(container->name);
        struct plimsoll_span shown = plimsoll_model_shown(resource);
        return plimsoll_error_wrap(err, "container %.*s: limit %.*s", PLIMSOLL_SPAN_ARG(name),
                                   PLIMSOLL_SPAN_ARG(shown));
    }
    return 0;
}

/* A limit of a few bytes is a forgotten unit; 0 is a marker. */
static int survey_vram(struct survey *survey, const struct plimsoll_model_containers *at,
                       const struct plimsoll_model_container *container, struct plimsoll_error *err)
{
    uint64_t amount;
    if (read_quantity(container, plimsoll_span_of(PLIMSOLL_RESOURCE_VRAM), &amount, err) != 0) {
        return -1;
    }
    if (amount > 0 && amount < PLIMSOLL_VRAM_MIN) {
        struct plimsoll_span name = plimsoll_model_shown(container->name);
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "container %.*s: limit " PLIMSOLL_RESOURCE_VRAM
                                  ": %llu bytes is below 1Mi; a number without a unit is bytes, "
                                  "write for example 12Gi",
                                  PLIMSOLL_SPAN_ARG(name), (unsigned long long)amount);
    }
    survey->vram_limits = survey->vram_limits || amount > 0;
    plimsoll_model_effective_add(&survey->vram, at->init, container->sidecar, amount);
    return 0;
}

/* One of limits and requests: is there a resource that comes before the best so far? */
static int survey_list(struct survey *survey, const struct plimsoll_model_container *container,
                       struct plimsoll_span list, bool *malformed, struct plimsoll_error *err)
{
    struct plimsoll_json_cursor cursor = plimsoll_json_cursor_make(list);
    struct plimsoll_span key;
    unsigned managed = 0;
    int result = 0;
    if (list.size == 0) {
        return 0;
    }
    if (!plimsoll_json_cursor_object(&cursor)) {
        *malformed = *malformed || cursor.failed;
        return 0;
    }
    while (plimsoll_json_cursor_member(&cursor, &key)) {
        plimsoll_json_cursor_skip(&cursor, NULL);
        /* Cards are extended resources, and those have a domain. */
        if (result != 0 || key.size == 0 || memchr(key.data, '/', key.size) == NULL) {
            continue;
        }
        const struct plimsoll_resource *rule = plimsoll_resources_find(survey->resources, key);
        uint64_t amount;
        if (rule == NULL) {
            continue;
        }
        if (++managed > CONTAINER_RESOURCES_MAX) {
            result = plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                        "a container asks for more than %d GPU resources",
                                        CONTAINER_RESOURCES_MAX);
        } else if (read_quantity(container, key, &amount, err) != 0) {
            result = -1;
        } else if (amount > 0 && (survey->rule == NULL || rule < survey->rule)) {
            survey->rule = rule;
            survey->resource = key;
        }
    }
    *malformed = *malformed || cursor.failed;
    return result;
}

static void survey_env(struct survey *survey, const struct plimsoll_model_container *container)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    struct plimsoll_error ignored;
    survey->ours = survey->ours || container->visible_ours;
    survey->privileged = survey->privileged || container->privileged;
    if (container->visible.present &&
        plimsoll_model_value_text(&container->visible, &scratch, &text, &ignored) == 0 &&
        plimsoll_visible_parse(text) == PLIMSOLL_VISIBLE_ALL) {
        survey->all = true;
    }
}

/* Goes on after a bad quantity: what else the pod asks for still counts. */
static void survey_pod(const struct plimsoll_model_asks *asks, struct survey *survey,
                       bool *malformed, struct plimsoll_error *err)
{
    struct plimsoll_model_containers all =
        plimsoll_model_containers_make(asks->container_list, asks->init_list);
    struct plimsoll_model_container container;
    while (plimsoll_model_containers_next(&all, &container)) {
        struct plimsoll_error found, *at = survey->failed ? &found : err;
        int failed = survey_list(survey, &container, container.limits, malformed, at) != 0 ||
                     survey_list(survey, &container, container.requests, malformed, at) != 0 ||
                     survey_vram(survey, &all, &container, at) != 0;
        survey->failed = survey->failed || failed;
        struct plimsoll_requests requests = plimsoll_model_requests_read(container.requests);
        plimsoll_model_requests_add(&survey->requests, all.init, container.sidecar, &requests);
    }
    *malformed = *malformed || all.cursor.failed;
}

/* Only of a pod that asks for cards: most pods have none, and environments are most of their bytes.
 */
static void survey_envs(const struct plimsoll_model_asks *asks, struct survey *survey,
                        bool *malformed)
{
    struct plimsoll_model_containers all =
        plimsoll_model_containers_make(asks->container_list, asks->init_list);
    struct plimsoll_model_container container;
    while (plimsoll_model_containers_next(&all, &container)) {
        *malformed = !plimsoll_model_container_read_env(&container) || *malformed;
        survey_env(survey, &container);
    }
}

static int set_resource(const struct survey *survey, struct plimsoll_demand *demand,
                        struct plimsoll_error *err)
{
    demand->vendor = survey->rule->vendor;
    demand->plugin = true;
    demand->mig = survey->rule->mig;
    if (!plimsoll_model_copy(survey->resource, demand->resource, sizeof demand->resource)) {
        struct plimsoll_span shown = plimsoll_model_shown(survey->resource);
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "resource %.*s…: the name is longer than %zu bytes",
                                  PLIMSOLL_SPAN_ARG(shown), sizeof demand->resource - 1);
    }
    const char *profile = demand->mig ? strstr(demand->resource, "mig-") : NULL;
    if (profile != NULL && !plimsoll_model_copy(plimsoll_span_of(profile + 4), demand->mig_profile,
                                                sizeof demand->mig_profile)) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "resource %s: a MIG profile has at most %zu bytes",
                                  demand->resource, sizeof demand->mig_profile - 1);
    }
    return 0;
}

static int read_gpus(const struct plimsoll_model_value *gpus, struct plimsoll_demand *demand,
                     struct plimsoll_error *err)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    unsigned long long number = 1;
    if (!gpus->present) {
        return 0;
    }
    if (plimsoll_model_value_text(gpus, &scratch, &text, err) != 0) {
        return plimsoll_error_wrap(err, "annotation " PLIMSOLL_ANNOTATION_GPUS);
    }
    if (!plimsoll_span_decimal(text, &number) || number < 1 || number > PLIMSOLL_CARDS_MAX) {
        struct plimsoll_span shown = plimsoll_model_shown(text);
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "annotation " PLIMSOLL_ANNOTATION_GPUS
                                  ": \"%.*s\" is no number of cards from 1 to %d",
                                  PLIMSOLL_SPAN_ARG(shown), PLIMSOLL_CARDS_MAX);
    }
    demand->cards = (uint32_t)number;
    return 0;
}

/* The names point into the annotation: `scratch` must outlive the choice. */
static int read_names(const struct plimsoll_model_value *containers, struct plimsoll_text *scratch,
                      struct choice *choice, struct plimsoll_error *err)
{
    struct plimsoll_span rest, part;
    if (plimsoll_model_value_text(containers, scratch, &rest, err) != 0) {
        return plimsoll_error_wrap(err, "annotation " PLIMSOLL_ANNOTATION_CONTAINERS);
    }
    bool more = plimsoll_span_cut(&rest, ',', &part);
    while (more) {
        struct plimsoll_span name = plimsoll_span_trim(part);
        if (name.size == 0) {
            break;
        }
        if (choice->named_count == PLIMSOLL_GPU_CONTAINERS_MAX) {
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "annotation " PLIMSOLL_ANNOTATION_CONTAINERS
                                      ": more than %d containers",
                                      PLIMSOLL_GPU_CONTAINERS_MAX);
        }
        choice->named[choice->named_count++].name = name;
        more = plimsoll_span_cut(&rest, ',', &part);
    }
    if (more || choice->named_count == 0) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "annotation " PLIMSOLL_ANNOTATION_CONTAINERS
                                  ": a name is empty; write for example main,worker");
    }
    return 0;
}

static bool is_named(struct choice *choice, struct plimsoll_span name)
{
    bool found = false;
    for (unsigned i = 0; i < choice->named_count; i++) {
        if (plimsoll_span_equal(choice->named[i].name, name)) {
            choice->named[i].found = found = true;
        }
    }
    return found;
}

/* Devices of one container, 0 when it uses no card. */
static int count_devices(struct choice *choice, const struct plimsoll_model_containers *at,
                         const struct plimsoll_model_container *container,
                         const struct plimsoll_demand *demand, uint64_t *devices,
                         struct plimsoll_error *err)
{
    bool uses = !at->init && at->index == 0;
    if (demand->plugin) {
        if (read_quantity(container, choice->resource, devices, err) != 0) {
            return -1;
        }
        plimsoll_model_effective_add(&choice->devices, at->init, container->sidecar, *devices);
        return 0;
    }
    if (choice->named_count > 0) {
        uses = is_named(choice, container->name);
    } else if (choice->vram_limits) {
        uint64_t bytes;
        if (read_quantity(container, plimsoll_span_of(PLIMSOLL_RESOURCE_VRAM), &bytes, err) != 0) {
            return -1;
        }
        uses = bytes > 0;
    }
    *devices = uses ? demand->cards : 0;
    return 0;
}

static int mark(const struct plimsoll_model_containers *at, uint64_t devices,
                struct plimsoll_demand *demand, struct plimsoll_error *err)
{
    if (demand->container_count == PLIMSOLL_GPU_CONTAINERS_MAX || at->index >= 64) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "more than %d containers use GPUs, or one after the 64th",
                                  PLIMSOLL_GPU_CONTAINERS_MAX);
    }
    uint64_t *bits = at->init ? &demand->init_containers : &demand->containers;
    *bits |= UINT64_C(1) << at->index;
    demand->container_cards[demand->container_count++] =
        (uint8_t)(devices < PLIMSOLL_CARDS_MAX ? devices : PLIMSOLL_CARDS_MAX);
    return 0;
}

static int choose(const struct plimsoll_model_asks *asks, struct choice *choice,
                  struct plimsoll_demand *demand, struct plimsoll_error *err)
{
    struct plimsoll_model_containers all =
        plimsoll_model_containers_make(asks->container_list, asks->init_list);
    struct plimsoll_model_container container;
    while (plimsoll_model_containers_next(&all, &container)) {
        uint64_t devices;
        if (count_devices(choice, &all, &container, demand, &devices, err) != 0 ||
            (devices > 0 && mark(&all, devices, demand, err) != 0)) {
            return -1;
        }
    }
    for (unsigned i = 0; i < choice->named_count; i++) {
        if (!choice->named[i].found) {
            struct plimsoll_span name = plimsoll_model_shown(choice->named[i].name);
            return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                      "annotation " PLIMSOLL_ANNOTATION_CONTAINERS
                                      ": the pod has no container \"%.*s\"",
                                      PLIMSOLL_SPAN_ARG(name));
        }
    }
    return 0;
}

/* Number of cards and the containers that use them. */
static int read_cards(const struct plimsoll_model_asks *asks, const struct survey *survey,
                      struct plimsoll_demand *demand, struct plimsoll_error *err)
{
    plimsoll_autotext scratch = {0};
    struct choice choice = {.resource = survey->resource, .vram_limits = survey->vram_limits};
    if (!demand->plugin) {
        if (read_gpus(&asks->gpus, demand, err) != 0 ||
            (asks->containers.present &&
             read_names(&asks->containers, &scratch, &choice, err) != 0)) {
            return -1;
        }
        return choose(asks, &choice, demand, err);
    }
    if (choose(asks, &choice, demand, err) != 0) {
        return -1;
    }
    uint64_t total = plimsoll_model_effective_total(&choice.devices);
    if (total < 1 || total > PLIMSOLL_CARDS_MAX) {
        return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                                  "%s: %llu devices; a pod may ask for 1 to %d", demand->resource,
                                  (unsigned long long)total, PLIMSOLL_CARDS_MAX);
    }
    demand->cards = (uint32_t)total;
    return 0;
}

static int read_word(const struct plimsoll_model_value *value, const char *annotation,
                     const char *const *words, const char *right, int *out,
                     struct plimsoll_error *err)
{
    plimsoll_autotext scratch = {0};
    struct plimsoll_span text;
    if (!value->present) {
        return 0;
    }
    if (plimsoll_model_value_text(value, &scratch, &text, err) != 0) {
        return plimsoll_error_wrap(err, "annotation %s", annotation);
    }
    for (int i = 0; words[i] != NULL; i++) {
        if (plimsoll_span_is(text, words[i])) {
            *out = i;
            return 0;
        }
    }
    struct plimsoll_span shown = plimsoll_model_shown(text);
    return plimsoll_error_set(err, PLIMSOLL_ERR_INVALID,
                              "annotation %s: \"%.*s\" is not known; write %s", annotation,
                              PLIMSOLL_SPAN_ARG(shown), right);
}

static int read_wishes(const struct plimsoll_model_asks *asks, struct plimsoll_demand *demand,
                       struct plimsoll_error *err)
{
    static const char *const topologies[] = {[PLIMSOLL_TOPOLOGY_ANY] = "any",
                                             [PLIMSOLL_TOPOLOGY_NVLINK] = "nvlink",
                                             [PLIMSOLL_TOPOLOGY_NUMA] = "numa",
                                             NULL};
    static const char *const policies[] = {"pack", "spread", NULL};
    int topology = PLIMSOLL_TOPOLOGY_ANY, policy = -1;
    if (read_word(&asks->topology, PLIMSOLL_ANNOTATION_TOPOLOGY, topologies, "nvlink, numa or any",
                  &topology, err) != 0 ||
        read_word(&asks->policy, PLIMSOLL_ANNOTATION_POLICY, policies, "pack or spread", &policy,
                  err) != 0) {
        return -1;
    }
    demand->topology = (enum plimsoll_topology)topology;
    demand->policy = policy < 0    ? PLIMSOLL_POLICY_UNSET
                     : policy == 0 ? PLIMSOLL_POLICY_PACK
                                   : PLIMSOLL_POLICY_SPREAD;
    return 0;
}

int plimsoll_model_demand(struct plimsoll_model_asks *asks,
                          const struct plimsoll_resources *resources,
                          struct plimsoll_demand *demand, bool *malformed,
                          struct plimsoll_error *err)
{
    struct survey survey = {.resources = resources};
    *demand = (struct plimsoll_demand){.gpu = false};
    bool domains = asks->container_domains || asks->init_domains;
    if (!asks->vram.present && !domains) {
        return 0;
    }
    if (domains) {
        survey_pod(asks, &survey, malformed, err);
        asks->requests = survey.requests;
    }
    demand->gpu = survey.rule != NULL || survey.vram_limits || survey.failed || asks->vram.present;
    if (!demand->gpu) {
        return 0;
    }
    /* VRAM-only pods are NVIDIA: only there does an environment variable give a container its card.
     */
    demand->vendor = PLIMSOLL_VENDOR_NVIDIA;
    demand->cards = 1;
    demand->vram_limit = plimsoll_model_effective_total(&survey.vram);
    survey_envs(asks, &survey, malformed);
    struct plimsoll_error found, *at = survey.failed ? &found : err;
    int failed = survey.rule != NULL && set_resource(&survey, demand, at) != 0;
    demand->env_ours = survey.ours;
    demand->every_card =
        survey.privileged || (survey.all && demand->vendor == PLIMSOLL_VENDOR_NVIDIA);
    if (failed || survey.failed || read_cards(asks, &survey, demand, err) != 0) {
        return -1;
    }
    struct plimsoll_model_vram vram = {.annotation = &asks->vram,
                                       .limit_total = demand->vram_limit};
    return plimsoll_model_request(&vram, demand, err) != 0 || read_wishes(asks, demand, err) != 0
               ? -1
               : 0;
}
