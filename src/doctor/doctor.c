/* SPDX-License-Identifier: Apache-2.0 */
#include "parts.h"

#include <plimsoll/clock.h>
#include <plimsoll/pod.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMES_BYTES_MAX 2048u

/* -- reading -------------------------------------------------------------------------------------
 */

struct plimsoll_json plimsoll_doctor_at(struct plimsoll_json object, ...)
{
    va_list keys;
    va_start(keys, object);
    for (const char *key; (key = va_arg(keys, const char *)) != NULL;) {
        object = plimsoll_json_get(object, key);
    }
    va_end(keys);
    return object;
}

struct plimsoll_json plimsoll_doctor_annotation(struct plimsoll_json object, const char *key)
{
    return plimsoll_doctor_at(object, "metadata", "annotations", key, NULL);
}

struct plimsoll_json plimsoll_doctor_label(struct plimsoll_json object, const char *key)
{
    return plimsoll_doctor_at(object, "metadata", "labels", key, NULL);
}

int64_t plimsoll_doctor_time(struct plimsoll_json value)
{
    int64_t time = 0;
    struct plimsoll_error err = {0};
    if (plimsoll_json_type(value) != PLIMSOLL_JSON_STRING ||
        plimsoll_time_parse(plimsoll_json_raw(value), &time, &err) < 0) {
        return 0;
    }
    return time;
}

bool plimsoll_doctor_condition(struct plimsoll_json object, const char *type, bool *there)
{
    struct plimsoll_json it =
        plimsoll_json_first(plimsoll_doctor_at(object, "status", "conditions", NULL));
    *there = false;
    for (; is_there(it); it = plimsoll_json_next(it)) {
        if (plimsoll_json_is(plimsoll_json_get(it, "type"), type)) {
            *there = true;
            return plimsoll_json_is(plimsoll_json_get(it, "status"), "True");
        }
    }
    return false;
}

bool plimsoll_doctor_ours(const struct plimsoll_doctor *doctor, struct plimsoll_json scheduler)
{
    for (size_t i = 0; i < doctor->options.scheduler_count; i++) {
        if (plimsoll_json_is(scheduler, doctor->options.schedulers[i])) {
            return true;
        }
    }
    return false;
}

void plimsoll_doctor_keep(char **slot, struct plimsoll_json value)
{
    free(*slot);
    *slot = plimsoll_json_dup(value);
}

/* -- saying --------------------------------------------------------------------------------------
 */

void plimsoll_doctor_name(struct names *names, const char *home, const char *name)
{
    if (names->text.size_max == 0) {
        names->text = plimsoll_text_make(NAMES_BYTES_MAX);
    }
    if (names->count++ < PLIMSOLL_DOCTOR_NAMES_MAX) {
        plimsoll_text_add_format(&names->text, "%s%s%s%s", names->count > 1 ? ", " : "", home,
                                 home[0] != '\0' ? "/" : "", name);
    }
}

void plimsoll_doctor_find(struct plimsoll_doctor *doctor, const char *check,
                          enum plimsoll_finding_state state, const char *todo, const char *format,
                          ...)
{
    struct plimsoll_finding *finding = &doctor->findings[doctor->finding_count];
    char *says = NULL;
    va_list values;
    va_start(values, format);
    int size = vasprintf(&says, format, values);
    va_end(values);
    if (size < 0 || doctor->finding_count == PLIMSOLL_DOCTOR_FINDINGS_MAX) {
        free(says);
        return;
    }
    *finding =
        (struct plimsoll_finding){.check = check, .state = state, .says = says, .todo = todo};
    doctor->finding_count++;
}

void plimsoll_doctor_list(struct plimsoll_doctor *doctor, const char *check,
                          enum plimsoll_finding_state state, const struct names *names,
                          const char *what, const char *todo)
{
    if (names->count > 0) {
        plimsoll_doctor_find(doctor, check, state, todo, "%s (%zu): %s%s.", what, names->count,
                             names->text.data,
                             names->count > PLIMSOLL_DOCTOR_NAMES_MAX ? " and more" : "");
    }
}

bool plimsoll_doctor_missed(struct plimsoll_doctor *doctor, const char *check,
                            enum plimsoll_doctor_kind kind)
{
    if (doctor->unread[kind] != NULL) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_WARNING,
                             "Ask again as somebody who may.", "Not asked: %s",
                             doctor->unread[kind]);
    }
    return doctor->unread[kind] != NULL;
}

/* -- the face ------------------------------------------------------------------------------------
 */

