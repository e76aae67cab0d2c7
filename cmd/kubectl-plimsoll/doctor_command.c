/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "picture.h"
#include "terminal.h"

#include <plimsoll/clock.h>
#include <plimsoll/diagnosis.h>

#include <string.h>

#define ANSWER_BYTES_MAX (1u * 1024 * 1024)
/* A page of PAGE_OBJECTS objects. */
#define PAGE_BYTES_MAX (64u * 1024 * 1024)
#define PAGE_OBJECTS   500u
#define PATH_SIZE      4096u
/* A bit each in the doctor's memory. */
#define RUNTIME_CLASSES_MAX 64u

/* Where a kind is listed; %s is the namespace of the webhook's Service. */
static const struct {
    enum plimsoll_doctor_kind kind;
    const char *path;
} lists[] = {
    {PLIMSOLL_DOCTOR_WEBHOOKS,
     "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations?"},
    {PLIMSOLL_DOCTOR_DEPLOYMENTS, "/apis/apps/v1/deployments?"},
    {PLIMSOLL_DOCTOR_DAEMON_SETS, "/apis/apps/v1/daemonsets?"},
    {PLIMSOLL_DOCTOR_STATEFUL_SETS, "/apis/apps/v1/statefulsets?"},
    {PLIMSOLL_DOCTOR_JOBS, "/apis/batch/v1/jobs?"},
    {PLIMSOLL_DOCTOR_ENDPOINTS, "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices?"},
    {PLIMSOLL_DOCTOR_CONFIG_MAPS, "/api/v1/namespaces/%s/configmaps?"},
    {PLIMSOLL_DOCTOR_LEASES, "/apis/coordination.k8s.io/v1/namespaces/%s/leases?"},
    {PLIMSOLL_DOCTOR_RUNTIME_CLASSES, "/apis/node.k8s.io/v1/runtimeclasses?"},
    {PLIMSOLL_DOCTOR_RESOURCE_CLAIMS, "/apis/resource.k8s.io/v1/resourceclaims?"},
    {PLIMSOLL_DOCTOR_PODS,
     "/api/v1/pods?fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed&"},
    {PLIMSOLL_DOCTOR_NODES, "/api/v1/nodes?"},
};

/* -- asking --------------------------------------------------------------------------------------
 */

