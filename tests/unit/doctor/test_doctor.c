/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "ca_bundle.h"

#include <plimsoll/doctor.h>

#include <stdio.h>
#include <string.h>

/* 2026-11-25T05:00:00Z */
#define NOW INT64_C(1795582800000)

#define META(name)       "\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ai\"}"
#define PARTS(more)      "{\"app.kubernetes.io/part-of\":\"plimsoll\"" more "}"
#define VERSION(version) ",\"app.kubernetes.io/version\":\"" version "\""
#define COMPONENT(which) ",\"app.kubernetes.io/component\":\"" which "\""
#define LIMIT                                                                                      \
    "\"containers\":[{\"name\":\"main\",\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"1\"}}}]"
#define CLAIM                                                                                      \
    "\"plimsoll.dev/claim\":\"{\\\"v\\\":1,\\\"pod\\\":\\\"u1\\\",\\\"node\\\":\\\"box\\\","       \
    "\\\"cards\\\":[{\\\"id\\\":\\\"GPU-1\\\",\\\"vram\\\":1073741824}]}\""

static const char trial[] =
    "{\"metadata\":{\"name\":\"t\",\"namespace\":\"default\","
    "\"creationTimestamp\":\"2026-11-25T05:00:00Z\",\"annotations\":{\"plimsoll.dev/profile\":"
    "\"nvidia\"}},\"spec\":{\"schedulerName\":\"plimsoll-scheduler\"}}";
static const char webhook[] =
    "{\"metadata\":{\"name\":\"plimsoll\"},\"webhooks\":[{\"name\":\"other\"},"
    "{\"name\":\"pods.plimsoll.dev\",\"failurePolicy\":\"Ignore\",\"clientConfig\":{\"caBundle\":"
    "\"" CA_GOOD "\",\"service\":{\"name\":\"plimsoll\",\"namespace\":\"plimsoll-system\"}},"
    "\"namespaceSelector\":{\"matchExpressions\":[{\"key\":\"kubernetes.io/metadata.name\","
    "\"operator\":\"NotIn\",\"values\":[\"kube-system\"]}]}}]}";
static const char deployment[] =
    "{\"metadata\":{\"name\":\"plimsoll\",\"namespace\":\"plimsoll-system\","
    "\"labels\":" PARTS(
        VERSION("0.1.0")) "},\"spec\":{\"replicas\":2,\"template\":{\"metadata\":{"
                          "\"labels\":" PARTS(COMPONENT(
                              "server")) "},\"spec\":{\"containers\":[{\"name\":\"server\","
                                         "\"args\":[\"--ca-configmap=plimsoll-ca\"]},{\"name\":"
                                         "\"kube-scheduler\"}]}}},"
                                         "\"status\":{\"readyReplicas\":2}}";
static const char endpoints[] =
    "{\"metadata\":{\"name\":\"e\",\"labels\":{\"kubernetes.io/service-name\":\"plimsoll\"}},"
    "\"endpoints\":[{\"conditions\":{\"ready\":true}}]}";
static const char config_map[] =
    "{\"metadata\":{\"name\":\"plimsoll-ca\"},\"data\":{\"ca.crt\":\"" CA_GOOD_PEM "\"}}";
static const char lease[] =
    "{\"metadata\":{\"name\":\"plimsoll-scheduler\"},\"spec\":{\"holderIdentity\":\"a\","
    "\"renewTime\":\"2026-11-25T04:59:58.000000Z\"}}";
static const char runtime_class[] = "{\"metadata\":{\"name\":\"nvidia\"}}";
static const char agent[] =
    "{\"metadata\":{\"name\":\"agent\",\"namespace\":\"plimsoll-system\",\"uid\":\"a\","
    "\"labels\":" PARTS(COMPONENT("agent")) "},\"spec\":{\"nodeName\":\"box\",\"containers\":[]},"
                                            "\"status\":{\"phase\":\"Running\",\"conditions\":[{"
                                            "\"type\":\"Ready\",\"status\":\"True\"}]}}";
