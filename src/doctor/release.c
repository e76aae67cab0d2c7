/* SPDX-License-Identifier: Apache-2.0 */
/* The release: its webhook, server, scheduler and certificates. */
#include "parts.h"

#include <plimsoll/clock.h>

#include <stdio.h>
#include <string.h>

#define WEBHOOK   "pods.plimsoll.dev"
#define COMPONENT "app.kubernetes.io/component"
#define VERSION   "app.kubernetes.io/version"

/* -- taking --------------------------------------------------------------------------------------
 */

/* Namespaces that the webhook is not asked about, by name. */
static void read_selector(struct plimsoll_doctor *doctor, struct plimsoll_json webhook)
{
    struct plimsoll_json it = plimsoll_json_first(
        plimsoll_doctor_at(webhook, "namespaceSelector", "matchExpressions", NULL));
    for (; is_there(it); it = plimsoll_json_next(it)) {
        if (!plimsoll_json_is(plimsoll_json_get(it, "key"), "kubernetes.io/metadata.name") ||
            !plimsoll_json_is(plimsoll_json_get(it, "operator"), "NotIn")) {
            continue;
        }
        struct plimsoll_json name = plimsoll_json_first(plimsoll_json_get(it, "values"));
        for (; is_there(name) && doctor->excluded_count < EXCLUDED_MAX;
             name = plimsoll_json_next(name)) {
            char *copy = plimsoll_json_dup(name);
            if (copy != NULL) {
                doctor->excluded[doctor->excluded_count++] = copy;
            }
        }
    }
}

static void take_webhook(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(object, "webhooks"));
    while (is_there(it) && !plimsoll_json_is(plimsoll_json_get(it, "name"), WEBHOOK)) {
        it = plimsoll_json_next(it);
    }
    if (!is_there(it) || doctor->webhook != NULL) {
        return;
    }
    struct plimsoll_json client = plimsoll_json_get(it, "clientConfig");
    plimsoll_doctor_keep(&doctor->webhook, plimsoll_doctor_at(object, "metadata", "name", NULL));
    plimsoll_doctor_keep(&doctor->failure_policy, plimsoll_json_get(it, "failurePolicy"));
    plimsoll_doctor_keep(&doctor->service, plimsoll_doctor_at(client, "service", "name", NULL));
    plimsoll_doctor_keep(&doctor->home, plimsoll_doctor_at(client, "service", "namespace", NULL));
    doctor->ca_bundle =
        plimsoll_doctor_decode(plimsoll_json_raw(plimsoll_json_get(client, "caBundle")));
    read_selector(doctor, it);
}

/* Every part of the release says its version; they should say the same. */
static void compare_version(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_json version = plimsoll_doctor_label(object, VERSION);
    plimsoll_autofree char *name =
        plimsoll_json_dup(plimsoll_doctor_at(object, "metadata", "name", NULL));
    plimsoll_autofree char *text = plimsoll_json_dup(version);
    if (name != NULL && text != NULL && strcmp(text, doctor->options.version) != 0) {
        char both[PLIMSOLL_NAME_BYTES_MAX + 80];
        (void)snprintf(both, sizeof both, "%s (%.63s)", name, text);
        plimsoll_doctor_name(&doctor->other_versions, "", both);
    }
}

static void read_argument(struct plimsoll_doctor *doctor, struct plimsoll_json argument)
{
    static const char flag[] = "--ca-configmap=";
    plimsoll_autofree char *text = plimsoll_json_dup(argument);
    if (text != NULL && strncmp(text, flag, sizeof flag - 1) == 0) {
        free(doctor->ca_config_map);
        doctor->ca_config_map =
            plimsoll_copy(text + sizeof flag - 1, strlen(text) + 1 - sizeof flag);
    }
}

static void take_server(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_json template =
        plimsoll_doctor_at(object, "spec", "template", "spec", "containers", NULL);
    plimsoll_doctor_keep(&doctor->deployment, plimsoll_doctor_at(object, "metadata", "name", NULL));
    doctor->wanted = 1;
    (void)plimsoll_json_int(plimsoll_doctor_at(object, "spec", "replicas", NULL), &doctor->wanted);
    (void)plimsoll_json_int(plimsoll_doctor_at(object, "status", "readyReplicas", NULL),
                            &doctor->ready);
    for (struct plimsoll_json it = plimsoll_json_first(template); is_there(it);
         it = plimsoll_json_next(it)) {
        doctor->scheduler_runs |= plimsoll_json_is(plimsoll_json_get(it, "name"), "kube-scheduler");
        struct plimsoll_json argument = plimsoll_json_first(plimsoll_json_get(it, "args"));
        for (; is_there(argument); argument = plimsoll_json_next(argument)) {
            read_argument(doctor, argument);
        }
    }
}