/* @param following  The token of this page; then that of the next one, "" after the last. */
static int read_page(const struct plimsoll_kubectl *kubectl, const char *path,
                     struct plimsoll_text *following, struct plimsoll_doctor *doctor,
                     enum plimsoll_doctor_kind kind, struct plimsoll_error *err)
{
    plimsoll_autotext whole = plimsoll_text_make(PATH_SIZE);
    plimsoll_autotext body = plimsoll_text_make(PAGE_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    plimsoll_text_add_format(&whole, "%slimit=%u", path, PAGE_OBJECTS);
    if (following->size > 0) {
        plimsoll_text_add_format(&whole, "&continue=%s", following->data);
    }
    if (plimsoll_kubectl_get(kubectl, whole.data, &body, err) < 0 ||
        plimsoll_json_parse(plimsoll_text_span(&body), &document, err) < 0) {
        return -1;
    }
    struct plimsoll_json root = plimsoll_json_root(document);
    struct plimsoll_json it = plimsoll_json_first(plimsoll_json_get(root, "items"));
    for (; plimsoll_json_type(it) != PLIMSOLL_JSON_MISSING; it = plimsoll_json_next(it)) {
        plimsoll_doctor_take(doctor, kind, it);
    }
    plimsoll_text_reset(following);
    (void)plimsoll_json_string(plimsoll_json_get(plimsoll_json_get(root, "metadata"), "continue"),
                               following);
    return 0;
}

/* What may not be asked, or is not served, is the doctor's business; a cluster that does not answer
 * is ours. */
static int read_list(const struct plimsoll_kubectl *kubectl, struct plimsoll_doctor *doctor,
                     size_t list, struct plimsoll_error *err)
{
    const char *home = plimsoll_doctor_home(doctor), *rest = strstr(lists[list].path, "%s");
    plimsoll_autotext path = plimsoll_text_make(PATH_SIZE);
    plimsoll_autotext following = plimsoll_text_make(PATH_SIZE);
    if (rest != NULL && home == NULL) {
        return 0;
    }
    if (rest != NULL) {
        plimsoll_text_add(&path, lists[list].path, (size_t)(rest - lists[list].path));
        plimsoll_text_add_string(&path, home);
        plimsoll_text_add_string(&path, rest + 2);
    } else {
        plimsoll_text_add_string(&path, lists[list].path);
    }
    struct plimsoll_error why = {0};
    int result;
    do {
        result = read_page(kubectl, path.data, &following, doctor, lists[list].kind, &why);
    } while (result == 0 && following.size > 0);
    if (result == 0 || why.kind == PLIMSOLL_ERR_NOT_FOUND) {
        return 0;
    }
    if (why.kind == PLIMSOLL_ERR_DENIED) {
        plimsoll_doctor_unread(doctor, lists[list].kind, why.message);
        return 0;
    }
    *err = why;
    return -1;
}

/* A pod that is never made: the API server sends it through admission and gives it back. */
static void try_pod(const struct plimsoll_plugin_options *options, struct plimsoll_doctor *doctor)
{
    plimsoll_autotext home = plimsoll_text_make(PATH_SIZE);
    plimsoll_autotext body = plimsoll_text_make(PAGE_BYTES_MAX);
    plimsoll_autojson *document = NULL;
    struct plimsoll_error why = {0};
    plimsoll_text_add_format(&home, "--namespace=%s",
                             options->namespace_ != NULL ? options->namespace_ : "default");
    const char *const arguments[] = {"run",
                                     "plimsoll-doctor",
                                     "--image=registry.k8s.io/pause:3.10",
                                     "--restart=Never",
                                     "--annotations=plimsoll.dev/vram=1Gi",
                                     "--dry-run=server",
                                     "--output=json",
                                     home.data,
                                     NULL};
    if (plimsoll_kubectl_read(&options->kubectl, arguments, &body, &why) < 0 ||
        plimsoll_json_parse(plimsoll_text_span(&body), &document, &why) < 0) {
        plimsoll_doctor_unread(doctor, PLIMSOLL_DOCTOR_TRIAL, why.message);
        return;
    }
    plimsoll_doctor_take(doctor, PLIMSOLL_DOCTOR_TRIAL, plimsoll_json_root(document));
}

/* -- answering -----------------------------------------------------------------------------------
 */

/* @return whether all is well */
static bool answer(const struct plimsoll_plugin_options *options, struct plimsoll_doctor *doctor,
                   struct plimsoll_text *out)
{
    size_t count;
    bool well = true;
    const struct plimsoll_finding *findings = plimsoll_doctor_end(doctor, &count);
    for (size_t i = 0; i < count; i++) {
        well = well && findings[i].state == PLIMSOLL_FINDING_OK;
    }
    if (plimsoll_terminal_wants_json(options)) {
        plimsoll_view_diagnosis_json(findings, count, plimsoll_clock_unix_ms(), out);
    } else {
        struct plimsoll_view_options look = plimsoll_terminal_look(options);
        plimsoll_view_diagnosis(findings, count, &look, out);
    }
    return well;
}

static int examine(const struct plimsoll_plugin_options *options,
                   const struct plimsoll_config *config, bool *well, struct plimsoll_error *err)
{
    const char *schedulers[PLIMSOLL_PROFILES_MAX], *classes[RUNTIME_CLASSES_MAX];
    struct plimsoll_doctor_options about = {.reading = &config->reading,
                                            .schedulers = schedulers,
                                            .runtime_classes = classes,
                                            .max_report_age_ms = config->max_report_age_ms,
                                            .now_unix_ms = plimsoll_clock_unix_ms(),
                                            .version = PLIMSOLL_VERSION};
    for (size_t i = 0; i < config->profile_count && i < PLIMSOLL_PROFILES_MAX; i++) {
        const char *name = config->profiles[i].scheduler_name;
        if (name != NULL && name[0] != '\0') {
            schedulers[about.scheduler_count++] = name;
        }
    }
    for (size_t i = 0; i < config->runtime_classes.count && i < RUNTIME_CLASSES_MAX; i++) {
        classes[about.runtime_class_count++] = config->runtime_classes.list[i];
    }
    struct plimsoll_doctor *doctor = plimsoll_doctor_new(&about);
    int result = 0;
    try_pod(options, doctor);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && result == 0; i++) {
        result = read_list(&options->kubectl, doctor, i, err);
    }
    if (result == 0) {
        plimsoll_autotext out = plimsoll_text_make(ANSWER_BYTES_MAX);
        *well = answer(options, doctor, &out);
        result = plimsoll_terminal_print(options, &out, err);
    }
    plimsoll_doctor_free(&doctor);
    return result;
}

int plimsoll_command_doctor(const struct plimsoll_plugin_options *options)
{
    struct plimsoll_error err = {0};
    struct plimsoll_settings settings;
    bool well = false;
    if (plimsoll_settings_load(&options->kubectl, &settings, &err) < 0) {
        return plimsoll_terminal_fail("doctor", &err);
    }
    int result = examine(options, settings.config, &well, &err);
    plimsoll_settings_clear(&settings);
    if (result < 0) {
        return plimsoll_terminal_fail("doctor", &err);
    }
    return well ? PLIMSOLL_EXIT_YES : PLIMSOLL_EXIT_NO;
}