static const char pod[] =
    "{\"metadata\":{\"name\":\"ollama\",\"namespace\":\"ai\",\"uid\":\"u1\",\"annotations\":{"
    "\"plimsoll.dev/profile\":\"nvidia\"," CLAIM "}},\"spec\":{\"schedulerName\":"
    "\"plimsoll-scheduler\",\"nodeName\":\"box\"," LIMIT "}}";
static const char node[] =
    "{\"metadata\":{\"name\":\"box\",\"annotations\":{\"plimsoll.dev/inventory\":"
    "\"{\\\"v\\\":1,\\\"cards\\\":[{\\\"id\\\":\\\"GPU-1\\\",\\\"index\\\":0,\\\"vendor\\\":"
    "\\\"nvidia\\\",\\\"vram\\\":17179869184,\\\"health\\\":\\\"ok\\\"}]}\",\"plimsoll.dev/"
    "usage\":\"{\\\"v\\\":1,"
    "\\\"time\\\":\\\"2026-11-25T04:59:00Z\\\",\\\"cards\\\":[{\\\"id\\\":\\\"GPU-1\\\","
    "\\\"used\\\":0}]}\"}},\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"4\"}}}";

static const struct plimsoll_resource resources[] = {
    {.name = "nvidia.com/gpu", .vendor = PLIMSOLL_VENDOR_NVIDIA}};
static const struct plimsoll_reading reading = {.resources = {.list = resources, .count = 1}};

/* One object of every kind, in order; NULL: none. */
struct lab {
    struct plimsoll_doctor *doctor;
    const char *objects[PLIMSOLL_DOCTOR_KIND_COUNT];
    const char *version;
    int64_t now;
    const struct plimsoll_finding *findings;
    size_t count;
};

static int set_up(void **state)
{
    struct lab *lab = plimsoll_alloc(1, sizeof *lab);
    lab->version = "0.1.0";
    lab->now = NOW;
    lab->objects[PLIMSOLL_DOCTOR_TRIAL] = trial;
    lab->objects[PLIMSOLL_DOCTOR_WEBHOOKS] = webhook;
    lab->objects[PLIMSOLL_DOCTOR_DEPLOYMENTS] = deployment;
    lab->objects[PLIMSOLL_DOCTOR_ENDPOINTS] = endpoints;
    lab->objects[PLIMSOLL_DOCTOR_CONFIG_MAPS] = config_map;
    lab->objects[PLIMSOLL_DOCTOR_LEASES] = lease;
    lab->objects[PLIMSOLL_DOCTOR_RUNTIME_CLASSES] = runtime_class;
    lab->objects[PLIMSOLL_DOCTOR_NODES] = node;
    *state = lab;
    return 0;
}

static int tear_down(void **state)
{
    struct lab *lab = *state;
    plimsoll_doctor_free(&lab->doctor);
    free(lab);
    return 0;
}

static void take(struct lab *lab, enum plimsoll_doctor_kind kind, const char *text)
{
    struct plimsoll_error err = {0};
    plimsoll_autojson *document = NULL;
    if (plimsoll_json_parse(plimsoll_span_of(text), &document, &err) < 0) {
        fail_msg("%s: %s", text, err.message);
    }
    plimsoll_doctor_take(lab->doctor, kind, plimsoll_json_root(document));
}

static void begin(struct lab *lab)
{
    static const char *const schedulers[] = {"plimsoll-scheduler"};
    static const char *const classes[] = {"nvidia"};
    plimsoll_doctor_free(&lab->doctor);
    lab->doctor = plimsoll_doctor_new(&(struct plimsoll_doctor_options){.reading = &reading,
                                                                        .schedulers = schedulers,
                                                                        .scheduler_count = 1,
                                                                        .runtime_classes = classes,
                                                                        .runtime_class_count = 1,
                                                                        .max_report_age_ms = 600000,
                                                                        .now_unix_ms = lab->now,
                                                                        .version = lab->version});
}

static void end(struct lab *lab)
{
    lab->findings = plimsoll_doctor_end(lab->doctor, &lab->count);
}

