/* SPDX-License-Identifier: Apache-2.0 */
/* Pods, what makes them, and cards that are handed out past us. */
#include "parts.h"

#include <plimsoll/pod.h>

#include <string.h>

/* -- taking --------------------------------------------------------------------------------------
 */

static void note_agent(struct plimsoll_doctor *doctor, const struct plimsoll_pod *pod)
{
    if (doctor->agent_count == AGENTS_MAX || pod->node[0] == '\0') {
        return;
    }
    if ((doctor->agent_count & (doctor->agent_count - 1)) == 0) {
        size_t room = doctor->agent_count > 0 ? 2 * doctor->agent_count : 1;
        doctor->agents = plimsoll_realloc(doctor->agents, room, sizeof *doctor->agents);
    }
    doctor->agents[doctor->agent_count++] =
        (struct agent){.node = plimsoll_copy(pod->node, strlen(pod->node)), .ready = pod->ready};
}

/* Nobody has tried, and not because it is to wait. */
static bool is_stuck(const struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    bool tried;
    (void)plimsoll_doctor_condition(object, "PodScheduled", &tried);
    int64_t created =
        plimsoll_doctor_time(plimsoll_doctor_at(object, "metadata", "creationTimestamp", NULL));
    return !tried && created + PLIMSOLL_DOCTOR_PATIENCE_MS < doctor->now &&
           plimsoll_json_count(plimsoll_doctor_at(object, "spec", "schedulingGates", NULL)) == 0;
}

/* Nobody wanted the webhook to look at it. */
static bool is_let_alone(const struct plimsoll_doctor *doctor, const struct plimsoll_pod *pod,
                         struct plimsoll_json object)
{
    for (size_t i = 0; i < doctor->excluded_count; i++) {
        if (strcmp(doctor->excluded[i], pod->namespace_) == 0) {
            return true;
        }
    }
    return pod->mirror ||
           plimsoll_json_is(plimsoll_doctor_annotation(object, PLIMSOLL_ANNOTATION_INJECT),
                            "false");
}

static void look_at(struct plimsoll_doctor *doctor, const struct plimsoll_pod *pod,
                    struct plimsoll_json object)
{
    bool bound = pod->node[0] != '\0';
    bool ours =
        plimsoll_doctor_ours(doctor, plimsoll_doctor_at(object, "spec", "schedulerName", NULL));
    if (ours && !bound && is_stuck(doctor, object)) {
        plimsoll_doctor_name(&doctor->stuck, pod->namespace_, pod->name);
    }
    if (is_there(plimsoll_doctor_at(object, "status", "extendedResourceClaimStatus", NULL))) {
        plimsoll_doctor_name(&doctor->extended, pod->namespace_, pod->name);
    }
    if (!pod->demand.gpu) {
        return;
    }
    doctor->claims += plimsoll_pod_claimed(pod) ? 1 : 0;
    if (ours && bound && !plimsoll_pod_claimed(pod)) {
        plimsoll_doctor_name(&doctor->unclaimed, pod->namespace_, pod->name);
    }
    /* Written by hand for our scheduler it has a claim, and nothing is amiss. */
    if (!is_there(plimsoll_doctor_annotation(object, PLIMSOLL_ANNOTATION_PROFILE)) &&
        !plimsoll_pod_claimed(pod) && !is_let_alone(doctor, pod, object)) {
        plimsoll_doctor_name(&doctor->unchanged, pod->namespace_, pod->name);
    }
}

void plimsoll_doctor_pod(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_pod pod;
    struct plimsoll_error unused = {0};
    if (plimsoll_pod_read(plimsoll_json_raw(object), &doctor->options.reading->resources, &pod,
                          &unused) < 0) {
        return;
    }
    if (pod.agent) {
        note_agent(doctor, &pod);
    } else if (!pod.finished) {
        look_at(doctor, &pod, object);
    }
    plimsoll_pod_clear(&pod);
}