/* The component is on the pods, the part on the release's own objects. */
static void take_part(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                      struct plimsoll_json object)
{
    if (!plimsoll_json_is(plimsoll_doctor_label(object, "app.kubernetes.io/part-of"), "plimsoll")) {
        return;
    }
    compare_version(doctor, object);
    struct plimsoll_json component =
        plimsoll_doctor_label(plimsoll_doctor_at(object, "spec", "template", NULL), COMPONENT);
    if (kind == PLIMSOLL_DOCTOR_DEPLOYMENTS && plimsoll_json_is(component, "server")) {
        take_server(doctor, object);
    }
}

static void take_endpoints(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_json service = plimsoll_doctor_label(object, "kubernetes.io/service-name");
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(object, "endpoints"));
    if (doctor->service == NULL || !plimsoll_json_is(service, doctor->service)) {
        return;
    }
    for (; is_there(it); it = plimsoll_json_next(it)) {
        bool ready = true; /* not said is ready */
        (void)plimsoll_json_bool(plimsoll_doctor_at(it, "conditions", "ready", NULL), &ready);
        doctor->endpoints++;
        doctor->endpoints_ready += ready ? 1 : 0;
    }
}

static void take_lease(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_json name = plimsoll_doctor_at(object, "metadata", "name", NULL);
    plimsoll_autofree char *text = plimsoll_json_dup(name);
    static const char end[] = "-scheduler";
    size_t size = text != NULL ? strlen(text) : 0;
    if (size < sizeof end || strcmp(text + size + 1 - sizeof end, end) != 0) {
        return;
    }
    int64_t renewed = plimsoll_doctor_time(plimsoll_doctor_at(object, "spec", "renewTime", NULL));
    plimsoll_autofree char *holder =
        plimsoll_json_dup(plimsoll_doctor_at(object, "spec", "holderIdentity", NULL));
    plimsoll_doctor_keep(&doctor->lease, name);
    doctor->lease_held =
        holder != NULL && holder[0] != '\0' && renewed + PLIMSOLL_DOCTOR_PATIENCE_MS > doctor->now;
}

static void take_runtime_class(struct plimsoll_doctor *doctor, struct plimsoll_json object)
{
    struct plimsoll_json name = plimsoll_doctor_at(object, "metadata", "name", NULL);
    for (size_t i = 0; i < doctor->options.runtime_class_count && i < 64; i++) {
        if (plimsoll_json_is(name, doctor->options.runtime_classes[i])) {
            doctor->runtime_classes |= UINT64_C(1) << i;
        }
    }
}

void plimsoll_doctor_release(struct plimsoll_doctor *doctor, enum plimsoll_doctor_kind kind,
                             struct plimsoll_json object)
{
    struct plimsoll_json name = plimsoll_doctor_at(object, "metadata", "name", NULL);
    if (kind == PLIMSOLL_DOCTOR_WEBHOOKS) {
        take_webhook(doctor, object);
    } else if (kind == PLIMSOLL_DOCTOR_DEPLOYMENTS || kind == PLIMSOLL_DOCTOR_DAEMON_SETS) {
        take_part(doctor, kind, object);
    } else if (kind == PLIMSOLL_DOCTOR_ENDPOINTS) {
        take_endpoints(doctor, object);
    } else if (kind == PLIMSOLL_DOCTOR_LEASES) {
        take_lease(doctor, object);
    } else if (kind == PLIMSOLL_DOCTOR_RUNTIME_CLASSES) {
        take_runtime_class(doctor, object);
    } else if (kind == PLIMSOLL_DOCTOR_CONFIG_MAPS && doctor->ca_config_map != NULL &&
               plimsoll_json_is(name, doctor->ca_config_map)) {
        plimsoll_doctor_keep(&doctor->trusted, plimsoll_doctor_at(object, "data", "ca.crt", NULL));
    }
}

/* -- judging -------------------------------------------------------------------------------------
 */

static void judge_webhook(struct plimsoll_doctor *doctor)
{
    if (plimsoll_doctor_missed(doctor, "webhook", PLIMSOLL_DOCTOR_WEBHOOKS)) {
        return;
    }
    if (doctor->webhook == NULL) {
        plimsoll_doctor_find(doctor, "webhook", PLIMSOLL_FINDING_PROBLEM,
                             "Install the chart, or apply manifests/.",
                             "No MutatingWebhookConfiguration has the webhook " WEBHOOK ".");
        return;
    }
    plimsoll_doctor_find(doctor, "webhook", PLIMSOLL_FINDING_OK, NULL, "%s, failurePolicy %s.",
                         doctor->webhook,
                         doctor->failure_policy != NULL ? doctor->failure_policy : "not known");
    if (!plimsoll_doctor_missed(doctor, "endpoints", PLIMSOLL_DOCTOR_ENDPOINTS) &&
        doctor->endpoints > 0 && doctor->endpoints_ready == 0) {
        plimsoll_doctor_find(doctor, "endpoints", PLIMSOLL_FINDING_PROBLEM,
                             "See why the server is not ready: its /readyz and its log say so.",
                             "No endpoint of Service %s/%s is ready.", doctor->home,
                             doctor->service);
    }
}