/* The healthy installation with an object of `kind` in the place of its own, or besides. */
static void examine(struct lab *lab, enum plimsoll_doctor_kind kind, const char *object,
                    bool besides)
{
    begin(lab);
    for (int i = 0; i < PLIMSOLL_DOCTOR_KIND_COUNT; i++) {
        enum plimsoll_doctor_kind it = (enum plimsoll_doctor_kind)i;
        if (lab->objects[it] != NULL && (it != kind || besides)) {
            take(lab, it, lab->objects[it]);
        }
        if (it == PLIMSOLL_DOCTOR_PODS && (it != kind || besides)) {
            take(lab, it, agent);
            take(lab, it, pod);
        }
        if (it == kind && object != NULL) {
            take(lab, it, object);
        }
    }
    end(lab);
}

/* What is not well: just one finding, of this check, with these words, and something to do. */
static void found(const struct lab *lab, const char *check, enum plimsoll_finding_state state,
                  const char *words)
{
    size_t ill = 0;
    for (size_t i = 0; i < lab->count; i++) {
        const struct plimsoll_finding *it = &lab->findings[i];
        if (it->state != PLIMSOLL_FINDING_OK) {
            if (strcmp(it->check, check) != 0 || strstr(it->says, words) == NULL ||
                it->state != state) {
                fail_msg("%s: %s", it->check, it->says);
            }
            assert_non_null(it->todo);
            ill++;
        } else {
            assert_null(it->todo);
        }
    }
    assert_int_equal(ill, 1);
}

#define WARNING PLIMSOLL_FINDING_WARNING
#define PROBLEM PLIMSOLL_FINDING_PROBLEM

static void a_healthy_installation_is_said_to_be_well(void **state)
{
    static const char *const checks[] = {"webhook",   "certificates", "server", "versions",
                                         "scheduler", "admission",    "agents", "runtimeClasses",
                                         "pods",      "annotations",  "dra"};
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_KIND_COUNT, NULL, false);
    for (size_t i = 0; i < lab->count; i++) {
        if (lab->findings[i].state != PLIMSOLL_FINDING_OK) {
            fail_msg("%s: %s", lab->findings[i].check, lab->findings[i].says);
        }
        assert_string_equal(lab->findings[i].check, checks[i]);
    }
    assert_int_equal(lab->count, sizeof checks / sizeof checks[0]);
}

static void a_missing_webhook_or_server_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_WEBHOOKS, "{\"webhooks\":[{\"name\":\"other\"}]}", false);
    found(lab, "webhook", PROBLEM, "No MutatingWebhookConfiguration");
    examine(lab, PLIMSOLL_DOCTOR_DEPLOYMENTS, NULL, false);
    found(lab, "server", PROBLEM, "no Deployment of the server");
}

static void endpoints_of_which_none_is_ready_are_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_ENDPOINTS,
            "{\"metadata\":{\"labels\":{\"kubernetes.io/service-name\":\"plimsoll\"}},"
            "\"endpoints\":[{\"conditions\":{\"ready\":false}}]}",
            false);
    found(lab, "endpoints", PROBLEM, "No endpoint of Service plimsoll-system/plimsoll");
    examine(lab, PLIMSOLL_DOCTOR_ENDPOINTS,
            "{\"metadata\":{\"labels\":{\"kubernetes.io/service-name\":\"plimsoll\"}},"
            "\"endpoints\":[{\"conditions\":{\"ready\":false}}]}",
            true);
    assert_int_equal(lab->findings[1].state, PLIMSOLL_FINDING_OK);
}

#define WEBHOOK_WITH(bundle)                                                                       \
    "{\"metadata\":{\"name\":\"plimsoll\"},\"webhooks\":[{\"name\":\"pods.plimsoll.dev\","         \
    "\"clientConfig\":{\"caBundle\":\"" bundle "\",\"service\":{\"name\":\"plimsoll\","            \
    "\"namespace\":\"plimsoll-system\"}}}]}"