static void take_claim(struct plimsoll_doctor *doctor, struct plimsoll_json object,
                       const char *home, const char *name)
{
    static const char *const drivers[] = {"gpu.nvidia.com", "gpu.amd.com", "gpu.intel.com"};
    struct plimsoll_json it = plimsoll_json_first(
        plimsoll_doctor_at(object, "status", "allocation", "devices", "results", NULL));
    for (; is_there(it); it = plimsoll_json_next(it)) {
        struct plimsoll_json driver = plimsoll_json_get(it, "driver");
        for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
            if (plimsoll_json_is(driver, drivers[i])) {
                plimsoll_doctor_name(&doctor->dra, home, name);
                return;
            }
        }
    }
}

void plimsoll_doctor_workload(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                              struct plimsoll_json object)
{
    plimsoll_autofree char *home =
        plimsoll_json_dup(plimsoll_doctor_at(object, "metadata", "namespace", NULL));
    plimsoll_autofree char *name =
        plimsoll_json_dup(plimsoll_doctor_at(object, "metadata", "name", NULL));
    if (home == NULL || name == NULL) {
        return;
    }
    if (kind == PLIMSOLL_DOCTOR_RESOURCE_CLAIMS) {
        take_claim(doctor, object, home, name);
        return;
    }
    struct plimsoll_json template = plimsoll_doctor_at(object, "spec", "template", NULL);
    if (is_there(plimsoll_doctor_annotation(object, PLIMSOLL_ANNOTATION_VRAM)) &&
        !is_there(plimsoll_doctor_annotation(template, PLIMSOLL_ANNOTATION_VRAM))) {
        plimsoll_doctor_name(&doctor->misplaced, home, name);
    }
}

/* -- judging -------------------------------------------------------------------------------------
 */

static void judge_unchanged(struct plimsoll_doctor *doctor)
{
    static const char check[] = "pods";
    if (doctor->unread[PLIMSOLL_DOCTOR_PODS] != NULL) {
        return; /* said of the scheduler */
    }
    plimsoll_doctor_list(doctor, check, PLIMSOLL_FINDING_WARNING, &doctor->unchanged,
                         "GPU pods that the webhook has not seen",
                         "They are accounted by the default request; create them again to have "
                         "them placed by Plimsoll.");
    if (doctor->unchanged.count == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "Every GPU pod was seen by the webhook, or placed by Plimsoll.");
    }
}

static void judge_misplaced(struct plimsoll_doctor *doctor)
{
    static const char check[] = "annotations";
    static const enum plimsoll_doctor_kind kinds[] = {
        PLIMSOLL_DOCTOR_DAEMON_SETS, PLIMSOLL_DOCTOR_STATEFUL_SETS, PLIMSOLL_DOCTOR_JOBS};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (plimsoll_doctor_missed(doctor, check, kinds[i])) {
            return;
        }
    }
    plimsoll_doctor_list(doctor, check, PLIMSOLL_FINDING_WARNING, &doctor->misplaced,
                         PLIMSOLL_ANNOTATION_VRAM " on the workload itself and not on its pods",
                         "Write it in spec.template.metadata.annotations: a pod gets the "
                         "annotations of its template only.");
    if (doctor->misplaced.count == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "No workload has %s in the wrong place.", PLIMSOLL_ANNOTATION_VRAM);
    }
}

static void judge_dra(struct plimsoll_doctor *doctor)
{
    static const char check[] = "dra";
    static const char todo[] = "Keep those cards out of Plimsoll's nodes, or cordon them with "
                               "plimsoll.dev/cordoned.";
    if (plimsoll_doctor_missed(doctor, check, PLIMSOLL_DOCTOR_RESOURCE_CLAIMS)) {
        return;
    }
    plimsoll_doctor_list(doctor, check, PLIMSOLL_FINDING_WARNING, &doctor->dra,
                         "ResourceClaims that hold GPUs, which is not accounted", todo);
    plimsoll_doctor_list(doctor, check, PLIMSOLL_FINDING_WARNING, &doctor->extended,
                         "Pods with a resource through DRAExtendedResource, which is not accounted",
                         todo);
    if (doctor->dra.count == 0 && doctor->extended.count == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "Dynamic resource allocation has handed out no GPU.");
    }
}

void plimsoll_doctor_judge_pods(struct plimsoll_doctor *doctor)
{
    judge_unchanged(doctor);
    judge_misplaced(doctor);
    judge_dra(doctor);
}