static void judge_certificates(struct plimsoll_doctor *doctor)
{
    static const char check[] = "certificates";
    if (doctor->webhook == NULL) {
        return;
    }
    int64_t end = doctor->ca_bundle != NULL ? plimsoll_doctor_bundle_end(doctor->ca_bundle) : 0;
    if (end == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_PROBLEM,
                             "The server, or cert-manager's injector, writes it; their logs say "
                             "what keeps them.",
                             "The webhook %s has no caBundle that holds a certificate.",
                             doctor->webhook);
        return;
    }
    char time[PLIMSOLL_TIME_SIZE];
    plimsoll_time_format(end, time);
    if (end < doctor->now + PLIMSOLL_DOCTOR_EXPIRY_MS) {
        plimsoll_doctor_find(
            doctor, check, end < doctor->now ? PLIMSOLL_FINDING_PROBLEM : PLIMSOLL_FINDING_WARNING,
            "Renew it; where the server makes it, its log says what keeps it.",
            "The CA of the webhook's caBundle ends at %s.", time);
    } else if (doctor->trusted != NULL &&
               !plimsoll_doctor_bundle_has(doctor->ca_bundle, doctor->trusted)) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_PROBLEM,
                             "See who else writes the webhook's caBundle; the server's log says "
                             "when its own write is refused.",
                             "The caBundle is not the CA that the server signs with (ConfigMap "
                             "%s/%s).",
                             doctor->home, doctor->ca_config_map);
    } else {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "The caBundle is good until %s.", time);
    }
}

static void judge_server(struct plimsoll_doctor *doctor)
{
    static const char check[] = "server";
    if (plimsoll_doctor_missed(doctor, check, PLIMSOLL_DOCTOR_DEPLOYMENTS)) {
        return;
    }
    if (doctor->deployment == NULL) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_PROBLEM,
                             "Install the chart, or apply manifests/.",
                             "There is no Deployment of the server.");
        return;
    }
    bool all = doctor->ready >= doctor->wanted && doctor->ready > 0;
    plimsoll_doctor_find(doctor, check,
                         all                 ? PLIMSOLL_FINDING_OK
                         : doctor->ready > 0 ? PLIMSOLL_FINDING_WARNING
                                             : PLIMSOLL_FINDING_PROBLEM,
                         all ? NULL : "kubectl describe its pods; the log of a server says why.",
                         "%lld of %lld pods of Deployment %s are ready.", (long long)doctor->ready,
                         (long long)doctor->wanted, doctor->deployment);
    if (doctor->other_versions.count > 0) {
        plimsoll_doctor_find(doctor, "versions", PLIMSOLL_FINDING_WARNING,
                             "Upgrade whichever is older, so that all decide alike.",
                             "This is kubectl-plimsoll %s, and there are other versions: %s.",
                             doctor->options.version, doctor->other_versions.text.data);
    } else {
        plimsoll_doctor_find(doctor, "versions", PLIMSOLL_FINDING_OK, NULL, "All are %s.",
                             doctor->options.version);
    }
}

static void judge_scheduler(struct plimsoll_doctor *doctor)
{
    static const char check[] = "scheduler";
    if (plimsoll_doctor_missed(doctor, check, PLIMSOLL_DOCTOR_PODS)) {
        return;
    }
    if (doctor->scheduler_runs && doctor->unread[PLIMSOLL_DOCTOR_LEASES] == NULL &&
        !doctor->lease_held) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_PROBLEM,
                             "See the log of the container kube-scheduler in the server's pods.",
                             doctor->lease != NULL ? "Nobody renews the scheduler's Lease %s%s."
                                                   : "The scheduler has never taken its Lease%s%s.",
                             doctor->lease != NULL ? doctor->lease : "", "");
    }
    plimsoll_doctor_list(doctor, check, PLIMSOLL_FINDING_PROBLEM, &doctor->unclaimed,
                         "GPU pods that our scheduler bound without asking Plimsoll",
                         "Its configuration needs the extender with bindVerb; kubectl plimsoll "
                         "explain names the pod's way.");
    plimsoll_doctor_list(doctor, check, PLIMSOLL_FINDING_PROBLEM, &doctor->stuck,
                         "Pods for our scheduler that no scheduler has looked at",
                         "See whether the scheduler runs; after an uninstall give these pods "
                         "another schedulerName.");
    if (doctor->claims > 0 && doctor->unclaimed.count == 0 && doctor->stuck.count == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "It asks Plimsoll; pods with a claim: %zu.", doctor->claims);
    } else if (doctor->unclaimed.count == 0 && doctor->stuck.count == 0) {
        plimsoll_doctor_find(doctor, check, PLIMSOLL_FINDING_OK, NULL,
                             "No GPU pod has been placed yet, and none is stuck.");
    }
}

void plimsoll_doctor_judge_release(struct plimsoll_doctor *doctor)
{
    judge_webhook(doctor);
    judge_certificates(doctor);
    judge_server(doctor);
    judge_scheduler(doctor);
}