static void a_bundle_that_is_not_there_expired_or_of_another_ca_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_WEBHOOKS, WEBHOOK_WITH(""), false);
    found(lab, "certificates", PROBLEM, "no caBundle");
    examine(lab, PLIMSOLL_DOCTOR_WEBHOOKS, WEBHOOK_WITH("bm90IFBFTQ=="), false);
    found(lab, "certificates", PROBLEM, "no caBundle");
    examine(lab, PLIMSOLL_DOCTOR_WEBHOOKS, WEBHOOK_WITH("!!!!"), false);
    found(lab, "certificates", PROBLEM, "no caBundle");
    examine(lab, PLIMSOLL_DOCTOR_WEBHOOKS, WEBHOOK_WITH(CA_OTHER), false);
    found(lab, "certificates", PROBLEM, "not the CA that the server signs with");
    /* PLIMSOLL_DOCTOR_EXPIRY_MS before its end and after it. */
    lab->objects[PLIMSOLL_DOCTOR_TRIAL] = NULL;
    lab->objects[PLIMSOLL_DOCTOR_LEASES] = NULL;
    lab->now = CA_GOOD_END_MS - PLIMSOLL_DOCTOR_EXPIRY_MS / 2;
    begin(lab);
    take(lab, PLIMSOLL_DOCTOR_WEBHOOKS, webhook);
    end(lab);
    assert_string_equal(lab->findings[1].check, "certificates");
    assert_int_equal(lab->findings[1].state, WARNING);
    lab->now = CA_GOOD_END_MS + 1000;
    begin(lab);
    take(lab, PLIMSOLL_DOCTOR_WEBHOOKS, webhook);
    end(lab);
    assert_int_equal(lab->findings[1].state, PROBLEM);
}

static void a_server_of_which_pods_are_missing_is_said(void **state)
{
    struct lab *lab = *state;
#define DEPLOYMENT(version, ready)                                                                 \
    "{\"metadata\":{\"name\":\"plimsoll\",\"namespace\":\"p\",\"labels\":" PARTS(                  \
        VERSION(version)) "},\"spec\":{\"replicas\":2,\"template\":{\"metadata\":{"                \
                          "\"labels\":" PARTS(COMPONENT("server")) "}}},\"status\":{" ready "}}"
    examine(lab, PLIMSOLL_DOCTOR_DEPLOYMENTS, DEPLOYMENT("0.1.0", "\"readyReplicas\":1"), false);
    found(lab, "server", WARNING, "1 of 2 pods");
    examine(lab, PLIMSOLL_DOCTOR_DEPLOYMENTS, DEPLOYMENT("0.1.0", ""), false);
    found(lab, "server", PROBLEM, "0 of 2 pods");
    examine(lab, PLIMSOLL_DOCTOR_DEPLOYMENTS, DEPLOYMENT("0.0.9", "\"readyReplicas\":2"), false);
    found(lab, "versions", WARNING, "plimsoll (0.0.9)");
}

static void a_scheduler_without_its_lease_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_LEASES, "{\"metadata\":{\"name\":\"plimsoll-books\"}}", false);
    found(lab, "scheduler", PROBLEM, "has never taken its Lease");
    /* Longer ago than PLIMSOLL_DOCTOR_PATIENCE_MS. */
    examine(lab, PLIMSOLL_DOCTOR_LEASES,
            "{\"metadata\":{\"name\":\"plimsoll-scheduler\"},\"spec\":{\"holderIdentity\":\"a\","
            "\"renewTime\":\"2026-11-25T04:58:58.000000Z\"}}",
            false);
    found(lab, "scheduler", PROBLEM, "Nobody renews the scheduler's Lease plimsoll-scheduler");
}

#define POD_OF(created, spec)                                                                      \
    "{\"metadata\":{\"name\":\"waits\",\"namespace\":\"ai\",\"uid\":\"u2\","                       \
    "\"creationTimestamp\":\"" created                                                             \
    "\",\"annotations\":{\"plimsoll.dev/profile\":\"nvidia\"}},"                                   \
    "\"spec\":{\"schedulerName\":\"plimsoll-scheduler\"," spec LIMIT "}}"