struct plimsoll_doctor *plimsoll_doctor_new(const struct plimsoll_doctor_options *options)
{
    struct plimsoll_doctor *doctor = plimsoll_alloc(1, sizeof *doctor);
    doctor->options = *options;
    doctor->now = options->now_unix_ms;
    return doctor;
}

static void clear_names(struct plimsoll_doctor *doctor)
{
    struct names *all[] = {
        &doctor->other_versions, &doctor->misplaced, &doctor->stuck,    &doctor->unclaimed,
        &doctor->unchanged,      &doctor->dra,       &doctor->extended, &doctor->without_agent,
        &doctor->unready,        &doctor->stale,     &doctor->unusable, &doctor->without_inventory};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        plimsoll_text_clear(&all[i]->text);
    }
}

void plimsoll_doctor_free(struct plimsoll_doctor **handle)
{
    struct plimsoll_doctor *doctor = *handle;
    *handle = NULL;
    if (doctor == NULL) {
        return;
    }
    char *strings[] = {doctor->webhook,    doctor->service,        doctor->home,
                       doctor->ca_bundle,  doctor->failure_policy, doctor->trusted,
                       doctor->deployment, doctor->ca_config_map,  doctor->version,
                       doctor->lease,      doctor->ahead,          doctor->trial_scheduler};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        free(strings[i]);
    }
    for (size_t i = 0; i < PLIMSOLL_DOCTOR_KIND_COUNT; i++) {
        free(doctor->unread[i]);
    }
    for (size_t i = 0; i < doctor->excluded_count; i++) {
        free(doctor->excluded[i]);
    }
    for (size_t i = 0; i < doctor->agent_count; i++) {
        free(doctor->agents[i].node);
    }
    for (size_t i = 0; i < doctor->finding_count; i++) {
        free(doctor->findings[i].says);
    }
    clear_names(doctor);
    free(doctor->agents);
    free(doctor);
}

static void take_trial(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    doctor->tried = true;
    doctor->mutated = is_there(plimsoll_doctor_annotation(object, PLIMSOLL_ANNOTATION_PROFILE));
    doctor->trial_unix_ms =
        plimsoll_doctor_time(plimsoll_doctor_at(object, "metadata", "creationTimestamp", NULL));
    doctor->now = doctor->trial_unix_ms > 0 ? doctor->trial_unix_ms : doctor->now;
    plimsoll_doctor_keep(&doctor->trial_scheduler,
                         plimsoll_doctor_at(object, "spec", "schedulerName", NULL));
}

void plimsoll_doctor_take(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                          struct plimsoll_json object)
{
    switch (kind) {
    case PLIMSOLL_DOCTOR_DEPLOYMENTS:
    case PLIMSOLL_DOCTOR_DAEMON_SETS:
    case PLIMSOLL_DOCTOR_STATEFUL_SETS:
    case PLIMSOLL_DOCTOR_JOBS:
        plimsoll_doctor_workload(doctor, kind, object);
        plimsoll_doctor_release(doctor, kind, object);
        break;
    case PLIMSOLL_DOCTOR_PODS:
        plimsoll_doctor_pod(doctor, object);
        break;
    case PLIMSOLL_DOCTOR_RESOURCE_CLAIMS:
        plimsoll_doctor_workload(doctor, kind, object);
        break;
    case PLIMSOLL_DOCTOR_NODES:
        plimsoll_doctor_node(doctor, object);
        break;
    case PLIMSOLL_DOCTOR_TRIAL:
        take_trial(doctor, object);
        break;
    case PLIMSOLL_DOCTOR_WEBHOOKS:
    case PLIMSOLL_DOCTOR_ENDPOINTS:
    case PLIMSOLL_DOCTOR_CONFIG_MAPS:
    case PLIMSOLL_DOCTOR_LEASES:
    case PLIMSOLL_DOCTOR_RUNTIME_CLASSES:
    case PLIMSOLL_DOCTOR_KIND_COUNT:
        plimsoll_doctor_release(doctor, kind, object);
    }
}

void plimsoll_doctor_unread(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                            const char *why)
{
    free(doctor->unread[kind]);
    doctor->unread[kind] = plimsoll_copy(why, strlen(why));
}

const char *plimsoll_doctor_home(const struct plimsoll_doctor *doctor)
{
    return doctor->home;
}

const struct plimsoll_finding *plimsoll_doctor_end(struct plimsoll_doctor *doctor, size_t *count)
{
    plimsoll_doctor_judge_release(doctor);
    plimsoll_doctor_judge_trial(doctor);
    plimsoll_doctor_judge_nodes(doctor);
    plimsoll_doctor_judge_pods(doctor);
    *count = doctor->finding_count;
    return doctor->findings;
}