static void pods_that_no_scheduler_looks_at_are_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_PODS, POD_OF("2026-11-25T04:58:00Z", ""), true);
    found(lab, "scheduler", PROBLEM, "no scheduler has looked at (1): ai/waits");
    examine(lab, PLIMSOLL_DOCTOR_PODS, POD_OF("2026-11-25T04:59:50Z", ""), true);
    assert_int_equal(lab->findings[4].state, PLIMSOLL_FINDING_OK);
    examine(lab, PLIMSOLL_DOCTOR_PODS,
            POD_OF("2026-11-25T04:00:00Z", "\"schedulingGates\":[{\"name\":\"g\"}],"), true);
    assert_int_equal(lab->findings[4].state, PLIMSOLL_FINDING_OK);
}

static void a_scheduler_that_does_not_ask_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_PODS, POD_OF("2026-11-25T04:00:00Z", "\"nodeName\":\"box\","),
            true);
    found(lab, "scheduler", PROBLEM, "bound without asking Plimsoll (1): ai/waits");
}

static void a_trial_that_comes_back_unchanged_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_TRIAL,
            "{\"metadata\":{\"creationTimestamp\":\"2026-11-25T05:00:00Z\"}}", false);
    found(lab, "admission", PROBLEM, "is not changed by the webhook");
    begin(lab);
    plimsoll_doctor_unread(lab->doctor, PLIMSOLL_DOCTOR_TRIAL, "failed calling webhook: EOF");
    end(lab);
    bool refused = false;
    for (size_t i = 0; i < lab->count; i++) {
        refused |= lab->findings[i].state == PROBLEM &&
                   strcmp(lab->findings[i].says,
                          "No GPU pod can be created now: failed calling webhook: EOF") == 0;
    }
    assert_true(refused);
    begin(lab);
    plimsoll_doctor_unread(lab->doctor, PLIMSOLL_DOCTOR_TRIAL, "pods is forbidden");
    end(lab);
    bool said = false;
    for (size_t i = 0; i < lab->count; i++) {
        said |= strcmp(lab->findings[i].says, "Not asked: pods is forbidden") == 0;
    }
    assert_true(said);
}

static void clocks_that_differ_are_said(void **state)
{
    struct lab *lab = *state;
    lab->now = NOW - PLIMSOLL_DOCTOR_SKEW_MS - 1000;
    examine(lab, PLIMSOLL_DOCTOR_KIND_COUNT, NULL, false);
    found(lab, "clocks", WARNING, "This machine and the API server are 61 s apart");
    lab->now = NOW - PLIMSOLL_DOCTOR_SKEW_MS;
    examine(lab, PLIMSOLL_DOCTOR_NODES,
            "{\"metadata\":{\"name\":\"ahead\",\"annotations\":{\"plimsoll.dev/free-vram\":\"8Gi\","
            "\"plimsoll.dev/free-vram-time\":\"2026-11-25T05:02:00Z\"}}}",
            true);
    found(lab, "clocks", WARNING, "The report of node ahead is 120 s ahead");
}

static void nodes_without_agent_inventory_or_fresh_report_are_said(void **state)
{
    struct lab *lab = *state;
#define GPUS ",\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"1\"}}}"
    examine(lab, PLIMSOLL_DOCTOR_NODES, "{\"metadata\":{\"name\":\"bare\"}" GPUS, true);
    found(lab, "agents", WARNING, "without an agent (1): bare");
    examine(lab, PLIMSOLL_DOCTOR_NODES, "{\"metadata\":{\"name\":\"box\"}" GPUS, false);
    found(lab, "agents", PROBLEM, "no plimsoll.dev/inventory (1): box");
    examine(lab, PLIMSOLL_DOCTOR_NODES,
            "{\"metadata\":{\"name\":\"old\",\"annotations\":{\"plimsoll.dev/free-vram\":\"8Gi\","
            "\"plimsoll.dev/free-vram-time\":\"2026-11-25T04:40:00Z\"}}}",
            true);
    found(lab, "reports", WARNING, "stale (1): old");
    examine(
        lab, PLIMSOLL_DOCTOR_NODES,
        "{\"metadata\":{\"name\":\"box\",\"annotations\":{\"plimsoll.dev/inventory\":\"no\"}}" GPUS,
        false);
    assert_int_equal(lab->findings[lab->count - 5].state, PROBLEM);
    examine(lab, PLIMSOLL_DOCTOR_NODES, "{\"metadata\":{\"name\":\"plain\"}}", false);
    found(lab, "agents", WARNING, "No node with a GPU is known");
}

static void an_agent_that_is_not_ready_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_PODS,
            "{\"metadata\":{\"name\":\"agent\",\"namespace\":\"p\",\"uid\":\"a\","
            "\"labels\":" PARTS(COMPONENT("agent")) "},\"spec\":{\"nodeName\":\"box\","
                                                    "\"containers\":[]}}",
            false);
    found(lab, "agents", PROBLEM, "not ready, so that their nodes' reports are stale (1): box");
}

static void names_are_listed_up_to_a_ceiling(void **state)
{
    struct lab *lab = *state;
    begin(lab);
    for (int i = 0; i <= PLIMSOLL_DOCTOR_NAMES_MAX; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"metadata\":{\"name\":\"n%d\"}" GPUS, i);
        take(lab, PLIMSOLL_DOCTOR_NODES, text);
    }
    end(lab);
    bool said = false;
    for (size_t i = 0; i < lab->count; i++) {
        said |= strstr(lab->findings[i].says, "(5): n0, n1, n2, n3 and more.") != NULL;
    }
    assert_true(said);
    /* Whatever is wrong, PLIMSOLL_DOCTOR_FINDINGS_MAX is not reached. */
    assert_true(lab->count < PLIMSOLL_DOCTOR_FINDINGS_MAX / 2);
}

static void a_missing_runtime_class_is_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_RUNTIME_CLASSES, "{\"metadata\":{\"name\":\"kata\"}}", false);
    found(lab, "runtimeClasses", WARNING, "There is no RuntimeClass nvidia");
}

static void gpu_pods_that_the_webhook_has_not_seen_are_said(void **state)
{
    struct lab *lab = *state;
    examine(lab, PLIMSOLL_DOCTOR_PODS,
            "{" META("bare") ",\"spec\":{\"nodeName\":\"box\"," LIMIT "}}", true);
    found(lab, "pods", WARNING, "has not seen (1): ai/bare");
    static const char *const let_alone[] = {
        "{\"metadata\":{\"name\":\"x\",\"namespace\":\"ai\",\"uid\":\"u1\","
        "\"annotations\":{" CLAIM "}},\"spec\":{\"nodeName\":\"box\"," LIMIT "}}",
        "{\"metadata\":{\"name\":\"x\",\"namespace\":\"kube-system\"},\"spec\":{" LIMIT "}}",
        "{\"metadata\":{\"name\":\"x\",\"namespace\":\"ai\",\"annotations\":{"
        "\"plimsoll.dev/inject\":\"false\"}},\"spec\":{" LIMIT "}}",
        "{" META("done") ",\"spec\":{" LIMIT "},\"status\":{\"phase\":\"Failed\"}}",
        "{" META("cpu") ",\"spec\":{\"containers\":[]}}"};
    for (size_t i = 0; i < sizeof let_alone / sizeof let_alone[0]; i++) {
        examine(lab, PLIMSOLL_DOCTOR_PODS, let_alone[i], true);
        for (size_t j = 0; j < lab->count; j++) {
            assert_int_equal(lab->findings[j].state, PLIMSOLL_FINDING_OK);
        }
    }
}

static void vram_on_a_workload_instead_of_its_pods_is_said(void **state)
{
    static const enum plimsoll_doctor_kind kinds[] = {
        PLIMSOLL_DOCTOR_DEPLOYMENTS, PLIMSOLL_DOCTOR_DAEMON_SETS, PLIMSOLL_DOCTOR_STATEFUL_SETS,
        PLIMSOLL_DOCTOR_JOBS};
    struct lab *lab = *state;
#define ANNOTATED "\"annotations\":{\"plimsoll.dev/vram\":\"1Gi\"}"
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        examine(lab, kinds[i],
                "{\"metadata\":{\"name\":\"web\",\"namespace\":\"ai\"," ANNOTATED
                "},\"spec\":{\"template\":{\"metadata\":{}}}}",
                true);
        found(lab, "annotations", WARNING, "and not on its pods (1): ai/web");
        examine(lab, kinds[i],
                "{\"metadata\":{\"name\":\"web\",\"namespace\":\"ai\"," ANNOTATED
                "},\"spec\":{\"template\":{\"metadata\":{" ANNOTATED "}}}}",
                true);
        assert_int_equal(lab->findings[lab->count - 2].state, PLIMSOLL_FINDING_OK);
    }
}

static void gpus_that_dra_hands_out_are_said(void **state)
{
    struct lab *lab = *state;
#define ALLOCATED(driver)                                                                          \
    "{" META(                                                                                      \
        "claim") ",\"status\":{\"allocation\":{\"devices\":{\"results\":[{\"driver\":\"" driver    \
                 "\"}]}}}}"
    examine(lab, PLIMSOLL_DOCTOR_RESOURCE_CLAIMS, ALLOCATED("gpu.nvidia.com"), true);
    found(lab, "dra", WARNING, "hold GPUs, which is not accounted (1): ai/claim");
    examine(lab, PLIMSOLL_DOCTOR_RESOURCE_CLAIMS, ALLOCATED("net.example.com"), true);
    assert_int_equal(lab->findings[lab->count - 1].state, PLIMSOLL_FINDING_OK);
    examine(lab, PLIMSOLL_DOCTOR_PODS,
            "{" META("x") ",\"spec\":{\"containers\":[]},\"status\":{"
                          "\"extendedResourceClaimStatus\":{}}}",
            true);
    found(lab, "dra", WARNING, "through DRAExtendedResource");
}

static void what_may_not_be_asked_is_said(void **state)
{
    struct lab *lab = *state;
    begin(lab);
    for (int i = 0; i < PLIMSOLL_DOCTOR_KIND_COUNT; i++) {
        plimsoll_doctor_unread(lab->doctor, (enum plimsoll_doctor_kind)i, "forbidden");
    }
    end(lab);
    assert_true(lab->count > 0);
    for (size_t i = 0; i < lab->count; i++) {
        assert_string_equal(lab->findings[i].says, "Not asked: forbidden");
        assert_int_equal(lab->findings[i].state, WARNING);
    }
}

static void objects_of_any_shape_are_survived(void **state)
{
    static const char *const shapes[] = {
        "null",
        "[]",
        "{}",
        "\"x\"",
        "{\"metadata\":[],\"spec\":1,\"status\":\"\"}",
        "{\"metadata\":{\"name\":1,\"labels\":[],\"annotations\":7},\"webhooks\":{\"a\":1}}",
        "{\"metadata\":{\"name\":\"\\u0000\"},\"endpoints\":[null],\"webhooks\":[[]]}"};
    struct lab *lab = *state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        begin(lab);
        for (int kind = 0; kind < PLIMSOLL_DOCTOR_KIND_COUNT; kind++) {
            take(lab, (enum plimsoll_doctor_kind)kind, shapes[i]);
        }
        end(lab);
        assert_true(lab->count > 0);
        assert_null(plimsoll_doctor_home(lab->doctor));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_healthy_installation_is_said_to_be_well),
        TEST(a_missing_webhook_or_server_is_said),
        TEST(endpoints_of_which_none_is_ready_are_said),
        TEST(a_bundle_that_is_not_there_expired_or_of_another_ca_is_said),
        TEST(a_server_of_which_pods_are_missing_is_said),
        TEST(a_scheduler_without_its_lease_is_said),
        TEST(pods_that_no_scheduler_looks_at_are_said),
        TEST(a_scheduler_that_does_not_ask_is_said),
        TEST(a_trial_that_comes_back_unchanged_is_said),
        TEST(clocks_that_differ_are_said),
        TEST(nodes_without_agent_inventory_or_fresh_report_are_said),
        TEST(an_agent_that_is_not_ready_is_said),
        TEST(names_are_listed_up_to_a_ceiling),
        TEST(a_missing_runtime_class_is_said),
        TEST(gpu_pods_that_the_webhook_has_not_seen_are_said),
        TEST(vram_on_a_workload_instead_of_its_pods_is_said),
        TEST(gpus_that_dra_hands_out_are_said),
        TEST(what_may_not_be_asked_is_said),
        TEST(objects_of_any_shape_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
